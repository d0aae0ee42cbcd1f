//! One file for each command.

pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod put;
