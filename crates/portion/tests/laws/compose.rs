//! Files within files: whatever the inner lens does with its file, the outer one carries, and nothing else changes.

use portion::{Format, Fragment, Scheme, Value, get, insert, list, put, remove};
use proptest::prelude::*;
use proptest::sample::Index;

use super::{Tally, run, text};

/// Files with a place for a text, its selector, and another portion beside it.
const OUTER: &[(Scheme, &str, &str, &str)] = &[
    (Scheme::Json, "{\n  \"y\": [1, 2]\n}\n", "/x", "/y"),
    (Scheme::Jsonc, "{ // c\n  \"y\": 1, }", "/x", "/y"),
    (Scheme::Yaml, "# c\ny: {a: 1}\n", "/x", "/y"),
    (Scheme::Toml, "y = 1 # c\n", "/x", "/y"),
    (Scheme::Jsonl, "{\"id\": 1, \"y\": 2}\n{\"id\":2}\n", "id=1/x", "id=1/y"),
    (Scheme::Mark, "// inlay:begin y\r\n1\r\n// inlay:end y\r\n", "x", "y"),
    (Scheme::Properties, "y = 1\n", "/x", "/y"),
    (Scheme::Env, "y=1\n", "/x", "/y"),
];

/// What stands inside.
fn inner() -> BoxedStrategy<(Scheme, Vec<u8>, Vec<u8>)> {
    let files = |scheme: Scheme, files: BoxedStrategy<Vec<u8>>| {
        (files.clone(), files).prop_map(move |(file, other)| (scheme, file, other)).boxed()
    };
    prop_oneof![
        files(Scheme::Json, crate::json::files(Scheme::Json)),
        files(Scheme::Jsonc, crate::json::files(Scheme::Jsonc)),
        files(Scheme::Toml, crate::toml::files()),
        files(Scheme::Yaml, crate::yaml::files()),
        files(Scheme::Csv, crate::csv::files(None)),
        files(Scheme::Md, crate::md::files()),
        files(Scheme::Mark, crate::keys::marked()),
        files(Scheme::Lines, crate::keys::plain()),
    ]
    .boxed()
}

/// A file that holds another one, if its format can say that.
fn holding(outer: (Scheme, &str, &str, &str), inside: &[u8]) -> Option<Vec<u8>> {
    let (scheme, file, at, _) = outer;
    let value = Value::String(String::from_utf8(inside.to_vec()).ok()?);
    let format = scheme.lens().format_for(at, &value);
    let fragment = Fragment { format, text: format.render(&value).ok()? };
    insert(scheme, file.as_bytes(), at, &fragment).ok()
}

/// The file that stands in another one.
fn held(outer: (Scheme, &str, &str, &str), file: &[u8]) -> Vec<u8> {
    let fragment = get(outer.0, file, outer.2).unwrap();
    match fragment.format {
        Format::Text => fragment.text,
        format => format.value(&fragment.text).unwrap().as_text().unwrap().as_bytes().to_vec(),
    }
}

#[test]
fn laws_hold_through_two_lenses() {
    let tally = Tally::default();
    let strategy = (prop::sample::select(OUTER), inner(), any::<Index>(), any::<Index>());
    run(strategy, |(outer, (scheme, inside, other), at, from)| {
        let Some(file) = holding(outer, &inside) else { return Ok(()) };
        let inside = held(outer, &file);
        let items = list(scheme, &inside).unwrap_or_default();
        if items.is_empty() {
            return Ok(());
        }
        let at = &items[at.index(items.len())].selector;
        let composed = format!("{}|{scheme}:{at}", outer.2);
        let beside = get(outer.0, &file, outer.3).unwrap();
        // What stands there is what the inner lens says, and putting it writes nothing.
        let standing = get(scheme, &inside, at).unwrap();
        prop_assert_eq!(get(outer.0, &file, &composed), Ok(standing.clone()), "{}", composed);
        prop_assert_eq!(put(outer.0, &file, &composed, &standing), Ok(None));
        // A portion of another file.
        let others = list(scheme, &other).unwrap_or_default();
        let others: Vec<Fragment> = others
            .iter()
            .map(|item| get(scheme, &other, &item.selector).unwrap())
            .filter(|fragment| fragment.format == standing.format)
            .collect();
        let unchanged = |written: &[u8]| get(outer.0, written, outer.3) == Ok(beside.clone());
        if !others.is_empty() {
            let new = &others[from.index(others.len())];
            let expected = put(scheme, &inside, at, new);
            if let Ok(expected) = expected
                && let Some(written) = tally.count(put(outer.0, &file, &composed, new))?
            {
                let expected = expected.unwrap_or_else(|| inside.clone());
                let written = written.unwrap_or_else(|| file.clone());
                prop_assert_eq!(text(&held(outer, &written)), text(&expected), "{}", composed);
                prop_assert!(unchanged(&written));
            }
        }
        if let Ok(expected) = remove(scheme, &inside, at)
            && let Some(without) = tally.count(remove(outer.0, &file, &composed))?
        {
            prop_assert_eq!(text(&held(outer, &without)), text(&expected), "{}", composed);
            prop_assert!(unchanged(&without));
            if let Ok(expected) = insert(scheme, &expected, at, &standing)
                && let Some(again) = tally.count(insert(outer.0, &without, &composed, &standing))?
            {
                prop_assert_eq!(text(&held(outer, &again)), text(&expected), "{}", composed);
                prop_assert!(unchanged(&again));
            }
        }
        Ok(())
    });
    // A format that cannot say some text refuses it.
    tally.check(10);
}

#[test]
fn any_bytes_and_any_stages_will_do() {
    let stage = "(/x|x|id=1/x|/a|rows|0,2|\\||\\|(json|yaml|toml|md|mark|lines|csv|jsonl|env|bytes):){1,6}";
    let damage = prop::collection::vec((any::<Index>(), any::<u8>()), 0..4);
    run((prop::sample::select(OUTER), inner(), damage, stage), |(outer, (_, inside, _), damage, at)| {
        let Some(mut file) = holding(outer, &inside) else { return Ok(()) };
        for (place, byte) in damage {
            let place = place.index(file.len());
            file[place] = byte;
        }
        if let Ok(fragment) = get(outer.0, &file, &at) {
            prop_assert_eq!(put(outer.0, &file, &at, &fragment), Ok(None), "{}", at);
            let _ = insert(outer.0, &file, &format!("{at}/x"), &fragment);
        }
        let _ = remove(outer.0, &file, &at);
        Ok(())
    });
}
