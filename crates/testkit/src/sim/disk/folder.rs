//! The agent's port to a disk.

use std::ffi::OsStr;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use blake3::Hash;

use agent::{FileId, FileKind, Folder, Leftover, Origin, Reading, Stat, Temporary};

use super::{Contents, Disk, Swap};

/// The port to a [`Disk`].
#[derive(Debug, Clone)]
pub(crate) struct FakeFolder(pub(crate) Arc<Mutex<Disk>>);

impl FakeFolder {
    fn call(&self, what: &str, name: &OsStr) -> io::Result<MutexGuard<'_, Disk>> {
        let mut disk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        disk.before(what, name)?;
        Ok(disk)
    }

    /// Before something that is no call of the folder.
    pub(crate) fn point(&self, what: &str) -> io::Result<()> {
        self.call(what, OsStr::new("")).map(drop)
    }
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

fn text(name: &OsStr) -> String {
    name.to_string_lossy().into_owned()
}

impl Folder for FakeFolder {
    fn stat(&self, name: &OsStr) -> io::Result<Option<Stat>> {
        let disk = self.call("stat", name)?;
        let Some(inode) = disk.inode(&text(name)) else { return Ok(None) };
        let Some(file) = disk.files.get(&inode) else { return Ok(None) };
        Ok(Some(Stat {
            id: FileId { device: 1, inode },
            kind: FileKind::Regular,
            len: file.now.bytes.len() as u64,
            modified: file.modified,
            changed: file.modified,
            links: disk.links(inode),
        }))
    }

    fn read(&self, name: &OsStr, into: &mut Vec<u8>, limit: u64) -> io::Result<Reading> {
        let stat = self.stat(name)?.ok_or_else(not_found)?;
        if stat.len > limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut disk = self.call("read", name)?;
        let contents = disk.at(&text(name)).cloned().ok_or_else(not_found)?;
        into.clear();
        into.extend_from_slice(&contents.bytes);
        let file = disk.inode(&text(name)).and_then(|inode| Some((inode, disk.files.get(&inode)?.modified)));
        let steady = file == Some((stat.id.inode, stat.modified));
        disk.read.insert(text(name), contents);
        Ok(Reading { stat, steady })
    }

    fn write_beside(&self, name: &OsStr, like: bool, pieces: &[&[u8]]) -> io::Result<Temporary> {
        let mut disk = self.call("write beside", name)?;
        if disk.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        if like && disk.at(&text(name)).is_none() {
            return Err(not_found());
        }
        let mut authors = disk.read.get(&text(name)).map(|c| c.authors.clone()).unwrap_or_default();
        let bytes = pieces.concat();
        if let Some(writing) = disk.writing {
            authors.insert(writing.member, writing.author);
            disk.restored(&text(name), &bytes, writing);
        }
        let inode = disk.create(Contents { bytes, agents: true, authors }, true);
        let part = format!(".{}.inlay-a-{inode}.part", name.display());
        disk.rename(vec![(part.clone(), Some(inode))]);
        Ok(Temporary { name: part.into(), id: FileId { device: 1, inode } })
    }

    fn name_whole(&self, part: &Temporary, name: &OsStr, new: &Hash, old: Option<&Hash>) -> io::Result<Temporary> {
        let mut disk = self.call("name what was written beside", name)?;
        let inode = part.id.inode;
        let digits = |hash: &Hash| hash.to_hex()[..16].to_owned();
        let old = old.map(digits).unwrap_or_default();
        let whole = format!(".{}.inlay-a-{inode:x}-{}-{old}", name.display(), digits(new));
        disk.rename(vec![(text(&part.name), None), (whole.clone(), Some(inode))]);
        Ok(Temporary { name: whole.into(), id: part.id })
    }

