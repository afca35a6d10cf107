//! What a run asks of its memory, and what an observer sees.

mod net;

use net::{Memory, Net};
use redpoll_engine::{Engine, EngineError, Inline, Observer};
use redpoll_kernels::SCALAR;
use redpoll_plan::{DType, Fault, Op, Plan, PlanError, Step, TensorId, Window, op};
use zerocopy::IntoBytes;

/// `y = max(−x, 0)` in two steps, the second in place.
fn net() -> Net {
    let mut net = Net::new();
    let (x, y) = (net.input(DType::F32, &[5]), net.output(DType::F32, &[5]));
    let step = |function, x, y, beta| {
        Op::UnaryF32(op::UnaryF32 {
            function,
            x,
            y,
            alpha: 0.0,
            beta,
        })
    };
    net.step(step(op::Unary::Neg, x, y, 0.0), 0);
    net.step(step(op::Unary::Clamp, y, y, f32::INFINITY), 0);
    net
}

#[test]
fn memory_is_checked() {
    let file = net().builder.finish().unwrap();
    let mut memory = Memory::copy_of(&file);
    let engine = Engine::new(
        Plan::from_bytes(&memory.bytes()[..file.len()]).unwrap(),
        &SCALAR,
    );
    assert_eq!(engine.arena_bytes(), 128);
    assert_eq!(engine.scratch_bytes(8), 0);

    let mut arena = Memory::zeroed(192);
    let arena = arena.bytes();
    let small = EngineError::ArenaTooSmall {
        needed: 128,
        got: 127,
    };
    assert_eq!(
        engine.run(&mut arena[..127], &mut [], &Inline, None),
        Err(small)
    );
    assert_eq!(
        engine.run(&mut arena[4..], &mut [], &Inline, None),
        Err(EngineError::ArenaMisaligned)
    );
    assert_eq!(engine.run(&mut arena[64..], &mut [], &Inline, None), Ok(()));
    assert_eq!(
        engine.input_mut(arena, 1),
        Err(EngineError::NoSuchTensor { index: 1 })
    );
    assert_eq!(
        engine.output(arena, 1),
        Err(EngineError::NoSuchTensor { index: 1 })
    );
    assert_eq!(
        engine.tensor(arena, TensorId(9)),
        Err(EngineError::NoSuchTensor { index: 9 })
    );
    assert_eq!(
        engine.output(&arena[..64], 0),
        Err(EngineError::NoSuchTensor { index: 1 })
    );
}

#[test]
fn scratch_is_checked() {
    let w = Window {
        in_w: 3,
        out_w: 2,
        kernel_w: 2,
        ..Window::dense(1, 1, 1)
    };
    let mut net = Net::new();
    let step = op::ConvF32 {
        x: net.input(DType::F32, &[3]),
        y: net.output(DType::F32, &[2]),
        weights: net.constant(DType::F32, &[1.0f32; 32]),
        bias: net.constant(DType::F32, &[0.0f32; 16]),
        window: w,
        groups: 1,
        lo: -1e9,
        hi: 1e9,
    };
    net.step(Op::ConvF32(step), 100);
    let file = net.builder.finish().unwrap();
    let mut memory = Memory::copy_of(&file);
    let engine = Engine::new(
        Plan::from_bytes(&memory.bytes()[..file.len()]).unwrap(),
        &SCALAR,
    );
    let (mut arena, mut scratch) = (Memory::zeroed(engine.arena_bytes()), Memory::zeroed(512));
    let (arena, scratch) = (arena.bytes(), scratch.bytes());
    assert_eq!(engine.scratch_bytes(3), 3 * 128);
    let small = EngineError::ScratchTooSmall {
        needed: 128,
        got: 100,
    };
    assert_eq!(
        engine.run(arena, &mut scratch[..100], &Inline, None),
        Err(small)
    );
    assert_eq!(
        engine.run(arena, &mut scratch[4..], &Inline, None),
        Err(EngineError::ScratchMisaligned)
    );
    engine
        .input_mut(arena, 0)
        .unwrap()
        .copy_from_slice([1f32, 2.0, 4.0].as_bytes());
    engine.run(arena, scratch, &Inline, None).unwrap();
    assert_eq!(engine.output(arena, 0).unwrap(), [3f32, 6.0].as_bytes());
}

