//! Owns the tests of `sweep check`: its text, its points as CSV, its JSON, its warnings.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::Sandbox;

const STUDY: &str = r#"
command = "echo {{ size }} {{ temp }} {{ label }} {{ u }}"
repeats = 3
draws = 2
[grid]
size = [16, 32]
temp = { from = 1.5, to = 2.5, count = 3 }
label = ["a b"]
[random]
u = { dist = "uniform", min = 0.0, max = 1.0 }
[job]
env = { REPEAT = "{{ repeat }}" }
"#;

#[test]
fn the_page_says_how_many_points_there_are_and_shows_the_first() {
    let sandbox = Sandbox::embedded();
    sandbox.write("a.toml", STUDY);
    let page = sandbox.sweep(&["check", "a.toml", "--points", "2"]).code(0);
    assert_eq!(page.stderr, "");
    let lines: Vec<&str> = page.stdout.lines().collect();
    assert_eq!(lines[0], "a: 2 size × 3 temp × 2 draws × 3 repeats = 36 points");
    assert_eq!(lines[1], "parameters: size int, temp float, label text, u float");
    let header: Vec<&str> = lines[3].split_whitespace().collect();
    assert_eq!(header, ["job", "size", "temp", "label", "u", "draw", "repeat", "seed"]);
    assert!(lines[4].contains("16") && lines[4].contains("1.5"), "{}", lines[4]);
    assert!(lines[7].starts_with("0  echo 16 1.5 'a b' 0."), "{}", lines[7]);
    assert_eq!(lines[9], "… 34 more");
    assert!(!sandbox.path().join(".sweep").exists(), "something was submitted");
}

#[test]
fn conditions_blocks_and_files_are_accounted_for() {
    let sandbox = Sandbox::embedded();
    let page = |text: &str| {
        sandbox.write("a.toml", text);
        sandbox.sweep(&["check", "a.toml", "--points", "1"]).code(0).stdout
    };
    let grid = "[grid]\nx = [1, 2, 3]\ny = [1, 2]\n";
    let text = page(&format!("command = \"echo {{{{ x }}}} {{{{ y }}}}\"\nwhere = \"x > y\"\nrepeats = 2\n{grid}"));
    assert!(text.starts_with("a: 3 x × 2 y × 2 repeats = 12 points; `where` keeps 6\n"), "{text}");
    let blocks = "command = \"echo {{ flags }}\"\n[[block]]\ngrid = { x = [1, 2], y = [1, 2] }\n[[block]]\ngrid = { x = [2, 3], y = 1 }\n";
    let text = page(blocks);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "a: 5 points");
    assert_eq!(lines[1], "  block 1: 2 x × 2 y = 4");
    assert_eq!(lines[2], "  block 2: 2 x; 1 of them new");
    sandbox.write("p.csv", "id,mass,hot\n007,1.50,true\n008,2,false\n");
    let text = page("command = \"echo {{ flags }}\"\n[points]\nfile = \"p.csv\"\n");
    assert!(text.contains("\n  p.csv: 2 rows, id text, mass float, hot bool\n"), "{text}");
    assert!(text.contains("0  echo --id 007 --mass 1.50 --hot true\n"), "{text}");
    let refused = sandbox.sweep(&["check", "a.toml", "--out", "p.csv"]).code(2);
    assert!(refused.stderr.contains("is an input file"), "{}", refused.stderr);
}

#[test]
fn randomizations_are_a_column() {
    let sandbox = Sandbox::embedded();
    let text = "command = \"echo {{ u }}\"\nsampling = \"sobol\"\ndraws = 2\nrandomizations = 3\n[random]\nu = { dist = \"uniform\", min = 0.0, max = 1.0 }\n";
    sandbox.write("a.toml", text);
    sandbox.sweep(&["check", "a.toml", "--out", "p.csv"]).code(0);
    sandbox.sweep(&["run", "a.toml", "--out", "t.csv"]).code(0);
    let (points, table) = (sandbox.read("p.csv"), sandbox.read("t.csv"));
    assert!(points.starts_with("job,u,draw,randomization,repeat,seed\n"), "{points}");
    assert!(table.starts_with("job,u,draw,randomization,result,seed,"), "{table}");
    let rows = sandbox.rows("t.csv");
    let counters: Vec<_> = rows.iter().map(|row| row["draw"].clone() + &row["randomization"]).collect();
    assert_eq!(counters, ["00", "10", "01", "11", "02", "12"]);
}

