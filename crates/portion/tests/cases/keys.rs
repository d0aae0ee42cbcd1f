use super::*;
use portion::Scheme::{Desktop, Env, GitConfig, Hosts, Ini, Properties, SshConfig, Systemd};

const INI: &str = "\
; top
root = yes

[a]
# about x
x = 1
 y : 2

; about b
[b b]
deep=one
  two

  # no part
  three
bare
";

#[test]
fn ini_keys_and_sections() {
    get(Ini, INI, "/root", "yes");
    get(Ini, INI, "/a/x", "1\ny : 2");
    get(Ini, INI, "/a", "# about x\nx = 1\n y : 2\n");
    get(Ini, INI, "/b b/deep", "one\ntwo\n\nthree");
    get(Ini, INI, "/b b/bare", "");
    get(Ini, INI, "", INI);
    put(Ini, INI, "/root", "no", &INI.replace("yes", "no"));
    put(Ini, INI, "/root", "no\n", &INI.replace("yes", "no"));
    put(Ini, INI, "/b b/deep", "1\n\n2", &INI.replace("one\n  two\n\n  # no part\n  three", "1\n\n  2"));
    put(Ini, INI, "/b b/bare", "x", &INI.replace("bare", "bare=x"));
    put(Ini, INI, "/a", "x = 2\n", &INI.replace("# about x\nx = 1\n y : 2", "x = 2"));
    put(Ini, INI, "/a", "", &INI.replace("# about x\nx = 1\n y : 2\n", ""));
    put(Ini, INI, "/root", "a\n\nb", &INI.replace("yes", "a\n\n b"));
    put_fails(Ini, "[a]\nx=1\n", "/a/x", "a\nb", "cannot say: ini cannot say a line end");
    put_fails(Ini, "[a]\nx=1\n", "/a/x", "a\r[evil]\rb=1", "cannot say: ini cannot say a carriage return");
    put_fails(Systemd, "[a]\nx=1\n", "/a/x", "a\rb=1", "cannot say: systemd cannot say a carriage return");
    put_fails(Ini, INI, "/root", " a", "cannot say: ini cannot say blanks at the ends of text");
    put_fails(
        Ini,
        INI,
        "/a",
        "x=1\n[c]\n",
        "refused: the fragment is to be the lines of a section, and begins one itself: `[c]`",
    );
    // It is the edit that is wrong, not the file.
    put_fails(
        Ini,
        "[a]\n [b]\n",
        "/a",
        "bare\n",
        "refused: after the edit, the file could not be read any more: line 3, column 1: lines that continue a key without a value",
    );
    get_fails(Ini, INI, "/a/z", "missing: nothing stands at `/a/z`; did you mean `/a/x`, `/a`?");
    get_fails(Ini, "[a]\nx=1\nx=2\n", "/a/x", "ambiguous: `/a/x` matches 2 portions, on lines 2, 3");
    get(Ini, "[a]\nx=1\nx=2\n", "/a/x/1", "2");
    get_fails(Ini, "[a]\nx=1\n[a]\n", "/a", "ambiguous: `/a` matches 2 portions, on lines 1, 3");
    get_fails(Ini, "[a\n", "/a", "unparsable: line 1, column 1: a section's header without `]`");
    get_fails(Ini, "[a]\nx\n  y\n", "/a", "unparsable: line 3, column 1: lines that continue a key without a value");
    get_fails(Ini, "= 1\n", "/a", "unparsable: line 1, column 1: no key stands before the separator");
    get_fails(Ini, "a", "a", "selector: `a` is no ini selector: a path starts with `/`, as in `/servers/0`");
    listed(
        Ini,
        INI,
        &[
            ("/root", 2, 2),
            ("/a", 4, 7),
            ("/a/x", 6, 7),
            ("/b b", 10, 16),
            ("/b b/deep", 11, 15),
            ("/b b/bare", 16, 16),
        ],
    );
    listed(Ini, "[a]\nx=1\nx=2\n[a]\ny=1", &[("/a/x/0", 2, 2), ("/a/x/1", 3, 3), ("/a/y", 5, 5)]);
}

