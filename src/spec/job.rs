//! Owns reading `[job]`.

use std::ops::Range as Span;
use std::time::Duration;

use toml::de::DeValue;

use super::keys::JOB;
use super::table_reader::{Entry, TableReader, integer};
use super::{Diagnostic, grid};
use crate::job::{CausePattern, MAX_POINTS, RetryPolicy, is_sweep_name};
use crate::model::{JobSettings, LONGEST_TIME, Logs, MAX_LOG_BYTES, MAX_RETRIES};
use crate::process::{PARAMS_FILE_VARIABLE, PARAMS_VARIABLE, RUN_VARIABLE};
use crate::suggest::{list, nearest};

/// Default of `retry-delay`: the delay before the second attempt.
const RETRY_DELAY: Duration = Duration::from_secs(5);

/// The smallest memory limit, in bytes.
const LEAST_MEMORY: u64 = 1 << 20;

/// Defaults of `logs`, in bytes for each of stdout and stderr: enough for most outputs, and small enough that a million
/// jobs do not fill the store.
const LOGS: Logs = Logs { succeeded: 4 << 10, failed: 16 << 10 };

/// Environment variables that sweep sets for every job.
const OWN_VARIABLES: [&str; 9] = [
    "SWEEP_ID",
    "SWEEP_JOB",
    "SWEEP_ATTEMPT",
    "SWEEP_SEED",
    "SWEEP_DIR",
    "SWEEP_HERE",
    PARAMS_VARIABLE,
    PARAMS_FILE_VARIABLE,
    RUN_VARIABLE,
];

/// Reads `[job]`.
pub(super) fn settings(top: TableReader) -> JobSettings {
    let mut settings = JobSettings {
        timeout: None,
        retry: RetryPolicy { retries: 0, delay: RETRY_DELAY, on: None },
        max_failures: None,
        keep_going: false,
        memory: None,
        queue: "default".into(),
        env: Vec::new(),
        stdin: None,
        dir: None,
        shell: false,
        logs: LOGS,
        ok_exit_codes: vec![0],
    };
    let Some(job) = top.table("job") else { return settings };
    job.finish(&JOB);
    settings.timeout = duration(job, "timeout", Duration::from_millis(1));
    settings.retry = retry(job);
    settings.max_failures = job.whole("max-failures", 1..=MAX_POINTS);
    settings.memory = memory(job);
    settings.queue = queue(job).unwrap_or(settings.queue);
    settings.env = env(job);
    settings.stdin = job.text("stdin").map(|(text, _)| text.to_owned());
    settings.dir = dir(job);
    settings.shell = job.flag("shell").unwrap_or(false);
    settings.logs = logs(job);
    settings.ok_exit_codes = exit_codes(job).unwrap_or(settings.ok_exit_codes);
    settings
}

/// The exit codes with which a job succeeds.
fn exit_codes(job: TableReader) -> Option<Vec<i32>> {
    const HELP: &str = "write the codes from 0 to 255 with which a job succeeds: ok-exit-codes = [0, 1]";
    let entry = job.entry("ok-exit-codes")?;
    let DeValue::Array(array) = entry.value else {
        return job.wrong(&entry, "a list of exit codes", HELP.into());
    };
    let code = |value: &toml::Spanned<DeValue>| match value.get_ref() {
        DeValue::Integer(written) => integer(written).and_then(|code| i32::try_from(code).ok()),
        _ => None,
    };
    let mut codes = Vec::new();
    for value in array.iter() {
        match code(value).filter(|code| (0..=255).contains(code)) {
            Some(code) => codes.push(code),
            None => job.sink.push(Diagnostic::error("this is not an exit code", value.span()).help(HELP)),
        }
    }
    if array.is_empty() {
        job.sink.push(Diagnostic::error("`ok-exit-codes` is empty, so no job could succeed", entry.span).help(HELP));
    }
    codes.sort_unstable();
    codes.dedup();
    (!codes.is_empty()).then_some(codes)
}

fn retry(job: TableReader) -> RetryPolicy {
    let retries = job.whole("retries", 0..=u64::from(MAX_RETRIES)).unwrap_or(0) as u32;
    for key in ["retry-delay", "retry-on"] {
        if let Some(entry) = job.entry(key).filter(|_| job.entry("retries").is_none()) {
            let found = Diagnostic::warning(format!("`{key}` without `retries` has no effect"), entry.key_span);
            job.sink.push(found.help("add `retries = …`, the number of times a failed job is run again"));
        }
    }
    let delay = duration(job, "retry-delay", Duration::ZERO).unwrap_or(RETRY_DELAY);
    RetryPolicy { retries, delay, on: retry_on(job) }
}

