//! Snapshots (restic `doc/design.rst`, "Snapshots").

use serde::{Deserialize, Deserializer, Serialize};

use crate::id::Id;

/// The JSON of a snapshot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SnapshotJson {
    pub(crate) time: String,
    pub(crate) tree: Id,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub(crate) paths: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) hostname: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) username: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub(crate) tags: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) program_version: String,
}

/// Go writes an empty list as `null`.
fn null_is_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::<Vec<String>>::deserialize(deserializer)?.unwrap_or_default())
}

/// A snapshot, whoever made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its id.
    pub id: Id,
    /// When it was made, if that can be read.
    pub time: Option<jiff::Timestamp>,
    /// Its top folder.
    pub tree: Id,
    /// What was backed up.
    pub paths: Vec<String>,
    /// On which machine.
    pub host: String,
    /// Words for finding it again.
    pub tags: Vec<String>,
}

impl Snapshot {
    pub(crate) fn new(id: Id, json: SnapshotJson) -> Self {
        let time = json.time.parse().ok();
        Self { id, time, tree: json.tree, paths: json.paths, host: json.hostname, tags: json.tags }
    }
}
