//! Classifies the first samples of an .npz (array `x`, labels `y` if there are any) or .npy; prints the best classes.
//!
//! The values go in as they are: `x` must be what the model was trained on.
//!
//! ```text
//! cargo run --release -p redpoll-examples --example classify -- out/model.plan DATA.npz
//! ```

use std::fs::File;
use std::io::{BufReader, Read};

use anyhow::{Context, Result, bail};
use npyz::NpyFile;
use npyz::npz::NpzArchive;
use redpoll::{DType, Options, Session, TensorInfo, Value};

/// Samples to show, and classes of each.
const SAMPLES: usize = 5;
const TOP: usize = 3;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(plan), Some(data)) = (arguments.next(), arguments.next()) else {
        bail!("usage: classify PLAN DATA.npz|DATA.npy");
    };

    let mut session = Session::open(&plan, &Options::default())?;
    let input = session
        .inputs()
        .first()
        .context("the plan has no input")?
        .clone();
    let output = session
        .outputs()
        .first()
        .context("the plan has no output")?
        .clone();
    println!(
        "{} {:?} {:?} → {} {:?}",
        input.name, input.dtype, input.shape, output.name, output.shape
    );

    let (values, labels) = read(&data)?;
    for (index, sample) in values.chunks_exact(input.len()).take(SAMPLES).enumerate() {
        write_input(&mut session, &input, sample)?;
        session.run()?;
        let scores = read_output(&session, &output)?;
        let mut classes: Vec<(usize, f32)> = scores.into_iter().enumerate().collect();
        classes.sort_by(|a, b| b.1.total_cmp(&a.1));
        let best: Vec<String> = classes
            .iter()
            .take(TOP)
            .map(|(class, score)| format!("{class} ({score:.3})"))
            .collect();
        let label = labels
            .get(index)
            .map_or(String::new(), |label| format!(", label {label}"));
        println!("sample {index}: {}{label}", best.join(", "));
    }
    Ok(())
}

/// Writes real values into an input, quantised where the plan wants integers.
fn write_input(session: &mut Session, input: &TensorInfo, values: &[f32]) -> Result<()> {
    match input.dtype {
        DType::F32 => session.set_input(0, values)?,
        DType::I8 => {
            for (to, &value) in session.input_mut::<i8>(0)?.iter_mut().zip(values) {
                *to = input.quantize(value).clamp(-128, 127) as i8;
            }
        }
        DType::U8 => {
            for (to, &value) in session.input_mut::<u8>(0)?.iter_mut().zip(values) {
                *to = input.quantize(value).clamp(0, 255) as u8;
            }
        }
        other => bail!("this example feeds no {other:?}"),
    }
    Ok(())
}

/// The output's real values.
fn read_output(session: &Session, output: &TensorInfo) -> Result<Vec<f32>> {
    Ok(match session.output_value(0)? {
        Value::F32(values) => values.to_vec(),
        Value::I8(values) => values
            .iter()
            .map(|&q| output.dequantize(q.into()))
            .collect(),
        Value::U8(values) => values
            .iter()
            .map(|&q| output.dequantize(q.into()))
            .collect(),
        other => bail!("this example reads no {:?}", other.dtype()),
    })
}

/// All samples, one after the other, and their labels.
fn read(path: &str) -> Result<(Vec<f32>, Vec<i64>)> {
    if path.ends_with(".npy") {
        let file = File::open(path).with_context(|| path.to_owned())?;
        return Ok((real(NpyFile::new(BufReader::new(file))?)?, Vec::new()));
    }
    let mut archive = NpzArchive::open(path).with_context(|| path.to_owned())?;
    let samples = real(archive.by_name("x")?.context("the file has no array x")?)?;
    let labels = match archive.by_name("y")? {
        Some(labels) => real(labels)?
            .into_iter()
            .map(|label| label as i64)
            .collect(),
        None => Vec::new(),
    };
    Ok((samples, labels))
}

/// The elements of an array of floats, bytes or integers.
fn real<R: Read>(array: NpyFile<R>) -> Result<Vec<f32>> {
    let array = match array.try_data::<f32>() {
        Ok(data) => return Ok(data.collect::<Result<_, _>>()?),
        Err(array) => array,
    };
    let array = match array.try_data::<u8>() {
        Ok(data) => return Ok(data.map(|v| v.map(f32::from)).collect::<Result<_, _>>()?),
        Err(array) => array,
    };
    match array.try_data::<i64>() {
        Ok(data) => Ok(data
            .map(|v| v.map(|v| v as f32))
            .collect::<Result<_, _>>()?),
        Err(array) => bail!("this example reads no {:?}", array.dtype()),
    }
}
