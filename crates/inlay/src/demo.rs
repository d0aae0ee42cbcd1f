//! What `inlay demo` needs: machines with real processes, and documents whose surroundings are watched.

mod document;
mod files;
mod stage;

pub(crate) use document::Document;
pub(crate) use files::{AGENTS, CLAUDE, CLAUDE_MD, CODEX, EDGE, ORIGIN, Text};
pub(crate) use stage::{Machine, Stage};
