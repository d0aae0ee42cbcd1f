//! The planner: from a group's stored state to the instructions that bring its members together. It has no memory; asked
//! twice it answers the same.

use crate::fault::{Fault, planted};
use crate::group::{Condition, Direction, Group, Join, Member};
use crate::id::{AgentId, GroupId, MemberId};
use crate::merge::Merge;
use crate::version::Record;

/// What an agent is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instruction {
    /// Back a portion up.
    Backup(Backup),
    /// Restore a version into a portion.
    Restore(Box<Restore>),
    /// Merge a branch with the head. It writes no file: the restore of what comes of it does.
    Merge(Box<Merge>),
}

/// Back up what the member has at that generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// The group.
    pub group: GroupId,
    /// The member.
    pub member: MemberId,
    /// Who has it.
    pub agent: AgentId,
    /// The generation that was reported.
    pub generation: u64,
}

/// Restore the head into the member's portion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restore {
    /// The group.
    pub group: GroupId,
    /// The member.
    pub member: MemberId,
    /// Who has it.
    pub agent: AgentId,
    /// The head's record: content, location, signature.
    pub record: Record,
    /// The newest ancestor of the head in the member's own shape, if it is not the head itself: the agent puts the head's
    /// value into that text, so that comments are not lost.
    pub text_base: Option<Record>,
    /// The generation that the agent must have for this to be applied.
    pub expected_gen: u64,
    /// Whether a missing portion is to be made.
    pub create: bool,
}

impl Instruction {
    /// Who is to follow it.
    pub fn agent(&self) -> AgentId {
        match self {
            Instruction::Backup(backup) => backup.agent,
            Instruction::Restore(restore) => restore.agent,
            Instruction::Merge(merge) => merge.agent,
        }
    }

    /// Whose portion it is about.
    pub fn member(&self) -> MemberId {
        match self {
            Instruction::Backup(backup) => backup.member,
            Instruction::Restore(restore) => restore.member,
            Instruction::Merge(merge) => merge.member,
        }
    }
}

/// Every instruction that follows from the group's state, at most one a member.
pub fn instructions(group: &Group) -> Vec<Instruction> {
    group.members.values().filter_map(|member| instruction(group, member)).collect()
}

/// The instruction for one of the group's members. It follows from the group's head, policy and pause, from whether the group
/// still waits for its first content, and from that member and the version it stands on alone: another member's report changes
/// nothing in it.
pub fn instruction(group: &Group, member: &Member) -> Option<Instruction> {
    if group.paused {
        return None;
    }
    let missing = member.is_missing();
    let may_create = missing && member.is_made();
    if member.paused || !(member.condition == Condition::Fine || (missing && group.is_followed(member))) {
        return None;
    }
    let is_dirty = member.is_dirty() && !planted(Fault::RestoreWhileDirty);
    if is_dirty && !missing {
        return (!group.waits_for_origin() || member.join == Join::Offer).then_some({
            Instruction::Backup(Backup {
                group: group.id,
                member: member.id,
                agent: member.agent,
                generation: member.reported_gen,
            })
        });
    }
    // Before a file is touched its own portion is backed up: until its first report nothing is known of it.
    if is_dirty || (member.reported_gen == 0 && !missing) || member.direction == Direction::Send {
        return None;
    }
    let head = group.head_version()?;
    if let Some(branch) = member.standing.filter(|s| group.is_open(*s) && !planted(Fault::RestoreOnBranch)) {
        let merge = if missing { None } else { group.merge_for(member, branch) };
        return merge.map(|merge| Instruction::Merge(Box::new(merge)));
    }
    // What is missing is made again, also where the member stood on the head when it went away.
    if member.standing == group.head && (!missing || head.is_absent()) {
        return None;
    }
    let text_base = (head.record.shape != member.shape && !head.is_absent())
        .then(|| {
            group
                .versions
                .values()
                .filter(|v| v.merged && v.record.shape == member.shape)
                .max_by_key(|v| v.number)
                .map(|v| v.record.clone())
        })
        .flatten();
    Some(Instruction::Restore(Box::new(Restore {
        group: group.id,
        member: member.id,
        agent: member.agent,
        record: head.record.clone(),
        text_base,
        expected_gen: member.committed_gen,
        create: may_create,
    })))
}
