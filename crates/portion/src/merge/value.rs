//! Value by value: what each side changed, put together.

use super::{Choice, Clash, ClashKind, lines};
use crate::lens::{Format, MAX_DEPTH};
use crate::pointer;
use crate::value::{Number, Value};

/// The most bytes of list items that are compared in one merge; lists beyond that are taken as a whole.
const MAX_COMPARED: usize = 1 << 31;

/// Answers a clash; `None` leaves it open.
pub(super) type Decide<'d> = dyn FnMut(&Clash) -> Option<Choice> + 'd;

/// Which of the three values can be compared exactly. Formats that know different kinds of scalars compare by [`Value::agrees`], so
/// that what one cannot say is not taken for a change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exact {
    pub(super) base_ours: bool,
    pub(super) base_theirs: bool,
    pub(super) ours_theirs: bool,
}

impl Exact {
    pub(super) const ALL: Exact = Exact { base_ours: true, base_theirs: true, ours_theirs: true };

    pub(super) fn of(base: Format, ours: Format, theirs: Format) -> Exact {
        Exact {
            base_ours: says_the_same(base, ours),
            base_theirs: says_the_same(base, theirs),
            ours_theirs: says_the_same(ours, theirs),
        }
    }

    fn all(self) -> bool {
        self.base_ours && self.base_theirs && self.ours_theirs
    }
}

/// Whether two formats know the same kinds of scalars.
fn says_the_same(a: Format, b: Format) -> bool {
    let kinds = |format| match format {
        Format::Json | Format::Jsonc | Format::Yaml => Format::Json,
        Format::Toml | Format::TomlValue => Format::Toml,
        other => other,
    };
    kinds(a) == kinds(b)
}

/// One merge of values.
pub(super) struct Merger<'d> {
    exact: Exact,
    decide: &'d mut Decide<'d>,
    /// Where it is, in the group's words.
    pub(super) path: Vec<String>,
    /// How many more bytes of list items may be compared.
    compared: usize,
    /// Whether some clash was left open.
    pub(super) is_open: bool,
    /// The first clash at which both sides were wanted and cannot both stand.
    pub(super) impossible: Option<String>,
}

impl<'d> Merger<'d> {
    pub(super) fn new(exact: Exact, decide: &'d mut Decide<'d>) -> Self {
        Merger { exact, decide, path: Vec::new(), compared: MAX_COMPARED, is_open: false, impossible: None }
    }

    /// What stands at this place when both sides' changes are put together; `None` is nothing.
    pub(super) fn node(&mut self, base: Option<&Value>, ours: Option<&Value>, theirs: Option<&Value>) -> Option<Value> {
        if self.path.len() < MAX_DEPTH {
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

    /// [`Merger::node`] for what has no parts.
    pub(super) fn whole(
        &mut self,
        base: Option<&Value>,
        ours: Option<&Value>,
        theirs: Option<&Value>,
    ) -> Option<Value> {
        if same(ours, theirs, self.exact.ours_theirs) || same(base, theirs, self.exact.base_theirs) {
            return ours.cloned();
        }
        if same(base, ours, self.exact.base_ours) {
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
        same(Some(ours), Some(theirs), self.exact.ours_theirs)
    }

    /// Bytes by which equal items are found; items that the formats tell apart only by their kind of scalar have the same.
    /// `None` if there was too much to compare already.
    pub(super) fn token(&mut self, value: &Value) -> Option<Vec<u8>> {
        let token = if self.exact.all() { value.canonical() } else { loose(value).canonical() };
        self.compared = self.compared.checked_sub(token.len())?;
        Some(token)
    }
}

fn same(a: Option<&Value>, b: Option<&Value>, exact: bool) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => {
            if exact {
                a == b
            } else {
                a.agrees(b)
            }
        }
        (None, None) => true,
        _ => false,
    }
}

/// The value with its scalars as text, or as numbers where they surely are: values that agree have the same.
fn loose(value: &Value) -> Value {
    let scalar = |text: &str| Number::read(text).map_or_else(|| Value::String(text.to_owned()), Value::Number);
    match value {
        Value::Sequence(items) => Value::Sequence(items.iter().map(loose).collect()),
        Value::Map(members) => Value::Map(members.iter().map(|(key, value)| (key.clone(), loose(value))).collect()),
        other => other.as_text().map_or_else(|| other.clone(), scalar),
    }
}
