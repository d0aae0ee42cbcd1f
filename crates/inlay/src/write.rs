//! Replacing a file's bytes: all of them or none. The agent's own durable exchange does it.

use std::fs;
use std::path::Path;

use agent::{Refusal, ReplaceError};

use crate::error::{CommandError, Exit, quoted};
use crate::os;
use crate::place;

/// Writes `after` in place of `path`'s bytes if it still holds `before` (`None`: if it does not exist).
pub(crate) fn replace(path: &Path, before: Option<&[u8]>, after: &[u8]) -> Result<(), CommandError> {
    agent::replace_file(path, before, after).map_err(told)
}

fn told(error: ReplaceError) -> CommandError {
    let hint = match &error {
        ReplaceError::Refused { path, source: Refusal::HardLinks(_) } => {
            let own = own_copy(path);
            let made = CommandError::of(Exit::Failed, error)
                .hint("nothing was changed: the other names would keep the old contents");
            return own.into_iter().fold(made, CommandError::hint);
        }
        ReplaceError::Open { path, .. } => match place::dangling(path) {
            Some(dangling) => return CommandError::of(Exit::Failed, error).hint(dangling),
            None => "is its folder there, and may you write in it?",
        },
        ReplaceError::Changed { .. } => "nothing was written; look at it and try again",
        ReplaceError::Refused { .. } | ReplaceError::Write { .. } => "nothing was changed",
        ReplaceError::KeptAside { .. } => "compare the two files, and delete the one beside it when nothing is missing",
    };
    CommandError::of(Exit::Failed, error).hint(hint)
}

/// How a file that has several names is made one of its own: its copy, under a name that is free, takes its place. A link to it is
/// followed: in the place of the link it would end that.
pub(crate) fn own_copy(path: &Path) -> Option<String> {
    let file = path.canonicalize().ok()?;
    // The other names are on the same file system.
    let top = quoted(os::mount_point(&file).to_str()?);
    let file = file.to_str()?;
    let mut names = (1..100).map(|number| format!("{file}.own-{number}"));
    let copy = quoted(&names.find(|name| fs::symlink_metadata(name).is_err())?);
    let file = quoted(file);
    Some(format!(
        "`find {top} -xdev -samefile {file}` shows the other names; to make it a file of its own: `cp -a {file} {copy} && mv {copy} {file}`"
    ))
}
