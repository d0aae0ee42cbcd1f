//! The planner and the agent's step function together, over a fake world: messages lost, streams replaced, agents killed,
//! files edited at any moment. Seeds are fresh for each run and printed on failure; `INLAY_SEED` repeats one.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use agent::step::{
    Assignment, Clash, Copied, Effect, Entry, Event, Instruction, MergeAnswer, MergeInstruction, Merged, Portion,
    Restored, Sight, Steps,
};
use plan::{
    AgentId, BackedUp, Condition, Direction, Fingerprint, Group, GroupId, JobId, Join, Kind, Member, MemberId, Outcome,
    Policy, Record, Report, Shape, VersionId, instructions,
};
use testkit::Random;

/// A content: what it means and how it is written. 0 is absent.
type Content = u64;

fn text(content: Content, format: usize) -> Fingerprint {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&content.to_be_bytes());
    bytes[8] = format as u8 + 1;
    Fingerprint(bytes)
}

fn value(content: Content) -> Fingerprint {
    text(content, 99)
}

fn content_of(fingerprint: Fingerprint) -> Content {
    u64::from_be_bytes(fingerprint.0[..8].try_into().unwrap())
}

enum Up {
    Report(Report),
    BackedUp(BackedUp),
    Merged(Box<MergeAnswer>),
}

enum Down {
    Backup(JobId, MemberId, u64),
    Restore(Box<Instruction>),
    Merge(Box<MergeInstruction>),
    Ack(MemberId, u64, bool),
}

enum Work {
    Look(MemberId),
    BackUp(MemberId),
    Restore(Box<Instruction>, Option<Fingerprint>),
    Merge(Box<MergeInstruction>),
}

struct Host {
    steps: Steps,
    journal: BTreeMap<MemberId, (Entry, Vec<VersionId>)>,
    up: VecDeque<Up>,
    down: VecDeque<Down>,
    work: VecDeque<Work>,
    online: bool,
}

struct World {
    random: Random,
    group: Group,
    hosts: Vec<Host>,
    /// The content of each member's file.
    files: BTreeMap<MemberId, Content>,
    formats: BTreeMap<MemberId, usize>,
    /// Every content that a user wrote, and that somebody overwrote by a restore or that still stands.
    edits: BTreeSet<Content>,
    /// Contents that a user replaced by another edit of his own before anybody saw them: nobody promised to keep them.
    replaced: BTreeSet<Content>,
    next_content: Content,
    next_id: u64,
    now: u64,
    restores: usize,
    merges: usize,
}

fn id16(n: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    bytes
}

fn host_of(agent: AgentId) -> usize {
    (u64::from_be_bytes(agent.0[..8].try_into().unwrap()) - 10) as usize
}

impl World {
    fn new(seed: u64) -> World {
        let mut random = Random::new(seed);
        let members = 2 + random.below(3);
        let agents = 1 + random.below(members);
        let two_formats = random.chance(50);
        let group_id = GroupId(id16(1));
        let mut group = Group::new(group_id, "g", Policy::default());
        let mut files = BTreeMap::new();
        let mut formats = BTreeMap::new();
        for n in 0..members {
            let id = MemberId(id16(100 + n as u64));
            let format = if two_formats { n % 2 } else { 0 };
            let (agent, join) =
                (AgentId(id16(10 + (n % agents) as u64)), if n == 0 { Join::Offer } else { Join::Adopt });
            group.members.insert(
                id,
                Member {
                    id,
                    agent,
                    path: format!("/{n}"),
                    selector: "/a".into(),
                    shape: Shape::default(),
                    direction: Direction::Both,
                    join,
                    create: false,
                    paused: false,
                    condition: Condition::Fine,
                    reported_gen: 0,
                    committed_gen: 0,
                    standing: None,
                    restored_at: 0,
                },
            );
            files.insert(id, 1 + n as u64);
            formats.insert(id, format);
        }
        let hosts = (0..agents)
            .map(|_| Host {
                steps: Steps::default(),
                journal: BTreeMap::new(),
                up: VecDeque::new(),
                down: VecDeque::new(),
                work: VecDeque::new(),
                online: false,
            })
            .collect();
        let edits = files.values().copied().collect();
        let mut world = World {
            random,
            group,
            hosts,
            files,
            formats,
            edits,
            replaced: BTreeSet::new(),
            next_content: 1000,
            next_id: 1000,
            now: 0,
            restores: 0,
            merges: 0,
        };
        for host in 0..agents {
            world.start(host);
        }
        world
    }

    fn id(&mut self) -> [u8; 16] {
        self.next_id += 1;
        id16(self.next_id)
    }

