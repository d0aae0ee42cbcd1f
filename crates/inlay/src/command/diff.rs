//! `inlay diff A B`.

use anstyle::{AnsiColor, Style};
use portion::{Address, Format, Fragment, Mapping, Value};
use serde_json::json;

use crate::command::get;
use crate::context::Context;
use crate::difference::{self, Difference};
use crate::error::CommandError;
use crate::history;
use crate::mappings::{self, Clauses};
use crate::place::{Place, argument};
use crate::text;

/// Compare two portions, by value and by text.
///
/// Exit code 0 if they mean the same, 4 if they do not. Between two formats only values can be compared; within one, a text
/// that differs (comments, order, style) is shown, and with --text, which two formats refuse, it counts. Where both files are known (the
/// MCP servers of two programs), each program's own names and defaults are used.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The first portion, PATH#SELECTOR; or a group
    #[arg(value_name = "A|NAME")]
    pub first: String,
    /// The second portion, PATH#SELECTOR; or a version of the group: head, NO, @-1 (one before the head), ID
    #[arg(value_name = "B|V", allow_negative_numbers = true)]
    pub second: String,
    /// Another version of the group [default: head]
    #[arg(value_name = "W", allow_negative_numbers = true)]
    pub third: Option<String>,
    /// Exit code 4 also if only the texts differ
    #[arg(long)]
    pub text: bool,
    /// Two portions: leave these keys out; * stands for any one key. Can be given several times
    #[arg(long, value_name = "POINTER")]
    pub except: Vec<String>,
    /// Two portions: a key that counts as missing while it has this value, as in '/*/type="stdio" if command' (the condition, another key
    /// beside it, may be left out). Can be given several times
    #[arg(long, value_name = "KEY=JSON")]
    pub default: Vec<String>,
    /// Two portions: what the first calls A is called B in the second, as in '/*/headers=/*/http_headers'. Can be given several times
    #[arg(long, value_name = "A=B")]
    pub map: Vec<String>,
    /// Both portions are tables: rows are told apart by this column, and their order does not count
    #[arg(long, value_name = "COLUMN")]
    pub key: Option<String>,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    // A group's name holds no `#`, and a portion cannot be named without one.
    if !args.first.contains('#') && !args.second.contains('#') {
        if args.key.is_some() || [&args.except, &args.default, &args.map].iter().any(|given| !given.is_empty()) {
            return Err(CommandError::usage("--except, --default, --map and --key are for two portions")
                .hint("the versions of a group are compared in the group's own words"));
        }
        let is_file = |text: &str| ctx.path(text).is_ok_and(|path| path.is_file());
        if is_file(&args.first) && is_file(&args.second) {
            return Err(CommandError::usage(format!("`{}` and `{}` name no portions of these files", args.first, args.second))
                .hint("write PATH#SELECTOR for both; `PATH#json:` is all of a JSON file, and `inlay list PATH` lists what a file holds"));
        }
        let same = history::diff(&args.first, &args.second, args.third.as_deref(), ctx)?;
        return if same == Same::Text || (same == Same::Value && !args.text) {
            Ok(())
        } else {
            Err(CommandError::not_in_sync())
        };
    }
    if let Some(third) = &args.third {
        return Err(CommandError::usage(format!("two portions are compared, and `{third}` is a third")));
    }
    let address = |text: &str| argument(text).map_err(CommandError::usage);
    let (first, second) = (address(&args.first)?, address(&args.second)?);
    let clauses =
        Clauses { key: args.key.as_deref(), except: &args.except, default: &args.default, map: &args.map, var: &[] };
    let (one, other, known) = mappings::of_two(&first, &second, clauses)?;
    if known {
        ctx.say(format!("reading {} as `{one}` and {} as `{other}`", first.path, second.path));
    }
    let side = |address: &Address, mapping: &Mapping| -> Result<Side, CommandError> {
        let place = Place::open(address, ctx)?;
        let fragment = mapping.share(place.get()?).map_err(|e| place.unreadable(e))?;
        let value = mapping.value(&fragment).map_err(|e| place.unreadable(e))?;
        Ok(Side { name: address.to_string(), fragment, value })
    };
    let (first, second) = (side(&first, &one)?, side(&second, &other)?);
    let (one, other) = (first.fragment.format, second.fragment.format);
    if args.text && one != other {
        let (first, second) = (&first.name, &second.name);
        return Err(CommandError::usage(format!("--text compares texts, and `{first}` is {one}, `{second}` {other}"))
            .hint("without --text their values are compared"));
    }
    let same = show(&first, &second, ctx)?;
    match same {
        Same::Text => Ok(()),
        Same::Value if !args.text => Ok(()),
        _ => Err(CommandError::not_in_sync()),
    }
}