#[test]
fn counters_are_shown_only_where_there_is_more_than_one() {
    let sandbox = Sandbox::embedded();
    sandbox.write("a.toml", "command = \"echo {{ x }}\"\n[grid]\nx = [1, 2]\n");
    let page = sandbox.sweep(&["check", "a.toml"]).code(0).stdout;
    assert!(page.starts_with("a: 2 points\n"), "{page}");
    assert!(!page.contains("repeat") && !page.contains("draw"), "{page}");
}

#[test]
fn all_points_are_written_and_are_those_of_the_table() {
    let sandbox = Sandbox::embedded();
    sandbox.write("a.toml", STUDY);
    let ran = sandbox.sweep(&["check", "a.toml", "--out", "points.csv"]).code(0);
    assert!(ran.stderr.contains("36 points in points.csv"), "{}", ran.stderr);
    sandbox.sweep(&["run", "a.toml", "--out", "t.csv"]).code(0);
    let (points, table) = (sandbox.rows("points.csv"), sandbox.rows("t.csv"));
    assert_eq!(points.len(), 36);
    for (point, row) in points.iter().zip(&table) {
        assert_eq!(point.len(), 8);
        assert!(point.iter().all(|(name, cell)| row[name] == *cell), "{point:?}\n{row:?}");
    }
    let piped = sandbox.sweep(&["check", "a.toml", "--out", "-"]).code(0);
    assert_eq!(piped.stdout, sandbox.read("points.csv"));
}

#[test]
fn points_never_overwrite_an_input() {
    let sandbox = Sandbox::embedded();
    sandbox.write("a.toml", "command = \"sh job.sh\"\n[templates]\nin = \"in.j2\"\n");
    sandbox.write("in.j2", "hello\n");
    for input in ["a.toml", "in.j2"] {
        let before = sandbox.read(input);
        let ran = sandbox.sweep(&["check", "a.toml", "--out", input]).code(2);
        assert!(ran.stderr.contains("is an input file"), "{}", ran.stderr);
        assert_eq!(sandbox.read(input), before);
    }
}

#[test]
fn tools_get_one_object() {
    let sandbox = Sandbox::embedded();
    sandbox.write("a.toml", &format!("{STUDY}\n[templates]\ndeck = \"deck.j2\"\n"));
    sandbox.write("deck.j2", "size {{ size }}\n");
    let ran = sandbox.sweep(&["check", "a.toml", "--json", "--points", "1"]).code(0);
    let json = ran.json();
    assert_eq!((&json["name"], &json["points"]), (&"a".into(), &36.into()));
    assert_eq!(json["blocks"][0]["factors"][1], serde_json::json!({"name": "temp", "count": 3}));
    assert_eq!((&json["blocks"][0]["product"], &json["blocks"][0]["points"]), (&36.into(), &36.into()));
    assert_eq!(json["parameters"][2], serde_json::json!({"name": "label", "type": "text"}));
    let first = &json["first"];
    assert_eq!(first.as_array().map(Vec::len), Some(1));
    assert_eq!((&first[0]["params"]["size"], &first[0]["command"][1]), (&16.into(), &"16".into()));
    assert_eq!(first[0]["files"]["deck"], "size 16\n");
    assert!(first[0]["seed"].as_u64().is_some_and(|seed| seed > 0));
    assert_eq!(json["warnings"], serde_json::json!([]));
}

