//! When an instruction that was not answered is sent again.

/// Exponential backoff with jitter: `base × 2^attempts`, at most `most`, of which a random half is taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The first wait, in milliseconds.
    pub base: u64,
    /// The longest wait, in milliseconds.
    pub most: u64,
}

impl Backoff {
    /// The wait after `attempts` failed ones, in milliseconds. `random` is any number, evenly spread.
    pub fn wait(self, attempts: u32, random: u64) -> u64 {
        let full = self.base.saturating_mul(1 << attempts.min(32)).min(self.most).max(1);
        full - random % (full / 2 + 1)
    }
}

impl Default for Backoff {
    /// From 250 ms to a minute.
    fn default() -> Self {
        Backoff { base: 250, most: 60_000 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_bounded() {
        let backoff = Backoff { base: 100, most: 1_000 };
        for (attempts, random, wait) in
            [(0, 0, 100), (0, 50, 50), (1, 0, 200), (4, 0, 1_000), (4, 500, 500), (99, 0, 1_000)]
        {
            assert_eq!(backoff.wait(attempts, random), wait, "{attempts} {random}");
        }
        assert_eq!(Backoff { base: 0, most: 0 }.wait(0, 7), 1);
    }
}
