use super::*;
use portion::Scheme::{Csv, Tsv};

const PEOPLE: &str = "\
id,name,age,notes
1,Ada,36,\"first, of all\"
2,\"Grace\",\"85\",
3,\"Lin
us\",54,x
";

#[test]
fn rows_columns_and_cells() {
    get(Csv, PEOPLE, "row id=1", "id,name,age,notes\n1,Ada,36,\"first, of all\"\n");
    get(Csv, PEOPLE, "row id=2", "id,name,age,notes\n2,Grace,85,\n");
    get(Csv, PEOPLE, "row age=54", "id,name,age,notes\n3,\"Lin\nus\",54,x\n");
    get(Csv, PEOPLE, "row #1=1", "id,name,age,notes\n1,Ada,36,\"first, of all\"\n");
    get(Csv, PEOPLE, "row notes=first, of all", "id,name,age,notes\n1,Ada,36,\"first, of all\"\n");
    get(Csv, PEOPLE, "row name=\"Lin\\nus\"", "id,name,age,notes\n3,\"Lin\nus\",54,x\n");
    get(Csv, PEOPLE, "row notes=", "id,name,age,notes\n2,Grace,85,\n");
    get(Csv, PEOPLE, "col age", "36\n85\n54\n");
    get(Csv, PEOPLE, "col name", "Ada\nGrace\n\"Lin\nus\"\n");
    get(Csv, PEOPLE, "cell id=3/name", "Lin\nus");
    get(Csv, PEOPLE, "cell name=Grace/\"notes\"", "");
    get(Csv, PEOPLE, "rows(age, id)", "age,id\n36,1\n85,2\n54,3\n");
    for whole in ["rows", ""] {
        get(Csv, PEOPLE, whole, &PEOPLE.replace("\"Grace\",\"85\"", "Grace,85"));
    }
    listed(
        Csv,
        PEOPLE,
        &[
            ("rows", 1, 5),
            ("col id", 1, 5),
            ("col name", 1, 5),
            ("col age", 1, 5),
            ("col notes", 1, 5),
            ("row id=1", 2, 2),
            ("row id=2", 3, 3),
            ("row id=3", 4, 5),
        ],
    );
}

#[test]
fn what_separates() {
    get(Csv, "a;b;c,d\n1;2;2,5\n", "rows", "a,b,\"c,d\"\n1,2,\"2,5\"\n");
    get(Csv, "a;b,c\n1;2,5\n", "rows", "a;b,c\n1;2,5\n");
    get(Csv, "a\tb\n1\t2\n", "row a=1", "a,b\n1,2\n");
    get(Csv, "a|b\n1|2\n", "row a=1", "a,b\n1,2\n");
    get(Csv, "sep=;\r\na;b\r\n1;2\r\n", "row a=1", "a,b\n1,2\n");
    get(Csv, "sep=:\na:b\n1:2\n", "row a=1", "a,b\n1,2\n");
    get(Csv, "a:b\n1:2\n", "sep=: row a=1", "a,b\n1,2\n");
    get(Csv, "a b\n1 2\n", "sep=space row a=1", "a,b\n1,2\n");
    get(Csv, "a,b;c\n", "rows", "a,b;c\n");
    get(Csv, "a,b;c\n", "sep=; rows", "\"a,b\",c\n");
    get(Tsv, "a,b\tc\n1\t\"x\ty\"\n", "cell \"a,b\"=1/c", "x\ty");
    get(Csv, "\u{feff}\"a\";b\r\n\r\n1;2", "cell a=1/b", "2");
    get(Csv, "1,2\n3,4\n", "headless rows", "#1,#2\n1,2\n3,4\n");
    get(Csv, "1,2\n3,4\n", "headless cell #1=3/#2", "4");
    put(Csv, "1,2\n3,4\n", "headless row #1=3", "#1,#2\n3,5\n", "1,2\n3,5\n");
}

