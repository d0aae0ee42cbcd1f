//! A TOML document as a list of statements: headers and key-value lines, each with its bytes, its place in the tree and
//! the comment lines that stand directly above it.
//!
//! `toml_edit` says what is valid and what it means; its spans drive the cutting here. What it has no spans for (the parts of
//! a dotted key, the lines of a statement, comments) is found in the text around those spans.

use toml_edit::{Document, InlineTable, Item, Table, Value as Written};

use crate::lens::rows::{indentation, is_blank, is_comment, line_at, line_start};
use crate::lens::{BOM, Edit, LensError, Span};

/// One header or one key-value pair.
pub(super) struct Statement {
    /// Where the comment lines that belong to it start; its own line where it has none.
    pub(super) lead: usize,
    /// Where its line starts.
    pub(super) line: usize,
    /// Where its line ends, behind the line end.
    pub(super) end: usize,
    /// Where it stands in the tree: keys, and indices of arrays of tables.
    pub(super) path: Vec<String>,
    /// Its keys as they are written.
    pub(super) keys: Vec<Span>,
    /// What it is.
    pub(super) kind: Kind,
}

/// What a statement is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// `[a.b]`
    Table,
    /// `[[a.b]]`
    Element,
    /// `a.b = value`, with the value's bytes.
    Pair(Span),
}

impl Statement {
    pub(super) fn is_header(&self) -> bool {
        !matches!(self.kind, Kind::Pair(_))
    }
}

/// A parsed file. All offsets are into `text`, which has no BOM.
pub(super) struct Doc<'a> {
    file: &'a [u8],
    /// The text behind the BOM.
    pub(super) text: &'a str,
    /// The tree, with spans.
    pub(super) tree: Document<&'a str>,
    /// In the file's order.
    pub(super) statements: Vec<Statement>,
    /// The strings of several lines, whose bytes are content: no indentation is taken from them or given to them.
    protected: Vec<Span>,
    /// Whether the document stands for a list: its only key is the empty one, and that is an array.
    pub(super) is_list: bool,
}

impl<'a> Doc<'a> {
    /// Reads a file.
    ///
    /// # Errors
    /// [`LensError::Unparsable`] with its place; [`LensError::TooLarge`] for nesting deeper than 80.
    pub(super) fn parse(file: &'a [u8]) -> Result<Self, LensError> {
        let bytes = file.strip_prefix(BOM).unwrap_or(file);
        let bom = file.len() - bytes.len();
        if bytes.starts_with(BOM) {
            // The parser would take a second one for a first.
            return Err(LensError::unparsable(file, bom, "a second byte order mark"));
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| LensError::unparsable(file, bom + error.valid_up_to(), "a byte that is no UTF-8"))?;
        let tree = Document::parse(text).map_err(|error| refusal(file, bom, &error))?;
        let mut cutter = Cutter { text, statements: Vec::new(), protected: Vec::new() };
        cutter.table(tree.as_table(), &mut Vec::new());
        let Cutter { mut statements, mut protected, .. } = cutter;
        statements.sort_by_key(|statement| statement.line);
        protected.sort_by_key(|span| span.start);
        let mut from = 0;
        for statement in &mut statements {
            statement.lead = lead(text, from, statement.line);
            from = statement.end;
        }
        let root = tree.as_table();
        let is_list = root.len() == 1
            && root
                .get("")
                .is_some_and(|item| item.is_array_of_tables() || item.as_value().is_some_and(|v| v.is_array()));
        Ok(Doc { file, text, tree, statements, protected, is_list })
    }

    /// What every path of this document starts with.
    pub(super) fn base(&self) -> Vec<String> {
        if self.is_list { vec![String::new()] } else { Vec::new() }
    }

