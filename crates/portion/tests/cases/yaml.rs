use super::*;
use portion::Scheme::Yaml;
use portion::Value;

const COMPOSE: &str = "\
# The site
services:
  # the web server
  web:
    image: nginx:1.27  # pinned
    ports:
      - \"80:80\"
      - 443:443
    environment:
      TZ: Europe/Berlin
      # DEBUG: 1

  db:
    image: postgres:17
    command: [postgres, -c, \"max_connections=200\"]
    healthcheck: {test: [CMD, pg_isready], interval: 5s}

volumes:
  data:
";

const WORKFLOW: &str = "\
name: CI
on:
  push:
    branches: [main, 'release/**']
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
    - uses: actions/checkout@v4
      with:
        fetch-depth: 0
    - name: Test
      run: |
        # all of it
        cargo test --workspace

        cargo clippy
    # the last
    - run: echo done
";

#[test]
fn a_block_is_taken_out_dedented() {
    get(
        Yaml,
        COMPOSE,
        "/services/web",
        "\
image: nginx:1.27  # pinned
ports:
  - \"80:80\"
  - 443:443
environment:
  TZ: Europe/Berlin
  # DEBUG: 1
",
    );
    get(Yaml, COMPOSE, "/services/web/environment", "TZ: Europe/Berlin\n# DEBUG: 1\n");
    get(Yaml, COMPOSE, "/services/web/ports", "- \"80:80\"\n- 443:443\n");
    get(Yaml, COMPOSE, "/services/web/image", "nginx:1.27");
    get(Yaml, COMPOSE, "/services/web/ports/0", "\"80:80\"");
    get(Yaml, COMPOSE, "/services/db/healthcheck/test", "[CMD, pg_isready]");
    get(Yaml, COMPOSE, "/volumes/data", "");
    get(Yaml, COMPOSE, "", COMPOSE);
    get(Yaml, WORKFLOW, "/jobs/test/steps/1/run", "|\n  # all of it\n  cargo test --workspace\n\n  cargo clippy\n");
    get(Yaml, WORKFLOW, "/jobs/test/steps/0", "uses: actions/checkout@v4\nwith:\n  fetch-depth: 0\n");
    get(Yaml, WORKFLOW, "/on/push/branches/1", "'release/**'");
    get(Yaml, "%YAML 1.2\n--- # c\n\n# top\na: 1\n...\n", "", "# top\na: 1\n");
    get(Yaml, "a: &x 1\nb: &y\n  c: 2\n", "/b", "c: 2\n");
}

#[test]
fn a_block_is_put_at_its_indentation() {
    put(
        Yaml,
        COMPOSE,
        "/services/web/environment",
        "TZ: UTC\n# DEBUG: 1\nLOG: |\n  a\n\n  b\n",
        &COMPOSE.replace(
            "TZ: Europe/Berlin\n      # DEBUG: 1\n",
            "TZ: UTC\n      # DEBUG: 1\n      LOG: |\n        a\n\n        b\n",
        ),
    );
    put(
        Yaml,
        WORKFLOW,
        "/jobs/test/steps/1/run",
        "|\n  cargo test\n",
        &WORKFLOW.replace(
            "        # all of it\n        cargo test --workspace\n\n        cargo clippy\n",
            "        cargo test\n",
        ),
    );
    put(
        Yaml,
        WORKFLOW,
        "/jobs/test/steps/0",
        "uses: x\n",
        &WORKFLOW.replace("actions/checkout@v4\n      with:\n        fetch-depth: 0\n", "x\n"),
    );
    // A comment cannot stand behind a dash.
    put(Yaml, "- a: 1\n  b: 2\n- c\n", "/0", "# why\na: 1\n", "-\n  # why\n  a: 1\n- c\n");
    // The way of writing changes with the text.
    put(Yaml, "a: 1 # one\nb: 2\n", "/a", "x: 1\ny: 2\n", "a: # one\n  x: 1\n  y: 2\nb: 2\n");
    put(Yaml, "a: 1 # one\nb: 2\n", "/a", "|\n  x\n", "a: | # one\n  x\nb: 2\n");
    put(Yaml, "a: # one\n    x: 1\nb: 2\n", "/a", "[1]", "a: [1] # one\nb: 2\n");
    put(Yaml, "a: | # one\n  x\nb: 2\n", "/a", "'y'", "a: 'y' # one\nb: 2\n");
    put(Yaml, "a: >-\n  x\nb: 2\n", "/a", "- 1\n- 2\n", "a:\n  - 1\n  - 2\nb: 2\n");
    put(Yaml, "a:\n- 1\nb: 2\n", "/a", "x: 1\n", "a:\n  x: 1\nb: 2\n");
    put(Yaml, "a:\n- 1\nb: 2\n", "/b", "- 2\n", "a:\n- 1\nb:\n- 2\n");
    put(Yaml, "a:\nb: 2\n", "/a", "x", "a: x\nb: 2\n");
    put(Yaml, "a: 1\nb: 2\n", "/a", "", "a:\nb: 2\n");
    put(Yaml, "- 1\n- 2\n", "/0", "a: 1\nb:\n  - 2\n", "- a: 1\n  b:\n    - 2\n- 2\n");
    put(Yaml, "- - 1\n  - 2\n", "/0/1", "a: 1\nb: 2\n", "- - 1\n  - a: 1\n    b: 2\n");
    put(Yaml, "a: [1, {b: 2}]\n", "/a/1/b", "[3]", "a: [1, {b: [3]}]\n");
    put(Yaml, "a:\n    b:\n        c: 1\nd: 1\n", "/d", "e: 1\n", "a:\n    b:\n        c: 1\nd:\n    e: 1\n");
    put(Yaml, "a: !Ref x\n", "/a", "!Sub\n- a\n- b\n", "a: !Sub\n  - a\n  - b\n");
    put(Yaml, "a: &x 1\n", "/a", "b: 2\n", "a: &x\n  b: 2\n");
    put(Yaml, "--- 1\n", "", "a: 2\n", "--- \na: 2\n");
    put(Yaml, "# c\n---\na: 1\n...\n", "", "b: 2\n", "# c\n---\nb: 2\n...\n");
}

#[test]
fn comments_stay_with_what_they_are_about() {
    let file = "a:\n  # first\n  x: 1 # one\n\n  # loose\n  y: 2\n  # last\n\n  # apart\n\n# about b\nb: 3\n";
    get(Yaml, file, "/a", "# first\nx: 1 # one\n\n# loose\ny: 2\n# last\n");
    put(Yaml, file, "/a", "z: 1\n", "a:\n  z: 1\n\n  # apart\n\n# about b\nb: 3\n");
    put(Yaml, "a:\n  # b: 1\nc: 2\n", "/a", "b: 2\n", "a:\n  b: 2\n\n  # b: 1\nc: 2\n");
    put(Yaml, "a:\n- 1\n# about b\nb: 3\n", "/a", "- 2\n", "a:\n- 2\n# about b\nb: 3\n");
}

#[test]
fn files_keep_their_line_ends_and_bom() {
    let file = "\u{feff}a:\r\n  b: |\r\n    x\r\n\r\n    y\r\n  c: 1\r\nd: 2";
    get(Yaml, file, "/a", "b: |\n  x\n\n  y\nc: 1\n");
    get(Yaml, file, "/a/b", "|\n  x\n\n  y\n");
    put(Yaml, file, "/a", "b: 1\nc: 2\n", "\u{feff}a:\r\n  b: 1\r\n  c: 2\r\nd: 2");
    put(Yaml, file, "/d", "e: 1\nf: 2\n", &file.replace("d: 2", "d:\r\n  e: 1\r\n  f: 2"));
    insert_only(Yaml, file, "/g", Format::Yaml, "3", &format!("{file}\r\ng: 3"));
    insert_only(Yaml, file, "/a/e", Format::Yaml, "- 1\n", &file.replace("c: 1\r\n", "c: 1\r\n  e:\r\n    - 1\r\n"));
    assert!(
        said(portion::get(Yaml, b"a: 1\rb: 2\n", "/a")).starts_with("unparsable: line 1, column 5: a carriage return")
    );
}

#[test]
fn what_is_missing_is_made() {
    insert_only(
        Yaml,
        COMPOSE,
        "/services/web/environment/LANG",
        Format::Yaml,
        "C.UTF-8",
        &COMPOSE.replace("# DEBUG: 1\n", "# DEBUG: 1\n      LANG: C.UTF-8\n"),
    );
    insert(
        Yaml,
        COMPOSE,
        "/services/cache",
        Format::Yaml,
        "image: redis\nports:\n  - 6379:6379\n",
        &COMPOSE.replace("5s}\n", "5s}\n\n  cache:\n    image: redis\n    ports:\n      - 6379:6379\n"),
    );
    insert_only(
        Yaml,
        COMPOSE,
        "/volumes/data/driver",
        Format::Yaml,
        "local",
        &COMPOSE.replace("data:\n", "data:\n    driver: local\n"),
    );
    insert_only(
        Yaml,
        COMPOSE,
        "/services/db/ports/-",
        Format::Yaml,
        "1",
        &COMPOSE.replace("5s}\n", "5s}\n    ports:\n      - 1\n"),
    );
    insert_only(
        Yaml,
        COMPOSE,
        "/services/web/ports/-",
        Format::Yaml,
        "\"81:81\"",
        &COMPOSE.replace("443:443\n", "443:443\n      - \"81:81\"\n"),
    );
    insert(Yaml, COMPOSE, "/services/db/command/3", Format::Yaml, "-x", &COMPOSE.replace("200\"]", "200\", -x]"));
    insert(
        Yaml,
        COMPOSE,
        "/services/db/healthcheck/retries",
        Format::Yaml,
        "3",
        &COMPOSE.replace("5s}", "5s, retries: 3}"),
    );
    insert(
        Yaml,
        WORKFLOW,
        "/jobs/test/steps/3",
        Format::Yaml,
        "name: x\nrun: |\n  a\n",
        &format!("{WORKFLOW}    - name: x\n      run: |\n        a\n"),
    );
    insert(Yaml, "a: 1\nc: 2\nd: 3\n", "/b", Format::Yaml, "x", "a: 1\nb: x\nc: 2\nd: 3\n");
    insert_only(Yaml, "", "/a/b c", Format::Yaml, "- 1\n", "a:\n  b c:\n    - 1\n");
    insert_only(Yaml, "# mine\n", "/a", Format::Yaml, "1", "# mine\na: 1\n");
    insert_only(Yaml, "{}\n", "/a", Format::Yaml, "1", "a: 1\n");
    insert_only(Yaml, "a: {}\n", "/a/on", Format::Yaml, "yes", "a:\n  \"on\": yes\n");
    insert_only(Yaml, "a: []\n", "/a/0", Format::Yaml, "b: 1\n", "a:\n  - b: 1\n");
    insert_only(Yaml, "{\"a\": 1}\n", "/b", Format::Yaml, "{x: 1}", "{\"a\": 1, \"b\": {x: 1}}\n");
    let said = |expression: &str| {
        let put = Fragment { format: Format::Yaml, text: b"1".to_vec() };
        said(portion::insert(Yaml, COMPOSE.as_bytes(), expression, &put))
    };
    assert_eq!(said("/volumes"), "refused: something stands at `/volumes` already");
    assert_eq!(
        said("/services/web/image/x"),
        "refused: `/services/web/image/x`: text stands at `/services/web/image`, so nothing can be inserted in it"
    );
    assert_eq!(
        said("/services/web/ports/3"),
        "selector: `/services/web/ports/3` is no yaml selector: the list has 2 items; the next is `2` or `-`"
    );
}

#[test]
fn what_is_removed_leaves_no_hole() {
    remove(Yaml, COMPOSE, "/services/web/ports/0", &COMPOSE.replace("      - \"80:80\"\n", ""));
    remove(Yaml, COMPOSE, "/services/db", &COMPOSE.replace(
        "  db:\n    image: postgres:17\n    command: [postgres, -c, \"max_connections=200\"]\n    healthcheck: {test: [CMD, pg_isready], interval: 5s}\n\n",
        "",
    ));
    remove(Yaml, COMPOSE, "/services/db/healthcheck/test", &COMPOSE.replace("test: [CMD, pg_isready], ", ""));
    remove(Yaml, COMPOSE, "/services/db/command/2", &COMPOSE.replace(", \"max_connections=200\"", ""));
    remove(Yaml, COMPOSE, "/volumes/data", &COMPOSE.replace("volumes:\n  data:\n", "volumes: {}\n"));
    remove(Yaml, WORKFLOW, "/jobs/test/steps/1/name", &WORKFLOW.replace("name: Test\n      run", "run"));
    remove(Yaml, WORKFLOW, "/jobs/test/steps/2", &WORKFLOW.replace("    - run: echo done\n", ""));
    remove(Yaml, "# about both\na: 1\nb: 2\n", "/a", "# about both\n\nb: 2\n");
    // Comments above stay: they may be about more.
    remove(Yaml, "# about a\na: 1\n# about b\nb: 2\n", "/a", "# about a\n\n# about b\nb: 2\n");
    remove(Yaml, "# top\n\na: 1\n", "/a", "# top\n\n{}\n");
    remove(Yaml, "a: 1\n\nb: 2\n", "/b", "a: 1\n");
    remove(Yaml, "- a: 1\n  # c\n  b: 2\n", "/0/a", "- \n  # c\n  b: 2\n");
    remove(Yaml, "a:\n- 1\n", "/a/0", "a: []\n");
}

#[test]
fn aliases_are_left_alone() {
    let file = "base: &base\n  a: 1\n  b: &deep [1]\nuse:\n  <<: *base\n  c: 2\nother: *deep\nfree: 1\nself:\n  - &s 1\n  - *s\n";
    for (at, why) in [
        ("/base", "refused: `/base`: an alias elsewhere repeats it, and would change, too"),
        ("/base/a", "refused: `/base/a`: an alias elsewhere repeats it, and would change, too"),
        ("/other", "refused: `/other`: an alias stands there, for what another place holds"),
        ("/use", "refused: `/use`: it holds an alias of something outside it"),
        ("/use/a", "refused: `/use/a`: it may be merged in by `<<`, which only the place that it names can change"),
    ] {
        put_fails(Yaml, file, at, "9", why);
    }
    get(Yaml, file, "/base", "a: 1\nb: &deep [1]\n");
    get(Yaml, file, "/self", "- &s 1\n- *s\n");
    put(Yaml, file, "/use/c", "3", &file.replace("c: 2", "c: 3"));
    put(Yaml, file, "/self", "- 2\n", &file.replace("- &s 1\n  - *s", "- 2"));
    put_fails(Yaml, file, "/free", "[&base 1, *base]", "refused: `/free`: the anchor `&base` is taken in this file");
    let value = Format::Yaml.value(file.as_bytes()).unwrap();
    assert_eq!(value.pointer("/use/a").and_then(Value::as_text), Some("1"));
    assert_eq!(value.pointer("/other/0").and_then(Value::as_text), Some("1"));
    // Nine lines that name a billion nodes.
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..9 {
        bomb.push_str(&format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", ")));
    }
    assert!(said(Format::Yaml.value(bomb.as_bytes())).contains("name more than 1000000 nodes"));
}

