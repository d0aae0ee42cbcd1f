//! Tables across formats: rows told apart by a key.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use portion::{Fragment, LensError, Mapping, Merged, Scheme, Side, Value, get, merge, put};
use proptest::prelude::*;

/// A member: its scheme, file, expression and mapping.
#[derive(Clone)]
struct Member {
    scheme: Scheme,
    file: String,
    expression: &'static str,
    mapping: &'static str,
}

fn member(scheme: Scheme, file: &str, expression: &'static str, mapping: &'static str) -> Member {
    Member { scheme, file: file.to_owned(), expression, mapping }
}

impl Member {
    fn mapping(&self) -> Mapping {
        self.mapping.parse().unwrap()
    }

    fn own(&self) -> Fragment {
        get(self.scheme, self.file.as_bytes(), self.expression).unwrap()
    }

    fn shared(&self) -> Fragment {
        self.mapping().share(self.own()).unwrap()
    }

    fn value(&self) -> Result<Value, LensError> {
        self.mapping().value(&self.mapping().share(self.own())?)
    }

    /// The member with this value in it.
    fn with(&self, value: &Value) -> Result<Member, LensError> {
        let updated = self.mapping().update(&self.shared(), value)?;
        self.with_shared(&updated)
    }

    fn with_shared(&self, shared: &Fragment) -> Result<Member, LensError> {
        let whole = self.mapping().unshare(Some(&self.own()), shared)?;
        let file = put(self.scheme, self.file.as_bytes(), self.expression, &whole)?;
        let file = file.map_or_else(|| self.file.clone(), |file| String::from_utf8(file).unwrap());
        Ok(Member { file, ..self.clone() })
    }
}

/// What `from` says, in `to`; once more it changes nothing, nor does it carried back.
fn check(from: &Member, to: &Member, expected: &str) {
    let value = from.value().unwrap();
    let after = to.with(&value).unwrap();
    assert_eq!(after.file, expected, "{} into {}", from.file, to.file);
    assert_eq!(after.with(&value).unwrap().file, expected, "twice");
    assert_eq!(from.with(&after.value().unwrap()).unwrap().file, from.file, "and back");
}

const CSV: &str = "sku;price;note\nb-2;2.50;\"mine; alone\"\na-1;1;x\n";
const JSON: &str = "[\n  // the first\n  {\"sku\": \"a-1\", \"price\": 1},\n  {\"sku\": \"c-3\", \"price\": 7},\n  // the last\n  {\"sku\": \"b-2\", \"price\": 9}\n]\n";
const JSONL: &str = "{\"sku\":\"a-1\",\"price\":1}\n{\"sku\":\"z-9\",\"price\":3}\n";

fn csv() -> Member {
    member(Scheme::Csv, CSV, "rows", "key sku; except /*/note")
}

fn json() -> Member {
    member(Scheme::Jsonc, JSON, "", "key sku")
}

fn jsonl() -> Member {
    member(Scheme::Jsonl, JSONL, "rows", "key sku")
}

#[test]
fn each_keeps_its_order_style_and_private_columns() {
    // The order is the file's own, numbers stay numbers, comments stay with their rows.
    check(
        &csv(),
        &json(),
        "[\n  // the first\n  {\"sku\": \"a-1\", \"price\": 1},\n  // the last\n  {\"sku\": \"b-2\", \"price\": 2.50}\n]\n",
    );
    check(&csv(), &jsonl(), "{\"sku\":\"b-2\",\"price\":2.50}\n{\"sku\":\"a-1\",\"price\":1}\n");
    // The note goes with its row, and is empty in a new one.
    check(&json(), &csv(), "sku;price;note\nb-2;9;\"mine; alone\"\na-1;1;x\nc-3;7;\n");
    check(&jsonl(), &csv(), "sku;price;note\na-1;1;x\nz-9;3;\n");
    check(
        &jsonl(),
        &json(),
        "[\n  // the first\n  {\"sku\": \"a-1\", \"price\": 1},\n  {\"sku\": \"z-9\", \"price\": 3}\n  // the last\n]\n",
    );
}

