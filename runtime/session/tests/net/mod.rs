//! A small image classifier as a plan, with work enough for several threads.
#![allow(dead_code)]

use redpoll_plan::layout::{packed_i8_len, padded_n, patch_stride};
use redpoll_plan::op::{ConvI8, Dequantize, Quantize, Reduce, ReduceI8, SoftmaxF32};
use redpoll_plan::{DType, Op, PlanBuilder, Shape, Tensor, TensorId, Window};
use zerocopy::IntoBytes;

pub const INPUT_LEN: usize = 32 * 32 * 8;
pub const CLASSES: usize = 10;

struct Net {
    builder: PlanBuilder,
    seed: u32,
}

impl Net {
    fn random(&mut self) -> u32 {
        self.seed = self
            .seed
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        self.seed >> 8
    }

    fn tensor(&mut self, name: &str, dtype: DType, dims: &[u32], offset: u32) -> TensorId {
        let tensor = Tensor::arena(dtype, Shape::new(dims).unwrap(), offset);
        self.builder.add_tensor(name, tensor)
    }

    fn conv(&mut self, name: &str, x: TensorId, y: TensorId, window: Window) {
        let k = window.taps() * window.in_c as usize;
        let n = padded_n(window.out_c as usize);
        // [N/16][K/4][16][4], zeros beyond the channels.
        let (c, blocks) = (window.out_c as usize, k / 4);
        assert_eq!(k % 4, 0);
        let channel = |i: usize| i / (blocks * 64) * 16 + i / 4 % 16;
        let weights: Vec<i8> = (0..packed_i8_len(n, k))
            .map(|i| (self.random() % 255) as i8 * i8::from(channel(i) < c))
            .collect();
        let mut sums = vec![0i32; n];
        weights
            .iter()
            .enumerate()
            .for_each(|(i, &w)| sums[channel(i)] += i32::from(w));
        let bias: Vec<i32> = (0..n)
            .map(|_| (self.random() % 2000) as i32 - 1000)
            .collect();
        let bias_unsigned: Vec<i32> = bias
            .iter()
            .zip(sums)
            .map(|(b, sum)| b - 128 * sum)
            .collect();
        let scale = vec![0.0005f32; n];
        let shape = |len: usize| [len as u32];
        let b = &mut self.builder;
        let step = ConvI8 {
            x,
            y,
            weights: b.add_weights("w", weights.as_bytes(), DType::I8, &shape(weights.len())),
            bias: b.add_weights("b", bias.as_bytes(), DType::I32, &shape(n)),
            bias_unsigned: b.add_weights("u", bias_unsigned.as_bytes(), DType::I32, &shape(n)),
            scale: b.add_weights("s", scale.as_bytes(), DType::F32, &shape(n)),
            window,
            groups: 1,
            x_zero: 0,
            y_zero: 0,
            lo: -128,
            hi: 127,
        };
        let scratch_bytes = if window.is_pointwise() {
            0
        } else {
            8 * patch_stride(k)
        };
        let macs = (window.rows() * k * window.out_c as usize) as u64;
        b.add_step(name, Op::ConvI8(step), macs, scratch_bytes);
    }
}

/// image [1, 32, 32, 8] f32 → scores [10] f32, mean [32] i8. The first convolution's result replaces the image.
pub fn plan() -> Vec<u8> {
    let mut net = Net {
        builder: PlanBuilder::new(),
        seed: 1,
    };
    let image = net.tensor("image", DType::F32, &[1, 32, 32, 8], 0);
    let quantized = net.tensor("quantized", DType::I8, &[1, 32, 32, 8], 32768);
    let first = net.tensor("first", DType::I8, &[1, 32, 32, 32], 0);
    let second = net.tensor("second", DType::I8, &[1, 32, 32, 32], 32768);
    let mean = net.tensor("mean", DType::I8, &[32], 0);
    let dense = net.tensor("dense", DType::I8, &[10], 64);
    let scores = net.tensor("scores", DType::F32, &[10], 128);

    let quantize = Quantize {
        x: image,
        y: quantized,
        scale: 1.0 / 64.0,
        zero: 0,
    };
    net.builder
        .add_step("quantize", Op::Quantize(quantize), 0, 0);
    let w = Window {
        in_h: 32,
        in_w: 32,
        out_h: 32,
        out_w: 32,
        kernel_h: 3,
        kernel_w: 3,
        pad_top: 1,
        pad_left: 1,
        ..Window::dense(1, 8, 32)
    };
    net.conv("conv_0", quantized, first, w);
    net.conv("conv_1", first, second, Window::dense(1024, 32, 32));
    let reduce = ReduceI8 {
        kind: Reduce::Mean,
        x: second,
        y: mean,
        outer: 1,
        count: 1024,
        inner: 32,
        ratio: 1.0 / 256.0,
        x_zero: 0,
        y_zero: 0,
        lo: -128,
        hi: 127,
    };
    net.builder.add_step("mean", Op::ReduceI8(reduce), 0, 0);
    net.conv("dense", mean, dense, Window::dense(1, 32, 10));
    let dequantize = Dequantize {
        x: dense,
        y: scores,
        scale: 0.05,
        zero: 0,
    };
    net.builder
        .add_step("dequantize", Op::Dequantize(dequantize), 0, 0);
    let softmax = SoftmaxF32 {
        x: scores,
        y: scores,
        outer: 1,
        count: 10,
    };
    net.builder
        .add_step("softmax", Op::SoftmaxF32(softmax), 0, 0);

    net.builder.set_arena_bytes(65536);
    net.builder.add_input("image", image);
    net.builder.add_output("scores", scores);
    net.builder.add_output("mean", mean);
    net.builder.finish().unwrap()
}

pub fn image(seed: usize) -> Vec<f32> {
    (0..INPUT_LEN)
        .map(|i| ((i * 37 + seed * 101) % 256) as f32 / 64.0 - 2.0)
        .collect()
}
