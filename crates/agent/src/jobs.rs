//! What members' operations do to files and the repository: each on a thread that may block, a bounded number at a time.

use std::cell::Cell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use blake3::Hash;
use bytes::Bytes;
use plan::{Condition, Fingerprint, MemberId, Record, VersionId};
use tokio::sync::Semaphore;

use crate::allow::AllowFile;
use crate::buffers::Buffers;
use crate::copies::{Copies, CopyError, NewCopy};
use crate::detect::{self, Found, Look, Seen, Target, interrupted};
use crate::error_chain;
use crate::files::Files;
use crate::folder::{FileId, Folder as _, system_time};
use crate::journal::{self, Deletion, Journal, MemberIntent};
use crate::keys::{self, Keys};
use crate::os::OsFolder;
use crate::place::Place;
use crate::point::point;
use crate::record;
use crate::restore::{self, Before, Done, Site, Version};
use crate::splice::{self, Deleted, Intent, IntentLog, Recovered};
use crate::step::{Copied, Instruction, Portion, Restored};
use crate::variables::Variables;

/// What jobs work with.
pub(crate) struct Tools {
    pub(crate) allow: AllowFile,
    pub(crate) variables: Variables,
    pub(crate) keys: Keys,
    pub(crate) copies: Arc<dyn Copies>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) buffers: Buffers,
    /// Tells this agent's temporary files from others'.
    pub(crate) tag: String,
    pub(crate) permits: Semaphore,
    /// Several members may live in one file: one of them writes at a time, and nobody else opens a database meanwhile.
    pub(crate) files: Files,
}

/// What a restore came to.
#[derive(Debug)]
pub(crate) struct RestoreDone {
    pub(crate) restored: Restored,
    /// The file was written: the intent stands until the journal has what follows from it; with what it displaced.
    pub(crate) written: Option<Option<Deletion>>,
    /// What was done is not known: it has to be found out before anything else is done.
    pub(crate) unfinished: bool,
    /// The file as it was written, if nobody can have written to it since.
    pub(crate) seen: Option<Seen>,
    /// What it holds then.
    pub(crate) found: Option<Box<Found>>,
}

impl RestoreDone {
    /// Nothing was written.
    pub(crate) fn nothing(restored: Restored) -> Self {
        RestoreDone { restored, written: None, unfinished: false, seen: None, found: None }
    }

    fn written(restored: Restored, displaced: Option<Deletion>) -> Self {
        RestoreDone { restored, written: Some(displaced), unfinished: false, seen: None, found: None }
    }
}

