//! What people change: groups, members, conflicts; invites and enrolment.

use std::collections::BTreeMap;

use plan::{AgentId, GroupId, Member, MemberId, Policy, Record, VersionId};
use rusqlite::{OptionalExtension, params};
use subtle::ConstantTimeEq;

use super::super::{Enrol, EnrolRefused, Enrolled, Event, Invite, Link, Refused, Resolve, StoreError};
use super::entry::{self, Entry};
use super::rows::{self, failed, int};
use super::writer::Tx;

/// The largest group.
const MOST_MEMBERS: usize = 10_000;
/// All members of an agent are told to it in one message: so many bytes of paths, selectors and mappings.
const MOST_ASSIGNED: usize = wire::MAX_MESSAGE / 4 * 3;
/// What a member takes in that message besides those, at most.
const MEMBER_SIZE: usize = 256;

impl Tx<'_> {
    pub(super) fn link(&mut self, link: &Link) -> Result<Result<GroupId, Refused>, StoreError> {
        let found = entry::group_by_name(self.connection, &link.name)?;
        let mut entry = match (found, link.make) {
            (Some(_), true) => return Ok(Err(Refused::GroupExists(link.name.clone()))),
            (None, false) => return Ok(Err(Refused::NoGroup(link.name.clone()))),
            (None, true) => Box::new(Entry::new(plan::Group::new(link.group, link.name.clone(), Policy::default()))),
            (Some(id), false) => match self.take(id)? {
                Some(entry) => entry,
                None => return Ok(Err(Refused::NoGroup(link.name.clone()))),
            },
        };
        if entry.group.members.len() + link.members.len() > MOST_MEMBERS {
            return Ok(Err(Refused::TooMany(MOST_MEMBERS)));
        }
        for member in &link.members {
            if let Some(refused) = self.check_new(&link.name, member)? {
                return Ok(Err(refused));
            }
        }
        if let Some(full) = self.full(&link.members)? {
            return Ok(Err(Refused::Full(full)));
        }
        let before = entry.before();
        if let Some(conflict) = link.conflict {
            entry.group.policy.conflict = conflict;
        }
        for member in &link.members {
            entry.group.members.insert(member.id, member.clone());
        }
        if link.make {
            entry::write_group(self.connection, &entry.group)?;
        }
        let new: Vec<MemberId> = link.members.iter().map(|m| m.id).collect();
        let affected = entry.save(self.connection, &before, &new, 0)?;
        entry.load_shapes(self.connection)?;
        self.tell(&entry, &new);
        for member in affected {
            self.replan(&mut entry, member, true, true)?;
        }
        let id = entry.group.id;
        self.cache.put(entry);
        Ok(Ok(id))
    }

    /// The name of an agent that these members would be too many for.
    fn full(&self, members: &[Member]) -> Result<Option<String>, StoreError> {
        let mut sizes: BTreeMap<AgentId, usize> = BTreeMap::new();
        for member in members {
            *sizes.entry(member.agent).or_default() +=
                member.path.len() + member.selector.len() + member.shape.mapping.len() + MEMBER_SIZE;
        }
        let sql = "SELECT a.name, (SELECT ifnull(sum(octet_length(path) + octet_length(selector) + \
                   octet_length(mapping) + ?2), 0) FROM members WHERE agent = ?1 AND removed = 0) \
                   FROM agents a WHERE a.id = ?1";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed("read members"))?;
        for (agent, size) in sizes {
            let (name, held): (String, u64) = statement
                .query_row(params![agent.0, int(MEMBER_SIZE as u64)], |row| Ok((row.get(0)?, rows::uint(row, 1)?)))
                .map_err(failed("read members"))?;
            if held.saturating_add(size as u64) > MOST_ASSIGNED as u64 {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    fn check_new(&self, group: &str, member: &Member) -> Result<Option<Refused>, StoreError> {
        let connection = self.connection;
        let agent = connection
            .prepare_cached("SELECT name FROM agents WHERE id = ?1")
            .and_then(|mut s| s.query_row(params![member.agent.0], |row| row.get::<_, String>(0)).optional())
            .map_err(failed("read an agent"))?;
        let Some(agent) = agent else { return Ok(Some(Refused::NoAgent(member.agent.to_string()))) };
        let sql = "SELECT g.name FROM members m JOIN groups g ON g.id = m.group_id \
                   WHERE m.agent = ?1 AND m.path = ?2 AND m.selector = ?3 AND m.removed = 0";
        let linked = connection
            .prepare_cached(sql)
            .and_then(|mut s| {
                s.query_row(params![member.agent.0, member.path, member.selector], |row| row.get::<_, String>(0))
                    .optional()
            })
            .map_err(failed("read members"))?;
        let (path, selector) = (member.path.clone(), member.selector.clone());
        if let Some(group) = linked {
            return Ok(Some(Refused::Linked { agent, path, selector, group }));
        }
        // Ids are random; one that was used before is no accident.
        let used = connection
            .prepare_cached("SELECT 1 FROM members WHERE id = ?1")
            .and_then(|mut s| s.exists(params![member.id.0]))
            .map_err(failed("read members"))?;
        Ok(used.then(|| Refused::Linked { agent, path, selector, group: group.to_owned() }))
    }

    pub(super) fn unlink(&mut self, name: &str, member: Option<MemberId>) -> Result<Result<(), Refused>, StoreError> {
        let mut entry = match self.named(name)? {
            Ok(entry) => entry,
            Err(refused) => return Ok(Err(refused)),
        };
        let gone: Vec<MemberId> = match member {
            None => entry.group.members.keys().copied().collect(),
            Some(id) => vec![id],
        };
        if let Some(id) = gone.iter().find(|id| !entry.group.members.contains_key(id)) {
            let refused = Refused::NoMember { group: name.to_owned(), member: id.to_string() };
            self.cache.put(entry);
            return Ok(Err(refused));
        }
        let before = entry.before();
        for id in &gone {
            let Some(removed) = entry.group.members.remove(id) else { continue };
            if let Some(job) = entry.jobs.remove(id) {
                self.settle(&entry.group, &removed, job)?;
            }
            entry.noticed.remove(id);
            self.connection
                .prepare_cached("UPDATE members SET removed = 1 WHERE id = ?1")
                .and_then(|mut s| s.execute(params![id.0]))
                .map_err(failed("take a member out"))?;
            let event = Event::Members { agent: removed.agent, assigned: Vec::new(), removed: vec![*id] };
            self.events.push(event);
        }
        self.events.push(Event::Changed);
        if member.is_none() {
            self.connection
                .execute("UPDATE groups SET removed = 1 WHERE id = ?1", params![entry.group.id.0])
                .map_err(failed("take a group away"))?;
            return Ok(Ok(()));
        }
        for id in entry.save(self.connection, &before, &[], 0)? {
            self.replan(&mut entry, id, true, true)?;
        }
        self.cache.put(entry);
        Ok(Ok(()))
    }

    pub(super) fn pause(
        &mut self,
        name: &str,
        member: Option<MemberId>,
        paused: bool,
    ) -> Result<Result<(), Refused>, StoreError> {
        let members: Vec<MemberId> = member.into_iter().collect();
        self.decide(name, &members, |entry| {
            match member.and_then(|id| entry.group.members.get_mut(&id)) {
                Some(member) => member.paused = paused,
                None => entry.group.paused = paused,
            }
            Ok(())
        })
    }

    pub(super) fn give_way(&mut self, name: &str, members: &[MemberId]) -> Result<Result<(), Refused>, StoreError> {
        self.decide(name, members, |entry| match members.iter().find(|id| !entry.group.give_way(**id)) {
            Some(id) => Err(Refused::NothingWaits(id.to_string())),
            None => Ok(()),
        })
    }

    pub(super) fn resolve(&mut self, resolve: &Resolve) -> Result<Result<VersionId, Refused>, StoreError> {
        let mut entry = match self.named(&resolve.name)? {
            Ok(entry) => entry,
            Err(refused) => return Ok(Err(refused)),
        };
        for version in resolve.branches.iter().chain([&resolve.record.version]) {
            entry.load_version(self.connection, *version)?;
        }
        let used = self
            .connection
            .prepare_cached("SELECT 1 FROM versions WHERE id = ?1 AND group_id != ?2")
            .and_then(|mut s| s.exists(params![resolve.record.version.0, entry.group.id.0]))
            .map_err(failed("read a version"))?;
        if used {
            self.cache.put(entry);
            let refused = plan::CommitError::UsedVersion(resolve.record.version);
            return Ok(Err(plan::ResolveError::Record(refused).into()));
        }
        let before = entry.before();
        let decided =
            entry.group.resolve(resolve.kind, resolve.head, &resolve.branches, &resolve.record, self.now_ms());
        if let Ok(id) = &decided {
            if let Some(version) = entry.group.versions.get_mut(id) {
                version.snapshot.clone_from(&resolve.snapshot);
            }
            for id in entry.save(self.connection, &before, &[], self.now)? {
                self.replan(&mut entry, id, true, true)?;
            }
            self.events.push(Event::Changed);
        }
        self.cache.put(entry);
        Ok(decided.map_err(Refused::from))
    }

    pub(super) fn recopy(
        &mut self,
        name: &str,
        record: &Record,
        snapshot: Option<String>,
    ) -> Result<Result<(), Refused>, StoreError> {
        let mut entry = match self.named(name)? {
            Ok(entry) => entry,
            Err(refused) => return Ok(Err(refused)),
        };
        entry.load_version(self.connection, record.version)?;
        let same = entry.group.recopy(record, snapshot.clone());
        if same {
            let sql = "UPDATE versions SET copy = ?2, mac = ?3, snapshot = ?4 WHERE id = ?1";
            let written = self
                .connection
                .prepare_cached(sql)
                .and_then(|mut s| s.execute(params![record.version.0, record.copy, record.mac, snapshot]));
            written.map_err(failed("write a version"))?;
            self.events.push(Event::Changed);
        }
        self.cache.put(entry);
        Ok(if same { Ok(()) } else { Err(Refused::OtherRecord(name.to_owned())) })
    }

    /// A decision about a group and these members of it; their agents are told. A refused one must have changed nothing.
    fn decide(
        &mut self,
        name: &str,
        members: &[MemberId],
        decision: impl FnOnce(&mut Entry) -> Result<(), Refused>,
    ) -> Result<Result<(), Refused>, StoreError> {
        let mut entry = match self.named(name)? {
            Ok(entry) => entry,
            Err(refused) => return Ok(Err(refused)),
        };
        if let Some(id) = members.iter().find(|id| !entry.group.members.contains_key(id)) {
            let refused = Refused::NoMember { group: name.to_owned(), member: id.to_string() };
            self.cache.put(entry);
            return Ok(Err(refused));
        }
        let before = entry.before();
        if let Err(refused) = decision(&mut entry) {
            // The entry is left out of the cache: what the decision began is forgotten.
            return Ok(Err(refused));
        }
        let affected = entry.save(self.connection, &before, members, 0)?;
        let told: Vec<MemberId> =
            if members.is_empty() { entry.group.members.keys().copied().collect() } else { members.to_vec() };
        self.tell(&entry, &told);
        for id in affected {
            self.replan(&mut entry, id, true, true)?;
        }
        self.cache.put(entry);
        Ok(Ok(()))
    }

    fn named(&mut self, name: &str) -> Result<Result<Box<Entry>, Refused>, StoreError> {
        let none = || Refused::NoGroup(name.to_owned());
        let Some(id) = entry::group_by_name(self.connection, name)? else { return Ok(Err(none())) };
        Ok(self.take(id)?.ok_or_else(none))
    }

    /// Tells agents of these members.
    fn tell(&mut self, entry: &Entry, members: &[MemberId]) {
        for member in members.iter().filter_map(|id| entry.group.members.get(id)) {
            let assigned = vec![wire::assignment(&entry.group, member)];
            self.events.push(Event::Members { agent: member.agent, assigned, removed: Vec::new() });
        }
        self.events.push(Event::Changed);
    }

    pub(super) fn invite(&mut self, invite: &Invite) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO invites (secret_hash, wrapped, expires_at, uses, operate) \
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        let values = params![invite.secret_hash, invite.wrapped, int(invite.expires_at), invite.uses, invite.operate];
        self.connection.execute(sql, values).map(|_| ()).map_err(failed("keep an invite"))
    }

    pub(super) fn enrol(&mut self, enrol: &Enrol) -> Result<Result<Enrolled, EnrolRefused>, StoreError> {
        let Some(found) = self.find_invite(&enrol.secret_hash)? else { return Ok(Err(EnrolRefused::Unknown)) };
        if found.used >= found.uses {
            return Ok(Err(EnrolRefused::Used));
        }
        if found.expires_at <= self.now_ms() {
            return Ok(Err(EnrolRefused::Expired));
        }
        let taken = self
            .connection
            .prepare_cached("SELECT 1 FROM agents WHERE name = ?1")
            .and_then(|mut s| s.exists(params![enrol.name]))
            .map_err(failed("read agents"))?;
        if taken {
            return Ok(Err(EnrolRefused::NameTaken));
        }
        let sql = "UPDATE invites SET used = used + 1, wrapped = iif(used + 1 >= uses, x'', wrapped) \
                   WHERE secret_hash = ?1";
        self.connection.execute(sql, params![found.secret_hash]).map_err(failed("use an invite"))?;
        let sql = "INSERT INTO agents (id, name, host, operate, protocol, enrolled_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let values = params![enrol.agent.0, enrol.name, enrol.host, found.operate, enrol.protocol, int(self.now_ms())];
        self.connection.execute(sql, values).map_err(failed("enrol an agent"))?;
        self.events.push(Event::Changed);
        Ok(Ok(Enrolled { operate: found.operate, wrapped: found.wrapped }))
    }

    /// Compares with every invite, each in constant time: how long it takes tells nothing of how near a guess came.
    fn find_invite(&self, hash: &[u8; 32]) -> Result<Option<InviteRow>, StoreError> {
        let sql = "SELECT secret_hash, wrapped, expires_at, uses, used, operate FROM invites";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed("read invites"))?;
        let rows = statement.query_map([], |row| {
            Ok(InviteRow {
                secret_hash: rows::bytes(row, 0)?,
                wrapped: row.get(1)?,
                expires_at: rows::uint(row, 2)?,
                uses: row.get(3)?,
                used: row.get(4)?,
                operate: row.get(5)?,
            })
        });
        let mut found = None;
        for row in rows.map_err(failed("read invites"))? {
            let row = row.map_err(failed("read invites"))?;
            if bool::from(row.secret_hash.ct_eq(hash)) {
                found = Some(row);
            }
        }
        Ok(found)
    }
}

struct InviteRow {
    secret_hash: [u8; 32],
    wrapped: Vec<u8>,
    expires_at: u64,
    uses: u32,
    used: u32,
    operate: bool,
}
