//! A repository that is open: its storage, its master key, its index.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::crypto::{Key, SealError};
use crate::id::Id;
use crate::index::Index;
use crate::keyfile::{self, Kdf, KeyFileError, MAX_KEYS};
use crate::password::Password;
use crate::polynomial;
use crate::storage::{Kind, Storage, StorageError};
use crate::unpacked::FormatError;

const NO_ID: Id = Id::new([0; 32]);

/// How to make a repository.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// How hard guessing the password shall be.
    pub kdf: Kdf,
}

/// Why a repository cannot be made, opened, or have its keys changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// There is none.
    #[error("no repository at {address}")]
    Absent {
        /// Where.
        address: String,
    },
    /// There is one already.
    #[error("there is a repository at {address} already")]
    Exists {
        /// Where.
        address: String,
    },
    /// No key opens with this password.
    #[error("wrong password for the repository at {address}")]
    WrongPassword {
        /// Where.
        address: String,
    },
    /// restic tries only so many.
    #[error("the repository has {MAX_KEYS} keys, and restic tries no more: remove one first")]
    TooManyKeys,
    /// Without it nobody could open the repository.
    #[error("the key that opened this repository cannot be removed")]
    KeyInUse,
    /// A key file cannot be used.
    #[error("key {id} cannot be used")]
    KeyFile {
        /// Which.
        id: Id,
        /// Why not.
        source: KeyFileError,
    },
    /// `config` cannot be understood.
    #[error("the repository's config cannot be read")]
    Config(#[source] FormatError),
    /// Neither version 1 nor 2.
    #[error("repository format {version} is not known")]
    Version {
        /// Its version.
        version: u32,
    },
    /// Nothing can be encrypted.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The work was cut off because the process ends.
    #[error("interrupted")]
    Interrupted,
}

#[derive(Serialize, Deserialize)]
struct Config {
    version: u32,
    id: Id,
    chunker_polynomial: String,
}

/// An open repository. Cheap to clone; all clones are the same one.
#[derive(Clone)]
pub struct Repository {
    inner: Arc<Inner>,
}

struct Inner {
    storage: Arc<dyn Storage>,
    key: Key,
    id: Id,
    version: u32,
    chunk_seed: u64,
    /// The key file that the password opened, and how it was made.
    key_file: Mutex<Id>,
    kdf: Kdf,
    index: RwLock<Index>,
    /// Only one reads index files at a time.
    refresh: tokio::sync::Mutex<()>,
}

impl Repository {
    /// Makes a repository of format 2, with one key.
    ///
    /// # Errors
    /// [`OpenError::Exists`] if there is one.
    pub async fn init(storage: Arc<dyn Storage>, password: &Password, options: Options) -> Result<Self, OpenError> {
        let address = storage.address();
        if !storage.list(Kind::Config).await?.is_empty() {
            return Err(OpenError::Exists { address });
        }
        storage.create().await?;
        let key = Key::generate().map_err(SealError::from)?;
        let mut id = [0; 32];
        getrandom::fill(&mut id).map_err(SealError::from)?;
        let chunker_polynomial = polynomial::random().map_err(SealError::from)?;
        let config = Config { version: 2, id: Id::new(id), chunker_polynomial };
        let json = serde_json::to_vec(&config).map_err(|e| OpenError::Config(e.into()))?;
        // The config comes last: without it there is no repository.
        let key_file = put_key(storage.as_ref(), &key, password, options.kdf).await?;
        match storage.put(Kind::Config, NO_ID, key.seal(&json)?.into()).await {
            Err(StorageError::Exists { .. }) => {
                storage.delete(Kind::Keys, key_file).await?;
                Err(OpenError::Exists { address })
            }
            Err(error) => Err(error.into()),
            Ok(()) => Ok(Self::new(storage, key, &config, key_file, options.kdf)),
        }
    }

    /// Opens a repository: tries its keys, of which there are at most 20, with the password. Each try takes what its key file
    /// says: 0.3 s for a person's password, some milliseconds for one that was generated.
    ///
    /// # Errors
    /// [`OpenError::Absent`], [`OpenError::WrongPassword`], and what storages say.
    pub async fn open(storage: Arc<dyn Storage>, password: &Password) -> Result<Self, OpenError> {
        let address = storage.address();
        let config = match storage.get(Kind::Config, NO_ID).await {
            Err(error) if error.is_missing() => return Err(OpenError::Absent { address }),
            other => other?,
        };
        let mut damage = None;
        for entry in storage.list(Kind::Keys).await?.into_iter().take(MAX_KEYS) {
            let file = match storage.get(Kind::Keys, entry.id).await {
                Err(error) if error.is_missing() => continue,
                other => other?,
            };
            let password = password.clone();
            let opened = blocking(move || keyfile::unwrap(&file, &password)).await?;
            match opened {
                Ok(Some(key)) => return Self::with_key(storage, key, &config, entry.id),
                Ok(None) => {}
                Err(source) => damage = Some(OpenError::KeyFile { id: entry.id, source }),
            }
        }
        Err(damage.unwrap_or(OpenError::WrongPassword { address }))
    }

