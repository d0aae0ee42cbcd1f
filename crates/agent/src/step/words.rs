//! What the rules speak of: what is known, what happened, and what is to be done.

use super::Millis;
use crate::fault::{Fault, planted};
use plan::{Condition, Direction, Fingerprint, GroupId, JobId, MemberId, Record, Report, Shape, VersionId};

/// What the manager told of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Its group.
    pub group: GroupId,
    /// The group's name, for people.
    pub group_name: String,
    /// The file, as this agent resolved it when the member was made.
    pub path: String,
    /// The selector, with its scheme.
    pub selector: String,
    /// The mapping, in its canonical text.
    pub mapping: String,
    /// Which way its changes travel.
    pub direction: Direction,
    /// Whether a missing portion is to be made.
    pub create: bool,
    /// Whether a missing portion is an edit as any other.
    pub delete: bool,
    /// Whether a person paused it.
    pub paused: bool,
}

/// What the journal keeps of a member.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// The generation: raised by every edit seen and every restore done.
    pub generation: u64,
    /// Of the shared text at that generation; `None` before the first, [`Fingerprint::ABSENT`] if there was to be no portion.
    pub fingerprint: Option<Fingerprint>,
    /// Whether the portion was an empty container then.
    pub empty: bool,
    /// The version last restored.
    pub base: Option<VersionId>,
    /// The generation at which it was.
    pub base_gen: u64,
    /// Of the text that stood in the file then.
    pub base_fp: Option<Fingerprint>,
    /// The version that the last committed backup became, if it became one.
    pub held: Option<VersionId>,
    /// The version that the last backup proposed.
    pub proposed: Option<VersionId>,
}

/// How much a machine lets change by itself: its own policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// In so many groups its members may be edited …
    pub groups: u64,
    /// … within this time, in milliseconds, before a person is asked. No groups: there is no limit.
    pub within: Millis,
}

impl Default for Limit {
    /// 20 groups within a minute.
    fn default() -> Self {
        Limit { groups: 20, within: 60_000 }
    }
}

/// What the journal keeps of the brake.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BrakeEntry {
    /// The groups that were changed here lately.
    pub changed: Vec<GroupId>,
    /// It is on, and so many had changed by then.
    pub on: Option<u64>,
}

/// What stands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// The portion.
    Present(Portion),
    /// Nothing that can take part, and why. [`Condition::Missing`]: the file holds something, and no such portion.
    Absent(Condition),
    /// A file without anything in it, as a program leaves one that could not write it anew, and what that means.
    Blank(String),
}

/// A portion that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portion {
    /// Of its shared text.
    pub fingerprint: Fingerprint,
    /// Its format, by name.
    pub format: String,
    /// Whether it is a container without content.
    pub empty: bool,
}

impl Portion {
    /// What is known of a portion that is not there, and is not to be.
    pub fn absent() -> Portion {
        Portion { fingerprint: Fingerprint::ABSENT, format: Shape::ABSENT.to_owned(), empty: true }
    }

    /// The shape of its version, under a member's mapping.
    pub fn shape(&self, mapping: String) -> Shape {
        if self.is_absent() { Shape::absent() } else { Shape { format: self.format.clone(), mapping } }
    }

    /// Whether it is not there.
    pub fn is_absent(&self) -> bool {
        self.format == Shape::ABSENT
    }
}

/// A secondary copy that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// What was read.
    pub portion: Portion,
    /// Of the group's value.
    pub value: Fingerprint,
    /// Of the shared text, in bytes.
    pub size: u64,
    /// Where the copy lies.
    pub copy: Vec<u8>,
    /// The id that the version will have, if this becomes one.
    pub version: VersionId,
}

/// What a restore came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restored {
    /// The file holds it (it may have held it before), and this is what is seen there now.
    Done(Portion),
    /// Likewise, and there was no file before.
    Made(Portion),
    /// The file is not as the journal says: nothing was written.
    Changed(Sight),
    /// The copy or its record is not what it should be: nothing was written.
    Refused(String),
    /// It cannot be written now: nothing was written.
    Failed(Condition),
}

