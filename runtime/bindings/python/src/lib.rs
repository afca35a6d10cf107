//! The native half of the Python package: sessions over NumPy arrays, and the converter.
//!
//! `python/redpoll/__init__.py` is the interface; `_native.pyi` lists what is here.

mod array;
mod convert;
mod error;
mod session;

use pyo3::prelude::*;

/// The module `redpoll._native`.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<session::Session>()?;
    module.add_class::<session::TensorInfo>()?;
    module.add_function(wrap_pyfunction!(session::tiers, module)?)?;
    module.add_function(wrap_pyfunction!(convert::convert, module)?)?;
    module.add_function(wrap_pyfunction!(convert::compile, module)?)?;
    module.add("RedpollError", module.py().get_type::<error::RedpollError>())?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
