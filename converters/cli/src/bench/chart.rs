//! The steps of a model as a bar chart in one HTML file that needs nothing else.

use maud::{DOCTYPE, PreEscaped, html};
use redpoll_session::StepProfile;
use serde_json::Value;

use super::profile::{gb_per_s, gmac_per_s, share};
use crate::text;

const STYLE: &str = "\
body{font:14px/1.4 system-ui,sans-serif;margin:2rem;color:#1b1f24;background:#fff}\
table{border-collapse:collapse;width:100%}th,td{padding:.15rem .5rem;text-align:right;white-space:nowrap}\
th{border-bottom:1px solid #999}.t{text-align:left}.w{width:40%;text-align:left}\
.b{height:.9rem;min-width:1px;background:#2f6f9f;border-radius:2px}\
@media(prefers-color-scheme:dark){body{color:#dde;background:#16181c}.b{background:#6cb0e0}}";

/// The page. `all` is what `bench --json` prints.
pub fn page(title: &str, all: &Value, steps: &[StepProfile]) -> String {
    let longest = steps.iter().map(|s| s.ns).max().unwrap_or(0).max(1);
    let tier = all["tier"].as_str().unwrap_or_default();
    let p50 = text::micros(all["p50_us"].as_f64().unwrap_or(f64::NAN));
    let gmacs = all["gmac_per_s"].as_f64().unwrap_or(f64::NAN);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { "Steps of " (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                p {
                    "Median " (p50) ", " (format!("{gmacs:.2}")) " GMAC/s, tier " (tier) ", "
                    (all["threads"].to_string()) " thread(s). Times of steps are the fastest of several runs."
                }
                table {
                    tr {
                        th.t { "step" } th.t { "kind" } th.w { "time" } th { "" } th { "share" } th { "MAC" }
                        th { "GMAC/s" } th { "bytes" } th { "GB/s" }
                    }
                    @for s in steps {
                        tr {
                            td.t { (s.name) }
                            td.t { (s.op) }
                            td.w {
                                div.b style=(format!("width:{:.2}%", s.ns as f64 / longest as f64 * 100.0)) {}
                            }
                            td { (text::micros(s.ns as f64 / 1e3)) }
                            td { (format!("{:.1} %", share(s, steps) * 100.0)) }
                            td { (s.macs) }
                            td { (format!("{:.2}", gmac_per_s(s))) }
                            td { (text::bytes(s.bytes)) }
                            td { (format!("{:.2}", gb_per_s(s))) }
                        }
                    }
                }
            }
        }
    }
    .into_string()
}
