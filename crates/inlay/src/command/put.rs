//! `inlay put ADDRESS`.

use std::io::{IsTerminal, Read, stdin};

use portion::{Address, Format, Fragment, LensError, Mapping, Scheme, Value};

use crate::context::Context;
use crate::error::{CommandError, Exit, quoted};
use crate::place::{Place, argument};
use crate::text;
use crate::write;

/// Replace, insert or remove a portion.
///
/// The new fragment is read from standard input. Every byte outside the portion stays as it is; the file is replaced at once or not at all.
/// A fragment that is equal to what stands there writes nothing. The fragment is written as `inlay get` prints one: a Markdown section
/// begins with its own heading, at level 1. A byte order mark at its start belongs to no portion but one of bytes, and is left out, as
/// `inlay get` does. Empty input, as a program that failed leaves it, empties a text; of anything else it is refused, with how to say what
/// is meant. What is removed takes along what stands on its lines; comments above it stay.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The portion: PATH#SELECTOR
    #[arg(value_parser = argument)]
    pub address: Address,
    /// Standard input is JSON: edit the portion, key by key, until it means that
    #[arg(long, conflicts_with = "remove")]
    pub value: bool,
    /// Insert the portion if it is missing, with keys and headings above it that are missing; in formats without these, such as
    /// XML, the message says what must be there first
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
    let place = if args.create { Place::to_make(&args.address, ctx)? } else { Place::open(&args.address, ctx)? };
    let after = planned(&place, args, ctx).map_err(CommandError::unchanged)?;
    finish(&place, after, args.dry_run, None, ctx)
}

/// What is to be written; `None` where that changes nothing.
fn planned(place: &Place, args: &Args, ctx: &Context) -> Result<Option<After>, CommandError> {
    if args.remove && place.is_database() {
        place.get()?;
        return Err(place.lens(LensError::Refused(agent::record::STAYS.to_owned())));
    }
    if args.remove {
        // What stands in the way is the file's, and told as such; what is refused then is the removal.
        place.get()?;
        let without = portion::remove(place.scheme, place.file()?, &place.expression);
        return without.map(|file| Some(After::File(file))).map_err(|e| place.lens(e));
    }
    if !args.create && place.find()?.is_none() {
        // Said before the input is asked for.
        return Err(missing(place));
    }
    let input = read_input(ctx)?;
    if input.trim_ascii().is_empty() {
        check_empty(place, args)?;
    }
    let new = if args.value { valued(place, &input)? } else { as_it_stands(place, input)? };
    replaced(place, &new, args.create)
}

/// Refuses an empty input, as a program that failed leaves it, where all that stands there would go with it. A text may be emptied.
fn check_empty(place: &Place, args: &Args) -> Result<(), CommandError> {
    let address = quoted(&args.address.to_string());
    let made =
        |goes: &str| CommandError::failed(format!("standard input is empty: {} would lose {goes}", place.written));
    if place.is_database() {
        let hint = format!("if that is meant, put an empty list: `echo '[]' | inlay put --value {address}`");
        return Err(made("every row of the portion").hint(hint));
    }
    let holds =
        |old: &Fragment| !matches!(old.format, Format::Text | Format::Bytes) && !old.text.trim_ascii().is_empty();
    match place.find()?.filter(holds) {
        None => Ok(()),
        Some(old) if place.expression.is_empty() => {
            let is_list = matches!(old.format.value(&old.text), Ok(Value::Sequence(_)));
            let empty = if is_list { "[]" } else { "{}" };
            Err(made("all of it").hint(format!("if that is meant: `echo '{empty}' | inlay put --value {address}`")))
        }
        Some(_) => Err(made("all of the portion").hint(format!("if that is meant: `inlay put --remove {address}`"))),
    }
}

/// What a command is to write.
pub(crate) enum After {
    /// The file's bytes.
    File(Vec<u8>),
    /// Of a database: the rows that stand there, those that are put, and those that stand there then.
    Rows(Fragment, Fragment, Fragment),
}

