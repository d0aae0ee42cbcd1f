//! The world's clock and queue: everything that happens, happens here, one thing at a time, at a time that follows from the seed.

mod begin;
mod network;
mod people;

use std::collections::BTreeMap;

use agent::step::Event;
use plan::{GroupId, JobId, Kind, Member, MemberId, VersionId};

use super::disk::Interrupt;
use super::ledger::{MemberNo, Shared};
use super::machine::{Copies, Follows, Happened, Job, Machine, Up};
use super::manager::{Act, Down, Manager};
use super::schedule::{Action, Schedule};
use crate::Random;

/// Something on the clock.
#[derive(Debug)]
enum Tick {
    Step(usize),
    /// A process's own: void if it is another one by then.
    Machine(usize, u64, Own),
    Start(usize),
    ManagerStarts,
    ToManager(usize, u64, Box<Up>),
    ToAgent(usize, u64, Down),
    Repeat(MemberId, JobId),
    LinkUp(usize),
    DiskFree(usize),
    RepositoryUp,
    Lost(usize, u64),
    /// A member is added to its group.
    Joins(MemberNo),
    /// A pause ends.
    Resume(GroupId),
    /// What was denied is allowed again.
    Allow(MemberNo),
    UserGoesOn(usize),
    Decide {
        group: GroupId,
        kind: Kind,
        head: Option<VersionId>,
        branches: Vec<VersionId>,
        of: VersionId,
    },
}

#[derive(Debug)]
enum Own {
    Job(Job),
    Happened(Box<Happened>),
    Send,
    Second,
    Rescan,
    Touched(MemberNo),
    Connect,
    Connected(u64),
    LostStream(u64),
}

/// See the module.
pub(crate) struct World {
    pub(crate) schedule: Schedule,
    pub(crate) ledger: Shared,
    pub(crate) machines: Vec<Machine>,
    pub(crate) manager: Manager,
    pub(crate) members: Vec<MemberId>,
    copies: Copies,
    queue: BTreeMap<(u64, u64), Tick>,
    queued: u64,
    streams: u64,
    pub(crate) random: Random,
    /// Who is no member yet.
    joining: BTreeMap<MemberNo, Member>,
    /// Faults are over.
    pub(crate) calm: bool,
    repository: bool,
    links: Vec<bool>,
    /// When the last report of each machine arrives.
    heard: Vec<u64>,
    /// What is to happen within the next operation on a machine's files, and until when it waits for one.
    waiting: Vec<Vec<(u64, u32, Interrupt, u64)>>,
}

fn id(kind: u8, number: usize) -> [u8; 16] {
    let mut id = [kind; 16];
    id[15] = number as u8;
    id
}

impl World {
    pub(crate) fn now(&self) -> u64 {
        self.ledger.lock().now
    }

    fn at(&mut self, after: u64, tick: Tick) {
        self.queued += 1;
        let at = self.now() + after;
        self.queue.insert((at, self.queued), tick);
    }

    fn own(&mut self, machine: usize, after: u64, own: Own) {
        let process = self.machines[machine].process;
        self.at(after, Tick::Machine(machine, process, own));
    }

    /// Lets time pass until then, or until a promise is broken.
    pub(crate) fn run_until(&mut self, end: u64) {
        while let Some(((at, _), _)) = self.queue.first_key_value() {
            if *at > end || self.ledger.lock().broken.is_some() {
                break;
            }
            let Some(((at, _), tick)) = self.queue.pop_first() else { break };
            {
                let mut ledger = self.ledger.lock();
                ledger.now = ledger.now.max(at);
            }
            self.tick(tick);
            self.follow();
        }
        let mut ledger = self.ledger.lock();
        ledger.now = ledger.now.max(end);
    }

