//! nginx configuration, by the names of directives and blocks.
//!
//! # Addresses
//! `/http/gzip` is the directive `gzip` in the block `http`; `/http/upstream backend` and `/http/server/location ~1api` are blocks with their parameters, as they are
//! written with single blanks. `/http/server[server_name=example.org]` is the block `server` that has the directive `server_name` with the parameter `example.org`. A JSON
//! Pointer, so that `/` in a name is written `~1`. Several that match are ambiguous.
//!
//! # Fragments
//! A directive is its parameters as text, as they are written; a block is its lines, without the indentation that they share. What is
//! put into a block must be sound by itself. The body of a `..._by_lua_block` is Lua, and is not looked into.
//!
//! # The embedding
//! The value is a string.

mod scan;

use std::collections::{HashMap, HashSet};

use self::scan::{Directive, File, parsed};
use super::lines::{string_of, text_of};
use super::{Edit, Format, Fragment, Item, Lens, LensError, Span, apply, body};
use crate::pointer;
use crate::selector::Scheme;
use crate::value::Value;

pub(crate) struct Nginx;

/// A token of an expression: `name`, `name parameters`, `name[directive=parameter]`.
struct Token {
    name: String,
    parameters: Option<String>,
    /// A directive that stands in it, and one of its parameters.
    holds: Option<(String, String)>,
}

impl Token {
    fn of(text: &str) -> Token {
        let (head, holds) = match text.strip_suffix(']').and_then(|text| text.rsplit_once('[')) {
            Some((head, filter)) if !head.is_empty() => match filter.split_once('=') {
                Some((name, parameter)) if is_word(name) => (head, Some((name.to_owned(), parameter.to_owned()))),
                _ => (text, None),
            },
            _ => (text, None),
        };
        match head.split_once(' ') {
            Some((name, parameters)) => Token { name: name.to_owned(), parameters: Some(parameters.to_owned()), holds },
            None => Token { name: head.to_owned(), parameters: None, holds },
        }
    }

