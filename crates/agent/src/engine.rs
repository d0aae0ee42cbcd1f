//! The event loop around the step function: it hands over what happened, and carries out what follows.

mod asked;
mod copies;
mod members;
mod owed;
mod recovery;
mod told;

#[cfg(feature = "fuzzing")]
pub(crate) use members::assignment;
pub(crate) use members::target;
#[cfg(feature = "fuzzing")]
pub(crate) use told::event;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use plan::{BackedUp, Condition, Fingerprint, MemberId, VersionId};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire::v1::{self, FromAgent, from_agent};

use crate::copies::Seal;
use crate::detect::{Found, LARGE, Look, Seen, Target};
use crate::displaced::Due;
use crate::hook::Hooks;
use crate::jobs::{RestoreDone, Tools, stage};
use crate::journal::{self, Deletion};
use crate::os::Version;
use crate::outbox::Outgoing;
use crate::point::point;
use crate::record;
use crate::step::{Copied, Effect, Event, Instruction, Merged, Restored, Steps};
use crate::stream::Stream;
use crate::watch::Watch;
use asked::Asked;

/// Time passes for the rules in steps of this.
const TICK: Duration = Duration::from_secs(1);

/// So many of them pass between two looks at a file that cannot take part: what was wrong may go without an event.
const LOOK_AGAIN: u64 = 5;

/// A portion up to this size is kept between a look and a backup.
const KEPT: usize = 64 << 10;

/// What a job came to.
#[derive(Debug)]
pub(crate) enum Happened {
    Looked(MemberId, Look),
    BackedUp(MemberId, Result<(Copied, Vec<u8>), Condition>, Option<Seen>),
    Restored(MemberId, VersionId, RestoreDone),
    Merged(MemberId, Merged, Vec<u8>),
    Changed(Vec<MemberId>),
    /// Of whoever asked: the members whose files are to be looked at.
    Compared(Vec<u8>, Vec<MemberId>),
    Recovered(MemberId, VersionId, Option<RestoreDone>),
    Answered(Box<v1::InspectReply>),
}

/// Seals that the repository told of.
#[derive(Debug, Default)]
pub(crate) struct Seals {
    waiting: Mutex<Vec<Seal>>,
    more: Notify,
}

impl Seals {
    pub(crate) fn add(&self, seal: Seal) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(seal);
        self.more.notify_one();
    }

    fn take(&self) -> Vec<Seal> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A member, as far as its file is concerned.
struct Local {
    /// What its assignment means, or why it means nothing.
    target: Result<Arc<Target>, Condition>,
    points: Vec<PathBuf>,
    seen: Option<Seen>,
    /// What was found in a large file, until the next operation.
    found: Option<(Box<Found>, Seen)>,
    /// The journal's position that a message which names its generation rests on.
    named: u64,
    /// When its file was last touched, for the stages.
    touched: Instant,
}

impl Local {
    fn is_database(&self) -> bool {
        let target = self.target.as_ref().ok();
        target.is_some_and(|t| t.path.file_name().is_some_and(|name| record::is_database(t, name)))
    }
}

/// The loop's state.
pub(crate) struct Engine {
    tools: Arc<Tools>,
    watch: Watch,
    outbox: mpsc::Sender<Outgoing>,
    streams: mpsc::Receiver<Stream>,
    seals: Arc<Seals>,
    stop: CancellationToken,
    user_home: Option<PathBuf>,
    rescan: Duration,
    /// Where the members are remembered over a restart.
    roster: PathBuf,
    /// Cancelled when the first stream stands.
    connected: CancellationToken,
    steps: Steps,
    locals: HashMap<MemberId, Local>,
    by_point: HashMap<PathBuf, HashSet<MemberId>>,
    assigned: BTreeMap<MemberId, v1::Assignment>,
    stream: Option<(u64, mpsc::Sender<FromAgent>)>,
    happened: mpsc::Receiver<Happened>,
    report: mpsc::Sender<Happened>,
    running: TaskTracker,
    hooks: Hooks,
    questions: usize,
    asked: Vec<Asked>,
    /// Restores whose file was written, until the journal has what follows from it.
    written: HashMap<MemberId, Option<Deletion>>,
    due: Due,
    /// Seals that the manager was not told of.
    unsaid: Vec<Seal>,
    /// Members whose last write is neither done nor undone.
    unfinished: HashMap<MemberId, bool>,
    /// Records that could not be written to the journal.
    owed: Vec<journal::Record>,
    /// Why the journal cannot be written: nothing is done until it can be.
    broken: Option<String>,
    /// Whether the members were told that.
    told_broken: bool,
    ticks: u64,
    /// The policy file, as it was when its members were last looked at for it.
    policy: Option<Version>,
    zero: Instant,
}