impl Tools {
    /// Runs work that may block.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Tools) -> T + Send + 'static,
    ) -> Option<T> {
        let _permit = self.permits.acquire().await.ok()?;
        let tools = self.clone();
        tokio::task::spawn_blocking(move || work(&tools)).await.ok()
    }

    fn place(&self, target: &Target) -> Result<Place, Condition> {
        Place::open(&self.allow, &target.path, &target.selector, &self.tag)
    }

    fn look_once(&self, target: &Target, attempt: u32) -> Look {
        let found = self.place(target).and_then(|place| Ok((place, self.variables.bound(&self.allow, target)?)));
        let (place, target) = match found {
            Ok(found) => found,
            Err(condition) => return Look::Absent(condition, None),
        };
        let target = target.as_ref();
        if record::is_database(target, &place.name) {
            return self.files.alone(place.path(), || record::look(&place, target, &self.keys, attempt));
        }
        self.files.together(place.path(), || {
            let mut buffer = self.buffers.take();
            let look = detect::look(&place, target, &self.keys, &mut buffer, attempt);
            self.buffers.give(buffer);
            look
        })
    }

    /// Why a member's portion cannot be removed; empty if it can.
    pub(crate) fn stays(&self, target: &Target, scheme: portion::Scheme) -> String {
        let Ok(place) = self.place(target) else { return String::new() };
        if scheme == portion::Scheme::Sqlite {
            return record::STAYS.to_owned();
        }
        self.files.together(place.path(), || {
            let mut buffer = self.buffers.take();
            let read = place.folder.read(&place.name, &mut buffer, detect::MAX_FILE);
            let why = read.ok().and_then(|_| portion::may_go(scheme, &buffer, &target.selector.expression).err());
            self.buffers.give(buffer);
            why.map(|error| error.to_string()).unwrap_or_default()
        })
    }

    /// Looks until there is an answer.
    pub(crate) async fn look_at(self: &Arc<Self>, target: &Arc<Target>) -> Look {
        for attempt in 0.. {
            let target = target.clone();
            match self.blocking(move |tools| tools.look_once(&target, attempt)).await {
                Some(Look::Again(wait)) if attempt < detect::ATTEMPTS => tokio::time::sleep(wait).await,
                Some(look) => return look,
                None => break,
            }
        }
        Look::Absent(interrupted(), None)
    }

    /// Looks at a portion. What was found before serves if the file is surely as it was then.
    pub(crate) async fn look(self: Arc<Self>, member: MemberId, target: Arc<Target>, before: Before) -> Look {
        let started = Instant::now();
        let look = self.read_again(&target, before).await;
        stage("detect", member, started);
        look
    }

    /// Reads a portion again; what was found before serves if the file is surely as it was then.
    async fn read_again(self: &Arc<Self>, target: &Arc<Target>, before: Before) -> Look {
        if let Some((found, seen)) = before {
            let target = target.clone();
            let same = self.blocking(move |tools| tools.is_same(&target, Some(seen))).await;
            if same == Some(true) {
                return Look::Found(found, seen);
            }
        }
        self.look_at(target).await
    }

    /// Backs a portion up; `absent`: that there is none. The bytes are what the journal needs until the copy is sealed.
    pub(crate) async fn back_up(
        self: Arc<Self>,
        member: MemberId,
        target: Arc<Target>,
        before: Before,
        absent: bool,
    ) -> (Result<(Copied, Vec<u8>), Condition>, Option<Seen>) {
        let started = Instant::now();
        let (read, seen) = self.read_again(&target, before).await.read(&target, &self.keys, absent);
        let detect::Read { portion, value, text } = match read {
            Ok(read) => read,
            Err(condition) => return (Err(condition), seen),
        };
        let Some(version) = random_version(&portion) else { return (Err(interrupted()), seen) };
        let size = text.len() as u64;
        let copy = NewCopy {
            version,
            group: target.group_name.clone(),
            path: target.path.to_string_lossy().into_owned(),
            selector: target.selector.to_string(),
            content: Bytes::from(text),
        };
        stage("read", member, started);
        point("backup: read");
        let started = Instant::now();
        let stored = match self.copies.store(copy).await {
            Ok(stored) => stored,
            Err(error) => return (Err(repository(&error)), seen),
        };
        stage("backup", member, started);
        point("backup: copied");
        let copied = Copied { portion, value, size, copy: stored.location, version };
        (Ok((copied, stored.unsealed)), seen)
    }

    /// Restores a version.
    pub(crate) async fn restore(
        self: Arc<Self>,
        member: MemberId,
        target: Arc<Target>,
        instruction: Box<Instruction>,
        expected: Option<Fingerprint>,
        before: Before,
    ) -> RestoreDone {
        let started = Instant::now();
        let nothing = RestoreDone::nothing;
        let Instruction { record, text_base, .. } = *instruction;
        let text = match self.fetch(&record).await {
            Ok(text) => text,
            Err(restored) => return nothing(restored),
        };
        let text_base = match text_base {
            None => None,
            Some(base) => match self.copies.fetch(&base.copy).await {
                Ok(text) => Some((base, text)),
                // It was only to keep comments: the value goes into what stands there.
                Err(error) if error.lost => None,
                Err(error) => return nothing(unread(&base, error)),
            },
        };
        stage("fetch", member, started);
        point("restore: fetched");
        let started = Instant::now();
        let version = Version { record, text, text_base };
        let done = self.blocking(move |tools| tools.write(member, &target, &version, expected, before)).await;
        stage("restore", member, started);
        done.unwrap_or_else(|| nothing(Restored::Failed(interrupted())))
    }

    async fn fetch(&self, record: &Record) -> Result<Bytes, Restored> {
        if record.shape.is_absent() {
            return Ok(Bytes::new());
        }
        if record.size > portion::MAX_PORTION as u64 {
            return Err(Restored::Refused(format!("{} bytes are more than a portion may have", record.size)));
        }
        self.copies.fetch(&record.copy).await.map_err(|error| unread(record, error))
    }

    fn write(
        &self,
        member: MemberId,
        target: &Target,
        version: &Version,
        expected: Option<Fingerprint>,
        before: Before,
    ) -> RestoreDone {
        let found = self.place(target).and_then(|place| Ok((place, self.variables.bound(&self.allow, target)?)));
        let (place, target) = match found {
            Ok(found) => found,
            Err(condition) => return RestoreDone::nothing(Restored::Failed(condition)),
        };
        self.files.alone(place.path(), || self.write_alone(member, &place, &target, version, expected, before))
    }

    fn write_alone(
        &self,
        member: MemberId,
        place: &Place,
        target: &Target,
        version: &Version,
        expected: Option<Fingerprint>,
        before: Before,
    ) -> RestoreDone {
        let intended = Cell::new(None);
        let mut log = |portion: &Portion| -> Box<dyn IntentLog + '_> {
            Box::new(MemberLog {
                journal: &self.journal,
                member,
                folder: place.folder_path.clone(),
                version: version.record.version,
                portion: portion.clone(),
                intended: Some(&intended),
            })
        };
        let site = Site { place, target, keys: &self.keys };
        let done = if record::is_database(target, &place.name) {
            record::restore(site, version, expected, &mut log)
        } else {
            let mut buffer = self.buffers.take();
            let done = restore::restore(site, version, expected, before, &mut buffer, &mut log);
            self.buffers.give(buffer);
            done
        };
        let mut done = self.finish(member, place, target, done);
        if let (Some((id, at)), Some(_)) = (intended.get(), &done.written) {
            let stat = place.folder.stat(&place.name).ok().flatten();
            done.seen = stat.filter(|stat| stat.id == id).map(|stat| Seen::before(&stat, at));
        }
        done
    }

    /// Finds out what was done, if that is not known.
    fn finish(&self, member: MemberId, place: &Place, target: &Target, done: Done) -> RestoreDone {
        let deletion = |displaced: splice::Displaced| {
            journal::deletion(&place.folder_path, &place.name, &displaced.name, &[displaced.old])
        };
        let Done { restored, displaced, written, unfinished, found } = done;
        if !unfinished {
            let written = written.then(|| displaced.map(deletion));
            return RestoreDone { written, found, ..RestoreDone::nothing(restored) };
        }
        let Some(intent) = self.journal.read(|contents| contents.intents.get(&member).cloned()) else {
            return RestoreDone::nothing(restored);
        };
        let mut log = MemberLog::of(&self.journal, member, &intent);
        let recovered = if record::is_transaction(&intent.intent) {
            record::recover(&place.path(), Some(target), &intent.intent, &mut log).map_err(io::Error::other)
        } else {
            splice::recover(place.folder.as_ref(), &intent.intent, &mut log).map_err(io::Error::other)
        };
        match recovered {
            Ok(Recovered::Done { displaced }) => {
                let existed = intent.intent.old.is_some();
                RestoreDone::written(Restored::done(intent.portion, existed), displaced.map(deletion))
            }
            Ok(Recovered::NotDone) => RestoreDone::nothing(restored),
            Ok(Recovered::KeptAside(aside)) => {
                RestoreDone::nothing(Restored::Failed(restore::kept(place.folder_path.join(aside))))
            }
            Err(error) => {
                tracing::error!(error = error_chain(&error), "a write is neither done nor undone");
                RestoreDone { unfinished: true, ..RestoreDone::nothing(restored) }
            }
        }
    }

    /// Finds out what a write came to that an earlier process began, and finishes it or takes it back. `target` is the member's, if it is
    /// still one.
    pub(crate) fn recover(
        &self,
        member: MemberId,
        target: Option<&Target>,
        intent: &MemberIntent,
    ) -> Result<RestoreDone, io::Error> {
        let mut log = MemberLog::of(&self.journal, member, intent);
        let path = intent.folder.join(&intent.intent.name);
        let recovered = if record::is_transaction(&intent.intent) {
            let found = || record::recover(&path, target, &intent.intent, &mut log);
            self.files.alone(path.clone(), found).map_err(io::Error::other)?
        } else {
            let folder = OsFolder::open(&intent.folder, std::path::Path::new(""), &self.tag)?;
            splice::recover(&folder, &intent.intent, &mut log).map_err(io::Error::other)?
        };
        Ok(match recovered {
            Recovered::Done { displaced } => {
                let deletion = |displaced: splice::Displaced| {
                    journal::deletion(&intent.folder, &intent.intent.name, &displaced.name, &[displaced.old])
                };
                RestoreDone::written(Restored::Done(intent.portion.clone()), displaced.map(deletion))
            }
            Recovered::NotDone => RestoreDone::nothing(Restored::Failed(interrupted())),
            Recovered::KeptAside(aside) => {
                RestoreDone::nothing(Restored::Failed(restore::kept(intent.folder.join(aside))))
            }
        })
    }

    /// Deletes what was displaced, if nobody wrote to it; otherwise it is kept aside. What cannot be deleted stays in the journal.
    pub(crate) fn delete(&self, deletions: &[Deletion]) {
        let mut folders = HashMap::new();
        let gone: Vec<PathBuf> =
            deletions.iter().filter(|d| self.delete_one(d, &mut folders)).map(Deletion::path).collect();
        // The journal forgets them once the power cannot bring them back: nobody would know then what they are.
        if let Some(error) = folders.values().flatten().find_map(|folder| folder.sync().err()) {
            tracing::warn!(%error, "a deletion is not durable");
            return;
        }
        point("displaced: deleted");
        if let Err(error) = self.journal.append(gone.into_iter().map(journal::Record::Deleted)) {
            tracing::warn!(%error, "a deletion was not journaled");
        }
    }

    /// Returns whether the name is free.
    fn delete_one(&self, deletion: &Deletion, folders: &mut HashMap<PathBuf, Option<OsFolder>>) -> bool {
        let open = |path: &PathBuf| OsFolder::open(path, std::path::Path::new(""), &self.tag);
        let opened = match folders.entry(deletion.folder.clone()) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(new) => match open(&deletion.folder) {
                Ok(folder) => Ok(new.insert(Some(folder))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(new.insert(None)),
                Err(error) => Err(error),
            },
        };
        let deleted = opened.and_then(|folder| match folder {
            Some(folder) => splice::delete(folder, &deletion.name, &deletion.temporary, &deletion.delete_if),
            None => Ok(Deleted::Gone),
        });
        match deleted {
            Ok(Deleted::Gone) => true,
            Ok(Deleted::KeptAside(aside)) => {
                let aside = deletion.folder.join(aside);
                tracing::warn!(aside = %aside.display(), "somebody wrote to a file that was replaced; it is kept");
                true
            }
            Err(error) => {
                tracing::warn!(path = %deletion.path().display(), %error, "cannot delete a file that was replaced");
                false
            }
        }
    }

    /// Removes what a killed process left in a folder; what may be somebody's is kept aside.
    pub(crate) fn sweep(&self, folder: &std::path::Path) {
        let known = |name: &OsStr| {
            let path = folder.join(name);
            self.journal.read(|contents| {
                contents.deletions.contains_key(&path)
                    || contents.intents.values().any(|i| i.folder == folder && i.intent.temporary.name == name)
            })
        };
        let swept =
            OsFolder::open(folder, std::path::Path::new(""), &self.tag).and_then(|open| splice::sweep(&open, &known));
        for kept in swept.unwrap_or_default() {
            let path = folder.join(kept);
            tracing::warn!(path = %path.display(), "what stood beside a file after a power failure is kept");
        }
    }

    /// Which members' files are not surely as they were seen.
    pub(crate) fn changed(&self, members: Vec<(MemberId, Arc<Target>, Option<Seen>)>) -> Vec<MemberId> {
        members
            .into_iter()
            .filter(|(_, target, seen)| !self.is_same(target, *seen))
            .map(|(member, ..)| member)
            .collect()
    }

    fn is_same(&self, target: &Target, seen: Option<Seen>) -> bool {
        let Some(seen) = seen else { return false };
        let Ok(place) = self.place(target) else { return false };
        let stat = match record::is_database(target, &place.name) {
            true => record::stat(&place),
            false => place.folder.stat(&place.name),
        };
        matches!(stat, Ok(Some(stat)) if seen.is(&stat))
    }
}