    fn is(&self, file: &File<'_>, at: usize) -> bool {
        let directive = &file.directives[at];
        directive.name == self.name
            && self.parameters.as_ref().is_none_or(|wanted| directive.parameters.join(" ") == *wanted)
            && self.holds.as_ref().is_none_or(|(name, parameter)| {
                directive.block.is_some()
                    && file.within(Some(at)).any(|at| {
                        let inner = &file.directives[at];
                        inner.name == *name && inner.parameters.contains(parameter)
                    })
            })
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn tokens(expression: &str) -> Result<Vec<String>, LensError> {
    let tokens = pointer::parse(Scheme::Nginx.name(), expression)?;
    if tokens.is_empty() {
        return Err(LensError::Selector {
            scheme: Scheme::Nginx.name(),
            selector: expression.to_owned(),
            why: "write `/block/directive`, `/block parameters`, or `/block[directive=parameter]`".to_owned(),
        });
    }
    Ok(tokens)
}

/// Everything that the tokens lead to.
fn found(file: &File<'_>, tokens: &[String]) -> Vec<usize> {
    let mut parents: Vec<Option<usize>> = vec![None];
    let mut here = Vec::new();
    for token in tokens.iter().map(|token| Token::of(token)) {
        here = parents.iter().flat_map(|parent| file.within(*parent)).filter(|at| token.is(file, *at)).collect();
        parents = here.iter().map(|at| Some(*at)).collect();
    }
    here
}

fn located(file: &File<'_>, expression: &str) -> Result<usize, LensError> {
    let found = found(file, &tokens(expression)?);
    match found[..] {
        [only] => Ok(only),
        [] => Err(LensError::missing(expression, named(file).into_iter().map(|(_, path)| path))),
        _ => Err(LensError::Ambiguous {
            selector: expression.to_owned(),
            lines: body::line_numbers(file.text, found.iter().map(|at| file.directives[*at].span.start)),
        }),
    }
}

/// The tokens that may mean a directive, the best first: a block by its parameters, a directive by its name, a server by its name.
fn candidates(file: &File<'_>, at: usize) -> Vec<String> {
    let directive = &file.directives[at];
    let mut all = vec![directive.name.clone()];
    if !directive.parameters.is_empty() {
        all.push(format!("{} {}", directive.name, directive.parameters.join(" ")));
    }
    if directive.block.is_some() {
        all.reverse();
        for inner in file.within(Some(at)).map(|inner| &file.directives[inner]).filter(|it| it.name == "server_name") {
            let names = inner.parameters.iter();
            all.extend(names.map(|name| format!("{}[server_name={name}]", directive.name)));
        }
    }
    let mut seen = HashSet::new();
    all.retain(|token| seen.insert(token.clone()));
    all
}

/// The directives that one expression means.
fn named(file: &File<'_>) -> Vec<(usize, String)> {
    let of: Vec<Vec<String>> = (0..file.directives.len()).map(|at| candidates(file, at)).collect();
    let mut counts: HashMap<(Option<usize>, &str), usize> = HashMap::new();
    for (directive, tokens) in file.directives.iter().zip(&of) {
        tokens.iter().for_each(|token| *counts.entry((directive.parent, token)).or_default() += 1);
    }
    let mut paths: Vec<Option<String>> = Vec::with_capacity(of.len());
    for (at, (directive, tokens)) in file.directives.iter().zip(&of).enumerate() {
        let parent = directive.parent.map_or(Some(String::new()), |parent| paths[parent].clone());
        let is_only = |token: &&String| {
            counts.get(&(directive.parent, token.as_str())) == Some(&1) && Token::of(token).is(file, at)
        };
        let own = tokens.iter().find(is_only);
        paths.push(parent.zip(own).map(|(mut path, token)| {
            pointer::push(&mut path, token);
            path
        }));
    }
    paths.into_iter().enumerate().filter_map(|(at, path)| Some((at, path?))).collect()
}

/// The lines of a block between its braces, where they have lines of their own.
fn inner_lines(file: &File<'_>, block: &Span) -> Option<Span> {
    let text = file.text;
    let start = memchr::memchr(b'\n', &text[block.clone()]).map(|at| block.start + at + 1)?;
    let end = memchr::memrchr(b'\n', &text[..block.end]).map_or(start, |at| at + 1).max(start);
    let is_blank = |span: Span| body::is_blank(&text[span]);
    // A comment may stand behind the brace.
    let behind = text[block.start..body_end(text, block.start)].trim_ascii_start();
    let opens = behind.is_empty() || behind.starts_with(b"#");
    (opens && is_blank(end..block.end)).then_some(start..end)
}

/// Where the content of the line ends that holds `at`.
fn body_end(text: &[u8], at: usize) -> usize {
    let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |len| at + len);
    at + body::content(&text[at..end]).len()
}

fn fragment_of(file: &File<'_>, at: usize) -> Result<Fragment, LensError> {
    let directive = &file.directives[at];
    let text = match &directive.block {
        None => text_of(super::lf(&file.text[directive.arguments.clone()]).into_owned()),
        Some(block) => {
            apply::check_size(block.len())?;
            match inner_lines(file, block) {
                Some(lines) if is_literal(file, block) => body::taken(&file.text[lines], b""),
                Some(lines) => body::taken(&file.text[lines.clone()], body::common_indentation(&file.text[lines])),
                None => body::taken(file.text[block.clone()].trim_ascii(), b""),
            }
        }
    };
    Ok(Fragment { format: Format::Text, text })
}

/// Parameters as they may stand before a `;`.
fn arguments(text: &[u8]) -> Result<&[u8], LensError> {
    let text = string_of(text);
    let line = [b"x ", text, b";\n"].concat();
    let is_one = parsed(&line).is_ok_and(
        |read| matches!(&read.directives[..], [only] if only.block.is_none() && only.span.end == line.len() - 1),
    );
    if is_one && text.trim_ascii() == text && !text.contains(&b'\n') {
        return Ok(text);
    }
    Err(LensError::Refused(
        "the fragment is to be the parameters of a directive, on one line and without `;`".to_owned(),
    ))
}

/// Whether indentation counts in a block: a quoted parameter goes over several lines, or the block is Lua.
fn is_literal(file: &File<'_>, block: &Span) -> bool {
    let inside = |directive: &&Directive| block.start <= directive.span.start && directive.span.end <= block.end;
    let is_own = |directive: &Directive| directive.block.as_ref() == Some(block) && directive.is_opaque;
    let several = |directive: &Directive| directive.parameters.iter().any(|parameter| parameter.contains('\n'));
    file.directives.iter().any(is_own)
        || file.directives.iter().filter(inside).any(|directive| directive.is_opaque || several(directive))
}

/// Refuses what may not stand in a block; tells whether its indentation counts.
fn sound(text: &[u8]) -> Result<bool, LensError> {
    let file = parsed(text).map_err(|error| LensError::Refused(format!("a block holds directives: {error}")))?;
    Ok(is_literal(&file, &(0..text.len())))
}

/// The indentation of new lines in a block.
fn indentation(file: &File<'_>, directive: &Directive, lines: &Span) -> Vec<u8> {
    match body::common_indentation(&file.text[lines.clone()]) {
        b"" => inner_indent(file, directive),
        own => own.to_vec(),
    }
}

impl Lens for Nginx {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        let file = parsed(file)?;
        fragment_of(&file, located(&file, expression)?)
    }

