//! Values put into texts of keys. Values are written as JSON here.

use super::*;
use portion::{Number, Value};

fn value(json: &str) -> Value {
    fn of(json: &serde_json::Value) -> Value {
        match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(b) => Value::Bool(*b),
            serde_json::Value::Number(n) => Value::Number(Number::new(n.to_string())),
            serde_json::Value::String(s) => Value::String(s.clone()),
            serde_json::Value::Array(items) => Value::Sequence(items.iter().map(of).collect()),
            serde_json::Value::Object(members) => Value::Map(members.iter().map(|(k, v)| (k.clone(), of(v))).collect()),
        }
    }
    of(&serde_json::from_str(json).unwrap())
}

fn means(format: Format, text: &str, json: &str) {
    assert_eq!(format.value(text.as_bytes()).unwrap(), value(json), "{format}:\n{text}");
}

fn update(format: Format, before: &str, json: &str, after: &str) {
    let updated = format.update(before.as_bytes(), &value(json)).unwrap();
    assert_eq!(super::text(&updated), after, "{format}: {json} into\n{before}");
    assert!(format.value(&updated).unwrap().agrees(&value(json)));
}

fn render(format: Format, json: &str, after: &str) {
    assert_eq!(super::text(&format.render(&value(json)).unwrap()), after);
    means_about(format, after, json);
}

fn means_about(format: Format, text: &str, json: &str) {
    assert!(format.value(text.as_bytes()).unwrap().agrees(&value(json)), "{format}:\n{text}");
}

fn cannot(format: Format, before: &str, json: &str, expected: &str) {
    assert_eq!(said(format.update(before.as_bytes(), &value(json))), expected);
}

