//! What is said where something is not as it should be, with which exit code; and what a command says that it did.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::{CLAUDE, CODEX, Case, check};

#[test]
fn a_name_with_a_hash_or_a_colon() {
    let files = &[("a#b.json", "{\"x\": 1}"), ("co:lon.json", "{\"x\": 2}"), ("c#d:e.json", "{\"x\": 3}")];
    for args in [&["get", "a#b.json#/x"], &["put", "a#b.json#/x"], &["list", "a#b.json#/x"]] {
        let err = &["there is no file DIR/a\n", "a `#` in a path is written `\\#`: 'a\\#b.json#/x'"];
        check(&Case { files, args, code: 3, err, ..Case::default() });
    }
    let err = &["there is no file DIR/a\n", "a `#` in a path is written `\\#`: 'a\\#b.json#…'"];
    check(&Case { files, args: &["list", "a#b.json"], code: 3, err, ..Case::default() });
    let err = &["`d` is no scheme", "a `#` in a path is written `\\#`: 'c\\#d:e.json#/x'"];
    check(&Case { files, args: &["get", "c#d:e.json#/x"], code: 2, err, ..Case::default() });
    check(&Case { files, args: &["get", "a\\#b.json#/x"], out: "1", ..Case::default() });
    let err = &["another machine (agent `co`)", "write ./co:lon.json#/x"];
    check(&Case { files, args: &["get", "co:lon.json#/x"], code: 2, err, ..Case::default() });
    check(&Case { files, args: &["get", "./co:lon.json#/x"], out: "2", ..Case::default() });
}

/// What is said to be the next command is one.
#[cfg(unix)]
#[test]
fn a_command_that_is_told_can_be_typed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("input"), "").unwrap();
    for name in ["a#b.json", "co:lon.json", "c:#d.json", "-e.json", "it's $x.json", "a\\\\#.json", "plain.json"] {
        fs::write(folder.path().join(name), "{\"x\": 1}").unwrap();
        // As a person writes it for a file of that name.
        let written = format!("./{}", name.replace('\\', "\\\\").replace('#', "\\#"));
        for (args, told) in [
            (vec!["list", &written], "`inlay get "),
            (vec!["get", &written], "`inlay list "),
            (vec!["get", &format!("{written}#/y")], "`inlay list "),
        ] {
            let done = inlay(folder.path(), &args);
            let err = String::from_utf8(done.stderr).unwrap();
            let at = err.find(told).unwrap_or_else(|| panic!("{told} in {err}"));
            let command = err[at + 1..].split('`').next().unwrap();
            let typed = command.replacen("inlay", env!("CARGO_BIN_EXE_inlay"), 1);
            let run = Command::new("sh").args(["-c", &typed]).current_dir(folder.path()).output().unwrap();
            let out = String::from_utf8(run.stdout).unwrap();
            let wanted = if told.contains("get") { "{\"x\": 1}" } else { "/x     number  1-1  1\n" };
            assert!(out.ends_with(wanted), "{command}: {out} {}", String::from_utf8_lossy(&run.stderr));
        }
    }
}

#[test]
fn a_colon_of_the_selectors_own_names_no_scheme() {
    let files = &[("a.html", "<p>x<b>y</b></p>"), ("a.md", "---\ntags: 1\n---\n# A\n")];
    let err = &["`p:has(b)` is no html selector: `:has(b)` is no pseudo-class that this program knows", "`#id`"];
    check(&Case {
        files,
        args: &["get", "a.html#p:has(b)"],
        code: 2,
        err,
        not_said: &["no scheme"],
        ..Case::default()
    });
    let err = &["`p` is no scheme", "the scheme stands before it: 'a.html#html:p:of(b)'"];
    check(&Case { files, args: &["get", "a.html#p:of(b)"], code: 2, err, ..Case::default() });
    let err = &["`:of(b)` is no pseudo-class"];
    check(&Case { files, args: &["get", "a.html#html:p:of(b)"], code: 2, err, ..Case::default() });
    for selector in ["front|ymal:/tags", "/A|ymal:/tags"] {
        let address = &format!("a.md#{selector}");
        let err = &["`ymal` is no scheme (did you mean `yaml`?); there are json"];
        check(&Case {
            files,
            args: &["get", address],
            code: if selector.starts_with('/') { 3 } else { 2 },
            err,
            ..Case::default()
        });
    }
}

