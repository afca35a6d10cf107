//! Colours, layouts, padding, quantisation and orientation of prepared inputs, against values worked out by hand.
//! Runs without the feature `std` too.

use redpoll_vision::{
    ColorOrder, Format, Frame, Input, Layout, Orientation, Preprocess, Preprocessor, ResizeRule,
    Target, Values, VisionError,
};

fn fill_f32(d: &Preprocess, frame: &Frame<'_>) -> Vec<f32> {
    let mut prepare = Preprocessor::new(d, (frame.width(), frame.height()), Target::F32).unwrap();
    let mut out = vec![f32::NAN; prepare.len()];
    prepare.fill(frame, Input::F32(&mut out)).unwrap();
    out
}

#[test]
fn channels_planes_and_padding() {
    let pixels = [1, 2, 3, 4, 5, 6];
    let frame = Frame::new(Format::Rgb, 2, 1, &pixels).unwrap();
    let d = Preprocess {
        resize: ResizeRule::Letterbox,
        fill: 100.0,
        ..Preprocess::new([2, 4])
    };
    // Twice as large by nothing: 2×1 into 4×2 is 4×2, so a smaller box for padding.
    assert_eq!(
        fill_f32(
            &Preprocess {
                size: [1, 2],
                ..d.clone()
            },
            &frame
        ),
        [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]
    );
    let d = Preprocess { size: [3, 2], ..d };
    let planes = [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]];
    let padded = |p: [f32; 2]| [100.0, 100.0, p[0], p[1], 100.0, 100.0];
    assert_eq!(fill_f32(&d, &frame), planes.map(padded).concat());
    let bgr = Preprocess {
        color: ColorOrder::Bgr,
        ..d.clone()
    };
    assert_eq!(
        fill_f32(&bgr, &frame),
        [planes[2], planes[1], planes[0]].map(padded).concat()
    );
    let nhwc = Preprocess {
        layout: Layout::Nhwc,
        color: ColorOrder::Bgr,
        ..d.clone()
    };
    let around = [100.0; 6];
    assert_eq!(
        fill_f32(&nhwc, &frame),
        [around, [3.0, 2.0, 1.0, 6.0, 5.0, 4.0], around].concat()
    );
    let gray = Preprocess {
        color: ColorOrder::Gray,
        mean: vec![1.0],
        std: vec![0.5],
        ..d
    };
    assert_eq!(
        fill_f32(&gray, &frame),
        [198.0, 198.0, 2.0, 8.0, 198.0, 198.0]
    );
}

#[test]
fn quantised_inputs_are_rounded_half_to_even_and_limited() {
    let pixels = [0, 1, 2, 3, 4, 255];
    let frame = Frame::new(Format::Gray, 6, 1, &pixels).unwrap();
    let d = Preprocess {
        color: ColorOrder::Gray,
        scale: 0.5,
        ..Preprocess::new([1, 6])
    };
    let i8s = |d: &Preprocess, scale, zero_point| {
        let mut prepare = Preprocessor::new(d, (6, 1), Target::I8 { scale, zero_point }).unwrap();
        let mut out = [0i8; 6];
        prepare.fill(&frame, Input::I8(&mut out)).unwrap();
        out
    };
    assert_eq!(i8s(&d, 1.0, 0), [0, 0, 1, 2, 2, 127]);
    assert_eq!(i8s(&d, 0.25, -128), [-128, -126, -124, -122, -120, 127]);
    let bytes = Preprocess {
        values: Values::Bytes,
        ..d.clone()
    };
    assert_eq!(i8s(&bytes, 0.25, 3), [-128, -127, -126, -125, -124, 127]);
    assert_eq!(fill_f32(&bytes, &frame), [0.0, 1.0, 2.0, 3.0, 4.0, 255.0]);
    let mut prepare = Preprocessor::new(
        &d,
        (6, 1),
        Target::U8 {
            scale: 0.5,
            zero_point: 10,
        },
    )
    .unwrap();
    let mut out = [0u8; 6];
    prepare.fill(&frame, Input::U8(&mut out)).unwrap();
    assert_eq!(out, [10, 11, 12, 13, 14, 255]);
    let wrong = prepare.fill(&frame, Input::F32(&mut [0.0; 6])).unwrap_err();
    assert_eq!(wrong, VisionError::OutputType);
    let short = prepare.fill(&frame, Input::U8(&mut [0; 5])).unwrap_err();
    assert_eq!(short, VisionError::OutputLength { needed: 6, got: 5 });
    let other = Frame::new(Format::Gray, 3, 2, &pixels).unwrap();
    let other = prepare.fill(&other, Input::U8(&mut out)).unwrap_err();
    assert_eq!(
        other,
        VisionError::OtherSize {
            wanted: (6, 1),
            got: (3, 2)
        }
    );
}

#[test]
fn cameras_formats_go_straight_in() {
    // Grey chroma: Y 235 is white, Y 16 black.
    let nv12 = [16, 235, 235, 16, 128, 128];
    let frame = Frame::new(Format::Nv12, 2, 2, &nv12).unwrap();
    let d = Preprocess {
        layout: Layout::Nhwc,
        ..Preprocess::new([2, 2])
    };
    let white = [255.0; 3];
    assert_eq!(
        fill_f32(&d, &frame),
        [[0.0; 3], white, white, [0.0; 3]].concat()
    );
}

#[test]
fn every_orientation() {
    // 1 2 3 over 4 5 6, as the EXIF standard pictures it.
    let pixels = [1, 2, 3, 4, 5, 6];
    for (exif, width, expected) in [
        (1, 3, [1, 2, 3, 4, 5, 6]),
        (2, 3, [3, 2, 1, 6, 5, 4]),
        (3, 3, [6, 5, 4, 3, 2, 1]),
        (4, 3, [4, 5, 6, 1, 2, 3]),
        (5, 2, [1, 4, 2, 5, 3, 6]),
        (6, 2, [4, 1, 5, 2, 6, 3]),
        (7, 2, [6, 3, 5, 2, 4, 1]),
        (8, 2, [3, 6, 2, 5, 1, 4]),
    ] {
        let turn = Orientation::from_exif(exif).unwrap();
        let frame = Frame::new(Format::Gray, 3, 2, &pixels)
            .unwrap()
            .with_orientation(turn);
        assert_eq!(frame.width(), width);
        let size = [frame.height(), frame.width()];
        let d = Preprocess {
            color: ColorOrder::Gray,
            ..Preprocess::new(size)
        };
        assert_eq!(
            fill_f32(&d, &frame),
            expected.map(|p: u8| p.into()),
            "EXIF {exif}"
        );
    }
    assert_eq!(
        (Orientation::from_exif(0), Orientation::from_exif(9)),
        (None, None)
    );
}
