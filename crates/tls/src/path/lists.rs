//! Lists of revoked certificates (RFC 5280 §5): whether a certificate stands on one.

use super::{Checks, Failure, failure};
use crate::x509::{Certificate, Der, INTEGER, OCTET_STRING, OID, SEQUENCE, time};

const NO_LIST: Failure = failure(3, "unable to get certificate CRL");
const BAD_SIGNATURE: Failure = failure(8, "CRL signature failure");
const NOT_YET: Failure = failure(11, "CRL is not yet valid");
const EXPIRED: Failure = failure(12, "CRL has expired");
const REVOKED: Failure = failure(23, "certificate revoked");
const NO_LIST_SIGNING: Failure = failure(35, "key usage does not include CRL signing");

/// Looks for a certificate on the lists of its issuer. One good list that does not name it is
/// enough; one that names it counts whatever others say.
///
/// Source: OpenSSL, `check_crl`, `cert_crl`.
pub(super) fn check(
    lists: &[RevocationList<'_>],
    certificate: &Certificate<'_>,
    issuer: (&Certificate<'_>, bool),
    checks: &mut Checks<'_>,
    now: i64,
) -> Option<Failure> {
    let mut outcome = Some(NO_LIST);
    let (issuer, may_sign) = issuer;
    let of_issuer = lists
        .iter()
        .filter(|list| list.issuer == certificate.issuer);
    for list in of_issuer {
        let is_signed = checks.is_signed(list.signed, list.algorithm, list.signature, issuer.key);
        let failed = match () {
            () if !is_signed => Some(BAD_SIGNATURE),
            () if list.names(certificate.serial) => return Some(REVOKED),
            () if list.next_update.is_some_and(|next| now > next) => Some(EXPIRED),
            () if now < list.this_update => Some(NOT_YET),
            () if !may_sign => Some(NO_LIST_SIGNING),
            () => None,
        };
        if outcome == Some(NO_LIST) || failed.is_none() {
            outcome = failed;
        }
    }
    outcome
}

/// A list of revoked certificates (RFC 5280 §5).
#[derive(Clone, Copy, Debug)]
pub(crate) struct RevocationList<'a> {
    signed: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
    issuer: &'a [u8],
    this_update: i64,
    next_update: Option<i64>,
    entries: &'a [u8],
}

impl<'a> RevocationList<'a> {
    /// Reads a list; `None` where it is none, or says in a critical extension that it is not about
    /// all certificates of its issuer.
    pub(crate) fn parse(der: &'a [u8]) -> Option<Self> {
        let mut list = Der(Der(der).take(SEQUENCE)?);
        let signed = list.whole(SEQUENCE)?;
        let algorithm = list.take(SEQUENCE)?;
        let signature = list.bits()?;
        let mut fields = Der(Der(signed).take(SEQUENCE)?);
        fields.optional(INTEGER);
        if fields.take(SEQUENCE)? != algorithm {
            return None;
        }
        let issuer = fields.whole(SEQUENCE)?;
        let this_update = time(&mut fields)?;
        let mut ahead = fields;
        let next_update = time(&mut ahead);
        if next_update.is_some() {
            fields = ahead;
        }
        let entries = fields.optional(SEQUENCE).unwrap_or_default();
        are_entries(entries).then_some(())?;
        let extensions = match fields.optional(0xa0) {
            Some(all) => Some(Der(all).take(SEQUENCE)?),
            None => None,
        };
        let mut extensions = Der(extensions.unwrap_or_default());
        while !extensions.0.is_empty() {
            let mut extension = Der(extensions.take(SEQUENCE)?);
            extension.take(OID)?;
            if extension.flag()? {
                return None;
            }
            extension.take(OCTET_STRING)?;
        }
        Some(Self {
            signed,
            algorithm,
            signature,
            issuer,
            this_update,
            next_update,
            entries,
        })
    }

    fn names(&self, serial: &[u8]) -> bool {
        let mut entries = Der(self.entries);
        let mut serials = std::iter::from_fn(|| Der(entries.take(SEQUENCE)?).take(INTEGER));
        serials.any(|revoked| plain(revoked) == plain(serial))
    }
}

/// Whether every entry can be read: behind one that cannot, others would hide.
fn are_entries(entries: &[u8]) -> bool {
    let mut entries = Der(entries);
    while !entries.0.is_empty() {
        let serial = entries
            .take(SEQUENCE)
            .and_then(|entry| Der(entry).take(INTEGER));
        if serial.is_none() {
            return false;
        }
    }
    true
}

/// A number without zeros in front, which some write and some do not.
fn plain(mut number: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = number {
        number = rest;
    }
    number
}
