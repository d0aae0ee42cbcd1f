//! Tables that lie in blocks: taken out, put back, taken away.
//!
//! A table's text can lie in several places of a file: the body behind its header, the blocks of the tables in it (anywhere in
//! the file), or single lines with dotted keys. Each run of such lines with nothing foreign in between is a *slot*. The fragment is
//! what the slots hold, in the order in which a document must have it: pairs first, then blocks.
//!
//! A portion ends with its last statement and the comment lines directly below it. Comments that stand apart behind it
//! belong to nobody, as do those above its own header: they are never touched. What stands between two
//! statements of the portion is in it.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::document::{Doc, Kind, Node};
use super::locate::Found;
use super::reroot::{Style, fit, lines, push_edited, rerooted, without};
use super::value::key;
use crate::lens::Span;
use crate::lens::rows::{indentation, is_blank, line_at, line_start};

/// The most standing units times the units of a fragment for which each finds its own place; beyond, all go to one.
const MAX_COMPARED: usize = 25_000_000;

/// How the statements of a slot carry the table's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Pairs behind the table's own header, and the blocks that follow them.
    Body,
    /// Pairs in another table's body, with dotted keys.
    Dotted,
    /// Blocks of tables in the table.
    Blocks,
}

/// A header's block, a dotted pair, or the body behind the table's own header.
struct Unit {
    shape: Shape,
    first: usize,
    last: usize,
    span: Span,
}

/// Units with nothing foreign between them.
struct Slot {
    shape: Shape,
    units: Vec<Unit>,
    span: Span,
}

/// Everything that a file holds of one table or array of tables.
pub(super) struct Tables<'d, 'a> {
    doc: &'d Doc<'a>,
    path: &'d [String],
    keys: usize,
    /// Whether the portion is an array of tables.
    is_list: bool,
    slots: Vec<Slot>,
    /// What all its lines start with.
    base: String,
}

impl<'d, 'a> Tables<'d, 'a> {
    pub(super) fn new(doc: &'d Doc<'a>, found: &'d Found<'d>) -> Self {
        let is_list = matches!(found.node, Node::Tables(_));
        let slots = slots(doc, units(doc, &found.path));
        let mut tables = Tables { doc, path: &found.path, keys: found.keys, is_list, slots, base: String::new() };
        tables.base = tables.common_indentation();
        tables
    }

    fn lines(&self) -> impl Iterator<Item = (usize, &'a str)> + '_ {
        self.slots.iter().flat_map(|slot| lines(self.doc, slot.span.clone()))
    }

    fn common_indentation(&self) -> String {
        let mut common: Option<&str> = None;
        for (start, line) in self.lines() {
            if is_blank(line) || self.doc.is_protected(start) {
                continue;
            }
            let own = indentation(line);
            common = Some(match common {
                None => own,
                Some(common) => {
                    let same = common.bytes().zip(own.bytes()).take_while(|(a, b)| a == b).count();
                    &common[..same]
                }
            });
        }
        let header = || {
            let body = self.slots.iter().find(|slot| slot.shape == Shape::Body)?;
            Some(self.doc.indentation(self.doc.statements[body.units[0].first].line))
        };
        common.or_else(header).unwrap_or_default().to_owned()
    }

    /// The fragment's text.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        let mut before = None;
        for slot in self.slots.iter().filter(|slot| !slot.span.is_empty()) {
            if before.is_some_and(|shape| shape != Shape::Dotted || slot.shape != Shape::Dotted) {
                out.push('\n');
            }
            before = Some(slot.shape);
            self.push_slot(&mut out, slot);
            if !out.ends_with('\n') {
                out.push('\n');
            }
        }
        out
    }

