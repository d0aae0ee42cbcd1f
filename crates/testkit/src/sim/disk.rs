//! A file system in memory, with what real ones do at a crash: what was not synced is kept or lost, file by file, and changes of names in
//! their order. Something may happen before any of its calls: a user writes, the process is killed, the power goes.

mod folder;
mod judge;
mod power;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;

use super::document::Style;
use super::ledger::{Author, GONE, MemberNo, Shared};
use super::users::{Later, UserEdit};
use crate::Random;

pub(crate) use folder::FakeFolder;

pub(crate) type Inode = u64;
/// Names and what they name from now on, all or none of them.
pub(crate) type Renames = Vec<(String, Option<Inode>)>;
pub(crate) type Authors = BTreeMap<MemberNo, Author>;

/// What was not synced is on the disk after this time all the same, in milliseconds.
const FLUSHED: u64 = 5_000;

/// A file's contents, and who wrote which portion of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contents {
    pub(crate) bytes: Vec<u8>,
    /// Whether an agent wrote it, and no user since.
    pub(crate) agents: bool,
    pub(crate) authors: Authors,
}

#[derive(Debug, Clone, Default)]
struct File {
    now: Contents,
    /// What is on the disk for certain, and since when it is not what is seen.
    kept: Contents,
    unsynced: Option<u64>,
    modified: i128,
}

/// Which portions a file has, by slot.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) name: String,
    pub(crate) slots: Vec<(MemberNo, Style)>,
}

/// Something that happens before a call.
#[derive(Debug, Clone)]
pub(crate) enum Interrupt {
    User(UserEdit),
    Kill,
    PowerCut,
}

/// A file that took another's place, until it is known whether that stands.
#[derive(Debug, Clone)]
struct Swap {
    name: String,
    /// Into whose portion something was written, if that is known.
    member: Option<MemberNo>,
    old: Contents,
    new: Contents,
}

/// What an operation writes: whose portion, and what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writing {
    pub(crate) member: MemberNo,
    pub(crate) author: Author,
}

/// One agent's folder.
#[derive(Debug)]
pub(crate) struct Disk {
    pub(crate) ledger: Shared,
    pub(crate) host: usize,
    pub(crate) layouts: Vec<Layout>,
    files: BTreeMap<Inode, File>,
    names: BTreeMap<String, Inode>,
    kept_names: BTreeMap<String, Inode>,
    /// Changes of names that may be lost, each all or nothing.
    waiting: Vec<(u64, Renames)>,
    last_inode: Inode,
    /// What happens before the call of a number, in the operation that is under way.
    pub(crate) interrupts: Vec<(u32, Interrupt)>,
    calls: u32,
    /// The process is dead: nothing that it calls happens any more.
    pub(crate) dead: bool,
    /// It died with the power.
    pub(crate) power: bool,
    pub(crate) full: bool,
    pub(crate) can_exchange: bool,
    read: BTreeMap<String, Contents>,
    writing: Option<Writing>,
    swaps: BTreeMap<String, Swap>,
    /// Members whose files a user touched.
    pub(crate) touched: Vec<MemberNo>,
    /// What users have still to write.
    pub(crate) later: Vec<Later>,
    removed: Vec<Inode>,
    /// Who wrote what a user has removed.
    pub(crate) gone: Authors,
    random: Random,
    pub(crate) writes: u64,
}

impl Disk {
    pub(crate) fn new(ledger: Shared, host: usize, layouts: Vec<Layout>, can_exchange: bool, random: Random) -> Disk {
        Disk {
            ledger,
            host,
            layouts,
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            kept_names: BTreeMap::new(),
            waiting: Vec::new(),
            last_inode: 10,
            interrupts: Vec::new(),
            calls: 0,
            dead: false,
            power: false,
            full: false,
            can_exchange,
            read: BTreeMap::new(),
            writing: None,
            swaps: BTreeMap::new(),
            touched: Vec::new(),
            later: Vec::new(),
            removed: Vec::new(),
            gone: Authors::new(),
            random,
            writes: 0,
        }
    }

    pub(crate) fn now(&self) -> u64 {
        self.ledger.lock().now
    }

    fn tell(&self, what: std::fmt::Arguments<'_>) {
        self.ledger.tell(format_args!("  disk {}: {what}", self.host));
    }

    /// An operation begins.
    pub(crate) fn begin(&mut self, writing: Option<Writing>) {
        self.calls = 0;
        self.writing = writing;
        self.read.clear();
    }

    /// An operation is over; what it put into a file's place is judged.
    pub(crate) fn end(&mut self) {
        self.writing = None;
        self.interrupts.clear();
        if !self.dead {
            self.judge();
        }
    }

    /// What stands at a name.
    pub(crate) fn at(&self, name: &str) -> Option<&Contents> {
        self.names.get(name).and_then(|inode| self.files.get(inode)).map(|file| &file.now)
    }

