//! `redpoll see` with real models on real pictures, where they are: what is masked, what is followed. And hostile files.

use std::path::Path;
use std::process::Command;

use redpoll_vision::Picture;
use serde_json::Value;

use crate::redpoll;
use crate::setting::{bundled, folder, shared};

/// The boxes of persons in a file of labels, in pixels: left, top, right, bottom.
fn persons(labels: &Path, width: u32, height: u32) -> Vec<[f64; 4]> {
    let text = std::fs::read_to_string(labels).unwrap();
    let numbers = text.lines().filter(|l| l.starts_with("0 ")).map(|line| {
        let n: Vec<f64> = line.split(' ').map(|n| n.parse().unwrap()).collect();
        let (w, h) = (f64::from(width), f64::from(height));
        let (x, y) = (n[1] * w, n[2] * h);
        let (half_w, half_h) = (n[3] * w / 2.0, n[4] * h / 2.0);
        [x - half_w, y - half_h, x + half_w, y + half_h]
    });
    numbers.collect()
}

#[test]
fn a_person_is_masked() {
    let (Some(model), Some(picture), Some(labels)) = (
        shared("models/vision/selfie_segmentation_f32.tflite"),
        shared("data/coco64/images/000000000395.jpg"),
        shared("data/coco64/labels/000000000395.txt"),
    ) else {
        return;
    };
    let dir = folder("see-mask");
    let (description, drawn) = (dir.join("selfie.toml"), dir.join("drawn.png"));
    std::fs::write(
        &description,
        "size = [256, 256]\nlayout = 'nhwc'\nscale = 0.00392156862745098\nclasses = ['background', 'person']",
    )
    .unwrap();
    let printed = redpoll!(
        "see",
        picture,
        "--model",
        model,
        "--task",
        "segment",
        "--preprocess",
        description,
        "--draw",
        drawn,
        "--json"
    )
    .ok();
    let line: Value = serde_json::from_str(printed.lines().next().unwrap()).unwrap();
    let person = &line["found"][1];
    assert_eq!(person["name"], "person");
    let share = person["share"].as_f64().unwrap();
    // What is tinted lies in the box that people drew around the person, and fills half of it.
    let (before, after) = (
        Picture::open(&picture).unwrap().to_rgb(),
        Picture::open(&drawn).unwrap(),
    );
    let (width, height) = (before.width(), before.height());
    let largest = persons(&labels, width, height)
        .into_iter()
        .max_by(|a, b| ((a[2] - a[0]) * (a[3] - a[1])).total_cmp(&((b[2] - b[0]) * (b[3] - b[1]))))
        .unwrap();
    let [left, top, right, bottom] = largest;
    let (mut inside, mut all) = (0u32, 0u32);
    let pixels = before.pixels().chunks(3).zip(after.pixels().chunks(3));
    for (i, (a, b)) in pixels.enumerate() {
        let (x, y) = (f64::from(i as u32 % width), f64::from(i as u32 / width));
        let tinted = u32::from(a != b);
        all += tinted;
        let in_box = (left..right).contains(&x) && (top..bottom).contains(&y);
        inside += tinted * u32::from(in_box);
    }
    let tinted = f64::from(all) / f64::from(width * height);
    assert!((tinted - share).abs() < 0.01, "{tinted} {share}");
    assert!(
        f64::from(inside) > 0.97 * f64::from(all),
        "{inside} of {all}"
    );
    let area = (right - left) * (bottom - top);
    assert!(f64::from(inside) > 0.5 * area, "{inside} of {area}");
}

