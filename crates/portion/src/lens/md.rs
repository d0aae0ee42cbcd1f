//! Markdown, by heading path, and its front matter.

use super::{Edit, Format, Fragment, Item, Lens, LensError, Syntax};
use crate::value::Value;

pub(crate) struct Markdown;

impl Lens for Markdown {
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

impl Syntax for Markdown {
    fn value(&self, _text: &[u8]) -> Result<Value, LensError> {
        todo!()
    }
    fn update(&self, _text: &[u8], _value: &Value) -> Result<Vec<u8>, LensError> {
        todo!()
    }
    fn render(&self, _value: &Value) -> Result<Vec<u8>, LensError> {
        todo!()
    }
}
