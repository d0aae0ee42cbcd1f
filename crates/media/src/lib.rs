//! The media agent: restic's REST protocol, version 2, over folders on this machine, append-only.
//!
//! It never decrypts, and has no key. A body whose SHA-256 is not its name is refused, and so is overwriting; agents may delete
//! nothing but their own locks, and may read but not touch `keys/` and `config`, which every restic program needs to open a repository.
//! An answer of 200 to a write means that it is durable. Who calls is not decided here: a layer around [`router`] puts a
//! [`Caller`] into each request's extensions (from the client's certificate); a request without one is refused.

mod access;
mod error;
mod files;
mod host;
mod ranges;
mod routes;
mod upload;

pub use access::{Access, Caller, Grants};
pub use host::{Hosted, MediaError, MediaOptions};
pub use routes::router;
