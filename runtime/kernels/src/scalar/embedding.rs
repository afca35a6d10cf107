//! Rows of a table by index.

use redpoll_plan::op;

/// Row `indices[i]` of `table` becomes row `i` of `y`; outside `0..rows` a row of `zero` elements.
///
/// # Panics
/// If a slice is shorter than the parameters say.
pub fn embedding(p: &op::Embedding, indices: &[i32], table: &[u8], y: &mut [u8]) {
    let element = (p.element_bytes as usize).clamp(1, 4);
    let row_bytes = p.width as usize * element;
    let zero = p.zero.to_le_bytes();
    for (y, &index) in y.chunks_exact_mut(row_bytes.max(1)).zip(indices) {
        match usize::try_from(index) {
            Ok(i) if i < p.rows as usize => {
                y.copy_from_slice(&table[i * row_bytes..(i + 1) * row_bytes]);
            }
            _ => y
                .chunks_exact_mut(element)
                .for_each(|e| e.copy_from_slice(&zero[..element])),
        }
    }
}
