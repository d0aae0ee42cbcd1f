//! The commands that need no service, run as the real program on real files.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod databases;
mod told;

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

/// Files before, a command line, and what must come of it.
#[derive(Default)]
struct Case<'a> {
    files: &'a [(&'a str, &'a str)],
    args: &'a [&'a str],
    input: &'a str,
    code: i32,
    /// All of standard output; `DIR` stands for the folder.
    out: &'a str,
    /// Each must be in standard error.
    err: &'a [&'a str],
    /// None may be in standard error.
    not_said: &'a [&'a str],
    /// Files that must then hold exactly this.
    after: &'a [(&'a str, &'a str)],
}

#[track_caller]
fn check(case: &Case<'_>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in case.files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_inlay"))
        .args(case.args)
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .env_remove("INLAY_HOME")
        .env_remove("XDG_DATA_HOME")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input closes it.
    let _ = child.stdin.take().unwrap().write_all(case.input.as_bytes());
    let done = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| {
        let real = folder.path().canonicalize().unwrap();
        String::from_utf8(bytes.to_vec()).unwrap().replace(real.to_str().unwrap(), "DIR")
    };
    let (out, err) = (text(&done.stdout), text(&done.stderr));
    let told = format!("inlay {}\nout: {out}\nerr: {err}", case.args.join(" "));
    assert_eq!(done.status.code(), Some(case.code), "{told}");
    assert_eq!(out, case.out, "{told}");
    for wanted in case.err {
        assert!(err.contains(wanted), "no {wanted:?} in {told}");
    }
    for (name, text) in case.after.iter().chain(if case.after.is_empty() { case.files } else { &[] }) {
        assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), *text, "{name} after {told}");
    }
    for unwanted in case.not_said {
        assert!(!err.contains(unwanted), "{unwanted:?} in {told}");
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("inlay-")), "left behind: {left:?}");
}

const CLAUDE: &str = "{\n  \"numStartups\": 3,\n  \"mcpServers\": {\n    \"github\": {\n      \"type\": \"stdio\",\n      \"command\": \"npx\",\n      \"args\": [\"-y\", \"server\"]\n    }\n  }\n}\n";
const CODEX: &str =
    "# mine\nmodel = \"o3\"\n\n[mcp_servers.github]\ncommand = \"npx\" # here\nargs = [\"-y\", \"server\"]\n";

/// What `get` prints of a key can be put as one that is missing.
#[test]
fn a_missing_key_is_put_as_get_prints_it() {
    for (name, text, at, after) in [
        ("c.ini", "[a]\nx = 1\n", "/a/y", "[a]\nx = 1\ny = v\n"),
        ("c.env", "A=1\n", "/B", "A=1\nB=v\n"),
        ("c.properties", "a=1\n", "/b", "a=1\nb=v\n"),
        ("c.service", "[Unit]\nA=1\n", "/Unit/B", "[Unit]\nA=1\nB=v\n"),
    ] {
        check(&Case {
            files: &[(name, text)],
            args: &["put", &format!("{name}#{at}"), "--create"],
            input: "v\n",
            after: &[(name, after)],
            ..Case::default()
        });
    }
}