#[test]
fn columns_have_other_names_and_defaults() {
    let own =
        member(Scheme::Csv, "id,cost,off\na-1,1,no\n", "rows", "key id; map /*/cost=/*/price; default /*/off=\"no\"");
    check(&json(), &own, "id,cost,off\na-1,1,no\nc-3,7,no\nb-2,9,no\n");
    let map = member(Scheme::Toml, "[p.a-1]\nprice = 2 # net\n", "/p", "");
    check(&csv(), &map, "[p.a-1]\nprice = 1 # net\n\n[p.b-2]\nprice = \"2.50\"\n");
}

#[test]
fn an_empty_table_keeps_its_columns() {
    let empty = member(Scheme::Csv, "sku,price,note\n", "rows", "key sku; except /*/note");
    assert_eq!(String::from_utf8(empty.shared().text).unwrap(), "sku,price\n");
    check(&jsonl(), &empty, "sku,price,note\na-1,1,\nz-9,3,\n");
    let emptied = csv().with(&Value::Map(Vec::new())).unwrap();
    assert_eq!(emptied.file, "sku;price;note\n");
    assert_eq!(emptied.with(&csv().value().unwrap()).unwrap().file, "sku;price;note\nb-2;2.50;\na-1;1;\n");
}

#[test]
fn rows_that_cannot_be_told_apart_are_named() {
    for (file, why) in [
        (
            "id,a\n1,x\n1,y\n",
            "csv cannot say a second row whose `id` is `1`, by which its mapping tells rows apart at `/1`",
        ),
        (
            "id,a\n1,x\n,y\n",
            "csv cannot say a row of which `id`, by which its mapping tells rows apart, is empty or no scalar at `/1`",
        ),
        ("a,b\n1,x\n", "csv cannot say rows told apart by `id`: none has that, they have `a`, `b`"),
    ] {
        assert_eq!(member(Scheme::Csv, file, "rows", "key id").value().unwrap_err().to_string(), why);
    }
    for (file, why) in [
        ("{}", "json cannot say a map, where the mapping's `key id` wants a list of rows"),
        ("[1]", "json cannot say a number, where the mapping's `key id` wants a row at `/0`"),
    ] {
        assert_eq!(member(Scheme::Json, file, "", "key id").value().unwrap_err().to_string(), why);
    }
    let lacks = member(Scheme::Jsonl, "{\"id\": 1, \"a\": 2}\n{\"id\": 2}\n", "rows", "key id");
    let to = member(Scheme::Csv, "id,a\n1,x\n", "rows", "key id");
    assert_eq!(
        to.with(&lacks.value().unwrap()).map(|to| to.file).unwrap_err().to_string(),
        "csv cannot say a row without `a`, which others have at `/1`"
    );
}

#[test]
fn two_sides_merge_row_by_row() {
    let [base, ours, theirs] =
        ["id,a,b\n1,x,x\n2,y,y\n3,z,z\n", "id,a,b\n3,z,z\n1,X,x\n2,y,y\n", "id,a,b\n1,x,x\n2,y,Y\n4,n,n\n"]
            .map(|file| member(Scheme::Csv, file, "rows", "key id"));
    let (base_text, ours_text, theirs_text) = (base.shared(), ours.shared(), theirs.shared());
    let mapping = base.mapping();
    let side = |fragment| Side { fragment, mapping: &mapping };
    match merge(side(&base_text), side(&ours_text), side(&theirs_text)).unwrap() {
        Merged::Clean(merged) => assert_eq!(String::from_utf8(merged.text).unwrap(), "id,a,b\n1,X,x\n2,y,Y\n4,n,n\n"),
        other => panic!("{other:?}"),
    }
}

