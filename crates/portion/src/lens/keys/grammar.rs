//! What tells the formats of lines apart, as data; and each format's dialect.

use super::Keys;
use crate::lens::Format;
use crate::selector::Scheme;

/// One format.
pub(super) struct Grammar {
    pub(super) scheme: Scheme,
    pub(super) format: Format,
    /// A line whose first sign is one of these is a comment.
    pub(super) comments: &'static [u8],
    pub(super) headers: Headers,
    pub(super) separator: Separator,
    pub(super) quoting: Quoting,
    /// What a key without a separator means.
    pub(super) bare: Bare,
    /// Keys (and the names of sections, apart from git's subsections and ssh's patterns) are the same in upper and lower case.
    pub(super) folds: bool,
    /// A key may stand several times in a section, and a section several times in a file.
    pub(super) repeats: bool,
    /// A new line, where no neighbour shows how: before the key, and between key and value.
    pub(super) new_line: (&'static str, &'static str),
    /// Sections are set off by blank lines, where the file does not show how.
    pub(super) blank_before_section: bool,
}

/// How sections begin.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Headers {
    None,
    /// `[name]`
    Brackets,
    /// `[name]`, `[name "subsection"]`, `[name.subsection]`
    Git,
    /// `Host patterns`, `Match criteria`
    Ssh,
}

