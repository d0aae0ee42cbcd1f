//! Portions that are to become members: what stands there, told without asking the manager where it can be read here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use agent::{Allow, Consent};
use plan::{Condition, GroupId};
use portion::{Address, Fragment, Mapping, Scheme, Selector, TableSelector, Value};
use wire::v1;

use crate::ask;
use crate::command::{diff, status};
use crate::context::Context;
use crate::error::CommandError;
use crate::home::Home;
use crate::mappings;
use crate::members;
use crate::place::{self, Place};
use crate::service::Service;
use crate::zone::Zone;

/// Fingerprints of an address that is in no group yet are bound to this one: see [`v1::InspectReply`].
const NO_GROUP: GroupId = GroupId([0; 16]);

/// What stands in a portion.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    /// Nothing.
    Missing,
    /// It is not known: its machine does not allow it to be read yet.
    Unknown,
    /// What it means, where it is on this machine and no fingerprint is needed; the canonical bytes of the group's value.
    Value(Vec<u8>),
    /// The keyed fingerprint of what it means.
    Fingerprint(Vec<u8>),
}

/// A portion that is to become a member.
#[derive(Debug, Clone)]
pub(crate) struct Portion {
    /// As it was written.
    pub address: Address,
    pub agent: String,
    pub path: String,
    pub selector: Selector,
    pub mapping: Mapping,
    /// Whether it is on this machine.
    pub here: bool,
    pub format: String,
    pub content: Content,
    /// What is shared of it, if it can be read here.
    pub shared: Option<Fragment>,
}

/// Finds out which portions are meant. Nothing is read yet.
pub(crate) async fn look(
    service: &mut Service,
    addresses: &[Address],
    ctx: &Context,
) -> Result<Vec<Portion>, CommandError> {
    let mut portions: Vec<Portion> = Vec::new();
    for address in addresses {
        let agent = service.agent_of(address)?;
        let here = service.is_here(address);
        let path = if here { members::own_path(address, ctx)? } else { address.path.clone() };
        let selector = selector(address)?;
        let mapping = Mapping::proposed(&path, &selector).unwrap_or_default();
        if portions.iter().any(|p| p.agent == agent && p.path == path && p.selector == selector) {
            return Err(CommandError::usage(format!("`{address}` is named twice")));
        }
        let address = address.clone();
        let (format, content) = (String::new(), Content::Unknown);
        portions.push(Portion { address, agent, path, selector, mapping, here, format, content, shared: None });
    }
    Ok(portions)
}

/// The portion that an address means: the one that is usually shared of its file if it names none.
pub(crate) fn selector(address: &Address) -> Result<Selector, CommandError> {
    address.selector.clone().or_else(|| Selector::usual(&address.path)).ok_or_else(|| {
        CommandError::usage(format!("`{address}` names a file, not a portion of it"))
            .hint(format!("`inlay list {}` shows what can stand after `#`", crate::error::quoted_path(&address.path)))
    })
}

/// Reads what stands in them: those of this machine itself, those of others by asking their agents.
pub(crate) async fn read(service: &mut Service, portions: &mut [Portion], ctx: &Context) -> Result<(), CommandError> {
    let mut values: BTreeMap<usize, Value> = BTreeMap::new();
    for (at, portion) in portions.iter_mut().enumerate() {
        if portion.here {
            values.extend(portion.read_here(ctx)?.map(|value| (at, value)));
        } else {
            portion.ask(service).await?;
        }
    }
    if portions.iter().any(|p| matches!(p.content, Content::Fingerprint(_))) && !values.is_empty() {
        // Our own are compared with theirs by fingerprint.
        let zone = Zone::need(&service.home, "compare with what stands on other machines").await?;
        for (at, value) in values {
            portions[at].content = Content::Fingerprint(zone.keys.value(NO_GROUP, &value).0.to_vec());
        }
    }
    Ok(())
}

