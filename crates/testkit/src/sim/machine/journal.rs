//! The journal's real bytes, in memory: what was appended outlasts the process, what was synced the power.

use agent::simulated::{Contents, JournalRecord};

use crate::Random;

/// See the module.
#[derive(Debug)]
pub(crate) struct FakeJournal {
    bytes: Vec<u8>,
    durable: usize,
    /// How long it was when the process opened it: positions count from there.
    opened: usize,
    /// What the process knows to be durable.
    synced: u64,
    pub(crate) contents: Contents,
    random: Random,
}

impl FakeJournal {
    pub(crate) fn new() -> FakeJournal {
        let bytes = Contents::begin();
        let (durable, opened) = (bytes.len(), bytes.len());
        FakeJournal { bytes, durable, opened, synced: 0, contents: Contents::default(), random: Random::new(0) }
    }

    /// Chance comes from here.
    pub(crate) fn seed(&mut self, seed: u64) {
        self.random = Random::new(seed);
    }

    /// A process opens it. The error is where it is damaged.
    pub(crate) fn open(&mut self) -> Result<(), Option<usize>> {
        let (contents, length) = Contents::read(&self.bytes)?;
        if length < self.bytes.len() {
            self.bytes.truncate(length);
        }
        self.contents = contents;
        (self.opened, self.durable) = (length, length);
        self.synced = 0;
        Ok(())
    }

    pub(crate) fn append(&mut self, records: impl IntoIterator<Item = JournalRecord>) -> u64 {
        for record in records {
            record.write(&mut self.bytes);
            self.contents.apply(record);
        }
        self.position()
    }

    pub(crate) fn position(&self) -> u64 {
        (self.bytes.len() - self.opened) as u64
    }

    pub(crate) fn sync(&mut self) {
        self.durable = self.bytes.len();
        self.synced = (self.durable - self.opened) as u64;
    }

    pub(crate) fn synced(&self) -> u64 {
        self.synced
    }

    /// Some of what was not synced is lost; what is left may end within a record, or in bytes that were never written.
    pub(crate) fn power_cut(&mut self) {
        let kept = self.durable + self.random.below(self.bytes.len() - self.durable + 1);
        let cut = self.bytes.len() - kept;
        self.bytes.truncate(kept);
        if cut > 0 && self.random.chance(30) {
            self.bytes.extend(std::iter::repeat_n(0, self.random.below(cut) + 1));
        }
        if let Ok((contents, _)) = Contents::read(&self.bytes) {
            self.contents = contents;
        }
    }
}