#[test]
fn values_are_maps_of_text() {
    means(Format::Ini, "a=1\n[s]\nb=x\nc\n[t]\n", r#"{"a": "1", "s": {"b": "x", "c": null}, "t": {}}"#);
    means(Format::Env, "A=1\nB='x y'\nC\n", r#"{"A": "1", "B": "x y", "C": null}"#);
    means(
        Format::GitConfig,
        "[core]\n\tbare\n[remote \"A\"]\n\turl = x\n\tFetch = 1\n[remote \"a\"]\n[Remote \"A\"]\n\tfetch = 2\n[remote]\n\td = 1\n",
        r#"{"core": {"bare": "true"}, "remote": {"A": {"url": "x", "Fetch": ["1", "2"]}, "a": {}, "d": "1"}}"#,
    );
    means(
        Format::SshConfig,
        "User me\nHost a  b\n Port 22\n SendEnv A\n SendEnv B\n",
        r#"{"User": "me", "Host a b": {"Port": "22", "SendEnv": ["A", "B"]}}"#,
    );
    means(Format::Hosts, "::1 a\tb # c\n1.1.1.1 x\n1.1.1.1 y\n", r#"{"::1": "a b", "1.1.1.1": ["x", "y"]}"#);
    means(Format::Systemd, "[Unit]\nAfter=a\nAfter=b\n[Unit]\nAfter=c\n", r#"{"Unit": {"After": ["a", "b", "c"]}}"#);
    means(Format::Properties, "a.b = 1\n\\u00e9\n", r#"{"a.b": "1", "é": ""}"#);
    for (format, text, expected) in [
        (Format::Ini, "[a]\nx=1\n[a]\n", "unparsable: line 3, column 1: `/a` stands here for the second time"),
        (Format::Ini, "[a]\nx=1\nx=2\n", "unparsable: line 3, column 1: `/a/x` stands here for the second time"),
        (Format::Env, "A=1\nA=1\n", "unparsable: line 2, column 1: `/A` stands here for the second time"),
        (
            Format::GitConfig,
            "[a]\nb=1\n[a \"b\"]\n",
            "unparsable: line 3, column 1: `/a/b` stands here for the second time",
        ),
    ] {
        assert_eq!(said(format.value(text.as_bytes())), expected);
    }
}

#[test]
fn an_update_touches_only_what_differs() {
    update(
        Format::Ini,
        "# c\na = 1\n\n[s]\nb: x\n",
        r#"{"a": 2, "s": {"b": "x", "c": true}}"#,
        "# c\na = 2\n\n[s]\nb: x\nc: true\n",
    );
    update(Format::Ini, "[s]\nb=1\n\n[t]\nc=1\n\n[u]\n", r#"{"u": {}}"#, "[u]\n");
    update(Format::Ini, "[s]\nb=1\n\n[t]\nc=1\n", r#"{"s": {"b": 1}}"#, "[s]\nb=1\n");
    update(Format::Ini, "[s]\nb=1\n\n[t]\nc=1\n", r#"{}"#, "");
    update(
        Format::Ini,
        "[s]\nb=1\n",
        r#"{"n": {"x": "1"}, "k": "v", "s": {"b": "1"}}"#,
        "k=v\n\n[s]\nb=1\n\n[n]\nx=1\n",
    );
    update(
        Format::Env,
        "A=1 # c\nexport B=\"x\"\n",
        r#"{"A": 1, "B": "y z", "C": 8080}"#,
        "A=1 # c\nexport B=\"y z\"\nexport C=\"8080\"\n",
    );
    update(
        Format::GitConfig,
        "[remote \"a\"]\n\turl = x\n\tfetch = 1\n",
        r#"{"remote": {"a": {"url": "x", "fetch": ["0", "1", "2"]}, "b": {"url": "z"}}, "core": {"bare": false}}"#,
        "[remote \"a\"]\n\turl = x\n\tfetch = 0\n\tfetch = 1\n\tfetch = 2\n[remote \"b\"]\n\turl = z\n[core]\n\tbare = false\n",
    );
    update(
        Format::GitConfig,
        "[a]\n\tk = 1\n\tk = 2\n\tl = 3\n",
        r#"{"a": {"k": "2", "l": ["3", "4"]}}"#,
        "[a]\n\tk = 2\n\tl = 3\n\tl = 4\n",
    );
    update(
        Format::GitConfig,
        "[a]\n\tk = 1\n\tk = 2\n\tk = 3\n",
        r#"{"a": {"k": ["1", "x", "y", "3"]}}"#,
        "[a]\n\tk = 1\n\tk = x\n\tk = y\n\tk = 3\n",
    );
    update(Format::GitConfig, "[a \"b\"]\n\tk = 1\n[a]\n\tl = 1\n", r#"{"a": "x"}"#, "a = x\n");
    update(
        Format::SshConfig,
        "Host *\n  Port 1\n",
        r#"{"Host *": {"port": 1}, "Host a": {"User": "x"}}"#,
        "Host a\n  User x\n\nHost *\n  port 1\n",
    );
    update(Format::Hosts, "::1 a  b # c\n", r#"{"::1": "a b", "1.1.1.1": "x y"}"#, "::1 a  b # c\n1.1.1.1 x y\n");
    update(Format::Hosts, "::1\ta  b # c\n", r#"{"::1": "a"}"#, "::1\ta # c\n");
    update(Format::Systemd, "[Unit]\nAfter=a\n", r#"{"Unit": {"After": ["a", "b"]}}"#, "[Unit]\nAfter=a\nAfter=b\n");
    update(Format::Properties, "a: 1\n", r#"{"a": "2", "b c": " x"}"#, "a: 2\nb\\ c: \\ x\n");
}

#[test]
fn rendered_anew() {
    let nested = r#"{"s": {"b": 1, "c": "x y"}, "a": true, "t": {}}"#;
    render(Format::Ini, nested, "a = true\n\n[s]\nb = 1\nc = x y\n\n[t]\n");
    render(Format::Systemd, nested, "a=true\n\n[s]\nb=1\nc=x y\n\n[t]\n");
    render(Format::Env, r#"{"A": 1, "B": "x y", "C": "$x"}"#, "A=1\nB=\"x y\"\nC='$x'\n");
    render(
        Format::GitConfig,
        r#"{"core": {"a": 1, "sub": {"b": "x"}}, "r": {"x y": {"u": ["1", "2"]}}}"#,
        "[core]\n\ta = 1\n[core \"sub\"]\n\tb = x\n[r \"x y\"]\n\tu = 1\n\tu = 2\n",
    );
    render(Format::SshConfig, r#"{"User": "u", "Host a": {"Port": 1}}"#, "User u\n\nHost a\n    Port 1\n");
    render(Format::Hosts, r#"{"::1": "a b"}"#, "::1 a b\n");
    render(Format::Properties, r#"{"a": 1, "b": ""}"#, "a=1\nb=\n");
}

#[test]
fn what_cannot_be_said_is_named() {
    cannot(Format::Env, "", r#"{"A": {"B": 1}}"#, "cannot say: env cannot say a map at `/A`");
    cannot(Format::Ini, "", r#"{"A": {"B": {"C": 1}}}"#, "cannot say: ini cannot say a map at `/A/B`");
    cannot(Format::Ini, "", r#"{"A": {"B": null}}"#, "cannot say: ini cannot say null at `/A/B`");
    cannot(Format::Ini, "", r#"{"A": ["x", "y"]}"#, "cannot say: ini cannot say a list at `/A`");
    cannot(Format::Ini, "", r#"{"A": {"B": "x\ny"}}"#, "cannot say: ini cannot say a line end at `/A/B`");
    cannot(Format::Ini, "", r#"{"A": {"B=": "x"}}"#, "cannot say: ini cannot say a key that holds `=` at `/A/B=`");
    cannot(Format::Ini, "", r#"{"A\n": {}}"#, "cannot say: ini cannot say a section of this name at `/A\n`");
    cannot(
        Format::GitConfig,
        "",
        r#"{"a": {"b": ["x"]}}"#,
        "cannot say: gitconfig cannot say a list of fewer than two at `/a/b`",
    );
    cannot(
        Format::GitConfig,
        "",
        r#"{"a": {"b": ["x", {}]}}"#,
        "cannot say: gitconfig cannot say a map in a list at `/a/b`",
    );
    cannot(
        Format::GitConfig,
        "",
        r#"{"a": {"b": "1", "B": "2"}}"#,
        "cannot say: gitconfig cannot say keys that differ only in upper and lower case at `/a/B`",
    );
    cannot(
        Format::SshConfig,
        "",
        r#"{"github.com": {}}"#,
        "cannot say: ssh_config cannot say a section of this name at `/github.com`",
    );
    cannot(Format::Env, "", "[]", "cannot say: env cannot say a list");
    update(Format::Ini, "[a]\nb\n", r#"{"a": {"b": null, "c": "1"}}"#, "[a]\nb\nc = 1\n");
}
