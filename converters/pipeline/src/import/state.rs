//! Layers with a state that is handed on: linear attention, causal convolution, caches.

use redpoll_graph::op::{BinaryFn, Conv, Scatter, UnaryFn};
use redpoll_graph::{DType, Op};

use super::attention::{count, join_heads, repeat_heads, split_heads};
use super::compose::Compose;
use super::importer::Importer;
use super::layout::{channels_last, to_channels_last, transpose};
use super::node::{OnnxNode, Outputs, axis_of, gap, invalid};

/// Steps in time that are written out one after the other.
const MAX_STEPS: usize = 256;

/// LinearAttention-27: a state of keys by values, updated step by step; written out in time.
pub(crate) fn linear_attention(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let c = &mut Compose::new(import, node);
    let (Some(qh), Some(kh)) = (count(node, "q_num_heads")?, count(node, "kv_num_heads")?) else {
        return invalid("q_num_heads and kv_num_heads are missing");
    };
    if qh % kh != 0 {
        return invalid(format!("{qh} query heads for {kh} key heads"));
    }
    let q = split_heads(c, node.input(0)?, qh)?;
    let k = split_heads(c, node.input(1)?, kh)?;
    let v = split_heads(c, node.input(2)?, kh)?;
    let (ks, vs) = (c.shape(k), c.shape(v));
    let (b, steps, dk, dv) = (ks[0], ks[2], ks[3], vs[3]);
    if steps > MAX_STEPS {
        return gap(format!("{steps} steps in time; {MAX_STEPS} are the limit"));
    }
    let rule = node.text_or("update_rule", "gated_delta")?;
    let (gated, delta) = match rule {
        "linear" => (false, false),
        "gated" => (true, false),
        "delta" => (false, true),
        "gated_delta" => (true, true),
        other => return invalid(format!("update_rule is {other:?}")),
    };
    let decay = if gated {
        let decay = node.input(4)?;
        let decay = split_heads(c, decay, kh)?;
        Some(c.unary(UnaryFn::Exp, decay)?)
    } else {
        None
    };
    let beta = if delta {
        let beta = node.input(5)?;
        let heads = c.shape(beta).last().copied().unwrap_or(1);
        Some(split_heads(c, beta, heads.max(1))?)
    } else {
        None
    };
    let mut state = match node.optional(3) {
        Some(state) => state,
        None => {
            let n = c.room(&[b, kh, dk, dv])?;
            c.floats(vec![b, kh, dk, dv], vec![0.0; n])?
        }
    };
    let scale = match node.float_or("scale", 0.0)? {
        0.0 => 1.0 / (dk as f32).sqrt(),
        s => s,
    };
    let q = c.scale(q, scale)?;
    let mut outputs = Vec::with_capacity(steps);
    for t in 0..steps {
        if let Some(decay) = decay {
            let d = c.slice(decay, 2, t, 1, 1)?;
            let shape = c.shape(d);
            let d = c.reshape(d, vec![b, kh, shape[3], 1])?;
            state = c.mul(state, d)?;
        }
        let key = c.slice(k, 2, t, 1, 1)?;
        let mut value = c.slice(v, 2, t, 1, 1)?;
        if let Some(beta) = beta {
            let held = c.matmul(key, state)?;
            value = c.sub(value, held)?;
            let share = c.slice(beta, 2, t, 1, 1)?;
            value = c.mul(value, share)?;
        }
        let column = c.reshape(key, vec![b, kh, dk, 1])?;
        let written = c.mul(column, value)?;
        state = c.add(state, written)?;
        let read = repeat_heads(c, state, qh / kh)?;
        let query = c.slice(q, 2, t, 1, 1)?;
        outputs.push(c.matmul(query, read)?);
    }
    let y = c.concat(2, &outputs)?;
    Ok(vec![join_heads(c, y)?, state])
}

