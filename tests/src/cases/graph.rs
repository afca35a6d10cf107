//! Nodes of a graph from text: `y, z = Op <attribute = value> (x, , w)`, one a line.

use redpoll_onnx::proto::NodeProto;

/// The nodes.
pub(super) fn nodes(text: &str) -> Result<Vec<NodeProto>, String> {
    text.trim().lines().map(node).collect()
}

fn names(text: &str) -> Vec<&str> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    text.split(',').map(str::trim).collect()
}

fn node(line: &str) -> Result<NodeProto, String> {
    let odd = || format!("no node: {line}");
    let (outputs, rest) = line.split_once('=').ok_or_else(odd)?;
    let (head, inputs) = rest.rsplit_once('(').ok_or_else(odd)?;
    let inputs = inputs.trim().strip_suffix(')').ok_or_else(odd)?;
    let (op, attributes) = match head.split_once('<') {
        None => (head.trim(), ""),
        Some((op, rest)) => (op.trim(), rest.trim().strip_suffix('>').ok_or_else(odd)?),
    };
    let (domain, op) = op.rsplit_once('.').unwrap_or(("", op));
    let outputs = names(outputs);
    let mut node = NodeProto::new(op, &outputs.concat(), names(inputs), outputs).in_domain(domain);
    for attribute in split(attributes) {
        let (name, value) = attribute.split_once('=').ok_or_else(odd)?;
        node = with(node, name.trim(), value.trim()).ok_or_else(odd)?;
    }
    Ok(node)
}

/// Parts between commas that are neither in brackets nor in quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quoted) = (Vec::new(), 0, 0, false);
    for (i, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '[' => depth += 1,
            ']' => depth -= 1,
            ',' if depth == 0 && !quoted => {
                parts.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.retain(|p| !p.trim().is_empty());
    parts
}

/// The attribute whose kind its value shows: text in quotes, numbers with a point are floats, brackets are lists.
fn with(node: NodeProto, name: &str, value: &str) -> Option<NodeProto> {
    if let Some(text) = value.strip_prefix('"') {
        return Some(node.with_string(name, text.strip_suffix('"')?));
    }
    let Some(list) = value.strip_prefix('[') else {
        return Some(match value.parse() {
            Ok(int) => node.with_int(name, int),
            Err(_) => node.with_float(name, value.parse().ok()?),
        });
    };
    let items = names(list.strip_suffix(']')?);
    if items.iter().any(|item| item.contains('.')) {
        let floats: Option<Vec<f32>> = items.iter().map(|v| v.parse().ok()).collect();
        return Some(node.with_floats(name, &floats?));
    }
    let ints: Option<Vec<i64>> = items.iter().map(|v| v.parse().ok()).collect();
    Some(node.with_ints(name, &ints?))
}
