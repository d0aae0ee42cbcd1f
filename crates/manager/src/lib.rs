//! The storage manager: it holds groups, members, versions, jobs and policies, turns notices into instructions, and never
//! sees a content.
//!
//! - [`init`] makes a manager's directory; [`Manager::open`] opens it; [`serve`] serves it on one port.
//! - `ca.rs`, `tls.rs`, `peer.rs`: who may speak to it. `http.rs`: health, the CA, enrolment.
//! - `agents.rs`: the stream of an agent. `operator.rs`: what people ask for, one file a theme.
//! - `store.rs`: the port behind which the state lives, and its SQLite adapter. Every decision about a group is one
//!   transaction around a pure function of `plan`.
//! - `dispatch.rs`: hands jobs to agents, and again until they are answered.
//!
//! It depends neither on `portion` nor on `repo`: it has no code that could read a plaintext.
#![warn(missing_docs)]

mod agents;
mod ca;
mod dispatch;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod home;
mod http;
mod manager;
mod operator;
mod os;
mod peer;
mod point;
mod serve;
pub mod store;
mod tls;

pub use ca::CaError;
pub use home::{HomeError, InitOptions, Initialised, OperatorFiles, RepositoryInfo, Settings, find, init};
pub use manager::{Manager, ManagerOptions, OpenError};
pub use peer::{Identity, Peer};
#[cfg(feature = "faults")]
#[doc(hidden)]
pub use point::at_points;
pub use serve::{ServeError, serve};
pub use tls::TlsError;
