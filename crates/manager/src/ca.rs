//! The manager's own certificate authority. What a certificate says of an agent comes from the manager alone; of a
//! request only the public key is taken.

use std::net::IpAddr;

use plan::AgentId;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SanType,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};

use crate::peer::Identity;

/// The CA lives as long as the manager.
const CA_DAYS: i64 = 30 * 365;
/// There is no renewal over the wire: an agent's certificate lives as long as the machine.
const AGENT_DAYS: i64 = 15 * 365;
/// The operator's certificate is renewed when the manager starts.
const OPERATOR_DAYS: i64 = 3 * 365;
/// The server's certificate is made at every start, and daily.
const SERVER_DAYS: i64 = 365;
/// A certificate that has fewer days left is renewed.
const RENEW_DAYS: i64 = 365;
/// Clocks of machines differ: a certificate is good from this long ago.
const BACKDATED_DAYS: i64 = 2;

/// Why a certificate cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// It could not be made.
    #[error("a certificate cannot be made")]
    Make(#[from] rcgen::Error),
    /// A name cannot stand in a certificate.
    #[error("`{0}` cannot stand in a certificate")]
    Name(String),
    /// The file holds no certificate.
    #[error("that is no certificate in PEM")]
    Pem(#[from] rustls_pki_types::pem::Error),
    /// The request is none.
    #[error("that is no certificate request (PKCS #10, PEM) with a good signature")]
    Request(#[source] rcgen::Error),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random,
    /// The clock shows a time that no certificate can have.
    #[error("the clock of this machine cannot be right")]
    Clock,
}

/// The CA's certificate and key.
pub(crate) struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
    pem: String,
}

impl CertificateAuthority {
    /// A new one, and its private key in PEM.
    pub(crate) fn generate() -> Result<(Self, String), CaError> {
        let key = KeyPair::generate()?;
        let private = key.serialize_pem();
        let mut params = params("inlay manager", CA_DAYS)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?;
        let (der, pem) = (certificate.der().clone(), certificate.pem());
        Ok((CertificateAuthority { issuer: Issuer::new(params, key), der, pem }, private))
    }

    /// The one that was made before.
    pub(crate) fn from_pem(certificate: &str, key: &str) -> Result<Self, CaError> {
        let der = CertificateDer::from_pem_slice(certificate.as_bytes())?;
        let issuer = Issuer::from_ca_cert_der(&der, KeyPair::from_pem(key)?)?;
        Ok(CertificateAuthority { issuer, der, pem: certificate.to_owned() })
    }

    /// Its certificate.
    pub(crate) fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// Its certificate, PEM.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// SHA-256 of its certificate.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    /// A server certificate for `localhost`, both loopback addresses and these names and addresses.
    pub(crate) fn server(
        &self,
        names: &[String],
    ) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), CaError> {
        let key = KeyPair::generate()?;
        let mut params = params("inlay manager", SERVER_DAYS)?;
        let fixed = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let mut seen: Vec<&String> = Vec::new();
        for name in fixed.iter().chain(names) {
            if !seen.contains(&name) {
                seen.push(name);
                params.subject_alt_names.push(san(name)?);
            }
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok((certificate.der().clone(), PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()))))
    }

    /// The operator's certificate and key, PEM.
    pub(crate) fn operator(&self) -> Result<(String, String), CaError> {
        let key = KeyPair::generate()?;
        Ok((self.client("operator", &Identity::Operator, OPERATOR_DAYS, &key)?, key.serialize_pem()))
    }

    /// An agent's certificate, PEM, for the public key in `request` (PKCS #10, PEM). Nothing else of the request is used.
    pub(crate) fn agent(&self, request: &str, id: AgentId, name: &str, operate: bool) -> Result<String, CaError> {
        let request = CertificateSigningRequestParams::from_pem(request).map_err(CaError::Request)?;
        let identity = Identity::Agent { id, name: name.to_owned(), operate };
        self.client(name, &identity, AGENT_DAYS, &request.public_key)
    }

    /// Whether a certificate of ours is good for long enough.
    pub(crate) fn lasts(&self, pem: &str) -> bool {
        let Ok(der) = CertificateDer::from_pem_slice(pem.as_bytes()) else { return false };
        let Ok((_, parsed)) = x509_parser::parse_x509_certificate(&der) else { return false };
        let left = parsed.validity().not_after.timestamp() - jiff::Timestamp::now().as_second();
        left > RENEW_DAYS * 86_400
    }

    fn client(&self, name: &str, identity: &Identity, days: i64, key: &impl PublicKeyData) -> Result<String, CaError> {
        let mut params = params(name, days)?;
        let uri = identity.uri();
        params.subject_alt_names.push(SanType::URI(uri.clone().try_into().map_err(|_| CaError::Name(uri))?));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Ok(params.signed_by(key, &self.issuer)?.pem())
    }
}

/// Whether this text is a request that could be granted.
pub(crate) fn check_request(request: &str) -> Result<(), CaError> {
    CertificateSigningRequestParams::from_pem(request).map(|_| ()).map_err(CaError::Request)
}

fn params(name: &str, days: i64) -> Result<CertificateParams, CaError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let mut serial = [0; 16];
    getrandom::fill(&mut serial).map_err(|_| CaError::Random)?;
    serial[0] &= 0x7f;
    params.serial_number = Some(rcgen::SerialNumber::from_slice(&serial));
    let (year, month, date) = day(-BACKDATED_DAYS)?;
    params.not_before = rcgen::date_time_ymd(year, month, date);
    let (year, month, date) = day(days)?;
    params.not_after = rcgen::date_time_ymd(year, month, date);
    Ok(params)
}

/// The date so many days from now: year, month, day.
fn day(days: i64) -> Result<(i32, u8, u8), CaError> {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let span = jiff::Span::new().try_days(days).map_err(|_| CaError::Clock)?;
    let day = today.checked_add(span).map_err(|_| CaError::Clock)?;
    match (u8::try_from(day.month()), u8::try_from(day.day())) {
        (Ok(month), Ok(date)) => Ok((i32::from(day.year()), month, date)),
        _ => Err(CaError::Clock),
    }
}

fn san(name: &str) -> Result<SanType, CaError> {
    match name.parse::<IpAddr>() {
        Ok(address) => Ok(SanType::IpAddress(address)),
        Err(_) => Ok(SanType::DnsName(name.to_owned().try_into().map_err(|_| CaError::Name(name.to_owned()))?)),
    }
}
