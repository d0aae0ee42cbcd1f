//! What a seed makes: who takes part, and what happens to them. A schedule is data, so that parts of it can be left out.

use agent::step::Limit;
use plan::{Conflict, Direction, Join, OnMissing};

use super::document::{Kind, Style};
use super::ledger::MemberNo;
use super::users::{Change, UserEdit, Way};
use crate::Random;

/// Something that happens at a time.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// A user writes; where `during` is given, before that call of the next operation on the agent's files.
    User { edit: UserEdit, during: Option<u32> },
    /// An agent's process is killed, or its machine loses its power.
    Kill { machine: usize, power: bool, during: Option<u32>, down: u64 },
    /// An agent cannot reach the manager.
    LinkDown { machine: usize, down: u64 },
    /// An agent's stream ends.
    StreamCut { machine: usize },
    /// The manager's process is killed; `after_store`: when it has stored the next message.
    ManagerKill { down: u64, after_store: bool },
    /// The manager's database is copied away.
    ManagerKeep,
    /// The copy is put back.
    ManagerPutBack,
    /// A machine's disk is full.
    DiskFull { machine: usize, down: u64 },
    /// The repository cannot be reached.
    RepositoryDown { down: u64 },
    /// A person looks at a group, and ends its conflict some time later.
    Resolve { group: usize, side: usize, thinks: u64 },
    /// A person makes an old version the next one.
    RestoreOld { group: usize, version: usize },
    /// A person lets everything go that a machine's brake holds back.
    Release { machine: usize },
    /// A person pauses a group, or one of its members.
    Pause { group: usize, member: Option<MemberNo>, down: u64 },
    /// A machine's owner takes back what they allowed of a member's file.
    Deny { member: MemberNo, down: u64 },
    /// A person wants the head in place of what a member has.
    GiveWay { member: MemberNo },
    /// The manager sends a version that the member has left.
    Replay { member: MemberNo, version: usize },
    /// The manager sends a version of another group.
    Foreign { member: MemberNo, version: usize },
    /// The manager sends what it made itself.
    Forge { member: MemberNo },
}

/// A member, as it begins.
#[derive(Debug, Clone)]
pub(crate) struct MemberSetup {
    pub(crate) group: usize,
    pub(crate) machine: usize,
    pub(crate) file: usize,
    pub(crate) slot: usize,
    pub(crate) style: Style,
    pub(crate) direction: Direction,
    pub(crate) join: Join,
    pub(crate) on_missing: OnMissing,
    /// When it becomes a member, if not at the beginning.
    pub(crate) joins: Option<u64>,
    /// Its content at the beginning: that of all, or its own, or none.
    pub(crate) begins: Begins,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begins {
    Same,
    Own,
    Missing,
}

/// Everything that a seed makes.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub(crate) seed: u64,
    pub(crate) machines: usize,
    /// By group; for `Prefer` the member's number is its place.
    pub(crate) policies: Vec<Policy>,
    pub(crate) members: Vec<MemberSetup>,
    pub(crate) can_exchange: bool,
    /// How much a machine lets change by itself.
    pub(crate) limit: Limit,
    /// Of a hundred messages.
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) late: u64,
    /// By time, in milliseconds.
    pub(crate) steps: Vec<(u64, Action)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    Merge,
    Manual,
    Newest,
    PreferFirst,
}

impl Policy {
    pub(crate) fn conflict(self, first: plan::MemberId) -> Conflict {
        match self {
            Policy::Merge => Conflict::Merge,
            Policy::Manual => Conflict::Manual,
            Policy::Newest => Conflict::Newest,
            Policy::PreferFirst => Conflict::Prefer(first),
        }
    }
}

/// How long users and faults are at it, in milliseconds.
const LENGTH: u64 = 60_000;

impl Schedule {
    /// What a seed makes.
    pub fn new(seed: u64) -> Schedule {
        let mut random = Random::new(seed ^ 0x5eed);
        let machines = 1 + random.below(3);
        let mut groups = 1 + random.below(2);
        // In some runs much changes on machines that let little change: what these runs are made of is drawn apart.
        let mut apart = Random::new(seed ^ 0xb4a6e);
        let braked = apart.chance(20);
        if braked {
            groups = 2 + apart.below(3);
        }
        let policy = |random: &mut Random| match random.below(5) {
            0 | 1 => Policy::Merge,
            2 => Policy::Manual,
            3 => Policy::Newest,
            _ => Policy::PreferFirst,
        };
        let policies = (0..groups).map(|_| policy(&mut random)).collect();
        let members = members(&mut random, machines, groups);
        let messy = random.chance(70);
        let mut schedule = Schedule {
            seed,
            machines,
            policies,
            members,
            can_exchange: random.chance(92),
            limit: Limit::default(),
            lost: if messy { random.next_number() % 8 } else { 0 },
            doubled: if messy { random.next_number() % 8 } else { 0 },
            late: if messy { random.next_number() % 10 } else { 0 },
            steps: Vec::new(),
        };
        let steps = 15 + random.below(45);
        // Some runs have only some kinds of faults, so that rare things meet.
        let kinds = random.next_number();
        for _ in 0..steps {
            let at = 1_500 + random.next_number() % LENGTH;
            if random.chance(12) {
                schedule.burst(&mut random, at, kinds);
                continue;
            }
            let action = schedule.action(&mut random, kinds);
            schedule.steps.push((at, action));
            if random.chance(25) {
                // Things that happen close to each other are the ones that matter.
                let action = schedule.action(&mut random, kinds);
                schedule.steps.push((at + random.next_number() % 300, action));
            }
        }
        if braked {
            schedule.brake(&mut apart, groups);
        }
        let mut removing = Random::new(seed ^ 0xde1e7e);
        if removing.chance(25) {
            schedule.remove(&mut removing);
        }
        schedule.steps.sort_by_key(|(at, _)| *at);
        schedule
    }