#[test]
fn what_cannot_be_found_or_read() {
    get_fails(
        Yaml,
        COMPOSE,
        "/service/web",
        "missing: nothing stands at `/service/web`; did you mean `/services/web`, `/services/db`, `/services`?",
    );
    get_fails(
        Yaml,
        COMPOSE,
        "services",
        "selector: `services` is no yaml selector: a path starts with `/`, as in `/servers/0`",
    );
    get_fails(Yaml, "a: 1\nb: 2\na: 3\n", "/a", "unparsable: line 3, column 1: duplicate key");
    get_fails(Yaml, "a: [1\n", "/a", "unparsable: line 1, column 4: unclosed bracket '['");
    get_fails(
        Yaml,
        "a: 1\n---\nb: 2\n",
        "/a",
        "refused: the file holds several YAML documents, a second one from line 2 on: which one is meant cannot be said. Files of \
         their own can be addressed, and the lines between two markers (`mark:NAME`)",
    );
    put_fails(Yaml, "? a\n: 1\n", "/a", "2", "refused: `/a`: its key is written with `?`");
    put_fails(Yaml, "a: 1\n", "/a", "[", "unparsable: line 1, column 1: unclosed bracket '['");
    put_fails(
        Yaml,
        "a: [b]\n",
        "/a/0",
        "x: 1 # one\n",
        "refused: `/a/0`: it stands in brackets or braces, which hold no block: put it in flow style, as in `[1, {a: 2}]`, \
         or write what is around it as a block",
    );
}

