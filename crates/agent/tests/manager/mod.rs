//! A manager in memory, for one group: the real planner behind the real stream, over plain TCP.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use agent::{Connect, ConnectError};
use futures::future::BoxFuture;
use plan::{
    AgentId, Condition, Direction, Group, GroupId, Instruction, JobId, Join, Member, MemberId, Policy, Shape, VersionId,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};
use wire::v1::agents_server::{Agents, AgentsServer};
use wire::v1::{self, FromAgent, ToAgent, from_agent, to_agent};

pub(crate) struct State {
    pub(crate) group: Group,
    streams: HashMap<String, (u64, mpsc::Sender<Result<ToAgent, Status>>)>,
    opened: u64,
    sent: Vec<(MemberId, u64, Option<VersionId>)>,
    jobs: u8,
    pub(crate) sealed: Vec<VersionId>,
    pub(crate) inspected: Vec<v1::InspectReply>,
    pub(crate) refusals: Vec<String>,
    /// Every restore instruction is changed by this before it is sent: a hostile manager.
    pub(crate) twist: Option<fn(&mut v1::Restore)>,
    /// How often each member said something.
    pub(crate) heard: HashMap<MemberId, usize>,
}

#[derive(Clone)]
pub(crate) struct Manager {
    pub(crate) state: Arc<Mutex<State>>,
    address: SocketAddr,
}

/// The name of an agent is its host's, as it says it: this double trusts everybody.
pub(crate) fn agent_id(name: &str) -> AgentId {
    let mut id = [0; 16];
    id[..name.len()].copy_from_slice(name.as_bytes());
    AgentId(id)
}

impl Manager {
    pub(crate) async fn start() -> Manager {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = State {
            group: Group::new(GroupId([1; 16]), "group", Policy::default()),
            streams: HashMap::new(),
            opened: 0,
            sent: Vec::new(),
            jobs: 0,
            sealed: Vec::new(),
            inspected: Vec::new(),
            refusals: Vec::new(),
            twist: None,
            heard: HashMap::new(),
        };
        let manager = Manager { state: Arc::new(Mutex::new(state)), address };
        let service = AgentsServer::new(manager.clone());
        // Without it an answer waits for the other end's delayed acknowledgement.
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
        manager
    }

    pub(crate) fn member(
        &self,
        number: u8,
        agent: &str,
        path: &std::path::Path,
        selector: &str,
        join: Join,
    ) -> MemberId {
        let id = MemberId([number; 16]);
        let member = Member {
            id,
            agent: agent_id(agent),
            path: path.to_str().unwrap().to_owned(),
            selector: selector.to_owned(),
            shape: Shape::default(),
            direction: Direction::Both,
            join,
            on_missing: plan::OnMissing::Suspend,
            paused: false,
            condition: Condition::Fine,
            reported_gen: 0,
            committed_gen: 0,
            standing: None,
            agreed: false,
            restored_at: 0,
        };
        self.change(|state| {
            state.group.members.insert(id, member);
        });
        id
    }

    /// Changes the state, tells agents of their members, and sends what follows.
    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap();
        change(&mut state);
        for name in state.streams.keys().cloned().collect::<Vec<_>>() {
            let members = state.members_of(&name);
            state.send(&name, to_agent::Message::Members(members));
        }
        state.plan();
    }

    pub(crate) fn ask(&self, agent: &str, path: &str, selector: &str) {
        let request = v1::InspectRequest {
            id: vec![7],
            path: path.to_owned(),
            selector: selector.to_owned(),
            ..Default::default()
        };
        self.state.lock().unwrap().send(agent, to_agent::Message::Inspect(request));
    }

    pub(crate) fn accept(&self, agent: &str, member: MemberId) {
        let accept = v1::AcceptRequest { id: member.0.to_vec(), ..Default::default() };
        self.state.lock().unwrap().send(agent, to_agent::Message::Accept(accept));
    }

    pub(crate) fn drop_streams(&self) {
        self.state.lock().unwrap().streams.clear();
    }
}

impl State {
    fn members_of(&self, name: &str) -> v1::Members {
        let mine = self.group.members.values().filter(|member| member.agent == agent_id(name));
        let assigned = mine.map(|member| wire::assignment(&self.group, member)).collect();
        v1::Members { whole: true, assigned, removed: Vec::new() }
    }

    fn send(&self, name: &str, message: to_agent::Message) {
        if let Some((_, stream)) = self.streams.get(name) {
            let _ = stream.try_send(Ok(ToAgent { message: Some(message) }));
        }
    }

    fn ended(&mut self, name: &str, number: u64) {
        if self.streams.get(name).is_some_and(|(current, _)| *current == number) {
            self.streams.remove(name);
        }
    }

