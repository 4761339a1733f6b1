//! From a certificate that is shown to an authority that the operator trusts (RFC 5280 §6), with
//! OpenSSL's verdicts.
//!
//! Why not webpki: private authorities, which is what client certificates come from, are made with
//! `openssl x509 -req`, whose certificates are of version 1 unless one asks for more; and a client
//! certificate made with `openssl req -x509` calls itself an authority. webpki refuses both, nginx
//! takes them. What is checked here: signatures, dates, who may issue, lengths, purposes, names, lists
//! of revoked certificates; a critical extension that is not known refuses.
//!
//! As OpenSSL does for nginx, one chain is built, all of it is checked whatever has been found, and
//! the last thing that is wrong is what is said: `ssl_verify_client optional_no_ca` lets a client in
//! whose authority is not known, and only if nothing else is wrong.

mod chain;
mod extensions;
mod lists;
mod names;

use std::time::{SystemTime, UNIX_EPOCH};

use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm};

use crate::x509::{Certificate, Der, SEQUENCE};

use chain::Chain;
pub(crate) use lists::RevocationList;

/// What is wrong with a certificate: OpenSSL's number and text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) reason: &'static str,
}

const fn failure(code: u8, reason: &'static str) -> Failure {
    Failure { code, reason }
}

const MALFORMED: Failure = failure(1, "unspecified certificate verification error");
const BAD_SIGNATURE: Failure = failure(7, "certificate signature failure");
const NOT_YET: Failure = failure(9, "certificate is not yet valid");
const EXPIRED: Failure = failure(10, "certificate has expired");
const LEAF_ALONE: Failure = failure(21, "unable to verify the first certificate");
const NO_SIGNING: Failure = failure(32, "key usage does not include certificate signing");
const NO_LIST_ISSUER: Failure = failure(33, "unable to get CRL issuer certificate");

impl Failure {
    /// Whether only the authority is not known. Source: nginx, `ngx_ssl_verify_error_optional`.
    pub(crate) fn is_unknown_authority(self) -> bool {
        matches!(self.code, 18..=21)
    }
}

/// What the certificate is shown for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// By a client of ours.
    Client,
    /// By a server that we are a client of.
    Server,
}

/// What a chain is held against.
#[derive(Debug)]
pub(crate) struct Trust {
    pub(crate) purpose: Purpose,
    /// Certificates of authorities; those that are self-signed end a chain.
    pub(crate) authorities: Vec<Vec<u8>>,
    /// Lists of revoked certificates; where there is one, every certificate must be covered.
    pub(crate) revoked: Vec<Vec<u8>>,
    /// Most certificates between the client's and the authority's.
    pub(crate) depth: usize,
}

impl Trust {
    /// What is wrong with a chain, at this moment.
    pub(crate) fn judge(
        &self,
        chain: &[CertificateDer<'_>],
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> Result<(), Failure> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        verify(chain, self, algorithms, now)
    }
}

/// Checks signatures, and not too many of them.
struct Checks<'a> {
    algorithms: &'a [&'a dyn SignatureVerificationAlgorithm],
    left: usize,
}

/// Signatures checked for one client at most, whatever it sends.
const MOST_CHECKS: usize = 64;

impl Checks<'_> {
    /// Beyond a number of tries, none is good.
    fn is_signed(&mut self, signed: &[u8], algorithm: &[u8], signature: &[u8], key: &[u8]) -> bool {
        let Some(left) = self.left.checked_sub(1) else {
            return false;
        };
        self.left = left;
        let Some((key_algorithm, key)) = split_key(key) else {
            return false;
        };
        let mut fitting = self.algorithms.iter().filter(|known| {
            known.signature_alg_id().as_ref() == algorithm
                && known.public_key_alg_id().as_ref() == key_algorithm
        });
        fitting.any(|known| known.verify_signature(key, signed, signature).is_ok())
    }

    fn is_issued(&mut self, certificate: &Certificate<'_>, issuer: &Certificate<'_>) -> bool {
        let Certificate {
            signed,
            algorithm,
            signature,
            ..
        } = *certificate;
        self.is_signed(signed, algorithm, signature, issuer.key)
    }
}

/// The algorithm and the bits of a `SubjectPublicKeyInfo`.
pub(crate) fn split_key(whole: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut fields = Der(Der(whole).take(SEQUENCE)?);
    Some((fields.take(SEQUENCE)?, fields.bits()?))
}

