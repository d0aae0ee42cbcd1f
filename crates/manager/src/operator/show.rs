//! What people look at.

use plan::{Condition, Conflict, Group, Join, Kind, Member, MemberState};
use tonic::Status;
use wire::v1;

use super::members::{address, name_of};
use super::{refusal, unavailable};
use crate::manager::Manager;
use crate::store::{AgentRow, Refused};

/// The state of one group, or of all.
pub(super) async fn status(manager: &Manager, name: &str) -> Result<v1::StatusReply, Status> {
    let wanted = (!name.is_empty()).then(|| name.to_owned());
    let agents = manager.inner.store.agents().await.map_err(|e| unavailable(&e))?;
    let groups = manager.inner.store.groups(wanted).await.map_err(|e| unavailable(&e))?;
    if !name.is_empty() && groups.is_empty() {
        return Err(refusal(&Refused::NoGroup(name.to_owned())));
    }
    let online = manager.inner.dispatcher.all_online();
    let shown = |group: &Group| {
        let is_online = |m: &Member| online.contains(&m.agent);
        v1::GroupStatus {
            group: group.id.0.to_vec(),
            name: group.name.clone(),
            state: plan::group_state(group, is_online).name().to_owned(),
            head: wire::version_bytes(group.head),
            head_number: group.head_version().map_or(0, |v| v.number),
            members: group.members.values().map(|m| member_status(group, m, is_online(m), &agents)).collect(),
            open_branches: group.open_branches().iter().map(|v| v.0.to_vec()).collect(),
            conflict: policy(group, &agents),
        }
    };
    Ok(v1::StatusReply { groups: groups.iter().map(shown).collect() })
}

fn member_status(group: &Group, member: &Member, online: bool, agents: &[AgentRow]) -> v1::MemberStatus {
    let state = plan::member_state(group, member, online);
    let agent = name_of(agents, member.agent);
    v1::MemberStatus {
        member: member.id.0.to_vec(),
        agent: agent.to_owned(),
        path: member.path.clone(),
        selector: member.selector.clone(),
        mapping: member.shape.mapping.clone(),
        format: member.shape.format.clone(),
        cause: cause(group, member, &state, agents),
        state: state.name().to_owned(),
        version: wire::version_bytes(member.standing),
        version_number: group.standing(member).map_or(0, |v| v.number),
        direction: wire::direction(member.direction).into(),
        restored_at: member.restored_at,
        generation: member.reported_gen,
        missing: member.is_missing() && matches!(state, MemberState::Suspended(_)),
        braked: matches!(member.condition, Condition::Braked(_)),
        no_file: matches!(member.condition, Condition::NoFile(_)) && matches!(state, MemberState::Suspended(_)),
        doubtful: matches!(member.condition, Condition::Doubtful(_)),
        hard_linked: matches!(member.condition, Condition::HardLinked(_)),
        offers: member.join == Join::Offer,
    }
}

/// Why a member is in that state, and what to do; empty where it explains itself.
fn cause(group: &Group, member: &Member, state: &MemberState, agents: &[AgentRow]) -> String {
    let name = &group.name;
    match state {
        MemberState::Suspended(cause) if member.is_missing() && group.head.is_none() => {
            format!("{cause}; the first content that appears in a member begins the group")
        }
        MemberState::Suspended(cause) => cause.clone(),
        MemberState::Conflict if group.standing(member).is_some_and(|v| v.kind == Kind::Join) => format!(
            "what it held when it joined differs from the group's content: `inlay resolve {name} --take head` replaces it (and keeps \
             it as a version), `--take {}` makes it the group's",
            address(member, agents)
        ),
        MemberState::Conflict => {
            let why = member.standing.and_then(|branch| group.unmergeable(branch));
            let why = why.unwrap_or("it was edited while others were");
            format!("{why}; `inlay resolve {name}` shows it and asks, with `--take ADDRESS` it takes one side")
        }
        MemberState::AwaitingConsent => {
            format!("its own machine has not agreed: `inlay accept {name}` there")
        }
        MemberState::Offline => format!("the agent `{}` is not connected", name_of(agents, member.agent)),
        MemberState::Paused if group.paused => format!("`inlay resume {name}` lets the group go on"),
        MemberState::Paused => format!("`inlay resume {name} ADDRESS` lets it go on"),
        MemberState::Changed if member.standing.is_some_and(|s| group.is_open(s)) => {
            "its edit is being merged with others'".to_owned()
        }
        MemberState::Changed | MemberState::Behind => match group.origin().filter(|origin| origin.id != member.id) {
            Some(origin) => format!("it waits for the content that begins, from {}", address(origin, agents)),
            None => String::new(),
        },
        MemberState::InSync => String::new(),
    }
}

fn policy(group: &Group, agents: &[AgentRow]) -> String {
    match group.policy.conflict {
        Conflict::Merge => "merge".to_owned(),
        Conflict::Newest => "newest".to_owned(),
        Conflict::Manual => "manual".to_owned(),
        Conflict::Prefer(id) => match group.members.get(&id) {
            Some(m) => format!("prefer {}", address(m, agents)),
            None => "prefer a member that has left".to_owned(),
        },
    }
}

/// A group's history.
pub(super) async fn log(manager: &Manager, request: v1::LogRequest) -> Result<v1::LogReply, Status> {
    let rows = manager.inner.store.log(request.name.clone(), request.limit).await.map_err(|e| unavailable(&e))?;
    let rows = rows.ok_or_else(|| refusal(&Refused::NoGroup(request.name)))?;
    let versions = rows.versions.into_iter().map(|row| v1::VersionEntry {
        record: Some(wire::record(&row.version.record)),
        kind: match row.version.kind {
            Kind::Edit => "edit",
            Kind::Merge => "merge",
            Kind::Restore => "restore",
            Kind::Resolve => "resolve",
            Kind::Join => "join",
        }
        .to_owned(),
        parents: row.version.parents.iter().map(|p| p.0.to_vec()).collect(),
        number: row.version.number,
        committed_at: row.version.committed_at,
        branch: !row.version.merged,
        open: row.open,
        snapshot: row.version.snapshot.unwrap_or_default(),
        agent: row.agent,
        path: row.path,
        selector: row.selector,
    });
    let versions = versions.collect();
    Ok(v1::LogReply { group: rows.group.0.to_vec(), versions, head: wire::version_bytes(rows.head) })
}

/// All agents.
pub(super) async fn agents(manager: &Manager) -> Result<v1::ListAgentsReply, Status> {
    let rows = manager.inner.store.agents().await.map_err(|e| unavailable(&e))?;
    let agents = rows.into_iter().map(|row| v1::AgentEntry {
        online: manager.inner.dispatcher.online(row.id),
        agent: row.id.0.to_vec(),
        name: row.name,
        host: row.host,
        seen_at: row.seen_at,
        operate: row.operate,
        members: row.members,
        program: row.program,
    });
    Ok(v1::ListAgentsReply { agents: agents.collect() })
}
