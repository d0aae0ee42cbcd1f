//! `inlay accept NAME [ADDRESS…]`.

use agent::Identity;
use portion::{Address, Mapping, Selector, Source};
use wire::v1;

use crate::ask;
use crate::command::diff::Side;
use crate::command::{diff, link, status};
use crate::context::Context;
use crate::error::{CommandError, quoted};
use crate::home::Home;
use crate::place::{self, Place, argument};
use crate::service::{self, Service};
use crate::zone::Zone;
use crate::{history, mappings, members, portions};

/// Agree, on this machine, to what a group wants of it
///
/// For a member of this machine that awaits consent: shows the path, the portion and what would arrive, asks, and allows exactly that
/// portion, and what its mapping's variables are read from, into that file. For one that is suspended (emptied, reverted): what stands in its file now counts as an edit. A file that went missing is never
/// taken for an edit: `inlay restore NAME@head` brings it back, `inlay unlink` takes the member out.
///
/// Where so much changed on a machine at once that its brake holds it back, `--machine` lets all of it go on, in every group.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  inlay accept mcp\n  inlay accept mcp ~/.claude.json --yes\n  inlay accept --machine laptop"
)]
pub struct Args {
    /// The group
    #[arg(required_unless_present = "machine")]
    pub name: Option<String>,
    /// Only these members; all of this machine if none is named
    #[arg(value_name = "ADDRESS", value_parser = argument)]
    pub addresses: Vec<Address>,
    /// In place of a group: everything that the brake of this machine holds back; `inlay agents` lists the machines
    #[arg(long, value_name = "NAME", conflicts_with_all = ["name", "addresses"])]
    pub machine: Option<String>,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    if let Some(machine) = &args.machine {
        return release(machine, ctx);
    }
    if !args.addresses.is_empty() && may_not_operate(ctx) {
        return without_manager(args, ctx);
    }
    // The parser asks for it.
    let Some(name) = &args.name else { return Err(CommandError::usage("which group?")) };
    service::block_on(async {
        let mut service = Service::open(ctx).await?;
        let Some(own) = service.agent.clone() else {
            return Err(CommandError::usage("this machine is no agent, and consent is each machine's own")
                .hint("run it on the machine of the member that waits; `inlay status` names it"));
        };
        let group = service.group(name).await?;
        let mut waiting: Vec<&v1::MemberStatus> = Vec::new();
        for address in &args.addresses {
            waiting.push(members::find(&group, address, &service, ctx)?);
        }
        if args.addresses.is_empty() {
            waiting.extend(group.members.iter().filter(|m| m.agent == own));
        }
        waiting.retain(|m| m.state == "awaiting-consent" || m.state == "suspended");
        if waiting.is_empty() {
            let elsewhere: Vec<&str> =
                group.members.iter().filter(|m| m.state == "awaiting-consent").map(|m| m.agent.as_str()).collect();
            let made = CommandError::failed(format!("no member of `{name}` on this machine waits to be accepted"));
            return Err(if elsewhere.is_empty() {
                made
            } else {
                made.hint(format!("run it on {}", elsewhere.join(", ")))
            });
        }
        refuse_missing(&group, &mut waiting, ctx)?;
        let refused: Vec<&v1::MemberStatus> =
            waiting.extract_if(.., |m| m.state == "suspended" && !status::can_be_accepted(m)).collect();
        if waiting.is_empty() {
            return not_accepted(&group, &refused, ctx);
        }
        let zone = Zone::open(&service.home).await?;
        let mut told = Vec::new();
        for member in waiting {
            let agreed = if member.state == "suspended" {
                suspended(&mut service, &group, member, ctx).await?
            } else {
                awaiting(&mut service, zone.as_ref(), &group, member, ctx).await?
            };
            told.extend(agreed.then(|| member.member.clone()));
        }
        link::settle_without(&mut service, name, &told, &link::free(&group), ctx).await?;
        not_accepted(&group, &refused, ctx)
    })
}

/// The error that what stands in the way of these members is nothing that a person can agree to.
fn not_accepted(group: &v1::GroupStatus, members: &[&v1::MemberStatus], ctx: &Context) -> Result<(), CommandError> {
    let Some((first, others)) = members.split_first() else { return Ok(()) };
    let said = |member: &v1::MemberStatus| {
        format!("{} cannot be accepted: {}", status::address(member, ctx), status::cause(group, member, ctx))
    };
    let made = CommandError::failed(said(first)).hint(status::remedy(first, ctx));
    Err(others.iter().fold(made, |made, member| made.hint(said(member))))
}

