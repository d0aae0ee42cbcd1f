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

const ODS_CELLS: &[&str] = &[
    " office:value-type=\"float\" office:value=\"1.50\"><text:p>1,5</text:p>",
    " office:value-type=\"percentage\" office:value=\"0.5\">",
    " office:value-type=\"currency\" office:currency=\"EUR\" office:value=\"-1e3\"><text:p>x</text:p>",
    " office:value-type=\"date\" office:date-value=\"2024-01-31\">",
    " office:value-type=\"date\" office:date-value=\"2024-01-31T10:00:00.123456789\">",
    " office:value-type=\"time\" office:time-value=\"PT10H30M00S\">",
    " office:value-type=\"time\" office:time-value=\"PT100H00M00.5S\">",
    " office:value-type=\"boolean\" office:boolean-value=\"true\">",
    " office:value-type=\"string\"><text:p/>",
    " office:value-type=\"string\"><text:p> a  b<text:s text:c=\"3\"/> c</text:p><text:p><text:span>d</text:span><text:tab/></text:p>",
    " office:value-type=\"string\" office:string-value=\"said\"><text:p>shown</text:p>",
    " office:value-type=\"string\"><office:annotation><text:p>n</text:p></office:annotation><text:p>é&amp;</text:p>",
    " calcext:value-type=\"error\" office:value-type=\"string\" office:string-value=\"\"><text:p>#N/A</text:p>",
    "><text:p>no type</text:p>",
    " table:style-name=\"x\">",
    ">",
    " office:value-type=\"string\"><text:p><text:a>link</text:a></text:p>",
    " table:formula=\"of:=1\" office:value-type=\"float\" office:value=\"1\">",
];

fn ods_row(cells: &[(&str, u32)]) -> String {
    let cells = cells.iter().map(|(cell, count)| {
        format!("<table:table-cell table:number-columns-repeated=\"{count}\"{cell}</table:table-cell>")
    });
    cells.collect()
}

fn ods_sheet() -> impl Strategy<Value = String> {
    let row = (prop::collection::vec((select(ODS_CELLS), 1u32..4), 0..4), 1u32..4, any::<bool>());
    (prop::collection::vec(row, 1..4), any::<bool>()).prop_map(|(rows, tail)| {
        let mut text: String = rows
            .iter()
            .map(|(cells, count, grouped)| {
                let row = match cells.as_slice() {
                    [] => format!("<table:table-row table:number-rows-repeated=\"{count}\"/>"),
                    cells => format!("<table:table-row table:number-rows-repeated=\"{count}\">{}</table:table-row>", ods_row(cells)),
                };
                if *grouped { format!("<table:table-row-group>{row}</table:table-row-group>") } else { row }
            })
            .collect();
        if tail {
            text += "<table:table-row table:number-rows-repeated=\"1048570\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>";
        }
        text
    })
}

pub(crate) fn ods() -> BoxedStrategy<Vec<u8>> {
    let records = prop::collection::vec((select(&ODS_CELLS[..16]), select(&ODS_CELLS[..16])), 0..4);
    (ods_sheet(), ods_sheet(), prop::option::of(records), how())
        .prop_map(|(mut first, second, records, how)| {
            let mut ranges = String::new();
            if let Some(records) = records {
                let name = |text: &str| format!(" office:value-type=\"string\"><text:p>{text}</text:p>");
                first = format!("<table:table-row>{}</table:table-row>", ods_row(&[(&name("one"), 1), (&name("two"), 1)]));
                for (a, b) in &records {
                    first += &format!("<table:table-row>{}</table:table-row>", ods_row(&[(a, 1), (b, 1)]));
                }
                ranges = format!(
                    "<table:database-ranges><table:database-range table:name=\"Q\" table:target-range-address=\"S.A1:S.B{}\"/></table:database-ranges>",
                    records.len().max(1) + 1
                );
            }
            let inside = format!(
                "<table:table table:name=\"S\">{first}</table:table><table:table table:name=\"T t\">{second}</table:table>\
                 <table:named-expressions><table:named-range table:name=\"Two\" table:cell-range-address=\"$S.$B$2:.$C$4\"/>\
                 </table:named-expressions>{ranges}"
            );
            crate::archive::ods(&inside, how)
        })
        .boxed()
}

