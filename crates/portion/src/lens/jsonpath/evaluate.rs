//! What a query finds in a value: RFC 9535, section 2, on a budget. The work grows with the document and not with powers of it: a query
//! that would need more is refused.

use std::cmp::Ordering;
use std::collections::HashMap;

use regex::{Regex, RegexBuilder};

use super::query::{Operand, Query, Relation, Segment, Selector, Test};
use crate::value::{Number, Value};

/// So many nodes may be looked at for each node of the document, and so many in any case.
const WORK: (usize, usize) = (64, 1 << 20);
/// So many places may be kept in mind, likewise.
const PLACES: (usize, usize) = (4, 1 << 16);
/// The size of a compiled regular expression, in bytes, and how many are kept.
const MAX_REGEX: usize = 1 << 20;
const MAX_REGEXES: usize = 64;

/// The query looks at too much.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMuch;

/// One step of a place: a key or an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'v> {
    Key(&'v str),
    Index(usize),
}

/// A node that was found: what stands there, and how it was come to.
#[derive(Debug, Clone, Copy)]
struct Node<'v> {
    value: &'v Value,
    /// Its place in the trails; the root has none.
    trail: Option<usize>,
}

/// The places that the query finds, each once, in the document's order as far as the query keeps it.
pub(super) fn places<'v>(query: &Query, root: &'v Value) -> Result<Vec<Vec<Step<'v>>>, TooMuch> {
    let size = size(root);
    let at_most = |(factor, least): (usize, usize)| size.saturating_mul(factor).max(least);
    let mut search =
        Search { root, trails: Vec::new(), most_trails: at_most(PLACES), left: at_most(WORK), regexes: HashMap::new() };
    let nodes = search.nodes(query, Node { value: root, trail: None })?;
    let mut places: Vec<Vec<Step<'v>>> = Vec::new();
    let mut seen: Vec<*const Value> = Vec::new();
    for node in nodes {
        // A value stands at one place only.
        let at = std::ptr::from_ref(node.value);
        if places.len() < MAX_PLACES && !seen.contains(&at) {
            seen.push(at);
            places.push(search.place(node.trail));
        }
    }
    Ok(places)
}

/// One is wanted; so many of the others are told.
const MAX_PLACES: usize = 100;

/// How many nodes a value has.
fn size(value: &Value) -> usize {
    let mut count = 0;
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        count += 1;
        match value {
            Value::Sequence(items) => open.extend(items),
            Value::Map(members) => open.extend(members.iter().map(|(_, member)| member)),
            _ => {}
        }
    }
    count
}

struct Search<'v> {
    root: &'v Value,
    /// The step to a node, and the trail of its parent.
    trails: Vec<(Option<usize>, Step<'v>)>,
    most_trails: usize,
    /// How much may still be looked at.
    left: usize,
    regexes: HashMap<(bool, String), Option<Regex>>,
}

impl<'v> Search<'v> {
    fn spend(&mut self, work: usize) -> Result<(), TooMuch> {
        self.left = self.left.checked_sub(work).ok_or(TooMuch)?;
        if self.trails.len() > self.most_trails { Err(TooMuch) } else { Ok(()) }
    }

