//! `inlay agents`.

use serde_json::json;
use wire::v1;

use crate::ask;
use crate::context::Context;
use crate::error::CommandError;
use crate::service::{self, Service};

/// List the agents: who they are, and whether they are connected
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  inlay agents")]
pub struct Args {}

pub(crate) fn run(_: &Args, ctx: &Context) -> Result<(), CommandError> {
    service::block_on(async {
        let mut service = Service::open(ctx).await?;
        let agents = service.client.list_agents(v1::ListAgentsRequest {}).await?.into_inner().agents;
        if ctx.json {
            let list: Vec<_> = agents
                .iter()
                .map(|a| {
                    json!({"agent": a.name, "id": hex::encode(&a.agent), "host": a.host, "online": a.online,
                        "seen": time(a.seen_at), "operate": a.operate, "members": a.members, "program": a.program})
                })
                .collect();
            return ctx.print_json(serde_json::Value::Array(list));
        }
        let rows: Vec<Vec<String>> = agents
            .iter()
            .map(|a| {
                let here = if service.agent.as_ref() == Some(&a.name) { " (this machine)" } else { "" };
                vec![
                    format!("{}{here}", a.name),
                    if a.online { "connected".to_owned() } else { format!("last seen {}", local(a.seen_at)) },
                    a.members.to_string(),
                    if a.operate { "yes" } else { "no" }.to_owned(),
                    a.host.clone(),
                    a.program.clone(),
                ]
            })
            .collect();
        ctx.print_text(&ask::table(&["AGENT", "STATE", "MEMBERS", "OPERATES", "HOST", "PROGRAM"], &rows))?;
        ctx.say("Next: `inlay invite` takes a further machine in.");
        Ok(())
    })
}

/// Milliseconds since 1970 as RFC 3339; null for never.
pub(crate) fn time(milliseconds: u64) -> serde_json::Value {
    match i64::try_from(milliseconds).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()) {
        Some(time) if milliseconds > 0 => time.to_string().into(),
        _ => serde_json::Value::Null,
    }
}

/// Milliseconds since 1970 in this machine's time zone.
pub(crate) fn local(milliseconds: u64) -> String {
    match i64::try_from(milliseconds).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()) {
        Some(time) if milliseconds > 0 => {
            time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
        }
        _ => "never".to_owned(),
    }
}
