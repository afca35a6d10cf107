//! If, Loop and Scan: chosen, selected and unrolled; and models that ask for more than anybody should do.

use redpoll_graph::{Data, Tensor, eval};
use redpoll_onnx::proto::NodeProto;
use redpoll_onnx::{DataType, Dim, GraphBuilder, Limits, Model, ModelBuilder, TensorData};
use redpoll_pipeline::ErrorKind;
use redpoll_pipeline::import::{ImportOptions, import};
use redpoll_pipeline::optimize::optimize;
use redpoll_tests::build::{Random, tensor};
use redpoll_tests::control::{branch, choice, flag, node, repeated, scalar, scan_body};
use redpoll_tests::one_node::{Case, Operand};
use redpoll_tests::onnx::ort_is_present;

#[test]
fn branches() {
    let with_ort = ort_is_present();
    for value in [true, false] {
        choice(Operand::Constant(flag(value))).check("constant condition", 1e-6, with_ort);
        choice(Operand::Input(flag(value))).check("condition at run time", 1e-6, with_ort);
    }
}

#[test]
fn loops() {
    let with_ort = ort_is_present();
    for trips in [1, 2, 5] {
        repeated(Some(trips), true).check(&format!("{trips} trips"), 1e-5, with_ort);
    }
    // Ends by itself after the trip number 3.
    for trips in [None, Some(3), Some(100)] {
        repeated(trips, false).check(&format!("{trips:?} trips at most"), 1e-5, with_ort);
    }
}

#[test]
fn scans() {
    let with_ort = ort_is_present();
    let body = scan_body();
    for (axes, directions, out_axes, out_directions) in [
        ([0, 0], [0, 0], [0, 0], [0, 0]),
        ([1, 0], [1, 0], [1, 0], [0, 1]),
        ([-1, -2], [0, 1], [-1, 1], [1, 1]),
    ] {
        let mut random = Random::new(7);
        let mut case = Case::new("Scan");
        case.node = case
            .node
            .with_graph("body", body.clone())
            .with_int("num_scan_inputs", 2)
            .with_ints("scan_input_axes", &axes)
            .with_ints("scan_input_directions", &directions)
            .with_ints("scan_output_axes", &out_axes)
            .with_ints("scan_output_directions", &out_directions);
        let x = if axes[0] == 0 { [4, 3] } else { [3, 4] };
        case.operands = vec![
            Operand::Input(random.floats(&[3])),
            Operand::Input(random.floats(&x)),
            Operand::Input(random.floats(&[4, 1])),
        ];
        case.outputs = 3;
        case.check(&format!("scan {axes:?} {directions:?}"), 1e-5, with_ort);
    }
}

/// The error of a model.
fn refused(bytes: &[u8]) -> String {
    let limits = Limits::default();
    match Model::from_bytes(bytes, &limits) {
        Err(e) => e.to_string(),
        Ok(model) => match import(&model, &ImportOptions::default()) {
            Err(e) => {
                assert_eq!(e.kind(), ErrorKind::Unsupported, "{e}");
                e.to_string()
            }
            Ok(_) => panic!("not refused"),
        },
    }
}

#[test]
fn endless_loops_are_refused() {
    let start = std::time::Instant::now();
    for trips in [Some(1 << 62), Some(i64::MAX), None] {
        let reason = refused(&repeated(trips, true).model().0);
        assert!(reason.contains("16384 nodes"), "{reason}");
    }
    // A loop in a loop in a loop of a thousand trips each, without a node in the innermost.
    let mut body = GraphBuilder::new("innermost");
    body.input("n", DataType::I64, &[])
        .input("go", DataType::Bool, &[]);
    body.output("go", DataType::Bool, &[]);
    let mut body = body.finish();
    for _ in 0..3 {
        let mut outer = GraphBuilder::new("outer");
        outer
            .input("n", DataType::I64, &[])
            .input("go", DataType::Bool, &[]);
        outer.node(node("Loop", &["i0", ""], &[]).with_graph("body", body));
        outer.output("go", DataType::Bool, &[]);
        body = outer.finish();
    }
    let mut case = Case::new("Loop");
    case.node = case.node.with_graph("body", body);
    case.operands = vec![Operand::Constant(scalar(Data::I64(vec![1000])))];
    case.outputs = 0;
    let reason = refused(&case.model().0);
    assert!(reason.contains("16384 nodes"), "{reason}");
    assert!(start.elapsed().as_secs() < 20, "bounded time");
}

/// A constant of a megabyte in a body is decoded once, not at each of thousands of trips.
#[test]
fn large_constants_in_bodies_are_shared() {
    let mut body = GraphBuilder::new("body");
    body.input("n", DataType::I64, &[])
        .input("go", DataType::Bool, &[])
        .input("v", DataType::F32, &[Dim::Fixed(4)]);
    let mut large = NodeProto::new("Constant", "c", [], ["c"]);
    let zeros = TensorData::from_f32(&[250_000], &vec![0.5; 250_000]).expect("numbers");
    large = large.with_tensor("value", &zeros);
    body.node(large);
    body.node(node("ReduceMax", &["c"], &["r"]).with_int("keepdims", 0));
    body.node(node("Add", &["v", "r"], &["w"]));
    body.output("go", DataType::Bool, &[])
        .output("w", DataType::F32, &[Dim::Fixed(4)]);
    let mut case = Case::new("Loop");
    case.node = case.node.with_graph("body", body.finish());
    let trips = 300;
    case.operands = vec![
        Operand::Constant(scalar(Data::I64(vec![trips]))),
        Operand::None,
        Operand::Input(tensor(&[4], Data::F32(vec![0.0; 4]))),
    ];
    let model = Model::from_bytes(&case.model().0, &Limits::default()).expect("a model");
    let imported = import(&model, &ImportOptions::default()).expect("a few nodes a trip");
    let held: usize = imported
        .graph()
        .values
        .iter()
        .filter_map(|v| v.constant.as_deref())
        .map(Tensor::len)
        .sum();
    assert!(held < 300_000, "{held} elements of constants");
}

