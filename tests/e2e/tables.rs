//! Owns the tests of the table: its columns, its order, its names, and that it is whole or not there.

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
        assert!(ran.stderr.contains("would overwrite it"), "{}", ran.stderr);
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
