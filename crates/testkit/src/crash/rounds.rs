//! Rounds of crashes over one cluster, and what has to be true afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::time::{Duration, Instant};

use super::orders::{Orders, program};
use super::points::{At, POINTS, Point, Way};
use super::verdict::Verdict;
use crate::cluster::{Cluster, Machine, Options};
use crate::disk::Image;
use crate::editor::KINDS;
use crate::process::Process;
use crate::random::Random;
use crate::words::{self, Group};

/// How many groups there are.
const GROUPS: usize = KINDS;
/// How long a process is led to its point, at most.
const PATIENCE: Duration = Duration::from_secs(6);
/// How long an edit may take to lead there before another one is made.
const EDIT: Duration = Duration::from_millis(1_200);
/// The size of a machine's disk, in MiB. What is not used takes no room.
const DISK: u64 = 256;

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// What everything random follows from.
    pub seed: u64,
    /// How many processes die.
    pub rounds: usize,
    /// After how many rounds everything is checked.
    pub check_every: usize,
    /// Whether the power of a process's disk is cut when it dies, in two rounds of five.
    pub power: bool,
}

/// What was done.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// How many processes died.
    pub deaths: usize,
    /// At which points, and how often.
    pub at: BTreeMap<&'static str, usize>,
    /// How many died at a random moment: on purpose, or because their point was not reached.
    pub at_random: usize,
    /// Points that were meant and not reached in time.
    pub missed: Vec<&'static str>,
    /// How often the power was cut.
    pub cuts: usize,
    /// Edits.
    pub words: usize,
    /// Versions, merges among them, and conflicts that were ended.
    pub versions: (usize, usize, usize),
    /// Every point that was reached by any process.
    pub reached: BTreeSet<String>,
}

/// Two agents and a manager that die again and again.
#[derive(Debug)]
pub struct Crashes {
    // Unmounted before the cluster's folder is removed.
    pub(super) disks: Vec<Image>,
    pub(super) cluster: Cluster,
    /// Of the manager, of the agents.
    orders: Vec<Orders>,
    pub(super) groups: Vec<Group>,
    pub(super) random: Random,
    pub(super) words: Vec<String>,
    pub(super) resolved: usize,
    pub(super) totals: Totals,
    _images: tempfile::TempDir,
}

impl Crashes {
    /// Starts a manager and two agents, each on a disk of its own if the power is to be cut, and links their files.
    pub fn start(seed: u64, power: bool) -> Crashes {
        let images = tempfile::Builder::new().prefix("inlay-disks-").tempdir().unwrap();
        let mut disks = Vec::new();
        let cluster = Cluster::prepare_on(&Options { agents: 2, namespaces: false }, |root| {
            if power {
                let file = images.path().join(root.file_name().unwrap());
                disks.push(Image::new(root, &file, DISK));
            }
        });
        let orders = ["manager", "a", "b"].map(|name| Orders::new(cluster.root().join("points").join(name)));
        let mut crashes = Crashes {
            disks,
            cluster,
            orders: orders.to_vec(),
            groups: Vec::new(),
            random: Random::new(seed),
            words: Vec::new(),
            resolved: 0,
            totals: Totals::default(),
            _images: images,
        };
        crashes.start_process(0).expect("the manager starts");
        for agent in 0..2 {
            crashes.cluster.enrol(agent);
            crashes.start_process(agent + 1).expect("the agent starts");
        }
        crashes.groups = words::groups(&crashes.cluster, GROUPS);
        for document in crashes.groups.iter_mut().flat_map(|group| &mut group.documents) {
            document.synced = true;
            File::open(&document.path).unwrap().sync_all().unwrap();
            File::open(document.path.parent().unwrap()).unwrap().sync_all().unwrap();
        }
        crashes.cluster.in_sync("");
        crashes
    }

    /// Rounds, and what has to be true after some of them and at the end.
    ///
    /// Everything that is not so is a panic.
    pub fn run(plan: &Plan) -> Totals {
        let mut crashes = Crashes::start(plan.seed, plan.power);
        let verdict = Verdict::begin(&crashes);
        let mut waiting: Vec<Option<&Point>> = Vec::new();
        for round in 1..=plan.rounds {
            if waiting.is_empty() {
                // Each point once, and some deaths at random, in an order that is new each time.
                waiting = POINTS.iter().filter(|point| point.at != At::Join).map(Some).collect();
                waiting.extend([None; 7]);
            }
            let next = waiting.swap_remove(crashes.random.below(waiting.len()));
            let (before, started) = (crashes.totals.clone(), Instant::now());
            crashes.round(next);
            crashes.tell(round, next, &before, started);
            if round % plan.check_every == 0 && round < plan.rounds {
                verdict.check(&mut crashes);
            }
        }
        // A slow machine may not have come to a point in time, and chance may have left one out that nothing else leads to: processes are led
        // there once more.
        let missed = |point: &Point| crashes.totals.missed.contains(&point.name);
        let died = |point: &Point| crashes.totals.at.contains_key(point.name);
        let reached = |point: &Point| crashes.totals.reached.contains(point.name);
        let is_open = |point: &&Point| point.at != At::Join && !died(point) && (missed(point) || !reached(point));
        let again: Vec<&Point> = POINTS.iter().filter(is_open).collect();
        for point in again {
            let (before, started) = (crashes.totals.clone(), Instant::now());
            crashes.round(Some(point));
            crashes.tell(plan.rounds + 1, Some(point), &before, started);
        }
        verdict.check(&mut crashes);
        verdict.end(crashes)
    }

