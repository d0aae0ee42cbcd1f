//! File systems of their own for a test, to be filled, made read-only, taken away and given back. Needs root.

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