#[test]
fn fields_keep_their_quotes() {
    put(Csv, PEOPLE, "row id=2", "id,name,age,notes\n2,Grace,86,\n", &PEOPLE.replace("\"85\"", "\"86\""));
    put(Csv, PEOPLE, "row id=1", "id,name,age,notes\n1,Ada,36,one\n", &PEOPLE.replace("\"first, of all\"", "one"));
    put(
        Csv,
        PEOPLE,
        "row id=1",
        "id,name,age,notes\n1,\"A\"\"d\",36,\n",
        &PEOPLE.replace("Ada,36,\"first, of all\"", "\"A\"\"d\",36,"),
    );
    put(Csv, PEOPLE, "cell id=2/notes", "a;b", &PEOPLE.replace("\"85\",\n", "\"85\",a;b\n"));
    put(Csv, PEOPLE, "cell id=3/name", "Linus\n", &PEOPLE.replace("\"Lin\nus\"", "Linus"));
    // Every field is in quotes: so is what comes.
    put(Csv, "\"a\",\"b\"\n\"1\",\"\"\n", "cell a=1/b", "x", "\"a\",\"b\"\n\"1\",\"x\"\n");
    put(Csv, "a;b\r\n1;x\r\n", "cell a=1/b", "y;z", "a;b\r\n1;\"y;z\"\r\n");
    put(Csv, "a,b\r\n1,\"x\r\ny\"\r\n", "cell a=1/b", "x\nz\n\n", "a,b\r\n1,\"x\r\nz\r\n\"\r\n");
    // A row that is shorter than the header.
    put(Csv, "a,b,c,d\n1\n", "cell a=1/c", "x", "a,b,c,d\n1,,x\n");
    put(Csv, "a\n1\n2\n", "col a", "1\n\"\"\n", "a\n1\n\"\"\n");
    put(Csv, PEOPLE, "col age", "36\n85\n55\n", &PEOPLE.replace("54", "55"));
}

#[test]
fn rows_come_and_go() {
    insert(Csv, PEOPLE, "row id=4", Format::CsvRow, "notes,id\nnew,4\n", &(PEOPLE.to_owned() + "4,,,new\n"));
    insert(Csv, "a;b\r\n1;2", "row a=3", Format::CsvRow, "a,b\n3,4\n", "a;b\r\n1;2\r\n3;4");
    insert(Csv, "a,b\n\"1\",\"2\"\n\n", "row a=3", Format::CsvRow, "a,b\n3,4\n", "a,b\n\"1\",\"2\"\n\"3\",\"4\"\n\n");
    insert(Csv, "a,b", "row a=3", Format::CsvRow, "a,b\n3,4\n", "a,b\n3,4");
    insert(Csv, "a,b,,\n1,2,,\n", "row a=3", Format::CsvRow, "a,b\n3,4\n", "a,b,,\n1,2,,\n3,4,,\n");
    remove(Csv, PEOPLE, "row id=3", "id,name,age,notes\n1,Ada,36,\"first, of all\"\n2,\"Grace\",\"85\",\n");
    remove(Csv, "a\r\n1\r\n2", "row a=2", "a\r\n1");
    insert(Csv, "a,b\n1,2\n3,\n", "col c", Format::CsvColumn, "x\n\"y,\"\n", "a,b,c\n1,2,x\n3,,\"y,\"\n");
    insert_only(Csv, "a,b\n1,2\n3\n", "col c", Format::CsvColumn, "x\ny\n", "a,b,c\n1,2,x\n3,,y\n");
    remove(Csv, "a,b\n,2\n1,\n3\n", "col a", "b\n2\n\"\"\n\"\"\n");
    remove(Csv, "a,b,c\n1,2,3\n4\n", "col b", "a,c\n1,3\n4\n");
    insert_only(Csv, "", "rows", Format::Csv, "a,b\n1,\"x;y\"\n", "a,b\n1,x;y\n");
    insert_only(Csv, "\u{feff}", "sep=; rows", Format::Csv, "a,b\n1,\"x,y\"\n", "\u{feff}a;b\n1;x,y\n");
    insert_only(Tsv, "", "row a=1", Format::CsvRow, "a,b\n1,2\n", "a\tb\n1\t2\n");
    remove(Csv, "\u{feff}a,b\n1,2\n", "rows", "\u{feff}");
}

#[test]
fn whole_tables() {
    let file = "id;name;own\n1;a;\"x\"\n\n2;\"b\";y\n3;c;z\n";
    // An edit, a new row, a row that went; the others' columns stay, and so do quotes and blank lines.
    put(Csv, file, "rows(id,name)", "id,name\n1,a\n2,B\n4,d\n", "id;name;own\n1;a;\"x\"\n\n2;\"B\";y\n4;\"d\";\n");
    // Another order.
    put(Csv, file, "rows(id,name)", "id,name\n3,c\n1,a\n2,b\n", "id;name;own\n3;c;z\n1;a;\"x\"\n\n2;\"b\";y\n");
    put(Csv, file, "rows(id,name)", "id,name\n", "id;name;own\n\n");
    put(Csv, "a,b\n1,2\n3,4", "rows", "a,b\n1,2\n", "a,b\n1,2");
    put(Csv, "a,b\n1,2", "rows", "a,b\n1,2\n3,4\n", "a,b\n1,2\n3,4");
    put(Csv, "a,b\n1,2", "rows", "a,b\n3,4\n1,2\n", "a,b\n3,4\n1,2");
    put(Csv, "a,b\n1,2", "rows", "a,b\n", "a,b");
    // Other columns: the table is laid out anew, and fields keep their quotes.
    put(Csv, "id;b\n1;\"x\"\n2;y\n", "rows", "id,c,b\n1,n,x\n3,,z\n", "id;b;c\n1;\"x\";n\n3;z;\n");
    put(Csv, "id,b\n1,\"x\"", "rows", "id\n1\n2\n", "id\n1\n2");
}

