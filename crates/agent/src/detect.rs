//! What stands in a file now: read, located, shared, fingerprinted. Everything that can be wrong with a user's file is a value.

use std::ffi::OsString;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::time::Duration;

use plan::{Condition, Fingerprint, GroupId};
use portion::{Format, Fragment, LensError, Mapping, Scheme, Selector, Value, is_blank};

use crate::folder::{FileId, Reading, Stat};
use crate::keys::Keys;
use crate::place::Place;
use crate::record;
use crate::step::{Portion, Sight};

/// No larger file is read, in bytes.
pub(crate) const MAX_FILE: u64 = 2 << 30;
/// A file whose contents cannot take part is believed only when it was quiet for so long: it may be half-written.
const QUIET: Duration = Duration::from_millis(100);
/// A portion is believed to be missing only after so long: its file may be half-written, and parse all the same.
const GONE: Duration = Duration::from_secs(1);
/// A file above this size is compared by its time stamps before it is read because of an event, and written in pieces.
pub(crate) const LARGE: u64 = 1 << 20;
/// So often is looked at a file that is being written.
pub(crate) const ATTEMPTS: u32 = 20;
/// A write within this time of a look may not show in the file's time stamp.
const GRAIN: Duration = Duration::from_millis(20);
/// Above this size a text is no empty container, and is not parsed to find that out.
const SMALL: usize = 64 << 10;

/// What a member's assignment means, read once.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The group.
    pub group: GroupId,
    /// The group's name, for people.
    pub group_name: String,
    /// The file, as it was assigned.
    pub path: PathBuf,
    /// The portion.
    pub selector: Selector,
    /// How its fragment stands to the group's value.
    pub mapping: Mapping,
    /// The mapping's text, as it travels.
    pub mapping_text: String,
}

/// A portion that is there.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// What the rules know of it.
    pub portion: Portion,
    /// The fragment as it stands in the file.
    pub own: Fragment,
    /// What is shared of it.
    pub shared: Fragment,
    /// How it is addressed.
    pub scheme: Scheme,
}

/// A file as a member last saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    id: FileId,
    len: u64,
    modified: i128,
    /// Whether any later write shows in these.
    certain: bool,
}

/// An answer to a look.
#[derive(Debug)]
pub(crate) enum Look {
    /// What is there.
    Found(Box<Found>, Seen),
    /// What is not, and the file if there is one.
    Absent(Condition, Option<Seen>),
    /// The file is there, and nothing in it.
    Blank(Seen),
    /// The file is being written: look again after this time.
    Again(Duration),
}

impl Look {
    /// What the rules are told. A file that goes on being written is a condition as well.
    pub(crate) fn sight(self) -> (Sight, Option<Seen>) {
        match self {
            Look::Found(found, seen) => (Sight::Present(found.portion), Some(seen)),
            Look::Absent(condition, seen) => (Sight::Absent(condition), seen),
            Look::Blank(seen) => (Sight::Blank("the portion is missing: the file is empty".to_owned()), Some(seen)),
            Look::Again(_) => {
                (Sight::Absent(Condition::Suspended("the file is being written all the time".to_owned())), None)
            }
        }
    }
}

/// What was read for a backup.
#[derive(Debug)]
pub struct Read {
    /// What the rules know of it.
    pub portion: Portion,
    /// Of the group's value.
    pub value: Fingerprint,
    /// The shared text.
    pub text: Vec<u8>,
}

impl Look {
    /// What is to be backed up. `absent`: nothing, if nothing is there.
    pub(crate) fn read(self, target: &Target, keys: &Keys, absent: bool) -> (Result<Read, Condition>, Option<Seen>) {
        let (sight, seen) = match self {
            Look::Found(found, seen) => {
                let value = found.value(target, keys).map_err(|error| condition_of(&error));
                let read = value.map(|value| Read { portion: found.portion, value, text: found.shared.text });
                return (read, Some(seen));
            }
            other => other.sight(),
        };
        let nothing = || Read { portion: Portion::absent(), value: Fingerprint::ABSENT, text: Vec::new() };
        let read = match sight {
            Sight::Absent(Condition::Missing(_)) | Sight::Blank(_) if absent => Ok(nothing()),
            Sight::Blank(cause) => Err(Condition::Missing(cause)),
            Sight::Absent(condition) => Err(condition),
            Sight::Present(_) => Err(interrupted()),
        };
        (read, seen)
    }
}

/// The cause that passes by itself.
pub(crate) fn interrupted() -> Condition {
    Condition::Suspended("the agent was interrupted; it tries again".to_owned())
}

