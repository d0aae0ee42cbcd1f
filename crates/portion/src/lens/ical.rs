//! iCalendar and vCard, by UID.
//!
//! # Addresses
//! `uid:X` is the event, to-do or journal entry (or other component of a calendar) of this UID that has no RECURRENCE-ID; `uid:X/20260101T100000Z`
//! is its override for that RECURRENCE-ID, a portion of its own. `tzid:Europe/Berlin` is a time zone. In a vCard file `uid:X` is
//! a card, and `fn:NAME` one by its first FN. `uid:X/SUMMARY` is the value of one property; of several equal names `uid:X/ATTENDEE/0` is
//! the first. A UID with a `/` stands in quotes as a JSON string where something follows: `uid:"a/b"/SUMMARY`.
//!
//! # Fragments
//! A component is its content lines unfolded, with LF: two files that fold differently have equal ones. Lines that say the same as before
//! keep their bytes; others are folded at 75 octets, never in a character, with the file's line end. A property is its value
//! as text: without escapes where the standard calls it text, otherwise (dates, rules, addresses, lists, names of parts) as it is
//! written. Its parameters stay.
//!
//! # The embedding
//! A component is a map from the names of its properties, in upper case, to strings; to a list where a name stands several times; a property
//! with parameters is a map of `value` and `parameters`. Components in it are lists of maps under their names. In a calendar `component` tells
//! what it is.
//!
//! # Old vCards
//! vCard 2.1 knows no escapes, and encodes text as quoted-printable (RFC 2045): that is read, kept, and never written.

mod document;
mod line;
mod property;
mod tree;

use std::borrow::Cow;
use std::collections::HashMap;

use self::document::{Document, Key};
use super::apply::is_blank;
use super::lines::{string_of, text_of};
use super::words::{self, Place};
use super::{BOM, Edit, Format, Fragment, Item, Lens, LensError, Position, Syntax, body, json_compact, lf};
use crate::nearest::nearest;
use crate::pointer;
use crate::selector::Scheme;
use crate::value::Value;

/// RFC 5545.
pub(crate) const ICS: Components = Components { kind: Kind::Calendar };
/// RFC 6350, RFC 2426 and vCard 2.1.
pub(crate) const VCF: Components = Components { kind: Kind::Cards };

pub(crate) struct Components {
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Calendar,
    Cards,
}

/// How texts are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// With backslashes.
    Escaped,
    /// Not at all: vCard 2.1.
    Old,
}

impl Kind {
    fn scheme(self) -> Scheme {
        match self {
            Kind::Calendar => Scheme::Ics,
            Kind::Cards => Scheme::Vcf,
        }
    }

    fn outermost(self) -> &'static str {
        match self {
            Kind::Calendar => "VCALENDAR",
            Kind::Cards => "VCARD",
        }
    }

    /// What a portion usually is.
    fn innermost(self) -> &'static str {
        match self {
            Kind::Calendar => "VEVENT",
            Kind::Cards => "VCARD",
        }
    }

    fn is_addressed(self, component: &str) -> bool {
        self == Kind::Calendar || component == "VCARD"
    }

    /// What a component may be known by, and the property that says it.
    fn keys(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Kind::Calendar => &[("uid", "UID"), ("tzid", "TZID")],
            Kind::Cards => &[("uid", "UID"), ("fn", "FN")],
        }
    }

    fn dialect(self, version: Option<&str>) -> Dialect {
        match (self, version.map(str::trim)) {
            (Kind::Cards, Some("2.1")) => Dialect::Old,
            _ => Dialect::Escaped,
        }
    }
}

/// What an expression asks for.
struct Asked {
    key: Key,
    /// A property's name, and which of several.
    property: Option<(String, Option<usize>)>,
}

/// The expression of a component, or its beginning where `more` follows.
fn written(key: &Key, more: bool) -> String {
    let is_zone = key.by == "tzid";
    let text = match (is_zone, more) {
        (true, true) => json_compact(&Value::String(key.text.clone())).unwrap_or_default(),
        (true, false) => words::written(&key.text, Place::Text),
        (false, _) => words::written(&key.text, Place::BeforeSlash),
    };
    format!("{}:{text}", key.by)
}

impl Key {
    /// The expression that means this component.
    fn expression(&self) -> String {
        match &self.recurrence {
            None => written(self, false),
            Some(recurrence) => format!("{}/{recurrence}", written(self, true)),
        }
    }
}

