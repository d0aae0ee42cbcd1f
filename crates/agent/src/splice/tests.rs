#![allow(clippy::unwrap_used, clippy::expect_used)]
//! The write is stopped before every one of its steps, and a user edits the file before every one of them, on a real file
//! system. Whatever happens: no byte of the user is lost, the file is never half of anything, and nothing remains.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::*;
use crate::folder::{Leftover, Reading, Stat};
use crate::os::OsFolder;

const NAME: &str = "settings.json";
const OLD: &[u8] = b"{\"a\": 1}\n";
const NEW: &[u8] = b"{\"a\": 2, \"b\": true}\n";
const USER: &[u8] = b"{\"a\": \"the user's\"}\n";
const AGAIN: &[u8] = b"{\"a\": \"the user's, again\"}\n";

#[derive(Debug, Clone, Copy, PartialEq)]
enum Edit {
    /// Opens, truncates, writes.
    InPlace,
    /// Writes another file and renames it.
    Replace,
    /// Writes through a handle that was opened before.
    Handle,
    /// Removes the file.
    Remove,
}

/// What the user does before the step of a number.
type Planned = (usize, Edit, &'static [u8]);

/// A file system in which something happens before the step of a number.
struct World {
    folder: OsFolder,
    path: PathBuf,
    handle: Mutex<File>,
    step: Mutex<usize>,
    stop_at: usize,
    edits: Vec<Planned>,
    without_exchange: bool,
    /// What the user wrote into a file that had a name, at a time when it can still be seen, and did not overwrite.
    wrote: Mutex<Vec<&'static [u8]>>,
    trace: Mutex<Vec<&'static str>>,
}

impl World {
    fn step(&self, what: &'static str) -> io::Result<()> {
        let now = {
            let mut step = self.step.lock().unwrap();
            *step += 1;
            *step - 1
        };
        self.trace.lock().unwrap().push(what);
        for (_, edit, bytes) in self.edits.iter().filter(|(at, ..)| *at == now) {
            let stood = fs::read(&self.path).ok();
            if self.edit(*edit, bytes, what) {
                let mut wrote = self.wrote.lock().unwrap();
                if *edit != Edit::Handle {
                    wrote.retain(|old| stood.as_deref() != Some(*old));
                }
                wrote.push(bytes);
            }
        }
        if now >= self.stop_at { Err(io::Error::other("killed")) } else { Ok(()) }
    }

    fn edit(&self, edit: Edit, bytes: &[u8], before: &str) -> bool {
        match edit {
            Edit::InPlace => {
                let Ok(mut file) = OpenOptions::new().write(true).truncate(true).open(&self.path) else { return false };
                file.write_all(bytes).unwrap();
                true
            }
            Edit::Replace => {
                let beside = self.path.with_file_name("users-own-temporary");
                fs::write(&beside, bytes).unwrap();
                fs::rename(&beside, &self.path).unwrap();
                true
            }
            Edit::Handle => {
                let mut handle = self.handle.lock().unwrap();
                handle.rewind().unwrap();
                handle.set_len(0).unwrap();
                handle.write_all(bytes).unwrap();
                // Between the last comparison and the deletion, seconds after the exchange, such bytes are lost: the limit that
                // the protocol names.
                before != "remove" && handle.metadata().unwrap().nlink() > 0
            }
            Edit::Remove => {
                let _ = fs::remove_file(&self.path);
                false
            }
        }
    }
}

impl Folder for World {
    fn stat(&self, name: &OsStr) -> io::Result<Option<Stat>> {
        self.step("stat")?;
        self.folder.stat(name)
    }
    fn read(&self, name: &OsStr, into: &mut Vec<u8>, limit: u64) -> io::Result<Reading> {
        self.step("read")?;
        self.folder.read(name, into, limit)
    }
    fn holds(&self, name: &OsStr, bytes: &[u8]) -> io::Result<bool> {
        self.step("holds")?;
        self.folder.holds(name, bytes)
    }
    fn hash(&self, name: &OsStr) -> io::Result<Option<Hash>> {
        self.step("hash")?;
        self.folder.hash(name)
    }
    fn write_beside(&self, name: &OsStr, like: bool, pieces: &[&[u8]]) -> io::Result<Temporary> {
        if let Err(error) = self.step("write_beside") {
            // Killed half-way: what it leaves is found by name.
            let part = format!(".{NAME}.inlay-a1-00.part");
            fs::write(self.path.with_file_name(part), &pieces[0][..pieces[0].len() / 2]).unwrap();
            return Err(error);
        }
        self.folder.write_beside(name, like, pieces)
    }
    fn name_whole(&self, part: &Temporary, name: &OsStr, new: &Hash, old: Option<&Hash>) -> io::Result<Temporary> {
        self.step("name_whole")?;
        self.folder.name_whole(part, name, new, old)
    }
    fn exchange(&self, a: &OsStr, b: &OsStr) -> io::Result<()> {
        self.step("exchange")?;
        if self.without_exchange {
            return Err(io::ErrorKind::Unsupported.into());
        }
        self.folder.exchange(a, b)
    }
    fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        self.step("rename")?;
        self.folder.rename(from, to)
    }
    fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        self.step("rename_new")?;
        self.folder.rename_new(from, to)
    }
    fn remove(&self, name: &OsStr) -> io::Result<()> {
        self.step("remove")?;
        self.folder.remove(name)
    }
    fn sync_file(&self, name: &OsStr) -> io::Result<()> {
        self.step("sync_file")?;
        self.folder.sync_file(name)
    }
    fn sync(&self) -> io::Result<()> {
        self.step("sync")?;
        self.folder.sync()
    }
    fn leftovers(&self) -> io::Result<Vec<Leftover>> {
        self.step("leftovers")?;
        self.folder.leftovers()
    }
}

