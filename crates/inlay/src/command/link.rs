//! `inlay link NAME ADDRESS ADDRESS…`.

use std::time::Duration;

use clap::ValueEnum;
use portion::Address;
use wire::v1;

use crate::ask::{self, Progress};
use crate::command::{status, up};
use crate::context::Context;
use crate::error::CommandError;
use crate::mappings::Clauses;
use crate::place::argument;
use crate::portions::{self, Content, Portion};
use crate::service::{self, NoService, Service};

/// How long it is waited until a new group is in sync.
const SETTLE: Duration = Duration::from_secs(15);

/// Keep portions of files in sync: make a group
///
/// Shows where the portions differ, asks whose content begins, makes what is missing, allows exactly the portions that you name on this
/// machine, and waits until they are in sync. Whatever they held before is kept as a version first. Where only a file is named, the
/// portion that is usually shared of it is proposed. A member on another machine waits until `inlay accept NAME` there.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  inlay link mcp ~/.claude.json#/mcpServers ~/.codex/config.toml#/mcp_servers\n  \
    inlay link dns '/etc/hosts#mark:dns' 'server2:/etc/hosts#mark:dns' --one-way\n  \
    inlay link prices 'prices.csv#rows' 'shop.json#/prices' --key sku --except '/*/notes'\n  \
    inlay link rules 'a/AGENTS.md#/Rules' 'b/CLAUDE.md#/Rules' --from a/AGENTS.md")]
pub struct Args {
    /// What to call the group
    pub name: String,
    /// The portions, [AGENT:]PATH#SELECTOR
    #[arg(required = true, num_args = 1.., value_name = "ADDRESS", value_parser = argument)]
    pub addresses: Vec<Address>,
    /// Whose content begins
    #[arg(long, value_name = "ADDRESS", value_parser = argument)]
    pub from: Option<Address>,
    /// Keys that are private to each file, as JSON Pointers from the portion's root; * stands for any key. Can be given several times
    #[arg(long, value_name = "POINTER")]
    pub except: Vec<String>,
    /// A key that the group leaves out while it has this value, as in '/*/type="stdio" if command' (the condition, another key
    /// beside it, may be left out); a new entry gets it. Can be given several times
    #[arg(long, value_name = "KEY=JSON")]
    pub default: Vec<String>,
    /// What the first ADDRESS calls A, the others call B, as in /*/headers=/*/http_headers. Can be given several times
    #[arg(long, value_name = "A=B")]
    pub map: Vec<String>,
    /// A value of this machine that goes by ${NAME} in the group: NAME=env:VARIABLE and NAME=file:PATH are read by the agent, told to nobody,
    /// and allowed for these files alone; NAME=TEXT or NAME=NUMBER is no secret. HOME=env:HOME is the home directory. Can be given several
    /// times
    #[arg(long, value_name = "NAME=SOURCE")]
    pub var: Vec<String>,
    /// The portions are tables: rows are told apart by this column, their order is each file's own, and keys for --except and --map begin
    /// with it: /*/notes is a column
    #[arg(long, value_name = "COLUMN")]
    pub key: Option<String>,
    /// What happens when two edits meet: merge (default), newest, manual, or prefer=ADDRESS
    #[arg(long, value_name = "POLICY", default_value = "merge")]
    pub conflict: String,
    /// What happens when a portion goes missing from its file later; by default its member waits until you decide. A file that is
    /// missing or empty is never taken for a removal
    #[arg(long, value_enum, value_name = "WHAT")]
    pub on_missing: Option<OnMissing>,
    /// Only from the beginning ADDRESS to the others
    #[arg(long)]
    pub one_way: bool,
}

