//! Owns the golden values, never to change under this version of the space.
//!
//! When they were fixed, a second program in Python by the same author, with its own BLAKE3 and Philox, mpmath for `ln`
//! and `exp`, and Python's `NormalDist` for the normal quantiles, gave every one of them. It is not kept here.

use crate::space::*;
use crate::value::Value;

const DOCUMENT: &str = include_str!("../../../docs/space.md");

fn list(name: &str, values: &[Value]) -> Axis {
    Axis { params: vec![AxisParam { name: name.into(), values: Values::List(values.to_vec()) }] }
}

fn range(name: &str, from: &str, to: &str, by: RangeBy) -> Axis {
    let values = Values::Range(Range { from: from.into(), to: to.into(), by });
    Axis { params: vec![AxisParam { name: name.into(), values }] }
}

fn random(name: &str, dist: Dist) -> Random {
    Random::plain(name, dist)
}

fn space(axes: Vec<Axis>, random: Vec<Random>, root_seed: u64, draws: u64, repeats: u64) -> Space {
    let on_axes = axes.iter().flat_map(|axis| &axis.params).map(|param| param.name.clone());
    let order = on_axes.chain(random.iter().map(|random| random.name.clone())).collect();
    Space::new(SpaceSpec {
        root_seed,
        draws,
        repeats,
        blocks: vec![Block { axes, random, ..Block::default() }],
        order,
        ..SpaceSpec::default()
    })
    .unwrap()
}

/// The example of `docs/space.md`.
fn example() -> Space {
    let axes = vec![
        list("size", &[Value::Int(16), Value::Int(32)]),
        range("temp", "1.5", "3.5", RangeBy::Count(3)),
        list("model", &["metropolis".into()]),
    ];
    let weights = Some(vec![3.0, 1.0]);
    let random = vec![
        random("noise", Dist::Uniform { min: -1.0, max: 1.0 }),
        random("coupling", Dist::Normal { mean: 1.0, sd: 0.1 }),
        random("rule", Dist::Choice { values: vec!["a".into(), "b".into()], weights }),
        random("tour", Dist::Permutation { of: 5 }),
    ];
    space(axes, random, 42, 2, 2)
}

/// A point as a line of the document's table.
fn row(point: &Point) -> String {
    let params: Vec<String> = point.params.iter().map(Value::to_string).collect();
    format!(
        "| {} | {} | {} | {} | {} | {} |",
        point.index,
        params.join(" | "),
        point.draw,
        point.repeat,
        point.seed,
        point.seed32
    )
}

#[test]
fn the_example_in_the_document_is_correct() {
    let space = example();
    assert_eq!(space.len(), 24);
    for i in [0, 1, 2, 3, 6, 12, 23] {
        let row = row(&space.point(i).unwrap());
        assert!(DOCUMENT.contains(&row), "docs/space.md has not the row\n{row}");
    }
}

#[test]
fn the_steps_in_the_document_are_correct() {
    let mut message = identity::GridMessage::new();
    for (name, value) in [("model", "metropolis"), ("size", "16"), ("temp", "1.5")] {
        let mut cell = Vec::new();
        identity::push_text(&mut cell, name);
        identity::push_text(&mut cell, value);
        message.push(&cell);
    }
    let grid = message.id();
    let hex: String = grid.iter().map(|byte| format!("{byte:02x}")).collect();
    let value_key = identity::value_key(Sampling::Independent, 42, "noise", Some(&grid), 0);
    let seed_key = identity::seed_key(42, Some(&grid), 0);
    let steps = [
        format!("grid id      {hex}"),
        format!("value key    {value_key:#018x}"),
        format!("first word   {:#018x}", philox::Words::new(value_key, 0).next()),
        format!("seed key     {seed_key:#018x}"),
        format!("first word   {:#018x}", philox::block(seed_key, [0, 0])[0]),
        format!("second word  {:#018x}", philox::block(seed_key, [0, 0])[1]),
    ];
    for step in steps {
        assert!(DOCUMENT.contains(&step), "docs/space.md has not the line\n{step}");
    }
}

/// The first three draws of a distribution, for the parameter `x` at the only grid point of a space without axes.
fn draws(dist: Dist) -> String {
    let space = space(vec![], vec![random("x", dist)], 7, 3, 1);
    let values: Vec<String> = (0..3).map(|i| space.point(i).unwrap().params[0].to_string()).collect();
    values.join(" ")
}

