//! Markdown files.

use proptest::prelude::*;

const BLOCKS: &[&str] = &[
    "",
    "text",
    "text\nmore",
    "# A",
    "## B",
    "### C",
    "#### D ####",
    "##  B",
    "A\n===",
    "B\n---",
    "Two\nlines\n---",
    "   ## E #",
    "- item\n  # in\n\n  ## B",
    "> # quoted",
    "```\n# no\n```",
    "    # code",
    "<div>\n# no\n</div>",
    "| a |\n|---|\n| b |",
    "| a | b |\n| - | -: |\n| x\\|y | 1 |\n| z ||",
    "a | b\n--|--\nq | `r`",
    "***",
    "[r]: /url",
    "# [r]",
    "## *B*",
    "# `x` é",
    "1. a\n\n   b",
    "#",
    "#no",
    "<!-- c\n# no\n-->",
    "\\# no",
    "# #",
];

/// A table stands in its section, and in those around.
pub(crate) fn related(a: &str, b: &str) -> bool {
    let section = |selector: &str| selector.rsplit_once("|table").map_or(selector, |(section, _)| section).to_owned();
    let (a, b) = (section(a), section(b));
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    long.strip_prefix(&short).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub(crate) fn files() -> BoxedStrategy<Vec<u8>> {
    let block = (prop::sample::select(BLOCKS), prop::sample::select(vec!["\n", "\n\n", "\n\n\n"]));
    let front = prop::option::of(prop::sample::select(vec![
        "---\na: 1 # c\nb:\n  - x\n---\n",
        "---\n{a: 2}\n...\n\n",
        "+++\na = 1 # c\n\n[b]\nc = 'x'\n+++\n\n",
    ]));
    let blocks = (front, prop::collection::vec(block, 0..12));
    (blocks, any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.8))
        .prop_map(|((front, blocks), crlf, bom, final_end)| {
            let mut text = front.unwrap_or_default().to_owned();
            text.extend(blocks.into_iter().flat_map(|(block, end)| [block, end]));
            if !final_end {
                text.truncate(text.trim_end().len());
            }
            let text = if crlf { text.replace('\n', "\r\n") } else { text };
            format!("{}{text}", if bom { "\u{feff}" } else { "" }).into_bytes()
        })
        .boxed()
}
