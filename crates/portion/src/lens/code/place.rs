//! Where a selector leads.

use std::collections::HashMap;

use tree_sitter::Node;

use super::query;
use super::selector::{Asked, Path, step};
use super::source::{Fault, Found, Item, Source};
use crate::lens::{LensError, MAX_PORTION, Position, Span, body};

/// So many of the paths are compared with one that is missing.
const MAX_COMPARED: usize = 2000;

/// So many items that share their lines with others are named.
const MAX_HIDDEN: usize = 10;

/// A portion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) span: Span,
    /// Whether it is whole lines; otherwise it stands within a line.
    pub(super) is_lines: bool,
}

impl<'t> Found<'t> {
    /// The path of an item.
    pub(super) fn path(&self, at: usize) -> String {
        let mut steps: Vec<String> = self.around(at).map(|item| step(item.kind, &item.name)).collect();
        steps.reverse();
        steps.join("/")
    }

    /// The item and those that it stands in, from the inside out.
    fn around(&self, at: usize) -> impl Iterator<Item = &Item<'t>> {
        std::iter::successors(self.items.get(at), |item| self.items.get(item.parent?))
    }

    /// The names that the item's declaration declares, its own among them, in the file's order.
    pub(super) fn together(&self, at: usize) -> Vec<&str> {
        let Some(first) = self.items.get(at).and_then(|item| at.checked_sub(item.nth)) else { return Vec::new() };
        let behind = self.items[first..].iter().enumerate();
        behind.take_while(|(nth, item)| item.nth == *nth).map(|(_, item)| item.name.as_str()).collect()
    }

    /// The items that have this path, in the file's order.
    pub(super) fn at(&self, steps: &[(&'static str, String)]) -> Vec<usize> {
        let is_of = |at: &usize| {
            let mut wanted = steps.iter().rev();
            let all = self
                .around(*at)
                .all(|item| wanted.next().is_some_and(|(kind, name)| item.kind == *kind && item.name == *name));
            all && wanted.next().is_none()
        };
        (0..self.items.len()).filter(is_of).collect()
    }

    /// The selector of every item, with a number where several have one path.
    pub(super) fn selectors(&self) -> Vec<String> {
        let mut selectors: Vec<String> = (0..self.items.len()).map(|at| self.path(at)).collect();
        let mut same: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, selector) in selectors.iter().enumerate() {
            same.entry(selector.clone()).or_default().push(at);
        }
        for several in same.into_values().filter(|several| several.len() > 1) {
            for (nth, at) in several.into_iter().enumerate() {
                selectors[at] = format!("{}[{}]", selectors[at], nth + 1);
            }
        }
        selectors
    }
}

