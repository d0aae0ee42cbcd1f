//! A manager over its real store, and whatever an enrolled agent sends it: messages that are aimed, and any bytes; and calls of somebody who
//! may operate. The other agent's member is as it was.
#![no_main]

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::body::Body;
use fuzz::pool::Pool;
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use manager::store::{Enrol, Invite, Link};
use manager::{Identity, InitOptions, Manager, ManagerOptions, Peer};
use plan::{AgentId, Condition, Direction, GroupId, Join, Member, MemberId, Shape};
use prost::Message as _;
use tokio::runtime::Runtime;
use tower::ServiceExt;
use wire::v1::{self, from_agent::Message};

const EVIL: AgentId = AgentId([1; 16]);
const GOOD: AgentId = AgentId([2; 16]);
const GROUP: GroupId = GroupId([1; 16]);
/// The pool's members are the evil agent's, but for the last.
const OTHER: MemberId = MemberId([5; 16]);
/// After so many inputs the group is made anew: what is stored goes on growing.
const ANEW: u32 = 256;
const METHODS: &[&str] = &[
    "Link",
    "Unlink",
    "Pause",
    "Accept",
    "Resolve",
    "Status",
    "Log",
    "ListAgents",
    "ListJobs",
    "Invite",
    "Inspect",
    "Nothing",
];

fuzz_target!(|data: &[u8]| {
    static WORLD: OnceLock<World> = OnceLock::new();
    let world = WORLD.get_or_init(World::new);
    world.runtime.block_on(world.check(data));
});

struct World {
    runtime: Runtime,
    manager: Manager,
    router: axum::Router,
    inputs: AtomicU32,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let folder = fuzz::folder();
        let home = folder.path().join("manager");
        let listen = SocketAddr::from(([127, 0, 0, 1], 1));
        manager::init(&home, &InitOptions { listen, names: Vec::new(), repositories: Vec::new() }).expect("a manager");
        // What an agent may say in a second is a test of its own; nobody answers questions here.
        let ask = Duration::from_millis(1);
        let options = ManagerOptions { member_rate: u32::MAX, ask, ..ManagerOptions::default() };
        let manager = runtime.block_on(async {
            let manager = Manager::open(&home, options).expect("it opens");
            for (agent, name) in [(EVIL, "evil"), (GOOD, "good")] {
                let secret_hash = [agent.0[0]; 32];
                let invite =
                    Invite { secret_hash, wrapped: vec![1], expires_at: u64::MAX >> 1, uses: 1, operate: true };
                let enrol = Enrol { secret_hash, agent, name: name.to_owned(), host: "h".to_owned(), protocol: 1 };
                let store = manager.store();
                store.invite(invite).await.expect("it is queued").await.expect("it is stored");
                store.enrol(enrol).await.expect("it is queued").await.expect("it is stored").expect("it is taken");
            }
            manager
        });
        let router = manager::fuzzing::router(&manager);
        World { runtime, manager, router, inputs: AtomicU32::new(0), _folder: folder }
    }

    async fn check(&self, data: &[u8]) {
        let Some((choice, rest)) = data.split_first() else { return };
        let store = self.manager.store();
        if self.inputs.fetch_add(1, Ordering::Relaxed).is_multiple_of(ANEW) {
            for group in store.groups(None).await.expect("groups are read") {
                let gone = store.unlink(group.name, None).await.expect("it is queued");
                gone.await.expect("it is stored").expect("it is taken");
            }
        }
        if store.groups(Some("g".to_owned())).await.expect("groups are read").is_empty() {
            let members = (1..=5).map(member).collect();
            let link = Link { name: "g".to_owned(), group: GROUP, make: true, conflict: None, members };
            let _ = store.link(link).await.expect("it is queued").await.expect("it is stored");
        }
        let before = self.other().await;
        match choice {
            b'o' => {
                let Some((method, message)) = rest.split_first() else { return };
                let method = fuzz::input::one_of(METHODS, *method);
                self.call(&format!("/inlay.v1.Operator/{method}"), GOOD, frame(message)).await;
            }
            b'h' => {
                self.call("/v1/enrol", EVIL, rest.to_vec()).await;
            }
            b'r' => {
                self.call("/inlay.v1.Agents/Connect", EVIL, rest.to_vec()).await;
                assert_eq!(self.other().await, before, "another agent's member is changed");
            }
            _ => {
                let mut body = frame(&hello().encode_to_vec());
                let mut pool = Pool(Unstructured::new(rest));
                while !pool.is_empty() {
                    let Ok(message) = message(&mut pool) else { break };
                    body.extend(frame(&v1::FromAgent { message: Some(message) }.encode_to_vec()));
                }
                self.call("/inlay.v1.Agents/Connect", EVIL, body).await;
                assert_eq!(self.other().await, before, "another agent's member is changed");
            }
        }
    }

    /// What nobody but its own agent may say.
    async fn other(&self) -> Option<(u64, u64, Condition)> {
        let groups = self.manager.store().groups(Some("g".to_owned())).await.expect("groups are read");
        let member = groups.first()?.members.get(&OTHER)?;
        Some((member.reported_gen, member.committed_gen, member.condition.clone()))
    }

    async fn call(&self, path: &str, agent: AgentId, body: Vec<u8>) {
        let request = http::Request::builder().method("POST").uri(path).header("content-type", "application/grpc");
        let mut request = request.body(Body::from(body)).expect("a request");
        let identity = Some(Identity::Agent { id: agent, name: "a".to_owned(), operate: agent == GOOD });
        request.extensions_mut().insert(Peer { identity, address: SocketAddr::from(([127, 0, 0, 1], 2)) });
        let answered = async {
            let response = self.router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
            axum::body::to_bytes(response.into_body(), 64 << 20).await
        };
        let answered = tokio::time::timeout(Duration::from_secs(8), answered).await;
        assert!(answered.is_ok(), "it is answered, or its stream ends");
    }
}

