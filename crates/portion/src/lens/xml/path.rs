//! Paths: a subset of XPath 1.0, `/a/b[2]/c[@id='x']`, `//item[name='x']/@attr`, `/a/b/text()`.

use super::parse::{is_white, name_len};
use super::tree::{Attribute, Node, Tree};
use crate::lens::{LensError, MAX_DEPTH, body};

/// A path, parsed.
#[derive(Debug)]
pub(super) struct Path {
    pub(super) steps: Vec<Step>,
    pub(super) end: End,
}

/// What the last step leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    Element,
    Attribute(String),
    Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Axis {
    Child,
    Descendant,
    /// `following-sibling::`
    Following,
}

#[derive(Debug)]
pub(super) struct Step {
    axis: Axis,
    test: Test,
    predicates: Vec<Predicate>,
    /// Where its text ends in the expression.
    end: usize,
}

#[derive(Debug)]
enum Test {
    Any,
    /// The name as the document writes it.
    Name(String),
    /// `*:name`
    Local(String),
}

#[derive(Debug)]
enum Predicate {
    Position(usize),
    Last,
    /// `@name`, `@name='text'`
    Attribute(String, Option<String>),
    /// `name='text'`
    Child(Test, String),
    /// `text()='text'`
    Text(String),
}

const SHAPES: &str = "write `/a/b[@id='x']` for an element, `//b[name='x']` wherever it stands, `/a/b/@id` for an attribute, \
                      `/a/b/text()` for its text";

struct Scan<'e> {
    text: &'e str,
    at: usize,
}

type Parsed<T> = Result<T, String>;

impl Path {
    /// Parses an expression. The empty one, and `/`, mean the root element.
    pub(super) fn parse(expression: &str) -> Result<Path, LensError> {
        let mut scan = Scan { text: expression, at: 0 };
        scan.path().map_err(|why| LensError::Selector {
            scheme: "xml",
            selector: expression.to_owned(),
            why: format!("{why}; {SHAPES}"),
        })
    }

    /// The name that the last step asks for, if it is a child and one name.
    pub(super) fn last_name(&self) -> Option<&str> {
        match self.steps.last() {
            Some(Step { axis: Axis::Child, test: Test::Name(name), .. }) => Some(name),
            _ => None,
        }
    }

    /// Whether it goes to what follows an element.
    pub(super) fn has_axis(&self) -> bool {
        self.steps.iter().any(|step| step.axis == Axis::Following)
    }

    /// Whether the element is told by its place among others.
    pub(super) fn is_position(&self) -> bool {
        self.end == End::Element && self.steps.last().is_some_and(Step::is_position)
    }

    /// The expression of what stands above, and its path; `None` where nothing does.
    pub(super) fn above<'e>(&self, expression: &'e str) -> Option<&'e str> {
        match (self.end.clone(), self.steps.as_slice()) {
            (End::Element, [.., above, last]) if last.axis == Axis::Child => Some(&expression[..above.end]),
            (End::Element, _) => None,
            (_, [.., last]) => Some(&expression[..last.end]),
            (_, []) => Some(""),
        }
    }

    /// All elements that it leads to, without its last `@name` or `text()`.
    pub(super) fn elements(&self, tree: &Tree<'_>, expression: &str) -> Result<Vec<Node>, LensError> {
        let mut found: Option<Vec<Node>> = None;
        let mut before = 0;
        for step in &self.steps {
            if step.axis == Axis::Following && found.as_ref().is_some_and(|found| found.len() > 1) {
                return Err(ambiguous(tree, &expression[..before], found.unwrap_or_default()));
            }
            found = Some(step.from(tree, found.as_deref()));
            before = step.end;
        }
        Ok(found.unwrap_or_else(|| vec![tree.root()]))
    }

    /// The elements that it would lead to if the last step asked for no position.
    pub(super) fn without_position(&mut self) {
        if let Some(step) = self.steps.last_mut() {
            step.predicates.retain(|predicate| !matches!(predicate, Predicate::Position(_) | Predicate::Last));
        }
    }
}

pub(super) fn ambiguous(tree: &Tree<'_>, selector: &str, found: Vec<Node>) -> LensError {
    let starts = found.iter().map(|node| tree.span(*node).start);
    LensError::Ambiguous { selector: selector.to_owned(), lines: body::line_numbers(tree.text.as_bytes(), starts) }
}

