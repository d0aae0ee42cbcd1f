//! Which scheme a file has that names none: by its name, then by the first bytes of its content.

use super::Scheme;
use crate::lens::BOM;

/// How much of the content is looked at, in bytes.
const LOOKED_AT: usize = 8192;

/// Extensions of files that are often, and not always, ini files.
const PERHAPS_INI: &[&str] = &["cfg", "conf", "cnf", "config"];

/// What scripts are run by.
const INTERPRETERS: &[(&str, Scheme)] = &[
    ("python", Scheme::Python),
    ("node", Scheme::JavaScript),
    ("nodejs", Scheme::JavaScript),
    ("bash", Scheme::Bash),
    ("sh", Scheme::Bash),
    ("dash", Scheme::Bash),
    ("ruby", Scheme::Ruby),
    ("php", Scheme::Php),
    ("lua", Scheme::Lua),
];

/// Directories whose `*.json` files the editors of the VS Code family read with comments.
const EDITORS: &[&str] =
    &["code", "code - insiders", "code - oss", "vscodium", "cursor", "windsurf", "positron", "trae", "kiro"];

pub(super) fn detect(path: &str, content: &[u8]) -> Option<Scheme> {
    let path = path.replace('\\', "/").to_lowercase();
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let content = content.strip_prefix(BOM).unwrap_or(content);
    let content = &content[..content.len().min(LOOKED_AT)];

    let ends = |end: &str| path.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
    if let Some(scheme) = Scheme::ALL.iter().find(|scheme| scheme.names().iter().any(|end| ends(end))) {
        return Some(*scheme);
    }
    if extension == "json" && (is_commented(directory, name) || starts_with_comment(content)) {
        return Some(Scheme::Jsonc);
    }
    if directory.ends_with("/nginx/sites-available")
        || directory.ends_with("/nginx/sites-enabled")
        || (directory.ends_with("/nginx/conf.d") && extension == "conf")
    {
        return Some(Scheme::Nginx);
    }
    if name.starts_with(".env.") {
        return Some(Scheme::Env);
    }
    // Drop-ins, and the configuration of systemd's own programs.
    if extension == "conf" && (directory.ends_with(".d") && is_unit(directory) || directory.ends_with("/systemd")) {
        return Some(Scheme::Systemd);
    }
    if let Some(scheme) = Scheme::ALL.iter().find(|scheme| scheme.extensions().contains(&extension)) {
        return Some(*scheme);
    }
    if PERHAPS_INI.contains(&extension) && looks_like_ini(content) {
        return Some(Scheme::Ini);
    }
    by_content(content)
}

/// `foo.service.d`: the name of a directory of drop-ins.
fn is_unit(directory: &str) -> bool {
    let stem = directory.strip_suffix(".d").unwrap_or(directory);
    let extension = stem.rsplit_once('.').map_or("", |(_, extension)| extension);
    Scheme::Systemd.extensions().contains(&extension)
}

/// A `*.json` file that its program reads with comments.
fn is_commented(directory: &str, name: &str) -> bool {
    let mut parents = directory.rsplit('/');
    let parent = parents.next().unwrap_or_default();
    name.starts_with("tsconfig")
        || name.starts_with("jsconfig")
        || parent == ".vscode"
        || parent == ".zed"
        || (parent == "user" && parents.next().is_some_and(|editor| EDITORS.contains(&editor)))
        || (parent == "snippets" && parents.next() == Some("user"))
        || directory.contains("/windows terminal")
        || directory.contains("/microsoft.windowsterminal")
}

fn starts_with_comment(content: &[u8]) -> bool {
    let content = content.trim_ascii_start();
    content.starts_with(b"//") || content.starts_with(b"/*")
}

/// How a SQLite database begins: <https://www.sqlite.org/fileformat2.html>.
const DATABASE: &[u8] = b"SQLite format 3\0";

