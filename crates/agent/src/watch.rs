//! Which files may have changed.
//!
//! Folders are watched, not files: a file that is replaced is another file. A close after writing and a rename settle at once;
//! anything else waits until nothing was heard of the file for 100 ms. Events are hints: the agent's slow rescan does not
//! trust them, and where a file system tells nothing (as a probe file in it shows) or cannot tell everything (a network), files are polled.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::os;

/// A file of which more may be coming settles after this time without events.
const QUIET: Duration = Duration::from_millis(100);
/// A probe file that was not heard of in this time will not be.
const PROBE: Duration = Duration::from_secs(2);
/// So many events wait; beyond that everything is looked at.
const QUEUE: usize = 4096;

/// What may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Touched {
    /// A file. The time is that of the event that settled it.
    File(PathBuf, Instant),
    /// Anything: events were lost.
    Everything,
}

/// What the operating system's watcher says, in our words.
#[derive(Debug)]
enum Heard {
    Settled(PathBuf, Instant),
    Stirred(PathBuf),
    FolderGone(PathBuf),
}

/// The paths that count: everything else in a watched folder is dropped where it is heard.
#[derive(Debug, Default)]
struct Interest {
    files: HashMap<PathBuf, usize>,
    folders: HashSet<PathBuf>,
    probes: HashSet<PathBuf>,
}

#[derive(Debug)]
struct WatchedFolder {
    files: usize,
    device: Option<u64>,
    /// What is watched: another folder may come to stand there.
    id: Option<(u64, u64)>,
    watched: bool,
}

/// What is known of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// A probe is under way, or it was heard of.
    Watched,
    /// Its files are polled.
    Polled,
}

/// Watches files.
pub(crate) struct Watch {
    watcher: Option<RecommendedWatcher>,
    interest: Arc<RwLock<Interest>>,
    heard: mpsc::Receiver<Heard>,
    lost: Arc<AtomicBool>,
    folders: BTreeMap<PathBuf, WatchedFolder>,
    devices: HashMap<u64, Trust>,
    probes: HashMap<PathBuf, (u64, Instant)>,
    stirred: HashMap<PathBuf, Instant>,
}

impl Watch {
    /// Starts a watcher, within a tokio runtime. Where the system has none every file is polled.
    pub(crate) fn start() -> Watch {
        let interest = Arc::<RwLock<Interest>>::default();
        let lost = Arc::<AtomicBool>::default();
        let (sender, heard) = mpsc::channel(QUEUE);
        let handler = {
            let (interest, lost) = (interest.clone(), lost.clone());
            move |event: notify::Result<notify::Event>| {
                let lost_any = match event {
                    Ok(event) => hear(&event, &interest, &sender),
                    Err(_) => true,
                };
                if lost_any {
                    lost.store(true, Ordering::Relaxed);
                }
            }
        };
        let config = notify::Config::default().with_follow_symlinks(false);
        let watcher = RecommendedWatcher::new(handler, config)
            .inspect_err(|error| tracing::warn!(%error, "no watcher: all files are polled"))
            .ok();
        Watch {
            watcher,
            interest,
            heard,
            lost,
            folders: BTreeMap::new(),
            devices: HashMap::new(),
            probes: HashMap::new(),
            stirred: HashMap::new(),
        }
    }

    /// The paths to watch for the file at `path`: where it leads, and the link itself if it is one.
    pub(crate) fn points(path: &Path) -> Vec<PathBuf> {
        let mut points: Vec<PathBuf> = crate::place::resolve(path).into_iter().collect();
        if let (Some(Ok(folder)), Some(name)) = (path.parent().map(std::fs::canonicalize), path.file_name()) {
            let itself = folder.join(name);
            if !points.contains(&itself) {
                points.push(itself);
            }
        }
        points
    }

    /// Watches the file at one of [`Watch::points`] from now on.
    pub(crate) fn add(&mut self, point: &Path) {
        let Some(folder) = point.parent() else { return };
        *self.interest.write().unwrap_or_else(PoisonError::into_inner).files.entry(point.to_owned()).or_default() += 1;
        let entry = self.folders.entry(folder.to_owned()).or_insert(WatchedFolder {
            files: 0,
            device: None,
            id: None,
            watched: false,
        });
        entry.files += 1;
        if !entry.watched {
            self.watch_folder(folder);
        }
    }

