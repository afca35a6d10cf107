//! Builds the step model node by node.

use redpoll_graph::op::{Cell, Conv, Pool, PoolKind, Recurrent, SliceAxis};
use redpoll_graph::{Graph, Node, Op, ValueId};

use super::time::{Time, Window, apart, windowed};
use super::{Refusal, STREAM, StreamOutput, Streamed};
use crate::error::{Error, ErrorKind, Gap};
use crate::lower::StatePair;

/// The values of the inputs named, with their time axes.
pub(super) fn inputs(
    graph: &Graph,
    named: &[(String, usize)],
) -> Result<Vec<(ValueId, usize)>, Error> {
    let invalid = |message: String| Err(Error::new(ErrorKind::Invalid, message));
    let mut found: Vec<(ValueId, usize)> = Vec::new();
    for (name, axis) in named {
        let id = match (name.as_str(), graph.inputs.as_slice()) {
            ("", &[only]) => only,
            ("", _) => {
                return invalid("the model has several inputs: say which are streamed".into());
            }
            (name, ids) => match ids.iter().find(|&&id| graph.value(id).name == *name) {
                Some(&id) => id,
                None => return invalid(format!("there is no input \"{name}\"")),
            },
        };
        let shape = &graph.value(id).shape;
        if *axis >= shape.len() {
            return invalid(format!("input \"{name}\" {shape:?} has no axis {axis}"));
        }
        if found.iter().any(|f| f.0 == id) {
            return invalid(format!("input \"{name}\" is named twice"));
        }
        found.push((id, *axis));
    }
    let length = |f: &(ValueId, usize)| graph.value(f.0).shape[f.1];
    match found.first() {
        None => invalid("no input is streamed".into()),
        Some(first) if found.iter().any(|f| length(f) != length(first)) => {
            invalid("the streamed inputs have different numbers of frames".into())
        }
        Some(first) if length(first) < 2 => {
            invalid("the offline model needs at least 2 frames to tell time from other axes".into())
        }
        Some(_) => Ok(found),
    }
}

struct Build<'g> {
    old: &'g Graph,
    new: Graph,
    values: Vec<Option<ValueId>>,
    times: Vec<Option<Time>>,
    states: Vec<StatePair>,
    /// Steps in the offline length.
    steps: usize,
}

/// The model of a step of `frames`.
pub(super) fn step(
    graph: &Graph,
    streamed: &[(ValueId, usize)],
    frames: usize,
) -> Result<Streamed, Refusal> {
    let (first, axis) = streamed[0];
    let mut build = Build {
        old: graph,
        new: Graph::new(graph.name.clone()),
        values: vec![None; graph.values.len()],
        times: vec![None; graph.values.len()],
        states: Vec::new(),
        steps: graph.value(first).shape[axis] / frames,
    };
    build.new.metadata = graph.metadata.clone();
    for &id in &graph.inputs {
        let value = graph.value(id);
        let mut shape = value.shape.clone();
        if let Some(&(_, axis)) = streamed.iter().find(|s| s.0 == id) {
            build.times[id.index()] = Some(Time {
                axis,
                len: shape[axis],
                step: frames,
                warm: 0,
                tail: 0,
            });
            shape[axis] = frames;
        }
        let new = build.new.add_input(&value.name, value.dtype, shape);
        build.new.value_mut(new).qparams = value.qparams.clone();
        build.values[id.index()] = Some(new);
    }
    for node in &graph.nodes {
        build.node(node)?;
    }
    build.finish(frames)
}

