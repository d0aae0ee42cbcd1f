//! A hostile manager: it speaks the protocol over the agent's real stream, and asks for what it must not get. The agent
//! refuses, and reports.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use agent::{Agent, AgentOptions, Allow, Connect, ConnectError, Consent, Credentials, Identity, RepositoryOpener};
use futures::future::BoxFuture;
use futures::{Stream, StreamExt};
use hyper_util::rt::TokioIo;
use plan::AgentId;
use tokio::sync::mpsc;
use tonic::transport::{Channel, Endpoint, Server, Uri};
use tonic::{Request, Response, Status, Streaming};
use wire::v1::agents_server::{Agents, AgentsServer};
use wire::v1::{self, FromAgent, ToAgent, from_agent, to_agent};

/// The double: hands the two directions of the stream to the test.
struct Double {
    streams: mpsc::Sender<(Streaming<FromAgent>, mpsc::Sender<ToAgent>)>,
}

#[tonic::async_trait]
impl Agents for Double {
    type ConnectStream = Pin<Box<dyn Stream<Item = Result<ToAgent, Status>> + Send>>;
    async fn connect(&self, request: Request<Streaming<FromAgent>>) -> Result<Response<Self::ConnectStream>, Status> {
        let (sender, receiver) = mpsc::channel(1_024);
        self.streams.try_send((request.into_inner(), sender)).unwrap();
        let stream = futures::stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|message| (Ok(message), receiver))
        });
        Ok(Response::new(Box::pin(stream)))
    }
}

/// Connects the agent to the double through memory.
struct Memory {
    servers: mpsc::Sender<tokio::io::DuplexStream>,
}

impl Connect for Memory {
    fn connect(&self) -> BoxFuture<'_, Result<Channel, ConnectError>> {
        Box::pin(async {
            let (client, server) = tokio::io::duplex(1 << 20);
            self.servers.try_send(server).unwrap();
            let mut client = Some(client);
            let channel = Endpoint::from_static("http://manager.invalid")
                .connect_with_connector(tower::service_fn(move |_: Uri| {
                    let client = client.take();
                    async move { client.map(TokioIo::new).ok_or_else(|| std::io::Error::other("one connection")) }
                }))
                .await
                .unwrap();
            Ok(channel)
        })
    }
}

struct World {
    root: tempfile::TempDir,
    _agent: Agent,
    from: Streaming<FromAgent>,
    to: mpsc::Sender<ToAgent>,
}

const GROUP: [u8; 16] = [1; 16];
const OTHER_GROUP: [u8; 16] = [2; 16];

impl World {
    /// An agent with a real repository, that allows `files/` and nothing else.
    async fn start() -> World {
        let root = tempfile::tempdir().unwrap();
        for folder in ["files", "secret", "agent", "repo"] {
            std::fs::create_dir(root.path().join(folder)).unwrap();
        }
        let folder = root.path().join("agent");
        Allow::add(&folder.join("allow.toml"), &Consent::Folder(root.path().join("files"))).unwrap();
        let password = repo::Password::generate().unwrap();
        let storage = || Arc::new(repo::LocalStorage::new(root.path().join("repo")));
        let repository = repo::Repository::init(storage(), &password, repo::Options::default()).await.unwrap();
        let (servers, mut connections) = mpsc::channel(1_024);
        let (streams, mut opened) = mpsc::channel(1_024);
        tokio::spawn(async move {
            let incoming = async_stream(&mut connections);
            Server::builder()
                .add_service(AgentsServer::new(Double { streams }))
                .serve_with_incoming(incoming)
                .await
                .unwrap();
        });
        let identity = Identity {
            agent: AgentId([9; 16]),
            name: "victim".into(),
            operate: false,
            protocol: 1,
            addresses: vec!["manager.invalid:1".into()],
            credentials: Credentials { ca: String::new(), certificate: String::new(), key: String::new().into() },
        };
        let agent = Agent::start(AgentOptions {
            folder,
            identity,
            connect: Arc::new(Memory { servers }),
            copies: Arc::new(RepositoryOpener {
                name: "victim".into(),
                host: "host".into(),
                open: move || {
                    let repository = repository.clone();
                    Box::pin(async move { Ok(repository) }) as BoxFuture<'static, _>
                },
            }),
            user_home: None,
            environment: |_| None,
            program: "test".into(),
            host: "host".into(),
            rescan: Duration::from_secs(60),
        })
        .await
        .unwrap();
        let (from, to) = opened.recv().await.unwrap();
        let mut world = World { root, _agent: agent, from, to };
        assert!(matches!(world.next().await, from_agent::Message::Hello(_)));
        world.send(to_agent::Message::Welcome(v1::Welcome { incarnation: vec![7; 16], protocol: 1 }));
        world
    }

