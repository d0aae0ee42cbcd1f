use super::*;
use portion::Scheme::{Bytes, Lines};
use portion::Value;

const FIVE: &str = "1\n2\n3\n4\n5";

#[test]
fn lines_stand_between_positions() {
    for (range, lines) in [
        ("0,1", "1\n"),
        ("1,3", "2\n3\n"),
        (",2", "1\n2\n"),
        ("3,", "4\n5\n"),
        ("3,99", "4\n5\n"),
        ("0,", "1\n2\n3\n4\n5\n"),
        ("5,", ""),
    ] {
        get(Lines, FIVE, range, lines);
    }
    get(Lines, "", "0,", "");
    get(Lines, "\u{feff}a\r\nb\r\n", "0,1", "a\n");
    put(Lines, "\u{feff}a\r\nb\r\n", "0,1", "c\n", "\u{feff}c\r\nb\r\n");
    put(Lines, FIVE, "1,3", "b\nc\n", "1\nb\nc\n4\n5");
    put(Lines, FIVE, "3,", "4\n", "1\n2\n3\n4");
    put(Lines, FIVE, "3,", "4\n5\n6\n", "1\n2\n3\n4\n5\n6");
    put(Lines, FIVE, "3,5", "x\ny\n", "1\n2\n3\nx\ny");
    listed(Lines, FIVE, &[("0,", 1, 5)]);
    listed(Lines, "", &[]);
}

#[test]
fn lines_that_do_not_fit_are_refused() {
    get_fails(Lines, FIVE, "5,6", "missing: nothing stands at `5,6`; did you mean `4,5`?");
    get_fails(Lines, FIVE, "7,", "missing: nothing stands at `7,`; did you mean `4,5`?");
    get_fails(
        Lines,
        FIVE,
        "3",
        "selector: `3` is no lines selector: a position between lines holds no text; `3,4` is line 4",
    );
    for bad in ["", ",", "a,b", "-1,2", "2,2", "3,2", "1,2,3", "99999999999999999999999,", "+1,2"] {
        assert!(said(portion::get(Lines, FIVE.as_bytes(), bad)).starts_with("selector"), "{bad}");
    }
    put_fails(
        Lines,
        FIVE,
        "1,3",
        "b\n",
        "refused: `1,3` holds 2 lines and the fragment has 1; a marked region (`mark:NAME`) can grow",
    );
    insert(Lines, "a\n", "1,3", Format::Text, "b\nc\n", "a\nb\nc\n");
    remove(Lines, FIVE, "3,", "1\n2\n3");
    assert!(said(portion::remove(Lines, FIVE.as_bytes(), "1,2")).starts_with("refused"));
    assert!(
        said(portion::insert(Lines, b"a\n", "3,4", &Fragment { format: Format::Text, text: b"x".to_vec() }))
            .starts_with("refused")
    );
}

/// What is read of a range that ends past the end is what there is, as the RFCs say; what is written would be another range.
#[test]
fn nothing_is_written_past_the_end() {
    let lines = "refused: the file has 5 lines, and `3,9` ends behind them; `3,5` or `3,` ends with it";
    put_fails(Lines, FIVE, "3,9", "x\ny\n", lines);
    assert_eq!(said(portion::remove(Lines, FIVE.as_bytes(), "3,9")), lines);
    // It stands there already.
    put(Lines, FIVE, "3,9", "4\n5\n", FIVE);
    let one = Fragment { format: Format::Text, text: b"x\n".to_vec() };
    assert_eq!(
        said(portion::insert(Lines, b"a\n", "1,3", &one)),
        "refused: `1,3` holds 2 lines and the fragment has 1; a marked region (`mark:NAME`) can grow"
    );
    put_fails(
        Lines,
        FIVE,
        "3,5",
        "x\n",
        "refused: `3,5` holds 2 lines and the fragment has 1; a marked region (`mark:NAME`) can grow",
    );
    put_fails(
        Bytes,
        "abcdef",
        "4-9",
        "wxyz",
        "refused: the file has 6 bytes, fewer than `4-9` needs; `4-5` or `4-` ends with it",
    );
    put_fails(
        Bytes,
        "abcdef",
        "-9",
        "x",
        "refused: the file has 6 bytes, fewer than `-9` needs; `0-5` or `0-` ends with it",
    );
    put_fails(Bytes, "abcdef", "4-5", "x", "refused: `4-5` holds exactly 2 bytes and the fragment has 1");
    for range in ["4-9", "-9"] {
        assert!(said(portion::remove(Bytes, b"abcdef", range)).starts_with("refused: the file has 6 bytes"));
    }
    put(Bytes, "abcdef", "4-9", "ef", "abcdef");
}

#[test]
fn bytes_are_counted_as_http_does() {
    for (range, bytes) in [("0-0", "a"), ("1-2", "bc"), ("3-", "def"), ("-2", "ef"), ("-99", "abcdef"), ("4-99", "ef")]
    {
        get(Bytes, "abcdef", range, bytes);
    }
    put(Bytes, "abcdef", "1-2", "\r\n", "a\r\ndef");
    put(Bytes, "abcdef", "3-", "x", "abcx");
    put(Bytes, "abcdef", "-2", "xy", "abcdxy");
    put_fails(Bytes, "abcdef", "1-2", "x", "refused: `1-2` holds exactly 2 bytes and the fragment has 1");
    put_fails(Bytes, "abcdef", "-2", "xyz", "refused: `-2` holds exactly 2 bytes and the fragment has 3");
    put_fails(Bytes, "abcdef", "0-", "", "refused: `0-` holds at least 1 bytes and the fragment has 0");
    get_fails(Bytes, "abcdef", "6-", "missing: nothing stands at `6-`; did you mean `0-5`?");
    get_fails(Bytes, "abcdef", "6-9", "missing: nothing stands at `6-9`; did you mean `0-5`?");
    for bad in ["", "-", "2-1", "-0", "a-", "0-1,3-4", "0-18446744073709551615", "1 - 2"] {
        assert!(said(portion::get(Bytes, b"abc", bad)).starts_with("selector"), "{bad}");
    }
    insert(Bytes, "abc", "3-", Format::Bytes, "de", "abcde");
    listed(Bytes, "a\nb", &[("0-", 1, 2)]);
}

#[test]
fn a_text_is_a_string_without_its_last_line_end() {
    for (text, value) in [("", ""), ("\n", ""), ("a", "a"), ("a\n", "a"), ("a\n\n", "a\n"), ("a\nb\n", "a\nb")] {
        assert_eq!(Format::Text.value(text.as_bytes()).unwrap(), Value::String(value.to_owned()));
    }
    let string = |text: &str| Value::String(text.to_owned());
    for (text, value, expected) in [
        ("a\n", "b", "b\n"),
        ("a", "b", "b"),
        ("a\n", "a", "a\n"),
        ("a\n", "b\n", "b\n\n"),
        ("a", "b\n", "b\n\n"),
        ("a\n", "", ""),
    ] {
        let updated = Format::Text.update(text.as_bytes(), &string(value)).unwrap();
        assert_eq!(super::text(&updated), expected);
        assert_eq!(Format::Text.value(&updated).unwrap(), string(value));
    }
    assert_eq!(said(Format::Text.value(b"a\n\xff")), "unparsable: line 2, column 1: expected UTF-8 text");
    assert_eq!(said(Format::Text.render(&Value::Null)), "cannot say: text cannot say null");
}