/// Lets everything go that the brake of a machine holds back.
fn release(machine: &str, ctx: &Context) -> Result<(), CommandError> {
    service::block_on(async {
        let mut service = Service::open(ctx).await?;
        let reply = service.client.status(v1::StatusRequest::default()).await?.into_inner();
        let members = reply.groups.iter().flat_map(|group| &group.members);
        let held: Vec<&v1::MemberStatus> = members.filter(|m| m.braked && m.agent == machine).collect();
        let Some(first) = held.first() else {
            return Err(CommandError::failed(format!("the brake of `{machine}` holds nothing back"))
                .hint("`inlay status` shows what waits, and why"));
        };
        ctx.say(format_args!("{}", first.cause));
        held.iter().for_each(|member| ctx.say(format_args!("  {}", status::address(member, ctx))));
        let question = format!("Take what stands there now as {}, for all members?", status::edits(held.len()));
        let instead = "--yes accepts all of it; `inlay accept NAME` accepts one group's, `inlay restore NAME@head` puts a group's content back";
        if !ask::confirm(ctx, &question, instead)? {
            ctx.say("It stays as it is, and goes on waiting.");
            return Ok(());
        }
        let request = v1::AcceptRequest { machine: machine.to_owned(), ..v1::AcceptRequest::default() };
        service.client.accept(request).await?;
        let told: Vec<Vec<u8>> = held.iter().map(|member| member.member.clone()).collect();
        link::settle_without(&mut service, "", &told, &[], ctx).await
    })
}

/// Members whose file is missing, or of whose portion there never was anything, are left out of what is accepted; an error if that leaves nothing.
fn refuse_missing(
    group: &v1::GroupStatus,
    waiting: &mut Vec<&v1::MemberStatus>,
    ctx: &Context,
) -> Result<(), CommandError> {
    let missing: Vec<&v1::MemberStatus> =
        waiting.extract_if(.., |m| m.no_file || (m.missing && group.head.is_empty())).collect();
    let mut missing = missing.into_iter().peekable();
    while let Some(member) = missing.next() {
        let address = status::address(member, ctx);
        let advice = status::missing_advice(group, member, ctx);
        let cause = status::cause(group, member, ctx);
        let refused = format!("{address}: {cause}, and that is never taken for an edit");
        if waiting.is_empty() && missing.peek().is_none() {
            return Err(CommandError::failed(refused).hint(advice));
        }
        ctx.say(format_args!("{refused}.\n  → {advice}"));
    }
    Ok(())
}

/// Whether this machine was enrolled without the right to operate: it can agree all the same, but cannot ask the manager to what.
fn may_not_operate(ctx: &Context) -> bool {
    let home = Home::new(ctx);
    !home.has_manager() && Identity::load(&home.agent()).is_ok_and(|identity| !identity.operate)
}

/// Allows exactly the portions that were named.
fn without_manager(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    for address in &args.addresses {
        let selector = address.selector.as_ref().ok_or_else(|| {
            CommandError::usage(format!("`{address}` names a file, not a portion of it"))
                .hint("this machine may not ask the manager which portion is meant: write it after `#`")
        })?;
        if address.agent.is_some() && address.agent != place::own_agent(ctx) {
            return Err(CommandError::usage(format!("`{address}`: each machine allows only its own files")));
        }
        let path = members::own_path(address, ctx)?;
        let question = format!("Allow exactly {path}#{selector}, with whatever the group sends?");
        if ask::confirm(ctx, &question, "--yes allows it")? {
            portions::allow(&Home::new(ctx), &path, selector)?;
        }
    }
    ctx.say("The agent sees that within a minute.");
    Ok(())
}

async fn suspended(
    service: &mut Service,
    group: &v1::GroupStatus,
    member: &v1::MemberStatus,
    ctx: &Context,
) -> Result<bool, CommandError> {
    ctx.say(format_args!("{}\n  {}", status::address(member, ctx), status::cause(group, member, ctx)));
    let wider: Vec<String> =
        group.members.iter().filter(|m| has_other_columns(m)).map(|m| status::address(m, ctx)).collect();
    if !wider.is_empty() {
        let wider = wider.join(", ");
        ctx.say(format_args!(
            "  A row that this removes takes its other columns along, which no version holds: in {wider}"
        ));
    }
    let question = match member.missing {
        true => "Take that for an edit, and remove the portion from all members' files? It stays a version.",
        false => "Take what stands there now as an edit, for all members?",
    };
    let instead = format!("--yes accepts it; `inlay restore {}@head` puts the group's content back", group.name);
    let agreed = ask::confirm(ctx, question, &instead)?;
    if agreed {
        tell(service, group, member).await?;
    }
    Ok(agreed)
}

/// Whether a member's portion is rows of which its file has other columns.
fn has_other_columns(member: &v1::MemberStatus) -> bool {
    let (selector, mapping) = (member.selector.parse(), member.mapping.parse());
    selector.is_ok_and(|selector| mapping.is_ok_and(|mapping| portions::has_other_columns(&selector, &mapping)))
}

