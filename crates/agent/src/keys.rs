//! The keys of a zone: fingerprints and signatures that the manager can neither make nor undo.

use plan::{Fingerprint, GroupId, Record, VersionId};
use portion::{Format, Fragment, LensError, Mapping, Value};
use zeroize::Zeroizing;

use crate::copies::Copies;
use crate::fault::{Fault, planted};
use crate::step::Portion;

/// Keys that are derived from the repository's. They are the same for everybody who holds it.
pub struct Keys {
    text: Zeroizing<[u8; 32]>,
    value: Zeroizing<[u8; 32]>,
    record: Zeroizing<[u8; 32]>,
}

impl Keys {
    /// The keys of an open repository.
    pub fn new(copies: &dyn Copies) -> Keys {
        Keys::derived(|context| copies.key(context))
    }

    /// The keys of a zone, given the function that derives a key for a purpose: for commands, which open a repository to read.
    pub fn derived(key: impl Fn(&str) -> Zeroizing<[u8; 32]>) -> Keys {
        Keys {
            text: key("inlay fingerprint of a text 1"),
            value: key("inlay fingerprint of a value 1"),
            record: key("inlay signature of a record 1"),
        }
    }

    /// The fingerprint of a shared text. It is bound to the group: equal contents of two groups cannot be told to be equal.
    pub fn text(&self, group: GroupId, text: &[u8]) -> Fingerprint {
        keyed(&self.text, group, text)
    }

    /// The fingerprint of a group's value.
    pub fn value(&self, group: GroupId, value: &Value) -> Fingerprint {
        keyed(&self.value, group, &value.canonical())
    }

    /// The fingerprint of what a shared fragment means to its group; [`Fingerprint::ABSENT`] if there is to be none.
    ///
    /// # Errors
    /// It has no meaning to the group: it does not parse, or the mapping cannot say it.
    pub fn meaning(&self, group: GroupId, mapping: &Mapping, shared: &Fragment) -> Result<Fingerprint, LensError> {
        match shared.format {
            Format::Absent => Ok(Fingerprint::ABSENT),
            _ => mapping.value(shared).map(|value| self.value(group, &value)),
        }
    }

    /// Whether a text is what a record says.
    pub fn is_copy(&self, record: &Record, text: &[u8]) -> bool {
        let fingerprint = match record.shape.is_absent() {
            true if text.is_empty() => Fingerprint::ABSENT,
            _ => self.text(record.group, text),
        };
        record.size == text.len() as u64 && fingerprint == record.text
    }

    /// Signs a record.
    pub fn sign(&self, record: &mut Record) {
        record.mac = *blake3::keyed_hash(&self.record, &record.signed_bytes()).as_bytes();
    }

    /// Whether a key holder made the record. The comparison takes the same time for any answer.
    pub fn is_authentic(&self, record: &Record) -> bool {
        blake3::keyed_hash(&self.record, &record.signed_bytes()) == blake3::Hash::from_bytes(record.mac)
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// The id of a version that is about to be proposed for `portion`: what is random and nothing else, so that no state that is lost and no
/// content that comes back leads to an id that was used before.
pub(crate) fn version_id(random: [u8; 16], portion: &Portion) -> VersionId {
    if planted(Fault::VersionIdsReused)
        && let Some(id) = portion.fingerprint.0.first_chunk()
    {
        return VersionId(*id);
    }
    VersionId(random)
}

fn keyed(key: &[u8; 32], group: GroupId, bytes: &[u8]) -> Fingerprint {
    Fingerprint(*blake3::Hasher::new_keyed(key).update(&group.0).update(bytes).finalize().as_bytes())
}
