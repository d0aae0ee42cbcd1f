//! Edits as people make them: another scalar, one more key, one fewer.

use portion::{Number, Value};

/// Texts that are awkward to write somewhere.
const TEXTS: &[&str] = &[
    "edited",
    "x: y # z",
    "it's \"quoted\" \\ back",
    "two\nlines\n",
    "",
    "zoë 漢字 🦀",
    " lead and trail ",
    "true",
    "007",
    "- item",
    "[table]",
    "a=b;c",
    "*/ <!-- -->",
    "tab\there",
    "null",
    "1e3",
    "2001-02-03",
    "${HOME}/bin",
    "%20",
];

/// What is added to a section of a document.
const PARAGRAPHS: &[&str] = &[
    "An added line.",
    "## Added\n\nWith *a* `sub-heading`.",
    "```sh\n# no heading\n```",
    "- one\n- two\n\n  # no heading of the document",
    "> quoted <b>HTML</b> [link](x.md#y)",
    "| a | b |\n| - | - |\n| 1 | 2 |",
    "<!-- inlay:begin x -->\ninside\n<!-- inlay:end x -->",
];

/// A section, its heading kept, with something added at the end or after the heading.
pub(crate) fn edited_section(text: &str, seed: u64) -> String {
    let pick = usize::try_from(seed % 1_000_003).unwrap();
    let added = PARAGRAPHS[pick % PARAGRAPHS.len()];
    // Anchors and targets stand above the heading.
    let is_above = |line: &&str| line.is_empty() || line.starts_with('[') || line.starts_with(".. _");
    let above = text.split('\n').take_while(is_above).count();
    // A line under the heading, and one over it, belong to it.
    let rules = text.split('\n').skip(above).take(3).filter(|line| is_rule(line)).count();
    let end = text.match_indices('\n').nth(above + rules).map(|(at, _)| at);
    match end {
        Some(end) if pick.is_multiple_of(2) => format!("{}\n\n{added}\n{}", &text[..end], &text[end + 1..]),
        _ => format!("{text}\n\n{added}"),
    }
}

/// Nothing but one sign of punctuation, several times.
fn is_rule(line: &str) -> bool {
    let first = line.bytes().next();
    line.len() > 2 && first.is_some_and(|b| b.is_ascii_punctuation()) && line.bytes().all(|b| Some(b) == first)
}

/// An element with some text more at its end; `None` for one that can have none.
pub(crate) fn edited_element(text: &str, seed: u64) -> Option<String> {
    const ADDED: &[&str] = &["edited", " &amp; more", "<b>bold</b>", "zoë 漢字", "<!-- noted -->"];
    let added = ADDED[usize::try_from(seed % 1_000_003).unwrap() % ADDED.len()];
    let end = text.rfind("</")?;
    Some(format!("{}{added}{}", &text[..end], &text[end..]))
}

/// A block of nginx with a directive more or one comment, or a directive with a parameter more.
pub(crate) fn edited_directives(text: &str, is_block: bool, seed: u64) -> String {
    const DIRECTIVES: &[&str] =
        &["probe on;", "probe \"a;b {\" 'c d';", "probe zoë {\n    inner 1; # it's\n}", "# edited }"];
    const PARAMETERS: &[&str] = &["probe", "\"a;b {\"", "'it \"is\"'", "zoë"];
    let pick = usize::try_from(seed % 1_000_003).unwrap() % DIRECTIVES.len();
    match is_block {
        true if pick.is_multiple_of(2) => format!("{text}\n{}", DIRECTIVES[pick]),
        true => format!("{}\n{text}", DIRECTIVES[pick]),
        false if text.is_empty() => PARAMETERS[pick].to_owned(),
        false => format!("{text} {}", PARAMETERS[pick]),
    }
}

/// An item of source code with one of its words renamed wherever it stands, or with a word more in a comment, or where it ends with a
/// brace (`braces`) with a comment more: all leave the language's syntax as it is. `None` where it has nothing of that. What `selector`
/// names keeps its name.
pub(crate) fn edited_code(text: &str, selector: &str, braces: bool, seed: u64) -> Option<String> {
    let pick = usize::try_from(seed % 1_000_003).unwrap();
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let words = text.split(|c: char| !is_part(c));
    // Hardly a word of a language has `_` or a capital inside; a first and last `_` often mean something.
    let is_name = |word: &&str| {
        let inner = word.get(1..word.len().saturating_sub(1)).unwrap_or_default();
        let is_joined =
            inner.contains('_') || (inner.contains(char::is_uppercase) && inner.contains(char::is_lowercase));
        let is_plain = word.is_ascii() && word.starts_with(|c: char| c.is_ascii_alphabetic());
        is_plain && is_joined && *word != "macro_rules" && !selector.contains(*word)
    };
    let names: Vec<&str> = words.filter(is_name).collect();
    let notes: Vec<usize> = {
        let ends = text.match_indices('\n').map(|(at, _)| at);
        ends.filter(|end| is_note(text[..*end].rsplit('\n').next().unwrap_or_default())).collect()
    };
    match (pick.is_multiple_of(2), &names[..], &notes[..]) {
        (true, [_, ..], _) | (false, [_, ..], []) => {
            let name = names[pick % names.len()];
            let renamed = |part: &str| if part == name { format!("{name}_edited") } else { part.to_owned() };
            let mut out = String::new();
            let mut rest = text;
            while let Some(first) = rest.chars().next() {
                let end = rest.find(|c| is_part(c) != is_part(first)).unwrap_or(rest.len());
                out += &renamed(&rest[..end]);
                rest = &rest[end..];
            }
            Some(out)
        }
        (_, _, [_, ..]) => {
            let end = notes[pick % notes.len()];
            let added = [" edited", " zoë 漢字 🦀", " it's \"quoted\" {", " `x` => y"][pick % 4];
            Some(format!("{}{added}{}", &text[..end], &text[end..]))
        }
        _ => {
            let end = text.trim_end().strip_suffix('}').filter(|_| braces)?.len();
            Some(format!("{}/* edited */{}", &text[..end], &text[end..]))
        }
    }
}

