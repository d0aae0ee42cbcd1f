//! The code of an invite: one word that a person copies from one machine to the other.
//!
//! `inlay1` and then Crockford's base 32 of: length, CA fingerprint (32 bytes), one-time secret (16), addresses, checksum (4). It
//! is read whatever the case, with blanks, line ends and hyphens in it, and with o for 0, i or l for 1.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::CommandError;

const PREFIX: &str = "inlay1";
/// Crockford's base 32: no i, l, o, u.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const SECRET: usize = 16;
const CHECK: usize = 4;
const NONCE: usize = 24;
/// So many addresses fit; more would make the code longer than a line.
const MOST_ADDRESSES: usize = 6;
const WRAP: &str = "inlay 2025 invite: key that wraps the repository passwords";

/// What an invite says.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Invitation {
    /// SHA-256 of the CA's certificate.
    pub ca: [u8; 32],
    /// The one-time secret.
    pub secret: Zeroizing<Vec<u8>>,
    /// Where the manager is, `HOST:PORT`.
    pub addresses: Vec<String>,
}

/// Why a text is no invite's code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CodeError {
    #[error("this is no invite's code: those begin with `{PREFIX}`")]
    NoCode,
    #[error("`{0}` cannot stand in an invite's code")]
    Character(char),
    #[error("the code is cut off: {found} of {expected} characters are there")]
    CutOff { found: usize, expected: usize },
    #[error("the code is too long: {found} characters in place of {expected}")]
    TooLong { found: usize, expected: usize },
    #[error("a character of the code is wrong")]
    Checksum,
}

impl From<CodeError> for CommandError {
    fn from(error: CodeError) -> Self {
        CommandError::usage(error).hint("copy the whole line that `inlay invite` prints; nothing was used up")
    }
}

impl Invitation {
    /// A new one, with a secret of its own.
    pub(crate) fn new(ca: [u8; 32], addresses: Vec<String>, secret: Zeroizing<Vec<u8>>) -> Self {
        Invitation { ca, secret, addresses }
    }

    /// A one-time secret.
    pub(crate) fn new_secret() -> Result<Zeroizing<Vec<u8>>, CommandError> {
        let mut secret = Zeroizing::new(vec![0; SECRET]);
        random(&mut secret)?;
        Ok(secret)
    }

    pub(crate) fn code(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(160));
        bytes.push(0);
        bytes.extend(self.ca);
        bytes.extend(self.secret.iter());
        for address in self.addresses.iter().take(MOST_ADDRESSES) {
            write_address(&mut bytes, address);
        }
        bytes[0] = u8::try_from(bytes.len() + CHECK).unwrap_or(u8::MAX);
        let check = checksum(&bytes);
        bytes.extend(check);
        Zeroizing::new(format!("{PREFIX}{}", *encode(&bytes)))
    }

    pub(crate) fn parse(text: &str) -> Result<Self, CodeError> {
        let plain: Zeroizing<String> = Zeroizing::new(
            text.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_lowercase()).collect(),
        );
        let body = plain.strip_prefix("inlay").and_then(|rest| rest.strip_prefix(['1', 'l', 'i']));
        let body = body.ok_or(CodeError::NoCode)?;
        let (bytes, padding) = decode(body)?;
        let length = *bytes.first().ok_or(CodeError::CutOff { found: body.len(), expected: 2 })? as usize;
        let (found, expected) = (body.chars().count(), (length * 8).div_ceil(5));
        if found < expected {
            return Err(CodeError::CutOff { found: found + PREFIX.len(), expected: expected + PREFIX.len() });
        }
        if found > expected {
            return Err(CodeError::TooLong { found: found + PREFIX.len(), expected: expected + PREFIX.len() });
        }
        let (head, check) = bytes.split_at_checked(length.saturating_sub(CHECK)).ok_or(CodeError::Checksum)?;
        // The padding counts, too: a wrong last character would not be seen otherwise.
        if check.get(..CHECK) != Some(&checksum(head)) || padding != 0 {
            return Err(CodeError::Checksum);
        }
        let mut rest = head.get(1..).ok_or(CodeError::Checksum)?;
        let ca = *take(&mut rest, 32)?.first_chunk().ok_or(CodeError::Checksum)?;
        let secret = Zeroizing::new(take(&mut rest, SECRET)?.to_vec());
        let mut addresses = Vec::new();
        while !rest.is_empty() {
            addresses.push(read_address(&mut rest)?);
        }
        Ok(Invitation { ca, secret, addresses })
    }

    /// What the manager keeps of the secret.
    pub(crate) fn secret_hash(secret: &[u8]) -> [u8; 32] {
        Sha256::digest(secret).into()
    }
}

/// Encrypts what only who has the secret may read.
pub(crate) fn wrap(secret: &[u8], plain: &[u8]) -> Result<Vec<u8>, CommandError> {
    let mut nonce = [0; NONCE];
    random(&mut nonce)?;
    let sealed = cipher(secret)
        .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: WRAP.as_bytes() })
        .map_err(|_| CommandError::failed("cannot encrypt the repository's password"))?;
    Ok([&nonce[..], &sealed].concat())
}

/// Decrypts it; `None` if it is of another secret, or was changed.
pub(crate) fn unwrap(secret: &[u8], wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = wrapped.split_first_chunk::<NONCE>()?;
    let payload = Payload { msg: sealed, aad: WRAP.as_bytes() };
    cipher(secret).decrypt(&XNonce::from(*nonce), payload).ok().map(Zeroizing::new)
}

fn cipher(secret: &[u8]) -> XChaCha20Poly1305 {
    let key = Zeroizing::new(blake3::derive_key(WRAP, secret));
    XChaCha20Poly1305::new(&Key::from(*key))
}

