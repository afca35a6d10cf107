//! Nodes that are constants once shapes are known: Constant, ConstantOfShape, Shape, Size, Range; and those that pass
//! their input on: Identity, Dropout.

use redpoll_graph::{DType, Data, Tensor};

use super::importer::Importer;
use super::node::{OnnxNode, Outputs, Stop, gap, invalid};
use super::tensor::tensor_of;

/// Elements of a constant that a few bytes of a model may ask for.
const MAX_FILLED: usize = 1 << 24;

/// Constant-1 to -25, all forms but strings and sparse tensors.
pub(crate) fn constant(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let proto = node.proto;
    let mut data_type = None;
    // In the body of a loop the message stays where it is: its tensor is decoded once, however many trips there are.
    let given = proto.attr_tensor("value")?;
    let key = given.map(|t| std::ptr::from_ref(t).addr());
    if let Some(&id) = key.and_then(|key| import.decoded.get(&key)) {
        return Ok(vec![id]);
    }
    let tensor = if let Some(t) = given {
        let data = import.model.tensor(t)?;
        data_type = Some(data.data_type());
        tensor_of(&data)?
    } else if let Some(v) = proto.attr_float("value_float")? {
        Tensor::scalar(v)
    } else if let Some(v) = proto.attr_floats("value_floats")? {
        Tensor::vector_f32(v.to_vec())
    } else if let Some(v) = proto.attr_int("value_int")? {
        Tensor::new(Vec::new(), Data::I64(vec![v]))?
    } else if let Some(v) = proto.attr_ints("value_ints")? {
        Tensor::vector_i64(v.to_vec())
    } else if proto.attribute.is_empty() {
        return invalid("the constant has no value");
    } else {
        return gap("strings and sparse tensors are not supported");
    };
    let id = import.graph.add_constant(node.output_name(), tensor);
    if let Some(data_type) = data_type {
        import.note(id, data_type);
    }
    if let Some(key) = key.filter(|_| import.depth > 0) {
        import.decoded.insert(key, id);
    }
    Ok(vec![id])
}

/// ConstantOfShape-9, -20 and later; zeros of f32 without `value`.
pub(crate) fn constant_of_shape(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let wanted = import.constant_ints(node, 0, "the shape")?;
    let value = match node.proto.attr_tensor("value")? {
        Some(t) => tensor_of(&import.model.tensor(t)?)?,
        None => Tensor::scalar(0.0),
    };
    let shape: Option<Vec<usize>> = wanted.iter().map(|&d| usize::try_from(d).ok()).collect();
    let Some(shape) = shape else {
        return invalid(format!("shape {wanted:?}"));
    };
    let count = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    let affordable = |&n: &usize| n <= MAX_FILLED && import.budget.take(n, n);
    let Some(n) = count.filter(affordable) else {
        return gap(format!(
            "shape {shape:?} is larger than {MAX_FILLED} elements"
        ));
    };
    let empty = || Stop::Invalid("the value has no element".to_owned());
    let data = match value.data() {
        Data::F32(v) => Data::F32(vec![*v.first().ok_or_else(empty)?; n]),
        Data::I8(v) => Data::I8(vec![*v.first().ok_or_else(empty)?; n]),
        Data::U8(v) => Data::U8(vec![*v.first().ok_or_else(empty)?; n]),
        Data::I32(v) => Data::I32(vec![*v.first().ok_or_else(empty)?; n]),
        Data::I64(v) => Data::I64(vec![*v.first().ok_or_else(empty)?; n]),
        Data::Bool(v) => Data::Bool(vec![*v.first().ok_or_else(empty)?; n]),
    };
    let tensor = Tensor::new(shape, data)?;
    Ok(vec![import.graph.add_constant(node.output_name(), tensor)])
}

/// Shape-1, -13, -15 (start and end), -19 and later.
pub(crate) fn shape(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let dims: Vec<i64> = import
        .shape(node.input(0)?)
        .iter()
        .map(|&d| i64::try_from(d).unwrap_or(i64::MAX))
        .collect();
    let rank = i64::try_from(dims.len()).unwrap_or(i64::MAX);
    let bound = |v: i64| {
        let v = if v < 0 { v.saturating_add(rank) } else { v };
        usize::try_from(v.clamp(0, rank)).unwrap_or(0)
    };
    let start = bound(node.int_or("start", 0)?);
    let end = bound(node.int_or("end", rank)?);
    let part = dims.get(start..end).unwrap_or_default().to_vec();
    Ok(vec![import.graph.add_constant(
        node.output_name(),
        Tensor::vector_i64(part),
    )])
}

