//! Integer weights and bias of convolutions and dense layers.

use redpoll_graph::{DType, Data, Graph, Node, Op, QParams, Tensor, ValueId};

use super::wide;
use super::{finish, integers};
use crate::Error;
use crate::optimize::edit::{Links, insert, stored, unique_node_name};

/// Integer operands of a layer.
struct Layer {
    x: ValueId,
    /// Weights as the model stores them.
    w: ValueId,
    /// Their shape, the channels of x last.
    shape: Vec<usize>,
    /// Weights less their zero point.
    values: Vec<i32>,
    /// Their scales; the zero points are 0.
    params: QParams,
    /// In steps of `s_x · s_w`.
    bias: Option<Vec<i32>>,
    /// Those steps: one, or one an output channel.
    steps: Vec<f32>,
}

/// Makes the layer at `index` integer; false where it must stay in float.
pub(super) fn fuse(
    graph: &mut Graph,
    links: &Links,
    index: usize,
    (quantize, y): (usize, ValueId),
) -> Result<bool, Error> {
    let Some(mut layer) = Layer::read(graph, links, index) else {
        return Ok(false);
    };
    let name = graph.nodes[index].name.clone();
    let groups = match &graph.nodes[index].op {
        Op::Conv(conv) => conv.groups,
        _ => 1,
    };
    if groups == 1 {
        layer.unpick(graph, links);
        let channels = *layer.shape.last().unwrap_or(&1);
        let split = wide::repeated(&layer.values, channels);
        let mut at = index;
        if !split.extra.is_empty() {
            layer.x = again(graph, index, layer.x, &split.extra)?;
            at += 2;
            let last = layer.shape.len() - 1;
            layer.shape[last] += split.extra.len();
        }
        let inputs = layer.inputs(graph, &name, split.weights)?;
        finish(graph, at, quantize + at - index, inputs, y);
        return Ok(true);
    }
    let depthwise = groups == layer.shape[0] && layer.shape.last() == Some(&1);
    if !wide::fits(&layer.values) {
        return match depthwise {
            true => apart(graph, index, (quantize, y), &layer),
            false => Ok(false),
        };
    }
    let weights = layer.values.iter().map(|&v| v as i8).collect();
    let inputs = layer.inputs(graph, &name, weights)?;
    finish(graph, index, quantize, inputs, y);
    Ok(true)
}

impl Layer {
    /// `None` where an operand is no integer, or the accumulator is not proved to fit.
    fn read(graph: &Graph, links: &Links, index: usize) -> Option<Self> {
        let node = &graph.nodes[index];
        let x = integers(graph, links, node.inputs[0])?;
        let w = stored(graph, links, node.inputs[1])?;
        let (values, params) = centred(graph, w)?;
        let shape = graph.value(w).shape.clone();
        let channels = *shape.first()?;
        let s_x = graph.value(x).qparams.as_ref().map_or(1.0, QParams::scale);
        let steps: Vec<f32> = (0..channels).map(|c| s_x * params.scale_at(c)).collect();
        let bias = match node.inputs.get(2) {
            None => None,
            Some(&bias) => Some(in_steps(graph, links, bias, &steps)?),
        };
        accumulator_fits(graph, x, &values, bias.as_deref(), channels).then_some(Self {
            x,
            w,
            shape,
            values,
            params,
            bias,
            steps,
        })
    }

    /// Reads what the channels of x were picked from: the weights move instead.
    fn unpick(&mut self, graph: &Graph, links: &Links) {
        let Some((_, node)) = links.maker(graph, self.x) else {
            return;
        };
        let from = node.inputs[0];
        let rank = graph.value(from).shape.len();
        let Op::Gather { axis } = node.op else { return };
        let Some(picked) = graph.constant(node.inputs[1]).and_then(Tensor::to_i64) else {
            return;
        };
        let size = graph.value(from).shape[axis];
        let picked: Vec<usize> = picked
            .into_iter()
            .filter_map(|i| usize::try_from(i).ok().filter(|&i| i < size))
            .collect();
        let mut taken = vec![false; size];
        let once = picked
            .iter()
            .all(|&c| !std::mem::replace(&mut taken[c], true));
        let last = self.shape.len() - 1;
        if axis + 1 != rank || picked.len() != self.shape[last] || !once || size > 2 * picked.len()
        {
            return;
        }
        self.values = wide::unpicked(&self.values, &picked, size);
        self.shape[last] = size;
        self.x = from;
    }

    /// The operands of the integer layer.
    fn inputs(
        &self,
        graph: &mut Graph,
        name: &str,
        weights: Vec<i8>,
    ) -> Result<Vec<ValueId>, Error> {
        let same = graph.constant(self.w).and_then(Tensor::as_i8) == Some(&weights)
            && graph.value(self.w).shape == self.shape
            && graph.value(self.w).qparams.as_ref() == Some(&self.params);
        let w = if same {
            self.w
        } else {
            let tensor = Tensor::new(self.shape.clone(), Data::I8(weights))?;
            let weight_name = format!("{}_signed", graph.value(self.w).name);
            let id = graph.add_constant(&weight_name, tensor);
            graph.value_mut(id).qparams = Some(self.params.clone());
            id
        };
        let mut inputs = vec![self.x, w];
        if let Some(bias) = &self.bias {
            inputs.push(add_bias(graph, name, bias.clone(), self.steps.clone())?);
        }
        Ok(inputs)
    }
}

fn add_bias(
    graph: &mut Graph,
    name: &str,
    bias: Vec<i32>,
    steps: Vec<f32>,
) -> Result<ValueId, Error> {
    let tensor = Tensor::new(vec![bias.len()], Data::I32(bias))?;
    let id = graph.add_constant(&format!("{name}_bias"), tensor);
    let qparams = if steps.len() == 1 {
        QParams::per_tensor(steps[0], 0)
    } else {
        QParams::per_channel(steps, 0)
    };
    graph.value_mut(id).qparams = Some(qparams);
    Ok(id)
}

