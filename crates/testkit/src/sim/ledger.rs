//! What is really so, which no part of the system can see: who wrote what stands in each file, and what became of it.
//!
//! Every change that a user makes has an identity of its own, so that an edit back to an earlier content is told from no edit. The
//! promises are checked against this.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use plan::VersionId;

use super::story::Story;

/// Which edit.
pub(crate) type EditId = usize;
/// Which member, counted over all groups.
pub(crate) type MemberNo = usize;

/// What a portion says that was removed.
pub(crate) const GONE: &str = "-";

/// Who wrote what stands in a portion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Author {
    /// Its user.
    Edit(EditId),
    /// A restore; the serial numbers count them all.
    Restored { serial: u64, version: VersionId },
}

/// Something that a user wrote.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    /// What stood there before.
    pub(crate) previous: Option<Author>,
    /// The version that holds it.
    pub(crate) version: Option<VersionId>,
    /// How many versions were made of it.
    pub(crate) versions: u32,
    /// Its own user (or the power, before it was on the disk) took it back before it was a version.
    pub(crate) superseded: bool,
    /// What the portion says, in a form that tells nothing of its format.
    pub(crate) text: String,
}

/// That a promise is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The number that the promise has in ARCHITECTURE.md.
    pub promise: u8,
    /// What happened.
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "promise {}: {}", self.promise, self.what)
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) now: u64,
    pub(crate) story: Story,
    pub(crate) edits: Vec<Edit>,
    /// Who wrote what a proposed version holds.
    pub(crate) proposed: BTreeMap<VersionId, Option<Author>>,
    /// Members whose journal lost its end with the power: of them a version without an edit, or a conflict with what they had before, may be made.
    pub(crate) forgetful: BTreeSet<MemberNo>,
    /// The manager's database was put back: likewise for all members.
    pub(crate) put_back: bool,
    /// When.
    pub(crate) put_back_at: Option<u64>,
    /// Members of which a person accepted something.
    pub(crate) accepted: BTreeSet<MemberNo>,
    /// What a lying manager sent: no member may ever hold it.
    pub(crate) lies: BTreeSet<(MemberNo, VersionId)>,
    /// What restores wrote, by their serial numbers.
    pub(crate) texts: BTreeMap<u64, String>,
    /// Versions that were lost with the manager's database, and whether their contents are in another version by now.
    pub(crate) lost: BTreeMap<VersionId, bool>,
    /// The first promise that was found broken.
    pub(crate) broken: Option<Broken>,
    /// What the power took back: its user saw it, and may have gone on from it, but it is in no file any more.
    taken: Vec<Author>,
    serials: u64,
}

/// The one ledger of a run.
#[derive(Debug, Clone)]
pub(crate) struct Shared(Arc<Mutex<Ledger>>);