    /// Machines let little change; programs change much at once there, and people look after it.
    fn brake(&mut self, random: &mut Random, groups: usize) {
        let within = [2_000, 8_000, 60_000][random.below(3)];
        self.limit = Limit { groups: 1 + random.below(groups - 1) as u64, within };
        for _ in 0..1 + random.below(3) {
            let machine = random.below(self.machines);
            let at = 2_000 + random.next_number() % LENGTH;
            let own: Vec<MemberNo> = (0..self.members.len()).filter(|m| self.members[*m].machine == machine).collect();
            for member in own {
                let edit = UserEdit { change: Change::Token, way: Way::Rename, ..user(random, member) };
                self.steps.push((at + random.next_number() % 400, Action::User { edit, during: None }));
            }
            if random.chance(40) {
                let (after, power) = (random.next_number() % 900, random.chance(30));
                self.steps.push((at + after, Action::Kill { machine, power, during: None, down: 200 }));
            }
            if random.chance(50) {
                self.steps.push((at + random.next_number() % 9_000, Action::Release { machine }));
            }
        }
    }

    /// What goes missing is an edit, of most members, and much goes.
    fn remove(&mut self, random: &mut Random) {
        for member in &mut self.members {
            if member.on_missing == OnMissing::Suspend && random.chance(80) {
                member.on_missing = OnMissing::Delete;
            }
        }
        for _ in 0..2 + random.below(6) {
            let member = random.below(self.members.len());
            let at = 2_000 + random.next_number() % LENGTH;
            let edit = UserEdit { change: Change::Remove, ..user(random, member) };
            let during = random.chance(20).then(|| 1 + random.below(26) as u32);
            self.steps.push((at, Action::User { edit, during }));
            // And something comes again, there or elsewhere.
            let peer = random.below(self.members.len());
            let again = if random.chance(50) { member } else { peer };
            let after = random.next_number() % 9_000;
            self.steps.push((at + after, Action::User { edit: user(random, again), during: None }));
        }
    }

    /// How many things happen.
    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// Two members of a group, and what can happen between them in half a second.
    fn burst(&mut self, random: &mut Random, at: u64, kinds: u64) {
        let one = random.below(self.members.len());
        let peers: Vec<usize> = (0..self.members.len())
            .filter(|m| *m != one && self.members[*m].group == self.members[one].group)
            .collect();
        let Some(other) = peers.get(random.below(peers.len().max(1))).copied() else { return };
        let mut add = |after: u64, action: Action| self.steps.push((at + after, action));
        if random.chance(40) {
            // The same is written twice, in two places.
            let (seed, after) = (random.next_number(), random.next_number() % 300);
            for (member, after) in [(one, 0), (other, after)] {
                let edit = UserEdit { change: Change::Common, way: Way::InPlace, seed, ..user(random, member) };
                add(after, Action::User { edit, during: None });
            }
            return;
        }
        // What is written here is restored there, and meanwhile …
        let edit = UserEdit { change: Change::Token, way: Way::InPlace, ..user(random, one) };
        add(0, Action::User { edit, during: None });
        let call = 4 + random.below(12) as u32;
        for (number, call) in [call, call + 1 + random.below(5) as u32].into_iter().enumerate() {
            let way = if random.chance(70) { Way::InPlace } else { Way::Rename };
            let edit = UserEdit { change: Change::Token, way, ..user(random, other) };
            add(20 + number as u64, Action::User { edit, during: Some(call) });
        }
        if random.chance(40) && kinds & 3 != 0 {
            let (machine, power) = (self.members[other].machine, random.chance(40));
            let during = Some(call + random.below(10) as u32);
            add(30, Action::Kill { machine, power, during, down: 200 });
        }
    }

