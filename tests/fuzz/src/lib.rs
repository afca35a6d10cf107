//! What the fuzz targets share: how much work a step is, and a run on bytes that any input can have.

use redpoll_plan::{Op, Window};
use redpoll_session::{Aligned, Session, Value};

/// A valid plan may ask for any amount of work; this much is run.
pub const MOST_WORK: u64 = 20_000_000;

/// Runs a session on bytes of every value; gives its outputs, `None` where the data were at fault.
///
/// # Panics
/// When anything else goes wrong.
pub fn run(session: &mut Session) -> Option<Vec<Vec<u8>>> {
    for index in 0..session.inputs().len() {
        let info = session.inputs()[index].clone();
        let data: Vec<u8> = (0..info.bytes).map(|i| (i * 37) as u8).collect();
        let data = Aligned::copy_of(&data);
        let value = Value::from_bytes(info.dtype, &data).expect("aligned and whole");
        session.set_value(index, value).expect("the input's own type and length");
    }
    // The data may name an index that is not there, or divide by zero: nothing else may go wrong.
    if let Err(e) = session.run() {
        let text = e.to_string();
        assert!(text.contains("outside its axis") || text.contains("division by zero"), "{text}");
        return None;
    }
    let outputs = 0..session.outputs().len();
    let bytes = |i| match session.output_value(i).expect("an output") {
        // Which NaN an operation gives is not the same on every machine.
        Value::F32(v) => v
            .iter()
            .flat_map(|x| if x.is_nan() { f32::NAN } else { *x }.to_le_bytes())
            .collect(),
        other => other.as_bytes().to_vec(),
    };
    Some(outputs.map(bytes).collect())
}

/// Inner loops of a step that the plan's size does not bound.
pub fn work(op: &Op) -> u64 {
    let product = |dims: &[u32]| dims.iter().fold(1u64, |n, &d| n.saturating_mul(d.into()));
    let window = |w: &Window| {
        product(&[w.batch, w.out_h, w.out_w, w.out_c, w.kernel_h, w.kernel_w])
            .saturating_mul(w.in_c.into())
    };
    match op {
        Op::ConvI8(p) => window(&p.window),
        Op::ConvF32(p) => window(&p.window),
        Op::DepthwiseI8(p) => window(&p.window),
        Op::DepthwiseF32(p) => window(&p.window),
        Op::PoolI8(p) => window(&p.window),
        Op::PoolF32(p) => window(&p.window),
        Op::MatMulF32(p) => product(&[p.batch, p.m, p.k, p.n]),
        Op::ReduceI8(p) => product(&[p.outer, p.count, p.inner]),
        Op::ReduceF32(p) => product(&[p.outer, p.count, p.inner]),
        Op::Copy(p) => product(&p.dims),
        Op::BinaryI8(p) => product(&p.dims),
        Op::BinaryF32(p) => product(&p.dims),
        Op::Embedding(p) => product(&[p.rows, p.width]),
        Op::Compare(p) => product(&p.dims),
        Op::BinaryWhole(p) => product(&p.dims),
        Op::Select(p) => product(&p.dims),
        Op::GatherElements(p) => product(&p.dims),
        Op::ScatterElements(p) => product(&p.dims),
        Op::TopK(p) => product(&[p.outer, p.count, p.inner, p.k]),
        Op::NonMaxSuppression(p) => product(&[p.images, p.classes, p.count, p.count]),
        // The check bounds the entries of a map by its tensors' sizes only loosely.
        Op::SparseRows(p) => product(&[p.outer, p.size, p.inner, p.size]),
        _ => 0,
    }
}
