//! Tests of reading a sweep file as a whole: what good files say, and that no file makes it panic. What bad ones give is
//! in `tests/bad_input.rs`.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::files::{Disk, Files};
use crate::job::RetryPolicy;
use crate::model::{Command, DEFAULT_JOB_DIR, Logs, Reducers, ResultFormat, ResultSettings, ResultsFrom};
use crate::space::{AxisParam, Dist, Range, RangeBy, Values};
use crate::value::Value;

mod space;

/// A sweep file that uses most keys.
pub(crate) const WHOLE: &str = r##"
name = "ising"
command = "python3 ising.py --size {{ size }} --temp {{ temp }} --seed {{ seed }} {{ flags }}"
repeats = 500
draws = 64
root-seed = 0xFFFF_FFFF_FFFF_FFFF

[grid]
size = [16, 32, 0x40]
temp = { from = 1.5, to = +3.5, count = 21 }
rate = { from = 1e-4, to = 1_0E-2, count = 4, scale = "log" }
field = { from = 0, to = 1, step = 0.1 }
model = "metropolis"
flag = [true, false]

[[zip]]
solver = ["rk4", "euler"]
dt = [0.1, 0.01]

[random]
coupling = { dist = "normal", mean = 1, sd = 0.1 }
noise = { dist = "uniform", min = 0.0, max = 1.0 }
lr = { dist = "log-uniform", min = 1e-5, max = 1 }
k = { dist = "int", min = -3, max = 3 }
rule = { dist = "choice", values = ["a", 1, 2.5, true], weights = [3, 1, 0.5, 0] }
tour = { dist = "permutation", of = 20 }

[job]
timeout = "10m"
retries = 2
retry-delay = "1h 30m"
queue = "long"
env = { MODE = "{{ model }}", N = 3, X = 0.50, B = true }
stdin = "{{ size }}\n"
dir = "runs/{{ sweep }}/{{ job }}"

[results]
format = "json"
columns = { energy = "stats.energy[0]", mag = 'stats["m"]' }
require = ["energy", "mag"]
"##;

fn source(stem: &str) -> SourceFile {
    SourceFile { file: format!("{stem}.toml"), stem: stem.into(), here: "/".into() }
}

fn good(text: &str) -> SweepFile {
    read(text, &source("study")).unwrap_or_else(|found| panic!("{found}"))
}

fn list(name: &str, values: Vec<Value>) -> AxisParam {
    AxisParam { name: name.into(), values: Values::List(values) }
}

fn range(name: &str, from: &str, to: &str, by: RangeBy) -> AxisParam {
    AxisParam { name: name.into(), values: Values::Range(Range { from: from.into(), to: to.into(), by }) }
}

