//! JSON files of every style, and of none.

use portion::Scheme;
use proptest::prelude::*;

/// What a file says.
#[derive(Debug, Clone)]
enum Node {
    Scalar(String),
    Array(Vec<Node>),
    Object(Vec<(String, Node)>),
}

/// How a file is written.
#[derive(Debug, Clone)]
struct Style {
    /// One level of indentation; without it, everything is on one line.
    step: Option<&'static str>,
    end: &'static str,
    bom: bool,
    final_end: bool,
    colon: &'static str,
    /// White space and comments that are strewn in, one choice after the other.
    strange: Vec<u8>,
    comments: bool,
    json5: bool,
}

pub(crate) fn files(scheme: Scheme) -> BoxedStrategy<Vec<u8>> {
    (node(), style(scheme))
        .prop_map(|(node, style)| {
            let mut writer = Writer { style: &style, out: String::new(), turn: 0 };
            if style.bom {
                writer.out.push('\u{FEFF}');
            }
            writer.gap(0);
            writer.node(&node, 0);
            writer.gap(0);
            if style.final_end {
                writer.out.push_str(style.end);
            }
            writer.out.into_bytes()
        })
        .boxed()
}

fn node() -> impl Strategy<Value = Node> {
    let scalar = prop::sample::select(vec![
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1.50",
        "1E+2",
        "12345678901234567890123",
        "\"\"",
        "\"a\"",
        "\"é😀\"",
        r#""\u00e9\ud83d\ude00""#,
        r#""\\\"//""#,
        "\"/* { */\"",
        "\"1\"",
        "\"true\"",
    ]);
    let key = prop::sample::select(vec!["a", "b", "c d", "", "e/f", "g~h", "0", "-", "é", "\\u0061\\n", "\\\""]);
    scalar.prop_map(|text| Node::Scalar(text.to_owned())).prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Node::Array),
            prop::collection::vec((key.clone(), inner), 0..4).prop_map(|members| {
                let mut unique: Vec<(String, Node)> = Vec::new();
                for (key, node) in members {
                    if !unique.iter().any(|(known, _)| known == key) {
                        unique.push((key.to_owned(), node));
                    }
                }
                Node::Object(unique)
            }),
        ]
    })
}

fn style(scheme: Scheme) -> impl Strategy<Value = Style> {
    let step = prop::sample::select(vec![None, Some(""), Some("  "), Some("    "), Some("\t"), Some(" \t")]);
    let end = prop::sample::select(vec!["\n", "\r\n"]);
    let colon = prop::sample::select(vec![":", ": ", " :  "]);
    let strange = prop_oneof![Just(Vec::new()), prop::collection::vec(any::<u8>(), 1..12)];
    (step, end, colon, any::<(bool, bool)>(), strange).prop_map(move |(step, end, colon, (bom, final_end), strange)| {
        Style {
            step,
            end,
            bom,
            final_end,
            colon,
            strange,
            comments: scheme != Scheme::Json,
            json5: scheme == Scheme::Json5,
        }
    })
}

struct Writer<'a> {
    style: &'a Style,
    out: String,
    turn: usize,
}

impl Writer<'_> {
    fn choice(&mut self) -> u8 {
        self.turn += 1;
        let strange = &self.style.strange;
        if strange.is_empty() { 0 } else { strange[self.turn % strange.len()] }
    }

    /// Something strange, perhaps, where white space may stand.
    fn gap(&mut self, depth: usize) {
        let (choice, end) = (self.choice() % 24, self.style.end);
        match choice {
            1 => self.out.push(' '),
            2 => self.out.push_str(" \t "),
            3 => self.out.push_str(end),
            4 => self.line(depth + 1),
            5 => self.out.push('\r'),
            6 => self.out.push_str(&format!("{end}   {end}{end}")),
            11 if self.style.json5 => self.out.push_str("\u{a0}\u{feff}\u{b}"),
            7 if self.style.comments => self.out.push_str("/* \"x\": { */"),
            8 if self.style.comments => self.out.push_str(&format!(" // it's {{ \"{end}")),
            9 if self.style.comments => {
                self.line(depth);
                self.out.push_str(&format!("// above{end}"));
                self.out.push_str(&self.style.step.unwrap_or_default().repeat(depth));
            }
            10 if self.style.comments => {
                self.out.push_str("/* one");
                self.line(depth);
                self.out.push_str(" * two */");
            }
            _ => {}
        }
    }

    fn line(&mut self, depth: usize) {
        if let Some(step) = self.style.step {
            self.out.push_str(self.style.end);
            self.out.push_str(&step.repeat(depth));
        }
    }

    fn node(&mut self, node: &Node, depth: usize) {
        match node {
            Node::Scalar(text) => {
                let odd = self.odd_scalar();
                self.out.push_str(odd.as_deref().unwrap_or(text));
            }
            Node::Array(items) => {
                self.out.push('[');
                for (at, item) in items.iter().enumerate() {
                    self.before(at, depth);
                    self.node(item, depth + 1);
                    self.gap(depth);
                }
                self.after(items.len(), depth);
                self.out.push(']');
            }
            Node::Object(members) => {
                self.out.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    self.before(at, depth);
                    self.key(key);
                    self.gap(depth);
                    self.out.push_str(self.style.colon);
                    self.gap(depth);
                    self.node(value, depth + 1);
                    self.gap(depth);
                }
                self.after(members.len(), depth);
                self.out.push('}');
            }
        }
    }

    /// What only JSON5 has, by turns.
    fn odd_scalar(&mut self) -> Option<String> {
        if !self.style.json5 {
            return None;
        }
        let end = self.style.end;
        Some(match self.choice() % 24 {
            1 => "'it\\'s \"x\"'".to_owned(),
            2 => format!("'a\\{end}  b // {{'"),
            3 => "+0x1F".to_owned(),
            4 => "-Infinity".to_owned(),
            5 => "NaN".to_owned(),
            6 => ".5".to_owned(),
            7 => "-5.".to_owned(),
            8 => "\"\\x41\\v\\0\\é\tx\"".to_owned(),
            9 => "'\u{2028}]'".to_owned(),
            _ => return None,
        })
    }

    fn key(&mut self, key: &str) {
        let choice = if self.style.json5 { self.choice() % 4 } else { 0 };
        match (choice, key) {
            (1, "a" | "b" | "é") => self.out.push_str(key),
            (1, "\\u0061\\n") => self.out.push_str("\\u0061n"),
            (2, key) if !key.contains('"') => self.out.push_str(&format!("'{key}'")),
            _ => self.out.push_str(&format!("\"{key}\"")),
        }
    }

    fn before(&mut self, at: usize, depth: usize) {
        if at > 0 {
            self.out.push(',');
        }
        self.gap(depth);
        self.line(depth + 1);
        self.gap(depth);
    }

    fn after(&mut self, count: usize, depth: usize) {
        if count > 0 {
            if self.style.comments && self.choice() % 4 == 1 {
                self.out.push(',');
                self.gap(depth);
            }
            self.line(depth);
        }
        self.gap(depth);
    }
}
