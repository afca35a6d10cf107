//! Resizing gives the bytes of Pillow and OpenCV, and the numbers of TensorFlow's definition. `vectors/make.py` made the vectors.
//! Runs without the feature `std` too, on emulated devices.

use redpoll_vision::{
    ColorOrder, Filter, Format, Frame, Input, Layout, Matrix, Preprocess, Preprocessor, Target,
};

/// The generator of `make.py`.
fn noise(n: usize) -> Vec<u8> {
    let mut state = 12_345u32;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect()
}

fn hex(text: &str) -> Vec<u8> {
    let digit = |b: u8| (b as char).to_digit(16).unwrap() as u8;
    text.as_bytes()
        .chunks(2)
        .map(|d| digit(d[0]) * 16 + digit(d[1]))
        .collect()
}

fn size(text: &str) -> (u32, u32) {
    let (w, h) = text.split_once('x').unwrap();
    (w.parse().unwrap(), h.parse().unwrap())
}

fn filter(name: &str) -> Filter {
    match name {
        "nearest" => Filter::Nearest,
        "box" => Filter::Box,
        "bilinear" => Filter::Bilinear,
        "bicubic" => Filter::Bicubic,
        "lanczos" => Filter::Lanczos,
        "cv_nearest" => Filter::CvNearest,
        "cv_linear" => Filter::CvLinear,
        "cv_area" => Filter::CvArea,
        "tf_bilinear" => Filter::TfBilinear,
        "tf_bilinear_legacy" => Filter::TfBilinearLegacy,
        "tf_bilinear_corners" => Filter::TfBilinearCorners,
        other => panic!("{other}"),
    }
}

fn format(name: &str) -> Format {
    match name {
        "rgb" => Format::Rgb,
        "bgr" => Format::Bgr,
        "rgba" => Format::Rgba,
        "bgra" => Format::Bgra,
        "gray" => Format::Gray,
        "nv12" => Format::Nv12,
        "i420" => Format::I420,
        "yuyv" => Format::Yuyv,
        other => panic!("{other}"),
    }
}

/// The picture of noise as a u8 and as an f32 input.
fn resized(name: &str, channels: usize, from: (u32, u32), to: (u32, u32)) -> (Vec<u8>, Vec<f32>) {
    let pixels = noise((from.0 * from.1) as usize * channels);
    let description = Preprocess {
        filter: filter(name),
        layout: Layout::Nhwc,
        color: if channels == 1 {
            ColorOrder::Gray
        } else {
            ColorOrder::Rgb
        },
        ..Preprocess::new([to.1, to.0])
    };
    let format = if channels == 1 {
        Format::Gray
    } else {
        Format::Rgb
    };
    let frame = Frame::new(format, from.0, from.1, &pixels).unwrap();
    let target = Target::U8 {
        scale: 0.0,
        zero_point: 0,
    };
    let mut prepare = Preprocessor::new(&description, from, target).unwrap();
    let mut bytes = vec![0; prepare.len()];
    // Twice: a second frame begins anew.
    prepare.fill(&frame, Input::U8(&mut bytes)).unwrap();
    bytes.fill(0);
    prepare.fill(&frame, Input::U8(&mut bytes)).unwrap();
    let mut real = vec![0.0; bytes.len()];
    let mut prepare = Preprocessor::new(&description, from, Target::F32).unwrap();
    prepare.fill(&frame, Input::F32(&mut real)).unwrap();
    (bytes, real)
}

#[test]
fn as_pillow_opencv_and_tensorflow() {
    let mut checked = 0;
    for line in include_str!("vectors/resize.txt").lines() {
        let fields: Vec<_> = line.split(' ').collect();
        let [name, channels, from, to, expected] = fields[..] else {
            panic!("{line}")
        };
        let (bytes, real) = resized(name, channels.parse().unwrap(), size(from), size(to));
        let expected = hex(expected);
        if name.starts_with("tf_") {
            let expected: Vec<_> = expected
                .chunks(4)
                .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
                .collect();
            assert_eq!(real, expected, "{name} {from} {to}");
        } else {
            let wrong = bytes.iter().zip(&expected).filter(|(a, e)| a != e).count();
            let most = bytes
                .iter()
                .zip(&expected)
                .map(|(a, e)| a.abs_diff(*e))
                .max();
            assert_eq!(
                (wrong, bytes.len()),
                (0, expected.len()),
                "{name} {channels} {from} {to}: most {most:?}"
            );
        }
        checked += 1;
    }
    assert_eq!(checked, 190);
}

#[test]
fn yuv_is_opencvs() {
    for line in include_str!("vectors/yuv.txt").lines() {
        let fields: Vec<_> = line.split(' ').collect();
        let (w, h): (u32, u32) = (fields[1].parse().unwrap(), fields[2].parse().unwrap());
        let format = format(fields[0]);
        let data = hex(fields[3]);
        let frame = Frame::new(format, w, h, &data).unwrap();
        let rgb: Vec<u8> = (0..h)
            .flat_map(|y| (0..w).flat_map(move |x| frame.pixel(x, y).unwrap()))
            .collect();
        assert_eq!(rgb, hex(fields[4]), "{format:?}");
    }
}

