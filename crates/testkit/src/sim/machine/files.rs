//! What the agent's jobs do to files.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use agent::simulated::{self, Answer, Deletion, JournalRecord, MemberIntent, Site};
use agent::step::{Assignment, Copied, Entry, Event, Instruction, MergeInstruction, Merged, Portion, Restored, Sight};
use agent::{Folder as _, Intent, IntentLog, Recovered, delete, recover, sweep};
use plan::{Condition, Fingerprint, MemberId, VersionId};

use super::{Copies, FakeFolder, FakeJournal, Happened, Job, Machine, fetch};
use crate::sim::disk::Writing;
use crate::sim::ledger::{Author, GONE};

/// The folder that every simulated agent's files are in.
pub(crate) const FOLDER: &str = "/m";

/// A member's intents, in the journal.
struct Log<'a> {
    folder: FakeFolder,
    journal: &'a std::cell::RefCell<FakeJournal>,
    member: MemberId,
    version: VersionId,
    portion: Portion,
}

impl Log<'_> {
    fn append(&self, what: &str, record: JournalRecord) -> io::Result<()> {
        self.folder.point(what)?;
        if self.folder.0.lock().is_ok_and(|disk| disk.full) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.journal.borrow_mut().append([record]);
        Ok(())
    }
}

impl IntentLog for Log<'_> {
    fn intend(&mut self, intent: &Intent) -> io::Result<()> {
        let intent = MemberIntent {
            folder: PathBuf::from(FOLDER),
            intent: intent.clone(),
            version: self.version,
            portion: self.portion.clone(),
        };
        self.append("journal the intent", JournalRecord::Intent(self.member, Box::new(intent)))
    }

    fn give_up(&mut self, temporary: &OsStr, delete_if: &[blake3::Hash]) -> io::Result<()> {
        let intent = self.journal.borrow().contents.intents.get(&self.member).cloned();
        let name = intent.map(|intent| intent.intent.name).unwrap_or_default();
        let deletion = (!delete_if.is_empty()).then(|| Deletion {
            folder: PathBuf::from(FOLDER),
            name,
            temporary: temporary.to_owned(),
            delete_if: delete_if.to_vec(),
        });
        self.append("journal that it is given up", JournalRecord::Finished(self.member, None, deletion))
    }

    fn cleaned(&mut self, temporary: &OsStr) -> io::Result<()> {
        self.append("journal the deletion", JournalRecord::Deleted(Path::new(FOLDER).join(temporary)))
    }
}

impl Machine {
    fn assignment(&self, member: MemberId) -> Result<Assignment, Condition> {
        if self.broken {
            return Err(Condition::Suspended("disk full: the agent has no room for its own journal".to_owned()));
        }
        if self.unfinished.contains_key(&member) {
            return Err(Condition::Suspended("a write that was interrupted cannot be finished".to_owned()));
        }
        if self.denied.contains(&member) {
            return Err(Condition::AwaitingConsent);
        }
        let none = || Condition::Suspended("it is no member here".to_owned());
        self.steps.member(member).map(|m| m.assignment.clone()).ok_or_else(none)
    }

    fn site(&self, member: MemberId) -> Result<Site, Condition> {
        let assignment = self.assignment(member)?;
        Site::new(Box::new(self.folder()), Path::new(&assignment.path), &assignment)
    }

    /// Does a job. `None`: there is nothing to tell, or nobody to tell it.
    pub(crate) fn work(
        &mut self,
        job: Job,
        copies: &mut Copies,
        random: [u8; 16],
        repository: bool,
    ) -> Option<Happened> {
        self.disk().begin(None);
        let happened = match job {
            Job::Look { member, attempt } => self.noticing(member, |machine| machine.look(member, attempt)),
            Job::BackUp { member, attempt } => {
                self.noticing(member, |machine| machine.back_up(member, attempt, copies, random, repository))
            }
            Job::Restore { instruction, expected } => {
                self.noticing(instruction.member, |machine| machine.restore(&instruction, expected, copies, repository))
            }
            Job::Merge(instruction) => self.merge(&instruction, copies, random, repository),
            Job::Recover { member } => self.recover(member),
            Job::Delete(deletions) => {
                self.delete(&deletions);
                return self.ended(None);
            }
        };
        self.ended(Some(happened))
    }

    fn ended(&self, happened: Option<Happened>) -> Option<Happened> {
        let mut disk = self.disk();
        disk.end();
        happened.filter(|_| !disk.dead)
    }

