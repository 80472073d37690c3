//! Owns the tests of values: what comparisons, filters, commands and files make of them.

use crate::common::Sandbox;

/// A sweep whose jobs print what stands in `values.txt`, line by line.
fn printing(sandbox: &Sandbox, values: &[&str]) {
    sandbox.write("values.txt", &(values.join("\n") + "\n"));
    let last = values.len();
    let command = format!(
        "command = \"sh -c 'echo \\\"y = $(sed -n $0p values.txt)\\\"' {{{{ line }}}}\"\n\
         [grid]\nline = {{ from = 1, to = {last}, step = 1 }}\n"
    );
    sandbox.write("a.toml", &command);
    sandbox.sweep(&["run", "a.toml", "--out", "all.csv"]).code(0);
}

fn lines(sandbox: &Sandbox, table: &str) -> Vec<String> {
    sandbox.rows(table).iter().map(|row| row["line"].clone()).collect()
}

#[test]
fn where_keeps_neither_nan_nor_text_and_counts_text() {
    for sandbox in Sandbox::both() {
        printing(&sandbox, &["2.5", "NaN", "diverged", "0,5", "0.5", "inf"]);
        let ran = sandbox.sweep(&["collect", "--where", "y > 1", "--out", "t.csv"]).code(0);
        assert_eq!(lines(&sandbox, "t.csv"), ["1", "6"]);
        assert!(ran.stderr.contains("skipped 2 rows"), "{}", ran.stderr);
        assert!(ran.stderr.contains("job 2 (y = diverged)"), "{}", ran.stderr);
        sandbox.sweep(&["collect", "--where", "y <= 1", "--out", "t.csv"]).code(0);
        assert_eq!(lines(&sandbox, "t.csv"), ["5"]);
        let ran = sandbox.sweep(&["stats", "--by", "", "--where", "y > 1", "--results", "line"]).code(0);
        assert!(ran.stderr.contains("skipped 2 rows"), "{}", ran.stderr);
        // Rows can still be chosen by the text.
        sandbox.sweep(&["collect", "--where", "y == 'diverged'", "--out", "t.csv"]).code(0);
        assert_eq!(lines(&sandbox, "t.csv"), ["3"]);
    }
}

#[test]
fn where_that_can_be_evaluated_nowhere_is_an_error() {
    let sandbox = Sandbox::embedded();
    printing(&sandbox, &["0,5", "1,5"]);
    let ran = sandbox.sweep(&["collect", "--where", "y > 1", "--out", "t.csv"]).code(2);
    assert!(ran.stderr.contains("job 0 (y = 0,5)") && ran.stderr.contains("1 other"), "{}", ran.stderr);
    assert!(!sandbox.path().join("t.csv").exists());
    let ran = sandbox.sweep(&["jobs", "--where", "line > 'a'"]).code(2);
    assert!(ran.stderr.contains("job 0 (line = 1)"), "{}", ran.stderr);
}

#[test]
fn where_of_a_sweep_file_refuses_to_compare_text_with_a_number() {
    let sandbox = Sandbox::embedded();
    sandbox.write("points.csv", "id;x\na;0.5\nb;1,5\nc;2.5\n");
    sandbox.write("a.toml", "command = 'echo {{ id }} {{ x }}'\nwhere = 'x > 1'\n[points]\nfile = 'points.csv'\n");
    let ran = sandbox.sweep(&["run", "a.toml"]).code(2);
    assert!(ran.stderr.contains("points.csv:3: `x` is text"), "{}", ran.stderr);
    assert!(ran.stderr.contains("x = 0.5") && ran.stderr.contains("a.toml:2"), "{}", ran.stderr);
    // The text is a number again.
    sandbox.write("points.csv", "id;x\na;0.5\nb;1.5\nc;2.5\n");
    let checked = sandbox.sweep(&["check", "a.toml", "--json"]).code(0).json();
    assert_eq!(checked["points"], 2);
}

