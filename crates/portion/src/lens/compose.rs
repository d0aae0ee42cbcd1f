//! Schemes one inside of another: `front|yaml:/tags`.
//!
//! `OUTER|SCHEME:INNER` is the portion `INNER` of what stands at `OUTER`, read as a file of that scheme; several stages may follow each
//! other. Where the outer portion is a text, or a string in a format that has values, its text is that file; otherwise the fragment is.
//! What is put, inserted or removed within goes through both lenses: the inner one plans it in the inner file, and the outer one puts the
//! inner file's new text. Every other byte of both stays.
//!
//! # Quoting
//! A `|` is a sign as any other unless a known scheme's name and its colon follow. To mean it as itself there, it is doubled: `/a||json:b` is the key
//! `a|json:b`. Selectors that are listed and told are quoted so.

use std::borrow::Cow;

use super::apply::{self, splice};
use super::{Edit, Format, Fragment, Item, LONGER, Lens, LensError, Pieces};
use crate::selector::Scheme;
use crate::value::Value;

/// The lens of a scheme, with whatever stages follow its own expression.
pub(crate) struct Composed(pub(crate) &'static dyn Lens);

/// So many stages at most.
const MAX_STAGES: usize = 8;

/// An expression, taken apart at its first stage.
struct Stages<'a> {
    /// What the outer lens is asked for, without quoting.
    outer: Cow<'a, str>,
    /// The same as it was written.
    written: &'a str,
    /// The scheme of the next stage, and all that stands behind its colon.
    inner: Option<(Scheme, &'a str)>,
}

/// The scheme whose name and colon a text begins with, and how long they are.
fn scheme_at(text: &str) -> Option<(Scheme, usize)> {
    const LONGEST: usize = 16;
    let end = text.bytes().take(LONGEST).position(|byte| byte == b':')?;
    Some((Scheme::from_name(text.get(..end)?)?, end + 1))
}

fn stages(expression: &str) -> Stages<'_> {
    let mut outer = Cow::Borrowed(expression);
    // Up to here `outer` is written anew.
    let mut copied = 0;
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'|', &expression.as_bytes()[from..]).map(|at| from + at) {
        let bars = expression.as_bytes()[at..].iter().take_while(|byte| **byte == b'|').count();
        from = at + bars;
        let Some((scheme, name)) = scheme_at(&expression[from..]) else { continue };
        let kept = &expression[copied..at + bars / 2];
        match &mut outer {
            Cow::Owned(outer) => outer.push_str(kept),
            Cow::Borrowed(_) => outer = Cow::Owned(kept.to_owned()),
        }
        copied = from;
        if bars % 2 == 1 {
            return Stages {
                outer,
                written: &expression[..from - 1],
                inner: Some((scheme, &expression[from + name..])),
            };
        }
    }
    if let Cow::Owned(outer) = &mut outer {
        outer.push_str(&expression[copied..]);
    }
    Stages { outer, written: expression, inner: None }
}

