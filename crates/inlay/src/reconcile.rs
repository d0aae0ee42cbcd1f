//! A conflict, put together by a person: part by part, or as a whole in an editor.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Command;

use anstyle::{AnsiColor, Style};
use portion::{Choice, Clash, Format, Fragment, LensError, Mapping, Side, Value};

use crate::ask;
use crate::command::get;
use crate::context::Context;
use crate::error::CommandError;
use crate::text;

/// One content in a conflict, with a name for people.
pub(crate) struct Content {
    /// "version 7, laptop:~/.claude.json".
    pub name: String,
    /// What it is.
    pub fragment: Fragment,
    /// How it stands to the group's value.
    pub mapping: Mapping,
}

impl Content {
    /// As the merge takes it.
    pub(crate) fn side(&self) -> Side<'_> {
        Side { fragment: &self.fragment, mapping: &self.mapping }
    }
}

/// What one way came to.
enum Outcome {
    /// The person wants to choose another way.
    Back,
    /// This is it.
    Done(Fragment),
}

/// Puts `theirs` and `ours` together as the person says; the result is written as `ours` is. `None` if they left it.
/// `base` is the last content that both came from, if there is one.
pub(crate) fn reconcile(
    base: Option<&Content>,
    ours: &Content,
    theirs: &Content,
    ctx: &Context,
) -> Result<Option<Fragment>, CommandError> {
    ctx.say(format_args!("ours is {}; theirs is {}", ours.name, theirs.name));
    let Some(base) = base else {
        ctx.say("They have no common past, so one of them is taken whole, or you edit.");
        return one_way(None, 0, ours, theirs, ctx);
    };
    let clashes = match portion::merge(base.side(), ours.side(), theirs.side()) {
        Ok(portion::Merged::Clean(fragment)) => {
            ctx.say("Their changes do not touch each other.");
            show(ours, &fragment, ctx);
            return Ok(ask::confirm(ctx, "Take both?", "say --take or --with")?.then_some(fragment));
        }
        Ok(portion::Merged::Conflict(clashes)) => clashes.len(),
        Err(error) => {
            ctx.warn(format_args!("they cannot be merged part by part: {error}"));
            0
        }
    };
    one_way(Some(base), clashes, ours, theirs, ctx)
}

/// Asks how to go on, until one way leads to an end.
fn one_way(
    base: Option<&Content>,
    clashes: usize,
    ours: &Content,
    theirs: &Content,
    ctx: &Context,
) -> Result<Option<Fragment>, CommandError> {
    let mut choices = Vec::new();
    if clashes > 0 {
        let parts = if clashes == 1 { "1 part".to_owned() } else { format!("{clashes} parts") };
        choices.push((format!("merge, and choose for the {parts} that both changed"), 'p'));
    }
    choices.push(("take ours whole".to_owned(), 'o'));
    choices.push(("take theirs whole".to_owned(), 't'));
    if ours.fragment.format != Format::Absent {
        choices.push(("edit".to_owned(), 'e'));
    }
    choices.push(("show both sides".to_owned(), 's'));
    let words: Vec<String> = choices.iter().map(|(words, _)| words.clone()).collect();
    loop {
        let Some(chosen) = ask::choose("How?", &words)? else { return Ok(None) };
        let outcome = match (choices[chosen].1, base) {
            ('p', Some(base)) => part_by_part(base, ours, theirs, ctx)?,
            ('o', _) => Outcome::Done(ours.fragment.clone()),
            ('t', _) => Outcome::Done(as_ours(ours, theirs)?),
            ('e', _) => edit(ours, &ours.fragment, theirs, ctx)?,
            _ => {
                show(ours, &as_ours(ours, theirs)?, ctx);
                Outcome::Back
            }
        };
        if let Outcome::Done(fragment) = outcome {
            return Ok(Some(fragment));
        }
    }
}

/// Theirs, written as ours is.
fn as_ours(ours: &Content, theirs: &Content) -> Result<Fragment, CommandError> {
    if ours.fragment.format == theirs.fragment.format && ours.mapping == theirs.mapping {
        return Ok(theirs.fragment.clone());
    }
    // One that was removed: then only the other one has anything to say.
    if [ours, theirs].iter().any(|content| content.fragment.format == Format::Absent) {
        let theirs_whole = &mut |_: &Clash| Choice::Theirs;
        return portion::merge_choosing(ours.side(), ours.side(), theirs.side(), theirs_whole)
            .map_err(|e| CommandError::lens(&theirs.name, e));
    }
    let value = theirs.mapping.value(&theirs.fragment).map_err(|e| CommandError::lens(&theirs.name, e))?;
    let likeness = ours.fragment.format.likeness(theirs.fragment.format);
    ours.mapping.update_alike(&ours.fragment, &value, likeness).map_err(|e| CommandError::lens(&ours.name, e))
}

fn show(ours: &Content, new: &Fragment, ctx: &Context) {
    ctx.say(text::coloured(&text::unified_between("ours", "then", &ours.fragment.text, &new.text)));
}