/// A comment up to the end of its line, or a line within a longer one.
fn is_note(line: &str) -> bool {
    let text = line.trim();
    let is_one = ["// ", "# ", "-- ", "* "].iter().any(|sign| text.starts_with(sign));
    is_one && !text.ends_with('\\') && !text.contains("*/")
}

/// `value`, changed in a way that `seed` chooses; never equal to it.
pub(crate) fn edited(value: &Value, seed: u64) -> Value {
    let pick = usize::try_from(seed % 1_000_003).unwrap();
    match value {
        Value::Null => Value::String(TEXTS[pick % TEXTS.len()].to_owned()),
        Value::Bool(truth) => Value::Bool(!truth),
        Value::Number(number) => {
            let choices = ["42", "-1.5", "9007199254740993", "0"];
            let new = choices.iter().cycle().skip(pick % choices.len()).map(|n| Number::new(*n));
            Value::Number(new.take(choices.len()).find(|n| n != number).unwrap_or_else(|| Number::new("7")))
        }
        Value::String(text) => {
            let new = TEXTS[pick % TEXTS.len()];
            Value::String(if text == new { format!("{text}!") } else { new.to_owned() })
        }
        Value::Bytes(bytes) => Value::Bytes([bytes.as_slice(), &[0xff]].concat()),
        Value::DateTime(_) => Value::DateTime("2001-02-03".to_owned()),
        Value::Sequence(items) => Value::Sequence(sequence(items, pick)),
        Value::Map(members) => Value::Map(map(members, pick, seed)),
    }
}

/// A table, a row or a column of one, with another text in one field: not in the first column, which often names the row.
pub(crate) fn edited_table(value: &Value, seed: u64) -> Value {
    let pick = usize::try_from(seed % 1_000_003).unwrap();
    match value {
        // Every third time a row goes.
        Value::Sequence(items) if items.len() > 1 && pick % 3 == 0 && items[0].is_container() => {
            let mut items = items.to_vec();
            items.remove(pick % items.len());
            Value::Sequence(items)
        }
        Value::Sequence(items) if !items.is_empty() => {
            let mut items = items.to_vec();
            let at = pick % items.len();
            items[at] = edited_table(&items[at], seed);
            Value::Sequence(items)
        }
        Value::Map(members) if members.len() > 1 => {
            let mut members = members.to_vec();
            let at = 1 + pick % (members.len() - 1);
            members[at].1 = edited(&members[at].1, seed);
            Value::Map(members)
        }
        other => edited(other, seed),
    }
}

/// An event or a card: another text in one property, or one more property, or one fewer. What it is known by stays.
pub(crate) fn edited_component(value: &Value, seed: u64) -> Value {
    let pick = usize::try_from(seed % 1_000_003).unwrap();
    let Value::Map(members) = value else { return edited(value, seed) };
    let mut members = members.to_vec();
    let is_key = |key: &str| ["component", "VERSION", "UID", "FN", "TZID", "RECURRENCE-ID"].contains(&key);
    let texts = ["SUMMARY", "DESCRIPTION", "LOCATION", "NOTE", "TITLE", "COMMENT"];
    match (pick % 3, members.iter().position(|(key, value)| texts.contains(&key.as_str()) && !value.is_container())) {
        (0, Some(at)) => members[at].1 = edited(&members[at].1, seed / 3),
        (1, _) if members.iter().any(|(key, _)| !is_key(key)) => {
            let others: Vec<usize> = (0..members.len()).filter(|at| !is_key(&members[*at].0)).collect();
            members.remove(others[pick % others.len()]);
        }
        _ => members.push(("X-INLAY-PROBE".to_owned(), Value::String(TEXTS[pick % TEXTS.len()].to_owned()))),
    }
    Value::Map(members)
}

fn sequence(items: &[Value], pick: usize) -> Vec<Value> {
    let mut items = items.to_vec();
    match pick % 3 {
        1 if items.len() > 1 => {
            items.remove(pick % items.len());
        }
        2 if !items.is_empty() => {
            let at = pick % items.len();
            items[at] = edited(&items[at], pick as u64 / 3);
        }
        // Of the kind that is there: a list of mixed kinds is another file than people write.
        _ => items.push(items.first().map_or(Value::String("edited".to_owned()), |first| edited(first, pick as u64))),
    }
    items
}

fn map(members: &[(String, Value)], pick: usize, seed: u64) -> Vec<(String, Value)> {
    let mut members = members.to_vec();
    match pick % 3 {
        1 if members.len() > 1 => {
            members.remove(pick % members.len());
        }
        2 if !members.is_empty() => {
            let at = pick % members.len();
            members[at].1 = edited(&members[at].1, seed / 3);
        }
        _ => {
            let key = ["inlay_probe", "a key", "probe.with.dots", "zz-probe"][pick % 4];
            members.push((key.to_owned(), Value::String(TEXTS[(pick / 4) % TEXTS.len()].to_owned())));
        }
    }
    members
}
