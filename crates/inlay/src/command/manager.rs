//! `inlay manager init`, `inlay manager run`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

use clap::Subcommand;
use manager::{InitOptions, ManagerOptions, RepositoryInfo};
use repo::{Kdf, OpenError, Options, Password, Repository, open_storage};
use tokio_util::sync::CancellationToken;

use crate::ask::Progress;
use crate::context::Context;
use crate::error::{CommandError, Exit};
use crate::home::{Home, MAIN, served};
use crate::serving::{self, Listening};
use crate::{os, service};

/// The port that a manager listens on, unless it is taken.
const PORT: u16 = 7_310;
/// The name of the password file as long as the repository has no id yet.
const UNBORN: &str = "new";

/// A manager by itself.
///
/// The manager holds groups, members, versions and jobs, and never sees a content. `inlay up` runs one together with this machine's
/// agent; these commands are for a machine that is to be the manager only.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub command: ManagerCommand,
}

/// What can be done with a manager by itself.
#[derive(Debug, Subcommand)]
#[allow(missing_docs, reason = "each command's `Args` says what it does, and the help shows that")]
pub enum ManagerCommand {
    Init(InitArgs),
    Run(RunArgs),
}

/// Make a manager in --home: certificate authority, database, repository, recovery kit
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  inlay manager init\n  inlay manager init --listen 192.168.1.10:7310 --name box.example.org\n  \
                        inlay manager init --repo /mnt/backup/inlay"
)]
pub struct InitArgs {
    /// Where the manager will listen; port 0 chooses a free one, once and for all [default: 0.0.0.0:7310]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Names or addresses under which other machines reach it, besides its own. Can be given several times
    #[arg(long, value_name = "NAME")]
    pub name: Vec<String>,
    /// The folder for the repository, or rest:http://127.0.0.1:PORT/ [default: repo in --home]
    #[arg(long, value_name = "URL")]
    pub repo: Option<String>,
}

/// Run the manager in the foreground, until SIGTERM or Ctrl-C
///
/// Says when it is ready, in one line on standard output. It never opens the folder with the keys.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  inlay --home /srv/inlay manager run")]
pub struct RunArgs {
    /// Store notices and show the state, but plan nothing: no copy is made, nothing is restored
    #[arg(long)]
    pub no_dispatch: bool,
}

pub(crate) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    match &args.command {
        ManagerCommand::Init(init) => {
            let made = {
                let _progress = Progress::start(ctx, "making the repository and the certificates");
                let options = NewManager { listen: init.listen, names: &init.name, repo: init.repo.as_deref() };
                service::block_on(make(&Home::new(ctx), ctx, options))?
            };
            ctx.print(format_args!("manager     {}", made.listen))?;
            ctx.print(format_args!("repository  {}", made.repository))?;
            ctx.print(format_args!("kit         {}", made.kit.display()))?;
            ctx.say(format_args!(
                "Keep a copy of the recovery kit off this machine: without it and without the machines that hold the key,\n\
                 nobody can read the copies. Next: `inlay manager run`, then `inlay invite`."
            ));
            Ok(())
        }
        ManagerCommand::Run(run) => serving::run(ctx, serve(run, ctx)),
    }
}

async fn serve(args: &RunArgs, ctx: &Context) -> Result<(), CommandError> {
    let options = ManagerOptions { dispatch: !args.no_dispatch, ..ManagerOptions::default() };
    let listening = Listening::open(&Home::new(ctx), options).await?;
    let stop = CancellationToken::new();
    let address = listening.address.clone();
    let serving = tokio::spawn(listening.serve(stop.clone()));
    ctx.print(format_args!("inlay manager ready on {address}"))?;
    tokio::pin!(serving);
    tokio::select! {
        done = &mut serving => return flat(done),
        () = serving::asked_to_end() => stop.cancel(),
    }
    flat(serving.await)
}

/// What a role's task ended with.
pub(crate) fn flat(done: Result<Result<(), CommandError>, tokio::task::JoinError>) -> Result<(), CommandError> {
    done.unwrap_or_else(|error| Err(CommandError::failed("the manager failed").because(error)))
}

/// How a manager is made.
pub(crate) struct NewManager<'a> {
    pub listen: Option<SocketAddr>,
    pub names: &'a [String],
    pub repo: Option<&'a str>,
}