/// A journal in memory, which outlasts the process.
#[derive(Default)]
struct Journal {
    intent: RefCell<Option<Intent>>,
    delete: RefCell<BTreeMap<OsString, Vec<Hash>>>,
    based: Cell<bool>,
}

struct Log<'a>(&'a Journal, &'a World);

impl IntentLog for Log<'_> {
    fn intend(&mut self, intent: &Intent) -> io::Result<()> {
        self.1.step("intend")?;
        *self.0.intent.borrow_mut() = Some(intent.clone());
        Ok(())
    }
    fn give_up(&mut self, temporary: &OsStr, delete_if: &[Hash]) -> io::Result<()> {
        self.1.step("give_up")?;
        *self.0.intent.borrow_mut() = None;
        self.0.delete.borrow_mut().insert(temporary.to_owned(), delete_if.to_vec());
        Ok(())
    }
    fn cleaned(&mut self, temporary: &OsStr) -> io::Result<()> {
        self.1.step("cleaned")?;
        self.0.delete.borrow_mut().remove(temporary);
        Ok(())
    }
}

impl Log<'_> {
    fn done(&self, displaced: Option<Displaced>) -> io::Result<()> {
        self.1.step("done")?;
        self.0.based.set(true);
        *self.0.intent.borrow_mut() = None;
        if let Some(displaced) = displaced {
            self.0.delete.borrow_mut().insert(displaced.name, vec![displaced.old]);
        }
        Ok(())
    }
}

/// What the agent does after its start, or after an error that left the intent.
fn settle(world: &World, journal: &Journal) -> io::Result<()> {
    let mut log = Log(journal, world);
    let intent = journal.intent.borrow().clone();
    if let Some(intent) = intent
        && let Recovered::Done { displaced } = recover(world, &intent, &mut log).map_err(io::Error::other)?
    {
        log.done(displaced)?;
    }
    let waiting = journal.delete.borrow().clone();
    for (temporary, delete_if) in waiting {
        if !delete_if.is_empty() {
            delete(world, NAME.as_ref(), &temporary, &delete_if)?;
        }
        log.cleaned(&temporary)?;
    }
    sweep(world, &|_| false).map(|kept| assert!(kept.is_empty(), "{kept:?}"))
}

fn run(world: &World, journal: &Journal, create: bool) -> io::Result<()> {
    let mut log = Log(journal, world);
    let old = if create { None } else { Some(OLD) };
    match splice(world, NAME.as_ref(), old, &[&NEW[..5], &NEW[5..]], &mut log) {
        Ok(Spliced::Done { displaced }) => log.done(displaced)?,
        Ok(_) => {}
        Err(error) if error.unfinished => {}
        Err(error) => return Err(error.source),
    }
    settle(world, journal)
}

fn world(folder: &Path, stop_at: usize, edits: Vec<Planned>, create: bool) -> World {
    let path = folder.join(NAME);
    if !create {
        fs::write(&path, OLD).unwrap();
    }
    let handle = if create {
        File::create(folder.join("unused")).unwrap()
    } else {
        OpenOptions::new().write(true).open(&path).unwrap()
    };
    World {
        folder: OsFolder::open(folder, Path::new(""), "a1").unwrap(),
        path,
        handle: Mutex::new(handle),
        step: Mutex::new(0),
        stop_at,
        edits,
        without_exchange: false,
        wrote: Mutex::default(),
        trace: Mutex::default(),
    }
}

