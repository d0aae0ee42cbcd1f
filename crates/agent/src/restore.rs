//! Restoring a version into a member's portion: verify, put, splice.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use plan::{Condition, Fingerprint, GroupId, Record};
use portion::{Edit, Format, Fragment, LensError, Mapping, Value};

use crate::detect::{self, Found, LARGE, MAX_FILE, Seen, Target};
use crate::fault::{Fault, planted};
use crate::keys::Keys;
use crate::open;
use crate::place::Place;
use crate::splice::{self, IntentLog, Refusal, SpliceError, Spliced};
use crate::step::{Portion, Restored, Sight};

/// What is to be restored: records that were verified, and their texts, which were not.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    /// The version.
    pub record: Record,
    /// Its shared text.
    pub text: Bytes,
    /// An earlier one in the member's own shape.
    pub text_base: Option<(Record, Bytes)>,
}

/// What a restore came to, and what it left behind.
#[derive(Debug)]
pub(crate) struct Done {
    /// For the rules.
    pub restored: Restored,
    /// The file that was displaced, if the file was written.
    pub displaced: Option<crate::splice::Displaced>,
    /// Whether the file was written.
    pub written: bool,
    /// Whether an intent still stands whose end is not known.
    pub unfinished: bool,
    /// What the file holds now, if it was written.
    pub found: Option<Box<Found>>,
}

impl Done {
    /// Nothing was written.
    pub(crate) fn nothing(restored: Restored) -> Done {
        Done { restored, displaced: None, written: false, unfinished: false, found: None }
    }
}

/// What was found in a file before, and the file as it was then.
pub(crate) type Before = Option<(Box<Found>, Seen)>;

/// The file's new contents.
enum New {
    /// They are what they should be already.
    Same,
    Whole(Vec<u8>),
    /// Of a large file only what changes: the rest is not copied.
    Edits(Vec<Edit>),
}

impl New {
    fn pieces<'a>(&'a self, file: &'a [u8]) -> Vec<&'a [u8]> {
        match self {
            New::Same => Vec::new(),
            New::Whole(bytes) => vec![bytes],
            New::Edits(edits) => {
                let mut pieces = Vec::new();
                let mut from = 0;
                for edit in edits {
                    pieces.extend([&file[from..edit.span.start], edit.text.as_slice()]);
                    from = edit.span.end;
                }
                pieces.push(&file[from..]);
                pieces
            }
        }
    }
}

/// A portion's place, and what is needed to know what stands there.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    /// The file.
    pub place: &'a Place,
    /// The portion.
    pub target: &'a Target,
    /// The zone's keys.
    pub keys: &'a Keys,
}

