//! Mappings: the same thing said differently by each member of a group.
//!
//! A mapping stands between a member's fragment and the group's value. In two steps: what is private is taken out of the fragment
//! ([`Mapping::share`]) and put back ([`Mapping::unshare`]); what is left is translated ([`Mapping::value`], [`Mapping::update`]).
//! All four go through the format's own [`Format::update`], so what does not change keeps its own text.

mod clause;
mod kinds;
mod named;
mod table;
mod variables;
mod words;

use std::fmt;
use std::str::FromStr;

use self::clause::{Clause, Reader, cannot_say};
use self::variables::Bound;
pub use self::variables::Source;
use self::words::difference;
use crate::lens::{Format, Fragment, LensError};
use crate::nearest::nearest;
use crate::pointer;

use crate::value::Value;

/// How a member's fragment stands to the group's value. The default changes nothing.
///
/// Its text form ([`fmt::Display`], [`FromStr`]) is canonical: equal mappings have equal texts, and it is what travels
/// and is stored. Clauses are joined by `; `, in the order in which they are written:
/// `mcp:claude; except /*/timeout; map /*/headers=/*/http_headers; default /*/type="stdio" if command`.
/// A name with `/server` behind it, `mcp:claude/server`, is for one server of those that `mcp:claude` is for.
///
/// - `except PATH`: private to this file, with all that stands beneath. `only PATH`: everything else is private.
/// - `map PATH=PATH`: this file's name of a key, then the group's. Both paths are the same but for the last key.
/// - `default PATH=JSON [if KEY]`: a key that the group leaves out while it has this value (and, with `if`, while `KEY` stands
///   beside it); a new entry in this file gets it. Where several fit, the first counts.
/// - `omit PATH=JSON [if KEY]`: the same, but a new entry in this file does not get it.
/// - `split PATH=PATH`: this file has a list of texts where the group has its first item, under the same name, and the others: `split
///   /*/command=/*/args`. Both paths are the same but for the last key.
/// - `var NAME=JSON`, `var NAME env:WORD`, `var NAME file:PATH`: a value of this member that goes by `${NAME}` in the group
///   ([`Mapping::bind`]).
/// - `key NAME`: the fragment is a list of maps; the group has a map of them, by what they say under this key. Paths begin with that: `except
///   /*/notes` is a private column.
///
/// All paths but the right side of `map` are in this file's own names. `*` stands for any key. Paths do not go into lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    /// The name of the mapping that comes first.
    named: Option<String>,
    /// All clauses, those of the name first.
    clauses: Vec<Clause>,
    /// How many of them the name stands for.
    from_name: usize,
    /// The values of its variables, where they were read; the longest first.
    bound: Option<Vec<Bound>>,
}

/// Why a text is no mapping, or why a mapping cannot be reversed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MappingError(pub String);

impl Mapping {
    /// Whether it changes nothing.
    pub fn is_identity(&self) -> bool {
        self.clauses.is_empty()
    }

    /// The mapping with more clauses behind its own.
    ///
    /// # Errors
    /// [`MappingError`] as for reading a text.
    pub fn with(&self, clauses: &str) -> Result<Mapping, MappingError> {
        let own = self.to_string();
        let joined = if own.is_empty() { clauses.to_owned() } else { format!("{own}; {clauses}") };
        joined.parse()
    }

    /// What is shared of a fragment as it stands in the file: without the private keys. This is the text that is
    /// fingerprinted and backed up. Private keys are removed by the format's own remove, so the rest keeps its style; in JSON, TOML and
    /// YAML comment lines directly above them are left out, too.
    ///
    /// # Errors
    /// Those of the fragment's format.
    pub fn share(&self, own: Fragment) -> Result<Fragment, LensError> {
        self.hidden(self.without_private(own)?)
    }

    /// Whether all of a fragment belongs to the group: none of it is private.
    ///
    /// # Errors
    /// Those of the fragment's format.
    pub fn is_all_shared(&self, own: &Fragment) -> Result<bool, LensError> {
        Ok(self.without_private(own.clone())? == *own)
    }