/// Sections by their paths; what stands in the last one is part of it.
pub(crate) fn overlap(a: &str, b: &str) -> bool {
    let path = |selector: &str| selector.strip_prefix("heading:").map(str::to_owned);
    match (path(a), path(b)) {
        (Some(a), Some(b)) => {
            let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
            long.strip_prefix(&short).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
        (Some(path), None) | (None, Some(path)) => path == "/Z",
        (None, None) => a == b,
    }
}

const RUNS: &[&str] = &[
    "<w:r><w:t>text</w:t></w:r>",
    "<w:r><w:rPr><w:b/></w:rPr><w:t xml:space=\"preserve\"> bold </w:t></w:r>",
    "<w:r><w:t>a</w:t><w:tab/><w:br/><w:t>b</w:t></w:r>",
    "<w:r w:rsidR=\"1\"><w:rPr><w:i/></w:rPr></w:r>",
    "<w:r><w:lastRenderedPageBreak/><w:t>é&amp;</w:t></w:r>",
    "<w:proofErr w:type=\"spellStart\"/>",
    "<w:bookmarkStart w:id=\"9\" w:name=\"_x\"/><w:bookmarkEnd w:id=\"9\"/>",
    "<w:hyperlink><w:r><w:t>link</w:t></w:r></w:hyperlink>",
    "<w:r><w:fldChar w:fldCharType=\"begin\"/></w:r><w:r><w:t>1</w:t></w:r><w:r><w:fldChar w:fldCharType=\"end\"/></w:r>",
    "<w:r><w:drawing/></w:r>",
];

fn paragraph() -> impl Strategy<Value = String> {
    let plain = prop::collection::vec(select(&RUNS[..7]), 0..3);
    let odd = prop::collection::vec(select(RUNS), 0..4);
    (prop_oneof![3 => plain, 1 => odd], any::<bool>()).prop_map(|(runs, properties)| {
        match (runs.as_slice(), properties) {
            ([], false) => "<w:p/>".to_owned(),
            (runs, properties) => {
                format!("<w:p>{}{}</w:p>", if properties { "<w:pPr><w:keepNext/></w:pPr>" } else { "" }, runs.concat())
            }
        }
    })
}

fn paragraphs(least: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(paragraph(), least..4).prop_map(|all| all.concat())
}

pub(crate) fn docx() -> BoxedStrategy<Vec<u8>> {
    let runs = || prop::collection::vec(select(RUNS), 1..4).prop_map(|runs| runs.concat());
    let table = any::<bool>();
    (paragraphs(0), paragraphs(0), paragraphs(1), runs(), runs(), (paragraphs(1), table), how())
        .prop_map(|(a, b, tagged, inline, marked, (cell, has_table), how)| {
            let heading = |level: usize, name: &str| {
                format!("<w:p><w:pPr><w:pStyle w:val=\"H{level}\"/></w:pPr><w:r><w:t>{name}</w:t></w:r></w:p>")
            };
            let control = |tag: &str, inside: &str| {
                format!(
                    "<w:sdt><w:sdtPr><w:tag w:val=\"{tag}\"/></w:sdtPr><w:sdtContent>{inside}</w:sdtContent></w:sdt>"
                )
            };
            let mut body = [heading(1, "A"), a, heading(2, "B"), b, heading(1, "Z"), control("T", &tagged)].concat();
            body += &format!("<w:p>{}</w:p>", control("I", &inline));
            body +=
                &format!("<w:p><w:bookmarkStart w:id=\"1\" w:name=\"m\"/>{marked}<w:bookmarkEnd w:id=\"1\"/></w:p>");
            if has_table {
                body += &format!("<w:tbl><w:tr><w:tc>{cell}</w:tc><w:tc><w:p/></w:tc></w:tr></w:tbl>");
            }
            crate::archive::docx(&body, how)
        })
        .boxed()
}

pub(crate) fn pptx() -> BoxedStrategy<Vec<u8>> {
    const SHOWN: &[&str] = &[
        "<a:r><a:rPr lang=\"en\"/><a:t>text</a:t></a:r>",
        "<a:r><a:t>more &lt;</a:t></a:r>",
        "<a:br/>",
        "<a:fld id=\"x\" type=\"slidenum\"><a:t>1</a:t></a:fld>",
    ];
    let paragraph = prop::collection::vec(select(SHOWN), 0..4)
        .prop_map(|runs| format!("<a:p><a:pPr/>{}<a:endParaRPr/></a:p>", runs.concat()));
    let paragraphs = || prop::collection::vec(paragraph.clone(), 1..3).prop_map(|all| all.concat());
    (paragraphs(), paragraphs(), paragraphs(), how())
        .prop_map(|(title, other, cell, how)| {
            let shape = |name: &str, inside: &str| {
                format!("<p:sp><p:nvSpPr><p:cNvPr name=\"{name}\"/></p:nvSpPr><p:txBody><a:bodyPr/>{inside}</p:txBody></p:sp>")
            };
            let table = format!(
                "<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr name=\"G\"/></p:nvGraphicFramePr><a:graphic><a:tbl><a:tr><a:tc><a:txBody>{cell}</a:txBody></a:tc></a:tr></a:tbl></a:graphic></p:graphicFrame>"
            );
            crate::archive::pptx(&[&shape("Title 1", &title), &(shape("B", &other) + &table)], how)
        })
        .boxed()
}

/// Parts that are damaged in a sound archive: whatever is said of them is well, and what is put is read.
#[test]
fn damaged_parts() {
    use portion::{Fragment, Scheme};
    let files = prop_oneof![
        xlsx().prop_map(|file| (Scheme::Xlsx, "xl/worksheets/sheet1.xml", file)),
        ods().prop_map(|file| (Scheme::Ods, "content.xml", file)),
        docx().prop_map(|file| (Scheme::Docx, "word/document.xml", file)),
        pptx().prop_map(|file| (Scheme::Pptx, "ppt/slides/slide1.xml", file)),
    ];
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0usize..4), 1..4);
    super::run((files, damage), |((scheme, name, file), damage)| {
        let mut parts = crate::archive::parts(&file);
        let part = parts.get_mut(name).unwrap();
        for (from, to, kind) in damage {
            let (from, to) = (from.index(part.len()), to.index(part.len()));
            let end = part.len().min(to + 12);
            let piece = part[to..end].to_vec();
            match kind {
                0 => drop(part.splice(from..from, piece)),
                1 => drop(part.splice(from..part.len().min(from + 9), [])),
                2 => part[from] = part[to],
                _ => drop(part.splice(from..part.len().min(from + 5), *b"<a:r>")),
            }
        }
        let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, part)| (name.as_str(), part.as_slice())).collect();
        let file = crate::archive::zip(&parts, How::default());
        let _ = portion::omitted(scheme, &file);
        for item in portion::list(scheme, &file).unwrap_or_default() {
            let standing = portion::get(scheme, &file, &item.selector).unwrap();
            prop_assert_eq!(portion::put(scheme, &file, &item.selector, &standing), Ok(None));
            let text = String::from_utf8(standing.text.clone()).unwrap().replace('e', "x").replace('1', "2");
            let new = Fragment { format: standing.format, text: text.into_bytes() };
            if let Ok(Some(written)) = portion::put(scheme, &file, &item.selector, &new) {
                prop_assert!(portion::get(scheme, &written, &item.selector).is_ok());
            }
            let _ = portion::remove(scheme, &file, &item.selector);
        }
        Ok(())
    });
}
