//! Merges of any three texts, in any formats, through any mappings.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portion::{Choice, Format, Fragment, Mapping, Merged, Side, merge, merge_choosing};

fuzz_target!(|data: &[u8]| {
    let Some((choice, [base, ours, theirs, mapping])) = fuzz::input::parts(data) else { return };
    let mapping = std::str::from_utf8(mapping).ok().and_then(|text| text.parse().ok()).unwrap_or_default();
    fuzz::memory::bounded(data.len(), || check(choice, [base, ours, theirs], &mapping));
});

fn check(choice: u8, texts: [&[u8]; 3], mapping: &Mapping) {
    // The formats in turn, then those that people convert between.
    const MIXED: &[[Format; 3]] = &[
        [Format::Json, Format::Json, Format::Toml],
        [Format::Toml, Format::Json, Format::Toml],
        [Format::Yaml, Format::Yaml, Format::Json],
        [Format::Json, Format::Yaml, Format::Env],
        [Format::Jsonc, Format::Json, Format::Jsonc],
        [Format::Ini, Format::Toml, Format::Ini],
    ];
    let same: Vec<[Format; 3]> = Format::ALL.iter().map(|format| [*format; 3]).collect();
    let formats = fuzz::input::one_of(&[&same[..], MIXED].concat(), choice);
    let none = Mapping::default();
    let [base, ours, theirs] = std::array::from_fn(|at| Fragment { format: formats[at], text: texts[at].to_vec() });
    let base = Side { fragment: &base, mapping: &none };
    let ours = Side { fragment: &ours, mapping };
    let theirs = Side { fragment: &theirs, mapping: &none };
    let Ok(merged) = merge(base, ours, theirs) else { return };
    assert_eq!(merge(base, ours, theirs).as_ref(), Ok(&merged), "the same three give the same answer");
    match merged {
        Merged::Clean(fragment) => {
            assert_eq!(fragment.format, ours.fragment.format);
            // No portion at all has no value.
            if fragment.format != Format::Absent && std::str::from_utf8(&fragment.text).is_ok() {
                assert!(fragment.format.value(&fragment.text).is_ok(), "what was merged parses");
            }
            // What both did is no clash.
            let own = merge(base, ours, ours);
            assert!(own.is_err() || matches!(own, Ok(Merged::Clean(_))), "what both did is a clash");
        }
        Merged::Conflict(clashes) => {
            assert!(!clashes.is_empty());
            for choice in [Choice::Ours, Choice::Theirs, Choice::Base] {
                let mut asked = 0;
                let chosen = merge_choosing(base, ours, theirs, &mut |_| {
                    asked += 1;
                    choice
                });
                if let Ok(fragment) = chosen {
                    // One more may come at the end: what cannot be written.
                    assert!(asked == clashes.len() || asked == clashes.len() + 1, "{asked} of {}", clashes.len());
                    if std::str::from_utf8(&fragment.text).is_ok() {
                        assert!(fragment.format.value(&fragment.text).is_ok(), "what was chosen parses");
                    }
                }
            }
        }
    }
}
