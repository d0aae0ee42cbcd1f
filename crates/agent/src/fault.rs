//! Rules that can be switched off, one at a time: so the simulator shows that it would notice.
//!
//! Only the feature `faults`, which only the testkit asks for, makes planting possible; without it [`planted`] is a constant.

/// What is done wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A restore does not compare the expected generation with its own.
    GenerationNotCompared,
    /// A restore does not compare the portion with what the journal says.
    FingerprintNotCompared,
    /// A restore compares the portion, but not the whole file.
    FileNotCompared,
    /// A file is renamed over the other, though the file system can exchange.
    PlainRename,
    /// What an exchange displaced is not compared.
    DisplacedNotCompared,
    /// The intent is journaled before the temporary file is known.
    IntentTooEarly,
    /// No intent is journaled.
    NoIntent,
    /// Recovery decides by contents, not by file ids.
    RecoveryByContent,
    /// The version's fingerprint is journaled in place of the file's.
    VersionFingerprint,
    /// What a message says is said before the journal is durable.
    JournalNotSynced,
    /// The folder is not synced after an exchange.
    FolderNotSynced,
    /// What is found under a temporary name of ours at the start is deleted without comparing it.
    SweptUncompared,
    /// A displaced file is deleted without comparing it.
    DeletedUncompared,
    /// What stands at the temporary name is deleted on abort, whatever it is.
    AbortDeletesAll,
    /// A version that the member has left is restored again.
    LeftAccepted,
    /// A version of another group is restored.
    OtherGroupAccepted,
    /// A record that no key holder signed is restored.
    ForgedAccepted,
    /// Versions are named by their contents, so that an id comes again.
    VersionIdsReused,
    /// An edit seen does not raise the generation.
    GenerationNotRaised,
    /// A restore done does not raise the generation.
    RestoreNotRaised,
    /// A portion that is missing is an edit, whether or not its member's policy says so.
    AbsenceIsEdit,
    /// However many groups change, nothing is held back.
    NoBrake,
    /// What the brake has counted is not journaled: a restart gives a new budget.
    BrakeForgotten,
}

#[cfg(feature = "faults")]
mod planting {
    use super::Fault;
    use std::cell::Cell;

    thread_local! {
        static PLANTED: Cell<Option<Fault>> = const { Cell::new(None) };
    }

    /// Plants a fault on this thread, in place of the one before; `None` plants none.
    pub fn plant(fault: Option<Fault>) {
        PLANTED.set(fault);
    }

    pub(crate) fn planted(fault: Fault) -> bool {
        PLANTED.get() == Some(fault)
    }
}

#[cfg(feature = "faults")]
pub use planting::plant;
#[cfg(feature = "faults")]
pub(crate) use planting::planted;

/// Whether that fault is planted: never.
#[cfg(not(feature = "faults"))]
pub(crate) const fn planted(_: Fault) -> bool {
    false
}
