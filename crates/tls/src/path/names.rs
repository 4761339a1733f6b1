//! Which names may stand below an authority (RFC 5280 §4.2.1.10), with OpenSSL's verdicts.
//!
//! Differs: names of holders are compared as they are encoded, so a permitted one must be spelt as the
//! authority spells it, and an authority that excludes some lets nobody in.

use super::chain::Link;
use super::{Failure, MALFORMED, failure};
use crate::x509::{Der, SEQUENCE, SET};

const NOT_PERMITTED: Failure = failure(47, "permitted subtree violation");
const EXCLUDED: Failure = failure(48, "excluded subtree violation");
const BOUNDED: Failure = failure(49, "name constraints minimum and maximum not supported");
const UNSUPPORTED: Failure = failure(51, "unsupported name constraint type");
const NO_NAME: Failure = failure(53, "unsupported or invalid name syntax");

/// Numbers of the forms that names have. RFC 5280 §4.2.1.6.
const MAIL: u8 = 1;
const DNS: u8 = 2;
const HOLDER: u8 = 4;
const URI: u8 = 6;
const ADDRESS: u8 = 7;

/// `emailAddress`, `commonName`: names in the name of the holder.
const MAIL_ADDRESS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// A name, or what a name is held against: its form and its content.
type Name<'a> = (u8, &'a [u8]);

/// What is wrong with a chain, the last thing first found nearest to the one who shows it.
///
/// Source: OpenSSL, `check_name_constraints`.
pub(super) fn check(links: &[Link<'_>]) -> Option<Failure> {
    let mut last = None;
    for (at, link) in links.iter().enumerate().rev() {
        // An authority that goes on with a new key is itself.
        if at > 0 && link.certificate.subject == link.certificate.issuer {
            continue;
        }
        let constraints = links.iter().skip(at + 1).rev();
        for constraints in constraints.filter_map(|link| link.facts.name_constraints) {
            last = check_one(link, at == 0, constraints).err().or(last);
        }
    }
    last
}

fn check_one(link: &Link<'_>, is_leaf: bool, constraints: &[u8]) -> Result<(), Failure> {
    let mut fields = Der(constraints);
    let permitted = subtrees(fields.optional(0xa0)).ok_or(MALFORMED)?;
    let excluded = subtrees(fields.optional(0xa1)).ok_or(MALFORMED)?;
    for name in names_of(link, is_leaf).ok_or(MALFORMED)? {
        hold(name, &permitted, &excluded)?;
    }
    Ok(())
}

/// Source: OpenSSL, `nc_match`.
fn hold(
    name: Name<'_>,
    permitted: &[Subtree<'_>],
    excluded: &[Subtree<'_>],
) -> Result<(), Failure> {
    let mut is_permitted = None;
    for subtree in permitted.iter().filter(|subtree| subtree.base.0 == name.0) {
        let holds = subtree.holds(name)?;
        is_permitted = Some(is_permitted.unwrap_or_default() || holds);
    }
    if is_permitted == Some(false) {
        return Err(NOT_PERMITTED);
    }
    for subtree in excluded.iter().filter(|subtree| subtree.base.0 == name.0) {
        if subtree.holds(name)? {
            return Err(EXCLUDED);
        }
        if name.0 == HOLDER {
            return Err(UNSUPPORTED);
        }
    }
    Ok(())
}

struct Subtree<'a> {
    base: Name<'a>,
    is_bounded: bool,
}

fn subtrees(content: Option<&[u8]>) -> Option<Vec<Subtree<'_>>> {
    let mut rest = Der(content.unwrap_or_default());
    let mut found = Vec::new();
    while !rest.0.is_empty() {
        let mut fields = Der(rest.take(SEQUENCE)?);
        let base = general_name(&mut fields)?;
        let is_bounded = !fields.0.is_empty() && fields.0 != [0x80, 1, 0];
        found.push(Subtree { base, is_bounded });
    }
    Some(found)
}

impl Subtree<'_> {
    fn holds(&self, (form, name): Name<'_>) -> Result<bool, Failure> {
        if self.is_bounded {
            return Err(BOUNDED);
        }
        let base = self.base.1;
        match form {
            DNS => Ok(is_below(name, base)),
            MAIL => is_mail_of(name, base),
            URI => is_uri_of(name, base),
            HOLDER => Ok(name.starts_with(base)),
            ADDRESS if !matches!(name.len(), 4 | 16) => Err(NO_NAME),
            ADDRESS => Ok(is_in_network(name, base)),
            _ => Err(UNSUPPORTED),
        }
    }
}