    fn put(&self, text: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let file = parsed(text)?;
        let directive = &file.directives[located(&file, expression)?];
        expects_text(fragment, expression)?;
        let Some(block) = &directive.block else {
            let new = arguments(&fragment.text)?;
            let space = if directive.arguments.is_empty() && !new.is_empty() { &b" "[..] } else { b"" };
            return Ok(vec![Edit { span: directive.arguments.clone(), text: [space, new].concat() }]);
        };
        let literal = directive.is_opaque || sound(&fragment.text)?;
        let Some(lines) = inner_lines(&file, block) else {
            return Err(LensError::Refused("the block stands on one line; lay it on several first".to_owned()));
        };
        let indent = if literal { Vec::new() } else { indentation(&file, directive, &lines) };
        Ok(body::replaced(text, &lines, &indent, &fragment.text))
    }

    fn insert(&self, text: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let file = parsed(text)?;
        expects_text(fragment, expression)?;
        let tokens = tokens(expression)?;
        let (last, above) = tokens.split_last().map_or(("", &[][..]), |(last, above)| (last.as_str(), above));
        let parent = match above {
            [] => None,
            above => match found(&file, above)[..] {
                [only] => Some(only),
                [] => return Err(LensError::Refused(format!("the block `{}` is missing", pointer::format(above)))),
                _ => return Err(LensError::Refused(format!("several blocks stand at `{}`", pointer::format(above)))),
            },
        };
        let token = Token::of(last);
        if token.holds.is_some() || !is_word(&token.name) {
            return Err(LensError::Refused(format!("`{last}` is no name of a new directive")));
        }
        let head = last.as_bytes();
        let is_block = becomes_block(&tokens, &fragment.text);
        let mut new = Vec::new();
        if is_block {
            if token.name.ends_with(LUA) || sound(&fragment.text)? {
                let why = "a block with a parameter of several lines, or with Lua, is not made anew";
                return Err(LensError::Refused(why.to_owned()));
            }
            new.extend_from_slice(&[head, b" {\n"].concat());
            for line in body::lines(&fragment.text) {
                if line != b"\n" {
                    new.extend_from_slice(STEP);
                }
                new.extend_from_slice(line);
            }
            new.extend_from_slice(b"}\n");
        } else {
            let parameters = arguments(&fragment.text)?;
            let space = if parameters.is_empty() { &b""[..] } else { b" " };
            new.extend_from_slice(&[head, space, parameters, b";\n"].concat());
        }
        let Some(parent) = parent else {
            return Ok(body::replaced(text, &(text.len()..text.len()), b"", &new));
        };
        let directive = &file.directives[parent];
        let block = directive.block.clone().filter(|_| !directive.is_opaque);
        let lines = block.and_then(|block| inner_lines(&file, &block));
        let lines =
            lines.ok_or_else(|| LensError::Refused("nothing can be put into that on lines of its own".to_owned()))?;
        let indent = indentation(&file, directive, &lines);
        Ok(body::replaced(text, &(lines.end..lines.end), &indent, &new))
    }

    fn may_come(&self, text: &[u8], expression: &str) -> bool {
        let (Ok(file), Ok(tokens)) = (parsed(text), tokens(expression)) else { return false };
        matches!(tokens.split_last(), Some((_, above)) if above.is_empty() || found(&file, above).len() == 1)
    }

