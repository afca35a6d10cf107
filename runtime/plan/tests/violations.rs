//! Every kind of violation gives its own error; mutated files give errors, never panics.

mod sample;

use redpoll_plan::op::*;
use redpoll_plan::{
    AllOps, DType, Fault, Place, Plan, PlanBuilder, PlanError, Section, TensorId, seal,
};
use sample::{Aligned, arena, builder, conv};

const HEADER: usize = 128;

fn file() -> Aligned {
    Aligned::new(&builder().finish().unwrap())
}

/// The error after `change`, with a hash that fits again.
fn after(change: impl FnOnce(&mut [u8])) -> PlanError {
    let mut file = file();
    change(&mut file);
    seal(&mut file);
    Plan::from_bytes(&file).unwrap_err()
}

fn word(file: &[u8], at: usize) -> usize {
    u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize
}

/// Offset of a section.
fn section(file: &[u8], s: Section) -> usize {
    word(file, 64 + 8 * s as usize)
}

/// The error of a plan that `build` adds a step to.
fn step_error(build: impl FnOnce(&mut PlanBuilder) -> Op) -> PlanError {
    let mut b = PlanBuilder::new();
    let op = build(&mut b);
    b.add_step("step", op, 0, 1024);
    b.set_arena_bytes(8192);
    b.finish().unwrap_err()
}

#[test]
fn header() {
    assert_eq!(
        Plan::from_bytes(&file()[..100]).unwrap_err(),
        PlanError::TooShort
    );
    assert_eq!(
        Plan::from_bytes(&file()[..HEADER]).unwrap_err(),
        PlanError::Header
    );
    assert_eq!(after(|f| f[0] = b'r'), PlanError::Magic);
    assert_eq!(after(|f| f[8] = 9), PlanError::Version { major: 9 });
    assert_eq!(after(|f| f[12] = 4), PlanError::Features(4));
    assert_eq!(after(|f| f[16] ^= 1), PlanError::Header);
    assert_eq!(after(|f| f[28] = 8), PlanError::Header, "alignment");
    assert_eq!(after(|f| f[24] ^= 64), PlanError::Header, "scratch");
    assert_eq!(after(|f| f[32] ^= 1), PlanError::Header, "MACs");
    assert_eq!(after(|f| f[48] = 1), PlanError::Header, "reserved");
    let mut damaged = file();
    let last = damaged.len() - 1;
    damaged[last] ^= 0x80;
    assert_eq!(Plan::from_bytes(&damaged).unwrap_err(), PlanError::Hash);
}

#[test]
fn sections() {
    for (i, s) in [Section::Tensors, Section::Steps, Section::Params]
        .into_iter()
        .enumerate()
    {
        assert_eq!(after(|f| f[64 + 8 * i] ^= 8), PlanError::Section(s));
        assert_eq!(after(|f| f[64 + 8 * i + 7] = 0xff), PlanError::Section(s));
    }
    let names = after(|f| {
        let at = section(f, Section::Names);
        f[at] = 0xff;
    });
    assert_eq!(names, PlanError::Section(Section::Names));
    let metadata = after(|f| {
        let at = section(f, Section::Metadata);
        f[at] = 0xff;
    });
    assert_eq!(metadata, PlanError::Metadata);
}

#[test]
fn tensors() {
    // Record: dtype, rank, place, reserved, offset, six dims, scale, zero point, name.
    let tensor = |at: usize, v: u8| {
        after(|f| {
            let start = section(f, Section::Tensors);
            f[start + at] = v;
        })
    };
    assert_eq!(tensor(0, 77), PlanError::Tensor(0, Fault::DType));
    assert_eq!(tensor(1, 7), PlanError::Tensor(0, Fault::Shape));
    assert_eq!(
        tensor(1, 2),
        PlanError::Tensor(0, Fault::Shape),
        "unused dims not 1"
    );
    assert_eq!(tensor(2, 2), PlanError::Tensor(0, Fault::Place));
    assert_eq!(
        tensor(4, 2),
        PlanError::Tensor(0, Fault::Place),
        "odd offset"
    );
    assert_eq!(
        tensor(6, 2),
        PlanError::Tensor(0, Fault::Place),
        "beyond the arena"
    );
    assert_eq!(tensor(8, 0), PlanError::Tensor(0, Fault::Shape), "empty");
    assert_eq!(
        tensor(11, 0xff),
        PlanError::Tensor(0, Fault::Shape),
        "too many elements"
    );
    assert_eq!(tensor(43, 0xff), PlanError::Tensor(0, Fault::Name));
    let infinite = after(|f| {
        let start = section(f, Section::Tensors);
        f[start + 32..start + 36].copy_from_slice(&f32::INFINITY.to_le_bytes());
    });
    assert_eq!(infinite, PlanError::Tensor(0, Fault::Value));
}

