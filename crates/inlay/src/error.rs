//! The edge at which errors become what a person reads: what, where, why, and what to do next; and an exit code.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use portion::{Address, AddressError, LensError, Scheme, Selector};

/// Exit codes other than 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 1: it failed; or the edit was refused, since what was to be put is none, or the file or the format cannot take it.
    Failed = 1,
    /// 2: the command was used wrongly; nothing was tried.
    Usage = 2,
    /// 3: the portion or its file is missing, or it is ambiguous, or it cannot be read: it does not parse, is nested too deeply, is
    /// too large, or means nothing.
    Portion = 3,
    /// 4: what was compared is not in sync.
    NotInSync = 4,
}

/// Why a command did not succeed. Commands make one from the errors below them; only [`crate::run`] prints it.
#[derive(Debug)]
pub struct CommandError {
    exit: Exit,
    /// What, and where. `None`: the command has printed already all that is to be said.
    message: Option<String>,
    /// Why: printed with its own sources.
    cause: Option<Box<dyn Error + Send + Sync>>,
    /// Whether the message is the cause's own text, so that only its sources are left to say.
    told: bool,
    /// What to do next.
    hints: Vec<String>,
}

impl CommandError {
    /// An error with exit code `exit`. `message` says what and where, without a full stop.
    pub fn new(exit: Exit, message: impl Display) -> Self {
        CommandError { exit, message: Some(message.to_string()), cause: None, told: false, hints: Vec::new() }
    }

    /// Exit code 1.
    pub fn failed(message: impl Display) -> Self {
        CommandError::new(Exit::Failed, message)
    }

    /// Exit code 2.
    pub fn usage(message: impl Display) -> Self {
        CommandError::new(Exit::Usage, message)
    }

    /// Exit code 4, and nothing to say: the differences have been printed.
    pub fn not_in_sync() -> Self {
        CommandError { exit: Exit::NotInSync, message: None, cause: None, told: false, hints: Vec::new() }
    }

    /// An error whose own text says what and where; its sources say why.
    pub fn of(exit: Exit, error: impl Error + Send + Sync + 'static) -> Self {
        let mut made = CommandError::new(exit, &error).because(error);
        made.told = true;
        made
    }

    /// What is wrong and why, in a line.
    pub(crate) fn why(&self) -> String {
        let mut why = self.message.clone().unwrap_or_default();
        let mut next: Option<&dyn Error> = self.cause.as_ref().map(|cause| &**cause as &dyn Error);
        while let Some(cause) = next {
            let more = cause.to_string();
            if !why.ends_with(&more) {
                why.push_str(": ");
                why.push_str(&more);
            }
            next = cause.source();
        }
        why
    }

    /// Adds why.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds what to do next. Several are printed in order.
    #[must_use]
    pub fn hint(mut self, hint: impl Display) -> Self {
        self.hints.push(hint.to_string());
        self
    }

    /// A file that could not be read, written, …: `doing` is the verb.
    pub fn file(doing: &str, path: &Path, error: io::Error) -> Self {
        let shown = path.display();
        let made = CommandError::failed(format!("cannot {doing} {shown}"));
        let made = match error.kind() {
            io::ErrorKind::PermissionDenied => made.hint(denied(path, |path| path.metadata().is_ok())),
            io::ErrorKind::StorageFull => made.hint("nothing was changed; free some space and try again"),
            _ => made,
        };
        made.because(error)
    }

    /// Adds that nothing was changed, to what stopped a command that changes files.
    #[must_use]
    pub fn unchanged(self) -> Self {
        if self.exit == Exit::Usage { self } else { self.hint("nothing was changed") }
    }

    /// What a lens said when it was to read the portion in `path`: what it refuses is what the file is.
    pub fn unreadable(path: &str, error: LensError) -> Self {
        CommandError::lens(path, error).when_read()
    }

    /// The same, of an address of this scheme. `is_told`: the file tells it, so that it need not be written.
    pub fn unreadable_of(scheme: Scheme, is_told: bool, path: &str, error: LensError) -> Self {
        CommandError::lens_of(scheme, is_told, path, error).when_read()
    }

