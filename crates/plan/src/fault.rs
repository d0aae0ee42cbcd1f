//! Rules that can be switched off, one at a time: so the simulator shows that it would notice.
//!
//! Only the feature `faults`, which only the testkit asks for, makes planting possible; without it [`planted`] is a constant.

/// What is done wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Commit without (a): a text that is equal to the head's is taken for another one.
    CommitWithoutA,
    /// Commit without (b): a content that is equal to its parent makes a version.
    CommitWithoutB,
    /// Commit without the condition of (c): every edit becomes the head, whatever it was made from.
    CommitWithoutC,
    /// Commit without (d): an equal value in another format is a conflict.
    CommitWithoutD,
    /// (a) and (d) are not applied again when the head moves.
    HeadMovesAlone,
    /// A backed-up generation that was committed before is decided once more.
    LateNotIgnored,
    /// A base that the group does not know is taken for clean.
    UnknownBaseClean,
    /// A base that is known counts for nothing: what was restored is backed up.
    KnownBaseDirty,
    /// The head is restored into a member that stands on an open branch.
    RestoreOnBranch,
    /// The head is restored into a member that has reported an edit, in place of a backup.
    RestoreWhileDirty,
    /// A conflict is ended although the head is not the one that the person saw.
    HeadNotChecked,
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