/// Refuses portions of which one lies within another of the same group, in the same file: what is put into the one would change the
/// other, and so on without end.
pub(crate) fn check_nested(
    portions: &[Portion],
    members: &[v1::MemberStatus],
    ctx: &Context,
) -> Result<(), CommandError> {
    // The file itself, where links lead to it. Each is read once.
    let real = |path: &str, here: bool| match here {
        true => fs::canonicalize(path).unwrap_or_else(|_| path.into()),
        false => PathBuf::from(path),
    };
    let mut files: BTreeMap<PathBuf, Option<Vec<u8>>> = BTreeMap::new();
    for (at, portion) in portions.iter().enumerate() {
        let path = real(&portion.path, portion.here);
        let is_same_file = |agent: &str, other: &str| agent == portion.agent && real(other, portion.here) == path;
        let others = portions[..at].iter().filter(|other| is_same_file(&other.agent, &other.path));
        let others = others.map(|other| (other.selector.clone(), other.shown(ctx)));
        let is_own = |member: &v1::MemberStatus, selector: &Selector| {
            member.path == portion.path && *selector == portion.selector
        };
        let members = members.iter().filter(|member| is_same_file(&member.agent, &member.path));
        let members = members.filter_map(|member| {
            let selector = member.selector.parse().ok().filter(|selector| !is_own(member, selector))?;
            Some((selector, status::address(member, ctx)))
        });
        for (selector, shown) in others.chain(members) {
            let file = match portion.here {
                true => files.entry(path.clone()).or_insert_with(|| place::read(&path).ok()).as_deref(),
                false => None,
            };
            if portion.overlaps(&selector, file) {
                return Err(nested(&portion.shown(ctx), &shown));
            }
        }
    }
    Ok(())
}

fn nested(one: &str, other: &str) -> CommandError {
    CommandError::usage(format!(
        "{one} and {other} share a part of their file: what is put into the one would change the other, without end"
    ))
    .hint("one group holds portions that lie beside each other; link one of the two")
}

/// The clause of a mapping that tells rows apart by a column.
pub(crate) fn key_clause(column: &str) -> String {
    let quoted = portion::Format::Json.render(&Value::String(column.to_owned())).unwrap_or_default();
    format!("key {}", String::from_utf8_lossy(&quoted))
}

impl Portion {
    /// Adds clauses to the mapping.
    pub(crate) fn add_mapping(&mut self, clauses: &str) -> Result<(), CommandError> {
        if clauses.is_empty() {
            return Ok(());
        }
        self.mapping = self.mapping.with(clauses).map_err(|error| {
            CommandError::usage(error)
                .hint("keys are JSON Pointers from the portion's root, as in `--except '/*/timeout'`")
        })?;
        Ok(())
    }

    /// Whether another portion of the same file has a part in common with this one: one path goes on where the other ends, or without
    /// the one portion the other is not what it was.
    fn overlaps(&self, other: &Selector, file: Option<&[u8]>) -> bool {
        let (one, two) = (&self.selector.expression, &other.expression);
        let leads = |short: &str, long: &str| {
            let rest = long.strip_prefix(short);
            rest.is_some_and(|rest| {
                short.is_empty() || rest.is_empty() || (short.starts_with('/') && rest.starts_with('/'))
            })
        };
        if leads(one, two) || leads(two, one) {
            return true;
        }
        let scheme = |selector: &Selector| selector.scheme.or_else(|| Scheme::detect(&self.path, b""));
        let (Some(first), Some(second), Some(file)) = (scheme(&self.selector), scheme(other), file) else {
            return false;
        };
        let changes = |(scheme, one): (Scheme, &str), (other, two): (Scheme, &str)| {
            portion::may_go(scheme, file, one).is_ok()
                && portion::remove(scheme, file, one)
                    .is_ok_and(|without| portion::get(other, &without, two) != portion::get(other, file, two))
        };
        let (first, second) = ((first, &one[..]), (second, &two[..]));
        changes(first, second) || changes(second, first)
    }

    fn read_here(&mut self, ctx: &Context) -> Result<Option<Value>, CommandError> {
        let address = Address { agent: None, path: self.path.clone(), selector: Some(self.selector.clone()) };
        let mut place = Place::to_make(&address, ctx)?;
        place.written = self.address.path.clone();
        // What is linked means the same tomorrow, whatever the file then looks like.
        self.selector.scheme = Some(place.scheme);
        let Some(own) = place.find()? else {
            self.content = Content::Missing;
            return Ok(None);
        };
        let bound = mappings::bound(&self.mapping, ctx).map_err(|e| place.lens(e))?;
        let shared = bound.share(own).map_err(|e| place.unreadable(e))?;
        let value = self.mapping.value(&shared).map_err(|e| place.unreadable(e))?;
        self.format = shared.format.name().to_owned();
        self.content = Content::Value(value.canonical());
        self.shared = Some(shared);
        Ok(Some(value))
    }

