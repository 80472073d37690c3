//! Owns the question to an interpreter which version it is.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long the answer may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The most that is read of the answer, bytes.
const MOST: u64 = 4096;

/// Interpreters that answer `--version` and do nothing else. Any other program might begin to compute.
const INTERPRETERS: [&str; 8] = ["python", "pypy", "Rscript", "julia", "node", "ruby", "octave", "bash"];

/// The first line of what an interpreter says about its version. None: the program is no interpreter that is known to
/// answer, or it did not answer within two seconds.
pub fn interpreter_version(program: &Path) -> Option<String> {
    let name = program.file_name()?.to_str()?;
    let is_version = |rest: &str| rest.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-');
    INTERPRETERS.iter().find(|known| name.strip_prefix(**known).is_some_and(is_version))?;
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let stdout = child.stdout.take()?;
    let (send, receive) = mpsc::channel();
    let read = move || {
        let mut text = String::new();
        // It fails when nobody waits any more.
        let _ = send.send(stdout.take(MOST).read_to_string(&mut text).map(|_| text));
    };
    let reader = thread::Builder::new().name("version".into()).spawn(read);
    let answer = receive.recv_timeout(TIMEOUT);
    if answer.is_err() || reader.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    let text = answer.ok()?.ok().filter(|_| status.success())?;
    text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}
