//! Other programs' readings of the same files: Python's `configparser` for ini and `csv` for tables, gix-config and git itself for git configuration,
//! Python, node and bash for source code, the shell and python-dotenv for env, icalendar and vobject for calendars and cards, nbformat for notebooks, openpyxl, python-docx and LibreOffice for office documents.
//! A program that is not installed is left out, and the test says so.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../archive/mod.rs"]
mod archive;
mod code;
mod csv;
mod env;
mod html;
mod ical;
mod ipynb;
mod json5;
mod office;
mod sections;
mod xml;

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use portion::{Format, Value};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

/// Values by section, subsection and key.
type Reading = BTreeMap<(String, Option<String>, String), Vec<Option<String>>>;

/// Files of chosen lines. The same ones in every run.
fn files(count: u32, lines: &'static [&'static str]) -> Vec<String> {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        prop::test_runner::TestRng::deterministic_rng(prop::test_runner::RngAlgorithm::ChaCha),
    );
    let strategy = prop::collection::vec(prop::sample::select(lines), 0..12);
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current().join("\n") + "\n").collect()
}

/// What `program` writes when `input` is its standard input; `None` if it is not installed.
fn output(program: &str, arguments: &[&str], input: &[u8]) -> Option<std::process::Output> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(_) => {
            eprintln!("{program} is not installed: not compared with it");
            return None;
        }
    };
    child.stdin.take().unwrap().write_all(input).unwrap();
    Some(child.wait_with_output().unwrap())
}

fn items(value: &Value) -> Vec<Option<String>> {
    match value {
        Value::Sequence(items) => items.iter().flat_map(self::items).collect(),
        Value::Null => vec![None],
        scalar => vec![Some(scalar.as_text().unwrap().to_owned())],
    }
}

/// Our reading, by sections; `None` where the text does not parse. Names that a format folds are in lower case.
fn ours(format: Format, text: &str, folds: bool) -> Option<Reading> {
    let fold = |name: &str| if folds { name.to_lowercase() } else { name.to_owned() };
    let Value::Map(sections) = format.value(text.as_bytes()).ok()? else { panic!("no map") };
    let mut reading = Reading::new();
    for (section, value) in sections {
        let Value::Map(members) = value else { return None };
        for (key, value) in members {
            match &value {
                Value::Map(members) => {
                    for (name, value) in members {
                        reading.insert((fold(&section), Some(key.clone()), fold(name)), items(value));
                    }
                }
                scalar => drop(reading.insert((fold(&section), None, fold(&key)), items(scalar))),
            }
        }
    }
    Some(reading)
}

const INI: &[&str] = &[
    "",
    " ",
    "# c",
    "; c",
    "  # c",
    "[a]",
    "[b]",
    "[a b]",
    "[c] ; x",
    "[d]]",
    " [e]",
    "k=1",
    "l = 2",
    "m : x = y ; z",
    "n=",
    "o =",
    "p = one",
    "  two",
    "\tthree",
    "    four = 4",
    "q",
    "r:",
    "K=up",
    "s==",
    "t = # u",
    "= no key",
    "v w = x",
];

/// Section, key and value.
type PythonItem = (String, String, Option<String>);

const CONFIGPARSER: &str = "
import configparser, json, sys
def read(text):
    parser = configparser.RawConfigParser(allow_no_value=True, default_section='\\0')
    parser.optionxform = str
    try:
        parser.read_string(text)
    except Exception:
        return None
    return [[s, k, v] for s in parser.sections() for k, v in parser.items(s)]
print(json.dumps([read(text) for text in json.load(sys.stdin)]))
";