/// CausalConvWithState-27: a depthwise convolution over what came before, which is handed on.
pub(crate) fn causal_conv(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (x, w) = (node.input(0)?, node.input(1)?);
    let (xs, ws) = (import.shape(x).to_vec(), import.shape(w).to_vec());
    let (&[b, channels, _], &[_, 1, k]) = (xs.as_slice(), ws.as_slice()) else {
        return invalid(format!("weights {ws:?} for {xs:?}"));
    };
    if k == 0 || ws[0] != channels {
        return invalid(format!("weights {ws:?} for {xs:?}"));
    }
    let mut padded = x;
    if k > 1 {
        let c = &mut Compose::new(import, node);
        let before = match node.optional(3) {
            Some(state) => state,
            None => {
                let n = c.room(&[b, channels, k - 1])?;
                c.floats(vec![b, channels, k - 1], vec![0.0; n])?
            }
        };
        padded = c.concat(2, &[before, x])?;
    }
    let weight = transpose(import, node, "weight", w, to_channels_last(3))?;
    let mut others = vec![weight];
    others.extend(node.optional(2));
    let op = Op::Conv(Conv {
        strides: vec![1],
        dilations: vec![1],
        pads_before: vec![0],
        pads_after: vec![0],
        groups: channels,
        clamp: None,
    });
    let mut y = channels_last(import, node, op, padded, &others)?;
    let c = &mut Compose::new(import, node);
    match node.text_or("activation", "none")? {
        "none" => {}
        "silu" | "swish" => {
            let name = c.import.unique_node_name(&format!("{}_silu", node.name));
            y = c
                .import
                .emit_as(&name, &name, Op::Unary(UnaryFn::Silu), &[y])?;
        }
        other => return invalid(format!("activation is {other:?}")),
    }
    let total = c.shape(padded)[2];
    let name = c.import.unique_node_name(&format!("{}_state", node.name));
    let mut axes: Vec<_> = [b, channels]
        .iter()
        .map(|&len| redpoll_graph::op::SliceAxis {
            start: 0,
            step: 1,
            len,
        })
        .collect();
    axes.push(redpoll_graph::op::SliceAxis {
        start: (total + 1).saturating_sub(k).min(total.saturating_sub(1)),
        step: 1,
        len: k - 1,
    });
    let state = c
        .import
        .emit_as(&name, &name, Op::Slice { axes }, &[padded])?;
    Ok(vec![y, state])
}

/// TensorScatter-24: a cache with an update written from a place of each batch's own.
pub(crate) fn tensor_scatter(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let c = &mut Compose::new(import, node);
    let (cache, update) = (node.input(0)?, node.input(1)?);
    let (cs, us) = (c.shape(cache), c.shape(update));
    let axis = axis_of(node.int_or("axis", -2)?, cs.len())?;
    if axis == 0 || us.len() != cs.len() {
        return invalid(format!("an update {us:?} of {cs:?} along axis {axis}"));
    }
    let mut along = vec![1; cs.len()];
    along[axis] = us[axis];
    c.room(&[us[axis]])?;
    let mut places = c.ints(along, (0..us[axis] as i64).collect())?;
    if let Some(starts) = node.optional(2) {
        let mut shape = vec![1; cs.len()];
        shape[0] = us[0];
        let starts = c.reshape(starts, shape)?;
        let starts = c.cast(starts, DType::I64)?;
        places = c.add(places, starts)?;
    }
    match node.text_or("mode", "linear")? {
        "linear" => {}
        "circular" => {
            let size = c.ints(Vec::new(), vec![cs[axis] as i64])?;
            places = c.binary(BinaryFn::Mod, places, size)?;
        }
        other => return invalid(format!("mode is {other:?}")),
    }
    let places = c.expand(places, us)?;
    let op = Op::ScatterElements {
        axis,
        mode: Scatter::Replace,
    };
    Ok(vec![c.op(op, &[cache, places, update])?])
}
