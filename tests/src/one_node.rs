//! Models of one ONNX node: our engine against our evaluator bit for bit, and against ONNX Runtime within a tolerance.

use redpoll_backend_ort::{Optimization, Options, OrtSession};
use redpoll_graph::{Data, Tensor, eval};
use redpoll_onnx::proto::{NodeProto, type_proto};
use redpoll_onnx::{DataType, Dim, GraphBuilder, Limits, Model, ModelBuilder, TensorData};
use redpoll_pipeline::emit::emit_graph;
use redpoll_pipeline::import::{ImportOptions, import};
use redpoll_pipeline::optimize::optimize;

use crate::equality::assert_same_bits;
use crate::peer::{Difference, numbers, run};

/// Writes a model as a seed for fuzzing into the folder `REDPOLL_WRITE_ONNX`, if that is set.
pub(crate) fn seed(name: &str, bytes: &[u8]) {
    if let Some(folder) = std::env::var_os("REDPOLL_WRITE_ONNX") {
        let sum = bytes.iter().fold(0u64, |h, &b| {
            (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)
        });
        let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
        let path = std::path::Path::new(&folder).join(format!("{name}_{sum:016x}.onnx"));
        std::fs::write(path, bytes).expect("the folder can be written to");
    }
}

/// An operand of the node.
#[derive(Clone, Debug)]
pub enum Operand {
    /// Given at run time.
    Input(Tensor),
    /// Part of the model.
    Constant(Tensor),
    /// Left out.
    None,
}

/// A node under test, its operands and how many outputs it has.
#[derive(Clone, Debug)]
pub struct Case {
    /// The operator with its attributes; inputs and outputs are set here.
    pub node: NodeProto,
    /// Operands in order.
    pub operands: Vec<Operand>,
    /// Inputs `i{n}` after the operands that only bodies of the node read.
    pub around: Vec<Tensor>,
    /// Outputs asked for.
    pub outputs: usize,
    /// Version of the standard operators.
    pub opset: i64,
}

fn of_onnx(tensor: &Tensor) -> TensorData {
    let dims = tensor.shape();
    let made = match tensor.data() {
        Data::F32(v) => TensorData::from_f32(dims, v),
        Data::I8(v) => TensorData::from_i8(dims, v),
        Data::U8(v) => TensorData::from_u8(dims, v),
        Data::I32(v) => TensorData::from_i32(dims, v),
        Data::I64(v) => TensorData::from_i64(dims, v),
        Data::Bool(v) => {
            TensorData::new(DataType::Bool, dims, v.iter().map(|&b| b.into()).collect())
        }
    };
    made.expect("as many elements as the shape says")
}

impl Case {
    /// A node without operands yet, of opset 17 and with one output.
    pub fn new(op_type: &str) -> Self {
        Self {
            node: NodeProto::new(op_type, "node", [], []),
            operands: Vec::new(),
            around: Vec::new(),
            outputs: 1,
            opset: 17,
        }
    }

    /// The model's bytes, and the inputs of a run.
    ///
    /// # Panics
    /// When it is no model: the test fails. So do the others here.
    pub fn model(&self) -> (Vec<u8>, Vec<Tensor>) {
        let mut graph = GraphBuilder::new("case");
        let mut node = self.node.clone();
        let mut inputs = Vec::new();
        for (i, operand) in self.operands.iter().enumerate() {
            let name = format!("i{i}");
            match operand {
                Operand::None => {
                    node.input.push(String::new());
                    continue;
                }
                Operand::Input(t) => {
                    let dims: Vec<Dim> = t.shape().iter().map(|&d| Dim::Fixed(d)).collect();
                    graph.input(&name, of_onnx(t).data_type(), &dims);
                    inputs.push(t.clone());
                }
                Operand::Constant(t) => {
                    graph.initializer(&name, &of_onnx(t));
                }
            }
            node.input.push(name);
        }
        for (i, t) in self.around.iter().enumerate() {
            let dims: Vec<Dim> = t.shape().iter().map(|&d| Dim::Fixed(d)).collect();
            let name = format!("i{}", self.operands.len() + i);
            graph.input(&name, of_onnx(t).data_type(), &dims);
            inputs.push(t.clone());
        }
        for i in 0..self.outputs {
            let name = format!("o{i}");
            graph.output(&name, DataType::F32, &[]);
            node.output.push(name);
        }
        graph.node(node);
        let model = ModelBuilder::new(self.opset).build(graph);
        let mut proto = model.expect("a model").into_proto();
        // The outputs' shapes are left to whoever reads the model.
        for output in proto.graph.iter_mut().flat_map(|g| &mut g.output) {
            let value = output.r#type.as_mut().and_then(|t| t.value.as_mut());
            if let Some(type_proto::Value::TensorType(t)) = value {
                t.shape = None;
            }
        }
        let model = Model::from_proto(proto).expect("a model");
        let bytes = model.to_bytes().expect("bytes");
        seed(&self.node.op_type, &bytes);
        (bytes, inputs)
    }

    /// Demands that the engine gives the evaluator's bits on every tier, and that the model that we emit computes what
    /// the imported one does; with ONNX Runtime at hand, that both are within `tolerance` of it, relative to its
    /// largest output.
    pub fn check(&self, what: &str, tolerance: f64, with_ort: bool) {
        let (bytes, inputs) = self.model();
        let read = |bytes: &[u8]| {
            let model = Model::from_bytes(bytes, &Limits::default());
            let model = model.unwrap_or_else(|e| panic!("{what}: {e}"));
            let imported = import(&model, &ImportOptions::default());
            let imported = imported.unwrap_or_else(|e| panic!("{what}: {e}"));
            optimize(imported).unwrap_or_else(|e| panic!("{what}: {e}"))
        };
        let model = read(&bytes);
        assert_same_bits(what, model.graph(), &inputs);
        let evaluate = |graph| eval::run(graph, &inputs).unwrap_or_else(|e| panic!("{what}: {e}"));
        let ours = evaluate(model.graph());
        let emitted = emit_graph(model.graph()).unwrap_or_else(|e| panic!("{what}: {e}"));
        for (a, b) in ours.iter().zip(evaluate(read(&emitted).graph())) {
            assert_eq!(*a, b, "{what}: written and read again");
        }
        if !with_ort {
            return;
        }
        for bytes in [&bytes, &emitted] {
            let options = Options::default().optimization(Optimization::All);
            let session = OrtSession::from_bytes(bytes, &options);
            let mut session = session.unwrap_or_else(|e| panic!("{what}: {e}"));
            let theirs = run(&mut session, &inputs).unwrap_or_else(|e| panic!("{what}: {e}"));
            for (i, (a, b)) in ours.iter().zip(&theirs).enumerate() {
                let mut difference = Difference::default();
                difference.add(&numbers(a), b);
                let off = difference.relative();
                assert!(
                    off <= tolerance,
                    "{what}: output {i}: {off:e}, {difference:?}"
                );
            }
        }
    }
}