#[test]
fn what_surrounds_a_value_stays() {
    for (before, after) in [
        ("\u{feff}k=v\r\n", "\u{feff}k=w\r\n"),
        ("[s]\r\n k\t=  v \r\nz=1", "[s]\r\n k\t=  w \r\nz=1"),
        ("[s]\nk=v", "[s]\nk=w"),
        ("[s]\nk =", "[s]\nk = w"),
        ("[s]\nk=", "[s]\nk=w"),
    ] {
        let expression = if before.contains('[') { "/s/k" } else { "/k" };
        put(Ini, before, expression, "w", after);
    }
}

#[test]
fn ini_new_keys_and_sections() {
    insert_only(Ini, "", "/a/x", Format::Text, "1", "[a]\nx = 1\n");
}

#[test]
fn what_begins_below_its_key_shows_no_separator() {
    let file = "[s]\npaths =\n    /a\n    /b\n";
    insert(Ini, file, "/s/new", Format::Text, "x", &format!("{file}new = x\n"));
    put(Ini, file, "/s/paths", "/a\n/c", "[s]\npaths = /a\n    /c\n");
    put(Ini, file, "/s/paths", "\n/a\n/c", "[s]\npaths =\n    /a\n    /c\n");
}

#[test]
fn new_keys_follow_their_neighbours() {
    for (scheme, before, expression, put, after) in [
        (Ini, "[a]\nx: 1\n\n[b]\n", "/a/y", "2", "[a]\nx: 1\ny: 2\n\n[b]\n"),
        (Ini, "[a]\r\n  x=1", "/a/y", "2", "[a]\r\n  x=1\r\n  y=2"),
        (Ini, "[a]\n\n# about b\n[b]\n", "/a/y", "2", "[a]\ny = 2\n\n# about b\n[b]\n"),
        (Ini, "# top\n\n# about a\n[a]\n", "/x", "1", "# top\n\nx = 1\n\n# about a\n[a]\n"),
        (Env, "export A=1\nexport B='x y'\n", "/C", "it", "export A=1\nexport B='x y'\nexport C='it'\n"),
        (Env, "A=1", "/C", "it's 5", "A=1\nC=\"it's 5\""),
        (Env, "A=\"$HOME/x\"\n", "/C", "$HOME/y", "A=\"$HOME/x\"\nC='$HOME/y'\n"),
        (Env, "A=1\n", "/C", "$5", "A=1\nC='$5'\n"),
        (
            GitConfig,
            "[core]\n\teditor = vi\n",
            "/core/pager",
            "less; x",
            "[core]\n\teditor = vi\n\tpager = \"less; x\"\n",
        ),
        (
            GitConfig,
            "[remote \"a\"]\n  url = x\n  fetch = 1\n  other = 2\n[core]\n",
            "/remote/a/fetch/1",
            "2",
            "[remote \"a\"]\n  url = x\n  fetch = 1\n  fetch = 2\n  other = 2\n[core]\n",
        ),
        (Systemd, "[Unit]\nAfter=a\n", "/Unit/After/1", "b", "[Unit]\nAfter=a\nAfter=b\n"),
        (SshConfig, "User me\nHost a\n  Port 22\n", "/Host a/User", "x y", "User me\nHost a\n  Port 22\n  User x y\n"),
        (SshConfig, "Host a\n  Port 22\n", "/Compression", "yes", "Compression yes\n\nHost a\n  Port 22\n"),
        (Properties, "a : 1\n", "/b c", "\u{e9} x", "a : 1\nb\\ c : \\u00E9 x\n"),
        (Properties, "# \u{fc}\na : 1\n", "/b", "\u{e9}", "# \u{fc}\na : 1\nb : \u{e9}\n"),
    ] {
        insert_only(scheme, before, expression, Format::Text, put, after);
        get(scheme, after, expression, put);
    }
    for (scheme, before, expression, key) in [
        (Env, "", "/A B", "a key of this name"),
        (Ini, "", "/a/[x", "a key of this name"),
        (SshConfig, "", "/Host", "a key of this name"),
    ] {
        let put = Fragment { format: Format::Text, text: b"1".to_vec() };
        assert!(said(portion::insert(scheme, before.as_bytes(), expression, &put)).contains(key));
    }
    let put = Fragment { format: Format::Text, text: b"1".to_vec() };
    assert_eq!(
        said(portion::insert(Ini, b"", "/a/b/c", &put)),
        "selector: `/a/b/c` is no ini selector: there is nothing so deep; write `/section/key` or `/section`"
    );
}

