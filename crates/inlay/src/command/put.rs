//! `inlay put ADDRESS`.

use std::io::{IsTerminal, Read, stdin};

use portion::{Address, Format, Fragment, Value};

use crate::context::Context;
use crate::error::{CommandError, Exit};
use crate::place::{Place, argument};
use crate::text;
use crate::write;

/// Replace, insert or remove a portion.
///
/// The new fragment is read from standard input. Every byte outside the portion stays as it is; the file is replaced at once
/// or not at all. A fragment that is equal to what stands there writes nothing.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The portion: PATH#SELECTOR
    #[arg(value_parser = argument)]
    pub address: Address,
    /// Standard input is JSON: edit the portion, key by key, until it means that
    #[arg(long, conflicts_with = "remove")]
    pub value: bool,
    /// Insert the portion if it is missing, with parents that are missing
    #[arg(long, conflicts_with = "remove")]
    pub create: bool,
    /// Remove the portion instead; standard input is not read
    #[arg(long)]
    pub remove: bool,
    /// Print what would change, as a unified diff, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let place = Place::open(&args.address, ctx)?;
    let after = if args.remove {
        Some(portion::remove(place.scheme, place.file()?, &place.expression).map_err(|e| place.lens(e))?)
    } else {
        if !args.create && place.find()?.is_none() {
            // Said before the input is asked for.
            return Err(missing(&place));
        }
        let input = read_input(ctx)?;
        let new = if args.value { valued(&place, &input)? } else { as_it_stands(&place, input)? };
        replaced(&place, &new, args.create)?
    };
    finish(&place, after, args.dry_run, ctx)
}

/// The file with `new` in the portion's place; `None` where that changes nothing.
pub(crate) fn replaced(place: &Place, new: &Fragment, create: bool) -> Result<Option<Vec<u8>>, CommandError> {
    let file = match &place.bytes {
        None if create => &[],
        _ => place.file()?,
    };
    if create && place.find()?.is_none() {
        return portion::insert(place.scheme, file, &place.expression, new).map(Some).map_err(|e| place.lens(e));
    }
    portion::put(place.scheme, file, &place.expression, new).map_err(|e| place.lens(e))
}

/// The error that the portion, or its file, is missing.
fn missing(place: &Place) -> CommandError {
    match place.get() {
        Err(error) => error.hint("`--create` inserts what is missing"),
        Ok(_) => CommandError::failed(format!("{} changed meanwhile", place.written)),
    }
}

/// Writes the file, or prints the difference, and says so.
pub(crate) fn finish(place: &Place, after: Option<Vec<u8>>, dry_run: bool, ctx: &Context) -> Result<(), CommandError> {
    let Some(after) = after else {
        ctx.say(format!("{} is that already: nothing was written", place.written));
        return Ok(());
    };
    if dry_run {
        let before = place.bytes.as_deref().unwrap_or_default();
        ctx.print_text(&text::coloured(&text::unified(&place.written, before, &after)))?;
        ctx.say("nothing was written: without `--dry-run` this is done");
        return Ok(());
    }
    write::replace(&place.path, place.bytes.as_deref(), &after)?;
    ctx.say(format!("wrote {}", place.written));
    Ok(())
}

/// The fragment that means what the JSON says: what stands there, edited; or new, where nothing does.
fn valued(place: &Place, input: &[u8]) -> Result<Fragment, CommandError> {
    let value = Format::Json.value(input).map_err(|e| CommandError::lens("standard input", e))?;
    match place.find()? {
        Some(old) => {
            let text = old.format.update(&old.text, &value).map_err(|e| place.lens(e))?;
            Ok(Fragment { format: old.format, text })
        }
        None => {
            let format = place.scheme.lens().format_for(&place.expression, &value);
            Ok(Fragment { format, text: format.render(&value).map_err(|e| place.lens(e))? })
        }
    }
}

/// The fragment as it was given (`portion::put` tidies it), in the format that the portion has or would have.
fn as_it_stands(place: &Place, input: Vec<u8>) -> Result<Fragment, CommandError> {
    if let Some(old) = place.find()? {
        return Ok(Fragment { format: old.format, text: input });
    }
    let lens = place.scheme.lens();
    let table = lens.format_for(&place.expression, &Value::Map(Vec::new()));
    let scalar = lens.format_for(&place.expression, &Value::String(String::new()));
    // Where a table and a scalar are written differently (TOML), the one that the text is decides.
    let fits =
        |format: Format| format.value(&input).is_ok_and(|value| lens.format_for(&place.expression, &value) == format);
    let format = if table != scalar && !fits(table) { scalar } else { table };
    format.value(&input).map_err(|e| CommandError::lens("standard input", e))?;
    Ok(Fragment { format, text: input })
}

fn read_input(ctx: &Context) -> Result<Vec<u8>, CommandError> {
    let mut input = stdin();
    if input.is_terminal() {
        ctx.say("reading the new fragment from here; end with Ctrl-D");
    }
    let mut bytes = Vec::new();
    let limit = portion::MAX_PORTION as u64;
    input
        .by_ref()
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| CommandError::failed("cannot read standard input").because(e))?;
    if bytes.len() as u64 > limit {
        return Err(CommandError::new(Exit::Failed, format!("standard input is longer than {limit} bytes")));
    }
    Ok(bytes)
}
