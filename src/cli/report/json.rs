//! Owns the JSON lines of `--log-format json`: version 1 of the form that `docs/events.md` documents. Pure.
//!
//! The form is a contract with other programs, so it has types of its own: a change of [`WorkerEvent`] changes nothing
//! here by itself.

use jiff::Timestamp;
use serde::Serialize;

use crate::worker::WorkerEvent;
use crate::worker::events::{Ending, JobEnd};
use crate::worker::pace::Stopping;

/// The version of the form. Fields and events may be added to a version; a change of meaning makes a new one.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Line<'a> {
    version: u32,
    event: &'static str,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    worker: Option<&'a str>,
    #[serde(flatten)]
    fields: Fields<'a>,
}

/// The fields that follow `version`, `event`, `time` and `worker`.
#[derive(Serialize)]
#[serde(untagged)]
enum Fields<'a> {
    None {},
    Started {
        host: &'a str,
        pid: u32,
        slots: u32,
        queues: &'a [String],
        sweep: Option<String>,
        store: &'a str,
    },
    SweepJobs {
        sweep: String,
        jobs: usize,
    },
    Job {
        job: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        attempt: Option<u32>,
    },
    NoResults {
        sweep: String,
        job: String,
        last_line: Option<&'a str>,
    },
    JobEnded(Box<JobEnded<'a>>),
    Jobs {
        jobs: usize,
    },
    Reason {
        #[serde(skip_serializing_if = "Option::is_none")]
        sweep: Option<String>,
        reason: &'a str,
    },
    Folder {
        sweep: String,
        folder: String,
    },
    Input {
        sweep: String,
        path: &'a str,
        jobs: usize,
    },
    SteppedBack {
        sweep: String,
        reason: &'a str,
        pause_seconds: Option<f64>,
    },
    Sweep {
        sweep: String,
    },
    Stopping {
        how: &'static str,
    },
    Processes {
        processes: usize,
    },
    Summary {
        succeeded: u64,
        failed: u64,
        undelivered: usize,
        paused: Vec<String>,
    },
    Message {
        message: &'a str,
    },
    Dropped {
        events: u64,
    },
}

#[derive(Serialize)]
struct JobEnded<'a> {
    job: String,
    attempt: u32,
    outcome: &'static str,
    cause: Option<String>,
    message: Option<String>,
    retry_seconds: Option<f64>,
    exit_code: Option<i32>,
    seconds: f64,
    stderr_first_line: Option<&'a str>,
    stderr_last_line: Option<&'a str>,
}

/// An event as one line, without a line feed.
pub fn of_event(time: Timestamp, worker: Option<&str>, event: &WorkerEvent) -> String {
    let (name, fields) = fields(event);
    line(time, worker, name, fields)
}

/// A message for people, as one line.
pub fn of_message(time: Timestamp, message: &str) -> String {
    line(time, None, "message", Fields::Message { message })
}

/// How many events were dropped because nobody read them in time, as one line.
pub fn of_dropped(time: Timestamp, worker: Option<&str>, events: u64) -> String {
    line(time, worker, "events-dropped", Fields::Dropped { events })
}

fn line(time: Timestamp, worker: Option<&str>, event: &'static str, fields: Fields<'_>) -> String {
    let line = Line { version: VERSION, event, time: format!("{time:.3}"), worker, fields };
    // Text, numbers and lists of text: their serialization cannot fail.
    serde_json::to_string(&line).unwrap_or_default()
}

