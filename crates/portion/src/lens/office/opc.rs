//! Packages of parts (ECMA-376, part 2): what XLSX, DOCX and PPTX are.

use super::xml::Tree;
use crate::lens::zip::{Archive, Entry, fault};
use crate::lens::{Edit, LensError};

pub(crate) struct Package<'a> {
    archive: Archive<'a>,
}

/// What a part says about another.
pub(crate) struct Relation {
    pub(crate) id: String,
    /// The last word of its type: `worksheet`, `styles`.
    pub(crate) kind: String,
    /// The other part's name.
    pub(crate) part: String,
}

impl<'a> Package<'a> {
    pub(crate) fn open(file: &'a [u8]) -> Result<Package<'a>, LensError> {
        Ok(Package { archive: Archive::read(file)? })
    }

    /// The names of all parts.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.archive.entries().iter().map(|entry| entry.name.as_str())
    }

    fn entry(&self, part: &str) -> Result<&Entry, LensError> {
        self.archive.find(part).ok_or_else(|| fault(format!("the archive has no part `{part}`")))
    }

    pub(crate) fn bytes(&self, part: &str) -> Result<Vec<u8>, LensError> {
        self.archive.content(self.entry(part)?)
    }

    pub(crate) fn tree(&self, part: &str) -> Result<Tree, LensError> {
        Tree::read(part, self.bytes(part)?)
    }

    /// The relations of a part; of the package itself for the empty name.
    pub(crate) fn relations(&self, part: &str) -> Result<Vec<Relation>, LensError> {
        let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
        let slash = if folder.is_empty() { "" } else { "/" };
        let rels = format!("{folder}{slash}_rels/{name}.rels");
        if self.archive.find(&rels).is_none() {
            return Ok(Vec::new());
        }
        let tree = self.tree(&rels)?;
        let mut relations = Vec::new();
        for node in tree.named(tree.root(), "Relationship") {
            let attribute = |name: &str| tree.attribute(node, name).unwrap_or_default().into_owned();
            if attribute("TargetMode") == "External" {
                continue;
            }
            let kind = attribute("Type").rsplit('/').next().unwrap_or_default().to_owned();
            relations.push(Relation { id: attribute("Id"), kind, part: resolved(folder, &attribute("Target")) });
        }
        Ok(relations)
    }

    /// The part that the document begins with.
    pub(crate) fn main(&self) -> Result<String, LensError> {
        let relations = self.relations("")?;
        let main = relations.into_iter().find(|relation| relation.kind == "officeDocument");
        main.map(|relation| relation.part).ok_or_else(|| fault("the archive is no office document"))
    }

    /// The edits of the file that give these parts these contents.
    ///
    /// # Errors
    /// [`LensError::Refused`] for a signed document: its signature would no longer hold.
    pub(crate) fn replace(&self, parts: Vec<(&str, Vec<u8>)>) -> Result<Vec<Edit>, LensError> {
        if self.names().any(|name| name.starts_with("_xmlsignatures/") || name == "META-INF/documentsignatures.xml") {
            return Err(LensError::Refused("the document is signed, and an edit would break its signature".to_owned()));
        }
        let parts = parts.into_iter().map(|(name, bytes)| Ok((self.entry(name)?, bytes)));
        self.archive.replace(&parts.collect::<Result<Vec<_>, LensError>>()?)
    }
}

/// A target, from the folder of the part that names it.
fn resolved(folder: &str, target: &str) -> String {
    let (mut path, rest): (Vec<&str>, &str) = match target.strip_prefix('/') {
        Some(rest) => (Vec::new(), rest),
        None => (folder.split('/').filter(|step| !step.is_empty()).collect(), target),
    };
    for step in rest.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(path.pop()),
            step => path.push(step),
        }
    }
    path.join("/")
}
