//! Sizes that depend on data: the session gives exactly the elements that there are, those of ONNX Runtime.

use redpoll_backend_ort::{Optimization, Options, OrtSession};
use redpoll_graph::{Data, Tensor, eval};
use redpoll_onnx::proto::NodeProto;
use redpoll_onnx::{DataType, Dim, GraphBuilder, Model, ModelBuilder, TensorData};
use redpoll_pipeline::emit::emit_graph;
use redpoll_pipeline::import::{ImportOptions, import};
use redpoll_pipeline::lower::{LowerOptions, lower};
use redpoll_pipeline::optimize::optimize;
use redpoll_session::Session;
use redpoll_tests::build::{Random, tensor};
use redpoll_tests::equality::{assert_same_bits, exact, set_inputs};
use redpoll_tests::onnx::ort_is_present;
use redpoll_tests::peer::{numbers, run};

fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    NodeProto::new(op, "", inputs.iter().copied(), outputs.iter().copied())
}

/// A model under test: its inputs with values, and what is asked of it.
struct Net {
    graph: GraphBuilder,
    inputs: Vec<Tensor>,
    outputs: Vec<String>,
}

impl Net {
    fn new() -> Self {
        Self {
            graph: GraphBuilder::new("net"),
            inputs: Vec::new(),
            outputs: Vec::new(),
        }
    }

    fn input(&mut self, name: &str, value: Tensor) {
        let dims: Vec<Dim> = value.shape().iter().map(|&d| Dim::Fixed(d)).collect();
        let dtype = match value.data() {
            Data::F32(_) => DataType::F32,
            Data::I32(_) => DataType::I32,
            Data::I64(_) => DataType::I64,
            _ => DataType::Bool,
        };
        self.graph.input(name, dtype, &dims);
        self.inputs.push(value);
    }

    fn ints(&mut self, name: &str, shape: &[usize], v: &[i64]) {
        let data = TensorData::from_i64(shape, v).expect("numbers");
        self.graph.initializer(name, &data);
    }

    fn floats(&mut self, name: &str, v: &[f32]) {
        let data = TensorData::from_f32(&[v.len()], v).expect("numbers");
        self.graph.initializer(name, &data);
    }

    fn output(&mut self, name: &str, dtype: DataType, rank: usize) {
        let dims: Vec<Dim> = (0..rank).map(|i| Dim::Named(format!("d{i}"))).collect();
        self.graph.output(name, dtype, &dims);
        self.outputs.push(name.to_owned());
    }

    fn model(&self) -> Model {
        let model = ModelBuilder::new(17).build(self.graph.clone());
        model.expect("a model")
    }

    /// The shapes of the outputs, after the engine's bits were the evaluator's, and those ONNX Runtime's.
    fn check(&self, what: &str) -> Vec<Vec<usize>> {
        let model = self.model();
        let imported = import(&model, &ImportOptions::default());
        let model_ours = optimize(imported.unwrap_or_else(|e| panic!("{what}: {e}")));
        let graph = model_ours.unwrap_or_else(|e| panic!("{what}: {e}"));
        let graph = graph.graph();
        assert_same_bits(what, graph, &self.inputs);
        let padded = eval::run(graph, &self.inputs).expect("a run");
        let ours = exact(graph, &padded);
        let lowered = lower(graph, &LowerOptions::default()).expect("a plan");
        let mut session = Session::from_bytes(lowered.plan(), &Default::default()).expect("loads");
        let names: Vec<&str> = session.outputs().iter().map(|o| o.name.as_str()).collect();
        assert_eq!(
            names, self.outputs,
            "{what}: sizes are no outputs of a session"
        );
        set_inputs(&mut session, &self.inputs);
        session.run().expect("runs");
        let shapes: Vec<Vec<usize>> = (0..ours.len())
            .map(|i| session.output_shape(i).expect("an output"))
            .collect();
        for (tensor, shape) in ours.iter().zip(&shapes) {
            assert_eq!(tensor.shape(), shape, "{what}");
        }
        if ort_is_present() {
            let options = Options::default().optimization(Optimization::All);
            let given = model.to_bytes().expect("bytes");
            let mut theirs = OrtSession::from_bytes(&given, &options).expect("ONNX Runtime loads");
            let theirs = run(&mut theirs, &self.inputs).expect("ONNX Runtime runs");
            for (i, (a, b)) in ours.iter().zip(&theirs).enumerate() {
                assert_eq!(&numbers(a), b, "{what}: output {i}");
            }
            // The model that we write has the largest sizes and the sizes of the run.
            let emitted = emit_graph(graph).unwrap_or_else(|e| panic!("{what}: {e}"));
            let mut theirs = OrtSession::from_bytes(&emitted, &options).expect("loads");
            let theirs = run(&mut theirs, &self.inputs).expect("runs");
            for (i, (a, b)) in padded.iter().zip(&theirs).enumerate() {
                assert_eq!(&numbers(a), b, "{what}: written: output {i}");
            }
        }
        shapes
    }