/// The expression of one stage as it is written among several.
fn quoted(expression: &str) -> Cow<'_, str> {
    if !expression.contains('|') {
        return Cow::Borrowed(expression);
    }
    let mut out = String::with_capacity(expression.len() + 1);
    let mut rest = expression;
    while let Some(at) = rest.find('|') {
        let bars = rest[at..].bytes().take_while(|byte| *byte == b'|').count();
        out.push_str(&rest[..at + bars]);
        rest = &rest[at + bars..];
        if scheme_at(rest).is_some() {
            out.push_str(&"|".repeat(bars));
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// What the last stage of an expression is read in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Innermost {
    /// The last stage's scheme.
    pub scheme: Scheme,
    /// What stands there, as a file of that scheme.
    pub file: Vec<u8>,
    /// All that stands before the last stage's own expression: `front|yaml:`.
    pub above: String,
    /// The last stage's own expression.
    pub expression: String,
}

/// What the last stage of an expression is read in; `None` where there is one stage only, or nothing stands there.
pub fn innermost(scheme: Scheme, file: &[u8], expression: &str) -> Option<Innermost> {
    check_depth(expression).ok()?;
    let mut found: Option<Innermost> = None;
    loop {
        let (outer, standing, rest) = match &found {
            Some(found) => (found.scheme, &found.file[..], &found.expression[..]),
            None => (scheme, file, expression),
        };
        let stages = stages(rest);
        let Some((scheme, inner)) = stages.inner else { return found };
        let fragment = outer.own_lens().get(standing, &stages.outer).ok()?;
        let (above, _) = expression.split_at(expression.len() - inner.len());
        let next = Innermost {
            scheme,
            file: content(&fragment).0.into_owned(),
            above: above.to_owned(),
            expression: inner.to_owned(),
        };
        found = Some(next);
    }
}

/// Refuses what has too many stages: each is read within the one before.
fn check_depth(expression: &str) -> Result<(), LensError> {
    let mut rest = expression;
    for _ in 0..MAX_STAGES {
        match stages(rest).inner {
            Some((_, inner)) => rest = inner,
            None => return Ok(()),
        }
    }
    Err(LensError::TooLarge(format!("the selector has more than {MAX_STAGES} stages")))
}

/// Whether a fragment's text is what its value says.
fn is_plain(format: Format) -> bool {
    matches!(format, Format::Text | Format::Markdown | Format::Bytes)
}

/// The file that stands in a fragment, and whether it is what a string says.
fn content(fragment: &Fragment) -> (Cow<'_, [u8]>, bool) {
    if !is_plain(fragment.format)
        && let Ok(Value::String(text)) = fragment.format.value(&fragment.text)
    {
        return (Cow::Owned(text.into_bytes()), true);
    }
    (Cow::Borrowed(&fragment.text), false)
}

/// An error of the outer stage, its selectors quoted.
fn of_outer(error: LensError) -> LensError {
    let again = |text: String| quoted(&text).into_owned();
    match error {
        LensError::Missing { selector, nearest } => {
            LensError::Missing { selector: again(selector), nearest: nearest.into_iter().map(again).collect() }
        }
        LensError::Ambiguous { selector, lines } => LensError::Ambiguous { selector: again(selector), lines },
        other => other,
    }
}

/// An inner stage, with the file that it reads.
struct Inner<'a> {
    /// The outer stage's expression, as it was written and without quoting.
    written: &'a str,
    at: &'a str,
    /// The outer portion.
    standing: &'a Fragment,
    file: &'a [u8],
    is_string: bool,
    scheme: Scheme,
    expression: &'a str,
}

impl Inner<'_> {
    /// A selector of the inner stage, from the file's root.
    fn prefixed(&self, expression: &str) -> String {
        format!("{}|{}:{expression}", self.written, self.scheme)
    }

    /// An error of this stage: it tells which one, and its places are those within.
    fn error(&self, error: LensError) -> LensError {
        match error {
            LensError::Missing { selector, nearest } => LensError::Missing {
                selector: self.prefixed(&selector),
                nearest: nearest.iter().map(|near| self.prefixed(near)).collect(),
            },
            LensError::Ambiguous { selector, lines } => {
                LensError::Ambiguous { selector: self.prefixed(&selector), lines }
            }
            LensError::Unparsable { at, found } => {
                LensError::Unparsable { at, found: format!("{found} (within `{}`)", self.written) }
            }
            LensError::Refused(why) => LensError::Refused(format!("within `{}`: {why}", self.written)),
            other => other,
        }
    }

    fn get(&self) -> Result<Fragment, LensError> {
        super::get(self.scheme, self.file, self.expression).map_err(|error| match error {
            // A file to insert into.
            LensError::Unparsable { .. } if apply::is_blank(self.file) => {
                LensError::Missing { selector: self.prefixed(self.expression), nearest: Vec::new() }
            }
            other => self.error(other),
        })
    }
}