/// A member's intents, in the journal.
struct MemberLog<'a> {
    journal: &'a Journal,
    member: MemberId,
    folder: PathBuf,
    version: VersionId,
    portion: Portion,
    /// Which file is to take the other's place, and when that was written down: nobody can have written to it before.
    intended: Option<&'a Cell<Option<(FileId, i128)>>>,
}

impl<'a> MemberLog<'a> {
    fn of(journal: &'a Journal, member: MemberId, intent: &MemberIntent) -> Self {
        MemberLog {
            journal,
            member,
            folder: intent.folder.clone(),
            version: intent.version,
            portion: intent.portion.clone(),
            intended: None,
        }
    }
}

impl IntentLog for MemberLog<'_> {
    fn intend(&mut self, intent: &Intent) -> io::Result<()> {
        if let Some(intended) = self.intended {
            intended.set(Some((intent.temporary.id, system_time())));
        }
        let intent = MemberIntent {
            folder: self.folder.clone(),
            intent: intent.clone(),
            version: self.version,
            portion: self.portion.clone(),
        };
        self.journal.append([journal::Record::Intent(self.member, Box::new(intent))]).map(drop)
    }

    fn give_up(&mut self, temporary: &OsStr, delete_if: &[Hash]) -> io::Result<()> {
        let name = self
            .journal
            .read(|contents| contents.intents.get(&self.member).map(|intent| intent.intent.name.clone()))
            .unwrap_or_default();
        let deletion = (!delete_if.is_empty()).then(|| journal::deletion(&self.folder, &name, temporary, delete_if));
        self.journal.append([journal::Record::Finished(self.member, None, deletion)]).map(drop)
    }

    fn cleaned(&mut self, temporary: &OsStr) -> io::Result<()> {
        self.journal.append([journal::Record::Deleted(self.folder.join(temporary))]).map(drop)
    }
}

/// How long a stage of an edit's way took; the bench prints these.
pub(crate) fn stage(name: &'static str, member: MemberId, started: Instant) {
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    tracing::debug!(target: "inlay::stage", stage = name, member = %member.short(), micros);
}

/// Why a version's copy could not be read.
fn unread(record: &Record, error: CopyError) -> Restored {
    if error.lost {
        let version = record.version.short();
        return Restored::Failed(Condition::Suspended(format!(
            "the repository has lost the copy of version {version}: `inlay repo verify`, on a machine whose file still holds it, makes it again"
        )));
    }
    if error.transient { Restored::Failed(repository(&error)) } else { Restored::Refused(error.why) }
}

fn repository(error: &CopyError) -> Condition {
    Condition::Suspended(format!("the repository cannot be used: {}", error.why))
}

fn random_version(portion: &Portion) -> Option<VersionId> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).ok()?;
    Some(keys::version_id(random, portion))
}

pub(crate) mod merge;
#[cfg(test)]
mod tests;