#[test]
fn ini_as_configparser_reads_it() {
    let files: Vec<String> = files(3000, INI).into_iter().map(|text| format!("[top]\n{text}")).collect();
    let input = serde_json::to_vec(&files).unwrap();
    let Some(output) = output("python3", &["-c", CONFIGPARSER], &input) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let readings: Vec<Option<Vec<PythonItem>>> = serde_json::from_slice(&output.stdout).unwrap();
    let mut compared = 0;
    for (text, theirs) in files.iter().zip(readings) {
        let theirs: Option<Reading> = theirs
            .map(|items| items.into_iter().map(|(section, key, value)| ((section, None, key), vec![value])).collect());
        assert_eq!(ours(Format::Ini, text, false), theirs, "\n{text}");
        compared += usize::from(theirs.is_some());
    }
    assert!(compared > 300, "only {compared} files could be read");
}

const GIT: &[&str] = &[
    "",
    "# c",
    "; c",
    "[core]",
    "[CORE]",
    "[remote \"a\"]",
    "[remote \"A\"]",
    "[remote \"b\\\"/\\\\\"]",
    "[old.Sub]",
    "[remote]",
    "  [x-y.z]",
    "\tk = 1",
    "\tl=2",
    "\tk = \"q ; \\\" \"",
    "\tm",
    "\tn = a   b ; c",
    "  o = x\\ty\\n",
    "\tp = a\\",
    "  b",
    "\tK = 3",
    "\tq =",
    "\tr = \"\" x",
    "[t] u = v",
    "\ts = \"a\"b\" c\"",
    "\tt =  \\",
    "\tu = a#b",
    "\tv = \"open",
    "\tw = \\x",
    "_z = 1",
    "[bad",
    "x y",
];

#[test]
fn git_configuration_as_gix_reads_it() {
    let mut compared = 0;
    for text in files(6000, GIT) {
        let Ok(file) = gix_config::File::try_from(text.as_str()) else { continue };
        let Some(ours) = ours(Format::GitConfig, &text, true) else { continue };
        let mut theirs = Reading::new();
        for section in file.sections() {
            let sub = section.header().subsection_name().map(|sub| sub.to_string());
            let sub = if section.header().is_legacy() { sub.map(|sub| sub.to_lowercase()) } else { sub };
            let body = section.body();
            let names: std::collections::BTreeSet<String> =
                body.value_names().map(|name| name.to_lowercase()).collect();
            for name in names {
                let at = (section.header().name().to_string().to_lowercase(), sub.clone(), name.clone());
                let values = body.values(&name).into_iter().map(|value| Some(value.to_string()));
                theirs.entry(at).or_default().extend(values);
            }
        }
        // A key without `=` is the empty text there.
        let ours: Reading = ours
            .into_iter()
            .map(|(at, values)| {
                let bare = at.2 == "m" || at.2 == "b";
                let values = values.into_iter().map(|v| v.filter(|v| !(bare && v == "true")).or(Some(String::new())));
                (at, values.collect())
            })
            .collect();
        assert_eq!(ours, theirs, "\n{text}");
        compared += 1;
    }
    assert!(compared > 300, "only {compared} files could be read");
}

#[test]
fn git_configuration_as_git_reads_it() {
    let mut compared = 0;
    for text in files(400, GIT) {
        let Some(output) = output("git", &["config", "--file", "-", "--list", "-z"], text.as_bytes()) else { return };
        let Some(ours) = ours(Format::GitConfig, &text, true) else {
            // Keys before the first section have no section here.
            let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with(['#', ';']));
            let before = first.is_some_and(|line| !line.starts_with('['));
            assert!(before || !output.status.success(), "git reads\n{text}");
            continue;
        };
        if !output.status.success() {
            panic!("git refuses\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
        }
        let mut theirs = Reading::new();
        for item in String::from_utf8(output.stdout).unwrap().split_terminator('\0') {
            let (name, value) = item.split_once('\n').unwrap_or((item, "true"));
            let (section, key) = name.rsplit_once('.').unwrap();
            let (section, sub) =
                section.split_once('.').map_or((section, None), |(name, sub)| (name, Some(sub.to_owned())));
            theirs.entry((section.to_owned(), sub, key.to_owned())).or_default().push(Some(value.to_owned()));
        }
        assert_eq!(ours, theirs, "\n{text}");
        compared += 1;
    }
    assert!(compared > 20, "only {compared} files could be read");
}