fn fields(event: &WorkerEvent) -> (&'static str, Fields<'_>) {
    match event {
        WorkerEvent::Started(start) => {
            let sweep = start.sweep.as_ref().map(ToString::to_string);
            let (host, queues, store) = (&start.host, &start.queues, &start.store);
            ("started", Fields::Started { host, pid: start.pid, slots: start.slots, queues, sweep, store })
        }
        WorkerEvent::Claimed { sweep, jobs } => {
            ("claimed", Fields::SweepJobs { sweep: sweep.to_string(), jobs: *jobs })
        }
        WorkerEvent::JobStarted { job, attempt } => {
            ("job-started", Fields::Job { job: job.to_string(), attempt: Some(*attempt) })
        }
        WorkerEvent::JobStopped { job, attempt } => {
            ("job-stopped", Fields::Job { job: job.to_string(), attempt: Some(*attempt) })
        }
        WorkerEvent::NoResults { job, last_line, .. } => {
            let sweep = job.sweep.to_string();
            ("no-results", Fields::NoResults { sweep, job: job.to_string(), last_line: last_line.as_deref() })
        }
        WorkerEvent::JobEnded(end) => ("job-ended", Fields::JobEnded(Box::new(job_ended(end)))),
        WorkerEvent::Recorded { jobs } => ("recorded", Fields::Jobs { jobs: *jobs }),
        WorkerEvent::ClaimLost { job } => ("claim-lost", Fields::Job { job: job.to_string(), attempt: None }),
        WorkerEvent::OutcomesRefused { jobs } => ("outcomes-refused", Fields::Jobs { jobs: *jobs }),
        WorkerEvent::LostJobsRequeued { jobs } => ("lost-jobs-requeued", Fields::Jobs { jobs: *jobs }),
        WorkerEvent::StoreAway { why } => ("store-away", Fields::Reason { sweep: None, reason: why }),
        WorkerEvent::StoreRefuses { why } => ("store-refuses", Fields::Reason { sweep: None, reason: why }),
        WorkerEvent::StoreBack => ("store-back", Fields::None {}),
        WorkerEvent::OtherFolder { sweep, folder } => {
            let folder = folder.to_string_lossy().into_owned();
            ("other-folder", Fields::Folder { sweep: sweep.to_string(), folder })
        }
        WorkerEvent::InputRewritten { sweep, path, jobs } => {
            ("input-rewritten", Fields::Input { sweep: sweep.to_string(), path, jobs: *jobs })
        }
        WorkerEvent::InputChanged { sweep, path, jobs } => {
            ("input-changed", Fields::Input { sweep: sweep.to_string(), path, jobs: *jobs })
        }
        WorkerEvent::Paused { sweep, reason } => ("paused", Fields::Reason { sweep: Some(sweep.to_string()), reason }),
        WorkerEvent::SteppedBack { sweep, why, pause } => {
            let pause_seconds = pause.map(|pause| pause.as_secs_f64());
            ("stepped-back", Fields::SteppedBack { sweep: sweep.to_string(), reason: why, pause_seconds })
        }
        WorkerEvent::InputsUnknown { sweep, why } => {
            ("inputs-unknown", Fields::Reason { sweep: Some(sweep.to_string()), reason: why })
        }
        WorkerEvent::TakesAgain { sweep } => ("takes-again", Fields::Sweep { sweep: sweep.to_string() }),
        WorkerEvent::Stopping { how } => {
            let how = if *how == Stopping::Now { "now" } else { "drain" };
            ("stopping", Fields::Stopping { how })
        }
        WorkerEvent::LeftoversEnded { processes } => ("leftovers-ended", Fields::Processes { processes: *processes }),
        WorkerEvent::Ended(summary) => {
            let paused = summary.paused.iter().map(ToString::to_string).collect();
            let (succeeded, failed, undelivered) = (summary.succeeded, summary.failed, summary.undelivered);
            ("summary", Fields::Summary { succeeded, failed, undelivered, paused })
        }
    }
}

