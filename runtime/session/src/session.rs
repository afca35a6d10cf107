//! A session: a plan, everything it needs to run, and its inputs and outputs by name.

use std::ops::Range;
use std::path::Path;

use redpoll_engine::{Engine, Inline, Observer, Workers};
use redpoll_kernels::Tier;
use redpoll_plan::{OutputSize, Plan};
use zerocopy::{FromBytes, IntoBytes};

use crate::error::{Error, ErrorKind};
use crate::info::{Select, TensorInfo, tensors};
use crate::memory::Aligned;
use crate::options::Options;
use crate::plan_file::PlanFile;
use crate::pool::Pool;
use crate::value::{Element, Value};

/// A loaded plan, ready to run.
///
/// Everything is allocated when it is loaded: [`Session::run`] allocates nothing. A session runs one inference at a
/// time; make one for each stream that is to run by itself. A plan with state goes on from where the last run left it:
/// [`Session::reset_state`], [`Session::state`], [`Session::restore_state`].
pub struct Session {
    plan: PlanFile,
    tier: &'static dyn Tier,
    arena: Aligned,
    scratch: Aligned,
    pool: Option<Pool>,
    inputs: Vec<Input>,
    input_infos: Vec<TensorInfo>,
    outputs: Vec<TensorInfo>,
    found: Box<Found>,
}

/// Sizes that a run finds.
struct Found {
    /// The output of the plan that each output is: those that hold sizes are left out.
    ports: Vec<usize>,
    sizes: Vec<OutputSize>,
}

struct Input {
    /// A later step reuses its memory, so a run destroys it.
    consumed: bool,
    set: bool,
}

impl Session {
    /// Opens a plan file by mapping it: pages are read when they are first used, and shared among processes.
    ///
    /// The file must not be changed in place while it is mapped; replacing it by renaming another over it is fine.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`], [`ErrorKind::Plan`] for bytes that are no valid plan, [`ErrorKind::Tier`],
    /// [`ErrorKind::Memory`].
    pub fn open(path: impl AsRef<Path>, options: &Options) -> Result<Self, Error> {
        Self::new(PlanFile::open(path.as_ref())?, options)
    }

