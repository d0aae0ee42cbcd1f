//! A user with an editor: adds unique words to portions, and writes around them.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use portion::{Scheme, Value};
use rusqlite::Connection;

/// A file of a format, with one portion to which words are added and a rest that is the user's own.
#[derive(Debug, Clone)]
pub struct Document {
    /// Where it lies.
    pub path: PathBuf,
    /// Its format.
    pub scheme: Scheme,
    /// The portion.
    pub expression: &'static str,
    /// Whether its editor syncs what it saves: then an edit outlasts the power, too.
    pub synced: bool,
}

/// The formats that [`Document::new`] knows; the first four exchange values, the next two text, the last rows of a database.
pub const KINDS: usize = 7;

impl Document {
    /// A file of the `kind`th format; `owner` marks the rest of it.
    pub fn new(path: PathBuf, kind: usize, owner: &str) -> Document {
        if kind % KINDS == KINDS - 1 {
            return Document::database(path, owner);
        }
        let (scheme, expression, text) = match kind % KINDS {
            0 => (
                Scheme::Json,
                "/shared",
                format!(
                    "{{\n  \"owner\": \"{owner}\",\n  \"shared\": {{\n    \"words\": []\n  }},\n  \"rest\": [1, 2]\n}}\n"
                ),
            ),
            1 => (
                Scheme::Toml,
                "/shared",
                format!("owner = \"{owner}\" # mine\n\n[shared]\nwords = []\n\n[rest]\nx = 1\n"),
            ),
            2 => (Scheme::Yaml, "/shared", format!("owner: {owner} # mine\nshared:\n  words: []\nrest:\n  x: 1\n")),
            3 => (
                Scheme::Jsonc,
                "/shared",
                format!("{{\n\t// mine\n\t\"owner\": \"{owner}\",\n\t\"shared\": {{ \"words\": [] }},\n}}\n"),
            ),
            4 => (Scheme::Mark, "words", format!("# {owner}\n# inlay:begin words\n# inlay:end words\nrest {owner}\n")),
            _ => (
                Scheme::Mark,
                "words",
                format!("// {owner}\n\t// inlay:begin words\n\t// inlay:end words\r\n// rest {owner}\n"),
            ),
        };
        std::fs::write(&path, text).unwrap();
        Document { path, scheme, expression, synced: false }
    }

    /// A database: the words are rows, the owner's name stands in a column beside them and in a table of its own.
    fn database(path: PathBuf, owner: &str) -> Document {
        let connection = Connection::open(&path).unwrap();
        // One of two ways in which programs keep their databases, by whose it is.
        let journal = if owner.bytes().last().is_some_and(|last| last % 2 == 1) { "WAL" } else { "DELETE" };
        connection.pragma_update(None, "journal_mode", journal).unwrap();
        let sql = format!(
            "CREATE TABLE words (word TEXT PRIMARY KEY, mine TEXT DEFAULT '{owner}') WITHOUT ROWID;
             CREATE TABLE owner (name TEXT); INSERT INTO owner VALUES ('{owner}');"
        );
        connection.execute_batch(&sql).unwrap();
        Document { path, scheme: Scheme::Sqlite, expression: "words(word)", synced: false }
    }

    /// The database, for one of its users: another program that writes to it. What is committed is durable.
    pub fn open(&self) -> Connection {
        let connection = Connection::open(&self.path).unwrap();
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        connection.pragma_update(None, "synchronous", "EXTRA").unwrap();
        connection
    }

    fn is_database(&self) -> bool {
        self.scheme == Scheme::Sqlite
    }