#[test]
fn get_prints_the_fragment() {
    check(&Case {
        files: &[("a.json", CLAUDE)],
        args: &["get", "a.json#/mcpServers/github/args"],
        out: "[\"-y\", \"server\"]",
        ..Case::default()
    });
    check(&Case {
        files: &[("a.json", CLAUDE)],
        args: &["get", "~/a.json#/mcpServers/github"],
        out: "{\n  \"type\": \"stdio\",\n  \"command\": \"npx\",\n  \"args\": [\"-y\", \"server\"]\n}",
        ..Case::default()
    });
    check(&Case {
        files: &[("a.txt", "one\n# inlay:begin x\ntwo\n# inlay:end x\n")],
        args: &["get", "a.txt#mark:x"],
        out: "two\n",
        ..Case::default()
    });
    check(&Case {
        files: &[("a.ini", "[s]\nkey = a word\n")],
        args: &["get", "--value", "a.ini#/s/key"],
        out: "\"a word\"\n",
        ..Case::default()
    });
    check(&Case {
        files: &[("a.json", r#"{"k":"a\u007fb"}"#)],
        args: &["get", "--value", "a.json#/k"],
        out: "\"a\\u007fb\"\n",
        ..Case::default()
    });
}

#[test]
fn what_is_not_there_is_told_with_what_is_near() {
    check(&Case {
        files: &[("a.json", CLAUDE)],
        args: &["get", "a.json#/mcpServer"],
        code: 3,
        err: &["error: nothing stands at `/mcpServer` in a.json\n", "did you mean `/mcpServers`", "inlay list a.json"],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.json", "{\n  \"a\": 1,\n  \"b\" 2\n}\n")],
        args: &["get", "a.json#/a"],
        code: 3,
        err: &["error: a.json:3:7: "],
        ..Case::default()
    });
    check(&Case {
        args: &["get", "none.json#/a"],
        code: 3,
        err: &["error: there is no file DIR/none.json\n"],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.txt", "hello\n")],
        args: &["get", "a.txt#/a"],
        code: 2,
        err: &["a.txt: neither the name nor the content tells the format", "#mark:NAME"],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.json", CLAUDE)],
        args: &["get", "a.json"],
        code: 2,
        err: &["`a.json` names a file, not a portion of it", "`inlay list a.json`"],
        ..Case::default()
    });
    check(&Case {
        args: &["get", "nas:a.json#/a"],
        code: 2,
        err: &["another machine (agent `nas`)"],
        ..Case::default()
    });
    check(&Case { args: &["get", "a.json#"], code: 2, err: &["a.json#"], ..Case::default() });
    check(&Case { args: &["get"], code: 2, err: &["ADDRESS"], ..Case::default() });
}

#[test]
fn the_end_of_the_inputs_line_goes_into_no_attribute() {
    let xml = [("a.xml", "<a b=\"1\"><c>x</c></a>\n")];
    let put = |args: &'static [&'static str], after: &'static str| {
        let after = [("a.xml", after)];
        check(&Case { files: &xml, args, input: "new\n", after: &after, ..Case::default() });
    };
    put(&["put", "-q", "a.xml#/a/@b"], "<a b=\"new\"><c>x</c></a>\n");
    put(&["put", "-q", "a.xml#/a/c/text()"], "<a b=\"1\"><c>new</c></a>\n");
    check(&Case {
        files: &[("a.txt", "v = 1;\n")],
        args: &["put", "-q", r"a.txt#re:v = (\d+|new);"],
        input: "new\n",
        after: &[("a.txt", "v = new;\n")],
        ..Case::default()
    });
    // What is read byte by byte is written so.
    check(&Case {
        files: &[("a.bin", "abcd")],
        args: &["put", "-q", "a.bin#bytes:1-3"],
        input: "xy\n",
        after: &[("a.bin", "axy\n")],
        ..Case::default()
    });
}

#[test]
fn two_files_are_no_groups() {
    check(&Case {
        files: &[("a.json", "{}"), ("b.json", "{}")],
        args: &["diff", "a.json", "b.json"],
        code: 2,
        err: &["PATH#SELECTOR"],
        ..Case::default()
    });
}

#[test]
fn put_changes_nothing_else() {
    let crlf = "\u{feff}{\r\n\t\"a\": 1, \"b\" : [1,2],\r\n\t\"c\": null\r\n}";
    check(&Case {
        files: &[("a.json", crlf)],
        args: &["put", "a.json#/b"],
        input: "{\n  \"x\": true\n}\n",
        err: &["wrote a.json"],
        after: &[("a.json", "\u{feff}{\r\n\t\"a\": 1, \"b\" : {\r\n\t\t\"x\": true\r\n\t},\r\n\t\"c\": null\r\n}")],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.json", CLAUDE)],
        args: &["put", "a.json#/numStartups", "-q"],
        input: "3\n",
        after: &[("a.json", CLAUDE)],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.ini", "; top\n[s]\nkey = 1 ; note\nother=2\n")],
        args: &["put", "--value", "a.ini#/s/other"],
        input: "\"three\"",
        after: &[("a.ini", "; top\n[s]\nkey = 1 ; note\nother=three\n")],
        ..Case::default()
    });
}

