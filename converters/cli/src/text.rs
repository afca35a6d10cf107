//! Numbers as people read them.

/// `1234 B`, `12.3 KB`, `4.56 MB`.
pub fn bytes(n: usize) -> String {
    match n {
        0..10_000 => format!("{n} B"),
        10_000..1_000_000 => format!("{:.1} KB", n as f64 / 1e3),
        _ => format!("{:.2} MB", n as f64 / 1e6),
    }
}

/// `12.3 µs`, `4.56 ms`.
pub fn micros(us: f64) -> String {
    if us < 10_000.0 {
        format!("{us:.1} µs")
    } else {
        format!("{:.2} ms", us / 1e3)
    }
}

/// `91.20 %`, or a dash.
pub fn percent(share: Option<f64>) -> String {
    share.map_or("–".into(), |s| format!("{:.2} %", s * 100.0))
}

/// `31.4 dB`, or a dash.
pub fn decibel(db: Option<f64>) -> String {
    db.map_or("–".into(), |db| format!("{db:.1} dB"))
}
