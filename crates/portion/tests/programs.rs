//! The named mappings: a file as each program writes it, and every pair of programs.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use portion::{Address, Format, Fragment, LensError, Mapping, Scheme, Selector, Value, get, insert, put};

/// A program: its mapping, a file of its, where that lies, its servers, and a key that only it knows.
struct Program {
    mapping: &'static str,
    path: &'static str,
    selector: &'static str,
    file: &'static str,
    own: &'static str,
}

/// All of these say the same: a program `docs` with an argument and a variable, `bare` without any, and a server `web` elsewhere with a header.
const PROGRAMS: &[Program] = &[
    Program {
        mapping: "mcp:claude",
        path: "/home/u/.claude.json",
        selector: "/mcpServers",
        file: r#"{
  "numStartups": 42,
  "mcpServers": {
    "docs": {
      "type": "stdio",
      "command": "npx",
      "args": [
        "-y",
        "docs-server"
      ],
      "env": {
        "API_KEY": "x"
      }
    },
    "bare": {
      "type": "stdio",
      "command": "bare",
      "args": [],
      "env": {}
    },
    "web": {
      "type": "http",
      "url": "https://example.com/mcp",
      "headers": {
        "X-Team": "a"
      },
      "headersHelper": "/opt/helper"
    }
  }
}
"#,
        own: "headersHelper",
    },
    Program {
        mapping: "mcp:codex",
        path: "/home/u/.codex/config.toml",
        selector: "/mcp_servers",
        file: r#"model = "gpt"

[mcp_servers.docs]
command = "npx"
args = ["-y", "docs-server"]
startup_timeout_sec = 20

[mcp_servers.docs.env]
API_KEY = "x"

[mcp_servers.bare]
command = "bare"

[mcp_servers.web]
url = "https://example.com/mcp"
http_headers = { "X-Team" = "a" }
"#,
        own: "startup_timeout_sec",
    },
    Program {
        mapping: "mcp:vscode",
        path: "/x/.vscode/mcp.json",
        selector: "/servers",
        file: r#"{
	"inputs": [
		{ "type": "promptString", "id": "key", "description": "API key", "password": true }
	],
	"servers": {
		"docs": {
			"type": "stdio",
			"command": "npx",
			"args": ["-y", "docs-server"],
			"env": { "API_KEY": "x" },
			"envFile": "${workspaceFolder}/.env"
		},
		"bare": {
			"command": "bare"
		},
		"web": {
			"type": "http",
			"url": "https://example.com/mcp",
			"headers": { "X-Team": "a" }
		},
	}
}
"#,
        own: "envFile",
    },
    Program {
        mapping: "mcp:cursor",
        path: "/home/u/.cursor/mcp.json",
        selector: "/mcpServers",
        file: r#"{
  "mcpServers": {
    "docs": {
      "command": "npx",
      "args": ["-y", "docs-server"],
      "env": { "API_KEY": "x" }
    },
    "bare": { "type": "stdio", "command": "bare", "args": [] },
    "web": {
      "url": "https://example.com/mcp",
      "headers": { "X-Team": "a" },
      "auth": { "CLIENT_ID": "c" }
    }
  }
}
"#,
        own: "auth",
    },
    Program {
        mapping: "mcp:zed",
        path: "/home/u/.config/zed/settings.json",
        selector: "/context_servers",
        file: r#"// Zed settings
{
  "theme": "One Dark",
  "context_servers": {
    "docs": {
      "source": "custom",
      "command": "npx",
      "args": ["-y", "docs-server"],
      "env": { "API_KEY": "x" }
    },
    "bare": { "command": "bare", "args": [], "env": {} },
    "web": {
      "url": "https://example.com/mcp",
      "headers": { "X-Team": "a" }
    }
  }
}
"#,
        own: "source",
    },
    Program {
        mapping: "mcp:gemini",
        path: "/home/u/.gemini/settings.json",
        selector: "/mcpServers",
        file: r#"{
  "selectedAuthType": "oauth-personal",
  "mcpServers": {
    "docs": {
      "command": "npx",
      "args": ["-y", "docs-server"],
      "env": { "API_KEY": "x" },
      "timeout": 30000,
      "trust": false
    },
    "bare": { "command": "bare" },
    "web": {
      "httpUrl": "https://example.com/mcp",
      "headers": { "X-Team": "a" }
    }
  }
}
"#,
        own: "timeout",
    },
    Program {
        mapping: "mcp:windsurf",
        path: "/home/u/.codeium/windsurf/mcp_config.json",
        selector: "/mcpServers",
        file: r#"{
  "mcpServers": {
    "docs": {
      "command": "npx",
      "args": ["-y", "docs-server"],
      "env": { "API_KEY": "x" },
      "disabledTools": ["search"]
    },
    "bare": { "command": "bare" },
    "web": {
      "serverUrl": "https://example.com/mcp",
      "headers": { "X-Team": "a" }
    }
  }
}
"#,
        own: "disabledTools",
    },
    Program {
        mapping: "mcp:opencode",
        path: "/x/opencode.json",
        selector: "/mcp",
        file: r#"{
  "$schema": "https://opencode.ai/config.json",
  "mcp": {
    "docs": {
      "type": "local",
      "command": ["npx", "-y", "docs-server"],
      "enabled": true,
      "environment": { "API_KEY": "x" }
    },
    "bare": { "type": "local", "command": ["bare"] },
    "web": {
      "type": "remote",
      "url": "https://example.com/mcp",
      "headers": { "X-Team": "a" },
      "enabled": true
    }
  }
}
"#,
        own: "enabled",
    },
];

