//! Tests of reading the parameter space: blocks, points, values from files, samplings, what lands in which block.

use std::collections::BTreeMap;
use std::io;

use super::*;
use crate::space::{Block, Derived, Random, Sampling, SpaceSpec};

/// Files in memory; a pattern finds the paths that begin like it up to its `*`.
struct MemoryFiles(BTreeMap<&'static str, &'static str>);

impl Files for MemoryFiles {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.0.get(path).map(|text| text.as_bytes().to_vec()).ok_or(io::ErrorKind::NotFound.into())
    }

    fn find(&self, pattern: &str) -> Result<Vec<String>, String> {
        let start = pattern.split('*').next().unwrap();
        Ok(self.0.keys().rev().filter(|path| path.starts_with(start)).map(ToString::to_string).collect())
    }
}

const POINTS: &str = "\u{feff}id;mass;on\r\n007;1.50;true\r\n008;2;FALSE\r\n\"a;b\";;true\r\n";

/// Reads a file beside some others, but does not ask the space itself.
fn read_space(text: &str) -> SweepFile {
    let files = MemoryFiles(BTreeMap::from([
        ("p.csv", POINTS),
        ("names.txt", "water\r\nmethane\r\n"),
        ("mols/b.xyz", ""),
        ("mols/a.xyz", ""),
        ("mols/B.xyz", ""),
    ]));
    let text = format!("command = 'p {{{{ flags }}}}'\n{text}");
    read_with(&text, &source("study"), &files).unwrap_or_else(|found| panic!("{found}"))
}

fn space(text: &str) -> SpaceSpec {
    read_space(text).spec.space
}

fn names(block: &Block) -> Vec<Vec<&str>> {
    block.axes.iter().map(|axis| axis.params.iter().map(|param| param.name.as_str()).collect()).collect()
}

fn values(block: &Block, axis: usize, param: usize) -> Vec<String> {
    match &block.axes[axis].params[param].values {
        Values::List(values) => values.iter().map(ToString::to_string).collect(),
        Values::Range(_) => panic!("a range"),
    }
}

#[test]
fn rows_of_a_points_file_are_an_axis() {
    let read = read_space("[grid]\nx = [1]\n[points]\nfile = 'p.csv'\n[grid2]\n".trim_end_matches("[grid2]\n"));
    let block = &read.spec.space.blocks[0];
    assert_eq!(names(block), [vec!["x"], vec!["id", "mass", "on"]]);
    assert_eq!(read.spec.space.order, ["x", "id", "mass", "on"]);
    assert_eq!(values(block, 1, 0), ["007", "008", "a;b"]);
    assert_eq!(values(block, 1, 1), ["1.50", "2", ""]);
    let Values::List(mass) = &block.axes[1].params[1].values else { panic!() };
    assert_eq!(mass[0], Value::Written(Box::new(Value::Float(1.5)), "1.50".into()));
    assert_eq!(mass[2], Value::Missing);
    assert_eq!(values(block, 1, 2), ["true", "FALSE", "true"]);
    let column = |name: &str, kind| ImportedColumn { name: name.into(), kind };
    let columns =
        vec![column("id", ColumnType::Text), column("mass", ColumnType::Float), column("on", ColumnType::Bool)];
    assert_eq!(read.imports, [Import::Points { file: "p.csv".into(), rows: 3, points: 3, columns }]);
}

#[test]
fn columns_are_selected_renamed_and_typed() {
    let spec = space(
        "points = { file = 'p.csv', columns = ['mass', 'id'], types = { mass = 'text' }, rename = { id = 'name_' } }",
    );
    assert_eq!(names(&spec.blocks[0]), [["mass", "name_"]]);
    assert_eq!(spec.order, ["mass", "name_"]);
    let Values::List(mass) = &spec.blocks[0].axes[0].params[0].values else { panic!() };
    assert_eq!(mass, &[Value::from("1.50"), "2".into(), "".into()]);
}

