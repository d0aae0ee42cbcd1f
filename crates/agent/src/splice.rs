//! The durable exchange: how new bytes take a file's place so that nobody's bytes are lost, whatever happens in between.
//!
//! The order is the protocol's (*Restore*, steps 2 to 8). Every step is one primitive of [`Folder`] or one entry of the
//! [`IntentLog`]; a process may be killed between any two, and [`recover`] then finds out by file ids what was done.

use std::ffi::{OsStr, OsString};
use std::io;

use blake3::Hash;

use crate::fault::{Fault, planted};
use crate::folder::{AttributeError, FileId, FileKind, Folder, Origin, Stat, Temporary};
use crate::point::point;

/// Files above this size are hashed, and compared for the first time, by a second thread while their successor is written.
const LARGE: usize = 1 << 20;

/// What a [`SpliceError`] was doing that could not keep its intent: not the file's disk failed, but the journal's.
pub(crate) const INTEND: &str = "journal the intent to write";

/// What is about to be done to a file. It is in the journal before the file is touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// The file's name.
    pub name: OsString,
    /// The file that is to take its place.
    pub temporary: Temporary,
    /// Of the file's whole old contents; `None` if it is to be made.
    pub old: Option<Hash>,
    /// Of its whole new contents.
    pub new: Hash,
}

/// Where intents are kept until they are done or given up.
pub trait IntentLog {
    /// Keeps it. It must outlast the process; it may be lost with the power.
    fn intend(&mut self, intent: &Intent) -> io::Result<()>;
    /// Forgets it: nothing was done. What stands at the temporary name is to be deleted if its bytes have one of these hashes.
    fn give_up(&mut self, temporary: &OsStr, delete_if: &[Hash]) -> io::Result<()>;
    /// The temporary name is free.
    fn cleaned(&mut self, temporary: &OsStr) -> io::Result<()>;
}

/// Keeps nothing: for a write that its caller does again if it was interrupted.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLog;

impl IntentLog for NoLog {
    fn intend(&mut self, _: &Intent) -> io::Result<()> {
        Ok(())
    }
    fn give_up(&mut self, _: &OsStr, _: &[Hash]) -> io::Result<()> {
        Ok(())
    }
    fn cleaned(&mut self, _: &OsStr) -> io::Result<()> {
        Ok(())
    }
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spliced {
    /// The file holds the new bytes, durably. The intent still stands: whoever journals what follows from it clears it by that.
    Done {
        /// The file that it displaced, to be deleted by [`delete`] after a while.
        displaced: Option<Displaced>,
    },
    /// Somebody wrote the file meanwhile. It is as they left it.
    Changed {
        /// Our file, if it has stood in the other's place: somebody may have opened it there. To be deleted like [`Spliced::Done`]'s.
        left: Option<Displaced>,
    },
    /// Bytes that are neither the old nor the new ones were found where ours should be, and stand beside the file under that name.
    KeptAside(OsString),
    /// The file is such that it cannot be replaced. Nothing was written.
    Refused(Refusal),
}

/// Why a file cannot be replaced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another file in its place would leave the other names with the old contents.
    #[error("the file has {0} names (hard links)")]
    HardLinks(u64),
    /// A directory, a link, a device.
    #[error("it is no regular file")]
    NoRegularFile,
    /// The successor could not be made like it.
    #[error(transparent)]
    Attribute(#[from] AttributeError),
}

/// A file that was displaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Displaced {
    /// The temporary name at which it stands.
    pub name: OsString,
    /// Of its contents, as they were compared.
    pub old: Hash,
}

/// What became of a file that was to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone.
    Gone,
    /// It held other bytes than it should, and stands under that name now.
    KeptAside(OsString),
}

/// What an interrupted write came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovered {
    /// It was not done. If our file is left, the log has it among what is to be deleted.
    NotDone,
    /// It was done. The intent still stands.
    Done {
        /// The file that it displaced.
        displaced: Option<Displaced>,
    },
    /// As in [`Spliced::KeptAside`].
    KeptAside(OsString),
}

