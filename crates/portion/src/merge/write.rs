//! A merged value, written into what stands: what is equal is not touched, so that comments, order and style stay.

use super::lines::LineMerge;
use super::{Choice, Side};
use crate::lens::{Fragment, LensError};
use crate::value::{Likeness, Value};

/// The three contents of a merge that is clean by value.
pub(super) struct Writer<'a> {
    pub(super) base: Side<'a>,
    pub(super) ours: Side<'a>,
    pub(super) theirs: Side<'a>,
    /// Those of base, ours and theirs.
    pub(super) values: &'a [Value; 3],
}

impl Writer<'_> {
    /// The fragment that means `value`, in ours' format. The first of these that is one: the merged lines; the lines as far
    /// as they merge, elsewhere those of the side that changed only comments, with the value put into them; ours with
    /// the value put into it; theirs, likewise. Nothing is written anew: comments would be lost, and what a value cannot tell.
    ///
    /// # Errors
    /// [`LensError::CannotSay`] if ours' format or mapping cannot say it; [`LensError::Refused`] if no text was found.
    pub(super) fn written(&self, value: &Value) -> Result<Fragment, LensError> {
        let (ours, theirs) = (self.ours, self.theirs);
        let exact = theirs.is_like(ours) && self.base.is_like(ours);
        if exact && let Some(fragment) = self.by_lines(value) {
            return Ok(fragment);
        }
        let mut refused = None;
        let mut take = |written: Result<Fragment, LensError>| match written {
            Ok(fragment) if self.means(&fragment, value, exact) => Some(fragment),
            Ok(_) => None,
            Err(error) => {
                refused.get_or_insert(error);
                None
            }
        };
        if let Some(fragment) = take(put(ours, value, theirs)) {
            return Ok(fragment);
        }
        if theirs.is_like(ours)
            && let Some(fragment) = take(put(theirs, value, ours))
        {
            return Ok(fragment);
        }
        Err(match refused {
            Some(error @ LensError::CannotSay { .. }) => error,
            _ => LensError::Refused("no text was found that says what both sides changed".to_owned()),
        })
    }

    /// By the lines of three contents that are written alike.
    fn by_lines(&self, value: &Value) -> Option<Fragment> {
        let [base, ours, theirs] = [self.base, self.ours, self.theirs].map(|side| &side.fragment.text[..]);
        let format = self.ours.fragment.format;
        let only = |text: &[u8]| Fragment { format, text: text.to_vec() };
        if ours == theirs || base == theirs {
            return Some(only(ours));
        }
        if base == ours {
            return Some(only(theirs));
        }
        let lines = LineMerge::new(base, ours, theirs)?;
        if let Some(text) = lines.clean() {
            let fragment = only(&text);
            if self.means(&fragment, value, true) {
                return Some(fragment);
            }
        }
        let theirs_only_commented = self.values[0] == self.values[2] && self.values[0] != self.values[1];
        let keep = if theirs_only_commented { Choice::Theirs } else { Choice::Ours };
        let text = lines.written(|_| keep);
        let fragment = self.ours.mapping.update_alike(&only(&text), value, Likeness::Exact).ok()?;
        self.means(&fragment, value, true).then_some(fragment)
    }

    /// Whether the fragment is one that a lens could tell, and means `value`.
    fn means(&self, fragment: &Fragment, value: &Value, exact: bool) -> bool {
        let is_tidy = fragment.format.tidy(&fragment.text).is_ok_and(|tidy| *tidy == *fragment.text);
        let means = self.ours.mapping.value(fragment);
        is_tidy && means.is_ok_and(|means| if exact { means == *value } else { means.agrees(value) })
    }
}

/// Puts a value of the group's words, which may come from `other`, into a content.
///
/// # Errors
/// Those of [`Mapping::update`](crate::Mapping::update).
pub(super) fn put(side: Side<'_>, value: &Value, other: Side<'_>) -> Result<Fragment, LensError> {
    side.mapping.update_alike(side.fragment, value, side.fragment.format.likeness(other.fragment.format))
}
