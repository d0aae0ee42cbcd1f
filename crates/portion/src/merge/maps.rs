//! Key by key, with renamed keys followed.

use std::collections::{HashMap, HashSet};

use super::value::Merger;
use super::{Choice, ClashKind};
use crate::lens::MAX_DEPTH;
use crate::value::Value;

type Members = [(String, Value)];
type Index<'a> = HashMap<&'a str, &'a Value>;
type Names<'a> = HashMap<&'a str, &'a str>;

/// How many characters a text needs to be recognised under another key.
const TELLING_TEXT: usize = 8;

/// One key of the result, or none.
enum Entry<'a> {
    Member {
        name: &'a str,
        base: Option<&'a Value>,
        ours: Option<&'a Value>,
        theirs: Option<&'a Value>,
    },
    /// Renamed on both sides, differently.
    Renamed {
        from: &'a str,
        base: &'a Value,
        ours: (&'a str, &'a Value),
        theirs: (&'a str, &'a Value),
    },
    /// Renamed on one side, removed on the other.
    Gone {
        from: &'a str,
        base: &'a Value,
        ours: Option<(&'a str, &'a Value)>,
        theirs: Option<(&'a str, &'a Value)>,
    },
}

impl Merger<'_> {
    pub(super) fn maps(&mut self, base: &Members, ours: &Members, theirs: &Members) -> Value {
        let (base_at, ours_at, theirs_at) = (index(base), index(ours), index(theirs));
        // What came on both sides may be what went on both, renamed and edited; then there is something to compare it with, and it is
        // not known what.
        let may_unite = base.iter().all(|(key, _)| ours_at.contains_key(&key[..]) || theirs_at.contains_key(&key[..]));
        let mut out = Vec::with_capacity(ours.len());
        for entry in self.entries([base, ours, theirs], [&base_at, &ours_at, &theirs_at]) {
            match entry {
                Entry::Member { name, base, ours, theirs } => {
                    self.path.push(name.to_owned());
                    let value = match (base, ours, theirs) {
                        (None, Some(ours), Some(theirs)) => self.added(ours, theirs, may_unite),
                        _ => self.node(base, ours, theirs),
                    };
                    self.path.pop();
                    out.extend(value.map(|value| (name.to_owned(), value)));
                }
                Entry::Renamed { from, base, ours, theirs } => {
                    let kind = ClashKind::Renamed { ours: ours.0.to_owned(), theirs: theirs.0.to_owned() };
                    self.renamed(kind, (from, base), Some(ours), Some(theirs), &mut out);
                }
                Entry::Gone { from, base, ours, theirs } => {
                    let kind = if ours.is_none() { ClashKind::OursRemoved } else { ClashKind::TheirsRemoved };
                    self.renamed(kind, (from, base), ours, theirs, &mut out);
                }
            }
        }
        Value::Map(out)
    }

    fn renamed(
        &mut self,
        kind: ClashKind,
        base: (&str, &Value),
        ours: Option<(&str, &Value)>,
        theirs: Option<(&str, &Value)>,
        out: &mut Vec<(String, Value)>,
    ) {
        self.path.push(base.0.to_owned());
        let value = |member: Option<(&str, &Value)>| member.map(|(_, value)| value.clone());
        let choice = self.clash(kind, value(Some(base)), value(ours), value(theirs));
        self.path.pop();
        let chosen = match choice {
            Choice::Base => [Some(base), None],
            Choice::Ours => [ours, None],
            Choice::Theirs => [None, theirs],
            Choice::Both => [ours, theirs],
        };
        out.extend(chosen.into_iter().flatten().map(|(name, value)| (name.to_owned(), value.clone())));
    }

    /// What stands where, in ours' order; what only theirs has comes behind.
    fn entries<'a>(
        &mut self,
        [base, ours, theirs]: [&'a Members; 3],
        [base_at, ours_at, theirs_at]: [&Index<'a>; 3],
    ) -> Vec<Entry<'a>> {
        let mut ours_to = self.renames(base, base_at, ours, ours_at);
        let mut theirs_to = self.renames(base, base_at, theirs, theirs_at);
        // A name that the other side has as well is a new name on both, if the old one went on both; else on none.
        let both: Names<'a> = (ours_to.iter().chain(&theirs_to))
            .filter(|(from, to)| [ours_at, theirs_at].iter().all(|at| at.contains_key(*to) && !at.contains_key(*from)))
            .map(|(from, to)| (*to, *from))
            .collect();
        ours_to.retain(|_, to| !theirs_at.contains_key(to));
        theirs_to.retain(|_, to| !ours_at.contains_key(to));
        let back = |names: &Names<'a>| -> Names<'a> { names.iter().map(|(from, to)| (*to, *from)).collect() };
        let (ours_from, theirs_from) = (back(&ours_to), back(&theirs_to));
        let mut out = Vec::with_capacity(ours.len());
        for (name, value) in ours {
            let name = name.as_str();
            let (from, to) = match (ours_from.get(name), theirs_to.get(name)) {
                (Some(from), _) => (*from, name),
                (None, Some(to)) => (name, *to),
                (None, None) => (name, name),
            };
            let member =
                |theirs| Entry::Member { name: to, base: base_at.get(from).copied(), ours: Some(value), theirs };
            let entry = match base_at.get(from) {
                Some(base) if from != name => match (theirs_to.get(from), theirs_at.get(from)) {
                    (Some(new), _) => Entry::Renamed { from, base, ours: (to, value), theirs: (new, theirs_at[new]) },
                    (None, Some(theirs)) => member(Some(*theirs)),
                    (None, None) => Entry::Gone { from, base, ours: Some((to, value)), theirs: None },
                },
                _ if both.contains_key(to) => {
                    let base = both.get(to).and_then(|from| base_at.get(from)).copied();
                    Entry::Member { name, base, ours: Some(value), theirs: theirs_at.get(to).copied() }
                }
                _ => member(theirs_at.get(to).copied()),
            };
            out.push(entry);
        }
        for (name, value) in theirs {
            let name = name.as_str();
            if ours_at.contains_key(name) || ours_to.contains_key(name) {
                continue;
            }
            match theirs_from.get(name) {
                Some(from) if ours_to.contains_key(from) || ours_at.contains_key(from) => {}
                Some(from) => {
                    out.push(Entry::Gone { from, base: base_at[from], ours: None, theirs: Some((name, value)) });
                }
                None => {
                    let base = base_at.get(name).copied();
                    out.push(Entry::Member { name, base, ours: None, theirs: Some(value) });
                }
            }
        }
        out
    }

    /// The keys that a side renamed, to what: a key went, another came in the same map, and they have the same value, which no other
    /// key that went or came has, and which says enough to be recognised.
    fn renames<'a>(
        &mut self,
        base: &'a Members,
        base_at: &Index<'a>,
        side: &'a Members,
        side_at: &Index<'a>,
    ) -> Names<'a> {
        let gone: Vec<_> =
            base.iter().filter(|(key, value)| !side_at.contains_key(key.as_str()) && is_telling(value)).collect();
        let new: Vec<_> =
            side.iter().filter(|(key, value)| !base_at.contains_key(key.as_str()) && is_telling(value)).collect();
        if gone.is_empty() || new.is_empty() {
            return Names::new();
        }
        let mut by_value: HashMap<u128, [Vec<&'a str>; 2]> = HashMap::new();
        for (which, members) in [gone, new].into_iter().enumerate() {
            for (key, value) in members {
                by_value.entry(self.digest(value)).or_default()[which].push(key);
            }
        }
        let pairs = by_value.into_values().filter_map(|[gone, new]| match (&gone[..], &new[..]) {
            ([from], [to]) => Some((*from, *to)),
            _ => None,
        });
        pairs.collect()
    }

    /// What both sides added under one key.
    pub(super) fn added(&mut self, ours: &Value, theirs: &Value, may_unite: bool) -> Option<Value> {
        if may_unite
            && let (Value::Map(ours), Value::Map(theirs)) = (ours, theirs)
            && let Some(both) = self.union(ours, theirs, self.path.len())
        {
            return Some(Value::Map(both));
        }
        self.node(None, Some(ours), Some(theirs))
    }

    /// Two maps that both sides added under one key, as one: where they have keys in common, all of which agree (or are such maps
    /// again), the one only says more than the other. `None` if they may mean different things.
    fn union(&self, ours: &Members, theirs: &Members, depth: usize) -> Option<Vec<(String, Value)>> {
        let theirs_at = index(theirs);
        let mut common: HashSet<&str> = HashSet::new();
        let mut out = Vec::with_capacity(ours.len());
        for (key, value) in ours {
            let Some(other) = theirs_at.get(key.as_str()) else {
                out.push((key.clone(), value.clone()));
                continue;
            };
            common.insert(key);
            let both = match (value, *other) {
                (Value::Map(ours), Value::Map(theirs)) if depth < MAX_DEPTH => {
                    Value::Map(self.union(ours, theirs, depth + 1)?)
                }
                (value, other) if self.agree(value, other) => value.clone(),
                _ => return None,
            };
            out.push((key.clone(), both));
        }
        if common.is_empty() && ours.len() + theirs.len() > 0 {
            return None;
        }
        out.extend(theirs.iter().filter(|(key, _)| !common.contains(key.as_str())).cloned());
        Some(out)
    }
}

fn index(members: &Members) -> Index<'_> {
    members.iter().map(|(key, value)| (key.as_str(), value)).collect()
}

/// Whether a value says enough to be recognised under another key: `true`, `1` and `"on"` do not.
fn is_telling(value: &Value) -> bool {
    match value {
        Value::Map(members) => !members.is_empty(),
        Value::Sequence(items) => !items.is_empty(),
        Value::String(text) => text.chars().count() >= TELLING_TEXT,
        Value::Bytes(bytes) => bytes.len() >= TELLING_TEXT,
        _ => false,
    }
}
