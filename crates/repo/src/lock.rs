//! Locks, as restic keeps them (restic `doc/design.rst`, "Locks").

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::id::Id;
use crate::os;
use crate::repository::Repository;
use crate::storage::{Entry, Kind, StorageError};
use crate::unpacked::{FormatError, PackError, open_json, seal_json};

/// The JSON of a lock.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LockFile {
    pub(crate) time: String,
    #[serde(default)]
    pub(crate) exclusive: bool,
    #[serde(default)]
    pub(crate) hostname: String,
    #[serde(default)]
    pub(crate) username: String,
    #[serde(default)]
    pub(crate) pid: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) uid: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) gid: u32,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl LockFile {
    /// A non-exclusive lock of this process, for the agent `name`.
    fn ours(name: &str) -> Self {
        let (uid, gid) = os::owner();
        Self {
            time: jiff::Timestamp::now().to_string(),
            exclusive: false,
            hostname: os::hostname(),
            username: username(name),
            pid: std::process::id(),
            uid,
            gid,
        }
    }

    /// Whether an agent `name` on this machine left it behind when it died. `since` is when the one who asks began: a
    /// lock with our own process id that is older than that is of an earlier process.
    fn is_left_behind(&self, name: &str, since: jiff::Timestamp) -> bool {
        let ours = self.hostname == os::hostname() && self.username == username(name);
        let earlier = self.time.parse::<jiff::Timestamp>().is_ok_and(|time| time < since);
        ours && if self.pid == std::process::id() { earlier } else { !os::process_runs(self.pid) }
    }
}

/// Shown to a person by restic: "locked by PID 7 on host by inlay/laptop".
fn username(name: &str) -> String {
    format!("inlay/{name}")
}

/// Who holds a repository exclusively.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The lock's id.
    pub lock: Id,
    /// The machine.
    pub host: String,
    /// The user there.
    pub user: String,
    /// The process there.
    pub pid: u32,
    /// Since when, as the lock says.
    pub time: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "process {} of {} on {}, since {} (lock {})",
            self.pid,
            self.user,
            self.host,
            self.time,
            self.lock.short()
        )
    }
}

/// What went wrong with locks.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// No lock can be written.
    #[error(transparent)]
    Pack(#[from] PackError),
}

/// Writes a non-exclusive lock.
pub(crate) async fn write(repository: &Repository, name: &str) -> Result<Id, LockError> {
    let bytes = seal_json(repository.key(), &LockFile::ours(name))?;
    let id = Id::of(&bytes);
    if let Err(error) = repository.storage().put(Kind::Locks, id, bytes.into()).await {
        // Perhaps only the answer was lost: a lock that nobody knows of would keep everybody out.
        let _ = repository.storage().delete(Kind::Locks, id).await;
        return Err(error.into());
    }
    Ok(id)
}

/// Removes a lock; it may have gone already.
pub(crate) async fn remove(repository: &Repository, id: Id) -> Result<(), LockError> {
    match repository.storage().delete(Kind::Locks, id).await {
        Err(error) if !error.is_missing() => Err(error.into()),
        _ => Ok(()),
    }
}

/// All locks that can be read; the id alone of one that cannot.
pub(crate) async fn all(repository: &Repository) -> Result<Vec<(Id, Result<LockFile, FormatError>)>, LockError> {
    let mut locks = Vec::new();
    for entry in repository.storage().list(Kind::Locks).await? {
        // Some backends leave an empty file behind when an upload is cut off; restic ignores those, too.
        if entry.size == 0 {
            continue;
        }
        match repository.storage().get(Kind::Locks, entry.id).await {
            Ok(bytes) => locks.push((entry.id, open_json(repository.key(), &bytes))),
            Err(error) if error.is_missing() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(locks)
}

/// Who holds the repository exclusively, if somebody other than `own` does. A lock that cannot be read counts as exclusive.
/// `harmless` remembers those that were read and are not, since locks never change.
pub(crate) async fn exclusive_holder(
    repository: &Repository,
    own: Id,
    harmless: &mut HashSet<Id>,
) -> Result<Option<Holder>, LockError> {
    let entries = repository.storage().list(Kind::Locks).await?;
    harmless.retain(|id| entries.iter().any(|entry| entry.id == *id));
    for Entry { id, size } in entries {
        if size == 0 || id == own || harmless.contains(&id) {
            continue;
        }
        let bytes = match repository.storage().get(Kind::Locks, id).await {
            Err(error) if error.is_missing() => continue,
            other => other?,
        };
        match open_json::<LockFile>(repository.key(), &bytes) {
            Ok(lock) if !lock.exclusive => {
                harmless.insert(id);
            }
            Ok(LockFile { hostname: host, username: user, pid, time, .. }) => {
                return Ok(Some(Holder { lock: id, host, user, pid, time }));
            }
            Err(_) => {
                let unknown = || "unknown".to_owned();
                return Ok(Some(Holder { lock: id, host: unknown(), user: unknown(), pid: 0, time: unknown() }));
            }
        }
    }
    Ok(None)
}

/// Removes the locks that the agent `name` on this machine left behind when it died; how many.
pub(crate) async fn remove_left_behind(
    repository: &Repository,
    name: &str,
    since: jiff::Timestamp,
) -> Result<usize, LockError> {
    let mut removed = 0;
    let mut refused = None;
    for (id, lock) in all(repository).await? {
        if lock.is_ok_and(|lock| lock.is_left_behind(name, since)) {
            match remove(repository, id).await {
                Ok(()) => removed += 1,
                // The others can still go.
                Err(error) => refused = Some(error),
            }
        }
    }
    refused.map_or(Ok(removed), Err)
}
