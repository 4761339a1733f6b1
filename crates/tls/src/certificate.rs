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

use crate::error::{Error, not_of_pem_type, not_of_type};
use crate::pem::{Section, Sections, Source, sections};
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
        let (name, chain) = chain(&self.certificate, prefix)?;
        let key_source = Source::new(&self.key, prefix);
        let key_name = source_name(&key_source);
        let key_error = |reason: String| Error::Key {
            name: key_name.clone(),
            reason,
        };
        if let Some((kind @ ("engine" | "store"), rest)) = self.key.split_once(':') {
            let reason = match kind {
                "engine" if !rest.contains(':') => "invalid syntax".to_owned(),
                _ => format!("loading \"{kind}:...\" certificate keys is not supported"),
            };
            let name = self.key.clone();
            return Err(Error::Key { name, reason });
        }
        let opened = |reason: String| key_error(format!("BIO_new_file() failed (SSL: {reason})"));
        let text = key_source.read().map_err(opened)?;
        let found = sections(&text).found;
        let (key, words) = private_key(found, passwords).map_err(key_error)?;
        let key = provider.key_provider.load_private_key(key);
        let key = key.map_err(|_| key_error(unreadable_key(&words)))?;
        let Some(leaf) = chain.first().and_then(|leaf| Certificate::parse(leaf)) else {
            let reason = unreadable(LEAF, NO_CERTIFICATE);
            return Err(Error::Certificate { name, reason });
        };
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

/// What reads the first certificate of a chain, and what reads the others.
const LEAF: &str = "PEM_read_bio_X509_AUX";
const OTHER: &str = "PEM_read_bio_X509";

const NO_CERTIFICATE: &str =
    "error:0480006C:PEM routines::no start line:Expecting: TRUSTED CERTIFICATE";

/// The certificate chain of a source, with its name for messages.
///
/// Source: nginx, `ngx_ssl_load_certificate`.
fn chain(name: &str, prefix: &Path) -> Result<(String, Vec<CertificateDer<'static>>), Error> {
    let source = Source::new(name, prefix);
    let name = source_name(&source);
    let error = |reason: String| Error::Certificate {
        name: name.clone(),
        reason,
    };
    let opened = |reason: String| error(format!("BIO_new_file() failed (SSL: {reason})"));
    let text = source.read().map_err(opened)?;
    let Sections { found, broken } = sections(&text);
    let chain: Vec<_> = found.into_iter().filter_map(certificate).collect();
    let call = |at: usize| if at == 0 { LEAF } else { OTHER };
    for (at, der) in chain.iter().enumerate() {
        if Certificate::parse(der).is_none() {
            return Err(error(unreadable(call(at), &not_of_pem_type(der, "X509"))));
        }
    }
    match broken {
        Some(reason) => Err(error(unreadable(call(chain.len()), reason))),
        None if chain.is_empty() => Err(error(unreadable(LEAF, NO_CERTIFICATE))),
        None => Ok((name, chain)),
    }
}

fn unreadable(call: &str, reason: &str) -> String {
    format!("{call}() failed (SSL: {reason})")
}

fn unreadable_key(reason: &str) -> String {
    unreadable("PEM_read_bio_PrivateKey", reason)
}

/// The certificate of a block, if it is one.
pub(crate) fn certificate(section: Section) -> Option<CertificateDer<'static>> {
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

const NO_KEY: &str = "error:1E08010C:DECODER routines::unsupported:\
                      No supported data to decode. Input type: PEM";

/// The first private key among blocks, and OpenSSL's words should it be none after all; encrypted
/// ones are tried with each password.
fn private_key(
    found: Vec<Section>,
    passwords: &[Vec<u8>],
) -> Result<(PrivateKeyDer<'static>, String), String> {
    for section in found {
        if section.has_fields && section.label.ends_with("PRIVATE KEY") {
            return Err(
                "keys encrypted the way of \"Proc-Type: 4,ENCRYPTED\" are not supported, \
                 rewrite it with \"openssl pkcs8 -topk8\""
                    .to_owned(),
            );
        }
        // OpenSSL tries every form that the label allows.
        let forms: &[&str] = match section.label.as_str() {
            "PRIVATE KEY" => &["PKCS8_PRIV_KEY_INFO"],
            "RSA PRIVATE KEY" => &["RSAPrivateKey", "PKCS8_PRIV_KEY_INFO"],
            "EC PRIVATE KEY" => &["EC_PRIVATEKEY", "PKCS8_PRIV_KEY_INFO"],
            "ENCRYPTED PRIVATE KEY" => &[],
            _ => continue,
        };
        let mut words = NO_KEY.to_owned();
        for form in forms {
            words = format!("{words} {}", not_of_type(&section.der, form));
        }
        let key = match section.label.as_str() {
            "PRIVATE KEY" => PrivatePkcs8KeyDer::from(section.der).into(),
            "RSA PRIVATE KEY" => PrivatePkcs1KeyDer::from(section.der).into(),
            "EC PRIVATE KEY" => PrivateSec1KeyDer::from(section.der).into(),
            _ => decrypt(&section.der, passwords)?.into(),
        };
        return Ok((key, words));
    }
    Err(unreadable_key(NO_KEY))
}

/// What OpenSSL says where no password was given and there is no terminal to ask for one.
const NO_PASSWORD: &str = "error:1400006B:UI routines::processing error:while reading strings \
     error:0480006D:PEM routines::problems getting password \
     error:07880109:common libcrypto routines::interrupted or cancelled \
     error:07880109:common libcrypto routines::interrupted or cancelled \
     error:1C80009F:Provider routines::unable to get passphrase \
     error:1400006B:UI routines::processing error:while reading strings \
     error:0480006D:PEM routines::problems getting password \
     error:07880109:common libcrypto routines::interrupted or cancelled \
     error:04800068:PEM routines::bad password read";

/// And where none is the right one: it tries two forms.
const WRONG_PASSWORD: &str = "error:1C800064:Provider routines::bad decrypt \
     error:11800074:PKCS12 routines::pkcs12 cipherfinal error:maybe wrong password \
     error:1C800064:Provider routines::bad decrypt \
     error:11800074:PKCS12 routines::pkcs12 cipherfinal error:maybe wrong password";

/// PKCS #8 with PBES2 (RFC 8018), as `openssl genrsa -aes256` has written it since OpenSSL 3.
fn decrypt(der: &[u8], passwords: &[Vec<u8>]) -> Result<PrivatePkcs8KeyDer<'static>, String> {
    let encrypted =
        EncryptedPrivateKeyInfoRef::try_from(der).map_err(|_| unreadable_key(NO_KEY))?;
    if passwords.is_empty() {
        return Err(unreadable_key(NO_PASSWORD));
    }
    let mut opened = passwords
        .iter()
        .filter_map(|password| encrypted.decrypt(password).ok());
    let opened = opened
        .next()
        .ok_or_else(|| unreadable_key(WRONG_PASSWORD))?;
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
