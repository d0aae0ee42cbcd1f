//! Which section or entry an expression means.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::document::{Document, Entry, Section, block_name, is_blank};
use super::grammar::{Grammar, Headers, Quoting};
use super::{convert, edit};
use crate::lens::{Item, LensError, body};
use crate::pointer;

/// What an expression means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Whole,
    /// Its index.
    Section(usize),
    /// Its index.
    Entry(usize),
}

/// The one portion at `tokens`.
pub(super) fn target(document: &Document<'_>, expression: &str, tokens: &[String]) -> Result<Target, LensError> {
    if tokens.is_empty() {
        return Ok(Target::Whole);
    }
    let grammar = document.grammar;
    let sections = document.sections.iter().enumerate().filter(|(_, section)| is_section(grammar, section, tokens));
    let mut found: Vec<(usize, Target)> = sections.map(|(at, s)| (s.header.start, Target::Section(at))).collect();
    let equal = entries(document, tokens);
    found.extend(equal.iter().map(|at| (document.entries[*at].lines.start, Target::Entry(*at))));
    match found[..] {
        [(_, only)] => return Ok(only),
        [] => {}
        _ => {
            found.sort_by_key(|(at, _)| *at);
            let lines = body::line_numbers(document.file, found.iter().map(|(at, _)| *at));
            return Err(LensError::Ambiguous { selector: expression.to_owned(), lines });
        }
    }
    if let Some((ordinal, parents)) = tokens.split_last()
        && let Some(ordinal) = pointer::index(ordinal)
        && let Some(at) = entries(document, parents).get(ordinal)
    {
        return Ok(Target::Entry(*at));
    }
    Err(LensError::missing(expression, items(document).iter().map(|item| item.selector.as_str())))
}

/// Sections and entries by their [`canonical`] paths, for plans of many edits.
#[derive(Default)]
pub(super) struct Index {
    sections: HashMap<String, Vec<usize>>,
    entries: HashMap<String, Vec<usize>>,
}

impl Index {
    pub(super) fn of(document: &Document<'_>) -> Index {
        let grammar = document.grammar;
        let mut index = Index::default();
        for (at, section) in document.sections.iter().enumerate() {
            index.sections.entry(canonical(grammar, &section.path, None)).or_default().push(at);
        }
        for (at, entry) in document.entries.iter().enumerate() {
            let name = canonical(grammar, &document.sections[entry.section].path, Some(&entry.key));
            index.entries.entry(name).or_default().push(at);
        }
        index
    }
}

/// The entries at `tokens`, in the file's order. In a hosts file a name stands for its line, where no address is meant.
pub(super) fn entries(document: &Document<'_>, tokens: &[String]) -> Vec<usize> {
    let Some((key, section)) = tokens.split_last() else { return Vec::new() };
    let grammar = document.grammar;
    if let Some(index) = document.index.get() {
        return index.entries.get(&canonical(grammar, section, Some(key))).cloned().unwrap_or_default();
    }
    let matching = |by: &dyn Fn(&Entry) -> bool| {
        let here = |entry: &Entry| is_section(grammar, &document.sections[entry.section], section) && by(entry);
        let all = document.entries.iter().enumerate();
        all.filter(|(_, entry)| here(entry)).map(|(at, _)| at).collect::<Vec<_>>()
    };
    let found = matching(&|entry| is_key(grammar, &entry.key, key));
    if found.is_empty() && grammar.quoting == Quoting::Names {
        return matching(&|entry| {
            let names = entry.value.clone().map_or(&b""[..], |names| &document.file[names]);
            names.split(|b| is_blank(*b)).any(|name| name.eq_ignore_ascii_case(key.as_bytes()))
        });
    }
    found
}

/// The sections at `tokens`, in the file's order.
pub(super) fn sections(document: &Document<'_>, tokens: &[String]) -> Vec<usize> {
    if let Some(index) = document.index.get() {
        return index.sections.get(&canonical(document.grammar, tokens, None)).cloned().unwrap_or_default();
    }
    let all = document.sections.iter().enumerate();
    all.filter(|(_, section)| is_section(document.grammar, section, tokens)).map(|(at, _)| at).collect()
}

/// Whether two keys are the same.
pub(super) fn is_key(grammar: &Grammar, a: &str, b: &str) -> bool {
    if grammar.folds { a.eq_ignore_ascii_case(b) } else { a == b }
}

fn is_section(grammar: &Grammar, section: &Section, tokens: &[String]) -> bool {
    same_path(grammar, &section.path, tokens)
}

fn same_path(grammar: &Grammar, names: &[String], tokens: &[String]) -> bool {
    if names.len() != tokens.len() {
        return false;
    }
    match (names, tokens) {
        ([name], [token]) if grammar.headers == Headers::Ssh => *name == block_name(token.as_bytes()),
        ([name, sub @ ..], [token, subs @ ..]) => is_key(grammar, name, token) && sub == subs,
        _ => true,
    }
}

