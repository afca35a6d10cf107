//! Transpositions below reshapes that only add or drop axes of length 1.

use redpoll_graph::{Graph, Op};

use super::transposed;
use crate::Error;
use crate::optimize::edit::{Links, moves_nothing, split};

/// `R(T(x))` becomes `T'(R'(x))` where R only adds or drops axes of length 1.
pub(super) fn sink(graph: &mut Graph, links: &Links, index: usize) -> Result<bool, Error> {
    let node = &graph.nodes[index];
    let Some((source, perm)) = transposed(graph, links, node.inputs[0]) else {
        return Ok(false);
    };
    let from = &graph.value(source).shape;
    // Transpositions that move nothing become reshapes instead.
    if moves_nothing(&perm, from) {
        return Ok(false);
    }
    let to = &graph.value(node.output).shape;
    let Some(places) = places(from, &perm, to) else {
        return Ok(false);
    };
    // Axes of the result in the order in which they lie before the transposition.
    let mut order: Vec<usize> = (0..to.len()).collect();
    order.sort_by_key(|&i| places[i]);
    let shape = order.iter().map(|&i| to[i]).collect();
    let mut after = vec![0; to.len()];
    for (place, &axis) in order.iter().enumerate() {
        after[axis] = place;
    }
    let op = Op::Reshape { shape };
    split(
        graph,
        index,
        op,
        vec![source],
        Op::Transpose { perm: after },
    )?;
    Ok(true)
}

/// For each axis of `to`, where it lies in `from`; axes of length 1 go with the one before them. `None` unless the axes
/// longer than 1 are the same after `perm`.
fn places(from: &[usize], perm: &[usize], to: &[usize]) -> Option<Vec<usize>> {
    let mut long = perm.iter().filter(|&&p| from[p] != 1);
    let mut last = 0;
    let mut places = Vec::with_capacity(to.len());
    for &d in to {
        if d != 1 {
            let &p = long.next()?;
            if from[p] != d {
                return None;
            }
            last = p + 1;
        }
        places.push(last);
    }
    long.next().is_none().then_some(places)
}
