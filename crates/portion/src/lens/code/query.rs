//! `query:(…) @x`: a tree-sitter query with one capture.

use std::ops::ControlFlow;

use tree_sitter::{Node, Query, QueryCursor, QueryCursorOptions, QueryErrorKind, StreamingIterator};

use super::source::Source;
use crate::lens::{LensError, body};

/// The longest query, in bytes, and how deeply its parentheses may be nested: reading it is recursive.
const MAX_LENGTH: usize = 2000;
const MAX_NESTING: usize = 32;
/// So many matches may be under way at once.
const MAX_MATCHES: u32 = 10_000;
/// So many hundreds of steps may each byte take, and so many of all.
const STEPS: (usize, usize) = (1, 20_000);
/// So many of the places are named where several match.
const MAX_NAMED: usize = 100;

/// The one node that the query captures.
pub(super) fn one<'t>(source: &'t Source<'_>, text: &str, expression: &str) -> Result<Node<'t>, LensError> {
    let query = compiled(source, text, expression)?;
    let mut cursor = QueryCursor::new();
    cursor.set_match_limit(MAX_MATCHES);
    let mut steps = 0;
    let most = STEPS.0 * source.file.len() + STEPS.1;
    let mut progress = |_: &_| {
        steps += 1;
        if steps > most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = QueryCursorOptions::new().progress_callback(&mut progress);
    let mut found: Vec<Node<'t>> = Vec::new();
    {
        let mut matches = cursor.matches_with_options(&query, source.tree.root_node(), source.file, options);
        while let Some(one) = matches.next() {
            for capture in one.captures() {
                if found.len() < MAX_NAMED && !found.contains(&capture.node) {
                    found.push(capture.node);
                }
            }
        }
    }
    if steps > most || cursor.did_exceed_match_limit() {
        return Err(LensError::TooLarge(format!(
            "`{expression}` has too many matches under way; say more of what is around"
        )));
    }
    found.sort_by_key(Node::start_byte);
    match found[..] {
        [only] => Ok(only),
        [] => Err(LensError::Missing { selector: expression.to_owned(), nearest: Vec::new() }),
        _ => Err(LensError::Ambiguous {
            selector: expression.to_owned(),
            lines: body::line_numbers(source.file, found.iter().map(Node::start_byte)),
        }),
    }
}

fn compiled(source: &Source<'_>, text: &str, expression: &str) -> Result<Query, LensError> {
    let wrong =
        |why: String| LensError::Selector { scheme: source.language.name, selector: expression.to_owned(), why };
    let mut depth = 0usize;
    let deepest = text.bytes().map(|byte| {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth
    });
    if deepest.max().unwrap_or(0) > MAX_NESTING || text.len() > MAX_LENGTH {
        return Err(wrong(format!("a query has at most {MAX_LENGTH} bytes and {MAX_NESTING} levels")));
    }
    let query = Query::new(&(source.language.grammar)(), text).map_err(|error| {
        let name = error.message.trim_matches('"');
        let what = match error.kind {
            QueryErrorKind::NodeType => format!("the grammar has no node `{name}`"),
            QueryErrorKind::Field => format!("the grammar has no field `{name}`"),
            QueryErrorKind::Capture => format!("nothing is captured as `{name}`"),
            QueryErrorKind::Structure => "no text can have this structure".to_owned(),
            _ => "this is no query".to_owned(),
        };
        wrong(format!("{what}, at character {} of the query", error.column + 1))
    })?;
    match query.capture_names() {
        [_] => Ok(query),
        names => {
            Err(wrong(format!("write exactly one capture, `@x`, behind what is meant: there are {}", names.len())))
        }
    }
}
