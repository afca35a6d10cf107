//! Recurrent layers, step by step and element by element as the formulas read.

use redpoll_kernels::math;

use super::Call;
use super::element::elements;
use super::fused::{Grain, Weights};
use crate::error::Error;
use crate::op::{Activation, Cell, Recurrent};
use crate::tensor::Data;

/// What stays the same over all steps.
struct Layer<'a> {
    cell: Cell,
    activations: &'a [Activation],
    clip: Option<f32>,
    hidden: usize,
    /// Weights of each gate, `[H][H]`.
    gates: Vec<Weights>,
    bias: &'a [f32],
    peepholes: &'a [f32],
}

pub(super) fn recurrent(layer: &Recurrent, call: &Call<'_>) -> Result<Data, Error> {
    let operand = |i: usize| elements::<f32>(call.inputs[i]);
    let (x, r, bias) = (operand(0)?, operand(1)?, operand(2)?);
    let shape = call.x().shape();
    let (steps, batch, width) = (shape[0], shape[1], shape[2]);
    let hidden = width / layer.cell.gates();
    let (mut c, mut peepholes) = (vec![0.0; batch * hidden], &[][..]);
    if let Cell::Lstm { peepholes: has, .. } = layer.cell {
        c = operand(4)?.to_vec();
        if has {
            peepholes = operand(5)?;
        }
    }
    let lengths: Vec<i32> = match call.inputs.last() {
        Some(last) if layer.lengths => elements::<i32>(last)?.to_vec(),
        _ => vec![i32::MAX; batch],
    };
    let gate =
        |g: usize| Weights::new(hidden, hidden, move |k, n| r[(g * hidden + n) * hidden + k]);
    let own = Layer {
        cell: layer.cell,
        activations: &layer.activations,
        clip: layer.clip,
        hidden,
        gates: (0..layer.cell.gates()).map(gate).collect(),
        bias,
        peepholes,
    };
    let mut h = operand(3)?.to_vec();
    let mut y = vec![0.0; steps * batch * hidden];
    for step in 0..steps {
        let t = if layer.reverse {
            steps - 1 - step
        } else {
            step
        };
        for b in 0..batch {
            if i64::from(lengths[b]) <= t as i64 {
                continue;
            }
            let state = b * hidden..(b + 1) * hidden;
            let x = &x[(t * batch + b) * width..][..width];
            let (new_h, new_c) = own.step(x, &h[state.clone()], &c[state.clone()]);
            y[(t * batch + b) * hidden..][..hidden].copy_from_slice(&new_h);
            h[state.clone()].copy_from_slice(&new_h);
            c[state].copy_from_slice(&new_c);
        }
    }
    y.extend(&h);
    if layer.cell.states() == 2 {
        y.extend(&c);
    }
    Ok(Data::F32(y))
}

impl Layer<'_> {
    /// `bias[gate] + Σ h · r[gate]`.
    fn product(&self, gate: usize, h: &[f32]) -> Vec<f32> {
        let mut acc = self.bias[gate * self.hidden..][..self.hidden].to_vec();
        let grain = Grain::new(h, &acc);
        let h: Vec<f64> = h.iter().map(|&h| h.into()).collect();
        self.gates[gate].accumulate(&mut acc, &h, grain);
        acc
    }

    /// Activation `which` of the bounded `x`.
    fn activate(&self, which: usize, x: f32) -> f32 {
        match self.clip {
            Some(clip) => self.function(which, math::clamp(x, -clip, clip)),
            None => self.function(which, x),
        }
    }

    /// Activation `which` of `x`.
    fn function(&self, which: usize, x: f32) -> f32 {
        match self.activations[which] {
            Activation::Sigmoid => math::sigmoid(x),
            Activation::Tanh => math::tanh(x),
            Activation::Relu => math::clamp(x, 0.0, f32::INFINITY),
            Activation::Affine { alpha, beta } => alpha * x + beta,
            Activation::LeakyRelu { alpha } => {
                if x < 0.0 {
                    alpha * x
                } else {
                    x
                }
            }
            Activation::ThresholdedRelu { alpha } => {
                if x < alpha {
                    0.0
                } else {
                    x
                }
            }
            Activation::ScaledTanh { alpha, beta } => alpha * math::tanh(beta * x),
            Activation::HardSigmoid { alpha, beta } => math::hard_sigmoid(x, alpha, beta),
            Activation::Elu { alpha } => math::elu(x, alpha),
            Activation::Softsign => x / (1.0 + x.abs()),
            Activation::Softplus => math::softplus(x),
        }
    }

    /// The states after one step of one row.
    fn step(&self, x: &[f32], h: &[f32], c: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let n = self.hidden;
        let of = |gate: usize, i: usize| x[gate * n + i];
        match self.cell {
            Cell::Rnn => {
                let q = self.product(0, h);
                let new = (0..n).map(|i| self.activate(0, of(0, i) + q[i]));
                (new.collect(), c.to_vec())
            }
            Cell::Gru { reset_after } => {
                let (qz, qr) = (self.product(0, h), self.product(1, h));
                let reset: Vec<f32> = (0..n).map(|i| self.activate(0, of(1, i) + qr[i])).collect();
                let candidate: Vec<f32> = if reset_after {
                    let q = self.product(2, h);
                    (0..n).map(|i| of(2, i) + reset[i] * q[i]).collect()
                } else {
                    let scaled: Vec<f32> = reset.iter().zip(h).map(|(r, h)| r * h).collect();
                    let q = self.product(2, &scaled);
                    (0..n).map(|i| of(2, i) + q[i]).collect()
                };
                let new = (0..n).map(|i| {
                    let z = self.activate(0, of(0, i) + qz[i]);
                    (1.0 - z) * self.activate(1, candidate[i]) + z * h[i]
                });
                (new.collect(), c.to_vec())
            }
            Cell::Lstm { coupled, .. } => self.lstm(coupled, x, h, c),
        }
    }

    fn lstm(&self, coupled: bool, x: &[f32], h: &[f32], c: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let n = self.hidden;
        let q: Vec<Vec<f32>> = (0..4).map(|g| self.product(g, h)).collect();
        let (mut new_h, mut new_c) = (Vec::with_capacity(n), Vec::with_capacity(n));
        for i in 0..n {
            // Gate `at`, which looks through the peephole number `peephole` at `state`.
            let gate = |at: usize, peephole: usize, state: f32| {
                let sum = x[at * n + i] + q[at][i];
                let sum = match self.peepholes.get(peephole * n + i) {
                    Some(p) => sum + p * state,
                    None => sum,
                };
                self.activate(0, sum)
            };
            let input = gate(0, 0, c[i]);
            let forget = if coupled {
                1.0 - input
            } else {
                gate(2, 2, c[i])
            };
            let new = self.activate(1, x[3 * n + i] + q[3][i]);
            let cell = forget * c[i] + input * new;
            let output = gate(1, 1, cell);
            new_c.push(cell);
            new_h.push(output * self.function(2, cell));
        }
        (new_h, new_c)
    }
}
