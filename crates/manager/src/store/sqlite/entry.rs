//! A group in the writer's memory: loaded as far as decisions need it, and written back by difference.

use std::collections::{BTreeMap, BTreeSet};

use plan::{Group, GroupId, JobId, Join, MERGE_DEPTH, Member, MemberId, Policy, Shape, Version, VersionId};
use rusqlite::{Connection, OptionalExtension, params};

use super::super::StoreError;
use super::rows::{self, failed, int};

/// A group, with what the store keeps beside plan's types.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) group: Group,
    /// When each member's last edit was noticed, in microseconds since 1970.
    pub(super) noticed: BTreeMap<MemberId, u64>,
    /// When what the head holds was noticed.
    pub(super) head_noticed: u64,
    /// The job that each member has, if it is not over.
    pub(super) jobs: BTreeMap<MemberId, OpenJob>,
    pub(super) used: u64,
    pub(super) weight: usize,
}

/// A job that is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OpenJob {
    pub(super) id: JobId,
    pub(super) kind: JobKind,
    pub(super) generation: u64,
    pub(super) given_up: bool,
}

/// What a job is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JobKind {
    Backup,
    Restore(VersionId),
    Merge { head: VersionId, branch: VersionId },
}

/// The kinds, as numbers in the database.
pub(super) const BACKUP: u8 = 0;
pub(super) const RESTORE: u8 = 1;
pub(super) const MERGE: u8 = 2;

impl JobKind {
    /// As the database has it: the kind, the version that it is about, the head that it is to be merged with.
    pub(super) fn columns(self) -> (u8, Option<VersionId>, Option<VersionId>) {
        match self {
            JobKind::Backup => (BACKUP, None, None),
            JobKind::Restore(version) => (RESTORE, Some(version), None),
            JobKind::Merge { head, branch } => (MERGE, Some(branch), Some(head)),
        }
    }

    fn from_columns(version: Option<VersionId>, head: Option<VersionId>) -> Self {
        match (version, head) {
            (Some(branch), Some(head)) => JobKind::Merge { head, branch },
            (Some(version), None) => JobKind::Restore(version),
            (None, _) => JobKind::Backup,
        }
    }
}

/// A job's states, as numbers in the database: below [`DONE`] it is open.
pub(super) const WAITING: u8 = 0;
pub(super) const SENT: u8 = 1;
pub(super) const GIVEN_UP: u8 = 2;
pub(super) const DONE: u8 = 3;
pub(super) const OVERTAKEN: u8 = 4;

/// What changes of a version: whether it is merged, whether it has given way, with which head it was tried in vain, how many parents it
/// has (a head gets further ones).
type Flags = (bool, bool, Option<VersionId>, usize);

fn flags(version: &Version) -> Flags {
    (version.merged, version.yielded, version.unmergeable.as_ref().map(|tried| tried.head), version.parents.len())
}

/// What of a group may differ after a decision: enough to write only that.
pub(super) struct Before {
    head: Option<VersionId>,
    last_number: u64,
    paused: bool,
    policy: Policy,
    waits: bool,
    members: Vec<(MemberId, Option<VersionId>, Join)>,
    /// In the order of their ids.
    versions: Vec<(VersionId, Flags)>,
}

impl Before {
    fn of(group: &Group) -> Self {
        Before {
            head: group.head,
            last_number: group.last_number,
            paused: group.paused,
            policy: group.policy.clone(),
            waits: group.waits_for_origin(),
            members: group.members.values().map(|m| (m.id, m.standing, m.join)).collect(),
            versions: group.versions.iter().map(|(id, v)| (*id, flags(v))).collect(),
        }
    }

    /// What a version was like; `None` if it was not there.
    fn flags(&self, version: VersionId) -> Option<Flags> {
        let at = self.versions.binary_search_by_key(&version, |(id, _)| *id).ok()?;
        self.versions.get(at).map(|(_, flags)| *flags)
    }
}

impl Entry {
    /// A new group, not written yet.
    pub(super) fn new(group: Group) -> Self {
        Entry { group, noticed: BTreeMap::new(), head_noticed: 0, jobs: BTreeMap::new(), used: 0, weight: 0 }
    }

