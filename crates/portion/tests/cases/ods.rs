use super::archive::{self, How};
use super::*;
use portion::Scheme::Ods;

const SHEET: &str = "<table:table table:name=\"S\"><table:table-column table:number-columns-repeated=\"4\"/>\
    <table:table-header-rows><table:table-row><table:table-cell office:value-type=\"string\"><text:p>Item</text:p></table:table-cell>\
    <table:table-cell office:value-type=\"string\"><text:p>Due</text:p></table:table-cell></table:table-row></table:table-header-rows>\
    <table:table-row><table:table-cell table:style-name=\"a\" office:value-type=\"string\"><text:p>a <text:s text:c=\"2\"/>b<text:tab/></text:p><text:p>\n c</text:p></table:table-cell>\
    <table:table-cell table:style-name=\"d\" office:value-type=\"date\" office:date-value=\"2024-01-31\"><text:p>31.1.24</text:p></table:table-cell></table:table-row>\
    <table:table-row table:number-rows-repeated=\"3\"><table:table-cell office:value-type=\"float\" office:value=\"1.50\" table:number-columns-repeated=\"2\"><office:annotation><text:p>n</text:p></office:annotation><text:p>1,5</text:p></table:table-cell><table:table-cell table:number-columns-repeated=\"1022\"/></table:table-row>\
    <table:table-row table:number-rows-repeated=\"1048571\"><table:table-cell table:number-columns-repeated=\"1024\"/></table:table-row></table:table>\
    <table:table table:name=\"My Sheet\"><table:table-row><table:table-cell table:number-columns-spanned=\"2\" office:value-type=\"boolean\" office:boolean-value=\"true\"><text:p>WAHR</text:p></table:table-cell><table:covered-table-cell/>\
    <table:table-cell table:formula=\"of:=1+1\" office:value-type=\"float\" office:value=\"2\"/><table:table-cell office:value-type=\"time\" office:time-value=\"PT10H30M00S\"/>\
    <table:table-cell office:value-type=\"string\"><text:p><text:a>link</text:a></text:p></table:table-cell></table:table-row></table:table>\
    <table:named-expressions><table:named-range table:name=\"Rate\" table:cell-range-address=\"$S.$A$3\"/><table:named-expression table:name=\"E\"/></table:named-expressions>\
    <table:database-ranges><table:database-range table:name=\"Q\" table:target-range-address=\"S.A1:S.B2\"/></table:database-ranges>";

fn file() -> Vec<u8> {
    archive::ods(SHEET, How::default())
}

#[track_caller]
fn shows(file: &[u8], expression: &str, expected: &str) {
    let found = portion::get(Ods, file, expression).unwrap();
    assert_eq!(text(&found.text), expected, "{expression}");
}

fn puts(file: &[u8], expression: &str, new: &str) -> Result<Vec<u8>, LensError> {
    let format = portion::get(Ods, file, expression).map_or(Format::Cells, |standing| standing.format);
    let new = Fragment { format, text: new.as_bytes().to_vec() };
    match portion::put(Ods, file, expression, &new) {
        Err(LensError::Missing { .. }) => portion::insert(Ods, file, expression, &new),
        other => Ok(other?.unwrap_or_else(|| file.to_vec())),
    }
}

#[test]
fn cells_and_ranges() {
    let file = file();
    shows(&file, "S!A1:B3", "[\n  [\"Item\", \"Due\"],\n  [\"a   b\\t\\nc\", \"2024-01-31\"],\n  [1.50, 1.50]\n]");
    shows(&file, "'My Sheet'!", "[\n  [true, null, 2, \"10:30:00\", \"link\"]\n]");
    shows(&file, "name:Rate", "1.50");
    shows(&file, "table:Q", "[\n  [\"Item\", \"Due\"],\n  [\"a   b\\t\\nc\", \"2024-01-31\"]\n]");
    let items = portion::list(Ods, &file).unwrap();
    let found: Vec<_> = items.iter().map(|item| (item.selector.as_str(), item.kind, item.lines.1)).collect();
    assert_eq!(
        found,
        [("S!", "sheet", 5), ("'My Sheet'!", "sheet", 1), ("name:Rate", "cell", 3), ("table:Q", "table", 2)]
    );
    assert_eq!(said(portion::get(Ods, &file, "S!D1:E9")), "missing: nothing stands at `S!D1:E9`");
}

