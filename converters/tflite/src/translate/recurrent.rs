//! Recurrent layers in floats. Their memory goes on from run to run, as TFLite's does: a state of the plan.

use redpoll_onnx::proto::NodeProto;

use super::translator::{Done, Translator, gap, invalid};
use super::variables::{carried, keep};
use crate::{Activation, Operator, Options};

/// What a layer reads, by the places of its operands.
struct Places {
    /// The first of the operands of this direction: weights of x, recurrent weights, peepholes, biases, projection.
    weights: usize,
    /// Memory of the hidden state; the cell's comes after it.
    memory: usize,
    /// The first of four coefficients of normalisation, if the operator has such.
    norm: Option<usize>,
    reverse: bool,
}

/// One direction: its result `[T, B, N]`.
type Layer = fn(&mut Translator<'_>, &Operator, &str, &Places) -> Done<String>;

/// LSTM (one step of `[B, I]`) and UNIDIRECTIONAL_SEQUENCE_LSTM.
pub(crate) fn lstm(t: &mut Translator<'_>, op: &Operator) -> Done {
    if op.inputs.len() < 20 {
        return gap("the basic kernel of the operator is not supported");
    }
    let places = Places {
        weights: 1,
        memory: 18,
        norm: Some(20),
        reverse: false,
    };
    layers(t, op, one_lstm, &[places])
}

/// BIDIRECTIONAL_SEQUENCE_LSTM.
pub(crate) fn lstm_both(t: &mut Translator<'_>, op: &Operator) -> Done {
    if (39..48).any(|i| t.optional(op, i).is_some()) {
        return gap("its auxiliary input is not supported");
    }
    let places = |weights, memory, reverse| Places {
        weights,
        memory,
        norm: None,
        reverse,
    };
    layers(
        t,
        op,
        one_lstm,
        &[places(1, 35, false), places(18, 37, true)],
    )
}

/// RNN (one step of `[B, I]`) and UNIDIRECTIONAL_SEQUENCE_RNN.
pub(crate) fn rnn(t: &mut Translator<'_>, op: &Operator) -> Done {
    let places = Places {
        weights: 1,
        memory: 4,
        norm: None,
        reverse: false,
    };
    layers(t, op, one_rnn, &[places])
}

/// BIDIRECTIONAL_SEQUENCE_RNN.
pub(crate) fn rnn_both(t: &mut Translator<'_>, op: &Operator) -> Done {
    if (9..12).any(|i| t.optional(op, i).is_some()) {
        return gap("its auxiliary input is not supported");
    }
    let places = |weights, memory, reverse| Places {
        weights,
        memory,
        norm: None,
        reverse,
    };
    layers(t, op, one_rnn, &[places(1, 4, false), places(5, 8, true)])
}

/// All directions of a layer.
fn layers(t: &mut Translator<'_>, op: &Operator, one: Layer, all: &[Places]) -> Done {
    let (time_major, merge) = match op.options {
        Options::Lstm {
            time_major, merge, ..
        }
        | Options::Rnn {
            time_major, merge, ..
        } => (time_major, merge),
        _ => return invalid("its options are missing"),
    };
    let x = t.input(op, 0)?;
    let rank = t.shape(x).len();
    if t.is_quantized(x) {
        return gap("a recurrent layer of integers is not supported; export it in floats");
    }
    if rank != 2 && rank != 3 {
        return invalid(format!("an operand of shape {:?}", t.shape(x)));
    }
    let base = t.name(t.output(op, 0)?).to_owned();
    let mut steps = t.real(x)?;
    if rank == 2 {
        steps = t.with_axis(&format!("{base}_step"), "Unsqueeze", &steps, 0)?;
    } else if !time_major {
        steps = t.steps_first(&format!("{base}_steps"), &steps);
    }
    let mut results = Vec::new();
    for places in all {
        let mut y = one(t, op, &steps, places)?;
        if rank == 2 {
            y = t.with_axis(&format!("{base}_last"), "Squeeze", &y, 0)?;
        } else if !time_major {
            y = t.steps_first(&format!("{base}_batches"), &y);
        }
        results.push(y);
    }
    if merge {
        let names: Vec<&str> = results.iter().map(String::as_str).collect();
        let node = NodeProto::new("Concat", "", names, []).with_int("axis", -1);
        return t.finish(t.output(op, 0)?, node, Activation::None);
    }
    for (i, y) in results.iter().enumerate() {
        let node = NodeProto::new("Identity", "", [y.as_str()], []);
        t.finish(t.output(op, i)?, node, Activation::None)?;
    }
    Ok(())
}

/// The ONNX name of the function of a cell.
fn function(activation: Activation) -> Done<&'static str> {
    match activation {
        Activation::Tanh => Ok("Tanh"),
        Activation::Relu => Ok("Relu"),
        other => gap(format!("a recurrent layer with activation {other:?}")),
    }
}

