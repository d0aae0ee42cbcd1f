//! A file as its syntax tree, and the items in it.

use tree_sitter::{Node, Tree};

use super::language::{Language, Only, Rule};
use super::names;
use super::parse::parsed;
use crate::lens::{LensError, Span, body};

/// The text of a here-document that is no part of the node that begins it.
const HEREDOC: &str = "heredoc_body";
/// Items are nested so deeply at most; what is deeper has no path.
const MAX_NESTING: usize = 16;

/// A file and its tree.
pub(super) struct Source<'a> {
    pub(super) file: &'a [u8],
    pub(super) language: &'static Language,
    pub(super) tree: Tree,
}

/// What a path leads to.
#[derive(Debug)]
pub(super) struct Item<'t> {
    pub(super) kind: &'static str,
    pub(super) name: String,
    /// The index of the item that it stands in.
    pub(super) parent: Option<usize>,
    pub(super) node: Node<'t>,
    /// With what is around it: `export`.
    pub(super) outer: Node<'t>,
    /// With the comments above it, and whole lines if [`Item::is_whole`].
    pub(super) span: Span,
    /// Whether nothing else stands on its lines.
    pub(super) is_whole: bool,
    /// Where the text that it stands in does not parse.
    pub(super) broken: Option<usize>,
    /// Which of its declaration's names this is, counted from 0: in `let a = 1, b = 2` each is an item, with the same lines.
    pub(super) nth: usize,
}

/// What does not parse: a node of the tree that stands for skipped text, or for a sign that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) span: Span,
    /// What is missing; `None` where text was skipped.
    pub(super) missing: Option<String>,
}

/// What a walk through the tree finds, in the file's order.
pub(super) struct Found<'t> {
    pub(super) items: Vec<Item<'t>>,
    pub(super) faults: Vec<Fault>,
}

/// What a kind of node is, in its language.
#[derive(Default, Clone)]
struct Role {
    is_comment: bool,
    is_leading: bool,
    is_wrapper: bool,
    is_local: bool,
    rules: Vec<&'static Rule>,
}

/// The state at one level of the tree.
#[derive(Clone)]
struct Level<'t> {
    /// Comments and attributes that stand directly above what comes next.
    lead: Option<Span>,
    /// The item around.
    item: Option<usize>,
    nesting: usize,
    is_local: bool,
    /// What is around the next item and belongs to it, and where that begins with its comments.
    wrapper: Option<(Node<'t>, usize)>,
    broken: Option<usize>,
}