    fn push_slot(&self, out: &mut String, slot: &Slot) {
        let dotted = self.dotted();
        let mut cuts: Vec<(Span, &str)> = Vec::new();
        for (start, line) in lines(self.doc, slot.span.clone()) {
            if !self.doc.is_protected(start) && line.starts_with(&self.base) {
                cuts.push((start..start + self.base.len(), ""));
            }
        }
        for unit in &slot.units {
            let keys = &self.doc.statements[unit.first].keys;
            match unit.shape {
                Shape::Body => {}
                Shape::Blocks if self.is_list => cuts.push((keys[0].start..keys[self.keys - 1].end, "\"\"")),
                Shape::Blocks => cuts.push((keys[0].start..keys[self.keys].start, "")),
                Shape::Dotted => cuts.push((keys[0].start..keys[dotted].start, "")),
            }
        }
        cuts.sort_by_key(|(span, _)| span.start);
        push_edited(out, self.doc.text, slot.span.clone(), &cuts, "\n");
    }

    /// How many keys of its dotted pairs lead to the table. All of them stand in one block.
    fn dotted(&self) -> usize {
        let unit = self.slots.first().filter(|slot| slot.shape == Shape::Dotted).and_then(|slot| slot.units.first());
        let header = unit.and_then(|unit| self.doc.header_of(unit.first));
        self.keys - header.map_or(0, |header| self.doc.statements[header].keys.len())
    }

    /// The plan that puts `fragment` in place of what stands there.
    pub(super) fn put(&self, fragment: &Doc<'_>) -> Vec<(Span, String)> {
        let parts = Parts::new(fragment, self.slots.first().map(|slot| slot.shape));
        let standing: usize = self.slots.iter().map(|slot| slot.units.len()).sum();
        if standing.saturating_mul(parts.units.len()) > MAX_COMPARED {
            return self.planned(fragment, &parts, &self.gathered(&parts));
        }
        let places = self.places(&parts);
        let fits = parts.fits(&places, |place| self.shape(place));
        self.planned(fragment, &parts, &if fits { places } else { self.gathered(&parts) })
    }

    fn planned(&self, fragment: &Doc<'_>, parts: &Parts, places: &[usize]) -> Vec<(Span, String)> {
        let mut edits = Vec::new();
        let mut of_slots: Vec<Vec<usize>> = vec![Vec::new(); self.slots.len() + 1];
        places.iter().enumerate().for_each(|(unit, place)| of_slots[*place].push(unit));
        for (at, of_slot) in of_slots.iter().enumerate() {
            let text = self.written(fragment, parts, of_slot, at);
            edits.extend(self.edit(at, text));
        }
        clamp(edits)
    }

    fn shape(&self, place: usize) -> Shape {
        self.slots.get(place).map_or(Shape::Blocks, |slot| slot.shape)
    }

