//! Schemes one inside of another.

use super::*;
use portion::Scheme::{Csv, Json, Jsonl, Mark, Md, Toml, Yaml};

const NOTE: &str = "---\ntitle: A # or B\ntags: [a, b]\n---\n\n# Config\n\nport = 1\n";
const COMPOSE: &str = "services:\n  web:\n    command: |\n      # inlay:begin env\n      export A=1\n      # inlay:end env\n      run\n    image: x\n";

#[test]
fn what_stands_in_a_portion_is_a_file() {
    get(Md, NOTE, "front|yaml:/title", "A");
    put(Md, NOTE, "front|yaml:/tags", "[c]", &NOTE.replace("[a, b]", "[c]"));
    insert(Md, NOTE, "front|yaml:/draft", Format::Yaml, "true", &NOTE.replace("b]\n", "b]\ndraft: true\n"));
    put(Md, &NOTE.replace('\n', "\r\n"), "front|yaml:/title", "B", &NOTE.replace("A #", "B #").replace('\n', "\r\n"));
    // A string is the text that it says.
    get(Yaml, COMPOSE, "/services/web/command|mark:env", "export A=1\n");
    put(
        Yaml,
        COMPOSE,
        "/services/web/command|mark:env",
        "export A=2\nexport B=3\n",
        &COMPOSE.replace("A=1\n", "A=2\n      export B=3\n"),
    );
    let json = "{\n  \"payload\": \"{\\\"a\\\": {\\\"b\\\": 1}}\", // kept\n}";
    get(Scheme::Jsonc, json, "/payload|json:/a", "{\"b\": 1}");
    put(Scheme::Jsonc, json, "/payload|json:/a/b", "\"x\"", &json.replace(": 1}", ": \\\"x\\\"}"));
    remove(Scheme::Jsonc, json, "/payload|json:/a", &json.replace("{\\\"a\\\": {\\\"b\\\": 1}}", "{}"));
    put(Toml, "x = '''\na: 1\nb: 2\n'''\n", "/x|yaml:/b", "3", "x = \"\"\"\na: 1\nb: 3\n\"\"\"\n");
    put(Csv, "id,conf\n1,\"{\"\"a\"\":1}\"\n", "cell id=1/conf|json:/a", "2", "id,conf\n1,\"{\"\"a\"\":2}\"\n");
    put(
        Jsonl,
        "{\"id\":1,\"m\":\"# A\\n\\nx\\n\"}\n",
        "id=1/m|lines:2,3",
        "y\n",
        "{\"id\":1,\"m\":\"# A\\n\\ny\\n\"}\n",
    );
    put(
        Mark,
        "# inlay:begin x\n#!sh\na: 1\n# inlay:end x\n",
        "x|yaml:/a",
        "2",
        "# inlay:begin x\n#!sh\na: 2\n# inlay:end x\n",
    );
    // Several stages.
    let deep = r#"{"a": "{\"b\": \"{\\\"c\\\": 1}\"}"}"#;
    put(Json, deep, "/a|json:/b|json:/c", "2", &deep.replace(": 1}", ": 2}"));
    // A table in Markdown is that lens's own word, and its fragment is CSV.
    let table = "# A\n\n| k | v |\n|---|---|\n| 1 | x |\n";
    put(Md, table, "/A|table|csv:cell k=1/v", "y", &table.replace("| x |", "| y |"));
}

#[test]
fn what_is_missing_outside_is_made() {
    insert_only(Md, "# A\n", "front|yaml:/tags", Format::Yaml, "[a]", "---\ntags: [a]\n---\n\n# A\n");
    insert_only(Json, "{}", "/x|yaml:/a", Format::Yaml, "1", "{\n  \"x\": \"a: 1\\n\"\n}");
    insert_only(Json, "{\"x\": \"\"}", "/x|json:/a", Format::Json, "1", "{\"x\": \"{\\n  \\\"a\\\": 1\\n}\\n\"}");
    insert_only(Json, "", "/x|json:/a", Format::Json, "1", "{\n  \"x\": {\n    \"a\": 1\n  }\n}\n");
}

#[test]
fn bars_are_doubled_where_a_scheme_follows() {
    let file = "{\"a|json:b\": 1, \"a|b\": 2, \"a|\": \"{}\"}";
    get(Json, file, "/a||json:b", "1");
    get(Json, file, "/a|b", "2");
    get(Json, file, "/a|||json:", "{}");
    listed(Json, file, &[("", 1, 1), ("/a||json:b", 1, 1), ("/a|b", 1, 1), ("/a|", 1, 1)]);
    get_fails(Json, file, "/a||json:c", "missing: nothing stands at `/a||json:c`; did you mean `/a||json:b`?");
}

#[test]
fn errors_tell_the_stage() {
    get_fails(
        Md,
        NOTE,
        "front|yaml:/tag",
        "missing: nothing stands at `front|yaml:/tag`; did you mean `front|yaml:/tags`, `front|yaml:/tags/0`, `front|yaml:/tags/1`?",
    );
    get_fails(Md, "# A\n", "front|yaml:/tags", "missing: nothing stands at `front`");
    get_fails(
        Json,
        "{\"a\": \"x: [\"}",
        "/a|yaml:/x",
        "unparsable: line 1, column 4: unclosed bracket '[' (within `/a`)",
    );
    get_fails(
        Json,
        "{\"a\": \"1\\n1\"}",
        "/a|json:/x",
        "unparsable: line 2, column 1: expected the end of the file after the value, found `1` (within `/a`)",
    );
    get_fails(Json, "{\"a\": \"\"}", "/a|json:/x", "missing: nothing stands at `/a|json:/x`");
    get_fails(
        Json,
        "{\"a\": \"\"}",
        "/a|lines:x",
        "selector: `x` is no lines selector: write `10,20` for the lines 11 to 20, `10,` for all from line 11 on, `,20` for the first 20",
    );
    put_fails(
        Json,
        "{\"a\": \"x\\ny\"}",
        "/a|lines:0,1",
        "y\nz\n",
        "refused: within `/a`: `0,1` holds 1 lines and the fragment has 2; a marked region (`mark:NAME`) can grow",
    );
    let many = "|json:".repeat(9);
    get_fails(Json, "1", &many, "the selector has more than 8 stages");
}

#[test]
fn only_what_has_a_name_may_go() {
    for (scheme, file, expression, goes) in [
        (Md, NOTE, "front|yaml:/tags", true),
        (Md, NOTE, "front|yaml:/tags/0", false),
        (Md, NOTE, "front|yaml:", false),
        (Json, "{\"a\": [\"{}\"]}", "/a/0|json:/x", false),
    ] {
        assert_eq!(portion::may_go(scheme, file.as_bytes(), expression).is_ok(), goes, "{expression}");
    }
}
