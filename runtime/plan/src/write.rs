//! The plan writer, for converters.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use zerocopy::IntoBytes;
use zerocopy::little_endian::{F32, I32, U16, U32, U64};

use crate::error::{Fault, PlanError, Section};
use crate::format::{
    FEATURE_STATE, HASH_OFFSET, HEADER_BYTES, Header, MAGIC, MAJOR, MAX_METADATA, MAX_PORTS,
    MAX_STEPS, MAX_TENSORS, MINOR, NameRecord, PortRecord, SECTIONS, SectionRecord, StepRecord,
    TensorRecord,
};
use crate::hash::{self, Hash};
use crate::op::Op;
use crate::plan::Plan;
use crate::tensor::{DType, MAX_RANK, Place, Shape, Tensor, TensorId};

/// Collects tensors, steps and weights, and writes the file.
///
/// ```
/// use redpoll_plan::op::{Op, Unary, UnaryF32};
/// use redpoll_plan::{DType, Place, Plan, PlanBuilder, Shape, Tensor};
///
/// # fn main() -> Result<(), redpoll_plan::PlanError> {
/// let mut builder = PlanBuilder::new();
/// let shape = Shape::new(&[1, 16]).unwrap();
/// let x = builder.add_tensor("x", Tensor::arena(DType::F32, shape, 0));
/// let y = builder.add_tensor("y", Tensor::arena(DType::F32, shape, 64));
/// let abs = UnaryF32 { function: Unary::Abs, x, y, alpha: 0.0, beta: 0.0 };
/// builder.add_step("abs_0", Op::UnaryF32(abs), 0, 0);
/// builder.add_input("x", x);
/// builder.add_output("y", y);
/// builder.set_arena_bytes(128);
/// let file = builder.finish()?;
/// # let mut place = vec![0u8; file.len() + 64];
/// # let start = place.as_ptr().align_offset(64);
/// # place[start..start + file.len()].copy_from_slice(&file);
/// # let file = &place[start..start + file.len()];
/// assert_eq!(Plan::from_bytes(file)?.steps().len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PlanBuilder {
    alignment: u32,
    strip_names: bool,
    arena_bytes: u32,
    state_bytes: u32,
    names: String,
    known_names: BTreeMap<String, NameRecord>,
    tensors: Vec<TensorRecord>,
    steps: Vec<StepRecord>,
    params: Vec<U32>,
    inputs: Vec<PortRecord>,
    outputs: Vec<PortRecord>,
    metadata: Vec<u8>,
    metadata_count: usize,
    weights: Vec<u8>,
    /// Offsets of weights by the hash of their bytes.
    known_weights: BTreeMap<(u64, usize), Vec<u32>>,
    /// First thing that did not fit; reported by `finish`.
    failed: Option<PlanError>,
}

impl Default for PlanBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl PlanBuilder {
    /// An empty plan with 64-byte alignment.
    pub fn new() -> Self {
        Self {
            alignment: 64,
            strip_names: false,
            arena_bytes: 0,
            state_bytes: 0,
            names: String::new(),
            known_names: BTreeMap::new(),
            tensors: Vec::new(),
            steps: Vec::new(),
            params: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            metadata: Vec::new(),
            metadata_count: 0,
            weights: Vec::new(),
            known_weights: BTreeMap::new(),
            failed: None,
        }
    }

    /// Alignment of the file, of each weight and of working memory: 64, or 16 for microcontrollers. Call it before
    /// adding weights.
    pub fn set_alignment(&mut self, bytes: usize) {
        if self.weights.is_empty() && crate::open::ALIGNMENTS.contains(&(bytes as u32)) {
            self.alignment = bytes as u32;
        } else {
            self.fail(PlanError::Header);
        }
    }

    /// Leaves out the names of tensors and steps added from now on; inputs and outputs keep theirs.
    pub fn strip_names(&mut self, strip: bool) {
        self.strip_names = strip;
    }

    /// Bytes of working memory.
    pub fn set_arena_bytes(&mut self, bytes: usize) {
        match u32::try_from(bytes) {
            Ok(bytes) => self.arena_bytes = bytes,
            Err(_) => self.fail(PlanError::Header),
        }
    }

    /// Bytes at the end of working memory that are kept from one run to the next; part of the bytes of
    /// [`set_arena_bytes`](Self::set_arena_bytes), and starting at a multiple of the alignment.
    pub fn set_state_bytes(&mut self, bytes: usize) {
        match u32::try_from(bytes) {
            Ok(bytes) => self.state_bytes = bytes,
            Err(_) => self.fail(PlanError::Header),
        }
    }

