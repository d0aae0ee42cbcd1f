//! What is seen of a portion: an edit, nothing new, an accident, or that it cannot take part.

use plan::{Condition, Fingerprint, MemberId, Shape};

use super::words::{Effect, Portion, Sight};
use super::{Member, Millis};
use crate::fault::{Fault, planted};

/// A return to an older content within this time after a restore is the work of an application that held the old one.
const REVERTED_WITHIN: Millis = 60_000;
/// How many earlier contents a member remembers, to know a return to them.
const RECENT: usize = 16;

impl Member {
    /// Takes what was seen. Returns whether it was reported.
    pub(super) fn see(&mut self, id: MemberId, sight: Sight, now: Millis, effects: &mut Vec<Effect>) -> bool {
        let portion = match sight {
            Sight::Present(portion) => portion,
            Sight::Absent(Condition::Missing(_)) if self.is_meant(self.assignment.delete && self.there) => {
                Portion::absent()
            }
            Sight::Blank(_) if self.is_meant(false) => Portion::absent(),
            Sight::Blank(cause) => return self.stand(id, Condition::Missing(cause), now, effects),
            Sight::Absent(condition) => {
                if !self.touched {
                    // Nothing was there that a person could have meant.
                    (self.accepted, self.gives_way) = (false, false);
                }
                self.there &= !matches!(condition, Condition::NoFile(_));
                return self.stand(id, condition, now, effects);
            }
        };
        self.there |= !portion.is_absent();
        let same = self.entry.fingerprint == Some(portion.fingerprint);
        let mut changed = self.format != portion.format;
        self.format.clone_from(&portion.format);
        if !same {
            if let Some(condition) = self.suspicion(&portion, now) {
                return self.stand(id, condition, now, effects);
            }
            self.raise(id, &portion, false, effects);
            changed = true;
        } else if !self.touched {
            // What was accepted is not there any more.
            self.accepted = false;
        }
        changed |= self.condition != Condition::Fine;
        self.condition = Condition::Fine;
        self.retry_at = None;
        if changed {
            self.report(id, now, None, "", effects);
        }
        changed
    }

    /// Whether a portion that is not there is not to be: it was not before, or its removal is an edit, by its member's policy
    /// (`delete`) or because a person said so.
    fn is_meant(&self, delete: bool) -> bool {
        match self.entry.fingerprint {
            None => false,
            Some(Fingerprint::ABSENT) => true,
            Some(_) if planted(Fault::AbsenceIsEdit) => true,
            Some(_) => delete || (self.accepted && !self.gives_way),
        }
    }

    /// The shape of what stands in the file.
    pub(super) fn shape(&self) -> Shape {
        match self.is_absent() {
            true => Shape::absent(),
            false => Shape { format: self.format.clone(), mapping: self.assignment.mapping.clone() },
        }
    }

    /// Whether what stands in the file is known not to be there.
    pub fn is_absent(&self) -> bool {
        self.entry.fingerprint == Some(Fingerprint::ABSENT)
    }

    /// Why an edit is more likely an application's accident than somebody's wish.
    pub(super) fn suspicion(&self, portion: &Portion, now: Millis) -> Option<Condition> {
        if self.accepted || self.entry.fingerprint.is_none() {
            return None;
        }
        if let Some(cause) = self.accident(portion, now) {
            return Some(Condition::Doubtful(cause));
        }
        self.brake.clone().filter(|_| self.counts()).map(Condition::Braked)
    }

    fn accident(&self, portion: &Portion, now: Millis) -> Option<String> {
        if portion.empty && !self.entry.empty && !portion.is_absent() {
            return Some("emptied: the portion lost all of its content; `inlay accept` takes that over, `inlay restore` brings the content back".to_owned());
        }
        let soon = self.restored_at.is_some_and(|at| now.saturating_sub(at) < REVERTED_WITHIN);
        // What was restored is not what an application held before.
        let is_older = self.recent.contains(&portion.fingerprint) && self.entry.base_fp != Some(portion.fingerprint);
        (soon && is_older).then(|| {
            "reverted: an older content came back right after a restore, as when an application writes its old state; `inlay accept` takes it over, `inlay restore` brings the new content back".to_owned()
        })
    }

    pub(super) fn raise(&mut self, id: MemberId, portion: &Portion, sync: bool, effects: &mut Vec<Effect>) {
        self.remember();
        self.edited = self.counts();
        self.entry.generation += u64::from(!planted(Fault::GenerationNotRaised));
        self.entry.fingerprint = Some(portion.fingerprint);
        self.entry.empty = portion.empty;
        self.there = !portion.is_absent();
        (self.accepted, self.released) = (false, false);
        self.pending = None;
        self.answer = None;
        effects.push(Effect::Journal { member: id, entry: self.entry.clone(), sync });
    }

    pub(super) fn remember(&mut self) {
        if let Some(fingerprint) = self.entry.fingerprint
            && !self.recent.contains(&fingerprint)
        {
            self.recent.push_back(fingerprint);
            if self.recent.len() > RECENT {
                self.recent.pop_front();
            }
        }
    }

    /// Takes a condition. Returns whether it was reported.
    fn stand(&mut self, id: MemberId, condition: Condition, now: Millis, effects: &mut Vec<Effect>) -> bool {
        let changed = self.condition != condition;
        self.condition = condition;
        if changed {
            self.report(id, now, None, "", effects);
        }
        changed
    }
}