    /// The slot of each of the fragment's units: that of the standing unit with the same header, otherwise that of the unit
    /// before it. The number of slots stands for a new one.
    fn places(&self, parts: &Parts) -> Vec<usize> {
        let mut old = Vec::new();
        let mut slot_of = Vec::new();
        for (at, slot) in self.slots.iter().enumerate() {
            for unit in &slot.units {
                old.push(self.label(unit));
                slot_of.push(at);
            }
        }
        let new: Vec<&String> = parts.units.iter().map(|part| &part.label).collect();
        let mut places: Vec<Option<usize>> = vec![None; new.len()];
        let old: Vec<&String> = old.iter().collect();
        for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
            if let DiffOp::Equal { old_index, new_index, len } = op {
                for step in 0..len {
                    places[new_index + step] = Some(slot_of[old_index + step]);
                }
            }
        }
        let mut last = 0;
        places
            .iter()
            .zip(&parts.units)
            .map(|(place, part)| {
                last = place.unwrap_or_else(|| self.at_least(last, part.shape));
                last
            })
            .collect()
    }

    /// The first slot at or behind `from` that can hold a unit of that shape.
    fn at_least(&self, from: usize, shape: Shape) -> usize {
        match shape {
            Shape::Blocks => {
                (from..self.slots.len()).find(|at| self.shape(*at) != Shape::Dotted).unwrap_or(self.slots.len())
            }
            _ => from,
        }
    }

    /// All pairs in the first slot that can hold them, all blocks likewise.
    fn gathered(&self, parts: &Parts) -> Vec<usize> {
        parts.units.iter().map(|part| self.at_least(0, part.shape)).collect()
    }

    fn label(&self, unit: &Unit) -> String {
        let statement = &self.doc.statements[unit.first];
        match unit.shape {
            Shape::Body => String::new(),
            Shape::Dotted => label(&statement.path[self.path.len()..], &statement.kind),
            Shape::Blocks => label(&statement.path[self.path.len()..], &statement.kind),
        }
    }

    /// What slot `at` holds afterwards.
    fn written(&self, fragment: &Doc<'_>, parts: &Parts, units: &[usize], at: usize) -> String {
        let (Some(first), Some(last)) = (units.first(), units.last()) else {
            return String::new();
        };
        let style = Style {
            header: self.prefix(),
            dotted: self.dotted_prefix().filter(|_| self.shape(at) == Shape::Dotted),
            is_list: self.is_list,
            base: &self.base,
            line_end: self.doc.line_end(),
        };
        let span = parts.units[*first].span.start..parts.units[*last].span.end;
        let mut text = rerooted(fragment, span, &style);
        if parts.units[*first].label.is_empty() && self.shape(at) != Shape::Body {
            // Only other headers or dotted keys implied the table; now it needs its own.
            text = format!("{}[{}]{}{text}", self.base, self.prefix(), style.line_end);
        }
        text
    }

    /// The table's path as a header of its own file spells it.
    fn prefix(&self) -> String {
        let spelled = self.slots.iter().flat_map(|slot| &slot.units).find(|unit| unit.shape != Shape::Dotted);
        match spelled.map(|unit| &self.doc.statements[unit.first].keys) {
            Some(keys) if self.keys > 0 && keys.len() >= self.keys => {
                self.doc.text[keys[0].start..keys[self.keys - 1].end].to_owned()
            }
            _ => header_path(self.doc, self.path),
        }
    }

    fn dotted_prefix(&self) -> Option<String> {
        let unit = &self.slots.iter().find(|slot| slot.shape == Shape::Dotted)?.units[0];
        let keys = &self.doc.statements[unit.first].keys;
        Some(self.doc.text[keys[0].start..keys[self.dotted()].start].to_owned())
    }

    /// The edit that makes slot `at` hold `text`.
    fn edit(&self, at: usize, mut text: String) -> Option<(Span, String)> {
        let line_end = self.doc.line_end();
        let Some(slot) = self.slots.get(at) else {
            if text.is_empty() {
                return None;
            }
            let end = self.slots.last().map_or(self.doc.text.len(), |slot| self.block_end(slot.units[0].last));
            return Some(fit(self.doc, end..end, format!("{line_end}{text}")));
        };
        if text.is_empty() {
            let keeps_blank = slot.shape == Shape::Body;
            let span = if keeps_blank { slot.span.clone() } else { without(self.doc, slot.span.clone()) };
            return (!span.is_empty()).then_some((span, String::new()));
        }
        let first = line_at(&text, 0);
        if slot.shape == Shape::Body
            && slot.span.start == self.doc.statements[slot.units[0].first].end
            && first.trim_start().starts_with('[')
        {
            text.insert_str(0, line_end);
        }
        Some(fit(self.doc, slot.span.clone(), text))
    }

    /// Where the block that holds statement `at` ends.
    fn block_end(&self, at: usize) -> usize {
        let next = (at + 1..self.doc.statements.len()).find(|at| self.doc.statements[*at].is_header());
        let last = next.unwrap_or(self.doc.statements.len()) - 1;
        self.doc.tail(last)
    }

    /// The end of its last block in the file: where another block of the table can follow.
    pub(super) fn end(&self) -> usize {
        let ends = self.slots.iter().flat_map(|slot| &slot.units).map(|unit| match unit.shape {
            Shape::Dotted => self.block_end(unit.last),
            _ => self.doc.tail(unit.last),
        });
        ends.max().unwrap_or(self.doc.text.len())
    }

    /// Where its first line starts, with the comment lines that belong to it.
    pub(super) fn start(&self) -> usize {
        let starts = self.slots.iter().flat_map(|slot| &slot.units).map(|unit| self.doc.statements[unit.first].lead);
        starts.min().unwrap_or(self.doc.text.len())
    }

    /// The plan that takes the table away: bodies, headers and dotted pairs. Comment lines above its own header stay, set off by blank
    /// lines, unless another table would get them all the same.
    pub(super) fn remove(&self) -> Vec<(Span, String)> {
        let (doc, mut edits) = (self.doc, Vec::new());
        for slot in &self.slots {
            let (at, last) = (slot.units[0].first, slot.units.last().map_or(0, |unit| unit.last));
            let first = &doc.statements[at];
            let stay = slot.shape == Shape::Body && first.lead < first.line && !doc.parts_a_table(at, last);
            if !stay {
                let start = if slot.shape == Shape::Body { first.lead } else { slot.span.start };
                edits.push((without(doc, start..slot.span.end), String::new()));
                continue;
            }
            let set_off = |is_blank: bool| if is_blank { String::new() } else { doc.line_end().to_owned() };
            let above = first.lead == 0 || is_blank(&doc.text[line_start(doc.text, first.lead - 1)..first.lead]);
            edits.push((first.lead..first.lead, set_off(above)));
            edits.push((first.line..slot.span.end, set_off(is_blank(line_at(doc.text, slot.span.end)))));
        }
        clamp(edits)
    }

    /// The statements that are pairs of the table itself: behind its header or with dotted keys.
    pub(super) fn pairs(&self) -> Vec<usize> {
        let direct = |at: &usize| {
            let statement = &self.doc.statements[*at];
            !statement.is_header() && statement.path.len() > self.path.len()
        };
        let units = self.slots.iter().flat_map(|slot| &slot.units).filter(|unit| unit.shape != Shape::Blocks);
        units.flat_map(|unit| unit.first..=unit.last).filter(direct).collect()
    }

    /// The table's own header.
    pub(super) fn header(&self) -> Option<usize> {
        self.slots.iter().find(|slot| slot.shape == Shape::Body).map(|slot| slot.units[0].first)
    }

    /// What a dotted pair of the table starts with, if that is how the file writes it; otherwise nothing.
    pub(super) fn pair_prefix(&self) -> String {
        self.dotted_prefix().unwrap_or_default()
    }
}

