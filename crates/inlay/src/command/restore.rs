//! `inlay restore NAME@V`.

use wire::v1;

use crate::command::{link, show};
use crate::context::Context;
use crate::error::CommandError;
use crate::members;
use crate::service::{self, Service};
use crate::zone::Zone;

/// Make an old version the next one
///
/// Nothing is lost: what is the head now stays a version. Members that are suspended (emptied, reverted, missing) give way to what is
/// restored; `inlay restore NAME@head` only does that.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  inlay restore mcp@3\n  inlay restore mcp@-1\n  inlay restore mcp@head   # into members that are suspended"
)]
pub struct Args {
    /// The group and the version: NAME@NO, NAME@-1 (one before the head), NAME@ID, NAME@head
    #[arg(value_name = "NAME@V")]
    pub version: String,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let Some((name, _)) = args.version.split_once('@') else {
        return Err(CommandError::usage(format!("`{}` names no version", args.version)).hint(format!(
            "`inlay log {0}` lists them; `inlay restore {0}@-1` takes the one before the head",
            args.version
        )));
    };
    let (_, version) = show::split(&args.version);
    service::block_on(async {
        let mut service = Service::open(ctx).await?;
        let log = service.client.log(v1::LogRequest { name: name.to_owned(), limit: 0 }).await?.into_inner();
        let listed = members::version(&log, version, name)?;
        if listed.record.version.0.as_slice() != log.head {
            let zone = Zone::need(&service.home, "sign a version").await?;
            // What is to be restored must be there, whole and authentic.
            zone.read(&listed.record).await?;
            let request = v1::ResolveRequest {
                name: name.to_owned(),
                kind: "restore".to_owned(),
                head: log.head.clone(),
                branches: Vec::new(),
                record: Some(wire::record(&zone.again(&listed.record)?)),
                snapshot: listed.entry.snapshot.clone(),
            };
            service.client.resolve(request).await?;
            ctx.say(format_args!("Version {} is the next one.", listed.entry.number));
        }
        let group = service.group(name).await?;
        let mut told = Vec::new();
        for member in group.members.iter().filter(|m| m.state == "suspended") {
            told.push(member.member.clone());
            let member = Some(members::name_of(member));
            let request = v1::AcceptRequest { name: name.to_owned(), member, give_way: true, ..Default::default() };
            service.client.accept(request).await?;
        }
        link::settle_without(&mut service, name, &told, &link::free(&group), ctx).await
    })
}