#[test]
fn what_cannot_be_listed_is_told() {
    let twice = "{\n  \"a\": 1,\n  \"a\": 2\n}";
    check(&Case {
        files: &[("a.json", twice)],
        args: &["list", "a.json"],
        code: 3,
        err: &["error: a.json:3:3: the key `a` stands here for a second time, the first is on line 2\n"],
        not_said: &["no portions", "changed"],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.json", "[1, {\"a\": 1, \"a\": 2}]")],
        args: &["list", "a.json"],
        out: "/0  number  1-1  1\n",
        err: &["note: not listed: a.json:1:14: the key `a` stands here for a second time"],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.md", "# A\n\n# B\n\n# A\n")],
        args: &["--json", "list", "a.md"],
        out: "[{\"selector\":\"/B\",\"kind\":\"section\",\"lines\":[3,3],\"preview\":\"# B\"}]\n",
        err: &["note: not listed: `/A` is ambiguous, it stands in a.md on lines 1, 5\n"],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.md", "# A\n# A\n")],
        args: &["list", "a.md"],
        code: 3,
        err: &["error: `/A` matches 2 portions of a.md, on lines 1, 2\n"],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.txt", "x\n# inlay:begin q\n")],
        args: &["list", "a.txt"],
        code: 3,
        err: &["error: a.txt:2:1: `inlay:begin q` has no `inlay:end q`\n"],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.toml", "x = 1\n# inlay:begin q\n")],
        args: &["list", "a.toml"],
        out: "/x  integer  1-1  1\n",
        err: &["note: not listed: a.toml:2:1: `inlay:begin q` has no `inlay:end q`\n"],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.ini", "[s]\nk=1\n[s]\nl=2\n")],
        args: &["list", "-q", "a.ini"],
        out: "/s/k  key  2-2  1\n/s/l  key  4-4  2\n",
        not_said: &["note"],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.ini", "A=1\nA=2\n[s]\nk=1\nk=2\n")],
        args: &["list", "a.ini"],
        out: "/A/0    key  1-1  1\n/A/1    key  2-2  2\n/s/k/0  key  4-4  1\n/s/k/1  key  5-5  2\n",
        err: &["note: not listed: a.ini:5:1: `/s/k` stands here for the second time\n"],
        not_said: &["a.ini:2"],
        ..Case::default()
    });
    let err = &["error: nothing stands at `/b` in a.json\n", "did you mean `/a`?"];
    check(&Case { files: &[("a.json", "{\"a\": 1}")], args: &["list", "a.json#/b"], code: 3, err, ..Case::default() });
}

/// 3 says that the file is in the way, 1 that the edit is.
#[test]
fn exit_codes_tell_the_file_from_the_edit() {
    let deep = format!("{}1{}", "[".repeat(600), "]".repeat(600));
    for args in [&["get", "a.json#/0"], &["list", "a.json"], &["put", "a.json#/0"]] {
        let err = &["nested deeper than 512 levels"];
        check(&Case { files: &[("a.json", deep.as_str())], args, code: 3, err, ..Case::default() });
    }
    for args in [&["get", "none.json#/a"], &["list", "none.json"], &["put", "none.json#/a"], &["get", "none#/a"]] {
        let err = &["error: there is no file DIR/none", "hint: relative paths start at the working directory"];
        check(&Case { args, code: 3, err, ..Case::default() });
    }
    let yaml = "a: &x 1\nb: *x\nc: &y\n  d: *y\n";
    let (not_said, files) = (&["changed"], &[("a.yaml", yaml)]);
    let err = &["it holds an alias"];
    check(&Case { files, args: &["get", "a.yaml#/c"], code: 3, err, not_said, ..Case::default() });
    let (files, err) =
        (&[("a.yaml", "a: &x 1\nb: *x\n")], &["an alias elsewhere repeats it", "hint: nothing was changed"]);
    check(&Case { files, args: &["put", "a.yaml#/a"], input: "2\n", code: 1, err, ..Case::default() });
    for (args, code) in
        [(&["get", "a.json#/a"][..], 3), (&["list", "a.json"], 3), (&["put", "a.json#/a", "--remove"], 3)]
    {
        let (files, err) = (&[("a.json", "{\"a\": 1, \"b\" 2}")], &["a.json:1:14: ", "hint: put that right first"]);
        let changes = args.contains(&"--remove");
        let not_said: &[&str] = if changes { &[] } else { &["changed"] };
        check(&Case { files, args, code, err, not_said, ..Case::default() });
    }
}

/// Whatever a lens says when it only reads, it says of the file: 3. A selector that has no meaning is 2.
#[test]
fn what_cannot_be_read_is_3_whoever_reads_it() {
    let files = &[
        ("a.yaml", "c: &y\n  d: *y\n"),
        ("twice.json", "{\"a\": 1, \"a\": 2}"),
        ("inf.toml", "x = inf\n"),
        ("rows.json", "[{\"n\": 1}]"),
        ("b.json", "{}"),
        ("rows.csv", "id,n\n1,2\n"),
    ];
    for (args, said) in [
        (&["get", "a.yaml#/c"][..], "it holds an alias"),
        (&["get", "--value", "a.yaml#/c"], "it holds an alias"),
        (&["diff", "a.yaml#/c", "b.json#json:"], "it holds an alias"),
        (&["diff", "b.json#json:", "a.yaml#/c"], "it holds an alias"),
        (&["copy", "a.yaml#/c", "b.json#/c"], "it holds an alias"),
        (&["list", "twice.json"], "for a second time"),
        (&["get", "twice.json#json:"], "for a second time"),
        (&["get", "inf.toml#/x", "--value"], "json cannot say the number inf"),
        (
            &["diff", "--key", "id", "rows.json#json:", "rows.csv#rows"],
            "rows told apart by `id`: none has that, they have `n`",
        ),
        (
            &["copy", "--key", "id", "rows.json#json:", "rows.csv#rows"],
            "rows.json: json cannot say rows told apart by `id`",
        ),
        (
            &["copy", "--key", "id", "rows.csv#rows", "rows.json#json:"],
            "rows.json: json cannot say rows told apart by `id`",
        ),
        (
            &["copy", "--key", "no", "rows.csv#rows", "rows.json#json:"],
            "rows.csv: csv cannot say rows told apart by `no`: none has that, they have `id`, `n`",
        ),
    ] {
        let err = &[said];
        check(&Case { files, args, code: 3, err, not_said: &["``"], ..Case::default() });
    }
    for args in [&["get", "a.yaml#c"][..], &["list", "b.json#c"], &["diff", "rows.csv#row", "b.json#json:"]] {
        check(&Case { files, args, code: 2, err: &["selector"], ..Case::default() });
    }
    // The edit is in the way, and not the file.
    let err = &["inf.toml: toml cannot say null", "nothing was changed"];
    let args = &["put", "--value", "inf.toml#/x"];
    check(&Case { files, args, input: "null", code: 1, err, not_said: &["``"], ..Case::default() });
}

