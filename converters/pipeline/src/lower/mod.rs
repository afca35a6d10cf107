//! Lower: a graph becomes the fused steps, packed weights and memory plan of a plan file.
//!
//! ```text
//! Graph ─nodes─▶ steps and tensors ─lifetimes─▶ blocks ─place─▶ offsets ─▶ plan file
//!                (draft)            (in place)           (arena)
//! ```
//! Float, quantised and mixed graphs lower alike: the type of a node's operands decides. uint8 values are held as
//! int8 with their zero point less 128; only inputs and outputs of the model keep their type.

mod assemble;
mod conv;
mod dense;
mod draft;
mod elementwise;
mod embedding;
mod general;
mod lifetime;
mod loops;
mod lowering;
mod memory;
mod movement;
mod node;
mod pack;
mod pool;
mod ports;
mod quantize;
mod recurrent;
mod reduce;
mod softmax;
mod state;
#[cfg(test)]
mod tests;

use redpoll_graph::Graph;

use crate::error::{Error, Gap};
use crate::stage::{Lowered, Optimized, Quantized};

use self::lowering::Lowering;

/// One tensor of the memory map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryEntry {
    /// Value name.
    pub name: String,
    /// Offset in the arena, bytes.
    pub offset: usize,
    /// Size, bytes.
    pub bytes: usize,
    /// First step that needs it.
    pub first_step: usize,
    /// Last step that needs it.
    pub last_step: usize,
}

/// Where each tensor lies and when it lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryMap {
    /// Every tensor in working memory.
    pub entries: Vec<MemoryEntry>,
    /// Bytes of working memory.
    pub arena_bytes: usize,
    /// The lower bound: the largest sum of live tensors at any step; a result that takes over its operand's memory
    /// counts once.
    pub live_bytes: usize,
    /// Bytes of working memory that are kept from one run to the next; part of the above.
    pub state_bytes: usize,
    /// Bytes of packed weights, biases, scales and tables.
    pub weight_bytes: usize,
}

/// An output that is handed to an input of the next run: both vanish from the plan's inputs and outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatePair {
    /// Name of the output.
    pub output: String,
    /// Name of the input.
    pub input: String,
}

/// How float weights are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WeightType {
    /// Single precision.
    #[default]
    F32,
    /// Half precision, widened before the product: half the size, weights rounded to 11 bits.
    F16,
}

/// Which values outlive the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// The model's outputs.
    #[default]
    Outputs,
    /// Every value: exported as an output by its name, after the model's outputs. For calibration and for measuring
    /// layer by layer; needs much more memory.
    All,
}

/// Choices when lowering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LowerOptions {
    /// How float weights are stored.
    pub weights: WeightType,
    /// Alignment of weights and working memory: 64 bytes, or 16 for microcontrollers.
    pub alignment: usize,
    /// Patches that a convolution packs at a time: more is faster, each costs K elements of scratch.
    pub scratch_rows: usize,
    /// Which values outlive the run.
    pub keep: Keep,
    /// Leaves the names of values and nodes out of the plan.
    pub strip_names: bool,
    /// Scratch for one small core instead of `scratch_rows`: 16-bit copies of the inputs under up to three output pixels,
    /// matrix products included, kept below a twentieth of the activations that live at the worst step.
    pub compact_scratch: bool,
    /// Outputs that are handed to inputs of the next run.
    pub states: Vec<StatePair>,
    /// Also hands on the states that the model itself names in its metadata, as TFLite's variables do. Not with [`Keep::All`].
    pub own_states: bool,
}

impl Default for LowerOptions {
    fn default() -> Self {
        Self {
            weights: WeightType::F32,
            alignment: 64,
            scratch_rows: 8,
            keep: Keep::Outputs,
            strip_names: false,
            compact_scratch: false,
            states: Vec::new(),
            own_states: true,
        }
    }
}

impl LowerOptions {
    /// For microcontrollers: 16-byte alignment, no names, little scratch. The plan runs everywhere, with the same bits.
    pub fn cortex_m() -> Self {
        Self {
            alignment: 16,
            strip_names: true,
            compact_scratch: true,
            ..Self::default()
        }
    }
}

/// Lowers a graph: float, quantised or mixed.
///
/// # Errors
/// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) with all nodes that have no steps;
/// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when the graph breaks its rules.
pub fn lower(graph: &Graph, options: &LowerOptions) -> Result<Lowered, Error> {
    redpoll_graph::verify(graph)?;
    let mut cx = Lowering::new(graph, options);
    let mut gaps = Vec::new();
    let states = state::pairs(graph, &state::all(graph, options)?)?;
    ports::inputs(&mut cx, &states, &mut gaps);
    let needed = needed(graph);
    for (node, _) in graph.nodes.iter().zip(needed).filter(|&(_, needed)| needed) {
        if node.inputs.iter().any(|id| cx.missing.contains(id)) {
            cx.missing.insert(node.output);
            continue;
        }
        if let Err(refused) = node::lower(&mut cx, node) {
            cx.missing.insert(node.output);
            let op = node.op.name().to_owned();
            gaps.push(Gap {
                node: node.name.clone(),
                op,
                reason: refused.0,
            });
        }
    }
    ports::outputs(&mut cx, &states, &mut gaps);
    if gaps.is_empty() {
        state::feed_back(&mut cx, &states, &mut gaps);
    }
    if !gaps.is_empty() {
        return Err(Error::unsupported(gaps));
    }
    assemble::assemble(&cx.draft, graph, options)
}

/// Lowers a model that stays as it is: float, or quantised from the start.
///
/// # Errors
/// As [`lower`].
pub fn lower_optimized(model: &Optimized, options: &LowerOptions) -> Result<Lowered, Error> {
    lower(&model.graph, options)
}

/// Lowers an int8 model.
///
/// # Errors
/// As [`lower`].
pub fn lower_quantized(model: &Quantized, options: &LowerOptions) -> Result<Lowered, Error> {
    lower(&model.graph, options)
}

/// Which nodes the outputs depend on.
fn needed(graph: &Graph) -> Vec<bool> {
    let mut wanted = vec![false; graph.values.len()];
    for id in &graph.outputs {
        wanted[id.index()] = true;
    }
    let mut needed = vec![false; graph.nodes.len()];
    for (node, needed) in graph.nodes.iter().zip(&mut needed).rev() {
        if wanted[node.output.index()] {
            *needed = true;
            node.inputs.iter().for_each(|id| wanted[id.index()] = true);
        }
    }
    needed
}