    /// Adds a tensor.
    pub fn add_tensor(&mut self, name: &str, tensor: Tensor) -> TensorId {
        let id = TensorId(self.tensors.len() as u32);
        let name = if self.strip_names {
            NameRecord::default()
        } else {
            self.name(name)
        };
        let (place, offset) = match tensor.place {
            Place::Arena(offset) => (0, offset),
            Place::Weights(offset) => (1, offset),
            Place::State(offset) => (2, offset),
        };
        let mut dims = [U32::new(1); MAX_RANK];
        for (to, &d) in dims.iter_mut().zip(tensor.shape.dims()) {
            *to = U32::new(d);
        }
        self.tensors.push(TensorRecord {
            dtype: tensor.dtype as u8,
            rank: tensor.shape.dims().len() as u8,
            place,
            reserved: 0,
            offset: U32::new(offset),
            dims,
            scale: F32::new(tensor.scale),
            zero_point: I32::new(tensor.zero_point),
            name,
        });
        if self.tensors.len() > MAX_TENSORS {
            self.fail(PlanError::Limit(Section::Tensors));
        }
        id
    }

    /// Adds constant elements and their tensor. Equal bytes are stored once.
    pub fn add_weights(
        &mut self,
        name: &str,
        bytes: &[u8],
        dtype: DType,
        shape: &[u32],
    ) -> TensorId {
        let index = self.tensors.len() as u32;
        let Some(shape) = Shape::new(shape).filter(|s| s.len() * dtype.size() == bytes.len())
        else {
            self.fail(PlanError::Tensor(index, Fault::Shape));
            return TensorId(index);
        };
        let key = (Hash::new().bytes(bytes).value(), bytes.len());
        let known = self.known_weights.entry(key).or_default();
        let stored =
            |&at: &u32| self.weights.get(at as usize..at as usize + bytes.len()) == Some(bytes);
        let offset = if let Some(at) = known.iter().copied().find(|at| stored(at)) {
            at
        } else {
            let at = self.weights.len().next_multiple_of(self.alignment as usize);
            let Ok(offset) = u32::try_from(at) else {
                self.fail(PlanError::Section(Section::Weights));
                return TensorId(index);
            };
            known.push(offset);
            self.weights.resize(at, 0);
            self.weights.extend_from_slice(bytes);
            offset
        };
        self.add_tensor(
            name,
            Tensor {
                dtype,
                place: Place::Weights(offset),
                shape,
                scale: 0.0,
                zero_point: 0,
            },
        )
    }

    /// Adds a step with its multiply-accumulates and the scratch that one thread needs.
    pub fn add_step(&mut self, name: &str, op: Op, macs: u64, scratch_bytes: usize) {
        let name = if self.strip_names {
            NameRecord::default()
        } else {
            self.name(name)
        };
        let first_word = self.params.len();
        op.encode(&mut |word| self.params.push(U32::new(word)));
        let Ok(scratch_bytes) = u32::try_from(scratch_bytes) else {
            return self.fail(PlanError::Step(self.steps.len() as u32, Fault::Params));
        };
        self.steps.push(StepRecord {
            code: U32::new(op.code()),
            first_word: U32::new(first_word as u32),
            words: U32::new((self.params.len() - first_word) as u32),
            scratch_bytes: U32::new(scratch_bytes),
            macs: U64::new(macs),
            name,
        });
        if self.steps.len() > MAX_STEPS {
            self.fail(PlanError::Limit(Section::Steps));
        }
    }

    /// Adds an input of the model.
    pub fn add_input(&mut self, name: &str, tensor: TensorId) {
        let record = PortRecord {
            tensor: U32::new(tensor.0),
            name: self.name(name),
        };
        self.inputs.push(record);
        if self.inputs.len() > MAX_PORTS {
            self.fail(PlanError::Limit(Section::Inputs));
        }
    }

    /// Adds an output of the model.
    pub fn add_output(&mut self, name: &str, tensor: TensorId) {
        let record = PortRecord {
            tensor: U32::new(tensor.0),
            name: self.name(name),
        };
        self.outputs.push(record);
        if self.outputs.len() > MAX_PORTS {
            self.fail(PlanError::Limit(Section::Outputs));
        }
    }

