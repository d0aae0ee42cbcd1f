//! `inlay status`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use plan::VersionId;
use serde_json::json;
use tokio::time::Instant;
use wire::v1;

use crate::ask::{self, Progress};
use crate::clashes;
use crate::context::Context;
use crate::error::{CommandError, quoted};
use crate::place;
use crate::service::{self, Service};
use crate::write;

/// Show every group and member: state, cause, and what to do
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  inlay status\n  inlay status mcp --watch\n  inlay status --wait=10 && echo in sync"
)]
pub struct Args {
    /// The group; all of them if it is left out
    pub name: Option<String>,
    /// Go on showing it whenever it changes, until Ctrl-C
    #[arg(long, conflicts_with = "wait")]
    pub watch: bool,
    /// Have every machine that is connected look at its files, then wait until everything is in sync; exit code 4 if it is not by then
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "30", value_parser = ask::duration)]
    pub wait: Option<Duration>,
}

/// The state in which nothing is left to do.
pub(crate) const IN_SYNC: &str = "in-sync";

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    service::block_on(async {
        let mut service = Service::open(ctx).await?;
        let name = args.name.clone().unwrap_or_default();
        if args.watch {
            return watch(&mut service, name, ctx).await;
        }
        let Some(wait) = args.wait else {
            let reply = service.client.status(v1::StatusRequest { name, look: false }).await?.into_inner();
            let clashes = clashes::of(&mut service, &reply.groups).await;
            return show_all(&reply.groups, &clashes, ctx);
        };
        let _progress = Progress::start(ctx, "waiting until everything is in sync");
        let end = Instant::now() + wait;
        let looked = service.client.status(v1::StatusRequest { name: name.clone(), look: true });
        let looked = tokio::time::timeout_at(end, looked).await.ok().transpose()?;
        let left = end.saturating_duration_since(Instant::now());
        let groups = match looked {
            Some(_) => wait_for(&mut service, name, left, |groups| groups.iter().all(|g| g.state == IN_SYNC)).await?,
            None => service.client.status(v1::StatusRequest { name, look: false }).await?.into_inner().groups,
        };
        drop(_progress);
        let clashes = clashes::of(&mut service, &groups).await;
        show_all(&groups, &clashes, ctx)?;
        if looked.is_none() {
            ctx.say("  → not every machine that is connected has looked at its files in that time");
        }
        let in_sync = looked.is_some() && groups.iter().all(|group| group.state == IN_SYNC);
        if in_sync { Ok(()) } else { Err(CommandError::not_in_sync()) }
    })
}

async fn watch(service: &mut Service, name: String, ctx: &Context) -> Result<(), CommandError> {
    let mut stream = service.client.watch(v1::StatusRequest { name, look: false }).await?.into_inner();
    while let Some(reply) = stream.message().await? {
        if !ctx.json {
            ctx.print(format_args!("\n{}", jiff::Zoned::now().strftime("%H:%M:%S")))?;
        }
        show(&reply.groups, ctx)?;
    }
    Err(CommandError::failed("the manager ended the connection").hint("it may be restarting; try again"))
}

/// Follows the state until `done` says so or the time is over; returns the last one.
pub(crate) async fn wait_for(
    service: &mut Service,
    name: String,
    time: Duration,
    done: impl Fn(&[v1::GroupStatus]) -> bool,
) -> Result<Vec<v1::GroupStatus>, CommandError> {
    let end = Instant::now() + time;
    let mut last = Vec::new();
    let mut stream = service.client.watch(v1::StatusRequest { name, look: false }).await?.into_inner();
    while let Ok(next) = tokio::time::timeout_at(end, stream.message()).await {
        match next? {
            Some(reply) => last = reply.groups,
            None => return Err(CommandError::failed("the manager ended the connection").hint("try again")),
        }
        if done(&last) {
            break;
        }
    }
    Ok(last)
}

/// Prints groups and members.
pub(crate) fn show(groups: &[v1::GroupStatus], ctx: &Context) -> Result<(), CommandError> {
    show_all(groups, &Clashes::new(), ctx)
}

/// By member, what it and the head both changed.
type Clashes = BTreeMap<Vec<u8>, Vec<String>>;

