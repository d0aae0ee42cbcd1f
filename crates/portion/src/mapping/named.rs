//! Named mappings, and the files that they are for. Data only.
//!
//! The vocabulary of `mcp:…`: a map of server names to `command`, `args`, `env` (programs started here) or `url`, `headers`
//! (servers elsewhere), and `type` where it is neither of the usual two, as the Model Context Protocol's `mcpServers` files have
//! them. What only one program knows stays private in its file. Empty `args`, `env` and `headers` mean what none means.
//!
//! What stands for a variable differs by program (`${API_KEY}`, `${env:API_KEY}`, `{env:API_KEY}`, `$API_KEY`) and is not translated.

use std::borrow::Cow;

use super::Mapping;
use crate::selector::{Scheme, Selector};

/// A named mapping: its name, and the clauses it stands for.
pub(super) const NAMED: &[(&str, &str)] = &[
    // Claude Code, code.claude.com/docs/en/mcp: `type` is "stdio" (also where it is left out), "http", "sse" or "ws"; a server
    // with a `url` and without a `type` is not accepted. `timeout`, `oauth`, `headersHelper`, `alwaysLoad` are its own.
    (
        "mcp:claude",
        "only /*/type; only /*/command; only /*/args; only /*/env; only /*/url; only /*/headers; \
         default /*/type=\"stdio\" if command; default /*/type=\"http\" if url; \
         omit /*/args=[]; omit /*/env={}; omit /*/headers={}",
    ),
    // Claude Desktop, modelcontextprotocol.io/docs/develop/connect-local-servers: programs started here only.
    ("mcp:claude-desktop", "only /*/command; only /*/args; only /*/env; omit /*/args=[]; omit /*/env={}"),
    // OpenAI Codex, codex-rs/config/src/mcp_types.rs (RawMcpServerConfig): a server with `command` is started here, one with
    // `url` speaks streamable HTTP; there is no `type`. `cwd`, `env_vars`, `bearer_token_env_var`, `env_http_headers`,
    // `startup_timeout_sec`, `tool_timeout_sec`, `enabled`, `required`, `enabled_tools`, `disabled_tools`, `scopes`, `oauth`, `tools`… are its own.
    (
        "mcp:codex",
        "only /*/command; only /*/args; only /*/env; only /*/url; only /*/http_headers; \
         map /*/http_headers=/*/headers; omit /*/args=[]; omit /*/env={}; omit /*/http_headers={}",
    ),
    // Visual Studio Code, code.visualstudio.com/docs/copilot/reference/mcp-configuration: `type` is "stdio", "http" or "sse".
    // `envFile`, `cwd`, `dev`, `sandboxEnabled`… are its own, and `inputs` stands outside of the servers.
    (
        "mcp:vscode",
        "only /*/type; only /*/command; only /*/args; only /*/env; only /*/url; only /*/headers; \
         default /*/type=\"stdio\" if command; default /*/type=\"http\" if url; \
         omit /*/args=[]; omit /*/env={}; omit /*/headers={}",
    ),
    // Cursor, cursor.com/docs/mcp: `type` is "stdio" for programs; servers elsewhere are told by their `url`. `envFile` and `auth` are its own.
    (
        "mcp:cursor",
        "only /*/type; only /*/command; only /*/args; only /*/env; only /*/url; only /*/headers; \
         default /*/type=\"stdio\" if command; omit /*/type=\"http\" if url; omit /*/type=\"streamable-http\" if url; \
         omit /*/args=[]; omit /*/env={}; omit /*/headers={}",
    ),
    // Zed, zed.dev/docs/ai/mcp: `context_servers` without a `type`. `source`, `enabled`, `settings`, `timeout` are its own.
    (
        "mcp:zed",
        "only /*/command; only /*/args; only /*/env; only /*/url; only /*/headers; \
         omit /*/args=[]; omit /*/env={}; omit /*/headers={}",
    ),
    // Gemini CLI, geminicli.com/docs/tools/mcp-server: `httpUrl` is streamable HTTP; a `url`, which is SSE, is an error that names it.
    // `cwd`, `timeout`, `trust`, `includeTools`, `excludeTools`, `oauth`, `authProviderType`… are its own.
    (
        "mcp:gemini",
        "only /*/command; only /*/args; only /*/env; only /*/httpUrl; only /*/url; only /*/headers; \
         map /*/httpUrl=/*/url; omit /*/args=[]; omit /*/env={}; omit /*/headers={}",
    ),
    // Windsurf, docs.windsurf.com/windsurf/cascade/mcp: `serverUrl` for servers elsewhere; a `url`, which it takes as well, is an error that
    // names it. `disabled`, `disabledTools`, `alwaysAllow` are its own.
    (
        "mcp:windsurf",
        "only /*/command; only /*/args; only /*/env; only /*/serverUrl; only /*/url; only /*/headers; \
         map /*/serverUrl=/*/url; omit /*/args=[]; omit /*/env={}; omit /*/headers={}",
    ),
    // opencode, opencode.ai/docs/mcp-servers: `type` is "local" or "remote" and no other, `command` a list with the arguments in it,
    // `environment` for `env`. `enabled`, `disabled`, `timeout`, `cwd`, `oauth` are its own.
    (
        "mcp:opencode",
        "only /*/type; only /*/command; only /*/environment; only /*/url; only /*/headers; \
         default /*/type=\"local\" if command; default /*/type=\"remote\" if url; map /*/type=/*/opencode.type; \
         split /*/command=/*/args; map /*/environment=/*/env; omit /*/environment={}; omit /*/headers={}",
    ),
    // Editors of the VS Code family: what they and well-known extensions declare as `machine` or `machine-overridable`, which Settings Sync
    // leaves out, too (code.visualstudio.com/docs/configure/settings-sync): paths and the network of one machine.
    (
        "settings:vscode",
        "except /http.proxy; except /http.proxyAuthorization; except /http.proxyKerberosServicePrincipal; \
         except /http.proxyStrictSSL; except /http.proxySupport; except /http.noProxy; except /http.systemCertificates; \
         except /http.useLocalProxyConfiguration; except /git.path; except /git.defaultCloneDirectory; \
         except /typescript.npm; except /php.validate.executablePath; \
         except /python.defaultInterpreterPath; except /python.condaPath; except /python.pipenvPath; except /python.poetryPath; \
         except /python.venvPath; except /python.venvFolders; except /rust-analyzer.server.path; except /go.goroot; \
         except /C_Cpp.default.compilerPath; except /cmake.cmakePath; except /java.jdt.ls.java.home; \
         except /java.configuration.runtimes; except /eslint.nodePath; except /docker.dockerPath; \
         except /powershell.powerShellAdditionalExePaths; except /dev.containers.dockerPath",
    ),
];

