//! Initialisers and inputs of the model.

use std::collections::BTreeSet;
use std::str::FromStr;

use redpoll_graph::{DType, Data, Tensor};
use redpoll_onnx::proto::GraphProto;
use redpoll_onnx::{Dim, TensorInfo};

use super::ImportOptions;
use super::importer::{Importer, Known};
use super::node::Stop;
use super::tensor::{check_shape, dtype_of, tensor_of};
use crate::{Error, ErrorKind, Gap};

/// Initialisers become constants.
pub(crate) fn constants(import: &mut Importer<'_>) -> Result<(), Error> {
    let model = import.model;
    if let Some(sparse) = model.graph().sparse_initializer.first() {
        let name = sparse.values.as_ref().map_or("", |v| v.name.as_str());
        return Err(refused(
            name,
            Stop::Gap("sparse initialisers are not supported".into()),
        ));
    }
    let mut used: BTreeSet<&str> = model
        .graph()
        .output
        .iter()
        .map(|o| o.name.as_str())
        .collect();
    let mut todo = vec![model.graph()];
    while let Some(graph) = todo.pop() {
        for node in &graph.node {
            used.extend(node.input.iter().map(String::as_str));
            let bodies = node.attribute.iter();
            todo.extend(bodies.filter_map(|a| a.g.as_deref()));
        }
        used.extend(graph.output.iter().map(|o| o.name.as_str()));
    }
    for proto in &model.graph().initializer {
        if !used.contains(proto.name.as_str()) {
            continue;
        }
        let decoded = model.tensor(proto).map_err(Stop::from);
        let (tensor, data_type) = decoded
            .and_then(|data| Ok((tensor_of(&data)?, data.data_type())))
            .map_err(|stop| refused(&proto.name, stop))?;
        let id = import.graph.add_constant(&proto.name, tensor);
        import.note(id, data_type);
        import.names.insert(proto.name.clone(), Known::Value(id));
    }
    Ok(())
}

/// Inputs get concrete shapes. Those that an initialiser gives a default are constants already.
pub(crate) fn inputs(import: &mut Importer<'_>, options: &ImportOptions) -> Result<(), Error> {
    let model = import.model;
    let initialised: BTreeSet<&str> = model
        .graph()
        .initializer
        .iter()
        .map(|t| t.name.as_str())
        .collect();
    let batches = leading_names(model.graph());
    for info in &model.graph().input {
        if initialised.contains(info.name.as_str()) {
            continue;
        }
        let about = info.tensor_info().map_err(Stop::from);
        let about = about.map_err(|stop| refused(&info.name, stop))?;
        let Some(about) = about else {
            let stop = Stop::Invalid("the input has no type".into());
            return Err(refused(&info.name, stop));
        };
        let dtype = dtype_of(about.data_type).map_err(|stop| refused(&info.name, stop))?;
        let shape = concrete(&info.name, &about, options, &batches);
        let shape = shape.map_err(|stop| refused(&info.name, stop))?;
        if let Some(text) = options.set.get(&info.name) {
            let fixed = fixed(dtype, shape, text).map_err(|stop| refused(&info.name, stop))?;
            let id = import.graph.add_constant(&info.name, fixed);
            import.names.insert(info.name.clone(), Known::Value(id));
            continue;
        }
        let id = import.graph.add_value(&info.name, dtype, shape);
        import.graph.inputs.push(id);
        import.note(id, about.data_type);
        import.names.insert(info.name.clone(), Known::Value(id));
    }
    Ok(())
}

/// Names of leading dimensions: the batch, wherever else they stand.
pub(super) fn leading_names(graph: &GraphProto) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for info in &graph.input {
        if let Ok(Some(about)) = info.tensor_info()
            && let Some([Dim::Named(name), ..]) = about.dims.as_deref()
        {
            names.insert(name.clone());
        }
    }
    names
}

/// Names in the options that no input has are mistakes.
pub(crate) fn check_names(import: &Importer<'_>, options: &ImportOptions) -> Result<(), Error> {
    let inputs: Vec<&str> = import
        .model
        .graph()
        .input
        .iter()
        .map(|i| i.name.as_str())
        .collect();
    let mut named = options.set.keys().chain(options.shapes.keys());
    match named.find(|name| !inputs.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "there is no input \"{name}\"; there are: {}",
                inputs.join(", ")
            ),
        )),
    }
}

