//! `inlay repo env` and `inlay repo verify`.

mod verify;

use clap::Subcommand;
use serde_json::json;

use crate::context::Context;
use crate::error::{CommandError, quoted};
use crate::home::{Home, RepositoryFile};

/// This home's repository, an ordinary restic repository.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub command: RepoCommand,
}

/// What can be done with the repository.
#[derive(Debug, Subcommand)]
#[allow(missing_docs, reason = "each command's `Args` says what it does, and the help shows that")]
pub enum RepoCommand {
    Env(EnvArgs),
    Verify(verify::Args),
}

/// Print the variables that the restic program needs
///
/// A repository that a manager serves asks for this machine's certificate, which restic cannot show with variables alone: there
/// `inlay restic -- ARGS` is the way.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  eval \"$(inlay repo env)\" && restic snapshots")]
pub struct EnvArgs {}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    match &args.command {
        RepoCommand::Env(_) => env(ctx),
        RepoCommand::Verify(_) => verify::run(ctx),
    }
}

fn env(ctx: &Context) -> Result<(), CommandError> {
    let home = Home::new(ctx);
    let repository = own(&home)?;
    if repository.url.starts_with("rest:/") {
        return Err(CommandError::failed(
            "the repository is reached through the manager, with this machine's certificate",
        )
        .hint("`inlay restic -- ARGS` runs restic with it, for example `inlay restic -- snapshots`"));
    }
    let password = home.password_file(&repository.id).display().to_string();
    if ctx.json {
        return ctx.print_json(json!({"RESTIC_REPOSITORY": repository.url, "RESTIC_PASSWORD_FILE": password}));
    }
    ctx.print(format_args!("export RESTIC_REPOSITORY={}", quoted(&repository.url)))?;
    ctx.print(format_args!("export RESTIC_PASSWORD_FILE={}", quoted(&password)))
}

/// This home's repository, if it holds the key.
pub(crate) fn own(home: &Home) -> Result<RepositoryFile, CommandError> {
    let repository = home.repository()?.ok_or_else(|| {
        CommandError::failed(format!("{} has no repository", home.root().display()))
            .hint("`inlay up` makes one, `inlay join` gives access to one")
    })?;
    if home.password(&repository.id)?.is_none() {
        return Err(CommandError::failed("this home holds no key of its repository")
            .hint("`inlay restic` needs one: run it on a machine whose agent is enrolled"));
    }
    Ok(repository)
}
