//! The decisions that make versions: commit, resolve, restore. Each is one transaction on one group.

use crate::fault::{Fault, planted};
use crate::group::{Conflict, Direction, Group, Join, Member};
use crate::id::{Fingerprint, MemberId, VersionId};
use crate::version::{Kind, Record, Version};

/// What an agent says when a portion was backed up: a report of what was actually read, and where the copy lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackedUp {
    /// The version that the member last held for certain.
    pub base: Option<VersionId>,
    /// The generation at which the base was held.
    pub base_gen: u64,
    /// Of the text that stood in the file at `base_gen`.
    pub base_fp: Fingerprint,
    /// Member, generation, fingerprints and location of the content, signed.
    pub record: Record,
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The generation was committed before.
    Ignored,
    /// No version was needed: the content is that version's.
    Standing(VersionId),
    /// The content is the new head.
    NewHead(VersionId),
    /// The content is a branch.
    Branch(VersionId),
}

/// Why a commit is refused. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The record names another group.
    #[error("the record of version {version} belongs to another group")]
    OtherGroup {
        /// The record's version.
        version: VersionId,
    },
    /// The group has no such member (any more).
    #[error("the group has no member {0}")]
    NoSuchMember(MemberId),
    /// A version of that id exists and is not this one.
    #[error("the version id {0} was used before")]
    UsedVersion(VersionId),
    /// The group waits for the content of the member that offers it.
    #[error("the group waits for its first content from another member")]
    WaitsForOrigin,
}

/// Why a conflict cannot be ended like this. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// The head is not the one that the person saw.
    #[error("the group has moved on since: look at it again")]
    HeadMoved,
    /// A branch that the person saw is not open any more.
    #[error("the branch {0} is not open any more: look at the group again")]
    NotOpen(VersionId),
    /// The record cannot be used.
    #[error("the new version cannot be used")]
    Record(#[source] CommitError),
}

impl Group {
    /// Decides what a backed-up content becomes. `now` is the manager's clock in milliseconds since 1970.
    ///
    /// # Errors
    /// [`CommitError`] if the record is not this group's; the group is as it was.
    pub fn commit(&mut self, done: &BackedUp, now: u64) -> Result<Outcome, CommitError> {
        let record = &done.record;
        let known = done.base.is_some_and(|base| self.versions.contains_key(&base));
        let waits = self.waits_for_origin();
        let head = self.head;
        if record.group != self.id {
            return Err(CommitError::OtherGroup { version: record.version });
        }
        let Some(member) = self.members.get_mut(&record.member) else {
            return Err(CommitError::NoSuchMember(record.member));
        };
        if record.generation <= member.committed_gen && !planted(Fault::LateNotIgnored) {
            return Ok(Outcome::Ignored);
        }
        if self.versions.contains_key(&record.version) {
            return Err(CommitError::UsedVersion(record.version));
        }
        if waits && member.join != Join::Offer {
            return Err(CommitError::WaitsForOrigin);
        }
        member.reported_gen = member.reported_gen.max(record.generation);
        member.take_base(done.base, done.base_gen, known);
        member.unagree(done.base, done.base_gen, known);
        if record.generation <= member.committed_gen && !planted(Fault::LateNotIgnored) {
            return Ok(Outcome::Ignored);
        }
        if !record.shape.is_absent() {
            member.shape.format.clone_from(&record.shape.format);
        }
        let member = member.clone();
        let outcome = self.decide(&member, done, now);
        let standing = match outcome {
            Outcome::Standing(version) | Outcome::NewHead(version) | Outcome::Branch(version) => Some(version),
            Outcome::Ignored => member.standing,
        };
        if let Some(member) = self.members.get_mut(&record.member) {
            member.standing = standing;
            member.agreed = false;
            member.committed_gen = record.generation;
            member.join = Join::Done;
        }
        if matches!(outcome, Outcome::NewHead(_)) {
            // Another one began while nothing stood where the content was to come from: what appears there now waits for a
            // person, as everything that joins and differs.
            if head.is_none() && member.join != Join::Offer {
                self.members.values_mut().filter(|m| m.join == Join::Offer).for_each(|m| m.join = Join::Wait);
            }
        }
        // A member that stands where it stood was passed over when the head moved, because its report was not committed yet.
        if matches!(outcome, Outcome::NewHead(_) | Outcome::Standing(_)) {
            self.agree_with_head();
        }
        Ok(outcome)
    }

