//! What is known of a language, as data: which nodes of its grammar are items, and where their names stand.

use crate::lens::Format;

/// One language.
pub(crate) struct Language {
    /// The scheme's name.
    pub(super) name: &'static str,
    pub(super) format: Format,
    pub(super) grammar: fn() -> tree_sitter::Language,
    /// What is an item, and its kind and name. The first rule that gives a name is taken.
    pub(super) items: &'static [Rule],
    /// Comments.
    pub(super) comments: &'static [&'static str],
    /// What stands before an item as a sibling and belongs to it: attributes, decorators.
    pub(super) leading: &'static [&'static str],
    /// What is around an item and belongs to it: `export`, `template<…>`, decorators.
    pub(super) wrappers: &'static [&'static str],
    /// In these, as in functions, variables are local: they are no items.
    pub(super) local: &'static [&'static str],
    /// Whether a block must hold something, although the grammar lets an empty one pass.
    pub(super) fills_blocks: bool,
    /// Whether indentation has a meaning.
    pub(super) is_indented: bool,
    /// How many blank lines stand between two functions or types at the top level, where no neighbours tell.
    pub(super) gap: usize,
    /// What to write around a fragment that does not parse alone: a method, as a class of its own.
    pub(super) around: &'static [(&'static str, &'static str)],
}

/// An item.
pub(super) struct Rule {
    /// The kind of the node.
    pub(super) node: &'static str,
    /// What stands before the colon in selectors.
    pub(super) kind: &'static str,
    pub(super) name: Name,
    pub(super) only: Only,
}

/// Where a name stands.
pub(super) enum Name {
    /// In this field.
    Field(&'static str),
    /// In the last of a chain of this field: C's declarators.
    Chain(&'static str),
    /// In the first child of this kind.
    Child(&'static str),
    /// In this field of the one child of that kind; nowhere if there are several.
    Only(&'static str, &'static str),
    /// In the first child of the second kind within the one child of the first.
    Inside(&'static str, &'static str),
    /// From the node's start to its first child of this kind.
    UpTo(&'static str),
    /// In the fields that there are, with this text between them.
    Both(&'static str, &'static str, &'static str),
    /// The type that a method of Go is of, a dot, and the method's name.
    Method,
}

/// Which nodes of its kind are meant.
pub(super) enum Only {
    All,
    /// With this field.
    With(&'static str),
    /// With one of these kinds in this field.
    Value(&'static str, &'static [&'static str]),
    /// Whose one child of the first kind has in the field one of these kinds.
    Holding(&'static str, &'static str, &'static [&'static str]),
    /// In whose chain of the field stands this kind.
    Through(&'static str, &'static str),
}

/// A rule of the usual sort.
pub(super) const fn named(node: &'static str, kind: &'static str) -> Rule {
    Rule { node, kind, name: Name::Field("name"), only: Only::All }
}

/// A rule with its name elsewhere.
pub(super) const fn item(node: &'static str, kind: &'static str, name: Name) -> Rule {
    Rule { node, kind, name, only: Only::All }
}

impl Rule {
    /// The same, for some of the nodes.
    pub(super) const fn only(self, only: Only) -> Rule {
        Rule { node: self.node, kind: self.kind, name: self.name, only }
    }
}

impl Language {
    /// The kinds of its items, each once, in the table's order.
    pub(super) fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<&'static str> = Vec::new();
        for rule in self.items {
            if !kinds.contains(&rule.kind) {
                kinds.push(rule.kind);
            }
        }
        kinds
    }
}
