//! How a machine becomes an agent: an invite is made there, used here. `up` does both ends itself.

use std::collections::BTreeMap;
use std::time::Duration;

use agent::point::point;
use agent::{Allow, Consent, EnrolError, Enrolment, Identity};
use base64::Engine;
use portion::Address;
use repo::Password;
use wire::v1;
use wire::v1::operator_client::OperatorClient;
use zeroize::Zeroizing;

use crate::context::Context;
use crate::error::{CommandError, Exit};
use crate::home::{Home, RepositoryFile};
use crate::invitation::{self, Invitation};
use crate::os;

/// How often another name is tried where nobody chose one.
const NAMES: u32 = 20;

/// Makes an invite: the manager gets the hash of the secret, and the passwords that only the secret unwraps.
pub(crate) async fn invite(
    client: &mut OperatorClient<tonic::transport::Channel>,
    home: &Home,
    ttl: Duration,
    uses: u32,
    operate: bool,
) -> Result<Invitation, CommandError> {
    let repository = home.repository()?.ok_or_else(|| CommandError::failed("this home has no repository to share"))?;
    let password = home.password(&repository.id)?.ok_or_else(|| {
        CommandError::failed("this home does not hold the repository's password, so it cannot invite")
            .hint("invite from the home in which the manager was made, or from a machine whose agent is enrolled")
    })?;
    let secret = Invitation::new_secret()?;
    let passwords = BTreeMap::from([(repository.id.as_str(), password.reveal())]);
    let plain = serde_json::to_vec(&passwords).map(Zeroizing::new);
    let plain = plain.map_err(|e| CommandError::failed("cannot write the password").because(e))?;
    let request = v1::InviteRequest {
        secret_hash: Invitation::secret_hash(&secret).to_vec(),
        wrapped: invitation::wrap(&secret, &plain)?,
        ttl_seconds: ttl.as_secs(),
        uses,
        operate,
    };
    let reply = client.invite(request).await?.into_inner();
    let ca = reply.ca.try_into().map_err(|_| CommandError::failed("the manager's answer cannot be read"))?;
    Ok(Invitation::new(ca, reply.addresses, secret))
}

/// Uses an invite: enrols this machine, and keeps what that gives. Without `name` it is called after its host.
pub(crate) async fn join(home: &Home, invitation: &Invitation, name: Option<&str>) -> Result<Identity, CommandError> {
    let host = os::host_name();
    let base = name.map_or_else(|| agent_name(&host), str::to_owned);
    let mut enrolment = Enrolment {
        addresses: invitation.addresses.clone(),
        ca: invitation.ca,
        secret: Zeroizing::new(hex::encode(&*invitation.secret)),
        name: base.clone(),
        host,
    };
    let mut number = 1;
    let enrolled = loop {
        match agent::enrol(&enrolment).await {
            Ok(enrolled) => break enrolled,
            Err(EnrolError::Refused(why)) if is_taken(&why) && name.is_none() && number < NAMES => {
                number += 1;
                enrolment.name = format!("{base}-{number}");
            }
            Err(error) => return Err(refused(error)),
        }
    };
    for access in &enrolled.repositories {
        keep_password(home, &access.id, &access.wrapped, &invitation.secret)?;
    }
    point("enrolment: password kept");
    if let Some(first) = enrolled.repositories.first() {
        home.save_repository(&RepositoryFile { id: first.id.clone(), url: first.url.clone() })?;
    }
    point("enrolment: repository kept");
    // Last: without it there is no agent.
    enrolled.identity.save(&home.agent()).map_err(|e| CommandError::of(Exit::Failed, e))?;
    point("enrolment: identity kept");
    Ok(enrolled.identity)
}

fn keep_password(home: &Home, id: &str, wrapped: &str, secret: &[u8]) -> Result<(), CommandError> {
    let damaged = || {
        CommandError::failed("the repository's password in the invite cannot be unwrapped")
            .hint("the manager does not hold what `inlay invite` gave it; make a new invite")
    };
    if id.len() != 64 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(CommandError::failed("the manager's answer names a repository that cannot be"));
    }
    let wrapped = base64::engine::general_purpose::STANDARD.decode(wrapped).map_err(|_| damaged())?;
    let plain = invitation::unwrap(secret, &wrapped).ok_or_else(damaged)?;
    let mut passwords: BTreeMap<String, String> = serde_json::from_slice(&plain).map_err(|_| damaged())?;
    match passwords.remove(id) {
        Some(password) => home.save_password(id, &Password::new(password)),
        None => Ok(()),
    }
}

/// Adds what `--allow` names to this machine's policy: a folder, a file, or one address.
pub(crate) fn allow(home: &Home, ctx: &Context, address: &Address) -> Result<bool, CommandError> {
    if address.agent.is_some() {
        return Err(CommandError::usage(format!("`{address}`: each machine allows only its own files")));
    }
    let path = ctx.path(&address.path)?;
    let consent = Consent::to(&path, address.selector.as_ref())?;
    Ok(Allow::add(&home.allow(), &consent)?)
}

/// What the manager says when it refuses, as a person reads it.
fn refused(error: EnrolError) -> CommandError {
    match &error {
        EnrolError::Refused(why) => match serde_json::from_str::<wire::Refusal>(why) {
            Ok(refusal) => CommandError::failed(format!("the manager refuses: {}", refusal.message)),
            Err(_) => CommandError::of(Exit::Failed, error),
        },
        EnrolError::Connect(agent::ConnectError::OtherAuthority { .. }) => CommandError::of(Exit::Failed, error)
            .hint("nothing was sent to it; make a new invite on the manager's machine, and use it whole"),
        EnrolError::Connect(_) | EnrolError::Late(_) => CommandError::of(Exit::Failed, error)
            .hint("is the manager running, does a firewall let its port through, and is it reachable by one of the invite's addresses?"),
        _ => CommandError::of(Exit::Failed, error),
    }
}

fn is_taken(why: &str) -> bool {
    serde_json::from_str::<wire::Refusal>(why).is_ok_and(|refusal| refusal.error == "name-taken")
}

/// A host name as an agent's name: `[a-z0-9-]+`.
pub(crate) fn agent_name(host: &str) -> String {
    let first = host.split('.').next().unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = first.chars().map(plain).take(40).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "machine".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_agents() {
        for (host, name) in
            [("Box.example.org", "box"), ("my_pc", "my-pc"), ("", "machine"), ("---", "machine"), ("ünï", "n")]
        {
            assert_eq!(agent_name(host), name, "{host}");
        }
    }
}
