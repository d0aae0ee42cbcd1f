//! What fuzzing found, kept as data: each input once broke a law of the lens contract (`cargo xtask fuzz`, `fuzz/src/laws.rs`).
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "archive/mod.rs"]
mod archive;

use portion::{Fragment, LensError, Scheme, get, list, put, remove};

/// Total and GetPut, for a file and an expression, and whatever may be put there.
#[track_caller]
fn check(scheme: Scheme, file: &str, expression: &str, text: &[u8]) {
    let listed = list(scheme, file.as_bytes()).map(|items| items.into_iter().map(|item| item.selector).collect());
    let listed: Vec<String> = listed.unwrap_or_default();
    for selector in listed.iter().map(String::as_str).chain([expression]) {
        let got = get(scheme, file.as_bytes(), selector);
        assert!(got.is_ok() || !listed.iter().any(|listed| listed == selector), "{selector} is listed: {got:?}");
        let Ok(standing) = got else { continue };
        assert_eq!(put(scheme, file.as_bytes(), selector, &standing), Ok(None), "GetPut at {selector} of {file:?}");
        let tidied = standing.format.tidy(&standing.text);
        assert_eq!(tidied.as_deref(), Ok(&standing.text[..]), "{selector} of {file:?} is not tidy");
        let value = standing.format.value(&standing.text);
        assert!(matches!(value, Ok(_) | Err(LensError::Refused(_))), "{selector} of {file:?} means nothing: {value:?}");
        let new = Fragment { format: standing.format, text: text.to_vec() };
        if let Ok(Some(written)) = put(scheme, file.as_bytes(), selector, &new) {
            assert!(get(scheme, &written, selector).is_ok(), "{selector} of {file:?}");
        }
    }
}

#[test]
fn yaml() {
    let cases: [(&str, &str, &[u8]); 7] = [
        // A text that is no UTF-8 was made one, and then cut in the middle of a sign.
        ("# po,t\n", "", b"\xffb: Y\xff"),
        // Tabs as indentation, which the parser takes and the specification does not.
        ("\t\trts:\n  :\n    a\t", "", b""),
        ("\t\trts:\n   >\n    ", "", b"a: 1\n"),
        ("\t\trts:\n  \n   :s:\n  :\n   a\t", "", b""),
        // What marks a document where it stands alone.
        ("--- --- a\n=", "", b"b"),
        ("services: \n  web: &web\n    ---\na: 1", "/services/web", b"x"),
        // An alias within what it names: it can be kept the same, and has no value.
        ("services:\n  web: &web\n    image: *web\n", "/services", b"x: 1\n"),
    ];
    for (file, expression, text) in cases {
        check(Scheme::Yaml, file, expression, text);
    }
}

#[test]
fn a_table_with_a_control_character_in_its_header_is_none() {
    check(Scheme::Md, "| a\u{e}|\n|---|\n| b |\n", "|table", b"a\nc\n");
    // A cell may hold one: a fragment is text all the same.
    check(Scheme::Md, "| a |\n|---|\n| \0b |\n", "|table", b"a\nc\n");
    check(Scheme::Csv, "a\nb\n", "", b"a\n\0c\n");
}

#[test]
fn what_is_left_is_no_other_encoding() {
    // Without its front matter the file would begin as UTF-16 does, and could not be read any more.
    let file = b"---\ntitle: x\n---\nU\0\x01\0end";
    assert!(get(Scheme::Md, file, "front").is_ok());
    assert!(matches!(remove(Scheme::Md, file, "front"), Err(LensError::Refused(_))));
}

#[test]
fn an_entry_that_stands_behind_the_end_of_a_document_is_not_removed() {
    // Its marker shifts what the parser says of places: the last entry was looked for behind the last.
    let file = b"\n...\n-\n-";
    for expression in ["/0", "/1"] {
        assert!(matches!(remove(Scheme::Yaml, file, expression), Ok(_) | Err(LensError::Refused(_))), "{expression}");
    }
}

#[test]
fn a_tag_with_an_attribute_that_is_none_is_no_xml() {
    // Of a row that stands for three the first was written anew, with a cell of which nobody had read all.
    let row = "<table:table table:name=\"S\"><table:table-row tablA:number-rows-repeated=\"3\"><table:table-cell \
               office:value-type=\"float\" office:value?\"1\" table:number-columns-repeated=\"2\"/>\
               </table:table-row></table:table>";
    let file = archive::ods(row, archive::How::default());
    assert!(matches!(list(Scheme::Ods, &file), Err(LensError::Unparsable { .. })));
    assert!(matches!(get(Scheme::Ods, &file, "S!A1"), Err(LensError::Unparsable { .. })));
}

#[test]
fn html() {
    let cases: [(&str, &str, &[u8]); 2] = [
        // The tokenizer tells an end of raw text that lies before its start.
        (
            "<title>x</h1><![CDATA[x]]><option><meta charset=utf-8><textarea>  ",
            "head",
            b"<p id=a><pre></template></body><</p>",
        ),
        ("<i id=b><nobr></html>", "body", b"<p id=a><pre><<select></textarea></p>"),
    ];
    for (file, expression, text) in cases {
        check(Scheme::Html, file, expression, text);
        // As a fragment, too.
        assert!(portion::Format::Html.tidy(text).is_ok());
    }
}