impl Composed {
    /// Does something with the file that stands at the outer stage.
    fn within<T>(
        &self,
        file: &[u8],
        stages: &Stages<'_>,
        (scheme, expression): (Scheme, &str),
        work: impl FnOnce(&Inner<'_>) -> Result<T, LensError>,
    ) -> Result<T, LensError> {
        check_depth(expression)?;
        let standing = self.0.get(file, &stages.outer).map_err(of_outer)?;
        apply::check_size(standing.text.len())?;
        let (text, is_string) = content(&standing);
        work(&Inner {
            written: stages.written,
            at: &stages.outer,
            standing: &standing,
            file: &text,
            is_string,
            scheme,
            expression,
        })
    }

    /// Plans that `written` is what the outer portion holds.
    fn put_content(&self, file: &[u8], inner: &Inner<'_>, written: Vec<u8>) -> Result<Vec<Edit>, LensError> {
        let format = inner.standing.format;
        let text = match inner.is_string {
            false => written.clone(),
            true => {
                let text = String::from_utf8(written.clone())
                    .map_err(|_| LensError::Refused(format!("`{}` would hold what is no text", inner.written)))?;
                format.update(&inner.standing.text, &Value::String(text)).map_err(of_outer)?
            }
        };
        let text = format.tidy(&text).map_err(|error| inner.error(error))?.into_owned();
        // Text stays exactly; what has a format of its own is as that has it.
        let wanted = if inner.is_string || is_plain(format) { written } else { text.clone() };
        let fragment = self.0.fitted(file, inner.at, Fragment { format, text });
        let edits = self.0.put(file, inner.at, &fragment).map_err(of_outer)?;
        self.check(&splice(file, &edits)?, inner.at, inner.written, &wanted)?;
        Ok(edits)
    }

    /// Refuses a plan after which the outer portion would not hold exactly this.
    fn check(&self, after: &[u8], at: &str, written: &str, wanted: &[u8]) -> Result<(), LensError> {
        let standing = self.0.get(after, at).map_err(|error| {
            LensError::Refused(format!("after the edit, `{written}` could not be found again: {error}"))
        })?;
        if *content(&standing).0 == *wanted {
            return Ok(());
        }
        Err(LensError::Refused(format!("`{written}` cannot hold the new text as it is")))
    }

    /// Plans the insertion of a missing outer portion that holds `text`: as what it is where the place has its format, otherwise as a
    /// string.
    fn insert_content(
        &self,
        file: &[u8],
        stages: &Stages<'_>,
        scheme: Scheme,
        text: Vec<u8>,
    ) -> Result<Vec<Edit>, LensError> {
        let at = &*stages.outer;
        let map = Value::Map(Vec::new());
        let string = Value::String(String::from_utf8_lossy(&text).into_owned());
        let as_it_is = self.0.format_for(at, &map);
        let (fragment, wanted) = if as_it_is == scheme.lens().format_for("", &map) || is_plain(as_it_is) {
            let tidied = as_it_is.tidy(&text)?.into_owned();
            (Fragment { format: as_it_is, text: tidied.clone() }, if is_plain(as_it_is) { text } else { tidied })
        } else {
            let format = self.0.format_for(at, &string);
            let written = if is_plain(format) { text.clone() } else { format.render(&string).map_err(of_outer)? };
            (Fragment { format, text: written }, text)
        };
        let fragment = self.0.fitted(file, at, fragment);
        let edits = self.0.insert(file, at, &fragment).map_err(of_outer)?;
        let found_at =
            if apply::is_blank(file) { Cow::Borrowed(at) } else { Cow::Owned(self.0.inserted_at(file, at)?) };
        self.check(&splice(file, &edits)?, &found_at, stages.written, &wanted)?;
        Ok(edits)
    }
}

impl Lens for Composed {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        let stages = stages(expression);
        match stages.inner {
            None => self.0.get(file, &stages.outer).map_err(of_outer),
            Some(inner) => self.within(file, &stages, inner, |inner| inner.get()),
        }
    }