    fn refusal(&self) -> String {
        match import(&self.model(), &ImportOptions::default()) {
            Err(e) => e.to_string(),
            Ok(_) => panic!("not refused"),
        }
    }
}

/// Whole numbers in f32, about a third of them 0.
fn sparse(random: &mut Random, shape: &[usize]) -> Tensor {
    let n = shape.iter().product();
    let each = |_| match random.below(3) {
        0 => 0.0,
        _ => random.below(9) as f32 - 4.0,
    };
    tensor(shape, Data::F32((0..n).map(each).collect()))
}

#[test]
fn what_is_not_zero() {
    let mut random = Random::new(3);
    for shape in [&[17][..], &[3, 5], &[2, 3, 4]] {
        let x = sparse(&mut random, shape);
        let count = numbers(&x).iter().filter(|v| **v != 0.0).count();
        let mut net = Net::new();
        net.input("x", x);
        net.graph.node(node("NonZero", &["x"], &["y"]));
        net.output("y", DataType::I64, 2);
        assert_eq!(net.check(&format!("{shape:?}")), [[shape.len(), count]]);
    }
    // None and all.
    for (value, count) in [(0.0, 0), (1.0, 4)] {
        let mut net = Net::new();
        net.input("x", tensor(&[2, 2], Data::F32(vec![value; 4])));
        net.graph.node(node("NonZero", &["x"], &["y"]));
        net.output("y", DataType::I64, 2);
        assert_eq!(net.check("all alike"), [[2, count]]);
    }
}

/// Rows chosen by a computed condition, worked on, multiplied and reduced.
#[test]
fn chosen_rows_go_on() {
    let mut random = Random::new(4);
    let mut net = Net::new();
    net.input("x", sparse(&mut random, &[6, 4]));
    net.input("limit", tensor(&[1], Data::F32(vec![0.5])));
    let w: Vec<f32> = (0..12).map(|i| (i % 5) as f32 - 2.0).collect();
    let w = TensorData::from_f32(&[4, 3], &w).expect("weights");
    net.graph.initializer("w", &w);
    net.ints("zero", &[], &[0]);
    net.ints("flat", &[1], &[-1]);
    net.ints("rows", &[2], &[-1, 2]);
    net.ints("axis", &[1], &[0]);
    net.ints("last", &[1], &[1]);
    net.graph
        .node(node("Gather", &["x", "zero"], &["first"]).with_int("axis", 1));
    net.graph.node(node("Less", &["first", "limit"], &["c"]));
    net.graph
        .node(node("Compress", &["x", "c"], &["some"]).with_int("axis", 0));
    net.graph.node(node("Relu", &["some"], &["r"]));
    net.graph.node(node("MatMul", &["r", "w"], &["p"]));
    net.graph
        .node(node("Transpose", &["p"], &["t"]).with_ints("perm", &[1, 0]));
    net.graph.node(node("Reshape", &["some", "flat"], &["f"]));
    net.graph.node(node("Reshape", &["f", "rows"], &["pairs"]));
    net.graph
        .node(node("ReduceSum", &["some", "axis"], &["sum"]).with_int("keepdims", 0));
    net.graph
        .node(node("ReduceSum", &["some", "last"], &["each"]).with_int("keepdims", 0));
    net.graph.node(node("Shape", &["p"], &["s"]));
    net.graph.node(node("ConstantOfShape", &["s"], &["z"]));
    net.graph.node(node("Add", &["z", "p"], &["added"]));
    for (name, rank) in [
        ("t", 2),
        ("pairs", 2),
        ("sum", 1),
        ("each", 1),
        ("added", 2),
    ] {
        net.output(name, DataType::F32, rank);
    }
    net.output("s", DataType::I64, 1);
    let first = numbers(&net.inputs[0]);
    let n = first.chunks(4).filter(|row| row[0] < 0.5).count();
    let shapes = net.check("rows");
    assert!(n > 0 && n < 6);
    assert_eq!(
        shapes,
        [
            vec![3, n],
            vec![2 * n, 2],
            vec![4],
            vec![n],
            vec![n, 3],
            vec![2]
        ]
    );
}