#[test]
fn a_float_in_text_is_printed_as_in_an_argument() {
    let sandbox = Sandbox::embedded();
    sandbox.write(
        "a.toml",
        "command = ['echo', '{{ x }}', '{{ label }}']\n[grid]\nx = [1e-5, 0.5, 1e16]\n[derived]\nlabel = \"'v' ~ x\"\n",
    );
    sandbox.sweep(&["run", "a.toml", "--out", "t.csv"]).code(0);
    let names: Vec<String> = sandbox.rows("t.csv").iter().map(|row| row["label"].clone()).collect();
    assert_eq!(names, ["v1e-5", "v0.5", "v1e16"]);
}

#[test]
fn infinities_and_nan_of_a_file_are_text_where_it_is_declared() {
    let sandbox = Sandbox::embedded();
    sandbox.write("norms.txt", "1\n2\ninf\n");
    sandbox.write("points.csv", "p,q\n1,nan\n2,1\n");
    let sweep = |grid: &str, points: &str| {
        sandbox.write("a.toml", &format!("command = 'echo {{{{ flags }}}}'\n[grid]\n{grid}\n[points]\n{points}\n"));
    };
    sweep("norm = { lines = 'norms.txt' }", "file = 'points.csv'\ntypes = { q = 'text' }");
    let ran = sandbox.sweep(&["check", "a.toml"]).code(2);
    assert!(ran.stderr.contains("norms.txt:3") && ran.stderr.contains("type = \"text\""), "{}", ran.stderr);
    sweep("norm = { lines = 'norms.txt', type = 'text' }", "file = 'points.csv'");
    let ran = sandbox.sweep(&["check", "a.toml"]).code(2);
    assert!(ran.stderr.contains("points.csv:2") && ran.stderr.contains("types = { q = \"text\" }"), "{}", ran.stderr);
    sweep("norm = { lines = 'norms.txt', type = 'text' }", "file = 'points.csv'\ntypes = { q = 'text' }");
    sandbox.sweep(&["run", "a.toml", "--out", "t.csv"]).code(0);
    let rows = sandbox.rows("t.csv");
    assert_eq!(rows.len(), 6);
    assert!(rows.iter().any(|row| row["norm"] == "inf" && row["q"] == "nan"));
}

#[test]
fn an_empty_text_is_an_empty_argument_and_a_condition_drops_the_word() {
    let sandbox = Sandbox::embedded();
    sandbox.write(
        "a.toml",
        r#"
command = "printf 'n = %s\n' {{ tag }} {% if tag == 'a' %}more{% endif %}"
[grid]
tag = ["", "a"]
[results]
format = "regex"
columns = { n = 'n = (\S*)$' }
"#,
    );
    let report = sandbox.sweep(&["check", "a.toml", "--json"]).code(0).json();
    let words = |job: usize| report["first"][job]["command"].as_array().expect("words").len();
    assert_eq!((words(0), words(1)), (3, 4));
    sandbox.sweep(&["run", "a.toml", "--out", "t.csv"]).code(0);
    assert_eq!(sandbox.rows("t.csv").len(), 2);
}

#[test]
fn filters_write_values_for_interpreters() {
    let sandbox = Sandbox::embedded();
    sandbox.write(
        "a.toml",
        r#"
command = ["bash", "-c", "echo json = $(printf %s {{ x | tojson | quote }}); echo name = {{ (x ~ '/' ~ y) | quote }}"]
[grid]
x = ["it's $HOME", "a \"b\""]
y = [1e-5]
[results]
format = "keyvalue"
"#,
    );
    let ran = sandbox.sweep(&["run", "a.toml", "--out", "t.csv"]).code(0);
    assert!(!ran.stderr.contains("reads this text as a program"), "{}", ran.stderr);
    let rows = sandbox.rows("t.csv");
    assert_eq!((rows[0]["json"].as_str(), rows[1]["json"].as_str()), ("\"it's $HOME\"", "\"a \\\"b\\\"\""));
    assert_eq!(rows[0]["name"], "it's $HOME/1e-5");
}

