//! The mappings of the command line: what stands for two portions, and the clauses that its options are.

use portion::{Address, Mapping};

use crate::error::CommandError;
use crate::portions;

/// What `--key`, `--except`, `--default` and `--map` say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clauses<'a> {
    pub key: Option<&'a str>,
    pub except: &'a [String],
    pub default: &'a [String],
    pub map: &'a [String],
}

impl Clauses<'_> {
    /// Those that mean the same for every portion: all but `--map`.
    pub(crate) fn shared(&self) -> Vec<String> {
        let key = self.key.iter().map(|column| portions::key_clause(column));
        let except = self.except.iter().map(|path| format!("except {path}"));
        key.chain(except).chain(self.default.iter().map(|text| format!("default {text}"))).collect()
    }

    /// Those of a portion whose names come first in `--map`.
    pub(crate) fn all(&self) -> Vec<String> {
        let mut all = self.shared();
        all.extend(self.map.iter().map(|pair| format!("map {pair}")));
        all
    }
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
