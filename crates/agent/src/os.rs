//! What is specific to an operating system: folders that are pinned, names that are exchanged, attributes that are kept.
//! Built and tested on Linux; other systems need only this file.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileExt as _;
use std::path::{Component, Path, PathBuf};

use blake3::Hash;
use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, RenameFlags, ResolveFlags, Uid};
use rustix::io::Errno;
use xattr::FileExt;

use crate::folder::{AttributeError, FileId, FileKind, Folder, Leftover, Origin, Reading, Stat, Temporary, Work};
use crate::point::point;

/// What stands in a temporary name between the file's own name and the agent's tag.
const MARK: &str = ".inlay-";
/// What ends the name of a file that is still being written.
const PART: &str = ".part";
/// So many hexadecimal digits of a whole file's hash are in its temporary name.
const DIGITS: usize = 16;
/// Names are compared and hashed in pieces of this size, so that a large file takes no memory.
const PIECE: usize = 256 << 10;
/// Files above this size are read and compared by two threads, each its half: one alone does not use what the memory gives.
const HALVED: usize = 8 << 20;

/// A folder of this machine, pinned by its descriptor.
#[derive(Debug)]
pub struct OsFolder {
    descriptor: OwnedFd,
    tag: String,
}

impl OsFolder {
    /// Opens the folder at `beneath`, a path below `root` without `..` and without symbolic links: both are refused, also if they
    /// appear while this runs (`openat2` with `RESOLVE_BENEATH`, `RESOLVE_NO_SYMLINKS` and `RESOLVE_NO_MAGICLINKS`).
    /// `tag` tells this agent's temporary files from others'; it is made of letters and digits.
    ///
    /// # Errors
    /// The folder is missing, a link stands on the way, or it may not be read.
    pub fn open(root: &Path, beneath: &Path, tag: &str) -> io::Result<OsFolder> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(root, flags | OFlags::NOFOLLOW, Mode::empty())?;
        let descriptor = if beneath.as_os_str().is_empty() {
            root
        } else {
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_SYMLINKS;
            match rustix::fs::openat2(&root, beneath, flags, Mode::empty(), resolve) {
                Ok(descriptor) => descriptor,
                // A kernel or a sandbox without openat2: component by component, each without following.
                Err(Errno::NOSYS | Errno::PERM) => step_down(root, beneath, flags)?,
                Err(error) => return Err(error.into()),
            }
        };
        Ok(OsFolder { descriptor, tag: tag.to_owned() })
    }

    fn file(&self, name: &OsStr) -> io::Result<(File, Stat)> {
        // Without NONBLOCK a pipe would wait for its writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.descriptor, name, flags, Mode::empty()) {
            Ok(descriptor) => File::from(descriptor),
            Err(Errno::LOOP | Errno::NXIO | Errno::NODEV) => return Err(no_regular_file()),
            Err(error) => return Err(error.into()),
        };
        let stat = stat_of(&rustix::fs::fstat(&file)?);
        if stat.kind == FileKind::Regular { Ok((file, stat)) } else { Err(no_regular_file()) }
    }

    fn temporary_name(&self, name: &OsStr, tail: &str) -> OsString {
        // Names end at 255 bytes; the mark, the tag and two numbers take less than 100.
        let kept = &name.as_bytes()[..name.len().min(150)];
        let mut out = OsString::from(".");
        out.push(OsStr::from_bytes(kept));
        out.push(format!("{MARK}{}-{tail}", self.tag));
        out
    }

    fn create(&self, name: &OsStr, mode: Mode) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(&self.descriptor, name, flags, mode)?))
    }
}

/// Opens folder by folder, none of them through a link.
fn step_down(mut at: OwnedFd, beneath: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    for component in beneath.components() {
        match component {
            Component::Normal(name) => {
                at = rustix::fs::openat(&at, name, flags | OFlags::NOFOLLOW, Mode::empty())?;
            }
            Component::CurDir => {}
            _ => return Err(Errno::XDEV.into()),
        }
    }
    Ok(at)
}

