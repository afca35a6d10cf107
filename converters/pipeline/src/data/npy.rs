//! NumPy files: .npy arrays and .npz archives, read with limits.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read};
use std::path::Path;

use npyz::npz::{NpzArchive, NpzWriter, array_name_from_file_name};
use npyz::{NpyFile, Order, TypeChar, WriterBuilder};
use redpoll_graph::{Data, Tensor};

use super::{invalid, io_error};
use crate::Error;

/// Largest array read, bytes.
const MAX_BYTES: u64 = 4 << 30;
/// Largest .npy header read, bytes.
const MAX_HEADER: usize = 1 << 16;

/// Reads one .npy file.
///
/// # Errors
/// When the file cannot be read, is malformed, larger than 4 GiB or of a type that is no number.
pub fn read_npy(path: &Path) -> Result<Tensor, Error> {
    let file = File::open(path).map_err(|e| io_error(path, e))?;
    let bytes = read_limited(BufReader::new(file)).map_err(|e| io_error(path, e))?;
    parse(&bytes).map_err(|e| e.at(path, ""))
}

/// Reads all arrays of a .npz file, by name.
///
/// # Errors
/// As [`read_npy`].
pub fn read_npz(path: &Path) -> Result<BTreeMap<String, Tensor>, Error> {
    let file = File::open(path).map_err(|e| io_error(path, e))?;
    let mut archive = NpzArchive::new(BufReader::new(file)).map_err(|e| io_error(path, e))?;
    let zip = archive.zip_archive();
    let mut out = BTreeMap::new();
    for i in 0..zip.len() {
        let entry = zip.by_index(i).map_err(|e| io_error(path, e))?;
        let Some(name) = array_name_from_file_name(entry.name()).map(str::to_owned) else {
            continue;
        };
        let bytes =
            read_limited(entry).map_err(|e| io_error(path, format!("array {name}: {e}")))?;
        // Arrays of strings (say file names beside the data) are of no use here.
        if !is_numeric(&bytes) {
            continue;
        }
        let tensor = parse(&bytes).map_err(|e| e.at(path, &format!("array {name}: ")))?;
        out.insert(name, tensor);
    }
    Ok(out)
}

/// Writes arrays as an uncompressed .npz file.
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io) when the file cannot be written.
pub fn write_npz(path: &Path, arrays: &[(String, Tensor)]) -> Result<(), Error> {
    let file = File::create(path).map_err(|e| io_error(path, e))?;
    let mut npz = NpzWriter::new(BufWriter::new(file));
    for (name, tensor) in arrays {
        write_array(&mut npz, name, tensor).map_err(|e| io_error(path, e))?;
    }
    npz.zip_writer().finish().map_err(|e| io_error(path, e))?;
    Ok(())
}

fn write_array(
    npz: &mut NpzWriter<BufWriter<File>>,
    name: &str,
    tensor: &Tensor,
) -> std::io::Result<()> {
    let shape: Vec<u64> = tensor.shape().iter().map(|&d| d as u64).collect();
    macro_rules! write {
        ($values:expr) => {{
            let mut w = npz
                .array(name, Default::default())?
                .default_dtype()
                .shape(&shape)
                .begin_nd()?;
            w.extend($values.iter().copied())?;
            w.finish()
        }};
    }
    match tensor.data() {
        Data::F32(v) => write!(v),
        Data::I8(v) => write!(v),
        Data::U8(v) => write!(v),
        Data::I32(v) => write!(v),
        Data::I64(v) => write!(v),
        Data::Bool(v) => write!(v),
    }
}

fn read_limited(reader: impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    reader
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| e.to_string())?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err("larger than 4 GiB".into());
    }
    Ok(bytes)
}

/// Why bytes are not taken as an array.
#[derive(Debug)]
enum Refusal {
    /// They are no .npy array, or a damaged one.
    Malformed(String),
    /// They are one, of a kind that has no use here.
    Unsuitable(String),
}

impl Refusal {
    fn at(self, path: &Path, part: &str) -> Error {
        match self {
            Self::Malformed(e) => io_error(path, format!("{part}{e}")),
            Self::Unsuitable(e) => invalid(path, format!("{part}{e}")),
        }
    }
}

/// The header's text, when its length is sane: a hostile length or shape must not reach the parser, which would
/// allocate or multiply without limits.
fn header_text(bytes: &[u8]) -> Result<&str, String> {
    let malformed = || "not a .npy array".to_owned();
    if bytes.get(..6) != Some(b"\x93NUMPY") {
        return Err(malformed());
    }
    let (start, len) = match bytes.get(6) {
        Some(1) => (
            10,
            u16::from_le_bytes(
                bytes
                    .get(8..10)
                    .and_then(|b| b.try_into().ok())
                    .ok_or_else(malformed)?,
            )
            .into(),
        ),
        Some(2 | 3) => {
            let b = bytes
                .get(8..12)
                .and_then(|b| b.try_into().ok())
                .ok_or_else(malformed)?;
            (12, u32::from_le_bytes(b) as usize)
        }
        _ => return Err(malformed()),
    };
    if len > MAX_HEADER {
        return Err("the header is too long".into());
    }
    let text = bytes.get(start..start + len).ok_or_else(malformed)?;
    std::str::from_utf8(text).map_err(|_| malformed())
}