/// Source: OpenSSL, `nc_dns`.
fn is_below(name: &[u8], base: &[u8]) -> bool {
    let Some(start) = name.len().checked_sub(base.len()) else {
        return false;
    };
    let (left, right) = name.split_at(start);
    let is_whole = left.is_empty() || base.is_empty() || base[0] == b'.' || left.ends_with(b".");
    is_whole && right.eq_ignore_ascii_case(base)
}

/// Source: OpenSSL, `nc_email`.
fn is_mail_of(name: &[u8], base: &[u8]) -> Result<bool, Failure> {
    let at = memchr::memrchr(b'@', name).ok_or(NO_NAME)?;
    let (local, host) = (&name[..at], &name[at + 1..]);
    Ok(match memchr::memrchr(b'@', base) {
        None if base.first() == Some(&b'.') => name.len() > base.len() && is_below(name, base),
        None => host.eq_ignore_ascii_case(base),
        Some(at) => (at == 0 || *local == base[..at]) && host.eq_ignore_ascii_case(&base[at + 1..]),
    })
}

/// Source: OpenSSL, `nc_uri`.
fn is_uri_of(name: &[u8], base: &[u8]) -> Result<bool, Failure> {
    let colon = memchr::memchr(b':', name).ok_or(NO_NAME)?;
    let rest = name[colon..].strip_prefix(b"://").ok_or(NO_NAME)?;
    let end = memchr::memchr(b':', rest).or_else(|| memchr::memchr(b'/', rest));
    let host = &rest[..end.unwrap_or(rest.len())];
    if host.is_empty() {
        return Err(NO_NAME);
    }
    Ok(match base.first() {
        Some(b'.') => host.len() > base.len() && is_below(host, base),
        _ => host.eq_ignore_ascii_case(base),
    })
}

/// Source: OpenSSL, `nc_ip`.
fn is_in_network(address: &[u8], base: &[u8]) -> bool {
    if base.len() != 2 * address.len() {
        return false;
    }
    let (network, mask) = base.split_at(address.len());
    let mut bytes = address.iter().zip(network).zip(mask);
    bytes.all(|((a, b), mask)| (a ^ b) & mask == 0)
}

/// The next of some names: form and content.
fn general_name<'a>(from: &mut Der<'a>) -> Option<Name<'a>> {
    let (tag, content, _) = from.any()?;
    match tag & 0x1f {
        HOLDER => Some((HOLDER, Der(content).take(SEQUENCE)?)),
        form => Some((form, content)),
    }
}

/// All names of a certificate. Of the one who shows the chain, a common name that could be a host's is
/// one where no other is given.
///
/// Source: OpenSSL, `NAME_CONSTRAINTS_check`, `NAME_CONSTRAINTS_check_CN`.
fn names_of<'a>(link: &Link<'a>, is_leaf: bool) -> Option<Vec<Name<'a>>> {
    let mut names = Vec::new();
    let holder = Der(link.certificate.subject).take(SEQUENCE)?;
    if !holder.is_empty() {
        names.push((HOLDER, holder));
    }
    let parts = parts_of(holder)?;
    let of = |wanted: &'static [u8]| {
        let found = parts.iter().filter(move |(oid, _)| *oid == wanted);
        found.map(|(_, value)| *value)
    };
    names.extend(of(MAIL_ADDRESS).map(|value| (MAIL, value)));
    let mut others = Der(link.facts.alternative_names.unwrap_or_default());
    while !others.0.is_empty() {
        names.push(general_name(&mut others)?);
    }
    if is_leaf && !names.iter().any(|(form, _)| *form == DNS) {
        let hosts = of(COMMON_NAME).filter(|value| could_be_host(value));
        names.extend(hosts.map(|value| (DNS, value)));
    }
    Some(names)
}

/// Attributes of a holder's name: identifier and value.
fn parts_of(holder: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut sets = Der(holder);
    let mut found = Vec::new();
    while !sets.0.is_empty() {
        let mut set = Der(sets.take(SET)?);
        while !set.0.is_empty() {
            let mut part = Der(set.take(SEQUENCE)?);
            let oid = part.take(crate::x509::OID)?;
            found.push((oid, part.any()?.1));
        }
    }
    Some(found)
}

/// Two labels or more, of letters, digits, hyphens and underscores.
fn could_be_host(text: &[u8]) -> bool {
    let labels = || text.split(|byte| *byte == b'.');
    let is_inner = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let is_label = |label: &[u8]| {
        let edges = [label.first(), label.last()];
        label.iter().all(is_inner) && edges.iter().all(|edge| edge.is_some_and(|b| *b != b'-'))
    };
    labels().count() > 1 && labels().all(is_label)
}
