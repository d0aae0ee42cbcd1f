//! What depends on the operating system: modes of files.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

/// Makes a new file readable by its owner only, if it is a secret.
#[cfg(unix)]
pub(crate) fn mode(options: &mut OpenOptions, secret: bool) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(if secret { 0o600 } else { 0o644 });
}

/// Makes a directory its owner's only.
#[cfg(unix)]
pub(crate) fn private_directory(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))
}

/// On Windows a file takes the rights of its directory, which is the user's own.
#[cfg(not(unix))]
pub(crate) fn mode(_options: &mut OpenOptions, _secret: bool) {}

/// On Windows the profile's directories are the user's own.
#[cfg(not(unix))]
pub(crate) fn private_directory(_dir: &Path) -> io::Result<()> {
    Ok(())
}
