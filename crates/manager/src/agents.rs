//! The stream of an agent: Hello, Welcome, its members, then reports this way and instructions that way.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use plan::MemberId;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};
use wire::v1::{self, agents_server::Agents, from_agent, to_agent};
use wire::{MergeAnswer, WireError};

use crate::dispatch::{Handle, OUTBOX, Outbox};
use crate::manager::Manager;
use crate::peer::Peer;
use crate::point::point;
use crate::store::{Answer, Hello, Source, StoreError, Taken};

/// How long an agent may take to say Hello.
const HELLO: Duration = Duration::from_secs(10);
/// How many messages of one stream are being stored at once; more are not read.
const STORING: usize = 256;
/// How long an agent may take to make room for an acknowledgement.
const ROOM: Duration = Duration::from_secs(10);
/// How many versions a message of a seal may name.
const SEALED: usize = 10_000;
/// How many members' rates are remembered.
const RATES: usize = 16_384;

/// The service for agents.
#[derive(Debug)]
pub(crate) struct AgentsService {
    manager: Manager,
}

impl AgentsService {
    pub(crate) fn new(manager: Manager) -> Self {
        AgentsService { manager }
    }
}

#[tonic::async_trait]
impl Agents for AgentsService {
    type ConnectStream = ReceiverStream<Result<v1::ToAgent, Status>>;

    async fn connect(
        &self,
        request: Request<Streaming<v1::FromAgent>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let agent = request.extensions().get::<Peer>().and_then(Peer::agent).map(|(id, _)| id);
        let Some(agent) = agent else {
            return Err(Status::unauthenticated("this needs an agent's certificate: `inlay join` gets one"));
        };
        let mut stream = [0; 16];
        getrandom::fill(&mut stream).map_err(|_| Status::internal("the manager failed: look into its log"))?;
        let (out, outbox) = mpsc::channel(OUTBOX);
        let session = Session {
            manager: self.manager.clone(),
            source: Source { agent, stream },
            incoming: request.into_inner(),
            out,
            end: CancellationToken::new(),
            rates: Rates { per_second: self.manager.inner.options.member_rate, members: HashMap::new() },
        };
        tokio::spawn(session.run());
        Ok(Response::new(ReceiverStream::new(outbox)))
    }
}

struct Session {
    manager: Manager,
    source: Source,
    incoming: Streaming<v1::FromAgent>,
    out: Outbox,
    end: CancellationToken,
    rates: Rates,
}

/// A message that is being stored, and what is answered then.
type Storing = Pin<Box<dyn Future<Output = Result<Option<v1::Acknowledged>, StoreError>> + Send>>;

impl Session {
    async fn run(mut self) {
        let source = self.source;
        let dispatcher = self.manager.inner.dispatcher.clone();
        let ended = self.talk().await;
        dispatcher.gone(source);
        if let Err(status) = ended {
            tracing::debug!(agent = %source.agent, %status, "an agent's stream ends");
            let _ = self.out.try_send(Err(status));
        }
    }