impl Step {
    fn is_position(&self) -> bool {
        self.axis == Axis::Following
            || self.predicates.iter().any(|predicate| matches!(predicate, Predicate::Position(_) | Predicate::Last))
    }

    /// The elements that it leads to; from the document itself, where there are no `contexts`.
    fn from(&self, tree: &Tree<'_>, contexts: Option<&[Node]>) -> Vec<Node> {
        let mut out = Vec::new();
        if contexts.is_none() && self.axis != Axis::Following {
            out.extend(self.among(tree, std::iter::once(tree.root())));
        }
        match (self.axis, contexts) {
            (Axis::Descendant, None) => {
                for node in tree.nodes() {
                    out.extend(self.among(tree, tree.children(node)));
                }
            }
            (Axis::Descendant, Some(contexts)) => {
                // In their order, and each once: what stands in one of them may be another.
                let mut next = Node(0);
                for context in contexts.iter().filter_map(|context| {
                    let is_new = *context >= next;
                    if is_new {
                        next = tree.descendants(*context).last().map_or(*context, |last| Node(last.0 + 1));
                    }
                    is_new.then_some(*context)
                }) {
                    for node in std::iter::once(context).chain(tree.descendants(context)) {
                        out.extend(self.among(tree, tree.children(node)));
                    }
                }
            }
            (Axis::Child, Some(contexts)) => {
                for node in contexts {
                    out.extend(self.among(tree, tree.children(*node)));
                }
            }
            (Axis::Following, Some(contexts)) => {
                for node in contexts {
                    let siblings = std::iter::successors(tree.next(*node), |node| tree.next(*node));
                    out.extend(self.among(tree, siblings));
                }
            }
            (Axis::Child | Axis::Following, None) => {}
        }
        out.sort_unstable();
        out
    }

    /// Those of some siblings that it means.
    fn among(&self, tree: &Tree<'_>, siblings: impl Iterator<Item = Node>) -> Vec<Node> {
        let mut found: Vec<Node> = siblings.filter(|node| self.test.is(tree.name(*node))).collect();
        for predicate in &self.predicates {
            match predicate {
                Predicate::Position(at) => found = found.get(at - 1).copied().into_iter().collect(),
                Predicate::Last => found = found.last().copied().into_iter().collect(),
                other => found.retain(|node| other.holds(tree, *node)),
            }
        }
        found
    }
}

impl Test {
    fn is(&self, name: &str) -> bool {
        match self {
            Test::Any => true,
            Test::Name(wanted) => wanted == name,
            Test::Local(wanted) => name.rsplit(':').next() == Some(wanted),
        }
    }
}

impl Predicate {
    fn holds(&self, tree: &Tree<'_>, node: Node) -> bool {
        let says = |node: Node, wanted: &str| {
            !tree.has_children(node) && tree.text_of(node).is_some_and(|text| text == *wanted)
        };
        match self {
            Predicate::Attribute(name, wanted) => tree.attribute(node, name).is_some_and(|attribute: Attribute<'_>| {
                wanted.as_ref().is_none_or(|wanted| tree.value(&attribute).as_ref() == Some(wanted))
            }),
            Predicate::Child(test, wanted) => {
                tree.children(node).any(|child| test.is(tree.name(child)) && says(child, wanted))
            }
            Predicate::Text(wanted) => says(node, wanted),
            Predicate::Position(_) | Predicate::Last => true,
        }
    }
}

