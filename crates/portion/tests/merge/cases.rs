//! Cases of the merge of fragments: format, base, ours, theirs, and the merged text or what clashes.

use portion::{Format, Fragment, LensError, Mapping, Merged, Side, merge};

use super::{fragment, listed, plain, string, told};

fn clean(format: Format, base: &str, ours: &str, theirs: &str, expected: &str) {
    assert_eq!(
        told(format, base, ours, theirs).as_deref(),
        Ok(expected),
        "{format}\n{base}\n---\n{ours}\n---\n{theirs}"
    );
    // The other way about it is clean, too, and means the same.
    let turned = told(format, base, theirs, ours).unwrap();
    let value = |text: &str| format.value(text.as_bytes()).unwrap();
    assert_eq!(value(&turned), value(expected), "turned: {turned}");
}

fn clash(format: Format, base: &str, ours: &str, theirs: &str, expected: &str) {
    assert_eq!(
        told(format, base, ours, theirs),
        Err(expected.to_owned()),
        "{format}\n{base}\n---\n{ours}\n---\n{theirs}"
    );
    assert!(told(format, base, theirs, ours).is_err());
}

#[test]
fn text() {
    let clean = |base, ours, theirs, expected| clean(Format::Text, base, ours, theirs, expected);
    let clash = |base, ours, theirs, expected| clash(Format::Text, base, ours, theirs, expected);
    clean("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n", "A\nb\nC\n");
    clean("a\nb\nc\n", "a\nb\n", "A\nb\nc\n", "A\nb\n");
    clean("a\nb\nc\n", "x\na\nb\nc\n", "a\nb\nc\ny\n", "x\na\nb\nc\ny\n");
    clean("", "a\n", "a\n", "a\n");
    // Neighbours wait, as with git: one line may explain the next.
    clash("a\nb\n", "A\nb\n", "a\nB\n", "lines 1 to 2 in ours, lines 1 to 2 in theirs: changed on both sides");
    clash("a\n", "a\nx\n", "a\ny\n", "line 2 in ours, line 2 in theirs: put at the same place on both sides");
    clash(
        "a\nb\nc\n",
        "a\nc\n",
        "a\nB\nc\n",
        "before line 2 in ours, line 2 in theirs: removed in ours, changed in theirs",
    );
    clash(
        "a\nb\nc\n",
        "a\nB\nc\n",
        "a\nc\n",
        "line 2 in ours, before line 2 in theirs: changed in ours, removed in theirs",
    );
    // A line that moved here and was edited there.
    clash(
        "a\nb\nc\nd\ne\n",
        "b\nc\nd\na\ne\n",
        "A\nb\nc\nd\ne\n",
        "before line 1 in ours, line 1 in theirs: removed in ours, changed in theirs",
    );
}

#[test]
fn a_missing_last_line_end_glues_nothing() {
    let clean = |base, ours, theirs, expected| clean(Format::Text, base, ours, theirs, expected);
    clean("a\nb\nc", "A\nb\nc", "a\nb\nc", "A\nb\nc");
    clean("a\nb\nc", "A\nb\nc", "a\nb\nc\n", "A\nb\nc\n");
    clean("a\nb\nc\n", "A\nb\nc", "a\nb\nc\n", "A\nb\nc");
    clean("a\nb\nc", "A\nb\nc", "a\nb\nc\nd", "A\nb\nc\nd");
    clean("a\nb\nc", "A\nb\nc", "a\nb\nc\nd\n", "A\nb\nc\nd\n");
    // One adds the line end, the other a line.
    clean("a\nb", "a\nb\n", "a\nb\nc", "a\nb\nc\n");
    clean("a", "a", "", "");
}

#[test]
fn line_ends_are_the_files_own() {
    clean(Format::Text, "a\nb\nc\n", "A\r\nb\r\nc\r\n", "a\nb\nC\n", "A\nb\nC\n");
    clean(
        Format::Json,
        "{\n  \"a\": 1\n}",
        "{\r\n  \"a\": 1,\r\n  \"b\": 2\r\n}",
        "{\n  \"a\": 1\n}",
        "{\n  \"a\": 1,\n  \"b\": 2\n}",
    );
}