#[test]
fn steps_and_ports() {
    let step = |at: usize, v: u8| {
        after(|f| {
            let start = section(f, Section::Steps);
            f[start + at] = v;
        })
    };
    assert_eq!(step(0, 200), PlanError::Step(0, Fault::Code));
    assert_eq!(step(4, 99), PlanError::Step(0, Fault::Params));
    assert_eq!(step(8, 3), PlanError::Step(0, Fault::Params));
    assert_eq!(step(27, 0xff), PlanError::Step(0, Fault::Name));
    let operand = after(|f| {
        let start = section(f, Section::Params);
        f[start] = 99;
    });
    assert_eq!(operand, PlanError::Step(0, Fault::Operand));
    let port = |s: Section, v: u8| {
        after(|f| {
            let start = section(f, s);
            f[start] = v;
        })
    };
    assert_eq!(
        port(Section::Inputs, 99),
        PlanError::Input(0, Fault::Operand)
    );
    assert_eq!(
        port(Section::Outputs, 7),
        PlanError::Output(0, Fault::Place),
        "a weight"
    );
}

/// One wrong thing about a convolution.
fn conv_error(change: impl FnOnce(&mut PlanBuilder, &mut ConvI8)) -> PlanError {
    step_error(|b| {
        let x = arena(b, "x", DType::I8, &[1, 8, 8, 4], 0);
        let y = arena(b, "y", DType::I8, &[1, 8, 8, 20], 256);
        let mut op = conv(b, x, y);
        change(b, &mut op);
        Op::ConvI8(op)
    })
}

#[test]
fn convolutions() {
    let is = |fault| PlanError::Step(0, fault);
    assert_eq!(conv_error(|_, p| p.window.in_h = 9), is(Fault::Length));
    assert_eq!(conv_error(|_, p| p.window.out_w = 9), is(Fault::Length));
    assert_eq!(conv_error(|_, p| p.window.kernel_h = 4), is(Fault::Length));
    assert_eq!(
        conv_error(|_, p| p.window.stride_h = 0),
        is(Fault::Geometry)
    );
    assert_eq!(
        conv_error(|_, p| p.window.dilation_w = u32::MAX),
        is(Fault::Geometry)
    );
    assert_eq!(
        conv_error(|_, p| p.window.pad_left = u32::MAX),
        is(Fault::Geometry)
    );
    assert_eq!(
        conv_error(|_, p| p.window.batch = u32::MAX),
        is(Fault::Geometry)
    );
    assert_eq!(conv_error(|_, p| p.groups = 3), is(Fault::Geometry));
    assert_eq!(conv_error(|_, p| p.groups = 0), is(Fault::Geometry));
    assert_eq!(conv_error(|_, p| p.groups = 2), is(Fault::Length));
    assert_eq!(conv_error(|_, p| p.x_zero = 128), is(Fault::Value));
    assert_eq!(conv_error(|_, p| p.lo = 5 + p.hi), is(Fault::Value));
    assert_eq!(conv_error(|_, p| p.bias = p.scale), is(Fault::DType));
    assert_eq!(conv_error(|_, p| p.y = p.weights), is(Fault::Place));
    assert_eq!(conv_error(|_, p| p.y = p.x), is(Fault::Overlap));
    assert_eq!(
        conv_error(|b, p| p.y = arena(b, "z", DType::I8, &[1280], 255)),
        is(Fault::Overlap)
    );
    let mut b = PlanBuilder::new();
    let x = arena(&mut b, "x", DType::I8, &[1, 8, 8, 4], 0);
    let y = arena(&mut b, "y", DType::I8, &[1, 8, 8, 20], 256);
    let op = conv(&mut b, x, y);
    b.add_step("conv", Op::ConvI8(op), 0, 63);
    b.set_arena_bytes(8192);
    assert_eq!(
        b.finish().unwrap_err(),
        is(Fault::Params),
        "scratch for no patch"
    );
}

#[test]
fn scales_must_be_finite() {
    let nan = conv_error(|b, p| {
        let values = sample::f32s(&[f32::NAN; 32]);
        p.scale = b.add_weights("nan", &values, DType::F32, &[32]);
    });
    assert_eq!(nan, PlanError::Step(0, Fault::Value));
}

