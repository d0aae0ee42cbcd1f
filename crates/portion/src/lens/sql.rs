//! Scripts of SQL, in any dialect, by what their statements declare: tables, views, indexes, functions, procedures, triggers.
//!
//! # Addresses
//! `table:public.users`, `fn:add`: a kind, and a name without its quotes, with dots between its parts. Where several have one name
//! (overloads), `fn:add[2]` is the second of them, as long as nobody adds one before it.
//!
//! # Fragments
//! The statement's lines as they stand, with the comments directly above it (no blank line between). What ends it belongs to it, `GO` on its own
//! line does not.
//!
//! # What is put
//! One statement of the same kind and name. Dialects differ in everything but where statements end: that is what is read ([`scan`]), and all
//! others must be there as before. Whether a database takes it, only a database knows.
//!
//! # The embedding
//! The value is a string: the text without its last line end.

mod header;
mod scan;
mod selector;

use std::collections::BTreeMap;

use self::header::Header;
use self::scan::{Dialect, Piece, What};
use self::selector::{Asked, parsed};
use super::{Edit, Fragment, Item, Lens, LensError, MAX_PORTION, Position, Span, Syntax, apply, body, lines};
use crate::registry::Format;
use crate::value::Value;

/// The lens and the syntax.
pub(crate) struct Sql;

/// So many portions that are none are told at most.
const MAX_OMITTED: usize = 50;

/// A statement that declares something.
struct Declared {
    header: Header,
    /// With the comments above it, and whole lines if [`Declared::is_whole`].
    span: Span,
    is_whole: bool,
}

/// A script and its declarations.
struct Script<'a> {
    file: &'a [u8],
    pieces: Vec<Piece>,
    dialect: Dialect,
    declared: Vec<Declared>,
}

