//! Selectors: `[SCHEME:]EXPRESSION`, which portion of a file is meant.

use std::fmt;
use std::str::FromStr;

use crate::lens::Lens;

/// A way of addressing portions: one for each format or family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// JSON Pointer (RFC 6901) into RFC 8259 JSON.
    Json,
    /// JSON Pointer into JSON with comments and trailing commas.
    Jsonc,
    /// JSON Pointer into TOML 1.1.
    Toml,
    /// JSON Pointer into YAML 1.2.
    Yaml,
    /// `/section/key` of an ini file.
    Ini,
    /// `/KEY` of an env file.
    Env,
    /// `/section/key` or `/section/subsection/key` of a git configuration.
    GitConfig,
    /// `/Host NAME/Keyword` of an ssh client configuration.
    SshConfig,
    /// `/address` or `/name` of a hosts file.
    Hosts,
    /// `/Section/Key` of a systemd unit.
    Systemd,
    /// `/key` of a Java properties file.
    Properties,
    /// `/Heading/Sub-heading`, or `front`, of a Markdown file.
    Md,
    /// The lines between `inlay:begin NAME` and `inlay:end NAME` in any text file.
    Mark,
    /// `10,20`: lines by RFC 5147 (positions between lines, counted from 0).
    Lines,
    /// `0-4095`: bytes by RFC 9110 (both ends included).
    Bytes,
}

/// Which portion of a file is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Selector {
    /// The scheme, where it was written; otherwise the file's name or content tells it.
    pub scheme: Option<Scheme>,
    /// The expression, in the scheme's own syntax.
    pub expression: String,
}

/// Why a text is no selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// Nothing stands after the `#`.
    #[error("the selector is empty")]
    Empty,
}

impl Scheme {
    /// All schemes, in the order in which help texts list them.
    pub const ALL: &'static [Scheme] = &[
        Scheme::Json,
        Scheme::Jsonc,
        Scheme::Toml,
        Scheme::Yaml,
        Scheme::Ini,
        Scheme::Env,
        Scheme::GitConfig,
        Scheme::SshConfig,
        Scheme::Hosts,
        Scheme::Systemd,
        Scheme::Properties,
        Scheme::Md,
        Scheme::Mark,
        Scheme::Lines,
        Scheme::Bytes,
    ];

    /// The name that stands before the colon.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Json => "json",
            Scheme::Jsonc => "jsonc",
            Scheme::Toml => "toml",
            Scheme::Yaml => "yaml",
            Scheme::Ini => "ini",
            Scheme::Env => "env",
            Scheme::GitConfig => "gitconfig",
            Scheme::SshConfig => "ssh_config",
            Scheme::Hosts => "hosts",
            Scheme::Systemd => "systemd",
            Scheme::Properties => "properties",
            Scheme::Md => "md",
            Scheme::Mark => "mark",
            Scheme::Lines => "lines",
            Scheme::Bytes => "bytes",
        }
    }

    /// The lens that this scheme addresses.
    pub fn lens(self) -> &'static dyn Lens {
        crate::lens::registered(self)
    }

    /// The scheme for a file that names none: by its path's last component, then by the first bytes of its content.
    /// `None` where neither tells; marker, line and byte selectors then need their scheme written.
    pub fn detect(_path: &str, _content: &[u8]) -> Option<Scheme> {
        None
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
        if let Some((name, rest)) = text.split_once(':')
            && let Some(scheme) = Scheme::ALL.iter().find(|s| s.name() == name)
        {
            return Ok(Selector { scheme: Some(*scheme), expression: rest.to_owned() });
        }
        Ok(Selector { scheme: None, expression: text.to_owned() })
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