    /// A line for a person who looks for what went wrong.
    fn tell(&self, round: usize, point: Option<&Point>, before: &Totals, started: Instant) {
        let name = point.map_or("at random", |point| point.name);
        let missed = if self.totals.missed.len() > before.missed.len() { ", not reached" } else { "" };
        let cut = if self.totals.cuts > before.cuts { ", power cut" } else { "" };
        println!(
            "round {round}: {name}{missed}{cut}; {} edits; {:.1} s",
            self.words.len(),
            started.elapsed().as_secs_f32()
        );
    }

    /// One death, and what follows.
    fn round(&mut self, point: Option<&Point>) {
        let Some(point) = point else { return self.at_random() };
        let machine = match point.at {
            At::Manager => 0,
            At::Agent | At::Join => 1 + self.random.below(2),
        };
        let dead = match point.way {
            Way::Start(first) => {
                let first = POINTS.iter().find(|point| point.name == first).expect("a point of the list");
                self.die_at(machine, first, 1);
                // No power cut here: it could take what there is to recover.
                let before = self.deaths_by_order(machine);
                self.orders[machine].kill_at(point.name, 1);
                let ended = self.start_process(machine).is_err() || self.led(machine, Way::Edit);
                self.died_there(machine, point, ended, before);
                machine
            }
            _ => {
                let count = if self.random.chance(70) { 1 } else { 1 + self.random.below(3) as u32 };
                self.die_at(machine, point, count)
            }
        };
        self.cut_power(dead);
        for machine in 0..self.orders.len() {
            self.orders[machine].spare();
            if self.has_ended(machine) {
                let expected = machine == dead || point.way == Way::Merge;
                assert!(expected, "machine {machine} ended by itself{}", self.cluster.logs());
                self.start_again(machine);
            }
        }
    }

    fn at_random(&mut self) {
        let machine = self.random.below(3);
        for _ in 0..1 + self.random.below(3) {
            self.edit_somewhere();
            std::thread::sleep(Duration::from_millis(self.random.below(12) as u64));
        }
        self.kill(machine);
        self.cut_power(machine);
        self.start_again(machine);
    }

    /// Leads a process to a point at which it dies; where it does not get there it dies at random. Returns whose it was.
    fn die_at(&mut self, machine: usize, point: &Point, count: u32) -> usize {
        let before = [0, 1, 2].map(|machine| self.deaths_by_order(machine));
        if let Way::Merge = point.way {
            // Whose edit comes second is not known.
            self.orders[1].kill_at(point.name, 1);
            self.orders[2].kill_at(point.name, 1);
        } else {
            let count = if let Way::Raced(_) = point.way { 1 } else { count };
            self.orders[machine].kill_at(point.name, count);
        }
        let ended = self.led(machine, point.way);
        let machine = if point.way == Way::Merge && self.has_ended(3 - machine) { 3 - machine } else { machine };
        self.died_there(machine, point, ended, before[machine]);
        machine
    }

    fn deaths_by_order(&self, machine: usize) -> usize {
        self.orders[machine].told().1.len()
    }

    /// Notes a death.
    fn died_there(&mut self, machine: usize, point: &Point, ended: bool, before: usize) {
        self.orders.iter().for_each(Orders::spare);
        let by_order = ended && self.deaths_by_order(machine) > before;
        assert!(
            !ended || by_order || point.way == Way::End,
            "it ended by itself on the way to {}{}",
            point.name,
            self.cluster.logs()
        );
        if !by_order {
            self.totals.missed.push(point.name);
            return self.kill(machine);
        }
        *self.totals.at.entry(point.name).or_default() += 1;
        drop(self.process(machine).take());
        self.totals.deaths += 1;
    }

    fn kill(&mut self, machine: usize) {
        if let Some(process) = self.process(machine).take() {
            process.kill();
        }
        self.totals.deaths += 1;
        self.totals.at_random += 1;
    }

