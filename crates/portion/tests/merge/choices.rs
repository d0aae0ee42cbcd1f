//! A person's choices.

use portion::{Choice, Clash, Format, Fragment, LensError, Mapping, Side, merge_choosing};

use super::{fragment, string};

fn chosen(format: Format, [base, ours, theirs]: [&str; 3], choices: &[Choice]) -> Result<String, LensError> {
    let mapping = Mapping::default();
    let fragments: Vec<Fragment> = [base, ours, theirs].into_iter().map(|text| fragment(format, text)).collect();
    let side = |at: usize| Side { fragment: &fragments[at], mapping: &mapping };
    let mut next = choices.iter();
    let merged = merge_choosing(side(0), side(1), side(2), &mut |_: &Clash| *next.next().unwrap())?;
    assert_eq!(next.next(), None, "fewer clashes than choices");
    Ok(string(&merged.text))
}

#[test]
fn every_choice_has_its_way() {
    use Choice::{Base, Both, Ours, Theirs};
    let lines = ["a\nx\nb\n", "A\nx\nb\no\n", "aa\nx\nb\nt\n"];
    let edited = [r#"{"a": 1, "b": 1}"#, r#"{"a": 2, "b": 2}"#, r#"{"a": 3, "b": 1}"#];
    let removed = ["a = 1\nb = 1\n", "b = 1\n", "a = 2\nb = 1\n"];
    let inserted = ["[1]", "[1, 2]", "[1, 3]"];
    let renamed = [r#"{"a": [1]}"#, r#"{"b": [1]}"#, r#"{"c": [1]}"#];
    for (format, sides, choices, expected) in [
        (Format::Text, lines, &[Ours, Both][..], "A\nx\nb\no\nt\n"),
        (Format::Text, lines, &[Theirs, Ours], "aa\nx\nb\no\n"),
        (Format::Text, lines, &[Base, Theirs], "a\nx\nb\nt\n"),
        (Format::Text, lines, &[Base, Base], "a\nx\nb\n"),
        (Format::Json, edited, &[Ours], r#"{"a": 2, "b": 2}"#),
        (Format::Json, edited, &[Theirs], r#"{"a": 3, "b": 2}"#),
        (Format::Json, edited, &[Base], r#"{"a": 1, "b": 2}"#),
        (Format::Toml, removed, &[Ours], "b = 1\n"),
        (Format::Toml, removed, &[Theirs], "b = 1\na = 2\n"),
        (Format::Json, inserted, &[Both], "[1, 2, 3]"),
        (Format::Json, inserted, &[Theirs], "[1, 3]"),
        (Format::Json, inserted, &[Base], "[1]"),
        (Format::Json, renamed, &[Ours], r#"{"b": [1]}"#),
        (Format::Json, renamed, &[Both], r#"{"b": [1], "c": [1]}"#),
        (Format::Json, renamed, &[Base], r#"{"a": [1]}"#),
    ] {
        assert_eq!(chosen(format, sides, choices).unwrap(), expected, "{choices:?} of {sides:?}");
    }
}

#[test]
fn both_where_only_one_can_stand() {
    for (format, sides) in
        [(Format::Json, [r#"{"a": 1}"#, r#"{"a": 2}"#, r#"{"a": 3}"#]), (Format::Text, ["a\nb\n", "A\nb\n", "aa\nb\n"])]
    {
        assert!(matches!(chosen(format, sides, &[Choice::Both]), Err(LensError::Refused(_))));
    }
}