impl Build<'_> {
    fn value(&mut self, id: ValueId) -> Result<ValueId, Refusal> {
        if let Some(new) = self.values[id.index()] {
            return Ok(new);
        }
        let value = self.old.value(id);
        let Some(tensor) = &value.constant else {
            let message = format!("value \"{}\" is read before it is made", value.name);
            return Err(Refusal::Error(Error::new(ErrorKind::Internal, message)));
        };
        let new = self.new.add_constant(&value.name, tensor.as_ref().clone());
        self.new.value_mut(new).qparams = value.qparams.clone();
        self.values[id.index()] = Some(new);
        Ok(new)
    }

    fn refused(&self, node: &Node, reason: String) -> Refusal {
        Refusal::Gap(Gap {
            node: node.name.clone(),
            op: node.op.name().to_owned(),
            reason: format!("no stream: {reason}"),
        })
    }

    fn node(&mut self, node: &Node) -> Result<(), Refusal> {
        let times: Vec<Option<Time>> = node
            .inputs
            .iter()
            .map(|id| self.times[id.index()])
            .collect();
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for &id in &node.inputs {
            inputs.push(self.value(id)?);
        }
        let (op, time) = if times.iter().all(Option::is_none) {
            (node.op.clone(), None)
        } else {
            let (op, time) = match &node.op {
                Op::Conv(conv) => self.conv(node, conv, &times, &mut inputs)?,
                Op::Pool(pool) => self.pool(node, pool, &times, &mut inputs)?,
                Op::Recurrent(layer) => return self.recurrent(node, layer, &times, inputs),
                _ => apart(self.old, node, &times).map_err(|why| self.refused(node, why))?,
            };
            (op, Some(time))
        };
        self.push(node, op, &inputs, time)
    }

    fn push(
        &mut self,
        node: &Node,
        op: Op,
        inputs: &[ValueId],
        time: Option<Time>,
    ) -> Result<(), Refusal> {
        let value = self.old.value(node.output);
        let (dtype, qparams) = (value.dtype, value.qparams.clone());
        let made = self
            .new
            .add_node_as(&node.name, op, inputs, dtype, qparams)?;
        // Names of values are the interface: nodes may be called otherwise.
        self.new.value_mut(made).name.clone_from(&value.name);
        self.values[node.output.index()] = Some(made);
        self.times[node.output.index()] = time;
        Ok(())
    }

    fn conv(
        &mut self,
        node: &Node,
        conv: &Conv,
        times: &[Option<Time>],
        inputs: &mut [ValueId],
    ) -> Result<(Op, Time), Refusal> {
        let kernel = &self.old.value(node.inputs[1]).shape;
        let spatial = kernel.get(1..kernel.len() - 1).unwrap_or_default().to_vec();
        let mut conv = conv.clone();
        let own = (&spatial[..], &conv.strides[..], &conv.dilations[..]);
        let i = self.spatial_axis(node, times, own.0.len())?;
        let window = Window {
            reach: (own.0[i] - 1) * own.2[i],
            stride: own.1[i],
            before: conv.pads_before[i],
        };
        let time = self.with_history(node, window, times[0], inputs)?;
        (conv.pads_before[i], conv.pads_after[i]) = (0, 0);
        Ok((Op::Conv(conv), time))
    }

    fn pool(
        &mut self,
        node: &Node,
        pool: &Pool,
        times: &[Option<Time>],
        inputs: &mut [ValueId],
    ) -> Result<(Op, Time), Refusal> {
        let mut pool = pool.clone();
        let i = self.spatial_axis(node, times, pool.kernel.len())?;
        let bordered = pool.pads_before[i] > 0 || times[0].is_some_and(|t| t.warm < 0);
        let zeros = pool.kind == PoolKind::Average && pool.count_include_pad;
        if bordered && !zeros {
            return Err(self.refused(node, "its border along time does not count as zeros".into()));
        }
        let window = Window {
            reach: (pool.kernel[i] - 1) * pool.dilations[i],
            stride: pool.strides[i],
            before: pool.pads_before[i],
        };
        let time = self.with_history(node, window, times[0], inputs)?;
        (pool.pads_before[i], pool.pads_after[i]) = (0, 0);
        Ok((Op::Pool(pool), time))
    }

    /// Which of the window's axes is time; the first operand alone has it.
    fn spatial_axis(
        &self,
        node: &Node,
        times: &[Option<Time>],
        axes: usize,
    ) -> Result<usize, Refusal> {
        let alone = times[1..].iter().all(Option::is_none);
        match times[0] {
            Some(t) if alone && t.tail == 0 && (1..=axes).contains(&t.axis) => Ok(t.axis - 1),
            _ => Err(self.refused(node, "time is no axis of its window".into())),
        }
    }

    /// Puts the frames that a window needs of the steps before in front of its operand.
    fn with_history(
        &mut self,
        node: &Node,
        window: Window,
        time: Option<Time>,
        inputs: &mut [ValueId],
    ) -> Result<Time, Refusal> {
        let Some(time) = time else {
            return Err(self.refused(node, "its operand has no time axis".into()));
        };
        if !time.step.is_multiple_of(window.stride) {
            return Err(Refusal::Frames(format!(
                "node \"{}\" takes {} frames a step, which the {} frames that a step gives it are no multiple of",
                node.name, window.stride, time.step
            )));
        }
        let len = self.old.value(node.output).shape[time.axis];
        let made = windowed(window, time, len, self.steps * time.step);
        let (history, result) = made.map_err(|why| self.refused(node, why))?;
        if history > 0 {
            let x = inputs[0];
            let mut shape = self.new.value(x).shape.clone();
            shape[time.axis] = history;
            let kept = self.state(node, "history", shape, x);
            let axis = time.axis;
            let joined = self.new.add_node(
                &format!("{}.joined", node.name),
                Op::Concat { axis },
                &[kept, x],
            )?;
            let last = self.part(
                &format!("{}.last", node.name),
                joined,
                axis,
                time.step,
                history,
            )?;
            self.hand_over(kept, last);
            inputs[0] = joined;
        }
        Ok(result)
    }

    /// A new input that is state, of the type and scale of `like`.
    fn state(&mut self, node: &Node, what: &str, shape: Vec<usize>, like: ValueId) -> ValueId {
        let (dtype, qparams) = {
            let value = self.new.value(like);
            (value.dtype, value.qparams.clone())
        };
        let name = format!("{}.{what}", node.name);
        let id = self.new.add_input(&name, dtype, shape);
        self.new.value_mut(id).qparams = qparams;
        id
    }

    /// Elements `start..start + len` of an axis.
    fn part(
        &mut self,
        name: &str,
        x: ValueId,
        axis: usize,
        start: usize,
        len: usize,
    ) -> Result<ValueId, Refusal> {
        let shape = &self.new.value(x).shape;
        let all = shape.iter().enumerate().map(|(i, &size)| SliceAxis {
            start: if i == axis { start } else { 0 },
            step: 1,
            len: if i == axis { len } else { size },
        });
        let axes = all.collect();
        Ok(self.new.add_node(name, Op::Slice { axes }, &[x])?)
    }

    /// `next` is what the state `kept` is in the next step.
    fn hand_over(&mut self, kept: ValueId, next: ValueId) {
        self.new.outputs.push(next);
        self.states.push(StatePair {
            output: self.new.value(next).name.clone(),
            input: self.new.value(kept).name.clone(),
        });
    }

    /// A recurrent layer goes on from the state that it had.
    fn recurrent(
        &mut self,
        node: &Node,
        layer: &Recurrent,
        times: &[Option<Time>],
        mut inputs: Vec<ValueId>,
    ) -> Result<(), Refusal> {
        let time = match times[0] {
            Some(t) if t.axis == 0 && t.warm == 0 && t.tail == 0 => t,
            _ => {
                return Err(self.refused(node, "its steps are not the frames of the stream".into()));
            }
        };
        if layer.reverse {
            let why = "it is not causal: it walks from the last frame to the first".into();
            return Err(self.refused(node, why));
        }
        if times[1..].iter().any(Option::is_some) {
            return Err(self.refused(node, "an operand beside its input has a time axis".into()));
        }
        let mut layer = layer.clone();
        if layer.lengths {
            let given = node
                .inputs
                .last()
                .and_then(|&id| self.old.constant(id)?.to_i64());
            if !given.is_some_and(|v| v.iter().all(|&n| n == time.len as i64)) {
                return Err(self.refused(node, "its rows have lengths of their own".into()));
            }
            layer.lengths = false;
            inputs.pop();
        }
        let states = 1 + usize::from(matches!(layer.cell, Cell::Lstm { .. }));
        let mut kept = Vec::new();
        for (i, what) in ["hidden", "cell"].into_iter().enumerate().take(states) {
            let start = self
                .old
                .constant(node.inputs[3 + i])
                .and_then(|t| t.as_f32());
            if !start.is_some_and(|v| v.iter().all(|&v| v.to_bits() == 0)) {
                return Err(self.refused(node, "its first state is not zeros".into()));
            }
            let shape = self.new.value(inputs[3 + i]).shape.clone();
            let id = self.state(node, what, shape, inputs[0]);
            inputs[3 + i] = id;
            kept.push(id);
        }
        let tail = Time {
            tail: states,
            ..time
        };
        self.push(node, Op::Recurrent(layer), &inputs, Some(tail))?;
        let y = self.value(node.output)?;
        for (i, id) in kept.into_iter().enumerate() {
            let row = self.part(&format!("{}.row", node.name), y, 0, time.step + i, 1)?;
            let shape = self.new.value(id).shape.clone();
            let name = format!("{}.next", self.new.value(id).name);
            let next = self.new.add_node(&name, Op::Reshape { shape }, &[row])?;
            self.hand_over(id, next);
        }
        Ok(())
    }

    /// The outputs of the model come before the states.
    fn finish(mut self, frames: usize) -> Result<Streamed, Refusal> {
        let states = std::mem::take(&mut self.new.outputs);
        let mut outputs = Vec::new();
        for &id in &self.old.outputs {
            let new = self.value(id)?;
            self.new.outputs.push(new);
            let Some(time) = self.times[id.index()] else {
                continue;
            };
            let name = self.old.value(id).name.clone();
            let Some(warm_up) = usize::try_from(time.warm).ok().filter(|_| time.tail == 0) else {
                let reason = "no stream: what lies before or behind the frames is an output".into();
                let op = "output".into();
                return Err(Refusal::Gap(Gap {
                    node: name,
                    op,
                    reason,
                }));
            };
            outputs.push(StreamOutput {
                name,
                axis: time.axis,
                frames: time.step,
                warm_up,
            });
        }
        self.new.outputs.extend(states);
        let mut text = format!("frames {frames}\n");
        for o in &outputs {
            let (axis, step, drop) = (o.axis, o.frames, o.warm_up);
            text.push_str(&format!(
                "output {} axis {axis} frames {step} warm_up {drop}\n",
                o.name
            ));
        }
        self.new.metadata.insert(STREAM.to_owned(), text);
        redpoll_graph::verify(&self.new)?;
        Ok(Streamed {
            graph: self.new,
            states: self.states,
            frames,
            outputs,
        })
    }
}
