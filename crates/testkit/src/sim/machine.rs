//! One agent: the real rules, the real journal's bytes, the real operations on files; what the agent's event loop does around them is done
//! here over a fake world. Only the journal and the files outlast the process.

mod brake;
mod copies;
mod files;
mod journal;
mod owed;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agent::Keys;
use agent::simulated::{Deletion, Due, JournalRecord};
use agent::step::{
    Assignment, Copied, Effect, Event, Instruction, Limit, MergeAnswer, MergeInstruction, Merged, Restored, Steps,
};
use plan::{AgentId, BackedUp, Fingerprint, GroupId, JobId, MemberId, Record, Report, VersionId};

use super::disk::{Disk, FakeFolder};
use super::ledger::{Author, MemberNo, Shared};
pub(crate) use copies::{Copies, fetch};
pub(crate) use journal::FakeJournal;

/// What an agent says.
#[derive(Debug, Clone)]
pub(crate) enum Up {
    Report {
        report: Report,
        refused: String,
    },
    BackedUp(BackedUp),
    /// What a merge came to.
    Merged {
        job: JobId,
        member: MemberId,
        head: VersionId,
        branch: VersionId,
        result: Result<Record, String>,
    },
}

/// Something that takes time.
#[derive(Debug, Clone)]
pub(crate) enum Job {
    Look { member: MemberId, attempt: u32 },
    BackUp { member: MemberId, attempt: u32 },
    Restore { instruction: Box<Instruction>, expected: Option<Fingerprint> },
    Merge(Box<MergeInstruction>),
    Recover { member: MemberId },
    Delete(Vec<Deletion>),
}

/// What a job came to.
#[derive(Debug, Clone)]
pub(crate) enum Happened {
    Event(Event),
    Copied {
        member: MemberId,
        copied: Box<Copied>,
        unsealed: Vec<u8>,
    },
    /// `held`: the file held already what was to be restored, as that author's.
    Restored {
        member: MemberId,
        restored: Restored,
        written: Option<Option<Deletion>>,
        unfinished: bool,
        held: Option<(Author, Option<Author>)>,
    },
    Merged {
        member: MemberId,
        merged: Merged,
        unsealed: Vec<u8>,
    },
    Recovered {
        member: MemberId,
        version: VersionId,
        done: Option<(Restored, Option<Option<Deletion>>)>,
    },
    Again(Job, u64),
}

/// What is to be said, and what it rests on.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) message: Up,
    pub(crate) stream: u64,
    needs: u64,
}

/// What follows from something, for the world.
#[derive(Debug)]
pub(crate) enum Follows {
    Job(Job),
    Outgoing,
}

/// See the module.
pub(crate) struct Machine {
    pub(crate) id: AgentId,
    pub(crate) number: usize,
    pub(crate) disk: Arc<Mutex<Disk>>,
    pub(crate) journal: RefCell<FakeJournal>,
    /// The members, as they are remembered over a restart.
    roster: BTreeMap<MemberId, Assignment>,
    pub(crate) numbers: BTreeMap<MemberId, MemberNo>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) ledger: Shared,
    pub(crate) alive: bool,
    /// Which process this is: what belongs to an earlier one is void.
    pub(crate) process: u64,
    pub(crate) steps: Steps,
    pub(crate) stream: Option<u64>,
    named: BTreeMap<MemberId, u64>,
    written: BTreeMap<MemberId, Option<Deletion>>,
    due: Due,
    /// What could not be journaled yet, and whether that is so; and whether the members were told.
    owed: Vec<JournalRecord>,
    broken: bool,
    told_broken: bool,
    unfinished: BTreeMap<MemberId, bool>,
    /// Its own policy.
    pub(crate) limit: Limit,
    /// In which groups edits went out without anybody's leave, and when.
    went_out: Vec<(u64, GroupId)>,
    /// Members of which a person let the next edit go.
    let_go: BTreeSet<MemberId>,
    /// Who removed what was found to be missing, when the file was last read.
    removers: BTreeMap<MemberId, Option<Author>>,
    /// What the rules know to stand in each member's file.
    known: BTreeMap<MemberId, Option<Fingerprint>>,
    /// Members whose files the machine's owner does not allow.
    denied: BTreeSet<MemberId>,
    pub(crate) outbox: Vec<Outgoing>,
    follows: Vec<Follows>,
}