    /// Loads a group: its members, its head, the versions that they stand on, what their open branches grew from, the newest
    /// merged version of each shape.
    pub(super) fn load(connection: &Connection, id: GroupId) -> Result<Option<Entry>, StoreError> {
        let Some(group) = load_group(connection, id)? else { return Ok(None) };
        let mut entry = Entry::new(group);
        entry.load_members(connection)?;
        let standing: BTreeSet<VersionId> =
            entry.group.members.values().filter_map(|m| m.standing).chain(entry.group.head).collect();
        for version in standing {
            entry.load_version(connection, version)?;
        }
        for branch in entry.group.open_branches() {
            entry.load_branch(connection, branch)?;
        }
        entry.load_shapes(connection)?;
        if let Some(head) = entry.group.head {
            entry.head_noticed = noticed_at(connection, head)?;
        }
        entry.load_jobs(connection)?;
        Ok(Some(entry))
    }

    fn load_members(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let sql = format!("SELECT {} FROM members WHERE group_id = ?1 AND removed = 0", rows::MEMBER);
        let mut statement = connection.prepare_cached(&sql).map_err(failed("read members"))?;
        let members = statement.query_map(params![self.group.id.0], rows::member).map_err(failed("read members"))?;
        for member in members {
            let (member, noticed) = member.map_err(failed("read members"))?;
            self.noticed.insert(member.id, noticed);
            self.group.members.insert(member.id, member);
        }
        Ok(())
    }

    fn load_jobs(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let sql = "SELECT id, member, generation, version, head, state FROM jobs WHERE group_id = ?1 AND state < 3";
        let mut statement = connection.prepare_cached(sql).map_err(failed("read jobs"))?;
        let jobs = statement.query_map(params![self.group.id.0], |row| {
            let (version, head) = (rows::optional(row, 3)?.map(VersionId), rows::optional(row, 4)?.map(VersionId));
            let job = OpenJob {
                id: JobId(rows::bytes(row, 0)?),
                kind: JobKind::from_columns(version, head),
                generation: rows::uint(row, 2)?,
                given_up: row.get::<_, u8>(5)? == GIVEN_UP,
            };
            Ok((MemberId(rows::bytes(row, 1)?), job))
        });
        for job in jobs.map_err(failed("read jobs"))? {
            let (member, job) = job.map_err(failed("read jobs"))?;
            self.jobs.insert(member, job);
        }
        Ok(())
    }

    /// Loads a version of this group, if it is there and not loaded yet.
    pub(super) fn load_version(&mut self, connection: &Connection, id: VersionId) -> Result<(), StoreError> {
        if self.group.versions.contains_key(&id) {
            return Ok(());
        }
        let sql = format!("SELECT {} FROM versions v WHERE v.id = ?1 AND v.group_id = ?2", rows::VERSION);
        let mut statement = connection.prepare_cached(&sql).map_err(failed("read a version"))?;
        let found = statement
            .query_row(params![id.0, self.group.id.0], rows::version)
            .optional()
            .map_err(failed("read a version"))?;
        if let Some((mut version, _)) = found {
            version.parents = parents(connection, id)?;
            self.group.versions.insert(id, version);
        }
        Ok(())
    }

    /// Loads what an open branch grew from, as far as a merge needs it: up to the first version that is merged.
    pub(super) fn load_branch(&mut self, connection: &Connection, branch: VersionId) -> Result<(), StoreError> {
        let (mut seen, mut waiting) = (BTreeSet::new(), vec![branch]);
        while let Some(id) = waiting.pop() {
            if !seen.insert(id) || seen.len() > MERGE_DEPTH {
                continue;
            }
            self.load_version(connection, id)?;
            if let Some(version) = self.group.versions.get(&id).filter(|v| !v.merged) {
                waiting.extend(&version.parents);
            }
        }
        Ok(())
    }

    /// Loads the newest merged version of each member's shape.
    pub(super) fn load_shapes(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let shapes: BTreeSet<Shape> = self.group.members.values().map(|m| m.shape.clone()).collect();
        shapes.iter().try_for_each(|shape| self.load_shape(connection, shape))
    }

