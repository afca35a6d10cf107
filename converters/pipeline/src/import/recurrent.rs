//! Recurrent layers: LSTM, GRU and RNN become one projection of all steps and one layer a direction.

use redpoll_graph::op::{Activation, Cell, Recurrent, SliceAxis};
use redpoll_graph::{DType, Data, Op, Tensor, ValueId};

use super::importer::Importer;
use super::node::{OnnxNode, Outputs, Stop, gap, invalid};

/// RNN-7, -14, -22 (from 1 on where the attributes are the same).
pub(crate) fn rnn(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    layer(import, node, Cell::Rnn)
}

/// GRU-7, -14, -22.
pub(crate) fn gru(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let reset_after = node.flag("linear_before_reset")?;
    layer(import, node, Cell::Gru { reset_after })
}

/// LSTM-7, -14, -22.
pub(crate) fn lstm(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let coupled = node.flag("input_forget")?;
    let peepholes = node.optional(7).is_some();
    layer(import, node, Cell::Lstm { coupled, peepholes })
}

/// Sizes of a layer.
struct Sizes {
    steps: usize,
    batch: usize,
    input: usize,
    hidden: usize,
    directions: usize,
    /// Rows of the weights: gates · hidden.
    rows: usize,
}

fn layer(import: &mut Importer<'_>, node: &OnnxNode<'_>, cell: Cell) -> Outputs {
    let batch_first = match node.int_or("layout", 0)? {
        0 => false,
        1 => true,
        other => return invalid(format!("layout is {other}")),
    };
    let mut x = node.input(0)?;
    if import.rank(x) != 3 {
        return invalid(format!("input {:?} is not [T, B, I]", import.shape(x)));
    }
    if batch_first {
        x = swapped(import, node, "steps_first", x, &[1, 0, 2])?;
    }
    let sizes = sizes(import, node, cell, x)?;
    let reversed = match (node.text_or("direction", "forward")?, sizes.directions) {
        ("forward", 1) => vec![false],
        ("reverse", 1) => vec![true],
        ("bidirectional", 2) => vec![false, true],
        (other, n) => return invalid(format!("direction {other:?} with weights for {n}")),
    };
    let activations = activations(node, cell, sizes.directions)?;
    let clip = node.proto.attr_float("clip")?.filter(|&c| c > 0.0);
    let lengths = lengths(import, node, &sizes)?;
    let mut layers = Vec::with_capacity(sizes.directions);
    for (d, &reverse) in reversed.iter().enumerate() {
        let attributes = Recurrent {
            cell,
            activations: activations[d].clone(),
            clip,
            reverse,
            lengths: lengths.is_some(),
        };
        let operands = operands(import, node, &attributes, &sizes, d, x, batch_first)?;
        let operands = [operands, lengths.into_iter().collect()].concat();
        let part = format!("direction_{d}");
        layers.push(import.emit_part(node, &part, Op::Recurrent(attributes), &operands)?);
    }
    outputs(import, node, cell, &sizes, &layers, batch_first)
}

fn sizes(
    import: &Importer<'_>,
    node: &OnnxNode<'_>,
    cell: Cell,
    x: ValueId,
) -> Result<Sizes, Stop> {
    let (w, r) = (import.shape(node.input(1)?), import.shape(node.input(2)?));
    let x = import.shape(x);
    let (&[steps, batch, input], &[directions, rows, wide], &[r_directions, r_rows, hidden]) =
        (x, w, r)
    else {
        return invalid(format!("input {x:?} with weights {w:?} and {r:?}"));
    };
    let fits = directions == r_directions
        && (1..=2).contains(&directions)
        && rows == r_rows
        && wide == input
        && hidden > 0
        && hidden.checked_mul(cell.gates()) == Some(rows);
    if !fits {
        return invalid(format!("input {x:?} does not fit weights {w:?} and {r:?}"));
    }
    if node.int_or("hidden_size", hidden as i64)? != hidden as i64 {
        return invalid(format!("hidden_size differs from the weights {r:?}"));
    }
    if steps == 0 || batch == 0 {
        return gap("a sequence without steps or rows is not supported");
    }
    Ok(Sizes {
        steps,
        batch,
        input,
        hidden,
        directions,
        rows,
    })
}

