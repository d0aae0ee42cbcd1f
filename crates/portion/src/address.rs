//! Addresses: `[AGENT:]PATH#SELECTOR`.

use std::fmt;
use std::str::FromStr;

use crate::selector::{Selector, SelectorError};

/// A portion's address. Paths are as the user wrote them; the agent that owns the file resolves them.
///
/// Only `[a-z0-9-]+:` at the start is an agent's name. The first unescaped `#` ends the path; `\#` is a `#` in a path and
/// `\\` a backslash before one.
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

impl FromStr for Address {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (agent, rest) = match text.split_once(':') {
            Some((name, rest))
                if !name.is_empty()
                    && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') =>
            {
                (Some(name.to_owned()), rest)
            }
            _ => (None, text),
        };
        let mut path = String::new();
        let mut selector = None;
        let mut chars = rest.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' if matches!(chars.peek(), Some((_, '#' | '\\'))) => {
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
        f.write_str(&self.path.replace('\\', "\\\\").replace('#', "\\#"))?;
        match &self.selector {
            Some(selector) => write!(f, "#{selector}"),
            None => Ok(()),
        }
    }
}