#[test]
fn new_sections_find_their_place() {
    for (scheme, format, before, expression, put, after) in [
        (Ini, Format::Ini, "", "/a", "x=1\n", "[a]\nx=1\n"),
        (Ini, Format::Ini, "[a]\nx=1", "/b", "y=1\n", "[a]\nx=1\n\n[b]\ny=1"),
        (Ini, Format::Ini, "[a]\n[c]\nx=1\n", "/b", "y=1\n", "[a]\n[c]\nx=1\n[b]\ny=1\n"),
        (
            GitConfig,
            Format::GitConfig,
            "[remote \"a\"]\n\turl = x\n[branch \"m\"]\n\tremote = a\n",
            "/remote/b \"q\"",
            "url = y\n",
            "[remote \"a\"]\n\turl = x\n[remote \"b \\\"q\\\"\"]\n\turl = y\n[branch \"m\"]\n\tremote = a\n",
        ),
        (
            SshConfig,
            Format::SshConfig,
            "Host a\n  User x\n\n# all\nHost *\n  User y\n",
            "/Host b",
            "User z\n",
            "Host a\n  User x\n\nHost b\n  User z\n\n# all\nHost *\n  User y\n",
        ),
        (Systemd, Format::Systemd, "[Unit]\nA=1\n", "/Install", "B=2\n", "[Unit]\nA=1\n\n[Install]\nB=2\n"),
    ] {
        insert(scheme, before, expression, format, put, after);
        get(scheme, after, expression, put);
    }
    remove(Ini, "[a]\nx=1\n\n[b]\ny=1\n\n[c]\n", "/b", "[a]\nx=1\n\n[c]\n");
    remove(Ini, "[a]\nx=1\ny=2", "/a/y", "[a]\nx=1");
}

#[test]
fn env_quotes() {
    let file = "# c\nA=1\nexport B='x y' # note\nC=\"l1\nl2 \\\"q\\\" \\n $X\"\r\nD = a b # c\nE=\nF\nG=#x\n";
    for (key, value) in
        [("A", "1"), ("B", "x y"), ("C", "l1\nl2 \"q\" \n $X"), ("D", "a b"), ("E", ""), ("F", ""), ("G", "#x")]
    {
        get(Env, file, &format!("/{key}"), value);
    }
    put(Env, file, "/B", "z", &file.replace("'x y'", "'z'"));
    put(Env, file, "/B", "it's", &file.replace("'x y'", "\"it's\""));
    put(Env, file, "/A", "a b", &file.replace("A=1", "A=\"a b\""));
    put(Env, file, "/D", "c d", &file.replace("a b", "c d"));
    put(Env, file, "/E", "x\n\n", &file.replace("E=", "E='x\n'"));
    put(Env, "A=\"x\ny\"\n", "/A", "1\n2", "A=\"1\n2\"\n");
    put(Env, "A=\"\\$H\"\n", "/A", "\\$H/b", "A=\"\\$H/b\"\n");
    // What a shell would expand, or reads otherwise than other programs, stands in single quotes, unless it is expanded already.
    for (standing, new, after) in [
        ("\"x\"", "$5", "'$5'"),
        ("1", "a\nb", "'a\nb'"),
        ("1", "it's\nb", "\"it's\nb\""),
        ("1", "`x` $(y) \\z \"q\"", "'`x` $(y) \\z \"q\"'"),
        ("1", "it's \"q\" \\\\", "\"it's \\\"q\\\" \\\\\\\\\""),
        ("1", "C:\\x\\", "\"C:\\\\x\\\\\""),
        ("\"$HOME/x\"", "$HOME/y", "\"$HOME/y\""),
        ("\"$HOME/x\"", "$HOMER", "'$HOMER'"),
        ("$HOME/x", "$HOME/y", "$HOME/y"),
        ("a$b", "$c", "'$c'"),
        ("a~b", "~", "\"~\""),
    ] {
        put(Env, &format!("A={standing}\n"), "/A", new, &format!("A={after}\n"));
    }
    put(Env, "A=1\r\n", "/A", "a\nb", "A='a\r\nb'\r\n");
    for (new, what) in [
        ("it's $5", "a single quote beside"),
        ("it's `x`", "a single quote beside"),
        ("\\\\srv\\x$", "a single quote beside"),
        ("a\rb", "a carriage return"),
    ] {
        let put = fragment(Env, "A=1\n", "/A", new);
        let said = said(portion::put(Env, b"A=1\n", "/A", &put));
        assert!(said.starts_with(&format!("cannot say: env cannot say {what}")), "{new}: {said}");
    }
    get_fails(Env, "A=1\nB='x\n", "/A", "unparsable: line 2, column 3: a quoted value without its closing quote");
    get_fails(Env, "A='x'y\n", "/A", "unparsable: line 1, column 6: text behind the closing quote");
    get_fails(Env, "A: 1\n", "/A", "unparsable: line 1, column 2: expected `=` after the key");
    get_fails(Env, "1=1\n", "/A", "unparsable: line 1, column 1: expected a key, which begins with a letter");
}

