//! Translation: keys renamed, defaults left out and added, lists taken apart and put together.

use super::Mapping;
use super::clause::{Clause, Pattern, Step, cannot_say};
use crate::lens::{Format, LensError};
use crate::value::Value;

impl Mapping {
    /// The values that a key at `parent` is left out with, the conditions of which hold among `members`: its default, which counts
    /// before all later ones, and what is only left out; with whether a new entry gets it.
    fn defaults_of<'s, 'm>(
        &'s self,
        parent: &'m [String],
        members: &'m [(String, Value)],
        key: &'m str,
    ) -> impl Iterator<Item = (&'s Value, bool)> + use<'s, 'm> {
        let mut is_decided = false;
        self.clauses.iter().filter_map(move |clause| match clause {
            Clause::Default { path, value, only_if, is_added } => {
                let fits = path.0.len() == parent.len() + 1
                    && path.leads(parent)
                    && path.0.last().is_some_and(|step| step.matches(key))
                    && only_if.as_ref().is_none_or(|wanted| members.iter().any(|(key, _)| key == wanted))
                    && !(*is_added && is_decided);
                is_decided |= fits && *is_added;
                fits.then_some((value, *is_added))
            }
            _ => None,
        })
    }

    /// The value that a new key at `parent` gets.
    fn default_of(&self, parent: &[String], members: &[(String, Value)], key: &str) -> Option<&Value> {
        self.defaults_of(parent, members, key).find(|(_, is_added)| *is_added).map(|(value, _)| value)
    }

    /// From this file's words to the group's. `path` is in this file's.
    pub(super) fn outward(&self, value: Value, format: Format, path: &mut Vec<String>) -> Result<Value, LensError> {
        let Value::Map(members) = value else {
            return Ok(value);
        };
        let mut out: Vec<(String, Value)> = Vec::with_capacity(members.len());
        let dropped = |(key, value): &(String, Value)| {
            self.defaults_of(path, &members, key).any(|(default, _)| default.agrees(value))
        };
        let dropped: Vec<bool> = members.iter().map(dropped).collect();
        for ((key, member), dropped) in members.into_iter().zip(dropped) {
            if dropped {
                continue;
            }
            path.push(key);
            let name = self.group_name(path);
            let parent = &path[..path.len() - 1];
            if path.last() != Some(&self.own_name(parent, &name)) {
                return Err(cannot_say(format, path, format!("this: the group calls another key `{name}`")));
            }
            if let Some(others) = self.split_at(path) {
                let (first, rest) = taken_apart(member, format, path)?;
                out.push((name, first));
                out.extend(rest.map(|rest| (others.to_owned(), rest)));
                path.pop();
                continue;
            }
            if self.is_split_off(path) {
                return Err(cannot_say(
                    format,
                    path,
                    format!("this: in the group, `{name}` is a part of another key's list"),
                ));
            }
            let member = self.outward(member, format, path)?;
            out.push((name, member));
            path.pop();
        }
        Ok(Value::Map(out))
    }

    fn group_name(&self, path: &[String]) -> String {
        let renamed = self.clauses.iter().find_map(|clause| match clause {
            Clause::Map { own, group } if own.matches(path) => Some(group),
            _ => None,
        });
        renamed.or(path.last()).cloned().unwrap_or_default()
    }

    /// From the group's words to this file's. `path` is in this file's.
    pub(super) fn inward(
        &self,
        value: &Value,
        standing: Option<&Value>,
        format: Format,
        path: &mut Vec<String>,
    ) -> Result<Value, LensError> {
        let Value::Map(members) = value else {
            return Ok(value.clone());
        };
        let mut out: Vec<(String, Value)> = Vec::with_capacity(members.len());
        let joined = self.joined(members, format, path)?;
        for (name, member) in joined.as_deref().unwrap_or(members) {
            let key = self.own_name(path, name);
            let below = standing.and_then(|standing| standing.child(&key));
            path.push(key.clone());
            if self.group_name(path) != *name {
                return Err(cannot_say(format, path, format!("`{name}`, which here is another key's name")));
            }
            out.push((key, self.inward(member, below, format, path)?));
            path.pop();
        }
        self.add_defaults(&mut out, standing, path);
        Ok(Value::Map(out))
    }