#[test]
fn bytes() {
    let told = |base: &[u8], ours: &[u8], theirs: &[u8]| {
        let fragment = |text: &[u8]| Fragment { format: Format::Bytes, text: text.to_vec() };
        match plain(&fragment(base), &fragment(ours), &fragment(theirs)).unwrap() {
            Merged::Clean(merged) => Ok(merged.text),
            Merged::Conflict(clashes) => Err(listed(&clashes)),
        }
    };
    assert_eq!(told(b"\xff\nb\nc\n", b"\xfe\nb\nc\n", b"\xff\nb\nC\n"), Ok(b"\xfe\nb\nC\n".to_vec()));
    // Where a NUL is, lines mean nothing.
    assert_eq!(told(b"\0\nb\nc\n", b"x\nb\nc\n", b"\0\nb\nc\n"), Ok(b"x\nb\nc\n".to_vec()));
    assert_eq!(told(b"\0\nb\nc\n", b"x\nb\nc\n", b"\0\nb\nC\n"), Err("the whole: changed on both sides".to_owned()));
}

#[test]
fn markdown() {
    let base = "# Guide\n\nOne.\n\n## A\n\nText.\n\n## B\n\nMore.\n";
    clean(
        Format::Markdown,
        base,
        "# Guide\n\nOne!\n\n## A\n\nText.\n\n## B\n\nMore.\n",
        "# Guide\n\nOne.\n\n## A\n\nText.\n\n## B\n\nMore.\n\n## C\n\nNew.\n",
        "# Guide\n\nOne!\n\n## A\n\nText.\n\n## B\n\nMore.\n\n## C\n\nNew.\n",
    );
    clash(
        Format::Markdown,
        base,
        "# Guide\n\nOne!\n\n## A\n\nText.\n\n## B\n\nMore.\n",
        "# Guide\n\nOne?\n\n## A\n\nText.\n\n## B\n\nMore.\n",
        "line 3 in ours, line 3 in theirs: changed on both sides",
    );
    // One opens a fence that hides a heading, the other closes an older one: together they are two sections.
    clash(
        Format::Markdown,
        "# G\n\na\n\n```\n# x\n```\n\nb\n",
        "# G\n\na\n\n# x\n```\n\nb\n",
        "# G\n\na\n\n```\n# x\n```\n\nB\n",
        "the whole: the merged content cannot be written",
    );
}

#[test]
fn comments_survive() {
    // On different lines, both.
    clean(
        Format::Toml,
        "a = 1\nb = 1\nc = 1\n",
        "# ours\na = 1\nb = 1\nc = 1\n",
        "a = 1\nb = 1\nc = 1 # theirs\n",
        "# ours\na = 1\nb = 1\nc = 1 # theirs\n",
    );
    // Beside each other: the values decide, and what merges by lines stays.
    clean(
        Format::Toml,
        "a = 1\nb = 1\nc = 1\nd = 1\n",
        "a = 2 # two\nb = 1\nc = 1\nd = 1\n",
        "a = 1\nb = 3\nc = 1\nd = 1 # last\n",
        "a = 2 # two\nb = 3\nc = 1\nd = 1 # last\n",
    );
    // Theirs only commented, on the line that ours edited: their comment, our value.
    clean(Format::Toml, "a = 1 # old\n", "a = 2 # old\n", "a = 1 # new\n", "a = 2 # new\n");
    clean(Format::Toml, "a = 1 # old\n", "a = 1 # new\n", "a = 2 # old\n", "a = 2 # new\n");
    clean(Format::Yaml, "a: 1 # old\n", "a: 2 # old\n", "a: 1 # new\n", "a: 2 # new\n");
    // Two comments on one line: ours stays in the text.
    clean(Format::Toml, "a = 1\n", "a = 1 # ours\n", "a = 1 # theirs\n", "a = 1 # ours\n");
    clean(Format::Ini, "; c\na = 1\n", "; ours\na = 1\n", "; theirs\na = 1\n", "; ours\na = 1\n");
}

