//! An address on this machine, opened: the file's bytes, the scheme and the expression.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use agent::Identity;
use agent::record::{self, RecordError};
use portion::{Address, AddressError, Fragment, LensError, Scheme};

use crate::context::{Context, Verbosity};
use crate::error::{CommandError, Exit, quoted, quoted_address, quoted_path};
use crate::home::Home;

/// A portion's place in a file of this machine.
pub(crate) struct Place {
    /// The path as the user wrote it, for messages.
    pub written: String,
    /// The path that it means.
    pub path: PathBuf,
    /// The file's bytes; none where there is no file, and of a database, which is read by nothing but its engine.
    pub bytes: Option<Vec<u8>>,
    /// How its portions are addressed.
    pub scheme: Scheme,
    /// Which portion.
    pub expression: String,
    /// Where there is no file: what may have been meant.
    hint: Option<String>,
}

impl Place {
    /// Reads the file of a whole address. A file that is missing is no error yet (see [`Place::file`]) where the address tells the format.
    pub(crate) fn open(address: &Address, ctx: &Context) -> Result<Place, CommandError> {
        Place::opened(address, false, ctx)
    }

    /// The portion as it stands at a whole address, to be read and nothing else: a large file is not held for it.
    pub(crate) fn portion(address: &Address, ctx: &Context) -> Result<(Place, Fragment), CommandError> {
        if let Some((place, fragment)) = Place::streamed(address, ctx)? {
            return Ok((place, fragment));
        }
        let place = Place::open(address, ctx)?;
        let fragment = place.get()?;
        Ok((place, fragment))
    }

    /// The portion of a large file, if its format's lens finds it in passing.
    fn streamed(address: &Address, ctx: &Context) -> Result<Option<(Place, Fragment)>, CommandError> {
        let path = here(address, ctx)?;
        let Some(selector) = &address.selector else { return Ok(None) };
        let is_large = fs::metadata(&path).is_ok_and(|file| file.is_file() && file.len() >= portion::LARGE);
        let scheme = selector.scheme.or_else(|| Scheme::detect(&address.path, b""));
        let Some(scheme) = scheme.filter(|_| is_large && !is_database(address, &path)) else { return Ok(None) };
        let opened = fs::File::open(&path);
        let found = opened.and_then(|mut file| portion::get_from(scheme, &mut file, &selector.expression));
        let found = found.map_err(|error| CommandError::file("read", &path, error))?;
        let (written, expression) = (address.path.clone(), selector.expression.clone());
        let place = || Place { written, path, bytes: None, scheme, expression, hint: None };
        Ok(found.map(|fragment| (place(), fragment)))
    }

    /// The same for a file that may be made: its address must tell the format.
    pub(crate) fn to_make(address: &Address, ctx: &Context) -> Result<Place, CommandError> {
        Place::opened(address, true, ctx)
    }

    /// Rows of a database that is there.
    pub(crate) fn database(address: &Address, path: PathBuf, expression: &str) -> Place {
        let (written, expression) = (address.path.clone(), expression.to_owned());
        Place { written, path, bytes: None, scheme: Scheme::Sqlite, expression, hint: None }
    }

    fn opened(address: &Address, is_made: bool, ctx: &Context) -> Result<Place, CommandError> {
        let path = here(address, ctx)?;
        let Some(selector) = &address.selector else {
            return Err(CommandError::usage(format!("`{address}` names a file, not a portion of it"))
                .hint(format!("`inlay list {}` shows what can stand after `#`", quoted_path(&address.path))));
        };
        let is_database = is_database(address, &path);
        let bytes = match read(&path) {
            _ if is_database => None,
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(CommandError::file("read", &path, error)),
        };
        let hint = if bytes.is_none() && !is_database { meant(address, ctx) } else { None };
        let unknown = || Scheme::detect(&address.path, b"").is_none();
        let scheme = match selector.scheme {
            Some(scheme) => scheme,
            None if is_database => Scheme::Sqlite,
            None if bytes.is_none() && (hint.is_some() || !is_made) && unknown() => return Err(no_file(&path, hint)),
            None => detect(address, bytes.as_deref().unwrap_or_default())?,
        };
        let expression = selector.expression.clone();
        let bytes = bytes.filter(|_| scheme != Scheme::Sqlite);
        Ok(Place { written: address.path.clone(), path, bytes, scheme, expression, hint })
    }

