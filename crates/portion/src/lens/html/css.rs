//! CSS selectors, as far as an address needs them: `main > ul.menu li:nth-of-type(2)`, and behind one `@attribute` or `::text`.

use super::dom::{Dom, Kind, Node};
use crate::lens::{LensError, MAX_DEPTH};

/// What a selector leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    Element,
    Attribute(String),
    Text,
}

/// A selector, parsed. Without any step it means the root element.
#[derive(Debug)]
pub(super) struct Selector {
    steps: Vec<Step>,
    pub(super) end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Combinator {
    Descendant,
    Child,
    Next,
    Following,
}

#[derive(Debug)]
struct Step {
    combinator: Combinator,
    tests: Vec<Test>,
    /// Where the step before it ends in the expression.
    above: usize,
}

#[derive(Debug)]
enum Test {
    Type(String),
    Any,
    Id(String),
    Class(String),
    /// A name, and how its value compares.
    Attribute(String, Option<(char, String)>),
    /// From the start or the end, by type or not, and the number.
    Nth {
        from_end: bool,
        of_type: bool,
        at: usize,
    },
}

const SHAPES: &str =
    "write `#id`, `main > ul.menu li:nth-of-type(2)`, `a[rel='home']@href` for an attribute, `h1::text` for a text";

impl Selector {
    pub(super) fn parse(expression: &str) -> Result<Selector, LensError> {
        Scan { text: expression, at: 0 }.selector().map_err(|why| LensError::Selector {
            scheme: "html",
            selector: expression.to_owned(),
            why: format!("{why}; {SHAPES}"),
        })
    }

    /// The selector of the parent that the last step names.
    pub(super) fn parent<'e>(&self, expression: &'e str) -> Option<&'e str> {
        match (&self.end, self.steps.as_slice()) {
            (End::Element, [_, .., last]) if last.combinator == Combinator::Child => Some(&expression[..last.above]),
            _ => None,
        }
    }

    /// Whether the element is told by its place among others.
    pub(super) fn is_position(&self) -> bool {
        let Some(last) = self.steps.last().filter(|_| self.end == End::Element) else { return false };
        matches!(last.combinator, Combinator::Next | Combinator::Following)
            || last.tests.iter().any(|test| matches!(test, Test::Nth { .. }))
    }

    /// All elements that it means, in their order.
    pub(super) fn elements(&self, dom: &Dom<'_>) -> Vec<Node> {
        let order: Vec<Node> = dom.walk().into_iter().filter(|node| dom.name(*node).is_some()).collect();
        if self.steps.is_empty() {
            return order.into_iter().take(1).collect();
        }
        let places = Places::of(dom);
        let mut found: Vec<bool> = vec![true; dom.nodes.len()];
        for (nth, step) in self.steps.iter().enumerate() {
            let reached = if nth == 0 { found } else { step.reached(dom, &order, &places, &found) };
            found = vec![false; dom.nodes.len()];
            for node in order.iter().filter(|node| reached[**node]) {
                found[*node] = step.tests.iter().all(|test| test.holds(dom, *node, &places));
            }
        }
        order.into_iter().filter(|node| found[*node]).collect()
    }
}

/// Where elements stand among their siblings.
struct Places {
    /// From the start and from the end, among all and among those of their type; from 1.
    at: Vec<[usize; 4]>,
    before: Vec<Option<Node>>,
}

impl Places {
    fn of(dom: &Dom<'_>) -> Places {
        let mut places = Places { at: vec![[0; 4]; dom.nodes.len()], before: vec![None; dom.nodes.len()] };
        for parent in 0..dom.nodes.len() {
            let elements: Vec<Node> =
                dom.nodes[parent].children.iter().copied().filter(|child| dom.name(*child).is_some()).collect();
            for from_end in [false, true] {
                let mut types: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
                let mut place = |nth: usize, node: Node| {
                    let of_type = types.entry(dom.local(node)).or_default();
                    *of_type += 1;
                    let own = &mut places.at[node];
                    (own[usize::from(from_end)], own[2 + usize::from(from_end)]) = (nth + 1, *of_type);
                };
                match from_end {
                    false => elements.iter().enumerate().for_each(|(nth, node)| place(nth, *node)),
                    true => elements.iter().rev().enumerate().for_each(|(nth, node)| place(nth, *node)),
                }
            }
            for pair in elements.windows(2) {
                places.before[pair[1]] = Some(pair[0]);
            }
        }
        places
    }
}