impl Components {
    fn parsed(&self, expression: &str) -> Result<Asked, LensError> {
        let wrong = |why: &str| LensError::Selector {
            scheme: self.kind.scheme().name(),
            selector: expression.to_owned(),
            why: match self.kind {
                Kind::Calendar => format!("{why}; write `uid:UID`, `uid:UID/SUMMARY` for a property, or `tzid:NAME`"),
                Kind::Cards => format!("{why}; write `uid:UID` or `fn:NAME`, and `uid:UID/TEL` for a property"),
            },
        };
        let keys = self.kind.keys().iter();
        let found = keys.filter_map(|(by, _)| Some((*by, expression.strip_prefix(by)?.strip_prefix(':')?))).next();
        let (by, rest) = found.ok_or_else(|| wrong("it begins with no key"))?;
        // A time zone's name may have slashes, and has no properties that are asked for by themselves unless it stands in quotes.
        let (text, mut rest) = match words::before(rest, b"/") {
            Ok((word, rest)) if word.quoted || by != "tzid" => (word.text, &rest[1..]),
            _ => (words::whole(rest, false).map_err(|why| wrong(&why))?.text, ""),
        };
        let mut key = Key { by, text, recurrence: None };
        if self.kind == Kind::Calendar && rest.starts_with(|c: char| c.is_ascii_digit()) {
            let (recurrence, more) = rest.split_once('/').unwrap_or((rest, ""));
            key.recurrence = Some(recurrence.to_owned());
            rest = more;
        }
        if rest.is_empty() {
            return match expression.ends_with('/') && !key.text.ends_with('/') {
                true => Err(wrong("the name of a property is missing")),
                false => Ok(Asked { key, property: None }),
            };
        }
        let (name, ordinal) = match rest.split_once('/') {
            None => (rest, None),
            Some((name, ordinal)) => {
                (name, Some(pointer::index(ordinal).ok_or_else(|| wrong("behind a property stands only a number"))?))
            }
        };
        Ok(Asked { key, property: Some((name.to_owned(), ordinal)) })
    }

    fn located(&self, document: &Document<'_>, key: &Key, expression: &str) -> Result<usize, LensError> {
        let found: Vec<usize> = document.addressed().filter(|at| document.keys(*at).contains(key)).collect();
        match found[..] {
            [only] => Ok(only),
            [] => {
                let keys = document.addressed().filter_map(|at| document.key(at));
                Err(LensError::missing(expression, keys.map(|key| key.expression())))
            }
            _ => Err(LensError::Ambiguous {
                selector: expression.to_owned(),
                lines: body::line_numbers(document.file, found.iter().map(|at| document.span(*at).start)),
            }),
        }
    }

    /// The index of the line on which a property stands.
    fn property(
        &self,
        document: &Document<'_>,
        at: usize,
        (name, ordinal): (&str, Option<usize>),
        expression: &str,
    ) -> Result<usize, LensError> {
        let found: Vec<usize> = document.named(at, name).map(|(nth, _)| nth).collect();
        let missing = || {
            let own = document.own(at).filter_map(|nth| Some(property::canonical(document.property(nth).ok()?.name)));
            let key = document.key(at).map_or(String::new(), |key| match key.recurrence {
                Some(_) => key.expression(),
                None => written(&key, true),
            });
            let nearest = nearest(name, own).into_iter().map(|name| format!("{key}/{name}")).collect();
            LensError::Missing { selector: expression.to_owned(), nearest }
        };
        match (ordinal, &found[..]) {
            (Some(ordinal), found) => found.get(ordinal).copied().ok_or_else(missing),
            (None, [only]) => Ok(*only),
            (None, []) => Err(missing()),
            (None, found) => Err(LensError::Ambiguous {
                selector: expression.to_owned(),
                lines: body::line_numbers(document.file, found.iter().map(|nth| document.lines[*nth].span.start)),
            }),
        }
    }

