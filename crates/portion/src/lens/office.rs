//! What the lenses of office documents share: XML parts, the cells of spreadsheets, and the paragraphs of texts.

pub(crate) mod a1;
pub(crate) mod book;
pub(crate) mod cells;
pub(crate) mod dates;
pub(crate) mod opc;
mod place;
pub(crate) mod prose;
pub(crate) mod writing;
pub(crate) mod xml;
