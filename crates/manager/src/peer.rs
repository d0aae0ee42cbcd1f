//! Who is at the other end of a connection, by its certificate.

use plan::AgentId;

/// Who a certificate of our own CA names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A program in the manager's own home.
    Operator,
    /// An enrolled machine.
    Agent {
        /// Its id.
        id: AgentId,
        /// Its name when it was enrolled.
        name: String,
        /// Whether it may operate the manager, too.
        operate: bool,
    },
}

/// The other end of a connection; an extension of every request that comes over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Who it is; `None` without a certificate.
    pub identity: Option<Identity>,
    /// Whence it comes.
    pub address: std::net::SocketAddr,
}

impl Peer {
    /// The agent that it is.
    pub fn agent(&self) -> Option<(AgentId, &str)> {
        match &self.identity {
            Some(Identity::Agent { id, name, .. }) => Some((*id, name)),
            _ => None,
        }
    }

    /// Whether it may operate the manager.
    pub fn operates(&self) -> bool {
        matches!(&self.identity, Some(Identity::Operator | Identity::Agent { operate: true, .. }))
    }
}

impl Identity {
    /// The URI that stands in the certificate: `inlay:operator`, `inlay:agent:ID` or `inlay:agent:ID:operate`.
    pub(crate) fn uri(&self) -> String {
        match self {
            Identity::Operator => "inlay:operator".to_owned(),
            Identity::Agent { id, operate, .. } => {
                format!("inlay:agent:{id}{}", if *operate { ":operate" } else { "" })
            }
        }
    }

    /// Reads a certificate that was verified already. `None` if it names nobody.
    pub(crate) fn from_certificate(der: &[u8]) -> Option<Identity> {
        let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
        let names = certificate.subject_alternative_name().ok()??;
        let uri = names.value.general_names.iter().find_map(|name| match name {
            x509_parser::extensions::GeneralName::URI(uri) => Some(*uri),
            _ => None,
        })?;
        let common = certificate.subject().iter_common_name().next()?.as_str().ok()?.to_owned();
        Identity::from_uri(uri, common)
    }

    fn from_uri(uri: &str, name: String) -> Option<Identity> {
        if uri == "inlay:operator" {
            return Some(Identity::Operator);
        }
        let rest = uri.strip_prefix("inlay:agent:")?;
        let (id, operate) = match rest.split_once(':') {
            None => (rest, false),
            Some((id, "operate")) => (id, true),
            Some(_) => return None,
        };
        Some(Identity::Agent { id: id.parse().ok()?, name, operate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_written_and_read() {
        let agent = |operate| Identity::Agent { id: AgentId([7; 16]), name: "box".to_owned(), operate };
        for identity in [Identity::Operator, agent(false), agent(true)] {
            assert_eq!(Identity::from_uri(&identity.uri(), "box".to_owned()), Some(identity));
        }
        let id = "07".repeat(16);
        for bad in ["", "inlay:agent:", "inlay:agent:07", "inlay:operator:x", &format!("inlay:agent:{id}:root")] {
            assert_eq!(Identity::from_uri(bad, "box".to_owned()), None, "{bad}");
        }
    }
}