/// Boxes that overlap, and what belongs to those that are left.
#[test]
fn boxes_that_overlap() {
    let mut random = Random::new(8);
    for (centers, most) in [(false, 3), (true, 3), (false, 100)] {
        let (count, classes) = (40, 2);
        let mut boxes = Vec::new();
        for _ in 0..count {
            let mut at = || random.below(16) as f32 / 4.0;
            let (x, y) = (at(), at());
            boxes.extend([y, x, y + 1.5 + at() / 2.0, x + 1.25 + at() / 2.0]);
        }
        let scores = (0..classes * count).map(|_| random.below(50) as f32 / 50.0);
        let mut net = Net::new();
        let scores = tensor(&[1, classes, count], Data::F32(scores.collect()));
        net.input("boxes", tensor(&[1, count, 4], Data::F32(boxes)));
        net.input("scores", scores);
        net.ints("most", &[1], &[most]);
        net.floats("iou", &[0.4]);
        net.floats("least", &[0.3]);
        let operands = ["boxes", "scores", "most", "iou", "least"];
        let list = node("NonMaxSuppression", &operands, &["list"]);
        net.graph
            .node(list.with_int("center_point_box", centers.into()));
        net.ints("two", &[1], &[2]);
        net.ints("one", &[1], &[1]);
        net.ints("none", &[1], &[0]);
        net.ints("end", &[1], &[3]);
        net.graph
            .node(node("Slice", &["list", "two", "end", "one"], &["at"]));
        net.graph.node(node("Squeeze", &["at", "one"], &["index"]));
        net.graph
            .node(node("Squeeze", &["boxes", "none"], &["all"]));
        net.graph
            .node(node("Gather", &["all", "index"], &["kept"]).with_int("axis", 0));
        net.output("list", DataType::I64, 2);
        net.output("kept", DataType::F32, 2);
        let shapes = net.check(&format!("centers {centers}, {most}"));
        assert_eq!(shapes[0][0], shapes[1][0]);
        assert!(shapes[0][0] > 2, "{shapes:?}");
    }
}

#[test]
fn the_first_of_a_computed_number() {
    for k in [1, 3, 7] {
        let mut net = Net::new();
        net.input("x", sparse(&mut Random::new(9), &[2, 7]));
        net.input("k", tensor(&[1], Data::I64(vec![k])));
        net.graph
            .node(node("TopK", &["x", "k"], &["v", "i"]).with_int("axis", 1));
        net.output("v", DataType::F32, 2);
        net.output("i", DataType::I64, 2);
        let n = k as usize;
        assert_eq!(net.check(&format!("k {k}")), [[2, n], [2, n]]);
    }
}

