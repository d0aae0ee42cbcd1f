//! New groups and new members.

use plan::{Conflict, GroupId, Join, Member, MemberId, Shape};
use tonic::Status;
use wire::v1;

use super::members::by_name;
use super::{OperatorService, bad, stored};
use crate::store::Link;

/// The longest name of a group.
const NAME: usize = 100;
/// The longest path or selector, in bytes.
const PATH: usize = 4_096;
/// The longest mapping, in bytes.
const MAPPING: usize = 64 << 10;

impl OperatorService {
    pub(super) async fn do_link(&self, request: v1::LinkRequest) -> Result<v1::LinkReply, Status> {
        check_name(&request.name)?;
        if request.members.is_empty() {
            return Err(bad("no member is named"));
        }
        let mut members: Vec<Member> = Vec::with_capacity(request.members.len());
        let agents = self.agents().await?;
        for new in &request.members {
            let agent = by_name(&agents, &new.agent)?;
            let member = member(new, agent.id)?;
            if members.iter().any(|m| m.agent == member.agent && m.path == member.path && m.selector == member.selector)
            {
                return Err(bad(format!("{}#{} on `{}` is named twice", new.path, new.selector, new.agent)));
            }
            members.push(member);
        }
        if members.iter().filter(|m| m.join == Join::Offer).count() > 1 {
            return Err(bad("only one member can bring the content that begins"));
        }
        let link = Link {
            name: request.name,
            group: GroupId(random()?),
            make: request.make,
            conflict: conflict(&request.conflict, &members)?,
            members,
        };
        let ids = link.members.iter().map(|m| m.id.0.to_vec()).collect();
        let group = stored(self.manager.inner.store.link(link).await).await?;
        Ok(v1::LinkReply { group: group.0.to_vec(), members: ids })
    }
}

/// A group's name stands on a command line, before an `@` at times: letters, digits, `.`, `_`, `-`.
fn check_name(name: &str) -> Result<(), Status> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > NAME || !name.chars().all(plain) || name.starts_with(['-', '.']) {
        return Err(bad(format!(
            "`{}` cannot be a group's name: letters, digits, `.`, `_` and `-`, at most {NAME}",
            name.chars().take(NAME).collect::<String>()
        )));
    }
    Ok(())
}

fn member(new: &v1::NewMember, agent: plan::AgentId) -> Result<Member, Status> {
    for (field, value, most) in
        [("path", &new.path, PATH), ("selector", &new.selector, PATH), ("mapping", &new.mapping, MAPPING)]
    {
        if value.len() > most || value.contains('\0') {
            return Err(bad(format!("the {field} of a member has more than {most} bytes, or a NUL")));
        }
    }
    if new.path.is_empty() || new.selector.is_empty() {
        return Err(bad("a member needs a path and a selector: `inlay list FILE` shows the portions of a file"));
    }
    if new.format.len() > 100 {
        return Err(bad("the format's name is too long"));
    }
    let join = match wire::from_join(new.join) {
        Join::Done => Join::Wait,
        join => join,
    };
    Ok(Member {
        id: MemberId(random()?),
        agent,
        path: new.path.clone(),
        selector: new.selector.clone(),
        shape: Shape { format: new.format.clone(), mapping: new.mapping.clone() },
        direction: wire::from_direction(new.direction),
        join,
        on_missing: wire::from_on_missing(new.on_missing),
        paused: false,
        condition: plan::Condition::Fine,
        reported_gen: 0,
        committed_gen: 0,
        standing: None,
        agreed: false,
        restored_at: 0,
    })
}

fn conflict(text: &str, members: &[Member]) -> Result<Option<Conflict>, Status> {
    Ok(Some(match text.split_once(' ').unwrap_or((text, "")) {
        ("", "") => return Ok(None),
        ("merge", "") => Conflict::Merge,
        ("newest", "") => Conflict::Newest,
        ("manual", "") => Conflict::Manual,
        ("prefer", place) => {
            let place: Option<usize> = place.parse().ok();
            match place.and_then(|at| members.get(at)) {
                Some(member) => Conflict::Prefer(member.id),
                None => return Err(bad("`prefer` needs the place of a member in the request, from 0")),
            }
        }
        _ => return Err(bad(format!("`{text}` is no policy: merge, newest, prefer N or manual"))),
    }))
}

fn random() -> Result<[u8; 16], Status> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|_| Status::internal("the manager failed: look into its log"))?;
    Ok(id)
}