#[test]
fn put_refuses_what_would_not_be_the_portion() {
    check(&Case {
        files: &[("a.json", CLAUDE)],
        args: &["put", "a.json#/numStartups"],
        input: "{\"open\": ",
        code: 1,
        err: &["error: standard input:1:10: ", "nothing was changed"],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.json", CLAUDE)],
        args: &["put", "a.json#/new"],
        input: "1",
        code: 3,
        err: &["nothing stands at `/new`", "`--create` inserts what is missing"],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.json", CLAUDE)],
        args: &["put", "--value", "a.json#/numStartups"],
        input: "not json",
        code: 1,
        err: &["error: standard input:1:1: "],
        ..Case::default()
    });
    check(&Case {
        args: &["put", "--remove", "--create", "a.json#/a"],
        code: 2,
        err: &["cannot be used with"],
        ..Case::default()
    });
}

#[test]
fn put_creates_removes_and_rehearses() {
    check(&Case {
        files: &[("a.json", "{\n  \"a\": 1\n}\n")],
        args: &["put", "--create", "a.json#/b/c"],
        input: "[1]\n",
        after: &[("a.json", "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": [1]\n  }\n}\n")],
        ..Case::default()
    });
    check(&Case {
        args: &["put", "--create", "new.json#/a"],
        input: "1",
        after: &[("new.json", "{\n  \"a\": 1\n}\n")],
        ..Case::default()
    });
    check(&Case {
        files: &[("empty.json", "")],
        args: &["put", "--create", "--value", "empty.json#/a"],
        input: "true",
        after: &[("empty.json", "{\n  \"a\": true\n}\n")],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.json", "{\n  \"a\": 1,\n  \"b\": 2\n}\n")],
        args: &["put", "--remove", "a.json#/b"],
        after: &[("a.json", "{\n  \"a\": 1\n}\n")],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.json", "{\n  \"a\": 1,\n  \"b\": 2\n}\n")],
        args: &["put", "--dry-run", "a.json#/b"],
        input: "3",
        out: "--- a.json (now)\n+++ a.json (then)\n@@ -1,4 +1,4 @@\n {\n   \"a\": 1,\n-  \"b\": 2\n+  \"b\": 3\n }\n",
        err: &["nothing was written"],
        ..Case::default()
    });
}

/// A whole document can be put where there is no file yet, and copied there.
#[test]
fn a_whole_document_makes_its_file() {
    for (name, text) in [
        ("a.json", "{\n  \"a\": 1\n}\n"),
        ("a.toml", "a = 1\n\n[b]\nc = 2\n"),
        ("a.yaml", "a: 1\nb:\n  - 2\n"),
        ("a.ini", "[s]\nk = v\n"),
        ("a.env", "A=1\n"),
        ("a.properties", "a=1\n"),
    ] {
        let made = format!("new-{name}");
        let whole = |file: &str| format!("{file}#{}:", name.split_once('.').unwrap().1);
        check(&Case {
            args: &["put", "--create", &whole(&made)],
            input: text,
            err: &["wrote new-"],
            after: &[(&made, text)],
            ..Case::default()
        });
        check(&Case {
            files: &[(name, text)],
            args: &["copy", &whole(name), &whole(&made)],
            err: &["nothing stood there before"],
            after: &[(name, text), (&made, text)],
            ..Case::default()
        });
        check(&Case {
            files: &[(name, text)],
            args: &["put", &whole(&made)],
            code: 3,
            err: &["`--create` inserts what is missing"],
            ..Case::default()
        });
    }
}

/// What is read from standard input mostly ends its line: an element is put with it as without.
#[test]
fn an_element_is_created_from_a_line() {
    check(&Case {
        args: &["put", "--create", "new.xml#/a"],
        input: "<a><b>1</b></a>\n",
        after: &[("new.xml", "<a><b>1</b></a>\n")],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.xml", "<a>\n  <b>1</b>\n</a>\n")],
        args: &["put", "--create", "a.xml#/a/c"],
        input: "\n<c>2</c>\n",
        after: &[("a.xml", "<a>\n  <b>1</b>\n  <c>2</c>\n</a>\n")],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.xml", "<a/>\n")],
        args: &["put", "--create", "a.xml#/a/c"],
        input: "<c>2</c>\n<d/>\n",
        code: 1,
        err: &["standard input:"],
        ..Case::default()
    });
}

