//! Outputs whose size depends on data: the largest size in the plan, the size of this run in another output.

use crate::plan::Plan;
use crate::tensor::DType;

/// The key of the metadata that says which outputs these are.
///
/// Its text has a line for each: number of the output, its axis, number of the output that holds the size. The elements
/// of such an output are those of a tensor of that size, one after the other, and lie at its beginning; what is behind
/// them means nothing.
pub const SIZES: &str = "redpoll.sizes";

/// An output whose size along one axis is found by the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputSize {
    /// Number of the output.
    pub output: usize,
    /// The axis; the shape of the output's tensor has its largest size.
    pub axis: usize,
    /// Number of the output that holds the size: one i64.
    pub length: usize,
}

impl OutputSize {
    /// Reads the lines of a text; those that say nothing sensible are left out.
    pub fn parse(text: &str) -> impl Iterator<Item = Self> + Clone + '_ {
        text.lines().filter_map(|line| {
            let mut numbers = line.split(' ').map(|n| n.parse().ok());
            let size = Self {
                output: numbers.next()??,
                axis: numbers.next()??,
                length: numbers.next()??,
            };
            numbers.next().is_none().then_some(size)
        })
    }
}

impl<'p> Plan<'p> {
    /// The outputs whose size the run finds. See [`OutputSize`].
    ///
    /// Only lines that fit the plan are given: the output has the axis, and the size is one i64.
    pub fn sizes(&self) -> impl Iterator<Item = OutputSize> + Clone + use<'p> {
        let plan = *self;
        let text = plan.metadata().find(|(key, _)| *key == SIZES);
        let lines = OutputSize::parse(text.map_or("", |(_, text)| text));
        lines.filter(move |size| {
            let tensor = |i| plan.tensor(plan.outputs().nth(i)?.tensor);
            let fits = tensor(size.output).is_some_and(|t| size.axis < t.shape.dims().len());
            let length = tensor(size.length);
            let one = length.is_some_and(|t| t.dtype == DType::I64 && t.shape.len() == 1);
            fits && one && size.output != size.length
        })
    }
}
