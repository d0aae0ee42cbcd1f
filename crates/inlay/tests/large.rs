//! Large files: a portion of one is read without holding the file.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;

/// A file of 128 MiB: the beginning once, the middle again and again, the end once.
fn long(path: &Path, parts: [&str; 3]) {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).unwrap());
    out.write_all(parts[0].as_bytes()).unwrap();
    let middle = parts[1].repeat((1 << 20) / parts[1].len());
    for _ in 0..128 {
        out.write_all(middle.as_bytes()).unwrap();
    }
    out.write_all(parts[2].as_bytes()).unwrap();
    out.into_inner().unwrap();
}

/// A portion in a process that has less memory than the file's size for itself, its program and its threads' stacks.
fn got(address: &str) -> String {
    let script = "ulimit -v 110000 && exec \"$0\" get \"$1\"";
    let output = Command::new("sh").args(["-c", script, env!("CARGO_BIN_EXE_inlay"), address]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_portion_of_a_large_file_takes_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.json");
    let record =
        "    {\"id\": 1, \"name\": \"a name\", \"tags\": [\"x\", \"y\"], \"value\": {\"a\": 1.5, \"b\": null}},\n";
    long(&path, ["{\n  \"records\": [\n", record, "    {}\n  ],\n    \"shared\": {\n      \"edit\": 1\n    }\n}\n"]);
    assert_eq!(got(&format!("{}#/shared", path.display())), "{\n  \"edit\": 1\n}");
    std::fs::remove_file(path).unwrap();

    let path = folder.path().join("large.csv");
    long(&path, ["id,name,city\n", "12345,a name,\"a city, somewhere\"\n", "last,\"a \"\"b\"\"\",c\n"]);
    assert_eq!(got(&format!("{}#cell id=last/name", path.display())), "a \"b\"");
    assert_eq!(got(&format!("{}#row id=last", path.display())), "id,name,city\nlast,\"a \"\"b\"\"\",c\n");
}