    fn remove(&self, text: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        let file = parsed(text)?;
        let span = &file.directives[located(&file, expression)?].span;
        let start = memchr::memrchr(b'\n', &text[..span.start]).map_or(body::bom(text), |at| at + 1);
        let content = body_end(text, span.end);
        let tail = text[span.end..content].trim_ascii_start();
        let is_alone = body::is_blank(&text[start..span.start]) && (tail.is_empty() || tail.starts_with(b"#"));
        if !is_alone {
            return Ok(vec![Edit { span: span.clone(), text: Vec::new() }]);
        }
        let end = memchr::memchr(b'\n', &text[span.end..]).map_or(text.len(), |at| span.end + at + 1);
        Ok(body::removed(text, &(start..end)))
    }

    fn is_position(&self, _: &[u8], _: &str) -> bool {
        false
    }

    fn is_removed(&self, _before: &[u8], after: &[u8], expression: &str) -> bool {
        matches!(self.get(after, expression), Err(LensError::Missing { .. }))
    }

    fn fitted(&self, file: &[u8], expression: &str, fragment: Fragment) -> Fragment {
        let is_block = parsed(file).ok().is_some_and(|file| match located(&file, expression) {
            Ok(at) => file.directives[at].block.is_some(),
            Err(_) => tokens(expression).is_ok_and(|tokens| becomes_block(&tokens, &fragment.text)),
        });
        match fragment.format {
            Format::Text if is_block => {
                let indent =
                    if sound(&fragment.text).unwrap_or(true) { b"" } else { body::common_indentation(&fragment.text) };
                Fragment { text: body::taken(&fragment.text, indent), ..fragment }
            }
            Format::Text => Fragment { text: text_of(string_of(&fragment.text).to_vec()), ..fragment },
            _ => fragment,
        }
    }

    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError> {
        let file = parsed(file)?;
        let named = named(&file);
        let starts = body::line_numbers(file.text, named.iter().map(|(at, _)| file.directives[*at].span.start));
        let items = named.into_iter().zip(starts).map(|((at, selector), first)| {
            let directive = &file.directives[at];
            let last = first + memchr::memchr_iter(b'\n', &file.text[directive.span.clone()]).count();
            Item { selector, kind: if directive.block.is_some() { "block" } else { "directive" }, lines: (first, last) }
        });
        Ok(items.collect())
    }

    fn format_for(&self, _: &str, _: &Value) -> Format {
        Format::Text
    }

    fn apart(&self, _expression: &str) -> &'static str {
        "add the block's parameters, or a directive in it: `server[server_name=example.org]`"
    }
}

/// How the names of blocks of Lua end.
const LUA: &str = "_by_lua_block";

/// Directives of nginx's own modules that always have a block; `server` in an `upstream` apart.
const BLOCKS: &[&str] = &[
    "events",
    "geo",
    "http",
    "if",
    "limit_except",
    "location",
    "mail",
    "map",
    "match",
    "server",
    "split_clients",
    "stream",
    "types",
    "upstream",
];

/// Whether what is inserted with this text is a block.
fn becomes_block(tokens: &[String], text: &[u8]) -> bool {
    let name = |token: Option<&String>| token.map_or(String::new(), |token| Token::of(token).name);
    let (own, parent) = (name(tokens.last()), name(tokens.iter().rev().nth(1)));
    let is_known = BLOCKS.contains(&own.as_str()) && !(own == "server" && parent == "upstream");
    is_known || own.ends_with(LUA) || memchr::memchr2(b';', b'\n', string_of(text)).is_some()
}

/// One level of indentation, where nothing shows it.
const STEP: &[u8] = b"    ";

/// The indentation of a block's lines that has none to show.
fn inner_indent(file: &File<'_>, directive: &Directive) -> Vec<u8> {
    let start = memchr::memrchr(b'\n', &file.text[..directive.span.start]).map_or(body::bom(file.text), |at| at + 1);
    [body::indentation(&file.text[start..directive.span.start]), STEP].concat()
}

fn expects_text(fragment: &Fragment, expression: &str) -> Result<(), LensError> {
    if fragment.format == Format::Text {
        return Ok(());
    }
    Err(LensError::Refused(format!("`{expression}` holds text, not {}", fragment.format)))
}
