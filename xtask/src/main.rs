//! Developer commands: `cargo xtask proto | tidy | test | sim | crash | fuzz | ci | bench`. One file a command.

mod bench;
mod ci;
mod crash;
mod fuzz;
mod proto;
mod restic;
mod shell;
mod sim;
mod test;
mod tidy;
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;

use shell::TaskError;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  proto [--check]   generate crates/wire/src/gen from crates/wire/proto (--check: only tell whether it is current)
  tidy              the walls, the names and the architecture page
  test [ARGS...]    install what the tests need, then run all of them (ARGS go to nextest)
  sim [ARGS...]     the simulator: --seeds N, --seed S, --trace, --planted; seeds a minute, and the story of what fails
  fuzz [TARGET...]  the fuzz targets, 20 s each: --seconds N, --seed N (the same inputs each time), --address (with the address sanitizer; needs nightly)
  crash [ARGS...]   kill -9 between any two durable steps of real processes: --rounds N, --seed S, --no-power
  ci                format, lints, licences, tidy, tests: what a change must pass
  bench [--quick]   inlay beside its peers in one run: a table, and target/bench.json
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next();
    let rest: Vec<String> = args.collect();
    let root = workspace();
    let result = match command.as_deref() {
        Some("proto") => proto::run(&root, rest.iter().any(|a| a == "--check")),
        Some("tidy") => tidy::run(&root),
        Some("test") => test::run(&root, &rest),
        Some("sim") => sim::run(&root, &rest),
        Some("fuzz") => fuzz::run(&root, &rest),
        Some("crash") => crash::run(&root, &rest),
        Some("ci") => ci::run(&root),
        Some("bench") => bench::run(&root, &rest),
        Some("help" | "--help" | "-h") => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

fn report(error: &TaskError) {
    eprintln!("error: {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        eprintln!("  because: {cause}");
        source = cause.source();
    }
}

/// The workspace's root: the folder above this crate's.
fn workspace() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(PathBuf::from).unwrap_or(here)
}
