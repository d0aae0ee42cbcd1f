//! What a whole file means, by another parser than the lens's own where there is one.

use portion::{Number, Scheme, Value};

/// The file's value. `None` where the scheme's files have no value of their own (regions, lines).
pub(crate) fn whole(scheme: Scheme, bytes: &[u8]) -> Option<Value> {
    match scheme {
        Scheme::Json => {
            let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
            serde_json::from_slice(text).ok().map(|v| from_json(&v))
        }
        Scheme::Toml => {
            let text = std::str::from_utf8(bytes).ok()?;
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            text.parse::<toml::Table>().ok().map(|t| from_toml(&toml::Value::Table(t)))
        }
        Scheme::Jsonc | Scheme::Yaml => {
            let fragment = portion::get(scheme, bytes, "").ok()?;
            fragment.format.value(&fragment.text).ok()
        }
        _ => None,
    }
}

pub(crate) fn from_json(value: &serde_json::Value) -> Value {
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

fn from_toml(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text.clone()),
        toml::Value::Integer(number) => Value::Number(Number::new(number.to_string())),
        toml::Value::Float(number) => Value::Number(Number::new(number.to_string())),
        toml::Value::Boolean(truth) => Value::Bool(*truth),
        toml::Value::Datetime(time) => Value::DateTime(time.to_string()),
        toml::Value::Array(items) => Value::Sequence(items.iter().map(from_toml).collect()),
        toml::Value::Table(table) => {
            Value::Map(table.iter().map(|(key, value)| (key.clone(), from_toml(value))).collect())
        }
    }
}

/// `value` with `new` at a JSON Pointer (`None`: without what stands there). `None` where the pointer leads nowhere.
pub(crate) fn with(value: &Value, pointer: &str, new: Option<&Value>) -> Option<Value> {
    if pointer.is_empty() {
        return new.cloned();
    }
    let tokens: Vec<String> =
        pointer.strip_prefix('/')?.split('/').map(|token| token.replace("~1", "/").replace("~0", "~")).collect();
    let mut whole = value.clone();
    change(&mut whole, &tokens, new)?;
    Some(whole)
}

fn change(value: &mut Value, tokens: &[String], new: Option<&Value>) -> Option<()> {
    let (token, rest) = tokens.split_first()?;
    match value {
        Value::Map(members) => {
            let at = members.iter().position(|(key, _)| key == token)?;
            match (rest.is_empty(), new) {
                (false, _) => change(&mut members[at].1, rest, new),
                (true, Some(new)) => {
                    members[at].1 = new.clone();
                    Some(())
                }
                (true, None) => {
                    members.remove(at);
                    Some(())
                }
            }
        }
        Value::Sequence(items) => {
            let at: usize = token.parse().ok().filter(|at| *at < items.len())?;
            match (rest.is_empty(), new) {
                (false, _) => change(&mut items[at], rest, new),
                (true, Some(new)) => {
                    items[at] = new.clone();
                    Some(())
                }
                (true, None) => {
                    items.remove(at);
                    Some(())
                }
            }
        }
        _ => None,
    }
}

/// Equal, where numbers that a parser has read through a float may have lost digits.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            let float = |n: &Number| n.as_str().replace('_', "").parse::<f64>().ok();
            a == b || (float(a).is_some() && float(a) == float(b))
        }
        (Value::DateTime(a), Value::DateTime(b)) => moment(a) == moment(b),
        // TOML leaves it to the parser how it reads a line end in a text.
        (Value::String(a), Value::String(b)) => a.replace("\r\n", "\n") == b.replace("\r\n", "\n"),
        (Value::Sequence(a), Value::Sequence(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.iter().any(|(other, held)| key == other && same(value, held)))
        }
        _ => a == b,
    }
}

/// RFC 3339 in one spelling of the several that TOML 1.1 allows, without a fraction's last zeros.
fn moment(text: &str) -> String {
    let mut text = text.replace(['t', ' '], "T").replace('z', "Z");
    // Seconds may be left out.
    let time = text.find('T').map_or(0, |at| at + 1);
    if text[time..].contains(':') && text.as_bytes().get(time + 5) != Some(&b':') {
        text.insert_str((time + 5).min(text.len()), ":00");
    }
    if let Some(dot) = text.find('.') {
        let digits = text[dot + 1..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |n| dot + 1 + n);
        let kept = text[..digits].trim_end_matches('0').trim_end_matches('.').len();
        text.replace_range(kept..digits, "");
    }
    text
}
