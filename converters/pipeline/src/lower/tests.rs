//! Small graphs through lowering, read back as plans. Their arithmetic is compared with the evaluator in the tests of the
//! workspace.

use redpoll_graph::op::{BinaryFn, Clamp, SliceAxis, UnaryFn};
use redpoll_graph::{DType, Data, Graph, Op, QParams, Tensor, ValueId};
use redpoll_plan::{DType as PlanType, Op as Step, Place, Plan};
use redpoll_session::Aligned;

use super::{Keep, LowerOptions, WeightType, lower};
use crate::ErrorKind;

/// The plan's bytes, aligned.
fn plan_with(graph: &Graph, options: &LowerOptions) -> Aligned {
    Aligned::copy_of(lower(graph, options).unwrap().plan())
}

fn plan(graph: &Graph) -> Aligned {
    plan_with(graph, &LowerOptions::default())
}

/// Names of the operations, in order.
fn steps(bytes: &[u8]) -> Vec<&'static str> {
    let plan = Plan::from_bytes(bytes).unwrap();
    plan.steps().map(|s| s.op.name()).collect()
}

fn dense(graph: &mut Graph, name: &str, x: ValueId, n: usize) -> ValueId {
    let k = *graph.value(x).shape.last().unwrap();
    let w = Tensor::new(vec![n, k], Data::F32(vec![0.5; n * k])).unwrap();
    let w = graph.add_constant(&format!("{name}.w"), w);
    graph
        .add_node(name, Op::Dense { clamp: None }, &[x, w])
        .unwrap()
}

fn relu(graph: &mut Graph, name: &str, x: ValueId) -> ValueId {
    graph
        .add_node(name, Op::Unary(UnaryFn::Clamp(Clamp::RELU)), &[x])
        .unwrap()
}

/// x → dense a → relu b → dense y.
fn chain() -> Graph {
    let mut g = Graph::new("chain");
    let x = g.add_input("x", DType::F32, vec![1, 16]);
    let a = dense(&mut g, "a", x, 32);
    let b = relu(&mut g, "b", a);
    let y = dense(&mut g, "y", b, 4);
    g.outputs.push(y);
    g.metadata.insert("labels".into(), "one two".into());
    g
}

#[test]
fn a_result_takes_over_its_operand() {
    let lowered = lower(&chain(), &LowerOptions::default()).unwrap();
    let memory = lowered.memory();
    let entry = |name: &str| memory.entries.iter().find(|e| e.name == name).unwrap();
    assert_eq!(entry("a").offset, entry("b").offset);
    assert_eq!((entry("a").first_step, entry("b").last_step), (0, 2));
    assert_eq!(memory.live_bytes, 64 + 128, "x and a");
    assert_eq!(memory.arena_bytes, memory.live_bytes);
}

#[test]
fn names_work_and_metadata_reach_the_plan() {
    let bytes = plan(&chain());
    let plan = Plan::from_bytes(&bytes).unwrap();
    assert_eq!(steps(&bytes), ["ConvF32", "UnaryF32", "ConvF32"]);
    assert_eq!(plan.macs(), 16 * 32 + 32 * 4);
    assert_eq!(plan.scratch_bytes(), 0);
    assert_eq!(plan.metadata().collect::<Vec<_>>(), [("labels", "one two")]);
    assert_eq!(plan.inputs().next().unwrap().name, "x");
    let names: Vec<_> = plan
        .steps()
        .map(|s| plan.tensor_name(s.op.output()))
        .collect();
    assert_eq!(names, ["a", "b", "y"]);
}

#[test]
fn every_value_can_be_kept() {
    let options = LowerOptions {
        keep: Keep::All,
        ..LowerOptions::default()
    };
    let bytes = plan_with(&chain(), &options);
    let plan = Plan::from_bytes(&bytes).unwrap();
    let names: Vec<_> = plan.outputs().map(|o| o.name).collect();
    assert_eq!(names, ["y", "x", "a", "b"]);
    assert_eq!(plan.arena_bytes(), 64 + 128 + 128 + 16);
}

