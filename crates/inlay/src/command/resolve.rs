//! `inlay resolve NAME --take ADDRESS|VERSION`.

use portion::Address;
use wire::v1;

use crate::command::link;
use crate::context::Context;
use crate::error::CommandError;
use crate::members::{self, Listed};
use crate::service::{self, Service};
use crate::zone::Zone;

/// End a conflict: choose whose content is the next version
///
/// The others' contents stay versions, and can be restored. It is done only if the group still is as you see it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  inlay resolve mcp --take ~/.claude.json\n  inlay resolve mcp --take laptop:~/.codex/config.toml\n  inlay resolve mcp --take 7"
)]
pub struct Args {
    /// The group
    pub name: String,
    /// The member whose content is taken, or a version: head, NO, ID
    #[arg(long, value_name = "ADDRESS|VERSION", allow_hyphen_values = true)]
    pub take: String,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let name = &args.name;
    service::block_on(async {
        let mut service = Service::open(ctx).await?;
        let group = service.group(name).await?;
        if group.open_branches.is_empty() {
            return Err(CommandError::failed(format!("`{name}` is in no conflict"))
                .hint(format!("`inlay restore {name}@V` makes an old version the next one")));
        }
        let log = service.client.log(v1::LogRequest { name: name.clone(), limit: 0 }).await?.into_inner();
        let taken = taken(&group, &log, args, &service, ctx)?;
        let zone = Zone::need(&service.home, "sign a version").await?;
        zone.read(&taken.record).await?;
        let request = v1::ResolveRequest {
            name: name.clone(),
            kind: "resolve".to_owned(),
            head: group.head.clone(),
            branches: group.open_branches.clone(),
            record: Some(wire::record(&zone.again(&taken.record)?)),
        };
        service.client.resolve(request).await?;
        ctx.say(format_args!(
            "The content of version {} is the next one; the others stay versions.",
            taken.entry.number
        ));
        link::settle(&mut service, name, ctx).await
    })
}

/// The version that `--take` means: a version, or the one on which a member stands.
fn taken<'a>(
    group: &v1::GroupStatus,
    log: &'a v1::LogReply,
    args: &Args,
    service: &Service,
    ctx: &Context,
) -> Result<Listed<'a>, CommandError> {
    let as_version = members::version(log, &args.take, &args.name);
    if let Ok(listed) = as_version {
        return Ok(listed);
    }
    let address: Address = args.take.parse()?;
    let member = match members::find(group, &address, service, ctx) {
        Ok(member) => member,
        // It looks like a version: that it is none says more.
        Err(error) => {
            return Err(if args.take.contains(['/', '#', ':']) { error } else { as_version.err().unwrap_or(error) });
        }
    };
    if member.version.is_empty() {
        return Err(CommandError::failed(format!("`{address}` holds no version yet")));
    }
    members::version(log, &hex::encode(&member.version), &args.name)
}