#[test]
fn list_shows_what_can_be_addressed() {
    check(&Case {
        files: &[("a.json", "{\n  \"a\": {\"b\": 1},\n  \"c d\": \"x\"\n}\n")],
        args: &["list", "a.json#/a", "-q"],
        out: "/a    object  2-2  {\"b\": 1}\n/a/b  number  2-2  1\n",
        ..Case::default()
    });
    check(&Case {
        files: &[("a.txt", "# inlay:begin x\ntwo words\n# inlay:end x\n")],
        args: &["list", "a.txt"],
        out: "mark:x  region  1-3  two words\n",
        err: &["`inlay get a.txt#mark:x` prints one"],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.json", "{\"a\": 1}")],
        args: &["--json", "list", "a.json#/a"],
        out: "[{\"selector\":\"/a\",\"kind\":\"number\",\"lines\":[1,1],\"preview\":\"1\"}]\n",
        ..Case::default()
    });
    check(&Case {
        files: &[("a.txt", "x")],
        args: &["list", "a.txt"],
        code: 2,
        err: &["neither the name"],
        ..Case::default()
    });
}

#[test]
fn diff_tells_by_exit_code() {
    let files: &[(&str, &str)] =
        &[("a.json", "{\"x\": 1, \"y\": [1, 2]}"), ("b.json", "{\"y\": [1, 3], \"x\": 1.0, \"z\": null}")];
    check(&Case {
        files,
        args: &["diff", "a.json#/x", "b.json#/x", "-q"],
        out: "--- a.json#/x\n+++ b.json#/x\n@@ -1 +1 @@\n-1\n\\ No newline at end of file\n+1.0\n\\ No newline at end of file\n",
        ..Case::default()
    });
    check(&Case {
        files,
        args: &["--json", "diff", "--text", "a.json#/x", "b.json#/x"],
        code: 4,
        out: "{\"same_text\":false,\"same_value\":true,\"differences\":[]}\n",
        ..Case::default()
    });
    check(&Case { files, args: &["--json", "diff", "a.json#", "b.json#"], code: 2, ..Case::default() });
    check(&Case {
        files,
        args: &["--json", "diff", "a.json#json:", "b.json#json:"],
        code: 4,
        out: "{\"same_text\":false,\"same_value\":false,\"differences\":[{\"path\":\"/y/1\",\"a\":2,\"b\":3},{\"path\":\"/z\",\"a\":null,\"b\":null}]}\n",
        ..Case::default()
    });
    check(&Case { files, args: &["diff", "a.json#/y", "a.json#/y"], err: &["they are the same"], ..Case::default() });
    check(&Case { files, args: &["diff", "a.json#/none", "b.json#/y"], code: 3, ..Case::default() });
}

#[test]
fn copy_within_a_format_copies_the_text() {
    check(&Case {
        files: &[("a.json", CLAUDE), ("b.json", "{\n    \"mcpServers\": {}\n}\n")],
        args: &["copy", "a.json#/mcpServers/github/args", "b.json#/args"],
        err: &["wrote b.json"],
        after: &[("b.json", "{\n    \"mcpServers\": {},\n    \"args\": [\"-y\", \"server\"]\n}\n")],
        ..Case::default()
    });
}

#[test]
fn copy_between_formats_copies_the_value() {
    check(&Case {
        files: &[("a.json", CLAUDE), ("c.toml", CODEX)],
        args: &["copy", "a.json#/mcpServers/github", "c.toml#/mcp_servers/github"],
        after: &[(
            "c.toml",
            "# mine\nmodel = \"o3\"\n\n[mcp_servers.github]\ncommand = \"npx\" # here\nargs = [\"-y\", \"server\"]\ntype = \"stdio\"\n",
        )],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.json", CLAUDE), ("c.toml", CODEX)],
        args: &["copy", "a.json#/mcpServers", "c.toml#/mcp_servers", "--except", "/*/type"],
        err: &["nothing was written"],
        after: &[("c.toml", CODEX)],
        ..Case::default()
    });
}

