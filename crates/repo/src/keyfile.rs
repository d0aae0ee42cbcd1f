//! Key files: the master key, wrapped by a password with scrypt.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::crypto::{Key, SealError};
use crate::os;
use crate::password::Password;

/// restic tries no more keys than this when it opens a repository, so we make no more.
pub const MAX_KEYS: usize = 20;
const SALT: usize = 64;
/// What a key file may cost at most: N·r·p, and bytes of memory (128·N·r).
const MAX_WORK: u64 = 1 << 26;
const MAX_MEMORY: u64 = 512 << 20;

/// How hard scrypt (RFC 7914) makes it to guess a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kdf {
    /// Logarithm to base 2 of N, the number of rounds.
    pub log_n: u8,
    /// Block size; memory is 128·N·r bytes.
    pub r: u32,
    /// How often all is done, one after the other.
    pub p: u32,
}

impl Default for Kdf {
    /// About 0.3 s and 64 MB, as restic itself would choose on a common machine.
    fn default() -> Self {
        Self { log_n: 16, r: 8, p: 2 }
    }
}

impl Kdf {
    /// Some milliseconds: too cheap for any password that a person thinks of. For passwords of 128 random bits or more, such as
    /// [`Password::generate`] makes, and for tests.
    pub const CHEAP: Self = Self { log_n: 10, r: 8, p: 1 };

    fn derive(self, password: &Password, salt: &[u8]) -> Result<Key, KeyFileError> {
        let (n, r, p) = (1_u64.checked_shl(self.log_n.into()), u64::from(self.r), u64::from(self.p));
        let cost = n.filter(|n| *n > 1).and_then(|n| n.checked_mul(r)).unwrap_or(u64::MAX);
        if cost.saturating_mul(p) > MAX_WORK || cost.saturating_mul(128) > MAX_MEMORY {
            return Err(KeyFileError::Costly { kdf: self });
        }
        let params = scrypt::Params::new(self.log_n, self.r, self.p).map_err(|_| KeyFileError::Costly { kdf: self })?;
        let mut bytes = Zeroizing::new([0; 64]);
        scrypt::scrypt(password.reveal().as_bytes(), salt, &params, bytes.as_mut())
            .map_err(|_| KeyFileError::Costly { kdf: self })?;
        Ok(Key::from_bytes(&bytes))
    }
}

/// A key file cannot be used, whatever the password.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It is no JSON, or lacks fields.
    #[error("a key file is damaged")]
    Damaged,
    /// It asks for more work than a sane one would.
    #[error("a key file asks for scrypt with N=2^{}, r={}, p={}, which is refused", kdf.log_n, kdf.r, kdf.p)]
    Costly {
        /// What it asks for.
        kdf: Kdf,
    },
    /// It cannot be made.
    #[error("cannot make a key file")]
    Seal(#[from] SealError),
}

#[derive(Serialize, Deserialize)]
struct KeyFile {
    created: String,
    username: String,
    hostname: String,
    kdf: String,
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
    salt: String,
    data: String,
}

/// The JSON of a new key file that gives `master` to who knows `password`. Takes the time that `kdf` says.
pub(crate) fn wrap(master: &Key, password: &Password, kdf: Kdf) -> Result<Vec<u8>, KeyFileError> {
    let mut salt = [0; SALT];
    getrandom::fill(&mut salt).map_err(SealError::from)?;
    let user = kdf.derive(password, &salt)?;
    let data = user.seal(&master.to_json().map_err(|_| KeyFileError::Damaged)?)?;
    let file = KeyFile {
        created: jiff::Timestamp::now().to_string(),
        username: "inlay".into(),
        hostname: os::hostname(),
        kdf: "scrypt".into(),
        n: 1 << kdf.log_n,
        r: kdf.r,
        p: kdf.p,
        salt: STANDARD.encode(salt),
        data: STANDARD.encode(data),
    };
    serde_json::to_vec(&file).map_err(|_| KeyFileError::Damaged)
}

/// The master key, if `password` is that of the key file; `None` if it is another's.
pub(crate) fn unwrap(file: &[u8], password: &Password) -> Result<Option<Key>, KeyFileError> {
    let file: KeyFile = serde_json::from_slice(file).map_err(|_| KeyFileError::Damaged)?;
    if file.kdf != "scrypt" || !file.n.is_power_of_two() {
        return Err(KeyFileError::Damaged);
    }
    let kdf = Kdf { log_n: u8::try_from(file.n.ilog2()).map_err(|_| KeyFileError::Damaged)?, r: file.r, p: file.p };
    let decode = |text: &str| STANDARD.decode(text).map_err(|_| KeyFileError::Damaged);
    let user = kdf.derive(password, &decode(&file.salt)?)?;
    match user.open(&decode(&file.data)?).map(Zeroizing::new) {
        Ok(json) => Key::from_json(&json).map(Some).ok_or(KeyFileError::Damaged),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_password_unwraps() {
        let (master, password) = (Key::generate().unwrap(), Password::new("right".into()));
        let file = wrap(&master, &password, Kdf::CHEAP).unwrap();
        let opened = unwrap(&file, &password).unwrap().unwrap();
        assert_eq!(opened.derive("test"), master.derive("test"));
        assert!(unwrap(&file, &Password::new("wrong".into())).unwrap().is_none());
        assert!(!String::from_utf8_lossy(&file).contains("right"));
    }

    #[test]
    fn a_costly_key_file_is_refused_at_once() {
        let file = |n: u64, r: u32, p: u32| {
            format!(
                r#"{{"created":"","username":"","hostname":"","kdf":"scrypt","N":{n},"r":{r},"p":{p},"salt":"","data":""}}"#
            )
        };
        for (n, r, p) in
            [(1 << 40, 8, 1), (1 << 63, 8, 1), (1 << 16, u32::MAX, 1), (1 << 16, 8, u32::MAX), (1, 8, 1), (2, 0, 1)]
        {
            let result = unwrap(file(n, r, p).as_bytes(), &Password::new("x".into()));
            assert!(matches!(result, Err(KeyFileError::Costly { .. })), "{n} {r} {p}");
        }
        assert!(matches!(unwrap(file(0, 8, 1).as_bytes(), &Password::new("x".into())), Err(KeyFileError::Damaged)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_error(bytes: Vec<u8>) {
            prop_assert!(unwrap(&bytes, &Password::new("x".into())).is_err());
        }
    }
}