/// The causes of failure after which a job is run again.
fn retry_on(job: TableReader) -> Option<Vec<CausePattern>> {
    job.entry("retry-on")?;
    let causes = job.texts("retry-on")?;
    let read = |(text, span): (&str, Span<usize>)| match text.parse::<CausePattern>() {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let near = nearest(text, CausePattern::KINDS).map(|near| format!("; did you mean `{near}`?"));
            let message = format!("`retry-on`: {}{}", error.message, near.unwrap_or_default());
            job.sink.push(Diagnostic::error(message, span).help(error.help));
            None
        }
    };
    Some(causes.into_iter().filter_map(read).collect())
}

/// The memory limit for all processes of a job together, in bytes.
fn memory(job: TableReader) -> Option<u64> {
    let (size, span) = size(job, "memory")?;
    if size < LEAST_MEMORY {
        let found = Diagnostic::error("`memory` is too small", span);
        job.sink.push(found.help(format!("the minimum is 1MiB; {SIZES}")));
        return None;
    }
    Some(size)
}

const SIZES: &str = "write a size such as \"500MB\" or \"2GiB\"";

/// A size in bytes, and its place.
fn size(job: TableReader, key: &str) -> Option<(u64, Span<usize>)> {
    let entry = job.entry(key)?;
    let DeValue::String(text) = entry.value else {
        return job.wrong(&entry, "a size", format!("{SIZES}, in quotes and with a unit"));
    };
    let wrong = |message: String, help: String| {
        job.sink.push(Diagnostic::error(message, entry.span.clone()).help(help));
        None
    };
    if text.trim().parse::<f64>().is_ok() {
        return wrong(format!("`{key}` needs a unit"), format!("for {text} megabytes write \"{text}MB\"; {SIZES}"));
    }
    match text.parse::<bytesize::ByteSize>() {
        Err(_) => wrong(format!("`{key}`: \"{text}\" is not a size"), SIZES.into()),
        Ok(size) => Some((size.as_u64(), entry.span)),
    }
}

/// How much of a job's output the store keeps.
fn logs(job: TableReader) -> Logs {
    let limit = logs_limit(job);
    let all = limit.map_or(LOGS, |limit| Logs { succeeded: limit, failed: limit });
    if let Some(entry) = job.entry("logs").filter(|entry| entry.value.is_bool()) {
        job.wrong::<()>(
            &entry,
            "text",
            format!("write {}", LOGS_OF.map(|which| format!("logs = \"{which}\"")).join(" or ")),
        );
        return all;
    }
    let Some((which, span)) = job.text("logs") else { return all };
    match which {
        "all" => all,
        "failed" => Logs { succeeded: 0, ..all },
        "none" => {
            if let Some(entry) = job.entry("logs-limit") {
                let found = Diagnostic::warning("`logs-limit` has no effect with `logs = \"none\"`", entry.key_span);
                job.sink.push(found.help("remove it, or write logs = \"failed\""));
            }
            Logs { succeeded: 0, failed: 0 }
        }
        other => {
            let near = nearest(other, LOGS_OF).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            let found = Diagnostic::error(format!("`logs` cannot be `{other}`{near}"), span);
            job.sink.push(found.help(format!("`logs` selects the attempts whose output is kept: {}", list(LOGS_OF))));
            all
        }
    }
}

const LOGS_OF: [&str; 3] = ["all", "failed", "none"];

/// The limit for each of stdout and stderr, in bytes.
fn logs_limit(job: TableReader) -> Option<u32> {
    let (size, span) = size(job, "logs-limit")?;
    let wrong = |message: &str, help: &str| {
        job.sink.push(Diagnostic::error(message, span.clone()).help(help));
        None
    };
    match u32::try_from(size) {
        Ok(0) => wrong("`logs-limit` is too small", "to keep no output write logs = \"none\""),
        Ok(limit) if limit <= MAX_LOG_BYTES => Some(limit),
        _ => wrong("`logs-limit` is too large", "a worker keeps no more than 256KiB of each of stdout and stderr"),
    }
}