    async fn talk(&mut self) -> Result<(), Status> {
        let stop = self.manager.inner.stop.clone();
        let (end, out) = (self.end.clone(), self.out.clone());
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(Status::unavailable("the manager is stopping")),
            () = end.cancelled() => Err(Status::aborted("a newer stream of this agent took over, or this one was not read")),
            // The other end may vanish while nothing is read or written.
            () = out.closed() => Ok(()),
            done = async { self.hello().await?; self.listen().await } => done,
        }
    }

    async fn hello(&mut self) -> Result<(), Status> {
        let first = tokio::time::timeout(HELLO, self.incoming.message()).await;
        let first = first.map_err(|_| Status::deadline_exceeded("no Hello in time"))??;
        let Some(from_agent::Message::Hello(hello)) = first.and_then(|m| m.message) else {
            return Err(Status::invalid_argument("the first message must be Hello"));
        };
        if hello.protocol < wire::PROTOCOL {
            return Err(Status::failed_precondition(format!(
                "the agent speaks protocol {}, the manager needs {}: install a newer inlay on that machine",
                hello.protocol,
                wire::PROTOCOL
            )));
        }
        let hello = Hello { source: self.source, host: short(&hello.host), program: short(&hello.program) };
        let handle = Handle { out: self.out.clone(), end: self.end.clone() };
        self.manager.inner.dispatcher.announce(self.source, handle);
        let known = async { self.manager.inner.store.connected(hello).await?.await };
        match known.await.map_err(|e| unavailable(&e))? {
            true => Ok(()),
            false => {
                Err(Status::permission_denied("the manager knows this agent no more: `inlay join` enrols it again"))
            }
        }
    }

    async fn listen(&mut self) -> Result<(), Status> {
        let mut storing: FuturesUnordered<Storing> = FuturesUnordered::new();
        let mut open = true;
        while open || !storing.is_empty() {
            tokio::select! {
                Some(stored) = storing.next() => {
                    if let Some(acknowledged) = stored.map_err(|e| unavailable(&e))? {
                        self.send(to_agent::Message::Acknowledged(acknowledged)).await?;
                        point("manager: acknowledged");
                    }
                }
                message = self.incoming.message(), if open && storing.len() < STORING => {
                    match message? {
                        Some(message) => storing.extend(self.take(message).await?),
                        None => open = false,
                    }
                }
            }
        }
        Ok(())
    }

    async fn send(&self, message: to_agent::Message) -> Result<(), Status> {
        let message = v1::ToAgent { message: Some(message) };
        let sent = tokio::time::timeout(ROOM, self.out.send(Ok(message))).await;
        match sent {
            Ok(Ok(())) => Ok(()),
            _ => Err(Status::resource_exhausted("the agent does not read what it is sent")),
        }
    }

    /// Queues a message for the store. Gives what to wait for.
    async fn take(&mut self, message: v1::FromAgent) -> Result<Option<Storing>, Status> {
        match message.message {
            Some(from_agent::Message::Report(message)) => self.report(message).await,
            Some(from_agent::Message::BackedUp(message)) => self.backed_up(message).await,
            Some(from_agent::Message::Merged(message)) => self.merged(wire::from_merged(&message)).await,
            Some(from_agent::Message::Unmergeable(message)) => self.merged(wire::from_unmergeable(&message)).await,
            Some(from_agent::Message::Sealed(message)) => self.sealed(message).await,
            Some(from_agent::Message::Inspected(reply)) => self.inspected(reply).await,
            Some(from_agent::Message::Hello(_)) => Err(Status::invalid_argument("Hello was said already")),
            // Of a newer agent, with something that is not known here.
            None => Ok(None),
        }
    }

    async fn report(&mut self, message: v1::Report) -> Result<Option<Storing>, Status> {
        let generation = message.generation;
        let (report, job) = match wire::from_report(&message) {
            Ok(report) => report,
            Err(error) => return Ok(Some(refuse(message.member, generation, error.to_string()))),
        };
        if !self.rates.allow(report.member) {
            return Ok(None);
        }
        let member = report.member;
        let answer = job.map(|job| Answer { job, refused: short(&message.refused) });
        let receipt = self.manager.inner.store.report(self.source, report, answer).await;
        let receipt = receipt.map_err(|e| unavailable(&e))?;
        Ok(Some(Box::pin(async move { Ok(acknowledge(member, generation, receipt.await?)) })))
    }

    async fn backed_up(&mut self, message: v1::BackedUp) -> Result<Option<Storing>, Status> {
        let (done, job) = match wire::from_backed_up(&message) {
            Ok(done) => done,
            Err(error) => {
                let (member, generation) = message.record.map(|r| (r.member, r.generation)).unwrap_or_default();
                return Ok(Some(refuse(member, generation, error.to_string())));
            }
        };
        let (member, generation) = (done.record.member, done.record.generation);
        if !self.rates.allow(member) {
            return Ok(None);
        }
        let answer = job.map(|job| Answer { job, refused: String::new() });
        let receipt = self.manager.inner.store.backed_up(self.source, done, answer).await;
        let receipt = receipt.map_err(|e| unavailable(&e))?;
        Ok(Some(Box::pin(async move { Ok(acknowledge(member, generation, receipt.await?)) })))
    }

    /// Not acknowledged: what is not answered is instructed again.
    async fn merged(&mut self, answer: Result<MergeAnswer, WireError>) -> Result<Option<Storing>, Status> {
        let answer = answer.map_err(|e| Status::invalid_argument(e.to_string()))?;
        if !self.rates.allow(answer.member) {
            return Ok(None);
        }
        let receipt = self.manager.inner.store.merged(self.source, answer).await;
        let receipt = receipt.map_err(|e| unavailable(&e))?;
        Ok(Some(Box::pin(async move { receipt.await.map(|_| None) })))
    }

    /// An answer to a person, who then finds stored what the agent said before.
    async fn inspected(&self, reply: v1::InspectReply) -> Result<Option<Storing>, Status> {
        let (source, dispatcher) = (self.source, self.manager.inner.dispatcher.clone());
        if !dispatcher.is_asked(source, &reply.id) {
            return Ok(None);
        }
        let receipt = self.manager.inner.store.sent(Vec::new()).await;
        let receipt = receipt.map_err(|e| unavailable(&e))?;
        Ok(Some(Box::pin(async move {
            receipt.await?;
            dispatcher.answered(source, reply);
            Ok(None)
        })))
    }

    async fn sealed(&mut self, message: v1::Sealed) -> Result<Option<Storing>, Status> {
        if message.versions.len() > SEALED || message.snapshot.len() > 256 {
            return Err(Status::invalid_argument("a seal names too much at once"));
        }
        let read = |bytes: &Vec<u8>| wire::id("versions", bytes, plan::VersionId);
        let versions: Result<Vec<_>, _> = message.versions.iter().map(read).collect();
        let versions = versions.map_err(|e| Status::invalid_argument(e.to_string()))?;
        let receipt = self.manager.inner.store.sealed(self.source, versions, message.snapshot).await;
        let receipt = receipt.map_err(|e| unavailable(&e))?;
        Ok(Some(Box::pin(async move { receipt.await.map(|()| None) })))
    }
}