/// What stands between key and value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    /// The first of these signs; blanks around it. The key is everything before it.
    Sign(&'static [u8]),
    /// `=`; the key is a name of letters, digits and these signs.
    Name(&'static [u8]),
    /// Blanks, or one of these signs with blanks around it.
    Blank(&'static [u8]),
}

/// How values are written: where they end, how they are quoted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoting {
    /// Python's: as it stands; lines that are indented deeper than the key continue it.
    Indented,
    /// systemd's: as it stands; a backslash at the end of the line continues it.
    Backslash,
    /// git's double quotes and escapes.
    Git,
    /// An env file's single and double quotes.
    Env,
    /// OpenSSH's double quotes around one argument.
    Ssh,
    /// Java's escapes.
    Java,
    /// The escapes of desktop entries.
    Desktop,
    /// Names of a host.
    Names,
}

/// What a key without a separator means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bare {
    Null,
    Text(&'static str),
}

/// The dialect of Python's `configparser` without interpolation, with keys as they are written: comments are whole lines that begin
/// with `#` or `;` (behind a value such a sign is part of it); `=` or `:` separates; lines that are indented deeper than their key
/// continue its value, blank lines and comments between them included. Keys may stand before the first section, and without a value.
/// A key that stands twice in a section, or a section that stands twice, has no value.
///
/// A line end can be put into a value only where the file has a continued value: many programs that read such files know none.
pub(crate) const INI: Keys = Keys {
    grammar: Grammar {
        scheme: Scheme::Ini,
        format: Format::Ini,
        comments: b"#;",
        headers: Headers::Brackets,
        separator: Separator::Sign(b"=:"),
        quoting: Quoting::Indented,
        bare: Bare::Null,
        folds: false,
        repeats: false,
        new_line: ("", " = "),
        blank_before_section: true,
    },
};

/// What shells and the dotenv programs agree on: `KEY=value`, perhaps behind `export`; blanks around `=` are tolerated. Text in single
/// quotes is literal; in double quotes `\n`, `\r`, `\t`, `\"`, `\\` and `` \` `` are escapes; both may go over several lines. Without quotes a value ends
/// before a blank and `#`. Nothing is expanded: `$X` and `\$` stand for themselves.
///
/// What is put is written so that a shell (`. ./file`), the dotenv programs and this lens read the same: in single quotes where it has
/// `$`, `` ` ``, `\`, `"` or line ends, which stay line ends; in double quotes where it has a single quote. Text that neither kind says to all of
/// them (a single quote beside `$`; a carriage return) is refused. Two things stay as they stand: a `$X` that stands without quotes or in
/// double quotes already is meant to be expanded, and text without quotes keeps the signs that it has. python-dotenv
/// expands `${X}` even in single quotes unless it is told `interpolate=False`; no way of writing it stops that.
pub(crate) const ENV: Keys = Keys {
    grammar: Grammar {
        scheme: Scheme::Env,
        format: Format::Env,
        comments: b"#",
        headers: Headers::None,
        separator: Separator::Name(b"_.-"),
        quoting: Quoting::Env,
        bare: Bare::Null,
        folds: false,
        repeats: false,
        new_line: ("", "="),
        blank_before_section: false,
    },
};

/// git-config(1), "Syntax". Sections and keys are the same in upper and lower case, subsections are not: `/remote/origin/url`. A key without
/// `=` is `true`. A key and a subsection of one name have no value.
pub(crate) const GIT_CONFIG: Keys = Keys {
    grammar: Grammar {
        scheme: Scheme::GitConfig,
        format: Format::GitConfig,
        comments: b"#;",
        headers: Headers::Git,
        separator: Separator::Name(b"-"),
        quoting: Quoting::Git,
        bare: Bare::Text("true"),
        folds: true,
        repeats: true,
        new_line: ("\t", " = "),
        blank_before_section: false,
    },
};

/// ssh_config(5). A block is a section, named as its line is written with single blanks: `/Host github.com/HostName`, `/Match all/User`; what
/// stands before the first block is `/Keyword`. Keywords are the same in upper and lower case. A value is all of a keyword's arguments as they are
/// written; double quotes around an only one are taken off if there is no blank in it. Since the first value that matches wins, a new block goes before `Host *` and `Match all`.
pub(crate) const SSH_CONFIG: Keys = Keys {
    grammar: Grammar {
        scheme: Scheme::SshConfig,
        format: Format::SshConfig,
        comments: b"#",
        headers: Headers::Ssh,
        separator: Separator::Blank(b"="),
        quoting: Quoting::Ssh,
        bare: Bare::Null,
        folds: true,
        repeats: true,
        new_line: ("    ", " "),
        blank_before_section: true,
    },
};

/// hosts(5). `/address` or `/name` is a line. The value is a map from addresses to the names, joined by single blanks.
pub(crate) const HOSTS: Keys = Keys {
    grammar: Grammar {
        scheme: Scheme::Hosts,
        format: Format::Hosts,
        comments: b"#",
        headers: Headers::None,
        separator: Separator::Blank(b""),
        quoting: Quoting::Names,
        bare: Bare::Null,
        folds: false,
        repeats: true,
        new_line: ("", " "),
        blank_before_section: false,
    },
};

/// systemd.syntax(7). A backslash at the end of a line continues the value and reads as a blank; comments between are skipped.
/// Quotes, specifiers and escapes belong to each key and are left as they are.
pub(crate) const SYSTEMD: Keys = Keys {
    grammar: Grammar {
        scheme: Scheme::Systemd,
        format: Format::Systemd,
        comments: b"#;",
        headers: Headers::Brackets,
        separator: Separator::Sign(b"="),
        quoting: Quoting::Backslash,
        bare: Bare::Null,
        folds: false,
        repeats: true,
        new_line: ("", "="),
        blank_before_section: true,
    },
};

/// Desktop Entry Specification 1.5: `/Desktop Entry/Name`, `/Desktop Entry/Name[de]`, `/Desktop Action new/Exec`. In a value `\s`, `\n`, `\t`, `\r` and
/// `\\` are escapes. A list is its text, with `;` and `\;` as they are written; the quotes of `Exec` are part of it. A line end can be said.
pub(crate) const DESKTOP: Keys = Keys {
    grammar: Grammar {
        scheme: Scheme::Desktop,
        format: Format::Desktop,
        comments: b"#",
        headers: Headers::Brackets,
        separator: Separator::Sign(b"="),
        quoting: Quoting::Desktop,
        bare: Bare::Null,
        folds: false,
        repeats: false,
        new_line: ("", "="),
        blank_before_section: true,
    },
};

/// `java.util.Properties.load`, of text in UTF-8: `=`, `:` or a blank separates, a backslash continues a line, `\uXXXX` and the other escapes are
/// read. New text beyond ASCII is escaped, unless the file holds such text already.
pub(crate) const PROPERTIES: Keys = Keys {
    grammar: Grammar {
        scheme: Scheme::Properties,
        format: Format::Properties,
        comments: b"#!",
        headers: Headers::None,
        separator: Separator::Blank(b"=:"),
        quoting: Quoting::Java,
        bare: Bare::Text(""),
        folds: false,
        repeats: false,
        new_line: ("", "="),
        blank_before_section: false,
    },
};
