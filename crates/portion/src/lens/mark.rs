//! Marked regions of any text file.

use super::{Edit, Format, Fragment, Item, Lens, LensError};
use crate::value::Value;

pub(crate) struct Mark;

impl Lens for Mark {
    fn get(&self, _file: &[u8], _expression: &str) -> Result<Fragment, LensError> {
        todo!()
    }
    fn put(&self, _file: &[u8], _expression: &str, _fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        todo!()
    }
    fn insert(&self, _file: &[u8], _expression: &str, _fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        todo!()
    }
    fn remove(&self, _file: &[u8], _expression: &str) -> Result<Vec<Edit>, LensError> {
        todo!()
    }
    fn list(&self, _file: &[u8]) -> Result<Vec<Item>, LensError> {
        todo!()
    }
    fn format_for(&self, _expression: &str, _value: &Value) -> Format {
        todo!()
    }
}
