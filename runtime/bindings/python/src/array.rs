//! NumPy arrays from and to the bytes of inputs and outputs.

use numpy::ndarray::{ArrayViewD, IxDyn};
use numpy::{
    Element, Ix1, PyArray, PyArrayDyn, PyArrayMethods, PyReadonlyArray1, PyUntypedArray,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use redpoll::{DType, TensorInfo};

/// NumPy's name of an element type.
pub(crate) fn numpy_name(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "float32",
        DType::F16 => "float16",
        DType::I8 => "int8",
        DType::U8 => "uint8",
        DType::I32 => "int32",
        DType::I64 => "int64",
        DType::Bool => "bool",
    }
}

/// The bytes of an array that fits an input: its type and shape, in C order. Nothing is copied.
pub(crate) fn bytes_of<'py>(
    array: &Bound<'py, PyAny>,
    info: &TensorInfo,
) -> PyResult<PyReadonlyArray1<'py, u8>> {
    let name = &info.name;
    let array = array.cast::<PyUntypedArray>().map_err(|_| {
        PyTypeError::new_err(format!("input \"{name}\" takes a NumPy array"))
    })?;
    let (wanted, got) = (numpy_name(info.dtype), array.dtype().to_string());
    if wanted != got {
        return Err(PyTypeError::new_err(format!(
            "input \"{name}\" takes {wanted}, got {got}: use .astype(np.{wanted})"
        )));
    }
    if array.shape() != info.shape.as_slice() {
        return Err(PyValueError::new_err(format!(
            "input \"{name}\" has shape {:?}, got {:?}",
            info.shape,
            array.shape()
        )));
    }
    if !array.is_c_contiguous() {
        return Err(PyValueError::new_err(format!(
            "input \"{name}\" must be in C order: use np.ascontiguousarray"
        )));
    }
    // As plain bytes, whatever the type.
    let bytes = array
        .call_method1("reshape", (-1,))?
        .call_method1("view", ("uint8",))?;
    let bytes = bytes.cast::<PyArray<u8, Ix1>>()?.try_readonly()?;
    if bytes.len() != info.bytes {
        return Err(PyValueError::new_err(format!(
            "input \"{name}\" has {} bytes, got {}",
            info.bytes,
            bytes.len()
        )));
    }
    Ok(bytes)
}

/// A new array with a copy of `bytes`.
pub(crate) fn copy<'py>(
    py: Python<'py>,
    info: &TensorInfo,
    bytes: &[u8],
) -> PyResult<Bound<'py, PyAny>> {
    let flat = PyArray::from_slice(py, bytes);
    typed(&flat, info)
}

/// A read-only array over `bytes` themselves, which `owner` keeps alive.
///
/// # Safety
/// `bytes` live as long as `owner`, and nobody reads the array while they are written.
pub(crate) unsafe fn view<'py>(
    owner: Bound<'py, PyAny>,
    info: &TensorInfo,
    bytes: &[u8],
) -> PyResult<Bound<'py, PyAny>> {
    let elements = ArrayViewD::from_shape(IxDyn(&[bytes.len()]), bytes)
        .map_err(|e| PyValueError::new_err(e.to_string()))?;
    // SAFETY: as this function's.
    let flat: Bound<'py, PyArrayDyn<u8>> = unsafe { PyArray::borrow_from_array(&elements, owner) };
    let frozen = PyDict::new(flat.py());
    frozen.set_item("write", false)?;
    flat.call_method("setflags", (), Some(&frozen))?;
    typed(&flat, info)
}

/// Bytes as elements of the tensor's type and shape: nothing is copied.
fn typed<'py, T: Element, D: numpy::ndarray::Dimension>(
    flat: &Bound<'py, PyArray<T, D>>,
    info: &TensorInfo,
) -> PyResult<Bound<'py, PyAny>> {
    flat.call_method1("view", (numpy_name(info.dtype),))?
        .call_method1("reshape", (info.shape.clone(),))
}
