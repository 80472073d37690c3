//! Owns the tests of what holds for every space.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use crate::job::MAX_POINTS;
use crate::space::*;
use crate::value::Value;

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::Int),
        (-20..20i64).prop_map(Value::Int),
        any::<f64>().prop_map(Value::Float),
        any::<bool>().prop_map(Value::Bool),
        "[a-c0-9 ,]{0,4}".prop_map(Value::Text),
        Just(Value::Missing),
    ]
}

fn range() -> impl Strategy<Value = Range> {
    let by = prop_oneof![
        (1..7u64).prop_map(RangeBy::Count),
        (1..7u64).prop_map(RangeBy::LogCount),
        (1..9u32).prop_map(|step| RangeBy::Step(format!("0.{step}"))),
    ];
    (1..50u32, 51..60u32, by).prop_map(|(from, to, by)| {
        let to = if matches!(by, RangeBy::Step(_)) { format!("{}.5", from + 1) } else { to.to_string() };
        Range { from: from.to_string(), to, by }
    })
}

fn dist() -> impl Strategy<Value = Dist> {
    prop_oneof![
        (-5.0..0.0, 0.1..5.0).prop_map(|(min, max)| Dist::Uniform { min, max }),
        (0.1..1.0, 2.0..5.0).prop_map(|(min, max)| Dist::LogUniform { min, max }),
        (-5..5i64, 0..9i64).prop_map(|(min, more)| Dist::Int { min, max: min + more }),
        (-5.0..5.0, 0.1..5.0).prop_map(|(mean, sd)| Dist::Normal { mean, sd }),
        prop::collection::vec((value(), 0.1..3.0), 1..4).prop_map(|choices| {
            let (values, weights) = choices.into_iter().unzip();
            Dist::Choice { values, weights: Some(weights) }
        }),
        (1..6u32).prop_map(|of| Dist::Permutation { of }),
    ]
}

/// Rows of one or two values, all different.
fn list_axis() -> impl Strategy<Value = Vec<Values>> {
    let rows = |width| prop::collection::vec(prop::collection::vec(value(), width), 1..5);
    (1..3usize).prop_flat_map(rows).prop_map(|mut rows| {
        let mut seen = Vec::<Vec<Value>>::new();
        rows.retain(|row| {
            let is_new = !seen.iter().any(|other| row.iter().zip(other).all(|(a, b)| a.same_as(b)));
            seen.push(row.clone());
            is_new
        });
        let width = rows[0].len();
        (0..width).map(|column| Values::List(rows.iter().map(|row| row[column].clone()).collect())).collect()
    })
}

/// A small space that is well formed, its parameters named a0, a1, … and r0, r1, …
fn space() -> impl Strategy<Value = SpaceSpec> {
    let axis = prop_oneof![3 => list_axis(), 1 => range().prop_map(|range| vec![Values::Range(range)])];
    let parts = (prop::collection::vec(axis, 0..4), prop::collection::vec(dist(), 0..4));
    (parts, any::<u64>(), 1..4u64, 1..4u64).prop_map(|((axes, dists), root_seed, draws, repeats)| {
        let mut count = 0;
        let mut name = || {
            count += 1;
            format!("a{}", count - 1)
        };
        let params =
            |values: Vec<Values>| values.into_iter().map(|values| AxisParam { name: name(), values }).collect();
        let axes: Vec<Axis> = axes.into_iter().map(params).map(|params| Axis { params }).collect();
        let random = |(i, dist)| Random::plain(format!("r{i}"), dist);
        let random = dists.into_iter().enumerate().map(random).collect();
        with_order(SpaceSpec {
            root_seed,
            draws,
            repeats,
            blocks: vec![Block { axes, random, ..Block::default() }],
            ..SpaceSpec::default()
        })
    })
}

fn with_order(mut spec: SpaceSpec) -> SpaceSpec {
    let on_axes = spec.blocks[0].axes.iter().flat_map(|axis| &axis.params).map(|param| param.name.clone());
    spec.order = on_axes.chain(spec.blocks[0].random.iter().map(|random| random.name.clone())).collect();
    spec
}

/// What a point is, wherever it stands: names and printed values (of the given names), draw and repeat.
type Identity = (Vec<(String, String)>, u64, u64);

