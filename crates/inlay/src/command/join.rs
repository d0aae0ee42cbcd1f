//! `inlay join`.

use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;

use portion::Address;
use zeroize::Zeroizing;

use crate::ask::Progress;
use crate::context::Context;
use crate::enrolment;
use crate::error::CommandError;
use crate::home::Home;
use crate::invitation::Invitation;
use crate::place::argument;
use crate::{service, zone};

/// No code is so long, in bytes.
const MAX_CODE: u64 = 4 << 10;

/// Enrol this machine with a manager, with the code that `inlay invite` printed there
///
/// Asks for the code without showing it; or reads it from standard input or a file. This machine makes its own key pair, checks that
/// the manager is the one of the code, and only then sends the secret.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  inlay join\n  inlay join --name laptop --allow ~/notes\n  inlay join --code-file code.txt --allow '~/.claude.json#/mcpServers'"
)]
pub struct Args {
    /// What to call this machine: a to z, 0 to 9 and - [default: its host name]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Consent given beforehand: a folder, a file, or one address. Can be given several times
    #[arg(long, value_name = "PATH", value_parser = argument, num_args = 1..)]
    pub allow: Vec<Address>,
    /// Read the code from this file; - is standard input
    #[arg(long, value_name = "FILE")]
    pub code_file: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let home = Home::new(ctx);
    if home.has_agent() || home.has_manager() {
        let what = if home.has_agent() { "an agent" } else { "a manager" };
        return Err(CommandError::failed(format!("{} is the home of {what} already", home.root().display()))
            .hint("to enrol this machine with another manager too, use another --home"));
    }
    let code = code(args, ctx)?;
    let invitation = Invitation::parse(&code)?;
    let identity = service::block_on(async {
        let progress = Progress::start(ctx, "enrolling");
        let identity = enrolment::join(&home, &invitation, args.name.as_deref()).await?;
        progress.say("opening the repository");
        if let Err(error) = zone::Zone::open(&home).await {
            ctx.say("The machine is enrolled, but the repository cannot be opened yet; the agent goes on trying:");
            drop(progress);
            let _ = error.report();
        }
        Ok(identity)
    })?;
    for address in &args.allow {
        enrolment::allow(&home, ctx, address)?;
    }
    ctx.say(format_args!("This machine is the agent `{}` of the manager at {}.", identity.name, identity.addresses[0]));
    ctx.say(
        "Next: `inlay agent run` (or `inlay up --install`, which keeps it running), then `inlay add NAME ADDRESS`.",
    );
    Ok(())
}

fn code(args: &Args, ctx: &Context) -> Result<Zeroizing<String>, CommandError> {
    match &args.code_file {
        Some(file) if file.as_os_str() != "-" => {
            let path = ctx.folder.join(file);
            let opened = std::fs::File::open(&path).map_err(|e| CommandError::file("read", &path, e))?;
            read(opened)
        }
        None if io::stdin().is_terminal() => {
            let typed = rpassword::prompt_password("Code of the invite (it is not shown): ");
            typed.map(Zeroizing::new).map_err(|e| CommandError::failed("cannot read the code").because(e))
        }
        _ => read(io::stdin().lock()),
    }
}

fn read(from: impl Read) -> Result<Zeroizing<String>, CommandError> {
    let mut text = Zeroizing::new(String::new());
    from.take(MAX_CODE)
        .read_to_string(&mut text)
        .map_err(|e| CommandError::failed("cannot read the code").because(e))?;
    if text.trim().is_empty() {
        return Err(CommandError::usage("there is no code").hint("`inlay invite` on the manager's machine prints one"));
    }
    Ok(text)
}