#[test]
fn keys_next_to_each_other() {
    clean(
        Format::Json,
        "{\n  \"a\": 1,\n  \"b\": 1\n}",
        "{\n  \"a\": 2,\n  \"b\": 1\n}",
        "{\n  \"a\": 1,\n  \"b\": 3\n}",
        "{\n  \"a\": 2,\n  \"b\": 3\n}",
    );
    // Added at the same place.
    clean(
        Format::Json,
        "{\n  \"a\": 1\n}",
        "{\n  \"a\": 1,\n  \"b\": 2\n}",
        "{\n  \"a\": 1,\n  \"c\": 3\n}",
        "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}",
    );
    clean(Format::Env, "A=1\n", "A=1\nB=2\n", "A=1\nC=3\n", "A=1\nB=2\nC=3\n");
    clean(
        Format::Ini,
        "[a]\nx = 1\n",
        "[a]\nx = 1\ny = 2\n",
        "[a]\nx = 1\n\n[b]\nz = 1\n",
        "[a]\nx = 1\ny = 2\n\n[b]\nz = 1\n",
    );
    clean(Format::Yaml, "a: 1\nb: 1\n", "a: 2\nb: 1\n", "a: 1\nb: 3\nc: 4\n", "a: 2\nb: 3\nc: 4\n");
    // The same key at two places of the text is one key.
    clean(
        Format::Toml,
        "a = 1\n\n\nb = 1\n",
        "new = 1\na = 1\n\n\nb = 1\n",
        "a = 1\n\n\nb = 1\nnew = 1\n",
        "new = 1\na = 1\n\n\nb = 1\n",
    );
    clash(
        Format::Toml,
        "a = 1\n\n\nb = 1\n",
        "new = 1\na = 1\n\n\nb = 1\n",
        "a = 1\n\n\nb = 1\nnew = 2\n",
        "`/new`: added on both sides",
    );
    // Lines that merge and mean something else.
    clash(
        Format::Json,
        "{\n  \"a\": [\n    1,\n\n    2\n  ]\n}",
        "{\n  \"a\": [\n    9,\n    1,\n\n    2\n  ]\n}",
        "{\n  \"a\": [\n    1,\n\n    2,\n    9\n  ]\n}",
        "`/a`: moved on one side, and moved, changed or removed on the other",
    );
}

