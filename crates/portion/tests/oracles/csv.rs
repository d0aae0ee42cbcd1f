//! Tables as Python's `csv` module reads them.

use portion::{Scheme, Value, get};

use super::{files, output};

const LINES: &[&str] = &[
    "a,b,c",
    "1,2,3",
    "\"x\",\"\",\"y, z\"",
    "\"two",
    "lines\",b,c",
    "\"q\"\"q\",\"\"\"\",",
    "5\" pipe,\"\",x",
    "a \"b\" c,,",
    " \"b\",1,2",
    ",,",
    "",
    "one",
    "é,\t,|",
    "\"a\";b,c,d",
    "\"open, b, c",
    "\"\",\"\",\"\"",
    "x,\"y\nz\",\"\"\"w\"\"\"",
    "#,;,'",
];

const READER: &str = "
import csv, io, json, sys
def read(text):
    try:
        return list(csv.reader(io.StringIO(text, newline=''), delimiter=','))
    except csv.Error:
        return None
print(json.dumps([read(text) for text in json.load(sys.stdin)]))
";

/// Our rows, as wide as the first; `None` where we refuse.
fn ours(text: &str) -> Option<Vec<Vec<String>>> {
    let fragment = get(Scheme::Csv, text.as_bytes(), "sep=, headless rows").ok()?;
    let Value::Sequence(rows) = fragment.format.value(&fragment.text).ok()? else { panic!("no table") };
    let fields = |row: &Value| match row {
        Value::Map(members) => members.iter().map(|(_, text)| text.as_text().unwrap().to_owned()).collect(),
        _ => panic!("no row"),
    };
    Some(rows.iter().map(fields).collect())
}

#[test]
fn tables_as_python_reads_them() {
    let texts: Vec<String> = files(4000, LINES)
        .into_iter()
        .enumerate()
        .map(|(nth, text)| if nth % 2 == 0 { text } else { text.replace('\n', "\r\n") })
        .collect();
    let Some(output) = output("python3", &["-c", READER], &serde_json::to_vec(&texts).unwrap()) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let readings: Vec<Option<Vec<Vec<String>>>> = serde_json::from_slice(&output.stdout).unwrap();
    let mut compared = 0;
    for (text, theirs) in texts.iter().zip(readings) {
        let (Some(ours), Some(theirs)) = (ours(text), theirs) else { continue };
        let width = ours[0].len();
        let padded = |mut row: Vec<String>| {
            // A row may be longer by empty fields.
            while row.len() > width && row.last().is_some_and(String::is_empty) {
                row.pop();
            }
            row.resize(width.max(row.len()), String::new());
            row
        };
        let theirs: Vec<Vec<String>> = theirs.into_iter().filter(|row| !row.is_empty()).map(padded).collect();
        assert_eq!(ours, theirs, "\n{text}");
        compared += 1;
    }
    assert!(compared > 300, "only {compared} files could be read");
}