    /// Loads a plan from bytes; they are copied once.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn from_bytes(bytes: impl AsRef<[u8]>, options: &Options) -> Result<Self, Error> {
        Self::new(PlanFile::copy(bytes.as_ref())?, options)
    }

    fn new(file: PlanFile, options: &Options) -> Result<Self, Error> {
        let tier = options.find_tier()?;
        let engine = Engine::new(*file.plan(), tier);
        let needed = engine
            .arena_bytes()
            .saturating_add(engine.scratch_bytes(options.threads));
        if needed > options.memory_limit {
            let limit = options.memory_limit;
            return Err(Error::new(
                ErrorKind::Memory,
                format!(
                    "the plan needs {needed} bytes of working memory, the limit is {limit}: raise it with `Options::memory_limit`"
                ),
            ));
        }
        let pool = match options.threads {
            0 | 1 => None,
            n => Some(Pool::new(n).map_err(|e| {
                Error::new(ErrorKind::Io, format!("cannot start {n} threads: {e}"))
            })?),
        };
        let (input_infos, mut outputs) = tensors(file.plan());
        let sizes: Vec<OutputSize> = file.plan().sizes().collect();
        let is_size = |i: &usize| sizes.iter().any(|s| s.length == *i);
        let ports: Vec<usize> = (0..outputs.len()).filter(|i| !is_size(i)).collect();
        outputs = ports.iter().map(|&i| outputs[i].clone()).collect();
        let inputs = consumed(&engine)
            .into_iter()
            .map(|consumed| Input {
                consumed,
                set: false,
            })
            .collect();
        let mut arena = Aligned::zeroed(engine.arena_bytes());
        engine.reset_state(&mut arena)?;
        Ok(Self {
            tier,
            arena,
            scratch: Aligned::zeroed(engine.scratch_bytes(pool.as_ref().map_or(1, Pool::count))),
            pool,
            inputs,
            input_infos,
            outputs,
            found: Box::new(Found { ports, sizes }),
            plan: file,
        })
    }

    /// The inputs, in the plan's order.
    pub fn inputs(&self) -> &[TensorInfo] {
        &self.input_infos
    }

    /// The outputs, in the plan's order. Where a size depends on data, `shape` and `bytes` are the largest:
    /// [`Session::output_shape`] gives those of the last run.
    pub fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }

    /// The elements of an input, to be written before a run. A run may destroy them.
    ///
    /// # Errors
    ///
    /// No such input; another element type.
    pub fn input_mut<T: Element>(&mut self, input: impl Select) -> Result<&mut [T], Error> {
        let index = input.index_in(&self.input_infos)?;
        check_type::<T>(&self.input_infos[index])?;
        <[T]>::mut_from_bytes(self.input_memory(index)?).map_err(|_| misaligned(index))
    }

    /// Writes an input.
    ///
    /// # Errors
    ///
    /// No such input; another element type or number of elements.
    pub fn set_input<T: Element>(
        &mut self,
        input: impl Select,
        elements: &[T],
    ) -> Result<(), Error> {
        let index = input.index_in(&self.input_infos)?;
        check_type::<T>(&self.input_infos[index])?;
        self.set_bytes(index, elements.as_bytes())
    }

    /// Writes an input whose type is known at run time.
    ///
    /// # Errors
    ///
    /// As [`Self::set_input`].
    pub fn set_value(&mut self, input: impl Select, value: Value<'_>) -> Result<(), Error> {
        let index = input.index_in(&self.input_infos)?;
        let info = &self.input_infos[index];
        if info.dtype != value.dtype() {
            return Err(wrong_type(info, &format!("{:?}", value.dtype())));
        }
        self.set_bytes(index, value.as_bytes())
    }

    /// The bytes of an input, to be written before a run, for callers that know its type only at run time. A run may destroy them.
    ///
    /// # Errors
    ///
    /// No such input.
    pub fn input_bytes_mut(&mut self, input: impl Select) -> Result<&mut [u8], Error> {
        let index = input.index_in(&self.input_infos)?;
        self.input_memory(index)
    }

    /// Runs once. The same inputs give the same bits, whatever the tier and the number of threads.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotSet`] when an input whose memory the last run reused was not written again;
    /// [`ErrorKind::Run`] when a thread of the pool panicked.
    pub fn run(&mut self) -> Result<(), Error> {
        self.run_observed(None)
    }

    /// Runs once and tells `observer` about every step.
    ///
    /// # Errors
    ///
    /// As [`Self::run`].
    pub fn run_observed(&mut self, observer: Option<&mut dyn Observer>) -> Result<(), Error> {
        for (input, info) in self.inputs.iter().zip(&self.input_infos) {
            if !input.set {
                let why = if input.consumed {
                    "a run reuses its memory, so "
                } else {
                    ""
                };
                return Err(Error::new(
                    ErrorKind::NotSet,
                    format!(
                        "input \"{}\": {why}it must be written before the run",
                        info.name
                    ),
                ));
            }
        }
        for input in self.inputs.iter_mut().filter(|input| input.consumed) {
            input.set = false;
        }
        let workers: &dyn Workers = match &self.pool {
            Some(pool) => pool,
            None => &Inline,
        };
        let engine = Engine::decoded(self.plan.decoded(), self.tier);
        Ok(engine.run(&mut self.arena, &mut self.scratch, workers, observer)?)
    }

    /// Writes the inputs given and runs once.
    ///
    /// # Errors
    ///
    /// As [`Self::set_value`] and [`Self::run`].
    pub fn run_with(&mut self, inputs: &[(&str, Value<'_>)]) -> Result<(), Error> {
        for (name, value) in inputs {
            self.set_value(*name, *value)?;
        }
        self.run()
    }

    /// The elements of an output, valid from a run until the next input is written.
    ///
    /// # Errors
    ///
    /// No such output; another element type.
    pub fn output<T: Element>(&self, output: impl Select) -> Result<&[T], Error> {
        let index = output.index_in(&self.outputs)?;
        check_type::<T>(&self.outputs[index])?;
        <[T]>::ref_from_bytes(self.output_memory(index)?).map_err(|_| misaligned(index))
    }

    /// The dimensions of an output after the last run: those of its [`TensorInfo`], but for sizes that depend on data
    /// (the number of boxes found, say).
    ///
    /// # Errors
    ///
    /// No such output.
    pub fn output_shape(&self, output: impl Select) -> Result<Vec<usize>, Error> {
        let index = output.index_in(&self.outputs)?;
        let mut shape = self.outputs[index].shape.clone();
        for size in self.sizes_of(index) {
            shape[size.axis] = self.length(size, shape[size.axis])?;
        }
        Ok(shape)
    }

    /// The bytes of an output, valid as [`Self::output`] says.
    ///
    /// # Errors
    ///
    /// No such output.
    pub fn output_bytes(&self, output: impl Select) -> Result<&[u8], Error> {
        let index = output.index_in(&self.outputs)?;
        self.output_memory(index)
    }

    /// The elements of an output whose type is known at run time.
    ///
    /// # Errors
    ///
    /// No such output.
    pub fn output_value(&self, output: impl Select) -> Result<Value<'_>, Error> {
        let index = output.index_in(&self.outputs)?;
        Value::from_bytes(self.outputs[index].dtype, self.output_memory(index)?)
            .ok_or_else(|| misaligned(index))
    }

    /// The plan.
    pub fn plan(&self) -> &Plan<'_> {
        self.plan.plan()
    }

    /// The plan's bytes.
    pub fn plan_bytes(&self) -> &[u8] {
        self.plan.bytes()
    }

    /// Name of the tier that computes.
    pub fn tier(&self) -> &'static str {
        self.tier.name()
    }

    /// Threads that compute, the caller's included.
    pub fn threads(&self) -> usize {
        self.pool.as_ref().map_or(1, Pool::count)
    }

    /// Bytes of working memory, exactly what the plan says.
    pub fn arena_bytes(&self) -> usize {
        self.arena.len()
    }

    /// Bytes that a run leaves for the next one; 0 for plans without state.
    pub fn state_bytes(&self) -> usize {
        self.plan.plan().state_bytes()
    }

    /// Begins a new stream: every state is zero again, as after loading.
    ///
    /// # Errors
    ///
    /// None for a session's own memory; the signature is that of the engine.
    pub fn reset_state(&mut self) -> Result<(), Error> {
        Ok(Engine::new(*self.plan.plan(), self.tier).reset_state(&mut self.arena)?)
    }

    /// The bytes of all states: copy them to save a stream or to fork it, give them to [`Self::restore_state`] of any
    /// session of the same plan. Nothing is allocated.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), redpoll_session::Error> {
    /// # use redpoll_session::{Options, Session};
    /// let mut one = Session::open("vad.plan", &Options::default())?;
    /// // … runs …
    /// let mut other = Session::open("vad.plan", &Options::default())?;
    /// other.restore_state(one.state()?)?; // both go on from here, each by itself
    /// one.reset_state()?; // a new stream
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Self::reset_state`].
    pub fn state(&self) -> Result<&[u8], Error> {
        Ok(Engine::new(*self.plan.plan(), self.tier).state(&self.arena)?)
    }

    /// Goes on from saved states.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Length`] for bytes that are not [`Self::state_bytes`] long.
    pub fn restore_state(&mut self, saved: &[u8]) -> Result<(), Error> {
        let engine = Engine::new(*self.plan.plan(), self.tier);
        let state = engine.state_mut(&mut self.arena)?;
        if state.len() != saved.len() {
            let message = format!(
                "the plan has {} bytes of state, got {}",
                state.len(),
                saved.len()
            );
            return Err(Error::new(ErrorKind::Length, message));
        }
        state.copy_from_slice(saved);
        Ok(())
    }

    pub(crate) fn arena_mut(&mut self) -> &mut Aligned {
        &mut self.arena
    }

    pub(crate) fn save_inputs(&self) -> Result<Vec<Vec<u8>>, Error> {
        let engine = Engine::new(*self.plan.plan(), self.tier);
        let mut saved = Vec::new();
        for port in self.plan.plan().inputs() {
            saved.push(engine.tensor(&self.arena, port.tensor)?.to_vec());
        }
        Ok(saved)
    }

    pub(crate) fn restore_inputs(&mut self, saved: &[Vec<u8>]) -> Result<(), Error> {
        saved
            .iter()
            .enumerate()
            .try_for_each(|(index, bytes)| self.set_bytes(index, bytes))
    }

    fn set_bytes(&mut self, index: usize, bytes: &[u8]) -> Result<(), Error> {
        let info = &self.input_infos[index];
        if info.bytes != bytes.len() {
            let size = info.dtype.size();
            return Err(Error::new(
                ErrorKind::Length,
                format!(
                    "input \"{}\" has {} elements (shape {:?}), got {}",
                    info.name,
                    info.bytes / size,
                    info.shape,
                    bytes.len() / size
                ),
            ));
        }
        self.input_memory(index)?.copy_from_slice(bytes);
        Ok(())
    }

    fn input_memory(&mut self, index: usize) -> Result<&mut [u8], Error> {
        if let Some(input) = self.inputs.get_mut(index) {
            input.set = true;
        }
        Ok(Engine::new(*self.plan.plan(), self.tier).input_mut(&mut self.arena, index)?)
    }

    fn output_memory(&self, index: usize) -> Result<&[u8], Error> {
        let engine = Engine::new(*self.plan.plan(), self.tier);
        let bytes = engine.output(&self.arena, self.found.ports[index])?;
        let mut count = bytes.len();
        for size in self.sizes_of(index) {
            // No dimension of a plan is 0.
            let most = self.outputs[index].shape[size.axis];
            count = count / most * self.length(size, most)?;
        }
        Ok(bytes.get(..count).unwrap_or(bytes))
    }

    fn sizes_of(&self, index: usize) -> impl Iterator<Item = &OutputSize> {
        let port = self.found.ports[index];
        self.found
            .sizes
            .iter()
            .filter(move |size| size.output == port)
    }

    /// The size that the last run found, at most what there is room for.
    fn length(&self, size: &OutputSize, most: usize) -> Result<usize, Error> {
        let engine = Engine::new(*self.plan.plan(), self.tier);
        let bytes = engine.output(&self.arena, size.length)?;
        let found = <[i64]>::ref_from_bytes(bytes).ok().and_then(|v| v.first());
        let found = found.ok_or_else(|| misaligned(size.length))?;
        Ok(usize::try_from(*found).unwrap_or(0).min(most))
    }
}

