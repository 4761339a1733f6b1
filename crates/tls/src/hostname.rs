//! Whether a certificate is for a server's name (RFC 6125 §6.4), as OpenSSL's `X509_check_host` has
//! it.

use crate::distinguished_name::common_names;
use crate::x509::{Certificate, Der, SEQUENCE};

const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// `dNSName` of a `GeneralName`.
const DNS_NAME: u8 = 0x82;

/// Whether the certificate names this host. The common name counts only where there is no
/// alternative name of a host.
pub(crate) fn names_host(certificate: &Certificate<'_>, host: &str) -> bool {
    let host = host.as_bytes();
    match alternatives(certificate) {
        None => false,
        Some(names) if !names.is_empty() => names.iter().any(|name| fits(name, host)),
        Some(_) => common_names(certificate.subject)
            .iter()
            .any(|name| fits(name.as_bytes(), host)),
    }
}

/// All `dNSName`s; `None` where the extension is broken.
fn alternatives<'a>(certificate: &Certificate<'a>) -> Option<Vec<&'a [u8]>> {
    let mut names = Vec::new();
    for extension in certificate.extensions() {
        let extension = extension?;
        if extension.oid != SUBJECT_ALTERNATIVE_NAME {
            continue;
        }
        let mut rest = Der(Der(extension.value).take(SEQUENCE)?);
        while !rest.0.is_empty() {
            let (tag, name, _) = rest.any()?;
            if tag == DNS_NAME {
                names.push(name);
            }
        }
    }
    Some(names)
}

/// A `*` stands for one whole label, the first of three or more.
///
/// Differs: OpenSSL also takes a `*` that is a part of a label; RFC 6125 §7.2 is against it.
fn fits(pattern: &[u8], host: &[u8]) -> bool {
    let Some(parent) = pattern.strip_prefix(b"*.") else {
        return !host.is_empty() && pattern.eq_ignore_ascii_case(host);
    };
    let Some(dot) = memchr::memchr(b'.', host) else {
        return false;
    };
    dot > 0 && parent.contains(&b'.') && host[dot + 1..].eq_ignore_ascii_case(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_one_label() {
        let fits = |pattern: &str, host: &str| fits(pattern.as_bytes(), host.as_bytes());
        for (pattern, host) in [
            ("example.com", "Example.COM"),
            ("*.example.com", "a.example.com"),
            ("10.0.0.1", "10.0.0.1"),
        ] {
            assert!(fits(pattern, host), "{pattern} {host}");
        }
        for (pattern, host) in [
            ("", ""),
            ("example.com", "example.com.evil"),
            ("example.com\0.evil", "example.com"),
            ("*.example.com", "example.com"),
            ("*.example.com", ".example.com"),
            ("*.example.com", "a.b.example.com"),
            ("*.com", "example.com"),
            ("*", "localhost"),
            ("a*.example.com", "ab.example.com"),
            ("www.*.com", "www.example.com"),
        ] {
            assert!(!fits(pattern, host), "{pattern} {host}");
        }
    }
}
