//! The manager: the real decisions and the real planner over groups that are stored by each decision; jobs that are sent again until they
//! are answered; people.

mod judge;

use std::collections::BTreeMap;
use std::sync::Arc;

use agent::Keys;
use agent::step::{self, Assignment};
use plan::{
    AgentId, BackedUp, Backoff, Condition, Group, GroupId, Instruction, JobId, Join, Kind, Member, MemberId, OnMissing,
    Record, Report, ResolveError, VersionId,
};

use super::ledger::{MemberNo, Shared};
use super::machine::Up;
use crate::Random;

/// What the manager says.
#[derive(Debug, Clone)]
pub(crate) enum Down {
    Members { members: Vec<(MemberId, Assignment)>, whole: bool },
    Backup { job: JobId, member: MemberId, generation: u64 },
    Restore(Box<step::Instruction>),
    Merge(Box<step::MergeInstruction>),
    Acknowledged { member: MemberId, generation: u64, committed: bool },
    Accept { member: MemberId, give_way: bool },
    Release,
}

/// For the world to do.
#[derive(Debug)]
pub(crate) enum Act {
    Send(AgentId, Down),
    /// Ask again after a while whether that job is to be repeated.
    Repeat(u64, MemberId, JobId),
}

/// A job that is not answered yet.
#[derive(Debug, Clone)]
struct Open {
    job: JobId,
    key: (Option<VersionId>, u64),
    instruction: Instruction,
    attempts: u32,
}

/// Between attempts.
const AGAIN: Backoff = Backoff { base: 250, most: 10_000 };

/// See the module.
pub(crate) struct Manager {
    pub(crate) groups: BTreeMap<GroupId, Group>,
    kept: Option<BTreeMap<GroupId, Group>>,
    pub(crate) up: bool,
    pub(crate) streams: BTreeMap<AgentId, u64>,
    jobs: BTreeMap<MemberId, Open>,
    pub(crate) numbers: BTreeMap<MemberId, MemberNo>,
    keys: Arc<Keys>,
    pub(crate) ledger: Shared,
    random: Random,
    acts: Vec<Act>,
    /// It dies when it has stored the next message, before anything follows from it.
    pub(crate) dies_after_store: bool,
    /// Why a restore was last refused, by member.
    pub(crate) refused: BTreeMap<MemberId, String>,
}

impl Manager {
    pub(crate) fn new(keys: Arc<Keys>, ledger: Shared, random: Random) -> Manager {
        Manager {
            groups: BTreeMap::new(),
            kept: None,
            up: true,
            streams: BTreeMap::new(),
            jobs: BTreeMap::new(),
            numbers: BTreeMap::new(),
            keys,
            ledger,
            random,
            acts: Vec::new(),
            dies_after_store: false,
            refused: BTreeMap::new(),
        }
    }

    pub(crate) fn take_acts(&mut self) -> Vec<Act> {
        std::mem::take(&mut self.acts)
    }

