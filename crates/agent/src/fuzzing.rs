//! What the fuzz targets reach beside [`crate::simulated`]: readers of bytes from outside that are nobody else's business.

use std::path::Path;

use plan::{Condition, MemberId};
use wire::v1::{self, to_agent};

use crate::allow::{Allow, AllowError};
use crate::engine;
use crate::journal::{Contents, Journal, JournalError, Record};
use crate::keys::Keys;
use crate::roster;
use crate::step::{Assignment, Event};

/// What a message of the manager means for the rules, if it is for them.
///
/// # Errors
/// Lengths that cannot be.
pub fn event(keys: &Keys, message: &to_agent::Message) -> Result<Option<Event>, wire::WireError> {
    engine::event(keys, message)
}

/// A member, as the manager tells of it, and what is wrong with its selector or its mapping.
///
/// # Errors
/// Lengths that cannot be.
pub fn assignment(message: &v1::Assignment) -> Result<(MemberId, Assignment, Option<Condition>), wire::WireError> {
    let (member, assignment) = engine::assignment(message)?;
    let wrong = engine::target(&assignment).err();
    Ok((member, assignment, wrong))
}

/// A machine's own policy.
///
/// # Errors
/// The text is none.
pub fn policy(text: &str) -> Result<Allow, AllowError> {
    Allow::parse(Path::new("allow.toml"), text)
}

/// Opens the journal at `path`, appends to it, and opens it again: what it says before and afterwards.
///
/// # Errors
/// Those of opening it.
pub fn journal(path: &Path, more: Vec<Record>) -> Result<(Contents, Contents), JournalError> {
    let journal = Journal::open(path)?;
    let before = journal.read(Contents::clone);
    let failed = |source| JournalError::File { doing: "write", path: path.to_owned(), source };
    let position = journal.append(more).map_err(failed)?;
    journal.sync(position).map_err(failed)?;
    drop(journal);
    Ok((before, Journal::open(path)?.read(Contents::clone)))
}

/// The members that an agent kept in a file.
pub fn roster(path: &Path) -> Vec<v1::Assignment> {
    roster::load(path)
}