    /// Why it cannot be removed; empty if it can, or is not there.
    pub(crate) async fn stays(&self, service: &mut Service, ctx: &Context) -> Result<String, CommandError> {
        if self.here {
            let address = Address { agent: None, path: self.path.clone(), selector: Some(self.selector.clone()) };
            return Place::to_make(&address, ctx).map(|place| place.stays());
        }
        let request = v1::InspectRequest { removal: true, ..self.question() };
        Ok(service.client.inspect(request).await?.into_inner().stays)
    }

    fn question(&self) -> v1::InspectRequest {
        v1::InspectRequest {
            agent: self.agent.clone(),
            path: self.path.clone(),
            selector: self.selector.to_string(),
            mapping: self.mapping.to_string(),
            ..v1::InspectRequest::default()
        }
    }

    async fn ask(&mut self, service: &mut Service) -> Result<(), CommandError> {
        let request = self.question();
        let reply = service.client.inspect(request).await?.into_inner();
        if !reply.refused.is_empty() {
            return Err(CommandError::usage(format!(
                "`{}`: the agent `{}` says: {}",
                self.address, self.agent, reply.refused
            )));
        }
        self.path = reply.path;
        self.selector =
            reply.selector.parse().map_err(|_| CommandError::failed("the agent's answer cannot be read"))?;
        self.format = reply.format;
        self.content = match wire::from_condition(reply.condition.as_ref())? {
            Condition::Fine => Content::Fingerprint(reply.value),
            Condition::Missing(_) | Condition::NoFile(_) => Content::Missing,
            Condition::AwaitingConsent => Content::Unknown,
            Condition::Suspended(cause)
            | Condition::Braked(cause)
            | Condition::Doubtful(cause)
            | Condition::HardLinked(cause) => {
                return Err(CommandError::new(crate::error::Exit::Portion, format!("`{}`: {cause}", self.address)));
            }
        };
        Ok(())
    }

    /// What the manager is told of it; how it joins is still to be said.
    pub(crate) fn new_member(&self) -> v1::NewMember {
        v1::NewMember {
            agent: self.agent.clone(),
            path: self.path.clone(),
            selector: self.selector.to_string(),
            mapping: self.mapping.to_string(),
            format: self.format.clone(),
            ..v1::NewMember::default()
        }
    }

    /// Whether a person means this one by an address.
    pub(crate) fn is_meant(&self, address: &Address, ctx: &Context, service: &Service) -> bool {
        let agent = address.agent.as_ref().or(service.agent.as_ref());
        let own = members::own_path(address, ctx).ok();
        let same_path = self.address.path == address.path || (self.here && own.as_ref() == Some(&self.path));
        let same_selector = address.selector.as_ref().is_none_or(|selector| {
            selector.expression == self.selector.expression
                && (selector.scheme.is_none() || selector.scheme == self.selector.scheme)
        });
        agent == Some(&self.agent) && same_path && same_selector
    }

    /// Its address, for people.
    pub(crate) fn shown(&self, ctx: &Context) -> String {
        let path = if self.here { crate::command::status::tilde(&self.path, ctx) } else { self.path.clone() };
        let agent = (!self.here).then(|| self.agent.clone());
        Address { agent, path, selector: Some(self.selector.clone()) }.to_string()
    }
}

/// Says what was found, and which mappings are proposed.
pub(crate) fn describe(portions: &[Portion], ctx: &Context) {
    for portion in portions {
        let what = match &portion.content {
            Content::Missing => "missing: it will be made".to_owned(),
            Content::Unknown => format!("waits until {} accepts it", portion.agent),
            _ => portion.format.clone(),
        };
        let mapping = match portion.mapping.to_string() {
            none if none.is_empty() => none,
            mapping => format!(", mapping {mapping}"),
        };
        ctx.say(format_args!("  {}  ({what}{mapping})", portion.shown(ctx)));
    }
}

/// Shows where those that can be read here differ from the first of them.
pub(crate) fn show_differences(portions: &[Portion], ctx: &Context) -> Result<(), CommandError> {
    let mut sides = Vec::new();
    for portion in portions {
        let Some(shared) = &portion.shared else { continue };
        let value = portion.mapping.value(shared);
        let value = value.map_err(|e| CommandError::lens(&portion.address.path, e))?;
        sides.push(diff::Side { name: portion.shown(ctx), fragment: shared.clone(), value });
    }
    if ctx.json {
        return Ok(());
    }
    let Some((first, others)) = sides.split_first() else { return Ok(()) };
    for other in others {
        ctx.say(format_args!("From {} to {}:", first.name, other.name));
        diff::show(first, other, ctx)?;
    }
    Ok(())
}

