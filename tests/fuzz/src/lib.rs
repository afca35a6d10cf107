//! What the fuzz targets share: how much work a step is, and a run on bytes that any input can have.

mod work;

use redpoll_session::{Aligned, Session, Value};

pub use work::work;

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