/// The file with `new` in the portion's place; `None` where that changes nothing.
pub(crate) fn replaced(place: &Place, new: &Fragment, create: bool) -> Result<Option<After>, CommandError> {
    if place.is_database() {
        let before = place.get()?;
        let after =
            agent::record::put(&place.path, &place.expression, &before, new, true).map_err(|e| place.record(e))?;
        return Ok((after != before).then(|| After::Rows(before, new.clone(), after)));
    }
    if place.bytes.as_deref().is_some_and(|bytes| Scheme::detect("", bytes) == Some(Scheme::Sqlite)) {
        return Err(place.lens(LensError::Refused(
            "it is a SQLite database, which other programs may have open: its rows can be put (`sqlite:TABLE`), its bytes cannot".to_owned(),
        )));
    }
    file_with(place, new, create).map(|file| file.map(After::File))
}

fn file_with(place: &Place, new: &Fragment, create: bool) -> Result<Option<Vec<u8>>, CommandError> {
    let file = match &place.bytes {
        None if create => &[],
        _ => place.file()?,
    };
    if create && place.find()?.is_none() {
        let made = portion::insert_in(&place.written, place.scheme, file, &place.expression, new);
        return made.map(Some).map_err(|e| place.lens(e));
    }
    portion::put(place.scheme, file, &place.expression, new).map_err(|e| place.lens(e))
}

/// The error that the portion, or its file, is missing.
fn missing(place: &Place) -> CommandError {
    match place.get() {
        Err(error) => {
            let file = place.bytes.as_deref().unwrap_or_default();
            match portion::may_come(place.scheme, file, &place.expression) {
                true => error.hint("`--create` inserts what is missing"),
                false => error,
            }
        }
        Ok(_) => CommandError::failed(format!("{} changed meanwhile", place.written)),
    }
}

/// Writes the file, or prints the difference, and says so, with what has changed if that is told.
pub(crate) fn finish(
    place: &Place,
    after: Option<After>,
    dry_run: bool,
    counted: Option<&str>,
    ctx: &Context,
) -> Result<(), CommandError> {
    let changed = counted.map(|changed| format!(": {changed}")).unwrap_or_default();
    let Some(after) = after else {
        ctx.say(format!("{} is that already: nothing was written", place.written));
        return Ok(());
    };
    let folder = place.path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let (None, Some(folder)) = (&place.bytes, folder.filter(|folder| !folder.exists())) {
        let folder = folder.display().to_string();
        return Err(CommandError::failed(format!("cannot write {}: its folder is missing", place.written))
            .hint(format!("`mkdir -p {}` makes it", quoted(&folder))));
    }
    if dry_run {
        let (before, after) = match &after {
            After::File(after) => (place.bytes.as_deref().unwrap_or_default(), &after[..]),
            After::Rows(before, _, after) => (&before.text[..], &after.text[..]),
        };
        // With `--json`, a command that counts the changes prints these.
        if !ctx.json || counted.is_none() {
            ctx.print_text(&text::coloured(&text::unified(&place.written, before, after)))?;
        }
        ctx.say(format!("nothing was written: without `--dry-run` this is done{changed}"));
        return Ok(());
    }
    if let Some(lock) = agent::lock_beside(&place.path) {
        let open = format!("{} is open in an office program, which would write its own state over it", place.written);
        let hint = format!("close it there; if no program has it open, remove {}", quoted(&lock.display().to_string()));
        return Err(CommandError::failed(open).hint(hint));
    }
    match &after {
        After::File(after) => write::replace(&place.path, place.bytes.as_deref(), after)?,
        After::Rows(before, new, _) => {
            let put = agent::record::put(&place.path, &place.expression, before, new, false);
            put.map_err(|e| place.record(e))?;
        }
    }
    ctx.say(format!("wrote {}{changed}", place.written));
    Ok(())
}

/// The fragment that means what the JSON says: what stands there, edited; or new, where nothing does.
fn valued(place: &Place, input: &[u8]) -> Result<Fragment, CommandError> {
    let value = Format::Json.value(input).map_err(wrong)?;
    match place.find()? {
        Some(old) => {
            let likeness = old.format.likeness(Format::Json);
            Mapping::default().update_alike(&old, &value, likeness).map_err(|e| place.lens(e))
        }
        None => {
            let format = place.scheme.lens().format_for(&place.expression, &value);
            Ok(Fragment { format, text: format.render(&value).map_err(|e| place.lens(e))? })
        }
    }
}

