//! Inputs for the real models: real data where it is there, else numbers in the range that the model takes.

use std::path::Path;

use redpoll_graph::{DType, Data, Graph, Tensor};
use redpoll_pipeline::data::read_npz;
use redpoll_pipeline::data::{ColorOrder, InputSpec, Layout, Preprocess, ResizeRule, Samples};

use crate::build::{Random, tensor};
use crate::models::shared;

/// Scale and zero point of the int8 features in `mlperf_tiny_kws_500.npz`.
const KWS: (f32, i8) = (0.584_702_9, 83);

/// `n` samples, each one tensor an input, spread over the data of the model `name` (`models/` left out). The second
/// says what they are.
///
/// # Panics
/// When data that is there cannot be read.
pub fn samples(name: &str, graph: &Graph, n: usize) -> (Vec<Vec<Tensor>>, &'static str) {
    if name == "ocr/ppocr_v4_det_f32" {
        return (written(graph, n), "drawn");
    }
    match real(name, graph, n) {
        Some(samples) => (samples, "real"),
        None => (made(name, graph, n), "made"),
    }
}

fn real(name: &str, graph: &Graph, n: usize) -> Option<Vec<Vec<Tensor>>> {
    match name {
        "kws/tiny_kws_f32" => rows("data/mlperf_tiny_kws_500.npz", graph, n, |x| match x {
            Data::I8(v) => Data::F32(
                v.iter()
                    .map(|&q| (f32::from(q) - f32::from(KWS.1)) * KWS.0)
                    .collect(),
            ),
            other => other,
        }),
        "vision/tiny_ic_resnet8_f32" => rows("data/cifar10_jpeg_1000.npz", graph, n, |x| match x {
            Data::U8(v) => Data::F32(v.iter().map(|&p| p.into()).collect()),
            other => other,
        }),
        "vision/tiny_ic_resnet8_int8_qdq" => {
            rows("data/cifar10_jpeg_1000.npz", graph, n, |x| match x {
                Data::U8(v) => Data::I8(v.iter().map(|&p| (p ^ 0x80).cast_signed()).collect()),
                other => other,
            })
        }
        "fashion" | "digits" | "xray" => {
            let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
            let own = models.join(name).join("test.npz");
            let samples = Samples::open(&own, &InputSpec::of(graph), None).expect("own samples");
            Some(spread(&samples, n))
        }
        _ => {
            let description = preprocess(name)?;
            let folder = shared("data/imagenet500")?;
            let samples = Samples::open(&folder, &InputSpec::of(graph), Some(&description));
            Some(spread(&samples.expect("a folder of images"), n))
        }
    }
}

/// Letters of 5 × 7 cells, a row a byte.
const LETTERS: [[u8; 7]; 6] = [
    [
        0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001,
    ],
    [
        0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111,
    ],
    [
        0b10001, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001,
    ],
    [
        0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111,
    ],
    [
        0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110,
    ],
    [
        0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100,
    ],
];

/// Dark words on white in −1..1: a detector of text that sees none gives numbers near 0, whose differences say nothing.
fn written(graph: &Graph, n: usize) -> Vec<Vec<Tensor>> {
    let shape = &graph.value(graph.inputs[0]).shape;
    let (h, w) = (shape[2], shape[3]);
    let page = |seed: usize| {
        let mut random = Random::new(90 + seed as u64);
        let mut plane = vec![1.0f32; h * w];
        for (line, cell) in [(20, 3), (70, 4), (120, 4)] {
            for place in 0..8 {
                let letter = LETTERS[random.below(LETTERS.len())];
                for (r, row) in letter.iter().enumerate() {
                    for y in (line + r * cell..line + (r + 1) * cell).take_while(|&y| y < h) {
                        let left = 16 + place * 6 * cell;
                        let ink = |x: &usize| row >> (4 - (x - left) / cell) & 1 == 1;
                        for x in (left..(left + 5 * cell).min(w)).filter(ink) {
                            plane[y * w + x] = -1.0;
                        }
                    }
                }
            }
        }
        vec![tensor(shape, Data::F32(plane.repeat(shape[1])))]
    };
    (0..n).map(page).collect()
}

