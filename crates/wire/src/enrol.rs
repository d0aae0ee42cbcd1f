//! Enrolment, over HTTP: the only thing that a machine without a certificate may ask for.

use serde::{Deserialize, Serialize};

/// `POST /v1/enrol`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnrolRequest {
    /// The invite's one-time secret, in hexadecimal. The manager compares its SHA-256.
    pub secret: String,
    /// A certificate signing request (PKCS #10, PEM). The key pair is made on the machine itself and stays there.
    pub request: String,
    /// The agent's name: `[a-z0-9-]+`, unique.
    pub name: String,
    /// The machine's host name, for people.
    pub host: String,
    /// The oldest protocol that the agent speaks.
    pub protocol: u32,
}

/// What an enrolled machine gets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnrolReply {
    /// Who it is from now on.
    pub identity: AgentIdentity,
    /// Its certificate, PEM.
    pub certificate: String,
    /// The CA's certificate, PEM: checked against the invite's fingerprint before the secret is sent.
    pub ca: String,
    /// The oldest protocol that the manager will speak to it: pinned.
    pub protocol: u32,
    /// The repositories that it may use.
    pub repositories: Vec<RepositoryAccess>,
}

/// An agent's name and id, as its certificate says them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentIdentity {
    /// The id, in hexadecimal.
    pub agent: String,
    /// The name.
    pub name: String,
    /// Whether it may operate the manager.
    pub operate: bool,
}

/// How an agent reaches a repository.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RepositoryAccess {
    /// The repository's id, in hexadecimal.
    pub id: String,
    /// `rest:/repo/NAME/` at the manager's own address, or a URL that the agent can open.
    pub url: String,
    /// The repository's password, encrypted under a key that only the invite's secret gives; in base64.
    pub wrapped: String,
}

/// The body of every HTTP answer that refuses: of `POST /v1/enrol` and of unknown paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// For programs: `invite-unknown`, `invite-used`, `invite-expired`, `name-taken`, `name-invalid`, `request-invalid`,
    /// `protocol-too-old`, `busy`, `internal`.
    pub error: String,
    /// For people: what is wrong, and what to do.
    pub message: String,
}
