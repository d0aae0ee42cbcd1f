use super::*;
use portion::Scheme::Toml;
use portion::Value;

const CODEX: &str = "\
model = \"o4\"  # the default
approval_policy = \"on-request\"

[mcp_servers.github]
command = \"npx\"
args = [\"-y\", \"@modelcontextprotocol/server-github\"]
startup_timeout_sec = 20

# Only for reading.
[mcp_servers.github.env]
GITHUB_TOKEN = \"x\"

# Where the projects are
[projects.\"/home/me/a.b\"]
trust_level = \"trusted\"

[mcp_servers.files]
command = \"files\"
";

#[test]
fn a_whole_document_takes_the_place_of_nothing() {
    use portion::Scheme::{Env, Ini, Yaml};
    for (scheme, format, document) in [
        (Toml, Format::Toml, "a = 1\n"),
        (Yaml, Format::Yaml, "a: 1\n"),
        (Ini, Format::Ini, "[a]\nb = 1\n"),
        (Env, Format::Env, "A=1\n"),
    ] {
        insert_only(scheme, "", "", format, document, document);
        let whole = Fragment { format, text: document.as_bytes().to_vec() };
        let twice = said(portion::insert(scheme, document.as_bytes(), "", &whole));
        assert!(twice.contains("something stands at"), "{twice}");
    }
}

#[test]
fn a_table_that_lies_apart_is_one_fragment() {
    let fragment = "\
[github]
command = \"npx\"
args = [\"-y\", \"@modelcontextprotocol/server-github\"]
startup_timeout_sec = 20

# Only for reading.
[github.env]
GITHUB_TOKEN = \"x\"

[files]
command = \"files\"
";
    get(Toml, CODEX, "/mcp_servers", fragment);
    // Each part changes where it stands.
    put(
        Toml,
        CODEX,
        "/mcp_servers",
        &fragment.replace("\"files\"", "\"f\"").replace("= 20", "= 30"),
        &CODEX.replace("\"files\"", "\"f\"").replace("= 20", "= 30"),
    );
    // A new block stands where its neighbour does.
    put(
        Toml,
        CODEX,
        "/mcp_servers",
        &fragment.replace("[files]", "[docs]\nurl = \"u\"\n\n[files]"),
        &CODEX.replace("\n# Where", "\n[mcp_servers.docs]\nurl = \"u\"\n\n# Where"),
    );
    put(
        Toml,
        CODEX,
        "/mcp_servers",
        &format!("{fragment}\n[zed]\nurl = \"u\"\n"),
        &format!("{CODEX}\n[mcp_servers.zed]\nurl = \"u\"\n"),
    );
    // What goes leaves no hole.
    put(
        Toml,
        CODEX,
        "/mcp_servers",
        "[github]\ncommand = \"npx\"\n",
        "\
model = \"o4\"  # the default
approval_policy = \"on-request\"

[mcp_servers.github]
command = \"npx\"

# Where the projects are
[projects.\"/home/me/a.b\"]
trust_level = \"trusted\"
",
    );
    // Pairs of its own need a header that was not there.
    put(Toml, "[a.b]\nx = 1\n", "/a", "y = 2\n\n[b]\nx = 1\n", "[a]\ny = 2\n\n[a.b]\nx = 1\n");
    put(Toml, "[a.b]\nx = 1\n", "/a", "", "[a]\n");
}

#[test]
fn a_table_without_its_header() {
    get(
        Toml,
        CODEX,
        "/mcp_servers/github",
        "\
command = \"npx\"
args = [\"-y\", \"@modelcontextprotocol/server-github\"]
startup_timeout_sec = 20

# Only for reading.
[env]
GITHUB_TOKEN = \"x\"
",
    );
    get(Toml, CODEX, "/projects/~1home~1me~1a.b", "trust_level = \"trusted\"\n");
    put(
        Toml,
        CODEX,
        "/projects/~1home~1me~1a.b",
        "a = 1\n\n[c]\nb = 2\n",
        &CODEX.replace("trust_level = \"trusted\"\n", "a = 1\n\n[projects.\"/home/me/a.b\".c]\nb = 2\n"),
    );
    put(Toml, "[a]\n[b]\n", "/a", "x = 1\n", "[a]\nx = 1\n[b]\n");
    put(Toml, "[a]", "/a", "x = 1\n", "[a]\nx = 1");
    put(Toml, "[a]\nx = 1", "/a", "x = 2\n", "[a]\nx = 2");
    put(Toml, "[a]\nx = 1\n\n[b]\n", "/a", "", "[a]\n\n[b]\n");
    put(Toml, "[a]\nx = 1\n", "/a", "[b]\ny = 1\n", "[a]\n\n[a.b]\ny = 1\n");
    // The body may follow the tables in it.
    get(Toml, "[a.b]\ny = 1\n[c]\n[a]\nx = 1\n", "/a", "x = 1\n\n[b]\ny = 1\n");
    put(Toml, "[a.b]\ny = 1\n[c]\n[a]\nx = 1\n", "/a", "x = 2\n\n[b]\ny = 2\n", "[a.b]\ny = 2\n[c]\n[a]\nx = 2\n");
}

#[test]
fn comments_stay_with_what_they_are_about() {
    let file = "# top\n\n# about a\n[a] # here\n# first\nx = 1 # one\n\n# loose\ny = 2\n# last\n\n# banner\n\n# about b\n[b]\n";
    get(Toml, file, "/a", "# first\nx = 1 # one\n\n# loose\ny = 2\n# last\n");
    put(Toml, file, "/a", "z = 3\n", "# top\n\n# about a\n[a] # here\nz = 3\n\n# banner\n\n# about b\n[b]\n");
    // A comment at the end keeps away from the next header.
    put(Toml, "[a]\nx = 1\n[b]\n", "/a", "x = 1\n# end\n", "[a]\nx = 1\n# end\n\n[b]\n");
    put_fails(
        Toml,
        "[a]\nx = 1\n\n[b]\n",
        "/a",
        "x = 1\n\n# end\n",
        "refused: after the edit, what stands at `/a` would not be what was put",
    );
}

#[test]
fn dotted_keys() {
    let file = "[a]\nb.x = 1\nz = 0\n# why\nb.y.z = 2 # so\n\n[c]\n";
    get(Toml, file, "/a/b", "x = 1\n# why\ny.z = 2 # so\n");
    get(Toml, file, "/a/b/y", "# why\nz = 2 # so\n");
    put(Toml, file, "/a/b", "x = 1\n# why\ny.z = 3\n", "[a]\nb.x = 1\nz = 0\n# why\nb.y.z = 3\n\n[c]\n");
    put(Toml, file, "/a/b", "w = 1\n", "[a]\nb.w = 1\nz = 0\n\n[c]\n");
    put(Toml, file, "/a/b", "w = 1\n\n[v]\nu = 1\n", "[a]\nb.w = 1\nz = 0\n\n[a.b.v]\nu = 1\n\n[c]\n");
    put(Toml, file, "/a/b", "", "[a]\nz = 0\n\n[a.b]\n\n[c]\n");
    put(Toml, "site.\"google.com\" = true\n", "/site", "\"x.y\" = 1\n", "site.\"x.y\" = 1\n");
    insert(Toml, "a.b = 1\n", "/a/c", Format::TomlValue, "2", "a.b = 1\na.c = 2\n");
    remove(Toml, "a.b = 1\nx = 2\n", "/a/b", "x = 2\n\n[a]\n");
}

const CARGO: &str = "\
[package]
name = \"x\"

[dependencies]
anyhow = \"1\"
serde = { version = \"1\", features = [\"derive\"] }
toml = \"1\"

[[bin]]
name = \"a\"

# The second
[[bin]]
name = \"b\"
path = \"b.rs\"

[profile.release]
lto = true
";

#[test]
fn arrays_of_tables() {
    let fragment = "[[\"\"]]\nname = \"a\"\n\n# The second\n[[\"\"]]\nname = \"b\"\npath = \"b.rs\"\n";
    get(Toml, CARGO, "/bin", fragment);
    get(Toml, CARGO, "/bin/1", "name = \"b\"\npath = \"b.rs\"\n");
    put(Toml, CARGO, "/bin/1", "name = \"c\"\n", &CARGO.replace("\"b\"\npath = \"b.rs\"", "\"c\""));
    put(
        Toml,
        CARGO,
        "/bin",
        "[[\"\"]]\nname = \"c\"\n[\"\".x]\ny = 1\n",
        "\
[package]
name = \"x\"

[dependencies]
anyhow = \"1\"
serde = { version = \"1\", features = [\"derive\"] }
toml = \"1\"

[[bin]]
name = \"c\"
[bin.x]
y = 1

[profile.release]
lto = true
",
    );
    insert(
        Toml,
        CARGO,
        "/bin/2",
        Format::Toml,
        "name = \"c\"\n",
        &CARGO.replace("b.rs\"\n", "b.rs\"\n\n[[bin]]\nname = \"c\"\n"),
    );
    insert(
        Toml,
        CARGO,
        "/example",
        Format::Toml,
        fragment,
        &format!("{CARGO}\n[[example]]\nname = \"a\"\n\n# The second\n[[example]]\nname = \"b\"\npath = \"b.rs\"\n"),
    );
    remove(Toml, CARGO, "/bin/1", &CARGO.replace("[[bin]]\nname = \"b\"\npath = \"b.rs\"\n", ""));
    remove(Toml, "[[a]]\nx = 1\n", "/a/0", "a = []\n");
    // The last table of a list is told from the others by its place.
    let nested = "[[a]]\n[[a.b]]\nx = 1\n[[a.b]]\nx = 2\n[[a]]\n[[a.b]]\nx = 3\n";
    get(Toml, nested, "/a/0/b", "[[\"\"]]\nx = 1\n[[\"\"]]\nx = 2\n");
    get(Toml, nested, "/a/1/b/0", "x = 3\n");
    put(Toml, nested, "/a/0/b/1", "y = 1\n[c]\n", &nested.replace("x = 2\n", "y = 1\n[a.b.c]\n"));
    // A document that stands for a list is addressed as one.
    get(Toml, fragment, "/1/name", "\"b\"");
    insert(Toml, fragment, "/2", Format::Toml, "name = \"c\"\n", &format!("{fragment}\n[[\"\"]]\nname = \"c\"\n"));
    assert_eq!(
        Format::Toml.value(fragment.as_bytes()).unwrap().pointer("/1/path").and_then(|v| v.as_text()),
        Some("b.rs")
    );
}

#[test]
fn values_behind_an_equals_sign() {
    get(Toml, CARGO, "/dependencies/serde", "{ version = \"1\", features = [\"derive\"] }");
    get(Toml, CARGO, "/dependencies/serde/features/0", "\"derive\"");
    put(Toml, CARGO, "/dependencies/serde/version", "\"2\"", &CARGO.replace("{ version = \"1\"", "{ version = \"2\""));
    put(Toml, CARGO, "/dependencies/toml", "{ git = \"x\" }", &CARGO.replace("toml = \"1\"", "toml = { git = \"x\" }"));
    insert(
        Toml,
        CARGO,
        "/dependencies/clap",
        Format::TomlValue,
        "\"4\"",
        &CARGO.replace("serde =", "clap = \"4\"\nserde ="),
    );
    insert(
        Toml,
        CARGO,
        "/package/version",
        Format::TomlValue,
        "\"1\"",
        &CARGO.replace("\"x\"\n", "\"x\"\nversion = \"1\"\n"),
    );
    insert_only(
        Toml,
        CARGO,
        "/dependencies/serde/features/-",
        Format::TomlValue,
        "\"rc\"",
        &CARGO.replace("[\"derive\"]", "[\"derive\", \"rc\"]"),
    );
    remove(Toml, CARGO, "/dependencies/serde/features", &CARGO.replace(", features = [\"derive\"]", ""));
    remove(Toml, CARGO, "/dependencies/serde/version", &CARGO.replace("version = \"1\", ", ""));
    remove(Toml, CARGO, "/dependencies/serde/features/0", &CARGO.replace("\"derive\"", ""));
}

#[test]
fn values_over_several_lines() {
    let file = "[x]\n  a = [\n    \"one\", # first\n    \"\"\"\n  two\n\"\"\",\n  ]\n  b = '''\nc\n  d'''\n";
    get(Toml, file, "/x/a", "[\n  \"one\", # first\n  \"\"\"\n  two\n\"\"\",\n]");
    put(Toml, file, "/x/a", "[\n  1,\n]", "[x]\n  a = [\n    1,\n  ]\n  b = '''\nc\n  d'''\n");
    get(Toml, file, "/x", "a = [\n  \"one\", # first\n  \"\"\"\n  two\n\"\"\",\n]\nb = '''\nc\n  d'''\n");
    put(Toml, file, "/x", "a = [\n  1,\n]\nb = '''\nc\n  d'''\n", "[x]\n  a = [\n    1,\n  ]\n  b = '''\nc\n  d'''\n");
    insert(Toml, "a = [\n  1, # one\n  2\n]\n", "/a/2", Format::TomlValue, "3", "a = [\n  1, # one\n  2,\n  3\n]\n");
    insert_only(Toml, "a = [\n  1, # one\n]\n", "/a/-", Format::TomlValue, "2", "a = [\n  1, # one\n  2,\n]\n");
    remove(Toml, "a = [\n  1, # one\n  2,\n]\n", "/a/0", "a = [\n  2,\n]\n");
}

#[test]
fn files_keep_their_line_ends_and_bom() {
    let file = "\u{feff}# c\r\na = 1\r\n\r\n[t]\r\nx = \"\"\"\r\nb\r\n\"\"\"\r\n[u]\r\ny = 1";
    get(Toml, file, "/t", "x = \"\"\"\nb\n\"\"\"\n");
    get(Toml, file, "/t/x", "\"\"\"\nb\n\"\"\"");
    put(Toml, file, "/t", "x = 1\ny = 2\n", "\u{feff}# c\r\na = 1\r\n\r\n[t]\r\nx = 1\r\ny = 2\r\n[u]\r\ny = 1");
    put(Toml, file, "/u", "y = 2\nz = 3\n", &file.replace("y = 1", "y = 2\r\nz = 3"));
    insert_only(Toml, file, "/u/z", Format::TomlValue, "3", &format!("{file}\r\nz = 3"));
    insert_only(Toml, file, "/b", Format::TomlValue, "2", &file.replace("a = 1\r\n", "a = 1\r\nb = 2\r\n"));
    put(Toml, file, "", "z = 1\n", "\u{feff}z = 1");
}

#[test]
fn what_is_missing_is_made() {
    insert(
        Toml,
        CODEX,
        "/mcp_servers/docs",
        Format::Toml,
        "url = \"u\"\n\n[headers]\nA = \"b\"\n",
        &format!("{CODEX}\n[mcp_servers.docs]\nurl = \"u\"\n\n[mcp_servers.docs.headers]\nA = \"b\"\n"),
    );
    insert(
        Toml,
        CODEX,
        "/mcp_servers/github/env/B",
        Format::TomlValue,
        "1",
        &CODEX.replace("\"x\"\n", "\"x\"\nB = 1\n"),
    );
    insert_only(Toml, "", "/a/b c/d", Format::TomlValue, "1", "[a.\"b c\"]\nd = 1\n");
    insert_only(Toml, "# mine\n", "/a", Format::Toml, "[x]\ny = 1\n", "# mine\n\n[a.x]\ny = 1\n");
    insert_only(Toml, "# mine\n\n# a's\n[a]\n", "/b", Format::TomlValue, "1", "# mine\n\nb = 1\n\n# a's\n[a]\n");
    insert_only(Toml, "[a.b]\nx = 1\n", "/a/y", Format::TomlValue, "1", "[a]\ny = 1\n\n[a.b]\nx = 1\n");
    insert_only(Toml, "a = { x = 1 }\n", "/a/y", Format::Toml, "z = 1\n", "a = { x = 1, y = { z = 1 } }\n");
    insert_only(Toml, "a = {}\n", "/a/y/z", Format::TomlValue, "1", "a = { y = { z = 1 } }\n");
    insert_only(Toml, "a=1\n", "/b", Format::TomlValue, "2", "a=1\nb=2\n");
    let said = |expression: &str| {
        let put = Fragment { format: Format::TomlValue, text: b"1".to_vec() };
        said(portion::insert(Toml, CODEX.as_bytes(), expression, &put))
    };
    assert_eq!(said("/model"), "refused: something stands at `/model` already");
    assert_eq!(said("/model/x"), "refused: `/model` is string, so nothing can be inserted in it");
    assert_eq!(
        said("/mcp_servers/github/args/3"),
        "selector: `/mcp_servers/github/args/3` is no toml selector: the list has 2 items; the next is `2` or `-`"
    );
}

#[test]
fn what_is_removed_leaves_no_hole() {
    remove(
        Toml,
        CODEX,
        "/projects",
        &CODEX.replace("# Where the projects are\n[projects.\"/home/me/a.b\"]\ntrust_level = \"trusted\"\n\n", ""),
    );
    remove(Toml, "[m.a]\nx = 1\n\n[b]\n", "/m/a", "[b]\n\n[m]\n");
    // Comments above stay: they may be about more. They go over to nothing that stands below or above.
    remove(Toml, "# about x\nx = 1\n# about y\ny = 2\n", "/x", "# about x\n\n# about y\ny = 2\n");
    remove(Toml, "# c\nx = 1\na.y = 2\n", "/x", "# c\n\na.y = 2\n");
    remove(Toml, "# c\r\nx = 1\r\n[a.b]\r\n", "/x", "# c\r\n\r\n[a.b]\r\n");
    remove(Toml, "# c\nx = 1 # own\n", "/x", "# c\n");
    // Between two parts of one table they would be in it.
    remove(Toml, "n.a = 1\n# about g\ng = 1\nn.b = 2\n", "/g", "n.a = 1\nn.b = 2\n");
    remove(Toml, "[a.x]\n\n# about b\n[b]\n\n[a.y]\n", "/b", "[a.x]\n\n[a.y]\n");
    remove(Toml, "# c\n[a]\nx = 1\n[b]\ny = 2\n", "/a", "# c\n\n[b]\ny = 2\n");
    remove(Toml, "[a]\nx = 1\n# about b\n[b]\ny = 1", "/b", "[a]\nx = 1\n\n# about b\n");
    remove(Toml, "[a]\nx = 1\n\n# Servers\n[b]\ny = 1\n\n[c]\n", "/b", "[a]\nx = 1\n\n# Servers\n\n[c]\n");
    remove(Toml, "# about both\nx = 1\ny = 2\n", "/x", "# about both\n\ny = 2\n");
    remove(Toml, "a = 1\n\n# own\nx = 1\n\ny = 2\n", "/x", "a = 1\n\n# own\n\ny = 2\n");
    remove(Toml, "[a]\nx = 1", "/a/x", "[a]\n");
    remove(Toml, "[a]\nx = 1\n\n[b]\ny = 1\n", "/b", "[a]\nx = 1\n");
}

#[test]
fn what_cannot_be_found_or_read() {
    get_fails(
        Toml,
        CODEX,
        "/mcp_server/github",
        "missing: nothing stands at `/mcp_server/github`; did you mean `/mcp_servers/github`, `/mcp_servers/github/env`, `/mcp_servers/github/args`?",
    );
    get_fails(
        Toml,
        CODEX,
        "/mcp_servers/github/args/7",
        "missing: nothing stands at `/mcp_servers/github/args/7`; did you mean `/mcp_servers/github/args/0`, `/mcp_servers/github/args/1`, `/mcp_servers/github/args`?",
    );
    get_fails(
        Toml,
        CODEX,
        "model",
        "selector: `model` is no toml selector: a path starts with `/`, as in `/servers/0`",
    );
    get_fails(Toml, "a = 1\nb = 2\na = 3\n", "/a", "unparsable: line 3, column 1: duplicate key");
    get_fails(
        Toml,
        "a = 1\r\nb = \r\n",
        "/a",
        "unparsable: line 2, column 5: string values must be quoted, expected literal string",
    );
    get_fails(
        Toml,
        "a = { b.c = 1 }\n",
        "/a/b",
        "refused: `/a/b` is spread over dotted keys inside an inline table; address the table around it",
    );
    put_fails(
        Toml,
        "a = 1\n",
        "/a",
        "1 = 2",
        "unparsable: line 1, column 3: unexpected key or value, expected newline, `#`",
    );
    put_fails(
        Toml,
        "a = 1\n",
        "/a",
        "1 # c",
        "unparsable: line 1, column 6: one TOML value was expected, and nothing around it",
    );
    put_fails(Toml, "[a]\n", "/a", "x = 1\nx = 2\n", "unparsable: line 2, column 1: duplicate key");
    assert!(matches!(portion::get(Toml, b"a = \"\xff\"", "/a"), Err(LensError::Unparsable { .. })));
}

#[test]
fn a_value_takes_the_form_of_the_place() {
    let value = |text: &str, format: Format, expected: &str, file: &str, at: &str| {
        let put = Fragment { format, text: text.as_bytes().to_vec() };
        let written = portion::put(Toml, file.as_bytes(), at, &put).unwrap().unwrap();
        assert_eq!(super::text(&written), expected);
    };
    value("x = 1\n[y]\nz = 2\n", Format::Toml, "a = { x = 1, y = { z = 2 } }\n", "a = {}\n", "/a");
    value("{ x = 2, y = { z = 2 } }", Format::TomlValue, "[a]\nx = 2\n\n[a.y]\nz = 2\n", "[a]\nx = 1\n", "/a");
    value("3", Format::TomlValue, "b = 1\na = 3\n", "b = 1\n\n[a]\nx = 1\n", "/a");
    value("[[\"\"]]\nx = 1\n", Format::Toml, "[b]\n\n[[a]]\nx = 1\n", "[a]\ny = 1\n\n[b]\n", "/a");
}

#[test]
fn deep_nesting_is_refused_in_a_small_stack() {
    for open in ["[", "{a=", "a.", "[a.", "[[a]]\n"] {
        let file = format!("a = {}", open.repeat(100_000));
        let other = open.repeat(100_000);
        let small = std::thread::Builder::new().stack_size(512 << 10).spawn(move || {
            for file in [file, other] {
                let result = portion::get(Toml, file.as_bytes(), "/a");
                assert!(matches!(result, Err(LensError::TooLarge(_) | LensError::Unparsable { .. }) | Ok(_)));
            }
        });
        small.unwrap().join().unwrap();
    }
}

#[test]
fn everything_is_listed() {
    listed(
        Toml,
        "a = [1, { b = 2 }]\n[c]\nd.e = 3\n\n[[f]]\n[[f]]\ng = 4\n[c.h]\n",
        &[
            ("/a", 1, 1),
            ("/a/0", 1, 1),
            ("/a/1", 1, 1),
            ("/a/1/b", 1, 1),
            ("/c", 2, 8),
            ("/c/d", 3, 3),
            ("/c/d/e", 3, 3),
            ("/f", 5, 7),
            ("/f/0", 5, 5),
            ("/f/1", 6, 7),
            ("/f/1/g", 7, 7),
            ("/c/h", 8, 8),
        ],
    );
}

/// `update` of a fragment with a value, which a TOML fragment tells.
#[test]
fn an_update_touches_what_differs() {
    let update = |format: Format, text: &str, value: &str, expected: &str| {
        let value = Format::TomlValue.value(value.as_bytes()).unwrap();
        let updated = format.update(text.as_bytes(), &value).unwrap();
        assert_eq!(super::text(&updated), expected);
        assert!(format.value(&updated).unwrap().agrees(&value));
    };
    let text =
        "# servers\n[github] # mine\ncommand = 'npx' # why\nport = 8_080\nsince = 2020-01-01\n\n[files]\nurl = \"u\"\n";
    update(
        Format::Toml,
        text,
        r#"{github = { command = "npx", port = "8081", since = "2021-02-03", env = { A = "b" } }, docs = { url = "d" }}"#,
        "# servers\n[github] # mine\ncommand = 'npx' # why\nport = 8081\nsince = 2021-02-03\n\n[github.env]\nA = \"b\"\n\n[docs]\nurl = \"d\"\n",
    );
    update(Format::Toml, "[a]\nb = 1\n", r#"{ a = {} }"#, "[a]\n");
    update(Format::Toml, "[a.b]\nb = 1\n", r#"{ a = {} }"#, "[a]\n");
    update(Format::Toml, "[a]\nb = 1\n", r#"{ a = [1] }"#, "a = [1]\n");
    update(
        Format::Toml,
        "[[a]]\nb = 1\n[[a]]\nb = 2\n",
        r#"{ a = [{ b = 0 }, { b = 1 }, { b = 2 }] }"#,
        "[[a]]\nb = 0\n\n[[a]]\nb = 1\n[[a]]\nb = 2\n",
    );
    update(Format::Toml, "[[\"\"]]\nb = 1\n", "[]", "\"\" = []\n");
    update(
        Format::TomlValue,
        "{ a = 1, b = [1, 2] } ",
        r#"{ a = 1, b = [2], c = "x" }"#,
        "{ a = 1, b = [2], c = \"x\" }",
    );
    update(Format::TomlValue, "[]", "[{ a = 1 }]", "[{ a = 1 }]");
    update(Format::TomlValue, "\"8080\"", "8081", "\"8081\"");
    update(Format::TomlValue, "1", r#"[{ a = "b\nc" }]"#, "[{ a = \"b\\nc\" }]");
    let number = Value::Number(portion::Number::new("123456789012345678901"));
    let within = |value: Value| {
        Value::Map(vec![("a".to_owned(), Value::Map(vec![("x/y".to_owned(), Value::Sequence(vec![value]))]))])
    };
    for (value, expected) in [
        (Value::Null, "cannot say: toml cannot say null at `/a/x~1y/0`"),
        (Value::Bytes(vec![0]), "cannot say: toml cannot say bytes at `/a/x~1y/0`"),
        (number, "cannot say: toml cannot say the number 123456789012345678901 at `/a/x~1y/0`"),
    ] {
        let value = within(value);
        assert_eq!(said(Format::Toml.render(&value)), expected);
        assert_eq!(said(Format::Toml.update(b"z = 1\n", &value)), expected);
        assert_eq!(said(Format::Toml.update(b"[a]\n", &value)), expected);
        assert_eq!(said(Format::TomlValue.update(b"{ a = { 'x/y' = [1] } }", &value)), expected);
    }
}
