//! Finding copies by the names that snapshots give them.

use crate::id::Id;
use crate::location::Location;
use crate::names::{decode_name, decode_portion, encode_name, portion_name};
use crate::pack::BlobKind;
use crate::read::ReadError;
use crate::repository::Repository;
use crate::snapshot::Snapshot;
use crate::tree::{Node, NodeKind};

/// Which copies to find; what is `None` may be anything.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The group.
    pub group: Option<String>,
    /// The agent.
    pub agent: Option<String>,
    /// Path and selector.
    pub portion: Option<(String, String)>,
    /// The job.
    pub job: Option<String>,
}

/// A copy that a snapshot shows. Names that were too long for a file system are `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The snapshot.
    pub snapshot: Id,
    /// The group.
    pub group: Option<String>,
    /// The agent.
    pub agent: Option<String>,
    /// Path and selector.
    pub portion: Option<(String, String)>,
    /// The job.
    pub job: Option<String>,
    /// When the portion was read, if that can be read.
    pub time: Option<jiff::Timestamp>,
    /// Its size in bytes.
    pub size: u64,
    /// Where it lies.
    pub location: Location,
}

impl Repository {
    /// The copies that match, those of the newest snapshot first; at most `limit`.
    ///
    /// # Errors
    /// The storage fails, or something in a matching snapshot is damaged or not indexed.
    pub async fn find(&self, search: &Search, limit: usize) -> Result<Vec<Found>, ReadError> {
        let wanted = [
            search.group.as_deref().map(encode_name),
            search.agent.as_deref().map(encode_name),
            search.portion.as_ref().map(|(path, selector)| portion_name(path, selector)),
            search.job.as_deref().map(encode_name),
        ];
        let group = wanted[0].as_ref().map(|name| format!("/{name}"));
        let mut found = Vec::new();
        for snapshot in self.snapshots().await?.iter().rev() {
            if group.as_ref().is_some_and(|group| !snapshot.paths.contains(group)) {
                continue;
            }
            // Four levels, each a list of what leads there.
            let mut level = vec![(Vec::new(), snapshot.tree)];
            for name in &wanted[..3] {
                level = self.descend(level, name.as_deref()).await?;
            }
            for (names, tree) in level {
                for node in self.tree(tree).await? {
                    let is_wanted = wanted[3].as_ref().is_none_or(|name| *name == node.name);
                    if is_wanted && node.kind == NodeKind::File {
                        found.push(self.found(snapshot, &names, node)?);
                    }
                    if found.len() >= limit {
                        return Ok(found);
                    }
                }
            }
        }
        Ok(found)
    }

    async fn descend(
        &self,
        level: Vec<(Vec<String>, Id)>,
        wanted: Option<&str>,
    ) -> Result<Vec<(Vec<String>, Id)>, ReadError> {
        let mut below = Vec::new();
        for (names, tree) in level {
            for node in self.tree(tree).await? {
                if let Some(subtree) = node.subtree
                    && wanted.is_none_or(|name| name == node.name)
                {
                    let mut names = names.clone();
                    names.push(node.name);
                    below.push((names, subtree));
                }
            }
        }
        Ok(below)
    }

    fn found(&self, snapshot: &Snapshot, names: &[String], node: Node) -> Result<Found, ReadError> {
        let index = self.index();
        let find = |id: &Id| index.find(BlobKind::Data, *id).ok_or(ReadError::NotIndexed { id: *id });
        let blobs = node.content.iter().map(find).collect::<Result<_, _>>()?;
        let name = |at: usize| names.get(at).and_then(|name| decode_name(name));
        Ok(Found {
            snapshot: snapshot.id,
            group: name(0),
            agent: name(1),
            portion: names.get(2).and_then(|name| decode_portion(name)),
            job: decode_name(&node.name),
            time: node.time,
            size: node.size,
            location: Location { repository: self.id(), blobs },
        })
    }
}
