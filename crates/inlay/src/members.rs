//! Addresses that a person wrote, and the members and versions that they mean.

use std::path::{Component, Path, PathBuf};

use plan::{Record, VersionId};
use portion::{Address, Selector};
use wire::v1;

use crate::context::Context;
use crate::error::CommandError;
use crate::service::Service;

/// The path of a file of this machine, whole and without `.` and `..`.
pub(crate) fn own_path(address: &Address, ctx: &Context) -> Result<String, CommandError> {
    let path = plain(&ctx.path(&address.path)?);
    path.into_os_string()
        .into_string()
        .map_err(|path| CommandError::usage(format!("the path {} is not UTF-8", Path::new(&path).display())))
}

/// Without `.` and `..`, as far as no link is followed.
fn plain(path: &Path) -> PathBuf {
    let links = path.components().any(|c| c == Component::ParentDir);
    if links && let Ok(resolved) = path.parent().unwrap_or(path).canonicalize() {
        return path.file_name().map_or(resolved.clone(), |name| resolved.join(name));
    }
    path.components().filter(|c| *c != Component::CurDir).collect()
}

/// The one member of a group that an address means.
pub(crate) fn find<'a>(
    group: &'a v1::GroupStatus,
    address: &Address,
    service: &Service,
    ctx: &Context,
) -> Result<&'a v1::MemberStatus, CommandError> {
    let own = if service.is_here(address) { Some(own_path(address, ctx)?) } else { None };
    let fits_path = |member: &v1::MemberStatus| match &own {
        Some(path) => member.path == *path,
        // As that agent resolves it: we know neither its home nor where its relative paths start.
        None => {
            let written = address.path.strip_prefix("~/").unwrap_or(&address.path);
            member.path == address.path || (!written.starts_with('/') && member.path.ends_with(&format!("/{written}")))
        }
    };
    let agent = address.agent.as_ref().or(service.agent.as_ref());
    let fits = |member: &&v1::MemberStatus| {
        agent.is_none_or(|agent| *agent == member.agent)
            && fits_path(member)
            && address.selector.as_ref().is_none_or(|selector| fits_selector(&member.selector, selector))
    };
    let found: Vec<&v1::MemberStatus> = group.members.iter().filter(fits).collect();
    let named = |members: &[&v1::MemberStatus]| {
        let all: Vec<String> = members.iter().map(|m| crate::command::status::address(m, ctx)).collect();
        all.join(", ")
    };
    match found[..] {
        [member] => Ok(member),
        [] => Err(CommandError::usage(format!("`{address}` is no member of `{}`", group.name))
            .hint(format!("its members are {}", named(&group.members.iter().collect::<Vec<_>>())))),
        _ => Err(CommandError::usage(format!("`{address}` may be any of {}", named(&found))).hint("say more of it")),
    }
}

fn fits_selector(theirs: &str, asked: &Selector) -> bool {
    theirs.parse::<Selector>().is_ok_and(|theirs| {
        theirs.expression == asked.expression && (asked.scheme.is_none() || theirs.scheme == asked.scheme)
    })
}

/// A member by name, for the manager.
pub(crate) fn name_of(member: &v1::MemberStatus) -> v1::MemberName {
    v1::MemberName { agent: member.agent.clone(), path: member.path.clone(), selector: member.selector.clone() }
}

/// A version with what the history says of it.
pub(crate) struct Listed<'a> {
    pub entry: &'a v1::VersionEntry,
    pub record: Record,
}

/// Reads an entry's record.
pub(crate) fn record(entry: &v1::VersionEntry) -> Result<Record, CommandError> {
    let message = entry.record.as_ref().ok_or(wire::WireError::Missing("record"))?;
    Ok(wire::from_record(message)?)
}

/// The version that a person means: `head`, `-1` (one before the head), a number, or the start of an id; with or without `@`.
pub(crate) fn version<'a>(log: &'a v1::LogReply, written: &str, name: &str) -> Result<Listed<'a>, CommandError> {
    let text = written.trim_start_matches('@');
    let list = format!("`inlay log {name}` lists them");
    let listed = |entry: &'a v1::VersionEntry| Ok(Listed { entry, record: record(entry)? });
    let is = |entry: &&v1::VersionEntry, id: &[u8]| entry.record.as_ref().is_some_and(|r| r.version == id);
    let by_id = |id: &[u8]| log.versions.iter().find(|entry| is(entry, id));
    let back = match text.strip_prefix("head").unwrap_or(text) {
        "" => Some(0),
        rest => rest.strip_prefix('-').and_then(|n| n.parse::<usize>().ok()),
    };
    if let Some(back) = back {
        let mut at = by_id(&log.head).ok_or_else(|| {
            CommandError::failed(format!("`{name}` has no version yet")).hint("`inlay status` says why")
        })?;
        for _ in 0..back {
            let parent = at.parents.first().and_then(|parent| by_id(parent));
            at = parent
                .ok_or_else(|| CommandError::usage(format!("`{name}` has no version that far back")).hint(&list))?;
        }
        return listed(at);
    }
    if let Ok(number) = text.parse::<u64>()
        && let Some(entry) = log.versions.iter().find(|entry| entry.number == number)
    {
        return listed(entry);
    }
    let hex = !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
    let starts = |entry: &&v1::VersionEntry| {
        let id = entry.record.as_ref().and_then(|r| VersionId::from_bytes(&r.version).ok());
        id.is_some_and(|id| id.to_string().starts_with(&text.to_ascii_lowercase()))
    };
    let found: Vec<&v1::VersionEntry> = log.versions.iter().filter(|e| hex && text.len() >= 4 && starts(e)).collect();
    match found[..] {
        [entry] => listed(entry),
        [] => Err(CommandError::usage(format!("`{written}` is no version of `{name}`"))
            .hint("a version is head, -1, -2, …, its number, or the start of its id (four digits at least)")
            .hint(list)),
        _ => Err(CommandError::usage(format!("several versions of `{name}` begin with `{text}`")).hint(list)),
    }
}