impl Machine {
    pub(crate) fn new(number: usize, id: AgentId, disk: Arc<Mutex<Disk>>, keys: Arc<Keys>, ledger: Shared) -> Machine {
        Machine {
            id,
            number,
            disk,
            journal: RefCell::new(FakeJournal::new()),
            roster: BTreeMap::new(),
            numbers: BTreeMap::new(),
            keys,
            ledger,
            alive: false,
            process: 0,
            steps: Steps::default(),
            stream: None,
            named: BTreeMap::new(),
            written: BTreeMap::new(),
            due: Due::default(),
            owed: Vec::new(),
            broken: false,
            told_broken: false,
            unfinished: BTreeMap::new(),
            limit: Limit::default(),
            went_out: Vec::new(),
            let_go: BTreeSet::new(),
            removers: BTreeMap::new(),
            known: BTreeMap::new(),
            denied: BTreeSet::new(),
            outbox: Vec::new(),
            follows: Vec::new(),
        }
    }

    pub(crate) fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn folder(&self) -> FakeFolder {
        FakeFolder(self.disk.clone())
    }

    fn now(&self) -> u64 {
        self.ledger.lock().now
    }

    pub(crate) fn take_follows(&mut self) -> Vec<Follows> {
        std::mem::take(&mut self.follows)
    }

    /// The process is gone; what is durable stays.
    pub(crate) fn die(&mut self, power: bool) {
        self.alive = false;
        self.forget_unwritten();
        self.let_go.clear();
        if power || self.broken {
            // What was counted may be lost with the journal's end.
            self.went_out.clear();
        }
        self.process += 1;
        self.stream = None;
        self.steps = Steps::default();
        self.named.clear();
        self.written.clear();
        self.due = Due::default();
        self.owed.clear();
        (self.broken, self.told_broken) = (false, false);
        self.unfinished.clear();
        self.outbox.clear();
        self.follows.clear();
        self.ledger.tell(format_args!("agent {} {}", self.number, if power { "loses its power" } else { "is killed" }));
        if power {
            let before = self.journal.borrow().contents.clone();
            self.journal.borrow_mut().power_cut();
            let journal = self.journal.borrow();
            let after = &journal.contents;
            for (member, number) in &self.numbers {
                // With an intent it forgets a write that may have been done.
                let entry = before.members.get(member) == after.members.get(member);
                if !entry || before.intents.get(member) != after.intents.get(member) {
                    self.ledger.lock().forgetful.insert(*number);
                    self.ledger.tell(format_args!("  the journal lost its end for member {number}"));
                }
            }
            drop(journal);
            self.disk().power_cut();
        }
        let mut disk = self.disk();
        (disk.dead, disk.power) = (false, false);
        disk.interrupts.clear();
    }

    /// What could not be journaled, as on a full disk, is forgotten with the process.
    fn forget_unwritten(&self) {
        for (member, state) in self.steps.members() {
            let kept = self.journal.borrow().contents.members.get(&member).map(|kept| kept.entry.clone());
            if kept.unwrap_or_default() != state.entry
                && let Some(number) = self.numbers.get(&member)
            {
                self.ledger.lock().forgetful.insert(*number);
            }
        }
    }

    /// A process starts: it finishes what a crash interrupted, and takes up the members that were there before.
    pub(crate) fn start(&mut self) {
        self.ledger.tell(format_args!("agent {} starts", self.number));
        self.alive = true;
        if let Err(damaged) = self.journal.borrow_mut().open() {
            self.ledger.breaks(6, format!("the journal of agent {} is damaged at {damaged:?}", self.number));
            return;
        }
        let contents = self.journal.borrow().contents.clone();
        let journaled =
            contents.members.iter().map(|(id, kept)| (*id, (kept.entry.clone(), kept.left.iter().copied().collect())));
        self.known = contents.members.iter().map(|(id, kept)| (*id, kept.entry.fingerprint)).collect();
        self.steps = Steps::new(journaled.collect(), contents.brake.clone());
        self.handle(Event::Limit(self.limit));
        self.disk().begin(None);
        for member in contents.intents.keys() {
            let happened = self.recover(*member);
            self.took_place(happened);
        }
        self.sweep();
        self.append([JournalRecord::Sealed(contents.unsealed.keys().copied().collect())]);
        for (member, assignment) in self.roster.clone() {
            self.assign(member, assignment);
        }
        self.disk().end();
    }

    /// The manager told of its members.
    pub(crate) fn members(&mut self, members: Vec<(MemberId, Assignment)>, whole: bool) {
        let named: BTreeSet<MemberId> = members.iter().map(|(id, _)| *id).collect();
        for (member, assignment) in members {
            self.roster.insert(member, assignment.clone());
            self.assign(member, assignment);
        }
        let gone: Vec<MemberId> = self.roster.keys().filter(|id| whole && !named.contains(id)).copied().collect();
        for member in gone {
            self.roster.remove(&member);
            self.handle(Event::Removed(member));
        }
    }

