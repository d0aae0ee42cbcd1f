//! `inlay unlink NAME [ADDRESS]`.

use portion::Address;
use wire::v1;

use crate::ask;
use crate::context::Context;
use crate::error::CommandError;
use crate::members;
use crate::place::argument;
use crate::service::{self, Service};

/// Take a member out of a group, or end the whole group. Files and versions stay as they are
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  inlay unlink mcp laptop:~/.claude.json\n  inlay unlink mcp --yes")]
pub struct Args {
    /// The group
    pub name: String,
    /// The member; the whole group if it is left out
    #[arg(value_parser = argument)]
    pub address: Option<Address>,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let name = &args.name;
    service::block_on(async {
        let mut service = Service::open(ctx).await?;
        let group = service.group(name).await?;
        let member = match &args.address {
            Some(address) => Some(members::name_of(members::find(&group, address, &service, ctx)?)),
            None => None,
        };
        if member.is_none() {
            let question = format!("End the group `{name}` with its {} members?", group.members.len());
            let instead = format!("--yes ends it; `inlay unlink {name} ADDRESS` takes one member out");
            if !ask::confirm(ctx, &question, &instead)? {
                return Err(CommandError::failed("nothing was changed"));
            }
        }
        let whole = member.is_none();
        service.client.unlink(v1::UnlinkRequest { name: name.clone(), member }).await?;
        ctx.say(if whole {
            format!("The group `{name}` has ended. Its copies stay in the repository: `inlay restic -- snapshots`.")
        } else {
            format!("Next: `inlay status {name}`.")
        });
        Ok(())
    })
}
