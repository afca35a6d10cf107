//! A model in ONNX Runtime.

use std::path::Path;

use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{Session, SessionInputValue};
use ort::value::DynTensor;
use redpoll_session::{Aligned, Backend, Error, ErrorKind, Select, TensorInfo, Value};

use crate::environment::environment;
use crate::options::{Optimization, Options};
use crate::tensor;

/// An ONNX model, loaded into ONNX Runtime.
pub struct OrtSession {
    session: Session,
    inputs: Vec<TensorInfo>,
    outputs: Vec<TensorInfo>,
    tensors: Vec<DynTensor>,
    set: Vec<bool>,
    results: Vec<Aligned>,
}

impl OrtSession {
    /// Loads an ONNX file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Library`] when ONNX Runtime cannot be loaded or lacks the execution provider, [`ErrorKind::Model`] when
    /// it refuses the model.
    pub fn open(path: impl AsRef<Path>, options: &Options) -> Result<Self, Error> {
        let path = path.as_ref();
        let named = |e: ort::Error| model(format!("{}: {e}", path.display()));
        Self::new(options, |mut builder| {
            builder.commit_from_file(path).map_err(named)
        })
    }

    /// Loads a model from the bytes of an ONNX file.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn from_bytes(bytes: impl AsRef<[u8]>, options: &Options) -> Result<Self, Error> {
        Self::new(options, |mut builder| {
            builder.commit_from_memory(bytes.as_ref()).map_err(model)
        })
    }

    fn new(
        options: &Options,
        commit: impl FnOnce(SessionBuilder) -> Result<Session, Error>,
    ) -> Result<Self, Error> {
        let environment = environment(options.library.as_deref())?;
        options.provider.demand()?;
        let session = commit(builder(&environment, options).map_err(model)?)?;
        let mut inputs = Vec::new();
        for outlet in session.inputs() {
            let (mut info, open) = tensor::describe(outlet.name(), outlet.dtype())?;
            if let Some((_, shape)) = options.shapes.iter().find(|(n, _)| *n == info.name) {
                info = TensorInfo::named(info.name, info.dtype, shape);
            } else if open && info.shape.is_empty() {
                return Err(model(format!(
                    "input \"{}\" has an unknown rank; give its shape",
                    info.name
                )));
            }
            inputs.push(info);
        }
        let tensors: Result<Vec<_>, _> = inputs.iter().map(tensor::zeros).collect();
        let described: Result<Vec<_>, _> = session
            .outputs()
            .iter()
            .map(|outlet| tensor::describe(outlet.name(), outlet.dtype()))
            .collect();
        let (outputs, open): (Vec<TensorInfo>, Vec<bool>) = described?.into_iter().unzip();
        let mut this = Self {
            session,
            tensors: tensors.map_err(model)?,
            set: vec![false; inputs.len()],
            results: outputs.iter().map(|o| Aligned::zeroed(o.bytes)).collect(),
            inputs,
            outputs,
        };
        if open.contains(&true) {
            // Only a run tells the shapes of the outputs.
            this.compute()?;
        }
        Ok(this)
    }

    /// Writes the inputs given and runs once.
    ///
    /// # Errors
    ///
    /// As [`Backend::set_input`] and [`Backend::run`].
    pub fn run_with(&mut self, inputs: &[(&str, Value<'_>)]) -> Result<(), Error> {
        for (name, value) in inputs {
            let index = name.index_in(&self.inputs)?;
            self.set_input(index, *value)?;
        }
        self.run()
    }

    /// The elements of an output of the last run.
    ///
    /// # Errors
    ///
    /// No such output.
    pub fn output_value(&self, output: impl Select) -> Result<Value<'_>, Error> {
        let index = output.index_in(&self.outputs)?;
        Value::from_bytes(self.outputs[index].dtype, &self.results[index])
            .ok_or_else(|| model(format!("output {index} has no whole number of elements")))
    }

    fn compute(&mut self) -> Result<(), Error> {
        let failed = |e: ort::Error| Error::new(ErrorKind::Run, format!("ONNX Runtime: {e}"));
        let values: Vec<SessionInputValue<'_>> =
            self.tensors.iter().map(SessionInputValue::from).collect();
        let results = self.session.run(&values[..]).map_err(failed)?;
        let written = self.outputs.iter_mut().zip(&mut self.results);
        for (value, (info, bytes)) in results.values().zip(written) {
            tensor::read(&value, info, bytes).map_err(failed)?;
        }
        Ok(())
    }
}

impl Backend for OrtSession {
    fn name(&self) -> &'static str {
        "ort"
    }

    fn inputs(&self) -> &[TensorInfo] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }

    fn set_input(&mut self, index: usize, value: Value<'_>) -> Result<(), Error> {
        let index = index.index_in(&self.inputs)?;
        self.inputs[index].check(value)?;
        tensor::write(&mut self.tensors[index], value).map_err(model)?;
        self.set[index] = true;
        Ok(())
    }

    fn run(&mut self) -> Result<(), Error> {
        if let Some(index) = self.set.iter().position(|set| !set) {
            return Err(Error::new(
                ErrorKind::NotSet,
                format!(
                    "input \"{}\": it must be written before the run",
                    self.inputs[index].name
                ),
            ));
        }
        self.compute()
    }

    fn output(&self, index: usize) -> Result<Value<'_>, Error> {
        self.output_value(index)
    }
}

fn builder(
    environment: &ort::environment::Environment,
    options: &Options,
) -> ort::Result<SessionBuilder> {
    let level = match options.optimization {
        Optimization::None => GraphOptimizationLevel::Disable,
        Optimization::All => GraphOptimizationLevel::All,
    };
    let mut builder = Session::builder(environment)?
        .with_optimization_level(level)?
        .with_intra_threads(options.threads)?
        .with_inter_threads(1)?;
    if let Some(provider) = options.provider.dispatch() {
        builder = builder.with_execution_providers([provider])?;
        if !options.rest_on_cpu {
            builder = builder.with_disable_cpu_fallback()?;
        }
    }
    Ok(builder)
}

fn model(e: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Model, format!("ONNX Runtime: {e}"))
}
