//! Shapes of a model's inputs, for runtimes that read the file themselves: no operator is looked at.

use std::collections::BTreeSet;

use redpoll_onnx::Model;

use super::ImportOptions;
use super::inputs::{concrete, leading_names, refused};
use super::node::Stop;
use crate::Error;

/// Name and shape of every input that must be given, in order, with open dimensions as the options say.
///
/// # Errors
/// When an input is no tensor, or one of its dimensions gets no size.
pub fn input_shapes(
    model: &Model,
    options: &ImportOptions,
) -> Result<Vec<(String, Vec<usize>)>, Error> {
    let graph = model.graph();
    let initialised: BTreeSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    let batches = leading_names(graph);
    let mut shapes = Vec::new();
    for info in &graph.input {
        if initialised.contains(info.name.as_str()) {
            continue;
        }
        let shape = info
            .tensor_info()
            .map_err(Stop::from)
            .and_then(|about| about.ok_or_else(|| Stop::Invalid("the input has no type".into())))
            .and_then(|about| concrete(&info.name, &about, options, &batches));
        shapes.push((
            info.name.clone(),
            shape.map_err(|stop| refused(&info.name, stop))?,
        ));
    }
    Ok(shapes)
}
