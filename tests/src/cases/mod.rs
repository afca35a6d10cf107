//! Cases of operators as data, `tests/cases/*.toml`: a graph in the spirit of ONNX's text form, tensors in and out.
//!
//! | key | what it holds |
//! |---|---|
//! | `name` | a few words; `file/name` is what tests print |
//! | `opset` | version of the standard operators; 17 unless given |
//! | `graph` | a node a line: `y, z = Op <attribute = value, …> (x, , w)`; operators of ONNX Runtime's domain as `com.microsoft.Op` |
//! | `input.x`, `constant.w` | tensors that a run gives, tensors of the model |
//! | `output.y` | what is expected, of each output in the order of their names |
//! | `tolerance` | of floats, relative to the larger of 1 and the expected value; 1e-5 unless given. Integers are equal |
//! | `by` | where the expected values are from, if not from ONNX's reference evaluator (or, in its domain, ONNX Runtime) |
//! | `evaluator_only` | why no plan can be made of it |
//! | `differs.ort`, `differs.tract` | why another engine gives other numbers |
//!
//! A tensor is `TYPE [DIMS] numbers`, or `TYPE [DIMS] seq START STEP MODULUS`, whose element `i` is
//! `START + STEP · (7 i mod MODULUS)`. `tests/cases/fill.py` adds the outputs to cases that have none.

mod graph;
mod number;
mod run;

use std::collections::BTreeMap;
use std::path::Path;

use redpoll_onnx::proto::NodeProto;
use redpoll_onnx::{Dim, GraphBuilder, Model, ModelBuilder, TensorData};
use serde::Deserialize;

pub use run::{Answer, Summary};

/// A case.
#[derive(Clone, Debug)]
pub struct Case {
    /// `file/name`.
    pub name: String,
    opset: i64,
    nodes: Vec<NodeProto>,
    inputs: BTreeMap<String, TensorData>,
    constants: BTreeMap<String, TensorData>,
    outputs: BTreeMap<String, TensorData>,
    tolerance: f64,
    evaluator_only: bool,
    differs: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Written>,
}

/// A case as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    graph: String,
    #[serde(default)]
    input: BTreeMap<String, String>,
    #[serde(default)]
    constant: BTreeMap<String, String>,
    output: BTreeMap<String, String>,
    #[serde(default)]
    differs: BTreeMap<String, String>,
    opset: Option<i64>,
    tolerance: Option<f64>,
    evaluator_only: Option<String>,
    /// For readers and `fill.py`.
    #[serde(rename = "by")]
    _by: Option<String>,
}

/// All cases, by file and as they stand in it.
///
/// # Panics
/// When a file cannot be read: the test fails. So do the others here.
pub fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let entries = std::fs::read_dir(&folder).expect("tests/cases is there");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = paths
        .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        .collect();
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let file: File = toml::from_str(&text).unwrap_or_else(|e| panic!("{stem}: {e}"));
        all.extend(file.case.into_iter().map(|case| read(&stem, case)));
    }
    all
}

fn read(file: &str, written: Written) -> Case {
    let name = format!("{file}/{}", written.name);
    let tensors = |texts: BTreeMap<String, String>| {
        let tensor = |(key, text): (String, String)| {
            let tensor = number::tensor(&text).unwrap_or_else(|e| panic!("{name}: {key}: {e}"));
            (key, tensor)
        };
        texts.into_iter().map(tensor).collect()
    };
    Case {
        opset: written.opset.unwrap_or(17),
        nodes: graph::nodes(&written.graph).unwrap_or_else(|e| panic!("{name}: {e}")),
        inputs: tensors(written.input),
        constants: tensors(written.constant),
        outputs: tensors(written.output),
        tolerance: written.tolerance.unwrap_or(1e-5),
        evaluator_only: written.evaluator_only.is_some(),
        differs: written.differs,
        name,
    }
}

impl Case {
    /// The model: inputs and outputs by name.
    pub fn model(&self) -> Model {
        let mut graph = GraphBuilder::new("case");
        let dims = |t: &TensorData| -> Vec<Dim> { t.dims().iter().map(|&d| d.into()).collect() };
        for (name, tensor) in &self.inputs {
            graph.input(name, tensor.data_type(), &dims(tensor));
        }
        for (name, tensor) in &self.constants {
            graph.initializer(name, tensor);
        }
        for node in &self.nodes {
            graph.node(node.clone());
        }
        for (name, tensor) in &self.outputs {
            graph.output(name, tensor.data_type(), &dims(tensor));
        }
        let model = ModelBuilder::new(self.opset)
            .opset("com.microsoft", 1)
            .build(graph);
        model.unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }
}
