//! Owns the workers of a chaos run: started, hurt, replaced; each with a connection of its own.

use std::collections::VecDeque;

use rustix::process::Signal;

use super::plan::WORKERS;
use crate::common::proxy::{Line, Proxy};
use crate::common::{Background, Sandbox, until};

/// What a worker is told: a lease short enough to run out within the test.
const ARGS: [&str; 5] = ["worker", "-j", "3", "--lease", "2s"];

/// What a worker says first, when it has reached its store; before that it may end because there is none.
const AT_WORK: &str = "working for";

/// What a worker says when it was told to stop.
const DRAINS: &str = "claiming no more";

struct Member {
    process: Background,
    proxy: Option<Proxy>,
}

/// The crew.
pub struct SlotContext {
    members: Vec<Member>,
    /// Told to stop, and not seen to end yet; each keeps its connection.
    leaving: Vec<Member>,
    /// The connections of those that were killed last: their supervisors may have something to say.
    lines: VecDeque<Proxy>,
    started: usize,
}

impl SlotContext {
    /// A whole crew at work.
    pub fn new(sandbox: &Sandbox) -> SlotContext {
        let mut crew = SlotContext { members: Vec::new(), leaving: Vec::new(), lines: VecDeque::new(), started: 0 };
        for _ in 0..WORKERS {
            let member = crew.hire(sandbox);
            crew.members.push(member);
        }
        crew
    }

    fn hire(&mut self, sandbox: &Sandbox) -> Member {
        self.started += 1;
        let name = format!("worker-{}", self.started);
        let proxy = sandbox.port().map(Proxy::before);
        let process = match &proxy {
            Some(proxy) => sandbox.start_at(&proxy.url(), &name, &ARGS),
            None => sandbox.start(&name, &ARGS),
        };
        Member { process, proxy }
    }

    fn replace(&mut self, sandbox: &Sandbox, place: usize) -> Member {
        let next = self.hire(sandbox);
        std::mem::replace(&mut self.members[place], next)
    }

    /// Ends a worker without a word; another one takes its place.
    pub fn kill(&mut self, sandbox: &Sandbox, place: usize) {
        let Member { process, proxy } = self.replace(sandbox, place);
        // Killed and reaped when dropped.
        drop(process);
        self.lines.extend(proxy);
        while self.lines.len() > WORKERS {
            self.lines.pop_front();
        }
    }

    /// Ctrl-C, once or twice; another one takes its place.
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
            until("the worker to drain or end", || match old.process.log() {
                log if log.contains(DRAINS) || !is_alive(&mut old.process) => Ok(()),
                log => Err(log),
            });
            if is_alive(&mut old.process) {
                old.process.signal(Signal::INT);
            }
        }
        self.leaving.push(old);
    }

    /// Stops a worker's process.
    pub fn freeze(&mut self, place: usize) {
        let process = &mut self.members[place].process;
        if is_alive(process) {
            process.freeze();
        }
    }

    /// Lets a worker's process go on.
    pub fn thaw(&mut self, place: usize) {
        let process = &mut self.members[place].process;
        if is_alive(process) {
            process.signal(Signal::CONT);
        }
    }

    /// A worker's connection; none on an embedded store.
    pub fn proxy(&self, place: usize) -> &Proxy {
        self.members[place].proxy.as_ref().expect("a fault of the connection is planned for Redis only")
    }

    /// Looks at those who ended: one who never reached a store is replaced; nobody else may have ended unasked.
    pub fn tend(&mut self, sandbox: &Sandbox) {
        for place in 0..WORKERS {
            let process = &mut self.members[place].process;
            if is_alive(process) {
                continue;
            }
            let log = process.log();
            assert!(!log.contains(AT_WORK), "a worker ended by itself with {}:\n{log}", process.end());
            drop(self.replace(sandbox, place));
        }
        for member in self.leaving.extract_if(.., |member| !is_alive(&mut member.process)) {
            has_left_well(member);
        }
    }

    /// Ends all faults that are the crew's.
    pub fn heal(&mut self) {
        for place in 0..WORKERS {
            self.thaw(place);
            if let Some(proxy) = &self.members[place].proxy {
                proxy.set(Line::Open);
            }
        }
    }

    /// Sends everybody home, and sees that they went as they should.
    pub fn dismiss(self) {
        for mut member in self.leaving.into_iter().chain(self.members) {
            let process = &mut member.process;
            // Who was interrupted before it listened has not heard of it, where Ctrl-C is ignored from the start.
            if is_alive(process) && !process.log().contains(DRAINS) {
                process.signal(Signal::INT);
            }
            has_left_well(member);
        }
    }
}

/// Waits for the end of a worker that was interrupted, and sees that it is a good one.
fn has_left_well(mut member: Member) {
    let code = member.process.end();
    let log = member.process.log();
    // Interrupted; or before it listened to signals; or with outcomes that it could not deliver, and says so.
    let well = match code {
        130 => true,
        3 => log.contains("could not be delivered") || !log.contains(AT_WORK),
        _ => !log.contains(DRAINS),
    };
    assert!(well, "a worker that was interrupted ended with {code}:\n{log}");
}

fn is_alive(process: &mut Background) -> bool {
    process.child.try_wait().expect("it can be waited for").is_none()
}
