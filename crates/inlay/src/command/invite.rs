//! `inlay invite`.

use std::time::Duration;

use serde_json::json;

use crate::ask;
use crate::context::Context;
use crate::enrolment;
use crate::error::CommandError;
use crate::home::Home;
use crate::service::{self, Service};

/// Invite a machine: prints a code for `inlay join` there
///
/// The code holds the manager's addresses, the fingerprint of its certificate authority, and a one-time secret that also unwraps the
/// repository's password. Send it by a way that others do not read: who uses it first, and in time, is in. The manager keeps only the
/// secret's hash and the wrapped password.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  inlay invite\n  inlay invite --ttl 15m --no-operate\n  inlay invite -q | ssh laptop 'inlay join --code-file -'"
)]
pub struct Args {
    /// How long it is good, as in 90s, 15m, 1h or 7d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = ask::duration)]
    pub ttl: Duration,
    /// How many machines may use it
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub uses: u32,
    /// The machine may not link, resolve or invite: only its files take part
    #[arg(long)]
    pub no_operate: bool,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    service::block_on(async {
        let mut service = Service::open(ctx).await?;
        let home = Home::new(ctx);
        let made = enrolment::invite(&mut service.client, &home, args.ttl, args.uses, !args.no_operate).await?;
        let code = made.code();
        if ctx.json {
            return ctx.print_json(json!({"code": *code, "addresses": made.addresses, "ca": hex::encode(made.ca),
                "expires_in": args.ttl.as_secs(), "uses": args.uses, "operate": !args.no_operate}));
        }
        ctx.say("On the other machine, type `inlay join`, and give it this code when it asks:\n");
        ctx.print(&*code)?;
        ctx.say(format_args!(
            "\nIt is good for {}, {}, and reaches the manager at {}.\nThen: `inlay agent run` there, and `inlay add NAME ADDRESS` to take part in a group.",
            spoken(args.ttl),
            if args.uses == 1 { "once".to_owned() } else { format!("{} times", args.uses) },
            made.addresses.join(", "),
        ));
        Ok(())
    })
}

fn spoken(time: Duration) -> String {
    let seconds = time.as_secs();
    let (number, unit) = match seconds {
        s if s % 86_400 == 0 => (s / 86_400, "day"),
        s if s % 3_600 == 0 => (s / 3_600, "hour"),
        s if s % 60 == 0 => (s / 60, "minute"),
        s => (s, "second"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}
