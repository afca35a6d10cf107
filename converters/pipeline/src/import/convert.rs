//! Conversions of the element type: Cast, QuantizeLinear, DequantizeLinear.

use redpoll_graph::{DType, Data, Op, QParams, Tensor, ValueId, shape};
use redpoll_onnx::DataType;

use super::blocks;
use super::compose::Compose;
use super::importer::Importer;
use super::narrow::{self, Width};
use super::node::{OnnxNode, Outputs, Stop, axis_of, gap, invalid};
use super::round_float;
use super::tensor::dtype_of;

/// Cast-6, -9, -13, -19 and later. Floats of any width are f32 here; those that become narrower than 16 bits, or BF16, are
/// rounded.
pub(crate) fn cast(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let Some(to) = node.proto.attr_int("to")? else {
        return invalid("attribute \"to\" is missing");
    };
    let to = DataType::from_onnx(i32::try_from(to).unwrap_or(0))?;
    if matches!(to, DataType::BF16 | DataType::Small(_)) {
        return Ok(vec![round_float::cast(import, node, x, to)?]);
    }
    Ok(vec![cast_to(
        import,
        node,
        x,
        dtype_of(to)?,
        narrow::width(to),
    )?])
}

/// BitCast-26 between integers of one width: how the graph holds them follows their value, so it is a cast.
pub(crate) fn bit_cast(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let x = node.input(0)?;
    let to = DataType::from_onnx(i32::try_from(node.int_or("to", 0)?).unwrap_or(0))?;
    let from = match (import.narrow.get(&x), import.dtype(x)) {
        (Some((bits, _)), _) => usize::from(*bits),
        (None, DType::F32) => return gap("the bits of floats are not read as another type"),
        (None, dtype) => 8 * dtype.size(),
    };
    if to.is_float() || to == DataType::Bool {
        return gap(format!("integers are not read as {to}"));
    }
    if to.bits() != from {
        return invalid(format!("{from} bits as {to}"));
    }
    Ok(vec![cast_to(
        import,
        node,
        x,
        dtype_of(to)?,
        narrow::width(to),
    )?])
}

/// CastLike-15, -19 and later.
pub(crate) fn cast_like(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let (x, like) = (node.input(0)?, node.input(1)?);
    if let Some(&float) = import.floats.get(&like) {
        return Ok(vec![round_float::cast(import, node, x, float)?]);
    }
    let width = import.narrow.get(&like).copied();
    let to = import.dtype(like);
    Ok(vec![cast_to(import, node, x, to, width)?])
}

/// `x` as `to`, cut to `width`. Of floats, what is beyond the width saturates first, as it does for 8 bits.
fn cast_to(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    x: ValueId,
    to: DType,
    width: Option<Width>,
) -> Result<ValueId, Stop> {
    let own = import.narrow.get(&x).copied();
    let mut y = x;
    if import.dtype(y) != to {
        y = import.emit_part(node, "cast", Op::Cast { to }, &[y])?;
    }
    if let Some(width) = width.filter(|_| own != width) {
        y = narrow::wrap(import, node, y, width)?;
    } else if own != width && y == x {
        // The same elements without a width of their own.
        let shape = import.shape(x).to_vec();
        y = import.emit_part(node, "copy", Op::Reshape { shape }, &[x])?;
    }
    import.narrow.extend(width.map(|w| (y, w)));
    Ok(y)
}

/// QuantizeLinear-10, -13, -19, -21 and later. With constant scales for a tensor or channel and 8 bits, scale and zero
/// point become those of the result; otherwise it is written out as arithmetic.
pub(crate) fn quantize(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    quantize_along(import, node, node.int_or("axis", 1)?)
}

