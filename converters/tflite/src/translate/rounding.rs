//! What TFLite's convolutions add by rounding twice, as nearly as a bias can say it.
//!
//! TFLite multiplies the accumulator with a number of 31 bits, rounds, shifts by `s` bits and rounds again. The first rounding
//! lifts what lies just below a half: with `m = μ · 2⁻ˢ`, ½ ≤ μ < 1, its results go up at accumulators smaller by
//! `1 / (2μ)`, between ½ and 1, than where one rounding of `acc · m` goes up. (Below zero they go down as much sooner.)
//! Where no result is below zero, a bias greater by 1 is therefore nearer to it than the file's own: a third as many results
//! differ by a step. What TFLite rounds once (`FULLY_CONNECTED`) and signed results keep their bias.

use redpoll_onnx::TensorData;

use super::translator::{Done, Stop, Translator};
use crate::{Activation, TensorType};

/// Multipliers from which on there is no second rounding.
const ONE_ROUNDING: f64 = 0.5;

impl Translator<'_> {
    /// The bias of a convolution from `x` by weights `w` of so many output channels to `y`; `None` without one.
    pub fn conv_bias(
        &mut self,
        bias: Option<usize>,
        [x, w, y]: [usize; 3],
        channels: usize,
        activation: Activation,
    ) -> Done<Option<String>> {
        let Some(lifted) = self.lifted(bias, [x, w, y], channels, activation)? else {
            return bias.map(|bias| self.bias(bias, x, w)).transpose();
        };
        let failed = |e: redpoll_onnx::Error| Stop::Invalid(e.to_string());
        let data = TensorData::from_i32(&[lifted.len()], &lifted).map_err(failed)?;
        let hint = format!("{}_bias", self.name(y));
        let stored = self.constant(&hint, &data);
        self.in_steps(&hint, &stored, x, w).map(Some)
    }

    /// The bias with the first rounding in it; `None` where that changes nothing, or is not known.
    fn lifted(
        &self,
        bias: Option<usize>,
        [x, w, y]: [usize; 3],
        channels: usize,
        activation: Activation,
    ) -> Done<Option<Vec<i32>>> {
        let eight_bits =
            |id: usize| matches!(self.tensor(id).dtype, TensorType::I8 | TensorType::U8);
        let q = |id: usize| self.tensor(id).quantization.as_ref();
        let (Some(qx), Some(qw), Some(qy)) = (q(x), q(w), q(y)) else {
            return Ok(None);
        };
        if ![x, w, y].into_iter().all(eight_bits) || !self.tensor(w).is_constant() {
            return Ok(None);
        }
        let least = if self.tensor(y).dtype == TensorType::I8 {
            -128
        } else {
            0
        };
        let bounded = matches!(activation, Activation::Relu | Activation::Relu6);
        if !bounded && qy.zero_points[0] != least {
            return Ok(None);
        }
        let own = match bias {
            Some(id)
                if self.tensor(id).dtype == TensorType::I32 && self.tensor(id).is_constant() =>
            {
                self.constant_ints(id, "the bias")?
            }
            Some(_) => return Ok(None),
            None => vec![0; channels],
        };
        let ratio = f64::from(qx.scales[0]) / f64::from(qy.scales[0]);
        let mut changed = false;
        let mut lifted = Vec::with_capacity(own.len());
        for (c, &b) in own.iter().enumerate() {
            let Some(scale) = qw.scales.get(c).or(qw.scales.first()) else {
                return Ok(None);
            };
            let twice = f64::from(*scale) * ratio < ONE_ROUNDING;
            changed |= twice;
            match i32::try_from(b + i64::from(twice)) {
                Ok(b) => lifted.push(b),
                Err(_) => return Ok(None),
            }
        }
        Ok(changed.then_some(lifted))
    }
}
