//! Real databases, with other programs that write to them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};

use portion::{Format, Fragment, LensError, Value};
use proptest::prelude::*;
use rusqlite::Connection;

use super::{RecordError, get, list, put, reading};

/// A database in a folder of its own.
struct Shop {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Shop {
    fn new(sql: &str) -> Shop {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        Shop { _folder: folder, path }
    }

    fn text(&self, expression: &str) -> String {
        String::from_utf8(get(&self.path, expression).unwrap().text).unwrap()
    }

    fn put(&self, expression: &str, text: &str) -> Result<String, RecordError> {
        let before = get(&self.path, expression)?;
        let written = put(&self.path, expression, &before, &rows(text), false)?;
        assert_eq!(written, get(&self.path, expression).unwrap(), "what is told to stand there does");
        Ok(String::from_utf8(written.text).unwrap())
    }

    fn refused(&self, expression: &str, text: &str) -> String {
        let before = std::fs::read(&self.path).unwrap();
        let error = self.put(expression, text).unwrap_err();
        assert_eq!(std::fs::read(&self.path).unwrap(), before, "{error}: nothing is half done");
        error.to_string()
    }

    fn sql(&self, sql: &str) {
        Connection::open(&self.path).unwrap().execute_batch(sql).unwrap();
    }

    fn one(&self, sql: &str) -> String {
        Connection::open(&self.path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

fn rows(text: &str) -> Fragment {
    Fragment { format: Format::Rows, text: text.as_bytes().to_vec() }
}

const CUSTOMERS: &str = "
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, region TEXT, credit REAL, photo BLOB, note DEFAULT 'new');
    INSERT INTO customers VALUES (1, 'Ann', 'EU', 1.0, x'00ff', NULL), (2, 'Bob', 'US', 2.5, NULL, 'x'), (10, 'Cy', 'EU', NULL, NULL, 7);";

#[test]
fn rows_columns_and_conditions() {
    let shop = Shop::new(CUSTOMERS);
    assert_eq!(
        shop.text("customers"),
        "{\"id\": 1, \"name\": \"Ann\", \"region\": \"EU\", \"credit\": 1.0, \"photo\": {\"blob\": \"00ff\"}}\n\
         {\"id\": 2, \"name\": \"Bob\", \"region\": \"US\", \"credit\": 2.5, \"note\": \"x\"}\n\
         {\"id\": 10, \"name\": \"Cy\", \"region\": \"EU\", \"note\": 7}\n"
    );
    assert_eq!(shop.text("customers(name,ID)?region=US"), "{\"name\": \"Bob\", \"id\": 2}\n");
    assert_eq!(shop.text("customers(id)?id=10"), "{\"id\": 10}\n");
    assert_eq!(shop.text("customers(id)?region=none"), "");
    let (items, omitted) = list(&shop.path).unwrap();
    assert_eq!((items.len(), &items[0].selector[..], omitted.len()), (1, "customers", 0));
}

#[test]
fn only_what_differs_is_written() {
    let shop = Shop::new(CUSTOMERS);
    shop.sql("CREATE TABLE log (what); CREATE TRIGGER u AFTER UPDATE ON customers BEGIN INSERT INTO log VALUES (new.id || old.name); END;");
    let eu = "customers(id,name)?region=EU";
    let after = shop.put(eu, "{\"id\":3,\"name\":\"Dee\"}\n{\"id\":1,\"name\":\"Anna\"}\n").unwrap();
    assert_eq!(after, "{\"id\": 1, \"name\": \"Anna\"}\n{\"id\": 3, \"name\": \"Dee\"}\n");
    assert_eq!(shop.one("SELECT group_concat(what) FROM log"), "1Ann", "row 10 went, row 1 was changed, and no other");
    // What is outside the portion is as it was; a new row meets the condition, and has the column's default.
    assert_eq!(
        shop.one(
            "SELECT group_concat(id || region || ifnull(note, '-') || hex(ifnull(photo, '')), ' ') FROM customers"
        ),
        "1EU-00FF 2USx 3EUnew"
    );
    let again = std::fs::read(&shop.path).unwrap();
    shop.put(eu, &after).unwrap();
    assert_eq!(std::fs::read(&shop.path).unwrap(), again, "an equal fragment writes nothing");
}

#[test]
fn what_cannot_be_put_is_told_and_nothing_is_half_done() {
    let shop = Shop::new(CUSTOMERS);
    shop.sql(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer REFERENCES customers ON DELETE CASCADE);
         INSERT INTO orders VALUES (1, 2);
         CREATE TABLE plain (a); CREATE VIEW seen AS SELECT * FROM plain;
         CREATE TABLE pair (a, b, c UNIQUE, PRIMARY KEY (a, b)) WITHOUT ROWID;
         CREATE TABLE computed (id PRIMARY KEY, twice AS (id * 2));",
    );
    for (expression, text, why) in [
        ("customers", "{\"id\":1,\"nome\":\"x\"}\n", "the schemas differ: the table `customers` has no `nome`"),
        ("customers(id,name)", "{\"id\":1,\"name\":\"x\",\"note\":1}\n", "the selector leaves out `note`"),
        ("customers", "{\"id\":5}\n", "with the row 2 of `customers` the database would change rows of `orders`"),
        ("customers?region=EU", "{\"id\":2,\"name\":\"x\"}\n", "UNIQUE constraint failed: customers.id"),
        ("customers?region=EU", "{\"id\":5,\"region\":\"EU\"}\n", "NOT NULL constraint failed: customers.name"),
        ("customers?region=EU", "{\"id\":5,\"name\":\"E\",\"region\":\"US\"}\n", "the row 5 would not be part"),
        (
            "customers?region=EU",
            "{\"id\":5,\"name\":\"E\"}\n{\"id\":\"5\",\"name\":\"F\"}\n",
            "two rows have the primary key 5",
        ),
        ("customers", "{\"name\":\"x\"}\n", "a row has no `id`"),
        ("customers?region=EU", "{\"id\":5,\"name\":\"E\",\"credit\":0.1000000000000000000001}\n", "too many digits"),
        ("customers?region=EU", "{\"id\":99999999999999999999,\"name\":\"E\"}\n", "too many digits"),
        (
            "customers?region=EU",
            "{\"id\":5,\"name\":\"E\",\"credit\":\"99999999999999999999\"}\n",
            "would not keep `credit` of the row 5 as it was put",
        ),
        (
            "customers?region=EU",
            "{\"id\":5,\"name\":\"E\",\"credit\":\"007\"}\n",
            "the numeric column `credit` would make 7 of the text `007`, in the row 5",
        ),
        (
            "customers?region=EU",
            "{\"id\":5,\"name\":\"E\",\"credit\":\"\"}\n",
            "the numeric column `credit` cannot hold an empty text (it is NULL where a row leaves it out), in the row 5",
        ),
        ("customers?region=EU", "{\"id\":5,\"name\":\"E\",\"credit\":\"+7\"}\n", "would make 7 of the text `+7`"),
        ("customers?region=EU", "{\"id\":5,\"name\":\"E\",\"credit\":\".5\"}\n", "would make 0.5 of the text `.5`"),
        ("customers?region=EU", "{\"id\":5,\"name\":\"E\",\"credit\":\" 7\"}\n", "would make 7 of the text ` 7`"),
        (
            "customers?region=EU",
            "{\"id\":\"00\",\"name\":\"E\"}\n",
            "numeric column `id` would make 0 of the text `00`",
        ),
        ("plain", "", "has no primary key"),
        ("seen", "", "it is a view"),
        ("pair(a)", "", "`b`, by which rows are told apart"),
        ("computed(id,twice)", "", "is computed"),
        ("customers(id,nome)", "", "has no column `nome`; it has id, name"),
        ("custmers", "", "did you mean `customers`?"),
    ] {
        let told = match get(&shop.path, expression) {
            Ok(_) => shop.refused(expression, text),
            Err(error) => error.to_string(),
        };
        assert!(told.contains(why), "{expression} {text}: {told}");
    }
    assert_eq!(list(&shop.path).unwrap().1.len(), 2, "a table without a key, and a view");
    shop.put("pair", "{\"a\":1,\"b\":\"x\",\"c\":2}\n{\"a\":1,\"b\":\"y\"}\n").unwrap();
    shop.put("pair", "{\"a\":1,\"b\":\"y\",\"c\":3}\n").unwrap();
    assert_eq!(shop.text("pair"), "{\"a\": 1, \"b\": \"y\", \"c\": 3}\n");
}

/// One odd value keeps nothing from being read that it does not belong to.
#[test]
fn what_rows_cannot_say_is_named_by_its_key_and_column() {
    let shop = Shop::new(
        "CREATE TABLE customers (id TEXT PRIMARY KEY NOT NULL, name TEXT, credit REAL, region TEXT);
         INSERT INTO customers VALUES ('a', 'Ann', 1.0, 'EU'), ('b''s', 'Bob', 9e999, 'US'), ('c', CAST(x'ff41' AS TEXT), 2.0, 'AS');
         CREATE TABLE pair (a, b, c, PRIMARY KEY (a, b));
         INSERT INTO pair VALUES (1, 'x', 2), (1, NULL, 3), (x'00ff', 'y', 4);",
    );
    let told = |expression: &str| get(&shop.path, expression).unwrap_err().to_string();
    assert_eq!(
        told("customers(id,credit)"),
        "refused: `credit` of the row id='b''s' of `customers` is infinity, which rows as text cannot say; \
         `customers(id)` leaves the column out, a condition as in `customers?COLUMN=TEXT` the row"
    );
    assert_eq!(
        told("customers(id,name)?region=AS"),
        "refused: `name` of the row id='c' of `customers` is text that is not UTF-8, which rows as text cannot say; \
         `customers(id)?region=AS` leaves the column out, a condition as in `customers?COLUMN=TEXT` the row"
    );
    assert_eq!(
        told("pair"),
        "refused: `b` of the row a=1, b=NULL of `pair` is NULL, in the primary key, which rows as text cannot say; \
         give that row another key, or choose rows by a condition, as in `pair?COLUMN=TEXT`"
    );
    assert_eq!(
        shop.text("customers?region=EU"),
        "{\"id\": \"a\", \"name\": \"Ann\", \"credit\": 1.0, \"region\": \"EU\"}\n"
    );
    assert_eq!(shop.text("customers(id,region)").lines().count(), 3);
    assert_eq!(shop.text("pair?b=x"), "{\"a\": 1, \"b\": \"x\", \"c\": 2}\n");
    shop.put("customers(id,region)?region=US", "{\"id\":\"b's\",\"region\":\"US\"}\n").unwrap();
    let (items, omitted) = list(&shop.path).unwrap();
    assert_eq!(
        items.iter().map(|item| (&item.selector[..], item.lines)).collect::<Vec<_>>(),
        [("customers(id,region)", (1, 3))]
    );
    assert!(items.iter().all(|item| get(&shop.path, &item.selector).is_ok()));
    let omitted: Vec<String> = omitted.iter().map(ToString::to_string).collect();
    assert_eq!(omitted.len(), 3, "{omitted:?}");
    for (at, what) in
        ["`name` of the row id='c'", "`credit` of the row id='b''s'", "`b` of the row a=1, b=NULL"].iter().enumerate()
    {
        assert!(omitted.iter().any(|told| told.contains(what)), "{at}: {omitted:?}");
    }
}

#[test]
fn values_of_other_formats_become_what_the_columns_hold() {
    let shop = Shop::new("CREATE TABLE t (id INTEGER PRIMARY KEY, price NUMERIC, word TEXT, real REAL, any)");
    shop.put("t", "{\"id\":\"7\",\"price\":\"1.5\",\"word\":12,\"real\":2,\"any\":\"3\"}\n").unwrap();
    assert_eq!(shop.text("t"), "{\"id\": 7, \"price\": 1.5, \"word\": \"12\", \"real\": 2.0, \"any\": \"3\"}\n");
    shop.put("t", "{\"id\":-9223372036854775808,\"real\":1e300,\"any\":9223372036854775807}\n").unwrap();
    let text = "{\"id\": -9223372036854775808, \"real\": 1e300, \"any\": 9223372036854775807}\n";
    assert_eq!(shop.text("t"), text);
}

/// What SQLite keeps as text in a numeric column stays text, and no row is touched that says what it said.
#[test]
fn text_in_a_numeric_column_stays_what_it_is() {
    let shop = Shop::new(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, code INT, v);
         INSERT INTO t VALUES (1, '0x10', 'a'), (2, '1_000', 'b'), (3, '0b1', 'c');",
    );
    let text = shop.text("t");
    let bytes = std::fs::read(&shop.path).unwrap();
    shop.put("t", &text).unwrap();
    assert_eq!(std::fs::read(&shop.path).unwrap(), bytes);
    shop.put("t", &text.replace("\"b\"", "\"new\"")).unwrap();
    assert_eq!(shop.text("t"), text.replace("\"b\"", "\"new\""));
    // Plain decimals become numbers, as they do in any program's INSERT; what would come back as another text is refused.
    let plain = "{\"id\": 1, \"code\": \"5\"}\n{\"id\": 2, \"code\": \"0.50\"}\n{\"id\": 3, \"code\": \"5.0\"}\n{\"id\": 4, \"code\": \"0x1\"}\n";
    for odd in ["+5", ".5", " 5. ", "005", ""] {
        assert!(
            shop.refused("t", &plain.replace("\"5\"", &format!("\"{odd}\""))).contains("the numeric column `code`")
        );
    }
    shop.put("t", plain).unwrap();
    assert_eq!(shop.one("SELECT group_concat(typeof(code) || code) FROM t"), "integer5,real0.5,integer5,text0x1");
}

#[test]
fn what_changed_meanwhile_is_not_written_over() {
    let shop = Shop::new(CUSTOMERS);
    let before = get(&shop.path, "customers(id,name)").unwrap();
    shop.sql("UPDATE customers SET credit = 9 WHERE id = 1");
    assert!(put(&shop.path, "customers(id,name)", &before, &before, false).is_ok(), "what is outside may change");
    shop.sql("UPDATE customers SET name = 'Eve' WHERE id = 1");
    let error = put(&shop.path, "customers(id,name)", &before, &before, false).unwrap_err();
    assert!(matches!(error, RecordError::Changed));
    assert_eq!(shop.one("SELECT name FROM customers WHERE id = 1"), "Eve");
}

#[test]
fn another_programs_transaction_is_waited_for() {
    for mode in ["DELETE", "WAL"] {
        let shop = Shop::new(CUSTOMERS);
        let before = get(&shop.path, "customers").unwrap();
        let mut other = Connection::open(&shop.path).unwrap();
        other.pragma_update(None, "journal_mode", mode).unwrap();
        let open = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
        open.execute_batch("UPDATE customers SET name = 'Zed' WHERE id = 2").unwrap();
        // What is not committed is not seen, and it is nobody's to write.
        assert_eq!(get(&shop.path, "customers").unwrap(), before, "{mode}");
        let error = put(&shop.path, "customers", &before, &rows(""), false).unwrap_err();
        assert!(matches!(error, RecordError::Busy), "{mode}: {error}");
        open.commit().unwrap();
        assert!(shop.text("customers").contains("Zed"), "{mode}: a log that is not in the file yet is read");
        shop.put("customers(id,name)", "{\"id\":2,\"name\":\"Zoe\"}\n").unwrap();
        let name: String = other.query_row("SELECT name FROM customers", [], |row| row.get(0)).unwrap();
        assert_eq!(name, "Zoe", "{mode}");
    }
}

#[test]
fn looking_leaves_nothing_behind() {
    let shop =
        Shop::new("PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);");
    let files = || -> Vec<PathBuf> {
        let folder = shop.path.parent().unwrap();
        let mut names: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        names
    };
    assert_eq!(files(), std::slice::from_ref(&shop.path), "who wrote it has closed it");
    let bytes = std::fs::read(&shop.path).unwrap();
    assert_eq!(shop.text("t"), "{\"id\": 1}\n");
    assert_eq!(files(), std::slice::from_ref(&shop.path));
    assert_eq!(std::fs::read(&shop.path).unwrap(), bytes);
    // Who has it open, with rows in its log, is not disturbed: the log stays as it is.
    let other = Connection::open(&shop.path).unwrap();
    other.execute_batch("INSERT INTO t VALUES (2)").unwrap();
    let log = std::fs::read(super::log_of(&shop.path)).unwrap();
    assert_eq!(shop.text("t"), "{\"id\": 1}\n{\"id\": 2}\n");
    assert_eq!(std::fs::read(super::log_of(&shop.path)).unwrap(), log);
    assert_eq!(std::fs::read(&shop.path).unwrap(), bytes);
}

#[test]
fn what_is_no_database_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let told = |path: &Path| get(path, "t").unwrap_err().to_string();
    assert!(matches!(get(&path, "t"), Err(RecordError::Open(error)) if error.kind() == std::io::ErrorKind::NotFound));
    for (bytes, why) in [
        (
            &b"{}, and more that is long enough to be no header of any database at all, in fact it is text"[..],
            "file is not a database",
        ),
        (b"SQLite format 3\0", "file is not a database"),
        (b"", "nothing stands at `t`"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        assert!(told(&path).contains(why), "{}", told(&path));
    }
    let shop = Shop::new(CUSTOMERS);
    let mut bytes = std::fs::read(&shop.path).unwrap();
    for byte in &mut bytes[4096..4112] {
        *byte = 0xaa;
    }
    std::fs::write(&shop.path, bytes).unwrap();
    assert!(get(&shop.path, "customers").is_err());
    let link = shop.path.with_file_name("link.db");
    std::os::unix::fs::symlink(&shop.path, &link).unwrap();
    assert!(reading(&link, super::BUSY, |_| Ok(())).is_err(), "a link that comes to stand there is not followed");
}

/// A value that a column without a type holds as it is.
fn cell() -> impl Strategy<Value = rusqlite::types::Value> {
    use rusqlite::types::Value as Sql;
    prop_oneof![
        Just(Sql::Null),
        any::<i64>().prop_map(Sql::Integer),
        any::<f64>().prop_filter("the format cannot say it", |real| real.is_finite()).prop_map(Sql::Real),
        ".{0,6}".prop_map(Sql::Text),
        proptest::collection::vec(any::<u8>(), 0..6).prop_map(Sql::Blob),
    ]
}

/// Rows by their key, which is a text or a number.
fn table() -> impl Strategy<Value = Vec<(rusqlite::types::Value, Vec<rusqlite::types::Value>)>> {
    use rusqlite::types::Value as Sql;
    let key = prop_oneof![(0i64..9).prop_map(Sql::Integer), "[a-c]{1,2}".prop_map(Sql::Text)];
    proptest::collection::vec((key, proptest::collection::vec(cell(), 3)), 0..6).prop_map(|mut rows| {
        let mut seen = std::collections::HashSet::new();
        rows.retain(|(key, _)| seen.insert(format!("{key:?}")));
        rows
    })
}

fn filled(rows: &[(rusqlite::types::Value, Vec<rusqlite::types::Value>)]) -> Shop {
    let shop = Shop::new("CREATE TABLE t (k PRIMARY KEY, \"a \"\"b\", b, outside DEFAULT 'd');");
    let connection = Connection::open(&shop.path).unwrap();
    for (key, cells) in rows {
        let all: Vec<_> = std::iter::once(key).chain(cells).collect();
        connection.execute("INSERT INTO t VALUES (?1, ?2, ?3, ?4)", rusqlite::params_from_iter(all)).unwrap();
    }
    shop
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// GetPut, PutGet, Frame.
    #[test]
    fn the_laws_hold(old in table(), new in table()) {
        let expression = "t(k,\"a \\\"b\",b)";
        let (shop, other) = (filled(&old), filled(&new));
        let own = get(&shop.path, expression).unwrap();
        let bytes = std::fs::read(&shop.path).unwrap();
        put(&shop.path, expression, &own, &own, false).unwrap();
        prop_assert_eq!(&std::fs::read(&shop.path).unwrap(), &bytes);
        let theirs = get(&other.path, expression).unwrap();
        let outside = |shop: &Shop| {
            let connection = Connection::open(&shop.path).unwrap();
            let mut statement = connection.prepare("SELECT k, outside FROM t ORDER BY k").unwrap();
            let rows = statement.query_map([], |row| Ok(format!("{:?} {:?}", row.get_ref(0)?, row.get_ref(1)?))).unwrap();
            rows.map(Result::unwrap).collect::<Vec<_>>()
        };
        let before = outside(&shop);
        let written = put(&shop.path, expression, &own, &theirs, false).unwrap();
        prop_assert_eq!(&written, &theirs);
        prop_assert_eq!(&get(&shop.path, expression).unwrap(), &theirs);
        let kept: Vec<_> = outside(&shop).into_iter().filter(|row| !row.ends_with("Text([100])")).collect();
        prop_assert!(kept.iter().all(|row| before.contains(row)), "columns outside stay: {before:?} {kept:?}");
        // Its text means rows again.
        prop_assert!(matches!(theirs.format.value(&theirs.text), Ok(Value::Sequence(_))));
    }

    /// Total: any bytes as a database are an answer.
    #[test]
    fn any_bytes_are_answered(place in 0usize..8192, bytes in proptest::collection::vec(any::<u8>(), 1..40)) {
        let shop = Shop::new(CUSTOMERS);
        let mut file = std::fs::read(&shop.path).unwrap();
        let place = place.min(file.len() - bytes.len());
        file[place..place + bytes.len()].copy_from_slice(&bytes);
        std::fs::write(&shop.path, file).unwrap();
        if let Ok(own) = get(&shop.path, "customers") {
            let _ = put(&shop.path, "customers", &own, &rows("{\"id\":1,\"name\":\"x\"}\n"), false);
        }
        let _ = list(&shop.path);
    }
}

#[test]
fn any_expression_is_answered() {
    let shop = Shop::new(CUSTOMERS);
    for expression in [
        "",
        "customers(",
        "customers(id)?",
        "\"",
        "customers\0",
        "sqlite_schema",
        "'; DROP TABLE customers; --",
        "\"a\\\"b\"",
    ] {
        assert!(
            matches!(
                get(&shop.path, expression),
                Err(RecordError::Lens(LensError::Selector { .. } | LensError::Missing { .. }))
            ),
            "{expression}"
        );
    }
}
