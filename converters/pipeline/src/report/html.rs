//! The report as one HTML page with no outside resources.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::chart::{bytes_text, memory_map, sqnr_bars};
use super::{Report, Score};

const STYLE: &str = "
:root{--bg:#fafaf8;--card:#fff;--text:#1d1d1b;--dim:#6b6b66;--line:#dddcd6;--good:#2f7d4f;--fair:#c58a1c;--bad:#b8402f;--accent:#c8321e}
@media(prefers-color-scheme:dark){:root{--bg:#181816;--card:#22221f;--text:#eceae3;--dim:#9b9a93;--line:#3a3a35;--good:#5fb883;--fair:#dfb04e;--bad:#e2705f;--accent:#f0705c}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--text);font:15px/1.5 system-ui,sans-serif}
main{max-width:960px;margin:0 auto;padding:32px 20px}h1{margin:0 0 4px;font-size:28px}h1 b{color:var(--accent)}h2{margin:36px 0 8px;font-size:19px}
p.note{color:var(--dim);margin:4px 0 12px}.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:12px;margin:22px 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 14px}.card .v{font-size:21px;font-weight:650}.card .k,.card .s{color:var(--dim);font-size:13px}
.panel{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px;overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13.5px}th,td{text-align:left;padding:4px 10px 4px 0;border-bottom:1px solid var(--line);vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}svg{width:100%;height:auto;display:block}svg text{fill:var(--text);font:11px system-ui,sans-serif}
svg .tick{fill:var(--dim)}svg .grid{stroke:var(--line);stroke-width:1}.good{fill:var(--good);color:var(--good)}.fair{fill:var(--fair);color:var(--fair)}.bad{fill:var(--bad);color:var(--bad)}
.block{stroke:var(--card);stroke-width:.6}.c0{fill:#4878a8}.c1{fill:#e49444}.c2{fill:#d1615d}.c3{fill:#85b6b2}.c4{fill:#6a9f58}.c5{fill:#a87c9f}
.legend span{margin-right:16px;font-size:13px}.legend i{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:5px;background:currentColor}
";

/// The page.
pub fn to_html(r: &Report) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                title { "Redpoll: " (r.model) }
                style { (PreEscaped(STYLE)) }
            }
            body { main {
                h1 { b { "Redpoll" } " · " (r.model) }
                (origin(r))
                (cards(r))
                h2 { "Accuracy" }
                div.panel { (accuracy(r)) }
                (candidates(r))
                @if r.quantized_here { (losses(r)) }
                h2 { "Working memory over time" }
                p.note {
                    "Arena " (bytes_text(r.arena_bytes)) ", live at the worst step " (bytes_text(r.live_bytes))
                    @if r.live_bytes > 0 { " (ratio " (format!("{:.2}", r.arena_bytes as f64 / r.live_bytes as f64)) ")" }
                    ". Each box is a tensor: hover for its name."
                }
                div.panel { (memory_map(&r.memory, r.steps.len(), r.arena_bytes)) }
                h2 { "Layers" }
                div.panel { (layers(r)) }
                h2 { "Rewrite rules that applied" }
                div.panel { table {
                    tr { th { "Rule" } th.n { "Changes" } }
                    @for (name, n) in &r.passes { tr { td { (name) } td.n { (n) } } }
                } }
            } }
        }
    };
    page.into_string()
}

/// What was converted how, and measured on what.
fn origin(r: &Report) -> Markup {
    html! {
        p.note {
            "Converter " (r.converter) ". "
            @if r.quantized_here {
                "Calibration by " (r.method)
                @if r.calibration_samples > 0 { " on " (r.calibration_samples) " samples" }
                ". "
            } @else {
                "Not quantised here: the plan is the model as it arrived, so there is nothing to compare it with. "
            }
            @if r.evaluation_samples > 0 {
                "Measured on " (r.evaluation_samples) " samples in the arithmetic of the device (" (r.tier)
                "; the bits are the same on every tier)."
            }
        }
    }
}

