//! Item by item.
//!
//! Items are matched by what they are, or, in lists of maps that all have an `id` (or `name`, or `key`) of their own, by that. What
//! an item is edited to in its place, and what goes, is settled item by item; what comes in has a place between two items of the
//! base, and only one side may put something there.

use std::collections::{HashMap, HashSet};
use std::iter::Peekable;
use std::ops::Range;

use super::diff::{Hunk, hunks, numbered};
use super::value::Merger;
use super::{Choice, ClashKind};
use crate::value::{IDENTIFYING, Value, is_told_by};

/// Items that came in, or that stand for others.
#[derive(Debug)]
struct Block {
    /// From the first to the last gap of the base that it takes. Gap `i` is before item `i`.
    gaps: (usize, usize),
    side: Range<usize>,
    /// Whether it stands for the items between its gaps, and it cannot be told which for which.
    replaces: bool,
}

/// How one side's list stands to the base's.
struct Layout {
    /// For each item of the base, its index on the side; `None` if it went.
    items: Vec<Option<usize>>,
    /// For each gap of the base, where on the side it starts and ends.
    gaps: Vec<(usize, usize)>,
}

impl Layout {
    /// The layout of a side with so many items, and what came in or stands for others, in order.
    fn new(base: usize, side: usize, hunks: &[Hunk], by_identity: bool) -> (Layout, Vec<Block>) {
        let mut layout = Layout { items: vec![None; base], gaps: vec![(0, 0); base + 1] };
        let mut blocks = Vec::new();
        let mut at = 0;
        let end = Hunk { base: base..base, side: side..side };
        for Hunk { base, side } in hunks.iter().cloned().chain([end]) {
            let shift = side.start.wrapping_sub(base.start);
            for item in at..base.start {
                let index = item.wrapping_add(shift);
                layout.items[item] = Some(index);
                layout.gaps[item + 1] = (index + 1, index + 1);
            }
            at = base.end;
            blocks.extend(layout.add(base, side, by_identity));
        }
        (layout, blocks)
    }

    fn add(&mut self, base: Range<usize>, side: Range<usize>, by_identity: bool) -> Option<Block> {
        let (from, to) = (base.start, base.end);
        if base.len() == side.len() && !by_identity {
            // Each is edited in its place.
            for (item, index) in base.zip(side) {
                self.items[item] = Some(index);
                self.gaps[item + 1] = (index + 1, index + 1);
            }
            return None;
        }
        self.gaps[from].1 = if by_identity || from == to { side.end } else { side.start };
        for gap in from + 1..=to {
            self.gaps[gap] = (if by_identity { side.start } else { side.end }, side.end);
        }
        let replaces = from < to && !by_identity;
        (!side.is_empty()).then_some(Block { gaps: (from, to), side, replaces })
    }

    /// Where on the side that stands which the base has between two gaps, and in them.
    fn between(&self, (from, to): (usize, usize)) -> Range<usize> {
        self.gaps[from].0..self.gaps[to].1
    }
}

/// Blocks whose gaps meet.
struct Cluster {
    gaps: (usize, usize),
    ours: Vec<Block>,
    theirs: Vec<Block>,
}

/// The three lists, with equal items numbered equally.
struct Lists<'a> {
    base: &'a [Value],
    ours: &'a [Value],
    theirs: &'a [Value],
    numbers: [Vec<u32>; 3],
    /// What changed in ours, and in theirs.
    hunks: [Vec<Hunk>; 2],
    by_identity: bool,
    /// Whether an item that came on both sides cannot be one that went on both, under another name.
    may_unite: bool,
}