const DESKTOP: &str = r#"{
  "mcpServers": {
    "docs": { "command": "npx", "args": ["-y", "docs-server"], "env": { "API_KEY": "x" } },
    "bare": { "command": "bare", "args": [] }
  }
}
"#;

const GROUP: &str = r#"{
    "docs": {"command": "npx", "args": ["-y", "docs-server"], "env": {"API_KEY": "x"}},
    "bare": {"command": "bare"},
    "web": {"url": "https://example.com/mcp", "headers": {"X-Team": "a"}}
}"#;

/// The same with an edit in every part, a server less and one more.
const EDITED: &str = r#"{
    "docs": {"command": "npx", "args": ["docs-server@2"], "env": {"API_KEY": "y", "B": "1"}},
    "web": {"url": "https://example.org/mcp", "headers": {"X-Team": "b"}},
    "new": {"command": "uvx", "args": ["new-server"]},
    "far": {"url": "https://example.net/mcp"}
}"#;

fn value(json: &str) -> Value {
    Format::Json.value(json.as_bytes()).unwrap()
}

fn scheme(program: &Program) -> Scheme {
    Scheme::detect(program.path, program.file.as_bytes()).unwrap()
}

fn mapping(program: &Program) -> Mapping {
    program.mapping.parse().unwrap()
}

fn own(program: &Program, file: &[u8]) -> Fragment {
    get(scheme(program), file, program.selector).unwrap()
}

fn meaning(program: &Program, file: &[u8]) -> Value {
    let mapping = mapping(program);
    let shared = mapping.share(own(program, file)).unwrap();
    mapping.value(&shared).unwrap_or_else(|error| panic!("{}: {error}", program.mapping))
}

/// The file with a value of the group in it.
fn with(program: &Program, file: &[u8], group: &Value) -> Result<Vec<u8>, LensError> {
    let (mapping, own) = (mapping(program), own(program, file));
    let updated = mapping.update(&mapping.share(own.clone())?, group)?;
    let whole = mapping.unshare(Some(&own), &updated)?;
    Ok(put(scheme(program), file, program.selector, &whole)?.unwrap_or_else(|| file.to_vec()))
}

#[test]
fn every_program_says_the_same() {
    for program in PROGRAMS {
        assert_eq!(meaning(program, program.file.as_bytes()), value(GROUP), "{}", program.mapping);
    }
}

#[test]
fn known_files_propose_their_mapping() {
    for program in PROGRAMS {
        let selector: Selector = program.selector.parse().unwrap();
        let proposed = Mapping::proposed(program.path, &selector).unwrap();
        assert_eq!(proposed.to_string(), program.mapping);
        let usual = Selector::usual(program.path).unwrap();
        assert_eq!(usual, selector, "{}", program.path);
    }
    let settings = Selector::usual("/home/u/.config/Cursor/User/settings.json").unwrap();
    assert_eq!(settings.to_string(), "jsonc:");
    let address =
        Address { agent: None, path: "/home/u/.config/Code/User/settings.json".to_owned(), selector: Some(settings) };
    let selector = address.to_string().parse::<Address>().unwrap().selector.unwrap();
    assert_eq!(Mapping::proposed(&address.path, &selector).unwrap().to_string(), "settings:vscode");
    let servers: Selector = "/mcp/servers".parse().unwrap();
    assert_eq!(Mapping::proposed("/x/opencode.jsonc", &servers).unwrap().to_string(), "mcp:opencode");
}

