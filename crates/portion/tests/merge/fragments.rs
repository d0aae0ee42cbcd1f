//! What holds for every merge of fragments.

use std::collections::BTreeSet;

use portion::{Choice, Clash, ClashKind, Format, Fragment, LensError, Mapping, Merged, Side, Value, merge_values};
use proptest::prelude::*;

use super::laws::{Tally, edited, edits, run, value};
use super::{plain, string};

/// A fragment whose lines carry comments, where the format has some.
fn commented(format: Format, text: Vec<u8>, comments: &[(prop::sample::Index, u8)]) -> Fragment {
    let mut lines: Vec<String> = string(&text).split('\n').map(str::to_owned).collect();
    if matches!(format, Format::Toml | Format::Yaml | Format::Ini) {
        for (at, number) in comments {
            lines.insert(at.index(lines.len()), format!("# {number}"));
        }
        let fragment = Fragment { format, text: lines.join("\n").into_bytes() };
        // A comment in the middle of a text of several lines would be text.
        let same = |value: Result<Value, LensError>| value.ok() == format.value(&text).ok();
        if same(format.value(&fragment.text)) && format.tidy(&fragment.text).is_ok_and(|tidy| *tidy == *fragment.text) {
            return fragment;
        }
    }
    Fragment { format, text }
}

fn comments() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), 0u8..4), 0..3)
}

#[test]
fn fragments() {
    let strategy = (
        value(),
        (edits(), edits()),
        (comments(), comments(), comments()),
        prop::sample::select(vec![Format::Json, Format::Jsonc, Format::Toml, Format::Yaml]),
    );
    run(500, strategy, |(base, edits, comments, format), tally| {
        let values = [edited(&base, &edits.0), edited(&base, &edits.1)];
        let render = |value: &Value| format.render(value).unwrap();
        let update = |value: &Value| format.update(&render(&base), value).unwrap_or_else(|_| render(value));
        let fragments = [
            commented(format, render(&base), &comments.0),
            commented(format, update(&values[0]), &comments.1),
            commented(format, update(&values[1]), &comments.2),
        ];
        check(&fragments, tally)
    });
}

#[test]
fn lines_with_keys() {
    let strategy = (
        prop::collection::btree_map("[a-f]", 0u8..4, 0..6),
        prop::collection::btree_map("[a-f]", prop::option::of(0u8..6), 1..5),
        prop::collection::btree_map("[a-f]", prop::option::of(0u8..6), 1..5),
        (comments(), comments(), comments()),
        prop::sample::select(vec![Format::Ini, Format::Env, Format::Properties, Format::Systemd, Format::GitConfig]),
    );
    run(500, strategy, |(base, ours, theirs, comments, format), tally| {
        let with = |edits: &std::collections::BTreeMap<String, Option<u8>>| {
            let mut map = base.clone();
            for (key, value) in edits {
                match value {
                    Some(value) => drop(map.insert(key.clone(), *value)),
                    None => drop(map.remove(key)),
                }
            }
            let entries: Vec<(String, Value)> =
                map.into_iter().map(|(key, value)| (key, Value::String(value.to_string()))).collect();
            let root = match format {
                Format::Systemd | Format::GitConfig => vec![("unit".to_owned(), Value::Map(entries))],
                _ => entries,
            };
            format.render(&Value::Map(root)).unwrap()
        };
        let fragments = [
            commented(format, with(&Default::default()), &comments.0),
            commented(format, with(&ours), &comments.1),
            commented(format, with(&theirs), &comments.2),
        ];
        check(&fragments, tally)
    });
}

#[test]
fn texts() {
    let strategy = (
        prop::collection::vec("[a-d]?", 0..12),
        prop::array::uniform2(prop::collection::vec((0usize..12, 0usize..3, prop::option::of("[a-f]?")), 0..4)),
        prop::array::uniform3(any::<bool>()),
        prop::sample::select(vec![Format::Text, Format::Markdown, Format::Bytes]),
    );
    run(500, strategy, |(base, edits, ends, format), tally| {
        let text = |edits: &[(usize, usize, Option<String>)], end: bool| {
            let mut lines = base.clone();
            for (at, gone, new) in edits {
                let at = at % (lines.len() + 1);
                let to = (at + gone).min(lines.len());
                lines.splice(at..to, new.clone());
            }
            let mut text = lines.join("\n");
            if format == Format::Markdown {
                text = format!("# x\n\n{}", text.replace('d', "## d"));
                let tidy = format.tidy(text.as_bytes()).unwrap().into_owned();
                return Fragment { format, text: tidy };
            }
            if end && !text.is_empty() {
                text.push('\n');
            }
            Fragment { format, text: text.into_bytes() }
        };
        let fragments = [text(&[], ends[0]), text(&edits[0], ends[1]), text(&edits[1], ends[2])];
        check(&fragments, tally)
    });
}

