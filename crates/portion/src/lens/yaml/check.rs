//! The second opinion on a planned edit: what the whole file would say, and whether another parser reads the same.

use granit_parser::{Event, Parser, Tag};
use saphyr_parser::{Event as Other, Parser as OtherParser};

use super::document::Doc;
use super::value::literally;
use crate::lens::apply::splice;
use crate::lens::{Edit, LensError, Span};
use crate::value::Value;

/// The edits, if the file means `expected` with them, to both parsers. `put` is the fragment's text.
///
/// # Errors
/// [`LensError::Refused`] otherwise.
pub(super) fn checked(
    doc: &Doc<'_>,
    edits: Vec<(Span, String)>,
    put: &str,
    expected: &Value,
) -> Result<Vec<Edit>, LensError> {
    let bom = doc.file.len() - doc.text.len();
    let mut edits: Vec<Edit> = edits
        .into_iter()
        .filter(|(span, text)| doc.text[span.clone()] != **text)
        .map(|(span, text)| Edit { span: span.start + bom..span.end + bom, text: text.into_bytes() })
        .collect();
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let written = splice(doc.file, &edits)?;
    let after = Doc::parse(&written)
        .map_err(|error| LensError::Refused(format!("after the edit, the file would not be YAML: {error}")))?;
    if literally(&after.root, None)? != *expected {
        return Err(LensError::Refused("after the edit, the file would say something else than was asked".to_owned()));
    }
    // Of a file or a fragment that the other parser rejects as it stands it has no opinion.
    let alike =
        reads_alike(after.text).unwrap_or_else(|| reads_alike(doc.text).is_none() || reads_alike(put).is_none());
    if !alike {
        return Err(LensError::Refused("after the edit, two YAML parsers would read the file differently".to_owned()));
    }
    Ok(edits)
}

#[derive(PartialEq, Eq)]
enum Seen {
    Scalar(String, bool, Option<(String, String)>),
    Sequence(Option<(String, String)>),
    Map(Option<(String, String)>),
    Alias,
    End,
    Document,
}

/// Whether both parsers see the same nodes; `None` if the other one rejects the text.
fn reads_alike(text: &str) -> Option<bool> {
    let mut options = granit_parser::options! {};
    options.set_emit_comments(false);
    let ours = Parser::new_from_str_with_options(text, options).filter_map(|event| match event {
        Ok((event, span)) => ours(event, span.is_empty()).map(Some),
        Err(_) => Some(None),
    });
    let mut rejected = false;
    let theirs = OtherParser::new_from_str(text).filter_map(|event| match event {
        Ok((event, _)) => theirs(event).map(Some),
        Err(_) => {
            rejected = true;
            Some(None)
        }
    });
    let same = ours.eq(theirs);
    (!rejected).then_some(same)
}

fn ours(event: Event<'_>, is_empty: bool) -> Option<Seen> {
    let tag =
        |tag: Option<std::borrow::Cow<'_, Tag>>| tag.map(|tag| (tag.handle().to_owned(), tag.suffix().to_owned()));
    Some(match event {
        Event::Scalar(text, style, _, of) => {
            let plain = style == granit_parser::ScalarStyle::Plain;
            let text = if plain && is_empty { String::new() } else { text.into_owned() };
            Seen::Scalar(text, plain, tag(of))
        }
        Event::SequenceStart(_, _, of) => Seen::Sequence(tag(of)),
        Event::MappingStart(_, _, of) => Seen::Map(tag(of)),
        Event::SequenceEnd | Event::MappingEnd => Seen::End,
        Event::Alias(_) => Seen::Alias,
        Event::DocumentStart(..) => Seen::Document,
        _ => return None,
    })
}

fn theirs(event: Other<'_>) -> Option<Seen> {
    let tag =
        |tag: Option<std::borrow::Cow<'_, saphyr_parser::Tag>>| tag.map(|tag| (tag.handle.clone(), tag.suffix.clone()));
    Some(match event {
        Other::Scalar(text, style, _, of) => {
            let plain = style == saphyr_parser::ScalarStyle::Plain;
            Seen::Scalar(text.into_owned(), plain, tag(of))
        }
        Other::SequenceStart(_, of) => Seen::Sequence(tag(of)),
        Other::MappingStart(_, of) => Seen::Map(tag(of)),
        Other::SequenceEnd | Other::MappingEnd => Seen::End,
        Other::Alias(_) => Seen::Alias,
        Other::DocumentStart(_) => Seen::Document,
        _ => return None,
    })
}