/// Restores, on a thread that may block. `expected` is what must stand there (`None`: the portion must be missing). `file` is
/// a buffer.
pub(crate) fn restore<'a>(
    site: Site<'_>,
    version: &Version,
    expected: Option<Fingerprint>,
    before: Before,
    file: &mut Vec<u8>,
    log: &mut dyn FnMut(&Portion) -> Box<dyn IntentLog + 'a>,
) -> Done {
    if let Err(why) = verify(site.target, site.keys, version) {
        return Done::nothing(Restored::Refused(why));
    }
    let (exists, standing) = match read(site, expected, before, file) {
        Ok(read) => read,
        Err(restored) => return Done::nothing(restored),
    };
    let planned = match version.record.shape.is_absent() {
        true => removal(site, standing.as_ref(), file),
        false => planned(site, version, standing.as_ref(), file).map(|(new, found)| (new, Some(found))),
    };
    let (new, found) = match planned {
        Ok(planned) => planned,
        // It is missing, but it could not be made: to try that again at once would not help.
        Err(error) => {
            let condition = match detect::condition_of(&error) {
                Condition::Missing(cause) | Condition::NoFile(cause) => Condition::Suspended(cause),
                other => other,
            };
            return Done::nothing(Restored::Failed(condition));
        }
    };
    let mut portion = found.as_ref().map_or_else(Portion::absent, |found| found.portion.clone());
    if planted(Fault::VersionFingerprint) {
        portion.fingerprint = version.record.text;
    }
    if matches!(new, New::Same) {
        // Its user may have written it a moment ago: if the power took that back, what stood there before would look like an edit.
        let file = if exists { site.place.folder.sync_file(&site.place.name) } else { Ok(()) };
        return Done::nothing(match file.and_then(|()| site.place.folder.sync()) {
            Ok(()) => Restored::Done(portion),
            Err(error) => Restored::Failed(Condition::Suspended(format!(
                "the file cannot be made durable: {}",
                crate::error_chain(&error)
            ))),
        });
    }
    if let Some(lock) = open::lock(site.place.folder.as_ref(), &site.place.name) {
        return Done::nothing(Restored::Failed(is_open(&lock)));
    }
    let old = exists.then_some(file.as_slice());
    let mut log = log(&portion);
    let place = site.place;
    match splice::splice(place.folder.as_ref(), &place.name, old, &new.pieces(file), log.as_mut()) {
        Ok(Spliced::Done { displaced }) => Done {
            restored: Restored::done(portion, exists),
            displaced,
            written: true,
            unfinished: false,
            found: found.map(Box::new),
        },
        Ok(Spliced::Changed { .. }) => {
            let again = detect::look(place, site.target, site.keys, file, detect::ATTEMPTS);
            Done::nothing(Restored::Changed(again.sight().0))
        }
        Ok(Spliced::KeptAside(aside)) => Done::nothing(Restored::Failed(kept(place.folder_path.join(aside)))),
        Ok(Spliced::Refused(refusal @ Refusal::HardLinks(_))) => {
            Done::nothing(Restored::Failed(Condition::HardLinked(refusal.to_string())))
        }
        Ok(Spliced::Refused(refusal)) => Done::nothing(Restored::Failed(Condition::Suspended(refusal.to_string()))),
        Err(error) => {
            let condition = Condition::Suspended(not_written(&error));
            Done { unfinished: error.unfinished, ..Done::nothing(Restored::Failed(condition)) }
        }
    }
}

/// Why a file that an office program has open is not written.
fn is_open(lock: &OsStr) -> Condition {
    Condition::Suspended(format!(
        "locked by an application: it is open in an office program, which would write its own state over ours; close it there (its lock \
         is {}, to be removed if no program has the file open)",
        lock.to_string_lossy()
    ))
}

/// Why a file was not written, and what a person can do about it.
fn not_written(error: &SpliceError) -> String {
    let kind = error.source.kind();
    if error.doing == splice::INTEND {
        return detect::own_folder(&error.source);
    }
    match kind {
        io::ErrorKind::StorageFull => {
            "disk full: beside the file there is no room for its new contents (or no inode); make room".to_owned()
        }
        io::ErrorKind::QuotaExceeded => "disk full: the quota on the file's disk is used up; make room".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the file's disk is read-only; make it writable".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "the agent may not write in the file's folder, or not replace the file; give it the right".to_owned()
        }
        _ => crate::error_chain(error),
    }
}

/// Reads the file; tells whether there is one, and the portion that stands in it, if it is what is expected.
fn read(
    site: Site<'_>,
    expected: Option<Fingerprint>,
    before: Before,
    file: &mut Vec<u8>,
) -> Result<(bool, Option<Found>), Restored> {
    let reading = match site.place.folder.read(&site.place.name, file, MAX_FILE) {
        Ok(reading) => reading,
        Err(error) if error.kind() == io::ErrorKind::NotFound && expected.is_none() => {
            file.clear();
            return Ok((false, None));
        }
        Err(error) => return Err(Restored::Changed(Sight::Absent(detect::unreadable(&error)))),
    };
    if !reading.steady {
        let condition = Condition::Suspended("the file is being written".to_owned());
        return Err(Restored::Changed(Sight::Absent(condition)));
    }
    if let Some(condition) = detect::unfit(site.place, &reading) {
        return Err(Restored::Failed(condition));
    }
    let found = match before.filter(|(_, seen)| seen.is(&reading.stat)) {
        Some((found, _)) => Ok(*found),
        None => detect::find(site.target, &site.place.name, file, site.keys),
    };
    standing(found, file, expected).map(|standing| (true, standing)).map_err(Restored::Changed)
}

