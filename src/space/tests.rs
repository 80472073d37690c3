//! Owns the tests of spaces as a whole by example.

use super::*;
use crate::job::MAX_POINTS;
use crate::value::Value;

mod draw;
mod golden;
mod properties;
mod union;

fn count(name: &str, from: &str, to: &str, count: u64) -> Axis {
    let range = Range { from: from.into(), to: to.into(), by: RangeBy::Count(count) };
    Axis { params: vec![AxisParam { name: name.into(), values: Values::Range(range) }] }
}

fn list(name: &str, values: &[i64]) -> AxisParam {
    AxisParam { name: name.into(), values: Values::List(values.iter().map(|i| Value::Int(*i)).collect()) }
}

/// 3 sizes, 21 temperatures, a pair that moves together, and noise.
fn declared() -> SpaceSpec {
    let axes = vec![
        Axis { params: vec![list("size", &[16, 32, 64])] },
        count("temp", "1.5", "3.5", 21),
        Axis { params: vec![list("p", &[1, 1]), list("q", &[1, 2])] },
        Axis { params: vec![list("constant", &[7])] },
    ];
    let random = vec![Random::plain("noise", Dist::Uniform { min: 0.0, max: 1.0 })];
    let order = ["noise", "size", "temp", "p", "q", "constant"].map(String::from).to_vec();
    SpaceSpec {
        root_seed: 1,
        draws: 4,
        repeats: 5,
        blocks: vec![Block { axes, random, ..Block::default() }],
        order,
        ..SpaceSpec::default()
    }
}

fn printed(space: &Space, index: u64) -> Vec<String> {
    space.point(index).unwrap().params.iter().map(Value::to_string).collect()
}

#[test]
fn grid_points_run_fastest_then_draws_then_repeats() {
    let space = Space::new(declared()).unwrap();
    let grid = 3 * 21 * 2;
    assert_eq!((space.grid_len(), space.len()), (grid, grid * 4 * 5));
    assert_eq!(printed(&space, 0)[1..], ["16", "1.5", "1", "1", "7"]);
    assert_eq!(printed(&space, 1)[1..], ["16", "1.5", "1", "2", "7"]);
    assert_eq!(printed(&space, 2)[1..], ["16", "1.6", "1", "1", "7"]);
    assert_eq!(printed(&space, 42)[1..], ["32", "1.5", "1", "1", "7"]);
    let draw_and_repeat = |index| space.point(index).map(|point| (point.draw, point.repeat));
    assert_eq!(draw_and_repeat(grid - 1), Some((0, 0)));
    assert_eq!(draw_and_repeat(grid), Some((1, 0)));
    assert_eq!(draw_and_repeat(4 * grid), Some((0, 1)));
    assert_eq!(draw_and_repeat(20 * grid - 1), Some((3, 4)));
    // Repeats of a draw have its random values, and seeds of their own.
    let (first, second) = (space.point(0).unwrap(), space.point(4 * grid).unwrap());
    assert_eq!(first.params, second.params);
    assert_ne!((first.seed, first.seed32), (second.seed, second.seed32));
    assert_ne!(printed(&space, 0)[0], printed(&space, grid)[0]);
}

#[test]
fn factors_explain_the_number_of_points() {
    let named = |factors: &[(&str, u64)]| factors.iter().map(|(name, n)| (name.to_string(), *n)).collect::<Vec<_>>();
    let space = Space::new(declared()).unwrap();
    let factors = [("size", 3), ("temp", 21), ("p+q", 2), ("draws", 4), ("repeats", 5)];
    assert_eq!(space.factors(), named(&factors));
    let only_a_constant = SpaceSpec {
        draws: 1,
        repeats: 1,
        blocks: vec![Block { axes: declared().blocks[0].axes.split_off(3), ..Block::default() }],
        order: vec!["constant".into()],
        ..declared()
    };
    assert_eq!(Space::new(only_a_constant.clone()).unwrap().factors(), named(&[("constant", 1)]));
    let nothing = SpaceSpec { blocks: vec![Block::default()], order: vec![], ..only_a_constant };
    let nothing = Space::new(nothing).unwrap();
    assert_eq!((nothing.len(), nothing.factors()), (1, named(&[("repeats", 1)])));
}

#[test]
fn a_point_read_from_text_is_located() {
    let space = Space::new(declared()).unwrap();
    for index in [0, 77, 1000, space.len() - 1] {
        let mut point = space.point(index).unwrap();
        point.params = point.params.iter().map(|value| Value::Text(value.to_string())).collect();
        assert_eq!(space.locate(&point), Some(index));
        point.params[2] = "1.55".into();
        assert_eq!(space.locate(&point), None);
    }
}

