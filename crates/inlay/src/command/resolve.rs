//! `inlay resolve NAME [--take ADDRESS|VERSION | --with FILE]`.

use std::collections::HashSet;

use plan::VersionId;
use portion::{Address, Fragment};
use wire::v1;

use crate::ask;
use crate::command::{link, put};
use crate::context::Context;
use crate::error::CommandError;
use crate::members::{self, Listed};
use crate::reconcile::{self, Content};
use crate::service::{self, Service};
use crate::zone::{self, Zone};

/// End a conflict: choose what is the next version
///
/// Without an option it shows both sides and what stood there before, and asks part by part; or opens your editor (VISUAL, EDITOR). The
/// others' contents stay versions, and can be restored. It is done only if the group still is as you see it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  inlay resolve mcp\n  inlay resolve mcp --take ~/.claude.json\n  inlay resolve mcp --take laptop:~/.codex/config.toml\n  inlay resolve mcp --take 7\n  inlay show mcp > both.json && $EDITOR both.json && inlay resolve mcp --with both.json"
)]
pub struct Args {
    /// The group
    pub name: String,
    /// The member whose content is taken, or a version: head, NO, ID
    #[arg(long, value_name = "ADDRESS|VERSION", allow_hyphen_values = true)]
    pub take: Option<String>,
    /// The content, in the head's format as `inlay show NAME` prints it; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "take")]
    pub with: Option<String>,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let name = &args.name;
    let instead = format!("`inlay resolve {name} --take ADDRESS` takes one side, `--with FILE` what you wrote");
    if args.take.is_none() && args.with.is_none() && (ctx.yes || !ask::is_interactive()) {
        return Err(CommandError::usage("there is nobody to ask what is to become of it").hint(instead));
    }
    service::block_on(async {
        let mut service = Service::open(ctx).await?;
        let group = service.group(name).await?;
        if group.open_branches.is_empty() {
            return Err(CommandError::failed(format!("`{name}` is in no conflict"))
                .hint(format!("`inlay restore {name}@V` makes an old version the next one")));
        }
        let log = service.client.log(v1::LogRequest { name: name.clone(), limit: 0 }).await?.into_inner();
        let zone = Zone::need(&service.home, "sign a version").await?;
        let (record, snapshot, said) = if let Some(take) = &args.take {
            let taken = taken(&group, &log, args, take, &service, ctx)?;
            zone.read(&taken.record).await?;
            let said = format!("The content of version {} is the next one", taken.entry.number);
            (zone.again(&taken.record)?, taken.entry.snapshot.clone(), said)
        } else {
            let head = members::version(&log, "head", name)?;
            let written = match &args.with {
                Some(file) => Some(given(&zone, &head, name, file, ctx).await?),
                None => asked(&zone, &log, &group, &head, name, ctx).await?,
            };
            let Some(written) = written else {
                ctx.say(format_args!("Nothing was done; `{name}` stays in conflict."));
                return Err(CommandError::not_in_sync());
            };
            let (record, snapshot) = zone.write(&written, &head, name).await?;
            (record, snapshot, "What you chose is the next version".to_owned())
        };
        let request = v1::ResolveRequest {
            name: name.clone(),
            kind: "resolve".to_owned(),
            head: group.head.clone(),
            branches: group.open_branches.clone(),
            record: Some(wire::record(&record)),
            snapshot,
        };
        service.client.resolve(request).await?;
        ctx.say(format_args!("{said}; the others stay versions."));
        link::settle_without(&mut service, name, &[], &link::free(&group), ctx).await
    })
}

/// What a person wrote, from a file.
async fn given(
    zone: &Zone,
    head: &Listed<'_>,
    name: &str,
    file: &str,
    ctx: &Context,
) -> Result<Fragment, CommandError> {
    let text = if file == "-" {
        put::read_input(ctx)?
    } else {
        let path = ctx.path(file)?;
        std::fs::read(&path).map_err(|e| CommandError::failed(format!("cannot read {}", path.display())).because(e))?
    };
    let head = content(zone, head, name).await?;
    reconcile::checked(&head, text).map_err(|error| {
        let file = if file == "-" { "standard input" } else { file };
        CommandError::input(file, error)
            .hint(format!("it is to be written as `inlay show {name}` prints it, in {}", head.fragment.format))
    })
}

/// Asks the person, branch after branch.
async fn asked(
    zone: &Zone,
    log: &v1::LogReply,
    group: &v1::GroupStatus,
    head: &Listed<'_>,
    name: &str,
    ctx: &Context,
) -> Result<Option<Fragment>, CommandError> {
    let mut ours = content(zone, head, name).await?;
    for branch in &group.open_branches {
        let theirs = members::version(log, &hex::encode(branch), name)?;
        let base = match common(log, head, &theirs) {
            Some(base) => Some(content(zone, &members::version(log, &base.to_string(), name)?, name).await?),
            None => None,
        };
        let theirs = content(zone, &theirs, name).await?;
        let Some(fragment) = reconcile::reconcile(base.as_ref(), &ours, &theirs, ctx)? else { return Ok(None) };
        ours.fragment = fragment;
    }
    Ok(Some(ours.fragment))
}

/// A version's content, with a name for people.
pub(crate) async fn content(zone: &Zone, listed: &Listed<'_>, name: &str) -> Result<Content, CommandError> {
    let v1::VersionEntry { number, agent, path, .. } = listed.entry;
    let fragment = zone.read(&listed.record).await?;
    Ok(Content { name: format!("{name}@{number}, {agent}:{path}"), fragment, mapping: zone::mapping(&listed.record)? })
}

/// The last version that both came from, by parents.
pub(crate) fn common(log: &v1::LogReply, ours: &Listed<'_>, theirs: &Listed<'_>) -> Option<VersionId> {
    let ancestors = |of: &Listed<'_>| -> HashSet<Vec<u8>> {
        let mut seen = HashSet::new();
        let mut waiting = vec![of.record.version.0.to_vec()];
        while let Some(id) = waiting.pop() {
            let entry = log.versions.iter().find(|e| e.record.as_ref().is_some_and(|r| r.version == id));
            if let (true, Some(entry)) = (seen.insert(id), entry) {
                waiting.extend(entry.parents.iter().cloned());
            }
        }
        seen
    };
    let (ours, theirs) = (ancestors(ours), ancestors(theirs));
    let both = log.versions.iter().filter(|entry| {
        entry.record.as_ref().is_some_and(|r| ours.contains(&r.version) && theirs.contains(&r.version))
    });
    let last = both.max_by_key(|entry| entry.number)?;
    VersionId::from_bytes(&last.record.as_ref()?.version).ok()
}

/// The version that `--take` means: a version, or the one on which a member stands.
fn taken<'a>(
    group: &v1::GroupStatus,
    log: &'a v1::LogReply,
    args: &Args,
    take: &str,
    service: &Service,
    ctx: &Context,
) -> Result<Listed<'a>, CommandError> {
    let as_version = members::version(log, take, &args.name);
    if let Ok(listed) = as_version {
        return Ok(listed);
    }
    let address: Address = take.parse()?;
    let member = match members::find(group, &address, service, ctx) {
        Ok(member) => member,
        // It looks like a version: that it is none says more.
        Err(error) => {
            return Err(if take.contains(['/', '#', ':']) { error } else { as_version.err().unwrap_or(error) });
        }
    };
    if member.version.is_empty() {
        return Err(CommandError::failed(format!("`{address}` holds no version yet")));
    }
    members::version(log, &hex::encode(&member.version), &args.name)
}
