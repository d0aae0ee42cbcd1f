//! A query, read: RFC 9535, section 2.

use crate::value::Value;

/// `$.a[0]`: where to begin, and a step for each segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    /// It begins at the document's root (`$`), not at the node that a filter looks at (`@`).
    pub(super) is_absolute: bool,
    pub(super) segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    /// `..`: of the node and of all beneath it.
    pub(super) descends: bool,
    pub(super) selectors: Vec<Selector>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Selector {
    Name(String),
    Wildcard,
    Index(i64),
    Slice { start: Option<i64>, end: Option<i64>, step: i64 },
    Filter(Test),
}

/// What a filter asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    Any(Vec<Test>),
    All(Vec<Test>),
    Not(Box<Test>),
    Compare(Operand, Relation, Operand),
    /// The query finds something.
    Exists(Query),
    /// `match` (the whole text) or `search` (something in it).
    Matches {
        whole: bool,
        subject: Operand,
        pattern: Operand,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A value, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operand {
    Literal(Value),
    /// A query that finds one node at most.
    Node(Query),
    Length(Box<Operand>),
    Count(Query),
    ValueOf(Query),
}

impl Query {
    /// Whether it can find one node at most: names and indices only.
    pub(super) fn is_singular(&self) -> bool {
        self.segments.iter().all(|segment| segment.is_singular())
    }
}

impl Segment {
    pub(super) fn is_singular(&self) -> bool {
        !self.descends && matches!(self.selectors[..], [Selector::Name(_) | Selector::Index(_)])
    }
}
