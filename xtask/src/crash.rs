//! `cargo xtask crash`: real processes die at their points, many times, with a release build. Its own arguments are in
//! `crates/testkit/examples/crash.rs`.

use std::path::Path;

use crate::shell::{self, TaskError};

pub(crate) fn run(root: &Path, args: &[String]) -> Result<(), TaskError> {
    let testkit = ["--quiet", "--release", "--package", "testkit"];
    // The program that dies, and the commands that look at what it left.
    shell::run(shell::cargo().arg("build").args(testkit).args(["--bin", "inlay-crashing"]).current_dir(root))?;
    shell::run(shell::cargo().args(["build", "--quiet", "--release", "--package", "inlay"]).current_dir(root))?;
    shell::run(shell::cargo().arg("run").args(testkit).args(["--example", "crash", "--"]).args(args).current_dir(root))
}