#[test]
fn a_whole_file_is_read() {
    let read = good(WHOLE);
    assert_eq!(read.warnings.list, []);
    let spec = read.spec;
    assert_eq!((spec.name.as_str(), spec.space.repeats, spec.space.draws), ("ising", 500, 64));
    assert_eq!((spec.space.root_seed, spec.space.version), (u64::MAX, 1));
    let order = [
        "size", "temp", "rate", "field", "model", "flag", "solver", "dt", "coupling", "noise", "lr", "k", "rule",
        "tour",
    ];
    assert_eq!(spec.space.order, order);
    let job = spec.job;
    assert_eq!(job.timeout, Some(Duration::from_secs(600)));
    assert_eq!(job.retry, RetryPolicy { retries: 2, delay: Duration::from_secs(5400), on: None });
    assert_eq!((job.queue.as_str(), job.shell), ("long", false));
    let env = [("MODE", "{{ model }}"), ("N", "3"), ("X", "0.5"), ("B", "true")];
    assert_eq!(job.env, env.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(job.stdin.as_deref(), Some("{{ size }}\n"));
    assert_eq!(job.dir.as_deref(), Some("runs/{{ sweep }}/{{ job }}"));
    let columns = [("energy", "stats.energy[0]"), ("mag", "stats[\"m\"]")];
    let json = ResultFormat::Json(columns.map(|(name, path)| (name.to_owned(), path.to_owned())).into());
    assert_eq!(spec.results, [results_from(ResultsFrom::Stdout, json, &["energy", "mag"])]);
}

#[test]
fn values_of_axes_are_read() {
    let axes: Vec<Vec<AxisParam>> =
        good(WHOLE).spec.space.blocks[0].axes.clone().into_iter().map(|axis| axis.params).collect();
    let expected = [
        vec![list("size", vec![Value::Int(16), Value::Int(32), Value::Int(64)])],
        vec![range("temp", "1.5", "3.5", RangeBy::Count(21))],
        vec![range("rate", "1e-4", "10E-2", RangeBy::LogCount(4))],
        vec![range("field", "0", "1", RangeBy::Step("0.1".into()))],
        vec![list("model", vec!["metropolis".into()])],
        vec![list("flag", vec![Value::Bool(true), Value::Bool(false)])],
        vec![
            list("solver", vec!["rk4".into(), "euler".into()]),
            list("dt", vec![Value::Float(0.1), Value::Float(0.01)]),
        ],
    ];
    assert_eq!(axes, expected);
}

#[test]
fn distributions_are_read() {
    let random: Vec<(String, Dist)> =
        good(WHOLE).spec.space.blocks[0].random.clone().into_iter().map(|r| (r.name, r.dist)).collect();
    let choices = vec!["a".into(), Value::Int(1), Value::Float(2.5), Value::Bool(true)];
    let expected = [
        ("coupling", Dist::Normal { mean: 1.0, sd: 0.1 }),
        ("noise", Dist::Uniform { min: 0.0, max: 1.0 }),
        ("lr", Dist::LogUniform { min: 1e-5, max: 1.0 }),
        ("k", Dist::Int { min: -3, max: 3 }),
        ("rule", Dist::Choice { values: choices, weights: Some(vec![3.0, 1.0, 0.5, 0.0]) }),
        ("tour", Dist::Permutation { of: 20 }),
    ];
    assert_eq!(random, expected.map(|(name, dist)| (name.to_owned(), dist)));
}

#[test]
fn absent_keys_have_defaults() {
    let spec = good("command = ['prog']").spec;
    assert_eq!((spec.name.as_str(), spec.command), ("study", Command::Words(vec!["prog".into()])));
    let space = spec.space;
    assert_eq!((space.root_seed, space.draws, space.repeats, space.blocks[0].axes.len()), (0, 1, 1, 0));
    assert_eq!(spec.job.retry, RetryPolicy { retries: 0, delay: Duration::from_secs(5), on: None });
    assert_eq!((spec.job.timeout, spec.job.queue.as_str()), (None, "default"));
    assert_eq!(spec.results, [results_from(ResultsFrom::Stdout, ResultFormat::Auto, &[])]);
    assert_eq!(spec.job.logs, Logs { succeeded: 4096, failed: 16384 });
}

#[test]
fn log_settings_are_read() {
    let logs = |keys: &str| good(&format!("command = 'p'\n[job]\n{keys}")).spec.job.logs;
    assert_eq!(logs("logs = 'all'"), Logs { succeeded: 4096, failed: 16384 });
    assert_eq!(logs("logs = 'failed'"), Logs { succeeded: 0, failed: 16384 });
    assert_eq!(logs("logs = 'failed'\nlogs-limit = '1kB'"), Logs { succeeded: 0, failed: 1000 });
    assert_eq!(logs("logs = 'none'"), Logs { succeeded: 0, failed: 0 });
    assert_eq!(logs("logs-limit = '256KiB'"), Logs { succeeded: 262144, failed: 262144 });
}

fn results_from(from: ResultsFrom, format: ResultFormat, require: &[&str]) -> ResultSettings {
    let require = require.iter().map(|name| name.to_string()).collect();
    ResultSettings { from, format, require, reduce: Reducers::default(), keep_on_timeout: false }
}

#[test]
fn results_come_from_one_source_or_several_or_none() {
    let text = "command = 'p'\n[[results]]\nformat = 'regex'\ncolumns = { b = 'B=(\\S+)', a = '\\d+' }\n\
                [[results]]\nfrom = 'out.json'\nformat = 'json'\ncolumns = { c = 'x.y[-1]' }\nrequire = ['c']\n";
    let columns = |columns: &[(&str, &str)]| columns.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
    let regex = ResultFormat::Regex(columns(&[("b", "B=(\\S+)"), ("a", "\\d+")]));
    let json = ResultFormat::Json(columns(&[("c", "x.y[-1]")]));
    let file = ResultsFrom::File("out.json".into());
    let spec = good(text).spec;
    assert_eq!(spec.results, [results_from(ResultsFrom::Stdout, regex, &[]), results_from(file, json, &["c"])]);
    assert_eq!(spec.job.dir.as_deref(), Some(DEFAULT_JOB_DIR));
    assert_eq!(good("command = 'p'\n[results]\nformat = 'none'").spec.results, []);
}

#[test]
fn a_space_has_the_oldest_version_that_gives_its_points() {
    let version = |derived: &str| {
        good(&format!("command = 'p {{{{ flags }}}}'\nwhere = 'x < 2'\n[grid]\nx = [1, 2]\n[derived]\n{derived}\n"))
            .spec
            .space
            .version
    };
    assert_eq!(version("y = 'x * x + sqrt(x)'"), 1);
    assert_eq!(version("y = \"x ~ 'm'\""), 2);
    assert_eq!(version("y = 'x > 1'"), 2);
    assert_eq!(version("y = 'x | string'"), 2);
}

#[test]
fn parameters_are_in_the_order_of_the_file() {
    let text = "command = 'p {{ flags }}'\n[random]\nz = { dist = 'int', min = 1, max = 2 }\n[[zip]]\ny = [1]\nb = [2]\n\
                [grid]\nx = 1\n[[zip]]\na = [1]\n[grid.c]\nfrom = 1\nto = 2\ncount = 2\n";
    let spec = good(text).spec;
    assert_eq!(spec.space.order, ["z", "y", "b", "x", "a", "c"]);
    let axes: Vec<&str> = spec.space.blocks[0].axes.iter().map(|axis| axis.params[0].name.as_str()).collect();
    assert_eq!(axes, ["y", "x", "a", "c"]);
}

#[test]
fn a_parameter_counts_as_used_wherever_it_is_used() {
    for command in ["p {{ x }}", "p {{ flags }}", "sh -c 'echo $SWEEP_PARAMS'", "p {% if x > 1 %}a{% endif %}"] {
        assert_eq!(good(&format!("command = \"{command}\"\n[grid]\nx = [1, 2]")).warnings.list, [], "{command}");
    }
    for key in ["stdin = '{{ x }}'", "dir = '{{ x }}'", "env = { A = '{{ x }}' }"] {
        assert_eq!(good(&format!("command = 'p'\n[grid]\nx = [1, 2]\n[job]\n{key}")).warnings.list, [], "{key}");
    }
}

#[test]
fn byte_order_mark_and_crlf_are_accepted() {
    let text = format!("\u{feff}{}", WHOLE.replace('\n', "\r\n"));
    assert_eq!(good(&text).spec.space, good(WHOLE).spec.space);
}

#[test]
fn the_largest_space_is_accepted_and_one_more_is_not() {
    let text = |last: u64| format!("command = 'p {{{{ x }}}}'\n[grid]\nx = {{ from = 0, to = {last}, step = 1 }}");
    assert_eq!(good(&text((1 << 53) - 1)).spec.space.blocks[0].axes.len(), 1);
    assert!(read(&text(1 << 53), &source("a")).unwrap_err().to_string().contains("9007199254740993 points"));
}

#[test]
fn a_file_on_disk_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my-study.toml");
    std::fs::write(&path, "command = 'prog'\n").unwrap();
    let opened = open(&path).unwrap();
    assert_eq!(opened.sweep_file.spec.name, "my-study");
    assert_eq!(opened.text, "command = 'prog'\n");
    assert_eq!(opened.here, folder.path().canonicalize().unwrap());
}