#[test]
fn half_precision_weights_take_half() {
    let options = LowerOptions {
        weights: WeightType::F16,
        ..LowerOptions::default()
    };
    let half = lower(&chain(), &options).unwrap().memory().weight_bytes;
    let single = lower(&chain(), &LowerOptions::default())
        .unwrap()
        .memory()
        .weight_bytes;
    // Weights 16 · 32 and 32 · 16 (padded), biases 32 and 16.
    assert_eq!((single, half), (2 * 2048 + 192, 2 * 1024 + 192));
}

#[test]
fn reshapes_and_dead_nodes_make_no_steps() {
    let mut g = Graph::new("views");
    let x = g.add_input("x", DType::F32, vec![2, 8]);
    let dead = relu(&mut g, "dead", x);
    relu(&mut g, "dead too", dead);
    let flat = g
        .add_node("flat", Op::Reshape { shape: vec![16] }, &[x])
        .unwrap();
    let moved = g
        .add_node(
            "moved",
            Op::Reshape {
                shape: vec![1, 16, 1],
            },
            &[flat],
        )
        .unwrap();
    let moved = g
        .add_node(
            "turned",
            Op::Transpose {
                perm: vec![2, 0, 1],
            },
            &[moved],
        )
        .unwrap();
    g.outputs.push(moved);
    let bytes = plan(&g);
    assert!(steps(&bytes).is_empty());
    let plan = Plan::from_bytes(&bytes).unwrap();
    let place = |id| plan.tensor(id).unwrap().place;
    let (x, y) = (
        plan.inputs().next().unwrap(),
        plan.outputs().next().unwrap(),
    );
    assert_eq!((x.name, y.name), ("x", "turned"));
    assert_eq!(place(x.tensor), place(y.tensor));
}

#[test]
fn an_operand_that_is_read_again_is_not_overwritten() {
    let mut g = Graph::new("residual");
    let x = g.add_input("x", DType::F32, vec![1, 16]);
    let a = relu(&mut g, "a", x);
    let b = relu(&mut g, "b", a);
    let add = Op::Binary {
        function: BinaryFn::Add,
        clamp: None,
    };
    let y = g.add_node("y", add, &[a, b]).unwrap();
    g.outputs.push(y);
    let bytes = plan(&g);
    let plan = Plan::from_bytes(&bytes).unwrap();
    let places: Vec<_> = plan
        .steps()
        .map(|s| plan.tensor(s.op.output()).unwrap().place)
        .collect();
    assert_ne!(places[0], places[1]);
    assert_eq!(plan.arena_bytes(), 128);
}

#[test]
fn constant_parts_are_computed_now() {
    let mut g = Graph::new("constants");
    let x = g.add_input("x", DType::F32, vec![4]);
    let c = g.add_constant("c", Tensor::vector_f32(vec![-1.0, 2.0, -3.0, 4.0]));
    let c = relu(&mut g, "folded", c);
    let add = Op::Binary {
        function: BinaryFn::Add,
        clamp: None,
    };
    let y = g.add_node("y", add, &[x, c]).unwrap();
    g.outputs.extend([y, c]);
    let bytes = plan(&g);
    assert_eq!(
        steps(&bytes),
        ["BinaryF32", "Copy"],
        "a constant output is copied"
    );
    let plan = Plan::from_bytes(&bytes).unwrap();
    let Step::BinaryF32(p) = plan.steps().next().unwrap().op else {
        panic!()
    };
    let folded = plan.tensor(p.b).unwrap();
    assert_eq!(
        plan.weights_as::<f32>(&folded).unwrap(),
        [0.0, 2.0, 0.0, 4.0]
    );
}

