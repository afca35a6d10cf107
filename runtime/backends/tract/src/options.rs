//! Choices for a session of tract.

/// Choices for a session of tract.
///
/// ```
/// use redpoll_backend_tract::Options;
/// let options = Options::default().input_shape("x", &[1, 3, 224, 224]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub(crate) optimize: bool,
    pub(crate) shapes: Vec<(String, Vec<usize>)>,
}

impl Default for Options {
    /// With tract's optimisations.
    fn default() -> Self {
        Self {
            optimize: true,
            shapes: Vec::new(),
        }
    }
}

impl Options {
    /// Whether tract rewrites the graph and chooses kernels before it runs; false is for finding out which node differs.
    pub fn optimize(mut self, yes: bool) -> Self {
        self.optimize = yes;
        self
    }

    /// Runs with this shape of an input whose shape the model leaves open. Dimensions that stay open are 1.
    pub fn input_shape(mut self, name: impl Into<String>, shape: &[usize]) -> Self {
        self.shapes.push((name.into(), shape.to_vec()));
        self
    }
}
