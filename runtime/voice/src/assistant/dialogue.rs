//! The turns of a dialogue: wake word, command, answer. Times in samples; no heap.

/// Choices for [`Assistant`](super::Assistant). Times are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AssistantOptions {
    /// Sound before the wake word was sure that may belong to the command already.
    pub pre_roll_ms: u32,
    /// After the wake word, how long a first word is waited for.
    pub patience_ms: u32,
    /// After the last word, and the end of speech, a command is complete.
    pub settle_ms: u32,
    /// A command is complete after so long, whatever is said.
    pub longest_ms: u32,
    /// A wake word counts only if there was speech within this time; only with voice activity.
    pub speech_within_ms: u32,
    /// The class of the word that ends a command or an answer at once.
    pub stop: Option<usize>,
}

impl Default for AssistantOptions {
    fn default() -> Self {
        Self {
            pre_roll_ms: 300,
            patience_ms: 5000,
            settle_ms: 1200,
            longest_ms: 15_000,
            speech_within_ms: 1500,
            stop: None,
        }
    }
}

/// What happens in a dialogue, and when, in samples from the beginning of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// A wake word was said: a command is listened for.
    Woken {
        /// Where it was sure.
        at: u64,
        /// Which, in the order given.
        wake: usize,
    },
    /// A word of the command.
    Word {
        /// Where it was sure.
        at: u64,
        /// Its class.
        class: usize,
    },
    /// The command is complete: [`Assistant::words`](super::Assistant::words).
    Command {
        /// Where it was complete.
        at: u64,
    },
    /// No command followed the wake word.
    Nothing {
        /// Where that was sure.
        at: u64,
    },
    /// The stop word was said: the command is forgotten, or the answer ends.
    Stopped {
        /// Where it was sure.
        at: u64,
    },
    /// A wake word was said into the answer, which ends; `Woken` follows.
    BargedIn {
        /// Where it was sure.
        at: u64,
    },
    /// The answer was given to its end.
    Answered {
        /// Where it ended.
        at: u64,
    },
}

/// Words of a command that are kept.
const MOST_WORDS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Waiting,
    Commanding {
        since: u64,
        last_word: u64,
        spoke: bool,
    },
    Answering {
        until: u64,
    },
}

/// Decides; the sound is somebody else's.
#[derive(Clone, Debug)]
pub(super) struct Dialogue {
    options: AssistantOptions,
    per_ms: u64,
    /// There is voice activity to go by.
    hears_speech: bool,
    state: State,
    speaking: bool,
    speech_end: Option<u64>,
    words: [usize; MOST_WORDS],
    count: usize,
}

impl Dialogue {
    pub(super) fn new(options: &AssistantOptions, per_ms: u64, hears_speech: bool) -> Self {
        Self {
            options: *options,
            per_ms,
            hears_speech,
            state: State::Waiting,
            speaking: false,
            speech_end: None,
            words: [0; MOST_WORDS],
            count: 0,
        }
    }

    /// Begins anew. The words of the last command stay until the next one.
    pub(super) fn reset(&mut self) {
        (self.state, self.speaking, self.speech_end) = (State::Waiting, false, None);
    }

    pub(super) fn words(&self) -> &[usize] {
        &self.words[..self.count]
    }

    /// Words matter now.
    pub(super) fn wants_words(&self) -> bool {
        match self.state {
            State::Waiting => false,
            State::Commanding { .. } => true,
            State::Answering { .. } => self.options.stop.is_some(),
        }
    }

    fn span(&self, ms: u32) -> u64 {
        u64::from(ms) * self.per_ms
    }

    pub(super) fn speech(&mut self, speaking: bool, at: u64) {
        self.speaking = speaking;
        if speaking {
            if let State::Commanding { since, spoke, .. } = &mut self.state {
                *spoke |= at >= *since;
            }
        } else {
            self.speech_end = Some(at);
        }
    }

    /// A wake word; true where it counts.
    pub(super) fn wake(&mut self, wake: usize, at: u64, turns: &mut Vec<Turn>) -> bool {
        let recent = self
            .speech_end
            .is_some_and(|end| at.saturating_sub(end) <= self.span(self.options.speech_within_ms));
        if self.hears_speech && !self.speaking && !recent {
            return false;
        }
        match self.state {
            State::Commanding { .. } => return false,
            State::Answering { .. } => turns.push(Turn::BargedIn { at }),
            State::Waiting => {}
        }
        turns.push(Turn::Woken { at, wake });
        self.count = 0;
        self.state = State::Commanding {
            since: at,
            last_word: at,
            spoke: false,
        };
        true
    }

    pub(super) fn word(&mut self, class: usize, at: u64, turns: &mut Vec<Turn>) {
        let stop = self.options.stop == Some(class);
        match &mut self.state {
            State::Waiting => {}
            _ if stop => {
                turns.push(Turn::Stopped { at });
                (self.state, self.count) = (State::Waiting, 0);
            }
            State::Answering { .. } => {}
            State::Commanding { last_word, .. } => {
                *last_word = at;
                turns.push(Turn::Word { at, class });
                self.words[self.count] = class;
                self.count += 1;
                if self.count == MOST_WORDS {
                    self.command(at, turns);
                }
            }
        }
    }

    fn command(&mut self, at: u64, turns: &mut Vec<Turn>) {
        self.state = State::Waiting;
        turns.push(if self.count > 0 {
            Turn::Command { at }
        } else {
            Turn::Nothing { at }
        });
    }