#[test]
fn glob_sorts_by_bytes_and_lines_keep_their_order() {
    let read = read_space("[grid]\nmol = { glob = 'mols/*.xyz' }\nname_ = { lines = 'names.txt' }");
    let block = &read.spec.space.blocks[0];
    assert_eq!(values(block, 0, 0), ["mols/B.xyz", "mols/a.xyz", "mols/b.xyz"]);
    assert_eq!(values(block, 1, 0), ["water", "methane"]);
    let glob = Import::Glob { parameter: "mol".into(), pattern: "mols/*.xyz".into(), matches: 3 };
    let lines =
        Import::Lines { parameter: "name_".into(), file: "names.txt".into(), values: 2, kind: ColumnType::Text };
    assert_eq!(read.imports, [glob, lines]);
}

#[test]
fn a_pattern_matches_as_in_a_shell() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("a [1]");
    for path in ["mols/a.xyz", "mols/.hidden.xyz", "mols/deep/b.xyz", "case1/x"] {
        let path = here.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    let files = Disk { here: here.clone() };
    let found = |pattern: &str| {
        let mut found = files.find(pattern).unwrap();
        found.sort();
        found
    };
    assert_eq!(found("mols/*.xyz"), ["mols/a.xyz"]);
    assert_eq!(found("./mols/*.xyz"), ["./mols/a.xyz"]);
    assert_eq!(found("mols/**/*.xyz"), ["mols/a.xyz", "mols/deep/b.xyz"]);
    assert_eq!(found("case?"), ["case1"]);
    assert_eq!(found("../a [[]1]/case1/*"), ["../a [1]/case1/x"]);
    let absolute = format!("{}/mols/*.xyz", glob::Pattern::escape(here.to_str().unwrap()));
    assert_eq!(found(&absolute), ["mols/a.xyz"]);
    assert!(found("none/*").is_empty());
    assert!(files.find("a[").is_err());
}

#[test]
fn the_settings_of_sampling_are_read() {
    let spec = space(
        "sampling = 'sobol'\ndraws = 64\nrandomizations = 8\ncommon-draws = true\n[random]\n\
         x = { dist = 'normal', mean = 0, sd = 1, clip = [-1, 2.5], round = 0.05 }\n\
         n = { dist = 'log-int', min = 1, max = 100, round = 5 }",
    );
    assert_eq!((spec.sampling, spec.draws, spec.randomizations, spec.common_draws), (Sampling::Sobol, 64, 8, true));
    let x = Random {
        clip: Some((-1.0, 2.5)),
        round: Some("0.05".into()),
        ..Random::plain("x", Dist::Normal { mean: 0.0, sd: 1.0 })
    };
    let n = Random { round: Some("5".into()), ..Random::plain("n", Dist::LogInt { min: 1, max: 100 }) };
    assert_eq!(spec.blocks[0].random, [x, n]);
}

#[test]
fn every_distribution_is_read() {
    let spec = space(
        "[random]\n\
         a = { dist = 'truncated-normal', mean = 0, sd = 1, min = -1, max = 1 }\n\
         b = { dist = 'log-normal', mu = 0, sigma = 1 }\n\
         c = { dist = 'exponential', rate = 2 }\n\
         d = { dist = 'gamma', shape = 2, scale = 3 }\n\
         e = { dist = 'beta', alpha = 2, beta = 3 }\n\
         f = { dist = 'triangular', min = 0, mode = 1, max = 1 }\n\
         g = { dist = 'poisson', mean = 4.5 }",
    );
    let dists: Vec<Dist> = spec.blocks[0].random.iter().map(|random| random.dist.clone()).collect();
    let expected = [
        Dist::TruncatedNormal { mean: 0.0, sd: 1.0, min: -1.0, max: 1.0 },
        Dist::LogNormal { mu: 0.0, sigma: 1.0 },
        Dist::Exponential { rate: 2.0 },
        Dist::Gamma { shape: 2.0, scale: 3.0 },
        Dist::Beta { alpha: 2.0, beta: 3.0 },
        Dist::Triangular { min: 0.0, mode: 1.0, max: 1.0 },
        Dist::Poisson { mean: 4.5 },
    ];
    assert_eq!(dists, expected);
}