/// The fragment as it was given (`portion::put` tidies it), in the format that the portion has or would have.
fn as_it_stands(place: &Place, mut input: Vec<u8>) -> Result<Fragment, CommandError> {
    let standing = place.find()?;
    // What ends the input's line is no part of an attribute, or of a text within a line.
    let is_within_lines = place.scheme.lens().is_within_lines(&place.expression)
        && standing.as_ref().is_none_or(|old| !old.text.ends_with(b"\n"));
    if is_within_lines && input.ends_with(b"\n") {
        input.truncate(input.len() - if input.ends_with(b"\r\n") { 2 } else { 1 });
    }
    let is_list = |old: &Fragment| matches!(old.format.value(&old.text), Ok(Value::Sequence(_)));
    if standing.as_ref().is_none_or(is_list) {
        check_list(place, &input)?;
    }
    if let Some(old) = standing {
        return given(old.format, input);
    }
    let lens = place.scheme.lens();
    let table = lens.format_for(&place.expression, &Value::Map(Vec::new()));
    let scalar = lens.format_for(&place.expression, &Value::String(String::new()));
    // Where a table and a scalar are written differently (TOML), the one that the text is decides.
    let fits =
        |format: Format| format.value(&input).is_ok_and(|value| lens.format_for(&place.expression, &value) == format);
    // Where only one of them can be inserted (a key of an ini file), that one does.
    let file = place.bytes.as_deref().unwrap_or_default();
    let goes = |format: Format| {
        let fragment = Fragment { format, text: input.clone() };
        portion::insert(place.scheme, file, &place.expression, &fragment).is_ok()
    };
    // A word alone is what a key says, though it could be the name of a key without a value.
    let is_word = match table.value(&input) {
        Ok(Value::Map(keys)) => matches!(&keys[..], [(key, _)] if key.as_bytes() == input.trim_ascii()),
        _ => false,
    };
    // Where neither goes, the error is that of what is meant.
    let is_scalar = !fits(table)
        || match is_word {
            true => goes(scalar) || !goes(table),
            false => !goes(table) && goes(scalar),
        };
    let format = if table != scalar && is_scalar { scalar } else { table };
    meaning(format, &input)?;
    given(format, input)
}

/// An error of what was given on standard input.
fn wrong(error: LensError) -> CommandError {
    CommandError::input("standard input", error)
}

/// What the input means once it is tidied. What is wrong is told where it stands in the input, if it is wrong there, too.
fn meaning(format: Format, input: &[u8]) -> Result<Value, CommandError> {
    let tidied = |error| format.tidy(input).and_then(|tidied| format.value(&tidied)).map_err(|_| error);
    format.value(input).or_else(tidied).map_err(wrong)
}

/// Refuses a list of tables as a TOML file writes it, `[[b]]` for `/b`: as a fragment it is a table that holds a list.
fn check_list(place: &Place, input: &[u8]) -> Result<(), CommandError> {
    let format = place.scheme.lens().format_for(&place.expression, &Value::Map(Vec::new()));
    let Some((_, name)) = place.expression.rsplit_once('/').filter(|_| format == Format::Toml) else { return Ok(()) };
    match format.value(input) {
        Ok(Value::Map(members)) => match &members[..] {
            [(key, Value::Sequence(_))] if *key == name.replace("~1", "/").replace("~0", "~") => {
                Err(CommandError::failed(format!("standard input: `[[{name}]]` would be a list `{name}` in a table `{name}`"))
                    .hint("a fragment is without the name of its place: `[[\"\"]]` heads each table of a list, as `inlay get` prints it")
                    .hint(format!("if a list in a table is meant, put it at `{}/{name}`", place.expression)))
            }
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// The input as a fragment. What is wrong with it is said of it, and not of the file.
fn given(format: Format, input: Vec<u8>) -> Result<Fragment, CommandError> {
    format.tidy(&input).map_err(wrong)?;
    // Other formats are checked by the way, or may hold any text.
    if matches!(format, Format::Toml | Format::TomlValue | Format::Yaml | Format::Ics | Format::Vcf) {
        meaning(format, &input)?;
    }
    Ok(Fragment { format, text: input })
}

pub(crate) fn read_input(ctx: &Context) -> Result<Vec<u8>, CommandError> {
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