impl Step {
    /// The elements that stand to one of those that were found as the combinator says.
    fn reached(&self, dom: &Dom<'_>, order: &[Node], places: &Places, found: &[bool]) -> Vec<bool> {
        let mut reached = vec![false; found.len()];
        for node in order {
            // What comes before in the order is known already.
            let parent = dom.nodes[*node].parent;
            reached[*node] = match self.combinator {
                Combinator::Child => parent.is_some_and(|parent| found[parent]),
                Combinator::Next => places.before[*node].is_some_and(|before| found[before]),
                Combinator::Following => places.before[*node].is_some_and(|before| found[before] || reached[before]),
                Combinator::Descendant => {
                    // The content of a template stands between.
                    let parent = parent.map(|parent| match dom.nodes[parent].kind {
                        Kind::Document => dom.nodes[parent].parent.unwrap_or(parent),
                        _ => parent,
                    });
                    parent.is_some_and(|parent| dom.name(parent).is_some() && (found[parent] || reached[parent]))
                }
            };
        }
        reached
    }
}

impl Test {
    fn holds(&self, dom: &Dom<'_>, node: Node, places: &Places) -> bool {
        match self {
            Test::Any => true,
            Test::Type(name) => dom.local(node).eq_ignore_ascii_case(name),
            Test::Id(id) => dom.attribute(node, "id") == Some(id),
            Test::Class(class) => {
                dom.attribute(node, "class").is_some_and(|own| own.split_ascii_whitespace().any(|own| own == class))
            }
            Test::Attribute(name, wanted) => match (dom.attribute(node, name), wanted) {
                (None, _) => false,
                (Some(_), None) => true,
                (Some(_), Some((kind, wanted))) if wanted.is_empty() && *kind != '=' => false,
                (Some(own), Some((kind, wanted))) => match kind {
                    '^' => own.starts_with(wanted),
                    '$' => own.ends_with(wanted),
                    '*' => own.contains(wanted),
                    '~' => own.split_ascii_whitespace().any(|own| own == wanted),
                    _ => own == wanted,
                },
            },
            Test::Nth { from_end, of_type, at } => {
                places.at[node][usize::from(*of_type) * 2 + usize::from(*from_end)] == *at
            }
        }
    }
}

type Parsed<T> = Result<T, String>;