    /// The file's bytes, or the error that there is no file.
    pub(crate) fn file(&self) -> Result<&[u8], CommandError> {
        self.bytes.as_deref().ok_or_else(|| no_file(&self.path, self.hint.clone()))
    }

    /// Whether it is rows of a database.
    pub(crate) fn is_database(&self) -> bool {
        self.scheme == Scheme::Sqlite
    }

    /// The portion as it stands.
    pub(crate) fn get(&self) -> Result<Fragment, CommandError> {
        if self.is_database() {
            return record::get(&self.path, &self.expression).map_err(|error| self.unread(error));
        }
        portion::get(self.scheme, self.file()?, &self.expression).map_err(|e| self.unreadable(e))
    }

    /// The portion as it stands; `None` where it or its file is missing, or the file is empty.
    pub(crate) fn find(&self) -> Result<Option<Fragment>, CommandError> {
        if self.is_database() {
            return match record::get(&self.path, &self.expression) {
                Ok(fragment) => Ok(Some(fragment)),
                Err(RecordError::Lens(LensError::Missing { .. })) => Ok(None),
                Err(RecordError::Open(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(self.unread(error)),
            };
        }
        let Some(bytes) = &self.bytes else { return Ok(None) };
        match portion::get(self.scheme, bytes, &self.expression) {
            Ok(fragment) => Ok(Some(fragment)),
            Err(LensError::Missing { .. }) => Ok(None),
            Err(LensError::Unparsable { .. }) if portion::is_blank(bytes) => Ok(None),
            Err(error) => Err(self.unreadable(error)),
        }
    }

    /// Why the portion cannot be removed; empty if it can, or is not there.
    pub(crate) fn stays(&self) -> String {
        if self.is_database() {
            return record::STAYS.to_owned();
        }
        let why = self.bytes.as_ref().and_then(|bytes| portion::may_go(self.scheme, bytes, &self.expression).err());
        why.map(|error| error.to_string()).unwrap_or_default()
    }

    /// An error of this place's database when it was read.
    pub(crate) fn unread(&self, error: RecordError) -> CommandError {
        match error {
            RecordError::Lens(error) => self.unreadable(error),
            RecordError::Engine(_) => CommandError::new(Exit::Portion, format!("{}: {error}", self.written)),
            other => self.record(other),
        }
    }

    /// An error of this place's database when it was to be written.
    pub(crate) fn record(&self, error: RecordError) -> CommandError {
        match error {
            RecordError::Lens(error) => self.lens(error),
            RecordError::Open(error) if error.kind() == io::ErrorKind::NotFound => {
                no_file(&self.path, self.hint.clone())
            }
            RecordError::Open(error) => CommandError::file("open", &self.path, error),
            RecordError::Busy => CommandError::failed(format!("{}: another program holds its lock", self.written))
                .hint("try again when it is done"),
            other => CommandError::failed(format!("{}: {other}", self.written)),
        }
    }

    /// An error of this place's lens, or of its mapping, when it was only read.
    pub(crate) fn unreadable(&self, error: LensError) -> CommandError {
        CommandError::unreadable_of(self.scheme, self.is_told(), &self.written, error)
    }

    /// An error of this place's lens.
    pub(crate) fn lens(&self, error: LensError) -> CommandError {
        CommandError::lens_of(self.scheme, self.is_told(), &self.written, error)
    }

    /// Whether nothing need be written before a selector: the file's name or content tells the scheme.
    fn is_told(&self) -> bool {
        Scheme::detect(&self.written, self.bytes.as_deref().unwrap_or_default()) == Some(self.scheme)
    }
}

/// Whether an address means a database that is there, as far as it and the file's first bytes tell: more of it is not read.
pub(crate) fn is_database(address: &Address, path: &Path) -> bool {
    let begins = || {
        let mut start = [0; 16];
        let read = path.is_file() && fs::File::open(path).is_ok_and(|mut file| file.read_exact(&mut start).is_ok());
        if read { Scheme::detect("", &start) } else { None }
    };
    let scheme = address.selector.as_ref().and_then(|selector| selector.scheme);
    let by_name = || Scheme::detect(&address.path, b"");
    path.is_file() && scheme.or_else(by_name).or_else(begins) == Some(Scheme::Sqlite)
}

/// The bytes of an address's file.
pub(crate) fn bytes(address: &Address, path: &Path, ctx: &Context) -> Result<Vec<u8>, CommandError> {
    read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => no_file(path, meant(address, ctx)),
        _ => CommandError::file("read", path, error),
    })
}

