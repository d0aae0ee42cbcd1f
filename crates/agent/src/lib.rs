//! agent
pub mod step;