/// Writes down what it is told.
#[derive(Default)]
struct Diary(Vec<(usize, &'static str, f32)>);

impl Observer for Diary {
    fn before(&mut self, step: &Step<'_>) {
        self.0.push((step.index, "before", 0.0));
    }

    fn after(&mut self, step: &Step<'_>, arena: &[u8]) {
        let first = arena[64..68].try_into().unwrap();
        self.0
            .push((step.index, "after", f32::from_le_bytes(first)));
    }
}

#[test]
fn an_observer_sees_every_step_and_its_result() {
    let file = net().builder.finish().unwrap();
    let mut memory = Memory::copy_of(&file);
    let engine = Engine::new(
        Plan::from_bytes(&memory.bytes()[..file.len()]).unwrap(),
        &SCALAR,
    );
    let mut arena = Memory::zeroed(engine.arena_bytes());
    engine
        .input_mut(arena.bytes(), 0)
        .unwrap()
        .copy_from_slice([2f32, -1.0, 0.5, 5.0, -7.0].as_bytes());
    let mut diary = Diary::default();
    engine
        .run(arena.bytes(), &mut [], &Inline, Some(&mut diary))
        .unwrap();
    assert_eq!(
        diary.0,
        [
            (0, "before", 0.0),
            (0, "after", -2.0),
            (1, "before", 0.0),
            (1, "after", 0.0)
        ]
    );
    assert_eq!(
        engine.output(arena.bytes(), 0).unwrap(),
        [0f32, 1.0, 0.0, 0.0, 7.0].as_bytes()
    );
}

/// An engine that names its tier and its operations gives the same bytes, and refuses a plan that needs another one.
#[test]
fn engines_of_some_operations() {
    redpoll_engine::ops!(Functions: UnaryF32);
    redpoll_engine::ops!(Others: ConvI8, TableI8);
    let file = net().builder.finish().unwrap();
    let mut memory = Memory::copy_of(&file);
    let plan = Plan::from_bytes(&memory.bytes()[..file.len()]).unwrap();
    let run = |run: &dyn Fn(&mut [u8])| {
        let mut arena = Memory::zeroed(128);
        let arena = arena.bytes();
        for (i, byte) in arena[..64].iter_mut().enumerate() {
            *byte = i as u8;
        }
        run(arena);
        arena.to_vec()
    };
    let any = Engine::new(plan, &SCALAR);
    let some = Engine::<_, Functions>::with_ops(plan, &SCALAR).unwrap();
    let expected = run(&|arena| any.run(arena, &mut [], &Inline, None).unwrap());
    let got = run(&|arena| some.run(arena, &mut [], &Inline, None).unwrap());
    assert_eq!(expected, got);
    assert_eq!(
        Engine::<_, Others>::with_ops(plan, &SCALAR).err(),
        Some(EngineError::Operation { step: 0 })
    );
    let bytes = &memory.bytes()[..file.len()];
    let flash = Engine::<_, Functions>::from_flash(bytes, &SCALAR).unwrap();
    let got = run(&|arena| flash.run(arena, &mut [], &Inline, None).unwrap());
    assert_eq!(expected, got);
    assert_eq!(
        Engine::<_, Others>::from_flash(bytes, &SCALAR).err(),
        Some(PlanError::Step(0, Fault::Code))
    );
    let checked = Engine::<_, Functions>::from_bytes(bytes, &SCALAR).unwrap();
    let got = run(&|arena| checked.run(arena, &mut [], &Inline, None).unwrap());
    assert_eq!(expected, got);
    assert_eq!(
        Engine::<_, Others>::from_bytes(bytes, &SCALAR).err(),
        Some(PlanError::Step(0, Fault::Code))
    );
}