#[test]
fn persons_that_move_keep_their_numbers() {
    let (Some(model), Some(picture)) = (
        shared("models/vision/ssd_mobilenet_v1_coco_uint8.tflite"),
        shared("data/coco64/images/000000000395.jpg"),
    ) else {
        return;
    };
    // A window that moves over the picture: the person moves the other way, 12 pixels a frame.
    let dir = folder("see-track");
    let whole = Picture::open(&picture).unwrap().to_rgb();
    let (width, height) = (whole.width() - 60, whole.height());
    for n in 0..6u32 {
        let frame = whole.frame();
        let pixel = |x: u32, y: u32| frame.pixel(x + n * 12, y).unwrap();
        let pixels = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y)));
        let picture = Picture::from_rgb(width, height, pixels.collect()).unwrap();
        picture.save(&dir.join(format!("{n}.png"))).unwrap();
    }
    let found = |more: &[&str]| -> Vec<Value> {
        let mut words = vec![
            "see",
            dir.to_str().unwrap(),
            "--task",
            "detect",
            "--json",
            "--model",
        ];
        words.push(model.to_str().unwrap());
        words.extend(more);
        let words: Vec<_> = words.iter().map(std::ffi::OsStr::new).collect();
        let printed = crate::setting::redpoll(&words).ok();
        let lines = printed
            .lines()
            .map(|l| serde_json::from_str::<Value>(l).unwrap());
        lines.filter(|l| l["found"].is_array()).collect()
    };
    let largest = |frame: &Value| -> (u64, f64) {
        let all = frame["found"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|d| d["class"] == 0);
        let side = |d: &Value, i: usize| d["box"][i].as_f64().unwrap();
        let area = |d: &&Value| (side(d, 2) - side(d, 0)) * (side(d, 3) - side(d, 1));
        let best = all.max_by(|a, b| area(a).total_cmp(&area(b))).unwrap();
        (
            best["id"].as_u64().unwrap(),
            (side(best, 0) + side(best, 2)) / 2.0,
        )
    };
    let frames = found(&["--track"]);
    assert_eq!(frames.len(), 6);
    let first = largest(&frames[0]);
    for (n, frame) in frames.iter().enumerate() {
        let (id, middle) = largest(frame);
        assert_eq!(id, first.0, "frame {n}");
        let moved = first.1 - middle;
        assert!(
            (moved - 12.0 * n as f64).abs() < 15.0,
            "frame {n}: moved by {moved}"
        );
    }
    let plain = &found(&[])[0]["found"];
    assert!(plain[0].get("id").is_none());
    // The model's file carries the names of its classes.
    let names = plain
        .as_array()
        .unwrap()
        .iter()
        .map(|d| (&d["class"], &d["name"]));
    assert!(
        names.clone().any(|n| n == (&0.into(), &"person".into())),
        "{plain}"
    );
}

/// A PNG's start: what it claims to be.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    file.extend(width.to_be_bytes());
    file.extend(height.to_be_bytes());
    file.extend([8, 2, 0, 0, 0]);
    let crc = file[12..].iter().fold(!0u32, |c, &b| {
        (0..8).fold(c ^ u32::from(b), |c, _| {
            if c & 1 == 1 {
                0xedb8_8320 ^ (c >> 1)
            } else {
                c >> 1
            }
        })
    });
    file.extend((!crc).to_be_bytes());
    file.extend(b"\0\0\0\0IDAT");
    file
}

#[test]
fn hostile_pictures_are_told_in_little_memory() {
    let dir = folder("see-hostile-files");
    let jpeg = Picture::open(&bundled("sample.png"))
        .unwrap()
        .to_jpeg(90)
        .unwrap();
    let mut giant = jpeg.clone();
    let sof = giant.windows(3).position(|w| w == [0xff, 0xc0, 0]).unwrap();
    giant[sof + 5..sof + 9].fill(0xff);
    let files: [(&str, Vec<u8>, &str); 7] = [
        ("bomb.png", png(60_000, 60_000), "16384"),
        ("large.png", png(16_384, 16_384), "512 MiB"),
        ("giant.jpg", giant, "16384"),
        ("cut.jpg", jpeg[..jpeg.len() / 4].to_vec(), "damaged"),
        ("cut.png", png(28, 28), "damaged"),
        ("empty.png", Vec::new(), "JPEG, PNG and BMP"),
        (
            "text.jpg",
            b"no picture at all".to_vec(),
            "JPEG, PNG and BMP",
        ),
    ];
    for (name, bytes, part) in files {
        let file = dir.join(name);
        std::fs::write(&file, bytes).unwrap();
        // 300 MB of address space are enough to say so.
        let limited = if cfg!(target_os = "linux") {
            "ulimit -v 300000; "
        } else {
            ""
        };
        let out = Command::new("sh")
            .args(["-c", &format!("{limited}exec \"$0\" \"$@\"")])
            .arg(env!("CARGO_BIN_EXE_redpoll"))
            .arg("see")
            .args([&file, Path::new("--model"), &bundled("fashion.onnx")])
            .output()
            .unwrap();
        let message = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(4), "{name}: {message}");
        assert!(
            message.contains(name) && message.contains(part),
            "{name}: {message}"
        );
    }
}
