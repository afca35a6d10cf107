//! The scan against small hand-made bytes.

use super::*;
use crate::ErrorKind;

fn kind_of(bytes: &[u8]) -> ErrorKind {
    check(bytes, &Limits::default()).unwrap_err().kind()
}

#[test]
fn counts_what_is_there() {
    // ir_version 8, graph { node { op_type "A" }, initializer { } }
    let bytes = [0x08, 8, 0x3a, 7, 0x0a, 3, 0x22, 1, b'A', 0x2a, 0];
    let totals = check(&bytes, &Limits::default()).unwrap();
    assert_eq!((totals.nodes, totals.tensors, totals.fields), (1, 1, 5));
    assert_eq!(totals.subgraph_depth, 0);
}

#[test]
fn bad_wire_format_is_malformed() {
    assert_eq!(kind_of(&[0x08]), ErrorKind::Malformed, "value cut off");
    assert_eq!(
        kind_of(&[0x0a, 0]),
        ErrorKind::Malformed,
        "bytes where a number belongs"
    );
    assert_eq!(
        kind_of(&[0x3a, 5, 0]),
        ErrorKind::Malformed,
        "length past the end"
    );
    assert_eq!(kind_of(&[0x3b]), ErrorKind::Malformed, "group");
    assert_eq!(kind_of(&[0x00, 0]), ErrorKind::Malformed, "field number 0");
    let long = [&[0x08][..], &[0xff; 10], &[0x01]].concat();
    assert_eq!(kind_of(&long), ErrorKind::Malformed, "more than 64 bits");
    let huge = [&[0x3a][..], &[0xff; 9], &[0x01]].concat();
    assert_eq!(kind_of(&huge), ErrorKind::Malformed, "length of 2^64 - 1");
}

#[test]
fn child_may_not_outlive_its_parent() {
    // graph of 2 bytes whose node announces 5, which the file would have
    assert_eq!(
        kind_of(&[0x3a, 2, 0x0a, 5, 0, 0, 0, 0, 0]),
        ErrorKind::Malformed
    );
}

#[test]
fn every_limit_bites() {
    let nodes = [&[0x3a, 6][..], &[0x0a, 0, 0x0a, 0, 0x0a, 0]].concat();
    let tight = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        check(&nodes, &limits).map_err(|e| e.kind())
    };
    assert!(tight(|l| l.nodes = 3).is_ok());
    assert_eq!(tight(|l| l.nodes = 2), Err(ErrorKind::LimitExceeded));
    assert_eq!(tight(|l| l.fields = 3), Err(ErrorKind::LimitExceeded));
    assert_eq!(tight(|l| l.file_bytes = 7), Err(ErrorKind::LimitExceeded));
    assert_eq!(
        tight(|l| l.decoded_bytes = 900),
        Err(ErrorKind::LimitExceeded)
    );
    let tensors = [0x3a, 4, 0x2a, 0, 0x2a, 0];
    let limits = Limits {
        tensors: 1,
        ..Limits::default()
    };
    assert_eq!(
        check(&tensors, &limits).unwrap_err().kind(),
        ErrorKind::LimitExceeded
    );
}

#[test]
fn unknown_fields_are_passed_over() {
    // field 99 in all four wire types, then ir_version
    let bytes = [
        0x98, 6, 1, 0x99, 6, 1, 2, 3, 4, 5, 6, 7, 8, 0x9a, 6, 1, 0xff, 0x9d, 6, 1, 2, 3, 4, 0x08, 8,
    ];
    assert_eq!(check(&bytes, &Limits::default()).unwrap().fields, 5);
}