fn show_all(groups: &[v1::GroupStatus], clashes: &Clashes, ctx: &Context) -> Result<(), CommandError> {
    if ctx.json {
        let groups: Vec<_> = groups.iter().map(|group| as_json(group, clashes, ctx)).collect();
        return ctx.print_json(serde_json::Value::Array(groups));
    }
    if groups.is_empty() {
        ctx.say("There are no groups yet. `inlay link NAME ADDRESS ADDRESS` makes one.");
    }
    for group in groups {
        let head =
            if group.head.is_empty() { "no version yet".to_owned() } else { format!("version {}", group.head_number) };
        let bold = Style::new().bold();
        ctx.print(format_args!("{bold}{}{bold:#}  {}  {head}", group.name, coloured(&group.state)))?;
        for member in &group.members {
            let arrow = match v1::Direction::try_from(member.direction) {
                Ok(v1::Direction::Send) => " (sends only)",
                Ok(v1::Direction::Receive) => " (receives only)",
                _ => "",
            };
            ctx.print(format_args!("  {}  {}{arrow}", padded(&member.state), address(member, ctx)))?;
            if !member.cause.is_empty() {
                ctx.print(format_args!("                    {}", cause(group, member, ctx)))?;
            }
            if let Some(apart) = apart(group, member) {
                ctx.print(format_args!("                    {apart}"))?;
            }
            for clash in clashes.get(&member.member).into_iter().flatten() {
                ctx.print(format_args!("                    - {clash}"))?;
            }
        }
        let next = advice(group, ctx);
        if !next.is_empty() {
            ctx.say(format_args!("  → {next}"));
        }
    }
    show_brakes(groups, ctx)
}

/// What is to be known of a member that only sends, and has none of what came to the group since: nothing brings that there.
fn apart(group: &v1::GroupStatus, member: &v1::MemberStatus) -> Option<String> {
    let sends = member.direction == i32::from(v1::Direction::Send);
    (sends && member.state == IN_SYNC && member.version != group.head)
        .then(|| format!("stands at version {}: nothing is restored into it", member.version_number))
}

/// Says which machines' brakes are on.
fn show_brakes(groups: &[v1::GroupStatus], ctx: &Context) -> Result<(), CommandError> {
    let mut held: BTreeMap<&str, usize> = BTreeMap::new();
    for member in groups.iter().flat_map(|group| &group.members).filter(|member| member.braked) {
        *held.entry(&member.agent).or_default() += 1;
    }
    for (machine, count) in held {
        let bold = Style::new().bold();
        ctx.print(format_args!("{bold}{machine}{bold:#} is braked: {} held back", edits(count)))?;
        ctx.say(format_args!(
            "  → look at what changed there; `inlay accept --machine {machine}` lets all of it go on, `inlay accept NAME` one group's"
        ));
    }
    Ok(())
}

/// So many of them, in words.
pub(crate) fn edits(count: usize) -> String {
    if count == 1 { "an edit".to_owned() } else { format!("{count} edits") }
}

/// Why a member is as it is. Its agent knows no names of groups: the commands that it speaks of get theirs, as they are typed.
pub(crate) fn cause(group: &v1::GroupStatus, member: &v1::MemberStatus, ctx: &Context) -> String {
    let name = &group.name;
    let address = quoted(&address(member, ctx));
    let commands = [
        ("accept", format!("accept {name} {address}")),
        ("accept …", format!("accept {name} {address}")),
        ("restore", format!("restore {name}@head")),
        ("restore …", format!("restore {name}@head")),
        ("restore NAME@V", format!("restore {name}@V")),
        ("undo", format!("undo {name}")),
        ("unlink", format!("unlink {name} {address}")),
        ("put --remove", format!("put --remove {address}")),
    ];
    commands.into_iter().fold(member.cause.clone(), |cause, (said, typed)| {
        cause.replace(&format!("`inlay {said}`"), &format!("`inlay {typed}`"))
    })
}

/// Whether what stands in a suspended member's file can be taken for an edit.
pub(crate) fn can_be_accepted(member: &v1::MemberStatus) -> bool {
    member.missing || member.no_file || member.braked || member.doubtful
}

/// What to do about a suspended member once its cause is known, where no command ends it.
pub(crate) fn remedy(member: &v1::MemberStatus, ctx: &Context) -> String {
    let is_here = || place::own_agent(ctx).is_some_and(|own| own == member.agent);
    let own_copy = || write::own_copy(Path::new(&member.path)).filter(|_| is_here());
    match member.hard_linked.then(own_copy).flatten() {
        Some(command) => command,
        None => "put the cause right, and it goes on by itself".to_owned(),
    }
}