impl Folder for OsFolder {
    fn stat(&self, name: &OsStr) -> io::Result<Option<Stat>> {
        match rustix::fs::statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat_of(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn read(&self, name: &OsStr, into: &mut Vec<u8>, limit: u64) -> io::Result<Reading> {
        let (mut file, stat) = self.file(name)?;
        if stat.len > limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let len = usize::try_from(stat.len).unwrap_or(usize::MAX);
        if len < HALVED || !read_halves(&file, into, len)? {
            into.clear();
            // One byte more, so that the end is seen without another growth of the buffer.
            into.reserve(len.saturating_add(1));
            (&mut file).take(limit.saturating_add(1)).read_to_end(into)?;
            if into.len() as u64 > limit {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
        }
        let after = stat_of(&rustix::fs::fstat(&file)?);
        let steady = into.len() as u64 == stat.len
            && (after.len, after.modified, after.changed) == (stat.len, stat.modified, stat.changed);
        Ok(Reading { stat, steady })
    }

    fn read_through(&self, name: &OsStr, limit: u64, work: &mut Work<'_>) -> io::Result<Reading> {
        let (mut file, stat) = self.file(name)?;
        if stat.len > limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        work(&mut (&mut file).take(limit))?;
        let after = stat_of(&rustix::fs::fstat(&file)?);
        let steady = (after.len, after.modified, after.changed) == (stat.len, stat.modified, stat.changed);
        Ok(Reading { stat, steady })
    }

    fn holds(&self, name: &OsStr, bytes: &[u8]) -> io::Result<bool> {
        let (file, stat) = match self.file(name) {
            Ok(opened) => opened,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidInput) => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        if stat.len != bytes.len() as u64 {
            return Ok(false);
        }
        if bytes.len() < HALVED {
            return is_at(&file, bytes, 0, true);
        }
        let (first, second) = bytes.split_at(bytes.len() / 2);
        std::thread::scope(|scope| {
            let other = scope.spawn(|| is_at(&file, second, first.len() as u64, true));
            let same = is_at(&file, first, 0, false)?;
            Ok(other.join().map_err(|_| io::Error::other("a thread ended"))?? && same)
        })
    }

    fn hash(&self, name: &OsStr) -> io::Result<Option<Hash>> {
        let (mut file, _) = match self.file(name) {
            Ok(opened) => opened,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidInput) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let mut hasher = blake3::Hasher::new();
        let mut piece = vec![0; PIECE];
        loop {
            match read_some(&mut file, &mut piece)? {
                0 => return Ok(Some(hasher.finalize())),
                got => hasher.update(&piece[..got]),
            };
        }
    }

    fn write_beside(&self, name: &OsStr, like: bool, pieces: &[&[u8]]) -> io::Result<Temporary> {
        let mut random = [0; 6];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let random = hex::encode(random);
        let part = self.temporary_name(name, &format!("{random}{PART}"));
        // A new file gets what the umask leaves; another's successor is nobody's until it has that one's mode.
        let mode = if like { Mode::RUSR | Mode::WUSR } else { Mode::from_raw_mode(0o666) };
        let mut file = self.create(&part, mode)?;
        let id = stat_of(&rustix::fs::fstat(&file)?).id;
        let written = (|| {
            if like {
                let (model, _) = self.file(name)?;
                keep_attributes(&model, &file)?;
            }
            pieces.iter().try_for_each(|piece| file.write_all(piece))?;
            point("temporary: written");
            file.sync_all()?;
            point("temporary: synced");
            Ok(())
        })();
        match written {
            Ok(()) => Ok(Temporary { name: part, id }),
            Err(error) => {
                // The first error is the one that counts; what cannot be removed now is found by `leftovers`.
                let _ = self.remove(&part);
                Err(error)
            }
        }
    }

    fn name_whole(&self, part: &Temporary, name: &OsStr, new: &Hash, old: Option<&Hash>) -> io::Result<Temporary> {
        let digits = |hash: &Hash| hash.to_hex()[..DIGITS].to_owned();
        let old = old.map(digits).unwrap_or_default();
        let whole = self.temporary_name(name, &format!("{:x}-{}-{old}", part.id.inode, digits(new)));
        self.rename_new(&part.name, &whole).inspect_err(|_| {
            let _ = self.remove(&part.name);
        })?;
        Ok(Temporary { name: whole, id: part.id })
    }

    fn exchange(&self, a: &OsStr, b: &OsStr) -> io::Result<()> {
        match rustix::fs::renameat_with(&self.descriptor, a, &self.descriptor, b, RenameFlags::EXCHANGE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Err(io::ErrorKind::Unsupported.into()),
            other => Ok(other?),
        }
    }

    fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.descriptor, from, &self.descriptor, to)?)
    }

    fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        match rustix::fs::renameat_with(&self.descriptor, from, &self.descriptor, to, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                // A link fails where something stands; for a moment the file has two names.
                rustix::fs::linkat(&self.descriptor, from, &self.descriptor, to, AtFlags::empty())?;
                self.remove(from)
            }
            other => Ok(other?),
        }
    }

    fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.descriptor, name, AtFlags::empty())?)
    }

    fn sync_file(&self, name: &OsStr) -> io::Result<()> {
        self.file(name)?.0.sync_all()
    }

    fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.descriptor)?)
    }

    fn leftovers(&self) -> io::Result<Vec<Leftover>> {
        let mut found = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.descriptor)? {
            let entry = entry?;
            let name = OsString::from_vec(entry.file_name().to_bytes().to_vec());
            let Some((beside, tail)) = parts_of(&name, &self.tag) else { continue };
            let Some(stat) = self.stat(&name)? else { continue };
            let origin = if tail.ends_with(PART) {
                Origin::Part
            } else {
                let parts: Vec<&str> = tail.split('-').collect();
                let digits = match parts[..] {
                    [inode, new, _] if u64::from_str_radix(inode, 16) == Ok(stat.id.inode) => new,
                    [_, _, old] => old,
                    _ => "",
                };
                Origin::Whole(if digits.len() == DIGITS { digits.to_owned() } else { String::new() })
            };
            found.push(Leftover { name, id: stat.id, beside, origin });
        }
        Ok(found)
    }
}

/// A temporary name's file and tail.
fn parts_of(name: &OsStr, tag: &str) -> Option<(OsString, String)> {
    let bytes = name.as_bytes();
    let mark = format!("{MARK}{tag}-");
    let at = memmem(bytes, mark.as_bytes()).filter(|_| bytes.first() == Some(&b'.'))?;
    let tail = String::from_utf8(bytes[at + mark.len()..].to_vec()).ok()?;
    Some((OsStr::from_bytes(&bytes[1..at]).to_owned(), tail))
}

/// The last place of `needle`: the file's own name may hold it as well.
fn memmem(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).rposition(|window| window == needle)
}

/// Reads a file of `len` bytes by two threads. False if it is shorter.
fn read_halves(file: &File, into: &mut Vec<u8>, len: usize) -> io::Result<bool> {
    into.try_reserve(len.saturating_sub(into.len())).map_err(|_| io::ErrorKind::OutOfMemory)?;
    // What the buffer held before is overwritten.
    into.resize(len, 0);
    let (first, second) = into.split_at_mut(len / 2);
    let read = std::thread::scope(|scope| {
        let from = first.len() as u64;
        let other = scope.spawn(move || file.read_exact_at(second, from));
        file.read_exact_at(first, 0)?;
        other.join().map_err(|_| io::Error::other("a thread ended"))?
    });
    match read {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a file holds exactly these bytes from `offset` on, and (if asked) nothing behind them.
fn is_at(file: &File, bytes: &[u8], mut offset: u64, to_its_end: bool) -> io::Result<bool> {
    let mut piece = vec![0; PIECE.min(bytes.len() + 1)];
    let mut rest = bytes;
    loop {
        let most = if to_its_end { piece.len() } else { piece.len().min(rest.len()) };
        let got = match file.read_at(&mut piece[..most], offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if got == 0 {
            return Ok(rest.is_empty());
        }
        match rest.split_at_checked(got) {
            Some((expected, after)) if *expected == piece[..got] => rest = after,
            _ => return Ok(false),
        }
        offset += got as u64;
    }
}

fn read_some(file: &mut File, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

fn no_regular_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")
}

fn stat_of(stat: &rustix::fs::Stat) -> Stat {
    let kind = match rustix::fs::FileType::from_raw_mode(stat.st_mode) {
        rustix::fs::FileType::RegularFile => FileKind::Regular,
        rustix::fs::FileType::Directory => FileKind::Folder,
        rustix::fs::FileType::Symlink => FileKind::Link,
        _ => FileKind::Other,
    };
    let time = |seconds: i64, nanos: u64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    Stat {
        id: FileId { device: stat.st_dev, inode: stat.st_ino },
        kind,
        len: u64::try_from(stat.st_size).unwrap_or(0),
        modified: time(stat.st_mtime, stat.st_mtime_nsec),
        changed: time(stat.st_ctime, stat.st_ctime_nsec),
        links: stat.st_nlink,
    }
}

/// Gives `to` the owner, the extended attributes (among them the access control list) and the mode of `from`.
fn keep_attributes(from: &File, to: &File) -> io::Result<()> {
    let cannot =
        |what: String| move |_: io::Error| io::Error::new(io::ErrorKind::PermissionDenied, AttributeError { what });
    let (old, new) = (rustix::fs::fstat(from)?, rustix::fs::fstat(to)?);
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid) {
        let (owner, group) = (Uid::from_raw(old.st_uid), Gid::from_raw(old.st_gid));
        rustix::fs::fchown(to, Some(owner), Some(group))
            .map_err(io::Error::from)
            .map_err(cannot("owner".to_owned()))?;
    }
    let names = match from.list_xattr() {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::Unsupported => return keep_mode(&old, to),
        Err(error) => return Err(error),
    };
    for name in names {
        let value = from.get_xattr(&name)?;
        // A label that every file there has (SELinux) is there already.
        if to.get_xattr(&name).ok() == Some(value.clone()) {
            continue;
        }
        if let Some(value) = value {
            let what = format!("attribute {}", name.to_string_lossy());
            to.set_xattr(&name, &value).map_err(cannot(what))?;
        }
    }
    // A new file's own list, inherited from the folder, is not the old one's.
    for name in to.list_xattr()? {
        if from.get_xattr(&name)?.is_none() {
            let what = format!("attribute {}", name.to_string_lossy());
            to.remove_xattr(&name).map_err(cannot(what))?;
        }
    }
    keep_mode(&old, to)
}

/// Last: a change of owner clears some bits of the mode.
fn keep_mode(old: &rustix::fs::Stat, to: &File) -> io::Result<()> {
    let mode = Mode::from_raw_mode(old.st_mode);
    rustix::fs::fchmod(to, mode)
        .map_err(|_| io::Error::new(io::ErrorKind::PermissionDenied, AttributeError { what: "mode".to_owned() }))
}

/// Path bytes as the journal keeps them.
pub(crate) fn path_bytes(path: &OsStr) -> &[u8] {
    path.as_bytes()
}

/// A path from what the journal keeps.
pub(crate) fn path_from_bytes(bytes: &[u8]) -> OsString {
    OsStr::from_bytes(bytes).to_owned()
}

/// The path without links, `.` and `..`, of a file that need not exist: its folder must.
pub(crate) fn resolve(path: &Path) -> io::Result<PathBuf> {
    match std::fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Err(error) };
            if rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
                // A link that leads nowhere: where a file would be made is not known.
                return Err(error);
            }
            Ok(std::fs::canonicalize(folder)?.join(name))
        }
        other => other,
    }
}

