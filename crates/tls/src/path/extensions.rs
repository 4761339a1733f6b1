//! What the extensions of a certificate say (RFC 5280 §4.2), and whether it may stand where it does.

use super::{Failure, MALFORMED, Purpose, failure};
use crate::x509::{BIT_STRING, Certificate, Der, Extension, INTEGER, OID, SEQUENCE};

const PATH_LENGTH: Failure = failure(25, "path length constraint exceeded");
const PURPOSE: Failure = failure(26, "unsuitable certificate purpose");
const CRITICAL: Failure = failure(34, "unhandled critical extension");
const NO_AUTHORITY: Failure = failure(79, "invalid CA certificate");

const SUBJECT_KEY: &[u8] = &[0x55, 0x1d, 0x0e];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x1e];
const AUTHORITY_KEY: &[u8] = &[0x55, 0x1d, 0x23];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
/// `nsCertType`, from before RFC 5280.
const NETSCAPE_TYPE: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x86, 0xf8, 0x42, 0x01, 0x01];
/// Alternative names of the issuer, policies: nothing that is decided here depends on them.
const HARMLESS: [&[u8]; 2] = [&[0x55, 0x1d, 0x12], &[0x55, 0x1d, 0x20]];
/// `id-kp-serverAuth`.
const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
/// `id-kp-clientAuth`.
const CLIENT_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

/// Bits of the key usage, the first byte of it.
const DIGITAL_SIGNATURE: u8 = 0x80;
const KEY_ENCIPHERMENT: u8 = 0x20;
const KEY_AGREEMENT: u8 = 0x08;
const KEY_CERT_SIGN: u8 = 0x04;
const LIST_SIGN: u8 = 0x02;

/// Bits of `nsCertType`.
const NETSCAPE_CLIENT: u8 = 0x80;
const NETSCAPE_SERVER: u8 = 0x40;
const NETSCAPE_AUTHORITIES: u8 = 0x07;
const NETSCAPE_TLS_AUTHORITY: u8 = 0x04;

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

    fn netscape(self) -> u8 {
        match self {
            Self::Client => NETSCAPE_CLIENT,
            Self::Server => NETSCAPE_SERVER,
        }
    }
}

/// What is known of a certificate beside its fixed fields.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts<'a> {
    /// Whether it is an authority, and how many more may stand below it.
    authority: Option<(bool, Option<usize>)>,
    usage: Option<u8>,
    extended: Option<&'a [u8]>,
    netscape: Option<u8>,
    subject_key: Option<&'a [u8]>,
    authority_key: Option<&'a [u8]>,
    authority_serial: Option<&'a [u8]>,
    /// A critical extension that nobody here knows.
    unknown: bool,
    /// Which names may stand below it.
    pub(super) name_constraints: Option<&'a [u8]>,
    /// Names beside that of the holder.
    pub(super) alternative_names: Option<&'a [u8]>,
    is_self_issued: bool,
    version: u8,
}

impl<'a> Facts<'a> {
    /// Reads the extensions; fails where one is broken or comes twice (RFC 5280 §4.2): two readers
    /// might believe two different ones.
    pub(super) fn read(certificate: &Certificate<'a>) -> Result<Self, Failure> {
        let mut facts = Self {
            is_self_issued: certificate.subject == certificate.issuer,
            version: certificate.version,
            ..Self::default()
        };
        let mut seen: Vec<&[u8]> = Vec::new();
        for extension in certificate.extensions() {
            let extension = extension.ok_or(MALFORMED)?;
            if seen.contains(&extension.oid) {
                return Err(MALFORMED);
            }
            seen.push(extension.oid);
            facts.note(extension).ok_or(MALFORMED)?;
        }
        Ok(facts)
    }

    fn note(&mut self, extension: Extension<'a>) -> Option<()> {
        let Extension {
            oid,
            critical,
            value,
        } = extension;
        match oid {
            BASIC_CONSTRAINTS => self.authority = Some(basic_constraints(value)?),
            KEY_USAGE => self.usage = Some(first_bits(value)?),
            EXTENDED_KEY_USAGE => self.extended = Some(Der(value).take(SEQUENCE)?),
            NETSCAPE_TYPE => self.netscape = Some(first_bits(value)?),
            SUBJECT_KEY => self.subject_key = Some(Der(value).take(crate::x509::OCTET_STRING)?),
            AUTHORITY_KEY => {
                let mut fields = Der(Der(value).take(SEQUENCE)?);
                self.authority_key = fields.optional(0x80);
                fields.optional(0xa1);
                self.authority_serial = fields.optional(0x82);
            }
            NAME_CONSTRAINTS => self.name_constraints = Some(Der(value).take(SEQUENCE)?),
            ALTERNATIVE_NAMES => self.alternative_names = Some(Der(value).take(SEQUENCE)?),
            _ => self.unknown |= critical && !HARMLESS.contains(&oid),
        }
        Some(())
    }

