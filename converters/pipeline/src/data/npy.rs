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

/// Reads the arrays of numbers of a .npz file, by name; others (text, complex numbers) are left out.
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
        match parse(&bytes) {
            Ok(tensor) => drop(out.insert(name, tensor)),
            // Arrays of strings (say file names beside the data) are of no use here.
            Err(Refusal::Unsuitable(_)) => {}
            Err(e) => return Err(e.at(path, &format!("array {name}: "))),
        }
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
    let npy = NpyFile::new(bytes).map_err(|e| Unsuitable(e.to_string()))?;
    let shape: Vec<usize> = npy.shape().iter().map(|&d| d as usize).collect();
    let npyz::DType::Plain(ty) = npy.dtype() else {
        return Err(Unsuitable("structured arrays are not supported".into()));
    };
    fn all<T: npyz::Deserialize + Copy>(npy: NpyFile<&[u8]>) -> Result<Vec<T>, Refusal> {
        let shape: Vec<usize> = npy.shape().iter().map(|&d| d as usize).collect();
        let fortran = npy.order() == Order::Fortran && shape.len() > 1;
        let values = npy.into_vec().map_err(|e| Malformed(e.to_string()))?;
        Ok(if fortran {
            last_axis_fastest(&values, &shape)
        } else {
            values
        })
    }
    let data = match (ty.type_char(), ty.size_field()) {
        (TypeChar::Float, 2) => {
            Data::F32(all::<half::f16>(npy)?.iter().map(|v| v.to_f32()).collect())
        }
        (TypeChar::Float, 4) => Data::F32(all(npy)?),
        (TypeChar::Float, 8) => Data::F32(all::<f64>(npy)?.iter().map(|&v| v as f32).collect()),
        (TypeChar::Int, 1) => Data::I8(all(npy)?),
        (TypeChar::Uint, 1) => Data::U8(all(npy)?),
        (TypeChar::Int, 2) => Data::I32(all::<i16>(npy)?.iter().map(|&v| v.into()).collect()),
        (TypeChar::Uint, 2) => Data::I32(all::<u16>(npy)?.iter().map(|&v| v.into()).collect()),
        (TypeChar::Uint, 4) => Data::I64(all::<u32>(npy)?.iter().map(|&v| v.into()).collect()),
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

/// Elements whose first index runs fastest, in the order where the last does.
fn last_axis_fastest<T: Copy>(values: &[T], shape: &[usize]) -> Vec<T> {
    let strides: Vec<usize> = shape
        .iter()
        .scan(1, |stride, &d| {
            let own = *stride;
            *stride *= d;
            Some(own)
        })
        .collect();
    let mut index = vec![0; shape.len()];
    let mut at = 0;
    let mut out = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        out.push(values[at]);
        // The next index, like an odometer.
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            at += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            at -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
        let order = if fortran { "True" } else { "False" };
        let text =
            format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
        let len = (text.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00".as_slice(), &len, text.as_bytes(), data].concat()
    }

    #[test]
    fn fortran_order_and_half_precision_are_read() {
        let columns = npy("|u1", true, "(2, 3)", &[1, 4, 2, 5, 3, 6]);
        let read = parse(&columns).unwrap();
        let rows = Tensor::new(vec![2, 3], Data::U8(vec![1, 2, 3, 4, 5, 6])).unwrap();
        assert_eq!(read, rows);
        let halves = npy("<f2", false, "(2,)", &[0x00, 0x3c, 0x00, 0xc1]);
        let read = parse(&halves).unwrap();
        assert_eq!(read.as_f32(), Some([1.0, -2.5].as_slice()));
        assert!(matches!(
            parse(&npy("<c8", false, "(1,)", &[0; 8])),
            Err(Refusal::Unsuitable(_))
        ));
    }

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
