//! Notebooks as Jupyter's own library reads them, after sources were put and cells inserted.

use portion::{Format, Fragment, Scheme, get, insert, put};

use super::output;

const READER: &str = "
import sys
try:
    import nbformat
except ImportError:
    sys.stderr.write('nbformat'); sys.exit(9)
import json
def read(text):
    book = nbformat.reads(text, as_version=4)
    nbformat.validate(book)
    return {cell['id']: cell['source'] for cell in book['cells']}
print(json.dumps([read(text) for text in json.load(sys.stdin)]))
";

const TEXTS: &[&str] = &["", "x", "a\nb\n\nc", "\"quoted\" \\ 漢字\n", "\u{c}\tform", "a\u{2028}b"];

fn book(source: &str) -> String {
    format!(
        "{{\n \"cells\": [\n  {{\n   \"cell_type\": \"markdown\",\n   \"id\": \"m\",\n   \"metadata\": {{}},\n   \"source\": {source}\n  }}\n ],\n \
         \"metadata\": {{}},\n \"nbformat\": 4,\n \"nbformat_minor\": 5\n}}\n"
    )
}

#[test]
fn notebooks_as_nbformat_reads_them() {
    let text = |text: &str| Fragment { format: Format::Text, text: text.as_bytes().to_vec() };
    let mut books = Vec::new();
    for source in ["[]", "\"one\"", "[\n    \"one\\n\",\n    \"two\"\n   ]"] {
        for new in TEXTS {
            let file = book(source).into_bytes();
            let file = put(Scheme::Ipynb, &file, "cell:m", &text(new)).unwrap().unwrap_or(file);
            let file = insert(Scheme::Ipynb, &file, "cell:code-1", &text(new)).unwrap();
            books.push(String::from_utf8(file).unwrap());
        }
    }
    let made = insert(Scheme::Ipynb, b"", "cell:first", &text("1 + 1")).unwrap();
    books.push(String::from_utf8(made).unwrap());
    let Some(output) = output("python3", &["-c", READER], &serde_json::to_vec(&books).unwrap()) else { return };
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(9) {
        eprintln!("{said} is not installed: not compared with it");
        return;
    }
    assert!(output.status.success(), "{said}");
    let readings: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(readings.len(), books.len());
    for (book, theirs) in books.iter().zip(readings) {
        assert!(!theirs.is_empty());
        for (id, source) in theirs {
            let ours = get(Scheme::Ipynb, book.as_bytes(), &format!("cell:{id}")).unwrap();
            assert_eq!(ours.format.value(&ours.text).unwrap().as_text(), source.as_str(), "{id} of\n{book}");
        }
    }
}
