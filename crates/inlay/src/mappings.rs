//! The mappings of the command line: what stands for two portions, and the clauses that its options are.

use portion::{Address, Format, LensError, Mapping, Source, Value};

use crate::context::Context;
use crate::error::CommandError;
use crate::portions;

/// What `--key`, `--except`, `--default` and `--map` say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clauses<'a> {
    pub key: Option<&'a str>,
    pub except: &'a [String],
    pub default: &'a [String],
    pub map: &'a [String],
    pub var: &'a [String],
}

impl Clauses<'_> {
    /// Those that mean the same for every portion: all but `--map`.
    pub(crate) fn shared(&self) -> Vec<String> {
        let key = self.key.iter().map(|column| portions::key_clause(column));
        let except = self.except.iter().map(|path| format!("except {path}"));
        let default = self.default.iter().map(|text| format!("default {text}"));
        key.chain(except).chain(default).chain(self.var.iter().map(|text| variable(text))).collect()
    }

    /// Those of a portion whose names come first in `--map`.
    pub(crate) fn all(&self) -> Vec<String> {
        let mut all = self.shared();
        all.extend(self.map.iter().map(|pair| format!("map {pair}")));
        all
    }
}

/// The clause of `--var NAME=SOURCE`. What is neither read from elsewhere nor JSON is text.
fn variable(text: &str) -> String {
    let Some((name, said)) = text.split_once('=') else { return format!("var {text}") };
    let quoted = |text: &str| {
        let json = Format::Json.render(&Value::String(text.to_owned())).unwrap_or_default();
        String::from_utf8_lossy(&json).into_owned()
    };
    let is_json = || {
        let value = Format::Json.value(said.as_bytes());
        value.is_ok_and(|value| matches!(value, Value::Number(_) | Value::String(_)))
    };
    match said.split_once(':') {
        Some((kind @ ("env" | "file"), from)) => format!("var {name} {kind}:{}", quoted(from)),
        _ if is_json() => format!("var {name}={said}"),
        _ => format!("var {name}={}", quoted(said)),
    }
}

/// The mapping with the values of its variables, as this command finds them: a person runs it on their own machine, and may read what
/// they may read.
pub(crate) fn bound(mapping: &Mapping, ctx: &Context) -> Result<Mapping, LensError> {
    mapping.bind(|source| match source {
        Source::Environment(name) if name == "HOME" => {
            let home = ctx.user_home.as_ref().and_then(|home| home.to_str()).map(str::to_owned);
            home.ok_or_else(|| "there is no home directory".to_owned())
        }
        Source::Environment(name) => std::env::var(name)
            .map_err(|_| format!("`{name}` is not set here; this command needs it as the agent does")),
        Source::File(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"))?;
            Ok(text.trim_end_matches(['\r', '\n']).to_owned())
        }
        Source::Value(_) => Err("it stands in the mapping".to_owned()),
    })
}

/// The mappings of two portions: those that both programs are known by, or none; then what was asked for. Whether both are known by
/// different ones.
pub(crate) fn of_two(
    first: &Address,
    second: &Address,
    clauses: Clauses<'_>,
) -> Result<(Mapping, Mapping, bool), CommandError> {
    let proposed =
        |address: &Address| address.selector.as_ref().and_then(|selector| Mapping::proposed(&address.path, selector));
    let (one, other, known) = match (proposed(first), proposed(second)) {
        (Some(one), Some(other)) if one != other => (one, other, true),
        _ => (Mapping::default(), Mapping::default(), false),
    };
    Ok((with(&one, &clauses.all())?, with(&other, &clauses.shared())?, known))
}

fn with(mapping: &Mapping, clauses: &[String]) -> Result<Mapping, CommandError> {
    if clauses.is_empty() {
        return Ok(mapping.clone());
    }
    mapping.with(&clauses.join("; ")).map_err(|error| {
        CommandError::usage(error).hint("keys are JSON Pointers from the portion's root, as in `--except '/*/timeout'`")
    })
}
