//! Versions: what a group's content was.

use crate::id::{Fingerprint, GroupId, MemberId, VersionId};
use crate::merge::Unmergeable;

/// The form in which a content is written: only between equal shapes does the text travel, comments and all.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Shape {
    /// The fragment's format by name; empty as long as nobody has seen the portion.
    pub format: String,
    /// The member's mapping, in its canonical text.
    pub mapping: String,
}

impl Shape {
    /// The format of a content that is none: the portion was removed, and that was meant.
    pub const ABSENT: &'static str = "absent";

    /// Of a content that is none: it is the same everywhere, whatever a member's mapping.
    pub fn absent() -> Shape {
        Shape { format: Shape::ABSENT.to_owned(), mapping: String::new() }
    }

    /// Whether the content is none.
    pub fn is_absent(&self) -> bool {
        self.format == Shape::ABSENT
    }
}

/// What a key holder says of a content, and signs: the manager can keep it, hand it on, and change nothing in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The version that this content became. Made at random by who signs.
    pub version: VersionId,
    /// The group that it belongs to: a copy of another group is refused.
    pub group: GroupId,
    /// The member whose portion it is (or, for a restore or a resolve, whose portion it was).
    pub member: MemberId,
    /// The member's generation.
    pub generation: u64,
    /// Its format and mapping.
    pub shape: Shape,
    /// Of the shared text.
    pub text: Fingerprint,
    /// Of the group's value.
    pub value: Fingerprint,
    /// Of the shared text, in bytes.
    pub size: u64,
    /// Where the secondary copy lies: the repository crate's encoding, opaque here.
    pub copy: Vec<u8>,
    /// Keyed BLAKE3 over [`Record::signed_bytes`], under a key of the zone.
    pub mac: [u8; 32],
}

impl Record {
    /// What the MAC covers: every field but the MAC, each with its length, so that no two records have the same bytes.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let mut out = b"inlay record 1\0".to_vec();
        let fields: [&[u8]; 10] = [
            &self.version.0,
            &self.group.0,
            &self.member.0,
            &self.generation.to_be_bytes(),
            self.shape.format.as_bytes(),
            self.shape.mapping.as_bytes(),
            &self.text.0,
            &self.value.0,
            &self.size.to_be_bytes(),
            &self.copy,
        ];
        for field in fields {
            out.extend((field.len() as u64).to_be_bytes());
            out.extend(field);
        }
        out
    }
}

/// How a version came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Somebody edited a member.
    Edit,
    /// Two lines were merged.
    Merge,
    /// An old version was made the next one.
    Restore,
    /// A conflict was ended by choosing a side.
    Resolve,
    /// What a member held when it joined.
    Join,
}

/// One version in a group's graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// What its signer says of it. `record.version` is its id.
    pub record: Record,
    /// How it came to be.
    pub kind: Kind,
    /// What it follows; the first is its own line.
    pub parents: Vec<VersionId>,
    /// A label for people, counted from 1 in the order of commits.
    pub number: u64,
    /// The manager's clock at the commit, in milliseconds since 1970. It orders nothing.
    pub committed_at: u64,
    /// Whether it is the head or an ancestor of it.
    pub merged: bool,
    /// Whether its member gave way when it was committed (it joined to adopt, it only receives, a person asked for the head
    /// back): a branch that is kept and never waits for anybody.
    pub yielded: bool,
    /// What the last try to merge this open branch came to, if it was in vain.
    pub unmergeable: Option<Unmergeable>,
    /// The snapshot that holds it, once its repository was sealed.
    pub snapshot: Option<String>,
}

impl Version {
    /// Whether it says that there is to be no portion.
    pub fn is_absent(&self) -> bool {
        self.record.shape.is_absent()
    }

    /// Its id.
    pub fn id(&self) -> VersionId {
        self.record.version
    }
}