    /// The fragment's lines, if it is the component of this key.
    fn component<'f>(&self, fragment: &'f Fragment, key: &Key, expression: &str) -> Result<Document<'f>, LensError> {
        if fragment.format != self.kind.format() {
            return Err(LensError::Refused(format!(
                "`{expression}` holds {}, not {}",
                self.kind.format(),
                fragment.format
            )));
        }
        tree::value(self.kind, &fragment.text)?;
        let document = Document::read(self.kind, &fragment.text)?;
        if !document.keys(0).contains(key) {
            let other = document.key(0).map_or("without a key".to_owned(), |own| format!("`{}`", own.expression()));
            return Err(LensError::Refused(format!("the fragment is another portion than `{expression}`: {other}")));
        }
        Ok(document)
    }

    /// A new property of a component that stands there.
    fn insert_property(
        &self,
        document: &Document<'_>,
        at: usize,
        (name, ordinal): (&str, Option<usize>),
        text: &str,
    ) -> Result<Vec<Edit>, LensError> {
        let same: Vec<usize> = document.named(at, name).map(|(nth, _)| nth).collect();
        if ordinal.is_some_and(|ordinal| ordinal > same.len()) {
            let (ordinal, next) = (ordinal.unwrap_or_default(), same.len());
            return Err(LensError::Refused(format!(
                "there is no place for item {ordinal}; the next one is item {next}"
            )));
        }
        let name = name.to_ascii_uppercase();
        let cannot_say = |what: &str| LensError::CannotSay {
            format: self.kind.format(),
            path: format!("/{name}"),
            what: what.into(),
        };
        if !property::is_name(&name) {
            return Err(cannot_say("a property of this name"));
        }
        let mode = property::mode(&name, [], document.dialect(at));
        let line = format!("{name}:{}", property::encoded(text, mode).map_err(cannot_say)?).into_bytes();
        let component = &document.components[at];
        // Behind the last of its name, or the last before the components within.
        let begins = |nth: &usize| document::keyword(&document.lines[*nth].content, "BEGIN").is_some();
        let inner = (component.first + 1..component.last).find(begins).unwrap_or(component.last);
        let place = same.last().map_or(inner, |last| last + 1) - component.first;
        let mut new: Vec<&[u8]> = contents(document, at).collect();
        new.insert(place, &line);
        lines_put(document, at, &new)
    }
}

/// What the lines of a component say.
fn contents<'d>(document: &'d Document<'_>, at: usize) -> impl Iterator<Item = &'d [u8]> {
    let component = &document.components[at];
    document.lines[component.first..=component.last].iter().map(|line| &*line.content)
}

/// Refuses lines that a file cannot hold as they are.
fn check_new(content: &[u8]) -> Result<(), LensError> {
    if line::is_quoted_printable(content) {
        return Err(LensError::Refused(
            "a line in quoted-printable is kept, and not written; put its text without that encoding".to_owned(),
        ));
    }
    if content.contains(&b'\r') {
        return Err(LensError::Refused("a line of the fragment holds a CR".to_owned()));
    }
    Ok(())
}

/// Plans the replacement of a component's lines. Those that say what an old one said keep its bytes.
fn lines_put(document: &Document<'_>, at: usize, new: &[&[u8]]) -> Result<Vec<Edit>, LensError> {
    let component = &document.components[at];
    let mut standing: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for nth in (component.first..=component.last).rev() {
        standing.entry(&document.lines[nth].content).or_default().push(nth);
    }
    let mut text = Vec::new();
    for content in new {
        match standing.get_mut(content).and_then(Vec::pop) {
            Some(nth) => {
                let raw = &document.file[document.raw(nth, component)];
                for line in body::lines(raw) {
                    text.extend_from_slice(body::content(line));
                    text.push(b'\n');
                }
            }
            None => {
                check_new(content)?;
                line::fold(content, &mut text);
            }
        }
    }
    Ok(body::replaced(document.file, &document.span(at), b"", &text))
}

/// Lines as they stand in a file, with LF.
fn folded(document: &Document<'_>) -> Result<Vec<u8>, LensError> {
    let mut text = Vec::new();
    for line in &document.lines {
        check_new(&line.content)?;
        line::fold(&line.content, &mut text);
    }
    Ok(text)
}

