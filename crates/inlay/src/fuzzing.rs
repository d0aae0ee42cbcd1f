//! What the fuzz targets reach beside the public interface: the code of an invite, and what its secret unwraps.

use crate::invitation::{self, Invitation};

/// The code that says the same as `text`, if that is one.
pub fn code(text: &str) -> Option<String> {
    Invitation::parse(text).ok().map(|invitation| invitation.code().to_string())
}

/// The code of these.
pub fn code_of(ca: [u8; 32], addresses: Vec<String>, secret: &[u8]) -> String {
    Invitation::new(ca, addresses, zeroize::Zeroizing::new(secret.to_vec())).code().to_string()
}

/// The addresses that a code says.
pub fn addresses(text: &str) -> Option<Vec<String>> {
    Invitation::parse(text).ok().map(|invitation| invitation.addresses)
}

/// Whether `wrapped` is something that the secret unwraps.
pub fn unwraps(secret: &[u8], wrapped: &[u8]) -> bool {
    invitation::unwrap(secret, wrapped).is_some()
}
