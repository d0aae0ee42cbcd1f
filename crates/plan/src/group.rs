//! A group as the manager holds it, and what a report changes in it.

use std::collections::BTreeMap;

use crate::fault::{Fault, planted};
use crate::id::{AgentId, Fingerprint, GroupId, MemberId, VersionId};
use crate::version::{Shape, Version};

/// A group: members, policy, a graph of versions and a head.
///
/// A store may load only the versions that a decision needs: the head, every version that a member stands on or names as
/// its base, for each shape the newest version with [`Version::merged`], and what an open branch that a member stands on grew
/// from, up to the first that is merged (at most [`MERGE_DEPTH`](crate::MERGE_DEPTH) versions).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its name, unique in a manager.
    pub name: String,
    /// What happens when two edits meet, and when a portion is absent.
    pub policy: Policy,
    /// Whether a person paused it: nothing is instructed.
    pub paused: bool,
    /// The version that every member should hold. `None` until the first commit.
    pub head: Option<VersionId>,
    /// The number of the latest version.
    pub last_number: u64,
    /// By id.
    pub members: BTreeMap<MemberId, Member>,
    /// By id.
    pub versions: BTreeMap<VersionId, Version>,
}

/// What happens by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// When two edits meet.
    pub conflict: Conflict,
}

/// When two edits meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Conflict {
    /// Clean merges happen alone; otherwise the group waits.
    #[default]
    Merge,
    /// The later commit becomes the head.
    Newest,
    /// That member's edit becomes the head.
    Prefer(MemberId),
    /// Nothing merges by itself.
    Manual,
}

/// Which way a member's changes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Both ways.
    #[default]
    Both,
    /// Its edits travel; nothing is restored into it.
    Send,
    /// It is restored; its own edits are kept as versions and give way.
    Receive,
}

/// What becomes of the content that a member has when it joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// It is the group's next version.
    Offer,
    /// It is kept as a version and gives way to the head.
    Adopt,
    /// It waits beside the head until a person chooses.
    Wait,
    /// The member has joined.
    Done,
}

/// What a member does when its portion is missing, though its file is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnMissing {
    /// It waits until the portion is there again or a person acts.
    #[default]
    Suspend,
    /// The portion is made again from the head, also where the whole file is missing.
    Create,
    /// That is an edit as any other: it becomes the head, and is restored into the other members, which lose their portions.
    Delete,
}

/// One portion in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its id, never reused.
    pub id: MemberId,
    /// Whose file it is.
    pub agent: AgentId,
    /// The path as that agent resolves it.
    pub path: String,
    /// The selector, with its scheme.
    pub selector: String,
    /// The format that the agent last saw there (what was there before, if nothing is now), and the member's mapping.
    pub shape: Shape,
    /// Which way its changes travel.
    pub direction: Direction,
    /// What becomes of what it has at first.
    pub join: Join,
    /// What becomes of a portion that goes missing.
    pub on_missing: OnMissing,
    /// Whether a person paused it.
    pub paused: bool,
    /// What the agent last said of it.
    pub condition: Condition,
    /// The highest generation that was reported.
    pub reported_gen: u64,
    /// The highest generation that is known to be held by a version.
    pub committed_gen: u64,
    /// The version that `committed_gen` is known to hold.
    pub standing: Option<VersionId>,
    /// Whether it stands there because that version says what it last held, not because its agent told of that version.
    pub agreed: bool,
    /// When a restore was last done, in the manager's milliseconds since 1970; 0 for never. For people.
    pub restored_at: u64,
}

/// Whether a member can take part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Condition {
    /// It can.
    #[default]
    Fine,
    /// Its own machine has not agreed yet.
    AwaitingConsent,
    /// The portion is missing from its file.
    Missing(String),
    /// The whole file is missing. That is never taken for an edit: a disk may not be mounted.
    NoFile(String),
    /// It waits until the cause goes away or a person acts. The text is the cause, for that person.
    Suspended(String),
    /// Its machine's brake holds an edit back: so much changed there that a person has to look first. The text says how much.
    Braked(String),
    /// What was edited is more likely an accident than somebody's wish: a person can accept it. The text says what happened.
    Doubtful(String),
    /// Its file has several names: another file in the place of one would leave the others behind. The text is the cause.
    HardLinked(String),
}

/// What an agent says of a member: a notice, a restore done, and a refusal are all this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Whom it is about.
    pub member: MemberId,
    /// Raised by every edit seen and every restore done.
    pub generation: u64,
    /// The version that was last restored or is known to be held.
    pub base: Option<VersionId>,
    /// The generation at which the base was held.
    pub base_gen: u64,
    /// Of the shared text that stands in the file.
    pub fingerprint: Fingerprint,
    /// The fragment's format by name; empty if nobody has seen it.
    pub format: String,
    /// Whether it can take part.
    pub condition: Condition,
}

/// What a report changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportOutcome {
    /// Something that the planner looks at.
    Changed,
    /// Nothing: it was known.
    Known,
    /// The group has no such member.
    NoSuchMember,
}

impl Group {
    /// An empty group.
    pub fn new(id: GroupId, name: impl Into<String>, policy: Policy) -> Self {
        Group {
            id,
            name: name.into(),
            policy,
            paused: false,
            head: None,
            last_number: 0,
            members: BTreeMap::new(),
            versions: BTreeMap::new(),
        }
    }

