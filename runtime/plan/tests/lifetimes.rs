//! A plan whose steps overwrite what is still needed is refused, with the step that would read the wrong bytes.

mod sample;

use redpoll_plan::op::*;
use redpoll_plan::{DType, Fault, PlanBuilder, PlanError, TensorId};
use sample::arena;

/// 16 int8 at `offset`.
fn bytes16(b: &mut PlanBuilder, name: &str, offset: u32) -> TensorId {
    arena(b, name, DType::I8, &[16], offset)
}

fn flip(b: &mut PlanBuilder, x: TensorId, y: TensorId) {
    b.add_step("flip", Op::FlipSign(FlipSign { x, y }), 0, 0);
}

fn finish(b: &mut PlanBuilder) -> Result<(), PlanError> {
    b.set_arena_bytes(64);
    b.finish().map(drop)
}

#[test]
fn a_value_overwritten_before_its_last_use_is_refused() {
    let mut b = PlanBuilder::new();
    let x = bytes16(&mut b, "x", 0);
    let y = bytes16(&mut b, "y", 8);
    let z = bytes16(&mut b, "z", 48);
    let w = bytes16(&mut b, "w", 24);
    b.add_input("x", x);
    flip(&mut b, x, z);
    flip(&mut b, z, y); // half of x is gone
    flip(&mut b, x, w);
    assert_eq!(finish(&mut b), Err(PlanError::Step(2, Fault::Stale)));
}

#[test]
fn bytes_that_nobody_wrote_are_refused() {
    let mut b = PlanBuilder::new();
    let (x, y) = (bytes16(&mut b, "x", 0), bytes16(&mut b, "y", 16));
    flip(&mut b, x, y);
    assert_eq!(finish(&mut b), Err(PlanError::Step(0, Fault::Stale)));

    let mut b = PlanBuilder::new();
    let (x, y) = (bytes16(&mut b, "x", 0), bytes16(&mut b, "y", 16));
    b.add_input("x", x);
    b.add_output("y", y);
    assert_eq!(finish(&mut b), Err(PlanError::Output(0, Fault::Stale)));
}

#[test]
fn a_result_in_place_ends_its_operand() {
    let mut b = PlanBuilder::new();
    let x = bytes16(&mut b, "x", 0);
    let y = bytes16(&mut b, "y", 0);
    let z = bytes16(&mut b, "z", 16);
    b.add_input("x", x);
    b.add_output("z", z);
    flip(&mut b, x, y);
    flip(&mut b, y, z);
    assert_eq!(finish(&mut b), Ok(()));
    flip(&mut b, x, z);
    assert_eq!(finish(&mut b), Err(PlanError::Step(2, Fault::Stale)));
}

#[test]
fn another_view_of_the_same_bytes_reads_what_was_written_last() {
    let mut b = PlanBuilder::new();
    let x = bytes16(&mut b, "x", 0);
    let view = arena(&mut b, "view", DType::I8, &[4, 4], 0);
    let part = arena(&mut b, "part", DType::I8, &[8], 0);
    let y = arena(&mut b, "y", DType::I8, &[4, 4], 16);
    let z = arena(&mut b, "z", DType::I8, &[8], 32);
    b.add_input("x", x);
    flip(&mut b, view, y);
    b.add_output("y", y);
    assert_eq!(finish(&mut b), Ok(()));
    // A part of a value is no view: nothing says whose bytes they are.
    flip(&mut b, part, z);
    assert_eq!(finish(&mut b), Err(PlanError::Step(1, Fault::Stale)));
}

#[test]
fn a_result_written_in_parts_must_stay_whole_between_them() {
    let copy = |x, y, y_offset| {
        Op::Copy(Copy {
            x,
            y,
            element_bytes: 1,
            dims: [1, 1, 1, 1, 1, 16],
            x_offset: 0,
            x_strides: [0, 0, 0, 0, 0, 1],
            y_offset,
            y_strides: [0, 0, 0, 0, 0, 1],
        })
    };
    let mut b = PlanBuilder::new();
    let x = bytes16(&mut b, "x", 0);
    let both = arena(&mut b, "both", DType::I8, &[32], 32);
    b.add_input("x", x);
    b.add_output("both", both);
    b.add_step("first", copy(x, both, 0), 0, 0);
    let mut good = b.clone();
    good.add_step("second", copy(x, both, 16), 0, 0);
    assert_eq!(finish(&mut good), Ok(()));
    let inside = bytes16(&mut b, "inside", 40);
    flip(&mut b, x, inside);
    b.add_step("second", copy(x, both, 16), 0, 0);
    assert_eq!(finish(&mut b), Err(PlanError::Step(2, Fault::Stale)));
}
