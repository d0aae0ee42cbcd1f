//! The recovery kit: a page to keep, with which the plain restic program gets everything back.

use zeroize::Zeroizing;

use crate::password::Password;
use crate::repository::Repository;

impl Repository {
    /// What a person needs to get in again without inlay: where the repository is, its password, and the restic commands.
    /// It holds the password: it is for a person, on paper or in a password manager, and wiped from memory when dropped.
    pub fn recovery_kit(&self, password: &Password) -> Zeroizing<String> {
        let address = self.storage().address();
        let network = if address.starts_with("rest:") {
            "\nThe server asks for this machine's certificate. If inlay is gone, copy the repository's folder from the server\n\
             and give restic that folder in place of the address.\n"
        } else {
            ""
        };
        Zeroizing::new(format!(
            "inlay recovery kit\n\
             ==================\n\
             Keep this page safe and off this machine: who has it can read every copy; without it, and without the\n\
             machines that hold the key, nobody can.\n\
             \n\
             Repository  {address}\n\
             Id          {id}\n\
             Password    {password}\n\
             \n\
             It is an ordinary restic repository (format {version}). With the restic program, 0.14 or newer:\n\
             \n\
             \x20   export RESTIC_REPOSITORY='{quoted}'\n\
             \x20   restic snapshots                      # asks for the password\n\
             \x20   restic ls latest                      # /<group>/<agent>/<path>#<selector>/<job>\n\
             \x20   restic dump latest /GROUP/AGENT/…     # one copy, to the screen\n\
             \x20   restic restore latest --target DIR    # all copies of a snapshot\n\
             {network}\
             \n\
             If restic says that a blob is in no index: restic repair index (before 0.16: restic rebuild-index).\n",
            id = self.id(),
            password = password.reveal(),
            version = self.version(),
            quoted = address.replace('\'', r"'\''"),
        ))
    }
}
