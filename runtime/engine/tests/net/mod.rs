//! Small plans for tests, memory to run them in, and workers that share out the work.
#![allow(dead_code)]

use redpoll_engine::{Engine, Inline, Job, JobPanicked, Workers};
use redpoll_kernels::SCALAR;
use redpoll_plan::{DType, Op, Plan, PlanBuilder, Shape, Tensor, TensorId, Window};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Bytes that start at a multiple of 64.
pub struct Memory(Vec<Line>);

impl Memory {
    pub fn zeroed(bytes: usize) -> Self {
        Self(vec![Line::new_zeroed(); bytes.div_ceil(64)])
    }

    pub fn copy_of(bytes: &[u8]) -> Self {
        let mut memory = Self::zeroed(bytes.len());
        memory.bytes()[..bytes.len()].copy_from_slice(bytes);
        memory
    }

    pub fn bytes(&mut self) -> &mut [u8] {
        self.0.as_mut_bytes()
    }
}

/// Pseudo-random numbers, the same everywhere.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }

    pub fn i8s(&mut self, len: usize) -> Vec<i8> {
        (0..len).map(|_| self.next() as i8).collect()
    }

    pub fn i32s(&mut self, len: usize) -> Vec<i32> {
        (0..len)
            .map(|_| (self.next() % 2001) as i32 - 1000)
            .collect()
    }

    /// In −1..1.
    pub fn f32s(&mut self, len: usize) -> Vec<f32> {
        (0..len)
            .map(|_| (self.next() % 2001) as f32 / 1000.0 - 1.0)
            .collect()
    }

    pub fn scales(&mut self, len: usize) -> Vec<f32> {
        (0..len)
            .map(|_| (self.next() % 1000 + 1) as f32 * 2e-6)
            .collect()
    }
}

/// A plan under construction; tensors of working memory lie one after the other.
pub struct Net {
    pub builder: PlanBuilder,
    end: u32,
}

impl Net {
    pub fn new() -> Self {
        Self {
            builder: PlanBuilder::new(),
            end: 0,
        }
    }

    pub fn tensor(&mut self, dtype: DType, dims: &[u32]) -> TensorId {
        let tensor = Tensor::arena(dtype, Shape::new(dims).unwrap(), self.end);
        self.end += (tensor.bytes() as u32).next_multiple_of(64);
        self.builder.set_arena_bytes(self.end as usize);
        self.builder.add_tensor("", tensor)
    }

    pub fn input(&mut self, dtype: DType, dims: &[u32]) -> TensorId {
        let id = self.tensor(dtype, dims);
        self.builder.add_input(&format!("x{}", id.0), id);
        id
    }

    pub fn output(&mut self, dtype: DType, dims: &[u32]) -> TensorId {
        let id = self.tensor(dtype, dims);
        self.builder.add_output(&format!("y{}", id.0), id);
        id
    }

    /// Constant elements.
    pub fn constant<T: IntoBytes + Immutable>(&mut self, dtype: DType, elements: &[T]) -> TensorId {
        self.builder
            .add_weights("", elements.as_bytes(), dtype, &[elements.len() as u32])
    }

    pub fn step(&mut self, op: Op, scratch_bytes: usize) {
        self.builder.add_step(op.name(), op, 0, scratch_bytes);
    }

    /// The file. Small ones are also written to the folder `REDPOLL_WRITE_PLANS`, as seeds for fuzzing.
    pub fn finish(self) -> Memory {
        let file = self.builder.finish().unwrap();
        let folder = std::env::var_os("REDPOLL_WRITE_PLANS");
        if let Some(folder) = folder.filter(|_| file.len() <= 20_000) {
            let name = format!(
                "{:08x}.plan",
                file.iter()
                    .fold(0u32, |h, &b| h.rotate_left(5) ^ u32::from(b))
            );
            std::fs::write(std::path::Path::new(&folder).join(name), &file).unwrap();
        }
        Memory::copy_of(&file)
    }
}

/// Three workers in one thread: the parts in reverse order, each with another share of the scratch.
pub struct Backwards;

impl Workers for Backwards {
    fn count(&self) -> usize {
        3
    }

    fn run(
        &self,
        y: &mut [u8],
        chunk_bytes: usize,
        scratch: &mut [u8],
        job: &Job<'_>,
    ) -> Result<(), JobPanicked> {
        let share = scratch.len() / 3;
        let mut parts: Vec<_> = y.chunks_mut(chunk_bytes).enumerate().collect();
        assert!(parts.len() > 1, "one part needs no workers");
        for (index, part) in parts.iter_mut().rev() {
            let start = *index % 3 * share;
            job(*index, part, &mut scratch[start..start + share]);
        }
        Ok(())
    }
}

/// Runs a plan on the bytes of its inputs, alone and with [`Backwards`], which must agree; gives the first output.
pub fn run(file: &mut Memory, inputs: &[&[u8]]) -> Vec<u8> {
    let bytes = file.bytes();
    let plan = (0..64)
        .find_map(|cut| Plan::from_bytes(&bytes[..bytes.len() - cut]).ok())
        .unwrap();
    let engine = Engine::new(plan, &SCALAR);
    let mut results = Vec::new();
    for workers in [&Inline as &dyn Workers, &Backwards] {
        let mut arena = Memory::zeroed(engine.arena_bytes());
        let mut scratch = Memory::zeroed(engine.scratch_bytes(workers.count()));
        arena.bytes().fill(0xC3);
        for (index, input) in inputs.iter().enumerate() {
            engine
                .input_mut(arena.bytes(), index)
                .unwrap()
                .copy_from_slice(input);
        }
        engine
            .run(arena.bytes(), scratch.bytes(), workers, None)
            .unwrap();
        results.push(engine.output(arena.bytes(), 0).unwrap().to_vec());
    }
    assert_eq!(
        results[0], results[1],
        "the number of workers changed the result"
    );
    results.swap_remove(0)
}

/// A square window, "same" padding.
pub fn window(batch: u32, size: u32, in_c: u32, out_c: u32, kernel: u32, stride: u32) -> Window {
    let pad = kernel / 2;
    let out = (size + 2 * pad - kernel) / stride + 1;
    Window {
        batch,
        in_h: size,
        in_w: size,
        in_c,
        out_h: out,
        out_w: out,
        out_c,
        kernel_h: kernel,
        kernel_w: kernel,
        stride_h: stride,
        stride_w: stride,
        dilation_h: 1,
        dilation_w: 1,
        pad_top: pad,
        pad_left: pad,
    }
}

pub fn x_dims(w: &Window) -> [u32; 4] {
    [w.batch, w.in_h, w.in_w, w.in_c]
}

pub fn y_dims(w: &Window) -> [u32; 4] {
    [w.batch, w.out_h, w.out_w, w.out_c]
}

pub fn x_len(w: &Window) -> usize {
    x_dims(w).iter().product::<u32>() as usize
}

pub fn y_len(w: &Window) -> usize {
    y_dims(w).iter().product::<u32>() as usize
}
