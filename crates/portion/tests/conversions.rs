//! What one file says arrives in another of another format, as an edit of what stands there.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use portion::{Format, Fragment, LensError, Mapping, Scheme, Value, get, insert, put};
use proptest::prelude::*;

/// A member: its scheme, file, expression and mapping.
struct Member<'a>(Scheme, &'a str, &'a str, &'a str);

/// The way that a change takes: what `from` shares, as a value, into what stands in `to`. The file afterwards.
fn carry(from: &Member, to: &Member) -> Result<String, LensError> {
    let (mapping, theirs): (Mapping, Mapping) = (from.3.parse().unwrap(), to.3.parse().unwrap());
    let value = mapping.value(&mapping.share(get(from.0, from.1.as_bytes(), from.2)?)?)?;
    let file = to.1.as_bytes();
    let written = match get(to.0, file, to.2) {
        Ok(own) => {
            let updated = theirs.update(&theirs.share(own.clone())?, &value)?;
            let whole = theirs.unshare(Some(&own), &updated)?;
            put(to.0, file, to.2, &whole)?.unwrap_or_else(|| file.to_vec())
        }
        Err(LensError::Missing { .. }) => {
            let format = to.0.lens().format_for(to.2, &value);
            insert(to.0, file, to.2, &theirs.render(format, &value)?)?
        }
        Err(other) => return Err(other),
    };
    Ok(String::from_utf8(written).unwrap())
}

fn check(from: &Member, to: &Member, expected: &str) {
    assert_eq!(carry(from, to).unwrap(), expected, "{} into {}", from.1, to.1);
    // Applying it again does nothing, and it means what was sent: carried back, nothing changes there either.
    let after = Member(to.0, expected, to.2, to.3);
    assert_eq!(carry(from, &after).unwrap(), expected, "twice");
    assert_eq!(carry(&after, from).unwrap(), from.1, "and back");
}

const CLAUDE: &str = r#"{
  "numStartups": 12,
  "mcpServers": {
    "github": {
      "type": "stdio",
      "command": "npx",
      "args": [
        "-y",
        "@modelcontextprotocol/server-github@2"
      ],
      "env": {
        "GITHUB_TOKEN": "x"
      },
      "timeout": 60000
    },
    "docs": {
      "type": "http",
      "url": "https://example.com/mcp",
      "headers": {
        "X-Key": "k"
      }
    }
  },
  "tipsHistory": {}
}
"#;

const CODEX: &str = r#"# my settings
model = "o3"

[mcp_servers.github]
command = "npx" # from node
args = ["-y", "@modelcontextprotocol/server-github"]
startup_timeout_sec = 20 # slow

[mcp_servers.github.env]
GITHUB_TOKEN = "x"

[mcp_servers.old]
command = "old"

[tui]
theme = "dark"
"#;

