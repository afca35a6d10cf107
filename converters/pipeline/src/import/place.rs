//! Operators on the places of elements in planes: unpooling, blocks put together, grids, determinants.

use std::sync::Arc;

use redpoll_graph::op::{Pad, PadMode, Scatter, SparseRows};
use redpoll_graph::{Op, ValueId};

use super::compose::{Compose, MAX_MADE};
use super::importer::Importer;
use super::node::{OnnxNode, Outputs, Stop, gap, invalid};

/// MaxUnpool-9, -11, -22: elements put back to where they were the greatest.
pub(crate) fn max_unpool(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (x, places) = (node.input(0)?, node.input(1)?);
    let shape = import.shape(x).to_vec();
    let axes = shape.len().saturating_sub(2);
    let kernel = node.sizes_or("kernel_shape", axes, 1, 1)?;
    let strides = node.sizes_or("strides", axes, 1, 1)?;
    let pads = node.sizes_or("pads", 2 * axes, 0, 0)?;
    let mut own = shape.clone();
    for i in 0..axes {
        let reach = (shape[2 + i].max(1) - 1)
            .saturating_mul(strides[i])
            .saturating_add(kernel[i]);
        own[2 + i] = reach.saturating_sub(pads[i].saturating_add(pads[axes + i]));
    }
    // Places count within the smallest plane that the attributes allow; a larger output gets a border of zeros after it.
    let to = match import.optional_ints(node, 2, "output_shape")? {
        Some(to) => to
            .iter()
            .map(|&d| usize::try_from(d).unwrap_or(0))
            .collect(),
        None => own.clone(),
    };
    let count = |s: &[usize]| s.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    if to.len() != own.len() || to.iter().zip(&own).any(|(to, own)| to < own) {
        return invalid(format!("output_shape {to:?} is less than {own:?}"));
    }
    let Some(total) = count(&own).filter(|&n| n <= MAX_MADE) else {
        return gap(format!("a result of shape {to:?}"));
    };
    let n = import.graph.value(x).len();
    let c = &mut Compose::new(import, node);
    let zeros = c.floats(vec![total], vec![0.0; total])?;
    let flat = c.reshape(x, vec![n])?;
    let places = c.reshape(places, vec![n])?;
    let op = Op::ScatterElements {
        axis: 0,
        mode: Scatter::Replace,
    };
    let y = c.op(op, &[zeros, places, flat])?;
    let y = c.reshape(y, own.clone())?;
    if to == own {
        return Ok(vec![y]);
    }
    let pad = Pad {
        before: vec![0; own.len()],
        after: to.iter().zip(&own).map(|(to, own)| to - own).collect(),
        mode: PadMode::Constant,
        value: 0.0,
    };
    Ok(vec![c.op(Op::Pad(pad), &[y])?])
}

/// Entries and results of a map that an import makes.
const MOST_ENTRIES: usize = 1 << 22;

/// Col2Im-18: blocks added up where they overlap, as a linear map of few weights.
pub(crate) fn col2im(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let sizes = |v: Vec<i64>| -> Result<Vec<usize>, Stop> {
        let sizes = v
            .iter()
            .map(|&d| usize::try_from(d).ok().filter(|&d| d > 0));
        match sizes.collect::<Option<Vec<_>>>() {
            Some(s) if !s.is_empty() && s.len() <= 3 => Ok(s),
            _ => invalid(format!("sizes {v:?}")),
        }
    };
    let image = sizes(import.constant_ints(node, 1, "the image's shape")?)?;
    let block = sizes(import.constant_ints(node, 2, "the block's shape")?)?;
    let axes = image.len();
    let strides = node.sizes_or("strides", axes, 1, 1)?;
    let dilations = node.sizes_or("dilations", axes, 1, 1)?;
    let pads = node.sizes_or("pads", 2 * axes, 0, 0)?;
    let shape = import.shape(x).to_vec();
    let &[n, columns, positions] = shape.as_slice() else {
        return invalid(format!("shape {shape:?} is not [N, C · block, L]"));
    };
    if block.len() != axes {
        return invalid("image and block differ in rank");
    }
    let mut windows = Vec::with_capacity(axes);
    for i in 0..axes {
        let span = (block[i] - 1)
            .saturating_mul(dilations[i])
            .saturating_add(1);
        let padded = image[i]
            .saturating_add(pads[i])
            .saturating_add(pads[axes + i]);
        match padded.checked_sub(span) {
            Some(room) => windows.push(room / strides[i] + 1),
            None => return invalid(format!("a block of {span} over {padded}")),
        }
    }
    let product = |s: &[usize]| s.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    let (area, taps) = (product(&image).unwrap_or(0), product(&block).unwrap_or(0));
    let entries = taps.checked_mul(positions).filter(|&e| e <= MOST_ENTRIES);
    if product(&windows) != Some(positions) || taps == 0 || columns % taps != 0 {
        return invalid(format!("{positions} positions of {columns} elements"));
    }
    if entries.is_none() || area == 0 || area > MOST_ENTRIES {
        return gap(format!("an image of {image:?}"));
    }
    let mut rows: Vec<Vec<u32>> = vec![Vec::new(); area];
    for tap in 0..taps {
        for position in 0..positions {
            let (mut t, mut p, mut at, mut step) = (tap, position, Some(0), 1);
            for i in (0..axes).rev() {
                let (k, w) = (t % block[i], p % windows[i]);
                (t, p) = (t / block[i], p / windows[i]);
                let place = (w * strides[i] + k * dilations[i])
                    .checked_sub(pads[i])
                    .filter(|&v| v < image[i]);
                at = at.zip(place).map(|(at, v)| at + v * step);
                step *= image[i];
            }
            if let Some(at) = at {
                rows[at].push((tap * positions + position) as u32);
            }
        }
    }
    let op = Op::SparseRows(sums(2, &rows));
    let channels = columns / taps;
    let c = &mut Compose::new(import, node);
    let x = c.reshape(x, vec![n, channels, taps * positions])?;
    let y = c.op(op, &[x])?;
    let mut to = vec![n, channels];
    to.extend(image);
    Ok(vec![c.reshape(y, to)?])
}