#[test]
fn xml() {
    // A comment that begins as one that ends was taken for ended.
    check(Scheme::Xml, "<a><!--><b>\n<!--><b/></a>", "/a", b"<a><!--> <!--></a>");
    // A name with several colons was listed, and no selector could say it.
    for name in ["b::c", ":b", "b:", "b:c:d", "following-sibling::b"] {
        let file = format!("<a><{name} c='2'/></a>");
        let items = list(Scheme::Xml, file.as_bytes()).unwrap();
        assert!(
            items.iter().all(|item| get(Scheme::Xml, file.as_bytes(), &item.selector).is_ok()),
            "{name}: {items:?}"
        );
    }
}

#[test]
fn an_underlined_title_does_not_begin_with_white_space() {
    // Put on one line, the form feed was no part of it any more.
    check(
        Scheme::Adoc,
        "= Install\n\n----\n== none\n----\n\n\u{c}\0eR\n---\n",
        "/Manual/Instal\u{6}",
        b"= Installation\n",
    );
}

#[test]
fn what_both_did_is_no_clash() {
    // Though it is no statement, or does not parse.
    let text = |format, text: &str| portion::Fragment { format, text: text.as_bytes().to_vec() };
    let none = portion::Mapping::default();
    for format in [portion::Format::Sql, portion::Format::Hcl, portion::Format::Markdown, portion::Format::Text] {
        for (base, own) in [("", "d{/a\n"), ("d{/a\n", "d{/a\n"), ("a = 1\n", "")] {
            let (base, own) = (text(format, base), text(format, own));
            let side = |fragment| portion::Side { fragment, mapping: &none };
            let merged = portion::merge(side(&base), side(&own), side(&own));
            assert_eq!(merged, Ok(portion::Merged::Clean(own.clone())), "{format}");
            let merged = portion::merge(side(&base), side(&base), side(&own));
            assert_eq!(merged, Ok(portion::Merged::Clean(own.clone())), "{format}");
        }
    }
}

#[test]
fn a_comment_that_ends_a_file_ends_with_any_character() {
    let fragment = portion::Fragment { format: portion::Format::Toml, text: b"a = 1\n".to_vec() };
    let after = portion::put(Scheme::Toml, "#\u{71e}".as_bytes(), "", &fragment);
    assert_eq!(after, Ok(Some(b"a = 1".to_vec())));
    let after = portion::insert(Scheme::Toml, "#\u{71e}".as_bytes(), "/x", &fragment);
    assert!(after.is_ok_and(|file| file.starts_with("#\u{71e}\n".as_bytes())));
}

#[test]
fn a_tagged_collection_is_free_of_its_place() {
    check(Scheme::Yaml, "---\na: 1\nb: !!sta# \n      - (4r!!4", "/b", b"!!sta#\n- x\n");
    let file = "x: !t\n    a: 1\n    b:\n      c: 2\ny: !s\n- 1\nz:\n  - !t\n    a: 1\n";
    for (at, text) in [("/x", "!t\na: 1\nb:\n  c: 2\n"), ("/y", "!s\n- 1\n"), ("/z/0", "!t\na: 1\n")] {
        let standing = get(Scheme::Yaml, file.as_bytes(), at).unwrap();
        assert_eq!(String::from_utf8_lossy(&standing.text), text);
        for other in ["!t\na: 2\n", "!s\n- 1\n- 2\n", "b: 1\n", "- 1\n", "|-\n  text\n", "1", "!u\nb:\n- 1\n# end\n"] {
            check(Scheme::Yaml, file, at, other.as_bytes());
        }
    }
    let tagged = portion::Fragment { format: portion::Format::Yaml, text: b"!t\na: 1\n".to_vec() };
    for (file, at, after) in [
        ("a: 1\n", "/b", "a: 1\nb: !t\n  a: 1\n"),
        ("- 1\n", "/-", "- 1\n- !t\n  a: 1\n"),
        ("a:\n    b: 1\n", "/c/d", "a:\n    b: 1\nc:\n    d: !t\n        a: 1\n"),
    ] {
        let inserted = portion::insert(Scheme::Yaml, file.as_bytes(), at, &tagged).unwrap();
        assert_eq!(String::from_utf8_lossy(&inserted), after);
    }
    // In a block scalar's place, and back.
    for (file, text, after) in [
        ("a:\n  b: |\n    text\n", "!t\na: 1\n", "a:\n  b: !t\n    a: 1\n"),
        ("a:\n  b: |\n    text\n", "!s\n- 1\n", "a:\n  b: !s\n    - 1\n"),
        ("a:\n  b: !t\n    a: 1\n", "|\n  text\n", "a:\n  b: |\n    text\n"),
    ] {
        let fragment = portion::Fragment { format: portion::Format::Yaml, text: text.as_bytes().to_vec() };
        let after_put = portion::put(Scheme::Yaml, file.as_bytes(), "/a/b", &fragment).unwrap().unwrap();
        assert_eq!(String::from_utf8_lossy(&after_put), after);
    }
}
