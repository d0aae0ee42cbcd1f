//! The brake: at most so many groups of a machine change before a person has looked; over restarts, too; and nothing is lost by it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};

use agent::step::{Assignment, BrakeEntry, Effect, Entry, Event, Instruction, Limit, Portion, Restored, Sight, Steps};
use plan::{Condition, Direction, Fingerprint, GroupId, JobId, MemberId, Record, Shape, VersionId};

const LIMIT: Limit = Limit { groups: 2, within: 60_000 };

fn member(n: u8) -> MemberId {
    MemberId([n; 16])
}

fn portion(text: u8) -> Portion {
    Portion { fingerprint: Fingerprint([text; 32]), format: "json".to_owned(), empty: text == 0 }
}

/// A machine: the rules, and what their journal says.
struct World {
    steps: Steps,
    entries: BTreeMap<MemberId, (Entry, Vec<VersionId>)>,
    brake: BrakeEntry,
    /// What stands in each member's file.
    files: BTreeMap<u8, u8>,
    now: u64,
}

impl World {
    /// Members 1 to 6, each in a group of its own, that hold 100.
    fn new() -> World {
        let entry = Entry { generation: 1, fingerprint: Some(Fingerprint([100; 32])), ..Entry::default() };
        let entries = (1..=6).map(|n| (member(n), (entry.clone(), Vec::new()))).collect();
        let files = (1..=6).map(|n| (n, 100)).collect();
        let mut world = World { steps: Steps::default(), entries, brake: BrakeEntry::default(), files, now: 0 };
        world.restart(LIMIT);
        world
    }

    fn restart(&mut self, limit: Limit) {
        self.steps = Steps::new(self.entries.clone(), self.brake.clone());
        self.now = 5;
        self.event(Event::Limit(limit));
        self.event(Event::Online);
        for n in 1..=6 {
            let assignment = Assignment {
                group: GroupId([n; 16]),
                group_name: format!("g{n}"),
                path: format!("/{n}"),
                selector: "json:/x".to_owned(),
                mapping: String::new(),
                direction: Direction::Both,
                create: false,
                delete: false,
                paused: false,
            };
            self.event(Event::Assigned(member(n), Box::new(assignment)));
        }
    }

    /// What is looked at is seen at once.
    fn event(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for effect in self.steps.step(self.now, event) {
                match effect {
                    Effect::Look(id) => {
                        events.push(Event::Looked(id, Sight::Present(portion(self.files[&id.0[0]]))));
                    }
                    Effect::Journal { member, entry, .. } => self.entries.entry(member).or_default().0 = entry,
                    Effect::Brake(brake) => self.brake = brake,
                    _ => {}
                }
            }
        }
    }

    fn edit(&mut self, n: u8, text: u8) {
        self.files.insert(n, text);
        self.event(Event::Touched(member(n)));
    }

    fn pass(&mut self, millis: u64) {
        self.now += millis;
        self.event(Event::Tick);
    }

    /// The members whose file says what the rules know.
    fn out(&self) -> BTreeSet<u8> {
        let known = |n: &u8| self.entries[&member(*n)].0.fingerprint == Some(Fingerprint([self.files[n]; 32]));
        (1..=6).filter(known).collect()
    }

    fn held(&self) -> BTreeSet<u8> {
        let held = |n: &u8| matches!(self.steps.member(member(*n)).unwrap().condition, Condition::Braked(_));
        (1..=6).filter(held).collect()
    }

    fn check(&self, held: impl IntoIterator<Item = u8>) {
        let held: BTreeSet<u8> = held.into_iter().collect();
        assert_eq!(self.held(), held, "what is held back");
        assert_eq!(self.out(), (1..=6).filter(|n| !held.contains(n)).collect(), "what is not");
    }
}

#[test]
fn over_the_limit_everything_is_held_back() {
    let mut world = World::new();
    world.edit(1, 1);
    world.edit(1, 2);
    world.edit(2, 1);
    world.check([]);
    world.edit(3, 1);
    world.check([3]);
    let Condition::Braked(cause) = &world.steps.member(member(3)).unwrap().condition else { panic!() };
    let said = "brake: 3 groups changed within 60 s on this machine, more than its policy allows (2); `inlay accept …` lets it go on, \
                `inlay restore …` brings the content back";
    assert_eq!(cause, said);
    // Further edits of any member are, those of groups that went out before included.
    world.edit(1, 3);
    world.edit(4, 1);
    world.check([1, 3, 4]);
    // However long it takes.
    world.pass(3_600_000);
    world.edit(5, 1);
    world.check([1, 3, 4, 5]);
    // What goes back to what was known is no edit.
    world.edit(4, 100);
    world.check([1, 3, 5]);
}