    fn path(&self, name: &str) -> String {
        self.root.path().join(name).display().to_string()
    }

    fn send(&self, message: to_agent::Message) {
        self.to.try_send(ToAgent { message: Some(message) }).unwrap();
    }

    async fn next(&mut self) -> from_agent::Message {
        let message = tokio::time::timeout(Duration::from_secs(30), self.from.next()).await.expect("an answer in time");
        message.expect("the stream stands").unwrap().message.unwrap()
    }

    async fn report(&mut self) -> v1::Report {
        loop {
            if let from_agent::Message::Report(report) = self.next().await {
                return report;
            }
        }
    }

    /// The next report that answers `job`.
    async fn answer(&mut self, job: u8) -> v1::Report {
        loop {
            let report = self.report().await;
            if report.job == [job; 16] {
                return report;
            }
        }
    }

    async fn backed_up(&mut self) -> v1::BackedUp {
        loop {
            if let from_agent::Message::BackedUp(done) = self.next().await {
                return done;
            }
        }
    }

    fn assign(&self, member: u8, group: [u8; 16], path: &str) {
        let assignment = v1::Assignment {
            member: vec![member; 16],
            group: group.to_vec(),
            group_name: "g".into(),
            path: path.into(),
            selector: "json:/shared".into(),
            ..Default::default()
        };
        self.send(to_agent::Message::Members(v1::Members {
            whole: false,
            assigned: vec![assignment],
            removed: vec![],
        }));
    }

    /// Has the member's portion backed up and committed, and returns the signed record.
    async fn record(&mut self, member: u8, group: [u8; 16], generation: u64) -> v1::Record {
        self.send(to_agent::Message::Backup(v1::Backup {
            job: vec![50; 16],
            group: group.to_vec(),
            member: vec![member; 16],
            generation,
        }));
        let record = self.backed_up().await.record.unwrap();
        self.send(to_agent::Message::Acknowledged(v1::Acknowledged {
            member: vec![member; 16],
            generation: record.generation,
            refused: String::new(),
            committed: true,
        }));
        record
    }

    fn restore(&self, job: u8, member: u8, group: [u8; 16], record: &v1::Record, expected_gen: u64) {
        self.send(to_agent::Message::Restore(v1::Restore {
            job: vec![job; 16],
            group: group.to_vec(),
            member: vec![member; 16],
            record: Some(record.clone()),
            text_base: None,
            expected_gen,
            create: false,
        }));
    }
}

fn async_stream(
    connections: &mut mpsc::Receiver<tokio::io::DuplexStream>,
) -> impl Stream<Item = Result<tokio::io::DuplexStream, std::io::Error>> + '_ {
    futures::stream::unfold(connections, |connections| async {
        connections.recv().await.map(|connection| (Ok(connection), connections))
    })
}

