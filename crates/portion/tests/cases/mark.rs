use super::*;
use portion::Scheme::Mark;

const NGINX: &str = "\
http {
    # inlay:begin upstreams
    upstream a {
        server 10.0.0.1;

    }
    # inlay:end upstreams
}
";

#[test]
fn a_region_is_dedented_by_its_marker() {
    get(Mark, NGINX, "upstreams", "upstream a {\n    server 10.0.0.1;\n\n}\n");
    put(Mark, NGINX, "upstreams", "upstream a {\n    server 10.0.0.2;\n\n}\n", &NGINX.replace("10.0.0.1", "10.0.0.2"));
    put(Mark, NGINX, "upstreams", "", "http {\n    # inlay:begin upstreams\n    # inlay:end upstreams\n}\n");
    // A fragment without its last line end is fitted to the place.
    put(Mark, NGINX, "upstreams", "x", "http {\n    # inlay:begin upstreams\n    x\n    # inlay:end upstreams\n}\n");
}

#[test]
fn any_comment_is_a_marker() {
    for (before, after) in [
        ("# ", ""),
        ("#", ""),
        ("\t// ", " do not edit"),
        ("<!-- ", " -->"),
        ("<!--", "-->"),
        ("/* ", "*/"),
        ("/** ", " **/"),
        ("-- ", ""),
        ("; ", ""),
        ("% ", ""),
        ("\" ", ""),
        ("' ", ""),
        ("REM ", ""),
        ("@rem ", ""),
        ("dnl ", ""),
        ("{{!-- ", " --}}"),
        ("(* ", " *)"),
        ("\u{feff}# ", ""),
        ("", ""),
        ("\t", ""),
    ] {
        let indent = if before.starts_with('\t') { "\t" } else { "" };
        let plain = before.trim_start_matches('\u{feff}');
        let file = format!("{before}inlay:begin x{after}\n{indent}body\n{plain}inlay:end x{after}\n");
        get(Mark, &file, "x", "body\n");
        put(Mark, &file, "x", "new\n", &file.replace("body", "new"));
    }
}

#[test]
fn a_mention_is_no_marker() {
    for file in [
        "write `inlay:begin x` there\n",
        "`inlay:begin x`\n",
        "# see inlay:begin x\n",
        "\"inlay:begin x\",\n",
        "# inlay:begin xy\n",
        "# inlay:begin\n",
        "# inlay:begin -x\n",
        "premature inlay:begin x\n",
        "re rem inlay:begin x\n",
    ] {
        assert!(said(portion::get(Mark, file.as_bytes(), "x")).starts_with("missing"), "{file}");
    }
}

#[test]
fn line_ends_and_odd_lines_keep_their_bytes() {
    let mixed = "# inlay:begin m\r\n\ta\n  b\r\nc \r\r\n# inlay:end m\r\nrest";
    get(Mark, mixed, "m", "\ta\n  b\nc \n");
    put(Mark, mixed, "m", "\ta\n  B\nc \n", "# inlay:begin m\r\n\ta\n  B\r\nc \r\r\n# inlay:end m\r\nrest");
    put(Mark, mixed, "m", "\ta\n  b\nnew\nc \n", "# inlay:begin m\r\n\ta\n  b\r\nnew\r\nc \r\r\n# inlay:end m\r\nrest");
    // A line that is indented less: all lines are taken as they stand, and put back so.
    let less = "  # inlay:begin m\n    a\nb\n  # inlay:end m\n";
    get(Mark, less, "m", "    a\nb\n");
    put(Mark, less, "m", "    a\nc\n", "  # inlay:begin m\n    a\nc\n  # inlay:end m\n");
    // …unless it would then be read as indented.
    put(Mark, less, "m", "    a\n  c\n", "  # inlay:begin m\n      a\n    c\n  # inlay:end m\n");
    // Blank lines that are shorter than the indentation.
    let blank = "    # inlay:begin m\n  \n    a\n\n    # inlay:end m\n";
    get(Mark, blank, "m", "\na\n\n");
    put(Mark, blank, "m", "\nb\n\n", "    # inlay:begin m\n  \n    b\n\n    # inlay:end m\n");
}