#[test]
fn what_is_refused() {
    get_fails(
        Csv,
        PEOPLE,
        "row id=9",
        "missing: nothing stands at `row id=9`; did you mean `row id=1`, `row id=2`, `row id=3`?",
    );
    get_fails(
        Csv,
        PEOPLE,
        "row Id=1",
        "missing: nothing stands at `row Id=1`; did you mean `row id=1`, `row age=1`, `row name=1`?",
    );
    get_fails(
        Csv,
        PEOPLE,
        "col nmae",
        "missing: nothing stands at `col nmae`; did you mean `col name`, `col age`, `col notes`?",
    );
    get_fails(
        Csv,
        PEOPLE,
        "cell id=1/nam",
        "missing: nothing stands at `cell id=1/nam`; did you mean `cell id=1/name`, `cell id=1/id`, `cell id=1/age`?",
    );
    get_fails(Csv, "", "rows", "missing: nothing stands at `rows`");
    get_fails(Csv, "a,b\n1,2\n1,3\n", "row a=1", "ambiguous: `row a=1` matches 2 portions, on lines 2, 3");
    get_fails(Csv, "a,a\n1,2\n", "col a", "ambiguous: `col a` matches 2 portions, on line 1");
    get_fails(
        Csv,
        "a,b,a\n1,2,3\n",
        "rows",
        "unparsable: line 1, column 5: a second column is called `a`; name the columns to take, as in `rows(id,name)`",
    );
    get_fails(Csv, "a,b\n1,2,3\n", "row a=1", "unparsable: line 2, column 5: this row has 3 fields, and the header 2");
    get(Csv, "a,b\n1,2,3\n4,5\n", "row a=4", "a,b\n4,5\n");
    get_fails(
        Csv,
        "a,b\n1,\"2\n3,4\n",
        "row a=3",
        "unparsable: line 2, column 3: the quote that opens here is never closed",
    );
    get_fails(
        Csv,
        "a,b\n1,\"2\"3\n",
        "row a=1",
        "unparsable: line 2, column 6: text stands behind the closing quote of a field",
    );
    get(Csv, "a,b\n1,\"2\"3\n4,5\" x\n", "row a=4", "a,b\n4,\"5\"\" x\"\n");
    get_fails(
        Csv,
        "a,b\r1,2\r",
        "rows",
        "unparsable: line 1, column 4: a carriage return without a line feed: programs do not agree whether a row ends here",
    );
    put_fails(
        Csv,
        PEOPLE,
        "row id=1",
        "id,name,age,notes\n5,Ada,36,\n",
        "refused: the fragment's row says `5` where the selector says `1`: that is another portion",
    );
    put_fails(
        Csv,
        PEOPLE,
        "row id=1",
        "id,name\n1,Ada\n",
        "refused: the fragment has the columns `id, name`, and the portion `id, name, age, notes`",
    );
    put_fails(
        Csv,
        PEOPLE,
        "col age",
        "1\n",
        "refused: a column has one value for each row of the table; to add or remove rows, put `rows` or a `row`",
    );
    // Nothing tells the rows apart, and one would lose its note or get another's.
    put_fails(
        Csv,
        "name,own\na,x\na,y\nb,z\n",
        "rows(name)",
        "name\na\nb\n",
        "refused: it is not clear which rows were removed or edited, and which of them keep their `own`: name a column first \
         that tells rows apart, as in `rows(id,name)`",
    );
    // Without `b`, the comma would be taken for the separator.
    let file = "a;b\n1,5;2\n";
    let refusal = "refused: with this header, the file would be read with `,` between its fields, no longer with `;`; say how it is \
                   written, as in `sep=; rows`";
    assert_eq!(said(portion::remove(Csv, file.as_bytes(), "col b")), refusal);
    put_fails(Csv, file, "rows", "a\n\"1,5\"\n", refusal);
    remove(Csv, file, "sep=; col b", "a\n1,5\n");
    for (selector, why) in [
        ("raw id=1", "write `rows`, `rows(id,name)`, `row id=42`"),
        ("row id", "expected `=` behind `id`"),
        ("cell id=1", "expected `/` behind `1`"),
        ("col ", "a name is missing"),
        ("rows(a,", "expected `,` behind ``"),
        ("rows(a,a)", "a column is named twice"),
        ("sep=xx rows", "a separator is one sign"),
        ("row \"id", "in the quotes of"),
    ] {
        let said = said(portion::get(Csv, PEOPLE.as_bytes(), selector));
        assert!(said.starts_with("selector: ") && said.contains(why), "{selector}: {said}");
    }
}

