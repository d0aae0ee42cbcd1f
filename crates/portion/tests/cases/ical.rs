use super::*;
use portion::Scheme::{Ics, Vcf};

const BOOK: &str = "\
BEGIN:VCALENDAR\r
VERSION:2.0\r
BEGIN:VTIMEZONE\r
TZID:Europe/Berlin\r
END:VTIMEZONE\r
BEGIN:VEVENT\r
UID:a1\r
DTSTART;TZID=Europe/Berlin:20260101T100000\r
SUMMARY:Tea\\, cake\\nand more\r
DESCRIPTION:A long line that another program has folded at a place of its own,\r
  here\r
ATTENDEE;CN=\"Ada, B\":mailto:a@example.org\r
ATTENDEE:mailto:b@example.org\r
BEGIN:VALARM\r
ACTION:DISPLAY\r
END:VALARM\r
END:VEVENT\r
BEGIN:VEVENT\r
UID:a1\r
RECURRENCE-ID:20260108T100000Z\r
SUMMARY:Coffee\r
END:VEVENT\r
BEGIN:VTODO\r
UID:a/b\r
SUMMARY:Write\r
END:VTODO\r
END:VCALENDAR\r
";

const CARDS: &str = "\
BEGIN:VCARD
VERSION:4.0
UID:urn:uuid:1
FN:Ada Lovelace
TEL;TYPE=home,voice;PREF=1:+44 1
item1.EMAIL:ada@example.org
item1.X-ABLabel:Work
END:VCARD

BEGIN:VCARD
VERSION:2.1
FN:Bo
TEL;HOME:+49 2
NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Gr=C3=BC=
=C3=9Fe
END:VCARD
";

fn todo() -> &'static str {
    "BEGIN:VTODO\nUID:a/b\nSUMMARY:Write\nEND:VTODO\n"
}

#[test]
fn components() {
    get(Ics, BOOK, "uid:\"a/b\"", todo());
    get(Ics, BOOK, "uid:a1/20260108T100000Z/SUMMARY", "Coffee");
    get(Ics, BOOK, "tzid:Europe/Berlin", "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nEND:VTIMEZONE\n");
    get(Ics, BOOK, "tzid:\"Europe/Berlin\"/TZID", "Europe/Berlin");
    // Unfolded, however it was folded; with its own alarms.
    let event = portion::get(Ics, BOOK.as_bytes(), "uid:a1").unwrap();
    let event = text(&event.text);
    assert!(event.contains("own, here\n") && event.contains("END:VALARM\nEND:VEVENT\n"), "{event}");
    get(Ics, &BOOK.replace("own,\r\n  here", "o\r\n\twn, h\r\n\r\n ere"), "uid:a1", &event);
    listed(
        Ics,
        BOOK,
        &[
            ("tzid:Europe/Berlin", 3, 5),
            ("uid:a1", 6, 17),
            ("uid:a1/20260108T100000Z", 18, 22),
            ("uid:\"a/b\"", 23, 26),
        ],
    );
    listed(Vcf, CARDS, &[("uid:urn:uuid:1", 1, 8), ("fn:Bo", 10, 16)]);
}

