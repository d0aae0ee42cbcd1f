//! Three-way merge: what two sides changed since a common base, put together.
//!
//! The rule, in this order:
//!
//! 1. **Lines**, where all three contents are written in the same format under the same mapping, so that comments survive
//!    (`merge/lines.rs`). For text (a marked region, lines, a Markdown section) that is all.
//! 2. **Values**, key by key and item by item, in the group's words (`merge/value.rs`, `maps.rs`, `lists.rs`). Elsewhere than in
//!    text they decide: lines that merge are taken only if the result parses and means what the merge by value says. What
//!    merges by value and not by lines is put into a text key by key, through the format's own insert and remove: into the
//!    lines that do merge, or into what one side wrote.
//!
//! Nothing is guessed. What is not clear is a [`Clash`], and the merge as a whole then waits: [`Merged::Conflict`]. What decides
//! does not depend on which side is called ours, apart from comments that both sides changed in one place: ours' stay in
//! the text, and theirs' are in their version.
//!
//! | both sides | what becomes of it |
//! | --- | --- |
//! | changed different keys, or different items of a list | both |
//! | changed one scalar to the same | that |
//! | changed one scalar differently | [`ClashKind::Edited`]; a text of several lines merges line by line |
//! | removed, and left alone | removed |
//! | removed, and changed | [`ClashKind::OursRemoved`], [`ClashKind::TheirsRemoved`] |
//! | renamed a key, and changed its value | the change, under the new name; a value that is not telling, or that several keys have, clashes |
//! | renamed a key, and removed it | as removed and changed |
//! | renamed a key differently | [`ClashKind::Renamed`] |
//! | added one key | one, if equal; maps that share keys, and agree on all of these, are united, unless some key beside them went on both sides; else [`ClashKind::Added`] |
//! | put items at one place of a list | one, if equal; else [`ClashKind::Inserted`] |
//! | edited neighbouring items, removed one and edited or added its neighbour | both |
//! | replaced some items by more or fewer, and changed one of them or added beside them | [`ClashKind::Edited`] |
//! | moved items of a list | the one order, if only one side moved or both alike; else [`ClashKind::Moved`] |
//! | moved an item of a list, and changed or removed it | with an identity: changed or removed at its new place; else [`ClashKind::Moved`] |
//! | moved something from one map or list to another, and changed it | as removed and changed |
//! | removed the whole portion ([`Format::Absent`]) | as for a part of it: removed if the other side left it alone, else a clash |
//!
//! Items of a list are matched by what they are. In a list of maps all of which, on all sides, have an `id` of their own
//! (or, if not that, a `name`, or a `key`), they are matched by that, so that one may be edited on one side and moved on the other.
//!
//! What one side both renamed (or moved) and changed is not recognised: it is something that went, and something that came. Nothing that was
//! written is lost by that; but if the other side removed it, it stays under its new name.

mod absent;
mod diff;
mod lines;
mod lists;
mod maps;
mod value;
mod write;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use self::lines::LineMerge;
use self::value::{Decide, Likenesses, Merger};
use crate::lens::{Format, Fragment, LensError, MAX_PORTION};
use crate::mapping::Mapping;
use crate::value::Value;

/// One content of a group: a *shared* fragment (what [`Mapping::share`] gives), with the mapping under which it is written.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The content, without what is private to its file.
    pub fragment: &'a Fragment,
    /// From its words to the group's.
    pub mapping: &'a Mapping,
}

impl Side<'_> {
    /// Whether the two are written in the same words: their texts can be compared.
    fn is_like(self, other: Side<'_>) -> bool {
        self.fragment.format == other.fragment.format && self.mapping == other.mapping
    }
}

/// What a merge came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// Both sides' changes, in the format and mapping of ours.
    Clean(Fragment),
    /// What a person has to decide, in the order of ours. Never empty.
    Conflict(Vec<Clash>),
}

