//! What people and their programs ask for.

mod link;
mod members;
mod show;

use std::collections::BTreeSet;
use std::time::Duration;

use plan::AgentId;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use wire::v1::{self, operator_server::Operator};

use crate::dispatch::AskError;
use crate::manager::Manager;
use crate::peer::Peer;
use crate::store::{Invite, Queued, Refused, Resolve, StoreError};

/// How often a watcher is told at most.
const COALESCE: Duration = Duration::from_millis(100);
/// The longest that an invite lasts.
const MOST_TTL: u64 = 30 * 86_400;
/// How often an invite can be used at most.
const MOST_USES: u32 = 10_000;
/// The largest wrapped password, in bytes.
const WRAPPED: usize = 4 << 10;
/// How many jobs are listed if nobody says how many.
const JOBS: u32 = 200;

/// The service for operators.
#[derive(Debug)]
pub(crate) struct OperatorService {
    manager: Manager,
}

impl OperatorService {
    pub(crate) fn new(manager: Manager) -> Self {
        OperatorService { manager }
    }

    /// The request's message, if whoever sent it may operate.
    fn allowed<T>(request: Request<T>) -> Result<T, Status> {
        let peer = request.extensions().get::<Peer>();
        match peer {
            Some(peer) if peer.operates() => Ok(request.into_inner()),
            Some(Peer { identity: Some(_), .. }) => Err(Status::permission_denied(
                "this machine was enrolled without the right to operate: ask on the manager's machine",
            )),
            _ => Err(Status::unauthenticated("this needs an operator's certificate, or an agent's that may operate")),
        }
    }
}

/// Waits until a change is stored; a refusal says which status it is.
async fn stored<T>(queued: Queued<Result<T, Refused>>) -> Result<T, Status> {
    match async { queued?.await }.await {
        Ok(done) => done.map_err(|refused| refusal(&refused)),
        Err(error) => Err(unavailable(&error)),
    }
}

fn refusal(refused: &Refused) -> Status {
    let message = match std::error::Error::source(refused) {
        Some(cause) => format!("{refused}: {cause}"),
        None => refused.to_string(),
    };
    match refused {
        Refused::GroupExists(_) | Refused::Linked { .. } => Status::already_exists(message),
        Refused::NoGroup(_) | Refused::NoAgent(_) | Refused::NoMember { .. } => Status::not_found(message),
        Refused::NothingWaits(_) | Refused::OtherRecord(_) | Refused::Resolve(_) => {
            Status::failed_precondition(message)
        }
        Refused::TooMany(_) | Refused::Full(_) => Status::resource_exhausted(message),
    }
}

fn unavailable(error: &StoreError) -> Status {
    tracing::error!(%error, "a request fails");
    match error {
        StoreError::Closed => Status::unavailable("the manager is stopping: try again once it runs"),
        _ => Status::internal("the manager's database fails: look into the manager's log"),
    }
}

fn bad(message: impl Into<String>) -> Status {
    Status::invalid_argument(message)
}

fn version(field: &'static str, bytes: &[u8]) -> Result<plan::VersionId, Status> {
    wire::id(field, bytes, plan::VersionId).map_err(|e| bad(e.to_string()))
}

/// The place of `given` among the newest so many; 0 is the default.
fn limit(given: u32, default: u32) -> u32 {
    if given == 0 { default } else { given }
}

#[tonic::async_trait]
impl Operator for OperatorService {
    type WatchStream = ReceiverStream<Result<v1::StatusReply, Status>>;

