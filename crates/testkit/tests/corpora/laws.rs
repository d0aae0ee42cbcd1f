//! The laws, on one file.

use std::collections::BTreeMap;

use portion::{Format, Fragment, Item, LensError, Scheme, Value};

use crate::archive;
use crate::edits::{
    edited, edited_code, edited_component, edited_directives, edited_element, edited_section, edited_table,
};
use crate::files::{self, File, hash};
use crate::oracle;

/// What was done with files of one kind, and what came of it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) kind: &'static str,
    pub(crate) files: u64,
    /// Files that do not parse; each must say where.
    pub(crate) unparsable: u64,
    pub(crate) portions: u64,
    pub(crate) puts: u64,
    pub(crate) removals: u64,
    pub(crate) insertions: u64,
    /// Spoilt copies of files, for totality.
    pub(crate) spoilt: u64,
    /// Edits that were refused, by reason.
    pub(crate) refused: BTreeMap<String, u64>,
    pub(crate) broken: Vec<String>,
}

impl Tally {
    pub(crate) fn new(kind: &'static str) -> Self {
        Tally { kind, ..Tally::default() }
    }

    pub(crate) fn add(&mut self, other: Tally) {
        self.files += other.files;
        self.unparsable += other.unparsable;
        self.portions += other.portions;
        self.puts += other.puts;
        self.removals += other.removals;
        self.insertions += other.insertions;
        self.spoilt += other.spoilt;
        for (reason, count) in other.refused {
            *self.refused.entry(reason).or_default() += count;
        }
        self.broken.extend(other.broken);
    }

    fn refuse(&mut self, what: &str, error: &LensError) {
        *self.refused.entry(format!("{what}: {}", reason(error))).or_default() += 1;
    }
}

/// An error's reason without what is particular to a file.
fn reason(error: &LensError) -> String {
    match error {
        LensError::Missing { .. } => "missing".to_owned(),
        LensError::Ambiguous { .. } => "ambiguous".to_owned(),
        LensError::Unparsable { .. } => "unparsable".to_owned(),
        LensError::Selector { .. } => "no selector".to_owned(),
        LensError::CannotSay { format, what, .. } => format!("{format} cannot say {what}"),
        LensError::TooLarge(_) => "too large".to_owned(),
        LensError::Refused(why) => why.split('`').step_by(2).collect::<Vec<_>>().join("…"),
    }
}

/// About so many bytes are parsed again and again for one file.
const BUDGET: usize = 100 << 10;
/// At most so many portions of one file.
const PORTIONS: usize = 4;
/// At most so many of source code, of which there is much.
const ITEMS: usize = 2;
/// So many spoilt copies of each file, and of each of source code.
const SPOILT: [u64; 2] = [3, 1];

pub(crate) fn check(file: &File) -> Tally {
    let mut tally = Tally::new(file.kind);
    tally.files = 1;
    let name = file.name.strip_suffix(".orig").unwrap_or(&file.name);
    let scheme = match file.kind {
        "nginx" => Some(Scheme::Nginx),
        "json5" => Some(Scheme::Json5),
        "adoc" => Some(Scheme::Adoc),
        _ => Scheme::detect(name, &file.bytes),
    };
    let Some(scheme) = scheme else {
        tally.broken.push(format!("detect: {}: no scheme", file.name));
        return tally;
    };
    total(file, scheme, &mut tally);
    let items = match portion::list(scheme, &file.bytes) {
        Ok(items) => items,
        Err(LensError::Unparsable { .. }) => {
            tally.unparsable = 1;
            return tally;
        }
        Err(error) => {
            tally.refuse("list", &error);
            return tally;
        }
    };
    let seed = hash(file.name.as_bytes());
    let most = match files::is_source(file.kind) {
        _ if files::all() => 12,
        true => ITEMS,
        false => PORTIONS,
    };
    let few = (BUDGET / file.bytes.len().max(1)).clamp(1, most).min(items.len());
    let whole = oracle::whole(scheme, &file.bytes);
    for nth in 0..few {
        // Spread over the file, from a place that the name chooses.
        let at = (usize::try_from(seed % 997).unwrap() + nth * items.len() / few) % items.len();
        let portion =
            Portion { file, scheme, item: &items[at], whole: whole.as_ref(), seed: seed.rotate_left(nth as u32 * 7) };
        portion.check(&mut tally);
    }
    tally
}

