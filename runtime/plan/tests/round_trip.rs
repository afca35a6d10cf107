//! What the writer puts into a plan, the reader gives back.

mod sample;

use redpoll_plan::op::*;
use redpoll_plan::{DType, Place, Plan, PlanBuilder, PlanError, TensorId};
use sample::{Aligned, arena, builder};

#[test]
fn everything_comes_back() {
    let file = Aligned::new(&builder().finish().unwrap());
    let plan = Plan::from_bytes(&file).unwrap();
    assert_eq!(plan.version(), (2, 0));
    assert_eq!(plan.arena_bytes(), 2560);
    assert_eq!(plan.scratch_bytes(), 512);
    assert_eq!(plan.macs(), 46080);
    assert_eq!(plan.alignment(), 64);
    assert_eq!(plan.file_bytes(), file.len());
    let names: Vec<_> = plan.steps().map(|s| s.name).collect();
    assert_eq!(names, ["quantize", "conv", "table", "mean", "dequantize"]);
    let conv = plan.steps().nth(1).unwrap();
    let Op::ConvI8(p) = conv.op else {
        panic!("{:?}", conv.op)
    };
    assert_eq!(p.window, sample::window(20));
    assert_eq!((p.x_zero, p.y_zero, p.lo, p.hi), (-3, 4, 4, 127));
    let scale = plan.tensor(p.scale).unwrap();
    assert_eq!(plan.weights_as::<f32>(&scale).unwrap(), [0.5; 32]);
    assert_eq!(plan.weights_as::<i8>(&scale), None);
    let weights = plan.weights(&plan.tensor(p.weights).unwrap()).unwrap();
    assert!(weights.as_ptr().addr().is_multiple_of(64));
    assert_eq!(conv.op.inputs().len(), 5);
    assert_eq!(plan.tensor_name(conv.op.output()), "c");
    assert_eq!(plan.inputs().next().unwrap().name, "x");
    assert_eq!(plan.outputs().next().unwrap().name, "y");
    let metadata: Vec<_> = plan.metadata().collect();
    assert_eq!(
        metadata,
        [("labels", "cat, dog, größer"), ("origin", "a test")]
    );
    assert_eq!(plan.tensor(TensorId(1000)), None);
}

#[test]
fn equal_weights_are_stored_once() {
    let mut b = PlanBuilder::new();
    let a = b.add_weights("a", &[7; 100], DType::I8, &[100]);
    let c = b.add_weights("c", &[7; 100], DType::U8, &[10, 10]);
    let d = b.add_weights("d", &[8; 100], DType::I8, &[100]);
    let file = Aligned::new(&b.finish().unwrap());
    let plan = Plan::from_bytes(&file).unwrap();
    assert_eq!(plan.weight_bytes(), 128 + 100);
    let place = |id| plan.tensor(id).unwrap().place;
    assert_eq!(
        (place(a), place(c), place(d)),
        (Place::Weights(0), Place::Weights(0), Place::Weights(128))
    );
}

#[test]
fn names_can_be_left_out_and_alignment_lowered() {
    let mut b = PlanBuilder::new();
    b.set_alignment(16);
    b.strip_names(true);
    let x = arena(&mut b, "secret", DType::F32, &[2], 0);
    b.add_weights("w", &[1; 16], DType::I8, &[16]);
    b.add_input("x", x);
    b.set_arena_bytes(8);
    let file = Aligned::new(&b.finish().unwrap());
    assert!(!file.windows(6).any(|w| w == b"secret"));
    let plan = Plan::from_bytes(&file).unwrap();
    assert_eq!(plan.tensor_name(x), "");
    assert_eq!(plan.inputs().next().unwrap().name, "x");
    assert_eq!(plan.alignment(), 16);
}

#[test]
fn bytes_out_of_line_are_refused() {
    let mut room = vec![0; 16];
    room.extend_from_slice(&builder().finish().unwrap());
    let shifted = Aligned::new(&room);
    assert_eq!(
        Plan::from_bytes(&shifted[16..]).unwrap_err(),
        PlanError::Misaligned
    );
}

/// Every operation survives encoding: the tensors, then the parameters, in the documented order.
#[test]
fn equal_plans_have_equal_bytes() {
    assert_eq!(builder().finish().unwrap(), builder().finish().unwrap());
}

#[test]
fn steps_of_movement_and_softmax_are_accepted() {
    let mut b = PlanBuilder::new();
    let x = arena(&mut b, "x", DType::F32, &[2, 3], 0);
    let y = arena(&mut b, "y", DType::F32, &[3, 2], 64);
    let copy = Copy {
        x,
        y,
        element_bytes: 4,
        dims: [1, 1, 1, 1, 3, 2],
        x_offset: 0,
        x_strides: [0, 0, 0, 0, 1, 3],
        y_offset: 0,
        y_strides: [0, 0, 0, 0, 2, 1],
    };
    b.add_step("transpose", Op::Copy(copy), 0, 0);
    b.add_step(
        "softmax",
        Op::SoftmaxF32(SoftmaxF32 {
            x: y,
            y,
            outer: 3,
            count: 2,
        }),
        0,
        0,
    );
    let backwards = Copy {
        x_offset: 5,
        x_strides: [0, 0, 0, 0, -2, -1],
        ..copy
    };
    b.add_step("reverse", Op::Copy(backwards), 0, 0);
    b.add_step(
        "fill",
        Op::Fill(Fill {
            y,
            element_bytes: 4,
            bits: 0,
        }),
        0,
        0,
    );
    b.add_input("x", x);
    b.set_arena_bytes(128);
    let file = Aligned::new(&b.finish().unwrap());
    let ops: Vec<_> = Plan::from_bytes(&file)
        .unwrap()
        .steps()
        .map(|s| s.op)
        .collect();
    assert_eq!(ops[0], Op::Copy(copy));
    assert_eq!(ops[2], Op::Copy(backwards));
}
