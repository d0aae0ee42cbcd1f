//! `inlay undo NAME`.

use portion::{Fragment, Merged};
use wire::v1;

use crate::command::{link, resolve};
use crate::context::Context;
use crate::error::CommandError;
use crate::members::{self, Listed};
use crate::reconcile::Content;
use crate::service::{self, Service};
use crate::text;
use crate::zone::Zone;

/// Take back the last change that was made on this machine
///
/// What others changed since stays. Once more takes back the change before that. What is taken back stays a version: `inlay restore`
/// brings it again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  inlay undo mcp\n  inlay undo mcp --dry-run")]
pub struct Args {
    /// The group
    pub name: String,
    /// Only show what would change
    #[arg(long)]
    pub dry_run: bool,
}

/// So many changes back is looked for one that is not taken back yet.
const MOST: usize = 50;

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let name = &args.name;
    service::block_on(async {
        let mut service = Service::open(ctx).await?;
        let log = service.client.log(v1::LogRequest { name: name.clone(), limit: 0 }).await?.into_inner();
        let Some(agent) = service.agent.clone() else {
            return Err(CommandError::failed("this machine has no agent, so no change was made here")
                .hint(format!("`inlay restore {name}@V` makes an old version the next one")));
        };
        let head = members::version(&log, "head", name)?;
        let zone = Zone::need(&service.home, "sign a version").await?;
        let now = resolve::content(&zone, &head, name).await?;
        let Some((number, then)) = taken_back(&zone, &log, &agent, &now, name).await? else {
            return Err(CommandError::failed(format!("there is no change of `{agent}` to take back in `{name}`"))
                .hint(format!(
                    "`inlay log {name}` shows the history; `inlay restore {name}@V` goes back to any of it"
                )));
        };
        ctx.print_text(&text::coloured(&text::unified_between("now", "then", &now.fragment.text, &then.text)))?;
        if args.dry_run {
            return Ok(());
        }
        let (record, snapshot) = zone.write(&then, &head, name).await?;
        let request = v1::ResolveRequest {
            name: name.clone(),
            kind: "restore".to_owned(),
            head: log.head.clone(),
            branches: Vec::new(),
            record: Some(wire::record(&record)),
            snapshot,
        };
        let free = link::free(&service.group(name).await?);
        service.client.resolve(request).await?;
        ctx.say(format_args!("Version {number} is taken back."));
        link::settle_without(&mut service, name, &[], &free, ctx).await
    })
}

/// The last change of this machine that is still in the head: its number, and the head without it.
async fn taken_back(
    zone: &Zone,
    log: &v1::LogReply,
    agent: &str,
    now: &Content,
    name: &str,
) -> Result<Option<(u64, Fragment)>, CommandError> {
    let mut own: Vec<&v1::VersionEntry> =
        log.versions.iter().filter(|entry| entry.kind == "edit" && entry.agent == agent && !entry.branch).collect();
    own.sort_by_key(|entry| std::cmp::Reverse(entry.number));
    for entry in own.into_iter().take(MOST) {
        let Some(parent) = entry.parents.first() else { continue };
        let change = resolve::content(zone, &Listed { entry, record: members::record(entry)? }, name).await?;
        let before = resolve::content(zone, &members::version(log, &hex::encode(parent), name)?, name).await?;
        // From the change back to what was before it, put together with all that came after it.
        match portion::merge(change.side(), now.side(), before.side()) {
            Ok(Merged::Clean(then)) if then == now.fragment => {}
            Ok(Merged::Clean(then)) => return Ok(Some((entry.number, then))),
            Ok(Merged::Conflict(clashes)) => {
                let first = clashes.first().map(ToString::to_string).unwrap_or_default();
                return Err(CommandError::failed(format!(
                    "version {} cannot be taken back by itself: what it changed was changed again since ({first})",
                    entry.number
                ))
                .hint(format!("`inlay diff {name} {}` shows what it was", entry.number))
                .hint(format!("`inlay restore {name}@V` makes an old version the next one, with all that it had")));
            }
            Err(error) => return Err(CommandError::lens(&change.name, error)),
        }
    }
    Ok(None)
}
