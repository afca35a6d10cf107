//! Limits that are enforced before anything large is allocated.

/// How large a file may be, and how much it may unfold to.
///
/// Tables and vectors of a flatbuffer may be named more than once, so a small file can unfold to a large model: what is
/// taken out of it is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub file_bytes: usize,
    /// Tables, and elements of vectors other than the data of tensors, all together.
    pub elements: usize,
}

impl Default for Limits {
    /// 2 GiB a file (what 32-bit offsets reach), 2²² tables and elements; never more than four for each byte of the file.
    fn default() -> Self {
        Self {
            file_bytes: i32::MAX as usize,
            elements: 1 << 22,
        }
    }
}