fn job_ended(end: &JobEnd) -> JobEnded<'_> {
    let (outcome, cause, retry_after) = match &end.ending {
        Ending::Succeeded => ("succeeded", None, None),
        Ending::Failed { cause, retry_after } => ("failed", Some(cause), *retry_after),
        Ending::Cancelled => ("cancelled", None, None),
        Ending::GivenBack { .. } => ("given-back", None, None),
        Ending::ClaimLost => ("claim-lost", None, None),
    };
    let message = match &end.ending {
        Ending::Failed { cause, .. } => Some(cause.to_string()),
        Ending::GivenBack { why } => why.clone(),
        _ => None,
    };
    JobEnded {
        job: end.job.to_string(),
        attempt: end.attempt,
        outcome,
        cause: cause.map(|cause| cause.pattern().to_string()),
        message,
        retry_seconds: retry_after.map(|delay| delay.as_secs_f64()),
        exit_code: end.exit_code,
        seconds: end.seconds,
        stderr_first_line: end.stderr.as_ref().map(|(first, _)| first.as_str()),
        stderr_last_line: end.stderr.as_ref().map(|(_, last)| last.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::people::tests::one_of_each;

    #[test]
    fn every_event_has_its_line() {
        let time: Timestamp = "2026-11-26T00:00:00.1234567Z".parse().unwrap();
        let mut lines: Vec<String> = one_of_each().iter().map(|event| of_event(time, Some("w"), event)).collect();
        lines.push(of_message(time, "ising-1: 2 of 3 \"done\"\n"));
        lines.push(of_dropped(time, Some("w"), 7));
        insta::assert_snapshot!(lines.join("\n"), @r#"
        {"version":1,"event":"started","time":"2026-11-26T00:00:00.123Z","worker":"w","host":"node-1","pid":17,"slots":4,"queues":["default","gpu"],"sweep":null,"store":"redis://store:6379"}
        {"version":1,"event":"started","time":"2026-11-26T00:00:00.123Z","worker":"w","host":"node-1","pid":17,"slots":4,"queues":[],"sweep":"ising-1","store":"redis://store:6379"}
        {"version":1,"event":"claimed","time":"2026-11-26T00:00:00.123Z","worker":"w","sweep":"ising-1","jobs":12}
        {"version":1,"event":"job-started","time":"2026-11-26T00:00:00.123Z","worker":"w","job":"ising-1/3","attempt":1}
        {"version":1,"event":"job-ended","time":"2026-11-26T00:00:00.123Z","worker":"w","job":"ising-1/3","attempt":2,"outcome":"succeeded","cause":null,"message":null,"retry_seconds":null,"exit_code":3,"seconds":1.25,"stderr_first_line":"reading in.dat","stderr_last_line":"no licence"}
        {"version":1,"event":"job-ended","time":"2026-11-26T00:00:00.123Z","worker":"w","job":"ising-1/4","attempt":2,"outcome":"failed","cause":"exit:3","message":"exit code 3","retry_seconds":null,"exit_code":3,"seconds":1.25,"stderr_first_line":"reading in.dat","stderr_last_line":"no licence"}
        {"version":1,"event":"job-stopped","time":"2026-11-26T00:00:00.123Z","worker":"w","job":"ising-1/5","attempt":2}
        {"version":1,"event":"no-results","time":"2026-11-26T00:00:00.123Z","worker":"w","sweep":"ising-1","job":"ising-1/5","last_line":"done"}
        {"version":1,"event":"job-ended","time":"2026-11-26T00:00:00.123Z","worker":"w","job":"ising-1/5","attempt":2,"outcome":"failed","cause":"cannot-start","message":"cannot start: no `solver`","retry_seconds":2.5,"exit_code":3,"seconds":1.25,"stderr_first_line":"reading in.dat","stderr_last_line":"no licence"}
        {"version":1,"event":"job-ended","time":"2026-11-26T00:00:00.123Z","worker":"w","job":"ising-1/6","attempt":2,"outcome":"cancelled","cause":null,"message":null,"retry_seconds":null,"exit_code":3,"seconds":1.25,"stderr_first_line":"reading in.dat","stderr_last_line":"no licence"}
        {"version":1,"event":"job-ended","time":"2026-11-26T00:00:00.123Z","worker":"w","job":"ising-1/7","attempt":2,"outcome":"given-back","cause":null,"message":null,"retry_seconds":null,"exit_code":3,"seconds":1.25,"stderr_first_line":"reading in.dat","stderr_last_line":"no licence"}
        {"version":1,"event":"job-ended","time":"2026-11-26T00:00:00.123Z","worker":"w","job":"ising-1/8","attempt":2,"outcome":"given-back","cause":null,"message":"disk full","retry_seconds":null,"exit_code":3,"seconds":1.25,"stderr_first_line":"reading in.dat","stderr_last_line":"no licence"}
        {"version":1,"event":"job-ended","time":"2026-11-26T00:00:00.123Z","worker":"w","job":"ising-1/9","attempt":2,"outcome":"claim-lost","cause":null,"message":null,"retry_seconds":null,"exit_code":3,"seconds":1.25,"stderr_first_line":"reading in.dat","stderr_last_line":"no licence"}
        {"version":1,"event":"recorded","time":"2026-11-26T00:00:00.123Z","worker":"w","jobs":3}
        {"version":1,"event":"claim-lost","time":"2026-11-26T00:00:00.123Z","worker":"w","job":"ising-1/9"}
        {"version":1,"event":"outcomes-refused","time":"2026-11-26T00:00:00.123Z","worker":"w","jobs":1}
        {"version":1,"event":"lost-jobs-requeued","time":"2026-11-26T00:00:00.123Z","worker":"w","jobs":2}
        {"version":1,"event":"store-away","time":"2026-11-26T00:00:00.123Z","worker":"w","reason":"connection refused"}
        {"version":1,"event":"store-refuses","time":"2026-11-26T00:00:00.123Z","worker":"w","reason":"out of memory"}
        {"version":1,"event":"store-back","time":"2026-11-26T00:00:00.123Z","worker":"w"}
        {"version":1,"event":"other-folder","time":"2026-11-26T00:00:00.123Z","worker":"w","sweep":"ising-1","folder":"/tmp"}
        {"version":1,"event":"input-rewritten","time":"2026-11-26T00:00:00.123Z","worker":"w","sweep":"ising-1","path":"ising.py","jobs":1}
        {"version":1,"event":"input-changed","time":"2026-11-26T00:00:00.123Z","worker":"w","sweep":"ising-1","path":"ising.py","jobs":3}
        {"version":1,"event":"paused","time":"2026-11-26T00:00:00.123Z","worker":"w","sweep":"ising-1","reason":"20 points failed"}
        {"version":1,"event":"stepped-back","time":"2026-11-26T00:00:00.123Z","worker":"w","sweep":"ising-1","reason":"there is no program `solver`","pause_seconds":null}
        {"version":1,"event":"stepped-back","time":"2026-11-26T00:00:00.123Z","worker":"w","sweep":"ising-1","reason":"5 jobs in a row failed here","pause_seconds":20.0}
        {"version":1,"event":"takes-again","time":"2026-11-26T00:00:00.123Z","worker":"w","sweep":"ising-1"}
        {"version":1,"event":"inputs-unknown","time":"2026-11-26T00:00:00.123Z","worker":"w","sweep":"ising-1","reason":"this system cannot report the calls of a job"}
        {"version":1,"event":"stopping","time":"2026-11-26T00:00:00.123Z","worker":"w","how":"drain"}
        {"version":1,"event":"stopping","time":"2026-11-26T00:00:00.123Z","worker":"w","how":"now"}
        {"version":1,"event":"leftovers-ended","time":"2026-11-26T00:00:00.123Z","worker":"w","processes":1}
        {"version":1,"event":"summary","time":"2026-11-26T00:00:00.123Z","worker":"w","succeeded":8,"failed":1,"undelivered":2,"paused":["ising-1"]}
        {"version":1,"event":"message","time":"2026-11-26T00:00:00.123Z","message":"ising-1: 2 of 3 \"done\"\n"}
        {"version":1,"event":"events-dropped","time":"2026-11-26T00:00:00.123Z","worker":"w","events":7}
        "#);
    }
}
