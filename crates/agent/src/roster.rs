//! Which members this agent had when it was last told: so that edits are seen from the start, also without a manager.

use std::io;
use std::path::Path;

use wire::v1::{Assignment, Members};

use crate::os;

/// The members that were saved. A file that is missing or damaged names none: the manager tells of them again.
pub(crate) fn load(path: &Path) -> Vec<Assignment> {
    let Ok(bytes) = std::fs::read(path) else { return Vec::new() };
    let Some((check, message)) = bytes.split_first_chunk::<4>() else { return Vec::new() };
    if crc32fast::hash(message) != u32::from_le_bytes(*check) {
        return Vec::new();
    }
    wire::members_from_bytes(message).map(|members| members.assigned).unwrap_or_default()
}

/// Saves the members.
pub(crate) fn save<'a>(path: &Path, members: impl Iterator<Item = &'a Assignment>) -> io::Result<()> {
    let members = Members { whole: true, assigned: members.cloned().collect(), removed: Vec::new() };
    let message = wire::members_to_bytes(&members);
    let mut bytes = crc32fast::hash(&message).to_le_bytes().to_vec();
    bytes.extend(message);
    os::write_private(path, &bytes)
}
