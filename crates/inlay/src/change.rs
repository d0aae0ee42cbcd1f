//! What became of a portion, counted: keys, items or lines.

use std::fmt;

use portion::{Fragment, Mapping, Value};
use serde_json::json;

use crate::difference;
use crate::portions;
use crate::text;

/// How a portion changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// Nothing stood there before.
    is_new: bool,
    /// What is counted.
    unit: &'static str,
    added: usize,
    changed: usize,
    removed: usize,
    /// Where what was removed stood; empty for lines.
    removed_at: Vec<String>,
    /// It means the same; comments or style changed, or nothing.
    same_value: bool,
}

/// How many of the places that were removed are named.
const NAMED: usize = 3;

impl Change {
    /// What leads from what stood there to what is to stand there. Rows of a table are told apart by `key`, where there is one.
    pub(crate) fn between(before: Option<&Fragment>, after: &Fragment, key: Option<&str>) -> Change {
        let Some(before) = before else { return Change { is_new: true, unit: "key", ..Change::default() } };
        let by_key = key.and_then(|key| portions::key_clause(key).parse::<Mapping>().ok());
        let value = |fragment: &Fragment| match &by_key {
            Some(by_key) => by_key.value(fragment).ok(),
            None => fragment.format.value(&fragment.text).ok(),
        };
        let (Some(old), Some(new)) = (value(before), value(after)) else { return Change::of_lines(before, after) };
        let is_text = |value: &Value| matches!(value, Value::String(text) if text.contains('\n'));
        if is_text(&old) || is_text(&new) {
            return Change::of_lines(before, after);
        }
        let mut change = Change {
            unit: match (&old, &new) {
                _ if by_key.is_some() => "row",
                (Value::Map(_), _) => "key",
                (Value::Sequence(_), _) => "item",
                _ => "value",
            },
            same_value: true,
            ..Change::default()
        };
        let mut row = None;
        for difference in difference::between(&old, &new, before.format.likeness(after.format)) {
            change.same_value = false;
            // What differs within a row is one change, of the row.
            let of = difference.path.split('/').nth(1).filter(|_| difference.path.matches('/').count() > 1);
            if let (true, Some(of)) = (by_key.is_some(), of) {
                change.changed += usize::from(row.as_deref() != Some(of));
                row = Some(of.to_owned());
                continue;
            }
            match (difference.first, difference.second) {
                (Some(_), None) => {
                    change.removed += 1;
                    change.removed_at.push(difference.path);
                }
                (None, _) => change.added += 1,
                _ => change.changed += 1,
            }
        }
        change
    }

    fn of_lines(before: &Fragment, after: &Fragment) -> Change {
        let (removed, added) = text::counted(&before.text, &after.text);
        Change { unit: "line", added, removed, same_value: before.text == after.text, ..Change::default() }
    }

    /// For `--json`.
    pub(crate) fn json(&self, written: bool) -> serde_json::Value {
        json!({
            "written": written,
            "new": self.is_new,
            "unit": self.unit,
            "added": self.added,
            "changed": self.changed,
            "removed": self.removed,
            "removed_at": self.removed_at,
        })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_new {
            return f.write_str("nothing stood there before");
        }
        if self.same_value {
            return f.write_str("it means the same, only the text changed");
        }
        let mut first = true;
        for (count, what) in [(self.added, "added"), (self.changed, "changed"), (self.removed, "removed")] {
            if count == 0 {
                continue;
            }
            match first {
                true => write!(f, "{count} {}{} {what}", self.unit, if count == 1 { "" } else { "s" })?,
                false => write!(f, ", {count} {what}")?,
            }
            first = false;
        }
        if !self.removed_at.is_empty() {
            let named: Vec<String> = self.removed_at.iter().take(NAMED).map(|path| format!("`{path}`")).collect();
            let more = self.removed_at.len() - named.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            write!(f, " ({}{more})", named.join(", "))?;
        }
        Ok(())
    }
}