    /// What the operation that is under way read last of a member's file.
    pub(crate) fn last_read(&self, member: MemberNo) -> Option<&Contents> {
        let layout = self.layouts.iter().find(|layout| layout.slots.iter().any(|(m, _)| *m == member))?;
        self.read.get(&layout.name)
    }

    /// Whether a user wrote what stands at a name.
    pub(crate) fn is_users(&self, name: &str) -> bool {
        self.at(name).is_some_and(|contents| !contents.agents)
    }

    pub(crate) fn inode(&self, name: &str) -> Option<Inode> {
        self.names.get(name).copied()
    }

    pub(crate) fn contents(&self, inode: Inode) -> Option<&Contents> {
        self.files.get(&inode).map(|file| &file.now)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.names.keys()
    }

    pub(crate) fn links(&self, inode: Inode) -> u64 {
        self.names.values().filter(|i| **i == inode).count() as u64
    }

    /// Whether an agent removed the last name of that file.
    pub(crate) fn was_removed(&self, inode: Inode) -> bool {
        self.removed.contains(&inode)
    }

    fn set_names(&mut self, changes: Renames) {
        for (name, inode) in &changes {
            match inode {
                Some(inode) => self.names.insert(name.clone(), *inode),
                None => self.names.remove(name),
            };
        }
        self.waiting.push((self.now(), changes));
    }

    /// A user or an agent names, renames or removes.
    pub(crate) fn rename(&mut self, changes: Renames) {
        self.set_names(changes);
    }

    /// A new file without a name.
    pub(crate) fn create(&mut self, contents: Contents, synced: bool) -> Inode {
        self.last_inode += 1;
        let kept = if synced { contents.clone() } else { Contents::default() };
        let unsynced = (!synced).then(|| self.now());
        let modified = i128::from(self.now()) * 1_000_000;
        self.files.insert(self.last_inode, File { now: contents, kept, unsynced, modified });
        self.last_inode
    }

    /// Writes into a file.
    pub(crate) fn write(&mut self, inode: Inode, contents: Contents, synced: bool) {
        let now = self.now();
        let Some(file) = self.files.get_mut(&inode) else { return };
        if synced {
            file.kept = contents.clone();
            file.unsynced = None;
        } else {
            file.unsynced.get_or_insert(now);
        }
        file.now = contents;
        // Time stamps differ by more than the clock's grain.
        file.modified = (file.modified + 1).max(i128::from(now) * 1_000_000);
    }

    /// Who is said to have written a portion.
    pub(crate) fn attribute(&mut self, name: &str, member: MemberNo, author: Author) {
        if let Some(file) = self.names.get(name).and_then(|inode| self.files.get_mut(inode)) {
            file.now.authors.insert(member, author);
            if file.unsynced.is_none() {
                file.kept.authors.insert(member, author);
            }
        }
    }

    /// What the portion in a slot says, if it is there.
    pub(crate) fn said(&self, contents: &Contents, layout: &Layout, slot: usize) -> Option<String> {
        let text = String::from_utf8_lossy(&contents.bytes).replace("\r\n", "\n");
        layout.slots.get(slot)?.1.said(&text, slot)
    }

    /// Remembers what a restore writes.
    fn restored(&self, name: &str, bytes: &[u8], writing: Writing) {
        let Some(layout) = self.layouts.iter().find(|layout| layout.name == name) else { return };
        let Some(slot) = layout.slots.iter().position(|(member, _)| *member == writing.member) else { return };
        let contents = Contents { bytes: bytes.to_vec(), ..Contents::default() };
        if let Author::Restored { serial, .. } = writing.author {
            let said = self.said(&contents, layout, slot).unwrap_or_else(|| GONE.to_owned());
            self.ledger.lock().texts.insert(serial, said);
        }
    }

    /// What happens before a call. The error is that the process is dead.
    fn before(&mut self, what: &str, name: &OsStr) -> io::Result<()> {
        if self.dead {
            return Err(io::Error::other("killed"));
        }
        self.calls += 1;
        let now = self.calls;
        let (due, later) = std::mem::take(&mut self.interrupts).into_iter().partition(|(at, _)| *at <= now);
        self.interrupts = later;
        let due: Vec<(u32, Interrupt)> = due;
        for (_, interrupt) in due {
            match interrupt {
                Interrupt::User(edit) => self.user(&edit),
                Interrupt::Kill => self.dead = true,
                Interrupt::PowerCut => (self.dead, self.power) = (true, true),
            }
        }
        if self.dead {
            self.tell(format_args!("killed before: {what} {}", name.display()));
            return Err(io::Error::other("killed"));
        }
        self.tell(format_args!("{what} {}", name.display()));
        Ok(())
    }
}
