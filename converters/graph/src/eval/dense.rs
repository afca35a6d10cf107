//! Float matrix products and batch normalisation.

use super::Call;
use super::conv::{bias, bounded};
use super::element::elements;
use super::fused::{Grain, Weights};
use super::movement::broadcast_offsets;
use crate::error::Error;
use crate::op::Clamp;
use crate::tensor::Data;

/// `acc = bias`, `acc = fma(x, w, acc)` over K in order.
pub(super) fn dense(clamp: Option<Clamp>, call: &Call<'_>) -> Result<Data, Error> {
    let w = call.inputs[1];
    let (outputs, k) = (w.shape()[0], w.shape()[1]);
    let w: &[f32] = elements(w)?;
    let bias: Vec<f32> = bias(call, outputs)?;
    let weights = Weights::new(k, outputs, |k_at, n| w[n * k + k_at]);
    let x: &[f32] = elements(call.x())?;
    let (grain, x) = (Grain::new(x, &bias), widened(x));
    let rows = call.output.len() / outputs.max(1);
    let mut y = Vec::with_capacity(call.output.len());
    for r in 0..rows {
        let mut acc = bias.clone();
        weights.accumulate(&mut acc, &x[r * k..][..k], grain);
        y.extend(acc.iter().map(|&v| bounded(v, clamp)));
    }
    Ok(Data::F32(y))
}

/// `acc = +0.0`, `acc = fma(a, b, acc)` over K in order, for each batch.
pub(super) fn matmul(call: &Call<'_>) -> Result<Data, Error> {
    let (a, b) = (call.inputs[0], call.inputs[1]);
    let (a_lead, a_last) = a.shape().split_at(a.shape().len() - 2);
    let (b_lead, b_last) = b.shape().split_at(b.shape().len() - 2);
    let (m, k, n) = (a_last[0], a_last[1], b_last[1]);
    let lead = &call.output.shape[..call.output.shape.len() - 2];
    let batches = broadcast_offsets(a_lead, lead)
        .into_iter()
        .zip(broadcast_offsets(b_lead, lead));
    let (a, b): (&[f32], &[f32]) = (elements(a)?, elements(b)?);
    let (grain, a) = (Grain::new(a, &[]), widened(a));
    let mut y = Vec::with_capacity(call.output.len());
    for (at_a, at_b) in batches {
        let b = &b[at_b * k * n..][..k * n];
        let weights = Weights::new(k, n, |k_at, i| b[k_at * n + i]);
        for r in 0..m {
            let mut acc = vec![0.0; n];
            weights.accumulate(&mut acc, &a[(at_a * m + r) * k..][..k], grain);
            y.extend(acc);
        }
    }
    Ok(Data::F32(y))
}

fn widened(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| x.into()).collect()
}

/// `(x − mean) / sqrt(var + epsilon) · scale + bias`, each step rounded.
pub(super) fn batch_norm(epsilon: f32, call: &Call<'_>) -> Result<Data, Error> {
    let operand = |i: usize| elements::<f32>(call.inputs[i]);
    let (x, scale, bias, mean, var) = (
        operand(0)?,
        operand(1)?,
        operand(2)?,
        operand(3)?,
        operand(4)?,
    );
    let channels = scale.len().max(1);
    let y = x.iter().enumerate().map(|(i, &x)| {
        let c = i % channels;
        (x - mean[c]) / (var[c] + epsilon).sqrt() * scale[c] + bias[c]
    });
    Ok(Data::F32(y.collect()))
}
