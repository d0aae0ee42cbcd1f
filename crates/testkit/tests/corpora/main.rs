//! The lens laws on real files that other people wrote, and the cases that the formats' own test suites publish.
//!
//! Files come from the sources of the workspace's dependencies and from `target/corpora` (which `cargo xtask test` fills).
//! Which files, portions and edits are tried is a function of the file's path alone: the same files give the same result.
//! The counts are written to `target/corpora.json`; with `UPDATE_EXPECT=1` also to the table of `docs/formats.md`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod archive;
mod edits;
mod files;
mod laws;
mod oracle;
mod suites;
mod table;

use std::fs;
use std::panic::catch_unwind;

use files::File;
use laws::Tally;

/// At least so many files of each of these formats must have been found, where all corpora are required.
const ENOUGH: &[(&str, usize)] = &[
    ("json", 500),
    ("toml", 500),
    ("yaml", 500),
    ("md", 500),
    ("csv", 300),
    ("jsonl", 300),
    ("ics", 300),
    ("vcf", 300),
    ("ipynb", 300),
    ("rst", 300),
    ("xlsx", 70),
    ("docx", 40),
    ("pptx", 60),
    ("ods", 30),
    ("xml", 300),
    ("html", 300),
    ("rust", 300),
    ("python", 300),
    ("javascript", 300),
    ("typescript", 300),
    ("c", 300),
    ("cpp", 300),
    ("css", 300),
    ("lua", 300),
    ("java", 300),
    ("csharp", 300),
    ("bash", 300),
    ("php", 300),
    ("go", 300),
    ("ruby", 300),
    ("hcl", 300),
    ("sql", 300),
    ("nginx", 300),
    ("adoc", 300),
    ("desktop", 300),
    ("systemd", 300),
    ("ini", 300),
    ("properties", 300),
    ("tex", 300),
    ("json5", 300),
    // Nobody ships many of them.
    ("org", 100),
];

#[test]
fn the_laws_hold_on_real_files() {
    let root = files::workspace();
    let files = files::found(&root);
    if files::required() {
        let count = |kind: &str| files.iter().filter(|file| file.kind == kind).count();
        let few: Vec<_> = ENOUGH.iter().map(|(kind, least)| (kind, count(kind), least)).collect();
        let few: Vec<_> = few.iter().filter(|(_, count, least)| count < *least).collect();
        assert!(few.is_empty(), "too few files were found: {few:?}");
    }
    let mut tally = on_all_cores(&files);
    tally.sort_by_key(|t| t.kind);
    fs::write(root.join("target/corpora.json"), table::json(&tally)).unwrap();
    let page = table::markdown(&tally);
    println!("{page}");
    table::keep(&root.join("docs/formats.md"), &page);
    let broken: Vec<&String> = tally.iter().flat_map(|t| &t.broken).collect();
    for law in broken.iter().take(100) {
        println!("broken: {law}");
    }
    assert!(broken.is_empty(), "{} laws were broken", broken.len());
}

fn on_all_cores(files: &[File]) -> Vec<Tally> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // A panic is a broken law, and told as one; the hook would only repeat it.
    std::panic::set_hook(Box::new(|_| {}));
    let parts: Vec<Vec<Tally>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores)
            .map(|core| scope.spawn(move || files.iter().skip(core).step_by(cores).map(one).collect::<Vec<_>>()))
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let _ = std::panic::take_hook();
    let mut tally: Vec<Tally> = Vec::new();
    for part in parts.into_iter().flatten() {
        match tally.iter_mut().find(|t| t.kind == part.kind) {
            Some(sum) => sum.add(part),
            None => tally.push(part),
        }
    }
    tally
}

fn one(file: &File) -> Tally {
    catch_unwind(|| laws::check(file)).unwrap_or_else(|panic| {
        let said = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("?");
        let mut tally = Tally::new(file.kind);
        tally.files = 1;
        tally.broken.push(format!("total: {}: panicked: {said}", file.name));
        tally
    })
}
