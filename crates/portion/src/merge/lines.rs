//! Line by line: what each side changed, put together.
//!
//! As git does it: changes of the two sides that touch (no line that both left alone stands between them) are one region, which
//! merges only if both sides made the same of it. Whether the last line has a line end is merged by itself, so that a text
//! without one never has two lines glued together.

use std::ops::Range;

use super::diff::{hunks, numbered};
use super::{Choice, Clash, ClashKind, LineRanges};
use crate::value::Value;

/// A text in lines, without their line ends.
struct Text<'a> {
    lines: Vec<&'a [u8]>,
    /// Whether the last line has a line end. An empty text has no line that lacks one.
    ended: bool,
}

impl<'a> Text<'a> {
    fn new(text: &'a [u8]) -> Self {
        let ended = text.is_empty() || text.ends_with(b"\n");
        let body = text.strip_suffix(b"\n").unwrap_or(text);
        let lines = if text.is_empty() { Vec::new() } else { body.split(|b| *b == b'\n').collect() };
        Text { lines, ended }
    }
}

/// Who changed a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Changed {
    /// Nobody, ours, or both alike: it stands in ours.
    Ours,
    Theirs,
    /// Both, differently.
    Clash,
}

/// A run of lines in the three texts.
struct Region {
    base: Range<usize>,
    ours: Range<usize>,
    theirs: Range<usize>,
    changed: Changed,
}

/// The merge of three texts.
pub(super) struct LineMerge<'a> {
    base: Text<'a>,
    ours: Text<'a>,
    theirs: Text<'a>,
    regions: Vec<Region>,
}

impl<'a> LineMerge<'a> {
    /// `None` if there are more lines than are compared.
    pub(super) fn new(base: &'a [u8], ours: &'a [u8], theirs: &'a [u8]) -> Option<Self> {
        let (base, ours, theirs) = (Text::new(base), Text::new(ours), Text::new(theirs));
        let [b, o, t] = numbered([base.lines.clone(), ours.lines.clone(), theirs.lines.clone()])?;
        Some(LineMerge { regions: regions(&b, &o, &t), base, ours, theirs })
    }

    /// The merged text, if no region clashes.
    pub(super) fn clean(&self) -> Option<Vec<u8>> {
        let clashes = self.regions.iter().any(|region| region.changed == Changed::Clash);
        (!clashes).then(|| self.written(|_| Choice::Ours))
    }

    /// The merged text; `choose` decides about each region that clashes.
    pub(super) fn written(&self, mut choose: impl FnMut(&Clash) -> Choice) -> Vec<u8> {
        let mut lines: Vec<&[u8]> = Vec::new();
        for region in &self.regions {
            let (base, ours, theirs) = (
                &self.base.lines[region.base.clone()],
                &self.ours.lines[region.ours.clone()],
                &self.theirs.lines[region.theirs.clone()],
            );
            let choice = match region.changed {
                Changed::Ours => Choice::Ours,
                Changed::Theirs => Choice::Theirs,
                Changed::Clash => choose(&self.clash(region)),
            };
            match choice {
                Choice::Base => lines.extend(base),
                Choice::Ours => lines.extend(ours),
                Choice::Theirs => lines.extend(theirs),
                Choice::Both => lines.extend(ours.iter().chain(theirs)),
            }
        }
        let ended = if self.ours.ended == self.base.ended { self.theirs.ended } else { self.ours.ended };
        let mut out = lines.join(&b'\n');
        // An empty last line without a line end would be none.
        if lines.last().is_some_and(|last| ended || last.is_empty()) {
            out.push(b'\n');
        }
        out
    }

    fn clash(&self, region: &Region) -> Clash {
        let place = |range: &Range<usize>| range.start + 1..range.end + 1;
        let kind = match (region.base.is_empty(), region.ours.is_empty(), region.theirs.is_empty()) {
            (true, ..) => ClashKind::Inserted,
            (_, true, _) => ClashKind::OursRemoved,
            (_, _, true) => ClashKind::TheirsRemoved,
            _ => ClashKind::Edited,
        };
        Clash {
            path: String::new(),
            lines: Some(LineRanges {
                base: place(&region.base),
                ours: place(&region.ours),
                theirs: place(&region.theirs),
            }),
            kind,
            base: content(&self.base.lines[region.base.clone()]),
            ours: content(&self.ours.lines[region.ours.clone()]),
            theirs: content(&self.theirs.lines[region.theirs.clone()]),
        }
    }
}

/// Lines as a value: text if it is some, else bytes. `None` if there are none.
fn content(lines: &[&[u8]]) -> Option<Value> {
    if lines.is_empty() {
        return None;
    }
    Some(text_or_bytes(lines.join(&b'\n')))
}

/// Text if it is some, else bytes.
pub(super) fn text_or_bytes(bytes: Vec<u8>) -> Value {
    String::from_utf8(bytes).map_or_else(|error| Value::Bytes(error.into_bytes()), Value::String)
}

/// Three texts of several lines each as one, where that is clean.
pub(super) fn merged_text(base: &str, ours: &str, theirs: &str) -> Option<String> {
    if ![base, ours, theirs].iter().all(|text| text.contains('\n')) {
        return None;
    }
    String::from_utf8(LineMerge::new(base.as_bytes(), ours.as_bytes(), theirs.as_bytes())?.clean()?).ok()
}

fn regions(base: &[u32], ours: &[u32], theirs: &[u32]) -> Vec<Region> {
    let mut ours_hunks = hunks(base, ours).into_iter().peekable();
    let mut theirs_hunks = hunks(base, theirs).into_iter().peekable();
    let mut out = Vec::new();
    let mut at = (0, 0, 0);
    loop {
        let starts = [ours_hunks.peek(), theirs_hunks.peek()].into_iter().flatten().map(|hunk| hunk.base.start).min();
        let start = starts.unwrap_or(base.len());
        let same = start - at.0;
        if same > 0 {
            let (ours, theirs) = (at.1..at.1 + same, at.2..at.2 + same);
            out.push(Region { base: at.0..start, ours, theirs, changed: Changed::Ours });
            at = (start, at.1 + same, at.2 + same);
        }
        if starts.is_none() {
            return out;
        }
        // All hunks that touch, whichever side's.
        let mut end = start;
        let (mut from_ours, mut from_theirs) = (None, None);
        loop {
            if let Some(hunk) = ours_hunks.next_if(|hunk| hunk.base.start <= end) {
                end = end.max(hunk.base.end);
                from_ours = Some(hunk);
            } else if let Some(hunk) = theirs_hunks.next_if(|hunk| hunk.base.start <= end) {
                end = end.max(hunk.base.end);
                from_theirs = Some(hunk);
            } else {
                break;
            }
        }
        // Behind its last hunk a side stands as the base does.
        let side_end = |last: &Option<super::diff::Hunk>, at: usize| match last {
            Some(hunk) => hunk.side.end + (end - hunk.base.end),
            None => at + (end - start),
        };
        let (ours_end, theirs_end) = (side_end(&from_ours, at.1), side_end(&from_theirs, at.2));
        let changed = match (from_ours, from_theirs) {
            (Some(_), Some(_)) if ours[at.1..ours_end] != theirs[at.2..theirs_end] => Changed::Clash,
            (None, _) => Changed::Theirs,
            _ => Changed::Ours,
        };
        out.push(Region { base: at.0..end, ours: at.1..ours_end, theirs: at.2..theirs_end, changed });
        at = (end, ours_end, theirs_end);
    }
}