#[test]
fn properties() {
    get(Ics, BOOK, "uid:a1/SUMMARY", "Tea, cake\nand more");
    get(Ics, BOOK, "uid:a1/dtstart", "20260101T100000");
    get(Ics, BOOK, "uid:a1/ATTENDEE/1", "mailto:b@example.org");
    get(Vcf, CARDS, "fn:Ada Lovelace/TEL", "+44 1");
    get(Vcf, CARDS, "uid:urn:uuid:1/item1.EMAIL", "ada@example.org");
    get(Vcf, CARDS, "fn:Bo/NOTE", "Grüße");
    put(Ics, BOOK, "uid:a1/SUMMARY", "Tea; \\", &BOOK.replace("Tea\\, cake\\nand more", "Tea\\; \\\\"));
    put(Ics, BOOK, "uid:a1/ATTENDEE/0", "mailto:c", &BOOK.replace("mailto:a@example.org", "mailto:c"));
    // Folded at 75 octets, and never in a character.
    let long = "é".repeat(40);
    let folded = format!("SUMMARY:{}\r\n {}\r\n", "é".repeat(33), "é".repeat(7));
    put(Ics, BOOK, "uid:\"a/b\"/SUMMARY", &long, &BOOK.replace("SUMMARY:Write\r\n", &folded));
    insert(
        Ics,
        BOOK,
        "uid:a1/LOCATION",
        Format::Text,
        "Room 1, left",
        &BOOK.replace("BEGIN:VALARM", "LOCATION:Room 1\\, left\r\nBEGIN:VALARM"),
    );
    insert(
        Ics,
        BOOK,
        "uid:a1/ATTENDEE/2",
        Format::Text,
        "mailto:c",
        &BOOK.replace("BEGIN:VALARM", "ATTENDEE:mailto:c\r\nBEGIN:VALARM"),
    );
    remove(Ics, BOOK, "uid:a1/ATTENDEE/0", &BOOK.replace("ATTENDEE;CN=\"Ada, B\":mailto:a@example.org\r\n", ""));
}

#[test]
fn lines_that_say_the_same_keep_their_bytes() {
    let event = text(&portion::get(Ics, BOOK.as_bytes(), "uid:a1").unwrap().text);
    let new = event.replace("a1\n", "a1\nCLASS:PUBLIC\n").replace("ACTION:DISPLAY", "ACTION:AUDIO");
    let after = BOOK.replacen("a1\r\n", "a1\r\nCLASS:PUBLIC\r\n", 1).replace("ACTION:DISPLAY", "ACTION:AUDIO");
    put(Ics, BOOK, "uid:a1", &new, &after);
    // What a program folded is laid on one line first.
    put(
        Ics,
        BOOK,
        "uid:a1",
        &after[after.find("BEGIN:VEVENT").unwrap()..after.find("END:VEVENT").unwrap() + 12],
        &after,
    );
    put(
        Vcf,
        CARDS,
        "fn:Bo",
        "BEGIN:VCARD\nVERSION:2.1\nFN:Bo\nNOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Gr=C3=BC=C3=9Fe\nEND:VCARD\n",
        &CARDS.replace("TEL;HOME:+49 2\n", ""),
    );
}

