//! The converter: files in, files out, the report as JSON.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use redpoll_pipeline::compile::{self as stages, CompileOptions};
use redpoll_pipeline::convert::{Request, convert as run};
use redpoll_pipeline::quantize::{Io, Scheme};

use crate::error;

/// Converts an ONNX file and writes `model.plan`, `model.int8.onnx` (when it was quantised here), `report.json` and `report.html` into `output`.
///
/// `progress` is called with what is going on, how much is done, and of how much. Returns the report as JSON.
#[pyfunction]
#[pyo3(signature = (model, output, *, calibrate = None, evaluate = None, dims = None, keep_float = None, int8_io = false, progress = None))]
#[allow(clippy::too_many_arguments)] // keyword arguments of Python
pub(crate) fn convert(
    py: Python<'_>,
    model: PathBuf,
    output: PathBuf,
    calibrate: Option<PathBuf>,
    evaluate: Option<PathBuf>,
    dims: Option<BTreeMap<String, usize>>,
    keep_float: Option<Vec<String>>,
    int8_io: bool,
    progress: Option<Py<PyAny>>,
) -> PyResult<String> {
    let scheme = Scheme {
        keep_float: keep_float.unwrap_or_default(),
        io: if int8_io { Io::Int8 } else { Io::default() },
        ..Scheme::default()
    };
    let request = Request {
        model,
        calibrate,
        evaluate,
        compile: CompileOptions {
            dims: dims.unwrap_or_default(),
            ..CompileOptions::default()
        },
        scheme,
        ..Request::default()
    };
    // What the caller's function raises, Ctrl-C included, is raised when the conversion is over.
    let mut raised: Option<PyErr> = None;
    let conversion = py
        .detach(|| {
            run(&request, &mut |what, done, total| {
                let Some(progress) = progress.as_ref().filter(|_| raised.is_none()) else {
                    return;
                };
                raised = Python::attach(|py| progress.call1(py, (what, done, total)).err());
            })
        })
        .map_err(error::pipeline)?;
    if let Some(e) = raised {
        return Err(e);
    }
    let report = conversion.report.to_json();
    let html = redpoll_pipeline::report::to_html(&conversion.report);
    let mut files = vec![
        ("model.plan", conversion.lowered.plan()),
        ("report.json", report.as_bytes()),
        ("report.html", html.as_bytes()),
    ];
    if let Some(onnx) = &conversion.int8_onnx {
        files.push(("model.int8.onnx", onnx));
    }
    let failed = |e: std::io::Error| PyOSError::new_err(format!("{}: {e}", output.display()));
    std::fs::create_dir_all(&output).map_err(failed)?;
    for (name, bytes) in files {
        std::fs::write(output.join(name), bytes).map_err(failed)?;
    }
    Ok(report)
}

/// Compiles an ONNX file as it is to the bytes of a plan: a float model to float steps, a quantised one to integer steps.
#[pyfunction]
#[pyo3(signature = (model, *, dims = None))]
pub(crate) fn compile<'py>(
    py: Python<'py>,
    model: PathBuf,
    dims: Option<BTreeMap<String, usize>>,
) -> PyResult<Bound<'py, PyBytes>> {
    let options = CompileOptions {
        dims: dims.unwrap_or_default(),
        ..CompileOptions::default()
    };
    if !model.exists() {
        return Err(PyOSError::new_err(format!("{}: no such file", model.display())));
    }
    if model.extension().is_some_and(|e| e == "plan") {
        return Err(PyValueError::new_err("a plan is compiled already: open it with Session"));
    }
    let lowered = py.detach(|| stages::compile(&model, &options)).map_err(error::pipeline)?;
    Ok(PyBytes::new(py, lowered.plan()))
}
