//! Crashes of real processes: `kill -9` at named points between every two durable steps, and at random; and power that is cut.
//!
//! - [`POINTS`] is the list of all points, each with its process and the way to get there.
//! - [`obey`] is what the program under test (`src/bin/inlay-crashing.rs`, the real one with the feature `faults`) does at a point.
//! - [`Orders`] tells a process at which point to die, or to wait.
//! - [`Crashes`] is two agents and a manager, rounds of crashes, and what has to be true afterwards.

mod orders;
mod points;
mod rounds;
mod verdict;

pub use orders::{Orders, obey, program};
pub use points::{At, POINTS, Point, Way};
pub use rounds::{Crashes, Plan, Totals};
