//! `table`: what devices printed, as tables for `docs/targets.md`; any difference is an error.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::Failure;
use crate::line::Line;

/// Runs the command.
pub fn table(files: &[&str]) -> Result<(), Failure> {
    let mut lines = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).map_err(|e| format!("{file}: {e}"))?;
        for line in text.lines().filter(|l| !l.trim().is_empty()) {
            lines.push(Line::parse(line).map_err(|e| format!("{file}: {e}"))?);
        }
    }
    let (text, different) = tables(&lines);
    print!("{text}");
    if different.is_empty() {
        Ok(())
    } else {
        Err(format!("not the same bytes everywhere:\n{}", different.join("\n")).into())
    }
}

/// The tables, and a line for each run whose hash is not the one of most runs.
fn tables(lines: &[Line]) -> (String, Vec<String>) {
    let mut models: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for line in lines {
        let hashes = models.entry(&line.model).or_default();
        *hashes.entry(&line.hash).or_default() += 1;
    }
    let usual: BTreeMap<&str, &str> = models
        .iter()
        .filter_map(|(&model, hashes)| {
            let most = hashes.iter().max_by_key(|&(_, &count)| count)?;
            Some((model, *most.0))
        })
        .collect();
    let differs = |line: &&Line| usual.get(line.model.as_str()) != Some(&line.hash.as_str());
    let different = lines
        .iter()
        .filter(differs)
        .map(ToString::to_string)
        .collect();

    let mut out =
        String::from("| model | SHA-256 of the outputs | runs | different |\n|---|---|--:|--:|\n");
    for (model, hashes) in &models {
        let runs: usize = hashes.values().sum();
        let same = hashes.get(usual[model]).copied().unwrap_or(0);
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "| {model} | `{}` | {runs} | {} |",
            usual[model],
            runs - same
        );
    }
    out.push_str("\n| device | tier | threads | models | the same |\n|---|---|---|--:|--:|\n");
    for (device, tier) in devices(lines) {
        let here = || {
            lines
                .iter()
                .filter(|l| l.device == device && l.tier == tier)
        };
        let mut threads: Vec<usize> = here().map(|l| l.threads).collect();
        threads.sort_unstable();
        threads.dedup();
        let threads: Vec<String> = threads.iter().map(ToString::to_string).collect();
        let mut names: Vec<&str> = here().map(|l| l.model.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let bad: Vec<&str> = here().filter(differs).map(|l| l.model.as_str()).collect();
        let same = names.iter().filter(|name| !bad.contains(name)).count();
        let _ = writeln!(
            out,
            "| {device} | {tier} | {} | {} | {same} |",
            threads.join(", "),
            names.len()
        );
    }
    (out, different)
}

/// Devices with their tiers, in the order of the lines.
fn devices(lines: &[Line]) -> Vec<(&str, &str)> {
    let mut out: Vec<(&str, &str)> = Vec::new();
    for line in lines {
        let pair = (line.device.as_str(), line.tier.as_str());
        if !out.contains(&pair) {
            out.push(pair);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(device: &str, model: &str, digit: char) -> Line {
        let hash: String = std::iter::repeat_n(digit, 64).collect();
        Line::parse(&format!("{device} scalar 1 {model} {hash}")).expect("a line")
    }

    #[test]
    fn equal_hashes_have_no_differences() {
        let lines = [
            line("a", "m", '1'),
            line("b", "m", '1'),
            line("b", "n", '2'),
        ];
        let (text, different) = tables(&lines);
        assert!(different.is_empty());
        assert!(text.contains("| b | scalar | 1 | 2 | 2 |"), "{text}");
        assert!(text.contains(&format!("| m | `{}` | 2 | 0 |", lines[0].hash)));
    }

    #[test]
    fn one_different_bit_is_named() {
        let lines = [
            line("a", "m", '1'),
            line("b", "m", '1'),
            line("c", "m", '3'),
        ];
        let (text, different) = tables(&lines);
        assert_eq!(different, [lines[2].to_string()]);
        assert!(text.contains("| c | scalar | 1 | 1 | 0 |"), "{text}");
        assert!(text.contains("| 3 | 1 |"), "{text}");
    }

    #[test]
    fn lines_that_are_none_are_refused() {
        for text in ["", "a b 1 m", "a b x m 00", "a b 1 m 00"] {
            assert!(Line::parse(text).is_err(), "{text:?}");
        }
        let kept = line("a", "m", 'f');
        assert_eq!(Line::parse(&kept.to_string()).expect("a line"), kept);
    }
}
