//! Whether two engines computed the same thing: a time of wrong outputs is worth nothing.

use std::collections::BTreeMap;

use redpoll_graph::Tensor;
use redpoll_pipeline::measure::sqnr_db;
use serde_json::{Value, json};

/// Least signal to noise ratio, dB, at which two engines count as running one int8 model: they may round differently.
const INT8_DB: f64 = 20.0;
/// Likewise for a float model: five digits or so.
const FLOAT_DB: f64 = 80.0;

/// How the outputs of one engine relate to ours.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    pub elements: usize,
    pub differing: usize,
    /// The largest difference by the largest value.
    pub largest: f64,
    /// Of the worst output; `None` when all are equal.
    pub sqnr_db: Option<f64>,
    /// False when the outputs are too far apart for the times to be compared.
    pub believed: bool,
    /// Why not, when an output is missing or of another size.
    pub reason: Option<String>,
}

impl Agreement {
    /// Compares outputs by name.
    pub fn of(
        ours: &BTreeMap<String, Tensor>,
        theirs: &BTreeMap<String, Tensor>,
        quantized: bool,
    ) -> Self {
        let mut this = Self {
            elements: 0,
            differing: 0,
            largest: 0.0,
            sqnr_db: None,
            believed: true,
            reason: None,
        };
        let mut magnitude = 0.0f64;
        let mut distance = 0.0f64;
        for (name, a) in ours {
            let Some(b) = theirs.get(name).filter(|b| b.len() == a.len()) else {
                this.believed = false;
                this.reason = Some(format!("output \"{name}\" is missing or of another size"));
                continue;
            };
            let (a, b) = (real(a), real(b));
            this.elements += a.len();
            for (&x, &y) in a.iter().zip(&b) {
                let (x, y) = (f64::from(x), f64::from(y));
                if x != y && !(x.is_nan() && y.is_nan()) {
                    this.differing += 1;
                    let far = (x - y).abs();
                    distance = distance.max(if far.is_nan() { f64::INFINITY } else { far });
                }
                magnitude = magnitude.max(x.abs());
            }
            if a == b {
                continue;
            }
            // None here: no signal at all beside the noise.
            let db = sqnr_db(&a, &b).unwrap_or(f64::NEG_INFINITY);
            let db = if db.is_nan() { f64::NEG_INFINITY } else { db };
            this.sqnr_db = Some(this.sqnr_db.map_or(db, |worst: f64| worst.min(db)));
        }
        if distance > 0.0 {
            this.largest = distance / magnitude;
        }
        let least = if quantized { INT8_DB } else { FLOAT_DB };
        this.believed &= this.sqnr_db.is_none_or(|db| db >= least);
        this
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        json!({
            "elements": self.elements, "differing": self.differing, "largest_relative": finite(self.largest),
            "sqnr_db": self.sqnr_db.and_then(finite), "believed": self.believed, "reason": self.reason,
        })
    }

    /// For people.
    pub fn text(&self) -> String {
        if let Some(reason) = &self.reason {
            return reason.clone();
        }
        match self.sqnr_db {
            None => format!("all {} elements equal", self.elements),
            Some(db) => {
                let doubt = if self.believed {
                    ""
                } else {
                    ": too far apart, its time is not believed"
                };
                format!(
                    "{} of {} elements differ, {:.1e} of the largest, {db:.1} dB{doubt}",
                    self.differing, self.elements, self.largest
                )
            }
        }
    }
}

fn finite(v: f64) -> Option<f64> {
    v.is_finite().then_some(v)
}

fn real(tensor: &Tensor) -> Vec<f32> {
    match tensor.as_f32() {
        Some(v) => v.to_vec(),
        None => tensor
            .to_i64()
            .unwrap_or_default()
            .iter()
            .map(|&q| q as f32)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(values: &[f32]) -> BTreeMap<String, Tensor> {
        [("y".to_owned(), Tensor::vector_f32(values.to_vec()))].into()
    }

    #[test]
    fn far_outputs_are_not_believed() {
        let ours = outputs(&[1.0, 2.0, 3.0]);
        let equal = Agreement::of(&ours, &ours, false);
        assert!(equal.believed && equal.differing == 0 && equal.sqnr_db.is_none());
        let near = outputs(&[1.0, 2.0, 3.01]);
        assert!(Agreement::of(&ours, &near, true).believed);
        assert!(!Agreement::of(&ours, &near, false).believed);
        for far in [&[1.0, 1.0, 1.0][..], &[f32::NAN, 2.0, 3.0], &[1.0, 2.0]] {
            let found = Agreement::of(&ours, &outputs(far), true);
            assert!(!found.believed, "{far:?}: {found:?}");
        }
        let none = Agreement::of(&outputs(&[0.0]), &outputs(&[1.0]), true);
        assert!(!none.believed, "{none:?}");
    }
}
