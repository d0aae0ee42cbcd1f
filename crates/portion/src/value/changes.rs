//! What must be done to a standing value so that it becomes another, key by key.

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

/// The steps from `standing` to `wanted`. What agrees is not touched. Members that stay keep their order; items of a
/// sequence are matched from both ends, so that one that was inserted or removed in between moves nothing else.
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
    let shorter = old.len().min(new.len());
    let head = old.iter().zip(new).take_while(|(a, b)| a.agrees(b)).count();
    let tail = old.iter().rev().zip(new.iter().rev()).take(shorter - head).take_while(|(a, b)| a.agrees(b)).count();
    let (old, new) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let paired = old.len().min(new.len());
    for (at, (old, new)) in old.iter().zip(new).enumerate() {
        path.push((head + at).to_string());
        walk(old, new, path, out);
        path.pop();
    }
    let step = |at: usize, action: Action| {
        let mut path = path.clone();
        path.push(at.to_string());
        Change { path, action }
    };
    // From the back, so that an index is right at its own turn.
    out.extend((paired..old.len()).rev().map(|at| step(head + at, Action::Remove)));
    out.extend(new.iter().enumerate().skip(paired).map(|(at, value)| step(head + at, Action::Insert(value.clone()))));
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