    /// What a lens said of what was to be put, which was read `from` a file or standard input: exit code 1, as whenever an edit is refused.
    pub fn input(from: &str, error: LensError) -> Self {
        CommandError { exit: Exit::Failed, ..CommandError::lens(from, error) }
    }

    /// An error of a lens that was only to read: exit code 3, if the selector has a meaning.
    fn when_read(self) -> Self {
        let exit = if self.exit == Exit::Usage { Exit::Usage } else { Exit::Portion };
        CommandError { exit, ..self }
    }

    /// What a lens said of the portion in `path` (as the user wrote it).
    pub fn lens(path: &str, error: LensError) -> Self {
        let list = format!("`inlay list {}` shows every portion of the file", quoted_path(path));
        CommandError::said(path, error, "make it longer, or make the keys differ", Some(list))
    }

    /// The same, of an address of this scheme, whose grammar tells what to do about several that match. Selectors are told as they are
    /// typed: `is_told` says that the file tells the scheme.
    pub fn lens_of(scheme: Scheme, is_told: bool, path: &str, error: LensError) -> Self {
        let typed = |selector: String| match selector.is_empty() {
            true => selector,
            false => typed(scheme, &selector, is_told),
        };
        let (apart, error) = match error {
            LensError::Ambiguous { selector, lines } => {
                (scheme.apart(&selector), LensError::Ambiguous { selector: typed(selector), lines })
            }
            LensError::Missing { selector, nearest } => {
                let nearest = nearest.into_iter().map(typed).collect();
                ("", LensError::Missing { selector: typed(selector), nearest })
            }
            other => ("", other),
        };
        let list = match Scheme::detect(path, b"") {
            Some(_) => quoted_path(path),
            None if is_told => quoted_path(path),
            None => quoted_address(path, &format!("{scheme}:")),
        };
        let list = format!("`inlay list {list}` shows every portion of the file");
        // What a regular expression means has no name that could be listed.
        let is_listed = scheme != Scheme::Re || Scheme::detect(path, b"").is_some();
        CommandError::said(path, error, apart, is_listed.then_some(list))
    }

    fn said(path: &str, error: LensError, apart: &str, list: Option<String>) -> Self {
        let listed = |made: CommandError| list.into_iter().fold(made, CommandError::hint);
        match error {
            LensError::Missing { selector, .. } if selector.is_empty() => {
                CommandError::new(Exit::Portion, format!("nothing stands in {path}"))
            }
            LensError::Missing { selector, nearest } => {
                let made = CommandError::new(Exit::Portion, format!("nothing stands at `{selector}` in {path}"));
                if let Some(unknown) = Selector::unknown_stage(&selector) {
                    return listed(made.hint(unknown));
                }
                if nearest.is_empty() {
                    return listed(made);
                }
                let nearest: Vec<String> = nearest.iter().map(|n| format!("`{n}`")).collect();
                listed(made.hint(format!("did you mean {}?", nearest.join(" or "))))
            }
            LensError::Ambiguous { selector, lines } => {
                let (count, places) = (lines.len(), portion::on_lines(&lines));
                let message = format!("`{selector}` matches {count} portions of {path}, {places}");
                CommandError::new(Exit::Portion, message)
                    .hint(format!("a selector must match exactly one portion: {apart}"))
            }
            LensError::Unparsable { at, found } => {
                CommandError::new(Exit::Portion, format!("{path}:{}:{}: {found}", at.line, at.column))
                    .hint("put that right first")
            }
            LensError::Selector { ref selector, .. } => {
                let unknown = Selector::unknown_stage(selector);
                let made = CommandError::usage(error);
                listed(unknown.into_iter().fold(made, CommandError::hint))
            }
            LensError::TooLarge(why) => CommandError::new(Exit::Portion, format!("{path}: {why}")),
            error @ (LensError::CannotSay { .. } | LensError::Refused(_)) => {
                CommandError::failed(format!("{path}: {error}"))
            }
        }
    }

