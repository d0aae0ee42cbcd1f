//! Mappings: the text form, the private keys, the translation, and the laws through it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use portion::{Format, Fragment, LensError, Mapping, Selector, Value};
use proptest::prelude::*;

fn mapping(text: &str) -> Mapping {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn json(text: &str) -> Fragment {
    Fragment { format: Format::Jsonc, text: text.as_bytes().to_vec() }
}

fn value(text: &str) -> Value {
    Format::Json.value(text.as_bytes()).unwrap()
}

fn text(fragment: &Fragment) -> String {
    String::from_utf8(fragment.text.clone()).unwrap()
}

/// `own` means `group`, and with `changed` in its place becomes `after`.
fn check(mapping_text: &str, own: &str, group: &str, changed: &str, after: &str) {
    let mapping = mapping(mapping_text);
    let own = json(own);
    let shared = mapping.share(own.clone()).unwrap();
    assert_eq!(mapping.value(&shared).unwrap(), value(group), "{mapping_text}: the value of {}", text(&own));
    let updated = mapping.update(&shared, &value(changed)).unwrap();
    let whole = mapping.unshare(Some(&own), &updated).unwrap();
    assert_eq!(text(&whole), after, "{mapping_text}: {changed} into {}", text(&own));
    assert_eq!(mapping.share(whole).unwrap(), updated);
}

#[test]
fn texts_are_canonical() {
    for (written, canonical) in [
        ("", ""),
        ("mcp:claude", "mcp:claude"),
        (" except  /*/timeout ;except /b;", "except /*/timeout; except /b"),
        ("map /*/headers = /*/http_headers", "map /*/headers=/*/http_headers"),
        ("default /*/type=\"stdio\" if command", "default /*/type=\"stdio\" if command"),
        ("default /a=[{ \"b\": [1, \";\"] }]", "default /a=[{\"b\":[1,\";\"]}]"),
        ("mcp:codex; except /local", "mcp:codex; except /local"),
        ("except \"/a b/c;d\"", "except \"/a b/c;d\""),
        ("except /~*/a~1b", "except /~*/a~1b"),
        ("only /a;only /b/*", "only /a; only /b/*"),
        ("key  id; except /*/a", "key id; except /*/a"),
        ("key \"the id\"", "key \"the id\""),
        ("default /a=1 if \"b c\"", "default /a=1 if \"b c\""),
        ("omit /*/a=[ ] if b", "omit /*/a=[] if b"),
        ("split /*/command = /*/args", "split /*/command=/*/args"),
    ] {
        let mapping = mapping(written);
        assert_eq!(mapping.to_string(), canonical);
        assert_eq!(canonical.parse::<Mapping>().unwrap(), mapping);
    }
    assert!(mapping("").is_identity());
    assert!(!mapping("except /a").is_identity());
    assert_eq!(mapping("mcp:claude").with("except /x").unwrap().to_string(), "mcp:claude; except /x");
}

#[test]
fn what_cannot_be_read_or_reversed_is_refused_when_made() {
    for (text, why) in [
        (
            "mcp:clade",
            "`mcp:clade` is no named mapping (did you mean `mcp:claude`?); there are mcp:claude, mcp:claude-desktop, mcp:codex, mcp:vscode, mcp:cursor, mcp:zed, mcp:gemini, mcp:windsurf, mcp:opencode, settings:vscode; `/server` behind one of `mcp:` is for one server",
        ),
        ("drop /a", "`drop` is no clause; there are except, only, map, default, omit, split, key, var"),
        ("except a", "`a` is no path: it starts with `/`, as in `/*/timeout`"),
        ("except", "a clause ends too early"),
        ("except /a~x", "`/a~x` is no path: a `~` in a key is written `~0`, a `/` in a key `~1`"),
        ("except /a /b", "expected `;` before `/b`"),
        ("map /a", "expected `=` before ``, as in `map /*/headers=/*/http_headers`"),
        ("map /a/b=/c/d", "`map /a/b=/c/d`: both paths must be the same but for the last key, which is no `*`"),
        ("map /a=/a", "`map /a=/a`: both paths must be the same but for the last key, which is no `*`"),
        ("map /*=/a", "`map /*=/a`: both paths must be the same but for the last key, which is no `*`"),
        ("map /a=/c; map /b=/c", "`map /b=/c` gives two keys one name in the group (`map /a=/c`)"),
        ("map /*/a=/*/c; map /x/b=/x/c", "`map /x/b=/x/c` gives two keys one name in the group (`map /*/a=/*/c`)"),
        ("map /a=/b; map /a=/c", "`map /a=/c` gives a key a second name in the group (`map /a=/b`)"),
        ("except /a; except /a", "`except /a` says the same again (`except /a`)"),
        (
            "default /a=1; default /a=2",
            "`default /a=2` is never asked: an earlier default has the key already (`default /a=1`)",
        ),
        (
            "default /a=1 if b; default /b=1",
            "`default /a=1 if b` asks for a key that is itself a default (`default /b=1`)",
        ),
        ("default /*=1", "`default /*`: the last key is no `*`"),
        ("default /a={\"b\": 1}", "`default /a`: a default is a scalar, a list or an empty map"),
        ("default /a=x", "`default /a`: the value is no JSON: line 1, column 1: expected a value, found `x`"),
        ("except /*/a; default /b/a=1", "`default /b/a=1` speaks of what is private"),
        ("only /a; map /b=/c", "`map /b=/c` speaks of what is private"),
        ("split /a", "expected `=` before ``, as in `split /*/command=/*/args`"),
        ("split /a=/b/c", "`split /a=/b/c`: both paths must be the same but for the last key, which is no `*`"),
        ("split /a=/b; map /a=/c", "`map /a=/c` gives a key a second meaning in the group (`split /a=/b`)"),
        ("map /x=/b; split /a=/b", "`split /a=/b` gives two keys one name in the group (`map /x=/b`)"),
        ("except /a; split /a=/b", "`split /a=/b` speaks of what is private"),
        ("key id; key name", "`key name` is a second key of the rows (`key id`)"),
        ("except /*/id; key id", "`except /*/id` speaks of the key by which rows are told apart"),
        ("key id; map /*/id=/*/ID", "`map /*/id=/*/ID` speaks of the key by which rows are told apart"),
        ("key", "a clause ends too early"),
        ("mcp:codex; map /*/cwd=/*/dir", "`map /*/cwd=/*/dir` speaks of what is private"),
    ] {
        assert_eq!(text.parse::<Mapping>().unwrap_err().0, why, "{text}");
    }
}

#[test]
fn private_keys_stay() {
    check(
        "except /*/timeout",
        "{\n  \"a\": {\n    \"x\": 1,\n    // slow\n    \"timeout\": 9\n  }\n}",
        r#"{"a": {"x": 1}}"#,
        r#"{"a": {"x": 2, "y": 3}}"#,
        "{\n  \"a\": {\n    \"x\": 2,\n    // slow\n    \"timeout\": 9,\n    \"y\": 3\n  }\n}",
    );
    // The entry is gone, and its private key with it; a private entry stays.
    check("except /*/timeout", r#"{"a": {"x": 1, "timeout": 9}}"#, r#"{"a": {"x": 1}}"#, "{}", "{}");
    check("except /mine", r#"{"a": 1, "mine": 2}"#, r#"{"a": 1}"#, r#"{"b": 3}"#, r#"{"mine": 2, "b": 3}"#);
    check(
        "only /a/*/b",
        r#"{"a": {"x": {"b": 1, "c": 2}}, "d": 3}"#,
        r#"{"a": {"x": {"b": 1}}}"#,
        r#"{"a": {"x": {"b": 4}}}"#,
        r#"{"a": {"x": {"b": 4, "c": 2}}, "d": 3}"#,
    );
    // Lists are taken as they are.
    check(
        "except /*/x",
        r#"{"a": [{"x": 1}]}"#,
        r#"{"a": [{"x": 1}]}"#,
        r#"{"a": [{"x": 2}]}"#,
        r#"{"a": [{"x": 2}]}"#,
    );
}

#[test]
fn comments_travel_beside_private_keys() {
    let mapping = mapping("except /local");
    let own = json("{\n  \"a\": 1,\n  \"local\": 2\n}");
    let shared = json("{\n  // from afar\n  \"a\": 1\n}");
    let whole = mapping.unshare(Some(&own), &shared).unwrap();
    assert_eq!(text(&whole), "{\n  // from afar\n  \"a\": 1,\n  \"local\": 2\n}");
    assert_eq!(mapping.share(whole).unwrap(), shared);
    assert_eq!(mapping.unshare(None, &shared).unwrap(), shared);
    let private = mapping.unshare(Some(&own), &json("{\"local\": 1}")).unwrap_err();
    assert_eq!(private.to_string(), "jsonc cannot say `local`, which is private to this file at `/local`");
}

#[test]
fn keys_are_renamed_and_defaults_left_out() {
    check(
        "map /*/a=/*/b",
        r#"{"x": {"a": 1, "c": 2}}"#,
        r#"{"x": {"b": 1, "c": 2}}"#,
        r#"{"x": {"b": 3}}"#,
        r#"{"x": {"a": 3}}"#,
    );
    // At once, so that two keys can change places.
    check("map /a=/b; map /b=/a", r#"{"a": 1, "b": 2}"#, r#"{"b": 1, "a": 2}"#, r#"{"b": 3}"#, r#"{"a": 3}"#);
    check(
        "map /a=/b; map /a/c=/a/d",
        r#"{"a": {"c": 1}}"#,
        r#"{"b": {"d": 1}}"#,
        r#"{"b": {"d": 2}}"#,
        r#"{"a": {"c": 2}}"#,
    );
    let default = "default /*/t=1 if c; default /*/t=2 if u";
    check(
        default,
        r#"{"x": {"t": 1, "c": 0}}"#,
        r#"{"x": {"c": 0}}"#,
        r#"{"x": {"c": 5}}"#,
        r#"{"x": {"t": 1, "c": 5}}"#,
    );
    // Left out before, left out after; a new entry gets it; another meaning gets its own.
    check(
        default,
        r#"{"x": {"c": 0}}"#,
        r#"{"x": {"c": 0}}"#,
        r#"{"x": {"c": 5}, "y": {"u": 6}}"#,
        r#"{"x": {"c": 5}, "y": {"t": 2, "u": 6}}"#,
    );
    check(default, r#"{"x": {"c": 0}}"#, r#"{"x": {"c": 0}}"#, r#"{"x": {"u": 5}}"#, r#"{"x": {"t": 2, "u": 5}}"#);
    check(
        default,
        r#"{"x": {"t": 2, "c": 0}}"#,
        r#"{"x": {"t": 2, "c": 0}}"#,
        r#"{"x": {"c": 0}}"#,
        r#"{"x": {"t": 1, "c": 0}}"#,
    );
    // Left out of the group, and not added to what is new.
    let omit = "omit /*/l=[]; omit /*/t=1 if u";
    check(
        omit,
        r#"{"x": {"l": [], "c": 0}}"#,
        r#"{"x": {"c": 0}}"#,
        r#"{"x": {"c": 5}, "y": {"c": 6}}"#,
        r#"{"x": {"l": [], "c": 5}, "y": {"c": 6}}"#,
    );
    check(
        omit,
        r#"{"x": {"t": 1, "u": 0}}"#,
        r#"{"x": {"u": 0}}"#,
        r#"{"x": {"u": 0, "l": [2]}}"#,
        r#"{"x": {"t": 1, "u": 0, "l": [2]}}"#,
    );
    // One list here, two keys there.
    check(
        "split /*/c=/*/a",
        r#"{"x": {"c": ["p", "-y"]}, "y": {"c": ["q"]}}"#,
        r#"{"x": {"c": "p", "a": ["-y"]}, "y": {"c": "q"}}"#,
        r#"{"x": {"c": "p", "a": ["-z", 1]}, "y": {"c": "r"}}"#,
        r#"{"x": {"c": ["p", "-z", 1]}, "y": {"c": ["r"]}}"#,
    );
    check("default /a=null", r#"{"a": null}"#, "{}", r#"{"a": 1}"#, r#"{"a": 1}"#);
}

#[test]
fn what_the_mapping_cannot_say_names_its_path() {
    for (clauses, own, group, expected) in [
        ("map /a=/b", "{}", r#"{"a": 1}"#, "jsonc cannot say `a`, which here is another key's name at `/a`"),
        ("default /a=1", "{}", r#"{"a": 1}"#, "jsonc cannot say this, which its mapping writes in another way at `/a`"),
        ("except /x/a", "{}", r#"{"x": {"a": 1}}"#, "jsonc cannot say `a`, which is private to this file at `/x/a`"),
        (
            "mcp:codex",
            "{}",
            r#"{"s": {"type": "sse", "url": "u"}}"#,
            "jsonc cannot say `type`, for which its mapping `mcp:codex` has no word (`--except '/s'` leaves that server out) at `/s/type`",
        ),
    ] {
        let error = mapping(clauses).update(&json(own), &value(group)).unwrap_err();
        assert_eq!(error.to_string(), expected, "{clauses}");
    }
    let twice = mapping("map /a=/b").value(&json(r#"{"a": 1, "b": 2}"#)).unwrap_err();
    assert!(matches!(twice, LensError::CannotSay { .. }), "{twice}");
}

#[test]
fn claude_code_and_codex_say_the_same() {
    let claude = "{\n  \"github\": {\n    \"type\": \"stdio\",\n    \"command\": \"npx\",\n    \"args\": [\n      \"-y\",\n      \"server\"\n    ],\n    \"env\": {\n      \"TOKEN\": \"x\"\n    },\n    \"timeout\": 5000\n  },\n  \"docs\": {\n    \"type\": \"http\",\n    \"url\": \"https://a/mcp\",\n    \"headers\": {\n      \"X\": \"1\"\n    }\n  }\n}";
    let group = r#"{"github": {"command": "npx", "args": ["-y", "server"], "env": {"TOKEN": "x"}}, "docs": {"url": "https://a/mcp", "headers": {"X": "1"}}}"#;
    let mapping_claude = mapping("mcp:claude");
    let shared = mapping_claude.share(json(claude)).unwrap();
    assert_eq!(mapping_claude.value(&shared).unwrap(), value(group));
    // In JSON here, since this test is about the words, not about TOML.
    let codex = mapping("mcp:codex").render(Format::Json, &value(group)).unwrap();
    let expected = r#"{"github": {"command": "npx", "args": ["-y", "server"], "env": {"TOKEN": "x"}}, "docs": {"url": "https://a/mcp", "http_headers": {"X": "1"}}}"#;
    assert_eq!(Format::Json.value(&codex.text).unwrap(), value(expected));
    // What Codex adds arrives in Claude Code with its type, and what Claude Code keeps to itself stays.
    let more = r#"{"github": {"command": "npx", "args": ["-y", "server"], "env": {"TOKEN": "y"}}, "new": {"url": "https://b/mcp"}}"#;
    let updated = mapping_claude.update(&shared, &value(more)).unwrap();
    let whole = mapping_claude.unshare(Some(&json(claude)), &updated).unwrap();
    assert_eq!(
        text(&whole),
        "{\n  \"github\": {\n    \"type\": \"stdio\",\n    \"command\": \"npx\",\n    \"args\": [\n      \"-y\",\n      \"server\"\n    ],\n    \"env\": {\n      \"TOKEN\": \"y\"\n    },\n    \"timeout\": 5000\n  },\n  \"new\": {\n    \"type\": \"http\",\n    \"url\": \"https://b/mcp\"\n  }\n}"
    );
}

#[test]
fn known_files_are_recognised() {
    for (path, selector, expected) in [
        ("~/.claude.json", "/mcpServers", Some("mcp:claude")),
        ("/home/a/.claude.json", "/projects/~1home~1a~1x/mcpServers", Some("mcp:claude")),
        ("/x/.mcp.json", "json:/mcpServers", Some("mcp:claude")),
        ("~/.codex/config.toml", "/mcp_servers", Some("mcp:codex")),
        ("C:\\Users\\a\\.codex\\config.toml", "/mcp_servers", Some("mcp:codex")),
        ("~/.claude.json", "/mcpServers/git", Some("mcp:claude/server")),
        ("~/.claude.json", "/projects/~1x/mcpServers/a~1b", Some("mcp:claude/server")),
        ("~/.codex/config.toml", "toml:/mcp_servers/git", Some("mcp:codex/server")),
        ("/x/opencode.json", "/mcp/git", Some("mcp:opencode/server")),
        ("/x/opencode.json", "/mcp/servers", Some("mcp:opencode")),
        ("/x/opencode.json", "/mcp/servers/git", Some("mcp:opencode/server")),
        ("~/.claude.json", "/mcpServers/git/env", None),
        ("~/.claude.json", "/mcpServers/", None),
        ("~/.config/Code/User/settings.json", "/http.proxy", None),
        ("~/.claude.json", "/projects", None),
        ("~/my.claude.json", "/mcpServers", None),
        ("~/config.toml", "/mcp_servers", None),
    ] {
        let selector: Selector = selector.parse().unwrap();
        let proposed = Mapping::proposed(path, &selector).map(|mapping| mapping.to_string());
        assert_eq!(proposed.as_deref(), expected, "{path}#{selector}");
    }
    assert_eq!(Selector::usual("~/.claude.json").unwrap().to_string(), "/mcpServers");
    assert_eq!(Selector::usual("/h/.codex/config.toml").unwrap().to_string(), "/mcp_servers");
    assert_eq!(Selector::usual("a.json"), None);
}

#[test]
fn only_servers_are_taken_one_by_one() {
    for text in
        ["settings:vscode/server", "mcp:clade/server", "mcp:claude/server/server", "mcp:claude/", "mcp:claude/tool"]
    {
        assert!(text.parse::<Mapping>().is_err(), "{text}");
    }
    let text = "mcp:claude/server; except /timeout";
    assert_eq!(mapping(text).to_string(), text);
}

/// Values in which the mappings below find something to do.
fn entries() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(value("1")),
        Just(value("\"s\"")),
        Just(value("true")),
        Just(value("[{\"a\": 1}, 2]")),
        Just(value("[\"s\", 1]")),
        Just(value("[\"s\"]")),
        Just(value("null")),
    ];
    let keys = "[a-d]";
    let map = |inner: BoxedStrategy<Value>| {
        prop::collection::btree_map(keys, inner, 0..5).prop_map(|map| Value::Map(map.into_iter().collect())).boxed()
    };
    let inner = map(leaf.clone().boxed());
    map(prop_oneof![1 => leaf, 3 => inner].boxed())
}

fn any_mapping() -> impl Strategy<Value = Mapping> {
    let clauses = prop::sample::subsequence(
        vec![
            "except /*/a",
            "except /b",
            "except /c/*",
            "only /a",
            "only /*/b",
            "only /*/*",
            "map /*/b=/*/c",
            "map /*/c=/*/b",
            "map /a=/z",
            "map /d/b=/d/y",
            "default /*/b=1",
            "default /*/c=\"s\" if d",
            "default /*/c=1 if a",
            "default /d=true",
            "default /b=[1] if a",
            "default /b={}",
            "omit /*/b=\"s\"",
            "omit /*/d=true if a",
            "omit /c={}",
            "split /*/a=/*/rest",
            "split /d=/others",
        ],
        0..6,
    );
    clauses.prop_filter_map("cannot be reversed", |clauses| clauses.join("; ").parse().ok())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_laws_hold_through_a_mapping(mapping in any_mapping(), own in entries(), other in entries(), from in entries()) {
        let render = |value: &Value| Fragment { format: Format::Json, text: Format::Json.render(value).unwrap() };
        let (own, other) = (render(&own), render(&other));
        let shared = mapping.share(own.clone()).unwrap();
        prop_assert_eq!(&mapping.share(shared.clone()).unwrap(), &shared, "sharing twice");
        // GetPut.
        prop_assert_eq!(&mapping.unshare(Some(&own), &shared).unwrap(), &own);
        if let Ok(group) = mapping.value(&shared) {
            prop_assert_eq!(text(&mapping.update(&shared, &group).unwrap()), text(&shared));
        }
        // PutGet, by text: what another member with this mapping shares.
        let theirs = mapping.share(other).unwrap();
        if let Ok(whole) = mapping.unshare(Some(&own), &theirs) {
            prop_assert_eq!(&mapping.share(whole).unwrap(), &theirs);
        } else {
            prop_assert!(false, "{} beside {}", text(&theirs), text(&own));
        }
        // PutGet, by value: of a member with this mapping, and any value.
        for group in mapping.value(&theirs).into_iter().chain([from]) {
            match mapping.update(&shared, &group) {
                Ok(updated) => {
                    prop_assert!(mapping.value(&updated).unwrap().agrees(&group));
                    let whole = mapping.unshare(Some(&own), &updated).unwrap();
                    prop_assert_eq!(mapping.share(whole).unwrap(), updated);
                    let rendered = mapping.render(Format::Json, &group).unwrap();
                    prop_assert!(mapping.value(&rendered).unwrap().agrees(&group));
                }
                Err(error) => prop_assert!(matches!(error, LensError::CannotSay { .. }), "{}", error),
            }
        }
    }

    #[test]
    fn any_text_is_a_mapping_or_an_error(text in "(except|only|map|default|omit|split|mcp:claude| |;|/|\\*|=|\"|[a-z~1]|é){0,12}") {
        if let Ok(mapping) = text.parse::<Mapping>() {
            prop_assert_eq!(mapping.to_string().parse::<Mapping>().unwrap(), mapping);
        }
    }
}

/// What stands directly above a private key may tell about it, and is not shared; and a comment that stays when its key goes does
/// not become the private key's.
#[test]
fn comments_above_private_keys_stay_here() {
    let mapping = mapping("except /p");
    for (format, own, shared, without, after) in [
        (
            Format::Jsonc,
            "{\n  // x\n  \"x\": 1,\n  // secret\n  \"p\": 2\n}",
            "{\n  // x\n  \"x\": 1\n}",
            "{\n  // x\n}",
            "{\n  // x\n\n  // secret\n  \"p\": 2\n}",
        ),
        (
            Format::Jsonc,
            "{\n  // x\n  \"x\": 1,\n  \"p\": 2\n}",
            "{\n  // x\n  \"x\": 1\n}",
            "{\n  // x\n}",
            "{\n  // x\n\n  \"p\": 2\n}",
        ),
        (Format::Toml, "# x\nx = 1\n# secret\np = 2\n", "# x\nx = 1\n", "# x\n", "# x\n\n# secret\np = 2\n"),
        (
            Format::Toml,
            "x = 1\n\n# secret\n[p]\ny = 1\n\n[q]\n",
            "x = 1\n\n[q]\n",
            "[q]\n",
            "# secret\n[p]\ny = 1\n\n[q]\n",
        ),
        (
            Format::Yaml,
            "# x\nx: 1\n# secret\np: 2\ny: 3\n",
            "# x\nx: 1\ny: 3\n",
            "# x\n\ny: 3\n",
            "# x\n\n# secret\np: 2\ny: 3\n",
        ),
    ] {
        let own = Fragment { format, text: own.as_bytes().to_vec() };
        let told = mapping.share(own.clone()).unwrap();
        assert_eq!(text(&told), shared);
        let Value::Map(mut members) = mapping.value(&told).unwrap() else { panic!("no map") };
        members.retain(|(key, _)| key != "x");
        let changed = mapping.update(&told, &Value::Map(members)).unwrap();
        assert_eq!(text(&changed), without);
        let whole = mapping.unshare(Some(&own), &changed).unwrap();
        assert_eq!(text(&whole), after);
        assert_eq!(mapping.share(whole).unwrap(), changed);
    }
}
