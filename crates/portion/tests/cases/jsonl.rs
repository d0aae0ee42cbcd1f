use super::*;
use portion::Scheme::Jsonl;

const LOG: &str = "\
{\"id\": 1, \"user\": {\"id\": \"a/b\"}, \"name\": \"Ada\"}
{\"id\":42,\"user\":{\"id\":\"x\"},\"name\":\"B\"}

{\"id\": \"n=1\", \"tags\": [1, 2]}
";

#[test]
fn records_by_key() {
    get(Jsonl, LOG, "id=42", "{\"id\":42,\"user\":{\"id\":\"x\"},\"name\":\"B\"}");
    get(Jsonl, LOG, "id=42/name", "\"B\"");
    get(Jsonl, LOG, "/user/id=x/id", "42");
    get(Jsonl, LOG, "/user/id=\"a/b\"/name", "\"Ada\"");
    get(Jsonl, LOG, "id=n=1/tags/1", "2");
    get(Jsonl, LOG, "\"name\"=\"Ada\"/id", "1");
    get(Jsonl, LOG, "rows", &LOG.replace("\n\n", "\n"));
    get(Jsonl, "{\"id\":\"\\u0041\\u00e9\"}\n", "id=Aé", "{\"id\":\"\\u0041\\u00e9\"}");
    listed(Jsonl, LOG, &[("rows", 1, 4), ("id=1", 1, 1), ("id=42", 2, 2), ("id=n=1", 4, 4)]);
    listed(
        Jsonl,
        "{\"a\":1,\"b\":\"x/y\"}\n{\"a\":1,\"b\":\"z\"}\n",
        &[("rows", 1, 2), ("b=\"x/y\"", 1, 1), ("b=z", 2, 2)],
    );
    // What stands beside it is not read.
    get(Jsonl, "{\"id\":1}\n{broken\n", "id=1", "{\"id\":1}");
}

#[test]
fn edits_stay_on_their_line() {
    put(Jsonl, LOG, "id=42/name", "{\n  \"first\": \"B\"\n}", &LOG.replace("\"B\"", "{\"first\": \"B\"}"));
    put(Jsonl, LOG, "id=1", "{\"id\": 1}", &LOG.replace(", \"user\": {\"id\": \"a/b\"}, \"name\": \"Ada\"", ""));
    put(Jsonl, "{\"id\":1}\r\n{\"id\":2}", "id=2", "{\"id\":2,\"a\":[]}", "{\"id\":1}\r\n{\"id\":2,\"a\":[]}");
    insert(Jsonl, "{\"id\":1}", "id=2", Format::JsonLine, "{\"id\":2}", "{\"id\":1}\n{\"id\":2}");
    insert(Jsonl, "{\"id\":1}\r\n\r\n", "id=2", Format::JsonLine, "{\n\"id\":2}", "{\"id\":1}\r\n{\"id\":2}\r\n\r\n");
    insert(Jsonl, LOG, "id=42/new", Format::JsonLine, "[true]", &LOG.replace("\"B\"}", "\"B\",\"new\":[true]}"));
    insert(Jsonl, "{\"id\":1,\"a\":{}}\n", "id=1/a/b", Format::JsonLine, "2", "{\"id\":1,\"a\":{\"b\":2}}\n");
    remove(Jsonl, LOG, "id=42", &LOG.replace("{\"id\":42,\"user\":{\"id\":\"x\"},\"name\":\"B\"}\n", ""));
    remove(Jsonl, LOG, "id=n=1/tags/0", &LOG.replace("[1, 2]", "[2]"));
    insert_only(Jsonl, "", "id=1", Format::JsonLine, "{\"id\":1}", "{\"id\":1}\n");
    insert_only(Jsonl, "", "rows", Format::Jsonl, "{\"id\":1}\n", "{\"id\":1}\n");
    remove(Jsonl, "{\"id\":1}\n", "rows", "");
}

#[test]
fn whole_tables() {
    put(Jsonl, LOG, "rows", "{\"id\": 2}\n", "{\"id\": 2}\n");
    let three = "{\"id\":1}\n  {\"id\":2} \r\n\n{\"id\":3}";
    put(
        Jsonl,
        three,
        "rows",
        "{\"id\":1}\n{\"id\":2,\"x\":0}\n{\"id\":3}\n",
        &three.replace("{\"id\":2}", "{\"id\":2,\"x\":0}"),
    );
    put(
        Jsonl,
        three,
        "rows",
        "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n{\"id\":4}\n",
        "{\"id\":1}\n  {\"id\":2} \r\n\n{\"id\":3}\n{\"id\":4}",
    );
    put(Jsonl, three, "rows", "{\"id\":2}\n{\"id\":3}\n", "  {\"id\":2} \r\n\n{\"id\":3}");
    let value = |text: &str| Format::Json.value(text.as_bytes()).unwrap();
    let update = |text: &str, new: &str| super::text(&Format::Jsonl.update(text.as_bytes(), &value(new)).unwrap());
    // A record is told by its key, keeps its style, and a new one takes that of the first.
    assert_eq!(
        update("{\"id\":1,\"a\":\"x\"}\n{\"id\": 2, \"a\": \"y\"}\n", r#"[{"a":"z","id":2},{"id":3,"a":[1,{}]}]"#),
        "{\"id\": 2, \"a\": \"z\"}\n{\"id\":3,\"a\":[1,{}]}\n"
    );
    assert_eq!(update("", r#"[{"id":3,"a":[1]}, 7]"#), "{\"id\": 3, \"a\": [1]}\n7\n");
}

#[test]
fn what_is_refused() {
    get_fails(Jsonl, LOG, "id=43", "missing: nothing stands at `id=43`; did you mean `id=42`, `id=1`, `id=n=1`?");
    get_fails(Jsonl, LOG, "id=42/nam", "missing: nothing stands at `id=42/nam`; did you mean `id=42/name`?");
    get_fails(Jsonl, "{\"id\":1}\n{\"id\":\"1\"}\n", "id=1", "ambiguous: `id=1` matches 2 portions, on lines 1, 2");
    get_fails(
        Jsonl,
        "{\"id\":1}\n{\"id\":2,}\n",
        "id=2",
        "unparsable: line 2, column 9: a comma before `}` is not allowed",
    );
    get_fails(
        Jsonl,
        "{\"id\":1}\n\n{\n",
        "rows",
        "unparsable: line 3, column 2: expected a key in quotes or `}`, found the end of the file",
    );
    get_fails(Jsonl, "", "rows", "missing: nothing stands at `rows`");
    get_fails(
        Jsonl,
        LOG,
        "name",
        "selector: `name` is no jsonl selector: expected `=` behind `name`; write `id=42` for the record whose `id` is 42, \
         `id=42/name` for what stands in it, or `rows`",
    );
    put_fails(
        Jsonl,
        LOG,
        "id=42",
        "{\"id\":7}",
        "refused: the fragment is another record than `id=42`: its `/id` differs",
    );
    let text = Fragment { format: Format::JsonLine, text: b"{\"id\":8}".to_vec() };
    assert_eq!(
        said(portion::insert(Jsonl, LOG.as_bytes(), "id=9", &text)),
        "refused: the fragment is another record than `id=9`: its `/id` differs"
    );
}

#[test]
fn a_byte_order_mark_stands_at_the_start_alone() {
    get(Jsonl, "\u{feff}{\"id\":1}\n", "rows", "{\"id\":1}\n");
    let why = "unparsable: line 1, column 3: a byte order mark within the file";
    get_fails(Jsonl, "  \u{feff}6", "rows", why);
    assert!(portion::list(Jsonl, "  \u{feff}6".as_bytes()).is_err());
    assert!(
        said(portion::Format::Jsonl.value("{}\n\u{feff}6\n".as_bytes()))
            .contains("line 2, column 1: a byte order mark")
    );
}
