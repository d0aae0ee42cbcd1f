//! `inlay restic -- ARGS`.

use std::ffi::OsString;
use std::process::{Command, ExitStatus};

use crate::command::repo;
use crate::context::Context;
use crate::error::CommandError;
use crate::home::Home;
use crate::proxy::Proxy;
use crate::{service, serving};

/// Run the restic program on this home's repository, through whatever transport it has
///
/// Where the repository is on the manager's machine, restic speaks to a loopback proxy with a one-time password, and the proxy shows
/// this machine's certificate. While agents write they hold a lock: --no-lock for what only reads. Never use `restic prune` or `restic forget` while agents run: inlay has its own pruning.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  inlay restic -- snapshots\n  inlay restic -- ls latest\n  inlay restic -- check --no-lock"
)]
pub struct Args {
    /// What restic is given
    #[arg(last = true, value_name = "ARGS")]
    pub args: Vec<OsString>,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let home = Home::new(ctx);
    let repository = repo::own(&home)?;
    let password = home.password_file(&repository.id);
    let mut command = Command::new("restic");
    command.args(&args.args).env("RESTIC_PASSWORD_FILE", &password).env_remove("RESTIC_PASSWORD");
    let status = match repository.url.strip_prefix("rest:/") {
        None => command.env("RESTIC_REPOSITORY", &repository.url).status(),
        Some(path) => {
            service::install_crypto();
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
            let runtime = runtime.map_err(|e| CommandError::failed("cannot start a runtime").because(e))?;
            let proxy = runtime.block_on(Proxy::start(&home))?;
            command.env("RESTIC_REPOSITORY", format!("rest:{}{path}", proxy.url()));
            // Ctrl-C is restic's to answer: it removes its lock.
            runtime.spawn(serving::asked_to_end());
            command.status()
        }
    };
    ended(status)
}

fn ended(status: std::io::Result<ExitStatus>) -> Result<(), CommandError> {
    let status = status.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            CommandError::failed("there is no restic program on this machine").hint("install it: https://restic.net")
        }
        _ => CommandError::failed("cannot run restic").because(error),
    })?;
    // restic has said what was wrong.
    if status.success() { Ok(()) } else { Err(CommandError::failed(format!("restic ended with {status}"))) }
}