#[test]
fn what_changes_slowly_is_not_held_back() {
    let mut world = World::new();
    for text in 1..20 {
        for n in 1..=6 {
            world.edit(n, text);
            world.pass(30_000);
        }
    }
    world.check([]);
    // A window that slides, and a group that goes on changing stays in it.
    let mut world = World::new();
    world.edit(1, 1);
    world.pass(50_000);
    world.edit(1, 2);
    world.edit(2, 1);
    world.pass(20_000);
    world.edit(3, 1);
    world.check([3]);
}

#[test]
fn a_restart_is_no_new_budget_and_takes_no_brake_off() {
    let mut world = World::new();
    world.edit(1, 1);
    world.edit(2, 1);
    world.restart(LIMIT);
    world.edit(3, 1);
    for n in 4..=6 {
        world.check(3..n);
        world.restart(LIMIT);
        world.check(3..n);
        world.edit(n, 1);
        world.pass(200_000);
    }
    // What was counted is forgotten in time, in the journal as well.
    let mut world = World::new();
    world.edit(1, 1);
    world.edit(2, 1);
    assert_eq!(world.brake.changed.len(), 2);
    world.pass(60_000);
    assert_eq!(world.brake, BrakeEntry::default());
    world.restart(LIMIT);
    world.edit(3, 1);
    world.check([]);
}

#[test]
fn a_person_lets_one_go_or_all() {
    let mut world = World::new();
    (1..=5).for_each(|n| world.edit(n, 1));
    world.check([3, 4, 5]);
    world.event(Event::Accept { member: member(4), give_way: false });
    world.check([3, 5]);
    world.edit(4, 2);
    world.check([3, 4, 5]);
    world.event(Event::Release);
    world.check([]);
    assert_eq!(world.brake, BrakeEntry::default());
    // What was let go counts no more; what comes then does.
    world.edit(1, 9);
    world.edit(2, 9);
    world.check([]);
    world.edit(3, 9);
    world.check([3]);
    // What was emptied is another question, which nobody has answered.
    world.edit(4, 0);
    world.event(Event::Release);
    assert!(matches!(world.steps.member(member(4)).unwrap().condition, Condition::Doubtful(_)));
    assert_eq!(world.held(), BTreeSet::new());
}

#[test]
fn it_is_taken_off_when_everything_that_it_held_was_decided() {
    let mut world = World::new();
    (1..=3).for_each(|n| world.edit(n, 1));
    world.event(Event::Accept { member: member(3), give_way: false });
    world.check([]);
    world.pass(30_000);
    world.edit(4, 1);
    world.check([4]);
    world.event(Event::Accept { member: member(4), give_way: true });
    world.pass(60_000);
    world.edit(1, 2);
    world.edit(2, 2);
    world.check([]);
}

#[test]
fn a_policy_without_a_brake_holds_nothing() {
    let off = Limit { groups: 0, ..LIMIT };
    let mut world = World::new();
    world.event(Event::Limit(off));
    (1..=6).for_each(|n| world.edit(n, 1));
    world.check([]);
    let mut world = World::new();
    (1..=6).for_each(|n| world.edit(n, 1));
    world.check([3, 4, 5, 6]);
    world.restart(LIMIT);
    world.event(Event::Limit(off));
    world.check([]);
}

#[test]
fn restores_and_first_contents_are_not_counted() {
    let mut world = World::new();
    for n in 1..=6 {
        let record = Record {
            version: VersionId([50 + n; 16]),
            group: GroupId([n; 16]),
            member: member(n),
            generation: 1,
            shape: Shape::default(),
            text: Fingerprint([7; 32]),
            value: Fingerprint([7; 32]),
            size: 1,
            copy: Vec::new(),
            mac: [0; 32],
        };
        let (id, group) = (member(n), record.group);
        world.event(Event::Restore(Box::new(Instruction {
            member: id,
            job: JobId([1; 16]),
            group,
            record,
            text_base: None,
            authentic: true,
            expected_gen: 1,
            create: false,
        })));
        world.files.insert(n, 7);
        world.event(Event::Restored(id, Restored::Done(portion(7))));
    }
    world.check([]);
    assert_eq!(world.brake, BrakeEntry::default());
    let mut world = World::new();
    world.entries.clear();
    world.restart(LIMIT);
    world.check([]);
    assert_eq!(world.brake, BrakeEntry::default());
}
