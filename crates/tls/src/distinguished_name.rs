//! Names of holders and issuers as text: RFC 2253 with OpenSSL's short names, and OpenSSL's old form.

use crate::x509::{Der, OID, SEQUENCE, SET};

/// Attributes that OpenSSL has a short name for.
const SHORT: &[(&[u8], &str)] = &[
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 4], "SN"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 9], "street"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x55, 4, 12], "title"),
    (&[0x55, 4, 13], "description"),
    (&[0x55, 4, 17], "postalCode"),
    (&[0x55, 4, 42], "GN"),
    (&[0x55, 4, 43], "initials"),
    (&[0x55, 4, 46], "dnQualifier"),
    (
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1],
        "UID",
    ),
    (
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25],
        "DC",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1],
        "emailAddress",
    ),
];

/// One attribute of a name.
struct Attribute<'a> {
    oid: &'a [u8],
    tag: u8,
    value: &'a [u8],
    /// Whether it belongs to the one before it.
    joined: bool,
}

/// RFC 2253: the most specific first, `CN=example.com,O=Company`.
///
/// Source: nginx, `ngx_ssl_get_subject_dn`.
pub(crate) fn modern(name: &[u8]) -> Option<String> {
    let mut groups: Vec<String> = Vec::new();
    for attribute in attributes(name)? {
        let text = format!("{}={}", short(attribute.oid), escape(&attribute.text()));
        match groups.last_mut() {
            Some(last) if attribute.joined => *last = format!("{text}+{last}"),
            _ => groups.push(text),
        }
    }
    groups.reverse();
    Some(groups.join(","))
}

/// All values of `CN`.
pub(crate) fn common_names(name: &[u8]) -> Vec<String> {
    const COMMON_NAME: &[u8] = &[0x55, 4, 3];
    let all = attributes(name).unwrap_or_default();
    let common = all.iter().filter(|attribute| attribute.oid == COMMON_NAME);
    common.map(Attribute::text).collect()
}

/// OpenSSL's old form, `/O=Company/CN=example.com`.
///
/// Source: OpenSSL, `X509_NAME_oneline`.
pub(crate) fn legacy(name: &[u8]) -> Option<String> {
    let mut out = String::new();
    for attribute in attributes(name)? {
        out.push('/');
        out.push_str(&short(attribute.oid));
        out.push('=');
        for byte in attribute.value {
            match byte {
                b' '..=b'~' => out.push(char::from(*byte)),
                other => out.push_str(&format!("\\x{other:02X}")),
            }
        }
    }
    Some(out)
}

fn attributes(name: &[u8]) -> Option<Vec<Attribute<'_>>> {
    let mut found = Vec::new();
    let mut sets = Der(Der(name).take(SEQUENCE)?);
    while !sets.0.is_empty() {
        let mut set = Der(sets.take(SET)?);
        let mut joined = false;
        while !set.0.is_empty() {
            let mut pair = Der(set.take(SEQUENCE)?);
            let oid = pair.take(OID)?;
            let (tag, value, _) = pair.any()?;
            found.push(Attribute {
                oid,
                tag,
                value,
                joined,
            });
            joined = true;
        }
    }
    Some(found)
}

impl Attribute<'_> {
    /// The value as text, whatever kind of string it is.
    fn text(&self) -> String {
        const BMP: u8 = 0x1e;
        const TELETEX: u8 = 0x14;
        match self.tag {
            BMP => {
                let units = self
                    .value
                    .chunks_exact(2)
                    .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
                String::from_utf16_lossy(&units.collect::<Vec<_>>())
            }
            TELETEX => self.value.iter().map(|byte| char::from(*byte)).collect(),
            _ => String::from_utf8_lossy(self.value).into_owned(),
        }
    }
}

/// RFC 2253 §2.4, with control characters as OpenSSL writes them.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let last = text.chars().count().saturating_sub(1);
    for (at, letter) in text.chars().enumerate() {
        match letter {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => out.extend(['\\', letter]),
            '#' if at == 0 => out.push_str("\\#"),
            ' ' if at == 0 || at == last => out.push_str("\\ "),
            '\0'..='\x1f' | '\x7f' => out.push_str(&format!("\\{:02X}", u32::from(letter))),
            other => out.push(other),
        }
    }
    out
}

/// The short name of an attribute, or its number with dots.
fn short(oid: &[u8]) -> String {
    if let Some((_, name)) = SHORT.iter().find(|(known, _)| *known == oid) {
        return (*name).to_owned();
    }
    let mut arcs: Vec<u64> = Vec::new();
    let mut arc = 0_u64;
    for byte in oid {
        arc = arc << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if arcs.is_empty() {
                let first = (arc / 40).min(2);
                arcs.extend([first, arc - first * 40]);
            } else {
                arcs.push(arc);
            }
            arc = 0;
        }
    }
    let arcs: Vec<_> = arcs.iter().map(u64::to_string).collect();
    arcs.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `O=A, Inc.` then `CN=x`.
    const NAME: &[u8] =
        b"\x30\x1f\x31\x0f\x30\x0d\x06\x03\x55\x04\x0a\x0c\x06\x41\x2c\x49\x6e\x63\x2e\
          \x31\x0c\x30\x0a\x06\x03\x55\x04\x03\x0c\x03\x78\x20\x20";

    #[test]
    fn names_have_both_forms() {
        assert_eq!(modern(NAME).as_deref(), Some("CN=x \\ ,O=A\\,Inc."));
        assert_eq!(legacy(NAME).as_deref(), Some("/O=A,Inc./CN=x  "));
        assert_eq!(modern(b"\x30\x02\x31\x05"), None);
    }

    #[test]
    fn attributes_without_a_name_have_their_number() {
        assert_eq!(short(&[0x55, 4, 3]), "CN");
        assert_eq!(short(&[0x2a, 0x86, 0x48, 0x01]), "1.2.840.1");
    }
}