impl Seen {
    /// Of a file that only we could write to before `time`.
    pub(crate) fn before(stat: &Stat, time: i128) -> Seen {
        let certain = time.saturating_sub(stat.modified) > GRAIN.as_nanos() as i128;
        Seen { id: stat.id, len: stat.len, modified: stat.modified, certain }
    }

    /// Whether a file is surely as it was.
    pub(crate) fn is(&self, stat: &Stat) -> bool {
        self.certain && (self.id, self.len, self.modified) == (stat.id, stat.len, stat.modified)
    }

    /// The file's size, in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }
}

/// Looks at a member's portion. `attempt` counts from 0: after some, an answer is given even if the file is being written.
pub(crate) fn look(place: &Place, target: &Target, keys: &Keys, buffer: &mut Vec<u8>, attempt: u32) -> Look {
    let last = attempt >= ATTEMPTS;
    if let Some(look) = look_through(place, target, keys, last) {
        return look;
    }
    let reading = match place.folder.read(&place.name, buffer, MAX_FILE) {
        Ok(reading) => reading,
        // Some programs remove a file and write it anew.
        Err(error) if error.kind() == io::ErrorKind::NotFound && attempt == 0 => return Look::Again(QUIET),
        Err(error) => return Look::Absent(unreadable(&error), None),
    };
    if !reading.steady && !last {
        return Look::Again(QUIET);
    }
    // Whatever was written since shows in its time stamp.
    let seen = Seen::before(&reading.stat, place.folder.now());
    if let Some(condition) = unfit(place, &reading) {
        // What is in the way is beside the file: that it went does not show in it.
        return Look::Absent(condition, None);
    }
    match find(target, &place.name, buffer, keys) {
        Ok(found) => Look::Found(Box::new(found), seen),
        Err(error) => {
            let is_missing = matches!(error, LensError::Missing { .. });
            let quiet = if is_missing || is_blank(buffer) { GONE } else { QUIET };
            let age = place.folder.now().saturating_sub(reading.stat.modified);
            if !last && (0..quiet.as_nanos() as i128).contains(&age) {
                return Look::Again(QUIET);
            }
            if is_blank(buffer) && (is_missing || matches!(error, LensError::Unparsable { .. })) {
                return Look::Blank(seen);
            }
            Look::Absent(condition_of(&error), Some(seen))
        }
    }
}

/// Looks at a large file without holding it, where that is enough: the portion is there, and its format's lens finds it in passing.
fn look_through(place: &Place, target: &Target, keys: &Keys, last: bool) -> Option<Look> {
    place.folder.stat(&place.name).ok()?.filter(|stat| stat.len >= portion::LARGE)?;
    let scheme = target.selector.scheme.or_else(|| Scheme::detect(&place.name.to_string_lossy(), b""))?;
    let mut own = None;
    let read = place.folder.read_through(&place.name, MAX_FILE, &mut |file| {
        let mut start = [0; 16];
        file.read_exact(&mut start)?;
        // A database is not read as bytes: what reads it whole says so.
        if !record::is_database_file(&start) {
            own = portion::get_from(scheme, &mut start.chain(file), &target.selector.expression)?;
        }
        Ok(())
    });
    let (reading, own) = (read.ok()?, own?);
    if !reading.steady && !last {
        return Some(Look::Again(QUIET));
    }
    // Whatever was written since shows in its time stamp.
    let seen = Seen::before(&reading.stat, place.folder.now());
    if let Some(condition) = unfit(place, &reading) {
        return Some(Look::Absent(condition, None));
    }
    let found = found(target, keys, scheme, own).ok()?;
    Some(Look::Found(Box::new(found), seen))
}

/// Why a file cannot take part whatever it contains.
pub(crate) fn unfit(place: &Place, reading: &Reading) -> Option<Condition> {
    if reading.stat.links > 1 {
        let links = reading.stat.links;
        return Some(Condition::HardLinked(format!("the file has {links} names (hard links): it cannot be replaced")));
    }
    kept_aside(place).map(|aside| {
        let aside = place.folder_path.join(aside);
        Condition::Suspended(format!(
            "somebody wrote the file at the same moment: what they wrote is in {}; look at it, and remove it",
            aside.display()
        ))
    })
}

/// Bytes that were found where ours should be (see [`crate::splice`]), which wait beside the file for a person.
fn kept_aside(place: &Place) -> Option<OsString> {
    let mut aside = place.name.clone();
    aside.push(".inlay-kept-1");
    matches!(place.folder.stat(&aside), Ok(Some(_))).then_some(aside)
}

