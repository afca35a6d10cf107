//! Operators of ONNX Runtime's own domain: our engine against ONNX Runtime on small models.

use redpoll_backend_ort::{Options, OrtSession};
use redpoll_graph::{Tensor, eval};
use redpoll_onnx::proto::NodeProto;
use redpoll_onnx::{DataType, GraphBuilder, ModelBuilder, TensorData};
use redpoll_pipeline::import::{ImportOptions, import};
use redpoll_pipeline::lower::{LowerOptions, lower};
use redpoll_pipeline::optimize::optimize;
use redpoll_tests::build::Random;
use redpoll_tests::equality::{assert_equal, run};
use redpoll_tests::onnx::ort_is_present;
use redpoll_tests::peer;

const DOMAIN: &str = "com.microsoft";

fn ms(op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    NodeProto::new(op, op, inputs.iter().copied(), outputs.iter().copied()).in_domain(DOMAIN)
}

fn floats(dims: &[usize], v: &[f32]) -> TensorData {
    TensorData::from_f32(dims, v).expect("fits")
}

fn scale(v: f32) -> TensorData {
    floats(&[], &[v])
}

fn zero(v: u8) -> TensorData {
    TensorData::from_u8(&[], &[v]).expect("fits")
}

/// Floats between −2 and 2.
fn some(random: &mut Random, dims: &[usize]) -> TensorData {
    let n: usize = dims.iter().product();
    let v: Vec<f32> = (0..n).map(|_| random.float(2.0)).collect();
    floats(dims, &v)
}