    fn tick(&mut self, tick: Tick) {
        match tick {
            Tick::Step(number) => {
                let action = self.schedule.steps[number].1.clone();
                self.act(action);
            }
            Tick::Machine(machine, process, own) => {
                if self.machines[machine].alive && self.machines[machine].process == process {
                    self.own_tick(machine, own);
                }
            }
            Tick::Start(machine) => self.start(machine),
            Tick::ManagerStarts => {
                self.ledger.tell(format_args!("the manager starts"));
                self.manager.up = true;
            }
            Tick::ToManager(machine, stream, message) => {
                let agent = self.machines[machine].id;
                if self.manager.up && self.manager.streams.get(&agent) == Some(&stream) {
                    self.manager.take(*message);
                    if self.manager.dies_after_store {
                        self.manager_dies(1_000);
                    }
                }
            }
            Tick::ToAgent(machine, stream, message) => self.told(machine, stream, message),
            Tick::Repeat(member, job) => self.manager.repeat(member, job),
            Tick::LinkUp(machine) => self.links[machine] = true,
            Tick::DiskFree(machine) => self.machines[machine].disk().full = false,
            Tick::RepositoryUp => self.repository = true,
            Tick::Lost(machine, stream) => {
                let agent = self.machines[machine].id;
                if self.manager.streams.get(&agent) == Some(&stream) {
                    self.manager.streams.remove(&agent);
                }
            }
            Tick::Joins(member) if self.manager.up => self.join(member),
            Tick::Joins(member) => self.at(500, Tick::Joins(member)),
            Tick::Resume(group) if self.manager.up => self.manager.resume(group),
            Tick::Resume(group) => self.at(500, Tick::Resume(group)),
            Tick::Allow(member) => self.allow(member, true),
            Tick::UserGoesOn(machine) => self.users_go_on(machine),
            Tick::Decide { group, kind, head, branches, of } => {
                if self.manager.up {
                    self.manager.decide(group, kind, head, &branches, of);
                }
            }
        }
    }

    fn start(&mut self, machine: usize) {
        if self.machines[machine].alive {
            return;
        }
        self.arm(machine);
        self.machines[machine].start();
        if self.crashed(machine) {
            return;
        }
        self.own(machine, 1_000, Own::Second);
        let rescan = 10_000 + self.random.next_number() % 10_000;
        self.own(machine, rescan, Own::Rescan);
        let connect = self.random.next_number() % 200;
        self.own(machine, connect, Own::Connect);
    }

    fn own_tick(&mut self, machine: usize, own: Own) {
        match own {
            Own::Job(job) => self.work(machine, job),
            Own::Happened(happened) => {
                if let Happened::Again(job, wait) = *happened {
                    self.own(machine, wait, Own::Job(job));
                } else {
                    self.machines[machine].took_place(*happened);
                }
            }
            Own::Send => {
                for outgoing in self.machines[machine].send() {
                    self.send_up(machine, outgoing.stream, outgoing.message);
                }
            }
            Own::Second => {
                self.machines[machine].tick();
                self.own(machine, 1_000, Own::Second);
            }
            Own::Rescan => {
                self.machines[machine].rescan();
                let rescan = 10_000 + self.random.next_number() % 10_000;
                self.own(machine, rescan, Own::Rescan);
            }
            Own::Touched(number) => {
                let member = self.members[number];
                if self.machines[machine].knows(member) {
                    self.machines[machine].handle(Event::Touched(member));
                }
            }
            Own::Connect => self.connect(machine),
            Own::Connected(stream) => {
                let agent = self.machines[machine].id;
                if self.manager.streams.get(&agent) == Some(&stream) {
                    self.ledger.tell(format_args!("agent {machine} is connected, stream {stream}"));
                    self.machines[machine].stream = Some(stream);
                    self.machines[machine].handle(Event::Online);
                } else {
                    self.own(machine, 500, Own::Connect);
                }
            }
            Own::LostStream(stream) => {
                if self.machines[machine].stream == Some(stream) {
                    self.machines[machine].stream = None;
                    self.machines[machine].handle(Event::Offline);
                    let wait = 100 + self.random.next_number() % 1_000;
                    self.own(machine, wait, Own::Connect);
                }
            }
        }
    }

    fn connect(&mut self, machine: usize) {
        if self.machines[machine].stream.is_some() {
            return;
        }
        if !self.links[machine] || !self.manager.up {
            let wait = 200 + self.random.next_number() % 1_500;
            return self.own(machine, wait, Own::Connect);
        }
        self.streams += 1;
        let stream = self.streams;
        let agent = self.machines[machine].id;
        self.own(machine, 5, Own::Connected(stream));
        self.manager.connected(agent, stream);
    }

