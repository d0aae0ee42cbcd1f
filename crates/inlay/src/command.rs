//! One file for each command.

pub(crate) mod accept;
pub(crate) mod add;
pub(crate) mod agent;
pub(crate) mod agents;
pub(crate) mod copy;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod get;
pub(crate) mod invite;
pub(crate) mod jobs;
pub(crate) mod join;
pub(crate) mod link;
pub(crate) mod list;
pub(crate) mod log;
pub(crate) mod manager;
pub(crate) mod pause;
pub(crate) mod put;
pub(crate) mod repo;
pub(crate) mod resolve;
pub(crate) mod restic;
pub(crate) mod restore;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod unit;
pub(crate) mod unlink;
pub(crate) mod up;