/// What an engine is made of.
pub(crate) struct Parts {
    pub(crate) tools: Arc<Tools>,
    pub(crate) outbox: mpsc::Sender<Outgoing>,
    pub(crate) streams: mpsc::Receiver<Stream>,
    pub(crate) seals: Arc<Seals>,
    pub(crate) stop: CancellationToken,
    pub(crate) user_home: Option<PathBuf>,
    pub(crate) rescan: Duration,
    pub(crate) roster: PathBuf,
    pub(crate) connected: CancellationToken,
}

impl Engine {
    /// An engine with what the journal holds.
    pub(crate) fn new(parts: Parts) -> Engine {
        let (journaled, brake) = parts.tools.journal.read(|contents| {
            let members = contents.members.iter();
            let members = members.map(|(id, kept)| (*id, (kept.entry.clone(), kept.left.iter().copied().collect())));
            (members.collect(), contents.brake.clone())
        });
        // Every member has one job at a time; the rest are a few.
        let (report, happened) = mpsc::channel(1024);
        Engine {
            tools: parts.tools,
            watch: Watch::start(),
            outbox: parts.outbox,
            streams: parts.streams,
            seals: parts.seals,
            stop: parts.stop,
            user_home: parts.user_home,
            rescan: parts.rescan,
            roster: parts.roster,
            connected: parts.connected,
            steps: Steps::new(journaled, brake),
            locals: HashMap::new(),
            by_point: HashMap::new(),
            assigned: BTreeMap::new(),
            stream: None,
            happened,
            report,
            running: TaskTracker::new(),
            hooks: Hooks::default(),
            questions: 0,
            asked: Vec::new(),
            written: HashMap::new(),
            due: Due::default(),
            unsaid: Vec::new(),
            unfinished: HashMap::new(),
            owed: Vec::new(),
            broken: None,
            told_broken: false,
            ticks: 0,
            policy: None,
            zero: Instant::now(),
        }
    }

