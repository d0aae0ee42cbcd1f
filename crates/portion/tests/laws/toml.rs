//! TOML files: tables that lie in several places, dotted keys, lists of tables, comments everywhere.

use portion::{Scheme, list};
use proptest::prelude::*;

/// One line or value over several lines; each has another key.
const PAIRS: &[&str] = &[
    "x = 1",
    "y = \"two\" # why",
    "'z z' = [1, 2]",
    "w = { p = 1, \"q\" = [true] }",
    "v = [\n  \"one\", # first\n  \"\"\"\n two\n\"\"\",\n]",
    "u = '''\n  b\n\nc'''",
    "d = 1979-05-27 07:32:00",
    "n.a = 1",
    "n.b.c = 2",
    "n . \"e f\" = []",
    "# about g\ng=0x1_0",
    "h = -inf",
    "  i = {}",
    "j = [[], [{ k = 1 }]]",
    "\"\" = 0",
];

const HEADERS: &[&str] = &[
    "[a]",
    "[a.b]",
    "[ a . b . \"c c\" ]",
    "[a.r]",
    "[d.e.f] # deep",
    "[d]",
    "[[l]]",
    "[[l]]",
    "[[l]]",
    "[l.m]",
    "[[l.n]]",
    "[[l.n]]",
    "[l.n.o]",
    "  [s]",
    "[s.t]",
    "[q.\"/~.\"]",
];

const GAPS: &[&str] = &["", "", "", "\n", "\n", "# c\n", "\n# c\n\n", "# c\n\n", "\n\n", "  # c\n", " \n"];

/// Pairs with gaps between them, in their order; or in any order without gaps: what stands between two statements of a table
/// is part of it only while nothing foreign stands there.
fn body(shuffled: bool) -> BoxedStrategy<String> {
    let pairs = prop::sample::subsequence(PAIRS, 0..5);
    let pairs = if shuffled { pairs.prop_shuffle().boxed() } else { pairs.boxed() };
    let gaps = prop::collection::vec(prop::sample::select(if shuffled { &[""] } else { GAPS }), 5);
    let indentation = prop::sample::select(vec!["", "", "", "  ", "\t"]);
    (pairs, gaps, indentation)
        .prop_map(|(pairs, gaps, indentation)| {
            pairs.iter().zip(&gaps).map(|(pair, gap)| format!("{gap}{indentation}{pair}\n")).collect()
        })
        .boxed()
}

pub(crate) fn files() -> BoxedStrategy<Vec<u8>> {
    prop_oneof![files_in_order(true), files_in_order(false)].boxed()
}

fn files_in_order(shuffled: bool) -> BoxedStrategy<Vec<u8>> {
    let headers = prop::sample::subsequence(HEADERS, 0..7);
    let headers = if shuffled { headers.prop_shuffle().boxed() } else { headers.boxed() };
    let gaps: &[&str] = if shuffled { &["\n"] } else { GAPS };
    let bodies = prop::collection::vec((body(shuffled), prop::sample::select(gaps)), 7);
    let end = prop::sample::select(vec!["", "\n", "# end\n"]);
    (body(shuffled), headers, bodies, end, any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.2))
        .prop_filter_map("no TOML", |(root, headers, bodies, end, crlf, bom, open)| {
            let blocks = headers.iter().zip(&bodies);
            let blocks: String = blocks.map(|(header, (body, gap))| format!("{gap}{header}\n{body}")).collect();
            let mut text = format!("{root}{blocks}{end}");
            if open {
                text.truncate(text.trim_end_matches('\n').len());
            }
            if crlf {
                text = text.replace('\n', "\r\n");
            }
            let file = format!("{}{text}", if bom { "\u{feff}" } else { "" }).into_bytes();
            list(Scheme::Toml, &file).is_ok().then_some(file)
        })
        .boxed()
}