/// What happens when a portion is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnMissing {
    /// It is made again, where the format knows a place.
    Create,
    /// That is an edit as any other: the portion is removed from the other files, too. It stays a version, and can be restored.
    Delete,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    if args.name.is_empty() {
        return Err(CommandError::usage("a group needs a name").hint("`inlay link NAME ADDRESS ADDRESS`"));
    }
    if args.addresses.len() < 2 {
        return Err(CommandError::usage("a group needs two addresses at least").hint(format!(
            "`inlay link {} ADDRESS ADDRESS`; `inlay add {0} ADDRESS` takes a further one in",
            args.name
        )));
    }
    // Before anything is started.
    args.addresses.iter().try_for_each(|address| portions::selector(address).map(drop))?;
    service::block_on(async {
        let mut service = open_or_start(ctx).await?;
        let mut portions = portions::look(&mut service, &args.addresses, ctx).await?;
        if service.client.status(v1::StatusRequest { name: args.name.clone(), look: false }).await.is_ok() {
            return Err(CommandError::failed(format!("there is a group `{}` already", args.name))
                .hint(format!("`inlay add {} ADDRESS` takes a further member in", args.name)));
        }
        map(&mut portions, args)?;
        portions::read(&mut service, &mut portions, ctx).await?;
        portions::check_nested(&portions, &[], ctx)?;
        if args.on_missing == Some(OnMissing::Delete) {
            for portion in &portions {
                can_go(&mut service, portion, ctx).await?;
            }
        }
        portions::describe(&portions, ctx);
        let begins = begins(&portions, args, ctx, &service)?;
        portions::agree_to_lose(&portions, begins, ctx)?;
        let conflict = conflict(&portions, args, ctx, &service)?;
        let members = portions.iter().enumerate().map(|(at, portion)| v1::NewMember {
            // What is missing is made; what appears there before is somebody's, and waits for a person if it differs.
            join: match &portion.content {
                _ if at == begins => v1::Join::Offer,
                Content::Missing => v1::Join::Wait,
                _ => v1::Join::Adopt,
            }
            .into(),
            direction: match (args.one_way, at == begins) {
                (false, _) => v1::Direction::Both,
                (true, true) => v1::Direction::Send,
                (true, false) => v1::Direction::Receive,
            }
            .into(),
            on_missing: match args.on_missing {
                None => v1::OnMissing::Suspend,
                Some(OnMissing::Create) => v1::OnMissing::Create,
                Some(OnMissing::Delete) => v1::OnMissing::Delete,
            }
            .into(),
            ..portion.new_member()
        });
        let request = v1::LinkRequest { name: args.name.clone(), members: members.collect(), conflict, make: true };
        portions::consent(&service, &portions, ctx)?;
        service.client.link(request).await?;
        settle(&mut service, &args.name, ctx).await
    })
}

/// An error for a portion that cannot go missing, or whose place something else would take.
async fn can_go(service: &mut Service, portion: &Portion, ctx: &Context) -> Result<(), CommandError> {
    let stays = portion.stays(service, ctx).await?;
    if stays.is_empty() {
        return Ok(());
    }
    let shown = portion.shown(ctx);
    Err(CommandError::usage(format!("`{shown}` cannot be removed, as --on-missing delete would: {stays}"))
        .hint("name a part of the file by a key, a heading or a marker; or link without --on-missing delete"))
}

/// The manager; where none runs, `up` is offered.
async fn open_or_start(ctx: &Context) -> Result<Service, CommandError> {
    match Service::try_open(ctx).await {
        Ok(service) => return Ok(service),
        Err(NoService::Failed(error)) => return Err(error),
        Err(NoService::Unknown | NoService::Stopped(_)) => {}
    }
    let instead = "`inlay up --detach` starts it in the background, `inlay up --install` as a service; or say --yes";
    if !ask::confirm(ctx, "No manager runs here. Start `inlay up` in the background?", instead)? {
        return Err(CommandError::failed("nothing was linked: no manager runs here").hint(instead));
    }
    let ready = up::detach(ctx, None, None)?;
    ctx.say(&ready);
    Service::open(ctx).await
}

/// Adds the mappings of the command line to those that the files' names propose.
fn map(portions: &mut [Portion], args: &Args) -> Result<(), CommandError> {
    let clauses = Clauses {
        key: args.key.as_deref(),
        except: &args.except,
        default: &args.default,
        map: &args.map,
        var: &args.var,
    };
    let mut all = clauses.shared();
    for (at, portion) in portions.iter_mut().enumerate() {
        if at == 1 {
            for pair in &args.map {
                let (first, other) = pair.split_once('=').ok_or_else(|| {
                    CommandError::usage(format!("--map {pair}: it needs two names, as in /*/headers=/*/http_headers"))
                })?;
                all.push(format!("map {other}={first}"));
            }
        }
        portion.add_mapping(&all.join("; "))?;
    }
    Ok(())
}

/// The place of the member whose content begins.
fn begins(portions: &[Portion], args: &Args, ctx: &Context, service: &Service) -> Result<usize, CommandError> {
    if let Some(from) = &args.from {
        let at = place_of(portions, from, "--from", ctx, service)?;
        if portions[at].content == Content::Missing {
            return Err(CommandError::usage(format!("--from {from}: there is nothing to begin with")));
        }
        return Ok(at);
    }
    let with: Vec<usize> = (0..portions.len()).filter(|at| portions[*at].content != Content::Missing).collect();
    let Some(first) = with.first().copied() else {
        return Err(CommandError::new(
            crate::error::Exit::Portion,
            "none of these portions is there: one has to have content",
        )
        .hint("`inlay list FILE` shows the portions of a file, `inlay put ADDRESS --create` makes one"));
    };
    let known: Vec<usize> = with.iter().copied().filter(|at| portions[*at].content != Content::Unknown).collect();
    let all_equal = known.windows(2).all(|pair| portions[pair[0]].content == portions[pair[1]].content);
    // What cannot be seen yet is shown on its own machine before it is replaced there.
    if with.len() == 1 || (all_equal && !known.is_empty()) {
        return Ok(known.first().copied().unwrap_or(first));
    }
    portions::show_differences(portions, ctx)?;
    if ctx.yes {
        ctx.say(format_args!("The content of {} begins.", portions[first].shown(ctx)));
        return Ok(first);
    }
    if !ask::is_interactive() {
        return Err(CommandError::usage("the portions differ, and there is nobody to ask whose content begins")
            .hint("--from ADDRESS says whose; what the others held is kept as versions"));
    }
    let choices: Vec<String> = with.iter().map(|at| portions[*at].shown(ctx)).collect();
    let chosen = ask::choose("Whose content begins? What the others hold is kept as a version.", &choices)?;
    chosen.map(|at| with[at]).ok_or_else(|| CommandError::failed("nothing was linked"))
}