    /// The file's line end.
    pub(super) fn line_end(&self) -> &'static str {
        crate::lens::line_end(self.file)
    }

    /// Whether `offset`, where a line starts, lies inside a string.
    pub(super) fn is_protected(&self, offset: usize) -> bool {
        let at = self.protected.partition_point(|span| span.start < offset);
        at > 0 && offset < self.protected[at - 1].end
    }

    /// The plan in bytes of the file: sorted, and without edits that change nothing.
    pub(super) fn plan(&self, edits: Vec<(Span, String)>) -> Vec<Edit> {
        let bom = self.file.len() - self.text.len();
        let mut edits: Vec<Edit> = edits
            .into_iter()
            .filter(|(span, text)| self.text[span.clone()] != **text)
            .map(|(span, text)| Edit { span: span.start + bom..span.end + bom, text: text.into_bytes() })
            .collect();
        edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
        edits
    }

    /// Where the lines of statement `at` end, with the comment lines that follow it directly and belong to nothing else.
    pub(super) fn tail(&self, at: usize) -> usize {
        let limit = self.statements.get(at + 1).map_or(self.text.len(), |next| next.lead);
        self.comments_after(self.statements[at].end, limit)
    }

    fn comments_after(&self, mut from: usize, limit: usize) -> usize {
        while from < limit && is_comment(line_at(self.text, from)) {
            from += line_at(self.text, from).len();
        }
        from.min(limit)
    }

    /// Whether the statements `first` to `last` stand between two of one table that does not hold them: without them, what
    /// stands above them would be in that table.
    pub(super) fn parts_a_table(&self, first: usize, last: usize) -> bool {
        let path = |at: usize| self.statements.get(at).map(|statement| &statement.path[..]);
        let (Some(above), Some(below)) = (first.checked_sub(1).and_then(path), path(last + 1)) else { return false };
        let common = above.iter().zip(below).take_while(|(a, b)| a == b).count();
        !self.statements[first].path.starts_with(&above[..common])
    }

    /// The header of the block that statement `at` stands in (itself, for a header); `None` in the root's block.
    pub(super) fn header_of(&self, at: usize) -> Option<usize> {
        (0..=at).rev().find(|at| self.statements[*at].is_header())
    }

    /// The statement whose bytes hold `offset`.
    pub(super) fn statement_at(&self, offset: usize) -> Option<usize> {
        let at = self.statements.partition_point(|statement| statement.line <= offset).checked_sub(1)?;
        (offset < self.statements[at].end).then_some(at)
    }

    /// The first byte at or behind `from` whose line is not blank, at most `limit`.
    pub(super) fn skip_blank(&self, mut from: usize, limit: usize) -> usize {
        while from < limit && is_blank(line_at(self.text, from)) {
            from += line_at(self.text, from).len();
        }
        from.min(limit)
    }

    /// Where the blank lines before `to` start, at least `limit`.
    pub(super) fn skip_blank_back(&self, mut to: usize, limit: usize) -> usize {
        while to > limit {
            let start = line_start(self.text, to - 1);
            if start < limit || !is_blank(&self.text[start..to]) {
                break;
            }
            to = start;
        }
        to
    }

    /// The white space that the line of `offset` starts with; nothing if the line starts inside a string.
    pub(super) fn indentation(&self, offset: usize) -> &'a str {
        let start = line_start(self.text, offset);
        if self.is_protected(start) { "" } else { indentation(&self.text[start..]) }
    }

    /// The indentation that a value at `offset` goes by: that of its line, unless the line closes what stands before it.
    pub(super) fn value_indentation(&self, offset: usize) -> &'a str {
        let own = self.indentation(offset);
        let line = line_start(self.text, offset);
        let closes = self.text[line..offset].trim_start().starts_with([']', '}']);
        match self.statement_at(offset) {
            Some(at) if closes => indentation(&self.text[self.statements[at].line..]),
            _ => own,
        }
    }
}

fn refusal(file: &[u8], bom: usize, error: &toml_edit::TomlError) -> LensError {
    let message = error.message().lines().next().unwrap_or_default();
    if message.contains("recurs") {
        return LensError::TooLarge("the TOML is nested deeper than 80".to_owned());
    }
    let message = if message.is_empty() { "this is no TOML" } else { message };
    LensError::unparsable(file, bom + error.span().map_or(0, |span| span.start), message)
}

/// Walks the tree and cuts statements; they come out in the tree's order.
struct Cutter<'a> {
    text: &'a str,
    statements: Vec<Statement>,
    protected: Vec<Span>,
}

impl Cutter<'_> {
    fn table(&mut self, table: &Table, path: &mut Vec<String>) {
        for (key, item) in table.iter() {
            path.push(key.to_owned());
            match item {
                Item::None => {}
                Item::Value(value) => self.pair(value, path),
                Item::Table(child) => self.header(child, Kind::Table, path),
                Item::ArrayOfTables(array) => {
                    for (index, child) in array.iter().enumerate() {
                        path.push(index.to_string());
                        self.header(child, Kind::Element, path);
                        path.pop();
                    }
                }
            }
            path.pop();
        }
    }

    fn header(&mut self, table: &Table, kind: Kind, path: &mut Vec<String>) {
        // A table that only other headers or dotted keys imply has a key's span, or none.
        if let Some(span) = table.span().filter(|span| self.text[span.clone()].starts_with('[')) {
            let brackets = if kind == Kind::Element { 2 } else { 1 };
            let keys = keys(self.text, span.start + brackets);
            self.push(span.start, span.end, path, keys, kind);
        }
        self.table(table, path);
    }

    fn pair(&mut self, value: &Written, path: &[String]) {
        let Some(span) = value.span() else {
            return;
        };
        let line = line_start(self.text, span.start);
        let keys = keys(self.text, line + indentation(&self.text[line..]).len());
        self.strings(value);
        self.push(line, span.end, path, keys, Kind::Pair(span));
    }

    fn push(&mut self, start: usize, end: usize, path: &[String], keys: Vec<Span>, kind: Kind) {
        let line = line_start(self.text, start);
        let end = end + line_at(self.text, end).len();
        self.statements.push(Statement { lead: line, line, end, path: path.to_vec(), keys, kind });
    }

    fn strings(&mut self, value: &Written) {
        match value {
            Written::String(string) => {
                if let Some(span) = string.span().filter(|span| self.text[span.clone()].contains('\n')) {
                    self.protected.push(span);
                }
            }
            Written::Array(array) => array.iter().for_each(|value| self.strings(value)),
            Written::InlineTable(table) => table.iter().for_each(|(_, value)| self.strings(value)),
            _ => {}
        }
    }
}

