//! Formats that are no text, through the service: from a table in one program's file to one in another's.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;
use testkit::{Cluster, Options, wait_for};

fn two() -> Cluster {
    Cluster::start(&Options { agents: 2, namespaces: false })
}

/// A program of its own that writes to both databases all the time: rows that are shared, in turns on either side, and rows that are not.
const WRITER: &str = r#"
import sqlite3, sys, time
paths, turns = sys.argv[1:3], int(sys.argv[3])
for n in range(turns):
    for own, path in enumerate(paths):
        db = sqlite3.connect(path, timeout=30)
        with db:
            db.execute("UPDATE customers SET name = ? WHERE region = 'US'", (f"own{own}-{n}",))
            if n % 2 == own:
                db.execute("INSERT INTO customers (id, name, region) VALUES (?, ?, 'EU')", (100 + n, f"new{n}"))
            elif db.execute("UPDATE customers SET name = name || '!' WHERE id = ?", (100 + n - 4,)).rowcount:
                print(100 + n - 4)
        db.close()
    time.sleep(0.05)
"#;

/// Writes for some turns, and tells which rows it has changed.
fn write(paths: &[&Path], turns: usize) -> BTreeSet<usize> {
    let mut command = Command::new("python3");
    let output = command.args(["-c", WRITER]).args(paths).arg(turns.to_string()).output().unwrap();
    assert!(output.status.success(), "nobody stands in its way: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect()
}

fn text(path: &Path, sql: &str) -> String {
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Rows of a table and the same table in another database, which has other rows, too, and a further column, while a third process writes to
/// both.
#[test]
fn rows_of_two_databases() {
    let cluster = two();
    let (left, right) = (cluster.agents[0].file("shop.db"), cluster.agents[1].file("crm.sqlite"));
    let table = "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, region TEXT";
    Connection::open(&left)
        .unwrap()
        .execute_batch(&format!(
            "PRAGMA journal_mode = WAL; {table}, credit REAL);
             INSERT INTO customers VALUES (1, 'Ann', 'EU', 1.5), (2, 'Bob', 'US', 2.5);"
        ))
        .unwrap();
    Connection::open(&right)
        .unwrap()
        .execute_batch(&format!(
            "{table}, notes TEXT DEFAULT 'none', credit REAL);
             INSERT INTO customers VALUES (1, 'Anna', 'EU', 'mine', 1.5), (7, 'Zoe', 'US', 'also mine', NULL);"
        ))
        .unwrap();
    let from = format!("a:{}#customers?region=EU", left.display());
    let to = format!("b:{}#customers(id,name,region,credit)?region=EU", right.display());
    cluster.ok(&cluster.manager, &["link", "customers", &from, &to, "--key", "id", "--from", &from, "--yes"]);
    cluster.in_sync("customers");
    assert_eq!(text(&right, "SELECT name || notes FROM customers WHERE id = 1"), "Annmine");

    let turns = 30;
    let changed = write(&[&left, &right], turns);
    assert!(changed.len() > turns / 3, "most rows arrive within four turns: {changed:?}");
    cluster.in_sync("customers");
    let shared = "SELECT group_concat(id || ' ' || name || ' ' || ifnull(credit, '-'), ', ') FROM
                  (SELECT * FROM customers WHERE region = 'EU' ORDER BY id)";
    let (one, other) = (text(&left, shared), text(&right, shared));
    assert_eq!(one, other);
    for n in 0..turns {
        let mark = if changed.contains(&(100 + n)) { "!" } else { "" };
        assert!(one.contains(&format!("{} new{n}{mark} -", 100 + n)), "{n}: {one}");
    }
    // What is not shared is its owner's: other rows, and the further column.
    assert_eq!(
        text(&left, "SELECT group_concat(name) FROM customers WHERE region = 'US'"),
        format!("own0-{}", turns - 1)
    );
    assert_eq!(
        text(&right, "SELECT group_concat(name) FROM customers WHERE region = 'US'"),
        format!("own1-{}", turns - 1)
    );
    assert_eq!(text(&right, "SELECT group_concat(DISTINCT notes) FROM customers WHERE region = 'EU'"), "mine,none");
    assert_eq!(text(&left, "PRAGMA integrity_check") + &text(&right, "PRAGMA integrity_check"), "okok");
    // A row that goes, goes on the other side.
    Connection::open(&right).unwrap().execute("DELETE FROM customers WHERE id = 1", []).unwrap();
    wait_for("it goes on the other side", || (!text(&left, shared).contains("Ann")).then_some(()));
    cluster.in_sync("customers");
}
