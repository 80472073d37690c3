//! Owns hiding a password in the store's URL: from the process list, and from jobs, which inherit the environment and may
//! print it.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The variable that names the store.
const VARIABLE: &str = "SWEEP_STORE";

/// If the command line contains a URL with a password, executes this program again in the same process, with the URL in the
/// environment instead. All users of the machine can read command lines; only the owner can read the environment. Returns
/// if there is nothing to hide.
pub fn leave_the_process_list() {
    let mut words = std::env::args_os();
    let Some(name) = words.next() else { return };
    let Some((rest, url)) = without_secret(words.collect()) else { return };
    let failed = std::env::current_exe()
        .map(|program| Command::new(program).arg0(name).args(rest).env(VARIABLE, url).exec())
        .unwrap_or_else(|error| error);
    message!(
        "warning: other users of this machine can see the password in the command line ({failed}); set {VARIABLE} instead \
         of --store"
    );
}

/// Removes a store URL with a password from the environment, so that no job inherits it. Call it after the command line,
/// which reads the variable, was parsed.
pub fn keep_from_jobs() {
    if std::env::var_os(VARIABLE).is_some_and(|url| has_secret(&url)) {
        // SAFETY: the process has only one thread: this is called before any command runs.
        unsafe { std::env::remove_var(VARIABLE) };
    }
}

/// The words of a command line without the `--store` that has a password, and its URL; none: there is no such option.
fn without_secret(words: Vec<OsString>) -> Option<(Vec<OsString>, OsString)> {
    let (mut rest, mut secret) = (Vec::new(), None);
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let joined = word.to_str().and_then(|word| word.strip_prefix("--store=")).map(OsString::from);
        let url = match joined {
            Some(url) => Some(url),
            None if word == "--store" => words.next(),
            None => None,
        };
        match url {
            Some(url) if has_secret(&url) => secret = Some(url),
            Some(url) => rest.extend(["--store".into(), url]),
            None => rest.push(word.clone()),
        }
        if word == "--" {
            rest.extend(words);
            break;
        }
    }
    secret.map(|secret| (rest, secret))
}

/// Whether the name of a store is a URL that may contain a password.
fn has_secret(store: &OsStr) -> bool {
    let store = store.to_string_lossy();
    store.split_once("://").is_some_and(|(_, rest)| rest.contains('@') || rest.contains("pass="))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Option<(String, String)> {
        let words = line.split(' ').map(OsString::from).collect();
        let (rest, url) = without_secret(words)?;
        let rest: Vec<_> = rest.iter().map(|word| word.to_string_lossy()).collect();
        Some((rest.join(" "), url.to_string_lossy().into_owned()))
    }

    #[test]
    fn only_a_url_with_a_password_is_removed_from_the_command_line() {
        let taken = |rest: &str, url: &str| Some((rest.to_owned(), url.to_owned()));
        assert_eq!(split("status --store redis://a:b@c --json"), taken("status --json", "redis://a:b@c"));
        assert_eq!(split("--store=rediss://:b@c status"), taken("status", "rediss://:b@c"));
        assert_eq!(split("status --store unix:///s?pass=b"), taken("status", "unix:///s?pass=b"));
        for line in [
            "status --store redis://c:1/2",
            "status --store me@folder",
            "status",
            "x --store",
            "x -- --store=r://a:b@c",
        ] {
            assert_eq!(split(line), None, "{line}");
        }
        assert_eq!(split("--store=r://a@c x -- --store=r://b@c"), taken("x -- --store=r://b@c", "r://a@c"));
    }
}