#[test]
fn loops_stay_inside() {
    let is = |fault| PlanError::Step(0, fault);
    let binary = |change: fn(&mut BinaryI8)| {
        step_error(|b| {
            let a = arena(b, "a", DType::I8, &[4, 8], 0);
            let c = arena(b, "b", DType::I8, &[8], 64);
            let y = arena(b, "y", DType::I8, &[4, 8], 128);
            let mut p = BinaryI8 {
                function: Binary::Add,
                a,
                b: c,
                y,
                dims: [1, 1, 1, 1, 4, 8],
                a_strides: [0, 0, 0, 0, 8, 1],
                b_strides: [0, 0, 0, 0, 0, 1],
                a_zero: 0,
                b_zero: 0,
                a_scale: 1.0,
                b_scale: 1.0,
                y_zero: 0,
                lo: -128,
                hi: 127,
            };
            change(&mut p);
            Op::BinaryI8(p)
        })
    };
    assert_eq!(binary(|p| p.b_strides[4] = 1), is(Fault::Geometry));
    assert_eq!(binary(|p| p.a_strides[5] = -1), is(Fault::Geometry));
    assert_eq!(binary(|p| p.a_strides = [i32::MAX; 6]), is(Fault::Geometry));
    assert_eq!(binary(|p| p.dims[0] = 2), is(Fault::Length));
    assert_eq!(binary(|p| p.dims = [u32::MAX; 6]), is(Fault::Geometry));
    assert_eq!(binary(|p| p.function = Binary::Pow), is(Fault::Value));
    assert_eq!(binary(|p| p.a_scale = 0.0), is(Fault::Value));
    assert_eq!(binary(|p| p.y = TensorId(50)), is(Fault::Operand));
    // In place with another order of elements than the result's.
    assert_eq!(
        binary(|p| {
            p.y = p.a;
            p.dims = [1, 1, 1, 1, 8, 4];
            p.a_strides = [0, 0, 0, 0, 1, 8];
            p.b_strides = [0, 0, 0, 0, 1, 0];
        }),
        is(Fault::Overlap)
    );
}

#[test]
fn pools_touch_their_input() {
    let pool = |change: fn(&mut PoolF32)| {
        step_error(|b| {
            let x = arena(b, "x", DType::F32, &[1, 8, 8, 4], 0);
            let y = arena(b, "y", DType::F32, &[1, 8, 8, 4], 1024);
            let window = sample::window(4);
            let mut p = PoolF32 {
                kind: Reduce::Max,
                x,
                y,
                window,
                count_border: 0,
            };
            change(&mut p);
            Op::PoolF32(p)
        })
    };
    let is = |fault| PlanError::Step(0, fault);
    assert_eq!(pool(|p| p.window.pad_top = 3), is(Fault::Geometry));
    assert_eq!(pool(|p| p.window.stride_w = 2), is(Fault::Geometry));
    assert_eq!(pool(|p| p.kind = Reduce::Sum), is(Fault::Value));
}

