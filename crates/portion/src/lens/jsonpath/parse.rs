//! Reading a query: the grammar of RFC 9535, appendix A, and its rules for types (section 2.4.3).

use super::query::{Operand, Query, Relation, Segment, Selector, Test};
use crate::value::{Number, Value};

/// Filters in filters, and parentheses, at most.
const MAX_NESTING: usize = 32;
/// The largest integer, RFC 7493.
const LARGEST: i64 = (1 << 53) - 1;

/// The query that a text is.
///
/// # Errors
/// What is wrong, and at which character.
pub(super) fn query(text: &str) -> Result<Query, String> {
    let mut parser = Parser { text, at: 0, nesting: 0 };
    if !parser.takes('$') {
        return Err("a path begins with `$`, as in `$.users[?@.id=='k1'].city`".to_owned());
    }
    let segments = parser.segments()?;
    if parser.at < text.len() {
        return Err(parser.wrong("expected `.`, `..` or `[`"));
    }
    Ok(Query { is_absolute: true, segments })
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    nesting: usize,
}

/// What a function, a query or a literal says in a filter.
enum Said {
    Operand(Operand),
    /// A query that may find several nodes.
    Nodes(Query),
    Test(Test),
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn takes(&mut self, sign: char) -> bool {
        let taken = self.rest().starts_with(sign);
        if taken {
            self.at += sign.len_utf8();
        }
        taken
    }

    fn takes_text(&mut self, text: &str) -> bool {
        let taken = self.rest().starts_with(text);
        if taken {
            self.at += text.len();
        }
        taken
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    /// The error that something else should stand here.
    fn wrong(&self, expected: &str) -> String {
        let character = self.text[..self.at].chars().count() + 1;
        match self.peek() {
            Some(found) => format!("at character {character}: {expected}, found `{found}`"),
            None => format!("at the end: {expected}"),
        }
    }

    fn expect(&mut self, sign: char) -> Result<(), String> {
        if self.takes(sign) { Ok(()) } else { Err(self.wrong(&format!("expected `{sign}`"))) }
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        if self.nesting == MAX_NESTING {
            return Err(self.wrong("filters and parentheses are nested too deeply"));
        }
        self.nesting += 1;
        let done = read(self);
        self.nesting -= 1;
        done
    }

    fn segments(&mut self) -> Result<Vec<Segment>, String> {
        let mut segments = Vec::new();
        loop {
            let before = self.at;
            self.blanks();
            let descends = self.takes_text("..");
            let selectors = if self.rest().starts_with('[') {
                self.bracketed()?
            } else if descends || self.takes('.') {
                vec![self.shorthand()?]
            } else {
                self.at = before;
                return Ok(segments);
            };
            segments.push(Segment { descends, selectors });
        }
    }

    /// `*` or a name, behind a dot.
    fn shorthand(&mut self) -> Result<Selector, String> {
        if self.takes('*') {
            return Ok(Selector::Wildcard);
        }
        let is_first = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
        let rest = self.rest();
        let end = rest.find(|c: char| !is_first(c) && !c.is_ascii_digit()).unwrap_or(rest.len());
        if !rest.starts_with(is_first) {
            return Err(self.wrong("expected a name or `*`; other names are written `['a-b']`"));
        }
        self.at += end;
        Ok(Selector::Name(rest[..end].to_owned()))
    }

    fn bracketed(&mut self) -> Result<Vec<Selector>, String> {
        self.expect('[')?;
        let mut selectors = Vec::new();
        loop {
            self.blanks();
            selectors.push(self.selector()?);
            self.blanks();
            if self.takes(']') {
                return Ok(selectors);
            }
            if !self.takes(',') {
                return Err(self.wrong("expected `,` or `]`"));
            }
        }
    }

    fn selector(&mut self) -> Result<Selector, String> {
        match self.peek() {
            Some('\'' | '"') => Ok(Selector::Name(self.string()?)),
            Some('*') => {
                self.at += 1;
                Ok(Selector::Wildcard)
            }
            Some('?') => {
                self.at += 1;
                self.blanks();
                Ok(Selector::Filter(self.nested(Self::any)?))
            }
            Some(':' | '-' | '0'..='9') => self.index_or_slice(),
            _ => Err(self.wrong("expected a name in quotes, a number, `*` or `?`")),
        }
    }

    fn index_or_slice(&mut self) -> Result<Selector, String> {
        let start = self.integer()?;
        let before = self.at;
        self.blanks();
        if !self.takes(':') {
            self.at = before;
            return start.map(Selector::Index).ok_or_else(|| self.wrong("expected a number"));
        }
        self.blanks();
        let end = self.integer()?;
        let before = self.at;
        self.blanks();
        let mut step = None;
        if self.takes(':') {
            let before = self.at;
            self.blanks();
            step = self.integer()?;
            if step.is_none() {
                self.at = before;
            }
        } else {
            self.at = before;
        }
        Ok(Selector::Slice { start, end, step: step.unwrap_or(1) })
    }

    /// A whole number without leading zeros, if one stands here.
    fn integer(&mut self) -> Result<Option<i64>, String> {
        let rest = self.rest();
        let sign = usize::from(rest.starts_with('-'));
        let digits = rest[sign..].bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return if sign == 0 { Ok(None) } else { Err(self.wrong("expected a number")) };
        }
        let written = &rest[..sign + digits];
        if written.starts_with("-0") || (digits > 1 && written.starts_with('0')) {
            return Err(self.wrong("numbers have no leading zeros"));
        }
        match written.parse::<i64>() {
            Ok(number) if number.abs() <= LARGEST => {
                self.at += written.len();
                Ok(Some(number))
            }
            _ => Err(self.wrong("the number is too large")),
        }
    }