    /// A job is done: with what happens in between.
    fn work(&mut self, machine: usize, job: Job) {
        if matches!(job, Job::Restore { .. } | Job::Recover { .. } | Job::Delete(_)) {
            self.arm(machine);
        }
        let mut random = [0; 16];
        random[..8].copy_from_slice(&self.random.next_number().to_be_bytes());
        random[8..].copy_from_slice(&self.random.next_number().to_be_bytes());
        let happened = self.machines[machine].work(job, &mut self.copies, random, self.repository);
        if self.crashed(machine) {
            return;
        }
        self.users_moved(machine);
        if let Some(happened) = happened {
            let after = self.pause();
            self.own(machine, after, Own::Happened(Box::new(happened)));
        }
    }

    /// Some milliseconds, sometimes many.
    fn pause(&mut self) -> u64 {
        let most = if self.random.chance(8) && !self.calm { 1_500 } else { 15 };
        1 + self.random.next_number() % most
    }

    /// What waits for an operation on a machine's files gets one.
    fn arm(&mut self, machine: usize) {
        let waiting = std::mem::take(&mut self.waiting[machine]);
        let mut disk = self.machines[machine].disk();
        disk.interrupts.extend(waiting.into_iter().map(|(_, call, interrupt, _)| (call, interrupt)));
    }

    /// Whether a machine's process did not survive what it just did.
    fn crashed(&mut self, machine: usize) -> bool {
        let (dead, power) = {
            let disk = self.machines[machine].disk();
            (disk.dead, disk.power)
        };
        if dead {
            self.users_moved(machine);
            self.crash(machine, power, 0);
        }
        dead
    }

    fn crash(&mut self, machine: usize, power: bool, down: u64) {
        if !self.schedule.can_exchange {
            // By a plain rename a write that was interrupted cannot be told from one that a user has replaced since.
            let own = (0..self.members.len()).filter(|m| self.schedule.members[*m].machine == machine);
            self.ledger.lock().forgetful.extend(own);
        }
        self.machines[machine].die(power);
        let agent = self.machines[machine].id;
        if let Some(stream) = self.manager.streams.get(&agent).copied() {
            let heard = self.pause();
            self.at(heard, Tick::Lost(machine, stream));
        }
        let down = if down == 0 { 50 + self.random.next_number() % 4_000 } else { down };
        self.at(down, Tick::Start(machine));
    }

    fn manager_dies(&mut self, down: u64) {
        self.manager.die();
        for machine in 0..self.machines.len() {
            if let Some(stream) = self.machines[machine].stream {
                let heard = self.pause();
                self.own(machine, heard, Own::LostStream(stream));
            }
        }
        self.at(down, Tick::ManagerStarts);
    }

    fn cut(&mut self, machine: usize) {
        let agent = self.machines[machine].id;
        self.manager.streams.remove(&agent);
        if let Some(stream) = self.machines[machine].stream {
            let heard = self.pause();
            self.own(machine, heard, Own::LostStream(stream));
        }
    }

    /// Watchers hear of what users did; what they have still to write is on the clock.
    pub(crate) fn users_moved(&mut self, machine: usize) {
        let (touched, later) = {
            let mut disk = self.machines[machine].disk();
            let later: Vec<u64> = disk.later.iter().map(|later| later.at).collect();
            (std::mem::take(&mut disk.touched), later)
        };
        for number in touched {
            // A watcher may miss something; the rescan does not.
            if self.calm || self.random.chance(88) {
                let after = 1 + self.random.next_number() % 120;
                self.own(machine, after, Own::Touched(number));
            }
        }
        let now = self.now();
        for at in later {
            self.at(at.saturating_sub(now), Tick::UserGoesOn(machine));
        }
    }

    fn users_go_on(&mut self, machine: usize) {
        let now = self.now();
        let mut disk = self.machines[machine].disk();
        let (due, later) = std::mem::take(&mut disk.later).into_iter().partition(|later| later.at <= now);
        disk.later = later;
        let due: Vec<super::users::Later> = due;
        let moved = !due.is_empty();
        due.into_iter().for_each(|later| disk.user_goes_on(later));
        drop(disk);
        if moved {
            self.users_moved(machine);
        }
    }

