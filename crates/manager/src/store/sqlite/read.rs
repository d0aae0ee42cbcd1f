//! Reads, on connections of their own.

use std::collections::{BTreeMap, BTreeSet};

use plan::{AgentId, Group, GroupId, VersionId};
use rusqlite::{Connection, params};
use wire::v1;

use super::super::{AgentRow, LogRow, LogRows, StoreError};
use super::entry::{self, DONE, Entry, GIVEN_UP, SENT, WAITING};
use super::rows::{self, failed};

pub(super) fn agents(connection: &Connection) -> Result<Vec<AgentRow>, StoreError> {
    let sql = "SELECT id, name, host, program, operate, protocol, seen_at, \
               (SELECT count(*) FROM members m WHERE m.agent = agents.id AND m.removed = 0) FROM agents ORDER BY name";
    let mut statement = connection.prepare_cached(sql).map_err(failed("read agents"))?;
    let found = statement.query_map([], |row| {
        Ok(AgentRow {
            id: AgentId(rows::bytes(row, 0)?),
            name: row.get(1)?,
            host: row.get(2)?,
            program: row.get(3)?,
            operate: row.get(4)?,
            protocol: row.get(5)?,
            seen_at: rows::uint(row, 6)?,
            members: row.get(7)?,
        })
    });
    found.and_then(Iterator::collect).map_err(failed("read agents"))
}

pub(super) fn groups(connection: &Connection, name: Option<&str>) -> Result<Vec<Group>, StoreError> {
    let ids: Vec<GroupId> = match name {
        Some(name) => entry::group_by_name(connection, name)?.into_iter().collect(),
        None => {
            let sql = "SELECT id FROM groups WHERE removed = 0 ORDER BY name";
            let mut statement = connection.prepare_cached(sql).map_err(failed("read groups"))?;
            let found = statement.query_map([], |row| rows::bytes(row, 0).map(GroupId));
            found.and_then(Iterator::collect).map_err(failed("read groups"))?
        }
    };
    let mut groups = Vec::with_capacity(ids.len());
    for id in ids {
        groups.extend(Entry::load(connection, id)?.map(|entry| entry.group));
    }
    Ok(groups)
}

pub(super) fn log(connection: &Connection, name: &str, limit: u32) -> Result<Option<LogRows>, StoreError> {
    let Some(id) = entry::group_by_name(connection, name)? else { return Ok(None) };
    let Some(group) = Entry::load(connection, id)?.map(|entry| entry.group) else { return Ok(None) };
    let open: BTreeSet<VersionId> = group.open_branches().into_iter().collect();
    let sql = format!(
        "SELECT {}, ifnull(a.name, ''), ifnull(m.path, ''), ifnull(m.selector, '') FROM versions v \
         LEFT JOIN members m ON m.id = v.member LEFT JOIN agents a ON a.id = m.agent \
         WHERE v.group_id = ?1 ORDER BY v.number DESC LIMIT ?2",
        rows::VERSION
    );
    let mut statement = connection.prepare_cached(&sql).map_err(failed("read versions"))?;
    let limit = if limit == 0 { -1 } else { i64::from(limit) };
    let found = statement.query_map(params![id.0, limit], |row| {
        let (version, _) = rows::version(row)?;
        let open = open.contains(&version.id());
        let after = rows::VERSION_COLUMNS;
        Ok(LogRow { version, open, agent: row.get(after)?, path: row.get(after + 1)?, selector: row.get(after + 2)? })
    });
    let mut versions: Vec<LogRow> = found.and_then(Iterator::collect).map_err(failed("read versions"))?;
    for row in &mut versions {
        row.version.parents = entry::parents(connection, row.version.id())?;
    }
    Ok(Some(LogRows { group: id, head: group.head, versions }))
}

pub(super) fn jobs(connection: &Connection, name: Option<&str>, limit: u32) -> Result<Vec<v1::JobEntry>, StoreError> {
    let group = match name {
        Some(name) => Some(entry::group_by_name(connection, name)?.unwrap_or(GroupId([0; 16])).0),
        None => None,
    };
    let names = names(connection)?;
    let sql = "SELECT j.id, ifnull(g.name, ''), j.agent, ifnull(m.path, ''), ifnull(m.selector, ''), j.kind, j.state, \
                   j.attempts, j.generation, j.version, j.noticed_at, j.made_at, j.sent_at, j.done_at, j.error \
               FROM jobs j LEFT JOIN groups g ON g.id = j.group_id LEFT JOIN members m ON m.id = j.member \
               WHERE ?1 IS NULL OR j.group_id = ?1 ORDER BY j.seq DESC LIMIT ?2";
    let mut statement = connection.prepare_cached(sql).map_err(failed("read jobs"))?;
    let limit = if limit == 0 { -1 } else { i64::from(limit) };
    let found = statement.query_map(params![group, limit], |row| {
        Ok(v1::JobEntry {
            job: row.get(0)?,
            group: row.get(1)?,
            agent: names.get(&rows::bytes(row, 2)?).cloned().unwrap_or_default(),
            path: row.get(3)?,
            selector: row.get(4)?,
            kind: match row.get::<_, u8>(5)? {
                entry::BACKUP => "backup",
                entry::RESTORE => "restore",
                _ => "merge",
            }
            .to_owned(),
            state: match row.get::<_, u8>(6)? {
                WAITING => "waiting",
                SENT => "sent",
                GIVEN_UP => "given up",
                DONE => "done",
                _ => "overtaken",
            }
            .to_owned(),
            attempts: row.get(7)?,
            generation: rows::uint(row, 8)?,
            version: row.get::<_, Option<Vec<u8>>>(9)?.unwrap_or_default(),
            noticed_at: rows::uint(row, 10)?,
            made_at: rows::uint(row, 11)?,
            sent_at: rows::uint(row, 12)?,
            done_at: rows::uint(row, 13)?,
            error: row.get(14)?,
        })
    });
    found.and_then(Iterator::collect).map_err(failed("read jobs"))
}

fn names(connection: &Connection) -> Result<BTreeMap<[u8; 16], String>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT id, name FROM agents").map_err(failed("read agents"))?;
    let found = statement.query_map([], |row| Ok((rows::bytes(row, 0)?, row.get(1)?)));
    found.and_then(Iterator::collect).map_err(failed("read agents"))
}