/// Runs it, kills it, starts again, and checks. Returns whether it was killed, and how many steps there were.
fn check(stop_at: usize, edits: &[Planned], create: bool) -> (bool, usize) {
    check_started(stop_at, edits, create, false)
}

/// The same; when it starts again its disk may have another number.
fn check_started(stop_at: usize, edits: &[Planned], create: bool, renumbered: bool) -> (bool, usize) {
    let folder = tempfile::tempdir().unwrap();
    let before = world(folder.path(), stop_at, edits.to_vec(), create);
    let journal = Journal::default();
    let killed = run(&before, &journal, create).is_err();
    if let Some(intent) = journal.intent.borrow_mut().as_mut().filter(|_| renumbered) {
        intent.temporary.id.device += 1;
    }
    let steps = *before.step.lock().unwrap();
    let late =
        edits.iter().filter(|(at, ..)| *at >= steps).map(|(at, edit, bytes)| (at - steps, *edit, *bytes)).collect();
    let mut after = world(folder.path(), usize::MAX, late, true);
    after.handle = Mutex::new(before.handle.lock().unwrap().try_clone().unwrap());
    after.wrote = Mutex::new(before.wrote.lock().unwrap().clone());
    settle(&after, &journal).unwrap();
    let total = steps + *after.step.lock().unwrap();
    let context = || {
        let (first, second) = (before.trace.lock().unwrap(), after.trace.lock().unwrap());
        format!("stop {stop_at} edits {edits:?} create {create}: {first:?} then {second:?}")
    };
    let mut found: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        found.insert(entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
    }
    found.remove("unused");
    assert!(!found.keys().any(|name| name.starts_with('.')), "{found:?} {}", context());
    assert!(journal.intent.borrow().is_none() && journal.delete.borrow().is_empty(), "{}", context());
    let stands = found.get(NAME).map(Vec::as_slice);
    let removed = edits.iter().any(|(_, edit, _)| *edit == Edit::Remove);
    match stands {
        None => assert!(removed || create, "{}", context()),
        Some(bytes) => assert!([OLD, NEW, USER, AGAIN].contains(&bytes), "{bytes:?} {}", context()),
    }
    let wrote = after.wrote.lock().unwrap().clone();
    for bytes in &wrote {
        assert!(found.values().any(|stands| stands == bytes), "the user's bytes are lost: {found:?} {}", context());
    }
    let happened: Vec<_> = edits.iter().filter(|(at, ..)| *at < total).collect();
    if let [(_, Edit::InPlace | Edit::Replace, bytes)] = happened[..]
        && wrote == [*bytes]
    {
        assert_eq!(stands, Some(*bytes), "one edit stands in its place: {found:?} {}", context());
    }
    if happened.is_empty() {
        let untouched = if create { None } else { Some(OLD) };
        assert_eq!(stands, if journal.based.get() { Some(NEW) } else { untouched }, "{}", context());
        assert!(found.len() <= 1, "{found:?} {}", context());
    }
    (killed, steps)
}

const EDITS: [Edit; 4] = [Edit::InPlace, Edit::Replace, Edit::Handle, Edit::Remove];

#[test]
fn killed_and_edited_before_every_step() {
    for create in [false, true] {
        let (killed, steps) = check(usize::MAX, &[], create);
        assert!(!killed && steps >= if create { 7 } else { 11 }, "{steps}");
        for edit in EDITS.into_iter().filter(|edit| !create || matches!(edit, Edit::Replace | Edit::InPlace)) {
            // An edit makes the way longer, by a way back.
            for edit_at in 0..steps + 6 {
                for stop_at in (0..steps + 6).chain([usize::MAX]) {
                    check(stop_at, &[(edit_at, edit, USER)], create);
                }
            }
        }
    }
}

#[test]
fn edited_twice() {
    for first in 0..12 {
        for second in first..18 {
            for (edit, again) in
                [(Edit::Replace, Edit::Replace), (Edit::InPlace, Edit::InPlace), (Edit::Handle, Edit::InPlace)]
            {
                for stop_at in [usize::MAX, second, second + 1, second + 2] {
                    check(stop_at, &[(first, edit, USER), (second, again, AGAIN)], false);
                }
            }
        }
    }
}

