//! Owns the reporter of a worker's events: a queue that takes them, and a thread that writes them to stderr.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::cli::message;
use crate::worker::{EventSink, WorkerEvent};
use people::People;

pub mod json;
mod people;

/// The most events that wait to be written. If stderr is read more slowly than the worker emits events, further events
/// are dropped and their number is reported: a worker never waits for its reader.
const QUEUE: usize = 65_536;

/// How often the writer checks whether counts are due.
const TICK: Duration = Duration::from_secs(1);

/// How events are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object a line, for programs
    Json,
}

enum Message {
    Event(Timestamp, WorkerEvent),
    End,
}

/// Takes events from the worker's threads.
struct Queue {
    sender: SyncSender<Message>,
    every_job: bool,
    dropped: Arc<AtomicU64>,
}

impl EventSink for Queue {
    fn wants_every_job(&self) -> bool {
        self.every_job
    }

    fn emit(&self, event: WorkerEvent) {
        if let Err(TrySendError::Full(_)) = self.sender.try_send(Message::Event(Timestamp::now(), event)) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Writes a worker's events until it is dropped; then it writes those that are left.
pub struct Reporter {
    sender: SyncSender<Message>,
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

impl Reporter {
    /// Starts a reporter. `one_sweep`: whether the worker belongs to a command that shows the sweep itself.
    ///
    /// # Errors
    /// If the system has no thread to spare.
    pub fn start(format: LogFormat, one_sweep: bool) -> std::io::Result<Reporter> {
        let (sender, receiver) = sync_channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let queue = Queue { sender: sender.clone(), every_job: format == LogFormat::Json, dropped: dropped.clone() };
        let writer = match format {
            LogFormat::Text => Writer::People(People::new(one_sweep)),
            LogFormat::Json => Writer::Json { worker: None },
        };
        let thread =
            thread::Builder::new().name("reporter".into()).spawn(move || write(writer, &receiver, &dropped))?;
        Ok(Reporter { sender, queue: Arc::new(queue), thread: Some(thread) })
    }

    /// Returns the sink for a worker's events.
    pub fn sink(&self) -> Arc<dyn EventSink> {
        self.queue.clone()
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        message::wait_no_longer();
        // Fails only if the thread has ended. Waits while the queue is full, until its events are written or dropped.
        let _ = self.sender.send(Message::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

enum Writer {
    People(People),
    Json { worker: Option<String> },
}

fn write(mut writer: Writer, events: &Receiver<Message>, dropped: &AtomicU64) {
    loop {
        let message: Result<Message, mpsc::RecvTimeoutError> = events.recv_timeout(TICK);
        match message {
            Ok(Message::Event(time, event)) => writer.event(time, &event),
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => return writer.end(),
        }
        writer.tick(dropped.swap(0, Ordering::Relaxed));
    }
}

impl Writer {
    fn event(&mut self, time: Timestamp, event: &WorkerEvent) {
        match self {
            Writer::People(people) => people.event(event, Instant::now()).iter().for_each(|line| message!("{line}")),
            Writer::Json { worker } => {
                if let WorkerEvent::Started(start) = event {
                    *worker = Some(start.worker.clone());
                }
                message::raw_line(&json::of_event(time, worker.as_deref(), event));
            }
        }
    }

    fn tick(&mut self, dropped: u64) {
        match self {
            Writer::People(people) => people.tick(Instant::now()).iter().for_each(|line| message!("{line}")),
            Writer::Json { worker } if dropped > 0 => {
                message::raw_line(&json::of_dropped(Timestamp::now(), worker.as_deref(), dropped));
            }
            Writer::Json { .. } => {}
        }
    }

    fn end(&mut self) {
        if let Writer::People(people) = self {
            people.rest().iter().for_each(|line| message!("{line}"));
        }
    }
}
