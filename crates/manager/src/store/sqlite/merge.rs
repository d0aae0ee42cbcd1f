//! What came of a merge.

use plan::{CommitError, Kind};
use wire::MergeAnswer;

use super::super::{Event, Source, StoreError, Taken};
use super::change::Found;
use super::entry::JobKind;
use super::writer::Tx;

/// How many characters of a cause are kept.
const CAUSE: usize = 1_000;

impl Tx<'_> {
    /// An agent's answer to a merge. It counts only as the answer of the agent that has the job, to that job as it still stands: the
    /// same head, the same branch.
    pub(super) fn merged(&mut self, source: Source, answer: &MergeAnswer) -> Result<Taken, StoreError> {
        let mut entry = match self.entry_for(source, answer.member)? {
            Found::Entry(entry) => entry,
            Found::Taken(taken) => return Ok(taken),
        };
        let asked = JobKind::Merge { head: answer.head, branch: answer.branch };
        let current = entry.jobs.get(&answer.member).is_some_and(|job| job.id == answer.job && job.kind == asked);
        if !current {
            self.cache.put(entry);
            return Ok(Taken::Refused("that merge is not wanted any more".to_owned()));
        }
        let before = entry.before();
        let taken = match &answer.result {
            Ok(record) => {
                entry.load_version(self.connection, record.version)?;
                let refused = if record.member != answer.member {
                    Some("the record belongs to another member".to_owned())
                } else if self.used_elsewhere(entry.group.id, record.version)? {
                    Some(CommitError::UsedVersion(record.version).to_string())
                } else {
                    let (head, now) = (Some(answer.head), self.now_ms());
                    let decided = entry.group.resolve(Kind::Merge, head, &[answer.branch], record, now);
                    decided.err().map(|error| why(&error))
                };
                refused.map_or(Taken::Stored { committed: true }, Taken::Refused)
            }
            Err(cause) => {
                let cause: String = cause.chars().take(CAUSE).collect();
                let current = entry.group.cannot_merge(answer.branch, answer.head, cause);
                if current { Taken::Stored { committed: false } } else { Taken::Refused("late".to_owned()) }
            }
        };
        if let Taken::Refused(why) = &taken {
            tracing::warn!(member = %answer.member, why, "what an agent merged is refused");
        }
        for member in entry.save(self.connection, &before, &[], self.now)? {
            self.replan(&mut entry, member, true, true)?;
        }
        self.events.push(Event::Changed);
        self.cache.put(entry);
        Ok(taken)
    }
}

fn why(error: &plan::ResolveError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
