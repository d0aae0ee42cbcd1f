//! `inlay copy FROM TO`.

use portion::{Address, Fragment, Mapping, Value};

use crate::command::put;
use crate::context::Context;
use crate::error::CommandError;
use crate::place::{Place, argument};

/// Copy a portion into another, once.
///
/// Where both have one format the text travels, comments included; otherwise the value does, and TO is edited key by key, so that
/// it keeps its own comments, order and style. What is missing is inserted. Nothing is kept in sync: `inlay link` does that.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The portion to copy: PATH#SELECTOR
    #[arg(value_parser = argument)]
    pub from: Address,
    /// The portion to replace or insert: PATH#SELECTOR
    #[arg(value_parser = argument)]
    pub to: Address,
    /// Neither copy nor touch these keys; * stands for any one key. Can be given several times
    #[arg(long, value_name = "POINTER")]
    pub except: Vec<String>,
    /// What FROM calls A is called B in TO, as in /*/headers=/*/http_headers. Can be given several times
    #[arg(long, value_name = "A=B")]
    pub map: Vec<String>,
    /// Print what would change, as a unified diff, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let excepted: Vec<String> = args.except.iter().map(|path| format!("except {path}")).collect();
    let renamed = args.map.iter().map(|pair| format!("map {pair}"));
    let theirs = mapping(&excepted)?;
    let ours = mapping(&excepted.iter().cloned().chain(renamed).collect::<Vec<_>>())?;
    let from = Place::open(&args.from, ctx)?;
    let to = Place::open(&args.to, ctx)?;
    let shared = theirs.share(from.get()?).map_err(|e| from.lens(e))?;
    let new = match to.find()? {
        Some(standing) => {
            let own = ours.share(standing.clone()).map_err(|e| to.lens(e))?;
            let travelling = if own.format == shared.format && args.map.is_empty() {
                shared
            } else {
                let value = theirs.value(&shared).map_err(|e| from.lens(e))?;
                ours.update(&own, &value).map_err(|e| to.lens(e))?
            };
            ours.unshare(Some(&standing), &travelling).map_err(|e| to.lens(e))?
        }
        None => {
            let value = theirs.value(&shared).map_err(|e| from.lens(e))?;
            let format = to.scheme.lens().format_for(&to.expression, &value);
            let travelling = if format == shared.format && args.map.is_empty() {
                shared
            } else {
                let empty = empty_like(&value);
                let text = format.render(&empty).map_err(|e| to.lens(e))?;
                ours.update(&Fragment { format, text }, &value).map_err(|e| to.lens(e))?
            };
            ours.unshare(None, &travelling).map_err(|e| to.lens(e))?
        }
    };
    let after = put::replaced(&to, &new, true)?;
    put::finish(&to, after, args.dry_run, ctx)
}

/// What a missing portion is edited from, so that renamed keys are made under their own names.
fn empty_like(value: &Value) -> Value {
    match value {
        Value::Map(_) => Value::Map(Vec::new()),
        Value::Sequence(_) => Value::Sequence(Vec::new()),
        scalar => scalar.clone(),
    }
}

fn mapping(clauses: &[String]) -> Result<Mapping, CommandError> {
    clauses.join("; ").parse().map_err(|error: portion::MappingError| {
        CommandError::usage(error).hint("keys are JSON Pointers from the portion's root, as in `--except '/*/timeout'`")
    })
}