    fn plan(&mut self) {
        for instruction in plan::instructions(&self.group) {
            let (member, agent, key) = match &instruction {
                Instruction::Backup(b) => (b.member, b.agent, (b.member, b.generation, None)),
                Instruction::Restore(r) => (r.member, r.agent, (r.member, r.expected_gen, Some(r.record.version))),
                Instruction::Merge(m) => (m.member, m.agent, (m.member, m.branch.generation, Some(m.head.version))),
            };
            if self.sent.contains(&key) {
                continue;
            }
            self.sent.retain(|(sent, ..)| *sent != member);
            self.sent.push(key);
            self.jobs = self.jobs.wrapping_add(1);
            let mut message = wire::instruction(&instruction, JobId([self.jobs; 16]));
            if let (Some(twist), Some(to_agent::Message::Restore(restore))) = (self.twist, &mut message.message) {
                twist(restore);
            }
            let name = self.streams.keys().find(|name| agent_id(name) == agent).cloned();
            if let (Some(name), Some(message)) = (name, message.message) {
                self.send(&name, message);
            } else {
                self.sent.retain(|(sent, ..)| *sent != member);
            }
        }
    }

    fn heard(&mut self, name: &str, message: from_agent::Message) {
        match message {
            from_agent::Message::Report(message) => {
                let (report, job) = wire::from_report(&message).unwrap();
                *self.heard.entry(report.member).or_default() += 1;
                if !message.refused.is_empty() {
                    self.refusals.push(message.refused);
                } else if job.is_some() {
                    self.sent.retain(|(member, ..)| *member != report.member);
                }
                self.group.report(&report);
                let committed =
                    self.group.members.get(&report.member).is_some_and(|m| report.generation <= m.committed_gen);
                let ack = wire::acknowledged(report.member, report.generation, committed, "");
                self.send(name, to_agent::Message::Acknowledged(ack));
            }
            from_agent::Message::BackedUp(message) => {
                let (done, _) = wire::from_backed_up(&message).unwrap();
                let (member, generation) = (done.record.member, done.record.generation);
                *self.heard.entry(member).or_default() += 1;
                self.group.commit(&done, 1).unwrap();
                let ack = wire::acknowledged(member, generation, true, "");
                self.send(name, to_agent::Message::Acknowledged(ack));
            }
            from_agent::Message::Merged(message) => {
                let answer = wire::from_merged(&message).unwrap();
                let record = answer.result.unwrap();
                let branches = [answer.branch];
                // The head may have moved meanwhile: then it is planned again.
                let _ = self.group.resolve(plan::Kind::Merge, Some(answer.head), &branches, &record, 1);
            }
            from_agent::Message::Unmergeable(message) => {
                let answer = wire::from_unmergeable(&message).unwrap();
                self.group.cannot_merge(answer.branch, answer.head, answer.result.unwrap_err());
            }
            from_agent::Message::Sealed(sealed) => {
                self.sealed.extend(sealed.versions.iter().map(|v| VersionId::from_bytes(v).unwrap()));
            }
            from_agent::Message::Inspected(reply) => self.inspected.push(reply),
            from_agent::Message::Hello(_) => {}
        }
        self.plan();
    }
}

#[tonic::async_trait]
impl Agents for Manager {
    type ConnectStream = Pin<Box<dyn Stream<Item = Result<ToAgent, Status>> + Send>>;

    async fn connect(&self, request: Request<Streaming<FromAgent>>) -> Result<Response<Self::ConnectStream>, Status> {
        let mut incoming = request.into_inner();
        let (sender, receiver) = mpsc::channel(1000);
        let manager = self.clone();
        tokio::spawn(async move {
            let (mut name, mut number) = (String::new(), 0);
            // Held by nobody else: when the state lets go of it the stream ends.
            let mut sender = Some(sender);
            while let Some(Ok(FromAgent { message: Some(message) })) = incoming.next().await {
                let mut state = manager.state.lock().unwrap();
                if let from_agent::Message::Hello(hello) = &message {
                    name.clone_from(&hello.host);
                    state.opened += 1;
                    number = state.opened;
                    state.streams.extend(sender.take().map(|sender| (name.clone(), (number, sender))));
                    state.sent.clear();
                    let welcome = v1::Welcome { incarnation: vec![1; 16], protocol: wire::PROTOCOL };
                    state.send(&name, to_agent::Message::Welcome(welcome));
                    let members = state.members_of(&name);
                    state.send(&name, to_agent::Message::Members(members));
                }
                state.heard(&name, message);
            }
            // It has said everything: so has the manager.
            if sender.is_none() {
                manager.state.lock().unwrap().ended(&name, number);
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

impl Connect for Manager {
    fn connect(&self) -> BoxFuture<'_, Result<Channel, ConnectError>> {
        Box::pin(async move {
            let address = self.address.to_string();
            let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap().tcp_nodelay(true);
            endpoint
                .connect()
                .await
                .map_err(|source| ConnectError::Http { address: address.clone(), source: source.into() })
        })
    }
}
