//! A file of the demonstration. What stands around its portion is known at every moment, so that it can be compared byte for byte.

use std::fs;
use std::path::{Path, PathBuf};

use crate::demo::Text;
use crate::error::CommandError;
use crate::text;

/// A file with a portion.
#[derive(Debug)]
pub(crate) struct Document {
    path: PathBuf,
    /// The file's name, for people.
    pub name: &'static str,
    before: String,
    after: String,
    /// The file as its owner last left it, or as it was last shown.
    shown: String,
}

impl Document {
    /// Writes the file.
    pub(crate) fn create(folder: &Path, name: &'static str, text: Text) -> Result<Document, CommandError> {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|e| CommandError::file("make", parent, e))?;
        }
        let whole = [text.before, text.portion, text.after].concat();
        let (before, after) = (text.before.to_owned(), text.after.to_owned());
        let document = Document { path, name, before, after, shown: whole.clone() };
        document.write(&whole)?;
        Ok(document)
    }

    /// The portion as it stands in the file, if all else is as its owner left it.
    pub(crate) fn portion(&self) -> Result<Option<String>, CommandError> {
        let whole = self.read()?;
        let inner = whole.strip_prefix(&self.before).and_then(|rest| rest.strip_suffix(&self.after));
        Ok(inner.map(str::to_owned))
    }

    /// An application changes something around the portion.
    pub(crate) fn edit_around(&mut self, from: &str, to: &str) -> Result<(), CommandError> {
        let portion = self.whole_portion()?;
        self.before = self.before.replace(from, to);
        self.after = self.after.replace(from, to);
        self.leave(format!("{}{portion}{}", self.before, self.after))
    }

    /// A person changes something in the portion.
    pub(crate) fn edit(&mut self, from: &str, to: &str) -> Result<(), CommandError> {
        let portion = self.whole_portion()?;
        if !portion.contains(from) {
            return Err(CommandError::failed(format!("the portion of {} does not contain {from:?}", self.name)));
        }
        self.leave(format!("{}{}{}", self.before, portion.replace(from, to), self.after))
    }

    /// What others have changed in the file since its owner left it or this was last asked, as a unified diff.
    pub(crate) fn changes(&mut self) -> Result<String, CommandError> {
        let now = self.read()?;
        let diff = text::unified_between(self.name, self.name, self.shown.as_bytes(), now.as_bytes());
        self.shown = now;
        Ok(diff.lines().skip(2).map(|line| format!("{line}\n")).collect())
    }

    fn leave(&mut self, whole: String) -> Result<(), CommandError> {
        self.write(&whole)?;
        self.shown = whole;
        Ok(())
    }

    fn whole_portion(&self) -> Result<String, CommandError> {
        self.portion()?.ok_or_else(|| {
            CommandError::failed(format!(
                "{} was changed outside of its portion:\n{}",
                self.name,
                self.read().unwrap_or_default()
            ))
        })
    }

    fn read(&self) -> Result<String, CommandError> {
        fs::read_to_string(&self.path).map_err(|e| CommandError::file("read", &self.path, e))
    }

    /// As programs write: a new file beside, renamed.
    fn write(&self, whole: &str) -> Result<(), CommandError> {
        let beside = self.path.with_extension("new-by-its-owner");
        fs::write(&beside, whole)
            .and_then(|()| fs::rename(&beside, &self.path))
            .map_err(|e| CommandError::file("write", &self.path, e))
    }
}
