//! The repository as its users see it: written and read by us, by the restic program, and by both in turn.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod copies;
mod restic;
mod trace;
