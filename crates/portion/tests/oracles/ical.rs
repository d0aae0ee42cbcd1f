//! Calendars as Python's `icalendar` reads them, and cards as `vobject` does, after values were put into them.

use portion::{Format, Fragment, Scheme, Value, get, list, put};

use super::{files, output};

const LINES: &[&str] = &[
    "SUMMARY:Tea\\, cake\\nand \\\\ more\\; please",
    "DESCRIPTION:A text that goes on ünd on until it has to be földed somewhere behind its seventy-fifth octet",
    "LOCATION;LANGUAGE=en:Room",
    "  continued",
    "COMMENT:x:y;z",
    "X-NOTE;X-P=\"a;b\":plain",
    "DTSTART;TZID=Europe/Berlin:20260101T100000",
    "DTEND:20260101T110000Z",
    "ATTENDEE;CN=\"A, B\":mailto:a@example.org",
    "RRULE:FREQ=WEEKLY;COUNT=2",
    "STATUS:CONFIRMED",
];

const TEXTS: &[&str] = &[
    "",
    "two\nlines",
    "a,b;c\\d:e",
    "\"quoted\" 漢字 and a text that goes on for so long that it is folded",
    " blanks ",
];

/// What begins with `X-` it leaves as it is written, where RFC 5545 (3.8.8.2) calls it text.
const CALENDARS: &str = "
import json, sys
try:
    import icalendar
except ImportError:
    sys.stderr.write('icalendar'); sys.exit(9)
def text(value):
    return str(value) if not isinstance(value, list) else [str(item) for item in value]
def read(source):
    try:
        calendar = icalendar.Calendar.from_ical(source)
    except ValueError:
        return None
    event = calendar.walk('VEVENT')[0]
    return {name: text(event[name]) for name in ('SUMMARY', 'DESCRIPTION', 'LOCATION', 'COMMENT', 'STATUS') if name in event}
print(json.dumps([read(source) for source in json.load(sys.stdin)]))
";

const CARDS: &str = "
import json, sys
try:
    import vobject
except ImportError:
    sys.stderr.write('vobject'); sys.exit(9)
def read(source):
    card = vobject.readOne(source)
    return {line.name: line.value for line in card.lines() if line.name in ('FN', 'NOTE', 'TITLE')}
print(json.dumps([read(source) for source in json.load(sys.stdin)]))
";

/// What the program tells of each text; `None` where it or its library is not installed.
fn readings(program: &str, texts: &[String]) -> Option<Vec<serde_json::Value>> {
    let output = output("python3", &["-c", program], &serde_json::to_vec(texts).unwrap())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code() == Some(9) {
        eprintln!("{said} is not installed: not compared with it");
        return None;
    }
    assert!(output.status.success(), "{said}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// With each of its text properties replaced, by turns.
fn edited(scheme: Scheme, file: String, selector: &str, names: &[&str], nth: usize) -> String {
    let mut file = file.into_bytes();
    for (at, name) in names.iter().enumerate() {
        let expression = format!("{selector}/{name}");
        let text = TEXTS[(nth + at) % TEXTS.len()].as_bytes().to_vec();
        if get(scheme, &file, &expression).is_ok() {
            let fragment = Fragment { format: Format::Text, text };
            file = put(scheme, &file, &expression, &fragment).unwrap().unwrap_or(file);
        }
    }
    String::from_utf8(file).unwrap()
}

#[test]
fn calendars_as_icalendar_reads_them() {
    let names = ["SUMMARY", "DESCRIPTION", "COMMENT", "X-NOTE"];
    let texts: Vec<String> = files(1500, LINES)
        .into_iter()
        .map(|lines| {
            format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:u\nCLASS:PUBLIC\n{lines}END:VEVENT\nEND:VCALENDAR\n")
        })
        .map(|text| text.replace("\n\n", "\n").replace('\n', "\r\n"))
        .enumerate()
        .map(|(nth, text)| if nth % 2 == 0 { text } else { edited(Scheme::Ics, text, "uid:u", &names, nth) })
        .collect();
    let Some(readings) = readings(CALENDARS, &texts) else { return };
    let mut compared = 0;
    for (text, theirs) in texts.iter().zip(readings) {
        let serde_json::Value::Object(theirs) = theirs else { continue };
        let fragment = get(Scheme::Ics, text.as_bytes(), "uid:u").unwrap();
        let value = fragment.format.value(&fragment.text).unwrap();
        for (name, theirs) in theirs {
            let plain = |value: &Value| match value {
                Value::Map(_) => value.child("value").and_then(Value::as_text).unwrap().to_owned(),
                scalar => scalar.as_text().unwrap().to_owned(),
            };
            let ours = match value.child(&name).unwrap() {
                Value::Sequence(items) => serde_json::Value::from(items.iter().map(plain).collect::<Vec<_>>()),
                single => serde_json::Value::from(plain(single)),
            };
            assert_eq!(ours, theirs, "{name} of\n{text}");
            compared += 1;
        }
    }
    assert!(compared > 1000, "only {compared} properties were compared");
}

#[test]
fn cards_as_vobject_reads_them() {
    let card = |nth: usize| {
        format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u{nth}\r\nFN:Ada\r\nN:L;Ada;;;\r\nNOTE;X-P=1:a\\, b\r\nTITLE:T\r\nEND:VCARD\r\n"
        )
    };
    let texts: Vec<String> = (0..40)
        .map(|nth| edited(Scheme::Vcf, card(nth), &format!("uid:u{nth}"), &["NOTE", "TITLE", "FN"], nth))
        .collect();
    let Some(readings) = readings(CARDS, &texts) else { return };
    for (nth, (text, theirs)) in texts.iter().zip(readings).enumerate() {
        assert_eq!(list(Scheme::Vcf, text.as_bytes()).unwrap().len(), 1);
        for (name, theirs) in theirs.as_object().unwrap() {
            let ours = get(Scheme::Vcf, text.as_bytes(), &format!("uid:u{nth}/{name}")).unwrap();
            assert_eq!(ours.format.value(&ours.text).unwrap().as_text(), theirs.as_str(), "{name} of\n{text}");
        }
    }
}