#[test]
fn names_that_need_quotes() {
    let file = "a=b,\"x/y\",#1,\" z\",\"\"\"q\"\"\",,w\n1,2,3,4,5,6,7\n";
    for (selector, text) in [
        ("cell \"a=b\"=1/x/y", "2"),
        ("cell x/y=2/\"#1\"", "3"),
        ("cell x/y=2/#1", "1"),
        ("cell \"#1\"=3/\" z\"", "4"),
        ("cell \"#1\"=3/\"\\\"q\\\"\"", "5"),
        ("cell w=7/\"\"", "6"),
    ] {
        get(Csv, file, selector, text);
    }
    listed(
        Csv,
        file,
        &[
            ("rows", 1, 2),
            ("col a=b", 1, 2),
            ("col x/y", 1, 2),
            ("col \"#1\"", 1, 2),
            ("col \" z\"", 1, 2),
            ("col \"\\\"q\\\"\"", 1, 2),
            ("col \"\"", 1, 2),
            ("col w", 1, 2),
            ("row \"a=b\"=1", 2, 2),
        ],
    );
}

#[test]
fn values() {
    let value = |format: Format, text: &str| format.value(text.as_bytes()).unwrap();
    let json = |text: &str| Format::Json.value(text.as_bytes()).unwrap();
    assert_eq!(value(Format::Csv, "a,b\n1,\"x\"\n2\n"), json(r#"[{"a":"1","b":"x"},{"a":"2","b":""}]"#));
    assert_eq!(value(Format::CsvRow, "a,b\n1,\"x\"\n"), json(r#"{"a":"1","b":"x"}"#));
    assert_eq!(value(Format::CsvColumn, "1\n\"\"\n"), json(r#"["1",""]"#));
    let update = |format: Format, text: &str, value: &str| {
        format.update(text.as_bytes(), &json(value)).map(|text| super::text(&text))
    };
    let table = "a,b\n1,x\n";
    assert_eq!(
        update(Format::Csv, table, r#"[{"b":"y","a":1},{"a":true,"b":null}]"#).unwrap_err().to_string(),
        "csv cannot say null at `/1/b`"
    );
    assert_eq!(update(Format::Csv, table, r#"[{"c":"y","b":"y","a":1.50}]"#).unwrap(), "a,b,c\n1.50,y,y\n");
    assert_eq!(update(Format::Csv, table, "[]").unwrap(), "a,b\n");
    assert_eq!(update(Format::Csv, table, r#"[{"a":"1","b":"x"}]"#).unwrap(), table);
    assert_eq!(
        update(Format::Csv, table, r#"[{"a":"1","b":"x"},{"b":"1"}]"#).unwrap_err().to_string(),
        "csv cannot say a row without `a`, which others have at `/1`"
    );
    assert_eq!(update(Format::CsvRow, table, r#"{"b":"x"}"#).unwrap(), "b\nx\n");
    assert_eq!(update(Format::CsvColumn, "1\n", r#"["1","","a,b"]"#).unwrap(), "1\n\"\"\n\"a,b\"\n");
}

#[test]
fn a_file_with_zero_bytes_is_no_table() {
    for file in [&b"id,name\n1,A\x00nn\n"[..], b"id\n1\n\x20\x00\x00\x00"] {
        assert!(matches!(portion::list(portion::Scheme::Csv, file), Err(portion::LensError::Unparsable { .. })));
    }
}

#[test]
fn rows_of_a_file_without_a_header_and_a_last_line_end_can_go() {
    let nothing =
        "refused: after the edit, `headless rows` could not be found again: nothing stands at `headless rows`";
    put_fails(Csv, "1,2\n3,4", "headless rows", "#1,#2\n", nothing);
    put(Csv, "1,2\n3,4", "headless rows", "#1,#2\n3,4\n", "3,4");
}