    /// The column by which rows are told apart, if it has rows.
    pub fn key(&self) -> Option<&'static str> {
        self.is_database().then_some("word")
    }

    /// The selector, with its scheme.
    pub fn selector(&self) -> String {
        format!("{}:{}", self.scheme, self.expression)
    }

    /// The bytes of the file.
    pub fn read(&self) -> Vec<u8> {
        std::fs::read(&self.path).unwrap()
    }

    /// The portion's text.
    pub fn portion(&self) -> String {
        if self.is_database() {
            let fragment = agent::record::get(&self.path, self.expression).unwrap();
            return String::from_utf8(fragment.text).unwrap();
        }
        let fragment = portion::get(self.scheme, &self.read(), self.expression).unwrap();
        String::from_utf8(fragment.text).unwrap()
    }

    /// Everything but the portion's own bytes: what stands before and after the words.
    pub fn rest(&self) -> String {
        if self.is_database() {
            // Every row has the owner's mark in the column that is not shared.
            let rest = "SELECT name || ' ' || (SELECT count(*) FROM words WHERE quote(mine) <> dflt_value) FROM owner,
                        (SELECT dflt_value FROM pragma_table_xinfo('words') WHERE name = 'mine')";
            return self.open().query_row(rest, [], |row| row.get(0)).unwrap();
        }
        let file = self.read();
        let mut empty = portion::get(self.scheme, &file, self.expression).unwrap();
        empty.text = match self.scheme {
            Scheme::Mark => Vec::new(),
            _ => empty.format.update(&empty.text, &words(Vec::new())).unwrap(),
        };
        let text = portion::put(self.scheme, &file, self.expression, &empty).unwrap().unwrap_or(file);
        String::from_utf8(text).unwrap().replace([' ', '\n', '\t'], "")
    }

    /// Adds a word at the end, as an editor that saves by rename: if the file changed since it was read, it is read again.
    pub fn add(&self, word: &str) {
        self.insert(word, false);
    }

    /// Adds a word at the end, or in front.
    pub fn insert(&self, word: &str, in_front: bool) {
        if self.is_database() {
            self.open().execute("INSERT INTO words (word) VALUES (?1)", [word]).unwrap();
            return;
        }
        loop {
            let file = self.read();
            let mut fragment = portion::get(self.scheme, &file, self.expression).unwrap();
            fragment.text = if self.scheme == Scheme::Mark {
                let line = format!("{word}\n").into_bytes();
                if in_front { [line, fragment.text].concat() } else { [fragment.text, line].concat() }
            } else {
                let mut all = list(&fragment.format.value(&fragment.text).unwrap());
                all.insert(if in_front { 0 } else { all.len() }, word.to_owned());
                fragment.format.update(&fragment.text, &words(all)).unwrap()
            };
            let new = portion::put(self.scheme, &file, self.expression, &fragment).unwrap().unwrap();
            if self.replace(&file, &new) {
                return;
            }
        }
    }

    /// Changes the rest: the owner's name gets a further letter.
    pub fn write_around(&self, owner: &str, new_owner: &str) {
        if self.is_database() {
            let sql = "UPDATE owner SET name = replace(name, ?1, ?2)";
            self.open().execute(sql, [owner, new_owner]).unwrap();
            return;
        }
        loop {
            let file = self.read();
            let new = String::from_utf8(file.clone()).unwrap().replace(owner, new_owner);
            if self.replace(&file, new.as_bytes()) {
                return;
            }
        }
    }

    fn replace(&self, old: &[u8], new: &[u8]) -> bool {
        let temporary = self.path.with_extension("editor");
        let mut file = File::create(&temporary).unwrap();
        file.write_all(new).unwrap();
        if self.synced {
            file.sync_all().unwrap();
        }
        if self.read() != old {
            return false;
        }
        std::fs::rename(&temporary, &self.path).unwrap();
        if self.synced {
            File::open(self.path.parent().unwrap()).unwrap().sync_all().unwrap();
        }
        true
    }
}

fn words(all: Vec<String>) -> Value {
    Value::Map(vec![("words".to_owned(), Value::Sequence(all.into_iter().map(Value::String).collect()))])
}

fn list(value: &Value) -> Vec<String> {
    let Value::Map(entries) = value else { panic!("{value:?}") };
    let Some((_, Value::Sequence(items))) = entries.iter().find(|(key, _)| key == "words") else { panic!("{value:?}") };
    items.iter().map(|item| if let Value::String(word) = item { word.clone() } else { panic!("{item:?}") }).collect()
}