    /// Whether the issuer's key and number are what this certificate says of them, if it says any.
    ///
    /// Source: OpenSSL, `X509_check_akid`.
    pub(super) fn may_be_issued_by(&self, serial: &[u8], issuer: &Facts<'_>) -> bool {
        let key = match (self.authority_key, issuer.subject_key) {
            (Some(expected), Some(key)) => expected == key,
            _ => true,
        };
        key && self.authority_serial.is_none_or(|number| number == serial)
    }

    /// A key usage that does not say so forbids to sign certificates.
    pub(super) fn may_sign(&self) -> bool {
        self.usage.is_none_or(|bits| bits & KEY_CERT_SIGN != 0)
    }

    /// The same of lists of revoked certificates.
    pub(super) fn may_sign_lists(&self) -> bool {
        self.usage.is_none_or(|bits| bits & LIST_SIGN != 0)
    }

    /// Whether it may stand where it does, the last thing that is wrong: `at` certificates below it,
    /// `authorities` of them authorities that others have issued.
    ///
    /// Source: OpenSSL, `check_extensions`.
    pub(super) fn check(
        &self,
        purpose: Purpose,
        at: usize,
        authorities: usize,
        is_last: bool,
    ) -> Option<Failure> {
        let kind = self.kind();
        let stands = match kind {
            Kind::None => false,
            Kind::Plain => true,
            Kind::Old | Kind::Netscape => is_last,
        };
        let too_deep = match self.authority {
            Some((_, Some(most))) => at > 1 && authorities > most,
            _ => false,
        };
        let found = [
            (self.unknown, CRITICAL),
            (at > 0 && !stands, NO_AUTHORITY),
            (!self.serves(purpose, at, kind), PURPOSE),
            (too_deep, PATH_LENGTH),
        ];
        let last = found.into_iter().rev().find(|(is_wrong, _)| *is_wrong);
        last.map(|(_, failure)| failure)
    }

    fn serves(&self, purpose: Purpose, at: usize, kind: Kind) -> bool {
        let mut purposes = Der(self.extended.unwrap_or_default());
        let mut purposes = std::iter::from_fn(|| purposes.take(OID));
        if self.extended.is_some() && !purposes.any(|known| known == purpose.extended()) {
            return false;
        }
        if at > 0 {
            let old = self.netscape.unwrap_or_default();
            return match kind {
                Kind::None => false,
                Kind::Netscape => old & NETSCAPE_TLS_AUTHORITY != 0,
                Kind::Plain | Kind::Old => true,
            };
        }
        self.usage.is_none_or(|bits| bits & purpose.usage() != 0)
            && (self.netscape).is_none_or(|bits| bits & purpose.netscape() != 0)
    }

    /// Whether it is an authority. Source: OpenSSL, `check_ca`.
    fn kind(&self) -> Kind {
        if !self.may_sign() {
            return Kind::None;
        }
        match self.authority {
            Some((true, _)) => Kind::Plain,
            Some((false, _)) => Kind::None,
            // Before version 3 nothing could be said; that is taken of an authority that has signed
            // itself.
            None if self.version == 1 && self.is_self_issued => Kind::Old,
            None if self.usage.is_some() => Kind::Old,
            None if self.netscape.unwrap_or_default() & NETSCAPE_AUTHORITIES != 0 => Kind::Netscape,
            None => Kind::None,
        }
    }
}

/// How a certificate says that it is an authority.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It does not.
    None,
    /// By basic constraints.
    Plain,
    /// In some way from before there were any; good for the last of a chain only.
    Old,
    Netscape,
}

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

/// The first byte of a bit string.
fn first_bits(value: &[u8]) -> Option<u8> {
    match Der(value).take(BIT_STRING)? {
        [_unused, bits, ..] => Some(*bits),
        _ => Some(0),
    }
}
