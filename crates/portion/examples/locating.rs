//! How fast a portion is located in a large file, relative to memchr on the same bytes in the same run, and with how much memory in one
//! that is not held: `cargo run --release --example locating -p portion`. `cargo xtask bench` runs this; the table goes to standard
//! output and, as JSON, to `target/bench-locating.json`.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a measurement, not a part of the program"
)]

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufWriter, Write as _};
use std::time::Instant;

use portion::Scheme;
use serde_json::json;

const SIZE: usize = 100 << 20;
/// Of the files that are read in pieces, in times of [`SIZE`].
const TIMES: usize = 5;
const ROUNDS: usize = 9;

/// A flat object of short strings around the portion.
fn flat() -> Vec<u8> {
    let mut out = String::from("{\n");
    for n in 0.. {
        out.push_str(&format!("  \"key{n:08}\": \"some text of an application\",\n"));
        if out.len() > SIZE {
            break;
        }
        if n == 1_000_000 {
            out.push_str("  \"shared\": {\"edit\": 1},\n");
        }
    }
    out.push_str("  \"end\": true\n}\n");
    out.into_bytes()
}

/// Many records beneath one key, the portion behind them.
fn records() -> Vec<u8> {
    let mut out = String::from("{\"records\": [\n");
    for n in 0.. {
        out.push_str(&format!(
            "  {{\"id\": {n}, \"name\": \"a name\", \"tags\": [\"x\", \"y\"], \"path\": \"C:\\\\{n}\", \"value\": {{\"a\": 1.5, \"b\": null}}}},\n"
        ));
        if out.len() > SIZE {
            break;
        }
    }
    out.push_str("  {}],\n  \"shared\": {\"edit\": 1}\n}\n");
    out.into_bytes()
}

/// A region amidst lines with or without colons.
fn marked(line: &str) -> Vec<u8> {
    let mut out = String::new();
    while out.len() < SIZE / 2 {
        out.push_str(line);
    }
    out.push_str("# inlay:begin shared\nserver a;\n# inlay:end shared\n");
    while out.len() < SIZE {
        out.push_str(line);
    }
    out.into_bytes()
}

enum Quotes {
    None,
    Some,
    All,
}

/// Rows of a table, some or all of its fields in quotes; the one that is looked for is the last.
fn table(quotes: Quotes) -> Vec<u8> {
    let mut out = String::from("id,name,city,amount,note\n");
    for n in 0.. {
        match quotes {
            Quotes::All => out.push_str(&format!("\"{n}\",\"a name\",\"a city, somewhere\",\"{n}.50\",\"\"\n")),
            Quotes::None => out.push_str(&format!("{n},a name,a city elsewhere,{n}.50,\n")),
            Quotes::Some => out.push_str(&format!("{n},a name,\"a city, somewhere\",{n}.50,\n")),
        }
        if out.len() > SIZE {
            break;
        }
    }
    out.push_str("last,a,b,c,d\n");
    out.into_bytes()
}

/// The median rates, in GB/s, of works that take turns, so that what else the machine does slows down all of them.
fn rates<const N: usize>(bytes: usize, mut works: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut times = [[0.0; ROUNDS]; N];
    for round in 0..ROUNDS {
        for (work, times) in works.iter_mut().zip(&mut times) {
            let start = Instant::now();
            work();
            times[round] = start.elapsed().as_secs_f64();
        }
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        bytes as f64 / times[ROUNDS / 2] / 1e9
    })
}

/// The most memory that this process ever held, in MiB.
fn peak() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0.0) / 1024.0
}

/// A file of 500 MB: the beginning once, the middle again and again, the end once.
fn long(parts: [&str; 3]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut out = BufWriter::new(file.as_file());
    out.write_all(parts[0].as_bytes()).unwrap();
    for _ in 0..SIZE * TIMES / parts[1].len() {
        out.write_all(parts[1].as_bytes()).unwrap();
    }
    out.write_all(parts[2].as_bytes()).unwrap();
    out.flush().unwrap();
    drop(out);
    file
}

fn main() {
    let mut rows = Vec::new();
    println!(
        "| locating in 500 MB, read in pieces from the page cache | GB/s | memory in all, MiB |\n| --- | ---: | ---: |"
    );
    let record =
        "  {\"id\": 1, \"name\": \"a name\", \"tags\": [\"x\", \"y\"], \"value\": {\"a\": 1.5, \"b\": null}},\n";
    for (name, scheme, expression, parts) in [
        (
            "JSON, behind an array of records",
            Scheme::Json,
            "/shared",
            ["{\"records\": [\n", record, "{}],\n  \"shared\": {\"edit\": 1}\n}\n"],
        ),
        (
            "CSV, the last row",
            Scheme::Csv,
            "row id=last",
            ["id,name,city\n", "12345,a name,\"a city, somewhere\"\n", "last,a,b\n"],
        ),
        (
            "JSON Lines, the last record",
            Scheme::Jsonl,
            "id=last",
            ["", "{\"id\": 1, \"name\": \"a name\", \"value\": {\"a\": 1.5, \"b\": null}}\n", "{\"id\": \"last\"}\n"],
        ),
    ] {
        let file = long(parts);
        let bytes = fs::metadata(file.path()).unwrap().len() as usize;
        let mut locate = || {
            let mut file = File::open(file.path()).unwrap();
            let found = portion::get_from(scheme, &mut file, expression).unwrap();
            assert!(black_box(found).is_some());
        };
        let [rate] = rates(bytes, [&mut locate]);
        println!("| {name} | {rate:.2} | {:.0} |", peak());
        rows.push(json!({ "file": name, "bytes": bytes, "gb_per_second": rate, "peak_mib": peak() }));
    }
    println!("\n| locating in 100 MB that are held | GB/s | relative to memchr |\n| --- | ---: | ---: |");
    for (name, scheme, expression, file) in [
        ("JSON, a flat object", Scheme::Json, "/shared", flat()),
        ("JSON, an array of records beside it", Scheme::Json, "/shared", records()),
        ("CSV without quotes, a row by its key", Scheme::Csv, "row id=last", table(Quotes::None)),
        ("CSV with some quotes", Scheme::Csv, "row id=last", table(Quotes::Some)),
        ("the same, a key that is short", Scheme::Csv, "row id=42", table(Quotes::Some)),
        ("CSV, every field in quotes", Scheme::Csv, "row id=last", table(Quotes::All)),
        ("a marked region", Scheme::Mark, "shared", marked("a line of a configuration that somebody wrote\n")),
        ("the same, a colon in every line", Scheme::Mark, "shared", marked("setting: a line that somebody wrote\n")),
    ] {
        let mut locate = || drop(black_box(portion::get(scheme, black_box(&file), expression).unwrap()));
        // A byte that is not there, so that all of it is read.
        let mut search = || assert!(memchr::memchr(1, black_box(&file)).is_none());
        let [own, memchr] = rates(file.len(), [&mut locate, &mut search]);
        println!("| {name} | {own:.2} | {:.2} |", own / memchr);
        rows.push(json!({ "file": name, "bytes": file.len(), "gb_per_second": own, "of_memchr": own / memchr }));
    }
    fs::write("target/bench-locating.json", serde_json::to_string_pretty(&rows).unwrap()).unwrap();
}
