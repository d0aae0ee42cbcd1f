//! Cutting long contents by what they hold, so that an edit in the middle leaves most parts as they were.

use std::ops::Range;

use fastcdc::v2020::{FastCDC, Normalization};

/// Contents up to this long stay in one piece (bytes).
pub(crate) const WHOLE: usize = 1 << 20;
const MIN: usize = 512 << 10;
const AVERAGE: usize = 1 << 20;
const MAX: usize = 4 << 20;

/// The parts of `content`; none if it is empty. `seed` is secret and the repository's own: whoever sees the lengths of
/// packs cannot compare them with a file that he knows (the attack of eprint 2025/532).
pub(crate) fn cut(content: &[u8], seed: u64) -> Vec<Range<usize>> {
    match content.len() {
        0 => Vec::new(),
        length @ 1..=WHOLE => std::iter::once(0..length).collect(),
        _ => FastCDC::with_level_and_seed(content, MIN, AVERAGE, MAX, Normalization::Level1, seed)
            .map(|chunk| chunk.offset..chunk.offset + chunk.length)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u64;
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (state >> 56) as u8
            })
            .collect()
    }

    #[test]
    fn parts_are_all_of_it_and_bounded() {
        for length in [0, 1, WHOLE, WHOLE + 1, 9 << 20] {
            let content = noise(length);
            let parts = cut(&content, 5);
            assert_eq!(parts.iter().map(Range::len).sum::<usize>(), length);
            assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert!(parts.iter().all(|part| part.len() <= MAX));
        }
    }

    #[test]
    fn an_insertion_leaves_most_parts_alone_and_the_seed_matters() {
        let content = noise(12 << 20);
        let mut edited = content.clone();
        edited.splice(3 << 20..3 << 20, *b"inserted");
        let hashes = |bytes: &[u8], seed| -> std::collections::HashSet<_> {
            cut(bytes, seed).into_iter().map(|part| crate::id::Id::of(&bytes[part])).collect()
        };
        let (before, after) = (hashes(&content, 5), hashes(&edited, 5));
        assert!(before.intersection(&after).count() + 3 >= before.len());
        assert!(before.intersection(&hashes(&content, 6)).count() <= 1);
    }
}
