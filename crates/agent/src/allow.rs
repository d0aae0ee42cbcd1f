//! This machine's own policy: what the agent may touch, whatever the manager says.
//!
//! The policy is a file that only commands on this machine write (`link`, `accept`, `join --allow`). It names folders, files, or
//! single portions, by paths without links. What a member's path leads to is resolved and compared again at each operation.

mod written;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use portion::{Selector, Source};

use crate::hook::Hook;
use crate::os;
use crate::step::Limit;

const HEADER: &str = "\
# What this machine's agent may touch, whatever the manager says. Commands on this machine append to it; you may edit it.
# An entry is a folder with everything below it, a file, or one portion of a file. Paths are whole and without links.
# [[after_restore]] names a file, and what to run (without a shell) when something was restored into it:
#   file = \"/etc/nginx/nginx.conf\"
#   run = [\"systemctl\", \"reload\", \"nginx\"]
# [[variable]] names a file, and what a variable of its members may be read from, to be written into that file and nowhere else:
#   file = \"/home/u/.claude.json\"
#   env = \"API_TOKEN\", or from = \"/home/u/.secrets/token\"
";

/// What this machine allows.
#[derive(Debug, Clone, Default)]
pub struct Allow {
    consents: Vec<Consent>,
    hooks: Vec<Hook>,
    variables: Vec<Readable>,
    limit: Limit,
}

/// What a variable of a file's members may be read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readable {
    /// The file in which the value is written, whole and without links.
    pub file: PathBuf,
    /// Where it is read.
    pub source: Source,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    /// Everything below a folder.
    Folder(PathBuf),
    /// Every portion of a file.
    File(PathBuf),
    /// One portion of a file.
    Portion(PathBuf, Selector),
}

