//! The parser, and the way from an argument list to an exit code.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgAction, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::command;
use crate::context::{Context, Verbosity};
use crate::error::CommandError;

/// Keeps selected portions of files in sync, through backup and restore.
///
/// A portion is addressed as [AGENT:]PATH#SELECTOR, for example ~/.claude.json#/mcpServers. Without AGENT it is on this machine.
/// Quote an address where its selector has characters that a shell eats: 'notes.md#/Guide/First steps'. A # in a path is written \#, as in
/// 'a\#b.json#/x'; a name that begins as an agent's does is written ./co:lon.json. The scheme alone is the whole document: a.json#json:
///
/// Exit codes: 0 done; 1 failed, or the edit was refused; 2 wrong usage; 3 the portion or its file is missing, or it is ambiguous, or it
/// cannot be read (it does not parse, is nested too deeply, is too large); 4 not in sync.
#[derive(Debug, Parser)]
#[command(name = "inlay", version, max_term_width = 100, arg_required_else_help = true, propagate_version = false)]
pub struct Cli {
    /// Where this machine's agent (and manager) keep their state; by default in the XDG data directory
    #[arg(long, global = true, value_name = "DIR", env = "INLAY_HOME", hide_env_values = true, help_heading = GLOBAL)]
    pub home: Option<PathBuf>,

    /// Print JSON instead of text, wherever something is listed
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub json: bool,

    /// Answer yes where inlay would ask
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub yes: bool,

    /// Say more; twice for everything
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet", help_heading = GLOBAL)]
    pub verbose: u8,

    /// Say only what was asked for, and errors
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub quiet: bool,

    /// Colours: by the terminal, always, or never
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN", help_heading = GLOBAL)]
    pub color: Color,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const GLOBAL: &str = "Global options";

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// When the output is a terminal that has colours.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands, in the order in which the help lists them. One line here, one arm in `dispatch`, one file in `command/`.
#[derive(Debug, Subcommand)]
#[allow(missing_docs, reason = "each command's `Args` says what it does, and the help shows that")]
pub enum Command {
    Get(command::get::Args),
    Put(command::put::Args),
    List(command::list::Args),
    Copy(command::copy::Args),
    Diff(command::diff::Args),
    Demo(command::demo::Args),
    Up(command::up::Args),
    Link(command::link::Args),
    Add(command::add::Args),
    Accept(command::accept::Args),
    Unlink(command::unlink::Args),
    Pause(command::pause::Args),
    Resume(command::pause::ResumeArgs),
    Status(command::status::Args),
    Log(command::log::Args),
    Show(command::show::Args),
    Restore(command::restore::Args),
    Undo(command::undo::Args),
    Resolve(command::resolve::Args),
    Agents(command::agents::Args),
    Jobs(command::jobs::Args),
    Invite(command::invite::Args),
    Join(command::join::Args),
    Agent(command::agent::Args),
    Manager(command::manager::Args),
    Repo(command::repo::Args),
    Restic(command::restic::Args),
    Completions(command::completions::Args),
    Man(command::completions::ManArgs),
}

fn dispatch(cli: &Cli, ctx: &Context) -> Result<(), CommandError> {
    match &cli.command {
        Command::Get(args) => command::get::run(args, ctx),
        Command::Put(args) => command::put::run(args, ctx),
        Command::List(args) => command::list::run(args, ctx),
        Command::Copy(args) => command::copy::run(args, ctx),
        Command::Diff(args) => command::diff::run(args, ctx),
        Command::Demo(args) => command::demo::run(args, ctx),
        Command::Up(args) => command::up::run(args, ctx),
        Command::Link(args) => command::link::run(args, ctx),
        Command::Add(args) => command::add::run(args, ctx),
        Command::Accept(args) => command::accept::run(args, ctx),
        Command::Unlink(args) => command::unlink::run(args, ctx),
        Command::Pause(args) => command::pause::run(args, ctx),
        Command::Resume(args) => command::pause::resume(args, ctx),
        Command::Status(args) => command::status::run(args, ctx),
        Command::Log(args) => command::log::run(args, ctx),
        Command::Show(args) => command::show::run(args, ctx),
        Command::Restore(args) => command::restore::run(args, ctx),
        Command::Undo(args) => command::undo::run(args, ctx),
        Command::Resolve(args) => command::resolve::run(args, ctx),
        Command::Agents(args) => command::agents::run(args, ctx),
        Command::Jobs(args) => command::jobs::run(args, ctx),
        Command::Invite(args) => command::invite::run(args, ctx),
        Command::Join(args) => command::join::run(args, ctx),
        Command::Agent(args) => command::agent::run(args, ctx),
        Command::Manager(args) => command::manager::run(args, ctx),
        Command::Repo(args) => command::repo::run(args, ctx),
        Command::Restic(args) => command::restic::run(args, ctx),
        Command::Completions(args) => command::completions::run(args, ctx),
        Command::Man(args) => command::completions::man(args, ctx),
    }
}

/// The parser, for the completions, the man pages and the reference that are made from it.
pub fn command_line() -> clap::Command {
    Cli::command()
}

/// The whole program: parses `args` (the program's name first), does what they say, prints errors, and gives the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Prints help and version to standard output, errors to standard error; a closed pipe is no concern of ours.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match cli.color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    }
    .write_global();
    let verbosity = match (cli.quiet, cli.verbose) {
        (true, _) => Verbosity::Quiet,
        (_, 0) => Verbosity::Normal,
        (_, 1) => Verbosity::Verbose,
        _ => Verbosity::Debug,
    };
    let done = Context::new(cli.home.clone(), cli.json, cli.yes, verbosity).and_then(|ctx| dispatch(&cli, &ctx));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}
