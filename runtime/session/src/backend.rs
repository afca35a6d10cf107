//! One interface over everything that can run a model.

use crate::error::{Error, ErrorKind};
use crate::info::TensorInfo;
use crate::session::Session;
use crate::value::Value;

/// Something that runs a model: a [`Session`] natively, or another runtime.
///
/// The caller chooses the backend; none falls back to another by itself.
pub trait Backend {
    /// Name for reports: "native", "tract", "ort".
    fn name(&self) -> &'static str;

    /// The inputs, in the model's order.
    fn inputs(&self) -> &[TensorInfo];

    /// The outputs, in the model's order.
    fn outputs(&self) -> &[TensorInfo];

    /// Writes input number `index`. Each must be written before every run.
    ///
    /// # Errors
    ///
    /// No such input; another element type or number of elements.
    fn set_input(&mut self, index: usize, value: Value<'_>) -> Result<(), Error>;

    /// Runs once.
    ///
    /// # Errors
    ///
    /// An input is not set, or the run failed.
    fn run(&mut self) -> Result<(), Error>;

    /// The elements of output number `index` of the last run.
    ///
    /// # Errors
    ///
    /// No such output.
    fn output(&self, index: usize) -> Result<Value<'_>, Error>;

    /// The dimensions of output number `index` of the last run: those of [`Self::outputs`] unless they depend on data.
    ///
    /// # Errors
    ///
    /// No such output.
    fn output_shape(&self, index: usize) -> Result<Vec<usize>, Error> {
        let info = self.outputs().get(index);
        info.map(|info| info.shape.clone()).ok_or_else(|| {
            let message = format!("there is no output number {index}");
            Error::new(ErrorKind::NoSuchTensor, message)
        })
    }
}

impl Backend for Session {
    fn name(&self) -> &'static str {
        "native"
    }

    fn inputs(&self) -> &[TensorInfo] {
        Self::inputs(self)
    }

    fn outputs(&self) -> &[TensorInfo] {
        Self::outputs(self)
    }

    fn set_input(&mut self, index: usize, value: Value<'_>) -> Result<(), Error> {
        self.set_value(index, value)
    }

    fn run(&mut self) -> Result<(), Error> {
        Self::run(self)
    }

    fn output(&self, index: usize) -> Result<Value<'_>, Error> {
        self.output_value(index)
    }

    fn output_shape(&self, index: usize) -> Result<Vec<usize>, Error> {
        Self::output_shape(self, index)
    }
}

impl<B: Backend + ?Sized> Backend for Box<B> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn inputs(&self) -> &[TensorInfo] {
        (**self).inputs()
    }

    fn outputs(&self) -> &[TensorInfo] {
        (**self).outputs()
    }

    fn set_input(&mut self, index: usize, value: Value<'_>) -> Result<(), Error> {
        (**self).set_input(index, value)
    }

    fn run(&mut self) -> Result<(), Error> {
        (**self).run()
    }

    fn output(&self, index: usize) -> Result<Value<'_>, Error> {
        (**self).output(index)
    }

    fn output_shape(&self, index: usize) -> Result<Vec<usize>, Error> {
        (**self).output_shape(index)
    }
}