#[test]
fn copy_renames_and_leaves_out() {
    let claude = "{\n  \"mcpServers\": {\n    \"docs\": {\"type\": \"http\", \"url\": \"https://x.test\", \"headers\": {\"A\": \"b\"}}\n  }\n}\n";
    check(&Case {
        files: &[(".claude.json", claude), ("config.toml", "# mine\n")],
        args: &[
            "copy",
            "~/.claude.json#/mcpServers",
            "config.toml#/servers",
            "--map",
            "/*/headers=/*/http_headers",
            "--except",
            "/*/type",
        ],
        after: &[(
            "config.toml",
            "# mine\n\n[servers.docs]\nurl = \"https://x.test\"\n\n[servers.docs.http_headers]\nA = \"b\"\n",
        )],
        ..Case::default()
    });
    check(&Case {
        files: &[(".claude.json", claude), ("config.toml", "")],
        args: &["copy", "~/.claude.json#/mcpServers", "config.toml#/servers", "--map", "nonsense"],
        code: 2,
        err: &["nonsense"],
        ..Case::default()
    });
}

#[test]
fn copy_knows_the_programs() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".codex")).unwrap();
    fs::write(folder.path().join(".claude.json"), CLAUDE).unwrap();
    let codex = folder.path().join(".codex/config.toml");
    fs::write(&codex, "# mine\n[mcp_servers.github]\ncommand = \"old\"\nstartup_timeout_sec = 9 # slow\n").unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_inlay"))
        .args(["copy", ".claude.json#/mcpServers", ".codex/config.toml#/mcp_servers"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let err = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{err}");
    assert!(err.contains("`mcp:claude`") && err.contains("`mcp:codex`"), "{err}");
    assert_eq!(
        fs::read_to_string(&codex).unwrap(),
        "# mine\n[mcp_servers.github]\ncommand = \"npx\"\nstartup_timeout_sec = 9 # slow\nargs = [\"-y\", \"server\"]\n"
    );
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_and_the_mode_is_kept() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real.json"), folder.path().join("link.json"));
    fs::write(&real, "{\"a\": 1}").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real.json", &link).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_inlay"))
        .args(["put", "-q", &format!("{}#/a", link.display())])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"2").unwrap();
    assert!(child.wait().unwrap().success());
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), "{\"a\": 2}");
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_closed_pipe_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let many: String = (0..20_000).map(|i| format!("k{i}=v\n")).collect();
    fs::write(folder.path().join("a.env"), many).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_inlay"))
        .args(["list", "a.env"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let done = child.wait_with_output().unwrap();
    assert_eq!((done.status.code(), String::from_utf8(done.stderr).unwrap().as_str()), (Some(0), ""));
}

/// Reading a pipe might never end.
#[cfg(unix)]
#[test]
fn a_pipe_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.json");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for args in [vec!["get", "pipe.json#/a"], vec!["list", "pipe.json"]] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_inlay"))
            .args(&args)
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.contains("not a regular file"), "{args:?}: {said}");
    }
}

#[test]
fn diff_reads_as_the_options_say() {
    // Rows by a key, whatever their order; a private column; another name; a default.
    let csv = "id,cost,notes\n2,20,mine\n1,10,\n";
    let json = "[{\"id\": \"1\", \"price\": 10}, {\"id\": \"2\", \"price\": 20, \"unit\": \"EUR\"}]\n";
    let args =
        ["diff", "a.csv#rows", "b.json#json:", "--key", "id", "--except", "/*/notes", "--map", "/*/cost=/*/price"];
    let files = &[("a.csv", csv), ("b.json", json)];
    check(&Case { files, args: &args, code: 4, out: "+ /2/unit: \"EUR\"\n", ..Case::default() });
    let with_default = [&args[..], &["--default", "/*/unit=\"EUR\""]].concat();
    check(&Case { files, args: &with_default, err: &["they mean the same"], ..Case::default() });
    // Two programs' own words.
    let (claude, codex) = (CLAUDE, CODEX);
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".codex")).unwrap();
    fs::write(folder.path().join(".claude.json"), claude).unwrap();
    fs::write(folder.path().join(".codex/config.toml"), codex).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_inlay"))
        .args(["diff", ".claude.json#/mcpServers", ".codex/config.toml#/mcp_servers"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && err.contains("as `mcp:claude` and"), "{err}");
    check(&Case {
        args: &["diff", "group", "1", "--key", "id"],
        code: 2,
        err: &["--key are for two portions"],
        ..Case::default()
    });
}