#[test]
fn indices_and_choices_stay_inside() {
    let is = |fault| PlanError::Step(0, fault);
    let gather = |change: fn(&mut Gather)| {
        step_error(|b| {
            let mut p = Gather {
                x: arena(b, "x", DType::F32, &[2, 5, 3], 0),
                indices: arena(b, "i", DType::I64, &[4], 128),
                y: arena(b, "y", DType::F32, &[2, 4, 3], 192),
                outer: 2,
                size: 5,
                inner: 3,
            };
            change(&mut p);
            Op::Gather(p)
        })
    };
    assert_eq!(gather(|p| p.size = 6), is(Fault::Length));
    assert_eq!(gather(|p| p.outer = 0), is(Fault::Geometry));
    assert_eq!(gather(|p| p.indices = p.x), is(Fault::DType));
    let elements = |change: fn(&mut ScatterElements)| {
        step_error(|b| {
            let mut p = ScatterElements {
                mode: ScatterMode::Add,
                x: arena(b, "x", DType::F32, &[5, 3], 0),
                indices: arena(b, "i", DType::I32, &[2, 3], 64),
                updates: arena(b, "u", DType::F32, &[2, 3], 128),
                y: arena(b, "y", DType::F32, &[5, 3], 192),
                dims: [1, 1, 1, 1, 2, 3],
                y_strides: [0, 0, 0, 0, 0, 1],
                size: 5,
                axis_stride: 3,
            };
            change(&mut p);
            Op::ScatterElements(p)
        })
    };
    assert_eq!(elements(|p| p.size = 6), is(Fault::Geometry));
    assert_eq!(elements(|p| p.size = 0), is(Fault::Geometry));
    assert_eq!(elements(|p| p.axis_stride = 4), is(Fault::Geometry));
    assert_eq!(elements(|p| p.y_strides[4] = -1), is(Fault::Geometry));
    assert_eq!(elements(|p| p.dims[4] = 3), is(Fault::Length));
    assert_eq!(elements(|p| p.updates = p.indices), is(Fault::DType));
    let tuples = |change: fn(&mut GatherNd)| {
        step_error(|b| {
            let mut p = GatherNd {
                x: arena(b, "x", DType::F32, &[2, 5, 3], 0),
                indices: arena(b, "i", DType::I64, &[4, 2], 128),
                y: arena(b, "y", DType::F32, &[4, 3], 256),
                batches: 1,
                tuples: 4,
                depth: 2,
                sizes: [2, 5, 0, 0, 0, 0],
                strides: [15, 3, 0, 0, 0, 0],
                run: 3,
            };
            change(&mut p);
            Op::GatherNd(p)
        })
    };
    assert_eq!(tuples(|p| p.sizes[0] = 3), is(Fault::Geometry));
    assert_eq!(tuples(|p| p.strides[0] = u32::MAX), is(Fault::Geometry));
    assert_eq!(tuples(|p| p.depth = 7), is(Fault::Length));
    assert_eq!(tuples(|p| p.batches = 0), is(Fault::Length));
    let top = |change: fn(&mut TopK)| {
        step_error(|b| {
            let mut p = TopK {
                x: arena(b, "x", DType::F32, &[4, 8], 0),
                y: arena(b, "y", DType::F32, &[4, 2], 128),
                k: 2,
                largest: 1,
                indices: 0,
                outer: 4,
                count: 8,
                inner: 1,
            };
            change(&mut p);
            Op::TopK(p)
        })
    };
    assert_eq!(top(|p| p.k = 9), is(Fault::Geometry));
    assert_eq!(top(|p| p.indices = 1), is(Fault::DType));
    assert_eq!(top(|p| p.largest = 2), is(Fault::Value));
}

#[test]
fn boxes_and_scores_fit() {
    let is = |fault| PlanError::Step(0, fault);
    let boxes = |change: fn(&mut NonMaxSuppression)| {
        step_error(|b| {
            let mut p = NonMaxSuppression {
                boxes: arena(b, "boxes", DType::F32, &[1, 8, 4], 0),
                scores: arena(b, "scores", DType::F32, &[1, 2, 8], 128),
                y: arena(b, "y", DType::I64, &[7, 3], 192),
                images: 1,
                classes: 2,
                count: 8,
                per_class: 3,
                iou: 0.5,
                score: f32::NEG_INFINITY,
                centers: 0,
            };
            change(&mut p);
            Op::NonMaxSuppression(p)
        })
    };
    assert_eq!(boxes(|p| p.per_class = 9), is(Fault::Geometry));
    assert_eq!(boxes(|p| p.per_class = 0), is(Fault::Geometry));
    assert_eq!(boxes(|p| p.per_class = 4), is(Fault::Length));
    assert_eq!(boxes(|p| p.classes = u32::MAX), is(Fault::Geometry));
    assert_eq!(boxes(|p| p.count = u32::MAX), is(Fault::Geometry));
    assert_eq!(boxes(|p| p.images = 2), is(Fault::Length));
    assert_eq!(boxes(|p| p.centers = 2), is(Fault::Value));
    assert_eq!(boxes(|p| p.iou = f32::NAN), is(Fault::Value));
}

#[test]
fn maps_read_what_is_there() {
    let map = |starts: &'static [i32], index: &'static [i32]| {
        step_error(|b| {
            let words = |v: &[i32]| v.iter().flat_map(|i| i.to_le_bytes()).collect::<Vec<u8>>();
            let weights = vec![1.0; index.len()];
            let lens = [starts.len() as u32, index.len() as u32];
            let p = SparseRows {
                x: arena(b, "x", DType::F32, &[2, 4, 3], 0),
                starts: b.add_weights("s", &words(starts), DType::I32, &lens[..1]),
                index: b.add_weights("i", &words(index), DType::I32, &lens[1..]),
                weights: b.add_weights("w", &sample::f32s(&weights), DType::F32, &lens[1..]),
                y: arena(b, "y", DType::F32, &[2, 2, 3], 128),
                outer: 2,
                size: 4,
                inner: 3,
            };
            Op::SparseRows(p)
        })
    };
    let is = |fault| PlanError::Step(0, fault);
    assert_eq!(map(&[0, 1, 2], &[0, 4]), is(Fault::Value));
    assert_eq!(map(&[0, 1, 2], &[0, -1]), is(Fault::Value));
    assert_eq!(map(&[0, 3, 2], &[0, 1]), is(Fault::Value));
    assert_eq!(map(&[0, 1, 3], &[0, 1]), is(Fault::Value));
    assert_eq!(map(&[1, 1, 2], &[0, 1]), is(Fault::Value));
    assert_eq!(map(&[0, 2], &[0, 1]), is(Fault::Length));
}

