//! Plans, and what is checked of each before it is given: the text around is read as before, and the portion is what was asked for.

use tree_sitter::Node;

use super::guard::{self, Change};
use super::language::Language;
use super::place::{self, Place, located, said};
use super::selector::{self, Asked, Path};
use super::source::{Fault, Found, Item, Source, child};
use super::text::{self, Layout};
use crate::lens::{Edit, Fragment, LensError, Position, Span, apply, body};

/// So many items are looked at for one that stands directly where a new one goes.
const MAX_TRIED: usize = 200;

/// The portion's text.
pub(super) fn taken(source: &Source<'_>, place: &Place) -> Vec<u8> {
    let text = match place.is_lines {
        true => Layout::of(source, &place.span).taken(source, &place.span),
        false => crate::lens::lf(&source.file[place.span.clone()]).into_owned(),
    };
    body::without_bom(&text).to_vec()
}

pub(super) fn put(
    source: &Source<'_>,
    asked: &Asked<'_>,
    expression: &str,
    new: &Fragment,
) -> Result<Vec<Edit>, LensError> {
    let place = located(source, asked, expression)?;
    check_format(source, new, expression)?;
    let edits = match place.is_lines {
        true => {
            let layout = Layout::of(source, &place.span);
            let new = text::indented(source, &place.span, layout.indent, &new.text)?;
            text::replaced(source, &place.span, &layout, &new)
        }
        false => vec![Edit { text: with_line_ends(source.file, &new.text), span: place.span.clone() }],
    };
    guarded(source, asked, &place.span, edits)
}

/// Text with the file's own line ends.
fn with_line_ends(file: &[u8], text: &[u8]) -> Vec<u8> {
    match crate::lens::line_end(file) {
        "\n" => text.to_vec(),
        end => text.split(|b| *b == b'\n').collect::<Vec<_>>().join(end.as_bytes()),
    }
}

fn check_format(source: &Source<'_>, fragment: &Fragment, expression: &str) -> Result<(), LensError> {
    let own = source.language.format;
    if fragment.format == own {
        return Ok(());
    }
    Err(LensError::Refused(format!("`{expression}` holds {own}, not {}", fragment.format)))
}

pub(super) fn remove(source: &Source<'_>, asked: &Asked<'_>, expression: &str) -> Result<Vec<Edit>, LensError> {
    let place = located(source, asked, expression)?;
    if !place.is_lines {
        return Err(LensError::Refused(format!("`{expression}` stands within a line; only whole lines are removed")));
    }
    if let Asked::Item(path) = asked {
        let found = source.found();
        let at = place::item(source, &found, path, expression)?;
        if let names @ [_, _, ..] = &found.together(at)[..] {
            return Err(LensError::Refused(format!(
                "one declaration has the names `{}`: without it, the others would be gone, too; edit it instead",
                names.join("`, `")
            )));
        }
    }
    let whole = body::with_blank_lines(source.file, &place.span);
    guarded(source, asked, &whole, body::removed(source.file, &whole))
}

/// The plan, if the file around is read as before, and what was put is the portion.
fn guarded(source: &Source<'_>, asked: &Asked<'_>, span: &Span, edits: Vec<Edit>) -> Result<Vec<Edit>, LensError> {
    let (Some(first), Some(last)) = (edits.first(), edits.last()) else { return Ok(edits) };
    let old = span.start.min(first.span.start)..span.end.max(last.span.end);
    let written = apply::splice(source.file, &edits)?;
    let length = (written.len() + old.len()).saturating_sub(source.file.len());
    let change = Change { new: old.start..old.start + length, old };
    let after = Source::read(source.language, &written)?;
    let (before_found, found) = (source.found(), after.found());
    let moved = |at: usize| at - change.old.end + change.new.end;
    let (faults, _) = guard::outside(&before_found.faults, &change.old, moved);
    let (faults_after, inside) = guard::outside(&found.faults, &change.new, |at| at);
    if let Some(fault) = inside.first() {
        return Err(LensError::Refused(format!(
            "the fragment does not parse there{}",
            blamed(source.language, &written, &change.new, fault)
        )));
    }
    if let Some(fault) = faults_after.iter().find(|fault| !faults.contains(fault)) {
        let at = Position::at(&written, fault.span.start);
        return Err(LensError::Refused(format!(
            "afterwards the file would not parse at {at}: {}",
            said(&written, fault)
        )));
    }
    if let (Asked::Item(path), false) = (asked, change.new.is_empty()) {
        check_item(&after, &found, path, &change.new)?;
        check_names(&before_found, &found, path)?;
    }
    if faults.len() != faults_after.len() || !guard::is_same_around(source.language, &source.tree, &after.tree, &change)
    {
        return Err(LensError::Refused(
            "what stands around would be read otherwise, as behind a brace or a quote that is left open, or where a block \
             would hold nothing"
                .to_owned(),
        ));
    }
    Ok(edits)
}

