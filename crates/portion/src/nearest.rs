//! "Did you mean": the nearest of the names that exist.

/// The longest name that is compared, in characters, and the most names: a message is not worth more time.
const MAX_LENGTH: usize = 120;
const MAX_NAMES: usize = 2000;

/// The names nearest to `wanted` by edit distance, best first, at most three. Names that differ in more than half of their
/// characters are left out.
pub(crate) fn nearest<T: AsRef<str>>(wanted: &str, names: impl IntoIterator<Item = T>) -> Vec<String> {
    let wanted: Vec<char> = wanted.chars().take(MAX_LENGTH).collect();
    let mut ranked: Vec<(usize, String)> = Vec::new();
    for name in names.into_iter().take(MAX_NAMES) {
        let chars: Vec<char> = name.as_ref().chars().take(MAX_LENGTH).collect();
        let far = distance(&wanted, &chars);
        if far * 2 <= wanted.len().max(chars.len()) && !ranked.iter().any(|(_, known)| known == name.as_ref()) {
            ranked.push((far, name.as_ref().to_owned()));
            ranked.sort_by_key(|(far, _)| *far);
            ranked.truncate(3);
        }
    }
    ranked.into_iter().map(|(_, name)| name).collect()
}

/// Edits between two names: insertions, deletions, replacements, and swaps of neighbours (optimal string alignment).
/// A change of case counts nothing.
fn distance(a: &[char], b: &[char]) -> usize {
    let same = |x: char, y: char| x == y || x.to_lowercase().eq(y.to_lowercase());
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(!same(a[i - 1], b[j - 1]));
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]) {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
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
    }
}
