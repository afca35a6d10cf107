//! Attention and what goes with it: rotary embedding, normalisation without a mean.

use redpoll_graph::op::{BinaryFn, Pad, PadMode, ReduceKind, UnaryFn};
use redpoll_graph::{DType, Op, ValueId};

use super::compose::Compose;
use super::importer::Importer;
use super::node::{OnnxNode, Outputs, Stop, axis_of, invalid};

/// A positive attribute, `None` where it is absent.
pub(crate) fn count(node: &OnnxNode<'_>, name: &str) -> Result<Option<usize>, Stop> {
    match node.proto.attr_int(name)? {
        None => Ok(None),
        Some(n) => match usize::try_from(n) {
            Ok(n) if n > 0 => Ok(Some(n)),
            _ => invalid(format!("{name} is {n}")),
        },
    }
}

/// `[B, S, heads · D]` → `[B, heads, S, D]`.
pub(crate) fn split_heads(
    c: &mut Compose<'_, '_, '_, '_>,
    x: ValueId,
    heads: usize,
) -> Result<ValueId, Stop> {
    let shape = c.shape(x);
    let &[b, s, hidden] = shape.as_slice() else {
        return invalid(format!("shape {shape:?} is not [B, S, hidden]"));
    };
    if hidden % heads != 0 {
        return invalid(format!("{hidden} elements in {heads} heads"));
    }
    let x = c.reshape(x, vec![b, s, heads, hidden / heads])?;
    c.transpose(x, vec![0, 2, 1, 3])
}

/// `[B, heads, S, D]` → `[B, S, heads · D]`.
pub(crate) fn join_heads(c: &mut Compose<'_, '_, '_, '_>, x: ValueId) -> Result<ValueId, Stop> {
    let x = c.transpose(x, vec![0, 2, 1, 3])?;
    let shape = c.shape(x);
    c.reshape(x, vec![shape[0], shape[1], shape[2] * shape[3]])
}

/// Each head of `[B, H, S, D]` `times` in a row.
pub(crate) fn repeat_heads(
    c: &mut Compose<'_, '_, '_, '_>,
    x: ValueId,
    times: usize,
) -> Result<ValueId, Stop> {
    if times == 1 {
        return Ok(x);
    }
    let s = c.shape(x);
    let x = c.reshape(x, vec![s[0], s[1], 1, s[2], s[3]])?;
    let x = c.expand(x, vec![s[0], s[1], times, s[2], s[3]])?;
    c.reshape(x, vec![s[0], s[1] * times, s[2], s[3]])
}

/// Attention-23, -24: `softmax(Q Kᵀ · scale + mask) V` with grouped heads, a cache, a soft cap and a causal mask.
pub(crate) fn attention(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let c = &mut Compose::new(import, node);
    let (mut q, mut k, mut v) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let flat = c.import.rank(q) == 3;
    if flat {
        let (Some(qh), Some(kh)) = (count(node, "q_num_heads")?, count(node, "kv_num_heads")?)
        else {
            return invalid("q_num_heads and kv_num_heads are needed for inputs of rank 3");
        };
        q = split_heads(c, q, qh)?;
        k = split_heads(c, k, kh)?;
        v = split_heads(c, v, kh)?;
    }
    if [q, k, v].iter().any(|&x| c.import.rank(x) != 4) {
        return invalid("query, key and value must have rank 3 or 4");
    }
    let mut past = 0;
    if let Some(key) = node.optional(4) {
        past = c.shape(key).get(2).copied().unwrap_or(0);
        k = c.concat(2, &[key, k])?;
    }
    if let Some(value) = node.optional(5) {
        v = c.concat(2, &[value, v])?;
    }
    let (present_k, present_v) = (k, v);
    let (qs, ks) = (c.shape(q), c.shape(k));
    if ks[1] == 0 || qs[1] % ks[1] != 0 || qs[3] != ks[3] {
        return invalid(format!("queries {qs:?} and keys {ks:?}"));
    }
    k = repeat_heads(c, k, qs[1] / ks[1])?;
    v = repeat_heads(c, v, qs[1] / ks[1])?;
    let scale = match node.proto.attr_float("scale")? {
        Some(s) if s != 0.0 => s,
        _ => 1.0 / (qs[3] as f32).sqrt(),
    };
    q = c.scale(q, scale.sqrt())?;
    k = c.scale(k, scale.sqrt())?;
    let k = c.transpose(k, vec![0, 1, 3, 2])?;
    let mut scores = c.matmul(q, k)?;
    let cap = node.float_or("softcap", 0.0)?;
    if cap > 0.0 {
        scores = c.scale(scores, 1.0 / cap)?;
        scores = c.unary(UnaryFn::Tanh, scores)?;
        scores = c.scale(scores, cap)?;
    }
    let raw = scores;
    if let Some(bias) = bias(c, qs[2], ks[2], past)? {
        scores = c.add(scores, bias)?;
    }
    let biased = scores;
    let shares = c.softmax(scores, 3)?;
    let mut y = c.matmul(shares, v)?;
    if flat {
        y = join_heads(c, y)?;
    }
    let scores = match node.int_or("qk_matmul_output_mode", 0)? {
        0 | 1 => raw,
        2 => biased,
        3 => shares,
        other => return invalid(format!("qk_matmul_output_mode is {other}")),
    };
    Ok(vec![y, present_k, present_v, scores])
}