const WORDS: &[&str] = &["", "x", "1", "2.5", "a b", "q\"", "true", "007"];

/// Rows of `(id, a, b)`, each id once.
fn rows() -> impl Strategy<Value = Vec<(u8, &'static str, &'static str)>> {
    let word = || prop::sample::select(WORDS);
    prop::collection::vec((1u8..9, word(), word()), 0..7).prop_map(|mut rows| {
        let mut seen = Vec::new();
        rows.retain(|(id, ..)| {
            !seen.contains(id) && {
                seen.push(*id);
                true
            }
        });
        rows
    })
}

/// A table in one of the formats, with a private column where `private` says so.
fn table(kind: usize, private: bool, rows: &[(u8, &str, &str)]) -> Member {
    let quote = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let json = |text: &str| format!("\"{}\"", text.replace('"', "\\\""));
    let mapping = if private { "key id; except /*/own" } else { "key id" };
    let objects: Vec<String> = rows
        .iter()
        .map(|(id, a, b)| {
            let own = if private { format!(", \"own\": {id}00") } else { String::new() };
            format!("{{\"a\": {}, \"id\": {id}, \"b\": {}{own}}}", json(a), json(b))
        })
        .collect();
    match kind {
        0 | 1 => {
            let (scheme, separator) = if kind == 0 { (Scheme::Csv, ";") } else { (Scheme::Tsv, "\t") };
            let mut lines = vec![["id", "a", "b"].join(separator)];
            lines.extend(rows.iter().map(|(id, a, b)| [id.to_string(), quote(a), quote(b)].join(separator)));
            if private {
                lines[0] += &format!("{separator}own");
                lines.iter_mut().skip(1).zip(rows).for_each(|(line, row)| *line += &format!("{separator}{}00", row.0));
            }
            member(scheme, &(lines.join("\n") + "\n"), "rows", mapping)
        }
        5 => {
            let bar = |text: &str| text.replace('|', "\\|");
            let end = if private { " own |" } else { "" };
            let mut text = format!("# T\n\n| id | a | b |{end}\n| - | - | - |{}\n", if private { " - |" } else { "" });
            for (id, a, b) in rows {
                let own = if private { format!(" {id}00 |") } else { String::new() };
                text.push_str(&format!("| {id} | {} | {} |{own}\n", bar(a), bar(b)));
            }
            member(Scheme::Md, &text, "/T|table", mapping)
        }
        2 if !rows.is_empty() => member(Scheme::Jsonl, &(objects.join("\n") + "\n"), "rows", mapping),
        3 => member(Scheme::Yaml, &format!("t: [{}]\n", objects.join(", ")), "/t", mapping),
        _ => member(Scheme::Json, &format!("{{\"t\": [\n  {}\n]}}\n", objects.join(",\n  ")), "/t", mapping),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// From any format into any other: what arrives means what was sent, again it changes nothing, rows that stay keep their order, and
    /// private columns stay with their rows.
    #[test]
    fn tables_travel(a in rows(), b in rows(), from in 0usize..6, to in 0usize..6, private in any::<bool>()) {
        let (from, to) = (table(from, false, &a), table(to, private, &b));
        let value = from.value().unwrap();
        let after = match to.with(&value) {
            Ok(after) => after,
            // The last record of JSON Lines went: there is no portion any more.
            Err(LensError::Refused(_)) if a.is_empty() && to.scheme == Scheme::Jsonl => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(format!("{error}: {} into {}", from.file, to.file))),
        };
        let means = after.value().unwrap();
        prop_assert!(means.agrees(&value), "{} into {}: {}", from.file, to.file, after.file);
        prop_assert_eq!(&after.with(&value).unwrap().file, &after.file);
        let ids = |member: &Member| -> Vec<String> {
            let own = member.own();
            let Value::Sequence(rows) = own.format.value(&own.text).unwrap() else { panic!() };
            rows.iter().map(|row| row.child("id").unwrap().as_text().unwrap().to_owned()).collect()
        };
        let (before, now) = (ids(&to), ids(&after));
        let stay: Vec<&String> = before.iter().filter(|id| now.contains(id)).collect();
        let kept: Vec<&String> = now.iter().filter(|id| before.contains(id)).collect();
        prop_assert_eq!(stay, kept);
        if private {
            let own = after.own();
            let Value::Sequence(rows) = own.format.value(&own.text).unwrap() else { panic!() };
            for row in rows {
                let id = row.child("id").unwrap().as_text().unwrap().to_owned();
                let note = row.child("own").and_then(Value::as_text).unwrap_or_default().to_owned();
                let expected = if before.contains(&id) { format!("{id}00") } else { String::new() };
                prop_assert_eq!(note, expected, "{}", after.file);
            }
        }
        // And back: nothing was lost.
        prop_assert_eq!(from.with(&means).unwrap().file, from.file);
    }
}