    fn start(&mut self, host: usize) {
        let journal = self.hosts[host].journal.clone();
        self.hosts[host].steps = Steps::new(journal);
        let ours: Vec<(MemberId, Assignment)> = self
            .group
            .members
            .values()
            .filter(|m| m.agent == AgentId(id16(10 + host as u64)))
            .map(|m| {
                let assignment = Assignment {
                    group: self.group.id,
                    group_name: "g".into(),
                    path: m.path.clone(),
                    selector: m.selector.clone(),
                    mapping: String::new(),
                    direction: m.direction,
                    create: m.join == Join::Adopt,
                    paused: false,
                };
                (m.id, assignment)
            })
            .collect();
        for (id, assignment) in ours {
            self.event(host, Event::Assigned(id, Box::new(assignment)));
        }
    }

    fn event(&mut self, host: usize, event: Event) {
        let effects = self.hosts[host].steps.step(self.now, event);
        for effect in effects {
            self.effect(host, effect);
        }
    }

    fn effect(&mut self, host: usize, effect: Effect) {
        match effect {
            Effect::Watch(_) | Effect::Forget(_) => {}
            Effect::Look(member) => self.hosts[host].work.push_back(Work::Look(member)),
            Effect::BackUp(member) => self.hosts[host].work.push_back(Work::BackUp(member)),
            Effect::Restore { instruction, expected } => {
                self.hosts[host].work.push_back(Work::Restore(instruction, expected));
            }
            Effect::Merge(instruction) => self.hosts[host].work.push_back(Work::Merge(instruction)),
            Effect::Answer(answer) => {
                if self.hosts[host].online {
                    self.hosts[host].up.push_back(Up::Merged(answer));
                }
            }
            Effect::Journal { member, entry, .. } => self.hosts[host].journal.entry(member).or_default().0 = entry,
            Effect::Left(member, version) => self.hosts[host].journal.entry(member).or_default().1.push(version),
            Effect::Report { report, refused, .. } => {
                assert_eq!(refused, "", "an honest manager's instruction was refused");
                if self.hosts[host].online {
                    self.hosts[host].up.push_back(Up::Report(*report));
                }
            }
            Effect::Commit { member, commit, .. } => {
                let content = content_of(commit.copied.portion.fingerprint);
                let done = BackedUp {
                    base: commit.base,
                    base_gen: commit.base_gen,
                    base_fp: commit.base_fp,
                    record: Record {
                        version: commit.copied.version,
                        group: self.group.id,
                        member,
                        generation: commit.generation,
                        shape: Shape { format: commit.copied.portion.format.clone(), mapping: String::new() },
                        text: commit.copied.portion.fingerprint,
                        value: value(content),
                        size: 1,
                        copy: vec![],
                        mac: [0; 32],
                    },
                };
                if self.hosts[host].online {
                    self.hosts[host].up.push_back(Up::BackedUp(done));
                }
            }
        }
    }

    fn portion(&self, member: MemberId) -> Portion {
        let format = self.formats[&member];
        Portion { fingerprint: text(self.files[&member], format), format: format!("f{format}"), empty: false }
    }

    fn work(&mut self, host: usize) {
        let Some(work) = self.hosts[host].work.pop_front() else { return };
        match work {
            Work::Look(member) => {
                let sight = Sight::Present(self.portion(member));
                self.event(host, Event::Looked(member, sight));
            }
            Work::BackUp(member) => {
                let copied = Copied {
                    portion: self.portion(member),
                    value: value(self.files[&member]),
                    size: 1,
                    copy: vec![],
                    version: VersionId(self.id()),
                };
                self.event(host, Event::Copied(member, Box::new(copied)));
            }
            Work::Merge(instruction) => {
                let member = instruction.member;
                // What comes of it is a content of its own; the edits in it are versions.
                let merged = if self.random.chance(70) {
                    self.next_content += 1;
                    let (content, format) = (self.next_content, self.formats[&member]);
                    let portion =
                        Portion { fingerprint: text(content, format), format: format!("f{format}"), empty: false };
                    let version = VersionId(self.id());
                    Merged::Done(Box::new(Copied { portion, value: value(content), size: 1, copy: vec![], version }))
                } else {
                    Merged::Clash(Clash { cause: "both".to_owned() })
                };
                self.event(host, Event::Merged(member, merged));
            }
            Work::Restore(instruction, expected) => {
                let member = instruction.member;
                let now = self.portion(member);
                if expected != Some(now.fingerprint) {
                    self.event(host, Event::Restored(member, Restored::Changed(Sight::Present(now))));
                    return;
                }
                let content = content_of(instruction.record.text);
                self.files.insert(member, content);
                self.restores += 1;
                let portion = self.portion(member);
                if self.random.chance(5) {
                    // Killed between the exchange and the journal: recovery finds the new file's id.
                    self.kill(host);
                    self.event(host, Event::Recovered { member, version: instruction.record.version, portion });
                    return;
                }
                self.event(host, Event::Restored(member, Restored::Done(portion)));
            }
        }
    }

