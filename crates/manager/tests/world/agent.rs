//! An agent without files: it follows the protocol over texts in memory.

use std::collections::BTreeMap;
use std::time::Duration;

use plan::{BackedUp, Condition, Fingerprint, GroupId, MemberId, Record, Report, Shape, VersionId};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use wire::v1::{self, from_agent, to_agent::Message};

use super::{Credentials, World};

/// How long a test waits for what must come.
const WAIT: Duration = Duration::from_secs(20);

pub(crate) struct Member {
    pub(crate) group: GroupId,
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) generation: u64,
    pub(crate) base: Option<VersionId>,
    pub(crate) base_gen: u64,
    pub(crate) base_fp: Fingerprint,
    pub(crate) condition: Condition,
}

pub(crate) struct Agent {
    pub(crate) out: mpsc::Sender<v1::FromAgent>,
    pub(crate) incoming: Streaming<v1::ToAgent>,
    pub(crate) members: BTreeMap<MemberId, Member>,
    pub(crate) incarnation: Vec<u8>,
    /// What a path holds when it is assigned.
    pub(crate) files: BTreeMap<String, String>,
    /// Contents by version: the "repository" that all agents of a test share.
    pub(crate) seen: Vec<Message>,
}

/// A text's fingerprint: the text itself, so that whoever restores it knows it.
pub(crate) fn fingerprint(text: &str) -> Fingerprint {
    let mut bytes = [0; 32];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    bytes[31] = 1;
    Fingerprint(bytes)
}

fn text_of(fingerprint: &[u8]) -> String {
    String::from_utf8(fingerprint.iter().copied().take_while(|b| *b != 0).collect()).unwrap()
}

