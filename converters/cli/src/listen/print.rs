//! Events as text or JSON.

use redpoll_voice::task::Event;
use serde_json::{Value, json};

/// Prints an event.
pub fn event(event: &Event, rate: u32, labels: &[String], model: &str, as_json: bool) {
    let (at, name, text, more) = match *event {
        Event::SpeechStart { at } => (at, "speech_start", "speech begins".to_owned(), json!({})),
        Event::SpeechEnd { at } => (at, "speech_end", "speech ends".to_owned(), json!({})),
        Event::Probability { at, probability } => (
            at,
            "probability",
            format!("{probability:.6}"),
            json!({"probability": probability}),
        ),
        Event::Wake { at, probability } => (
            at,
            "wake",
            format!("wake word {model} ({probability:.2})"),
            json!({"model": model, "probability": probability}),
        ),
        Event::Keyword {
            at,
            class,
            probability,
        } => {
            let label = labels
                .get(class)
                .map_or_else(|| class.to_string(), Clone::clone);
            let text = format!("{label} ({probability:.2})");
            (
                at,
                "keyword",
                text,
                json!({"label": label, "probability": probability}),
            )
        }
        _ => return,
    };
    line(at, rate, name, &text, more, as_json);
}

/// Prints what happened at a sample.
pub fn line(at: u64, rate: u32, name: &str, text: &str, more: Value, as_json: bool) {
    let seconds = (at as f64 / f64::from(rate) * 1000.0).round() / 1000.0;
    if as_json {
        let mut line = json!({"t": seconds, "event": name});
        if let (Some(line), Some(more)) = (line.as_object_mut(), more.as_object()) {
            line.extend(more.clone());
        }
        say!("{line}");
    } else {
        say!("{seconds:9.3} s  {text}");
    }
}

/// Prints the share of the recording's time that the task needed.
pub fn time(busy: f64, length: f64, as_json: bool) {
    let factor = if length > 0.0 { busy / length } else { 0.0 };
    if as_json {
        say!(
            "{}",
            json!({"event": "time", "seconds": busy, "audio_seconds": length, "real_time_factor": factor})
        );
    } else {
        say!("{busy:.3} s for {length:.1} s of sound: {factor:.5} of real time");
    }
}