#[test]
fn what_is_wrong_with_the_input_is_said_of_it() {
    for (name, file, address, input, wrong) in [
        ("a.json", "{\"x\": 1}", "a.json#/x", "{\n  bad}", "standard input:2:3: "),
        ("a.json", "{\"x\": 1}", "a.json#/x", "{\"a\": 1, \"a\": 2}", "standard input:1:10: the key `a`"),
        ("a.json", "{\"x\": 1}", "a.json#/x", "", "standard input is empty: a.json would lose all of the portion"),
        ("a.toml", "[x]\ny = 1\n", "a.toml#/x", "y = 2\nz =\n", "standard input:2:"),
        ("a.toml", "x = 1\n", "a.toml#/x", "[1,", "standard input:1:"),
        ("a.yaml", "x: 1\n", "a.yaml#/x", "y: [\n", "standard input:"),
        ("a.ini", "[x]\ny = 1\n", "a.ini#/x", "y = 2\n= 3\n", "standard input:2:1: "),
        ("a.env", "A=1\n", "a.env#env:", "B='x\n", "standard input:1:3: "),
    ] {
        let err = &[format!("error: {wrong}")];
        let err: Vec<&str> = err.iter().map(String::as_str).chain(["nothing was changed"]).collect();
        check(&Case { files: &[(name, file)], args: &["put", address], input, code: 1, err: &err, ..Case::default() });
    }
    // In every format it is the edit that is refused, and not the file that cannot be read.
    for (name, file, address) in [
        ("a.rs", "fn a() {}\n", "a.rs#fn:a"),
        ("a.css", "a { color: red; }\n", "a.css#rule:a"),
        ("a.xml", "<a><b/></a>", "a.xml#/a/b"),
        ("a.jsonl", "{\"id\": 1}\n", "a.jsonl#id=1"),
        ("a.md", "# A\n", "a.md#/A"),
        ("nginx.conf", "server { listen 80; }\n", "nginx.conf#/server"),
        ("a.json", "{\"a\": 1}", "a.json#/a"),
    ] {
        let err = &["nothing was changed"];
        check(&Case { files: &[(name, file)], args: &["put", address], input: "}", code: 1, err, ..Case::default() });
        let args = &["put", "--value", address];
        let err = &["standard input:1:1: "];
        check(&Case { files: &[(name, file)], args, input: "}", code: 1, err, ..Case::default() });
    }
}

#[test]
fn a_list_of_tables_is_put_without_the_name_of_its_place() {
    for (file, args) in [("[[b]]\nx = 1\n", &["put", "a.toml#/b"][..]), ("", &["put", "--create", "a.toml#/b"])] {
        let (files, input) = (&[("a.toml", file)], "[[b]]\nx = 5\n");
        let err = &["`[[b]]` would be a list `b` in a table `b`", "`[[\"\"]]` heads each table of a list"];
        check(&Case { files, args, input, code: 1, err, ..Case::default() });
        let after = &[("a.toml", "[[b]]\nx = 5\n")];
        check(&Case { files, args, input: "[[\"\"]]\nx = 5\n", after, ..Case::default() });
    }
    // A table that holds such a list is put as `get` prints it.
    let files = &[("a.toml", "[[b.b]]\nx = 1\n")];
    let after = &[("a.toml", "[[b.b]]\nx = 5\n")];
    check(&Case { files, args: &["put", "a.toml#/b"], input: "[[b]]\nx = 5\n", after, ..Case::default() });
}