pub(crate) fn random(bytes: &mut [u8]) -> Result<(), CommandError> {
    getrandom::fill(bytes).map_err(|e| CommandError::failed("the system gives no random numbers").because(e))
}

fn checksum(bytes: &[u8]) -> [u8; CHECK] {
    let hash = blake3::derive_key("inlay 2025 invite: checksum", bytes);
    [hash[0], hash[1], hash[2], hash[3]]
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], CodeError> {
    let (taken, left) = rest.split_at_checked(count).ok_or(CodeError::Checksum)?;
    *rest = left;
    Ok(taken)
}

/// A kind (4, 6, or 0 for a name with its length), the address, the port.
fn write_address(out: &mut Vec<u8>, address: &str) {
    match address.parse::<SocketAddr>() {
        Ok(SocketAddr::V4(v4)) => {
            out.push(4);
            out.extend(v4.ip().octets());
            out.extend(v4.port().to_be_bytes());
        }
        Ok(SocketAddr::V6(v6)) => {
            out.push(6);
            out.extend(v6.ip().octets());
            out.extend(v6.port().to_be_bytes());
        }
        Err(_) => {
            let Some((host, port)) = address.rsplit_once(':') else { return };
            let (Ok(port), Ok(length)) = (port.parse::<u16>(), u8::try_from(host.len())) else { return };
            // The whole code's length is one byte.
            if length <= 30 {
                out.extend([0, length]);
                out.extend(host.as_bytes());
                out.extend(port.to_be_bytes());
            }
        }
    }
}

fn read_address(rest: &mut &[u8]) -> Result<String, CodeError> {
    let port = |rest: &mut &[u8]| {
        take(rest, 2)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes)).ok_or(CodeError::Checksum)
    };
    Ok(match take(rest, 1)? {
        [4] => {
            let ip = Ipv4Addr::from(*take(rest, 4)?.first_chunk::<4>().ok_or(CodeError::Checksum)?);
            SocketAddr::new(ip.into(), port(rest)?).to_string()
        }
        [6] => {
            let ip = Ipv6Addr::from(*take(rest, 16)?.first_chunk::<16>().ok_or(CodeError::Checksum)?);
            SocketAddr::new(ip.into(), port(rest)?).to_string()
        }
        [0] => {
            let length = take(rest, 1)?[0];
            let host = String::from_utf8(take(rest, length.into())?.to_vec()).map_err(|_| CodeError::Checksum)?;
            format!("{host}:{}", port(rest)?)
        }
        _ => return Err(CodeError::Checksum),
    })
}

fn encode(bytes: &[u8]) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(bytes.len() * 2));
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(LETTERS[(held >> bits & 31) as usize]));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        out.push(char::from(LETTERS[(held << (5 - bits) & 31) as usize]));
    }
    out
}

/// The bytes, and what is left over of the last character.
fn decode(text: &str) -> Result<(Zeroizing<Vec<u8>>, u32), CodeError> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut held, mut bits) = (0_u32, 0);
    for written in text.chars() {
        let c = match written {
            'o' => '0',
            'i' | 'l' => '1',
            c => c,
        };
        let value = LETTERS.iter().position(|l| char::from(*l) == c).ok_or(CodeError::Character(written))?;
        held = held << 5 | value as u32;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    Ok((out, held))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn sample() -> Invitation {
        let addresses = ["192.168.1.20:7310", "[2001:db8::7]:7310", "box.example:7310"].map(str::to_owned).to_vec();
        Invitation::new([7; 32], addresses, Zeroizing::new((1..=16).collect()))
    }

    #[test]
    fn it_comes_back_however_it_was_copied() {
        let code = sample().code();
        let spaced: String =
            code.chars().enumerate().map(|(n, c)| if n % 7 == 6 { format!("{c}\n ") } else { c.into() }).collect();
        for text in [code.to_string(), code.to_uppercase(), format!("  {}\r\n", *code), spaced, code.replace('1', "l")]
        {
            assert!(Invitation::parse(&text).unwrap() == sample(), "{text}");
        }
        assert!(Invitation::parse(&Invitation::new([1; 32], vec![], Zeroizing::new(vec![3; 16])).code()).is_ok());
    }

    #[test]
    fn every_typo_is_seen() {
        let code = sample().code();
        for at in PREFIX.len()..code.len() {
            let mut wrong = code.to_string();
            let other = if wrong.as_bytes()[at] == b'z' { "y" } else { "z" };
            wrong.replace_range(at..=at, other);
            assert!(Invitation::parse(&wrong).is_err(), "{at}");
            wrong.remove(at);
            assert!(Invitation::parse(&wrong).is_err(), "{at} is missing");
        }
        let cut = &code[..code.len() - 9];
        assert!(matches!(Invitation::parse(cut), Err(CodeError::CutOff { .. })));
        assert!(matches!(Invitation::parse(&format!("{}00", *code)), Err(CodeError::TooLong { .. })));
        assert_eq!(Invitation::parse("hello").err(), Some(CodeError::NoCode));
        assert_eq!(Invitation::parse("inlay1abu!").err(), Some(CodeError::Character('u')));
        assert!(Invitation::parse("inlay1").is_err() && Invitation::parse("").is_err());
    }

    #[test]
    fn only_the_secret_unwraps() {
        let wrapped = wrap(b"secret", b"password").unwrap();
        assert_eq!(unwrap(b"secret", &wrapped).unwrap().as_slice(), b"password");
        assert!(unwrap(b"Secret", &wrapped).is_none());
        for at in 0..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[at] ^= 1;
            assert!(unwrap(b"secret", &changed).is_none());
        }
        assert!(unwrap(b"secret", b"").is_none());
        assert!(!wrapped.windows(8).any(|w| w == b"password"));
    }
}
