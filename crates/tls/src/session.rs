//! What was agreed upon with a client: nginx's `$ssl_…` variables.

use std::time::{SystemTime, UNIX_EPOCH};

use base64ct::{Base64, Encoding as _};
use portunus_server::{ClientCertificate, TlsSession, TlsValue};
use ring::digest;
use rustls::pki_types::CertificateDer;
use rustls::server::ClientHello;
use rustls::{HandshakeKind, NamedGroup, ProtocolVersion, ServerConnection, SignatureScheme};

use crate::client::ClientCheck;
use crate::path::Failure;
use crate::x509::{Certificate, print_time};
use crate::{curves, distinguished_name as dn, names};

/// What a client offered, kept small: few ask for it.
#[derive(Debug)]
pub(crate) struct Offer {
    name: Option<Box<str>>,
    ciphers: Box<[u16]>,
    groups: Box<[u16]>,
    schemes: Box<[u16]>,
}

impl Offer {
    pub(crate) fn of(hello: &ClientHello<'_>) -> Self {
        let groups = hello.named_groups().unwrap_or_default();
        Self {
            name: hello.server_name().map(Into::into),
            ciphers: hello
                .cipher_suites()
                .iter()
                .map(|&suite| suite.into())
                .collect(),
            groups: groups.iter().map(|&group| group.into()).collect(),
            schemes: hello
                .signature_schemes()
                .iter()
                .map(|&scheme| scheme.into())
                .collect(),
        }
    }
}

/// A connection's TLS, as variables see it.
#[derive(Debug)]
pub(crate) struct Session {
    offer: Offer,
    /// Whether a server block has the name that was asked for.
    is_known: bool,
    protocol: Option<ProtocolVersion>,
    cipher: Option<u16>,
    group: Option<NamedGroup>,
    http: Option<Box<str>>,
    reused: bool,
    /// The client's certificate first.
    chain: Box<[CertificateDer<'static>]>,
    failure: Option<Failure>,
}

impl Session {
    pub(crate) fn new(
        connection: &ServerConnection,
        offer: Offer,
        is_known: bool,
        check: Option<&ClientCheck>,
    ) -> Self {
        let chain = connection.peer_certificates().unwrap_or_default();
        let judged = check
            .filter(|_| !chain.is_empty())
            .map(|check| check.judge(chain));
        let http = connection.alpn_protocol().map(String::from_utf8_lossy);
        Self {
            offer,
            is_known,
            protocol: connection.protocol_version(),
            cipher: (connection.negotiated_cipher_suite()).map(|suite| suite.suite().into()),
            group: (connection.negotiated_key_exchange_group())
                .map(rustls::crypto::SupportedKxGroup::name),
            http: http.map(|name| (*name).into()),
            reused: connection.handshake_kind() == Some(HandshakeKind::Resumed),
            chain: chain.into(),
            failure: judged.and_then(Result::err),
        }
    }

    fn certificate(&self) -> Option<Certificate<'_>> {
        Certificate::parse(self.chain.first()?)
    }

    fn append_client(&self, value: TlsValue, out: &mut Vec<u8>) -> Option<()> {
        use TlsValue as V;
        if value == V::ClientVerify {
            match self.client() {
                ClientCertificate::None => out.extend_from_slice(b"NONE"),
                ClientCertificate::Trusted => out.extend_from_slice(b"SUCCESS"),
                ClientCertificate::Refused { reason, .. } => {
                    out.extend_from_slice(b"FAILED:");
                    out.extend_from_slice(reason.as_bytes());
                }
            }
            return Some(());
        }
        let certificate = self.certificate()?;
        let text = match value {
            V::ClientCert => indent(&pem(certificate.der)),
            V::ClientRawCert => pem(certificate.der),
            V::ClientEscapedCert => escape(&pem(certificate.der)),
            V::ClientSubject => dn::modern(certificate.subject)?,
            V::ClientIssuer => dn::modern(certificate.issuer)?,
            V::ClientSubjectLegacy => dn::legacy(certificate.subject)?,
            V::ClientIssuerLegacy => dn::legacy(certificate.issuer)?,
            V::ClientSerial => serial(certificate.serial),
            V::ClientFingerprint => fingerprint(certificate.der),
            V::ClientValidStart => print_time(certificate.not_before),
            V::ClientValidEnd => print_time(certificate.not_after),
            V::ClientValidRemain => remaining_days(certificate.not_after).to_string(),
            _ => return None,
        };
        out.extend_from_slice(text.as_bytes());
        Some(())
    }