    /// Loads the newest merged version of one shape.
    pub(super) fn load_shape(&mut self, connection: &Connection, shape: &Shape) -> Result<(), StoreError> {
        let sql = "SELECT id FROM versions WHERE group_id = ?1 AND format = ?2 AND mapping = ?3 AND merged = 1 \
                   ORDER BY number DESC LIMIT 1";
        let mut statement = connection.prepare_cached(sql).map_err(failed("read a version"))?;
        let newest = statement
            .query_row(params![self.group.id.0, shape.format, shape.mapping], |row| rows::bytes(row, 0))
            .optional()
            .map_err(failed("read a version"))?;
        newest.map_or(Ok(()), |id| self.load_version(connection, VersionId(id)))
    }

    /// Remembers what may change.
    pub(super) fn before(&self) -> Before {
        Before::of(&self.group)
    }

    /// Writes what a decision changed, and the members in `touched`. Gives the members whose instruction may be another one
    /// now.
    pub(super) fn save(
        &mut self,
        connection: &Connection,
        before: &Before,
        touched: &[MemberId],
        noticed: u64,
    ) -> Result<Vec<MemberId>, StoreError> {
        let group = &self.group;
        let members = before.members.iter().filter(|(id, ..)| !touched.contains(id));
        let changed = (before.head, before.last_number, before.paused) != (group.head, group.last_number, group.paused);
        if changed || before.policy != group.policy {
            write_group(connection, group)?;
        }
        let mut turned = BTreeSet::new();
        for version in group.versions.values() {
            match before.flags(version.id()) {
                None => write_version(connection, version, noticed)?,
                Some(before) if before != flags(version) => {
                    write_flags(connection, version)?;
                    write_parents(connection, version, before.3)?;
                    turned.insert(version.id());
                }
                Some(_) => {}
            }
        }
        let mut agreed = BTreeSet::new();
        for (id, standing, join) in members {
            if let Some(member) = group.members.get(id).filter(|m| (m.standing, m.join) != (*standing, *join)) {
                write_member(connection, group.id, member, self.noticed.get(id).copied().unwrap_or(0))?;
                agreed.insert(*id);
            }
        }
        for member in touched.iter().filter_map(|id| group.members.get(id)) {
            write_member(connection, group.id, member, self.noticed.get(&member.id).copied().unwrap_or(0))?;
        }
        let moved = before.head != group.head;
        let all = moved
            || before.paused != group.paused
            || before.policy != group.policy
            || before.waits != group.waits_for_origin();
        let has_turned = !turned.is_empty();
        // Several members may stand on a branch that is not open any more, or that does not merge.
        let turned = |member: &Member| member.standing.is_some_and(|standing| turned.contains(&standing));
        // One that has what is the head may stand on it once it is clean, though nothing else has changed.
        let is_own = |id: &MemberId| touched.contains(id) || agreed.contains(id);
        let is_affected = |member: &&Member| all || is_own(&member.id) || turned(member);
        let affected = group.members.values().filter(is_affected).map(|member| member.id).collect();
        if moved {
            self.head_noticed = noticed;
        }
        // A head that gets another parent merges what that grew from.
        if moved || has_turned {
            self.merge_unloaded(connection, before)?;
            self.forget();
        }
        Ok(affected)
    }