impl Agent {
    pub(crate) async fn connect(world: &World, credentials: &Credentials) -> Result<Agent, Status> {
        let mut client = world.agents(credentials).await;
        let (out, stream) = mpsc::channel(10_000);
        let hello = v1::Hello { protocol: wire::PROTOCOL, program: "test".to_owned(), host: "host".to_owned() };
        out.send(v1::FromAgent { message: Some(from_agent::Message::Hello(hello)) }).await.unwrap();
        let incoming = client.connect(ReceiverStream::new(stream)).await?.into_inner();
        let mut agent = Agent {
            out,
            incoming,
            members: BTreeMap::new(),
            incarnation: Vec::new(),
            files: BTreeMap::new(),
            seen: Vec::new(),
        };
        match agent.next().await? {
            Message::Welcome(welcome) => agent.incarnation = welcome.incarnation,
            other => panic!("Welcome comes first: {other:?}"),
        }
        Ok(agent)
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Result<Message, Status> {
        let message = tokio::time::timeout(WAIT, self.incoming.message()).await.expect("nothing comes");
        message?.and_then(|m| m.message).ok_or_else(|| Status::aborted("the stream ended"))
    }

    /// Why the stream ends, whatever comes before.
    pub(crate) async fn ended(&mut self) -> Status {
        loop {
            if let Err(status) = self.next().await {
                return status;
            }
        }
    }

    pub(crate) async fn send(&self, message: from_agent::Message) {
        self.out.send(v1::FromAgent { message: Some(message) }).await.unwrap();
    }

    pub(crate) async fn report(&self, id: MemberId, job: &[u8]) {
        let member = &self.members[&id];
        let report = Report {
            member: id,
            generation: member.generation,
            base: member.base,
            base_gen: member.base_gen,
            fingerprint: fingerprint(&member.text),
            format: "json".to_owned(),
            condition: member.condition.clone(),
        };
        let job = (!job.is_empty()).then(|| wire::id("job", job, plan::JobId).unwrap());
        self.send(from_agent::Message::Report(wire::report(&report, job, ""))).await;
    }

    pub(crate) fn member(&mut self, path: &str) -> (MemberId, &mut Member) {
        let (id, member) = self.members.iter_mut().find(|(_, m)| m.path == path).expect("there is no such member");
        (*id, member)
    }

    pub(crate) async fn edit(&mut self, path: &str, text: &str) {
        let (id, member) = self.member(path);
        member.text = text.to_owned();
        member.generation += 1;
        self.report(id, &[]).await;
    }

    /// What both sides added after the base, one after the other.
    fn merged(&self, id: MemberId, base: &Record, head: &Record, branch: &Record) -> Result<Record, String> {
        let [base, theirs, ours] = [base, head, branch].map(|record| text_of(&record.text.0));
        match (theirs.strip_prefix(&base), ours.strip_prefix(&base)) {
            (Some(_), Some(more)) => {
                let text = fingerprint(&format!("{theirs}{more}"));
                let record = self.backed_up(id).record;
                Ok(Record { text, value: text, ..record })
            }
            _ => Err("the whole: changed on both sides".to_owned()),
        }
    }

    /// What is backed up for an instruction.
    pub(crate) fn backed_up(&self, id: MemberId) -> BackedUp {
        let member = &self.members[&id];
        let mut version = [0; 16];
        getrandom::fill(&mut version).unwrap();
        let record = Record {
            version: VersionId(version),
            group: member.group,
            member: id,
            generation: member.generation,
            shape: Shape { format: "json".to_owned(), mapping: String::new() },
            text: fingerprint(&member.text),
            value: fingerprint(&member.text),
            size: member.text.len() as u64,
            copy: vec![9; 40],
            mac: [7; 32],
        };
        BackedUp { base: member.base, base_gen: member.base_gen, base_fp: member.base_fp, record }
    }

    /// Follows one message.
    pub(crate) async fn follow(&mut self, message: Message) {
        match &message {
            Message::Members(members) => {
                if members.whole {
                    let whole: Vec<&Vec<u8>> = members.assigned.iter().map(|a| &a.member).collect();
                    self.members.retain(|id, _| whole.iter().any(|m| **m == id.0));
                }
                for assignment in &members.assigned {
                    let (id, group) = wire::from_assignment(assignment).unwrap();
                    if let std::collections::btree_map::Entry::Vacant(entry) = self.members.entry(id) {
                        entry.insert(Member {
                            group,
                            path: assignment.path.clone(),
                            text: self.files.get(&assignment.path).cloned().unwrap_or_else(|| "start".to_owned()),
                            generation: 1,
                            base: None,
                            base_gen: 0,
                            base_fp: Fingerprint::ABSENT,
                            condition: Condition::Fine,
                        });
                    }
                    self.report(id, &[]).await;
                }
                for removed in &members.removed {
                    self.members.remove(&wire::id("member", removed, MemberId).unwrap());
                }
            }
            Message::Backup(backup) => {
                let id = wire::id("member", &backup.member, MemberId).unwrap();
                let job = wire::id("job", &backup.job, plan::JobId).unwrap();
                let done = wire::backed_up(&self.backed_up(id), Some(job));
                self.send(from_agent::Message::BackedUp(done)).await;
            }
            Message::Restore(restore) => {
                let id = wire::id("member", &restore.member, MemberId).unwrap();
                let record = restore.record.as_ref().unwrap();
                let member = self.members.get_mut(&id).unwrap();
                if member.generation == restore.expected_gen {
                    member.text = text_of(&record.text);
                    member.generation += 1;
                    member.base = wire::optional_version("version", &record.version).unwrap();
                    member.base_gen = member.generation;
                    member.base_fp = fingerprint(&member.text);
                    member.condition = Condition::Fine;
                }
                self.report(id, &restore.job).await;
            }
            Message::Merge(merge) => {
                let id = wire::id("member", &merge.member, MemberId).unwrap();
                let [base, head, branch] = [&merge.base, &merge.head, &merge.branch]
                    .map(|record| wire::from_record(record.as_ref().unwrap()).unwrap());
                let answer = wire::MergeAnswer {
                    job: wire::id("job", &merge.job, plan::JobId).unwrap(),
                    member: id,
                    head: head.version,
                    branch: branch.version,
                    result: self.merged(id, &base, &head, &branch),
                };
                self.out.send(wire::merge_answer(&answer)).await.unwrap();
            }
            Message::Welcome(_) | Message::Acknowledged(_) | Message::Inspect(_) | Message::Accept(_) => {}
        }
        self.seen.push(message);
    }

    /// Follows messages until one fits.
    pub(crate) async fn until(&mut self, fits: impl Fn(&Message) -> bool) -> Message {
        loop {
            let message = self.next().await.unwrap();
            self.follow(message.clone()).await;
            if fits(&message) {
                return message;
            }
        }
    }

    /// Follows messages until a path holds a text.
    pub(crate) async fn until_text(&mut self, path: &str, text: &str) {
        while self.members.values().all(|m| m.path != path || m.text != text) {
            let message = self.next().await.unwrap();
            self.follow(message).await;
        }
    }

    /// Follows everything by itself from now on.
    pub(crate) fn alone(mut self) -> tokio::task::JoinHandle<Agent> {
        tokio::spawn(async move {
            while let Ok(Some(message)) = self.incoming.message().await {
                self.follow(message.message.unwrap()).await;
            }
            self
        })
    }
}

pub(crate) fn new_member(agent: &str, path: &str, join: v1::Join) -> v1::NewMember {
    v1::NewMember {
        agent: agent.to_owned(),
        path: path.to_owned(),
        selector: "json:/a".to_owned(),
        join: join.into(),
        format: "json".to_owned(),
        ..v1::NewMember::default()
    }
}

pub(crate) async fn link(world: &World, name: &str, members: Vec<v1::NewMember>) -> Result<v1::LinkReply, Status> {
    let request = v1::LinkRequest { name: name.to_owned(), members, conflict: String::new(), make: true };
    Ok(world.operator().await.link(request).await?.into_inner())
}
