//! Calendars and address books.

use portion::{Format, Fragment, Scheme, get, list, put};
use proptest::prelude::*;

const PROPERTIES: &[&str] = &[
    "SUMMARY:Tea",
    "summary:Tea\\, cake\\nx\\\\",
    "DESCRIPTION:a long text with ümläuts ünd möre öf thém, so that it has tö be földed somewhere in the middle of it",
    "DTSTART;TZID=\"Europe/Berlin\":20260101T100000",
    "ATTENDEE;CN=\"A, B\";ROLE=CHAIR:mailto:a@x",
    "ATTENDEE:mailto:b@x",
    "CATEGORIES:A,B\\,C",
    "X-ODD;P=^n^^^':a;b,c",
    "item1.TEL;HOME;TYPE=a,b:+1",
    "NOTE;ENCODING=QUOTED-PRINTABLE:a=3Db=\n c",
    "RRULE:FREQ=WEEKLY;BYDAY=MO",
    "VERSION:3.0",
    "NOTE:",
    "GEO:1;2",
];

/// One of the files, written in several ways.
fn file(scheme: Scheme, components: Vec<(u8, Vec<usize>, u8)>, crlf: bool, final_end: bool, bom: bool) -> Vec<u8> {
    let mut text = String::new();
    if scheme == Scheme::Ics {
        text.push_str("BEGIN:VCALENDAR\nVERSION:2.0\n");
    }
    for (id, properties, style) in components {
        let name =
            if scheme == Scheme::Vcf { "VCARD" } else { ["VEVENT", "vtodo", "VJOURNAL"][usize::from(style % 3)] };
        text.push_str(&format!("BEGIN:{name}\n"));
        match (scheme, style % 5) {
            (Scheme::Vcf, 0) => text.push_str(&format!("FN:N {id}\n")),
            (Scheme::Ics, 0) => text.push_str(&format!("UID:u/{id}\nRECURRENCE-ID:2026010{id}\n")),
            (_, 1) => text.push_str(&format!("U\n\tID:u\\,{id}\n")),
            _ => text.push_str(&format!("UID:u{id}\n")),
        }
        for (nth, property) in properties.iter().enumerate() {
            let line = PROPERTIES[property % PROPERTIES.len()];
            let cut = (usize::from(style) + nth) % 12;
            match line
                .split_at_checked(cut)
                .filter(|(head, _)| style % 4 == 0 && !head.is_empty() && !line.contains('='))
            {
                Some((head, tail)) => text.push_str(&format!("{head}\n {tail}\n")),
                None => text.push_str(&format!("{line}\n")),
            }
            if style % 7 == 3 {
                text.push('\n');
            }
        }
        if style % 6 == 2 {
            text.push_str("BEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:x\nEND:VALARM\n");
        }
        text.push_str(&format!("END:{name}\n"));
        text.push_str(if style % 8 == 5 { "\n" } else { "" });
    }
    if scheme == Scheme::Ics {
        text.push_str("END:VCALENDAR\n");
    }
    if !final_end {
        text.truncate(text.trim_end().len());
    }
    let text = if crlf { text.replace('\n', "\r\n") } else { text };
    format!("{}{text}", if bom { "\u{feff}" } else { "" }).into_bytes()
}

pub(crate) fn files(scheme: Scheme) -> BoxedStrategy<Vec<u8>> {
    let component = (0u8..3, prop::collection::vec(0usize..100, 0..6), any::<u8>());
    (prop::collection::vec(component, 0..5), any::<bool>(), any::<bool>(), prop::bool::weighted(0.2))
        .prop_map(move |(components, crlf, final_end, bom)| file(scheme, components, crlf, final_end, bom))
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// One property: GetPut, PutGet, and no other changes.
    #[test]
    fn properties(scheme in prop::sample::select(vec![Scheme::Ics, Scheme::Vcf]), seed in any::<prop::sample::Index>(),
        ics in files(Scheme::Ics), vcf in files(Scheme::Vcf), name in "(SUMMARY|DTSTART|ATTENDEE|NOTE|X-ODD|RRULE)(/[01])?",
        new in "[a-z,;:\\\\é\n ]{0,90}") {
        let file = if scheme == Scheme::Ics { ics } else { vcf };
        let items = list(scheme, &file).unwrap();
        if items.is_empty() {
            return Ok(());
        }
        let item = &items[seed.index(items.len())].selector;
        // Behind a key that stands in no quotes.
        let at = format!("{item}/{name}");
        let Ok(standing) = get(scheme, &file, &at) else { return Ok(()) };
        prop_assert_eq!(put(scheme, &file, &at, &standing), Ok(None));
        let fragment = scheme.lens().fitted(&file, &at, Fragment { format: Format::Text, text: new.into_bytes() });
        if let Ok(Some(written)) = put(scheme, &file, &at, &fragment) {
            prop_assert_eq!(&get(scheme, &written, &at).unwrap(), &fragment);
            let mut lines = written.split(|b| *b == b'\n');
            prop_assert!(lines.all(|line| line.len() <= 80 || file.windows(line.len()).any(|part| part == line)));
            for other in items.iter().filter(|other| other.selector != *item) {
                prop_assert_eq!(get(scheme, &file, &other.selector), get(scheme, &written, &other.selector));
            }
        }
    }

    /// A component with other lines: PutGet, and no other changes; what says the same keeps its bytes.
    #[test]
    fn lines(scheme in prop::sample::select(vec![Scheme::Ics, Scheme::Vcf]), seed in any::<prop::sample::Index>(),
        ics in files(Scheme::Ics), vcf in files(Scheme::Vcf),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0usize..20), 1..4)) {
        let file = if scheme == Scheme::Ics { ics } else { vcf };
        let items = list(scheme, &file).unwrap();
        if items.is_empty() {
            return Ok(());
        }
        let at = &items[seed.index(items.len())].selector;
        let standing = get(scheme, &file, at).unwrap();
        let text = String::from_utf8(standing.text.clone()).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        for (place, line) in changes {
            // Behind the keys, and before the end.
            let place = 3 + place.index(lines.len() - 2);
            match PROPERTIES.get(line).filter(|line| !line.contains('\n')) {
                Some(line) if place < lines.len() => lines.insert(place, line),
                None if place + 1 < lines.len() && !lines[place].starts_with(['B', 'E']) => drop(lines.remove(place)),
                _ => {}
            }
        }
        let fragment = Fragment { format: standing.format, text: format!("{}\n", lines.join("\n")).into_bytes() };
        if let Some(written) = put(scheme, &file, at, &fragment).unwrap() {
            prop_assert_eq!(&get(scheme, &written, at).unwrap(), &fragment);
            for other in items.iter().filter(|other| other.selector != *at) {
                prop_assert_eq!(get(scheme, &file, &other.selector), get(scheme, &written, &other.selector));
            }
        }
    }

    /// Any expression at all.
    #[test]
    fn any_expression(file in files(Scheme::Ics), expression in "(uid:|tzid:|u1|u2|u,3|[/\"0-9]|SUMMARY|/){0,6}") {
        if let Ok(fragment) = get(Scheme::Ics, &file, &expression) {
            prop_assert_eq!(put(Scheme::Ics, &file, &expression, &fragment), Ok(None));
        }
    }
}
