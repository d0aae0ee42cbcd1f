//! The repository's password.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// A password in memory: wiped when dropped, never printed, compared in constant time.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes the text over; there is no other copy afterwards.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// A fresh password from 20 random bytes (160 bits): eight groups of four letters and digits, easy to read out and to type.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn generate() -> Result<Self, getrandom::Error> {
        // Crockford's base 32: no I, L, O, U.
        const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let mut random = Zeroizing::new([0_u8; 20]);
        getrandom::fill(random.as_mut())?;
        let mut text = String::with_capacity(40);
        let (mut bits, mut held) = (0_u32, 0_u32);
        for byte in random.iter() {
            bits = bits << 8 | u32::from(*byte);
            held += 8;
            while held >= 5 {
                held -= 5;
                if text.len() % 5 == 4 {
                    text.push('-');
                }
                text.push(char::from(LETTERS[(bits >> held & 31) as usize]));
            }
            bits &= (1 << held) - 1;
        }
        bits.zeroize();
        Ok(Self::new(text))
    }

    /// The text, for the one who must have it: the key derivation, or the recovery kit that a person asked for.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Password {}

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn never_printed() {
        let password = Password::new("hunter2".into());
        assert!(!format!("{password:?}").contains("hunter2"));
    }

    #[test]
    fn generated_in_groups_and_never_twice() {
        let (one, two) = (Password::generate().unwrap(), Password::generate().unwrap());
        assert!(one != two);
        assert_eq!(one.reveal().len(), 39);
        assert!(one.reveal().split('-').all(|group| group.len() == 4));
    }
}
