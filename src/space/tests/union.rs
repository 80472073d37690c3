//! Owns the tests of spaces of several blocks, with conditions, derived parameters and randomizations: held against an
//! enumeration that goes through everything, one after the other.

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;

use crate::space::draw::{Drawer, seeds};
use crate::space::*;
use crate::value::Value;

const NAMES: [&str; 7] = ["a", "b", "c", "r", "s", "d", "e"];

type Params = BTreeMap<&'static str, Value>;

/// A condition, and what it means.
type ModelCondition = (&'static str, fn(&Params, u64) -> bool);

fn int(params: &Params, name: &str) -> Option<i64> {
    match params.get(name) {
        Some(Value::Int(whole)) => Some(*whole),
        _ => None,
    }
}

const CONDITIONS: [ModelCondition; 8] = [
    ("a is undefined or a < 3", |p, _| int(p, "a").is_none_or(|a| a < 3)),
    ("a is undefined or b is undefined or a <= b", |p, _| int(p, "a").zip(int(p, "b")).is_none_or(|(a, b)| a <= b)),
    ("c is undefined or c != 1", |p, _| int(p, "c") != Some(1)),
    ("r is undefined or r > 0", |p, _| int(p, "r").is_none_or(|r| r > 0)),
    ("draw < 1 or (s|default(2)) > 1", |p, draw| draw < 1 || int(p, "s").unwrap_or(2) > 1),
    ("d is undefined or d != 2", |p, _| int(p, "d") != Some(2)),
    ("e is undefined or e < 9", |p, _| int(p, "e").is_none_or(|e| e < 9)),
    ("false", |_, _| false),
];

/// A block: values of its axes (`b` and `c` may be one axis), whether it has `r`, `s`, `d` and `e`, its conditions.
#[derive(Clone, Debug)]
struct Model {
    axes: Vec<Vec<(&'static str, Vec<Value>)>>,
    has: [bool; 4],
    conditions: Vec<usize>,
}

fn model() -> impl Strategy<Value = Model> {
    let value = prop_oneof![9 => (0..4i64).prop_map(Value::Int), 1 => Just(Value::Missing)];
    let values = prop::collection::vec(value, 1..4).prop_map(|values| {
        let mut seen = HashSet::new();
        values.into_iter().filter(|value| seen.insert(format!("{value:?}"))).collect::<Vec<_>>()
    });
    let values = prop::collection::vec(values, 3);
    let conditions = prop::collection::vec(prop_oneof![30 => 0..7usize, 1 => Just(7)], 0..3);
    let has = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (values, prop::collection::vec(0..4u8, 3), has, conditions).prop_map(
        |(values, there, (zip, r, s, d, e), conditions)| {
            let mut axes: Vec<Vec<(&str, Vec<Value>)>> = Vec::new();
            for ((name, values), there) in ["a", "b", "c"].into_iter().zip(values).zip(there) {
                let last = axes
                    .last_mut()
                    .filter(|axis| zip && name == "c" && axis[0].0 == "b" && axis[0].1.len() == values.len());
                match last {
                    Some(axis) => axis.push((name, values)),
                    None if there > 0 => axes.push(vec![(name, values)]),
                    None => {}
                }
            }
            Model { axes, has: [r, s, d, e && d && r], conditions }
        },
    )
}

/// The last block, so that every name that an expression uses is a parameter somewhere.
fn with_all_names() -> Model {
    let axes = ["a", "b", "c"].map(|name| vec![(name, vec![Value::Int(1)])]);
    Model { axes: axes.into(), has: [true; 4], conditions: vec![] }
}

#[derive(Clone, Debug)]
struct Case {
    models: Vec<Model>,
    spec: SpaceSpec,
}

fn case() -> impl Strategy<Value = Case> {
    let numbers = (any::<u64>(), 1..4u64, 1..3u64, 1..3u64, any::<bool>());
    (prop::collection::vec(model(), 1..4), numbers, any::<bool>()).prop_map(
        |(mut models, (root_seed, draws, randomizations, repeats, common_draws), alike)| {
            if alike {
                // Blocks that draw and compute alike overlap often.
                let has = models[0].has;
                models.iter_mut().for_each(|model| model.has = has);
            }
            models.push(with_all_names());
            let blocks: Vec<Block> = models.iter().map(block).collect();
            let is_there = |name: &&str| blocks.iter().any(|block| names(block).iter().any(|other| other == name));
            let order = NAMES.iter().filter(|name| is_there(name)).map(|name| name.to_string()).collect();
            let spec = SpaceSpec {
                root_seed,
                draws,
                randomizations,
                repeats,
                common_draws,
                blocks,
                order,
                ..SpaceSpec::default()
            };
            Case { models, spec }
        },
    )
}

fn block(model: &Model) -> Block {
    let param = |(name, values): &(&str, Vec<Value>)| AxisParam {
        name: name.to_string(),
        values: Values::List(values.clone()),
    };
    let random = ["r", "s"].into_iter().zip(model.has).filter(|(_, has)| *has);
    let derived = [("d", "(a if a is defined else 7) * 2"), ("e", "d + r")];
    let derived = derived.into_iter().zip([model.has[2], model.has[3]]).filter(|(_, has)| *has);
    let derived: Vec<_> =
        derived.map(|((name, text), _)| Derived { name: name.into(), expression: text.into() }).collect();
    Block {
        axes: model.axes.iter().map(|axis| Axis { params: axis.iter().map(param).collect() }).collect(),
        random: random.map(|(name, _)| Random::plain(name, Dist::Int { min: 0, max: 3 })).collect(),
        // In an order in which `e` comes before what it is made of.
        derived: derived.into_iter().rev().collect(),
        conditions: model.conditions.iter().map(|at| CONDITIONS[*at].0.to_owned()).collect(),
        ..Block::default()
    }
}

fn names(block: &Block) -> Vec<String> {
    let on_axes = block.axes.iter().flat_map(|axis| &axis.params).map(|param| param.name.clone());
    let random = block.random.iter().map(|random| random.name.clone());
    on_axes.chain(random).chain(block.derived.iter().map(|derived| derived.name.clone())).collect()
}

/// Every combination of the axes, the last one fastest.
fn grid_points(axes: &[Vec<(&'static str, Vec<Value>)>]) -> Vec<Params> {
    let Some((axis, rest)) = axes.split_first() else { return vec![Params::new()] };
    let mut points = Vec::new();
    for row in 0..axis[0].1.len() {
        for mut point in grid_points(rest) {
            for (name, values) in axis {
                if values[row] != Value::Missing {
                    point.insert(name, values[row].clone());
                }
            }
            points.push(point);
        }
    }
    points
}

/// All points, one after the other: their columns, draw, randomization, repeat, seeds.
type ModelRow = (Vec<Value>, [u64; 3], (u64, u32));

fn enumerate(case: &Case) -> Vec<ModelRow> {
    let spec = &case.spec;
    let mut seen = HashSet::new();
    let mut rows = Vec::new();
    for repeat in 0..spec.repeats {
        for (randomization, draw) in (0..spec.randomizations).flat_map(|r| (0..spec.draws).map(move |d| (r, d))) {
            for (model, block) in case.models.iter().zip(&spec.blocks) {
                if block.random.is_empty() && (draw, randomization) != (0, 0) {
                    continue;
                }
                let drawer = Drawer::new(spec, block).unwrap();
                for mut params in grid_points(&model.axes) {
                    let mut message = identity::GridMessage::new();
                    for (name, value) in &params {
                        let mut cell = Vec::new();
                        identity::push_text(&mut cell, name);
                        identity::push_text(&mut cell, &value.to_string());
                        message.push(&cell);
                    }
                    let id = Some(message.id()).filter(|_| !spec.common_draws);
                    let drawn = drawer.values(id.as_ref(), draw, randomization);
                    let random = ["r", "s"].into_iter().zip(model.has).filter(|(_, has)| *has);
                    params.extend(random.map(|(name, _)| name).zip(drawn));
                    if model.has[2] {
                        params.insert("d", Value::Int(int(&params, "a").unwrap_or(7) * 2));
                    }
                    if model.has[3] {
                        let e = int(&params, "d").unwrap() + int(&params, "r").unwrap();
                        params.insert("e", Value::Int(e));
                    }
                    if !model.conditions.iter().all(|at| CONDITIONS[*at].1(&params, draw)) {
                        continue;
                    }
                    let column = |name: &String| params.get(name.as_str()).cloned().unwrap_or(Value::Missing);
                    let columns: Vec<Value> = spec.order.iter().map(column).collect();
                    let at = [draw, randomization, repeat];
                    if seen.insert(format!("{columns:?} {at:?}")) {
                        rows.push((columns, at, seeds(spec.root_seed, id.as_ref(), draw, randomization, repeat)));
                    }
                }
            }
        }
    }
    rows
}

fn prepare(spec: &SpaceSpec) -> Result<Space, SpaceError> {
    Space::prepare(spec.clone(), &mut |_, _| {})
}

fn row(space: &Space, index: u64) -> ModelRow {
    let point = space.point(index).unwrap();
    assert_eq!((point.index, point.fault), (index, None));
    (point.params, [point.draw, point.randomization, point.repeat], (point.seed, point.seed32))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn the_space_has_the_points_of_the_enumeration(case in case()) {
        let rows = enumerate(&case);
        if rows.is_empty() {
            prop_assert_eq!(prepare(&case.spec).unwrap_err(), SpaceError::NothingKept);
            return Ok(());
        }
        let space = prepare(&case.spec).unwrap();
        prop_assert_eq!(space.len(), rows.len() as u64);
        for (index, expected) in (0..).zip(&rows) {
            prop_assert_eq!(&row(&space, index), expected);
            let point = Point { index: u64::MAX, ..space.point(index).unwrap() };
            prop_assert_eq!(space.locate(&point), Some(index));
            prop_assert_eq!(space.locate(&Point { randomization: case.spec.randomizations, ..point.clone() }), None);
            prop_assert_eq!(space.locate(&Point { seed: point.seed ^ 1, ..point }), None);
        }
        for beyond in [space.len(), space.len() + 1, u64::MAX] {
            prop_assert_eq!(space.point(beyond), None);
        }
        let kept: u64 = space.explain().iter().map(|block| block.kept).sum();
        prop_assert_eq!(kept, space.len());

        // Read back from its stored form it is the same, and nothing is worked out again.
        let stored = crate::stored::read_back_space(space.spec());
        prop_assert_eq!(&stored, space.spec());
        let again = Space::new(stored).unwrap();
        for index in 0..space.len() {
            prop_assert_eq!(again.point(index), space.point(index));
        }
        // Points that were left out are not found.
        let open: Vec<Block> = case.spec.blocks.iter().map(|b| Block { conditions: vec![], ..b.clone() }).collect();
        let open = prepare(&SpaceSpec { blocks: open, ..case.spec.clone() }).unwrap();
        let there: HashSet<String> = rows.iter().map(|row| format!("{row:?}")).collect();
        for index in 0..open.len() {
            let is_there = there.contains(&format!("{:?}", row(&open, index)));
            prop_assert_eq!(space.locate(&open.point(index).unwrap()).is_some(), is_there);
        }
    }

    #[test]
    fn matching_finds_exactly_the_common_points(one in case(), other in case(), turn in any::<bool>()) {
        let spec = SpaceSpec { root_seed: one.spec.root_seed, common_draws: one.spec.common_draws, ..other.spec };
        let (Ok(older), Ok(newer)) = (prepare(&one.spec), prepare(&spec)) else { return Ok(()) };
        let (older, newer) = if turn { (newer, older) } else { (older, newer) };
        // A point by what it is: the parameters that it has, by name, and the rest.
        let is = |space: &Space, index: u64| {
            let (params, at, seeds) = row(space, index);
            let named: BTreeMap<String, Value> = space.names().iter().cloned().zip(params).collect();
            let named: BTreeMap<_, _> = named.into_iter().filter(|(_, value)| *value != Value::Missing).collect();
            format!("{named:?} {at:?} {seeds:?}")
        };
        let known: BTreeMap<String, u64> = (0..newer.len()).map(|index| (is(&newer, index), index)).collect();
        let matching = Matching::new(&older, &newer);
        for index in 0..older.len() {
            let found = matching.find(index);
            prop_assert_eq!(found.as_ref().map(|point| point.index), known.get(&is(&older, index)).copied());
            if let Some(point) = found {
                prop_assert_eq!(newer.point(point.index), Some(point));
            }
        }
    }

    #[test]
    fn a_selection_of_another_space_is_an_error(case in case(), other in case()) {
        let (Ok(space), Ok(other)) = (prepare(&case.spec), prepare(&other.spec)) else { return Ok(()) };
        let bare = Space::new(SpaceSpec { selection: None, ..space.spec().clone() });
        prop_assert_eq!(bare.is_err(), space.spec().selection.is_some());
        // Another space's selection: refused, or by chance of the same form, and then all is well defined.
        if let Ok(mixed) = Space::new(SpaceSpec { selection: other.spec().selection.clone(), ..space.spec().clone() }) {
            for index in 0..mixed.len() {
                prop_assert!(mixed.point(index).is_some());
            }
        }
    }

    #[test]
    fn a_block_split_in_parts_has_the_same_points(case in case(), at in 1..3usize) {
        let (first, last) = (case.spec.blocks[0].clone(), case.spec.blocks[case.spec.blocks.len() - 1].clone());
        let one = SpaceSpec { blocks: vec![first.clone(), last.clone()], order: NAMES.map(String::from).into(), ..case.spec };
        let mut two = SpaceSpec { blocks: vec![first.clone(), first, last], ..one.clone() };
        let Some(axis) = one.blocks[0].axes.iter().position(|axis| len(axis) > at) else { return Ok(()) };
        for (block, range) in [(0, 0..at), (1, at..len(&one.blocks[0].axes[axis]))] {
            for param in &mut two.blocks[block].axes[axis].params {
                let Values::List(values) = &mut param.values else { unreachable!() };
                *values = values[range.clone()].to_vec();
            }
        }
        two.blocks.reverse();
        let all = |spec| -> HashSet<String> {
            prepare(spec).map_or_else(|_| HashSet::new(), |space| (0..space.len()).map(|i| format!("{:?}", row(&space, i))).collect())
        };
        prop_assert_eq!(all(&one), all(&two));
    }
}

fn len(axis: &Axis) -> usize {
    match &axis.params[0].values {
        Values::List(values) => values.len(),
        Values::Range(_) => 0,
    }
}

fn range(name: &str, to: u64) -> Axis {
    let values = Values::Range(Range { from: "1".into(), to: to.to_string(), by: RangeBy::Count(to) });
    Axis { params: vec![AxisParam { name: name.into(), values }] }
}

fn list(name: &str, values: &[i64]) -> Axis {
    let values = Values::List(values.iter().copied().map(Value::Int).collect());
    Axis { params: vec![AxisParam { name: name.into(), values }] }
}

fn spec(blocks: Vec<Block>, order: &[&str]) -> SpaceSpec {
    SpaceSpec { blocks, order: order.iter().map(|name| name.to_string()).collect(), ..SpaceSpec::default() }
}

fn derived(name: &str, expression: &str) -> Derived {
    Derived { name: name.into(), expression: expression.into() }
}

#[test]
fn blocks_that_cannot_overlap_are_not_enumerated() {
    let million = 1_000_000;
    let part = |rule: &[i64]| Block {
        axes: vec![list("rule", rule), range("x", million), range("y", million)],
        random: vec![Random::plain("noise", Dist::Uniform { min: 0.0, max: 1.0 })],
        derived: vec![derived("sum", "x + y + noise")],
        ..Block::default()
    };
    let spec = spec(vec![part(&[1]), part(&[2, 3])], &["rule", "x", "y", "noise", "sum"]);
    let space = Space::prepare(SpaceSpec { draws: 1000, ..spec }, &mut |_, _| panic!("it is enumerated")).unwrap();
    assert_eq!((space.len(), space.grid_len()), (3_000_000_000_000_000, 3_000_000_000_000));
    assert!(space.spec().selection.is_none());
    for index in [0, 999_999_999_999, 1_000_000_000_000, 3_000_000_000_000, space.len() - 1] {
        assert_eq!(space.locate(&space.point(index).unwrap()), Some(index));
    }
    assert_eq!(space.point(999_999_999_999).unwrap().params[..3], [1, 1_000_000, 1_000_000].map(Value::Int));
    assert_eq!(space.point(1_000_000_000_000).unwrap().params[..3], [2, 1, 1].map(Value::Int));
}

#[test]
fn too_many_points_to_select_are_an_error() {
    let axes = vec![range("x", 1_000_000), range("y", 1_000_000)];
    let conditions = vec!["x < y".into()];
    let error = prepare(&spec(vec![Block { axes, conditions, ..Block::default() }], &["x", "y"])).unwrap_err();
    assert_eq!(error, SpaceError::TooManyToSelect { points: 1_000_000_000_000 });
}

#[test]
fn derived_parameters_follow_the_rules_of_their_version() {
    let axes =
        vec![Axis { params: vec![AxisParam { name: "a".into(), values: Values::List(vec![Value::Float(1e-5)]) }] }];
    let derived = vec![derived("text", "a ~ '!'"), derived("large", "a < 'x'")];
    let one = |version| {
        let block = Block { axes: axes.clone(), derived: derived.clone(), ..Block::default() };
        let space = Space::new(SpaceSpec { version, ..spec(vec![block], &["a", "text", "large"]) }).unwrap();
        space.point(0).unwrap()
    };
    let first = one(1);
    assert_eq!(first.params[1..], ["0.00001!".into(), Value::Bool(true)]);
    assert_eq!(first.fault, None);
    let second = one(2);
    assert_eq!(second.params[1..], ["1e-5!".into(), Value::Missing]);
    assert!(second.fault.unwrap().contains("cannot compare the number 1e-5 with the text 'x'"));
    assert_eq!((first.seed, first.seed32), (second.seed, second.seed32));
}

#[test]
fn a_failing_derived_parameter_is_a_fault_of_the_point() {
    let block = Block {
        axes: vec![list("a", &[1, 2])],
        derived: vec![derived("inverse", "6 / (a - 1)"), derived("twice", "inverse * 2")],
        ..Block::default()
    };
    let one = spec(vec![block], &["a", "inverse", "twice"]);
    let space = Space::new(one.clone()).unwrap();
    let bad = space.point(0).unwrap();
    assert_eq!(bad.params, [Value::Int(1), Value::Missing, Value::Missing]);
    assert!(bad.fault.as_ref().unwrap().contains("`6 / (a - 1)` cannot be computed: "), "{:?}", bad.fault);
    assert_eq!(space.locate(&bad), Some(0));
    let good = space.point(1).unwrap();
    assert_eq!((good.fault, &good.params[1..]), (None, &[Value::Float(6.0), Value::Float(12.0)][..]));

    let mut sieved = one;
    sieved.blocks[0].conditions = vec!["twice > 3".into()];
    let error = prepare(&sieved).unwrap_err().to_string();
    assert!(error.starts_with("the condition `twice > 3` cannot be evaluated: `6 / (a - 1)`"), "{error}");
    sieved.blocks[0].conditions = vec!["a == 1 or twice > 3".into()];
    let error = prepare(&sieved).unwrap_err().to_string();
    assert!(error.contains("`a == 1 or twice > 3` cannot be evaluated at a = 1: `6 / (a - 1)`"), "{error}");
}

#[test]
fn invalid_expressions_are_errors() {
    let with = |derived: Vec<Derived>, condition: &str| {
        let names: Vec<String> = derived.iter().map(|derived| derived.name.clone()).collect();
        let order: Vec<&str> = ["a"].into_iter().chain(names.iter().map(String::as_str)).collect();
        let conditions = vec![condition.to_owned()];
        let axes = vec![list("a", &[1, 2])];
        prepare(&spec(vec![Block { axes, derived, conditions, ..Block::default() }], &order)).unwrap_err().to_string()
    };
    let cases = [
        (with(vec![derived("x", "y"), derived("y", "x")], "true"), "`x`, `y` depend on themselves"),
        (with(vec![derived("x", "x + 1")], "true"), "`x` depend on themselves"),
        (with(vec![derived("x", "b")], "true"), "the derived parameter `x`, `b`: `b` is not a parameter"),
        (with(vec![], "seed > 1"), "`seed` cannot be used here"),
        (with(vec![], "repeat > 1"), "`repeat` cannot be used here"),
        (with(vec![], "a >"), "the condition, `a >`: cannot parse this expression"),
        (with(vec![], "a"), "it gives `1`, but must give"),
        (with(vec![], "a > 2"), "no point is left"),
        (with(vec![], "a < 'x' + 1"), "cannot be evaluated at a = 1"),
    ];
    for (error, part) in cases {
        assert!(error.contains(part), "{error}");
    }
    let chain = (0..200).map(|i| derived(&format!("x{i}"), &if i == 0 { "a".into() } else { format!("x{}", i - 1) }));
    assert!(with(chain.collect(), "true").contains("chain of more than 100"));
}

#[test]
fn adding_an_expression_changes_no_seed() {
    let plain = Block { axes: vec![list("a", &[1, 2])], ..Block::default() };
    let more = Block { derived: vec![derived("d", "a * draw")], ..plain.clone() };
    let (plain, more) = (spec(vec![plain], &["a"]), spec(vec![more], &["d", "a"]));
    let (plain, more) = (Space::new(plain).unwrap(), Space::new(more).unwrap());
    assert_eq!(plain.point(1).unwrap().seed, more.point(1).unwrap().seed);
}

#[test]
fn progress_is_reported_and_reaches_its_total() {
    let conditions = vec!["(x + draw + r) % 3 == 0".into()];
    let random = vec![Random::plain("r", Dist::Int { min: 1, max: 6 })];
    let block = Block { axes: vec![range("x", 20_000)], random, conditions, ..Block::default() };
    let mut told = Vec::new();
    let mut spec = spec(vec![block], &["x", "r"]);
    spec.draws = 3;
    let space = Space::prepare(spec, &mut |done, total| told.push((done, total))).unwrap();
    assert!(told.is_sorted() && told.len() > 3);
    assert_eq!(told.last(), Some(&(60_000, 60_000)));
    assert!((19_000..21_000).contains(&space.len()), "{}", space.len());
    let explained = &space.explain()[0];
    assert_eq!((explained.points, explained.kept, explained.has_conditions), (60_000, space.len(), true));
    let factors = [("x", 20_000), ("draws", 3)].map(|(name, factor)| (name.to_owned(), factor));
    assert_eq!(explained.factors, factors);
}
