//! What agents change: streams, reports, backed-up contents, seals; and the jobs that follow.

use plan::{
    AgentId, BackedUp, Group, GroupId, Instruction, JobId, Kind, Member, MemberId, Report, ReportOutcome, VersionId,
};
use rusqlite::{OptionalExtension, params};

use super::super::{Answer, Delivery, Event, Hello, Source, StoreError, Taken};
use super::entry::{self, DONE, Entry, GIVEN_UP, JobKind, OVERTAKEN, OpenJob, SENT, WAITING};
use super::rows::{self, failed, int};
use super::writer::Tx;

/// How many jobs that are over are kept, for people.
const KEPT_JOBS: i64 = 20_000;
/// After how many new ones older jobs are forgotten.
const FORGET_AFTER: u32 = 500;
/// How long invites that have expired are told apart from unknown ones, in milliseconds.
const KEPT_INVITES: u64 = 30 * 86_400_000;

impl Tx<'_> {
    pub(super) fn connected(&mut self, hello: &Hello) -> Result<bool, StoreError> {
        let agent = hello.source.agent;
        let sql = "UPDATE agents SET stream = ?2, host = ?3, program = ?4, seen_at = ?5 WHERE id = ?1";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed("write an agent"))?;
        let now = int(self.now_ms());
        let found = statement
            .execute(params![agent.0, hello.source.stream, hello.host, hello.program, now])
            .map_err(failed("write an agent"))?;
        if found == 0 {
            return Ok(false);
        }
        self.streams.insert(agent, Some(hello.source.stream));
        let (mut members, mut jobs) = (Vec::new(), Vec::new());
        for group in self.groups_of(agent)? {
            let Some(mut entry) = self.take(group)? else { continue };
            let own: Vec<MemberId> = entry.group.members.values().filter(|m| m.agent == agent).map(|m| m.id).collect();
            for id in own {
                let Some(member) = entry.group.members.get(&id) else { continue };
                members.push(wire::assignment(&entry.group, member));
                // A new stream is a change of circumstances: what was given up begins again.
                self.replan(&mut entry, id, true, false)?;
                if let Some(job) = entry.jobs.get(&id)
                    && let Some(instruction) =
                        entry.group.members.get(&id).and_then(|m| plan::instruction(&entry.group, m))
                {
                    jobs.push((job.id, instruction));
                }
            }
            self.cache.put(entry);
        }
        self.events.push(Event::Connected { source: hello.source, members, jobs });
        self.events.push(Event::Changed);
        Ok(true)
    }

    pub(super) fn report(
        &mut self,
        source: Source,
        report: &Report,
        answer: Option<&Answer>,
    ) -> Result<Taken, StoreError> {
        let mut entry = match self.entry_for(source, report.member)? {
            Found::Entry(entry) => entry,
            Found::Taken(taken) => return Ok(taken),
        };
        if let Some(base) = report.base {
            entry.load_version(self.connection, base)?;
        }
        let before = entry.group.members.get(&report.member).cloned();
        let waited = entry.group.waits_for_origin();
        let outcome = entry.group.report(report);
        let id = report.member;
        let Some(member) = entry.group.members.get_mut(&id) else {
            return Ok(Taken::Refused(no_member(id)));
        };
        let restored = before.as_ref().is_some_and(|b| b.standing != member.standing);
        if restored {
            member.restored_at = self.now / 1_000;
        }
        let committed = report.generation <= member.committed_gen;
        let reshaped = before.as_ref().is_some_and(|b| b.shape != member.shape);
        if outcome == ReportOutcome::Changed {
            if before.as_ref().is_some_and(|b| b.reported_gen < member.reported_gen) && member.is_dirty() {
                entry.noticed.insert(id, self.now);
            }
            let noticed = entry.noticed.get(&id).copied().unwrap_or(0);
            entry::write_member(self.connection, entry.group.id, member, noticed)?;
            if reshaped {
                let shape = member.shape.clone();
                entry.load_shape(self.connection, &shape)?;
            }
        }
        let changed = outcome == ReportOutcome::Changed;
        self.answered(&entry, answer)?;
        self.replan(&mut entry, id, changed, true)?;
        if waited != entry.group.waits_for_origin() {
            let others: Vec<MemberId> = entry.group.members.keys().copied().filter(|other| *other != id).collect();
            for other in others {
                self.replan(&mut entry, other, true, true)?;
            }
        }
        if changed {
            self.events.push(Event::Changed);
        }
        self.cache.put(entry);
        Ok(Taken::Stored { committed })
    }

    pub(super) fn backed_up(
        &mut self,
        source: Source,
        done: &BackedUp,
        answer: Option<&Answer>,
    ) -> Result<Taken, StoreError> {
        let id = done.record.member;
        let mut entry = match self.entry_for(source, id)? {
            Found::Entry(entry) => entry,
            Found::Taken(taken) => return Ok(taken),
        };
        if let Some(base) = done.base {
            entry.load_version(self.connection, base)?;
        }
        entry.load_version(self.connection, done.record.version)?;
        let committed_before = entry.group.members.get(&id).map_or(0, |m| m.committed_gen);
        if done.record.generation > committed_before && self.used_elsewhere(entry.group.id, done.record.version)? {
            self.cache.put(entry);
            return Ok(Taken::Refused(plan::CommitError::UsedVersion(done.record.version).to_string()));
        }
        let before = entry.before();
        let shape = entry.group.members.get(&id).map(|m| m.shape.clone());
        let taken = match entry.group.commit(done, self.now_ms()) {
            Ok(_) => Taken::Stored { committed: true },
            Err(refused) => Taken::Refused(refused.to_string()),
        };
        let noticed = entry.noticed.get(&id).copied().filter(|n| *n > 0).unwrap_or(self.now);
        let affected = entry.save(self.connection, &before, &[id], noticed)?;
        if let Some(new) =
            entry.group.members.get(&id).map(|m| m.shape.clone()).filter(|new| Some(new) != shape.as_ref())
        {
            entry.load_shape(self.connection, &new)?;
        }
        self.answered(&entry, answer)?;
        for member in affected {
            self.replan(&mut entry, member, true, true)?;
        }
        self.events.push(Event::Changed);
        self.cache.put(entry);
        Ok(taken)
    }

    pub(super) fn sealed(&mut self, source: Source, versions: &[VersionId], snapshot: &str) -> Result<(), StoreError> {
        if !self.is_current(source)? {
            return Ok(());
        }
        // Only what that agent's own members made; what has a snapshot keeps it.
        let sql = "UPDATE versions SET snapshot = ?2 WHERE id = ?1 AND snapshot IS NULL AND EXISTS \
                   (SELECT 1 FROM members m WHERE m.id = versions.member AND m.agent = ?3)";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed("keep a snapshot"))?;
        for version in versions {
            statement.execute(params![version.0, snapshot, source.agent.0]).map_err(failed("keep a snapshot"))?;
        }
        Ok(())
    }

    pub(super) fn sent(&mut self, deliveries: &[Delivery]) -> Result<(), StoreError> {
        let sql = "UPDATE jobs SET state = iif(state = ?4, ?5, state), attempts = ?2, \
                   sent_at = iif(sent_at = 0, ?3, sent_at) WHERE id = ?1";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed("write a job"))?;
        for delivery in deliveries {
            statement
                .execute(params![delivery.job.0, delivery.attempts, int(delivery.at), WAITING, SENT])
                .map_err(failed("write a job"))?;
        }
        Ok(())
    }

    pub(super) fn give_up(&mut self, job: JobId, why: &str) -> Result<(), StoreError> {
        let sql = "UPDATE jobs SET state = ?2, error = ?3 WHERE id = ?1 AND state < ?2 RETURNING group_id, member";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed("write a job"))?;
        let found = statement
            .query_row(params![job.0, GIVEN_UP, why], |row| {
                Ok((GroupId(rows::bytes(row, 0)?), MemberId(rows::bytes(row, 1)?)))
            })
            .optional()
            .map_err(failed("write a job"))?;
        let Some((group, member)) = found else { return Ok(()) };
        if let Some(mut entry) = self.cache.take(group) {
            if let Some(open) = entry.jobs.get_mut(&member).filter(|open| open.id == job) {
                open.given_up = true;
            }
            self.cache.put(entry);
        }
        self.events.push(Event::Changed);
        Ok(())
    }

    pub(super) fn sweep(&mut self) -> Result<(), StoreError> {
        let connection = self.connection;
        connection
            .execute("UPDATE invites SET wrapped = x'' WHERE expires_at < ?1 AND wrapped != x''", [int(self.now_ms())])
            .map_err(failed("forget invites"))?;
        connection
            .execute("DELETE FROM invites WHERE expires_at < ?1", [int(self.now_ms().saturating_sub(KEPT_INVITES))])
            .map_err(failed("forget invites"))?;
        self.forget_jobs()?;
        let sql = "SELECT id FROM groups WHERE removed = 0";
        let mut statement = connection.prepare_cached(sql).map_err(failed("read groups"))?;
        let groups: Vec<GroupId> = statement
            .query_map([], |row| rows::bytes(row, 0).map(GroupId))
            .and_then(Iterator::collect)
            .map_err(failed("read groups"))?;
        for group in groups {
            let Some(mut entry) = self.take(group)? else { continue };
            let members: Vec<MemberId> = entry.group.members.keys().copied().collect();
            for member in members {
                self.replan(&mut entry, member, false, true)?;
            }
            self.cache.put(entry);
        }
        Ok(())
    }

    /// Forgets jobs that were over long ago.
    fn forget_jobs(&mut self) -> Result<(), StoreError> {
        *self.made = 0;
        let sql = "DELETE FROM jobs WHERE state >= ?1 AND seq <= (SELECT ifnull(max(seq), 0) FROM jobs) - ?2";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed("forget jobs"))?;
        statement.execute(params![DONE, KEPT_JOBS]).map(|_| ()).map_err(failed("forget jobs"))
    }

    /// A group's entry, out of the cache or the database. Whoever takes it puts it back.
    pub(super) fn take(&mut self, group: GroupId) -> Result<Option<Box<Entry>>, StoreError> {
        match self.cache.take(group) {
            Some(entry) => Ok(Some(entry)),
            None => Ok(Entry::load(self.connection, group)?.map(Box::new)),
        }
    }

    fn groups_of(&self, agent: AgentId) -> Result<Vec<GroupId>, StoreError> {
        let sql = "SELECT DISTINCT group_id FROM members WHERE agent = ?1 AND removed = 0";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed("read members"))?;
        let found = statement.query_map(params![agent.0], |row| rows::bytes(row, 0).map(GroupId));
        found.and_then(Iterator::collect).map_err(failed("read members"))
    }

    /// Whether that is the newest stream of its agent.
    fn is_current(&mut self, source: Source) -> Result<bool, StoreError> {
        if let Some(stream) = self.streams.get(&source.agent) {
            return Ok(*stream == Some(source.stream));
        }
        let mut statement = self
            .connection
            .prepare_cached("SELECT stream FROM agents WHERE id = ?1")
            .map_err(failed("read an agent"))?;
        let found = statement
            .query_row(params![source.agent.0], |row| rows::optional(row, 0))
            .optional()
            .map_err(failed("read an agent"))?;
        let stream = found.flatten();
        self.streams.insert(source.agent, stream);
        Ok(stream == Some(source.stream))
    }

    /// The group of a member that this agent may speak of.
    pub(super) fn entry_for(&mut self, source: Source, member: MemberId) -> Result<Found, StoreError> {
        if !self.is_current(source)? {
            return Ok(Found::Taken(Taken::Void));
        }
        let mut statement = self
            .connection
            .prepare_cached("SELECT group_id, agent FROM members WHERE id = ?1 AND removed = 0")
            .map_err(failed("read a member"))?;
        let found = statement
            .query_row(params![member.0], |row| Ok((rows::bytes(row, 0)?, rows::bytes(row, 1)?)))
            .optional()
            .map_err(failed("read a member"))?;
        // Another agent's member is told from none as little as possible.
        let Some((group, _)) = found.filter(|(_, agent)| AgentId(*agent) == source.agent) else {
            return Ok(Found::Taken(Taken::Refused(no_member(member))));
        };
        match self.take(GroupId(group))? {
            Some(entry) => Ok(Found::Entry(entry)),
            None => Ok(Found::Taken(Taken::Refused(no_member(member)))),
        }
    }

    pub(super) fn used_elsewhere(&self, group: GroupId, version: VersionId) -> Result<bool, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT 1 FROM versions WHERE id = ?1 AND group_id != ?2")
            .map_err(failed("read a version"))?;
        statement.exists(params![version.0, group.0]).map_err(failed("read a version"))
    }

    /// Keeps why an agent did not follow a job.
    fn answered(&mut self, entry: &Entry, answer: Option<&Answer>) -> Result<(), StoreError> {
        let Some(answer) = answer.filter(|a| !a.refused.is_empty()) else { return Ok(()) };
        let sql = "UPDATE jobs SET error = ?3 WHERE id = ?1 AND group_id = ?2 AND state < ?4";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed("write a job"))?;
        let written = statement.execute(params![answer.job.0, entry.group.id.0, answer.refused, DONE]);
        written.map(|_| ()).map_err(failed("write a job"))
    }

    /// Brings a member's job into line with its instruction. `changed`: what was given up begins again. `tell`: the
    /// dispatcher hears of what begins.
    pub(super) fn replan(
        &mut self,
        entry: &mut Entry,
        id: MemberId,
        changed: bool,
        tell: bool,
    ) -> Result<(), StoreError> {
        if !self.plan {
            return Ok(());
        }
        if let Some(branch) = entry.group.members.get(&id).and_then(|m| m.standing).filter(|s| entry.group.is_open(*s))
        {
            entry.load_branch(self.connection, branch)?;
        }
        let Some(member) = entry.group.members.get(&id) else { return Ok(()) };
        let wanted = plan::instruction(&entry.group, member).map(|i| (job_of(&i), i));
        let open = entry.jobs.get(&id).copied();
        if let (Some(open), Some((job, _))) = (open, &wanted)
            && open.id == job.id
            && !(open.given_up && changed)
        {
            return Ok(());
        }
        if let Some(open) = open.filter(|open| wanted.as_ref().is_none_or(|(job, _)| job.id != open.id)) {
            self.settle(&entry.group, member, open)?;
            entry.jobs.remove(&id);
        }
        let Some((job, instruction)) = wanted else { return Ok(()) };
        let noticed = match job.kind {
            JobKind::Backup => entry.noticed.get(&id).copied().unwrap_or(0),
            JobKind::Restore(_) | JobKind::Merge { .. } => entry.head_noticed,
        };
        self.make(entry.group.id, member, job, noticed)?;
        entry.jobs.insert(id, job);
        if tell {
            self.events.push(Event::Instruct { job: job.id, instruction });
        }
        Ok(())
    }

    /// Ends a job: its purpose is reached, or it has none any more.
    pub(super) fn settle(&mut self, group: &Group, member: &Member, job: OpenJob) -> Result<(), StoreError> {
        let done = match job.kind {
            JobKind::Backup => member.committed_gen >= job.generation,
            JobKind::Restore(version) => member.standing == Some(version) && member.committed_gen > job.generation,
            // Whatever it was tried with, it is over with an answer for this head.
            JobKind::Merge { head, branch } => is_merged(group, head, branch),
        };
        let sql = "UPDATE jobs SET state = ?2, done_at = ?3, error = iif(?2 = ?4, '', error) WHERE id = ?1";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed("write a job"))?;
        statement
            .execute(params![job.id.0, if done { DONE } else { OVERTAKEN }, int(self.now), DONE])
            .map_err(failed("write a job"))?;
        self.events.push(Event::Settled { job: job.id, agent: member.agent });
        Ok(())
    }

    fn make(&mut self, group: GroupId, member: &Member, job: OpenJob, noticed: u64) -> Result<(), StoreError> {
        let (kind, version, head) = job.kind.columns();
        let sql = "INSERT INTO jobs (id, group_id, member, agent, kind, generation, version, state, noticed_at, made_at, head) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
                   ON CONFLICT (id) DO UPDATE SET state = ?8, attempts = 0, sent_at = 0, done_at = 0, made_at = ?10";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed("write a job"))?;
        let written = statement.execute(params![
            job.id.0,
            group.0,
            member.id.0,
            member.agent.0,
            kind,
            int(job.generation),
            version.map(|v| v.0),
            WAITING,
            int(noticed),
            int(self.now),
            head.map(|v| v.0)
        ]);
        written.map_err(failed("write a job"))?;
        *self.made += 1;
        if *self.made >= FORGET_AFTER { self.forget_jobs() } else { Ok(()) }
    }
}