    fn without_private(&self, own: Fragment) -> Result<Fragment, LensError> {
        if !self.has_private() {
            return Ok(own);
        }
        let format = own.format;
        let raw = format.value(&own.text)?;
        let mut shared = self.read(format, &own.text)?;
        let is_private = |column: &str| self.is_private(&["".to_owned(), column.to_owned()]);
        if shared == Value::Map(Vec::new())
            && self.key().is_some()
            && let Some(text) = format.with_columns(&own.text, &|column| !is_private(column))?
        {
            return Ok(Fragment { format, text });
        }
        let private = self.take_private(&mut shared, &mut Vec::new());
        if private.is_empty() {
            return Ok(own);
        }
        let mut text = own.text;
        for (path, _) in &private {
            text = format.without_comments(&text, &self.pointer(&raw, path))?;
        }
        Ok(Fragment { format, text: self.write(format, &text, shared, &text)? })
    }

    /// The fragment to put into a file whose fragment is now `own`, so that [`Mapping::share`] of it is `shared`: private keys of
    /// `own` stay, unless what they stand in is gone. `own` is `None` where the portion is missing.
    /// With variables it may share the same value in another text: quotes may differ where a name is text and a value a number.
    ///
    /// # Errors
    /// [`LensError::CannotSay`] if `shared` has keys that are private here; [`LensError::Refused`] if no text was found that
    /// shares exactly `shared`.
    pub fn unshare(&self, own: Option<&Fragment>, shared: &Fragment) -> Result<Fragment, LensError> {
        if !self.has_variables() {
            return self.with_private(own, shared);
        }
        // What stands there and shares the same stays as it is.
        if let Some(own) = own
            && self.share(own.clone()).is_ok_and(|standing| standing == *shared)
        {
            return Ok(own.clone());
        }
        let standing = own.map(|own| self.without_private(own.clone())).transpose()?;
        let whole = self.with_private(own, &self.revealed(standing.as_ref(), shared)?)?;
        if variables::means_the_same(&self.share(whole.clone())?, shared)? {
            return Ok(whole);
        }
        Err(LensError::Refused("the variables of this file could not be kept beside its private keys".to_owned()))
    }

    fn with_private(&self, own: Option<&Fragment>, shared: &Fragment) -> Result<Fragment, LensError> {
        if !self.has_private() {
            return Ok(shared.clone());
        }
        let mut merged = self.read(shared.format, &shared.text)?;
        if let Some((path, _)) = self.take_private(&mut merged.clone(), &mut Vec::new()).first() {
            return Err(self.private_here(shared.format, path));
        }
        let Some(own) = own.filter(|own| own.format == shared.format) else {
            return Ok(shared.clone());
        };
        let mut standing = self.read(own.format, &own.text)?;
        let private = self.take_private(&mut standing, &mut Vec::new());
        let columns = self.private_columns(own)?;
        if private.is_empty() && columns.is_empty() {
            return Ok(shared.clone());
        }
        private.into_iter().for_each(|(path, value)| graft(&mut merged, &path, value));
        fill(&mut merged, &columns);
        // The file's own text with the new values; if comments or style came along, the new text with the private keys.
        for base in [own, shared] {
            let text = self.write(shared.format, &base.text, merged.clone(), &shared.text)?;
            let candidate = Fragment { format: shared.format, text };
            if self.without_private(candidate.clone())? == *shared {
                return Ok(candidate);
            }
        }
        Err(LensError::Refused("the private keys of this file could not be kept beside the new content".to_owned()))
    }

    /// The group's value of a shared fragment: keys renamed, defaults dropped.
    ///
    /// # Errors
    /// Those of the fragment's format; [`LensError::CannotSay`] for a key whose name the group has for another one.
    pub fn value(&self, shared: &Fragment) -> Result<Value, LensError> {
        let own = self.read(shared.format, &shared.text)?;
        if !self.translates() {
            return Ok(own);
        }
        self.outward(own, shared.format, &mut Vec::new())
    }

