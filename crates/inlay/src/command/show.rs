//! `inlay show NAME[@V]`.

use std::io::{IsTerminal, stdout};

use portion::Format;
use wire::v1;

use crate::command::get;
use crate::context::Context;
use crate::error::CommandError;
use crate::members;
use crate::service::{self, Service};
use crate::zone::{self, Zone};

/// Print a version's content; it is decrypted here
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  inlay show mcp\n  inlay show mcp@3\n  inlay show mcp@-1 --value")]
pub struct Args {
    /// The group, and the version: NAME, NAME@NO, NAME@-1 (one before the head), NAME@ID
    #[arg(value_name = "NAME[@V]")]
    pub version: String,
    /// Print what it means to the group, as JSON
    #[arg(long)]
    pub value: bool,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let (name, version) = split(&args.version);
    service::block_on(async {
        let mut service = Service::open(ctx).await?;
        let log = service.client.log(v1::LogRequest { name: name.to_owned(), limit: 0 }).await?.into_inner();
        let listed = members::version(&log, version, name)?;
        let zone = Zone::need(&service.home, "show contents").await?;
        let fragment = zone.read(&listed.record).await?;
        if fragment.format == Format::Absent {
            ctx.say(format_args!("In version {} the portion is removed.", listed.entry.number));
            return if args.value || ctx.json { ctx.print("null") } else { Ok(()) };
        }
        if args.value || ctx.json {
            let lens = |e| CommandError::lens(&args.version, e);
            let value = zone::mapping(&listed.record)?.value(&fragment).map_err(lens)?;
            return ctx.print_json(get::render(&value).map_err(lens)?);
        }
        ctx.print_bytes(&fragment.text)?;
        if stdout().is_terminal() && !fragment.text.ends_with(b"\n") {
            ctx.print_bytes(b"\n")?;
        }
        Ok(())
    })
}

/// `NAME@V` in its parts; the head if no version is named.
pub(crate) fn split(text: &str) -> (&str, &str) {
    text.split_once('@').unwrap_or((text, "head"))
}
