//! Writes small TFLite files: tables, vectors and references, each where the reader expects it.
#![allow(dead_code)]

/// A field of a table.
#[derive(Clone, Debug)]
pub enum Field {
    U8(u8),
    I32(i32),
    U64(u64),
    F32(f32),
    Text(String),
    Bytes(Vec<u8>),
    Ints(Vec<i32>),
    Longs(Vec<i64>),
    Floats(Vec<f32>),
    Table(Table),
    Tables(Vec<Table>),
}

/// Fields by their number.
pub type Table = Vec<(usize, Field)>;

fn put(bytes: &mut [u8], at: usize, value: usize) {
    bytes[at..at + 4].copy_from_slice(&(value as u32).to_le_bytes());
}

fn align(bytes: &mut Vec<u8>, to: usize) {
    while !bytes.len().is_multiple_of(to) {
        bytes.push(0);
    }
}

/// Writes a table with its vtable before it and all it refers to behind, and gives its place.
fn write(bytes: &mut Vec<u8>, table: &Table) -> usize {
    align(bytes, 8);
    let fields = table.iter().map(|(slot, _)| slot + 1).max().unwrap_or(0);
    // Eight bytes for each field keep everything aligned.
    let size = 8 + 8 * table.len();
    let vtable = bytes.len();
    bytes.extend(((4 + 2 * fields) as u16).to_le_bytes());
    bytes.extend((size as u16).to_le_bytes());
    bytes.resize(bytes.len() + 2 * fields, 0);
    align(bytes, 8);
    let at = bytes.len();
    bytes.resize(at + size, 0);
    bytes[at..at + 4].copy_from_slice(&((at - vtable) as i32).to_le_bytes());
    for (i, (slot, field)) in table.iter().enumerate() {
        let offset = 8 + 8 * i;
        bytes[vtable + 4 + 2 * slot..][..2].copy_from_slice(&(offset as u16).to_le_bytes());
        let place = at + offset;
        let inline: Vec<u8> = match field {
            Field::U8(v) => vec![*v],
            Field::I32(v) => v.to_le_bytes().to_vec(),
            Field::U64(v) => v.to_le_bytes().to_vec(),
            Field::F32(v) => v.to_le_bytes().to_vec(),
            _ => {
                let target = refer(bytes, field);
                put(bytes, place, target - place);
                continue;
            }
        };
        bytes[place..place + inline.len()].copy_from_slice(&inline);
    }
    at
}

fn vector(bytes: &mut Vec<u8>, count: usize, elements: &[u8]) -> usize {
    // The count stands right before the elements, which are aligned to eight bytes.
    align(bytes, 8);
    bytes.extend([0; 4]);
    let at = bytes.len();
    bytes.extend((count as u32).to_le_bytes());
    bytes.extend(elements);
    at
}

fn refer(bytes: &mut Vec<u8>, field: &Field) -> usize {
    match field {
        Field::Text(text) => {
            let at = vector(bytes, text.len(), text.as_bytes());
            bytes.push(0);
            at
        }
        Field::Bytes(v) => vector(bytes, v.len(), v),
        Field::Ints(v) => {
            let raw: Vec<u8> = v.iter().flat_map(|x| x.to_le_bytes()).collect();
            vector(bytes, v.len(), &raw)
        }
        Field::Longs(v) => {
            let raw: Vec<u8> = v.iter().flat_map(|x| x.to_le_bytes()).collect();
            vector(bytes, v.len(), &raw)
        }
        Field::Floats(v) => {
            let raw: Vec<u8> = v.iter().flat_map(|x| x.to_le_bytes()).collect();
            vector(bytes, v.len(), &raw)
        }
        Field::Table(table) => write(bytes, table),
        Field::Tables(tables) => {
            let at = vector(bytes, tables.len(), &vec![0; 4 * tables.len()]);
            for (i, table) in tables.iter().enumerate() {
                let place = at + 4 + 4 * i;
                let target = write(bytes, table);
                put(bytes, place, target - place);
            }
            at
        }
        _ => unreachable!("written in place"),
    }
}

/// A file whose root is this table.
pub fn file(root: &Table) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    bytes.extend(b"TFL3");
    let at = write(&mut bytes, root);
    put(&mut bytes, 0, at);
    bytes
}

/// A tensor of a model: type, shape, scale and zero point, constant elements.
#[derive(Clone, Debug, Default)]
pub struct T {
    pub name: &'static str,
    pub dtype: u8,
    pub shape: Vec<i32>,
    pub scales: Vec<f32>,
    pub zero: i64,
    pub axis: i32,
    pub data: Vec<u8>,
}

