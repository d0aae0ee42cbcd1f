//! What put, insert and remove plan.

use toml_edit::Value as Written;

use super::document::{Doc, Kind, Node};
use super::inline;
use super::locate::{Found, find, follow, pair_of};
use super::reroot::{Style, fit, rerooted, without};
use super::tables::{Tables, header_path};
use super::value::{self, key};
use crate::lens::apply::splice;
use crate::lens::rows::{indentation, is_blank, line_at, line_start};
use crate::lens::{Edit, Format, Fragment, LensError, Span};
use crate::pointer;
use crate::value::Value;

/// What is to be put.
pub(super) enum Put {
    /// A document: the text of a table, or of a document that stands for a list.
    Document(String),
    /// The text of a value, and what it means.
    Value(String),
}

impl Put {
    pub(super) fn new(fragment: &Fragment) -> Result<Put, LensError> {
        let text = fragment.format.tidy(&fragment.text)?;
        match fragment.format {
            Format::Toml => {
                Doc::parse(&text)?;
                Ok(Put::Document(String::from_utf8_lossy(&text).into_owned()))
            }
            Format::TomlValue => {
                fragment.format.value(&text)?;
                Ok(Put::Value(String::from_utf8_lossy(&text).into_owned()))
            }
            other => Err(LensError::Refused(format!(
                "a TOML file takes {} or {}, not {other}",
                Format::Toml,
                Format::TomlValue
            ))),
        }
    }

    fn value(&self) -> Result<Value, LensError> {
        match self {
            Put::Document(text) => Format::Toml.value(text.as_bytes()),
            Put::Value(text) => Format::TomlValue.value(text.as_bytes()),
        }
    }

    /// As one value behind `=`. A document loses its comments.
    fn inline(&self) -> Result<String, LensError> {
        match self {
            Put::Value(text) => Ok(text.clone()),
            Put::Document(_) => value::inline(&self.value()?),
        }
    }

    /// As a document, if its value is a map.
    fn table(&self) -> Result<Option<String>, LensError> {
        match self {
            Put::Document(text) => Ok((!Doc::parse(text.as_bytes())?.is_list).then(|| text.clone())),
            Put::Value(_) => match self.value()? {
                map @ Value::Map(_) => Ok(Some(value::document(&map)?)),
                _ => Ok(None),
            },
        }
    }

    /// As a document that stands for a list of tables, if it is one.
    fn tables(&self) -> Result<Option<String>, LensError> {
        let value = self.value()?;
        if !value::is_tables(&value) {
            return Ok(None);
        }
        match self {
            Put::Document(text) if Doc::parse(text.as_bytes())?.statements.iter().any(|s| s.is_header()) => {
                Ok(Some(text.clone()))
            }
            _ => Ok(Some(value::document(&value)?)),
        }
    }
}

/// See [`crate::lens::Lens::put`].
pub(super) fn put(file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
    let doc = Doc::parse(file)?;
    let found = find(&doc, expression)?;
    let put = Put::new(fragment)?;
    if expression.is_empty() {
        let Put::Document(text) = &put else {
            return Err(LensError::Refused("a TOML file is a table; a single value cannot take its place".to_owned()));
        };
        check_whole(&doc, text)?;
        let start = doc.skip_blank(0, doc.text.len());
        let end = doc.skip_blank_back(doc.text.len(), start);
        let edit = fit(&doc, start..end, text.replace('\n', doc.line_end()));
        return Ok(doc.plan(vec![edit]));
    }
    match found.node {
        Node::Value(value) => {
            let Some(span) = value.span() else {
                return Err(LensError::Refused(format!("`{expression}` has no text of its own")));
            };
            let text = inline::indented(&put.inline()?, doc.value_indentation(span.start), doc.line_end());
            Ok(doc.plan(vec![(span, text)]))
        }
        Node::Table(_) | Node::Tables(_) => {
            let same = match found.node {
                Node::Table(_) => put.table()?,
                _ => put.tables()?,
            };
            let Some(text) = same else {
                return another_kind(file, &doc, &found, expression, fragment);
            };
            let part = Doc::parse(text.as_bytes())?;
            Ok(doc.plan(Tables::new(&doc, &found).put(&part)))
        }
    }
}