#[test]
fn git_configuration() {
    let file = "[core]\n\teditor = \"vi -c \\\"x\\\"\" ; note\n\tBare\n[Remote \"O/rigin\"]\n\turl = a b  # c\n\tfetch = 1\\\n 2\n\tfetch = 3\n[old.Sub]\n\tk=v\n";
    get(GitConfig, file, "/core/EDITOR", "vi -c \"x\"");
    get(GitConfig, file, "/core/bare", "true");
    get(GitConfig, file, "/remote/O~1rigin/url", "a b");
    get(GitConfig, file, "/remote/O~1rigin/fetch/0", "1 2");
    get(GitConfig, file, "/old/sub", "k=v\n");
    get(GitConfig, file, "/core", "editor = \"vi -c \\\"x\\\"\" ; note\nBare\n");
    get_fails(
        GitConfig,
        file,
        "/remote/O~1rigin/fetch",
        "ambiguous: `/remote/O~1rigin/fetch` matches 2 portions, on lines 6, 8",
    );
    put(GitConfig, file, "/core/editor", "nano", &file.replace("\"vi -c \\\"x\\\"\"", "\"nano\""));
    put(GitConfig, file, "/core/bare", "false", &file.replace("Bare", "Bare = false"));
    put(GitConfig, file, "/remote/O~1rigin/url", " x\ty\n\n", &file.replace("a b ", "\" x\\ty\\n\" "));
    put(GitConfig, file, "/core", "a = 1\n", &file.replace("editor = \"vi -c \\\"x\\\"\" ; note\n\tBare", "a = 1"));
    get(GitConfig, "[a] k = v\n", "/a/k", "v");
    put(GitConfig, "[a] k = v\n", "/a/k", "w", "[a] k = w\n");
    remove(GitConfig, "[a] k = v\n", "/a/k", "[a]\n");
    get_fails(
        GitConfig,
        "[a] k = v\n",
        "/a",
        "unparsable: line 1, column 1: a key on its section's own line; write it on a line below",
    );
    for bad in ["[a]\nk = \"x\n", "[a]\nk = \\z\n", "[a\n", "[a \"b]\n", "[]\n", "[a]\n_k=1\n", "[a]\nk x\n"] {
        assert!(said(portion::get(GitConfig, bad.as_bytes(), "/a")).starts_with("unparsable"), "{bad}");
    }
}

#[test]
fn ssh_configuration() {
    let file = "User me\n\nHost  a   b.c # work\n\thostname=\"x y\"\n\tIdentityFile ~/k # c\nMatch host x exec \"t 1\"\n\tPort = 22\n\nhost *\n\tPort 1\n";
    get(SshConfig, file, "/user", "me");
    get(SshConfig, file, "/Host a b.c/HostName", "\"x y\"");
    get(SshConfig, file, "/Host a b.c/IdentityFile", "~/k");
    get(SshConfig, file, "/Match host x exec \"t 1\"/port", "22");
    get(SshConfig, file, "/Host *", "Port 1\n");
    put(SshConfig, file, "/Host a b.c/HostName", "z", &file.replace("\"x y\"", "z"));
    let quoted = file.replace("x y", "x");
    get(SshConfig, &quoted, "/Host a b.c/HostName", "x");
    put(SshConfig, &quoted, "/Host a b.c/HostName", "z", &quoted.replace("\"x\"", "\"z\""));
    // One argument with a blank in it stays one.
    put(SshConfig, &quoted, "/Host a b.c/HostName", "\"y z\"", &quoted.replace("\"x\"", "\"y z\""));
    put(SshConfig, &quoted, "/Host a b.c/IdentityFile", "\"~/my k\"", &quoted.replace("~/k", "\"~/my k\""));
    put_fails(
        SshConfig,
        file,
        "/user",
        "sock -o \"x",
        "cannot say: ssh_config cannot say a double quote without another one",
    );
    put(SshConfig, file, "/Host a b.c/IdentityFile", "~/l m", &file.replace("~/k", "~/l m"));
    put(SshConfig, file, "/Host a b.c/IdentityFile", "\"~/l #\"", &file.replace("~/k", "\"~/l #\""));
    put_fails(SshConfig, file, "/Host a b.c/IdentityFile", "\"a\" #", "cannot say: ssh_config cannot say this text");
    listed(SshConfig, "User me\nHost a\n Port 1\n", &[("/User", 1, 1), ("/Host a", 2, 3), ("/Host a/Port", 3, 3)]);
}