impl Merger<'_> {
    /// Three lists as one.
    pub(super) fn lists(&mut self, base: &Value, ours: &Value, theirs: &Value) -> Option<Value> {
        let (Value::Sequence(b), Value::Sequence(o), Value::Sequence(t)) = (base, ours, theirs) else {
            return self.whole(Some(base), Some(ours), Some(theirs));
        };
        let Some(lists) = self.numbered(b, o, t) else {
            return self.whole(Some(base), Some(ours), Some(theirs));
        };
        let (ours_moved, theirs_moved) = (lists.moved(1), lists.moved(2));
        let is_moved = !ours_moved.is_empty() || !theirs_moved.is_empty();
        let merged = if lists.by_identity && is_moved {
            self.reordered(&lists, &ours_moved, &theirs_moved)
        } else if is_moved && !lists.same_order() && lists.moves_meet(&ours_moved, &theirs_moved) {
            None
        } else {
            self.combined(&lists)
        };
        if let Some(items) = merged {
            return Some(Value::Sequence(items));
        }
        let values = [base, ours, theirs].map(|value| Some(value.clone()));
        let [b, o, t] = values.clone();
        let [base, ours, theirs] = values;
        match self.clash(ClashKind::Moved, b, o, t) {
            Choice::Base => base,
            Choice::Theirs => theirs,
            Choice::Ours | Choice::Both => ours,
        }
    }

    fn numbered<'a>(&mut self, base: &'a [Value], ours: &'a [Value], theirs: &'a [Value]) -> Option<Lists<'a>> {
        let all = [base, ours, theirs];
        for key in IDENTIFYING.into_iter().filter(|key| is_told_by(all, key)) {
            let telling =
                all.map(|list| list.iter().map(|item| self.digest(item.child(key).unwrap_or(item))).collect());
            let numbers = numbered(telling)?;
            if numbers.iter().all(|list| is_distinct(list)) {
                return Some(Lists::new(all, numbers, true));
            }
        }
        let numbers = numbered(all.map(|list| list.iter().map(|item| self.digest(item)).collect()))?;
        Some(Lists::new(all, numbers, false))
    }

    /// Nothing moved. `None` if both sides put the same item into different places.
    fn combined(&mut self, lists: &Lists<'_>) -> Option<Vec<Value>> {
        let [base, ours, theirs] = [lists.base.len(), lists.ours.len(), lists.theirs.len()];
        let (ours, ours_blocks) = Layout::new(base, ours, &lists.hunks[0], lists.by_identity);
        let (theirs, theirs_blocks) = Layout::new(base, theirs, &lists.hunks[1], lists.by_identity);
        let clusters = clusters(ours_blocks, theirs_blocks);
        if lists.came_twice(&clusters) {
            return None;
        }
        let mut out = Vec::with_capacity(lists.ours.len());
        let mut at = 0;
        for cluster in clusters {
            for item in at..cluster.gaps.0 {
                self.item(lists, item, &ours, &theirs, &mut out);
            }
            let (from, to) = cluster.gaps;
            // One side's alone, where the other left those items that it stands for, or beside which it came when they went.
            let alone = match (&cluster.ours[..], &cluster.theirs[..]) {
                ([block], []) if lists.stands(&theirs, 2, from..to) => Some((block, lists.ours)),
                ([], [block]) if lists.stands(&ours, 1, from..to) => Some((block, lists.theirs)),
                _ => None,
            };
            if let Some((block, side)) = alone {
                out.extend_from_slice(&side[block.side.clone()]);
                at = if block.replaces { to } else { from };
            } else {
                let (ours, theirs) = (ours.between(cluster.gaps), theirs.between(cluster.gaps));
                self.region(lists, from..to, ours, theirs, &mut out);
                at = to;
            }
        }
        for item in at..lists.base.len() {
            self.item(lists, item, &ours, &theirs, &mut out);
        }
        Some(out)
    }

    fn item(&mut self, lists: &Lists<'_>, item: usize, ours: &Layout, theirs: &Layout, out: &mut Vec<Value>) {
        let (ours, theirs) = (ours.items[item], theirs.items[item]);
        self.path.push(ours.or(theirs).unwrap_or(item).to_string());
        let ours = ours.map(|index| &lists.ours[index]);
        let theirs = theirs.map(|index| &lists.theirs[index]);
        out.extend(self.node(Some(&lists.base[item]), ours, theirs));
        self.path.pop();
    }

    /// What both sides made of the same place.
    fn region(
        &mut self,
        lists: &Lists<'_>,
        base: Range<usize>,
        ours: Range<usize>,
        theirs: Range<usize>,
        out: &mut Vec<Value>,
    ) {
        let same = lists.numbers[1][ours.clone()] == lists.numbers[2][theirs.clone()];
        let at = ours.start;
        let (base, ours, theirs) = (&lists.base[base], &lists.ours[ours], &lists.theirs[theirs]);
        if same {
            for (offset, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                self.path.push((at + offset).to_string());
                out.extend(self.added(ours, theirs, lists.may_unite));
                self.path.pop();
            }
            return;
        }
        let kind = match (base, ours, theirs) {
            ([], ..) => ClashKind::Inserted,
            (_, [], _) => ClashKind::OursRemoved,
            (.., []) => ClashKind::TheirsRemoved,
            _ => ClashKind::Edited,
        };
        let items = |items: &[Value]| (!items.is_empty()).then(|| Value::Sequence(items.to_vec()));
        self.path.push(at.to_string());
        let choice = self.clash(kind, items(base), items(ours), items(theirs));
        self.path.pop();
        match choice {
            Choice::Base => out.extend_from_slice(base),
            Choice::Ours => out.extend_from_slice(ours),
            Choice::Theirs => out.extend_from_slice(theirs),
            Choice::Both => out.extend(ours.iter().chain(theirs).cloned()),
        }
    }

    /// One side (or both, alike) changed the order of items that have an identity: theirs is the order. `None` if it is not clear where
    /// something belongs.
    fn reordered(
        &mut self,
        lists: &Lists<'_>,
        ours_moved: &HashSet<u32>,
        theirs_moved: &HashSet<u32>,
    ) -> Option<Vec<Value>> {
        let by_ours = !ours_moved.is_empty();
        if by_ours && !theirs_moved.is_empty() && !lists.same_order() {
            return None;
        }
        let [base, ours, theirs] = &lists.numbers;
        let (order, other) = if by_ours { (ours, theirs) } else { (theirs, ours) };
        let known = |list: &[u32]| list.iter().enumerate().map(|(at, id)| (*id, at)).collect::<HashMap<u32, usize>>();
        let (base_at, ours_at, theirs_at) = (known(base), known(ours), known(theirs));
        let in_order: HashSet<u32> = order.iter().copied().collect();
        let is_new = |id: &u32| !base_at.contains_key(id) && !in_order.contains(id);
        let mut behind: HashMap<Option<u32>, Vec<u32>> = HashMap::new();
        let mut before = None;
        for id in other {
            if is_new(id) {
                behind.entry(before).or_default().push(*id);
            } else {
                before = Some(*id);
            }
        }
        let came = |id: &u32| !base_at.contains_key(id) && ours_at.contains_key(id) != theirs_at.contains_key(id);
        let misplaced = behind.keys().flatten().any(|before| !in_order.contains(before));
        if misplaced || (!behind.is_empty() && order.iter().any(came)) {
            return None;
        }
        let mut all: Vec<u32> = behind.remove(&None).unwrap_or_default();
        for id in order {
            all.push(*id);
            all.extend(behind.remove(&Some(*id)).unwrap_or_default());
        }
        // What the order has no place for went, on that side.
        all.extend(base.iter().filter(|id| !in_order.contains(id)));
        let mut out = Vec::with_capacity(all.len());
        for id in all {
            let b = base_at.get(&id).map(|at| &lists.base[*at]);
            let o = ours_at.get(&id).map(|at| &lists.ours[*at]);
            let t = theirs_at.get(&id).map(|at| &lists.theirs[*at]);
            let index = ours_at.get(&id).or(theirs_at.get(&id)).or(base_at.get(&id)).copied().unwrap_or(0);
            self.path.push(index.to_string());
            out.extend(match (b, o, t) {
                (None, Some(ours), Some(theirs)) => self.added(ours, theirs, lists.may_unite),
                _ => self.node(b, o, t),
            });
            self.path.pop();
        }
        Some(out)
    }
}