/// What is added to the scores: the mask, −∞ for what comes later, −∞ for padding. `None` for nothing.
fn bias(
    c: &mut Compose<'_, '_, '_, '_>,
    queries: usize,
    keys: usize,
    past: usize,
) -> Result<Option<ValueId>, Stop> {
    let node = c.node;
    let (zero, never) = (c.number(0.0)?, c.number(f32::NEG_INFINITY)?);
    let mut bias = None;
    if let Some(mask) = node.optional(3) {
        let mut mask = mask;
        if c.import.dtype(mask) == DType::Bool {
            mask = c.select(mask, zero, never)?;
        }
        let shape = c.shape(mask);
        let last = shape.last().copied().unwrap_or(0);
        if last < keys && last > 1 {
            let mut after = vec![0; shape.len()];
            after[shape.len() - 1] = keys - last;
            let pad = Pad {
                before: vec![0; shape.len()],
                after,
                mode: PadMode::Constant,
                value: f32::NEG_INFINITY,
            };
            mask = c.op(Op::Pad(pad), &[mask])?;
        }
        bias = Some(mask);
    }
    if node.flag("is_causal")? {
        c.room(&[queries, keys])?;
        let later = |i: usize, j: usize| j > i + past;
        let v = (0..queries * keys).map(|n| {
            if later(n / keys, n % keys) {
                f32::NEG_INFINITY
            } else {
                0.0
            }
        });
        let causal = v.collect();
        let causal = c.floats(vec![queries, keys], causal)?;
        bias = Some(match bias {
            Some(mask) => c.add(mask, causal)?,
            None => causal,
        });
    }
    if let Some(lengths) = node.optional(6) {
        c.room(&[keys])?;
        let places = c.ints(vec![1, 1, 1, keys], (0..keys as i64).collect())?;
        let batch = c.shape(lengths).first().copied().unwrap_or(1);
        let lengths = c.reshape(lengths, vec![batch, 1, 1, 1])?;
        let lengths = c.cast(lengths, DType::I64)?;
        let inside = c.binary(BinaryFn::Less, places, lengths)?;
        let padding = c.select(inside, zero, never)?;
        bias = Some(match bias {
            Some(mask) => c.add(mask, padding)?,
            None => padding,
        });
    }
    Ok(bias)
}

/// RotaryEmbedding-23: pairs of elements turned by an angle that grows with the position.
pub(crate) fn rotary_embedding(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let c = &mut Compose::new(import, node);
    let input = node.input(0)?;
    let given = c.shape(input);
    // [B, S, heads, D]
    let x = match *given.as_slice() {
        [_, _, _, _] => c.transpose(input, vec![0, 2, 1, 3])?,
        [b, s, hidden] => match count(node, "num_heads")? {
            Some(heads) if hidden % heads == 0 => {
                c.reshape(input, vec![b, s, heads, hidden / heads])?
            }
            _ => return invalid(format!("num_heads for {hidden} elements")),
        },
        _ => return invalid(format!("shape {given:?}")),
    };
    let shape = c.shape(x);
    let size = shape[3];
    let turned = count(node, "rotary_embedding_dim")
        .ok()
        .flatten()
        .unwrap_or(size);
    if turned > size || !turned.is_multiple_of(2) {
        return invalid(format!("rotary_embedding_dim {turned} of {size}"));
    }
    let half = turned / 2;
    let mut tables = [node.input(1)?, node.input(2)?];
    for table in &mut tables {
        if let Some(places) = node.optional(3) {
            *table = c.op(Op::Gather { axis: 0 }, &[*table, places])?;
        }
        let t = c.shape(*table);
        if t.last() != Some(&half) || t.len() != 3 {
            return invalid(format!("a table of {t:?} for {half} pairs"));
        }
        *table = c.reshape(*table, vec![t[0], t[1], 1, half])?;
    }
    let [cos, sin] = tables;
    let interleaved = node.flag("interleaved")?;
    let (a, b) = if interleaved {
        (c.slice(x, 3, 0, 2, half)?, c.slice(x, 3, 1, 2, half)?)
    } else {
        (c.slice(x, 3, 0, 1, half)?, c.slice(x, 3, half, 1, half)?)
    };
    let (ca, sb) = (c.mul(cos, a)?, c.mul(sin, b)?);
    let real = c.sub(ca, sb)?;
    let (sa, cb) = (c.mul(sin, a)?, c.mul(cos, b)?);
    let imaginary = c.add(sa, cb)?;
    let mut y = if interleaved {
        let pair = [shape[0], shape[1], shape[2], half, 1].to_vec();
        let real = c.reshape(real, pair.clone())?;
        let imaginary = c.reshape(imaginary, pair)?;
        let both = c.concat(4, &[real, imaginary])?;
        c.reshape(both, vec![shape[0], shape[1], shape[2], turned])?
    } else {
        c.concat(3, &[real, imaginary])?
    };
    if turned < size {
        let rest = c.slice(x, 3, turned, 1, size - turned)?;
        y = c.concat(3, &[y, rest])?;
    }
    Ok(vec![if given.len() == 4 {
        c.transpose(y, vec![0, 2, 1, 3])?
    } else {
        c.reshape(y, given)?
    }])
}

/// RMSNormalization-23: `x / sqrt(mean x² + epsilon) · scale` over the axes from `axis` on.
pub(crate) fn rms_norm(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let c = &mut Compose::new(import, node);
    let (x, scale) = (node.input(0)?, node.input(1)?);
    let rank = c.import.rank(x);
    let axis = axis_of(node.int_or("axis", -1)?, rank)?;
    let axes: Vec<usize> = (axis..rank).collect();
    let square = c.mul(x, x)?;
    let mean = c.reduce(ReduceKind::Mean, &axes, true, square)?;
    let epsilon = c.number(node.float_or("epsilon", 1e-5)?)?;
    let shifted = c.add(mean, epsilon)?;
    let root = c.unary(UnaryFn::Sqrt, shifted)?;
    let inverse = c.unary(UnaryFn::Reciprocal, root)?;
    let normal = c.mul(x, inverse)?;
    Ok(vec![c.mul(normal, scale)?])
}