#[test]
fn kinds_of_scalars_are_kept() {
    // Lines clash here; that a number became text is not lost.
    clean(Format::Json, r#"{"a": 1, "b": 1}"#, r#"{"a": 2, "b": 1}"#, r#"{"a": 1, "b": "1"}"#, r#"{"a": 2, "b": "1"}"#);
    clean(Format::Json, r#"{"a": 1, "b": "1"}"#, r#"{"a": 2, "b": "1"}"#, r#"{"a": 1, "b": 1}"#, r#"{"a": 2, "b": 1}"#);
    clean(
        Format::Toml,
        "a = 1\nb = \"2001-01-01\"\n",
        "a = 2\nb = \"2001-01-01\"\n",
        "a = 1\nb = 2001-01-01\n",
        "a = 2\nb = 2001-01-01\n",
    );
}

#[test]
fn kinds_of_scalars_changed_on_both_sides() {
    for format in [Format::Json, Format::Yaml] {
        clean(
            format,
            r#"{"a": 1, "b": 1}"#,
            r#"{"a": "1", "b": 1}"#,
            r#"{"a": 1, "b": "1"}"#,
            r#"{"a": "1", "b": "1"}"#,
        );
        clean(
            format,
            r#"{"a": "1", "b": "1"}"#,
            r#"{"a": 1, "b": "1"}"#,
            r#"{"a": "1", "b": 1}"#,
            r#"{"a": 1, "b": 1}"#,
        );
        clean(
            format,
            r#"{"a": ["true", "true"], "b": 1}"#,
            r#"{"a": [true, "true"], "b": 1}"#,
            r#"{"a": ["true", true], "b": "1"}"#,
            r#"{"a": [true, true], "b": "1"}"#,
        );
    }
    clean(
        Format::Toml,
        "a = \"2001-01-01\"\nb = 1979-05-27\n",
        "a = 2001-01-01\nb = 1979-05-27\n",
        "a = \"2001-01-01\"\nb = \"1979-05-27\"\n",
        "a = 2001-01-01\nb = \"1979-05-27\"\n",
    );
}

struct Content<'a>(Format, &'a str, &'a str);

fn across(base: Content, ours: Content, theirs: Content) -> Result<String, String> {
    let contents = [base, ours, theirs].map(|content| {
        let mapping: Mapping = content.2.parse().unwrap();
        (mapping.share(fragment(content.0, content.1)).unwrap(), mapping)
    });
    let [base, ours, theirs] = &contents;
    let side = |content: &'_ (Fragment, Mapping)| -> Side<'_> {
        // The lifetimes of both parts are those of the table above.
        let (fragment, mapping) = content;
        Side { fragment: Box::leak(Box::new(fragment.clone())), mapping: Box::leak(Box::new(mapping.clone())) }
    };
    match merge(side(base), side(ours), side(theirs)) {
        Ok(Merged::Clean(merged)) => Ok(string(&merged.text)),
        Ok(Merged::Conflict(clashes)) => Err(listed(&clashes)),
        Err(error) => Err(error.to_string()),
    }
}

const CLAUDE: &str = "{\n  \"github\": {\n    \"type\": \"stdio\",\n    \"command\": \"npx\",\n    \"args\": [\"-y\", \"server\"]\n  },\n  \"docs\": {\n    \"type\": \"http\",\n    \"url\": \"https://a/mcp\",\n    \"headers\": {\"X\": \"1\"}\n  }\n}";
const CODEX: &str = "[github]\ncommand = \"npx\" # from node\nargs = [\"-y\", \"server\"]\n\n[docs]\nurl = \"https://a/mcp\"\nhttp_headers = { X = \"1\" }\n";

#[test]
fn mcp_servers_of_two_programs() {
    let claude = |text| Content(Format::Json, text, "mcp:claude");
    let codex = |text| Content(Format::Toml, text, "mcp:codex");
    // Claude Code changed an argument, Codex a header, and each added a server.
    let in_claude = CLAUDE
        .replace("\"server\"]", "\"server@2\"]")
        .replace("\n}", ",\n  \"mine\": {\n    \"type\": \"stdio\",\n    \"command\": \"a\"\n  }\n}");
    let in_codex = format!("{}\n[yours]\nurl = \"https://b/mcp\"\n", CODEX.replace("X = \"1\"", "X = \"2\""));
    let merged = across(claude(CLAUDE), codex(&in_codex), claude(&in_claude)).unwrap();
    expect_test::expect![[r#"
        [github]
        command = "npx" # from node
        args = ["-y", "server@2"]

        [docs]
        url = "https://a/mcp"
        http_headers = { X = "2" }

        [yours]
        url = "https://b/mcp"

        [mine]
        command = "a"
    "#]]
    .assert_eq(&merged);
    let merged = across(claude(CLAUDE), claude(&in_claude), codex(&in_codex)).unwrap();
    expect_test::expect![[r#"
        {
          "github": {
            "type": "stdio",
            "command": "npx",
            "args": ["-y", "server@2"]
          },
          "docs": {
            "type": "http",
            "url": "https://a/mcp",
            "headers": {"X": "2"}
          },
          "mine": {
            "type": "stdio",
            "command": "a"
          },
          "yours": {
            "type": "http",
            "url": "https://b/mcp"
          }
        }"#]]
    .assert_eq(&merged);
    // The same edit is one edit.
    let here = CLAUDE.replace("https://a/mcp", "https://c/mcp");
    let there = CODEX.replace("https://a/mcp", "https://c/mcp");
    assert_eq!(across(claude(CLAUDE), claude(&here), codex(&there)), Ok(here.clone()));
    // Two edits of one address wait, in the group's words.
    let there = CODEX.replace("X = \"1\"", "X = \"9\"");
    let here = CLAUDE.replace("\"X\": \"1\"", "\"X\": \"3\"");
    assert_eq!(
        across(claude(CLAUDE), claude(&here), codex(&there)),
        Err("`/docs/headers/X`: changed on both sides".to_owned())
    );
}

#[test]
fn formats_that_know_fewer_kinds() {
    let json = |text| Content(Format::Json, text, "");
    let env = |text| Content(Format::Env, text, "");
    let toml = |text| Content(Format::Toml, text, "");
    // Text in one, a number in the other: no change.
    assert_eq!(
        across(json(r#"{"A": 1, "B": true}"#), json(r#"{"A": 2, "B": true}"#), env("A=1\nB=false\n")),
        Ok(r#"{"A": 2, "B": false}"#.to_owned())
    );
    assert_eq!(
        across(json(r#"{"A": 1, "B": true}"#), env("# c\nA=1\nB=false\n"), json(r#"{"A": 2, "B": true}"#)),
        Ok("# c\nA=2\nB=false\n".to_owned())
    );
    // A number that became text is a change where both know numbers; a date-time that the other has as text is none.
    assert_eq!(
        across(
            json(r#"{"a": 1, "b": [2], "t": "2026-11-30"}"#),
            json(r#"{"a": 3, "b": [2], "t": "2026-11-30"}"#),
            toml("a = 1\nb = [\"2\"]\nt = 2026-11-30\n")
        ),
        Ok(r#"{"a": 3, "b": ["2"], "t": "2026-11-30"}"#.to_owned())
    );
    assert_eq!(
        across(
            json(r#"{"a": 1, "b": [2], "t": "2026-11-30"}"#),
            toml("a = \"1\" # one\nb = [2]\nt = 2026-11-30\n"),
            json(r#"{"a": 1, "b": ["2"], "t": "2026-11-30"}"#)
        ),
        Ok("a = \"1\" # one\nb = [\"2\"]\nt = 2026-11-30\n".to_owned())
    );
    // What ours cannot say is an error that names the path; the other way about it merges.
    assert_eq!(
        across(toml("a = 1\nb = 1\n"), toml("a = 2\nb = 1\n"), json(r#"{"a": 1, "b": null}"#)),
        Err("toml cannot say null at `/b`".to_owned())
    );
    assert_eq!(
        across(toml("a = 1\nb = 1\n"), json(r#"{"a": 1, "b": null}"#), toml("a = 2\nb = 1\n")),
        Ok(r#"{"a": 2, "b": null}"#.to_owned())
    );
}

#[test]
fn what_only_both_together_cannot_say() {
    // In a git configuration upper and lower case are one.
    clash(
        Format::GitConfig,
        "[a]\n\tx = 1\n",
        "[a]\n\tx = 1\n\tnew = 1\n",
        "[a]\n\tx = 1\n\tNEW = 2\n",
        "the whole: the merged content cannot be written",
    );
    clash(Format::Ini, "x = 1\n", "x = 1\n\n[new]\ny = 1\n", "x = 1\nnew = 2\n", "`/new`: added on both sides");
    // A value that YAML's tags say is no value that another text could say.
    clash(
        Format::Yaml,
        "a: !x 1\nb: !y 1\n",
        "a: !x 2\nb: !y 1\n",
        "a: !x 1\nb: !y 2\n",
        "the whole: the merged content cannot be written",
    );
    // What stands beside it is.
    clean(Format::Yaml, "a: !x 1\nb: 1\n", "a: !x 1\nb: 2\n", "a: !x 1\nb: 1\nc: 1\n", "a: !x 1\nb: 2\nc: 1\n");
}

#[test]
fn what_does_not_parse_is_an_error() {
    let one = fragment(Format::Json, "{}");
    let broken = fragment(Format::Json, "{");
    for (base, ours, theirs) in [(&broken, &one, &one), (&one, &broken, &one), (&one, &one, &broken)] {
        assert!(matches!(plain(base, ours, theirs), Err(LensError::Unparsable { .. })));
    }
}

#[test]
fn as_deep_as_is_allowed() {
    for (open, close, path) in [("[", "]", "/0"), ("{\"a\":", "}", "/a"), ("[{\"id\":1,\"a\":", "}]", "/0/a")] {
        let depth = portion::MAX_DEPTH / path.matches('/').count();
        let deep = |value: u8| format!("{}{value}{}", open.repeat(depth), close.repeat(depth));
        clean(Format::Json, &deep(1), &deep(2), &deep(1), &deep(2));
        let expected = format!("`{}`: changed on both sides", path.repeat(depth));
        clash(Format::Json, &deep(1), &deep(2), &deep(3), &expected);
    }
    // What lies deep is looked at once, and not once for each list that it lies in.
    let depth = portion::MAX_DEPTH - 1;
    let items = |last: u8| (0..5000).map(|item| format!("{item},")).collect::<String>() + &last.to_string();
    let wide = |last: u8| format!("{}[{}]{}", "[".repeat(depth), items(last), "]".repeat(depth));
    clean(Format::Json, &wide(1), &wide(2), &wide(1), &wide(2));
}

#[test]
fn more_lines_than_are_compared() {
    let many = |first: &str, last: &str| format!("{first}\n{}{last}\n", "x\n".repeat(1 << 20));
    let [base, ours, theirs] = [many("a", "z"), many("A", "z"), many("a", "Z")];
    // Text waits as a whole; what has values merges by them.
    assert_eq!(
        told(Format::Text, &base, &ours, &theirs).unwrap_err(),
        "the whole: the merged content cannot be written"
    );
    let many = |a: u8, z: u8| format!("{{\n\"a\": {a},{}\"z\": {z}\n}}", "\n".repeat((1 << 20) + 1));
    assert_eq!(told(Format::Json, &many(1, 1), &many(2, 1), &many(1, 2)).unwrap(), many(2, 2));
}