/// A table's path as a header spells it: the keys of `path`, without the indices of arrays of tables.
pub(super) fn header_path(doc: &Doc<'_>, path: &[String]) -> String {
    let mut node = Some(Node::Table(doc.tree.as_table()));
    let mut keys = Vec::new();
    for token in path {
        if !matches!(node, Some(Node::Tables(_))) {
            keys.push(key(token));
        }
        node = node.and_then(|node| node.child(token));
    }
    keys.join(".")
}

fn units(doc: &Doc<'_>, path: &[String]) -> Vec<Unit> {
    let mut body = Vec::new();
    let mut blocks: Vec<Unit> = Vec::new();
    let mut inside: Option<Shape> = None;
    for (at, statement) in doc.statements.iter().enumerate() {
        let is_below = statement.path.starts_with(path);
        if statement.is_header() {
            let shape = if statement.path.len() == path.len() { Shape::Body } else { Shape::Blocks };
            inside = is_below.then_some(shape);
            if let Some(shape) = inside {
                let list = if shape == Shape::Body { &mut body } else { &mut blocks };
                list.push(Unit { shape, first: at, last: at, span: 0..0 });
            }
        } else if let Some(shape) = inside {
            let list = if shape == Shape::Body { &mut body } else { &mut blocks };
            if let Some(unit) = list.last_mut() {
                unit.last = at;
            }
        } else if is_below {
            body.push(Unit { shape: Shape::Dotted, first: at, last: at, span: 0..0 });
        }
    }
    body.append(&mut blocks);
    for unit in &mut body {
        let (first, end) = (&doc.statements[unit.first], doc.tail(unit.last));
        unit.span = match unit.shape {
            Shape::Body => doc.skip_blank(first.end, end)..end,
            Shape::Dotted => first.lead..first.end,
            Shape::Blocks => first.lead..end,
        };
    }
    body
}

