//! What must be done to a standing value so that it becomes another, key by key.

use std::collections::HashSet;
use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::Value;

/// One step. Steps are applied in their order, and each path is right at its own turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// Tokens from the root of the value.
    pub(crate) path: Vec<String>,
    /// What to do there.
    pub(crate) action: Action,
}

/// What to do at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Something else stands there afterwards. Scalars are coerced already ([`Value::coerced`]).
    Replace(Value),
    /// Nothing stands there: a new member at the map's end, or a new item of a sequence *before* the one that now has this
    /// index (at its end, if the index is the length).
    Insert(Value),
    /// The member or item goes; items behind it move up.
    Remove,
}

/// The steps from `standing` to `wanted`. What agrees is not touched. Members that stay keep their order. Items of a sequence are
/// matched by what they are called ([`IDENTIFYING`]), or by what they are, so that what stands beside one, such as a comment, stays with it.
pub(crate) fn changes(standing: &Value, wanted: &Value) -> Vec<Change> {
    let mut out = Vec::new();
    walk(standing, wanted, &mut Vec::new(), &mut out);
    out
}

fn walk(standing: &Value, wanted: &Value, path: &mut Vec<String>, out: &mut Vec<Change>) {
    match (standing, wanted) {
        (Value::Map(old), Value::Map(new)) => maps(old, new, path, out),
        (Value::Sequence(old), Value::Sequence(new)) => sequences(old, new, path, out),
        _ if standing.agrees(wanted) => {}
        _ => out.push(Change { path: path.clone(), action: Action::Replace(wanted.coerced(standing).into_owned()) }),
    }
}

fn maps(old: &[(String, Value)], new: &[(String, Value)], path: &mut Vec<String>, out: &mut Vec<Change>) {
    let find = |members: &[(String, Value)]| {
        let mut sorted: Vec<usize> = (0..members.len()).collect();
        sorted.sort_by(|a, b| members[*a].0.cmp(&members[*b].0));
        sorted
    };
    let (old_sorted, new_sorted) = (find(old), find(new));
    let lookup = |members: &[(String, Value)], sorted: &[usize], key: &str| {
        sorted.binary_search_by(|at| members[*at].0.as_str().cmp(key)).ok().map(|at| sorted[at])
    };
    let step = |key: &String, action: Action| {
        let mut path = path.clone();
        path.push(key.clone());
        Change { path, action }
    };
    // New members come before old ones go, so that the container shows its style to them.
    let mut gone = Vec::new();
    let mut kept = Vec::new();
    for (key, value) in old {
        match lookup(new, &new_sorted, key) {
            Some(at) => kept.push((key, value, &new[at].1)),
            None => gone.push(step(key, Action::Remove)),
        }
    }
    let is_new = |key: &String| lookup(old, &old_sorted, key).is_none();
    let added: Vec<Change> = new
        .iter()
        .filter(|(key, _)| is_new(key))
        .map(|(key, value)| step(key, Action::Insert(value.clone())))
        .collect();
    for (key, value, wanted) in kept {
        path.push(key.clone());
        walk(value, wanted, path, out);
        path.pop();
    }
    out.extend(added);
    out.extend(gone);
}

fn sequences(old: &[Value], new: &[Value], path: &mut Vec<String>, out: &mut Vec<Change>) {
    let identity = identity([old, new]);
    let shorter = old.len().min(new.len());
    let head = old.iter().zip(new).take_while(|(a, b)| a.agrees(b)).count();
    let tail = old.iter().rev().zip(new.iter().rev()).take(shorter - head).take_while(|(a, b)| a.agrees(b)).count();
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);
    let mut anchors = match identity {
        Some(key) => by_identity(&old[head..old_end], &new[head..new_end], key),
        None => by_equality(&old[head..old_end], &new[head..new_end]),
    };
    anchors.iter_mut().for_each(|(at, place)| (*at, *place) = (*at + head, *place + head));
    // From the back, so that an index is right at its own turn.
    let (mut old_end, mut new_end) = (old_end, new_end);
    while let Some((at, place)) = anchors.pop() {
        gap(old, new, (at + 1..old_end, place + 1..new_end), identity.is_some(), path, out);
        item((at, &old[at]), &new[place], path, out);
        (old_end, new_end) = (at, place);
    }
    gap(old, new, (head..old_end, head..new_end), identity.is_some(), path, out);
}

fn item((at, old): (usize, &Value), new: &Value, path: &mut Vec<String>, out: &mut Vec<Change>) {
    path.push(at.to_string());
    walk(old, new, path, out);
    path.pop();
}

/// What stands between two items that stay: as many are edited in their places. What has a name of its own is no other item, unless one
/// alone got another name.
fn gap(
    old: &[Value],
    new: &[Value],
    (at, to): (Range<usize>, Range<usize>),
    is_named: bool,
    path: &mut Vec<String>,
    out: &mut Vec<Change>,
) {
    let paired = if is_named && (at.len() != to.len() || at.len() > 1) { 0 } else { at.len().min(to.len()) };
    for (at, to) in at.clone().zip(to.clone()).take(paired) {
        item((at, &old[at]), &new[to], path, out);
    }
    let step = |at: usize, action: Action| {
        let mut path = path.clone();
        path.push(at.to_string());
        Change { path, action }
    };
    // What comes is behind what goes, which shows it how it is written.
    let come = new[to].iter().skip(paired).enumerate();
    out.extend(come.map(|(count, value)| step(at.end + count, Action::Insert(value.clone()))));
    out.extend((at.start + paired..at.end).rev().map(|at| step(at, Action::Remove)));
}