/// The cause of a suspension after bytes were kept aside.
pub(crate) fn kept(aside: PathBuf) -> Condition {
    Condition::Suspended(format!("somebody wrote at the same moment: what was found is kept in {}", aside.display()))
}

/// The texts must be what their records say.
pub(crate) fn verify(target: &Target, keys: &Keys, version: &Version) -> Result<(), String> {
    let base = version.text_base.as_ref().map(|(record, text)| (record, text));
    let mut all = std::iter::once((&version.record, &version.text)).chain(base);
    all.try_for_each(|(record, text)| verify_copy(target.group, keys, record, text))
}

/// A text must be what its record says, and the record a key holder's and of this group.
pub(crate) fn verify_copy(group: GroupId, keys: &Keys, record: &Record, text: &[u8]) -> Result<(), String> {
    if !keys.is_authentic(record) && !planted(Fault::ForgedAccepted) {
        return Err("the version's record was not made by a holder of the repository's key".to_owned());
    }
    if record.group != group && !planted(Fault::OtherGroupAccepted) {
        return Err("the copy belongs to another group".to_owned());
    }
    let group = if planted(Fault::OtherGroupAccepted) { record.group } else { group };
    if !keys.is_copy(&Record { group, ..record.clone() }, text) {
        return Err("the secondary copy is not what its record says".to_owned());
    }
    Ok(())
}

/// The portion that stands in the file, if it is what is expected. Otherwise, what is seen instead.
fn standing(
    found: Result<Found, LensError>,
    file: &[u8],
    expected: Option<Fingerprint>,
) -> Result<Option<Found>, Sight> {
    match (found, expected) {
        (Ok(found), Some(expected))
            if found.portion.fingerprint == expected || planted(Fault::FingerprintNotCompared) =>
        {
            Ok(Some(found))
        }
        (Ok(found), _) => Err(Sight::Present(found.portion)),
        (Err(LensError::Missing { .. }), None | Some(Fingerprint::ABSENT)) => Ok(None),
        // An empty file may not parse, and is one to begin with.
        (Err(_), None | Some(Fingerprint::ABSENT)) if portion::is_blank(file) => Ok(None),
        (Err(error), _) => Err(Sight::Absent(detect::condition_of(&error))),
    }
}

/// The file's new contents where there is to be no portion: the lens removes it.
fn removal(site: Site<'_>, standing: Option<&Found>, file: &[u8]) -> Result<(New, Option<Found>), LensError> {
    let Some(found) = standing else { return Ok((New::Same, None)) };
    if !site.target.mapping.is_all_shared(&found.own)? {
        return Err(LensError::Refused(
            "the group's portion was removed; this one holds keys that are private to this file, and stays: `inlay put \
             --remove` takes it out here, `inlay undo` or `inlay restore NAME@V` brings the others back"
                .to_owned(),
        ));
    }
    let new = portion::remove(found.scheme, file, &site.target.selector.expression)?;
    match detect::find(site.target, &site.place.name, &new, site.keys) {
        Err(LensError::Missing { .. }) => Ok((New::Whole(new), None)),
        Err(_) if portion::is_blank(&new) => Ok((New::Whole(new), None)),
        _ => Err(LensError::Refused(
            "the group's portion was removed; here what follows it would take its place: take it out of the group with \
             `inlay unlink`, or bring the others back with `inlay undo` or `inlay restore NAME@V`"
                .to_owned(),
        )),
    }
}

