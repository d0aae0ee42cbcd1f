//! The agent of one machine: it watches files, detects changes in its portions, backs them up, and restores.
//!
//! - [`Agent::start`] runs it. Its rules are [`step`], which is pure; everything else here carries out what that says.
//! - [`enrol`] makes a machine an agent; [`Identity`] is who it is then; [`operator`] is a client for people's commands.
//! - [`Allow`] is this machine's own policy: consent is given by commands on this machine, and by nobody else.
//! - [`splice()`] is the durable exchange of a file's contents, over the port [`Folder`]; [`replace_file`] is the same without
//!   a journal, for commands.
//!
//! [`simulated`] and [`fault`] are for the testkit's simulator, and for nobody else: the parts that it puts together over a world of its own,
//! and rules that can be switched off. [`point`] is for its crash harness.
#![warn(missing_docs)]

mod allow;
mod buffers;
mod connection;
mod copies;
mod detect;
mod displaced;
mod engine;
mod enrol;
mod error;
#[doc(hidden)]
pub mod fault;
mod files;
mod folder;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod hook;
mod identity;
mod inspect;
mod jobs;
mod journal;
mod keys;
mod open;
mod os;
mod outbox;
mod place;
#[doc(hidden)]
pub mod point;
pub mod record;
mod repository;
mod restore;
mod roster;
mod run;
#[doc(hidden)]
pub mod simulated;
mod splice;
pub mod step;
mod stream;
mod tls;
mod variables;
mod watch;
mod write;

pub use allow::{Allow, AllowError, Consent, Readable};
pub use connection::{Connect, TlsConnect, is_refusal, operator};
pub use copies::{Copies, CopyError, NewCopy, OnSeal, OpenCopies, Seal, StoredCopy};
pub use enrol::{EnrolError, Enrolled, Enrolment, enrol};
pub use folder::{AttributeError, FileId, FileKind, Folder, Leftover, Origin, Reading, Stat, Temporary, Work};
pub use hook::Hook;
pub use identity::{Credentials, Identity, IdentityError};
pub use journal::JournalError;
pub use keys::Keys;
pub use open::lock_beside;
pub use os::OsFolder;
pub use repository::RepositoryOpener;
pub use run::{Agent, AgentError, AgentOptions, RESCAN};
pub use splice::{
    Deleted, Displaced, Intent, IntentLog, NoLog, Recovered, Refusal, SpliceError, Spliced, delete, recover, splice,
    sweep,
};
pub use tls::{ConnectError, config as tls_config};
pub use variables::Environment;
pub use write::{ReplaceError, replace_file};

pub(crate) use error::chain as error_chain;
