//! Nodes by what stands in them.

use super::*;
use portion::Scheme::JsonPath;

const USERS: &str = r#"{
  // people
  "users": [
    {"id": "k1", "city": "Rome"},
    {"id": "k2", "city": "Oslo", "age": 40},
  ]
}
"#;

#[test]
fn one_node_is_found() {
    get(JsonPath, USERS, "$.users[?@.id=='k1'].city", "\"Rome\"");
    get(JsonPath, USERS, "$.users[?@.age > 39.5]", "{\"id\": \"k2\", \"city\": \"Oslo\", \"age\": 40}");
    get(JsonPath, USERS, "$..[?match(@.city, 'O.*')].id", "\"k2\"");
    get(JsonPath, USERS, "$.users[-1:].city", "\"Oslo\"");
    get(JsonPath, "users:\n- id: k1 # c\n  city: Rome\n", "$.users[?@.id=='k1'].city", "Rome");
    get(JsonPath, "[[users]]\nid = 1\n[[users]]\nid = 2\nat = 2024-01-01\n", "$.users[?@.at < '2025'].id", "2");
    listed(
        JsonPath,
        "{\"a\": [1], \"b'c\": 2}",
        &[("$", 1, 1), ("$['a']", 1, 1), ("$['a'][0]", 1, 1), ("$['b\\'c']", 1, 1)],
    );
}

#[test]
fn edits_go_to_that_node() {
    put(JsonPath, USERS, "$.users[?@.id=='k2'].city", "\"Bergen\"", &USERS.replace("Oslo", "Bergen"));
    put(JsonPath, USERS, "$.users[?@.id=='k1']", "{\"id\": \"k1\"}", &USERS.replace(", \"city\": \"Rome\"", ""));
    put(JsonPath, "a:\n- k: 1\n  v: x\n", "$.a[?@.k==1].v", "y", "a:\n- k: 1\n  v: y\n");
    remove(JsonPath, USERS, "$.users[?@.id=='k2'].age", &USERS.replace(", \"age\": 40", ""));
    remove(JsonPath, "{\"a\": [1, 2, 3]}", "$.a[?@==2]", "{\"a\": [1, 3]}");
    insert(
        JsonPath,
        USERS,
        "$.users[?@.id=='k1'].age",
        Format::Json,
        "41",
        &USERS.replace("\"Rome\"", "\"Rome\", \"age\": 41"),
    );
    insert_only(JsonPath, "a:\n- k: 1\n", "$.a[?@.k==1].v", Format::Json, "[1]", "a:\n- k: 1\n  v:\n  - 1\n");
}

#[test]
fn what_is_not_one_node_is_told() {
    get_fails(JsonPath, USERS, "$.users[*].city", "ambiguous: `$.users[*].city` matches 2 portions, on lines 4, 5");
    get_fails(JsonPath, "{\"users\": 1}", "$.user", "missing: nothing stands at `$.user`; did you mean `$['users']`?");
    get_fails(
        JsonPath,
        "{",
        "$.a",
        "unparsable: line 1, column 2: expected a key in quotes or `}`, found the end of the file",
    );
    get_fails(
        JsonPath,
        "{}",
        "users",
        "selector: `users` is no jsonpath selector: a path begins with `$`, as in `$.users[?@.id=='k1'].city`",
    );
    get_fails(
        JsonPath,
        "{}",
        "$.a[?@.b=]",
        "selector: `$.a[?@.b=]` is no jsonpath selector: at character 9: expected `,` or `]`, found `=`",
    );
    put_fails(
        JsonPath,
        USERS,
        "$.users[?@.id=='k1'].id",
        "\"k3\"",
        "refused: with the new content `$.users[?@.id=='k1'].id` would not find this portion any more: it would be another one",
    );
}

#[test]
fn only_names_are_inserted() {
    let refused = |expression: &str| {
        let fragment = Fragment { format: Format::Json, text: b"1".to_vec() };
        said(portion::insert(JsonPath, USERS.as_bytes(), expression, &fragment))
    };
    assert_eq!(
        refused("$.users[?@.id=='k3']"),
        "refused: `$.users[?@.id=='k3']` tells what stands there, not where something new goes; name it by a pointer, `/…`"
    );
    assert_eq!(
        refused("$.users[?@.id=='k3'].age"),
        "refused: what `$.users[?@.id=='k3'].age` stands in is not one portion of the file; name it by a pointer, `/…`"
    );
}

#[test]
fn what_has_a_name_may_go() {
    for (expression, goes) in [
        ("$.users[?@.id=='k2']", true),
        ("$.users[?@.id=='k2'].age", true),
        ("$.users[1]", false),
        ("$.users[-1:]", false),
    ] {
        assert_eq!(portion::may_go(JsonPath, USERS.as_bytes(), expression).is_ok(), goes, "{expression}");
    }
}