/// Every point's seeds, by what it is.
fn seeds_by_identity(space: &Space, names: &[String]) -> HashMap<Identity, (u64, u32)> {
    let point = |i| {
        let point = space.point(i).unwrap();
        let named = space.names().iter().zip(&point.params).filter(|(name, _)| names.contains(name));
        let mut params: Vec<_> = named.map(|(name, value)| (name.clone(), format!("{value:?} {value}"))).collect();
        params.sort();
        ((params, point.draw, point.repeat), (point.seed, point.seed32))
    };
    (0..space.len()).map(point).collect()
}

/// Asserts that every point of the old space is in the new one, with its values and seeds.
fn assert_keeps(old: &SpaceSpec, new: SpaceSpec) -> Result<(), TestCaseError> {
    let (old, new) = (Space::new(old.clone()).unwrap(), Space::new(with_order(new)).unwrap());
    let kept = seeds_by_identity(&new, old.names());
    for (identity, seeds) in seeds_by_identity(&old, old.names()) {
        prop_assert_eq!(kept.get(&identity), Some(&seeds), "{:?}", identity);
    }
    Ok(())
}

proptest! {
    // Every case walks through a whole space or two.
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn points_and_indices_correspond(spec in space()) {
        let space = Space::new(spec).unwrap();
        for i in 0..space.len() {
            let point = space.point(i).unwrap();
            prop_assert_eq!((point.index, point.params.len()), (i, space.names().len()));
            prop_assert!((1..1 << 53).contains(&point.seed) && (1..1 << 31).contains(&point.seed32));
            prop_assert_eq!(space.locate(&Point { index: u64::MAX, ..point }), Some(i));
        }
        for beyond in [space.len(), space.len() + 1, u64::MAX] {
            prop_assert_eq!(space.point(beyond), None);
        }
    }

    #[test]
    fn no_two_points_are_the_same(spec in space()) {
        let space = Space::new(spec).unwrap();
        let on_axes: Vec<String> = space.spec().blocks[0].axes.iter().flat_map(|a| &a.params).map(|p| p.name.clone()).collect();
        prop_assert_eq!(seeds_by_identity(&space, &on_axes).len() as u64, space.len());
        let seeds: HashSet<u64> = (0..space.len()).map(|i| space.point(i).unwrap().seed).collect();
        prop_assert_eq!(seeds.len() as u64, space.len());
    }

    #[test]
    fn a_different_point_is_not_located(spec in space(), at: u64, other in value()) {
        let space = Space::new(spec).unwrap();
        let point = space.point(at % space.len()).unwrap();
        prop_assert_eq!(space.locate(&Point { seed: point.seed ^ 1, ..point.clone() }), None);
        prop_assert_eq!(space.locate(&Point { repeat: space.spec().repeats, ..point.clone() }), None);
        prop_assert_eq!(space.locate(&Point { draw: space.spec().draws, ..point.clone() }), None);
        for i in 0..point.params.len() {
            let mut changed = point.clone();
            changed.params[i] = other.clone();
            if !other.same_as(&point.params[i]) {
                // Another point's value, perhaps, but then the seed is another.
                prop_assert_eq!(space.locate(&changed), None);
            }
            changed.params.remove(i);
            prop_assert_eq!(space.locate(&changed), None);
        }
    }

    #[test]
    fn more_repeats_and_draws_keep_the_points(spec in space(), repeats in 0..3u64, draws in 0..3u64) {
        let new = SpaceSpec { repeats: spec.repeats + repeats, draws: spec.draws + draws, ..spec.clone() };
        assert_keeps(&spec, new)?;
    }

    #[test]
    fn reordering_keeps_the_points(spec in space(), key: usize) {
        let mut new = spec.clone();
        new.blocks[0].axes.reverse();
        new.blocks[0].random.reverse();
        for axis in &mut new.blocks[0].axes {
            axis.params.reverse();
            for param in &mut axis.params {
                if let Values::List(values) = &mut param.values {
                    let by = key % values.len();
                    values.rotate_left(by);
                }
            }
        }
        assert_keeps(&spec, new.clone())?;
        assert_keeps(&new, spec)?;
    }

    #[test]
    fn adding_a_value_keeps_the_points(spec in space(), axis: prop::sample::Index) {
        prop_assume!(!spec.blocks[0].axes.is_empty());
        let mut new = spec.clone();
        for param in &mut new.blocks[0].axes[axis.index(spec.blocks[0].axes.len())].params {
            match &mut param.values {
                Values::List(values) => values.insert(0, "new value".into()),
                Values::Range(range) => match &mut range.by {
                    RangeBy::Count(n) | RangeBy::LogCount(n) => *n = if *n > 1 { 2 * *n - 1 } else { 1 },
                    RangeBy::Step(_) => range.to = "100".into(),
                },
            }
        }
        assert_keeps(&spec, new)?;
    }

    #[test]
    fn adding_a_random_parameter_keeps_the_points(spec in space(), dist in dist(), first: bool) {
        let mut new = spec.clone();
        let place = if first { 0 } else { new.blocks[0].random.len() };
        new.blocks[0].random.insert(place, Random::plain("another", dist));
        assert_keeps(&spec, new)?;
    }

    #[test]
    fn columns_have_the_specified_order(spec in space()) {
        let plain = Space::new(spec.clone()).unwrap();
        let mut turned = spec;
        turned.order.reverse();
        let turned = Space::new(turned).unwrap();
        for i in 0..plain.len() {
            let mut point = turned.point(i).unwrap();
            point.params.reverse();
            // Compared as text: NaN is no reason to differ.
            prop_assert_eq!(format!("{point:?}"), format!("{:?}", plain.point(i).unwrap()));
        }
    }
}

