//! The walls: what is written in one place only, as data.

use std::collections::BTreeSet;

use super::Findings;
use super::source::Source;

/// Something that only some code may mention.
struct Wall {
    /// The words (paths, identifiers, macros) that give it away.
    words: &'static [&'static str],
    /// Whether it holds for this file.
    holds: fn(&Source) -> bool,
    /// Why.
    why: &'static str,
}

const WALLS: &[Wall] = &[
    Wall {
        words: &[
            "std::fs",
            "std::net",
            "std::process",
            "std::thread",
            "std::env",
            "std::time",
            "std::os",
            "tokio",
            "rand",
            "getrandom",
            "Instant",
            "SystemTime",
            "RandomState",
            "async fn",
        ],
        holds: |s| matches!(s.krate(), "portion" | "plan"),
        why: "portion and plan are pure: no files, network, tasks, clock or randomness; time and ids come in as arguments",
    },
    Wall {
        words: &[
            "println!",
            "print!",
            "eprintln!",
            "eprint!",
            "stdout()",
            "stderr()",
            "env::var",
            "env::var_os",
            "env::vars",
            "env::args",
            "home_dir",
        ],
        // Some systems tell their own name only there.
        holds: |s| !matches!(s.krate(), "inlay" | "testkit" | "xtask") && s.below_src() != "os.rs",
        why: "only inlay prints to a terminal or reads environment variables",
    },
    Wall { words: &["dbg!"], holds: |_| true, why: "left over from looking for a fault" },
    Wall {
        words: &["Serialize", "Deserialize", "serde"],
        holds: |s| s.krate() == "plan",
        why: "plan's types are not Serialize; wire and store have counterparts of their own",
    },
    Wall {
        words: &["rusqlite"],
        holds: |s| match s.krate() {
            "manager" => !under(s, "store"),
            "agent" => !under(s, "record"),
            "testkit" => false,
            _ => true,
        },
        why: "only manager's store (and agent's record, for users' databases) knows SQL",
    },
    Wall {
        words: &["prost", "tonic_prost"],
        holds: |s| !matches!(s.krate(), "wire" | "xtask"),
        why: "only wire knows protobuf",
    },
    Wall {
        words: &["aes256ctr_poly1305aes", "scrypt", "zstd", "fastcdc", "object_store"],
        holds: |s| !matches!(s.krate(), "repo" | "testkit"),
        why: "only repo knows the repository format and its storage",
    },
    Wall {
        words: &["toml_edit", "granit_parser", "saphyr_parser", "pulldown_cmark", "gix_config", "jsonc_parser"],
        holds: |s| !matches!(s.krate(), "portion" | "testkit"),
        why: "only portion parses the formats of users' files",
    },
    Wall {
        words: &["clap", "indicatif", "anstream", "rpassword"],
        holds: |s| !matches!(s.krate(), "inlay" | "testkit"),
        why: "only inlay has a command line",
    },
];

/// Names that say nothing.
const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc"];

fn under(source: &Source, module: &str) -> bool {
    source.below_src().split('/').next().is_some_and(|top| top == module || top.strip_suffix(".rs") == Some(module))
}