#[test]
fn a_value_in_a_program_text_is_warned_of_and_the_safe_form_is_not() {
    let sandbox = Sandbox::embedded();
    let check = |command: &str, values: &str| {
        sandbox.write("a.toml", &format!("command = {command}\n[grid]\nx = {values}\n"));
        sandbox.sweep(&["check", "a.toml"]).code(0).stderr
    };
    let warning = "reads this text as a program";
    assert!(check("\"sh -c 'echo {{ x }}'\"", "['a', 'b']").contains(warning));
    assert!(check("['python3', '-c', 'print(\"{{ x }}\")']", "['a', 'b']").contains("| tojson }}"));
    // Numbers are read as they are.
    assert!(!check("\"sh -c 'echo {{ x }}'\"", "[1, 2.5]").contains(warning));
    let safe = r#"["bash", "-c", "exec echo \"$@\"", "bash", "{{ x }}"]"#;
    assert!(!check(safe, "['a', 'b c']").contains(warning));
}

#[test]
fn repeats_without_a_seed_are_warned_of() {
    let sandbox = Sandbox::embedded();
    sandbox.write("reads.py", "import os\nprint(os.environ['SWEEP_SEED'])\n");
    sandbox.write("fixed.py", "print(1)\n");
    let warned = |command: &str, more: &str| {
        sandbox.write("a.toml", &format!("command = \"{command}\"\nrepeats = 3\n[grid]\nx = [1, 2]\n{more}"));
        let stderr = sandbox.sweep(&["check", "a.toml"]).code(0).stderr;
        stderr.contains("`repeats = 3`, but nothing is different between repeats")
    };
    assert!(warned("echo {{ x }}", ""));
    assert!(warned("python3 fixed.py {{ x }}", ""));
    for command in
        ["echo {{ x }} {{ seed }}", "echo {{ x }} {{ seed32 }}", "echo {{ x }} {{ repeat }}", "echo {{ x }} {{ job }}"]
    {
        assert!(!warned(command, ""), "{command}");
    }
    assert!(!warned("python3 reads.py {{ x }}", ""));
    assert!(!warned("echo {{ x }}", "[job]\nenv = { S = '{{ seed }}' }"));
    sandbox.write(
        "draws.toml",
        "command = 'echo {{ x }}'\ndraws = 4\n[grid]\nx = [1]\n[random]\nu = { dist = 'int', min = 1, max = 9 }\n",
    );
    let ran = sandbox.sweep(&["run", "draws.toml"]).code(0);
    assert!(ran.stderr.contains("`draws = 4`, but nothing is different"), "{}", ran.stderr);
}

