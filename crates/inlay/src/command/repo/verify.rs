//! `inlay repo verify`.

use plan::Record;
use serde_json::json;
use wire::v1;

use crate::ask::Progress;
use crate::command::status;
use crate::context::Context;
use crate::error::CommandError;
use crate::mappings;
use crate::members::{self, Listed};
use crate::place::Place;
use crate::service::{self, Service};
use crate::zone::{self, Zone};

/// Read every version's copy: which are lost or damaged, and make again what a file here still holds
///
/// A version whose copy is gone stays in the history, and cannot be shown or restored. Where a file of this machine holds exactly its content,
/// that is backed up again: the version is whole then, no file changes, and a member that waits for it goes on. The exit code is 1 if a copy
/// is lost and was not made again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  inlay repo verify")]
pub struct Args {}

/// A version whose copy cannot be read.
struct Lost {
    group: String,
    number: u64,
    record: Record,
    why: String,
    /// It is what the group's members are to hold.
    head: bool,
    /// It was made again.
    again: bool,
}

pub(super) fn run(ctx: &Context) -> Result<(), CommandError> {
    service::block_on(async {
        let mut service = Service::open(ctx).await?;
        let zone = Zone::need(&service.home, "read copies").await?;
        let groups = service.client.status(v1::StatusRequest::default()).await?.into_inner().groups;
        let progress = Progress::start(ctx, "reading every copy");
        let (mut read, mut lost) = (0_u64, Vec::new());
        for group in &groups {
            let log = service.client.log(v1::LogRequest { name: group.name.clone(), limit: 0 }).await?.into_inner();
            for entry in &log.versions {
                let record = members::record(entry)?;
                read += 1;
                let Err(error) = zone.read(&record).await else { continue };
                // A repository that cannot be reached has not lost anything.
                if !zone.repository.is_there().await {
                    return Err(error);
                }
                let head = record.version.0.as_slice() == log.head;
                let (number, why) = (entry.number, error.why());
                let listed = Listed { entry, record: record.clone() };
                let again = again(&mut service, &zone, group, &listed, ctx).await?;
                lost.push(Lost { group: group.name.clone(), number, record, why, head, again });
            }
        }
        drop(progress);
        tell(read, &lost, &groups, ctx)?;
        let left = lost.iter().filter(|lost| !lost.again).count();
        if left == 0 { Ok(()) } else { Err(CommandError::failed(format!("{left} of the copies cannot be read"))) }
    })
}

/// Backs a version up again, if a file of this machine holds it in the form in which it was backed up.
async fn again(
    service: &mut Service,
    zone: &Zone,
    group: &v1::GroupStatus,
    lost: &Listed<'_>,
    ctx: &Context,
) -> Result<bool, CommandError> {
    let mut record = lost.record.clone();
    let may_hold = |m: &&v1::MemberStatus| {
        Some(&m.agent) == service.agent.as_ref() && m.format == record.shape.format && m.mapping == record.shape.mapping
    };
    let texts = group.members.iter().filter(may_hold).filter_map(|member| standing(member, &record, ctx));
    let text = texts.map(|fragment| fragment.text).find(|text| zone.keys.is_copy(&record, text));
    let Some(text) = text else { return Ok(false) };
    let snapshot = zone.copy(&mut record, &text, lost.entry, &group.name).await?;
    let request = v1::RecopyRequest { name: group.name.clone(), record: Some(wire::record(&record)), snapshot };
    service.client.recopy(request).await?;
    Ok(true)
}

/// What stands in a member's file now; `None` if that is nothing that can be read.
fn standing(member: &v1::MemberStatus, record: &Record, ctx: &Context) -> Option<portion::Fragment> {
    let selector = member.selector.parse().ok()?;
    let address = portion::Address { agent: None, path: member.path.clone(), selector: Some(selector) };
    let own = Place::open(&address, ctx).ok()?.find().ok()??;
    mappings::bound(&zone::mapping(record).ok()?, ctx).ok()?.share(own).ok()
}

fn tell(read: u64, lost: &[Lost], groups: &[v1::GroupStatus], ctx: &Context) -> Result<(), CommandError> {
    if ctx.json {
        let lost: Vec<_> = lost
            .iter()
            .map(|l| {
                json!({"group": l.group, "version": l.record.version.to_string(), "number": l.number, "head": l.head, "why": l.why,
                    "again": l.again})
            })
            .collect();
        return ctx.print_json(json!({"read": read, "lost": lost}));
    }
    for one in lost {
        let at = format!("{}@{}", one.group, one.number);
        match one.again {
            true => ctx.print(format_args!("{at}  lost, and made again from a file here"))?,
            false => ctx.print(format_args!("{at}  lost: {}", one.why))?,
        }
        if one.head && !one.again {
            ctx.say(format_args!("  → {}", advice(one, groups, ctx)));
        }
    }
    let state = if lost.is_empty() { "all can be read" } else { "the others can be read" };
    ctx.print(format_args!("{read} versions: {state}"))
}

/// Who can make it again.
fn advice(lost: &Lost, groups: &[v1::GroupStatus], ctx: &Context) -> String {
    let members = groups.iter().filter(|g| g.name == lost.group).flat_map(|g| &g.members);
    let holders: Vec<String> = members
        .filter(|m| m.version == lost.record.version.0 && m.format == lost.record.shape.format)
        .map(|m| status::address(m, ctx))
        .collect();
    match holders.is_empty() {
        true => format!(
            "no file holds it: an edit of any member, or `inlay restore {}@V` with another version, goes on",
            lost.group
        ),
        false => format!("it is in {}: run `inlay repo verify` there, or edit it", holders.join(", ")),
    }
}
