//! File systems of their own for a test, to be filled, made read-only, taken away and given back; and whose power can be cut. Needs root.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted file system, taken down when it is dropped.
#[derive(Debug)]
pub struct Disk {
    path: PathBuf,
    /// What is shown there, if it is another folder.
    source: Option<PathBuf>,
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().expect("mount and umount are installed");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {} (this needs root): {said}", arguments.join(" "));
}

impl Disk {
    /// A small file system in memory at `path`, which is made. `options` are those of tmpfs, such as `size=256k,nr_inodes=64`.
    pub fn memory(path: &Path, options: &str) -> Disk {
        std::fs::create_dir_all(path).unwrap();
        run("mount", &["-t", "tmpfs", "-o", options, "none", &path.display().to_string()]);
        Disk { path: path.to_owned(), source: None }
    }

    /// The folder `source` seen at `path`, as a disk that can be unmounted and mounted again. Both are made.
    pub fn folder(source: &Path, path: &Path) -> Disk {
        std::fs::create_dir_all(source).unwrap();
        std::fs::create_dir_all(path).unwrap();
        let disk = Disk { path: path.to_owned(), source: Some(source.to_owned()) };
        disk.mount();
        disk
    }

    /// Mounts a [`Disk::folder`] again.
    pub fn mount(&self) {
        let source = self.source.as_ref().expect("a folder");
        run("mount", &["--bind", &source.display().to_string(), &self.path.display().to_string()]);
    }

    /// Unmounts it.
    pub fn unmount(&self) {
        run("umount", &[&self.path.display().to_string()]);
    }

    /// Makes it read-only, or writable again.
    pub fn read_only(&self, read_only: bool) {
        let options = if read_only { "remount,ro" } else { "remount,rw" };
        run("mount", &["-o", options, &self.path.display().to_string()]);
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Fills it to the last byte.
    pub fn fill(&self) {
        let mut file = File::create(self.path.join("filler")).unwrap();
        while file.write_all(&[7; 1024]).is_ok() {}
    }

    /// Uses up its inodes: not even an empty file fits in.
    pub fn fill_with_files(&self) {
        let folder = self.path.join("fillers");
        std::fs::create_dir(&folder).unwrap();
        for number in 0.. {
            match File::create(folder.join(number.to_string())) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => return,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Takes away what filled it.
    pub fn empty(&self) {
        let _ = std::fs::remove_file(self.path.join("filler"));
        let _ = std::fs::remove_dir_all(self.path.join("fillers"));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: what still runs there does not keep it.
        let _ = Command::new("umount").arg("-l").arg(&self.path).output();
    }
}

/// A file system in a file (ext4 on a loop device), whose power can be cut: what was written and not synced is then gone.
///
/// What the kernel has not given to the device stands nowhere but in its memory. So the file behind the device, copied while the file
/// system is still mounted, is the disk as it would be after a power failure at that moment; the copy is mounted in its place.
///
/// It is mounted such that as little as can be is written without being asked for: data that was not synced is not written
/// before the name that a rename gave it (`data=writeback,noauto_da_alloc`), and nothing by time alone within a test's life. It is kinder
/// than the standard allows in one thing: a sync of any file makes what was done to names before it durable as well.
#[derive(Debug)]
pub struct Image {
    path: PathBuf,
    file: PathBuf,
    cuts: u32,
}

impl Image {
    /// Whether there are loop devices, and the right to mount them.
    pub fn possible() -> bool {
        Path::new("/dev/loop-control").exists() && rustix::process::geteuid().is_root()
    }

    /// A new file system of at most so many MiB at `path`, a folder that is there and empty. Its file is `file`.
    pub fn new(path: &Path, file: &Path, mebibytes: u64) -> Image {
        File::create(file).and_then(|f| f.set_len(mebibytes << 20)).unwrap();
        run("mkfs.ext4", &["-q", "-F", "-i", "8192", "-J", "size=4", &file.display().to_string()]);
        let image = Image { path: path.to_owned(), file: file.to_owned(), cuts: 0 };
        image.mount();
        image
    }

    fn mount(&self) {
        let options = "loop,data=writeback,noauto_da_alloc,commit=300";
        run(
            "mount",
            &["-t", "ext4", "-o", options, &self.file.display().to_string(), &self.path.display().to_string()],
        );
    }

    /// The power fails, and comes back. No process may use it.
    pub fn cut_power(&mut self) {
        self.cuts += 1;
        let after = self.file.with_extension(format!("{}", self.cuts));
        run("cp", &["--sparse=always", &self.file.display().to_string(), &after.display().to_string()]);
        run("umount", &[&self.path.display().to_string()]);
        std::fs::remove_file(&self.file).unwrap();
        self.file = after;
        self.mount();
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.path).output();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_synced_is_gone_after_a_power_cut() {
        if !Image::possible() {
            println!("no loop devices here");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let (path, name) = (folder.path().join("disk"), |name: &str| folder.path().join("disk").join(name));
        std::fs::create_dir(&path).unwrap();
        let mut image = Image::new(&path, &folder.path().join("image"), 32);
        let mut synced = File::create(name("synced")).unwrap();
        synced.write_all(b"synced").and_then(|()| synced.sync_all()).unwrap();
        // The file's bytes are durable, its new name is not; what follows is in no way.
        std::fs::rename(name("synced"), name("renamed")).unwrap();
        std::fs::write(name("unsynced"), b"unsynced").unwrap();
        synced.write_all(b" and not").unwrap();
        drop(synced);
        image.cut_power();
        assert_eq!(std::fs::read(name("synced")).unwrap(), b"synced");
        assert!(!name("renamed").exists() && !name("unsynced").exists());
        // A name that was synced without its file's bytes.
        std::fs::write(name("empty"), b"bytes").unwrap();
        File::open(&path).unwrap().sync_all().unwrap();
        image.cut_power();
        assert_eq!(std::fs::read(name("empty")).unwrap(), b"");
    }
}
