//! Owns the tests of the table: columns, order, names, and that a file is complete or absent.

use crate::common::Sandbox;

#[test]
fn the_columns_stand_in_the_documented_order_and_rows_in_index_order() {
    for sandbox in Sandbox::both() {
        sandbox.write(
            "a.toml",
            r#"
command = "sh -c 'echo energy = $0; echo \"note = a, \\\"b\\\"\"' {{ x }} {{ label }} {{ u }}"
repeats = 2
draws = 3
[grid]
x = [0.5, 1.0]
label = ["p q", "r,s"]
[random]
u = { dist = "uniform", min = 0.0, max = 1.0 }
"#,
        );
        sandbox.sweep(&["run", "a.toml", "--out", "t.csv"]).code(0);
        let text = sandbox.read("t.csv");
        let header = text.lines().next().expect("a header");
        assert_eq!(
            header,
            "job,x,label,u,draw,repeat,energy,note,seed,status,attempts,seconds,cpu_seconds,max_rss_bytes,exit_code,host"
        );
        let rows = sandbox.rows("t.csv");
        let jobs: Vec<usize> = rows.iter().map(|row| row["job"].parse().expect("an index")).collect();
        assert_eq!(jobs, (0..24).collect::<Vec<_>>());
        for row in &rows {
            assert_eq!(row["energy"], row["x"]);
            assert_eq!(row["note"], "a, \"b\"");
            assert_eq!(
                (row["status"].as_str(), row["attempts"].as_str(), row["exit_code"].as_str()),
                ("succeeded", "1", "0")
            );
        }
        assert_eq!((rows[1]["x"].as_str(), rows[1]["label"].as_str()), ("0.5", "r,s"));
    }
}

#[test]
fn a_result_that_repeats_a_parameter_is_dropped_and_one_with_a_taken_name_is_renamed() {
    let sandbox = Sandbox::embedded();
    sandbox.write(
        "a.toml",
        r#"
command = ["echo", '{"x": {{ x }}, "host": "elsewhere", "y": {{ x + 1 }}}']
[grid]
x = [1, 2]
"#,
    );
    sandbox.sweep(&["run", "a.toml", "--out", "t.csv"]).code(0);
    let text = sandbox.read("t.csv");
    assert!(text.starts_with("job,x,result.host,y,seed,"), "{text}");
    assert_eq!(sandbox.rows("t.csv")[1]["result.host"], "elsewhere");
}

