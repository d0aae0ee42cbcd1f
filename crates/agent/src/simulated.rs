//! What the simulator drives beside [`crate::step`] and [`crate::splice`]: a member's operations over any [`Folder`], and the
//! journal's bytes. Everything here hands on to what the agent itself runs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use plan::{Condition, Fingerprint, GroupId, Record, VersionId};

use crate::detect::{self, Look, Target};
use crate::engine;
use crate::folder::Folder;
use crate::jobs::merge::put_together;
use crate::journal;
use crate::keys::{self, Keys};
use crate::place::Place;
use crate::restore::{self, Version};
use crate::splice::{Displaced, IntentLog};
use crate::step::{Assignment, Merged, Portion, Restored, Sight};

pub use crate::detect::Read;
pub use crate::displaced::Due;
pub use crate::journal::{Contents, Deletion, Kept, MemberIntent, Record as JournalRecord};

/// A member's portion in a file of a folder.
pub struct Site {
    place: Place,
    target: Target,
}

/// An answer to a look.
#[derive(Debug)]
pub enum Answer {
    /// What stands there.
    Sight(Sight),
    /// The file is being written: look again after this time.
    Again(Duration),
}

/// What is to be restored, with the texts that its records speak of.
#[derive(Debug)]
pub struct Restorable {
    /// The version.
    pub record: Record,
    /// Its shared text.
    pub text: Bytes,
    /// An earlier one in the member's own shape.
    pub text_base: Option<(Record, Bytes)>,
}

/// What a restore came to.
#[derive(Debug)]
pub struct Done {
    /// For the rules.
    pub restored: Restored,
    /// The file that was displaced.
    pub displaced: Option<Displaced>,
    /// Whether the file was written.
    pub written: bool,
    /// Whether an intent still stands whose end is not known.
    pub unfinished: bool,
}

impl Site {
    /// The place that an assignment means in a folder.
    ///
    /// # Errors
    /// Why the assignment means nothing.
    pub fn new(folder: Box<dyn Folder>, path: &Path, assignment: &Assignment) -> Result<Site, Condition> {
        let target = engine::target(assignment)?;
        let nowhere = || Condition::Suspended("the path leads nowhere".to_owned());
        let (folder_path, name) = path.parent().zip(path.file_name()).ok_or_else(nowhere)?;
        let place = Place { folder, folder_path: folder_path.to_owned(), name: name.to_owned() };
        Ok(Site { place, target })
    }

    /// Looks. `attempt` counts from 0.
    pub fn look(&self, keys: &Keys, attempt: u32) -> Answer {
        match detect::look(&self.place, &self.target, keys, &mut Vec::new(), attempt) {
            Look::Again(wait) if attempt < detect::ATTEMPTS => Answer::Again(wait),
            look => Answer::Sight(look.sight().0),
        }
    }

    /// Reads for a backup; `absent`: that there is nothing. The error is an answer, or a time to wait before the next attempt.
    pub fn read(&self, keys: &Keys, attempt: u32, absent: bool) -> Result<Read, Answer> {
        match detect::look(&self.place, &self.target, keys, &mut Vec::new(), attempt) {
            Look::Again(wait) if attempt < detect::ATTEMPTS => Err(Answer::Again(wait)),
            look => {
                look.read(&self.target, keys, absent).0.map_err(|condition| Answer::Sight(Sight::Absent(condition)))
            }
        }
    }

    /// Restores. `log` keeps the intent, given what will stand there.
    pub fn restore<'a>(
        &self,
        keys: &Keys,
        version: Restorable,
        expected: Option<Fingerprint>,
        log: &mut dyn FnMut(&Portion) -> Box<dyn IntentLog + 'a>,
    ) -> Done {
        let Restorable { record, text, text_base } = version;
        let site = restore::Site { place: &self.place, target: &self.target, keys };
        let version = Version { record, text, text_base };
        let done = restore::restore(site, &version, expected, None, &mut Vec::new(), log);
        let restore::Done { restored, displaced, written, unfinished, .. } = done;
        Done { restored, displaced, written, unfinished }
    }
}

/// Puts the texts of base, branch and head together. What is made has a portion, the value's fingerprint and the shared text; the error says
/// why nothing is.
pub fn merge(keys: &Keys, group: GroupId, texts: &[(Record, Bytes)]) -> Result<Read, Merged> {
    match put_together(keys, group, texts) {
        Ok((portion, value, text)) => Ok(Read { portion, value, text: text.to_vec() }),
        Err(clash) => Err(Merged::Clash(clash)),
    }
}

/// The cause of a suspension after bytes were kept aside.
pub fn kept(aside: PathBuf) -> Condition {
    restore::kept(aside)
}

/// A temporary name that is to be freed.
pub fn deletion(folder: &Path, name: &OsStr, displaced: &Displaced) -> Deletion {
    journal::deletion(folder, name, &displaced.name, &[displaced.old])
}

/// The id of a version that is about to be proposed.
pub fn version_id(random: [u8; 16], portion: &Portion) -> VersionId {
    keys::version_id(random, portion)
}
