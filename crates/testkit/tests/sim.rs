//! The seeded simulator keeps the promises, tells the same story twice, and notices every rule that is switched off. `cargo xtask sim`
//! runs more seeds.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::atomic::{AtomicU64, Ordering};

use testkit::Random;
use testkit::sim::{self, Planted, Schedule};

/// On all cores.
fn each(count: u64, work: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    work(number);
                }
            });
        }
    });
}

#[test]
fn the_promises_hold_and_the_same_seed_is_the_same_run() {
    let first = Random::from_environment().next_number();
    let (versions, writes) = (AtomicU64::new(0), AtomicU64::new(0));
    each(200, |number| {
        let seed = first.wrapping_add(number);
        let outcome = sim::run(seed, false);
        if let Some(broken) = outcome.broken {
            let story = sim::run_schedule(sim::shrink(Schedule::new(seed)), true).story;
            panic!("{}\n{broken}\n`cargo xtask sim --seed {seed}` repeats this", story.join("\n"));
        }
        assert_eq!(sim::run(seed, false).hash, outcome.hash, "two runs of seed {seed} differ");
        versions.fetch_add(outcome.versions as u64, Ordering::Relaxed);
        writes.fetch_add(outcome.writes, Ordering::Relaxed);
    });
    let (versions, writes) = (versions.into_inner(), writes.into_inner());
    println!("{versions} versions, {writes} restores written");
    assert!(versions > 2_000 && writes > 1_000, "the world is too quiet to prove anything");
}

/// Each rule of the protocol, switched off in the real code, is noticed: the simulator's own proof. The seeds are fixed: what notices today
/// notices tomorrow, unless somebody changes the world.
#[test]
fn every_planted_fault_is_noticed() {
    assert!(Planted::ALL.len() >= 16);
    each(Planted::ALL.len() as u64, |number| {
        let fault = Planted::ALL[number as usize];
        let (seed, outcome) = fault.noticed(1..=4_000).unwrap_or_else(|| panic!("nothing notices {fault}"));
        println!("{fault}: seed {seed}: {}", outcome.broken.unwrap());
        assert_eq!(sim::run(seed, false).broken, None, "seed {seed} fails without {fault}, too");
    });
}

/// A failure is told in a few steps.
#[test]
fn a_failure_is_made_short() {
    let fault = Planted::Agent(agent::fault::Fault::FileNotCompared);
    let (seed, _) = fault.noticed(1..=2_000).unwrap();
    fault.with(|| {
        let long = Schedule::new(seed);
        let short = sim::shrink(long.clone());
        let outcome = sim::run_schedule(short.clone(), true);
        assert!(
            short.steps() < long.steps() && short.steps() <= 6,
            "{} of {} steps are left",
            short.steps(),
            long.steps()
        );
        assert!(outcome.broken.is_some() && outcome.story.iter().any(|line| line.contains("user of member")));
    });
}
