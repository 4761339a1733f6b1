//! Certificates of clients: `ssl_verify_client` and what belongs to it.
//!
//! As in nginx, no handshake fails because of a certificate that is not trusted: the client is told
//! with an answer (495, 496), which `error_page` may make friendly. So the verifier that rustls is
//! given checks only that the client has the key; the chain is looked at afterwards.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error as TlsError, InvalidMessage, PeerMisbehaved,
    SignatureScheme,
};

use crate::path::{Failure, Trust, split_key, verify};
use crate::x509::Certificate;

/// How the clients of a server block are looked at.
#[derive(Debug)]
pub(crate) struct ClientCheck {
    pub(crate) trust: Trust,
    /// Names of authorities that clients are told of.
    pub(crate) hints: Vec<DistinguishedName>,
    pub(crate) algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCheck {
    /// What is wrong with a chain, at this moment.
    pub(crate) fn judge(&self, chain: &[CertificateDer<'_>]) -> Result<(), Failure> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        verify(chain, &self.trust, self.algorithms.all, now)
    }
}

/// Asks clients for certificates.
#[derive(Debug)]
pub(crate) struct Asking(pub(crate) Arc<ClientCheck>);

impl ClientCertVerifier for Asking {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.0.hints
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, TlsError> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let certificate = parse(certificate)?;
        let (algorithm, key) = split_key(certificate.key).ok_or_else(no_certificate)?;
        let mappings = self.0.algorithms.mapping.iter();
        let mut fitting = mappings
            .filter(|(scheme, _)| *scheme == signed.scheme)
            .flat_map(|(_, known)| *known)
            .filter(|known| known.public_key_alg_id().as_ref() == algorithm);
        let valid = |known: &&dyn rustls::pki_types::SignatureVerificationAlgorithm| {
            known
                .verify_signature(key, message, signed.signature())
                .is_ok()
        };
        if fitting.any(valid) {
            Ok(HandshakeSignatureValid::assertion())
        } else {
            Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into())
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let key = SubjectPublicKeyInfoDer::from(parse(certificate)?.key);
        verify_tls13_signature_with_raw_key(message, &key, signed, &self.0.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.algorithms.supported_schemes()
    }
}

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<Certificate<'a>, TlsError> {
    Certificate::parse(certificate).ok_or_else(no_certificate)
}

fn no_certificate() -> TlsError {
    InvalidMessage::MissingData("certificate").into()
}
