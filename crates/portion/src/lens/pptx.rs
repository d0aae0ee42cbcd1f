//! PowerPoint presentations (ECMA-376, PresentationML): see [`super::office::writing`] and [`super::office::prose`] for how text is read and put.
//!
//! `slide:3/shape:Title 1` is the text of a shape on the third slide, by the shape's name; `slide:3/table:Prices` the cells of a table, as rows of
//! texts. Notes, masters and layouts are not looked at.

use super::office::opc::Package;
use super::office::prose::{Dialect, Prose};
use super::office::writing::{Document, Place, Target, Writing, blocks};
use super::office::xml::{Node, Tree};
use super::zip::fault;
use super::{Edit, Item, LensError};
use crate::nearest::nearest;

/// PowerPoint presentations.
pub(crate) const PPTX: Writing = Writing {
    open: |file| Ok(Box::new(Slides::open(file)?)),
    is_table: |expression| expression.contains("/table:"),
    words: &["slide"],
};

struct Slides<'a> {
    package: Package<'a>,
    slides: Vec<Tree>,
}

/// What an expression means: the slide's number, whether a table, and the name.
fn parsed(expression: &str) -> Result<(usize, bool, &str), LensError> {
    let read = || {
        let (number, rest) = expression.strip_prefix("slide:")?.split_once('/')?;
        let number = number.parse::<usize>().ok().filter(|number| *number > 0)?;
        match rest.split_once(':')? {
            ("shape", name) if !name.is_empty() => Some((number, false, name)),
            ("table", name) if !name.is_empty() => Some((number, true, name)),
            _ => None,
        }
    };
    read().ok_or_else(|| LensError::Selector {
        scheme: "pptx",
        selector: expression.to_owned(),
        why: "write `slide:3/shape:NAME` or `slide:3/table:NAME`; slides are counted from 1".to_owned(),
    })
}

impl<'a> Slides<'a> {
    fn open(file: &'a [u8]) -> Result<Slides<'a>, LensError> {
        let package = Package::open(file)?;
        let main = package.main()?;
        let tree = package.tree(&main)?;
        if !tree.is(tree.root(), "presentation") {
            return Err(fault("the archive is no PowerPoint presentation"));
        }
        let relations = package.relations(&main)?;
        let list = tree.child(tree.root(), "sldIdLst");
        let mut slides = Vec::new();
        for node in list.into_iter().flat_map(|list| tree.named(list, "sldId")) {
            let id = tree.raw_attributes(node).find(|(name, _)| name.ends_with(":id")).map(|(_, id)| id.to_owned());
            let slide = relations.iter().find(|relation| relation.kind == "slide" && Some(&relation.id) == id.as_ref());
            let slide = slide.ok_or_else(|| tree.fault(node, "a slide that is not there"))?;
            slides.push(package.tree(&slide.part)?);
        }
        Ok(Slides { package, slides })
    }

    /// The shapes with a text, or the tables, of a slide: with their names.
    fn named(tree: &Tree, table: bool) -> Vec<(String, Node)> {
        let prose = Prose { tree, dialect: Dialect::Slide };
        let is_it = |node: &Node| tree.is(*node, if table { "graphicFrame" } else { "sp" });
        let mut all = Vec::new();
        for shape in tree.descendants(tree.root()).filter(is_it) {
            let within = || tree.descendants(shape);
            let name = within().find(|node| tree.is(*node, "cNvPr")).and_then(|node| tree.attribute(node, "name"));
            let holder = match table {
                true => within().find(|node| prose.is(*node, "tbl")),
                false => tree.child(shape, "txBody"),
            };
            if let (Some(name), Some(holder)) = (name.filter(|name| !name.is_empty()), holder) {
                all.push((name.into_owned(), holder));
            }
        }
        all
    }
}

impl Document for Slides<'_> {
    fn place(&self, expression: &str) -> Result<Place<'_>, LensError> {
        let (number, table, name) = parsed(expression)?;
        let tree = self.slides.get(number - 1);
        let found: Vec<Node> = tree
            .into_iter()
            .flat_map(|tree| Slides::named(tree, table))
            .filter(|(known, _)| known == name)
            .map(|(_, node)| node)
            .collect();
        match (tree, found.as_slice()) {
            (Some(tree), [one]) => {
                let target = match table {
                    true => Target::Table(*one),
                    false => {
                        let at = tree.inner(*one).end;
                        Target::Blocks { blocks: blocks(tree, *one), at, may_be_empty: false }
                    }
                };
                Ok(Place { tree, dialect: Dialect::Slide, target, locked: None })
            }
            (Some(_), [_, ..]) => {
                Err(LensError::Ambiguous { selector: expression.to_owned(), lines: vec![number; found.len()] })
            }
            _ => {
                let known = self.all()?.into_iter().map(|item| item.selector);
                Err(LensError::Missing { selector: expression.to_owned(), nearest: nearest(expression, known) })
            }
        }
    }

    fn all(&self) -> Result<Vec<Item>, LensError> {
        let mut items: Vec<Item> = Vec::new();
        for (tree, number) in self.slides.iter().zip(1..) {
            for (table, kind) in [(false, "shape"), (true, "table")] {
                for (name, _) in Slides::named(tree, table) {
                    let selector = format!("slide:{number}/{kind}:{name}");
                    if !items.iter().any(|item| item.selector == selector) {
                        items.push(Item { selector, kind, lines: (number, number) });
                    }
                }
            }
        }
        Ok(items)
    }

    fn save(&self, part: &str, content: Vec<u8>) -> Result<Vec<Edit>, LensError> {
        self.package.replace(vec![(part, content)])
    }
}
