//! A keyword that wakes.

use super::{Event, Task, TaskError};

/// Gives a `Wake` where `task` gives the keyword `class`, and nothing else: an assistant without a model of its own wake
/// word.
pub struct WordAsWake {
    task: Box<dyn Task>,
    class: usize,
    heard: Vec<Event>,
}

impl WordAsWake {
    /// With a task that gives keywords.
    pub fn new(task: Box<dyn Task>, class: usize) -> Self {
        Self {
            task,
            class,
            heard: Vec::with_capacity(16),
        }
    }

    fn hand_on(&mut self, events: &mut Vec<Event>) {
        for event in self.heard.drain(..) {
            match event {
                Event::Keyword {
                    at,
                    class,
                    probability,
                } if class == self.class => events.push(Event::Wake { at, probability }),
                _ => {}
            }
        }
    }
}

impl Task for WordAsWake {
    fn sample_rate(&self) -> u32 {
        self.task.sample_rate()
    }

    fn push(&mut self, samples: &[f32], events: &mut Vec<Event>) -> Result<(), TaskError> {
        let done = self.task.push(samples, &mut self.heard);
        self.hand_on(events);
        done
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), TaskError> {
        let done = self.task.finish(&mut self.heard);
        self.hand_on(events);
        done
    }
}