impl Lens for Components {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        let Asked { key, property } = self.parsed(expression)?;
        let document = Document::read(self.kind, file)?;
        let at = self.located(&document, &key, expression)?;
        if let Some((name, ordinal)) = property {
            let nth = self.property(&document, at, (&name, ordinal), expression)?;
            let property = document.property(nth)?;
            let text = property.text(document.dialect(at));
            let text = text.map_err(|found| LensError::unparsable(file, document.lines[nth].span.start, found))?;
            let text = lf(body::without_bom(text.as_bytes())).into_owned();
            return Ok(Fragment { format: Format::Text, text: text_of(text) });
        }
        super::apply::check_size(document.span(at).len())?;
        let mut text = Vec::with_capacity(document.span(at).len());
        for line in contents(&document, at) {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        let first = document.components[at].first;
        tree::value(self.kind, &text).map_err(|error| match error {
            LensError::Unparsable { at: Position { line, .. }, found } => {
                let at = document.lines.get(first + line - 1).map_or(0, |line| line.span.start);
                LensError::unparsable(file, at, found)
            }
            other => other,
        })?;
        Ok(Fragment { format: self.kind.format(), text })
    }

    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let Asked { key, property } = self.parsed(expression)?;
        let document = Document::read(self.kind, file)?;
        let at = self.located(&document, &key, expression)?;
        let Some((name, ordinal)) = property else {
            let new = self.component(fragment, &key, expression)?;
            let lines: Vec<&[u8]> = new.lines.iter().map(|line| &*line.content).collect();
            return lines_put(&document, at, &lines);
        };
        let nth = self.property(&document, at, (&name, ordinal), expression)?;
        let standing = document.property(nth)?;
        let text = scalar(fragment, expression)?;
        let encoded = property::encoded(text, standing.mode(document.dialect(at)));
        let encoded = encoded.map_err(|what| LensError::CannotSay {
            format: self.kind.format(),
            path: String::new(),
            what: what.to_owned(),
        })?;
        let line = [standing.head.as_bytes(), encoded.as_bytes()].concat();
        let mut lines: Vec<&[u8]> = contents(&document, at).collect();
        lines[nth - document.components[at].first] = &line;
        lines_put(&document, at, &lines)
    }

    fn insert(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let Asked { key, property } = self.parsed(expression)?;
        let document = Document::read(self.kind, file)?;
        if let Some((name, ordinal)) = property {
            let at = self.located(&document, &key, expression).map_err(|error| match error {
                LensError::Missing { .. } => {
                    LensError::Refused(format!("the component is missing; insert `{}`", key.expression()))
                }
                other => other,
            })?;
            return self.insert_property(&document, at, (&name, ordinal), scalar(fragment, expression)?);
        }
        let mut text = folded(&self.component(fragment, &key, expression)?)?;
        let is_outermost = |at: &usize| document.components[*at].name == self.kind.outermost();
        let last = (0..document.components.len()).rfind(|at| document.components[*at].parent.is_none());
        let at = match (self.kind, last.filter(is_outermost)) {
            _ if is_blank(file) => {
                if self.kind == Kind::Calendar {
                    let (before, behind) = ("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//inlay//EN\n", "END:VCALENDAR\n");
                    text = [before.as_bytes(), &text, behind.as_bytes()].concat();
                }
                let text = String::from_utf8_lossy(&text).replace('\n', "\r\n").into_bytes();
                return Ok(vec![Edit { span: body::bom(file)..file.len(), text }]);
            }
            (Kind::Calendar, Some(last)) => document.lines[document.components[last].last].span.start,
            (Kind::Cards, Some(last)) => document.span(last).end,
            (_, None) => {
                let outermost = self.kind.outermost();
                return Err(LensError::Refused(format!("the file has no {outermost} to insert into")));
            }
        };
        Ok(body::replaced(file, &(at..at), b"", &text))
    }

    fn may_come(&self, file: &[u8], expression: &str) -> bool {
        let (Ok(Asked { key, property }), Ok(document)) = (self.parsed(expression), Document::read(self.kind, file))
        else {
            return false;
        };
        property.is_none() || self.located(&document, &key, expression).is_ok()
    }

    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        let Asked { key, property } = self.parsed(expression)?;
        let document = Document::read(self.kind, file)?;
        let at = self.located(&document, &key, expression)?;
        let Some((name, ordinal)) = property else {
            let span = document.span(at);
            let is_blank_line = |line: &&[u8]| body::is_blank(body::content(line));
            let before = body::lines_back(&file[..span.start]).next().is_none_or(|line| is_blank_line(&line));
            let blank = body::lines(&file[span.end..]).take_while(is_blank_line).map(<[u8]>::len);
            let behind: usize = if before { blank.sum() } else { 0 };
            return Ok(body::removed(file, &(span.start..span.end + behind)));
        };
        let nth = self.property(&document, at, (&name, ordinal), expression)?;
        if ordinal.is_none() && self.kind.keys().iter().any(|(by, key)| *by == "uid" && key.eq_ignore_ascii_case(&name))
        {
            return Err(LensError::Refused("without its UID the component would be another portion".to_owned()));
        }
        Ok(body::removed(file, &document.lines[nth].span))
    }

    fn is_position(&self, _: &[u8], expression: &str) -> bool {
        self.parsed(expression).is_ok_and(|asked| asked.property.is_some_and(|(_, ordinal)| ordinal.is_some()))
    }

    fn fitted(&self, _file: &[u8], _expression: &str, fragment: Fragment) -> Fragment {
        match fragment.format {
            Format::Text => Fragment { text: text_of(string_of(&fragment.text).to_vec()), ..fragment },
            _ => fragment,
        }
    }

    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError> {
        Ok(self.read(file)?.0)
    }

    fn omitted(&self, file: &[u8]) -> Result<Vec<LensError>, LensError> {
        Ok(self.read(file)?.1)
    }

    fn format_for(&self, expression: &str, _value: &Value) -> Format {
        match self.parsed(expression) {
            Ok(Asked { property: Some(_), .. }) => Format::Text,
            _ => self.kind.format(),
        }
    }

    fn apart(&self, _expression: &str) -> &'static str {
        "behind a property, `/0` means the first of several, as in `/TEL/0`; several components must differ in what they go by"
    }

    fn words(&self) -> &'static [&'static str] {
        &["uid", "fn", "tzid"]
    }
}