    /// What stands in a member's file.
    pub(crate) fn read(&self, member: MemberId) -> Result<simulated::Read, Answer> {
        self.disk().begin(None);
        self.site(member).map_err(|condition| Answer::Sight(Sight::Absent(condition)))?.read(&self.keys, 99, true)
    }

    fn look(&self, member: MemberId, attempt: u32) -> Happened {
        let answer = self.site(member).map(|site| site.look(&self.keys, attempt));
        match answer.unwrap_or_else(|condition| Answer::Sight(Sight::Absent(condition))) {
            Answer::Sight(sight) => Happened::Event(Event::Looked(member, sight)),
            Answer::Again(wait) => Happened::Again(Job::Look { member, attempt: attempt + 1 }, wait.as_millis() as u64),
        }
    }

    fn back_up(
        &mut self,
        member: MemberId,
        attempt: u32,
        copies: &mut Copies,
        random: [u8; 16],
        repository: bool,
    ) -> Happened {
        let not = |condition| Happened::Event(Event::NotCopied(member, condition));
        let site = match self.site(member) {
            Ok(site) => site,
            Err(condition) => return not(condition),
        };
        let absent = self.steps.member(member).is_some_and(|member| member.is_absent());
        let read = match site.read(&self.keys, attempt, absent) {
            Ok(read) => read,
            Err(Answer::Again(wait)) => {
                return Happened::Again(Job::BackUp { member, attempt: attempt + 1 }, wait.as_millis() as u64);
            }
            Err(Answer::Sight(Sight::Absent(condition))) => return not(condition),
            Err(Answer::Sight(Sight::Present(_) | Sight::Blank(_))) => {
                return not(Condition::Suspended("interrupted".to_owned()));
            }
        };
        if !repository {
            return not(Condition::Suspended("the repository: it cannot be reached".to_owned()));
        }
        let version = simulated::version_id(random, &read.portion);
        let author = if read.portion.is_absent() { self.remover(member) } else { self.author(member) };
        self.ledger.lock().proposed.insert(version, author);
        let number = self.numbers.get(&member);
        self.ledger.tell(format_args!(
            "agent {} copies member {number:?} ({author:?}) as version {}: {:?}",
            self.number,
            version.short(),
            String::from_utf8_lossy(&read.text)
        ));
        let location = random.to_vec();
        let size = read.text.len() as u64;
        copies.insert(location.clone(), read.text.into());
        let copied = Copied { portion: read.portion, value: read.value, size, copy: location.clone(), version };
        Happened::Copied { member, copied: Box::new(copied), unsealed: location }
    }

    /// Who wrote what was just read of a member's portion.
    fn author(&self, member: MemberId) -> Option<Author> {
        let number = self.numbers.get(&member)?;
        let disk = self.disk();
        disk.last_read(*number).and_then(|contents| contents.authors.get(number).copied())
    }

    /// Remembers who removed what is missing, as it was when the file was read.
    fn noticing(&mut self, member: MemberId, job: impl FnOnce(&mut Machine) -> Happened) -> Happened {
        let happened = job(self);
        let remover = self.remover(member);
        self.removers.insert(member, remover);
        happened
    }

    /// Who removed what was just found to be missing of a member. That outlasts the file in which it was done.
    fn remover(&self, member: MemberId) -> Option<Author> {
        let number = self.numbers.get(&member)?;
        let read = self.author(member);
        let gone = self.disk().gone.get(number).copied();
        let removed = |author: &Author| self.ledger.lock().text_of(*author) == GONE;
        [read, gone].into_iter().flatten().find(removed)
    }

    /// An edit that removes a portion was somebody's: of a member of which that is one, or of which a person said so.
    pub(super) fn judge_absence(&self, member: MemberId, entry: &Entry) {
        let known = self.journal.borrow().contents.members.get(&member).and_then(|kept| kept.entry.fingerprint);
        let absent = Some(Fingerprint::ABSENT);
        if entry.fingerprint != absent || known == absent || entry.generation == entry.base_gen {
            return;
        }
        let Some(number) = self.numbers.get(&member).copied() else { return };
        let delete = self.steps.member(member).is_some_and(|m| m.assignment.delete);
        let ledger = self.ledger.lock();
        if ledger.accepted.contains(&number) || ledger.is_excused(number) {
            return;
        }
        drop(ledger);
        if !delete || self.removers.get(&member).copied().flatten().is_none() {
            let what = format!("what is missing of member {number} was taken for an edit, and nobody said so");
            self.ledger.breaks(5, what);
        }
    }

