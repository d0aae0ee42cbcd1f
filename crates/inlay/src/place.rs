//! An address on this machine, opened: the file's bytes, the scheme and the expression.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use portion::{Address, AddressError, Fragment, LensError, Scheme};

use crate::context::Context;
use crate::error::{CommandError, quoted};

/// A portion's place in a file of this machine.
pub(crate) struct Place {
    /// The path as the user wrote it, for messages.
    pub written: String,
    /// The path that it means.
    pub path: PathBuf,
    /// The file's bytes; none where there is no file.
    pub bytes: Option<Vec<u8>>,
    /// How its portions are addressed.
    pub scheme: Scheme,
    /// Which portion.
    pub expression: String,
}

impl Place {
    /// Reads the file of a whole address. A file that is missing is no error yet: see [`Place::file`].
    pub(crate) fn open(address: &Address, ctx: &Context) -> Result<Place, CommandError> {
        let path = here(address, ctx)?;
        let Some(selector) = &address.selector else {
            return Err(CommandError::usage(format!("`{address}` names a file, not a portion of it"))
                .hint(format!("`inlay list {}` shows what can stand after `#`", quoted(&address.path))));
        };
        let bytes = match read(&path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(CommandError::file("read", &path, error)),
        };
        let scheme = match selector.scheme {
            Some(scheme) => scheme,
            None => detect(address, bytes.as_deref().unwrap_or_default())?,
        };
        Ok(Place { written: address.path.clone(), path, bytes, scheme, expression: selector.expression.clone() })
    }

    /// The file's bytes, or the error that there is no file.
    pub(crate) fn file(&self) -> Result<&[u8], CommandError> {
        self.bytes.as_deref().ok_or_else(|| {
            CommandError::failed(format!("there is no file {}", self.path.display()))
                .hint("relative paths start at the working directory, `~` is your home")
        })
    }

    /// The portion as it stands.
    pub(crate) fn get(&self) -> Result<Fragment, CommandError> {
        portion::get(self.scheme, self.file()?, &self.expression).map_err(|e| self.lens(e))
    }

    /// The portion as it stands; `None` where it or its file is missing, or the file is empty.
    pub(crate) fn find(&self) -> Result<Option<Fragment>, CommandError> {
        let Some(bytes) = &self.bytes else { return Ok(None) };
        match portion::get(self.scheme, bytes, &self.expression) {
            Ok(fragment) => Ok(Some(fragment)),
            Err(LensError::Missing { .. }) => Ok(None),
            Err(LensError::Unparsable { .. }) if is_blank(bytes) => Ok(None),
            Err(error) => Err(self.lens(error)),
        }
    }

    /// An error of this place's lens.
    pub(crate) fn lens(&self, error: LensError) -> CommandError {
        CommandError::lens(&self.written, error)
    }
}

/// An empty file, which is no JSON, is one to insert into.
/// Reads a regular file. A pipe or a device is an error at once: reading it might never end.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let kind = fs::metadata(path)?;
    if !kind.is_file() && !kind.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is a pipe, a socket or a device, not a regular file",
        ));
    }
    fs::read(path)
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_whitespace)
}

/// The path of an address that must be on this machine.
pub(crate) fn here(address: &Address, ctx: &Context) -> Result<PathBuf, CommandError> {
    if let Some(agent) = &address.agent {
        return Err(CommandError::usage(format!("`{address}` is on another machine (agent `{agent}`)")).hint(
            "this command works on files of this machine; to keep portions of several machines in sync: `inlay link`",
        ));
    }
    ctx.path(&address.path)
}

/// The scheme of a file whose address names none.
pub(crate) fn detect(address: &Address, bytes: &[u8]) -> Result<Scheme, CommandError> {
    Scheme::detect(&address.path, bytes).ok_or_else(|| {
        let names: Vec<&str> = Scheme::ALL.iter().map(|s| s.name()).collect();
        CommandError::usage(format!("{}: neither the name nor the content tells the format", address.path))
            .hint(format!("write the scheme before the selector, as in `{}#mark:NAME`", quoted(&address.path)))
            .hint(format!("the schemes are {}", names.join(", ")))
    })
}

/// Parses an address argument; the parser prints the whole reason where it is none.
pub(crate) fn argument(text: &str) -> Result<Address, String> {
    text.parse().map_err(|error: AddressError| match &error {
        AddressError::NoPath(_) => error.to_string(),
        AddressError::Selector { source, .. } => source.to_string(),
    })
}
