//! The journal: what the agent must remember of its members, in one file that is only appended to.
//!
//! Each record has its length and a checksum. A record that was cut off at the end of the file, as a power failure leaves it, was
//! never named to anybody and is dropped; any other damage is refused, because what follows it would be believed wrongly.
//! When the file has grown much larger than what it says, it is written anew beside itself and exchanged.

mod record;

use std::collections::{BTreeMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use blake3::Hash;
use plan::{MemberId, VersionId};

use crate::point::point;
use crate::splice::Intent;
use crate::step::{BrakeEntry, Entry, Portion};

pub use record::Record;

const HEADER: &[u8] = b"inlay journal 1\n";
/// The journal is written anew when it is larger than this (in tests often, so that the crash harness meets it) …
const COMPACT_ABOVE: u64 = if cfg!(feature = "faults") { 8 << 10 } else { 1 << 20 };
/// … and so many times what it says.
const COMPACT_RATIO: u64 = 4;
/// How many versions that it has left are kept of a member.
const LEFT: usize = 4_096;

/// What is about to be done to a member's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberIntent {
    /// The folder that holds the file, resolved.
    pub folder: PathBuf,
    /// The exchange.
    pub intent: Intent,
    /// What is restored.
    pub version: VersionId,
    /// What will stand there.
    pub portion: Portion,
}

/// A temporary name that is to be freed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// The folder.
    pub folder: PathBuf,
    /// The file beside which it stands.
    pub name: OsString,
    /// The temporary name.
    pub temporary: OsString,
    /// What stands there is deleted if it has one of these hashes; it is kept aside otherwise.
    pub delete_if: Vec<Hash>,
}

/// What the journal holds of a member.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// Its state.
    pub entry: Entry,
    /// The versions that it has left, oldest first.
    pub left: VecDeque<VersionId>,
}

/// Everything that the journal says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contents {
    /// By member.
    pub members: BTreeMap<MemberId, Kept>,
    /// What was begun and not finished.
    pub intents: BTreeMap<MemberId, MemberIntent>,
    /// What is to be deleted, by the whole temporary path.
    pub deletions: BTreeMap<PathBuf, Deletion>,
    /// Copies that are in no snapshot yet, as the repository crate wants them.
    pub unsealed: BTreeMap<VersionId, Vec<u8>>,
    /// What the brake has counted.
    pub brake: BrakeEntry,
}

/// Why the journal cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be read or written.
    #[error("cannot {doing} the journal {}", .path.display())]
    File {
        /// The verb.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no journal, or of a later program.
    #[error("{} is no journal that this program reads", .0.display())]
    Foreign(PathBuf),
    /// It is damaged before its end.
    #[error(
        "the journal {} is damaged at byte {offset}, and more follows. Moved away, it is made anew: every portion is then backed up once more",
        .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: u64,
    },
}

/// The open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    inner: Mutex<Inner>,
    syncing: Mutex<Syncing>,
    synced: Condvar,
}

#[derive(Debug)]
struct Inner {
    file: File,
    contents: Contents,
    /// Bytes ever appended, since the journal was opened: compaction takes nothing from it.
    position: u64,
    /// The file's length.
    length: u64,
    /// The length above which it is written anew.
    compact_above: u64,
    buffer: Vec<u8>,
}

#[derive(Debug, Default)]
struct Syncing {
    /// Everything up to this position is durable.
    done: u64,
    /// Somebody is at it.
    busy: bool,
}

impl Contents {
    /// What a journal's bytes say, and how many of them are whole; the others were cut off at the end.
    ///
    /// # Errors
    /// Where they are damaged before their end, or `None` if they are no journal's.
    pub fn read(bytes: &[u8]) -> Result<(Contents, usize), Option<usize>> {
        let records = bytes.strip_prefix(HEADER).ok_or(None)?;
        let (contents, read) = read_all(records).map_err(|at| Some(HEADER.len() + at))?;
        Ok((contents, HEADER.len() + read))
    }

    /// The bytes of a journal that says nothing yet.
    pub fn begin() -> Vec<u8> {
        HEADER.to_vec()
    }