    fn id(&mut self) -> [u8; 16] {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.random.next_number().to_be_bytes());
        id[8..].copy_from_slice(&self.random.next_number().to_be_bytes());
        id
    }

    pub(crate) fn group_of(&self, member: MemberId) -> Option<&Group> {
        self.groups.values().find(|group| group.members.contains_key(&member))
    }

    pub(crate) fn member(&self, member: MemberId) -> Option<&Member> {
        self.group_of(member)?.members.get(&member)
    }

    /// The process is gone. What it stored stays.
    pub(crate) fn die(&mut self) {
        self.ledger.tell(format_args!("the manager is killed"));
        self.up = false;
        self.streams.clear();
        self.jobs.clear();
        self.acts.clear();
        self.dies_after_store = false;
    }

    /// The database is copied away.
    pub(crate) fn keep(&mut self) {
        self.ledger.tell(format_args!("the manager's database is copied"));
        self.kept = Some(self.groups.clone());
    }

    /// The copy is put back. Returns whether there was one.
    pub(crate) fn put_back(&mut self) -> bool {
        let Some(kept) = self.kept.take() else { return false };
        self.ledger.tell(format_args!("the manager's database is put back"));
        let versions = |groups: &BTreeMap<GroupId, Group>| -> Vec<VersionId> {
            groups.values().flat_map(|group| group.versions.keys().copied()).collect()
        };
        let known = versions(&kept);
        let mut ledger = self.ledger.lock();
        ledger.put_back = true;
        ledger.put_back_at = Some(ledger.now);
        let lost = versions(&self.groups).into_iter().filter(|version| !known.contains(version));
        ledger.lost.extend(lost.map(|version| (version, false)));
        drop(ledger);
        self.groups = kept;
        true
    }

    /// A new stream of an agent.
    pub(crate) fn connected(&mut self, agent: AgentId, stream: u64) {
        self.streams.insert(agent, stream);
        let members = self
            .groups
            .values()
            .flat_map(|group| group.members.values().map(move |member| (group, member)))
            .filter(|(_, member)| member.agent == agent)
            .map(|(group, member)| (member.id, assignment(group, member)))
            .collect::<Vec<_>>();
        let ids: Vec<MemberId> = members.iter().map(|(id, _)| *id).collect();
        self.acts.push(Act::Send(agent, Down::Members { members, whole: true }));
        for id in ids {
            self.jobs.remove(&id);
            self.replan(id);
        }
    }

    /// An agent said something.
    pub(crate) fn take(&mut self, message: Up) {
        let (member, generation, committed) = match message {
            Up::Report { report, refused } => {
                if !refused.is_empty() {
                    self.was_refused(report.member, refused);
                }
                let Some(committed) = self.report(&report) else { return };
                (report.member, report.generation, committed)
            }
            Up::BackedUp(done) => (done.record.member, done.record.generation, self.commit(&done)),
            Up::Merged { job, member, head, branch, result } => {
                return self.merged(job, member, (head, branch), result);
            }
        };
        if self.dies_after_store {
            return;
        }
        if let Some(agent) = self.member(member).map(|m| m.agent) {
            self.acts.push(Act::Send(agent, Down::Acknowledged { member, generation, committed }));
        }
        self.replan_group(member);
    }

    /// An agent put a branch and a head together, or could not: that counts only for the job as it still stands.
    fn merged(
        &mut self,
        job: JobId,
        member: MemberId,
        (head, branch): (VersionId, VersionId),
        result: Result<Record, String>,
    ) {
        let now = self.ledger.lock().now;
        if self.jobs.get(&member).is_none_or(|open| open.job != job) {
            return;
        }
        let Some(group) = self.groups.values_mut().find(|group| group.members.contains_key(&member)) else { return };
        match result {
            Ok(record) => {
                let done = group.resolve(Kind::Merge, Some(head), &[branch], &record, now).is_ok();
                self.ledger.tell(format_args!("merged as version {}: {done}", record.version.short()));
            }
            Err(cause) => {
                group.cannot_merge(branch, head, cause.clone());
                self.ledger.tell(format_args!("{} and {} do not go together: {cause}", branch.short(), head.short()));
            }
        }
        if !self.dies_after_store {
            self.replan_group(member);
        }
    }

    fn was_refused(&mut self, member: MemberId, why: String) {
        self.ledger.tell(format_args!("member {:?} refused: {why}", self.numbers.get(&member)));
        self.refused.insert(member, why);
    }

    fn report(&mut self, report: &Report) -> Option<bool> {
        let group = self.groups.values_mut().find(|group| group.members.contains_key(&report.member))?;
        let stood = group.members.get(&report.member).and_then(|m| m.standing).filter(|s| group.is_open(*s));
        group.report(report);
        let member = group.members.get(&report.member)?;
        let number = self.numbers.get(&report.member);
        if stood.is_some() && stood != member.standing && !self.ledger.lock().put_back {
            self.ledger
                .breaks(2, format!("what member {number:?} had in a conflict was overwritten, and nobody decided"));
        }
        self.ledger.tell(format_args!(
            "reported by member {number:?}: generation {}, base {:?} at {}, {:?}; reported {}, committed {}",
            report.generation,
            report.base.map(|v| v.short()),
            report.base_gen,
            report.condition,
            member.reported_gen,
            member.committed_gen
        ));
        Some(report.generation <= member.committed_gen)
    }

    fn commit(&mut self, done: &BackedUp) -> bool {
        let now = self.ledger.lock().now;
        let Some(group) = self.groups.values_mut().find(|g| g.members.contains_key(&done.record.member)) else {
            return false;
        };
        let before = group.clone();
        let outcome = group.commit(done, now);
        let told = format!("{outcome:?}").replace("VersionId", "");
        let number = self.numbers.get(&done.record.member).copied().unwrap_or_default();
        self.ledger.tell(format_args!(
            "commit of member {number}, generation {}, version {}: {told}",
            done.record.generation,
            done.record.version.short()
        ));
        match outcome {
            Ok(outcome) => {
                let group = group.clone();
                self.judge(&before, &group, done, outcome, number);
                true
            }
            Err(plan::CommitError::WaitsForOrigin) => false,
            Err(error) => {
                self.ledger.breaks(3, format!("the backup of member {number} is refused: {error}"));
                false
            }
        }
    }

    fn replan_group(&mut self, member: MemberId) {
        let members: Vec<MemberId> =
            self.group_of(member).map(|group| group.members.keys().copied().collect()).unwrap_or_default();
        members.into_iter().for_each(|id| self.replan(id));
    }

    /// Makes the job that follows from the state, unless it is under way.
    fn replan(&mut self, id: MemberId) {
        let Some(group) = self.group_of(id) else { return };
        let Some(member) = group.members.get(&id) else { return };
        let agent = member.agent;
        let Some(instruction) = plan::instruction(group, member) else {
            self.jobs.remove(&id);
            return;
        };
        let key = match &instruction {
            Instruction::Backup(backup) => (None, backup.generation),
            Instruction::Restore(restore) => (Some(restore.record.version), restore.expected_gen),
            // One merge for a branch and a head.
            Instruction::Merge(merge) => (Some(merge.branch.version), u64::from_be_bytes(first(merge.head.version))),
        };
        if self.jobs.get(&id).is_some_and(|open| open.key == key) || !self.streams.contains_key(&agent) {
            return;
        }
        let job = JobId(self.id());
        self.jobs.insert(id, Open { job, key, instruction, attempts: 0 });
        self.send(id);
    }

    fn send(&mut self, id: MemberId) {
        let random = self.random.next_number();
        let Some(open) = self.jobs.get_mut(&id) else { return };
        let wait = AGAIN.wait(open.attempts, random);
        open.attempts += 1;
        let open = open.clone();
        let (agent, down) = match open.instruction {
            Instruction::Backup(backup) => {
                let down = Down::Backup { job: open.job, member: id, generation: backup.generation };
                (backup.agent, down)
            }
            Instruction::Restore(restore) => (restore.agent, Down::Restore(Box::new(self.restore(open.job, *restore)))),
            Instruction::Merge(merge) => (merge.agent, Down::Merge(Box::new(self.merge(open.job, *merge)))),
        };
        self.acts.push(Act::Send(agent, down));
        self.acts.push(Act::Repeat(wait, id, open.job));
    }

    fn restore(&self, job: JobId, restore: plan::Restore) -> step::Instruction {
        let authentic = |record: &Record| self.keys.is_authentic(record);
        step::Instruction {
            member: restore.member,
            job,
            group: restore.group,
            authentic: authentic(&restore.record) && restore.text_base.as_ref().is_none_or(authentic),
            record: restore.record,
            text_base: restore.text_base,
            expected_gen: restore.expected_gen,
            create: restore.create,
        }
    }

    fn merge(&self, job: JobId, merge: plan::Merge) -> step::MergeInstruction {
        let authentic = [&merge.base, &merge.head, &merge.branch].iter().all(|record| self.keys.is_authentic(record));
        step::MergeInstruction {
            member: merge.member,
            job,
            group: merge.group,
            base: merge.base,
            head: merge.head,
            branch: merge.branch,
            authentic,
        }
    }

    /// A job was not answered in time.
    pub(crate) fn repeat(&mut self, member: MemberId, job: JobId) {
        if self.jobs.get(&member).is_some_and(|open| open.job == job) {
            self.send(member);
        }
    }

    /// A record for a version that says again what `of` says.
    fn again(&mut self, group: GroupId, of: VersionId) -> Option<Record> {
        let id = self.id();
        let mut record = self.groups.get(&group)?.versions.get(&of)?.record.clone();
        record.version = VersionId(id);
        self.keys.sign(&mut record);
        Some(record)
    }

    /// A person ends a conflict, or makes an old version the next one, as they saw the group some time ago.
    pub(crate) fn decide(
        &mut self,
        group: GroupId,
        kind: Kind,
        head: Option<VersionId>,
        branches: &[VersionId],
        of: VersionId,
    ) {
        let now = self.ledger.lock().now;
        let Some(record) = self.again(group, of) else { return };
        let Some(entry) = self.groups.get_mut(&group) else { return };
        let saw = entry.head == head;
        let decided: Result<VersionId, ResolveError> = entry.resolve(kind, head, branches, &record, now);
        self.ledger.tell(format_args!("a person decides ({kind:?} of {}): {}", of.short(), decided.is_ok()));
        if decided.is_err() {
            return;
        }
        if !saw {
            self.ledger.breaks(2, "a person's decision replaced a head that they never saw");
        }
        self.tell_all(group);
    }

    /// A person pauses a group, or one of its members.
    pub(crate) fn pause(&mut self, group: GroupId, member: Option<MemberId>) {
        self.ledger.tell(format_args!("a person pauses {:?}", member.and_then(|member| self.numbers.get(&member))));
        let Some(entry) = self.groups.get_mut(&group) else { return };
        match member {
            Some(member) => entry.members.get_mut(&member).into_iter().for_each(|member| member.paused = true),
            None => entry.paused = true,
        }
        self.tell_all(group);
    }

    /// Nothing of a group is paused any more.
    pub(crate) fn resume(&mut self, group: GroupId) {
        let Some(entry) = self.groups.get_mut(&group) else { return };
        entry.paused = false;
        entry.members.values_mut().for_each(|member| member.paused = false);
        self.tell_all(group);
    }

    /// A group gets another member.
    pub(crate) fn add(&mut self, group: GroupId, member: Member) {
        if let Some(entry) = self.groups.get_mut(&group) {
            entry.members.insert(member.id, member);
        }
        self.tell_all(group);
    }

    fn tell_all(&mut self, group: GroupId) {
        let members = self.groups.get(&group).map(|group| group.members.keys().copied().collect::<Vec<_>>());
        for member in members.unwrap_or_default() {
            self.tell(member);
            self.replan(member);
        }
    }

    /// Tells an agent of its member.
    fn tell(&mut self, id: MemberId) {
        let Some(group) = self.group_of(id) else { return };
        let Some(member) = group.members.get(&id) else { return };
        let (agent, told) = (member.agent, assignment(group, member));
        self.acts.push(Act::Send(agent, Down::Members { members: vec![(id, told)], whole: false }));
    }

    /// A person ends a member's suspension.
    pub(crate) fn accept(&mut self, id: MemberId, give_way: bool) {
        let Some(agent) = self.member(id).map(|member| member.agent) else { return };
        if !self.streams.contains_key(&agent) {
            return;
        }
        self.ledger.tell(format_args!("a person accepts member {:?}, give way {give_way}", self.numbers.get(&id)));
        if !give_way {
            self.ledger.lock().accepted.extend(self.numbers.get(&id));
        }
        if give_way {
            for group in self.groups.values_mut() {
                group.give_way(id);
            }
            self.tell(id);
            self.replan(id);
        }
        self.acts.push(Act::Send(agent, Down::Accept { member: id, give_way }));
    }

    /// A person lets everything go that a machine's brake holds back.
    pub(crate) fn release(&mut self, agent: AgentId) {
        if self.streams.contains_key(&agent) {
            self.ledger.tell(format_args!("a person takes the brake of agent {} off", agent.0[15]));
            self.acts.push(Act::Send(agent, Down::Release));
        }
    }

    /// The manager lies: it sends an instruction that no honest one would.
    pub(crate) fn lie(&mut self, id: MemberId, record: Record, authentic: bool) {
        let Some((group, member)) = self.group_of(id).and_then(|g| Some((g.id, g.members.get(&id)?.clone()))) else {
            return;
        };
        self.ledger.tell(format_args!(
            "the manager lies to member {:?}: {}",
            self.numbers.get(&id),
            record.version.short()
        ));
        let instruction = step::Instruction {
            member: id,
            job: JobId(self.id()),
            group,
            record,
            text_base: None,
            authentic,
            expected_gen: member.committed_gen,
            create: false,
        };
        self.acts.push(Act::Send(member.agent, Down::Restore(Box::new(instruction))));
    }
}

/// The first bytes of an id.
fn first(version: VersionId) -> [u8; 8] {
    version.0.first_chunk().copied().unwrap_or_default()
}

fn assignment(group: &Group, member: &Member) -> Assignment {
    Assignment {
        group: group.id,
        group_name: group.name.clone(),
        path: member.path.clone(),
        selector: member.selector.clone(),
        mapping: member.shape.mapping.clone(),
        direction: member.direction,
        create: member.on_missing == OnMissing::Create || member.join == Join::Adopt,
        delete: member.on_missing == OnMissing::Delete,
        paused: member.paused || group.paused,
    }
}

/// Whether a condition ends only when somebody does something.
pub(crate) fn waits_for_somebody(condition: &Condition) -> bool {
    match condition {
        Condition::Fine => false,
        Condition::AwaitingConsent
        | Condition::Missing(_)
        | Condition::NoFile(_)
        | Condition::Braked(_)
        | Condition::Doubtful(_)
        | Condition::HardLinked(_) => true,
        Condition::Suspended(cause) => {
            !["interrupted", "being written", "the repository", "disk full", "cannot be finished"]
                .iter()
                .any(|passing| cause.contains(passing))
        }
    }
}