fn is_numeric(bytes: &[u8]) -> bool {
    header_text(bytes).is_ok_and(|text| {
        !["'U", "'<U", "'>U", "'|S", "'S", "'|O", "'O"]
            .iter()
            .any(|t| text.contains(&format!("'descr': {t}")))
    })
}

fn check_shape(text: &str, bytes: usize) -> Result<(), String> {
    let shape = text
        .split("'shape':")
        .nth(1)
        .and_then(|s| s.split(')').next())
        .unwrap_or("");
    let product = shape
        .split(|c: char| !c.is_ascii_digit())
        .filter(|d| !d.is_empty())
        .try_fold(1usize, |n, d| {
            d.parse().ok().and_then(|d: usize| n.checked_mul(d))
        });
    match product {
        Some(n) if n <= bytes => Ok(()),
        _ => Err("the shape asks for more elements than the file holds".into()),
    }
}

fn parse(bytes: &[u8]) -> Result<Tensor, Refusal> {
    use Refusal::{Malformed, Unsuitable};
    let text = header_text(bytes).map_err(Malformed)?;
    check_shape(text, bytes.len()).map_err(Malformed)?;
    let npy = NpyFile::new(bytes).map_err(|e| Malformed(e.to_string()))?;
    if npy.order() == Order::Fortran && npy.shape().len() > 1 {
        let advice = "Fortran order is not supported: save numpy.ascontiguousarray(x)";
        return Err(Unsuitable(advice.into()));
    }
    let shape: Vec<usize> = npy.shape().iter().map(|&d| d as usize).collect();
    let npyz::DType::Plain(ty) = npy.dtype() else {
        return Err(Unsuitable("structured arrays are not supported".into()));
    };
    fn all<T: npyz::Deserialize>(npy: NpyFile<&[u8]>) -> Result<Vec<T>, Refusal> {
        npy.into_vec().map_err(|e| Malformed(e.to_string()))
    }
    let data = match (ty.type_char(), ty.size_field()) {
        (TypeChar::Float, 4) => Data::F32(all(npy)?),
        (TypeChar::Float, 8) => Data::F32(all::<f64>(npy)?.iter().map(|&v| v as f32).collect()),
        (TypeChar::Int, 1) => Data::I8(all(npy)?),
        (TypeChar::Uint, 1) => Data::U8(all(npy)?),
        (TypeChar::Int, 2) => Data::I32(all::<i16>(npy)?.iter().map(|&v| v.into()).collect()),
        (TypeChar::Uint, 2) => Data::I32(all::<u16>(npy)?.iter().map(|&v| v.into()).collect()),
        (TypeChar::Int, 4) => Data::I32(all(npy)?),
        (TypeChar::Int, 8) => Data::I64(all(npy)?),
        (TypeChar::Bool, _) => Data::Bool(all(npy)?),
        _ => {
            return Err(Unsuitable(format!(
                "element type {ty} is not supported: use a float or integer type"
            )));
        }
    };
    Tensor::new(shape, data).map_err(|e| Malformed(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn npz_round_trip_and_hostile_headers() {
        let dir = std::env::temp_dir().join(format!("redpoll-npz-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("a.npz");
        let x = Tensor::new(
            vec![2, 3],
            Data::F32(vec![1.0, -2.0, 0.5, 3.0, f32::MIN, 0.0]),
        )
        .unwrap();
        let y = Tensor::new(vec![2], Data::I64(vec![7, -1])).unwrap();
        write_npz(&path, &[("x".into(), x.clone()), ("y".into(), y.clone())]).unwrap();
        let read = read_npz(&path).unwrap();
        assert_eq!(read["x"], x);
        assert_eq!(read["y"], y);

        let mut npy = b"\x93NUMPY\x01\x00".to_vec();
        let text =
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999), }\n";
        npy.extend((text.len() as u16).to_le_bytes());
        npy.extend(text.as_bytes());
        let message = |bytes: &[u8]| parse(bytes).unwrap_err().at(&path, "").to_string();
        assert!(message(&npy).contains("more elements"));
        let long = [b"\x93NUMPY\x02\x00".as_slice(), &u32::MAX.to_le_bytes()].concat();
        assert!(message(&long).contains("too long"));
        for cut in 0..npy.len() {
            assert!(parse(&npy[..cut]).is_err());
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
