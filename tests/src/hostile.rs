//! Damage for hostile-input tests: bytes that are changed, models whose messages are changed.

use redpoll_onnx::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, dimension, type_proto,
};

use crate::build::Random;

// The fuzz targets are a workspace of their own, so that their instrumented builds stay small.
#[path = "../fuzz/src/work.rs"]
mod work;

pub use work::work;

/// Numbers that code which trusts its input trips over.
const NASTY: [i64; 16] = [
    0,
    -1,
    1,
    2,
    3,
    7,
    64,
    255,
    65_536,
    i32::MAX as i64,
    i32::MIN as i64,
    u32::MAX as i64 + 1,
    1 << 40,
    i64::MAX,
    i64::MIN,
    i64::MAX / 8,
];

/// Changes bytes one to four times: flipped bits, bytes of ones, long varints, swaps, stretches copied or cut out; or
/// cuts the file short. Half of the changes fall among the first and last 4 KB, where files keep their structure.
pub fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    if random.below(8) == 0 {
        bytes.truncate(random.below(bytes.len().max(1)));
        return;
    }
    for _ in 0..random.range(1, 4) {
        if bytes.is_empty() {
            return;
        }
        let at = place(bytes.len(), random);
        let end = (at + random.range(1, 40)).min(bytes.len());
        match random.below(7) {
            0 | 1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at] = [0, 0x7f, 0x80, 0xff][random.below(4)],
            3 => {
                // The longest varint, which is -1 as an int64.
                let varint = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
                let end = (at + varint.len()).min(bytes.len());
                bytes[at..end].copy_from_slice(&varint[..end - at]);
            }
            4 => {
                let other = place(bytes.len(), random);
                bytes.swap(at, other);
            }
            5 => {
                let stretch = bytes[at..end].to_vec();
                let to = place(bytes.len(), random);
                bytes.splice(to..to, stretch);
            }
            _ => drop(bytes.drain(at..end)),
        }
    }
}

fn place(len: usize, random: &mut Random) -> usize {
    let edge = len.min(4096);
    match random.below(4) {
        0 => random.below(edge),
        1 => len - 1 - random.below(edge),
        _ => random.below(len),
    }
}

/// The graph itself, or that of a body somewhere in it.
fn inside<'g>(graph: &'g mut GraphProto, random: &mut Random) -> &'g mut GraphProto {
    let mut bodies = Vec::new();
    for (n, node) in graph.node.iter().enumerate() {
        let with = node
            .attribute
            .iter()
            .enumerate()
            .filter(|(_, a)| a.g.is_some());
        bodies.extend(with.map(|(a, _)| (n, a)));
    }
    if bodies.is_empty() || random.below(2) == 0 {
        return graph;
    }
    let (n, a) = bodies[random.below(bodies.len())];
    let body = graph.node[n].attribute[a].g.as_mut();
    inside(body.expect("chosen for having one"), random)
}

/// Changes one to three things of a model that stays well-formed protobuf: dims, attributes, operators, connections,
/// initialisers, versions.
pub fn damage_model(model: &mut ModelProto, random: &mut Random) {
    for _ in 0..random.range(1, 3) {
        let Some(graph) = &mut model.graph else {
            return;
        };
        let graph = inside(graph, random);
        match random.below(8) {
            0 => {
                let values = [&mut graph.input, &mut graph.output, &mut graph.value_info];
                let [a, b, c] = values;
                let list = [a, b, c].into_iter().nth(random.below(3));
                let value = list.and_then(|l| pick(l, random));
                if let Some(Some(type_proto::Value::TensorType(t))) =
                    value.and_then(|v| v.r#type.as_mut()).map(|t| &mut t.value)
                {
                    if random.below(3) == 0 {
                        t.elem_type = random.below(24) as i32;
                    } else if let Some(dim) =
                        t.shape.as_mut().and_then(|s| pick(&mut s.dim, random))
                    {
                        dim.value = Some(dimension::Value::DimValue(nasty(random)));
                    }
                }
            }
            1 | 2 => {
                let node = pick(&mut graph.node, random);
                if let Some(a) = node.and_then(|n| pick(&mut n.attribute, random)) {
                    damage_attribute(a, random);
                }
            }
            3 => {
                let types: Vec<String> = graph.node.iter().map(|n| n.op_type.clone()).collect();
                if let Some(node) = pick(&mut graph.node, random) {
                    node.op_type = types[random.below(types.len())].clone();
                }
            }
            4 => {
                let names: Vec<String> = graph.node.iter().flat_map(names).collect();
                if let Some(node) = pick(&mut graph.node, random) {
                    rewire(node, &names, random);
                }
            }
            5 | 6 => {
                if let Some(t) = pick(&mut graph.initializer, random) {
                    damage_tensor(t, random);
                }
            }
            _ => {
                if let Some(import) = pick(&mut model.opset_import, random) {
                    import.version = random.range(5, 24) as i64;
                }
            }
        }
    }
}

fn names(node: &NodeProto) -> Vec<String> {
    node.input.iter().chain(&node.output).cloned().collect()
}

fn rewire(node: &mut NodeProto, names: &[String], random: &mut Random) {
    let name = match random.below(6) {
        0 => String::new(),
        1 => "never made".into(),
        _ if names.is_empty() => String::new(),
        _ => names[random.below(names.len())].clone(),
    };
    match random.below(4) {
        0 => drop(node.input.pop()),
        1 => node.input.push(name),
        2 => {
            if let Some(output) = pick(&mut node.output, random) {
                *output = name;
            }
        }
        _ => {
            if let Some(input) = pick(&mut node.input, random) {
                *input = name;
            }
        }
    }
}

fn damage_attribute(a: &mut AttributeProto, random: &mut Random) {
    let value = nasty(random);
    match random.below(6) {
        0 => a.r#type = random.below(15) as i32,
        1 => a.ints.push(value),
        2 => drop(a.ints.pop()),
        _ => {
            if let Some(i) = pick(&mut a.ints, random) {
                *i = value;
            } else if let Some(i) = &mut a.i {
                *i = value;
            } else if let Some(f) = &mut a.f {
                *f = [f32::NAN, f32::INFINITY, -1.0, 0.0, f32::MAX][random.below(5)];
            } else if let Some(t) = &mut a.t {
                damage_tensor(t, random);
            } else if let Some(s) = &mut a.s {
                s.truncate(2);
            }
        }
    }
}

fn damage_tensor(t: &mut TensorProto, random: &mut Random) {
    match random.below(6) {
        0 => t.data_type = random.below(24) as i32,
        1 => t.dims.push(nasty(random)),
        2 => t.dims.reverse(),
        3 => {
            if let Some(d) = pick(&mut t.dims, random) {
                *d = nasty(random);
            }
        }
        4 => {
            if let Some(raw) = &mut t.raw_data {
                raw.truncate(random.below(raw.len().max(1)));
            }
        }
        _ => {
            // Values rather than sizes: scales, zero points, shapes that are computed from constants.
            if let Some(raw) = &mut t.raw_data
                && !raw.is_empty()
            {
                let at = random.below(raw.len());
                raw[at] = [0, 0x7f, 0x80, 0xff][random.below(4)];
            }
        }
    }
}

fn nasty(random: &mut Random) -> i64 {
    NASTY[random.below(NASTY.len())]
}

fn pick<'a, T>(list: &'a mut [T], random: &mut Random) -> Option<&'a mut T> {
    let n = list.len();
    (n > 0).then(|| &mut list[random.below(n)])
}
