//! `inlay add NAME ADDRESS…`.

use portion::Address;
use wire::v1;

use crate::command::{diff, link};
use crate::context::Context;
use crate::error::CommandError;
use crate::history;
use crate::mappings::Clauses;
use crate::members;
use crate::place::argument;
use crate::portions::{self, Content, Portion};
use crate::service::{self, Service};
use crate::zone::Zone;

/// Take further portions into a group
///
/// A portion that is missing is made, one that is equal joins silently. Where it differs the difference is shown, and the group waits
/// until you choose: --adopt takes the group's content, --offer makes the portion's the next version. What it held is kept as a version.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  inlay add mcp ~/.claude.json ~/.codex/config.toml --adopt\n  inlay add dns 'server3:/etc/hosts#mark:dns'"
)]
pub struct Args {
    /// The group
    pub name: String,
    /// The portions, [AGENT:]PATH#SELECTOR
    #[arg(required = true, num_args = 1.., value_name = "ADDRESS", value_parser = argument)]
    pub addresses: Vec<Address>,
    /// Their content becomes the group's next version
    #[arg(long, conflicts_with = "adopt")]
    pub offer: bool,
    /// They take the group's content
    #[arg(long)]
    pub adopt: bool,
    /// Keys that are private to these files, as JSON Pointers from the portion's root; * stands for any key. Can be given several times
    #[arg(long, value_name = "POINTER")]
    pub except: Vec<String>,
    /// A key that the group leaves out while it has this value, as in '/*/type="stdio" if command' (the condition, another key
    /// beside it, may be left out); a new entry gets it. Can be given several times
    #[arg(long, value_name = "KEY=JSON")]
    pub default: Vec<String>,
    /// Their name of a key and the group's, as in /*/http_headers=/*/headers. Can be given several times
    #[arg(long, value_name = "THEIRS=GROUPS")]
    pub map: Vec<String>,
    /// A value of this machine that goes by ${NAME} in the group: NAME=env:VARIABLE and NAME=file:PATH are read by the agent, told to nobody,
    /// and allowed for these files alone; NAME=TEXT or NAME=NUMBER is no secret. HOME=env:HOME is the home directory. Can be given several
    /// times
    #[arg(long, value_name = "NAME=SOURCE")]
    pub var: Vec<String>,
    /// They are tables: rows are told apart by this column, their order is each file's own, and keys for --except and --map begin with it:
    /// /*/notes is a column
    #[arg(long, value_name = "COLUMN")]
    pub key: Option<String>,
    /// They only send, or only receive
    #[arg(long, value_enum, value_name = "WAY")]
    pub only: Option<Only>,
}

/// Which way changes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Only {
    /// Their edits travel; nothing is restored into them.
    Send,
    /// They are restored; their own edits are kept as versions and give way.
    Receive,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    if args.offer && args.addresses.len() > 1 {
        return Err(CommandError::usage("--offer: only one member's content can be the next version"));
    }
    service::block_on(async {
        let mut service = Service::open(ctx).await?;
        let group = service.group(&args.name).await?;
        let mut portions = portions::look(&mut service, &args.addresses, ctx).await?;
        let clauses = Clauses {
            key: args.key.as_deref(),
            except: &args.except,
            default: &args.default,
            map: &args.map,
            var: &args.var,
        }
        .all();
        for portion in &mut portions {
            portion.add_mapping(&clauses.join("; "))?;
        }
        portions::read(&mut service, &mut portions, ctx).await?;
        portions::check_nested(&portions, &group.members, ctx)?;
        portions::describe(&portions, ctx);
        let mut members = Vec::new();
        for portion in &portions {
            let join = if args.offer {
                v1::Join::Offer
            } else if args.adopt || agrees(&mut service, &group, portion, ctx).await? {
                v1::Join::Adopt
            } else {
                v1::Join::Wait
            };
            let direction = match args.only {
                None => v1::Direction::Both,
                Some(Only::Send) => v1::Direction::Send,
                Some(Only::Receive) => v1::Direction::Receive,
            };
            members.push(v1::NewMember { join: join.into(), direction: direction.into(), ..portion.new_member() });
        }
        let request = v1::LinkRequest { name: args.name.clone(), members, conflict: String::new(), make: false };
        portions::consent(&service, &portions, ctx)?;
        service.client.link(request).await?;
        link::settle(&mut service, &args.name, ctx).await
    })
}

/// Whether nothing of the portion would be replaced: it is missing, or means what the head means. Shows the difference otherwise.
async fn agrees(
    service: &mut Service,
    group: &v1::GroupStatus,
    portion: &Portion,
    ctx: &Context,
) -> Result<bool, CommandError> {
    match &portion.content {
        Content::Missing => return Ok(true),
        // `accept` on its machine shows what would arrive, and asks.
        Content::Unknown => return Ok(false),
        Content::Value(_) | Content::Fingerprint(_) => {}
    }
    let (Some(shared), Some(zone)) = (&portion.shared, Zone::open(&service.home).await?) else { return Ok(false) };
    let log = service.client.log(v1::LogRequest { name: group.name.clone(), limit: 0 }).await?.into_inner();
    if log.head.is_empty() {
        return Ok(false);
    }
    let head = members::version(&log, "head", &group.name)?;
    let head = history::side(&zone, &group.name, &head).await?;
    let value = portion.mapping.value(shared).map_err(|e| CommandError::lens(&portion.address.path, e))?;
    if value.canonical() == head.value.canonical() {
        return Ok(true);
    }
    let own = diff::Side { name: portion.shown(ctx), fragment: shared.clone(), value };
    if !ctx.json {
        ctx.say(format_args!("From the group to {}:", own.name));
        diff::show(&head, &own, ctx)?;
        ctx.say(format_args!(
            "The group waits: `inlay resolve {} --take head`, or `--take {}`.",
            group.name, portion.address
        ));
    }
    Ok(false)
}
