//! One file for each command.

pub(crate) mod copy;
pub(crate) mod diff;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod put;