/// Bit flips and cuts, with the hash set right again so that the checks behind it are reached.
#[test]
fn mutations_never_panic() {
    let good = file();
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) as usize % below
    };
    let weights = section(&good, Section::Weights);
    let (mut accepted, mut taken) = (0, 0);
    for round in 0..4000 {
        let mut bytes = good.to_vec();
        for _ in 0..=next(3) {
            let at = if next(8) == 0 {
                next(bytes.len())
            } else {
                8 + next(weights - 8)
            };
            match next(3) {
                0 => bytes[at] ^= 1 << next(8),
                1 => bytes[at] = 0xff,
                _ => bytes[at] = next(256) as u8,
            }
        }
        if round % 5 == 0 {
            bytes.truncate(next(good.len()));
        }
        let mut bytes = Aligned::new(&bytes);
        assert!(Plan::from_bytes(&bytes).is_err() || *bytes == *good);
        seal(&mut bytes);
        let in_flash = Plan::from_flash::<AllOps>(&bytes);
        if let Ok(plan) = &in_flash {
            taken += 1;
            operands_lie_inside(plan);
        }
        let checked = Plan::from_bytes(&bytes);
        // What flash lets pass is no matter of memory.
        match (&in_flash, &checked) {
            (Err(_), Ok(_)) => panic!("refused in flash only"),
            (Ok(_), Err(fault)) => assert!(is_information(fault), "{fault:?}"),
            _ => {}
        }
        if let Ok(plan) = checked {
            accepted += 1;
            assert_eq!(plan.steps().len(), 5);
            assert!(plan.metadata().count() <= 3);
        }
    }
    assert!(
        (100..3900).contains(&accepted),
        "{accepted} of 4000 were harmless"
    );
    assert!(taken > accepted, "{taken} taken in flash, {accepted} else");
}

/// Every operand of every step, and every port, is where the plan has bytes.
fn operands_lie_inside(plan: &Plan<'_>) {
    for id in plan
        .steps()
        .flat_map(|s| {
            s.op.inputs()
                .iter()
                .copied()
                .chain([s.op.output()])
                .collect::<Vec<_>>()
        })
        .chain(plan.inputs().chain(plan.outputs()).map(|p| p.tensor))
    {
        let (_, place, bytes) = plan.span(id).unwrap();
        let (offset, room) = match place {
            Place::Arena(offset) | Place::State(offset) => (offset, plan.arena_bytes()),
            Place::Weights(offset) => (offset, plan.weight_bytes()),
        };
        assert!(offset as usize + bytes <= room, "{id:?}");
    }
}

/// Faults that `from_flash` does not look for, since no access depends on them.
fn is_information(error: &PlanError) -> bool {
    match error {
        PlanError::Metadata | PlanError::Limit(Section::Metadata) | PlanError::Header => true,
        // A tensor that no step has may be wrong in every way.
        PlanError::Tensor(..) => true,
        PlanError::Step(_, fault) | PlanError::Input(_, fault) | PlanError::Output(_, fault) => {
            matches!(fault, Fault::Name | Fault::Value)
        }
        _ => false,
    }
}