#[test]
fn huge_spaces_work_at_their_ends() {
    let axes = vec![
        count("a", "0.0", "1.0", 100_001),
        count("b", "1", "100000", 100_000),
        Axis { params: vec![list("c", &[1, 2, 3])] },
    ];
    let random = vec![Random::plain("x", Dist::Normal { mean: 0.0, sd: 1.0 })];
    let order = ["a", "b", "c", "x"].map(String::from).to_vec();
    let spec = SpaceSpec {
        root_seed: 1,
        draws: 10,
        repeats: 30_000,
        blocks: vec![Block { axes, random, ..Block::default() }],
        order,
        ..SpaceSpec::default()
    };
    let space = Space::new(spec).unwrap();
    assert_eq!(space.len(), 9_000_090_000_000_000);
    for index in [0, 1, 30_000_299_999, 30_000_300_000, space.len() / 2, space.len() - 2, space.len() - 1] {
        let point = space.point(index).unwrap();
        assert_eq!((point.index, space.locate(&point)), (index, Some(index)));
    }
    assert_eq!(printed(&space, space.len() - 1)[..3], ["1.0", "100000", "3"]);
    assert_eq!(space.point(space.len()), None);
}

#[test]
fn the_maximum_number_of_points_is_accepted() {
    let with_count = |n: u64| SpaceSpec {
        draws: 1,
        repeats: 1 << 10,
        blocks: vec![Block { axes: vec![count("i", "0", &(n - 1).to_string(), n)], ..Block::default() }],
        order: vec!["i".into()],
        ..declared()
    };
    let most = Space::new(with_count(1 << 43)).unwrap();
    assert_eq!(most.len(), MAX_POINTS);
    assert_eq!(most.locate(&most.point(MAX_POINTS - 1).unwrap()), Some(MAX_POINTS - 1));
    let error = Space::new(with_count((1 << 43) + 1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the sweep would have 9007199254742016 points (i 8796093022209 × repeats 1024); the maximum is \
         9007199254740992 (2^53)"
    );
    assert_eq!(error.remedy(), Some("use fewer values, draws or repeats"));
}

/// An overflow of 64 bits, which would be a small number or zero, is seen.
#[test]
fn more_than_2_to_the_64_points_are_an_error_with_the_exact_number() {
    let axes = ["a", "b", "c"].map(|name| count(name, "0", "4294967295", 1 << 32)).to_vec();
    let order = ["a", "b", "c"].map(String::from).to_vec();
    let spec =
        SpaceSpec { draws: 1, repeats: 1, blocks: vec![Block { axes, ..Block::default() }], order, ..declared() };
    let SpaceError::TooManyPoints { product, .. } = Space::new(spec).unwrap_err() else { panic!("another error") };
    assert_eq!(product, (1_u128 << 96).to_string());
}

/// What a change to the declaration makes of it.
fn error_of(change: impl FnOnce(&mut SpaceSpec)) -> String {
    let mut spec = declared();
    change(&mut spec);
    Space::new(spec).unwrap_err().to_string()
}

#[test]
fn inconsistent_specifications_are_errors() {
    let message = error_of(|spec| spec.version = 3);
    assert!(message.contains("version 3 of the parameter space"), "{message}");
    let message = error_of(|spec| spec.blocks[0].axes[2].params[1] = list("q", &[1, 2, 3]));
    assert_eq!(message, "the values of parameter `p+q`: their numbers differ (p has 2, q has 3)");
    let message = error_of(|spec| spec.blocks[0].axes[2].params[1] = list("q", &[1, 1]));
    assert_eq!(message, "the values of parameter `p+q`: values 1 and 2 are the same: 1, 1");
    let message = error_of(|spec| spec.blocks[0].axes[0].params[0] = list("size", &[]));
    assert_eq!(message, "the values of parameter `size`: the list is empty");
    let message = error_of(|spec| spec.blocks[0].axes[1] = count("temp", "1.5", "x", 3));
    assert_eq!(message, "the values of parameter `temp`: `x` is not a decimal number");
    let message = error_of(|spec| spec.blocks[0].random[0].dist = Dist::Permutation { of: 0 });
    assert!(message.starts_with("the distribution of parameter `noise`: `of` must be at least 1"), "{message}");
    for change in [
        |spec: &mut SpaceSpec| spec.draws = 0,
        |spec: &mut SpaceSpec| spec.repeats = 0,
        |spec: &mut SpaceSpec| spec.blocks[0].axes[0].params.clear(),
        |spec: &mut SpaceSpec| spec.blocks[0].random[0].name = "size".into(),
        |spec: &mut SpaceSpec| spec.order.truncate(2),
        |spec: &mut SpaceSpec| spec.order[0] = "other".into(),
        |spec: &mut SpaceSpec| spec.order.push("size".into()),
    ] {
        let mut spec = declared();
        change(&mut spec);
        assert!(matches!(Space::new(spec), Err(SpaceError::Shape(_))));
    }
}
