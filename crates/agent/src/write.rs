//! Replacing a file at once, without a journal: for commands that run by themselves.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use crate::os::{self, OsFolder};
use crate::splice::{self, Deleted, Displaced, NoLog, Refusal, SpliceError, Spliced};

/// Why a file was not replaced. It is as it was, or as somebody else left it.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// The path leads nowhere, or its folder cannot be opened.
    #[error("cannot open {}", .path.display())]
    Open {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody wrote the file meanwhile, or made it.
    #[error("{} was changed by somebody else meanwhile", .path.display())]
    Changed {
        /// The path.
        path: PathBuf,
    },
    /// It is such that it cannot be replaced.
    #[error("cannot replace {}", .path.display())]
    Refused {
        /// The path, to which no link leads any more.
        path: PathBuf,
        /// Why.
        #[source]
        source: Refusal,
    },
    /// Somebody wrote while it was being replaced; their bytes are in another file beside it.
    #[error("{} was written by somebody else at the same moment; what was displaced is in {}", .path.display(), .aside.display())]
    KeptAside {
        /// The path.
        path: PathBuf,
        /// Where the other bytes are.
        aside: PathBuf,
    },
    /// Writing failed.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: SpliceError,
    },
}

/// Replaces the bytes of a file, all or none, durably, if it still holds `before` (`None`: if it does not exist). Symbolic links
/// are followed, not replaced; mode, owner, access control list and extended attributes are kept.
///
/// # Errors
/// [`ReplaceError`]; nothing is lost.
pub fn replace_file(path: &Path, before: Option<&[u8]>, after: &[u8]) -> Result<(), ReplaceError> {
    let opening = |source| ReplaceError::Open { path: path.to_owned(), source };
    let whole = std::path::absolute(path).and_then(|path| os::resolve(&path)).map_err(opening)?;
    let (Some(parent), Some(name)) = (whole.parent(), whole.file_name()) else {
        return Err(opening(io::ErrorKind::InvalidInput.into()));
    };
    let folder = OsFolder::open(parent, Path::new(""), "put").map_err(opening)?;
    let beside = |name: &OsStr| parent.join(name);
    let kept = |aside: &OsStr| ReplaceError::KeptAside { path: path.to_owned(), aside: beside(aside) };
    let delete = |displaced: &Displaced, doing| match splice::delete(&folder, name, &displaced.name, &[displaced.old]) {
        Ok(Deleted::Gone) => Ok(()),
        Ok(Deleted::KeptAside(aside)) => Err(kept(&aside)),
        Err(source) => {
            let source = SpliceError { doing, name: name.to_owned(), unfinished: false, source };
            Err(ReplaceError::Write { path: path.to_owned(), source })
        }
    };
    match splice::splice(&folder, name, before, &[after], &mut NoLog) {
        Ok(Spliced::Done { displaced: None }) => Ok(()),
        Ok(Spliced::Done { displaced: Some(displaced) }) => delete(&displaced, "delete the old contents of"),
        Ok(Spliced::Changed { left }) => {
            left.map_or(Ok(()), |left| delete(&left, "delete what was not used of"))?;
            Err(ReplaceError::Changed { path: path.to_owned() })
        }
        Ok(Spliced::KeptAside(aside)) => Err(kept(&aside)),
        Ok(Spliced::Refused(source)) => Err(ReplaceError::Refused { path: whole.clone(), source }),
        Err(source) => Err(ReplaceError::Write { path: path.to_owned(), source }),
    }
}
