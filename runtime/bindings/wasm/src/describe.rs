//! What a session has, as JSON.

use std::fmt::Write;

use redpoll_plan::{DType, Port};

use crate::session::Session;

/// `{"tier": …, "arenaBytes": …, "inputs": […], "outputs": […]}`; an entry: name, type, shape, scale, zeroPoint, address,
/// bytes.
pub(crate) fn describe(session: &Session) -> String {
    let plan = session.plan();
    let mut out = format!(
        "{{\"tier\":{:?},\"arenaBytes\":{},\"planBytes\":{},\"inputs\":[",
        session.tier(),
        session.arena_bytes(),
        session.plan_bytes(),
    );
    for (i, port) in plan.inputs().enumerate() {
        entry(&mut out, session, i, port);
    }
    out.push_str("],\"outputs\":[");
    for (i, port) in plan.outputs().enumerate() {
        entry(&mut out, session, i, port);
    }
    out.push_str("]}");
    out
}

fn entry(out: &mut String, session: &Session, i: usize, port: Port<'_>) {
    let Some(tensor) = session.plan().tensor(port.tensor) else {
        return;
    };
    if i > 0 {
        out.push(',');
    }
    out.push_str("{\"name\":");
    quote(out, port.name);
    // Writing to a string cannot fail; a scale of a plan is finite.
    let _ = write!(
        out,
        ",\"type\":\"{}\",\"shape\":{:?},\"scale\":{:e},\"zeroPoint\":{},\"address\":{},\"bytes\":{}}}",
        type_name(tensor.dtype),
        tensor.shape.dims(),
        tensor.scale,
        tensor.zero_point,
        session.address(port.tensor).unwrap_or(0),
        tensor.bytes(),
    );
}

fn type_name(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "f32",
        DType::F16 => "f16",
        DType::I8 => "i8",
        DType::U8 => "u8",
        DType::I32 => "i32",
        DType::I64 => "i64",
        DType::Bool => "bool",
    }
}

/// A JSON string: quotes, backslashes and control characters escaped.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn names_are_quoted() {
        let mut out = String::new();
        quote(&mut out, "a\"b\\c\n é");
        assert_eq!(out, "\"a\\\"b\\\\c\\u000a é\"");
    }
}
