//! What a session has, as JSON.

use std::fmt::Write;

use redpoll_plan::{DType, Port};

use crate::session::Session;

/// `{"tier": …, "arenaBytes": …, "inputs": […], "outputs": […]}`; an entry: name, type, shape, scale, zeroPoint, address,
/// bytes, and of an output whose sizes depend on data (the shape has the largest) the axes with the addresses of their sizes, one i64 each.
pub(crate) fn describe(session: &Session) -> String {
    let plan = session.plan();
    let mut out = format!(
        "{{\"tier\":{:?},\"arenaBytes\":{},\"planBytes\":{},\"inputs\":[",
        session.tier(),
        session.arena_bytes(),
        session.plan_bytes(),
    );
    for port in plan.inputs() {
        entry(&mut out, session, port, &[]);
    }
    out.push_str("],\"outputs\":[");
    // Outputs that hold sizes of others are told with those.
    let sizes: Vec<_> = plan.sizes().collect();
    let at = |i: usize| {
        let port = plan.outputs().nth(i);
        port.and_then(|port| session.address(port.tensor))
            .unwrap_or(0)
    };
    for (i, port) in plan.outputs().enumerate() {
        if sizes.iter().all(|size| size.length != i) {
            let own = sizes.iter().filter(|size| size.output == i);
            let found: Vec<_> = own.map(|size| [size.axis, at(size.length)]).collect();
            entry(&mut out, session, port, &found);
        }
    }
    out.push_str("]}");
    out
}

/// `sizes`: axes whose size is found by the run, with the addresses of the sizes.
fn entry(out: &mut String, session: &Session, port: Port<'_>, sizes: &[[usize; 2]]) {
    let Some(tensor) = session.plan().tensor(port.tensor) else {
        return;
    };
    if out.ends_with('}') {
        out.push(',');
    }
    out.push_str("{\"name\":");
    quote(out, port.name);
    // Writing to a string cannot fail; a scale of a plan is finite.
    let _ = write!(
        out,
        ",\"type\":\"{}\",\"shape\":{:?},\"scale\":{:e},\"zeroPoint\":{},\"address\":{},\"bytes\":{},\"sizes\":{:?}}}",
        type_name(tensor.dtype),
        tensor.shape.dims(),
        tensor.scale,
        tensor.zero_point,
        session.address(port.tensor).unwrap_or(0),
        tensor.bytes(),
        sizes,
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
    use redpoll_kernels::SCALAR;
    use redpoll_plan::{Op, PlanBuilder, Shape, Tensor, op};

    use super::*;
    use crate::session::Block;

    #[test]
    fn sizes_are_told_with_their_outputs() {
        let mut builder = PlanBuilder::new();
        let shape = Shape::new(&[1, 4]).expect("two dimensions");
        let x = builder.add_tensor("x", Tensor::arena(DType::F32, shape, 0));
        let y = builder.add_tensor("y", Tensor::arena(DType::F32, shape, 64));
        let one = Shape::new(&[1]).expect("one dimension");
        let n = builder.add_tensor("n", Tensor::arena(DType::I64, one, 128));
        let abs = op::UnaryF32 {
            function: op::Unary::Abs,
            x,
            y,
            alpha: 0.0,
            beta: 0.0,
        };
        builder.add_step("abs", Op::UnaryF32(abs), 0, 0);
        builder.add_input("x", x);
        builder.add_input("n", n);
        builder.add_output("y.length", n);
        builder.add_output("y", y);
        builder.set_metadata(redpoll_plan::SIZES, "1 1 0");
        builder.set_arena_bytes(192);
        let plan = builder.finish().expect("a plan");
        let mut block = Block::new(plan.len()).expect("memory");
        block.slice_mut().copy_from_slice(&plan);
        let session = Session::new(block, &SCALAR).expect("a session");
        let told = describe(&session);
        let address = session.address(n).expect("in the arena");
        let (_, outputs) = told.split_once("\"outputs\":").expect("outputs");
        assert!(outputs.starts_with("[{\"name\":\"y\""), "{told}");
        assert!(
            outputs.ends_with(&format!(",\"sizes\":[[1, {address}]]}}]}}")),
            "{told}"
        );
        assert!(told.contains("\"sizes\":[]},{\"name\":\"n\""), "{told}");
    }

    #[test]
    fn names_are_quoted() {
        let mut out = String::new();
        quote(&mut out, "a\"b\\c\n é");
        assert_eq!(out, "\"a\\\"b\\\\c\\u000a é\"");
    }
}
