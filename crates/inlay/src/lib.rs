//! The command line of inlay: the only crate that prints to a terminal or reads environment variables.
//!
//! - `cli.rs` is the parser: global options, and one line for each command.
//! - `context.rs` is what every command is given: where things are, and how to talk to the person.
//! - `command/` has one file for each command, each with its `Args` and one function `run`.
//! - `error.rs` is the edge at which errors become a message, a hint and an exit code.
//! - `place.rs` opens an [`portion::Address`] on this machine; `write.rs` replaces a file's bytes.
//!
//! # Adding a command
//! Write `command/NAME.rs` with `#[derive(clap::Args)] pub struct Args` and
//! `pub fn run(args: &Args, ctx: &Context) -> Result<(), CommandError>`; add the module to `command.rs`, and a variant and
//! an arm to `cli.rs`. Commands that need no service start no runtime and set up no logging: `inlay get` opens in under 5 ms.

mod ask;
mod change;
mod clashes;
mod cli;
mod command;
mod context;
mod demo;
mod difference;
mod enrolment;
mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod history;
mod home;
mod invitation;
mod mappings;
mod members;
mod os;
mod place;
mod portions;
mod proxy;
mod reconcile;
mod service;
mod serving;
mod text;
mod write;
mod zone;

pub use cli::{Cli, Color, Command, command_line, run};
pub use context::{Context, Verbosity};
pub use error::{CommandError, Exit};