/// What to do about a member whose portion is missing.
pub(crate) fn missing_advice(group: &v1::GroupStatus, member: &v1::MemberStatus, ctx: &Context) -> String {
    let name = &group.name;
    let address = quoted(&address(member, ctx));
    let out = format!("`inlay unlink {name} {address}` takes it out");
    if group.head.is_empty() {
        return format!("write it; or {out}");
    }
    let removed = match member.no_file {
        true => String::new(),
        false => format!(" `inlay accept {name} {address}` removes it everywhere;"),
    };
    format!("it goes on by itself when it is there again; `inlay restore {name}@head` makes it anew;{removed} {out}")
}

/// What to do about a group as it is.
fn advice(group: &v1::GroupStatus, ctx: &Context) -> String {
    let name = &group.name;
    let suspended = group.members.iter().find(|m| m.state == "suspended");
    match group.state.as_str() {
        "conflict" => format!(
            "`inlay diff {name} head`, and `inlay resolve {name} --take ADDRESS` or VERSION; `inlay log {name}` lists them"
        ),
        "awaiting-consent" => format!("`inlay accept {name}` on the machine of that member"),
        "suspended" => match suspended {
            Some(member) if member.missing => missing_advice(group, member, ctx),
            // The machine's own line says it.
            Some(member) if member.braked => String::new(),
            // A person has to say what is meant; the cause names the commands.
            Some(member) if member.doubtful => String::new(),
            Some(member) => remedy(member, ctx),
            None => String::new(),
        },
        _ => String::new(),
    }
}

fn as_json(group: &v1::GroupStatus, clashes: &Clashes, ctx: &Context) -> serde_json::Value {
    let members: Vec<_> = group
        .members
        .iter()
        .map(|m| {
            json!({"agent": m.agent, "path": m.path, "selector": m.selector, "mapping": m.mapping, "format": m.format,
                "state": m.state, "version": id(&m.version), "version_number": m.version_number, "cause": cause(group, m, ctx),
                "direction": direction(m.direction), "braked": m.braked, "clashes": clashes.get(&m.member).cloned().unwrap_or_default()})
        })
        .collect();
    json!({"group": group.name, "id": hex::encode(&group.group), "head": id(&group.head), "head_number": group.head_number,
        "state": group.state, "conflict": group.conflict,
        "open_branches": group.open_branches.iter().map(hex::encode).collect::<Vec<_>>(), "members": members})
}

fn direction(direction: i32) -> &'static str {
    match v1::Direction::try_from(direction) {
        Ok(v1::Direction::Send) => "send",
        Ok(v1::Direction::Receive) => "receive",
        _ => "both",
    }
}

/// A version's id, or null for none.
pub(crate) fn id(bytes: &[u8]) -> serde_json::Value {
    VersionId::from_bytes(bytes).map_or(serde_json::Value::Null, |id| id.to_string().into())
}

/// A member's address as a person would write it anywhere.
pub(crate) fn address(member: &v1::MemberStatus, ctx: &Context) -> String {
    typed(&member.agent, &member.path, &member.selector, ctx)
}

/// The same of its parts: what a path holds that an address reads otherwise is escaped.
pub(crate) fn typed(agent: &str, path: &str, selector: &str, ctx: &Context) -> String {
    format!("{agent}:{}#{selector}", tilde(path, ctx).replace('\\', "\\\\").replace('#', "\\#"))
}

/// A path with the person's home as `~`.
pub(crate) fn tilde(path: &str, ctx: &Context) -> String {
    let home = ctx.user_home.as_ref().and_then(|home| home.to_str()).filter(|home| *home != "/");
    match home.and_then(|home| path.strip_prefix(home)) {
        Some(rest) if rest.starts_with('/') => format!("~{rest}"),
        _ => path.to_owned(),
    }
}

fn style(state: &str) -> Style {
    let colour = match state {
        IN_SYNC => AnsiColor::Green,
        "changed" | "behind" | "syncing" => AnsiColor::Blue,
        "conflict" | "suspended" => AnsiColor::Red,
        _ => AnsiColor::Yellow,
    };
    Style::new().fg_color(Some(colour.into()))
}

fn coloured(state: &str) -> String {
    let style = style(state);
    format!("{style}{state}{style:#}")
}

fn padded(state: &str) -> String {
    let style = style(state);
    format!("{style}{state:<16}{style:#}")
}