const BLOCKS: &str = "where = 'lr > 0'\n[grid]\nlr = [0.1, 0.01]\nmomentum = [0, 0.9]\n[[zip]]\na = [1, 2]\nb = [3, 4]\n\
    [derived]\ntwice = 'lr * 2'\n\
    [[block]]\ngrid = { rule = 'sgd' }\n\
    [[block]]\nwithout = ['momentum']\ngrid = { rule = 'adam', a = [5] }\nwhere = ['lr < 1', 'b > 3']\n\
    [[block]]\nwithout = ['a', 'b', 'twice']\nrandom = { lr = { dist = 'uniform', min = 0, max = 1 } }\n";

#[test]
fn a_block_inherits_replaces_drops_and_adds() {
    let spec = space(BLOCKS);
    assert_eq!(spec.order, ["lr", "momentum", "a", "b", "twice", "rule"]);
    let [sgd, adam, drawn] = spec.blocks.as_slice() else { panic!("{:?}", spec.blocks) };
    assert_eq!(names(sgd), [vec!["lr"], vec!["momentum"], vec!["a", "b"], vec!["rule"]]);
    assert_eq!(sgd.conditions, ["lr > 0"]);
    // What is left of the group stays where it stood, and what a block gives anew takes the place of what it replaces.
    assert_eq!(names(adam), [["lr"], ["a"], ["b"], ["rule"]]);
    assert_eq!(adam.conditions, ["lr > 0", "lr < 1", "b > 3"]);
    assert_eq!(adam.derived, [Derived { name: "twice".into(), expression: "lr * 2".into() }]);
    assert_eq!(names(drawn), [["momentum"]]);
    assert_eq!((drawn.random.len(), drawn.derived.len()), (1, 0));
}

#[test]
fn blocks_inherit_tables_that_follow_them() {
    let spec = space("[[block]]\ngrid = { rule = 'sgd' }\n[[block]]\ngrid = { rule = 'adam' }\n[grid]\nlr = [1]");
    assert_eq!(spec.order, ["rule", "lr"]);
    assert!(spec.blocks.iter().all(|block| names(block) == [["rule"], ["lr"]]));
}

#[test]
fn ranges_of_one_value_and_downward_ones_are_ranges() {
    let spec = space(
        "[grid]\na = { from = 3, to = 3, count = 1 }\nb = { from = 3, to = 3, step = 1 }\n\
         c = { from = 5, to = 1, step = -2 }\nd = { from = 1, to = 0, count = 3 }",
    );
    let lengths = spec.blocks[0].axes.iter().map(|axis| match &axis.params[0].values {
        Values::Range(range) => range.len().unwrap(),
        Values::List(_) => 0,
    });
    assert_eq!(lengths.collect::<Vec<_>>(), [1, 1, 3, 3]);
}

#[test]
fn conditions_can_test_for_missing_parameters_and_use_draws() {
    let spec = space(
        "where = ['momentum is not defined or momentum > 0', 'draw < 3']\n\
         [[block]]\ngrid = { momentum = [0, 1] }\n[[block]]\ngrid = { x = [1] }",
    );
    assert_eq!(spec.blocks[1].conditions, ["momentum is not defined or momentum > 0", "draw < 3"]);
}

#[test]
fn a_parameter_counts_as_used_by_an_expression_and_a_derived_one_as_a_column() {
    let files = MemoryFiles(BTreeMap::from([("p.csv", POINTS)]));
    let warnings = |text: &str| read_with(text, &source("a"), &files).unwrap().warnings.list;
    let text = "command = 'p'\nwhere = 'y > 0'\n[grid]\nx = [1, 2]\ny = [1, 2]\n[derived]\nz = 'x + 1'";
    assert_eq!(warnings(text), []);
    let found = warnings("command = 'p {{ id }}'\n[points]\nfile = 'p.csv'");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].message, "the columns `mass`, `on` are never used");
}

