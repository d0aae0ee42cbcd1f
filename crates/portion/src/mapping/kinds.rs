//! A value put into what stands, with its kinds of scalars.

use std::collections::HashMap;

use super::Mapping;
use crate::lens::{Fragment, LensError};
use crate::value::{Likeness, Number, Value};

impl Mapping {
    /// [`Mapping::update`], which leaves a scalar alone that differs in its kind only (`1` and `"1"`), as what arrives from formats
    /// without kinds. This makes the kind arrive, too, as far as the format can say it and the likeness does not overlook it.
    ///
    /// # Errors
    /// Those of [`Mapping::update`].
    pub fn update_alike(&self, shared: &Fragment, value: &Value, likeness: Likeness) -> Result<Fragment, LensError> {
        let written = self.update(shared, value)?;
        if likeness == Likeness::Text {
            return Ok(written);
        }
        let means = self.value(&written)?;
        if means.equals(value, likeness) {
            return Ok(written);
        }
        let cleared = self.update(&written, &otherwise(&means, value, likeness));
        match cleared.and_then(|cleared| self.update(&cleared, value)) {
            Ok(again) if self.value(&again)?.equals(value, likeness) => Ok(again),
            // A format without kinds has no other way to say it.
            _ => Ok(written),
        }
    }
}

/// The wanted value, with something else in each place where what stands agrees and is not equal.
fn otherwise(standing: &Value, wanted: &Value, likeness: Likeness) -> Value {
    match (standing, wanted) {
        (Value::Map(old), Value::Map(new)) => {
            let old: HashMap<&str, &Value> = old.iter().map(|(key, value)| (key.as_str(), value)).collect();
            let member = |(key, value): &(String, Value)| {
                (
                    key.clone(),
                    old.get(key.as_str()).map_or_else(|| value.clone(), |old| otherwise(old, value, likeness)),
                )
            };
            Value::Map(new.iter().map(member).collect())
        }
        (Value::Sequence(old), Value::Sequence(new)) => {
            Value::Sequence(old.iter().zip(new).map(|(old, new)| otherwise(old, new, likeness)).collect())
        }
        (old, new) if old.equals(new, likeness) => new.clone(),
        (_, Value::DateTime(_)) => Value::Number(Number::new("0")),
        _ => Value::String("x".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::lens::Format;

    /// What `standing` becomes when `value` arrives from a file of format `from`.
    #[track_caller]
    fn check(format: Format, standing: &str, from: Format, value: &str, expected: &str) {
        let shared = Fragment { format, text: standing.as_bytes().to_vec() };
        let value = from.value(value.as_bytes()).unwrap();
        let likeness = format.likeness(from);
        assert_eq!(likeness, from.likeness(format));
        let written = Mapping::default().update_alike(&shared, &value, likeness).unwrap();
        assert_eq!(
            String::from_utf8(written.text).unwrap(),
            expected,
            "{standing:?} in {format}, {value:?} from {from}"
        );
    }

    #[test]
    fn a_kind_arrives_where_both_know_it() {
        let json = r#"{"port": 8080, "on": true, "when": "2026-11-30"}"#;
        let text = r#"{"port": "8080", "on": "true", "when": "2026-11-30"}"#;
        check(Format::Json, json, Format::Json, text, text);
        check(Format::Json, text, Format::Jsonc, json, json);
        let yaml = "port: 8080 # of the server\non: true\nwhen: 2026-11-30\n";
        let quoted = "port: \"8080\" # of the server\non: \"true\"\nwhen: 2026-11-30\n";
        check(Format::Yaml, yaml, Format::Json, text, quoted);
        check(Format::Yaml, quoted, Format::Json, json, yaml);
        // TOML's date-times are text elsewhere, and stay.
        let toml = "port = 8080 # of the server\non = true\nwhen = 2026-11-30\n";
        let quoted = "port = \"8080\" # of the server\non = \"true\"\nwhen = 2026-11-30\n";
        check(Format::Toml, toml, Format::Json, text, quoted);
        check(Format::Toml, quoted, Format::Yaml, json, toml);
        check(
            Format::Toml,
            toml,
            Format::Toml,
            "port = 8080\non = true\nwhen = \"2026-11-30\"\n",
            &toml.replace("2026-11-30", "\"2026-11-30\""),
        );
        check(Format::Json, json, Format::Toml, toml, json);
        check(Format::Json, "[1, \"2\"]", Format::Jsonl, "\"1\"\n2\n", "[\"1\", 2]");
    }

    #[test]
    fn a_format_without_kinds_changes_none() {
        let json = r#"{"port": 8080, "on": true}"#;
        check(Format::Json, json, Format::Ini, "port = 8080\non = true\n", json);
        check(Format::Ini, "port = 8080\non = true\n", Format::Json, json, "port = 8080\non = true\n");
    }
}
