//! How much memory an input may take. What asks for more is ended, which is a finding.

use std::alloc::System;

use cap::Cap;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// What any input may take, in bytes.
const ALWAYS: usize = 8 << 20;
/// So many bytes more for each of the input's. Parsed twice, with spans and errors, a small value can take a kilobyte.
const FOR_EACH: usize = 1 << 10;

/// Runs `work` on an input of `size` bytes with no more memory than that deserves.
pub fn bounded<T>(size: usize, work: impl FnOnce() -> T) -> T {
    bounded_by(ALWAYS + FOR_EACH * size, work)
}

/// Runs `work` with at most `most` bytes more than there are now.
pub fn bounded_by<T>(most: usize, work: impl FnOnce() -> T) -> T {
    let _ = ALLOCATOR.set_limit(ALLOCATOR.allocated() + most);
    let done = work();
    let _ = ALLOCATOR.set_limit(usize::MAX);
    done
}
