//! Documents of paragraphs and tables: what DOCX and PPTX have in common.
//!
//! A portion is some paragraphs (each a line that ends), a part of one paragraph (text without a line end), or a table (rows of texts, as
//! [`super::cells`] writes them, as many as it has). What is put follows [`super::prose`]. Paragraphs without any text are missing: to insert
//! there is to fill them, to remove is to clear what stands there.

use super::cells;
use super::prose::{Dialect, Prose, joined, split};
use super::xml::{Node, Tree};
use crate::lens::{Edit, Format, Fragment, Item, Lens, LensError, apply};
use crate::value::Value;

/// A document that was opened.
pub(crate) trait Document {
    /// The portion that the expression means.
    fn place(&self, expression: &str) -> Result<Place<'_>, LensError>;
    /// Everything that can be meant, in the document's order.
    fn all(&self) -> Result<Vec<Item>, LensError>;
    /// The edits of the file that give a part this content.
    fn save(&self, part: &str, content: Vec<u8>) -> Result<Vec<Edit>, LensError>;
}

/// Where a portion stands.
pub(crate) struct Place<'t> {
    pub(crate) tree: &'t Tree,
    pub(crate) dialect: Dialect,
    pub(crate) target: Target,
    /// Why it is not to be written.
    pub(crate) locked: Option<String>,
}

pub(crate) enum Target {
    /// Paragraphs and what stands between them. `at` is where the first would stand. Whether there may be none at all.
    Blocks {
        blocks: Vec<Node>,
        at: usize,
        may_be_empty: bool,
    },
    /// Some children of a paragraph. `at` is where the first run would stand.
    Part {
        nodes: Vec<Node>,
        at: usize,
    },
    Table(Node),
}

/// A document over a file's bytes.
pub(crate) type Opened<'a> = Result<Box<dyn Document + 'a>, LensError>;

/// A format of such documents.
pub(crate) struct Writing {
    pub(crate) open: for<'a> fn(&'a [u8]) -> Opened<'a>,
    /// Which expressions mean a table.
    pub(crate) is_table: fn(&str) -> bool,
    /// See [`Lens::words`].
    pub(crate) words: &'static [&'static str],
}

fn refused(why: impl Into<String>) -> LensError {
    LensError::Refused(why.into())
}