#[test]
fn hosts_lines() {
    let file = "127.0.0.1\tlocalhost\n::1 localhost  # six\n\n10.0.0.5   db db.lan\n";
    get(Hosts, file, "/10.0.0.5", "10.0.0.5   db db.lan\n");
    get(Hosts, file, "/DB.lan", "10.0.0.5   db db.lan\n");
    get(Hosts, file, "/localhost/1", "::1 localhost  # six\n");
    get_fails(Hosts, file, "/localhost", "ambiguous: `/localhost` matches 2 portions, on lines 1, 2");
    put(
        Hosts,
        file,
        "/db.lan",
        "10.0.0.6 db.lan # new\n",
        &file.replace("10.0.0.5   db db.lan", "10.0.0.6 db.lan # new"),
    );
    put_fails(
        Hosts,
        file,
        "/db",
        "10.0.0.6 x\n10.0.0.7 y\n",
        "refused: the fragment is to be one line: an address and its names",
    );
    assert!(
        said(portion::put(Hosts, file.as_bytes(), "/db", &fragment(Hosts, file, "/db", "1.1.1.1 x\n")))
            .starts_with("refused")
    );
    for bad in ["db9\n", "10.0.0.9\n", "db9 10.0.0.9\n", "10.0.0.9 # x\n"] {
        let refused = "refused: the fragment is to be one line: an address and its names";
        put_fails(Hosts, file, "/db", bad, refused);
    }
    // What stands there can stay.
    put(Hosts, "db9\n", "/db9", "db9\n", "db9\n");
    insert(Hosts, file, "/fe80::1%lo0", Format::Hosts, "fe80::1%lo0 x\n", &format!("{file}fe80::1%lo0 x\n"));
    insert(Hosts, file, "/10.0.0.7", Format::Hosts, "10.0.0.7 x\n", &format!("{file}10.0.0.7 x\n"));
    listed(Hosts, file, &[("/127.0.0.1", 1, 1), ("/::1", 2, 2), ("/10.0.0.5", 4, 4)]);
}

#[test]
fn systemd_units() {
    let file = "[Service]\nExecStart=/bin/a \\\n# no\n   b \\\n   c\nEnvironment=A=1\nEnvironment=\n";
    get(Systemd, file, "/Service/ExecStart", "/bin/a  b  c");
    get(Systemd, file, "/Service/Environment/0", "A=1");
    put(Systemd, file, "/Service/ExecStart", "/bin/x", "[Service]\nExecStart=/bin/x\nEnvironment=A=1\nEnvironment=\n");
    get(Systemd, "[S]\nA=x \\\n\n\n", "/S", "A=x \\\n\n");
    put(Systemd, "[S]\nA=x \\\n\n\n", "", "[S]\nA=y \\\n\n", "[S]\nA=y \\\n\n\n");
    put_fails(Systemd, file, "/Service/ExecStart", "x \\", "cannot say: systemd cannot say this text");
    put_fails(Systemd, file, "/Service/ExecStart", "a\rb", "cannot say: systemd cannot say a carriage return");
    put_fails(Systemd, file, "/Service/ExecStart", " a", "cannot say: systemd cannot say blanks at the ends of text");
}