/// One wrong thing about a recurrent layer of 3 steps, 2 rows and 5 units.
fn recurrent_error(change: impl FnOnce(&mut PlanBuilder, &mut RecurrentF32)) -> PlanError {
    step_error(|b| {
        let x = arena(b, "x", DType::F32, &[3, 2, 20], 0);
        let h = arena(b, "h", DType::F32, &[2, 5], 512);
        let y = arena(b, "y", DType::F32, &[5, 2, 5], 1024);
        let (weights, bias) = (vec![0; 4 * 16 * 5 * 4], vec![0; 4 * 16 * 4]);
        let activation = |function| Activation {
            function,
            alpha: 0.0,
            beta: 0.0,
        };
        let mut op = RecurrentF32 {
            x,
            r: b.add_weights("r", &weights, DType::F32, &[4 * 16 * 5]),
            bias: b.add_weights("bias", &bias, DType::F32, &[64]),
            h,
            c: h,
            peepholes: h,
            lengths: h,
            y,
            cell: Cell::Lstm,
            u: activation(Gate::Sigmoid),
            v: activation(Gate::Tanh),
            w: activation(Gate::Tanh),
            clip: f32::INFINITY,
            steps: 3,
            batch: 2,
            hidden: 5,
            reverse: 0,
            has_peepholes: 0,
            has_lengths: 0,
        };
        change(b, &mut op);
        Op::RecurrentF32(op)
    })
}

#[test]
fn recurrent_layers() {
    let is = |fault| PlanError::Step(0, fault);
    assert_eq!(recurrent_error(|_, p| p.steps = 0), is(Fault::Geometry));
    assert_eq!(recurrent_error(|_, p| p.hidden = 0), is(Fault::Geometry));
    assert_eq!(
        recurrent_error(|_, p| p.hidden = u32::MAX),
        is(Fault::Geometry)
    );
    assert_eq!(
        recurrent_error(|_, p| p.steps = u32::MAX),
        is(Fault::Geometry)
    );
    assert_eq!(recurrent_error(|_, p| p.batch = 3), is(Fault::Length));
    assert_eq!(
        recurrent_error(|_, p| p.cell = Cell::Gru),
        is(Fault::Length)
    );
    assert_eq!(recurrent_error(|_, p| p.reverse = 2), is(Fault::Value));
    assert_eq!(recurrent_error(|_, p| p.clip = f32::NAN), is(Fault::Value));
    assert_eq!(
        recurrent_error(|_, p| p.has_peepholes = 1),
        is(Fault::Length)
    );
    assert_eq!(recurrent_error(|_, p| p.has_lengths = 1), is(Fault::DType));
    assert_eq!(recurrent_error(|_, p| p.r = p.h), is(Fault::Length));
    assert_eq!(recurrent_error(|_, p| p.bias = p.r), is(Fault::Length));
    assert_eq!(recurrent_error(|_, p| p.y = p.bias), is(Fault::Place));
    let overlapping = |b: &mut PlanBuilder, p: &mut RecurrentF32| {
        p.c = arena(b, "c", DType::F32, &[2, 5], 1032);
    };
    assert_eq!(recurrent_error(overlapping), is(Fault::Overlap));
}

/// One wrong thing about a plan of 192 bytes whose last 64 are state.
fn state_error(state_bytes: usize, offset: u32, port: bool, working: u32) -> Result<(), PlanError> {
    let mut b = PlanBuilder::new();
    let x = arena(&mut b, "x", DType::F32, &[4], working);
    let tensor = redpoll_plan::Tensor {
        place: Place::State(offset),
        ..redpoll_plan::Tensor::arena(DType::F32, sample::shape(&[4]), 0)
    };
    let h = b.add_tensor("h", tensor);
    let whole = [0, 0, 0, 0, 0, 1];
    let copy = Copy {
        x,
        y: h,
        element_bytes: 4,
        dims: [1, 1, 1, 1, 1, 4],
        x_offset: 0,
        x_strides: whole,
        y_offset: 0,
        y_strides: whole,
    };
    b.add_step("keep", Op::Copy(copy), 0, 0);
    b.add_input("x", if port { h } else { x });
    b.set_arena_bytes(192);
    b.set_state_bytes(state_bytes);
    b.finish().map(drop)
}

#[test]
fn states() {
    assert_eq!(state_error(64, 128, false, 0), Ok(()));
    let tensor = |i| Err(PlanError::Tensor(i, Fault::Place));
    assert_eq!(state_error(0, 128, false, 0), tensor(1), "no state");
    assert_eq!(state_error(64, 112, false, 0), tensor(1), "before it");
    assert_eq!(state_error(64, 184, false, 0), tensor(1), "behind it");
    assert_eq!(
        state_error(64, 128, false, 120),
        tensor(0),
        "reaches into it"
    );
    assert_eq!(state_error(60, 132, false, 0), Err(PlanError::Header));
    assert_eq!(state_error(256, 128, false, 0), Err(PlanError::Header));
    let port = Err(PlanError::Input(0, Fault::Place));
    assert_eq!(state_error(64, 128, true, 0), port, "no input");
}
