//! The dispatcher: it hands jobs to the agents that are connected, and again until they are answered. It remembers nothing
//! that the store does not know: what waits for an agent comes out of the store when that agent connects.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use plan::{AgentId, Backoff, Instruction, JobId, MemberId};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use wire::v1::{self, to_agent::Message};

use crate::manager::ManagerOptions;
use crate::point::point;
use crate::store::{Delivery, Event, Source, Store, StoreError};

/// How many messages may wait for an agent to read them. An agent that is further behind is disconnected.
pub(crate) const OUTBOX: usize = 2_048;
/// How many jobs of one agent are under way at once; the others wait in the store.
const WINDOW: usize = 256;
/// How many questions of people may wait for answers.
const QUESTIONS: usize = 1_024;
/// How large a message of changed members may become, in bytes. (All members of an agent fit in one: the store sees to it.)
const MEMBERS: usize = 1 << 20;
/// How long deliveries are gathered before they are stored.
const GATHER: Duration = Duration::from_millis(10);
/// How long to sleep where nothing is due.
const IDLE: Duration = Duration::from_secs(3_600);

/// What an agent's stream sends.
pub(crate) type Outbox = mpsc::Sender<Result<v1::ToAgent, Status>>;

/// The manager's end of an agent's stream.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    pub(crate) out: Outbox,
    /// Ends the stream.
    pub(crate) end: CancellationToken,
}

/// See the module.
pub(crate) struct Dispatcher {
    state: Mutex<State>,
    store: Arc<dyn Store>,
    backoff: Backoff,
    attempts: u32,
    /// Something became due earlier than what is waited for.
    due: Notify,
    /// There is something to store.
    outcome: Notify,
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    /// Streams that the store does not count yet.
    announced: HashMap<[u8; 16], Handle>,
    streams: HashMap<AgentId, Stream>,
    due: BTreeSet<(Instant, AgentId, JobId)>,
    delivered: Vec<Delivery>,
    given_up: Vec<JobId>,
    questions: HashMap<Vec<u8>, (AgentId, oneshot::Sender<v1::InspectReply>)>,
}

struct Stream {
    source: Source,
    handle: Handle,
    jobs: BTreeMap<JobId, Open>,
    queue: VecDeque<JobId>,
    flying: usize,
}

struct Open {
    instruction: Instruction,
    attempts: u32,
    /// When it is sent again, once it was sent.
    due: Option<Instant>,
}

/// Why a person's question is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AskError {
    /// The agent is not connected.
    Offline,
    /// It did not answer in time.
    TooLate,
    /// Too many wait already.
    Busy,
}

