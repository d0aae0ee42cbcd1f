//! Only the portion: of a file of one gigabyte the copy holds the portion alone.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufWriter, Write};

use testkit::{Cluster, Options, wait_for};

const OUTSIDE: &str = "OUTSIDE-THE-PORTION-51c9";

#[test]
fn of_a_gigabyte_the_portion_alone_travels() {
    let cluster = Cluster::start(&Options { agents: 2, namespaces: true });
    let (a, b) = (&cluster.agents[0], &cluster.agents[1]);
    let large = a.file("large.conf");
    let mut file = BufWriter::with_capacity(1 << 20, std::fs::File::create(&large).unwrap());
    let line = format!("# {OUTSIDE} {}\n", "x".repeat(1000));
    for n in 0..1_000_000 {
        if n == 500_000 {
            file.write_all(b"# inlay:begin part\nserver one;\n# inlay:end part\n").unwrap();
        }
        file.write_all(line.as_bytes()).unwrap();
    }
    file.into_inner().unwrap();
    b.write("small.conf", "first\n# inlay:begin part\n# inlay:end part\nlast\n");
    let (from, to) = (a.address("large.conf", "mark:part"), b.address("small.conf", "mark:part"));
    cluster.ok(&cluster.manager, &["link", "part", &from, &to, "--from", &from, "--yes"]);
    wait_for("the portion arrives", || b.read("small.conf").contains("server one;").then_some(()));
    assert_eq!(b.read("small.conf"), "first\n# inlay:begin part\nserver one;\n# inlay:end part\nlast\n");

    b.write("small.conf", "first\n# inlay:begin part\nserver two;\n# inlay:end part\nlast\n");
    cluster.in_sync("part");
    let length = std::fs::metadata(&large).unwrap().len();
    let back = portion_of(&large);
    assert_eq!(back, "server two;\n");
    assert_eq!(length, 1_000_000 * line.len() as u64 + 48, "not a byte more or less");

    let contents = wait_for("a snapshot shows the copies", || {
        let contents = cluster.contents();
        contents.iter().any(|(_, content)| content == b"server two;\n").then_some(contents)
    });
    for (copy, content) in &contents {
        assert!(content.len() < 100 && !String::from_utf8_lossy(content).contains(OUTSIDE), "{copy:?}");
    }
    let size: u64 = walk(&cluster.repository());
    assert!(size < 100_000, "the repository has {size} bytes");
    let (sent, received) = traffic(&cluster, 1);
    assert!(sent + received < 400_000, "{sent} bytes sent and {received} received");
    println!("repository {size} bytes, agent sent {sent} and received {received} bytes");
    let manager = cluster.manager.process.as_ref().unwrap();
    let log = manager.log();
    assert!(!log.contains(OUTSIDE) && !log.contains("server two"));
    walk_for(&cluster.manager.home, OUTSIDE.as_bytes());
}

fn portion_of(path: &std::path::Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    String::from_utf8(portion::get(portion::Scheme::Mark, &bytes, "part").unwrap().text).unwrap()
}

fn walk(directory: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(directory).unwrap().flatten();
    entries.map(|e| if e.path().is_dir() { walk(&e.path()) } else { e.metadata().map_or(0, |m| m.len()) }).sum()
}

fn walk_for(directory: &std::path::Path, needle: &[u8]) {
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        if entry.path().is_dir() {
            walk_for(&entry.path(), needle);
        } else if let Ok(bytes) = std::fs::read(entry.path()) {
            assert!(!bytes.windows(needle.len()).any(|w| w == needle), "{}", entry.path().display());
        }
    }
}

/// What the interface of an agent's machine counted: everything that crossed the wire.
fn traffic(cluster: &Cluster, machine: usize) -> (u64, u64) {
    let count = |what: &str| -> u64 {
        let file = format!("/sys/class/net/eth/statistics/{what}_bytes");
        let output = cluster.network.command(machine, std::path::Path::new("cat"), &[]).arg(file).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    };
    (count("tx"), count("rx"))
}
