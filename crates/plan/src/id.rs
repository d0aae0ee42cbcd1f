//! Ids and fingerprints: newtypes over random or keyed bytes, written in hexadecimal.

use std::fmt;
use std::str::FromStr;

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}: {digits} hexadecimal digits are expected")]
pub struct IdError {
    /// The text.
    pub text: String,
    /// What was expected.
    pub what: &'static str,
    /// How many digits it has.
    pub digits: usize,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// From exactly as many bytes as it has.
            ///
            /// # Errors
            /// [`IdError`] for any other number of bytes.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdError> {
                bytes.try_into().map($name).map_err(|_| IdError {
                    text: format!("{} bytes", bytes.len()),
                    what: $what,
                    digits: 2 * $len,
                })
            }

            /// The first eight digits, for people.
            pub fn short(&self) -> String {
                self.0.iter().take(4).map(|b| format!("{b:02x}")).collect()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.short())
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let error = || IdError { text: text.to_owned(), what: $what, digits: 2 * $len };
                if text.len() != 2 * $len || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return Err(error());
                }
                let mut bytes = [0; $len];
                for (at, byte) in bytes.iter_mut().enumerate() {
                    *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).map_err(|_| error())?;
                }
                Ok($name(bytes))
            }
        }
    };
}

id!(
    /// A group of portions that are kept the same.
    GroupId, 16, "group id"
);
id!(
    /// One portion in a group. Never reused.
    MemberId, 16, "member id"
);
id!(
    /// One agent, for as long as its certificate names it.
    AgentId, 16, "agent id"
);
id!(
    /// One version of a group's content: random, made by the key holder who signs its record, never reused.
    VersionId, 16, "version id"
);
id!(
    /// One instruction that waits for its answer.
    JobId, 16, "job id"
);
id!(
    /// A keyed BLAKE3 hash (256 bits) under a key of the zone that the manager does not hold.
    Fingerprint, 32, "fingerprint"
);

impl Fingerprint {
    /// Where no portion stands: missing, or in a file that is missing.
    pub const ABSENT: Fingerprint = Fingerprint([0; 32]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_and_read() {
        let id = GroupId([0xab; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.short(), "abababab");
        for bad in ["", "ab", "zz", &"g".repeat(32), &"é".repeat(16)] {
            assert!(bad.parse::<GroupId>().is_err(), "{bad}");
        }
    }
}