impl Restored {
    /// Done; `existed`: there was a file before.
    pub fn done(portion: Portion, existed: bool) -> Restored {
        if existed { Restored::Done(portion) } else { Restored::Made(portion) }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A new stream to the manager stands.
    Online,
    /// It is gone.
    Offline,
    /// The manager told of a member, new or changed.
    Assigned(MemberId, Box<Assignment>),
    /// It is no member any more.
    Removed(MemberId),
    /// Its file may have changed, or its machine's policy.
    Touched(MemberId),
    /// An answer to [`Effect::Look`].
    Looked(MemberId, Sight),
    /// The manager instructs a backup.
    Backup {
        /// Of whom.
        member: MemberId,
        /// What the answer names.
        job: JobId,
        /// The generation that was reported.
        generation: u64,
    },
    /// An answer to [`Effect::BackUp`].
    Copied(MemberId, Box<Copied>),
    /// An answer to [`Effect::BackUp`]: there is nothing to back up, or no way to.
    NotCopied(MemberId, Condition),
    /// The manager instructs a restore.
    Restore(Box<Instruction>),
    /// An answer to [`Effect::Restore`].
    Restored(MemberId, Restored),
    /// The manager instructs a merge.
    Merge(Box<MergeInstruction>),
    /// An answer to [`Effect::Merge`].
    Merged(MemberId, Merged),
    /// A restore that a crash interrupted was found done: its file was exchanged.
    Recovered {
        /// Whose.
        member: MemberId,
        /// What was restored.
        version: VersionId,
        /// What was written.
        portion: Portion,
    },
    /// The manager stored a report or decided a commit.
    Acknowledged {
        /// Whose.
        member: MemberId,
        /// Which.
        generation: u64,
        /// Whether that generation is committed.
        committed: bool,
    },
    /// A person ends the member's suspension.
    Accept {
        /// Whose.
        member: MemberId,
        /// Whether what stands in the file gives way to the head.
        give_way: bool,
    },
    /// What the machine's own policy lets change by itself, from now on.
    Limit(Limit),
    /// A person lets everything go that the brake holds back.
    Release,
    /// Time has passed.
    Tick,
}

/// A restore, as instructed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// Into whose portion.
    pub member: MemberId,
    /// What the answer names.
    pub job: JobId,
    /// The group that the manager names.
    pub group: GroupId,
    /// What to restore.
    pub record: Record,
    /// Whose text to put its value into, if the shapes differ.
    pub text_base: Option<Record>,
    /// Whether the signatures of both are a key holder's.
    pub authentic: bool,
    /// The generation that the member must have.
    pub expected_gen: u64,
    /// Whether a missing portion is to be made.
    pub create: bool,
}

/// A merge, as instructed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeInstruction {
    /// Whose branch it is: what comes of it is in this member's form.
    pub member: MemberId,
    /// What the answer names.
    pub job: JobId,
    /// The group that the manager names.
    pub group: GroupId,
    /// What both grew from.
    pub base: Record,
    /// The head.
    pub head: Record,
    /// The branch: what stands in the member's file.
    pub branch: Record,
    /// Whether the signatures of all three are a key holder's.
    pub authentic: bool,
}

/// What a merge came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// There is a durable copy of what came of it.
    Done(Box<Copied>),
    /// The two do not go together, or a copy is not what its record says: a person has to choose.
    Clash(Clash),
    /// It cannot be done now.
    Failed(Condition),
}

/// Why two edits do not go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// What happened, without contents: the manager keeps it.
    pub cause: String,
}

/// What is to be done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Watch the member's file from now on. The entry is what the journal holds of it.
    Watch(MemberId),
    /// Watch it no more, and strike it from the journal.
    Forget(MemberId),
    /// Read, locate, fingerprint; answer with [`Event::Looked`].
    Look(MemberId),
    /// Read again and make a durable copy; answer with [`Event::Copied`] or [`Event::NotCopied`].
    BackUp(MemberId),
    /// Restore, if the portion's fingerprint is `expected` (`None`: if it is missing); answer with [`Event::Restored`].
    Restore {
        /// What to do.
        instruction: Box<Instruction>,
        /// What must stand in the file.
        expected: Option<Fingerprint>,
    },
    /// Merge, and make a durable copy of what comes of it; answer with [`Event::Merged`].
    Merge(Box<MergeInstruction>),
    /// Append to the journal. `sync`: durable before the next effect.
    Journal {
        /// Whose.
        member: MemberId,
        /// What.
        entry: Entry,
        /// Whether it must outlast a power failure before it is named.
        sync: bool,
    },
    /// Append to the journal what the brake has counted.
    Brake(BrakeEntry),
    /// Append to the journal that the member has left a version.
    Left(MemberId, VersionId),
    /// Send a report.
    Report {
        /// What it says.
        report: Box<Report>,
        /// What it answers.
        job: Option<JobId>,
        /// Why that was refused; empty if it was not.
        refused: String,
    },
    /// Sign the record and send what was backed up.
    Commit {
        /// Whose.
        member: MemberId,
        /// What it answers.
        job: JobId,
        /// What to say.
        commit: Box<Commit>,
    },
    /// Sign the record of what a merge made and send it; or send why there is none.
    Answer(Box<MergeAnswer>),
}

/// An answer to a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeAnswer {
    /// What it answers.
    pub instruction: MergeInstruction,
    /// The member's generation.
    pub generation: u64,
    /// What came of it.
    pub result: Result<Copied, Clash>,
}

impl Effect {
    /// Whether it is a message that rests on the journal, which has to be durable before it is sent. A notice rests on the file itself:
    /// what is lost of it with the power is seen again.
    pub fn rests_on_journal(&self) -> bool {
        match self {
            Effect::Report { report, .. } => {
                report.base_gen == report.generation && report.generation > 0 && !planted(Fault::JournalNotSynced)
            }
            Effect::Commit { .. } => !planted(Fault::JournalNotSynced),
            _ => false,
        }
    }
}

/// A backed-up content that the manager has not decided yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The member's generation.
    pub generation: u64,
    /// See [`Entry::base`].
    pub base: Option<VersionId>,
    /// See [`Entry::base_gen`].
    pub base_gen: u64,
    /// See [`Entry::base_fp`].
    pub base_fp: Fingerprint,
    /// The copy.
    pub copied: Copied,
}