/// A primitive failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {}", .name.display())]
pub struct SpliceError {
    /// "write beside", "exchange", …
    pub doing: &'static str,
    /// The file's name.
    pub name: OsString,
    /// Whether the intent still stands, and [`recover`] has to say what was done.
    pub unfinished: bool,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// Puts `new`, given in pieces, in the place of the file `name`, which must hold exactly `old` (`None`: must not exist).
///
/// # Errors
/// [`SpliceError`]. Unless it is [`SpliceError::unfinished`], nothing was done and nothing remains.
pub fn splice(
    folder: &dyn Folder,
    name: &OsStr,
    old: Option<&[u8]>,
    new: &[&[u8]],
    log: &mut dyn IntentLog,
) -> Result<Spliced, SpliceError> {
    let failed = |doing, source| SpliceError { doing, name: name.to_owned(), unfinished: false, source };
    let stat = folder.stat(name).map_err(|e| failed("look at", e))?;
    match (stat, old) {
        (None, None) => {}
        (Some(_), None) | (None, Some(_)) => return Ok(Spliced::Changed { left: None }),
        (Some(stat), Some(_)) if stat.kind != FileKind::Regular => return Ok(Spliced::Refused(Refusal::NoRegularFile)),
        (Some(stat), Some(_)) if stat.links > 1 => return Ok(Spliced::Refused(Refusal::HardLinks(stat.links))),
        (Some(_), Some(_)) => {}
    }
    if planted(Fault::IntentTooEarly) {
        let temporary = Temporary { name: OsString::new(), id: Default::default() };
        let (old, new) = hashes(old, new);
        let intent = Intent { name: name.to_owned(), temporary, old, new };
        log.intend(&intent).map_err(|e| failed(INTEND, e))?;
    }
    let prepared = prepare(folder, name, stat.as_ref(), old, new);
    let temporary = match prepared.written {
        Ok(temporary) => temporary,
        Err(error) => return cannot_write(error).map_err(|e| failed("write a file beside", e)),
    };
    let intent = Intent { name: name.to_owned(), temporary, old: prepared.old, new: prepared.new };
    point("splice: temporary durable");
    let journaled = planted(Fault::IntentTooEarly) || planted(Fault::NoIntent);
    if let Err(error) = if journaled { Ok(()) } else { log.intend(&intent) } {
        // It is not in the journal, so it goes.
        let _ = folder.remove(&intent.temporary.name);
        return Err(failed(INTEND, error));
    }
    point("splice: intent journaled");
    Exchange { folder, log, intent: &intent }.run(old, prepared.compared)
}

/// What precedes the intent.
struct Prepared {
    written: io::Result<Temporary>,
    old: Option<Hash>,
    new: Hash,
    /// The file as it was when it was compared, if any later write shows in that.
    compared: Option<Stat>,
}

/// The protocol's order is: write, then journal the intent with both hashes, then compare. Hashing needs no file, so it may run
/// beside the write; so may the comparison of a large file, if afterwards the file's stamps tell that nobody wrote since.
fn prepare(folder: &dyn Folder, name: &OsStr, stat: Option<&Stat>, old: Option<&[u8]>, new: &[&[u8]]) -> Prepared {
    if new.iter().map(|piece| piece.len()).sum::<usize>() < LARGE {
        let (old_hash, new_hash) = hashes(old, new);
        let part = folder.write_beside(name, old.is_some(), new);
        let written = part.and_then(|part| folder.name_whole(&part, name, &new_hash, old_hash.as_ref()));
        return Prepared { written, old: old_hash, new: new_hash, compared: None };
    }
    std::thread::scope(|scope| {
        let beside = scope.spawn(|| (compare_early(folder, name, stat, old), hashes(old, new)));
        let part = folder.write_beside(name, old.is_some(), new);
        let (compared, (old, new)) = beside.join().unwrap_or_else(|_| (None, hashes(old, new)));
        let written = part.and_then(|part| folder.name_whole(&part, name, &new, old.as_ref()));
        Prepared { written, old, new, compared }
    })
}

fn compare_early(folder: &dyn Folder, name: &OsStr, stat: Option<&Stat>, old: Option<&[u8]>) -> Option<Stat> {
    let (stat, old) = (stat?, old?);
    let certain = crate::detect::Seen::before(stat, folder.now()).is(stat);
    (certain && folder.holds(name, old).unwrap_or(false)).then_some(*stat)
}

/// Of the old contents and of the new ones. What both begin with is hashed once.
fn hashes(old: Option<&[u8]>, new: &[&[u8]]) -> (Option<Hash>, Hash) {
    let shared = match (old, new.first()) {
        (Some(old), Some(first)) if first.len() <= old.len() && std::ptr::eq(first.as_ptr(), old.as_ptr()) => {
            first.len()
        }
        _ => 0,
    };
    let mut hasher = blake3::Hasher::new();
    let old = old.map(|old| {
        hasher.update(&old[..shared]);
        hasher.clone().update(&old[shared..]).finalize()
    });
    let behind = if shared > 0 { &new[1..] } else { new };
    behind.iter().for_each(|piece| {
        hasher.update(piece);
    });
    (old, hasher.finalize())
}

fn cannot_write(error: io::Error) -> io::Result<Spliced> {
    if let Some(attribute) = error.get_ref().and_then(|inner| inner.downcast_ref::<AttributeError>()) {
        return Ok(Spliced::Refused(Refusal::Attribute(attribute.clone())));
    }
    match error.kind() {
        // The file that it was to be like is gone, or something else stands there.
        io::ErrorKind::NotFound | io::ErrorKind::InvalidInput => Ok(Spliced::Changed { left: None }),
        _ => Err(error),
    }
}

/// Where our file has been.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stood {
    /// Only at its temporary name.
    Beside,
    /// Perhaps in the other's place for a moment.
    InPlace,
}