impl<'a> Script<'a> {
    fn read(file: &'a [u8]) -> Result<Script<'a>, LensError> {
        let (pieces, dialect) = scan::pieces(file)?;
        let mut declared = Vec::new();
        for (at, piece) in pieces.iter().enumerate() {
            let What::Statement(Some(header)) = &piece.what else { continue };
            let mut start = piece.span.start;
            for above in pieces[..at].iter().rev() {
                if above.what != What::Comment || !touches(&file[above.span.end..start]) {
                    break;
                }
                // A comment behind other code is about that.
                let Some(line) = line_start(file, above.span.start) else { break };
                start = line;
            }
            let whole = whole_lines(file, &(start..piece.span.end), pieces.get(at + 1));
            let is_whole = whole.is_some();
            let span = whole.unwrap_or(start..piece.span.end);
            declared.push(Declared { header: header.clone(), span, is_whole });
        }
        Ok(Script { file, pieces, dialect, declared })
    }

    /// All of that kind and name.
    fn all(&self, asked: &Asked) -> Vec<&Declared> {
        self.declared.iter().filter(|one| one.header.kind == asked.kind && one.header.name == asked.name).collect()
    }

    fn found(&self, expression: &str) -> Result<&Declared, LensError> {
        let asked = parsed(expression)?;
        let all = self.all(&asked);
        match (&all[..], asked.nth) {
            ([only], None) => self.checked(only, expression),
            (several, Some(nth)) if several.len() >= nth => self.checked(several[nth - 1], expression),
            ([_, ..], None) => Err(LensError::Ambiguous {
                selector: expression.to_owned(),
                lines: body::line_numbers(self.file, all.iter().map(|one| one.span.start)),
            }),
            _ => Err(LensError::missing(
                expression,
                self.declared.iter().map(|one| selector::written(one.header.kind, &one.header.name)),
            )),
        }
    }

    /// Refuses what cannot be told from what is around it.
    fn checked<'s>(&self, one: &'s Declared, expression: &str) -> Result<&'s Declared, LensError> {
        let line = || Position::at(self.file, one.span.start).line;
        if one.header.is_unclear {
            return Err(LensError::Refused(format!(
                "where `{expression}` ends is not clear (line {}): it holds statements that are not between `BEGIN` and `END`; a line `GO` \
                 or `/` behind it, or `DELIMITER`, would tell",
                line()
            )));
        }
        if !one.is_whole {
            return Err(LensError::Refused(format!(
                "`{expression}` shares its lines with other code (line {}); a portion is whole lines",
                line()
            )));
        }
        if one.span.len() > MAX_PORTION {
            return Err(LensError::TooLarge(format!("`{expression}` has {} bytes", one.span.len())));
        }
        Ok(one)
    }

    /// The selector of each declaration.
    fn selectors(&self) -> Vec<String> {
        let written: Vec<String> =
            self.declared.iter().map(|one| selector::written(one.header.kind, &one.header.name)).collect();
        let mut counts = BTreeMap::<&str, (usize, usize)>::new();
        for selector in &written {
            counts.entry(selector).or_default().0 += 1;
        }
        let mut numbered = |selector: &String| match counts.get_mut(&selector[..]) {
            Some((all, nth)) if *all > 1 => {
                *nth += 1;
                format!("{selector}[{nth}]")
            }
            _ => selector.clone(),
        };
        written.iter().map(&mut numbered).collect()
    }

    /// The plan, if all statements around are there as before, and what was put is the portion, with a line that ends it where one was added.
    fn guarded(
        &self,
        asked: &Asked,
        span: &Span,
        edits: Vec<Edit>,
        line: Option<&[u8]>,
    ) -> Result<Vec<Edit>, LensError> {
        let (Some(first), Some(last)) = (edits.first(), edits.last()) else { return Ok(edits) };
        let old = span.start.min(first.span.start)..span.end.max(last.span.end);
        let written = apply::splice(self.file, &edits)?;
        let new = old.start..(old.end + written.len()).saturating_sub(self.file.len());
        let unsound = |error| match error {
            LensError::Unparsable { at, found } => {
                LensError::Refused(format!("afterwards the file would not parse at {at}: {found}"))
            }
            other => other,
        };
        let after = Script::read(&written).map_err(unsound)?;
        // What does not end by the standard's rules makes no script MySQL's that was none.
        if let (Dialect::Standard, Dialect::PerhapsMysql(error)) = (&self.dialect, after.dialect) {
            return Err(unsound(error));
        }
        let (before, _) = outside(&self.pieces, &old);
        let (behind, mut inside) = outside(&after.pieces, &new);
        if line.is_some_and(|line| inside.last().is_some_and(|last| written[last.span.clone()] == *line)) {
            inside.pop();
        }
        let moved = |piece: &Piece| {
            let at = |at: usize, moves: bool| if moves { at - old.end + new.end } else { at };
            let Span { start, end } = piece.span;
            // What ends where something comes in does not go on behind it.
            let span = at(start, start >= old.end)..at(end, end >= old.end && end > old.start);
            Piece { what: piece.what.clone(), span }
        };
        let is_same = before.len() == behind.len() && before.iter().zip(&behind).all(|(old, new)| moved(old) == **new);
        if !new.is_empty() {
            check_one(&written, &inside, asked, is_same)?;
        }
        if !is_same {
            return Err(LensError::Refused("what stands around would be read otherwise".to_owned()));
        }
        Ok(edits)
    }
}

/// Refuses what is not one statement that declares what is asked for, and its comments.
fn check_one(written: &[u8], inside: &[&Piece], asked: &Asked, is_same: bool) -> Result<(), LensError> {
    let wanted = selector::written(asked.kind, &asked.name);
    let refused = |why: String| Err(LensError::Refused(why));
    let statements: Vec<&&Piece> = inside.iter().filter(|piece| piece.what != What::Comment).collect();
    match statements[..] {
        [Piece { what: What::Statement(Some(header)), span }]
            if header.kind == asked.kind && header.name == asked.name =>
        {
            if header.is_unclear {
                return refused(format!("where the fragment's `{wanted}` ends is not clear"));
            }
            let last = inside.last().map_or(span.end, |last| last.span.end);
            let is_behind = last > span.end && memchr::memchr(b'\n', &written[span.end..last]).is_some();
            if is_behind {
                return refused(format!("the fragment is more than `{wanted}`: a comment stands behind it"));
            }
            Ok(())
        }
        [Piece { what: What::Statement(Some(header)), .. }] => refused(format!(
            "the fragment is `{}`, and the portion `{wanted}`: with another name it is another portion",
            selector::written(header.kind, &header.name)
        )),
        [] | [_] if !is_same => refused(format!(
            "the fragment is no `{wanted}` that ends with its lines: end it as the statements around are, mostly with `;`"
        )),
        [] | [_] => refused(format!("the fragment is no `{wanted}`")),
        _ => refused(format!("the fragment is more than `{wanted}`: it holds several statements")),
    }
}

