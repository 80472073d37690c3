//! Owns the check that every sweep in `sweeps/` checks, runs, and gives the table that its comments promise.

use std::path::Path;

use crate::common::Sandbox;

/// A sandbox with the repository's `sweeps/` and `examples/`.
fn samples() -> Sandbox {
    let sandbox = Sandbox::embedded();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["sweeps", "examples"] {
        for entry in std::fs::read_dir(root.join(folder)).expect("the folder is there") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            sandbox.write(&format!("{folder}/{name}"), &std::fs::read_to_string(&path).expect("it is text"));
        }
    }
    sandbox
}

fn column(sandbox: &Sandbox, file: &str, name: &str) -> Vec<f64> {
    sandbox.rows(file).iter().map(|row| row[name].parse().expect("a number")).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn every_sample_checks_without_a_warning() {
    let sandbox = samples();
    let mut seen = 0;
    for entry in std::fs::read_dir(sandbox.path().join("sweeps")).expect("the folder") {
        let path = entry.expect("an entry").path();
        let ran = sandbox.sweep(&["check", path.to_str().expect("a plain path")]).code(0);
        assert_eq!(ran.stderr, "", "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 5, "only {seen} samples");
}

#[test]
fn two_plus_three_is_five() {
    let sandbox = samples();
    sandbox.sweep(&["run", "sweeps/two-plus-three.toml"]).code(0);
    assert_eq!(column(&sandbox, "two-plus-three.results.csv", "result"), [5.0]);
}

#[test]
fn coins_show_heads_half_the_time_and_three_in_a_row_after_fourteen() {
    let sandbox = samples();
    sandbox.sweep(&["run", "sweeps/coins.toml"]).code(0);
    let file = "coins.results.csv";
    assert_eq!(sandbox.rows(file).len(), 600);
    // Seeds are fixed, so these are the same on every run; the bounds are some four standard errors wide.
    assert!((mean(&column(&sandbox, file, "share")) - 0.5).abs() < 0.02);
    assert!((mean(&column(&sandbox, file, "until_three")) - 14.0).abs() < 2.0);
}

#[test]
fn the_salesman_finds_by_chance_no_shorter_tour_than_by_force() {
    let sandbox = samples();
    sandbox.sweep(&["run", "sweeps/tsp-random.toml"]).code(0);
    sandbox.sweep(&["run", "sweeps/tsp-exhaustive.toml"]).code(0);
    let forced = column(&sandbox, "tsp-exhaustive.results.csv", "length");
    assert_eq!(forced.len(), 7);
    let best = forced.iter().copied().fold(f64::INFINITY, f64::min);
    let rows = sandbox.rows("tsp-random.results.csv");
    assert_eq!(rows.len(), 400);
    let by_tours = |tours: &str| -> Vec<f64> {
        let lengths =
            rows.iter().filter(|row| row["tours"] == tours).map(|row| row["length"].parse().expect("a number"));
        lengths.collect()
    };
    let means: Vec<f64> = ["1", "10", "100", "1000"].map(|tours| mean(&by_tours(tours))).into();
    assert!(means.windows(2).all(|pair| pair[0] > pair[1]), "{means:?}");
    assert!(by_tours("1000").iter().all(|length| *length >= best - 1e-9));
}

#[test]
fn the_flaky_sweep_goes_as_its_comments_say() {
    let sandbox = samples();
    sandbox.sweep(&["run", "sweeps/flaky.toml"]).code(1);
    assert_eq!(sandbox.rows("flaky.results.csv").len(), 8);
    let failed = sandbox.sweep(&["jobs", "--state", "failed"]).code(0).stdout;
    assert_eq!(failed.lines().count(), 4, "{failed}");
    let shown = sandbox.sweep(&["show", "flaky-1/0"]).code(0).stdout;
    assert!(shown.contains("exit code 75") && shown.contains("the licence server is busy"), "{shown}");
    sandbox.sweep(&["retry"]).code(0);
    sandbox.sweep(&["worker", "--until-empty"]).code(0);
    sandbox.sweep(&["collect", "--out", "flaky.results.csv"]).code(0);
    let rows = sandbox.rows("flaky.results.csv");
    let squares: Vec<_> = rows.iter().map(|row| row["square"].clone()).collect();
    let expected: Vec<_> = (0..12).map(|x| (x * x).to_string()).collect();
    assert_eq!(squares, expected);
    let tried: Vec<_> = rows.iter().map(|row| row["attempts"].as_str()).collect();
    assert_eq!(tried, ["2", "1", "1", "2", "1", "1", "2", "1", "1", "2", "1", "1"]);
}

#[test]
fn the_starter_sweep_checks_and_runs() {
    let sandbox = Sandbox::embedded();
    sandbox.sweep(&["new", "study.toml"]).code(0);
    let again = sandbox.sweep(&["new", "study.toml"]).code(2);
    assert!(again.stderr.contains("is there already"), "{}", again.stderr);
    assert_eq!(sandbox.sweep(&["check", "study.toml"]).code(0).stderr, "");
    sandbox.sweep(&["run", "study.toml"]).code(0);
    assert_eq!(sandbox.rows("study.results.csv").len(), 3 * 2 * 3 * 2);
}
