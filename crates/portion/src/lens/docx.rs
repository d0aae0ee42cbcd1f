//! Word documents (ECMA-376, WordprocessingML): see [`super::office::writing`] and [`super::office::prose`] for how text is read and put.
//!
//! - `tag:TERMS` is what a content control holds, by its tag or its title; `bookmark:NAME` what a bookmark spans;
//! - `heading:/Guide/Install` is what stands below a heading up to the next of its level, by the names of the headings above it, written as
//!   in a JSON Pointer (`~1` for `/`);
//! - `table:2` is the second table of the text itself, its cells as rows of texts.
//!
//! Only the main text is looked at: no headers, footers, notes or text boxes. A content control that is bound to the document's data, chosen from
//! a list or locked is not written.

mod headings;

use super::office::opc::Package;
use super::office::prose::{Dialect, Prose};
use super::office::writing::{Document, Place, Target, Writing, blocks};
use super::office::xml::{Node, Tree};
use super::zip::fault;
use super::{Edit, Item, LensError};
use crate::{nearest::nearest, pointer};

/// Word documents.
pub(crate) const DOCX: Writing = Writing {
    open: |file| Ok(Box::new(Word::open(file)?)),
    is_table: |expression| expression.starts_with("table:"),
    words: &["bookmark", "heading", "table", "tag"],
};

struct Word<'a> {
    package: Package<'a>,
    tree: Tree,
    body: Node,
    headings: Vec<headings::Heading>,
    /// Paragraphs in their order, to say where something stands.
    paragraphs: Vec<Node>,
}

/// What an expression means.
enum Means<'e> {
    Tag(&'e str),
    Bookmark(&'e str),
    Heading(Vec<String>),
    Table(usize),
}

fn parsed(expression: &str) -> Result<Means<'_>, LensError> {
    let wrong =
        |why: &str| LensError::Selector { scheme: "docx", selector: expression.to_owned(), why: why.to_owned() };
    let shape =
        "write `tag:NAME` for a content control, `bookmark:NAME`, `heading:/Heading/Sub-heading` or `table:NUMBER`";
    match expression.split_once(':') {
        Some(("tag", name)) if !name.is_empty() => Ok(Means::Tag(name)),
        Some(("bookmark", name)) if !name.is_empty() => Ok(Means::Bookmark(name)),
        Some(("heading", path)) if !path.is_empty() => Ok(Means::Heading(pointer::parse("docx", path)?)),
        Some(("table", number)) => match number.parse() {
            Ok(number @ 1..) => Ok(Means::Table(number)),
            _ => Err(wrong("tables are counted from 1")),
        },
        _ => Err(wrong(shape)),
    }
}

impl<'a> Word<'a> {
    fn open(file: &'a [u8]) -> Result<Word<'a>, LensError> {
        let package = Package::open(file)?;
        let main = package.main()?;
        let tree = package.tree(&main)?;
        let prose = Prose { tree: &tree, dialect: Dialect::Document };
        let body = prose.child(tree.root(), "body").filter(|_| prose.is(tree.root(), "document"));
        let body = body.ok_or_else(|| fault("the archive is no Word document"))?;
        let styles = package.relations(&main)?.into_iter().find(|relation| relation.kind == "styles");
        let styles = styles.map(|relation| package.tree(&relation.part)).transpose()?;
        let headings = headings::of(&tree, body, styles.as_ref())?;
        let paragraphs = tree.descendants(body).filter(|node| prose.is(*node, "p")).collect();
        Ok(Word { package, body, headings, paragraphs, tree })
    }

    fn prose(&self) -> Prose<'_> {
        Prose { tree: &self.tree, dialect: Dialect::Document }
    }

    /// The number of the paragraph in which something stands, or that follows it.
    fn line(&self, node: Node) -> usize {
        let start = self.tree.span(node).start;
        self.paragraphs.partition_point(|paragraph| self.tree.span(*paragraph).end <= start) + 1
    }

    fn lines(&self, node: Node) -> (usize, usize) {
        let end = self.tree.span(node).end;
        let first = self.line(node);
        let last = self.paragraphs.partition_point(|paragraph| self.tree.span(*paragraph).start < end);
        (first, last.max(first))
    }