impl<'a> Source<'a> {
    pub(super) fn read(language: &'static Language, file: &'a [u8]) -> Result<Source<'a>, LensError> {
        Ok(Source { file, language, tree: parsed(language, file)? })
    }

    fn roles(&self) -> Vec<Role> {
        let grammar = self.tree.language();
        let role = |id: u16| {
            let Some(kind) = grammar.node_kind_for_id(id).filter(|_| grammar.node_kind_is_named(id)) else {
                return Role::default();
            };
            Role {
                is_comment: self.language.comments.contains(&kind),
                is_leading: self.language.leading.contains(&kind),
                is_wrapper: self.language.wrappers.contains(&kind),
                is_local: self.language.local.contains(&kind),
                rules: self.language.items.iter().filter(|rule| rule.node == kind).collect(),
            }
        };
        (0..grammar.node_kind_count()).map(|id| role(u16::try_from(id).unwrap_or(u16::MAX))).collect()
    }

    /// Walks through the whole tree, without recursion.
    pub(super) fn found(&self) -> Found<'_> {
        let roles = self.roles();
        let plain = Role::default();
        let (mut items, mut faults, mut comments, mut bodies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let root = Level { lead: None, item: None, nesting: 0, is_local: false, wrapper: None, broken: None };
        let mut levels = vec![root];
        let mut cursor = self.tree.walk();
        loop {
            let node = cursor.node();
            let role = roles.get(usize::from(node.kind_id())).unwrap_or(&plain);
            let Some(level) = levels.last_mut() else { break };
            let mut below = Level { lead: None, wrapper: None, ..level.clone() };
            if node.is_error() || node.is_missing() {
                let missing = node.is_missing().then(|| node.kind().to_owned());
                faults.push(Fault { span: node.byte_range(), missing });
                below.broken = Some(node.start_byte());
            }
            if node.kind() == HEREDOC {
                bodies.push(node.byte_range());
            }
            if role.is_comment || role.is_leading {
                self.lead(node, role, &mut level.lead);
                if role.is_comment {
                    comments.push(node.start_byte()..self.trimmed(node.byte_range()).end);
                }
            } else {
                let lead = level.lead.take().filter(|lead| self.touches(lead.end, node.start_byte()));
                let start = lead.as_ref().map_or(node.start_byte(), |lead| lead.start);
                let (outer, start) = level.wrapper.unwrap_or((node, start));
                if role.is_wrapper {
                    below.wrapper = Some((outer, start));
                }
                let named = self.named(node, &role.rules, level.is_local).filter(|_| level.nesting < MAX_NESTING);
                if let Some((kind, names)) = named {
                    below.is_local = kind == "fn";
                    below.item = Some(items.len());
                    below.nesting += 1;
                    let span = self.trimmed(start..outer.end_byte());
                    let (parent, broken) = (level.item, level.broken);
                    for (nth, name) in names.into_iter().enumerate() {
                        let span = span.clone();
                        items.push(Item { kind, name, parent, node, outer, span, is_whole: false, broken, nth });
                    }
                } else {
                    // Comments above the first of a block's statements stand above the block.
                    below.lead = lead;
                }
                below.is_local |= role.is_local;
            }
            if !role.is_comment && cursor.goto_first_child() {
                levels.push(below);
                continue;
            }
            while !cursor.goto_next_sibling() {
                levels.pop();
                if !cursor.goto_parent() {
                    break;
                }
            }
            if levels.is_empty() || cursor.depth() == 0 {
                break;
            }
        }
        for item in &mut items {
            self.take_bodies(&mut item.span, &bodies);
            if let Some(span) = self.whole_lines(&item.span, &comments) {
                item.span = span;
                item.is_whole = true;
            }
        }
        Found { items, faults }
    }

    /// Ruby's here-documents stand as nodes of their own behind the line that they belong to.
    fn take_bodies(&self, span: &mut Span, bodies: &[Span]) {
        let first = bodies.partition_point(|body| body.start < span.end);
        for body in &bodies[first..] {
            let between = &self.file[span.end..body.start];
            if memchr::memchr_iter(b'\n', between).count() > usize::from(between.ends_with(b"\n")) {
                break;
            }
            span.end = self.trimmed(body.clone()).end;
        }
    }

    /// Adds a comment or an attribute to those directly above it.
    fn lead(&self, node: Node<'_>, role: &Role, lead: &mut Option<Span>) {
        let span = self.trimmed(node.byte_range());
        let text = &self.file[span.clone()];
        // What is about the file or what is around: `#!/bin/sh`, `//! of the module`, `# coding: utf-8`.
        let opening = [b"#!".as_slice(), b"//!", b"/*!"].iter().any(|sign| text.starts_with(sign));
        let coding = node.start_position().row < 2 && memchr::memmem::find(text, b"coding").is_some();
        if role.is_comment && (opening || coding) {
            *lead = None;
            return;
        }
        let above = lead.take().filter(|lead| self.touches(lead.end, span.start));
        *lead = match above {
            Some(above) => Some(above.start..span.end),
            // A comment behind other code is about that.
            None => self.begins_line(span.start).then_some(span),
        };
    }

    /// Whether nothing but blanks and at most one line end stand between the two places.
    fn touches(&self, end: usize, start: usize) -> bool {
        let between = &self.file[end.min(start)..start];
        between.iter().all(u8::is_ascii_whitespace) && memchr::memchr_iter(b'\n', between).count() <= 1
    }

    /// Without the white space at its ends.
    pub(super) fn trimmed(&self, span: Span) -> Span {
        let text = &self.file[span.clone()];
        let end = span.end - text.iter().rev().take_while(|b| b.is_ascii_whitespace()).count();
        let start = span.start + text.iter().take_while(|b| b.is_ascii_whitespace()).count();
        start.min(end)..end
    }

    fn begins_line(&self, at: usize) -> bool {
        self.line_start(at).is_some()
    }

    /// Where the line begins, if only blanks stand before `at`.
    fn line_start(&self, at: usize) -> Option<usize> {
        let first = body::bom(self.file);
        let blanks = self.file[first..at].iter().rev().take_while(|b| matches!(b, b' ' | b'\t' | 0x0c)).count();
        let start = at - blanks;
        (start == first || self.file[start - 1] == b'\n').then_some(start)
    }

    /// The lines of `span`, if nothing else stands on them but a `;` and a comment at the end.
    pub(super) fn whole_lines(&self, span: &Span, comments: &[Span]) -> Option<Span> {
        let start = self.line_start(span.start)?;
        let file = self.file;
        let blanks = |from: usize| from + file[from..].iter().take_while(|b| matches!(b, b' ' | b'\t' | 0x0c)).count();
        let mut at = blanks(span.end);
        if file.get(at) == Some(&b';') {
            at = blanks(at + 1);
        }
        let next = comments.partition_point(|comment| comment.start < at);
        if let Some(comment) = comments.get(next).filter(|comment| comment.start == at) {
            at = blanks(comment.end);
        }
        match &file[at..] {
            [] => Some(start..at),
            [b'\n', ..] => Some(start..at + 1),
            [b'\r', b'\n', ..] => Some(start..at + 2),
            _ => None,
        }
    }

    /// The kind and the names of the item that a node is: several where one declaration has several.
    fn named(&self, node: Node<'_>, rules: &[&'static Rule], is_local: bool) -> Option<(&'static str, Vec<String>)> {
        let mut rules = rules.iter().filter(|rule| !is_local || !matches!(rule.kind, "const" | "decl"));
        rules.find_map(|rule| {
            let names = if is_meant(node, &rule.only) { names::of(self, node, &rule.name) } else { Vec::new() };
            (!names.is_empty()).then_some((rule.kind, names))
        })
    }
}

