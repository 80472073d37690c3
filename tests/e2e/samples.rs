//! Owns the tests of the sweeps in `sweeps/`: they check, run, and give the results that their comments promise.

use std::path::Path;

use crate::common::Sandbox;

/// A sandbox with a copy of `sweeps/` and `examples/`.
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
        if path.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        let ran = sandbox.sweep(&["check", path.to_str().expect("a plain path")]).code(0);
        assert_eq!(ran.stderr, "", "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 13, "only {seen} samples");
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
    // Seeds are fixed, so every run gives the same results. The bounds are about four standard errors wide.
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

/// The rows of a sample's table.
fn run(sandbox: &Sandbox, name: &str) -> Vec<std::collections::BTreeMap<String, String>> {
    sandbox.sweep(&["run", &format!("sweeps/{name}.toml")]).code(0);
    sandbox.rows(&format!("{name}.results.csv"))
}

fn number(row: &std::collections::BTreeMap<String, String>, name: &str) -> f64 {
    row[name].parse().expect("a number")
}

fn near(value: f64, expected: f64, within: f64) -> bool {
    (value - expected).abs() <= within
}

#[test]
fn the_ising_model_loses_its_magnetisation() {
    let sandbox = samples();
    let rows = run(&sandbox, "ising");
    assert_eq!(rows.len(), 100);
    let mean_of = |size: &str, temp: &str, name: &str| {
        let of = rows.iter().filter(|row| row["size"] == size && row["temp"] == temp);
        mean(&of.map(|row| number(row, name)).collect::<Vec<_>>())
    };
    // Onsager's solution for the infinite lattice is 0.9865 and -1.9509 at 1.5; small lattices differ little there.
    assert!(near(mean_of("8", "1.5", "magnetisation"), 0.986, 0.01));
    assert!(near(mean_of("8", "1.5", "energy"), -1.951, 0.03));
    assert!(mean_of("8", "3.5", "magnetisation") < mean_of("4", "3.5", "magnetisation"));
    assert!(mean_of("8", "3.5", "magnetisation") < 0.4);
}

#[test]
fn the_oscillator_converges_with_the_order_of_its_method() {
    let sandbox = samples();
    let rows = run(&sandbox, "oscillator");
    assert_eq!(rows.len(), 12);
    let error = |method: &str, steps: &str| {
        let row = rows
            .iter()
            .find(|row| row["method"] == method && row["steps"] == steps && row["damping"] == "0.5")
            .expect("the row");
        number(row, "error")
    };
    assert!(near(error("euler", "1000") / error("euler", "10000"), 10.0, 1.0));
    assert!(near((error("rk4", "100") / error("rk4", "1000")).log10(), 4.0, 0.2));
    let deck = sandbox.read("sweeps/runs/oscillator-1/0/in.osc");
    assert!(deck.contains("method    euler\n") && deck.contains("steps     100\n"), "{deck}");
}

#[test]
fn the_power_iteration_finds_the_eigenvalue_in_a_log_and_its_vector_in_a_file() {
    let sandbox = samples();
    let rows = run(&sandbox, "eigenvalue");
    assert_eq!(rows.len(), 9);
    for row in &rows {
        let (n, tolerance) = (number(row, "size"), number(row, "tolerance"));
        let angle = n * std::f64::consts::PI / (n + 1.0);
        let warned = n == 16.0 && tolerance == 1e-9;
        assert_eq!(
            (row["warning"].as_str(), row["steps"].is_empty()),
            (if warned { "not converged" } else { "" }, warned)
        );
        assert!(near(number(row, "eigenvalue"), 2.0 - 2.0 * angle.cos(), 1e3 * tolerance.max(1e-6)), "{row:?}");
        if n == 4.0 && tolerance == 1e-9 {
            let first = angle.sin() / ((n + 1.0) / 2.0).sqrt();
            assert!(near(number(row, "first"), first, 1e-4) && near(number(row, "last"), -first, 1e-4), "{row:?}");
        }
    }
    let steps = |size: &str| number(rows.iter().find(|row| row["size"] == size).expect("the row"), "steps");
    assert!(steps("4") < steps("8") && steps("8") < steps("16"));
}

#[test]
fn ishigamis_function_has_its_mean_and_variance() {
    let sandbox = samples();
    let rows = run(&sandbox, "ishigami");
    assert_eq!(rows.len(), 4 * 256);
    let all: Vec<f64> = rows.iter().map(|row| number(row, "result")).collect();
    assert!(near(mean(&all), 3.5, 0.05), "{}", mean(&all));
    let variance = mean(&all.iter().map(|y| (y - mean(&all)).powi(2)).collect::<Vec<_>>());
    assert!(near(variance, 13.8446, 0.5), "{variance}");
    let of = |randomization: &str| {
        let of = rows.iter().filter(|row| row["randomization"] == randomization);
        of.map(|row| number(row, "result")).collect::<Vec<_>>()
    };
    let means: Vec<f64> = ["0", "1", "2", "3"].map(|randomization| mean(&of(randomization))).into();
    // Independent points would have a standard error of sqrt(13.84 / 256) = 0.23.
    assert!(means.iter().all(|mean| near(*mean, 3.5, 0.2)), "{means:?}");
    assert!(means.windows(2).all(|pair| pair[0] != pair[1]), "{means:?}");
    for row in &rows {
        let x = ["x1", "x2", "x3"].map(|name| number(row, name));
        let expected = x[0].sin() + 7.0 * x[1].sin().powi(2) + 0.1 * x[2].powi(4) * x[0].sin();
        assert!(near(number(row, "result"), expected, 1e-6));
    }
}

#[test]
fn the_optimisers_learn_and_only_one_has_a_momentum() {
    let sandbox = samples();
    let rows = run(&sandbox, "learning-rate");
    assert_eq!(rows.len(), 16);
    let (adam, sgd): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row["rule"] == "adam");
    assert_eq!((adam.len(), sgd.len()), (4, 12));
    assert!(adam.iter().all(|row| row["momentum"].is_empty()));
    assert!(sgd.iter().all(|row| !row["momentum"].is_empty()));
    let plain = sgd.iter().find(|row| row["rate"] == "0.01" && row["momentum"] == "0.0").expect("the row");
    // Each step multiplies x by 1 - 0.01 and y by 1 - 0.25.
    let expected = (0.99_f64.powi(200) + 25.0 * 0.75_f64.powi(200)) / 2.0;
    assert!(near(number(plain, "loss") / expected, 1.0, 1e-5));
    assert!(number(adam.iter().find(|row| row["rate"] == "0.1").expect("the row"), "loss") < 0.01);
}