/// From the journaled intent on.
struct Exchange<'a> {
    folder: &'a dyn Folder,
    log: &'a mut dyn IntentLog,
    intent: &'a Intent,
}

impl Exchange<'_> {
    /// `compared`: as the file was when it was found to hold `old`, if any later write shows in that.
    fn run(mut self, old: Option<&[u8]>, compared: Option<Stat>) -> Result<Spliced, SpliceError> {
        let (name, temporary) = (&self.intent.name, &self.intent.temporary.name);
        let Some(old) = old else { return self.create() };
        let unchanged = match compared {
            Some(compared) => self.folder.stat(name).map(|stat| stat == Some(compared)),
            None => self.folder.holds(name, old),
        };
        match unchanged {
            Ok(same) if same || planted(Fault::FileNotCompared) => {}
            Ok(_) => return self.abort(Stood::Beside),
            Err(error) => return self.abort_with("compare", error),
        }
        if planted(Fault::PlainRename) {
            return self.rename(old);
        }
        point("splice: compared");
        match self.folder.exchange(name, temporary) {
            Ok(()) => point("splice: exchanged"),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => return self.rename(old),
            Err(error) => return self.abort_with("exchange", error),
        }
        // A name that the old file got meanwhile would keep its contents from now on.
        let displaced =
            self.folder.stat(temporary).map_err(|e| self.unfinished("look at what was displaced from", e))?;
        let alone = displaced.is_some_and(|stat| stat.links == 1);
        let ours =
            self.folder.holds(temporary, old).map_err(|e| self.unfinished("compare what was displaced from", e))?;
        let compared = !planted(Fault::FileNotCompared) && !planted(Fault::DisplacedNotCompared);
        if compared && !(alone && ours) {
            return self.exchange_back();
        }
        point("splice: displaced compared");
        self.sync()?;
        point("splice: folder synced");
        let displaced = self.intent.old.map(|old| Displaced { name: temporary.clone(), old });
        Ok(Spliced::Done { displaced })
    }

    fn create(mut self) -> Result<Spliced, SpliceError> {
        match self.folder.rename_new(&self.intent.temporary.name, &self.intent.name) {
            Ok(()) => self.sync().map(|()| Spliced::Done { displaced: None }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.abort(Stood::Beside),
            Err(error) => self.abort_with("make", error),
        }
    }

    /// Where the file system cannot exchange. What is written to the file between the comparison and this is lost.
    fn rename(mut self, old: &[u8]) -> Result<Spliced, SpliceError> {
        match self.folder.holds(&self.intent.name, old) {
            Ok(true) => {}
            Ok(false) => return self.abort(Stood::Beside),
            Err(error) => return self.abort_with("compare", error),
        }
        match self.folder.rename(&self.intent.temporary.name, &self.intent.name) {
            Ok(()) => self.sync().map(|()| Spliced::Done { displaced: None }),
            Err(error) => self.abort_with("replace", error),
        }
    }

    /// What was displaced is not what was compared: somebody wrote in between.
    fn exchange_back(mut self) -> Result<Spliced, SpliceError> {
        let (name, temporary) = (&self.intent.name, &self.intent.temporary);
        self.folder.exchange(name, &temporary.name).map_err(|e| self.unfinished("exchange back", e))?;
        point("splice: exchanged back");
        self.sync()?;
        self.abort(Stood::InPlace)
    }

    /// The file is as its user left it. What stands at the temporary name is deleted if it is ours: at once, unless somebody may
    /// have it open.
    fn abort(&mut self, stood: Stood) -> Result<Spliced, SpliceError> {
        let temporary = &self.intent.temporary;
        match self.folder.hash(&temporary.name) {
            Ok(Some(hash)) if hash != self.intent.new && !planted(Fault::AbortDeletesAll) => {
                let aside = set_aside(self.folder, &self.intent.name, &temporary.name)
                    .map_err(|e| self.unfinished("keep what was found beside", e))?;
                self.log.give_up(&temporary.name, &[]).map_err(|e| self.unfinished("journal the end of", e))?;
                Ok(Spliced::KeptAside(aside))
            }
            Ok(found) => {
                let delete_if = [self.intent.new];
                self.log.give_up(&temporary.name, &delete_if).map_err(|e| self.unfinished("journal the end of", e))?;
                point("splice: given up");
                if found.is_some() && stood == Stood::InPlace && !planted(Fault::AbortDeletesAll) {
                    let left = Displaced { name: temporary.name.clone(), old: self.intent.new };
                    return Ok(Spliced::Changed { left: Some(left) });
                }
                // What cannot be deleted now is deleted later.
                if self.folder.remove(&temporary.name).is_ok() {
                    point("splice: temporary removed");
                    let _ = self.log.cleaned(&temporary.name);
                }
                Ok(Spliced::Changed { left: None })
            }
            Err(error) => Err(self.unfinished("read what stands beside", error)),
        }
    }

    /// Nothing was done, for want of a primitive.
    fn abort_with(&mut self, doing: &'static str, source: io::Error) -> Result<Spliced, SpliceError> {
        match self.abort(Stood::Beside)? {
            Spliced::Changed { .. } => {
                Err(SpliceError { doing, name: self.intent.name.clone(), unfinished: false, source })
            }
            other => Ok(other),
        }
    }

    fn sync(&self) -> Result<(), SpliceError> {
        if planted(Fault::FolderNotSynced) {
            return Ok(());
        }
        self.folder.sync().map_err(|e| self.unfinished("sync the folder of", e))
    }

    fn unfinished(&self, doing: &'static str, source: io::Error) -> SpliceError {
        SpliceError { doing, name: self.intent.name.clone(), unfinished: true, source }
    }
}