#[test]
fn one_format_inside_another() {
    let note = "---\ntitle: A\ntags: [x, y] # mine\n---\n# A\n";
    check(&Case {
        files: &[("n.md", note)],
        args: &["put", "n.md#front|yaml:/tags"],
        input: "[z]\n",
        after: &[("n.md", &note.replace("[x, y]", "[z]"))],
        ..Case::default()
    });
    let users = "{\"users\": [{\"id\": \"k1\", \"city\": \"Rome\"}, {\"id\": \"k2\"}]}\n";
    check(&Case {
        files: &[("u.json", users)],
        args: &["get", "u.json#jsonpath:$.users[?@.id=='k1'].city"],
        out: "\"Rome\"",
        ..Case::default()
    });
    check(&Case {
        files: &[("Makefile", "NAME = x\nVERSION = 1.2\n")],
        args: &["put", "Makefile#re:^VERSION = (.*)$"],
        input: "1.3",
        after: &[("Makefile", "NAME = x\nVERSION = 1.3\n")],
        ..Case::default()
    });
    check(&Case {
        files: &[("u.json", users)],
        args: &["get", "u.json#jsonpath:$.users[*].id"],
        code: 3,
        err: &["matches 2 portions"],
        ..Case::default()
    });
}

#[test]
fn a_new_region_is_commented_as_its_file_is() {
    for (name, before, after) in [
        ("a.js", "let a;\n", "let a;\n// inlay:begin n\nx\n// inlay:end n\n"),
        ("a.md", "# A\n", "# A\n<!-- inlay:begin n -->\nx\n<!-- inlay:end n -->\n"),
    ] {
        check(&Case {
            files: &[(name, before)],
            args: &["put", "--create", &format!("{name}#mark:n")],
            input: "x\n",
            err: &["wrote"],
            after: &[(name, after)],
            ..Case::default()
        });
    }
    check(&Case {
        args: &["put", "--create", "a.css#mark:n"],
        input: "x\n",
        err: &["wrote"],
        after: &[("a.css", "/* inlay:begin n */\nx\n/* inlay:end n */\n")],
        ..Case::default()
    });
    check(&Case {
        files: &[("a.json", "{}\n")],
        args: &["put", "--create", "a.json#mark:n"],
        input: "x\n",
        code: 1,
        err: &["a.json: refused: a file of json has no comments"],
        ..Case::default()
    });
}

#[test]
fn a_map_goes_between_the_brackets_of_yaml() {
    check(&Case {
        files: &[("a.json", "{\"b\": {\"x\": [1, 2]}}\n"), ("a.yml", "{a: 1}\n")],
        args: &["copy", "a.json#/b", "a.yml#/b"],
        err: &["wrote"],
        after: &[("a.yml", "{a: 1, b: {x: [1, 2]}}\n")],
        ..Case::default()
    });
}

#[test]
fn what_cannot_be_put_blames_the_right_one() {
    check(&Case {
        files: &[("a.ini", "[a]\nx = 1\n")],
        args: &["put", "--create", "a.ini#/a/b=c"],
        input: "1\n",
        code: 1,
        err: &["a.ini: ini cannot say a key that holds `=`"],
        ..Case::default()
    });
    let card = "BEGIN:VCARD\nVERSION:4.0\nUID:1\nFN:A\nEND:VCARD\n";
    check(&Case {
        files: &[("a.vcf", card)],
        args: &["put", "a.vcf#uid:1"],
        input: "BEGIN:VCARD\nno line\n",
        code: 1,
        err: &["standard input"],
        ..Case::default()
    });
    check(&Case {
        args: &["put", "--create", "new.txt#lines:0,"],
        input: "a\n",
        err: &["wrote"],
        after: &[("new.txt", "a\n")],
        ..Case::default()
    });
}