/// Looks for breaches in one file. Tests may do what the code that they test may not, except by their names.
pub(crate) fn check(source: &Source, findings: &mut Findings) {
    for part in source.path.split('/') {
        let name = part.strip_suffix(".rs").unwrap_or(part);
        if EMPTY_NAMES.contains(&name) {
            findings.error(format!("{}: a module called `{name}` says nothing of what is in it", source.path));
        }
    }
    for name in EMPTY_NAMES {
        for at in source.places(&format!("mod {name}")) {
            let line = source.line_of(at);
            findings.error(format!("{}:{line}: a module called `{name}` says nothing of what is in it", source.path));
        }
    }
    if source.is_test() {
        return;
    }
    for wall in WALLS.iter().filter(|wall| (wall.holds)(source)) {
        for word in wall.words {
            let lines: BTreeSet<usize> = source.places(word).into_iter().map(|at| source.line_of(at)).collect();
            for line in lines {
                findings.error(format!("{}:{line}: `{word}`: {}", source.path, wall.why));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, expected: &[&str]) {
        let mut findings = Findings::default();
        super::check(&Source::new(path, text), &mut findings);
        let heads: Vec<String> = findings
            .errors
            .iter()
            .map(|e| e.rsplit_once('`').map_or(e.clone(), |(head, _)| format!("{head}`")))
            .collect();
        assert_eq!(heads, expected, "in {path}: {text}");
    }

    #[test]
    fn each_wall_is_guarded() {
        check("crates/portion/src/lens.rs", "use std::fs;\n", &["crates/portion/src/lens.rs:1: `std::fs`"]);
        check("crates/plan/src/lib.rs", "\n\nlet t = Instant::now();", &["crates/plan/src/lib.rs:3: `Instant`"]);
        check("crates/plan/src/lib.rs", "tokio::spawn(x)", &["crates/plan/src/lib.rs:1: `tokio`"]);
        check("crates/portion/src/x.rs", "std::net::TcpStream", &["crates/portion/src/x.rs:1: `std::net`"]);
        check("crates/portion/src/x.rs", "getrandom::fill(b)", &["crates/portion/src/x.rs:1: `getrandom`"]);
        check("crates/plan/src/id.rs", "#[derive(Clone, Serialize)]", &["crates/plan/src/id.rs:1: `Serialize`"]);
        check("crates/agent/src/watch.rs", "println!(\"x\")", &["crates/agent/src/watch.rs:1: `println!`"]);
        check("crates/repo/src/a.rs", "std::env::var(\"X\")", &["crates/repo/src/a.rs:1: `env::var`"]);
        check("crates/manager/src/app/link.rs", "use rusqlite::X;", &["crates/manager/src/app/link.rs:1: `rusqlite`"]);
        check("crates/agent/src/x.rs", "prost::Message", &["crates/agent/src/x.rs:1: `prost`"]);
        check("crates/agent/src/x.rs", "scrypt::scrypt()", &["crates/agent/src/x.rs:1: `scrypt`"]);
        check("crates/inlay/src/x.rs", "toml_edit::Document", &["crates/inlay/src/x.rs:1: `toml_edit`"]);
        check("crates/media/src/x.rs", "clap::Parser", &["crates/media/src/x.rs:1: `clap`"]);
    }

    #[test]
    fn names_that_say_nothing_are_found() {
        check("crates/agent/src/util.rs", "", &["crates/agent/src/util.rs: a module called `util`"]);
        check("crates/agent/src/helpers/x.rs", "", &["crates/agent/src/helpers/x.rs: a module called `helpers`"]);
        check("crates/agent/src/lib.rs", "mod misc {}", &["crates/agent/src/lib.rs:1: a module called `misc`"]);
        check("crates/agent/tests/common.rs", "", &["crates/agent/tests/common.rs: a module called `common`"]);
    }

    #[test]
    fn what_is_allowed_is_quiet() {
        check("crates/inlay/src/x.rs", "println!(\"x\"); std::env::var(\"X\")", &[]);
        check("crates/manager/src/store/sqlite.rs", "use rusqlite::X;", &[]);
        check("crates/manager/src/store.rs", "use rusqlite::X;", &[]);
        check("crates/agent/src/record/sqlite.rs", "use rusqlite::X;", &[]);
        check("crates/repo/src/key.rs", "scrypt::scrypt()", &[]);
        check("crates/portion/src/lens.rs", "// std::fs is not used here\nlet s = \"std::fs\";", &[]);
        check("crates/portion/src/lens.rs", "#[cfg(test)]\nmod tests { use std::fs; }", &[]);
        check("crates/portion/tests/laws.rs", "use std::fs; println!()", &[]);
        check("crates/agent/src/os.rs", "std::fs::read(p)", &[]);
    }
}
