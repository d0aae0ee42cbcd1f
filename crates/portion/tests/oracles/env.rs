//! What is put into an env file is what a shell and python-dotenv read there.

use portion::{Format, Fragment, LensError, Scheme};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use super::output;

/// What stands there before. A shell reads each as we do.
const STANDING: &[&str] = &["", "1", "'x y'", "\"x y\"", "\"a\nb\"", "a~b", "a!", "b$"];

/// Texts that some reader might take for more than text.
const TEXTS: &[&str] = &[
    "",
    "a b",
    " a ",
    "\ta",
    "$5",
    "${x}",
    "$(id)",
    "`id`",
    "it's",
    "it's $5",
    "it's \"q\"",
    "it's \\n",
    "\"q\"",
    "a\nb",
    "a\n",
    "\n",
    "it's\nb",
    "\\n",
    "a\\b",
    "a\\\\b",
    "a\\",
    "C:\\x\\",
    "\\'",
    "#x",
    "a #b",
    "a#b",
    "~",
    "~root",
    "a:~",
    "!x",
    "*",
    "[a]",
    "a;b",
    "a&b",
    "(a)",
    "<a>",
    "a=b",
    "%",
    "é",
    "$",
    "a$",
    "$$",
    "'",
    "''",
    "\"",
    "{a,b}",
    "=",
    "-",
];

/// Texts, and some of the pieces that are hard to say; the same ones in every run.
fn texts() -> Vec<String> {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        prop::test_runner::TestRng::deterministic_rng(prop::test_runner::RngAlgorithm::ChaCha),
    );
    let pieces = prop::sample::select(&["a", "$", "'", "\"", "\\", "`", "\n", " ", "#", "~", "=", "{b}", "é", "n"][..]);
    let strategy = prop::collection::vec(pieces, 1..6);
    let drawn = (0..300).map(|_| strategy.new_tree(&mut runner).unwrap().current().concat());
    TEXTS.iter().map(|text| (*text).to_owned()).chain(drawn).collect()
}

/// Files that a text was put into, and that text.
fn written() -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut refused = 0;
    for (at, text) in texts().into_iter().enumerate() {
        let listed = at < TEXTS.len();
        for standing in STANDING.iter().cycle().skip(at).take(if listed { STANDING.len() } else { 1 }) {
            let file = format!("Y=before\nA={standing}\nZ='behind'\n");
            let value = if text.ends_with('\n') { format!("{text}\n") } else { text.clone() };
            let put = Fragment { format: Format::Text, text: value.into_bytes() };
            match portion::put(Scheme::Env, file.as_bytes(), "/A", &put) {
                Ok(Some(file)) => files.push((String::from_utf8(file).unwrap(), text.clone())),
                Ok(None) => {}
                Err(LensError::CannotSay { .. }) => {
                    assert!(text.contains('\'') || text.contains('\\'), "{text:?} can be said");
                    refused += 1;
                }
                Err(other) => panic!("{text:?}: {other}"),
            }
        }
    }
    assert!(refused * 4 < files.len(), "{refused} refusals beside {}", files.len());
    files
}

#[test]
fn a_shell_reads_what_was_put() {
    for (file, text) in written() {
        let script = format!("{file}printf '%s|' \"$Y\" \"$A\" \"$Z\"");
        let read = output("sh", &["-c", &script], b"").unwrap();
        assert_eq!(String::from_utf8_lossy(&read.stdout), format!("before|{text}|behind|"), "\n{file}");
    }
}

const DOTENV: &str = "
import io, json, sys
try:
    import dotenv
except ImportError:
    sys.exit(9)
print(json.dumps([dotenv.dotenv_values(stream=io.StringIO(t), interpolate=False).get('A') for t in json.load(sys.stdin)]))
";

#[test]
fn python_dotenv_reads_what_was_put() {
    let written = written();
    let files: Vec<&String> = written.iter().map(|(file, _)| file).collect();
    let input = serde_json::to_vec(&files).unwrap();
    let Some(output) = output("python3", &["-c", DOTENV], &input) else { return };
    if output.status.code() == Some(9) {
        eprintln!("python-dotenv is not installed: not compared with it");
        return;
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let readings: Vec<Option<String>> = serde_json::from_slice(&output.stdout).unwrap();
    for ((file, text), theirs) in written.iter().zip(readings) {
        assert_eq!(theirs.as_ref(), Some(text), "\n{file}");
    }
}