/// A duration, at least `least` and at most ten years.
fn duration(job: TableReader, key: &str, least: Duration) -> Option<Duration> {
    const FORM: &str = "write a duration such as \"90s\", \"10m\", \"1h 30m\" or \"2days\"";
    let entry = job.entry(key)?;
    let wrong = |message: String, help: String| {
        job.sink.push(Diagnostic::error(message, entry.span.clone()).help(help));
        None
    };
    let text = match entry.value {
        DeValue::String(text) => text,
        DeValue::Integer(number) => {
            return wrong(format!("`{key}` needs a unit"), format!("for {number} seconds write \"{number}s\"; {FORM}"));
        }
        DeValue::Float(number) => {
            return wrong(format!("`{key}` needs a unit"), format!("for {number} seconds write \"{number}s\"; {FORM}"));
        }
        _ => return job.wrong(&entry, "a time", FORM.into()),
    };
    let duration = match humantime::parse_duration(text) {
        Ok(duration) => duration,
        Err(humantime::DurationError::UnknownUnit { unit, value, .. }) if unit.is_empty() => {
            return wrong(format!("`{key}` needs a unit"), format!("for {value} seconds write \"{value}s\"; {FORM}"));
        }
        Err(humantime::DurationError::UnknownUnit { unit, .. }) => {
            return wrong(
                format!("`{key}`: unknown unit of time `{unit}`"),
                format!("{FORM}; the units are ms, s, m, h, days, weeks"),
            );
        }
        Err(humantime::DurationError::NumberOverflow) => {
            return wrong(format!("`{key}` is too large or too precise"), FORM.into());
        }
        Err(_) => return wrong(format!("`{key}`: \"{text}\" is not a duration"), FORM.into()),
    };
    let unlimited = if key == "timeout" { "; without `timeout` there is no limit" } else { "" };
    if duration < least {
        return wrong(format!("`{key}` is too short"), format!("{FORM}{unlimited}"));
    }
    if duration > LONGEST_TIME {
        return wrong(format!("`{key}` is longer than ten years"), format!("{FORM}{unlimited}"));
    }
    Some(duration)
}

fn queue(job: TableReader) -> Option<String> {
    let (queue, span) = job.text("queue")?;
    if is_sweep_name(queue) {
        return Some(queue.to_owned());
    }
    let found = Diagnostic::error(format!("`{queue}` cannot be the name of a queue"), span);
    job.sink.push(found.help(format!("{NAME_RULE}: queue = \"{}\"", name_like(queue))));
    None
}

/// The rule for names of sweeps and queues.
pub(super) const NAME_RULE: &str =
    "use up to 100 letters (a to z), digits, `_`, `-` and `.`, beginning with a letter, a digit or `_`";

/// A valid name of a sweep or queue that resembles a text.
pub(super) fn name_like(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let like: String = text.chars().map(|c| if allowed(c) { c } else { '-' }).take(100).collect();
    let like = like.trim_start_matches(['-', '.']);
    if like.is_empty() { "study".into() } else { like.to_owned() }
}

fn dir(job: TableReader) -> Option<String> {
    let (dir, span) = job.text("dir")?;
    if dir.is_empty() {
        let found = Diagnostic::error("`dir` is empty", span);
        job.sink.push(found.help("without `dir`, jobs run in the sweep file's folder; to give each job its own directory write \"runs/{{ sweep }}/{{ job }}\""));
        return None;
    }
    Some(dir.to_owned())
}

fn env(job: TableReader) -> Vec<(String, String)> {
    let Some(env) = job.entry("env") else { return Vec::new() };
    let DeValue::Table(table) = env.value else {
        job.wrong::<()>(&env, "a table", "write env = { NAME = \"value\" }".into());
        return Vec::new();
    };
    let table = TableReader { table, sink: job.sink };
    table.entries().filter_map(|entry| Some((variable(&entry, table)?, value(&entry, table)?))).collect()
}

fn variable(entry: &Entry, env: TableReader) -> Option<String> {
    let name = entry.key;
    let (message, help) = if name.is_empty() || name.contains(['=', '\0']) {
        (format!("`{}` cannot be the name of a variable", name.escape_debug()), "it must not be empty or contain `=`")
    } else if OWN_VARIABLES.contains(&name) {
        (format!("`{name}` is set by sweep"), "remove it, or use another name")
    } else {
        return Some(name.to_owned());
    };
    env.sink.push(Diagnostic::error(message, entry.key_span.clone()).help(help));
    None
}

/// The template of a variable's value. Numbers and booleans need no quotes.
fn value(entry: &Entry, env: TableReader) -> Option<String> {
    match entry.value {
        DeValue::String(text) => Some(text.clone().into_owned()),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) => {
            grid::scalar(entry.value, &entry.span, env.sink).map(|value| value.to_string())
        }
        _ => env.wrong(entry, "text", format!("write {} = \"…\"", entry.key)),
    }
}
