//! Hears digits in a stream: an interrupt brings a frame of features every 16 ms, the main loop runs the model on the last
//! second of them and says which digit it was.
//!
//! `model/` is `models/digits`; the frames, computed on the host from `models/digits/sample.wav`, lie in flash in place of a
//! microphone and a front end. `measure.py --listen` builds it and compares the words with those of `redpoll listen`.
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_qemu::console::{line, number};
use cortex_m_qemu::{TIER, begin, end, stack};
use cortex_m_rt::{entry, exception};
use heapless::spsc::{Consumer, Producer, Queue};
use redpoll_engine::{Engine, Inline};
use redpoll_kernels::params::Source;
use redpoll_kernels::{Tier, math};
use redpoll_plan::TensorId;

/// Values of a frame, frames of a window, classes.
const BANDS: usize = 32;
const FRAMES: usize = 61;
const CLASSES: usize = 12;
/// Classes that are no digits come last.
const DIGITS: usize = 10;
/// Samples from one frame to the next, and of a frame.
const HOP: usize = 128;
const FRAME_SAMPLES: usize = 256;
/// Frames from one run to the next.
const STRIDE: usize = 4;
/// Runs that a mean is over, what it must be above, runs of rest after a digit: see `KeywordsOptions::digits`.
const RUNS: usize = 3;
const THRESHOLD: f32 = 0.6;
const REST: usize = 4;
/// Ticks of the boards' 25 MHz clock in 16 ms.
const TICKS: u32 = 400_000;

/// f32 values, little-endian.
type Frame = [[u8; 4]; BANDS];
/// Frames wait here while the model runs: one less than the number.
type Frames = Queue<Frame, 16>;

static RECORDING: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/frames.bin"));

/// The interrupt's end of the queue. Set before interrupts begin, then the interrupt's alone.
static mut MICROPHONE: Option<Producer<'static, Frame>> = None;
/// Frames for which there was no place.
static LOST: AtomicUsize = AtomicUsize::new(0);
/// The recording is over.
static OVER: AtomicBool = AtomicBool::new(false);

/// Every 16 ms: the next frame.
#[exception]
fn SysTick() {
    static mut NEXT: usize = 0;
    let (frames, _) = RECORDING.as_chunks::<{ 4 * BANDS }>();
    let Some(frame) = frames.get(*NEXT) else {
        OVER.store(true, Ordering::Release);
        return;
    };
    *NEXT += 1;
    let mut values = Frame::default();
    let (words, _) = frame.as_chunks::<4>();
    values
        .iter_mut()
        .zip(words)
        .for_each(|(to, from)| *to = *from);
    // SAFETY: nothing else touches it once interrupts have begun.
    let microphone = unsafe { (*(&raw mut MICROPHONE)).as_mut() };
    if microphone.is_none_or(|queue| queue.enqueue(values).is_err()) {
        LOST.fetch_add_one();
    }
}

/// Adding without a read-modify-write instruction, which a Cortex-M0 lacks: only the interrupt writes.
trait AddOne {
    fn fetch_add_one(&self);
}

