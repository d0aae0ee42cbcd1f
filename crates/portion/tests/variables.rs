//! Variables: what a file has a value for goes by a name in the group, and comes back; a secret is never shared.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use portion::{Format, Fragment, Mapping, Source, Value};
use proptest::prelude::*;

fn fragment(format: Format, text: &str) -> Fragment {
    Fragment { format, text: text.as_bytes().to_vec() }
}

fn text(fragment: &Fragment) -> String {
    String::from_utf8(fragment.text.clone()).unwrap()
}

/// What this machine says.
fn here(source: &Source) -> Result<String, String> {
    match source {
        Source::Environment(name) => match name.as_str() {
            "HOME" => Ok("/home/ada".to_owned()),
            "TOKEN" => Ok("s3cr3t".to_owned()),
            "PIN" => Ok("12".to_owned()),
            "EMPTY" => Ok(String::new()),
            "ODD" => Ok("a${b".to_owned()),
            other => Err(format!("`{other}` is not set")),
        },
        Source::File(path) => Ok(format!("text of {path}")),
        Source::Value(_) => Err("not asked".to_owned()),
    }
}

fn mapping(clauses: &str) -> Mapping {
    clauses.parse::<Mapping>().unwrap_or_else(|error| panic!("{clauses}: {error}")).bind(here).unwrap()
}

/// `own` is shared as `shared`, and comes back from it, also where another text stood.
fn check(clauses: &str, format: Format, own: &str, shared: &str) {
    let mapping = mapping(clauses);
    let own = fragment(format, own);
    let told = mapping.share(own.clone()).unwrap_or_else(|error| panic!("{clauses}: {}: {error}", text(&own)));
    assert_eq!(text(&told), shared, "{clauses}");
    assert_eq!(mapping.unshare(Some(&own), &told).unwrap(), own, "{clauses}");
    assert_eq!(text(&mapping.share(mapping.unshare(None, &told).unwrap()).unwrap()), shared, "{clauses}");
}