/// A model from float `x` to float `y`; both must agree within `most`.
fn agree(
    shape: &[usize],
    constants: &[(&str, TensorData)],
    nodes: &[NodeProto],
    rank: usize,
    most: f64,
) {
    let what = nodes
        .iter()
        .map(|n| n.op_type.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    let mut graph = GraphBuilder::new("m");
    let dims: Vec<_> = shape.iter().map(|&d| d.into()).collect();
    graph.input("x", DataType::F32, &dims);
    for (name, data) in constants {
        graph.initializer(name, data);
    }
    for node in nodes {
        graph.node(node.clone());
    }
    graph.output("y", DataType::F32, &vec![redpoll_onnx::Dim::Unknown; rank]);
    let model = ModelBuilder::new(17)
        .opset(DOMAIN, 1)
        .build(graph)
        .expect("a model");
    let imported =
        import(&model, &ImportOptions::default()).unwrap_or_else(|e| panic!("{what}: {e}"));
    let optimized = optimize(imported).unwrap_or_else(|e| panic!("{what}: {e}"));
    let mut random = Random::new(11);
    let inputs = vec![random.floats(shape)];
    let reference: Vec<Tensor> =
        eval::run(optimized.graph(), &inputs).unwrap_or_else(|e| panic!("{what}: {e}"));
    let lowered = lower(optimized.graph(), &LowerOptions::default());
    let lowered = lowered.unwrap_or_else(|e| panic!("{what}: {e}"));
    let ours = run(lowered.plan(), &inputs, "scalar", 1);
    assert_equal(&what, &reference[0], &ours[0]);
    let bytes = model.to_bytes().expect("bytes");
    let mut theirs = OrtSession::from_bytes(&bytes, &Options::default())
        .unwrap_or_else(|e| panic!("{what}: {e}"));
    let theirs = peer::run(&mut theirs, &inputs).unwrap_or_else(|e| panic!("{what}: {e}"));
    let ours = peer::numbers(&reference[0]);
    assert_eq!(ours.len(), theirs[0].len(), "{what}");
    let far = ours.iter().zip(&theirs[0]).map(|(a, b)| (a - b).abs());
    let largest = far.fold(0.0, f64::max);
    println!("{what}: largest difference {largest:.2e}");
    assert!(largest <= most, "{what}: {largest}");
}

/// `x` quantised to `a`.
fn quantize(x: &str, a: &str) -> NodeProto {
    NodeProto::new("QuantizeLinear", a, [x, "s", "z"], [a])
}

/// `q` back to `y`.
fn dequantize(q: &str) -> NodeProto {
    NodeProto::new("DequantizeLinear", "out", [q, "t", "z"], ["y"])
}

/// One step of the results' scale.
const STEP: f64 = 0.05;

fn scales() -> Vec<(&'static str, TensorData)> {
    vec![
        ("s", scale(0.03)),
        ("t", scale(STEP as f32)),
        ("z", zero(120)),
    ]
}

#[test]
fn quantised_operators() {
    if !ort_is_present() {
        return;
    }
    let most = STEP * 1.001;
    for op in ["QLinearAdd", "QLinearMul"] {
        let node = ms(op, &["a", "s", "z", "a", "s", "z", "t", "z"], &["q"]);
        let nodes = [quantize("x", "a"), node, dequantize("q")];
        agree(&[2, 3, 4], &scales(), &nodes, 3, most);
    }
    let node = ms("QLinearLeakyRelu", &["a", "s", "z", "t", "z"], &["q"]).with_float("alpha", 0.2);
    agree(
        &[2, 12],
        &scales(),
        &[quantize("x", "a"), node, dequantize("q")],
        2,
        most,
    );
    let node = ms("QLinearSigmoid", &["a", "s", "z", "t", "z"], &["q"]);
    agree(
        &[2, 12],
        &scales(),
        &[quantize("x", "a"), node, dequantize("q")],
        2,
        most,
    );
    let node = ms(
        "QLinearGlobalAveragePool",
        &["a", "s", "z", "t", "z"],
        &["q"],
    );
    agree(
        &[1, 3, 4, 5],
        &scales(),
        &[quantize("x", "a"), node, dequantize("q")],
        4,
        most,
    );
    let node = ms("QLinearAveragePool", &["a", "s", "z", "t", "z"], &["q"])
        .with_ints("kernel_shape", &[2, 2])
        .with_ints("strides", &[2, 2]);
    agree(
        &[1, 3, 4, 6],
        &scales(),
        &[quantize("x", "a"), node, dequantize("q")],
        4,
        most,
    );
    let node = ms(
        "QLinearConcat",
        &["t", "z", "a", "s", "z", "a", "s", "z"],
        &["q"],
    )
    .with_int("axis", 1);
    agree(
        &[2, 3],
        &scales(),
        &[quantize("x", "a"), node, dequantize("q")],
        2,
        most,
    );
}

#[test]
fn quantised_products() {
    if !ort_is_present() {
        return;
    }
    let w: Vec<i8> = (0..24).map(|i| (i * 37 % 251 - 125) as i8).collect();
    let mut constants = scales();
    constants.extend([
        ("w", TensorData::from_i8(&[6, 4], &w).expect("fits")),
        ("ws", scale(0.01)),
        ("wz", TensorData::from_i8(&[], &[0]).expect("fits")),
        (
            "b",
            TensorData::from_i32(&[4], &[100, -50, 0, 7]).expect("fits"),
        ),
    ]);
    let node = ms(
        "QGemm",
        &["a", "s", "z", "w", "ws", "wz", "b", "t", "z"],
        &["q"],
    );
    let nodes = [quantize("x", "a"), node, dequantize("q")];
    agree(&[3, 6], &constants, &nodes, 2, STEP * 1.001);
    let node = ms(
        "MatMulIntegerToFloat",
        &["a", "w", "s", "ws", "z", "wz"],
        &["y"],
    );
    agree(&[3, 6], &constants, &[quantize("x", "a"), node], 2, 1e-5);
    let node = ms("DynamicQuantizeMatMul", &["x", "w", "ws", "wz"], &["y"]);
    agree(&[3, 6], &constants, &[node], 2, 1e-5);
}

#[test]
fn transformer_operators() {
    if !ort_is_present() {
        return;
    }
    let mut random = Random::new(5);
    let vector = |random: &mut Random| some(random, &[6]);
    let constants = vec![
        ("g", vector(&mut random)),
        ("b", vector(&mut random)),
        ("o", vector(&mut random)),
        ("m", some(&mut random, &[2, 3, 6])),
    ];
    let shape = [2, 3, 6];
    for (op, inputs) in [
        ("BiasGelu", vec!["x", "b"]),
        ("Gelu", vec!["x"]),
        ("FastGelu", vec!["x", "b"]),
        ("QuickGelu", vec!["x"]),
        ("SkipLayerNormalization", vec!["x", "m", "g", "b", "o"]),
        ("SkipSimplifiedLayerNormalization", vec!["x", "m", "g", "o"]),
    ] {
        agree(&shape, &constants, &[ms(op, &inputs, &["y"])], 3, 2e-5);
    }
    let node = ms("FusedMatMul", &["x", "m"], &["y"])
        .with_float("alpha", 0.5)
        .with_int("transB", 1);
    agree(&shape, &constants, &[node], 3, 2e-5);
    let mut constants = vec![
        ("w", some(&mut random, &[4, 3, 3, 3])),
        ("c", vector(&mut random)),
    ];
    constants[1].1 = some(&mut random, &[4]);
    let node = ms("FusedConv", &["x", "w", "c"], &["y"])
        .with_string("activation", "LeakyRelu")
        .with_floats("activation_params", &[0.3])
        .with_ints("pads", &[1, 1, 1, 1]);
    agree(&[1, 3, 5, 6], &constants, &[node], 4, 2e-5);
}

#[test]
fn weights_of_four_bits() {
    if !ort_is_present() {
        return;
    }
    let mut random = Random::new(9);
    let (k, n, block) = (64usize, 5usize, 32usize);
    let bytes: Vec<u8> = (0..n * k / 2).map(|_| random.below(256) as u8).collect();
    let zeros: Vec<u8> = (0..n * (k / block).div_ceil(2))
        .map(|_| random.below(256) as u8)
        .collect();
    let constants = vec![
        (
            "w",
            TensorData::from_u8(&[n, k / block, block / 2], &bytes).expect("fits"),
        ),
        ("s", some(&mut random, &[n * k / block])),
        (
            "z",
            TensorData::from_u8(&[zeros.len()], &zeros).expect("fits"),
        ),
    ];
    let with = |node: NodeProto| {
        node.with_int("K", k as i64)
            .with_int("N", n as i64)
            .with_int("bits", 4)
            .with_int("block_size", block as i64)
    };
    for inputs in [vec!["x", "w", "s"], vec!["x", "w", "s", "z"]] {
        let node = with(ms("MatMulNBits", &inputs, &["y"]));
        agree(&[3, k], &constants, &[node], 2, 2e-3);
    }
}