#[test]
fn unsigned_values_are_signed_inside() {
    let mut g = Graph::new("unsigned");
    let x = g.add_input("x", DType::U8, vec![1, 64]);
    g.value_mut(x).qparams = Some(QParams::per_tensor(0.1, 3));
    let tanh = Op::Unary(UnaryFn::Tanh);
    let y = g
        .add_node_as(
            "y",
            tanh,
            &[x],
            DType::U8,
            Some(QParams::per_tensor(0.01, 100)),
        )
        .unwrap();
    g.outputs.push(y);
    let bytes = plan(&g);
    assert_eq!(steps(&bytes), ["FlipSign", "TableI8", "FlipSign"]);
    let plan = Plan::from_bytes(&bytes).unwrap();
    assert_eq!(plan.arena_bytes(), 64, "all in place");
    for (port, zero) in [(plan.inputs().next(), 3), (plan.outputs().next(), 100)] {
        let tensor = plan.tensor(port.unwrap().tensor).unwrap();
        assert_eq!((tensor.dtype, tensor.zero_point), (PlanType::U8, zero));
    }
    let inside = plan
        .tensor(plan.steps().next().unwrap().op.output())
        .unwrap();
    assert_eq!((inside.dtype, inside.zero_point), (PlanType::I8, -125));
}

#[test]
fn equal_weights_are_stored_once() {
    let mut g = Graph::new("twins");
    let x = g.add_input("x", DType::F32, vec![1, 16]);
    let a = dense(&mut g, "a", x, 16);
    let b = dense(&mut g, "b", a, 16);
    g.outputs.push(b);
    let bytes = plan(&g);
    let plan = Plan::from_bytes(&bytes).unwrap();
    let weights = |i: usize| match plan.steps().nth(i).unwrap().op {
        Step::ConvF32(p) => plan.tensor(p.weights).unwrap().place,
        _ => Place::Arena(0),
    };
    assert_eq!(weights(0), weights(1));
    assert_eq!(plan.weight_bytes(), 1024 + 64);
}

#[test]
fn a_convolution_over_the_whole_input_is_a_product() {
    let mut g = Graph::new("whole");
    let x = g.add_input("x", DType::F32, vec![1, 3, 3, 2]);
    let w = Tensor::new(vec![5, 3, 3, 2], Data::F32(vec![1.0; 90])).unwrap();
    let w = g.add_constant("w", w);
    let conv = redpoll_graph::op::Conv {
        strides: vec![1; 2],
        dilations: vec![1; 2],
        pads_before: vec![0; 2],
        pads_after: vec![0; 2],
        groups: 1,
        clamp: None,
    };
    let y = g.add_node("y", Op::Conv(conv), &[x, w]).unwrap();
    g.outputs.push(y);
    let bytes = plan(&g);
    let plan = Plan::from_bytes(&bytes).unwrap();
    let step = plan.steps().next().unwrap();
    let Step::ConvF32(p) = step.op else { panic!() };
    assert!(p.window.is_pointwise());
    assert_eq!((p.window.in_c, step.scratch_bytes, step.macs), (18, 0, 90));
}

/// A float convolution of 3 × 3 with stride 2, from 14 × 14 to 7 × 7 (6 × 6 without a border).
fn strided(channels: usize, pad: usize, options: &LowerOptions) -> u32 {
    let mut g = Graph::new("strided");
    let x = g.add_input("x", DType::F32, vec![1, 14, 14, channels]);
    let w = vec![0.5; channels * 9 * channels];
    let w = Tensor::new(vec![channels, 3, 3, channels], Data::F32(w)).unwrap();
    let w = g.add_constant("w", w);
    let conv = redpoll_graph::op::Conv {
        strides: vec![2; 2],
        dilations: vec![1; 2],
        pads_before: vec![pad; 2],
        pads_after: vec![0; 2],
        groups: 1,
        clamp: None,
    };
    let y = g.add_node("y", Op::Conv(conv), &[x, w]).unwrap();
    g.outputs.push(y);
    let bytes = plan_with(&g, options);
    let plan = Plan::from_bytes(&bytes).unwrap();
    plan.steps().next().unwrap().scratch_bytes
}

