//! `inlay pause NAME [ADDRESS]`, `inlay resume NAME [ADDRESS]`.

use portion::Address;
use wire::v1;

use crate::command::status;
use crate::context::Context;
use crate::error::{CommandError, quoted};
use crate::members;
use crate::place::argument;
use crate::service::{self, Service};

/// Stop backups and restores of a group, or of one member, until `inlay resume`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  inlay pause mcp\n  inlay pause mcp laptop:~/.claude.json")]
pub struct Args {
    /// The group
    pub name: String,
    /// The member; the whole group if it is left out
    #[arg(value_parser = argument)]
    pub address: Option<Address>,
}

/// Let a group, or one member, go on
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  inlay resume mcp\n  inlay resume mcp laptop:~/.claude.json")]
pub struct ResumeArgs {
    /// The group
    pub name: String,
    /// The member; the whole group if it is left out
    #[arg(value_parser = argument)]
    pub address: Option<Address>,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    set(&args.name, args.address.as_ref(), true, ctx)?;
    let member = args.address.as_ref().map(|address| format!(" {}", quoted(&address.to_string()))).unwrap_or_default();
    ctx.say(format_args!("Edits are noticed, and wait. Next: `inlay resume {}{member}`.", args.name));
    Ok(())
}

pub(crate) fn resume(args: &ResumeArgs, ctx: &Context) -> Result<(), CommandError> {
    let name = &args.name;
    set(name, args.address.as_ref(), false, ctx)?;
    if args.address.is_none() {
        for address in still_paused(name, ctx)? {
            let command = format!("inlay resume {name} {}", quoted(&address));
            ctx.say(format_args!("{address} was paused by itself, and stays so: `{command}`."));
        }
    }
    ctx.say(format_args!("Next: `inlay status {name} --wait`."));
    Ok(())
}

/// The members of a group that goes on that were paused one by one.
fn still_paused(name: &str, ctx: &Context) -> Result<Vec<String>, CommandError> {
    service::block_on(async {
        let group = Service::open(ctx).await?.group(name).await?;
        let paused = group.members.iter().filter(|member| member.state == "paused");
        Ok(paused.map(|member| status::address(member, ctx)).collect())
    })
}

fn set(name: &str, address: Option<&Address>, paused: bool, ctx: &Context) -> Result<(), CommandError> {
    service::block_on(async {
        let mut service = Service::open(ctx).await?;
        let member = match address {
            Some(address) => {
                let group = service.group(name).await?;
                Some(members::name_of(members::find(&group, address, &service, ctx)?))
            }
            None => None,
        };
        service.client.pause(v1::PauseRequest { name: name.to_owned(), member, paused }).await?;
        Ok(())
    })
}
