//! Owns the workers of a chaos run: starts, disturbs and replaces them; each has a connection of its own.

use std::collections::VecDeque;

use rustix::process::Signal;

use super::plan::WORKERS;
use crate::common::events::Event;
use crate::common::proxy::{Line, Proxy};
use crate::common::{Background, Sandbox, until};

/// Arguments of each worker: the lease is short enough to run out within the test.
const ARGS: [&str; 4] = ["-j", "3", "--lease", "2s"];

struct Member {
    process: Background,
    proxy: Option<Proxy>,
}

/// The workers of a run.
pub struct Workers {
    members: Vec<Member>,
    /// Workers that were told to stop and have not ended yet; each keeps its connection.
    leaving: Vec<Member>,
    /// Connections of the workers that were killed last: their supervisors may still use them.
    lines: VecDeque<Proxy>,
    started: usize,
}

impl Workers {
    /// Starts all workers.
    pub fn new(sandbox: &Sandbox) -> Workers {
        let mut workers = Workers { members: Vec::new(), leaving: Vec::new(), lines: VecDeque::new(), started: 0 };
        for _ in 0..WORKERS {
            let member = workers.start(sandbox);
            workers.members.push(member);
        }
        workers
    }

    fn start(&mut self, sandbox: &Sandbox) -> Member {
        self.started += 1;
        let name = format!("worker-{}", self.started);
        let proxy = sandbox.port().map(Proxy::before);
        let process = match &proxy {
            Some(proxy) => sandbox.worker_at(&proxy.url(), &name, &ARGS),
            None => sandbox.worker(&name, &ARGS),
        };
        Member { process, proxy }
    }

    fn replace(&mut self, sandbox: &Sandbox, place: usize) -> Member {
        let next = self.start(sandbox);
        std::mem::replace(&mut self.members[place], next)
    }

    /// Kills a worker and starts another in its place.
    pub fn kill(&mut self, sandbox: &Sandbox, place: usize) {
        let Member { process, proxy } = self.replace(sandbox, place);
        // Killed and reaped when dropped.
        drop(process);
        self.lines.extend(proxy);
        while self.lines.len() > WORKERS {
            self.lines.pop_front();
        }
    }

    /// Sends Ctrl-C once or twice, and starts another worker in its place.
    pub fn interrupt(&mut self, sandbox: &Sandbox, place: usize, twice: bool) {
        let mut old = self.replace(sandbox, place);
        if let Some(proxy) = &old.proxy {
            proxy.set(Line::Open);
        }
        if is_alive(&mut old.process) {
            old.process.signal(Signal::CONT);
            old.process.signal(Signal::INT);
        }
        if twice {
            until("the worker to drain or end", || {
                let ended = !is_alive(&mut old.process);
                if ended || drains(&old.process) { Ok(()) } else { Err(old.process.events()) }
            });
            if is_alive(&mut old.process) {
                old.process.signal(Signal::INT);
            }
        }
        self.leaving.push(old);
    }

    /// Stops a worker's process with SIGSTOP.
    pub fn freeze(&mut self, place: usize) {
        let process = &mut self.members[place].process;
        if is_alive(process) {
            process.freeze();
        }
    }

    /// Lets a worker's process continue.
    pub fn thaw(&mut self, place: usize) {
        let process = &mut self.members[place].process;
        if is_alive(process) {
            process.signal(Signal::CONT);
        }
    }

    /// A worker's connection to Redis.
    pub fn proxy(&self, place: usize) -> &Proxy {
        self.members[place].proxy.as_ref().expect("a fault of the connection is planned for Redis only")
    }

    /// Checks the workers that ended. A worker that never reached its store is replaced; no other may end by itself.
    pub fn check(&mut self, sandbox: &Sandbox) {
        for place in 0..WORKERS {
            let process = &mut self.members[place].process;
            if is_alive(process) {
                continue;
            }
            assert!(!has_started(process), "a worker ended by itself with {}:\n{}", process.end(), process.log());
            drop(self.replace(sandbox, place));
        }
        for member in self.leaving.extract_if(.., |member| !is_alive(&mut member.process)) {
            ended_well(member);
        }
    }

    /// Ends all faults of workers and their connections.
    pub fn end_faults(&mut self) {
        for place in 0..WORKERS {
            self.thaw(place);
            if let Some(proxy) = &self.members[place].proxy {
                proxy.set(Line::Open);
            }
        }
    }

    /// Stops all workers and checks how they end.
    pub fn stop_all(self) {
        for mut member in self.leaving.into_iter().chain(self.members) {
            let process = &mut member.process;
            // A worker that was interrupted before it listened to signals has missed it, where Ctrl-C is ignored at the start.
            if is_alive(process) && !drains(process) {
                process.signal(Signal::INT);
            }
            ended_well(member);
        }
    }
}

/// Waits for the end of a worker that was interrupted, and checks its exit code.
fn ended_well(mut member: Member) {
    let code = member.process.end();
    let process = &member.process;
    let has_undelivered = |event: &Event| matches!(event, Event::Summary { undelivered: 1.., .. });
    // 130: interrupted. 3: outcomes could not be delivered, or the store was never reached.
    let well = match code {
        130 => true,
        3 => process.has(has_undelivered) || !has_started(process),
        _ => !drains(process),
    };
    assert!(well, "a worker that was interrupted ended with {code}:\n{}", process.log());
}

/// Whether it has reached its store. Before that it may end because there is none.
fn has_started(process: &Background) -> bool {
    process.has(|event| matches!(event, Event::Started { .. }))
}

/// Whether it knows that it was told to stop.
fn drains(process: &Background) -> bool {
    process.has(|event| matches!(event, Event::Stopping { .. }))
}

fn is_alive(process: &mut Background) -> bool {
    process.child.try_wait().expect("it can be waited for").is_none()
}