/// Why the policy cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum AllowError {
    /// The file cannot be read or written.
    #[error("cannot {doing} {}", .path.display())]
    File {
        /// The verb.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is not written as it should be.
    #[error("{} is no policy", .path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and what.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// An entry means nothing.
    #[error("{}: entry {number} {why}", .path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        number: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// What is to run after a restore means nothing.
    #[error("{}: entry {number} of what runs after a restore {why}", .path.display())]
    Hook {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        number: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// What may be read for a variable means nothing.
    #[error("{}: `[[variable]]` {number} {why}", .path.display())]
    Variable {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        number: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The brake's entry means nothing.
    #[error("{}: `[brake]` {why}", .path.display())]
    Brake {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// What is to be allowed leads nowhere.
    #[error("cannot find {}", .path.display())]
    Nowhere {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A policy file holds text; this path is none.
    #[error("the path {} is not UTF-8", .0.display())]
    NoText(PathBuf),
}

impl Consent {
    /// Consent to a path as a person wrote it (whole), perhaps to one portion of it. Links are resolved now: what is allowed is where
    /// they lead today. A file need not exist yet; its folder must.
    ///
    /// # Errors
    /// [`AllowError::Nowhere`].
    pub fn to(path: &Path, selector: Option<&Selector>) -> Result<Consent, AllowError> {
        let resolved = os::resolve(path).map_err(|source| AllowError::Nowhere { path: path.to_owned(), source })?;
        Ok(match selector {
            Some(selector) => Consent::Portion(resolved, selector.clone()),
            None if resolved.is_dir() => Consent::Folder(resolved),
            None => Consent::File(resolved),
        })
    }

    /// Whether it covers a portion of the file at a resolved path.
    fn covers(&self, resolved: &Path, selector: &Selector) -> bool {
        match self {
            Consent::Folder(folder) => resolved.starts_with(folder) && resolved != folder,
            Consent::File(file) => resolved == file,
            Consent::Portion(file, allowed) => resolved == file && same(allowed, selector),
        }
    }

    /// The folder that the file must be opened beneath.
    fn root(&self) -> Option<&Path> {
        match self {
            Consent::Folder(folder) => Some(folder),
            Consent::File(file) | Consent::Portion(file, _) => file.parent(),
        }
    }

    fn entry(&self) -> Result<String, AllowError> {
        let path = |path: &Path| path.to_str().map(quoted).ok_or_else(|| AllowError::NoText(path.to_owned()));
        Ok(match self {
            Consent::Folder(folder) => format!("\n[[allow]]\nfolder = {}\n", path(folder)?),
            Consent::File(file) => format!("\n[[allow]]\nfile = {}\n", path(file)?),
            Consent::Portion(file, selector) => {
                format!("\n[[allow]]\nfile = {}\nselector = {}\n", path(file)?, quoted(&selector.to_string()))
            }
        })
    }
}

/// A scheme that was left out is whatever the file's name tells.
fn same(a: &Selector, b: &Selector) -> bool {
    a.expression == b.expression && (a.scheme == b.scheme || a.scheme.is_none() || b.scheme.is_none())
}

fn is_whole(path: &Path) -> bool {
    path.is_absolute() && path.components().all(|c| c != std::path::Component::ParentDir)
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

impl Allow {
    /// Reads the policy; a file that is missing allows nothing.
    ///
    /// # Errors
    /// The file cannot be read, or is no policy. Nothing may be touched then.
    pub fn load(path: &Path) -> Result<Allow, AllowError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Allow::parse(path, &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Allow::default()),
            Err(source) => Err(AllowError::File { doing: "read", path: path.to_owned(), source }),
        }
    }

    pub(crate) fn parse(path: &Path, text: &str) -> Result<Allow, AllowError> {
        written::parse(path, text)
    }

    /// Adds a consent, to the file as well, durably. The rest of the file stays as it is. Returns whether it is new.
    ///
    /// # Errors
    /// The file cannot be read or written, or is no policy; it is as it was.
    pub fn add(path: &Path, consent: &Consent) -> Result<bool, AllowError> {
        Allow::append(path, |allow| allow.consents.contains(consent), || consent.entry())
    }

    /// Allows a variable of the members in a file to be read, likewise. Links in the file's path are resolved now.
    ///
    /// # Errors
    /// As for [`Allow::add`]; [`AllowError::Nowhere`].
    pub fn add_variable(path: &Path, file: &Path, source: &Source) -> Result<bool, AllowError> {
        let file = os::resolve(file).map_err(|source| AllowError::Nowhere { path: file.to_owned(), source })?;
        let said = match source {
            Source::Environment(name) => format!("env = {}", quoted(name)),
            Source::File(from) => format!("from = {}", quoted(from)),
            Source::Value(_) => return Ok(false),
        };
        let readable = Readable { file: file.clone(), source: source.clone() };
        Allow::append(
            path,
            |allow| allow.variables.contains(&readable),
            || {
                let file = file.to_str().map(quoted).ok_or_else(|| AllowError::NoText(file.clone()))?;
                Ok(format!("\n[[variable]]\nfile = {file}\n{said}\n"))
            },
        )
    }

    fn append(
        path: &Path,
        stands: impl FnOnce(&Allow) -> bool,
        entry: impl FnOnce() -> Result<String, AllowError>,
    ) -> Result<bool, AllowError> {
        let failed = |doing| move |source| AllowError::File { doing, path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            os::make_private_folder(folder).map_err(failed("make the folder of"))?;
        }
        let _lock = os::lock(&path.with_extension("lock")).map_err(failed("lock"))?;
        let mut text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => HEADER.to_owned(),
            Err(source) => return Err(failed("read")(source)),
        };
        if stands(&Allow::parse(path, &text)?) {
            return Ok(false);
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&entry()?);
        Allow::parse(path, &text)?;
        os::write_private(path, text.as_bytes()).map_err(failed("write"))?;
        Ok(true)
    }

    /// Whether a portion of the file at `resolved`, a path without links, may be touched; and if so, the folder beneath which it is to
    /// be opened.
    pub fn root(&self, resolved: &Path, selector: &Selector) -> Option<&Path> {
        self.consents.iter().find(|consent| consent.covers(resolved, selector)).and_then(Consent::root)
    }

    /// What is to run when something was restored into the file at `resolved`.
    pub fn after_restore(&self, resolved: &Path) -> Vec<Hook> {
        self.hooks.iter().filter(|hook| hook.file == resolved).cloned().collect()
    }

    /// Whether a variable of the members in the file at `resolved` may be read from there.
    pub fn may_read(&self, resolved: &Path, source: &Source) -> bool {
        self.variables.iter().any(|readable| readable.file == resolved && readable.source == *source)
    }

    /// How much may change by itself.
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// Every entry, in the file's order.
    pub fn consents(&self) -> &[Consent] {
        &self.consents
    }
}

/// The policy file, read again whenever it has changed.
#[derive(Debug)]
pub(crate) struct AllowFile {
    path: PathBuf,
    read: Mutex<Option<Read>>,
}

/// The file as it was read.
#[derive(Debug)]
struct Read {
    /// What tells this state of it from others.
    seen: Option<os::Version>,
    allow: Result<Arc<Allow>, String>,
}

impl AllowFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        AllowFile { path, read: Mutex::new(None) }
    }

    /// What tells the file as it is now from what it was or will be.
    pub(crate) fn version(&self) -> Option<os::Version> {
        os::version_of(&self.path)
    }

    /// The policy as it is now; why it cannot be read, otherwise.
    pub(crate) fn current(&self) -> Result<Arc<Allow>, String> {
        let seen = self.version();
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = &*read
            && read.seen == seen
        {
            return read.allow.clone();
        }
        let allow = Allow::load(&self.path).map(Arc::new).map_err(|error| crate::error_chain(&error));
        *read = Some(Read { seen, allow: allow.clone() });
        allow
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use std::fs;

    fn selector(text: &str) -> Selector {
        text.parse().unwrap()
    }

    #[test]
    fn what_runs_after_a_restore() {
        let read = |text: &str| Allow::parse(Path::new("allow.toml"), text);
        let allow = read("[[after_restore]]\nfile = '/etc/hosts'\nrun = ['systemctl', 'reload', 'dnsmasq']\n").unwrap();
        assert_eq!(allow.after_restore(Path::new("/etc/hosts"))[0].run, ["systemctl", "reload", "dnsmasq"]);
        assert!(allow.after_restore(Path::new("/etc/hosts2")).is_empty() && allow.consents().is_empty());
        for (text, why) in [
            ("file = 'hosts'\nrun = ['x']", "must have a whole path"),
            ("file = '/etc/../hosts'\nrun = ['x']", "must have a whole path"),
            ("file = '/etc/hosts'\nrun = []", "runs nothing"),
            ("file = '/etc/hosts'\nrun = 'x'", "is no policy"),
        ] {
            let error = read(&format!("[[after_restore]]\n{text}\n")).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn what_variables_may_be_read_from() {
        let read = |text: &str| Allow::parse(Path::new("allow.toml"), text);
        let file = Path::new("/home/u/.claude.json");
        let (token, other) = (Source::Environment("TOKEN".into()), Source::File("/run/token".into()));
        let allow = read("[[variable]]\nfile = '/home/u/.claude.json'\nenv = 'TOKEN'\n").unwrap();
        assert!(allow.may_read(file, &token) && !allow.may_read(file, &other));
        assert!(!allow.may_read(Path::new("/home/u/other.json"), &token));
        for (text, why) in [
            ("file = '/a'", "either `env` or `from`"),
            ("file = '/a'\nenv = 'A'\nfrom = '/b'", "either `env` or `from`"),
            ("file = 'a'\nenv = 'A'", "whole path as `file`"),
            ("file = '/a'\nfrom = '/b/../c'", "whole path as `from`"),
            ("env = 'A'", "is no policy"),
        ] {
            let error = read(&format!("[[variable]]\n{text}\n")).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        fs::write(root.join("a.json"), "{}").unwrap();
        let policy = root.join("allow.toml");
        for source in [&token, &other] {
            assert!(Allow::add_variable(&policy, &root.join("a.json"), source).unwrap());
            assert!(!Allow::add_variable(&policy, &root.join("a.json"), source).unwrap());
            assert!(Allow::load(&policy).unwrap().may_read(&root.join("a.json"), source));
        }
    }

    #[test]
    fn how_much_may_change() {
        let read = |text: &str| Allow::parse(Path::new("allow.toml"), text).map(|allow| allow.limit());
        for (text, groups, within) in [
            ("", 20, 60_000),
            ("[brake]\n", 20, 60_000),
            ("[brake]\ngroups = 3\n", 3, 60_000),
            ("[brake]\ngroups = 0\n", 0, 60_000),
            ("[brake]\ngroups = 500\nwithin = '5m'\n", 500, 300_000),
            ("[brake]\nwithin = '24h'\n", 20, 86_400_000),
        ] {
            assert_eq!(read(text).unwrap(), Limit { groups, within }, "{text}");
        }
        for (text, why) in [
            ("groups = -1", "is no policy"),
            ("groups = 'off'", "is no policy"),
            ("groups = 10001", "0 takes the brake away"),
            ("within = ''", "must have a time"),
            ("within = '60'", "must have a time"),
            ("within = '0s'", "must have a time"),
            ("within = '25h'", "must have a time"),
            ("within = '999999999999999999h'", "must have a time"),
            ("within = 'üm'", "must have a time"),
            ("within = '1ü'", "must have a time"),
            ("more = 1", "is no policy"),
        ] {
            let error = read(&format!("[brake]\n{text}\n")).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_covered() {
        let allow = Allow::parse(
            Path::new("allow.toml"),
            "[[allow]]\nfolder = '/srv/conf'\n[[allow]]\nfile = '/etc/hosts'\n\
             [[allow]]\nfile = '/home/u/.claude.json'\nselector = '/mcpServers'\n",
        )
        .unwrap();
        for (path, portion, root) in [
            ("/srv/conf/a/b.toml", "/x", Some("/srv/conf")),
            ("/srv/conf", "/x", None),
            ("/srv/configuration", "/x", None),
            ("/srv/conf/../secret", "/x", Some("/srv/conf")),
            ("/etc/hosts", "mark:a", Some("/etc")),
            ("/etc/hosts2", "mark:a", None),
            ("/home/u/.claude.json", "/mcpServers", Some("/home/u")),
            ("/home/u/.claude.json", "json:/mcpServers", Some("/home/u")),
            ("/home/u/.claude.json", "/mcpServers/x", None),
            ("/home/u/.claude.json", "/", None),
        ] {
            // `..` never gets here: paths are resolved first; and where they did, the kernel refuses to go above the root.
            assert_eq!(allow.root(Path::new(path), &selector(portion)), root.map(Path::new), "{path}#{portion}");
        }
    }

    #[test]
    fn entries_that_mean_nothing_are_refused() {
        for text in [
            "[[allow]]\n",
            "[[allow]]\nfolder = 'relative'\n",
            "[[allow]]\nfolder = '/a/../b'\n",
            "[[allow]]\nfolder = '/a'\nfile = '/b'\n",
            "[[allow]]\nfolder = '/a'\nselector = '/x'\n",
            "[[allow]]\nfile = '/a'\nselector = ''\n",
            "[[allow]]\nfile = '/a'\nmore = 1\n",
            "[[deny]]\nfile = '/a'\n",
            "allow",
        ] {
            assert!(Allow::parse(Path::new("allow.toml"), text).is_err(), "{text}");
        }
    }

    #[test]
    fn consent_is_appended_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        let policy = root.join("home/agent/allow.toml");
        assert!(Allow::load(&policy).unwrap().consents().is_empty());
        fs::write(root.join("a \"b\".json"), "{}").unwrap();
        let one = Consent::to(&root.join("a \"b\".json"), Some(&selector("json:/x"))).unwrap();
        assert!(Allow::add(&policy, &one).unwrap());
        assert!(!Allow::add(&policy, &one).unwrap());
        let mut text = fs::read_to_string(&policy).unwrap();
        text.push_str("# my own note");
        fs::write(&policy, &text).unwrap();
        let two = Consent::to(&root, None).unwrap();
        assert!(Allow::add(&policy, &two).unwrap());
        assert!(fs::read_to_string(&policy).unwrap().starts_with(&text));
        assert_eq!(Allow::load(&policy).unwrap().consents(), [one, two]);
    }

    #[test]
    fn consent_is_to_where_links_lead_today() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir(root.join("dotfiles")).unwrap();
        fs::write(root.join("dotfiles/c.json"), "{}").unwrap();
        std::os::unix::fs::symlink("dotfiles/c.json", root.join("c.json")).unwrap();
        let consent = Consent::to(&root.join("dotfiles/../c.json"), None).unwrap();
        assert_eq!(consent, Consent::File(root.join("dotfiles/c.json")));
        assert_eq!(Consent::to(&root.join("new.json"), None).unwrap(), Consent::File(root.join("new.json")));
        std::os::unix::fs::symlink("nowhere", root.join("dangling")).unwrap();
        assert!(Consent::to(&root.join("dangling"), None).is_err());
        assert!(Consent::to(&root.join("no/folder.json"), None).is_err());
    }

    #[test]
    fn a_policy_that_changed_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("allow.toml");
        let file = AllowFile::new(path.clone());
        assert!(file.current().unwrap().consents().is_empty());
        Allow::add(&path, &Consent::Folder("/a".into())).unwrap();
        assert_eq!(file.current().unwrap().consents().len(), 1);
        fs::write(&path, "broken").unwrap();
        assert!(file.current().is_err());
        fs::remove_file(&path).unwrap();
        assert!(file.current().unwrap().consents().is_empty());
    }
}