    async fn invite(&self, request: Request<v1::InviteRequest>) -> Result<Response<v1::InviteReply>, Status> {
        let request = Self::allowed(request)?;
        let secret_hash = request.secret_hash.try_into().map_err(|_| bad("`secret_hash` must have 32 bytes"))?;
        if request.wrapped.len() > WRAPPED {
            return Err(bad(format!("`wrapped` has more than {WRAPPED} bytes")));
        }
        if !(1..=MOST_TTL).contains(&request.ttl_seconds) {
            return Err(bad("an invite lasts at least a second and at most 30 days"));
        }
        if !(1..=MOST_USES).contains(&request.uses) {
            return Err(bad(format!("an invite can be used once, and at most {MOST_USES} times")));
        }
        let now: u64 = jiff::Timestamp::now().as_millisecond().try_into().unwrap_or(0);
        let invite = Invite {
            secret_hash,
            wrapped: request.wrapped,
            expires_at: now + request.ttl_seconds * 1_000,
            uses: request.uses,
            operate: request.operate,
        };
        let kept = async { self.manager.inner.store.invite(invite).await?.await };
        kept.await.map_err(|e| unavailable(&e))?;
        let ca = self.manager.ca_fingerprint().to_vec();
        Ok(Response::new(v1::InviteReply { addresses: self.manager.addresses(), ca }))
    }

    async fn inspect(&self, request: Request<v1::InspectRequest>) -> Result<Response<v1::InspectReply>, Status> {
        let mut question = Self::allowed(request)?;
        let agent = self.agent(&question.agent).await?;
        let name = std::mem::take(&mut question.agent);
        let asked = self.ask(agent.id, question).await?;
        asked.map(Response::new).map_err(|error| unanswered(&name, error))
    }

    async fn link(&self, request: Request<v1::LinkRequest>) -> Result<Response<v1::LinkReply>, Status> {
        self.do_link(Self::allowed(request)?).await.map(Response::new)
    }

    async fn unlink(&self, request: Request<v1::UnlinkRequest>) -> Result<Response<v1::Done>, Status> {
        let request = Self::allowed(request)?;
        let member = self.member(&request.name, request.member.as_ref()).await?;
        stored(self.manager.inner.store.unlink(request.name, member).await).await?;
        Ok(Response::new(v1::Done {}))
    }

    async fn pause(&self, request: Request<v1::PauseRequest>) -> Result<Response<v1::Done>, Status> {
        let request = Self::allowed(request)?;
        let member = self.member(&request.name, request.member.as_ref()).await?;
        stored(self.manager.inner.store.pause(request.name, member, request.paused).await).await?;
        Ok(Response::new(v1::Done {}))
    }

    async fn accept(&self, request: Request<v1::AcceptRequest>) -> Result<Response<v1::Done>, Status> {
        self.do_accept(Self::allowed(request)?).await?;
        Ok(Response::new(v1::Done {}))
    }

    async fn recopy(&self, request: Request<v1::RecopyRequest>) -> Result<Response<v1::Done>, Status> {
        let request = Self::allowed(request)?;
        let record = request.record.as_ref().ok_or_else(|| bad("the field `record` is missing"))?;
        let record = wire::from_record(record).map_err(|e| bad(e.to_string()))?;
        let snapshot = Some(request.snapshot).filter(|snapshot| !snapshot.is_empty());
        stored(self.manager.inner.store.recopy(request.name, record, snapshot).await).await?;
        Ok(Response::new(v1::Done {}))
    }

    async fn resolve(&self, request: Request<v1::ResolveRequest>) -> Result<Response<v1::ResolveReply>, Status> {
        let request = Self::allowed(request)?;
        let kind = match request.kind.as_str() {
            "resolve" => plan::Kind::Resolve,
            "restore" => plan::Kind::Restore,
            "merge" => plan::Kind::Merge,
            other => return Err(bad(format!("`kind` is resolve, restore or merge, not `{other}`"))),
        };
        let record = request.record.as_ref().ok_or_else(|| bad("the field `record` is missing"))?;
        let branches: Result<_, Status> = request.branches.iter().map(|b| version("branches", b)).collect();
        let resolve = Resolve {
            name: request.name,
            kind,
            head: wire::optional_version("head", &request.head).map_err(|e| bad(e.to_string()))?,
            branches: branches?,
            record: wire::from_record(record).map_err(|e| bad(e.to_string()))?,
            snapshot: Some(request.snapshot).filter(|snapshot| !snapshot.is_empty()),
        };
        let version = stored(self.manager.inner.store.resolve(resolve).await).await?;
        Ok(Response::new(v1::ResolveReply { version: version.0.to_vec() }))
    }

