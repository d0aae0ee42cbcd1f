//! Selectors: `[SCHEME:]EXPRESSION`, which portion of a file is meant.

mod detect;

use std::fmt;
use std::str::FromStr;

use crate::nearest::nearest;
pub use crate::registry::Scheme;

/// Which portion of a file is meant: `[SCHEME:]EXPRESSION`.
///
/// An expression that starts with `/` never names a scheme, so a key may hold a colon. `code:` is no scheme: it stands for the
/// language that the file's name tells. `json:` alone, with an empty
/// expression, is the whole document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Selector {
    /// The scheme, where it was written; otherwise the file's name or content tells it.
    pub scheme: Option<Scheme>,
    /// The expression, in the scheme's own syntax. Behind a `|`, another scheme's name and a colon, that scheme's expression follows, for
    /// what stands within: `front|yaml:/tags`.
    pub expression: String,
}

/// What stands behind a colon in CSS, `p:has(b)`, and is no key, name or marker that people would choose.
const CSS: &[&str] = &[
    "active",
    "after",
    "any-link",
    "before",
    "checked",
    "contains",
    "dir",
    "disabled",
    "empty",
    "enabled",
    "focus",
    "focus-within",
    "has",
    "hover",
    "is",
    "lang",
    "link",
    "matches",
    "not",
    "only-child",
    "only-of-type",
    "optional",
    "read-only",
    "required",
    "root",
    "target",
    "visited",
    "where",
];

/// Before a selector of source code: in the file's own language.
const CODE: &str = "code:";

/// Why a text is no selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// Nothing stands after the `#`.
    #[error("the selector is empty; the whole document is `json:`, with the file's own scheme")]
    Empty,
    /// What stands before the colon is no scheme.
    #[error("`{name}` is no scheme{}; there are {}", suggestion(.nearest), all())]
    Scheme {
        /// What was written.
        name: String,
        /// The nearest schemes, best first, at most three.
        nearest: Vec<String>,
    },
}

impl SelectorError {
    fn scheme(name: &str) -> SelectorError {
        let nearest = nearest(name, Scheme::ALL.iter().map(|scheme| scheme.name()));
        SelectorError::Scheme { name: name.to_owned(), nearest }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b))
}

/// Whether it stands before a colon in the expressions of some format.
fn is_own_word(name: &str) -> bool {
    Scheme::ALL.iter().any(|scheme| scheme.own_lens().words().contains(&name))
}

fn suggestion(nearest: &[String]) -> String {
    nearest.first().map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

fn all() -> String {
    Scheme::ALL.iter().map(|scheme| scheme.name()).collect::<Vec<_>>().join(", ")
}

impl Scheme {
    /// The scheme for a file that names none: by its path's last component, then by the first bytes of its content.
    /// `None` where neither tells; marker, line and byte selectors then need their scheme written.
    pub fn detect(path: &str, content: &[u8]) -> Option<Scheme> {
        detect::detect(path, content)
    }

    /// How to mean one of several that a selector of this scheme matches: what its grammar offers.
    pub fn apart(self, selector: &str) -> &'static str {
        self.lens().apart(selector)
    }

    /// The scheme of that name.
    pub fn from_name(name: &str) -> Option<Scheme> {
        Scheme::ALL.iter().copied().find(|scheme| scheme.name() == name)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Selector {
    type Err = SelectorError;
    fn from_str(text: &str) -> Result<Self, SelectorError> {
        if text.is_empty() {
            return Err(SelectorError::Empty);
        }
        // `p::text`, `li:first-child`: the rest of a CSS selector.
        let is_css = |name: &str, rest: &str| {
            let word = rest.find(|c: char| !c.is_ascii_lowercase() && c != '-').map_or(rest, |end| &rest[..end]);
            let starts = [":", "nth-", "first-", "last-"].iter().any(|start| rest.starts_with(start));
            Scheme::from_name(name).is_none() && (starts || CSS.contains(&word))
        };
        let text = text.strip_prefix(CODE).filter(|rest| !rest.is_empty() && !is_css("code", rest)).unwrap_or(text);
        let is_own = |name: &str, rest: &str| !is_name(name) || is_own_word(name) || is_css(name, rest);
        match text.split_once(':').filter(|(name, rest)| !is_own(name, rest)) {
            Some((name, rest)) => match Scheme::from_name(name) {
                Some(scheme) => Ok(Selector { scheme: Some(scheme), expression: rest.to_owned() }),
                None => Err(SelectorError::scheme(name)),
            },
            None => Ok(Selector { scheme: None, expression: text.to_owned() }),
        }
    }
}

impl Selector {
    /// What is wrong with the first stage of an expression that looks like one and is of no scheme: `front|ymal:/tags`.
    pub fn unknown_stage(expression: &str) -> Option<SelectorError> {
        let named =
            |stage: &str| stage.split_once(':').map(|(name, _)| name).filter(|name| is_name(name)).map(str::to_owned);
        let name = expression.split('|').skip(1).filter_map(named).find(|name| Scheme::from_name(name).is_none())?;
        Some(SelectorError::scheme(&name))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scheme {
            Some(scheme) => write!(f, "{scheme}:{}", self.expression),
            None => f.write_str(&self.expression),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_scheme_stands_before_the_first_colon() {
        for (text, scheme, expression) in [
            ("/mcpServers", None, "/mcpServers"),
            ("json:/a:b", Some(Scheme::Json), "/a:b"),
            ("/json:x", None, "/json:x"),
            ("json:", Some(Scheme::Json), ""),
            ("md:/Guide: more/Install", Some(Scheme::Md), "/Guide: more/Install"),
            ("front", None, "front"),
            ("lines:10,20", Some(Scheme::Lines), "10,20"),
            ("Host a:b", None, "Host a:b"),
            (":x", None, ":x"),
            ("table:Q3", None, "table:Q3"),
            ("title::text", None, "title::text"),
            ("li:nth-child(2)", None, "li:nth-child(2)"),
            ("p:has(b)", None, "p:has(b)"),
            ("a:not(.x):hover", None, "a:not(.x):hover"),
            ("html:li:first-child", Some(Scheme::Html), "li:first-child"),
            ("mark:first-part", Some(Scheme::Mark), "first-part"),
            ("xlsx:rows:Sheet!A1:C6", Some(Scheme::Xlsx), "rows:Sheet!A1:C6"),
        ] {
            let selector: Selector = text.parse().unwrap();
            assert_eq!(selector, Selector { scheme, expression: expression.to_owned() }, "{text}");
            assert_eq!(selector.to_string(), text);
        }
    }

    #[test]
    fn code_is_in_the_language_of_its_file() {
        let own = Selector { scheme: None, expression: "fn:main".to_owned() };
        assert_eq!("code:fn:main".parse(), Ok(own.clone()));
        assert_eq!("fn:main".parse(), Ok(own));
        let rust = Selector { scheme: Some(Scheme::Rust), expression: "fn:main".to_owned() };
        assert_eq!("rust:fn:main".parse(), Ok(rust.clone()));
        assert_eq!("code:rust:fn:main".parse(), Ok(rust));
    }

    #[test]
    fn errors_help() {
        assert_eq!("".parse::<Selector>(), Err(SelectorError::Empty));
        let error = "jsno:/a".parse::<Selector>().unwrap_err().to_string();
        assert!(
            error.starts_with("`jsno` is no scheme (did you mean `json`?); there are json, jsonc, json5, toml"),
            "{error}"
        );
    }

    #[test]
    fn names_are_told_apart() {
        for scheme in Scheme::ALL {
            assert_eq!(Scheme::from_name(scheme.name()), Some(*scheme));
        }
    }
}
