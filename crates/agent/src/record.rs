//! Rows of SQLite databases as portions: a transaction in place of a splice, under the same get and put.
//!
//! A database is never replaced as a file, and its bytes are read by nothing but its own engine: other programs have it open. A look is
//! one read transaction. A restore is one `BEGIN IMMEDIATE` transaction, in which the portion is read, compared with what is expected,
//! changed row by row, and read again; only then its intent is journaled, and then it is committed. Whether an interrupted one was committed
//! is found out by what stands there: see [`recover`].
//!
//! No two connections of a process may overlap with another opening of the same file: POSIX drops all locks of a process that closes a file
//! (<https://www.sqlite.org/howtocorrupt.html>, 2.2). So whoever calls this from several threads does so under one lock a file.

mod foreign;
mod restore;
mod schema;
mod write;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use plan::Condition;
use portion::{Format, Fragment, Item, LensError, MAX_PORTION, Scheme, TableSelector};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use self::schema::Table;
use crate::detect::{self, ATTEMPTS, Look, Seen, Target};
use crate::folder::Stat;
use crate::keys::Keys;
use crate::os;
use crate::place::Place;

pub(crate) use self::restore::{is_transaction, recover, restore};

/// How a database begins: <https://www.sqlite.org/fileformat2.html>.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// Of its header, which says at the 19th byte whether it is written through a log.
const HEADER: usize = 20;
/// So long another program's lock is waited for before that is an answer.
const BUSY: Duration = Duration::from_secs(2);
/// The same for a look, which is tried again by itself.
const BUSY_LOOK: Duration = Duration::from_millis(50);
/// Between two looks at a database that is locked.
const AGAIN: Duration = Duration::from_millis(100);

/// Why rows could not be read or written. The database is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The portion is missing, the selector means nothing, the rows cannot be put there.
    #[error(transparent)]
    Lens(#[from] LensError),
    /// Another program holds a lock.
    #[error("locked by an application: the database is busy")]
    Busy,
    /// The portion is not what it was.
    #[error("the rows were changed by somebody else meanwhile")]
    Changed,
    /// There is no such file, or it cannot be opened.
    #[error("cannot open the database")]
    Open(#[source] io::Error),
    /// The database's engine failed.
    #[error("the database cannot be used: {0}")]
    Engine(String),
}

impl From<rusqlite::Error> for RecordError {
    fn from(error: rusqlite::Error) -> RecordError {
        let what = match &error {
            rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
            other => other.to_string(),
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => RecordError::Busy,
            Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch) => {
                RecordError::Lens(LensError::Refused(format!("the database does not take the rows: {what}")))
            }
            Some(ErrorCode::NotADatabase) => {
                RecordError::Lens(LensError::Refused(format!("{what} (or it is encrypted)")))
            }
            Some(ErrorCode::ReadOnly) => RecordError::Open(io::ErrorKind::PermissionDenied.into()),
            Some(ErrorCode::DiskFull) => RecordError::Open(io::ErrorKind::StorageFull.into()),
            _ => RecordError::Engine(what),
        }
    }
}

impl RecordError {
    /// What it means for a member.
    pub(crate) fn condition(&self) -> Condition {
        match self {
            RecordError::Lens(error) => detect::condition_of(error),
            RecordError::Open(error) => detect::unreadable(error),
            other => Condition::Suspended(other.to_string()),
        }
    }
}

/// Whether a member's portion is rows of a database.
pub(crate) fn is_database(target: &Target, name: &OsStr) -> bool {
    let by_name = || Scheme::detect(&name.to_string_lossy(), b"");
    target.selector.scheme.or_else(by_name) == Some(Scheme::Sqlite)
}

/// Whether these are a database's bytes, which are nobody's portion.
pub(crate) fn is_database_file(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The file beside a database in which newer pages may stand: its write-ahead log.
pub(crate) fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    PathBuf::from(log)
}

