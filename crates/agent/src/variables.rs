//! The values of a member's variables: read anew at each operation, from nothing but what this machine's own policy names for the file, and
//! told to nobody.

use std::borrow::Cow;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use plan::Condition;
use portion::Source;

use crate::allow::AllowFile;
use crate::detect::Target;
use crate::place;

/// The longest value, in bytes.
const LONGEST: u64 = 64 << 10;

/// Tells a variable of the environment that the agent runs in.
pub type Environment = fn(&str) -> Option<String>;

/// Where values may come from.
#[derive(Debug, Clone)]
pub(crate) struct Variables {
    /// What `HOME` says.
    pub(crate) user_home: Option<PathBuf>,
    pub(crate) environment: Environment,
}

impl Variables {
    /// The target with the values of its variables.
    ///
    /// # Errors
    /// A suspension that names the variable which has no value, or may not be read.
    pub(crate) fn bound<'t>(&self, allow: &AllowFile, target: &'t Target) -> Result<Cow<'t, Target>, Condition> {
        if !target.mapping.has_variables() {
            return Ok(Cow::Borrowed(target));
        }
        let allow = allow.current().map_err(|why| Condition::Suspended(format!("this machine's policy: {why}")))?;
        let file = place::resolve(&target.path)?;
        let mapping = target.mapping.bind(|source| {
            if source.is_secret() && !allow.may_read(&file, source) {
                return Err(format!("this machine does not allow it; {}", entry(&file, source)));
            }
            match source {
                Source::Environment(name) if name == "HOME" => {
                    let home = self.user_home.as_ref().and_then(|home| home.to_str());
                    home.map(str::to_owned).ok_or_else(|| "this agent has no home directory".to_owned())
                }
                Source::Environment(name) => (self.environment)(name)
                    .ok_or_else(|| format!("`{name}` is not set where the agent runs, or is no text")),
                Source::File(path) => read(Path::new(path)),
                Source::Value(_) => Err("it stands in the mapping".to_owned()),
            }
        });
        let mapping = mapping.map_err(|error| Condition::Suspended(error.to_string()))?;
        Ok(Cow::Owned(Target { mapping, ..target.clone() }))
    }
}

/// What has to stand in the policy.
fn entry(file: &Path, source: &Source) -> String {
    let said = match source {
        Source::File(path) => format!("from = {path:?}"),
        Source::Environment(name) => format!("env = {name:?}"),
        Source::Value(_) => String::new(),
    };
    format!("its `allow.toml` needs [[variable]] with file = {file:?} and {said}")
}

/// A file's text, without line ends at its end.
fn read(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let file = std::fs::File::open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(format!("{} is no file", path.display()));
    }
    let mut text = String::new();
    file.take(LONGEST + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > LONGEST {
        return Err(format!("{} is longer than 64 KiB", path.display()));
    }
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    Ok(text)
}