/// Whether a section stands at `tokens` or below.
pub(super) fn begins(grammar: &Grammar, section: &Section, tokens: &[String]) -> bool {
    let names = section.path.get(..tokens.len());
    names.is_some_and(|names| same_path(grammar, names, tokens))
}

/// A name that equal paths share.
pub(super) fn canonical(grammar: &Grammar, path: &[String], key: Option<&str>) -> String {
    let fold = |text: &str| if grammar.folds { text.to_ascii_lowercase() } else { text.to_owned() };
    let names = path.iter().enumerate();
    let exact = |at: usize| at > 0;
    let names = names.map(|(at, name)| match grammar.headers {
        Headers::Ssh => block_name(name.as_bytes()),
        _ if exact(at) => name.clone(),
        _ => fold(name),
    });
    pointer::format(names.chain(key.map(fold)))
}

/// Every section and entry that one expression means.
pub(super) fn items(document: &Document<'_>) -> Vec<Item> {
    let grammar = document.grammar;
    let mut uses: HashMap<String, usize> = HashMap::new();
    let named = document.sections.iter().filter(|section| !section.path.is_empty());
    let path = |entry: &Entry| canonical(grammar, &document.sections[entry.section].path, Some(&entry.key));
    for name in named.map(|s| canonical(grammar, &s.path, None)).chain(document.entries.iter().map(path)) {
        *uses.entry(name).or_default() += 1;
    }
    let faults = convert::faults(document);
    let mut items: Vec<(usize, usize, Item)> = Vec::new();
    for (at, section) in document.sections.iter().enumerate().filter(|(_, section)| !section.path.is_empty()) {
        let only = uses.get(&canonical(grammar, &section.path, None)) == Some(&1);
        if only && !section.key_on_header && !faults.contains_key(&at) {
            let end = section.body.end.max(section.header.end);
            items.push((section.header.start, end, item(pointer::format(&section.path), "section")));
        }
    }
    let mut ordinals: HashMap<String, (String, usize)> = HashMap::new();
    for entry in &document.entries {
        let name = path(entry);
        let mut selector = pointer::format(document.sections[entry.section].path.iter().chain([&entry.key]));
        if uses.get(&name) != Some(&1) {
            // All are named as the first one is spelled.
            let (first, ordinal) = ordinals.entry(name.clone()).or_insert((selector, 0));
            selector = first.clone();
            pointer::push(&mut selector, &ordinal.to_string());
            let taken = uses.contains_key(&format!("{name}/{ordinal}"));
            *ordinal += 1;
            if taken {
                continue;
            }
        }
        if edit::value_of(document, entry).is_err() {
            continue;
        }
        items.push((entry.lines.start, entry.lines.end, item(selector, "key")));
    }
    items.sort_by_key(|(start, ..)| *start);
    let (mut counted, mut line) = (0, 1);
    let lines = |span: std::ops::Range<usize>| memchr::memchr_iter(b'\n', &document.file[span]).count();
    let numbered = |(start, end, item): (usize, usize, Item)| {
        line += lines(counted..start);
        counted = start;
        // The line end of its last line belongs to it.
        let last = line + lines(start..end.max(start + 1) - 1);
        Item { lines: (line, last), ..item }
    };
    items.into_iter().map(numbered).collect()
}

/// The sections that no expression means, since there are several of one name, or they cannot be read; and keys before the first
/// section that cannot be read. (Equal keys have ordinals.)
pub(super) fn omitted(document: &Document<'_>) -> Vec<LensError> {
    let mut uses: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, section) in document.sections.iter().enumerate().filter(|(_, section)| !section.path.is_empty()) {
        uses.entry(canonical(document.grammar, &section.path, None)).or_default().push(at);
    }
    uses.retain(|_, sections| sections.len() > 1);
    let several: HashSet<usize> = uses.values().flatten().copied().collect();
    let ambiguous = uses.values().map(|sections| {
        let starts = sections.iter().map(|at| document.sections[*at].header.start);
        let lines = body::line_numbers(document.file, starts);
        LensError::Ambiguous { selector: pointer::format(&document.sections[sections[0]].path), lines }
    });
    let of_sections = convert::faults(document).into_iter().filter(|(at, _)| *at > 0 && !several.contains(at));
    let first = document.entries.iter().take_while(|entry| entry.section == 0);
    let of_keys = first.filter_map(|entry| edit::value_of(document, entry).err());
    let mut faults: Vec<_> = of_sections.map(|(_, fault)| fault).chain(of_keys).collect();
    faults.sort_by_key(|fault| fault.at);
    ambiguous.chain(faults.into_iter().map(|fault| document.unparsable(fault))).collect()
}

fn item(selector: String, kind: &'static str) -> Item {
    Item { selector, kind, lines: (0, 0) }
}
