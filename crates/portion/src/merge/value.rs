//! Value by value: what each side changed, put together.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};

use super::{Choice, Clash, ClashKind, lines};
use crate::lens::{Format, MAX_DEPTH};
use crate::pointer;
use crate::value::{Likeness, Number, Value};

/// Answers a clash; `None` leaves it open.
pub(super) type Decide<'d> = dyn FnMut(&Clash) -> Option<Choice> + 'd;

/// How closely the three values are compared, each with each: what a format cannot say is not taken for a change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Likenesses {
    pub(super) base_ours: Likeness,
    pub(super) base_theirs: Likeness,
    pub(super) ours_theirs: Likeness,
}

impl Likenesses {
    pub(super) const EXACT: Likenesses =
        Likenesses { base_ours: Likeness::Exact, base_theirs: Likeness::Exact, ours_theirs: Likeness::Exact };

    pub(super) fn of(base: Format, ours: Format, theirs: Format) -> Likenesses {
        Likenesses {
            base_ours: base.likeness(ours),
            base_theirs: base.likeness(theirs),
            ours_theirs: ours.likeness(theirs),
        }
    }

    /// The one that overlooks the most.
    pub(super) fn least(self) -> Likeness {
        self.base_ours.max(self.base_theirs).max(self.ours_theirs)
    }
}

/// One merge of values.
pub(super) struct Merger<'d> {
    likenesses: Likenesses,
    decide: &'d mut Decide<'d>,
    /// Where it is, in the group's words.
    pub(super) path: Vec<String>,
    /// The digests of containers, by where they stand in memory: each is taken once, however deep it lies. All values that are
    /// merged live as long as the merge.
    digests: HashMap<*const Value, u128>,
    /// Whether some clash was left open.
    pub(super) is_open: bool,
    /// The first clash at which both sides were wanted and cannot both stand.
    pub(super) impossible: Option<String>,
}

impl<'d> Merger<'d> {
    pub(super) fn new(likenesses: Likenesses, decide: &'d mut Decide<'d>) -> Self {
        Merger { likenesses, decide, path: Vec::new(), digests: HashMap::new(), is_open: false, impossible: None }
    }

    /// What stands at this place when both sides' changes are put together; `None` is nothing.
    pub(super) fn node(&mut self, base: Option<&Value>, ours: Option<&Value>, theirs: Option<&Value>) -> Option<Value> {
        if self.path.len() < MAX_DEPTH {
            if let (Some(base), Some(ours), Some(theirs)) = (base, ours, theirs)
                && let Some(untouched) = self.untouched(base, ours, theirs)
            {
                return Some(untouched.clone());
            }
            match (base, ours, theirs) {
                (Some(Value::Map(base)), Some(Value::Map(ours)), Some(Value::Map(theirs))) => {
                    return Some(self.maps(base, ours, theirs));
                }
                (
                    Some(base @ Value::Sequence(_)),
                    Some(ours @ Value::Sequence(_)),
                    Some(theirs @ Value::Sequence(_)),
                ) => {
                    return self.lists(base, ours, theirs);
                }
                _ => {}
            }
        }
        self.whole(base, ours, theirs)
    }

    /// Of three containers, what a side made that alone touched it, or that both made alike; so that only what both touched is
    /// walked through.
    fn untouched<'a>(&mut self, base: &Value, ours: &'a Value, theirs: &'a Value) -> Option<&'a Value> {
        if self.likenesses.least() != Likeness::Exact || ![base, ours, theirs].iter().all(|value| value.is_container())
        {
            return None;
        }
        let [base_is, ours_is, theirs_is] = [base, ours, theirs].map(|value| self.digest(value));
        if ours_is == theirs_is || base_is == theirs_is {
            return Some(ours);
        }
        (base_is == ours_is).then_some(theirs)
    }