    /// Of a machine whose process is dead; often.
    fn cut_power(&mut self, machine: usize) {
        let cut = self.random.chance(40);
        if let Some(disk) = self.disks.get_mut(machine)
            && cut
        {
            disk.cut_power();
            self.totals.cuts += 1;
        }
    }

    /// Does what the way says until the process has ended.
    fn led(&mut self, machine: usize, way: Way) -> bool {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if machine > 0 && start.elapsed() > EDIT {
                // A group in conflict restores nothing. (A manager that may die at any moment is asked nothing.)
                self.resolved += words::resolve_all(&self.cluster, &mut self.random);
            }
            match way {
                Way::Restore if machine > 0 => self.edit(2 - machine),
                Way::Edit if machine > 0 => self.edit(machine - 1),
                Way::Rows if machine > 0 => self.edit_group(GROUPS - 1, 2 - machine),
                Way::Merge => self.edit_both(),
                Way::Raced(hold) => self.race(machine, hold),
                Way::Many => {
                    for _ in 0..12 {
                        self.edit(machine - 1);
                        std::thread::sleep(Duration::from_millis(8));
                    }
                }
                Way::End => {
                    self.edit(machine - 1);
                    std::thread::sleep(Duration::from_millis(100));
                    if let Some(process) = self.process(machine) {
                        process.ask_to_end();
                    }
                    return self.ends_within(machine, PATIENCE);
                }
                _ => self.edit_somewhere(),
            }
            let both = way == Way::Merge;
            let until = Instant::now() + if way == Way::Many { EDIT / 8 } else { EDIT };
            while Instant::now() < until {
                if self.has_ended(machine) || (both && self.has_ended(3 - machine)) {
                    return true;
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        false
    }

    /// A restore is held at a point, and somebody edits the file that it is about to replace.
    fn race(&mut self, machine: usize, hold: &str) {
        self.orders[machine].hold_at(hold);
        let group = self.random.below(GROUPS - 1); // a file: databases are not spliced
        self.edit_group(group, 2 - machine);
        if self.orders[machine].is_held(4 * EDIT) {
            self.edit_group(group, machine - 1);
        }
        self.orders[machine].go_on();
    }

    fn edit_somewhere(&mut self) {
        let side = self.random.below(2);
        self.edit(side);
    }

    fn edit(&mut self, side: usize) {
        let group = self.random.below(self.groups.len());
        self.edit_group(group, side);
    }

    /// On both sides at once, so that neither arrives before the other is made; what goes together.
    fn edit_both(&mut self) {
        let group = self.random.below(self.groups.len());
        let words = [0, 1].map(|side| format!("word{}", self.words.len() + side));
        let documents = &self.groups[group].documents;
        std::thread::scope(|scope| {
            scope.spawn(|| documents[0].insert(&words[0], true));
            documents[1].insert(&words[1], false);
        });
        self.words.extend(words);
    }

    fn edit_group(&mut self, group: usize, side: usize) {
        let word = format!("word{}", self.words.len());
        self.groups[group].edit_on(side, &mut self.random, &word);
        self.words.push(word);
    }

    /// Every point that any process has reached so far.
    pub(super) fn reached(&self) -> BTreeSet<String> {
        self.orders.iter().flat_map(|orders| orders.told().0).collect()
    }

    // ---- processes ----

    fn machine(&mut self, machine: usize) -> &mut Machine {
        match machine {
            0 => &mut self.cluster.manager,
            agent => &mut self.cluster.agents[agent - 1],
        }
    }

    fn process(&mut self, machine: usize) -> &mut Option<Process> {
        &mut self.machine(machine).process
    }

    fn has_ended(&mut self, machine: usize) -> bool {
        self.process(machine).as_mut().is_none_or(Process::has_ended)
    }

    fn ends_within(&mut self, machine: usize, within: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < within {
            if self.has_ended(machine) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        false
    }

    fn start_process(&mut self, machine: usize) -> Result<(), String> {
        let arguments = if machine == 0 { ["manager", "run"] } else { ["agent", "run"] };
        let mut command = {
            let at = if machine == 0 { &self.cluster.manager } else { &self.cluster.agents[machine - 1] };
            self.cluster.command_of(&program(), at, &arguments)
        };
        self.orders[machine].give(&mut command);
        let log = self.cluster.root().join(format!("{}.log", ["manager", "a", "b"][machine]));
        let process = Process::try_start(command, "ready", &log)?;
        *self.process(machine) = Some(process);
        Ok(())
    }

    fn start_again(&mut self, machine: usize) {
        drop(self.process(machine).take());
        if machine > 0 && self.random.chance(25) {
            // Nobody watches.
            self.edit(machine - 1);
        }
        if let Err(said) = self.start_process(machine) {
            panic!("machine {machine} does not start again: {said}{}", self.cluster.logs());
        }
    }
}