/// The map that adds up the elements listed for each result.
fn sums(axis: usize, rows: &[Vec<u32>]) -> SparseRows {
    let mut starts = vec![0u32];
    let mut index = Vec::new();
    for row in rows {
        index.extend(row);
        starts.push(index.len() as u32);
    }
    SparseRows {
        axis,
        starts: starts.into(),
        weights: vec![1.0; index.len()].into(),
        index: Arc::from(index),
    }
}

/// AffineGrid-20: places of a regular grid, turned by matrices.
pub(crate) fn affine_grid(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let theta = node.input(0)?;
    let size = import.constant_ints(node, 1, "the size")?;
    let space: Option<Vec<usize>> = size
        .get(2..)
        .unwrap_or_default()
        .iter()
        .map(|&d| usize::try_from(d).ok().filter(|&d| d > 0))
        .collect();
    let Some(space) = space.filter(|s| (2..=3).contains(&s.len())) else {
        return invalid(format!("size {size:?}"));
    };
    let axes = space.len();
    let n = import.shape(theta).first().copied().unwrap_or(0);
    if import.shape(theta) != [n, axes, axes + 1] {
        return invalid(format!("matrices {:?}", import.shape(theta)));
    }
    let aligned = node.flag("align_corners")?;
    let points = space.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    let Some(points) = points.filter(|&p| p <= MAX_MADE / 4) else {
        return gap(format!("a grid of {space:?}"));
    };
    let at = |i: usize, d: usize| {
        if aligned {
            if d == 1 {
                -1.0
            } else {
                2.0 * i as f32 / (d - 1) as f32 - 1.0
            }
        } else {
            (2.0 * i as f32 + 1.0) / d as f32 - 1.0
        }
    };
    // Rows x, y, (z), 1.
    let mut grid = vec![1.0f32; (axes + 1) * points];
    for p in 0..points {
        let mut rest = p;
        for i in (0..axes).rev() {
            grid[(axes - 1 - i) * points + p] = at(rest % space[i], space[i]);
            rest /= space[i];
        }
    }
    let c = &mut Compose::new(import, node);
    let grid = c.floats(vec![axes + 1, points], grid)?;
    let y = c.matmul(theta, grid)?;
    let y = c.transpose(y, vec![0, 2, 1])?;
    let mut to = vec![n];
    to.extend(&space);
    to.push(axes);
    Ok(vec![c.reshape(y, to)?])
}

/// Det-11, -22 of matrices up to 4 × 4, by minors.
pub(crate) fn det(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let shape = import.shape(x).to_vec();
    let &[.., n, m] = shape.as_slice() else {
        return invalid(format!("shape {shape:?} is no matrix"));
    };
    if n != m || n == 0 {
        return invalid(format!("a matrix of {n} × {m}"));
    }
    if n > 4 {
        return gap(format!("a determinant of {n} × {n}; 4 × 4 is the limit"));
    }
    let c = &mut Compose::new(import, node);
    let rows: Vec<usize> = (0..n).collect();
    let y = minor(c, x, &rows, &rows)?;
    Ok(vec![c.reshape(y, shape[..shape.len() - 2].to_vec())?])
}

/// The determinant of the chosen rows and columns.
fn minor(
    c: &mut Compose<'_, '_, '_, '_>,
    x: ValueId,
    rows: &[usize],
    columns: &[usize],
) -> Result<ValueId, Stop> {
    let rank = c.import.rank(x);
    let mut sum = None;
    for (i, &column) in columns.iter().enumerate() {
        let row = c.slice(x, rank - 2, rows[0], 1, 1)?;
        let mut term = c.slice(row, rank - 1, column, 1, 1)?;
        if rows.len() > 1 {
            let others: Vec<usize> = columns.iter().copied().filter(|&k| k != column).collect();
            let rest = minor(c, x, &rows[1..], &others)?;
            term = c.mul(term, rest)?;
        }
        sum = Some(match sum {
            None => term,
            Some(s) if i % 2 == 1 => c.sub(s, term)?,
            Some(s) => c.add(s, term)?,
        });
    }
    match sum {
        Some(sum) => Ok(sum),
        None => invalid("an empty matrix"),
    }
}
