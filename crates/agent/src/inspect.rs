//! What an operator is told of an address on this machine: keyed fingerprints, never contents; and nothing of a file that this machine
//! does not allow to be read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use plan::{Condition, GroupId};
use portion::{Mapping, Scheme, Selector};
use wire::v1::{InspectReply, InspectRequest};

use crate::detect::{Look, Target};
use crate::jobs::Tools;

/// An address has no group yet: its fingerprints are bound to none.
const NO_GROUP: GroupId = GroupId([0; 16]);

/// Answers a question.
pub(crate) async fn inspect(tools: Arc<Tools>, home: Option<PathBuf>, request: InspectRequest) -> InspectReply {
    let mut reply = InspectReply { id: request.id.clone(), ..InspectReply::default() };
    let target = match target(&request, home.as_deref()) {
        Ok(target) => Arc::new(target),
        Err(why) => {
            reply.path = request.path;
            reply.refused = why;
            return reply;
        }
    };
    reply.path = target.path.to_string_lossy().into_owned();
    reply.selector = target.selector.to_string();
    reply.mapping.clone_from(&target.mapping_text);
    let looked = target.clone();
    let look = tools.look_at(&looked).await;
    let condition = match look {
        Look::Found(found, _) => {
            reply.allowed = true;
            reply.format.clone_from(&found.portion.format);
            reply.text = found.portion.fingerprint.0.to_vec();
            reply.size = found.shared.text.len() as u64;
            if request.removal {
                let (asked, scheme) = (target.clone(), found.scheme);
                reply.stays = tools.blocking(move |tools| tools.stays(&asked, scheme)).await.unwrap_or_default();
            }
            let selector = Selector { scheme: Some(found.scheme), expression: target.selector.expression.clone() };
            reply.selector = selector.to_string();
            match found.value(&target, &tools.keys) {
                Ok(value) => {
                    reply.value = value.0.to_vec();
                    Condition::Fine
                }
                Err(error) => Condition::Suspended(error.to_string()),
            }
        }
        Look::Absent(condition, _) => {
            reply.allowed = condition != Condition::AwaitingConsent;
            condition
        }
        Look::Blank(_) => {
            reply.allowed = true;
            Condition::Missing("the file is empty".to_owned())
        }
        Look::Again(_) => Condition::Suspended("the file is being written".to_owned()),
    };
    reply.condition = Some(wire::condition(&condition));
    reply
}

fn target(request: &InspectRequest, home: Option<&Path>) -> Result<Target, String> {
    let path = whole(&request.path, home)?;
    let selector = match request.selector.as_str() {
        "" => Selector::usual(&request.path)
            .ok_or_else(|| "the address names a file, and no portion of it; none is usual there".to_owned())?,
        text => text.parse::<Selector>().map_err(|error| error.to_string())?,
    };
    // Where the name alone tells the scheme it is written out: what is linked means the same tomorrow.
    let scheme = selector.scheme.or_else(|| Scheme::detect(&request.path, b""));
    let selector = Selector { scheme, ..selector };
    let mapping = match request.mapping.as_str() {
        "" => Mapping::proposed(&request.path, &selector).unwrap_or_default(),
        text => text.parse().map_err(|error: portion::MappingError| error.to_string())?,
    };
    let mapping_text = mapping.to_string();
    Ok(Target { group: NO_GROUP, group_name: String::new(), path, selector, mapping, mapping_text })
}

/// A path as somebody elsewhere wrote it: `~` is the home of who runs this agent, and relative paths start there.
fn whole(path: &str, home: Option<&Path>) -> Result<PathBuf, String> {
    let no_home = || "this agent has no home directory; write the whole path".to_owned();
    if path.contains('\0') || path.is_empty() {
        return Err("that is no path".to_owned());
    }
    if path.starts_with('/') {
        return Ok(PathBuf::from(path));
    }
    let home = home.ok_or_else(no_home)?;
    match path.strip_prefix('~') {
        Some("") => Ok(home.to_owned()),
        Some(rest) if rest.starts_with('/') => Ok(home.join(&rest[1..])),
        Some(_) => Err("only the home of who runs the agent can be written as `~`".to_owned()),
        None => Ok(home.join(path)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn paths_are_made_whole() {
        let home = Path::new("/home/u");
        for (written, meant) in [
            ("/a/b", Some("/a/b")),
            ("~", Some("/home/u")),
            ("~/a", Some("/home/u/a")),
            ("a/b", Some("/home/u/a/b")),
            ("~root/a", None),
            ("", None),
            ("/a\0b", None),
        ] {
            assert_eq!(whole(written, Some(home)).ok(), meant.map(PathBuf::from), "{written:?}");
        }
        assert!(whole("~/a", None).is_err() && whole("a", None).is_err());
        assert_eq!(whole("/a", None).unwrap(), PathBuf::from("/a"));
    }

    #[test]
    fn what_is_left_out_is_proposed() {
        let asked = |path: &str, selector: &str, mapping: &str| {
            let request = InspectRequest {
                path: path.to_owned(),
                selector: selector.to_owned(),
                mapping: mapping.to_owned(),
                ..InspectRequest::default()
            };
            target(&request, Some(Path::new("/home/u"))).map(|t| (t.selector.to_string(), t.mapping_text))
        };
        let given = |selector: &str, mapping: &str| Ok((selector.to_owned(), mapping.to_owned()));
        assert_eq!(asked("~/.claude.json", "", ""), given("json:/mcpServers", "mcp:claude"));
        assert_eq!(asked("~/.codex/config.toml", "", ""), given("toml:/mcp_servers", "mcp:codex"));
        assert_eq!(asked("~/.claude.json", "/theme", ""), given("json:/theme", ""));
        assert_eq!(asked("~/.claude.json", "", "except /a"), given("json:/mcpServers", "except /a"));
        assert!(asked("notes.txt", "", "").is_err());
        assert!(asked("~/.claude.json", "", "nonsense").is_err());
    }
}
