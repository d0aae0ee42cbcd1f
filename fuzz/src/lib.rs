//! What the targets share: how an input is cut up, how much memory one may take, and the laws of the lenses.
//!
//! An input is a byte that chooses among what a target can do, then parts with [`input::CUT`] between them, so that a seed reads like the
//! files that it is about and a mutation stays in one part.

pub mod input;
pub mod laws;
pub mod memory;
pub mod pool;

/// A folder in memory where the system has one: nothing here has to outlast anything.
///
/// # Panics
/// There is no room for it.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder can be made")
}
