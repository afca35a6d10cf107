//! A model in tract.

use std::any::Any;
use std::fmt::Display;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use redpoll_session::{Aligned, Backend, DType, Error, ErrorKind, Select, TensorInfo, Value};
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::Factoid;
use tract_onnx::tract_hir::internal::{DimLike, bail};

use crate::data::Inside;
use crate::options::Options;
use crate::tensor;

/// An ONNX model, loaded into tract.
pub struct TractSession {
    plan: Arc<TypedRunnableModel>,
    inputs: Vec<TensorInfo>,
    outputs: Vec<TensorInfo>,
    values: Vec<Option<TValue>>,
    results: Vec<Aligned>,
}

impl TractSession {
    /// Loads an ONNX file. External data is read from files inside the model's folder only.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when the file cannot be read, [`ErrorKind::Model`] when tract refuses the model or panics on
    /// it, [`ErrorKind::NoSuchTensor`] when the options name an input that it does not have.
    pub fn open(path: impl AsRef<Path>, options: &Options) -> Result<Self, Error> {
        let path = path.as_ref();
        let named = |kind, e: &dyn Display| Error::new(kind, format!("{}: {e}", path.display()));
        let bytes = fs::read(path).map_err(|e| named(ErrorKind::Io, &e))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::load(&bytes, Some(folder), options).map_err(|e| named(e.kind(), &e))
    }

    /// Loads a model from the bytes of an ONNX file, without external data.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn from_bytes(bytes: impl AsRef<[u8]>, options: &Options) -> Result<Self, Error> {
        Self::load(bytes.as_ref(), None, options)
    }

    fn load(bytes: &[u8], folder: Option<&Path>, options: &Options) -> Result<Self, Error> {
        let this = guarded(ErrorKind::Model, || Self::new(bytes, folder, options))?;
        for (name, _) in &options.shapes {
            name.index_in(&this.inputs)?;
        }
        Ok(this)
    }

    fn new(mut bytes: &[u8], folder: Option<&Path>, options: &Options) -> TractResult<Self> {
        // Shapes of outputs in the file may name an open batch; tract finds them itself.
        let mut framework = onnx().with_ignore_output_shapes(true);
        let proto = framework.proto_model_for_read(&mut bytes)?;
        let mut directory = None;
        if let Some(folder) = folder {
            framework.provider = Arc::new(Inside::new(folder)?);
            directory = folder.to_str();
        }
        let parsed = framework.parse(&proto, directory)?;
        if let Some(name) = parsed.unresolved_inputs.first() {
            bail!("tensor \"{name}\" is read and never made");
        }
        let mut model = parsed.model;
        let mut inputs = Vec::new();
        for (index, outlet) in model.input_outlets()?.to_vec().into_iter().enumerate() {
            let name = model.node(outlet.node).name.clone();
            let fact = model.outlet_fact(outlet)?;
            let shape = match options.shapes.iter().find(|(n, _)| *n == name) {
                Some((_, shape)) => shape.clone(),
                None => fact
                    .shape
                    .dims()
                    .map(|dim| {
                        dim.concretize()
                            .and_then(|d| d.to_usize().ok())
                            .unwrap_or(1)
                    })
                    .collect(),
            };
            let Some(datum) = fact.datum_type.concretize() else {
                bail!("input \"{name}\" has no type");
            };
            let info = TensorInfo::named(name, passed_on(datum)?, &shape);
            model.set_input_fact(index, InferenceFact::dt_shape(datum, shape))?;
            inputs.push(info);
        }
        let model = if options.optimize {
            model.into_optimized()?
        } else {
            model.into_typed()?
        };
        let mut outputs = Vec::new();
        for (index, outlet) in model.output_outlets()?.iter().enumerate() {
            let name = match model.outlet_label(*outlet) {
                Some(label) => label.to_owned(),
                None => model.node(outlet.node).name.clone(),
            };
            let fact = model.output_fact(index)?;
            let Some(shape) = fact.shape.as_concrete() else {
                bail!("output \"{name}\" has an open shape; give the shapes of the inputs");
            };
            outputs.push(TensorInfo::named(name, passed_on(fact.datum_type)?, shape));
        }
        Ok(Self {
            plan: model.into_runnable()?,
            values: vec![None; inputs.len()],
            results: outputs.iter().map(|o| Aligned::zeroed(o.bytes)).collect(),
            inputs,
            outputs,
        })
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
        Value::from_bytes(self.outputs[index].dtype, &self.results[index]).ok_or_else(|| {
            Error::new(
                ErrorKind::Run,
                format!("output {index} has no whole number of elements"),
            )
        })
    }
}

impl Backend for TractSession {
    fn name(&self) -> &'static str {
        "tract"
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
        let shape = &self.inputs[index].shape;
        let tensor = tensor::from_value(shape, value)
            .map_err(|e| Error::new(ErrorKind::Type, sentence(&e)))?;
        self.values[index] = Some(tensor.into_tvalue());
        Ok(())
    }

    fn run(&mut self) -> Result<(), Error> {
        let mut values: TVec<TValue> = tvec![];
        for (value, info) in self.values.iter().zip(&self.inputs) {
            values.push(value.clone().ok_or_else(|| {
                Error::new(
                    ErrorKind::NotSet,
                    format!("input \"{}\": it must be written before the run", info.name),
                )
            })?);
        }
        guarded(ErrorKind::Run, || {
            let results = self.plan.run(values)?;
            let written = self.outputs.iter().zip(&mut self.results);
            for (tensor, (info, bytes)) in results.iter().zip(written) {
                tensor::read(tensor, info, bytes)?;
            }
            Ok(())
        })
    }

    fn output(&self, index: usize) -> Result<Value<'_>, Error> {
        self.output_value(index)
    }
}

fn passed_on(datum: DatumType) -> TractResult<DType> {
    match tensor::dtype(datum) {
        Some(dtype) => Ok(dtype),
        None => bail!("type {datum:?} is not passed on"),
    }
}

/// The whole chain of an error in one line.
fn sentence(e: &TractError) -> String {
    format!("tract: {e:#}")
}

/// Runs a part of tract; its panics become errors too. The process's panic hook still prints them.
fn guarded<T>(kind: ErrorKind, run: impl FnOnce() -> TractResult<T>) -> Result<T, Error> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => result.map_err(|e| Error::new(kind, sentence(&e))),
        Err(panic) => Err(Error::new(
            kind,
            format!("tract panicked: {}", words(&*panic)),
        )),
    }
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "no message",
    }
}
