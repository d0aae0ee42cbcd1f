//! The end of a run: the faults stop, people do what is theirs to do, and the promises are checked.

use agent::simulated::Answer;
use plan::{
    Condition, Direction, Group, GroupState, Instruction, Kind, Member, MemberState, group_state, member_state,
};

use super::disk::Interrupt;
use super::ledger::{Author, MemberNo};
use super::manager::waits_for_somebody;
use super::schedule::Action;
use super::users::{Change, UserEdit, Way};
use super::world::World;

/// So long does a person wait for quiet, in simulated milliseconds.
const ROUND: u64 = 40_000;
/// So often does a person look after everything.
const ROUNDS: usize = 12;

/// Whether a lens refuses to write what is to be restored: a suspension that says why, and that no repair of the file ends.
fn is_refused(member: &Member) -> bool {
    matches!(&member.condition, Condition::Suspended(cause) if cause.starts_with("refused: "))
}

/// Whether the head is to be restored into a member.
fn is_restored(group: &Group, member: &Member) -> bool {
    matches!(plan::instruction(group, member), Some(Instruction::Restore(_)))
}

impl World {
    /// How many members are suspended because a lens refuses what is to be restored.
    pub(crate) fn refusals(&self) -> usize {
        self.manager.groups.values().flat_map(|group| group.members.values()).filter(|m| is_refused(m)).count()
    }

    /// Everything, from the beginning to the last check.
    pub(crate) fn run(&mut self) {
        let end = self.schedule.steps.last().map_or(0, |(at, _)| *at) + 5_000;
        self.run_until(end);
        self.be_calm();
        let mut quiet = false;
        for _ in 0..ROUNDS {
            let now = self.now();
            self.run_until(now + ROUND);
            if self.ledger.lock().broken.is_some() {
                return;
            }
            if !self.look_after() && self.unsettled().is_empty() {
                quiet = true;
                break;
            }
        }
        if !quiet {
            let what = self.unsettled();
            return self.ledger.breaks(3, format!("it never came to rest: {what}"));
        }
        self.check_rest();
        self.check_quiet();
    }

    fn is_broken(&self) -> bool {
        self.ledger.lock().broken.is_some()
    }

    fn unsettled(&self) -> String {
        let mut out = Vec::new();
        for group in self.manager.groups.values() {
            for member in group.members.values() {
                let state = member_state(group, member, true);
                if state != MemberState::InSync && !is_refused(member) {
                    out.push(format!("member {:?} is {state:?}", self.manager.numbers.get(&member.id)));
                }
            }
        }
        out.join(", ")
    }

    /// A person does what waits for one. Returns whether there was anything.
    fn look_after(&mut self) -> bool {
        let mut did = false;
        for member in 0..self.members.len() {
            did |= self.look_after_member(member);
        }
        if did {
            return true;
        }
        for group in 0..self.schedule.policies.len() {
            did |= self.look_after_group(group);
        }
        did
    }

    fn look_after_member(&mut self, member: MemberNo) -> bool {
        let id = self.members[member];
        if self.clear_aside(member) {
            return true;
        }
        let Some(condition) = self.manager.member(id).map(|m| m.condition.clone()) else { return false };
        let refused = self.manager.member(id).is_some_and(is_refused);
        // It was left before: that is for its group.
        let left = self.manager.refused.get(&id).is_some_and(|why| why.contains("already left"));
        let left = left && self.manager.group_of(id).is_some_and(|group| is_restored(group, &group.members[&id]));
        if refused || left || !waits_for_somebody(&condition) {
            return false;
        }
        self.ledger.tell(format_args!("a person looks after member {member}: {condition:?}"));
        match &condition {
            Condition::Doubtful(_) => {
                let give_way = self.random.chance(50) && self.manager.group_of(id).is_some_and(|g| g.head.is_some());
                self.manager.accept(id, give_way);
            }
            Condition::Braked(_) if self.random.chance(60) => {
                let machine = self.schedule.members[member].machine;
                self.manager.release(self.machines[machine].id);
            }
            Condition::Braked(_) => {
                let give_way = self.random.chance(50) && self.manager.group_of(id).is_some_and(|g| g.head.is_some());
                self.manager.accept(id, give_way);
            }
            Condition::HardLinked(_) => {
                if self.has_link(member) {
                    self.user(member, Change::Link);
                }
            }
            // That a file is missing, or was never anything, is no edit.
            Condition::Missing(_) if self.random.chance(30) && self.may_go(member) => self.manager.accept(id, false),
            Condition::Missing(_) | Condition::NoFile(_) if self.random.chance(50) && self.is_made(member) => {
                self.manager.accept(id, true)
            }
            _ => self.user(member, Change::Repair),
        }
        true
    }

