//! For tests only: real processes of the real binary, in homes and networks of their own.
//!
//! - [`Cluster`] is a manager and agents; [`Network`] says whether they share the loopback or live in network namespaces.
//! - [`Process`] is one running role, that can be stopped, killed and started again.
//! - [`Disk`] is a file system that can be filled, made read-only, or taken away.
//! - [`words`] are groups of files to which people add words, and what has to be true of them afterwards.
//! - [`crash`] ends real processes at named points, and cuts the power of their disks.
//! - [`sim`] is the seeded simulator: no processes, but the same rules over a world that is made up.
//! - [`Random`] is the seeded source of everything random.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cluster;
pub mod crash;
mod disk;
mod editor;
mod network;
mod process;
mod random;
pub mod sim;
pub mod words;

pub use cluster::{Cluster, Machine, Options};
pub use disk::{Disk, Image};
pub use editor::{Document, KINDS};
pub use network::Network;
pub use process::{Process, binary, wait_for};
pub use random::Random;
