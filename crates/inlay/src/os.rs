//! What is specific to an operating system: private files, signals, background processes. Built and tested on Linux.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::UdpSocket;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Makes a folder that only its owner can enter, with its parents.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file that only its owner can read: beside, synced, renamed, the folder synced.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    private_folder(folder)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(folder)?.sync_all()
}

/// The folder from which on everything above an absolute path is on its file system.
pub(crate) fn mount_point(path: &Path) -> &Path {
    let device = |path: &Path| fs::metadata(path).ok().map(|metadata| metadata.dev());
    let own = device(path);
    path.ancestors().take_while(|above| device(above) == own).last().unwrap_or(path)
}

/// The machine's host name.
pub(crate) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The addresses with which this machine reaches others, if it does. Nothing is sent to find them out.
pub(crate) fn own_addresses() -> Vec<std::net::IpAddr> {
    // Documentation addresses (RFC 5737, RFC 3849): only the routing table is asked.
    [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9")]
        .into_iter()
        .filter_map(|(from, to)| {
            let socket = UdpSocket::bind(from).ok()?;
            socket.connect(to).ok()?;
            Some(socket.local_addr().ok()?.ip())
        })
        .filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
        .collect()
}

/// Leaves the terminal's session: its end does not end this process.
pub(crate) fn leave_terminal() {
    // It fails only for the leader of a process group, which has left already.
    let _ = rustix::process::setsid();
}

/// Resolves when the process is asked to end: SIGTERM, SIGINT, SIGHUP.
pub(crate) async fn asked_to_end() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}

/// Asks a process that we started to end.
pub(crate) fn ask_to_end(id: u32) {
    let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(id) = id {
        // It may have ended by itself.
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_mount_point_is_the_last_folder_on_the_same_file_system() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().canonicalize().unwrap().join("a");
        fs::write(&file, "").unwrap();
        let device = |path: &Path| fs::metadata(path).unwrap().dev();
        let top = mount_point(&file);
        assert!(file.starts_with(top) && device(top) == device(&file));
        assert!(top.parent().is_none_or(|above| device(above) != device(&file)));
        #[cfg(target_os = "linux")]
        assert_eq!(mount_point(Path::new("/proc/self/status")), Path::new("/proc"));
    }
}