/// A message as gRPC carries it.
fn frame(message: &[u8]) -> Vec<u8> {
    let mut out = vec![0];
    out.extend((message.len() as u32).to_be_bytes());
    out.extend(message);
    out
}

fn hello() -> v1::FromAgent {
    let hello = v1::Hello { protocol: wire::PROTOCOL, program: "p".to_owned(), host: "h".to_owned() };
    v1::FromAgent { message: Some(Message::Hello(hello)) }
}

fn member(number: u8) -> Member {
    let id = MemberId([number; 16]);
    Member {
        id,
        agent: if id == OTHER { GOOD } else { EVIL },
        path: format!("/{number}"),
        selector: "json:/a".to_owned(),
        shape: Shape { format: "json".to_owned(), mapping: String::new() },
        direction: Direction::Both,
        join: if number == 1 { Join::Offer } else { Join::Adopt },
        on_missing: plan::OnMissing::Suspend,
        paused: false,
        condition: Condition::Fine,
        reported_gen: 0,
        committed_gen: 0,
        standing: None,
        agreed: false,
        restored_at: 0,
    }
}

fn message(pool: &mut Pool<'_>) -> Result<Message> {
    let kind = pool.below(16)?;
    Ok(match kind {
        0..=5 => {
            let job = pool.perhaps(Pool::job)?;
            Message::Report(wire::report(&pool.report()?, job, if kind == 0 { "refused" } else { "" }))
        }
        6..=11 => {
            let job = pool.perhaps(Pool::job)?;
            let mut message = wire::backed_up(&pool.backed_up()?, job);
            // Where things begin to be too long.
            match pool.below(16)? {
                0 => message.base.push(0),
                1 => message.record.iter_mut().for_each(|record| record.copy = vec![0; (1 << 20) + 1]),
                2 => message.record.iter_mut().for_each(|record| record.format = "x".repeat((64 << 10) + 1)),
                3 => message.record = None,
                _ => {}
            }
            Message::BackedUp(message)
        }
        12 | 13 => {
            let result = if pool.below(2)? == 0 { Err("c".to_owned()) } else { Ok(pool.record()?) };
            let (job, member) = (pool.job()?, pool.member()?);
            let answer = wire::MergeAnswer { job, member, head: pool.version()?, branch: pool.version()?, result };
            wire::merge_answer(&answer).message.unwrap_or(Message::Sealed(v1::Sealed::default()))
        }
        14 => {
            let versions = (0..pool.below(4)?).map(|_| Ok(pool.version()?.0.to_vec())).collect::<Result<_>>()?;
            Message::Sealed(v1::Sealed { versions, snapshot: "s".repeat(usize::from(pool.below(255)?) * 2) })
        }
        _ => Message::Inspected(v1::InspectReply { id: vec![1; 16], ..v1::InspectReply::default() }),
    })
}
