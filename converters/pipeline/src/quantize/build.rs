//! The int8 graph: nodes computed in int8 where chosen, each border between float and int8 crossed once a value.

use std::collections::HashMap;

use redpoll_graph::op::Clamp;
use redpoll_graph::{DType, Data, Graph, Node, Op, QParams, Tensor, ValueId};

use super::groups::Groups;
use super::parameters::{activation_params, needed_clamp, union, within};
use super::select::Choice;
use super::{Io, QuantizeLog, Scheme, weights};
use crate::calibrate::{Range, Ranges};
use crate::{Error, ErrorKind, Quantized};

/// Builds the int8 graph of `graph`, with weights rounded to the nearest.
pub(super) fn build(
    graph: &Graph,
    ranges: &Ranges,
    scheme: &Scheme,
    choices: &[Choice],
) -> Result<Quantized, Error> {
    let params = group_params(graph, ranges, scheme, choices)?;
    let mut build = Build {
        old: graph,
        scheme,
        params,
        new: Graph::new(&graph.name),
        int8: HashMap::new(),
        float: HashMap::new(),
        log: QuantizeLog::default(),
    };
    build.new.metadata = graph.metadata.clone();
    build.inputs();
    for (node, choice) in graph.nodes.iter().zip(choices) {
        match choice {
            Choice::Whole => build.float_node(node)?,
            Choice::Float(why) => {
                build.log.kept_float.push((node.name.clone(), why.clone()));
                build.float_node(node)?;
            }
            Choice::Int8 => {
                if let Err(why) = build.int8_node(node)? {
                    build.log.kept_float.push((node.name.clone(), why));
                    build.float_node(node)?;
                }
            }
        }
    }
    build.outputs()?;
    Ok(Quantized {
        graph: build.new,
        log: build.log,
        float: None,
    })
}

/// Scale and zero point of every float value: those of its group.
fn group_params(
    graph: &Graph,
    ranges: &Ranges,
    scheme: &Scheme,
    choices: &[Choice],
) -> Result<Vec<Option<QParams>>, Error> {
    let groups = Groups::of(graph, choices);
    let producers = graph.producers();
    let mut joined: HashMap<ValueId, Range> = HashMap::new();
    for (i, value) in graph.values.iter().enumerate() {
        let id = ValueId(i as u32);
        if value.dtype != DType::F32 {
            continue;
        }
        let range = match (&value.constant, ranges.values.get(&value.name)) {
            (Some(c), _) => weights::extremes(c.as_f32().unwrap_or_default()),
            (None, Some(&r)) => {
                let op = producers[i].map(|n| &graph.node(n).op);
                within(r, op.and_then(fused_clamp))
            }
            (None, None) => continue,
        };
        let top = groups.representative(id);
        let range = joined.get(&top).map_or(range, |&r| union(r, range));
        joined.insert(top, range);
    }
    let of = |i: usize| {
        let top = groups.representative(ValueId(i as u32));
        joined
            .get(&top)
            .map(|&r| activation_params(r, scheme.activations))
    };
    Ok((0..graph.values.len()).map(of).collect())
}

/// The bounds fused into an operator.
fn fused_clamp(op: &Op) -> Option<Clamp> {
    match op {
        Op::Conv(c) => c.clamp,
        Op::Dense { clamp } | Op::Binary { clamp, .. } => *clamp,
        _ => None,
    }
}

fn with_clamp(op: &Op, clamp: Option<Clamp>) -> Op {
    let mut op = op.clone();
    match &mut op {
        Op::Conv(c) => c.clamp = clamp,
        Op::Dense { clamp: c } | Op::Binary { clamp: c, .. } => *c = clamp,
        _ => {}
    }
    op
}

struct Build<'a> {
    old: &'a Graph,
    scheme: &'a Scheme,
    /// By old value.
    params: Vec<Option<QParams>>,
    new: Graph,
    /// New int8 value of an old one.
    int8: HashMap<ValueId, ValueId>,
    /// New value of an old one in its own type.
    float: HashMap<ValueId, ValueId>,
    log: QuantizeLog,
}

