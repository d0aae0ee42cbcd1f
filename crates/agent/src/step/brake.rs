//! The brake: a machine on which unusually many groups change at once is held until a person has looked.
//!
//! It counts the groups in which a member of this machine was *edited*: no restore, nothing that a person accepted, and no member's first
//! content. Once more of them than the machine's policy allows have changed within its time, no edit of this machine is raised any more.
//! What is held back stays in its file, and nothing is restored over it.

use std::collections::BTreeMap;

use plan::{Condition, GroupId, MemberId};

use super::words::{BrakeEntry, Effect, Limit};
use super::{Member, Millis, Steps};
use crate::fault::{Fault, planted};

/// See the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Brake {
    limit: Limit,
    /// When each group was last changed here. `None`: by an earlier process, at a time that this one's clock does not know.
    changed: BTreeMap<GroupId, Option<Millis>>,
    /// It is on, and so many groups had changed by then, the one that was held back included.
    on: Option<u64>,
    /// When it last had something to do; at first, when this process began.
    last: Option<Millis>,
    /// The journal does not say all this yet.
    news: bool,
}

impl Brake {
    pub(super) fn new(kept: BrakeEntry) -> Brake {
        let changed = kept.changed.into_iter().map(|group| (group, None)).collect();
        Brake { changed, on: kept.on, ..Brake::default() }
    }

    fn entry(&self) -> BrakeEntry {
        BrakeEntry { changed: self.changed.keys().copied().collect(), on: self.on }
    }

    fn is_off(&self) -> bool {
        self.limit.groups == 0 || planted(Fault::NoBrake)
    }

    /// Forgets what changed longer ago than the policy looks back. What an earlier process counted counts from now on: a restart is no way
    /// to a new budget.
    fn forget(&mut self, now: Millis) {
        self.last.get_or_insert(now);
        let before = self.changed.len();
        let within = self.limit.within;
        self.changed.retain(|_, at| now.saturating_sub(*at.get_or_insert(now)) < within);
        self.news |= self.changed.len() != before;
    }

    /// Why an edit in that group would be held back now.
    fn cause(&mut self, group: GroupId, now: Millis) -> Option<String> {
        self.forget(now);
        if self.is_off() {
            return None;
        }
        let full = self.changed.len() as u64 >= self.limit.groups && !self.changed.contains_key(&group);
        let groups = self.on.or(full.then_some(self.changed.len() as u64 + 1))?;
        let Limit { groups: allowed, within } = self.limit;
        Some(format!(
            "brake: {groups} groups changed within {} s on this machine, more than its policy allows ({allowed}); `inlay accept …` lets \
             it go on, `inlay restore …` brings the content back",
            within.div_ceil(1_000)
        ))
    }

    fn charge(&mut self, group: GroupId, now: Millis) {
        if !self.is_off() {
            self.news |= self.changed.insert(group, Some(now)).is_none();
            self.last = Some(now);
        }
    }

    fn put_on(&mut self, now: Millis) {
        if self.on.is_none() {
            self.on = Some(self.changed.len() as u64 + 1);
            self.news = true;
        }
        self.last = Some(now);
    }

    fn take_off(&mut self) {
        self.news |= self.on.is_some() || !self.changed.is_empty();
        self.on = None;
        self.changed.clear();
    }
}

impl Steps {
    /// What one member does, and what that means to the brake.
    pub(super) fn member_step(&mut self, id: MemberId, now: Millis, event: super::Event, effects: &mut Vec<Effect>) {
        let Some(member) = self.members.get_mut(&id) else { return };
        let group = member.assignment.group;
        member.brake = self.brake.cause(group, now);
        member.step(id, now, event, effects);
        if std::mem::take(&mut member.edited) {
            self.brake.charge(group, now);
        }
        if member.is_braked() {
            self.brake.put_on(now);
        }
        self.journal_brake(effects);
    }

    /// The policy as it is now. One that has no brake lets go what an earlier one held.
    pub(super) fn limit(&mut self, limit: Limit, now: Millis, effects: &mut Vec<Effect>) {
        self.brake.limit = limit;
        if limit.groups == 0 {
            self.release(now, effects);
        }
    }

    /// A person lets everything go that is held back.
    pub(super) fn release(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        self.brake.take_off();
        for (id, member) in self.members.iter_mut().filter(|(_, member)| member.is_braked()) {
            member.released = true;
            member.step(*id, now, super::Event::Touched(*id), effects);
        }
        self.journal_brake(effects);
    }

    /// It is taken off by itself once everything that it held was decided by itself, and nothing changed for a while.
    pub(super) fn brake_tick(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        self.brake.forget(now);
        let waits = |member: &Member| member.is_braked() || member.operation.is_some();
        let quiet = self.brake.last.is_some_and(|last| now.saturating_sub(last) >= self.brake.limit.within);
        if self.brake.on.is_some() && quiet && !self.members.is_empty() && !self.members.values().any(waits) {
            self.brake.take_off();
        }
        self.journal_brake(effects);
    }

    /// What was counted is written before what was counted for is said.
    fn journal_brake(&mut self, effects: &mut Vec<Effect>) {
        if std::mem::take(&mut self.brake.news) && !planted(Fault::BrakeForgotten) {
            effects.insert(0, Effect::Brake(self.brake.entry()));
        }
    }
}

impl Member {
    /// Whether the brake holds back what stands in its file.
    pub(super) fn is_braked(&self) -> bool {
        matches!(self.condition, Condition::Braked(_))
    }

    /// Whether what is seen is an edit that counts, as far as the brake is concerned: the first content of a member, and what a person
    /// agreed to, do not.
    pub(super) fn counts(&self) -> bool {
        self.entry.fingerprint.is_some() && !self.accepted && !self.released
    }
}
