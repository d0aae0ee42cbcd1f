//! Where a member's file is, and whether this machine allows it to be touched: asked anew at each operation.

use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

use plan::Condition;
use portion::Selector;

use crate::allow::AllowFile;
use crate::folder::Folder;
use crate::os::{self, OsFolder};

/// A file that may be touched, in a folder that is pinned.
pub(crate) struct Place {
    /// The folder.
    pub folder: Box<dyn Folder>,
    /// The folder's path, without links.
    pub folder_path: PathBuf,
    /// The file's name in it.
    pub name: OsString,
}

impl Place {
    /// Resolves `path` and compares what it leads to with this machine's policy; then opens its folder beneath what is allowed, so
    /// that no link that appears meanwhile leads elsewhere.
    pub(crate) fn open(allow: &AllowFile, path: &Path, selector: &Selector, tag: &str) -> Result<Place, Condition> {
        let allow = allow.current().map_err(|why| Condition::Suspended(format!("this machine's policy: {why}")))?;
        let resolved = resolve(path)?;
        let Some(root) = allow.root(&resolved, selector) else { return Err(Condition::AwaitingConsent) };
        let outside = || Condition::Suspended("the path leads nowhere".to_owned());
        let (Some(folder_path), Some(name)) = (resolved.parent(), resolved.file_name()) else { return Err(outside()) };
        let beneath = folder_path.strip_prefix(root).map_err(|_| outside())?;
        let folder = OsFolder::open(root, beneath, tag).map_err(|error| match error.kind() {
            // Not "missing": nothing is made where there is no place for it, as on a disk that is not mounted.
            io::ErrorKind::NotFound => Condition::Suspended("the file's folder is missing".to_owned()),
            _ => Condition::Suspended(format!("the file's folder cannot be opened: {error}")),
        })?;
        Ok(Place { folder: Box::new(folder), folder_path: folder_path.to_owned(), name: name.to_owned() })
    }

    /// The file's path, without links.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder_path.join(&self.name)
    }
}

/// The path without links and `..`. Where its end does not exist, the part that does is resolved: nothing is said about a place that
/// is not allowed, not even whether it exists.
pub(crate) fn resolve(path: &Path) -> Result<PathBuf, Condition> {
    let strange = |why: &str| Condition::Suspended(format!("the path {why}"));
    if !path.is_absolute() {
        return Err(strange("is not whole"));
    }
    if let Ok(resolved) = os::resolve(path) {
        return Ok(resolved);
    }
    for ancestor in path.ancestors().skip(1) {
        let Ok(resolved) = std::fs::canonicalize(ancestor) else { continue };
        let rest = path.strip_prefix(ancestor).map_err(|_| strange("cannot be resolved"))?;
        if rest.components().any(|component| component == Component::ParentDir) {
            return Err(strange("goes through a folder that is missing"));
        }
        return Ok(resolved.join(rest));
    }
    Err(strange("cannot be resolved"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::allow::{Allow, Consent};
    use std::fs;
    use std::os::unix::fs::symlink;

    /// What a manager might name, and what becomes of it on a machine that allows the folder `mine` and one portion of `one.json`.
    #[test]
    fn only_what_is_allowed_is_opened() {
        let temporary = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(temporary.path()).unwrap();
        fs::create_dir_all(root.join("mine/deep")).unwrap();
        fs::create_dir(root.join("other")).unwrap();
        for file in ["mine/a.json", "mine/deep/b.json", "other/secret.json", "one.json"] {
            fs::write(root.join(file), file).unwrap();
        }
        symlink("../other/secret.json", root.join("mine/leads-out.json")).unwrap();
        symlink("../other", root.join("mine/out")).unwrap();
        symlink("deep/b.json", root.join("mine/stays.json")).unwrap();
        symlink(root.join("mine/deep"), root.join("other/leads-in")).unwrap();
        let policy = root.join("allow.toml");
        Allow::add(&policy, &Consent::to(&root.join("mine"), None).unwrap()).unwrap();
        Allow::add(&policy, &Consent::to(&root.join("one.json"), Some(&"json:/x".parse().unwrap())).unwrap()).unwrap();
        let allow = AllowFile::new(policy);
        for (path, selector, reads) in [
            ("mine/a.json", "json:/x", Some("mine/a.json")),
            ("mine/deep/b.json", "json:/x", Some("mine/deep/b.json")),
            ("mine/../mine/a.json", "json:/x", Some("mine/a.json")),
            ("mine/stays.json", "json:/x", Some("mine/deep/b.json")),
            ("other/leads-in/b.json", "json:/x", Some("mine/deep/b.json")),
            ("one.json", "json:/x", Some("one.json")),
            ("one.json", "json:/y", None),
            ("mine/../other/secret.json", "json:/x", None),
            ("mine/leads-out.json", "json:/x", None),
            ("mine/out/secret.json", "json:/x", None),
            ("mine/out/new.json", "json:/x", None),
            ("other/secret.json", "json:/x", None),
            ("other/nothing/there.json", "json:/x", None),
            ("mine/nothing/../../other/secret.json", "json:/x", None),
            ("mine", "json:/x", None),
        ] {
            let opened = Place::open(&allow, &root.join(path), &selector.parse().unwrap(), "a1");
            let read = opened.ok().map(|place| {
                let mut bytes = Vec::new();
                place.folder.read(&place.name, &mut bytes, 1000).unwrap();
                String::from_utf8(bytes).unwrap()
            });
            assert_eq!(read.as_deref(), reads, "{path}");
        }
        let place =
            |path: &str| Place::open(&allow, &root.join(path), &"json:/x".parse().unwrap(), "a1").map(|p| p.path());
        assert_eq!(place("other/secret.json"), Err(Condition::AwaitingConsent));
        assert_eq!(place("other/nothing/there.json"), Err(Condition::AwaitingConsent));
        assert!(matches!(place("mine/nothing/there.json"), Err(Condition::Suspended(_))));
        assert_eq!(place("mine/new.json"), Ok(root.join("mine/new.json")));
        fs::write(root.join("allow.toml"), "broken").unwrap();
        assert!(matches!(place("mine/a.json"), Err(Condition::Suspended(_))));
    }
}