fn no_file(path: &Path, hint: Option<String>) -> CommandError {
    let usual = || "relative paths start at the working directory, `~` is your home".to_owned();
    let hint = hint.or_else(|| dangling(path)).unwrap_or_else(usual);
    CommandError::new(Exit::Portion, format!("there is no file {}", path.display())).hint(hint)
}

/// What to do about a symbolic link that leads to nothing.
pub(crate) fn dangling(path: &Path) -> Option<String> {
    let target = fs::read_link(path).ok().filter(|_| !path.exists())?;
    let target = path.parent()?.join(target);
    let (path, target) = (quoted(&path.display().to_string()), quoted(&target.display().to_string()));
    Some(format!(
        "it is a symbolic link to {target}, which is not there: make that, or put the link right (`ls -l {path}`)"
    ))
}

/// What may have been meant by an address whose file is missing: a file that has a `#` in its name.
fn meant(address: &Address, ctx: &Context) -> Option<String> {
    let text = format!("{}#{}", address.path, address.selector.as_ref()?);
    longer(&text, address.path.len() + 1, ctx)
}

/// The hint for a text whose path goes on behind a `#` that stands before `from`, if there is such a file.
fn longer(text: &str, from: usize, ctx: &Context) -> Option<String> {
    let signs = text[from..].match_indices('#').map(|(at, _)| from + at);
    let ends: Vec<usize> = signs.chain([text.len()]).collect();
    let end = ends.into_iter().rev().find(|end| ctx.path(&text[..*end]).is_ok_and(|path| path.is_file()))?;
    let selector = text.get(end + 1..).and_then(|selector| selector.parse().ok());
    let rest = if selector.is_some() { "" } else { "#…" };
    let address = Address { agent: None, path: text[..end].to_owned(), selector };
    Some(format!("a `#` in a path is written `\\#`: {}", quoted(&format!("{address}{rest}"))))
}

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

/// The name of this machine's agent, if it is one.
pub(crate) fn own_agent(ctx: &Context) -> Option<String> {
    Identity::load(&Home::new(ctx).agent()).ok().map(|identity| identity.name)
}

/// The path of an address that must be on this machine.
pub(crate) fn here(address: &Address, ctx: &Context) -> Result<PathBuf, CommandError> {
    if let Some(agent) = address.agent.as_ref().filter(|agent| own_agent(ctx).as_ref() != Some(*agent)) {
        let made = CommandError::usage(format!("`{address}` is on another machine (agent `{agent}`)"));
        let own = format!("./{agent}:{}", address.path);
        if ctx.path(&own).is_ok_and(|path| path.exists()) {
            let selector = address.selector.as_ref().map(|selector| format!("#{selector}")).unwrap_or_default();
            let written = quoted(&format!("{own}{selector}"));
            return Err(made.hint(format!("to name the file here that has a colon in its name, write {written}")));
        }
        return Err(made.hint(
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
            .hint(format!(
                "write the scheme before the selector, as in `{}`",
                quoted_address(&address.path, "mark:NAME")
            ))
            .hint(format!("the schemes are {}", names.join(", ")))
    })
}

/// Parses an address argument; the parser prints the whole reason where it is none.
pub(crate) fn argument(text: &str) -> Result<Address, String> {
    text.parse().map_err(|error: AddressError| match &error {
        AddressError::NoPath(_) => error.to_string(),
        AddressError::Selector { source, .. } => {
            let from = text.find('#').map_or(text.len(), |at| at + 1);
            let here = Context::new(None, false, false, Verbosity::Quiet).ok();
            let own = || {
                let (path, selector) = (text.get(..from - 1)?, text.get(from..)?);
                let whole = format!("{path}#{}:{selector}", Scheme::detect(path, b"")?);
                whole.parse::<Address>().ok()?;
                Some(format!("if that colon is the selector's own, the scheme stands before it: {}", quoted(&whole)))
            };
            match here.and_then(|ctx| longer(text, from, &ctx)).or_else(own) {
                Some(hint) => format!("{source}\n  {hint}"),
                None => source.to_string(),
            }
        }
    })
}