    /// Takes a report. The caller stores the group before it acknowledges.
    pub fn report(&mut self, report: &Report) -> ReportOutcome {
        let known = report.base.is_some_and(|base| self.versions.contains_key(&base));
        let Some(member) = self.members.get_mut(&report.member) else {
            return ReportOutcome::NoSuchMember;
        };
        let before = member.clone();
        member.condition = report.condition.clone();
        if !report.format.is_empty() && report.format != Shape::ABSENT {
            member.shape.format.clone_from(&report.format);
        }
        if report.generation > member.reported_gen || report.generation > member.committed_gen {
            member.take_base(report.base, report.base_gen, known);
            member.reported_gen = member.reported_gen.max(report.generation);
        }
        if *member == before { ReportOutcome::Known } else { ReportOutcome::Changed }
    }

    /// Whether the head says that there is to be no portion.
    pub fn is_head_absent(&self) -> bool {
        self.head_version().is_some_and(Version::is_absent)
    }

    /// The head's version.
    pub fn head_version(&self) -> Option<&Version> {
        self.head.and_then(|head| self.versions.get(&head))
    }

    /// The version that a member stands on.
    pub fn standing(&self, member: &Member) -> Option<&Version> {
        member.standing.and_then(|standing| self.versions.get(&standing))
    }

    /// Whether `version` is an open branch: some member stands on it, it is no ancestor of the head, and its member did not
    /// give way.
    pub fn is_open(&self, version: VersionId) -> bool {
        self.versions.get(&version).is_some_and(|v| !v.merged && !v.yielded)
            && self.members.values().any(|m| m.standing == Some(version))
    }

    /// All open branches, in the order of their commits.
    pub fn open_branches(&self) -> Vec<VersionId> {
        let mut open: Vec<&Version> = self.versions.values().filter(|v| self.is_open(v.id())).collect();
        open.sort_by_key(|v| v.number);
        open.into_iter().map(Version::id).collect()
    }

    /// A person wants the head in place of what a member has: its next backup is kept as a version and gives way, a missing
    /// portion is made again, and an open branch that it stands on waits for nobody any more. `false` if there is no such
    /// member, or nothing that could give way.
    ///
    /// What cannot be read or written now waits as before, and gives way to nothing later: whoever puts it right makes an edit like any
    /// other. So does whoever makes a missing portion first.
    pub fn give_way(&mut self, member: MemberId) -> bool {
        let Some(member) = self.members.get_mut(&member) else { return false };
        let waits = member.condition != Condition::Fine || member.is_dirty();
        match (&member.condition, member.join) {
            (Condition::Missing(_) | Condition::NoFile(_), Join::Done | Join::Offer) => member.join = Join::Wait,
            (Condition::Missing(_) | Condition::NoFile(_) | Condition::Suspended(_) | Condition::HardLinked(_), _) => {}
            _ if waits => member.join = Join::Adopt,
            _ => {}
        }
        let Some(standing) = member.standing.filter(|s| self.is_open(*s)) else { return waits };
        if let Some(version) = self.versions.get_mut(&standing) {
            version.yielded = true;
        }
        true
    }

    /// Whether a member that brings the group's first content is still to report: the others wait for it. Where nothing stands
    /// in its place, and nothing ever did, nobody waits: the first content that appears begins.
    pub fn waits_for_origin(&self) -> bool {
        self.origin().is_some()
    }

    /// Whether a member whose portion is missing follows the head without a person: it is made from it, or there is to be none.
    pub fn is_followed(&self, member: &Member) -> bool {
        let may_follow = member.direction != Direction::Send && !member.is_dirty();
        member.is_made() || (self.is_head_absent() && member.standing != self.head && may_follow)
    }

    /// The member whose content is waited for.
    pub fn origin(&self) -> Option<&Member> {
        if self.head.is_some() {
            return None;
        }
        self.members.values().find(|m| m.join == Join::Offer && (m.reported_gen > 0 || !m.is_missing()))
    }
}

impl Member {
    /// If the base is known and newer than what is committed: that generation holds it. An unknown base is never clean.
    pub(crate) fn take_base(&mut self, base: Option<VersionId>, base_gen: u64, known: bool) {
        let known = (known || planted(Fault::UnknownBaseClean)) && !planted(Fault::KnownBaseDirty);
        if known && base_gen > self.committed_gen {
            self.standing = base;
            self.agreed = false;
            self.committed_gen = base_gen;
            // It holds a version of this group: it has joined, whatever it had before. (Otherwise the next edit of a member
            // that adopted a head into a missing portion would give way, too.)
            self.join = Join::Done;
        }
    }

    /// Where it stands was agreed upon without its agent, who meanwhile held a version that this database has lost: nobody there has
    /// seen the version it is said to stand on, so what is made of the lost one does not follow that.
    pub(crate) fn unagree(&mut self, base: Option<VersionId>, base_gen: u64, known: bool) {
        if self.agreed && base.is_some() && !known && base_gen > self.committed_gen {
            self.standing = None;
        }
    }

    /// Whether its portion, or its whole file, is missing.
    pub fn is_missing(&self) -> bool {
        matches!(self.condition, Condition::Missing(_) | Condition::NoFile(_))
    }

    /// Whether its portion is made from the head if it is missing: a person said so, or it has not joined yet and has nothing
    /// that could be lost.
    pub fn is_made(&self) -> bool {
        (self.on_missing == OnMissing::Create || self.join != Join::Done)
            && self.direction != Direction::Send
            && !self.is_dirty()
    }

    /// Whether it has an edit that is not committed yet.
    pub fn is_dirty(&self) -> bool {
        self.reported_gen > self.committed_gen
    }
}
