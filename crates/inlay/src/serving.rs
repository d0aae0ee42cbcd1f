//! The roles that run for long, put together: manager, media agent, agent. Ends cleanly when asked to.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use agent::{Agent, AgentOptions, Identity, RepositoryOpener, TlsConnect};
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::{Extension, Router};
use manager::{Manager, ManagerOptions, Peer};
use media::{Access, Caller, Grants, Hosted, MediaOptions};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::context::{Context, Verbosity};
use crate::error::{CommandError, Exit};
use crate::home::Home;
use crate::{os, service, zone};

/// How long a connection may take until an agent says that it is ready without one.
const CONNECT: Duration = Duration::from_secs(10);

/// Runs a role's future with as many threads as there are processors, and logs to standard error.
pub(crate) fn run(ctx: &Context, role: impl Future<Output = Result<(), CommandError>>) -> Result<(), CommandError> {
    start_log(ctx.verbosity);
    service::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|e| CommandError::failed("cannot start a runtime").because(e))?;
    runtime.block_on(role)
}

fn start_log(verbosity: Verbosity) {
    let filter = match verbosity {
        Verbosity::Quiet => "error",
        Verbosity::Normal => "warn,inlay=info,manager=info,agent=info,media=info",
        Verbosity::Verbose => "info,inlay=debug,manager=debug,agent=debug,media=debug,repo=debug",
        Verbosity::Debug => "debug,inlay=trace,manager=trace,agent=trace,media=trace,repo=trace",
    };
    // An error only says that there is a log already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        // A log that cannot be written (a full disk, a closed pipe) must not end what it tells of.
        .log_internal_errors(false)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_target(false)
        .try_init();
}

/// A manager that listens, and serves once it is told to.
pub(crate) struct Listening {
    manager: Manager,
    listener: TcpListener,
    extra: Router,
    /// Where it is reached on this machine, `HOST:PORT`.
    pub address: String,
}

impl Listening {
    /// Opens the manager of a home. Needs no key.
    pub(crate) async fn open(home: &Home, options: ManagerOptions) -> Result<Listening, CommandError> {
        let (settings, _) = manager::find(&home.manager())?;
        let listener = TcpListener::bind(settings.listen).await.map_err(|e| {
            let in_use = e.kind() == std::io::ErrorKind::AddrInUse;
            let made = CommandError::failed(format!("cannot listen on {}", settings.listen)).because(e);
            let settings = home.manager().join("manager.json");
            let other =
                format!("if another program has the port: choose another one as `listen` in {}", settings.display());
            if in_use {
                made.hint("does another inlay run with this home? `inlay status` asks it").hint(other)
            } else {
                made
            }
        })?;
        let listen =
            listener.local_addr().map_err(|e| CommandError::failed("the listener has no address").because(e))?;
        let manager = Manager::open(&home.manager(), options).map_err(|e| CommandError::of(Exit::Failed, e))?;
        let extra = media_routes(home)?;
        Ok(Listening { manager, listener, extra, address: service::reachable(listen).to_string() })
    }

    /// Serves until `stop` is cancelled.
    pub(crate) async fn serve(self, stop: CancellationToken) -> Result<(), CommandError> {
        manager::serve(self.manager, self.listener, self.extra, stop.cancelled_owned())
            .await
            .map_err(|e| CommandError::of(Exit::Failed, e))
    }
}

/// The media agent's routes, for the repositories on this machine; none where there are none.
fn media_routes(home: &Home) -> Result<Router, CommandError> {
    let hosted = home.hosted()?;
    if hosted.is_empty() {
        return Ok(Router::new());
    }
    let repositories: BTreeMap<String, Hosted> =
        hosted.into_iter().map(|(name, folder)| (name, Hosted { folder, quota: None })).collect();
    let options = MediaOptions::new(repositories, home.manager().join("media"));
    let media = media::router(options).map_err(|e| CommandError::of(Exit::Failed, e))?;
    Ok(Router::new().nest("/repo", media.layer(middleware::from_fn(name_caller))))
}

/// Tells the media agent who calls, by the certificate: agents add, the operator may do everything, nobody else anything.
async fn name_caller(peer: Option<Extension<Peer>>, mut request: Request, next: Next) -> axum::response::Response {
    let caller = peer.and_then(|Extension(peer)| match &peer.identity {
        Some(manager::Identity::Operator) => {
            Some(Caller { name: "operator".to_owned(), grants: Grants::All(Access::Operate) })
        }
        Some(manager::Identity::Agent { id, .. }) => {
            Some(Caller { name: id.to_string(), grants: Grants::All(Access::Append) })
        }
        None => None,
    });
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
    }
    next.run(request).await
}

/// Starts this home's agent.
pub(crate) async fn start_agent(home: &Home, ctx: &Context) -> Result<(Agent, Identity), CommandError> {
    let identity = Identity::load(&home.agent()).map_err(|e| CommandError::of(Exit::Failed, e))?;
    let repository = home.repository()?.ok_or_else(|| {
        CommandError::failed("this agent has no repository").hint("`inlay join` enrols it anew and gives it one")
    })?;
    let connect = TlsConnect::new(&identity.addresses, &identity.credentials)?;
    let opener = {
        let home = home.clone();
        move || -> futures::future::BoxFuture<'static, _> {
            let (home, repository) = (home.clone(), repository.clone());
            Box::pin(async move { zone::open_repository(&home, &repository).await.map_err(zone::for_agent) })
        }
    };
    let host = os::host_name();
    let options = AgentOptions {
        folder: home.agent(),
        identity: identity.clone(),
        connect: Arc::new(connect),
        copies: Arc::new(RepositoryOpener { name: identity.name.clone(), host: host.clone(), open: opener }),
        user_home: ctx.user_home.clone(),
        environment: |name| std::env::var(name).ok(),
        program: concat!("inlay ", env!("CARGO_PKG_VERSION")).to_owned(),
        host,
        rescan: agent::RESCAN,
    };
    let agent = Agent::start(options).await.map_err(|e| CommandError::of(Exit::Failed, e))?;
    Ok((agent, identity))
}

/// Runs an agent until the process is asked to end. `ready` is told once it is connected to the manager, so that what is asked of it
/// then does not find it offline; or after some time that it is not: it goes on trying.
pub(crate) async fn run_agent(
    mut agent: Agent,
    ready: impl FnOnce(bool) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let mut end = pin!(asked_to_end());
    let connected = tokio::select! {
        () = agent.connected() => Some(true),
        () = tokio::time::sleep(CONNECT) => Some(false),
        () = &mut end => None,
    };
    let done = match connected.map(ready) {
        None => Ok(()),
        Some(Err(error)) => Err(error),
        Some(Ok(())) => tokio::select! {
            () = agent.ended() => Err(CommandError::failed("the agent ended before its time").hint("its log says why")),
            () = &mut end => Ok(()),
        },
    };
    agent.shut_down().await;
    done
}

/// Resolves when the process is asked to end.
pub(crate) async fn asked_to_end() {
    if let Err(error) = os::asked_to_end().await {
        tracing::error!(%error, "signals cannot be received");
        std::future::pending::<()>().await;
    }
}
