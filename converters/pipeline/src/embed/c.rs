//! The header and the array around a plan.

use super::{Embedded, Port, SourceFile, described};
use std::fmt::Write;

pub(super) fn files(e: &Embedded) -> Vec<SourceFile> {
    vec![
        ("model.h", header(e).into_bytes()),
        ("model.c", source(e).into_bytes()),
    ]
}

fn ports(prefix: &str, kind: &str, list: &[Port]) -> String {
    let mut out = format!("#define {prefix}_{kind}S {}\n", list.len());
    for (i, p) in list.iter().enumerate() {
        // A name cannot end the comment.
        let name = p.name.replace("*/", "* /");
        let _ = writeln!(
            out,
            "/* {name}: {} */\n#define {prefix}_{kind}_{i}_BYTES {}u",
            described(p),
            p.bytes
        );
    }
    out
}

fn header(e: &Embedded) -> String {
    let (name, prefix) = (&e.name, e.name.to_uppercase());
    let sum = |list: &[Port]| list.iter().map(|p| p.bytes).sum::<usize>();
    format!(
        "/* The model {name}: {macs} multiply-accumulates, {weights} bytes of weights. Made by redpoll {version}. */\n\
         #ifndef {prefix}_MODEL_H\n#define {prefix}_MODEL_H\n\n#include <stdint.h>\n\n\
         #ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n\
         #define {prefix}_PLAN_BYTES {plan}u\n#define {prefix}_PLAN_ALIGNMENT {alignment}u\n\
         #define {prefix}_ARENA_BYTES {arena}u\n#define {prefix}_SCRATCH_BYTES {scratch}u\n\n\
         {inputs}{outputs}\n\
         /* The plan, aligned as it must be. */\n\
         extern const uint8_t {name}_plan[{prefix}_PLAN_BYTES];\n\n\
         /* Pseudo-random inputs, one after another, and the outputs that every device must compute from them. */\n\
         extern const uint8_t {name}_check_inputs[{check_in}];\n\
         extern const uint8_t {name}_check_outputs[{check_out}];\n\n\
         #ifdef __cplusplus\n}}\n#endif\n\n#endif\n",
        macs = e.macs,
        weights = e.weight_bytes,
        version = env!("CARGO_PKG_VERSION"),
        plan = e.plan.len(),
        alignment = e.alignment,
        arena = e.arena_bytes,
        scratch = e.scratch_bytes,
        inputs = ports(&prefix, "INPUT", &e.inputs),
        outputs = ports(&prefix, "OUTPUT", &e.outputs),
        check_in = sum(&e.inputs).max(1),
        check_out = sum(&e.outputs).max(1),
    )
}

fn array(out: &mut String, declaration: &str, bytes: impl Iterator<Item = u8>) {
    let _ = write!(out, "\n{declaration} = {{");
    for (i, byte) in bytes.enumerate() {
        out.push_str(if i.is_multiple_of(24) { "\n" } else { "" });
        let _ = write!(out, "{byte},");
    }
    out.push_str("\n};\n");
}

fn source(e: &Embedded) -> String {
    let (name, prefix) = (&e.name, e.name.to_uppercase());
    let mut out = format!(
        "/* Made by redpoll {}; make it again rather than edit it. */\n#include \"model.h\"\n\n\
         #if defined(__cplusplus)\n#define ALIGNED alignas({prefix}_PLAN_ALIGNMENT)\n\
         #elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L\n#define ALIGNED _Alignas({prefix}_PLAN_ALIGNMENT)\n\
         #else\n#define ALIGNED __attribute__((aligned({prefix}_PLAN_ALIGNMENT)))\n#endif\n",
        env!("CARGO_PKG_VERSION")
    );
    array(
        &mut out,
        &format!("ALIGNED const uint8_t {name}_plan[{prefix}_PLAN_BYTES]"),
        e.plan.iter().copied(),
    );
    let all = |ports: &[Port]| -> Vec<u8> {
        let mut bytes: Vec<u8> = ports.iter().flat_map(|p| p.check.clone()).collect();
        if bytes.is_empty() {
            bytes.push(0);
        }
        bytes
    };
    for (what, ports) in [("inputs", &e.inputs), ("outputs", &e.outputs)] {
        let bytes = all(ports);
        let declaration = format!("const uint8_t {name}_check_{what}[{}]", bytes.len());
        array(&mut out, &declaration, bytes.into_iter());
    }
    out
}