fn acknowledge(member: MemberId, generation: u64, taken: Taken) -> Option<v1::Acknowledged> {
    match taken {
        Taken::Void => None,
        Taken::Stored { committed } => Some(wire::acknowledged(member, generation, committed, "")),
        Taken::Refused(why) => Some(wire::acknowledged(member, generation, false, &why)),
    }
}

/// What cannot be read is answered, so that the agent's log says why.
fn refuse(member: Vec<u8>, generation: u64, refused: String) -> Storing {
    let member = if member.len() == 16 { member } else { Vec::new() };
    let acknowledged = v1::Acknowledged { member, generation, committed: false, refused };
    Box::pin(async move { Ok(Some(acknowledged)) })
}

fn short(text: &str) -> String {
    text.chars().take(1_000).collect()
}

fn unavailable(error: &StoreError) -> Status {
    tracing::warn!(%error, "an agent's message is not stored");
    Status::unavailable("the manager cannot store that now: connect again")
}

/// How fast each member may send. What comes faster is left out: an agent repeats what is not acknowledged.
struct Rates {
    per_second: u32,
    members: HashMap<MemberId, (f64, Instant)>,
}

impl Rates {
    fn allow(&mut self, member: MemberId) -> bool {
        let (rate, now) = (f64::from(self.per_second), Instant::now());
        if self.members.len() >= RATES && !self.members.contains_key(&member) {
            self.members.clear();
        }
        let (tokens, last) = self.members.entry(member).or_insert((2.0 * rate, now));
        *tokens = (*tokens + now.duration_since(*last).as_secs_f64() * rate).min(2.0 * rate);
        *last = now;
        let allowed = *tokens >= 1.0;
        if allowed {
            *tokens -= 1.0;
        }
        allowed
    }
}