    fn append_own(&self, value: TlsValue, out: &mut Vec<u8>) -> Option<()> {
        use TlsValue as V;
        let joined = |numbers: &[u16], name: &dyn Fn(u16) -> String| {
            let names: Vec<_> = numbers.iter().map(|number| name(*number)).collect();
            names.join(":")
        };
        let text = match value {
            V::Protocol => match self.protocol? {
                ProtocolVersion::TLSv1_2 => "TLSv1.2".to_owned(),
                ProtocolVersion::TLSv1_3 => "TLSv1.3".to_owned(),
                _ => return None,
            },
            V::Cipher => names::cipher(self.cipher?),
            V::Ciphers => joined(&self.offer.ciphers, &names::cipher),
            V::Curve => curves::name(self.group?),
            V::Curves => joined(&self.offer.groups, &|n| curves::name(NamedGroup::from(n))),
            V::Signatures => joined(&self.offer.schemes, &|n| {
                names::scheme(SignatureScheme::from(n))
            }),
            V::ServerName => self.offer.name.as_deref()?.to_owned(),
            V::AlpnProtocol => self.http.as_deref()?.to_owned(),
            V::SessionReused => if self.reused { "r" } else { "." }.to_owned(),
            _ => return None,
        };
        out.extend_from_slice(text.as_bytes());
        Some(())
    }
}

impl TlsSession for Session {
    fn append(&self, value: TlsValue, out: &mut Vec<u8>) -> bool {
        self.append_own(value, out)
            .or_else(|| self.append_client(value, out))
            .is_some()
    }

    fn server_name(&self) -> Option<&str> {
        self.offer.name.as_deref().filter(|_| self.is_known)
    }

    fn client(&self) -> ClientCertificate<'_> {
        match self.failure {
            _ if self.chain.is_empty() => ClientCertificate::None,
            None => ClientCertificate::Trusted,
            Some(failure) => ClientCertificate::Refused {
                code: failure.code,
                reason: failure.reason,
                unknown_authority: failure.is_unknown_authority(),
            },
        }
    }
}

/// PEM with lines of 64 and an end of line after the last: what OpenSSL writes.
fn pem(der: &[u8]) -> String {
    let text = Base64::encode_string(der);
    let mut out = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out.push_str("-----END CERTIFICATE-----\n");
    out
}

/// So that it fits into a header field: a tab begins every line but the first, and the last end of
/// line is gone. Source: nginx, `ngx_ssl_get_certificate`.
fn indent(pem: &str) -> String {
    pem.trim_end().replace('\n', "\n\t")
}

/// Source: nginx, `NGX_ESCAPE_URI_COMPONENT`.
fn escape(pem: &str) -> String {
    let mut out = String::with_capacity(pem.len() * 3 / 2);
    for byte in pem.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// Upper-case hexadecimal without leading zeros in front, as OpenSSL prints numbers.
fn serial(number: &[u8]) -> String {
    let number = match number {
        [0, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    };
    number.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn fingerprint(der: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, der);
    hash.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Whole days until a moment; 0 when it has passed. Source: nginx, `ngx_ssl_get_client_v_remain`.
fn remaining_days(end: i64) -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    (end.saturating_sub(now) / 86_400).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_written_for_fields_and_urls() {
        let text = pem(&[1; 50]);
        assert_eq!(text.lines().count(), 4);
        assert!(indent(&text).contains("-----\n\tAQEB") && !indent(&text).ends_with('\n'));
        assert_eq!(escape("a b+\n"), "a%20b%2B%0A");
    }

    #[test]
    fn serials_have_openssl_s_form() {
        assert_eq!(serial(&[0, 0xab, 1]), "AB01");
        assert_eq!(serial(&[0x10, 0x00]), "1000");
        assert_eq!(serial(&[0]), "00");
    }
}
