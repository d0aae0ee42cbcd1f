use super::archive::{self, Book, How};
use super::*;
use portion::Scheme::Xlsx;

const CELLS: &str = "<row r=\"1\" spans=\"1:4\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"s\"><v>1</v></c><c r=\"D1\" t=\"inlineStr\"><is><t>d&amp;_x000D_</t></is></c></row>\
    <row r=\"3\"><c r=\"A3\"><v>1.50</v></c><c r=\"B3\" t=\"b\"><v>1</v></c><c r=\"C3\" s=\"1\"><v>45322</v></c><c r=\"D3\" t=\"e\"><v>#N/A</v></c></row>\
    <row r=\"4\"><c r=\"A4\" s=\"3\"/><c r=\"B4\"><f>A3*2</f><v>3</v></c><c r=\"C4\" s=\"2\"><v>45322.5</v></c><c r=\"D4\" t=\"str\"><f>\"x\"</f><v>x</v></c></row>";

fn book() -> Vec<u8> {
    Book::new(&[("S", CELLS), ("My Sheet's", "")]).write(How::default())
}

#[track_caller]
fn shows(file: &[u8], expression: &str, expected: &str) {
    let found = portion::get(Xlsx, file, expression).unwrap();
    assert_eq!(text(&found.text), expected, "{expression}");
}

#[track_caller]
fn puts(file: &[u8], expression: &str, new: &str) -> Result<Vec<u8>, LensError> {
    let format = portion::get(Xlsx, file, expression).map_or(Format::Cells, |standing| standing.format);
    let new = Fragment { format, text: new.as_bytes().to_vec() };
    let written = match portion::put(Xlsx, file, expression, &new) {
        Err(LensError::Missing { .. }) => portion::insert(Xlsx, file, expression, &new)?,
        other => other?.unwrap_or_else(|| file.to_vec()),
    };
    assert_eq!(portion::put(Xlsx, &written, expression, &new), Ok(None));
    Ok(written)
}

/// Only these parts are other ones; what stands in the first sheet now.
#[track_caller]
fn changed(before: &[u8], after: &[u8], names: &[&str]) -> String {
    let (old, new) = (archive::parts(before), archive::parts(after));
    assert!(old.keys().eq(new.keys()));
    let changed: Vec<&str> =
        old.iter().filter(|(name, part)| new[*name] != **part).map(|(name, _)| name.as_str()).collect();
    assert_eq!(changed, names);
    archive::part(after, "xl/worksheets/sheet1.xml")
}

const SHEET: &str = "xl/worksheets/sheet1.xml";
const BOTH: &[&str] = &["xl/workbook.xml", SHEET];

#[test]
fn cells_and_ranges() {
    let file = book();
    shows(&file, "S!A1", "\"shared\"");
    shows(&file, "S!$B$1", "\"rich\"");
    shows(&file, "S!D1", "\"d&\\r\"");
    shows(&file, "S!A3", "1.50");
    shows(
        &file,
        "S!A3:D4",
        "[\n  [1.50, true, \"2024-01-31\", \"#N/A\"],\n  [null, 3, \"2024-01-31T12:00:00\", \"x\"]\n]",
    );
    shows(
        &file,
        "S!",
        "[\n  [\"shared\", \"rich\", null, \"d&\\r\"],\n  [],\n  [1.50, true, \"2024-01-31\", \"#N/A\"],\n  [null, 3, \"2024-01-31T12:00:00\", \"x\"]\n]",
    );
    shows(&file, "S!A3:B", "[\n  [1.50, true],\n  [null, 3]\n]");
    shows(&file, "S!A:A", "[\n  [\"shared\"],\n  [null],\n  [1.50]\n]");
    listed_as(&file, &[("S!", "sheet", 1, 4)]);
    for (expression, error) in [
        ("S!Z9", "missing: nothing stands at `S!Z9`"),
        ("'My Sheet''s'!", "missing: nothing stands at `'My Sheet''s'!`"),
        ("T!A1", "missing: nothing stands at `T!A1`; did you mean `S!`?"),
        ("table:Q", "missing: nothing stands at `table:Q`"),
        (
            "A1",
            "selector: `A1` is no xlsx selector: write `Sheet!A1`, `Sheet!A1:C6`, `Sheet!A2:C` (from row 2 on), `Sheet!` (all of it), `name:NAME` or `table:NAME`; `rows:` in front makes the first row the header; a sheet's name may stand in single quotes",
        ),
        ("rows:S!A1:D3", "refused: the header's cell `C1` is blank"),
    ] {
        assert_eq!(said(portion::get(Xlsx, &file, expression)), error);
    }
}

