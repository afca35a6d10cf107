//! Einsum: operands one after the other become transpositions, sums, products and matrix products.

use std::collections::BTreeMap;

use redpoll_graph::op::{BinaryFn, Conv, ReduceKind, SliceAxis};
use redpoll_graph::{DType, Op, ValueId};

use super::elementwise::binary;
use super::importer::Importer;
use super::layout::is_constant;
use super::node::{OnnxNode, Outputs, Stop, gap, invalid};

/// A subscript: a letter, or an axis of the ellipsis counted from the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    Ellipsis(usize),
    Letter(char),
}

/// A value with the label of each axis.
#[derive(Clone, Debug)]
struct Term {
    value: ValueId,
    labels: Vec<Label>,
}

/// Einsum-12.
pub(crate) fn einsum(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let values = node.all_inputs(1)?;
    if values.iter().any(|&v| import.dtype(v) != DType::F32) {
        return gap("only floats are supported");
    }
    let text = node.text_or("equation", "")?.replace(' ', "");
    let (mut terms, result) = parse(import, &text, &values)?;
    let mut build = Builder {
        import,
        node,
        parts: 0,
    };
    let mut sizes: BTreeMap<Label, usize> = BTreeMap::new();
    for term in &mut terms {
        build.diagonals(term)?;
        for (&label, &size) in term.labels.iter().zip(build.import.shape(term.value)) {
            let known = sizes.entry(label).or_insert(size);
            if *known == 1 {
                *known = size;
            } else if size != 1 && size != *known {
                return invalid(format!("{label:?} is {known} and {size} in {text:?}"));
            }
        }
    }
    if let Some(missing) = result.iter().find(|l| !sizes.contains_key(l)) {
        return invalid(format!(
            "{missing:?} of the result of {text:?} is in no operand"
        ));
    }
    // An axis of 1 beside a longer one repeats: without it the product repeats by itself.
    for term in &mut terms {
        build.drop_ones(term, &sizes)?;
    }
    let mut left = terms.remove(0);
    while !terms.is_empty() {
        let right = terms.remove(0);
        let wanted = |l: &Label| result.contains(l) || terms.iter().any(|t| t.labels.contains(l));
        left = build.pair(left, right, &wanted)?;
    }
    build.sum(&mut left, &|l| result.contains(l))?;
    let value = build.ordered(&left, &result)?;
    // The node's own name goes to its result.
    let shape = import.shape(value).to_vec();
    Ok(vec![import.emit(node, Op::Reshape { shape }, &[value])?])
}

/// The operands' labels and the result's.
fn parse(
    import: &Importer<'_>,
    text: &str,
    values: &[ValueId],
) -> Result<(Vec<Term>, Vec<Label>), Stop> {
    let (operands, result) = match text.split_once("->") {
        Some((operands, result)) => (operands, Some(result)),
        None => (text, None),
    };
    let subscripts: Vec<&str> = operands.split(',').collect();
    if subscripts.len() != values.len() {
        return invalid(format!("{text:?} for {} operands", values.len()));
    }
    let mut terms = Vec::with_capacity(values.len());
    let mut widest = 0;
    for (subscript, &value) in subscripts.iter().zip(values) {
        let rank = import.rank(value);
        let letters = subscript
            .chars()
            .filter(|c| c.is_ascii_alphabetic())
            .count();
        let hidden = match (subscript.contains("..."), rank.checked_sub(letters)) {
            (true, Some(hidden)) => hidden,
            (false, Some(0)) => 0,
            _ => return invalid(format!("{subscript:?} for {rank} axes")),
        };
        widest = widest.max(hidden);
        let labels = labels(subscript, hidden)?;
        terms.push(Term { value, labels });
    }
    let result = match result {
        Some(result) => labels(result, widest)?,
        None => {
            let all: Vec<Label> = terms.iter().flat_map(|t| t.labels.clone()).collect();
            let once = |l: &Label| all.iter().filter(|o| *o == l).count() == 1;
            let mut letters: Vec<Label> = all.iter().copied().filter(once).collect();
            letters.retain(|l| matches!(l, Label::Letter(_)));
            letters.sort_unstable();
            let hidden = (0..widest).rev().map(Label::Ellipsis);
            hidden.chain(letters).collect()
        }
    };
    let twice = |(i, l): (usize, &Label)| result[..i].contains(l);
    if result.iter().enumerate().any(twice) {
        return invalid(format!("{text:?} names an axis of the result twice"));
    }
    Ok((terms, result))
}

