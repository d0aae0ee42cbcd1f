//! The way from a command to the manager: who it acts as, where the manager is, and what its refusals mean.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use agent::{ConnectError, Credentials, Identity, IdentityError};
use portion::Address;
use tonic::transport::Channel;
use wire::v1;
use wire::v1::operator_client::OperatorClient;

use crate::context::Context;
use crate::error::{CommandError, Exit};
use crate::home::Home;
use crate::place;

/// Runs a command's future, with one thread: a command mostly waits.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    install_crypto();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| CommandError::failed("cannot start a runtime").because(e))?;
    let done = runtime.block_on(future);
    // Threads that still hash a password are not waited for.
    runtime.shutdown_background();
    done
}

/// The one TLS provider of this process.
pub(crate) fn install_crypto() {
    // An error only says that it is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// A connection to the manager, with the right to operate it.
pub(crate) struct Service {
    pub client: OperatorClient<Channel>,
    pub home: Home,
    /// The name of this machine's agent, if it is one.
    pub agent: Option<String>,
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum NoService {
    /// No manager is known here: nobody ever said `up`, `manager init` or `join` in this home.
    Unknown,
    /// The manager of this very home does not run.
    Stopped(ConnectError),
    /// Anything else.
    Failed(CommandError),
}

impl Service {
    /// Connects as this home's operator.
    pub(crate) async fn open(ctx: &Context) -> Result<Service, CommandError> {
        Service::try_open(ctx).await.map_err(|absent| match absent {
            NoService::Unknown => unknown(ctx),
            NoService::Stopped(error) => CommandError::failed("the manager of this home does not run")
                .because(error)
                .hint("`inlay up --detach` starts it with this machine's agent, `inlay manager run` by itself"),
            NoService::Failed(error) => error,
        })
    }

    /// The same; tells the ways apart in which there may be no manager.
    pub(crate) async fn try_open(ctx: &Context) -> Result<Service, NoService> {
        let home = Home::new(ctx);
        let identity = match Identity::load(&home.agent()) {
            Ok(identity) => Some(identity),
            Err(IdentityError::Absent(_)) => None,
            Err(error) => return Err(NoService::Failed(CommandError::of(Exit::Failed, error))),
        };
        let agent = identity.as_ref().map(|i| i.name.clone());
        if home.has_manager() {
            let (address, credentials) = own_manager(&home).map_err(NoService::Failed)?;
            let client = agent::operator(&[address], &credentials).await.map_err(|error| match error {
                ConnectError::Unreachable { .. } => NoService::Stopped(error),
                error => NoService::Failed(error.into()),
            })?;
            return Ok(Service { client, home, agent });
        }
        let Some(identity) = identity else { return Err(NoService::Unknown) };
        if !identity.operate {
            return Err(NoService::Failed(
                CommandError::failed("this machine was enrolled without the right to operate the manager")
                    .hint(
                        "run this on the manager's machine, or enrol this one anew with an invite that lets it operate",
                    )
                    .hint("`inlay accept NAME ADDRESS#SELECTOR` agrees without asking the manager"),
            ));
        }
        let client = agent::operator(&identity.addresses, &identity.credentials).await;
        let client = client.map_err(|e| NoService::Failed(e.into()))?;
        Ok(Service { client, home, agent })
    }

    /// The agent that an address is on.
    pub(crate) fn agent_of(&self, address: &Address) -> Result<String, CommandError> {
        address.agent.clone().or_else(|| self.agent.clone()).ok_or_else(|| {
            CommandError::usage(format!("`{address}` names no agent, and this machine is none"))
                .hint("name one, as in `laptop:~/.claude.json#/mcpServers`; `inlay agents` lists them")
        })
    }

    /// Whether an address is on this machine.
    pub(crate) fn is_here(&self, address: &Address) -> bool {
        self.agent.is_some() && (address.agent.is_none() || address.agent == self.agent)
    }

    /// The state of a group.
    pub(crate) async fn group(&mut self, name: &str) -> Result<v1::GroupStatus, CommandError> {
        let reply = self.client.status(v1::StatusRequest { name: name.to_owned(), look: false }).await?.into_inner();
        reply.groups.into_iter().next().ok_or_else(|| {
            CommandError::failed(format!("there is no group `{name}`")).hint("`inlay status` lists the groups")
        })
    }
}

/// The error that no manager is known.
pub(crate) fn unknown(ctx: &Context) -> CommandError {
    CommandError::failed(format!("no manager is known in {}", ctx.home.display()))
        .hint("`inlay up` starts one here; `inlay join` enrols this machine with one elsewhere")
        .hint("another home is named with --home or INLAY_HOME")
}

/// Where the manager of this home listens, and the operator's credentials.
pub(crate) fn own_manager(home: &Home) -> Result<(String, Credentials), CommandError> {
    let (settings, files) = manager::find(&home.manager())?;
    let credentials =
        Credentials::load(&files.ca, &files.certificate, &files.key).map_err(|e| CommandError::of(Exit::Failed, e))?;
    Ok((reachable(settings.listen).to_string(), credentials))
}

/// The address with which this machine itself reaches a listener.
pub(crate) fn reachable(listen: SocketAddr) -> SocketAddr {
    match listen.ip() {
        ip if ip.is_unspecified() => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), listen.port()),
        _ => listen,
    }
}

impl From<tonic::Status> for CommandError {
    fn from(status: tonic::Status) -> Self {
        use tonic::Code;
        let message = status.message();
        match status.code() {
            Code::InvalidArgument => CommandError::usage(message),
            Code::NotFound if message.contains("group") => {
                CommandError::failed(message).hint("`inlay status` lists the groups")
            }
            Code::NotFound if message.contains("agent") => {
                CommandError::failed(message).hint("`inlay agents` lists the agents")
            }
            Code::Unavailable if message.is_empty() => CommandError::failed("the connection to the manager broke"),
            Code::Unknown | Code::Internal | Code::Cancelled if message.is_empty() => {
                CommandError::failed("the connection to the manager broke").because(status)
            }
            _ => CommandError::failed(message),
        }
    }
}

impl From<ConnectError> for CommandError {
    fn from(error: ConnectError) -> Self {
        let hint = match &error {
            ConnectError::Unreachable { .. } => {
                Some("is the manager running, and does a firewall let its port through?")
            }
            _ => None,
        };
        let made = CommandError::of(Exit::Failed, error);
        match hint {
            Some(hint) => made.hint(hint),
            None => made,
        }
    }
}

impl From<manager::HomeError> for CommandError {
    fn from(error: manager::HomeError) -> Self {
        CommandError::of(Exit::Failed, error)
    }
}

impl From<agent::AllowError> for CommandError {
    fn from(error: agent::AllowError) -> Self {
        let dangling = match &error {
            agent::AllowError::Nowhere { path, .. } => place::dangling(path),
            _ => None,
        };
        dangling.into_iter().fold(CommandError::of(Exit::Failed, error), CommandError::hint)
    }
}

impl From<wire::WireError> for CommandError {
    fn from(error: wire::WireError) -> Self {
        CommandError::failed("the manager's answer cannot be read").because(error)
    }
}