/// The pieces that are not within the span, and those that are.
fn outside<'p>(pieces: &'p [Piece], span: &Span) -> (Vec<&'p Piece>, Vec<&'p Piece>) {
    pieces.iter().partition(|piece| piece.span.start < span.start || piece.span.end > span.end)
}

/// Whether nothing but blanks and at most one line end stand between.
fn touches(between: &[u8]) -> bool {
    between.iter().all(u8::is_ascii_whitespace) && memchr::memchr_iter(b'\n', between).count() <= 1
}

/// Where the line begins, if only blanks stand before `at`.
fn line_start(file: &[u8], at: usize) -> Option<usize> {
    let first = body::bom(file);
    let blanks = file[first..at].iter().rev().take_while(|b| matches!(b, b' ' | b'\t' | 0x0c)).count();
    let start = at - blanks;
    (start == first || file[start - 1] == b'\n').then_some(start)
}

/// The lines of `span`, if nothing else stands on them but a comment at the end.
fn whole_lines(file: &[u8], span: &Span, next: Option<&Piece>) -> Option<Span> {
    let start = line_start(file, span.start)?;
    let blanks = |from: usize| from + file[from..].iter().take_while(|b| matches!(b, b' ' | b'\t' | 0x0c)).count();
    let mut at = blanks(span.end);
    if let Some(comment) = next.filter(|next| next.what == What::Comment && next.span.start == at) {
        at = blanks(comment.span.end);
    }
    match &file[at..] {
        [] => Some(start..at),
        [b'\n', ..] => Some(start..at + 1),
        [b'\r', b'\n', ..] => Some(start..at + 2),
        _ => None,
    }
}

fn check_format(fragment: &Fragment, expression: &str) -> Result<(), LensError> {
    if fragment.format == Format::Sql {
        return Ok(());
    }
    Err(LensError::Refused(format!("`{expression}` holds {}, not {}", Format::Sql, fragment.format)))
}

