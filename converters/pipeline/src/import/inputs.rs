//! Initialisers and inputs of the model.

use std::collections::BTreeSet;

use redpoll_onnx::{Dim, TensorInfo};

use super::ImportOptions;
use super::importer::{Importer, Known};
use super::narrow;
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
    for node in &model.graph().node {
        used.extend(node.input.iter().map(String::as_str));
    }
    for proto in &model.graph().initializer {
        if !used.contains(proto.name.as_str()) {
            continue;
        }
        let decoded = model.tensor(proto).map_err(Stop::from);
        let (tensor, width) = decoded
            .and_then(|data| Ok((tensor_of(&data)?, narrow::width(data.data_type()))))
            .map_err(|stop| refused(&proto.name, stop))?;
        let id = import.graph.add_constant(&proto.name, tensor);
        import.narrow.extend(width.map(|w| (id, w)));
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
        let shape = concrete(&about, options).map_err(|stop| refused(&info.name, stop))?;
        let id = import.graph.add_value(&info.name, dtype, shape);
        import.graph.inputs.push(id);
        import
            .narrow
            .extend(narrow::width(about.data_type).map(|w| (id, w)));
        import.names.insert(info.name.clone(), Known::Value(id));
    }
    Ok(())
}

/// A shape with a number for each dimension.
pub(super) fn concrete(info: &TensorInfo, options: &ImportOptions) -> Result<Vec<usize>, Stop> {
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
            None if i == 0 => Ok(options.batch),
            None => Err(Stop::Invalid(format!(
                "dimension {i} is called {name:?} and has no size; give one: --dim {name}=N"
            ))),
        },
        Dim::Unknown if i == 0 => Ok(options.batch),
        Dim::Unknown => Err(Stop::Invalid(format!(
            "dimension {i} has neither name nor size; export the model with a fixed one"
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
