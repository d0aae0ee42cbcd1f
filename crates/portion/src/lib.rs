//! Portions of files: bytes to fragments and values, and back.
//!
//! This crate is pure. It reads no file, knows no clock and starts no task; bytes come in as arguments and planned edits
//! go out as values. The way through it:
//!
//! 1. [`Address`] and [`Selector`] say which portion of which file is meant; [`Scheme`] names a format's way of addressing.
//! 2. A [`Lens`] locates the portion and takes it out as a [`Fragment`]: text free of its context, that stands alone.
//! 3. [`Format`] turns a fragment's text into a [`Value`], and a value back into text by editing what stands there.
//! 4. [`Mapping`] says the same thing differently: private, renamed and defaulted keys.
//! 5. [`merge`] puts together what two sides changed since a common base.
//! 6. [`get`], [`put`], [`insert`] and [`remove`] are the one piece of code that splices for all formats and verifies.
#![warn(missing_docs)]

mod address;
mod lens;
mod mapping;
mod merge;
mod nearest;
mod pointer;
mod registry;
mod selector;
mod value;

pub use address::{Address, AddressError};
pub use lens::{
    Edit, Format, Fragment, Innermost, Item, LARGE, Lens, LensError, MAX_DEPTH, MAX_PORTION, Position, Span,
    TableSelector, edits, get, get_from, innermost, insert, insert_in, is_blank, list, may_come, may_go, omitted,
    on_lines, put, remove,
};
pub use mapping::{Mapping, MappingError, Source};
pub use merge::{Choice, Clash, ClashKind, LineRanges, Merged, Side, merge, merge_choosing, merge_values};
pub use selector::{Scheme, Selector, SelectorError};
pub use value::{Likeness, Number, Value};
