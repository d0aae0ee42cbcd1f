//! Names of files and folders in snapshots: `/<group>/<agent>/<path>#<selector>/<job>`.

use std::fmt::Write;

use crate::gostring;
use crate::id::Id;

/// Common file systems take names of at most 255 bytes; `restic restore` must be able to make them.
const MAX: usize = 255;

/// A text as one name: `/` as `%2F`, and so for `%` itself, for what cannot be seen, and for the names `.` and `..`; an empty
/// text as `%`. What would be too long is cut and ends in `%…` and 16 digits of its hash. Different texts have different names.
pub fn encode_name(text: &str) -> String {
    match text {
        "" => "%".into(),
        "." => "%2E".into(),
        ".." => "%2E%2E".into(),
        _ => cut(escape(text, None)),
    }
}

/// The text that [`encode_name`] made a name of; `None` if it was cut, or is no such name.
pub fn decode_name(name: &str) -> Option<String> {
    if name == "%" {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let (digits, after) = rest.split_first_chunk::<2>()?;
        let mut decoded = [0];
        hex::decode_to_slice(digits, &mut decoded).ok()?;
        bytes.push(decoded[0]);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

/// The folder of a portion's copies: `<path>#<selector>`, a `#` within the path as `%23`.
pub(crate) fn portion_name(path: &str, selector: &str) -> String {
    cut(format!("{}#{}", escape(path, Some('#')), escape(selector, None)))
}

/// Path and selector of a [`portion_name`].
pub(crate) fn decode_portion(name: &str) -> Option<(String, String)> {
    let (path, selector) = name.split_once('#')?;
    Some((decode_name(path)?, decode_name(selector)?))
}

fn escape(text: &str, also: Option<char>) -> String {
    let mut name = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c != '/' && c != '%' && Some(c) != also && gostring::is_print(c) {
            name.push(c);
            continue;
        }
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            let _ = write!(name, "%{byte:02X}");
        }
    }
    name
}

fn cut(mut name: String) -> String {
    if name.len() <= MAX {
        return name;
    }
    let ending = format!("%…{}", &Id::of(name.as_bytes()).to_string()[..16]);
    let mut end = MAX - ending.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name + &ending
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names() {
        for (text, name) in [
            ("mcp", "mcp"),
            ("/home/me/.claude.json", "%2Fhome%2Fme%2F.claude.json"),
            ("100%", "100%25"),
            ("..", "%2E%2E"),
            ("", "%"),
            ("a\nb\u{202e}", "a%0Ab%E2%80%AE"),
            ("é日本", "é日本"),
        ] {
            assert_eq!(encode_name(text), name);
            assert_eq!(decode_name(name).unwrap(), text);
        }
        let (one, two) = (encode_name(&"x".repeat(300)), encode_name(&"x".repeat(301)));
        assert!(one.len() <= MAX && one != two && decode_name(&one).is_none(), "{one}");
        assert_eq!(portion_name("/a#b", "/c#d"), "%2Fa%23b#%2Fc#d");
    }

    proptest! {
        #[test]
        fn there_and_back(text: String, path in "[a#/%é]{0,9}", selector in "[a#/%é]{0,9}") {
            prop_assert_eq!(decode_name(&encode_name(&text)), Some(text));
            prop_assert_eq!(decode_portion(&portion_name(&path, &selector)), Some((path, selector)));
        }

        #[test]
        fn always_a_name(text in "\\PC{0,400}") {
            let name = encode_name(&text);
            prop_assert!(!name.is_empty() && name.len() <= MAX && name != "." && name != ".." && !name.contains(['/', '\0']));
            prop_assert_eq!(gostring::quote(&name).replace("\\\\", "\\").replace("\\\"", "\""), name);
        }

        #[test]
        fn any_name_is_read_or_refused(name: String) {
            let _ = (decode_name(&name), decode_portion(&name));
        }
    }
}
