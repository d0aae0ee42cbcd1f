//! `cargo xtask sim`: runs seeds of the simulator on all cores; tells the story of what fails.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use testkit::sim::{self, Planted, Schedule};

const USAGE: &str = "\
usage: cargo xtask sim [--seeds N] [--seed S] [--trace] [--twice] [--planted] [--no-shrink]

  --seeds N    run N seeds (1000), from a fresh one on
  --seed S     from S on; alone: only S
  --trace      print the whole story of each seed
  --twice      run each seed twice: both runs must be the same
  --planted    plant each fault in turn, and tell which seed notices it
  --no-shrink  do not look for a shorter way to a failure
";

#[derive(Default)]
struct Args {
    seeds: Option<u64>,
    seed: Option<u64>,
    trace: bool,
    twice: bool,
    planted: bool,
    no_shrink: bool,
}

fn args() -> Option<Args> {
    let mut args = Args::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seeds" => args.seeds = Some(words.next()?.parse().ok()?),
            "--seed" => args.seed = Some(words.next()?.parse().ok()?),
            "--trace" => args.trace = true,
            "--twice" => args.twice = true,
            "--planted" => args.planted = true,
            "--no-shrink" => args.no_shrink = true,
            _ => return None,
        }
    }
    Some(args)
}

fn main() -> ExitCode {
    let Some(args) = args() else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    let fresh = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64 >> 10);
    let first = args.seed.unwrap_or_else(fresh);
    let count = args.seeds.unwrap_or(if args.seed.is_some() { 1 } else { 1_000 });
    if args.planted { planted(first, count.max(2_000)) } else { seeds(&args, first, count) }
}

/// On all cores: takes numbers until there are none, or until it is told to stop.
fn on_all_cores(count: u64, work: impl Fn(u64, &AtomicBool) + Sync) {
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    work(number, &stop);
                }
            });
        }
    });
}

fn seeds(args: &Args, first: u64, count: u64) -> ExitCode {
    println!("seeds {first} and the next, {count} in all");
    let started = Instant::now();
    let [done, versions, writes, refusals] = [const { AtomicU64::new(0) }; 4];
    let failures = Mutex::new(Vec::new());
    on_all_cores(count, |number, stop| {
        let seed = first.wrapping_add(number);
        let outcome = std::panic::catch_unwind(|| sim::run(seed, args.trace));
        done.fetch_add(1, Ordering::Relaxed);
        let Ok(outcome) = outcome else {
            failures.lock().unwrap().push((seed, "a panic".to_owned()));
            return;
        };
        versions.fetch_add(outcome.versions as u64, Ordering::Relaxed);
        writes.fetch_add(outcome.writes, Ordering::Relaxed);
        refusals.fetch_add(outcome.refusals as u64, Ordering::Relaxed);
        if args.trace {
            println!("seed {seed}\n{}", outcome.story.join("\n"));
        }
        if args.twice && sim::run(seed, false).hash != outcome.hash {
            failures.lock().unwrap().push((seed, "two runs of it differ".to_owned()));
        }
        if let Some(broken) = outcome.broken {
            let mut failures = failures.lock().unwrap();
            println!("seed {seed}: {broken}");
            failures.push((seed, broken.to_string()));
            if failures.len() >= 50 {
                stop.store(true, Ordering::Relaxed);
            }
        }
    });
    let (done, failures) = (done.into_inner(), failures.into_inner().unwrap());
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    println!(
        "{done} seeds in {:.1} s: {:.0} a minute; {} versions, {} restores written; {} refused by a lens; {} failures",
        minutes * 60.0,
        done as f64 / minutes,
        versions.into_inner(),
        writes.into_inner(),
        refusals.into_inner(),
        failures.len()
    );
    let Some((seed, _)) = failures.iter().min_by_key(|(seed, _)| *seed) else { return ExitCode::SUCCESS };
    if !args.no_shrink && !args.trace {
        let short = sim::shrink(Schedule::new(*seed));
        let outcome = sim::run_schedule(short, true);
        println!("\nseed {seed}, with as few steps as need be:\n{}", outcome.story.join("\n"));
    }
    println!("`cargo xtask sim --seed {seed} --trace` tells all of it");
    ExitCode::FAILURE
}

fn planted(first: u64, most: u64) -> ExitCode {
    println!("seeds {first} and the next, at most {most} for each fault");
    let missed = AtomicU64::new(0);
    on_all_cores(Planted::ALL.len() as u64, |number, _| {
        let fault = Planted::ALL[number as usize];
        let started = Instant::now();
        match fault.noticed(first..first.wrapping_add(most)) {
            Some((seed, outcome)) => {
                let broken = outcome.broken.unwrap();
                let tried = seed - first + 1;
                println!("{fault}: seed {seed}, the {tried}., {:.1} s: {broken}", started.elapsed().as_secs_f64());
            }
            None => {
                missed.fetch_add(1, Ordering::Relaxed);
                println!("{fault}: NOT NOTICED, {:.1} s", started.elapsed().as_secs_f64());
            }
        }
    });
    if missed.into_inner() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