impl Dispatcher {
    /// Starts it. It ends when `stop` is cancelled.
    pub(crate) fn start(store: Arc<dyn Store>, options: &ManagerOptions, stop: &CancellationToken) -> Arc<Self> {
        let events = store.events();
        let dispatcher = Arc::new(Dispatcher {
            state: Mutex::default(),
            store,
            backoff: options.backoff,
            attempts: options.attempts.max(1),
            due: Notify::new(),
            outcome: Notify::new(),
            changes: watch::Sender::new(0),
        });
        if let Some(events) = events {
            tokio::spawn(route(Arc::downgrade(&dispatcher), events));
        }
        let (again, outcomes) = (dispatcher.clone(), dispatcher.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move { again.repeat_all().await }));
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move { outcomes.keep().await }));
        dispatcher
    }

    /// Rises whenever something that people look at changes.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Whether an agent is connected.
    pub(crate) fn online(&self, agent: AgentId) -> bool {
        self.lock().streams.contains_key(&agent)
    }

    /// The agents that are connected.
    pub(crate) fn all_online(&self) -> BTreeSet<AgentId> {
        self.lock().streams.keys().copied().collect()
    }

    /// A stream that the store is about to count.
    pub(crate) fn announce(&self, source: Source, handle: Handle) {
        self.lock().announced.insert(source.stream, handle);
    }

    /// A stream that has ended.
    pub(crate) fn gone(&self, source: Source) {
        let mut state = self.lock();
        state.announced.remove(&source.stream);
        if state.streams.get(&source.agent).is_some_and(|s| s.source == source) {
            state.remove(source.agent);
            state.questions.retain(|_, (agent, _)| *agent != source.agent);
            drop(state);
            self.changed();
        }
    }

    /// Whether a person's question to an agent waits.
    pub(crate) fn is_asked(&self, source: Source, id: &[u8]) -> bool {
        self.lock().questions.get(id).is_some_and(|(agent, _)| *agent == source.agent)
    }

    /// An agent's answer to a person's question.
    pub(crate) fn answered(&self, source: Source, reply: v1::InspectReply) {
        let mut state = self.lock();
        if state.questions.get(&reply.id).is_some_and(|(agent, _)| *agent == source.agent)
            && let Some((_, asker)) = state.questions.remove(&reply.id)
        {
            // Whoever asked may have gone.
            let _ = asker.send(reply);
        }
    }

    /// Puts a person's question to an agent.
    pub(crate) async fn ask(
        &self,
        agent: AgentId,
        question: v1::InspectRequest,
        deadline: Duration,
    ) -> Result<v1::InspectReply, AskError> {
        let id = question.id.clone();
        let receiver = {
            let mut state = self.lock();
            if state.questions.len() >= QUESTIONS {
                return Err(AskError::Busy);
            }
            if !state.tell(agent, Message::Inspect(question)) {
                return Err(AskError::Offline);
            }
            let (sender, receiver) = oneshot::channel();
            state.questions.insert(id.clone(), (agent, sender));
            receiver
        };
        let answer = tokio::time::timeout(deadline, receiver).await;
        self.lock().questions.remove(&id);
        match answer {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(_)) => Err(AskError::Offline),
            Err(_) => Err(AskError::TooLate),
        }
    }

    /// Hands a message on. `false`: the agent is not connected.
    pub(crate) fn tell(&self, agent: AgentId, message: Message) -> bool {
        self.lock().tell(agent, message)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn take(&self, events: Vec<Event>) {
        let mut changed = false;
        let mut touched = BTreeSet::new();
        let mut members: BTreeMap<AgentId, (Vec<v1::Assignment>, Vec<MemberId>)> = BTreeMap::new();
        let mut state = self.lock();
        for event in events {
            match event {
                Event::Connected { source, members: all, jobs } => {
                    // What is said before counts for the earlier stream.
                    members.remove(&source.agent);
                    state.connect(source, all, jobs, self.store.incarnation());
                    touched.insert(source.agent);
                }
                Event::Members { agent, assigned, removed } => {
                    let (all, gone) = members.entry(agent).or_default();
                    // In one message what is removed comes last.
                    gone.retain(|id| assigned.iter().all(|a| a.member != id.0));
                    all.retain(|a| removed.iter().all(|id| a.member != id.0));
                    all.extend(assigned);
                    gone.extend(removed);
                }
                Event::Instruct { job, instruction } => {
                    let agent = instruction.agent();
                    if let Some(stream) = state.streams.get_mut(&agent) {
                        stream.add(job, instruction);
                        touched.insert(agent);
                    }
                }
                Event::Settled { job, agent } => {
                    state.settle(agent, job);
                    touched.insert(agent);
                }
                Event::Changed => changed = true,
            }
        }
        for (agent, (assigned, removed)) in members {
            state.members(agent, false, assigned, &removed);
        }
        let earliest = state.due.first().map(|(at, ..)| *at);
        for agent in touched {
            state.pump(agent, self.backoff);
        }
        let sooner = state.due.first().map(|(at, ..)| *at) < earliest || earliest.is_none();
        let outcome = !state.delivered.is_empty();
        drop(state);
        if sooner {
            self.due.notify_one();
        }
        if outcome {
            self.outcome.notify_one();
        }
        if changed {
            self.changed();
        }
    }

    /// Repeats what is not answered.
    async fn repeat_all(&self) {
        loop {
            let next = self.repeat().unwrap_or_else(|| Instant::now() + IDLE);
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = self.due.notified() => {}
            }
        }
    }

    /// Stores what was delivered and what was given up.
    async fn keep(&self) {
        loop {
            self.outcome.notified().await;
            tokio::time::sleep(GATHER).await;
            point("manager: instructed");
            let (delivered, given_up) = {
                let mut state = self.lock();
                (std::mem::take(&mut state.delivered), std::mem::take(&mut state.given_up))
            };
            if let Err(error) = self.keep_these(delivered, given_up).await {
                tracing::debug!(%error, "deliveries are not stored");
            }
        }
    }

    async fn keep_these(&self, delivered: Vec<Delivery>, given_up: Vec<JobId>) -> Result<(), StoreError> {
        if !delivered.is_empty() {
            self.store.sent(delivered).await?.await?;
        }
        for job in given_up {
            let why = format!("sent {} times, and never answered", self.attempts);
            self.store.give_up(job, why).await?.await?;
        }
        Ok(())
    }

    /// Sends again what is due, gives up what was sent often enough, and tells when to look again.
    fn repeat(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut state = self.lock();
        while let Some((at, agent, job)) = state.due.first().copied() {
            if at > now {
                break;
            }
            state.due.pop_first();
            let Some(stream) = state.streams.get_mut(&agent) else { continue };
            let Some(open) = stream.jobs.get_mut(&job) else { continue };
            open.due = None;
            stream.flying = stream.flying.saturating_sub(1);
            if open.attempts >= self.attempts {
                stream.jobs.remove(&job);
                state.given_up.push(job);
            } else {
                stream.queue.push_back(job);
            }
            state.pump(agent, self.backoff);
        }
        let next = state.due.first().map(|(at, ..)| *at);
        let outcome = !state.delivered.is_empty() || !state.given_up.is_empty();
        drop(state);
        if outcome {
            self.outcome.notify_one();
        }
        next
    }
}

