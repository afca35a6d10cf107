//! Damaged models, plans and samples: each gives a value or an error, in bounded time and memory, and none panics.
//!
//! `REDPOLL_ROUNDS=N` damages each file N times instead of 200.

use std::alloc::{GlobalAlloc, Layout, System};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use redpoll_graph::{DType, Data, Tensor};
use redpoll_onnx::{Limits, Model};
use redpoll_pipeline::data::{InputSpec, Preprocess, Samples, write_npz};
use redpoll_pipeline::import::{ImportOptions, import};
use redpoll_pipeline::lower::{LowerOptions, lower};
use redpoll_pipeline::optimize::optimize;
use redpoll_pipeline::{Error, ErrorKind};
use redpoll_plan::seal;
use redpoll_session::{Aligned, Options, Session, Value, tiers};
use redpoll_tests::build::Random;
use redpoll_tests::hostile::{damage, damage_model, work};
use redpoll_tests::models::shared;

/// Most time for one file. The files take milliseconds; a machine that is busy with other things takes longer.
const MOST_TIME: Duration = Duration::from_secs(10);
/// Most memory for one file, bytes.
const MOST_MEMORY: usize = 1 << 30;
/// Most multiply-accumulates that are run.
const MOST_WORK: u64 = 20_000_000;

/// Counts the bytes that are allocated, and the most there ever were.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grow(bytes: usize) {
    let now = NOW.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(now, Ordering::Relaxed);
}

// SAFETY: each method passes its arguments unchanged to the system's allocator, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: `ptr` came from `System` with this layout.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both exist while the bytes are moved.
        grow(size);
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: `ptr` came from `System` with this layout, and the caller keeps the contract of `realloc`.
        unsafe { System.realloc(ptr, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test at a time: the memory is counted for the whole process.
static ALONE: Mutex<()> = Mutex::new(());

/// Runs `attempt` and demands that it ends in time, takes little memory and does not panic.
fn bounded<T>(what: &str, attempt: impl FnOnce() -> T) -> T {
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let start = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(attempt));
    let (time, memory) = (
        start.elapsed(),
        PEAK.load(Ordering::Relaxed).saturating_sub(before),
    );
    let result = result.unwrap_or_else(|_| panic!("{what}: it panicked"));
    assert!(time < MOST_TIME, "{what}: {time:?}");
    assert!(memory < MOST_MEMORY, "{what}: {memory} bytes");
    result
}

fn rounds() -> usize {
    let given = std::env::var("REDPOLL_ROUNDS").ok();
    given.and_then(|r| r.parse().ok()).unwrap_or(200)
}

/// Small models of every kind, with names.
fn models() -> Vec<(String, Vec<u8>)> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/fashion/fashion.onnx");
    let names = [
        "kws/tiny_kws_f32",
        "vad/pulsevad_int8_qdq",
        "vad/pulsevad_f32",
    ];
    let others = names
        .iter()
        .filter_map(|n| shared(&format!("models/{n}.onnx")));
    let read = |path: PathBuf| {
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        (name, std::fs::read(&path).expect("a readable model"))
    };
    [own].into_iter().chain(others).map(read).collect()
}

/// From bytes to a session.
fn compile(bytes: &[u8]) -> Result<Session, Error> {
    let model = Model::from_bytes(bytes, &Limits::default())?;
    let imported = import(&model, &ImportOptions::default())?;
    let optimized = optimize(imported)?;
    let lowered = lower(optimized.graph(), &LowerOptions::default())?;
    Ok(Session::from_bytes(
        lowered.plan(),
        &Options::default().memory_limit(1 << 28),
    )?)
}

/// Runs what was accepted, if that is little work.
fn run(session: &mut Session) {
    let plan = session.plan();
    let total = plan
        .steps()
        .fold(0u64, |sum, step| sum.saturating_add(work(&step.op)));
    if total > MOST_WORK {
        return;
    }
    for index in 0..session.inputs().len() {
        let info = session.inputs()[index].clone();
        let bytes: Vec<u8> = (0..info.bytes).map(|i| (i * 37) as u8).collect();
        let bytes = Aligned::copy_of(&bytes);
        let value = Value::from_bytes(info.dtype, &bytes).expect("aligned and whole");
        session
            .set_value(index, value)
            .expect("the input's own type and length");
    }
    // The data may name an index that is not there, or divide by zero: nothing else may go wrong.
    if let Err(e) = session.run() {
        let text = e.to_string();
        let fault = text.contains("outside its axis") || text.contains("division by zero");
        assert!(fault, "{text}");
    }
}

/// Counts of what happened.
#[derive(Default)]
struct Tally {
    accepted: usize,
    refused: usize,
    internal: Vec<String>,
}