impl<'a> Lists<'a> {
    fn new([base, ours, theirs]: [&'a [Value]; 3], numbers: [Vec<u32>; 3], by_identity: bool) -> Lists<'a> {
        let hunks = [hunks(&numbers[0], &numbers[1]), hunks(&numbers[0], &numbers[2])];
        let [ours_has, theirs_has] = [1, 2].map(|side: usize| numbers[side].iter().collect::<HashSet<&u32>>());
        let may_unite = numbers[0].iter().all(|id| ours_has.contains(id) || theirs_has.contains(id));
        Lists { base, ours, theirs, numbers, hunks, by_identity, may_unite }
    }

    /// What a side (1 or 2) moved. Items that have an identity: all of them, if the order of those that stayed is another. Others: what
    /// went from one place and came at another.
    fn moved(&self, which: usize) -> HashSet<u32> {
        let (base, side) = (&self.numbers[0], &self.numbers[which]);
        if self.by_identity {
            let places: HashMap<u32, usize> = base.iter().enumerate().map(|(at, id)| (*id, at)).collect();
            let is_moved = !side.iter().filter_map(|id| places.get(id)).is_sorted();
            return if is_moved { side.iter().copied().collect() } else { HashSet::new() };
        }
        let hunks = &self.hunks[which - 1];
        let gone: HashSet<u32> = hunks.iter().flat_map(|hunk| &base[hunk.base.clone()]).copied().collect();
        hunks.iter().flat_map(|hunk| &side[hunk.side.clone()]).filter(|id| gone.contains(id)).copied().collect()
    }

    /// Whether both sides moved something, or one removed or edited what the other moved.
    fn moves_meet(&self, ours: &HashSet<u32>, theirs: &HashSet<u32>) -> bool {
        let base = &self.numbers[0];
        let touched = |moved: &HashSet<u32>, side: usize| {
            !moved.is_empty()
                && self.hunks[side - 1].iter().any(|hunk| base[hunk.base.clone()].iter().any(|id| moved.contains(id)))
        };
        (!ours.is_empty() && !theirs.is_empty()) || touched(ours, 2) || touched(theirs, 1)
    }

    fn same_order(&self) -> bool {
        self.numbers[1] == self.numbers[2]
    }

    /// Whether a side (1 or 2) left these items of the base as they are.
    fn stands(&self, layout: &Layout, side: usize, items: Range<usize>) -> bool {
        items
            .into_iter()
            .all(|item| layout.items[item].is_some_and(|index| self.numbers[side][index] == self.numbers[0][item]))
    }

    /// Whether the same item came in on both sides, in different places.
    fn came_twice(&self, clusters: &[Cluster]) -> bool {
        let alone = clusters.iter().filter(|cluster| cluster.ours.is_empty() || cluster.theirs.is_empty());
        let mut came: HashSet<u32> = HashSet::new();
        let mut twice = false;
        for cluster in alone {
            came.extend(cluster.ours.iter().flat_map(|block| &self.numbers[1][block.side.clone()]));
        }
        for cluster in clusters.iter().filter(|cluster| cluster.ours.is_empty()) {
            let mut items = cluster.theirs.iter().flat_map(|block| &self.numbers[2][block.side.clone()]);
            twice |= items.any(|id| came.contains(id));
        }
        twice
    }
}

fn clusters(ours: Vec<Block>, theirs: Vec<Block>) -> Vec<Cluster> {
    let (mut ours, mut theirs) = (ours.into_iter().peekable(), theirs.into_iter().peekable());
    let mut out = Vec::new();
    while let Some(from) = [ours.peek(), theirs.peek()].into_iter().flatten().map(|block| block.gaps.0).min() {
        let mut cluster = Cluster { gaps: (from, from), ours: Vec::new(), theirs: Vec::new() };
        loop {
            let to = cluster.gaps.1;
            let next = |blocks: &mut Peekable<std::vec::IntoIter<Block>>| blocks.next_if(|block| block.gaps.0 <= to);
            if let Some(block) = next(&mut ours) {
                cluster.gaps.1 = to.max(block.gaps.1);
                cluster.ours.push(block);
            } else if let Some(block) = next(&mut theirs) {
                cluster.gaps.1 = to.max(block.gaps.1);
                cluster.theirs.push(block);
            } else {
                break;
            }
        }
        out.push(cluster);
    }
    out
}

fn is_distinct(numbers: &[u32]) -> bool {
    let mut seen = HashSet::new();
    numbers.iter().all(|number| seen.insert(*number))
}