impl Shared {
    pub(crate) fn new(keep: bool) -> Shared {
        Shared(Arc::new(Mutex::new(Ledger {
            now: 0,
            story: Story::new(keep),
            edits: Vec::new(),
            proposed: BTreeMap::new(),
            forgetful: BTreeSet::new(),
            put_back: false,
            put_back_at: None,
            accepted: BTreeSet::new(),
            lies: BTreeSet::new(),
            texts: BTreeMap::new(),
            lost: BTreeMap::new(),
            broken: None,
            taken: Vec::new(),
            serials: 0,
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tell(&self, what: fmt::Arguments<'_>) {
        self.lock().tell(what);
    }

    pub(crate) fn breaks(&self, promise: u8, what: impl Into<String>) {
        self.lock().breaks(promise, what);
    }
}

impl Ledger {
    pub(crate) fn tell(&mut self, what: fmt::Arguments<'_>) {
        self.story.tell(self.now, what);
    }

    pub(crate) fn breaks(&mut self, promise: u8, what: impl Into<String>) {
        let broken = Broken { promise, what: what.into() };
        self.tell(format_args!("BROKEN {broken}"));
        self.broken.get_or_insert(broken);
    }

    /// A user wrote a portion.
    pub(crate) fn edit(&mut self, previous: Option<Author>, text: String) -> EditId {
        if let Some(Author::Edit(old)) = previous {
            self.edits[old].superseded = true;
        }
        self.edits.push(Edit { previous, version: None, versions: 0, superseded: false, text });
        self.edits.len() - 1
    }

    pub(crate) fn serial(&mut self) -> u64 {
        self.serials += 1;
        self.serials
    }

    /// Whether it would be no loss if no file held it any more.
    pub(crate) fn is_safe(&self, author: Option<Author>) -> bool {
        match author {
            Some(Author::Edit(edit)) => {
                self.edits[edit].version.is_some() || self.edits[edit].superseded || self.is_back(edit)
            }
            Some(Author::Restored { .. }) => true,
            None => true,
        }
    }

    /// Whether after a power cut an edit was taken for what the journal still knows: its content is in the history.
    pub(crate) fn was_forgotten(&self, member: MemberNo, author: Option<Author>) -> bool {
        let Some(Author::Edit(edit)) = author else { return false };
        if !self.forgetful.contains(&member) && !self.is_taken(edit) {
            return false;
        }
        let text = &self.edits[edit].text;
        let held = self.edits.iter().filter(|edit| edit.version.is_some()).map(|edit| &edit.text);
        held.chain(self.texts.values()).any(|known| known == text)
    }

    /// Whether the only version that held it was lost with the manager's database.
    pub(crate) fn is_lost(&self, author: Option<Author>) -> bool {
        let version = match author {
            Some(Author::Edit(edit)) => self.edits[edit].version,
            Some(Author::Restored { version, .. }) => Some(version),
            None => None,
        };
        version.is_some_and(|version| self.lost.get(&version) == Some(&false))
    }

    /// Whether an edit only took back what its user had done since what was last known.
    fn is_back(&self, edit: EditId) -> bool {
        let mut previous = self.edits[edit].previous;
        while let Some(Author::Edit(older)) = previous {
            if self.edits[older].version.is_some() {
                break;
            }
            previous = self.edits[older].previous;
        }
        previous.is_some_and(|known| self.text_of(known) == self.edits[edit].text)
    }

    /// The body that an author wrote.
    pub(crate) fn text_of(&self, author: Author) -> String {
        match author {
            Author::Edit(edit) => self.edits[edit].text.clone(),
            Author::Restored { serial, .. } => self.texts.get(&serial).cloned().unwrap_or_default(),
        }
    }

    /// The power took back what somebody wrote.
    pub(crate) fn take(&mut self, author: Author) {
        self.taken.push(author);
    }

    /// Whether an edit goes on from what the power took back.
    fn is_taken(&self, edit: EditId) -> bool {
        let mut author = Some(Author::Edit(edit));
        while let Some(Author::Edit(edit)) = author {
            author = self.edits[edit].previous;
            if author.is_some_and(|author| self.taken.contains(&author)) {
                return true;
            }
        }
        false
    }

    /// The version that an edit was made from, as far as there is one, and as it is certain.
    pub(crate) fn made_from(&self, edit: EditId) -> Option<VersionId> {
        let mut previous = self.edits[edit].previous;
        loop {
            if previous.is_some_and(|author| self.taken.contains(&author)) {
                return None;
            }
            match previous? {
                Author::Restored { version, .. } => return Some(version),
                Author::Edit(older) => {
                    if let Some(version) = self.edits[older].version {
                        return Some(version);
                    }
                    previous = self.edits[older].previous;
                }
            }
        }
    }

    /// Whether versions without an edit of this member are nothing to wonder at.
    pub(crate) fn is_excused(&self, member: MemberNo) -> bool {
        self.put_back || self.forgetful.contains(&member)
    }
}