/// Finds out what an interrupted write came to, by file ids, never by contents, and finishes it or takes it back.
///
/// # Errors
/// [`SpliceError`]: the intent still stands, and this may be tried again.
pub fn recover(folder: &dyn Folder, intent: &Intent, log: &mut dyn IntentLog) -> Result<Recovered, SpliceError> {
    let mut exchange = Exchange { folder, log, intent };
    let temporary = &intent.temporary;
    let look = |name: &OsStr| folder.stat(name).map(|stat| stat.map(|s| s.id));
    if planted(Fault::RecoveryByContent) {
        return recover_by_content(exchange);
    }
    let beside = look(&temporary.name).map_err(|e| exchange.unfinished("look beside", e))?;
    let stands = look(&intent.name).map_err(|e| exchange.unfinished("look at", e))?;
    let (beside_is_ours, ours_stands) =
        (is_ours(folder, intent, &temporary.name, beside), is_ours(folder, intent, &intent.name, stands));
    let outcome = match beside {
        // Our file still waits: it was not renamed, or it was taken back.
        Some(_) if beside_is_ours => exchange.abort(Stood::InPlace)?,
        // An exchange has put another there.
        Some(_) => {
            exchange.sync()?;
            let found =
                folder.hash(&temporary.name).map_err(|e| exchange.unfinished("read what was displaced from", e))?;
            match (found, intent.old) {
                (Some(found), Some(old)) if found == old => {
                    Spliced::Done { displaced: Some(Displaced { name: temporary.name.clone(), old }) }
                }
                // Somebody wrote in between. If the file is untouched since, theirs goes back into its place.
                _ if ours_stands && holds_hash(folder, &intent.name, intent.new) => exchange.exchange_back()?,
                _ => {
                    let aside = set_aside(folder, &intent.name, &temporary.name)
                        .map_err(|e| exchange.unfinished("keep what was displaced from", e))?;
                    exchange
                        .log
                        .give_up(&temporary.name, &[])
                        .map_err(|e| exchange.unfinished("journal the end of", e))?;
                    Spliced::KeptAside(aside)
                }
            }
        }
        // A plain rename, or a new file; or what was displaced has been deleted already.
        None if ours_stands => {
            exchange.sync()?;
            Spliced::Done { displaced: None }
        }
        None => exchange.abort(Stood::Beside)?,
    };
    Ok(match outcome {
        Spliced::Done { displaced } => Recovered::Done { displaced },
        Spliced::KeptAside(name) => Recovered::KeptAside(name),
        Spliced::Changed { .. } | Spliced::Refused(_) => Recovered::NotDone,
    })
}

