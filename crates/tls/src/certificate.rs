//! The certificates of a server and their keys; and which of them a client gets.

use std::path::Path;
use std::sync::Arc;

use pkcs8::EncryptedPrivateKeyInfoRef;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer,
};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::error::Error;
use crate::pem::{Section, Source, sections};
use crate::x509::{Certificate, Der, SEQUENCE};

/// A certificate chain with its key, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `ssl_certificate`: a file, or `data:` and the text itself.
    pub certificate: String,
    /// `ssl_certificate_key`, likewise.
    pub key: String,
}

impl Identity {
    /// Reads both and checks that they belong together.
    pub(crate) fn load(
        &self,
        prefix: &Path,
        passwords: &[Vec<u8>],
        provider: &CryptoProvider,
    ) -> Result<CertifiedKey, Error> {
        let (name, chain) = certificates(&self.certificate, prefix)?;
        let key_source = Source::new(&self.key, prefix);
        let key_name = source_name(&key_source);
        let key_error = |reason: String| Error::Key {
            name: key_name.clone(),
            reason,
        };
        if let Some((kind @ ("engine" | "store"), _)) = self.key.split_once(':') {
            let reason = format!("loading \"{kind}:...\" certificate keys is not supported");
            return Err(key_error(reason));
        }
        let text = key_source.read().map_err(key_error)?;
        let found = sections(&text).map_err(|reason| key_error(unreadable_key(reason)))?;
        let key = private_key(found, passwords).map_err(key_error)?;
        let key = provider.key_provider.load_private_key(key).map_err(|_| {
            key_error(unreadable_key(
                "error:1E08010C:DECODER routines::unsupported",
            ))
        })?;
        let leaf = chain.first().and_then(|leaf| Certificate::parse(leaf));
        let leaf = leaf.ok_or_else(|| Error::Certificate {
            name,
            reason: unreadable("error:0688010A:asn1 encoding routines::nested asn1 error"),
        })?;
        // By ourselves, for the library's check refuses certificates of version 1.
        if key.public_key().is_some_and(|public| *public != *leaf.key) {
            return Err(Error::Mismatch {
                name: key_name.clone(),
            });
        }
        Ok(CertifiedKey::new(chain, key))
    }
}

/// How messages name a source.
pub(crate) fn source_name(source: &Source) -> String {
    match source {
        Source::File(path) => path.display().to_string(),
        Source::Data(text) => format!("data:{text}"),
    }
}

/// All certificates of a source, with its name for messages.
pub(crate) fn certificates(
    name: &str,
    prefix: &Path,
) -> Result<(String, Vec<CertificateDer<'static>>), Error> {
    let source = Source::new(name, prefix);
    let name = source_name(&source);
    let error = |reason: String| Error::Certificate {
        name: name.clone(),
        reason,
    };
    let text = source.read().map_err(error)?;
    let found = sections(&text).map_err(|reason| error(unreadable(reason)))?;
    let chain: Vec<_> = found.into_iter().filter_map(certificate).collect();
    if chain.is_empty() {
        let reason = "error:0480006C:PEM routines::no start line:Expecting: TRUSTED CERTIFICATE";
        return Err(error(unreadable(reason)));
    }
    if chain.iter().any(|der| Certificate::parse(der).is_none()) {
        let reason = "error:0688010A:asn1 encoding routines::nested asn1 error";
        return Err(error(unreadable(reason)));
    }
    Ok((name, chain))
}

fn unreadable(reason: &str) -> String {
    format!("PEM_read_bio_X509_AUX() failed (SSL: {reason})")
}

fn unreadable_key(reason: &str) -> String {
    format!("PEM_read_bio_PrivateKey() failed (SSL: {reason})")
}

fn certificate(section: Section) -> Option<CertificateDer<'static>> {
    match section.label.as_str() {
        "CERTIFICATE" | "X509 CERTIFICATE" => Some(section.der.into()),
        // OpenSSL's own kind has a second element behind the certificate.
        "TRUSTED CERTIFICATE" => {
            let whole = Der(&section.der).whole(SEQUENCE)?;
            Some(whole.to_vec().into())
        }
        _ => None,
    }
}

/// The first private key among blocks; encrypted ones are tried with each password.
fn private_key(
    found: Vec<Section>,
    passwords: &[Vec<u8>],
) -> Result<PrivateKeyDer<'static>, String> {
    for section in found {
        if section.has_fields && section.label.ends_with("PRIVATE KEY") {
            return Err(
                "keys encrypted the way of \"Proc-Type: 4,ENCRYPTED\" are not supported, \
                 rewrite it with \"openssl pkcs8 -topk8\""
                    .to_owned(),
            );
        }
        return Ok(match section.label.as_str() {
            "PRIVATE KEY" => PrivatePkcs8KeyDer::from(section.der).into(),
            "RSA PRIVATE KEY" => PrivatePkcs1KeyDer::from(section.der).into(),
            "EC PRIVATE KEY" => PrivateSec1KeyDer::from(section.der).into(),
            "ENCRYPTED PRIVATE KEY" => decrypt(&section.der, passwords)?.into(),
            _ => continue,
        });
    }
    Err(unreadable_key(
        "error:0480006C:PEM routines::no start line:Expecting: ANY PRIVATE KEY",
    ))
}

/// PKCS #8 with PBES2 (RFC 8018), as `openssl genrsa -aes256` has written it since OpenSSL 3.
fn decrypt(der: &[u8], passwords: &[Vec<u8>]) -> Result<PrivatePkcs8KeyDer<'static>, String> {
    let broken = || unreadable_key("error:1E08010C:DECODER routines::unsupported");
    let encrypted = EncryptedPrivateKeyInfoRef::try_from(der).map_err(|_| broken())?;
    if passwords.is_empty() {
        return Err(unreadable_key(
            "error:1400006B:UI routines::processing error:while reading strings",
        ));
    }
    let mut opened = passwords
        .iter()
        .filter_map(|password| encrypted.decrypt(password).ok());
    let opened = opened
        .next()
        .ok_or_else(|| unreadable_key("error:1C800064:Provider routines::bad decrypt"))?;
    Ok(PrivatePkcs8KeyDer::from(opened.as_bytes().to_vec()))
}

/// Chooses among the certificates of a server: RSA and ECDSA side by side.
#[derive(Debug)]
pub(crate) struct Certificates(pub(crate) Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for Certificates {
    /// The first one that fits what the client likes best.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let fits = |scheme| {
            let mut ours = self.0.iter();
            ours.find(|ours| ours.key.choose_scheme(&[scheme]).is_some())
        };
        let mut schemes = hello.signature_schemes().iter().copied();
        schemes.find_map(fits).cloned()
    }
}