#[test]
fn deep_nesting_is_refused_in_a_small_stack() {
    for open in ["[", "{a: ", "- ", "? ", "a:\n", "&a ", "!a ", "[[{? ", "*a "] {
        let small = std::thread::Builder::new().stack_size(512 << 10).spawn(move || {
            for file in [open.repeat(20_000), format!("a: {}", open.repeat(20_000))] {
                let result = portion::get(Yaml, file.as_bytes(), "/a");
                let refused = matches!(
                    result,
                    Err(LensError::TooLarge(_) | LensError::Unparsable { .. } | LensError::Missing { .. })
                );
                assert!(refused, "{open}: {result:?}");
            }
            let deep = format!("a: {}1{}", "[".repeat(120), "]".repeat(120));
            portion::get(Yaml, deep.as_bytes(), &format!("/a{}", "/0".repeat(120))).unwrap();
        });
        small.unwrap().join().unwrap();
    }
}

#[test]
fn everything_is_listed() {
    listed(
        Yaml,
        "a: [1, {b: 2}]\nc:\n- d\n- e:\n    f: |\n      x\n\ng/h: &x\n",
        &[
            ("/a", 1, 1),
            ("/a/0", 1, 1),
            ("/a/1", 1, 1),
            ("/a/1/b", 1, 1),
            ("/c", 2, 6),
            ("/c/0", 3, 3),
            ("/c/1", 4, 6),
            ("/c/1/e", 4, 6),
            ("/c/1/e/f", 5, 6),
            ("/g~1h", 8, 8),
        ],
    );
}

