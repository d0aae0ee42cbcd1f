//! The files of the demonstration: before the portion, the portion, after it.

/// A file in three parts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text {
    /// Everything before the portion.
    pub before: &'static str,
    /// The portion as it stands.
    pub portion: &'static str,
    /// Everything after it.
    pub after: &'static str,
}

/// `~/.claude.json` as Claude Code writes it, with its own state all around.
pub(crate) const CLAUDE: Text = Text {
    before: "{\n  \"numStartups\": 214,\n  \"installMethod\": \"global\",\n  \"autoUpdates\": true,\n  \"tipsHistory\": {\n    \
             \"new-user-warmup\": 3,\n    \"shift-enter\": 201\n  },\n  \"mcpServers\": ",
    portion: "{\n    \"github\": {\n      \"type\": \"stdio\",\n      \"command\": \"npx\",\n      \"args\": [\n        \"-y\",\n        \
              \"@modelcontextprotocol/server-github\"\n      ],\n      \"env\": {\n        \"GITHUB_HOST\": \"github.com\"\n      }\n    }\n  }",
    after: ",\n  \"projects\": {\n    \"/home/anna/app\": {\n      \"allowedTools\": [],\n      \"lastCost\": 0.1834,\n      \
            \"lastSessionId\": \"5f0c6d1e-77aa-4a5e-9d9e-0c1d3f1b2a44\"\n    }\n  },\n  \"userID\": \"a1b2c3\"\n}\n",
};

/// Codex's `~/.codex/config.toml`, written by hand.
pub(crate) const CODEX: Text = Text {
    before: "# Bert's settings\nmodel = \"gpt-5\"          # the big one\napproval_policy = \"on-request\"\n\n[tui]\nnotifications = true\n\n",
    portion: "[mcp_servers.github]\ncommand = \"npx\"\nargs = [\"-y\", \"an-older-server\"]\nstartup_timeout_sec = 20  # slow disk\n",
    after: "\n[projects.\"/home/bert/app\"]\ntrust_level = \"trusted\"\n",
};

/// A repository's `AGENTS.md`.
pub(crate) const AGENTS: Text = Text {
    before: "# Shop\n\nThe web shop of Anna's team.\n\n",
    portion: "## Working rules\n\n- Tests before merges.\n- One change, one commit.\n- Ask before adding a dependency.\n\n",
    after: "## Layout\n\n`web/` is the front end, `api/` the rest.\n",
};

/// Another repository's `CLAUDE.md`, which has the section one level deeper.
pub(crate) const CLAUDE_MD: Text = Text {
    before: "# Billing\n\nPython 3.13, *no* frameworks.\n\n## Team\n\n",
    portion: "### Working rules\n\n- To be written.\n\n",
    after: "## Deployment\n\nNever on a Friday.\n",
};

/// The web server of one site.
pub(crate) const ORIGIN: Text = Text {
    before: "# origin, Hamburg\nworker_processes 8;\nhttp {\n    ",
    portion: "# inlay:begin upstreams\n    upstream shop {\n        server 10.0.0.11:8080;\n        server 10.0.0.12:8080;\n    }\n    # inlay:end upstreams\n",
    after: "    server { listen 443 ssl; server_name shop.example; }\n}\n",
};

/// The web server of another site, indented with tabs.
pub(crate) const EDGE: Text = Text {
    before: "# edge, Lisbon\nworker_processes 2;\nhttp {\n\t",
    portion: "# inlay:begin upstreams\n\t# inlay:end upstreams\n",
    after: "\tserver { listen 8443 ssl; server_name edge.example; }\n}\n",
};
