//! The port behind which the manager's state lives. One adapter: SQLite.
//!
//! A change is *queued* by awaiting the method, in the order of the calls, and *stored* when its [`Receipt`] resolves. Every
//! decision about a group is one transaction that locks that group, and that plans it again: jobs appear together with what
//! caused them. What has to reach agents comes out as [`Event`]s, in the order of the transactions.

mod sqlite;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_trait::async_trait;
use plan::{AgentId, BackedUp, Group, GroupId, Instruction, JobId, Kind, Member, MemberId, Record, Report, VersionId};
use tokio::sync::{mpsc, oneshot};
use wire::{MergeAnswer, v1};

pub use sqlite::{SqliteOptions, SqliteStore};

/// Why the store cannot do its work. Nothing of the change is stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// It is closing.
    #[error("the manager is stopping")]
    Closed,
    /// The database was made by a newer program.
    #[error("the database has schema {found}, this program knows {known}: use the newer program")]
    Newer {
        /// The database's schema.
        found: u32,
        /// The newest that is known here.
        known: u32,
    },
    /// What lies in the database is not what was written there.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// The database refuses.
    #[error("the database cannot {doing}")]
    Database {
        /// The verb.
        doing: &'static str,
        /// What it says.
        #[source]
        source: std::sync::Arc<dyn std::error::Error + Send + Sync>,
    },
}

/// One stream of one agent. What came over an earlier one is void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source {
    /// The agent.
    pub agent: AgentId,
    /// Random, of this stream.
    pub stream: [u8; 16],
}

/// What an agent says of itself when it connects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The stream.
    pub source: Source,
    /// Its host's name.
    pub host: String,
    /// Its program and version.
    pub program: String,
}

/// What became of a message of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It came over an earlier stream: it is not answered.
    Void,
    /// It is stored, or was known.
    Stored {
        /// Whether the generation that it names is committed.
        committed: bool,
    },
    /// It cannot be stored, and will not be when it is sent again.
    Refused(String),
}

/// A job that was handed to its agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The job.
    pub job: JobId,
    /// When, in microseconds since 1970.
    pub at: u64,
    /// How often by now.
    pub attempts: u32,
}

/// What an agent answered to a job, besides what it reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The job.
    pub job: JobId,
    /// Why it did not follow it; empty if it did.
    pub refused: String,
}

/// New members, and their group if it is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The group's name.
    pub name: String,
    /// The id that the group gets if it is made.
    pub group: GroupId,
    /// Whether it has to be new; otherwise it has to be there.
    pub make: bool,
    /// The policy; `None` leaves it as it is.
    pub conflict: Option<plan::Conflict>,
    /// The members.
    pub members: Vec<Member>,
}

/// Why a change that a person asks for is refused. Nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is such a group already.
    #[error("there is a group `{0}` already: `inlay add {0} ADDRESS…` adds members to it")]
    GroupExists(String),
    /// There is no such group.
    #[error("there is no group `{0}`: `inlay status` lists them")]
    NoGroup(String),
    /// There is no such agent.
    #[error("there is no agent {0}: `inlay agents` lists them")]
    NoAgent(String),
    /// The group has no such member.
    #[error("the group `{group}` has no member {member}: `inlay status {group}` lists them")]
    NoMember {
        /// The group.
        group: String,
        /// The member.
        member: String,
    },
    /// The portion is a member of a group already.
    #[error("{path}#{selector} on `{agent}` is in the group `{group}` already: a portion is in one group")]
    Linked {
        /// The agent's name.
        agent: String,
        /// The path.
        path: String,
        /// The selector.
        selector: String,
        /// The group that has it.
        group: String,
    },
    /// A member that cannot have what was asked for.
    #[error("nothing waits there: the member {0} follows its group already")]
    NothingWaits(String),
    /// The group is too large.
    #[error("a group has at most {0} members")]
    TooMany(usize),
    /// The agent has as many members as can be told to it in one message.
    #[error("the agent `{0}` has too many members: link fewer portions of its files, or take some out")]
    Full(String),
    /// A record of a version that exists says something else of it.
    #[error("the record is not that of a version of `{0}`")]
    OtherRecord(String),
    /// The decision is refused.
    #[error(transparent)]
    Resolve(#[from] plan::ResolveError),
}

