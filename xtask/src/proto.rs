//! `cargo xtask proto`: the Rust code of the gRPC contracts, generated from `crates/wire/proto` and committed, so that
//! a build needs neither protoc nor a build script.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{self, TaskError};

const PROTOS: &str = "crates/wire/proto";
const GENERATED: &str = "crates/wire/src/gen";

/// Generates the code; with `check`, only compares it with what is committed.
pub(crate) fn run(root: &Path, check: bool) -> Result<(), TaskError> {
    let stale = stale(root)?;
    if check {
        if stale.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = stale.keys().map(|p| p.display().to_string()).collect();
        return Err(TaskError::Check(format!(
            "{} differs from what {PROTOS} says: run `cargo xtask proto`",
            names.join(", ")
        )));
    }
    for (path, text) in stale {
        let path = root.join(path);
        match text {
            Some(text) => fs::write(&path, text).map_err(TaskError::file("write", &path))?,
            None => fs::remove_file(&path).map_err(TaskError::file("remove", &path))?,
        }
        eprintln!("wrote {}", path.display());
    }
    Ok(())
}

/// The files under [`GENERATED`] that are not as they would be generated now, by path from the root, with the text that they
/// should have (`None`: they should not exist).
pub(crate) fn stale(root: &Path) -> Result<BTreeMap<PathBuf, Option<String>>, TaskError> {
    let protos = files_with(&root.join(PROTOS), "proto")?;
    let folder = root.join(GENERATED);
    let mut stale = BTreeMap::new();
    let fresh = if protos.is_empty() { BTreeMap::new() } else { generate(root, &protos)? };
    for path in files_with(&folder, "rs")? {
        if path.file_name().is_some_and(|name| !fresh.contains_key(Path::new(name))) {
            stale.insert(relative(root, &path), None);
        }
    }
    for (name, text) in fresh {
        let path = folder.join(name);
        if fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            stale.insert(relative(root, &path), Some(text));
        }
    }
    Ok(stale)
}

/// File name to text.
fn generate(root: &Path, protos: &[PathBuf]) -> Result<BTreeMap<PathBuf, String>, TaskError> {
    let descriptors = protox::compile(protos, [root.join(PROTOS)])
        .map_err(|error| TaskError::Check(format!("{PROTOS} does not compile: {error:?}")))?;
    let out = root.join("target/proto");
    let _ = fs::remove_dir_all(&out);
    for folder in [&out, &root.join(GENERATED)] {
        fs::create_dir_all(folder).map_err(TaskError::file("make", folder))?;
    }
    // Connections are made in one place, with our own certificates: no `connect` on the generated clients.
    tonic_prost_build::configure()
        .build_transport(false)
        .emit_rerun_if_changed(false)
        .out_dir(&out)
        .compile_fds(descriptors)
        .map_err(TaskError::file("generate code into", &out))?;
    let written = files_with(&out, "rs")?;
    shell::output(
        Command::new("rustfmt")
            .arg("--edition=2024")
            .arg("--config-path")
            .arg(root.join("rustfmt.toml"))
            .args(&written),
    )?;
    let mut texts = BTreeMap::new();
    for path in written {
        let text = fs::read_to_string(&path).map_err(TaskError::file("read", &path))?;
        texts.insert(path.file_name().map(PathBuf::from).unwrap_or_default(), text);
    }
    Ok(texts)
}

/// Files of one extension in a folder, sorted; none where there is no folder.
fn files_with(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, TaskError> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(TaskError::file("read", folder))? {
        let path = entry.map_err(TaskError::file("read", folder))?.path();
        if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn relative(root: &Path, path: &Path) -> PathBuf {
    path.strip_prefix(root).unwrap_or(path).to_path_buf()
}