    fn action(&self, random: &mut Random, kinds: u64) -> Action {
        let machine = random.below(self.machines);
        let member = random.below(self.members.len());
        let group = random.below(self.policies.len());
        let during = random.chance(60).then(|| 1 + random.below(26) as u32);
        let down = [50, 400, 3_000, 15_000][random.below(4)] + random.next_number() % 300;
        let allowed = |bit: u32| kinds >> bit & 3 != 0;
        match random.below(100) {
            0..6 if allowed(0) => Action::Kill { machine, power: false, during, down },
            6..11 if allowed(2) => Action::Kill { machine, power: true, during, down },
            11..14 if allowed(4) => Action::LinkDown { machine, down },
            14..17 if allowed(4) => Action::StreamCut { machine },
            17..21 if allowed(6) => Action::ManagerKill { down: down / 5, after_store: random.chance(50) },
            21..24 if allowed(8) => Action::ManagerKeep,
            24..26 if allowed(8) => Action::ManagerPutBack,
            26..28 if allowed(10) => Action::DiskFull { machine, down },
            28..30 if allowed(12) => Action::RepositoryDown { down },
            30..34 => Action::Resolve { group, side: random.below(10), thinks: random.next_number() % 2_000 },
            40 if allowed(14) => {
                let member = random.chance(50).then_some(member);
                Action::Pause { group: member.map_or(group, |m| self.members[m].group), member, down }
            }
            41 if allowed(14) => Action::Deny { member, down },
            34..36 => Action::RestoreOld { group, version: random.below(100) },
            36 => Action::GiveWay { member },
            37 => Action::Replay { member, version: random.below(100) },
            38 => Action::Foreign { member, version: random.below(100) },
            39 => Action::Forge { member },
            _ => Action::User { edit: user(random, member), during: during.filter(|_| random.chance(50)) },
        }
    }
}

fn user(random: &mut Random, member: MemberNo) -> UserEdit {
    let change = match random.below(100) {
        0..36 => Change::Token,
        36..50 => Change::Add,
        50..58 => Change::Drop,
        58..66 => Change::Comment,
        66..76 => Change::Common,
        76..86 => Change::Older,
        86..91 => Change::Around,
        91..93 => Change::Empty,
        93..95 => Change::Break,
        95..97 => Change::Remove,
        97 => Change::Delete,
        _ => Change::Link,
    };
    let way = match random.below(100) {
        0..40 => Way::InPlace,
        40..75 => Way::Rename,
        75..88 => Way::Half(20 + random.next_number() % 400),
        _ => Way::Held(20 + random.next_number() % 1_400),
    };
    UserEdit { member, change, way, synced: random.chance(50), seed: random.next_number() }
}

fn members(random: &mut Random, machines: usize, groups: usize) -> Vec<MemberSetup> {
    let mut members = Vec::new();
    let mut files: Vec<(usize, Kind, usize)> = Vec::new();
    for group in 0..groups {
        let count = if group == 0 { 2 + random.below(3) } else { 2 };
        let kinds = kinds(random);
        for place in 0..count {
            let kind = kinds[if place == 0 { 0 } else { random.below(kinds.len()) }];
            let machine = random.below(machines);
            // A second group may live in a file of the first.
            // (A Markdown section's heading travels with it.)
            let may_share = group > 0 && kind != Kind::Markdown;
            let shared = files.iter().position(|(m, k, slots)| may_share && *m == machine && *k == kind && *slots == 1);
            let (file, slot) = match shared {
                Some(file) => {
                    files[file].2 = 2;
                    (file, 1)
                }
                None => {
                    files.push((machine, kind, 1));
                    (files.len() - 1, 0)
                }
            };
            let structured = kind.is_structured();
            let style = Style {
                kind,
                renames: structured && random.chance(12),
                has_own: structured && random.chance(20),
                crlf: random.chance(12),
            };
            let first = place == 0;
            members.push(MemberSetup {
                group,
                machine,
                file,
                slot,
                style,
                direction: match random.below(20) {
                    0 if !first => Direction::Receive,
                    1 if !first => Direction::Send,
                    _ => Direction::Both,
                },
                join: match random.below(10) {
                    _ if first => Join::Offer,
                    0..6 => Join::Adopt,
                    _ => Join::Wait,
                },
                on_missing: if random.chance(20) { OnMissing::Create } else { OnMissing::Suspend },
                joins: (!first && random.chance(15)).then(|| 1_000 + random.next_number() % (LENGTH / 2)),
                begins: match random.below(10) {
                    _ if first => Begins::Own,
                    0 => Begins::Missing,
                    1..4 => Begins::Same,
                    _ => Begins::Own,
                },
            });
        }
    }
    // All portions of one file have its line ends.
    for at in 0..members.len() {
        let crlf = members.iter().find(|m: &&MemberSetup| m.file == members[at].file).is_some_and(|m| m.style.crlf);
        members[at].style.crlf = crlf;
    }
    members
}

/// The formats of a group: one, so that texts travel, or several.
fn kinds(random: &mut Random) -> &'static [Kind] {
    match random.below(10) {
        0 => &[Kind::Markdown],
        1 => &[Kind::Marked],
        2 => &[Kind::Json],
        3 => &[Kind::Jsonc],
        4 => &[Kind::Yaml],
        5 => &[Kind::Toml],
        6 => &[Kind::Json, Kind::Toml],
        7 => &[Kind::Jsonc, Kind::Yaml],
        _ => &[Kind::Json, Kind::Jsonc, Kind::Toml, Kind::Yaml],
    }
}
