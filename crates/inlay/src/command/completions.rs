//! `inlay completions SHELL`, `inlay man DIR`.

use std::path::PathBuf;

use clap_complete::Shell;

use crate::cli::command_line;
use crate::context::Context;
use crate::error::CommandError;

/// Print a shell's completions
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  inlay completions bash > ~/.local/share/bash-completion/completions/inlay\n  \
                        inlay completions zsh > ~/.zfunc/_inlay\n  \
                        inlay completions fish > ~/.config/fish/completions/inlay.fish")]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Write the man pages, one for each command
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  inlay man ~/.local/share/man/man1")]
pub struct ManArgs {
    /// The folder to write them to; it must exist
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command_line(), "inlay", &mut text);
    ctx.print_bytes(&text)
}

pub(crate) fn man(args: &ManArgs, ctx: &Context) -> Result<(), CommandError> {
    let folder = ctx.folder.join(&args.folder);
    clap_mangen::generate_to(command_line(), &folder).map_err(|e| CommandError::file("write to", &folder, e))?;
    ctx.say(format_args!("Next: `man {}/inlay.1`.", folder.display()));
    Ok(())
}