/// Cut short, or with a byte changed: an answer, and no panic (the caller catches one).
fn total(file: &File, scheme: Scheme, tally: &mut Tally) {
    let bytes = &file.bytes[..file.bytes.len().min(8 << 10)];
    if bytes.is_empty() {
        return;
    }
    let mut seed = hash(file.name.as_bytes());
    for nth in 0..SPOILT[usize::from(files::is_source(file.kind))] {
        seed = hash(&seed.to_le_bytes());
        let at = usize::try_from(seed % bytes.len() as u64).unwrap();
        let mut spoilt = bytes.to_vec();
        if nth == 0 {
            spoilt.truncate(at);
        } else {
            spoilt[at] = b"\"{[:\n\t#-&*\\\xff\0"[usize::try_from((seed >> 32) % 13).unwrap()];
        }
        let listed = portion::list(scheme, &spoilt);
        for item in listed.iter().flatten().take(3) {
            let _ = portion::get(scheme, &spoilt, &item.selector);
        }
        tally.spoilt += 1;
    }
}

/// What may go beside the portion's own lines.
struct Frame {
    what: &'static str,
    /// So many other lines may differ.
    slack: usize,
    /// Whether the comment directly above belongs to it.
    own_comment: bool,
}

struct Portion<'a> {
    file: &'a File,
    scheme: Scheme,
    item: &'a Item,
    /// What the whole file means, where that can be told.
    whole: Option<&'a Value>,
    seed: u64,
}

