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
