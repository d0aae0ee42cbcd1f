//! Paragraphs of text documents and slides: what they say, and how other text is put into them.
//!
//! A paragraph is a line of text; in it, a tab is a tab and a line break a vertical tab. What is no text (a picture, a field, an equation, a
//! tracked change, a footnote) cannot be changed: a paragraph may be, as long as that stays where it is. What stands between paragraphs
//! (a table, a content control) is a line of its own that holds nothing but U+FFFC, and stays, too.
//!
//! A paragraph that does not change keeps its bytes. In one that does, runs that lie in what its old and new text begin and end with keep
//! theirs; the first of the others gets the new text with its own properties.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::xml::{Node, Tree, escaped, is_sayable};
use crate::lens::{Edit, LensError, Span};

/// What stands for something that is no text.
const OBJECT: &str = "\u{FFFC}";

/// What may be overwritten although it is no run.
const LINE_BREAK: &str = "a line break";

/// WordprocessingML or DrawingML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Document,
    Slide,
}

/// What stands in a paragraph, in a row.
struct Piece {
    span: Span,
    text: String,
    /// The run, if it is nothing but text.
    run: Option<Node>,
    /// What it is, if it is more than text.
    why: &'static str,
}

impl Piece {
    /// Whether it must not be overwritten.
    fn is_held(&self) -> bool {
        self.run.is_none() && self.why != LINE_BREAK
    }
}

fn refused(why: impl Into<String>) -> LensError {
    LensError::Refused(why.into())
}

pub(crate) struct Prose<'t> {
    pub(crate) tree: &'t Tree,
    pub(crate) dialect: Dialect,
}