/// What follows the name of an `mcp:…` mapping where the portion is one server and not the map of all.
const SERVER: &str = "/server";

/// The text of a name and the clauses it stands for. `mcp:claude/server` is `mcp:claude` for one server: the same clauses without the
/// leading `/*`.
pub(super) fn clauses(name: &str) -> Option<Cow<'static, str>> {
    let all = |name: &str| NAMED.iter().find(|(known, _)| *known == name).map(|(_, clauses)| *clauses);
    match name.strip_suffix(SERVER).filter(|of_all| of_all.starts_with("mcp:")) {
        Some(of_all) => Some(Cow::Owned(all(of_all)?.replace("/*/", "/"))),
        None => all(name).map(Cow::Borrowed),
    }
}

/// All names.
pub(super) fn names() -> impl Iterator<Item = Cow<'static, str>> {
    let of_one = |name: &&str| name.starts_with("mcp:");
    let all = || NAMED.iter().map(|(name, _)| *name);
    all().map(Cow::Borrowed).chain(all().filter(of_one).map(|name| Cow::Owned(format!("{name}{SERVER}"))))
}

/// Whether a name is that of a mapping of one server.
pub(super) fn is_of_one(name: &str) -> bool {
    name.ends_with(SERVER)
}

/// A known file: how its path ends, the portion of it that is usually shared, and that portion's mapping. The empty portion is the whole
/// document.
const KNOWN: &[(&str, &str, &str)] = &[
    (".claude.json", "/mcpServers", "mcp:claude"),
    (".mcp.json", "/mcpServers", "mcp:claude"),
    ("claude_desktop_config.json", "/mcpServers", "mcp:claude-desktop"),
    (".codex/config.toml", "/mcp_servers", "mcp:codex"),
    (".vscode/mcp.json", "/servers", "mcp:vscode"),
    ("Code/User/mcp.json", "/servers", "mcp:vscode"),
    ("Code - Insiders/User/mcp.json", "/servers", "mcp:vscode"),
    (".cursor/mcp.json", "/mcpServers", "mcp:cursor"),
    ("zed/settings.json", "/context_servers", "mcp:zed"),
    (".zed/settings.json", "/context_servers", "mcp:zed"),
    (".gemini/settings.json", "/mcpServers", "mcp:gemini"),
    (".codeium/windsurf/mcp_config.json", "/mcpServers", "mcp:windsurf"),
    ("opencode.json", "/mcp", "mcp:opencode"),
    ("opencode.jsonc", "/mcp", "mcp:opencode"),
    ("opencode.json", "/mcp/servers", "mcp:opencode"),
    ("opencode.jsonc", "/mcp/servers", "mcp:opencode"),
    ("Code/User/settings.json", "", "settings:vscode"),
    ("Code - Insiders/User/settings.json", "", "settings:vscode"),
    ("VSCodium/User/settings.json", "", "settings:vscode"),
    ("Cursor/User/settings.json", "", "settings:vscode"),
    ("Windsurf/User/settings.json", "", "settings:vscode"),
];