fn labels(subscript: &str, hidden: usize) -> Result<Vec<Label>, Stop> {
    let mut out = Vec::new();
    let mut rest = subscript;
    let mut dots = false;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("...").filter(|_| !dots) {
            out.extend((0..hidden).rev().map(Label::Ellipsis));
            (rest, dots) = (after, true);
        } else if c.is_ascii_alphabetic() {
            out.push(Label::Letter(c));
            rest = &rest[1..];
        } else {
            return invalid(format!("{subscript:?} is no list of letters"));
        }
    }
    Ok(out)
}

struct Builder<'i, 'a, 'n> {
    import: &'i mut Importer<'a>,
    node: &'i OnnxNode<'n>,
    parts: usize,
}

impl Builder<'_, '_, '_> {
    fn emit(&mut self, op: Op, inputs: &[ValueId]) -> Result<ValueId, Stop> {
        self.parts += 1;
        let part = format!("part_{}", self.parts);
        self.import.emit_part(self.node, &part, op, inputs)
    }

    fn reshape(&mut self, value: ValueId, shape: Vec<usize>) -> Result<ValueId, Stop> {
        if self.import.shape(value) == shape {
            return Ok(value);
        }
        self.emit(Op::Reshape { shape }, &[value])
    }

    fn transpose(&mut self, value: ValueId, perm: Vec<usize>) -> Result<ValueId, Stop> {
        if perm.iter().copied().eq(0..perm.len()) {
            return Ok(value);
        }
        self.emit(Op::Transpose { perm }, &[value])
    }

    /// An axis named twice becomes its diagonal.
    fn diagonals(&mut self, term: &mut Term) -> Result<(), Stop> {
        let repeated = |labels: &[Label]| {
            (0..labels.len()).find_map(|i| {
                Some((
                    i,
                    i + 1 + labels[i + 1..].iter().position(|l| *l == labels[i])?,
                ))
            })
        };
        while let Some((i, j)) = repeated(&term.labels) {
            let shape = self.import.shape(term.value).to_vec();
            let size = shape[i];
            if shape[j] != size {
                return invalid(format!("a diagonal of {size} and {}", shape[j]));
            }
            let others: Vec<usize> = (0..shape.len()).filter(|&a| a != i && a != j).collect();
            let perm = [&others[..], &[i, j]].concat();
            let moved = self.transpose(term.value, perm)?;
            let lead: Vec<usize> = others.iter().map(|&a| shape[a]).collect();
            let flat = self.reshape(moved, [&lead[..], &[size * size]].concat())?;
            let whole = |&len: &usize| SliceAxis {
                start: 0,
                step: 1,
                len,
            };
            let mut axes: Vec<SliceAxis> = lead.iter().map(whole).collect();
            axes.push(SliceAxis {
                start: 0,
                step: size as isize + 1,
                len: size,
            });
            term.value = self.emit(Op::Slice { axes }, &[flat])?;
            let label = term.labels[i];
            term.labels = others.iter().map(|&a| term.labels[a]).collect();
            term.labels.push(label);
        }
        Ok(())
    }

    fn drop_ones(&mut self, term: &mut Term, sizes: &BTreeMap<Label, usize>) -> Result<(), Stop> {
        let shape = self.import.shape(term.value).to_vec();
        let repeats =
            |i: usize| shape[i] == 1 && sizes.get(&term.labels[i]).is_some_and(|&s| s > 1);
        let kept: Vec<usize> = (0..shape.len()).filter(|&i| !repeats(i)).collect();
        if kept.len() < shape.len() {
            term.value = self.reshape(term.value, kept.iter().map(|&i| shape[i]).collect())?;
            term.labels = kept.iter().map(|&i| term.labels[i]).collect();
        }
        Ok(())
    }

    /// Sums over the axes that nobody wants.
    fn sum(&mut self, term: &mut Term, wanted: &dyn Fn(&Label) -> bool) -> Result<(), Stop> {
        let axes: Vec<usize> = (0..term.labels.len())
            .filter(|&i| !wanted(&term.labels[i]))
            .collect();
        if !axes.is_empty() {
            let reduce = Op::Reduce {
                kind: ReduceKind::Sum,
                axes,
                keep_dims: false,
            };
            term.value = self.emit(reduce, &[term.value])?;
            term.labels.retain(|l| wanted(l));
        }
        Ok(())
    }

    /// The value with its axes in this order.
    fn ordered(&mut self, term: &Term, order: &[Label]) -> Result<ValueId, Stop> {
        let at = |l: &Label| term.labels.iter().position(|o| o == l);
        match order.iter().map(at).collect::<Option<Vec<usize>>>() {
            Some(perm) => self.transpose(term.value, perm),
            None => invalid("an axis of the result is lost"),
        }
    }

    fn dims(&self, term: &Term, labels: &[Label]) -> Vec<usize> {
        let shape = self.import.shape(term.value);
        let size = |l: &Label| {
            term.labels
                .iter()
                .position(|o| o == l)
                .map_or(1, |i| shape[i])
        };
        labels.iter().map(size).collect()
    }

    /// The product of two terms, summed over what both have and nobody wants later.
    fn pair(
        &mut self,
        mut a: Term,
        mut b: Term,
        wanted: &dyn Fn(&Label) -> bool,
    ) -> Result<Term, Stop> {
        if is_constant(self.import, a.value) && !is_constant(self.import, b.value) {
            std::mem::swap(&mut a, &mut b);
        }
        let (of_a, of_b) = (a.labels.clone(), b.labels.clone());
        self.sum(&mut a, &|l| wanted(l) || of_b.contains(l))?;
        self.sum(&mut b, &|l| wanted(l) || of_a.contains(l))?;
        let shared: Vec<Label> = a
            .labels
            .iter()
            .copied()
            .filter(|l| b.labels.contains(l))
            .collect();
        let (batch, summed): (Vec<Label>, Vec<Label>) = shared.iter().partition(|l| wanted(l));
        let own = |t: &Term| -> Vec<Label> {
            t.labels
                .iter()
                .copied()
                .filter(|l| !shared.contains(l))
                .collect()
        };
        let (rows, columns) = (own(&a), own(&b));
        let count = |dims: &[usize]| dims.iter().product::<usize>();
        let (batch_dims, row_dims) = (self.dims(&a, &batch), self.dims(&a, &rows));
        let (column_dims, k) = (self.dims(&b, &columns), count(&self.dims(&a, &summed)));
        let (groups, m, n) = (count(&batch_dims), count(&row_dims), count(&column_dims));
        if summed.is_empty() {
            let left = self.ordered(&a, &[&batch[..], &rows].concat())?;
            let ones = vec![1; column_dims.len()];
            let left = self.reshape(left, [&batch_dims[..], &row_dims, &ones].concat())?;
            let right = self.ordered(&b, &[&batch[..], &columns].concat())?;
            let ones = vec![1; row_dims.len()];
            let right = self.reshape(right, [&batch_dims[..], &ones, &column_dims].concat())?;
            let value = self.emit(binary(BinaryFn::Mul), &[left, right])?;
            let labels = [batch, rows, columns].concat();
            return Ok(Term { value, labels });
        }
        if !batch.is_empty() && is_constant(self.import, b.value) {
            // Products that have constants of their own: the groups of a convolution.
            let left = self.ordered(&a, &[&rows[..], &batch, &summed].concat())?;
            let left = self.reshape(left, vec![1, m, groups * k])?;
            let right = self.ordered(&b, &[&batch[..], &columns, &summed].concat())?;
            let right = self.reshape(right, vec![groups * n, 1, k])?;
            let value = self.emit(grouped(groups), &[left, right])?;
            let value = self.reshape(value, [row_dims, batch_dims, column_dims].concat())?;
            let labels = [rows, batch, columns].concat();
            return Ok(Term { value, labels });
        }
        let left = self.ordered(&a, &[&batch[..], &rows, &summed].concat())?;
        let right = self.ordered(&b, &[&batch[..], &summed, &columns].concat())?;
        let (left_dims, right_dims) = match batch.is_empty() {
            true => (vec![m, k], vec![k, n]),
            false => (vec![groups, m, k], vec![groups, k, n]),
        };
        let left = self.reshape(left, left_dims)?;
        let right = self.reshape(right, right_dims)?;
        let value = self.emit(Op::MatMul, &[left, right])?;
        let value = self.reshape(value, [batch_dims, row_dims, column_dims].concat())?;
        let labels = [batch, rows, columns].concat();
        Ok(Term { value, labels })
    }
}

fn grouped(groups: usize) -> Op {
    Op::Conv(Conv {
        strides: vec![1],
        dilations: vec![1],
        pads_before: vec![0],
        pads_after: vec![0],
        groups,
        clamp: None,
    })
}