impl Lens for Sql {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        let script = Script::read(file)?;
        let one = script.found(expression)?;
        Ok(Fragment { format: Format::Sql, text: body::taken(&file[one.span.clone()], b"") })
    }

    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let script = Script::read(file)?;
        let span = script.found(expression)?.span.clone();
        check_format(fragment, expression)?;
        script.guarded(&parsed(expression)?, &span, body::replaced(file, &span, b"", &fragment.text), None)
    }

    /// Behind the last one of its kind, with as many blank lines between as that one has above it; else at the end.
    fn insert(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        check_format(fragment, expression)?;
        let asked = parsed(expression)?;
        if asked.nth.is_some() {
            return Err(LensError::Refused("a number names what is there; insert without it".to_owned()));
        }
        let script = Script::read(file)?;
        let is_blank = |line: &&[u8]| body::is_blank(body::content(line));
        let first = body::bom(file);
        let alike = script.declared.iter().rev().find(|one| one.header.kind == asked.kind && one.is_whole);
        let Some(alike) = alike else {
            let blank: usize = body::lines_back(&file[first..]).take_while(is_blank).map(<[u8]>::len).sum();
            let at = file.len() - blank;
            let text = [if at == first { b"".as_slice() } else { b"\n" }, &fragment.text].concat();
            return script.guarded(&asked, &(at..at), body::replaced(file, &(at..at), b"", &text), None);
        };
        let above = &file[first..alike.span.start];
        let gap = match body::lines_back(above).take_while(is_blank).count() {
            _ if above.is_empty() => 1,
            blank => blank.min(3),
        };
        // Behind the line that ends it, with one of its own.
        let next = script.pieces.iter().find(|piece| piece.span.start >= alike.span.end);
        let line = next.filter(|next| next.what == What::Separator && touches(&file[alike.span.end..next.span.start]));
        let line = line.map(|line| &file[line.span.clone()]).filter(|line| scan::ends_batch(line));
        let at = match (line, next) {
            (Some(_), Some(next)) => next.span.end + body::lines(&file[next.span.end..]).next().map_or(0, <[u8]>::len),
            _ => alike.span.end,
        };
        let mut text = [&b"\n".repeat(gap), &fragment.text[..]].concat();
        if let Some(line) = line {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        script.guarded(&asked, &(at..at), body::replaced(file, &(at..at), b"", &text), line)
    }

    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        let script = Script::read(file)?;
        let span = body::with_blank_lines(file, &script.found(expression)?.span);
        script.guarded(&parsed(expression)?, &span, body::removed(file, &span), None)
    }

    fn is_removed(&self, before: &[u8], after: &[u8], expression: &str) -> bool {
        let count =
            |file: &[u8]| -> Result<usize, LensError> { Ok(Script::read(file)?.all(&parsed(expression)?).len()) };
        matches!((count(before), count(after)), (Ok(before), Ok(after)) if before == after + 1)
    }

    fn is_position(&self, _: &[u8], expression: &str) -> bool {
        parsed(expression).is_ok_and(|asked| asked.nth.is_some())
    }

    fn fitted(&self, _file: &[u8], _expression: &str, fragment: Fragment) -> Fragment {
        Fragment { text: body::without_blank_ends(&fragment.text), ..fragment }
    }

    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError> {
        let script = Script::read(file)?;
        let starts = body::line_numbers(file, script.declared.iter().map(|one| one.span.start));
        let all = script.declared.iter().zip(script.selectors()).zip(starts);
        let sound = all.filter(|((one, selector), _)| script.checked(one, selector).is_ok());
        let item = |((one, selector), first): ((&Declared, String), usize)| {
            let lines = body::lines(&file[one.span.clone()]).count();
            Item { selector, kind: one.header.kind, lines: (first, first + lines.saturating_sub(1)) }
        };
        Ok(sound.map(item).collect())
    }

    fn lists_lines(&self) -> bool {
        true
    }

    fn omitted(&self, file: &[u8]) -> Result<Vec<LensError>, LensError> {
        let script = Script::read(file)?;
        let all = script.declared.iter().zip(script.selectors());
        Ok(all.filter_map(|(one, selector)| script.checked(one, &selector).err()).take(MAX_OMITTED).collect())
    }

    fn format_for(&self, _expression: &str, _value: &Value) -> Format {
        Format::Sql
    }

    fn apart(&self, _expression: &str) -> &'static str {
        "`[1]` behind it means the first of them, `[2]` the second"
    }

    fn words(&self) -> &'static [&'static str] {
        header::KINDS
    }
}

impl Syntax for Sql {
    fn value(&self, text: &[u8]) -> Result<Value, LensError> {
        Ok(Value::String(lines::string(text)?.to_owned()))
    }

    fn update(&self, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
        if lines::string(text).is_ok_and(|old| value.as_text() == Some(old)) {
            return Ok(text.to_vec());
        }
        self.render(value)
    }

    fn render(&self, value: &Value) -> Result<Vec<u8>, LensError> {
        let written = lines::written(Format::Sql, value, true)?;
        if *self.tidy(&written)? == *written {
            return Ok(written);
        }
        let what = "CR LF, or a byte order mark at the start".to_owned();
        Err(LensError::CannotSay { format: Format::Sql, path: String::new(), what })
    }

    fn is_text(&self) -> bool {
        true
    }

    /// What two people changed at once may fit together as lines, and not as a statement.
    fn stands_alone(&self, text: &[u8]) -> bool {
        let is_one = |(pieces, _): (Vec<Piece>, Dialect)| {
            let mut statements = pieces.iter().filter(|piece| matches!(piece.what, What::Statement(_)));
            statements.next().is_some() && statements.next().is_none()
        };
        scan::pieces(text).is_ok_and(is_one)
    }
}
