//! The rules of the protocol, switched off one at a time: each has to be noticed.

use std::fmt;

use super::{Outcome, run};

/// A fault in the real code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// In the manager's decisions.
    Plan(plan::fault::Fault),
    /// In the agent.
    Agent(agent::fault::Fault),
}

impl fmt::Display for Planted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Planted::Plan(fault) => write!(f, "plan {fault:?}"),
            Planted::Agent(fault) => write!(f, "agent {fault:?}"),
        }
    }
}

impl Planted {
    /// Every fault that has to be noticed.
    pub const ALL: &'static [Planted] = {
        use agent::fault::Fault as A;
        use plan::fault::Fault as P;
        &[
            Planted::Plan(P::CommitWithoutA),
            Planted::Plan(P::CommitWithoutB),
            Planted::Plan(P::CommitWithoutC),
            Planted::Plan(P::CommitWithoutD),
            Planted::Plan(P::HeadMovesAlone),
            Planted::Plan(P::LateNotIgnored),
            Planted::Plan(P::UnknownBaseClean),
            Planted::Plan(P::KnownBaseDirty),
            Planted::Plan(P::RestoreOnBranch),
            Planted::Plan(P::RestoreWhileDirty),
            Planted::Plan(P::HeadNotChecked),
            Planted::Agent(A::GenerationNotCompared),
            Planted::Agent(A::FingerprintNotCompared),
            Planted::Agent(A::FileNotCompared),
            Planted::Agent(A::PlainRename),
            Planted::Agent(A::DisplacedNotCompared),
            Planted::Agent(A::IntentTooEarly),
            Planted::Agent(A::NoIntent),
            Planted::Agent(A::RecoveryByContent),
            Planted::Agent(A::VersionFingerprint),
            Planted::Agent(A::JournalNotSynced),
            Planted::Agent(A::FolderNotSynced),
            Planted::Agent(A::DeletedUncompared),
            Planted::Agent(A::SweptUncompared),
            Planted::Agent(A::AbortDeletesAll),
            Planted::Agent(A::LeftAccepted),
            Planted::Agent(A::OtherGroupAccepted),
            Planted::Agent(A::ForgedAccepted),
            Planted::Agent(A::VersionIdsReused),
            Planted::Agent(A::GenerationNotRaised),
            Planted::Agent(A::RestoreNotRaised),
            Planted::Agent(A::AbsenceIsEdit),
            Planted::Agent(A::NoBrake),
            Planted::Agent(A::BrakeForgotten),
        ]
    };

    /// Does something on this thread with the fault planted.
    pub fn with<T>(self, work: impl FnOnce() -> T) -> T {
        match self {
            Planted::Plan(fault) => plan::fault::plant(Some(fault)),
            Planted::Agent(fault) => agent::fault::plant(Some(fault)),
        }
        let done = work();
        plan::fault::plant(None);
        agent::fault::plant(None);
        done
    }

    /// The first of these seeds that notices it, and what it noticed.
    pub fn noticed(self, seeds: impl IntoIterator<Item = u64>) -> Option<(u64, Outcome)> {
        self.with(|| {
            seeds.into_iter().map(|seed| (seed, run(seed, false))).find(|(_, outcome)| outcome.broken.is_some())
        })
    }
}