/// Where in a fragment, which stands at `span` now, the fault is. The parser skips all that a fault may go back to, up to the whole file:
/// then what it says of the fragment alone tells more.
fn blamed(language: &'static Language, written: &[u8], span: &Span, fault: &Fault) -> String {
    let is_near =
        |text: &[u8], fault: &Fault| memchr::memchr(b'\n', text[fault.span.clone()].trim_ascii_end()).is_none();
    if fault.span.start >= span.start && is_near(written, fault) {
        let at = Position::at(&written[span.start..], fault.span.start - span.start);
        return format!(", in its {at}: {}", said(written, fault));
    }
    let text = &written[span.clone()];
    for (before, behind) in [("", "")].iter().chain(language.around) {
        let whole = [before.as_bytes(), text, behind.as_bytes()].concat();
        let Ok(alone) = Source::read(language, &whole) else { continue };
        let faults = alone.found().faults;
        let inside = before.len()..before.len() + text.len();
        let near = faults.iter().find(|fault| inside.contains(&fault.span.start) && is_near(&whole, fault));
        if let Some(near) = near {
            let at = Position::at(text, near.span.start - before.len());
            return format!(", in its {at}: {}", said(&whole, near));
        }
    }
    let first = Position::at(text, fault.span.start.saturating_sub(span.start)).line;
    let end = fault.span.end.clamp(span.start, span.end) - span.start;
    let last = Position::at(text, text[..end].trim_ascii_end().len()).line;
    let place = if first == last { format!("line {first}") } else { format!("lines {first} to {last}") };
    format!(", in its {place}: a quote, a bracket or a block is left open, or a word is out of place")
}

/// Refuses to lose, or to add, a name that is declared together with the portion's: others may mean it.
fn check_names(before: &Found<'_>, after: &Found<'_>, path: &Path) -> Result<(), LensError> {
    let names = |found: &Found<'_>| -> Vec<String> {
        let nth = path.nth.unwrap_or(1) - 1;
        let at = found.at(&path.steps).get(nth).copied();
        at.map(|at| found.together(at).into_iter().map(str::to_owned).collect()).unwrap_or_default()
    };
    let (mut old, mut new) = (names(before), names(after));
    old.sort_unstable();
    new.sort_unstable();
    if old == new || old.is_empty() || new.is_empty() {
        return Ok(());
    }
    Err(LensError::Refused(format!(
        "the fragment declares `{}`, and what stands there `{}`: declare the same names",
        new.join("`, `"),
        old.join("`, `")
    )))
}

/// Whether what stands at `span` is one item of this path.
fn check_item(after: &Source<'_>, found: &Found<'_>, path: &Path, span: &Span) -> Result<(), LensError> {
    let text = after.trimmed(span.clone());
    let within = |item: &&Item<'_>| item.span.start >= span.start && item.span.end <= span.end;
    let at = found.at(&path.steps).into_iter().map(|at| &found.items[at]).find(within);
    let Some(item) = at else {
        let (kind, name) = path.steps.last().map(|(kind, name)| (*kind, name.as_str())).unwrap_or_default();
        let wanted = selector::step(kind, name);
        let other = found.items.iter().find(within).map(|item| selector::step(item.kind, &item.name));
        return Err(LensError::Refused(match other {
            Some(other) if other != wanted => {
                format!(
                    "the fragment is `{other}`, and the portion `{wanted}`: with another name it is another portion"
                )
            }
            _ => format!("the fragment is no `{wanted}` at this place"),
        }));
    };
    let own = after.trimmed(item.span.clone());
    if own == text {
        return Ok(());
    }
    let blanks = after.file[own.end..].iter().take_while(|b| b.is_ascii_whitespace()).count();
    let odd = if own.start > text.start { text.start } else { own.end + blanks };
    let line = Position::at(&after.file[text.start..], odd.saturating_sub(text.start)).line;
    Err(LensError::Refused(format!(
        "the fragment is more than `{}`: something stands in its line {line} that is no part of it (a comment above belongs to it \
         without a blank line between)",
        path.written()
    )))
}