/// Asks for each clash. Quitting, or a question that cannot be answered any more, leaves everything as it is.
fn part_by_part(base: &Content, ours: &Content, theirs: &Content, ctx: &Context) -> Result<Outcome, CommandError> {
    let mut stopped: Option<CommandError> = None;
    let mut left = false;
    let mut number = 0;
    let merged = portion::merge_choosing(base.side(), ours.side(), theirs.side(), &mut |clash| {
        number += 1;
        if left || stopped.is_some() {
            return Choice::Ours;
        }
        match choice(number, clash, ctx) {
            Ok(Some(choice)) => choice,
            Ok(None) => {
                left = true;
                Choice::Ours
            }
            Err(error) => {
                stopped = Some(error);
                Choice::Ours
            }
        }
    });
    if let Some(error) = stopped {
        return Err(error);
    }
    if left {
        return Ok(Outcome::Back);
    }
    match merged {
        Ok(fragment) => {
            show(ours, &fragment, ctx);
            let choices = ["take this".to_owned(), "edit it".to_owned()];
            Ok(match ask::choose("And now?", &choices)? {
                Some(0) => Outcome::Done(fragment),
                Some(_) => edit(ours, &fragment, theirs, ctx)?,
                None => Outcome::Back,
            })
        }
        Err(LensError::Refused(why)) => {
            ctx.warn(format_args!("that cannot be written: {why}"));
            Ok(Outcome::Back)
        }
        Err(error) => Err(CommandError::lens(&ours.name, error)),
    }
}

/// What the person wants at one place; `None` to go back.
fn choice(number: usize, clash: &Clash, ctx: &Context) -> Result<Option<Choice>, CommandError> {
    ctx.say(shown(number, clash));
    let mut choices = vec![("ours".to_owned(), Choice::Ours), ("theirs".to_owned(), Choice::Theirs)];
    choices.push(("what stood there before".to_owned(), Choice::Base));
    if clash.allows(Choice::Both) {
        choices.push(("both, ours first".to_owned(), Choice::Both));
    }
    let words: Vec<String> = choices.iter().map(|(words, _)| words.clone()).collect();
    Ok(ask::choose("Which?", &words)?.map(|chosen| choices[chosen].1))
}

/// A clash, with its three contents in colours.
fn shown(number: usize, clash: &Clash) -> String {
    let colour = |c: AnsiColor| Style::new().fg_color(Some(c.into()));
    let bold = Style::new().bold();
    let mut out = format!("\n{bold}{number}. {clash}{bold:#}\n");
    for (name, value, style) in [
        ("before", &clash.base, colour(AnsiColor::BrightBlack)),
        ("ours", &clash.ours, colour(AnsiColor::Green)),
        ("theirs", &clash.theirs, colour(AnsiColor::Cyan)),
    ] {
        let text = match value {
            None => "(nothing)".to_owned(),
            Some(Value::String(text)) if clash.lines.is_some() => text.clone(),
            Some(value) => get::render(value).unwrap_or_else(|_| value.kind().to_owned()),
        };
        for (at, line) in text.lines().take(MOST_LINES).enumerate() {
            let name = if at == 0 { name } else { "" };
            // Writing to a string cannot fail.
            let _ = writeln!(out, "  {name:7} {style}{line}{style:#}");
        }
        if text.lines().count() > MOST_LINES {
            let _ = writeln!(out, "          … {} lines more", text.lines().count() - MOST_LINES);
        }
    }
    out
}

/// So many lines of one content are shown.
const MOST_LINES: usize = 12;

/// Lets the person edit `start`, until it parses or they give up.
fn edit(ours: &Content, start: &Fragment, theirs: &Content, ctx: &Context) -> Result<Outcome, CommandError> {
    let folder = tempfile::tempdir()?;
    let ending = ours.fragment.format.extension();
    let path = folder.path().join(format!("then.{ending}"));
    let beside = folder.path().join(format!("theirs.{ending}"));
    let mut file = std::fs::File::create(&path)?;
    file.write_all(&start.text)?;
    if let Ok(theirs) = as_ours(ours, theirs) {
        std::fs::write(&beside, &theirs.text)?;
        ctx.say(format_args!("theirs is in {}", beside.display()));
    }
    loop {
        let (program, arguments) = editor()?;
        let status = Command::new(&program).args(&arguments).arg(&path).status().map_err(|error| {
            CommandError::failed(format!("the editor `{}` cannot be started", program.display()))
                .because(error)
                .hint("set VISUAL or EDITOR to one that is installed")
        })?;
        if !status.success() {
            ctx.warn("the editor ended with an error: nothing was taken");
            return Ok(Outcome::Back);
        }
        match checked(ours, std::fs::read(&path)?) {
            Ok(fragment) => return Ok(Outcome::Done(fragment)),
            Err(error) => {
                ctx.warn(format_args!("that cannot be taken: {error}"));
                if ask::choose("And now?", &["edit it again".to_owned()])?.is_none() {
                    return Ok(Outcome::Back);
                }
            }
        }
    }
}

/// A text that a person wrote in the words of `ours`: it must parse and have a meaning.
pub(crate) fn checked(ours: &Content, text: Vec<u8>) -> Result<Fragment, LensError> {
    let format = ours.fragment.format;
    let fragment = Fragment { format, text: format.tidy(&text)?.into_owned() };
    ours.mapping.value(&fragment)?;
    Ok(fragment)
}

fn editor() -> Result<(OsString, Vec<String>), CommandError> {
    let set = ["VISUAL", "EDITOR"].into_iter().filter_map(std::env::var_os).find(|value| !value.is_empty());
    let Some(set) = set else { return Ok(("vi".into(), Vec::new())) };
    let Some(text) = set.to_str() else { return Ok((set, Vec::new())) };
    let mut words = text.split_whitespace().map(str::to_owned);
    let program = words.next().ok_or_else(|| CommandError::failed("EDITOR names no program"))?;
    Ok((program.into(), words.collect()))
}