#[test]
fn what_may_be_wrong_is_told() {
    let sandbox = Sandbox::embedded();
    let warned = |text: &str| {
        sandbox.write("a.toml", text);
        let ran = sandbox.sweep(&["check", "a.toml", "--json"]).code(0);
        let list = ran.json()["warnings"].as_array().cloned().unwrap_or_default();
        assert!(list.iter().all(|warning| ran.stderr.contains(warning.as_str().unwrap_or("?"))), "{}", ran.stderr);
        list.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let seeds =
        |repeats: u32, seed: &str| warned(&format!("command = \"echo {{{{ {seed} }}}}\"\nrepeats = {repeats}\n"));
    assert!(seeds(31_500, "seed32").contains("(31 bits) is 21 %"), "{}", seeds(31_500, "seed32"));
    assert_eq!((seeds(31_500, "seed"), seeds(1000, "seed32")), (String::new(), String::new()));
    assert!(warned("command = \"no-such-program-anywhere\"\n").contains("no-such-program-anywhere"));
    let clipped = "command = \"echo {{ u }}\"\n[random]\nu = { dist = \"normal\", mean = 0, sd = 1, clip = [-1, 2] }\n";
    assert!(warned(clipped).contains("16 % of its values are clipped to -1 and 2.3 % to 2"), "{}", warned(clipped));
    assert_eq!(warned(&clipped.replace("[-1, 2]", "[-5, 5]")), "");
    sandbox.write("job.sh", "echo 1\n");
    let elsewhere = "command = \"sh job.sh\"\n[results]\nfrom = \"out\"\n";
    assert!(warned(elsewhere).contains("write {{ here }}/job.sh"), "{}", warned(elsewhere));
    assert_eq!(warned(&elsewhere.replace("job.sh", "{{ here }}/job.sh")), "");
    assert_eq!(warned("command = \"sh job.sh\"\n"), "");
}

/// The points of a file without their indices: parameters by name, draw, repeat, seed.
fn points(sandbox: &Sandbox, name: &str, text: &str) -> BTreeSet<Vec<(String, String)>> {
    sandbox.write(name, text);
    let table = sandbox.sweep(&["check", name, "--out", "-"]).code(0).stdout;
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let rows = reader.deserialize::<BTreeMap<String, String>>().map(|row| row.expect("a row of text"));
    rows.map(|row| row.into_iter().filter(|(name, _)| name != "job").collect()).collect()
}

#[test]
fn a_file_renamed_reordered_and_extended_keeps_every_value_and_seed() {
    let sandbox = Sandbox::embedded();
    let command = "command = \"p {{ x }} {{ m }} {{ u }} {{ w }}\"\n";
    let u = "u = { dist = \"gamma\", shape = 2.0, scale = 0.5 }\n";
    let w = "w = { dist = \"choice\", values = [\"a\", \"b\", \"c\"] }\n";
    let first = format!("{command}draws = 3\nrepeats = 2\n[grid]\nx = [1, 2]\nm = [\"p\", \"q\"]\n[random]\n{u}{w}");
    let old = points(&sandbox, "first.toml", &first);
    assert_eq!(old.len(), 2 * 2 * 3 * 2);

    let renamed = format!(
        "name = \"other\"\n{command}repeats = 2\ndraws = 3\n[random]\n{w}{u}[grid]\nm = [\"q\", \"p\"]\nx = [2, 1]\n"
    );
    assert_eq!(points(&sandbox, "second.toml", &renamed), old);

    let grown =
        first.replace("draws = 3", "draws = 5").replace("repeats = 2", "repeats = 4").replace("[1, 2]", "[0, 1, 2, 3]");
    let new = points(&sandbox, "third.toml", &grown);
    assert_eq!(new.len(), 4 * 2 * 5 * 4);
    assert!(new.is_superset(&old), "a point of the smaller sweep has changed");

    let other_root = points(&sandbox, "fourth.toml", &format!("root-seed = 1\n{first}"));
    assert!(other_root.is_disjoint(&old), "the root seed changes nothing");
}