impl Place<'_> {
    fn prose(&self) -> Prose<'_> {
        Prose { tree: self.tree, dialect: self.dialect }
    }

    fn fragment(&self, expression: &str) -> Result<Fragment, LensError> {
        let prose = self.prose();
        let missing = || LensError::Missing { selector: expression.to_owned(), nearest: Vec::new() };
        Ok(match &self.target {
            Target::Blocks { blocks, .. } => match prose.lines(blocks)? {
                lines if lines.iter().all(String::is_empty) => return Err(missing()),
                lines => Fragment { format: Format::Text, text: joined(&lines) },
            },
            Target::Part { nodes, .. } => match prose.part(nodes)? {
                text if text.is_empty() => return Err(missing()),
                text => Fragment { format: Format::Text, text: text.into_bytes() },
            },
            Target::Table(table) => {
                let mut rows = Vec::new();
                for row in self.rows(*table) {
                    let cells =
                        self.cells(row).map(|cell| Ok(Value::String(prose.lines(&self.blocks(cell))?.join("\n"))));
                    rows.push(cells.collect::<Result<Vec<Value>, LensError>>()?);
                }
                Fragment { format: Format::Cells, text: cells::written(&rows)? }
            }
        })
    }

    fn rows(&self, table: Node) -> impl Iterator<Item = Node> + '_ {
        self.tree.children(table).filter(|row| self.prose().is(*row, "tr"))
    }

    fn cells(&self, row: Node) -> impl Iterator<Item = Node> + '_ {
        self.tree.children(row).filter(|cell| self.prose().is(*cell, "tc"))
    }

    fn blocks(&self, cell: Node) -> Vec<Node> {
        let body = match self.dialect {
            Dialect::Document => Some(cell),
            Dialect::Slide => self.prose().child(cell, "txBody"),
        };
        body.into_iter().flat_map(|body| blocks(self.tree, body)).collect()
    }

    /// Whether another cell's text is shown in its place.
    fn is_covered(&self, cell: Node) -> bool {
        let said = |name: &str| matches!(self.tree.attribute(cell, name).as_deref(), Some("1" | "true"));
        let prose = self.prose();
        let merge = prose.child(cell, "tcPr").and_then(|properties| prose.child(properties, "vMerge"));
        let goes_on = merge.is_some_and(|merge| self.tree.local_attribute(merge, "val").as_deref() != Some("restart"));
        goes_on || said("hMerge") || said("vMerge")
    }

    fn edits(&self, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        if let Some(why) = &self.locked {
            return Err(refused(why.clone()));
        }
        let format = if matches!(self.target, Target::Table(_)) { Format::Cells } else { Format::Text };
        if fragment.format != format {
            return Err(refused(format!(
                "this portion is written as {format}, and the fragment is {}",
                fragment.format
            )));
        }
        if format == Format::Text && fragment.text.iter().all(|b| *b == b'\n') {
            return Err(refused("nothing but blank lines was put; what is to have no text is removed"));
        }
        let prose = self.prose();
        match &self.target {
            Target::Blocks { blocks, at, .. } if blocks.is_empty() => {
                let prefix = self.tree.prefix(self.tree.root());
                let text = prose.paragraphs(None, &split(&fragment.text)?, prefix)?;
                Ok(vec![Edit { span: *at..*at, text: text.into_bytes() }])
            }
            Target::Blocks { blocks, .. } => prose.replace(blocks, &split(&fragment.text)?),
            Target::Part { nodes, at } => {
                let lines = split(&fragment.text)?;
                let [line] = lines.as_slice() else {
                    return Err(refused("this portion lies within a paragraph, and cannot have several lines"));
                };
                let prefix = self.tree.prefix(self.tree.root());
                prose.put(nodes, line, *at, prefix)
            }
            Target::Table(table) => self.table_edits(*table, &fragment.text),
        }
    }

    fn table_edits(&self, table: Node, text: &[u8]) -> Result<Vec<Edit>, LensError> {
        let Ok(new) = cells::rows(text)? else { return Err(refused("a table takes a list of rows, not one scalar")) };
        let rows: Vec<Vec<Node>> = self.rows(table).map(|row| self.cells(row).collect()).collect();
        if rows.len() != new.len() || rows.iter().zip(&new).any(|(row, new)| row.len() != new.len()) {
            return Err(refused("the table has another number of rows or cells, and neither is added or removed"));
        }
        let prose = self.prose();
        let mut edits = Vec::new();
        for (row, (cells, new)) in rows.iter().zip(&new).enumerate() {
            for (column, (cell, new)) in cells.iter().zip(new).enumerate() {
                let named = format!("the cell {} of row {}", column + 1, row + 1);
                let Value::String(new) = new else {
                    return Err(refused(format!("{named} holds text, and {} was put", new.kind())));
                };
                let blocks = self.blocks(*cell);
                let standing = prose.lines(&blocks)?.join("\n");
                if standing == *new {
                    continue;
                }
                if self.is_covered(*cell) {
                    return Err(refused(format!("{named} is covered by a merged cell")));
                }
                let lines: Vec<String> = new.split('\n').map(str::to_owned).collect();
                edits.extend(prose.replace(&blocks, &lines)?);
            }
        }
        Ok(edits)
    }
}