#[test]
fn values_go_by_their_names() {
    let home = "var HOME env:HOME";
    check(home, Format::Json, r#"{"p": "/home/ada/x", "q": ["/home/ada"]}"#, r#"{"p": "${HOME}/x", "q": ["${HOME}"]}"#);
    // Another home, and a longer word.
    check(
        home,
        Format::Json,
        r#"{"p": "/home/adam", "q": "/srv/home/ada", "/home/ada": 1}"#,
        r#"{"p": "/home/adam", "q": "/srv/home/ada", "/home/ada": 1}"#,
    );
    check(home, Format::Json, r#"{"p": "a:/home/ada:/home/ada/b"}"#, r#"{"p": "a:${HOME}:${HOME}/b"}"#);
    // Written with escapes, and in other formats, comments kept.
    check(home, Format::Jsonc, "{\n  // c\n  \"p\": \"\\/home\\/ada/x\"\n}", "{\n  // c\n  \"p\": \"${HOME}/x\"\n}");
    check(home, Format::Toml, "p = \"/home/ada/x\" # c\n", "p = \"${HOME}/x\" # c\n");
    check(home, Format::Yaml, "p: /home/ada/x # c\nq: 1\n", "p: \"${HOME}/x\" # c\nq: 1\n");
    check(home, Format::Text, "export P=/home/ada/x\n", "export P=${HOME}/x\n");
    // What reads as a variable already.
    check(
        home,
        Format::Json,
        r#"["${HOME}", "$${HOME}", "${OTHER}", "$"]"#,
        r#"["$${HOME}", "$$${HOME}", "${OTHER}", "$"]"#,
    );
    // A port is a number again; a short value counts only by itself.
    check(
        "var PORT=8080",
        Format::Json,
        r#"{"p": 8080, "u": "http://h:8080/"}"#,
        r#"{"p": "${PORT}", "u": "http://h:${PORT}/"}"#,
    );
    check("var N=12", Format::Json, r#"[12, "12", "no 12"]"#, r#"["${N}", "${N}", "no 12"]"#);
    // The longest first.
    check(
        "var HOME env:HOME; var WORK=\"/home/ada/work\"",
        Format::Json,
        r#"["/home/ada/work/x", "/home/ada/y"]"#,
        r#"["${WORK}/x", "${HOME}/y"]"#,
    );
    // Where nothing is written yet, a secret need not stand.
    for (format, own) in [(Format::Json, "{}"), (Format::Yaml, "{}\n"), (Format::Toml, ""), (Format::Json, "[\n]\n")] {
        check("var TOKEN env:TOKEN", format, own, own);
    }
    // Beside private keys, rows and other words.
    check(
        "except /mine; var TOKEN env:TOKEN",
        Format::Json,
        r#"{"t": "Bearer s3cr3t", "mine": "s3cr3t"}"#,
        r#"{"t": "Bearer ${TOKEN}"}"#,
    );
}

#[test]
fn a_secret_is_shared_in_no_way() {
    for (clauses, format, own, why) in [
        ("var TOKEN env:TOKEN", Format::Jsonc, "{\n  // s3cr3t\n  \"t\": \"s3cr3t\"\n}", "would be shared"),
        ("var TOKEN env:TOKEN", Format::Json, r#"{"s3cr3t": "s3cr3t"}"#, "would be shared"),
        ("var TOKEN env:TOKEN", Format::Json, r#"["s3cr3t", "xs3cr3ty"]"#, "would be shared"),
        ("var TOKEN env:TOKEN", Format::Text, "a s3cr3t_b s3cr3t\n", "would be shared"),
        // It was changed: the old one may stand there.
        ("var TOKEN env:TOKEN", Format::Json, r#"{"t": "old"}"#, "stands nowhere"),
        ("var TOKEN env:TOKEN", Format::Jsonc, "{\n  // old\n}", "stands nowhere"),
        ("var TOKEN env:TOKEN", Format::Json, "{\"é\": {}}", "stands nowhere"),
        ("var TOKEN env:TOKEN", Format::Json, r#"{"t": "$s3cr3t"}"#, "told from other text"),
        ("var TOKEN env:TOKEN", Format::Bytes, "s3cr3t", "no place for variables"),
    ] {
        let error = mapping(clauses).share(fragment(format, own)).unwrap_err().to_string();
        assert!(error.contains(why) && !error.contains("s3cr3t"), "{own}: {error}");
    }
    // Without its values, and in what people see of a mapping.
    let unread: Mapping = "var TOKEN env:TOKEN".parse().unwrap();
    let error = unread.share(fragment(Format::Json, "\"s3cr3t\"")).unwrap_err().to_string();
    assert!(error.contains("known only to its own machine"), "{error}");
    let read = unread.bind(here).unwrap();
    assert_eq!(read.to_string(), "var TOKEN env:TOKEN");
    assert!(!format!("{read:?}").contains("s3cr3t"));
}

#[test]
fn what_has_no_value_is_named() {
    for (clauses, why) in [
        ("var X env:X", "the variable `X` has no value: `X` is not set"),
        ("var X env:EMPTY", "the value of the variable `X` is empty"),
        ("var X env:ODD", "the value of the variable `X` holds `${`"),
        ("var X env:PIN; var Y=12", "the value of the variable `Y` is that of `X`, too"),
    ] {
        let error = clauses.parse::<Mapping>().unwrap().bind(here).unwrap_err().to_string();
        assert!(error.contains(why), "{clauses}: {error}");
    }
}

#[test]
fn clauses_are_canonical_or_refused() {
    for (written, canonical) in [
        ("var  HOME  env:HOME", "var HOME env:HOME"),
        ("var T file:/run/t; except /a", "var T file:/run/t; except /a"),
        ("var T file:\"/run/a b\"", "var T file:\"/run/a b\""),
        ("var P = 8080", "var P=8080"),
        ("var P=\"a;b\"", "var P=\"a;b\""),
    ] {
        let mapping: Mapping = written.parse().unwrap();
        assert_eq!(mapping.to_string(), canonical);
        assert_eq!(canonical.parse::<Mapping>().unwrap(), mapping);
    }
    for (text, why) in [
        ("var 1=2", "a name has letters, digits and `_`"),
        ("var a-b=2", "a name has letters, digits and `_`"),
        ("var A", "expected `=`"),
        ("var A env:", "a clause ends too early"),
        ("var A env:a-b", "the name of an environment variable"),
        ("var A file:t", "a whole path"),
        ("var A file:/a/../t", "a whole path"),
        ("var A=\"\"", "the value is empty"),
        ("var A=\"x${y}\"", "the value holds `${`"),
        ("var A=null", "the value is null; it can be text or a number"),
        ("var A=1; var A=2", "is a second variable of that name"),
        ("var A=1; var B=\"1\"", "has the value of another variable"),
        ("var A env:X; var B env:X", "has the value of another variable"),
    ] {
        let error = text.parse::<Mapping>().unwrap_err().0;
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn another_machine_has_its_own() {
    let clauses: Mapping = "var HOME env:HOME; var PORT=8080".parse().unwrap();
    let here = clauses.bind(here).unwrap();
    let there = clauses.bind(|_| Ok("C:\\Users\\bob".to_owned())).unwrap();
    let own = fragment(Format::Json, r#"{"p": "/home/ada/x", "n": 8080, "z": 1}"#);
    let shared = here.share(own).unwrap();
    let other = fragment(Format::Json, r#"{"z": 1, "p": "C:\\Users\\bob\\old"}"#);
    let standing = there.share(other.clone()).unwrap();
    let updated = there.update(&standing, &here.value(&shared).unwrap()).unwrap();
    let whole = there.unshare(Some(&other), &updated).unwrap();
    let expected = Format::Json.value(br#"{"p": "C:\\Users\\bob/x", "n": 8080, "z": 1}"#).unwrap();
    assert_eq!(Format::Json.value(&whole.text).unwrap(), expected);
    assert_eq!(there.share(whole).unwrap(), updated);
}

/// Texts in which the variables below find something to do.
fn texts() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec![
            "/home/ada",
            "s3cr3t",
            "12",
            "8080",
            "$",
            "{",
            "}",
            "${HOME}",
            "${TOKEN}",
            "$${HOME}",
            "${X}",
            "/",
            "x",
            " ",
            "-",
            "_",
            "é",
            "\"",
            "\\",
            "\n",
        ]),
        0..6,
    )
    .prop_map(|parts| parts.concat())
}

fn values() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        texts().prop_map(Value::String),
        prop::sample::select(vec!["12", "8080", "1.5", "true", "null"])
            .prop_map(|text| Format::Json.value(text.as_bytes()).unwrap()),
    ];
    prop::collection::btree_map(
        "[a-c]",
        prop_oneof![scalar.clone(), prop::collection::vec(scalar, 0..3).prop_map(Value::Sequence)],
        0..4,
    )
    .prop_map(|members| Value::Map(members.into_iter().collect()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_laws_hold_through_variables(
        own in values(), theirs in values(), free in values(), yaml in any::<bool>(),
        clauses in prop::sample::subsequence(vec!["var HOME env:HOME", "var TOKEN env:TOKEN", "var N=12", "var PORT=8080", "var S=\"x /\""], 1..4),
    ) {
        let format = if yaml { Format::Yaml } else { Format::Json };
        let clauses = clauses.join("; ");
        let mapping = mapping(&clauses);
        let render = |value: &Value| Fragment { format, text: format.render(value).unwrap() };
        let (own, theirs) = (render(&own), render(&theirs));
        let shared = mapping.share(own.clone());
        if let Ok(shared) = &shared {
            // No secret, and GetPut.
            prop_assert!(!clauses.contains("TOKEN") || !text(shared).contains("s3cr3t"));
            prop_assert_eq!(&mapping.unshare(Some(&own), shared).unwrap(), &own);
            // PutGet, by text and by value.
            let mut puts = vec![Ok(render(&free)), mapping.update(shared, &free)];
            if let Ok(theirs) = mapping.share(theirs) {
                let value = mapping.value(&theirs).unwrap();
                let by_value = mapping.update(shared, &value).unwrap();
                // What another file of this member shares can stand here.
                let whole = mapping.unshare(Some(&own), &by_value);
                prop_assert!(whole.is_ok(), "{}\n{}\n{:?}", text(&own), text(&by_value), whole);
                puts.extend([Ok(theirs), Ok(by_value)]);
            }
            for put in puts.into_iter().flatten() {
                if let Ok(whole) = mapping.unshare(Some(&own), &put) {
                    let again = mapping.share(whole).unwrap();
                    let (again_value, put_value) = (mapping.value(&again).unwrap(), mapping.value(&put).unwrap());
                    prop_assert!(again_value.agrees(&put_value), "{}\n{}", text(&again), text(&put));
                }
            }
        }
    }

    #[test]
    fn any_text_is_shared_or_refused(own in ".{0,40}", text in texts()) {
        let mapping = mapping("var HOME env:HOME; var TOKEN env:TOKEN");
        for own in [own, text] {
            let own = fragment(Format::Text, &own);
            if let Ok(shared) = mapping.share(own.clone()) {
                prop_assert!(!String::from_utf8_lossy(&shared.text).contains("s3cr3t"));
                prop_assert_eq!(mapping.unshare(Some(&own), &shared).unwrap(), own.clone());
                prop_assert_eq!(mapping.unshare(None, &shared).unwrap(), own);
            }
        }
    }
}