    /// Watches it no more, as often as it was added.
    pub(crate) fn remove(&mut self, point: &Path) {
        let Some(folder) = point.parent() else { return };
        {
            let mut interest = self.interest.write().unwrap_or_else(PoisonError::into_inner);
            match interest.files.get_mut(point) {
                None => return,
                Some(1) => {
                    interest.files.remove(point);
                }
                Some(count) => *count -= 1,
            }
        }
        let Some(entry) = self.folders.get_mut(folder) else { return };
        entry.files -= 1;
        if entry.files == 0 {
            self.folders.remove(folder);
            self.unwatch_folder(folder);
        }
    }

    /// The next file that may have changed. Nothing is lost if this is dropped before it is ready.
    pub(crate) async fn next(&mut self) -> Touched {
        loop {
            if self.lost.swap(false, Ordering::Relaxed) {
                self.stirred.clear();
                return Touched::Everything;
            }
            let deadline = self.stirred.values().chain(self.probes.values().map(|(_, at)| at)).min().copied();
            let heard = tokio::select! {
                biased;
                heard = self.heard.recv() => heard,
                () = sleep_until(deadline) => {
                    if let Some(touched) = self.expire(Instant::now()) {
                        return touched;
                    }
                    continue;
                }
            };
            match heard {
                Some(Heard::Settled(path, at)) if !self.is_nothing(&path) => {
                    self.stirred.remove(&path);
                    return Touched::File(path, at);
                }
                Some(Heard::Stirred(path)) if !self.is_nothing(&path) => {
                    self.stirred.insert(path, Instant::now() + QUIET);
                }
                Some(Heard::Settled(..) | Heard::Stirred(_)) => {}
                Some(Heard::FolderGone(folder)) => {
                    self.unwatch_folder(&folder);
                    self.stir_all(&folder);
                }
                None => std::future::pending().await,
            }
        }
    }

    /// Watches folders again that had gone and are there, or that are others now (a disk that was mounted or unmounted, a folder above that
    /// was moved: of neither the system tells); their files are told of. To be called every second or so.
    pub(crate) fn mend(&mut self) {
        let others: Vec<PathBuf> = self
            .folders
            .iter()
            .filter(|(folder, entry)| entry.watched && os::folder_id(folder) != entry.id)
            .map(|(folder, _)| folder.clone())
            .collect();
        for folder in others {
            self.unwatch_folder(&folder);
            self.stir_all(&folder);
        }
        let gone: Vec<PathBuf> =
            self.folders.iter().filter(|(_, entry)| !entry.watched).map(|(folder, _)| folder.clone()).collect();
        for folder in gone {
            self.watch_folder(&folder);
            if self.folders.get(&folder).is_some_and(|entry| entry.watched) {
                self.stir_all(&folder);
            }
        }
    }

    /// The files that no event can be relied on for.
    pub(crate) fn polled(&self) -> Vec<PathBuf> {
        let interest = self.interest.read().unwrap_or_else(PoisonError::into_inner);
        let polled = |file: &&PathBuf| {
            file.parent().and_then(|folder| self.folders.get(folder)).is_some_and(|folder| {
                let trust = folder.device.and_then(|device| self.devices.get(&device));
                folder.device.is_some() && (!folder.watched || trust == Some(&Trust::Polled))
            })
        };
        interest.files.keys().filter(polled).cloned().collect()
    }

    fn watch_folder(&mut self, folder: &Path) {
        let Ok((device, remote)) = os::file_system(folder) else { return };
        let id = os::folder_id(folder);
        let watching = self.watcher.as_mut().map(|watcher| watcher.watch(folder, RecursiveMode::NonRecursive));
        let watched = match watching {
            Some(Ok(())) => true,
            Some(Err(error)) => {
                tracing::warn!(folder = %folder.display(), %error, "a folder cannot be watched: its files are polled");
                false
            }
            None => false,
        };
        if let Some(entry) = self.folders.get_mut(folder) {
            (entry.device, entry.id, entry.watched) = (Some(device), id, watched);
        }
        self.interest.write().unwrap_or_else(PoisonError::into_inner).folders.insert(folder.to_owned());
        if remote && self.devices.insert(device, Trust::Polled).is_none() {
            tracing::warn!(folder = %folder.display(), "changes made elsewhere cannot be watched on this file system: its files are polled");
        }
        if watched && !self.devices.contains_key(&device) {
            self.devices.insert(device, Trust::Watched);
            self.probe(folder, device);
        }
    }

