//! `cargo xtask ci`: what a change must pass.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::shell::{self, TaskError};
use crate::{fuzz, test, tidy, tools};

/// The fuzz targets' manifest: a workspace of its own.
const FUZZ: &str = "fuzz/Cargo.toml";

/// A step's name and what it does.
type Step = (&'static str, fn(&Path) -> Result<(), TaskError>);

const STEPS: &[Step] = &[
    ("format", format),
    ("licences", licences),
    ("tidy", tidy::run),
    ("lints", lints),
    ("tests", |root| test::run(root, &[])),
    // A change passes or fails the same way twice.
    ("fuzz", |root| fuzz::run(root, &["--seed", "1"].map(str::to_owned))),
];

/// Runs every step, quickest first; stops at the first that fails, and says how long each took.
pub(crate) fn run(root: &Path) -> Result<(), TaskError> {
    let mut took = Vec::new();
    let mut done = Ok(());
    for (name, step) in STEPS {
        eprintln!("\n== {name}");
        let start = Instant::now();
        done = step(root);
        took.push(format!("{name} {} s", start.elapsed().as_secs()));
        if done.is_err() {
            break;
        }
    }
    eprintln!("ci: {}", took.join(", "));
    done
}

fn format(root: &Path) -> Result<(), TaskError> {
    shell::run(shell::cargo().args(["fmt", "--all", "--check"]).current_dir(root))?;
    shell::run(shell::cargo().args(["fmt", "--manifest-path", FUZZ, "--", "--check"]).current_dir(root))
}

fn lints(root: &Path) -> Result<(), TaskError> {
    let args = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    shell::run(shell::cargo().args(args).current_dir(root))?;
    // Without source code, whose grammars not every build wants.
    let args = ["check", "--package", "portion", "--no-default-features", "--locked"];
    shell::run(shell::cargo().args(args).current_dir(root))
}

/// Advisories are left out: their database comes from a place that a build machine need not reach.
fn licences(root: &Path) -> Result<(), TaskError> {
    let program = tools::cargo_deny(root)?;
    for manifest in ["Cargo.toml", FUZZ] {
        let mut deny = Command::new(&program);
        deny.args(["--manifest-path", manifest, "--config", "deny.toml", "--all-features"]);
        shell::run(deny.args(["check", "bans", "licenses", "sources"]).current_dir(root))?;
    }
    Ok(())
}