struct Scan<'e> {
    text: &'e str,
    at: usize,
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

    fn white(&mut self) -> bool {
        let len = self.rest().len() - self.rest().trim_ascii_start().len();
        self.at += len;
        len > 0
    }

    fn selector(&mut self) -> Parsed<Selector> {
        let mut selector = Selector { steps: Vec::new(), end: End::Element };
        if self.text.is_empty() {
            return Ok(selector);
        }
        let mut above = 0;
        loop {
            let white = self.white();
            let combinator = match self.rest().chars().next() {
                None if selector.steps.is_empty() => return Err("the selector is empty".to_owned()),
                None => return Ok(selector),
                Some('@') => {
                    self.at += 1;
                    let name = self.rest();
                    let is_odd = |c: char| c.is_ascii_whitespace() || c.is_control() || "\"'>/=<".contains(c);
                    if name.is_empty() || name.contains(is_odd) {
                        return Err(format!("`{name}` is no attribute's name"));
                    }
                    selector.end = End::Attribute(name.to_owned());
                    return Ok(selector);
                }
                Some(':') if self.rest() == "::text" => {
                    selector.end = End::Text;
                    return Ok(selector);
                }
                Some('>') => Combinator::Child,
                Some('+') => Combinator::Next,
                Some('~') => Combinator::Following,
                Some(_) if white || selector.steps.is_empty() => Combinator::Descendant,
                Some(c) => return Err(format!("`{c}` has no place here")),
            };
            if combinator != Combinator::Descendant {
                self.at += 1;
                self.white();
                if selector.steps.is_empty() {
                    return Err("a selector does not begin with a combinator".to_owned());
                }
            }
            if selector.steps.len() >= MAX_DEPTH {
                return Err(format!("there are more than {MAX_DEPTH} steps"));
            }
            let tests = self.compound()?;
            selector.steps.push(Step { combinator, tests, above });
            above = self.at;
        }
    }

    fn compound(&mut self) -> Parsed<Vec<Test>> {
        let mut tests = Vec::new();
        loop {
            let test = match self.rest().chars().next() {
                Some('*') if tests.is_empty() => {
                    self.at += 1;
                    Test::Any
                }
                Some('#') => {
                    self.at += 1;
                    Test::Id(self.name()?)
                }
                Some('.') => {
                    self.at += 1;
                    Test::Class(self.name()?)
                }
                Some('[') => self.attribute()?,
                Some(':') if !self.rest().starts_with("::") => self.pseudo_class()?,
                Some(c) if tests.is_empty() && is_part(c) => Test::Type(self.name()?),
                _ if tests.is_empty() => return Err(format!("expected an element before `{}`", self.rest())),
                _ => return Ok(tests),
            };
            tests.push(test);
        }
    }

    /// A name; a backslash stands before a sign that is part of it.
    fn name(&mut self) -> Parsed<String> {
        let mut out = String::new();
        let mut chars = self.rest().chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => {
                    let next = chars.next().ok_or("a backslash at the end")?;
                    self.at += 1 + next.len_utf8();
                    out.push(next);
                }
                c if is_part(c) => {
                    self.at += c.len_utf8();
                    out.push(c);
                }
                _ => break,
            }
        }
        if out.is_empty() { Err(format!("expected a name before `{}`", self.rest())) } else { Ok(out) }
    }

    fn attribute(&mut self) -> Parsed<Test> {
        self.at += 1;
        self.white();
        let len = self.rest().find(|c: char| "=~^$*]".contains(c) || c.is_ascii_whitespace()).unwrap_or(0);
        let name = self.rest()[..len].to_owned();
        if name.is_empty() {
            return Err(format!("expected an attribute before `{}`", self.rest()));
        }
        self.at += len;
        self.white();
        if self.takes("]") {
            return Ok(Test::Attribute(name, None));
        }
        let kind = ["=", "^=", "$=", "*=", "~="].into_iter().find(|kind| self.takes(kind));
        let kind = kind.and_then(|kind| kind.chars().next()).ok_or("expected `=` or `]` in `[…]`")?;
        self.white();
        let value = match self.rest().chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let inside = &self.rest()[1..];
                let len = inside.find(quote).ok_or_else(|| format!("the quote {quote} is not closed"))?;
                self.at += len + 2;
                inside[..len].to_owned()
            }
            _ => self.name()?,
        };
        self.white();
        if !self.takes("]") {
            return Err(format!("expected `]` before `{}`", self.rest()));
        }
        Ok(Test::Attribute(name, Some((kind, value))))
    }

    fn pseudo_class(&mut self) -> Parsed<Test> {
        const NAMES: &[(&str, bool, bool)] = &[
            (":nth-child(", false, false),
            (":nth-last-child(", true, false),
            (":nth-of-type(", false, true),
            (":nth-last-of-type(", true, true),
        ];
        const ENDS: &[(&str, bool, bool)] = &[
            (":first-child", false, false),
            (":last-child", true, false),
            (":first-of-type", false, true),
            (":last-of-type", true, true),
        ];
        if let Some((_, from_end, of_type)) = ENDS.iter().find(|(name, ..)| self.takes(name)) {
            return Ok(Test::Nth { from_end: *from_end, of_type: *of_type, at: 1 });
        }
        let found = NAMES.iter().find(|(name, ..)| self.takes(name));
        let Some((_, from_end, of_type)) = found else {
            return Err(format!("`{}` is no pseudo-class that this program knows", self.rest()));
        };
        self.white();
        let len = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let at = self.rest()[..len].parse().ok().filter(|at: &usize| *at > 0).ok_or("positions are numbers from 1")?;
        self.at += len;
        self.white();
        if !self.takes(")") {
            return Err(format!("expected `)` before `{}`", self.rest()));
        }
        Ok(Test::Nth { from_end: *from_end, of_type: *of_type, at })
    }
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '-' || c == '_' || !c.is_ascii()
}

/// A name as a selector has it, `#a\.b`. `None` where it is nothing that people would write.
pub(super) fn written(name: &str) -> Option<String> {
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    if name.is_empty() || name.len() > 120 || name.contains(is_odd) {
        return None;
    }
    let mut out = String::new();
    for c in name.chars() {
        if !is_part(c) {
            out.push('\\');
        }
        out.push(c);
    }
    Some(out)
}
