//! Models with If, Loop and Scan, for the tests of control flow and as the start of damaged ones.

use redpoll_graph::{Data, Tensor};
use redpoll_onnx::proto::{GraphProto, NodeProto};
use redpoll_onnx::{DataType, Dim, GraphBuilder, TensorData};

use crate::build::{Random, tensor};
use crate::one_node::{Case, Operand};

/// A node without a name.
pub fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    NodeProto::new(op, "", inputs.iter().copied(), outputs.iter().copied())
}

/// A tensor without axes.
pub fn scalar(data: Data) -> Tensor {
    tensor(&[], data)
}

/// One truth value.
pub fn flag(value: bool) -> Tensor {
    scalar(Data::Bool(vec![value]))
}

/// A body without inputs that gives `o = op(i1)`: names from around it are seen.
pub fn branch(op: &str) -> GraphProto {
    let mut graph = GraphBuilder::new("branch");
    graph.node(node(op, &["i1"], &["inner"]));
    graph.node(node("Identity", &["inner"], &["o"]));
    graph.output("o", DataType::F32, &[Dim::Fixed(2), Dim::Fixed(3)]);
    graph.finish()
}

/// An `If` on a condition: the hyperbolic tangent of its operand, or its negative.
pub fn choice(condition: Operand) -> Case {
    let mut random = Random::new(5);
    let mut case = Case::new("If");
    case.node = case
        .node
        .with_graph("then_branch", branch("Tanh"))
        .with_graph("else_branch", branch("Neg"));
    case.operands = vec![condition];
    case.around = vec![random.floats(&[2, 3])];
    case
}

/// `x, sum → x + trip, sum · x; scans x`.
pub fn loop_body(keep_going: bool) -> GraphProto {
    let mut graph = GraphBuilder::new("body");
    graph.input("trip", DataType::I64, &[]);
    graph.input("go", DataType::Bool, &[]);
    for name in ["a", "b"] {
        graph.input(name, DataType::F32, &[Dim::Fixed(2), Dim::Fixed(3)]);
    }
    if keep_going {
        graph.node(node("Identity", &["go"], &["on"]));
    } else {
        let three = TensorData::from_i64(&[], &[3]).expect("a number");
        graph.initializer("three", &three);
        graph.node(node("Less", &["trip", "three"], &["on"]));
    }
    graph.node(node("Cast", &["trip"], &["t"]).with_int("to", 1));
    graph.node(node("Add", &["a", "t"], &["a2"]));
    graph.node(node("Mul", &["b", "a2"], &["b2"]));
    graph.node(node("Sub", &["a2", "b2"], &["s"]));
    graph.output("on", DataType::Bool, &[]);
    for name in ["a2", "b2", "s"] {
        graph.output(name, DataType::F32, &[Dim::Fixed(2), Dim::Fixed(3)]);
    }
    graph.finish()
}

/// A `Loop` of at most so many trips, which goes on or ends itself.
pub fn repeated(trips: Option<i64>, keep_going: bool) -> Case {
    let mut random = Random::new(6);
    let mut case = Case::new("Loop");
    case.node = case.node.with_graph("body", loop_body(keep_going));
    case.operands = vec![
        trips.map_or(Operand::None, |n| {
            Operand::Constant(scalar(Data::I64(vec![n])))
        }),
        Operand::Constant(flag(true)),
        Operand::Input(random.floats(&[2, 3])),
        Operand::Input(random.floats(&[2, 3])),
    ];
    case.outputs = 3;
    case
}

/// state `[3]`, x `[3]`, y `[1]` → state + y; scans x · state and the new state.
pub fn scan_body() -> GraphProto {
    let mut body = GraphBuilder::new("body");
    for (name, len) in [("state", 3), ("x", 3), ("y", 1)] {
        body.input(name, DataType::F32, &[Dim::Fixed(len)]);
    }
    body.node(node("Mul", &["x", "state"], &["p"]));
    body.node(node("Add", &["state", "y"], &["next"]));
    body.node(node("Identity", &["next"], &["n"]));
    for name in ["next", "p", "n"] {
        body.output(name, DataType::F32, &[Dim::Fixed(3)]);
    }
    body.finish()
}

/// A model of each kind by name: bytes of ONNX.
pub fn models() -> Vec<(String, Vec<u8>)> {
    let mut random = Random::new(8);
    let mut scan = Case::new("Scan");
    scan.node = scan
        .node
        .with_graph("body", scan_body())
        .with_int("num_scan_inputs", 2);
    scan.operands = vec![
        Operand::Input(random.floats(&[3])),
        Operand::Input(random.floats(&[4, 3])),
        Operand::Input(random.floats(&[4, 1])),
    ];
    scan.outputs = 3;
    let cases = [
        ("if, decided", choice(Operand::Constant(flag(true)))),
        ("if, at run time", choice(Operand::Input(flag(true)))),
        ("loop of three trips", repeated(Some(3), true)),
        ("loop that ends itself", repeated(None, false)),
        ("scan", scan),
    ];
    let bytes = |(name, case): (&str, Case)| (name.to_owned(), case.model().0);
    cases.into_iter().map(bytes).collect()
}
