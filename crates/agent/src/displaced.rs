//! When displaced files are deleted: some seconds after the journal has them, for programs that still have them open.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::journal::{Contents, Deletion};

/// So long are they kept, in milliseconds.
pub(crate) const KEEP: u64 = 2_000;
/// So long until the next attempt.
const AGAIN: u64 = 20_000;

/// When what the journal wants deleted is due, by the temporary path. Only the journal says what is to be deleted: this can be lost.
#[derive(Debug, Clone, Default)]
pub struct Due(BTreeMap<PathBuf, u64>);

impl Due {
    /// Takes up what is new in the journal, and hands out what is due. `now`: milliseconds of a clock that never goes back.
    pub fn take(&mut self, contents: &Contents, now: u64) -> Vec<Deletion> {
        self.0.retain(|path, _| contents.deletions.contains_key(path));
        let mut due = Vec::new();
        for (path, deletion) in &contents.deletions {
            let at = self.0.entry(path.clone()).or_insert(now + KEEP);
            if *at <= now {
                // It is in the journal until that is done.
                *at = now + AGAIN;
                due.push(deletion.clone());
            }
        }
        due
    }
}
