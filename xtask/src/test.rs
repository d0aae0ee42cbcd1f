//! `cargo xtask test`: everything that the tests need, and then all tests.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::restic;
use crate::shell::{self, TaskError};
use crate::tools;

/// What the runners counted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    passed: u64,
    failed: u64,
    skipped: u64,
}

pub(crate) fn run(root: &Path, args: &[String]) -> Result<(), TaskError> {
    tools::need(tools::FOR_TESTS)?;
    tools::corpora(root)?;
    tools::python(root)?;
    if std::env::var("INLAY_TEST_CORPORA").is_ok_and(|what| what == "all") {
        tools::need(tools::FOR_THOROUGH_TESTS)?;
    }
    let programs = restic::programs(root)?;
    let mut totals = Totals::default();
    let mut failures = Vec::new();
    let mut all = |command: Command| -> Result<(), TaskError> {
        match counted(command, &mut totals) {
            Err(failed @ TaskError::Failed { .. }) => failures.push(failed.to_string()),
            other => other?,
        }
        Ok(())
    };
    if args.is_empty() {
        all(cargo(root, &["test", "--workspace", "--doc"]))?;
    }
    let mut tests = if shell::answers("cargo-nextest", &["nextest", "--version"]) {
        cargo(root, &["nextest", "run", "--no-fail-fast"])
    } else {
        cargo(root, &["test", "--all-targets", "--no-fail-fast"])
    };
    if args.is_empty() {
        tests.arg("--workspace");
    }
    // The repository's tests run with each of these restic programs.
    tests.args(args).env("INLAY_RESTIC", programs);
    all(tests)?;
    println!("\n{} passed, {} failed, {} skipped", totals.passed, totals.failed, totals.skipped);
    if !failures.is_empty() {
        return Err(TaskError::Check(failures.join("; ")));
    }
    if totals.passed == 0 {
        return Err(TaskError::Check("no test ran".to_owned()));
    }
    Ok(())
}

fn cargo(root: &Path, args: &[&str]) -> Command {
    let mut command = shell::cargo();
    // With this the tests that use the corpora fail where too few files are found, instead of testing what there is.
    command.args(args).current_dir(root);
    if std::env::var_os("INLAY_TEST_CORPORA").is_none() {
        command.env("INLAY_TEST_CORPORA", "required");
    }
    // The programs that read office documents as a second opinion.
    command.env("PYTHONPATH", tools::python_packages(root));
    // A change passes or fails the same way twice. `cargo nextest run` by itself draws fresh cases for the laws, and
    // PROPTEST_RNG_SEED chooses some.
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        command.env("PROPTEST_RNG_SEED", "20261124");
    }
    // The simulator and the storms: fresh seeds for every change, and the same ones for the same change.
    if std::env::var_os("INLAY_SEED").is_none() {
        command.env("INLAY_SEED", seed_of(root).to_string());
    }
    command
}

/// A number that follows from what is committed; always the same where there is no git.
fn seed_of(root: &Path) -> u64 {
    let output = Command::new("git").args(["rev-parse", "HEAD^{tree}"]).current_dir(root).output();
    let tree = output.map(|output| output.stdout).unwrap_or_default();
    let digits = tree.get(..15).and_then(|digits| std::str::from_utf8(digits).ok());
    digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(20_261_124)
}

/// Runs a test runner, shows its output as it comes, and adds up what it counts.
fn counted(mut command: Command, totals: &mut Totals) -> Result<(), TaskError> {
    let shown = shell::shown(&command);
    eprintln!("\n$ {shown}");
    // nextest reports on standard error, cargo test on standard output: a shared pipe keeps the order.
    let (reader, writer) = std::io::pipe().map_err(|source| TaskError::Start { program: shown.clone(), source })?;
    let twin = writer.try_clone().map_err(|source| TaskError::Start { program: shown.clone(), source })?;
    command.stdin(Stdio::null()).stdout(twin).stderr(writer).env("CARGO_TERM_COLOR", "never");
    let mut child = command.spawn().map_err(|source| TaskError::Start { program: shown.clone(), source })?;
    drop(command); // closes our ends of the pipe
    for line in BufReader::new(reader).split(b'\n') {
        let Ok(mut line) = line else { break };
        add(totals, &String::from_utf8_lossy(&line));
        line.push(b'\n');
        let mut out = std::io::stderr().lock();
        // A closed standard error must not stop the tests.
        let _ = out.write_all(&line);
    }
    let status = child.wait().map_err(|source| TaskError::Start { program: shown.clone(), source })?;
    if status.success() { Ok(()) } else { Err(TaskError::Failed { command: shown, status }) }
}

/// Adds the closing line of cargo test (`test result: ok. 3 passed; 0 failed; 1 ignored; …`) or of nextest
/// (`Summary [ 0.1s] 4 tests run: 3 passed (1 slow), 1 failed, 2 skipped`).
fn add(totals: &mut Totals, line: &str) {
    let line = line.trim();
    let counts = if let Some(rest) = line.strip_prefix("test result: ") {
        rest.split_once(". ").map(|(_, counts)| counts)
    } else if line.starts_with("Summary [") {
        line.split_once(": ").map(|(_, counts)| counts)
    } else {
        None
    };
    for count in counts.unwrap_or_default().split([',', ';', '(']) {
        let mut words = count.split_whitespace();
        let (Some(Ok(number)), Some(what)) = (words.next().map(str::parse::<u64>), words.next()) else { continue };
        match what {
            "passed" => totals.passed += number,
            "failed" | "timed" | "exec" => totals.failed += number,
            "skipped" | "ignored" => totals.skipped += number,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, passed: u64, failed: u64, skipped: u64) {
        let mut totals = Totals::default();
        add(&mut totals, line);
        assert_eq!(totals, Totals { passed, failed, skipped }, "{line}");
    }

    #[test]
    fn closing_lines_are_added_up() {
        check("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s", 3, 0, 1);
        check("     Summary [   0.004s] 4 tests run: 3 passed, 1 failed, 2 skipped", 3, 1, 2);
        check("     Summary [   0.004s] 5 tests run: 3 passed (1 slow), 1 failed, 1 timed out, 0 skipped", 3, 2, 0);
        check("running 3 tests", 0, 0, 0);
        check("test a ... ok", 0, 0, 0);
    }
}
