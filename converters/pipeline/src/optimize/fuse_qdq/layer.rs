//! Integer weights and bias of convolutions and dense layers.

use redpoll_graph::{DType, Data, Graph, QParams, Tensor, ValueId};

use super::integers;
use crate::Error;
use crate::optimize::edit::{Links, stored};

/// The integer operands of the layer at `index`: x, weights, and the bias in steps of `s_x · s_w`. `None` where it must
/// stay in float.
pub(super) fn inputs(
    graph: &mut Graph,
    links: &Links,
    index: usize,
) -> Result<Option<Vec<ValueId>>, Error> {
    let node = &graph.nodes[index];
    let Some(x) = integers(graph, links, node.inputs[0]) else {
        return Ok(None);
    };
    let Some(w) = stored(graph, links, node.inputs[1]) else {
        return Ok(None);
    };
    let name = node.name.clone();
    let bias = node.inputs.get(2).copied();
    let Some((weights, w_params)) = symmetric(graph, w) else {
        return Ok(None);
    };
    let channels = graph.value(w).shape[0];
    let s_x = graph.value(x).qparams.as_ref().map_or(1.0, QParams::scale);
    let steps: Vec<f32> = (0..channels).map(|c| s_x * w_params.scale_at(c)).collect();
    let integers = match bias {
        None => None,
        Some(bias) => match in_steps(graph, links, bias, &steps) {
            Some(integers) => Some(integers),
            None => return Ok(None),
        },
    };
    if !accumulator_fits(graph, x, &weights, integers.as_deref(), channels) {
        return Ok(None);
    }
    let w = if graph.value(w).dtype == DType::I8 {
        w
    } else {
        let tensor = Tensor::new(graph.value(w).shape.clone(), Data::I8(weights))?;
        let weight_name = format!("{}_signed", graph.value(w).name);
        let id = graph.add_constant(&weight_name, tensor);
        graph.value_mut(id).qparams = Some(w_params);
        id
    };
    let mut inputs = vec![x, w];
    if let Some(integers) = integers {
        let tensor = Tensor::new(vec![channels], Data::I32(integers))?;
        let id = graph.add_constant(&format!("{name}_bias"), tensor);
        let qparams = if steps.len() == 1 {
            QParams::per_tensor(steps[0], 0)
        } else {
            QParams::per_channel(steps, 0)
        };
        graph.value_mut(id).qparams = Some(qparams);
        inputs.push(id);
    }
    Ok(Some(inputs))
}

/// Weights as i8 with zero points 0 and scales for all or for each output channel. Unsigned ones around 128 are shifted.
fn symmetric(graph: &Graph, id: ValueId) -> Option<(Vec<i8>, QParams)> {
    let value = graph.value(id);
    let mut qparams = value.qparams.clone()?;
    if !matches!(qparams.axis, None | Some(0)) {
        return None;
    }
    let weights = match graph.constant(id)?.data() {
        Data::I8(v) if qparams.zero_points.iter().all(|&z| z == 0) => v.clone(),
        Data::U8(v) if qparams.zero_points.iter().all(|&z| z == 128) => {
            v.iter().map(|&w| (w ^ 0x80).cast_signed()).collect()
        }
        _ => return None,
    };
    qparams.zero_points.fill(0);
    Some((weights, qparams))
}

/// The bias in steps of each channel: its own integers where its scales are the steps, else rounded anew.
fn in_steps(graph: &Graph, links: &Links, bias: ValueId, steps: &[f32]) -> Option<Vec<i32>> {
    if let Some(id) = stored(graph, links, bias) {
        let (own, qparams) = (
            graph.constant(id)?.to_i64()?,
            graph.value(id).qparams.as_ref()?,
        );
        if own.len() != steps.len() {
            return None;
        }
        let zero_point = |c: usize| {
            qparams
                .zero_points
                .get(c)
                .copied()
                .unwrap_or(qparams.zero_point())
        };
        return own
            .iter()
            .enumerate()
            .map(|(c, &v)| {
                let v = v - i64::from(zero_point(c));
                let scale = qparams.scale_at(c);
                if (scale - steps[c]).abs() <= 1e-5 * steps[c] {
                    return i32::try_from(v).ok();
                }
                // At most 2⁴⁰: exact in f64.
                rounded(v as f64 * f64::from(scale), steps[c])
            })
            .collect();
    }
    let own = graph.constant(bias)?.as_f32()?;
    if own.len() != steps.len() {
        return None;
    }
    own.iter()
        .zip(steps)
        .map(|(&b, &step)| rounded(f64::from(b), step))
        .collect()
}

fn rounded(real: f64, step: f32) -> Option<i32> {
    let q = (real / f64::from(step)).round_ties_even();
    // Compared before the cast, so that it is exact.
    (q.abs() <= f64::from(i32::MAX)).then_some(q as i32)
}

/// Proves that no input can take the accumulator of any channel past 32 bits.
fn accumulator_fits(
    graph: &Graph,
    x: ValueId,
    weights: &[i8],
    bias: Option<&[i32]>,
    channels: usize,
) -> bool {
    let value = graph.value(x);
    let z = value.qparams.as_ref().map_or(0, QParams::zero_point);
    let (lo, hi) = value.dtype.quantized_range().unwrap_or((-128, 127));
    let reach = i64::from((z - lo).max(hi - z));
    let each = (weights.len() / channels.max(1)).max(1);
    weights.chunks(each).enumerate().all(|(c, row)| {
        let sum: i64 = row.iter().map(|&w| i64::from(w).abs()).sum();
        let bias = bias
            .and_then(|b| b.get(c))
            .map_or(0, |&b| i64::from(b).abs());
        sum * reach + bias <= i64::from(i32::MAX)
    })
}
