//! Points between two durable steps, at which a process can be ended: so the crash harness shows that nothing is lost there.
//!
//! Only the feature `faults`, which only the testkit asks for, makes them real; without it [`point`] is nothing. The testkit has the list
//! of all names (`crates/testkit/src/crash/points.rs`) and a test that each is reached.

#[cfg(feature = "faults")]
mod reaching {
    use std::sync::OnceLock;

    static REACHED: OnceLock<fn(&'static str)> = OnceLock::new();

    /// From now on `reached` is called with the name of every point that is reached. The first one counts.
    pub fn at_points(reached: fn(&'static str)) {
        let _ = REACHED.set(reached);
    }

    /// A point, named after what was just done.
    pub(crate) fn point(name: &'static str) {
        if let Some(reached) = REACHED.get() {
            reached(name);
        }
    }
}

#[cfg(feature = "faults")]
pub use reaching::at_points;
#[cfg(feature = "faults")]
pub(crate) use reaching::point;

/// A point, named after what was just done: nothing.
#[cfg(not(feature = "faults"))]
pub(crate) const fn point(_: &'static str) {}