#[test]
fn one_server_says_what_it_says_among_all() {
    for program in PROGRAMS {
        let scheme = Scheme::detect(program.path, program.file.as_bytes()).unwrap();
        for name in ["docs", "bare", "web"] {
            let selector = format!("{}/{name}", program.selector);
            let Ok(own) = get(scheme, program.file.as_bytes(), &selector) else {
                panic!("{}: {selector} is missing", program.path);
            };
            let mapping = Mapping::proposed(program.path, &selector.parse().unwrap()).unwrap();
            assert_eq!(mapping.to_string(), format!("{}/server", program.mapping));
            let shared = mapping.share(own.clone()).unwrap();
            let meant = mapping.value(&shared).unwrap();
            assert_eq!(Some(&meant), value(GROUP).child(name), "{}#{selector}", program.path);
            // And back: nothing that is equal is touched, and what is written anew means the same.
            let updated = mapping.update(&shared, &meant).unwrap();
            assert_eq!(mapping.unshare(Some(&own), &updated).unwrap(), own, "{}#{selector}", program.path);
            let anew = mapping.render(own.format, &meant).unwrap();
            assert_eq!(mapping.value(&anew).unwrap(), meant, "{}#{selector}", program.path);
        }
    }
}

#[test]
fn what_one_writes_the_others_read() {
    for from in PROGRAMS {
        let edited = with(from, from.file.as_bytes(), &value(EDITED)).unwrap();
        assert_eq!(meaning(from, &edited), value(EDITED), "{}", from.mapping);
        for to in PROGRAMS {
            let there = with(to, to.file.as_bytes(), &meaning(from, &edited)).unwrap();
            assert_eq!(meaning(to, &there), value(EDITED), "{} to {}", from.mapping, to.mapping);
            // And back: what stood there first stands there again, with what is its own.
            let back = with(to, &there, &meaning(from, from.file.as_bytes())).unwrap();
            assert_eq!(meaning(to, &back), value(GROUP), "{} to {} and back", from.mapping, to.mapping);
            let stays = ["docs", "web"].iter().any(|server| {
                own(to, &there)
                    .format
                    .value(&own(to, &there).text)
                    .unwrap()
                    .pointer(&format!("/{server}/{}", to.own))
                    .is_some()
            });
            assert!(stays, "{} lost `{}`:\n{}", to.mapping, to.own, String::from_utf8_lossy(&there));
        }
    }
}

#[test]
fn what_means_the_same_stays_byte_for_byte() {
    for program in PROGRAMS {
        let file = program.file.as_bytes();
        assert_eq!(with(program, file, &value(GROUP)).unwrap(), file, "{}", program.mapping);
    }
}

#[test]
fn a_missing_table_is_made() {
    for program in PROGRAMS {
        let mapping = mapping(program);
        let format = if scheme(program) == Scheme::Toml { Format::Toml } else { Format::Json };
        let made = mapping.render(format, &value(GROUP)).unwrap();
        let file = if scheme(program) == Scheme::Toml { "" } else { "{}" };
        let written = insert(scheme(program), file.as_bytes(), program.selector, &made).unwrap();
        assert_eq!(meaning(program, &written), value(GROUP), "{}", program.mapping);
        let text = String::from_utf8(written).unwrap();
        // Empty tables are left out of what is new.
        assert!(!text.contains("[]") && !text.contains("{}"), "{text}");
    }
}

