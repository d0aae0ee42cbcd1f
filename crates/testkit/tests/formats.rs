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
/// Every third shared row it changes on the other side as soon as it arrives there.
const WRITER: &str = r#"
import sqlite3, sys, time
paths, turns = sys.argv[1:3], int(sys.argv[3])

def write(path, *statements):
    db = sqlite3.connect(path, timeout=30)
    with db:
        changed = [db.execute(*statement).rowcount for statement in statements]
    db.close()
    return changed[-1]

for n in range(turns):
    for own, path in enumerate(paths):
        other = ("UPDATE customers SET name = ? WHERE region = 'US'", (f"own{own}-{n}",))
        shared = ("INSERT INTO customers (id, name, region) VALUES (?, ?, 'EU')", (100 + n, f"new{n}"))
        write(path, other, *([shared] if n % 2 == own else []))
    if n % 3 == 0:
        change = ("UPDATE customers SET name = name || '!' WHERE id = ?", (100 + n,))
        until = time.monotonic() + 60
        while not write(paths[1 - n % 2], other, change) and time.monotonic() < until:
            time.sleep(0.02)
        if time.monotonic() < until:
            print(100 + n)
"#;

/// Writes for some turns, and tells which rows it has changed where they arrived.
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
    assert_eq!(changed.len(), turns / 3, "what is written on one side arrives on the other: {changed:?}");
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

fn address(agent: &str, file: &Path, selector: &str) -> String {
    format!("{agent}:{}#{selector}", file.display())
}