/// Indices along an axis.
fn indices(
    graph: &mut Graph,
    name: &str,
    of: impl Iterator<Item = usize>,
) -> Result<ValueId, Error> {
    let values: Vec<i64> = of.map(|i| i as i64).collect();
    let tensor = Tensor::new(vec![values.len()], Data::I64(values))?;
    Ok(graph.add_constant(&format!("{name}_channels"), tensor))
}

/// `x` with some of its channels once more behind them; two nodes before `at`.
fn again(graph: &mut Graph, at: usize, x: ValueId, extra: &[usize]) -> Result<ValueId, Error> {
    let name = graph.value(x).name.clone();
    let axis = graph.value(x).shape.len() - 1;
    let picks = indices(graph, &name, extra.iter().copied())?;
    let picked = insert(
        graph,
        at,
        &format!("{name}_again"),
        Op::Gather { axis },
        &[x, picks],
    )?;
    let joined = format!("{name}_repeated");
    Ok(insert(
        graph,
        at + 1,
        &joined,
        Op::Concat { axis },
        &[x, picked],
    )?)
}

/// A depthwise layer some of whose channels do not fit eight bits: those come from a convolution of their own, which reads
/// them more than once, and take their places among the others.
fn apart(
    graph: &mut Graph,
    index: usize,
    (quantize, y): (usize, ValueId),
    layer: &Layer,
) -> Result<bool, Error> {
    let Op::Conv(mut conv) = graph.nodes[index].op.clone() else {
        return Ok(false);
    };
    let name = graph.nodes[index].name.clone();
    let channels = layer.shape[0];
    let split = wide::apart(&layer.values, layer.values.len() / channels.max(1));
    let many = split.channels.len();
    let axis = graph.value(y).shape.len() - 1;

    let picks = split
        .channels
        .iter()
        .flat_map(|&c| std::iter::repeat_n(c, split.pieces));
    let picks = indices(graph, &name, picks)?;
    let op = Op::Gather { axis };
    let picked = insert(
        graph,
        index,
        &format!("{name}_again"),
        op,
        &[layer.x, picks],
    )?;

    // Results like y, of all channels and of those apart.
    let like_y = |graph: &mut Graph, name: &str, channels: usize| {
        let (dtype, qparams) = (graph.value(y).dtype, graph.value(y).qparams.clone());
        let mut shape = graph.value(y).shape.clone();
        shape[axis] = channels;
        let id = graph.add_value(name, dtype, shape);
        graph.value_mut(id).qparams = qparams;
        id
    };
    let narrow = like_y(graph, &format!("{name}_narrow"), channels);
    let own = like_y(graph, &format!("{name}_wide"), many);
    let inputs = layer.inputs(graph, &name, split.narrow)?;
    graph.nodes[index + 1].inputs = inputs;
    graph.nodes[index + 1].output = narrow;

    let mut shape = layer.shape.clone();
    shape[0] = many;
    let last = shape.len() - 1;
    shape[last] = split.pieces * many / split.groups;
    let at = |v: &[f32]| match *v {
        [one] => vec![one],
        ref v => split.channels.iter().map(|&c| v[c]).collect(),
    };
    let mut params = layer.params.clone();
    params.scales = at(&params.scales);
    params.zero_points = vec![0; params.scales.len()];
    let tensor = Tensor::new(shape, Data::I8(split.weights))?;
    let w = graph.add_constant(&format!("{name}_wide_weights"), tensor);
    graph.value_mut(w).qparams = Some(params);
    let mut inputs = vec![picked, w];
    if let Some(bias) = &layer.bias {
        let bias = split.channels.iter().map(|&c| bias[c]).collect();
        let steps = split.channels.iter().map(|&c| layer.steps[c]).collect();
        inputs.push(add_bias(graph, &format!("{name}_wide"), bias, steps)?);
    }
    conv.groups = split.groups;
    let node = Node {
        name: unique_node_name(graph, &format!("{name}_wide")),
        op: Op::Conv(conv),
        inputs,
        output: own,
    };
    graph.nodes.insert(index + 2, node);
    let op = Op::Concat { axis };
    let joined = insert(
        graph,
        index + 3,
        &format!("{name}_joined"),
        op,
        &[narrow, own],
    )?;

    let place = |c: usize| {
        split
            .channels
            .iter()
            .position(|&w| w == c)
            .map_or(c, |i| channels + i)
    };
    let order = indices(graph, &name, (0..channels).map(place))?;
    let node = &mut graph.nodes[quantize + 3];
    node.op = Op::Gather { axis };
    node.inputs = vec![joined, order];
    Ok(true)
}

/// Weights less their zero points, and their scales, for all or for each output channel.
fn centred(graph: &Graph, id: ValueId) -> Option<(Vec<i32>, QParams)> {
    let value = graph.value(id);
    let mut qparams = value.qparams.clone()?;
    if !matches!(qparams.axis, None | Some(0)) || !matches!(value.dtype, DType::I8 | DType::U8) {
        return None;
    }
    let rows = *value.shape.first()?;
    let each = (value.len() / rows.max(1)).max(1);
    let zero = |c: usize| match qparams.zero_points.as_slice() {
        [one] => Some(*one),
        many => many.get(c).copied(),
    };
    let mut out = Vec::with_capacity(value.len());
    for (i, v) in graph.constant(id)?.to_i64()?.into_iter().enumerate() {
        out.push(i32::try_from(v).ok()? - zero(i / each)?);
    }
    qparams.zero_points.fill(0);
    Some((out, qparams))
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
    weights: &[i32],
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