/// Locates the portion in the file's bytes.
///
/// # Errors
/// Those of the lens; a database is not read, nor written, as bytes.
pub(crate) fn find(target: &Target, name: &std::ffi::OsStr, bytes: &[u8], keys: &Keys) -> Result<Found, LensError> {
    if record::is_database_file(bytes) {
        return Err(LensError::Refused(
            "it is a SQLite database, which other programs may have open: its rows can be shared (`sqlite:TABLE`), its bytes cannot"
                .to_owned(),
        ));
    }
    let scheme = scheme_of(target, name, bytes)?;
    let own = portion::get(scheme, bytes, &target.selector.expression)?;
    found(target, keys, scheme, own)
}

/// What is found where `own` stands.
pub(crate) fn found(target: &Target, keys: &Keys, scheme: Scheme, own: Fragment) -> Result<Found, LensError> {
    let shared = target.mapping.share(own.clone())?;
    let portion = portion_of(&target.mapping, target.group, keys, &shared);
    Ok(Found { portion, own, shared, scheme })
}

/// The scheme: as it was written, or by the file's name and contents.
pub(crate) fn scheme_of(target: &Target, name: &std::ffi::OsStr, bytes: &[u8]) -> Result<Scheme, LensError> {
    let detect = || Scheme::detect(&name.to_string_lossy(), bytes);
    target.selector.scheme.or_else(detect).ok_or_else(|| {
        LensError::Refused("neither the file's name nor its content tells the format; name the scheme".to_owned())
    })
}

/// Whether it is a container without content, or a text without any.
fn is_empty(mapping: &Mapping, shared: &Fragment) -> bool {
    if shared.text.len() > SMALL {
        return false;
    }
    match shared.format {
        Format::Text | Format::Bytes => shared.text.iter().all(u8::is_ascii_whitespace),
        _ => match mapping.value(shared) {
            Ok(Value::Map(members)) => members.is_empty(),
            Ok(Value::Sequence(items)) => items.is_empty(),
            _ => false,
        },
    }
}

/// What the rules know of a shared fragment.
fn portion_of(mapping: &Mapping, group: GroupId, keys: &Keys, shared: &Fragment) -> Portion {
    if shared.format == Format::Absent {
        return Portion::absent();
    }
    Portion {
        fingerprint: keys.text(group, &shared.text),
        format: shared.format.name().to_owned(),
        empty: is_empty(mapping, shared),
    }
}

/// The same, and the fingerprint of what it means.
///
/// # Errors
/// It has no meaning to the group: it does not parse, or the mapping cannot say it.
pub(crate) fn found_shared(
    mapping: &Mapping,
    group: GroupId,
    keys: &Keys,
    shared: &Fragment,
) -> Result<(Portion, Fingerprint), LensError> {
    Ok((portion_of(mapping, group, keys, shared), keys.meaning(group, mapping, shared)?))
}

impl Found {
    /// The fingerprint of what it means.
    pub(crate) fn value(&self, target: &Target, keys: &Keys) -> Result<Fingerprint, LensError> {
        keys.meaning(target.group, &target.mapping, &self.shared)
    }
}

/// What an error of a lens means for a member.
pub(crate) fn condition_of(error: &LensError) -> Condition {
    match error {
        LensError::Missing { .. } => Condition::Missing(format!("the portion is missing: {error}")),
        LensError::Unparsable { at, found } => {
            Condition::Suspended(format!("unparsable at {}:{}: {found}", at.line, at.column))
        }
        LensError::Ambiguous { .. } => Condition::Suspended(format!("the selector is ambiguous: {error}")),
        _ => Condition::Suspended(error.to_string()),
    }
}

/// What it means that the agent cannot keep its own state.
pub(crate) fn own_folder(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "disk full: the agent has no room for its own journal, and does nothing without it; make room in its home"
                .to_owned()
        }
        _ => format!("the agent cannot write its own journal, and does nothing without it: {error}"),
    }
}

/// What it means that a file cannot be read.
pub(crate) fn unreadable(error: &io::Error) -> Condition {
    match error.kind() {
        io::ErrorKind::NotFound => Condition::NoFile("the file is missing".to_owned()),
        io::ErrorKind::FileTooLarge => Condition::Suspended(format!("the file is larger than {} GiB", MAX_FILE >> 30)),
        io::ErrorKind::InvalidInput => Condition::Suspended("it is no regular file".to_owned()),
        io::ErrorKind::ResourceBusy | io::ErrorKind::ExecutableFileBusy | io::ErrorKind::WouldBlock => {
            Condition::Suspended("locked by an application".to_owned())
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Condition::Suspended("disk full".to_owned()),
        io::ErrorKind::PermissionDenied => {
            Condition::Suspended("the agent may not read the file; give it the right".to_owned())
        }
        _ => Condition::Suspended(format!("the file cannot be read: {error}")),
    }
}