/// One place at which the two sides cannot both have their way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// JSON Pointer, in the group's words; empty for the whole, and for text. An index counts in ours' list if the item is there, else in
    /// theirs', else in the base's. A renamed key goes by its old name.
    pub path: String,
    /// Where text was merged by lines: which lines.
    pub lines: Option<LineRanges>,
    /// What happened.
    pub kind: ClashKind,
    /// What stood there; `None` is nothing. Lines are a string without the last line end, or bytes if they are no UTF-8; items
    /// of a list that clash together are a list.
    pub base: Option<Value>,
    /// What ours has there.
    pub ours: Option<Value>,
    /// What theirs has there.
    pub theirs: Option<Value>,
}

/// The lines of a clash on each side, counted from 1, the last one not included. An empty range is a place between lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineRanges {
    /// In the base.
    pub base: Range<usize>,
    /// In ours.
    pub ours: Range<usize>,
    /// In theirs.
    pub theirs: Range<usize>,
}

/// Why two changes cannot both stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClashKind {
    /// Both changed the same thing, differently.
    Edited,
    /// Both added the same key.
    Added,
    /// Both put something at the same place: items of a list, or lines.
    Inserted,
    /// Ours removed what theirs changed.
    OursRemoved,
    /// Theirs removed what ours changed.
    TheirsRemoved,
    /// Both renamed a key.
    Renamed {
        /// To what, in ours.
        ours: String,
        /// To what, in theirs.
        theirs: String,
    },
    /// Both moved items of a list; or one moved what the other changed or removed; or both put the same item into different places.
    Moved,
    /// The merged content could not be written in ours' format without breaking something else: whole sides are left to choose from.
    Unwritable,
}

/// What a person chooses for a clash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// What ours has.
    Ours,
    /// What theirs has.
    Theirs,
    /// What stood there before.
    Base,
    /// Both: ours, then theirs. See [`Clash::allows`].
    Both,
}

impl Clash {
    /// Whether a choice has a meaning here. All have but [`Choice::Both`], which needs two additions that can stand beside each
    /// other: lines, items of a list, or one thing under two names.
    pub fn allows(&self, choice: Choice) -> bool {
        choice != Choice::Both || matches!(self.kind, ClashKind::Inserted | ClashKind::Renamed { .. })
    }
}

impl fmt::Display for ClashKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClashKind::Edited => f.write_str("changed on both sides"),
            ClashKind::Added => f.write_str("added on both sides"),
            ClashKind::Inserted => f.write_str("put at the same place on both sides"),
            ClashKind::OursRemoved => f.write_str("removed in ours, changed in theirs"),
            ClashKind::TheirsRemoved => f.write_str("changed in ours, removed in theirs"),
            ClashKind::Renamed { ours, theirs } => write!(f, "renamed to `{ours}` in ours and to `{theirs}` in theirs"),
            ClashKind::Moved => f.write_str("moved on one side, and moved, changed or removed on the other"),
            ClashKind::Unwritable => f.write_str("the merged content cannot be written"),
        }
    }
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = |range: &Range<usize>| match range.len() {
            0 => format!("before line {}", range.start),
            1 => format!("line {}", range.start),
            _ => format!("lines {} to {}", range.start, range.end - 1),
        };
        match &self.lines {
            Some(lines) => write!(f, "{} in ours, {} in theirs: ", span(&lines.ours), span(&lines.theirs))?,
            None if self.path.is_empty() => f.write_str("the whole: ")?,
            None => write!(f, "`{}`: ", self.path)?,
        }
        write!(f, "{}", self.kind)
    }
}

