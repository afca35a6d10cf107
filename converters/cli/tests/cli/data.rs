//! Samples in every form: folder of .npy, folder of images with a description that travels in the plan.

use redpoll_graph::{Data, Tensor};
use redpoll_pipeline::data::{read_npz, write_npz};

use crate::redpoll;
use crate::setting::{bundled, converted, folder, report};

/// A greyscale BMP, 28 × 28, of 8-bit pixels.
fn bmp(pixels: &[u8]) -> Vec<u8> {
    let (side, offset) = (28u32, 14 + 40 + 1024);
    let mut out = b"BM".to_vec();
    out.extend((offset + side * side).to_le_bytes());
    out.extend(0u32.to_le_bytes());
    out.extend(offset.to_le_bytes());
    for word in [40, side, side] {
        out.extend(word.to_le_bytes());
    }
    out.extend(1u16.to_le_bytes());
    out.extend(8u16.to_le_bytes());
    for word in [0, side * side, 2835, 2835, 256, 0] {
        out.extend(word.to_le_bytes());
    }
    out.extend((0..=255u8).flat_map(|g| [g, g, g, 0]));
    // Rows from the bottom up.
    out.extend(pixels.chunks(28).rev().flatten());
    out
}

#[test]
fn a_folder_of_images_calibrates_and_its_description_travels_in_the_plan() {
    let arrays = read_npz(&bundled("test.npz")).unwrap();
    let (x, y) = (arrays["x"].as_f32().unwrap(), arrays["y"].to_i64().unwrap());
    let dir = folder("images");
    let images = dir.join("images");
    std::fs::create_dir_all(&images).unwrap();
    let (low, high) = x
        .iter()
        .fold((f32::MAX, f32::MIN), |(l, h), &v| (l.min(v), h.max(v)));
    for (i, image) in x.chunks(28 * 28).take(40).enumerate() {
        let pixels: Vec<u8> = image
            .iter()
            .map(|v| ((v - low) / (high - low) * 255.0).round() as u8)
            .collect();
        std::fs::write(images.join(format!("{:04}_{i}.bmp", y[i])), bmp(&pixels)).unwrap();
    }
    let description = format!(
        "size = [28, 28]\ncolor = \"gray\"\nscale = {}\nmean = [{}]\nlabels = \"prefix\"\n",
        (high - low) / 255.0,
        -low
    );
    std::fs::write(images.join("preprocess.toml"), description).unwrap();
    let (model, out) = (bundled("fashion.onnx"), dir.join("out"));
    redpoll!(
        "convert",
        model,
        "--calibrate",
        images,
        "--evaluate",
        images,
        "-o",
        out
    )
    .ok();
    let report = report(&out);
    assert!(
        report["float"]["top1"].as_f64().unwrap() > 0.8,
        "{}",
        report["float"]
    );
    assert!(report["int8"]["top1"].as_f64().unwrap() > 0.8);
    let printed = redpoll!("inspect", out.join("model.plan")).ok();
    assert!(
        printed.contains("preprocess: ") && printed.contains("gray"),
        "{printed}"
    );

    std::fs::write(
        images.join("preprocess.toml"),
        "size = [28, 28]\ncolour = \"gray\"",
    )
    .unwrap();
    let message = redpoll!("convert", model, "--calibrate", images, "-o", out).fails(1);
    assert!(message.contains("colour"), "{message}");
    std::fs::remove_file(images.join("preprocess.toml")).unwrap();
    let message = redpoll!("convert", model, "--calibrate", images, "-o", out).fails(1);
    assert!(message.contains("--preprocess"), "{message}");
}

#[test]
fn samples_without_classes_are_judged_by_their_outputs() {
    let dir = folder("unlabelled");
    let path = dir.join("x.npz");
    let arrays = read_npz(&converted().evaluate).unwrap();
    let x: &Tensor = &arrays["x"];
    write_npz(&path, &[("image".into(), x.clone())]).unwrap();
    let (model, ranges) = (bundled("fashion.onnx"), converted().file("ranges.json"));
    let out = dir.join("out");
    redpoll!(
        "convert",
        model,
        "--ranges",
        ranges,
        "--evaluate",
        path,
        "-o",
        out
    )
    .ok();
    let found = report(&out);
    assert!(found["float"]["top1"].is_null() && found["int8"]["top1"].is_null());
    assert!(found["sqnr_db"].as_f64().unwrap() > 25.0);
    assert!(found["int8"]["mse"].as_f64().unwrap() > 0.0);
    assert!(found["int8"]["agreement"].as_f64().unwrap() > 0.9);
    let message = redpoll!(
        "convert",
        model,
        "--ranges",
        ranges,
        "--evaluate",
        path,
        "--max-drop",
        "1",
        "-o",
        out
    )
    .fails(1);
    assert!(message.contains("classes"), "{message}");

    // Labels beyond the classes, or fewer than samples.
    for labels in [vec![10i64; 100], vec![1; 99]] {
        let y = Tensor::new(vec![labels.len()], Data::I64(labels)).unwrap();
        write_npz(&path, &[("x".into(), x.clone()), ("y".into(), y)]).unwrap();
        redpoll!(
            "convert",
            model,
            "--ranges",
            ranges,
            "--evaluate",
            path,
            "-o",
            out
        )
        .fails(1);
    }
}