#[test]
fn loops_without_a_known_end_are_refused() {
    let mut case = repeated(Some(4), true);
    case.operands[0] = Operand::Input(scalar(Data::I64(vec![4])));
    let reason = refused(&case.model().0);
    assert!(reason.contains("trip count"), "{reason}");
    let mut case = repeated(None, true);
    case.operands[1] = Operand::Input(flag(true));
    let reason = refused(&case.model().0);
    assert!(reason.contains("run time"), "{reason}");
}

/// Branches that give different shapes cannot both be computed.
#[test]
fn branches_of_other_shapes_are_refused() {
    let mut other = GraphBuilder::new("branch");
    other.node(node("ReduceSum", &["i1"], &["o"]).with_int("keepdims", 0));
    other.output("o", DataType::F32, &[]);
    let mut case = choice(Operand::Input(flag(true)));
    case.node = node("If", &[], &[])
        .with_graph("then_branch", branch("Tanh"))
        .with_graph("else_branch", other.finish());
    let reason = refused(&case.model().0);
    assert!(reason.contains("--set NAME=VALUE"), "{reason}");
}

/// Graphs 10,000 deep inside one another, written from the inside out.
#[test]
fn deep_nesting_is_refused() {
    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2];
        let mut len = content.len();
        while len >= 0x80 {
            out.push((len & 0x7f) as u8 | 0x80);
            len >>= 7;
        }
        out.push(len as u8);
        out.extend_from_slice(content);
        out
    }
    for depth in [20, 100, 10_000] {
        let mut graph = Vec::new();
        for _ in 0..depth {
            // AttributeProto { name, type: GRAPH, g }, NodeProto { op_type, attribute }, GraphProto { node }.
            let name = field(1, b"then_branch");
            let kind = [20 << 3 & 0x7f | 0x80, 1, 5];
            let attribute = [name, kind.to_vec(), field(6, &graph)].concat();
            let node = [field(4, b"If"), field(5, &attribute)].concat();
            graph = field(1, &node);
        }
        let opset = field(8, &[16, 17]);
        let model = [vec![8, 8], field(7, &graph), opset].concat();
        let reason = refused(&model);
        assert!(!reason.is_empty());
    }
}

/// Found by damage: the outputs of a scan under one name.
#[test]
fn outputs_of_one_name_are_refused() {
    let (_, scan) = redpoll_tests::control::models().pop().expect("models");
    let model = Model::from_bytes(&scan, &Limits::default()).expect("a model");
    let mut proto = model.into_proto();
    for output in proto.graph.iter_mut().flat_map(|g| &mut g.output) {
        output.name = "o2".into();
    }
    let model = Model::from_proto(proto).expect("a model");
    let error = import(&model, &ImportOptions::default()).map(drop);
    let error = error.expect_err("three outputs of one name");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("\"o2\""), "{error}");
}

/// `set` makes an input a constant, so that a branch on it is decided.
#[test]
fn an_input_set_to_a_value_decides() {
    let rate = |wanted: &str| {
        let mut graph = GraphBuilder::new("rates");
        graph.input("x", DataType::F32, &[Dim::Fixed(2), Dim::Fixed(3)]);
        graph.input("sr", DataType::I64, &[]);
        let number = TensorData::from_i64(&[], &[16000]).expect("a number");
        graph.initializer("wide", &number);
        graph.node(node("Equal", &["sr", "wide"], &["c"]));
        let body = |op: &str| {
            let mut body = GraphBuilder::new("b");
            body.node(node(op, &["x"], &["o"]));
            body.output("o", DataType::F32, &[]);
            body.finish()
        };
        // One branch has another shape: only a decided condition can be imported.
        let mut flat = GraphBuilder::new("b");
        flat.node(node("Flatten", &["x"], &["f"]).with_int("axis", 0));
        flat.node(node("Neg", &["f"], &["o"]));
        flat.output("o", DataType::F32, &[]);
        graph.node(
            node("If", &["c"], &["y"])
                .with_graph("then_branch", body("Abs"))
                .with_graph("else_branch", flat.finish()),
        );
        graph.output("y", DataType::F32, &[]);
        let model = ModelBuilder::new(17).build(graph).expect("a model");
        let mut options = ImportOptions::default();
        options.set.insert("sr".into(), wanted.into());
        import(&model, &options)
    };
    for (wanted, first) in [("16000", 1.0), ("8000", 1.0), (" 48000 ", 1.0)] {
        let graph = optimize(rate(wanted).expect("decided")).expect("sound");
        let x = tensor(&[2, 3], Data::F32(vec![-1.0; 6]));
        let y = eval::run(graph.graph(), &[x]).expect("a run");
        assert_eq!(y[0].as_f32().map(|v| v[0]), Some(first));
        assert_eq!(y[0].shape().len(), 2);
        assert_eq!(graph.graph().inputs.len(), 1, "sr is no input any more");
    }
    assert_eq!(
        rate("fast").map(drop).unwrap_err().kind(),
        ErrorKind::Invalid
    );
    assert_eq!(
        rate("1,2").map(drop).unwrap_err().kind(),
        ErrorKind::Invalid
    );
}
