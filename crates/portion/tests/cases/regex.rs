//! What a regular expression captures.

use super::*;
use portion::Scheme::Re;

const MAKE: &str = "NAME = x\nVERSION = 1.2 # now\nOLD_VERSION = 1.1\n";

#[test]
fn the_group_is_the_portion() {
    get(Re, MAKE, "^VERSION = ([0-9.]+)", "1.2");
    put(Re, MAKE, "^VERSION = ([0-9.]+)", "1.3", &MAKE.replace("1.2", "1.3"));
    // `^` and `$` are those of a line, whatever its end.
    let windows = MAKE.replace('\n', "\r\n");
    put(Re, &windows, "^OLD_VERSION = (.*)$", "0", &windows.replace("1.1", "0"));
    get(Re, "\u{feff}a=1\n", "^(a.*)$", "a=1");
    get(Re, "caf\u{e9} (x)", "café \\((.)\\)", "x");
    // Over several lines, in the file's line ends.
    let block = "upstream a {\r\n  one;\r\n  two;\r\n}\r\nupstream b {\r\n}\r\n";
    get(Re, block, "upstream a \\{\\n((?s:.*?))^\\}".replace("\\n", "\\r?\\n").as_str(), "  one;\n  two;\n");
    put(
        Re,
        block,
        "upstream a \\{\\r?\\n((?s:.*?))^\\}",
        "  three;\n",
        "upstream a {\r\n  three;\r\n}\r\nupstream b {\r\n}\r\n",
    );
    // Nothing may stand there, too.
    put(Re, "a = ''\n", "a = '(.*)'", "b", "a = 'b'\n");
    put(Re, "a = 'b'\n", "a = '(.*)'", "", "a = ''\n");
    // Bytes beside it that are no text.
    let bytes = portion::get(Re, b"\xff\xfea b=1\n", "b=(.)");
    assert_eq!(
        said(bytes),
        "unparsable: line 1, column 1: the file is UTF-16, which only `bytes:` can address; convert it to UTF-8"
    );
    assert_eq!(portion::get(Re, b"\xff b=1\n", "b=(.)").unwrap().text, b"1");
}

#[test]
fn what_does_not_match_once_is_told() {
    get_fails(Re, MAKE, "VERSION = ([0-9.]+)", "ambiguous: `VERSION = ([0-9.]+)` matches 2 portions, on lines 2, 3");
    get_fails(Re, MAKE, "^VERSIONS = (.*)", "missing: nothing stands at `^VERSIONS = (.*)`");
    get_fails(Re, MAKE, "^NAME( *)?$|^VERSION.*", "missing: nothing stands at `^NAME( *)?$|^VERSION.*`");
    get_fails(
        Re,
        MAKE,
        "VERSION",
        "selector: `VERSION` is no re selector: put what is the portion in parentheses, as in `version = \"(.*)\"`",
    );
    get_fails(
        Re,
        MAKE,
        "(a)(b)",
        "selector: `(a)(b)` is no re selector: it has 2 capture groups, and the portion is one; write the others `(?:…)`",
    );
    get_fails(Re, MAKE, "(a", "selector: `(a` is no re selector: unclosed group");
    get_fails(
        Re,
        MAKE,
        "((?:a{100}){100}){100}",
        "selector: `((?:a{100}){100}){100}` is no re selector: it is too large once it is compiled",
    );
    put_fails(
        Re,
        MAKE,
        "^VERSION = ([0-9.]+)",
        "new",
        "refused: with the new text, `^VERSION = ([0-9.]+)` would not match here once: nothing stands at `^VERSION = ([0-9.]+)`",
    );
    put_fails(
        Re,
        MAKE,
        "^NAME = (.*)$",
        "x\nNAME = y",
        "refused: with the new text, `^NAME = (.*)$` would not match here once: `^NAME = (.*)$` matches 2 portions, on lines 1, 2",
    );
    put_fails(
        Re,
        MAKE,
        "^VERSION = ([0-9.]+)",
        "1.3 2",
        "refused: with the new text, the group of `^VERSION = ([0-9.]+)` would be another text",
    );
    let removed = portion::remove(Re, MAKE.as_bytes(), "^NAME = (.*)$");
    assert_eq!(
        said(removed),
        "refused: what a regular expression finds is replaced, not removed; put an empty text if that is meant"
    );
    // A bar before a scheme's name is doubled.
    get(Re, "x json:1", "(a||json:1)", "json:1");
    get(Re, "conf = {\"a\": 1}", "conf = (.*)|json:/a", "1");
}