/// What is told after "did you mean", and where to look, is typed as it is.
#[test]
fn selectors_are_told_with_their_scheme() {
    let files = &[("a.txt", "v = 1\n# inlay:begin cluster\nx\n# inlay:end cluster\n")];
    let err = &[
        "nothing stands at `mark:clustr` in a.txt",
        "did you mean `mark:cluster`?",
        "`inlay list a.txt#mark:` shows",
        "`--create` inserts",
    ];
    check(&Case { files, args: &["put", "a.txt#mark:clustr"], code: 3, err, ..Case::default() });
    let out = "mark:cluster  region  2-4  x\n";
    check(&Case { files, args: &["list", "a.txt#mark:"], out, ..Case::default() });
    let err = &["nothing stands at `re:^w = (.*)$` in a.txt\n"];
    // Neither could that command show it, nor is it inserted.
    let not_said = &["inlay list", "--create"];
    for command in ["get", "list", "put"] {
        let args = &[command, "a.txt#re:^w = (.*)$"];
        check(&Case { files, args, code: 3, err, not_said, ..Case::default() });
    }
    let (files, err) = (&[("a.txt", "v\nw\n")], &["`re:^(.)` matches 2 portions of a.txt, on lines 1, 2"]);
    check(&Case { files, args: &["get", "a.txt#re:^(.)"], code: 3, err, ..Case::default() });
    let err = &["nothing stands at `/b` in a.json\n", "did you mean `/a`?"];
    check(&Case { files: &[("a.json", "{\"a\": 1}")], args: &["get", "a.json#/b"], code: 3, err, ..Case::default() });
}

#[test]
fn a_stage_is_listed_as_a_file_is() {
    let files = &[("a.csv", "id,s\n1,\"{\"\"x\"\": {\"\"y\"\": 2}}\"\n")];
    check(&Case {
        files,
        args: &["list", "-q", "a.csv#cell id=1/s|json:/x"],
        out: "'cell id=1/s|json:/x'    object  1-1  {\"y\": 2}\n'cell id=1/s|json:/x/y'  number  1-1  2\n",
        ..Case::default()
    });
    check(&Case {
        files,
        args: &["list", "a.csv#cell id=1/s"],
        err: &["'a.csv#cell id=1/s' has none below it: `inlay get` prints it"],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.html", "<div><p>a</p><p>b</p></div>")],
        args: &["list", "a.html"],
        out: "div  element  1-1  <div><p>a</p><p>b</p></div>\n",
        err: &["note: not listed: `p` is ambiguous, it stands in a.html on line 1"],
        ..Case::default()
    });
}

#[test]
fn no_message_names_an_empty_place() {
    for (name, text) in [("a.json", "1"), ("a.yaml", "1\n")] {
        let address = &format!("{name}#/x/y");
        let args = &["put", "--create", address];
        let err = &["the document is a number"];
        check(&Case { files: &[(name, text)], args, input: "1", code: 1, err, not_said: &["``"], ..Case::default() });
    }
    for (name, text, whole) in [("a.json", "{}", "a.json#json:"), ("a.rs", "fn a() {}\n", "a.rs#rust:")] {
        let code = if name == "a.rs" { 2 } else { 1 };
        let args = &["put", "--remove", whole];
        check(&Case { files: &[(name, text)], args, code, not_said: &["``"], ..Case::default() });
    }
}

#[test]
fn lines_and_bytes_past_the_end() {
    let files = &[("a.txt", "1\n2\n3\n")];
    check(&Case { files, args: &["get", "a.txt#lines:1,9"], out: "2\n3\n", ..Case::default() });
    check(&Case { files, args: &["get", "a.txt#bytes:4-99"], out: "3\n", ..Case::default() });
    check(&Case { files, args: &["get", "a.txt#lines:3,9"], code: 3, err: &["nothing stands"], ..Case::default() });
    check(&Case { files, args: &["get", "a.txt#bytes:6-"], code: 3, err: &["nothing stands"], ..Case::default() });
    let err =
        &["the file has 3 lines, and `1,9` ends behind them", "`1,3` or `1,` ends with it", "nothing was changed"];
    for args in [&["put", "a.txt#lines:1,9"][..], &["put", "--remove", "a.txt#lines:1,9"]] {
        check(&Case { files, args, input: "x\n", code: 1, err, ..Case::default() });
    }
    let err = &["the file has 6 bytes, fewer than `4-99` needs"];
    check(&Case { files, args: &["put", "a.txt#bytes:4-99"], input: "x", code: 1, err, ..Case::default() });
}

#[test]
fn a_section_begins_with_its_heading() {
    for input in ["new text\n", "## B\nnew\n"] {
        check(&Case {
            files: &[("a.md", "# A\n\n## B\nold\n")],
            args: &["put", "a.md#/A/B"],
            input,
            code: 1,
            err: &["begins with its heading at level 1, `# Name`", "as `inlay get` prints it", "nothing was changed"],
            ..Case::default()
        });
    }
}

