//! The contract between agents, operators and the manager: gRPC messages, the HTTP bodies of enrolment, and conversions to
//! the types of `plan`.
//!
//! [`v1`] is generated from `proto/inlay.proto` by `cargo xtask proto`. Every conversion from a message checks lengths and
//! bounds: bytes from outside become an [`WireError`], never a panic.
#![warn(missing_docs)]

mod convert;
mod enrol;
mod merge;

/// Messages and services, generated.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used)]
pub mod v1 {
    include!("gen/inlay.v1.rs");
}

pub use convert::{
    WireError, acknowledged, agent_id, assignment, backed_up, condition, direction, from_assignment, from_backed_up,
    from_condition, from_direction, from_join, from_on_missing, from_record, from_report, id, instruction, join,
    members_from_bytes, members_to_bytes, on_missing, optional_version, record, report, version_bytes,
};
pub use enrol::{AgentIdentity, EnrolReply, EnrolRequest, Refusal, RepositoryAccess};
pub use merge::{MergeAnswer, from_merged, from_unmergeable, merge_answer};

/// The version of the protocol that this program speaks.
pub const PROTOCOL: u32 = 1;
/// The largest message, in bytes: a member's record with its location fits many times.
pub const MAX_MESSAGE: usize = 4 << 20;