fn place_of(
    portions: &[Portion],
    address: &Address,
    option: &str,
    ctx: &Context,
    service: &Service,
) -> Result<usize, CommandError> {
    let found: Vec<usize> = portions
        .iter()
        .enumerate()
        .filter_map(|(at, portion)| portion.is_meant(address, ctx, service).then_some(at))
        .collect();
    match found[..] {
        [at] => Ok(at),
        [] => Err(CommandError::usage(format!("{option} {address} is none of the addresses"))),
        _ => {
            Err(CommandError::usage(format!("{option} {address} may be several of the addresses"))
                .hint("add its selector"))
        }
    }
}

fn conflict(portions: &[Portion], args: &Args, ctx: &Context, service: &Service) -> Result<String, CommandError> {
    match args.conflict.as_str() {
        "merge" | "newest" | "manual" => Ok(args.conflict.clone()),
        other => {
            let address = other.strip_prefix("prefer=").or_else(|| other.strip_prefix("prefer ")).ok_or_else(|| {
                CommandError::usage(format!("--conflict {other}: it is merge, newest, manual or prefer=ADDRESS"))
            })?;
            let address: Address = address.parse()?;
            Ok(format!("prefer {}", place_of(portions, &address, "--conflict prefer", ctx, service)?))
        }
    }
}

/// Waits until a group has settled, and shows it.
pub(crate) async fn settle(service: &mut Service, name: &str, ctx: &Context) -> Result<(), CommandError> {
    settle_without(service, name, &[], &[], ctx).await
}

/// The members that nothing holds up, by id.
pub(crate) fn free(group: &v1::GroupStatus) -> Vec<Vec<u8>> {
    group.members.iter().filter(|m| m.state != "suspended").map(|m| m.member.clone()).collect()
}

/// The same, after something was done about the members of the ids `told`: they do not stay as they were. Those of the ids `free`
/// were not held up before.
///
/// # Errors
/// One of `told` is still held up, or one of `free` is now.
pub(crate) async fn settle_without(
    service: &mut Service,
    name: &str,
    told: &[Vec<u8>],
    free: &[Vec<u8>],
    ctx: &Context,
) -> Result<(), CommandError> {
    let progress = Progress::start(ctx, "waiting until it is in sync");
    let moving = |g: &v1::GroupStatus, m: &v1::MemberStatus| match m.state.as_str() {
        "changed" | "behind" => true,
        // What is missing stays so until there is something to make it from.
        "suspended" if m.missing && g.head.is_empty() => false,
        "awaiting-consent" | "suspended" => told.contains(&m.member),
        _ => false,
    };
    let settled = |groups: &[v1::GroupStatus]| {
        groups.iter().all(|g| {
            let begun = !g.head.is_empty() || g.members.iter().any(|m| !moving(g, m) && m.state != status::IN_SYNC);
            begun && !g.members.iter().any(|m| moving(g, m))
        })
    };
    let groups = status::wait_for(service, name.to_owned(), SETTLE, settled).await?;
    drop(progress);
    status::show(&groups, ctx)?;
    for group in &groups {
        let waits = |m: &&v1::MemberStatus| {
            told.contains(&m.member) && moving(group, m) && ["awaiting-consent", "suspended"].contains(&&m.state[..])
        };
        let may_be_missing = group.head.is_empty();
        let is_held = |m: &&v1::MemberStatus| {
            m.state == "suspended" && free.contains(&m.member) && !(m.missing && may_be_missing)
        };
        let still = group.members.iter().find(waits).map(|member| (member, "still "));
        if let Some((member, still)) = still.or_else(|| group.members.iter().find(is_held).map(|m| (m, ""))) {
            let (address, cause) = (status::address(member, ctx), status::cause(group, member, ctx));
            return Err(CommandError::failed(format!("{address} is {still}{}: {cause}", member.state))
                .hint(status::remedy(member, ctx)));
        }
    }
    if groups.iter().all(|g| g.state == status::IN_SYNC) {
        let name = if name.is_empty() { "NAME" } else { name };
        ctx.say(format_args!("Next: edit one of the files, and look at `inlay log {name}`."));
    }
    Ok(())
}