/// Keys by which the maps of a list may be told apart, the first that fits.
pub(crate) const IDENTIFYING: [&str; 3] = ["id", "name", "key"];

/// Whether every item of all lists is a map that has a scalar under this key.
pub(crate) fn is_told_by<const N: usize>(lists: [&[Value]; N], key: &str) -> bool {
    let is_told =
        |item: &Value| matches!(item, Value::Map(_)) && item.child(key).is_some_and(|value| value.as_text().is_some());
    lists.iter().all(|list| list.iter().all(is_told)) && lists.iter().any(|list| !list.is_empty())
}

/// What an item is called, under a key that tells it apart.
fn name<'a>(item: &'a Value, key: &str) -> Option<&'a str> {
    item.child(key).and_then(Value::as_text)
}

/// The key that tells the items of each list apart.
fn identity(lists: [&[Value]; 2]) -> Option<&'static str> {
    let is_distinct = |key: &str| {
        lists.iter().all(|list| {
            let mut seen = HashSet::new();
            list.iter().all(|item| seen.insert(name(item, key)))
        })
    };
    IDENTIFYING.into_iter().find(|key| is_told_by(lists, key) && is_distinct(key))
}

/// Items that stay in their order, by their names: pairs of indices, increasing.
fn by_identity(old: &[Value], new: &[Value], key: &str) -> Vec<(usize, usize)> {
    let names = |list: &[Value]| list.iter().map(|item| name(item, key).map(str::to_owned)).collect::<Vec<_>>();
    let ops = capture_diff_slices(Algorithm::Myers, &names(old), &names(new));
    let equal = ops.into_iter().filter(|op| matches!(op, DiffOp::Equal { .. }));
    equal.flat_map(|op| op.old_range().zip(op.new_range())).collect()
}

/// So many comparisons are made to find out which items of two lists stay; longer ones are taken item by item.
const MAX_COMPARED: usize = 1 << 16;

/// Items that stay: a longest common subsequence, as pairs of indices, increasing.
fn by_equality(old: &[Value], new: &[Value]) -> Vec<(usize, usize)> {
    let width = new.len() + 1;
    if old.len().saturating_mul(new.len()) > MAX_COMPARED {
        return Vec::new();
    }
    let equal: Vec<bool> = old.iter().flat_map(|old| new.iter().map(|new| old.agrees(new))).collect();
    let is_equal = |at: usize, place: usize| equal[at * new.len() + place];
    // The longest from each pair of indices on.
    let mut longest = vec![0_u32; (old.len() + 1) * width];
    for at in (0..old.len()).rev() {
        for place in (0..new.len()).rev() {
            longest[at * width + place] = match is_equal(at, place) {
                true => longest[(at + 1) * width + place + 1] + 1,
                false => longest[(at + 1) * width + place].max(longest[at * width + place + 1]),
            };
        }
    }
    let (mut at, mut place, mut pairs) = (0, 0, Vec::new());
    while at < old.len() && place < new.len() {
        if is_equal(at, place) {
            pairs.push((at, place));
            (at, place) = (at + 1, place + 1);
        } else if longest[(at + 1) * width + place] >= longest[at * width + place + 1] {
            at += 1;
        } else {
            place += 1;
        }
    }
    // Items that were edited in their places leave the others in theirs.
    let in_place = || (0..old.len()).filter(|at| is_equal(*at, *at)).map(|at| (at, at));
    if old.len() == new.len() && in_place().count() >= pairs.len() { in_place().collect() } else { pairs }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::value::Number;
    use proptest::prelude::*;

    fn apply(root: &mut Value, change: Change) {
        let Some((last, parents)) = change.path.split_last() else {
            match change.action {
                Action::Replace(value) => *root = value,
                other => panic!("{other:?} at the root"),
            }
            return;
        };
        let parent = parents.iter().fold(root, |value, token| match value {
            Value::Map(members) => &mut members.iter_mut().find(|(key, _)| key == token).unwrap().1,
            Value::Sequence(items) => &mut items[token.parse::<usize>().unwrap()],
            other => panic!("{other:?}"),
        });
        match parent {
            Value::Map(members) => {
                let at = members.iter().position(|(key, _)| key == last);
                match change.action {
                    Action::Replace(value) => members[at.unwrap()].1 = value,
                    Action::Remove => drop(members.remove(at.unwrap())),
                    Action::Insert(value) => {
                        assert!(at.is_none());
                        members.push((last.clone(), value));
                    }
                }
            }
            Value::Sequence(items) => {
                let at = last.parse::<usize>().unwrap();
                match change.action {
                    Action::Replace(value) => items[at] = value,
                    Action::Remove => drop(items.remove(at)),
                    Action::Insert(value) => items.insert(at, value),
                }
            }
            other => panic!("{other:?}"),
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            (0u8..3).prop_map(|n| Value::Number(Number::new(n.to_string()))),
            "[a-b1]{0,1}".prop_map(Value::String),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Sequence),
                prop::collection::btree_map("[a-c]", inner, 0..4).prop_map(|m| Value::Map(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_steps_lead_there(standing in any_value(), wanted in any_value()) {
            let steps = changes(&standing, &wanted);
            prop_assert_eq!(steps.is_empty(), standing.agrees(&wanted));
            let mut value = standing;
            steps.into_iter().for_each(|step| apply(&mut value, step));
            prop_assert!(value.agrees(&wanted), "{:?} {:?}", value, wanted);
        }

        #[test]
        fn canonical_bytes_are_equality(a in any_value(), b in any_value()) {
            prop_assert_eq!(a == b, a.canonical() == b.canonical());
        }
    }
}