    fn get_from(&self, file: &mut Pieces<'_>, expression: &str) -> Option<Fragment> {
        let stages = stages(expression);
        if stages.inner.is_none() { self.0.get_from(file, &stages.outer) } else { None }
    }

    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let stages = stages(expression);
        match stages.inner {
            None => self.0.put(file, &stages.outer, fragment).map_err(of_outer),
            Some(inner) => self.within(file, &stages, inner, |inner| {
                let written = apply::put(inner.scheme, inner.file, inner.expression, fragment);
                match written.map_err(|error| inner.error(error))? {
                    Some(written) => self.put_content(file, inner, written),
                    None => Ok(Vec::new()),
                }
            }),
        }
    }

    fn replace(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<(Fragment, Vec<Edit>), LensError> {
        let stages = stages(expression);
        if stages.inner.is_none() {
            return self.0.replace(file, &stages.outer, fragment).map_err(of_outer);
        }
        let standing = self.get(file, expression)?;
        let edits = if standing == *fragment { Vec::new() } else { self.put(file, expression, fragment)? };
        Ok((standing, edits))
    }

    fn lists_lines(&self) -> bool {
        self.0.lists_lines()
    }

    fn is_proved(&self, file: &[u8], edits: &[Edit], fragment: &Fragment) -> bool {
        // What goes through several stages was read again by `put`, and is read once more.
        self.0.is_proved(file, edits, fragment)
    }

    fn may_come(&self, file: &[u8], expression: &str) -> bool {
        let stages = stages(expression);
        let inner = stages.inner.filter(|_| self.0.get(file, &stages.outer).is_ok());
        match inner {
            None => self.0.may_come(file, &stages.outer),
            Some(inner) => self
                .within(file, &stages, inner, |inner| Ok(inner.scheme.lens().may_come(inner.file, inner.expression)))
                .unwrap_or(false),
        }
    }

    fn insert(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        self.insert_in("", file, expression, fragment)
    }

    fn insert_in(
        &self,
        path: &str,
        file: &[u8],
        expression: &str,
        fragment: &Fragment,
    ) -> Result<Vec<Edit>, LensError> {
        let stages = stages(expression);
        let Some((scheme, rest)) = stages.inner else {
            return self.0.insert_in(path, file, &stages.outer, fragment).map_err(of_outer);
        };
        let is_missing = match self.0.get(file, &stages.outer) {
            Err(LensError::Missing { .. }) => true,
            Err(LensError::Unparsable { .. }) => apply::is_blank(file),
            _ => false,
        };
        if is_missing {
            check_depth(rest)?;
            let text = apply::insert(scheme, b"", rest, fragment)?;
            return self.insert_content(file, &stages, scheme, text);
        }
        self.within(file, &stages, (scheme, rest), |inner| {
            let written = apply::insert(inner.scheme, inner.file, inner.expression, fragment);
            self.put_content(file, inner, written.map_err(|error| inner.error(error))?)
        })
    }

    fn inserted_at(&self, file: &[u8], expression: &str) -> Result<String, LensError> {
        let stages = stages(expression);
        let Some(inner) = stages.inner else {
            return Ok(quoted(&self.0.inserted_at(file, &stages.outer)?).into_owned());
        };
        let within = self.within(file, &stages, inner, |inner| {
            let at = inner.scheme.lens().inserted_at(inner.file, inner.expression);
            Ok(inner.prefixed(&at.map_err(|error| inner.error(error))?))
        });
        match within {
            Err(LensError::Missing { .. }) => Ok(expression.to_owned()),
            found => found,
        }
    }

    fn fitted(&self, file: &[u8], expression: &str, fragment: Fragment) -> Fragment {
        let stages = stages(expression);
        let Some(inner) = stages.inner else {
            return self.0.fitted(file, &stages.outer, fragment);
        };
        let fit =
            |scheme: Scheme, file: &[u8], expression: &str| scheme.lens().fitted(file, expression, fragment.clone());
        let within = self.within(file, &stages, inner, |inner| Ok(fit(inner.scheme, inner.file, inner.expression)));
        within.unwrap_or_else(
            |_| if check_depth(inner.1).is_ok() { fit(inner.0, b"", inner.1) } else { fragment.clone() },
        )
    }

    fn is_within_lines(&self, expression: &str) -> bool {
        let stages = stages(expression);
        match stages.inner {
            None => self.0.is_within_lines(&stages.outer),
            Some((scheme, rest)) => check_depth(rest).is_ok() && scheme.lens().is_within_lines(rest),
        }
    }

    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        let stages = stages(expression);
        match stages.inner {
            None => self.0.remove(file, &stages.outer).map_err(of_outer),
            Some(inner) => self.within(file, &stages, inner, |inner| {
                let written = apply::remove(inner.scheme, inner.file, inner.expression);
                self.put_content(file, inner, written.map_err(|error| inner.error(error))?)
            }),
        }
    }

    fn is_removed(&self, before: &[u8], after: &[u8], expression: &str) -> bool {
        let stages = stages(expression);
        let Some(inner) = stages.inner else {
            return self.0.is_removed(before, after, &stages.outer);
        };
        let both = self.within(before, &stages, inner, |before| {
            self.within(after, &stages, inner, |after| {
                let gone = matches!(after.get(), Err(LensError::Missing { .. }));
                Ok(gone || after.scheme.lens().is_removed(before.file, after.file, after.expression))
            })
        });
        both.unwrap_or(false)
    }

    fn is_position(&self, file: &[u8], expression: &str) -> bool {
        let stages = stages(expression);
        let outer = self.0.is_position(file, &stages.outer);
        let Some(inner) = stages.inner else { return outer };
        let within = |inner: &Inner<'_>| Ok(inner.scheme.lens().is_position(inner.file, inner.expression));
        outer || self.within(file, &stages, inner, within).unwrap_or(false)
    }

    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError> {
        let mut items = self.0.list(file)?;
        for item in items.iter_mut().filter(|item| item.selector.contains('|')) {
            item.selector = quoted(&item.selector).into_owned();
        }
        Ok(items)
    }

    fn omitted(&self, file: &[u8]) -> Result<Vec<LensError>, LensError> {
        Ok(self.0.omitted(file)?.into_iter().map(of_outer).collect())
    }

    fn format_for(&self, expression: &str, value: &Value) -> Format {
        let stages = stages(expression);
        match stages.inner {
            None => self.0.format_for(&stages.outer, value),
            Some((scheme, rest)) if check_depth(rest).is_ok() => scheme.lens().format_for(rest, value),
            Some(_) => Format::Text,
        }
    }

    fn apart(&self, expression: &str) -> &'static str {
        let stages = stages(expression);
        if stages.inner.is_none() {
            return self.0.apart(&stages.outer);
        }
        // Of which stage it is said, the reader sees.
        LONGER
    }

    fn words(&self) -> &'static [&'static str] {
        self.0.words()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stages_stand_before_a_scheme() {
        for (text, outer, inner) in [
            ("front|yaml:/tags", "front", Some(("yaml", "/tags"))),
            ("/a|table", "/a|table", None),
            ("/a|table|csv:rows", "/a|table", Some(("csv", "rows"))),
            ("/x|json:/y|yaml:/z", "/x", Some(("json", "/y|yaml:/z"))),
            ("/a||json:b", "/a|json:b", None),
            ("/a|||json:/b", "/a|", Some(("json", "/b"))),
            ("a||b|nope:c", "a||b|nope:c", None),
            ("|json:", "", Some(("json", ""))),
            ("é|json:é", "é", Some(("json", "é"))),
            ("|", "|", None),
        ] {
            let found = stages(text);
            assert_eq!((&*found.outer, found.inner.map(|(scheme, rest)| (scheme.name(), rest))), (outer, inner));
        }
    }

    proptest! {
        #[test]
        fn what_is_quoted_is_one_stage(text in "(\\||json:|toml:|a|é|:|/){0,8}", tail in prop::bool::ANY) {
            // Bars before a stage are doubled, too.
            let bars = if tail { text.len() - text.trim_end_matches('|').len() } else { 0 };
            let written = format!("{}{}{}", quoted(&text), "|".repeat(bars), if tail { "|yaml:/x" } else { "" });
            let found = stages(&written);
            prop_assert_eq!(&*found.outer, &text);
            prop_assert_eq!(found.inner.map(|(scheme, rest)| (scheme.name(), rest)), tail.then_some(("yaml", "/x")));
        }
    }
}
