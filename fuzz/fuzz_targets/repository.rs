//! Everything that is read from a repository, as if a holder of its key had written it, or damaged it: config, keys, packs and their
//! headers, index, snapshots, trees, locks, locations.
#![no_main]

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use repo::fuzzing::{repository, seal};
use repo::{Entry, Id, Kind, Location, NodeKind, Password, Repository, Search, Storage, StorageError};

const CONFIG: &[u8] = br#"{"version":2,"id":"0000000000000000000000000000000000000000000000000000000000000000","chunker_polynomial":"25b468838dcb75"}"#;

fuzz_target!(|data: &[u8]| {
    // What is compressed may become as large as the format allows.
    let compressed =
        data.split(|byte| *byte == fuzz::input::CUT).any(|part| matches!(part.first(), Some(b'I' | b'S' | b'Z')));
    let most = if compressed { 700 << 20 } else { (16 << 20) + 1024 * data.len() };
    fuzz::memory::bounded_by(most, || runtime().block_on(check(data)));
});

fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"))
}

/// Files in memory.
#[derive(Debug, Default)]
struct Memory(BTreeMap<(Kind, Id), Bytes>);

impl Memory {
    fn add(&mut self, kind: Kind, bytes: Vec<u8>) -> Id {
        let id = Id::of(&bytes);
        self.0.insert((kind, id), bytes.into());
        id
    }
}

#[async_trait]
impl Storage for Memory {
    async fn create(&self) -> Result<(), StorageError> {
        Ok(())
    }
    async fn put(&self, kind: Kind, id: Id, _bytes: Bytes) -> Result<(), StorageError> {
        Err(StorageError::Exists { kind, id })
    }
    async fn get(&self, kind: Kind, id: Id) -> Result<Bytes, StorageError> {
        self.0.get(&(kind, id)).cloned().ok_or(StorageError::Missing { kind, id })
    }
    async fn get_range(&self, kind: Kind, id: Id, offset: u64, length: u64) -> Result<Bytes, StorageError> {
        let bytes = self.get(kind, id).await?;
        let end = offset.checked_add(length).filter(|end| *end <= bytes.len() as u64);
        let end = end.ok_or(StorageError::Range { kind, id, offset, length })?;
        Ok(bytes.slice(offset as usize..end as usize))
    }
    async fn list(&self, kind: Kind) -> Result<Vec<Entry>, StorageError> {
        let of_kind = self.0.iter().filter(|((k, _), _)| *k == kind);
        Ok(of_kind.map(|((_, id), bytes)| Entry { id: *id, size: bytes.len() as u64 }).collect())
    }
    async fn size(&self, kind: Kind, id: Id) -> Result<u64, StorageError> {
        self.get(kind, id).await.map(|bytes| bytes.len() as u64)
    }
    async fn delete(&self, kind: Kind, id: Id) -> Result<(), StorageError> {
        Err(StorageError::Missing { kind, id })
    }
    fn address(&self) -> String {
        "memory".to_owned()
    }
}

/// The input's parts: a letter that says what each is, and its bytes. In JSON `@0` stands for the id of the first blob, and so on.
struct Built {
    storage: Memory,
    config: Vec<u8>,
    packs: Vec<Id>,
    blobs: Vec<Id>,
    locations: Vec<Vec<u8>>,
    keys: bool,
}

fn built(data: &[u8]) -> Built {
    let mut built = Built {
        storage: Memory::default(),
        config: CONFIG.to_vec(),
        packs: Vec::new(),
        blobs: Vec::new(),
        locations: Vec::new(),
        keys: false,
    };
    for part in data.split(|byte| *byte == fuzz::input::CUT).take(16) {
        let Some((kind, bytes)) = part.split_first() else { continue };
        let named = built.named(bytes);
        let compressed = |bytes: &[u8]| seal(&[&[2], bytes].concat());
        match kind {
            b'c' => built.config = named,
            b't' => built.blob(1, "tree", &named, 0),
            b'd' => built.blob(0, "data", &named, 0),
            b'Z' => built.blob(
                2,
                "data",
                bytes.get(2..).unwrap_or_default(),
                u32::from(bytes.first().copied().unwrap_or(1)) << 4,
            ),
            b'i' => drop(built.storage.add(Kind::Index, seal(&named))),
            b'I' => drop(built.storage.add(Kind::Index, compressed(bytes))),
            b's' => drop(built.storage.add(Kind::Snapshots, seal(&named))),
            b'S' => drop(built.storage.add(Kind::Snapshots, compressed(bytes))),
            b'l' => drop(built.storage.add(Kind::Locks, seal(&named))),
            b'h' => built.pack(&[0; 64], bytes),
            b'p' => {
                let id = built.storage.add(Kind::Data, bytes.to_vec());
                built.packs.push(id);
            }
            b'k' if is_cheap(bytes) => {
                built.keys = true;
                built.storage.add(Kind::Keys, bytes.to_vec());
            }
            b'o' => built.locations.push(bytes.to_vec()),
            _ => drop(built.storage.add(Kind::Snapshots, bytes.to_vec())),
        }
    }
    built
}

