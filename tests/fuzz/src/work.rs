//! How much work a step asks for: shared with the tests of damaged models, which read this file.

use redpoll_plan::{Op, Window};

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