impl Portion<'_> {
    fn broken(&self, tally: &mut Tally, law: &str, why: impl std::fmt::Display) {
        tally.broken.push(format!("{law}: {}#{}:{}: {why}", self.file.name, self.scheme, self.item.selector));
    }

    fn check(&self, tally: &mut Tally) {
        let (bytes, selector) = (&self.file.bytes, &self.item.selector);
        tally.portions += 1;
        let fragment = match portion::get(self.scheme, bytes, selector) {
            Ok(fragment) => fragment,
            Err(error @ (LensError::TooLarge(_) | LensError::Refused(_))) => return tally.refuse("get", &error),
            Err(error) => return self.broken(tally, "list", format!("listed, but: {error}")),
        };
        match portion::put(self.scheme, bytes, selector, &fragment) {
            Ok(None) => {}
            Ok(Some(_)) => self.broken(tally, "GetPut", "putting back what stands there changed the file"),
            Err(error) => self.broken(tally, "GetPut", error),
        }
        let value = match fragment.format.value(&fragment.text) {
            Ok(value) => value,
            Err(error) => return tally.refuse("value", &error),
        };
        match fragment.format.update(&fragment.text, &value) {
            Ok(text) if text == fragment.text => {}
            Ok(_) => self.broken(tally, "update", "the same value changed the text"),
            Err(error) => tally.refuse("update", &error),
        }
        if let Some(whole) = self.whole
            && !whole.pointer(selector).is_some_and(|stands| oracle::same(stands, &value))
        {
            self.broken(tally, "value", "another parser reads another value");
        }
        self.edit(&fragment, &value, tally);
        self.remove(&fragment, tally);
    }

    /// PutGet and Frame, with an edited value.
    fn edit(&self, fragment: &Fragment, value: &Value, tally: &mut Tally) {
        let (bytes, selector) = (&self.file.bytes, &self.item.selector);
        let wanted = match value {
            Value::String(text) if is_section(fragment.format) => Value::String(edited_section(text, self.seed)),
            Value::String(text) if self.scheme == Scheme::Nginx => {
                Value::String(edited_directives(text, self.item.kind == "block", self.seed))
            }
            Value::String(text) if fragment.format == Format::Html => match edited_element(text, self.seed) {
                Some(new) => Value::String(new),
                None => return,
            },
            Value::String(text) if files::is_source(self.file.kind) => {
                let braces =
                    !matches!(self.scheme, Scheme::Bash | Scheme::Lua | Scheme::Ruby | Scheme::Python | Scheme::Sql);
                match edited_code(text, selector, braces, self.seed) {
                    Some(new) => Value::String(new),
                    None => return,
                }
            }
            _ if matches!(self.scheme, Scheme::Ics | Scheme::Vcf) => edited_component(value, self.seed),
            _ if matches!(self.scheme, Scheme::Csv | Scheme::Tsv | Scheme::Jsonl) && !self.item.selector.is_empty() => {
                match value {
                    Value::Sequence(items) if items.is_empty() => return,
                    _ => edited_table(value, self.seed),
                }
            }
            _ => edited(value, self.seed),
        };
        let text = match fragment.format.update(&fragment.text, &wanted) {
            Ok(text) => text,
            Err(error) => return tally.refuse("update", &error),
        };
        match fragment.format.value(&text) {
            Ok(means) if means.agrees(&wanted) => {}
            Ok(means) => return self.broken(tally, "update", format!("wanted {wanted:?}, got {means:?}")),
            Err(error) => return self.broken(tally, "update", format!("wanted {wanted:?}, got {error}")),
        }
        let new = Fragment { format: fragment.format, text };
        let new = self.scheme.lens().fitted(bytes, selector, new);
        let after = match portion::put(self.scheme, bytes, selector, &new) {
            Ok(Some(after)) => after,
            Ok(None) if new == *fragment => return,
            Ok(None) => return self.broken(tally, "PutGet", "nothing was written"),
            Err(error) => return tally.refuse("put", &error),
        };
        tally.puts += 1;
        match portion::get(self.scheme, &after, selector) {
            Ok(stands) if stands == new || stands.format != new.format => {}
            Ok(stands) => {
                let (put, got) = (String::from_utf8_lossy(&new.text), String::from_utf8_lossy(&stands.text));
                self.broken(tally, "PutGet", format!("put {put:?}, got {got:?}"));
            }
            Err(error) => self.broken(tally, "PutGet", error),
        }
        let own_comment = fragment.text.starts_with(b"#");
        self.frame(&after, Frame { what: "put", slack: 0, own_comment }, tally);
        if let (Some(whole), Ok(means)) = (self.whole, new.format.value(&new.text)) {
            let expected = oracle::with(whole, selector, Some(&means));
            let got = oracle::whole(self.scheme, &after);
            if !expected.zip(got).is_some_and(|(expected, got)| oracle::same(&expected, &got)) {
                self.broken(
                    tally,
                    "Frame",
                    format!("after putting {:?} the rest means something else", String::from_utf8_lossy(&new.text)),
                );
            }
        }
    }

    fn remove(&self, fragment: &Fragment, tally: &mut Tally) {
        let (bytes, selector) = (&self.file.bytes, &self.item.selector);
        if selector.is_empty() {
            return; // the whole file
        }
        let after = match portion::remove(self.scheme, bytes, selector) {
            Ok(after) => after,
            Err(error) => return tally.refuse("remove", &error),
        };
        tally.removals += 1;
        // A comma may go from the line of the neighbour before; a parent that becomes empty closes on the line where it opens.
        // Comments at the end of a fragment belong to it, although the item is listed without them.
        let ends = fragment.text.split(|b| *b == b'\n').rev().skip_while(|line| line.is_empty());
        let slack = 2 + ends.take_while(|line| is_comment(line)).count();
        self.frame(&after, Frame { what: "remove", slack, own_comment: true }, tally);
        let expected = self.whole.and_then(|whole| oracle::with(whole, selector, None));
        if let Some(expected) = &expected
            && !oracle::whole(self.scheme, &after).is_some_and(|got| oracle::same(expected, &got))
        {
            self.broken(tally, "Frame", "after the removal the rest means something else");
        }
        let in_sequence = selector.rsplit('/').next().is_some_and(|last| last.parse::<usize>().is_ok());
        if in_sequence || self.whole.is_none() {
            return;
        }
        match portion::insert(self.scheme, &after, selector, fragment) {
            Ok(again) => {
                tally.insertions += 1;
                let got = oracle::whole(self.scheme, &again);
                if !self.whole.zip(got.as_ref()).is_some_and(|(before, got)| oracle::same(before, got)) {
                    self.broken(tally, "insert", "removed and inserted again, the file means something else");
                }
            }
            Err(error) => tally.refuse("insert", &error),
        }
    }

    /// Every line outside the portion's own is there, byte for byte and in its order.
    fn frame(&self, after: &[u8], frame: Frame, tally: &mut Tally) {
        if archive::is_one(&self.file.bytes) {
            if let Err(why) = archive::frame(&self.file.bytes, after) {
                self.broken(tally, "Frame", why);
            }
            return;
        }
        let (first, last) = self.item.lines;
        let lines = |bytes| <[u8]>::split_inclusive(bytes, |b| *b == b'\n').collect::<Vec<&[u8]>>();
        let (before, after) = (lines(&self.file.bytes), lines(after));
        let first = if frame.own_comment { with_comment(&before, first) } else { first };
        let last = if frame.what == "remove" { last + comments_below(&before, last) } else { last };
        let outside = before.iter().enumerate().filter(|(i, _)| !(first..=last).contains(&(i + 1)));
        // Blank lines that kept it from its neighbours go with it, too.
        let outside = outside.filter(|(_, line)| frame.what == "put" || !line.trim_ascii().is_empty());
        let outside: Vec<&[u8]> = outside.map(|(_, line)| *line).collect();
        let kept = common(&outside, &after);
        if kept + frame.slack < outside.len() {
            let missing = outside.len() - kept;
            self.broken(
                tally,
                "Frame",
                format!("after {} of lines {first} to {last}, {missing} other lines are gone", frame.what),
            );
        }
    }
}

