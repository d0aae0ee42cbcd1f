//! What is put into office documents is what openpyxl, python-docx, python-pptx and LibreOffice read there.

use std::process::{Command, Stdio};

use portion::{Format, Fragment, LensError, Scheme};

use super::archive::{self, Book, How};

/// Runs a Python program over a file; `None` where it says that something is not installed. `cargo xtask test` installs them, LibreOffice excepted.
pub(crate) fn python(program: &str, input: &[u8]) -> Option<serde_json::Value> {
    use std::io::Write;
    let mut command = Command::new("python3");
    command.args(["-c", program]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().ok()?;
    // It may have ended already, because something is not installed.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    if output.status.code() == Some(9) {
        eprintln!("not installed: {}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn put(scheme: Scheme, file: &[u8], expression: &str, text: &str) -> Vec<u8> {
    let format = portion::get(scheme, file, expression).map_or(Format::Cells, |standing| standing.format);
    let new = Fragment { format, text: text.as_bytes().to_vec() };
    match portion::put(scheme, file, expression, &new) {
        Err(LensError::Missing { .. }) => portion::insert(scheme, file, expression, &new).unwrap(),
        other => other.unwrap().unwrap(),
    }
}

const OPENPYXL: &str = "
import sys
try:
    import openpyxl
except ImportError:
    sys.stderr.write('openpyxl'); sys.exit(9)
import io, json
book = openpyxl.load_workbook(io.BytesIO(sys.stdin.buffer.read()))
say = lambda v: v.isoformat() if hasattr(v, 'isoformat') else v
print(json.dumps([[[say(c.value) for c in row] for row in sheet.iter_rows()] for sheet in book]))
";

/// LibreOffice as CSV: the sheet as it is shown.
const LIBREOFFICE: &str = "
import sys, shutil, subprocess, tempfile, glob, json, csv, os
if not shutil.which('soffice'):
    sys.stderr.write('soffice'); sys.exit(9)
folder = tempfile.mkdtemp()
try:
    kind = sys.stdin.buffer.readline().decode().strip()
    path = os.path.join(folder, 'a.' + kind)
    open(path, 'wb').write(sys.stdin.buffer.read())
    subprocess.run(['soffice', '-env:UserInstallation=file://' + folder + '/profile', '--headless', '--convert-to',
        'csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true', '--outdir', folder, path], check=True, capture_output=True, timeout=120,
        env=dict(os.environ, LC_ALL='C.UTF-8'))
    print(json.dumps(list(csv.reader(open(os.path.join(folder, 'a.csv'), newline='', encoding='utf-8')))))
finally:
    shutil.rmtree(folder, ignore_errors=True)
";

const CELLS: &str = "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\"><v>2</v></c></row>\
    <row r=\"3\"><c r=\"A3\" s=\"1\"><v>45322</v></c><c r=\"B3\"><f>B1*2</f><v>4</v></c></row>";

/// Rows that go into the first sheet.
const PUT: &str = "[[\"a\\n b & <c> _x0041_\", 21, true, \"  é\"], [null, -1.5e3], [\"2024-02-29\", 4]]";

fn workbook() -> Vec<u8> {
    // openpyxl wants more of a workbook than we do.
    let file = Book::new(&[("S", CELLS)]).whole(How::default());
    put(Scheme::Xlsx, &file, "S!", PUT)
}

#[test]
fn openpyxl_reads_what_was_put() {
    let Some(read) = python(OPENPYXL, &workbook()) else { return };
    let expected = serde_json::json!([[
        ["a\n b & <c> A", 21, true, "  é"],
        [null, -1500.0, null, null],
        ["2024-02-29T00:00:00", "=B1*2", null, null]
    ]]);
    // What `_x005F_` stands for is left to programs; openpyxl shows it as it is written.
    let shown = read.to_string().replace("_x005F_x0041_", "A");
    assert_eq!(shown, expected.to_string());
}

#[test]
fn libreoffice_reads_what_was_put() {
    let rows = |file: &[u8], kind: &str| python(LIBREOFFICE, &[kind.as_bytes(), b"\n", file].concat());
    let Some(read) = rows(&workbook(), "xlsx") else { return };
    // LibreOffice shows the value that was last computed: it heeds its own setting, not the workbook's.
    assert_eq!(
        read,
        serde_json::json!([
            ["a\n b & <c> _x0041_", "21", "TRUE", "  é"],
            ["", "-1500", "", ""],
            ["2/29/2024", "4", "", ""]
        ])
        .to_string()
        .parse::<serde_json::Value>()
        .unwrap()
    );
    let cell = |text: &str| {
        format!("<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>")
    };
    let sheet = format!(
        "<table:table table:name=\"S\"><table:table-row table:number-rows-repeated=\"3\">{}</table:table-row></table:table>",
        cell("x")
    );
    let file = put(
        Scheme::Ods,
        &archive::ods(&sheet, How { stored: true, ..How::default() }),
        "S!",
        "[[\"x\", 21, true], [\"  a  b\\n&\", -1.5], [\"x\"]]",
    );
    let read = rows(&file, "ods").unwrap();
    assert_eq!(read, serde_json::json!([["x", "21", "1"], ["  a  b\n&", "-1.5", ""], ["x", "", ""]]));
}

const WORD: &str = "
import sys
try:
    import docx
except ImportError:
    sys.stderr.write('python-docx'); sys.exit(9)
import io, json
document = docx.Document(io.BytesIO(sys.stdin.buffer.read()))
print(json.dumps([[[run.text, bool(run.bold)] for run in p.runs] for p in document.paragraphs]))
";

#[test]
fn python_docx_reads_what_was_put() {
    let body = "<w:p><w:pPr><w:pStyle w:val=\"H1\"/></w:pPr><w:r><w:t>A</w:t></w:r></w:p>\
        <w:p><w:r><w:t xml:space=\"preserve\">one </w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>two</w:t></w:r></w:p>";
    let file =
        put(Scheme::Docx, &archive::docx(body, How::default()), "heading:/A", "one  & <two>\nthree\tfour\u{B}five\n");
    let Some(read) = python(WORD, &file) else { return };
    let expected =
        serde_json::json!([[["A", false]], [["one ", false], [" & <two>", true]], [["three\tfour\nfive", false]]]);
    assert_eq!(read, expected);
}
