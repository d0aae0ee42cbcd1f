//! `inlay agent run`.

use clap::Subcommand;

use crate::context::Context;
use crate::error::CommandError;
use crate::home::Home;
use crate::serving;

/// This machine's agent.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub command: AgentCommand,
}

/// What can be done with the agent.
#[derive(Debug, Subcommand)]
#[allow(missing_docs, reason = "each command's `Args` says what it does, and the help shows that")]
pub enum AgentCommand {
    Run(RunArgs),
}

/// Run this machine's agent in the foreground, until SIGTERM or Ctrl-C
///
/// It watches the files of its groups, backs up what changed, and restores what others changed. `inlay join` enrols it first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  inlay agent run")]
pub struct RunArgs {}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let AgentCommand::Run(_) = &args.command;
    serving::run(ctx, serve(ctx))
}

/// Runs the agent until it is asked to end.
pub(crate) async fn serve(ctx: &Context) -> Result<(), CommandError> {
    let (agent, identity) = serving::start_agent(&Home::new(ctx), ctx).await?;
    let manager = identity.addresses.join(", ");
    let ready = |connected| {
        let state = if connected { "connected to" } else { "not yet connected to" };
        ctx.print(format_args!("inlay agent {} ready, {state} the manager at {manager}", identity.name))
    };
    serving::run_agent(agent, ready).await
}