#[test]
fn what_cannot_be_told_is_refused() {
    let two = "# inlay:begin a\n# inlay:end a\n\n# inlay:begin a\n# inlay:end a\n";
    get_fails(Mark, two, "a", "ambiguous: `a` matches 2 portions, on lines 1, 4");
    let nested = "# inlay:begin a\n# inlay:begin a\n# inlay:end a\n";
    get_fails(Mark, nested, "a", "ambiguous: `a` matches 2 portions, on lines 1, 2");
    get_fails(Mark, "x\n# inlay:begin a\n", "a", "unparsable: line 2, column 1: `inlay:begin a` has no `inlay:end a`");
    get_fails(
        Mark,
        "x\n# inlay:end a\n",
        "a",
        "unparsable: line 2, column 1: `inlay:end a` ends a region that never began",
    );
    get_fails(
        Mark,
        "# inlay:begin a\n# inlay:end a\n# inlay:end a\n",
        "a",
        "unparsable: line 3, column 1: this `inlay:end a` ends no region",
    );
    get_fails(
        Mark,
        "# inlay:end a\n# inlay:begin a\n",
        "a",
        "unparsable: line 1, column 1: this `inlay:end a` ends no region",
    );
    get_fails(
        Mark,
        "# inlay:begin alpha\n# inlay:end alpha\n",
        "alhpa",
        "missing: nothing stands at `alhpa`; did you mean `alpha`?",
    );
    put_fails(
        Mark,
        "# inlay:begin a\n# inlay:end a\n",
        "a",
        "x\n  // inlay:end a\n",
        "refused: line 2 of the fragment is a marker of `a` itself",
    );
    for bad in ["", "a b", "-a", "a-", "a#"] {
        assert!(said(portion::get(Mark, b"", bad)).starts_with("selector"), "{bad}");
    }
}

#[test]
fn regions_of_other_names_are_content() {
    let file = "# inlay:begin a\n1\n# inlay:begin b\n2\n# inlay:end b\n# inlay:end a\n";
    get(Mark, file, "a", "1\n# inlay:begin b\n2\n# inlay:end b\n");
    get(Mark, file, "b", "2\n");
    listed(Mark, file, &[("a", 1, 6), ("b", 3, 5)]);
    listed(Mark, "# inlay:begin a\n# inlay:begin b\n# inlay:end b\n", &[("b", 2, 3)]);
}

#[test]
fn a_new_region_speaks_the_files_language() {
    for (before, after) in [
        ("", "# inlay:begin n\nx\n# inlay:end n\n"),
        ("#!/bin/sh\necho\n", "#!/bin/sh\necho\n# inlay:begin n\nx\n# inlay:end n\n"),
        ("a\r\n", "a\r\n# inlay:begin n\r\nx\r\n# inlay:end n\r\n"),
        ("// c\nint x;", "// c\nint x;\n// inlay:begin n\nx\n// inlay:end n"),
        ("#include <a.h>\n// c\n", "#include <a.h>\n// c\n// inlay:begin n\nx\n// inlay:end n\n"),
        ("body { }\n/* c */\n", "body { }\n/* c */\n/* inlay:begin n */\nx\n/* inlay:end n */\n"),
        (
            "<?xml version='1.0'?>\n<a/>\n",
            "<?xml version='1.0'?>\n<a/>\n<!-- inlay:begin n -->\nx\n<!-- inlay:end n -->\n",
        ),
        ("# T\n\n## U\n\n[a](b)\n", "# T\n\n## U\n\n[a](b)\n<!-- inlay:begin n -->\nx\n<!-- inlay:end n -->\n"),
        ("-- c\nselect 1;\n", "-- c\nselect 1;\n-- inlay:begin n\nx\n-- inlay:end n\n"),
        ("; c\n[a]\nb=1\n", "; c\n[a]\nb=1\n; inlay:begin n\nx\n; inlay:end n\n"),
        (
            "\t<!--- inlay:begin o -->\n\t<!--- inlay:end o -->\n",
            "\t<!--- inlay:begin o -->\n\t<!--- inlay:end o -->\n<!--- inlay:begin n -->\nx\n<!--- inlay:end n -->\n",
        ),
    ] {
        insert(Mark, before, "n", Format::Text, "x\n", after);
    }
    let put = Fragment { format: Format::Text, text: b"x\n".to_vec() };
    assert!(said(portion::insert(Mark, b"{\"a\": 1}\n", "n", &put)).starts_with("refused: JSON has no place"));
    remove(Mark, "a\n# inlay:begin n\nx\n# inlay:end n\nb\n", "n", "a\nb\n");
}

