//! A voice assistant: wake word, command, answer, over tasks of any models.

mod dialogue;

pub use dialogue::{AssistantOptions, Turn};

use crate::resample::Resampler;
use crate::ring::Ring;
use crate::task::{Event, Task, TaskError};
use dialogue::Dialogue;

/// Samples a second that an assistant takes.
const RATE: u32 = 16_000;
/// Samples that are dealt with at a time: no turn depends on how the stream is cut.
const STEP: usize = 160;

/// Listens for a wake word, then for the words of a command, and knows when they are complete.
///
/// It takes samples at 16 kHz; tasks that want another rate get it. Pushing samples allocates nothing, apart from the
/// moment of a wake word.
pub struct Assistant {
    wakes: Vec<Ear>,
    vad: Option<Ear>,
    words: Ear,
    dialogue: Dialogue,
    /// The last of the stream: a command may begin before its wake word is sure.
    ring: Ring,
    pre_roll: Vec<f32>,
    now: u64,
}

/// A task at its own rate.
struct Ear {
    task: Box<dyn Task>,
    resampler: Resampler,
    samples: Vec<f32>,
    events: Vec<Event>,
    /// Where its stream began in the assistant's.
    since: u64,
}

impl Ear {
    fn new(task: Box<dyn Task>) -> Result<Self, TaskError> {
        let rate = task.sample_rate();
        let resampler = Resampler::new(RATE, rate).ok_or_else(|| TaskError::Model {
            task: "the assistant",
            expected: "a rate that 16000 samples a second can be changed to".into(),
            found: format!("{rate}"),
        })?;
        Ok(Self {
            task,
            resampler,
            samples: Vec::with_capacity(4 * STEP),
            events: Vec::with_capacity(16),
            since: 0,
        })
    }

    fn push(&mut self, samples: &[f32]) -> Result<(), TaskError> {
        self.events.clear();
        if self.task.sample_rate() == RATE {
            return self.task.push(samples, &mut self.events);
        }
        self.samples.clear();
        self.resampler.push(samples, &mut self.samples);
        self.task.push(&self.samples, &mut self.events)
    }

    /// A place of its stream in the assistant's.
    fn place(&self, at: u64) -> u64 {
        self.since + at * u64::from(RATE) / u64::from(self.task.sample_rate().max(1))
    }

    /// Begins a new stream at `since`.
    fn restart(&mut self, since: u64) -> Result<(), TaskError> {
        self.samples.clear();
        self.resampler.finish(&mut self.samples);
        self.task.finish(&mut self.events)?;
        self.events.clear();
        self.since = since;
        Ok(())
    }
}

impl Assistant {
    /// With tasks that give [`Event::Wake`], [`Event::SpeechStart`] and [`Event::SpeechEnd`] (if wanted), and
    /// [`Event::Keyword`].
    ///
    /// # Errors
    ///
    /// A task whose rate 16 kHz cannot be changed to.
    pub fn new(
        wakes: Vec<Box<dyn Task>>,
        vad: Option<Box<dyn Task>>,
        words: Box<dyn Task>,
        options: &AssistantOptions,
    ) -> Result<Self, TaskError> {
        let per_ms = RATE / 1000;
        // More than ten seconds are no pre-roll.
        let pre_roll = (options.pre_roll_ms.min(10_000) * per_ms) as usize;
        Ok(Self {
            wakes: wakes.into_iter().map(Ear::new).collect::<Result<_, _>>()?,
            dialogue: Dialogue::new(options, per_ms.into(), vad.is_some()),
            vad: vad.map(Ear::new).transpose()?,
            words: Ear::new(words)?,
            ring: Ring::new(pre_roll),
            pre_roll: vec![0.0; pre_roll],
            now: 0,
        })
    }

    /// Samples a second that it takes.
    pub fn sample_rate(&self) -> u32 {
        RATE
    }

    /// Classes of the words of the last command, in order.
    pub fn words(&self) -> &[usize] {
        self.dialogue.words()
    }