    /// Time went on to `now`.
    pub(super) fn tick(&mut self, now: u64, turns: &mut Vec<Turn>) {
        match self.state {
            State::Waiting => {}
            State::Answering { until } if now >= until => {
                turns.push(Turn::Answered { at: until });
                self.state = State::Waiting;
            }
            State::Answering { .. } => {}
            State::Commanding {
                since,
                last_word,
                spoke,
            } => {
                let end = self.speech_end.unwrap_or(0).max(last_word);
                let settled = !self.speaking && now >= end + self.span(self.options.settle_ms);
                let complete = if self.count > 0 || spoke {
                    settled
                } else {
                    now >= since + self.span(self.options.patience_ms)
                };
                if complete || now >= since + self.span(self.options.longest_ms) {
                    self.command(now, turns);
                }
            }
        }
    }

    /// The stream ends: what was said so far is the command.
    pub(super) fn finish(&mut self, now: u64, turns: &mut Vec<Turn>) {
        match self.state {
            State::Commanding { .. } => self.command(now, turns),
            State::Answering { until } => turns.push(Turn::Answered { at: until.min(now) }),
            State::Waiting => {}
        }
        self.state = State::Waiting;
    }

    /// An answer begins, and ends at `until` unless somebody speaks into it.
    pub(super) fn answer(&mut self, until: u64) {
        self.state = State::Answering { until };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialogue(hears_speech: bool) -> Dialogue {
        let options = AssistantOptions {
            patience_ms: 5000,
            settle_ms: 1000,
            longest_ms: 9000,
            speech_within_ms: 1500,
            stop: Some(9),
            ..AssistantOptions::default()
        };
        Dialogue::new(&options, 1, hears_speech)
    }

    #[test]
    fn a_command_ends_when_speech_and_words_have_settled() {
        let (mut d, mut turns) = (dialogue(true), Vec::new());
        // No speech: the wake word was heard in noise.
        assert!(!d.wake(0, 100, &mut turns));
        d.speech(true, 1000);
        assert!(d.wake(1, 1500, &mut turns) && d.wants_words());
        d.speech(false, 1600);
        d.speech(true, 2000);
        d.word(3, 2400, &mut turns);
        d.tick(3500, &mut turns);
        assert_eq!(turns.len(), 2, "speech goes on: {turns:?}");
        d.word(4, 3600, &mut turns);
        d.speech(false, 3700);
        d.tick(4699, &mut turns);
        d.tick(4700, &mut turns);
        let want = [
            Turn::Woken { at: 1500, wake: 1 },
            Turn::Word { at: 2400, class: 3 },
            Turn::Word { at: 3600, class: 4 },
            Turn::Command { at: 4700 },
        ];
        assert_eq!(turns, want);
        assert_eq!(d.words(), [3, 4]);
        assert!(!d.wants_words());
    }

    #[test]
    fn nothing_follows() {
        let (mut d, mut turns) = (dialogue(false), Vec::new());
        d.wake(0, 1000, &mut turns);
        d.tick(5999, &mut turns);
        d.tick(6000, &mut turns);
        assert_eq!(turns[1..], [Turn::Nothing { at: 6000 }]);
        // Speech that is no word ends the wait earlier.
        let (mut d, mut turns) = (dialogue(true), Vec::new());
        d.speech(true, 500);
        d.wake(0, 1000, &mut turns);
        d.speech(false, 1100);
        d.speech(true, 1500);
        d.speech(false, 2000);
        d.tick(3000, &mut turns);
        assert_eq!(turns[1..], [Turn::Nothing { at: 3000 }]);
        // Speech without end does not hold it.
        let (mut d, mut turns) = (dialogue(true), Vec::new());
        d.speech(true, 500);
        d.wake(0, 1000, &mut turns);
        d.word(2, 1200, &mut turns);
        d.tick(9999, &mut turns);
        d.tick(10_000, &mut turns);
        assert_eq!(turns[2..], [Turn::Command { at: 10_000 }]);
    }

    #[test]
    fn barging_in_and_stopping() {
        let (mut d, mut turns) = (dialogue(false), Vec::new());
        d.answer(2000);
        d.word(3, 1000, &mut turns);
        d.wake(0, 1500, &mut turns);
        assert_eq!(
            turns,
            [
                Turn::BargedIn { at: 1500 },
                Turn::Woken { at: 1500, wake: 0 }
            ]
        );
        turns.clear();
        // The wake word again within a command is a word like others.
        assert!(!d.wake(0, 1600, &mut turns));
        d.word(3, 1700, &mut turns);
        d.word(9, 1800, &mut turns);
        assert_eq!(turns[1..], [Turn::Stopped { at: 1800 }]);
        assert!(d.words().is_empty());
        turns.clear();
        d.answer(5000);
        d.word(9, 4000, &mut turns);
        d.answer(6000);
        d.tick(6100, &mut turns);
        assert_eq!(
            turns,
            [Turn::Stopped { at: 4000 }, Turn::Answered { at: 6000 }]
        );
        // A command cut by the end of the stream counts.
        d.wake(0, 7000, &mut turns);
        d.word(1, 7100, &mut turns);
        d.finish(7200, &mut turns);
        assert_eq!(turns.last(), Some(&Turn::Command { at: 7200 }));
        for at in 0..100 {
            d.wake(0, 8000, &mut turns);
            d.word(1, 8000 + at, &mut turns);
        }
        assert!(d.words().len() <= MOST_WORDS);
    }
}