    /// [`Merger::node`] for what has no parts.
    pub(super) fn whole(
        &mut self,
        base: Option<&Value>,
        ours: Option<&Value>,
        theirs: Option<&Value>,
    ) -> Option<Value> {
        if same(ours, theirs, self.likenesses.ours_theirs) || same(base, theirs, self.likenesses.base_theirs) {
            return ours.cloned();
        }
        if same(base, ours, self.likenesses.base_ours) {
            return theirs.cloned();
        }
        let kind = match (base, ours, theirs) {
            (Some(Value::String(base)), Some(Value::String(ours)), Some(Value::String(theirs))) => {
                if let Some(text) = lines::merged_text(base, ours, theirs) {
                    return Some(Value::String(text));
                }
                ClashKind::Edited
            }
            (None, ..) => ClashKind::Added,
            (_, None, _) => ClashKind::OursRemoved,
            (.., None) => ClashKind::TheirsRemoved,
            _ => ClashKind::Edited,
        };
        match self.clash(kind, base.cloned(), ours.cloned(), theirs.cloned()) {
            Choice::Base => base.cloned(),
            Choice::Theirs => theirs.cloned(),
            Choice::Ours | Choice::Both => ours.cloned(),
        }
    }

    /// Asks what is to stand here. An open clash keeps ours, for the time being.
    pub(super) fn clash(
        &mut self,
        kind: ClashKind,
        base: Option<Value>,
        ours: Option<Value>,
        theirs: Option<Value>,
    ) -> Choice {
        let clash = Clash { path: pointer::format(&self.path), lines: None, kind, base, ours, theirs };
        match (self.decide)(&clash) {
            None => {
                self.is_open = true;
                Choice::Ours
            }
            Some(Choice::Both) if !clash.allows(Choice::Both) => {
                self.impossible.get_or_insert(clash.path);
                Choice::Ours
            }
            Some(choice) => choice,
        }
    }

    /// Whether ours and theirs are the same.
    pub(super) fn agree(&self, ours: &Value, theirs: &Value) -> bool {
        same(Some(ours), Some(theirs), self.likenesses.ours_theirs)
    }

    /// A number by which equal values are found: equal values have the same, and others surely not. Values that formats tell apart only
    /// by their kind of scalar have the same, too. `value` is a part of what is merged.
    pub(super) fn digest(&mut self, value: &Value) -> u128 {
        match value {
            Value::Map(_) | Value::Sequence(_) => {}
            scalar => {
                return match (self.likenesses.least(), scalar) {
                    (Likeness::Text, _) => loose(scalar),
                    (Likeness::Times, Value::DateTime(text)) | (_, Value::String(text)) => {
                        digest(b's', &[text.as_bytes()])
                    }
                    _ => digest(b'v', &[&scalar.canonical()]),
                };
            }
        }
        let at = std::ptr::from_ref(value);
        if let Some(known) = self.digests.get(&at) {
            return *known;
        }
        let digest = match value {
            Value::Map(members) => {
                // In any order.
                let member = |sum: u128, (key, value): &(String, Value)| {
                    sum.wrapping_add(digest(b'm', &[&self.digest(value).to_le_bytes(), key.as_bytes()]))
                };
                digest(b'{', &[&members.iter().fold(0, member).to_le_bytes()])
            }
            Value::Sequence(items) => {
                let items: Vec<[u8; 16]> = items.iter().map(|item| self.digest(item).to_le_bytes()).collect();
                digest(b'[', &[items.as_flattened()])
            }
            _ => 0,
        };
        self.digests.insert(at, digest);
        digest
    }
}

/// 128 bits of a hash over the kind and the parts, all of which but the last have a length that the kind tells.
fn digest(kind: u8, parts: &[&[u8]]) -> u128 {
    let mut hasher = DefaultHasher::new();
    hasher.write_u8(kind);
    parts.iter().for_each(|part| hasher.write(part));
    let first = u128::from(hasher.finish());
    hasher.write_u8(kind);
    first << 64 | u128::from(hasher.finish())
}

fn same(a: Option<&Value>, b: Option<&Value>, likeness: Likeness) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.equals(b, likeness),
        (None, None) => true,
        _ => false,
    }
}

/// The digest of a scalar as text, or as a number where it surely is one: scalars that agree have the same.
fn loose(scalar: &Value) -> u128 {
    match scalar.as_text() {
        Some(text) => match Number::read(text) {
            Some(number) => digest(b'n', &[number.normal().as_bytes()]),
            None => digest(b't', &[text.as_bytes()]),
        },
        None => digest(b'v', &[&scalar.canonical()]),
    }
}