fn ends(path: &str, end: &str) -> bool {
    let path = path.replace('\\', "/");
    path.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

impl Mapping {
    /// The named mapping that fits a portion, by its file's name: `mcp:claude` for `~/.claude.json#/mcpServers` and for a
    /// project's own servers in that file, `mcp:codex` for `~/.codex/config.toml#/mcp_servers`; `mcp:claude/server` for one server
    /// of them, `~/.claude.json#/mcpServers/git`.
    pub fn proposed(path: &str, selector: &Selector) -> Option<Mapping> {
        let expression = selector.expression.as_str();
        let known = |expression: &str| {
            let fits =
                |end: &str, usual: &str| expression == usual || (end == ".claude.json" && is_project(expression));
            KNOWN.iter().find(|(end, usual, _)| ends(path, end) && fits(end, usual)).map(|(.., name)| *name)
        };
        if let Some(name) = known(expression) {
            return name.parse().ok();
        }
        // A `|` leads into a text that stands in a server.
        let (servers, server) = expression.rsplit_once('/').filter(|(_, server)| !server.contains('|'))?;
        let name = known(servers).filter(|name| name.starts_with("mcp:") && !server.is_empty())?;
        format!("{name}{SERVER}").parse().ok()
    }
}

/// `/projects/PATH/mcpServers` of `~/.claude.json`: the servers of one project.
fn is_project(expression: &str) -> bool {
    let inner = expression.strip_prefix("/projects/").and_then(|rest| rest.strip_suffix("/mcpServers"));
    inner.is_some_and(|project| !project.is_empty() && !project.contains('/'))
}

impl Selector {
    /// The selector of the portion that is usually shared of a known file: `/mcpServers` of `~/.claude.json`, `/mcp_servers` of
    /// `~/.codex/config.toml`, all of an editor's settings. `None` for other files.
    pub fn usual(path: &str) -> Option<Selector> {
        let (_, selector, _) = KNOWN.iter().find(|(end, ..)| ends(path, end))?;
        // The whole document needs its scheme.
        let scheme = if selector.is_empty() { Some(Scheme::Jsonc) } else { None };
        Some(Selector { scheme, expression: (*selector).to_owned() })
    }
}
