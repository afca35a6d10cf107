//! A session behind a lock that is never waited for with the interpreter held.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, TryLockError};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use redpoll::{Options, Select};

use crate::{array, error};

/// An input or output.
#[pyclass(frozen, get_all)]
pub(crate) struct TensorInfo {
    /// Name in the model.
    name: String,
    /// NumPy's name of the element type.
    dtype: &'static str,
    /// Dimensions, outermost first.
    shape: Vec<usize>,
    /// Scale of a quantised tensor, 0 for others.
    scale: f32,
    /// Zero point of a quantised tensor.
    zero_point: i32,
}

#[pymethods]
impl TensorInfo {
    fn __repr__(&self) -> String {
        let quantized = match self.scale {
            0.0 => String::new(),
            scale => format!(", scale={scale}, zero_point={}", self.zero_point),
        };
        format!(
            "TensorInfo(name='{}', dtype='{}', shape={:?}{quantized})",
            self.name, self.dtype, self.shape
        )
    }
}

/// A loaded plan.
#[pyclass(frozen)]
pub(crate) struct Session {
    session: Mutex<redpoll::Session>,
    inputs: Vec<redpoll::TensorInfo>,
    outputs: Vec<redpoll::TensorInfo>,
    tier: &'static str,
    threads: usize,
    arena_bytes: usize,
}

impl Session {
    fn new(session: redpoll::Session) -> Self {
        Self {
            inputs: session.inputs().to_vec(),
            outputs: session.outputs().to_vec(),
            tier: session.tier(),
            threads: session.threads(),
            arena_bytes: session.arena_bytes(),
            session: Mutex::new(session),
        }
    }

    /// Waits for other threads' runs with the interpreter released, so that they can finish.
    fn lock(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, redpoll::Session>> {
        loop {
            match self.session.try_lock() {
                Ok(guard) => return Ok(guard),
                Err(TryLockError::Poisoned(_)) => {
                    let broken = "a bug in Redpoll broke this session: open another";
                    return Err(error::RedpollError::new_err(broken));
                }
                Err(TryLockError::WouldBlock) => py.detach(|| drop(self.session.lock())),
            }
        }
    }
}

fn describe(infos: &[redpoll::TensorInfo]) -> Vec<TensorInfo> {
    infos
        .iter()
        .map(|info| TensorInfo {
            name: info.name.clone(),
            dtype: array::numpy_name(info.dtype),
            shape: info.shape.clone(),
            scale: info.scale,
            zero_point: info.zero_point,
        })
        .collect()
}

#[pymethods]
impl Session {
    /// Opens a plan file (a path) or loads a plan from bytes.
    #[new]
    #[pyo3(signature = (plan, *, threads = 1, tier = None, memory_limit = None))]
    fn open(
        py: Python<'_>,
        plan: &Bound<'_, PyAny>,
        threads: usize,
        tier: Option<String>,
        memory_limit: Option<usize>,
    ) -> PyResult<Self> {
        let mut options = Options::default().threads(threads);
        if let Some(tier) = tier {
            options = options.tier(tier);
        }
        if let Some(limit) = memory_limit {
            options = options.memory_limit(limit);
        }
        let session = match plan.cast::<PyBytes>() {
            Ok(bytes) => redpoll::Session::from_bytes(bytes.as_bytes(), &options),
            Err(_) => {
                let path: PathBuf = plan.extract()?;
                py.detach(|| redpoll::Session::open(path, &options))
            }
        };
        Ok(Self::new(session.map_err(error::session)?))
    }

    /// The inputs, in the model's order.
    #[getter]
    fn inputs(&self) -> Vec<TensorInfo> {
        describe(&self.inputs)
    }

    /// The outputs, in the model's order.
    #[getter]
    fn outputs(&self) -> Vec<TensorInfo> {
        describe(&self.outputs)
    }

    /// Bytes of working memory, exactly what the plan says.
    #[getter]
    fn arena_bytes(&self) -> usize {
        self.arena_bytes
    }

    /// Name of the tier that computes.
    #[getter]
    fn tier(&self) -> &'static str {
        self.tier
    }

    /// Threads that compute.
    #[getter]
    fn threads(&self) -> usize {
        self.threads
    }

    /// Runs once and returns the outputs by name. Other Python threads run meanwhile.
    ///
    /// With `copy=False` the arrays are the session's own memory, valid until its next run, and read-only.
    #[pyo3(signature = (inputs, *, copy = true))]
    fn run<'py>(
        this: &Bound<'py, Self>,
        inputs: &Bound<'py, PyDict>,
        copy: bool,
    ) -> PyResult<Bound<'py, PyDict>> {
        let py = this.py();
        let me = this.get();
        // All are looked at before any is written: a call that fails leaves no input half set.
        let mut given = Vec::with_capacity(inputs.len());
        for (name, value) in inputs.iter() {
            let name: String = name.extract()?;
            let index = name.as_str().index_in(&me.inputs).map_err(error::session)?;
            given.push((index, array::bytes_of(&value, &me.inputs[index])?));
        }
        let mut session = me.lock(py)?;
        for (index, bytes) in &given {
            let memory = session.input_bytes_mut(*index).map_err(error::session)?;
            memory.copy_from_slice(bytes.as_slice()?);
        }
        // The guard stays here: a thread that wants the session waits with the interpreter released.
        let running = &mut *session;
        py.detach(|| running.run()).map_err(error::session)?;
        let outputs = PyDict::new(py);
        for info in &me.outputs {
            let bytes = session.output_bytes(info.name.as_str()).map_err(error::session)?;
            // Sizes that depend on data are those of this run.
            let mut exact = info.clone();
            exact.shape = session.output_shape(info.name.as_str()).map_err(error::session)?;
            let made = if copy {
                array::copy(py, &exact, bytes)?
            } else {
                // SAFETY: the arena lives as long as the session, which the array keeps alive; the documentation of `run` says until
                // when it may be read.
                unsafe { array::view(this.clone().into_any(), &exact, bytes)? }
            };
            outputs.set_item(&info.name, made)?;
        }
        Ok(outputs)
    }
}

/// Names of the tiers that this CPU can run, best first.
#[pyfunction]
pub(crate) fn tiers() -> Vec<&'static str> {
    redpoll::tiers()
}