/// Steps of each row, when not every row has all of them.
fn lengths(
    import: &Importer<'_>,
    node: &OnnxNode<'_>,
    sizes: &Sizes,
) -> Result<Option<ValueId>, Stop> {
    let Some(id) = node.optional(4) else {
        return Ok(None);
    };
    if import.dtype(id) != DType::I32 || import.shape(id) != [sizes.batch] {
        return invalid("sequence_lens must be one INT32 a row of the batch");
    }
    let full = |t: &Tensor| {
        t.as_i32()
            .is_some_and(|v| v.iter().all(|&n| i64::from(n) >= sizes.steps as i64))
    };
    Ok(Some(id).filter(|&id| !import.graph.constant(id).is_some_and(full)))
}

/// The operands of direction `d` up to the peepholes.
fn operands(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    attributes: &Recurrent,
    sizes: &Sizes,
    d: usize,
    x: ValueId,
    batch_first: bool,
) -> Result<Vec<ValueId>, Stop> {
    let (rows, hidden) = (sizes.rows, sizes.hidden);
    let named = |part: &str| format!("{part}_{d}");
    let w = of_direction(
        import,
        node,
        &named("w"),
        node.input(1)?,
        d,
        &[rows, sizes.input],
    )?;
    let r = of_direction(
        import,
        node,
        &named("r"),
        node.input(2)?,
        d,
        &[rows, hidden],
    )?;
    let zeros = |import: &mut Importer<'_>, part: &str, shape: Vec<usize>| {
        let data = Data::F32(vec![0.0; shape.iter().product()]);
        Ok::<_, Stop>(import.constant(node, part, Tensor::new(shape, data)?))
    };
    let (input_bias, bias) = match node.optional(3) {
        None => (None, zeros(import, &named("bias"), vec![rows])?),
        Some(b) => {
            if import.shape(b) != [sizes.directions, 2 * rows] {
                return invalid(format!("bias {:?} for {rows} rows", import.shape(b)));
            }
            let both = of_direction(import, node, &named("biases"), b, d, &[2 * rows])?;
            let half = |import: &mut Importer<'_>, part: &str, start| {
                take(import, node, &named(part), both, 0, start, rows)
            };
            (
                Some(half(import, "input_bias", 0)?),
                half(import, "bias", rows)?,
            )
        }
    };
    let projection = [&[x, w][..], input_bias.as_slice()].concat();
    let dense = Op::Dense { clamp: None };
    let projected = import.emit_part(node, &named("projection"), dense, &projection)?;
    let mut operands = vec![projected, r, bias];
    for index in 5..5 + attributes.cell.states() {
        let part = named(if index == 5 { "h" } else { "c" });
        let state = vec![sizes.batch, hidden];
        operands.push(match node.optional(index) {
            None => zeros(import, &part, state)?,
            Some(id) => {
                let id = if batch_first {
                    swapped(import, node, &format!("{part}_first"), id, &[1, 0, 2])?
                } else {
                    id
                };
                of_direction(import, node, &part, id, d, &state)?
            }
        });
    }
    if let (
        Cell::Lstm {
            peepholes: true, ..
        },
        Some(p),
    ) = (attributes.cell, node.optional(7))
    {
        operands.push(of_direction(
            import,
            node,
            &named("peepholes"),
            p,
            d,
            &[3 * hidden],
        )?);
    }
    Ok(operands)
}

/// Y, Y_h and Y_c as ONNX has them.
fn outputs(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    cell: Cell,
    sizes: &Sizes,
    layers: &[ValueId],
    batch_first: bool,
) -> Outputs {
    let mut outputs = Vec::new();
    for index in 0..1 + cell.states() {
        if !node.wants_output(index) {
            outputs.push(layers[0]);
            continue;
        }
        // [T, B, H] becomes [T, D, B, H]; the last states [1, B, H] become [D, B, H].
        let (start, len, axis, perm): (_, _, _, &[usize]) = match index {
            0 => (0, sizes.steps, 1, &[2, 0, 1, 3]),
            _ => (sizes.steps + index - 1, 1, 0, &[1, 0, 2]),
        };
        let mut parts = Vec::with_capacity(layers.len());
        for (d, &layer) in layers.iter().enumerate() {
            let part = format!("output_{index}_{d}");
            let mut value = take(import, node, &part, layer, 0, start, len)?;
            if index == 0 {
                let shape = vec![len, 1, sizes.batch, sizes.hidden];
                let part = format!("{part}_steps");
                value = import.emit_part(node, &part, Op::Reshape { shape }, &[value])?;
            }
            parts.push(value);
        }
        let mut value = parts[0];
        if parts.len() > 1 {
            let part = format!("output_{index}");
            value = import.emit_part(node, &part, Op::Concat { axis }, &parts)?;
        }
        if batch_first {
            value = swapped(
                import,
                node,
                &format!("output_{index}_batch_first"),
                value,
                perm,
            )?;
        }
        outputs.push(value);
    }
    Ok(outputs)
}

