//! Replacing a file's bytes: all of them or none. The agent's own durable exchange does it.

use std::path::Path;

use agent::{Refusal, ReplaceError};

use crate::error::{CommandError, Exit, quoted};

/// Writes `after` in place of `path`'s bytes if it still holds `before` (`None`: if it does not exist).
pub(crate) fn replace(path: &Path, before: Option<&[u8]>, after: &[u8]) -> Result<(), CommandError> {
    agent::replace_file(path, before, after).map_err(told)
}

fn told(error: ReplaceError) -> CommandError {
    let hint = match &error {
        ReplaceError::Refused { path, source: Refusal::HardLinks(_) } => {
            let path = quoted(&path.display().to_string());
            let own = format!("to make it a file of its own: `cp -p {path} {path}.new && mv {path}.new {path}`");
            return CommandError::of(Exit::Failed, error)
                .hint("nothing was changed: the other names would keep the old contents")
                .hint(format!("`find / -xdev -samefile {path}` shows the other names; {own}"));
        }
        ReplaceError::Open { .. } => "is its folder there, and may you write in it?",
        ReplaceError::Changed { .. } => "nothing was written; look at it and try again",
        ReplaceError::Refused { .. } | ReplaceError::Write { .. } => "nothing was changed",
        ReplaceError::KeptAside { .. } => "compare the two files, and delete the one beside it when nothing is missing",
    };
    CommandError::of(Exit::Failed, error).hint(hint)
}
