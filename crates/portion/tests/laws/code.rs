//! Source code.

use proptest::prelude::*;

/// Items that hold others hold the `{}` of the next ones.
const RUST: &[&str] = &[
    "fn a() {}",
    "fn a() {\n    let x = \"one\n  two\n    three\";\n\n    x\n}",
    "fn b() { 1 } // behind",
    "/// Doc.\n#[test]\nfn b() {\n\t1\n}",
    "// far\n\nfn c() {}",
    "const A: &str = r#\"\n x\n\"#;",
    "const B: u8 = 1;",
    "/* one\n  two */\nstruct S {\n    x: u8,\n}",
    "struct T;",
    "use x::y;",
    "fn broken( {",
    "fn a() {} fn b() {}",
    "macro_rules! m {\n    () => {};\n}",
];
const RUST_BLOCKS: &[(&str, &str)] =
    &[("impl S {", "}"), ("mod m {", "}"), ("impl X for S\n{", "}"), ("fn outer() {", "}")];

const PYTHON: &[&str] = &[
    "def a(): pass",
    "def a(self):\n    '''one\n  two\n      three'''\n\n    return 1",
    "@d\n@e(1)\ndef b():\n    if x:\n        return 1\n    # end",
    "# doc\nasync def c(\n    x,\n): return x",
    "A = 1  # behind",
    "A: int = (\n    1)",
    "B = '''\n x\n'''",
    "# far\n\nB = 2",
    "x.y = 1",
    "import os; import sys",
    "def a(): pass\n# out\ndef c(): pass",
    "pass",
];
const PYTHON_BLOCKS: &[(&str, &str)] =
    &[("class K:", ""), ("@d\nclass L(K):\n    # first", ""), ("if x:", ""), ("def outer():", "")];

const JAVASCRIPT: &[&str] = &[
    "function a() {}",
    "function a() {\n  return `one\n two ${x}\n    three`;\n}",
    "export const b = () => 1;",
    "/** Doc. */\nexport default function b() {\n\treturn 1\n}",
    "const A = 1",
    "let A = [\n  1,\n]; // behind",
    "// far\n\nvar B = /x/;",
    "exports.c = function () {}",
    "(function () {})()",
    "x\n++\ny",
    "const p = 1, q = 2;",
];
const JAVASCRIPT_BLOCKS: &[(&str, &str)] =
    &[("function outer() {", "}"), ("if (x) {", "}"), ("const o = () => {", "};")];

/// One stands in the other, or has the same path but for a number.
pub(crate) fn related(a: &str, b: &str) -> bool {
    let plain = |selector: &str| selector.rsplit_once('[').map_or(selector, |(path, _)| path).to_owned();
    super::by_pointer(&plain(a), &plain(b))
}

fn indented(text: &str, indent: &str) -> String {
    // Lines within strings, too: what they say is then another text, and they stay strings.
    let line = |line: &str| if line.is_empty() { String::new() } else { format!("{indent}{line}") };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

fn files(items: &'static [&'static str], blocks: &'static [(&'static str, &'static str)]) -> BoxedStrategy<Vec<u8>> {
    let ends = || prop::sample::select(vec!["\n", "\n\n", "\n\n\n", "\n  \n"]);
    let indent = prop::sample::select(vec!["    ", "  ", "\t"]);
    let item = (prop::sample::select(items), ends()).prop_map(|(item, end)| format!("{item}{end}"));
    let block = (
        prop::sample::select(blocks),
        prop::collection::vec((prop::sample::select(items), ends()), 1..4),
        indent,
        ends(),
    );
    let block = block.prop_map(|((open, close), items, indent, end)| {
        let inner: String = items.iter().map(|(item, end)| format!("{}{end}", indented(item, indent))).collect();
        format!("{open}\n{inner}{close}{end}")
    });
    let parts = prop::collection::vec(prop_oneof![3 => item, 1 => block], 0..7);
    (parts, any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.8))
        .prop_map(|(parts, crlf, bom, final_end)| {
            let mut text = parts.concat();
            if !final_end {
                text.truncate(text.trim_end().len());
            }
            let text = if crlf { text.replace('\n', "\r\n") } else { text };
            format!("{}{text}", if bom { "\u{feff}" } else { "" }).into_bytes()
        })
        .boxed()
}

pub(crate) fn rust() -> BoxedStrategy<Vec<u8>> {
    files(RUST, RUST_BLOCKS)
}

pub(crate) fn python() -> BoxedStrategy<Vec<u8>> {
    files(PYTHON, PYTHON_BLOCKS)
}

pub(crate) fn javascript() -> BoxedStrategy<Vec<u8>> {
    files(JAVASCRIPT, JAVASCRIPT_BLOCKS)
}
