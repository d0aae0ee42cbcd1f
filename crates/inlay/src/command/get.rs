//! `inlay get ADDRESS`.

use std::io::{IsTerminal, stdout};

use portion::{Address, Format, Fragment, Value};

use crate::context::Context;
use crate::error::CommandError;
use crate::place::{Place, argument};

/// Print a portion.
///
/// Prints the portion as it stands, free of its context: dedented, with its comments, a Markdown section with its heading at level 1.
/// The scheme alone (`FILE#json:`) is the whole document. Exit code 3 if the portion or its file is missing, ambiguous or unparsable.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The portion: PATH#SELECTOR
    #[arg(value_parser = argument)]
    pub address: Address,
    /// Print what it means, as JSON
    #[arg(long)]
    pub value: bool,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let (place, fragment) = Place::portion(&args.address, ctx)?;
    if args.value || ctx.json {
        return ctx.print_json(json(&place, &fragment)?);
    }
    ctx.print_bytes(&fragment.text)?;
    if stdout().is_terminal() && !fragment.text.ends_with(b"\n") {
        ctx.print_bytes(b"\n")?;
    }
    Ok(())
}

/// What a fragment means, as JSON text without a final newline.
pub(crate) fn json(place: &Place, fragment: &Fragment) -> Result<String, CommandError> {
    let value = fragment.format.value(&fragment.text).map_err(|e| place.unreadable(e))?;
    render(&value).map_err(|e| place.unreadable(e))
}

/// A value as JSON text without a final newline.
pub(crate) fn render(value: &Value) -> Result<String, portion::LensError> {
    let text = Format::Json.render(value)?;
    Ok(String::from_utf8_lossy(&text).trim_end().to_owned())
}
