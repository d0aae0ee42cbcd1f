//! Which agent and which member a person means; ending suspensions.

use plan::{AgentId, Condition, Group, Member, MemberId};
use tonic::Status;
use wire::v1::{self, to_agent};

use super::{OperatorService, bad, offline, refusal, stored, unavailable};
use crate::store::{AgentRow, Refused};

impl OperatorService {
    /// The agent of that name.
    pub(super) async fn agent(&self, name: &str) -> Result<AgentRow, Status> {
        by_name(&self.agents().await?, name).cloned()
    }

    /// All agents.
    pub(super) async fn agents(&self) -> Result<Vec<AgentRow>, Status> {
        self.manager.inner.store.agents().await.map_err(|e| unavailable(&e))
    }

    async fn group(&self, name: &str) -> Result<Group, Status> {
        let groups = self.manager.inner.store.groups(Some(name.to_owned())).await.map_err(|e| unavailable(&e))?;
        groups.into_iter().next().ok_or_else(|| refusal(&Refused::NoGroup(name.to_owned())))
    }

    /// The member that is meant; `None` if none is named.
    pub(super) async fn member(&self, group: &str, name: Option<&v1::MemberName>) -> Result<Option<MemberId>, Status> {
        let Some(name) = name else { return Ok(None) };
        let group = self.group(group).await?;
        let agents = self.agents().await?;
        find(&group, &agents, name).map(|m| Some(m.id))
    }

    pub(super) async fn do_accept(&self, request: v1::AcceptRequest) -> Result<(), Status> {
        if !request.machine.is_empty() {
            return self.release(request.machine).await;
        }
        let group = self.group(&request.name).await?;
        let agents = self.agents().await?;
        let waits = |m: &&Member| m.condition != Condition::Fine;
        let members: Vec<&Member> = match &request.member {
            Some(name) => vec![find(&group, &agents, name)?],
            None => group.members.values().filter(waits).collect(),
        };
        if members.is_empty() {
            return Err(Status::failed_precondition(format!(
                "no member of `{0}` waits to be accepted: `inlay status {0}` shows them",
                group.name
            )));
        }
        // That a whole file is missing is never an edit, nor that there is nothing yet.
        let no_edit =
            |m: &Member| matches!(m.condition, Condition::NoFile(_)) || (m.is_missing() && group.head.is_none());
        let is_lost = |m: &&&Member| no_edit(m) && !m.is_made() && !request.give_way;
        if let Some(lost) = members.iter().find(is_lost) {
            let (name, address) = (&group.name, address(lost, &agents));
            return Err(Status::failed_precondition(format!(
                "{address} is missing, and that is never taken for an edit: `inlay restore {name}@head` brings it back, \
                 `inlay unlink {name} {address}` takes it out of the group"
            )));
        }
        let online = self.manager.inner.dispatcher.all_online();
        if let Some(absent) = members.iter().find(|m| !online.contains(&m.agent)) {
            return Err(offline(name_of(&agents, absent.agent)));
        }
        if request.give_way {
            let ids = members.iter().map(|m| m.id).collect();
            stored(self.manager.inner.store.give_way(group.name.clone(), ids).await).await?;
        }
        for member in members {
            let message = v1::AcceptRequest {
                name: group.name.clone(),
                member: None,
                give_way: request.give_way,
                id: member.id.0.to_vec(),
                machine: String::new(),
            };
            if !self.manager.inner.dispatcher.tell(member.agent, to_agent::Message::Accept(message)) {
                return Err(offline(name_of(&agents, member.agent)));
            }
        }
        Ok(())
    }
}

impl OperatorService {
    /// A machine's brake lets go what it holds back.
    async fn release(&self, machine: String) -> Result<(), Status> {
        let agent = self.agent(&machine).await?;
        let message = v1::AcceptRequest { machine, ..v1::AcceptRequest::default() };
        match self.manager.inner.dispatcher.tell(agent.id, to_agent::Message::Accept(message)) {
            true => Ok(()),
            false => Err(offline(&agent.name)),
        }
    }
}

/// The agent of that name.
pub(super) fn by_name<'a>(agents: &'a [AgentRow], name: &str) -> Result<&'a AgentRow, Status> {
    agents.iter().find(|a| a.name == name).ok_or_else(|| refusal(&Refused::NoAgent(format!("`{name}`"))))
}

/// An agent's name.
pub(super) fn name_of(agents: &[AgentRow], id: AgentId) -> &str {
    agents.iter().find(|a| a.id == id).map_or("", |a| a.name.as_str())
}

/// A member's address, whole.
pub(super) fn address(member: &Member, agents: &[AgentRow]) -> String {
    format!("{}:{}#{}", name_of(agents, member.agent), member.path, member.selector)
}

/// The one member that a name means: agent, path and selector may each be left out where it is plain which one is meant.
fn find<'a>(group: &'a Group, agents: &[AgentRow], name: &v1::MemberName) -> Result<&'a Member, Status> {
    let bare = |selector: &str| selector.split_once(':').map_or(selector, |(_, rest)| rest).to_owned();
    let fits = |m: &&Member| {
        (name.agent.is_empty() || name_of(agents, m.agent) == name.agent)
            && (name.path.is_empty() || m.path == name.path)
            && (name.selector.is_empty() || m.selector == name.selector || bare(&m.selector) == name.selector)
    };
    let found: Vec<&Member> = group.members.values().filter(fits).collect();
    let asked = format!("{}:{}#{}", name.agent, name.path, name.selector);
    match found[..] {
        [member] => Ok(member),
        [] => Err(refusal(&Refused::NoMember { group: group.name.clone(), member: asked })),
        _ => {
            let all: Vec<String> = found.iter().map(|m| address(m, agents)).collect();
            Err(bad(format!("{asked} may be any of {}: say more", all.join(", "))))
        }
    }
}
