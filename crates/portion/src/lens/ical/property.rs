//! One property: `NAME;PARAMETER=value:value`.

use std::borrow::Cow;

use super::Dialect;

/// A content line, taken apart.
pub(super) struct Property<'a> {
    /// As it is written, with its group.
    pub(super) name: &'a str,
    pub(super) parameters: Vec<Parameter<'a>>,
    /// As it is written.
    pub(super) value: &'a str,
    /// Everything up to and with the colon.
    pub(super) head: &'a str,
}

/// A parameter: its name and its values; none where it has no `=`, as in vCard 2.1.
pub(super) type Parameter<'a> = (&'a str, Option<Vec<Cow<'a, str>>>);

/// Takes a content line apart.
///
/// # Errors
/// Where in the line, and what is wrong.
pub(super) fn parsed(content: &str) -> Result<Property<'_>, (usize, &'static str)> {
    let name_end = content.find([';', ':']).ok_or((content.len(), "expected `:` behind the name of a property"))?;
    let name = &content[..name_end];
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '=' | '"' | ',')) {
        return Err((0, "expected the name of a property"));
    }
    let mut parameters = Vec::new();
    let mut at = name_end;
    while content.as_bytes().get(at) == Some(&b';') {
        let start = at + 1;
        let end = parameter_end(content, start)?;
        parameters.push(parameter(&content[start..end]));
        at = end;
    }
    Ok(Property { name, parameters, value: &content[at + 1..], head: &content[..=at] })
}

/// Where the parameter at `start` ends: before a `;` or `:` outside of quotes.
fn parameter_end(content: &str, start: usize) -> Result<usize, (usize, &'static str)> {
    let mut quoted = false;
    for (at, byte) in content.bytes().enumerate().skip(start) {
        match byte {
            b'"' => quoted = !quoted,
            b';' | b':' if !quoted => return Ok(at),
            _ => {}
        }
    }
    Err((start, "expected `:` behind the parameters of a property"))
}

fn parameter(text: &str) -> Parameter<'_> {
    let Some((name, values)) = text.split_once('=') else { return (text, None) };
    let mut quoted = false;
    let is_comma = |c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    };
    (name, Some(values.split(is_comma).map(unquoted).collect()))
}

