//! Expressions over lines of `key = value`, and any at all.

use portion::{Format, Fragment, Scheme, get, put};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// GetPut, PutGet, and nothing else changes.
    #[test]
    fn a_line(
        before in "([a-z]{1,3} = [^\r\n]{0,6}\r?\n){0,3}",
        old in "[^\r\n]{0,6}", new in "[^\r\n]{0,6}",
        after in "(\r?\n[a-z]{1,3} = [^\r\n]{0,6}){0,3}",
        strict in any::<bool>(),
    ) {
        let expression = if strict { "^KEY = ([0-9a-z]*)$" } else { "^KEY = (.*)$" };
        let file = format!("{before}KEY = {old}{after}").into_bytes();
        let Ok(standing) = get(Scheme::Re, &file, expression) else {
            prop_assert!(strict || old.contains('\u{feff}') || std::str::from_utf8(&file).is_err() || before.starts_with('\u{feff}'), "{}", String::from_utf8_lossy(&file));
            return Ok(());
        };
        // A byte order mark is no text, wherever a text begins with it.
        let plain = |text: &str| text.strip_prefix('\u{feff}').unwrap_or(text).as_bytes().to_vec();
        prop_assert_eq!(&standing.text, &plain(&old));
        prop_assert_eq!(put(Scheme::Re, &file, expression, &standing), Ok(None));
        let fragment = Fragment { format: Format::Text, text: new.clone().into_bytes() };
        if let Ok(written) = put(Scheme::Re, &file, expression, &fragment) {
            let written = written.unwrap_or_else(|| file.clone());
            prop_assert_eq!(&get(Scheme::Re, &written, expression).unwrap().text, &plain(&new));
            let start = format!("{before}KEY = ");
            prop_assert!(written.starts_with(start.as_bytes()) && written.ends_with(after.as_bytes()));
        } else {
            prop_assert!(strict, "a line takes any text");
        }
    }

    /// Any expression and any bytes.
    #[test]
    fn any_expression(file in prop::collection::vec(any::<u8>(), 0..40), expression in "[(]?([a-c^$.*+?|()\\[\\]{}\\\\0-9]|\\(\\?s:|\\(\\?:|é){0,8}[)]?", new in ".{0,4}") {
        if let Ok(standing) = get(Scheme::Re, &file, &expression) {
            prop_assert_eq!(put(Scheme::Re, &file, &expression, &standing), Ok(None));
            let fragment = Fragment { format: Format::Text, text: new.into_bytes() };
            let _ = put(Scheme::Re, &file, &expression, &fragment);
        }
    }
}
