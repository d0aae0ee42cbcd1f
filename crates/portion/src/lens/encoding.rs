//! Files that are text in another encoding than UTF-8, told by their first bytes.

use super::{LensError, Position};
use crate::selector::Scheme;

/// Refuses UTF-16 and UTF-32, in which no lens but that of bytes finds its way: line ends and quotes are other bytes there.
pub(super) fn check(scheme: Scheme, file: &[u8]) -> Result<(), LensError> {
    let name = match (scheme, file) {
        (Scheme::Bytes, _) => return Ok(()),
        (_, [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..]) => "UTF-32",
        (_, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]) => "UTF-16",
        // Without a byte order mark: two signs of ASCII, as RFC 4627 told JSON's encodings apart.
        (_, [1..=0x7F, 0, 1..=0x7F, 0, ..] | [0, 1..=0x7F, 0, 1..=0x7F, ..]) => "UTF-16",
        _ => return Ok(()),
    };
    Err(LensError::Unparsable {
        at: Position { line: 1, column: 1 },
        found: format!("the file is {name}, which only `bytes:` can address; convert it to UTF-8"),
    })
}