/// Whether a fragment begins with its heading.
fn is_section(format: Format) -> bool {
    matches!(format, Format::Markdown | Format::Org | Format::Adoc | Format::Rst | Format::Tex)
}

fn is_comment(line: &[u8]) -> bool {
    let text = line.trim_ascii();
    [b"#".as_slice(), b"//", b"/*", b"*", b"<!--"].iter().any(|start| text.starts_with(start))
}

/// The first line of the comment that stands directly above a line, which goes with it; the line itself where none does.
fn with_comment(lines: &[&[u8]], first: usize) -> usize {
    let above = &lines[..first.saturating_sub(1).min(lines.len())];
    first - above.iter().rev().take_while(|line| is_comment(line)).count()
}

/// How many lines of indented comment stand directly below a line: they are inside what it closes.
fn comments_below(lines: &[&[u8]], last: usize) -> usize {
    let below = &lines[last.min(lines.len())..];
    below.iter().take_while(|line| line.starts_with(b" ") && is_comment(line)).count()
}

/// The length of the longest common subsequence.
fn common(a: &[&[u8]], b: &[&[u8]]) -> usize {
    let head = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[head..], &b[head..]);
    let tail = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[..a.len() - tail], &b[..b.len() - tail]);
    let mut row = vec![0usize; b.len() + 1];
    for x in a {
        let mut diagonal = 0;
        for (at, y) in b.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if x == y { diagonal + 1 } else { above.max(row[at]) };
            diagonal = above;
        }
    }
    head + row[b.len()] + tail
}