    fn assign(&mut self, member: MemberId, assignment: Assignment) {
        let position = self.journal.borrow().position();
        self.named.entry(member).or_insert(position);
        self.handle(Event::Assigned(member, Box::new(assignment)));
    }

    /// Hands an event to the rules, and carries out what follows.
    pub(crate) fn handle(&mut self, event: Event) {
        let now = self.now();
        self.note_leave(&event);
        for effect in self.steps.step(now, event) {
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        let rests_on_journal = effect.rests_on_journal();
        match effect {
            Effect::Watch(_) => {}
            Effect::Forget(member) => {
                self.named.remove(&member);
                self.append([JournalRecord::Forget(member)]);
            }
            Effect::Look(member) => self.follows.push(Follows::Job(Job::Look { member, attempt: 0 })),
            Effect::BackUp(member) => {
                // The generation has to be durable before it is named: beside the copy, not after it.
                let named = self.named(member);
                if named != u64::MAX && named > self.journal.borrow().synced() {
                    self.journal.borrow_mut().sync();
                }
                self.follows.push(Follows::Job(Job::BackUp { member, attempt: 0 }));
            }
            Effect::Restore { instruction, expected } => {
                self.follows.push(Follows::Job(Job::Restore { instruction, expected }));
            }
            Effect::Brake(brake) => {
                self.ledger.tell(format_args!("agent {} journals its brake: {brake:?}", self.number));
                self.append([JournalRecord::Brake(brake)]);
            }
            Effect::Journal { member, entry, sync } => {
                self.judge_brake(member, &entry);
                self.judge_absence(member, &entry);
                let known = self.journal.borrow().contents.members.get(&member).map(|kept| kept.entry.generation);
                let raises = known != Some(entry.generation);
                let number = self.numbers.get(&member);
                self.ledger.tell(format_args!(
                    "agent {} journals member {number:?}: generation {}, base {:?} at {}, sync {sync}",
                    self.number,
                    entry.generation,
                    entry.base.map(|v| v.short()),
                    entry.base_gen
                ));
                let record = match self.written.remove(&member) {
                    Some(deletion) => JournalRecord::Finished(member, Some(entry), deletion),
                    None => JournalRecord::Entry(member, entry),
                };
                let position = self.append([record]);
                if (sync || raises)
                    && let Some(named) = self.named.get_mut(&member)
                {
                    *named = position;
                }
            }
            Effect::Left(member, version) => {
                self.append([JournalRecord::Left(member, version)]);
            }
            Effect::Report { report, refused, .. } => {
                let mut report = report;
                if self.broken {
                    self.only_what_is_journaled(&mut report);
                }
                let needs = match (self.broken, rests_on_journal) {
                    (true, _) => self.journal.borrow().position(),
                    (false, true) => self.named(report.member),
                    (false, false) => 0,
                };
                self.say(Up::Report { report: *report, refused }, needs);
            }
            Effect::Commit { member, commit, .. } => {
                let needs = if rests_on_journal { self.named(member) } else { 0 };
                let mapping = self.steps.member(member).map(|m| m.assignment.mapping.clone());
                let record = mapping.and_then(|m| self.sign(member, commit.generation, m, &commit.copied));
                if let Some(record) = record {
                    let (base, base_gen, base_fp) = (commit.base, commit.base_gen, commit.base_fp);
                    self.say(Up::BackedUp(BackedUp { base, base_gen, base_fp, record }), needs);
                }
            }
            Effect::Merge(instruction) => self.follows.push(Follows::Job(Job::Merge(instruction))),
            Effect::Answer(answer) => self.answer(*answer),
        }
    }

    fn named(&self, member: MemberId) -> u64 {
        self.named.get(&member).copied().unwrap_or(0)
    }

    fn say(&mut self, message: Up, needs: u64) {
        if let Some(stream) = self.stream {
            self.outbox.push(Outgoing { message, stream, needs });
            self.follows.push(Follows::Outgoing);
        }
    }

    /// What waits is sent, once what it rests on is durable.
    pub(crate) fn send(&mut self) -> Vec<Outgoing> {
        let batch = std::mem::take(&mut self.outbox);
        let needs = batch.iter().map(|outgoing| outgoing.needs).max().unwrap_or(0);
        let mut durable = needs <= self.journal.borrow().synced();
        if !durable && needs != u64::MAX {
            self.journal.borrow_mut().sync();
            durable = true;
        }
        batch.into_iter().filter(|outgoing| outgoing.needs == 0 || durable).collect()
    }

    /// Says what a merge came to.
    fn answer(&mut self, answer: MergeAnswer) {
        let MergeAnswer { instruction, generation, result } = answer;
        let MergeInstruction { member, job, head, branch, .. } = instruction;
        let result = match result {
            Ok(copied) => match self.sign(member, generation, branch.shape.mapping, &copied) {
                Some(record) => Ok(record),
                None => return,
            },
            Err(clash) => Err(clash.cause),
        };
        let needs = self.named(member);
        self.say(Up::Merged { job, member, head: head.version, branch: branch.version, result }, needs);
    }

    fn sign(&self, member: MemberId, generation: u64, mapping: String, copied: &Copied) -> Option<Record> {
        let group = self.steps.member(member)?.assignment.group;
        let Copied { portion, value, size, copy, version } = copied.clone();
        let mut record = Record {
            version,
            group,
            member,
            generation,
            shape: portion.shape(mapping),
            text: portion.fingerprint,
            value,
            size,
            copy,
            mac: [0; 32],
        };
        self.keys.sign(&mut record);
        Some(record)
    }

    /// What a job came to.
    pub(crate) fn took_place(&mut self, happened: Happened) {
        match happened {
            Happened::Event(event) => self.handle(event),
            Happened::Copied { member, copied, unsealed } => {
                self.append([JournalRecord::Unsealed(copied.version, unsealed)]);
                self.handle(Event::Copied(member, copied));
                self.journal.borrow_mut().sync();
            }
            Happened::Restored { member, restored, written, unfinished, held } => {
                if let Some((author, read)) = held {
                    self.held_already(member, author, read);
                }
                if unfinished {
                    self.unfinished.insert(member, false);
                }
                if let Some(deletion) = written {
                    self.written.insert(member, deletion);
                }
                self.handle(Event::Restored(member, restored));
                self.settle_written(member);
            }
            Happened::Merged { member, merged, unsealed } => {
                if let Merged::Done(copied) = &merged {
                    self.append([JournalRecord::Unsealed(copied.version, unsealed)]);
                }
                let done = matches!(merged, Merged::Done(_));
                self.handle(Event::Merged(member, merged));
                if done {
                    self.journal.borrow_mut().sync();
                }
            }
            Happened::Recovered { member, version, done } => self.recovered(member, version, done),
            Happened::Again(job, _) => self.follows.push(Follows::Job(job)),
        }
    }

    fn settle_written(&mut self, member: MemberId) {
        if let Some(deletion) = self.written.remove(&member) {
            self.append([JournalRecord::Finished(member, None, deletion)]);
        }
    }

    fn recovered(&mut self, member: MemberId, version: VersionId, done: Option<(Restored, Option<Option<Deletion>>)>) {
        let Some((restored, written)) = done else {
            self.unfinished.insert(member, false);
            return;
        };
        self.unfinished.remove(&member);
        if let (Restored::Done(portion), Some(deletion)) = (restored, written) {
            self.written.insert(member, deletion);
            self.handle(Event::Recovered { member, version, portion });
            self.settle_written(member);
        }
        if self.named.contains_key(&member) {
            self.handle(Event::Touched(member));
        }
    }

    /// A second has passed.
    pub(crate) fn tick(&mut self) {
        self.handle(Event::Tick);
        self.mend_journal();
        let now = self.now();
        let due = self.due.take(&self.journal.borrow().contents, now);
        if !due.is_empty() {
            self.follows.push(Follows::Job(Job::Delete(due)));
        }
        for (member, busy) in &mut self.unfinished {
            if self.journal.borrow().contents.intents.contains_key(member) && !std::mem::replace(busy, true) {
                self.follows.push(Follows::Job(Job::Recover { member: *member }));
            }
        }
    }

    /// The machine's owner allows a member's file, or not: its agent looks at once.
    pub(crate) fn allow(&mut self, member: MemberId, allowed: bool) {
        let changed = if allowed { self.denied.remove(&member) } else { self.denied.insert(member) };
        if changed && self.alive && self.knows(member) {
            self.handle(Event::Touched(member));
        }
    }

    /// Everything is looked at, whatever the watcher says.
    pub(crate) fn rescan(&mut self) {
        for member in self.named.keys().copied().collect::<Vec<_>>() {
            self.handle(Event::Touched(member));
        }
    }

    pub(crate) fn knows(&self, member: MemberId) -> bool {
        self.named.contains_key(&member)
    }
}