    /// Takes one record.
    pub fn apply(&mut self, record: Record) {
        match record {
            Record::Entry(member, entry) => self.members.entry(member).or_default().entry = entry,
            Record::Left(member, version) => {
                let left = &mut self.members.entry(member).or_default().left;
                left.push_back(version);
                if left.len() > LEFT {
                    left.pop_front();
                }
            }
            Record::Forget(member) => {
                self.members.remove(&member);
            }
            Record::Intent(member, intent) => {
                self.intents.insert(member, *intent);
            }
            Record::Finished(member, entry, deletion) => {
                self.intents.remove(&member);
                if let Some(entry) = entry {
                    self.members.entry(member).or_default().entry = entry;
                }
                if let Some(deletion) = deletion {
                    self.deletions.insert(deletion.path(), deletion);
                }
            }
            Record::Deleted(path) => {
                self.deletions.remove(&path);
            }
            Record::Unsealed(version, copy) => {
                self.unsealed.insert(version, copy);
            }
            Record::Sealed(versions) => versions.iter().for_each(|version| {
                self.unsealed.remove(version);
            }),
            Record::Brake(brake) => self.brake = brake,
        }
    }

    /// The records that say all this.
    fn records(&self) -> impl Iterator<Item = Record> {
        let members = self.members.iter().flat_map(|(id, kept)| {
            let left = kept.left.iter().map(|version| Record::Left(*id, *version));
            std::iter::once(Record::Entry(*id, kept.entry.clone())).chain(left)
        });
        let intents = self.intents.iter().map(|(id, intent)| Record::Intent(*id, Box::new(intent.clone())));
        // A deletion by itself has no member: the id that no member has.
        let deletions =
            self.deletions.values().map(|deletion| Record::Finished(MemberId([0; 16]), None, Some(deletion.clone())));
        let unsealed = self.unsealed.iter().map(|(version, copy)| Record::Unsealed(*version, copy.clone()));
        let brake = (self.brake != BrakeEntry::default()).then(|| Record::Brake(self.brake.clone()));
        members.chain(intents).chain(deletions).chain(unsealed).chain(brake)
    }
}

impl Deletion {
    /// The whole temporary path.
    pub fn path(&self) -> PathBuf {
        self.folder.join(&self.temporary)
    }
}