    fn place(&self, mut trail: Option<usize>) -> Vec<Step<'v>> {
        let mut steps = Vec::new();
        while let Some(at) = trail {
            let (parent, step) = self.trails[at];
            steps.push(step);
            trail = parent;
        }
        steps.reverse();
        steps
    }

    fn nodes(&mut self, query: &Query, current: Node<'v>) -> Result<Vec<Node<'v>>, TooMuch> {
        let start = if query.is_absolute { Node { value: self.root, trail: None } } else { current };
        let mut nodes = vec![start];
        for segment in &query.segments {
            let mut next = Vec::new();
            for node in nodes {
                self.segment(segment, node, &mut next)?;
            }
            nodes = next;
        }
        Ok(nodes)
    }

    fn segment(&mut self, segment: &Segment, node: Node<'v>, out: &mut Vec<Node<'v>>) -> Result<(), TooMuch> {
        if !segment.descends {
            return self.select(segment, node, out);
        }
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            self.select(segment, node, out)?;
            let from = open.len();
            self.children(node, &mut open)?;
            open[from..].reverse();
        }
        Ok(())
    }

    fn select(&mut self, segment: &Segment, node: Node<'v>, out: &mut Vec<Node<'v>>) -> Result<(), TooMuch> {
        segment.selectors.iter().try_for_each(|selector| self.selector(selector, node, out))
    }

    fn child(&mut self, parent: Node<'v>, step: Step<'v>, value: &'v Value) -> Node<'v> {
        self.trails.push((parent.trail, step));
        Node { value, trail: Some(self.trails.len() - 1) }
    }

    fn children(&mut self, node: Node<'v>, out: &mut Vec<Node<'v>>) -> Result<(), TooMuch> {
        match node.value {
            Value::Sequence(items) => {
                self.spend(items.len())?;
                out.extend(items.iter().enumerate().map(|(at, item)| self.child(node, Step::Index(at), item)));
            }
            Value::Map(members) => {
                self.spend(members.len())?;
                out.extend(members.iter().map(|(key, member)| self.child(node, Step::Key(key), member)));
            }
            _ => {}
        }
        Ok(())
    }

    fn selector(&mut self, selector: &Selector, node: Node<'v>, out: &mut Vec<Node<'v>>) -> Result<(), TooMuch> {
        self.spend(1)?;
        match (selector, node.value) {
            (Selector::Wildcard, _) => self.children(node, out)?,
            (Selector::Name(name), Value::Map(members)) => {
                let at = members.iter().position(|(key, _)| key == name);
                self.spend(at.unwrap_or(members.len()))?;
                if let Some((key, member)) = at.map(|at| &members[at]) {
                    out.push(self.child(node, Step::Key(key), member));
                }
            }
            (Selector::Index(index), Value::Sequence(items)) => {
                if let Some(at) = from_end(*index, items.len()).filter(|at| *at < items.len()) {
                    out.push(self.child(node, Step::Index(at), &items[at]));
                }
            }
            (Selector::Slice { start, end, step }, Value::Sequence(items)) => {
                for at in sliced(*start, *end, *step, items.len()) {
                    self.spend(1)?;
                    out.push(self.child(node, Step::Index(at), &items[at]));
                }
            }
            (Selector::Filter(test), _) => {
                let mut children = Vec::new();
                self.children(node, &mut children)?;
                for child in children {
                    // What a test finds on its way is not kept.
                    let trails = self.trails.len();
                    let passes = self.test(test, child)?;
                    self.trails.truncate(trails);
                    if passes {
                        out.push(child);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn test(&mut self, test: &Test, node: Node<'v>) -> Result<bool, TooMuch> {
        self.spend(1)?;
        match test {
            Test::Any(tests) => {
                for test in tests {
                    if self.test(test, node)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Test::All(tests) => {
                for test in tests {
                    if !self.test(test, node)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Test::Not(test) => Ok(!self.test(test, node)?),
            Test::Exists(query) => Ok(!self.nodes(query, node)?.is_empty()),
            Test::Compare(left, relation, right) => {
                let (left, right) = (self.operand(left, node)?, self.operand(right, node)?);
                self.spend(left.as_ref().map_or(0, |value| if value.is_container() { size(value) } else { 1 }))?;
                Ok(holds(left.as_deref(), *relation, right.as_deref()))
            }
            Test::Matches { whole, subject, pattern } => {
                let (subject, pattern) = (self.operand(subject, node)?, self.operand(pattern, node)?);
                let (Some(Value::String(subject)), Some(Value::String(pattern))) =
                    (subject.as_deref(), pattern.as_deref())
                else {
                    return Ok(false);
                };
                self.spend(subject.len() / 16)?;
                Ok(self.regex(pattern, *whole)?.is_some_and(|regex| regex.is_match(subject)))
            }
        }
    }

    fn regex(&mut self, pattern: &str, whole: bool) -> Result<Option<&Regex>, TooMuch> {
        let key = (whole, pattern.to_owned());
        if !self.regexes.contains_key(&key) {
            if self.regexes.len() >= MAX_REGEXES {
                return Err(TooMuch);
            }
            self.spend(pattern.len())?;
            let regex = RegexBuilder::new(&translated(pattern, whole)).size_limit(MAX_REGEX).build().ok();
            self.regexes.insert(key.clone(), regex);
        }
        Ok(self.regexes.get(&key).and_then(Option::as_ref))
    }

    fn operand<'s>(&mut self, operand: &'s Operand, node: Node<'v>) -> Result<Option<Found<'s, 'v>>, TooMuch> {
        let number = |count: usize| Some(Found::Made(Value::Number(Number::new(count.to_string()))));
        Ok(match operand {
            Operand::Literal(value) => Some(Found::Said(value)),
            Operand::Node(query) => self.nodes(query, node)?.first().map(|node| Found::Stands(node.value)),
            Operand::ValueOf(query) => match self.nodes(query, node)?[..] {
                [only] => Some(Found::Stands(only.value)),
                _ => None,
            },
            Operand::Count(query) => number(self.nodes(query, node)?.len()),
            Operand::Length(operand) => match self.operand(operand, node)?.as_deref() {
                Some(Value::String(text) | Value::DateTime(text)) => number(text.chars().count()),
                Some(Value::Sequence(items)) => number(items.len()),
                Some(Value::Map(members)) => number(members.len()),
                _ => None,
            },
        })
    }
}

/// A value of the query, of the document, or computed.
enum Found<'s, 'v> {
    Said(&'s Value),
    Stands(&'v Value),
    Made(Value),
}

impl std::ops::Deref for Found<'_, '_> {
    type Target = Value;
    fn deref(&self) -> &Value {
        match self {
            Found::Said(value) | Found::Stands(value) => value,
            Found::Made(value) => value,
        }
    }
}

/// An index from the end is below zero.
fn from_end(index: i64, count: usize) -> Option<usize> {
    let count = i64::try_from(count).ok()?;
    usize::try_from(if index < 0 { index + count } else { index }).ok()
}

/// RFC 9535, section 2.3.4.2.2.
fn sliced(start: Option<i64>, end: Option<i64>, step: i64, count: usize) -> Vec<usize> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let normal = |index: i64| if index < 0 { index + count } else { index };
    let mut found = Vec::new();
    let mut push = |at: i64| found.extend(usize::try_from(at).ok());
    if step > 0 {
        let (mut at, end) = (normal(start.unwrap_or(0)).clamp(0, count), normal(end.unwrap_or(count)).clamp(0, count));
        while at < end {
            push(at);
            at = at.saturating_add(step);
        }
    } else if step < 0 {
        let mut at = normal(start.unwrap_or(count - 1)).clamp(-1, count - 1);
        let end = end.map_or(-1, |end| normal(end).clamp(-1, count - 1));
        while at > end {
            push(at);
            at = at.saturating_add(step);
        }
    }
    found
}

/// RFC 9535, section 2.3.5.2.2. A date-time is compared as the text that it is in JSON.
fn holds(left: Option<&Value>, relation: Relation, right: Option<&Value>) -> bool {
    let text = |value: &Value| match value {
        Value::String(text) | Value::DateTime(text) => Some(text.clone()),
        _ => None,
    };
    let equal = || match (left, right) {
        (None, None) => true,
        (Some(left), Some(right)) => left == right || text(left).is_some_and(|left| Some(left) == text(right)),
        _ => false,
    };
    let order = || match (left?, right?) {
        (Value::Number(left), Value::Number(right)) => left.compare(right),
        (left, right) => Some(text(left)?.cmp(&text(right)?)),
    };
    match relation {
        Relation::Equal => equal(),
        Relation::NotEqual => !equal(),
        Relation::Less => order() == Some(Ordering::Less),
        Relation::Greater => order() == Some(Ordering::Greater),
        Relation::LessOrEqual => order() == Some(Ordering::Less) || equal(),
        Relation::GreaterOrEqual => order() == Some(Ordering::Greater) || equal(),
    }
}

/// An I-Regexp (RFC 9485) as this crate's: its dot matches neither line feed nor carriage return.
fn translated(pattern: &str, whole: bool) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut in_class = false;
    let mut is_escaped = false;
    for sign in pattern.chars() {
        match sign {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            '.' if !in_class => {
                out.push_str("[^\\n\\r]");
                continue;
            }
            _ => {}
        }
        out.push(sign);
    }
    if whole { format!("\\A(?:{out})\\z") } else { out }
}
