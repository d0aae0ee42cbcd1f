//! Front matter: YAML between lines of `---`, TOML between lines of `+++`.

use super::headings::Outline;
use crate::lens::{Edit, Format, Fragment, LensError, Position, Span, body};

/// Front matter that stands in a file.
pub(super) struct Front {
    pub(super) format: Format,
    /// With its fences.
    pub(super) whole: Span,
    /// Between them.
    pub(super) lines: Span,
}

const YAML_END: &[&[u8]] = &[b"---", b"..."];
const TOML_END: &[&[u8]] = &[b"+++"];

/// The front matter of `file`: its first line is a fence, the next one is not blank, and a later one is the closing fence.
pub(super) fn found(file: &[u8]) -> Option<Front> {
    let start = body::bom(file);
    let mut lines = body::lines(&file[start..]);
    let first = lines.next()?;
    let (format, closing) = match body::content(first).trim_ascii_end() {
        b"---" => (Format::Yaml, YAML_END),
        b"+++" => (Format::Toml, TOML_END),
        _ => return None,
    };
    let begin = start + first.len();
    let mut at = begin;
    for line in lines {
        let content = body::content(line).trim_ascii_end();
        if at == begin && content.is_empty() {
            return None;
        }
        if closing.contains(&content) {
            return Some(Front { format, whole: start..at + line.len(), lines: begin..at });
        }
        at += line.len();
    }
    None
}

fn located<'a>(outline: &'a Outline<'_>) -> Result<&'a Front, LensError> {
    let others = outline.paths().map(crate::pointer::format);
    outline.front.as_ref().ok_or_else(|| LensError::missing(super::FRONT, others))
}

/// The front matter, in its own format.
pub(super) fn get(outline: &Outline<'_>) -> Result<Fragment, LensError> {
    let front = located(outline)?;
    let lines = body::taken(&outline.file[front.lines.clone()], b"");
    let above = outline.line(front.lines.start) - 1;
    let in_file = |error| match error {
        LensError::Unparsable { at, found } => {
            LensError::Unparsable { at: Position { line: at.line + above, ..at }, found }
        }
        other => other,
    };
    let text = front.format.tidy(&lines).map_err(in_file)?.into_owned();
    front.format.value(&text).map_err(in_file)?;
    Ok(Fragment { format: front.format, text })
}

/// The fragment's lines, if they can stand between fences.
fn between_fences(fragment: &Fragment) -> Result<Vec<u8>, LensError> {
    let lines = body::normal(&fragment.text);
    let fences = if fragment.format == Format::Yaml { YAML_END } else { TOML_END };
    let is_fence = |line: &[u8]| fences.contains(&body::content(line).trim_ascii_end());
    if let Some(at) = body::lines(&lines).position(is_fence) {
        return Err(LensError::Refused(format!("line {} of the fragment would end the front matter", at + 1)));
    }
    Ok(lines)
}

pub(super) fn put(outline: &Outline<'_>, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
    let front = located(outline)?;
    if fragment.format != front.format {
        return Err(LensError::Refused(format!("the front matter is {}, not {}", front.format, fragment.format)));
    }
    Ok(body::replaced(outline.file, &front.lines, b"", &between_fences(fragment)?))
}

pub(super) fn insert(outline: &Outline<'_>, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
    let fence = match fragment.format {
        Format::Yaml => "---\n",
        Format::Toml => "+++\n",
        other => return Err(LensError::Refused(format!("front matter is yaml or toml, not {other}"))),
    };
    let file = outline.file;
    let mut text = [fence.as_bytes(), &between_fences(fragment)?, fence.as_bytes()].concat();
    if body::lines(&file[outline.start..]).next().is_some_and(|line| !body::is_blank(body::content(line))) {
        text.push(b'\n');
    }
    Ok(body::replaced(file, &(outline.start..outline.start), b"", &text))
}

pub(super) fn remove(outline: &Outline<'_>) -> Result<Vec<Edit>, LensError> {
    let front = located(outline)?;
    let file = outline.file;
    let blank = body::lines(&file[front.whole.end..]).next().filter(|line| body::is_blank(body::content(line)));
    let end = front.whole.end + blank.map_or(0, <[u8]>::len);
    Ok(vec![Edit { span: front.whole.start..end, text: Vec::new() }])
}
