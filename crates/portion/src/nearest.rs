//! "Did you mean": the nearest of the names that exist.

/// The longest name that is compared, in characters, and the most names: a message is not worth more time.
const MAX_LENGTH: usize = 120;
const MAX_NAMES: usize = 2000;

/// The most names that are told.
const TOLD: usize = 3;

/// The names nearest to `wanted` by edit distance, best first, at most three. Names that differ in more than half of their
/// characters are left out.
pub(crate) fn nearest<T: AsRef<str>>(wanted: &str, names: impl IntoIterator<Item = T>) -> Vec<String> {
    let wanted = Word::new(wanted);
    let mut ranked: Vec<(usize, String)> = Vec::new();
    for name in names.into_iter().take(MAX_NAMES) {
        let word = Word::new(name.as_ref());
        let half = wanted.signs.len().max(word.signs.len()) / 2;
        // Of equally far ones the first are told.
        let most = match ranked.get(TOLD - 1) {
            Some((0, _)) => break,
            Some((far, _)) => half.min(far - 1),
            None => half,
        };
        let Some(far) = wanted.distance(&word, most) else { continue };
        if !ranked.iter().any(|(_, known)| known == name.as_ref()) {
            ranked.push((far, name.as_ref().to_owned()));
            ranked.sort_by_key(|(far, _)| *far);
            ranked.truncate(TOLD);
        }
    }
    ranked.into_iter().map(|(_, name)| name).collect()
}

/// A name's characters, without their case, and how many there are of each (of those that share a place, together).
struct Word {
    signs: Vec<char>,
    counts: [u8; 64],
}

impl Word {
    fn new(text: &str) -> Word {
        let signs: Vec<char> =
            text.chars().take(MAX_LENGTH).map(|sign| sign.to_lowercase().next().unwrap_or(sign)).collect();
        let mut counts = [0; 64];
        for sign in &signs {
            counts[*sign as usize % 64] += 1; // at most MAX_LENGTH
        }
        Word { signs, counts }
    }

    /// Edits between two names, where there are at most so many: insertions, deletions, replacements, and swaps of neighbours (optimal
    /// string alignment).
    fn distance(&self, other: &Word, most: usize) -> Option<usize> {
        // What one has more of than the other takes an edit each; most names are told apart by that alone.
        let surplus = |a: &Word, b: &Word| -> usize {
            a.counts.iter().zip(&b.counts).map(|(a, b)| usize::from(a.saturating_sub(*b))).sum()
        };
        if surplus(self, other).max(surplus(other, self)) > most {
            return None;
        }
        let (a, b) = (&self.signs, &other.signs);
        let (mut before, mut last): (Vec<usize>, Vec<usize>) = (vec![0; b.len() + 1], (0..=b.len()).collect());
        let mut row = vec![0; b.len() + 1];
        for i in 1..=a.len() {
            row[0] = i;
            for j in 1..=b.len() {
                let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
                row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    row[j] = row[j].min(before[j - 2] + 1);
                }
            }
            // A swap steps over a row.
            if row.iter().chain(&last).all(|edits| *edits > most) {
                return None;
            }
            std::mem::swap(&mut before, &mut last);
            std::mem::swap(&mut last, &mut row);
        }
        last.last().copied().filter(|edits| *edits <= most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_first() {
        let names = ["/mcpServers", "/mcpServer", "/projects", "/MCPSERVERS2", "/mcpServers", "/mcpSevrers"];
        assert_eq!(nearest("/mcpservers", names), ["/mcpServers", "/mcpServer", "/MCPSERVERS2"]);
        assert_eq!(nearest("/zzz", names), [""; 0]);
        assert_eq!(nearest("", [""]), [""]);
        assert_eq!(nearest("ab", ["ba", "b", "ac", "ab"]), ["ab", "ba", "b"]);
        assert_eq!(nearest("abcd", ["xbcd", "axcd", "abxd", "abdc", "abcd"]), ["abcd", "xbcd", "axcd"]);
    }
}
