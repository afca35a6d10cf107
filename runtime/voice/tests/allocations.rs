//! Pushing frames allocates nothing: every front end, the resampler, the segmenter, the assistant.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use redpoll_voice::assistant::{Assistant, AssistantOptions, Turn};
use redpoll_voice::task::{Event, Task, TaskError};
use redpoll_voice::{FrontEnd, MicroFrontEnd, Resampler, Ring, SegmentOptions, Segmenter, Spec};

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: passes every call on unchanged; counts this thread's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of `work`.
fn count(work: impl FnOnce()) -> usize {
    let before = COUNT.with(Cell::get);
    work();
    COUNT.with(Cell::get) - before
}

fn sound(n: usize) -> Vec<f32> {
    (0..n).map(|i| (i as f32 * 0.05).sin() * 0.5).collect()
}

#[test]
fn the_count_counts() {
    assert_eq!(count(|| drop(std::hint::black_box(vec![1u8; 7]))), 1);
}

#[test]
fn front_ends_allocate_nothing() {
    let sound = sound(32_000);
    for spec in [
        Spec::digits(),
        Spec::whisper(80),
        Spec::kaldi_fbank(16_000, 80),
        Spec::speech_commands_mfcc(),
    ] {
        let mut front = FrontEnd::new(&spec).unwrap();
        let mut frames = 0;
        let work = || {
            for piece in sound.chunks(700) {
                front.push(piece, |_| frames += 1);
            }
        };
        assert_eq!(count(work), 0, "{spec:?}");
        assert!(frames > 90);
    }
    let pcm: Vec<i16> = sound.iter().map(|x| (x * 3e4) as i16).collect();
    let mut micro = MicroFrontEnd::default();
    let mut frames = 0;
    let work = || {
        pcm.chunks(333)
            .for_each(|piece| micro.push(piece, |_| frames += 1))
    };
    assert_eq!(count(work), 0);
    assert!(frames > 190);
}

#[test]
fn what_surrounds_them_allocates_nothing() {
    let sound = sound(32_000);
    let mut ring = Ring::new(8000);
    let mut segmenter = Segmenter::new(&SegmentOptions::default(), 16_000);
    assert_eq!(
        count(|| sound.chunks(160).for_each(|piece| ring.push(piece))),
        0
    );
    assert_eq!(
        count(|| (0..1000).for_each(|i| _ = segmenter.push((i % 7) as f32 / 7.0, 512))),
        0
    );
    for (from, to) in [(44_100, 16_000), (16_000, 8_000), (8_000, 16_000)] {
        let mut resampler = Resampler::new(from, to).unwrap();
        let mut out = Vec::with_capacity(2000);
        let mut push = |piece: &[f32]| {
            out.clear();
            resampler.push(piece, &mut out);
        };
        // The first pieces find out how much is held.
        sound[..1600].chunks(160).for_each(&mut push);
        assert_eq!(
            count(|| sound.chunks(160).for_each(&mut push)),
            0,
            "{from} {to}"
        );
    }
}

/// Hears nothing, at 8 kHz.
struct Deaf;

impl Task for Deaf {
    fn sample_rate(&self) -> u32 {
        8_000
    }

    fn push(&mut self, _: &[f32], _: &mut Vec<Event>) -> Result<(), TaskError> {
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<Event>) -> Result<(), TaskError> {
        Ok(())
    }
}

#[test]
fn an_assistant_allocates_nothing() {
    let sound = sound(64_000);
    let options = AssistantOptions::default();
    let mut assistant = Assistant::new(
        vec![Box::new(Deaf)],
        Some(Box::new(Deaf)),
        Box::new(Deaf),
        &options,
    )
    .unwrap();
    assistant.answer(48_000).unwrap();
    let mut turns = Vec::with_capacity(4);
    assistant.push(&sound[..1600], &mut turns).unwrap();
    let work = || {
        sound
            .chunks(777)
            .for_each(|piece| assistant.push(piece, &mut turns).unwrap())
    };
    assert_eq!(count(work), 0);
    assert_eq!(turns, [Turn::Answered { at: 48_000 }]);
}