    fn found<T: Copy>(&self, expression: &str, all: &[(T, Node)]) -> Result<T, LensError> {
        match all {
            [] => {
                let known = self.all()?.into_iter().map(|item| item.selector);
                Err(LensError::Missing { selector: expression.to_owned(), nearest: nearest(expression, known) })
            }
            [(one, _)] => Ok(*one),
            several => Err(LensError::Ambiguous {
                selector: expression.to_owned(),
                lines: several.iter().map(|(_, node)| self.line(*node)).collect(),
            }),
        }
    }

    /// The content controls, with their properties.
    fn controls(&self) -> impl Iterator<Item = (Node, Node)> + '_ {
        let prose = self.prose();
        let controls = self.tree.descendants(self.body).filter(move |node| prose.is(*node, "sdt"));
        controls.filter_map(|node| Some((node, self.prose().child(node, "sdtPr")?)))
    }

    fn name(&self, properties: Node, kind: &str) -> Option<String> {
        let node = self.prose().child(properties, kind)?;
        self.tree.local_attribute(node, "val").map(|name| name.into_owned()).filter(|name| !name.is_empty())
    }

    fn control(&self, expression: &str, name: &str) -> Result<Place<'_>, LensError> {
        let of = |kind: &str| -> Vec<((Node, Node), Node)> {
            let named = self.controls().filter(|(_, properties)| self.name(*properties, kind).as_deref() == Some(name));
            named.map(|both| (both, both.0)).collect()
        };
        let by_tag = of("tag");
        let all = if by_tag.is_empty() { of("alias") } else { by_tag };
        let (control, properties) = self.found(expression, &all)?;
        let prose = self.prose();
        if prose.child(properties, "showingPlcHdr").is_some() {
            let locked =
                Some(format!("the content control `{name}` shows its placeholder: type something into it first"));
            let target = Target::Part { nodes: Vec::new(), at: 0 };
            return Ok(Place { tree: &self.tree, dialect: Dialect::Document, target, locked });
        }
        let empty = || LensError::Refused(format!("the content control `{name}` is empty"));
        let content =
            prose.child(control, "sdtContent").filter(|node| !self.tree.is_closed(*node)).ok_or_else(empty)?;
        let children: Vec<Node> = blocks(&self.tree, content);
        let at = self.tree.inner(content).start;
        let target = match children.first() {
            Some(first) if prose.is(*first, "p") || prose.is(*first, "tbl") => {
                Target::Blocks { blocks: children, at, may_be_empty: false }
            }
            Some(first) if prose.is(*first, "tc") || prose.is(*first, "tr") => {
                return Err(LensError::Refused(format!("the content control `{name}` holds cells or rows of a table")));
            }
            Some(_) => Target::Part { nodes: children, at },
            None => return Err(empty()),
        };
        Ok(Place { tree: &self.tree, dialect: Dialect::Document, target, locked: self.lock(name, properties) })
    }

    /// Why a content control is not written.
    fn lock(&self, name: &str, properties: Node) -> Option<String> {
        for node in self.tree.children(properties) {
            let what = match self.tree.name(node) {
                "dataBinding" => "is bound to the document's data, which would overwrite it",
                "dropDownList" | "comboBox" => "takes one of a list",
                "date" => "takes a date",
                "checkbox" => "is a box to tick",
                "picture" => "holds a picture",
                "lock" => match self.tree.local_attribute(node, "val").as_deref() {
                    Some("contentLocked" | "sdtContentLocked") => "is locked",
                    _ => continue,
                },
                _ => continue,
            };
            return Some(format!("the content control `{name}` {what}"));
        }
        None
    }

    fn bookmarks(&self) -> impl Iterator<Item = (Node, String)> + '_ {
        let prose = self.prose();
        let starts = self.tree.descendants(self.body).filter(move |node| prose.is(*node, "bookmarkStart"));
        let named = starts.filter_map(|node| Some((node, self.tree.local_attribute(node, "name")?.into_owned())));
        // Those of a program's own have an underscore in front.
        named.filter(|(_, name)| !name.is_empty() && !name.starts_with('_'))
    }

    fn bookmark(&self, expression: &str, name: &str) -> Result<Place<'_>, LensError> {
        let all: Vec<(Node, Node)> =
            self.bookmarks().filter(|(_, known)| known == name).map(|(node, _)| (node, node)).collect();
        let start = self.found(expression, &all)?;
        let (tree, prose) = (&self.tree, self.prose());
        let id = tree.local_attribute(start, "id");
        let parents = std::iter::once(self.body).chain(tree.descendants(self.body));
        let parent = parents.into_iter().find(|parent| tree.children(*parent).any(|child| child == start));
        let siblings: Vec<Node> = parent.into_iter().flat_map(|parent| tree.children(parent)).collect();
        let behind = siblings.iter().skip_while(|node| **node != start).skip(1).copied();
        let is_end = |node: &Node| prose.is(*node, "bookmarkEnd") && tree.local_attribute(*node, "id") == id;
        let within: Vec<Node> = behind.clone().take_while(|node| !is_end(node)).collect();
        let ends = behind.into_iter().any(|node| is_end(&node));
        let parent = parent.filter(|_| ends).ok_or_else(|| {
            LensError::Refused(format!("the bookmark `{name}` begins in one paragraph and ends in another"))
        })?;
        let at = tree.span(start).end;
        let target = if prose.is(parent, "p") {
            Target::Part { nodes: within, at }
        } else {
            const MARKS: &[&str] =
                &["bookmarkStart", "bookmarkEnd", "proofErr", "commentRangeStart", "commentRangeEnd"];
            let blocks: Vec<Node> = within.into_iter().filter(|node| !MARKS.contains(&tree.name(*node))).collect();
            Target::Blocks { blocks, at, may_be_empty: false }
        };
        Ok(Place { tree, dialect: Dialect::Document, target, locked: None })
    }

    fn heading(&self, expression: &str, path: &[String]) -> Result<Place<'_>, LensError> {
        let all: Vec<(usize, Node)> = self
            .headings
            .iter()
            .enumerate()
            .filter(|(_, heading)| heading.path == path)
            .map(|(at, heading)| (at, heading.node))
            .collect();
        let at = self.found(expression, &all)?;
        let heading = &self.headings[at];
        let next = self.headings[at + 1..].iter().find(|next| next.level <= heading.level);
        let (from, to) = (self.tree.span(heading.node).end, next.map(|next| self.tree.span(next.node).start));
        let all = blocks(&self.tree, self.body);
        let inside = |node: &Node| {
            let start = self.tree.span(*node).start;
            start >= from && to.is_none_or(|to| start < to)
        };
        let target = Target::Blocks { blocks: all.into_iter().filter(inside).collect(), at: from, may_be_empty: true };
        Ok(Place { tree: &self.tree, dialect: Dialect::Document, target, locked: None })
    }

    fn tables(&self) -> Vec<Node> {
        self.tree.children(self.body).filter(|node| self.prose().is(*node, "tbl")).collect()
    }
}