/// The nodes of a chain of one field.
pub(super) fn chain<'t>(node: Node<'t>, field: &'static str) -> impl Iterator<Item = Node<'t>> {
    let mut at = node;
    std::iter::from_fn(move || {
        // `int (*f)(void)` and references have their declarator without the field.
        let next = at.child_by_field_name(field);
        let next = next.or_else(|| at.kind().contains("reference_declarator").then(|| at.named_child(0)).flatten());
        at = next?;
        Some(at)
    })
}

pub(super) fn children<'t>(node: Node<'t>) -> impl Iterator<Item = Node<'t>> {
    let mut cursor = node.walk();
    let mut has_next = cursor.goto_first_child();
    std::iter::from_fn(move || {
        let child = has_next.then(|| cursor.node());
        has_next = has_next && cursor.goto_next_sibling();
        child
    })
}

pub(super) fn child<'t>(node: Node<'t>, kind: &str) -> Option<Node<'t>> {
    children(node).find(|child| child.kind() == kind)
}

pub(super) fn only_child<'t>(node: Node<'t>, kind: &str) -> Option<Node<'t>> {
    let mut found = children(node).filter(|child| child.kind() == kind);
    found.next().filter(|_| found.next().is_none())
}

fn is_meant(node: Node<'_>, only: &Only) -> bool {
    match only {
        Only::All => true,
        Only::With(field) => node.child_by_field_name(field).is_some(),
        Only::Value(field, kinds) => node.child_by_field_name(field).is_some_and(|held| kinds.contains(&held.kind())),
        Only::Holding(kind, field, kinds) => {
            let held = only_child(node, kind).and_then(|child| child.child_by_field_name(field));
            held.is_some_and(|held| kinds.contains(&held.kind()))
        }
        Only::Through(field, kind) => chain(node, field).any(|node| node.kind() == *kind),
    }
}