/// Any space, well formed or not.
fn any_space() -> impl Strategy<Value = SpaceSpec> {
    let name = || "[abc]";
    let any_range = ("[0-9.e-]{0,4}", "[0-9.e-]{0,4}", 0..3usize, any::<u64>(), "[0-9.e-]{0,3}").prop_map(
        |(from, to, kind, count, step)| {
            let by =
                [RangeBy::Count(count), RangeBy::LogCount(count), RangeBy::Step(step)].into_iter().nth(kind).unwrap();
            Range { from, to, by }
        },
    );
    let any_range = prop_oneof![any_range, range()];
    let values =
        prop_oneof![prop::collection::vec(value(), 0..3).prop_map(Values::List), any_range.prop_map(Values::Range)];
    let param = (name(), values).prop_map(|(name, values)| AxisParam { name, values });
    let axis = prop::collection::vec(param, 0..3).prop_map(|params| Axis { params });
    let weights = prop::option::of(prop::collection::vec(prop_oneof![any::<f64>(), 0.0..1.0], 0..3));
    let any_dist = prop_oneof![
        (any::<f64>(), any::<f64>()).prop_map(|(min, max)| Dist::Uniform { min, max }),
        (any::<f64>(), any::<f64>()).prop_map(|(min, max)| Dist::LogUniform { min, max }),
        (any::<i64>(), any::<i64>()).prop_map(|(min, max)| Dist::Int { min, max }),
        (any::<f64>(), any::<f64>()).prop_map(|(mean, sd)| Dist::Normal { mean, sd }),
        (prop::collection::vec(value(), 0..3), weights).prop_map(|(values, weights)| Dist::Choice { values, weights }),
        prop_oneof![0..9u32, Just(u32::MAX)].prop_map(|of| Dist::Permutation { of }),
    ];
    let random = (name(), any_dist).prop_map(|(name, dist)| Random::plain(name, dist));
    let count = || prop_oneof![Just(1), 0..9u64, any::<u64>()];
    let parts = (prop::collection::vec(axis, 0..3), prop::collection::vec(random, 0..3));
    (0..3u32, any::<u64>(), count(), count(), parts, any::<bool>()).prop_map(
        |(version, root_seed, draws, repeats, (axes, random), ordered)| {
            let spec = SpaceSpec {
                version,
                root_seed,
                draws,
                repeats,
                blocks: vec![Block { axes, random, ..Block::default() }],
                order: vec!["a".into()],
                ..SpaceSpec::default()
            };
            if ordered { with_order(spec) } else { spec }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn no_space_panics(spec in any_space()) {
        if let Ok(space) = Space::new(spec) {
            prop_assert!((1..=MAX_POINTS).contains(&space.len()));
            for i in [0, space.len() / 2, space.len() - 1] {
                let point = space.point(i).unwrap();
                prop_assert_eq!(space.locate(&point), Some(i));
            }
        }
    }
}