#[test]
fn what_a_program_cannot_say_is_named() {
    let sse = value(r#"{"s": {"type": "sse", "url": "https://a"}}"#);
    for (name, expected) in [
        ("mcp:claude", None),
        ("mcp:vscode", None),
        ("mcp:cursor", None),
        (
            "mcp:codex",
            Some(
                "`type`, for which its mapping `mcp:codex` has no word (`--except '/s'` leaves that server out) at `/s/type`",
            ),
        ),
        (
            "mcp:zed",
            Some(
                "`type`, for which its mapping `mcp:zed` has no word (`--except '/s'` leaves that server out) at `/s/type`",
            ),
        ),
        (
            "mcp:gemini",
            Some(
                "`type`, for which its mapping `mcp:gemini` has no word (`--except '/s'` leaves that server out) at `/s/type`",
            ),
        ),
        (
            "mcp:windsurf",
            Some(
                "`type`, for which its mapping `mcp:windsurf` has no word (`--except '/s'` leaves that server out) at `/s/type`",
            ),
        ),
        ("mcp:opencode", Some("`type`, which here is another key's name at `/s/type`")),
        ("mcp:claude-desktop", Some("for which its mapping `mcp:claude-desktop` has no word (`--except '/s'`")),
    ] {
        let mapping: Mapping = name.parse().unwrap();
        match (mapping.render(Format::Json, &sse), expected) {
            (Ok(_), None) => {}
            (Err(error), Some(expected)) => assert!(error.to_string().contains(expected), "{name}: {error}"),
            (made, _) => panic!("{name}: {made:?}"),
        }
    }
    // What the error says to do is possible, on both sides of a copy.
    let [claude, codex] =
        ["mcp:claude; except /s", "mcp:codex; except /s"].map(|text| text.parse::<Mapping>().unwrap());
    let own = Fragment { format: Format::Json, text: br#"{"s": {"type": "sse", "url": "https://a"}}"#.to_vec() };
    let rest = claude.value(&claude.share(own).unwrap()).unwrap();
    assert!(codex.render(Format::Json, &rest).is_ok());
    // Of one server there is nothing else to leave out.
    let one: Mapping = "mcp:codex/server".parse().unwrap();
    let error = one.render(Format::Toml, &value(r#"{"type": "sse", "url": "https://a"}"#)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "toml cannot say `type`, for which its mapping `mcp:codex/server` has no word at `/type`"
    );
    // What a file says otherwise than the group can.
    let said = |name: &str, text: &str| {
        let mapping: Mapping = name.parse().unwrap();
        let own = Fragment { format: Format::Json, text: text.as_bytes().to_vec() };
        mapping.value(&mapping.share(own).unwrap()).unwrap_err().to_string()
    };
    assert_eq!(
        said("mcp:gemini", r#"{"s": {"url": "https://a/sse"}}"#),
        "json cannot say this: the group calls another key `url` at `/s/url`"
    );
    assert_eq!(
        said("mcp:opencode", r#"{"s": {"type": "local", "command": "npx -y x"}}"#),
        "json cannot say text: the group needs a list here at `/s/command`"
    );
    assert_eq!(
        said("mcp:opencode", r#"{"s": {"type": "local", "command": []}}"#),
        "json cannot say a list that does not begin with a text at `/s/command`"
    );
    let opencode: Mapping = "mcp:opencode".parse().unwrap();
    let without = opencode.render(Format::Json, &value(r#"{"s": {"args": ["x"]}}"#)).unwrap_err();
    assert_eq!(without.to_string(), "json cannot say `args` without `command` at `/s/args`");
}

#[test]
fn claude_desktop_has_programs_only() {
    let mapping: Mapping = "mcp:claude-desktop".parse().unwrap();
    let file = DESKTOP.as_bytes();
    let own = get(Scheme::Json, file, "/mcpServers").unwrap();
    let shared = mapping.share(own.clone()).unwrap();
    let group = r#"{"docs": {"command": "npx", "args": ["-y", "docs-server"], "env": {"API_KEY": "x"}}, "bare": {"command": "bare"}}"#;
    assert_eq!(mapping.value(&shared).unwrap(), value(group));
    let web = mapping.update(&shared, &value(GROUP)).unwrap_err().to_string();
    assert!(web.contains("for which its mapping `mcp:claude-desktop` has no word (`--except '/web'`"), "{web}");
    for program in PROGRAMS {
        let there = with(program, program.file.as_bytes(), &value(group)).unwrap();
        assert_eq!(mapping.update(&shared, &meaning(program, &there)).unwrap(), shared, "{}", program.mapping);
    }
}

#[test]
fn settings_of_one_machine_stay_there() {
    let here = "{\n  // mine\n  \"editor.fontSize\": 13,\n  \"http.proxy\": \"http://proxy:3128\",\n  \"[python]\": { \"editor.tabSize\": 4 },\n  \"python.defaultInterpreterPath\": \"/usr/bin/python3\"\n}\n";
    let there = "{\n  \"editor.fontSize\": 12,\n  \"git.path\": \"C:\\\\git.exe\",\n}\n";
    let mapping: Mapping = "settings:vscode".parse().unwrap();
    let file = |text: &str| get(Scheme::Jsonc, text.as_bytes(), "").unwrap();
    let shared = mapping.share(file(here)).unwrap();
    assert_eq!(mapping.value(&shared).unwrap(), value(r#"{"editor.fontSize": 13, "[python]": {"editor.tabSize": 4}}"#));
    let own = file(there);
    let updated = mapping.update(&mapping.share(own.clone()).unwrap(), &mapping.value(&shared).unwrap()).unwrap();
    let whole = mapping.unshare(Some(&own), &updated).unwrap();
    let written = put(Scheme::Jsonc, there.as_bytes(), "", &whole).unwrap().unwrap();
    let text = String::from_utf8(written).unwrap();
    assert!(text.contains("\"git.path\": \"C:\\\\git.exe\"") && text.contains("\"editor.fontSize\": 13"), "{text}");
    assert!(!text.contains("proxy") && !text.contains("Interpreter"), "{text}");
}
