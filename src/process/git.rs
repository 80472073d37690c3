//! Owns the question to git, where it is installed, which commit a folder is at.

use std::collections::BTreeSet;
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
///
/// The folder may come from somebody else, and the configuration of a work tree can name programs that git starts: a file
/// system monitor, filters, a transport for missing objects. None of them is started.
pub fn git_state(folder: &Path) -> Option<GitState> {
    let filters = ask(folder, &[], &["config", "--show-scope", "--name-only", "-z", "--get-regexp", r"^filter\."])?;
    let mut settings = vec!["core.fsmonitor=false".to_owned(), "status.submoduleSummary=false".to_owned()];
    for driver in local_filters(&filters) {
        let no_program = ["clean", "smudge", "process"].map(|key| format!("filter.{driver}.{key}="));
        settings.extend(no_program);
        settings.push(format!("filter.{driver}.required=false"));
    }
    // Untracked files do not count: tables and stores are among them.
    let status = ["status", "--porcelain=v2", "--branch", "--untracked-files=no", "--ignore-submodules=dirty"];
    read(&ask(folder, &settings, &status)?)
}

/// The filters that the configuration of the work tree itself defines, from the output of `git config --show-scope
/// --name-only -z`: pairs of scope and name. Filters of the user's own configuration, such as that of Git LFS, are used.
fn local_filters(text: &str) -> BTreeSet<String> {
    let fields: Vec<&str> = text.split('\0').collect();
    let pairs = fields.chunks_exact(2).filter_map(|pair| <[&str; 2]>::try_from(pair).ok());
    let local = pairs.filter(|[scope, _]| !matches!(*scope, "system" | "global"));
    local.filter_map(|[_, name]| Some(name.strip_prefix("filter.")?.rsplit_once('.')?.0.to_owned())).collect()
}

/// The output of git in a folder with further settings. None: it failed, or took too long.
fn ask(folder: &Path, settings: &[String], args: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    git.arg("--no-optional-locks").args(settings.iter().flat_map(|setting| ["-c", setting])).args(args);
    // Missing objects of a partial clone are not fetched.
    git.env("GIT_ALLOW_PROTOCOL", "").env("GIT_NO_LAZY_FETCH", "1");
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
    // `git config` ends with 1 if it finds nothing.
    let is_well = status.success() || args.first() == Some(&"config") && status.code() == Some(1);
    answer.ok()?.ok().filter(|_| is_well)
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

    fn run(program: &str, args: &[&str], folder: &Path) {
        let status =
            Command::new(program).args(args).current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").status();
        assert!(status.unwrap().success(), "{program} {args:?}");
    }

    #[test]
    fn no_program_of_a_work_tree_is_started() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let attack = |name: &str| format!("touch {}", folder.join(name).display());
        run("git", &["init", "-q"], folder);
        std::fs::write(folder.join("a.py"), "1\n").unwrap();
        run("git", &["add", "a.py"], folder);
        run("git", &["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "a"], folder);
        std::fs::write(folder.join(".gitattributes"), "*.py filter=evil\n").unwrap();
        for (key, name) in
            [("core.fsmonitor", "monitored"), ("filter.evil.clean", "cleaned"), ("filter.evil.process", "processed")]
        {
            run("git", &["config", key, &attack(name)], folder);
        }
        std::fs::write(folder.join("a.py"), "2\n").unwrap();
        let state = git_state(folder).unwrap();
        assert!(state.dirty);
        for name in ["monitored", "cleaned", "processed"] {
            assert!(!folder.join(name).exists(), "{name}");
        }
        // The attack works on a git that is asked without care.
        let status = Command::new("git").arg("status").current_dir(folder).output().unwrap();
        assert!(["monitored", "cleaned", "processed"].iter().any(|name| folder.join(name).exists()), "{status:?}");
    }

    #[test]
    fn filters_of_the_work_tree_are_told_from_those_of_the_user() {
        let text = "global\0filter.lfs.clean\0local\0filter.a.b.clean\0worktree\0filter.c.process\0";
        assert_eq!(local_filters(text), BTreeSet::from(["a.b".to_owned(), "c".to_owned()]));
        assert!(local_filters("").is_empty());
    }

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
