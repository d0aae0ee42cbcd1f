//! Where one of the three contents is none: the portion was removed as a whole, or was not there before.

use super::{Choice, Clash, ClashKind, Decide, Side, write};
use crate::lens::{Format, Fragment, LensError};
use crate::value::Value;

/// Whether one of them is none.
pub(super) fn is_among(sides: [Side<'_>; 3]) -> bool {
    sides.iter().any(|side| side.fragment.format == Format::Absent)
}

/// The merge of contents of which one at least is none; `None` if `decide` left the clash open. Where only one side did something that is
/// done; a removal against an edit is for a person.
pub(super) fn merged(
    base: Side<'_>,
    ours: Side<'_>,
    theirs: Side<'_>,
    decide: &mut Decide<'_>,
) -> Result<Option<Fragment>, LensError> {
    let value = |side: Side<'_>| match side.fragment.format {
        Format::Absent => Ok(None),
        _ => side.mapping.value(side.fragment).map(Some),
    };
    let [b, o, t] = [value(base)?, value(ours)?, value(theirs)?];
    if o == t || b == t {
        return Ok(Some(ours.fragment.clone()));
    }
    if b == o {
        return as_ours(ours, theirs, t.as_ref()).map(Some);
    }
    let kind = match (&b, &o, &t) {
        (_, None, _) => ClashKind::OursRemoved,
        (_, _, None) => ClashKind::TheirsRemoved,
        _ => ClashKind::Added,
    };
    let clash = Clash { path: String::new(), lines: None, kind, base: b, ours: o, theirs: t };
    let chosen = match decide(&clash) {
        None => return Ok(None),
        Some(Choice::Ours) => return Ok(Some(ours.fragment.clone())),
        Some(Choice::Theirs) => (theirs, &clash.theirs),
        Some(Choice::Base) => (base, &clash.base),
        Some(Choice::Both) => return Err(LensError::Refused("both contents cannot be taken whole".to_owned())),
    };
    as_ours(ours, chosen.0, chosen.1.as_ref()).map(Some)
}

/// A whole content in ours' format and mapping. Where ours is none it keeps its format, in the group's words.
fn as_ours(ours: Side<'_>, side: Side<'_>, value: Option<&Value>) -> Result<Fragment, LensError> {
    let Some(value) = value else { return Ok(Fragment { format: Format::Absent, text: Vec::new() }) };
    if side.is_like(ours) || (ours.fragment.format == Format::Absent && side.mapping.is_identity()) {
        return Ok(side.fragment.clone());
    }
    if ours.fragment.format != Format::Absent {
        return write::put(ours, value, side);
    }
    let format = side.fragment.format;
    Ok(Fragment { format, text: format.render(value)? })
}
