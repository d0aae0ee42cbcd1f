//! Paragraphs of OpenDocument text (ODF 1.3, part 3, 6.1). A second space is an element where we write; where others wrote spaces as they are,
//! they are read so, as LibreOffice does, which writes them in cells of several lines. Line ends and tabs are folded.

use crate::lens::LensError;
use crate::lens::office::xml::{Node, Piece, Tree, escaped, is_sayable};

/// The most spaces that one element may stand for.
const MAX_SPACES: usize = 1 << 16;

/// The text of a paragraph, and whether that is all that it holds: no link, no field, no picture.
pub(super) fn paragraph(tree: &Tree, node: Node) -> Result<(String, bool), LensError> {
    let mut reader = Reader { tree, out: String::new(), is_folding: false };
    let plain = reader.runs(node)?;
    Ok((reader.out, plain))
}

struct Reader<'t> {
    tree: &'t Tree,
    out: String,
    /// Whether a line end or a tab stands last: more white space is nothing.
    is_folding: bool,
}

impl Reader<'_> {
    fn runs(&mut self, node: Node) -> Result<bool, LensError> {
        let tree = self.tree;
        let mut plain = true;
        for piece in tree.pieces(node)? {
            match piece {
                Piece::Text(text) => text.chars().for_each(|c| self.character(c)),
                Piece::Element(child) => match tree.full_name(child) {
                    "text:s" => {
                        let count =
                            tree.attribute(child, "text:c").map_or(Some(1), |count| count.parse::<usize>().ok());
                        let count = count.filter(|count| *count <= MAX_SPACES);
                        let count = count.ok_or_else(|| tree.fault(child, "a number of spaces that cannot be"))?;
                        self.out.extend(std::iter::repeat_n(' ', count));
                    }
                    "text:tab" => self.out.push('\t'),
                    "text:line-break" => self.out.push('\n'),
                    "text:span" => plain &= self.runs(child)?,
                    "text:a" => {
                        self.runs(child)?;
                        plain = false;
                    }
                    _ => plain = false,
                },
            }
        }
        Ok(plain)
    }

    fn character(&mut self, c: char) {
        match c {
            '\t' | '\n' | '\r' if self.is_folding => {}
            '\t' | '\n' | '\r' => {
                self.is_folding = true;
                if !self.out.is_empty() {
                    self.out.push(' ');
                }
            }
            ' ' if self.is_folding => {}
            c => {
                self.is_folding = false;
                self.out.push(c);
            }
        }
    }
}

/// A text as paragraphs, one for each of its lines.
///
/// # Errors
/// [`LensError::Refused`] for characters that XML cannot say.
pub(super) fn paragraphs(text: &str) -> Result<String, LensError> {
    if let Some(c) = text.chars().find(|c| *c == '\r' || !is_sayable(*c)) {
        return Err(LensError::Refused(format!("OpenDocument cannot say the character U+{:04X}", u32::from(c))));
    }
    let mut out = String::new();
    for line in text.split('\n') {
        out.push_str("<text:p>");
        let mut spaces = 0;
        let mut at_start = true;
        for c in line.chars().map(Some).chain([None]) {
            if c == Some(' ') {
                spaces += 1;
                continue;
            }
            if spaces > 0 {
                // One space between two characters is one.
                let as_text = usize::from(!at_start && c.is_some_and(|c| c != '\t'));
                out.push_str(&" ".repeat(as_text));
                match spaces - as_text {
                    0 => {}
                    1 => out.push_str("<text:s/>"),
                    more => out.push_str(&format!("<text:s text:c=\"{more}\"/>")),
                }
                spaces = 0;
            }
            match c {
                Some('\t') => out.push_str("<text:tab/>"),
                Some(c) => out.push_str(&escaped(c.encode_utf8(&mut [0; 4]))),
                None => {}
            }
            at_start = c == Some('\t');
        }
        out.push_str("</text:p>");
    }
    Ok(out)
}