/// A table that is made anew has no rows that tell what its keys are: they are numbers if all of them say one.
#[test]
fn keys_of_a_table_that_comes_back() {
    let rendered = |value: &str| {
        let value = portion::Format::Json.value(value.as_bytes()).unwrap();
        let mapping: Mapping = "key id".parse().unwrap();
        String::from_utf8(mapping.render(portion::Format::Jsonl, &value).unwrap().text).unwrap()
    };
    assert_eq!(
        rendered(r#"{"7":{"n":"a"},"12":{"n":"b"}}"#),
        "{\"id\": 7, \"n\": \"a\"}\n{\"id\": 12, \"n\": \"b\"}\n"
    );
    assert_eq!(rendered(r#"{"7":{},"a-1":{}}"#), "{\"id\": \"7\"}\n{\"id\": \"a-1\"}\n");
    assert_eq!(rendered(r#"{"007":{}}"#), "{\"id\": \"007\"}\n");
}

/// A cell that once said what its column does not hold (a typing error, nothing at all) is a number again when it says one.
#[test]
fn a_cell_becomes_what_its_column_holds() {
    let csv = |cells: &str| member(Scheme::Csv, &format!("sku,qty\n{cells}"), "rows", "key sku");
    let mut table = member(
        Scheme::Json,
        "[{\"sku\": \"A\", \"qty\": 1}, {\"sku\": \"B\", \"qty\": 2}, {\"sku\": \"C\", \"qty\": 3}]\n",
        "",
        "key sku",
    );
    let file = |b: &str| {
        format!("[{{\"sku\": \"A\", \"qty\": 1}}, {{\"sku\": \"B\", \"qty\": {b}}}, {{\"sku\": \"C\", \"qty\": 3}}]\n")
    };
    for (cell, there) in [("tbd", "\"tbd\""), ("5", "5"), ("", "\"\""), ("7", "7"), ("12.25", "12.25")] {
        let value = csv(&format!("A,1\nB,{cell}\nC,3\n")).value().unwrap();
        table = table.with(&value).unwrap();
        assert_eq!(table.file, file(there), "{cell}");
    }
    // A spelling that somebody chose stays, and so does the text of a column of texts.
    let chosen = member(Scheme::Json, &file("\"2\""), "", "key sku");
    let value = csv("A,1\nB,4\nC,3\n").value().unwrap();
    assert_eq!(chosen.with(&value).unwrap().file, file("\"4\""));
    let texts =
        "[{\"sku\": \"A\", \"qty\": \"few\"}, {\"sku\": \"B\", \"qty\": \"many\"}, {\"sku\": \"C\", \"qty\": 3}]\n";
    let value = csv("A,few\nB,4\nC,3\n").value().unwrap();
    assert_eq!(
        member(Scheme::Json, texts, "", "key sku").with(&value).unwrap().file,
        texts.replace("\"many\"", "\"4\"")
    );
}
