//! Mappings: the same thing said differently by each member of a group.

use std::fmt;
use std::str::FromStr;

use crate::lens::{Fragment, LensError};
use crate::value::Value;

/// How a member's fragment stands to the group's value. The default changes nothing.
///
/// Its text form ([`fmt::Display`], [`FromStr`]) is canonical: equal mappings have equal texts, and it is what travels
/// and is stored. Clauses are joined by `; `, in the order in which they are written:
/// `mcp:claude; except /*/timeout; map /*/headers=/*/http_headers; default /*/type="stdio" if command`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {}

/// Why a text is no mapping, or why a mapping cannot be reversed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MappingError(pub String);

impl Mapping {
    /// Whether it changes nothing.
    pub fn is_identity(&self) -> bool {
        *self == Mapping::default()
    }

    /// What is shared of a fragment as it stands in the file: without the private (`except`) keys. This is the text that is
    /// fingerprinted and backed up. Private keys are removed by the format's own remove, so the rest keeps its style.
    pub fn share(&self, own: Fragment) -> Result<Fragment, LensError> {
        Ok(own)
    }

    /// The fragment to put into a file whose fragment is now `own`, so that [`Mapping::share`] of it is `shared`: private keys of
    /// `own` stay. `own` is `None` where the portion is missing.
    pub fn unshare(&self, _own: Option<&Fragment>, shared: &Fragment) -> Result<Fragment, LensError> {
        Ok(shared.clone())
    }

    /// The group's value of a shared fragment: keys renamed, defaults dropped.
    pub fn value(&self, shared: &Fragment) -> Result<Value, LensError> {
        shared.format.value(&shared.text)
    }

    /// Puts the group's `value` into the `shared` fragment, key by key: what is equal is not touched. The result's
    /// [`Mapping::value`] agrees with `value`, or this is an error that names the path.
    pub fn update(&self, shared: &Fragment, value: &Value) -> Result<Fragment, LensError> {
        Ok(Fragment { format: shared.format, text: shared.format.update(&shared.text, value)? })
    }
}

impl fmt::Display for Mapping {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl FromStr for Mapping {
    type Err = MappingError;
    fn from_str(_text: &str) -> Result<Self, MappingError> {
        Ok(Mapping::default())
    }
}