    fn restore(
        &mut self,
        instruction: &Instruction,
        expected: Option<Fingerprint>,
        copies: &Copies,
        repository: bool,
    ) -> Happened {
        let (member, version) = (instruction.member, instruction.record.version);
        let nothing = |restored| Happened::Restored { member, restored, written: None, unfinished: false, held: None };
        if !repository {
            return nothing(Restored::Failed(Condition::Suspended("the repository: it cannot be reached".to_owned())));
        }
        let site = match self.site(member) {
            Ok(site) => site,
            Err(condition) => return nothing(Restored::Failed(condition)),
        };
        let restorable = match fetch(copies, instruction) {
            Ok(restorable) => restorable,
            Err(restored) => return nothing(restored),
        };
        let Some(number) = self.numbers.get(&member).copied() else {
            return nothing(Restored::Refused("no such member".to_owned()));
        };
        let author = Author::Restored { serial: self.ledger.lock().serial(), version };
        self.ledger.tell(format_args!("agent {} restores {} into member {number}", self.number, version.short()));
        self.disk().begin(Some(Writing { member: number, author }));
        let folder = self.folder();
        let journal = &self.journal;
        let mut log = |portion: &Portion| -> Box<dyn IntentLog + '_> {
            Box::new(Log { folder: folder.clone(), journal, member, version, portion: portion.clone() })
        };
        let done = site.restore(&self.keys, restorable, expected, &mut log);
        let same = matches!(done.restored, Restored::Done(_)) && !done.written;
        let held = same.then(|| (author, self.author(member)));
        let deletion =
            |displaced: agent::Displaced, name: &OsStr| simulated::deletion(Path::new(FOLDER), name, &displaced);
        let name = self.name(member);
        if !done.unfinished {
            let written = done.written.then(|| done.displaced.map(|d| deletion(d, &name)));
            return Happened::Restored { member, restored: done.restored, written, unfinished: false, held };
        }
        let Some(intent) = self.journal.borrow().contents.intents.get(&member).cloned() else {
            return nothing(done.restored);
        };
        let mut log = self.log(member, &intent);
        let (restored, written, unfinished) = match recover(&self.folder(), &intent.intent, &mut log) {
            Ok(Recovered::Done { displaced }) => {
                let restored = Restored::done(intent.portion.clone(), intent.intent.old.is_some());
                (restored, Some(displaced.map(|d| deletion(d, &name))), false)
            }
            Ok(Recovered::NotDone) => (done.restored, None, false),
            Ok(Recovered::KeptAside(aside)) => (self.kept(member, &aside), None, false),
            Err(_) => (done.restored, None, true),
        };
        Happened::Restored { member, restored, written, unfinished, held: None }
    }

    /// Puts a branch and the head together.
    fn merge(
        &self,
        instruction: &MergeInstruction,
        copies: &mut Copies,
        random: [u8; 16],
        repository: bool,
    ) -> Happened {
        let member = instruction.member;
        let nothing = |merged| Happened::Merged { member, merged, unsealed: Vec::new() };
        if !repository {
            return nothing(Merged::Failed(Condition::Suspended("the repository: it cannot be reached".to_owned())));
        }
        let mut texts = Vec::new();
        for record in [&instruction.base, &instruction.branch, &instruction.head] {
            let Some(text) = copies.get(&record.copy) else {
                return nothing(Merged::Failed(Condition::Suspended(
                    "the repository: there is no such copy".to_owned(),
                )));
            };
            texts.push((record.clone(), text.clone()));
        }
        let made = match simulated::merge(&self.keys, instruction.group, &texts) {
            Ok(made) => made,
            Err(merged) => return nothing(merged),
        };
        let version = simulated::version_id(random, &made.portion);
        self.ledger.tell(format_args!(
            "agent {} merges {} with {} as version {}: {:?}",
            self.number,
            instruction.branch.version.short(),
            instruction.head.version.short(),
            version.short(),
            String::from_utf8_lossy(&made.text)
        ));
        let location = random.to_vec();
        let size = made.text.len() as u64;
        copies.insert(location.clone(), made.text.into());
        let copied = Copied { portion: made.portion, value: made.value, size, copy: location.clone(), version };
        Happened::Merged { member, merged: Merged::Done(Box::new(copied)), unsealed: location }
    }

    fn kept(&self, member: MemberId, aside: &OsStr) -> Restored {
        // What stands in the file then is not what the journal says.
        self.ledger.lock().forgetful.extend(self.numbers.get(&member));
        Restored::Failed(simulated::kept(Path::new(FOLDER).join(aside)))
    }

    /// The file held already what was to be restored: what its user wrote is what that version says.
    pub(super) fn held_already(&self, member: MemberId, author: Author, read: Option<Author>) {
        let name = self.name(member).to_string_lossy().into_owned();
        let Some(number) = self.numbers.get(&member).copied() else { return };
        let mut disk = self.disk();
        let Some(contents) = disk.at(&name).cloned() else {
            // There is no file, and there is to be no portion.
            if let Author::Restored { serial, .. } = author {
                self.ledger.lock().texts.insert(serial, GONE.to_owned());
            }
            disk.gone.insert(number, author);
            return;
        };
        let Some(layout) = disk.layouts.iter().find(|layout| layout.name == name).cloned() else { return };
        let Some(slot) = layout.slots.iter().position(|(m, _)| *m == number) else { return };
        // Whatever became of it meanwhile, what was read is what that version says.
        if let (Author::Restored { version, .. }, Some(Author::Edit(edit))) = (author, read) {
            self.ledger.lock().edits[edit].version.get_or_insert(version);
        }
        if contents.authors.get(&number).copied() != read {
            return;
        }
        if let (Author::Restored { serial, .. }, Some(text)) =
            (author, disk.said(&contents, &layout, slot).or(Some(GONE.to_owned())))
        {
            self.ledger.lock().texts.insert(serial, text);
        }
        disk.attribute(&name, number, author);
    }

    fn name(&self, member: MemberId) -> std::ffi::OsString {
        let path = self.roster.get(&member).map(|assignment| assignment.path.clone()).unwrap_or_default();
        Path::new(&path).file_name().map(OsStr::to_owned).unwrap_or_default()
    }

    fn log<'a>(&'a self, member: MemberId, intent: &MemberIntent) -> Log<'a> {
        Log {
            folder: self.folder(),
            journal: &self.journal,
            member,
            version: intent.version,
            portion: intent.portion.clone(),
        }
    }

    /// Finds out what a write came to that was interrupted.
    pub(super) fn recover(&self, member: MemberId) -> Happened {
        let Some(intent) = self.journal.borrow().contents.intents.get(&member).cloned() else {
            return Happened::Event(Event::Touched(member));
        };
        self.ledger.tell(format_args!("agent {} recovers a write of {}", self.number, intent.version.short()));
        let mut log = self.log(member, &intent);
        let recovered = recover(&self.folder(), &intent.intent, &mut log);
        self.ledger.tell(format_args!("  it is {recovered:?}"));
        let interrupted =
            Restored::Failed(Condition::Suspended("the agent was interrupted; it tries again".to_owned()));
        let done = match recovered {
            Ok(Recovered::Done { displaced }) => {
                let deletion = displaced.map(|d| simulated::deletion(Path::new(FOLDER), &intent.intent.name, &d));
                Some((Restored::Done(intent.portion.clone()), Some(deletion)))
            }
            Ok(Recovered::NotDone) => Some((interrupted, None)),
            Ok(Recovered::KeptAside(aside)) => Some((self.kept(member, &aside), None)),
            Err(_) => None,
        };
        Happened::Recovered { member, version: intent.version, done }
    }

    /// Deletes what was displaced, if nobody wrote to it.
    pub(super) fn delete(&self, deletions: &[Deletion]) {
        let folder = self.folder();
        let gone =
            |deletion: &&Deletion| delete(&folder, &deletion.name, &deletion.temporary, &deletion.delete_if).is_ok();
        let gone: Vec<PathBuf> = deletions.iter().filter(gone).map(Deletion::path).collect();
        if !gone.is_empty() && folder.sync().is_ok() && !self.disk().full {
            self.journal.borrow_mut().append(gone.into_iter().map(JournalRecord::Deleted));
        }
    }

    /// At the start: what a killed process left is removed.
    pub(super) fn sweep(&self) {
        let known = |name: &OsStr| {
            let path = Path::new(FOLDER).join(name);
            let contents = &self.journal.borrow().contents;
            contents.deletions.contains_key(&path)
                || contents.intents.values().any(|intent| intent.intent.temporary.name == name)
        };
        // What is left is found again at the next start.
        let _ = sweep(&self.folder(), &known);
    }
}
