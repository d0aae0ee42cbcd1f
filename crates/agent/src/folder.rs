//! The port to a file system: what one folder can do, as primitive operations.
//!
//! A folder is pinned when it is opened: what happens to its path afterwards does not lead its operations elsewhere. The durable
//! write of [`crate::splice`] is a sequence of these operations and nothing else, so that a simulator can run the same sequence over
//! a file system of its own and stop it between any two.

use std::ffi::{OsStr, OsString};
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use blake3::Hash;

/// What tells one file from another, for as long as it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct FileId {
    /// The device that holds it.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
}

/// What kind of thing stands at a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Folder,
    /// A symbolic link. It is never followed here: links are resolved when the folder is opened.
    Link,
    /// A device, a pipe, a socket.
    Other,
}

/// What is known of a file without reading it. Two equal ones of the same file mean, to the clock's grain, unchanged contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Which file.
    pub id: FileId,
    /// What kind.
    pub kind: FileKind,
    /// Its size in bytes.
    pub len: u64,
    /// When its contents were last written, in nanoseconds since 1970.
    pub modified: i128,
    /// When contents, attributes or names last changed, in nanoseconds since 1970.
    pub changed: i128,
    /// How many names it has.
    pub links: u64,
}

/// A file as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// What was known of it when reading began.
    pub stat: Stat,
    /// Whether it was as well when reading ended. If not, the bytes may be of two times.
    pub steady: bool,
}

/// A file that stands beside another, and is to take its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Temporary {
    /// Its name. It tells its [`FileId::inode`], so that a file displaced by an exchange is told from one that waits for it, and how the
    /// hashes of both begin, so that it is told whether somebody wrote to them.
    pub name: OsString,
    /// Which file it is.
    pub id: FileId,
}

/// A temporary name that was found in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// The name.
    pub name: OsString,
    /// Which file stands there.
    pub id: FileId,
    /// The file beside which it was made; of a very long name only the beginning.
    pub beside: OsString,
    /// Whose it is.
    pub origin: Origin,
}

/// Where a file at a temporary name comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It was being written; it has never stood anywhere else.
    Part,
    /// It is the one that was made under that name, or the one that an exchange has put there; its contents' hash began with these
    /// hexadecimal digits then. None where that is not known.
    Whole(String),
}

/// What is done with a file that is read.
pub type Work<'a> = dyn FnMut(&mut dyn io::Read) -> io::Result<()> + 'a;

/// One folder, pinned.
///
/// Names are single components. No operation follows a symbolic link. An error leaves everything as it was, but for
/// [`Folder::write_beside`], which may leave a temporary file that [`Folder::leftovers`] finds.
pub trait Folder: Send + Sync {
    /// What stands at a name; `None` where nothing does.
    fn stat(&self, name: &OsStr) -> io::Result<Option<Stat>>;

    /// Reads a regular file of at most `limit` bytes into a buffer, in place of what it held, which keeps its capacity. The error is
    /// [`io::ErrorKind::FileTooLarge`] for a longer file, [`io::ErrorKind::NotFound`] where there is none, and
    /// [`io::ErrorKind::InvalidInput`] for what is no regular file.
    fn read(&self, name: &OsStr, into: &mut Vec<u8>, limit: u64) -> io::Result<Reading>;

    /// Reads a regular file of at most `limit` bytes from its beginning on, by what `work` asks for. Errors as for [`Folder::read`], and
    /// those of `work`.
    fn read_through(&self, name: &OsStr, limit: u64, work: &mut Work<'_>) -> io::Result<Reading> {
        let mut buffer = Vec::new();
        let reading = self.read(name, &mut buffer, limit)?;
        work(&mut &buffer[..])?;
        Ok(reading)
    }

    /// Whether a regular file stands at `name` and holds exactly `bytes`.
    fn holds(&self, name: &OsStr, bytes: &[u8]) -> io::Result<bool> {
        let mut buffer = Vec::new();
        match self.read(name, &mut buffer, bytes.len() as u64) {
            Ok(_) => Ok(buffer == bytes),
            Err(error) => no_such_file(error).map(|()| false),
        }
    }

    /// The hash of the regular file at `name`; `None` where there is none.
    fn hash(&self, name: &OsStr) -> io::Result<Option<Hash>> {
        let mut buffer = Vec::new();
        match self.read(name, &mut buffer, u64::MAX) {
            Ok(_) => Ok(Some(blake3::hash(&buffer))),
            Err(error) => no_such_file(error).map(|()| None),
        }
    }

    /// Writes a new file beside `name`, its contents in pieces, with a temporary name, and makes it durable; it waits for [`Folder::name_whole`]. If `like` is given, mode, owner, access control
    /// list and extended attributes of the file at `name` are its own as well; if they cannot be, the error's inner
    /// value is an [`AttributeError`].
    fn write_beside(&self, name: &OsStr, like: bool, pieces: &[&[u8]]) -> io::Result<Temporary>;

    /// Gives what was written beside `name` the temporary name that tells which file it is and how the hashes of its contents and of
    /// what it is to displace begin.
    fn name_whole(&self, part: &Temporary, name: &OsStr, new: &Hash, old: Option<&Hash>) -> io::Result<Temporary>;

    /// Exchanges what stands at two names, at once. [`io::ErrorKind::Unsupported`] where the file system cannot.
    fn exchange(&self, a: &OsStr, b: &OsStr) -> io::Result<()>;

    /// Renames; what stood at `to` is gone.
    fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()>;

    /// Renames; [`io::ErrorKind::AlreadyExists`] if something stands at `to`.
    fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<()>;

    /// Removes a name.
    fn remove(&self, name: &OsStr) -> io::Result<()>;

    /// Makes a regular file's contents durable, whoever wrote them.
    fn sync_file(&self, name: &OsStr) -> io::Result<()>;

    /// Makes the folder's names durable.
    fn sync(&self) -> io::Result<()>;

    /// The clock of its time stamps, in nanoseconds since 1970.
    fn now(&self) -> i128 {
        system_time()
    }

    /// Every temporary name of this agent in the folder.
    fn leftovers(&self) -> io::Result<Vec<Leftover>>;
}

/// The system's clock, as files' time stamps have it: nanoseconds since 1970.
pub(crate) fn system_time() -> i128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i128)
}

/// What of a file cannot be kept when another takes its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its {what} cannot be kept")]
pub struct AttributeError {
    /// "owner", "mode", "attribute user.x".
    pub what: String,
}

/// That a file is missing, too large or of another kind is an answer where contents are compared.
fn no_such_file(error: io::Error) -> io::Result<()> {
    use io::ErrorKind::{FileTooLarge, InvalidInput, NotFound};
    if matches!(error.kind(), NotFound | FileTooLarge | InvalidInput) { Ok(()) } else { Err(error) }
}
