//! External data: bytes of a tensor in a file beside the model, and never anywhere else.

use crate::proto::{
    AttributeProto, DataLocation, GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto,
};
use crate::tensor::{element_count, label};
use crate::{DataType, Error, Limits, Result};
use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Where a tensor's bytes are, as the message says.
struct Place<'a> {
    location: &'a str,
    offset: u64,
    length: Option<u64>,
}

impl<'a> Place<'a> {
    fn parse(tensor: &'a TensorProto) -> Result<Self> {
        let mut location = None;
        let mut offset = 0;
        let mut length = None;
        for entry in &tensor.external_data {
            match entry.key.as_str() {
                "location" => location = Some(entry.value.as_str()),
                "offset" => offset = number("offset", &entry.value)?,
                "length" => length = Some(number("length", &entry.value)?),
                // "checksum" is optional and seldom written; other keys are for other tools.
                _ => {}
            }
        }
        let location =
            location.ok_or_else(|| Error::malformed("external data without a location"))?;
        Ok(Place {
            location,
            offset,
            length,
        })
    }
}

fn number(key: &str, text: &str) -> Result<u64> {
    text.parse()
        .map_err(|_| Error::malformed(format!("external data: {key} {text:?} is not a number")))
}

/// Reads `size` bytes for `tensor` from below `folder`.
///
/// The place must be a relative path without `..`; nothing on the way, nor the file itself, may be a symbolic
/// link; the file must be a regular one. Hard links cannot be told from files and are followed.
pub(crate) fn read(tensor: &TensorProto, folder: Option<&Path>, size: usize) -> Result<Vec<u8>> {
    let place = Place::parse(tensor)?;
    let Some(folder) = folder else {
        return Err(Error::unsupported(
            "the data is in another file; read the model from its path, not from bytes",
        ));
    };
    if let Some(length) = place.length
        && length != size as u64
    {
        return Err(Error::malformed(format!(
            "external data has length {length}, but shape {:?} needs {size} bytes",
            tensor.dims
        )));
    }
    let end = place.offset.checked_add(size as u64).ok_or_else(|| {
        Error::malformed(format!("external data: offset {} overflows", place.offset))
    })?;
    let (path, seen) = safe_path(folder, place.location)?;
    let failed = |e| Error::io(format!("external data {:?}", place.location), e);
    let mut file = File::open(&path).map_err(failed)?;
    let opened = file.metadata().map_err(failed)?;
    if !same_file(&seen, &opened) {
        return Err(Error::unsafe_path(format!(
            "external data {:?} changed while it was opened",
            place.location
        )));
    }
    if opened.len() < end || (place.length.is_none() && opened.len() != end) {
        return Err(Error::malformed(format!(
            "external data {:?} has {} bytes where bytes {}..{end} are wanted",
            place.location,
            opened.len(),
            place.offset
        )));
    }
    // The file holds `size` bytes there, so this allocates no more than the disk really has.
    let mut bytes = vec![0; size];
    file.seek(SeekFrom::Start(place.offset)).map_err(failed)?;
    file.read_exact(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Checks each step of `location` below `folder`; returns the path and what is known of the file.
fn safe_path(folder: &Path, location: &str) -> Result<(PathBuf, Metadata)> {
    let refuse = |why: &str| Error::unsafe_path(format!("external data {location:?}: {why}"));
    // The whole text is judged before the disk is touched.
    if location.contains(['\\', '\0', ':']) {
        return Err(refuse(
            "backslash, colon and NUL are not allowed in the path",
        ));
    }
    for part in location.split('/') {
        match part {
            "" => return Err(refuse("the path must be relative and without empty parts")),
            ".." => return Err(refuse("the path may not leave the model's folder (`..`)")),
            _ => {}
        }
    }
    let mut path = folder.to_path_buf();
    let mut last: Option<Metadata> = None;
    for part in location.split('/').filter(|part| *part != ".") {
        if last.is_some_and(|seen| !seen.is_dir()) {
            return Err(refuse("a part of the path is not a folder"));
        }
        path.push(part);
        let seen = path
            .symlink_metadata()
            .map_err(|e| Error::io(format!("external data {location:?}"), e))?;
        if seen.is_symlink() {
            return Err(refuse(
                "symbolic links are not followed; copy the file there",
            ));
        }
        last = Some(seen);
    }
    match last {
        Some(seen) if seen.is_file() => Ok((path, seen)),
        _ => Err(refuse("not a regular file")),
    }
}

/// Whether the opened file is the one that was looked at, so that swapping in a link meanwhile is noticed.
#[cfg(unix)]
fn same_file(seen: &Metadata, opened: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    opened.is_file() && seen.dev() == opened.dev() && seen.ino() == opened.ino()
}

/// Whether the opened file is the one that was looked at, as far as this platform can tell.
#[cfg(not(unix))]
fn same_file(seen: &Metadata, opened: &Metadata) -> bool {
    opened.is_file() && seen.len() == opened.len()
}

/// Adds up what all tensors claim from other files, so that many tensors cannot share one large file
/// and multiply it in memory.
pub(crate) fn check_total(model: &ModelProto, limits: &Limits) -> Result<()> {
    let mut claims = Claims {
        total: 0,
        limit: limits.external_bytes,
    };
    if let Some(graph) = &model.graph {
        claims.graph(graph)?;
    }
    for function in &model.functions {
        function
            .node
            .iter()
            .try_for_each(|node| claims.node(node))?;
        function
            .attribute_proto
            .iter()
            .try_for_each(|a| claims.attribute(a))?;
    }
    Ok(())
}

/// A walk over all tensors. It recurses over subgraphs, whose depth the scan has bounded.
struct Claims {
    total: u64,
    limit: u64,
}

impl Claims {
    fn graph(&mut self, graph: &GraphProto) -> Result<()> {
        graph.initializer.iter().try_for_each(|t| self.tensor(t))?;
        graph
            .sparse_initializer
            .iter()
            .try_for_each(|t| self.sparse(t))?;
        graph.node.iter().try_for_each(|node| self.node(node))
    }

    fn node(&mut self, node: &NodeProto) -> Result<()> {
        node.attribute
            .iter()
            .try_for_each(|attribute| self.attribute(attribute))
    }

    fn attribute(&mut self, attribute: &AttributeProto) -> Result<()> {
        attribute.t.iter().try_for_each(|t| self.tensor(t))?;
        attribute.tensors.iter().try_for_each(|t| self.tensor(t))?;
        attribute
            .sparse_tensor
            .iter()
            .try_for_each(|t| self.sparse(t))?;
        attribute
            .sparse_tensors
            .iter()
            .try_for_each(|t| self.sparse(t))?;
        attribute.g.iter().try_for_each(|g| self.graph(g))?;
        attribute.graphs.iter().try_for_each(|g| self.graph(g))
    }

    fn sparse(&mut self, sparse: &SparseTensorProto) -> Result<()> {
        sparse
            .values
            .iter()
            .chain(&sparse.indices)
            .try_for_each(|t| self.tensor(t))
    }

    fn tensor(&mut self, tensor: &TensorProto) -> Result<()> {
        if tensor.data_location != DataLocation::External as i32 {
            return Ok(());
        }
        let at = |e: Error| e.at(label(tensor));
        let (_, count) = element_count(tensor).map_err(at)?;
        // A type that cannot be decoded is no reason to refuse the model: take the widest.
        let bytes = match DataType::from_onnx(tensor.data_type) {
            Ok(data_type) => data_type.bytes_of(count),
            Err(_) => count.checked_mul(16),
        };
        self.total = self
            .total
            .saturating_add(bytes.map_or(u64::MAX, |b| b as u64));
        if self.total > self.limit {
            return Err(at(Error::limit(format!(
                "external data of all tensors is more than {} bytes",
                self.limit
            ))));
        }
        Ok(())
    }
}
