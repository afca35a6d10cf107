//! `redpoll explain`: the numbers, the picture, and what it says when something does not fit.

use redpoll_vision::Picture;
use serde_json::Value;

use crate::redpoll;
use crate::setting::{bundled, folder};

fn score(picture: &std::path::Path) -> f64 {
    let printed = redpoll!(
        "see",
        picture,
        "--model",
        bundled("fashion.onnx"),
        "--json",
        "--top",
        "10"
    )
    .ok();
    let first: Value = serde_json::from_str(printed.lines().next().unwrap()).unwrap();
    let found = first["found"].as_array().unwrap();
    let boot = found.iter().find(|f| f["name"] == "Ankle boot").unwrap();
    boot["score"].as_f64().unwrap()
}

#[test]
fn the_fall_is_that_of_the_covered_picture() {
    let dir = folder("explain");
    let (sample, drawn) = (bundled("sample.png"), dir.join("why.png"));
    let printed = redpoll!(
        "explain",
        sample,
        "--model",
        bundled("fashion.onnx"),
        "--patch",
        "14",
        "--stride",
        "14",
        "--json",
        "-o",
        drawn
    )
    .ok();
    let told: Value = serde_json::from_str(printed.trim()).unwrap();
    assert_eq!(
        (&told["class"], &told["squares"]),
        (&Value::from("Ankle boot"), &Value::from(4))
    );
    assert!((told["score"].as_f64().unwrap() - score(&sample)).abs() < 1e-6);
    let drawing = Picture::open(&drawn).unwrap();
    assert_eq!((drawing.width(), drawing.height()), (224, 224));

    // The right lower quarter, covered by hand.
    let mut covered = Picture::open(&sample).unwrap().to_rgb();
    let pixels = covered.pixels_mut();
    let mean = pixels.iter().step_by(3).map(|&p| u64::from(p)).sum::<u64>() / (28 * 28);
    for y in 14..28 {
        pixels[(y * 28 + 14) * 3..(y * 28 + 28) * 3].fill(mean as u8);
    }
    let file = dir.join("covered.png");
    covered.save(&file).unwrap();
    let fall = score(&sample) - score(&file);
    let map = &told["falls"];
    assert!(
        (map[20][20].as_f64().unwrap() - fall).abs() < 1e-6,
        "{fall} {}",
        map[20][20]
    );
    let peak = told["peak"]["fall"].as_f64().unwrap();
    assert!(peak > 0.0 && peak >= fall - 1e-6);
}

#[test]
fn classes_and_squares_that_do_not_fit_are_told() {
    let dir = folder("explain-errors");
    let why = dir.join("why.png");
    let model = bundled("fashion.onnx");
    let message = redpoll!(
        "explain",
        bundled("sample.png"),
        "--model",
        model,
        "--class",
        "hat",
        "-o",
        why
    )
    .fails(1);
    assert!(
        message.contains("no class \"hat\"") && message.contains("Sneaker"),
        "{message}"
    );
    let message = redpoll!(
        "explain",
        bundled("sample.png"),
        "--model",
        model,
        "--patch",
        "29",
        "-o",
        why
    )
    .fails(1);
    assert!(message.contains("28 and 28"), "{message}");
    assert!(!why.exists());
}
