//! The laws of the lens contract, for every format: GetPut, PutGet, Frame and Total, and what `update` and `render` promise.
//!
//! To add a format: write a generator of its files in a module of its own (whatever is legal in the format, the stranger the
//! better), and one line in `laws!` below. Every portion that `list` tells is fair game. Style is no law that holds for all
//! formats; it is tested beside each lens, by cases.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../archive/mod.rs"]
mod archive;
mod code;
mod compose;
mod csv;
mod html;
mod ical;
mod ipynb;
mod json;
mod jsonl;
mod keys;
mod md;
mod nginx;
mod office;
mod regex;
mod sections;
mod sql;
mod toml;
mod xml;
mod yaml;

use std::cell::{Cell, RefCell};

use portion::{Format, Fragment, Item, LensError, Scheme, get, insert, list, put, remove};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

/// One format's files, and what may be said of them.
struct Subject {
    scheme: Scheme,
    files: BoxedStrategy<Vec<u8>>,
    /// Whether an edit of the one portion may change the other: it holds it, or stands in it.
    related: fn(&str, &str) -> bool,
    /// How many of a hundred edits may be refused. A refusal is honest, but a lens that refuses everything breaks no law.
    refusals: usize,
}

impl Subject {
    /// A format that is addressed by JSON Pointer, and by default refuses nothing that is possible.
    fn keyed(scheme: Scheme, files: BoxedStrategy<Vec<u8>>) -> Subject {
        Subject { scheme, files, related: by_pointer, refusals: 0 }
    }
}

/// One pointer is the beginning of the other.
fn by_pointer(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// One normalized path is the beginning of the other, or an item of the list whose items move up.
fn by_path(a: &str, b: &str) -> bool {
    let leads =
        |short: &str, long: &str| long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('['));
    let list = a.strip_suffix(']').and_then(|a| a.rsplit_once('[')).filter(|(_, last)| last.parse::<usize>().is_ok());
    leads(a, b) || leads(b, a) || list.is_some_and(|(list, _)| leads(list, b))
}

macro_rules! laws {
    ($($name:ident: $subject:expr;)*) => {
        $(mod $name {
            use super::*;
            #[test]
            fn get_put() { super::get_put(&$subject); }
            #[test]
            fn put_get_and_frame() { super::put_get(&$subject); }
            #[test]
            fn remove_and_insert() { super::remove_insert(&$subject); }
            #[test]
            fn update_and_render() { super::update(&$subject); }
            #[test]
            fn total() { super::total(&$subject); }
        })*
    };
}

