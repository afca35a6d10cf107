//! A model in memory: reading with checks, versions, tensors, writing.

use crate::proto::{GraphProto, ModelProto, TensorProto};
use crate::{Error, Limits, Result, TensorData, external, scan, tensor};
use prost::Message;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Oldest version of the standard operators that is read.
pub const OLDEST_OPSET: i64 = 1;
/// Newest version of the standard operators that is known.
pub const NEWEST_OPSET: i64 = 28;
/// Oldest version of the file format that is read: the first with opset 6.
pub const OLDEST_IR_VERSION: i64 = 3;
/// Newest version of the file format that is known.
pub const NEWEST_IR_VERSION: i64 = 14;

/// An ONNX model whose versions are known, which has a graph, and whose size is within limits.
///
/// What the operators mean is not looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    proto: ModelProto,
    folder: Option<PathBuf>,
}

impl Model {
    /// Reads a file. External data is looked for in its folder when a tensor is decoded.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io) if the file cannot be read; otherwise as [`from_bytes`](Self::from_bytes).
    pub fn read(path: impl AsRef<Path>, limits: &Limits) -> Result<Self> {
        let path = path.as_ref();
        let bytes = read_file(path, limits).map_err(|e| e.at(path.display()))?;
        let mut model = Self::from_bytes(&bytes, limits).map_err(|e| e.at(path.display()))?;
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        model.folder = Some(folder.to_path_buf());
        Ok(model)
    }

    /// Reads a file that is in memory. Tensors in external files cannot be decoded then.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded), [`Malformed`](crate::ErrorKind::Malformed), or
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for versions outside [`OLDEST_OPSET`]`..=`[`NEWEST_OPSET`] and
    /// [`OLDEST_IR_VERSION`]`..=`[`NEWEST_IR_VERSION`].
    pub fn from_bytes(bytes: &[u8], limits: &Limits) -> Result<Self> {
        scan::check(bytes, limits)?;
        let proto = ModelProto::decode(bytes)
            .map_err(|e| Error::malformed(format!("not an ONNX model: {e}")))?;
        external::check_total(&proto, limits)?;
        Self::from_proto(proto)
    }

    /// Takes messages that were made in memory, and checks versions.
    ///
    /// # Errors
    /// [`Malformed`](crate::ErrorKind::Malformed) without a graph or version,
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for a version that is not known.
    pub fn from_proto(proto: ModelProto) -> Result<Self> {
        check_ir_version(proto.ir_version)?;
        if proto.graph.is_none() {
            return Err(Error::malformed("the model has no graph"));
        }
        let model = Model {
            proto,
            folder: None,
        };
        let mut seen = None;
        for import in &model.proto.opset_import {
            if is_standard(&import.domain) {
                check_opset(import.version)?;
                if seen.is_some_and(|version| version != import.version) {
                    return Err(Error::malformed("two versions of the standard operators"));
                }
                seen = Some(import.version);
            }
        }
        if seen.is_none() {
            return Err(Error::unsupported(
                "the model names no version of the standard operators",
            ));
        }
        for function in &model.proto.functions {
            for import in function
                .opset_import
                .iter()
                .filter(|i| is_standard(&i.domain))
            {
                check_opset(import.version)
                    .map_err(|e| e.at(format!("function {:?}", function.name)))?;
            }
        }
        Ok(model)
    }

    /// The messages.
    pub fn proto(&self) -> &ModelProto {
        &self.proto
    }

    /// The messages, taken out.
    pub fn into_proto(self) -> ModelProto {
        self.proto
    }

    /// The main graph.
    ///
    /// # Panics
    /// Never: a model without a graph is not made.
    pub fn graph(&self) -> &GraphProto {
        self.proto
            .graph
            .as_ref()
            .expect("checked when the model was made")
    }

    /// Version of the standard operators.
    pub fn opset(&self) -> i64 {
        self.opset_of("").unwrap_or(OLDEST_OPSET)
    }

    /// Version of the operators of a domain, if the model uses it. `""` and `"ai.onnx"` are the same.
    pub fn opset_of(&self, domain: &str) -> Option<i64> {
        let same = |other: &str| other == domain || (is_standard(other) && is_standard(domain));
        self.proto
            .opset_import
            .iter()
            .find(|i| same(&i.domain))
            .map(|i| i.version)
    }

    /// Version of the file format.
    pub fn ir_version(&self) -> i64 {
        self.proto.ir_version
    }

    /// Value of a metadata key.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.proto
            .metadata_props
            .iter()
            .find(|p| p.key == key)
            .map(|p| p.value.as_str())
    }

    /// Decodes a tensor of this model: an initialiser, or one in an attribute.
    ///
    /// # Errors
    /// Names the tensor. [`Malformed`](crate::ErrorKind::Malformed) if data and shape disagree,
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for an element type not in [`DataType`](crate::DataType);
    /// for external data also [`UnsafePath`](crate::ErrorKind::UnsafePath) and [`Io`](crate::ErrorKind::Io).
    pub fn tensor(&self, tensor: &TensorProto) -> Result<TensorData> {
        tensor::decode(tensor, |size| {
            external::read(tensor, self.folder.as_deref(), size)
        })
    }

    /// Decodes the initialiser of the main graph that has this name.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor); `Ok(None)` if there is none of the name.
    pub fn initializer(&self, name: &str) -> Result<Option<TensorData>> {
        let found = self.graph().initializer.iter().find(|t| t.name == name);
        found.map(|t| self.tensor(t)).transpose()
    }
}

fn is_standard(domain: &str) -> bool {
    domain.is_empty() || domain == "ai.onnx"
}

fn check_opset(version: i64) -> Result<()> {
    if (OLDEST_OPSET..=NEWEST_OPSET).contains(&version) {
        return Ok(());
    }
    let advice = if version < OLDEST_OPSET {
        "convert it with onnx.version_converter"
    } else {
        "export it for an older opset"
    };
    Err(Error::unsupported(format!(
        "opset {version} is not supported ({OLDEST_OPSET} to {NEWEST_OPSET} are); {advice}"
    )))
}

fn check_ir_version(version: i64) -> Result<()> {
    match version {
        0 => Err(Error::malformed("not an ONNX model: no IR version")),
        OLDEST_IR_VERSION..=NEWEST_IR_VERSION => Ok(()),
        _ => Err(Error::unsupported(format!(
            "IR version {version} is not supported ({OLDEST_IR_VERSION} to {NEWEST_IR_VERSION} are)"
        ))),
    }
}

/// Reads a regular file up to the limit.
fn read_file(path: &Path, limits: &Limits) -> Result<Vec<u8>> {
    let failed = |e| Error::io("cannot read", e);
    let about = std::fs::metadata(path).map_err(failed)?;
    if !about.is_file() {
        return Err(Error::io(
            "cannot read",
            std::io::Error::other("not a regular file"),
        ));
    }
    if about.len() > limits.file_bytes {
        return Err(Error::limit(format!(
            "the model has {} bytes; the limit is {}",
            about.len(),
            limits.file_bytes
        )));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or(0));
    // One byte more, so that a file that grows meanwhile is noticed by the scan.
    let file = File::open(path).map_err(failed)?;
    file.take(limits.file_bytes.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(bytes)
}