/// A parameter's value without its quotes, and without the escapes of RFC 6868.
fn unquoted(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('"').and_then(|inside| inside.strip_suffix('"')).unwrap_or(text);
    if !text.contains('^') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('^') {
        out.push_str(&rest[..at]);
        let (sign, used) = match rest.as_bytes().get(at + 1) {
            Some(b'n') => ('\n', 2),
            Some(b'\'') => ('"', 2),
            Some(b'^') => ('^', 2),
            _ => ('^', 1),
        };
        out.push(sign);
        rest = &rest[at + used..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// A parameter's value as it is written.
pub(super) fn quoted(text: &str) -> String {
    let escaped = text.replace('^', "^^").replace('\n', "^n").replace('"', "^'");
    if escaped.contains([',', ';', ':']) { format!("\"{escaped}\"") } else { escaped }
}

/// The name by which properties are compared: in upper case, its group in lower case.
pub(super) fn canonical(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((group, name)) => format!("{}.{}", group.to_ascii_lowercase(), name.to_ascii_uppercase()),
        None => name.to_ascii_uppercase(),
    }
}

/// Whether a new property may have this name: `[group.]NAME` of letters, digits and hyphens.
pub(super) fn is_name(name: &str) -> bool {
    let is_token = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    name.split('.').count() <= 2 && name.split('.').all(is_token) && !matches!(name, "BEGIN" | "END")
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// As it stands: dates, rules, addresses, lists, and what has parts.
    Raw,
    /// Text with backslashes before `\`, `;`, `,` and for line ends.
    Text,
    /// Text in the encoding of RFC 2045, which is read and not written.
    QuotedPrintable,
}

/// Properties that hold one text (RFC 5545, section 3.8; RFC 7986; RFC 2426 and 6350). Those that begin with `X-` do, too.
const TEXTS: &[&str] = &[
    "ACTION",
    "CALSCALE",
    "CLASS",
    "COLOR",
    "COMMENT",
    "CONTACT",
    "DESCRIPTION",
    "EMAIL",
    "FN",
    "KIND",
    "LABEL",
    "LOCATION",
    "MAILER",
    "METHOD",
    "NAME",
    "NOTE",
    "PRODID",
    "RELATED-TO",
    "ROLE",
    "SORT-STRING",
    "STATUS",
    "SUMMARY",
    "TEL",
    "TITLE",
    "TRANSP",
    "TZID",
    "TZNAME",
    "UID",
    "VERSION",
];

/// The mode of a property, by its name and parameters.
pub(super) fn mode<'t>(
    name: &str,
    parameters: impl IntoIterator<Item = (&'t str, Option<&'t str>)>,
    dialect: Dialect,
) -> Mode {
    let name = canonical(name);
    let name = name.rsplit('.').next().unwrap_or_default();
    let mut mode = match dialect {
        // Backslashes mean themselves there.
        Dialect::Old => Mode::Raw,
        Dialect::Escaped if name.starts_with("X-") || TEXTS.contains(&name) => Mode::Text,
        Dialect::Escaped => Mode::Raw,
    };
    for (parameter, value) in parameters {
        let (parameter, value) = (parameter.to_ascii_uppercase(), value.map(str::to_ascii_uppercase));
        mode = match (parameter.as_str(), value.as_deref()) {
            ("ENCODING", Some("QUOTED-PRINTABLE")) | ("QUOTED-PRINTABLE", None) => return Mode::QuotedPrintable,
            ("ENCODING", Some(_)) => Mode::Raw,
            ("VALUE", Some("TEXT")) => mode,
            ("VALUE", Some(_)) => Mode::Raw,
            _ => mode,
        };
    }
    mode
}

impl Property<'_> {
    pub(super) fn mode(&self, dialect: Dialect) -> Mode {
        let first = |values: &'_ Option<Vec<Cow<'_, str>>>| -> Option<String> {
            values.as_ref().and_then(|values| values.first()).map(|value| value.clone().into_owned())
        };
        let parameters: Vec<(&str, Option<String>)> =
            self.parameters.iter().map(|(name, values)| (*name, first(values))).collect();
        mode(self.name, parameters.iter().map(|(name, value)| (*name, value.as_deref())), dialect)
    }

    /// What the value says.
    ///
    /// # Errors
    /// Quoted-printable in another character set than UTF-8.
    pub(super) fn text(&self, dialect: Dialect) -> Result<Cow<'_, str>, &'static str> {
        match self.mode(dialect) {
            Mode::Raw => Ok(Cow::Borrowed(self.value)),
            Mode::Text => Ok(unescaped(self.value)),
            Mode::QuotedPrintable => {
                let bytes = quoted_printable(self.value.as_bytes());
                let text = String::from_utf8(bytes).map_err(|_| "quoted-printable text that is not UTF-8")?;
                Ok(Cow::Owned(text.replace("\r\n", "\n")))
            }
        }
    }
}

fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let (sign, used) = match rest.as_bytes().get(at + 1) {
            Some(b'n' | b'N') => ('\n', 2),
            Some(sign @ (b'\\' | b';' | b',')) => (char::from(*sign), 2),
            _ => ('\\', 1),
        };
        out.push(sign);
        rest = &rest[at + used..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let byte = match (first, tail) {
            (b'=', [high, low, ..]) => digit(*high).zip(digit(*low)).and_then(|(h, l)| u8::try_from(h * 16 + l).ok()),
            _ => None,
        };
        out.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    out
}

/// `text` as a value is written.
///
/// # Errors
/// What cannot be said.
pub(super) fn encoded(text: &str, mode: Mode) -> Result<String, &'static str> {
    if text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Err("a control character");
    }
    match mode {
        Mode::QuotedPrintable => Err("quoted-printable text, which is read and kept, and not written"),
        Mode::Raw if text.contains('\n') => Err("a line end"),
        Mode::Raw => Ok(text.to_owned()),
        Mode::Text => {
            let mut out = String::with_capacity(text.len() + 8);
            for c in text.chars() {
                match c {
                    '\\' | ';' | ',' => out.extend(['\\', c]),
                    '\n' => out.push_str("\\n"),
                    c => out.push(c),
                }
            }
            Ok(out)
        }
    }
}