#[test]
fn killed_before_every_step() {
    for (create, renumbered) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut kills = 0;
        while check_started(kills, &[], create, renumbered).0 {
            kills += 1;
        }
        assert!(kills >= if create { 7 } else { 11 }, "{kills}");
    }
}

#[test]
fn killed_where_nothing_can_be_exchanged() {
    for stop_at in 0..15 {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::default();
        let mut before = world(folder.path(), stop_at, Vec::new(), false);
        before.without_exchange = true;
        let _ = run(&before, &journal, false);
        let after = world(folder.path(), usize::MAX, Vec::new(), true);
        settle(&after, &journal).unwrap();
        let expected = if journal.based.get() { NEW } else { OLD };
        assert_eq!(fs::read(folder.path().join(NAME)).unwrap(), expected, "{stop_at}");
    }
}

/// A file with everything on it that is to be kept.
#[test]
fn attributes_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    fs::write(&path, OLD).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    xattr::set(&path, "user.note", b"mine").unwrap();
    // user::rw- user:1234:r-- group::r-- mask::r-- other::---, in the kernel's own form.
    let mut acl = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in
        [(1, 6, u32::MAX), (2, 4, 1234), (4, 4, u32::MAX), (16, 4, u32::MAX), (32, 0, u32::MAX)]
    {
        acl.extend(u16::to_le_bytes(tag));
        acl.extend(u16::to_le_bytes(permissions));
        acl.extend(id.to_le_bytes());
    }
    let has_acl = xattr::set(&path, "system.posix_acl_access", &acl).is_ok();
    let before = fs::metadata(&path).unwrap();
    crate::write::replace_file(&path, Some(OLD), NEW).unwrap();
    let after = fs::metadata(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), NEW);
    assert_eq!((before.mode(), before.uid(), before.gid()), (after.mode(), after.uid(), after.gid()));
    assert_ne!(before.ino(), after.ino());
    assert_eq!(xattr::get(&path, "user.note").unwrap().unwrap(), b"mine");
    if has_acl {
        assert_eq!(xattr::get(&path, "system.posix_acl_access").unwrap().unwrap(), acl);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn links() {
    use crate::write::{ReplaceError, replace_file};
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join(NAME), folder.path().join("link"));
    fs::write(&path, OLD).unwrap();
    std::os::unix::fs::symlink(NAME, &link).unwrap();
    replace_file(&link, Some(OLD), NEW).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&path).unwrap(), NEW);

    fs::hard_link(&path, folder.path().join("other")).unwrap();
    let refused = replace_file(&path, Some(NEW), OLD).unwrap_err();
    assert!(matches!(refused, ReplaceError::Refused { source: Refusal::HardLinks(2), .. }), "{refused:?}");
    assert!(matches!(replace_file(&path, None, OLD), Err(ReplaceError::Changed { .. })));
    fs::remove_file(folder.path().join("other")).unwrap();
    assert!(matches!(replace_file(&path, Some(OLD), OLD), Err(ReplaceError::Changed { .. })));
    assert_eq!(fs::read(&path).unwrap(), NEW);
    replace_file(&folder.path().join("new"), None, NEW).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn large_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    let old: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut new = old.clone();
    new[5] ^= 1;
    fs::write(&path, &old).unwrap();
    crate::write::replace_file(&path, Some(&old), &new).unwrap();
    assert!(fs::read(&path).unwrap() == new);
    // One byte of difference anywhere is seen.
    assert!(crate::write::replace_file(&path, Some(&old), &new).is_err());
}

/// A folder is opened without following any link below its root, and never above it.
#[test]
fn folders_are_pinned() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir_all(root.join("a/b")).unwrap();
    fs::create_dir(folder.path().join("outside")).unwrap();
    std::os::unix::fs::symlink("../../outside", root.join("a/out")).unwrap();
    std::os::unix::fs::symlink("b", root.join("a/in")).unwrap();
    for (beneath, opens) in [("", true), ("a/b", true), ("a/out", false), ("a/in", false), ("a/../..", false)] {
        let opened = OsFolder::open(&root, Path::new(beneath), "a1").is_ok();
        assert_eq!(opened, opens, "{beneath}");
    }
    let pinned = OsFolder::open(&root, Path::new("a/b"), "a1").unwrap();
    fs::rename(root.join("a"), root.join("moved")).unwrap();
    fs::write(root.join("moved/b/f"), OLD).unwrap();
    assert!(pinned.holds("f".as_ref(), OLD).unwrap());
}
