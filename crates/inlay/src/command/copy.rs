//! `inlay copy FROM TO`.

use portion::{Address, Fragment, Mapping};

use crate::change::Change;
use crate::command::put;
use crate::context::Context;
use crate::error::CommandError;
use crate::place::{Place, argument};
use crate::portions;

/// Copy a portion into another, once.
///
/// Where both have one format the text travels, comments included; otherwise the value does, and TO is edited key by key, so that
/// it keeps its own comments, order and style. What is missing is inserted. Where both files are known (the MCP servers of
/// ~/.claude.json and ~/.codex/config.toml), each program's own names and defaults are used. Nothing is kept in sync: `inlay
/// link` does that. It says how many keys, items or lines were added, changed and removed.
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
    /// What FROM calls A is called B in TO, as in '/*/headers=/*/http_headers'. Can be given several times
    #[arg(long, value_name = "A=B")]
    pub map: Vec<String>,
    /// Both are tables: rows are told apart by this column, and keep TO's order; keys for --except and --map begin with it: /*/notes is a
    /// column
    #[arg(long, value_name = "COLUMN")]
    pub key: Option<String>,
    /// Print what would change, as a unified diff, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let from = Place::open(&args.from, ctx)?;
    let to = Place::to_make(&args.to, ctx)?;
    let Copied { after, standing, new } = planned(&from, &to, args, ctx).map_err(CommandError::unchanged)?;
    let change = Change::between(standing.as_ref(), &new);
    let written = after.is_some() && !args.dry_run;
    put::finish(&to, after, args.dry_run, Some(&change.to_string()), ctx)?;
    if ctx.json { ctx.print(change.json(written)) } else { Ok(()) }
}

/// What a copy makes.
struct Copied {
    /// The file, where it changes.
    after: Option<Vec<u8>>,
    /// What stood in TO.
    standing: Option<Fragment>,
    /// What is to stand there.
    new: Fragment,
}

fn planned(from: &Place, to: &Place, args: &Args, ctx: &Context) -> Result<Copied, CommandError> {
    let (theirs, ours) = mappings(args, ctx)?;
    let shared = theirs.share(from.get()?).map_err(|e| from.lens(e))?;
    // Rows told apart by a key keep their own order: they travel as a value.
    let one_language = theirs.to_string() == ours.to_string() && ours.key().is_none();
    let standing = to.find()?;
    let own = standing.clone().map(|standing| ours.share(standing)).transpose().map_err(|e| to.lens(e))?;
    let value = || theirs.value(&shared).map_err(|e| from.lens(e));
    let format = match &own {
        Some(own) => own.format,
        None => to.scheme.lens().format_for(&to.expression, &value()?),
    };
    let travelling = match &own {
        _ if one_language && format == shared.format => shared.clone(),
        Some(own) => ours.update(own, &value()?).map_err(|e| to.lens(e))?,
        None => ours.render(format, &value()?).map_err(|e| to.lens(e))?,
    };
    let new = ours.unshare(standing.as_ref(), &travelling).map_err(|e| to.lens(e))?;
    let after = put::replaced(to, &new, true)?;
    Ok(Copied { after, standing, new })
}

/// The mappings of FROM and of TO: those that both programs are known by, or none; then what was asked for.
fn mappings(args: &Args, ctx: &Context) -> Result<(Mapping, Mapping), CommandError> {
    let proposed =
        |address: &Address| address.selector.as_ref().and_then(|selector| Mapping::proposed(&address.path, selector));
    let (theirs, ours) = match (proposed(&args.from), proposed(&args.to)) {
        (Some(theirs), Some(ours)) if theirs != ours => {
            ctx.say(format!("reading {} as `{theirs}` and writing {} as `{ours}`", args.from.path, args.to.path));
            (theirs, ours)
        }
        _ => Default::default(),
    };
    let key = args.key.iter().map(|column| portions::key_clause(column));
    let excepted = key.chain(args.except.iter().map(|path| format!("except {path}")));
    let renamed = args.map.iter().map(|pair| format!("map {pair}"));
    Ok((with(&theirs, excepted.clone().chain(renamed))?, with(&ours, excepted)?))
}

fn with(mapping: &Mapping, clauses: impl Iterator<Item = String>) -> Result<Mapping, CommandError> {
    let clauses: Vec<String> = clauses.collect();
    if clauses.is_empty() {
        return Ok(mapping.clone());
    }
    mapping.with(&clauses.join("; ")).map_err(|error| {
        CommandError::usage(error).hint("keys are JSON Pointers from the portion's root, as in `--except '/*/timeout'`")
    })
}