#[test]
fn components_come_and_go() {
    let new = "BEGIN:VEVENT\nUID:n\nSUMMARY:New\nEND:VEVENT\n";
    let at_end = BOOK.replace("END:VCALENDAR", "BEGIN:VEVENT\r\nUID:n\r\nSUMMARY:New\r\nEND:VEVENT\r\nEND:VCALENDAR");
    insert(Ics, BOOK, "uid:n", Format::Ics, new, &at_end);
    insert_only(
        Ics,
        "",
        "uid:n",
        Format::Ics,
        new,
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//inlay//EN\r\nBEGIN:VEVENT\r\nUID:n\r\nSUMMARY:New\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    );
    let card = "BEGIN:VCARD\nVERSION:4.0\nFN:C\nEND:VCARD\n";
    insert(Vcf, CARDS, "fn:C", Format::Vcf, card, &format!("{CARDS}{card}"));
    insert(Vcf, CARDS.trim_end(), "fn:C", Format::Vcf, card, format!("{CARDS}{card}").trim_end());
    insert_only(Vcf, "", "fn:C", Format::Vcf, card, &card.replace('\n', "\r\n"));
}

#[test]
fn values() {
    let card = text(&portion::get(Vcf, CARDS.as_bytes(), "uid:urn:uuid:1").unwrap().text);
    let value = Format::Vcf.value(card.as_bytes()).unwrap();
    let json = r#"{"VERSION":"4.0","UID":"urn:uuid:1","FN":"Ada Lovelace",
        "TEL":{"value":"+44 1","parameters":{"TYPE":["home","voice"],"PREF":"1"}},
        "item1.EMAIL":"ada@example.org","item1.X-ABLABEL":"Work"}"#;
    let read = |json: &str| Format::Json.value(json.as_bytes()).unwrap();
    assert_eq!(value, read(json));
    let update = |json: &str| text(&Format::Vcf.update(card.as_bytes(), &read(json)).unwrap());
    assert_eq!(update(&json.replace("+44 1", "+44, 2")), card.replace("+44 1", "+44\\, 2"));
    assert_eq!(update(&json.replace("\"PREF\":\"1\"", "\"PREF\":\"2\"")), card.replace("PREF=1", "PREF=2"));
    assert_eq!(
        update(&json.replace("\"FN\"", "\"NOTE\":[\"a\\nb\",\"c\"],\"FN\"")),
        card.replace("END:", "NOTE:a\\nb\nNOTE:c\nEND:")
    );
    let event = r#"{"component":"VTODO","UID":"u","ATTENDEE":["mailto:a","mailto:b"],"VALARM":[{"ACTION":"AUDIO"}]}"#;
    assert_eq!(
        text(&Format::Ics.render(&read(event)).unwrap()),
        "BEGIN:VTODO\nUID:u\nATTENDEE:mailto:a\nATTENDEE:mailto:b\nBEGIN:VALARM\nACTION:AUDIO\nEND:VALARM\nEND:VTODO\n"
    );
    for (json, what) in [
        (r#"{"A":[]}"#, "cannot say: vcf cannot say an empty list at `/A`"),
        (r#"{"A":null}"#, "cannot say: vcf cannot say null at `/A`"),
        (r#"{"a":"x"}"#, "cannot say: vcf cannot say a property of the name `a` at `/a`"),
        (r#"{"BDAY":"a\nb"}"#, "cannot say: vcf cannot say a line end at `/BDAY`"),
    ] {
        assert_eq!(said(Format::Vcf.render(&read(json))), what);
    }
}

#[test]
fn what_is_refused() {
    get_fails(Ics, BOOK, "uid:a2", "missing: nothing stands at `uid:a2`; did you mean `uid:a1`, `uid:\"a/b\"`?");
    get_fails(
        Ics,
        BOOK,
        "uid:a1/SUMMERY",
        "missing: nothing stands at `uid:a1/SUMMERY`; did you mean `uid:a1/SUMMARY`?",
    );
    get_fails(Ics, BOOK, "uid:a1/ATTENDEE", "ambiguous: `uid:a1/ATTENDEE` matches 2 portions, on lines 12, 13");
    get_fails(
        Ics,
        BOOK,
        "a1",
        "selector: `a1` is no ics selector: it begins with no key; write `uid:UID`, `uid:UID/SUMMARY` for a property, \
         or `tzid:NAME`",
    );
    get_fails(
        Ics,
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\n",
        "uid:a",
        "unparsable: line 3, column 1: expected `END:VEVENT`, found `END:VCALENDAR`",
    );
    get_fails(Vcf, "FN:x\n", "fn:x", "unparsable: line 1, column 1: expected `BEGIN:VCARD`");
    get_fails(
        Vcf,
        "BEGIN:VCARD\nFN:x\nodd\nEND:VCARD\n",
        "fn:x",
        "unparsable: line 3, column 1: expected `:` behind the name of a property",
    );
    put_fails(
        Ics,
        BOOK,
        "uid:a1",
        "BEGIN:VEVENT\nUID:other\nEND:VEVENT\n",
        "refused: the fragment is another portion than `uid:a1`: `uid:other`",
    );
    put_fails(
        Vcf,
        CARDS,
        "fn:Bo/NOTE",
        "x",
        "cannot say: vcf cannot say quoted-printable text, which is read and kept, and not written",
    );
    put_fails(Ics, BOOK, "uid:a1/DTSTART", "a\nb", "cannot say: ics cannot say a line end");
}
