//! `cargo xtask crash`: real processes die at their points, many times; prints what was done.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use testkit::Image;
use testkit::crash::{At, Crashes, POINTS, Plan};

const USAGE: &str = "\
usage: cargo xtask crash [--rounds N] [--seed S] [--no-power]

  --rounds N    so many processes die (1000): a hundred in each cluster
  --seed S      from this seed on; each cluster has the next one (a fresh one)
  --no-power    cut no power; without loop devices, or not as root, none is cut either
";

struct Args {
    rounds: usize,
    seed: u64,
    power: bool,
}

fn args() -> Option<Args> {
    let fresh = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_millis() as u64);
    let mut args = Args { rounds: 1_000, seed: fresh, power: Image::possible() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--rounds" => args.rounds = words.next()?.parse().ok()?,
            "--seed" => args.seed = words.next()?.parse().ok()?,
            "--no-power" => args.power = false,
            _ => return None,
        }
    }
    Some(args)
}

fn main() -> ExitCode {
    let Some(Args { rounds, seed, power }) = args() else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    let started = Instant::now();
    let mut at: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut failed, mut sums) = (Vec::new(), [0_usize; 7]);
    for (number, begun) in (0..rounds).step_by(100).enumerate() {
        let plan = Plan { seed: seed + number as u64, rounds: 100.min(rounds - begun), check_every: 25, power };
        println!("== seed {} ({} rounds)", plan.seed, plan.rounds);
        let Ok(totals) = std::panic::catch_unwind(|| Crashes::run(&plan)) else {
            failed.push(plan.seed);
            continue;
        };
        totals.at.iter().for_each(|(point, count)| *at.entry(point).or_default() += count);
        let (versions, merges, resolved) = totals.versions;
        let more = [totals.deaths, totals.at_random, totals.cuts, totals.words, versions, merges, resolved];
        sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
    }
    for point in POINTS.iter().filter(|point| point.at != At::Join) {
        println!("{:4}  {}", at.get(point.name).copied().unwrap_or(0), point.name);
    }
    let [deaths, at_random, cuts, words, versions, merges, resolved] = sums;
    println!(
        "{deaths} deaths in {:.0} s, {at_random} of them at random, {cuts} with the power cut; {words} edits, {versions} versions, \
         {merges} merges, {resolved} conflicts ended; {} clusters failed",
        started.elapsed().as_secs_f64(),
        failed.len()
    );
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("failed: seeds {failed:?}; `cargo xtask crash --rounds 100 --seed S` runs one of them again");
    ExitCode::FAILURE
}
