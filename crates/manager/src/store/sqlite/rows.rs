//! Between rows and plan's types. Numbers keep their 64 bits: SQLite's are signed, and none is compared there.

use std::sync::Arc;

use plan::{
    Condition, Conflict, Direction, Fingerprint, GroupId, Join, Kind, Member, MemberId, OnMissing, Record, Shape,
};
use plan::{Unmergeable, Version, VersionId};
use rusqlite::Row;

use super::super::StoreError;

/// An error of SQLite: `doing` completes "the database cannot …".
pub(super) fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |source| StoreError::Database { doing, source: Arc::new(source) }
}

pub(super) fn int(number: u64) -> i64 {
    number.cast_signed()
}

pub(super) fn uint(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(at).map(i64::cast_unsigned)
}

fn damaged(at: usize, what: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Blob, what.into())
}

/// An id or a fingerprint.
pub(super) fn bytes<const N: usize>(row: &Row<'_>, at: usize) -> rusqlite::Result<[u8; N]> {
    row.get_ref(at)?.as_blob()?.try_into().map_err(|_| damaged(at, "an id of another length"))
}

pub(super) fn optional<const N: usize>(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<[u8; N]>> {
    let Some(blob) = row.get_ref(at)?.as_blob_or_null()? else { return Ok(None) };
    blob.try_into().map(Some).map_err(|_| damaged(at, "an id of another length"))
}

/// The columns of a member, in the order that [`member`] reads.
pub(super) const MEMBER: &str = "id, agent, path, selector, format, mapping, direction, joining, on_missing, paused, \
     condition, cause, reported_gen, committed_gen, standing, restored_at, noticed_at, agreed";

/// A member, and when its last edit was noticed.
pub(super) fn member(row: &Row<'_>) -> rusqlite::Result<(Member, u64)> {
    let cause: String = row.get(11)?;
    let member = Member {
        id: MemberId(bytes(row, 0)?),
        agent: plan::AgentId(bytes(row, 1)?),
        path: row.get(2)?,
        selector: row.get(3)?,
        shape: Shape { format: row.get(4)?, mapping: row.get(5)? },
        direction: match row.get::<_, u8>(6)? {
            0 => Direction::Both,
            1 => Direction::Send,
            2 => Direction::Receive,
            _ => return Err(damaged(6, "an unknown direction")),
        },
        join: match row.get::<_, u8>(7)? {
            0 => Join::Done,
            1 => Join::Offer,
            2 => Join::Adopt,
            3 => Join::Wait,
            _ => return Err(damaged(7, "an unknown way of joining")),
        },
        on_missing: match row.get::<_, u8>(8)? {
            0 => OnMissing::Suspend,
            1 => OnMissing::Create,
            2 => OnMissing::Delete,
            _ => return Err(damaged(8, "an unknown answer to a missing portion")),
        },
        paused: row.get(9)?,
        condition: match row.get::<_, u8>(10)? {
            0 => Condition::Fine,
            1 => Condition::AwaitingConsent,
            2 => Condition::Missing(cause),
            3 => Condition::Suspended(cause),
            4 => Condition::Braked(cause),
            5 => Condition::NoFile(cause),
            6 => Condition::Doubtful(cause),
            7 => Condition::HardLinked(cause),
            _ => return Err(damaged(10, "an unknown condition")),
        },
        reported_gen: uint(row, 12)?,
        committed_gen: uint(row, 13)?,
        standing: optional(row, 14)?.map(VersionId),
        agreed: row.get(17)?,
        restored_at: uint(row, 15)?,
    };
    Ok((member, uint(row, 16)?))
}

pub(super) fn on_missing(on_missing: OnMissing) -> u8 {
    match on_missing {
        OnMissing::Suspend => 0,
        OnMissing::Create => 1,
        OnMissing::Delete => 2,
    }
}

pub(super) fn direction(direction: Direction) -> u8 {
    match direction {
        Direction::Both => 0,
        Direction::Send => 1,
        Direction::Receive => 2,
    }
}

pub(super) fn join(join: Join) -> u8 {
    match join {
        Join::Done => 0,
        Join::Offer => 1,
        Join::Adopt => 2,
        Join::Wait => 3,
    }
}

pub(super) fn condition(condition: &Condition) -> (u8, &str) {
    match condition {
        Condition::Fine => (0, ""),
        Condition::AwaitingConsent => (1, ""),
        Condition::Missing(cause) => (2, cause),
        Condition::Suspended(cause) => (3, cause),
        Condition::Braked(cause) => (4, cause),
        Condition::NoFile(cause) => (5, cause),
        Condition::Doubtful(cause) => (6, cause),
        Condition::HardLinked(cause) => (7, cause),
    }
}

/// The columns of a version, in the order that [`version`] reads. Its parents lie in their own table.
pub(super) const VERSION: &str = "v.id, v.group_id, v.number, v.kind, v.member, v.generation, v.format, v.mapping, v.text, \
     v.value, v.size, v.copy, v.mac, v.committed_at, v.noticed_at, v.merged, v.yielded, v.snapshot, \
     v.unmergeable_with, v.unmergeable";
/// How many columns those are.
pub(super) const VERSION_COLUMNS: usize = 20;

/// A version without its parents, and when what it holds was noticed.
pub(super) fn version(row: &Row<'_>) -> rusqlite::Result<(Version, u64)> {
    let record = Record {
        version: VersionId(bytes(row, 0)?),
        group: GroupId(bytes(row, 1)?),
        member: MemberId(bytes(row, 4)?),
        generation: uint(row, 5)?,
        shape: Shape { format: row.get(6)?, mapping: row.get(7)? },
        text: Fingerprint(bytes(row, 8)?),
        value: Fingerprint(bytes(row, 9)?),
        size: uint(row, 10)?,
        copy: row.get(11)?,
        mac: bytes(row, 12)?,
    };
    let version = Version {
        record,
        kind: match row.get::<_, u8>(3)? {
            0 => Kind::Edit,
            1 => Kind::Merge,
            2 => Kind::Restore,
            3 => Kind::Resolve,
            4 => Kind::Join,
            _ => return Err(damaged(3, "an unknown kind")),
        },
        parents: Vec::new(),
        number: uint(row, 2)?,
        committed_at: uint(row, 13)?,
        merged: row.get(15)?,
        yielded: row.get(16)?,
        snapshot: row.get(17)?,
        unmergeable: match optional(row, 18)?.map(VersionId) {
            Some(head) => Some(Unmergeable { head, cause: row.get(19)? }),
            None => None,
        },
    };
    Ok((version, uint(row, 14)?))
}

pub(super) fn kind(kind: Kind) -> u8 {
    match kind {
        Kind::Edit => 0,
        Kind::Merge => 1,
        Kind::Restore => 2,
        Kind::Resolve => 3,
        Kind::Join => 4,
    }
}

/// A conflict policy, as its word and the member that it names.
pub(super) fn conflict(conflict: Conflict) -> (&'static str, Option<MemberId>) {
    match conflict {
        Conflict::Merge => ("merge", None),
        Conflict::Newest => ("newest", None),
        Conflict::Prefer(member) => ("prefer", Some(member)),
        Conflict::Manual => ("manual", None),
    }
}

pub(super) fn from_conflict(word: &str, preferred: Option<MemberId>) -> Result<Conflict, StoreError> {
    match (word, preferred) {
        ("merge", _) => Ok(Conflict::Merge),
        ("newest", _) => Ok(Conflict::Newest),
        ("manual", _) => Ok(Conflict::Manual),
        ("prefer", Some(member)) => Ok(Conflict::Prefer(member)),
        _ => Err(StoreError::Damaged(format!("an unknown policy `{word}`"))),
    }
}