impl<'e> Scan<'e> {
    fn rest(&self) -> &'e str {
        &self.text[self.at..]
    }

    fn takes(&mut self, sign: &str) -> bool {
        let takes = self.rest().starts_with(sign);
        if takes {
            self.at += sign.len();
        }
        takes
    }

    fn white(&mut self) {
        self.at += self.rest().bytes().take_while(|b| is_white(*b)).count();
    }

    fn name(&mut self) -> Parsed<&'e str> {
        let rest = self.rest();
        // An axis is no prefix.
        let len = name_len(rest);
        let len = rest[..len].find("::").unwrap_or(len);
        if len == 0 {
            let found = rest.chars().next().map_or("nothing more".to_owned(), |c| format!("`{c}`"));
            return Err(format!("expected a name, found {found}"));
        }
        self.at += len;
        Ok(&rest[..len])
    }

    fn path(&mut self) -> Parsed<Path> {
        let mut path = Path { steps: Vec::new(), end: End::Element };
        if matches!(self.text, "" | "/") {
            return Ok(path);
        }
        while !self.rest().is_empty() {
            let axis = match (self.takes("//"), self.text[self.at..].starts_with('/')) {
                (true, _) => Axis::Descendant,
                (false, true) => {
                    self.at += 1;
                    Axis::Child
                }
                _ if path.steps.is_empty() => return Err("a path starts with `/`".to_owned()),
                _ => return Err(format!("expected `/` before `{}`", self.rest())),
            };
            if axis == Axis::Child && self.takes("@") {
                let name = self.name()?;
                if name == "xmlns" || name.starts_with("xmlns:") {
                    return Err(format!("`{name}` declares a namespace and is no attribute"));
                }
                path.end = End::Attribute(name.to_owned());
            } else if axis == Axis::Child && self.takes("text()") {
                path.end = End::Text;
            } else {
                if path.steps.len() >= MAX_DEPTH {
                    return Err(format!("there are more than {MAX_DEPTH} steps"));
                }
                path.steps.push(self.step(axis)?);
                continue;
            }
            return match self.rest() {
                "" => Ok(path),
                rest => Err(format!("`{rest}` stands behind the last step")),
            };
        }
        Ok(path)
    }

    fn step(&mut self, axis: Axis) -> Parsed<Step> {
        let axis = if axis == Axis::Child && self.takes("following-sibling::") { Axis::Following } else { axis };
        let test = self.test()?;
        let mut predicates = Vec::new();
        while self.takes("[") {
            loop {
                self.white();
                predicates.push(self.predicate()?);
                self.white();
                if !self.takes("and ") {
                    break;
                }
            }
            if !self.takes("]") {
                return Err(format!("expected `]` before `{}`", self.rest()));
            }
        }
        Ok(Step { axis, test, predicates, end: self.at })
    }

    fn test(&mut self) -> Parsed<Test> {
        if self.takes("*:") {
            return Ok(Test::Local(self.name()?.to_owned()));
        }
        if self.takes("*") {
            return Ok(Test::Any);
        }
        Ok(Test::Name(self.name()?.to_owned()))
    }

    fn predicate(&mut self) -> Parsed<Predicate> {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            let number = self.rest()[..digits].parse().ok().filter(|at: &usize| *at > 0);
            self.at += digits;
            return number.map(Predicate::Position).ok_or_else(|| "positions count from 1".to_owned());
        }
        if self.takes("last()") {
            return Ok(Predicate::Last);
        }
        if self.takes("@") {
            let name = self.name()?.to_owned();
            self.white();
            let wanted = if self.takes("=") { Some(self.literal()?) } else { None };
            return Ok(Predicate::Attribute(name, wanted));
        }
        let is_own = self.takes("text()") || self.takes(".");
        let test = if is_own { None } else { Some(self.test()?) };
        self.white();
        if !self.takes("=") {
            return Err(format!("expected `=` before `{}`", self.rest()));
        }
        let wanted = self.literal()?;
        Ok(test.map_or(Predicate::Text(wanted.clone()), |test| Predicate::Child(test, wanted)))
    }

    fn literal(&mut self) -> Parsed<String> {
        self.white();
        let quote = match self.rest().chars().next() {
            Some(quote @ ('\'' | '"')) => quote,
            _ => return Err(format!("expected a text in quotes before `{}`", self.rest())),
        };
        let inside = &self.rest()[1..];
        let len = inside.find(quote).ok_or_else(|| format!("the quote {quote} is not closed"))?;
        self.at += len + 2;
        Ok(inside[..len].to_owned())
    }
}

/// A text in the quotes that it has room for. `None` where it holds both kinds.
pub(super) fn literal(text: &str) -> Option<String> {
    match (text.contains('\''), text.contains('"')) {
        (false, _) => Some(format!("'{text}'")),
        (true, false) => Some(format!("\"{text}\"")),
        (true, true) => None,
    }
}