    /// Marks ancestors of the head that are not loaded. The walk in the database stops at what is merged already.
    fn merge_unloaded(&mut self, connection: &Connection, before: &Before) -> Result<(), StoreError> {
        let newly = |v: &&Version| v.merged && before.flags(v.id()).is_none_or(|(merged, ..)| !merged);
        let edge: BTreeSet<VersionId> = self
            .group
            .versions
            .values()
            .filter(newly)
            .flat_map(|v| v.parents.iter().copied())
            .filter(|parent| !self.group.versions.contains_key(parent))
            .collect();
        let sql = "WITH RECURSIVE up (id) AS ( \
                       SELECT id FROM versions WHERE id = ?1 AND merged = 0 \
                       UNION SELECT v.id FROM up JOIN parents p ON p.version = up.id \
                                         JOIN versions v ON v.id = p.parent WHERE v.merged = 0) \
                   UPDATE versions SET merged = 1 WHERE id IN (SELECT id FROM up)";
        let mut marked = 0;
        for version in edge {
            let mut statement = connection.prepare_cached(sql).map_err(failed("mark what is merged"))?;
            marked += statement.execute(params![version.0]).map_err(failed("mark what is merged"))?;
        }
        if marked > 0 {
            // What is loaded may have been reached through what is not.
            let loaded: Vec<VersionId> = self.group.versions.values().filter(|v| !v.merged).map(Version::id).collect();
            for id in loaded {
                self.group.versions.remove(&id);
                self.load_version(connection, id)?;
            }
            self.load_shapes(connection)?;
        }
        Ok(())
    }

    /// Drops versions that no decision needs, once there are many.
    fn forget(&mut self) {
        let group = &mut self.group;
        if group.versions.len() < 2 * group.members.len() + 16 {
            return;
        }
        let mut needed: BTreeSet<VersionId> = group.members.values().filter_map(|m| m.standing).collect();
        needed.extend(group.head);
        let shapes: BTreeSet<&Shape> = group.members.values().map(|m| &m.shape).collect();
        for shape in shapes {
            let newest = group.versions.values().filter(|v| v.merged && v.record.shape == *shape);
            needed.extend(newest.max_by_key(|v| v.number).map(Version::id));
        }
        group.versions.retain(|id, _| needed.contains(id));
    }
}

fn load_group(connection: &Connection, id: GroupId) -> Result<Option<Group>, StoreError> {
    let sql = "SELECT name, conflict, preferred, paused, head, last_number FROM groups WHERE id = ?1 AND removed = 0";
    let mut statement = connection.prepare_cached(sql).map_err(failed("read a group"))?;
    let found = statement.query_row(params![id.0], |row| {
        let word: String = row.get(1)?;
        let preferred = rows::optional(row, 2)?.map(MemberId);
        let mut group = Group::new(id, row.get::<_, String>(0)?, Policy::default());
        group.paused = row.get(3)?;
        group.head = rows::optional(row, 4)?.map(VersionId);
        group.last_number = rows::uint(row, 5)?;
        Ok((group, word, preferred))
    });
    let Some((mut group, word, preferred)) = found.optional().map_err(failed("read a group"))? else {
        return Ok(None);
    };
    group.policy.conflict = rows::from_conflict(&word, preferred)?;
    Ok(Some(group))
}

/// The id of the group of that name.
pub(super) fn group_by_name(connection: &Connection, name: &str) -> Result<Option<GroupId>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT id FROM groups WHERE name = ?1 AND removed = 0")
        .map_err(failed("read a group"))?;
    let found = statement.query_row(params![name], |row| rows::bytes(row, 0)).optional();
    found.map(|id| id.map(GroupId)).map_err(failed("read a group"))
}

/// A version's parents, in their order.
pub(super) fn parents(connection: &Connection, version: VersionId) -> Result<Vec<VersionId>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT parent FROM parents WHERE version = ?1 ORDER BY place")
        .map_err(failed("read parents"))?;
    let found = statement.query_map(params![version.0], |row| rows::bytes(row, 0).map(VersionId));
    found.and_then(Iterator::collect).map_err(failed("read parents"))
}

fn noticed_at(connection: &Connection, version: VersionId) -> Result<u64, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT noticed_at FROM versions WHERE id = ?1").map_err(failed("read a version"))?;
    let found = statement.query_row(params![version.0], |row| rows::uint(row, 0)).optional();
    found.map(Option::unwrap_or_default).map_err(failed("read a version"))
}

