//! Scripts of SQL.

use proptest::prelude::*;

const PARTS: &[&str] = &[
    "CREATE TABLE a (\n    x int, -- one; two\n    y text DEFAULT 'it''s;'\n);",
    "-- B.\nCREATE TABLE IF NOT EXISTS b AS\nSELECT 1;",
    "/* two\n   lines; */\ncreate view v as select ';' from \"a;b\"; -- behind",
    "CREATE INDEX i ON a (x);",
    "CREATE FUNCTION f() RETURNS int AS $$\nBEGIN\n  RETURN 1; -- '\nEND;\n$$ LANGUAGE plpgsql;",
    "CREATE FUNCTION f(x int) RETURNS int AS $b$ SELECT 1; $b$ LANGUAGE sql;",
    "CREATE TRIGGER t AFTER DELETE ON a BEGIN\n  DELETE FROM b;\n  SELECT CASE WHEN 1 THEN 2 END;\nEND;",
    "CREATE PROCEDURE p()\nBEGIN\n  IF 1 THEN SELECT 1; END IF;\nEND;",
    "    CREATE TABLE c (x int)\n    ;",
    "INSERT INTO a VALUES (1, 'CREATE TABLE z (x int);');",
    "SELECT 1; SELECT 2;",
    "COPY a FROM stdin;\n1;\tit's\n\\.",
    "-- far\n",
    "\\connect x",
    ";",
];

pub(crate) fn files() -> BoxedStrategy<Vec<u8>> {
    let ends = prop::sample::select(vec!["\n", "\n\n", "\n\n\n", "\n  \n"]);
    let part = (prop::sample::select(PARTS), ends).prop_map(|(part, end)| format!("{part}{end}"));
    (prop::collection::vec(part, 0..8), any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.8))
        .prop_map(|(parts, crlf, bom, final_end)| {
            let mut text = parts.concat();
            if !final_end {
                text.truncate(text.trim_end().len());
            }
            let text = if crlf { text.replace('\n', "\r\n") } else { text };
            format!("{}{text}", if bom { "\u{feff}" } else { "" }).into_bytes()
        })
        .boxed()
}
