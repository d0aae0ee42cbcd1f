//! Workbooks.

use proptest::prelude::*;
use proptest::sample::select;

use crate::archive::{Book, How};

fn how() -> impl Strategy<Value = How> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(stored, descriptor, comment)| How {
        stored,
        descriptor,
        comment,
    })
}

/// The name and the table of a file stand in its first sheet.
pub(crate) fn same_sheet(a: &str, b: &str) -> bool {
    let sheet = |selector: &str| selector.starts_with('\'');
    sheet(a) == sheet(b)
}

/// What stands in a cell behind its place.
const CELLS: &[&str] = &[
    "><v>1</v>",
    "><v>-2.50</v>",
    "><v>1E+20</v>",
    "><v> 7 </v>",
    " s=\"1\"><v>45322</v>",
    " s=\"1\"><v>45322.25</v>",
    " s=\"2\"><v>45322.123456789</v>",
    " s=\"1\"><v>-5</v>",
    " s=\"3\"><v>0.1</v>",
    " s=\"1\">",
    " s=\"2\" t=\"inlineStr\"><is><t>2024-01-31</t></is>",
    " t=\"s\"><v>0</v>",
    " t=\"s\"><v>1</v>",
    " t=\"b\"><v>0</v>",
    " t=\"b\"><v>1</v>",
    " t=\"e\"><v>#DIV/0!</v>",
    " t=\"d\"><v>2024-01-01</v>",
    " t=\"str\"><v>x &amp; y</v>",
    " t=\"inlineStr\"><is><t/></is>",
    " t=\"inlineStr\"><is><t xml:space=\"preserve\"> é_x000D_\n</t></is>",
    " t=\"n\"><f>A1</f><v>3</v>",
    "><f>B1</f>",
    "><!-- c --><v><![CDATA[9]]></v>",
    ">",
];

fn sheet() -> impl Strategy<Value = String> {
    let cells = prop::collection::btree_map(0u32..5, select(CELLS), 0..4);
    let rows = prop::collection::btree_map(1u32..9, (cells, any::<bool>()), 0..5);
    (rows, any::<bool>(), prop::bool::weighted(0.2)).prop_map(|(rows, dimension, merge)| {
        let mut text = String::from(if dimension { "<dimension ref=\"A1:B2\"/>" } else { "" });
        text += "<cols><col min=\"3\" max=\"3\" style=\"1\"/></cols>";
        text += if rows.is_empty() { "<sheetData/>" } else { "<sheetData>" };
        for (row, (cells, spans)) in &rows {
            text += &format!("<row r=\"{row}\"{}", if *spans { " spans=\"1:2\"" } else { "" });
            if cells.is_empty() {
                text += "/>\n";
                continue;
            }
            text += ">";
            for (column, cell) in cells {
                let name = char::from(b'A' + *column as u8);
                text += &format!("<c r=\"{name}{row}\"{cell}</c>");
            }
            text += "</row>";
        }
        text += if rows.is_empty() { "" } else { "</sheetData>" };
        text + if merge { "<mergeCells><mergeCell ref=\"A1:B2\"/></mergeCells>" } else { "" }
    })
}

pub(crate) fn xlsx() -> BoxedStrategy<Vec<u8>> {
    let records = prop::collection::vec((select(&CELLS[..20]), select(&CELLS[..20])), 0..4);
    (sheet(), sheet(), prop::option::of(records), any::<bool>(), how())
        .prop_map(|(first, second, records, is_1904, how)| {
            let mut book = Book::new(&[("S", &first), ("T t", &second)]);
            book.behind = "<definedNames><definedName name=\"Two\">S!$B$2:$C$4</definedName></definedNames>".to_owned();
            book.properties = (if is_1904 { "date1904=\"1\"" } else { "" }).to_owned();
            if let Some(records) = records {
                let name = |text: &str| format!(" t=\"inlineStr\"><is><t>{text}</t></is>");
                let mut rows = vec![(name("one"), name("two"))];
                rows.extend(records.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())));
                let cells: String = rows
                    .iter()
                    .zip(1..)
                    .map(|((a, b), row)| format!("<row r=\"{row}\"><c r=\"A{row}\"{a}</c><c r=\"B{row}\"{b}</c></row>"))
                    .collect();
                book.sheets[0].1 = format!("<sheetData>{cells}</sheetData>");
                let reference = format!("A1:B{}", rows.len().max(2));
                book.table = Some(format!(
                    "displayName=\"Q\" ref=\"{reference}\"><autoFilter ref=\"{reference}\"/><tableColumns count=\"2\"/></table>"
                ));
            }
            book.write(how)
        })
        .boxed()
}