/// Checks a chain, the certificate of the one who shows it first; `now` in seconds since the epoch.
fn verify(
    chain: &[CertificateDer<'_>],
    trust: &Trust,
    algorithms: &[&dyn SignatureVerificationAlgorithm],
    now: i64,
) -> Result<(), Failure> {
    let mut checks = Checks {
        algorithms,
        left: MOST_CHECKS,
    };
    let chain = Chain::build(chain, trust, &mut checks, now)?;
    let found = [
        chain.failure,
        check_extensions(&chain, trust.purpose),
        check_revocation(&chain, trust, &mut checks, now),
        check_signatures(&chain, &mut checks, now),
        names::check(&chain.links),
    ];
    found.into_iter().flatten().next_back().map_or(Ok(()), Err)
}

fn check_extensions(chain: &Chain<'_>, purpose: Purpose) -> Option<Failure> {
    let mut last = None;
    let mut authorities = 0;
    for (at, link) in chain.links.iter().enumerate() {
        let is_last = at + 1 == chain.links.len();
        last = link.facts.check(purpose, at, authorities, is_last).or(last);
        let is_issued = link.certificate.subject != link.certificate.issuer;
        authorities += usize::from(at > 0 && is_issued);
    }
    last
}

/// OpenSSL looks at every certificate, the authority's own included.
fn check_revocation(
    chain: &Chain<'_>,
    trust: &Trust,
    checks: &mut Checks<'_>,
    now: i64,
) -> Option<Failure> {
    if trust.revoked.is_empty() {
        return None;
    }
    let lists = trust
        .revoked
        .iter()
        .filter_map(|der| RevocationList::parse(der));
    let lists: Vec<_> = lists.collect();
    let mut last = None;
    for (at, link) in chain.links.iter().enumerate() {
        let above = chain.links.get(at + 1);
        let issuer = above.or(Some(link).filter(|link| link.is_self_signed()));
        let failed = match issuer {
            Some(issuer) => {
                let signer = (&issuer.certificate, issuer.facts.may_sign_lists());
                lists::check(&lists, &link.certificate, signer, checks, now)
            }
            None => Some(NO_LIST_ISSUER),
        };
        last = failed.or(last);
    }
    last
}

/// From the authority down. Source: OpenSSL, `internal_verify`.
fn check_signatures(chain: &Chain<'_>, checks: &mut Checks<'_>, now: i64) -> Option<Failure> {
    let mut last = None;
    let top = chain.links.last()?;
    if top.is_self_signed() {
        last = check_time(&top.certificate, now);
    } else if chain.links.len() == 1 {
        last = check_time(&top.certificate, now).or(Some(LEAF_ALONE));
    }
    for pair in chain.links.windows(2).rev() {
        let [below, above] = pair else { continue };
        if !above.facts.may_sign() {
            last = Some(NO_SIGNING);
        }
        if !checks.is_issued(&below.certificate, &above.certificate) {
            last = Some(BAD_SIGNATURE);
        }
        last = check_time(&below.certificate, now).or(last);
    }
    last
}

fn check_time(certificate: &Certificate<'_>, now: i64) -> Option<Failure> {
    if now < certificate.not_before {
        return Some(NOT_YET);
    }
    (now > certificate.not_after).then_some(EXPIRED)
}

#[cfg(test)]
mod tests {
    use rustls::crypto::ring::default_provider;

    use super::*;
    use crate::pem::sections;

    /// A moment in the life of both certificates: in 2030.
    const NOW: i64 = 1_900_000_000;

    fn der(text: &str) -> Vec<u8> {
        sections(text.as_bytes()).found.remove(0).der
    }

    fn judge(client: &[u8], authority: &[u8], now: i64) -> Result<(), Failure> {
        let trust = Trust {
            purpose: Purpose::Client,
            authorities: vec![authority.to_vec()],
            revoked: Vec::new(),
            depth: 1,
        };
        let algorithms = default_provider().signature_verification_algorithms.all;
        verify(&[client.to_vec().into()], &trust, algorithms, now)
    }

    /// Whatever is changed, nobody panics; and what is changed in what a client shows is never good.
    #[test]
    fn no_other_byte_will_do() {
        let (client, authority) = (
            der(include_str!("client.pem")),
            der(include_str!("authority.pem")),
        );
        assert_eq!(judge(&client, &authority, NOW), Ok(()));
        assert_eq!(judge(&client, &authority, 0), Err(NOT_YET));
        assert_eq!(judge(&client, &authority, i64::MAX), Err(EXPIRED));
        for at in 0..client.len() {
            for change in [1, 0x20, 0x80] {
                let mut other = client.clone();
                other[at] ^= change;
                let verdict = judge(&other, &authority, NOW);
                assert!(verdict.is_err(), "byte {at} by {change:#x}");
            }
            assert!(judge(&client[..at], &authority, NOW).is_err(), "{at} bytes");
        }
        for at in 0..authority.len() {
            let mut other = authority.clone();
            other[at] ^= 1;
            // It is the operator's own; what stands in it is believed.
            let _ = judge(&client, &other, NOW);
        }
    }
}