    /// Samples taken so far.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Takes samples in −1..1 and adds what happened to `turns`.
    ///
    /// # Errors
    ///
    /// When a model cannot run.
    pub fn push(&mut self, samples: &[f32], turns: &mut Vec<Turn>) -> Result<(), TaskError> {
        let mut rest = samples;
        while !rest.is_empty() {
            let room = STEP - (self.now % STEP as u64) as usize;
            let (now, later) = rest.split_at(rest.len().min(room));
            rest = later;
            self.now += now.len() as u64;
            self.step(now, turns)?;
        }
        Ok(())
    }

    /// As [`Self::push`], but ends after the first 10 ms in which something happened, so that an answer can begin at
    /// once; returns how many samples were taken.
    ///
    /// # Errors
    ///
    /// When a model cannot run.
    pub fn push_until(
        &mut self,
        samples: &[f32],
        turns: &mut Vec<Turn>,
    ) -> Result<usize, TaskError> {
        let (before, mut taken) = (turns.len(), 0);
        while taken < samples.len() && turns.len() == before {
            let room = STEP - (self.now % STEP as u64) as usize;
            let end = samples.len().min(taken + room);
            self.push(&samples[taken..end], turns)?;
            taken = end;
        }
        Ok(taken)
    }

    fn step(&mut self, samples: &[f32], turns: &mut Vec<Turn>) -> Result<(), TaskError> {
        self.ring.push(samples);
        if let Some(vad) = &mut self.vad {
            vad.push(samples)?;
            for event in &vad.events {
                match *event {
                    Event::SpeechStart { at } => self.dialogue.speech(true, vad.place(at)),
                    Event::SpeechEnd { at } => self.dialogue.speech(false, vad.place(at)),
                    _ => {}
                }
            }
        }
        // What is said in the step of a wake word is in the pre-roll.
        if self.dialogue.wants_words() {
            self.words.push(samples)?;
            self.take_words(turns);
        }
        let mut woken = false;
        for (number, ear) in self.wakes.iter_mut().enumerate() {
            ear.push(samples)?;
            for event in &ear.events {
                if let Event::Wake { at, .. } = *event {
                    woken |= self.dialogue.wake(number, ear.place(at), turns);
                }
            }
        }
        if woken {
            let n = self.ring.latest(&mut self.pre_roll);
            self.words.restart(self.now - n as u64)?;
            self.words.push(&self.pre_roll[..n])?;
            self.take_words(turns);
        }
        if self.now.is_multiple_of(STEP as u64) {
            self.dialogue.tick(self.now, turns);
        }
        Ok(())
    }

    fn take_words(&mut self, turns: &mut Vec<Turn>) {
        for event in &self.words.events {
            if let Event::Keyword { at, class, .. } = *event {
                self.dialogue.word(class, self.words.place(at), turns);
            }
        }
    }

    /// An answer of `samples` samples begins now. A wake word ends it ([`Turn::BargedIn`]), or the stop word
    /// ([`Turn::Stopped`]), or its length ([`Turn::Answered`]).
    ///
    /// # Errors
    ///
    /// When the model of words cannot begin anew.
    pub fn answer(&mut self, samples: u64) -> Result<(), TaskError> {
        self.dialogue.answer(self.now.saturating_add(samples));
        self.words.restart(self.now)
    }

