//! Certificates of clients: `ssl_verify_client` and what belongs to it.
//!
//! As in nginx, no handshake fails because of a certificate that is not trusted: the client is told
//! with an answer (495, 496), which `error_page` may make friendly. So the verifier that rustls is
//! given checks only that the client has the key; the chain is looked at afterwards.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error as TlsError, SignatureScheme};

use crate::path::{Failure, Trust};
use crate::signature::{check_tls12, check_tls13};

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
        self.trust.judge(chain, self.algorithms.all)
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
        check_tls12(&self.0.algorithms, message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        check_tls13(&self.0.algorithms, message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.algorithms.supported_schemes()
    }
}