/// Where a new item goes.
struct Slot<'a> {
    at: Span,
    indent: Vec<u8>,
    /// So many blank lines before it, and behind it.
    gap: (usize, usize),
    /// The indentation of the closing brace, where the new item comes between two braces of one line.
    close: Option<&'a [u8]>,
}

pub(super) fn insert(
    source: &Source<'_>,
    asked: &Asked<'_>,
    expression: &str,
    new: &Fragment,
) -> Result<Vec<Edit>, LensError> {
    check_format(source, new, expression)?;
    let path = match asked {
        Asked::Item(path) if path.nth.is_none() => path,
        Asked::Item(_) => return Err(LensError::Refused("a number names what is there; insert without it".to_owned())),
        Asked::Query(_) => return Err(LensError::Refused("a query does not tell where to insert".to_owned())),
    };
    let found = source.found();
    let slot = slot(source, &found, path)?;
    let text = text::indented(source, &slot.at, &slot.indent, &new.text)?;
    let mut whole = b"\n".repeat(slot.gap.0);
    whole.extend_from_slice(&text);
    whole.extend(b"\n".repeat(slot.gap.1));
    let edits = match slot.close {
        None => body::replaced(source.file, &slot.at, b"", &whole),
        Some(indent) => {
            whole.insert(0, b'\n');
            whole.extend_from_slice(indent);
            vec![Edit { span: slot.at.clone(), text: with_line_ends(source.file, &whole) }]
        }
    };
    guarded(source, asked, &slot.at, edits)
}

fn slot<'a>(source: &Source<'a>, found: &Found<'_>, path: &Path) -> Result<Slot<'a>, LensError> {
    let kind = path.steps.last().map(|(kind, _)| *kind).unwrap_or_default();
    let around = &path.steps[..path.steps.len().saturating_sub(1)];
    let parent = match around {
        [] => None,
        around => {
            let written = selector::written(around);
            let refused = |why: &str| Err(LensError::Refused(format!("`{written}`, in which it would stand, {why}")));
            match found.at(around)[..] {
                [] => return refused("is missing; insert that first"),
                [only] => {
                    place::check(source, found, only, &written)?;
                    Some(only)
                }
                _ => return refused("stands there several times"),
            }
        }
    };
    let block = match parent {
        None => child(source.tree.root_node(), "body").unwrap_or(source.tree.root_node()),
        Some(parent) => block(found.items[parent].node),
    };
    // Behind the last one of its kind that stands directly there; else behind the last of all.
    let direct: Vec<&Item<'_>> =
        found.items.iter().filter(|item| item.parent == parent && item.is_whole && item.broken.is_none()).collect();
    // A parent is looked for from the root: not for too many.
    let is_direct = |item: &&&Item<'_>| item.outer.parent().is_some_and(|around| around.id() == block.id());
    let alike = direct.iter().rev().filter(|item| item.kind == kind).take(MAX_TRIED).find(is_direct);
    if let Some(item) = alike.or_else(|| direct.iter().rev().take(MAX_TRIED).find(is_direct)) {
        return Ok(behind(source, item, kind, parent.is_none()));
    }
    match parent {
        None => Ok(at_the_end(source)),
        Some(parent) if found.items[parent].kind == "fn" => Err(LensError::Refused(format!(
            "where in `{}` it would stand is not clear: order matters there",
            selector::written(around)
        ))),
        Some(parent) => inside(source, &found.items[parent], block),
    }
}