#[test]
fn scalars_by_the_core_schema() {
    let kind = |text: &str| Format::Yaml.value(text.as_bytes()).unwrap();
    for text in ["", "~", "null", "Null", "NULL", "!!null x"] {
        assert!(matches!(kind(text), Value::Null) || text.starts_with("!!"), "{text}");
    }
    for text in ["true", "True", "FALSE", "!!bool true"] {
        assert!(matches!(kind(text), Value::Bool(_)), "{text}");
    }
    for text in ["0", "-1", "+12", "0o17", "0x1F", "1.", ".5", "-1.5e+3", "1e3", ".inf", "-.INF", ".NaN", "!!int 5"] {
        assert!(matches!(kind(text), Value::Number(_)), "{text}");
    }
    for text in [
        "yes",
        "012",
        "on",
        "'1'",
        "\"true\"",
        "!!str 1",
        "! 1",
        "1_000",
        "0b1",
        "1:20",
        "2001-12-14",
        "|\n  1\n",
        "-",
        "1e",
        ".",
    ] {
        assert!(matches!(kind(text), Value::String(_)) || text == "-", "{text}");
    }
    let tagged = kind("!Ref x");
    assert_eq!(tagged.pointer("/!Ref").and_then(Value::as_text), Some("x"));
}

#[test]
fn text_is_written_so_that_every_reader_reads_it() {
    let render = |text: &str, expected: &str| {
        let value = Value::String(text.to_owned());
        let written = Format::Yaml.render(&value).unwrap();
        assert_eq!(super::text(&written), expected);
        assert_eq!(Format::Yaml.value(&written).unwrap(), value);
    };
    for plain in
        ["plain", "two words", "a:b", "a#b", "it's", "x=1", "http://x/?y=z#w", "1.2.3-beta", "v1", "-x", "é", "C:\\x"]
    {
        render(plain, plain);
    }
    for quoted in [
        "",
        "yes",
        "No",
        "ON",
        "y",
        "~",
        "null",
        "1",
        "-1",
        "0x1f",
        "012",
        "1_000",
        "1:20",
        "1e3",
        ".inf",
        "2001-12-14",
        "12:30:45",
        "=",
        "<<",
        "- a",
        "? a",
        ": a",
        "a: b",
        "a:",
        "a #b",
        " a",
        "a ",
        "*a",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a",
        "|",
        ">",
        "#a",
        "[a",
        "{a",
        "a, b",
        "'a",
        "---",
        "1.5",
        "deadbeef1",
        "0",
    ] {
        let value = Value::String(quoted.to_owned());
        let written = Format::Yaml.render(&value).unwrap();
        assert!(written.starts_with(b"\"") || quoted == "deadbeef1", "{quoted}");
        assert_eq!(Format::Yaml.value(&written).unwrap(), value);
    }
    render("a\"b\\\u{7}\u{85}\u{2028}\u{feff}\t: x", "\"a\\\"b\\\\\\x07\\x85\\u2028\\ufeff\\t: x\"");
    render("one\n  two\n\nthree", "|-\n  one\n    two\n\n  three\n");
    render("one\n", "|\n  one\n");
    render("one\n\n\n", "|+\n  one\n\n\n");
    render(" one\ntwo", "\" one\\ntwo\"");
    render("\n", "\"\\n\"");
    render("a\rb", "\"a\\rb\"");
}

