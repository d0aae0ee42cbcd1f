//! `inlay log NAME`.

use anstyle::{AnsiColor, Style};
use plan::VersionId;
use serde_json::json;
use wire::v1;

use crate::ask;
use crate::command::agents::{local, time};
use crate::command::status;
use crate::context::Context;
use crate::error::CommandError;
use crate::service::{self, Service};

/// Show a group's history, the newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  inlay log mcp\n  inlay log mcp --limit 5 --json")]
pub struct Args {
    /// The group
    pub name: String,
    /// The newest so many; 0 for all
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub limit: u32,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    service::block_on(async {
        let mut service = Service::open(ctx).await?;
        let request = v1::LogRequest { name: args.name.clone(), limit: args.limit };
        let mut log = service.client.log(request).await?.into_inner();
        log.versions.sort_by_key(|entry| std::cmp::Reverse(entry.number));
        if ctx.json {
            let list: Vec<_> = log.versions.iter().map(|entry| as_json(entry, &log)).collect();
            return ctx.print_json(serde_json::Value::Array(list));
        }
        let rows: Vec<Vec<String>> = log.versions.iter().map(|entry| row(entry, &log, ctx)).collect();
        ctx.print_text(&ask::table(&["", "NO", "VERSION", "KIND", "COMMITTED", "FROM", "BYTES"], &rows))?;
        if log.versions.is_empty() {
            ctx.say(format_args!("`{}` has no version yet; `inlay status {0}` says why.", args.name));
        } else {
            ctx.say(format_args!("Next: `inlay show {0}@NO`, `inlay diff {0} NO`, `inlay restore {0}@NO`.", args.name));
        }
        Ok(())
    })
}

fn version(entry: &v1::VersionEntry) -> &[u8] {
    entry.record.as_ref().map_or(&[], |record| &record.version)
}

fn row(entry: &v1::VersionEntry, log: &v1::LogReply, ctx: &Context) -> Vec<String> {
    let colour = |c: AnsiColor| Style::new().fg_color(Some(c.into()));
    let (green, red, dim) = (colour(AnsiColor::Green), colour(AnsiColor::Red), Style::new().dimmed());
    let mark = match (version(entry) == log.head, entry.open, entry.branch) {
        (true, ..) => format!("{green}head{green:#}"),
        (_, true, _) => format!("{red}open{red:#}"),
        (.., true) => format!("{dim}branch{dim:#}"),
        _ => String::new(),
    };
    vec![
        mark,
        entry.number.to_string(),
        VersionId::from_bytes(version(entry)).map(|id| id.short()).unwrap_or_default(),
        entry.kind.clone(),
        local(entry.committed_at),
        status::typed(&entry.agent, &entry.path, &entry.selector, ctx),
        entry.record.as_ref().map(|r| r.size.to_string()).unwrap_or_default(),
    ]
}

fn as_json(entry: &v1::VersionEntry, log: &v1::LogReply) -> serde_json::Value {
    let record = entry.record.as_ref();
    json!({
        "version": status::id(version(entry)),
        "number": entry.number,
        "kind": entry.kind,
        "parents": entry.parents.iter().map(|p| status::id(p)).collect::<Vec<_>>(),
        "agent": entry.agent,
        "path": entry.path,
        "selector": entry.selector,
        "fingerprint": record.map(|r| hex::encode(&r.text)),
        "value_fingerprint": record.map(|r| hex::encode(&r.value)),
        "format": record.map(|r| r.format.clone()),
        "mapping": record.map(|r| r.mapping.clone()),
        "size": record.map(|r| r.size),
        "time": time(entry.committed_at),
        "snapshot": if entry.snapshot.is_empty() { None } else { Some(&entry.snapshot) },
        "branch": entry.branch,
        "open": entry.open,
        "head": version(entry) == log.head,
    })
}