#[test]
fn jobs_that_share_a_directory_are_refused_where_they_write_files() {
    let sandbox = Sandbox::embedded();
    sandbox.write("deck.j2", "{{ size }}\n");
    let check = |dir: &str, more: &str, code: i32| {
        sandbox.write(
            "a.toml",
            &format!(
                "command = 'true {{{{ size }}}} {{{{ temp }}}} {{{{ seed }}}}'\nrepeats = 3\n[grid]\nsize = [16, 32]\n\
                 temp = [1.0, 1.01]\n[job]\ndir = \"{dir}\"\n{more}"
            ),
        );
        sandbox.sweep(&["check", "a.toml"]).code(code).stderr
    };
    let deck = "[templates]\n'in.txt' = 'deck.j2'\n";
    let file = "[results]\nfrom = 'out.json'\n";
    let stderr = check("runs/s{{ size }}", deck, 2);
    assert!(stderr.contains("jobs 0 and 1 have the same directory, runs/s16"), "{stderr}");
    assert!(stderr.contains("{{ temp }} and {{ repeat }}") && stderr.contains("a.toml:7"), "{stderr}");
    let stderr = check("runs/{{ size }}/{{ temp }}", file, 2);
    assert!(stderr.contains("jobs 0 and 4 have") && stderr.contains("has no {{ repeat }}"), "{stderr}");
    // A filter makes two values one.
    let stderr = check("runs/{{ size }}/{{ temp | round(1) }}/{{ repeat }}", deck, 2);
    assert!(
        stderr.contains("jobs 0 and 1 have the same directory, runs/16/1.0/0") && stderr.contains("{{ job }}"),
        "{stderr}"
    );
    // Without files of their own, jobs may share a directory.
    let stderr = check("runs/s{{ size }}", "", 0);
    assert!(stderr.contains("warning: jobs 0 and 1 have the same directory"), "{stderr}");
    for dir in ["runs/{{ size }}/{{ temp }}/{{ repeat }}", "runs/{{ job }}", "d{{ size }}-{{ temp }}-{{ seed }}"] {
        assert!(!check(dir, deck, 0).contains("same directory"), "{dir}");
    }
    // `where` may leave one point for each directory; a long sweep is not enumerated.
    sandbox.write(
        "b.toml",
        "command = 'true {{ size }} {{ temp }}'\nwhere = 'temp > 1'\n[grid]\nsize = [16, 32]\ntemp = [1.0, 2.0]\n[job]\n\
         dir = 's{{ size }}'\n[results]\nfrom = 'out.json'\n",
    );
    sandbox.sweep(&["check", "b.toml"]).code(0);
    sandbox.write(
        "c.toml",
        "command = 'true {{ a }} {{ b }} {{ seed }}'\nrepeats = 1000\n[grid]\na = { from = 1, to = 100000, step = 1 }\n\
         b = { from = 1, to = 1000, step = 1 }\n[job]\ndir = '{{ a }}/{{ b }}'\n[results]\nfrom = 'out.json'\n",
    );
    let ran = sandbox.sweep(&["check", "c.toml"]).code(2);
    assert!(
        ran.stderr.contains("jobs 0 and 100,000,000 have") || ran.stderr.contains("jobs 0 and 100000000 have"),
        "{}",
        ran.stderr
    );
}

#[test]
fn numbers_of_fortran_are_results_and_asterisks_are_missing() {
    let sandbox = Sandbox::embedded();
    printing(&sandbox, &["0.14-270", "1.0D-03", "********", "-Infinity"]);
    let cells: Vec<String> = sandbox.rows("all.csv").iter().map(|row| row["y"].clone()).collect();
    assert_eq!(cells, ["1.4e-271", "0.001", "", "-inf"]);
    let ran = sandbox.sweep(&["stats", "--by", "", "--results", "y", "--json"]).code(0);
    assert_eq!(ran.json()["missing"], 1, "{}", ran.stdout);
}

#[test]
fn the_starter_gives_a_table_of_results_and_useful_statistics() {
    let sandbox = Sandbox::embedded();
    sandbox.sweep(&["new"]).code(0);
    let ran = sandbox.sweep(&["run", "sweep.toml"]).code(0);
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
    let rows = sandbox.rows("sweep.results.csv");
    assert_eq!(rows.len(), 36);
    assert!(rows.iter().all(|row| row["energy"].parse::<f64>().is_ok()), "{rows:?}");
    let ran = sandbox.sweep(&["stats", "--json"]).code(0);
    let groups: Vec<serde_json::Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    assert_eq!(groups.len(), 6);
    assert!(groups.iter().all(|group| group["result"] == "energy" && group["sd"].as_f64() > Some(0.0)), "{groups:?}");
}

#[test]
fn control_characters_are_escaped_and_long_values_cut_where_values_are_shown() {
    let sandbox = Sandbox::embedded();
    let long = "y".repeat(500);
    sandbox.write(
        "a.toml",
        &format!("command = ['true', '{{{{ x }}}}']\n[grid]\nx = [\"a\\u001b[2Jb\\u0007\", \"{long}\"]\n[results]\nformat = 'none'\n"),
    );
    let checked = sandbox.sweep(&["check", "a.toml"]).code(0).stdout;
    sandbox.sweep(&["run", "a.toml", "--out", "t.csv"]).code(0);
    let listed = sandbox.sweep(&["jobs"]).code(0).stdout;
    let shown = ["a-1/0", "a-1/1"].map(|job| sandbox.sweep(&["show", job]).code(0).stdout);
    for text in [&checked, &listed, &shown[0]] {
        assert!(!text.contains(['\u{1b}', '\u{7}']) && text.contains("\\u{1b}[2Jb"), "{text}");
    }
    for text in [&listed, &shown[1]] {
        assert!(text.contains("… (440 more characters)"), "{text}");
    }
    // Tables and JSON have the values as they are.
    assert_eq!(sandbox.rows("t.csv")[1]["x"], long);
    assert!(sandbox.sweep(&["jobs", "--json"]).code(0).stdout.contains(&long));
}