    /// The protocol's (a) to (e), in its order.
    fn decide(&mut self, member: &Member, done: &BackedUp, now: u64) -> Outcome {
        let record = &done.record;
        let head = self.head_version();
        let parent = self.standing(member);
        let same_text = |v: &Version| v.record.shape == record.shape && v.record.text == record.text;
        // (a)
        if let Some(head) = head.filter(|head| same_text(head) && !planted(Fault::CommitWithoutA)) {
            return Outcome::Standing(head.id());
        }
        // (b)
        let unmoved = done.base.is_some() && done.base == member.standing && record.text == done.base_fp;
        let is_parent = |parent: &&Version| (same_text(parent) || unmoved) && !planted(Fault::CommitWithoutB);
        if let Some(parent) = parent.filter(is_parent) {
            return Outcome::Standing(parent.id());
        }
        let kind = if parent.is_none() && head.is_some() { Kind::Join } else { Kind::Edit };
        let gives_way = self.head.is_some() && (member.direction == Direction::Receive || member.join == Join::Adopt);
        // (c)
        if (self.head == member.standing || planted(Fault::CommitWithoutC)) && !gives_way {
            return self.add_head(record, kind, self.head.into_iter().collect(), now);
        }
        // What a sender or an offering member has is the next version by definition.
        if !gives_way && (member.join == Join::Offer || member.direction == Direction::Send) {
            return self.add_head(record, kind, self.head.into_iter().chain(member.standing).collect(), now);
        }
        let same_value =
            head.is_some_and(|head| head.record.shape != record.shape && head.record.value == record.value);
        // (d)
        if same_value && !gives_way && parent.is_some() && !planted(Fault::CommitWithoutD) {
            return self.add_head(record, Kind::Merge, self.head.into_iter().chain(member.standing).collect(), now);
        }
        // (e), unless the policy or the member itself says who gives way.
        let preferred = |v: Option<&Version>, id: MemberId| v.is_some_and(|v| v.record.member == id);
        let wins = match self.policy.conflict {
            Conflict::Newest => parent.is_some(),
            Conflict::Prefer(id) => parent.is_some() && id == member.id,
            Conflict::Merge | Conflict::Manual => false,
        };
        if wins && !gives_way {
            return self.add_head(record, Kind::Resolve, self.head.into_iter().chain(member.standing).collect(), now);
        }
        let loses = match self.policy.conflict {
            Conflict::Prefer(id) => id != member.id && preferred(head, id),
            _ => false,
        };
        let joins_equal = same_value && parent.is_none();
        let parents = member.standing.into_iter().collect();
        self.add(record, kind, parents, now, gives_way || loses || joins_equal);
        Outcome::Branch(record.version)
    }

    /// Ends a conflict with `record`, or makes it the next version where there is none: its parents are the head and the
    /// branches that the person saw.
    ///
    /// # Errors
    /// [`ResolveError`] if the group is not as the person saw it, or the record not this group's.
    pub fn resolve(
        &mut self,
        kind: Kind,
        head: Option<VersionId>,
        branches: &[VersionId],
        record: &Record,
        now: u64,
    ) -> Result<VersionId, ResolveError> {
        if self.head != head && !planted(Fault::HeadNotChecked) {
            return Err(ResolveError::HeadMoved);
        }
        if let Some(closed) = branches.iter().find(|branch| !self.is_open(**branch)) {
            return Err(ResolveError::NotOpen(*closed));
        }
        let refused = if record.group != self.id {
            Some(CommitError::OtherGroup { version: record.version })
        } else if self.versions.contains_key(&record.version) {
            Some(CommitError::UsedVersion(record.version))
        } else {
            None
        };
        if let Some(refused) = refused {
            return Err(ResolveError::Record(refused));
        }
        self.add_head(record, kind, head.into_iter().chain(branches.iter().copied()).collect(), now);
        self.agree_with_head();
        Ok(record.version)
    }

    /// The copy of a version was lost, and lies elsewhere now: the record says the same but for that. `false` if it says anything else, or of
    /// no version of this group; then nothing has changed.
    pub fn recopy(&mut self, record: &Record, snapshot: Option<String>) -> bool {
        let Some(version) = self.versions.get_mut(&record.version) else { return false };
        let old = &version.record;
        let same = Record { copy: old.copy.clone(), mac: old.mac, ..record.clone() } == *old;
        if same {
            version.record = record.clone();
            version.snapshot = snapshot;
        }
        same
    }

    fn add_head(&mut self, record: &Record, kind: Kind, mut parents: Vec<VersionId>, now: u64) -> Outcome {
        let mut seen = Vec::new();
        parents.retain(|p| {
            !seen.contains(p) && {
                seen.push(*p);
                true
            }
        });
        self.add(record, kind, parents, now, false);
        self.head = Some(record.version);
        self.mark_merged(record.version);
        Outcome::NewHead(record.version)
    }

    fn add(&mut self, record: &Record, kind: Kind, parents: Vec<VersionId>, now: u64, yielded: bool) {
        self.last_number += 1;
        self.versions.insert(
            record.version,
            Version {
                record: record.clone(),
                kind,
                parents,
                number: self.last_number,
                committed_at: now,
                merged: false,
                yielded,
                unmergeable: None,
                snapshot: None,
            },
        );
    }

    /// Marks `version` and its ancestors. The walk stops at what is marked already, and at what is not loaded: the
    /// ancestors of an open branch that no member stands on are marked by the store.
    fn mark_merged(&mut self, version: VersionId) {
        let mut waiting = vec![version];
        while let Some(id) = waiting.pop() {
            if let Some(version) = self.versions.get_mut(&id).filter(|v| !v.merged) {
                version.merged = true;
                waiting.extend(&version.parents);
            }
        }
    }

    /// Whenever the head moves, (a) and (d) are applied again to every member that has no uncommitted report; to one that had, when it
    /// turns out to be as it was.
    ///
    /// In (d) the version that the member stands on becomes a further parent of the head, in place of a third version that
    /// would say the same: its value is the head's, so nothing of it is lost, and no member has anything to write.
    fn agree_with_head(&mut self) {
        let Some(head) = self.head_version().filter(|_| !planted(Fault::HeadMovesAlone)).cloned() else { return };
        let clean: Vec<MemberId> = self.members.values().filter(|m| !m.is_dirty()).map(|m| m.id).collect();
        for id in clean {
            let Some(standing) = self.members.get(&id).and_then(|m| self.standing(m)).cloned() else { continue };
            if standing.id() == head.id() {
                continue;
            }
            let same_shape = standing.record.shape == head.record.shape;
            if same_shape && standing.record.text == head.record.text {
                if let Some(member) = self.members.get_mut(&id) {
                    member.standing = Some(head.id());
                    member.agreed = true;
                }
            } else if !same_shape && standing.record.value == head.record.value && self.is_open(standing.id()) {
                if let Some(head) = self.versions.get_mut(&head.id()) {
                    head.parents.push(standing.id());
                }
                self.mark_merged(standing.id());
            }
        }
    }
}
