//! From a certificate that is shown to an authority that the operator trusts (RFC 5280 §6), with
//! OpenSSL's verdicts.
//!
//! Why not webpki: private authorities, which is what client certificates come from, are made with
//! `openssl x509 -req`, whose certificates are of version 1 unless one asks for more; and a client
//! certificate made with `openssl req -x509` calls itself an authority. webpki refuses both, nginx
//! takes them. What is checked here: signatures, dates, who may issue, lengths, purposes, lists of
//! revoked certificates; a critical extension that is not known, or a constraint on names, refuses.

use std::time::{SystemTime, UNIX_EPOCH};

use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm};

use crate::x509::{Certificate, Der, Extension, INTEGER, OCTET_STRING, OID, SEQUENCE, time};

/// What is wrong with a certificate: OpenSSL's number and text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) reason: &'static str,
}

const fn failure(code: u8, reason: &'static str) -> Failure {
    Failure { code, reason }
}

const NO_CRL: Failure = failure(3, "unable to get certificate CRL");
const BAD_SIGNATURE: Failure = failure(7, "certificate signature failure");
const NOT_YET: Failure = failure(9, "certificate is not yet valid");
const EXPIRED: Failure = failure(10, "certificate has expired");
const CRL_EXPIRED: Failure = failure(12, "CRL has expired");
const MALFORMED: Failure = failure(1, "unspecified certificate verification error");
const SELF_SIGNED: Failure = failure(18, "self-signed certificate");
const SELF_SIGNED_IN_CHAIN: Failure = failure(19, "self-signed certificate in certificate chain");
const NO_ISSUER: Failure = failure(20, "unable to get local issuer certificate");
const LEAF_ALONE: Failure = failure(21, "unable to verify the first certificate");
const TOO_LONG: Failure = failure(22, "certificate chain too long");
const REVOKED: Failure = failure(23, "certificate revoked");
const PATH_LENGTH: Failure = failure(25, "path length constraint exceeded");
const PURPOSE: Failure = failure(26, "unsuitable certificate purpose");
const CRITICAL: Failure = failure(34, "unhandled critical extension");
const NO_AUTHORITY: Failure = failure(79, "invalid CA certificate");

impl Failure {
    /// Whether only the authority is not known. Source: nginx, `ngx_ssl_verify_error_optional`.
    pub(crate) fn is_unknown_authority(self) -> bool {
        matches!(self.code, 18..=21)
    }
}

/// Signatures checked for one client at most, whatever it sends.
const MOST_CHECKS: usize = 64;

const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x1e];
/// Alternative names, policies: nothing that is decided here depends on them.
const HARMLESS: [&[u8]; 3] = [
    &[0x55, 0x1d, 0x11],
    &[0x55, 0x1d, 0x12],
    &[0x55, 0x1d, 0x20],
];
/// `id-kp-serverAuth`.
const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
/// `id-kp-clientAuth`.
const CLIENT_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

/// Bits of the key usage, the first byte of it.
const DIGITAL_SIGNATURE: u8 = 0x80;
const KEY_ENCIPHERMENT: u8 = 0x20;
const KEY_AGREEMENT: u8 = 0x08;
const KEY_CERT_SIGN: u8 = 0x04;

/// What the certificate is shown for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// By a client of ours.
    Client,
    /// By a server that we are a client of.
    Server,
}

impl Purpose {
    /// What an extended key usage must say.
    fn extended(self) -> &'static [u8] {
        match self {
            Self::Client => CLIENT_AUTH,
            Self::Server => SERVER_AUTH,
        }
    }

    /// What a key usage must say one of. Source: OpenSSL, `check_purpose_ssl_client` and its kin.
    fn usage(self) -> u8 {
        match self {
            Self::Client => DIGITAL_SIGNATURE | KEY_AGREEMENT,
            Self::Server => DIGITAL_SIGNATURE | KEY_ENCIPHERMENT | KEY_AGREEMENT,
        }
    }
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

/// Who may sign what.
struct Search<'a> {
    authorities: Vec<Certificate<'a>>,
    others: Vec<Certificate<'a>>,
    lists: Vec<RevocationList<'a>>,
    algorithms: &'a [&'a dyn SignatureVerificationAlgorithm],
    purpose: Purpose,
    depth: usize,
    now: i64,
    checks: usize,
    worst: Option<Failure>,
}

