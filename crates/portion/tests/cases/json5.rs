use super::*;
use portion::Scheme::Json5;

const FILE: &str = "\
// the server
{
  host: 'localhost',
  \"port\": 0x1F90, /* hex */
  $odd: [+1, .5, -5., Infinity, -NaN,],
  text: 'it\\'s \\\n    one line',
}
";

#[test]
fn values_by_pointer() {
    get(Json5, FILE, "/host", "'localhost'");
    get(Json5, FILE, "/port", "0x1F90");
    get(Json5, FILE, "/$odd", "[+1, .5, -5., Infinity, -NaN,]");
    get(Json5, FILE, "/text", "'it\\'s \\\n    one line'");
    let read = |text: &str| Format::Json5.value(text.as_bytes()).unwrap();
    let json = |text: &str| Format::Json.value(text.as_bytes()).unwrap();
    assert_eq!(read("'it\\'s \\\r\n    one \\\u{2028}\\x41\\v\\0\\é'"), json("\"it's     one A\\u000b\\u0000é\""));
    assert_eq!(
        read("{ünï_1: -0x10, \\u0061$: +.5e1, 'b': 'x', \"c\": 1.,}"),
        json("{\"ünï_1\":-16,\"a$\":5,\"b\":\"x\",\"c\":1}")
    );
    assert_eq!(read("\u{feff}\u{a0}[\u{2003}/* c */ null,\u{b}\u{c}] // end\u{2028}"), json("[null]"));
}

#[test]
fn edits_in_the_files_own_style() {
    put(Json5, FILE, "/port", "8080", &FILE.replace("0x1F90", "8080"));
    insert(Json5, FILE, "/on", Format::Json5, "true", &FILE.replace("line',\n", "line',\n  on: true,\n"));
    insert(Json5, FILE, "/a-b", Format::Json5, "1", &FILE.replace("line',\n", "line',\n  \"a-b\": 1,\n"));
    insert(Json5, "{'a': 1}\n", "/b", Format::Json5, "2", "{'a': 1, 'b': 2}\n");
    insert(Json5, FILE, "/$odd/5", Format::Json5, "'x'", &FILE.replace("-NaN,", "-NaN, 'x',"));
    insert_only(Json5, "", "/a/b c", Format::Json5, "1", "{\n  a: {\n    \"b c\": 1\n  }\n}\n");
    let value = |text: &str| Format::Json.value(text.as_bytes()).unwrap();
    let update = |text: &str, new: &str| super::text(&Format::Json5.update(text.as_bytes(), &value(new)).unwrap());
    assert_eq!(
        update("{a: 'x', b: 0x10}", "{\"a\":\"it's\",\"b\":16,\"c\":{\"d\":\"y\"}}"),
        "{a: 'it\\'s', b: 0x10, c: {d: 'y'}}"
    );
    assert_eq!(update("{\"a\": 1}", "{\"a\":\"x\"}"), "{\"a\": \"x\"}");
}

#[test]
fn what_others_cannot_say() {
    let value = Format::Json5.value(b"[-Infinity, NaN]").unwrap();
    assert_eq!(text(&Format::Json5.render(&value).unwrap()), "[\n  -Infinity,\n  NaN\n]");
    assert_eq!(said(Format::Json.render(&value)), "cannot say: json cannot say the number -inf at `/0`");
    assert_eq!(
        text(&Format::Toml.render(&portion::Value::Map(vec![("a".into(), value)])).unwrap()),
        "a = [-inf, nan]\n"
    );
}

#[test]
fn errors_say_where() {
    for (file, error) in [
        ("{a b: 1}", "unparsable: line 1, column 4: expected `:` after the key, found `b`"),
        ("{1: 2}", "unparsable: line 1, column 2: expected a key or `}`, found `1`"),
        ("'a\nb'", "unparsable: line 1, column 1: the string that starts here has no end on its line"),
        ("'\\1'", "unparsable: line 1, column 2: an escape is no digit from 1 to 9"),
        ("01", "unparsable: line 1, column 1: a number has no leading zeros"),
        ("0x", "unparsable: line 1, column 3: expected a hexadecimal digit, found the end of the file"),
        ("1x", "unparsable: line 1, column 2: expected the end of the number, found `x`"),
        ("[1,,2]", "unparsable: line 1, column 4: expected a value, found `,`"),
        (
            "{a: 1, 'a': 2}",
            "unparsable: line 1, column 8: the key `a` stands here for a second time, the first is on line 1",
        ),
    ] {
        get_fails(Json5, file, "", error);
    }
}