#[test]
fn molecules_rest_where_mathematics_says() {
    let sandbox = samples();
    let rows = run(&sandbox, "molecules");
    assert_eq!(rows.len(), 5 * 3);
    for row in &rows {
        let n: f64 = match row["forcefield"].as_str() {
            "lj" => 12.0,
            "mie14" => 14.0,
            _ => 10.0,
        };
        assert!(near(number(row, "reduced.distance"), (n / 6.0).powf(1.0 / (n - 6.0)), 1e-5), "{row:?}");
        assert!(near(number(row, "depth"), -number(row, "epsilon"), 1e-8), "{row:?}");
    }
    assert_eq!((rows[0]["molecule"].as_str(), rows[0]["cas"].as_str()), ("neon", "07440-01-9"));
    let kinds: std::collections::BTreeSet<_> = rows.iter().map(|row| (&row["molecule"], &row["forcefield"])).collect();
    assert_eq!(kinds.len(), 15);
}

#[test]
fn the_work_is_the_same_on_any_number_of_threads() {
    let sandbox = samples();
    sandbox.sweep(&["run", "sweeps/scaling.toml", "-j", "1"]).code(0);
    let rows = sandbox.rows("scaling.results.csv");
    assert_eq!(rows.len(), 9);
    let expected: f64 = (1..=300_000).map(|i| 1.0 / f64::from(i).powi(2)).sum();
    assert!(rows.iter().all(|row| near(number(row, "sum"), expected, 1e-8)));
    assert!(rows.iter().all(|row| number(row, "seconds") > 0.0));
}

#[test]
fn a_program_that_takes_one_number() {
    let sandbox = samples();
    let rows = run(&sandbox, "collatz");
    assert_eq!(rows.len(), 60);
    for (row, n) in rows.iter().zip(1_u64..) {
        let steps = std::iter::successors(Some(n), |n| (*n != 1).then(|| if n % 2 == 0 { n / 2 } else { 3 * n + 1 }));
        assert_eq!((&row["n"], &row["result"]), (&n.to_string(), &(steps.count() - 1).to_string()));
    }
}

#[test]
fn the_bootstrap_gives_the_standard_error() {
    let sandbox = samples();
    let rows = run(&sandbox, "bootstrap");
    assert_eq!(rows.len(), 1000);
    let lifetimes: Vec<f64> =
        sandbox.read("sweeps/lifetimes.txt").lines().map(|line| line.parse().expect("a number")).collect();
    let sd = |of: &[f64]| mean(&of.iter().map(|x| (x - mean(of)).powi(2)).collect::<Vec<_>>()).sqrt();
    let expected = sd(&lifetimes) / (lifetimes.len() as f64).sqrt();
    let means: Vec<f64> = rows.iter().map(|row| number(row, "mean")).collect();
    assert!(near(mean(&means), mean(&lifetimes), 0.2), "{}", mean(&means));
    assert!(near(sd(&means) / expected, 1.0, 0.1), "{} {expected}", sd(&means));
    assert!(rows.iter().all(|row| lifetimes.iter().any(|x| *x <= number(row, "median"))));
}

#[test]
fn the_starter_sweep_checks_and_runs() {
    let sandbox = Sandbox::embedded();
    sandbox.sweep(&["new", "study.toml"]).code(0);
    let again = sandbox.sweep(&["new", "study.toml"]).code(2);
    assert!(again.stderr.contains("already exists"), "{}", again.stderr);
    assert_eq!(sandbox.sweep(&["check", "study.toml"]).code(0).stderr, "");
    sandbox.sweep(&["run", "study.toml"]).code(0);
    assert_eq!(sandbox.rows("study.results.csv").len(), 3 * 2 * 3 * 2);
}