#[test]
fn distributions_give_the_golden_values() {
    let values = |n: i64| (0..n).map(Value::Int).collect::<Vec<_>>();
    let cases = [
        (Dist::Uniform { min: 0.0, max: 1.0 }, "0.5272994598184791 0.12592844605128894 0.48305221355621064"),
        (
            Dist::Uniform { min: -1e308, max: 1.5e308 },
            "3.182486495461978e307 -6.851788848717777e307 2.0763053389052663e307",
        ),
        (
            Dist::LogUniform { min: 1e-4, max: 1e-1 },
            "0.0038185491017396515 0.00023866313339520085 0.002812915205404776",
        ),
        (Dist::Int { min: 1, max: 6 }, "4 1 3"),
        (Dist::Int { min: i64::MIN, max: i64::MAX }, "503586148622001577 -6900402220946708061 -312631479144466020"),
        (Dist::Normal { mean: 0.0, sd: 1.0 }, "0.06848309041817746 -1.1458507986739637 -0.04249458661140379"),
        (Dist::Normal { mean: -3.5, sd: 1e-3 }, "-3.499931516909582 -3.501145850798674 -3.5000424945866113"),
        (Dist::Choice { values: values(10), weights: None }, "5 1 4"),
        (Dist::Choice { values: values(3), weights: Some(vec![0.2, 0.0, 0.5]) }, "2 0 2"),
        (Dist::Permutation { of: 10 }, "4,2,0,6,9,7,8,1,3,5 9,7,0,4,3,5,6,2,8,1 7,3,2,5,8,6,9,1,0,4"),
    ];
    let mut wrong = vec![];
    for (dist, expected) in cases {
        let now = draws(dist.clone());
        if now != expected {
            wrong.push(format!("{dist:?}: {now}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn points_have_the_golden_values() {
    let mut axes = vec![
        list("b", &[Value::Bool(true), Value::Float(0.1), "two words".into(), Value::Missing, "".into()]),
        range("rate", "1e-4", "1e-1", RangeBy::LogCount(7)),
    ];
    axes.push(Axis {
        params: vec![
            AxisParam { name: "solver".into(), values: Values::List(vec!["rk4".into(), "euler".into()]) },
            AxisParam { name: "µ".into(), values: Values::List(vec![Value::Float(-0.5), Value::Int(-3)]) },
        ],
    });
    let space = space(axes, vec![random("x", Dist::Int { min: -1000, max: 1000 })], u64::MAX, 1_000_000, 1_000_000);
    assert_eq!(space.len(), 70 * 1_000_000_000_000);
    let golden = [
        "| 0 | true | 0.0001 | rk4 | -0.5 | 428 | 0 | 0 | 8226389567923575 | 2020943032 |",
        "| 1 | true | 0.0001 | euler | -3 | 18 | 0 | 0 | 3879120525586183 | 1494695249 |",
        "| 2 | true | 0.00031622776601683794 | rk4 | -0.5 | -938 | 0 | 0 | 3263750915246264 | 322359613 |",
        "| 17 | 0.1 | 0.00031622776601683794 | euler | -3 | -915 | 0 | 0 | 4897163948904984 | 1535749409 |",
        "| 42 |  | 0.0001 | rk4 | -0.5 | -573 | 0 | 0 | 208486468943550 | 1629370585 |",
        "| 56 |  | 0.0001 | rk4 | -0.5 | 612 | 0 | 0 | 172497812039418 | 1610982835 |",
        "| 70 | true | 0.0001 | rk4 | -0.5 | 490 | 1 | 0 | 1902361245845833 | 698504984 |",
        "| 1000000000 | 0.1 | 0.0031622776601683794 | rk4 | -0.5 | 554 | 285714 | 14 | 1711221732873364 | 113506838 |",
        "| 69999999999999 |  | 0.1 | euler | -3 | 649 | 999999 | 999999 | 7543439107771645 | 266871268 |",
    ];
    let now: Vec<String> =
        [0, 1, 2, 17, 42, 56, 70, 1_000_000_000, 69_999_999_999_999].map(|i| row(&space.point(i).unwrap())).into();
    assert_eq!(now, golden);
}