/// The shape that the user gives, where it fits what the model says.
fn given(info: &TensorInfo, shape: &[usize]) -> Result<Vec<usize>, Stop> {
    let fits = |(dim, &size): (&Dim, &usize)| !matches!(dim, Dim::Fixed(n) if *n != size);
    match &info.dims {
        Some(dims) if dims.len() != shape.len() || !dims.iter().zip(shape).all(fits) => Err(
            Stop::Invalid(format!("the shape {shape:?} does not fit the model's")),
        ),
        _ => {
            check_shape(shape)?;
            Ok(shape.to_vec())
        }
    }
}

/// Elements that an input set to a value may have.
const MAX_SET: usize = 1 << 20;

/// A constant of this shape from text: one number for all elements, or one each.
fn fixed(dtype: DType, shape: Vec<usize>, text: &str) -> Result<Tensor, Stop> {
    let count = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    let Some(count) = count.filter(|&n| n <= MAX_SET) else {
        return Err(Stop::Invalid(format!(
            "shape {shape:?} is too large to be set"
        )));
    };
    let data = match dtype {
        DType::F32 => Data::F32(parsed(text, count)?),
        DType::I8 => Data::I8(parsed(text, count)?),
        DType::U8 => Data::U8(parsed(text, count)?),
        DType::I32 => Data::I32(parsed(text, count)?),
        DType::I64 => Data::I64(parsed(text, count)?),
        DType::Bool => Data::Bool(parsed(text, count)?),
    };
    Ok(Tensor::new(shape, data)?)
}

fn parsed<T: FromStr + Clone>(text: &str, count: usize) -> Result<Vec<T>, Stop> {
    let wrong = || {
        Stop::Invalid(format!(
            "{text:?} is not one value of its type, or {count} with commas"
        ))
    };
    let values: Vec<T> = text
        .split(',')
        .map(|v| v.trim().parse().map_err(|_| wrong()))
        .collect::<Result<_, _>>()?;
    match values.as_slice() {
        [one] => Ok(vec![one.clone(); count]),
        all if all.len() == count => Ok(values),
        _ => Err(wrong()),
    }
}

/// A shape with a number for each dimension.
pub(super) fn concrete(
    input: &str,
    info: &TensorInfo,
    options: &ImportOptions,
    batches: &BTreeSet<String>,
) -> Result<Vec<usize>, Stop> {
    if let Some(whole) = options.shapes.get(input) {
        return given(info, whole);
    }
    let Some(dims) = &info.dims else {
        return Err(Stop::Invalid(
            "the model does not say how many dimensions the input has; export it with a shape"
                .into(),
        ));
    };
    let size = |(i, dim): (usize, &Dim)| match dim {
        Dim::Fixed(n) => Ok(*n),
        Dim::Named(name) => match options.dims.get(name) {
            Some(&n) => Ok(n),
            None if i == 0 || batches.contains(name) => Ok(options.batch),
            None => Err(Stop::Invalid(format!(
                "dimension {i} is called {name:?} and has no size; give one: --dim {name}=N"
            ))),
        },
        Dim::Unknown if i == 0 => Ok(options.batch),
        Dim::Unknown => Err(Stop::Invalid(format!(
            "dimension {i} has neither name nor size; give the input's whole shape: --shape NAME=N,N,…"
        ))),
    };
    let shape = dims
        .iter()
        .enumerate()
        .map(size)
        .collect::<Result<Vec<_>, _>>()?;
    check_shape(&shape)?;
    Ok(shape)
}

pub(super) fn refused(name: &str, stop: Stop) -> Error {
    match stop {
        Stop::Gap(reason) => Error::unsupported(vec![Gap {
            node: name.to_owned(),
            op: "tensor".to_owned(),
            reason,
        }]),
        Stop::Invalid(reason) => {
            Error::new(ErrorKind::Invalid, format!("tensor \"{name}\": {reason}"))
        }
        Stop::Blocked => Error::new(ErrorKind::Internal, format!("tensor \"{name}\" is blocked")),
    }
}
