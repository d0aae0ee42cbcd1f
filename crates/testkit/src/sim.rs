//! The seeded simulator: the real planner, the real rules of agents, the real lenses and the real durable exchange over a world that is
//! made up, clock and crashes included. The same seed gives the same run.
//!
//! - [`run`] is one run; [`Outcome`] says whether a promise was broken, and how it came to that.
//! - [`Schedule`] is what a seed makes: who takes part and what happens to them. [`shrink`] leaves out of it what a failure does not need.
//! - [`Planted`] are the faults that prove the simulator: each rule of the protocol, switched off.
//!
//! What is really so (who wrote what, which versions are of which edit) is kept in the ledger, which no part of the system sees; the
//! promises 1 to 5 of ARCHITECTURE.md are checked against it, at every write and at the end.

mod disk;
mod document;
mod end;
mod ledger;
mod machine;
mod manager;
mod planted;
mod schedule;
mod shrink;
mod story;
mod users;
mod world;

pub use ledger::Broken;
pub use planted::Planted;
pub use schedule::Schedule;
pub use shrink::shrink;

use world::World;

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The promise that was broken first.
    pub broken: Option<Broken>,
    /// Equal for equal runs.
    pub hash: u64,
    /// Every line of it, if they were asked for.
    pub story: Vec<String>,
    /// How many versions there were in the end.
    pub versions: usize,
    /// How many files were written by restores.
    pub writes: u64,
    /// How many members are suspended in the end because a lens refuses what is to be restored.
    pub refusals: usize,
}

/// Runs a schedule. `keep`: with its story.
pub fn run_schedule(schedule: Schedule, keep: bool) -> Outcome {
    let mut world = World::new(schedule, keep);
    world.run();
    let versions = world.manager.groups.values().map(|group| group.versions.len()).sum();
    let writes = world.machines.iter().map(|machine| machine.disk().writes).sum();
    let ledger = world.ledger.lock();
    Outcome {
        broken: ledger.broken.clone(),
        hash: ledger.story.hash(),
        story: ledger.story.lines().to_vec(),
        versions,
        writes,
        refusals: world.refusals(),
    }
}

/// Runs a seed. `keep`: with its story.
pub fn run(seed: u64, keep: bool) -> Outcome {
    run_schedule(Schedule::new(seed), keep)
}
