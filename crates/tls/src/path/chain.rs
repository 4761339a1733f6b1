//! One chain from a certificate to an authority, or as far towards one as there is a way.

use rustls::pki_types::CertificateDer;

use super::extensions::Facts;
use super::{Checks, Failure, MALFORMED, Trust, check_time, failure};
use crate::x509::Certificate;

const NO_ISSUER: Failure = failure(2, "unable to get issuer certificate");
const SELF_SIGNED: Failure = failure(18, "self-signed certificate");
const SELF_SIGNED_IN_CHAIN: Failure = failure(19, "self-signed certificate in certificate chain");
const NO_LOCAL_ISSUER: Failure = failure(20, "unable to get local issuer certificate");

/// A certificate of a chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link<'a> {
    pub(super) certificate: Certificate<'a>,
    pub(super) facts: Facts<'a>,
}

impl<'a> Link<'a> {
    fn read(der: &'a [u8]) -> Result<Self, Failure> {
        let certificate = Certificate::parse(der).ok_or(MALFORMED)?;
        let facts = Facts::read(&certificate)?;
        Ok(Self { certificate, facts })
    }

    /// It names itself as its issuer; whether that is true is not looked at.
    pub(super) fn is_self_signed(&self) -> bool {
        self.is_named_by(self)
    }

    /// Whether `other` has the name, and the key, that this one says its issuer has.
    ///
    /// Source: OpenSSL, `ossl_x509_likely_issued`.
    fn is_named_by(&self, other: &Self) -> bool {
        self.certificate.issuer == other.certificate.subject
            && self
                .facts
                .may_be_issued_by(other.certificate.serial, &other.facts)
    }
}

/// The certificate that was shown, its issuer, the issuer's, and so on.
#[derive(Debug)]
pub(super) struct Chain<'a> {
    pub(super) links: Vec<Link<'a>>,
    /// Why it does not end at an authority.
    pub(super) failure: Option<Failure>,
}

impl<'a> Chain<'a> {
    /// Finds the way: at each step to a certificate of the operator's if there is one, else to one
    /// that was sent. Fails where the first certificate is none.
    ///
    /// Source: OpenSSL, `build_chain`.
    pub(super) fn build(
        chain: &'a [CertificateDer<'a>],
        trust: &'a Trust,
        checks: &mut Checks<'_>,
        now: i64,
    ) -> Result<Self, Failure> {
        let (leaf, sent) = chain.split_first().ok_or(MALFORMED)?;
        let leaf = Link::read(leaf)?;
        // What cannot be read leads nowhere.
        let trusted = trust.authorities.iter();
        let trusted: Vec<_> = trusted.filter_map(|der| Link::read(der).ok()).collect();
        let mut sent: Vec<_> = sent.iter().filter_map(|der| Link::read(der).ok()).collect();
        let mut links = vec![leaf];
        let mut from_operator = false;
        let failure = loop {
            let last = *links.last().unwrap_or(&leaf);
            let is_end = last.is_self_signed();
            let is_ours = |known: &Link<'_>| known.certificate.der == last.certificate.der;
            // A self-signed certificate must be the operator's own, or it might just call itself so.
            if is_end && trusted.iter().any(is_ours) {
                break None;
            }
            let may_go_on = !is_end && links.len() <= trust.depth.saturating_add(1);
            if may_go_on && let Some(at) = pick(&trusted, &last, &links, checks, now) {
                links.push(trusted[at]);
                from_operator = true;
                continue;
            }
            if may_go_on
                && !from_operator
                && let Some(at) = pick(&sent, &last, &links, checks, now)
            {
                links.push(sent.remove(at));
                continue;
            }
            break Some(match (is_end, links.len()) {
                (true, 1) => SELF_SIGNED,
                (true, _) => SELF_SIGNED_IN_CHAIN,
                (false, _) if from_operator => NO_ISSUER,
                (false, _) => NO_LOCAL_ISSUER,
            });
        };
        Ok(Self { links, failure })
    }
}

/// The issuer of a certificate among others.
///
/// Differs: where several go by the name, as when an authority has a new key, nginx takes the first
/// that is valid; here it is one whose key fits, if there is one.
fn pick(
    from: &[Link<'_>],
    last: &Link<'_>,
    links: &[Link<'_>],
    checks: &mut Checks<'_>,
    now: i64,
) -> Option<usize> {
    let is_new = |other: &Link<'_>| {
        let mut known = links.iter().map(|link| link.certificate.der);
        !known.any(|der| der == other.certificate.der)
    };
    let named = |at: &usize| last.is_named_by(&from[*at]) && is_new(&from[*at]);
    let mut found: Vec<usize> = (0..from.len()).filter(named).collect();
    if found.len() > 1 {
        // The sort keeps the order of those that are alike.
        found.sort_by_cached_key(|at| {
            let issuer = &from[*at].certificate;
            let fits = checks.is_issued(&last.certificate, issuer);
            (!fits, check_time(issuer, now).is_some())
        });
    }
    found.first().copied()
}
