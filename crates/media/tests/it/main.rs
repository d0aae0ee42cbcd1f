//! The media agent, and the storage port's two adapters, one of which talks to it.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods, reason = "INLAY_RESTIC names the programs to test with")]

mod append_only;
mod restic;
mod server;
mod suite;