/// A database as its files are: whatever writes to it shows here.
pub(crate) fn stat(place: &Place) -> io::Result<Option<Stat>> {
    let Some(main) = place.folder.stat(&place.name)? else { return Ok(None) };
    let mut log: OsString = place.name.clone();
    log.push("-wal");
    Ok(Some(match place.folder.stat(&log)? {
        Some(log) => Stat {
            len: main.len + log.len,
            modified: main.modified.max(log.modified),
            changed: main.changed.max(log.changed),
            ..main
        },
        None => main,
    }))
}

/// Takes rows out.
///
/// # Errors
/// [`RecordError`].
pub fn get(path: &Path, expression: &str) -> Result<Fragment, RecordError> {
    let path = whole(path)?;
    reading(&path, BUSY, |connection| fragment(connection, expression))
}

/// Every table that can be addressed, and why others cannot.
///
/// # Errors
/// [`RecordError`].
pub fn list(path: &Path) -> Result<(Vec<Item>, Vec<LensError>), RecordError> {
    let path = whole(path)?;
    reading(&path, BUSY, schema::list)
}

/// Puts rows in the place of `before`, all or none, if these still stand there. Returns what stands there then; with `dry_run` what would,
/// and nothing is written.
///
/// # Errors
/// [`RecordError`].
pub fn put(
    path: &Path,
    expression: &str,
    before: &Fragment,
    new: &Fragment,
    dry_run: bool,
) -> Result<Fragment, RecordError> {
    let path = whole(path)?;
    let mut connection = open(&path, BUSY, Access::Write)?;
    let transaction = begin(&mut connection)?;
    if fragment(&transaction, expression)? != *before {
        return Err(RecordError::Changed);
    }
    let written = write::put(&transaction, expression, new)?;
    if !dry_run {
        transaction.commit()?;
    }
    Ok(written)
}

/// Why rows cannot be removed as a portion is.
pub const STAYS: &str =
    "rows of a table are no portion that can be missing: the table stays; put rows without those that are to go";

/// Looks at a member's rows. `attempt` counts from 0.
pub(crate) fn look(place: &Place, target: &Target, keys: &Keys, attempt: u32) -> Look {
    let stat = match stat(place) {
        Ok(Some(stat)) => stat,
        Ok(None) => return Look::Absent(detect::unreadable(&io::ErrorKind::NotFound.into()), None),
        Err(error) => return Look::Absent(detect::unreadable(&error), None),
    };
    if let Some(condition) = unfit(&stat) {
        return Look::Absent(condition, None);
    }
    let path = place.path();
    let read = reading(&path, BUSY_LOOK, |connection| fragment(connection, &target.selector.expression));
    let seen = Seen::before(&stat, place.folder.now());
    let found = read.and_then(|own| Ok(detect::found(target, keys, Scheme::Sqlite, own)?));
    match found {
        Ok(found) => Look::Found(Box::new(found), seen),
        Err(RecordError::Busy) if attempt < ATTEMPTS => Look::Again(AGAIN),
        // What a lock says does not show in the file: it is looked at again.
        Err(error @ RecordError::Busy) => Look::Absent(error.condition(), None),
        Err(error) => Look::Absent(error.condition(), Some(seen)),
    }
}

/// Why a database cannot take part whatever it contains.
fn unfit(stat: &Stat) -> Option<Condition> {
    // Under another name its log has another name, too: <https://www.sqlite.org/howtocorrupt.html>, 2.5.
    (stat.links > 1).then(|| {
        Condition::Suspended(format!("the database has {} names (hard links): its log would be missed", stat.links))
    })
}

fn whole(path: &Path) -> Result<PathBuf, RecordError> {
    std::path::absolute(path).and_then(|path| os::resolve(&path)).map_err(RecordError::Open)
}

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    /// To read what a killed program left half done, which has to be taken back first.
    Repair,
    Write,
}