    /// The stream ends; the next samples are a new one.
    ///
    /// # Errors
    ///
    /// As [`Self::push`].
    pub fn finish(&mut self, turns: &mut Vec<Turn>) -> Result<(), TaskError> {
        if self.dialogue.wants_words() {
            self.words.events.clear();
            self.words.task.finish(&mut self.words.events)?;
            self.take_words(turns);
        }
        self.dialogue.finish(self.now, turns);
        for ear in self.wakes.iter_mut().chain(&mut self.vad) {
            ear.restart(0)?;
        }
        self.words.restart(0)?;
        self.ring.clear();
        self.now = 0;
        self.dialogue.reset();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wake word 100 samples after a sample above 0.9; a word at each sample that rises to n / 10, n < 9.
    struct Fake {
        wakes: bool,
        rate: u32,
        at: u64,
        last: f32,
        sure: Option<u64>,
    }

    impl Task for Fake {
        fn sample_rate(&self) -> u32 {
            self.rate
        }

        fn push(&mut self, samples: &[f32], events: &mut Vec<Event>) -> Result<(), TaskError> {
            for &x in samples {
                let (at, probability) = (self.at, 1.0);
                if self.wakes {
                    if x > 0.9 && self.last <= 0.9 {
                        self.sure = Some(at + 100);
                    }
                    if self.sure == Some(at) {
                        events.push(Event::Wake { at, probability });
                    }
                } else if x > self.last + 0.05 && x < 0.85 {
                    let class = (x * 10.0).round() as usize;
                    events.push(Event::Keyword {
                        at,
                        class,
                        probability,
                    });
                }
                (self.at, self.last) = (at + 1, x);
            }
            Ok(())
        }

        fn finish(&mut self, _: &mut Vec<Event>) -> Result<(), TaskError> {
            (self.at, self.last, self.sure) = (0, 0.0, None);
            Ok(())
        }
    }

    fn fake(wakes: bool, rate: u32) -> Box<dyn Task> {
        Box::new(Fake {
            wakes,
            rate,
            at: 0,
            last: 0.0,
            sure: None,
        })
    }

    fn assistant(pre_roll_ms: u32) -> Assistant {
        let options = AssistantOptions {
            pre_roll_ms,
            stop: Some(7),
            ..AssistantOptions::default()
        };
        Assistant::new(vec![fake(true, RATE)], None, fake(false, RATE), &options).unwrap()
    }

    /// A wake word, a word 20 samples after it, before the wake word is sure, and one later.
    fn sound() -> Vec<f32> {
        let mut sound = vec![0.0; 60_000];
        sound[30_005] = 1.0;
        sound[30_025..30_030].fill(0.3);
        sound[33_000..33_500].fill(0.5);
        sound
    }

    #[test]
    fn nothing_is_lost_between_wake_word_and_command() {
        let whole = |pre_roll| {
            let (mut assistant, mut turns) = (assistant(pre_roll), Vec::new());
            assistant.push(&sound(), &mut turns).unwrap();
            (turns, assistant.words().to_vec())
        };
        let (turns, words) = whole(50);
        let end = (33_000 + 1200 * 16u64).next_multiple_of(STEP as u64);
        let want = [
            Turn::Woken {
                at: 30_105,
                wake: 0,
            },
            Turn::Word {
                at: 30_025,
                class: 3,
            },
            Turn::Word {
                at: 33_000,
                class: 5,
            },
            Turn::Command { at: end },
        ];
        assert_eq!(
            (turns.as_slice(), words.as_slice()),
            (&want[..], &[3, 5][..])
        );
        // Without a pre-roll the word before the wake word was sure is lost.
        assert_eq!(whole(0).1, [5]);
    }

    #[test]
    fn turns_do_not_depend_on_the_cut() {
        let (mut first, mut want) = (assistant(50), Vec::new());
        first.push(&sound(), &mut want).unwrap();
        for piece in [1, 7, 160, 161, 4000] {
            let (mut assistant, mut turns) = (assistant(50), Vec::new());
            for _ in 0..2 {
                turns.clear();
                for part in sound().chunks(piece) {
                    assistant.push(part, &mut turns).unwrap();
                }
                assistant.finish(&mut turns).unwrap();
                assert_eq!(turns, want, "{piece}");
            }
        }
    }

    #[test]
    fn a_stop_word_ends_an_answer_and_the_wake_word_does() {
        let (mut assistant, mut turns) = (assistant(50), Vec::new());
        assistant.answer(100_000).unwrap();
        let mut sound = vec![0.0; 3200];
        sound[1000] = 0.5;
        sound[2000] = 0.7;
        let taken = assistant.push_until(&sound, &mut turns).unwrap();
        assert_eq!(
            (taken, turns.as_slice()),
            (2080, &[Turn::Stopped { at: 2000 }][..])
        );
        assistant.answer(100_000).unwrap();
        turns.clear();
        sound[2100] = 1.0;
        assistant.push(&sound[taken..], &mut turns).unwrap();
        assert_eq!(turns[0], Turn::BargedIn { at: 2200 });
        assert!(matches!(turns[1], Turn::Woken { at: 2200, .. }));
    }
}
