//! What holds for every merge of values.

use std::cell::Cell;
use std::collections::BTreeSet;

use portion::{Format, Fragment, Merged, Number, Value, merge_values};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{plain, string};

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        (0u8..6).prop_map(|n| Value::Number(Number::new(n.to_string()))),
        prop::sample::select(vec![
            "1",
            "true",
            "text",
            "a longer text",
            "one\ntwo\nthree\n",
            "one\n2\nthree\n",
            "2001-01-01"
        ])
        .prop_map(|text| Value::String(text.to_owned())),
    ]
}

pub(crate) fn value() -> impl Strategy<Value = Value> {
    let inner = leaf().prop_recursive(3, 20, 5, |inner| {
        let named = (0u8..5, inner.clone()).prop_map(|(id, inner)| {
            let id = Value::Number(Number::new(id.to_string()));
            Value::Map(vec![("id".to_owned(), id), ("v".to_owned(), inner)])
        });
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Sequence),
            prop::collection::vec(named, 1..4).prop_map(Value::Sequence),
            map(inner),
        ]
    });
    map(inner)
}

fn map(inner: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-e]", inner, 0..5).prop_map(|map| Value::Map(map.into_iter().collect()))
}

/// The kind of edit that moves an item.
const MOVE: u8 = 2;
/// The kind of edit that renames a key.
const RENAME: u8 = 5;

/// An edit: where (of all places), what kind, and what comes.
pub(crate) type Edit = (prop::sample::Index, u8, Value);

pub(crate) fn edits() -> impl Strategy<Value = Vec<Edit>> {
    prop::collection::vec((any::<prop::sample::Index>(), 0u8..6, prop_oneof![3 => leaf(), 1 => value()]), 0..4)
}

/// How many containers a value has.
fn containers(value: &Value) -> usize {
    match value {
        Value::Map(members) => 1 + members.iter().map(|(_, value)| containers(value)).sum::<usize>(),
        Value::Sequence(items) => 1 + items.iter().map(containers).sum::<usize>(),
        _ => 0,
    }
}

/// Edits the container with that number.
fn edit(value: &mut Value, number: &mut usize, (at, kind, new): &Edit) {
    let here = *number == 0 && value.is_container();
    *number = number.wrapping_sub(usize::from(value.is_container()));
    match value {
        Value::Map(members) if here => {
            let at = at.index(members.len().max(1));
            match kind {
                0 if !members.is_empty() => drop(members.remove(at)),
                1 if !members.is_empty() => members[at].1 = new.clone(),
                // Renamed.
                &RENAME if !members.is_empty() => {
                    let (key, value) = members.remove(at);
                    let free = ["f", "g", "h"].into_iter().find(|free| members.iter().all(|(known, _)| known != free));
                    members.push((free.map_or(key, str::to_owned), value));
                }
                _ => {
                    let key = ["a", "c", "n", "m"][usize::from(*kind) % 4];
                    if members.iter().all(|(known, _)| known != key) {
                        members.push((key.to_owned(), new.clone()));
                    }
                }
            }
        }
        Value::Sequence(items) if here => {
            let place = at.index(items.len() + 1);
            let at = at.index(items.len().max(1));
            match kind {
                0 if !items.is_empty() => drop(items.remove(at)),
                1 if !items.is_empty() => items[at] = new.clone(),
                &MOVE if !items.is_empty() => {
                    let item = items.remove(at);
                    items.insert(0, item);
                }
                _ => items.insert(place, new.clone()),
            }
        }
        Value::Map(members) => members.iter_mut().for_each(|(_, value)| {
            if *number < usize::MAX / 2 {
                edit(value, number, &(*at, *kind, new.clone()));
            }
        }),
        Value::Sequence(items) => items.iter_mut().for_each(|value| {
            if *number < usize::MAX / 2 {
                edit(value, number, &(*at, *kind, new.clone()));
            }
        }),
        _ => {}
    }
}

pub(crate) fn edited(base: &Value, edits: &[Edit]) -> Value {
    let mut out = base.clone();
    for change in edits {
        let mut number = change.0.index(containers(&out));
        edit(&mut out, &mut number, change);
    }
    out
}

/// How many merges there were, and how many were clean.
#[derive(Default)]
pub(crate) struct Tally {
    all: Cell<usize>,
    clean: Cell<usize>,
}

impl Tally {
    pub(crate) fn count(&self, is_clean: bool) {
        self.all.set(self.all.get() + 1);
        self.clean.set(self.clean.get() + usize::from(is_clean));
    }
}

/// Tries a law. Of a hundred merges at least ten clash and at least ten are clean, or the law would say little.
pub(crate) fn run<S: Strategy>(cases: u32, strategy: S, law: impl Fn(S::Value, &Tally) -> Result<(), TestCaseError>) {
    let tally = Tally::default();
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    if let Err(error) = TestRunner::new(config).run(&strategy, |value| law(value, &tally)) {
        panic!("{error}");
    }
    let (all, clean) = (tally.all.get(), tally.clean.get());
    assert!(clean * 10 >= all && (all - clean) * 10 >= all, "{clean} of {all} merges are clean");
}

/// All keys, and all scalars, of a value.
fn parts(value: &Value, out: &mut BTreeSet<String>) {
    match value {
        Value::Map(members) => members.iter().for_each(|(key, value)| {
            out.insert(format!("key {key}"));
            parts(value, out);
        }),
        Value::Sequence(items) => items.iter().for_each(|item| parts(item, out)),
        // A text of several lines may be put together from two.
        Value::String(text) => out.extend(text.lines().map(|line| format!("line {line}"))),
        scalar => drop(out.insert(format!("{scalar:?}"))),
    }
}

