//! What stands in place of [`super::code`] in a build without the feature `code`: the schemes and formats are known, and no file is read.

use super::words::KINDS;
use super::{Edit, Fragment, Item, Lens, LensError, Syntax, lines};
use crate::registry::Format;
use crate::value::Value;

/// A language that this build cannot read.
pub(crate) struct Code(Format);

macro_rules! languages {
    ($($constant:ident = $format:ident;)*) => {
        $(pub(crate) const $constant: Code = Code(Format::$format);)*
    };
}

languages! {
    RUST = Rust;
    PYTHON = Python;
    JAVASCRIPT = JavaScript;
    TYPESCRIPT = TypeScript;
    TSX = Tsx;
    GO = Go;
    JAVA = Java;
    C = C;
    CPP = Cpp;
    RUBY = Ruby;
    PHP = Php;
    BASH = Bash;
    CSHARP = CSharp;
    LUA = Lua;
    HCL = Hcl;
    CSS = Css;
}

impl Code {
    fn refused<T>(&self) -> Result<T, LensError> {
        Err(LensError::Refused(format!(
            "this build of inlay has no support for source code ({}): its feature `code` is off",
            self.0
        )))
    }
}

impl Lens for Code {
    fn get(&self, _: &[u8], _: &str) -> Result<Fragment, LensError> {
        self.refused()
    }

    fn put(&self, _: &[u8], _: &str, _: &Fragment) -> Result<Vec<Edit>, LensError> {
        self.refused()
    }

    fn insert(&self, _: &[u8], _: &str, _: &Fragment) -> Result<Vec<Edit>, LensError> {
        self.refused()
    }

    fn remove(&self, _: &[u8], _: &str) -> Result<Vec<Edit>, LensError> {
        self.refused()
    }

    fn list(&self, _: &[u8]) -> Result<Vec<Item>, LensError> {
        self.refused()
    }

    fn format_for(&self, _: &str, _: &Value) -> Format {
        self.0
    }

    fn words(&self) -> &'static [&'static str] {
        KINDS
    }
}

/// The texts of versions are text here, too.
impl Syntax for Code {
    fn value(&self, text: &[u8]) -> Result<Value, LensError> {
        Ok(Value::String(lines::string(text)?.to_owned()))
    }

    fn update(&self, text: &[u8], value: &Value) -> Result<Vec<u8>, LensError> {
        lines::Lines.update(text, value)
    }

    fn render(&self, value: &Value) -> Result<Vec<u8>, LensError> {
        lines::written(self.0, value, true)
    }

    fn is_text(&self) -> bool {
        true
    }
}
