//! The brake, judged from outside: no more groups change within the policy's time than it allows, whatever becomes of the process.

use agent::step::{Entry, Event};
use plan::{Condition, MemberId};

use super::Machine;

impl Machine {
    /// A person lets something go: that is not counted.
    pub(super) fn note_leave(&mut self, event: &Event) {
        match event {
            Event::Accept { member, .. } if self.steps.member(*member).is_some() => {
                self.let_go.insert(*member);
            }
            Event::Release => {
                let held = self.steps.members().filter(|(_, m)| matches!(m.condition, Condition::Braked(_)));
                self.let_go.extend(held.map(|(id, _)| id));
                self.went_out.clear();
            }
            _ => {}
        }
    }

    /// An entry is about to be journaled: if it is an edit that went out by itself, it counts.
    pub(super) fn judge_brake(&mut self, member: MemberId, entry: &Entry) {
        let known = self.known.insert(member, entry.fingerprint).flatten();
        let is_edit = known.is_some() && known != entry.fingerprint && entry.base_gen != entry.generation;
        if !is_edit || self.let_go.remove(&member) {
            return;
        }
        let Some(group) = self.steps.member(member).map(|m| m.assignment.group) else { return };
        let (now, within) = (self.now(), self.limit.within);
        self.went_out.push((now, group));
        self.went_out.retain(|(at, _)| now - at < within);
        let mut groups: Vec<_> = self.went_out.iter().map(|(_, group)| *group).collect();
        groups.sort();
        groups.dedup();
        if self.limit.groups > 0 && groups.len() as u64 > self.limit.groups {
            let (number, count, allowed) = (self.number, groups.len(), self.limit.groups);
            self.ledger.breaks(8, format!("agent {number} let {count} groups change, and its policy allows {allowed}"));
        }
    }
}