    fn has_link(&self, member: MemberNo) -> bool {
        let disk = self.machine_of(member).disk();
        let file = disk.layouts.iter().find(|l| l.slots.iter().any(|(m, _)| *m == member));
        file.is_some_and(|layout| disk.inode(&format!("{}.link", layout.name)).is_some())
    }

    /// Whether a removal can be accepted.
    fn may_go(&self, member: MemberNo) -> bool {
        let id = self.members[member];
        self.manager.group_of(id).is_some_and(|group| group.head.is_some() && group.members[&id].reported_gen > 0)
    }

    /// Whether a missing portion can be made from the head: not where nothing is restored, and not while an edit is known that nobody
    /// has read (its user removed it before): there the user has to put something.
    fn is_made(&self, member: MemberNo) -> bool {
        let group = self.manager.group_of(self.members[member]).filter(|group| group.head.is_some());
        let member = group.and_then(|group| group.members.get(&self.members[member]));
        member.is_some_and(|member| member.direction != Direction::Send && !member.is_dirty())
    }

    fn user(&mut self, member: MemberNo, change: Change) {
        let seed = self.random.next_number();
        let edit = UserEdit { member, change, way: Way::Rename, synced: true, seed };
        let machine = self.schedule.members[member].machine;
        self.act_now(machine, Interrupt::User(edit));
    }

    /// A person looks at what was kept aside beside a member's file, and removes it.
    fn clear_aside(&mut self, member: MemberNo) -> bool {
        let machine = self.schedule.members[member].machine;
        let mut disk = self.machines[machine].disk();
        let Some(layout) = disk.layouts.iter().find(|l| l.slots.iter().any(|(m, _)| *m == member)).cloned() else {
            return false;
        };
        let kept: Vec<String> =
            disk.names().filter(|n| n.starts_with(&format!("{}.inlay-kept-", layout.name))).cloned().collect();
        for name in &kept {
            let Some(contents) = disk.at(name).cloned() else { continue };
            let by_user = disk.is_users(name);
            disk.ledger.tell(format_args!("a person looks at {name}: {:?}", String::from_utf8_lossy(&contents.bytes)));
            if !by_user {
                disk.ledger.breaks(3, format!("{name} waits for a person, and no user wrote it"));
            }
            for author in contents.authors.values() {
                if let Author::Edit(edit) = author {
                    disk.ledger.lock().edits[*edit].superseded = true;
                }
            }
            disk.rename(vec![(name.clone(), None)]);
        }
        if !kept.is_empty() {
            disk.touched.extend(layout.slots.iter().map(|(m, _)| *m));
        }
        drop(disk);
        self.users_moved(machine);
        !kept.is_empty()
    }

