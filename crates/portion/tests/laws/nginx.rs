//! nginx configurations.

use proptest::prelude::*;

/// A block holds what stands in it, and what is in a block may tell which one it is.
pub(crate) fn related(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    // Without its name a block is addressed by another one.
    let names = |a: &str, b: &str| {
        a.rsplit_once('/').is_some_and(|(block, last)| last.starts_with("server_name") && b.starts_with(block))
    };
    long.starts_with(short) || names(a, b) || names(b, a)
}

const LINES: &[&str] = &[
    "a on;",
    "a off 'x y';",
    "b \"q; {\" ${v}x;",
    "c;",
    "d 1; # c",
    "# e {",
    "f { g 1; h 2; }",
    "server {",
    "location /x {",
    "location ~ ^/(.*)$ {",
    "server_name n.org m.org;",
    "server_name o.org;",
    "i 'two\n  lines';",
    "j x\n    y;",
    "k_by_lua_block { x = \"}\" }",
    "k_by_lua_block {\n  y = 1\n}",
    "}",
    "}",
    "",
];

pub(crate) fn files() -> BoxedStrategy<Vec<u8>> {
    (prop::collection::vec(prop::sample::select(LINES), 0..16), any::<(bool, bool, bool)>())
        .prop_map(|(lines, (crlf, indents, final_end))| {
            let (mut text, mut depth) = (String::new(), 0_usize);
            for line in lines {
                if line == "}" && depth == 0 {
                    continue;
                }
                depth -= usize::from(line == "}");
                text.push_str(&format!("{}{line}\n", if indents { "\t".repeat(depth) } else { String::new() }));
                depth += usize::from(line.ends_with('{') && !line.starts_with('#'));
            }
            text.push_str(&"}\n".repeat(depth));
            if !final_end {
                text.truncate(text.trim_end().len());
            }
            if crlf { text.replace('\n', "\r\n") } else { text }.into_bytes()
        })
        .boxed()
}