impl Journal {
    /// Opens the journal, or makes it. A record that was cut off at the end is dropped.
    ///
    /// # Errors
    /// [`JournalError`].
    pub(crate) fn open(path: &Path) -> Result<Journal, JournalError> {
        let failed = |doing| move |source| JournalError::File { doing, path: path.to_owned(), source };
        let mut bytes = Vec::new();
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed("open"))?;
        file.read_to_end(&mut bytes).map_err(failed("read"))?;
        if bytes.len() < HEADER.len() && HEADER.starts_with(&bytes) {
            // New, or cut off while it was made.
            file.set_len(0)
                .and_then(|()| file.write_all(HEADER))
                .and_then(|()| file.sync_all())
                .map_err(failed("make"))?;
            sync_folder(path).map_err(failed("make"))?;
            bytes = HEADER.to_vec();
        }
        let (contents, read) = Contents::read(&bytes).map_err(|damaged| match damaged {
            None => JournalError::Foreign(path.to_owned()),
            Some(at) => JournalError::Damaged { path: path.to_owned(), offset: at as u64 },
        })?;
        let length = read as u64;
        if length < bytes.len() as u64 {
            tracing::warn!(path = %path.display(), bytes = bytes.len() as u64 - length, "the journal's end was cut off");
            file.set_len(length).and_then(|()| file.sync_all()).map_err(failed("shorten"))?;
        }
        file.seek(io::SeekFrom::End(0)).map_err(failed("read"))?;
        // What an earlier process wrote is spoken of from now on: it has to outlast the power as well.
        file.sync_data().map_err(failed("sync"))?;
        let inner = Inner {
            file,
            contents,
            position: 0,
            length,
            compact_above: COMPACT_ABOVE.max(length.saturating_mul(2)),
            buffer: Vec::new(),
        };
        Ok(Journal {
            path: path.to_owned(),
            inner: Mutex::new(inner),
            syncing: Mutex::default(),
            synced: Condvar::new(),
        })
    }

    /// Appends records. They outlast the process; [`Journal::sync`] with the position that this returns makes them outlast the power.
    ///
    /// # Errors
    /// The file cannot be written; the journal is as it was.
    pub(crate) fn append(&self, records: impl IntoIterator<Item = Record>) -> io::Result<u64> {
        let mut inner = self.lock();
        let Inner { file, buffer, length, .. } = &mut *inner;
        buffer.clear();
        let records: Vec<Record> = records.into_iter().collect();
        records.iter().for_each(|record| record.write(buffer));
        if let Err(error) = file.write_all(buffer) {
            // Half a record would hide all that follow.
            file.set_len(*length)?;
            return Err(error);
        }
        point("journal: appended");
        let written = buffer.len() as u64;
        inner.length += written;
        inner.position += written;
        records.into_iter().for_each(|record| inner.contents.apply(record));
        let position = inner.position;
        if inner.length > inner.compact_above
            && let Err(error) = self.compact(&mut inner)
        {
            tracing::warn!(path = %self.path.display(), %error, "the journal could not be written anew; it goes on growing");
        }
        Ok(position)
    }

    /// Makes everything up to `position` durable. Many callers share one sync.
    ///
    /// # Errors
    /// The file cannot be synced. What was named durable before still is.
    pub(crate) fn sync(&self, position: u64) -> io::Result<()> {
        let mut state = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        while state.done < position {
            if state.busy {
                state = self.synced.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.busy = true;
            drop(state);
            let result = {
                let inner = self.lock();
                let reached = inner.position;
                inner.file.try_clone().map(|file| (file, reached))
            }
            .and_then(|(file, reached)| file.sync_data().map(|()| reached));
            point("journal: synced");
            state = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
            state.busy = false;
            self.synced.notify_all();
            let reached = result?;
            state.done = state.done.max(reached);
            if reached < position {
                return Err(io::Error::other("that was never written to the journal"));
            }
        }
        Ok(())
    }

    /// The position up to which it is written.
    pub(crate) fn written(&self) -> u64 {
        self.lock().position
    }

    /// The position up to which it is durable.
    pub(crate) fn synced(&self) -> u64 {
        self.syncing.lock().unwrap_or_else(PoisonError::into_inner).done
    }

    /// Looks at what it says.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Contents) -> T) -> T {
        look(&self.lock().contents)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes it anew: beside itself, synced, renamed.
    fn compact(&self, inner: &mut Inner) -> io::Result<()> {
        let mut bytes = HEADER.to_vec();
        inner.contents.records().for_each(|record| record.write(&mut bytes));
        let length = bytes.len() as u64;
        inner.compact_above = COMPACT_ABOVE.max(length.saturating_mul(COMPACT_RATIO));
        if length.saturating_mul(2) > inner.length {
            return Ok(());
        }
        let mut beside = self.path.as_os_str().to_owned();
        beside.push(".new");
        let mut file = File::create(&beside)?;
        let written = file.write_all(&bytes).and_then(|()| file.sync_all());
        point("journal: written anew");
        if let Err(error) = written.and_then(|()| std::fs::rename(&beside, &self.path)) {
            // On a full disk half of it would take what room there is.
            let _ = std::fs::remove_file(&beside);
            return Err(error);
        }
        point("journal: replaced");
        sync_folder(&self.path)?;
        inner.file = file;
        inner.length = length;
        Ok(())
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// What the records say, and how many bytes of them are whole. The error is where they are damaged before their end.
fn read_all(bytes: &[u8]) -> Result<(Contents, usize), usize> {
    let mut contents = Contents::default();
    let mut at = 0;
    while at < bytes.len() {
        match Record::read(&bytes[at..]) {
            Some((record, length)) => {
                contents.apply(record);
                at += length;
            }
            // Cut off: nothing whole follows.
            None if !(at + 1..bytes.len()).any(|next| Record::read(&bytes[next..]).is_some()) => break,
            None => return Err(at),
        }
    }
    Ok((contents, at))
}

/// A deletion of a temporary name beside `name`.
pub(crate) fn deletion(folder: &Path, name: &OsStr, temporary: &OsStr, delete_if: &[Hash]) -> Deletion {
    Deletion {
        folder: folder.to_owned(),
        name: name.to_owned(),
        temporary: temporary.to_owned(),
        delete_if: delete_if.to_vec(),
    }
}

#[cfg(test)]
mod tests;
