//! Samples from NumPy arrays.
//!
//! A `.npz` holds `x` (or one array an input, by the input's name) whose first axis runs over samples, and
//! optionally `y`, the classes. A `.npy` file is `x` alone. A folder of `.npy` files holds one sample a file.

use std::path::{Path, PathBuf};

use redpoll_graph::{DType, Data, Tensor};

use super::{InputSpec, Sample, invalid, io_error, read_npy, read_npz};
use crate::Error;

#[derive(Debug)]
pub(super) struct Arrays {
    path: PathBuf,
    inputs: Inputs,
    labels: Option<Vec<usize>>,
}

#[derive(Debug)]
enum Inputs {
    /// One array an input, the first axis over samples.
    Stacked(Vec<Tensor>),
    /// One file a sample (models with one input).
    Files(Vec<PathBuf>),
}

impl Arrays {
    pub(super) fn open(path: &Path, specs: &[InputSpec]) -> Result<Self, Error> {
        if path.is_dir() {
            return Self::open_folder(path, specs);
        }
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
        let (stacked, labels) = match extension {
            "npz" => Self::from_npz(path, specs)?,
            "npy" if specs.len() == 1 => (vec![read_npy(path)?], None),
            "npy" => {
                let names: Vec<_> = specs.iter().map(|s| s.name.as_str()).collect();
                return Err(invalid(
                    path,
                    format!("the model has several inputs: give a .npz with {names:?}"),
                ));
            }
            _ => {
                return Err(invalid(
                    path,
                    "expected a .npz or .npy file, or a folder of .npy files or images",
                ));
            }
        };
        let count = |t: &Tensor| t.shape().first().copied().unwrap_or(0);
        let n = stacked.first().map_or(0, count);
        for (tensor, spec) in stacked.iter().zip(specs) {
            let want: usize = spec.shape.iter().product();
            if count(tensor) != n {
                return Err(invalid(
                    path,
                    format!(
                        "array for \"{}\" has {} samples, others {n}",
                        spec.name,
                        count(tensor)
                    ),
                ));
            }
            if n > 0 && tensor.len() / n != want {
                return Err(invalid(
                    path,
                    format!(
                        "a sample of shape {:?} does not fit input \"{}\" of shape {:?}",
                        &tensor.shape()[1..],
                        spec.name,
                        spec.shape
                    ),
                ));
            }
        }
        if let Some(labels) = &labels
            && labels.len() != n
        {
            return Err(invalid(
                path,
                format!("{} labels for {n} samples", labels.len()),
            ));
        }
        Ok(Self {
            path: path.to_owned(),
            inputs: Inputs::Stacked(stacked),
            labels,
        })
    }

    fn from_npz(
        path: &Path,
        specs: &[InputSpec],
    ) -> Result<(Vec<Tensor>, Option<Vec<usize>>), Error> {
        let mut arrays = read_npz(path)?;
        let labels = match arrays.remove("y") {
            None => None,
            Some(y) => {
                let y = y
                    .to_i64()
                    .ok_or_else(|| invalid(path, "y must hold integers"))?;
                let y: Result<Vec<usize>, _> = y.into_iter().map(usize::try_from).collect();
                Some(y.map_err(|_| invalid(path, "y holds a negative class"))?)
            }
        };
        let mut stacked = Vec::new();
        for spec in specs {
            let found = match arrays.remove(&spec.name) {
                Some(t) => Some(t),
                None if specs.len() == 1 => arrays.remove("x"),
                None => None,
            };
            stacked.push(found.ok_or_else(|| {
                let expected = if specs.len() == 1 { " (or x)" } else { "" };
                invalid(
                    path,
                    format!("no array of numbers \"{}\"{expected}", spec.name),
                )
            })?);
        }
        Ok((stacked, labels))
    }

    fn open_folder(path: &Path, specs: &[InputSpec]) -> Result<Self, Error> {
        if specs.len() != 1 {
            return Err(invalid(
                path,
                "a folder of .npy files serves models with one input: give a .npz",
            ));
        }
        let mut files = Vec::new();
        for entry in std::fs::read_dir(path).map_err(|e| io_error(path, e))? {
            let file = entry.map_err(|e| io_error(path, e))?.path();
            if file.extension().is_some_and(|e| e == "npy") {
                files.push(file);
            }
        }
        files.sort();
        Ok(Self {
            path: path.to_owned(),
            inputs: Inputs::Files(files),
            labels: None,
        })
    }

    pub(super) fn len(&self) -> usize {
        match &self.inputs {
            Inputs::Stacked(t) => t
                .first()
                .and_then(|t| t.shape().first().copied())
                .unwrap_or(0),
            Inputs::Files(f) => f.len(),
        }
    }