/// Puts together what `ours` and `theirs` changed since `base`. The three may have different formats and mappings; the result has
/// those of `ours`, and its text where nothing else changed. The same three contents always give the same answer, and whether it is clean
/// does not depend on which side is which.
///
/// # Errors
/// [`LensError::Unparsable`] if one of the three does not parse, [`LensError::TooLarge`] if it is over [`MAX_PORTION`], and
/// [`LensError::CannotSay`] if ours' format or mapping cannot say what theirs changed; the other way about it may.
pub fn merge(base: Side<'_>, ours: Side<'_>, theirs: Side<'_>) -> Result<Merged, LensError> {
    let mut clashes = Vec::new();
    let mut leave = |clash: &Clash| {
        clashes.push(clash.clone());
        None
    };
    let merged = merged(base, ours, theirs, &mut leave)?;
    Ok(merged.map_or(Merged::Conflict(clashes), Merged::Clean))
}

/// [`merge`], with a person's choice for each clash. `choose` is asked for them in the order in which [`merge`] tells them; a choice can bring up no new
/// ones but [`ClashKind::Unwritable`], at the end.
///
/// # Errors
/// Those of [`merge`]; [`LensError::Refused`] for [`Choice::Both`] where [`Clash::allows`] denies it, and where what was chosen cannot be
/// written.
pub fn merge_choosing(
    base: Side<'_>,
    ours: Side<'_>,
    theirs: Side<'_>,
    choose: &mut dyn FnMut(&Clash) -> Choice,
) -> Result<Fragment, LensError> {
    let merged = merged(base, ours, theirs, &mut |clash| Some(choose(clash)))?;
    merged.ok_or_else(|| LensError::Refused("a clash was left open".to_owned()))
}

/// Puts values together that have no text. Beside the value, in which each clash stands as in ours, come the clashes.
pub fn merge_values(base: &Value, ours: &Value, theirs: &Value) -> (Value, Vec<Clash>) {
    let mut clashes = Vec::new();
    let mut leave = |clash: &Clash| {
        clashes.push(clash.clone());
        None
    };
    let value = Merger::new(Likenesses::EXACT, &mut leave).node(Some(base), Some(ours), Some(theirs));
    (value.unwrap_or_else(|| ours.clone()), clashes)
}

/// The merge; `None` if `decide` left a clash open.
fn merged(
    base: Side<'_>,
    ours: Side<'_>,
    theirs: Side<'_>,
    decide: &mut Decide<'_>,
) -> Result<Option<Fragment>, LensError> {
    let tidied = [tidied(base)?, tidied(ours)?, tidied(theirs)?];
    let [base, ours, theirs] = [(&tidied[0], base), (&tidied[1], ours), (&tidied[2], theirs)]
        .map(|(fragment, side)| Side { fragment, mapping: side.mapping });
    if absent::is_among([base, ours, theirs]) {
        return absent::merged(base, ours, theirs, decide);
    }
    let formats = [base, ours, theirs].map(|side| side.fragment.format);
    if formats == [formats[1]; 3] && is_text([base, ours, theirs]) {
        return merged_lines(base, ours, theirs, decide);
    }
    let value = |side: Side<'_>| side.mapping.value(side.fragment);
    let values = [value(base)?, value(ours)?, value(theirs)?];
    let mut merger = Merger::new(Likenesses::of(formats[0], formats[1], formats[2]), decide);
    let value = merger.node(Some(&values[0]), Some(&values[1]), Some(&values[2]));
    if let Some(path) = merger.impossible {
        return Err(LensError::Refused(format!("`{path}` cannot hold what both sides have")));
    }
    if merger.is_open {
        return Ok(None);
    }
    let value = value.unwrap_or_else(|| values[1].clone());
    match (write::Writer { base, ours, theirs, values: &values }).written(&value) {
        Err(LensError::Refused(_)) => {}
        // Each side says its own; it is what they have together that cannot be said.
        Err(LensError::CannotSay { .. }) if theirs.is_like(ours) => {}
        other => return other.map(Some),
    }
    let [b, o, t] = &values;
    Ok(match unwritable(decide, b, o, t)? {
        None => None,
        Some(Whole::Ours) => Some(ours.fragment.clone()),
        Some(Whole::Theirs) => Some(write::put(ours, t, theirs)?),
        Some(Whole::Base) => Some(write::put(ours, b, base)?),
    })
}