impl Document for Word<'_> {
    fn place(&self, expression: &str) -> Result<Place<'_>, LensError> {
        match parsed(expression)? {
            Means::Tag(name) => self.control(expression, name),
            Means::Bookmark(name) => self.bookmark(expression, name),
            Means::Heading(path) => self.heading(expression, &path),
            Means::Table(number) => {
                let table = self.tables().get(number - 1).copied();
                let all: Vec<(Node, Node)> = table.into_iter().map(|table| (table, table)).collect();
                let target = Target::Table(self.found(expression, &all)?);
                Ok(Place { tree: &self.tree, dialect: Dialect::Document, target, locked: None })
            }
        }
    }

    fn all(&self) -> Result<Vec<Item>, LensError> {
        let mut items: Vec<Item> = Vec::new();
        let mut add = |selector: String, kind: &'static str, lines: (usize, usize)| {
            if !items.iter().any(|item| item.selector == selector) {
                items.push(Item { selector, kind, lines });
            }
        };
        for (node, properties) in self.controls() {
            if let Some(name) = self.name(properties, "tag").or_else(|| self.name(properties, "alias")) {
                add(format!("tag:{name}"), "content control", self.lines(node));
            }
        }
        for (node, name) in self.bookmarks() {
            add(format!("bookmark:{name}"), "bookmark", self.lines(node));
        }
        for heading in &self.headings {
            add(format!("heading:{}", pointer::format(&heading.path)), "section", self.lines(heading.node));
        }
        for (table, number) in self.tables().into_iter().zip(1..) {
            add(format!("table:{number}"), "table", self.lines(table));
        }
        items.sort_by_key(|item| item.lines.0);
        Ok(items)
    }

    fn save(&self, part: &str, content: Vec<u8>) -> Result<Vec<Edit>, LensError> {
        self.package.replace(vec![(part, content)])
    }
}