/// As [`quantize`] with scales along `axis`.
pub(crate) fn quantize_along(import: &mut Importer<'_>, node: &OnnxNode<'_>, axis: i64) -> Outputs {
    let x = node.input(0)?;
    if import.dtype(x) != DType::F32 {
        return gap("only floats can be quantised");
    }
    if let Some(float) = small_result(import, node)? {
        return blocks::quantize_to_float(import, node, axis, float);
    }
    let (dtype, width) = match node.optional(2) {
        Some(zero_point) => (
            import.dtype(zero_point),
            import.narrow.get(&zero_point).copied(),
        ),
        None => match node.int_or("output_dtype", 0)? {
            0 => (DType::U8, None),
            t => {
                let t = DataType::from_onnx(i32::try_from(t).unwrap_or(0))?;
                (dtype_of(t)?, narrow::width(t))
            }
        },
    };
    if dtype.quantized_range().is_none() || !is_simple(import, node)? {
        return blocks::quantize(import, node, axis, dtype, width);
    }
    let qparams = qparams(import, node, import.shape(x).to_vec(), dtype, axis)?;
    if let Some(values) = import.graph.constant(x).and_then(Tensor::as_f32) {
        let shape = import.shape(x).to_vec();
        let tensor = quantize_constant(values, &shape, dtype, &qparams)?;
        let id = import.graph.add_constant(node.output_name(), tensor);
        import.graph.value_mut(id).qparams = Some(qparams);
        return Ok(vec![id]);
    }
    Ok(vec![import.emit_quantized(
        node,
        Op::Quantize,
        x,
        dtype,
        qparams,
    )])
}

/// The type of at most 8 bits that a QuantizeLinear gives, if it is a float.
fn small_result(import: &Importer<'_>, node: &OnnxNode<'_>) -> Result<Option<DataType>, Stop> {
    let float = match (node.optional(2), node.int_or("output_dtype", 0)?) {
        (Some(zero), _) => import.floats.get(&zero).copied(),
        (None, 0) => None,
        (None, t) => Some(DataType::from_onnx(i32::try_from(t).unwrap_or(0))?),
    };
    Ok(float.filter(|t| matches!(t, DataType::Small(_))))
}

/// True for scales that are constant, one or for constants a vector, and not of blocks. Integers that a run makes have one
/// scale, and 8 bits.
fn is_simple(import: &Importer<'_>, node: &OnnxNode<'_>) -> Result<bool, Stop> {
    let x = node.input(0)?;
    let made = import.graph.constant(x).is_none();
    let scale = import.graph.constant(node.input(1)?);
    let zero = node.optional(2).map(|id| import.graph.constant(id));
    let whole = node.int_or("block_size", 0)? == 0;
    let fits = |s: &Tensor| s.shape().len() <= 1 && !(made && s.len() > 1);
    let plain = scale.is_some_and(fits) && zero != Some(None);
    Ok(whole && plain && !(made && import.dtype(x) == DType::I32))
}

/// DequantizeLinear-10, -13, -19, -21 and later. With constant scales for a tensor or channel and 8 bits or i32, scale and
/// zero point become those of the operand; otherwise it is written out as arithmetic.
pub(crate) fn dequantize(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let axis = node.int_or("axis", 1)?;
    Ok(vec![dequantize_along(import, node, axis)?])
}

/// As [`dequantize`] with scales along `axis`.
pub(crate) fn dequantize_along(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    axis: i64,
) -> Result<ValueId, Stop> {
    let mut x = node.input(0)?;
    let fits = matches!(import.dtype(x), DType::I8 | DType::U8 | DType::I32);
    let zero_is_zero = |import: &Importer<'_>| match node.optional(2) {
        Some(id) if import.dtype(x) == DType::I32 => import
            .graph
            .constant(id)
            .and_then(Tensor::to_i64)
            .is_some_and(|v| v.iter().all(|&z| z == 0)),
        _ => true,
    };
    let wide = import.narrow.contains_key(&x);
    if !fits || wide || !zero_is_zero(import) || !is_simple(import, node)? {
        return blocks::dequantize(import, node, axis);
    }
    let qparams = qparams(
        import,
        node,
        import.shape(x).to_vec(),
        import.dtype(x),
        axis,
    )?;
    match &import.graph.value(x).qparams {
        Some(own) if *own == qparams => {}
        Some(_) => {
            // The same integers read with another scale: only constants can be copied for that.
            let Some(tensor) = import.graph.constant(x).cloned() else {
                return gap("the integers are read with two different scales or zero points");
            };
            x = import.constant(node, "stored", tensor);
            import.graph.value_mut(x).qparams = Some(qparams);
        }
        None => give_qparams(import, x, &qparams)?,
    }
    let (name, value) = (node.name.clone(), format!("{}_real", node.name));
    let value = if node.proto.op_type == "DequantizeLinear" {
        node.output_name().to_owned()
    } else {
        value
    };
    import.emit_as(&name, &value, Op::Dequantize, &[x])
}