impl State {
    fn connect(
        &mut self,
        source: Source,
        members: Vec<v1::Assignment>,
        jobs: Vec<(JobId, Instruction)>,
        incarnation: [u8; 16],
    ) {
        self.remove(source.agent);
        let Some(handle) = self.announced.remove(&source.stream) else { return };
        let stream = Stream { source, handle, jobs: BTreeMap::new(), queue: VecDeque::new(), flying: 0 };
        self.streams.insert(source.agent, stream);
        let welcome = v1::Welcome { incarnation: incarnation.to_vec(), protocol: wire::PROTOCOL };
        self.tell(source.agent, Message::Welcome(welcome));
        self.members(source.agent, true, members, &[]);
        if let Some(stream) = self.streams.get_mut(&source.agent) {
            jobs.into_iter().for_each(|(job, instruction)| stream.add(job, instruction));
        }
    }

    /// Ends an agent's stream, if it has one.
    fn remove(&mut self, agent: AgentId) {
        let Some(stream) = self.streams.remove(&agent) else { return };
        for (job, open) in &stream.jobs {
            if let Some(due) = open.due {
                self.due.remove(&(due, agent, *job));
            }
        }
        stream.handle.end.cancel();
    }

    /// Hands a message to an agent's stream; one that does not read is ended.
    fn tell(&mut self, agent: AgentId, message: Message) -> bool {
        let Some(stream) = self.streams.get(&agent) else { return false };
        let message = v1::ToAgent { message: Some(message) };
        let sent = stream.handle.out.try_send(Ok(message)).is_ok();
        if !sent {
            tracing::warn!(%agent, "an agent does not read what it is sent: it is disconnected");
            self.remove(agent);
        }
        sent
    }

    /// Tells of members, in messages that are not too large.
    fn members(&mut self, agent: AgentId, whole: bool, assigned: Vec<v1::Assignment>, removed: &[MemberId]) {
        let mut message =
            v1::Members { whole, assigned: Vec::new(), removed: removed.iter().map(|id| id.0.to_vec()).collect() };
        let mut size = 0;
        for assignment in assigned {
            let more = assignment.path.len() + assignment.selector.len() + assignment.mapping.len() + 256;
            if !whole && size + more > MEMBERS && !message.assigned.is_empty() {
                let next = v1::Members { whole, assigned: Vec::new(), removed: Vec::new() };
                self.tell(agent, Message::Members(std::mem::replace(&mut message, next)));
                size = 0;
            }
            size += more;
            message.assigned.push(assignment);
        }
        self.tell(agent, Message::Members(message));
    }

    fn settle(&mut self, agent: AgentId, job: JobId) {
        let Some(stream) = self.streams.get_mut(&agent) else { return };
        if let Some(open) = stream.jobs.remove(&job)
            && let Some(due) = open.due
        {
            stream.flying = stream.flying.saturating_sub(1);
            self.due.remove(&(due, agent, job));
        }
    }

    /// Sends what waits, as far as the window is open.
    fn pump(&mut self, agent: AgentId, backoff: Backoff) {
        while let Some(stream) = self.streams.get_mut(&agent) {
            if stream.flying >= WINDOW {
                return;
            }
            let Some(job) = stream.queue.pop_front() else { return };
            let Some(open) = stream.jobs.get_mut(&job).filter(|open| open.due.is_none()) else { continue };
            let message = wire::instruction(&open.instruction, job);
            if stream.handle.out.try_send(Ok(message)).is_err() {
                tracing::warn!(%agent, "an agent does not read what it is sent: it is disconnected");
                self.remove(agent);
                return;
            }
            let wait = Duration::from_millis(backoff.wait(open.attempts, random()));
            open.attempts += 1;
            let due = Instant::now() + wait;
            open.due = Some(due);
            stream.flying += 1;
            let at = jiff::Timestamp::now().as_microsecond().try_into().unwrap_or(0);
            let attempts = open.attempts;
            self.due.insert((due, agent, job));
            self.delivered.push(Delivery { job, at, attempts });
        }
    }
}

impl Stream {
    fn add(&mut self, job: JobId, instruction: Instruction) {
        if let Some(open) = self.jobs.get_mut(&job) {
            // It begins again; if it is under way, that goes on.
            open.attempts = 0;
            return;
        }
        self.jobs.insert(job, Open { instruction, attempts: 0, due: None });
        self.queue.push_back(job);
    }
}

fn random() -> u64 {
    getrandom::u64().unwrap_or(0)
}

/// Routes events to streams, until the store ends.
async fn route(dispatcher: Weak<Dispatcher>, mut events: mpsc::Receiver<Vec<Event>>) {
    while let Some(events) = events.recv().await {
        let Some(dispatcher) = dispatcher.upgrade() else { return };
        dispatcher.take(events);
    }
}