/// Whether the file at a name is the intent's temporary one. A disk may have another number when the machine has been started anew; its
/// files keep theirs, and then what is in them has to be right, too.
fn is_ours(folder: &dyn Folder, intent: &Intent, name: &OsStr, found: Option<FileId>) -> bool {
    let ours = intent.temporary.id;
    found.is_some_and(|id| {
        id == ours || (id.inode == ours.inode && id.device != ours.device && holds_hash(folder, name, intent.new))
    })
}

/// See [`Fault::RecoveryByContent`].
fn recover_by_content(mut exchange: Exchange<'_>) -> Result<Recovered, SpliceError> {
    let Intent { name, temporary, old, new } = exchange.intent;
    if !holds_hash(exchange.folder, name, *new) {
        return exchange.abort(Stood::Beside).map(|_| Recovered::NotDone);
    }
    let displaced = old.map(|old| Displaced { name: temporary.name.clone(), old });
    Ok(Recovered::Done { displaced })
}

fn holds_hash(folder: &dyn Folder, name: &OsStr, hash: Hash) -> bool {
    folder.hash(name).is_ok_and(|found| found == Some(hash))
}

/// Deletes what stands at a temporary name, if its bytes have one of the hashes; otherwise it is kept beside the file.
///
/// # Errors
/// A primitive failed; nothing was deleted.
pub fn delete(folder: &dyn Folder, name: &OsStr, temporary: &OsStr, delete_if: &[Hash]) -> io::Result<Deleted> {
    match folder.hash(temporary)? {
        None => Ok(Deleted::Gone),
        Some(found) if delete_if.contains(&found) || planted(Fault::DeletedUncompared) => {
            folder.remove(temporary).map(|()| Deleted::Gone)
        }
        Some(_) => set_aside(folder, name, temporary).map(Deleted::KeptAside),
    }
}

/// Gives what stands at a temporary name a name that nobody deletes and that a person finds.
pub(crate) fn set_aside(folder: &dyn Folder, name: &OsStr, temporary: &OsStr) -> io::Result<OsString> {
    for number in 1..1000 {
        let mut aside = name.to_owned();
        aside.push(format!(".inlay-kept-{number}"));
        match folder.rename_new(temporary, &aside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // Durable before anything says so: at its temporary name it would be taken for ours after a power failure.
            other => return other.and_then(|()| folder.sync()).map(|()| aside),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Removes temporary files of this agent that no journal knows: they were being written when it was killed, or their intent was lost with
/// the power. What somebody wrote to since is kept aside instead; those names are returned.
///
/// # Errors
/// The folder cannot be read.
pub fn sweep(folder: &dyn Folder, known: &dyn Fn(&OsStr) -> bool) -> io::Result<Vec<OsString>> {
    let mut kept = Vec::new();
    for leftover in folder.leftovers()? {
        if known(&leftover.name) {
            continue;
        }
        let ours = match &leftover.origin {
            Origin::Part => true,
            // What an exchange has put there was compared before, and goes as it would have gone some seconds later.
            Origin::Whole(digits) => {
                let known = |hash: Hash| !digits.is_empty() && hash.to_hex().starts_with(digits);
                planted(Fault::SweptUncompared) || folder.hash(&leftover.name)?.is_some_and(known)
            }
        };
        if ours {
            folder.remove(&leftover.name)?;
        } else {
            kept.push(set_aside(folder, &leftover.beside, &leftover.name)?);
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests;