/// The keys of a dotted key that starts at or behind `from`, as they are written. The text is known to be valid.
pub(super) fn keys(text: &str, mut from: usize) -> Vec<Span> {
    let bytes = text.as_bytes();
    let blank = |mut at: usize| {
        while matches!(bytes.get(at), Some(b' ' | b'\t')) {
            at += 1;
        }
        at
    };
    let mut keys = Vec::new();
    loop {
        let start = blank(from);
        let mut end = start;
        match bytes.get(start) {
            Some(quote @ (b'"' | b'\'')) => {
                end += 1;
                while bytes.get(end).is_some_and(|b| b != quote) {
                    end += if *quote == b'"' && bytes[end] == b'\\' { 2 } else { 1 };
                }
                end = (end + 1).min(bytes.len());
            }
            _ => {
                while bytes.get(end).is_some_and(|b| !matches!(b, b' ' | b'\t' | b'.' | b'=' | b']' | b'\r' | b'\n')) {
                    end += 1;
                }
            }
        }
        keys.push(start..end);
        from = blank(end);
        if bytes.get(from) != Some(&b'.') {
            return keys;
        }
        from += 1;
    }
}

/// The comment lines directly above `line`, not above `from`.
fn lead(text: &str, from: usize, mut line: usize) -> usize {
    while line > from {
        let start = line_start(text, line - 1);
        if start < from || !is_comment(&text[start..line]) {
            break;
        }
        line = start;
    }
    line
}

/// What stands at the end of a path through the tree.
#[derive(Clone, Copy)]
pub(super) enum Node<'d> {
    /// A table with headers or dotted keys, or the document.
    Table(&'d Table),
    /// An array of tables.
    Tables(&'d toml_edit::ArrayOfTables),
    /// A value behind `=`, or inside one.
    Value(&'d Written),
}

impl<'d> Node<'d> {
    fn of(item: &'d Item) -> Option<Node<'d>> {
        match item {
            Item::None => None,
            Item::Value(value) => Some(Node::Value(value)),
            Item::Table(table) => Some(Node::Table(table)),
            Item::ArrayOfTables(tables) => Some(Node::Tables(tables)),
        }
    }

    /// The member or item that one token of a JSON Pointer names.
    pub(super) fn child(self, token: &str) -> Option<Node<'d>> {
        match self {
            Node::Table(table) => Node::of(table.get(token)?),
            Node::Tables(tables) => tables.get(crate::pointer::index(token)?).map(Node::Table),
            Node::Value(Written::Array(array)) => array.get(crate::pointer::index(token)?).map(Node::Value),
            Node::Value(Written::InlineTable(table)) => table.get(token).map(Node::Value),
            Node::Value(_) => None,
        }
    }

    /// "table", "array", "string", …
    pub(super) fn kind(self) -> &'static str {
        match self {
            Node::Table(_) => "table",
            Node::Tables(_) => "array of tables",
            Node::Value(value) => match value {
                Written::String(_) => "string",
                Written::Integer(_) => "integer",
                Written::Float(_) => "float",
                Written::Boolean(_) => "boolean",
                Written::Datetime(_) => "date-time",
                Written::Array(_) => "array",
                Written::InlineTable(_) => "inline table",
            },
        }
    }
}

/// The bytes of an inline table's or array's items; keys included.
pub(super) fn items(container: &Written) -> Option<Vec<Span>> {
    match container {
        Written::Array(array) => array.iter().map(Written::span).collect(),
        Written::InlineTable(table) => table.iter().map(|(key, _)| pair_span(table, key)).collect(),
        _ => None,
    }
}

/// From a key of an inline table to its value's end; `None` where dotted keys spread it.
pub(super) fn pair_span(table: &InlineTable, key: &str) -> Option<Span> {
    let (key, item) = table.get_key_value(key)?;
    let value = item.as_value()?;
    if value.as_inline_table().is_some_and(InlineTable::is_dotted) {
        return None;
    }
    Some(key.span()?.start..value.span()?.end)
}

/// Whether the value is a table that only dotted keys inside an inline table spell: it has no text of its own.
pub(super) fn is_spread(value: &Written) -> bool {
    value.as_inline_table().is_some_and(InlineTable::is_dotted)
}