/// A conflict's end, or an old version that becomes the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolve {
    /// The group's name.
    pub name: String,
    /// [`Kind::Resolve`], [`Kind::Restore`] or [`Kind::Merge`].
    pub kind: Kind,
    /// The head that the person saw.
    pub head: Option<VersionId>,
    /// The branches that the person saw.
    pub branches: Vec<VersionId>,
    /// The new version.
    pub record: Record,
    /// The snapshot that holds its copy, if there is one already.
    pub snapshot: Option<String>,
}

/// An invite. Times are in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// SHA-256 of its secret.
    pub secret_hash: [u8; 32],
    /// The repository password, encrypted under a key that only the secret gives. Wiped on the last use and on expiry.
    pub wrapped: Vec<u8>,
    /// Until when it can be used.
    pub expires_at: u64,
    /// How often.
    pub uses: u32,
    /// Whether who uses it may operate the manager.
    pub operate: bool,
}

/// What a machine that enrols brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrol {
    /// SHA-256 of the secret that it sent.
    pub secret_hash: [u8; 32],
    /// The id that it gets.
    pub agent: AgentId,
    /// The name that it wants.
    pub name: String,
    /// Its host's name.
    pub host: String,
    /// The oldest protocol that will be spoken to it.
    pub protocol: u32,
}

/// What an enrolled machine gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// Whether it may operate the manager.
    pub operate: bool,
    /// The repository password, wrapped.
    pub wrapped: Vec<u8>,
}

/// Why a machine is not enrolled. The invite is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnrolRefused {
    /// No invite has this secret.
    Unknown,
    /// It was used as often as it may be.
    Used,
    /// It is too old.
    Expired,
    /// Another agent has this name.
    NameTaken,
}

/// An enrolled machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentRow {
    /// Its id.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// Its host's name.
    pub host: String,
    /// Its program and version, when it last connected.
    pub program: String,
    /// Whether it may operate the manager.
    pub operate: bool,
    /// The oldest protocol that is spoken to it.
    pub protocol: u32,
    /// When it last connected, in milliseconds since 1970; 0 for never.
    pub seen_at: u64,
    /// How many members it has.
    pub members: u32,
}

/// One version, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRow {
    /// The version.
    pub version: plan::Version,
    /// Whether it is an open branch.
    pub open: bool,
    /// The agent's name.
    pub agent: String,
    /// The path.
    pub path: String,
    /// The selector.
    pub selector: String,
}

/// A group's history, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRows {
    /// The group.
    pub group: GroupId,
    /// Its head.
    pub head: Option<VersionId>,
    /// The versions.
    pub versions: Vec<LogRow>,
}

/// What comes out of transactions, for agents and watchers.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// An agent's stream counts from here on: its members, and what waits for it.
    Connected {
        /// The stream.
        source: Source,
        /// All its members.
        members: Vec<v1::Assignment>,
        /// Open jobs, each with how often it was sent.
        jobs: Vec<(JobId, Instruction)>,
    },
    /// An agent's members changed.
    Members {
        /// The agent.
        agent: AgentId,
        /// New or changed ones.
        assigned: Vec<v1::Assignment>,
        /// Ones that are no more.
        removed: Vec<MemberId>,
    },
    /// A job was made, or begins again.
    Instruct {
        /// The job.
        job: JobId,
        /// What is to be done.
        instruction: Instruction,
    },
    /// A job is not needed any more.
    Settled {
        /// The job.
        job: JobId,
        /// Whose it was.
        agent: AgentId,
    },
    /// Something that people look at changed.
    Changed,
}

/// Resolves when a change is stored: durably, if it is one that nothing else would recreate.
#[derive(Debug)]
pub struct Receipt<T>(oneshot::Receiver<Result<T, StoreError>>);