/// Whether a branch and a head were merged with each other, or found not to go together.
fn is_merged(group: &Group, head: VersionId, branch: VersionId) -> bool {
    let tried = group.versions.get(&branch).and_then(|v| v.unmergeable.as_ref());
    tried.is_some_and(|tried| tried.head == head)
        || group.head_version().is_some_and(|v| v.kind == Kind::Merge && v.parents.starts_with(&[head, branch]))
}

pub(super) enum Found {
    Entry(Box<Entry>),
    Taken(Taken),
}

fn no_member(member: MemberId) -> String {
    format!("there is no member {member} of this agent")
}

/// The job for an instruction: its id follows from what it is for, so planning again does not double it.
fn job_of(instruction: &Instruction) -> OpenJob {
    let mut hash = blake3::Hasher::new();
    let (kind, generation) = match instruction {
        Instruction::Backup(backup) => {
            hash.update(b"backup").update(&backup.member.0).update(&backup.generation.to_be_bytes());
            (JobKind::Backup, backup.generation)
        }
        Instruction::Restore(restore) => {
            hash.update(b"restore").update(&restore.member.0).update(&restore.expected_gen.to_be_bytes());
            hash.update(&restore.record.version.0).update(&[u8::from(restore.create)]);
            (JobKind::Restore(restore.record.version), restore.expected_gen)
        }
        Instruction::Merge(merge) => {
            let (head, branch) = (merge.head.version, merge.branch.version);
            hash.update(b"merge").update(&merge.member.0).update(&head.0).update(&branch.0);
            (JobKind::Merge { head, branch }, merge.branch.generation)
        }
    };
    let mut id = [0; 16];
    hash.finalize_xof().fill(&mut id);
    OpenJob { id: JobId(id), kind, generation, given_up: false }
}
