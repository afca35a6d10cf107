//! Choices for a session of ONNX Runtime.

use std::path::PathBuf;

use crate::environment::environment;
use crate::provider::Provider;

/// How far ONNX Runtime rewrites a graph before it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Optimization {
    /// Nothing: every node runs as it is written. For finding out which node differs.
    None,
    /// All rewrites, as ONNX Runtime does by default: fused and integer kernels.
    #[default]
    All,
}

/// Choices for a session of ONNX Runtime.
///
/// ```
/// use redpoll_backend_ort::{Optimization, Options};
/// let options = Options::default().threads(2).optimization(Optimization::None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub(crate) threads: usize,
    pub(crate) library: Option<PathBuf>,
    pub(crate) optimization: Optimization,
    pub(crate) provider: Provider,
    pub(crate) rest_on_cpu: bool,
    pub(crate) shapes: Vec<(String, Vec<usize>)>,
}

impl Default for Options {
    /// One thread, the library found by [`find`](crate::find), all optimisations, on the processor.
    fn default() -> Self {
        Self {
            threads: 1,
            library: None,
            optimization: Optimization::All,
            provider: Provider::Cpu,
            rest_on_cpu: false,
            shapes: Vec::new(),
        }
    }
}

impl Options {
    /// Computes with so many threads, the caller's included; 0 means 1.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Loads this shared library, or the one in this folder (also a Python environment).
    pub fn library(mut self, path: impl Into<PathBuf>) -> Self {
        self.library = Some(path.into());
        self
    }

    /// How far the graph is rewritten.
    pub fn optimization(mut self, optimization: Optimization) -> Self {
        self.optimization = optimization;
        self
    }

    /// Runs every node on this execution provider. A provider that the library does not offer is an error, and so is a
    /// node that it does not take, unless [`rest_on_cpu`](Self::rest_on_cpu) allows that.
    pub fn provider(mut self, provider: Provider) -> Self {
        self.provider = provider;
        self
    }

    /// Whether ONNX Runtime's own kernels may run the nodes that the execution provider does not take.
    pub fn rest_on_cpu(mut self, yes: bool) -> Self {
        self.rest_on_cpu = yes;
        self
    }

    /// Loads the library, and demands that it offers the execution provider, before there is a model.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Library`](redpoll_session::ErrorKind::Library) when it cannot be found or loaded or lacks the provider.
    pub fn check(&self) -> Result<(), redpoll_session::Error> {
        environment(self.library.as_deref())?;
        self.provider.demand()
    }

    /// Runs with this shape of an input whose shape the model leaves open. Dimensions that stay open are 1.
    pub fn input_shape(mut self, name: impl Into<String>, shape: &[usize]) -> Self {
        self.shapes.push((name.into(), shape.to_vec()));
        self
    }
}