impl Tally {
    fn compile(&mut self, what: &str, bytes: &[u8]) {
        match bounded(what, || compile(bytes).map(|mut session| run(&mut session))) {
            Ok(()) => self.accepted += 1,
            Err(e) => {
                self.refused += 1;
                assert!(!e.to_string().is_empty());
                if e.kind() == ErrorKind::Internal {
                    self.internal.push(format!("{what}: {e}"));
                }
            }
        }
    }
}

#[test]
fn damaged_models() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut internal = Vec::new();
    for (name, original) in models() {
        let mut tally = Tally::default();
        for seed in 0..rounds() {
            let mut bytes = original.clone();
            damage(&mut bytes, &mut Random::new(seed as u64 + 1));
            tally.compile(&format!("{name}, bytes, seed {seed}"), &bytes);
        }
        let (accepted, refused) = (tally.accepted, tally.refused);
        println!("{name}: {accepted} accepted, {refused} refused");
        internal.extend(tally.internal);
    }
    assert_eq!(internal, [""; 0], "a stage broke its own promise");
}

/// Small models of every operator, and of control flow: bytes and messages in turn. `REDPOLL_FILTER` chooses among them.
#[test]
fn damaged_operators() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let filter = std::env::var("REDPOLL_FILTER").unwrap_or_default();
    let of_case = |case: redpoll_tests::cases::Case| {
        let bytes = case.model().to_bytes().expect("a small model");
        (case.name, bytes)
    };
    let operators = redpoll_tests::cases::cases().into_iter().map(of_case);
    let all = redpoll_tests::control::models()
        .into_iter()
        .chain(operators);
    let mut tally = Tally::default();
    for (name, original) in all.filter(|(name, _)| name.contains(&filter)) {
        let model = Model::from_bytes(&original, &Limits::default()).expect("a sound model");
        for seed in 0..rounds().div_ceil(20) {
            let mut random = Random::new(seed as u64 + 1);
            let what = format!("{name}, seed {seed}");
            let mut bytes = original.clone();
            damage(&mut bytes, &mut random);
            tally.compile(&format!("{what}, bytes"), &bytes);
            let mut proto = model.proto().clone();
            damage_model(&mut proto, &mut random);
            if let Ok(bytes) = Model::from_proto(proto).and_then(|m| m.to_bytes()) {
                tally.compile(&format!("{what}, messages"), &bytes);
            }
        }
    }
    let (accepted, refused) = (tally.accepted, tally.refused);
    println!("operators: {accepted} accepted, {refused} refused");
    assert_eq!(tally.internal, [""; 0], "a stage broke its own promise");
}

#[test]
fn models_that_contradict_themselves() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut internal = Vec::new();
    for (name, original) in models() {
        let model = Model::from_bytes(&original, &Limits::default()).expect("a sound model");
        let mut tally = Tally::default();
        for seed in 0..rounds() {
            let mut proto = model.proto().clone();
            damage_model(&mut proto, &mut Random::new(seed as u64 + 1));
            let what = format!("{name}, messages, seed {seed}");
            match bounded(&what, || {
                Model::from_proto(proto).and_then(|m| m.to_bytes())
            }) {
                Ok(bytes) => tally.compile(&what, &bytes),
                Err(_) => tally.refused += 1,
            }
        }
        let (accepted, refused) = (tally.accepted, tally.refused);
        println!("{name}: {accepted} accepted, {refused} refused");
        internal.extend(tally.internal);
    }
    assert_eq!(internal, [""; 0], "a stage broke its own promise");
}

#[test]
fn damaged_plans() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for (name, model) in models() {
        let plan = compile(&model)
            .expect("a sound model")
            .plan_bytes()
            .to_vec();
        let (mut accepted, mut refused) = (0, 0);
        for seed in 0..rounds() {
            let mut bytes = plan.clone();
            damage(&mut bytes, &mut Random::new(seed as u64 + 1));
            // Every fourth keeps the hash that no longer fits.
            if seed % 4 > 0 {
                seal(&mut bytes);
            }
            let tiers = tiers();
            let tier = tiers[seed % tiers.len()];
            let options = Options::default()
                .tier(tier)
                .threads(1 + seed % 2)
                .memory_limit(1 << 26);
            let done = bounded(&format!("{name} plan, seed {seed}, {tier}"), || {
                let session = Session::from_bytes(&bytes, &options);
                session.map(|mut session| run(&mut session)).is_ok()
            });
            if done { accepted += 1 } else { refused += 1 }
        }
        println!("{name} plan: {accepted} accepted, {refused} refused");
    }
}

/// A folder of this process.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("redpoll-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder to write to");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn spec(shape: &[usize]) -> [InputSpec; 1] {
    let shape = shape.to_vec();
    [InputSpec {
        name: "x".into(),
        dtype: DType::F32,
        shape,
    }]
}