async fn awaiting(
    service: &mut Service,
    zone: Option<&Zone>,
    group: &v1::GroupStatus,
    member: &v1::MemberStatus,
    ctx: &Context,
) -> Result<bool, CommandError> {
    if service.agent.as_ref() != Some(&member.agent) {
        let address = status::address(member, ctx);
        let command = format!("inlay accept {} {}", group.name, quoted(&address));
        return Err(CommandError::usage(format!("{address} is on another machine"))
            .hint(format!("consent is each machine's own: run `{command}` there")));
    }
    ctx.say(format_args!("{} of the group `{}`", status::address(member, ctx), group.name));
    preview(service, zone, group, member, ctx).await?;
    let mapping = mapping_of(member)?;
    let secrets = || mapping.variables().filter(|(_, source)| source.is_secret());
    for (name, source) in secrets() {
        ctx.say(format_args!(
            "What stands there as ${{{name}}} in the group would be read from {}.",
            read_from(source)
        ));
    }
    let question = match secrets().count() {
        0 => "Allow exactly this portion?",
        _ => "Allow exactly this portion, and these values in this file?",
    };
    if !ask::confirm(ctx, question, "--yes allows it")? {
        ctx.say("It stays as it is, and goes on waiting.");
        return Ok(false);
    }
    let selector: Selector =
        member.selector.parse().map_err(|_| CommandError::failed("the selector cannot be read"))?;
    portions::allow(&Home::new(ctx), &member.path, &selector)?;
    portions::allow_variables(&Home::new(ctx), &member.path, &mapping)?;
    tell(service, group, member).await?;
    Ok(true)
}

fn mapping_of(member: &v1::MemberStatus) -> Result<Mapping, CommandError> {
    member.mapping.parse().map_err(|e| CommandError::failed("the member's mapping cannot be read").because(e))
}

/// Where a value comes from, for people.
fn read_from(source: &Source) -> String {
    match source {
        Source::Environment(name) => format!("the variable `{name}` of this agent's environment"),
        Source::File(path) => format!("the file {path}"),
        Source::Value(_) => "the mapping".to_owned(),
    }
}

/// Whether what stands there now goes to the others: it was added so, or nothing is ever restored into it.
fn sends(member: &v1::MemberStatus) -> bool {
    member.offers || member.direction == i32::from(v1::Direction::Send)
}

/// Shows what would change, there or in the others.
async fn preview(
    service: &mut Service,
    zone: Option<&Zone>,
    group: &v1::GroupStatus,
    member: &v1::MemberStatus,
    ctx: &Context,
) -> Result<(), CommandError> {
    let Some(zone) = zone else {
        ctx.say("This home holds no key: what would arrive cannot be shown here.");
        return Ok(());
    };
    if group.head.is_empty() || ctx.json {
        ctx.say("The group has no content yet.");
        return Ok(());
    }
    let log = service.client.log(v1::LogRequest { name: group.name.clone(), limit: 0 }).await?.into_inner();
    let head = members::version(&log, "head", &group.name)?;
    let head = history::side(zone, &group.name, &head).await?;
    match standing(member, ctx) {
        Ok(Some(own)) if sends(member) => {
            ctx.say("What stands there becomes the group's next version. What would change in the other files:");
            diff::show(&head, &own, ctx)?;
        }
        Ok(Some(own)) => {
            ctx.say("What would change there:");
            diff::show(&own, &head, ctx)?;
            if has_other_columns(member)
                && let Some(told) = portions::rows_lost(&own.value, &head.value)
            {
                ctx.say(told);
            }
        }
        Ok(None) if sends(member) => {
            ctx.say("Nothing stands there. What will stand there becomes the group's next version.")
        }
        Ok(None) => {
            ctx.say("Nothing stands there. What would arrive:");
            ctx.print_text(&String::from_utf8_lossy(&head.fragment.text))?;
        }
        Err(error) => {
            let _ = error.report();
        }
    }
    Ok(())
}

/// What stands in the member's file now.
fn standing(member: &v1::MemberStatus, ctx: &Context) -> Result<Option<Side>, CommandError> {
    let selector = member.selector.parse().map_err(|_| CommandError::failed("the selector cannot be read"))?;
    let address = Address { agent: None, path: member.path.clone(), selector: Some(selector) };
    let place = Place::to_make(&address, ctx)?;
    let Some(own) = place.find()? else { return Ok(None) };
    let mapping = mappings::bound(&mapping_of(member)?, ctx).map_err(|e| place.lens(e))?;
    let fragment = mapping.share(own).map_err(|e| place.lens(e))?;
    let value = mapping.value(&fragment).map_err(|e| place.lens(e))?;
    Ok(Some(Side { name: status::address(member, ctx), fragment, value }))
}

/// Tells the agent to look again.
async fn tell(service: &mut Service, group: &v1::GroupStatus, member: &v1::MemberStatus) -> Result<(), CommandError> {
    let member = Some(members::name_of(member));
    let request = v1::AcceptRequest { name: group.name.clone(), member, ..v1::AcceptRequest::default() };
    service.client.accept(request).await?;
    Ok(())
}