    pub(crate) fn with_key(
        storage: Arc<dyn Storage>,
        key: Key,
        config: &Bytes,
        key_file: Id,
    ) -> Result<Self, OpenError> {
        let json = key.open(config).map_err(|e| OpenError::Config(e.into()))?;
        let config: Config = serde_json::from_slice(&json).map_err(|e| OpenError::Config(e.into()))?;
        if !(1..=2).contains(&config.version) {
            return Err(OpenError::Version { version: config.version });
        }
        Ok(Self::new(storage, key, &config, key_file, Kdf::default()))
    }

    fn new(storage: Arc<dyn Storage>, key: Key, config: &Config, key_file: Id, kdf: Kdf) -> Self {
        let seed = key.derive("inlay 2025 content-defined chunking");
        let chunk_seed = seed.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let inner = Inner {
            storage,
            id: config.id,
            version: config.version,
            chunk_seed,
            key,
            key_file: Mutex::new(key_file),
            kdf,
            index: RwLock::default(),
            refresh: tokio::sync::Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The id in its `config`: the same at every address that it can be reached by.
    pub fn id(&self) -> Id {
        self.inner.id
    }

    /// Its format: 1 can only be read, 2 also written.
    pub fn version(&self) -> u32 {
        self.inner.version
    }

    /// Where its files lie.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.inner.storage
    }

    /// Whether the repository itself is where it was, whatever it may have lost: its `config` can be read.
    pub async fn is_there(&self) -> bool {
        self.storage().get(Kind::Config, NO_ID).await.is_ok()
    }

    /// A key for another purpose, the same for everybody who can open this repository, and for nobody else: BLAKE3
    /// `derive_key` over the master key. `context` names the purpose and must never be reused for another one.
    pub fn derive_key(&self, context: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.inner.key.derive(context))
    }

    /// Adds a password. The old ones go on to open the repository.
    ///
    /// # Errors
    /// [`OpenError::TooManyKeys`], or the storage fails.
    pub async fn add_key(&self, password: &Password) -> Result<Id, OpenError> {
        if self.keys().await?.len() >= MAX_KEYS {
            return Err(OpenError::TooManyKeys);
        }
        put_key(self.storage().as_ref(), &self.inner.key, password, self.inner.kdf).await
    }

    /// The key files.
    ///
    /// # Errors
    /// The storage fails.
    pub async fn keys(&self) -> Result<Vec<Id>, OpenError> {
        Ok(self.storage().list(Kind::Keys).await?.into_iter().map(|entry| entry.id).collect())
    }

    /// The key file that opened this repository.
    pub fn key_in_use(&self) -> Id {
        *self.inner.key_file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a password away. (Who knew it may have kept the master key: that takes a new repository.)
    ///
    /// # Errors
    /// [`OpenError::KeyInUse`] for the one that opened this repository, or the storage fails.
    pub async fn remove_key(&self, id: Id) -> Result<(), OpenError> {
        if id == self.key_in_use() {
            return Err(OpenError::KeyInUse);
        }
        Ok(self.storage().delete(Kind::Keys, id).await?)
    }

    /// Changes the password that opened this repository: adds the new key, checks that it opens, and only then removes the
    /// old one. If it fails in between both passwords are good.
    ///
    /// # Errors
    /// The storage fails.
    pub async fn change_password(&self, new: &Password) -> Result<(), OpenError> {
        let old = self.key_in_use();
        // One more than restic tries, for a moment, is better than none.
        let id = put_key(self.storage().as_ref(), &self.inner.key, new, self.inner.kdf).await?;
        let file = self.storage().get(Kind::Keys, id).await?;
        let password = new.clone();
        let opened = blocking(move || keyfile::unwrap(&file, &password)).await?;
        if opened.map_err(|source| OpenError::KeyFile { id, source })?.is_none() {
            return Err(OpenError::WrongPassword { address: self.storage().address() });
        }
        *self.inner.key_file.lock().unwrap_or_else(PoisonError::into_inner) = id;
        Ok(self.storage().delete(Kind::Keys, old).await?)
    }

    pub(crate) fn key(&self) -> &Key {
        &self.inner.key
    }

    pub(crate) fn chunk_seed(&self) -> u64 {
        self.inner.chunk_seed
    }

    pub(crate) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.inner.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.inner.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn refreshing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.inner.refresh.lock().await
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository")
            .field("id", &self.inner.id)
            .field("storage", &self.inner.storage)
            .finish_non_exhaustive()
    }
}

async fn put_key(storage: &dyn Storage, key: &Key, password: &Password, kdf: Kdf) -> Result<Id, OpenError> {
    let (key, password) = (key.clone(), password.clone());
    let file = blocking(move || keyfile::wrap(&key, &password, kdf)).await?;
    let file = file.map_err(|source| OpenError::KeyFile { id: NO_ID, source })?;
    let id = Id::of(&file);
    storage.put(Kind::Keys, id, file.into()).await?;
    Ok(id)
}

/// scrypt takes long and much memory: not on a thread that others wait for.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, OpenError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| OpenError::Interrupted)
}
