//! What the manager decides: groups, members, versions, and the instructions that follow from their state.
//!
//! This crate is pure: time and ids come in as arguments. The way through it:
//!
//! 1. A [`Report`] is stored by [`Group::report`]; a [`BackedUp`] is decided by [`Group::commit`].
//! 2. [`Group::resolve`] and [`Group::restore`] are what people ask for.
//! 3. [`instructions`] is the planner: a function of the stored state, without memory, so a crash loses nothing.
//! 4. An open branch is merged with the head by the agent that has it ([`Merge`]); [`Group::resolve`] takes what it made,
//!    [`Group::cannot_merge`] what does not go together.
//! 5. [`Backoff`] says when an instruction that was not answered is sent again.
//!
//! The rules are those of the protocol, which was model-checked: each has the name that the protocol gives it.
#![warn(missing_docs)]

mod commit;
#[doc(hidden)]
pub mod fault;
mod group;
mod id;
mod job;
mod merge;
mod planner;
mod status;
mod version;

pub use commit::{BackedUp, CommitError, Outcome, ResolveError};
pub use group::{Condition, Conflict, Direction, Group, Join, Member, OnMissing, Policy, Report, ReportOutcome};
pub use id::{AgentId, Fingerprint, GroupId, IdError, JobId, MemberId, VersionId};
pub use job::Backoff;
pub use merge::{MERGE_DEPTH, Merge, Unmergeable};
pub use planner::{Backup, Instruction, Restore, instruction, instructions};
pub use status::{GroupState, MemberState, group_state, member_state};
pub use version::{Kind, Record, Shape, Version};