/// What shares its lines with other code, and is listed neither itself nor as part of a line that is: in short, for a person.
pub(super) fn sharing(source: &Source<'_>, found: &Found<'_>) -> Option<LensError> {
    let rows = |item: &Item<'_>| (item.node.start_position().row, item.node.end_position().row);
    let is_told = |item: &(usize, &Item<'_>)| {
        let (at, item) = *item;
        // The line as a whole is listed, or the same item with what stands before it.
        let is_in_a_line = found.around(at).skip(1).any(|outer| outer.is_portion() && rows(outer).0 == rows(outer).1);
        let outer = item.parent.map(|parent| &found.items[parent]);
        let is_again = outer.is_some_and(|outer| outer.kind == item.kind && outer.name == item.name);
        item.is_readable() && !item.is_whole && item.nth == 0 && !is_in_a_line && !is_again
    };
    let hidden: Vec<(usize, &Item<'_>)> = found.items.iter().enumerate().filter(is_told).collect();
    let lines = body::line_numbers(source.file, hidden.iter().take(MAX_HIDDEN).map(|(_, item)| item.span.start));
    let named: Vec<String> =
        hidden.iter().zip(lines).map(|((at, _), line)| format!("`{}` (line {line})", found.path(*at))).collect();
    let more = match hidden.len().saturating_sub(MAX_HIDDEN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let what = "what shares its lines with other code, since a portion is whole lines";
    (!named.is_empty()).then(|| LensError::Refused(format!("{what}: {}{more}", named.join(", "))))
}

/// The one item of a path, whether its text is sound or not.
pub(super) fn item(source: &Source<'_>, found: &Found<'_>, path: &Path, expression: &str) -> Result<usize, LensError> {
    let all = found.at(&path.steps);
    match (&all[..], path.nth) {
        ([only], None) => Ok(*only),
        (several, Some(nth)) if several.len() >= nth => Ok(several[nth - 1]),
        ([_, ..], None) => Err(LensError::Ambiguous {
            selector: expression.to_owned(),
            lines: body::line_numbers(source.file, all.iter().map(|at| found.items[*at].span.start)),
        }),
        _ => match found.faults.first() {
            Some(fault) => Err(LensError::Unparsable {
                at: Position::at(source.file, fault.span.start),
                found: format!("nothing stands at `{expression}` in what can be read; {}", said(source.file, fault)),
            }),
            None => {
                Err(LensError::missing(expression, (0..found.items.len().min(MAX_COMPARED)).map(|at| found.path(at))))
            }
        },
    }
}

impl Item<'_> {
    /// Whether it parses, and what it stands in.
    fn is_readable(&self) -> bool {
        self.broken.is_none() && !self.outer.has_error()
    }

    /// Whether [`check`] has nothing to say.
    pub(super) fn is_portion(&self) -> bool {
        self.is_readable() && self.is_whole && self.span.len() <= MAX_PORTION
    }
}

/// Why a fault is one.
pub(super) fn said(file: &[u8], fault: &Fault) -> String {
    match &fault.missing {
        Some(sign) => format!("`{sign}` is missing here"),
        None => {
            let text = String::from_utf8_lossy(&file[fault.span.start..fault.span.end.min(fault.span.start + 80)]);
            let line: String = text.lines().next().unwrap_or_default().chars().take(40).collect();
            format!("`{}` is not understood here", line.trim_end())
        }
    }
}

/// Refuses an item that cannot be told from what is around it.
pub(super) fn check(source: &Source<'_>, found: &Found<'_>, at: usize, expression: &str) -> Result<Place, LensError> {
    let item = &found.items[at];
    if !item.is_readable() {
        let from = item.broken.unwrap_or(item.span.start);
        // They stand in the file's order.
        let fault = found.faults.get(found.faults.partition_point(|fault| fault.span.start < from));
        let why = fault.map_or_else(|| "this is not understood".to_owned(), |fault| said(source.file, fault));
        return Err(LensError::unparsable(source.file, fault.map_or(from, |fault| fault.span.start), why));
    }
    if !item.is_whole {
        let line = Position::at(source.file, item.span.start).line;
        return Err(LensError::Refused(format!(
            "`{expression}` shares its lines with other code (line {line}); a portion is whole lines"
        )));
    }
    if item.span.len() > MAX_PORTION {
        return Err(LensError::TooLarge(format!("`{expression}` has {} bytes", item.span.len())));
    }
    Ok(Place { span: item.span.clone(), is_lines: true })
}

/// The portion that is asked for.
pub(super) fn located(source: &Source<'_>, asked: &Asked<'_>, expression: &str) -> Result<Place, LensError> {
    match asked {
        Asked::Item(path) => {
            let found = source.found();
            let at = item(source, &found, path, expression)?;
            check(source, &found, at, expression)
        }
        Asked::Query(text) => {
            let node = query::one(source, text, expression)?;
            of_node(source, node)
        }
    }
}

/// A node as a portion: its lines, if nothing else stands on them.
fn of_node(source: &Source<'_>, node: Node<'_>) -> Result<Place, LensError> {
    let span = source.trimmed(node.byte_range());
    if node.has_error() || node.is_error() || node.is_missing() {
        return Err(LensError::unparsable(source.file, span.start, "what the query finds is not understood"));
    }
    if span.is_empty() {
        return Err(LensError::Refused("what the query finds has no text".to_owned()));
    }
    Ok(match source.whole_lines(&span, &[]) {
        Some(span) => Place { span, is_lines: true },
        None => Place { span, is_lines: false },
    })
}
