//! How an input is cut up.

/// Stands between two parts: a byte that no UTF-8 has.
pub const CUT: u8 = 0xFF;

/// The byte that chooses, and the parts; those that are missing are empty.
pub fn parts<const N: usize>(data: &[u8]) -> Option<(u8, [&[u8]; N])> {
    let (choice, rest) = data.split_first()?;
    let mut cut = rest.splitn(N, |byte| *byte == CUT);
    Some((*choice, std::array::from_fn(|_| cut.next().unwrap_or_default())))
}

/// One of some, by a byte that chooses. Seeds choose by a letter: `a` is the first.
pub fn one_of<T: Copy>(choices: &[T], choice: u8) -> T {
    choices[usize::from(choice.wrapping_sub(b'a')) % choices.len()]
}