#[test]
fn points_files_of_other_tools_are_read() {
    let sandbox = Sandbox::embedded();
    let check = |content: &str, keys: &str, code: i32| {
        sandbox.write("points.txt", content);
        sandbox.write(
            "a.toml",
            &format!("command = 'true {{{{ x }}}} {{{{ y }}}}'\n[points]\nfile = 'points.txt'\n{keys}\n"),
        );
        sandbox.sweep(&["check", "a.toml", "--json"]).code(code)
    };
    for (content, keys) in [
        ("1.0 2.0\n3.0 4.0\n", "header = false\ncolumns = ['x', 'y']\nseparator = 'space'"),
        ("1.0,2.0\n3.0,4.0\n", "header = false\ncolumns = ['x', 'y']"),
        ("# x y\n1.0 2.0\n3.0 4.0\n", ""),
        ("sep=;\nx;y\n1.0;2.0\n3.0;4.0\n", ""),
    ] {
        let report = check(content, keys, 0).json();
        assert_eq!((report["points"].as_u64(), &report["first"][1]["params"]["y"]), (Some(2), &serde_json::json!(4.0)));
    }
    let told = check("1.0,2.0\n3.0,4.0\n", "", 2).stderr;
    assert!(told.contains("header = false and columns = [\"x1\", \"x2\"]"), "{told}");
}

#[test]
fn equal_rows_of_a_points_file_run_once_and_have_a_row_each() {
    for sandbox in Sandbox::both() {
        sandbox.write("points.csv", "x,y\n1,1\n2,1\n1,1\n3,1\n2,1\n");
        let sweep = |keys: &str, more: &str| {
            sandbox.write(
                "a.toml",
                &format!("command = 'echo v = {{{{ x + y }}}}'\n{more}[points]\nfile = 'points.csv'\n{keys}\n"),
            );
        };
        sweep("", "");
        let told = sandbox.sweep(&["run", "a.toml"]).code(2).stderr;
        assert!(told.contains("lines 2 and 4") && told.contains("duplicates = \"share\""), "{told}");
        sweep("duplicates = 'share'", "");
        assert_eq!(sandbox.sweep(&["check", "a.toml", "--json"]).code(0).json()["points"], 3);
        sandbox.sweep(&["run", "a.toml", "--out", "t.csv"]).code(0);
        let of = |name: &str| sandbox.rows("t.csv").iter().map(|row| row[name].clone()).collect::<Vec<_>>();
        assert_eq!(
            (of("x"), of("job")),
            (
                ["1", "2", "1", "3", "2"].map(String::from).to_vec(),
                ["0", "1", "0", "2", "1"].map(String::from).to_vec()
            )
        );
        assert_eq!(of("v"), ["2", "3", "2", "4", "3"]);
        // With other axes and conditions, the order is that of nested loops over the rows of the file.
        sweep("duplicates = 'share'\n[grid]\nz = [7, 8]", "where = 'x < 3 or z == 8'\n");
        sandbox.sweep(&["run", "a.toml", "--out", "t.csv"]).code(0);
        let pairs: Vec<String> = sandbox.rows("t.csv").iter().map(|row| format!("{}{}", row["x"], row["z"])).collect();
        assert_eq!(pairs, ["17", "18", "27", "28", "17", "18", "38", "27", "28"]);
        sandbox.sweep(&["collect", "--all", "--where", "x == 1 and z == 8", "--out", "t.csv"]).code(0);
        assert_eq!(sandbox.rows("t.csv").len(), 2);
    }
}