#[test]
fn java_properties() {
    let file = "! c\na=1\n b\\ c : x \\\n   y\\u00e9\\\\\nd\ne   f g \nh=\\ud83d\\ude00\n";
    for (key, value) in [("a", "1"), ("b c", "x y\u{e9}\\"), ("d", ""), ("e", "f g "), ("h", "\u{1f600}")] {
        get(Properties, file, &format!("/{key}"), value);
    }
    put(Properties, file, "/a", " \t\u{1f600}\n\n", &file.replace("a=1", "a=\\ \\t\\uD83D\\uDE00\\n"));
    put(Properties, file, "/d", "x", &file.replace("\nd\n", "\nd=x\n"));
    get(Properties, "a=x\\r\\ny\n", "/a", "x\ny");
    get_fails(Properties, "a=\\u00g0\n", "/a", "unparsable: line 1, column 3: a `\\u` escape that is no character");
    get_fails(Properties, "a=\\ud83d\n", "/a", "unparsable: line 1, column 3: a `\\u` escape that is no character");
}

const APP: &str = "\
[Desktop Entry]
Name=App
Name[de]=Anwendung
Comment=One\\nTwo\\\\\\s
MimeType=text/plain;a\\;b;

[Desktop Action new]
Exec=app --new \"%f\"
";

#[test]
fn desktop_entries() {
    get(Desktop, APP, "/Desktop Entry/Name[de]", "Anwendung");
    get(Desktop, APP, "/Desktop Entry/Comment", "One\nTwo\\ ");
    get(Desktop, APP, "/Desktop Entry/MimeType", "text/plain;a\\;b;");
    get(Desktop, APP, "/Desktop Action new/Exec", "app --new \"%f\"");
    put(Desktop, APP, "/Desktop Entry/Comment", " a\\b\n\tc ", &APP.replace("One\\nTwo\\\\\\s", "\\sa\\\\b\\n\\tc\\s"));
    put(Desktop, APP, "/Desktop Entry/MimeType", "x\\;y;", &APP.replace("text/plain;a\\;b;", "x\\;y;"));
    insert(Desktop, APP, "/Desktop Entry/Icon", Format::Text, "app", &APP.replace("b;\n", "b;\nIcon=app\n"));
    insert_only(
        Desktop,
        APP,
        "/Desktop Action x/Name",
        Format::Text,
        "X",
        &format!("{APP}\n[Desktop Action x]\nName=X\n"),
    );
    get_fails(
        Desktop,
        APP,
        "/Desktop Entry/Name[fr]",
        "missing: nothing stands at `/Desktop Entry/Name[fr]`; did you mean `/Desktop Entry/Name[de]`, `/Desktop Entry/Name`, `/Desktop Entry/MimeType`?",
    );
}

/// A region around the next table is not this table's.
#[test]
fn markers_belong_to_the_section_that_they_are_about() {
    let file = "[a]\nx = 1\n# inlay:begin r\n[b]\ny = 1\n# inlay:end r\n[c]\nz = 1\n";
    for scheme in [Ini, portion::Scheme::Toml] {
        get(scheme, file, "/a", "x = 1\n");
        put(scheme, file, "/a", "x = 2\n", &file.replace("x = 1", "x = 2"));
        get(scheme, file, "/b", "y = 1\n");
        put(scheme, file, "/b", "y = 2\n", &file.replace("y = 1", "y = 2"));
        let inner = "[a]\n# inlay:begin r\nx = 1\n# inlay:end r\ny = 1\n";
        put_fails(
            scheme,
            inner,
            "/a",
            "x = 1\n# inlay:end r\ny = 1\n",
            "refused: the marked region `r` would lose one of its two markers, or have one twice",
        );
    }
}

#[test]
fn items_of_a_list_come_and_go_in_several_places() {
    let unit = "[S]\nE=a\nE=b\nE=c\nE=d\n";
    let update = |json: &str| {
        let wanted = Format::Json.value(json.as_bytes()).unwrap();
        String::from_utf8(Format::Systemd.update(unit.as_bytes(), &wanted).unwrap()).unwrap()
    };
    let list = |items: &str| {
        let lines: String = items.chars().map(|item| format!("E={item}\n")).collect();
        (
            format!(r#"{{"S": {{"E": {:?}}}}}"#, items.chars().map(String::from).collect::<Vec<_>>()),
            format!("[S]\n{lines}"),
        )
    };
    for items in ["xyabcdzw", "xabyzcd", "bxyd", "xaczd", "dcba", "axbycz", "ab", "cdab"] {
        let (json, text) = list(items);
        assert_eq!(update(&json), text, "{items}");
    }
}
