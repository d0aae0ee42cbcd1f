//! The repository of secondary copies: a map.

use std::collections::BTreeMap;

use agent::simulated::Restorable;
use agent::step::{Instruction, Restored};
use plan::Record;

/// What the texts of a restore are read from.
pub(crate) type Copies = BTreeMap<Vec<u8>, bytes::Bytes>;

/// The texts that a restore needs, if the copies are there.
pub(crate) fn fetch(copies: &Copies, instruction: &Instruction) -> Result<Restorable, Restored> {
    let read = |record: &Record| {
        copies.get(&record.copy).cloned().ok_or_else(|| Restored::Refused("there is no such copy".to_owned()))
    };
    let text = read(&instruction.record)?;
    let text_base = match &instruction.text_base {
        Some(base) => Some((base.clone(), read(base)?)),
        None => None,
    };
    Ok(Restorable { record: instruction.record.clone(), text, text_base })
}
