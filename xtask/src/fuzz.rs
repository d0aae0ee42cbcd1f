//! `cargo xtask fuzz`: the targets of `fuzz/`, built with libFuzzer and run, as many at a time as there are processors.
//!
//! What libFuzzer needs of the compiler are options that a stable one has, so nothing is to be installed for it but a C++ compiler. With
//! `--address` the address sanitizer watches the C that is linked in (zstd, SQLite, aws-lc), too; that takes a nightly toolchain.
//!
//! With `--seed` a run begins with what is under `fuzz/seeds` alone and tries the same inputs in the same order, as many as there is time for: what
//! is found is what the change has brought.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::shell::{self, TaskError};
use crate::tools;

/// As cargo-fuzz builds: counters at every edge, and what is compared with what.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0 -Ccodegen-units=1";
/// No input is longer (bytes), takes longer (seconds) or more memory (MiB); the targets themselves count memory more closely.
const BOUNDS: [&str; 3] = ["-max_len=4096", "-timeout=10", "-rss_limit_mb=2048"];
/// How long each target runs unless somebody says otherwise.
const SECONDS: u64 = 20;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    targets: Vec<String>,
    seconds: u64,
    address: bool,
    seed: Option<u32>,
}

/// What came of one target.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    runs: u64,
    per_second: u64,
    edges: u64,
    /// Where the input is kept that led to a finding.
    finding: Option<String>,
}

pub(crate) fn run(root: &Path, args: &[String]) -> Result<(), TaskError> {
    let known = targets(root)?;
    let wanted = wanted(args, &known)?;
    let programs = build(root, &wanted)?;
    let waiting = Mutex::new(wanted.targets.iter());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || -> Result<usize, TaskError> {
        let mut found = 0;
        while let Some(target) = next() {
            let outcome = fuzz(root, &programs, target, &wanted)?;
            println!("{}", told(target, &outcome));
            found += usize::from(outcome.finding.is_some());
        }
        Ok(found)
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let found = std::thread::scope(|scope| -> Result<usize, TaskError> {
        let workers: Vec<_> = (0..processors).map(|_| scope.spawn(work)).collect();
        let gone = |_| TaskError::Check("a fuzz worker ended by itself".to_owned());
        workers.into_iter().map(|worker| worker.join().map_err(gone)?).sum()
    })?;
    match found {
        0 => Ok(()),
        _ => Err(TaskError::Check(format!("{found} of {} targets have a finding", wanted.targets.len()))),
    }
}

/// The targets: one file each.
fn targets(root: &Path) -> Result<Vec<String>, TaskError> {
    let folder = root.join("fuzz/fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(TaskError::file("read", &folder))?;
    let name = |path: PathBuf| path.file_stem().map(|name| name.to_string_lossy().into_owned());
    let mut targets: Vec<String> = entries.flatten().filter_map(|entry| name(entry.path())).collect();
    targets.sort();
    Ok(targets)
}

fn wanted(args: &[String], known: &[String]) -> Result<Wanted, TaskError> {
    let mut wanted = Wanted { targets: Vec::new(), seconds: SECONDS, address: false, seed: None };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--seconds" => {
                let seconds = args.next().and_then(|text| text.parse().ok()).filter(|seconds| *seconds > 0);
                wanted.seconds = seconds.ok_or_else(|| TaskError::Check("--seconds needs a number".to_owned()))?;
            }
            "--address" => wanted.address = true,
            "--seed" => {
                let seed = args.next().and_then(|text| text.parse().ok()).filter(|seed| *seed > 0);
                wanted.seed = Some(seed.ok_or_else(|| TaskError::Check("--seed needs a number".to_owned()))?);
            }
            name if known.iter().any(|known| known == name) => wanted.targets.push(name.to_owned()),
            other => return Err(TaskError::Check(format!("no target `{other}`; there are {}", known.join(", ")))),
        }
    }
    if wanted.targets.is_empty() {
        wanted.targets = known.to_vec();
    }
    Ok(wanted)
}

/// Builds the targets. Gives the folder that holds the programs.
fn build(root: &Path, wanted: &Wanted) -> Result<PathBuf, TaskError> {
    tools::need(tools::FOR_FUZZING)?;
    let mut cargo = if wanted.address { nightly()? } else { shell::cargo() };
    let flags = if wanted.address { format!("{COVERAGE} -Zsanitizer=address") } else { COVERAGE.to_owned() };
    let (host, folder) = (host()?, root.join(if wanted.address { "target/fuzz-address" } else { "target/fuzz" }));
    // With a target of its own what runs while it is built, procedural macros, is built without all that.
    cargo.args(["build", "--release", "--locked", "--manifest-path"]).arg(root.join("fuzz/Cargo.toml"));
    cargo.args(["--target", &host, "--target-dir"]).arg(&folder);
    for target in &wanted.targets {
        cargo.args(["--bin", target]);
    }
    shell::run(cargo.current_dir(root).env("RUSTFLAGS", flags))?;
    Ok(folder.join(host).join("release"))
}

fn nightly() -> Result<Command, TaskError> {
    if !shell::answers("rustup", &["run", "nightly", "rustc", "--version"]) {
        let how = "`rustup toolchain install nightly --profile minimal`";
        return Err(TaskError::Check(format!("the address sanitizer needs the nightly toolchain: {how}")));
    }
    let mut cargo = Command::new("rustup");
    cargo.args(["run", "nightly", "cargo"]).env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN");
    Ok(cargo)
}