/// Refuses a list where the whole file stands: as a fragment it has an empty key, which nobody has named.
fn check_whole(doc: &Doc<'_>, text: &str) -> Result<(), LensError> {
    if Doc::parse(text.as_bytes())?.is_list && !doc.is_list {
        return Err(LensError::CannotSay {
            format: Format::Toml,
            path: String::new(),
            what: "a list as a whole file, which is a table".to_owned(),
        });
    }
    Ok(())
}

/// A value where a table stood, and the like: the old one goes, the new one comes.
fn another_kind(
    file: &[u8],
    doc: &Doc<'_>,
    found: &Found<'_>,
    expression: &str,
    fragment: &Fragment,
) -> Result<Vec<Edit>, LensError> {
    let without = splice(file, &doc.plan(Tables::new(doc, found).remove()))?;
    let parents = pointer::parse("toml", expression)?;
    if let Some((index, [.., _])) = parents.split_last()
        && pointer::index(index).is_some()
        && matches!(parent(doc, found), Some(Node::Tables(_)))
    {
        return Err(LensError::Refused(format!(
            "`{expression}` is in a list of tables, which holds nothing but tables"
        )));
    }
    let written = splice(&without, &insert(&without, expression, fragment)?)?;
    Ok(difference(file, &written))
}

fn parent<'d>(doc: &'d Doc<'_>, found: &Found<'_>) -> Option<Node<'d>> {
    let (_, parents) = found.path.split_last()?;
    parents.iter().try_fold(Node::Table(doc.tree.as_table()), |node, token| node.child(token))
}

