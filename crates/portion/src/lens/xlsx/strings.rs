//! Texts of cells: shared or not, plain or rich (ECMA-376 part 1, 18.4 and 22.9.2.19).

use crate::lens::LensError;
use crate::lens::office::xml::{Node, Tree, escaped, is_sayable};

/// The most characters of a cell.
const MAX_TEXT: usize = 32_767;

/// The shared strings of a workbook, by number.
pub(super) fn shared(tree: &Tree) -> Result<Vec<String>, LensError> {
    tree.named(tree.root(), "si").map(|node| plain(tree, node)).collect()
}

/// The text of a string item, without its formats and without what tells its pronunciation.
pub(super) fn plain(tree: &Tree, item: Node) -> Result<String, LensError> {
    let mut text = String::new();
    for node in tree.children(item) {
        if tree.is(node, "t") {
            text.push_str(&decoded(&tree.text(node)?));
        } else if tree.is(node, "r") {
            for run in tree.named(node, "t") {
                text.push_str(&decoded(&tree.text(run)?));
            }
        }
    }
    Ok(text)
}

/// `_x000D_` stands for a character that XML cannot say, and `_x005F_` for an underscore before what looks like that.
pub(super) fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        out.push_str(&rest[..at]);
        match escape(&rest[at..]) {
            Some(c) => {
                out.push(c);
                rest = &rest[at + 7..];
            }
            None => {
                out.push_str("_x");
                rest = &rest[at + 2..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// The character of `_xHHHH_` at the text's start. Halves of a pair are left as they stand.
fn escape(text: &str) -> Option<char> {
    let digits = text.get(2..6).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    text[6..].starts_with('_').then(|| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)).flatten()
}

/// Whether a text at whose start an underscore stands would be read as an escape: also by the underscore of one behind it.
fn looks_escaped(text: &str) -> bool {
    let digits = text.strip_prefix("_x").and_then(|rest| rest.get(..4));
    digits.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
        && text[6..].chars().next().is_some_and(|next| next == '_' || is_escaped(next))
}

fn is_escaped(c: char) -> bool {
    c == '\r' || !is_sayable(c)
}

/// The text as a cell's XML says it.
///
/// # Errors
/// [`LensError::Refused`] for more text than a cell may hold.
pub(super) fn encoded(text: &str) -> Result<String, LensError> {
    if text.encode_utf16().count() > MAX_TEXT {
        return Err(LensError::Refused(format!("a cell holds at most {MAX_TEXT} characters")));
    }
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if c == '_' && looks_escaped(&text[at..]) {
            out.push_str("_x005F_");
        } else if is_escaped(c) {
            out.push_str(&format!("_x{:04X}_", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    Ok(escaped(&out))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes() {
        for (xml, text) in [
            ("a_x000D_b", "a\rb"),
            ("_x005F_x0041_", "_x0041_"),
            ("_x_x0041_", "_xA"),
            ("_xD800_", "_xD800_"),
            ("_xé", "_xé"),
        ] {
            assert_eq!(decoded(xml), text, "{xml}");
        }
    }

    proptest! {
        #[test]
        fn there_and_back(text in "(_x?[0-9A-F]{0,5}_?|.|\u{1}|\r|\n){0,20}") {
            let xml = encoded(&text).unwrap();
            let raw = quick_xml::escape::unescape(&xml).unwrap().into_owned();
            prop_assert_eq!(decoded(&raw), text);
        }
    }
}
