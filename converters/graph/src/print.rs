//! Stable text of a graph, for snapshots and for people.

mod attributes;
mod constant;

use std::fmt::{self, Display, Formatter};

use crate::graph::{Graph, Node, Value, ValueId};
use crate::qparams::QParams;

/// The text of a graph: model inputs, constants in use, nodes in order, model outputs, a line each. The same graph
/// gives the same text on every machine.
///
/// # Examples
/// ```
/// use redpoll_graph::{DType, Graph, Op, op::UnaryFn};
/// let mut g = Graph::new("tiny");
/// let x = g.add_input("x", DType::F32, vec![1, 4]);
/// let y = g.add_node("y", Op::Unary(UnaryFn::Tanh), &[x])?;
/// g.outputs.push(y);
/// assert_eq!(
///     redpoll_graph::print(&g),
///     "graph \"tiny\"\ninput %x: f32[1,4]\n%y: f32[1,4] = Tanh(%x)\noutput %y\n"
/// );
/// # Ok::<(), redpoll_graph::Error>(())
/// ```
pub fn print(graph: &Graph) -> String {
    graph.to_string()
}

impl Display for Graph {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "graph {:?}", self.name)?;
        for (key, text) in &self.metadata {
            writeln!(f, "meta {key} = {}", Shortened(text))?;
        }
        for &id in &self.inputs {
            writeln!(f, "input {}", Typed(self, id))?;
        }
        for id in used_constants(self) {
            if let Some(tensor) = self.constant(id) {
                let elements = constant::Summary(tensor);
                writeln!(f, "const {} = {elements}", Typed(self, id))?;
            }
        }
        for node in &self.nodes {
            write_node(f, self, node)?;
        }
        for &id in &self.outputs {
            writeln!(f, "output {}", Name(self, id))?;
        }
        Ok(())
    }
}

fn used_constants(graph: &Graph) -> Vec<ValueId> {
    let operands = graph.nodes.iter().flat_map(|n| &n.inputs);
    let mut ids: Vec<ValueId> = operands
        .chain(&graph.outputs)
        .copied()
        .filter(|id| get(graph, *id).is_some_and(|v| v.constant.is_some()))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn write_node(f: &mut Formatter<'_>, graph: &Graph, node: &Node) -> fmt::Result {
    write!(f, "{} = {}(", Typed(graph, node.output), node.op.name())?;
    for (i, &id) in node.inputs.iter().enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        write!(f, "{comma}{}", Name(graph, id))?;
    }
    write!(f, "){}", attributes::Attributes(&node.op))?;
    if get(graph, node.output).is_some_and(|v| v.name != node.name) {
        write!(f, " node={:?}", node.name)?;
    }
    writeln!(f)
}

/// Printing is for looking at broken graphs too: an id out of range is shown, not indexed.
fn get(graph: &Graph, id: ValueId) -> Option<&Value> {
    graph.values.get(id.index())
}

struct Name<'a>(&'a Graph, ValueId);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(value) = get(self.0, self.1) else {
            return write!(f, "%?{}", self.1.0);
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "_./:-".contains(c);
        if !value.name.is_empty() && value.name.chars().all(plain) {
            write!(f, "%{}", value.name)
        } else {
            write!(f, "%{:?}", value.name)
        }
    }
}

struct Typed<'a>(&'a Graph, ValueId);

impl Display for Typed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Name(self.0, self.1))?;
        let Some(value) = get(self.0, self.1) else {
            return Ok(());
        };
        write!(f, ": {}{}", value.dtype, attributes::List(&value.shape))?;
        match &value.qparams {
            Some(q) => write_qparams(f, q),
            None => Ok(()),
        }
    }
}

fn write_qparams(f: &mut Formatter<'_>, q: &QParams) -> fmt::Result {
    if let (None, [scale], [zero]) = (q.axis, q.scales.as_slice(), q.zero_points.as_slice()) {
        return write!(f, " s={scale:?} z={zero}");
    }
    write!(f, " s={}", constant::Floats(&q.scales))?;
    if q.zero_points.iter().any(|&z| z != 0) {
        write!(f, " z={}", attributes::List(&q.zero_points))?;
    }
    match q.axis {
        Some(axis) => write!(f, " axis={axis}"),
        None => Ok(()),
    }
}

/// A text cut to a line's length.
struct Shortened<'a>(&'a str);

impl Display for Shortened<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let most = 80;
        match self.0.char_indices().nth(most) {
            None => write!(f, "{:?}", self.0),
            Some((end, _)) => write!(f, "{:?}… ({} bytes)", &self.0[..end], self.0.len()),
        }
    }
}
