//! Recurrent layers: one ONNX node a direction, with the projection of its input where that is its own.

use redpoll_graph::op::{Activation, Cell, Recurrent};
use redpoll_graph::{Data, Node, Op, Tensor, ValueId};
use redpoll_onnx::proto::NodeProto;

use super::emitter::Emitter;
use super::layout::Layout;
use crate::Error;

/// ONNX's name, `alpha` and `beta` where there are such.
fn named(a: Activation) -> (&'static str, Option<f32>, Option<f32>) {
    match a {
        Activation::Sigmoid => ("Sigmoid", None, None),
        Activation::Tanh => ("Tanh", None, None),
        Activation::Relu => ("Relu", None, None),
        Activation::Affine { alpha, beta } => ("Affine", Some(alpha), Some(beta)),
        Activation::LeakyRelu { alpha } => ("LeakyRelu", Some(alpha), None),
        Activation::ThresholdedRelu { alpha } => ("ThresholdedRelu", Some(alpha), None),
        Activation::ScaledTanh { alpha, beta } => ("ScaledTanh", Some(alpha), Some(beta)),
        Activation::HardSigmoid { alpha, beta } => ("HardSigmoid", Some(alpha), Some(beta)),
        Activation::Elu { alpha } => ("Elu", Some(alpha), None),
        Activation::Softsign => ("Softsign", None, None),
        Activation::Softplus => ("Softplus", None, None),
    }
}

/// What projects the input of a layer: its operand, weights and bias.
type Projection = (ValueId, ValueId, Option<ValueId>);

impl Emitter<'_> {
    /// The product before a layer that ONNX's operator does itself: in float, of constants, for layers only.
    fn projection(&self, projected: ValueId) -> Option<Projection> {
        let graph = self.graph;
        let node = graph.nodes.iter().find(|n| n.output == projected)?;
        let constant = |id: &ValueId| graph.constant(*id).is_some_and(|t| t.as_f32().is_some());
        let float = node.op == Op::Dense { clamp: None } && node.inputs[1..].iter().all(constant);
        let mut readers = graph.nodes.iter().filter(|n| n.inputs.contains(&projected));
        let own = readers.all(|n| matches!(n.op, Op::Recurrent(_)) && n.inputs[0] == projected);
        let inside = own && float && !graph.outputs.contains(&projected);
        inside.then(|| (node.inputs[0], node.inputs[1], node.inputs.get(2).copied()))
    }

    /// True for a product that a recurrent layer's node does.
    pub(super) fn is_projection(&self, node: &Node) -> bool {
        let id = node.output;
        let read = self.graph.nodes.iter().any(|n| n.inputs.contains(&id));
        read && self.projection(id).is_some()
    }

    /// The graph's layer takes its input already projected, ONNX's projects it: by the weights of the product before
    /// it, or by the identity.
    pub(super) fn recurrent(&mut self, node: &Node, layer: &Recurrent) -> Result<(), Error> {
        let name = self.output_name(node.output);
        let shape = self.value(node.output).shape.clone();
        let states = layer.cell.states();
        let (steps, batch, hidden) = (shape[0] - states, shape[1], shape[2]);
        let rows = layer.cell.gates() * hidden;
        let part = |part: &str| format!("{name}_{part}");
        let (x, w, input_bias) = match self.projection(node.inputs[0]) {
            Some((x, w, bias)) => {
                let width = self.value(w).shape[1];
                let w = self.as_shape(w, &part("w"), &[1, rows, width])?;
                let bias = bias.map(|b| self.as_shape(b, &part("input_bias"), &[1, rows]));
                (x, w, bias.transpose()?)
            }
            None => {
                let mut identity = vec![0.0; rows * rows];
                identity.iter_mut().step_by(rows + 1).for_each(|v| *v = 1.0);
                let identity = Tensor::new(vec![1, rows, rows], Data::F32(identity))?;
                let w = self.initializer(&part("identity"), &identity)?;
                (node.inputs[0], w, None)
            }
        };
        let x = self.real(x, Layout::Same)?;
        let r = self.as_shape(node.inputs[1], &part("r"), &[1, rows, hidden])?;
        let bias = self.as_shape(node.inputs[2], &part("bias"), &[1, rows])?;
        let input_bias = match input_bias {
            Some(bias) => bias,
            None => {
                let zeros = Tensor::new(vec![1, rows], Data::F32(vec![0.0; rows]))?;
                self.initializer(&part("no_bias"), &zeros)?
            }
        };
        let biases = [input_bias.as_str(), bias.as_str()];
        let bias = self.push("Concat", &biases, &part("biases"), |n| {
            n.with_int("axis", 1)
        });
        let h = self.as_shape(node.inputs[3], &part("h"), &[1, batch, hidden])?;
        let lengths = match node.inputs.last() {
            Some(&last) if layer.lengths => self.stored(last, Layout::Same)?,
            _ => String::new(),
        };
        let mut inputs = vec![x, w, r, bias, lengths, h];
        if let Cell::Lstm { peepholes, .. } = layer.cell {
            inputs.push(self.as_shape(node.inputs[4], &part("c"), &[1, batch, hidden])?);
            if peepholes {
                inputs.push(self.as_shape(node.inputs[5], &part("p"), &[1, 3 * hidden])?);
            }
        }
        let outputs: Vec<String> = ["y", "y_h", "y_c"][..1 + states]
            .iter()
            .map(|output| self.fresh(&part(output)))
            .collect();
        let proto = NodeProto::new(
            node.op.name(),
            &node.name,
            inputs.iter().map(String::as_str),
            outputs.iter().map(String::as_str),
        );
        self.append(with_attributes(proto, layer, hidden));
        let dims = [steps, batch, hidden].map(|d| d as i64);
        let steps = self.reshaped(&outputs[0], &dims, &part("steps"))?;
        let mut parts = vec![steps.as_str()];
        parts.extend(outputs[1..].iter().map(String::as_str));
        let result = self.push("Concat", &parts, &name, |n| n.with_int("axis", 0));
        self.define(node.output, Layout::Same, result)
    }

    /// A float operand under another shape.
    fn as_shape(&mut self, id: ValueId, name: &str, shape: &[usize]) -> Result<String, Error> {
        let from = self.real(id, Layout::Same)?;
        let dims: Vec<i64> = shape.iter().map(|&d| d as i64).collect();
        self.reshaped(&from, &dims, name)
    }
}

fn with_attributes(mut proto: NodeProto, layer: &Recurrent, hidden: usize) -> NodeProto {
    let functions: Vec<_> = layer.activations.iter().map(|&a| named(a)).collect();
    let names: Vec<&str> = functions.iter().map(|f| f.0).collect();
    let alphas: Vec<f32> = functions.iter().filter_map(|f| f.1).collect();
    let betas: Vec<f32> = functions.iter().filter_map(|f| f.2).collect();
    proto = proto
        .with_int("hidden_size", hidden as i64)
        .with_string(
            "direction",
            if layer.reverse { "reverse" } else { "forward" },
        )
        .with_strings("activations", &names);
    if !alphas.is_empty() {
        proto = proto.with_floats("activation_alpha", &alphas);
    }
    if !betas.is_empty() {
        proto = proto.with_floats("activation_beta", &betas);
    }
    if let Some(clip) = layer.clip {
        proto = proto.with_float("clip", clip);
    }
    match layer.cell {
        Cell::Gru { reset_after: true } => proto.with_int("linear_before_reset", 1),
        Cell::Lstm { coupled: true, .. } => proto.with_int("input_forget", 1),
        _ => proto,
    }
}