#[test]
fn what_there_is() {
    let mut random = Random::new(10);
    for (sorted, axis) in [(1, None), (0, None), (1, Some(0)), (0, Some(1))] {
        let each = (0..24).map(|_| random.below(3) as f32).collect();
        let x = if axis.is_some() { [12, 2] } else { [4, 6] };
        let x = if axis == Some(1) { [2, 12] } else { x };
        let mut net = Net::new();
        net.input("x", tensor(&x, Data::F32(each)));
        let outputs = ["y", "first", "inverse", "counts"];
        let mut unique = node("Unique", &["x"], &outputs).with_int("sorted", sorted);
        if let Some(axis) = axis {
            unique = unique.with_int("axis", axis);
        }
        net.graph.node(unique);
        net.output("y", DataType::F32, if axis.is_some() { 2 } else { 1 });
        for name in &outputs[1..] {
            net.output(name, DataType::I64, 1);
        }
        net.check(&format!("sorted {sorted} axis {axis:?}"));
    }
}

/// A loop that a computed condition ends: its last state and the rows of the trips that were made.
#[test]
fn a_loop_that_ends_by_itself() {
    for start in [0.5f32, 3.0, 40.0, 200.0] {
        let mut body = GraphBuilder::new("body");
        body.input("trip", DataType::I64, &[]);
        body.input("go", DataType::Bool, &[]);
        body.input("a", DataType::F32, &[Dim::Fixed(2)]);
        let number = |v: f32| TensorData::from_f32(&[], &[v]).expect("a number");
        body.initializer("two", &number(2.0));
        body.initializer("most", &number(100.0));
        body.node(node("Mul", &["a", "two"], &["a2"]));
        body.node(node("ReduceMax", &["a2"], &["m"]).with_int("keepdims", 0));
        body.node(node("Less", &["m", "most"], &["on"]));
        body.node(node("Identity", &["a2"], &["row"]));
        body.output("on", DataType::Bool, &[]);
        body.output("a2", DataType::F32, &[Dim::Fixed(2)]);
        body.output("row", DataType::F32, &[Dim::Fixed(2)]);
        let mut net = Net::new();
        net.input("x", tensor(&[2], Data::F32(vec![start, 1.0])));
        net.input("go", tensor(&[], Data::Bool(vec![start < 100.0])));
        net.ints("trips", &[], &[5]);
        let operands = ["trips", "go", "x"];
        net.graph
            .node(node("Loop", &operands, &["last", "rows"]).with_graph("body", body.finish()));
        net.output("last", DataType::F32, 1);
        net.output("rows", DataType::F32, 2);
        let mut trips = 0;
        let mut v = start;
        while v < 100.0 && trips < 5 {
            (v, trips) = (v * 2.0, trips + 1);
        }
        assert_eq!(
            net.check(&format!("from {start}")),
            [vec![2], vec![trips, 2]]
        );
    }
}

/// Operators that would see what lies behind the elements that are meant.
#[test]
fn others_are_refused() {
    for op in ["Softmax", "CumSum", "ReduceMean"] {
        let mut net = Net::new();
        net.input("x", sparse(&mut Random::new(11), &[3, 3]));
        net.ints("axis", &[], &[1]);
        net.graph.node(node("NonZero", &["x"], &["at"]));
        net.graph
            .node(node("Cast", &["at"], &["f"]).with_int("to", 1));
        let inputs: &[&str] = if op == "CumSum" {
            &["f", "axis"]
        } else {
            &["f"]
        };
        let made = node(op, inputs, &["y"]);
        net.graph.node(match op {
            "Softmax" => made.with_int("axis", 1),
            "ReduceMean" => made.with_ints("axes", &[1]),
            _ => made,
        });
        net.output("y", DataType::F32, 2);
        let reason = net.refusal();
        assert!(reason.contains("depends on data"), "{op}: {reason}");
    }
}
