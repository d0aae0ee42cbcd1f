//! AES-256-CTR with Poly1305-AES: `IV || CIPHERTEXT || MAC` (restic `doc/design.rst`, "Keys, Encryption and MAC").

use aes256ctr_poly1305aes::aead::AeadInPlace;
use aes256ctr_poly1305aes::{Aes256CtrPoly1305Aes, Key as CipherKey, Nonce, Tag};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

const IV: usize = 16;
const MAC: usize = 16;

/// How many bytes encryption adds.
pub(crate) const OVERHEAD: usize = IV + MAC;

/// The bytes were not written by a holder of this key, or were changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message authentication code does not match")]
pub struct MacError;

/// A key: 32 bytes for AES-256, 16 for the AES-128 within Poly1305-AES (`k`), 16 for Poly1305 (`r`). Wiped when dropped.
#[derive(Clone)]
pub(crate) struct Key([u8; 64]);

impl Key {
    /// A fresh random key.
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        let mut key = Self([0; 64]);
        getrandom::fill(&mut key.0)?;
        key.mask();
        Ok(key)
    }

    /// The key that scrypt made of a password.
    pub(crate) fn from_bytes(bytes: &[u8; 64]) -> Self {
        Self(*bytes)
    }

    /// A key for another purpose, derived from this one (BLAKE3's key derivation; `context` names the purpose, world-wide).
    pub(crate) fn derive(&self, context: &str) -> [u8; 32] {
        // The bits of `r` that Poly1305 ignores are cleared, so that it does not matter whether whoever last wrapped the key did.
        let mut plain = self.clone();
        plain.mask();
        blake3::derive_key(context, &plain.0)
    }

    /// Clears the bits of `r` that Poly1305 ignores ("The Poly1305-AES message-authentication code", section 2).
    fn mask(&mut self) {
        for index in [3, 7, 11, 15] {
            self.0[48 + index] &= 15;
        }
        for index in [4, 8, 12] {
            self.0[48 + index] &= 252;
        }
    }

    fn cipher(&self) -> Aes256CtrPoly1305Aes {
        Aes256CtrPoly1305Aes::new(CipherKey::from_slice(&self.0))
    }

    /// Encrypts, under a fresh random IV.
    pub(crate) fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut out = Vec::with_capacity(plain.len() + OVERHEAD);
        self.seal_onto(plain, &mut out)?;
        Ok(out)
    }

    /// Encrypts onto the end of `out`.
    pub(crate) fn seal_onto(&self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        let mut iv = [0_u8; IV];
        getrandom::fill(&mut iv)?;
        let start = out.len();
        out.extend_from_slice(&iv);
        out.extend_from_slice(plain);
        let body = &mut out[start + IV..];
        let tag = self
            .cipher()
            .encrypt_in_place_detached(Nonce::from_slice(&iv), b"", body)
            .map_err(|_| SealError::TooLong { length: plain.len() })?;
        out.extend_from_slice(&tag);
        Ok(())
    }

    /// Checks the MAC, then decrypts.
    pub(crate) fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, MacError> {
        let (iv, rest) = sealed.split_at_checked(IV).ok_or(MacError)?;
        let (body, mac) = rest.split_at_checked(rest.len().checked_sub(MAC).ok_or(MacError)?).ok_or(MacError)?;
        let mut plain = body.to_vec();
        self.cipher()
            .decrypt_in_place_detached(Nonce::from_slice(iv), b"", &mut plain, Tag::from_slice(mac))
            .map_err(|_| MacError)?;
        Ok(plain)
    }

    /// restic's JSON for a master key.
    pub(crate) fn to_json(&self) -> Result<Zeroizing<Vec<u8>>, serde_json::Error> {
        let (encrypt, k, r) = (&self.0[..32], &self.0[32..48], &self.0[48..]);
        let json = KeyJson {
            mac: MacJson { k: STANDARD.encode(k), r: STANDARD.encode(r) },
            encrypt: STANDARD.encode(encrypt),
        };
        serde_json::to_vec(&json).map(Zeroizing::new)
    }

    /// Reads restic's JSON for a master key; `None` if it is not one.
    pub(crate) fn from_json(json: &[u8]) -> Option<Self> {
        let json: KeyJson = serde_json::from_slice(json).ok()?;
        let mut key = Self([0; 64]);
        for (text, range) in [(&json.encrypt, 0..32), (&json.mac.k, 32..48), (&json.mac.r, 48..64)] {
            let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
            let place = &mut key.0[range];
            if bytes.len() != place.len() || bytes.iter().all(|b| *b == 0) {
                return None;
            }
            place.copy_from_slice(&bytes);
        }
        Some(key)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Nothing could be encrypted.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random(#[from] getrandom::Error),
    /// The message is longer than the cipher can take.
    #[error("{length} bytes are too many to encrypt at once")]
    TooLong {
        /// Its length.
        length: usize,
    },
}

#[derive(Serialize, Deserialize)]
struct KeyJson {
    mac: MacJson,
    encrypt: String,
}

#[derive(Serialize, Deserialize)]
struct MacJson {
    k: String,
    r: String,
}

impl Drop for KeyJson {
    fn drop(&mut self) {
        self.mac.k.zeroize();
        self.mac.r.zeroize();
        self.encrypt.zeroize();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_changed_bit_is_noticed() {
        let key = Key::generate().unwrap();
        let sealed = key.seal(b"a portion").unwrap();
        assert_eq!(sealed.len(), 9 + OVERHEAD);
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.open(&changed), Err(MacError), "bit {bit}");
        }
        assert_eq!(Key::generate().unwrap().open(&sealed), Err(MacError));
    }

    #[test]
    fn derived_keys_survive_a_rewrapping_that_masks() {
        let mut bytes = [0xff; 64];
        bytes[0] = 1;
        let raw = Key::from_bytes(&bytes);
        let mut masked = raw.clone();
        masked.mask();
        assert_eq!(raw.derive("x"), masked.derive("x"));
        assert_ne!(raw.derive("x"), raw.derive("y"));
        let sealed = raw.seal(b"same").unwrap();
        assert_eq!(masked.open(&sealed).unwrap(), b"same");
    }

    proptest! {
        #[test]
        fn opens_what_it_sealed(plain: Vec<u8>) {
            let key = Key::generate().unwrap();
            prop_assert_eq!(key.open(&key.seal(&plain).unwrap()).unwrap(), plain);
        }

        #[test]
        fn any_bytes_are_an_error(bytes: Vec<u8>) {
            prop_assert!(Key::from_bytes(&[7; 64]).open(&bytes).is_err());
            prop_assert!(Key::from_json(&bytes).is_none());
        }
    }
}
