//! The world as it is before anything happens.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use agent::Keys;
use plan::{AgentId, Condition, Group, GroupId, Member, MemberId, Policy, Shape};
use zeroize::Zeroizing;

use super::{Tick, World, id};
use crate::Random;
use crate::sim::disk::{Contents, Disk, Layout};
use crate::sim::document::Content;
use crate::sim::ledger::{Author, MemberNo, Shared};
use crate::sim::machine::{Copies, Machine};
use crate::sim::manager::Manager;
use crate::sim::schedule::{Begins, Schedule};

impl World {
    pub(crate) fn new(schedule: Schedule, keep: bool) -> World {
        let ledger = Shared::new(keep);
        let mut random = Random::new(schedule.seed);
        let keys = Arc::new(Keys::derived(|context| Zeroizing::new(*blake3::hash(context.as_bytes()).as_bytes())));
        let mut manager = Manager::new(keys.clone(), ledger.clone(), Random::new(random.next_number()));
        let ids: Vec<MemberId> = (0..schedule.members.len()).map(|n| MemberId(id(3, n))).collect();
        for (number, policy) in schedule.policies.iter().enumerate() {
            let first = schedule.members.iter().position(|m| m.group == number).unwrap_or_default();
            let policy = Policy { conflict: policy.conflict(ids[first]) };
            let group = Group::new(GroupId(id(2, number)), format!("g{number}"), policy);
            manager.groups.insert(group.id, group);
        }
        let (layouts, joining) = members(&schedule, &ids, &mut manager);
        let mut machines = Vec::new();
        for number in 0..schedule.machines {
            let own = layouts.values().filter(|(m, _)| *m == number).map(|(_, layout)| layout.clone()).collect();
            let seed = Random::new(random.next_number());
            let disk = Disk::new(ledger.clone(), number, own, schedule.can_exchange, seed);
            let mut machine =
                Machine::new(number, AgentId(id(1, number)), Arc::new(Mutex::new(disk)), keys.clone(), ledger.clone());
            machine.journal.get_mut().seed(random.next_number());
            machine.numbers.clone_from(&manager.numbers);
            machine.limit = schedule.limit;
            machines.push(machine);
        }
        let mut world = World {
            ledger,
            manager,
            members: ids,
            copies: Copies::new(),
            queue: BTreeMap::new(),
            queued: 0,
            streams: 0,
            random,
            joining,
            calm: false,
            repository: true,
            links: vec![true; schedule.machines],
            heard: vec![0; schedule.machines],
            waiting: vec![Vec::new(); schedule.machines],
            machines,
            schedule,
        };
        world.begin(&layouts);
        world
    }

    /// Files as they are before anything happens, and everything that is to happen.
    fn begin(&mut self, layouts: &BTreeMap<usize, (usize, Layout)>) {
        for (machine, layout) in layouts.values() {
            let mut contents = Contents::default();
            let (mut bodies, mut missing) = (Vec::new(), 0);
            for (number, style) in &layout.slots {
                let setup = &self.schedule.members[*number];
                if setup.begins == Begins::Missing {
                    missing += 1;
                    bodies.push(None);
                    continue;
                }
                let token = match setup.begins {
                    Begins::Same => "x1".to_owned(),
                    _ => format!("e{}", self.ledger.lock().edits.len()),
                };
                let content = Content {
                    pairs: vec![("k1".into(), token), ("k2".into(), "x7".into())],
                    comment: None,
                    own: style.has_own.then(|| format!("o{}", 50 + number)),
                };
                let body = style.body(&content);
                let edit = self.ledger.lock().edit(None, content.said());
                contents.authors.insert(*number, Author::Edit(edit));
                bodies.push(Some(body));
            }
            if missing == layout.slots.len() {
                continue;
            }
            let Some((first, style)) = layout.slots.first() else { continue };
            let around: Vec<String> = (0..=bodies.len()).map(|at| format!("o{}", 10 * first + at)).collect();
            let text = style.kind.file(&bodies, &around);
            self.ledger.tell(format_args!("machine {machine} has {}: {text:?}", layout.name));
            contents.bytes = if style.crlf { text.replace('\n', "\r\n").into() } else { text.into() };
            let mut disk = self.machines[*machine].disk();
            let inode = disk.create(contents, true);
            disk.rename(vec![(layout.name.clone(), Some(inode))]);
        }
        for number in 0..self.machines.len() {
            let at = self.random.next_number() % 300;
            self.at(at, Tick::Start(number));
        }
        for (number, (at, _)) in self.schedule.steps.iter().enumerate() {
            self.queue.insert((*at, number as u64), Tick::Step(number));
        }
        self.queued = 1_000_000;
        for number in self.joining.keys().copied().collect::<Vec<_>>() {
            let at = self.schedule.members[number].joins.unwrap_or_default();
            self.at(at, Tick::Joins(number));
        }
    }
}

/// The groups get their members; which files these are in, by file, each with its machine; and who joins later.
fn members(
    schedule: &Schedule,
    ids: &[MemberId],
    manager: &mut Manager,
) -> (BTreeMap<usize, (usize, Layout)>, BTreeMap<MemberNo, Member>) {
    let mut layouts: BTreeMap<usize, (usize, Layout)> = BTreeMap::new();
    let mut joining = BTreeMap::new();
    for (number, setup) in schedule.members.iter().enumerate() {
        let name = format!("f{}.{}", setup.file, setup.style.kind.extension());
        let layout = Layout { name: name.clone(), slots: Vec::new() };
        let entry = layouts.entry(setup.file).or_insert((setup.machine, layout));
        entry.1.slots.push((number, setup.style));
        let mut mapping = Vec::new();
        if setup.style.has_own {
            mapping.push("except /own");
        }
        if setup.style.renames {
            mapping.push("map /q1=/k1");
        }
        let member = Member {
            id: ids[number],
            agent: AgentId(id(1, setup.machine)),
            path: format!("/m/{name}"),
            selector: setup.style.kind.selector(setup.slot),
            shape: Shape { format: String::new(), mapping: mapping.join("; ") },
            direction: setup.direction,
            join: setup.join,
            on_missing: setup.on_missing,
            paused: false,
            condition: Condition::Fine,
            reported_gen: 0,
            committed_gen: 0,
            standing: None,
            agreed: false,
            restored_at: 0,
        };
        manager.numbers.insert(member.id, number);
        if setup.joins.is_some() {
            joining.insert(number, member);
        } else if let Some(group) = manager.groups.get_mut(&GroupId(id(2, setup.group))) {
            group.members.insert(member.id, member);
        }
    }
    (layouts, joining)
}
