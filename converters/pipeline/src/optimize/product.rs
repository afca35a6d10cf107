//! Chains of products, taken apart for the rules that recognise written-out functions.

use redpoll_graph::op::BinaryFn;
use redpoll_graph::{Graph, Op, ValueId};

use super::edit::{Links, scalar};

/// A product of values and one constant.
pub(crate) struct Product {
    /// The constants multiplied together.
    pub constant: f64,
    /// The other factors, a value twice when it occurs twice.
    pub factors: Vec<ValueId>,
}

impl Product {
    /// Takes `id` apart through products, and quotients by constants; `whole` is never taken apart.
    pub fn of(graph: &Graph, links: &Links, id: ValueId, whole: Option<ValueId>) -> Self {
        let mut product = Self {
            constant: 1.0,
            factors: Vec::new(),
        };
        product.collect(graph, links, id, whole, 8);
        product
    }

    fn collect(
        &mut self,
        graph: &Graph,
        links: &Links,
        id: ValueId,
        whole: Option<ValueId>,
        depth: usize,
    ) {
        if let Some(c) = scalar(graph, id) {
            self.constant *= f64::from(c);
            return;
        }
        let parts = links
            .maker(graph, id)
            .filter(|_| whole != Some(id) && depth > 0);
        match parts.map(|(_, n)| (plain(&n.op), &n.inputs[..])) {
            Some((Some(BinaryFn::Mul), &[a, b])) => {
                self.collect(graph, links, a, whole, depth - 1);
                self.collect(graph, links, b, whole, depth - 1);
            }
            Some((Some(BinaryFn::Div), &[a, b])) if scalar(graph, b).is_some() => {
                self.constant /= scalar(graph, b).map_or(1.0, f64::from);
                self.collect(graph, links, a, whole, depth - 1);
            }
            _ => self.factors.push(id),
        }
    }

    /// Removes one occurrence of `id`; false when there is none.
    pub fn take(&mut self, id: ValueId) -> bool {
        match self.factors.iter().position(|&f| f == id) {
            Some(i) => {
                self.factors.remove(i);
                true
            }
            None => false,
        }
    }

    /// True when the constant is `want`, within the rounding that exporters apply to it.
    pub fn is(&self, want: f64) -> bool {
        (self.constant - want).abs() <= want.abs() * 1e-4
    }
}

/// Every operand of the products and quotients that `id` is made of, products among them.
pub(crate) fn parts(graph: &Graph, links: &Links, id: ValueId) -> Vec<ValueId> {
    let mut parts = vec![id];
    let mut next = 0;
    while let Some(&part) = parts.get(next).filter(|_| next < 32) {
        next += 1;
        if let Some((_, node)) = links.maker(graph, part)
            && matches!(plain(&node.op), Some(BinaryFn::Mul | BinaryFn::Div))
        {
            parts.extend_from_slice(&node.inputs);
        }
    }
    parts.retain(|&part| scalar(graph, part).is_none());
    parts
}

/// The function of a two-operand operator without bounds.
fn plain(op: &Op) -> Option<BinaryFn> {
    match op {
        Op::Binary {
            function,
            clamp: None,
        } => Some(*function),
        _ => None,
    }
}

/// The other operand when `id` is `value + addend`, in either order.
pub(crate) fn sum_with(graph: &Graph, links: &Links, id: ValueId, addend: f32) -> Option<ValueId> {
    let [a, b] = sum(graph, links, id)?;
    if scalar(graph, a) == Some(addend) {
        Some(b)
    } else {
        (scalar(graph, b) == Some(addend)).then_some(a)
    }
}

/// The operands when `id` is a sum.
pub(crate) fn sum(graph: &Graph, links: &Links, id: ValueId) -> Option<[ValueId; 2]> {
    let (_, node) = links.maker(graph, id)?;
    match node.inputs[..] {
        [a, b] if plain(&node.op) == Some(BinaryFn::Add) => Some([a, b]),
        _ => None,
    }
}

/// The operand when `id` is this function of it.
pub(crate) fn function_of(
    graph: &Graph,
    links: &Links,
    id: ValueId,
    function: redpoll_graph::op::UnaryFn,
) -> Option<ValueId> {
    let (_, node) = links.maker(graph, id)?;
    (node.op == Op::Unary(function)).then(|| node.inputs[0])
}