#[test]
fn claude_code_into_codex() {
    let claude = Member(Scheme::Json, CLAUDE, "/mcpServers", "mcp:claude");
    let codex = Member(Scheme::Toml, CODEX, "/mcp_servers", "mcp:codex");
    let written = carry(&claude, &codex).unwrap();
    expect_test::expect![[r#"
        # my settings
        model = "o3"

        [mcp_servers.github]
        command = "npx" # from node
        args = ["-y", "@modelcontextprotocol/server-github@2"]
        startup_timeout_sec = 20 # slow

        [mcp_servers.github.env]
        GITHUB_TOKEN = "x"

        [mcp_servers.docs]
        url = "https://example.com/mcp"

        [mcp_servers.docs.http_headers]
        X-Key = "k"

        [tui]
        theme = "dark"
    "#]]
    .assert_eq(&written);
    check(&claude, &codex, &written);
}

#[test]
fn codex_into_claude_code() {
    let claude = Member(Scheme::Json, CLAUDE, "/mcpServers", "mcp:claude");
    let codex = Member(Scheme::Toml, CODEX, "/mcp_servers", "mcp:codex");
    let written = carry(&codex, &claude).unwrap();
    expect_test::expect![[r#"
        {
          "numStartups": 12,
          "mcpServers": {
            "github": {
              "type": "stdio",
              "command": "npx",
              "args": [
                "-y",
                "@modelcontextprotocol/server-github"
              ],
              "env": {
                "GITHUB_TOKEN": "x"
              },
              "timeout": 60000
            },
            "old": {
              "type": "stdio",
              "command": "old"
            }
          },
          "tipsHistory": {}
        }
    "#]]
    .assert_eq(&written);
    check(&codex, &claude, &written);
}

#[test]
fn codex_gets_its_first_servers() {
    let claude = Member(Scheme::Json, CLAUDE, "/mcpServers", "mcp:claude");
    let codex = Member(Scheme::Toml, "model = \"o3\"\n", "/mcp_servers", "mcp:codex");
    let written = carry(&claude, &codex).unwrap();
    expect_test::expect![[r#"
        model = "o3"

        [mcp_servers.github]
        command = "npx"
        args = ["-y", "@modelcontextprotocol/server-github@2"]

        [mcp_servers.github.env]
        GITHUB_TOKEN = "x"

        [mcp_servers.docs]
        url = "https://example.com/mcp"

        [mcp_servers.docs.http_headers]
        X-Key = "k"
    "#]]
    .assert_eq(&written);
    check(&claude, &codex, &written);
}

#[test]
fn scalars_keep_the_kind_that_their_file_has() {
    let env = Member(Scheme::Env, "# app\nPORT=9090\nDEBUG=false\nNAME=web\n", "", "");
    let json = Member(Scheme::Json, "{\"env\": {\"PORT\": 8080, \"DEBUG\": true, \"NAME\": \"x\"}}\n", "/env", "");
    let toml = Member(Scheme::Toml, "[env]\nPORT = 8_080 # http\nDEBUG = true\nNAME = 'x'\n", "/env", "");
    check(&env, &json, "{\"env\": {\"PORT\": 9090, \"DEBUG\": false, \"NAME\": \"web\"}}\n");
    check(&json, &toml, "[env]\nPORT = 8_080 # http\nDEBUG = true\nNAME = 'x'\n");
    check(&env, &toml, "[env]\nPORT = 9090 # http\nDEBUG = false\nNAME = \"web\"\n");
    check(&json, &env, "# app\nPORT=8080\nDEBUG=true\nNAME=x\n");
}

#[test]
fn date_times_stay_date_times() {
    let toml = Member(Scheme::Toml, "[a]\nsince = 1979-05-27T07:32:00Z\n", "/a", "");
    let json = Member(Scheme::Json, "{\"a\": {\"since\": \"2001-01-01T00:00:00Z\"}}", "/a", "");
    check(&toml, &json, "{\"a\": {\"since\": \"1979-05-27T07:32:00Z\"}}");
    check(&json, &toml, "[a]\nsince = 2001-01-01T00:00:00Z\n");
}

#[test]
fn what_cannot_be_said_names_its_path() {
    let json = Member(Scheme::Json, r#"{"a": {"b": {"c": null}}}"#, "/a", "");
    for to in [
        Member(Scheme::Toml, "[a.b]\nc = 1\n", "/a", ""),
        Member(Scheme::Toml, "", "/a", ""),
        Member(Scheme::Ini, "[b]\nc = 1\n", "", ""),
    ] {
        match carry(&json, &to) {
            Err(LensError::CannotSay { path, .. }) => assert_eq!(path, "/b/c", "{}", to.1),
            other => panic!("{}: {other:?}", to.1),
        }
    }
}

#[test]
fn sections_of_ini_files_are_maps() {
    let ini = Member(Scheme::Ini, "[server]\n; the port\nport = 1\n", "/server", "");
    let json = Member(Scheme::Json, "{\n  \"server\": {\n    \"port\": 2,\n    \"host\": \"a\"\n  }\n}", "/server", "");
    check(&json, &ini, "[server]\n; the port\nport = 2\nhost = a\n");
    check(&ini, &json, "{\n  \"server\": {\n    \"port\": 1\n  }\n}");
}

/// Values that every format with nesting can say.
fn sayable() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(|n| Value::Number(portion::Number::new(n.to_string()))),
        "[ -~é]{0,8}".prop_map(Value::String),
        prop::sample::select(vec!["1", "true", "null", "1.50", "", " x", "#", "a: b", "2001-01-01"])
            .prop_map(|text| Value::String(text.to_owned())),
    ];
    let inner = leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Sequence),
            prop::collection::btree_map("[a-c]", inner, 0..4).prop_map(|map| Value::Map(map.into_iter().collect())),
        ]
    });
    prop::collection::btree_map("[a-c]{1,2}", inner, 0..4).prop_map(|map| Value::Map(map.into_iter().collect()))
}

/// Formats with nesting, numbers and lists.
const RICH: &[Format] = &[Format::Json, Format::Jsonc, Format::Toml];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// From any format into what stands in any other, and back into what stood there at first: nothing is lost or changed.
    #[test]
    fn there_and_back(first in sayable(), second in sayable(), a in 0..RICH.len(), b in 0..RICH.len()) {
        let (a, b) = (RICH[a], RICH[b]);
        let own = Fragment { format: a, text: a.render(&first).unwrap() };
        let standing = b.render(&second).unwrap();
        let sent = a.value(&own.text).unwrap();
        let arrived = b.update(&standing, &sent).unwrap();
        let read = b.value(&arrived).unwrap();
        prop_assert!(read.agrees(&sent), "{:?}\n{}", sent, String::from_utf8_lossy(&arrived));
        prop_assert_eq!(String::from_utf8(a.update(&own.text, &read).unwrap()).unwrap(), String::from_utf8(own.text).unwrap());
    }
}