/// Size-1, -13 and later.
pub(crate) fn size(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let n = import.graph.value(node.input(0)?).len();
    let n = i64::try_from(n).unwrap_or(i64::MAX);
    let tensor = Tensor::new(Vec::new(), Data::I64(vec![n]))?;
    Ok(vec![import.graph.add_constant(node.output_name(), tensor)])
}

/// Range-11.
pub(crate) fn range(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    let dtype = import.dtype(node.input(0)?);
    let tensor = match dtype {
        DType::F32 => float_range(import, node)?,
        DType::I32 | DType::I64 => integer_range(import, node, dtype)?,
        other => return gap(format!("a range of type {other} is not supported")),
    };
    if !import.budget.take(tensor.len(), tensor.len()) {
        return gap("the constants of the model are too large together");
    }
    let name = node.output_name();
    Ok(vec![import.graph.add_constant(name, tensor)])
}

/// The three operands of a range.
const BOUNDS: [&str; 3] = ["start", "limit", "delta"];

fn integer_range(import: &Importer<'_>, node: &OnnxNode<'_>, dtype: DType) -> Result<Tensor, Stop> {
    let mut bounds = [0i64; 3];
    for (i, what) in BOUNDS.into_iter().enumerate() {
        bounds[i] = match import.constant_ints(node, i, what)?[..] {
            [v] => v,
            _ => return invalid(format!("{what} is not one integer")),
        };
    }
    let [start, limit, delta] = bounds;
    let (wide, step) = (i128::from(limit) - i128::from(start), i128::from(delta));
    if step == 0 {
        return invalid("delta is 0");
    }
    let whole = wide / step + i128::from(wide % step != 0);
    let count = match usize::try_from(whole) {
        _ if (wide > 0) != (step > 0) => 0,
        Ok(n) if n <= MAX_FILLED => n,
        _ => return gap(format!("more than {MAX_FILLED} elements")),
    };
    let values = std::iter::successors(Some(start), |v| v.checked_add(delta)).take(count);
    let narrow = |v: i64| i32::try_from(v).unwrap_or(i32::MAX);
    let data = match dtype {
        DType::I32 => Data::I32(values.map(narrow).collect()),
        _ => Data::I64(values.collect()),
    };
    Ok(Tensor::new(vec![count], data)?)
}

fn float_range(import: &Importer<'_>, node: &OnnxNode<'_>) -> Result<Tensor, Stop> {
    let mut bounds = [0f32; 3];
    for (i, what) in BOUNDS.into_iter().enumerate() {
        bounds[i] = match import.constant_input(node, i, what)?.scalar_f32() {
            Some(v) if v.is_finite() => v,
            _ => return invalid(format!("{what} is not one finite float")),
        };
    }
    let [start, limit, delta] = bounds;
    if delta == 0.0 {
        return invalid("delta is 0");
    }
    let count = ((limit - start) / delta).ceil().max(0.0);
    if count > MAX_FILLED as f32 {
        return gap(format!("more than {MAX_FILLED} elements"));
    }
    // A small whole number.
    let values: Vec<f32> = (0..count as usize)
        .map(|i| start + i as f32 * delta)
        .collect();
    Ok(Tensor::vector_f32(values))
}

/// Identity, and Dropout in inference: the input itself.
pub(crate) fn pass(import: &mut Importer<'_>, node: &OnnxNode<'_>) -> Outputs {
    if node.proto.op_type == "Dropout" && node.opset >= 12 && node.optional(2).is_some() {
        match import.constant_input(node, 2, "training_mode")?.data() {
            Data::Bool(v) if v.iter().all(|&b| !b) => {}
            _ => return gap("training mode is not supported; export for inference"),
        }
    }
    if node.proto.op_type == "Dropout" && node.opset < 7 && !node.flag("is_test")? {
        return gap("training mode is not supported; export for inference");
    }
    let x = node.input(0)?;
    if !node.wants_output(1) {
        return Ok(vec![x]);
    }
    // In inference everything is kept.
    let shape = import.shape(x).to_vec();
    let n = import.graph.value(x).len();
    if n > MAX_FILLED || !import.budget.take(n, n) {
        return gap(format!("a mask of {n} elements"));
    }
    let mask = if node.opset < 10 {
        Data::F32(vec![1.0; n])
    } else {
        Data::Bool(vec![true; n])
    };
    let mask = Tensor::new(shape, mask)?;
    Ok(vec![x, import.constant(node, "mask", mask)])
}
