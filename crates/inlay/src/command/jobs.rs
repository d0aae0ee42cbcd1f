//! `inlay jobs`.

use serde_json::json;
use wire::v1;

use crate::ask;
use crate::command::agents::local;
use crate::command::status;
use crate::context::Context;
use crate::error::CommandError;
use crate::service::{self, Service};

/// List jobs: the instructions to back up and to restore, and what became of them
///
/// With --json, times are the manager's, in microseconds since 1970; 0 is not yet.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  inlay jobs\n  inlay jobs mcp --limit 5 --json")]
pub struct Args {
    /// The group; all of them if it is left out
    pub name: Option<String>,
    /// The newest so many
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    pub limit: u32,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    service::block_on(async {
        let mut service = Service::open(ctx).await?;
        if let Some(name) = &args.name {
            service.group(name).await?;
        }
        let request = v1::ListJobsRequest { name: args.name.clone().unwrap_or_default(), limit: args.limit };
        let jobs = service.client.list_jobs(request).await?.into_inner().jobs;
        if ctx.json {
            let list: Vec<_> = jobs
                .iter()
                .map(|j| {
                    json!({"job": hex::encode(&j.job), "group": j.group, "agent": j.agent, "path": j.path,
                        "selector": j.selector, "kind": j.kind, "state": j.state, "attempts": j.attempts,
                        "generation": j.generation, "version": status::id(&j.version), "error": j.error,
                        "noticed_at": j.noticed_at, "made_at": j.made_at, "sent_at": j.sent_at, "done_at": j.done_at})
                })
                .collect();
            return ctx.print_json(serde_json::Value::Array(list));
        }
        let rows: Vec<Vec<String>> = jobs
            .iter()
            .map(|j| {
                let took = j.done_at.checked_sub(j.noticed_at.min(j.made_at)).filter(|_| j.noticed_at > 0);
                vec![
                    local(j.made_at / 1_000),
                    j.group.clone(),
                    j.kind.clone(),
                    j.state.clone(),
                    took.map(|us| format!("{:.1} ms", us as f64 / 1_000.0)).unwrap_or_default(),
                    status::typed(&j.agent, &j.path, &j.selector, ctx),
                    j.error.clone(),
                ]
            })
            .collect();
        ctx.print_text(&ask::table(&["MADE", "GROUP", "KIND", "STATE", "TOOK", "MEMBER", "ERROR"], &rows))
    })
}