    fn exchange(&self, a: &OsStr, b: &OsStr) -> io::Result<()> {
        let mut disk = self.call("exchange", a)?;
        if !disk.can_exchange {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let (a, b) = (text(a), text(b));
        let (one, other) = (disk.inode(&a).ok_or_else(not_found)?, disk.inode(&b).ok_or_else(not_found)?);
        let old = disk.at(&a).cloned().unwrap_or_default();
        // If what stands at the temporary name was not made for it, it goes back to where it came from.
        disk.swaps.remove(&b);
        if b.contains(&format!(".inlay-a-{other:x}-")) {
            let new = disk.at(&b).cloned().unwrap_or_default();
            let member = disk.writing.map(|writing| writing.member);
            disk.swaps.insert(b.clone(), Swap { name: a.clone(), member, old, new });
            disk.writes += 1;
        }
        disk.rename(vec![(a, Some(other)), (b, Some(one))]);
        Ok(())
    }

    fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        let mut disk = self.call("rename over", to)?;
        let (from, to) = (text(from), text(to));
        let inode = disk.inode(&from).ok_or_else(not_found)?;
        let gone = disk.inode(&to);
        if let Some(old) = disk.at(&to).cloned() {
            let new = disk.at(&from).cloned().unwrap_or_default();
            let member = disk.writing.map(|writing| writing.member);
            disk.swaps.insert(from.clone(), Swap { name: to.clone(), member, old, new });
            disk.writes += 1;
        }
        disk.rename(vec![(from, None), (to, Some(inode))]);
        gone.into_iter().for_each(|gone| disk.unlinked(gone));
        Ok(())
    }

    fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        let mut disk = self.call("rename to what is new,", to)?;
        let (from, to) = (text(from), text(to));
        let inode = disk.inode(&from).ok_or_else(not_found)?;
        if disk.inode(&to).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        // What was displaced is kept aside.
        disk.swaps.remove(&from);
        disk.rename(vec![(from, None), (to, Some(inode))]);
        Ok(())
    }

    fn remove(&self, name: &OsStr) -> io::Result<()> {
        let mut disk = self.call("remove", name)?;
        let inode = disk.inode(&text(name)).ok_or_else(not_found)?;
        disk.rename(vec![(text(name), None)]);
        // A limit that is known: if the power takes back every name since the file was written, nothing tells that it ever stood
        // in another's place, where its user may have written to it.
        let authors = disk.contents(inode).map(|contents| contents.authors.clone()).unwrap_or_default();
        let forgotten = authors.keys().any(|member| disk.ledger.lock().forgetful.contains(member));
        if !(forgotten && text(name).ends_with(".part")) {
            disk.unlinked(inode);
        }
        Ok(())
    }

    fn sync_file(&self, name: &OsStr) -> io::Result<()> {
        let mut disk = self.call("sync", name)?;
        let inode = disk.inode(&text(name)).ok_or_else(not_found)?;
        if let Some(file) = disk.files.get_mut(&inode) {
            file.kept = file.now.clone();
            file.unsynced = None;
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut disk = self.call("sync the folder", OsStr::new(""))?;
        disk.waiting.clear();
        disk.kept_names = disk.names.clone();
        Ok(())
    }

    fn now(&self) -> i128 {
        i128::from(self.0.lock().unwrap_or_else(PoisonError::into_inner).now()) * 1_000_000
    }

    fn leftovers(&self) -> io::Result<Vec<Leftover>> {
        let disk = self.call("list", OsStr::new(""))?;
        let temporary = |name: &&String| name.starts_with('.') && name.contains(".inlay-a-");
        let leftover = |name: &String| {
            let inode = disk.inode(name)?;
            let (beside, tail) = name.strip_prefix('.')?.rsplit_once(".inlay-a-")?;
            let origin = match tail.split('-').collect::<Vec<_>>()[..] {
                [id, new, _] if id == format!("{inode:x}") => Origin::Whole(new.to_owned()),
                [_, _, old] => Origin::Whole(old.to_owned()),
                _ => Origin::Part,
            };
            Some(Leftover { name: name.into(), id: FileId { device: 1, inode }, beside: beside.into(), origin })
        };
        Ok(disk.names().filter(temporary).filter_map(leftover).collect())
    }
}