/// Both sides commented, and both changed a value, perhaps neighbours: wherever that is not on lines that touch, all four are there.
#[test]
fn comments_of_both_sides() {
    const LINES: usize = 6;
    let formats =
        [Format::Toml, Format::Yaml, Format::Jsonc, Format::Ini, Format::Env, Format::Properties, Format::Systemd];
    for (format, number) in formats.into_iter().flat_map(|format| (0..LINES.pow(4)).map(move |number| (format, number)))
    {
        let digit = |power: u32| number / LINES.pow(power) % LINES;
        let (comments, edits) = ((digit(0), digit(1)), (digit(2), digit(3)));
        let beside = |comment: usize| [edits.0, edits.1].iter().any(|edit| comment == *edit || comment == edit + 1);
        if edits.0 == edits.1 || comments.0 == comments.1 || beside(comments.0) || beside(comments.1) {
            continue;
        }
        let (open, close, sign, end) = match format {
            Format::Jsonc => ("{\n", "}", "//", ",\n"),
            Format::Systemd => ("[s]\n", "", "#", "\n"),
            _ => ("", "", "#", "\n"),
        };
        let text = |label: &str, comment: Option<usize>, edit: Option<usize>| {
            let line = |at: usize| {
                let comment = if comment == Some(at) { format!("{sign} {label}\n") } else { String::new() };
                let (key, value) =
                    (format!("key{at}"), if edit == Some(at) { format!("5{label}") } else { "10".to_owned() });
                let pair = match format {
                    Format::Yaml => format!("{key}: \"{value}\""),
                    Format::Jsonc => format!("  \"{key}\": \"{value}\""),
                    Format::Toml => format!("{key} = \"{value}\""),
                    _ => format!("{key}={value}"),
                };
                format!("{comment}{pair}{end}")
            };
            Fragment { format, text: format!("{open}{}{close}", (0..LINES).map(line).collect::<String>()).into_bytes() }
        };
        let (ours, theirs) =
            (text("ours", Some(comments.0), Some(edits.0)), text("theirs", Some(comments.1), Some(edits.1)));
        match plain(&text("", None, None), &ours, &theirs) {
            Ok(Merged::Clean(merged)) => {
                let merged = string(&merged.text);
                for part in [format!("{sign} ours"), format!("{sign} theirs"), "5ours".to_owned(), "5theirs".to_owned()]
                {
                    assert!(merged.contains(&part), "{part} in\n{merged}");
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A whole that was removed is like a part that was.
#[test]
fn a_whole_that_was_removed() {
    let some = |text: &str| Fragment { format: Format::Json, text: text.into() };
    let none = || Fragment { format: Format::Absent, text: Vec::new() };
    let (a, b, c) = (some("{\"k\": 1}"), some("{\"k\": 2}"), some("{\"k\": 3}"));
    for (base, ours, theirs, expected) in [
        (&a, &none(), &a, Ok(none())),
        (&a, &a, &none(), Ok(none())),
        (&a, &none(), &none(), Ok(none())),
        (&none(), &a, &none(), Ok(a.clone())),
        (&none(), &none(), &a, Ok(a.clone())),
        (&none(), &a, &a, Ok(a.clone())),
        (&a, &none(), &b, Err(ClashKind::OursRemoved)),
        (&a, &b, &none(), Err(ClashKind::TheirsRemoved)),
        (&none(), &b, &c, Err(ClashKind::Added)),
    ] {
        match (plain(base, ours, theirs).unwrap(), expected) {
            (Merged::Clean(found), Ok(expected)) => assert_eq!(found, expected),
            (Merged::Conflict(found), Err(kind)) => {
                assert_eq!(found.iter().map(|clash| clash.kind.clone()).collect::<Vec<_>>(), [kind]);
                let identity = Mapping::default();
                let side = |fragment| Side { fragment, mapping: &identity };
                for (choice, expected) in [(Choice::Ours, ours), (Choice::Theirs, theirs), (Choice::Base, base)] {
                    let chosen =
                        portion::merge_choosing(side(base), side(ours), side(theirs), &mut |_| choice).unwrap();
                    assert_eq!(&chosen, expected);
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever these hold: an answer.
    #[test]
    fn any_bytes(
        parts in prop::array::uniform3(prop::collection::vec(prop::sample::select(vec![
            &b"\n"[..], b"a", b"b = 1", b"\"c\"", b"{", b"}", b"[", b"]", b":", b",", b"- ", b"  ", b"\t", b"#", b"\r\n", b"\xff", b"\0", b"\xEF\xBB\xBF",
            b"[s]", b"'", b"\\", b"&x", b"*x", b"|", b"1", b"null", b"```", b"# h", b"=",
        ]), 0..12)),
        formats in prop::array::uniform3(0..Format::ALL.len()),
        alike in any::<bool>(),
    ) {
        let formats = if alike { [formats[0]; 3] } else { formats };
        let fragments = [0, 1, 2].map(|at| Fragment { format: Format::ALL[formats[at]], text: parts[at].concat() });
        let mapping: Mapping = "except /a; map /b=/c; default /d=1".parse().unwrap();
        for mapping in [Mapping::default(), mapping] {
            let side = |at: usize| Side { fragment: &fragments[at], mapping: &mapping };
            let merged = portion::merge(side(0), side(1), side(2));
            if let Ok(Merged::Clean(merged)) = &merged {
                // Where one side is none, the whole of the other may be what comes of it.
                let none = Format::Absent;
                prop_assert!([fragments[1].format, none].contains(&merged.format) || fragments[1].format == none);
                let tidy = merged.format.tidy(&merged.text);
                prop_assert!(tidy.is_ok(), "{:?}", merged);
            }
            prop_assert_eq!(&portion::merge(side(0), side(1), side(2)), &merged);
            for choice in [Choice::Ours, Choice::Theirs, Choice::Base, Choice::Both] {
                let _ = portion::merge_choosing(side(0), side(1), side(2), &mut |_| choice);
            }
        }
    }
}

/// Mappings that change something in the values above.
const MAPPINGS: [&str; 4] =
    ["", "map /a=/z; map /*/b=/*/y", "default /c=1; default /*/id=0 if v", "except /e; except /*/d"];

/// Contents that say the same in other formats and words are the same.
#[test]
fn across_formats() {
    let strategy = (
        value(),
        (edits(), edits()),
        prop::array::uniform3(prop::sample::select(vec![Format::Json, Format::Toml, Format::Yaml])),
        prop::array::uniform3(0..MAPPINGS.len()),
    );
    run(1000, strategy, |(base, edits, formats, mappings), tally| {
        let mappings = mappings.map(|at| MAPPINGS[at].parse::<Mapping>().unwrap());
        let values = [base.clone(), edited(&base, &edits.0), edited(&base, &edits.1)];
        // What a mapping cannot say (a private key, a name that is another's) is nobody's content.
        let content = |value: usize, at: usize| mappings[at].render(formats[at], &values[value]).ok();
        let told = |contents: [(usize, usize); 3]| {
            let mut fragments = Vec::new();
            for (value, at) in contents {
                fragments.push(content(value, at)?);
            }
            let side = |which: usize| Side { fragment: &fragments[which], mapping: &mappings[contents[which].1] };
            let merged = portion::merge(side(0), side(1), side(2));
            Some((merged, fragments[1].clone(), mappings[contents[1].1].clone()))
        };
        // One side did nothing.
        for (contents, expected) in
            [([(0, 0), (1, 1), (0, 2)], 1), ([(0, 0), (0, 1), (2, 2)], 2), ([(0, 0), (1, 1), (1, 2)], 1)]
        {
            match told(contents) {
                None | Some((Err(LensError::CannotSay { .. }), ..)) => {}
                Some((Ok(Merged::Clean(merged)), ours, mapping)) => {
                    prop_assert!(mapping.value(&merged).unwrap().agrees(&values[expected]), "{}", string(&merged.text));
                    if contents[1].0 == expected {
                        prop_assert_eq!(string(&merged.text), string(&ours.text));
                    }
                }
                Some((other, ..)) => prop_assert!(false, "{:?}", other),
            }
        }
        // The same the other way about.
        let there = told([(0, 0), (1, 1), (2, 2)]);
        let back = told([(0, 0), (2, 2), (1, 1)]);
        if let (Some((Ok(there), _, mapping)), Some((Ok(back), _, turned))) = (&there, &back) {
            tally.count(matches!(there, Merged::Clean(_)));
            match (there, back) {
                (Merged::Clean(there), Merged::Clean(back)) => {
                    let (there, back) = (mapping.value(there).unwrap(), turned.value(back).unwrap());
                    prop_assert!(there.agrees(&back), "{:?} {:?}", there, back);
                }
                (Merged::Conflict(_), Merged::Conflict(_)) => {}
                other => prop_assert!(false, "{:?}", other),
            }
        }
        Ok(())
    });
}

/// The laws of three fragments of one format, each of which parses.
fn check([base, ours, theirs]: &[Fragment; 3], tally: &Tally) -> Result<(), TestCaseError> {
    let format = base.format;
    let shown =
        || format!("{format}\n{}\n---\n{}\n---\n{}", string(&base.text), string(&ours.text), string(&theirs.text));
    let clean = |base, ours, theirs| match plain(base, ours, theirs) {
        Ok(Merged::Clean(merged)) => Some(merged),
        Ok(Merged::Conflict(_)) => None,
        Err(error) => panic!("{error}\n{}", shown()),
    };
    prop_assert_eq!(clean(base, base, theirs), Some(theirs.clone()));
    prop_assert_eq!(clean(base, ours, base), Some(ours.clone()));
    prop_assert_eq!(clean(base, ours, ours), Some(ours.clone()));
    let (merged, turned) = (clean(base, ours, theirs), clean(base, theirs, ours));
    tally.count(merged.is_some());
    prop_assert_eq!(merged.is_some(), turned.is_some(), "{}", shown());
    let value = |fragment: &Fragment| format.value(&fragment.text).unwrap();
    let (Some(merged), Some(turned)) = (merged, turned) else {
        return check_choices([base, ours, theirs]);
    };
    prop_assert_eq!(value(&merged), value(&turned), "{}", shown());
    if matches!(format, Format::Text | Format::Markdown | Format::Bytes) {
        // No line is invented, and one that is in all three stays.
        let lines =
            |fragment: &Fragment| -> BTreeSet<String> { string(&fragment.text).lines().map(str::to_owned).collect() };
        let known = &(&lines(base) | &lines(ours)) | &lines(theirs);
        prop_assert!(lines(&merged).is_subset(&known), "{}", shown());
    } else {
        let (expected, clashes) = merge_values(&value(base), &value(ours), &value(theirs));
        prop_assert_eq!(clashes, Vec::new());
        prop_assert_eq!(value(&merged), expected, "{}", shown());
    }
    Ok(())
}

/// A person is asked for each clash, in order; with ours chosen everywhere, what merged is merged all the same.
fn check_choices([base, ours, theirs]: [&Fragment; 3]) -> Result<(), TestCaseError> {
    let clashes = match plain(base, ours, theirs) {
        Ok(Merged::Conflict(clashes)) => clashes,
        other => panic!("{other:?}"),
    };
    let mapping = Mapping::default();
    let side = |fragment| Side { fragment, mapping: &mapping };
    for choice in [Choice::Ours, Choice::Theirs, Choice::Base] {
        let mut asked = Vec::new();
        let mut choose = |clash: &Clash| {
            asked.push(clash.clone());
            choice
        };
        let chosen = portion::merge_choosing(side(base), side(ours), side(theirs), &mut choose);
        let is_written = asked.iter().all(|clash| clash.kind != ClashKind::Unwritable);
        asked.retain(|clash| clash.kind != ClashKind::Unwritable || clashes.contains(clash));
        prop_assert_eq!(&asked, &clashes);
        let chosen = chosen.unwrap_or_else(|error| panic!("{error}"));
        let format = base.format;
        let value = |fragment: &Fragment| format.value(&fragment.text).unwrap();
        let is_text = matches!(format, Format::Text | Format::Markdown | Format::Bytes);
        if choice == Choice::Ours && !is_text && is_written {
            prop_assert_eq!(value(&chosen), merge_values(&value(base), &value(ours), &value(theirs)).0);
        }
    }
    Ok(())
}
