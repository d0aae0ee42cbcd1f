//! `cargo xtask tidy`: what the compiler cannot see: which crate may depend on which, which code may do what, and whether the
//! architecture page still tells the truth. Each check takes data and gives findings, so that tests can feed it breaches.

mod graph;
mod page;
mod source;
mod walls;

use std::fs;
use std::path::Path;

use crate::proto;
use crate::shell::TaskError;
use source::Source;

/// What a check found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Breaches: tidy fails.
    pub(crate) errors: Vec<String>,
    /// Worth splitting, soon.
    pub(crate) warnings: Vec<String>,
}

impl Findings {
    fn error(&mut self, text: impl Into<String>) {
        self.errors.push(text.into());
    }

    fn warn(&mut self, text: impl Into<String>) {
        self.warnings.push(text.into());
    }
}

/// The page that the checks hold the code to.
const PAGE: &str = "ARCHITECTURE.md";

pub(crate) fn run(root: &Path) -> Result<(), TaskError> {
    let mut findings = Findings::default();
    let page_path = root.join(PAGE);
    let page_text = fs::read_to_string(&page_path).map_err(TaskError::file("read", &page_path))?;
    let metadata = graph::metadata(root)?;
    let allowed = page::allowed_dependencies(&page_text, &mut findings);
    graph::check(&metadata.packages, &allowed, &mut findings);
    page::check_names(&page_text, &|name| exists(root, name), &mut findings);
    page::check_justified(&page_text, &metadata.external, &mut findings);
    let sources = source::read_all(root)?;
    for source in &sources {
        walls::check(source, &mut findings);
        lengths(source, &mut findings);
    }
    for path in proto::stale(root)?.keys() {
        findings.error(format!("{}: not as the .proto files say: run `cargo xtask proto`", path.display()));
    }
    for warning in &findings.warnings {
        eprintln!("warning: {warning}");
    }
    for error in &findings.errors {
        eprintln!("error: {error}");
    }
    eprintln!(
        "tidy: {} crates, {} source files, {} breaches, {} warnings",
        metadata.packages.len(),
        sources.len(),
        findings.errors.len(),
        findings.warnings.len()
    );
    match findings.errors.len() {
        0 => Ok(()),
        count => Err(TaskError::Check(format!("tidy found {count} breaches"))),
    }
}

/// The architecture page names files from the root or from `crates/`.
fn exists(root: &Path, name: &str) -> bool {
    root.join(name).exists() || root.join("crates").join(name).exists()
}

/// A file wants splitting past this many lines outside its tests.
const LONG_FILE: usize = 500;
/// A function wants splitting past this many lines.
const LONG_FUNCTION: usize = 70;

fn lengths(source: &Source, findings: &mut Findings) {
    if source.is_test() {
        return;
    }
    let lines = source.code.lines().count() - source.test_lines;
    if lines > LONG_FILE {
        findings.warn(format!("{}: {lines} lines outside tests; past {LONG_FILE} a file wants splitting", source.path));
    }
    for function in source.functions() {
        if function.lines > LONG_FUNCTION {
            findings.warn(format!(
                "{}:{}: `{}` has {} lines; past {LONG_FUNCTION} a function wants splitting",
                source.path, function.line, function.name, function.lines
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Findings {
        let mut findings = Findings::default();
        lengths(&Source::new("crates/agent/src/step.rs", text), &mut findings);
        findings
    }

    #[test]
    fn long_files_and_functions_are_warnings() {
        let line = "    let x = 1;\n";
        assert!(check(&format!("fn f() {{\n{}}}\n", line.repeat(60))).warnings.is_empty());
        let long = check(&format!("fn f() {{\n{}}}\n", line.repeat(80)));
        assert_eq!(long.warnings, ["crates/agent/src/step.rs:1: `f` has 82 lines; past 70 a function wants splitting"]);
        assert_eq!(check(&"const X: u8 = 1;\n".repeat(501)).warnings.len(), 1);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "    const X: u8 = 1;\n".repeat(600));
        assert!(check(&tests).warnings.is_empty(), "tests may be long");
    }
}
