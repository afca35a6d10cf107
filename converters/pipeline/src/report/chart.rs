//! Charts of the report page, as inline SVG.

use maud::{Markup, html};

use super::{Layer, MemoryBlock};

/// Colour of a layer's bar by its dB: the classes of the legend.
fn class(db: f64) -> &'static str {
    match db {
        d if d < 15.0 => "bad",
        d if d < 25.0 => "fair",
        _ => "good",
    }
}

/// A horizontal bar for each layer that was measured: SQNR in dB, in execution order.
pub(super) fn sqnr_bars(layers: &[Layer]) -> Markup {
    let measured: Vec<(&Layer, f64)> = layers
        .iter()
        .filter_map(|l| l.sqnr_db.map(|db| (l, db)))
        .collect();
    let top = measured.iter().map(|&(_, db)| db).fold(10.0, f64::max);
    let (row, left, width) = (16.0, 260.0, 520.0);
    let height = measured.len() as f64 * row + 24.0;
    let x = |db: f64| left + db.max(0.0) / top * width;
    html! {
        svg viewBox=(format!("0 0 860 {height}")) role="img" aria-label="SQNR by layer" {
            @for tick in (0..=(top as i64)).step_by(10) {
                line class="grid" x1=(x(tick as f64)) x2=(x(tick as f64)) y1="16" y2=(height) {}
                text class="tick" x=(x(tick as f64)) y="11" text-anchor="middle" { (tick) " dB" }
            }
            @for (i, (layer, db)) in measured.iter().enumerate() {
                @let y = 20.0 + i as f64 * row;
                g {
                    title { (layer.name) ": " (format!("{db:.1} dB")) ", " (layer.op) " " (format!("{:?}", layer.shape)) }
                    text class="label" x=(left - 6.0) y=(y + 11.0) text-anchor="end" { (shorten(&layer.name, 38)) }
                    rect class=(class(*db)) x=(left) y=(y + 1.0) width=(x(*db) - left) height=(row - 3.0) rx="2" {}
                    text class="value" x=(x(*db) + 4.0) y=(y + 11.0) { (format!("{db:.1}")) }
                }
            }
        }
    }
}

/// Working memory over time: a box a tensor, steps to the right, bytes upwards.
pub(super) fn memory_map(blocks: &[MemoryBlock], steps: usize, arena_bytes: usize) -> Markup {
    let (left, width, height) = (70.0, 780.0, 320.0);
    let column = width / steps.max(1) as f64;
    let scale = (height - 20.0) / arena_bytes.max(1) as f64;
    html! {
        svg viewBox=(format!("0 0 860 {}", height + 24.0)) role="img" aria-label="working memory over time" {
            @for part in 0..=4 {
                @let bytes = arena_bytes * part / 4;
                @let y = height - bytes as f64 * scale;
                line class="grid" x1=(left) x2=(left + width) y1=(y) y2=(y) {}
                text class="tick" x=(left - 6.0) y=(y + 3.0) text-anchor="end" { (bytes_text(bytes)) }
            }
            @for (i, b) in blocks.iter().enumerate() {
                @let y = height - (b.offset + b.bytes) as f64 * scale;
                rect class=(format!("block c{}", i % 6)) x=(left + b.first_step as f64 * column) y=(y)
                    width=((b.last_step + 1 - b.first_step.min(b.last_step)) as f64 * column)
                    height=((b.bytes as f64 * scale).max(0.5)) {
                    title { (b.name) ": " (bytes_text(b.bytes)) " at " (b.offset) ", steps " (b.first_step) "–" (b.last_step) }
                }
            }
            text class="tick" x=(left) y=(height + 16.0) { "step 0" }
            text class="tick" x=(left + width) y=(height + 16.0) text-anchor="end" { "step " (steps.saturating_sub(1)) }
        }
    }
}

/// `1,234 B`, `12.3 KB`, `4.56 MB`.
pub(super) fn bytes_text(bytes: usize) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..1_000_000 => format!("{:.1} KB", bytes as f64 / 1e3),
        _ => format!("{:.2} MB", bytes as f64 / 1e6),
    }
}

/// The end of a long name, which tells layers apart better than its beginning.
fn shorten(name: &str, most: usize) -> String {
    let n = name.chars().count();
    if n <= most {
        return name.to_owned();
    }
    let tail: String = name.chars().skip(n + 1 - most).collect();
    format!("…{tail}")
}