/// The ways to quantise that were compared.
fn candidates(r: &Report) -> Markup {
    html! {
        @if !r.candidates.is_empty() {
            h2 { "How it was chosen" }
            p.note {
                "Quantised on a part of the calibration samples, measured in integers on " (r.held_out_samples)
                " samples held out, with weights rounded to the nearest; the best was then made anew with all samples."
            }
            div.panel { table {
                tr { th { "Calibration" } th { "Equalisation" } th.n { "SQNR on held-out samples" } th {} }
                @for c in &r.candidates {
                    tr {
                        td { (c.method) }
                        td { @match c.equalize_headroom { None => "off", Some(h) => { "headroom " (h) } } }
                        td.n { (decibel(c.held_out_sqnr_db)) }
                        td { @if c.chosen { b { "chosen" } } }
                    }
                }
            } }
        }
    }
}

/// How far each layer is from float.
fn losses(r: &Report) -> Markup {
    html! {
        h2 { "Where accuracy is lost" }
        p.note { "Signal to quantisation-noise ratio of each layer's result against float, in execution order. Noise adds up along the network: a step down shows the layer that costs." }
        div.panel {
            div.legend {
                span.good { i {} "25 dB and more" } span.fair { i {} "15 to 25" } span.bad { i {} "below 15" }
            }
            (sqnr_bars(&r.layers))
        }
        (worst(r))
    }
}

fn percent(v: Option<f64>) -> String {
    v.map_or("–".into(), |v| format!("{:.2} %", v * 100.0))
}

fn decibel(v: Option<f64>) -> String {
    v.map_or("–".into(), |v| format!("{v:.1} dB"))
}

fn micros(v: Option<f64>) -> String {
    match v {
        None => "–".into(),
        Some(v) if v >= 10_000.0 => format!("{:.1} ms", v / 1e3),
        Some(v) => format!("{v:.1} µs"),
    }
}

fn card(key: &str, value: String, small: String) -> Markup {
    html! { div.card { div.k { (key) } div.v { (value) } div.s { (small) } } }
}

fn cards(r: &Report) -> Markup {
    let (from, from_bytes) = match r.arrived_int8 {
        true => ("int8", r.int8_onnx_bytes),
        false => ("float", r.float_onnx_bytes),
    };
    html! {
        div.cards {
            @if r.quantized_here {
                @if r.int8.top1.is_some() {
                    (card("Top-1, int8", percent(r.int8.top1), format!("float {}", percent(r.float.top1))))
                }
                @let same = r.int8.agreement.map_or(String::new(), |v| format!("same answer as float {}", percent(Some(v))));
                (card("Output SQNR", decibel(r.sqnr_db), same))
                (card("Latency, int8", micros(r.int8.p50_us), format!("float {}, 1 thread", micros(r.float.p50_us))))
            } @else {
                @let (form, score) = arrived(r);
                @if score.top1.is_some() {
                    (card("Top-1", percent(score.top1), form.into()))
                }
                (card("Latency", micros(score.p50_us), format!("{form}, 1 thread")))
            }
            (card("Plan file", bytes_text(r.plan_bytes), format!("{from} ONNX {}", bytes_text(from_bytes))))
            (card("Arena", bytes_text(r.arena_bytes), format!("scratch {} a thread", bytes_text(r.scratch_bytes))))
            (card("Work", format!("{:.2} MMAC", r.macs as f64 / 1e6), format!("{} steps", r.steps.len())))
        }
    }
}

/// The form of a model that was not quantised here, and its figures.
fn arrived(r: &Report) -> (&'static str, &Score) {
    match r.arrived_int8 {
        true => ("int8", &r.int8),
        false => ("float", &r.float),
    }
}

fn mean_square(v: Option<f64>) -> String {
    match v {
        None => "–".into(),
        Some(0.0) => "0".into(),
        Some(v) => format!("{v:.3e}"),
    }
}