    /// What follows from what just happened.
    fn follow(&mut self) {
        for machine in 0..self.machines.len() {
            for follows in self.machines[machine].take_follows() {
                let after = self.pause();
                match follows {
                    Follows::Job(job) => self.own(machine, after, Own::Job(job)),
                    Follows::Outgoing => self.own(machine, after, Own::Send),
                }
            }
        }
        for act in self.manager.take_acts() {
            match act {
                Act::Send(agent, down) => {
                    let machine = usize::from(agent.0[15]);
                    if let Some(stream) = self.manager.streams.get(&agent).copied() {
                        self.send_down(machine, stream, down);
                    }
                }
                Act::Repeat(after, member, job) => self.at(after, Tick::Repeat(member, job)),
            }
        }
        for machine in 0..self.waiting.len() {
            let now = self.now();
            let (due, later) =
                std::mem::take(&mut self.waiting[machine]).into_iter().partition(|(until, ..)| *until <= now);
            self.waiting[machine] = later;
            let due: Vec<(u64, u32, Interrupt, u64)> = due;
            for (_, _, interrupt, down) in due {
                self.interrupt(machine, interrupt, down);
            }
        }
    }

    /// Nothing was under way: it happens all the same.
    fn interrupt(&mut self, machine: usize, interrupt: Interrupt, down: u64) {
        match interrupt {
            Interrupt::User(edit) => {
                self.machines[machine].disk().user(&edit);
                self.users_moved(machine);
            }
            Interrupt::Kill | Interrupt::PowerCut => {
                let power = matches!(interrupt, Interrupt::PowerCut);
                if self.machines[machine].alive {
                    self.crash(machine, power, down);
                }
            }
        }
    }

    /// Waits for an operation, or for a while.
    fn wait(&mut self, machine: usize, call: u32, interrupt: Interrupt, down: u64) {
        let until = self.now() + 2_500;
        self.waiting[machine].push((until, call, interrupt, down));
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::User { edit, during } => {
                let machine = self.schedule.members[edit.member].machine;
                match during.filter(|_| self.schedule.can_exchange) {
                    Some(call) => self.wait(machine, call, Interrupt::User(edit), 0),
                    None => self.interrupt(machine, Interrupt::User(edit), 0),
                }
            }
            Action::Kill { machine, power, during, down } => {
                let interrupt = if power { Interrupt::PowerCut } else { Interrupt::Kill };
                match during {
                    Some(call) => self.wait(machine, call, interrupt, down),
                    None => self.interrupt(machine, interrupt, down),
                }
            }
            Action::LinkDown { machine, down } => {
                self.links[machine] = false;
                self.cut(machine);
                self.at(down, Tick::LinkUp(machine));
            }
            Action::StreamCut { machine } => self.cut(machine),
            Action::ManagerKill { down, after_store } => {
                if after_store {
                    self.manager.dies_after_store = true;
                } else if self.manager.up {
                    self.manager_dies(down);
                }
            }
            Action::ManagerKeep => self.manager.keep(),
            Action::ManagerPutBack => {
                if self.manager.up && self.manager.put_back() {
                    self.manager_dies(100);
                }
            }
            Action::DiskFull { machine, down } => {
                self.machines[machine].disk().full = true;
                self.at(down, Tick::DiskFree(machine));
            }
            Action::RepositoryDown { down } => {
                self.repository = false;
                self.at(down, Tick::RepositoryUp);
            }
            other => self.person_acts(other),
        }
    }

    pub(crate) fn act_now(&mut self, machine: usize, interrupt: Interrupt) {
        self.interrupt(machine, interrupt, 0);
    }

    pub(crate) fn machine_of(&self, member: MemberNo) -> &Machine {
        &self.machines[self.schedule.members[member].machine]
    }

    /// The faults are over: everything runs, and everything arrives.
    pub(crate) fn be_calm(&mut self) {
        self.ledger.tell(format_args!("the faults are over"));
        self.calm = true;
        self.let_all_take_part();
        self.repository = true;
        self.manager.dies_after_store = false;
        for machine in 0..self.machines.len() {
            self.links[machine] = true;
            self.machines[machine].disk().full = false;
            let waiting = std::mem::take(&mut self.waiting[machine]);
            for (_, _, interrupt, down) in waiting {
                if let Interrupt::User(_) = interrupt {
                    self.interrupt(machine, interrupt, down);
                }
            }
        }
    }
}
