//! Restoring a version into rows of a database, and finding out whether an interrupted restore was done.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use plan::{Condition, Fingerprint};
use portion::{Format, LensError, Mapping, Scheme, Value};

use super::{Access, BUSY, RecordError, STAYS, begin, fragment, log_of, open, reading, stat, unfit, write};
use crate::detect::{self, Found, Target};
use crate::folder::Temporary;
use crate::point::point;
use crate::restore::{self, Done, Site, Version};
use crate::splice::{Intent, IntentLog, Recovered};
use crate::step::{Portion, Restored, Sight};

/// What a restore came to that did nothing.
enum Stopped {
    Restored(Restored),
    Error(RecordError),
}

impl<E: Into<RecordError>> From<E> for Stopped {
    fn from(error: E) -> Stopped {
        Stopped::Error(error.into())
    }
}

impl Stopped {
    fn restored(self) -> Restored {
        match self {
            Stopped::Restored(restored) => restored,
            Stopped::Error(error) => Restored::Failed(match error.condition() {
                // It is missing, but it could not be made: to try that again at once would not help.
                Condition::Missing(cause) | Condition::NoFile(cause) => Condition::Suspended(cause),
                other => other,
            }),
        }
    }
}

/// Restores, on a thread that may block. `expected` is what must stand there.
pub(crate) fn restore<'a>(
    site: Site<'_>,
    version: &Version,
    expected: Option<Fingerprint>,
    log: &mut dyn FnMut(&Portion) -> Box<dyn IntentLog + 'a>,
) -> Done {
    if let Err(why) = restore::verify(site.target, site.keys, version) {
        return Done::nothing(Restored::Refused(why));
    }
    let done = match stat(site.place) {
        Ok(Some(stat)) => match unfit(&stat) {
            Some(condition) => Err(Stopped::Restored(Restored::Failed(condition))),
            None => transact(site, version, expected, log),
        },
        Ok(None) => Err(Stopped::Restored(Restored::Changed(Sight::Absent(detect::unreadable(
            &io::ErrorKind::NotFound.into(),
        ))))),
        Err(error) => Err(RecordError::Open(error).into()),
    };
    done.unwrap_or_else(|stopped| Done::nothing(stopped.restored()))
}

fn transact<'a>(
    site: Site<'_>,
    version: &Version,
    expected: Option<Fingerprint>,
    log: &mut dyn FnMut(&Portion) -> Box<dyn IntentLog + 'a>,
) -> Result<Done, Stopped> {
    let Site { place, target, keys } = site;
    let path = place.path();
    let expression = &target.selector.expression;
    let mut connection = open(&path, BUSY, Access::Write)?;
    let transaction = begin(&mut connection)?;
    let own = match fragment(&transaction, expression) {
        Ok(own) => own,
        Err(error @ RecordError::Lens(_)) => {
            return Err(Stopped::Restored(Restored::Changed(Sight::Absent(error.condition()))));
        }
        Err(error) => return Err(error.into()),
    };
    let found = detect::found(target, keys, Scheme::Sqlite, own)?;
    if expected != Some(found.portion.fingerprint) {
        return Err(Stopped::Restored(Restored::Changed(Sight::Present(found.portion))));
    }
    if version.record.shape.is_absent() {
        return Err(LensError::Refused(format!("the group's portion was removed; here {STAYS}")).into());
    }
    let shared = restore::new_shared(target, version, Some(&found), |_| Format::Rows)?;
    let new = target.mapping.unshare(Some(&found.own), &shared)?;
    let written = write::put(&transaction, expression, &new)?;
    if written == found.own {
        drop(transaction);
        drop(connection);
        // What its user wrote a moment ago may be lost with the power as long as its log is not synced.
        return match durable(&path) {
            Ok(()) => Ok(Done::nothing(Restored::Done(found.portion))),
            Err(error) => Err(RecordError::Open(error).into()),
        };
    }
    let (old_text, new_text) = (blake3::hash(&found.own.text), blake3::hash(&written.text));
    let now = detect::found(target, keys, Scheme::Sqlite, written)?;
    check_shared(&target.mapping, &now, &shared.text, &target.mapping.value(&shared)?)?;
    let intent = intent(&place.name, old_text, new_text);
    let mut log = log(&now.portion);
    if let Err(error) = log.intend(&intent) {
        return Err(Stopped::Restored(Restored::Failed(Condition::Suspended(detect::own_folder(&error)))));
    }
    point("record: intent journaled");
    let portion = now.portion.clone();
    match transaction.commit() {
        Ok(()) => {
            point("record: committed");
            Ok(Done {
                restored: Restored::done(portion, true),
                displaced: None,
                written: true,
                unfinished: false,
                found: Some(Box::new(now)),
            })
        }
        // Whether it was done is found out by what stands there.
        Err(error) => {
            let restored = Stopped::Error(error.into()).restored();
            Ok(Done { unfinished: true, ..Done::nothing(restored) })
        }
    }
}

/// What is shared of the rows must be what was restored; how numbers are written is the table's own.
fn check_shared(mapping: &Mapping, now: &Found, text: &[u8], value: &Value) -> Result<(), RecordError> {
    if now.shared.text == text || mapping.value(&now.shared)?.agrees(value) {
        return Ok(());
    }
    let why = "what would be shared of the rows is not what was restored: new rows get defaults in columns that are shared; leave these \
               out, by the selector or with `except`";
    Err(LensError::Refused(why.to_owned()).into())
}

/// A transaction's intent: there is no file that takes another's place.
fn intent(name: &OsStr, old: blake3::Hash, new: blake3::Hash) -> Intent {
    let temporary = Temporary { name: OsString::new(), id: Default::default() };
    Intent { name: name.to_owned(), temporary, old: Some(old), new }
}

/// Whether an intent is that of a transaction.
pub(crate) fn is_transaction(intent: &Intent) -> bool {
    intent.temporary.name.is_empty()
}

/// Finds out whether an interrupted transaction was committed: what it was to write stands there, or not. Somebody who, in between, brought
/// back exactly what stood before is not told from one that was never committed.
///
/// # Errors
/// The database cannot be read now.
pub(crate) fn recover(
    path: &Path,
    target: Option<&Target>,
    intent: &Intent,
    log: &mut dyn IntentLog,
) -> Result<Recovered, RecordError> {
    let read = target.map(|target| reading(path, BUSY, |c| fragment(c, &target.selector.expression)));
    match read {
        Some(Ok(own)) if blake3::hash(&own.text) == intent.new => return Ok(Recovered::Done { displaced: None }),
        None | Some(Ok(_) | Err(RecordError::Lens(_))) => {}
        Some(Err(error)) => return Err(error),
    }
    log.give_up(&intent.temporary.name, &[]).map_err(RecordError::Open)?;
    Ok(Recovered::NotDone)
}

fn durable(path: &Path) -> io::Result<()> {
    std::fs::File::open(path)?.sync_all()?;
    match std::fs::File::open(log_of(path)) {
        Ok(log) => log.sync_all()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // The journal of a transaction that was committed is gone for good.
    std::fs::File::open(path.parent().unwrap_or(path))?.sync_all()
}