pub const F32: u8 = 0;
pub const F16: u8 = 1;
pub const I32: u8 = 2;
pub const U8: u8 = 3;
pub const I64: u8 = 4;
pub const BOOL: u8 = 6;
pub const I16: u8 = 7;
pub const I8: u8 = 9;
pub const RESOURCE: u8 = 13;

pub fn tensor(name: &'static str, dtype: u8, shape: &[i32]) -> T {
    T {
        name,
        dtype,
        shape: shape.to_vec(),
        ..T::default()
    }
}

impl T {
    pub fn scaled(mut self, scale: f32, zero: i64) -> Self {
        self.scales = vec![scale];
        self.zero = zero;
        self
    }

    pub fn per_channel(mut self, scales: &[f32], axis: i32) -> Self {
        self.scales = scales.to_vec();
        self.axis = axis;
        self
    }

    pub fn bytes(mut self, data: &[u8]) -> Self {
        self.data = data.to_vec();
        self
    }

    pub fn i8s(self, data: &[i8]) -> Self {
        let data: Vec<u8> = data.iter().map(|&v| v as u8).collect();
        self.bytes(&data)
    }

    pub fn ints(self, data: &[i32]) -> Self {
        let data: Vec<u8> = data.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.bytes(&data)
    }

    pub fn floats(self, data: &[f32]) -> Self {
        let data: Vec<u8> = data.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.bytes(&data)
    }
}

/// An operator: its number, or the name of a custom one; operands, results; kind and table of its options.
#[derive(Clone, Debug)]
pub struct O {
    pub code: i32,
    pub custom: Option<&'static str>,
    pub inputs: Vec<i32>,
    pub outputs: Vec<i32>,
    pub options: Option<(u8, Table)>,
    pub custom_options: Vec<u8>,
}

pub fn op(code: i32, inputs: &[i32], outputs: &[i32], options: Option<(u8, Table)>) -> O {
    O {
        code,
        custom: None,
        inputs: inputs.to_vec(),
        outputs: outputs.to_vec(),
        options,
        custom_options: Vec::new(),
    }
}

/// Tensors, operators, inputs, outputs.
pub type Graph = (Vec<T>, Vec<O>, Vec<i32>, Vec<i32>);

/// A model of these subgraphs as a table.
pub fn model(graphs: &[Graph]) -> Table {
    let mut buffers: Vec<Table> = vec![vec![]];
    let mut codes: Vec<Table> = Vec::new();
    let mut tables = Vec::new();
    for (tensors, ops, inputs, outputs) in graphs {
        let tensors = tensors.iter().map(|t| {
            let mut table = vec![
                (0, Field::Ints(t.shape.clone())),
                (1, Field::U8(t.dtype)),
                (3, Field::Text(t.name.to_owned())),
            ];
            if !t.data.is_empty() {
                table.push((2, Field::I32(buffers.len() as i32)));
                buffers.push(vec![(0, Field::Bytes(t.data.clone()))]);
            }
            if !t.scales.is_empty() {
                let zeros = vec![t.zero; t.scales.len()];
                let q = vec![
                    (2, Field::Floats(t.scales.clone())),
                    (3, Field::Longs(zeros)),
                    (6, Field::I32(t.axis)),
                ];
                table.push((4, Field::Table(q)));
            }
            table
        });
        let tensors: Vec<Table> = tensors.collect();
        let ops: Vec<Table> = ops
            .iter()
            .map(|o| {
                let mut code = vec![
                    (0, Field::U8(o.code.clamp(0, 127) as u8)),
                    (3, Field::I32(o.code)),
                ];
                if let Some(name) = o.custom {
                    code.push((1, Field::Text(name.to_owned())));
                }
                codes.push(code);
                let mut table = vec![
                    (0, Field::I32(codes.len() as i32 - 1)),
                    (1, Field::Ints(o.inputs.clone())),
                    (2, Field::Ints(o.outputs.clone())),
                ];
                if let Some((kind, options)) = &o.options {
                    table.push((3, Field::U8(*kind)));
                    table.push((4, Field::Table(options.clone())));
                }
                if !o.custom_options.is_empty() {
                    table.push((5, Field::Bytes(o.custom_options.clone())));
                }
                table
            })
            .collect();
        tables.push(vec![
            (0, Field::Tables(tensors)),
            (1, Field::Ints(inputs.clone())),
            (2, Field::Ints(outputs.clone())),
            (3, Field::Tables(ops)),
            (4, Field::Text("main".to_owned())),
        ]);
    }
    vec![
        (0, Field::I32(3)),
        (1, Field::Tables(codes)),
        (2, Field::Tables(tables)),
        (3, Field::Text("made by a test".to_owned())),
        (4, Field::Tables(buffers)),
    ]
}