    fn string(&mut self) -> Result<String, String> {
        let Some(quote) = self.peek() else { return Err(self.wrong("expected a text in quotes")) };
        self.at += 1;
        let mut out = String::new();
        loop {
            let Some(sign) = self.peek() else { return Err(self.wrong(&format!("expected `{quote}`"))) };
            if sign < ' ' {
                return Err(self.wrong("a control character in quotes is written as an escape"));
            }
            self.at += sign.len_utf8();
            match sign {
                '\\' => out.push(self.escape(quote)?),
                sign if sign == quote => return Ok(out),
                sign => out.push(sign),
            }
        }
    }

    fn escape(&mut self, quote: char) -> Result<char, String> {
        let sign = self.peek();
        let plain = match sign {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('/') => '/',
            Some('\\') => '\\',
            Some(sign) if sign == quote => quote,
            Some('u') => {
                self.at += 1;
                let first = self.hex()?;
                let code = match first {
                    0xD800..=0xDBFF => {
                        let second = if self.takes_text("\\u") { self.hex()? } else { 0 };
                        if !(0xDC00..=0xDFFF).contains(&second) {
                            return Err(self.wrong("half of a surrogate pair"));
                        }
                        0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)
                    }
                    other => other,
                };
                return char::from_u32(code).ok_or_else(|| self.wrong("half of a surrogate pair"));
            }
            _ => return Err(self.wrong("expected an escape")),
        };
        self.at += 1;
        Ok(plain)
    }

    fn hex(&mut self) -> Result<u32, String> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.wrong("expected four hexadecimal digits"))?;
        self.at += 4;
        Ok(code)
    }

    fn any(&mut self) -> Result<Test, String> {
        let mut tests = vec![self.all()?];
        while self.takes_behind_blanks("||") {
            tests.push(self.all()?);
        }
        Ok(if tests.len() == 1 { tests.remove(0) } else { Test::Any(tests) })
    }

    fn all(&mut self) -> Result<Test, String> {
        let mut tests = vec![self.basic()?];
        while self.takes_behind_blanks("&&") {
            tests.push(self.basic()?);
        }
        Ok(if tests.len() == 1 { tests.remove(0) } else { Test::All(tests) })
    }

    /// Takes an operator with the blanks around it.
    fn takes_behind_blanks(&mut self, text: &str) -> bool {
        let before = self.at;
        self.blanks();
        let taken = self.takes_text(text);
        if taken {
            self.blanks();
        } else {
            self.at = before;
        }
        taken
    }

    fn basic(&mut self) -> Result<Test, String> {
        let is_negated = self.takes('!');
        if is_negated {
            self.blanks();
        }
        let negated = |test: Test| if is_negated { Test::Not(Box::new(test)) } else { test };
        if self.takes('(') {
            self.blanks();
            let test = self.nested(Self::any)?;
            self.blanks();
            self.expect(')')?;
            return Ok(negated(test));
        }
        let start = self.at;
        let left = self.said()?;
        let Some(relation) = self.relation() else {
            return match left {
                Said::Test(test) => Ok(negated(test)),
                Said::Nodes(query) | Said::Operand(Operand::Node(query)) => Ok(negated(Test::Exists(query))),
                Said::Operand(_) => {
                    self.at = start;
                    Err(self.wrong("a value alone is no question: compare it"))
                }
            };
        };
        if is_negated {
            return Err(self.wrong("a comparison is negated in parentheses, `!(…)`"));
        }
        let left = self.operand(left, start)?;
        let start = self.at;
        let right = self.said()?;
        Ok(Test::Compare(left, relation, self.operand(right, start)?))
    }

    /// What can be compared.
    fn operand(&mut self, said: Said, start: usize) -> Result<Operand, String> {
        if let Said::Operand(operand) = said {
            return Ok(operand);
        }
        self.at = start;
        Err(self.wrong(match said {
            Said::Nodes(_) => "only a path of names and numbers can be compared",
            _ => "a question cannot be compared",
        }))
    }

    fn relation(&mut self) -> Option<Relation> {
        const RELATIONS: [(&str, Relation); 6] = [
            ("==", Relation::Equal),
            ("!=", Relation::NotEqual),
            ("<=", Relation::LessOrEqual),
            (">=", Relation::GreaterOrEqual),
            ("<", Relation::Less),
            (">", Relation::Greater),
        ];
        RELATIONS.iter().find(|(text, _)| self.takes_behind_blanks(text)).map(|(_, relation)| *relation)
    }

    /// A literal, a query or a function.
    fn said(&mut self) -> Result<Said, String> {
        let literal = |value| Ok(Said::Operand(Operand::Literal(value)));
        match self.peek() {
            Some(sign @ ('@' | '$')) => {
                self.at += 1;
                let query = Query { is_absolute: sign == '$', segments: self.segments()? };
                Ok(if query.is_singular() { Said::Operand(Operand::Node(query)) } else { Said::Nodes(query) })
            }
            Some('\'' | '"') => literal(Value::String(self.string()?)),
            Some('-' | '0'..='9') => literal(Value::Number(self.number()?)),
            Some('a'..='z') => {
                let rest = self.rest();
                let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
                let name = &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())];
                if rest[name.len()..].starts_with('(') {
                    return self.nested(|parser| parser.function(name));
                }
                let value = match name {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    "null" => Value::Null,
                    _ => return Err(self.wrong("expected `@`, `$`, a value or a function")),
                };
                self.at += name.len();
                literal(value)
            }
            _ => Err(self.wrong("expected `@`, `$`, a value or a function")),
        }
    }

    fn number(&mut self) -> Result<Number, String> {
        let rest = self.rest();
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let mut end = usize::from(rest.starts_with('-'));
        let whole = digits(&rest[end..]);
        if whole == 0 || (whole > 1 && rest[end..].starts_with('0')) {
            return Err(self.wrong("expected a number without leading zeros"));
        }
        end += whole;
        if rest[end..].starts_with('.') {
            let fraction = digits(&rest[end + 1..]);
            if fraction == 0 {
                return Err(self.wrong("a number ends too early"));
            }
            end += 1 + fraction;
        }
        if rest[end..].starts_with(['e', 'E']) {
            let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
            let exponent = digits(&rest[end + 1 + sign..]);
            if exponent == 0 {
                return Err(self.wrong("a number ends too early"));
            }
            end += 1 + sign + exponent;
        }
        self.at += end;
        Ok(Number::new(&rest[..end]))
    }

    fn function(&mut self, name: &str) -> Result<Said, String> {
        let count = match name {
            "length" | "count" | "value" => 1,
            "match" | "search" => 2,
            _ => return Err(self.wrong("there are the functions length, count, value, match and search")),
        };
        self.at += name.len() + 1;
        let mut arguments = Vec::new();
        self.blanks();
        while !self.takes(')') {
            if !arguments.is_empty() && !self.takes(',') {
                return Err(self.wrong("expected `,` or `)`"));
            }
            self.blanks();
            arguments.push((self.at, self.said()?));
            self.blanks();
        }
        if arguments.len() != count {
            return Err(self.wrong(&format!("`{name}` takes {count} arguments, not {}", arguments.len())));
        }
        let mut arguments = arguments.into_iter();
        let mut next = || arguments.next().ok_or_else(String::new);
        let (start, first) = next()?;
        Ok(match name {
            "length" => Said::Operand(Operand::Length(Box::new(self.operand(first, start)?))),
            "count" | "value" => {
                let (Said::Nodes(query) | Said::Operand(Operand::Node(query))) = first else {
                    self.at = start;
                    return Err(self.wrong(&format!("`{name}` takes a path")));
                };
                Said::Operand(if name == "count" { Operand::Count(query) } else { Operand::ValueOf(query) })
            }
            _ => {
                let (second_start, second) = next()?;
                Said::Test(Test::Matches {
                    whole: name == "match",
                    subject: self.operand(first, start)?,
                    pattern: self.operand(second, second_start)?,
                })
            }
        })
    }
}
