//! Which nodes compute in int8, which stay float and why.

use redpoll_graph::op::{BinaryFn, ReduceKind, UnaryFn};
use redpoll_graph::shape::keeps_qparams;
use redpoll_graph::{DType, Graph, Node, NodeId, Op};

use super::Scheme;

/// What becomes of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Computes in int8.
    Int8,
    /// Stays float, for this reason.
    Float(String),
    /// Not a float node: indices, truth values.
    Whole,
}

/// What an operator can do.
enum Nature {
    /// Has an integer formula that keeps the accuracy.
    Integer,
    /// As [`Integer`](Self::Integer), unless a neighbour has to be float: elementwise functions and means.
    Light,
    /// Moves integers as they are: follows its neighbours.
    Moving,
    /// Needs the range or resolution of float; so do the light nodes around it.
    Hard(&'static str),
    /// Stays float, without consequence for its neighbours.
    Alone(&'static str),
    /// Not on floats.
    Whole,
}

/// Chooses for every node.
pub(super) fn select(graph: &Graph, scheme: &Scheme) -> Vec<Choice> {
    let natures: Vec<Nature> = graph.nodes.iter().map(|n| nature(graph, n)).collect();
    let neighbours = Neighbours::of(graph);
    let mut choices: Vec<Choice> = graph
        .nodes
        .iter()
        .zip(&natures)
        .map(|(node, nature)| match nature {
            _ if scheme.keep_float.contains(&node.name) => {
                Choice::Float("kept in float as asked".into())
            }
            Nature::Integer | Nature::Light | Nature::Moving => Choice::Int8,
            Nature::Hard(why) | Nature::Alone(why) => Choice::Float((*why).into()),
            Nature::Whole => Choice::Whole,
        })
        .collect();
    for (i, node) in graph.nodes.iter().enumerate() {
        if matches!(node.op, Op::Softmax { .. }) && neighbours.ends_model(graph, i) {
            choices[i] = Choice::Float("softmax at the output: float costs nothing there".into());
        }
    }
    for (i, node) in graph.nodes.iter().enumerate() {
        let feeds = |n: &NodeId| matches!(graph.node(*n).op, Op::Recurrent(_));
        let product = matches!(node.op, Op::Dense { .. }) && choices[i] == Choice::Int8;
        if product && neighbours.consumers[node.output.index()].iter().any(feeds) {
            choices[i] =
                Choice::Float("projects the input of a recurrent layer, which is float".into());
        }
    }
    spread(graph, &natures, &neighbours, &mut choices);
    follow(graph, &natures, &neighbours, &mut choices);
    choices
}

fn nature(graph: &Graph, node: &Node) -> Nature {
    let float = |i: usize| {
        node.inputs
            .get(i)
            .is_some_and(|&id| graph.value(id).dtype == DType::F32)
    };
    let constant = |i: usize| {
        node.inputs
            .get(i)
            .is_none_or(|&id| graph.value(id).constant.is_some())
    };
    if graph.value(node.output).dtype != DType::F32 {
        return if float(0) {
            Nature::Alone("gives no floats")
        } else {
            Nature::Whole
        };
    }
    match &node.op {
        Op::Conv(_) | Op::Dense { .. } if constant(1) && constant(2) => Nature::Integer,
        Op::Conv(_) | Op::Dense { .. } => Nature::Alone("its weights are not constant"),
        Op::MatMul => Nature::Alone("a product of two activations has no integer form yet"),
        Op::BatchNorm { .. } => Nature::Hard("a normalisation that could not be folded"),
        Op::Unary(f) => unary(*f),
        Op::Binary { function, .. } => match function {
            BinaryFn::Add | BinaryFn::Sub | BinaryFn::Mul => Nature::Light,
            BinaryFn::Max | BinaryFn::Min => Nature::Moving,
            BinaryFn::Div | BinaryFn::Pow => {
                Nature::Hard("the range of its result is too wide for 8 bits")
            }
            BinaryFn::Mod | BinaryFn::Fmod => Nature::Hard("8 bits would move its steps"),
            _ => Nature::Whole,
        },
        Op::Reduce { kind, .. } => match kind {
            ReduceKind::Mean => Nature::Light,
            ReduceKind::Max | ReduceKind::Min => Nature::Moving,
            ReduceKind::Sum | ReduceKind::Prod => {
                Nature::Hard("the range of its result is too wide for 8 bits")
            }
        },
        Op::Softmax { .. } => Nature::Integer,
        Op::Embedding if constant(1) => Nature::Integer,
        Op::Embedding => Nature::Alone("its table is not constant"),
        Op::Recurrent(_) => Nature::Alone("its state needs the resolution of float"),
        Op::Cast { .. } => Nature::Alone("converts from another type"),
        Op::Quantize | Op::Dequantize | Op::Requantize => Nature::Alone("is a border already"),
        op if keeps_qparams(op) => Nature::Moving,
        Op::Pool(_) | Op::Resize(_) => Nature::Integer,
        _ => Nature::Alone("has no integer form"),
    }
}

fn unary(function: UnaryFn) -> Nature {
    match function {
        UnaryFn::Clamp(_)
        | UnaryFn::LeakyRelu { .. }
        | UnaryFn::Elu { .. }
        | UnaryFn::Sigmoid
        | UnaryFn::HardSigmoid { .. }
        | UnaryFn::HardSwish
        | UnaryFn::Silu
        | UnaryFn::Tanh
        | UnaryFn::Gelu
        | UnaryFn::GeluTanh
        | UnaryFn::Softplus
        | UnaryFn::Erf
        | UnaryFn::Neg
        | UnaryFn::Abs => Nature::Light,
        UnaryFn::Exp | UnaryFn::Log | UnaryFn::Sqrt | UnaryFn::Reciprocal => {
            Nature::Hard("the range of its result is too wide for 8 bits")
        }
        UnaryFn::Floor | UnaryFn::Ceil | UnaryFn::Round => {
            Nature::Hard("rounds: 8 bits would move its steps")
        }
        UnaryFn::Sin
        | UnaryFn::Cos
        | UnaryFn::Tan
        | UnaryFn::Asin
        | UnaryFn::Acos
        | UnaryFn::Atan
        | UnaryFn::Sinh
        | UnaryFn::Cosh
        | UnaryFn::Asinh
        | UnaryFn::Acosh
        | UnaryFn::Atanh
        | UnaryFn::Sign => Nature::Hard("8 bits are too coarse for it"),
        UnaryFn::Not
        | UnaryFn::IsNan
        | UnaryFn::IsInf { .. }
        | UnaryFn::BitNot
        | UnaryFn::Wrap { .. } => Nature::Whole,
    }
}

/// Who makes and who reads each value.
struct Neighbours {
    producers: Vec<Option<NodeId>>,
    consumers: Vec<Vec<NodeId>>,
}

impl Neighbours {
    fn of(graph: &Graph) -> Self {
        Self {
            producers: graph.producers(),
            consumers: graph.consumers(),
        }
    }

    /// The nodes that make the operands of node `i` and those that read its result.
    fn around(&self, graph: &Graph, i: usize) -> Vec<usize> {
        let node = &graph.nodes[i];
        let before = node
            .inputs
            .iter()
            .filter_map(|id| self.producers[id.index()]);
        let after = self.consumers[node.output.index()].iter().copied();
        before.chain(after).map(NodeId::index).collect()
    }

    /// True when only data movement follows node `i`.
    fn ends_model(&self, graph: &Graph, i: usize) -> bool {
        let after = &self.consumers[graph.nodes[i].output.index()];
        after.iter().all(|n| {
            let moves = !matches!(
                graph.node(*n).op,
                Op::Pool(_) | Op::Binary { .. } | Op::Reduce { .. }
            );
            moves && keeps_qparams(&graph.node(*n).op) && self.ends_model(graph, n.index())
        })
    }
}

/// Light nodes beside a node that has to be float are float too, on and on: a normalisation is not cut up.
fn spread(graph: &Graph, natures: &[Nature], neighbours: &Neighbours, choices: &mut [Choice]) {
    let mut todo: Vec<usize> = (0..natures.len())
        .filter(|&i| matches!(natures[i], Nature::Hard(_)))
        .collect();
    while let Some(i) = todo.pop() {
        for n in neighbours.around(graph, i) {
            if choices[n] == Choice::Int8 && matches!(natures[n], Nature::Light) {
                choices[n] = Choice::Float(format!(
                    "part of the float chain around \"{}\"",
                    graph.nodes[i].name
                ));
                todo.push(n);
            }
        }
    }
}

/// Data movement is int8 where what it moves is int8 already, or is an input that an int8 node wants.
fn follow(graph: &Graph, natures: &[Nature], neighbours: &Neighbours, choices: &mut [Choice]) {
    let moving = |i: usize| matches!(natures[i], Nature::Moving);
    // From the end: does an int8 node read this value, at once or after moves?
    let mut wanted = vec![false; graph.values.len()];
    for (i, node) in graph.nodes.iter().enumerate().rev() {
        if choices[i] == Choice::Int8 && (!moving(i) || wanted[node.output.index()]) {
            for id in &node.inputs {
                wanted[id.index()] = true;
            }
        }
    }
    for (i, node) in graph.nodes.iter().enumerate() {
        if choices[i] != Choice::Int8 || !moving(i) {
            continue;
        }
        let int8 = node
            .inputs
            .iter()
            .any(|id| match neighbours.producers[id.index()] {
                Some(n) => choices[n.index()] == Choice::Int8,
                None => graph.value(*id).constant.is_none() && wanted[node.output.index()],
            });
        if !int8 {
            choices[i] = Choice::Float("moves float data".into());
        }
    }
}