/// Links two portions, the first one's content to begin with.
fn link(cluster: &Cluster, name: &str, from: &str, to: &str, more: &[&str]) {
    let arguments = [&["link", name, from, to, "--from", from, "--yes"], more].concat();
    cluster.ok(&cluster.manager, &arguments);
    cluster.in_sync(name);
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// Replaces a text in a file, as an editor that saves.
fn edit(path: &Path, old: &str, new: &str) {
    let text = read(path);
    assert!(text.contains(old), "{old}: {text}");
    std::fs::write(path, text.replace(old, new)).unwrap();
}

/// A range of a workbook and a CSV file of another machine, each with a column of its own.
#[test]
fn a_range_of_a_workbook_and_a_csv_file() {
    let cluster = two();
    let (book, csv) = (cluster.agents[0].file("budget.xlsx"), cluster.agents[1].file("prices.csv"));
    std::fs::write(&book, include_bytes!("data/budget.xlsx")).unwrap();
    std::fs::write(&csv, "note;price;sku\n\"theirs; kept\";99;b-2\n").unwrap();
    let range = "rows:Plan!A1:C";
    let (from, to) = (address("a", &book, range), address("b", &csv, "sep=; rows"));
    link(&cluster, "prices", &from, &to, &["--key", "sku", "--except", "/*/owner", "--except", "/*/note"]);
    assert_eq!(read(&csv), "note;price;sku\n;2.5;a-1\n\"theirs; kept\";10;b-2\n;0.75;c-3\n");
    // A price and a row from there; a price and a row that goes from here.
    std::fs::write(&csv, "note;price;sku\n;3.25;a-1\n\"theirs; kept\";10;b-2\n;0.75;c-3\nx;1;d-4\n").unwrap();
    let own = address("a", &book, range);
    let own = own.strip_prefix("a:").unwrap();
    let cells = || cluster.ok(&cluster.agents[0], &["get", own]);
    wait_for("they arrive in the workbook", || cells().contains("d-4").then_some(()));
    cluster.in_sync("prices");
    assert_eq!(
        cells(),
        "[\n  [\"sku\", \"price\", \"owner\"],\n  [\"a-1\", 3.25, \"mine\"],\n  [\"b-2\", 10, \"also mine\"],\n  [\"c-3\", 0.75, \"mine\"],\n  [\"d-4\", 1, null]\n]"
    );
    let new = "[[\"sku\",\"price\",\"owner\"],[\"a-1\",3.25,\"mine\"],[\"b-2\",11,\"mine now\"],[\"d-4\",1,null]]";
    let value = cluster.agents[0].write("new.json", new);
    let input = std::fs::File::open(value).unwrap();
    assert!(cluster.command(&cluster.agents[0], &["put", own]).stdin(input).status().unwrap().success());
    wait_for("it arrives in the CSV file", || (!read(&csv).contains("c-3")).then_some(()));
    cluster.in_sync("prices");
    assert_eq!(read(&csv), "note;price;sku\n;3.25;a-1\n\"theirs; kept\";11;b-2\nx;1;d-4\n");
    let rest = cluster.ok(&cluster.agents[0], &["get", &own.replace(range, "Other!A1")]);
    assert_eq!(rest, "\"untouched\"");
}

/// A function that two programs share: in one it stands in a module, in the other in a class, indented otherwise.
#[test]
fn a_function_of_two_python_files() {
    let cluster = two();
    let (left, right) = (cluster.agents[0].file("geometry.py"), cluster.agents[1].file("tools.py"));
    let function = "# The area of a ring.\ndef ring(inner, outer):\n    \"\"\"Of two circles.\n\n    Both in metres.\n    \"\"\"\n    return 3.14 * (outer ** 2 - inner ** 2)\n";
    std::fs::write(&left, format!("import math\n\n\n{function}\n\ndef mine():\n    return 1\n")).unwrap();
    std::fs::write(&right, "def other():\n\treturn 2\n\n\ndef ring(inner, outer):\n\treturn 0\n").unwrap();
    let (from, to) = (address("a", &left, "fn:ring"), address("b", &right, "fn:ring"));
    link(&cluster, "ring", &from, &to, &[]);
    let text = read(&right);
    assert!(
        text.starts_with("def other():\n\treturn 2\n\n\n# The area of a ring.\ndef ring(inner, outer):\n"),
        "{text}"
    );
    edit(&right, "3.14", "3.1416");
    wait_for("it arrives", || read(&left).contains("3.1416 *").then_some(()));
    edit(&left, "Both in metres.", "Both in millimetres.");
    wait_for("it arrives", || read(&right).contains("millimetres").then_some(()));
    cluster.in_sync("ring");
    let left = read(&left);
    assert!(
        left.starts_with("import math\n\n\n# The area") && left.ends_with("\n\n\ndef mine():\n    return 1\n"),
        "{left}"
    );
    // A half-written function waits, and says where it does not parse.
    edit(&right, "def ring(inner, outer):", "def ring(inner, outer:");
    let status = || String::from_utf8(cluster.run(&cluster.manager, &["status", "ring"]).stdout).unwrap();
    wait_for("it waits", || status().contains("unparsable at").then_some(()));
    edit(&right, "def ring(inner, outer:", "def ring(inner, outer, scale=1):");
    wait_for("it goes on", || read(&cluster.agents[0].file("geometry.py")).contains("scale=1").then_some(()));
    cluster.in_sync("ring");
}

/// One person's card in two address books, one folded and with CR LF.
#[test]
fn a_card_of_two_address_books() {
    let cluster = two();
    let (left, right) = (cluster.agents[0].file("work.vcf"), cluster.agents[1].file("home.vcf"));
    let card = "BEGIN:VCARD\nVERSION:3.0\nUID:ann-1\nFN:Ann Example\nNOTE:A note that is long enough to be folded where lines are at most 75 octets long\nTEL:+1\nEND:VCARD\n";
    let other =
        |name: &str, end: &str| format!("BEGIN:VCARD{end}VERSION:3.0{end}UID:{name}{end}FN:{name}{end}END:VCARD{end}");
    std::fs::write(&left, other("bob", "\n") + card).unwrap();
    std::fs::write(&right, other("cy", "\r\n")).unwrap();
    let (from, to) = (address("a", &left, "uid:ann-1"), address("b", &right, "uid:ann-1"));
    link(&cluster, "ann", &from, &to, &[]);
    let text = read(&right);
    assert!(text.starts_with(&other("cy", "\r\n")) && text.contains("FN:Ann Example\r\n"), "{text}");
    edit(&right, "TEL:+1\r\n", "TEL:+1\r\nTEL:+2\r\n");
    wait_for("it arrives", || read(&left).contains("TEL:+1\nTEL:+2\n").then_some(()));
    edit(&left, "FN:Ann Example", "FN:Ann E. Example");
    wait_for("it arrives", || read(&right).contains("FN:Ann E. Example\r\n").then_some(()));
    cluster.in_sync("ann");
    assert!(read(&left).starts_with(&other("bob", "\n")) && read(&right).starts_with(&other("cy", "\r\n")));
    assert!(
        read(&left).contains("NOTE:A note that is long enough to be folded where lines are at most 75 octets long\n")
    );
}

/// A number that becomes a text becomes one in the other format; what that has of its own, a date-time and a comment, stays.
#[test]
fn the_kind_of_a_value() {
    let cluster = two();
    let (left, right) = (&cluster.agents[0], &cluster.agents[1]);
    let json = left.write("a.json", "{\"own\": 1, \"server\": {\"port\": 8080, \"since\": \"2026-11-30\"}}\n");
    let toml = right.write("b.toml", "[server]\nport = 8080 # tcp\nsince = 2026-11-30\n");
    link(&cluster, "server", &address("a", &json, "/server"), &address("b", &toml, "/server"), &[]);
    edit(&json, "8080", "\"8080\"");
    wait_for("the text arrives", || (read(&toml) != "[server]\nport = 8080 # tcp\nsince = 2026-11-30\n").then_some(()));
    assert_eq!(read(&toml), "[server]\nport = \"8080\" # tcp\nsince = 2026-11-30\n");
    cluster.in_sync("server");
    edit(&toml, "\"8080\"", "8081");
    wait_for("the number arrives", || read(&json).contains("8081").then_some(()));
    assert_eq!(read(&json), "{\"own\": 1, \"server\": {\"port\": 8081, \"since\": \"2026-11-30\"}}\n");
    cluster.in_sync("server");
}

/// What comes as a value stands in flow style between YAML's brackets, and what has a tag stays; nothing of it comes back as an edit.
#[test]
fn values_in_brackets_and_beside_tags() {
    let cluster = two();
    let (left, right) = (&cluster.agents[0], &cluster.agents[1]);
    let json = left.write("a.json", "{\"server\": {\"port\": 1, \"on\": [true]}}\n");
    let yaml = right.write("b.yml", "{own: 1} # mine\n");
    link(&cluster, "server", &address("a", &json, "/server"), &address("b", &yaml, "/server"), &[]);
    assert_eq!(read(&yaml), "{own: 1, server: {port: 1, \"on\": [true]}} # mine\n");
    edit(&json, "1", "{\"tcp\": 2}");
    wait_for("the map arrives", || read(&yaml).contains("{tcp: 2}").then_some(()));
    cluster.in_sync("server");
    edit(&yaml, "tcp: 2", "tcp: 3");
    wait_for("the number arrives", || read(&json).contains("{\"tcp\": 3}").then_some(()));
    cluster.in_sync("server");

    let json = left.write("c.json", "{\"stack\": {\"name\": {\"!Sub\": \"x-${A}\"}, \"size\": 1}}\n");
    let yaml = right.write("d.yml", "stack:\n  name: !Sub x-${A} # own\n  size: 1\n");
    link(&cluster, "stack", &address("a", &json, "/stack"), &address("b", &yaml, "/stack"), &[]);
    edit(&json, "1", "2");
    wait_for("the number arrives", || read(&yaml).contains("size: 2").then_some(()));
    assert_eq!(read(&yaml), "stack:\n  name: !Sub x-${A} # own\n  size: 2\n");
    cluster.in_sync("stack");
}