/// `x` as the type that an attribute names; f32 without it.
pub(crate) fn output_type(
    c: &mut Compose<'_, '_, '_, '_>,
    x: ValueId,
    attribute: &str,
) -> Result<ValueId, Stop> {
    let to = match c.node.int_or(attribute, 0)? {
        0 => return Ok(x),
        t => DataType::from_onnx(i32::try_from(t).unwrap_or(0))?,
    };
    cast_to(c.import, c.node, x, dtype_of(to)?, narrow::width(to))
}

/// Gives `id` its scale, and the values that it was moved from unchanged.
fn give_qparams(import: &mut Importer<'_>, id: ValueId, qparams: &QParams) -> Result<(), Stop> {
    let mut todo = vec![id];
    while let Some(id) = todo.pop() {
        let value = import.graph.value_mut(id);
        match &value.qparams {
            Some(own) if own == qparams => continue,
            Some(_) => return gap("integers with different scales are moved into one value"),
            None => value.qparams = Some(qparams.clone()),
        }
        let made_by = import.graph.nodes.iter().rev().find(|n| n.output == id);
        let Some(maker) = made_by.filter(|n| shape::keeps_qparams(&n.op)) else {
            continue;
        };
        if !qparams.is_per_tensor() {
            return gap("integers with a scale for each channel are moved; quantise per tensor");
        }
        todo.extend_from_slice(shape::qparams_operands(&maker.op, &maker.inputs));
    }
    Ok(())
}

/// Scale (input 1) and zero point (input 2) with the axis that they run along.
fn qparams(
    import: &Importer<'_>,
    node: &OnnxNode<'_>,
    shape: Vec<usize>,
    dtype: DType,
    axis: i64,
) -> Result<QParams, Stop> {
    let scale = import.constant_input(node, 1, "the scale")?;
    let Some(scales) = scale.as_f32().map(<[f32]>::to_vec) else {
        return invalid("the scale is not a float");
    };
    let zero_points = match node.optional(2) {
        None => vec![0; scales.len()],
        Some(_) => import
            .constant_ints(node, 2, "the zero point")?
            .iter()
            .map(|&z| i32::try_from(z).unwrap_or(i32::MAX))
            .collect(),
    };
    if zero_points.len() != scales.len() || scales.is_empty() {
        return invalid("scale and zero point differ in length");
    }
    let (lo, hi) = dtype.quantized_range().unwrap_or((0, 0));
    if let Some(bad) = zero_points.iter().find(|z| !(lo..=hi).contains(z)) {
        return invalid(format!("zero point {bad} of type {dtype}"));
    }
    if let Some(bad) = scales.iter().find(|s| !(s.is_finite() && **s > 0.0)) {
        return invalid(format!("scale {bad}"));
    }
    let along_axis = scale.shape().len() == 1 && scales.len() > 1;
    if !along_axis && scales.len() > 1 {
        return gap("scales with more than one axis are not supported");
    }
    let axis = if along_axis {
        let axis = axis_of(axis, shape.len())?;
        if shape[axis] != scales.len() {
            return invalid(format!(
                "{} scales for axis {axis} of {shape:?}",
                scales.len()
            ));
        }
        Some(axis)
    } else {
        None
    };
    Ok(QParams {
        scales,
        zero_points,
        axis,
    })
}

/// `saturate(round_half_even(x / s) + z)` element by element.
fn quantize_constant(
    values: &[f32],
    shape: &[usize],
    dtype: DType,
    qparams: &QParams,
) -> Result<Tensor, Stop> {
    let (lo, hi) = dtype.quantized_range().unwrap_or((-128, 127));
    let inner: usize = qparams.axis.map_or(1, |a| shape[a + 1..].iter().product());
    let channels = qparams.scales.len();
    let integers = values.iter().enumerate().map(|(i, &v)| {
        let c = i / inner.max(1) % channels;
        let z = qparams.zero_points[c];
        let q = (v / qparams.scales[c]).clamp((lo - z) as f32, (hi - z) as f32);
        // In range, so the conversion is exact; NaN becomes 0 and then the zero point.
        q.round_ties_even() as i32 + z
    });
    let data = if dtype == DType::U8 {
        Data::U8(integers.map(|q| u8::try_from(q).unwrap_or(0)).collect())
    } else {
        Data::I8(integers.map(|q| i8::try_from(q).unwrap_or(0)).collect())
    };
    Ok(Tensor::new(shape.to_vec(), data)?)
}