/// Writes a group's own row.
pub(super) fn write_group(connection: &Connection, group: &Group) -> Result<(), StoreError> {
    let (word, preferred) = rows::conflict(group.policy.conflict);
    let sql = "INSERT INTO groups (id, name, conflict, preferred, paused, head, last_number) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET conflict = ?3, preferred = ?4, \
               paused = ?5, head = ?6, last_number = ?7";
    let mut statement = connection.prepare_cached(sql).map_err(failed("write a group"))?;
    let written = statement.execute(params![
        group.id.0,
        group.name,
        word,
        preferred.map(|m| m.0),
        group.paused,
        group.head.map(|v| v.0),
        int(group.last_number)
    ]);
    written.map(|_| ()).map_err(failed("write a group"))
}

/// Writes a member's row.
pub(super) fn write_member(
    connection: &Connection,
    group: GroupId,
    member: &Member,
    noticed: u64,
) -> Result<(), StoreError> {
    let (condition, cause) = rows::condition(&member.condition);
    let sql = "INSERT INTO members (id, group_id, agent, path, selector, format, mapping, direction, joining, \
                   on_missing, paused, condition, cause, reported_gen, committed_gen, standing, restored_at, \
                   noticed_at, agreed) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19) \
               ON CONFLICT (id) DO UPDATE SET format = ?6, joining = ?9, on_missing = ?10, paused = ?11, \
                   condition = ?12, cause = ?13, reported_gen = ?14, committed_gen = ?15, standing = ?16, \
                   restored_at = ?17, noticed_at = ?18, agreed = ?19";
    let mut statement = connection.prepare_cached(sql).map_err(failed("write a member"))?;
    let written = statement.execute(params![
        member.id.0,
        group.0,
        member.agent.0,
        member.path,
        member.selector,
        member.shape.format,
        member.shape.mapping,
        rows::direction(member.direction),
        rows::join(member.join),
        rows::on_missing(member.on_missing),
        member.paused,
        condition,
        cause,
        int(member.reported_gen),
        int(member.committed_gen),
        member.standing.map(|v| v.0),
        int(member.restored_at),
        int(noticed),
        member.agreed
    ]);
    written.map(|_| ()).map_err(failed("write a member"))
}

fn write_version(connection: &Connection, version: &Version, noticed: u64) -> Result<(), StoreError> {
    let record = &version.record;
    let sql = "INSERT INTO versions (id, group_id, number, kind, member, generation, format, mapping, text, value, size, \
                   copy, mac, committed_at, noticed_at, merged, yielded, snapshot) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";
    let mut statement = connection.prepare_cached(sql).map_err(failed("write a version"))?;
    let written = statement.execute(params![
        record.version.0,
        record.group.0,
        int(version.number),
        rows::kind(version.kind),
        record.member.0,
        int(record.generation),
        record.shape.format,
        record.shape.mapping,
        record.text.0,
        record.value.0,
        int(record.size),
        record.copy,
        record.mac,
        int(version.committed_at),
        int(noticed),
        version.merged,
        version.yielded,
        version.snapshot
    ]);
    written.map_err(failed("write a version"))?;
    write_parents(connection, version, 0)
}

/// Writes a version's parents but for the first `known`.
fn write_parents(connection: &Connection, version: &Version, known: usize) -> Result<(), StoreError> {
    let sql = "INSERT INTO parents (version, place, parent) VALUES (?1, ?2, ?3)";
    let mut statement = connection.prepare_cached(sql).map_err(failed("write parents"))?;
    for (place, parent) in (0_i64..).zip(&version.parents).skip(known) {
        statement.execute(params![version.id().0, place, parent.0]).map_err(failed("write parents"))?;
    }
    Ok(())
}

fn write_flags(connection: &Connection, version: &Version) -> Result<(), StoreError> {
    let mut statement = connection
        .prepare_cached(
            "UPDATE versions SET merged = ?2, yielded = ?3, unmergeable_with = ?4, unmergeable = ?5 WHERE id = ?1",
        )
        .map_err(failed("write a version"))?;
    let (head, cause) = match &version.unmergeable {
        Some(tried) => (Some(tried.head.0), tried.cause.as_str()),
        None => (None, ""),
    };
    let written = statement.execute(params![version.id().0, version.merged, version.yielded, head, cause]);
    written.map(|_| ()).map_err(failed("write a version"))
}
