//! Scripts of SQL, in the dialects that end statements in their own ways.

use super::*;
use portion::Scheme::Sql;

const SHOP: &str = "-- The shop.

-- Who buys.
CREATE TABLE IF NOT EXISTS public.customers (
    id   integer PRIMARY KEY, -- never reused
    name text NOT NULL DEFAULT 'it''s; none'
);

create unique index concurrently customers_name ON customers (name);
CREATE OR REPLACE VIEW \"All; of them\" AS
SELECT * FROM customers; -- for reports

CREATE FUNCTION add(a integer, b integer) RETURNS integer AS $body$
BEGIN
    RETURN a + b; -- $$
END;
$body$ LANGUAGE plpgsql;
CREATE FUNCTION add(a text) RETURNS text LANGUAGE sql RETURN a;

/* When /* one */ comes. */
CREATE TRIGGER seen AFTER INSERT ON customers REFERENCING NEW TABLE AS rows FOR EACH ROW EXECUTE FUNCTION add();
CREATE INDEX ON customers (id);
INSERT INTO customers VALUES (1, E'CREATE TABLE x (\\'; ');
COPY customers (id, name) FROM stdin;
2\tCREATE TABLE y (it's);
\\.
CREATE TYPE mood AS ENUM ('a', 'b');
";

#[test]
fn what_a_script_declares() {
    listed(
        Sql,
        SHOP,
        &[
            ("table:public.customers", 3, 7),
            ("index:customers_name", 9, 9),
            ("view:All; of them", 10, 11),
            ("fn:add[1]", 13, 17),
            ("fn:add[2]", 18, 18),
            ("trigger:seen", 20, 21),
            ("type:mood", 27, 27),
        ],
    );
    get(Sql, SHOP, "fn:add[2]", "CREATE FUNCTION add(a text) RETURNS text LANGUAGE sql RETURN a;\n");
    get(
        Sql,
        SHOP,
        "view:All; of them",
        "CREATE OR REPLACE VIEW \"All; of them\" AS\nSELECT * FROM customers; -- for reports\n",
    );
    put(
        Sql,
        SHOP,
        "index:customers_name",
        "-- By name.\nCREATE INDEX customers_name ON customers (name, id);\n",
        &SHOP.replace(
            "create unique index concurrently customers_name ON customers (name);",
            "-- By name.\nCREATE INDEX customers_name ON customers (name, id);",
        ),
    );
    insert(
        Sql,
        "CREATE TABLE a (x int);\n\nCREATE TABLE b (x int);\n\nCREATE VIEW v AS SELECT 1;\n",
        "table:c",
        Format::Sql,
        "-- C.\nCREATE TABLE c (\n    x int\n);\n",
        "CREATE TABLE a (x int);\n\nCREATE TABLE b (x int);\n\n-- C.\nCREATE TABLE c (\n    x int\n);\n\nCREATE VIEW v AS SELECT 1;\n",
    );
    insert(
        Sql,
        "SELECT 1;\n",
        "table:c",
        Format::Sql,
        "CREATE TABLE c (x int)\n",
        "SELECT 1;\n\nCREATE TABLE c (x int)\n",
    );
    remove(Sql, "SELECT 1;\r\n\r\n-- C.\r\nCREATE TABLE c (x int);\r\n", "table:c", "SELECT 1;\r\n");
}

/// MySQL: `DELIMITER`, names in backticks, `#` comments, a backslash before a quote.
#[test]
fn mysql() {
    let file = "CREATE TABLE `a b`.`t` (x INT) ENGINE=InnoDB; # it's\nINSERT INTO t VALUES ('it\\'s; '), (\"\\\"\");\nDELIMITER //\n\
                CREATE DEFINER=`root`@`localhost` PROCEDURE p()\nBEGIN\n  SELECT 1;\nEND //\n\nCREATE TRIGGER u BEFORE UPDATE ON t FOR EACH ROW SET @a = 1//\nDELIMITER ;\n\
                CREATE ALGORITHM=UNDEFINED DEFINER='r'@'%' SQL SECURITY DEFINER VIEW v AS SELECT 1;\n\
                CREATE PROCEDURE q()\nBEGIN\n  IF 1 THEN SELECT CASE WHEN 1 THEN 2 END; END IF;\n  CASE x WHEN 1 THEN SELECT 1; END CASE;\n\
                \x20 BEGIN SELECT 2; END;\nEND;\nCREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1;\n";
    listed(
        Sql,
        file,
        &[
            ("table:a b.t", 1, 1),
            ("proc:p", 4, 7),
            ("trigger:u", 9, 9),
            ("view:v", 11, 11),
            ("proc:q", 12, 17),
            ("event:e", 18, 18),
        ],
    );
    put_fails(
        Sql,
        file,
        "proc:p",
        "CREATE PROCEDURE p()\nSELECT 1;\n",
        "refused: the fragment is no `proc:p` that ends with its lines: end it as the statements around are, mostly with `;`",
    );
    put(
        Sql,
        file,
        "proc:p",
        "CREATE PROCEDURE p()\nSELECT 1 //\n",
        &file.replace(
            "CREATE DEFINER=`root`@`localhost` PROCEDURE p()\nBEGIN\n  SELECT 1;\nEND //",
            "CREATE PROCEDURE p()\nSELECT 1 //",
        ),
    );
}

/// SQL Server: batches end with `GO`.
#[test]
fn batches() {
    let file = "CREATE TABLE [dbo].[Order Lines] (x int)\nGO\nCREATE OR ALTER PROCEDURE dbo.p AS\nDECLARE @x int;\nIF @x = 1\nBEGIN\n  SELECT 1;\nEND\n\
                IF @x = 2 SELECT 2;\nGO\n\nCREATE FUNCTION f() RETURNS TABLE AS RETURN SELECT 1;\ngo 2\n";
    listed(Sql, file, &[("table:dbo.Order Lines", 1, 1), ("proc:dbo.p", 3, 9), ("fn:f", 12, 12)]);
    insert_only(
        Sql,
        file,
        "proc:q",
        Format::Sql,
        "CREATE PROCEDURE q AS\nSELECT 1; SELECT 2\n",
        &file.replace("SELECT 2;\nGO\n", "SELECT 2;\nGO\nCREATE PROCEDURE q AS\nSELECT 1; SELECT 2\nGO\n"),
    );
    // Without such a line where it ends is a guess.
    let file = "CREATE PROCEDURE p AS\nSELECT 1;\nSELECT 2;\nCREATE TABLE t (x int);\n";
    listed(Sql, file, &[("table:t", 4, 4)]);
    get_fails(
        Sql,
        file,
        "proc:p",
        "refused: where `proc:p` ends is not clear (line 1): it holds statements that are not between `BEGIN` and `END`; a line \
         `GO` or `/` behind it, or `DELIMITER`, would tell",
    );
}

/// Oracle, where a line with a slash ends a routine, and SQLite.
#[test]
fn blocks() {
    let file = "CREATE OR REPLACE PACKAGE p IS\n  x NUMBER;\n  PROCEDURE q;\nEND p;\n/\nCREATE OR REPLACE PACKAGE BODY p IS\n  PROCEDURE q IS y NUMBER; BEGIN NULL; END;\n\
                END p;\n/\nCREATE TABLE t (x NUMBER);\nCREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW\nDECLARE z NUMBER;\nBEGIN\n  NULL;\nEND;\n/\n";
    listed(Sql, file, &[("package:p", 1, 4), ("body:p", 6, 8), ("table:t", 10, 10), ("trigger:g", 11, 15)]);
    let file = ".mode csv\nCREATE VIRTUAL TABLE IF NOT EXISTS \"f\" USING fts5(x);\nCREATE TRIGGER t AFTER DELETE ON f BEGIN\n  DELETE FROM g;\n  SELECT CASE WHEN 1 THEN 2 END;\n\
                END;\nCREATE TABLE g (x);\n";
    listed(Sql, file, &[("table:f", 2, 2), ("trigger:t", 3, 6), ("table:g", 7, 7)]);
}

#[test]
fn what_is_refused() {
    let file = "CREATE TABLE aa (x int); SELECT 1;\nCREATE TABLE bb (x int);\nCREATE TABLE cc (x int);\n";
    listed(Sql, file, &[("table:bb", 2, 2), ("table:cc", 3, 3)]);
    get_fails(
        Sql,
        file,
        "table:b",
        "missing: nothing stands at `table:b`; did you mean `table:bb`, `table:aa`, `table:cc`?",
    );
    get_fails(
        Sql,
        file,
        "table:aa",
        "refused: `table:aa` shares its lines with other code (line 1); a portion is whole lines",
    );
    get_fails(
        Sql,
        file,
        "tables:aa",
        "selector: `tables:aa` is no sql selector: `tables` is no kind in sql; write `table:`, `view:`, `index:`, `fn:`, `proc:`, \
         `trigger:`, `type:`, `sequence:`, `schema:`, `policy:`, `rule:`, `event:`, `package:`, `body:`, `macro:` and a name",
    );
    put_fails(
        Sql,
        file,
        "table:bb",
        "CREATE TABLE dd (x int);\n",
        "refused: the fragment is `table:dd`, and the portion `table:bb`: with another name it is another portion",
    );
    put_fails(
        Sql,
        file,
        "table:bb",
        "CREATE TABLE bb (x int)\n",
        "refused: the fragment is no `table:bb` that ends with its lines: end it as the statements around are, mostly with `;`",
    );
    put_fails(
        Sql,
        file,
        "table:bb",
        "CREATE TABLE bb (x int);\nCREATE TABLE dd (x int);\n",
        "refused: the fragment is more than `table:bb`: it holds several statements",
    );
    put_fails(
        Sql,
        file,
        "table:bb",
        "CREATE TABLE bb (x text DEFAULT 'a);\n",
        "refused: afterwards the file would not parse at line 2, column 33: the string that begins here does not end",
    );
    // MySQL, which has no texts in dollar signs, would read this; nothing says that the script is MySQL's.
    let routine = "CREATE FUNCTION f() RETURNS int AS $$ SELECT 1 $$ LANGUAGE sql;\n";
    put_fails(
        Sql,
        routine,
        "fn:f",
        "CREATE FUNCTION f() RETURNS int AS $$ SELECT 1;\n",
        "refused: afterwards the file would not parse at line 1, column 36: the text that begins here does not end",
    );
    let view = Fragment { format: Format::Sql, text: b"CREATE VIEW v AS SELECT 'it\\'s';\n".to_vec() };
    assert_eq!(
        said(portion::insert(Sql, b"CREATE TABLE a (x int);\n", "view:v", &view)),
        "refused: afterwards the file would not parse at line 3, column 31: the string that begins here does not end"
    );
    insert(
        Sql,
        "CREATE TABLE `a` (x int);\n",
        "view:v",
        Format::Sql,
        "CREATE VIEW v AS SELECT 'it\\'s';\n",
        "CREATE TABLE `a` (x int);\n\nCREATE VIEW v AS SELECT 'it\\'s';\n",
    );
    put_fails(
        Sql,
        file,
        "table:bb",
        "CREATE TABLE bb (x int);\n-- behind\n",
        "refused: the fragment is more than `table:bb`: a comment stands behind it",
    );
    get_fails(
        Sql,
        "SELECT 1;\n/* a",
        "table:a",
        "unparsable: line 2, column 1: the comment that begins here does not end",
    );
}

#[test]
fn a_new_statement_ends_the_last_line() {
    let new = Fragment { format: Format::Sql, text: b"CREATE TABLE b (y int);\n".to_vec() };
    for (before, after) in [
        ("CREATE TABLE a (x int);", "CREATE TABLE a (x int);\n\nCREATE TABLE b (y int);"),
        ("select 1;", "select 1;\n\nCREATE TABLE b (y int);"),
        ("-- none", "-- none\n\nCREATE TABLE b (y int);"),
    ] {
        let written = portion::insert(Sql, before.as_bytes(), "table:b", &new);
        assert_eq!(written.map(|written| text(&written)), Ok(after.to_owned()));
    }
}