/// One of two fragments that are compared.
pub(crate) struct Side {
    /// What to call it.
    pub name: String,
    /// Its text and format.
    pub fragment: Fragment,
    /// What it means.
    pub value: Value,
}

/// How much two fragments are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Same {
    /// Byte for byte, in one format.
    Text,
    /// They mean the same.
    Value,
    /// They do not.
    Nothing,
}

/// Prints where they differ.
pub(crate) fn show(first: &Side, second: &Side, ctx: &Context) -> Result<Same, CommandError> {
    let one_format = first.fragment.format == second.fragment.format;
    let same_text = one_format && first.fragment.text == second.fragment.text;
    let differences = {
        let likeness = first.fragment.format.likeness(second.fragment.format);
        difference::between(&first.value, &second.value, likeness)
    };
    let same = match (same_text, differences.is_empty()) {
        (true, _) => Same::Text,
        (_, true) => Same::Value,
        _ => Same::Nothing,
    };
    if ctx.json {
        let list: Vec<_> = differences
            .iter()
            .map(|d| json!({"path": d.path, "a": d.first.map(as_json), "b": d.second.map(as_json)}))
            .collect();
        ctx.print_json(json!({"same_text": same_text, "same_value": differences.is_empty(), "differences": list}))?;
        return Ok(same);
    }
    // Text that is only text is best compared line by line.
    if !matches!(
        (&first.value, &second.value),
        (Value::String(_) | Value::Bytes(_), Value::String(_) | Value::Bytes(_))
    ) {
        for difference in &differences {
            // Its values are JSON.
            ctx.print_json(line(difference))?;
        }
    }
    if one_format && !same_text {
        let (a, b) = (&first.fragment.text, &second.fragment.text);
        ctx.print_text(&text::coloured(&text::unified_between(&first.name, &second.name, a, b)))?;
    }
    match same {
        Same::Text => ctx.say("they are the same"),
        Same::Value if one_format => ctx.say("they mean the same; their texts differ"),
        Same::Value => ctx.say("they mean the same"),
        Same::Nothing => {}
    }
    Ok(same)
}

fn line(difference: &Difference<'_>) -> String {
    let colour = |c: AnsiColor| Style::new().fg_color(Some(c.into()));
    let (red, green) = (colour(AnsiColor::Red), colour(AnsiColor::Green));
    let path = if difference.path.is_empty() { "(the whole)" } else { &difference.path };
    match (difference.first, difference.second) {
        (Some(a), Some(b)) => format!("~ {path}: {red}{}{red:#} → {green}{}{green:#}", short(a), short(b)),
        (Some(a), None) => format!("{red}- {path}: {}{red:#}", short(a)),
        (None, Some(b)) => format!("{green}+ {path}: {}{green:#}", short(b)),
        (None, None) => String::new(),
    }
}

/// How many characters of a value are shown on a line.
const SHOWN: usize = 100;

fn short(value: &Value) -> String {
    let text = get::render(value).unwrap_or_else(|_| value.kind().to_owned());
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= SHOWN {
        return text;
    }
    text.chars().take(SHOWN - 1).chain(['…']).collect()
}

/// What JSON cannot say (bytes) is told by its kind.
fn as_json(value: &Value) -> serde_json::Value {
    let text = Format::Json.render(value).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_else(|_| serde_json::Value::String(value.kind().to_owned()))
}
