//! A newer restic than the system's, for the tests: from Debian's testing and unstable suites, beside the system's own packages and
//! without changing anything in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{self, TaskError};

/// The suites to take it from, the newest version first to be tried.
const SUITES: [&str; 2] = ["sid", "trixie"];

/// The value of `INLAY_RESTIC` for the tests: the system's restic and the newest that runs here, separated by a colon.
///
/// # Errors
/// No newer one can be had.
pub(crate) fn programs(root: &Path) -> Result<String, TaskError> {
    Ok(format!("restic:{}", newest(root)?.display()))
}

/// The newest restic, in `target/tools/restic`; downloaded unless it is there.
fn newest(root: &Path) -> Result<PathBuf, TaskError> {
    let folder = root.join("target/tools/restic");
    for suite in SUITES {
        let program = folder.join(suite).join("usr/bin/restic");
        if runs(&program) {
            return Ok(program);
        }
    }
    let mut last = None;
    for suite in SUITES {
        // A package of a newer suite may want a newer C library than the system's: then it does not run, and the next is tried.
        match download(&folder.join(suite), suite) {
            Ok(program) if runs(&program) => return Ok(program),
            Ok(_) => {}
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| TaskError::Check("no newer restic runs on this machine".to_owned())))
}

fn runs(program: &Path) -> bool {
    shell::answers(&program.to_string_lossy(), &["version"])
}

/// Downloads and unpacks the package with an apt configuration of its own: sources, lists and cache lie in `folder`.
fn download(folder: &Path, suite: &str) -> Result<PathBuf, TaskError> {
    let apt = folder.join("apt");
    for part in ["lists/partial", "archives/partial"] {
        let path = apt.join(part);
        fs::create_dir_all(&path).map_err(TaskError::file("make", &path))?;
    }
    let sources = apt.join("sources.list");
    let line = format!("deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {} {suite} main\n", archive()?);
    fs::write(&sources, line).map_err(TaskError::file("write", &sources))?;
    let options = [
        format!("Dir::Etc::sourcelist={}", sources.display()),
        "Dir::Etc::sourceparts=-".to_owned(),
        format!("Dir::State::lists={}", apt.join("lists").display()),
        "Dir::State::status=/dev/null".to_owned(),
        format!("Dir::Cache={}", apt.display()),
        format!("Dir::Cache::archives={}", apt.join("archives").display()),
        "Acquire::Languages=none".to_owned(),
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
        "APT::Sandbox::User=root".to_owned(),
    ];
    let apt_get = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(options.iter().flat_map(|option| ["-o", option])).args(arguments).current_dir(&apt);
        shell::run(&mut command)
    };
    apt_get(&["-qq", "update"])?;
    apt_get(&["-qq", "download", "restic"])?;
    let package = package(&apt)?;
    shell::run(Command::new("dpkg").arg("-x").arg(&package).arg(folder))?;
    fs::remove_dir_all(&apt).map_err(TaskError::file("remove", &apt))?;
    Ok(folder.join("usr/bin/restic"))
}

/// The archive that this machine's own apt uses, so that a mirror or proxy chosen there is used here, too.
fn archive() -> Result<String, TaskError> {
    let targets = shell::output(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "$(REPO_URI) $(CODENAME) $(COMPONENT)",
        "Created-By: Packages",
    ]))?;
    let main = |line: &str| -> Option<String> {
        let mut words = line.split_whitespace();
        let (uri, codename, component) = (words.next()?, words.next()?, words.next()?);
        (component == "main" && !codename.contains('-') && uri.contains("debian")).then(|| uri.to_owned())
    };
    let found = targets.lines().find_map(main);
    found.ok_or_else(|| TaskError::Check("apt has no Debian archive to take a newer restic from".to_owned()))
}

fn package(folder: &Path) -> Result<PathBuf, TaskError> {
    let entries = fs::read_dir(folder).map_err(TaskError::file("read", folder))?;
    let found = entries.flatten().map(|entry| entry.path()).find(|path| path.extension().is_some_and(|e| e == "deb"));
    found.ok_or_else(|| TaskError::Check("apt downloaded no package".to_owned()))
}
