//! Durable backups a second, for 1 and 8 writers of 200-byte portions: `cargo run --release --example throughput -p repo [FOLDER]`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a measurement, not a part of the program")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use repo::{Copy, Kdf, LocalStorage, Options, Password, Repository, Writer, WriterOptions};

const SECONDS: u64 = 5;

fn copy(number: u64) -> Copy {
    // 200 bytes of which most are the same each time, as in a settings file.
    let content = format!("{number:>20}{}", "{\"command\": \"npx\", \"args\": [\"-y\", \"server\"]}, ".repeat(4));
    Copy {
        group: "mcp".into(),
        agent: "laptop".into(),
        path: "/home/me/.claude.json".into(),
        selector: "/mcpServers".into(),
        job: number.to_string(),
        content: content.into_bytes()[..200].to_vec().into(),
        time: jiff::Timestamp::now(),
    }
}

async fn measure(folder: &std::path::Path, writers: u64) {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let storage = Arc::new(LocalStorage::new(folder.path()));
    let options = Options { kdf: Kdf::CHEAP };
    let repository = Repository::init(storage, &Password::new("x".into()), options).await.unwrap();
    let writer = Writer::start(repository, WriterOptions::new("laptop")).unwrap();
    let end = Instant::now() + Duration::from_secs(SECONDS);
    let tasks: Vec<_> = (0..writers)
        .map(|task| {
            let writer = writer.clone();
            tokio::spawn(async move {
                let mut times = Vec::new();
                let mut number = task << 32;
                while Instant::now() < end {
                    let start = Instant::now();
                    writer.backup(copy(number)).await.unwrap();
                    times.push(start.elapsed());
                    number += 1;
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.unwrap());
    }
    writer.shutdown().await.unwrap();
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    let rate = times.len() as u64 / SECONDS;
    println!("{writers} writers: {rate}/s, p50 {:.3} ms, p99 {:.3} ms", at(0.5), at(0.99));
}

fn main() {
    let folder = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, Into::into);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for writers in [1, 8] {
        runtime.block_on(measure(&folder, writers));
    }
}
