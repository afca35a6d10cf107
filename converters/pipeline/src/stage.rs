//! The results of the stages, as types.

use std::sync::Arc;

use redpoll_graph::Graph;

use crate::calibrate::{Ranges, SampleSet, Statistics};
use crate::quantize::QuantizeLog;

/// A model as imported: float, or with the quantisation that it came with.
#[derive(Clone, Debug)]
pub struct Imported(pub(crate) Graph);

/// A model after the rewrite rules; what calibration and lowering take.
#[derive(Clone, Debug)]
pub struct Optimized {
    pub(crate) graph: Graph,
    /// One line a rule that changed something: rule name and number of changes.
    pub(crate) log: Vec<(String, usize)>,
}

/// An optimised model with the range of every value.
#[derive(Clone, Debug)]
pub struct Calibrated {
    pub(crate) graph: Graph,
    pub(crate) ranges: Ranges,
    /// What the ranges were measured on; `None` when they were read from a file.
    pub(crate) samples: Option<SampleSet>,
    /// What was measured on them.
    pub(crate) statistics: Option<Arc<Statistics>>,
}

/// An int8 model.
#[derive(Clone, Debug)]
pub struct Quantized {
    pub(crate) graph: Graph,
    pub(crate) log: QuantizeLog,
    /// The float graph that it was made of, when that is not the optimised one.
    pub(crate) float: Option<Graph>,
}

/// A lowered model: the bytes of its plan and how they came about.
#[derive(Clone, Debug)]
pub struct Lowered {
    pub(crate) plan: Vec<u8>,
    pub(crate) memory: crate::lower::MemoryMap,
}

impl Imported {
    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.0
    }
}

impl Optimized {
    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The rules that changed something, in order, with how often.
    pub fn log(&self) -> &[(String, usize)] {
        &self.log
    }

    /// True when the model arrived quantised and keeps its own scales.
    pub fn is_quantized(&self) -> bool {
        self.graph
            .nodes
            .iter()
            .any(|n| self.graph.value(n.output).is_quantized())
    }
}

impl Calibrated {
    /// The float graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// What was measured on the samples; `None` when the ranges were read from a file.
    pub fn statistics(&self) -> Option<&Statistics> {
        self.statistics.as_deref()
    }

    /// The ranges, by value name.
    pub fn ranges(&self) -> &Ranges {
        &self.ranges
    }
}

impl Quantized {
    /// The int8 graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The float graph whose values the int8 ones stand for: with equalised channels it computes what the optimised
    /// one does, but values inside are scaled by channel. `None` when it is the optimised graph.
    pub fn float_graph(&self) -> Option<&Graph> {
        self.float.as_ref()
    }

    /// What was quantised, what stayed float and why.
    pub fn log(&self) -> &QuantizeLog {
        &self.log
    }
}

impl Lowered {
    /// The plan file's bytes.
    pub fn plan(&self) -> &[u8] {
        &self.plan
    }

    /// Where each tensor lies and when it lives.
    pub fn memory(&self) -> &crate::lower::MemoryMap {
        &self.memory
    }
}