    /// A new entry gets its defaults. One that stands without them keeps doing so, as long as that means the same.
    fn add_defaults(&self, members: &mut Vec<(String, Value)>, standing: Option<&Value>, path: &[String]) {
        let mut added = Vec::new();
        for clause in &self.clauses {
            let Clause::Default { path: pattern, .. } = clause else {
                continue;
            };
            let (true, Some(Step::Key(key))) = (pattern.0.len() == path.len() + 1, pattern.0.last()) else {
                continue;
            };
            if self.is_private(&[path, std::slice::from_ref(key)].concat()) {
                continue;
            }
            let stands = |list: &[(String, Value)]| list.iter().any(|(known, _)| known == key);
            if stands(members) || stands(&added) {
                continue;
            }
            let old = match standing {
                Some(Value::Map(old)) => Some(old),
                _ => None,
            };
            // What stands there and means the same stays as it is.
            let standing = old.and_then(|old| old.iter().find(|(known, _)| known == key)).map(|(_, value)| value);
            let is_default =
                |value: &&Value| self.defaults_of(path, members, key).any(|(known, _)| known.agrees(value));
            if let Some(value) = standing.filter(is_default) {
                added.push((key.clone(), value.clone()));
                continue;
            }
            let Some(value) = self.default_of(path, members, key) else { continue };
            let left_out = standing.is_none() && old.is_some_and(|old| self.default_of(path, old, key) == Some(value));
            if !left_out {
                added.push((key.clone(), value.clone()));
            }
        }
        members.splice(0..0, added);
    }

    /// The group's name of the other items of a list in this file.
    fn split_at(&self, path: &[String]) -> Option<&str> {
        self.clauses.iter().find_map(|clause| match clause {
            Clause::Split { own, others } if own.matches(path) => Some(&others[..]),
            _ => None,
        })
    }

    /// Whether the group has a part of a list at a path of this file.
    fn is_split_off(&self, path: &[String]) -> bool {
        let Some((name, parent)) = path.split_last() else { return false };
        self.clauses.iter().any(|clause| match clause {
            Clause::Split { own, others } => others == name && own.0.len() == path.len() && own.leads(parent),
            _ => false,
        })
    }

    /// The members of a map of the group's value, with lists put together of what the group has apart. `None` where there are none.
    fn joined(
        &self,
        members: &[(String, Value)],
        format: Format,
        path: &[String],
    ) -> Result<Option<Vec<(String, Value)>>, LensError> {
        let mut out: Option<Vec<(String, Value)>> = None;
        for clause in &self.clauses {
            let Clause::Split { own, others } = clause else { continue };
            let (true, Some(Step::Key(first))) = (own.0.len() == path.len() + 1 && own.leads(path), own.0.last())
            else {
                continue;
            };
            let list = out.get_or_insert_with(|| members.to_vec());
            let rest = list.iter().position(|(name, _)| name == others).map(|at| list.remove(at).1);
            let at = |name: &str| [path, &[name.to_owned()]].concat();
            let Some((_, member)) = list.iter_mut().find(|(name, _)| name == first) else {
                match rest {
                    None => continue,
                    Some(_) => return Err(cannot_say(format, &at(others), format!("`{others}` without `{first}`"))),
                }
            };
            let mut items = match member {
                Value::String(_) => vec![member.clone()],
                other => {
                    return Err(cannot_say(format, &at(first), format!("{} as the first of a list", other.kind())));
                }
            };
            match rest {
                None => {}
                Some(Value::Sequence(rest)) => items.extend(rest),
                Some(other) => return Err(cannot_say(format, &at(others), format!("{} in a list", other.kind()))),
            }
            *member = Value::Sequence(items);
        }
        Ok(out)
    }

    fn own_name(&self, parent: &[String], name: &str) -> String {
        let renamed = self.clauses.iter().find_map(|clause| match clause {
            Clause::Map { own: Pattern(steps), group } if group == name && steps.len() == parent.len() + 1 => {
                let leads = steps.iter().zip(parent).all(|(step, key)| step.matches(key));
                match steps.last() {
                    Some(Step::Key(key)) if leads => Some(key),
                    _ => None,
                }
            }
            _ => None,
        });
        renamed.map_or(name, |key| key).to_owned()
    }
}

/// The first item of a list, and the others if there are any.
fn taken_apart(list: Value, format: Format, path: &[String]) -> Result<(Value, Option<Value>), LensError> {
    let mut items = match list {
        Value::Sequence(items) => items,
        other => return Err(cannot_say(format, path, format!("{}: the group needs a list here", other.kind()))),
    };
    match items.first() {
        Some(Value::String(_)) => {}
        _ => return Err(cannot_say(format, path, "a list that does not begin with a text")),
    }
    let rest = items.split_off(1);
    Ok((items.remove(0), (!rest.is_empty()).then_some(Value::Sequence(rest))))
}

/// The path of the first place where two values do not agree.
pub(super) fn difference(a: &Value, b: &Value) -> Option<Vec<String>> {
    if a.agrees(b) {
        return None;
    }
    if let (Value::Map(a), Value::Map(b)) = (a, b) {
        let find = |members: &[(String, Value)], key: &str| members.iter().position(|(known, _)| known == key);
        let missing = |from: &[(String, Value)], to: &[(String, Value)]| {
            from.iter().find(|(key, _)| find(to, key).is_none()).map(|(key, _)| vec![key.clone()])
        };
        let inner = a.iter().find_map(|(key, value)| {
            let path = difference(value, &b[find(b, key)?].1)?;
            Some([vec![key.clone()], path].concat())
        });
        return inner.or_else(|| missing(b, a)).or_else(|| missing(a, b));
    }
    Some(Vec::new())
}