/// What the first line of a script says it is run by: `#!/usr/bin/env python3`.
fn by_interpreter(content: &[u8]) -> Option<Scheme> {
    let line = content.strip_prefix(b"#!")?.split(|b| *b == b'\n').next()?;
    let words = std::str::from_utf8(line).ok()?.split_whitespace();
    let mut names = words.map(|word| word.rsplit('/').next().unwrap_or(word)).filter(|word| !word.starts_with('-'));
    let name = names.find(|name| *name != "env")?;
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    INTERPRETERS.iter().find(|(interpreter, _)| *interpreter == name).map(|(_, scheme)| *scheme)
}

fn by_content(content: &[u8]) -> Option<Scheme> {
    if content.starts_with(b"#!") {
        return by_interpreter(content);
    }
    if content.starts_with(DATABASE) {
        return Some(Scheme::Sqlite);
    }
    let text = content.trim_ascii_start();
    let second = text.get(1..).unwrap_or_default().trim_ascii_start().first();
    match (text.first()?, second) {
        (b'{', Some(b'"' | b'}')) => return Some(Scheme::Json),
        (b'{', Some(b'/')) => return Some(Scheme::Jsonc),
        (b'[', Some(b'{' | b'"')) => return Some(Scheme::Json),
        (b'/', Some(b'/' | b'*')) if holds_object(text) => return Some(Scheme::Jsonc),
        _ => {}
    }
    let begins = |start: &[u8]| text.get(..start.len()).is_some_and(|text| text.eq_ignore_ascii_case(start));
    if begins(b"BEGIN:VCALENDAR") {
        return Some(Scheme::Ics);
    }
    if begins(b"BEGIN:VCARD") {
        return Some(Scheme::Vcf);
    }
    if begins(b"<!DOCTYPE html") || begins(b"<html") {
        return Some(Scheme::Html);
    }
    if text.starts_with(b"<?xml ") {
        return Some(Scheme::Xml);
    }
    if text.starts_with(b"---\n") || text.starts_with(b"---\r\n") || text.starts_with(b"%YAML") {
        return Some(Scheme::Yaml);
    }
    let has_section = content.split(|b| *b == b'\n').any(|line| is_section(line.trim_ascii()));
    (has_section && looks_like_ini(content)).then_some(Scheme::Ini)
}

/// The first line that is no comment starts an object.
fn holds_object(text: &[u8]) -> bool {
    let mut lines = text.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
    lines
        .find(|line| !line.is_empty() && !line.starts_with(b"/") && !line.starts_with(b"*"))
        .is_some_and(|line| line.starts_with(b"{"))
}

fn is_section(line: &[u8]) -> bool {
    line.len() > 2 && line.starts_with(b"[") && line.ends_with(b"]") && !line.contains(&b'"') && !line.contains(&b',')
}