    fn look_after_group(&mut self, number: usize) -> bool {
        let Some(group) = self.manager.groups.values().nth(number) else { return false };
        if !group.open_branches().is_empty() {
            let conflict = group.clone();
            self.check_conflict(&conflict);
            let side = self.random.below(10);
            self.person_acts(Action::Resolve { group: number, side, thinks: 100 });
            return true;
        }
        // A head that a member has left before is not taken again: a person makes it the next version.
        let refused = group.members.values().any(|member| {
            let left = self.manager.refused.get(&member.id).is_some_and(|why| why.contains("already left"));
            left && is_restored(group, member)
        });
        if let (true, Some(head)) = (refused, group.head) {
            let id = group.id;
            self.manager.decide(id, Kind::Restore, Some(head), &[], head);
            self.manager.refused.clear();
            return true;
        }
        false
    }

    /// A conflict that is shown is one: nobody is asked to choose between equals.
    fn check_conflict(&self, group: &plan::Group) {
        if self.ledger.lock().put_back {
            return;
        }
        let Some(head) = group.head_version() else { return };
        for branch in group.open_branches().iter().filter_map(|b| group.versions.get(b)) {
            let joined = branch.parents.is_empty();
            let same_shape = branch.record.shape == head.record.shape;
            let equal = if same_shape {
                branch.record.text == head.record.text
            } else {
                branch.record.value == head.record.value
            };
            if equal && !joined {
                self.ledger.breaks(3, "a conflict is shown between equal contents");
            }
        }
    }

    fn check_rest(&mut self) {
        for group in self.manager.groups.values() {
            let state = group_state(group, |_| true);
            let refused = group.members.values().any(is_refused);
            if group.waits_for_origin() || state != GroupState::InSync && !refused {
                let what = self.unsettled();
                self.ledger.breaks(3, format!("{} is {}: {what}", group.name, state.name()));
            }
        }
        if self.is_broken() {
            return;
        }
        for member in 0..self.members.len() {
            self.check_member(member);
        }
        self.check_history();
    }

    /// What stands in a member's file is what the group holds, or is going to.
    fn check_member(&self, number: MemberNo) {
        let id = self.members[number];
        let machine = self.machine_of(number);
        let Some(group) = self.manager.group_of(id) else { return };
        let Some(member) = group.members.get(&id).filter(|member| !is_refused(member)) else { return };
        let read = match machine.read(id) {
            Ok(read) => read,
            Err(Answer::Sight(sight)) => {
                return self.ledger.breaks(3, format!("member {number} is said to be in sync, but {sight:?}"));
            }
            Err(Answer::Again(_)) => return self.ledger.breaks(3, format!("member {number} is never quiet")),
        };
        let holds = if member.direction == Direction::Send { group.standing(member) } else { group.head_version() };
        if holds.map(|v| v.record.value) != Some(read.value) {
            let text = String::from_utf8_lossy(&read.text).into_owned();
            self.ledger.breaks(3, format!("member {number} is said to be in sync, but holds {text:?}"));
        }
    }

    /// Every edit that was backed up is in the history.
    fn check_history(&self) {
        let ledger = self.ledger.lock();
        if ledger.put_back {
            return;
        }
        let lost = ledger.edits.iter().enumerate().find_map(|(edit, e)| {
            let version = e.version?;
            let known = self.manager.groups.values().any(|g| g.versions.contains_key(&version));
            (!known).then_some((edit, version))
        });
        drop(ledger);
        if let Some((edit, version)) = lost {
            self.ledger.breaks(2, format!("edit {edit} was acknowledged as {}, which is gone", version.short()));
        }
    }

    /// Nothing echoes: a quiet system makes no versions, and writes nothing.
    fn check_quiet(&mut self) {
        let count = |world: &World| {
            let versions: usize = world.manager.groups.values().map(|g| g.versions.len()).sum();
            let writes: u64 = world.machines.iter().map(|m| m.disk().writes).sum();
            (versions, writes)
        };
        let before = count(self);
        let now = self.now();
        self.run_until(now + 90_000);
        let after = count(self);
        if before.0 != after.0 {
            self.ledger.breaks(4, "a quiet system made a version");
        } else if before.1 != after.1 {
            self.ledger.breaks(4, "a quiet system wrote into a file");
        }
    }
}