#[test]
fn copy_says_what_became_of_what_stood_there() {
    let files =
        &[("a.json", "{\"m\": {\"a\": 1, \"b\": 2, \"n\": 3}}"), ("b.toml", "[m]\na = 1\nb = 3\nold = 1\nolder = 2\n")];
    let after = &[("b.toml", "[m]\na = 1\nb = 2\nn = 3\n")];
    check(&Case {
        files,
        args: &["copy", "a.json#/m", "b.toml#/m"],
        err: &["wrote b.toml: 1 key added, 1 changed, 2 removed (`/old`, `/older`)\n"],
        after,
        ..Case::default()
    });
    let counts = "\"new\":false,\"unit\":\"key\",\"added\":1,\"changed\":1,\"removed\":2,\"removed_at\":[\"/old\",\"/older\"]}\n";
    let out = &format!("{{\"written\":true,{counts}");
    check(&Case { files, args: &["--json", "copy", "a.json#/m", "b.toml#/m"], out, after, ..Case::default() });
    let out = &format!("{{\"written\":false,{counts}");
    check(&Case { files, args: &["--json", "copy", "--dry-run", "a.json#/m", "b.toml#/m"], out, ..Case::default() });
    check(&Case {
        files: &[("a.md", "# A\none\ntwo\n"), ("b.md", "# A\nzero\ntwo\nthree\n")],
        args: &["copy", "a.md#/A", "b.md#/A"],
        err: &["wrote b.md: 1 line added, 2 removed\n"],
        after: &[("b.md", "# A\none\ntwo\n")],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.json", CLAUDE), ("c.toml", CODEX)],
        args: &["copy", "a.json#/numStartups", "c.toml#/started"],
        err: &["wrote c.toml: nothing stood there before\n"],
        after: &[("c.toml", &CODEX.replace("\"o3\"\n", "\"o3\"\nstarted = 3\n"))],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.json", "{\"x\": [1, 2]}"), ("b.json", "{\"x\": [ 1, 2 ]}")],
        args: &["copy", "a.json#/x", "b.json#/x"],
        err: &["wrote b.json: it means the same, only the text changed\n"],
        after: &[("b.json", "{\"x\": [1, 2]}")],
        ..Case::default()
    });
}

#[test]
fn rows_are_counted_by_their_key() {
    let files = &[
        (
            "a.json",
            "[{\"id\": 3, \"n\": 1, \"m\": 1}, {\"id\": 1, \"n\": 1, \"m\": 2}, {\"id\": 4, \"n\": 5, \"m\": 5}]",
        ),
        (
            "b.json",
            "[{\"id\": 1, \"n\": 1, \"m\": 2}, {\"id\": 2, \"n\": 0, \"m\": 0}, {\"id\": 3, \"n\": 2, \"m\": 2}]",
        ),
    ];
    let after = &[(
        "b.json",
        "[{\"id\": 1, \"n\": 1, \"m\": 2}, {\"id\": 4, \"n\": 5, \"m\": 5}, {\"id\": 3, \"n\": 1, \"m\": 1}]",
    )];
    let err = &["wrote b.json: 1 row added, 1 changed, 1 removed (`/2`)\n"];
    let args = &["copy", "--key", "id", "a.json#json:", "b.json#json:"];
    check(&Case { files, args, err, after, ..Case::default() });
}

/// What is text in one file and a number in the other goes by how it is written: hexadecimal is no number of CSV, nor of JSON.
#[test]
fn what_only_looks_like_a_number_stays_text() {
    let files = &[
        ("a.csv", "sku,n\n0x10,0x1F\n7,1.50\n"),
        ("b.json", "[{\"sku\": \"0x10\", \"n\": 5}, {\"sku\": \"7\", \"n\": 6}]"),
    ];
    let after = &[("b.json", "[{\"sku\": \"0x10\", \"n\": \"0x1F\"}, {\"sku\": \"7\", \"n\": 1.50}]")];
    check(&Case {
        files,
        args: &["copy", "--key", "sku", "a.csv#rows", "b.json#json:", "-q"],
        after,
        ..Case::default()
    });
    check(&Case { files, args: &["copy", "a.csv#rows", "b.json#json:", "-q"], after, ..Case::default() });
    let files = &[("a.csv", "sku\n0x10\n0x11\n"), ("b.json", "{}")];
    let after = &[(
        "b.json",
        "{\n  \"x\": [\n    {\n      \"sku\": \"0x10\"\n    },\n    {\n      \"sku\": \"0x11\"\n    }\n  ]\n}",
    )];
    check(&Case { files, args: &["copy", "--key", "sku", "a.csv#rows", "b.json#/x", "-q"], after, ..Case::default() });
}

