//! `cargo xtask sim`: the seeded simulator, many seeds, with a release build. Its own arguments are in `crates/testkit/examples/sim.rs`.

use std::path::Path;

use crate::shell::{self, TaskError};

pub(crate) fn run(root: &Path, args: &[String]) -> Result<(), TaskError> {
    let simulator = ["run", "--quiet", "--release", "--package", "testkit", "--example", "sim", "--"];
    shell::run(shell::cargo().args(simulator).args(args).current_dir(root))
}
