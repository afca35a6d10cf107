//! Source code that holds a plan: a `no_std` crate in Rust, a header and an array in C.
//!
//! Both come with a check: pseudo-random inputs and the outputs that the scalar definitions give for them. A device that
//! computes the same bytes computes every model's bytes.

mod c;
mod rust;

use std::collections::BTreeSet;

use redpoll_plan::{DType, Plan, TensorId};
use redpoll_session::{Options, Session, Value};

use crate::{Error, ErrorKind};

/// A file of the source: its path inside the folder, and its bytes.
pub type SourceFile = (&'static str, Vec<u8>);

/// An input or output.
struct Port {
    name: String,
    bytes: usize,
    dtype: DType,
    shape: Vec<u32>,
    scale: f32,
    zero_point: i32,
    /// What the check reads or expects.
    check: Vec<u8>,
}

/// A plan with all that its source code says about it.
pub struct Embedded {
    name: String,
    plan: Vec<u8>,
    alignment: usize,
    arena_bytes: usize,
    scratch_bytes: usize,
    weight_bytes: usize,
    macs: u64,
    ops: BTreeSet<&'static str>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
}

impl Embedded {
    /// Reads a plan and runs it once; `name` is the model's.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the bytes are no valid plan; a plan of which the check cannot be run.
    pub fn new(plan_bytes: &[u8], name: &str) -> Result<Self, Error> {
        let aligned = redpoll_session::Aligned::copy_of(plan_bytes);
        let plan =
            Plan::from_bytes(&aligned).map_err(|e| Error::new(ErrorKind::Io, e.to_string()))?;
        let ports = |ports: Vec<(&str, TensorId)>, kind: &str| -> Vec<Port> {
            let read = |(i, (name, id)): (usize, (&str, TensorId))| {
                let t = plan.tensor(id)?;
                Some(Port {
                    name: if name.is_empty() {
                        format!("{kind}_{i}")
                    } else {
                        name.to_owned()
                    },
                    bytes: t.bytes(),
                    dtype: t.dtype,
                    shape: t.shape.dims().to_vec(),
                    scale: t.scale,
                    zero_point: t.zero_point,
                    check: Vec::new(),
                })
            };
            ports.into_iter().enumerate().filter_map(read).collect()
        };
        let mut embedded = Self {
            name: identifier(name),
            alignment: plan.alignment(),
            arena_bytes: plan.arena_bytes(),
            scratch_bytes: plan.scratch_bytes().next_multiple_of(64),
            weight_bytes: plan.weight_bytes(),
            macs: plan.macs(),
            ops: plan.steps().map(|s| s.op.name()).collect(),
            inputs: ports(plan.inputs().map(|p| (p.name, p.tensor)).collect(), "input"),
            outputs: ports(
                plan.outputs().map(|p| (p.name, p.tensor)).collect(),
                "output",
            ),
            plan: plan_bytes.to_vec(),
        };
        embedded.run_check()?;
        Ok(embedded)
    }

    /// A `no_std` crate: `Cargo.toml`, `src/lib.rs`, the plan and the check's bytes. It depends on the published runtime,
    /// or on the checkout in the folder `runtime`.
    pub fn rust_crate(&self, runtime: Option<&str>) -> Vec<SourceFile> {
        rust::files(self, runtime)
    }

    /// A header and a source file in C, which also compile as C++.
    pub fn c_source(&self) -> Vec<SourceFile> {
        c::files(self)
    }

    fn run_check(&mut self) -> Result<(), Error> {
        let options = Options::default().tier("scalar");
        let mut session = Session::from_bytes(&self.plan, &options)?;
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        for (i, port) in self.inputs.iter_mut().enumerate() {
            port.check = random.input(port.dtype, port.bytes);
            let words = redpoll_session::Aligned::copy_of(&port.check);
            let value = Value::from_bytes(port.dtype, &words).ok_or_else(|| unknown(&port.name))?;
            session.set_value(i, value)?;
        }
        session.run()?;
        for (i, port) in self.outputs.iter_mut().enumerate() {
            port.check = session.output_value(i)?.as_bytes().to_vec();
        }
        Ok(())
    }
}

fn unknown(name: &str) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("input \"{name}\" has no value of its type"),
    )
}

struct Random(u64);

impl Random {
    fn bits(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as u32
    }

    /// Bytes of an input: any int8, reals in ±1, small integers.
    fn input(&mut self, dtype: DType, bytes: usize) -> Vec<u8> {
        let size = dtype.size();
        (0..bytes / size)
            .flat_map(|_| {
                let bits = self.bits();
                let word: u64 = match dtype {
                    DType::F32 => ((bits as i32) as f32 / 2_147_483_648.0).to_bits().into(),
                    // 0.5 to 1 in half precision.
                    DType::F16 => u64::from(0x3800 | bits & 0x3FF),
                    DType::I8 | DType::U8 => u64::from(bits & 0xFF),
                    DType::I32 | DType::I64 => u64::from(bits & 0xFF),
                    DType::Bool => u64::from(bits & 1),
                };
                word.to_le_bytes().into_iter().take(size)
            })
            .collect()
    }
}

/// A name that Rust, Cargo and C take: lower-case letters, digits and underscores.
fn identifier(name: &str) -> String {
    let mut out: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    if !out.starts_with(|c: char| c.is_ascii_lowercase()) {
        out.insert_str(0, "model_");
    }
    out
}

/// Type, shape and quantisation of a port in words.
fn described(port: &Port) -> String {
    let dtype = format!("{:?}", port.dtype).to_lowercase();
    let shape = format!("{dtype}{:?}", port.shape);
    if port.scale == 0.0 {
        return shape;
    }
    format!(
        "{shape}, real = (q − {}) · {:e}",
        port.zero_point, port.scale
    )
}

#[cfg(test)]
mod tests {
    use super::identifier;

    #[test]
    fn names_become_identifiers() {
        for (name, expected) in [
            ("fashion", "fashion"),
            ("Tiny-KWS.v2", "tiny_kws_v2"),
            ("2fast", "model_2fast"),
            ("größe", "gr__e"),
            ("", "model_"),
        ] {
            assert_eq!(identifier(name), expected);
        }
    }
}