/// One server of several, by each program's own words.
#[test]
fn one_server_is_copied_and_compared_in_its_programs_words() {
    let folder = tempfile::tempdir().unwrap();
    let (claude, codex) = (folder.path().join(".claude.json"), folder.path().join(".codex/config.toml"));
    fs::create_dir(folder.path().join(".codex")).unwrap();
    fs::write(folder.path().join("input"), "").unwrap();
    let json = "{\n  \"mcpServers\": {\n    \"docs\": {\"type\": \"http\", \"url\": \"https://x.test\", \"headers\": {\"A\": \"b\"}, \"timeout\": 9}\n  }\n}\n";
    fs::write(&claude, json).unwrap();
    fs::write(&codex, "# mine\n[mcp_servers.docs]\nurl = \"old\"\ntool_timeout_sec = 3 # slow\n").unwrap();
    let (one, other) = (".claude.json#/mcpServers/docs", ".codex/config.toml#/mcp_servers/docs");
    let ran = |args: &[&str]| {
        let done = inlay(folder.path(), args);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (done.status.code(), text(done.stdout), text(done.stderr))
    };
    let (code, out, err) = ran(&["diff", one, other]);
    assert_eq!(
        (code, &out[..]),
        (Some(4), "~ /url: \"https://x.test\" → \"old\"\n- /headers: { \"A\": \"b\" }\n"),
        "{err}"
    );
    assert!(err.contains("`mcp:claude/server`") && err.contains("`mcp:codex/server`"), "{err}");
    assert_eq!(ran(&["copy", one, other]).0, Some(0));
    assert_eq!(
        fs::read_to_string(&codex).unwrap(),
        "# mine\n[mcp_servers.docs]\nurl = \"https://x.test\"\ntool_timeout_sec = 3 # slow\n\n[mcp_servers.docs.http_headers]\nA = \"b\"\n"
    );
    assert_eq!(ran(&["diff", one, other]).0, Some(0));
    fs::write(&codex, fs::read_to_string(&codex).unwrap().replace("x.test", "y.test")).unwrap();
    assert_eq!(ran(&["copy", other, one]).0, Some(0));
    assert_eq!(fs::read_to_string(&claude).unwrap(), json.replace("x.test", "y.test"));
}

#[test]
fn texts_of_two_formats_are_not_compared() {
    let files = &[("a.json", "{\"x\": {\"y\": 1}}"), ("b.toml", "[x]\ny = 1\n")];
    let err = &["error: --text compares texts, and `a.json#/x` is json, `b.toml#/x` toml\n", "without --text"];
    check(&Case { files, args: &["diff", "--text", "a.json#/x", "b.toml#/x"], code: 2, err, ..Case::default() });
    check(&Case { files, args: &["diff", "a.json#/x", "b.toml#/x"], ..Case::default() });
}

fn inlay(folder: &Path, args: &[&str]) -> Output {
    let input = fs::File::open(folder.join("input")).unwrap();
    Command::new(env!("CARGO_BIN_EXE_inlay")).args(args).current_dir(folder).stdin(input).output().unwrap()
}

#[test]
fn utf_16_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("input"), "2").unwrap();
    let utf_16 = |bom: &str, text: &str| -> Vec<u8> {
        format!("{bom}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    for (name, text, selector) in [
        ("a.json", "{\"a\": 1}", "/a"),
        ("a.toml", "a = 1\n", "/a"),
        ("a.yaml", "a: 1\n", "/a"),
        ("a.ini", "[a]\nb=1\n", "/a/b"),
        ("a.md", "# A\n", "/A"),
        ("a.txt", "a\nb\n", "lines:0,1"),
    ] {
        for bom in ["\u{feff}", ""] {
            fs::write(folder.path().join(name), utf_16(bom, text)).unwrap();
            let address = format!("{name}#{selector}");
            for args in [
                vec!["get", &address],
                vec!["put", &address],
                vec!["put", "--remove", &address],
                vec!["list", &address],
            ] {
                let done = inlay(folder.path(), &args);
                let err = String::from_utf8(done.stderr).unwrap();
                assert_eq!(done.status.code(), Some(3), "{args:?}: {err}");
                let expected = format!(
                    "error: {name}:1:1: the file is UTF-16, which only `bytes:` can address; convert it to UTF-8\n"
                );
                assert!(err.starts_with(&expected), "{args:?}: {err}");
            }
        }
    }
}

/// A byte order mark is told by no portion of text, and put into none.
#[test]
fn a_byte_order_mark_belongs_to_the_file() {
    for (address, before, input, after) in [
        ("a.json#/a", "\u{feff}{\"a\": 1}", "\u{feff}2\n", "\u{feff}{\"a\": 2}"),
        ("a.txt#lines:1,2", "x\ny\n", "\u{feff}z\n", "x\nz\n"),
        ("a.txt#bytes:0-3", "x\ny\n", "\u{feff}z", "\u{feff}z"),
    ] {
        let name = address.split_once('#').unwrap().0;
        check(&Case {
            files: &[(name, before)],
            args: &["put", "-q", address],
            input,
            after: &[(name, after)],
            ..Case::default()
        });
    }
}

/// DEL is told as it stands, but in JSON, which has a way to write it.
#[test]
fn what_json_escapes_other_lines_do_not() {
    let files = [("a.json", "{\"k\": \"a\u{7f}b\"}"), ("b.json", "{\"k\": \"ab\"}"), ("c.json", "{\"a\u{7f}b\": 1}")];
    let escaped = "\"a\\u007fb\"\n";
    check(&Case { files: &files, args: &["get", "a.json#/k", "--value"], out: escaped, ..Case::default() });
    let differs = "~ /k: \"a\\u007fb\" → \"ab\"\n--- a.json#json:\n+++ b.json#json:\n@@ -1 +1 @@\n-{\"k\": \"a\u{7f}b\"}\n\\ No newline at end of file\n+{\"k\": \"ab\"}\n\\ No newline at end of file\n";
    check(&Case {
        files: &files,
        args: &["diff", "a.json#json:", "b.json#json:"],
        out: differs,
        code: 4,
        ..Case::default()
    });
    let listed = "json:   object  1-1  {\"a\u{fffd}b\": 1}\n'/a\u{7f}b'  number  1-1  1\n";
    check(&Case { files: &files, args: &["list", "c.json"], out: listed, ..Case::default() });
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("input"), "2").unwrap();
    std::os::unix::fs::symlink("no where", folder.path().join("a.json")).unwrap();
    for (args, code) in [
        (&["get", "a.json#/a"][..], 3),
        (&["list", "a.json"], 3),
        (&["put", "a.json#/a"], 3),
        (&["put", "--create", "a.json#/a"], 1),
    ] {
        let done = inlay(folder.path(), args);
        let err = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(code), "{err}");
        assert!(err.contains("it is a symbolic link to '") && err.contains("/no where', which is not there"), "{err}");
    }
}

