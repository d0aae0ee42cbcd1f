//! What a statement declares: `CREATE`, a kind, and a name.

use super::scan::{Kind, Token};

/// A declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: &'static str,
    /// Without quotes, with dots between its parts.
    pub(super) name: String,
    /// Whether where it ends is not certain.
    pub(super) is_unclear: bool,
}

/// The kinds, as selectors have them.
pub(super) const KINDS: &[&str] = &[
    "table", "view", "index", "fn", "proc", "trigger", "type", "sequence", "schema", "policy", "rule", "event",
    "package", "body", "macro",
];

/// The words that name a kind.
const WORDS: &[(&str, &str)] = &[
    ("table", "table"),
    ("view", "view"),
    ("index", "index"),
    ("function", "fn"),
    ("aggregate", "fn"),
    ("procedure", "proc"),
    ("proc", "proc"),
    ("trigger", "trigger"),
    ("type", "type"),
    ("domain", "type"),
    ("sequence", "sequence"),
    ("schema", "schema"),
    ("policy", "policy"),
    ("rule", "rule"),
    ("event", "event"),
    ("package", "package"),
    ("macro", "macro"),
];

/// What may stand before it.
const BEFORE: &[&str] = &[
    "or",
    "replace",
    "alter",
    "temp",
    "temporary",
    "global",
    "local",
    "unlogged",
    "materialized",
    "recursive",
    "unique",
    "clustered",
    "nonclustered",
    "columnstore",
    "fulltext",
    "spatial",
    "bitmap",
    "constraint",
    "external",
    "foreign",
    "virtual",
    "editionable",
    "noneditionable",
    "force",
    "no",
    "noforce",
    "public",
    "private",
    "transient",
    "volatile",
    "secure",
    "definer",
    "sql",
    "security",
    "invoker",
    "algorithm",
    "undefined",
    "merge",
    "temptable",
    "current_user",
];

/// The declaration that a statement is.
pub(super) fn of(file: &[u8], head: &[Token]) -> Option<Header> {
    let word = |at: usize| head.get(at).filter(|token| token.kind == Kind::Word).map(|token| &file[token.span.clone()]);
    let is = |at: usize, name: &str| word(at).is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()));
    let one_of = |at: usize, names: &[&str]| names.iter().any(|name| is(at, name));
    if !is(0, "create") {
        return None;
    }
    let mut at = 1;
    let kind = loop {
        match WORDS.iter().find(|(name, _)| is(at, name)) {
            // `CREATE AGGREGATE FUNCTION`, `CREATE EVENT TRIGGER`.
            Some(("aggregate" | "event", _)) if one_of(at + 1, &["function", "trigger"]) => {}
            Some((_, kind)) => break *kind,
            // `DEFINER = 'x'@'localhost'`.
            None if one_of(at, BEFORE) || is_definer(head, at, &is) => {}
            None => return None,
        }
        at += 1;
    };
    at += 1;
    let is_body = matches!(kind, "package" | "type") && is(at, "body");
    let kind = if is_body { "body" } else { kind };
    at += usize::from(is_body) + usize::from(is(at, "concurrently"));
    if is(at, "if") {
        at += 1 + usize::from(is(at + 1, "not")) + usize::from(is(at + 2, "exists") || is(at + 1, "exists"));
    }
    if one_of(at, &["on", "as", "authorization"]) && head.get(at + 1).is_some_and(|next| next.kind != Kind::Sign(b'.'))
    {
        return None;
    }
    Some(Header { kind, name: name(file, &head[at.min(head.len())..])?, is_unclear: false })
}

/// Whether a token belongs to what stands behind `DEFINER` or `ALGORITHM`.
fn is_definer(head: &[Token], at: usize, is: &dyn Fn(usize, &str) -> bool) -> bool {
    let is_behind = (at.saturating_sub(6)..at).any(|before| is(before, "definer") || is(before, "algorithm"));
    is_behind && head.get(at).is_some_and(|token| !matches!(token.kind, Kind::Sign(b'.' | b';')))
}

/// The name that stands here.
fn name(file: &[u8], tokens: &[Token]) -> Option<String> {
    let mut name = String::new();
    let mut at = 0;
    loop {
        let token = tokens.get(at)?;
        let text = std::str::from_utf8(&file[token.span.clone()]).ok()?;
        match token.kind {
            Kind::Word => name.push_str(text),
            Kind::Quoted | Kind::Text if text.len() > 1 && !text.starts_with('$') => {
                let quote = &text[..1];
                name.push_str(&text[1..text.len() - 1].replace(&quote.repeat(2), quote));
            }
            Kind::Sign(b'[') => {
                let end = (at + 1..tokens.len()).find(|at| tokens[*at].kind == Kind::Sign(b']'))?;
                name.push_str(std::str::from_utf8(&file[token.span.end..tokens[end].span.start]).ok()?);
                at = end;
            }
            Kind::Sign(b'#') if tokens.get(at + 1).is_some_and(|next| next.span.start == token.span.end) => {
                name.push('#');
                at += 1;
                continue;
            }
            _ => return None,
        }
        let is_part = tokens.get(at + 1).is_some_and(|next| next.kind == Kind::Sign(b'.'));
        if !is_part {
            let is_name = name.contains(char::is_alphanumeric) && !name.contains(char::is_control);
            return is_name.then_some(name);
        }
        name.push('.');
        at += 2;
    }
}

impl Header {
    /// Whether it holds statements.
    pub(super) fn is_routine(&self) -> bool {
        matches!(self.kind, "fn" | "proc" | "trigger" | "event") || self.is_package()
    }

    pub(super) fn is_package(&self) -> bool {
        matches!(self.kind, "package" | "body")
    }
}

/// Whether data follow the statement.
pub(super) fn is_copy(file: &[u8], head: &[Token]) -> bool {
    let is = |token: &Token, word: &str| {
        token.kind == Kind::Word && file[token.span.clone()].eq_ignore_ascii_case(word.as_bytes())
    };
    let from = head.windows(2).any(|two| is(&two[0], "from") && is(&two[1], "stdin"));
    from && head.first().is_some_and(|first| is(first, "copy"))
}
