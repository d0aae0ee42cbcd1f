//! A failure in few steps: what is not needed is left out, as long as the same promise is broken.

use super::run_schedule;
use super::schedule::Schedule;

/// How many runs may be spent.
const RUNS: usize = 400;

/// The schedule with as few steps as could be found that still breaks the same promise; the schedule itself, if it breaks none.
pub fn shrink(schedule: Schedule) -> Schedule {
    let Some(broken) = run_schedule(schedule.clone(), false).broken else { return schedule };
    let mut runs = 0;
    let mut fails = |schedule: &Schedule| {
        runs += 1;
        let again = run_schedule(schedule.clone(), false).broken;
        (again.is_some_and(|again| again.promise == broken.promise), runs < RUNS)
    };
    let mut best = schedule;
    let calmer = Schedule { lost: 0, doubled: 0, late: 0, ..best.clone() };
    if fails(&calmer).0 {
        best = calmer;
    }
    let mut piece = best.steps.len().div_ceil(2).max(1);
    loop {
        let before = best.steps.len();
        let mut at = 0;
        while at < best.steps.len() {
            let mut shorter = best.clone();
            shorter.steps.drain(at..(at + piece).min(shorter.steps.len()));
            let (still, more) = fails(&shorter);
            if still {
                best = shorter;
            } else {
                at += piece;
            }
            if !more {
                return best;
            }
        }
        // What one step needed may not be needed any more without another.
        if piece == 1 && best.steps.len() == before {
            return best;
        }
        piece = (piece / 2).max(1);
    }
}