fn one_lstm(t: &mut Translator<'_>, op: &Operator, x: &str, places: &Places) -> Done<String> {
    let first = places.weights;
    let normalised = places
        .norm
        .is_some_and(|n| (n..n + 4).any(|i| t.optional(op, i).is_some()));
    if normalised || t.optional(op, first + 15).is_some() {
        return gap("an LSTM with projection or layer normalisation is not supported");
    }
    if matches!(op.options, Options::Lstm { cell_clip, .. } if cell_clip != 0.0) {
        return gap("an LSTM whose cell is clipped is not supported");
    }
    let act = function(op.options.activation())?;
    let base = t.name(t.output(op, 0)?).to_owned();
    // TFLite's gates in order: input, forget, cell, output; ONNX's: input, output, forget, cell.
    let gates = |t: &mut Translator<'_>, at: usize, vector: bool| -> Done<Vec<String>> {
        let mut found = Vec::new();
        for gate in [0, 3, 1, 2] {
            // Without an input gate it is 1 − forget: the same gate with the other sign.
            let coupled = gate == 0 && t.optional(op, at).is_none();
            let id = t.input(op, at + if coupled { 1 } else { gate })?;
            let mut part = if vector {
                t.real(id)?
            } else {
                t.weights(id, &[0, 1])?
            };
            if coupled {
                let node = NodeProto::new("Neg", "", [part.as_str()], []);
                part = t.emit(&format!("{base}_input_gate"), node);
            }
            found.push(part);
        }
        Ok(found)
    };
    let w = gates(t, first, false)?;
    let r = gates(t, first + 4, false)?;
    let bias = gates(t, first + 11, true)?;
    let hidden = *t.shape(t.input(op, first + 12)?).first().unwrap_or(&0);
    let w = t.stacked(&format!("{base}_w"), &w)?;
    let r = t.stacked(&format!("{base}_r"), &r)?;
    let zeros = t.floats(&format!("{base}_zeros"), &vec![0.0; 4 * hidden])?;
    let bias = t.stacked(&format!("{base}_biases"), &[bias, vec![zeros]].concat())?;
    let (h_id, c_id) = (t.input(op, places.memory)?, t.input(op, places.memory + 1)?);
    let (h, c) = (carried(t, h_id)?, carried(t, c_id)?);
    let h = t.with_axis(&format!("{base}_h"), "Unsqueeze", &h, 0)?;
    let c = t.with_axis(&format!("{base}_c"), "Unsqueeze", &c, 0)?;
    let mut inputs = vec![x.to_owned(), w, r, bias, String::new(), h, c];
    // Peepholes of TFLite: input, forget, output; of ONNX: input, output, forget.
    if t.optional(op, first + 9).is_some() {
        let mut found = Vec::new();
        for i in [0, 2, 1] {
            let id = match t.optional(op, first + 8 + i) {
                Some(id) => id,
                None => return gap("peepholes without an input gate are not supported"),
            };
            found.push(t.real(id)?);
        }
        inputs.push(t.stacked(&format!("{base}_peepholes"), &found)?);
    }
    let node = NodeProto::new("LSTM", "", inputs.iter().map(String::as_str), [])
        .with_strings("activations", &["Sigmoid", act, act]);
    let [y, h, c] = t.recurrent(&base, node, hidden, places.reverse)?;
    keep(t, h_id, h);
    keep(t, c_id, c);
    Ok(y)
}