    /// Puts the group's `value` into the `shared` fragment, key by key: what is equal is not touched. The result's
    /// [`Mapping::value`] agrees with `value`, or this is an error that names the path.
    ///
    /// # Errors
    /// [`LensError::CannotSay`] for what the format or this mapping cannot say; otherwise those of the format.
    pub fn update(&self, shared: &Fragment, value: &Value) -> Result<Fragment, LensError> {
        let format = shared.format;
        if self.is_identity() {
            return Ok(Fragment { format, text: format.update(&shared.text, value)? });
        }
        let standing = self.read(format, &shared.text)?;
        let own = self.own_value(value, Some(&standing), format)?;
        Ok(Fragment { format, text: self.write(format, &shared.text, own, &shared.text)? })
    }

    /// Writes the group's `value` anew, for a file where the portion is missing.
    ///
    /// # Errors
    /// As for [`Mapping::update`].
    pub fn render(&self, format: Format, value: &Value) -> Result<Fragment, LensError> {
        let mut own = self.own_value(value, None, format)?;
        if let Some(key) = self.key() {
            own = table::listed(own, key, None, format)?;
        }
        Ok(Fragment { format, text: format.render(&own)? })
    }

    /// The value in this file's own words. Checked: it means `value` again, and nothing in it is private.
    fn own_value(&self, value: &Value, standing: Option<&Value>, format: Format) -> Result<Value, LensError> {
        let own = self.inward(value, standing, format, &mut Vec::new())?;
        if let Some((path, _)) = self.take_private(&mut own.clone(), &mut Vec::new()).first() {
            return Err(self.private_here(format, path));
        }
        let again = self.outward(own.clone(), format, &mut Vec::new())?;
        match difference(&again, value) {
            None => Ok(own),
            Some(path) => Err(cannot_say(format, &path, "this, which its mapping writes in another way")),
        }
    }

    /// The key by which rows are told apart, if they are. Then their order is this file's own: what comes from others is put in by value.
    pub fn key(&self) -> Option<&str> {
        self.clauses.iter().find_map(|clause| match clause {
            Clause::Key(key) => Some(&key[..]),
            _ => None,
        })
    }

    /// What a fragment of this file means, in its own words: rows by their key.
    fn read(&self, format: Format, text: &[u8]) -> Result<Value, LensError> {
        let value = format.value(text)?;
        match self.key() {
            Some(key) => table::by_key(value, key, format),
            None => Ok(value),
        }
    }

    /// Puts a value of this file's own words into a text. Rows are in the order of `order`, another fragment's text.
    fn write(&self, format: Format, text: &[u8], value: Value, order: &[u8]) -> Result<Vec<u8>, LensError> {
        let Some(key) = self.key() else { return format.update(text, &value) };
        let order = format.value(order)?;
        let wanted = table::listed(value, key, Some(&order), format)?;
        table::update(format, text, &format.value(text)?, &wanted, key)
    }

    /// Where something stands in the file's own value: rows by their place.
    fn pointer(&self, raw: &Value, path: &[String]) -> String {
        let (Some(key), Value::Sequence(rows), Some((name, rest))) = (self.key(), raw, path.split_first()) else {
            return pointer::format(path);
        };
        let at =
            rows.iter().position(|row| row.child(key).and_then(Value::as_text) == Some(name)).unwrap_or(rows.len());
        pointer::format(std::iter::once(&at.to_string()).chain(rest))
    }

    /// The private columns of a table in which every row has all columns: a new one has them empty.
    fn private_columns(&self, own: &Fragment) -> Result<Vec<String>, LensError> {
        if self.key().is_none() {
            return Ok(Vec::new());
        }
        let mut columns = own.format.columns(&own.text)?;
        columns.retain(|column| self.is_private(&["".to_owned(), column.clone()]));
        Ok(columns)
    }

    fn has_private(&self) -> bool {
        self.clauses.iter().any(|clause| matches!(clause, Clause::Except(_) | Clause::Only(_)))
    }

    fn translates(&self) -> bool {
        let changes =
            |clause: &Clause| matches!(clause, Clause::Map { .. } | Clause::Default { .. } | Clause::Split { .. });
        self.clauses.iter().any(changes)
    }

