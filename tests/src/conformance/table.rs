//! The support table: operators by cases, by opset, by type and by where they run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use redpoll_onnx::proto::{ModelProto, type_proto};

use super::run::{Outcome, Place};

/// Counts of one operator.
#[derive(Clone, Debug, Default)]
struct Row {
    cases: usize,
    engine: usize,
    folded: usize,
    reference: usize,
    opsets: BTreeSet<i64>,
    types: BTreeSet<String>,
    largest: f64,
}

/// Rows by operator.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: BTreeMap<String, Row>,
}

/// What a case is counted under: its operator, for a case made of a function's body that of the function.
fn operators(name: &str, model: &ModelProto) -> BTreeSet<String> {
    if name.contains("_expanded") {
        return BTreeSet::from(["(function bodies)".to_owned()]);
    }
    if !name.starts_with("node/") {
        let set = name.split('/').next().unwrap_or_default();
        return BTreeSet::from([format!("({set})")]);
    }
    let nodes = model.graph.iter().flat_map(|g| &g.node);
    nodes
        .map(|n| match n.domain.as_str() {
            "" | "ai.onnx" => n.op_type.clone(),
            domain => format!("{domain}.{}", n.op_type),
        })
        .collect()
}

impl Table {
    /// Counts one case.
    pub fn add(&mut self, name: &str, model: &ModelProto, outcome: &Outcome) {
        let opset = model
            .opset_import
            .iter()
            .find(|o| o.domain.is_empty() || o.domain == "ai.onnx")
            .map_or(0, |o| o.version);
        for operator in operators(name, model) {
            let row = self.rows.entry(operator).or_default();
            row.cases += 1;
            row.largest = row.largest.max(outcome.largest);
            match outcome.result {
                Ok(Place::Engine) => row.engine += 1,
                Ok(Place::Folded) => row.folded += 1,
                Ok(Place::Reference) => row.reference += 1,
                Err(_) => continue,
            }
            row.opsets.insert(opset);
            row.types.extend(types(model));
        }
    }

    /// Operators of the standard domain: how many there are, how many with a case that passes, and with all passing.
    pub fn operators(&self) -> (usize, usize, usize) {
        let standard = || {
            let rows = self.rows.iter();
            rows.filter(|(name, _)| !name.contains('.') && !name.starts_with('('))
        };
        let passed = |r: &Row| r.engine + r.folded + r.reference;
        (
            standard().count(),
            standard().filter(|(_, r)| passed(r) > 0).count(),
            standard().filter(|(_, r)| passed(r) == r.cases).count(),
        )
    }
}

/// Element types of the model's inputs and outputs.
fn types(model: &ModelProto) -> BTreeSet<String> {
    let graph = model.graph.iter();
    let infos = graph.flat_map(|g| g.input.iter().chain(&g.output));
    infos
        .filter_map(|info| match info.r#type.as_ref()?.value.as_ref()? {
            type_proto::Value::TensorType(t) => Some(t.elem_type),
            _ => None,
        })
        .filter_map(|t| redpoll_onnx::DataType::from_onnx(t).ok())
        .map(|t| t.to_string().to_lowercase())
        .collect()
}

/// The table as a page's section.
pub fn page(table: &Table) -> String {
    let mut text = String::from(
        "| operator | passed | in a plan | folded | reference only | opsets of the cases | types | largest difference |\n|---|---|---|---|---|---|---|---|\n",
    );
    for (name, row) in &table.rows {
        let opsets = match (row.opsets.first(), row.opsets.last()) {
            (Some(a), Some(b)) if a == b => a.to_string(),
            (Some(a), Some(b)) => format!("{a} to {b}"),
            _ => "none".to_owned(),
        };
        let types: Vec<&str> = row.types.iter().map(String::as_str).collect();
        let passed = row.engine + row.folded + row.reference;
        writeln!(
            text,
            "| {name} | {passed} of {} | {} | {} | {} | {opsets} | {} | {:.0e} |",
            row.cases,
            row.engine,
            row.folded,
            row.reference,
            types.join(", "),
            row.largest
        )
        .unwrap_or_default();
    }
    text
}
