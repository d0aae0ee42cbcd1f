//! What the engine appends to the journal, and what it does while the journal cannot be written.

use plan::{Fingerprint, MemberId, Report};

use super::Engine;
use crate::detect;
use crate::journal::Record;
use crate::step::Event;

impl Engine {
    /// Appends records, after those that could not be written before. Returns the position that what rests on them needs.
    pub(super) fn append(&mut self, records: impl IntoIterator<Item = Record>) -> u64 {
        for record in records {
            self.owe(record);
        }
        self.pay()
    }

    /// A member's newest state is all that is to be known of it: what is owed stays small however long the disk is full.
    fn owe(&mut self, record: Record) {
        if let Record::Entry(member, _) | Record::Finished(member, Some(_), _) | Record::Forget(member) = &record {
            self.owed.retain(|old| !matches!(old, Record::Entry(other, _) if other == member));
        }
        if let Record::Brake(_) = &record {
            self.owed.retain(|old| !matches!(old, Record::Brake(_)));
        }
        self.owed.push(record);
    }

    fn pay(&mut self) -> u64 {
        match self.tools.journal.append(self.owed.iter().cloned()) {
            Ok(position) => {
                self.owed.clear();
                if self.broken.take().is_some() {
                    tracing::info!("the journal can be written again");
                    // Each of these rests on a record that was owed.
                    for local in self.locals.values_mut().filter(|local| local.named == u64::MAX) {
                        local.named = position;
                    }
                }
                position
            }
            Err(error) => {
                if self.broken.is_none() {
                    tracing::error!(%error, "the journal cannot be written: nothing that rests on it is said");
                }
                self.broken = Some(detect::own_folder(&error));
                u64::MAX
            }
        }
    }

    /// A report of a member whose newest state is owed tells the last one that was written: what stands in its way has to be known, and
    /// nothing else may be named.
    pub(super) fn only_what_is_journaled(&self, report: &mut Report) {
        let entry =
            self.tools.journal.read(|contents| contents.members.get(&report.member).map(|kept| kept.entry.clone()));
        let entry = entry.unwrap_or_default();
        report.generation = entry.generation;
        (report.base, report.base_gen) = (entry.base, entry.base_gen);
        report.fingerprint = entry.fingerprint.unwrap_or(Fingerprint::ABSENT);
    }

    /// Tries to write what is owed; tells the members when it could not be, and when it could. To be called every second or so.
    pub(super) async fn mend_journal(&mut self) {
        if self.broken.is_some() {
            self.pay();
        }
        if self.broken.is_some() != self.told_broken {
            self.told_broken = self.broken.is_some();
            for member in self.locals.keys().copied().collect::<Vec<MemberId>>() {
                self.handle(Event::Touched(member)).await;
            }
        }
    }
}