fn one_rnn(t: &mut Translator<'_>, op: &Operator, x: &str, places: &Places) -> Done<String> {
    let act = function(op.options.activation())?;
    let base = t.name(t.output(op, 0)?).to_owned();
    let id = |i: usize| t.input(op, places.weights + i);
    let [w, r, bias] = [id(0)?, id(1)?, id(2)?];
    let hidden = *t.shape(bias).first().unwrap_or(&0);
    let w = t.weights(w, &[0, 1])?;
    let w = t.stacked(&format!("{base}_w"), &[w])?;
    let r = t.weights(r, &[0, 1])?;
    let r = t.stacked(&format!("{base}_r"), &[r])?;
    let bias = t.real(bias)?;
    let zeros = t.floats(&format!("{base}_zeros"), &vec![0.0; hidden])?;
    let bias = t.stacked(&format!("{base}_biases"), &[bias, zeros])?;
    let h_id = t.input(op, places.memory)?;
    let h = carried(t, h_id)?;
    let h = t.with_axis(&format!("{base}_h"), "Unsqueeze", &h, 0)?;
    let inputs = [x, &w, &r, &bias, "", &h];
    let node = NodeProto::new("RNN", "", inputs, []).with_strings("activations", &[act]);
    let [y, h] = t.recurrent(&base, node, hidden, places.reverse)?;
    keep(t, h_id, h);
    Ok(y)
}

impl Translator<'_> {
    /// `x` with the first two axes changed over.
    fn steps_first(&mut self, hint: &str, x: &str) -> String {
        let node = NodeProto::new("Transpose", "", [x], []).with_ints("perm", &[1, 0, 2]);
        self.emit(hint, node)
    }

    /// Squeezes or unsqueezes an axis.
    fn with_axis(&mut self, hint: &str, op: &str, x: &str, axis: i64) -> Done<String> {
        let axes = self.ints(&format!("{hint}_axis"), &[axis])?;
        Ok(self.emit(hint, NodeProto::new(op, "", [x, &axes], [])))
    }

    /// The parts one after the other, for one direction.
    fn stacked(&mut self, hint: &str, parts: &[String]) -> Done<String> {
        let names = parts.iter().map(String::as_str);
        let joined = NodeProto::new("Concat", "", names, []).with_int("axis", 0);
        let joined = self.emit(&format!("{hint}_joined"), joined);
        self.with_axis(hint, "Unsqueeze", &joined, 0)
    }

    /// A recurrent node of one direction: all steps `[T, B, N]`, and the last states `[B, N]`.
    fn recurrent<const N: usize>(
        &mut self,
        base: &str,
        node: NodeProto,
        hidden: usize,
        reverse: bool,
    ) -> Done<[String; N]> {
        let direction = if reverse { "reverse" } else { "forward" };
        let mut node = node
            .with_int("hidden_size", i64::try_from(hidden).unwrap_or(0))
            .with_string("direction", direction);
        let made: [String; N] = std::array::from_fn(|i| self.unique(&format!("{base}_out{i}")));
        node.name = self.unique(&format!("{base}_{direction}"));
        node.output = made.to_vec();
        self.work(N);
        self.graph.node(node);
        let mut results = made;
        for (i, result) in results.iter_mut().enumerate() {
            // `[T, 1, B, N]` and `[1, B, N]`.
            let axis = i64::from(i == 0);
            *result = self.with_axis(&format!("{result}_only"), "Squeeze", result, axis)?;
        }
        Ok(results)
    }
}
