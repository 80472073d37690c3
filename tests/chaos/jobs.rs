//! Owns the jobs of a chaos run: their program, the sweep files that run it, and the log that the jobs write.

use std::collections::HashMap;

use crate::common::Sandbox;
use crate::common::strays::Token;

/// Behaviours of a job, chosen by the parameter `kind`; the parameter `x` makes some jobs longer than others.
const KINDS: [&str; 7] = ["quick", "slow", "flaky", "broken", "stubborn", "loud", "parent"];

/// Points of one sweep.
pub const POINTS: u64 = 4 * KINDS.len() as u64;

/// Attempts after a first failure.
pub const RETRIES: u64 = 2;

/// The program. It appends each line of its log with one write, so that lines of several jobs do not mix. Each line that it
/// prints has the nonce of this run.
const PROGRAM: &str = r#"#!/bin/sh
# usage: sh job.sh TOKEN SWEEP KIND X
sweep=$2 kind=$3 x=$4
nonce=n$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')
note() { echo "$1 $sweep $SWEEP_JOB $SWEEP_ATTEMPT $nonce $2" >>"$SWEEP_HERE/jobs.log"; }
finish() { note end "$1"; exit "$1"; }
note start -
echo "$nonce begins"
echo "$nonce complains" >&2
case $kind in
slow) sleep "$((x * 7 / 10)).$((x * 7 % 10))" ;;
flaky) sleep 0.1; [ "$SWEEP_ATTEMPT" -ge 2 ] || finish 75 ;;
broken) sleep 0.1; finish 3 ;;
stubborn) trap '' INT TERM; sleep "0.$((x * 2))"; sleep "0.$((x * 2))" ;;
loud) yes "$nonce says it again and again" | head -n "$((x * 4000))" ;;
parent) setsid sleep 300 </dev/null >/dev/null 2>&1 & sleep "0.$x" ;;
esac
echo "nonce = $nonce"
echo "seen = $nonce/$SWEEP_ATTEMPT"
finish 0
"#;

/// Writes the program into the sandbox.
pub fn put_program(sandbox: &Sandbox) {
    sandbox.write("job.sh", PROGRAM);
    sandbox.write("jobs.log", "");
}

/// Writes a sweep file for a sweep of this name, and returns the name of the file. Its jobs are not observed: an observed
/// attempt that fails runs again under the same number, and the log of the jobs must show each attempt once.
pub fn put_sweep(sandbox: &Sandbox, name: &str, token: &Token) -> String {
    let (token, kinds) = (token.text(), KINDS.map(|kind| format!("\"{kind}\"")).join(", "));
    let text = format!(
        "name = \"{name}\"\n\
         command = \"sh job.sh {token} {name} {{{{ kind }}}} {{{{ x }}}}\"\n\
         [grid]\nkind = [{kinds}]\nx = [1, 2, 3, 4]\n\
         [job]\nretries = {RETRIES}\nretry-delay = \"200ms\"\nenv = {{ CHAOS = \"{token}\" }}\n\
         [files]\nobserve = false\n[results]\nformat = \"keyvalue\"\nrequire = [\"nonce\", \"seen\"]\n"
    );
    let file = format!("{name}.toml");
    sandbox.write(&file, &text);
    file
}

/// One run of a job, by its own log.
#[derive(Clone, Debug)]
pub struct Run {
    pub nonce: String,
    /// Its exit code, if it logged its end.
    pub exit: Option<i64>,
}

/// An attempt: the sweep's name, the point's index, the attempt's number.
type Attempt = (String, u64, u64);

/// The runs of each attempt by the log of the jobs, in order of their starts.
pub struct JobLog(HashMap<Attempt, Vec<Run>>);

impl JobLog {
    /// Reads the log.
    pub fn read(sandbox: &Sandbox) -> JobLog {
        let mut runs: HashMap<Attempt, Vec<Run>> = HashMap::new();
        for line in sandbox.read("jobs.log").lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let [what, sweep, job, attempt, nonce, exit] = words[..] else { panic!("a torn line: {line}") };
            let number = |text: &str| text.parse::<u64>().unwrap_or_else(|_| panic!("no number in: {line}"));
            let of = runs.entry((sweep.to_owned(), number(job), number(attempt))).or_default();
            match what {
                "start" => of.push(Run { nonce: nonce.to_owned(), exit: None }),
                _ => {
                    let run = of.iter_mut().find(|run| run.nonce == nonce).expect("a run ends after its start");
                    run.exit = Some(exit.parse().expect("an exit code"));
                }
            }
        }
        JobLog(runs)
    }

    /// The runs of an attempt: at most one, unless Redis lost the record of the attempt.
    pub fn of(&self, sweep: &str, job: u64, attempt: u64) -> &[Run] {
        self.0.get(&(sweep.to_owned(), job, attempt)).map_or(&[], Vec::as_slice)
    }

    /// Attempts that ran more than once.
    pub fn repeated(&self) -> Vec<(&Attempt, &Vec<Run>)> {
        self.0.iter().filter(|(_, runs)| runs.len() > 1).collect()
    }

    /// Number of processes that ran.
    pub fn runs(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}