fn slots(doc: &Doc<'_>, units: Vec<Unit>) -> Vec<Slot> {
    let mut slots: Vec<Slot> = Vec::new();
    for unit in units {
        if let Some(slot) = slots.last_mut()
            && slot.units.last().is_some_and(|last| last.last + 1 == unit.first)
            && (slot.shape == unit.shape || (slot.shape == Shape::Body && unit.shape == Shape::Blocks))
        {
            slot.span.end = unit.span.end;
            slot.units.push(unit);
            continue;
        }
        slots.push(Slot { shape: unit.shape, span: unit.span.clone(), units: vec![unit] });
    }
    for slot in &mut slots {
        if slot.shape == Shape::Body {
            let header = doc.statements[slot.units[0].first].end;
            slot.span.start = if slot.span.end > header { doc.skip_blank(header, slot.span.end) } else { header };
        }
    }
    slots
}

/// The units of a fragment that is to be put.
struct Parts {
    units: Vec<Part>,
    /// What stands between each unit and the next.
    gaps: Vec<String>,
}

struct Part {
    shape: Shape,
    label: String,
    span: Span,
}

impl Parts {
    fn new(doc: &Doc<'_>, standing: Option<Shape>) -> Parts {
        let headers: Vec<usize> = (0..doc.statements.len()).filter(|at| doc.statements[*at].is_header()).collect();
        let root_limit = headers.first().map_or(doc.text.len(), |at| doc.statements[*at].lead);
        let root = doc.skip_blank(0, root_limit)..doc.skip_blank_back(root_limit, 0);
        let root = if root.start < root.end { root } else { 0..0 };
        let mut units = Vec::new();
        match standing {
            Some(Shape::Dotted) => {
                let pairs = headers.first().copied().unwrap_or(doc.statements.len());
                units.extend((0..pairs).map(|at| Part {
                    shape: Shape::Dotted,
                    label: label(&doc.statements[at].path, &doc.statements[at].kind),
                    span: doc.statements[at].lead..doc.statements[at].end,
                }));
                if let Some(first) = units.first_mut() {
                    first.span.start = root.start;
                }
                if let Some(last) = units.last_mut() {
                    last.span.end = root.end;
                }
                if units.is_empty() && headers.is_empty() {
                    // An empty table needs a header; that is written where blocks go.
                    units.push(Part { shape: Shape::Blocks, label: String::new(), span: 0..0 });
                }
            }
            Some(Shape::Blocks) if root.is_empty() && !headers.is_empty() => {}
            _ => units.push(Part { shape: Shape::Body, label: String::new(), span: root }),
        }
        for (at, header) in headers.iter().enumerate() {
            let statement = &doc.statements[*header];
            let next = headers.get(at + 1).copied();
            let end = next.map_or(doc.skip_blank_back(doc.text.len(), 0), |next| doc.tail(next - 1));
            let skipped = usize::from(doc.is_list);
            units.push(Part {
                shape: Shape::Blocks,
                label: label(&statement.path[skipped..], &statement.kind),
                span: statement.lead..end,
            });
        }
        let gap = |pair: &[Part]| doc.text[pair[0].span.end..pair[1].span.start.max(pair[0].span.end)].to_owned();
        let gaps = units.windows(2).map(gap).collect();
        Parts { units, gaps }
    }

    /// Whether what stands between units that go to different slots is what taking them out again would give.
    fn fits(&self, places: &[usize], shape: impl Fn(usize) -> Shape) -> bool {
        self.gaps.iter().enumerate().all(|(at, gap)| {
            let (here, there) = (places[at], places[at + 1]);
            let both_dotted = shape(here) == Shape::Dotted && shape(there) == Shape::Dotted;
            here == there || self.units[at].span.is_empty() || gap == if both_dotted { "" } else { "\n" }
        })
    }
}

fn label(path: &[String], kind: &Kind) -> String {
    let mut label = crate::pointer::format(path);
    if *kind == Kind::Element {
        label.push_str("[]");
    }
    label
}

/// Sorts edits, and lets none start before the one before it ends.
fn clamp(mut edits: Vec<(Span, String)>) -> Vec<(Span, String)> {
    edits.sort_by_key(|(span, _)| (span.start, span.end));
    let mut end = 0;
    for (span, _) in &mut edits {
        *span = span.start.max(end)..span.end.max(end);
        end = span.end;
    }
    edits
}