    /// Whether what stands at a path of this file is private. Its parents are not.
    fn is_private(&self, path: &[String]) -> bool {
        let mut onlys = self.clauses.iter().filter_map(|clause| match clause {
            Clause::Only(pattern) => Some(pattern),
            _ => None,
        });
        let mut excepts = self.clauses.iter().filter_map(|clause| match clause {
            Clause::Except(pattern) => Some(pattern),
            _ => None,
        });
        let listed = onlys.clone().next().is_none() || onlys.any(|pattern| pattern.leads(path));
        !listed || excepts.any(|pattern| pattern.matches(path))
    }

    /// The error for a key of the group that is private here: by a clause, or since the program of a named mapping has no such key.
    fn private_here(&self, format: Format, path: &[String]) -> LensError {
        let key = path.last().map_or("", String::as_str);
        let own = Mapping { clauses: self.clauses[self.from_name..].to_vec(), ..Mapping::default() };
        let what = match &self.named {
            Some(name) if name.starts_with("mcp:") && !own.is_private(path) => {
                // The whole server, since other mappings speak of its keys, and those cannot be private there.
                let hint = match path.get(..1) {
                    Some(server) if !named::is_of_one(name) => {
                        format!(" (`--except '{}'` leaves that server out)", pointer::format(server))
                    }
                    _ => String::new(),
                };
                format!("`{key}`, for which its mapping `{name}` has no word{hint}")
            }
            _ => format!("`{key}`, which is private to this file"),
        };
        cannot_say(format, path, what)
    }

    /// Takes the private keys out of a value, and returns them with their paths.
    fn take_private(&self, value: &mut Value, path: &mut Vec<String>) -> Vec<(Vec<String>, Value)> {
        let mut taken = Vec::new();
        let Value::Map(members) = value else {
            return taken;
        };
        let mut kept = Vec::with_capacity(members.len());
        for (key, mut member) in std::mem::take(members) {
            path.push(key.clone());
            if self.is_private(path) {
                taken.push((path.clone(), member));
            } else {
                taken.extend(self.take_private(&mut member, path));
                kept.push((key, member));
            }
            path.pop();
        }
        *members = kept;
        taken
    }
}

/// Puts a private key back, if what it stood in is still a map.
fn graft(value: &mut Value, path: &[String], private: Value) {
    let (Value::Map(members), Some((key, rest))) = (value, path.split_first()) else {
        return;
    };
    match members.iter_mut().find(|(known, _)| known == key) {
        Some((_, member)) if !rest.is_empty() => graft(member, rest, private),
        None if rest.is_empty() => members.push((key.clone(), private)),
        _ => {}
    }
}

/// Gives every row that lacks one of these columns an empty text there.
fn fill(value: &mut Value, columns: &[String]) {
    let Value::Map(rows) = value else { return };
    for (_, row) in rows {
        let Value::Map(members) = row else { continue };
        for column in columns {
            if !members.iter().any(|(name, _)| name == column) {
                members.push((column.clone(), Value::String(String::new())));
            }
        }
    }
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(name) = &self.named {
            f.write_str(name)?;
            separator = "; ";
        }
        for clause in &self.clauses[self.from_name..] {
            write!(f, "{separator}{clause}")?;
            separator = "; ";
        }
        Ok(())
    }
}

impl FromStr for Mapping {
    type Err = MappingError;
    fn from_str(text: &str) -> Result<Self, MappingError> {
        let mut mapping = Mapping::default();
        let mut reader = Reader::new(text);
        if let Some(name) = reader.name() {
            let Some(clauses) = named::clauses(name) else {
                let near = nearest(name, named::names());
                let all: Vec<&str> = named::NAMED.iter().map(|(known, _)| *known).collect();
                let hint = near.first().map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
                return Err(MappingError(format!(
                    "`{name}` is no named mapping{hint}; there are {}; `/server` behind one of `mcp:` is for one server",
                    all.join(", ")
                )));
            };
            reader.end()?;
            let mut named = Reader::new(&clauses);
            while !named.is_empty() {
                mapping.clauses.push(named.clause()?);
                named.end()?;
            }
            mapping.named = Some(name.to_owned());
            mapping.from_name = mapping.clauses.len();
        }
        while !reader.is_empty() {
            mapping.clauses.push(reader.clause()?);
            reader.end()?;
        }
        clause::check(&mapping.clauses)?;
        Ok(mapping)
    }
}