    pub(super) fn has_labels(&self) -> bool {
        self.labels.is_some()
    }

    pub(super) fn get(&self, index: usize, specs: &[InputSpec]) -> Result<Sample, Error> {
        let n = self.len();
        if index >= n {
            return Err(invalid(
                &self.path,
                format!("no sample {index}, there are {n}"),
            ));
        }
        let inputs = match &self.inputs {
            Inputs::Stacked(tensors) => tensors
                .iter()
                .zip(specs)
                .map(|(t, spec)| slice(t, index, n, spec).map_err(|e| invalid(&self.path, e)))
                .collect::<Result<_, _>>()?,
            Inputs::Files(files) => {
                let spec = &specs[0];
                vec![
                    slice(&read_npy(&files[index])?, 0, 1, spec)
                        .map_err(|e| invalid(&files[index], e))?,
                ]
            }
        };
        Ok(Sample {
            inputs,
            label: self.labels.as_ref().map(|l| l[index]),
        })
    }
}

/// Part `index` of `n` equal parts of `tensor`, as the input wants it.
fn slice(tensor: &Tensor, index: usize, n: usize, spec: &InputSpec) -> Result<Tensor, String> {
    let each = tensor.len() / n.max(1);
    let want: usize = spec.shape.iter().product();
    if each != want {
        return Err(format!(
            "{each} elements do not fill input \"{}\" of shape {:?}",
            spec.name, spec.shape
        ));
    }
    let range = index * each..(index + 1) * each;
    let data = match tensor.data() {
        Data::F32(v) => Data::F32(v[range].to_vec()),
        Data::I8(v) => Data::I8(v[range].to_vec()),
        Data::U8(v) => Data::U8(v[range].to_vec()),
        Data::I32(v) => Data::I32(v[range].to_vec()),
        Data::I64(v) => Data::I64(v[range].to_vec()),
        Data::Bool(v) => Data::Bool(v[range].to_vec()),
    };
    Tensor::new(spec.shape.clone(), convert(data, spec.dtype)?).map_err(|e| e.to_string())
}

/// Converts numbers where nothing is lost; integer pixels become floats. Real numbers for a byte-sized input stay as they
/// are: the runner quantises them with the input's scale, if it has one.
fn convert(data: Data, to: DType) -> Result<Data, String> {
    let from = data.dtype();
    if from == to {
        return Ok(data);
    }
    let integers: Option<Vec<i64>> = match &data {
        Data::I8(v) => Some(v.iter().map(|&x| x.into()).collect()),
        Data::U8(v) => Some(v.iter().map(|&x| x.into()).collect()),
        Data::I32(v) => Some(v.iter().map(|&x| x.into()).collect()),
        Data::I64(v) => Some(v.clone()),
        Data::F32(_) | Data::Bool(_) => None,
    };
    fn narrow<T: TryFrom<i64>>(v: &[i64]) -> Result<Vec<T>, String> {
        v.iter()
            .map(|&x| T::try_from(x).map_err(|_| format!("{x} is out of range")))
            .collect()
    }
    match (integers, to) {
        (None, DType::I8 | DType::U8) if from == DType::F32 => Ok(data),
        (Some(v), DType::F32) => Ok(Data::F32(v.iter().map(|&x| x as f32).collect())),
        (Some(v), DType::I8) => narrow(&v).map(Data::I8),
        (Some(v), DType::U8) => narrow(&v).map(Data::U8),
        (Some(v), DType::I32) => narrow(&v).map(Data::I32),
        (Some(v), DType::I64) => Ok(Data::I64(v)),
        _ => Err(format!("the input is {to}, the array {from}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_convert_and_refuse() {
        let spec = InputSpec {
            name: "x".into(),
            dtype: DType::F32,
            shape: vec![1, 2],
        };
        let t = Tensor::new(vec![2, 2], Data::U8(vec![1, 2, 3, 255])).unwrap();
        assert_eq!(
            slice(&t, 1, 2, &spec).unwrap().as_f32(),
            Some([3.0, 255.0].as_slice())
        );
        let to_i8 = InputSpec {
            dtype: DType::I8,
            ..spec.clone()
        };
        assert!(
            slice(&t, 1, 2, &to_i8)
                .unwrap_err()
                .contains("out of range")
        );
        let wide = InputSpec {
            shape: vec![1, 3],
            ..spec
        };
        assert!(slice(&t, 0, 2, &wide).unwrap_err().contains("do not fill"));
    }
}