/// What a fragment of a property says.
fn scalar<'f>(fragment: &'f Fragment, expression: &str) -> Result<&'f str, LensError> {
    if fragment.format != Format::Text {
        return Err(LensError::Refused(format!("`{expression}` holds text, not {}", fragment.format)));
    }
    let text = string_of(&fragment.text);
    std::str::from_utf8(text).map_err(|error| LensError::unparsable(text, error.valid_up_to(), "expected UTF-8 text"))
}

impl Components {
    /// What can be addressed, and what stands there and cannot.
    fn read(&self, file: &[u8]) -> Result<(Vec<Item>, Vec<LensError>), LensError> {
        let document = Document::read(self.kind, file)?;
        let keys: Vec<(usize, Vec<Key>)> = document.addressed().map(|at| (at, document.keys(at))).collect();
        let mut uses: HashMap<&Key, Vec<usize>> = HashMap::new();
        for (at, key) in keys.iter().flat_map(|(at, keys)| keys.iter().map(move |key| (at, key))) {
            uses.entry(key).or_default().push(*at);
        }
        let lines = body::line_numbers(file, keys.iter().map(|(at, _)| document.span(*at).start));
        let (mut items, mut errors) = (Vec::new(), Vec::new());
        for ((at, keys), line) in keys.iter().zip(lines) {
            let Some(key) = keys.first() else { continue };
            let of_key = uses.get(key).map_or(&[][..], Vec::as_slice);
            let selector = key.expression();
            if of_key.len() > 1 {
                if of_key.first() == Some(at) {
                    let starts = of_key.iter().map(|at| document.span(*at).start);
                    errors.push(LensError::Ambiguous { selector, lines: body::line_numbers(file, starts) });
                }
                continue;
            }
            if let Err(error) = self.sound(&document, *at, key, &selector) {
                errors.push(error);
                continue;
            }
            let span = document.span(*at);
            let inner = body::content(&file[span.clone()]);
            let last = line + memchr::memchr_iter(b'\n', inner).count();
            items.push(Item { selector, kind: kind_of(&document.components[*at].name), lines: (line, last) });
        }
        Ok((items, errors))
    }

    /// Whether the component can be taken out, and its expression means it.
    fn sound(&self, document: &Document<'_>, at: usize, key: &Key, selector: &str) -> Result<(), LensError> {
        let asked = self.parsed(selector)?;
        if asked.key != *key || asked.property.is_some() {
            return Err(LensError::Unparsable {
                at: Position::at(document.file, document.span(at).start),
                found: format!("a key that no expression can say: `{}`", key.text.escape_debug()),
            });
        }
        let text: Vec<u8> = contents(document, at).flat_map(|line| [line, b"\n"].concat()).collect();
        tree::value(self.kind, &text).map(drop).map_err(|error| match error {
            LensError::Unparsable { found, .. } => LensError::unparsable(document.file, document.span(at).start, found),
            other => other,
        })
    }
}

fn kind_of(component: &str) -> &'static str {
    match component {
        "VEVENT" => "event",
        "VTODO" => "to-do",
        "VJOURNAL" => "journal entry",
        "VTIMEZONE" => "time zone",
        "VCARD" => "card",
        _ => "component",
    }
}

impl Syntax for Components {
    fn value(&self, text: &[u8]) -> Result<Value, LensError> {
        tree::value(self.kind, text)
    }

    fn update(&self, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
        tree::update(self.kind, text, value)
    }

    fn render(&self, value: &Value) -> Result<Vec<u8>, LensError> {
        tree::update(self.kind, b"", value)
    }

    fn tidy<'a>(&self, text: &'a [u8]) -> Result<Cow<'a, [u8]>, LensError> {
        let tidied = tree::tidied(text)?;
        let text = text.strip_prefix(BOM).unwrap_or(text);
        Ok(if tidied == text { Cow::Borrowed(text) } else { Cow::Owned(tidied) })
    }

    fn stands_alone(&self, text: &[u8]) -> bool {
        tree::stands_alone(self.kind, text)
    }
}
