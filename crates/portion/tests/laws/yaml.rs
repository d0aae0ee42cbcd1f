//! YAML files: block and flow style, comments, quotes, block scalars, compact items, sequences under their key.

use portion::{Scheme, list};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Node {
    /// On one line.
    Scalar(&'static str),
    /// A header and lines.
    Block(&'static str, &'static [&'static str]),
    Sequence(Vec<Node>),
    Map(Vec<(&'static str, Node)>),
}

const SCALARS: &[&str] = &[
    "",
    "~",
    "1",
    "-0x1F",
    "1.50",
    "true",
    "yes",
    "plain",
    "two words",
    "a:b",
    "a#b",
    "'it''s'",
    "\"\\t\\u00e9\"",
    "é",
    "\"\"",
    "'# no'",
    "2001-12-14",
    "[]",
    "{}",
    "[a, b]",
    "[a, {b: c}, \"d\"]",
    "{a: 1, \"b\": [2]}",
    "!!str 5",
    "\"a: b\"",
    "http://x/?y=z#w",
];

const BLOCKS: &[(&str, &[&str])] = &[
    ("|", &["one", "", "  two", "# no comment"]),
    ("|-", &["one"]),
    (">", &["one", "two", "", "three"]),
    (">-", &["one", "two"]),
    ("|+", &["one", ""]),
    ("|", &["key: value", "- item"]),
];

const KEYS: &[&str] = &["a", "b", "c d", "\"e/f\"", "'g~'", "1", "on", "\"\"", "é", "-x"];

fn node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        4 => prop::sample::select(SCALARS).prop_map(Node::Scalar),
        1 => prop::sample::select(BLOCKS).prop_map(|(header, lines)| Node::Block(header, lines)),
    ];
    leaf.prop_recursive(4, 20, 4, |inner| {
        let keys = prop::sample::subsequence(KEYS, 1..4).prop_shuffle();
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Node::Sequence),
            (keys, prop::collection::vec(inner, 3))
                .prop_map(|(keys, values)| Node::Map(keys.into_iter().zip(values).collect())),
        ]
    })
}

struct Writer<'a> {
    out: String,
    unit: usize,
    indentless: bool,
    /// Comments and blank lines that are strewn in, one choice after the other.
    strange: &'a [u8],
    turn: usize,
}

impl Writer<'_> {
    fn choice(&mut self) -> u8 {
        self.turn += 1;
        if self.strange.is_empty() { 0 } else { self.strange[self.turn % self.strange.len()] }
    }

    fn line_end(&mut self) {
        let end = match self.choice() % 12 {
            1 => " # right\n",
            2 => " \n",
            _ => "\n",
        };
        self.out.push_str(end);
    }

    fn before(&mut self, column: usize) {
        let blanks = " ".repeat(column);
        match self.choice() % 16 {
            1 => self.out.push_str(&format!("{blanks}# above\n")),
            2 => self.out.push('\n'),
            3 => self.out.push_str(&format!("\n{blanks}# apart\n\n")),
            4 => self.out.push_str("# left\n"),
            _ => {}
        }
    }

    /// Behind a colon or a dash at `column`.
    fn value(&mut self, node: &Node, column: usize, dash: bool) {
        match node {
            Node::Scalar(text) => {
                if !text.is_empty() {
                    self.out.push(' ');
                    self.out.push_str(text);
                }
                self.line_end();
            }
            Node::Block(header, lines) => {
                self.out.push(' ');
                self.out.push_str(header);
                self.line_end();
                for line in *lines {
                    let blanks = if line.is_empty() { 0 } else { column + self.unit };
                    self.out.push_str(&format!("{}{line}\n", " ".repeat(blanks)));
                }
            }
            Node::Sequence(_) | Node::Map(_) if dash && self.choice() % 4 != 1 => {
                self.out.push(' ');
                self.collection(node, column + 2, true);
            }
            Node::Sequence(_) if !dash && self.indentless => {
                self.line_end();
                self.collection(node, column, false);
            }
            _ => {
                self.line_end();
                self.collection(node, column + self.unit, false);
            }
        }
    }

    fn collection(&mut self, node: &Node, column: usize, mut begun: bool) {
        let mut begin = |writer: &mut Self| {
            if !std::mem::take(&mut begun) {
                writer.before(column);
                writer.out.push_str(&" ".repeat(column));
            }
        };
        match node {
            Node::Sequence(items) => {
                for item in items {
                    begin(self);
                    self.out.push('-');
                    self.value(item, column, true);
                }
            }
            Node::Map(members) => {
                for (key, member) in members {
                    begin(self);
                    self.out.push_str(key);
                    self.out.push(':');
                    self.value(member, column, false);
                }
            }
            other => self.value(other, column, false),
        }
    }
}

pub(crate) fn files() -> BoxedStrategy<Vec<u8>> {
    let strange = prop_oneof![Just(Vec::new()), prop::collection::vec(any::<u8>(), 1..12)];
    let start = prop::sample::select(vec!["", "", "# top\n", "---\n", "%YAML 1.2\n---\n# top\n\n"]);
    let end = prop::sample::select(vec!["", "", "# end\n", "\n", "...\n"]);
    (node(), 1..5usize, any::<(bool, bool)>(), strange, start, end, prop::bool::weighted(0.2))
        .prop_filter_map("no YAML", |(node, unit, (indentless, crlf), strange, start, end, bom)| {
            let mut writer = Writer { out: start.to_owned(), unit, indentless, strange: &strange, turn: 0 };
            writer.collection(&node, 0, false);
            let mut text = writer.out;
            text.push_str(end);
            if end.is_empty() && strange.len() % 3 == 1 && !text.contains("|+") {
                text.truncate(text.trim_end_matches('\n').len());
            }
            if crlf {
                text = text.replace('\n', "\r\n");
            }
            let file = format!("{}{text}", if bom { "\u{feff}" } else { "" }).into_bytes();
            list(Scheme::Yaml, &file).is_ok().then_some(file)
        })
        .boxed()
}
