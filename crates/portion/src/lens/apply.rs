//! Splicing, for all formats, and the safety net: what was planned is done, located again, and compared.

use super::{Edit, Format, Fragment, Lens, LensError, MAX_PORTION, Position, encoding, get, mark};
use crate::pointer;
use crate::selector::Scheme;
use crate::value::{Action, Number, Value, changes};

/// The file's bytes with `fragment` in the portion's place. `None` if it stands there already: nothing is to be written.
/// The fragment is tidied first ([`Format::tidy`]).
///
/// # Errors
/// Those of [`LensError`]. [`LensError::Refused`] if what would stand in the file is not what was put.
pub fn put(scheme: Scheme, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Option<Vec<u8>>, LensError> {
    match plan(scheme, file, expression, fragment)? {
        Plan::Nothing => Ok(None),
        Plan::Edits(edits) => splice(file, &edits).map(Some),
        Plan::Written(_, written) => Ok(Some(written)),
    }
}

/// The edits that [`put`] does, already verified, sorted and disjoint; for a caller that writes a large file piece by
/// piece. `None` if the fragment stands there already.
///
/// # Errors
/// As for [`put`].
pub fn edits(
    scheme: Scheme,
    file: &[u8],
    expression: &str,
    fragment: &Fragment,
) -> Result<Option<Vec<Edit>>, LensError> {
    match plan(scheme, file, expression, fragment)? {
        Plan::Nothing => Ok(None),
        Plan::Edits(edits) | Plan::Written(edits, _) => Ok(Some(edits)),
    }
}

/// A replacement that was verified.
enum Plan {
    Nothing,
    Edits(Vec<Edit>),
    /// With the file that was read again to verify it.
    Written(Vec<Edit>, Vec<u8>),
}

fn plan(scheme: Scheme, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Plan, LensError> {
    encoding::check(scheme, file)?;
    match replacement(scheme, file, expression, fragment) {
        // What stands there already can be put, whatever else cannot be written in its place.
        Err(_) if scheme.lens().get(file, expression).is_ok_and(|standing| standing == *fragment) => Ok(Plan::Nothing),
        planned => planned,
    }
}

fn replacement(scheme: Scheme, file: &[u8], expression: &str, given: &Fragment) -> Result<Plan, LensError> {
    let lens = scheme.lens();
    let fragment = lens.fitted(file, expression, tidy(given)?);
    let (standing, edits) = lens.replace(file, expression, &fragment)?;
    if standing == fragment || standing == *given {
        return Ok(Plan::Nothing);
    }
    check_edits(file, &edits)?;
    check_text(file, &fragment)?;
    if lens.is_proved(file, &edits, &fragment) {
        return Ok(Plan::Edits(edits));
    }
    let written = splice(file, &edits)?;
    verify(scheme, &written, expression, &fragment)?;
    check_markers(scheme, file, &written)?;
    Ok(Plan::Written(edits, written))
}

/// The file's bytes with the missing portion inserted. The fragment is tidied first ([`Format::tidy`]).
///
/// # Errors
/// Those of [`LensError`]. [`LensError::Refused`] if something stands there already, or if what would stand in the file is
/// not what was put.
pub fn insert(scheme: Scheme, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<u8>, LensError> {
    insert_in("", scheme, file, expression, fragment)
}

/// The same in a file of this name, by which the comments of a marked region are told.
///
/// # Errors
/// Those of [`insert`].
pub fn insert_in(
    path: &str,
    scheme: Scheme,
    file: &[u8],
    expression: &str,
    fragment: &Fragment,
) -> Result<Vec<u8>, LensError> {
    encoding::check(scheme, file)?;
    let lens = scheme.lens();
    let fragment = lens.fitted(file, expression, tidy(fragment)?);
    match lens.get(file, expression) {
        Err(LensError::Missing { .. }) => {}
        Err(LensError::Unparsable { .. }) if is_blank(file) => {}
        Err(other) => return Err(other),
        // Nothing at all may be a document, too, or all of its lines: a whole one takes its place.
        Ok(nothing) if is_blank(file) && (expression.is_empty() || nothing.text.is_empty()) => {
            return Ok(put(scheme, file, expression, &fragment)?.unwrap_or_else(|| file.to_vec()));
        }
        Ok(_) => return Err(LensError::Refused(format!("something stands at `{expression}` already"))),
    }
    let at = if is_blank(file) { expression.to_owned() } else { lens.inserted_at(file, expression)? };
    let edits = lens.insert_in(path, file, expression, &fragment)?;
    check_text(file, &fragment)?;
    let written = splice(file, &edits)?;
    verify(scheme, &written, &at, &fragment)?;
    Ok(written)
}

/// The file's bytes without the portion.
///
/// # Errors
/// Those of [`LensError`]. [`LensError::Refused`] if it would still stand there.
pub fn remove(scheme: Scheme, file: &[u8], expression: &str) -> Result<Vec<u8>, LensError> {
    encoding::check(scheme, file)?;
    let lens = scheme.lens();
    let written = splice(file, &lens.remove(file, expression)?)?;
    if encoding::check(scheme, &written).is_err() {
        return Err(LensError::Refused("after the removal, the file would look like UTF-16".to_owned()));
    }
    check_markers(scheme, file, &written)?;
    if !lens.is_removed(file, &written, expression) {
        return Err(LensError::Refused(format!("after the removal, something else would stand at `{expression}`")));
    }
    Ok(written)
}

/// Whether the portion that stands there can be removed, and is missing then: something that people say by a name.
///
/// # Errors
/// Those of [`remove`]; [`LensError::Refused`] says why it is none.
pub fn may_go(scheme: Scheme, file: &[u8], expression: &str) -> Result<(), LensError> {
    let refused = |why: &str| Err(LensError::Refused(why.to_owned()));
    if expression.is_empty() {
        return refused("it is the whole document");
    }
    let lens = scheme.lens();
    if lens.is_position(file, expression) {
        return refused("it is addressed by its position, which means something else once anything is removed");
    }
    let without = remove(scheme, file, expression)?;
    match lens.get(&without, expression) {
        Err(LensError::Missing { .. }) => Ok(()),
        Err(_) if is_blank(&without) => Ok(()),
        _ => refused("what follows it would take its place"),
    }
}

/// Whether something new may be inserted at an expression that means nothing yet, whatever it is then.
pub fn may_come(scheme: Scheme, file: &[u8], expression: &str) -> bool {
    encoding::check(scheme, file).is_ok() && scheme.lens().may_come(file, expression)
}

/// Whether a value of some kind can be inserted there.
pub(super) fn takes_some(lens: &dyn Lens, file: &[u8], expression: &str) -> bool {
    let kinds = [Value::String("x".to_owned()), Value::Map(Vec::new()), Value::Number(Number::new("0"))];
    kinds.iter().any(|value| {
        let format = lens.format_for(expression, value);
        let text = format.render(value);
        text.is_ok_and(|text| lens.insert(file, expression, &Fragment { format, text }).is_ok())
    })
}

/// Whether a JSON Pointer ends in a number, and a list stands above it.
pub(super) fn is_item<L: Lens + ?Sized>(lens: &L, file: &[u8], expression: &str) -> bool {
    let Some((parent, last)) = expression.rsplit_once('/') else { return false };
    let is_index = !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit());
    let is_list = |fragment: Fragment| matches!(fragment.format.value(&fragment.text), Ok(Value::Sequence(_)));
    is_index && lens.get(file, parent).is_ok_and(is_list)
}

fn tidy(fragment: &Fragment) -> Result<Fragment, LensError> {
    check_size(fragment.text.len())?;
    Ok(Fragment { format: fragment.format, text: fragment.format.tidy(&fragment.text)?.into_owned() })
}

pub(super) fn check_size(bytes: usize) -> Result<(), LensError> {
    if bytes > MAX_PORTION {
        let (is, most) = (bytes >> 20, MAX_PORTION >> 20);
        return Err(LensError::TooLarge(format!("the portion has {is} MiB; at most {most} MiB are allowed")));
    }
    Ok(())
}

/// Whether a file holds nothing but white space, and perhaps a BOM: it may be no document of its format, and is one to insert into.
pub fn is_blank(file: &[u8]) -> bool {
    file.strip_prefix(super::BOM).unwrap_or(file).iter().all(u8::is_ascii_whitespace)
}

/// Refuses a plan that is not sorted, disjoint and in bounds. The size of the file afterwards.
fn check_edits(file: &[u8], edits: &[Edit]) -> Result<usize, LensError> {
    let mut end = 0;
    let mut size = file.len();
    for edit in edits {
        if edit.span.start < end || edit.span.end < edit.span.start || edit.span.end > file.len() {
            return Err(LensError::Refused("the planned edits overlap or lie outside the file".to_owned()));
        }
        end = edit.span.end;
        size = size - edit.span.len() + edit.text.len();
    }
    Ok(size)
}

/// Refuses to make a file that is UTF-8 one that is not. A file in another encoding, as Latin-1, keeps to its own bytes.
fn check_text(file: &[u8], fragment: &Fragment) -> Result<(), LensError> {
    let Err(error) = std::str::from_utf8(&fragment.text) else { return Ok(()) };
    if fragment.format == Format::Bytes || std::str::from_utf8(file).is_err() {
        return Ok(());
    }
    let at = error.valid_up_to();
    Err(LensError::Refused(format!(
        "the file is UTF-8, and what is put is not (a byte {:#04X} in its line {}): convert that first",
        fragment.text[at],
        Position::at(&fragment.text, at).line
    )))
}

/// Refuses to take away one marker of a region that others may keep the same, unless lines or bytes are meant as they stand.
fn check_markers(scheme: Scheme, file: &[u8], written: &[u8]) -> Result<(), LensError> {
    match scheme {
        Scheme::Mark | Scheme::Lines | Scheme::Bytes | Scheme::Re => Ok(()),
        _ => mark::check_pairs(file, written),
    }
}

/// Does the edits: the file is copied once.
pub(crate) fn splice(file: &[u8], edits: &[Edit]) -> Result<Vec<u8>, LensError> {
    let size = check_edits(file, edits)?;
    let mut out = Vec::with_capacity(size);
    let mut from = 0;
    for edit in edits {
        out.extend_from_slice(&file[from..edit.span.start]);
        out.extend_from_slice(&edit.text);
        from = edit.span.end;
    }
    out.extend_from_slice(&file[from..]);
    Ok(out)
}

/// Locates the portion again, and compares it with what was put: by its text, or by its value where the place gives it another format
/// than it came in (a TOML table and an inline table).
fn verify(scheme: Scheme, written: &[u8], expression: &str, put: &Fragment) -> Result<(), LensError> {
    let stands = get(scheme, written, expression).map_err(|error| {
        LensError::Refused(format!("after the edit, `{expression}` could not be found again: {error}"))
    })?;
    let same = if stands.format == put.format {
        stands.text == put.text
    } else {
        stands.format.value(&stands.text)? == put.format.value(&put.text)?
    };
    if same {
        return Ok(());
    }
    Err(LensError::Refused(format!("after the edit, what stands at `{expression}` would not be what was put")))
}

/// See [`Lens::is_removed`].
pub(super) fn is_removed<L: Lens + ?Sized>(lens: &L, before: &[u8], after: &[u8], expression: &str) -> bool {
    match lens.get(after, expression) {
        Err(LensError::Missing { .. }) => true,
        Ok(stands) => next(expression).and_then(|next| lens.get(before, &next).ok()).is_some_and(|was| was == stands),
        Err(_) => false,
    }
}

/// The expression of the item behind this one.
fn next(expression: &str) -> Option<String> {
    let (parent, last) = expression.rsplit_once('/')?;
    Some(format!("{parent}/{}", pointer::index(last)?.checked_add(1)?))
}

/// [`Format::update`] for a format whose fragments are themselves files of `scheme`: step by step through the lens's own put,
/// insert and remove. The text is read anew at every step, so this is for fragments of ordinary size; after many steps the
/// container that holds the rest is better rendered anew, which the caller may do.
///
/// # Errors
/// Those of the lens; [`LensError::Refused`] if the result would not mean `value`.
pub(crate) fn update(scheme: Scheme, format: Format, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
    let lens = scheme.own_lens();
    let standing = format.value(text)?;
    let mut out = text.to_vec();
    for change in changes(&standing, value) {
        let at = pointer::format(&change.path);
        let fragment = |value: &Value| -> Result<Fragment, LensError> {
            let format = lens.format_for(&at, value);
            Ok(Fragment { format, text: format.render(value).map_err(|error| below(&at, error))? })
        };
        let edits = match &change.action {
            Action::Replace(value) => lens.put(&out, &at, &fragment(value)?)?,
            Action::Insert(value) => lens.insert(&out, &at, &fragment(value)?)?,
            Action::Remove => lens.remove(&out, &at)?,
        };
        out = splice(&out, &edits)?;
    }
    check_update(format, &out, value)?;
    Ok(out)
}

/// The error, its path from the root of what is updated and not of the part that was rendered.
fn below(at: &str, error: LensError) -> LensError {
    match error {
        LensError::CannotSay { format, path, what } => {
            LensError::CannotSay { format, path: format!("{at}{path}"), what }
        }
        other => other,
    }
}

/// The safety net of [`Format::update`]: refuses a result that does not mean what was asked.
pub(crate) fn check_update(format: Format, text: &[u8], value: &Value) -> Result<(), LensError> {
    if format.value(text)?.agrees(value) {
        return Ok(());
    }
    Err(LensError::Refused("after the edit, the text would not mean what was put".to_owned()))
}