impl Prose<'_> {
    /// Whether an element has this name in the dialect's namespace.
    pub(crate) fn is(&self, node: Node, name: &str) -> bool {
        let part = match self.dialect {
            Dialect::Document => "wordprocessingml",
            Dialect::Slide => "drawingml",
        };
        self.tree.name(node) == name && self.tree.namespace(node).contains(part)
    }

    pub(crate) fn child(&self, node: Node, name: &str) -> Option<Node> {
        self.tree.children(node).find(|child| self.is(*child, name))
    }

    /// The text of a paragraph.
    pub(crate) fn text(&self, paragraph: Node) -> Result<String, LensError> {
        Ok(self.pieces(self.tree.children(paragraph))?.into_iter().map(|piece| piece.text).collect())
    }

    /// The lines of paragraphs and what stands between them.
    pub(crate) fn lines(&self, blocks: &[Node]) -> Result<Vec<String>, LensError> {
        blocks.iter().map(|node| if self.is(*node, "p") { self.text(*node) } else { Ok(OBJECT.to_owned()) }).collect()
    }

    /// The text of some children of a paragraph.
    pub(crate) fn part(&self, nodes: &[Node]) -> Result<String, LensError> {
        Ok(self.pieces(nodes.iter().copied())?.into_iter().map(|piece| piece.text).collect())
    }

    fn pieces(&self, children: impl Iterator<Item = Node>) -> Result<Vec<Piece>, LensError> {
        let mut pieces = Vec::new();
        // How many fields are open: what they show is theirs.
        let mut fields = 0usize;
        for node in children {
            if self.is(node, "r") {
                let (text, field, why) = self.run(node)?;
                let inside = fields > 0 || field != 0;
                fields = fields.saturating_add_signed(field);
                let why = if inside { "a field" } else { why };
                pieces.push(Piece { span: self.tree.span(node), text, run: why.is_empty().then_some(node), why });
            } else if let Some((text, why)) = self.other(node)? {
                pieces.push(Piece { span: self.tree.span(node), text, run: None, why });
            }
        }
        Ok(pieces)
    }

    /// A run's text; by how many fields it opens or closes; and what it is, if it is more than text.
    fn run(&self, node: Node) -> Result<(String, isize, &'static str), LensError> {
        let tree = self.tree;
        let (mut text, mut field, mut why) = (String::new(), 0, "");
        for child in tree.children(node) {
            match tree.name(child) {
                "t" => text.push_str(&tree.text(child)?),
                "tab" => text.push('\t'),
                "br" if matches!(tree.local_attribute(child, "type").as_deref(), None | Some("textWrapping")) => {
                    text.push('\u{B}')
                }
                "cr" => text.push('\u{B}'),
                "noBreakHyphen" => text.push('\u{2011}'),
                "softHyphen" => text.push('\u{AD}'),
                "rPr" | "lastRenderedPageBreak" => {}
                "fldChar" => match tree.local_attribute(child, "fldCharType").as_deref() {
                    Some("begin") => field += 1,
                    Some("end") => field -= 1,
                    _ => why = "a field",
                },
                "instrText" | "delInstrText" => why = "a field",
                "delText" => why = "a tracked change",
                "footnoteReference" | "endnoteReference" | "commentReference" | "annotationRef" => why = "a note",
                "br" => why = "a page or column break",
                _ => {
                    why = "a picture or another object";
                    text.push_str(OBJECT);
                }
            }
        }
        Ok((text, field, why))
    }

    /// What a paragraph holds beside runs: its text and what it is. `None` for marks that have no width.
    fn other(&self, node: Node) -> Result<Option<(String, &'static str)>, LensError> {
        const MARKS: &[&str] = &[
            "pPr",
            "proofErr",
            "bookmarkStart",
            "bookmarkEnd",
            "commentRangeStart",
            "commentRangeEnd",
            "permStart",
            "permEnd",
            "endParaRPr",
            "moveFromRangeStart",
            "moveFromRangeEnd",
            "moveToRangeStart",
            "moveToRangeEnd",
        ];
        let name = self.tree.name(node);
        Ok(match name {
            _ if MARKS.contains(&name) => None,
            "br" => Some(("\u{B}".to_owned(), LINE_BREAK)),
            "del" | "moveFrom" => Some((String::new(), "a tracked change")),
            "ins" | "moveTo" => Some((self.inside(node)?, "a tracked change")),
            "hyperlink" => Some((self.inside(node)?, "a link")),
            "fld" | "fldSimple" => Some((self.inside(node)?, "a field")),
            "sdt" => Some((self.inside(node)?, "a content control")),
            "smartTag" | "customXml" | "dir" | "bdo" => Some((self.inside(node)?, "a part with a meaning of its own")),
            "oMath" | "oMathPara" => Some((OBJECT.to_owned(), "an equation")),
            _ => Some((OBJECT.to_owned(), "a picture or another object")),
        })
    }

    /// The text of all runs within.
    fn inside(&self, node: Node) -> Result<String, LensError> {
        let mut text = String::new();
        for run in self.tree.descendants(node).filter(|node| self.is(*node, "r")) {
            text.push_str(&self.run(run)?.0);
        }
        if self.is(node, "fld") {
            for shown in self.tree.children(node).filter(|child| self.is(*child, "t")) {
                text.push_str(&self.tree.text(shown)?);
            }
        }
        Ok(text)
    }

    /// The edits that make these blocks say these lines.
    pub(crate) fn replace(&self, blocks: &[Node], new: &[String]) -> Result<Vec<Edit>, LensError> {
        let old = self.lines(blocks)?;
        let mut edits = Vec::new();
        for op in capture_diff_slices(Algorithm::Myers, &old, new) {
            let (old_range, new_range) = (op.old_range(), op.new_range());
            if matches!(op, DiffOp::Equal { .. }) {
                continue;
            }
            let paired = old_range.len().min(new_range.len());
            for at in 0..paired {
                edits.extend(self.changed(blocks[old_range.start + at], &new[new_range.start + at])?);
            }
            for node in &blocks[old_range.start + paired..old_range.end] {
                self.removable(*node)?;
                edits.push(Edit { span: self.tree.span(*node), text: Vec::new() });
            }
            let added = &new[new_range.start + paired..new_range.end];
            if !added.is_empty() {
                edits.push(self.added(blocks, old_range.start + paired, added)?);
            }
        }
        edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
        Ok(edits)
    }

    /// New paragraphs before the block of that number, or behind the last.
    fn added(&self, blocks: &[Node], before: usize, lines: &[String]) -> Result<Edit, LensError> {
        let is_plain = |node: &&Node| self.is(**node, "p") && !self.is_heading(**node);
        let model = blocks[..before].last().filter(is_plain).or_else(|| blocks.get(before).filter(is_plain));
        let at = match before {
            0 => blocks.first().map(|node| self.tree.span(*node).start),
            _ => blocks.get(before - 1).map(|node| self.tree.span(*node).end),
        };
        let at = at.ok_or_else(|| refused("there is no paragraph to write beside"))?;
        let text = self.paragraphs(model.copied(), lines, self.tree.prefix(blocks[before.saturating_sub(1)]))?;
        Ok(Edit { span: at..at, text: text.into_bytes() })
    }

    /// Paragraphs that look like another one.
    pub(crate) fn paragraphs(&self, model: Option<Node>, lines: &[String], prefix: &str) -> Result<String, LensError> {
        let source = |node: Node| &self.tree.source()[self.tree.span(node)];
        let properties = model.and_then(|model| self.child(model, "pPr"));
        // A section's end, and marks of tracked changes, are this paragraph's alone.
        let own = |node: &Node| {
            let mut within = self.tree.descendants(*node);
            within.any(|node| {
                matches!(self.tree.name(node), "sectPr" | "pPrChange" | "ins" | "del" | "moveFrom" | "moveTo")
            })
        };
        let properties = properties.filter(|node| !own(node)).map_or("", source);
        let run = model.and_then(|model| self.tree.children(model).find(|child| self.is(*child, "r")));
        let of_run = run.and_then(|run| self.child(run, "rPr")).map_or("", source);
        let mut out = String::new();
        for line in lines {
            if line.contains('\u{FFFC}') {
                return Err(refused("a picture, a table or another object cannot be put as text"));
            }
            out += &format!(
                "<{prefix}p>{properties}{}</{prefix}p>",
                self.written(&format!("{prefix}r"), of_run, line, prefix)?
            );
        }
        Ok(out)
    }

    /// Whether its style makes it a heading. Only told by its name, for what looks like it is only a matter of style.
    fn is_heading(&self, paragraph: Node) -> bool {
        let style = self.child(paragraph, "pPr").and_then(|properties| self.child(properties, "pStyle"));
        let name = style.and_then(|style| self.tree.local_attribute(style, "val")).unwrap_or_default();
        name.to_ascii_lowercase().starts_with("heading") || name == "Title"
    }

    fn removable(&self, node: Node) -> Result<(), LensError> {
        if !self.is(node, "p") {
            return Err(refused("a table or another object stands where text would be removed"));
        }
        if let Some(piece) = self.pieces(self.tree.children(node))?.iter().find(|piece| piece.is_held()) {
            return Err(refused(format!("the paragraph that would be removed holds {}", piece.why)));
        }
        const GOES: &[&str] = &["pPr", "r", "br", "proofErr", "endParaRPr"];
        let mark = self.tree.children(node).find(|child| !GOES.contains(&self.tree.name(*child)));
        let section = self.child(node, "pPr").is_some_and(|properties| self.child(properties, "sectPr").is_some());
        match (mark, section) {
            (Some(_), _) => Err(refused("the paragraph that would be removed holds a bookmark or a comment")),
            (_, true) => Err(refused("the paragraph that would be removed ends a section")),
            _ => Ok(()),
        }
    }

    /// The edits that make a paragraph say this line.
    fn changed(&self, paragraph: Node, line: &str) -> Result<Vec<Edit>, LensError> {
        if !self.is(paragraph, "p") {
            return Err(refused("a table or another object stands where text would be put"));
        }
        let children: Vec<Node> = self.tree.children(paragraph).collect();
        let tree = self.tree;
        let behind = children
            .iter()
            .find(|node| self.is(**node, "pPr"))
            .map_or(tree.inner(paragraph).start, |node| tree.span(*node).end);
        if !tree.is_closed(paragraph) {
            return self.put(&children, line, behind, tree.prefix(paragraph));
        }
        let open = tree.open(paragraph);
        let slash = tree.source()[..open.end].rfind('/').unwrap_or(open.end - 1);
        let prefix = tree.prefix(paragraph);
        let text =
            format!(">{}</{}>", self.written(&format!("{prefix}r"), "", line, prefix)?, tree.full_name(paragraph));
        Ok(vec![Edit { span: slash..open.end, text: text.into_bytes() }])
    }

    /// The edits that make these children of a paragraph say this text. Where there is no run at all it is put at `empty`.
    pub(crate) fn put(&self, children: &[Node], new: &str, empty: usize, prefix: &str) -> Result<Vec<Edit>, LensError> {
        self.fit(&self.pieces(children.iter().copied())?, new, empty, prefix)
    }

    fn fit(&self, pieces: &[Piece], new: &str, empty: usize, prefix: &str) -> Result<Vec<Edit>, LensError> {
        let old: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        if old == new {
            return Ok(Vec::new());
        }
        let prefixed = common(old.chars(), new.chars());
        let suffixed = common(old[prefixed..].chars().rev(), new[prefixed..].chars().rev());
        let (mut from, mut start) = (0, 0);
        while let Some(piece) = pieces.get(from).filter(|piece| start + piece.text.len() <= prefixed) {
            start += piece.text.len();
            from += 1;
        }
        let (mut to, mut end) = (pieces.len(), old.len());
        while to > from && end - pieces[to - 1].text.len() >= old.len() - suffixed {
            end -= pieces[to - 1].text.len();
            to -= 1;
        }
        // What stands between two runs goes to the one before it.
        if from == to {
            if from > 0 && pieces[from - 1].run.is_some() {
                from -= 1;
                start -= pieces[from].text.len();
            } else if to < pieces.len() && pieces[to].run.is_some() {
                end += pieces[to].text.len();
                to += 1;
            }
        }
        let middle = &new[start..new.len() - (old.len() - end)];
        if let Some(held) = pieces[from..to].iter().position(Piece::is_held) {
            return self.beside(pieces, from + held, (start, middle), new, empty, prefix);
        }
        if middle.contains('\u{FFFC}') {
            return Err(refused("a picture or another object cannot be put as text"));
        }
        let text = match pieces[from..to].iter().find_map(|piece| piece.run) {
            Some(run) => self.rewritten(run, middle)?,
            None => self.written(&format!("{prefix}r"), "", middle, prefix)?,
        };
        let Some(first) = pieces[from..to].first() else {
            let at = match from {
                0 => pieces.first().map_or(empty, |piece| piece.span.start),
                _ => pieces[from - 1].span.end,
            };
            return Ok(vec![Edit { span: at..at, text: text.into_bytes() }]);
        };
        let rest = pieces[from + 1..to].iter().map(|piece| Edit { span: piece.span.clone(), text: Vec::new() });
        let first = Edit { span: first.span.clone(), text: text.into_bytes() };
        Ok(std::iter::once(first).chain(rest).collect())
    }

    /// The same where something that is no text stands amid what differs: it stays, if the new text says it once.
    fn beside(
        &self,
        pieces: &[Piece],
        held: usize,
        (start, middle): (usize, &str),
        new: &str,
        empty: usize,
        prefix: &str,
    ) -> Result<Vec<Edit>, LensError> {
        let behind = held + pieces[held..].iter().take_while(|piece| piece.is_held()).count();
        let text: String = pieces[held..behind].iter().map(|piece| piece.text.as_str()).collect();
        let mut places = middle.match_indices(&text).map(|(at, _)| start + at);
        match (text.is_empty(), places.next(), places.next()) {
            (false, Some(at), None) => {
                let mut edits = self.fit(&pieces[..held], &new[..at], empty, prefix)?;
                let end = pieces[behind - 1].span.end;
                edits.extend(self.fit(&pieces[behind..], &new[at + text.len()..], end, prefix)?);
                Ok(edits)
            }
            _ => Err(refused(format!("{} stands where the text differs, and is not overwritten", pieces[held].why))),
        }
    }

    /// A run with another text.
    fn rewritten(&self, run: Node, text: &str) -> Result<String, LensError> {
        let tree = self.tree;
        let mut tag = tree.full_name(run).to_owned();
        for (name, value) in tree.raw_attributes(run) {
            tag += &format!(" {name}=\"{}\"", value.replace('"', "&quot;"));
        }
        let properties = self.child(run, "rPr").map_or("", |node| &tree.source()[tree.span(node)]);
        self.written(&tag, properties, text, tree.prefix(run))
    }

    /// A run of this text, or several. `tag` is its name with its attributes.
    fn written(&self, tag: &str, properties: &str, text: &str, prefix: &str) -> Result<String, LensError> {
        if let Some(c) = text.chars().find(|c| !is_sayable(*c) && *c != '\u{B}' || *c == '\r') {
            return Err(refused(format!("the document cannot say the character U+{:04X}", u32::from(c))));
        }
        let name = tag.split(' ').next().unwrap_or_default();
        if text.is_empty() {
            return Ok(String::new());
        }
        if self.dialect == Dialect::Slide {
            let run = |text: &str| match text {
                "" => String::new(),
                text => format!("<{tag}>{properties}<{prefix}t>{}</{prefix}t></{name}>", escaped(text)),
            };
            return Ok(text.split('\u{B}').map(run).collect::<Vec<_>>().join(&format!("<{prefix}br/>")));
        }
        let mut inside = String::new();
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(['\t', '\u{B}']).unwrap_or(rest.len());
            let (plain, behind) = rest.split_at(end);
            if !plain.is_empty() {
                let space = if plain.trim() == plain { "" } else { " xml:space=\"preserve\"" };
                inside += &format!("<{prefix}t{space}>{}</{prefix}t>", escaped(plain));
            }
            let mut chars = behind.chars();
            match chars.next() {
                Some('\t') => inside += &format!("<{prefix}tab/>"),
                Some(_) => inside += &format!("<{prefix}br/>"),
                None => {}
            }
            rest = chars.as_str();
        }
        Ok(format!("<{tag}>{properties}{inside}</{name}>"))
    }
}

/// How many bytes two texts have in common at their starts.
fn common(a: impl Iterator<Item = char>, b: impl Iterator<Item = char>) -> usize {
    a.zip(b).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum()
}

/// The text of paragraphs, each a line that ends.
pub(crate) fn joined(lines: &[String]) -> Vec<u8> {
    lines.iter().flat_map(|line| line.bytes().chain([b'\n'])).collect()
}

/// The lines of a text whose last one may end.
pub(crate) fn split(text: &[u8]) -> Result<Vec<String>, LensError> {
    let text = std::str::from_utf8(text)
        .map_err(|error| LensError::unparsable(text, error.valid_up_to(), "expected UTF-8 text"))?;
    Ok(text.strip_suffix('\n').unwrap_or(text).split('\n').map(str::to_owned).collect())
}