laws! {
    // One line for each format.
    json_files: Subject::keyed(Scheme::Json, crate::json::files(Scheme::Json));
    jsonc_files: Subject::keyed(Scheme::Jsonc, crate::json::files(Scheme::Jsonc));
    json5_files: Subject::keyed(Scheme::Json5, crate::json::files(Scheme::Json5));
    // A list of tables holds nothing but tables.
    toml_files: Subject { refusals: 3, ..Subject::keyed(Scheme::Toml, crate::toml::files()) };
    // A block cannot stand in a flow collection; and what two parsers read differently is refused.
    yaml_files: Subject { refusals: 10, ..Subject::keyed(Scheme::Yaml, crate::yaml::files()) };
    // What one format says in a value and another cannot is refused: line ends, blanks at the ends, null.
    ini_files: Subject { refusals: 30, ..Subject::keyed(Scheme::Ini, crate::keys::files(Scheme::Ini)) };
    env_files: Subject { refusals: 10, ..Subject::keyed(Scheme::Env, crate::keys::files(Scheme::Env)) };
    git_files: Subject { refusals: 5, ..Subject::keyed(Scheme::GitConfig, crate::keys::files(Scheme::GitConfig)) };
    ssh_files: Subject { refusals: 20, ..Subject::keyed(Scheme::SshConfig, crate::keys::files(Scheme::SshConfig)) };
    // A line with another address is another portion.
    hosts_files: Subject { refusals: 80, ..Subject::keyed(Scheme::Hosts, crate::keys::files(Scheme::Hosts)) };
    systemd_files: Subject { refusals: 10, ..Subject::keyed(Scheme::Systemd, crate::keys::files(Scheme::Systemd)) };
    desktop_files: Subject { refusals: 5, ..Subject::keyed(Scheme::Desktop, crate::keys::files(Scheme::Desktop)) };
    properties_files: Subject::keyed(Scheme::Properties, crate::keys::files(Scheme::Properties));
    // A region that is put into the other of its own name would hold its own markers.
    marked_files: Subject { refusals: 20, ..Subject::keyed(Scheme::Mark, crate::keys::marked()) };
    // A section with another heading is another portion.
    markdown_files: Subject { refusals: 97, related: crate::md::related, ..Subject::keyed(Scheme::Md, crate::md::files()) };
    org_files: Subject { refusals: 97, related: crate::sections::related, ..Subject::keyed(Scheme::Org, crate::sections::files(Scheme::Org)) };
    adoc_files: Subject { refusals: 97, related: crate::sections::related, ..Subject::keyed(Scheme::Adoc, crate::sections::files(Scheme::Adoc)) };
    rst_files: Subject { refusals: 97, related: crate::sections::related, ..Subject::keyed(Scheme::Rst, crate::sections::files(Scheme::Rst)) };
    tex_files: Subject { refusals: 97, related: crate::sections::related, ..Subject::keyed(Scheme::Tex, crate::sections::files(Scheme::Tex)) };
    // A block is not put in the place of parameters, nor on one line.
    nginx_files: Subject { refusals: 60, related: crate::nginx::related, ..Subject::keyed(Scheme::Nginx, crate::nginx::files()) };
    // A row with another key is another portion, and a column of another number of rows does not fit.
    csv_files: Subject { refusals: 85, related: crate::csv::related, ..Subject::keyed(Scheme::Csv, crate::csv::files(None)) };
    tsv_files: Subject { refusals: 85, related: crate::csv::related, ..Subject::keyed(Scheme::Tsv, crate::csv::files(Some('\t'))) };
    // Formulas and merged cells are not overwritten, and a table has its columns.
    xlsx_files: Subject { scheme: Scheme::Xlsx, files: crate::office::xlsx(), related: crate::office::same_sheet, refusals: 60 };
    ods_files: Subject { scheme: Scheme::Ods, files: crate::office::ods(), related: crate::office::same_sheet, refusals: 60 };
    // A record with another key is another portion.
    jsonl_files: Subject { refusals: 75, related: crate::jsonl::related, ..Subject::keyed(Scheme::Jsonl, crate::jsonl::files()) };
    // Cells are as independent as can be.
    ipynb_files: Subject { related: |a, b| a == b, ..Subject::keyed(Scheme::Ipynb, crate::ipynb::files()) };
    // A component with another key is another portion, and quoted-printable is not written.
    ics_files: Subject { refusals: 96, related: |a, b| a == b, ..Subject::keyed(Scheme::Ics, crate::ical::files(Scheme::Ics)) };
    vcf_files: Subject { refusals: 96, related: |a, b| a == b, ..Subject::keyed(Scheme::Vcf, crate::ical::files(Scheme::Vcf)) };
    // What is no text stays where it is, and a portion within a paragraph is one line.
    docx_files: Subject { scheme: Scheme::Docx, files: crate::office::docx(), related: crate::office::overlap, refusals: 75 };
    pptx_files: Subject { scheme: Scheme::Pptx, files: crate::office::pptx(), related: |a, b| a == b, refusals: 75 };
    // The whole document is not removed, and comments do not go into a file that looks like strict JSON.
    jsonpath_files: Subject { related: by_path, refusals: 40, ..Subject::keyed(Scheme::JsonPath, crate::json::files(Scheme::Jsonc)) };
    // An element of another name is another portion, and a value does not tell the order of children.
    xml_files: Subject { refusals: 85, related: crate::xml::related, ..Subject::keyed(Scheme::Xml, crate::xml::files()) };
    // An element of another id or type is another portion, and what would move its neighbours is refused.
    html_files: Subject { scheme: Scheme::Html, files: crate::html::files(), related: crate::html::related, refusals: 95 };
    // An item of another kind or name is another portion.
    rust_files: Subject { scheme: Scheme::Rust, files: crate::code::rust(), related: crate::code::related, refusals: 96 };
    python_files: Subject { scheme: Scheme::Python, files: crate::code::python(), related: crate::code::related, refusals: 96 };
    javascript_files:
        Subject { scheme: Scheme::JavaScript, files: crate::code::javascript(), related: crate::code::related, refusals: 96 };
    // A statement with another kind or name is another portion.
    sql_files: Subject { scheme: Scheme::Sql, files: crate::sql::files(), related: crate::code::related, refusals: 96 };
    lines_files: Subject::keyed(Scheme::Lines, crate::keys::plain());
    bytes_files: Subject::keyed(Scheme::Bytes, crate::keys::plain());
}

