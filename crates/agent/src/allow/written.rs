//! The policy as it stands in its file.

use std::path::{Path, PathBuf};

use portion::Source;
use serde::Deserialize;

use super::{Allow, AllowError, Consent, Readable, is_whole};
use crate::hook::Hook;
use crate::step::Limit;

/// No policy counts more groups than this.
const MOST_GROUPS: u64 = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    allow: Vec<WrittenEntry>,
    #[serde(default)]
    after_restore: Vec<WrittenHook>,
    #[serde(default)]
    variable: Vec<WrittenVariable>,
    brake: Option<WrittenBrake>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenBrake {
    groups: Option<u64>,
    within: Option<String>,
}

impl WrittenBrake {
    fn limit(self) -> Result<Limit, &'static str> {
        let usual = Limit::default();
        let groups = self.groups.unwrap_or(usual.groups);
        if groups > MOST_GROUPS {
            return Err("has too many `groups`: 0 takes the brake away");
        }
        let within = match self.within {
            None => usual.within,
            Some(text) => millis(&text).ok_or("must have a time as `within`, such as \"60s\", \"5m\" or \"1h\"")?,
        };
        Ok(Limit { groups, within })
    }
}

/// A time of a second to a day, as people write it.
fn millis(text: &str) -> Option<u64> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        _ => return None,
    };
    let seconds = text[..text.len() - 1].trim_end().parse::<u64>().ok()?.checked_mul(unit)?;
    (1..=86_400).contains(&seconds).then_some(seconds * 1_000)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenHook {
    file: PathBuf,
    run: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenVariable {
    file: PathBuf,
    env: Option<String>,
    from: Option<String>,
}

impl WrittenVariable {
    fn readable(self) -> Result<Readable, &'static str> {
        let source = match (self.env, self.from) {
            (Some(name), None) => Source::Environment(name),
            (None, Some(path)) if is_whole(Path::new(&path)) => Source::File(path),
            (None, Some(_)) => return Err("must have a whole path as `from`, without `..`"),
            _ => return Err("must have either `env` or `from`"),
        };
        if !is_whole(&self.file) {
            return Err("must have a whole path as `file`, without `..`");
        }
        Ok(Readable { file: self.file, source })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEntry {
    folder: Option<PathBuf>,
    file: Option<PathBuf>,
    selector: Option<String>,
}

/// Reads the file's text; every entry has to mean something.
pub(super) fn parse(path: &Path, text: &str) -> Result<Allow, AllowError> {
    let written: Written = toml::from_str(text)
        .map_err(|source| AllowError::Syntax { path: path.to_owned(), source: Box::new(source) })?;
    let read = |(at, entry): (usize, WrittenEntry)| {
        let wrong = |why| AllowError::Entry { path: path.to_owned(), number: at + 1, why };
        let consent = match (entry.folder, entry.file, entry.selector) {
            (Some(folder), None, None) => Consent::Folder(folder),
            (None, Some(file), None) => Consent::File(file),
            (None, Some(file), Some(selector)) => {
                Consent::Portion(file, selector.parse().map_err(|_| wrong("has an empty selector"))?)
            }
            _ => return Err(wrong("must have `folder`, or `file`, or `file` and `selector`")),
        };
        let (Consent::Folder(named) | Consent::File(named) | Consent::Portion(named, _)) = &consent;
        if !is_whole(named) {
            return Err(wrong("must have a whole path, without `..`"));
        }
        Ok(consent)
    };
    let consents = written.allow.into_iter().enumerate().map(read).collect::<Result<_, _>>()?;
    let hook = |(at, hook): (usize, WrittenHook)| {
        let wrong = |why| AllowError::Hook { path: path.to_owned(), number: at + 1, why };
        match (is_whole(&hook.file), hook.run.first()) {
            (false, _) => Err(wrong("must have a whole path, without `..`")),
            (_, None) => Err(wrong("runs nothing: `run` is the program and its arguments")),
            _ => Ok(Hook { file: hook.file, run: hook.run }),
        }
    };
    let hooks = written.after_restore.into_iter().enumerate().map(hook).collect::<Result<_, _>>()?;
    let variable = |(at, variable): (usize, WrittenVariable)| {
        variable.readable().map_err(|why| AllowError::Variable { path: path.to_owned(), number: at + 1, why })
    };
    let variables = written.variable.into_iter().enumerate().map(variable).collect::<Result<_, _>>()?;
    let wrong = |why| AllowError::Brake { path: path.to_owned(), why };
    let limit = written.brake.map(WrittenBrake::limit).transpose().map_err(wrong)?.unwrap_or_default();
    Ok(Allow { consents, hooks, variables, limit })
}
