//! Replacing a file's bytes: all of them or none.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::error::CommandError;

/// Writes `after` beside `path`, syncs it, and renames it into place if the file still holds `before` (`None`: does not exist).
/// A symbolic link is followed, not replaced; mode and owner are kept.
pub(crate) fn replace(path: &Path, before: Option<&[u8]>, after: &[u8]) -> Result<(), CommandError> {
    let path = &if before.is_some() {
        fs::canonicalize(path).map_err(|e| CommandError::file("find", path, e))?
    } else {
        path.to_path_buf()
    };
    let temporary = beside(path)?;
    let done = write_then_rename(path, &temporary, before, after);
    if done.is_err() {
        // What failed is the error that counts; the file itself was not touched.
        let _ = fs::remove_file(&temporary);
    }
    done
}

fn beside(path: &Path) -> Result<PathBuf, CommandError> {
    let Some(name) = path.file_name() else {
        return Err(CommandError::usage(format!("{} names no file", path.display())));
    };
    let mut temporary = name.to_owned();
    temporary.push(format!(".inlay-{}", std::process::id()));
    Ok(path.with_file_name(temporary))
}

fn write_then_rename(path: &Path, temporary: &Path, before: Option<&[u8]>, after: &[u8]) -> Result<(), CommandError> {
    let cannot_write = |e| CommandError::file("write", temporary, e);
    let mut file = OpenOptions::new().write(true).create_new(true).open(temporary).map_err(cannot_write)?;
    if let Some(before) = before {
        let meta = fs::metadata(path).map_err(|e| CommandError::file("read", path, e))?;
        keep_owner(&file, &meta);
        file.set_permissions(meta.permissions()).map_err(cannot_write)?;
        file.write_all(after).and_then(|()| file.sync_all()).map_err(cannot_write)?;
        if fs::read(path).map_err(|e| CommandError::file("read", path, e))? != before {
            return Err(CommandError::failed(format!("{} was changed by somebody else meanwhile", path.display()))
                .hint("nothing was written; look at it and try again"));
        }
        fs::rename(temporary, path).map_err(|e| CommandError::file("replace", path, e))?;
    } else {
        file.write_all(after).and_then(|()| file.sync_all()).map_err(cannot_write)?;
        // A link fails where a file has appeared meanwhile; a rename would replace it.
        fs::hard_link(temporary, path).map_err(|e| match e.kind() {
            ErrorKind::AlreadyExists => {
                CommandError::failed(format!("{} has been made by somebody else meanwhile", path.display()))
            }
            _ => CommandError::file("write", path, e),
        })?;
        fs::remove_file(temporary).map_err(|e| CommandError::file("remove", temporary, e))?;
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|d| d.sync_all()).map_err(|e| CommandError::file("sync", folder, e))
}

/// Only root can give a file away: for others it is theirs already, or cannot be kept.
#[cfg(unix)]
fn keep_owner(file: &File, meta: &fs::Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    let _ = fchown(file, Some(meta.uid()), Some(meta.gid()));
}

#[cfg(not(unix))]
fn keep_owner(_file: &File, _meta: &fs::Metadata) {}
