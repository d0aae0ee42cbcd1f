//! Git is the judge of lines: what `git merge-file` merges cleanly, we merge to the same text; what it does not, we do not. Two
//! exceptions: the last line end, which here is merged by itself; and texts of a few lines over and over, in which it is open which of
//! them changed.
// The judge is a program that takes files.
#![allow(clippy::disallowed_methods)]

use std::cell::Cell;
use std::process::Command;

use portion::Format;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::told;

/// The text that git makes of it; `None` for a conflict.
fn git(folder: &std::path::Path, base: &str, ours: &str, theirs: &str) -> Option<String> {
    for (name, text) in [("base", base), ("ours", ours), ("theirs", theirs)] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let output = Command::new("git")
        .args(["merge-file", "-p", "-q", "ours", "base", "theirs"])
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("git is installed");
    let code = output.status.code().unwrap();
    assert!(code < 128, "{}", String::from_utf8_lossy(&output.stderr));
    (code == 0).then(|| String::from_utf8(output.stdout).unwrap())
}

/// Edits of a text: at which line, how many go, what comes.
fn edited(lines: &[String], edits: &[(usize, usize, Vec<String>)]) -> String {
    let mut lines = lines.to_vec();
    for (at, gone, come) in edits {
        let at = at % (lines.len() + 1);
        let end = (at + gone).min(lines.len());
        lines.splice(at..end, come.iter().cloned());
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Compares; `open` of a thousand texts may be read differently.
fn compare(name: &str, lines: &'static str, cases: u32, open: u32) {
    let folder = std::env::temp_dir().join(format!("inlay-merge-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let edits = || prop::collection::vec((0usize..40, 0usize..3, prop::collection::vec(lines, 0..3)), 0..4);
    let texts = (prop::collection::vec(lines, 0..24), edits(), edits());
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let (clean, different) = (Cell::new(0), Cell::new(0));
    let result = TestRunner::new(config).run(&texts, |(base, ours, theirs)| {
        let (ours, theirs) = (edited(&base, &ours), edited(&base, &theirs));
        let base = edited(&base, &[]);
        let judged = git(&folder, &base, &ours, &theirs);
        let own = told(Format::Text, &base, &ours, &theirs).ok();
        clean.set(clean.get() + u32::from(judged.is_some()));
        if own != judged {
            different.set(different.get() + 1);
            let few = different.get() * 1000 <= cases * open;
            prop_assert!(few, "{:?} and not {:?}\nbase\n{}ours\n{}theirs\n{}", own, judged, base, ours, theirs);
        }
        Ok(())
    });
    std::fs::remove_dir_all(&folder).unwrap();
    result.unwrap_or_else(|error| panic!("{error}"));
    assert!(clean.get() * 5 > cases && clean.get() < cases, "{} of {cases} are clean", clean.get());
}

#[test]
fn lines_that_are_rarely_alike() {
    compare("rare", "[a-z]{3}", 400, 0);
}

#[test]
fn lines_that_are_often_alike() {
    compare("often", "[a-h]", 400, 30);
}

#[test]
fn a_last_line_without_a_line_end() {
    let folder = std::env::temp_dir().join(format!("inlay-merge-end-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let texts = [
        "",
        "a\nb\nc\nd\ne",
        "a\nb\nc\nd\ne\n",
        "A\nb\nc\nd\ne",
        "A\nb\nc\nd\ne\n",
        "a\nb\nc\nd\ne\nf",
        "a\nb\nc\nd\ne\nf\n",
        "a\nb\nc\nd\n",
        "a\nb\nc\nd",
    ];
    for base in texts {
        for ours in texts {
            for theirs in texts {
                if let Some(judged) = git(&folder, base, ours, theirs) {
                    assert_eq!(told(Format::Text, base, ours, theirs), Ok(judged), "{base:?} {ours:?} {theirs:?}");
                }
            }
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
