//! After a crash: the copies in an agent's journal are sealed, unless they were.

use std::collections::HashMap;

use super::commit::{Committer, NewPack};
use super::seal::{Pending, group_path, packs_of};
use super::{Recovered, Sealed, Unsealed, WriteError};
use crate::id::Id;
use crate::lock;
use crate::names::{encode_name, portion_name};
use crate::pack::{BlobKind, HeaderError, PackedBlob, read_header};
use crate::point::point;
use crate::read::ReadError;
use crate::snapshot::Snapshot;

/// A snapshot is of the agent's own clock, and so is a copy's time; yet clocks are set.
const CLOCK_SLACK_HOURS: i64 = 24;

/// The header of a pack; `None` if the pack has gone or is damaged.
type Headers = HashMap<Id, Option<Vec<PackedBlob>>>;

impl Committer {
    /// Seals what is not sealed, and removes the locks that were left behind.
    pub(super) async fn recover(&mut self, unsealed: Vec<Unsealed>) -> Result<Recovered, WriteError> {
        let mut recovered = Recovered::default();
        if !unsealed.is_empty() {
            self.ensure_lock().await?;
            self.repository.refresh_index().await?;
            let (unsealed, found) = self.already_sealed(unsealed).await?;
            recovered.sealed = found;
            recovered.lost = self.take_up(unsealed).await?;
            point("unsealed: taken up");
            recovered.sealed.extend(self.seal_all().await?);
        }
        point("unsealed: sealed");
        // What was sealed is sealed, whatever becomes of a lock: without a process it is stale by itself after a while.
        if let Err(error) = lock::remove_left_behind(&self.repository, &self.options.name, self.since).await {
            tracing::warn!(%error, "the lock of an earlier process cannot be removed");
        }
        Ok(recovered)
    }

    /// Makes copies pending; those whose packs cannot be read are given back.
    async fn take_up(&mut self, unsealed: Vec<Unsealed>) -> Result<Vec<Unsealed>, WriteError> {
        let mut headers = Headers::new();
        for pack in packs_of(&unsealed) {
            let header = match read_header(self.repository.storage().as_ref(), self.repository.key(), pack).await {
                Ok(blobs) => Some(blobs),
                Err(HeaderError::Format(error)) => {
                    tracing::warn!(%pack, %error, "a pack is damaged");
                    None
                }
                Err(HeaderError::Storage(error)) if error.is_missing() => None,
                Err(HeaderError::Storage(error)) => return Err(error.into()),
            };
            headers.insert(pack, header);
        }
        let mut lost = Vec::new();
        for copy in unsealed {
            match content(&copy, &headers) {
                Some(content) => self.pending.push(Pending { copy, content }),
                None => lost.push(copy),
            }
        }
        for (id, blobs) in headers {
            let Some(blobs) = blobs else { continue };
            let unknown = !self.repository.index().has_pack(id) && !self.packs.iter().any(|pack| pack.id == id);
            if unknown {
                self.repository.index_mut().add_pack(id, &blobs, false);
                self.packs.push(NewPack { id, blobs });
            }
        }
        Ok(lost)
    }

    /// Splits off those that a snapshot shows: the crash came after the seal, but before it was noted.
    async fn already_sealed(&self, unsealed: Vec<Unsealed>) -> Result<(Vec<Unsealed>, Vec<Sealed>), WriteError> {
        let is_indexed = |copy: &Unsealed| {
            let index = self.repository.index();
            copy.location.blobs.iter().all(|blob| index.has_pack(blob.pack))
        };
        // Before a copy is in a snapshot its packs are in an index.
        if !unsealed.iter().any(is_indexed) {
            return Ok((unsealed, Vec::new()));
        }
        let snapshots = self.repository.snapshots().await?;
        let (mut rest, mut found) = (Vec::new(), HashMap::<Id, Vec<String>>::new());
        for copy in unsealed {
            match self.snapshot_of(&copy, &snapshots).await? {
                Some(snapshot) => found.entry(snapshot).or_default().push(copy.job),
                None => rest.push(copy),
            }
        }
        Ok((rest, found.into_iter().map(|(snapshot, jobs)| Sealed { snapshot, jobs }).collect()))
    }

    async fn snapshot_of(&self, copy: &Unsealed, snapshots: &[Snapshot]) -> Result<Option<Id>, WriteError> {
        let earliest = copy.time - jiff::SignedDuration::from_hours(CLOCK_SLACK_HOURS);
        let path = group_path(&copy.group);
        let candidates = snapshots.iter().filter(|snapshot| {
            snapshot.host == self.options.host
                && snapshot.paths.contains(&path)
                && snapshot.time.is_some_and(|time| time >= earliest)
        });
        for snapshot in candidates {
            match self.shows(snapshot, copy).await {
                Ok(true) => return Ok(Some(snapshot.id)),
                Ok(false) => {}
                // A snapshot that cannot be read does not keep the copy.
                Err(ReadError::Storage(error)) if !error.is_missing() => return Err(error.into()),
                Err(error) => tracing::warn!(snapshot = %snapshot.id, %error, "a snapshot cannot be read"),
            }
        }
        Ok(None)
    }

    async fn shows(&self, snapshot: &Snapshot, copy: &Unsealed) -> Result<bool, ReadError> {
        let folders = [encode_name(&copy.group), encode_name(&copy.agent), portion_name(&copy.path, &copy.selector)];
        let mut tree = snapshot.tree;
        for name in folders {
            let nodes = self.repository.tree(tree).await?;
            match nodes.into_iter().find(|node| node.name == name).and_then(|node| node.subtree) {
                Some(subtree) => tree = subtree,
                None => return Ok(false),
            }
        }
        let job = encode_name(&copy.job);
        Ok(self.repository.tree(tree).await?.iter().any(|node| node.name == job))
    }
}

/// The ids of a copy's blobs, from the headers of its packs.
fn content(copy: &Unsealed, headers: &Headers) -> Option<Vec<Id>> {
    let blobs = copy.location.blobs.iter().map(|wanted| {
        let header = headers.get(&wanted.pack)?.as_ref()?;
        let same = |blob: &&PackedBlob| {
            blob.kind == BlobKind::Data
                && (blob.offset, blob.length, blob.uncompressed_length)
                    == (wanted.offset, wanted.length, wanted.uncompressed_length)
        };
        header.iter().find(same).map(|blob| blob.id)
    });
    blobs.collect()
}
