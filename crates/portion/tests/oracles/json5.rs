//! JSON5 as Python's `json5` reads it.

use portion::{Format, Number, Value};

use super::{files, output};

const PIECES: &[&str] = &[
    "{a: 1, 'b': \"x\",}",
    "[1, 'it\\'s', 0x1F,]",
    "{",
    "}",
    "[",
    "]",
    ",",
    "a:",
    "'b':",
    "\"c\":",
    "$_1: ",
    "'x\\\ny'",
    "\"\\x41\\u0042\\v\"",
    "'\\0'",
    "+1.5",
    "-.5e3",
    "5.",
    "0x1f",
    "-Infinity",
    "null",
    "// c",
    "/* c\n */",
    "\u{a0}",
    "true",
];

const READER: &str = "
import sys
try:
    import json5
except ImportError:
    sys.stderr.write('json5'); sys.exit(9)
import json
def read(text):
    try:
        return [json5.loads(text, allow_duplicate_keys=False)]
    except (ValueError, RecursionError):
        return None
print(json.dumps([read(text) for text in json.load(sys.stdin)]))
";

fn from_json(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Bool(*truth),
        serde_json::Value::Number(number) => Value::Number(Number::new(number.to_string())),
        serde_json::Value::String(text) => Value::String(text.clone()),
        serde_json::Value::Array(items) => Value::Sequence(items.iter().map(from_json).collect()),
        serde_json::Value::Object(members) => {
            Value::Map(members.iter().map(|(key, value)| (key.clone(), from_json(value))).collect())
        }
    }
}

#[test]
fn json5_as_python_reads_it() {
    // What Python writes of infinity is no JSON.
    let texts: Vec<String> = files(2500, PIECES)
        .into_iter()
        .enumerate()
        .map(|(nth, text)| match nth % 3 {
            0 => format!("[{}]", text.trim_end().replace('\n', "\n,")),
            1 => format!(
                "{{k: [{}]}}",
                text.trim_end().lines().filter(|line| !line.ends_with(':')).collect::<Vec<_>>().join(",\n")
            ),
            _ => text,
        })
        .filter(|text| !text.contains("Infinity"))
        .collect();
    let Some(output) = output("python3", &["-c", READER], &serde_json::to_vec(&texts).unwrap()) else { return };
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(9) {
        eprintln!("{said} is not installed: not compared with it");
        return;
    }
    assert!(output.status.success(), "{said}");
    let readings: Vec<Option<Vec<serde_json::Value>>> = serde_json::from_slice(&output.stdout).unwrap();
    let mut compared = 0;
    for (text, theirs) in texts.iter().zip(readings) {
        match (Format::Json5.value(text.as_bytes()), theirs) {
            (Ok(ours), Some(theirs)) => {
                assert_eq!(ours, from_json(&theirs[0]), "\n{text}");
                compared += 1;
            }
            (Err(_), None) => {}
            (ours, theirs) => panic!("we read {ours:?}, they {theirs:?} of\n{text}"),
        }
    }
    assert!(compared > 150, "only {compared} texts were read");
}
