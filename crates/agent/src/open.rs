//! Files that an office program has open: it will write its own state back, so nothing is put there meanwhile.
//!
//! LibreOffice makes `.~lock.NAME#` beside the file, Microsoft Office `~$NAME`, in which of a long name the first two characters are
//! replaced. Both remove theirs when the file is closed.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::folder::{FileKind, Folder, Stat};

/// The names that a lock of this file may have.
fn locks(name: &OsStr) -> Vec<OsString> {
    let Some(name) = name.to_str() else { return Vec::new() };
    let mut locks = vec![OsString::from(format!(".~lock.{name}#")), OsString::from(format!("~${name}"))];
    if let Some((at, _)) = name.char_indices().nth(2).filter(|_| name.contains('.')) {
        locks.push(OsString::from(format!("~${}", &name[at..])));
    }
    locks
}

fn is_file(stat: &Stat) -> bool {
    stat.kind == FileKind::Regular
}

/// The lock beside a file, if an office program has it open.
pub(crate) fn lock(folder: &dyn Folder, name: &OsStr) -> Option<OsString> {
    locks(name).into_iter().find(|lock| matches!(folder.stat(lock), Ok(Some(stat)) if is_file(&stat)))
}

/// The lock beside a file, if an office program has it open: for commands.
pub fn lock_beside(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).and_then(|path| crate::os::resolve(&path)).ok()?;
    let locks = locks(path.file_name()?);
    locks.iter().map(|lock| path.with_file_name(lock)).find(|lock| lock.symlink_metadata().is_ok_and(|m| m.is_file()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn locks_of_office_programs_are_known() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("Budget 2026.xlsx");
        std::fs::write(&file, "").unwrap();
        assert_eq!(lock_beside(&file), None);
        for name in [".~lock.Budget 2026.xlsx#", "~$Budget 2026.xlsx", "~$dget 2026.xlsx"] {
            let lock = folder.path().join(name);
            std::fs::write(&lock, "").unwrap();
            assert_eq!(lock_beside(&file), Some(std::fs::canonicalize(&lock).unwrap()));
            std::fs::remove_file(&lock).unwrap();
        }
        std::fs::write(folder.path().join(".~lock.Other.xlsx#"), "").unwrap();
        assert_eq!(lock_beside(&file), None);
    }
}