#[cfg(unix)]
#[test]
fn a_hard_link_is_refused_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("input"), "2").unwrap();
    fs::write(folder.path().join("a.json"), "{\"a\": 1}").unwrap();
    fs::hard_link(folder.path().join("a.json"), folder.path().join("b.json")).unwrap();
    let done = inlay(folder.path(), &["put", "a.json#/a"]);
    let err = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1), "{err}");
    for wanted in ["2 names (hard links)", "nothing was changed", "-samefile ", "a.json.own-1 && mv "] {
        assert!(err.contains(wanted), "no {wanted:?} in {err}");
    }
}

/// The command that is told is safe: a link stays one, and no file is overwritten.
#[cfg(unix)]
#[test]
fn a_link_to_a_hard_link_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::write(file("input"), "2").unwrap();
    fs::create_dir(file("it's here")).unwrap();
    fs::write(file("it's here/a.json"), "{\"a\": 1}").unwrap();
    fs::write(file("it's here/a.json.own-1"), "mine").unwrap();
    fs::hard_link(file("it's here/a.json"), file("b.json")).unwrap();
    std::os::unix::fs::symlink("it's here/a.json", file("link.json")).unwrap();
    let done = inlay(folder.path(), &["put", "link.json#/a"]);
    let err = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1), "{err}");
    assert!(err.contains("here/a.json\n") && !err.contains("link.json"), "{err}");
    let command = &err[err.find("`cp ").unwrap() + 1..];
    let command = command.split('`').next().unwrap();
    let pasted = Command::new("sh").args(["-c", command]).current_dir(folder.path()).output().unwrap();
    assert!(pasted.status.success(), "{command}: {pasted:?}");
    assert!(fs::symlink_metadata(file("link.json")).unwrap().is_symlink());
    let done = inlay(folder.path(), &["put", "link.json#/a"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    for (name, text) in
        [("it's here/a.json", "{\"a\": 2}"), ("b.json", "{\"a\": 1}"), ("it's here/a.json.own-1", "mine")]
    {
        assert_eq!(fs::read_to_string(file(name)).unwrap(), text, "{name}");
    }
}

/// Whoever reads the output may go away.
#[cfg(unix)]
#[test]
fn a_pipe_that_is_closed_ends_a_list_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let many: Vec<String> = (0..20_000).map(|number| format!("\"key {number}\": {number}")).collect();
    fs::write(folder.path().join("a.json"), format!("{{{}}}", many.join(",\n"))).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_inlay"))
        .args(["list", "a.json"])
        .current_dir(folder.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success());
    assert_eq!(String::from_utf8(done.stderr).unwrap(), "");
}

/// What is put by value into an env file is what a shell reads there.
#[cfg(unix)]
#[test]
fn a_shell_reads_the_value_that_was_put() {
    let folder = tempfile::tempdir().unwrap();
    for value in ["cost: $5", "two\nlines", "it's", "`id`", "a\\b", "\"q\"", "$(id) ${HOME}"] {
        fs::write(folder.path().join(".env"), "A=\"old\"\nB=1\n").unwrap();
        fs::write(folder.path().join("input"), serde_json::to_string(value).unwrap()).unwrap();
        let done = inlay(folder.path(), &["put", "--value", ".env#/A"]);
        assert!(done.status.success(), "{value}: {}", String::from_utf8_lossy(&done.stderr));
        let shell =
            Command::new("sh").args(["-c", ". ./.env; printf %s \"$A\""]).current_dir(folder.path()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&shell.stdout), value);
    }
    fs::write(folder.path().join("input"), "\"it's $5\"").unwrap();
    let done = inlay(folder.path(), &["put", "--value", ".env#/A"]);
    let err = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1), "{err}");
    assert!(err.contains("env cannot say a single quote beside `$`"), "{err}");
}

