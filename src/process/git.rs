//! Owns the question to git, where it is installed, which commit a folder is at.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::model::GitState;

/// How long git may take: a tree of millions of files on a slow disk is not worth a person's time.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The commit of the work tree around a folder, and whether tracked files are changed. None: no git, no work tree, no commit,
/// or no answer within two seconds.
pub fn git_state(folder: &Path) -> Option<GitState> {
    let mut git = Command::new("git");
    // Untracked files do not count: tables and stores are among them.
    git.args(["--no-optional-locks", "status", "--porcelain=v2", "--branch", "--untracked-files=no"]);
    git.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = git.spawn().ok()?;
    let mut stdout = child.stdout.take()?;
    let (send, receive) = mpsc::channel();
    let read_all = move || {
        let mut text = String::new();
        // It fails when nobody waits any more.
        let _ = send.send(stdout.read_to_string(&mut text).map(|_| text));
    };
    // Without a thread there is no answer, and git is ended.
    let reader = std::thread::Builder::new().name("git".into()).spawn(read_all);
    let answer = receive.recv_timeout(TIMEOUT);
    if answer.is_err() || reader.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    read(&answer.ok()?.ok()?).filter(|_| status.success())
}

/// Reads the output of `git status --porcelain=v2 --branch`.
fn read(text: &str) -> Option<GitState> {
    let commit = text.lines().find_map(|line| line.strip_prefix("# branch.oid "))?;
    let is_commit = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    let dirty = text.lines().any(|line| !line.starts_with('#'));
    is_commit.then(|| GitState { commit: commit.to_owned(), dirty })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_git_is_read() {
        let oid = "0123456789abcdef0123456789abcdef01234567";
        let head = format!("# branch.oid {oid}\n# branch.head main\n");
        assert_eq!(read(&head), Some(GitState { commit: oid.into(), dirty: false }));
        let changed = format!("{head}1 .M N... 100644 100644 100644 {oid} {oid} a.py\n");
        assert_eq!(read(&changed), Some(GitState { commit: oid.into(), dirty: true }));
        assert_eq!(read("# branch.oid (initial)\n# branch.head main\n"), None);
        assert_eq!(read(""), None);
    }
}