    fn kill(&mut self, host: usize) {
        self.disconnect(host);
        self.hosts[host].work.clear();
        self.start(host);
        // Its recovery comes before its looks.
    }

    fn connect(&mut self, host: usize) {
        if !self.hosts[host].online {
            self.hosts[host].online = true;
            self.event(host, Event::Online);
        }
    }

    fn disconnect(&mut self, host: usize) {
        self.hosts[host].up.clear();
        self.hosts[host].down.clear();
        self.hosts[host].online = false;
        self.event(host, Event::Offline);
    }

    fn manager(&mut self, host: usize) {
        let Some(message) = self.hosts[host].up.pop_front() else { return };
        let doubled = self.random.chance(10);
        for _ in 0..=usize::from(doubled) {
            self.take(host, &message);
        }
        self.plan();
    }

    fn take(&mut self, host: usize, message: &Up) {
        let (member, generation) = match message {
            Up::Report(report) => {
                self.group.report(report);
                (report.member, report.generation)
            }
            Up::BackedUp(done) => {
                match self.group.commit(done, self.now) {
                    Ok(Outcome::NewHead(_) | Outcome::Branch(_) | Outcome::Standing(_) | Outcome::Ignored)
                    | Err(plan::CommitError::WaitsForOrigin) => {}
                    Err(plan::CommitError::UsedVersion(_)) => {}
                    Err(error) => panic!("{error}"),
                }
                (done.record.member, done.record.generation)
            }
            Up::Merged(answer) => return self.take_merged(answer),
        };
        let committed = self.group.members[&member].committed_gen >= generation;
        self.hosts[host].down.push_back(Down::Ack(member, generation, committed));
    }

    fn take_merged(&mut self, answer: &MergeAnswer) {
        let MergeInstruction { head, branch, member, .. } = &answer.instruction;
        match &answer.result {
            Ok(copied) => {
                let record = Record {
                    version: copied.version,
                    member: *member,
                    generation: answer.generation,
                    text: copied.portion.fingerprint,
                    value: copied.value,
                    ..branch.clone()
                };
                let resolved =
                    self.group.resolve(Kind::Merge, Some(head.version), &[branch.version], &record, self.now);
                self.merges += usize::from(resolved.is_ok());
            }
            Err(clash) => {
                self.group.cannot_merge(branch.version, head.version, clash.cause.clone());
            }
        }
    }

    /// Instructions are sent again and again: the planner has no memory.
    fn plan(&mut self) {
        for instruction in instructions(&self.group) {
            let job = JobId(self.id());
            let (agent, down) = match instruction {
                plan::Instruction::Backup(b) => (b.agent, Down::Backup(job, b.member, b.generation)),
                plan::Instruction::Restore(r) => {
                    let r = *r;
                    let instruction = Instruction {
                        member: r.member,
                        job,
                        group: r.group,
                        record: r.record,
                        text_base: r.text_base,
                        authentic: true,
                        expected_gen: r.expected_gen,
                        create: r.create,
                    };
                    (r.agent, Down::Restore(Box::new(instruction)))
                }
                plan::Instruction::Merge(m) => {
                    let m = *m;
                    let instruction = MergeInstruction {
                        member: m.member,
                        job: JobId(m.head.version.0),
                        group: m.group,
                        base: m.base,
                        head: m.head,
                        branch: m.branch,
                        authentic: true,
                    };
                    (m.agent, Down::Merge(Box::new(instruction)))
                }
            };
            let host = host_of(agent);
            if self.hosts[host].online && self.hosts[host].down.len() < 50 {
                self.hosts[host].down.push_back(down);
            }
        }
    }

    fn deliver(&mut self, host: usize) {
        let Some(message) = self.hosts[host].down.pop_front() else { return };
        let event = match message {
            Down::Backup(job, member, generation) => Event::Backup { member, job, generation },
            Down::Restore(instruction) => Event::Restore(instruction),
            Down::Merge(instruction) => Event::Merge(instruction),
            Down::Ack(member, generation, committed) => Event::Acknowledged { member, generation, committed },
        };
        self.event(host, event);
    }

    fn edit(&mut self) {
        let members: Vec<MemberId> = self.files.keys().copied().collect();
        let member = members[self.random.below(members.len())];
        let old = self.files[&member];
        self.replaced.insert(old);
        self.next_content += 1;
        self.files.insert(member, self.next_content);
        self.edits.insert(self.next_content);
        if self.random.chance(80) {
            self.touch(member);
        }
    }

    fn host_of(&self, member: MemberId) -> usize {
        host_of(self.group.members[&member].agent)
    }

    fn touch(&mut self, member: MemberId) {
        self.event(self.host_of(member), Event::Touched(member));
    }