/// Whether a key file asks for no more work than a fuzzer has time for; the bound itself is a test of its own.
fn is_cheap(bytes: &[u8]) -> bool {
    let Ok(file) = serde_json::from_slice::<serde_json::Value>(bytes) else { return true };
    let number = |name: &str| file.get(name).and_then(serde_json::Value::as_u64).unwrap_or(0);
    let cost = number("N").saturating_mul(number("r")).saturating_mul(number("p"));
    cost <= 1 << 10 || cost > 1 << 26
}

impl Built {
    fn named(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            let ids = match byte {
                b'@' => Some(&self.blobs),
                b'#' => Some(&self.packs),
                _ => None,
            };
            let which = after.first().map(|digit| usize::from(digit.wrapping_sub(b'0')));
            match ids.and_then(|ids| ids.get(which?)) {
                Some(id) => {
                    out.extend(id.to_string().bytes());
                    rest = &after[1..];
                }
                None => {
                    out.push(*byte);
                    rest = after;
                }
            }
        }
        out
    }

    /// A pack with that one blob, and an index file that tells of it.
    fn blob(&mut self, kind: u8, name: &str, bytes: &[u8], uncompressed: u32) {
        let id = Id::of(bytes);
        let sealed = seal(bytes);
        let length = sealed.len() as u32;
        let mut header = vec![kind];
        header.extend(length.to_le_bytes());
        if kind & 2 != 0 {
            header.extend(uncompressed.to_le_bytes());
        }
        header.extend(id.as_bytes());
        self.pack(&sealed, &header);
        let pack = self.packs.last().copied().unwrap_or(id);
        let more = if uncompressed > 0 { format!(r#","uncompressed_length":{uncompressed}"#) } else { String::new() };
        let index = format!(
            r#"{{"packs":[{{"id":"{pack}","blobs":[{{"id":"{id}","type":"{name}","offset":0,"length":{length}{more}}}]}}]}}"#
        );
        self.storage.add(Kind::Index, seal(index.as_bytes()));
        self.blobs.push(id);
    }

    fn pack(&mut self, blobs: &[u8], header: &[u8]) {
        let mut bytes = blobs.to_vec();
        let header = seal(header);
        bytes.extend(&header);
        bytes.extend((header.len() as u32).to_le_bytes());
        let id = self.storage.add(Kind::Data, bytes);
        self.packs.push(id);
    }
}

async fn check(data: &[u8]) {
    let Built { mut storage, config, packs, blobs, locations, keys } = built(data);
    if keys {
        storage.0.insert((Kind::Config, Id::new([0; 32])), seal(&config).into());
        let opened = Repository::open(Arc::new(Memory(storage.0.clone())), &Password::new("x".to_owned())).await;
        assert!(opened.is_err(), "nobody knows the password");
    }
    let Ok(repository) = repository(Arc::new(storage), &config) else { return };
    for pack in packs {
        let Some(named) = repo::fuzzing::pack_header(&repository, pack).await else { continue };
        let size = repository.storage().size(Kind::Data, pack).await.unwrap_or(0);
        let mut end = 0;
        for (_, offset, length, _) in named {
            assert_eq!(u64::from(offset), end, "blobs lie one behind the other");
            end += u64::from(length);
        }
        assert!(end <= size, "blobs lie in their pack");
    }
    let _ = repository.refresh_index().await;
    for id in blobs {
        if let Ok(content) = repository.read_by_index(&[id]).await {
            assert_eq!(Id::of(&content), id, "a blob is what its name says");
        }
    }
    if let Ok(snapshots) = repository.snapshots().await {
        for snapshot in snapshots.iter().take(3) {
            let Ok(nodes) = repository.walk(snapshot, 64).await else { continue };
            assert!(nodes.len() <= 64);
            for (path, node) in nodes.iter().filter(|(_, node)| node.kind == NodeKind::File).take(4) {
                let read = repository.dump(snapshot, path).await;
                assert!(read.is_err() || !node.content.is_empty() || read.is_ok_and(|read| read.is_empty()));
            }
        }
    }
    if let Ok(found) = repository.find(&Search::default(), 64).await {
        assert!(found.len() <= 64);
        for found in found {
            let encoded = found.location.encode();
            if found.location.blobs.len() <= repo::MAX_BLOBS && encoded.len() <= repo::MAX_LOCATION {
                let _ = Location::decode(&encoded);
            }
            let _ = repository.read(&found.location).await;
        }
    }
    for bytes in locations {
        let Ok(location) = Location::decode(&bytes) else { continue };
        assert_eq!(location.encode(), bytes, "one encoding for each location");
        let _ = location.content_length();
        let _ = repository.read(&location).await;
    }
    let _ = repo::fuzzing::locks(&repository).await;
    let names = String::from_utf8_lossy(data);
    assert_eq!(repo::decode_name(&repo::encode_name(&names)).as_deref().is_some_and(|name| name != names), false);
    let _ = repo::decode_name(&names);
}