/// A file with something in it exchanged for something else.
fn mutated() -> impl Strategy<Value = String> {
    let junk = r#"[\[\]{}='",.\n#\\ |%0-9a-z-]{0,4}|\PC|nan|1e999|\{\{|"""|'''"#;
    (0..WHOLE.len(), 0..20usize, junk).prop_map(|(at, length, junk)| {
        let end = (at + length).min(WHOLE.len());
        format!("{}{junk}{}", &WHOLE[..at], &WHOLE[end..])
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_panics_when_read_or_rendered(
        text in r#"([a-z]{1,6}|[\[\]{}='",.\n#\\ |%0-9-]|\PC|\{\{|\}\}|\[\[|"""){0,40}"#,
    ) {
        if let Err(found) = read(&text, &source("a")) {
            prop_assert!(!found.list.is_empty());
            prop_assert!(!found.render(true).is_empty());
        }
    }

    #[test]
    fn no_bytes_on_disk_panic(bytes: Vec<u8>, text in mutated(), at in 0..WHOLE.len(), cut: bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        let at = at.min(text.len());
        let (before, after) = text.as_bytes().split_at(at);
        std::fs::write(&path, [before, &bytes, if cut { &[] } else { after }].concat()).unwrap();
        if let Err(found) = open(&path) {
            prop_assert!(!found.to_string().is_empty());
        }
    }

    #[test]
    fn a_damaged_file_gives_errors_or_is_valid(text in mutated()) {
        match read(&text, &source("a")) {
            Ok(read) => {
                read.warnings.render(false);
            }
            Err(found) => {
                prop_assert!(found.has_errors());
                prop_assert!(found.render(false).contains("error: "));
            }
        }
    }
}