/// The triple of this machine.
fn host() -> Result<String, TaskError> {
    let told = shell::output(Command::new("rustc").arg("-vV"))?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| TaskError::Check("rustc does not tell this machine's triple".to_owned()))
}

/// Runs one target. What it learns is kept, and where the next run without a seed begins.
fn fuzz(root: &Path, programs: &Path, target: &str, wanted: &Wanted) -> Result<Outcome, TaskError> {
    let corpus = if wanted.seed.is_some() { "target/fuzz-seeded" } else { "target/fuzz-corpus" };
    let learnt = root.join(corpus).join(target);
    if wanted.seed.is_some() && learnt.exists() {
        fs::remove_dir_all(&learnt).map_err(TaskError::file("remove", &learnt))?;
    }
    let findings = root.join("target/fuzz-findings").join(target);
    for folder in [&learnt, &findings] {
        fs::create_dir_all(folder).map_err(TaskError::file("make", folder))?;
    }
    let mut command = Command::new(programs.join(target));
    command.args(BOUNDS).args(["-print_final_stats=1", &format!("-max_total_time={}", wanted.seconds)]);
    command.args(wanted.seed.map(|seed| format!("-seed={seed}")));
    command.arg(format!("-artifact_prefix={}/", findings.display())).arg(&learnt);
    let seeds = root.join("fuzz/seeds").join(target);
    if seeds.is_dir() {
        command.arg(seeds);
    }
    let shown = shell::shown(&command);
    let output = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output();
    let output = output.map_err(|source| TaskError::Start { program: shown.clone(), source })?;
    let text = String::from_utf8_lossy(&output.stderr);
    let mut outcome = read(&text);
    if !output.status.success() {
        let last: Vec<&str> = text.lines().filter(|line| !line.starts_with(['#', '\t'])).collect();
        eprintln!("{}", last[last.len().saturating_sub(16)..].join("\n"));
        outcome.finding.get_or_insert_with(|| format!("no input; `{shown}` failed ({})", output.status));
    }
    Ok(outcome)
}

/// Reads what libFuzzer says.
fn read(text: &str) -> Outcome {
    let mut outcome = Outcome::default();
    for line in text.lines() {
        let number = |text: &str| text.trim().parse().unwrap_or(0);
        if let Some(rest) = line.strip_prefix("stat::number_of_executed_units:") {
            outcome.runs = number(rest);
        } else if let Some(rest) = line.strip_prefix("stat::average_exec_per_sec:") {
            outcome.per_second = number(rest);
        } else if let Some((_, path)) = line.split_once("Test unit written to ") {
            outcome.finding = Some(path.trim().to_owned());
        } else if let Some(rest) = line.strip_prefix('#') {
            // `#4096 NEW cov: 812 ft: 1620 corp: 77/2Kb exec/s: 1365 rss: 60Mb`
            let words: Vec<&str> = rest.split_whitespace().collect();
            outcome.runs = outcome.runs.max(words.first().map_or(0, |word| number(word)));
            let after = |name: &str| words.iter().position(|word| *word == name).and_then(|at| words.get(at + 1));
            outcome.edges = after("cov:").map_or(outcome.edges, |word| number(word));
            outcome.per_second = after("exec/s:").map_or(outcome.per_second, |word| number(word));
        }
    }
    outcome
}

fn told(target: &str, outcome: &Outcome) -> String {
    let Outcome { runs, per_second, edges, finding } = outcome;
    let finding =
        finding.as_ref().map_or("no finding".to_owned(), |path| format!("FINDING, its input is kept: {path}"));
    format!("{target:<12} {runs:>9} runs {per_second:>6}/s {edges:>6} edges   {finding}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says() {
        let quiet = "INFO: Seed: 1\n#2\tINITED cov: 7 ft: 8 corp: 1/1b exec/s: 0 rss: 30Mb\n\
                     #9000\tDONE   cov: 812 ft: 1620 corp: 77/2Kb lim: 4096 exec/s: 3000 rss: 60Mb\n\
                     stat::number_of_executed_units: 9001\nstat::average_exec_per_sec:     2999\n";
        let outcome = Outcome { runs: 9001, per_second: 2999, edges: 812, finding: None };
        assert_eq!(read(quiet), outcome);
        assert!(told("wire", &outcome).ends_with("no finding"));
        let loud =
            "#512\tNEW    cov: 31 ft: 40 exec/s: 12 rss: 1Mb\nartifact_prefix='x/'; Test unit written to x/crash-1\n";
        let outcome = read(loud);
        assert_eq!(outcome, Outcome { runs: 512, per_second: 12, edges: 31, finding: Some("x/crash-1".to_owned()) });
        assert!(told("wire", &outcome).ends_with("x/crash-1"));
    }

    #[test]
    fn what_is_asked_for() {
        let known = ["merge", "wire"].map(str::to_owned);
        let ask = |args: &[&str]| wanted(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>(), &known).ok();
        let all = Wanted { targets: known.to_vec(), seconds: SECONDS, address: false, seed: None };
        assert_eq!(ask(&[]), Some(all));
        let one = Wanted { targets: vec!["wire".to_owned()], seconds: 5, address: true, seed: Some(7) };
        assert_eq!(ask(&["wire", "--seconds", "5", "--address", "--seed", "7"]), Some(one));
        assert_eq!(ask(&["nothing"]), None);
        assert_eq!(ask(&["--seconds", "0"]), None);
        assert_eq!(ask(&["--seed", "x"]), None);
    }
}
