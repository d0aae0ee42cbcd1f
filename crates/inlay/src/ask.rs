//! Questions to the person, progress, tables, durations.

use std::io::{self, BufRead, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::context::{Context, Verbosity};
use crate::error::CommandError;

/// Whether there is a person to ask.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question that is answered with yes or no; `--yes` answers it. Without a person: exit code 2, and `instead` says what to
/// write on the command line.
pub(crate) fn confirm(ctx: &Context, question: &str, instead: &str) -> Result<bool, CommandError> {
    if ctx.yes {
        return Ok(true);
    }
    if !is_interactive() {
        return Err(CommandError::usage(format!("there is nobody to ask: {question}")).hint(instead));
    }
    loop {
        let answer = line(&format!("{question} [y/n] "), "--yes answers yes")?;
        match answer.to_ascii_lowercase().as_str() {
            "y" | "yes" => return Ok(true),
            "n" | "no" => return Ok(false),
            _ => {}
        }
    }
}

/// Asks for one of several, by number from 1; `None` for none of them.
pub(crate) fn choose(question: &str, choices: &[String]) -> Result<Option<usize>, CommandError> {
    let mut err = anstream::stderr();
    for (at, choice) in choices.iter().enumerate() {
        writeln!(err, "  {}  {choice}", at + 1)?;
    }
    loop {
        let answer = line(&format!("{question} [1-{}, or n for none] ", choices.len()), "nothing was done")?;
        match answer.parse::<usize>() {
            Ok(number) if (1..=choices.len()).contains(&number) => return Ok(Some(number - 1)),
            _ if answer.eq_ignore_ascii_case("n") => return Ok(None),
            _ => {}
        }
    }
}

fn line(question: &str, hint: &str) -> Result<String, CommandError> {
    let mut err = anstream::stderr();
    write!(err, "{question}")?;
    err.flush()?;
    let mut answer = String::new();
    if io::stdin().lock().read_line(&mut answer)? == 0 {
        return Err(CommandError::usage("there was no answer").hint(hint));
    }
    Ok(answer.trim().to_owned())
}

/// A line that shows that something goes on, if it takes long enough to wonder; gone when dropped.
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    pub(crate) fn start(ctx: &Context, text: impl Into<String>) -> Progress {
        if ctx.verbosity == Verbosity::Quiet || ctx.json || !io::stderr().is_terminal() {
            return Progress(None);
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed:.dim}") {
            bar.set_style(style);
        }
        bar.set_message(text.into());
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress(Some(bar))
    }

    pub(crate) fn say(&self, text: impl Into<String>) {
        if let Some(bar) = &self.0 {
            bar.set_message(text.into());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Rows under a heading, in columns.
pub(crate) fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let width = |text: &str| anstream::adapter::strip_str(text).to_string().chars().count();
    let mut widths: Vec<usize> = heading.iter().map(|h| h.len()).collect();
    for row in rows {
        for (at, cell) in row.iter().enumerate() {
            widths[at] = widths[at].max(width(cell));
        }
    }
    let dim = anstyle::Style::new().dimmed();
    let titles = heading.iter().map(|h| format!("{dim}{h}{dim:#}")).collect();
    let mut out = String::new();
    for row in [titles].iter().chain(rows) {
        let mut text = String::new();
        for (at, cell) in row.iter().enumerate() {
            text.push_str(cell);
            if at + 1 < row.len() {
                text.extend(std::iter::repeat_n(' ', widths[at] - width(cell) + 2));
            }
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
    out
}

/// Reads `90`, `90s`, `15m`, `1h`, `7d`: seconds where there is no unit.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, unit)) if unit.is_ascii_alphabetic() => (&text[..at], unit),
        _ => (text, 's'),
    };
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(format!("`{unit}` is no unit: s, m, h or d")),
    };
    let number: u64 = number.parse().map_err(|_| "write a time as in 90s, 15m, 1h or 7d".to_owned())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(|| "too long".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, seconds) in [
            ("90", Some(90)),
            ("5s", Some(5)),
            ("15m", Some(900)),
            ("1h", Some(3600)),
            ("7d", Some(604_800)),
            ("", None),
            ("h", None),
            ("1y", None),
            ("-1s", None),
            ("99999999999999999d", None),
        ] {
            assert_eq!(duration(text).ok().map(|d| d.as_secs()), seconds, "{text}");
        }
    }

    #[test]
    fn columns_line_up() {
        let rows = [vec!["a".to_owned(), "b".to_owned()], vec!["läng".to_owned(), String::new()]];
        assert_eq!(anstream::adapter::strip_str(&table(&["X", "Y"], &rows)).to_string(), "X     Y\na     b\nläng\n");
    }
}
