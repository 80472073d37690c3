//! Tests of the format `table`.

use proptest::prelude::*;

use crate::extract::{Extractor, Results};
use crate::model::{ColumnRef, Reducer, Reducers, ResultFormat, ResultSettings, ResultsFrom, RowChoice, TableSettings};
use crate::record::Kept;
use crate::value::Value;

struct Asked {
    columns: Vec<(String, ColumnRef)>,
    row: RowChoice,
    filter: Option<&'static str>,
    reduce: Option<Reducer>,
}

fn named(columns: &[&str]) -> Asked {
    let columns = columns.iter().map(|name| ((*name).to_owned(), ColumnRef::Name((*name).to_owned()))).collect();
    Asked { columns, row: RowChoice::Last, filter: None, reduce: None }
}

fn positions(columns: &[i64]) -> Asked {
    let columns = columns.iter().map(|at| (format!("c{at}"), ColumnRef::Position(*at))).collect();
    Asked { columns, ..named(&[]) }
}

fn extractor(asked: Asked) -> Extractor {
    let Asked { columns, row, filter, reduce } = asked;
    let filter = filter.map(str::to_owned);
    let settings = ResultSettings {
        format: ResultFormat::Table(TableSettings { columns, row, filter }),
        from: ResultsFrom::Stdout,
        require: Vec::new(),
        reduce: Reducers { every: reduce, columns: Vec::new() },
        keep_on_timeout: false,
    };
    Extractor::new(&[settings]).unwrap()
}

fn read(asked: Asked, output: &str) -> Result<Results, String> {
    let kept = Kept { tail: output.into(), total: output.len() as u64 };
    extractor(asked).begin().finish(&kept, |_, _| panic!("there is no file"))
}

fn shown(asked: Asked, output: &str) -> String {
    match read(asked, output) {
        Ok(found) => found.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" "),
        Err(why) => format!("error: {why}"),
    }
}

const THERMO: &str = "LAMMPS (2 Aug 2023)\nSetting up cg style minimization ...\n\
    Step          Temp          E_pair         TotEng\n\
    \x20        0   1.44          -6.7733681     -4.6134356\n\
    WARNING: something happened here and is long\n\
    \x20      100   0.75          -5.7585055     -4.6244356\n\
    \x20      200   ********      -5.7618907     -4.6230000\n\
    Loop time of 0.5 on 1 procs for 100 steps with 4000 atoms\n\nPerformance: 1.0 tau/day\n";

#[test]
fn logs_of_molecular_dynamics_are_read() {
    assert_eq!(shown(named(&["TotEng", "Temp"]), THERMO), "TotEng=-4.623 Temp=");
    assert_eq!(
        shown(Asked { row: RowChoice::First, ..named(&["Step", "TotEng"]) }, THERMO),
        "Step=0 TotEng=-4.6134356"
    );
    assert_eq!(shown(Asked { row: RowChoice::Number(1), ..named(&["Step"]) }, THERMO), "Step=100");
    assert_eq!(shown(Asked { row: RowChoice::Number(-2), ..named(&["Step"]) }, THERMO), "Step=100");
    let reduced = |reduce| Asked { reduce: Some(reduce), ..named(&["Step", "Temp"]) };
    assert_eq!(shown(reduced(Reducer::Max), THERMO), "Step=200 Temp=1.44");
    assert_eq!(shown(reduced(Reducer::Count), THERMO), "Step=3 Temp=2");
    let late = Asked { filter: Some("Step > 50"), ..reduced(Reducer::Mean) };
    assert_eq!(shown(late, THERMO), "Step=150.0 Temp=0.75");
}

#[test]
fn tables_of_other_programs_are_read() {
    let r_print = "[1] \"fit\"\n        est    se\na  1.250 0.500\nb -2.000 0.250\n";
    assert_eq!(shown(named(&["est", "se"]), r_print), "est=-2.0 se=0.25");
    assert_eq!(shown(named(&[]), r_print), "est=-2.0 se=0.25");
    let write_csv = "\"\",\"x\",\"two words\"\n\"1\",0.5,\"a\"\n\"2\",1.5,\"b, c\"\n";
    assert_eq!(shown(named(&[]), write_csv), "x=1.5 two words=b, c");
    assert_eq!(shown(named(&["two words"]), write_csv), "two words=b, c");
    let savetxt = "1.000e+00 2.000e+00\n3.000e+00 nan\n";
    assert_eq!(shown(positions(&[0, -1]), savetxt), "c0=3.0 c-1=NaN");
    assert_eq!(shown(named(&["x", "y"]), &format!("# x y\n{savetxt}")), "x=3.0 y=NaN");
    assert_eq!(shown(named(&[]), &format!("# x y\n{savetxt}")), "x=3.0 y=NaN");
    assert_eq!(shown(named(&["T"]), "run;T\r\n-----\r\n1;2\r\n2;3\r\n"), "T=3");
}

