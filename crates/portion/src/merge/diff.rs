//! The differences between two lists of numbered items, as hunks.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// The most lines of a text, or items of a list, that are compared one by one. A longer one is taken as a whole.
pub(super) const MAX_ITEMS: usize = 1 << 20;

/// A part of the base that stands differently on one side. At least one of the two ranges holds something, and between two hunks
/// stands at least one item that is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hunk {
    pub(super) base: Range<usize>,
    pub(super) side: Range<usize>,
}

/// The items of three lists by number: equal ones have one number. `None` if a list is longer than [`MAX_ITEMS`].
pub(super) fn numbered<T: Eq + Hash>(lists: [Vec<T>; 3]) -> Option<[Vec<u32>; 3]> {
    if lists.iter().any(|list| list.len() > MAX_ITEMS) {
        return None;
    }
    let mut known = HashMap::new();
    Some(lists.map(|list| {
        let number = |item| {
            let next = known.len() as u32;
            *known.entry(item).or_insert(next)
        };
        list.into_iter().map(number).collect()
    }))
}

/// What changed from `base` to `side`, in order. The search is bounded: for lists that differ very much the hunks are not the
/// fewest possible. Where equal items leave it open which of them came or went, it is the last ones that can be meant, as with git.
pub(super) fn hunks(base: &[u32], side: &[u32]) -> Vec<Hunk> {
    let mut out: Vec<Hunk> = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, base, side) {
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        let (base, side) = (op.old_range(), op.new_range());
        match out.last_mut() {
            Some(last) if last.base.end == base.start && last.side.end == side.start => {
                last.base.end = base.end;
                last.side.end = side.end;
            }
            _ => out.push(Hunk { base, side }),
        }
    }
    slide(&mut out, base, side);
    out
}

/// Moves what only came or only went towards the end, past equal items, as far as the next hunk leaves room.
fn slide(hunks: &mut [Hunk], base: &[u32], side: &[u32]) {
    let mut next = (base.len(), side.len());
    for hunk in hunks.iter_mut().rev() {
        // Between two hunks one item stays.
        let room = if next.0 == base.len() && next.1 == side.len() {
            next.0 - hunk.base.end
        } else {
            (next.0 - hunk.base.end).saturating_sub(1)
        };
        let (items, range) = match (hunk.base.is_empty(), hunk.side.is_empty()) {
            (true, _) => (side, hunk.side.clone()),
            (_, true) => (base, hunk.base.clone()),
            _ => {
                next = (hunk.base.start, hunk.side.start);
                continue;
            }
        };
        let by = (0..room).take_while(|by| items[range.start + by] == items[range.end + by]).count();
        for range in [&mut hunk.base, &mut hunk.side] {
            *range = range.start + by..range.end + by;
        }
        next = (hunk.base.start, hunk.side.start);
    }
}