/// Opens samples and reads them all.
fn read_all(path: &Path, specs: &[InputSpec]) -> Result<usize, Error> {
    let samples = Samples::open(path, specs, None)?;
    (0..samples.len().min(100)).try_for_each(|i| samples.get(i).map(|_| ()))?;
    Ok(samples.len())
}

#[test]
fn damaged_arrays() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Folder::new("hostile-arrays");
    let path = folder.0.join("a.npz");
    let x = Tensor::new(vec![3, 4], Data::F32(vec![0.5; 12])).expect("12 elements");
    let y = Tensor::new(vec![3], Data::I64(vec![1, 2, 3])).expect("3 elements");
    write_npz(&path, &[("x".into(), x), ("y".into(), y)]).expect("a file to write to");
    let npz = std::fs::read(&path).expect("the file just written");
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }\n";
    let npy = [
        b"\x93NUMPY\x01\x00".as_slice(),
        &(header.len() as u16).to_le_bytes(),
        header.as_bytes(),
        &[1; 48],
    ]
    .concat();
    for (name, original) in [("a.npz", npz), ("a.npy", npy)] {
        let path = folder.0.join(name);
        let mut accepted = 0;
        for seed in 0..rounds() {
            let mut bytes = original.clone();
            damage(&mut bytes, &mut Random::new(seed as u64 + 1));
            std::fs::write(&path, &bytes).expect("a file to write to");
            let done = bounded(&format!("{name}, seed {seed}"), || {
                read_all(&path, &spec(&[1, 4]))
            });
            accepted += usize::from(done.is_ok());
        }
        println!("{name}: {accepted} of {} accepted", rounds());
    }
}

/// A BMP of 4 × 4 pixels, 24 bits each.
fn bmp() -> Vec<u8> {
    let mut out = b"BM".to_vec();
    out.extend(
        [54u32 + 48, 0, 54, 40, 4, 4]
            .iter()
            .flat_map(|w| w.to_le_bytes()),
    );
    out.extend([1u16, 24].iter().flat_map(|w| w.to_le_bytes()));
    out.extend(
        [0u32, 48, 2835, 2835, 0, 0]
            .iter()
            .flat_map(|w| w.to_le_bytes()),
    );
    out.extend(0..48u8);
    out
}

/// A PNG of 2 × 2 pixels, greyscale.
const PNG: [u8; 71] = [
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x02, 0x08, 0x00, 0x00, 0x00, 0x00, 0x57, 0xdd, 0x52,
    0xf8, 0x00, 0x00, 0x00, 0x0e, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x10, 0x68, 0x60, 0x70,
    0xf8, 0x0f, 0x00, 0x03, 0xd5, 0x01, 0xd0, 0xbb, 0x08, 0xc7, 0xcc, 0x00, 0x00, 0x00, 0x00, 0x49,
    0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

#[test]
fn damaged_images_and_descriptions() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Folder::new("hostile-images");
    let toml = folder.0.join("preprocess.toml");
    let description = "size = [3, 3]\nresize = \"crop\"\ncrop_fraction = 0.9\nmean = [0.1]\n\
                       std = [0.2, 0.3, 0.4]\nscale = 0.01\nlabels = \"prefix\"\n";
    std::fs::write(&toml, description).expect("a file to write to");
    let specs = spec(&[1, 3, 3, 3]);
    for (name, original) in [("3_a.bmp", bmp()), ("4_a.png", PNG.to_vec())] {
        let path = folder.0.join(name);
        let mut accepted = 0;
        for seed in 0..rounds() {
            let mut bytes = original.clone();
            if seed > 0 {
                damage(&mut bytes, &mut Random::new(seed as u64));
            }
            std::fs::write(&path, &bytes).expect("a file to write to");
            let done = bounded(&format!("{name}, seed {seed}"), || {
                read_all(&folder.0, &specs)
            });
            accepted += usize::from(done.is_ok());
        }
        std::fs::remove_file(&path).expect("the file just written");
        println!("{name}: {accepted} of {} accepted", rounds());
    }
    std::fs::write(folder.0.join("3_a.bmp"), bmp()).expect("a file to write to");
    let mut accepted = 0;
    for seed in 0..rounds() {
        let mut bytes = description.as_bytes().to_vec();
        damage(&mut bytes, &mut Random::new(seed as u64 + 1));
        std::fs::write(&toml, &bytes).expect("a file to write to");
        let done = bounded(&format!("description, seed {seed}"), || {
            Preprocess::read(&toml)
                .map_err(Error::from)
                .and_then(|_| read_all(&folder.0, &specs))
        });
        accepted += usize::from(done.is_ok());
    }
    println!("descriptions: {accepted} of {} accepted", rounds());
}