/// What stands in a body, a cell or a content control: paragraphs, tables and others, without properties and marks.
pub(crate) fn blocks(tree: &Tree, body: Node) -> Vec<Node> {
    const NOT: &[&str] = &[
        "tcPr",
        "sectPr",
        "bodyPr",
        "lstStyle",
        "bookmarkStart",
        "bookmarkEnd",
        "commentRangeStart",
        "commentRangeEnd",
        "proofErr",
        "permStart",
        "permEnd",
        "moveFromRangeStart",
        "moveFromRangeEnd",
        "moveToRangeStart",
        "moveToRangeEnd",
    ];
    tree.children(body).filter(|node| !NOT.contains(&tree.name(*node))).collect()
}

impl Writing {
    fn planned(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let document = (self.open)(file)?;
        let place = document.place(expression)?;
        let edits = place.edits(fragment)?;
        document.save(&place.tree.part, apply::splice(place.tree.source().as_bytes(), &edits)?)
    }
}

impl Lens for Writing {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        (self.open)(file)?.place(expression)?.fragment(expression)
    }

    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        let document = (self.open)(file)?;
        // What is missing is inserted, not replaced.
        document.place(expression)?.fragment(expression)?;
        self.planned(file, expression, fragment)
    }

    fn insert(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        if file.is_empty() {
            return Err(refused("an empty file is no document; make one with an office program first"));
        }
        match self.planned(file, expression, fragment) {
            Err(LensError::Missing { .. }) => {
                Err(refused(format!("`{expression}` names nothing in this file, and no place for it is known")))
            }
            planned => planned,
        }
    }

    fn fitted(&self, file: &[u8], expression: &str, fragment: Fragment) -> Fragment {
        if fragment.format != Format::Text {
            return fragment;
        }
        let Ok(document) = (self.open)(file) else { return fragment };
        let Ok(place) = document.place(expression) else { return fragment };
        let mut text = fragment.text;
        match place.target {
            Target::Part { .. } => text.truncate(text.len() - text.iter().rev().take_while(|b| **b == b'\n').count()),
            Target::Blocks { .. } if !text.ends_with(b"\n") => text.push(b'\n'),
            _ => {}
        }
        Fragment { text, ..fragment }
    }

    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        let document = (self.open)(file)?;
        let place = document.place(expression)?;
        place.fragment(expression)?;
        if let Some(why) = &place.locked {
            return Err(refused(why.clone()));
        }
        let prose = place.prose();
        let edits = match &place.target {
            Target::Blocks { blocks, may_be_empty: true, .. } => prose.replace(blocks, &[])?,
            Target::Blocks { blocks, .. } => prose.replace(blocks, &[String::new()])?,
            Target::Part { nodes, at } => prose.put(nodes, "", *at, "")?,
            Target::Table(_) => return Err(refused("a table is not removed; clear its cells")),
        };
        document.save(&place.tree.part, apply::splice(place.tree.source().as_bytes(), &edits)?)
    }

    fn is_position(&self, _: &[u8], expression: &str) -> bool {
        expression.starts_with("table:") || expression.starts_with("slide:")
    }

    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError> {
        let document = (self.open)(file)?;
        let mut items = Vec::new();
        for item in document.all()? {
            match document.place(&item.selector).and_then(|place| place.fragment(&item.selector)) {
                Ok(_) => items.push(item),
                Err(LensError::Missing { .. } | LensError::Ambiguous { .. } | LensError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(items)
    }

    fn omitted(&self, file: &[u8]) -> Result<Vec<LensError>, LensError> {
        let document = (self.open)(file)?;
        let mut omitted: Vec<LensError> = Vec::new();
        for item in document.all()? {
            let outcome = document.place(&item.selector).and_then(|place| place.fragment(&item.selector));
            if let Err(error @ (LensError::Ambiguous { .. } | LensError::Refused(_))) = outcome
                && !omitted.contains(&error)
            {
                omitted.push(error);
            }
        }
        Ok(omitted)
    }

    fn format_for(&self, expression: &str, _value: &Value) -> Format {
        if (self.is_table)(expression) { Format::Cells } else { Format::Text }
    }

    fn words(&self) -> &'static [&'static str] {
        self.words
    }
}