#[test]
fn only_what_differs_is_written() {
    let file = file();
    let note = "<office:annotation><text:p>n</text:p></office:annotation>";
    let one = |number: &str| {
        format!(
            "<table:table-cell office:value-type=\"float\" office:value=\"{number}\">{note}<text:p>{}</text:p></table:table-cell>",
            if number == "1.50" { "1,5" } else { number }
        )
    };
    let run =
        "<table:table-cell office:value-type=\"float\" office:value=\"1.50\" table:number-columns-repeated=\"2\">";
    for (expression, new, old, becomes) in [
        ("S!B2", "\"2024-02-01\"", "office:date-value=\"2024-01-31\"><text:p>31.1.24<".to_owned(), "office:date-value=\"2024-02-01\"><text:p>2024-02-01<".to_owned()),
        (
            "S!A2",
            "\" x  y\\n\"",
            "<text:p>a <text:s text:c=\"2\"/>b<text:tab/></text:p><text:p>\n c</text:p>".to_owned(),
            "<text:p><text:s/>x <text:s/>y</text:p><text:p></text:p>".to_owned(),
        ),
        ("S!D1", "\"<\"", "</text:p></table:table-cell></table:table-row></table:table-header-rows>".to_owned(),
         "</text:p></table:table-cell><table:table-cell/><table:table-cell office:value-type=\"string\"><text:p>&lt;</text:p></table:table-cell></table:table-row></table:table-header-rows>".to_owned()),
    ] {
        let after = puts(&file, expression, new).unwrap();
        let expected = archive::part(&file, "content.xml").replacen(&old, &becomes, 1);
        assert_eq!(archive::part(&after, "content.xml"), expected, "{expression}");
    }
    // Equal rows and cells are taken apart.
    let after = puts(&file, "S!B4", "7").unwrap();
    let content = archive::part(&after, "content.xml");
    let edited = format!(
        "<table:table-row>{}{}<table:table-cell table:number-columns-repeated=\"1022\"/></table:table-row>",
        one("1.50"),
        one("7")
    );
    let whole = format!(
        "<table:table-row>{run}{note}<text:p>1,5</text:p></table:table-cell><table:table-cell table:number-columns-repeated=\"1022\"/></table:table-row>"
    );
    assert!(content.contains(&edited), "{content}");
    assert!(content.contains(&whole), "{content}");
    shows(&after, "S!A3:B5", "[\n  [1.50, 1.50],\n  [1.50, 7],\n  [1.50, 1.50]\n]");
    let after = puts(&file, "'My Sheet'!B3:C3", "[[null, false]]").unwrap();
    assert!(archive::part(&after, "content.xml").contains("</table:table-row><table:table-row><table:table-cell/></table:table-row><table:table-row><table:table-cell table:number-columns-repeated=\"2\"/><table:table-cell office:value-type=\"boolean\" office:boolean-value=\"false\"><text:p>FALSE</text:p></table:table-cell></table:table-row></table:table>"));
    let after = puts(&file, "'My Sheet'!D1", "\"11:00:00\"").unwrap();
    assert!(
        archive::part(&after, "content.xml").contains("office:value-type=\"time\" office:time-value=\"PT11H00M00S\"")
    );
    let removed = portion::remove(Ods, &file, "S!A3:B3").unwrap();
    shows(&removed, "S!A3:B5", "[\n  [null, null],\n  [1.50, 1.50],\n  [1.50, 1.50]\n]");
}

#[test]
fn tables_grow() {
    let free = SHEET.replace(
        "<table:table-row table:number-rows-repeated=\"3\">",
        "<table:table-row table:number-rows-repeated=\"3\"><table:table-cell table:number-columns-repeated=\"2\"/>",
    );
    let file = archive::ods(&free, How::default());
    let after = puts(&file, "table:Q", "[[\"Item\",\"Due\"],[\"x\",\"2024-01-31\"],[\"y\",\"2024-02-29\"]]").unwrap();
    let content = archive::part(&after, "content.xml");
    assert!(content.contains("table:target-range-address=\"S.A1:S.B3\""));
    assert!(
        content.contains("table:style-name=\"d\" office:value-type=\"date\" office:date-value=\"2024-02-29\""),
        "{content}"
    );
    let error = puts(&self::file(), "table:Q", "[[\"Item\",\"Due\"],[1,2],[3,4]]").unwrap_err();
    assert_eq!(error.to_string(), "refused: the table `Q` cannot grow: something stands below it, in `A3`");
}

#[test]
fn what_is_not_written() {
    for (expression, new, why) in [
        ("'My Sheet'!B1", "1", "the cell `'My Sheet'!B1` is covered by a merged cell"),
        ("'My Sheet'!C1", "1", "the cell `'My Sheet'!C1` holds a formula, and formulas are not overwritten"),
        ("'My Sheet'!E1", "1", "the cell `'My Sheet'!E1` holds more than a value (a link, a field, a picture)"),
        ("S!B2", "7", "the cell `B2` holds a date: put one as `2024-01-31` or `10:30:00`, or text"),
        ("S!B2", "\"2024-02-30\"", "the cell `B2` holds a date, and `2024-02-30` is none"),
        ("S!A2", "\"\\u0001\"", "OpenDocument cannot say the character U+0001"),
    ] {
        assert_eq!(puts(&file(), expression, new).unwrap_err(), LensError::Refused(why.to_owned()), "{expression}");
    }
    assert_eq!(
        said(portion::get(Ods, &file(), "name:E")),
        "refused: the name `E` means something else than one range of cells"
    );
}
