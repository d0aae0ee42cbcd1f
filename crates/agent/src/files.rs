//! Which files this process works on.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// A lock for each file that is in use.
#[derive(Debug, Default)]
pub(crate) struct Files(Mutex<HashMap<PathBuf, Arc<RwLock<()>>>>);

impl Files {
    /// Works on a file that nobody else of this process works on.
    pub(crate) fn alone<T>(&self, path: PathBuf, work: impl FnOnce() -> T) -> T {
        self.locked(path, |lock| {
            let _held = lock.write().unwrap_or_else(PoisonError::into_inner);
            work()
        })
    }

    /// Reads a file beside others that read it.
    pub(crate) fn together<T>(&self, path: PathBuf, work: impl FnOnce() -> T) -> T {
        self.locked(path, |lock| {
            let _held = lock.read().unwrap_or_else(PoisonError::into_inner);
            work()
        })
    }

    fn locked<T>(&self, path: PathBuf, work: impl FnOnce(&RwLock<()>) -> T) -> T {
        let lock = self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(path.clone()).or_default().clone();
        let done = work(&lock);
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::strong_count(&lock) == 2 {
            files.remove(&path);
        }
        done
    }
}
