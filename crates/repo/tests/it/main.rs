//! The repository as its users see it: written and read by us, by the restic program, and by both in turn.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods, reason = "INLAY_RESTIC names the programs to test with")]

mod copies;
mod faults;
mod restic;
mod trace;
