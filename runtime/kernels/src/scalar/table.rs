//! Any function of one int8, as a table of 256.

use crate::params::Source;

/// `y = table[x + 128]`.
///
/// # Panics
/// If `x` is shorter than `y`.
pub fn table_i8(table: &[i8; 256], x: Source<'_, i8>, y: &mut [i8]) {
    let look_up = |x: i8| table[usize::from(x as u8 ^ 0x80)];
    let len = y.len();
    match x {
        Source::Slice(x) => {
            for (y, &x) in y.iter_mut().zip(&x[..len]) {
                *y = look_up(x);
            }
        }
        Source::InPlace => y.iter_mut().for_each(|y| *y = look_up(*y)),
    }
}