impl<T> Receipt<T> {
    /// A receipt, and what resolves it.
    pub fn new() -> (oneshot::Sender<Result<T, StoreError>>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Receipt(receiver))
    }
}

impl<T> Future for Receipt<T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|got| got.unwrap_or(Err(StoreError::Closed)))
    }
}

/// A change that was queued.
pub type Queued<T> = Result<Receipt<T>, StoreError>;

/// Where groups, members, versions, jobs, agents and invites live.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Random, made with the database: what was said to an earlier database is void.
    fn incarnation(&self) -> [u8; 16];

    /// The events from now on, one list a transaction. There is one subscriber; a second call gives `None`.
    fn events(&self) -> Option<mpsc::Receiver<Vec<Event>>>;

    /// A new stream of an agent; earlier ones are void from here on. `false`: there is no such agent.
    async fn connected(&self, hello: Hello) -> Queued<bool>;

    /// A report of an agent. Not synced: every new stream reports every member again.
    async fn report(&self, source: Source, report: Report, answer: Option<Answer>) -> Queued<Taken>;

    /// A backed-up content of an agent.
    async fn backed_up(&self, source: Source, done: BackedUp, answer: Option<Answer>) -> Queued<Taken>;

    /// What an agent made of a merge: the next version, or why there is none.
    async fn merged(&self, source: Source, answer: MergeAnswer) -> Queued<Taken>;

    /// These versions are in that snapshot.
    async fn sealed(&self, source: Source, versions: Vec<VersionId>, snapshot: String) -> Queued<()>;

    /// Jobs that were handed to their agents. Not synced.
    async fn sent(&self, deliveries: Vec<Delivery>) -> Queued<()>;

    /// A job that nobody answers. It begins again when its group changes or its agent connects.
    async fn give_up(&self, job: JobId, why: String) -> Queued<()>;

    /// Makes a group, or adds members to one.
    async fn link(&self, link: Link) -> Queued<Result<GroupId, Refused>>;

    /// Takes a member out, or the whole group. Versions stay.
    async fn unlink(&self, name: String, member: Option<MemberId>) -> Queued<Result<(), Refused>>;

    /// Pauses a member or the whole group, or lets it go on.
    async fn pause(&self, name: String, member: Option<MemberId>, paused: bool) -> Queued<Result<(), Refused>>;

    /// These members take the head in place of what they have.
    async fn give_way(&self, name: String, members: Vec<MemberId>) -> Queued<Result<(), Refused>>;

    /// Ends a conflict, or makes an old version the next one.
    async fn resolve(&self, resolve: Resolve) -> Queued<Result<VersionId, Refused>>;

    /// The copy of a version of that group was lost, and lies elsewhere now; see [`Group::recopy`](plan::Group::recopy).
    async fn recopy(&self, name: String, record: Record, snapshot: Option<String>) -> Queued<Result<(), Refused>>;

    /// Keeps an invite.
    async fn invite(&self, invite: Invite) -> Queued<()>;

    /// Enrols a machine.
    async fn enrol(&self, enrol: Enrol) -> Queued<Result<Enrolled, EnrolRefused>>;

    /// Plans every group again, and forgets what is over: wrapped passwords of expired invites, old jobs.
    async fn sweep(&self) -> Queued<()>;

    /// All agents, by name.
    async fn agents(&self) -> Result<Vec<AgentRow>, StoreError>;

    /// Groups by name, with the versions that a decision needs; all of them without a name.
    async fn groups(&self, name: Option<String>) -> Result<Vec<Group>, StoreError>;

    /// The newest versions of a group; 0 for all. `None`: there is no such group.
    async fn log(&self, name: String, limit: u32) -> Result<Option<LogRows>, StoreError>;

    /// The newest jobs, of one group if it is named.
    async fn jobs(&self, name: Option<String>, limit: u32) -> Result<Vec<v1::JobEntry>, StoreError>;

    /// Stores what is queued, and closes. What comes later is [`StoreError::Closed`].
    async fn close(&self);
}
