//! What every command is given.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};

use crate::error::CommandError;

/// How much to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Only what was asked for, and errors.
    Quiet,
    /// Also the next step.
    Normal,
    /// Also what is done on the way.
    Verbose,
    /// Everything.
    Debug,
}

/// Where things are on this machine, and how to talk to the person.
#[derive(Debug, Clone)]
pub struct Context {
    /// Where inlay keeps its state (`--home`). It need not exist.
    pub home: PathBuf,
    /// Whether lists are to be JSON.
    pub json: bool,
    /// Whether questions are answered with yes.
    pub yes: bool,
    /// How much to say.
    pub verbosity: Verbosity,
    /// The person's home directory: what `~` means.
    pub user_home: Option<PathBuf>,
    /// The working directory: where relative paths start.
    pub folder: PathBuf,
}

impl Context {
    /// Reads the environment: `HOME`, `XDG_DATA_HOME` and the working directory.
    ///
    /// # Errors
    /// There is neither `--home` nor a home directory, or no working directory.
    pub fn new(home: Option<PathBuf>, json: bool, yes: bool, verbosity: Verbosity) -> Result<Self, CommandError> {
        let user_home = std::env::home_dir().filter(|p| p.is_absolute());
        let folder =
            std::env::current_dir().map_err(|e| CommandError::failed("the working directory is gone").because(e))?;
        let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
        let home = match (home, data, &user_home) {
            (Some(home), _, _) => folder.join(home),
            (None, Some(data), _) => data.join("inlay"),
            (None, None, Some(user)) => user.join(".local/share/inlay"),
            (None, None, None) => {
                return Err(CommandError::usage("there is no home directory to keep inlay's state in")
                    .hint("say where with --home DIR or INLAY_HOME"));
            }
        };
        Ok(Context { home, json, yes, verbosity, user_home, folder })
    }

    /// The path that `written` means: `~` is the person's home directory, relative paths start at the working directory.
    ///
    /// # Errors
    /// It begins with `~` and there is no home directory, or with `~name` (other people's homes are not looked up).
    pub fn path(&self, written: &str) -> Result<PathBuf, CommandError> {
        let Some(rest) = written.strip_prefix('~') else {
            return Ok(self.folder.join(written));
        };
        match (&self.user_home, rest.strip_prefix('/')) {
            (Some(home), Some(rest)) => Ok(home.join(rest)),
            (Some(home), None) if rest.is_empty() => Ok(home.clone()),
            (None, _) if rest.is_empty() || rest.starts_with('/') => {
                Err(CommandError::usage(format!("`{written}`: there is no home directory; write the whole path")))
            }
            _ if Path::new(&self.folder.join(written)).exists() => Ok(self.folder.join(written)),
            _ => Err(CommandError::usage(format!("`{written}`: only your own home can be written as `~`"))),
        }
    }

    /// Says the natural next step, or what was done, on standard error: not with `-q` or `--json`.
    pub fn say(&self, text: impl Display) {
        if self.verbosity > Verbosity::Quiet && !self.json {
            // If standard error is gone there is nobody left to tell.
            let _ = writeln!(anstream::stderr(), "{text}");
        }
    }

    /// Says on standard error what is to be known beside what was asked for: not with `-q`.
    pub fn warn(&self, text: impl Display) {
        if self.verbosity > Verbosity::Quiet {
            let bold = Style::new().bold().fg_color(Some(AnsiColor::Yellow.into()));
            let _ = writeln!(anstream::stderr(), "{bold}note:{bold:#} {text}");
        }
    }

    /// Says what is done on the way, on standard error, with `-v`.
    pub fn note(&self, text: impl Display) {
        if self.verbosity >= Verbosity::Verbose {
            let dim = Style::new().fg_color(Some(AnsiColor::BrightBlack.into()));
            let _ = writeln!(anstream::stderr(), "{dim}{text}{dim:#}");
        }
    }

    /// Prints one line to standard output, with colours where they are wanted.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub fn print(&self, line: impl Display) -> Result<(), CommandError> {
        self.print_text(&format!("{line}\n"))
    }

    /// Prints a JSON value to standard output.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub fn print_json(&self, value: impl Display) -> Result<(), CommandError> {
        self.print(value.to_string().replace('\u{7f}', "\\u007f"))
    }

    /// Prints whole lines to standard output, with colours where they are wanted.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub fn print_text(&self, lines: &str) -> Result<(), CommandError> {
        for (at, part) in lines.split('\u{7f}').enumerate() {
            // Where no colours are wanted, this character would be left out with them.
            if at > 0 {
                io::stdout().write_all(b"\x7f")?;
            }
            anstream::stdout().write_all(part.as_bytes())?;
        }
        Ok(())
    }

    /// Prints bytes to standard output exactly as they are.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub fn print_bytes(&self, bytes: &[u8]) -> Result<(), CommandError> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        Ok(out.flush()?)
    }
}
