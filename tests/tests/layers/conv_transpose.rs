//! Transposed convolution: strides, dilations, groups, borders, automatic ones and given sizes.

use redpoll_onnx::proto::NodeProto;
use redpoll_tests::build::Random;
use redpoll_tests::one_node::{Case, Operand};
use redpoll_tests::onnx::ort_is_present;

fn check(
    x: &[usize],
    w: &[usize],
    groups: usize,
    bias: bool,
    attributes: impl FnOnce(NodeProto) -> NodeProto,
) {
    let mut random = Random::new((x.iter().sum::<usize>() + w.iter().sum::<usize>()) as u64);
    let mut case = Case::new("ConvTranspose");
    case.node = attributes(case.node.with_int("group", groups as i64));
    case.operands = vec![
        Operand::Input(random.floats(x)),
        Operand::Constant(random.floats(w)),
    ];
    if bias {
        let bias = random.floats(&[w[1] * groups]);
        case.operands.push(Operand::Constant(bias));
    }
    let what = format!("{x:?} {w:?} groups {groups} {:?}", case.node.attribute);
    case.check(&what, 1e-6, ort_is_present());
}

#[test]
fn two_axes() {
    check(&[1, 3, 4, 5], &[3, 2, 3, 3], 1, true, |n| n);
    check(&[1, 5, 4, 6], &[5, 7, 2, 2], 1, true, |n| {
        n.with_ints("strides", &[2, 2])
    });
    check(&[2, 4, 3, 5], &[4, 3, 3, 3], 1, false, |n| {
        n.with_ints("strides", &[2, 3])
            .with_ints("pads", &[1, 0, 1, 2])
    });
    check(&[1, 8, 2, 7], &[8, 1, 1, 3], 8, false, |n| {
        n.with_ints("strides", &[1, 2])
            .with_ints("pads", &[0, 1, 0, 1])
            .with_ints("output_padding", &[0, 1])
    });
    check(&[1, 6, 5, 4], &[6, 1, 4, 3], 6, true, |n| {
        n.with_ints("strides", &[2, 2])
            .with_ints("pads", &[1, 1, 1, 1])
    });
    check(&[1, 6, 5, 4], &[6, 4, 3, 2], 2, true, |n| {
        n.with_ints("strides", &[2, 1])
    });
    check(&[1, 2, 5, 6], &[2, 3, 3, 2], 1, true, |n| {
        n.with_ints("dilations", &[2, 3])
            .with_ints("strides", &[2, 2])
    });
    check(&[1, 3, 6, 6], &[3, 4, 2, 2], 1, true, |n| {
        n.with_ints("strides", &[3, 4])
    });
    check(&[1, 3, 6, 6], &[3, 4, 5, 5], 1, false, |n| {
        n.with_ints("pads", &[4, 4, 4, 4])
    });
    check(&[1, 3, 7, 7], &[3, 4, 3, 3], 1, false, |n| {
        n.with_ints("strides", &[2, 2])
            .with_ints("pads", &[5, 4, 4, 5])
    });
}

#[test]
fn given_sizes() {
    for auto_pad in ["SAME_UPPER", "SAME_LOWER", "VALID"] {
        check(&[1, 2, 4, 5], &[2, 3, 3, 4], 1, true, |n| {
            n.with_string("auto_pad", auto_pad)
                .with_ints("strides", &[2, 2])
        });
    }
    check(&[1, 1, 3, 3], &[1, 2, 3, 3], 1, false, |n| {
        n.with_ints("strides", &[3, 2])
            .with_ints("output_shape", &[10, 8])
    });
    check(&[1, 1, 3, 3], &[1, 2, 3, 3], 1, true, |n| {
        n.with_ints("strides", &[3, 2])
            .with_ints("output_shape", &[8, 6])
    });
}

#[test]
fn one_axis() {
    check(&[1, 3, 9], &[3, 5, 4], 1, true, |n| {
        n.with_ints("strides", &[2])
    });
    check(&[3, 4, 5], &[4, 1, 3], 4, true, |n| {
        n.with_ints("strides", &[3])
            .with_ints("output_padding", &[1])
    });
}
