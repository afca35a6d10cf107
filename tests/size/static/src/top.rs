//! The classes of the highest scores.

use redpoll_plan::{DType, Plan};

/// Class and score of the best of the first output, whose elements are `bytes`: the highest score first, of equal ones the
/// lower class. Integers are scores by the output's scale and zero point.
pub fn classes(plan: &Plan<'_>, bytes: &[u8], count: usize) -> Vec<(usize, f32)> {
    let port = plan.outputs().next();
    let Some(tensor) = port.and_then(|port| plan.tensor(port.tensor)) else {
        return Vec::new();
    };
    let real = |q: i32| (q - tensor.zero_point) as f32 * tensor.scale;
    let scores: Vec<f32> = match tensor.dtype {
        DType::F32 => bytes
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect(),
        DType::I8 => bytes.iter().map(|&b| real(i32::from(b as i8))).collect(),
        DType::U8 => bytes.iter().map(|&b| real(i32::from(b))).collect(),
        _ => Vec::new(),
    };
    let mut best: Vec<(usize, f32)> = Vec::with_capacity(count + 1);
    for (class, &score) in scores.iter().enumerate() {
        let place = best.iter().take_while(|b| b.1 >= score).count();
        best.insert(place, (class, score));
        best.truncate(count);
    }
    best
}
