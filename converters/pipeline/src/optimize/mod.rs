//! Optimize: rewrites the imported graph, one rule a file, until nothing changes; verified after each rule.

mod casts;
mod clamps;
mod common_subexpressions;
mod dead_code;
mod dequantize_constants;
mod edit;
mod embedding;
mod expand;
mod flatten_dense;
mod fold_affine;
mod fold_batch_norm;
mod fold_constants;
mod full_window_pool;
mod fuse_activation;
mod fuse_pad;
mod fuse_qdq;
mod gelu;
mod hoist_clamp;
mod identities;
mod matmul_to_dense;
mod merge_reshapes;
mod merge_transposes;
mod product;
mod requantize;
mod silu;
mod sink_reshapes;
mod sink_transposes;
mod softmax;
#[cfg(test)]
mod tests;
mod weights;

use redpoll_graph::Graph;

use crate::{Error, ErrorKind, Imported, Optimized};

/// A rewriting rule. It keeps what the graph computes (up to rounding) and the names of its inputs and outputs.
pub(crate) trait Rule {
    /// Name in the pass log.
    fn name(&self) -> &'static str;

    /// Rewrites wherever it can; gives the number of changes.
    ///
    /// # Errors
    /// Only for a bug: a rewrite that does not fit the operator's rules.
    fn apply(&self, graph: &mut Graph) -> Result<usize, Error>;
}

/// Rounds after which rules that still change something are taken to undo each other.
const MAX_ROUNDS: usize = 1000;

/// How far an optimisation has come; later phases add rules that give up on a better way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Float operators are folded and fused, transpositions cancel.
    Float,
    /// What is left of normalisations is written out; operators between quantised values become integer.
    Integer,
    /// Constants that no integer operator took become floats.
    Rest,
}

/// The rules of a phase, in the order of a round.
fn rules(phase: Phase) -> Vec<Box<dyn Rule>> {
    let through_dequantize = phase == Phase::Float;
    let mut rules: Vec<Box<dyn Rule>> = vec![
        Box::new(fold_constants::FoldConstants),
        Box::new(identities::Identities),
        Box::new(common_subexpressions::CommonSubexpressions),
        Box::new(casts::Casts),
        Box::new(expand::DropExpand),
        Box::new(merge_transposes::MergeTransposes),
        Box::new(merge_reshapes::MergeReshapes),
        Box::new(clamps::Clamps),
        Box::new(gelu::Gelu),
        Box::new(silu::Silu),
        Box::new(softmax::Softmax),
        Box::new(embedding::Embedding),
        Box::new(matmul_to_dense::MatMulToDense),
        Box::new(sink_transposes::SinkTransposes { through_dequantize }),
        Box::new(sink_reshapes::SinkReshapes),
        Box::new(flatten_dense::FlattenDense),
        Box::new(fold_batch_norm::FoldBatchNorm),
        Box::new(fold_affine::FoldAffine),
        Box::new(full_window_pool::FullWindowPool),
        Box::new(fuse_pad::FusePad),
        Box::new(hoist_clamp::HoistClamp),
        Box::new(fuse_activation::FuseActivation),
    ];
    if phase >= Phase::Integer {
        rules.push(Box::new(fold_batch_norm::SplitBatchNorm));
        rules.push(Box::new(requantize::HoistMovement));
        rules.push(Box::new(requantize::Requantize));
        rules.push(Box::new(fuse_qdq::FuseQdq));
    }
    if phase >= Phase::Rest {
        rules.push(Box::new(dequantize_constants::DequantizeConstants));
    }
    rules
}

/// Rewrites an imported model into the form that the later stages take.
///
/// # Errors
/// [`ErrorKind::Internal`] when a rule breaks the graph: a bug.
pub fn optimize(imported: Imported) -> Result<Optimized, Error> {
    let Imported(mut graph) = imported;
    let mut log = Vec::new();
    step(&mut graph, &dead_code::DeadCode, &mut log)?;
    for phase in [Phase::Float, Phase::Integer, Phase::Rest] {
        run(&mut graph, &rules(phase), &mut log)?;
    }
    edit::compact(&mut graph);
    Ok(Optimized { graph, log })
}

/// Runs rules in rounds until a round changes nothing.
fn run(
    graph: &mut Graph,
    rules: &[Box<dyn Rule>],
    log: &mut Vec<(String, usize)>,
) -> Result<(), Error> {
    for _ in 0..MAX_ROUNDS {
        let mut changes = 0;
        for rule in rules {
            changes += step(graph, rule.as_ref(), log)?;
        }
        if changes == 0 {
            return Ok(());
        }
    }
    let message = format!("optimisation does not come to rest in {MAX_ROUNDS} rounds");
    Err(Error::new(ErrorKind::Internal, message))
}

/// Runs one rule, removes what it left unused, and verifies.
fn step(
    graph: &mut Graph,
    rule: &dyn Rule,
    log: &mut Vec<(String, usize)>,
) -> Result<usize, Error> {
    let broken = |e: &dyn std::fmt::Display| {
        Error::new(
            ErrorKind::Internal,
            format!("rule \"{}\": {e}", rule.name()),
        )
    };
    let changes = rule.apply(graph).map_err(|e| broken(&e))?;
    if changes > 0 {
        dead_code::DeadCode.apply(graph)?;
        redpoll_graph::verify(graph).map_err(|e| broken(&e))?;
        match log.iter_mut().find(|(name, _)| name == rule.name()) {
            Some((_, count)) => *count += changes,
            None => log.push((rule.name().to_owned(), changes)),
        }
    }
    Ok(changes)
}