fn file(path: impl AsRef<Path>, shared: &str) {
    std::fs::write(path, format!("{{\"shared\": {{\"v\": \"{shared}\"}}, \"own\": 1}}\n")).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_outside_the_allowed_roots_are_neither_read_nor_written() {
    let mut world = World::start().await;
    let secret = world.path("secret/s.json");
    file(&secret, "secret");
    std::os::unix::fs::symlink(&secret, world.path("files/link.json")).unwrap();
    std::os::unix::fs::symlink(world.path("secret"), world.path("files/folder")).unwrap();
    std::fs::hard_link(&secret, world.path("files/hard.json")).unwrap();
    let asked = [
        secret.clone(),
        world.path("files/../secret/s.json"),
        world.path("files/link.json"),
        world.path("files/folder/s.json"),
        world.path("files/hard.json"),
        "secret/s.json".to_owned(),
        "/etc/passwd\0.json".to_owned(),
        world.path("agent/allow.toml"),
    ];
    // A record of a real content, to try to write there.
    file(world.path("files/own.json"), "own");
    world.assign(40, GROUP, &world.path("files/own.json"));
    assert_eq!(world.report().await.generation, 1);
    let record = world.record(40, GROUP, 1).await;
    for (n, path) in asked.iter().enumerate() {
        let member = n as u8 + 1;
        world.assign(member, GROUP, path);
        let report = world.report().await;
        assert_eq!(report.member, [member; 16], "{path}");
        let condition = report.condition.unwrap();
        assert_ne!(condition.kind, i32::from(v1::condition::Kind::Fine), "{path}: {condition:?}");
        assert_eq!(report.fingerprint, [0; 32], "{path} was read");
        world.send(to_agent::Message::Backup(v1::Backup {
            job: vec![member; 16],
            group: GROUP.to_vec(),
            member: vec![member; 16],
            generation: 1,
        }));
        assert_ne!(world.answer(member).await.condition.unwrap().kind, i32::from(v1::condition::Kind::Fine), "{path}");
        world.restore(member + 100, member, GROUP, &record, 0);
        assert_ne!(world.answer(member + 100).await.condition.unwrap().kind, i32::from(v1::condition::Kind::Fine));
    }
    assert!(std::fs::read_to_string(&secret).unwrap().contains("secret"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_foreign_and_left_versions_are_refused() {
    let mut world = World::start().await;
    let (own, other) = (world.path("files/own.json"), world.path("files/other.json"));
    file(&own, "one");
    file(&other, "other");
    world.assign(1, GROUP, &own);
    assert_eq!(world.report().await.generation, 1);
    let first = world.record(1, GROUP, 1).await;
    world.assign(2, OTHER_GROUP, &other);
    assert_eq!(world.report().await.generation, 1);
    let foreign = world.record(2, OTHER_GROUP, 1).await;

    // A copy of another group, under its own name and under this group's.
    world.restore(10, 1, OTHER_GROUP, &foreign, 1);
    assert!(world.answer(10).await.refused.contains("another group"));
    world.restore(11, 1, GROUP, &foreign, 1);
    assert!(world.answer(11).await.refused.contains("another group"));
    let renamed = v1::Record { group: GROUP.to_vec(), ..foreign.clone() };
    world.restore(12, 1, GROUP, &renamed, 1);
    assert!(world.answer(12).await.refused.contains("key"), "the group is signed");

    // Every field of a record is signed.
    let fresh = v1::Record { version: vec![77; 16], ..first.clone() };
    let forgeries = [
        fresh,
        v1::Record { generation: 9, ..first.clone() },
        v1::Record { format: "toml".into(), ..first.clone() },
        v1::Record { mapping: "mcp:claude".into(), ..first.clone() },
        v1::Record { text: foreign.text.clone(), ..first.clone() },
        v1::Record { value: foreign.value.clone(), ..first.clone() },
        v1::Record { size: 1, ..first.clone() },
        v1::Record { copy: foreign.copy.clone(), ..first.clone() },
        v1::Record { mac: vec![0; 32], ..first.clone() },
    ];
    for (n, forged) in forgeries.iter().enumerate() {
        let job = 20 + n as u8;
        world.restore(job, 1, GROUP, forged, 1);
        assert!(world.answer(job).await.refused.contains("key"), "{forged:?}");
    }

    // A version that the member has left: it edits, the edit is committed, and the old content is sent again.
    file(&own, "two");
    while world.report().await.generation < 2 {}
    world.record(1, GROUP, 2).await;
    world.restore(40, 1, GROUP, &first, 2);
    assert!(world.answer(40).await.refused.contains("already left"));
    // Of another generation than the member's: nothing is written, and its own is reported.
    world.restore(41, 1, GROUP, &first, 1);
    world.answer(41).await;
    assert!(std::fs::read_to_string(&own).unwrap().contains("two"));
    assert!(std::fs::read_to_string(&other).unwrap().contains("other"));

    // A generation that no honest manager names.
    let absurd = v1::Backup { job: vec![42; 16], group: GROUP.to_vec(), member: vec![1; 16], generation: u64::MAX };
    world.send(to_agent::Message::Backup(absurd));
    assert!(world.answer(42).await.refused.contains("edits"));

    // Messages that are none: the stream may end, the agent goes on.
    world.send(to_agent::Message::Backup(v1::Backup {
        job: vec![1],
        group: vec![],
        member: vec![3; 99],
        generation: u64::MAX,
    }));
    world.send(to_agent::Message::Restore(v1::Restore::default()));
    file(&own, "three");
    let report = world.report().await;
    assert_eq!(report.generation, 3);
}