/// One edit that leads from `before` to `after`.
fn difference(before: &[u8], after: &[u8]) -> Vec<Edit> {
    let head = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let (old, new) = (&before[head..], &after[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let span = head..before.len() - tail;
    let text = new[..new.len() - tail].to_vec();
    if span.is_empty() && text.is_empty() { Vec::new() } else { vec![Edit { span, text }] }
}

/// See [`crate::lens::Lens::insert`].
pub(super) fn insert(file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
    let doc = Doc::parse(file)?;
    let put = Put::new(fragment)?;
    let tokens = pointer::parse("toml", expression)?;
    let (found, mut rest) = follow(&doc, &tokens);
    let (found, rest) = match tokens.split_last() {
        // Before an item that exists.
        Some((_, parents)) if rest.is_empty() => {
            rest = &tokens[parents.len()..];
            (follow(&doc, parents).0, rest)
        }
        None => {
            return match put {
                Put::Document(text) if doc.statements.is_empty() => {
                    check_whole(&doc, &text)?;
                    Ok(doc.plan(vec![append(&doc, &text)]))
                }
                _ => Err(LensError::Refused("the whole file cannot be inserted into a file".to_owned())),
            };
        }
        _ => (found, rest),
    };
    let [first, deeper @ ..] = rest else {
        return Ok(Vec::new());
    };
    match found.node {
        Node::Table(_) => Ok(doc.plan(into_table(&doc, &found, first, deeper, &put)?)),
        Node::Tables(tables) => {
            let at = index(expression, first, tables.len())?;
            Ok(doc.plan(element(&doc, &found, at, deeper, &put)?))
        }
        Node::Value(container) => {
            if let (Written::Array(array), [], Put::Document(text)) = (container, deeper, &put)
                && array.is_empty()
                && let Some(at) = pair_of(&doc, container)
                && !Doc::parse(text.as_bytes())?.is_list
            {
                return first_table(file, &doc, at, &found, text);
            }
            let value = nested(deeper, &put.inline()?);
            let edits = match container {
                Written::Array(array) => {
                    inline::insert(&doc, container, index(expression, first, array.len())?, &value)?
                }
                Written::InlineTable(_) => inline::insert(&doc, container, usize::MAX, &inline::pair(first, &value))?,
                other => {
                    return Err(LensError::Refused(format!(
                        "`{}` is {}, so nothing can be inserted in it",
                        pointer::format(&found.path),
                        Node::Value(other).kind()
                    )));
                }
            };
            Ok(doc.plan(edits))
        }
    }
}

/// The first table of a list that is empty so far: the list becomes an array of tables.
fn first_table(file: &[u8], doc: &Doc<'_>, at: usize, list: &Found<'_>, text: &str) -> Result<Vec<Edit>, LensError> {
    let without = splice(file, &doc.plan(vec![line(doc, at)]))?;
    let text = block_text(doc, "\"\"", text, "", false, true)?.replace("\r\n", "\n");
    let tokens = &list.path[usize::from(doc.is_list)..];
    let tables = Fragment { format: Format::Toml, text: text.into_bytes() };
    Ok(difference(file, &splice(&without, &insert(&without, &pointer::format(tokens), &tables)?)?))
}

/// Where in a list `token` wants to be.
pub(super) fn index(expression: &str, token: &str, length: usize) -> Result<usize, LensError> {
    let at = if token == "-" { Some(length) } else { pointer::index(token).filter(|at| *at <= length) };
    at.ok_or_else(|| LensError::Selector {
        scheme: "toml",
        selector: expression.to_owned(),
        why: format!("the list has {length} items; the next is `{length}` or `-`"),
    })
}

/// The value inside inline tables for each of the keys.
fn nested(keys: &[String], value: &str) -> String {
    keys.iter().rev().fold(value.to_owned(), |value, name| format!("{{ {} = {value} }}", key(name)))
}

/// A document's text at the end of a file.
fn append(doc: &Doc<'_>, text: &str) -> (Span, String) {
    let end = doc.skip_blank_back(doc.text.len(), 0);
    let gap = if end == 0 { "" } else { doc.line_end() };
    fit(doc, end..end, format!("{gap}{}", text.replace('\n', doc.line_end())))
}

/// A new member of a table.
fn into_table(
    doc: &Doc<'_>,
    found: &Found<'_>,
    name: &str,
    deeper: &[String],
    put: &Put,
) -> Result<Vec<(Span, String)>, LensError> {
    let mut path: Vec<String> = found.path.clone();
    path.push(name.to_owned());
    path.extend_from_slice(deeper);
    let (text, is_list) = match (put, put.table()?, put.tables()?) {
        (Put::Document(_), Some(text), _) => (text, false),
        (Put::Document(_), None, Some(text)) => (text, true),
        _ if deeper.is_empty() => return Ok(vec![pair(doc, found, name, &put.inline()?)?]),
        _ => {
            let last = path.pop().unwrap_or_default();
            (format!("{}\n", inline::pair(&last, &put.inline()?)), false)
        }
    };
    let header = header_path(doc, &path);
    Ok(vec![blocks(doc, found, &header, &text, is_list, false)?])
}

/// New blocks behind everything that the parent has; at the end of the file for a parent that is the whole document.
fn blocks(
    doc: &Doc<'_>,
    parent: &Found<'_>,
    header: &str,
    text: &str,
    is_list: bool,
    is_element: bool,
) -> Result<(Span, String), LensError> {
    let line_end = doc.line_end();
    let mut base = String::new();
    let end = if parent.path.is_empty() {
        doc.skip_blank_back(doc.text.len(), 0)
    } else {
        let tables = Tables::new(doc, parent);
        let place = tables.header().or_else(|| doc.statement_at(tables.start()));
        base = place.map_or("", |at| indentation(&doc.text[doc.statements[at].line..])).to_owned();
        tables.end()
    };
    let body = block_text(doc, header, text, &base, is_list, is_element)?;
    let gap = if end == 0 { "" } else { line_end };
    let after = if is_blank(line_at(doc.text, end)) { "" } else { line_end };
    Ok(fit(doc, end..end, format!("{gap}{body}{after}")))
}

/// A table's document under its header. A table that holds only tables gets none.
fn block_text(
    doc: &Doc<'_>,
    header: &str,
    text: &str,
    base: &str,
    is_list: bool,
    is_element: bool,
) -> Result<String, LensError> {
    let part = Doc::parse(text.as_bytes())?;
    let style = Style { header: header.to_owned(), dotted: None, is_list, base, line_end: doc.line_end() };
    let body = rerooted(&part, 0..text.len(), &style);
    let starts_with_block = part.statements.first().is_some_and(|first| first.is_header() && first.lead == 0);
    let line_end = doc.line_end();
    if is_element {
        let gap = if starts_with_block { line_end } else { "" };
        return Ok(format!("{base}[[{header}]]{line_end}{gap}{body}"));
    }
    if is_list || starts_with_block {
        return Ok(body);
    }
    Ok(format!("{base}[{header}]{line_end}{body}"))
}

/// A new element of an array of tables.
fn element(
    doc: &Doc<'_>,
    found: &Found<'_>,
    at: usize,
    deeper: &[String],
    put: &Put,
) -> Result<Vec<(Span, String)>, LensError> {
    let text = match (deeper, put.table()?) {
        ([], Some(text)) => text,
        ([], None) => {
            return Err(LensError::Refused("a list of tables holds nothing but tables".to_owned()));
        }
        ([name, deeper @ ..], _) => format!("{}\n", inline::pair(name, &nested(deeper, &put.inline()?))),
    };
    let header = header_path(doc, &found.path);
    let next = found.node.child(&at.to_string()).map(|node| {
        let mut path = found.path.clone();
        path.push(at.to_string());
        Found { path, keys: found.keys, node }
    });
    let Some(next) = next else {
        return Ok(vec![blocks(doc, found, &header, &text, false, true)?]);
    };
    let start = Tables::new(doc, &next).start();
    let base = doc.indentation(start);
    let body = block_text(doc, &header, &text, base, false, true)?;
    Ok(vec![(start..start, format!("{body}{}", doc.line_end()))])
}

/// A new line in a table's body.
fn pair(doc: &Doc<'_>, found: &Found<'_>, name: &str, value: &str) -> Result<(Span, String), LensError> {
    let line_end = doc.line_end();
    if found.path.is_empty() {
        let pairs: Vec<usize> = (0..doc.statements.len()).take_while(|at| !doc.statements[*at].is_header()).collect();
        if !pairs.is_empty() {
            return Ok(beside(doc, &pairs, 0, "", (name, value)));
        }
        let Some(first) = doc.statements.first() else {
            let end = doc.skip_blank_back(doc.text.len(), 0);
            let gap = if end == 0 { "" } else { line_end };
            return Ok(fit(
                doc,
                end..end,
                format!("{gap}{}{line_end}", inline::pair(name, &inline::indented(value, "", line_end))),
            ));
        };
        let text = format!("{}{line_end}{line_end}", inline::pair(name, &inline::indented(value, "", line_end)));
        return Ok((first.lead..first.lead, text));
    }
    if matches!(found.node, Node::Tables(_)) {
        return Err(LensError::Refused("a list of tables holds nothing but tables".to_owned()));
    }
    let tables = Tables::new(doc, found);
    let pairs = tables.pairs();
    if !pairs.is_empty() {
        return Ok(beside(doc, &pairs, found.path.len(), &tables.pair_prefix(), (name, value)));
    }
    if let Some(header) = tables.header() {
        let base = indentation(&doc.text[doc.statements[header].line..]);
        let text = format!("{base}{}{line_end}", inline::pair(name, &inline::indented(value, base, line_end)));
        let end = doc.tail(header);
        return Ok(fit(doc, end..end, text));
    }
    let start = tables.start();
    let base = doc.indentation(start);
    let pair = inline::pair(name, &inline::indented(value, base, line_end));
    let header = header_path(doc, &found.path);
    Ok((start..start, format!("{base}[{header}]{line_end}{base}{pair}{line_end}{line_end}")))
}

/// A pair among its siblings, whose own names are the keys at `depth`: where the alphabet wants it if they are sorted, otherwise
/// behind the last.
fn beside(doc: &Doc<'_>, pairs: &[usize], depth: usize, prefix: &str, (name, value): (&str, &str)) -> (Span, String) {
    let line_end = doc.line_end();
    let last = pairs[pairs.len() - 1];
    let own = |at: &usize| doc.statements[*at].path.get(depth).map_or("", String::as_str);
    let names: Vec<&str> = pairs.iter().map(own).collect();
    let is_sorted = names.len() > 2 && names.windows(2).all(|pair| pair[0] < pair[1]);
    let before = if is_sorted { names.iter().position(|other| *other > name).map(|at| pairs[at]) } else { None };
    let neighbour = &doc.statements[before.unwrap_or(last)];
    let base = indentation(&doc.text[neighbour.line..]);
    let tight = match &neighbour.kind {
        Kind::Pair(span) => neighbour.keys.last().is_some_and(|key| &doc.text[key.end..span.start] == "="),
        _ => false,
    };
    let equals = if tight { "=" } else { " = " };
    let value = inline::indented(value, base, line_end);
    let text = format!("{base}{prefix}{}{equals}{value}{line_end}", key(name));
    match before {
        Some(before) => (doc.statements[before].lead..doc.statements[before].lead, text),
        None => {
            let end = doc.tail(last);
            fit(doc, end..end, text)
        }
    }
}

/// See [`crate::lens::Lens::remove`].
pub(super) fn remove(file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
    let doc = Doc::parse(file)?;
    let found = find(&doc, expression)?;
    let tokens = pointer::parse("toml", expression)?;
    let Some((last, parents)) = tokens.split_last() else {
        return Err(LensError::Refused("the whole file is not removed; remove the file itself".to_owned()));
    };
    let edits = match found.node {
        Node::Value(value) => match pair_of(&doc, value) {
            Some(at) => vec![line(&doc, at)],
            None => match parent(&doc, &found) {
                Some(Node::Value(container)) => inline::remove(&doc, container, last),
                _ => None,
            }
            .ok_or_else(|| LensError::Refused(format!("`{expression}` cannot be taken out of what is around it")))?,
        },
        Node::Table(_) | Node::Tables(_) => Tables::new(&doc, &found).remove(),
    };
    let edits = doc.plan(edits);
    keep_parent(file, &doc, parents, edits)
}

/// A table that only what was removed implied stays, as an empty one.
fn keep_parent(file: &[u8], doc: &Doc<'_>, parents: &[String], edits: Vec<Edit>) -> Result<Vec<Edit>, LensError> {
    let (parent, _) = follow(doc, parents);
    let may_vanish = match parent.node {
        Node::Table(table) => table.is_implicit() || table.is_dotted(),
        Node::Tables(tables) => tables.len() == 1,
        Node::Value(_) => false,
    };
    if parents.is_empty() || !may_vanish {
        return Ok(edits);
    }
    let without = splice(file, &edits)?;
    let vanished = !follow(&Doc::parse(&without)?, parents).1.is_empty();
    if !vanished {
        return Ok(edits);
    }
    let empty = match parent.node {
        Node::Tables(_) => Fragment { format: Format::TomlValue, text: b"[]".to_vec() },
        _ => Fragment { format: Format::Toml, text: Vec::new() },
    };
    let written = splice(&without, &insert(&without, &pointer::format(parents), &empty)?)?;
    Ok(difference(file, &written))
}

/// The lines of a pair. Comment lines above it stay, since they may be about more than it, unless another table would get them.
fn line(doc: &Doc<'_>, at: usize) -> (Span, String) {
    let statement = &doc.statements[at];
    let stay = !doc.parts_a_table(at, at);
    let start = if stay { statement.line } else { statement.lead };
    let span = start..statement.end;
    let next = line_at(doc.text, statement.end);
    if stay && statement.lead < statement.line {
        // They are set off from what follows at once: they are not about that.
        return (span, if is_blank(next) { String::new() } else { doc.line_end().to_owned() });
    }
    let is_block_start = start == 0 || is_blank(&doc.text[line_start(doc.text, start - 1)..start]);
    let at_end = doc.skip_blank(span.end, doc.text.len()) == doc.text.len();
    // A paragraph of its own goes with one of the blank lines around it.
    let span = if (is_block_start && is_blank(next)) || at_end { without(doc, span) } else { span };
    (span, String::new())
}

/// See [`crate::lens::Syntax::without_comments`].
pub(super) fn without_comments(file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
    let doc = Doc::parse(file)?;
    let found = find(&doc, expression)?;
    let at = match found.node {
        Node::Value(value) => pair_of(&doc, value),
        Node::Table(_) | Node::Tables(_) => Tables::new(&doc, &found).header(),
    };
    let statement = at.map(|at| &doc.statements[at]);
    Ok(doc.plan(statement.map(|statement| (statement.lead..statement.line, String::new())).into_iter().collect()))
}
