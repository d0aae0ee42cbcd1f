//! The agent's rules: from a state and an event to a new state and effects. Pure: no clock, no file, no network.
//!
//! A member does one operation at a time: it looks at its file, backs up, restores, or merges. What arrives meanwhile waits. The
//! executor (`run.rs`) performs the effects in their order and feeds what came of them back as events; the seeded
//! simulator does the same over a fake world.

mod brake;
mod merge;
mod sight;
mod words;

use std::collections::{BTreeMap, VecDeque};

use crate::fault::{Fault, planted};
use brake::Brake;
use plan::{Condition, Direction, Fingerprint, JobId, MemberId, Report, VersionId};

pub use words::{
    Assignment, BrakeEntry, Clash, Commit, Copied, Effect, Entry, Event, Instruction, Limit, MergeAnswer,
    MergeInstruction, Merged, Portion, Restored, Sight,
};

/// A monotonic clock, in milliseconds. Its zero means nothing.
pub type Millis = u64;

/// A report that was not acknowledged is said again after this time.
const REPEAT_AFTER: Millis = 5_000;
/// A member whose operation failed for a cause outside its file looks again after this time.
const RETRY_AFTER: Millis = 5_000;
/// How far the manager may be ahead of a journal that lost its end with the power. More is no honest manager's number.
const LEAP: u64 = 1 << 20;
/// How many versions that it has left a member remembers.
const LEFT: usize = 4_096;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Operation {
    Look,
    BackUp { job: JobId },
    Restore { job: JobId, version: VersionId },
    Merge(Box<MergeInstruction>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Queued {
    Backup { job: JobId, generation: u64 },
    Restore(Box<Instruction>),
    Merge(Box<MergeInstruction>),
}

/// One member's state.
#[derive(Debug, Clone)]
pub struct Member {
    /// What the manager told.
    pub assignment: Assignment,
    /// What the journal holds.
    pub entry: Entry,
    /// What was last seen to stand in the way of it, if anything.
    pub condition: Condition,
    format: String,
    left: VecDeque<VersionId>,
    operation: Option<Operation>,
    touched: bool,
    queued: Option<Queued>,
    reported_at: Option<Millis>,
    pending: Option<Commit>,
    /// What the last merge came to, for as long as the same may be asked again.
    answer: Option<Box<MergeAnswer>>,
    recent: VecDeque<Fingerprint>,
    restored_at: Option<Millis>,
    retry_at: Option<Millis>,
    accepted: bool,
    gives_way: bool,
    /// The portion was seen in its file since the agent started, and the file did not go since: only then is it removed if it is not
    /// there. A power failure, or somebody who makes the file anew, removes nothing.
    there: bool,
    /// Why an edit would be held back at this step.
    brake: Option<String>,
    /// A person let go what the brake held back of it.
    released: bool,
    /// It was edited in this step.
    edited: bool,
}

/// The agent's state.
#[derive(Debug, Clone, Default)]
pub struct Steps {
    members: BTreeMap<MemberId, Member>,
    /// What the journal held of members that were not assigned yet.
    journaled: BTreeMap<MemberId, (Entry, Vec<VersionId>)>,
    online: bool,
    brake: Brake,
}

impl Steps {
    /// A state from what the journal holds: each member's entry and the versions that it has left, and the brake's.
    pub fn new(journaled: BTreeMap<MemberId, (Entry, Vec<VersionId>)>, brake: BrakeEntry) -> Self {
        Steps { members: BTreeMap::new(), journaled, online: false, brake: Brake::new(brake) }
    }

    /// A member's state.
    pub fn member(&self, id: MemberId) -> Option<&Member> {
        self.members.get(&id)
    }

    /// All members.
    pub fn members(&self) -> impl Iterator<Item = (MemberId, &Member)> {
        self.members.iter().map(|(id, member)| (*id, member))
    }

    /// The one function: takes an event, changes the state, and says what is to be done.
    pub fn step(&mut self, now: Millis, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Online => {
                self.online = true;
                for (id, member) in &mut self.members {
                    // An earlier database may not know any more what became of it.
                    member.answer = None;
                    // A member that was never seen is reported by its first look.
                    if member.operation.is_none() || member.entry.generation > 0 {
                        member.report(*id, now, None, "", &mut effects);
                    }
                }
            }
            Event::Offline => self.online = false,
            Event::Assigned(id, assignment) => self.assign(id, *assignment, &mut effects),
            Event::Removed(id) => {
                self.members.remove(&id);
                self.journaled.remove(&id);
                effects.push(Effect::Forget(id));
            }
            Event::Tick => {
                for (id, member) in &mut self.members {
                    member.tick(*id, now, self.online, &mut effects);
                }
                self.brake_tick(now, &mut effects);
            }
            Event::Limit(limit) => self.limit(limit, now, &mut effects),
            Event::Release => self.release(now, &mut effects),
            Event::Recovered { member: id, version, portion } => {
                if let Some(member) = self.members.get_mut(&id) {
                    member.restored(id, version, portion, now, &mut effects);
                } else {
                    // Of a member that was made by this very restore nothing was journaled before.
                    let (entry, left) = self.journaled.entry(id).or_default();
                    left.extend(entry.restore(version, &portion));
                    effects.push(Effect::Journal { member: id, entry: entry.clone(), sync: true });
                }
            }
            Event::Restored(id, Restored::Made(portion)) => {
                // What was missing with the whole file is not removed from the new one.
                let path = self.members.get(&id).map(|member| member.assignment.path.clone());
                let others = self.members.iter_mut().filter(|(other, _)| **other != id).map(|(_, member)| member);
                others.filter(|m| Some(&m.assignment.path) == path.as_ref()).for_each(|m| m.there = false);
                self.member_step(id, now, Event::Restored(id, Restored::Done(portion)), &mut effects);
            }
            Event::Touched(id)
            | Event::Looked(id, _)
            | Event::Backup { member: id, .. }
            | Event::Copied(id, _)
            | Event::NotCopied(id, _)
            | Event::Restored(id, _)
            | Event::Merged(id, _)
            | Event::Acknowledged { member: id, .. }
            | Event::Accept { member: id, .. } => self.member_step(id, now, event, &mut effects),
            Event::Restore(ref instruction) => self.member_step(instruction.member, now, event, &mut effects),
            Event::Merge(ref instruction) => self.member_step(instruction.member, now, event, &mut effects),
        }
        effects
    }

    fn assign(&mut self, id: MemberId, assignment: Assignment, effects: &mut Vec<Effect>) {
        if let Some(member) = self.members.get_mut(&id) {
            if member.assignment != assignment {
                member.assignment = assignment;
                member.look(id, effects);
            }
            return;
        }
        let (entry, left) = self.journaled.remove(&id).unwrap_or_default();
        let mut member = Member {
            assignment,
            entry,
            condition: Condition::Fine,
            format: String::new(),
            left: left.into(),
            operation: None,
            touched: false,
            queued: None,
            reported_at: None,
            pending: None,
            answer: None,
            recent: VecDeque::new(),
            restored_at: None,
            retry_at: None,
            accepted: false,
            gives_way: false,
            there: false,
            brake: None,
            released: false,
            edited: false,
        };
        effects.push(Effect::Watch(id));
        member.look(id, effects);
        self.members.insert(id, member);
    }
}

impl Entry {
    /// A restore was done. Returns what the member has left by it.
    fn restore(&mut self, version: VersionId, portion: &Portion) -> Vec<VersionId> {
        let mut left: Vec<VersionId> = [self.base, self.held, self.proposed].into_iter().flatten().collect();
        left.retain(|old| *old != version);
        left.dedup();
        self.generation += u64::from(!planted(Fault::RestoreNotRaised));
        self.fingerprint = Some(portion.fingerprint);
        self.empty = portion.empty;
        self.base = Some(version);
        self.base_gen = self.generation;
        self.base_fp = self.fingerprint;
        self.held = None;
        self.proposed = None;
        left
    }
}

impl Member {
    fn step(&mut self, id: MemberId, now: Millis, event: Event, effects: &mut Vec<Effect>) {
        match event {
            Event::Touched(_) => {
                if self.operation.is_some() {
                    self.touched = true;
                } else {
                    self.look(id, effects);
                }
            }
            Event::Looked(_, sight) => {
                if self.operation == Some(Operation::Look) {
                    self.operation = None;
                    self.see(id, sight, now, effects);
                    self.next(id, now, effects);
                }
            }
            Event::Backup { job, generation, .. } => self.instructed_backup(id, job, generation, now, effects),
            Event::Restore(instruction) => self.instructed_restore(id, instruction, now, effects),
            Event::Merge(instruction) => self.instructed_merge(id, instruction, now, effects),
            Event::Merged(_, merged) => self.merged(id, merged, now, effects),
            Event::Copied(_, copied) => {
                if let Some(Operation::BackUp { job }) = self.operation.clone() {
                    self.operation = None;
                    self.copied(id, job, *copied, now, effects);
                    self.next(id, now, effects);
                }
            }
            Event::NotCopied(_, condition) => {
                if let Some(Operation::BackUp { job }) = self.operation.clone() {
                    self.operation = None;
                    self.fail(id, condition, job, now, effects);
                    self.next(id, now, effects);
                }
            }
            Event::Restored(_, result) => {
                if let Some(Operation::Restore { job, version }) = self.operation.clone() {
                    self.operation = None;
                    match result {
                        Restored::Done(portion) | Restored::Made(portion) => {
                            self.restored(id, version, portion, now, effects);
                            self.report(id, now, Some(job), "", effects);
                        }
                        // That may be half of a file: whether it is so is for a look to say, which waits.
                        Restored::Changed(Sight::Absent(Condition::Missing(_)) | Sight::Blank(_)) => {
                            self.touched = true;
                            self.report(id, now, Some(job), "", effects);
                        }
                        Restored::Changed(sight) => {
                            if !self.see(id, sight, now, effects) {
                                self.report(id, now, Some(job), "", effects);
                            }
                        }
                        Restored::Refused(why) => self.report(id, now, Some(job), &why, effects),
                        Restored::Failed(condition) => self.fail(id, condition, job, now, effects),
                    }
                    self.next(id, now, effects);
                }
            }
            Event::Acknowledged { generation, committed, .. } => self.acknowledged(id, generation, committed, effects),
            Event::Accept { give_way, .. } => {
                self.accepted = true;
                self.gives_way = give_way;
                self.step(id, now, Event::Touched(id), effects);
            }
            Event::Online
            | Event::Offline
            | Event::Assigned(..)
            | Event::Removed(_)
            | Event::Recovered { .. }
            | Event::Limit(_)
            | Event::Release
            | Event::Tick => {}
        }
    }

    fn look(&mut self, id: MemberId, effects: &mut Vec<Effect>) {
        if self.operation.is_none() {
            self.operation = Some(Operation::Look);
            self.touched = false;
            effects.push(Effect::Look(id));
        } else {
            self.touched = true;
        }
    }

    /// After an operation: what waited.
    fn next(&mut self, id: MemberId, now: Millis, effects: &mut Vec<Effect>) {
        match self.queued.take() {
            Some(Queued::Backup { job, generation }) => self.instructed_backup(id, job, generation, now, effects),
            Some(Queued::Restore(instruction)) => self.instructed_restore(id, instruction, now, effects),
            Some(Queued::Merge(instruction)) => self.instructed_merge(id, instruction, now, effects),
            None => {}
        }
        if self.operation.is_none() && self.touched {
            self.look(id, effects);
        }
    }

    /// An operation could not be done: the answer says so, and the member tries again by itself.
    fn fail(&mut self, id: MemberId, condition: Condition, job: JobId, now: Millis, effects: &mut Vec<Effect>) {
        if matches!(condition, Condition::Suspended(_) | Condition::HardLinked(_)) {
            self.retry_at = Some(now + RETRY_AFTER);
        }
        self.condition = condition;
        self.report(id, now, Some(job), "", effects);
    }

    fn instructed_backup(&mut self, id: MemberId, job: JobId, generation: u64, now: Millis, effects: &mut Vec<Effect>) {
        if self.operation.is_some() {
            self.queued = Some(Queued::Backup { job, generation });
            return;
        }
        // What was read of this generation is safe, whatever has become of the file since.
        if let Some(commit) =
            self.pending.clone().filter(|c| c.generation == self.entry.generation && c.generation == generation)
        {
            effects.push(Effect::Commit { member: id, job, commit: Box::new(commit) });
            return;
        }
        if self.condition != Condition::Fine || generation < self.entry.generation || self.entry.fingerprint.is_none() {
            self.report(id, now, Some(job), "", effects);
            return;
        }
        if generation - self.entry.generation > LEAP {
            self.report(id, now, Some(job), "no agent has that many edits", effects);
            return;
        }
        if generation > self.entry.generation {
            // The manager knows of a generation that this journal lost with the power: nothing older may be named again.
            self.entry.generation = generation;
            effects.push(Effect::Journal { member: id, entry: self.entry.clone(), sync: true });
        }
        self.operation = Some(Operation::BackUp { job });
        effects.push(Effect::BackUp(id));
    }

    fn copied(&mut self, id: MemberId, job: JobId, copied: Copied, now: Millis, effects: &mut Vec<Effect>) {
        self.format.clone_from(&copied.portion.format);
        if self.entry.fingerprint != Some(copied.portion.fingerprint) {
            if let Some(condition) = self.suspicion(&copied.portion, now) {
                self.condition = condition;
                self.report(id, now, Some(job), "", effects);
                return;
            }
            self.raise(id, &copied.portion, true, effects);
        }
        self.entry.proposed = Some(copied.version);
        effects.push(Effect::Journal { member: id, entry: self.entry.clone(), sync: false });
        let commit = Commit {
            generation: self.entry.generation,
            base: self.entry.base,
            base_gen: self.entry.base_gen,
            base_fp: self.entry.base_fp.unwrap_or(Fingerprint::ABSENT),
            copied,
        };
        self.reported_at = Some(now);
        self.pending = Some(commit.clone());
        effects.push(Effect::Commit { member: id, job, commit: Box::new(commit) });
    }

    fn instructed_restore(
        &mut self,
        id: MemberId,
        instruction: Box<Instruction>,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        if self.operation.is_some() {
            self.queued = Some(Queued::Restore(instruction));
            return;
        }
        let version = instruction.record.version;
        let group = self.assignment.group;
        let of_another = instruction.group != group
            || instruction.record.group != group
            || instruction.text_base.as_ref().is_some_and(|base| base.group != group);
        let refused = if of_another && !planted(Fault::OtherGroupAccepted) {
            Some("the copy belongs to another group")
        } else if !instruction.authentic && !planted(Fault::ForgedAccepted) {
            Some("the version's record was not made by a holder of the repository's key")
        } else if self.left.contains(&version) && !planted(Fault::LeftAccepted) {
            Some("this member has already left that version")
        } else if self.assignment.direction == Direction::Send {
            Some("nothing is restored into this member: it only sends")
        } else {
            None
        };
        if let Some(why) = refused {
            self.report(id, now, Some(instruction.job), why, effects);
            return;
        }
        let missing = matches!(self.condition, Condition::Missing(_) | Condition::NoFile(_));
        let made = instruction.create || instruction.record.shape.is_absent();
        let ready = self.condition == Condition::Fine || (missing && made);
        let expected = instruction.expected_gen == self.entry.generation || planted(Fault::GenerationNotCompared);
        if !ready || !expected {
            self.report(id, now, Some(instruction.job), "", effects);
            return;
        }
        self.operation = Some(Operation::Restore { job: instruction.job, version });
        let expected = if missing { None } else { self.entry.fingerprint };
        effects.push(Effect::Restore { instruction, expected });
    }

    fn restored(&mut self, id: MemberId, version: VersionId, portion: Portion, now: Millis, effects: &mut Vec<Effect>) {
        self.remember();
        let left = self.entry.restore(version, &portion);
        self.recent.retain(|old| *old != portion.fingerprint);
        self.format = portion.format;
        self.pending = None;
        self.answer = None;
        self.condition = Condition::Fine;
        self.retry_at = None;
        self.restored_at = Some(now);
        (self.accepted, self.gives_way) = (false, false);
        self.there = !self.is_absent();
        effects.push(Effect::Journal { member: id, entry: self.entry.clone(), sync: true });
        left.into_iter().for_each(|old| self.leave(id, old, effects));
    }

    fn leave(&mut self, id: MemberId, version: VersionId, effects: &mut Vec<Effect>) {
        if !self.left.contains(&version) {
            self.left.push_back(version);
            if self.left.len() > LEFT {
                self.left.pop_front();
            }
            effects.push(Effect::Left(id, version));
        }
    }

    fn acknowledged(&mut self, id: MemberId, generation: u64, committed: bool, effects: &mut Vec<Effect>) {
        if generation < self.entry.generation {
            return;
        }
        if !self.pending.as_ref().is_some_and(|p| p.generation == generation && !committed) {
            self.reported_at = None;
        }
        if !committed || self.pending.take().is_none() {
            return;
        }
        // What it held before is left, unless its own content was to give way: then it goes back there.
        let returns = self.gives_way || self.assignment.create || self.assignment.direction == Direction::Receive;
        if !returns && self.entry.fingerprint != self.entry.base_fp {
            for old in [self.entry.base, self.entry.held].into_iter().flatten() {
                self.leave(id, old, effects);
            }
        }
        self.entry.held = self.entry.proposed.take();
        effects.push(Effect::Journal { member: id, entry: self.entry.clone(), sync: false });
    }

    fn tick(&mut self, id: MemberId, now: Millis, online: bool, effects: &mut Vec<Effect>) {
        if self.retry_at.is_some_and(|at| now >= at) && self.operation.is_none() {
            self.retry_at = None;
            self.look(id, effects);
        }
        if online && self.reported_at.is_some_and(|at| now.saturating_sub(at) >= REPEAT_AFTER) {
            self.report(id, now, None, "", effects);
        }
    }

    fn report(&mut self, id: MemberId, now: Millis, job: Option<JobId>, refused: &str, effects: &mut Vec<Effect>) {
        self.reported_at = Some(now);
        let report = Report {
            member: id,
            generation: self.entry.generation,
            base: self.entry.base,
            base_gen: self.entry.base_gen,
            fingerprint: self.entry.fingerprint.unwrap_or(Fingerprint::ABSENT),
            format: self.format.clone(),
            condition: self.condition.clone(),
        };
        effects.push(Effect::Report { report: Box::new(report), job, refused: refused.to_owned() });
    }
}
