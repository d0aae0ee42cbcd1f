//! Three-way merge: cases as data, the laws, and git as the judge of lines.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod by_value;
mod cases;
mod choices;
mod fragments;
mod git;
mod laws;

use portion::{Clash, Format, Fragment, LensError, Mapping, Merged, Side, Value, merge};

fn fragment(format: Format, text: &str) -> Fragment {
    Fragment { format, text: text.as_bytes().to_vec() }
}

fn string(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(text: &str) -> Value {
    Format::Json.value(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The merge of three fragments without mappings.
fn plain(base: &Fragment, ours: &Fragment, theirs: &Fragment) -> Result<Merged, LensError> {
    let mapping = Mapping::default();
    let side = |fragment| Side { fragment, mapping: &mapping };
    merge(side(base), side(ours), side(theirs))
}

/// The merged text of one format, or the clashes, each on a line: the path or lines, and what happened.
fn told(format: Format, base: &str, ours: &str, theirs: &str) -> Result<String, String> {
    let merged = plain(&fragment(format, base), &fragment(format, ours), &fragment(format, theirs));
    match merged.unwrap_or_else(|error| panic!("{error}\n{base}\n{ours}\n{theirs}")) {
        Merged::Clean(merged) => Ok(string(&merged.text)),
        Merged::Conflict(clashes) => Err(listed(&clashes)),
    }
}

fn listed(clashes: &[Clash]) -> String {
    assert!(!clashes.is_empty());
    clashes.iter().map(Clash::to_string).collect::<Vec<_>>().join("; ")
}