#[test]
fn heavy_strided_windows_over_a_border_get_room_for_one_pass() {
    let plain = LowerOptions::default();
    // 15 × 15 padded pixels of 256 floats, rather than 8 patches of 9 · 256.
    assert_eq!(strided(256, 1, &plain), 15 * 15 * 256 * 4);
    // Light weights; read in place; little memory: patches as ever.
    assert_eq!(strided(64, 1, &plain), 8 * 9 * 64 * 4);
    assert_eq!(strided(256, 0, &plain), 8 * 9 * 256 * 4);
    assert!(strided(256, 1, &LowerOptions::cortex_m()) <= 8 * 9 * 256 * 4);
}

#[test]
fn all_gaps_are_named_at_once() {
    let mut g = Graph::new("gaps");
    let x = g.add_input("x", DType::F32, vec![1, 8]);
    let w = g.add_input("w", DType::F32, vec![3, 8]);
    let none = || SliceAxis {
        start: 0,
        step: 1,
        len: 0,
    };
    let one = || SliceAxis { len: 1, ..none() };
    let nothing = |axes| Op::Slice { axes };
    let a = g
        .add_node("nothing", nothing(vec![one(), none()]), &[x])
        .unwrap();
    let b = relu(&mut g, "after", a);
    let c = g
        .add_node("none", nothing(vec![none(), one()]), &[x])
        .unwrap();
    let d = g
        .add_node("product", Op::Dense { clamp: None }, &[x, w])
        .unwrap();
    g.outputs.extend([b, c, d]);
    let error = lower(&g, &LowerOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let nodes: Vec<_> = error.gaps().iter().map(|gap| gap.node.as_str()).collect();
    assert_eq!(
        nodes,
        ["nothing", "none", "product"],
        "what only follows is not reported"
    );
}

#[test]
fn small_alignment_and_stripped_names() {
    let options = LowerOptions {
        alignment: 16,
        strip_names: true,
        ..LowerOptions::default()
    };
    let bytes = plan_with(&chain(), &options);
    let plan = Plan::from_bytes(&bytes).unwrap();
    assert_eq!(plan.alignment(), 16);
    assert!(plan.steps().all(|s| s.name.is_empty()));
    assert_eq!(plan.outputs().next().unwrap().name, "y");
}

#[test]
fn memory_beyond_the_format_is_an_error() {
    let mut g = Graph::new("large");
    let x = g.add_input("x", DType::F32, vec![1 << 15, 1 << 15]);
    let y = relu(&mut g, "y", x);
    let add = Op::Binary {
        function: BinaryFn::Add,
        clamp: None,
    };
    let y = g.add_node("sum", add, &[x, y]).unwrap();
    g.outputs.push(y);
    let error = lower(&g, &LowerOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    let mut g = Graph::new("empty");
    let x = g.add_input("x", DType::F32, vec![0, 4]);
    let y = relu(&mut g, "y", x);
    g.outputs.push(y);
    let error = lower(&g, &LowerOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[test]
fn numbers_beyond_a_plan_are_a_gap() {
    let mut g = Graph::new("scales");
    let x = g.add_input("x", DType::I8, vec![1, 4]);
    g.value_mut(x).qparams = Some(QParams::per_tensor(1e30, 0));
    let add = Op::Binary {
        function: BinaryFn::Add,
        clamp: None,
    };
    let tiny = Some(QParams::per_tensor(1e-30, 0));
    let y = g.add_node_as("y", add, &[x, x], DType::I8, tiny).unwrap();
    g.outputs.push(y);
    let error = lower(&g, &LowerOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert_eq!(error.gaps()[0].node, "y");
}
