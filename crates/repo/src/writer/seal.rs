//! A seal: one tree pack, one index file, one snapshot, in this order.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use bytes::Bytes;

use super::commit::NewPack;
use super::{Sealed, Unsealed, WriteError, WriterOptions};
use crate::id::Id;
use crate::index::{IndexFile, IndexPack};
use crate::names::{encode_name, portion_name};
use crate::os;
use crate::pack::{BlobKind, Pack, PackBuilder, seal_blob};
use crate::point::point;
use crate::repository::Repository;
use crate::snapshot::SnapshotJson;
use crate::storage::{Kind, StorageError};
use crate::tree::TreeWriter;
use crate::unpacked::{PackError, seal_json};

/// A durable copy that is in no snapshot yet.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) copy: Unsealed,
    /// The ids of its blobs.
    pub(super) content: Vec<Id>,
}

/// What one seal covers.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) copies: Vec<Pending>,
    pub(super) packs: Vec<NewPack>,
    files: Option<Files>,
}

impl Batch {
    pub(super) fn new(copies: Vec<Pending>, packs: Vec<NewPack>) -> Self {
        Self { copies, packs, files: None }
    }
}

/// The three files of a seal. They are made once: tried again with the same names, none can come to be twice.
#[derive(Debug, Clone)]
struct Files {
    trees: (Id, Bytes),
    index: (Id, Bytes),
    snapshot: (Id, Bytes),
}

/// A folder's files, or its folders.
type Jobs<'a> = BTreeMap<String, &'a Pending>;
type Portions<'a> = BTreeMap<String, Jobs<'a>>;
type Agents<'a> = BTreeMap<String, Portions<'a>>;
type Groups<'a> = BTreeMap<String, Agents<'a>>;

/// Seals a batch. If it fails half-way it can be tried again.
pub(super) async fn seal(
    repository: &Repository,
    options: &WriterOptions,
    batch: &mut Batch,
) -> Result<Sealed, WriteError> {
    let files = match &batch.files {
        Some(files) => files.clone(),
        None => {
            let files = make(repository, options, batch)?;
            batch.files = Some(files.clone());
            files
        }
    };
    let Files { trees, index, snapshot } = files;
    point("seal: made");
    let (data, indexed, shown) = ("seal: trees durable", "seal: index durable", "seal: snapshot durable");
    let files = [(Kind::Data, trees, data), (Kind::Index, index, indexed), (Kind::Snapshots, snapshot.clone(), shown)];
    for (kind, (id, bytes), done) in files {
        match repository.storage().put(kind, id, bytes).await {
            // Since an earlier try, whose answer was lost.
            Err(StorageError::Exists { .. }) => {}
            other => other?,
        }
        point(done);
    }
    let jobs = batch.copies.iter().map(|pending| pending.copy.job.clone()).collect();
    Ok(Sealed { snapshot: snapshot.0, jobs })
}

fn make(repository: &Repository, options: &WriterOptions, batch: &Batch) -> Result<Files, PackError> {
    let key = repository.key();
    let now = milliseconds(jiff::Timestamp::now());
    let groups = lay_out(&batch.copies);
    let (tree, trees) = Trees::new(repository, &now).write(&groups)?;

    let packs = batch.packs.iter().map(|pack| IndexPack { id: pack.id, blobs: pack.blobs.clone() });
    let packs = packs.chain([IndexPack { id: trees.id, blobs: trees.blobs.clone() }]).collect();
    let file = IndexFile { packs, ..IndexFile::default() };
    let index = named(seal_json(key, &file)?);
    // Known now; an index that was read must not be read again.
    repository.index_mut().add_file(index.0, &file);

    let snapshot = SnapshotJson {
        time: now,
        tree,
        paths: groups.keys().map(|group| format!("/{group}")).collect(),
        hostname: options.host.clone(),
        username: "inlay".into(),
        tags: options.tags.clone(),
        program_version: format!("inlay {}", env!("CARGO_PKG_VERSION")),
    };
    let snapshot = named(seal_json(key, &snapshot)?);
    Ok(Files { trees: (trees.id, trees.bytes), index, snapshot })
}

fn named(bytes: Vec<u8>) -> (Id, Bytes) {
    (Id::of(&bytes), bytes.into())
}

/// `/<group>/<agent>/<path>#<selector>/<job>`.
fn lay_out(copies: &[Pending]) -> Groups<'_> {
    let mut groups = Groups::new();
    for pending in copies {
        let Unsealed { group, agent, path, selector, job, .. } = &pending.copy;
        let agents = groups.entry(encode_name(group)).or_default();
        let portions = agents.entry(encode_name(agent)).or_default();
        let files = portions.entry(portion_name(path, selector)).or_default();
        let name = encode_name(job);
        let mut unique = name.clone();
        let mut number = 2;
        // A job that was tried again: each copy that was acknowledged stays.
        while files.contains_key(&unique) {
            unique = format!("{name}%{number}");
            number += 1;
        }
        files.insert(unique, pending);
    }
    groups
}

/// Builds the trees of one snapshot, from the leaves up.
struct Trees<'a> {
    repository: &'a Repository,
    owner: (u32, u32),
    now: &'a str,
    builder: PackBuilder,
    written: HashSet<Id>,
}

impl<'a> Trees<'a> {
    fn new(repository: &'a Repository, now: &'a str) -> Self {
        Self { repository, owner: os::owner(), now, builder: PackBuilder::default(), written: HashSet::new() }
    }

    /// The root tree's id, and the pack of all trees.
    fn write(mut self, groups: &Groups<'_>) -> Result<(Id, Pack), PackError> {
        let root = self.folder(groups, |this, agents| {
            this.folder(agents, |this, portions| this.folder(portions, |this, files| this.files(files)))
        })?;
        let pack = self.builder.finish(self.repository.key())?;
        Ok((root, pack))
    }

    fn folder<T>(
        &mut self,
        entries: &BTreeMap<String, T>,
        mut below: impl FnMut(&mut Self, &T) -> Result<Id, PackError>,
    ) -> Result<Id, PackError> {
        let mut tree = TreeWriter::new(self.owner);
        for (name, entry) in entries {
            let subtree = below(self, entry)?;
            tree.folder(name, self.now, subtree);
        }
        self.add(tree)
    }

    fn files(&mut self, files: &Jobs<'_>) -> Result<Id, PackError> {
        let mut tree = TreeWriter::new(self.owner);
        for (name, pending) in files {
            let time = milliseconds(pending.copy.time);
            tree.file(name, &time, pending.copy.location.content_length(), &pending.content);
        }
        self.add(tree)
    }

    fn add(&mut self, tree: TreeWriter) -> Result<Id, PackError> {
        let json = tree.finish();
        let id = Id::of(json.as_bytes());
        if self.written.insert(id) {
            let blob = seal_blob(self.repository.key(), BlobKind::Tree, id, json.as_bytes())?;
            self.builder.add(&blob)?;
        }
        Ok(id)
    }
}

/// Times in snapshots are to the millisecond: restic shows seconds, and digits do not compress.
fn milliseconds(time: jiff::Timestamp) -> String {
    jiff::Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time).to_string()
}

/// The groups of a batch, as a snapshot's paths show them.
pub(super) fn group_path(group: &str) -> String {
    format!("/{}", encode_name(group))
}

/// The packs of copies, each once.
pub(super) fn packs_of(copies: &[Unsealed]) -> BTreeSet<Id> {
    copies.iter().flat_map(|copy| copy.location.blobs.iter().map(|blob| blob.pack)).collect()
}