/// A model of one subgraph as a file.
pub fn single(tensors: Vec<T>, ops: Vec<O>, inputs: &[i32], outputs: &[i32]) -> Vec<u8> {
    file(&model(&[(tensors, ops, inputs.to_vec(), outputs.to_vec())]))
}

/// An int8 convolution with a fused clamp, then a dense layer and softmax.
pub fn small_net() -> Vec<u8> {
    let w: Vec<i8> = (0..2 * 3 * 3 * 2)
        .map(|i| (i * 7 % 255 - 127) as i8)
        .collect();
    let d: Vec<i8> = (0..3 * 32).map(|i| (i * 11 % 255 - 127) as i8).collect();
    let tensors = vec![
        tensor("x", I8, &[1, 4, 4, 2]).scaled(0.05, 3),
        tensor("w", I8, &[2, 3, 3, 2])
            .per_channel(&[0.01, 0.02], 0)
            .i8s(&w),
        tensor("b", I32, &[2])
            .per_channel(&[0.0005, 0.001], 0)
            .ints(&[100, -50]),
        tensor("y", I8, &[1, 4, 4, 2]).scaled(0.1, -128),
        tensor("shape", I32, &[2]).ints(&[1, 32]),
        tensor("flat", I8, &[1, 32]).scaled(0.1, -128),
        tensor("dw", I8, &[3, 32]).scaled(0.01, 0).i8s(&d),
        tensor("z", I8, &[1, 3]).scaled(0.2, 5),
        tensor("p", I8, &[1, 3]).scaled(1.0 / 256.0, -128),
    ];
    let window = vec![
        (0, Field::U8(0)),
        (1, Field::I32(1)),
        (2, Field::I32(1)),
        (3, Field::U8(3)),
    ];
    let ops = vec![
        op(3, &[0, 1, 2], &[3], Some((1, window))),
        op(22, &[3, 4], &[5], None),
        op(9, &[5, 6, -1], &[7], Some((8, vec![]))),
        op(25, &[7], &[8], Some((9, vec![(0, Field::F32(1.0))]))),
    ];
    single(tensors, ops, &[0], &[8])
}

/// A variable that a run reads, adds to and assigns; it begins as zero.
pub fn counter(initial: &[f32]) -> Vec<u8> {
    let handle = |name| tensor(name, RESOURCE, &[]);
    let var = || Some((111, vec![(1, Field::Text("count".to_owned()))]));
    let main = (
        vec![
            tensor("x", F32, &[1, 2]),
            handle("count"),
            tensor("old", F32, &[1, 2]),
            tensor("new", F32, &[1, 2]),
        ],
        vec![
            op(129, &[], &[], Some((103, vec![(0, Field::I32(1))]))),
            op(142, &[], &[1], var()),
            op(143, &[1], &[2], None),
            op(0, &[0, 2], &[3], Some((11, vec![]))),
            op(144, &[1, 3], &[], None),
        ],
        vec![0],
        vec![3],
    );
    let first = (
        vec![
            handle("count"),
            tensor("zero", F32, &[1, 2]).floats(initial),
        ],
        vec![op(142, &[], &[0], var()), op(144, &[0, 1], &[], None)],
        vec![],
        vec![],
    );
    file(&model(&[main, first]))
}

/// An IF whose first branch adds and whose second gives back what it reads; `inner` is what the first branch's own operator
/// is instead, if it is something else.
pub fn choice(inner: Option<O>) -> Vec<u8> {
    let x = || tensor("x", F32, &[2]);
    let branches = vec![(0, Field::I32(1)), (1, Field::I32(2))];
    let main = (
        vec![tensor("c", BOOL, &[]), x(), tensor("y", F32, &[2])],
        vec![op(118, &[0, 1], &[2], Some((92, branches)))],
        vec![0, 1],
        vec![2],
    );
    let add = op(0, &[0, 0], &[1], Some((11, vec![])));
    let first = (
        vec![
            x(),
            tensor("y", F32, &[2]),
            tensor("c", BOOL, &[]).bytes(&[1]),
        ],
        vec![inner.unwrap_or(add)],
        vec![0],
        vec![1],
    );
    let second = (vec![x()], vec![], vec![0], vec![0]);
    file(&model(&[main, first, second]))
}
