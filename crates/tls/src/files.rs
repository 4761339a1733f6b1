//! Files that are read for the sake of the other side: authorities, lists of revoked certificates,
//! parameters of a key exchange. What is wrong with them is said in OpenSSL's words.

use std::path::Path;

use crate::certificate::{certificate, source_name};
use crate::error::{Error, NOTHING_TO_TRUST, no_start_line, not_of_pem_type};
use crate::path::RevocationList;
use crate::pem::{Section, Sections, Source, sections};
use crate::x509::Certificate;

/// What `X509_load_cert_crl_file` adds to the words of those that it asks.
const OF_SYSTEM: &str = "error:05880002:x509 certificate routines::system lib";
const OF_PEM: &str = "error:05880009:x509 certificate routines::PEM lib";

/// All certificates of a file of authorities.
///
/// Source: nginx, `ngx_ssl_client_certificate`, `ngx_ssl_trusted_certificate`.
pub(crate) fn read_authorities(name: Option<&str>, prefix: &Path) -> Result<Vec<Vec<u8>>, Error> {
    let Some(name) = name else {
        return Ok(Vec::new());
    };
    let source = Source::new(name, prefix);
    let error = |reason: String| Error::Authorities {
        name: source_name(&source),
        reason,
    };
    let found = read_trusted(&source).map_err(error)?;
    let found: Vec<_> = found.into_iter().filter_map(certificate).collect();
    if found.is_empty() {
        return Err(error(NOTHING_TO_TRUST.to_owned()));
    }
    let broken = found.iter().find(|der| Certificate::parse(der).is_none());
    if let Some(der) = broken {
        return Err(error(format!("{} {OF_PEM}", not_of_pem_type(der, "X509"))));
    }
    Ok(found.into_iter().map(|der| der.to_vec()).collect())
}

/// All lists of a file.
///
/// Differs: a file without any is refused. nginx takes one of certificates and then trusts nobody.
///
/// Source: nginx, `ngx_ssl_crl`.
pub(crate) fn read_revoked(name: Option<&str>, prefix: &Path) -> Result<Vec<Vec<u8>>, Error> {
    let Some(name) = name else {
        return Ok(Vec::new());
    };
    let source = Source::new(name, prefix);
    let error = |reason: String| Error::Crl {
        name: source_name(&source),
        reason,
    };
    let found = read_trusted(&source).map_err(error)?.into_iter();
    let lists = found.filter(|section| section.label == "X509 CRL");
    let lists: Vec<_> = lists.map(|section| section.der).collect();
    if lists.is_empty() {
        return Err(error(NOTHING_TO_TRUST.to_owned()));
    }
    let broken = lists
        .iter()
        .find(|der| RevocationList::parse(der).is_none());
    if let Some(der) = broken {
        let words = not_of_pem_type(der, "X509_CRL");
        return Err(error(format!("{words} {OF_PEM}")));
    }
    Ok(lists)
}

fn read_trusted(source: &Source) -> Result<Vec<Section>, String> {
    let text = source
        .read()
        .map_err(|reason| format!("{reason} {OF_SYSTEM}"))?;
    match sections(&text) {
        Sections {
            broken: Some(reason),
            ..
        } => Err(format!("{reason} {OF_PEM}")),
        Sections { found, .. } => Ok(found),
    }
}

/// Whether a file has parameters for a key exchange, which are not used here.
///
/// Source: nginx, `ngx_ssl_dhparam`.
pub(crate) fn look_at_parameters(name: &str, prefix: &Path) -> Result<(), Error> {
    let source = Source::new(name, prefix);
    let error = |call: &'static str, reason: String| Error::Parameters {
        call,
        name: source_name(&source),
        reason,
    };
    let text = source
        .read()
        .map_err(|reason| error("BIO_new_file", reason))?;
    let Sections { found, broken } = sections(&text);
    let wanted = ["DH PARAMETERS", "X9.42 DH PARAMETERS"];
    let reason = match found.iter().find(|one| wanted.contains(&&*one.label)) {
        Some(one) if one.der.first() == Some(&crate::x509::SEQUENCE) => return Ok(()),
        Some(one) => not_of_pem_type(&one.der, "DHparams"),
        None => broken.map_or_else(|| no_start_line("DH PARAMETERS"), str::to_owned),
    };
    Err(error("PEM_read_bio_DHparams", reason))
}