#[test]
fn the_kind_of_a_value_counts_where_both_know_it() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    write("a.json", r#"{"port": 8080}"#);
    write("a.toml", "port = 8080 # of the server\n");
    write("a.ini", "port = 8080\n");
    write("input", "\"8080\"");
    let code = |args: &[&str]| inlay(folder.path(), args).status.code();
    assert_eq!(code(&["diff", "a.json#/port", "a.toml#/port"]), Some(0));
    assert_eq!(code(&["put", "--value", "a.toml#/port"]), Some(0));
    assert_eq!(code(&["put", "--value", "a.ini#/port"]), Some(0));
    assert_eq!(read("a.toml"), "port = \"8080\" # of the server\n");
    assert_eq!(read("a.ini"), "port = 8080\n");
    assert_eq!(code(&["diff", "a.json#/port", "a.toml#/port"]), Some(4));
    assert_eq!(code(&["diff", "a.json#/port", "a.ini#/port"]), Some(0));
    assert_eq!(code(&["put", "--value", "a.json#/port"]), Some(0));
    assert_eq!(read("a.json"), r#"{"port": "8080"}"#);
    write("a.toml", "port = 8080\n");
    assert_eq!(code(&["copy", "a.json#/port", "a.toml#/port"]), Some(0));
    assert_eq!(code(&["copy", "a.json#/port", "a.ini#/port"]), Some(0));
    assert_eq!((read("a.toml"), read("a.ini")), ("port = \"8080\"\n".to_owned(), "port = 8080\n".to_owned()));
}

#[test]
fn an_empty_input_empties_texts_alone() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("input", "\n");
    for (name, selector, text) in [
        ("a.yaml", "yaml:", "a: 1\n"),
        ("a.yaml", "/a", "a:\n  b: 1\n"),
        ("a.toml", "toml:", "a = 1\n"),
        ("a.toml", "/a", "[a]\nb = 1\n"),
        ("a.ini", "/a", "[a]\nb = 1\n"),
        (".env", "env:", "A=1\n"),
    ] {
        write(name, text);
        let done = inlay(folder.path(), &["put", &format!("{name}#{selector}")]);
        let err = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(1), "{name} {selector}: {err}");
        assert!(err.contains("standard input is empty") && err.contains("if that is meant"), "{err}");
        assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), text);
    }
    // What is text may be empty; what is empty stays so.
    write("a.txt", "# inlay:begin a\nx\n# inlay:end a\n");
    assert!(inlay(folder.path(), &["put", "a.txt#mark:a"]).status.success());
    assert_eq!(fs::read_to_string(folder.path().join("a.txt")).unwrap(), "# inlay:begin a\n\n# inlay:end a\n");
    write("a.yaml", "\n");
    assert!(inlay(folder.path(), &["put", "a.yaml#yaml:"]).status.success());
}

#[test]
fn a_list_takes_no_place_of_a_whole_toml_file() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("l.json", "[1, 2]\n");
    write("input", "[{\"a\": 1}]\n");
    for args in [&["copy", "l.json#json:", "c.toml#toml:"][..], &["put", "--value", "c.toml#toml:"]] {
        write("c.toml", "# keep\na = 1\n");
        let done = inlay(folder.path(), args);
        let err = String::from_utf8(done.stderr).unwrap();
        assert!(!done.status.success() && err.contains("a list as a whole file"), "{args:?}: {err}");
        assert_eq!(fs::read_to_string(folder.path().join("c.toml")).unwrap(), "# keep\na = 1\n");
        fs::remove_file(folder.path().join("c.toml")).unwrap();
    }
    let done = inlay(folder.path(), &["put", "--value", "--create", "c.toml#toml:"]);
    assert!(!done.status.success() && !folder.path().join("c.toml").exists());
}

#[test]
fn a_word_is_what_a_new_key_says() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(".gitconfig", "[user]\n\temail = j@y\n");
    for word in ["Jane", "false", "a b"] {
        write(".gitconfig", "[user]\n\temail = j@y\n");
        write("input", &format!("{word}\n"));
        assert!(inlay(folder.path(), &["put", "--create", ".gitconfig#/user/name"]).status.success(), "{word}");
        let after = fs::read_to_string(folder.path().join(".gitconfig")).unwrap();
        assert_eq!(after, format!("[user]\n\temail = j@y\n\tname = {word}\n"));
    }
    write("a.ini", "[s]\na = 1\n");
    write("input", "b = 2\n");
    assert!(inlay(folder.path(), &["put", "--create", "a.ini#/t"]).status.success());
    assert_eq!(fs::read_to_string(folder.path().join("a.ini")).unwrap(), "[s]\na = 1\n\n[t]\nb = 2\n");
    // Where it goes nowhere, the reason is the key's.
    write("q.service", "[Service]\nE=1\nE=2\n");
    write("input", "x\n");
    for (address, why) in [
        ("q.service#/Service/E/5", "there is no place for item 5; the next one is item 2"),
        ("a.ini#/s/a=b", "a key that holds `=`"),
    ] {
        let output = inlay(folder.path(), &["put", "--create", address]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains(why), "{address}: {said}");
    }
    let output = inlay(folder.path(), &["get", "q.service#/Service/E"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("`/0` is the first"));
}

#[test]
fn a_dry_run_promises_no_file_in_a_folder_that_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("input"), "1\n").unwrap();
    for more in [&["--dry-run"][..], &[]] {
        let output = inlay(folder.path(), &[&["put", "--create", "none/n.json#/a"], more].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(1) && said.contains("its folder is missing") && said.contains("mkdir -p"),
            "{said}"
        );
    }
}
