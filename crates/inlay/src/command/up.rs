//! `inlay up`.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ::manager::ManagerOptions;
use tokio_util::sync::CancellationToken;

use crate::ask::Progress;
use crate::command::manager::{self, NewManager};
use crate::context::{Context, Verbosity};
use crate::error::{CommandError, Exit};
use crate::home::Home;
use crate::serving::{self, Listening};
use crate::{command, enrolment, os, service};

/// How long the invite lasts with which `up` enrols its own agent.
const OWN_INVITE: Duration = Duration::from_secs(300);
/// So much of a log is shown when a start fails, in bytes.
const TAIL: i64 = 2_000;
/// What the ready line contains.
pub(crate) const READY: &str = " ready";

/// Run everything that this machine needs: manager, media agent and this machine's agent, in one process
///
/// On first use it makes a manager with a repository in --home, and enrols this machine. In a home that `inlay join` made it runs the
/// agent alone. Runs in the foreground until SIGTERM or Ctrl-C, and says when it is ready, in one line on standard output.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  inlay up\n  inlay up --detach\n  inlay up --install            # as a systemd user service\n  inlay up --listen 127.0.0.1:0 # for this machine only"
)]
pub struct Args {
    /// What to call this machine, on first use: a to z, 0 to 9 and - [default: its host name]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Where the manager listens, on first use; port 0 chooses a free one [default: 0.0.0.0:7310]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Go to the background once everything is ready; the log is up.log in --home
    #[arg(long, conflicts_with = "install")]
    pub detach: bool,
    /// Install and start it as a systemd user service, which survives logging out and restarts
    #[arg(long)]
    pub install: bool,
    /// This process is the one that `--detach` started
    #[arg(long, hide = true)]
    pub background: bool,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    if args.install {
        return command::unit::install(args, ctx);
    }
    if args.detach {
        let home = Home::new(ctx);
        if home.has_manager() && home.has_agent() && service::block_on(service::Service::open(ctx)).is_ok() {
            ctx.say("It runs already. `inlay status` shows what it does.");
            return Ok(());
        }
        let ready = detach(ctx, args.name.as_deref(), args.listen)?;
        ctx.print(ready)?;
        ctx.say(format_args!("Its log is {}; `kill $(cat {})` ends it.", home.log().display(), home.pid().display()));
        ctx.say("Next: `inlay link NAME ADDRESS ADDRESS`; `inlay invite` for another machine.");
        return Ok(());
    }
    if args.background {
        os::leave_terminal();
    }
    serving::run(ctx, serve(args, ctx))
}

async fn serve(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let home = Home::new(ctx);
    if home.has_agent() && !home.has_manager() {
        return command::agent::serve(ctx).await;
    }
    if !home.has_manager() {
        let made = manager::make(&home, ctx, NewManager { listen: args.listen, names: &[], repo: None }).await?;
        ctx.say(format_args!("A recovery kit lies in {}: keep a copy of it off this machine.", made.kit.display()));
    }
    check_listen(&home, args.listen)?;
    let listening = Listening::open(&home, ManagerOptions::default()).await?;
    let address = listening.address.clone();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(listening.serve(stop.clone()));
    tokio::pin!(serving);
    let with_agent = async {
        enrol_itself(&home, args.name.as_deref()).await?;
        let (agent, identity) = serving::start_agent(&home, ctx).await?;
        let ready = |_| ctx.print(format_args!("inlay up: manager on {address} and agent {}{READY}", identity.name));
        serving::run_agent(agent, ready).await
    };
    let done = tokio::select! {
        ended = &mut serving => return manager::flat(ended),
        done = with_agent => done,
    };
    stop.cancel();
    done.and(manager::flat(serving.await))
}

/// `--listen` is for the first use: agents know the address since.
fn check_listen(home: &Home, asked: Option<SocketAddr>) -> Result<(), CommandError> {
    let (settings, _) = ::manager::find(&home.manager())?;
    match asked {
        Some(asked) if asked.port() != 0 && asked != settings.listen => {
            let file = home.manager().join("manager.json");
            Err(CommandError::usage(format!("this home's manager listens on {}, as it was made", settings.listen))
                .hint(format!(
                    "leave --listen out; or change `listen` in {}, and enrol other machines anew",
                    file.display()
                )))
        }
        _ => Ok(()),
    }
}

/// Makes this machine an agent of its own manager, as `invite` and `join` do between two machines.
async fn enrol_itself(home: &Home, name: Option<&str>) -> Result<(), CommandError> {
    if home.has_agent() {
        return Ok(());
    }
    let (address, credentials) = service::own_manager(home)?;
    let mut client = agent::operator(std::slice::from_ref(&address), &credentials).await?;
    let mut invitation = enrolment::invite(&mut client, home, OWN_INVITE, 1, true).await?;
    invitation.addresses = vec![address];
    enrolment::join(home, &invitation, name).await?;
    Ok(())
}

/// Starts `inlay up` in the background, and waits until it is ready. Returns its ready line.
pub(crate) fn detach(ctx: &Context, name: Option<&str>, listen: Option<SocketAddr>) -> Result<String, CommandError> {
    let home = Home::new(ctx);
    os::private_folder(home.root()).map_err(|e| CommandError::file("make", home.root(), e))?;
    let log = File::options().create(true).append(true).read(true).open(home.log());
    let mut log = log.map_err(|e| CommandError::file("open", &home.log(), e))?;
    let start = log.seek(SeekFrom::End(0)).map_err(|e| CommandError::file("read", &home.log(), e))?;
    let program = std::env::current_exe().map_err(|e| CommandError::failed("cannot find this program").because(e))?;
    let mut command = Command::new(program);
    command.arg("--home").arg(home.root()).args(["up", "--background"]);
    match ctx.verbosity {
        Verbosity::Debug => drop(command.arg("-vv")),
        Verbosity::Verbose => drop(command.arg("-v")),
        _ => {}
    }
    if let Some(name) = name {
        command.args(["--name", name]);
    }
    if let Some(listen) = listen {
        command.args(["--listen", &listen.to_string()]);
    }
    let errors = log.try_clone().map_err(|e| CommandError::file("open", &home.log(), e))?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).current_dir("/");
    let _progress = Progress::start(ctx, "starting inlay up");
    let mut child = command.spawn().map_err(|e| CommandError::failed("cannot start `inlay up`").because(e))?;
    match ready_line(&mut child) {
        Some(line) => {
            let pid = home.pid();
            fs::write(&pid, format!("{}\n", child.id())).map_err(|e| CommandError::file("write", &pid, e))?;
            Ok(line)
        }
        None => {
            let _ = child.wait();
            let mut said = String::new();
            let _ = log.seek(SeekFrom::Start(start)).and_then(|_| log.read_to_string(&mut said));
            let from = said.len().saturating_sub(usize::try_from(TAIL).unwrap_or(0));
            let tail = said.get(from..).unwrap_or(&said).trim_end();
            Err(CommandError::new(Exit::Failed, format!("`inlay up` did not start; it says:\n{tail}"))
                .hint(format!("the whole log is {}", home.log().display())))
        }
    }
}

/// Waits for the ready line; `None` if the process ends without one.
fn ready_line(child: &mut Child) -> Option<String> {
    let out = BufReader::new(child.stdout.take()?);
    out.lines().map_while(Result::ok).find(|line| line.contains(READY))
}
