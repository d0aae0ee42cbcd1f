//! Rows of a database, by the same commands as portions of files.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use rusqlite::Connection;

/// Runs a command in a folder; its exit code, and what it printed and said.
fn run(folder: &Path, args: &[&str], input: &str) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_inlay"))
        .args(args)
        .current_dir(folder)
        .env("HOME", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let done = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

#[test]
fn rows_are_listed_taken_out_put_copied_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    Connection::open(folder.join("shop.db"))
        .unwrap()
        .execute_batch(
            "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, region TEXT, notes TEXT);
             INSERT INTO customers VALUES (1, 'Ann', 'EU', 'kept'), (2, 'Bob', 'US', NULL);
             CREATE TABLE log (line TEXT);",
        )
        .unwrap();
    fs::write(folder.join("people.csv"), "name,id\nAnna,1\nZoe,7\n").unwrap();
    let ran = |args: &[&str], input: &str| {
        let (code, out, err) = run(folder, args, input);
        (code, out, err)
    };
    let name = |id: u8| -> String {
        let connection = Connection::open(folder.join("shop.db")).unwrap();
        let sql = "SELECT ifnull((SELECT name || ' ' || ifnull(notes, '-') FROM customers WHERE id = ?1), 'none')";
        connection.query_row(sql, [id], |row| row.get(0)).unwrap()
    };
    let (code, out, err) = ran(&["list", "shop.db"], "");
    assert_eq!(
        (code, &out[..]),
        (0, "customers  table  1-2  {\"id\": 1, \"name\": \"Ann\", \"region\": \"EU\", \"notes…\n"),
        "{err}"
    );
    assert!(err.contains("`log`: the table has no primary key"), "{err}");

    let eu = "shop.db#customers(id,name)?region=EU";
    assert_eq!(ran(&["get", eu], "").1, "{\"id\": 1, \"name\": \"Ann\"}\n");
    assert_eq!(ran(&["get", eu, "--value"], "").1, "[\n  {\n    \"id\": 1,\n    \"name\": \"Ann\"\n  }\n]\n");
    let (code, out, err) = ran(&["put", eu, "--dry-run"], "{\"id\":1,\"name\":\"Eve\"}\n");
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("-{\"id\": 1, \"name\": \"Ann\"}\n+{\"id\": 1, \"name\": \"Eve\"}"), "{out}");
    assert_eq!(name(1), "Ann kept");
    assert_eq!(ran(&["put", eu], "{\"id\":1,\"name\":\"Eve\"}\n{\"id\":3,\"name\":\"Cy\"}\n").0, 0);
    assert_eq!((name(1), name(2), name(3)), ("Eve kept".to_owned(), "Bob -".to_owned(), "Cy -".to_owned()));

    let (code, _, err) = ran(&["copy", "people.csv#rows", eu, "--key", "id"], "");
    assert_eq!(code, 0, "{err}");
    assert_eq!((name(1), name(3), name(7)), ("Anna kept".to_owned(), "none".to_owned(), "Zoe -".to_owned()));
    assert_eq!(ran(&["copy", eu, "people.csv#rows", "--key", "id"], "").0, 0);
    assert_eq!(fs::read_to_string(folder.join("people.csv")).unwrap(), "name,id\nAnna,1\nZoe,7\n");
    assert_eq!(ran(&["diff", eu, "shop.db#customers(id,name)?id=1"], "").0, 4);

    for (args, input, code, said) in [
        (&["put", eu, "--remove"][..], "", 1, "rows of a table are no portion that can be missing"),
        (&["put", eu], "{\"id\":2,\"name\":\"x\"}\n", 1, "UNIQUE constraint failed"),
        (&["put", eu], "{\"id\":1,\"nome\":\"x\"}\n", 1, "the table `customers` has no `nome`"),
        (&["put", eu], "nonsense", 1, "standard input"),
        (&["put", eu], "\n", 1, "would lose every row"),
        (&["put", eu], "\n", 1, "inlay put --value 'shop.db#customers(id,name)?region=EU'`"),
        (&["get", "shop.db#custmers"], "", 3, "did you mean `customers`?"),
        (&["get", "shop.db#customers("], "", 2, "is no sqlite selector"),
        (&["get", "gone.db#customers"], "", 3, "there is no file"),
        (&["put", "shop.db#bytes:0-3"], "abcd", 1, "its bytes cannot"),
    ] {
        let (told, _, err) = ran(args, input);
        assert!(told == code && err.contains(said), "{args:?}: {told} {err}");
    }
    assert_eq!(name(1), "Anna kept");

    // What rows cannot say keeps a table from being read, and no more of it than it must.
    let odd = "CREATE TABLE prices (id INTEGER PRIMARY KEY, price REAL);
               INSERT INTO prices VALUES (1, 9e999);";
    Connection::open(folder.join("shop.db")).unwrap().execute_batch(odd).unwrap();
    let (code, out, err) = ran(&["get", "shop.db#prices"], "");
    assert!(
        code == 3 && out.is_empty() && err.contains("`price` of the row id=1 of `prices` is infinity"),
        "{code} {err}"
    );
    assert_eq!(ran(&["get", "shop.db#prices(id)"], "").1, "{\"id\": 1}\n");
    let (code, out, err) = ran(&["list", "shop.db"], "");
    assert!(code == 0 && out.contains("'prices(id)'"), "{out} {err}");
    assert!(err.contains("not listed: shop.db: `price` of the row id=1 of `prices` is infinity"), "{err}");

    // Another program's transaction is told, and so is an office program's lock.
    let other = Connection::open(folder.join("shop.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (code, _, err) = ran(&["put", eu], "{\"id\":1,\"name\":\"Eve\"}\n");
    assert!(code == 1 && err.contains("another program holds its lock"), "{code} {err}");
    other.execute_batch("COMMIT").unwrap();
    fs::write(folder.join(".~lock.people.csv#"), "").unwrap();
    let (code, _, err) = ran(&["put", "people.csv#cell id=1/name"], "Eve");
    assert!(
        code == 1 && err.contains("is open in an office program") && err.contains(".~lock.people.csv#"),
        "{code} {err}"
    );
}

/// A number that is equal is not written anew, on either side.
#[test]
fn equal_numbers_stay_as_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let sql = "CREATE TABLE prices (sku TEXT PRIMARY KEY NOT NULL, price REAL)";
    Connection::open(folder.join("shop.db")).unwrap().execute_batch(sql).unwrap();
    let csv = "sku,price\na,10.00\nb,5.50\n";
    fs::write(folder.join("prices.csv"), csv).unwrap();
    let copy = |args: &[&str]| {
        let (code, _, err) = run(folder, &[&["copy"], args, &["--key", "sku"]].concat(), "");
        assert_eq!(code, 0, "{err}");
        err
    };
    let rows = || run(folder, &["get", "shop.db#prices"], "").1;
    copy(&["prices.csv#rows", "shop.db#prices"]);
    assert_eq!(rows(), "{\"sku\": \"a\", \"price\": 10.0}\n{\"sku\": \"b\", \"price\": 5.5}\n");
    for (from, to) in [("shop.db#prices", "prices.csv#rows"), ("prices.csv#rows", "shop.db#prices")] {
        let said = copy(&[from, to]);
        assert!(said.contains("is that already: nothing was written"), "{said}");
        assert_eq!(run(folder, &["diff", from, to, "--key", "sku"], "").0, 0);
    }
    // A row that changed changes no other.
    Connection::open(folder.join("shop.db"))
        .unwrap()
        .execute_batch("UPDATE prices SET price = 6 WHERE sku = 'b'")
        .unwrap();
    let said = copy(&["shop.db#prices", "prices.csv#rows"]);
    assert!(said.contains("wrote prices.csv: 1 row changed\n"), "{said}");
    assert_eq!(fs::read_to_string(folder.join("prices.csv")).unwrap(), "sku,price\na,10.00\nb,6.0\n");
}