impl AddOne for AtomicUsize {
    fn fetch_add_one(&self) {
        self.store(self.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
}

/// How int8 values stand for real ones.
#[derive(Clone, Copy)]
struct Quantized {
    scale: f32,
    zero: i32,
}

impl Quantized {
    fn of(engine: &Engine<'_, impl Tier, impl redpoll_engine::Ops>, id: TensorId) -> Option<Self> {
        let tensor = engine.plan().tensor(id)?;
        Some(Self {
            scale: tensor.scale,
            zero: tensor.zero_point,
        })
    }

    fn byte(self, real: [u8; 4]) -> u8 {
        let rounded = math::round_half_even(f32::from_le_bytes(real) / self.scale) as i32;
        rounded.saturating_add(self.zero).max(-128).min(127) as u8
    }

    fn real(self, byte: u8) -> f32 {
        (i32::from(byte as i8) - self.zero) as f32 * self.scale
    }
}

/// The last `N` of a stream. (Not heapless's `HistoryBuf`: its `write` can panic.)
struct Last<T, const N: usize> {
    items: [T; N],
    /// Where the oldest is.
    next: usize,
}

impl<T: Copy, const N: usize> Last<T, N> {
    fn new(first: T) -> Self {
        Self {
            items: [first; N],
            next: 0,
        }
    }

    fn write(&mut self, item: T) {
        if let Some(oldest) = self.items.get_mut(self.next) {
            *oldest = item;
        }
        self.next = if self.next + 1 < N { self.next + 1 } else { 0 };
    }

    fn oldest_first(&self) -> impl Iterator<Item = &T> {
        let (newer, older) = self.items.split_at_checked(self.next).unwrap_or_default();
        older.iter().chain(newer)
    }
}

/// Decides when a digit was heard: as `Keywords` of `redpoll-voice` does.
struct Decision {
    rows: Last<[f32; CLASSES], RUNS>,
    seen: usize,
    resting: usize,
    held: Option<usize>,
}

impl Decision {
    fn push(&mut self, row: [f32; CLASSES]) -> Option<usize> {
        self.rows.write(row);
        self.resting = self.resting.saturating_sub(1);
        self.seen += 1;
        if self.seen < RUNS {
            return None;
        }
        let mut means = [0.0f32; DIGITS];
        for row in self.rows.oldest_first() {
            means.iter_mut().zip(row).for_each(|(sum, p)| *sum += p);
        }
        means.iter_mut().for_each(|sum| *sum /= RUNS as f32);
        let (mut best, mut highest) = (0, 0.0);
        for (digit, &mean) in means.iter().enumerate() {
            if mean >= highest {
                (best, highest) = (digit, mean);
            }
            if self.held == Some(digit) && mean < 0.5 * THRESHOLD {
                self.held = None;
            }
        }
        if highest <= THRESHOLD || self.resting > 0 || self.held == Some(best) {
            return None;
        }
        (self.held, self.resting) = (Some(best), REST);
        Some(best)
    }
}

/// Takes frames until the recording is over; the number of runs of the model.
fn listen(
    queue: &mut Consumer<'static, Frame>,
    arena: &mut model::Arena,
    scratch: &mut model::Scratch,
) -> Option<usize> {
    let engine = model::engine(&TIER).ok()?;
    let (input, output) = (
        engine.plan().inputs().next()?,
        engine.plan().outputs().next()?,
    );
    let (x, y) = (
        Quantized::of(&engine, input.tensor)?,
        Quantized::of(&engine, output.tensor)?,
    );
    let mut window = Last::<[u8; BANDS], FRAMES>::new([x.byte([0; 4]); BANDS]);
    let mut decision = Decision {
        rows: Last::new([0.0; CLASSES]),
        seen: 0,
        resting: 0,
        held: None,
    };
    let (mut seen, mut runs) = (0, 0);
    loop {
        // Read before the queue: what was put there before the end is taken.
        let over = OVER.load(Ordering::Acquire);
        let Some(frame) = queue.dequeue() else {
            if over {
                return Some(runs);
            }
            cortex_m::asm::wfi();
            continue;
        };
        window.write(frame.map(|real| x.byte(real)));
        seen += 1;
        if seen % STRIDE != 0 {
            continue;
        }
        let bytes = engine.input_mut(&mut arena.0, 0).ok()?;
        let frames = window.oldest_first().flatten();
        bytes
            .iter_mut()
            .zip(frames)
            .for_each(|(to, &from)| *to = from);
        engine
            .run(&mut arena.0, &mut scratch.0, &Inline, None)
            .ok()?;
        runs += 1;
        let logits = engine.output(&arena.0, 0).ok()?;
        let mut row = [0.0; CLASSES];
        row.iter_mut()
            .zip(logits)
            .for_each(|(to, &q)| *to = y.real(q));
        TIER.softmax_f32(CLASSES, Source::InPlace, &mut row);
        if let Some(digit) = decision.push(row) {
            number("heard", digit);
            number("at", FRAME_SAMPLES + (seen - 1) * HOP);
        }
    }
}

#[entry]
fn main() -> ! {
    static mut ARENA: model::Arena = model::Arena::new();
    static mut SCRATCH: model::Scratch = model::Scratch::new();
    static mut QUEUE: Frames = Frames::new();
    begin();
    let (producer, mut consumer) = QUEUE.split();
    // SAFETY: interrupts have not begun.
    unsafe { MICROPHONE = Some(producer) };
    if let Some(core) = cortex_m::Peripherals::take() {
        start(core.SYST);
    }
    let runs = listen(&mut consumer, ARENA, SCRATCH);
    let lost = LOST.load(Ordering::Relaxed);
    number("runs", runs.unwrap_or(0));
    number("lost frames", lost);
    number("arena bytes", model::ARENA_BYTES);
    number("stack bytes", stack::used());
    line(if runs.is_some() { "done" } else { "FAILED" });
    end(runs.is_some() && lost == 0)
}

/// Interrupts begin.
fn start(mut clock: SYST) {
    clock.set_clock_source(SystClkSource::Core);
    clock.set_reload(TICKS - 1);
    clock.clear_current();
    clock.enable_counter();
    clock.enable_interrupt();
}