/// What was made.
pub(crate) struct Made {
    pub listen: SocketAddr,
    pub repository: String,
    pub kit: PathBuf,
}

/// Makes repository, key, recovery kit and manager, in this order: the manager's settings come last, so that it can be tried again.
pub(crate) async fn make(home: &Home, ctx: &Context, options: NewManager<'_>) -> Result<Made, CommandError> {
    if home.has_manager() {
        return Err(CommandError::failed(format!("there is a manager in {} already", home.root().display()))
            .hint("`inlay manager run` runs it; another one needs another --home"));
    }
    if home.has_agent() {
        return Err(CommandError::failed(format!("{} is the home of another manager's agent", home.root().display()))
            .hint("a manager of its own needs another --home"));
    }
    os::private_folder(home.root()).map_err(|e| CommandError::file("make", home.root(), e))?;
    let listen = free_port(options.listen)?;
    let address = match options.repo {
        None => home.default_repository().display().to_string(),
        Some(url) if url.contains("://") => url.to_owned(),
        Some(path) => ctx.path(path)?.display().to_string(),
    };
    let (repository, kit) = make_repository(home, &address).await?;
    let id = repository.id().to_string();
    let is_folder = !address.contains("://");
    let url = if is_folder { served(MAIN) } else { address.clone() };
    let mut names = options.names.to_vec();
    names.extend(own_names(listen));
    let init = InitOptions { listen, names, repositories: vec![RepositoryInfo { id, url }] };
    if is_folder {
        home.save_hosted(MAIN, address.as_ref())?;
    }
    manager::init(&home.manager(), &init)?;
    Ok(Made { listen, repository: address, kit })
}

/// Makes the repository and keeps its password. What an earlier try left is taken up.
async fn make_repository(home: &Home, address: &str) -> Result<(Repository, PathBuf), CommandError> {
    let failed = |e| CommandError::of(Exit::Failed, e);
    let storage = open_storage(address, None).map_err(|e| CommandError::of(Exit::Usage, e))?;
    let left = home.password(UNBORN)?;
    let password = match &left {
        Some(password) => password.clone(),
        None => {
            Password::generate().map_err(|e| CommandError::failed("the system gives no random numbers").because(e))?
        }
    };
    home.save_password(UNBORN, &password)?;
    // Nobody guesses 160 random bits: hard work at every opening would protect nothing.
    let options = Options { kdf: Kdf::CHEAP };
    let made = match Repository::init(storage.clone(), &password, options).await {
        Err(OpenError::Exists { .. }) if left.is_some() => Repository::open(storage, &password).await,
        made => made,
    };
    let repository = made.map_err(failed).map_err(|e| e.hint("--repo names another place"))?;
    let id = repository.id().to_string();
    home.save_password(&id, &password)?;
    let kit = home.keys().join("recovery-kit.txt");
    let text = repository.recovery_kit(&password);
    os::write_private(&kit, text.as_bytes()).map_err(|e| CommandError::file("write", &kit, e))?;
    let unborn = home.password_file(UNBORN);
    std::fs::remove_file(&unborn).map_err(|e| CommandError::file("remove", &unborn, e))?;
    Ok((repository, kit))
}

/// The address with its port settled: what was asked for; the usual one if it is free; otherwise any that is.
fn free_port(asked: Option<SocketAddr>) -> Result<SocketAddr, CommandError> {
    let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let bound = match asked {
        Some(asked) => TcpListener::bind(asked),
        None => TcpListener::bind((any, PORT)).or_else(|_| TcpListener::bind((any, 0))),
    };
    bound.and_then(|listener| listener.local_addr()).map_err(|e| {
        let what = asked.map_or("no port can be listened on".to_owned(), |asked| format!("cannot listen on {asked}"));
        CommandError::failed(what).because(e).hint("--listen names another address of this machine, or another port")
    })
}

/// Under which names and addresses other machines reach a listener.
fn own_names(listen: SocketAddr) -> Vec<String> {
    if listen.ip().is_loopback() {
        return Vec::new();
    }
    let mut names: Vec<String> = Vec::new();
    if listen.ip().is_unspecified() {
        names.extend(os::own_addresses().iter().filter(|ip| ip.is_ipv4() || listen.is_ipv6()).map(ToString::to_string));
    }
    names.push(os::host_name());
    names
}