#[test]
fn the_same_sweep_gives_the_same_table_whatever_ran_in_which_order() {
    let [embedded, redis] = Sandbox::both();
    let sweep = r#"
command = "echo {{ x }} {{ u }} {{ seed }}"
draws = 50
[grid]
x = [1, 2, 3]
[random]
u = { dist = "normal", mean = 0.0, sd = 1.0 }
[results]
format = "none"
"#;
    let mut tables = Vec::new();
    for (sandbox, slots) in [(&embedded, "1"), (&embedded, "7"), (&redis, "4")] {
        sandbox.write("a.toml", sweep);
        sandbox.sweep(&["run", "a.toml", "-j", slots, "--out", "t.csv"]).code(0);
        let rows = sandbox.rows("t.csv");
        let lasting: Vec<_> =
            rows.iter().map(|row| ["job", "x", "u", "draw", "seed", "status"].map(|name| row[name].clone())).collect();
        assert_eq!(lasting.len(), 150);
        tables.push(lasting);
    }
    assert!(tables.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn failed_points_are_counted_and_left_out_unless_asked_for() {
    for sandbox in Sandbox::both() {
        sandbox.write("a.toml", "command = \"sh -c 'echo y=$0; exit $0' {{ x }}\"\n[grid]\nx = [0, 1, 2]\n");
        let ran = sandbox.sweep(&["run", "a.toml", "--out", "t.csv"]).code(1);
        assert!(ran.stderr.contains("2 failed"), "{}", ran.stderr);
        assert_eq!(sandbox.rows("t.csv").len(), 1);
        sandbox.sweep(&["collect", "--all", "--out", "t.csv"]).code(0);
        let rows = sandbox.rows("t.csv");
        let told: Vec<_> =
            rows.iter().map(|row| (row["status"].as_str(), row["exit_code"].as_str(), row["y"].as_str())).collect();
        assert_eq!(told, [("succeeded", "0", "0"), ("failed", "1", ""), ("failed", "2", "")]);
        let piped = sandbox.sweep(&["collect", "--all", "--out", "-"]).code(0);
        assert_eq!(piped.stdout, sandbox.read("t.csv"));
    }
}

#[test]
fn an_output_that_is_an_input_is_refused_and_left_as_it_was() {
    let sandbox = Sandbox::embedded();
    let text = "command = \"sh ./job.sh\"\n[grid]\nx = 1\nb = \"{{ x }}\"\n".replace("b = \"{{ x }}\"\n", "");
    sandbox.write("a.toml", &text);
    sandbox.write("job.sh", "echo 1\n");
    for input in ["a.toml", "job.sh", "./job.sh"] {
        let ran = sandbox.sweep(&["run", "a.toml", "--out", input]).code(2);
        assert!(ran.stderr.contains("is an input file"), "{}", ran.stderr);
    }
    assert_eq!(sandbox.read("a.toml"), text);
    assert!(!sandbox.path().join(".sweep").exists(), "something was submitted");
}

#[test]
fn a_table_that_could_not_be_written_is_told_before_anything_runs() {
    let sandbox = Sandbox::embedded();
    sandbox.write("a.toml", "command = \"echo {{ x }}\"\n[grid]\nx = 1\n");
    let ran = sandbox.sweep(&["run", "a.toml", "--out", "nowhere/t.csv"]).code(5);
    assert!(ran.stderr.contains("nowhere/t.csv cannot be written"), "{}", ran.stderr);
    assert!(!sandbox.path().join(".sweep").exists(), "something was submitted");
    sandbox.sweep(&["run", "a.toml", "--out", "t.csv"]).code(0);
    let ran = sandbox.sweep(&["collect", "--out", "."]).code(2);
    assert!(ran.stderr.contains("is a folder"), "{}", ran.stderr);
    sandbox.sweep(&["collect", "--out", "nowhere/t.csv"]).code(5);
    let left = std::fs::read_dir(sandbox.path()).expect("the folder").map(|entry| entry.expect("an entry").file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with(".sweep-")).collect();
    assert_eq!(left, Vec::<std::ffi::OsString>::new(), "a file was left aside");
}

/// Two jobs, one of them without energy, a failed job, and results of every type.
const MIXED: &str = r#"
command = ["sh", "job.sh", "{{ x }}", "{{ label }}"]
[[zip]]
x = [0, 1, 2, 3]
label = ['a,"b"', "zwei\nZeilen", "ümläut ☃", "NaN"]
"#;

fn mixed(sandbox: &Sandbox) {
    let results = r#"{"n": %s, "energy": %s, "ok": %s, "text": "%s", "none": null, "deep": {"er": %s}}\n"#;
    let job = format!(
        "case $1 in\n0) printf '{results}' 7 -0.5 true yes 1;;\n1) printf '{results}' 8 NaN false 12 2;;\n\
         2) echo '{{\"n\": 9007199254740993, \"energy\": Infinity, \"deep\": {{\"er\": 0.1}}}}';;\n*) exit 3;;\nesac\n"
    );
    sandbox.write("job.sh", &job);
    sandbox.write("a.toml", MIXED);
    sandbox.sweep(&["run", "a.toml", "--out", "t.csv"]).code(1);
}

#[test]
fn rows_and_columns_are_chosen_by_where_and_columns() {
    let sandbox = Sandbox::embedded();
    mixed(&sandbox);
    let collect = |args: &[&str]| sandbox.sweep(&[&["collect", "--out", "-"], args].concat());
    let ran =
        collect(&["--columns", "energy,x", "--where", "energy < 0 and seconds >= 0 and status == 'succeeded'"]).code(0);
    assert_eq!(ran.stdout, "energy,x\n-0.5,0\n");
    // A missing value does not compare as smaller, and is counted. The failed point takes part only with --all.
    let ran = collect(&["--columns", "x", "--where", "ok"]).code(0);
    assert_eq!(ran.stdout, "x\n0\n");
    assert!(ran.stderr.contains("skipped 1 row in which a value used by --where is missing"), "{}", ran.stderr);
    let ran = collect(&["--all", "--columns", "x,status,exit_code", "--where", "energy is not defined"]).code(0);
    assert_eq!(ran.stdout, "x,status,exit_code\n3,failed,3\n");
    let ran = collect(&["--columns", "job,deep.er", "--where", "deep.er > 1 and repeat == 0"]).code(0);
    assert_eq!(ran.stdout, "job,deep.er\n1,2\n");
    let cases: [(&[&str], &str); 4] = [
        (&["--columns", "enery"], "did you mean `energy`?"),
        (&["--where", "enery > 1"], "did you mean `energy`?"),
        (&["--where", "energy"], "at point 0: it gives `-0.5`, but must give `true` or `false`"),
        (&["--where", "energy + label > 1"], "at job 0"),
    ];
    for (args, told) in cases {
        let ran = collect(args).code(2);
        assert!(ran.stderr.contains(told), "{args:?}: {}", ran.stderr);
    }
    let ran = sandbox.sweep(&["collect", "--out", "t.parquet"]).code(2);
    assert!(ran.stderr.contains("name the file .csv or .jsonl"), "{}", ran.stderr);
}

/// Reads both forms with Python's `csv` and `json` and compares the cells.
const READ_BACK: &str = r#"
import csv, json, sys
with open("t.csv", newline="", encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
with open("t.jsonl", encoding="utf-8") as file:
    objects = [json.loads(line) for line in file]
assert len(rows) == len(objects) == 4
for row, one in zip(rows, objects):
    assert list(row) == list(one), (list(row), list(one))
    for name, cell in row.items():
        value = one[name]
        if value is None:
            assert cell == "", (name, cell)
        elif isinstance(value, bool):
            assert cell == str(value).lower(), (name, cell)
        elif isinstance(value, str):
            assert cell == value, (name, cell)
        else:
            # Integers are integers in both, floats floats, to the last bit.
            assert type(value)(cell) == value and (("." in cell or "e" in cell) == isinstance(value, float)), (name, cell)
first, second, third, failed = objects
assert [o["label"] for o in objects] == ['a,"b"', "zwei\nZeilen", "ümläut ☃", "NaN"]
assert (first["n"], first["energy"], first["ok"], first["text"], first["none"]) == (7, -0.5, True, "yes", None)
assert (second["energy"], second["ok"], second["text"], second["deep.er"]) == ("NaN", False, "12", 2)
assert (third["n"], third["energy"], third["ok"], third["deep.er"]) == (9007199254740993, "inf", None, 0.1)
assert float(third["energy"]) == float("inf") and float(second["energy"]) != float(second["energy"])
assert (failed["status"], failed["exit_code"], failed["energy"]) == ("failed", 3, None)
print("read back")
"#;

#[test]
fn python_reads_back_what_was_written() {
    let sandbox = Sandbox::embedded();
    mixed(&sandbox);
    for file in ["t.csv", "t.jsonl"] {
        sandbox.sweep(&["collect", "--all", "--out", file]).code(0);
    }
    let piped = sandbox.sweep(&["collect", "--all", "--out", "-", "--format", "jsonl"]).code(0);
    assert_eq!(piped.stdout, sandbox.read("t.jsonl"));
    let python = std::process::Command::new("python3").args(["-c", READ_BACK]).current_dir(sandbox.path()).output();
    let python = python.expect("this test reads tables with Python: install python3");
    let (said, wrong) = (String::from_utf8_lossy(&python.stdout), String::from_utf8_lossy(&python.stderr));
    assert_eq!(said, "read back\n", "{wrong}\n{}\n{}", sandbox.read("t.csv"), sandbox.read("t.jsonl"));
}

#[test]
fn a_full_disk_leaves_the_old_file() {
    let sandbox = Sandbox::embedded();
    sandbox.write("a.toml", "command = \"echo {{ x }}\"\nrepeats = 4000\n[grid]\nx = { from = 1, to = 10, count = 10 }\n[results]\nformat = \"none\"\n");
    sandbox.sweep(&["submit", "a.toml"]).code(0);
    sandbox.write("t.csv", "the old one\n");
    // Limits files to 256 kB (512 in some shells): writing fails with an error, as on a full disk.
    let limited = "trap '' XFSZ; ulimit -f 512; exec \"$0\" collect --all --out t.csv";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", limited, env!("CARGO_BIN_EXE_sweep")]).current_dir(sandbox.path()).env_remove("SWEEP_STORE");
    let ran = crate::common::Ran::from(command.output().expect("sh runs")).code(5);
    assert!(ran.stderr.contains("t.csv cannot be written"), "{}", ran.stderr);
    assert_eq!(sandbox.read("t.csv"), "the old one\n");
    let left = std::fs::read_dir(sandbox.path()).expect("the folder").map(|entry| entry.expect("an entry").file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with(".sweep-")).collect();
    assert_eq!(left, Vec::<std::ffi::OsString>::new(), "a file was left aside");
    sandbox.sweep(&["collect", "--all", "--out", "t.csv"]).code(0);
    assert_eq!(sandbox.rows("t.csv").len(), 40_000);
}

#[test]
fn run_replaces_only_tables_that_sweep_wrote() {
    let sandbox = Sandbox::embedded();
    sandbox.write("a.toml", "command = \"echo {{ x }}\"\n[grid]\nx = [1, 2]\n");
    sandbox.write("a.results.csv", "my own notes\n");
    let refused = sandbox.sweep(&["run", "a.toml"]).code(2);
    assert!(refused.stderr.contains("--force") && refused.stderr.contains("--out"), "{}", refused.stderr);
    assert_eq!(sandbox.read("a.results.csv"), "my own notes\n");
    assert!(!sandbox.path().join(".sweep").exists(), "nothing ran");
    sandbox.sweep(&["run", "a.toml", "--out", "t.csv"]).code(0);
    assert_eq!(sandbox.read("a.results.csv"), "my own notes\n");
    sandbox.sweep(&["run", "a.toml", "--force"]).code(0);
    assert_eq!(sandbox.rows("a.results.csv").len(), 2);
    sandbox.sweep(&["run", "a.toml"]).code(0);
    // A run that was killed between the table and the file beside it.
    std::fs::remove_file(sandbox.path().join("a.results.csv.meta.json")).expect("it was there");
    sandbox.sweep(&["run", "a.toml"]).code(0);
    // A file beside it that is not ours.
    sandbox.write("a.results.csv", "job,x,mine\n");
    sandbox.write("a.results.csv.meta.json", "[]");
    sandbox.sweep(&["run", "a.toml"]).code(2);
}