#[test]
fn a_new_region_is_commented_as_the_files_name_says() {
    let new = Fragment { format: Format::Text, text: b"x\n".to_vec() };
    let made = |path: &str, before: &str| {
        let written = portion::insert_in(path, Mark, before.as_bytes(), "n", &new);
        written.map(|written| text(&written).strip_prefix(before).unwrap().to_owned())
    };
    let region = |open: &str, close: &str| format!("{open} inlay:begin n{close}\nx\n{open} inlay:end n{close}\n");
    for (path, before, open, close) in [
        ("src/a.js", "", "//", ""),
        ("a.ts", "let a = 1;\n", "//", ""),
        ("a.go", "package a\n", "//", ""),
        ("A.JAVA", "class A {}\n", "//", ""),
        ("a.c", "#include <a.h>\n# define X\n", "//", ""),
        ("a.cpp", "", "//", ""),
        ("a.rs", "#[test]\nfn a() {}\n", "//", ""),
        ("a.php", "<?php\necho 1;\n", "//", ""),
        ("a.php", "<?php echo 1; ?>\n<p>\n", "<!--", " -->"),
        ("a.lua", "", "--", ""),
        ("a.sql", "select 1;\n", "--", ""),
        ("a.css", "a { }\n", "/*", " */"),
        ("main.tf", "", "#", ""),
        ("a.yml", "a: 1\n", "#", ""),
        ("a.py", "\"\"\"\n## A\n```\nx\n```\n\"\"\"\n", "#", ""),
        ("README.md", "", "<!--", " -->"),
        ("README.md", "# A\n\ntext\n", "<!--", " -->"),
        ("index.html", "", "<!--", " -->"),
        ("a.svg", "", "<!--", " -->"),
        ("a.tex", "", "%", ""),
        ("a.rst", "", "..", ""),
        ("run", "#!/usr/bin/env node\nlet a = 1;\n", "//", ""),
        ("run", "#!/bin/sh\n", "#", ""),
        ("Dockerfile", "FROM a\n", "#", ""),
        ("notes", "", "#", ""),
        ("a.xyz", "// c\n", "//", ""),
        // Markers that stand there say how theirs are written.
        ("a.js", "/* inlay:begin o */\n/* inlay:end o */\n", "/*", " */"),
        ("a.ini", "; c\n[a]\nb=1\n", ";", ""),
    ] {
        assert_eq!(made(path, before).unwrap(), region(open, close), "{path} {before}");
    }
    for (path, before, why) in [
        ("a.json", "", "refused: a file of json has no comments"),
        ("a.json", "[1]\n", "refused: a file of json has no comments"),
        ("a.jsonc", "", "refused: JSON has no place"),
        ("a.csv", "a,b\n", "refused: a file of csv has no comments"),
        ("a.ipynb", "", "refused: a file of ipynb has no comments"),
    ] {
        let told = said(made(path, before));
        assert!(told.starts_with(why), "{path}: {told}");
    }
}