/// The file's new contents, and what will be found there.
fn planned(
    site: Site<'_>,
    version: &Version,
    standing: Option<&Found>,
    file: &[u8],
) -> Result<(New, Found), LensError> {
    let Site { place, target, keys } = site;
    let scheme = match standing {
        Some(found) => found.scheme,
        None => detect::scheme_of(target, &place.name, file)?,
    };
    let expression = &target.selector.expression;
    let shared = new_shared(target, version, standing, |value| scheme.lens().format_for(expression, value))?;
    let own = target.mapping.unshare(standing.map(|found| &found.own), &shared)?;
    let new = match standing {
        Some(found) if file.len() as u64 > LARGE && stays_as_it_is(&found.own, &own)? => {
            let Some(edits) = portion::edits(scheme, file, expression, &own)? else {
                return Ok((New::Same, found.clone()));
            };
            return Ok((New::Edits(edits), detect::found(target, keys, scheme, own)?));
        }
        Some(found) => match portion::put(scheme, file, expression, &own)? {
            None => return Ok((New::Same, found.clone())),
            Some(new) => new,
        },
        None => portion::insert_in(&place.name.to_string_lossy(), scheme, file, expression, &own)?,
    };
    let found = detect::find(target, &place.name, &new, keys)?;
    // What came as a value is told as its place writes it, as between brackets in YAML.
    let shape = &version.record.shape;
    let by_value =
        target.mapping.has_variables() || shape.format != shared.format.name() || shape.mapping != target.mapping_text;
    let is_same = || -> Result<bool, LensError> {
        match by_value {
            false => Ok(false),
            true => Ok(target.mapping.value(&found.shared)?.agrees(&target.mapping.value(&shared)?)),
        }
    };
    if found.shared.format == shared.format && found.shared.text != shared.text && !is_same()? {
        return Err(LensError::Refused("what would be shared of the file is not what was restored".to_owned()));
    }
    Ok((New::Whole(new), found))
}

/// Whether a fragment that is put comes out again exactly as it went in, so that a large file need not be read again to
/// know what will be found in it.
fn stays_as_it_is(standing: &Fragment, own: &Fragment) -> Result<bool, LensError> {
    let plain = match own.format {
        Format::Json | Format::Jsonc => true,
        Format::Text => own.text.is_empty() || own.text.ends_with(b"\n"),
        _ => false,
    };
    Ok(plain && standing.format == own.format && *own.format.tidy(&own.text)? == *own.text)
}

/// The shared fragment that is to stand there. The text travels if the shapes are equal; otherwise the value does.
pub(crate) fn new_shared(
    target: &Target,
    version: &Version,
    standing: Option<&Found>,
    format_for: impl Fn(&Value) -> Format,
) -> Result<Fragment, LensError> {
    let theirs = Fragment { format: format_named(&version.record.shape.format)?, text: version.text.to_vec() };
    let mapping: Mapping =
        version.record.shape.mapping.parse().map_err(|error| {
            LensError::Refused(format!("this program does not know the version's mapping: {error}"))
        })?;
    // Rows told apart by a key keep the order of their own file, so that they travel as a value, and into what stands there.
    // So do the values of variables, which other machines know by name only.
    let is_table = target.mapping.key().is_some() || target.mapping.has_variables();
    let same_mapping = version.record.shape.mapping == target.mapping_text && !(is_table && standing.is_some());
    if same_mapping && standing.is_none_or(|found| found.shared.format == theirs.format) {
        let fits = standing.is_some() || format_for(&theirs.format.value(&theirs.text)?) == theirs.format;
        if fits {
            return Ok(theirs);
        }
    }
    let value = mapping.value(&theirs)?;
    let base = match (&version.text_base, standing) {
        (_, Some(found)) if is_table => Some(found.shared.clone()),
        (Some((record, text)), Some(found))
            if record.shape.format == found.portion.format && record.shape.mapping == target.mapping_text =>
        {
            Some(Fragment { format: found.shared.format, text: text.to_vec() })
        }
        (Some((record, text)), None) if record.shape.mapping == target.mapping_text => {
            Some(Fragment { format: format_named(&record.shape.format)?, text: text.to_vec() })
        }
        (_, Some(found)) => Some(found.shared.clone()),
        (_, None) => None,
    };
    match base {
        Some(base) => target.mapping.update_alike(&base, &value, base.format.likeness(theirs.format)),
        None => target.mapping.render(format_for(&value), &value),
    }
}

/// The format of that name.
pub(crate) fn format_named(name: &str) -> Result<Format, LensError> {
    Format::from_name(name)
        .ok_or_else(|| LensError::Refused(format!("this program does not know the version's format `{name}`")))
}
