//! What the lenses of office documents share: XML parts, and the cells of spreadsheets.

pub(crate) mod a1;
pub(crate) mod book;
pub(crate) mod cells;
pub(crate) mod dates;
pub(crate) mod opc;
mod place;
pub(crate) mod xml;
