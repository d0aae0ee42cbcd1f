//! Named mappings, and the files that they are for. Data only.
//!
//! The vocabulary of `mcp:…`: a map of server names to `command`, `args`, `env` (programs started here) or `url`, `headers`
//! (servers elsewhere), and `type` where it is neither of the usual two, as the Model Context Protocol's `mcpServers` files have
//! them. What only one program knows stays private in its file.

use super::Mapping;
use crate::selector::{Scheme, Selector};

/// A named mapping: its name, and the clauses it stands for.
pub(super) const NAMED: &[(&str, &str)] = &[
    // Claude Code, code.claude.com/docs/en/mcp: `type` is "stdio" (also where it is left out), "http", "sse" or "ws"; a server
    // with a `url` and without a `type` is not accepted. `timeout`, `oauth`, `headersHelper`, `alwaysLoad` are its own.
    (
        "mcp:claude",
        "only /*/type; only /*/command; only /*/args; only /*/env; only /*/url; only /*/headers; \
         default /*/type=\"stdio\" if command; default /*/type=\"http\" if url",
    ),
    // OpenAI Codex, codex-rs/config/src/mcp_types.rs (RawMcpServerConfig): a server with `command` is started here, one with
    // `url` speaks streamable HTTP; there is no `type`. `cwd`, `env_vars`, `bearer_token_env_var`, `env_http_headers`,
    // `startup_timeout_sec`, `tool_timeout_sec`, `enabled`, `required`, `enabled_tools`, `disabled_tools`, `scopes`, `oauth`, `tools`… are its own.
    (
        "mcp:codex",
        "only /*/command; only /*/args; only /*/env; only /*/url; only /*/http_headers; \
         map /*/http_headers=/*/headers",
    ),
];

/// A known file: how its path ends, the portion of it that is usually shared, and that portion's mapping.
const KNOWN: &[(&str, &str, &str)] = &[
    (".claude.json", "/mcpServers", "mcp:claude"),
    (".mcp.json", "/mcpServers", "mcp:claude"),
    (".codex/config.toml", "/mcp_servers", "mcp:codex"),
];

fn ends(path: &str, end: &str) -> bool {
    let path = path.replace('\\', "/");
    path.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

impl Mapping {
    /// The named mapping that fits a portion, by its file's name: `mcp:claude` for `~/.claude.json#/mcpServers` and for a
    /// project's own servers in that file, `mcp:codex` for `~/.codex/config.toml#/mcp_servers`.
    pub fn proposed(path: &str, selector: &Selector) -> Option<Mapping> {
        let expression = selector.expression.as_str();
        let fits = |usual: &str| expression == usual || (usual == "/mcpServers" && is_project(expression));
        let (.., name) = KNOWN.iter().find(|(end, usual, _)| ends(path, end) && fits(usual))?;
        name.parse().ok()
    }
}

/// `/projects/PATH/mcpServers` of `~/.claude.json`: the servers of one project.
fn is_project(expression: &str) -> bool {
    let inner = expression.strip_prefix("/projects/").and_then(|rest| rest.strip_suffix("/mcpServers"));
    inner.is_some_and(|project| !project.is_empty() && !project.contains('/'))
}

impl Selector {
    /// The selector of the portion that is usually shared of a known file: `/mcpServers` of `~/.claude.json`, `/mcp_servers` of
    /// `~/.codex/config.toml`. `None` for other files.
    pub fn usual(path: &str) -> Option<Selector> {
        let (_, selector, _) = KNOWN.iter().find(|(end, ..)| ends(path, end))?;
        Some(Selector { scheme: None::<Scheme>, expression: (*selector).to_owned() })
    }
}
