//! JSON Pointer, RFC 6901: the expression of every scheme that has keys.

use std::borrow::Cow;

use crate::lens::LensError;

/// The tokens of a pointer, unescaped. The empty pointer has none and means the whole document.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn tokens(pointer: &str) -> Result<Vec<String>, &'static str> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let Some(rest) = pointer.strip_prefix('/') else {
        return Err("a path starts with `/`, as in `/servers/0`");
    };
    rest.split('/').map(|token| Ok(unescape(token)?.into_owned())).collect()
}

/// [`tokens`], with the error of a selector in `scheme`.
pub(crate) fn parse(scheme: &'static str, expression: &str) -> Result<Vec<String>, LensError> {
    tokens(expression).map_err(|why| LensError::Selector {
        scheme,
        selector: expression.to_owned(),
        why: why.to_owned(),
    })
}

fn unescape(token: &str) -> Result<Cow<'_, str>, &'static str> {
    if !token.contains('~') {
        return Ok(Cow::Borrowed(token));
    }
    let mut parts = token.split('~');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push(match part.as_bytes().first() {
            Some(b'0') => '~',
            Some(b'1') => '/',
            _ => return Err("a `~` in a key is written `~0`, a `/` in a key `~1`"),
        });
        out.push_str(&part[1..]);
    }
    Ok(Cow::Owned(out))
}

/// The pointer that has these tokens.
pub(crate) fn format<T: AsRef<str>>(tokens: impl IntoIterator<Item = T>) -> String {
    let mut out = String::new();
    for token in tokens {
        push(&mut out, token.as_ref());
    }
    out
}

/// Appends one token to a pointer.
pub(crate) fn push(pointer: &mut String, token: &str) {
    pointer.push('/');
    for c in token.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

/// A token that is an index into a sequence: decimal digits without leading zeros.
pub(crate) fn index(token: &str) -> Option<usize> {
    let digits = !token.is_empty() && token.bytes().all(|b| b.is_ascii_digit());
    if !digits || (token.len() > 1 && token.starts_with('0')) {
        return None;
    }
    token.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rfc_6901_section_5() {
        for (pointer, expected) in [
            ("", &[][..]),
            ("/foo", &["foo"]),
            ("/foo/0", &["foo", "0"]),
            ("/", &[""]),
            ("/a~1b", &["a/b"]),
            ("/m~0n", &["m~n"]),
            ("/~01", &["~1"]),
            ("/ ", &[" "]),
            ("/k\"l", &["k\"l"]),
        ] {
            assert_eq!(tokens(pointer).unwrap(), expected, "{pointer}");
        }
        for bad in ["foo", "/~", "/~2", "/a~", "/~é"] {
            assert!(tokens(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn indices_have_no_leading_zeros() {
        for (token, expected) in
            [("0", Some(0)), ("10", Some(10)), ("01", None), ("-", None), ("", None), ("99999999999999999999", None)]
        {
            assert_eq!(index(token), expected, "{token}");
        }
    }

    proptest! {
        #[test]
        fn format_then_parse(tokens_in in prop::collection::vec("[a~/01 é]{0,4}", 0..5)) {
            prop_assert_eq!(tokens(&format(&tokens_in)).unwrap(), tokens_in);
        }
    }
}