fn run<S: Strategy>(strategy: S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    // `PROPTEST_CASES` can ask for more.
    let config = Config { cases: Config::default().cases.max(400), failure_persistence: None, ..Config::default() };
    if let Err(error) = TestRunner::new(config).run(&strategy, test) {
        panic!("{error}");
    }
}

/// Counts edits, and those that were refused.
#[derive(Default)]
struct Tally {
    done: Cell<usize>,
    refused: Cell<usize>,
    why: RefCell<String>,
}

impl Tally {
    /// The outcome of an edit that may be refused, but fail in no other way.
    fn count<T>(&self, outcome: Result<T, LensError>) -> Result<Option<T>, TestCaseError> {
        match outcome {
            Ok(done) => {
                self.done.set(self.done.get() + 1);
                Ok(Some(done))
            }
            Err(error @ (LensError::Refused(_) | LensError::CannotSay { .. })) => {
                self.why.replace(error.to_string());
                self.refused.set(self.refused.get() + 1);
                Ok(None)
            }
            Err(other) => Err(TestCaseError::fail(format!("neither done nor refused: {other}"))),
        }
    }

    fn check(&self, allowed: usize) {
        let (done, refused) = (self.done.get(), self.refused.get());
        assert!(done > 0, "nothing was done");
        assert!(
            refused * 100 <= allowed * (done + refused),
            "{refused} refusals beside {done} edits, the last: {}",
            self.why.borrow()
        );
    }
}

fn items(subject: &Subject, file: &[u8]) -> Vec<Item> {
    list(subject.scheme, file).unwrap_or_else(|error| panic!("list: {error}\n{}", String::from_utf8_lossy(file)))
}