/// Every line is blank, a comment, a section's head, `key = value`, or goes on from the one before; and one at least is a head
/// or a key.
fn looks_like_ini(content: &[u8]) -> bool {
    // A last line that was cut off tells nothing.
    let whole = if content.len() == LOOKED_AT { memchr::memrchr(b'\n', content).unwrap_or(0) } else { content.len() };
    let mut keys = 0;
    for line in content[..whole].split(|b| *b == b'\n') {
        let trimmed = line.trim_ascii();
        let is_comment = trimmed.starts_with(b"#") || trimmed.starts_with(b";");
        let goes_on = keys > 0 && line.first().is_some_and(|b| matches!(b, b' ' | b'\t'));
        if trimmed.is_empty() || is_comment {
            continue;
        }
        if trimmed.ends_with(b"{") || trimmed.ends_with(b"}") || trimmed.ends_with(b";") {
            return false;
        }
        let key = trimmed.split(|b| *b == b'=').next().unwrap_or_default().trim_ascii();
        let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b' ' | b':' | b'/' | b'*');
        let is_key = key.len() < trimmed.len() && !key.is_empty() && key.iter().all(plain);
        if is_section(trimmed) || is_key {
            keys += 1;
        } else if !goes_on {
            return false;
        }
    }
    keys > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_tell_then_content() {
        for (path, content, expected) in [
            ("/home/a/.claude.json", "{}", Some("json")),
            ("~/.claude.json", "", Some("json")),
            (".mcp.json", "", Some("json")),
            ("a/package.JSON", "", Some("json")),
            ("~/.claude/settings.json", "", Some("json")),
            ("tsconfig.build.json", "", Some("jsonc")),
            (".vscode/mcp.json", "", Some("jsonc")),
            ("~/.config/Code/User/settings.json", "", Some("jsonc")),
            ("~/.config/VSCodium/User/snippets/rust.json", "", Some("jsonc")),
            ("C:\\Users\\a\\AppData\\Roaming\\Cursor\\User\\keybindings.json", "", Some("jsonc")),
            ("~/.cursor/mcp.json", "", Some("json")),
            ("~/.config/zed/settings.json", "", Some("jsonc")),
            ("a.code-workspace", "", Some("jsonc")),
            ("a.jsonc", "", Some("jsonc")),
            ("~/.local/share/applications/a.desktop", "", Some("desktop")),
            ("plots.ipynb", "{}", Some("ipynb")),
            ("renovate.json5", "", Some("json5")),
            ("a.json", "// generated\n{}", Some("jsonc")),
            ("~/.codex/config.toml", "", Some("toml")),
            ("Cargo.lock", "", Some("toml")),
            ("docker-compose.yml", "", Some("yaml")),
            ("values.yaml", "", Some("yaml")),
            ("~/.gitconfig", "", Some("gitconfig")),
            ("repo/.git/config", "", Some("gitconfig")),
            ("~/.config/git/config", "", Some("gitconfig")),
            ("~/.ssh/config", "", Some("ssh_config")),
            ("/etc/hosts", "", Some("hosts")),
            (".env", "", Some("env")),
            (".env.local", "", Some("env")),
            ("prod.env", "", Some("env")),
            ("a.service", "", Some("systemd")),
            ("/etc/systemd/system/a.service.d/override.conf", "", Some("systemd")),
            ("/etc/systemd/journald.conf", "", Some("systemd")),
            ("a.properties", "", Some("properties")),
            ("setup.ini", "", Some("ini")),
            ("setup.cfg", "[metadata]\nname = x\n", Some("ini")),
            ("my.conf", "# c\n[client]\nport=3306\n", Some("ini")),
            ("nginx.conf", "server {\n  listen 80;\n}\n", Some("nginx")),
            ("/etc/nginx/sites-available/default", "server {\n", Some("nginx")),
            ("sshd.conf", "Port 22\n", None),
            ("my.conf", "", None),
            ("index.html", "", Some("html")),
            ("page", "<!doctype HTML>\n<p>", Some("html")),
            ("pom.xml", "", Some("xml")),
            ("Info.plist", "bplist00", Some("xml")),
            ("src/App/Web.config", "", Some("xml")),
            ("settings.config", "<?xml version=\"1.0\"?>\n<a/>", Some("xml")),
            ("README.md", "---\na: 1\n---\n", Some("md")),
            ("config", "[a]\nb = 1\n", Some("ini")),
            ("config", "{\"a\": 1}", Some("json")),
            (".prettierrc", "{\n  // c\n  \"a\": 1\n}", Some("jsonc")),
            ("x", "---\na: 1\n", Some("yaml")),
            ("x", "[\"a\"]", Some("json")),
            ("team.ics", "", Some("ics")),
            ("contacts.vcf", "", Some("vcf")),
            ("calendar", "BEGIN:VCALENDAR\r\n", Some("ics")),
            ("card", "begin:vcard\n", Some("vcf")),
            ("x", "hello", None),
            ("x", "#!/usr/bin/python3 -E\n", Some("python")),
            ("x", "#!/usr/bin/env -S node --x\n[a]\nb=1\n", Some("javascript")),
            ("x", "#!/usr/bin/perl\n", None),
            ("a/lib.rs", "", Some("rust")),
            ("a.H", "", Some("cpp")),
            ("a.tsx", "", Some("tsx")),
            ("x", "", None),
            ("", "", None),
        ] {
            assert_eq!(detect(path, content.as_bytes()).map(Scheme::name), expected, "{path} {content}");
        }
    }

    proptest! {
        #[test]
        fn any_name_and_content_will_do(path in ".{0,20}", content in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = detect(&path, &content);
        }
    }
}
