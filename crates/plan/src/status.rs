//! What people are told of a group and of its members.

use crate::group::{Condition, Direction, Group, Member};

/// A member's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberState {
    /// It stands on the head, and nothing was reported since.
    InSync,
    /// It has an edit that is not committed, or not merged, yet.
    Changed,
    /// The head is still to be restored into it.
    Behind,
    /// It stands on an open branch that does not merge by itself.
    Conflict,
    /// Its own machine has not agreed yet.
    AwaitingConsent,
    /// It waits until its cause goes away or a person acts.
    Suspended(String),
    /// Its agent is not connected.
    Offline,
    /// A person paused it.
    Paused,
}

/// A group's state: the worst of its members'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupState {
    /// All members are.
    InSync,
    /// A person paused it.
    Paused,
    /// Something is under way.
    Syncing,
    /// A member cannot be reached.
    Offline,
    /// A member waits for its own machine.
    AwaitingConsent,
    /// A member waits for a person or for its cause to go away.
    Suspended,
    /// Two edits met.
    Conflict,
}

/// A member's state, given whether its agent is connected.
pub fn member_state(group: &Group, member: &Member, online: bool) -> MemberState {
    // A branch that merges by itself is an edit that is still on its way.
    let branch = member.standing.filter(|s| group.is_open(*s));
    if branch.is_some_and(|branch| !group.may_merge(branch)) {
        return MemberState::Conflict;
    }
    match &member.condition {
        Condition::AwaitingConsent => return MemberState::AwaitingConsent,
        Condition::Suspended(cause)
        | Condition::Braked(cause)
        | Condition::Doubtful(cause)
        | Condition::HardLinked(cause) => return MemberState::Suspended(cause.clone()),
        // Before there is a head there is nothing to make it from.
        Condition::Missing(cause) | Condition::NoFile(cause) if group.head.is_none() || !group.is_followed(member) => {
            return MemberState::Suspended(cause.clone());
        }
        Condition::Missing(_) | Condition::NoFile(_) | Condition::Fine => {}
    }
    if group.paused || member.paused {
        return MemberState::Paused;
    }
    if !online {
        return MemberState::Offline;
    }
    if member.is_dirty() || branch.is_some() {
        return MemberState::Changed;
    }
    let follows = member.direction != Direction::Send;
    let made = member.is_missing() && !group.is_head_absent();
    if group.head.is_none() || made || (follows && member.standing != group.head) {
        return MemberState::Behind;
    }
    MemberState::InSync
}

/// A group's state, given which of its members' agents are connected.
pub fn group_state(group: &Group, online: impl Fn(&Member) -> bool) -> GroupState {
    if group.open_branches().iter().any(|branch| !group.may_merge(*branch)) {
        return GroupState::Conflict;
    }
    group
        .members
        .values()
        .map(|member| match member_state(group, member, online(member)) {
            MemberState::InSync => GroupState::InSync,
            MemberState::Paused => GroupState::Paused,
            MemberState::Changed | MemberState::Behind => GroupState::Syncing,
            MemberState::Offline => GroupState::Offline,
            MemberState::AwaitingConsent => GroupState::AwaitingConsent,
            MemberState::Suspended(_) => GroupState::Suspended,
            MemberState::Conflict => GroupState::Conflict,
        })
        .max()
        .unwrap_or(GroupState::InSync)
}

impl MemberState {
    /// The word for it, on the command line and over the wire.
    pub fn name(&self) -> &'static str {
        match self {
            MemberState::InSync => "in-sync",
            MemberState::Changed => "changed",
            MemberState::Behind => "behind",
            MemberState::Conflict => "conflict",
            MemberState::AwaitingConsent => "awaiting-consent",
            MemberState::Suspended(_) => "suspended",
            MemberState::Offline => "offline",
            MemberState::Paused => "paused",
        }
    }
}

impl GroupState {
    /// The word for it, on the command line and over the wire.
    pub fn name(self) -> &'static str {
        match self {
            GroupState::InSync => "in-sync",
            GroupState::Paused => "paused",
            GroupState::Syncing => "syncing",
            GroupState::Offline => "offline",
            GroupState::AwaitingConsent => "awaiting-consent",
            GroupState::Suspended => "suspended",
            GroupState::Conflict => "conflict",
        }
    }
}