#[track_caller]
fn listed_as(file: &[u8], expected: &[(&str, &str, usize, usize)]) {
    let items = portion::list(Xlsx, file).unwrap();
    let found: Vec<_> =
        items.iter().map(|item| (item.selector.as_str(), item.kind, item.lines.0, item.lines.1)).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_formula_that_nothing_has_computed_yet_is_not_missing() {
    let cells =
        "<row r=\"1\"><c r=\"A1\"><v>1</v></c><c r=\"B1\"><f>A1*2</f></c><c r=\"C1\"><f>A1*3</f><v>3</v></c></row>";
    let file = Book::new(&[("S", cells)]).write(How::default());
    let refused = "refused: the formula in `B1` has no computed value yet: open the file in the program that computes it, and \
                   save it there";
    for expression in ["S!B1", "S!B1:B9"] {
        assert_eq!(said(portion::get(Xlsx, &file, expression)), refused);
    }
    shows(&file, "S!C1", "3");
    assert_eq!(said(portion::get(Xlsx, &file, "S!D1")), "missing: nothing stands at `S!D1`");
}

#[test]
fn only_what_differs_is_written() {
    let file = book();
    for (expression, new, old, becomes) in [
        ("S!A3", "2", "<c r=\"A3\"><v>1.50</v></c>", "<c r=\"A3\"><v>2</v></c>"),
        (
            "S!A1",
            "\"<n>\"",
            "<c r=\"A1\" t=\"s\"><v>0</v></c>",
            "<c r=\"A1\" t=\"inlineStr\"><is><t>&lt;n&gt;</t></is></c>",
        ),
        ("S!C3", "\"2024-02-01\"", "<v>45322</v>", "<v>45323</v>"),
        ("S!C4", "\"2024-01-31T18:00:00\"", "<v>45322.5</v>", "<v>45322.75</v>"),
        ("S!B3", "false", "t=\"b\"><v>1</v>", "t=\"b\"><v>0</v>"),
        (
            "S!B3",
            "\" a\\n\"",
            "<c r=\"B3\" t=\"b\"><v>1</v></c>",
            "<c r=\"B3\" t=\"inlineStr\"><is><t xml:space=\"preserve\"> a\n</t></is></c>",
        ),
        ("S!C1", "7", "</c><c r=\"D1\"", "</c><c r=\"C1\"><v>7</v></c><c r=\"D1\""),
        ("S!F1", "7", "</c></row><row r=\"3\"", "</c><c r=\"F1\"><v>7</v></c></row><row r=\"3\""),
        ("S!A4", "7", "<c r=\"A4\" s=\"3\"/>", "<c r=\"A4\" s=\"3\"><v>7</v></c>"),
        ("S!B2", "7", "<row r=\"3\"", "<row r=\"2\"><c r=\"B2\"><v>7</v></c></row><row r=\"3\""),
        (
            "S!B6:C7",
            "[[1,null],[null,true]]",
            "</sheetData>",
            "<row r=\"6\"><c r=\"B6\"><v>1</v></c></row><row r=\"7\"><c r=\"C7\" t=\"b\"><v>1</v></c></row></sheetData>",
        ),
        ("S!A3:B3", "[[1.50, false]]", "t=\"b\"><v>1</v>", "t=\"b\"><v>0</v>"),
    ] {
        let after = puts(&file, expression, new).unwrap();
        let expected = archive::part(&file, SHEET).replacen(old, becomes, 1);
        let expected = if expression == "S!F1" { expected.replace("1:4", "1:6") } else { expected };
        assert_eq!(changed(&file, &after, BOTH), expected, "{expression}");
        assert!(
            archive::part(&after, "xl/workbook.xml").contains("</sheets><calcPr fullCalcOnLoad=\"1\"/></workbook>")
        );
    }
    let after = puts(&file, "'My Sheet''s'!B2", "7").unwrap();
    assert!(
        archive::part(&after, "xl/worksheets/sheet2.xml")
            .contains("<sheetData><row r=\"2\"><c r=\"B2\"><v>7</v></c></row></sheetData>")
    );
    shows(&after, "'My Sheet''s'!", "[\n  [],\n  [null, 7]\n]");
    let removed = portion::remove(Xlsx, &file, "S!A3:A4").unwrap();
    assert!(changed(&file, &removed, BOTH).contains("<row r=\"3\"><c r=\"A3\"/><c r=\"B3\""));
}

#[test]
fn a_workbook_without_formulas_is_not_told_to_compute() {
    let file = Book::new(&[("S", "<row r=\"1\"><c r=\"A1\"><v>1</v></c></row>")]).write(How::default());
    changed(&file, &puts(&file, "S!A1", "2").unwrap(), &[SHEET]);
    let mut book = Book::new(&[("S", "<row r=\"1\"><c r=\"A1\"><v>1</v></c><c r=\"B1\"><f/></c></row>")]);
    for (standing, becomes) in [
        (
            "<definedNames/><calcPr calcId=\"1\"/><extLst/>",
            "<definedNames/><calcPr fullCalcOnLoad=\"1\" calcId=\"1\"/><extLst/>",
        ),
        ("<calcPr fullCalcOnLoad=\"0\"/>", "<calcPr fullCalcOnLoad=\"1\"/>"),
        ("<definedNames/><oleSize ref=\"A1\"/>", "<definedNames/><calcPr fullCalcOnLoad=\"1\"/><oleSize ref=\"A1\"/>"),
    ] {
        book.behind = standing.to_owned();
        let after = puts(&book.write(How::default()), "S!A1", "2").unwrap();
        assert!(archive::part(&after, "xl/workbook.xml").contains(becomes), "{standing}");
    }
}

#[test]
fn what_is_not_written() {
    let merged = "<sheetData><row r=\"1\"><c r=\"A1\"><v>1</v></c><c r=\"C1\"><f t=\"array\" ref=\"C1:C2\">X</f><v>1</v></c></row>\
                  <row r=\"2\"><c r=\"C2\"><v>1</v></c></row></sheetData><mergeCells><mergeCell ref=\"A1:B2\"/></mergeCells>";
    let book = Book::new(&[("S", CELLS), ("My Sheet", merged)]).write(How::default());
    for (expression, new, why) in [
        ("S!B4", "4", "the cell `S!B4` holds a formula, and formulas are not overwritten"),
        ("S!A3:B4", "[[1,true],[null,null]]", "the cell `S!B4` holds a formula, and formulas are not overwritten"),
        ("S!A3:B4", "[[1,true]]", "`A3:B4` has `2` rows of `2` cells, and the fragment `1` of `2`"),
        ("S!A3:B4", "1", "a range takes a list of rows, not one scalar"),
        ("S!A3", "[[1],[2]]", "one cell takes one scalar, not rows"),
        ("S!C3", "45323", "the cell `C3` shows dates: put one as `2024-01-31`, or text"),
        ("S!C3", "\"2024-02-30\"", "the cell `C3` would show `2024-02-30` as `2024-03-01`: put it so"),
        ("S!C4", "\"2024-02-03\"", "the cell `C4` would show `2024-02-03` as `2024-02-03T00:00:00`: put it so"),
        ("S!A3", "1e999", "`1e999` is no number that the cell `A3` can hold"),
        ("'My Sheet'!B2", "1", "the cell `'My Sheet'!B2` is covered by the merged cell `A1`"),
        (
            "'My Sheet'!C2",
            "2",
            "the cell `'My Sheet'!C2` is filled by the formula in `C1`, and formulas are not overwritten",
        ),
    ] {
        assert_eq!(puts(&book, expression, new).unwrap_err(), LensError::Refused(why.to_owned()), "{expression}");
    }
    // What stays as it is can be put beside a formula.
    puts(&book, "S!A3:B4", "[[7, true], [null, 3]]").unwrap();
    puts(&book, "'My Sheet'!A1:B2", "[[7, null], [null, null]]").unwrap();
}

#[test]
fn tables_have_records() {
    let cells = "<row r=\"2\"><c r=\"B2\" t=\"inlineStr\"><is><t>Item</t></is></c><c r=\"C2\" t=\"inlineStr\"><is><t>Due</t></is></c></row>\
                 <row r=\"3\"><c r=\"B3\" t=\"s\"><v>0</v></c><c r=\"C3\" s=\"1\"><v>45322</v></c></row>";
    let mut book = Book::new(&[("S", cells)]);
    let columns = "<tableColumns count=\"2\"><tableColumn id=\"1\" name=\"Item\"/><tableColumn id=\"2\" name=\"Due\"/></tableColumns></table>";
    book.table = Some(format!("id=\"1\" displayName=\"Q3\" ref=\"B2:C3\"><autoFilter ref=\"B2:C3\"/>{columns}"));
    book.behind = "<definedNames><definedName name=\"Rate\">S!$C$3</definedName><definedName name=\"F\">1+1</definedName></definedNames>".into();
    let file = book.write(How { descriptor: true, ..How::default() });
    shows(&file, "table:Q3", "[\n  [\"Item\", \"Due\"],\n  [\"shared\", \"2024-01-31\"]\n]");
    shows(&file, "rows:S!B2:C3", "[\n  [\"Item\", \"Due\"],\n  [\"shared\", \"2024-01-31\"]\n]");
    shows(&file, "name:Rate", "\"2024-01-31\"");
    listed_as(&file, &[("S!", "sheet", 1, 3), ("name:Rate", "cell", 3, 3), ("table:Q3", "table", 2, 3)]);
    assert_eq!(
        said(portion::get(Xlsx, &file, "name:F")),
        "refused: the name `F` means something else than one range of cells"
    );
    // Rows that were removed with their header come back with it.
    let standing = portion::get(Xlsx, &file, "rows:S!B2:C3").unwrap();
    let blank = portion::remove(Xlsx, &file, "rows:S!B2:C3").unwrap();
    let again = portion::insert(Xlsx, &blank, "rows:S!B2:C3", &standing).unwrap();
    assert_eq!(portion::get(Xlsx, &again, "rows:S!B2:C3").unwrap(), standing);
    let standing = portion::get(Xlsx, &file, "table:Q3").unwrap();
    let value = standing.format.value(&standing.text).unwrap();
    assert_eq!(format!("{:?}", value.pointer("/0/Item")), "Some(String(\"shared\"))");
    // A row more, by value: the table grows, and the new cells take the formats above.
    let more = Format::Json
        .value(b"[{\"Due\":\"2024-03-01\",\"Item\":\"shared\"},{\"Item\":\"n\",\"Due\":\"2024-04-01\"}]")
        .unwrap();
    let new = standing.format.update(&standing.text, &more).unwrap();
    let after = puts(&file, "table:Q3", &text(&new)).unwrap();
    let sheet = changed(&file, &after, &["xl/tables/table1.xml", SHEET]);
    assert!(sheet.contains("<c r=\"C3\" s=\"1\"><v>45352</v></c></row><row r=\"4\"><c r=\"B4\" t=\"inlineStr\"><is><t>n</t></is></c><c r=\"C4\" s=\"1\"><v>45383</v></c></row></sheetData>"), "{sheet}");
    assert!(archive::part(&after, "xl/tables/table1.xml").contains("ref=\"B2:C4\"><autoFilter ref=\"B2:C4\"/>"));
    // Rows that go leave blank ones.
    let after = puts(&after, "table:Q3", "[[\"Item\",\"Due\"]]").unwrap();
    shows(&after, "table:Q3", "[\n  [\"Item\", \"Due\"]\n]");
    for (new, why) in [
        ("[[\"Item\",\"When\"]]", "the header is `Item, Due`, and the fragment's `Item, When`"),
        ("[[\"Item\"],[1]]", "the header is `Item, Due`, and the fragment's `Item`"),
    ] {
        assert_eq!(puts(&file, "table:Q3", new).unwrap_err(), LensError::Refused(why.to_owned()));
    }
    book.sheets[0].1.push_str("<row r=\"4\"><c r=\"C4\"><v>1</v></c></row>");
    let error = puts(&book.write(How::default()), "table:Q3", &text(&new)).unwrap_err();
    assert_eq!(error.to_string(), "refused: the table `Q3` cannot grow: something stands below it, in `C4`");
}

#[test]
fn every_kind_of_archive() {
    for how in [
        How::default(),
        How { stored: true, ..How::default() },
        How { descriptor: true, ..How::default() },
        How { descriptor: true, stored: true, comment: true },
    ] {
        let file = Book::new(&[("S", CELLS)]).write(how);
        let after = puts(&file, "S!A3", "12345678901234567890").unwrap();
        changed(&file, &after, BOTH);
        shows(&after, "S!A3", "12345678901234567890");
        let back = puts(&after, "S!A3", "1.50").unwrap();
        assert_eq!(archive::parts(&back)[SHEET], archive::parts(&file)[SHEET]);
    }
}

#[test]
fn archives_that_programs_read_differently_are_refused() {
    let part = |name: &'static str| (name, &b"<x/>"[..]);
    let twice = archive::zip(&[part("a"), part("A")], How::default());
    let plain = archive::zip(&[part("a"), part("b")], How { stored: true, ..How::default() });
    let at = |needle: &[u8], nth: usize| {
        plain.windows(needle.len()).enumerate().filter(|(_, w)| *w == needle).nth(nth).unwrap().0
    };
    let spoilt = |at: usize, byte: u8| {
        let mut file = plain.clone();
        file[at] = byte;
        file
    };
    let directory = at(b"PK\x01\x02", 0);
    for (file, why) in [
        (Vec::new(), "the file is no zip archive, or is cut off"),
        (
            vec![0xD0, 0xCF, 0x11, 0xE0, 0, 0],
            "the file is encrypted or of an old binary format; save it without a password, in the format of its name",
        ),
        (plain[..plain.len() - 1].to_vec(), "the file is no zip archive, or is cut off"),
        (
            [b"x", &plain[..]].concat(),
            "the archive's directory does not reach to its end; other bytes stand before or behind it",
        ),
        (twice, "`A` stands twice in the archive"),
        (spoilt(directory + 8, 1), "`a` is encrypted"),
        (spoilt(directory + 46, b'c'), "`c`: its header and the directory differ"),
        (spoilt(directory + 20, 10), "entries of the archive overlap"),
        (spoilt(at(b"PK\x01\x02", 1) + 42, 0), "`b`: its header and the directory differ"),
        (spoilt(directory + 42, 1), "`a`: its header is not where the directory says"),
        (plain, "the archive is no office document"),
    ] {
        assert_eq!(said(portion::get(Xlsx, &file, "S!A1")), format!("unparsable: line 1, column 1: {why}"));
    }
    let bomb = vec![b' '; 40 << 20];
    let bomb = archive::zip(&[("_rels/.rels", &bomb)], How::default());
    let error = said(portion::get(Xlsx, &bomb, "S!A1"));
    assert!(error.starts_with("`_rels/.rels` has 40 MiB out of ") && error.ends_with(": too much"), "{error}");
}

#[test]
fn damaged_parts_say_where() {
    for (cells, why) in [
        ("<row r=\"1\"><c r=\"A1\"><v>x</v></c></row>", "the cell A1 holds `x`, which is no number"),
        (
            "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>9</v></c></row>",
            "the cell A1 holds `9`, which is no number of a shared string",
        ),
        ("<row r=\"1\"><c r=\"B1\"/><c r=\"A1\"/></row>", "the cell A1 stands in a wrong place"),
        ("<row r=\"2\"/><row r=\"2\"/>", "row 2 stands in a wrong place"),
        ("<row r=\"1\"><c r=\"A2\"/></row>", "`A2` is no cell of row 1"),
    ] {
        let error = said(portion::get(Xlsx, &Book::new(&[("S", cells)]).write(How::default()), "S!"));
        assert!(error.starts_with("unparsable: line 2, column ") && error.ends_with(why), "{error}");
    }
    let doctype = archive::zip(&[("_rels/.rels", b"<!DOCTYPE x [<!ENTITY a \"b\">]><x/>")], How::default());
    assert!(said(portion::get(Xlsx, &doctype, "S!A1")).ends_with("a document type, which may hide entities"));
}