/// Whether a portion is rows of which its file has other columns: private ones, or ones that its selector does not name.
pub(crate) fn has_other_columns(selector: &Selector, mapping: &Mapping) -> bool {
    let expression = &selector.expression;
    let named = match selector.scheme {
        Some(Scheme::Sqlite) => TableSelector::parse(expression).is_ok_and(|table| table.columns.is_some()),
        _ => expression.contains("rows("),
    };
    named || (mapping.key().is_some() && mapping.to_string().contains("except /*/"))
}

/// What is to be known before rows of such a portion go, in words; `None` if none goes.
pub(crate) fn rows_lost(own: &Value, wanted: &Value) -> Option<String> {
    let (Value::Map(own), Value::Map(wanted)) = (own, wanted) else { return None };
    let stays: BTreeSet<&str> = wanted.iter().map(|(key, _)| &key[..]).collect();
    let gone: Vec<&str> = own.iter().map(|(key, _)| &key[..]).filter(|key| !stays.contains(key)).collect();
    let (first, rows) =
        (gone.first()?, if gone.len() == 1 { "1 row goes".to_owned() } else { format!("{} rows go", gone.len()) });
    Some(format!(
        "{rows} (`{first}` first) and with that what stands there in columns that the group does not share: no version holds those."
    ))
}

/// Asks before rows go of which no version holds everything.
///
/// # Errors
/// Somebody says no, or there is nobody to ask.
pub(crate) fn agree_to_lose(portions: &[Portion], begins: usize, ctx: &Context) -> Result<(), CommandError> {
    let value = |portion: &Portion| portion.shared.as_ref().and_then(|shared| portion.mapping.value(shared).ok());
    let Some(wanted) = value(&portions[begins]) else { return Ok(()) };
    let mut loses = false;
    for portion in portions.iter().filter(|portion| has_other_columns(&portion.selector, &portion.mapping)) {
        if let Some(told) = value(portion).and_then(|own| rows_lost(&own, &wanted)) {
            ctx.say(format_args!("In {}: {told}", portion.shown(ctx)));
            loses = true;
        }
    }
    if loses
        && !ask::confirm(
            ctx,
            "Link them all the same?",
            "--yes does; `inlay put` adds the rows first where they are to stay",
        )?
    {
        return Err(CommandError::failed("nothing was linked"));
    }
    Ok(())
}

/// Allows exactly those portions that are on this machine: naming them in a command here is consent.
pub(crate) fn consent(service: &Service, portions: &[Portion], ctx: &Context) -> Result<(), CommandError> {
    for portion in portions.iter().filter(|p| p.here && p.content == Content::Missing) {
        let Some(folder) = Path::new(&portion.path).parent().filter(|folder| !folder.exists()) else { continue };
        std::fs::create_dir_all(folder).map_err(|e| CommandError::file("make the folder", folder, e))?;
        ctx.say(format_args!("made the folder {}", folder.display()));
    }
    // What cannot be allowed leaves no consent to the others behind.
    let consents: Vec<Consent> =
        portions.iter().filter(|p| p.here).map(|p| to(&p.path, &p.selector)).collect::<Result<_, _>>()?;
    for consent in &consents {
        Allow::add(&service.home.allow(), consent)?;
    }
    for portion in portions.iter().filter(|p| p.here) {
        allow_variables(&service.home, &portion.path, &portion.mapping)?;
    }
    Ok(())
}

/// Lets the variables of a mapping be read on this machine, into this file and no other.
pub(crate) fn allow_variables(home: &Home, path: &str, mapping: &Mapping) -> Result<(), CommandError> {
    for (_, source) in mapping.variables().filter(|(_, source)| source.is_secret()) {
        Allow::add_variable(&home.allow(), path.as_ref(), source)?;
    }
    Ok(())
}

/// Adds one portion to this machine's policy.
pub(crate) fn allow(home: &Home, path: &str, selector: &Selector) -> Result<bool, CommandError> {
    Ok(Allow::add(&home.allow(), &to(path, selector)?)?)
}

/// The consent to one portion of this machine; its scheme is named, as the file's name tells it.
fn to(path: &str, selector: &Selector) -> Result<Consent, CommandError> {
    let scheme = selector.scheme.or_else(|| Scheme::detect(path, b""));
    let selector = Selector { scheme, expression: selector.expression.clone() };
    Ok(Consent::to(path.as_ref(), Some(&selector))?)
}