/// Checks a chain, the certificate of the one who shows it first; `now` in seconds since the epoch.
pub(crate) fn verify(
    chain: &[CertificateDer<'_>],
    trust: &Trust,
    algorithms: &[&dyn SignatureVerificationAlgorithm],
    now: i64,
) -> Result<(), Failure> {
    let Some((leaf, sent)) = chain.split_first() else {
        return Err(MALFORMED);
    };
    let leaf = Certificate::parse(leaf).ok_or(MALFORMED)?;
    let trusted = trust
        .authorities
        .iter()
        .filter_map(|der| Certificate::parse(der));
    let (authorities, mut others): (Vec<_>, Vec<_>) =
        trusted.partition(|known| known.subject == known.issuer);
    others.extend(sent.iter().filter_map(|der| Certificate::parse(der)));
    let lists = trust
        .revoked
        .iter()
        .filter_map(|der| RevocationList::parse(der));
    let mut search = Search {
        authorities,
        others,
        lists: lists.collect(),
        algorithms,
        purpose: trust.purpose,
        depth: trust.depth,
        now,
        checks: 0,
        worst: None,
    };
    if search.reach(&mut vec![leaf]) {
        Ok(())
    } else {
        Err(search.worst.unwrap_or(NO_ISSUER))
    }
}

impl<'a> Search<'a> {
    /// Whether some authority can be reached from the last certificate of a path.
    fn reach(&mut self, path: &mut Vec<Certificate<'a>>) -> bool {
        let Some(last) = path.last().copied() else {
            return false;
        };
        for at in 0..self.authorities.len() {
            let authority = self.authorities[at];
            if authority.der == last.der {
                return self.settle(path);
            }
            if authority.subject != last.issuer {
                continue;
            }
            if !self.is_signed(last.signed, last.algorithm, last.signature, authority.key) {
                self.note(BAD_SIGNATURE);
                continue;
            }
            path.push(authority);
            if self.settle(path) {
                return true;
            }
            path.pop();
        }
        if self.step(path, last) {
            return true;
        }
        let lonely = path.len() == 1;
        self.note(match last.subject == last.issuer {
            true if lonely => SELF_SIGNED,
            true => SELF_SIGNED_IN_CHAIN,
            false if lonely => LEAF_ALONE,
            false => NO_ISSUER,
        });
        false
    }

    /// Goes on over every certificate that may have signed the last one.
    fn step(&mut self, path: &mut Vec<Certificate<'a>>, last: Certificate<'a>) -> bool {
        for at in 0..self.others.len() {
            let other = self.others[at];
            let is_known = path.iter().any(|known| known.der == other.der);
            if is_known || other.subject != last.issuer || path.len() > MOST_CHECKS {
                continue;
            }
            if !self.is_signed(last.signed, last.algorithm, last.signature, other.key) {
                continue;
            }
            path.push(other);
            if self.reach(path) {
                return true;
            }
            path.pop();
        }
        false
    }

    /// Keeps what is wrong; what is wrong with a chain that was found matters more than chains that
    /// lead nowhere.
    fn note(&mut self, failure: Failure) {
        match self.worst {
            Some(known) if !known.is_unknown_authority() || failure.is_unknown_authority() => {}
            _ => self.worst = Some(failure),
        }
    }

    /// Whether a whole path may stand: from the client's certificate to an authority.
    fn settle(&mut self, path: &[Certificate<'a>]) -> bool {
        match self.check(path) {
            Ok(()) => true,
            Err(failure) => {
                self.note(failure);
                false
            }
        }
    }

    fn check(&mut self, path: &[Certificate<'a>]) -> Result<(), Failure> {
        if path.len().saturating_sub(2) > self.depth {
            return Err(TOO_LONG);
        }
        for (at, certificate) in path.iter().enumerate() {
            check_certificate(certificate, self.purpose, at, at + 1 == path.len())?;
        }
        for pair in path.windows(2) {
            if let [certificate, issuer] = pair {
                self.check_revocation(certificate, issuer)?;
            }
        }
        // OpenSSL looks at the authority itself as well.
        if let Some(last) = path.last().filter(|last| last.subject == last.issuer) {
            self.check_revocation(last, last)?;
        }
        for certificate in path {
            if self.now < certificate.not_before {
                return Err(NOT_YET);
            }
            if self.now > certificate.not_after {
                return Err(EXPIRED);
            }
        }
        Ok(())
    }

    fn check_revocation(
        &mut self,
        certificate: &Certificate<'a>,
        issuer: &Certificate<'a>,
    ) -> Result<(), Failure> {
        if self.lists.is_empty() {
            return Ok(());
        }
        let mut outcome = Err(NO_CRL);
        for at in 0..self.lists.len() {
            let list = self.lists[at];
            if list.issuer != certificate.issuer
                || !self.is_signed(list.signed, list.algorithm, list.signature, issuer.key)
            {
                continue;
            }
            if list.names(certificate.serial) {
                return Err(REVOKED);
            }
            let is_fresh = list.next_update.is_none_or(|next| self.now <= next);
            match is_fresh {
                true => outcome = Ok(()),
                false if outcome.is_err() => outcome = Err(CRL_EXPIRED),
                false => {}
            }
        }
        outcome
    }

    /// Checks a signature; beyond a number of tries, none is good.
    fn is_signed(&mut self, signed: &[u8], algorithm: &[u8], signature: &[u8], key: &[u8]) -> bool {
        self.checks += 1;
        if self.checks > MOST_CHECKS {
            return false;
        }
        let Some((key_algorithm, key)) = split_key(key) else {
            return false;
        };
        let mut fitting = self.algorithms.iter().filter(|known| {
            known.signature_alg_id().as_ref() == algorithm
                && known.public_key_alg_id().as_ref() == key_algorithm
        });
        fitting.any(|known| known.verify_signature(key, signed, signature).is_ok())
    }
}

/// The algorithm and the bits of a `SubjectPublicKeyInfo`.
pub(crate) fn split_key(whole: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut fields = Der(Der(whole).take(SEQUENCE)?);
    Some((fields.take(SEQUENCE)?, fields.bits()?))
}

/// Whether a certificate may stand where it stands: so many below it, or the last one.
fn check_certificate(
    certificate: &Certificate<'_>,
    purpose: Purpose,
    at: usize,
    is_last: bool,
) -> Result<(), Failure> {
    let mut authority = None;
    let mut usage = None;
    let mut seen: Vec<&[u8]> = Vec::new();
    for extension in certificate.extensions() {
        let Extension {
            oid,
            critical,
            value,
        } = extension.ok_or(MALFORMED)?;
        // RFC 5280 §4.2: each once only, or two readers may believe two different ones.
        if seen.contains(&oid) {
            return Err(MALFORMED);
        }
        seen.push(oid);
        match oid {
            BASIC_CONSTRAINTS => authority = Some(basic_constraints(value).ok_or(MALFORMED)?),
            KEY_USAGE => usage = Some(key_usage(value).ok_or(MALFORMED)?),
            EXTENDED_KEY_USAGE if !serves(value, purpose) => return Err(PURPOSE),
            EXTENDED_KEY_USAGE => {}
            NAME_CONSTRAINTS => return Err(CRITICAL),
            _ if critical && !HARMLESS.contains(&oid) => return Err(CRITICAL),
            _ => {}
        }
    }
    if at == 0 {
        let signs = usage.is_none_or(|bits| bits & purpose.usage() != 0);
        return if signs { Ok(()) } else { Err(PURPOSE) };
    }
    if usage.is_some_and(|bits| bits & KEY_CERT_SIGN == 0) {
        return Err(NO_AUTHORITY);
    }
    match authority {
        Some((true, Some(most))) if at - 1 > most => Err(PATH_LENGTH),
        Some((true, _)) => Ok(()),
        // Before version 3 nothing could be said; OpenSSL takes that of an authority of the operator.
        None if is_last && certificate.version < 3 => Ok(()),
        _ => Err(NO_AUTHORITY),
    }
}

/// Whether it is an authority, and how many more may stand below it.
fn basic_constraints(value: &[u8]) -> Option<(bool, Option<usize>)> {
    let mut fields = Der(Der(value).take(SEQUENCE)?);
    let authority = fields.flag()?;
    let most = match fields.optional(INTEGER) {
        // A negative number is none.
        Some([] | [0x80..=0xff, ..]) => return None,
        Some(number) => Some(number.iter().try_fold(0_usize, |sum, byte| {
            sum.checked_mul(256)?.checked_add(usize::from(*byte))
        })?),
        None => None,
    };
    Some((authority, most))
}

/// The first byte of the bits.
fn key_usage(value: &[u8]) -> Option<u8> {
    match Der(value).take(crate::x509::BIT_STRING)? {
        [_unused, bits, ..] => Some(*bits),
        _ => Some(0),
    }
}

fn serves(value: &[u8], purpose: Purpose) -> bool {
    let mut purposes = Der(Der(value).take(SEQUENCE).unwrap_or_default());
    std::iter::from_fn(|| purposes.take(OID)).any(|known| known == purpose.extended())
}

/// A list of revoked certificates (RFC 5280 §5).
#[derive(Clone, Copy, Debug)]
pub(crate) struct RevocationList<'a> {
    signed: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
    issuer: &'a [u8],
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
        time(&mut fields)?;
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