/// Writes a file that only its owner may read, all of it or nothing.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!("-{}", std::process::id()));
    let temporary = folder.join(temporary);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::open(&temporary, flags, Mode::RUSR | Mode::WUSR)?);
    file.write_all(bytes)?;
    point("own file: written");
    file.sync_all()?;
    point("own file: synced");
    std::fs::rename(&temporary, path)?;
    point("own file: named");
    File::open(folder)?.sync_all()
}

/// Makes a folder, and those above it, that only its owner may enter.
pub(crate) fn make_private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Takes a lock that others wait for, until the file is dropped.
pub(crate) fn lock(path: &Path) -> io::Result<File> {
    let file = open_lock(path)?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)?;
    Ok(file)
}

/// Takes a lock, or `None` if another process has it.
pub(crate) fn try_lock(path: &Path) -> io::Result<Option<File>> {
    let file = open_lock(path)?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn open_lock(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?))
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version(Stat);

/// The state of a file; `None` where there is none.
pub(crate) fn version_of(path: &Path) -> Option<Version> {
    rustix::fs::stat(path).ok().map(|stat| Version(stat_of(&stat)))
}

/// What tells a folder from another that stands at its path: device and inode.
pub(crate) fn folder_id(folder: &Path) -> Option<(u64, u64)> {
    rustix::fs::stat(folder).ok().map(|stat| (stat.st_dev, stat.st_ino))
}

/// The device of a folder, and whether changes made elsewhere can reach it unseen: a network file system, or one that a program serves.
pub(crate) fn file_system(folder: &Path) -> io::Result<(u64, bool)> {
    let device = rustix::fs::stat(folder)?.st_dev;
    let magic = rustix::fs::statfs(folder)?.f_type as u64 & 0xffff_ffff;
    let remote = [
        0x6969,      // NFS
        0x517b,      // SMB
        0xff53_4d42, // CIFS
        0xfe53_4d42, // SMB 2
        0x6573_5546, // FUSE
        0x0102_1997, // 9P
        0x5346_414f, // AFS
        0x00c3_6400, // Ceph
        0x7375_7245, // Coda
        0x7461_636f, // OCFS2
        0x786f_4256, // VirtualBox shared folders
        0x0bd0_0bd0, // Lustre
    ];
    Ok((device, remote.contains(&magic)))
}