/// Reads in one transaction.
fn reading<T>(
    path: &Path,
    busy: Duration,
    read: impl Fn(&Connection) -> Result<T, RecordError>,
) -> Result<T, RecordError> {
    if let Some(before) = at_rest(path)? {
        let read = open_at_rest(path).and_then(|connection| read(&connection));
        if at_rest(path)? == Some(before) {
            return read;
        }
    }
    let once = |access| {
        let mut connection = open(path, busy, access)?;
        let transaction = Transaction::new(&mut connection, TransactionBehavior::Deferred)?;
        read(&transaction)
    };
    match once(Access::Read) {
        Err(RecordError::Open(_) | RecordError::Engine(_)) => once(Access::Repair),
        other => other,
    }
}

/// How a database is that is written through a log, and has none now: nobody has it open. It is read as it is, since opening it as usual
/// would make that log.
fn at_rest(path: &Path) -> Result<Option<(u64, std::time::SystemTime)>, RecordError> {
    let mut file = fs::File::open(path).map_err(RecordError::Open)?;
    let mut header = [0; HEADER];
    match file.read_exact(&mut header) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(RecordError::Open(error)),
    }
    let logged = header.starts_with(MAGIC) && header[18..] == [2, 2];
    if !logged || log_of(path).symlink_metadata().is_ok() {
        return Ok(None);
    }
    let metadata = file.metadata().map_err(RecordError::Open)?;
    Ok(metadata.modified().ok().map(|modified| (metadata.len(), modified)))
}

fn open_at_rest(path: &Path) -> Result<Connection, RecordError> {
    let mut uri = "file:".to_owned();
    for byte in os::path_bytes(path.as_os_str()) {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => uri.push(char::from(*byte)),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    settled(Connection::open_with_flags(uri, flags | always())?, BUSY_LOOK)
}

/// Links were resolved before, and no other may come to stand there.
fn always() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW
}

fn open(path: &Path, busy: Duration, access: Access) -> Result<Connection, RecordError> {
    // The engine's own error for a missing file says nothing of why.
    fs::metadata(path).map_err(RecordError::Open)?;
    let read_write = || Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | always());
    let connection = match access {
        Access::Write => read_write()?,
        Access::Read => Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | always())?,
        Access::Repair => read_write()?,
    };
    let connection = settled(connection, busy)?;
    // Who only reads leaves the log where it is: to put it into the file would be a change that nobody asked for.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, access != Access::Write)?;
    if access == Access::Write {
        // With less, a power failure may bring back the journal of a transaction that was committed, and undo it.
        connection.pragma_update(None, "synchronous", "EXTRA")?;
        connection.pragma_update(None, "foreign_keys", true)?;
    }
    Ok(connection)
}

/// What is not trusted of a database that others wrote.
fn settled(connection: Connection, busy: Duration) -> Result<Connection, RecordError> {
    connection.busy_timeout(busy)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

fn begin(connection: &mut Connection) -> Result<Transaction<'_>, RecordError> {
    Ok(Transaction::new(connection, TransactionBehavior::Immediate)?)
}

/// The rows that stand there.
fn fragment(connection: &Connection, expression: &str) -> Result<Fragment, RecordError> {
    let table = Table::of(connection, &TableSelector::parse(expression)?, expression)?;
    let text = Format::Rows.render(&table.rows(connection)?)?;
    if text.len() > MAX_PORTION {
        return Err(too_large(&table.name));
    }
    Ok(Fragment { format: Format::Rows, text })
}

fn too_large(table: &str) -> RecordError {
    let (size, some) = (MAX_PORTION >> 20, TableSelector::of(table));
    let why =
        format!("the rows of `{table}` have more than {size} MiB; a condition as in `{some}?COLUMN=TEXT` chooses some");
    RecordError::Lens(LensError::TooLarge(why))
}

#[cfg(test)]
mod tests;