impl Build<'_> {
    fn inputs(&mut self) {
        for &id in &self.old.inputs {
            let v = self.old.value(id);
            let params = self.params[id.index()].clone();
            if let (Io::Int8, DType::F32, Some(q)) = (self.scheme.io, v.dtype, params) {
                let new = self
                    .new
                    .add_input(&v.name, self.scheme.activations, v.shape.clone());
                self.new.value_mut(new).qparams = Some(q);
                self.int8.insert(id, new);
            } else {
                let new = self.new.add_input(&v.name, v.dtype, v.shape.clone());
                self.float.insert(id, new);
            }
        }
    }

    fn outputs(&mut self) -> Result<(), Error> {
        for &id in &self.old.outputs {
            let made_in_int8 = self.int8.contains_key(&id) && !self.float.contains_key(&id);
            let new = match self.scheme.io {
                Io::Int8 if made_in_int8 => self.as_int8(id)?,
                _ => self.as_float(id)?,
            };
            self.new.outputs.push(new);
        }
        Ok(())
    }

    /// The old value in its own type; crosses the border when it is there in int8 only.
    fn as_float(&mut self, id: ValueId) -> Result<ValueId, Error> {
        if let Some(&new) = self.float.get(&id) {
            return Ok(new);
        }
        let v = self.old.value(id);
        let new = if let Some(constant) = &v.constant {
            let new = self.new.add_value(&v.name, v.dtype, v.shape.clone());
            self.new.value_mut(new).constant = Some(constant.clone());
            new
        } else {
            let from = *self.int8.get(&id).ok_or_else(|| unmade(&v.name))?;
            // The model's outputs keep their names; inside, the int8 value has it.
            let name = if self.old.outputs.contains(&id) && self.scheme.io == Io::Float {
                v.name.clone()
            } else {
                format!("{}_dequantized", v.name)
            };
            let new = self
                .new
                .add_node_as(&name, Op::Dequantize, &[from], DType::F32, None)?;
            self.name_last(&format!("{}_dequantize", v.name));
            new
        };
        self.float.insert(id, new);
        Ok(new)
    }

    /// The old value in int8; crosses the border when it is there in float only.
    fn as_int8(&mut self, id: ValueId) -> Result<ValueId, Error> {
        if let Some(&new) = self.int8.get(&id) {
            return Ok(new);
        }
        let v = self.old.value(id);
        let q = self.params_of(id)?;
        let name = format!("{}_quantized", v.name);
        let dtype = self.scheme.activations;
        let new = if let Some(constant) = &v.constant {
            let (tensor, q) = weights::quantize_constant(constant, Some(q), dtype)
                .ok_or_else(|| unmade(&v.name))?;
            let new = self.new.add_constant(&name, tensor);
            self.new.value_mut(new).qparams = Some(q);
            new
        } else {
            let from = *self.float.get(&id).ok_or_else(|| unmade(&v.name))?;
            let new = self
                .new
                .add_node_as(&name, Op::Quantize, &[from], dtype, Some(q))?;
            self.name_last(&format!("{}_quantize", v.name));
            new
        };
        self.int8.insert(id, new);
        Ok(new)
    }

    fn params_of(&self, id: ValueId) -> Result<QParams, Error> {
        let name = &self.old.value(id).name;
        self.params[id.index()].clone().ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                format!("value \"{name}\" has no range: calibrate this model again"),
            )
        })
    }

    fn float_node(&mut self, node: &Node) -> Result<(), Error> {
        let inputs = node
            .inputs
            .iter()
            .map(|&id| self.as_float(id))
            .collect::<Result<Vec<_>, _>>()?;
        let v = self.old.value(node.output);
        let new = self
            .new
            .add_node_as(&v.name, node.op.clone(), &inputs, v.dtype, None)?;
        self.name_last(&node.name);
        self.float.insert(node.output, new);
        Ok(())
    }

    /// Adds `node` in int8, or says why it cannot be.
    fn int8_node(&mut self, node: &Node) -> Result<Result<(), String>, Error> {
        let q = self.params_of(node.output)?;
        let dtype = self.scheme.activations;
        let op = with_clamp(&node.op, needed_clamp(fused_clamp(&node.op), &q, dtype));
        let inputs = match &node.op {
            Op::Conv(_) | Op::Dense { .. } => match self.layer_inputs(node)? {
                Ok(inputs) => inputs,
                Err(why) => return Ok(Err(why)),
            },
            _ => {
                let one = |&id: &ValueId| match self.old.value(id).dtype {
                    DType::F32 => self.as_int8(id),
                    _ => self.as_float(id),
                };
                node.inputs.iter().map(one).collect::<Result<Vec<_>, _>>()?
            }
        };
        let name = &self.old.value(node.output).name;
        let is_output = self.old.outputs.contains(&node.output) && self.scheme.io == Io::Float;
        let name = if is_output {
            format!("{name}_quantized")
        } else {
            name.clone()
        };
        let new = match self.new.add_node_as(&name, op, &inputs, dtype, Some(q)) {
            Ok(new) => new,
            Err(e) if e.kind() == redpoll_graph::ErrorKind::Unsupported => {
                return Ok(Err(e.to_string()));
            }
            Err(e) => return Err(e.into()),
        };
        self.name_last(&node.name);
        self.int8.insert(node.output, new);
        Ok(Ok(()))
    }

    /// Operands of a convolution or dense layer: int8 input, int8 weights, int32 bias.
    fn layer_inputs(&mut self, node: &Node) -> Result<Result<Vec<ValueId>, String>, Error> {
        let floats = |i: usize| {
            let id = node.inputs.get(i)?;
            self.old.constant(*id).and_then(Tensor::as_f32)
        };
        let Some(w) = floats(1) else {
            return Ok(Err("its weights are not constant floats".into()));
        };
        let value = self.old.value(node.inputs[1]);
        let channels = value.shape.first().copied().unwrap_or(0);
        let x = self.params_of(node.inputs[0])?;
        let layer =
            weights::quantize_layer(w, floats(2), channels, x.scale(), self.scheme.per_channel);
        if let Some(c) =
            weights::overflowing_channel(&layer.weights, &layer.bias, &x, self.scheme.activations)
        {
            return Ok(Err(format!(
                "the 32-bit accumulator of output channel {c} could overflow"
            )));
        }
        let x_new = self.as_int8(node.inputs[0])?;
        let units = layer.scales.iter().map(|s| x.scale() * s).collect();
        let weights = Tensor::new(value.shape.clone(), Data::I8(layer.weights))?;
        let w_new = self.new.add_constant(&value.name, weights);
        self.new.value_mut(w_new).qparams = Some(QParams::per_channel(layer.scales, 0));
        let name = match node.inputs.get(2) {
            Some(&id) => self.old.value(id).name.clone(),
            None => format!("{}_bias", node.name),
        };
        let bias = Tensor::new(vec![channels], Data::I32(layer.bias))?;
        let b_new = self.new.add_constant(&name, bias);
        self.new.value_mut(b_new).qparams = Some(QParams::per_channel(units, 0));
        Ok(Ok(vec![x_new, w_new, b_new]))
    }

    /// Names the node added last.
    fn name_last(&mut self, name: &str) {
        if let Some(last) = self.new.nodes.last_mut() {
            name.clone_into(&mut last.name);
        }
    }
}

fn unmade(name: &str) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("value \"{name}\" was not made"),
    )
}
