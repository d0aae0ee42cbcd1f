//! The architecture page: what it names must exist, and what exists must be named.

use std::collections::BTreeSet;

use super::Findings;
use super::graph::Allowed;

/// The table of dependencies: the page's lines `` `crate → a, b` `` (or `(none)`).
pub(crate) fn allowed_dependencies(page: &str, findings: &mut Findings) -> Allowed {
    let mut allowed = Allowed::new();
    for code in inline_code(page) {
        let Some((name, targets)) = code.text.split_once(" → ") else { continue };
        let targets = if targets == "(none)" { "" } else { targets };
        let targets = targets.split(", ").filter(|t| !t.is_empty()).map(str::to_owned).collect();
        allowed.insert(name.to_owned(), targets);
    }
    if allowed.is_empty() {
        findings.error("the architecture page has no table of dependencies (`crate → a, b`)");
    }
    allowed
}

/// Every path in inline code (something with a `/`, or a file name with one of our endings) must exist.
pub(crate) fn check_names(page: &str, exists: &dyn Fn(&str) -> bool, findings: &mut Findings) {
    for code in inline_code(page) {
        let text = code.text;
        let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
        let file = [".rs", ".md", ".toml", ".proto", ".lock"].iter().any(|end| text.ends_with(end));
        let path = text.contains('/') && !text.starts_with('/');
        if plain && (file || path) && !exists(text.trim_end_matches('/')) {
            findings.error(format!("ARCHITECTURE.md:{}: names `{text}`, which does not exist", code.line));
        }
    }
}

/// Every dependency of the root manifest has a line `` - `name`: why `` (several names may share a line), and no other has one.
pub(crate) fn check_justified(page: &str, external: &BTreeSet<String>, findings: &mut Findings) {
    let mut justified = BTreeSet::new();
    let section = page.split("\n## Dependencies from outside").nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    for line in section.lines().filter(|line| line.starts_with("- `")) {
        let names = line.split(": ").next().unwrap_or_default();
        justified.extend(inline_code(names).into_iter().map(|code| code.text.to_owned()));
    }
    for name in external.difference(&justified) {
        findings.error(format!(
            "ARCHITECTURE.md: `{name}` is a dependency, and \"Dependencies from outside\" does not say why"
        ));
    }
    for name in justified.difference(external) {
        findings.error(format!("ARCHITECTURE.md: \"Dependencies from outside\" names `{name}`, which is none"));
    }
}

struct Code<'a> {
    text: &'a str,
    /// Counted from 1.
    line: usize,
}

/// Inline code outside fenced blocks.
fn inline_code(page: &str) -> Vec<Code<'_>> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (index, line) in page.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            continue;
        }
        for (nth, text) in line.split('`').enumerate() {
            if nth % 2 == 1 {
                found.push(Code { text, line: index + 1 });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn names(page: &str, expected: &[&str]) {
        let mut findings = Findings::default();
        check_names(page, &|name| ["crates/plan", "plan/src/lib.rs"].contains(&name), &mut findings);
        assert_eq!(findings.errors, expected);
    }

    #[test]
    fn names_must_exist() {
        names(
            "see `crates/plan/` and `plan/src/lib.rs`, `GroupId`, `a → b`, `/etc/hosts`\n```\n`crates/none`\n```",
            &[],
        );
        names("\nsee `crates/none`", &["ARCHITECTURE.md:2: names `crates/none`, which does not exist"]);
        names("see `gone.rs`", &["ARCHITECTURE.md:1: names `gone.rs`, which does not exist"]);
    }

    #[test]
    fn the_table_is_read() {
        let mut findings = Findings::default();
        let table = allowed_dependencies("`a → b, c`, `b → (none)`", &mut findings);
        assert!(findings.errors.is_empty());
        assert_eq!(table.get("a").map(BTreeSet::len), Some(2));
        assert_eq!(table.get("b").map(BTreeSet::len), Some(0));
        assert!(allowed_dependencies("nothing", &mut findings).is_empty());
        assert_eq!(findings.errors.len(), 1);
    }

    #[track_caller]
    fn justified(lines: &str, expected: &[&str]) {
        let page = format!("# x\n`other` text\n## Dependencies from outside\n{lines}\n## After\n- `later`: no\n");
        let external = ["clap", "serde"].iter().map(|s| (*s).to_owned()).collect();
        let mut findings = Findings::default();
        check_justified(&page, &external, &mut findings);
        assert_eq!(findings.errors, expected);
    }

    #[test]
    fn every_dependency_says_why() {
        justified("- `clap`, `serde`: because of `this`", &[]);
        justified(
            "- `clap`: why\n- `rand`: why",
            &[
                "ARCHITECTURE.md: `serde` is a dependency, and \"Dependencies from outside\" does not say why",
                "ARCHITECTURE.md: \"Dependencies from outside\" names `rand`, which is none",
            ],
        );
    }
}
