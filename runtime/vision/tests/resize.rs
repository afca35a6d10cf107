//! Resizing gives the bytes of Pillow and OpenCV, and the numbers of TensorFlow's definition. `vectors/make.py` made the vectors.

use redpoll_vision::{
    ColorOrder, Filter, Format, Frame, Input, Layout, Preprocess, Preprocessor, Target,
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
    Preprocess::from_toml(&format!("size = [1, 1]\nfilter = '{name}'"))
        .unwrap()
        .filter
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
        let format = match fields[0] {
            "nv12" => Format::Nv12,
            "i420" => Format::I420,
            _ => Format::Yuyv,
        };
        let data = hex(fields[3]);
        let frame = Frame::new(format, w, h, &data).unwrap();
        let rgb: Vec<u8> = (0..h)
            .flat_map(|y| (0..w).flat_map(move |x| frame.pixel(x, y).unwrap()))
            .collect();
        assert_eq!(rgb, hex(fields[4]), "{format:?}");
    }
}
