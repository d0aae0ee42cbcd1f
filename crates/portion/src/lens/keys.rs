//! Files of lines with keys: ini, env, git configuration, ssh_config, hosts, systemd units, properties.

use super::{Edit, Format, Fragment, Item, Lens, LensError, Syntax};
use crate::value::Value;

pub(crate) const INI: Keys = Keys { name: "ini" };
pub(crate) const ENV: Keys = Keys { name: "env" };
pub(crate) const GIT_CONFIG: Keys = Keys { name: "git_config" };
pub(crate) const SSH_CONFIG: Keys = Keys { name: "ssh_config" };
pub(crate) const HOSTS: Keys = Keys { name: "hosts" };
pub(crate) const SYSTEMD: Keys = Keys { name: "systemd" };
pub(crate) const PROPERTIES: Keys = Keys { name: "properties" };

/// A grammar, as data.
pub(crate) struct Keys {
    name: &'static str,
}

impl Lens for Keys {
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

impl Syntax for Keys {
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
