//! A small plan with most kinds of steps, and aligned copies of files.
#![allow(dead_code)]

use redpoll_plan::op::*;
use redpoll_plan::{DType, PlanBuilder, Shape, Tensor, TensorId, Window, layout};

/// Bytes at a multiple of 64 in memory.
pub struct Aligned(Vec<u8>, std::ops::Range<usize>);

impl Aligned {
    pub fn new(bytes: &[u8]) -> Self {
        let mut room = vec![0; bytes.len() + 64];
        let start = room.as_ptr().align_offset(64);
        let range = start..start + bytes.len();
        room[range.clone()].copy_from_slice(bytes);
        Self(room, range)
    }
}

impl std::ops::Deref for Aligned {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0[self.1.clone()]
    }
}

impl std::ops::DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0[self.1.clone()]
    }
}

pub fn shape(dims: &[u32]) -> Shape {
    Shape::new(dims).unwrap()
}

pub fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Adds a tensor in working memory.
pub fn arena(b: &mut PlanBuilder, name: &str, dtype: DType, dims: &[u32], offset: u32) -> TensorId {
    b.add_tensor(name, Tensor::arena(dtype, shape(dims), offset))
}

/// A 3×3 window over `[1, 8, 8, 4]` with border 1.
pub fn window(out_c: u32) -> Window {
    Window {
        batch: 1,
        in_h: 8,
        in_w: 8,
        in_c: 4,
        out_h: 8,
        out_w: 8,
        out_c,
        kernel_h: 3,
        kernel_w: 3,
        stride_h: 1,
        stride_w: 1,
        dilation_h: 1,
        dilation_w: 1,
        pad_top: 1,
        pad_left: 1,
    }
}

/// A convolution step from `x` `[1, 8, 8, 4]` to `y` `[1, 8, 8, 20]` with its weights.
pub fn conv(b: &mut PlanBuilder, x: TensorId, y: TensorId) -> ConvI8 {
    let (n, k) = (20, 36);
    let packed = layout::packed_i8_len(n, k);
    let padded = layout::padded_n(n);
    let bytes: Vec<u8> = (0..packed).map(|i| i as u8).collect();
    let weights = b.add_weights("w", &bytes, DType::I8, &[packed as u32]);
    let bias = b.add_weights("b", &vec![1; padded * 4], DType::I32, &[padded as u32]);
    let bias_unsigned = b.add_weights("bu", &vec![2; padded * 4], DType::I32, &[padded as u32]);
    let scale = b.add_weights("s", &f32s(&vec![0.5; padded]), DType::F32, &[padded as u32]);
    ConvI8 {
        x,
        y,
        weights,
        bias,
        bias_unsigned,
        scale,
        window: window(20),
        groups: 1,
        x_zero: -3,
        y_zero: 4,
        lo: 4,
        hi: 127,
    }
}

/// quantize → convolution → table in place → mean → dequantize.
pub fn builder() -> PlanBuilder {
    let mut b = PlanBuilder::new();
    let x = arena(&mut b, "x", DType::F32, &[1, 8, 8, 4], 0);
    let q = arena(&mut b, "q", DType::I8, &[1, 8, 8, 4], 1024);
    let c = arena(&mut b, "c", DType::I8, &[1, 8, 8, 20], 1280);
    let t = arena(&mut b, "t", DType::I8, &[1, 8, 8, 20], 1280);
    let m = arena(&mut b, "m", DType::I8, &[1, 20], 0);
    let y = arena(&mut b, "y", DType::F32, &[1, 20], 64);
    b.add_step(
        "quantize",
        Op::Quantize(Quantize {
            x,
            y: q,
            scale: 0.1,
            zero: -3,
        }),
        0,
        0,
    );
    let op = conv(&mut b, q, c);
    b.add_step("conv", Op::ConvI8(op), 8 * 8 * 20 * 36, 8 * 64);
    let table: Vec<u8> = (0..=255).collect();
    let table = b.add_weights("table", &table, DType::I8, &[256]);
    b.add_step("table", Op::TableI8(TableI8 { x: c, y: t, table }), 0, 0);
    let mean = ReduceI8 {
        kind: Reduce::Mean,
        x: t,
        y: m,
        outer: 1,
        count: 64,
        inner: 20,
        ratio: 1.0 / 64.0,
        x_zero: 0,
        y_zero: 0,
        lo: -128,
        hi: 127,
    };
    b.add_step("mean", Op::ReduceI8(mean), 0, 0);
    b.add_step(
        "dequantize",
        Op::Dequantize(Dequantize {
            x: m,
            y,
            scale: 0.2,
            zero: 0,
        }),
        0,
        0,
    );
    b.add_input("x", x);
    b.add_output("y", y);
    b.set_metadata("labels", "cat, dog, größer");
    b.set_metadata("origin", "a test");
    b.set_arena_bytes(1280 + 1280);
    b
}