#[test]
fn a_repeated_header_continues_its_table_and_another_one_begins_a_new_one() {
    let sum = || Asked { reduce: Some(Reducer::Sum), ..named(&["x"]) };
    assert_eq!(shown(sum(), "x y\n1 2\nx y\n3 4\n"), "x=4");
    assert_eq!(shown(sum(), "x y\n1 2\nx z w\n3 4 5\n7 7\n"), "x=3");
    assert_eq!(shown(named(&[]), "x y\n1 2\nlog of it\na b\n3 4\n5 6\n"), "a=5 b=6");
}

#[test]
fn errors_say_what_the_output_lacks() {
    let answers = [
        shown(named(&["E"]), "x y\n1 2\n"),
        shown(named(&["E", "T"]), ""),
        shown(named(&[]), "hello\n"),
        shown(named(&["x"]), "x y\n"),
        shown(Asked { row: RowChoice::Number(7), ..named(&["x"]) }, "x y\n1 2\n3 4\n"),
        shown(Asked { filter: Some("x > 5"), ..named(&["x"]) }, "x y\n1 2\n"),
        shown(Asked { filter: Some("x > 5 and y"), ..named(&["x"]) }, "x y\n6 2\n"),
        shown(Asked { reduce: Some(Reducer::Mean), ..named(&["y"]) }, "x y\n1 2\n3 bad\n"),
        shown(Asked { reduce: Some(Reducer::Count), ..named(&["y"]) }, "x y\n"),
    ];
    insta::assert_snapshot!(answers.join("\n"), @r"
    error: the output has no table with the column `E`; its last line is `1 2`
    error: the output has no table with the columns `E`, `T`; the output is empty
    error: the output has no table; its last line is `hello`
    error: the table in the output has no row; its last line is `x y`
    error: the table in the output has 2 rows, and so no row 7
    error: the table in the output has no row for which `where` is true; its last line is `1 2`
    error: `where` cannot be evaluated in a row of the table: it gives `2`, but must give `true` or `false`; write a comparison
    error: `y` has the value `bad`, which is not a number, so it has no mean
    y=0
    ");
}

proptest! {
    #[test]
    fn a_written_table_reads_back_in_any_form(
        rows in prop::collection::vec(prop::collection::vec(any::<i32>(), 3), 1..8),
        separator in 0..4_usize, log: bool, chunk in 1..40_usize,
    ) {
        let joint = [" ", ",", ";", "\t"][separator];
        let line = |cells: Vec<String>| cells.join(joint) + "\n";
        let mut text = if log { "log of the run: x\n".to_owned() } else { String::new() };
        text += &line(vec!["x".into(), "y z".replace(' ', "_"), "w".into()]);
        for row in &rows {
            text += &line(row.iter().map(i32::to_string).collect());
            text += if log { "\nnote in between of many words\n" } else { "" };
        }
        let last = rows.last().unwrap();
        let expected: Results =
            ["x", "w"].iter().zip([last[0], last[2]]).map(|(name, value)| (name.to_string(), Value::Int(value.into()))).collect();
        prop_assert_eq!(read(named(&["x", "w"]), &text).unwrap(), expected.clone());
        // However the output comes, and however little of it is kept.
        let extractor = extractor(named(&["x", "w"]));
        let mut extraction = extractor.begin();
        text.as_bytes().chunks(chunk).for_each(|bytes| extraction.overflow(bytes));
        let nothing = Kept { tail: Vec::new(), total: text.len() as u64 };
        prop_assert_eq!(extraction.finish(&nothing, |_, _| panic!()).unwrap(), expected);
    }

    #[test]
    fn no_output_panics(text in "([a-c0-9 ,;#*\"\t\n.-]|\\PC){0,120}", row in -3..3_i64) {
        for asked in [named(&[]), named(&["a"]), positions(&[0, -1]), Asked { filter: Some("a > 0"), ..named(&["b"]) }] {
            let _ = read(Asked { row: RowChoice::Number(row), ..asked }, &text);
        }
    }
}