/// From the bytes of cameras, decoders and screens to a quantised input, rows with and without gaps.
#[test]
fn every_format_goes_the_whole_way() {
    let mut checked = 0;
    for line in include_str!("vectors/formats.txt").lines() {
        let fields: Vec<_> = line.split(' ').collect();
        let [name, filter_name, from, to, data, pixels, quantised] = fields[..] else {
            panic!("{line}")
        };
        let ((w, h), to) = (size(from), size(to));
        let (format, data) = (format(name), hex(data));
        let description = Preprocess {
            filter: filter(filter_name),
            layout: Layout::Nhwc,
            scale: 1.0 / 255.0,
            mean: vec![0.485, 0.456, 0.406],
            std: vec![0.229, 0.224, 0.225],
            ..Preprocess::new([to.1, to.0])
        };
        let plain = Preprocess {
            scale: 1.0,
            mean: vec![],
            std: vec![],
            ..description.clone()
        };
        // The same rows, some bytes further apart.
        let row = match format {
            Format::Nv12 | Format::I420 => w as usize,
            _ => data.len() / h as usize,
        };
        let stride = row + 6;
        let apart: Vec<u8> = match format {
            // Rows of U and V are half as far apart.
            Format::I420 => {
                let (luma, chroma) = data.split_at((w * h) as usize);
                let spread = |rows: &[u8], n: usize, gap: &[u8]| -> Vec<u8> {
                    rows.chunks(n).flat_map(|r| [r, gap].concat()).collect()
                };
                [spread(luma, row, &[7; 6]), spread(chroma, row / 2, &[7; 3])].concat()
            }
            _ => data
                .chunks(row)
                .flat_map(|r| [r, &[7; 6]].concat())
                .collect(),
        };
        for frame in [
            Frame::new(format, w, h, &data).unwrap(),
            Frame::with_stride(format, w, h, stride, &apart).unwrap(),
        ] {
            let bare = Target::U8 {
                scale: 0.0,
                zero_point: 0,
            };
            let mut prepare = Preprocessor::new(&plain, (w, h), bare).unwrap();
            let mut bytes = vec![0; prepare.len()];
            prepare.fill(&frame, Input::U8(&mut bytes)).unwrap();
            assert_eq!(bytes, hex(pixels), "{name} {filter_name} {from}");
            let steps = Target::I8 {
                scale: 0.0186,
                zero_point: -14,
            };
            let mut prepare = Preprocessor::new(&description, (w, h), steps).unwrap();
            let mut input = vec![0i8; prepare.len()];
            prepare.fill(&frame, Input::I8(&mut input)).unwrap();
            let input: Vec<_> = input.iter().map(|&v| v as u8).collect();
            assert_eq!(input, hex(quantised), "{name} {filter_name} {from}");
        }
        checked += 1;
    }
    assert_eq!(checked, 48);
}

/// The matrices against their definitions in real numbers: luma weights of BT.601 and BT.709, full range and 16 to 235.
#[test]
fn matrices_are_their_definitions() {
    for (matrix, kr, kb, full) in [
        (Matrix::Bt601, 0.299, 0.114, false),
        (Matrix::Bt601Full, 0.299, 0.114, true),
        (Matrix::Bt709, 0.2126, 0.0722, false),
    ] {
        let (offset, luma, chroma) = if full {
            (0.0, 1.0, 1.0)
        } else {
            (16.0, 255.0 / 219.0, 255.0 / 224.0)
        };
        let mut most = 0.0f64;
        for step in 0..16 * 16 * 16u32 {
            let [y, u, v] = [step & 15, step >> 4 & 15, step >> 8].map(|n| (n * 17) as u8);
            let data = [y, u, y, v];
            let frame = Frame::new(Format::Yuyv, 2, 1, &data).unwrap();
            let got = frame.with_matrix(matrix).pixel(0, 0).unwrap();
            let (l, b, r) = (
                (f64::from(y) - offset).max(0.0) * luma,
                (f64::from(u) - 128.0) * chroma,
                (f64::from(v) - 128.0) * chroma,
            );
            let kg = 1.0 - kr - kb;
            let wanted = [
                l + 2.0 * (1.0 - kr) * r,
                l - 2.0 * kb * (1.0 - kb) / kg * b - 2.0 * kr * (1.0 - kr) / kg * r,
                l + 2.0 * (1.0 - kb) * b,
            ];
            for (got, wanted) in got.into_iter().zip(wanted) {
                most = most.max((f64::from(got) - wanted.clamp(0.0, 255.0)).abs());
            }
        }
        // Half a step of rounding, and what OpenCV's constants of three digits are off by.
        assert!(most < 0.65, "{matrix:?}: {most}");
    }
}
