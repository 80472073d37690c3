//! Owns how an idle worker waits for new work: a blocking read of one stream for each queue, over a connection of its own.
//!
//! The scripts add an entry to `sweep:bell:QUEUE` when jobs may have become claimable, or when the last job of a sweep has
//! ended. Unlike a published message, an entry that arrives while the connection is down is found afterwards. A
//! connection of its own, because a blocking read holds up every request behind it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::connection::Connection;
use super::header;
use crate::store::{NewWork, Result, Scope, WorkWaiter};

/// The longest time that one read blocks: shorter than the time after which a request times out.
const LONGEST: Duration = Duration::from_secs(5);

/// Entries of a stream: their ids, and their fields and values, flat.
type Entries = Vec<(String, Vec<String>)>;

/// What a read of several streams returns: nothing, or the streams that have entries.
type Streams = (Option<Vec<(String, Entries)>>,);

/// The id of the last entry seen of each stream.
type Marks = BTreeMap<String, String>;

/// See [`WorkWaiter`].
pub(super) struct Waiter {
    connection: Connection,
    scope: Scope,
    marks: Mutex<Marks>,
    is_stopped: AtomicBool,
    stop: Notify,
}

impl Waiter {
    /// A waiter for a scope, over a connection of its own.
    pub(super) fn new(connection: Connection, scope: Scope) -> Waiter {
        Waiter { connection, scope, marks: Mutex::default(), is_stopped: AtomicBool::new(false), stop: Notify::new() }
    }
}

impl WorkWaiter for Waiter {
    fn wait(&self, at_most: Duration) -> Result<Option<NewWork>> {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let queues = queues(&self.connection, &self.scope)?;
        let streams: Vec<String> = queues.iter().map(|queue| format!("sweep:bell:{queue}")).collect();
        let unmarked: Vec<&String> = streams.iter().filter(|stream| !marks.contains_key(*stream)).collect();
        if !unmarked.is_empty() {
            let newest = newest(&self.connection, &unmarked)?;
            marks.extend(newest);
            return Ok(None);
        }
        if streams.is_empty() || self.is_stopped.load(Ordering::Acquire) {
            return Ok(None);
        }
        let mut read = redis::pipe();
        read.cmd("XREAD").arg("BLOCK").arg(at_most.min(LONGEST).as_millis().max(1) as u64).arg("STREAMS").arg(&streams);
        for stream in &streams {
            read.arg(marks.get(stream).map_or("$", String::as_str));
        }
        let reply: Option<Streams> = self.connection.pipe_until_stopped(&read, &self.stop)?;
        let found = reply.and_then(|(found,)| found).unwrap_or_default();
        Ok(accept(found, &self.scope, &mut marks))
    }

    fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
        // If no wait is under way, this ends the next one.
        self.stop.notify_one();
    }
}

/// The queues of a scope.
fn queues(connection: &Connection, scope: &Scope) -> Result<Vec<String>> {
    match scope {
        Scope::Queues(queues) => Ok(queues.clone()),
        Scope::Sweep(id) => {
            let (queue,): (Option<String>,) =
                connection.pipe(redis::pipe().cmd("HGET").arg(header(id)).arg("queue"))?;
            Ok(queue.into_iter().collect())
        }
    }
}

/// The id of the newest entry of each stream.
fn newest(connection: &Connection, streams: &[&String]) -> Result<Marks> {
    let mut commands = redis::pipe();
    for stream in streams {
        commands.cmd("XREVRANGE").arg(*stream).arg("+").arg("-").arg("COUNT").arg(1);
    }
    let newest: Vec<Entries> = connection.pipe(&commands)?;
    let id = |entries: Entries| entries.into_iter().next().map_or_else(|| "0-0".to_owned(), |(id, _)| id);
    Ok(streams.iter().map(|stream| (*stream).clone()).zip(newest.into_iter().map(id)).collect())
}

/// Moves the marks behind the entries found. None if no entry concerns the scope.
fn accept(found: Vec<(String, Entries)>, scope: &Scope, marks: &mut Marks) -> Option<NewWork> {
    let mut news = None;
    for (stream, entries) in found {
        for (id, fields) in entries {
            let field = |name: &str| {
                fields
                    .iter()
                    .zip(fields.iter().skip(1))
                    .step_by(2)
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| value)
            };
            let concerns = match scope {
                Scope::Queues(_) => true,
                Scope::Sweep(sweep) => field("sweep").is_some_and(|named| *named == sweep.to_string()),
            };
            if concerns {
                news = Some(NewWork { workers: field("workers").and_then(|count| count.parse().ok()).unwrap_or(0) });
            }
            marks.insert(stream.clone(), id);
        }
    }
    news
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::SweepId;

    #[test]
    fn the_marks_move_behind_every_entry_and_only_those_of_the_scope_are_news() {
        let fields = |sweep: &str| ["sweep", sweep, "workers", "7"].map(str::to_owned).to_vec();
        let found = || vec![("sweep:bell:q".to_owned(), vec![("5-0".to_owned(), fields("pi-3"))])];
        for (scope, news) in [
            (Scope::Queues(vec!["q".into()]), Some(NewWork { workers: 7 })),
            (Scope::Sweep(SweepId { name: "pi".into(), number: 3 }), Some(NewWork { workers: 7 })),
            (Scope::Sweep(SweepId { name: "pi".into(), number: 4 }), None),
        ] {
            let mut marks = Marks::new();
            assert_eq!(accept(found(), &scope, &mut marks), news);
            assert_eq!(marks.get("sweep:bell:q").map(String::as_str), Some("5-0"));
            assert_eq!(accept(Vec::new(), &scope, &mut marks), None);
        }
    }
}
