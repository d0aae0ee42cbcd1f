//! Addresses: `[AGENT:]PATH#SELECTOR`.

use std::fmt;
use std::str::FromStr;

use crate::selector::{Selector, SelectorError};

/// A portion's address. Paths are as the user wrote them; the agent that owns the file resolves them.
///
/// Only `[a-z0-9-]+:` at the start is an agent's name. The first unescaped `#` ends the path; in a path, `\#` is a `#`, `\\`
/// a backslash, and `\:` a colon that ends no agent's name. Any other backslash is itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// The agent's name, or `None` for this machine.
    pub agent: Option<String>,
    /// The path, with `~` unresolved.
    pub path: String,
    /// The selector; `None` where only a file is named (`inlay link` then proposes one).
    pub selector: Option<Selector>,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// There is no path.
    #[error("the address `{0}` names no file")]
    NoPath(String),
    /// The part after `#` is no selector.
    #[error("in the address `{address}`")]
    Selector {
        /// The whole address.
        address: String,
        /// What is wrong with its selector.
        source: SelectorError,
    },
}

/// The agent's name, and what stands behind its colon.
fn agent(text: &str) -> Option<(&str, &str)> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    text.split_once(':').filter(|(name, _)| is_name(name))
}

impl FromStr for Address {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (agent, rest) = match agent(text) {
            Some((agent, rest)) => (Some(agent.to_owned()), rest),
            None => (None, text),
        };
        let mut path = String::new();
        let mut selector = None;
        let mut chars = rest.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' if matches!(chars.peek(), Some((_, '#' | '\\' | ':'))) => {
                    if let Some((_, escaped)) = chars.next() {
                        path.push(escaped);
                    }
                }
                '#' => {
                    selector = Some(&rest[at + 1..]);
                    break;
                }
                _ => path.push(c),
            }
        }
        if path.is_empty() {
            return Err(AddressError::NoPath(text.to_owned()));
        }
        let selector = selector
            .map(|s| s.parse().map_err(|source| AddressError::Selector { address: text.to_owned(), source }))
            .transpose()?;
        Ok(Address { agent, path, selector })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(agent) = &self.agent {
            write!(f, "{agent}:")?;
        }
        let path = self.path.replace('\\', "\\\\").replace('#', "\\#");
        match agent(&path) {
            Some((name, rest)) if self.agent.is_none() => write!(f, "{name}\\:{rest}")?,
            _ => f.write_str(&path)?,
        }
        match &self.selector {
            Some(selector) => write!(f, "#{selector}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, agent: Option<&str>, path: &str, selector: Option<&str>) {
        let address: Address = text.parse().unwrap();
        assert_eq!(address.agent.as_deref(), agent, "{text}");
        assert_eq!(address.path, path, "{text}");
        assert_eq!(address.selector.as_ref().map(ToString::to_string).as_deref(), selector, "{text}");
        assert_eq!(address.to_string().parse::<Address>().unwrap(), address, "{text}");
    }

    #[test]
    fn addresses_are_read_as_the_command_line_says() {
        check("~/.claude.json#/mcpServers", None, "~/.claude.json", Some("/mcpServers"));
        check("laptop:~/.claude.json#/mcpServers", Some("laptop"), "~/.claude.json", Some("/mcpServers"));
        check("host-2:a.toml", Some("host-2"), "a.toml", None);
        check("C:\\dir\\a.json#json:/x", None, "C:\\dir\\a.json", Some("json:/x"));
        check("Laptop:a", None, "Laptop:a", None);
        check("./a:b", None, "./a:b", None);
        check("a\\:b", None, "a:b", None);
        check("a\\#b#/c#d", None, "a#b", Some("/c#d"));
        check("a\\\\#/c", None, "a\\", Some("/c"));
        check(":a", None, ":a", None);
    }

    #[test]
    fn errors_help() {
        for (text, expected) in [
            ("", AddressError::NoPath(String::new())),
            ("#/a", AddressError::NoPath("#/a".into())),
            ("laptop:", AddressError::NoPath("laptop:".into())),
            ("laptop:#/a", AddressError::NoPath("laptop:#/a".into())),
            ("a#", AddressError::Selector { address: "a#".into(), source: SelectorError::Empty }),
        ] {
            assert_eq!(text.parse::<Address>(), Err(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn written_then_read(agent in prop::option::of("[a-z0-9-]{1,4}"), path in "[a:#\\\\/é]{1,8}", key in prop::option::of("/[a:#]{0,4}")) {
            let selector = key.map(|key| Selector { scheme: None, expression: key });
            let address = Address { agent, path, selector };
            prop_assert_eq!(address.to_string().parse::<Address>(), Ok(address));
        }
    }
}