    fn any(&mut self, faults: bool) {
        self.now += 1 + self.random.next_number() % 50;
        let host = self.random.below(self.hosts.len());
        match self.random.below(if faults { 100 } else { 80 }) {
            0..20 => self.work(host),
            20..45 => self.manager(host),
            45..70 => self.deliver(host),
            70..73 => self.event(host, Event::Tick),
            73..80 => self.connect(host),
            80..83 => self.edit(),
            83..87 => self.take_a_side(),
            87..90 => self.deliver(host),
            90 => self.disconnect(host),
            91 => self.kill(host),
            92..94 => {
                self.hosts[host].down.pop_front();
            }
            _ => self.plan(),
        }
    }

    /// Lets the faults stop and waits for quiet.
    fn settle(&mut self) {
        let members: Vec<MemberId> = self.files.keys().copied().collect();
        for member in members {
            self.touch(member);
        }
        for _ in 0..40 {
            self.now += 6_000;
            for host in 0..self.hosts.len() {
                self.connect(host);
                self.event(host, Event::Tick);
                for _ in 0..200 {
                    self.work(host);
                    self.manager(host);
                    self.deliver(host);
                }
            }
            self.plan();
        }
    }

    fn check(&self, seed: u64) {
        let kept: BTreeSet<Content> = self
            .group
            .versions
            .values()
            .map(|v| content_of(v.record.text))
            .chain(self.files.values().copied())
            .collect();
        for edit in self.edits.difference(&self.replaced) {
            assert!(kept.contains(edit), "seed {seed}: the edit {edit} is lost");
        }
        assert!(
            self.group.versions.len()
                <= self.edits.len()
                    + self.group.versions.values().filter(|v| v.kind == Kind::Merge || v.kind == Kind::Resolve).count(),
            "seed {seed}: echo"
        );
        for member in self.group.members.values() {
            let file = self.files[&member.id];
            assert!(!member.is_dirty(), "seed {seed}: {member:?} is not committed");
            let open = member.standing.is_some_and(|s| self.group.is_open(s));
            if open {
                assert!(!self.group.may_merge(member.standing.unwrap()), "seed {seed}: {member:?} was not merged");
                let standing = self.group.standing(member).unwrap();
                assert_eq!(content_of(standing.record.text), file, "seed {seed}: a branch's file");
            } else {
                assert_eq!(
                    member.standing,
                    self.group.head,
                    "seed {seed}: {member:?} does not follow; its versions {:#?}; its agent {:#?}",
                    self.group
                        .versions
                        .values()
                        .map(|v| format!(
                            "{} {:?} {:?} {:?} {} {}",
                            v.number,
                            v.id().to_string(),
                            v.kind,
                            v.parents,
                            v.merged,
                            v.yielded
                        ))
                        .collect::<Vec<_>>(),
                    self.hosts[self.host_of(member.id)].steps.member(member.id),
                );
                let head = self.group.head_version().unwrap();
                assert_eq!(content_of(head.record.text), file, "seed {seed}: a follower's file");
            }
        }
    }

    /// A person ends a conflict by taking the head's side or a branch's.
    fn take_a_side(&mut self) {
        let open = self.group.open_branches();
        if open.is_empty() {
            return;
        }
        let taken = if self.random.chance(50) { open[0] } else { self.group.head.unwrap() };
        let mut record = self.group.versions[&taken].record.clone();
        record.version = VersionId(self.id());
        let head = self.group.head;
        self.group.resolve(Kind::Resolve, head, &open, &record, self.now).unwrap();
        self.plan();
    }

    fn resolve(&mut self, seed: u64) {
        self.take_a_side();
        self.settle();
        assert!(self.group.open_branches().is_empty(), "seed {seed}: still in conflict");
    }
}

fn run(seed: u64) -> (usize, usize) {
    let mut world = World::new(seed);
    for _ in 0..1_000 {
        world.any(true);
    }
    world.settle();
    world.check(seed);
    let versions = world.group.versions.len();
    world.settle();
    assert_eq!(world.group.versions.len(), versions, "seed {seed}: a quiet system made versions");
    world.resolve(seed);
    world.check(seed);
    (world.restores, world.merges)
}

#[test]
fn members_converge_and_no_edit_is_lost() {
    if let Ok(seed) = std::env::var("INLAY_SEED") {
        run(seed.parse().unwrap());
        return;
    }
    let start = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let (mut restores, mut merges) = (0, 0);
    for n in 0..2_000 {
        let seed = start.wrapping_add(n);
        match std::panic::catch_unwind(|| run(seed)) {
            Ok((more, merged)) => (restores, merges) = (restores + more, merges + merged),
            Err(_) => panic!("INLAY_SEED={seed} repeats this"),
        }
    }
    assert!(
        restores > 10_000 && merges > 1_000,
        "only {restores} restores and {merges} merges: too quiet to prove much"
    );
}