/// How the models that see photographs want them.
fn preprocess(name: &str) -> Option<Preprocess> {
    let plain = Preprocess {
        resize: ResizeRule::Crop,
        crop_fraction: 0.875,
        scale: 1.0 / 255.0,
        mean: vec![0.5],
        std: vec![0.5],
        ..Preprocess::new([224, 224])
    };
    Some(match name {
        "vision/efficientnet_lite0_f32" => plain,
        "vision/mobilenet_v2_f32" => Preprocess {
            mean: vec![0.485, 0.456, 0.406],
            std: vec![0.229, 0.224, 0.225],
            ..plain
        },
        "vision/mobilenet_v1_025_f32" => Preprocess {
            layout: Layout::Nhwc,
            ..plain
        },
        "vision/tiny_vww_f32" => Preprocess {
            size: [96, 96],
            resize: ResizeRule::Stretch,
            layout: Layout::Nhwc,
            mean: vec![],
            std: vec![],
            ..plain
        },
        "vision/yunet_n_320_f32" => Preprocess {
            size: [320, 320],
            color: ColorOrder::Bgr,
            scale: 1.0,
            mean: vec![],
            std: vec![],
            ..plain
        },
        _ => return None,
    })
}

fn spread(samples: &Samples, n: usize) -> Vec<Vec<Tensor>> {
    let step = (samples.len() / n).max(1);
    (0..n.min(samples.len()))
        .map(|i| samples.get(i * step).expect("a sample").inputs)
        .collect()
}

/// `n` rows of the array `x` of an archive, as what `convert` makes of them.
fn rows(
    file: &str,
    graph: &Graph,
    n: usize,
    convert: impl Fn(Data) -> Data,
) -> Option<Vec<Vec<Tensor>>> {
    let mut arrays = read_npz(&shared(file)?).expect("an archive of arrays");
    let (_, x) = arrays.remove("x").expect("an array x").into_parts();
    let shape = &graph.value(graph.inputs[0]).shape;
    let length: usize = shape.iter().product();
    let step = (x.len() / length / n).max(1);
    let row = |i: usize| {
        let at = i * step * length..(i * step + 1) * length;
        let data = match &x {
            Data::I8(v) => Data::I8(v[at].to_vec()),
            Data::U8(v) => Data::U8(v[at].to_vec()),
            other => panic!("{file} holds {:?}", other.dtype()),
        };
        vec![tensor(shape, convert(data))]
    };
    Some((0..n).map(row).collect())
}

/// Numbers in a sensible range, the same in every run; neighbours resemble each other, as in spectra and images.
fn made(name: &str, graph: &Graph, n: usize) -> Vec<Vec<Tensor>> {
    let (low, high) = match name {
        "anomaly/tiny_ad_f32" => (-60.0, 0.0),
        "kws/tiny_sww_f32" => (0.0, 26.0),
        "wake/speech_embedding_f32" => (-1.0, 6.0),
        "vad/pulsevad_f32" | "vad/pulsevad_int8_qdq" => (-12.0, 4.0),
        _ => (-2.0, 2.0),
    };
    (0..n)
        .map(|i| {
            let mut random = Random::new(40 + i as u64);
            let inputs = graph.inputs.iter().map(|&id| {
                let value = graph.value(id);
                let (middle, half) = ((low + high) / 2.0, (high - low) / 2.0);
                match value.dtype {
                    DType::F32 => {
                        let mut x = 0.0f32;
                        let mut next = || {
                            x = (x + random.float(0.5)).clamp(-1.0, 1.0);
                            middle + x * half
                        };
                        tensor(
                            &value.shape,
                            Data::F32((0..value.len()).map(|_| next()).collect()),
                        )
                    }
                    // Bytes of text, 256 for the padding.
                    DType::I32 => {
                        let bytes = (0..value.len()).map(|_| random.below(257) as i32);
                        tensor(&value.shape, Data::I32(bytes.collect()))
                    }
                    _ => random.fitting(graph, id),
                }
            });
            inputs.collect()
        })
        .collect()
}
