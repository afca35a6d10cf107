//! `redpoll see`: the first picture, folders, drawings, and what it says when something does not fit.

use redpoll_vision::Picture;
use serde_json::Value;

use crate::redpoll;
use crate::setting::{bundled, folder};

#[test]
fn the_first_picture_is_an_ankle_boot() {
    let (model, dir) = (bundled("fashion.onnx"), folder("see"));
    let printed = redpoll!("see", bundled("sample.png"), "--model", model).ok();
    let first = printed.lines().next().unwrap();
    assert!(first.ends_with("Ankle boot"), "{printed}");
    assert_eq!(printed.lines().count(), 5);

    let drawn = dir.join("drawn.png");
    let printed = redpoll!(
        "see",
        bundled("sample.png"),
        "--model",
        model,
        "--json",
        "--top",
        "1",
        "--draw",
        drawn
    )
    .ok();
    let lines: Vec<Value> = printed
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(lines[0]["found"][0]["name"], "Ankle boot");
    assert!(lines[0]["found"][0]["score"].as_f64().unwrap() > 0.9);
    assert_eq!(lines[1]["pictures"], 1);
    let (before, after) = (
        Picture::open(&bundled("sample.png")).unwrap(),
        Picture::open(&drawn).unwrap(),
    );
    assert_eq!((after.width(), after.height()), (28, 28));
    assert_ne!(before.to_rgb().pixels(), after.pixels());
}

#[test]
fn a_folder_with_classes_in_its_names_tells_the_share_that_is_right() {
    let (model, dir) = (bundled("fashion.onnx"), folder("see-folder"));
    let sample = Picture::open(&bundled("sample.png")).unwrap();
    sample.save(&dir.join("9_right.png")).unwrap();
    sample.save(&dir.join("3_wrong.bmp")).unwrap();
    let printed = redpoll!("see", dir, "--model", model, "--labels").ok();
    assert!(
        printed.contains("top-1 50.00 % (1 of 2)") && printed.contains("mean ms: decode"),
        "{printed}"
    );
    // A damaged one is named and skipped, and the exit code tells.
    std::fs::write(dir.join("5_damaged.jpg"), b"\xff\xd8\xff\xe0 no more").unwrap();
    let message = redpoll!("see", dir, "--model", model, "--labels").fails(4);
    assert!(message.contains("5_damaged.jpg"), "{message}");
}

#[test]
fn what_does_not_fit_is_said() {
    let (model, sample, dir) = (
        bundled("fashion.onnx"),
        bundled("sample.png"),
        folder("see-errors"),
    );
    let message = redpoll!("see", dir.join("no.png"), "--model", model).fails(4);
    assert!(message.contains("no.png"), "{message}");
    let message = redpoll!("see", dir, "--model", model).fails(1);
    assert!(message.contains("no pictures"), "{message}");
    let message = redpoll!("see", sample, "--model", model, "--task", "faces").fails(1);
    assert!(
        message.contains("expected cls, obj") && message.contains("found logits [1, 10]"),
        "{message}"
    );
    let message = redpoll!("see", sample, "--model", model, "--task", "text").fails(1);
    assert!(message.contains("--rec"), "{message}");
    let other = dir.join("other.toml");
    std::fs::write(&other, "size = [32, 32]\ncolor = 'gray'\ntask = 'classify'").unwrap();
    let message = redpoll!("see", sample, "--model", model, "--preprocess", other).fails(1);
    assert!(
        message.contains("[1, 1, 32, 32]") && message.contains("[1, 1, 28, 28]"),
        "{message}"
    );
    std::fs::write(dir.join("bare.onnx"), std::fs::read(model).unwrap()).unwrap();
    let message = redpoll!(
        "see",
        sample,
        "--model",
        dir.join("bare.onnx"),
        "--task",
        "classify"
    )
    .fails(1);
    assert!(message.contains("--preset"), "{message}");
}