    async fn status(&self, request: Request<v1::StatusRequest>) -> Result<Response<v1::StatusReply>, Status> {
        let request = Self::allowed(request)?;
        if request.look {
            self.look(&request.name).await?;
        }
        show::status(&self.manager, &request.name).await.map(Response::new)
    }

    async fn watch(&self, request: Request<v1::StatusRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let name = Self::allowed(request)?.name;
        let mut changes = self.manager.inner.dispatcher.changes();
        changes.mark_unchanged();
        let mut last = show::status(&self.manager, &name).await?;
        let (out, stream) = mpsc::channel(2);
        let _ = out.try_send(Ok(last.clone()));
        let manager = self.manager.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = manager.inner.stop.cancelled() => {
                        let _ = out.try_send(Err(Status::unavailable("the manager is stopping")));
                        return;
                    }
                    () = out.closed() => return,
                    changed = changes.changed() => if changed.is_err() { return },
                }
                tokio::time::sleep(COALESCE).await;
                changes.mark_unchanged();
                let status = show::status(&manager, &name).await;
                if status.as_ref().is_ok_and(|status| *status == last) {
                    continue;
                }
                let over = status.is_err();
                if let Ok(status) = &status {
                    last.clone_from(status);
                }
                if out.send(status).await.is_err() || over {
                    return;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn log(&self, request: Request<v1::LogRequest>) -> Result<Response<v1::LogReply>, Status> {
        let request = Self::allowed(request)?;
        show::log(&self.manager, request).await.map(Response::new)
    }

    async fn list_agents(
        &self,
        request: Request<v1::ListAgentsRequest>,
    ) -> Result<Response<v1::ListAgentsReply>, Status> {
        Self::allowed(request)?;
        show::agents(&self.manager).await.map(Response::new)
    }

    async fn list_jobs(&self, request: Request<v1::ListJobsRequest>) -> Result<Response<v1::ListJobsReply>, Status> {
        let request = Self::allowed(request)?;
        let name = (!request.name.is_empty()).then_some(request.name);
        let jobs = self.manager.inner.store.jobs(name, limit(request.limit, JOBS)).await;
        Ok(Response::new(v1::ListJobsReply { jobs: jobs.map_err(|e| unavailable(&e))? }))
    }
}

impl OperatorService {
    /// Puts a question to an agent.
    async fn ask(
        &self,
        agent: AgentId,
        mut question: v1::InspectRequest,
    ) -> Result<Result<v1::InspectReply, AskError>, Status> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|_| Status::internal("the manager failed: look into its log"))?;
        question.id = id.to_vec();
        Ok(self.manager.inner.dispatcher.ask(agent, question, self.manager.inner.options.ask).await)
    }

    /// Has every agent that is connected look at its members' files. One that knows no such question refuses it.
    async fn look(&self, name: &str) -> Result<(), Status> {
        let wanted = (!name.is_empty()).then(|| name.to_owned());
        let groups = self.manager.inner.store.groups(wanted).await.map_err(|e| unavailable(&e))?;
        let agents: BTreeSet<AgentId> = groups.iter().flat_map(|g| g.members.values()).map(|m| m.agent).collect();
        let question = || v1::InspectRequest { look: true, ..v1::InspectRequest::default() };
        let asked = agents.iter().map(|agent| self.ask(*agent, question()));
        let answers = futures::future::try_join_all(asked).await?;
        for (agent, answer) in agents.iter().zip(answers) {
            match answer {
                // The status says who is not connected.
                Ok(_) | Err(AskError::Offline) => {}
                Err(error) => {
                    let agents = self.agents().await?;
                    return Err(unanswered(members::name_of(&agents, *agent), error));
                }
            }
        }
        Ok(())
    }
}

fn unanswered(agent: &str, error: AskError) -> Status {
    match error {
        AskError::Offline => offline(agent),
        AskError::TooLate => {
            Status::deadline_exceeded(format!("the agent `{agent}` did not answer in time: look at that machine"))
        }
        AskError::Busy => Status::resource_exhausted("too many questions wait for agents: try again"),
    }
}

fn offline(agent: &str) -> Status {
    Status::unavailable(format!(
        "the agent `{agent}` is not connected: start it there with `inlay agent run`, and try again"
    ))
}
