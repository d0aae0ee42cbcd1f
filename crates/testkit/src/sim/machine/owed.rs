//! What is appended to the journal, and what is done while it cannot be written: as the agent's engine does it.

use agent::simulated::JournalRecord;
use agent::step::Event;
use plan::{Fingerprint, MemberId, Report};

use super::Machine;

impl Machine {
    /// Appends records, after those that could not be written before. Returns the position that what rests on them needs.
    pub(super) fn append<const N: usize>(&mut self, records: [JournalRecord; N]) -> u64 {
        for record in records {
            if let JournalRecord::Entry(member, _)
            | JournalRecord::Finished(member, Some(_), _)
            | JournalRecord::Forget(member) = &record
            {
                self.owed.retain(|old| !matches!(old, JournalRecord::Entry(other, _) if other == member));
            }
            if let JournalRecord::Brake(_) = &record {
                self.owed.retain(|old| !matches!(old, JournalRecord::Brake(_)));
            }
            self.owed.push(record);
        }
        self.pay()
    }

    fn pay(&mut self) -> u64 {
        if self.disk().full {
            self.broken = true;
            return u64::MAX;
        }
        let position = self.journal.borrow_mut().append(std::mem::take(&mut self.owed));
        if std::mem::take(&mut self.broken) {
            self.named.values_mut().filter(|named| **named == u64::MAX).for_each(|named| *named = position);
        }
        position
    }

    /// A report of a member whose newest state is owed tells the last one that was written.
    pub(super) fn only_what_is_journaled(&self, report: &mut Report) {
        let entry = self.journal.borrow().contents.members.get(&report.member).map(|kept| kept.entry.clone());
        let entry = entry.unwrap_or_default();
        report.generation = entry.generation;
        (report.base, report.base_gen) = (entry.base, entry.base_gen);
        report.fingerprint = entry.fingerprint.unwrap_or(Fingerprint::ABSENT);
    }

    /// Tries to write what is owed; tells the members when it could not be, and when it could.
    pub(super) fn mend_journal(&mut self) {
        if self.broken {
            self.pay();
        }
        if self.broken != self.told_broken {
            self.told_broken = self.broken;
            for member in self.named.keys().copied().collect::<Vec<MemberId>>() {
                self.handle(Event::Touched(member));
            }
        }
    }
}