    fn unwatch_folder(&mut self, folder: &Path) {
        if let Some(watcher) = &mut self.watcher {
            // It may be gone already.
            let _ = watcher.unwatch(folder);
        }
        self.interest.write().unwrap_or_else(PoisonError::into_inner).folders.remove(folder);
        if let Some(entry) = self.folders.get_mut(folder) {
            (entry.watched, entry.device, entry.id) = (false, None, None);
        }
    }

    /// Makes a file that has to be heard of.
    fn probe(&mut self, folder: &Path, device: u64) {
        let probe = folder.join(format!(".probe.inlay-{}", std::process::id()));
        self.interest.write().unwrap_or_else(PoisonError::into_inner).probes.insert(probe.clone());
        if std::fs::write(&probe, b"").is_ok() {
            // A folder that cannot be written to is as good as any other of its file system.
            let _ = std::fs::remove_file(&probe);
            self.probes.insert(probe, (device, Instant::now() + PROBE));
        }
    }

    /// Whether nobody asked for it: a probe, or a file that was removed meanwhile.
    fn is_nothing(&mut self, path: &Path) -> bool {
        let probe = self.probes.remove(path).is_some();
        let mut interest = self.interest.write().unwrap_or_else(PoisonError::into_inner);
        if probe {
            interest.probes.remove(path);
        }
        probe || !interest.files.contains_key(path)
    }

    /// What is due.
    fn expire(&mut self, now: Instant) -> Option<Touched> {
        let silent: Vec<PathBuf> =
            self.probes.iter().filter(|(_, (_, at))| *at <= now).map(|(path, _)| path.clone()).collect();
        for probe in silent {
            self.interest.write().unwrap_or_else(PoisonError::into_inner).probes.remove(&probe);
            if let Some((device, _)) = self.probes.remove(&probe) {
                tracing::warn!(folder = %probe.display(), "this file system tells of no changes: its files are polled");
                self.devices.insert(device, Trust::Polled);
            }
        }
        let due = self.stirred.iter().find(|(_, at)| **at <= now).map(|(path, _)| path.clone())?;
        self.stirred.remove(&due);
        Some(Touched::File(due, now))
    }

    fn stir_all(&mut self, folder: &Path) {
        let interest = self.interest.read().unwrap_or_else(PoisonError::into_inner);
        let at = Instant::now() + QUIET;
        for file in interest.files.keys().filter(|file| file.parent() == Some(folder)) {
            self.stirred.insert(file.clone(), at);
        }
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Takes an event, on the watcher's own thread. Returns whether something was lost.
fn hear(event: &notify::Event, interest: &RwLock<Interest>, sender: &mpsc::Sender<Heard>) -> bool {
    if event.need_rescan() {
        return true;
    }
    let settles = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) => false,
        EventKind::Modify(ModifyKind::Name(_)) => true,
        EventKind::Access(_) => return false,
        _ => false,
    };
    let goes = matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)));
    // A rename that tells both names: only the second is there now.
    let both = matches!(event.kind, EventKind::Modify(ModifyKind::Name(RenameMode::Both)));
    let mut lost = false;
    for (place, path) in event.paths.iter().enumerate() {
        let heard = {
            let interest = interest.read().unwrap_or_else(PoisonError::into_inner);
            if interest.files.contains_key(path) || interest.probes.contains(path) {
                if settles && !(both && place == 0) {
                    Heard::Settled(path.clone(), Instant::now())
                } else {
                    Heard::Stirred(path.clone())
                }
            } else if goes && interest.folders.contains(path) {
                Heard::FolderGone(path.clone())
            } else {
                continue;
            }
        };
        lost |= sender.try_send(heard).is_err();
    }
    lost
}

#[cfg(test)]
mod tests;
