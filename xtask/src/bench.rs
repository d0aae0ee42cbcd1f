//! `cargo xtask bench`: inlay beside its peers in one run, with release builds.

use std::path::Path;

use crate::shell::{self, TaskError};
use crate::tools;

/// Times are printed, never judged: a benchmark is no test.
pub(crate) fn run(root: &Path, args: &[String]) -> Result<(), TaskError> {
    tools::need(tools::FOR_BENCHES)?;
    let build = ["build", "--release", "--package", "inlay"];
    shell::run(shell::cargo().args(build).current_dir(root))?;
    let latency = ["run", "--release", "--package", "testkit", "--example", "bench", "--"];
    shell::run(shell::cargo().args(latency).args(args).current_dir(root))?;
    let locating = ["run", "--release", "--package", "portion", "--example", "locating"];
    shell::run(shell::cargo().args(locating).current_dir(root))?;
    let throughput = ["run", "--release", "--package", "repo", "--example", "throughput"];
    shell::run(shell::cargo().args(throughput).current_dir(root))
}
