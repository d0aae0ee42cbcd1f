//! What people ask of the manager, and the lies that somebody makes it tell.

use plan::{Condition, GroupId, Kind, Record, VersionId};

use super::{Tick, World, id};
use crate::sim::ledger::MemberNo;
use crate::sim::schedule::Action;

impl World {
    pub(crate) fn person_acts(&mut self, action: Action) {
        match action {
            Action::Resolve { group, side, thinks } => {
                let id = GroupId(id(2, group));
                let Some(group) = self.manager.groups.get(&id) else { return };
                let branches = group.open_branches();
                let Some(head) = group.head.filter(|_| !branches.is_empty()) else { return };
                let sides: Vec<VersionId> = branches.iter().copied().chain([head]).collect();
                let of = sides[side % sides.len()];
                self.at(thinks, Tick::Decide { group: id, kind: Kind::Resolve, head: Some(head), branches, of });
            }
            Action::Pause { group, member, down } if self.manager.up => {
                let group = GroupId(id(2, group));
                self.manager.pause(group, member.map(|member| self.members[member]));
                self.at(down, Tick::Resume(group));
            }
            Action::Deny { member, down } => {
                self.allow(member, false);
                self.at(down, Tick::Allow(member));
            }
            Action::RestoreOld { group, version } => {
                let id = GroupId(id(2, group));
                let Some(group) = self.manager.groups.get(&id) else { return };
                let all: Vec<VersionId> = group.versions.keys().copied().collect();
                let Some(head) = group.head.filter(|_| group.open_branches().is_empty()) else { return };
                let of = all[version % all.len()];
                self.at(
                    500,
                    Tick::Decide { group: id, kind: Kind::Restore, head: Some(head), branches: Vec::new(), of },
                );
            }
            Action::GiveWay { member } => {
                let id = self.members[member];
                let suspended = self.manager.member(id).is_some_and(|m| m.condition != Condition::Fine);
                if self.manager.up && suspended && self.manager.group_of(id).is_some_and(|g| g.head.is_some()) {
                    self.manager.accept(id, true);
                }
            }
            Action::Release { machine } if self.manager.up => self.manager.release(self.machines[machine].id),
            Action::Replay { member, version } => {
                let id = self.members[member];
                let left: Vec<VersionId> =
                    self.machine_of(member).journal.borrow().contents.members.get(&id).map_or(Vec::new(), |kept| {
                        kept.left.iter().copied().filter(|left| Some(*left) != kept.entry.base).collect()
                    });
                if left.is_empty() || !self.manager.up {
                    return;
                }
                let version = left[version % left.len()];
                let record = self.manager.group_of(id).and_then(|g| g.versions.get(&version)).map(|v| v.record.clone());
                if let Some(record) = record {
                    self.lie(member, record, true);
                }
            }
            Action::Foreign { member, version } => {
                let id = self.members[member];
                let own = self.manager.group_of(id).map(|group| group.id);
                let others: Vec<Record> = self
                    .manager
                    .groups
                    .values()
                    .filter(|group| Some(group.id) != own)
                    .flat_map(|group| group.versions.values().map(|v| v.record.clone()))
                    .collect();
                if !others.is_empty() && self.manager.up {
                    self.lie(member, others[version % others.len()].clone(), true);
                }
            }
            Action::Forge { member } => {
                let id = self.members[member];
                let head = self.manager.group_of(id).and_then(|g| g.head_version()).map(|v| v.record.clone());
                if let Some(mut record) = head.filter(|_| self.manager.up) {
                    // What an eavesdropper could change: which version it is said to be.
                    record.version.0[0] ^= 1;
                    self.lie(member, record, false);
                }
            }
            _ => {}
        }
    }

    /// A machine's owner allows or denies a member's file: the agent sees that at once, and looks.
    pub(super) fn allow(&mut self, member: MemberNo, allowed: bool) {
        let machine = self.schedule.members[member].machine;
        let id = self.members[member];
        self.ledger
            .tell(format_args!("machine {machine} {} member {member}", if allowed { "allows" } else { "denies" }));
        self.machines[machine].allow(id, allowed);
    }

    /// A member is added to its group.
    pub(super) fn join(&mut self, number: MemberNo) {
        let Some(member) = self.joining.remove(&number) else { return };
        self.ledger.tell(format_args!("member {number} is added to its group"));
        let group = GroupId(id(2, self.schedule.members[number].group));
        self.manager.add(group, member);
    }

    /// Nothing is paused or denied any more, and everybody is a member.
    pub(super) fn let_all_take_part(&mut self) {
        for member in 0..self.members.len() {
            self.allow(member, true);
            self.join(member);
        }
        for group in self.manager.groups.keys().copied().collect::<Vec<_>>() {
            self.manager.resume(group);
        }
    }

    fn lie(&mut self, member: MemberNo, record: Record, authentic: bool) {
        if self.manager.member(self.members[member]).is_none() {
            return;
        }
        self.ledger.lock().lies.insert((member, record.version));
        self.manager.lie(self.members[member], record, authentic);
    }
}