fn fragment(subject: &Subject, file: &[u8], selector: &str) -> Fragment {
    get(subject.scheme, file, selector).unwrap_or_else(|error| panic!("{selector}: {error}\n{}", text(file)))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// One of the portions of a file; `None` if it has none.
fn pick(subject: &Subject, file: &[u8], index: Index) -> Option<Item> {
    let items = items(subject, file);
    (!items.is_empty()).then(|| items[index.index(items.len())].clone())
}

/// A fragment of `file` in that format, if it has one.
fn donor(subject: &Subject, file: &[u8], index: Index, format: Format) -> Option<Fragment> {
    let all = items(subject, file).into_iter().map(|item| fragment(subject, file, &item.selector));
    let same: Vec<Fragment> = all.filter(|fragment| fragment.format == format).collect();
    (!same.is_empty()).then(|| same[index.index(same.len())].clone())
}

/// Frame: what stands outside of the portion is the same before and after.
fn frame(
    subject: &Subject,
    before: &[u8],
    after: &[u8],
    edited: &str,
    moved: Option<&str>,
) -> Result<(), TestCaseError> {
    for item in items(subject, before) {
        let is_moved = moved.is_some_and(|parent| (subject.related)(parent, &item.selector));
        if !(subject.related)(edited, &item.selector) && !is_moved {
            let was = fragment(subject, before, &item.selector);
            let is = get(subject.scheme, after, &item.selector);
            prop_assert_eq!(is.as_ref(), Ok(&was), "{} changed by {}\n{}", item.selector, edited, text(after));
        }
    }
    Ok(())
}

fn get_put(subject: &Subject) {
    run(&subject.files, |file| {
        for item in items(subject, &file) {
            let standing = fragment(subject, &file, &item.selector);
            let put = put(subject.scheme, &file, &item.selector, &standing);
            prop_assert_eq!(put, Ok(None), "{}", item.selector);
            let tidied = standing.format.tidy(&standing.text).unwrap().into_owned();
            prop_assert_eq!(text(&tidied), text(&standing.text), "{} is not tidy", item.selector);
            prop_assert!(standing.format.value(&standing.text).is_ok(), "{} has no value", item.selector);
        }
        Ok(())
    });
}

fn put_get(subject: &Subject) {
    let tally = Tally::default();
    run((&subject.files, &subject.files, any::<Index>(), any::<Index>()), |(file, other, at, from)| {
        let Some(item) = pick(subject, &file, at) else {
            return Ok(());
        };
        let standing = fragment(subject, &file, &item.selector);
        let Some(new) = donor(subject, &other, from, standing.format) else {
            return Ok(());
        };
        let new = subject.scheme.lens().fitted(&file, &item.selector, new);
        match tally.count(put(subject.scheme, &file, &item.selector, &new))? {
            None => {}
            Some(None) => prop_assert_eq!(new, standing),
            Some(Some(written)) => {
                let got = fragment(subject, &written, &item.selector);
                prop_assert_eq!(text(&got.text), text(&new.text));
                frame(subject, &file, &written, &item.selector, None)?;
            }
        }
        Ok(())
    });
    tally.check(subject.refusals);
}

fn remove_insert(subject: &Subject) {
    let tally = Tally::default();
    run((&subject.files, any::<Index>()), |(file, at)| {
        let Some(item) = pick(subject, &file, at) else {
            return Ok(());
        };
        let at = item.selector.as_str();
        if at.is_empty() {
            return Ok(());
        }
        let standing = fragment(subject, &file, at);
        // Where items of a sequence move up, its parent is changed.
        let parent = at.rsplit_once('/').filter(|(_, last)| last.parse::<usize>().is_ok()).map(|(parent, _)| parent);
        let Some(without) = tally.count(remove(subject.scheme, &file, at))? else {
            return Ok(());
        };
        frame(subject, &file, &without, at, parent)?;
        if !matches!(get(subject.scheme, &without, at), Err(LensError::Missing { .. })) {
            return Ok(());
        }
        if let Some(again) = tally.count(insert(subject.scheme, &without, at, &standing))? {
            let got = fragment(subject, &again, at);
            prop_assert_eq!(text(&got.text), text(&standing.text));
            frame(subject, &file, &again, at, parent)?;
        }
        Ok(())
    });
    tally.check(subject.refusals);
}

fn update(subject: &Subject) {
    let tally = Tally::default();
    run((&subject.files, &subject.files, any::<Index>(), any::<Index>()), |(file, other, at, from)| {
        let Some(item) = pick(subject, &file, at) else {
            return Ok(());
        };
        let standing = fragment(subject, &file, &item.selector);
        let format = standing.format;
        let own = format.value(&standing.text).unwrap();
        let same = format.update(&standing.text, &own).unwrap();
        prop_assert_eq!(text(&same), text(&standing.text));
        let Some(new) = donor(subject, &other, from, format) else {
            return Ok(());
        };
        let value = format.value(&new.text).unwrap();
        for written in [format.update(&standing.text, &value), format.render(&value)] {
            if let Some(written) = tally.count(written)? {
                let read = format.value(&written).unwrap();
                prop_assert!(read.agrees(&value), "{:?} {:?}\n{}", read, value, text(&written));
                let tidied = format.tidy(&written).unwrap().into_owned();
                prop_assert_eq!(text(&tidied), text(&written));
            }
        }
        Ok(())
    });
    tally.check(subject.refusals);
}

fn total(subject: &Subject) {
    let damage = prop::collection::vec((any::<Index>(), any::<u8>(), 0usize..4), 0..6);
    run((&subject.files, damage, any::<Index>(), ".{0,12}"), |(mut file, damage, at, wild)| {
        let selectors = items(subject, &file);
        for (place, byte, kind) in damage {
            if file.is_empty() {
                break;
            }
            let place = place.index(file.len());
            match kind {
                0 => file[place] = byte,
                1 => file.insert(place, byte),
                2 => drop(file.remove(place)),
                _ => file.truncate(place),
            }
        }
        let known = (!selectors.is_empty()).then(|| selectors[at.index(selectors.len())].selector.clone());
        for selector in [Some(wild), known].into_iter().flatten() {
            // Whatever these say is well; that they say it is the law.
            let got = get(subject.scheme, &file, &selector);
            let _ = remove(subject.scheme, &file, &selector);
            if let Ok(fragment) = got {
                // Text that is no UTF-8 can be kept the same, and means nothing.
                let is_text = std::str::from_utf8(&fragment.text).is_ok();
                prop_assert!(!is_text || fragment.format.value(&fragment.text).is_ok());
                prop_assert_eq!(put(subject.scheme, &file, &selector, &fragment), Ok(None));
                let _ = insert(subject.scheme, &file, &format!("{selector}/x"), &fragment);
            }
        }
        for item in list(subject.scheme, &file).unwrap_or_default() {
            prop_assert!(get(subject.scheme, &file, &item.selector).is_ok(), "{} is listed", item.selector);
        }
        Ok(())
    });
}
