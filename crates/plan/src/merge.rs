//! When two edits meet: what a merge starts from, and what became of it.

use std::collections::BTreeSet;

use crate::group::{Conflict, Group, Member};
use crate::id::{AgentId, GroupId, MemberId, VersionId};
use crate::version::{Record, Version};

/// So many versions are looked at for the one that a branch has in common with the head, that one included. A longer branch
/// waits for a person.
pub const MERGE_DEPTH: usize = 1_000;

/// Put an open branch and the head together, from what both grew from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The group.
    pub group: GroupId,
    /// The member that stands on the branch: the merged content is in its form.
    pub member: MemberId,
    /// Who has it.
    pub agent: AgentId,
    /// The last common ancestor by parents.
    pub base: Record,
    /// The head.
    pub head: Record,
    /// The branch.
    pub branch: Record,
}

/// What the last try to merge a branch came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmergeable {
    /// The head that it was tried with. With another one it is tried again.
    pub head: VersionId,
    /// What does not go together, for people. The manager only hands it on.
    pub cause: String,
}

impl Group {
    /// The last common ancestor of an open branch and the head. `None` if they have none (a content that joined), or none
    /// within [`MERGE_DEPTH`], or if a person gave up some of what the branch grew from.
    pub fn merge_base(&self, branch: VersionId) -> Option<&Version> {
        let (mut seen, mut waiting) = (BTreeSet::new(), vec![branch]);
        let mut base: Option<&Version> = None;
        while let Some(id) = waiting.pop() {
            if !seen.insert(id) {
                continue;
            }
            if seen.len() > MERGE_DEPTH {
                return None;
            }
            let version = self.versions.get(&id)?;
            if version.merged {
                // What is merged is an ancestor of the head, and so is everything that it grew from.
                base = base.into_iter().chain([version]).max_by_key(|v| v.number);
                continue;
            }
            if version.yielded {
                return None;
            }
            waiting.extend(&version.parents);
        }
        base
    }

    /// Whether an open branch merges by itself, as far as is known: the policy says so, there is a common ancestor, and it was
    /// not tried with this head in vain.
    pub fn may_merge(&self, branch: VersionId) -> bool {
        self.policy.conflict == Conflict::Merge
            && self.is_open(branch)
            && self.unmergeable(branch).is_none()
            && self.head.is_some()
            && self.merge_base(branch).is_some()
    }

    /// Why a branch and the head do not go together, if that was tried.
    pub fn unmergeable(&self, branch: VersionId) -> Option<&str> {
        let tried = self.versions.get(&branch)?.unmergeable.as_ref()?;
        (Some(tried.head) == self.head).then_some(tried.cause.as_str())
    }

    /// A branch and a head do not go together: it is not tried again before the head moves. `false` if the group has moved on
    /// since.
    pub fn cannot_merge(&mut self, branch: VersionId, head: VersionId, cause: impl Into<String>) -> bool {
        let current = self.head == Some(head) && self.is_open(branch);
        if let Some(version) = self.versions.get_mut(&branch).filter(|_| current) {
            version.unmergeable = Some(Unmergeable { head, cause: cause.into() });
        }
        current
    }

    /// The merge for a member that stands on an open branch and can work.
    pub(crate) fn merge_for(&self, member: &Member, branch: VersionId) -> Option<Merge> {
        self.may_merge(branch).then_some(())?;
        Some(Merge {
            group: self.id,
            member: member.id,
            agent: member.agent,
            base: self.merge_base(branch)?.record.clone(),
            head: self.head_version()?.record.clone(),
            branch: self.versions.get(&branch)?.record.clone(),
        })
    }
}
