//! The command-line reference is what the parser says. `INLAY_UPDATE=1 cargo test -p inlay --test reference` writes it anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write;
use std::fs;
use std::path::Path;

const INTRODUCTION: &str = "# Command-line reference\n\n\
    Written by a test from the program's own parser: change the help texts there, not here.\n\n\
    Exit codes: 0 done; 1 failed, or the edit was refused (what was to be put does not parse, or the format or the file cannot take it; nothing was \
    changed); 2 wrong usage; 3 the portion or its file is missing, or it is ambiguous, or it cannot be read (it does not parse, is nested too deeply, is too \
    large); 4 not in sync.\n\n\
    What each format's selectors mean, and what is refused: [formats](../formats.md).\n";

fn describe(command: &clap::Command, path: &str, out: &mut String) {
    let help = command.clone().bin_name(path).term_width(100).render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    write!(out, "\n## {path}\n\n```text\n{}\n```\n", lines.join("\n").trim_end()).unwrap();
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        describe(sub, &format!("{path} {}", sub.get_name()), out);
    }
}

#[test]
fn the_reference_is_what_the_parser_says() {
    let mut command = inlay::command_line();
    command.build();
    let mut text = INTRODUCTION.to_owned();
    describe(&command, "inlay", &mut text);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/reference.md");
    if std::env::var_os("INLAY_UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &text).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "docs/guide/reference.md is stale: INLAY_UPDATE=1 cargo test -p inlay --test reference");
}