#[test]
fn values() {
    run(2000, (value(), edits(), edits()), |(base, ours, theirs), tally| {
        let (ours, theirs) = (edited(&base, &ours), edited(&base, &theirs));
        let merge = |base, ours, theirs| {
            let (value, clashes) = merge_values(base, ours, theirs);
            if clashes.is_empty() { Ok(value) } else { Err(clashes) }
        };
        prop_assert_eq!(merge(&base, &base, &theirs), Ok(theirs.clone()));
        prop_assert_eq!(merge(&base, &ours, &base), Ok(ours.clone()));
        prop_assert_eq!(merge(&base, &ours, &ours), Ok(ours.clone()));
        let merged = merge(&base, &ours, &theirs);
        let turned = merge(&base, &theirs, &ours);
        match (&merged, &turned) {
            (Ok(merged), Ok(turned)) => prop_assert_eq!(merged, turned),
            (Err(clashes), Err(turned)) => prop_assert_eq!(clashes.len(), turned.len()),
            _ => prop_assert!(false, "{:?} and {:?}", merged, turned),
        }
        tally.count(merged.is_ok());
        if let Ok(merged) = merged {
            // Nothing is invented.
            let (mut known, mut found) = (BTreeSet::new(), BTreeSet::new());
            [&base, &ours, &theirs].into_iter().for_each(|value| parts(value, &mut known));
            parts(&merged, &mut found);
            prop_assert!(found.is_subset(&known), "{:?}", found.difference(&known).collect::<Vec<_>>());
        }
        Ok(())
    });
}

/// Gives every scalar a text of its own, names of items apart.
fn labelled(value: &mut Value, label: &str, number: &mut usize) {
    match value {
        Value::Map(members) => {
            members.iter_mut().filter(|(key, _)| key != "id").for_each(|(_, value)| labelled(value, label, number));
        }
        Value::Sequence(items) => items.iter_mut().for_each(|item| labelled(item, label, number)),
        scalar => {
            *number += 1;
            *scalar = Value::String(format!("{label} {number} says it"));
        }
    }
}

fn labels(value: &Value) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    parts(value, &mut all);
    all.retain(|part| part.ends_with("says it"));
    all
}

/// What stands on both sides, and what one side added, is in a clean merge; what one side removed is not.
#[test]
fn no_edit_is_lost() {
    run(2000, (value(), edits(), edits()), |(mut base, mut ours, mut theirs), tally| {
        labelled(&mut base, "base", &mut 0);
        for (edits, label) in [(&mut ours, "ours"), (&mut theirs, "theirs")] {
            let mut number = 0;
            edits.iter_mut().for_each(|(_, _, new)| labelled(new, label, &mut number));
        }
        // What is renamed (or moved) and edited at once is something else; it stays where the other side removed what it was.
        let renames = ours.iter().chain(&theirs).any(|(_, kind, _)| [MOVE, RENAME].contains(kind));
        let (ours, theirs) = (edited(&base, &ours), edited(&base, &theirs));
        let (merged, clashes) = merge_values(&base, &ours, &theirs);
        tally.count(clashes.is_empty());
        if clashes.is_empty() {
            let shown = [&base, &ours, &theirs].map(|value| string(&Format::Json.render(value).unwrap()));
            let [base, ours, theirs, merged] = [&base, &ours, &theirs, &merged].map(labels);
            let mut expected = &ours & &theirs;
            expected.extend(ours.difference(&base).chain(theirs.difference(&base)).cloned());
            prop_assert!(merged.is_superset(&expected), "{:?} {:?}", merged, expected);
            prop_assert!(
                renames || merged == expected,
                "{:?} {:?}\n{}\n{}\n{}",
                merged,
                expected,
                shown[0],
                shown[1],
                shown[2]
            );
        }
        Ok(())
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Edits of different keys always merge, and both are there.
    #[test]
    fn different_keys(
        base in prop::collection::btree_map("[a-h]", value(), 0..8),
        ours in prop::collection::btree_map("[a-d]", prop::option::of(leaf()), 0..4),
        theirs in prop::collection::btree_map("[e-h]", prop::option::of(leaf()), 0..4),
    ) {
        let with = |edits: &[&std::collections::BTreeMap<String, Option<Value>>]| {
            let mut map = base.clone();
            for (key, value) in edits.iter().flat_map(|edits| edits.iter()) {
                match value {
                    Some(value) => drop(map.insert(key.clone(), value.clone())),
                    None => drop(map.remove(key)),
                }
            }
            Value::Map(map.into_iter().collect())
        };
        let values = [with(&[]), with(&[&ours]), with(&[&theirs])];
        let expected = with(&[&ours, &theirs]);
        prop_assert_eq!(merge_values(&values[0], &values[1], &values[2]), (expected.clone(), Vec::new()));
        for format in [Format::Json, Format::Toml, Format::Yaml] {
            let fragment = |value: &Value| Fragment { format, text: format.render(value).unwrap() };
            let [base, ours, theirs] = [0, 1, 2].map(|at| fragment(&values[at]));
            match plain(&base, &ours, &theirs) {
                Ok(Merged::Clean(merged)) => prop_assert_eq!(format.value(&merged.text).unwrap(), expected.clone()),
                other => prop_assert!(false, "{} {:?}", format, other),
            }
        }
    }
}
