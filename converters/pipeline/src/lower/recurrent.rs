//! Recurrent layers: one step each, the weights packed a gate.

use redpoll_graph::op::{Activation, Cell, Recurrent};
use redpoll_graph::{Node, Tensor};
use redpoll_plan::{Op, layout, op};

use super::conv::store_float;
use super::lowering::{Done, Lowering, Refused};
use super::pack;

fn activation(a: Activation) -> op::Activation {
    let (function, alpha, beta) = match a {
        Activation::Sigmoid => (op::Gate::Sigmoid, 0.0, 0.0),
        Activation::Tanh => (op::Gate::Tanh, 0.0, 0.0),
        Activation::Relu => (op::Gate::Relu, 0.0, 0.0),
        Activation::Affine { alpha, beta } => (op::Gate::Affine, alpha, beta),
        Activation::LeakyRelu { alpha } => (op::Gate::LeakyRelu, alpha, 0.0),
        Activation::ThresholdedRelu { alpha } => (op::Gate::ThresholdedRelu, alpha, 0.0),
        Activation::ScaledTanh { alpha, beta } => (op::Gate::ScaledTanh, alpha, beta),
        Activation::HardSigmoid { alpha, beta } => (op::Gate::HardSigmoid, alpha, beta),
        Activation::Elu { alpha } => (op::Gate::Elu, alpha, 0.0),
        Activation::Softsign => (op::Gate::Softsign, 0.0, 0.0),
        Activation::Softplus => (op::Gate::Softplus, 0.0, 0.0),
    };
    op::Activation {
        function,
        alpha,
        beta,
    }
}

fn cell(cell: Cell) -> op::Cell {
    match cell {
        Cell::Rnn => op::Cell::Rnn,
        Cell::Gru { reset_after: false } => op::Cell::Gru,
        Cell::Gru { reset_after: true } => op::Cell::GruResetAfter,
        Cell::Lstm { coupled: false, .. } => op::Cell::Lstm,
        Cell::Lstm { coupled: true, .. } => op::Cell::LstmCoupled,
    }
}

pub(super) fn recurrent(cx: &mut Lowering<'_>, node: &Node, layer: &Recurrent) -> Done {
    let size = |v: usize| u32::try_from(v).map_err(|_| Refused::from("a size passes 32 bits"));
    let (&[steps, batch, _], &[_, hidden]) = (cx.shape(node.inputs[0]), cx.shape(node.inputs[1]))
    else {
        return Err("operands of a wrong rank".into());
    };
    let constant = "weights and biases of recurrent layers must be constant f32";
    let of = |cx: &Lowering<'_>, i: usize| {
        let tensor = cx.constant(node.inputs[i]).and_then(Tensor::as_f32);
        tensor.map(<[f32]>::to_vec).ok_or(constant)
    };
    let (weights, bias) = (of(cx, 1)?, of(cx, 2)?);
    let gates = layer.cell.gates();
    let r = store_float(cx, node, &pack::rows_f32(gates, hidden, hidden, &weights))?;
    let name = format!("{}.bias", cx.value(node.inputs[1]).name);
    let bias = cx.weights_f32(name, &pack::channels(gates, hidden, &bias))?;
    let (x, h) = (cx.operand(node.inputs[0])?, cx.operand(node.inputs[3])?);
    let (mut c, mut peepholes, mut lengths) = (h, h, h);
    let mut has_peepholes = false;
    if let Cell::Lstm {
        peepholes: given, ..
    } = layer.cell
    {
        c = cx.operand(node.inputs[4])?;
        has_peepholes = given;
        if given {
            peepholes = cx.operand(node.inputs[5])?;
        }
    }
    if let (true, Some(&last)) = (layer.lengths, node.inputs.last()) {
        lengths = cx.operand(last)?;
    }
    let function = |i: usize| {
        let given = layer.activations.get(i).copied();
        given.map_or_else(op::Activation::default, activation)
    };
    let op = op::RecurrentF32 {
        x,
        r,
        bias,
        h,
        c,
        peepholes,
        lengths,
        y: cx.result(node.output)?,
        cell: cell(layer.cell),
        u: function(0),
        v: function(1),
        w: function(2),
        clip: layer.clip.unwrap_or(f32::INFINITY),
        steps: size(steps)?,
        batch: size(batch)?,
        hidden: size(hidden)?,
        reverse: layer.reverse.into(),
        has_peepholes: has_peepholes.into(),
        has_lengths: layer.lengths.into(),
    };
    let scratch = layout::recurrent_scratch(gates, batch, hidden);
    let scratch = scratch.ok_or("a state passes the address space")?;
    let macs = cx.graph.macs(node);
    cx.product(node, Op::RecurrentF32(op), macs, scratch);
    Ok(())
}
