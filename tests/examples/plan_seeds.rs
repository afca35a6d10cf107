//! Writes a small plan for each kind of step into a folder: seeds for fuzzing the plan reader.
//!
//! `cargo run -p redpoll-tests --example plan_seeds -- FOLDER`

use redpoll_graph::op::{BinaryFn, Pad, PadMode, Pool, PoolKind, ReduceKind, UnaryFn};
use redpoll_graph::{DType, Graph, Op, ValueId};
use redpoll_pipeline::lower::{LowerOptions, lower};
use redpoll_tests::build::{Random, input, node, square, weights};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: plan_seeds FOLDER")?;
    std::fs::create_dir_all(&folder)?;
    for dtype in [DType::F32, DType::I8, DType::U8] {
        for (name, build) in KINDS {
            let mut random = Random::new(11);
            let mut graph = Graph::new(name);
            let qparams = dtype.quantized_range().map(|_| random.qparams(dtype));
            let x = input(&mut graph, "x", dtype, &[1, 5, 6, 4], qparams);
            let y = build(&mut graph, &mut random, x);
            graph.outputs.push(y);
            let lowered = lower(
                &graph,
                &LowerOptions {
                    alignment: 16,
                    ..LowerOptions::default()
                },
            )?;
            std::fs::write(format!("{folder}/{name}_{dtype}.plan"), lowered.plan())?;
        }
    }
    Ok(())
}

type Build = fn(&mut Graph, &mut Random, ValueId) -> ValueId;

const KINDS: [(&str, Build); 10] = [
    ("conv", |g, r, x| {
        let w = weights(g, r, x, &[5, 3, 3, 4], true);
        node(g, r, Op::Conv(square(2, 2, 1, 1, 1)), &[x, w[0], w[1]])
    }),
    ("depthwise", |g, r, x| {
        let w = weights(g, r, x, &[4, 3, 3, 1], true);
        node(g, r, Op::Conv(square(2, 1, 1, 1, 4)), &[x, w[0], w[1]])
    }),
    ("groups", |g, r, x| {
        let w = weights(g, r, x, &[6, 2, 2, 2], true);
        node(g, r, Op::Conv(square(2, 1, 1, 0, 2)), &[x, w[0], w[1]])
    }),
    ("dense", |g, r, x| {
        let w = weights(g, r, x, &[3, 4], true);
        node(g, r, Op::Dense { clamp: None }, &[x, w[0], w[1]])
    }),
    ("pools", |g, r, x| {
        let pool = |kind| Pool {
            kind,
            kernel: vec![3, 2],
            strides: vec![2, 1],
            dilations: vec![1, 1],
            pads_before: vec![1, 0],
            pads_after: vec![0, 1],
            count_include_pad: false,
        };
        let y = node(g, r, Op::Pool(pool(PoolKind::Max)), &[x]);
        node(g, r, Op::Pool(pool(PoolKind::Average)), &[y])
    }),
    ("unary", |g, r, x| {
        node(g, r, Op::Unary(UnaryFn::Gelu), &[x])
    }),
    ("binary", |g, r, x| {
        let y = node(g, r, Op::Unary(UnaryFn::Tanh), &[x]);
        node(
            g,
            r,
            Op::Binary {
                function: BinaryFn::Sub,
                clamp: None,
            },
            &[x, y],
        )
    }),
    ("reduce", |g, r, x| {
        let op = Op::Reduce {
            kind: ReduceKind::Mean,
            axes: vec![1, 2],
            keep_dims: false,
        };
        let y = node(g, r, op, &[x]);
        node(g, r, Op::Softmax { axis: 1 }, &[y])
    }),
    ("movement", |g, r, x| {
        let pad = Pad {
            before: vec![0, 1, 0, 0],
            after: vec![0, 0, 2, 0],
            mode: PadMode::Constant,
            value: 1.0,
        };
        let y = node(g, r, Op::Pad(pad), &[x]);
        node(
            g,
            r,
            Op::Transpose {
                perm: vec![0, 3, 1, 2],
            },
            &[y],
        )
    }),
    ("borders", |g, r, x| {
        if g.value(x).is_quantized() {
            return node(g, r, Op::Dequantize, &[x]);
        }
        let q = node(g, r, Op::Quantize, &[x]);
        node(g, r, Op::Dequantize, &[q])
    }),
];
