//! `inlay copy FROM TO`.

use portion::{Address, Fragment};

use crate::change::Change;
use crate::command::put;
use crate::context::Context;
use crate::error::CommandError;
use crate::mappings::{self, Clauses};
use crate::place::{Place, argument};

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
    /// A key that is not copied while it has this value, as in '/*/type="stdio" if command' (the condition, another key
    /// beside it, may be left out); a new entry gets it. Can be given several times
    #[arg(long, value_name = "KEY=JSON")]
    pub default: Vec<String>,
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
    let change = Change::between(standing.as_ref(), &new, args.key.as_deref());
    let written = after.is_some() && !args.dry_run;
    put::finish(&to, after, args.dry_run, Some(&change.to_string()), ctx)?;
    if ctx.json { ctx.print_json(change.json(written)) } else { Ok(()) }
}

/// What a copy makes.
struct Copied {
    /// What is to be written, where that changes anything.
    after: Option<put::After>,
    /// What stood in TO.
    standing: Option<Fragment>,
    /// What is to stand there.
    new: Fragment,
}

fn planned(from: &Place, to: &Place, args: &Args, ctx: &Context) -> Result<Copied, CommandError> {
    let clauses =
        Clauses { key: args.key.as_deref(), except: &args.except, default: &args.default, map: &args.map, var: &[] };
    let (theirs, ours, known) = mappings::of_two(&args.from, &args.to, clauses)?;
    if known {
        ctx.say(format!("reading {} as `{theirs}` and writing {} as `{ours}`", args.from.path, args.to.path));
    }
    let shared = theirs.share(from.get()?).map_err(|e| from.unreadable(e))?;
    // Rows told apart by a key keep their own order: they travel as a value.
    let one_language = theirs.to_string() == ours.to_string() && ours.key().is_none();
    let standing = to.find()?;
    let own = standing.clone().map(|standing| ours.share(standing)).transpose().map_err(|e| to.unreadable(e))?;
    if ours.key().is_some() {
        // Whose rows cannot be told apart, of that file it is said.
        theirs.value(&shared).map_err(|e| from.unreadable(e))?;
        own.as_ref().map(|own| ours.value(own)).transpose().map_err(|e| to.unreadable(e))?;
    }
    let value = || theirs.value(&shared).map_err(|e| from.unreadable(e));
    let format = match &own {
        Some(own) => own.format,
        None => to.scheme.lens().format_for(&to.expression, &value()?),
    };
    let travelling = match &own {
        _ if one_language && format == shared.format => shared.clone(),
        Some(own) => ours.update_alike(own, &value()?, format.likeness(shared.format)).map_err(|e| to.lens(e))?,
        None => ours.render(format, &value()?).map_err(|e| to.lens(e))?,
    };
    let new = ours.unshare(standing.as_ref(), &travelling).map_err(|e| to.lens(e))?;
    let after = put::replaced(to, &new, true)?;
    Ok(Copied { after, standing, new })
}