    /// Runs until it is told to stop; then finishes what is under way, and seals.
    pub(crate) async fn run(mut self) {
        self.policy = self.tools.allow.version();
        self.limit().await;
        self.begin().await;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut rescan_at = self.next_rescan();
        let stop = self.stop.clone();
        let seals = self.seals.clone();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(stream) = self.streams.recv() => self.streamed(stream).await,
                Some(happened) = self.happened.recv() => self.took_place(happened).await,
                touched = self.watch.next() => self.touched(touched).await,
                () = seals.more.notified() => self.say_seals().await,
                _ = tick.tick() => {
                    self.tick().await;
                    if Instant::now() >= rescan_at {
                        self.check(self.locals.keys().copied().collect());
                        rescan_at = self.next_rescan();
                    }
                }
            }
        }
        self.end().await;
    }

    fn next_rescan(&self) -> Instant {
        // Agents that started together do not go on together.
        let half = u64::try_from(self.rescan.as_millis() / 2).unwrap_or(u64::MAX).max(1);
        let jitter = getrandom::u64().unwrap_or(0) % half;
        Instant::now() + self.rescan / 2 + Duration::from_millis(jitter)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.zero.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Hands an event to the rules, and carries out what follows.
    async fn handle(&mut self, event: Event) {
        let now = self.now();
        for effect in self.steps.step(now, event) {
            self.perform(effect).await;
        }
    }

    async fn perform(&mut self, effect: Effect) {
        let rests_on_journal = effect.rests_on_journal();
        match effect {
            Effect::Watch(member) => self.watch_member(member),
            Effect::Forget(member) => self.forget(member),
            Effect::Look(member) => self.look(member),
            Effect::BackUp(member) => self.back_up(member),
            Effect::Restore { instruction, expected } => self.restore(instruction, expected),
            Effect::Merge(instruction) => self.merge(instruction),
            Effect::Journal { member, entry, sync } => {
                let known = self.tools.journal.read(|c| c.members.get(&member).map(|kept| kept.entry.generation));
                let raises = known != Some(entry.generation);
                let record = match self.written.remove(&member) {
                    Some(deletion) => journal::Record::Finished(member, Some(entry), deletion),
                    None => journal::Record::Entry(member, entry),
                };
                let finished = matches!(record, journal::Record::Finished(..));
                let position = self.append([record]);
                point(if finished { "restore: journaled" } else { "state: journaled" });
                if (sync || raises)
                    && let Some(local) = self.locals.get_mut(&member)
                {
                    // A record is the member's whole state: it does not matter whether earlier ones could be written.
                    local.named = position;
                }
            }
            Effect::Brake(brake) => {
                self.append([journal::Record::Brake(brake)]);
            }
            Effect::Left(member, version) => {
                self.append([journal::Record::Left(member, version)]);
            }
            Effect::Report { mut report, job, refused } => {
                let member = report.member;
                if self.broken.is_some() {
                    self.only_what_is_journaled(&mut report);
                }
                let needs = match (&self.broken, rests_on_journal) {
                    (Some(_), _) => self.tools.journal.written(),
                    (None, true) => self.named(member),
                    (None, false) => 0,
                };
                let message = wire::report(&report, job, &refused);
                self.say(from_agent::Message::Report(message), needs).await;
                if let Some(local) = self.locals.get(&member) {
                    stage("reported", member, local.touched);
                }
            }
            Effect::Commit { member, job, commit } => {
                let mapping = self.locals.get(&member).and_then(|local| local.target.as_ref().ok());
                let mapping = mapping.map(|target| target.mapping_text.clone());
                if let Some(record) = mapping.and_then(|m| self.sign(member, commit.generation, m, &commit.copied)) {
                    let done =
                        BackedUp { base: commit.base, base_gen: commit.base_gen, base_fp: commit.base_fp, record };
                    let needs = if rests_on_journal { self.named(member) } else { 0 };
                    self.say(from_agent::Message::BackedUp(wire::backed_up(&done, Some(job))), needs).await;
                }
            }
            Effect::Answer(answer) => self.answer(*answer).await,
        }
    }

    fn named(&self, member: MemberId) -> u64 {
        self.locals.get(&member).map_or(0, |local| local.named)
    }

    async fn say(&mut self, message: from_agent::Message, needs: u64) {
        self.say_sealed(message, needs, Vec::new()).await;
    }

    async fn say_sealed(&mut self, message: from_agent::Message, needs: u64, sealed: Vec<VersionId>) {
        // What cannot be said now is said when a stream stands: everything is reported then.
        if let Some((_, stream)) = &self.stream {
            let outgoing = Outgoing { message, stream: stream.clone(), needs, sealed };
            // The outbox lives as long as this does.
            let _ = self.outbox.send(outgoing).await;
        }
    }

    /// Starts a job.
    fn start(&self, job: impl Future<Output = Happened> + Send + 'static) {
        let report = self.report.clone();
        self.running.spawn(async move {
            let happened = job.await;
            // The loop ends after its jobs.
            let _ = report.send(happened).await;
        });
    }

    fn look(&mut self, member: MemberId) {
        self.look_begins(member);
        let tools = self.tools.clone();
        let found = self.locals.get_mut(&member).and_then(|local| local.found.take());
        match self.target(member) {
            Ok(target) => self.start(async move { Happened::Looked(member, tools.look(member, target, found).await) }),
            Err(condition) => self.start(async move { Happened::Looked(member, Look::Absent(condition, None)) }),
        }
    }

    fn back_up(&mut self, member: MemberId) {
        let tools = self.tools.clone();
        let named = self.named(member);
        let absent = self.steps.member(member).is_some_and(|member| member.is_absent());
        let found = self.locals.get_mut(&member).and_then(|local| local.found.take());
        match self.target(member) {
            Ok(target) => {
                // The generation has to be durable before it is named: beside the copy, not after it.
                let journal = self.tools.journal.clone();
                if named != u64::MAX && named > journal.synced() {
                    self.running.spawn_blocking(move || journal.sync(named));
                }
                self.start(async move {
                    let (copied, seen) = tools.back_up(member, target, found, absent).await;
                    Happened::BackedUp(member, copied, seen)
                });
            }
            Err(condition) => self.start(async move { Happened::BackedUp(member, Err(condition), None) }),
        }
    }

    fn restore(&mut self, instruction: Box<Instruction>, expected: Option<Fingerprint>) {
        let tools = self.tools.clone();
        let (member, version) = (instruction.member, instruction.record.version);
        let before = self.locals.get_mut(&member).and_then(|local| local.found.take());
        match self.target(member) {
            Ok(target) => self.start(async move {
                let done = tools.restore(member, target, instruction, expected, before).await;
                Happened::Restored(member, version, done)
            }),
            Err(condition) => self.start(async move {
                Happened::Restored(member, version, RestoreDone::nothing(Restored::Failed(condition)))
            }),
        }
    }

    async fn took_place(&mut self, happened: Happened) {
        match happened {
            Happened::Looked(member, look) => {
                self.look_ends(member);
                if let Look::Found(found, seen) = &look {
                    self.keep(member, found, *seen);
                }
                let (sight, seen) = look.sight();
                self.see(member, seen);
                self.handle(Event::Looked(member, sight)).await;
            }
            Happened::BackedUp(member, result, seen) => {
                self.see(member, seen);
                match result {
                    Ok((copied, unsealed)) => {
                        let version = copied.version;
                        self.copied(version, unsealed, Event::Copied(member, Box::new(copied))).await;
                    }
                    Err(condition) => self.handle(Event::NotCopied(member, condition)).await,
                }
            }
            Happened::Restored(member, version, done) => {
                if done.unfinished {
                    self.unfinished.insert(member, false);
                }
                let is_database = self.locals.get(&member).is_some_and(Local::is_database);
                if matches!(done.restored, Restored::Changed(_) | Restored::Failed(_)) && !is_database {
                    // What was seen before says nothing of what is wrong now: the same file may be there again. (A database that
                    // was locked is tried again by the rules.)
                    self.see(member, None);
                }
                if let Some(seen) = done.seen {
                    self.see(member, Some(seen));
                    if let Some(found) = &done.found {
                        self.keep(member, found, seen);
                    }
                }
                if let Some(deletion) = done.written {
                    self.written.insert(member, deletion);
                    self.run_hooks(member);
                }
                tracing::debug!(member = %member.short(), version = %version.short(), "restored");
                self.handle(Event::Restored(member, done.restored)).await;
                self.settle_written(member);
            }
            Happened::Merged(member, merged, unsealed) => match &merged {
                Merged::Done(copied) => {
                    let version = copied.version;
                    self.copied(version, unsealed, Event::Merged(member, merged)).await;
                }
                _ => self.handle(Event::Merged(member, merged)).await,
            },
            Happened::Changed(members) => {
                for member in members {
                    self.handle(Event::Touched(member)).await;
                }
            }
            Happened::Compared(id, members) => self.compared(&id, members).await,
            Happened::Recovered(member, version, done) => self.recovered(member, version, done).await,
            Happened::Answered(reply) => {
                self.questions = self.questions.saturating_sub(1);
                self.say(from_agent::Message::Inspected(*reply), 0).await;
            }
        }
        self.answer_asked().await;
    }

    fn see(&mut self, member: MemberId, seen: Option<Seen>) {
        if let Some(local) = self.locals.get_mut(&member) {
            local.seen = seen;
        }
    }

    /// Keeps what was found in a large file: while that stays as it is nothing need be located in it again.
    fn keep(&mut self, member: MemberId, found: &Found, seen: Seen) {
        if seen.len() > LARGE
            && found.own.text.len() <= KEPT
            && let Some(local) = self.locals.get_mut(&member)
        {
            local.found = Some((Box::new(found.clone()), seen));
        }
    }

    /// A file was written, and the rules made nothing of it: the member is gone. The intent is done all the same.
    fn settle_written(&mut self, member: MemberId) {
        if let Some(deletion) = self.written.remove(&member) {
            self.append([journal::Record::Finished(member, None, deletion)]);
        }
    }

    fn due_now(&mut self) -> Vec<Deletion> {
        let (now, due) = (self.now(), &mut self.due);
        self.tools.journal.read(|contents| due.take(contents, now))
    }

    async fn tick(&mut self) {
        self.handle(Event::Tick).await;
        self.mend_journal().await;
        self.answer_asked().await;
        // Not watched: its folder holds the journal as well, whose every record would be heard.
        let policy = self.tools.allow.version();
        if self.policy != policy {
            self.policy = policy;
            self.limit().await;
            for member in self.locals.keys().copied().collect::<Vec<_>>() {
                self.handle(Event::Touched(member)).await;
            }
        }
        self.watch.mend();
        self.ticks += 1;
        if self.ticks.is_multiple_of(LOOK_AGAIN) {
            let waits = |c: &Condition| !matches!(c, Condition::Fine | Condition::AwaitingConsent);
            self.check(self.steps.members().filter(|(_, m)| waits(&m.condition)).map(|(id, _)| id).collect());
        }
        self.tools.buffers.trim();
        let polled = self.watch.polled();
        if !polled.is_empty() {
            let members = polled.iter().filter_map(|point| self.by_point.get(point)).flatten().copied().collect();
            self.check(members);
        }
        let due = self.due_now();
        if !due.is_empty() {
            let tools = self.tools.clone();
            self.running.spawn(async move { tools.blocking(move |tools| tools.delete(&due)).await });
        }
        for (member, busy) in &mut self.unfinished {
            let intent = self.tools.journal.read(|contents| contents.intents.get(member).cloned());
            if let Some(intent) = intent
                && !std::mem::replace(busy, true)
            {
                let (tools, member, report) = (self.tools.clone(), *member, self.report.clone());
                let target = self.locals.get(&member).and_then(|local| local.target.clone().ok());
                self.running.spawn(async move {
                    let version = intent.version;
                    let recover = move |tools: &Tools| tools.recover(member, target.as_deref(), &intent);
                    let done = tools.blocking(recover).await.and_then(Result::ok);
                    let _ = report.send(Happened::Recovered(member, version, done)).await;
                });
            }
        }
    }

    /// Tells the rules what this machine lets change by itself. A policy that cannot be read allows nothing at all: the limit stays.
    async fn limit(&mut self) {
        if let Ok(allow) = self.tools.allow.current() {
            self.handle(Event::Limit(allow.limit())).await;
        }
    }

    async fn say_seals(&mut self) {
        let seals = self.seals.take();
        self.unsaid.extend(seals);
        if self.stream.is_none() {
            return;
        }
        for seal in std::mem::take(&mut self.unsaid) {
            let message = v1::Sealed {
                versions: seal.versions.iter().map(|version| version.0.to_vec()).collect(),
                snapshot: seal.snapshot,
            };
            self.say_sealed(from_agent::Message::Sealed(message), 0, seal.versions).await;
        }
    }
}
