//! What a commit came to is judged: promises 2, 3 and 4.

use plan::{BackedUp, Conflict, Direction, Group, Join, Kind, Outcome, Record};

use super::Manager;
use crate::sim::ledger::{Author, MemberNo};

impl Manager {
    /// Whether what a commit came to is what really happened.
    pub(super) fn judge(&self, before: &Group, after: &Group, done: &BackedUp, outcome: Outcome, number: MemberNo) {
        let record = &done.record;
        let mut ledger = self.ledger.lock();
        let author = ledger.proposed.get(&record.version).copied().flatten();
        let excused = ledger.is_excused(number);
        let (version, is_new) = match outcome {
            Outcome::Ignored => return,
            Outcome::Standing(version) => (version, false),
            Outcome::NewHead(version) | Outcome::Branch(version) => (version, true),
        };
        let held = match author {
            Some(Author::Restored { version, .. }) => Some(version),
            Some(Author::Edit(edit)) => ledger.edits[edit].version,
            None => None,
        };
        if let Some(again) = held.and_then(|version| ledger.lost.get_mut(&version)) {
            *again = true;
        }
        if let Some(Author::Edit(edit)) = author {
            ledger.edits[edit].version = Some(version);
            ledger.edits[edit].versions += u32::from(is_new);
            if ledger.edits[edit].versions > 1 && !excused {
                ledger.breaks(4, format!("one edit of member {number} became two versions"));
            }
        }
        // Of what the power took a person may say that it is not to be: that is judged where it was noticed.
        let excused_absence = record.shape.is_absent() && author.is_none();
        if let (Some(Author::Restored { .. }) | None, true, false) = (author, is_new, excused || excused_absence) {
            ledger.breaks(4, format!("what was restored into member {number} became a version"));
        }
        let said = after.versions.get(&version).map(|v| v.record.value);
        if said != Some(record.value) {
            ledger.breaks(2, format!("an edit of member {number} was taken for another content"));
        }
        let parents = after.versions.get(&version).map(|v| v.parents.clone()).unwrap_or_default();
        if is_new
            && !excused
            && parents.iter().any(|p| after.versions.get(p).is_some_and(|p| is_same(&p.record, record)))
        {
            ledger.breaks(4, format!("a version of member {number} says what its parent says"));
        }
        let Some(Author::Edit(edit)) = author else { return };
        let (Some(member), Some(head)) = (before.members.get(&record.member), before.head_version()) else { return };
        let plain = member.direction == Direction::Both && member.join == Join::Done && !excused;
        let quiet = matches!(before.policy.conflict, Conflict::Merge | Conflict::Manual);
        let origin = ledger.made_from(edit);
        let knew_head = origin == Some(head.id())
            || origin.and_then(|o| before.versions.get(&o)).is_some_and(|o| o.record.value == head.record.value);
        let kind = after.versions.get(&version).map(|v| v.kind);
        match outcome {
            Outcome::NewHead(_) if plain && quiet && kind == Some(Kind::Edit) && origin.is_some() && !knew_head => {
                ledger.breaks(2, format!("an edit of member {number} replaced a head that its author never had"));
            }
            Outcome::Branch(_) if plain && origin == Some(head.id()) => {
                ledger.breaks(3, format!("an edit of member {number} of the head is said to conflict with it"));
            }
            _ => {}
        }
    }
}

/// Whether two versions say the same in the same words.
fn is_same(one: &Record, other: &Record) -> bool {
    one.shape == other.shape && one.text == other.text
}