fn accuracy(r: &Report) -> Markup {
    let row = |name: &str, s: &Score, size: usize| {
        html! { tr {
            td { (name) } td.n { (percent(s.top1)) } td.n { (percent(s.top5)) } td.n { (percent(s.agreement)) }
            td.n { (mean_square(s.mse)) } td.n { (micros(s.p50_us)) } td.n { (bytes_text(size)) }
        } }
    };
    html! {
        table {
            tr { th { "Model" } th.n { "Top-1" } th.n { "Top-5" } th.n { "Same as float" } th.n { "MSE" } th.n { "Median" } th.n { "ONNX file" } }
            @if r.quantized_here {
                (row("float", &r.float, r.float_onnx_bytes))
                (row("int8", &r.int8, r.int8_onnx_bytes))
            } @else {
                @let (form, score) = arrived(r);
                (row(&format!("{form}, as it arrived"), score, r.float_onnx_bytes.max(r.int8_onnx_bytes)))
            }
        }
    }
}

fn worst(r: &Report) -> Markup {
    let mut measured: Vec<_> = r.layers.iter().filter(|l| l.sqnr_db.is_some()).collect();
    measured.sort_by(|a, b| {
        a.sqnr_db
            .partial_cmp(&b.sqnr_db)
            .unwrap_or(core::cmp::Ordering::Equal)
    });
    html! {
        @if !measured.is_empty() {
            p.note {
                "Lowest: "
                @for (i, l) in measured.iter().take(5).enumerate() {
                    @if i > 0 { ", " } (l.name) " (" (decibel(l.sqnr_db)) ")"
                }
                ". A layer that costs too much can stay in float: " code { "--keep-float NAME" } "."
            }
        }
    }
}

fn layers(r: &Report) -> Markup {
    html! {
        table {
            tr { th { "Layer" } th { "Operator" } th { "Result" } th.n { "MAC" } th.n { "SQNR" } th { "Computes in" } }
            @for l in &r.layers {
                tr {
                    td { (l.name) } td { (l.op) } td { (format!("{:?}", l.shape)) } td.n { (l.macs) } td.n { (decibel(l.sqnr_db)) }
                    td { @if l.kept_float { "float" @if let Some(reason) = &l.reason { ": " (reason) } } @else { "int8" } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Layer, MemoryBlock};
    use super::*;
    use crate::quantize::Candidate;

    #[test]
    fn names_are_escaped_and_the_page_is_self_contained() {
        let layer = Layer {
            name: "<script>alert(1)</script>".into(),
            op: "Conv".into(),
            shape: vec![1, 2],
            macs: 3,
            sqnr_db: Some(21.5),
            kept_float: false,
            reason: None,
        };
        let block = MemoryBlock {
            name: "a".into(),
            offset: 0,
            bytes: 64,
            first_step: 0,
            last_step: 1,
        };
        let report = Report {
            model: "m".into(),
            layers: vec![layer],
            memory: vec![block],
            arena_bytes: 64,
            live_bytes: 64,
            steps: vec!["a".into(), "b".into()],
            ..Report::default()
        };
        let page = to_html(&report);
        assert!(page.contains("Not quantised here") && !page.contains("Same answer"));
        assert!(!page.contains("Where accuracy is lost"));
        let report = Report {
            quantized_here: true,
            candidates: vec![Candidate {
                method: "min-max".into(),
                equalize_headroom: Some(2.0),
                held_out_sqnr_db: Some(33.25),
                chosen: true,
            }],
            ..report
        };
        let page = to_html(&report);
        assert!(!page.contains("Not quantised here") && page.contains("33.2 dB"));
        assert!(!page.contains("<script>"));
        assert!(!page.contains("http://") && !page.contains("https://"));
        assert!(page.contains("21.5 dB"));
        let back: Report = serde_json::from_str(&report.to_json()).unwrap();
        assert_eq!(back, report);
    }
}
