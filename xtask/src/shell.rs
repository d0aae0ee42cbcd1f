//! Running other programs, and what can go wrong with that.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Why a developer command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    /// A program could not be started.
    #[error("cannot run `{program}`")]
    Start {
        /// The program's name.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program ended with an error of its own.
    #[error("`{command}` failed ({status})")]
    Failed {
        /// The program and its arguments.
        command: String,
        /// Its exit status.
        status: std::process::ExitStatus,
    },
    /// A file could not be read or written.
    #[error("cannot {what} {}", .path.display())]
    File {
        /// "read", "write", …
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Something that a command checks does not hold. The details have been printed.
    #[error("{0}")]
    Check(String),
}

impl TaskError {
    /// Wraps an input or output error on `path`.
    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> TaskError {
        let path = path.into();
        move |source| TaskError::File { what, path, source }
    }
}

/// Says what is run, runs it with this program's output and no input, and fails if it fails.
pub(crate) fn run(command: &mut Command) -> Result<(), TaskError> {
    eprintln!("\n$ {}", shown(command));
    let status = command.stdin(Stdio::null()).status().map_err(|source| not_started(command, source))?;
    if status.success() { Ok(()) } else { Err(TaskError::Failed { command: shown(command), status }) }
}

/// Runs it quietly and gives its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, TaskError> {
    let out = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| not_started(command, source))?;
    if !out.status.success() {
        return Err(TaskError::Failed { command: shown(command), status: out.status });
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Whether the program exists and answers `--version` (or `args`).
pub(crate) fn answers(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The cargo that started this, so that a chosen toolchain stays chosen.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn not_started(command: &Command, source: std::io::Error) -> TaskError {
    TaskError::Start { program: command.get_program().to_string_lossy().into_owned(), source }
}

pub(crate) fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|a| a.to_string_lossy().into_owned()));
    words.join(" ")
}
