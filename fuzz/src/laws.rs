//! The laws of the lens contract, for any file, any expression and any fragment: see `portion`'s `Lens`.

use portion::{Edit, Format, Fragment, LensError, Scheme, edits, get, insert, list, omitted, put, remove};

/// So many portions of a file are looked at.
const PORTIONS: usize = 12;

/// A file, what is asked of it, and what is put there.
pub struct Case<'a> {
    /// How portions are addressed.
    pub scheme: Scheme,
    /// The file.
    pub file: &'a [u8],
    /// Any expression.
    pub expression: &'a str,
    /// Any text to put.
    pub text: &'a [u8],
}

impl Case<'_> {
    /// Checks them all.
    pub fn check(&self) {
        let Case { scheme, file, expression, text } = *self;
        let listed = list(scheme, file);
        let _ = omitted(scheme, file);
        let every = listed.as_ref().map(Vec::len).unwrap_or_default().div_ceil(PORTIONS).max(1);
        for item in listed.iter().flatten().step_by(every) {
            let got = get(scheme, file, &item.selector);
            assert!(got.is_ok(), "{} is listed: {got:?}", item.selector);
            self.portion(&item.selector);
            self.put(&item.selector, text);
        }
        self.portion(expression);
        self.put(expression, text);
        self.insert(expression, text);
        self.remove(expression);
        if let Some(item) = listed.iter().flatten().last() {
            self.remove(&item.selector);
            self.insert(&format!("{}/x", item.selector), text);
        }
    }

    /// GetPut; and a fragment is tidy, and means something.
    fn portion(&self, expression: &str) {
        let Ok(standing) = get(self.scheme, self.file, expression) else { return };
        let again = put(self.scheme, self.file, expression, &standing);
        assert_eq!(again, Ok(None), "GetPut at {expression}");
        let tidied = standing.format.tidy(&standing.text).map(|text| text.into_owned());
        assert_eq!(tidied.as_deref(), Ok(&standing.text[..]), "{expression} is not tidy");
        // Text that is no UTF-8 can be kept the same, and means nothing.
        if std::str::from_utf8(&standing.text).is_ok() {
            match standing.format.value(&standing.text) {
                Ok(value) => {
                    let same = standing.format.update(&standing.text, &value);
                    assert_eq!(
                        same.as_deref(),
                        Ok(&standing.text[..]),
                        "an update by its own value changes {expression}"
                    );
                }
                // A YAML alias that names what it is part of, or that is repeated until it is enormous.
                Err(LensError::Refused(_) | LensError::TooLarge(_)) => {}
                Err(error) => panic!("{expression} means nothing: {error}"),
            }
        }
    }

    /// PutGet and Frame.
    fn put(&self, expression: &str, text: &[u8]) {
        let Ok(standing) = get(self.scheme, self.file, expression) else { return };
        let new = Fragment { format: standing.format, text: text.to_vec() };
        let Ok(planned) = edits(self.scheme, self.file, expression, &new) else { return };
        let written = put(self.scheme, self.file, expression, &new);
        let Some(planned) = planned else {
            assert_eq!(written, Ok(None));
            return;
        };
        let written = written.ok().flatten().expect("what was planned is written");
        self.frame(&planned, &written);
        self.stands(&written, expression, &new);
        assert!(list(self.scheme, self.file).is_err() || list(self.scheme, &written).is_ok(), "the result parses");
        // The value by itself, put into the text that stood there.
        if let (Ok(value), true) = (new.format.value(&new.text), std::str::from_utf8(&standing.text).is_ok()) {
            if let Ok(updated) = standing.format.update(&standing.text, &value) {
                means(standing.format, &updated, &value);
            }
            if let Ok(rendered) = standing.format.render(&value) {
                means(standing.format, &rendered, &value);
            }
        }
    }

    fn insert(&self, expression: &str, text: &[u8]) {
        let found = get(self.scheme, self.file, expression);
        for format in [self.own_format(), Format::Text] {
            let new = Fragment { format, text: text.to_vec() };
            let Ok(written) = insert(self.scheme, self.file, expression, &new) else { continue };
            // Nothing at all is a document, too, or all of its lines, in whose place a whole one comes.
            let text = self.file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(self.file);
            let holds_nothing = expression.is_empty() || found.as_ref().is_ok_and(|found| found.text.is_empty());
            let is_nothing = holds_nothing && text.iter().all(u8::is_ascii_whitespace);
            assert!(found.is_err() || is_nothing, "something stood at {expression}");
            // Of a sheet one row can be told and another not.
            assert!(list(self.scheme, self.file).is_err() || list(self.scheme, &written).is_ok(), "the result parses");
        }
    }

    fn remove(&self, expression: &str) {
        let Ok(written) = remove(self.scheme, self.file, expression) else { return };
        let stood = list(self.scheme, self.file).map(|items| items.len());
        let stands = list(self.scheme, &written).map(|items| items.len());
        assert!(stood.is_err() || stands.is_ok(), "the result parses");
    }

    /// Bytes outside of the planned spans are the same before and after.
    fn frame(&self, planned: &[Edit], written: &[u8]) {
        let mut expected = Vec::new();
        let mut from = 0;
        for edit in planned {
            expected.extend_from_slice(&self.file[from..edit.span.start]);
            expected.extend_from_slice(&edit.text);
            from = edit.span.end;
        }
        expected.extend_from_slice(&self.file[from..]);
        assert_eq!(written, expected, "bytes outside changed");
    }

    /// What stands in `written` is what was put.
    fn stands(&self, written: &[u8], expression: &str, new: &Fragment) {
        let got = get(self.scheme, written, expression).expect("what was put is found");
        let tidied = new.format.tidy(&new.text).expect("it was tidied before").into_owned();
        let tidied = self.scheme.lens().fitted(self.file, expression, Fragment { format: new.format, text: tidied });
        if got.format == new.format {
            assert_eq!(got, tidied, "PutGet at {expression}");
        } else {
            assert_eq!(got.format.value(&got.text), new.format.value(&new.text), "PutGet at {expression}");
        }
    }

    fn own_format(&self) -> Format {
        let formats = [
            (Scheme::Json, Format::Json),
            (Scheme::Jsonc, Format::Jsonc),
            (Scheme::Json5, Format::Json5),
            (Scheme::Toml, Format::TomlValue),
            (Scheme::Yaml, Format::Yaml),
            (Scheme::Ini, Format::Ini),
            (Scheme::Env, Format::Env),
            (Scheme::GitConfig, Format::GitConfig),
            (Scheme::SshConfig, Format::SshConfig),
            (Scheme::Hosts, Format::Hosts),
            (Scheme::Systemd, Format::Systemd),
            (Scheme::Desktop, Format::Desktop),
            (Scheme::Properties, Format::Properties),
            (Scheme::Md, Format::Markdown),
            (Scheme::Org, Format::Org),
            (Scheme::Adoc, Format::Adoc),
            (Scheme::Rst, Format::Rst),
            (Scheme::Tex, Format::Tex),
            (Scheme::Csv, Format::CsvRow),
            (Scheme::Tsv, Format::CsvRow),
            (Scheme::Jsonl, Format::JsonLine),
            (Scheme::Ics, Format::Ics),
            (Scheme::Vcf, Format::Vcf),
            (Scheme::Xlsx, Format::Cells),
            (Scheme::Ods, Format::Cells),
            (Scheme::Xml, Format::Xml),
            (Scheme::Html, Format::Html),
            (Scheme::Bytes, Format::Bytes),
            (Scheme::Rust, Format::Rust),
            (Scheme::Python, Format::Python),
            (Scheme::JavaScript, Format::JavaScript),
            (Scheme::TypeScript, Format::TypeScript),
            (Scheme::Tsx, Format::Tsx),
            (Scheme::Go, Format::Go),
            (Scheme::Java, Format::Java),
            (Scheme::C, Format::C),
            (Scheme::Cpp, Format::Cpp),
            (Scheme::Ruby, Format::Ruby),
            (Scheme::Php, Format::Php),
            (Scheme::Bash, Format::Bash),
            (Scheme::CSharp, Format::CSharp),
            (Scheme::Lua, Format::Lua),
            (Scheme::Hcl, Format::Hcl),
            (Scheme::Css, Format::Css),
            (Scheme::Sql, Format::Sql),
        ];
        formats.iter().find(|(scheme, _)| *scheme == self.scheme).map_or(Format::Text, |(_, format)| *format)
    }
}

fn means(format: Format, text: &[u8], value: &portion::Value) {
    let read = format.value(text);
    assert!(read.as_ref().is_ok_and(|read| read.agrees(value)), "{read:?} is not {value:?}");
}

/// A target for one family of formats.
pub fn run(schemes: &[Scheme], data: &[u8]) {
    let Some((choice, [file, expression, text])) = crate::input::parts(data) else { return };
    let Ok(expression) = std::str::from_utf8(expression) else { return };
    let scheme = crate::input::one_of(schemes, choice);
    crate::memory::bounded(data.len(), || Case { scheme, file, expression, text }.check());
}