/// What holds the items of a container.
fn block(node: Node<'_>) -> Node<'_> {
    let body = node.child_by_field_name("body");
    body.or_else(|| ["body", "block", "keyframe_block_list"].iter().find_map(|kind| child(node, kind))).unwrap_or(node)
}

/// Behind a neighbour, with as many blank lines between as above it.
fn behind<'a>(source: &Source<'a>, item: &Item<'_>, kind: &str, is_top: bool) -> Slot<'a> {
    let file = source.file;
    let is_blank = |line: &&[u8]| body::is_blank(body::content(line));
    let above = body::lines_back(&file[body::bom(file)..item.span.start]).take_while(is_blank).count();
    let below = body::lines(&file[item.span.end..]).next();
    let usual = match kind {
        "const" | "decl" if item.kind == kind => 0,
        _ if is_top => source.language.gap,
        _ => 1,
    };
    let indent = body::indentation(&file[item.span.clone()]).to_vec();
    let gap = if above == 0 || item.kind != kind { usual.max(above.min(1)) } else { above.min(3) };
    let is_followed = below.is_some_and(|line| {
        let content = body::content(line);
        !body::is_blank(content) && body::indentation(content).len() >= indent.len()
    });
    Slot { at: item.span.end..item.span.end, indent, gap: (gap, if is_followed { gap } else { 0 }), close: None }
}

fn at_the_end<'a>(source: &Source<'a>) -> Slot<'a> {
    let file = source.file;
    let is_blank = |line: &&[u8]| body::is_blank(body::content(line));
    let first = body::bom(file);
    let blank: usize = body::lines_back(&file[first..]).take_while(is_blank).map(<[u8]>::len).sum();
    let at = file.len() - blank;
    let gap = if at == first { 0 } else { source.language.gap };
    Slot { at: at..at, indent: Vec::new(), gap: (gap, 0), close: None }
}

/// Into a container that holds no item yet.
fn inside<'a>(source: &Source<'a>, container: &Item<'_>, block: Node<'_>) -> Result<Slot<'a>, LensError> {
    let file = source.file;
    let outer = body::indentation(&file[container.span.clone()]);
    let indent = [outer, unit(file)].concat();
    let Some(close) = closing(block).or_else(|| closing(container.node)) else {
        // By indentation.
        let at = container.span.end;
        return Ok(Slot { at: at..at, indent, gap: (usize::from(block.named_child_count() > 0), 0), close: None });
    };
    let before = &file[container.span.start..close.start_byte()];
    let blanks = before.iter().rev().take_while(|b| b.is_ascii_whitespace()).count();
    let text_end = close.start_byte() - blanks;
    let has_own_line = memchr::memchr(b'\n', &file[text_end..close.start_byte()]).is_some();
    if has_own_line {
        let at = text_end + memchr::memchr(b'\n', &file[text_end..]).map_or(0, |at| at + 1);
        let is_empty = file[..text_end].ends_with(b"{");
        return Ok(Slot { at: at..at, indent, gap: (usize::from(!is_empty), 0), close: None });
    }
    if !file[..text_end].ends_with(b"{") {
        return Err(LensError::Refused("the container stands on one line; write it on several first".to_owned()));
    }
    Ok(Slot { at: text_end..close.start_byte(), indent, gap: (0, 0), close: Some(outer) })
}

/// The brace or word that ends a block.
fn closing<'t>(node: Node<'t>) -> Option<Node<'t>> {
    let last = node.child(node.child_count().checked_sub(1)?)?;
    matches!(last.kind(), "}" | "end" | "block_end").then_some(last)
}

/// The indentation of one level, as the file has it: a tab, or the fewest blanks that a line begins with.
fn unit(file: &[u8]) -> &[u8] {
    let indents = body::lines(file).map(body::content).filter(|line| !body::is_blank(line)).map(body::indentation);
    let least =
        indents.filter(|indent| indent.first() == Some(&b'\t') || indent.len() > 1).min_by_key(|indent| indent.len());
    match least {
        Some([b'\t', ..]) => b"\t",
        Some(blanks) if blanks.len() <= 8 => blanks,
        _ => b"    ",
    }
}