    /// The exit code that this will give.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Prints it to standard error.
    pub(crate) fn report(self) -> ExitCode {
        if self.is_closed_pipe() {
            // Whoever read our output (`| head`) has seen enough.
            return ExitCode::SUCCESS;
        }
        let mut err = anstream::stderr().lock();
        // If standard error is gone there is nobody left to tell.
        let _ = self.write(&mut err);
        ExitCode::from(self.exit as u8)
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let Some(message) = &self.message else { return Ok(()) };
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        let dim = Style::new().bold().fg_color(Some(AnsiColor::Cyan.into()));
        writeln!(out, "{red}error:{red:#} {message}")?;
        let mut cause: Option<&dyn Error> = self.cause.as_deref().map(|c| c as &dyn Error);
        if self.told {
            cause = cause.and_then(Error::source);
        }
        while let Some(error) = cause {
            writeln!(out, "  because: {error}")?;
            cause = error.source();
        }
        for hint in &self.hints {
            writeln!(out, "{dim}hint:{dim:#} {hint}")?;
        }
        Ok(())
    }

    fn is_closed_pipe(&self) -> bool {
        self.cause
            .as_deref()
            .and_then(|c| c.downcast_ref::<io::Error>())
            .is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl From<AddressError> for CommandError {
    fn from(error: AddressError) -> Self {
        let made = CommandError::usage(&error)
            .hint("an address is [AGENT:]PATH#SELECTOR, for example ~/.claude.json#/mcpServers");
        match error {
            AddressError::NoPath(_) => made,
            AddressError::Selector { source, .. } => made.because(source),
        }
    }
}

/// What to do about a file that may not be read: who may is told by the file, or by the folder on the way to it that may not be entered.
/// `is_seen`: whether the system tells anything of a path.
fn denied(path: &Path, is_seen: impl Fn(&Path) -> bool) -> String {
    let shown = |path: &Path| quoted(&path.display().to_string());
    match path.ancestors().find(|path| is_seen(path)) {
        Some(folder) if folder != path => {
            let folder = shown(folder);
            format!(
                "the folder {folder} may not be entered: `ls -ld {folder}` shows who may; its owner gives the right (x)"
            )
        }
        _ => format!("`ls -l {}` shows who may", shown(path)),
    }
}

/// Printing failed.
impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        CommandError::failed("cannot print").because(error)
    }
}

/// A file's path as an argument of our own commands: what an address would take for another thing is escaped, and what a shell would, quoted.
pub(crate) fn quoted_path(path: &str) -> String {
    quoted(&written_path(path))
}

/// The same of a portion of a file.
pub(crate) fn quoted_address(path: &str, selector: &str) -> String {
    quoted(&format!("{}#{selector}", written_path(path)))
}

fn written_path(path: &str) -> String {
    let path = if path.starts_with('-') { format!("./{path}") } else { path.to_owned() };
    Address { agent: None, path, selector: None }.to_string()
}

/// A selector as it is typed: with its scheme, unless the file tells that, and nothing else could be meant.
pub(crate) fn typed(scheme: Scheme, expression: &str, is_told: bool) -> String {
    let own = |selector: Selector| selector.scheme.is_none() && selector.expression == expression;
    if is_told && expression.parse().is_ok_and(own) { expression.to_owned() } else { format!("{scheme}:{expression}") }
}

/// In single quotes where a shell would change it. (`~` at the start stays outside of them.)
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+:,@%=".contains(c);
    let (home, rest) = match word.strip_prefix("~/") {
        Some(rest) => ("~/", rest),
        None => ("", word),
    };
    let quiet = |c: char| plain(c) || c == '#';
    if !rest.is_empty() && rest.chars().all(quiet) && !rest.starts_with('#') {
        return word.to_owned();
    }
    format!("{home}'{}'", rest.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_not_read_is_told_where_it_ends() {
        let seen =
            |ends: &'static str| denied(Path::new("/a b/c/d.json"), move |path| Path::new(ends).starts_with(path));
        assert_eq!(seen("/a b/c/d.json"), "`ls -l '/a b/c/d.json'` shows who may");
        assert!(seen("/a b/c").starts_with("the folder '/a b/c' may not be entered: `ls -ld '/a b/c'` shows who may"));
        assert!(seen("/a b").starts_with("the folder '/a b' may not be entered"));
        assert!(seen("/").starts_with("the folder / may not be entered"));
    }
}