/// For each input, whether some step writes over it.
fn consumed(engine: &Engine<'_>) -> Vec<bool> {
    let plan = engine.plan();
    let results = plan
        .steps()
        .filter_map(|step| engine.arena_range(step.op.output()));
    let mut results: Vec<Range<usize>> = results.collect();
    results.sort_unstable_by_key(|y| y.start);
    // Ends that only grow, so that both ends of the ranges are in order.
    let mut end = 0;
    for y in &mut results {
        end = y.end.max(end);
        y.end = end;
    }
    let overwrites = |x: Range<usize>| {
        let before = results.partition_point(|y| y.start < x.end);
        results[..before].last().is_some_and(|y| y.end > x.start)
    };
    plan.inputs()
        .map(|port| engine.arena_range(port.tensor).is_some_and(overwrites))
        .collect()
}

fn check_type<T: Element>(info: &TensorInfo) -> Result<(), Error> {
    if T::views(info.dtype) {
        Ok(())
    } else {
        Err(wrong_type(info, T::NAME))
    }
}

fn wrong_type(info: &TensorInfo, asked: &str) -> Error {
    Error::new(
        ErrorKind::Type,
        format!("\"{}\" holds {:?}, not {asked}", info.name, info.dtype),
    )
}

fn misaligned(index: usize) -> Error {
    Error::new(
        ErrorKind::Plan,
        format!("tensor number {index} has no place in working memory"),
    )
}
