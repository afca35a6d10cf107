//! What follows from an intent: programs and messages.

use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use redpoll_voice::grammar::Understood;

use super::mqtt::Broker;

/// Programs that run, and messages that wait, at a time; more are refused.
const MOST: usize = 16;
/// How long programs that still run at the end are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

type Message = (String, String);

/// Runs programs and publishes messages while the sound goes on.
#[derive(Default)]
pub struct Actor {
    running: Vec<(String, Child)>,
    publisher: Option<(SyncSender<Message>, JoinHandle<()>)>,
}

impl Actor {
    /// With the broker that messages go to.
    pub fn new(broker: Option<Broker>) -> Self {
        let publisher = broker.map(|broker| {
            let (sender, receiver) = sync_channel::<Message>(MOST);
            let work = move || {
                for (topic, payload) in receiver {
                    if let Err(e) = broker.publish(&topic, &payload) {
                        eprintln!("redpoll: {topic}: {e:#}");
                    }
                }
            };
            (sender, std::thread::spawn(work))
        });
        Self {
            running: Vec::new(),
            publisher,
        }
    }

    /// Does what the intent says. What cannot be done is told on standard error, and the dialogue goes on.
    pub fn act(&mut self, understood: &Understood<'_>) {
        self.look();
        let mut words = understood
            .intent
            .run
            .iter()
            .map(|text| understood.fill(text));
        if let Some(program) = words.next() {
            self.start(program, words.collect());
        }
        let (Some(message), Some((sender, _))) = (&understood.intent.mqtt, &self.publisher) else {
            return;
        };
        let sent = (
            understood.fill(&message.topic),
            understood.fill(&message.payload),
        );
        if let Err(TrySendError::Full((topic, _)) | TrySendError::Disconnected((topic, _))) =
            sender.try_send(sent)
        {
            eprintln!("redpoll: {topic}: not published, {MOST} messages wait");
        }
    }

    fn start(&mut self, program: String, arguments: Vec<String>) {
        if self.running.len() >= MOST {
            eprintln!("redpoll: {program}: not run, {MOST} programs are running");
            return;
        }
        // Standard output is for events.
        let child = Command::new(&program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(std::io::stderr())
            .spawn();
        match child {
            Ok(child) => self.running.push((program, child)),
            Err(e) => eprintln!("redpoll: {program}: {e}"),
        }
    }

    /// Takes note of programs that have ended.
    fn look(&mut self) {
        self.running
            .retain_mut(|(program, child)| match child.try_wait() {
                Ok(Some(status)) => {
                    if !status.success() {
                        eprintln!("redpoll: {program}: {status}");
                    }
                    false
                }
                Ok(None) => true,
                Err(e) => {
                    eprintln!("redpoll: {program}: {e}");
                    false
                }
            });
    }

    /// Waits for what still goes on; programs that take too long are ended.
    pub fn finish(mut self) {
        if let Some((sender, thread)) = self.publisher.take() {
            drop(sender);
            if thread.join().is_err() {
                eprintln!("redpoll: the publisher of messages failed");
            }
        }
        let begin = Instant::now();
        while !self.running.is_empty() && begin.elapsed() < PATIENCE {
            self.look();
            std::thread::sleep(Duration::from_millis(10));
        }
        for (program, mut child) in self.running {
            eprintln!(
                "redpoll: {program}: ended, it ran for more than {} s",
                PATIENCE.as_secs()
            );
            // It may have ended meanwhile.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
