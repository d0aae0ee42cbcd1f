//! One file for each command.

pub(crate) mod agent;
pub(crate) mod copy;
pub(crate) mod diff;
pub(crate) mod get;
pub(crate) mod invite;
pub(crate) mod join;
pub(crate) mod link;
pub(crate) mod list;
pub(crate) mod manager;
pub(crate) mod put;
pub(crate) mod status;
pub(crate) mod unit;
pub(crate) mod up;