#[test]
fn an_update_touches_what_differs() {
    let update = |text: &str, value: &str, expected: &str| {
        let value = Format::Json.value(value.as_bytes()).unwrap();
        let updated = Format::Yaml.update(text.as_bytes(), &value).unwrap();
        assert_eq!(super::text(&updated), expected);
        assert!(Format::Yaml.value(&updated).unwrap().agrees(&value));
    };
    update(
        "# values\nimage:\n  repository: nginx # official\n  tag: \"1.27\"\n  pullPolicy: 'Always'\nreplicas: 2\nargs: [a, b]\nscript: |\n  one\n  two\nnote: >-\n  short\n",
        r#"{"image": {"repository": "nginx", "tag": "1.28", "pullPolicy": "Never", "digest": null}, "replicas": "3", "args": ["a", "x: y", "b"], "script": "one\n", "note": "long", "env": [{"name": "A", "value": "yes"}]}"#,
        "# values\nimage:\n  repository: nginx # official\n  tag: \"1.28\"\n  pullPolicy: 'Never'\n  digest: null\nreplicas: 3\nargs: [a, \"x: y\", b]\nscript: |\n  one\nnote: >-\n  long\nenv:\n  - name: A\n    value: \"yes\"\n",
    );
    update("a: 1\nb: 2\n", r#"{"b": {"c": [], "d": {}}}"#, "b:\n  c: []\n  d: {}\n");
    update("- 1\n- 2 # two\n- 3\n", "[2, 3]", "- 2 # two\n- 3\n");
    update("1", r#"{"a": "b"}"#, "a: b\n");
    update("a: 1\n", "null", "null");
    update("\"8080\"", "8081", "\"8081\"");
    let value = Format::Json.value(br#"{"a": {"!Ref": "y"}}"#).unwrap();
    assert_eq!(
        said(Format::Yaml.update(b"a: !Ref x\n", &value)),
        "refused: what stands at `/a` has the tag `!Ref`, which a value cannot tell: put the text there, as in `!Ref TEXT`"
    );
    let bytes = Value::Map(vec![("a".to_owned(), Value::Sequence(vec![Value::Bytes(vec![0])]))]);
    assert_eq!(said(Format::Yaml.render(&bytes)), "cannot say: yaml cannot say bytes at `/a/0`");
    assert_eq!(said(Format::Yaml.update(b"a: [1]\n", &bytes)), "cannot say: yaml cannot say bytes at `/a/0`");
}

#[test]
fn a_key_that_is_no_scalar_is_told() {
    let file = b"? [x]\n: 1\nb:\n  ? {y: 1}\n  : 2\n";
    let told: Vec<String> = portion::omitted(Yaml, file).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "line 1, column 1: a key that is no scalar, which no selector names",
            "line 4, column 3: a key that is no scalar, which no selector names"
        ]
    );
}

#[test]
fn every_program_reads_a_number_with_an_exponent_as_one() {
    // PyYAML and others read YAML 1.1.
    for (number, written) in
        [("1e300", "1.0e+300"), ("-2.5E3", "-2.5e+3"), ("1E-7", "1.0e-7"), ("12", "12"), ("1.5", "1.5")]
    {
        let value = Format::Json.value(number.as_bytes()).unwrap();
        let text = Format::Yaml.render(&value).unwrap();
        assert_eq!(String::from_utf8(text.clone()).unwrap().trim_end(), written);
        assert_eq!(Format::Yaml.value(&text).unwrap(), value);
    }
}

#[test]
fn a_number_with_a_leading_zero_is_the_text_that_it_is() {
    let file = "mode: 0644\nzip: \"01234\"\nzero: 0\npoint: 00.5\n";
    let value = |text: &str| portion::Format::Yaml.value(text.as_bytes()).unwrap();
    let json = |text: &str| Format::Json.value(text.as_bytes()).unwrap();
    assert_eq!(value(file), json(r#"{"mode": "0644", "zip": "01234", "zero": 0, "point": 0.5}"#));
    let put = |json: &str| {
        let wanted = Format::Json.value(json.as_bytes()).unwrap();
        String::from_utf8(Format::Yaml.update(file.as_bytes(), &wanted).unwrap()).unwrap()
    };
    let other = |mode: &str| format!(r#"{{"mode": {mode}, "zip": "01234", "zero": 0, "point": 0.5}}"#);
    // As the file's program reads it, so it reads the next one.
    assert_eq!(put(&other("\"0755\"")), file.replace("0644", "0755"));
    assert_eq!(put(&other("\"rw\"")), file.replace("0644", "rw"));
    assert_eq!(put(&other("\"1:20\"")), file.replace("0644", "\"1:20\""));
    assert_eq!(put(&other("420")), file.replace("0644", "420"));
    assert_eq!(Format::Yaml.render(&json("\"0644\"")).unwrap(), b"\"0644\"");
}

/// What a tag is about stays as it is; all else is edited key by key.
#[test]
fn tagged_nodes_are_left_alone() {
    let standing = "# stack\nName: !Sub 'x-${A}' # n\nSize: 1\nList: [!Ref a, b, !Ref c]\nWhere: !If\n  - A\n  - !Ref B\nTags:\n  - Key: k\n    Value: !GetAtt a.b\n";
    let value = Format::Yaml.value(standing.as_bytes()).unwrap();
    let edited = |at: &str, new: Option<Value>| {
        let mut value = value.clone();
        let (parent, last) = at.rsplit_once('/').unwrap();
        let parent = parent.split('/').skip(1).fold(&mut value, |value, token| match value {
            Value::Map(members) => members.iter_mut().find(|(key, _)| key == token).map(|(_, value)| value).unwrap(),
            Value::Sequence(items) => &mut items[token.parse::<usize>().unwrap()],
            other => panic!("{other:?}"),
        });
        match (parent, new) {
            (Value::Map(members), Some(new)) => match members.iter_mut().find(|(key, _)| key == last) {
                Some((_, value)) => *value = new,
                None => members.push((last.to_owned(), new)),
            },
            (Value::Map(members), None) => members.retain(|(key, _)| key != last),
            (Value::Sequence(items), Some(new)) => items[last.parse::<usize>().unwrap()] = new,
            (Value::Sequence(items), None) => drop(items.remove(last.parse::<usize>().unwrap())),
            (other, _) => panic!("{other:?}"),
        }
        Format::Yaml.update(standing.as_bytes(), &value).map(|text| super::text(&text))
    };
    let text = |text: &str| Some(Value::String(text.to_owned()));
    let with = |old: &str, new: &str| Ok(standing.replace(old, new));
    assert_eq!(edited("/Size", text("2")), with("Size: 1", "Size: 2"));
    assert_eq!(edited("/List/1", text("x")), with("a, b,", "a, x,"));
    assert_eq!(edited("/List/1", None), with("a, b,", "a,"));
    assert_eq!(edited("/List/0", None), with("!Ref a, ", ""));
    assert_eq!(edited("/Tags/0/Key", text("l")), with("Key: k", "Key: l"));
    assert_eq!(edited("/Name", None), with("Name: !Sub 'x-${A}' # n\n", "\n"));
    assert_eq!(edited("/New", text("new")), Ok(format!("{standing}New: new\n")));
    for (at, new, place) in [
        ("/Name", text("x"), "`/Name` has the tag `!Sub`"),
        ("/Name/!Sub", text("x"), "`/Name` has the tag `!Sub`"),
        ("/Name/more", text("x"), "`/Name` has the tag `!Sub`"),
        ("/Where/!If/0", text("B"), "`/Where` has the tag `!If`"),
        ("/List/2", text("x"), "`/List/2` has the tag `!Ref`"),
        ("/Tags/0/Value", text("x"), "`/Tags/0/Value` has the tag `!GetAtt`"),
    ] {
        let told = said(edited(at, new));
        assert!(told.starts_with("refused: what stands at ") && told.contains(place), "{at}: {told}");
    }
}

/// What is rendered of a value stands in flow style where a block cannot.
#[test]
fn values_in_brackets() {
    let inserted = |file: &str, at: &str, value: &str| {
        let value = Format::Json.value(value.as_bytes()).unwrap();
        let new = Fragment { format: Format::Yaml, text: Format::Yaml.render(&value).unwrap() };
        let written = match portion::get(Yaml, file.as_bytes(), at) {
            Ok(_) => portion::put(Yaml, file.as_bytes(), at, &new).unwrap().unwrap(),
            Err(_) => portion::insert(Yaml, file.as_bytes(), at, &new).unwrap(),
        };
        let at = at.replace('-', "1");
        let stands = portion::get(Yaml, &written, &at).unwrap();
        assert_eq!(stands.format.value(&stands.text).unwrap(), value, "{file}");
        text(&written)
    };
    for (file, at, value, after) in [
        ("{a: 1}\n", "/b", r#"{"x": [1, {"w": null}], "z": "a, b"}"#, "{a: 1, b: {x: [1, {w: null}], z: \"a, b\"}}\n"),
        ("{a: 1}\n", "/b", "[\"one\\ntwo\\n\"]", "{a: 1, b: [\"one\\ntwo\\n\"]}\n"),
        ("{a: 1}\n", "/b", "\"one\\ntwo\\n\"", "{a: 1, b: \"one\\ntwo\\n\"}\n"),
        ("{a: 1}\n", "/b/c/d", r#"{"x": 1}"#, "{a: 1, b: {c: {d: {x: 1}}}}\n"),
        ("k:\n  l: [1]\n", "/k/l/-", r#"{"x": 1}"#, "k:\n  l: [1, {x: 1}]\n"),
        ("{a: 1}\n", "/a", r#"{"x": 1}"#, "{a: {x: 1}}\n"),
        ("{a: {}}\n", "/a/b", r#"{"x": 1}"#, "{a: {b: {x: 1}}}\n"),
        ("{a: }\n", "/a/b", r#"{"x": 1}"#, "{a: {b: {x: 1}} }\n"),
        // An empty one becomes a block, as ever.
        ("{}\n", "/a", r#"{"x": 1}"#, "a:\n  x: 1\n"),
        ("k: {}\n", "/k/a", r#"{"x": 1}"#, "k:\n  a:\n    x: 1\n"),
    ] {
        assert_eq!(inserted(file, at, value), after);
    }
    // Comments and tags have no place there.
    for text in ["x: 1 # one\n", "x: !T 1\n"] {
        let new = Fragment { format: Format::Yaml, text: text.as_bytes().to_vec() };
        assert!(said(portion::insert(Yaml, b"{a: 1}\n", "/b", &new)).starts_with("refused: "), "{text}");
    }
}

#[test]
fn comments_stay_with_the_items_that_stay() {
    let put = |text: &str, json: &str| {
        let wanted = Format::Json.value(json.as_bytes()).unwrap();
        String::from_utf8(Format::Yaml.update(text.as_bytes(), &wanted).unwrap()).unwrap()
    };
    let hosts = "# a: no\n- name: a\n  port: 1\n# b: yes\n- name: b\n  port: 2\n# c\n- name: c\n  port: 3\n";
    // One goes, another is edited; one comes in front; one gets another name.
    assert_eq!(
        put(hosts, r#"[{"name": "b", "port": 4}, {"name": "c", "port": 3}]"#),
        "# a: no\n\n# b: yes\n- name: b\n  port: 4\n# c\n- name: c\n  port: 3\n",
        "what stood above the one that went stays, and goes over to no other"
    );
    assert_eq!(
        put(
            hosts,
            r#"[{"name": "z", "port": 9}, {"name": "a", "port": 1}, {"name": "b", "port": 2}, {"name": "c", "port": 7}]"#
        ),
        format!("- name: z\n  port: 9\n{}", hosts.replace("port: 3", "port: 7"))
    );
    assert_eq!(
        put(hosts, r#"[{"name": "a", "port": 1}, {"name": "q", "port": 2}, {"name": "c", "port": 3}]"#),
        hosts.replace("name: b", "name: q")
    );
    let ports = "- 80 # http\n- 443 # https\n- 22\n";
    assert_eq!(put(ports, "[8080, 80, 443, 23]"), "- 8080\n- 80 # http\n- 443 # https\n- 23\n");
    assert_eq!(put(ports, "[80, 8443, 22]"), "- 80 # http\n- 8443 # https\n- 22\n");
}
