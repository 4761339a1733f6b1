//! Whether the other side has the key of the certificate that it shows. The library's own checks
//! would refuse certificates of version 1 (see `path`), so the key is taken out of them here.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer};
use rustls::{DigitallySignedStruct, Error as TlsError, InvalidMessage, PeerMisbehaved};

use crate::path::split_key;
use crate::x509::Certificate;

/// RFC 5246 §7.4.8.
pub(crate) fn check_tls12(
    algorithms: &WebPkiSupportedAlgorithms,
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, TlsError> {
    let certificate = parse(certificate)?;
    let (algorithm, key) = split_key(certificate.key).ok_or_else(no_certificate)?;
    let mappings = algorithms.mapping.iter();
    let mut fitting = mappings
        .filter(|(scheme, _)| *scheme == signed.scheme)
        .flat_map(|(_, known)| *known)
        .filter(|known| known.public_key_alg_id().as_ref() == algorithm);
    let valid = |known: &&dyn SignatureVerificationAlgorithm| {
        let checked = known.verify_signature(key, message, signed.signature());
        checked.is_ok()
    };
    if fitting.any(valid) {
        Ok(HandshakeSignatureValid::assertion())
    } else {
        Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into())
    }
}

/// RFC 8446 §4.4.3.
pub(crate) fn check_tls13(
    algorithms: &WebPkiSupportedAlgorithms,
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, TlsError> {
    let key = SubjectPublicKeyInfoDer::from(parse(certificate)?.key);
    verify_tls13_signature_with_raw_key(message, &key, signed, algorithms)
}

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<Certificate<'a>, TlsError> {
    Certificate::parse(certificate).ok_or_else(no_certificate)
}

fn no_certificate() -> TlsError {
    InvalidMessage::MissingData("certificate").into()
}
