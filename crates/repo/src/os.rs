//! What depends on the operating system: syncing folders, renaming without overwriting, who and where we are.

use std::fs;
use std::io;
use std::path::Path;

/// Makes a folder's entries durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    return fs::File::open(path)?.sync_all();
    #[cfg(not(unix))]
    {
        // There a folder cannot be opened for syncing; the file system's own journal orders the rename.
        let _ = path;
        Ok(())
    }
}

/// Moves `from` to `to` if nothing is there; `AlreadyExists` otherwise, in one atomic step either way.
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {}
            done => return done.map_err(Into::into),
        }
    }
    // A hard link is refused if the name is taken, everywhere.
    fs::hard_link(from, to)?;
    fs::remove_file(from)
}

/// Opens a new file for the owner only.
pub(crate) fn create_private(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a folder, and those above it, for the owner only. It may exist.
pub(crate) fn create_private_folders(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// This machine's name.
pub(crate) fn hostname() -> String {
    #[cfg(unix)]
    return rustix::system::uname().nodename().to_string_lossy().into_owned();
    // Then restic takes our locks for another machine's, and leaves them alone for 30 minutes.
    #[cfg(not(unix))]
    "localhost".into()
}

/// User and group of this process, as restic stores them; zero where there are none.
pub(crate) fn owner() -> (u32, u32) {
    #[cfg(unix)]
    return (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    #[cfg(not(unix))]
    (0, 0)
}

/// Whether a process of this id runs on this machine. In doubt, yes.
pub(crate) fn process_runs(pid: u32) -> bool {
    #[cfg(unix)]
    {
        let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else { return false };
        !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH))
    }
    #[cfg(not(unix))]
    {
        let _ = pid;
        true
    }
}

/// `restic unlock` on the same machine asks whether a lock's process lives by sending it SIGHUP, whose default is to end the
/// process. restic ignores it, and so do we, from the first lock on. Must be called within a tokio runtime.
pub(crate) fn survive_hangup() {
    #[cfg(unix)]
    {
        // The handler that tokio installs stays for the life of the process.
        if let Err(error) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()) {
            tracing::warn!(%error, "SIGHUP cannot be caught: `restic unlock` would end this process");
        }
    }
}