/// `len` elements from `start` along one axis.
fn take(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    part: &str,
    x: ValueId,
    axis: usize,
    start: usize,
    len: usize,
) -> Result<ValueId, Stop> {
    let shape = import.shape(x).to_vec();
    if shape[axis] == len {
        return Ok(x);
    }
    let axes = shape.iter().enumerate().map(|(i, &all)| SliceAxis {
        start: if i == axis { start } else { 0 },
        step: 1,
        len: if i == axis { len } else { all },
    });
    let axes = axes.collect();
    import.emit_part(node, part, Op::Slice { axes }, &[x])
}

/// Element `d` of the leading axis, `[D, …]`, as `shape`.
fn of_direction(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    part: &str,
    x: ValueId,
    d: usize,
    shape: &[usize],
) -> Result<ValueId, Stop> {
    let from = import.shape(x);
    if from.len() != shape.len() + 1 || from[1..] != *shape || d >= from[0] {
        return invalid(format!("{part} is {from:?}, {shape:?} a direction fits"));
    }
    let one = take(import, node, &format!("{part}_own"), x, 0, d, 1)?;
    let shape = shape.to_vec();
    import.emit_part(node, part, Op::Reshape { shape }, &[one])
}

fn swapped(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    part: &str,
    x: ValueId,
    perm: &[usize],
) -> Result<ValueId, Stop> {
    if import.rank(x) != perm.len() {
        return invalid(format!("{:?} has a wrong rank", import.shape(x)));
    }
    let perm = perm.to_vec();
    import.emit_part(node, part, Op::Transpose { perm }, &[x])
}

/// The activations of each direction, with their attributes.
fn activations(
    node: &OnnxNode<'_>,
    cell: Cell,
    directions: usize,
) -> Result<Vec<Vec<Activation>>, Stop> {
    let count = cell.activations();
    let Some(names) = node
        .proto
        .attr_strings("activations")?
        .filter(|n| !n.is_empty())
    else {
        let usual = match cell {
            Cell::Rnn => vec![Activation::Tanh],
            Cell::Gru { .. } => vec![Activation::Sigmoid, Activation::Tanh],
            Cell::Lstm { .. } => vec![Activation::Sigmoid, Activation::Tanh, Activation::Tanh],
        };
        return Ok(vec![usual; directions]);
    };
    if names.len() != count * directions {
        return invalid(format!(
            "{} activations for {directions} direction(s) of {count}",
            names.len()
        ));
    }
    let list = |name: &str| -> Result<Vec<f32>, Stop> {
        Ok(node.proto.attr_floats(name)?.unwrap_or_default().to_vec())
    };
    let (alphas, betas) = (list("activation_alpha")?, list("activation_beta")?);
    let (mut alphas, mut betas) = (alphas.into_iter(), betas.into_iter());
    let mut all = Vec::with_capacity(names.len());
    for name in &names {
        // Each function takes the next number of a list when it has such an attribute.
        let mut alpha = |usual: f32| alphas.next().unwrap_or(usual);
        let mut beta = |usual: f32| betas.next().unwrap_or(usual);
        all.push(match name.to_ascii_lowercase().as_str() {
            "sigmoid" => Activation::Sigmoid,
            "tanh" => Activation::Tanh,
            "relu" => Activation::Relu,
            "affine" => Activation::Affine {
                alpha: alpha(1.0),
                beta: beta(0.0),
            },
            "leakyrelu" => Activation::LeakyRelu { alpha: alpha(0.01) },
            "thresholdedrelu" => Activation::ThresholdedRelu { alpha: alpha(1.0) },
            "scaledtanh" => Activation::ScaledTanh {
                alpha: alpha(1.0),
                beta: beta(1.0),
            },
            "hardsigmoid" => Activation::HardSigmoid {
                alpha: alpha(0.2),
                beta: beta(0.5),
            },
            "elu" => Activation::Elu { alpha: alpha(1.0) },
            "softsign" => Activation::Softsign,
            "softplus" => Activation::Softplus,
            _ => return gap(format!("the activation {name} is not supported")),
        });
    }
    Ok(all.chunks(count).map(<[Activation]>::to_vec).collect())
}