    /// Adds a pair of free text.
    pub fn set_metadata(&mut self, key: &str, value: &str) {
        let (Ok(key_bytes), Ok(value_bytes)) =
            (u32::try_from(key.len()), u32::try_from(value.len()))
        else {
            return self.fail(PlanError::Metadata);
        };
        self.metadata.extend_from_slice(&key_bytes.to_le_bytes());
        self.metadata.extend_from_slice(&value_bytes.to_le_bytes());
        self.metadata.extend_from_slice(key.as_bytes());
        self.metadata.extend_from_slice(value.as_bytes());
        self.metadata_count += 1;
        if self.metadata_count > MAX_METADATA {
            self.fail(PlanError::Limit(Section::Metadata));
        }
    }

    /// Bytes of weights so far.
    pub fn weight_bytes(&self) -> usize {
        self.weights.len()
    }

    /// Writes the file, reads it back with [`Plan::from_bytes`] and proves its lifetimes.
    ///
    /// # Errors
    /// What the reader would refuse, and what did not fit while adding.
    pub fn finish(&self) -> Result<Vec<u8>, PlanError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let file = self.file()?;
        // The reader wants its bytes aligned; a vector's are not always.
        let mut room = alloc::vec![0u8; file.len() + 64];
        let start = room.as_ptr().align_offset(64).min(64);
        let aligned = room
            .get_mut(start..start + file.len())
            .ok_or(PlanError::Misaligned)?;
        aligned.copy_from_slice(&file);
        Plan::from_bytes(aligned)?.check_lifetimes()?;
        Ok(file)
    }

    /// The file, unchecked by the reader: for tests that need a broken one.
    fn file(&self) -> Result<Vec<u8>, PlanError> {
        let contents: [&[u8]; SECTIONS] = [
            self.tensors.as_bytes(),
            self.steps.as_bytes(),
            self.params.as_bytes(),
            self.inputs.as_bytes(),
            self.outputs.as_bytes(),
            self.names.as_bytes(),
            &self.metadata,
            &self.weights,
        ];
        let mut file = alloc::vec![0u8; HEADER_BYTES];
        let mut sections = [SectionRecord {
            offset: U32::ZERO,
            bytes: U32::ZERO,
        }; SECTIONS];
        for (i, (content, record)) in contents.iter().zip(&mut sections).enumerate() {
            let align = if i == Section::Weights as usize {
                self.alignment as usize
            } else {
                8
            };
            file.resize(file.len().next_multiple_of(align), 0);
            record.offset = u32::try_from(file.len())
                .map_err(|_| PlanError::Header)?
                .into();
            record.bytes = u32::try_from(content.len())
                .map_err(|_| PlanError::Header)?
                .into();
            file.extend_from_slice(content);
        }
        let macs = self
            .steps
            .iter()
            .fold(0u64, |n, s| n.saturating_add(s.macs.get()));
        let scratch = self
            .steps
            .iter()
            .map(|s| s.scratch_bytes.get())
            .max()
            .unwrap_or(0);
        let header = Header {
            magic: MAGIC,
            major: U16::new(MAJOR),
            minor: U16::new(MINOR),
            features: U32::new(if self.state_bytes > 0 {
                FEATURE_STATE
            } else {
                0
            }),
            file_bytes: u32::try_from(file.len())
                .map_err(|_| PlanError::Header)?
                .into(),
            arena_bytes: self.arena_bytes.into(),
            scratch_bytes: scratch.into(),
            alignment: self.alignment.into(),
            macs: macs.into(),
            hash: U64::ZERO,
            state_bytes: self.state_bytes.into(),
            reserved: [U32::ZERO; 3],
            sections,
        };
        file[..HEADER_BYTES].copy_from_slice(header.as_bytes());
        seal(&mut file);
        Ok(file)
    }

    fn name(&mut self, name: &str) -> NameRecord {
        if let Some(record) = self.known_names.get(name) {
            return *record;
        }
        let record = NameRecord {
            offset: U32::new(self.names.len() as u32),
            bytes: U32::new(name.len() as u32),
        };
        self.names.push_str(name);
        if u32::try_from(self.names.len()).is_err() {
            self.fail(PlanError::Section(Section::Names));
        }
        self.known_names.insert(name.into(), record);
        record
    }

    fn fail(&mut self, error: PlanError) {
        self.failed.get_or_insert(error);
    }
}

/// Writes the content hash of a changed file into its header, so that tests reach what lies behind the hash. Does
/// nothing to a slice shorter than a header.
pub fn seal(file: &mut [u8]) {
    if file.len() >= HEADER_BYTES {
        let hash = hash::of_file(file);
        file[HASH_OFFSET..HASH_OFFSET + 8].copy_from_slice(&hash.to_le_bytes());
    }
}