/// One of the three contents, as it is.
enum Whole {
    Base,
    Ours,
    Theirs,
}

/// Asks which content is to be taken whole; `None` if that is left open.
fn unwritable(decide: &mut Decide<'_>, base: &Value, ours: &Value, theirs: &Value) -> Result<Option<Whole>, LensError> {
    let [base, ours, theirs] = [base, ours, theirs].map(|value| Some(value.clone()));
    let clash = Clash { path: String::new(), lines: None, kind: ClashKind::Unwritable, base, ours, theirs };
    Ok(match decide(&clash) {
        None => None,
        Some(Choice::Base) => Some(Whole::Base),
        Some(Choice::Ours) => Some(Whole::Ours),
        Some(Choice::Theirs) => Some(Whole::Theirs),
        Some(Choice::Both) => return Err(LensError::Refused("both contents cannot be taken whole".to_owned())),
    })
}

/// Whether lines alone decide: text of a person. Bytes are text where there is no NUL in them.
fn is_text(sides: [Side<'_>; 3]) -> bool {
    match sides[0].fragment.format {
        Format::Bytes => sides.iter().all(|side| memchr::memchr(0, &side.fragment.text).is_none()),
        format => format.is_text(),
    }
}

fn merged_lines(
    base: Side<'_>,
    ours: Side<'_>,
    theirs: Side<'_>,
    decide: &mut Decide<'_>,
) -> Result<Option<Fragment>, LensError> {
    let format = ours.fragment.format;
    let [b, o, t] = [base, ours, theirs].map(|side| &side.fragment.text[..]);
    // A content as one side has it is no work of a machine.
    if o == t || b == t {
        return Ok(Some(ours.fragment.clone()));
    }
    if b == o {
        return Ok(Some(theirs.fragment.clone()));
    }
    let mut is_open = false;
    let mut impossible = false;
    let text = LineMerge::new(b, o, t).map(|lines| {
        lines.written(|clash| {
            let choice = decide(clash);
            is_open |= choice.is_none();
            impossible |= choice == Some(Choice::Both) && !clash.allows(Choice::Both);
            choice.unwrap_or(Choice::Ours)
        })
    });
    if impossible {
        return Err(LensError::Refused("the lines of both sides cannot stand beside each other".to_owned()));
    }
    if is_open {
        return Ok(None);
    }
    if let Some(text) = text {
        // What a person would see at once, such as two headings where one was, is not for a machine to write.
        let text = format.tidy(&text).map(Cow::into_owned);
        if let Some(text) = text.ok().filter(|text| format.stands_alone(text)) {
            return Ok(Some(Fragment { format, text }));
        }
    }
    let whole = |text: &[u8]| lines::text_or_bytes(text.to_vec());
    let chosen = match unwritable(decide, &whole(b), &whole(o), &whole(t))? {
        None => return Ok(None),
        Some(Whole::Base) => base,
        Some(Whole::Ours) => ours,
        Some(Whole::Theirs) => theirs,
    };
    Ok(Some(chosen.fragment.clone()))
}

/// The content as a lens would tell it.
fn tidied(side: Side<'_>) -> Result<Cow<'_, Fragment>, LensError> {
    let Fragment { format, text } = side.fragment;
    if text.len() > MAX_PORTION {
        let (is, most) = (text.len() >> 20, MAX_PORTION >> 20);
        return Err(LensError::TooLarge(format!("the portion has {is} MiB; at most {most} MiB are allowed")));
    }
    let tidy = format.tidy(text)?;
    if *tidy == text[..] {
        return Ok(Cow::Borrowed(side.fragment));
    }
    Ok(Cow::Owned(Fragment { format: *format, text: tidy.into_owned() }))
}
