//! Buffers that are used again. Fresh memory for a large file costs more than reading it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many buffers are kept.
const KEPT: usize = 4;
/// A buffer above this size is given back when it was not used for …
const LARGE: usize = 1 << 20;
/// … this time.
const IDLE: Duration = Duration::from_secs(20);

/// A pool of buffers.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    free: Mutex<Vec<(Instant, Vec<u8>)>>,
}

impl Buffers {
    /// The largest buffer that is free, with what it held before.
    pub(crate) fn take(&self) -> Vec<u8> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let largest = (0..free.len()).max_by_key(|at| free[*at].1.capacity());
        largest.map(|at| free.swap_remove(at).1).unwrap_or_default()
    }

    /// Gives a buffer back.
    pub(crate) fn give(&self, buffer: Vec<u8>) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT {
            free.push((Instant::now(), buffer));
        }
    }

    /// Lets go of large buffers that nobody used for a while.
    pub(crate) fn trim(&self) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.retain(|(since, buffer)| buffer.capacity() < LARGE || since.elapsed() < IDLE);
    }
}