/// A file with something in it exchanged for something else.
fn damaged() -> impl Strategy<Value = String> {
    let whole = format!("command = 'p {{{{ flags }}}}'\n{BLOCKS}[points]\nfile = 'p.csv'\ncolumns = ['id']\n");
    let junk = r#"[\[\]{}='",.\n#0-9a-z-]{0,4}|x|''|\[1\]"#;
    (0..whole.len(), 0..20usize, junk).prop_map(move |(at, length, junk)| {
        let end = (at + length).min(whole.len());
        format!("{}{junk}{}", &whole[..at], &whole[end..])
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_damage_to_blocks_makes_reading_panic(text in damaged()) {
        let files = MemoryFiles(BTreeMap::from([("p.csv", POINTS)]));
        if let Err(found) = read_with(&text, &source("a"), &files) {
            prop_assert!(found.has_errors() && !found.render(false).is_empty());
        }
    }

    #[test]
    fn no_points_file_makes_reading_panic(points in r#"([a-z0-9.,;"\t\r\n é\x00-]|nan|1e999|00|a,b\n){0,30}"#) {
        struct One<'a>(&'a str);
        impl Files for One<'_> {
            fn read(&self, _: &str) -> io::Result<Vec<u8>> {
                Ok(self.0.as_bytes().to_vec())
            }
            fn find(&self, pattern: &str) -> Result<Vec<String>, String> {
                MemoryFiles(BTreeMap::new()).find(pattern)
            }
        }
        let text = "command = 'p {{ flags }}'\n[points]\nfile = 'x'\n[grid]\nlines = { lines = 'y' }";
        if let Err(found) = read_with(text, &source("a"), &One(&points)) {
            prop_assert!(found.has_errors() && !found.render(false).is_empty());
        }
    }
}

#[test]
fn a_template_needs_only_parameters_of_kept_points() {
    let files = MemoryFiles(BTreeMap::from([("p.csv", POINTS)]));
    let text = |condition: &str| {
        format!(
            "command = 'p {{{{ mass }}}} {{{{ id }}}} {{{{ on }}}}'\nwhere = '{condition}'\n[points]\nfile = 'p.csv'\n"
        )
    };
    assert!(read_with(&text("mass is defined"), &source("a"), &files).is_ok());
    let found = read_with(&text("id != \"x\""), &source("a"), &files).unwrap_err();
    assert_eq!(found.list[0].message, "`mass` has no value at some points");
}

#[test]
fn conditions_that_fail_or_keep_nothing_are_reported_with_their_place() {
    let shown = |text: &str| {
        let text = format!("command = 'p {{{{ x }}}}'\n{text}");
        let spec = read_with(&text, &source("a"), &MemoryFiles(BTreeMap::new())).unwrap().spec.space;
        let error = crate::space::Space::prepare(spec, &mut |_, _| {}).unwrap_err();
        mistaken_conditions("a.toml", &text, &error).expect("it is of conditions").render(false)
    };
    let alone = shown("where = 'x > 5'\n[grid]\nx = [1, 2]");
    assert!(alone.contains("no point is left: this condition is false everywhere\n --> a.toml:2:9"), "{alone}");
    let together = shown("where = ['x > 1', 'x < 2']\n[grid]\nx = [1, 2]");
    assert!(together.contains("these conditions are never true together\n --> a.toml:2:10"), "{together}");
    assert!(together.contains("and this one"), "{together}");
    let in_block = shown("[[block]]\ngrid = { x = [1, 2] }\nwhere = '1 / (x - 2) > 0'");
    assert!(in_block.contains("cannot be evaluated at x = ") && in_block.contains("a.toml:4:9"), "{in_block}");
}
