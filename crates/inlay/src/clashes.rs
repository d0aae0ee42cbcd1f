//! What exactly does not go together in a conflict. The manager knows only that something does not: this is found where the
//! repository's key is.

use std::collections::BTreeMap;

use wire::v1;

use crate::command::resolve::{common, content};
use crate::error::CommandError;
use crate::members;
use crate::service::Service;
use crate::zone::Zone;

/// How many are told of a member.
const MOST: usize = 10;

/// By member, what it and the head both changed, in words. Nothing where this home holds no key, or a copy cannot be read.
pub(crate) async fn of(service: &mut Service, groups: &[v1::GroupStatus]) -> BTreeMap<Vec<u8>, Vec<String>> {
    let waiting = groups.iter().filter(|group| group.state == "conflict");
    let mut found = BTreeMap::new();
    let mut zone = None;
    for group in waiting {
        if zone.is_none() {
            zone = Zone::open(&service.home).await.ok().flatten();
        }
        let Some(zone) = &zone else { break };
        let request = v1::LogRequest { name: group.name.clone(), limit: 0 };
        let Ok(log) = service.client.log(request).await else { continue };
        let log = log.into_inner();
        for member in group.members.iter().filter(|m| group.open_branches.contains(&m.version)) {
            if let Ok(clashes) = between(zone, &log, group, &member.version).await {
                found.insert(member.member.clone(), clashes);
            }
        }
    }
    found
}

/// What a branch and the head both changed.
async fn between(
    zone: &Zone,
    log: &v1::LogReply,
    group: &v1::GroupStatus,
    branch: &[u8],
) -> Result<Vec<String>, CommandError> {
    let name = &group.name;
    let (head, branch) = (members::version(log, "head", name)?, members::version(log, &hex::encode(branch), name)?);
    let Some(base) = common(log, &branch, &head) else { return Ok(Vec::new()) };
    let base = content(zone, &members::version(log, &base.to_string(), name)?, name).await?;
    let (ours, theirs) = (content(zone, &branch, name).await?, content(zone, &head, name).await?);
    let clashes = match portion::merge(base.side(), ours.side(), theirs.side()) {
        Ok(portion::Merged::Conflict(clashes)) => clashes,
        Ok(portion::Merged::Clean(_)) => Vec::new(),
        Err(error) => return Ok(vec![error.to_string()]),
    };
    let mut told: Vec<String> = clashes.iter().take(MOST).map(ToString::to_string).collect();
    if clashes.len() > MOST {
        told.push(format!("and {} more", clashes.len() - MOST));
    }
    Ok(told)
}
