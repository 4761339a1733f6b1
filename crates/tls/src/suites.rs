//! `ssl_ciphers`: OpenSSL's language for lists of ciphers, applied to those that are here.
//!
//! It governs TLS 1.2 alone, as in OpenSSL; the three suites of TLS 1.3 are always there.
//! Source: openssl-ciphers(1).

use rustls::SupportedCipherSuite;
use rustls::crypto::ring::cipher_suite as suite;

use crate::error::Error;

/// What a list comes to.
#[derive(Debug)]
pub(crate) struct Selection {
    /// The suites of TLS 1.2 in their order.
    pub(crate) suites: Vec<SupportedCipherSuite>,
    /// Ciphers named one by one that are not here.
    pub(crate) ignored: Vec<String>,
}

/// One suite as the language sees it.
struct Known {
    name: &'static str,
    words: &'static [&'static str],
    suite: SupportedCipherSuite,
}

/// Words that mean all of ours: each is a forward-secret AEAD of TLS 1.2 with 128 bits or more.
const ALL: &[&str] = &[
    "ALL",
    "DEFAULT",
    "COMPLEMENTOFDEFAULT",
    "HIGH",
    "TLSv1.2",
    "ECDHE",
    "EECDH",
    "kECDHE",
    "kEECDH",
    "ECDH",
];

/// Words that mean none of ours.
const NONE: &[&str] = &[
    "aNULL",
    "eNULL",
    "NULL",
    "MEDIUM",
    "LOW",
    "EXPORT",
    "EXP",
    "MD5",
    "SHA",
    "SHA1",
    "SHA256",
    "SHA384",
    "RC4",
    "RC2",
    "DES",
    "3DES",
    "IDEA",
    "SEED",
    "CAMELLIA",
    "CAMELLIA128",
    "CAMELLIA256",
    "ARIA",
    "ARIA128",
    "ARIA256",
    "ARIAGCM",
    "AESCCM",
    "AESCCM8",
    "PSK",
    "kPSK",
    "aPSK",
    "kECDHEPSK",
    "kDHEPSK",
    "kRSAPSK",
    "ECDHEPSK",
    "DHEPSK",
    "RSAPSK",
    "SRP",
    "kSRP",
    "aSRP",
    "DSS",
    "aDSS",
    "RSA",
    "kRSA",
    "DH",
    "DHE",
    "EDH",
    "kDHE",
    "kEDH",
    "ADH",
    "AECDH",
    "kDH",
    "kDHr",
    "kDHd",
    "aDH",
    "aECDH",
    "kECDH",
    "kECDHr",
    "kECDHe",
    "GOST94",
    "GOST89",
    "aGOST",
    "aGOST01",
    "kGOST",
    "CBC",
    "SSLv2",
    "SSLv3",
    "TLSv1",
    "TLSv1.0",
    "kEDH",
];

const AES_256_ECDSA: &[&str] = &["aECDSA", "ECDSA", "AES", "AES256", "AESGCM"];
const AES_128_ECDSA: &[&str] = &["aECDSA", "ECDSA", "AES", "AES128", "AESGCM"];
const CHACHA_ECDSA: &[&str] = &["aECDSA", "ECDSA", "CHACHA20"];
const AES_256_RSA: &[&str] = &["aRSA", "AES", "AES256", "AESGCM"];
const AES_128_RSA: &[&str] = &["aRSA", "AES", "AES128", "AESGCM"];
const CHACHA_RSA: &[&str] = &["aRSA", "CHACHA20"];

/// All suites of TLS 1.2, in OpenSSL's order.
fn known() -> [Known; 6] {
    let known = |name, words, suite| Known { name, words, suite };
    [
        known(
            "ECDHE-ECDSA-AES256-GCM-SHA384",
            AES_256_ECDSA,
            suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        ),
        known(
            "ECDHE-RSA-AES256-GCM-SHA384",
            AES_256_RSA,
            suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        ),
        known(
            "ECDHE-ECDSA-CHACHA20-POLY1305",
            CHACHA_ECDSA,
            suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        ),
        known(
            "ECDHE-RSA-CHACHA20-POLY1305",
            CHACHA_RSA,
            suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ),
        known(
            "ECDHE-ECDSA-AES128-GCM-SHA256",
            AES_128_ECDSA,
            suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        ),
        known(
            "ECDHE-RSA-AES128-GCM-SHA256",
            AES_128_RSA,
            suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        ),
    ]
}

/// Reads a list.
///
/// # Errors
/// [`Error::Ciphers`] where OpenSSL, too, would find that nothing matches.
pub(crate) fn select(list: &str) -> Result<Selection, Error> {
    let known = known();
    let mut chosen: Vec<usize> = Vec::new();
    let mut killed = [false; 6];
    let mut ignored = Vec::new();
    let mut understood = false;
    for word in list
        .split([':', ',', ' ', ';'])
        .filter(|word| !word.is_empty())
    {
        let (operator, term) = match word.split_at_checked(1) {
            Some((operator @ ("!" | "-" | "+"), term)) => (operator, term),
            _ => ("", word),
        };
        if term.starts_with('@') {
            // `@STRENGTH` would not change the order of ours, nor does `@SECLEVEL=` matter to them.
            continue;
        }
        understood |= operator.is_empty() && (is_word(term) || is_name(term));
        let matches = |at: &usize| known.get(*at).is_some_and(|known| fits(known, term));
        match operator {
            "!" => {
                chosen.retain(|at| !matches(at));
                (0..killed.len())
                    .filter(matches)
                    .for_each(|at| killed[at] = true);
            }
            "-" => chosen.retain(|at| !matches(at)),
            "+" => {
                let (moved, kept): (Vec<_>, Vec<_>) = chosen.iter().copied().partition(matches);
                chosen = kept.into_iter().chain(moved).collect();
            }
            _ => {
                let new: Vec<usize> = (0..known.len())
                    .filter(|at| matches(at) && !killed[*at] && !chosen.contains(at))
                    .collect();
                if is_name(term) && !is_word(term) && !known.iter().any(|k| k.name == term) {
                    ignored.push(term.to_owned());
                }
                chosen.extend(new);
            }
        }
    }
    if !understood {
        return Err(Error::Ciphers(list.to_owned()));
    }
    let suites = chosen
        .iter()
        .filter_map(|at| known.get(*at))
        .map(|known| known.suite);
    Ok(Selection {
        suites: suites.collect(),
        ignored,
    })
}

/// Whether a suite is meant by a term: its name, or words joined by `+`, all of which must fit.
fn fits(known: &Known, term: &str) -> bool {
    let word = |word: &str| ALL.contains(&word) || known.words.contains(&word);
    known.name == term || iana(known.suite) == term || term.split('+').all(word)
}

/// The name that the standard gives: OpenSSL takes it, too.
fn iana(suite: SupportedCipherSuite) -> String {
    format!("{:?}", suite.suite())
}

fn is_word(term: &str) -> bool {
    let known = known();
    term.split('+').all(|word| {
        ALL.contains(&word)
            || NONE.contains(&word)
            || known.iter().any(|known| known.words.contains(&word))
    })
}

/// Whether it looks like the name of a cipher: `AES128-SHA`, `ECDHE-RSA-AES128-SHA256`.
fn is_name(term: &str) -> bool {
    term.contains('-')
        && (term.bytes())
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-')
        || term.starts_with("TLS_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> Vec<&'static str> {
        let selected = select(list).unwrap().suites;
        let name = |suite: &SupportedCipherSuite| {
            known()
                .into_iter()
                .find(|known| known.suite == *suite)
                .unwrap()
                .name
        };
        selected.iter().map(name).collect()
    }

    #[test]
    fn words_names_and_operators_select() {
        assert_eq!(names("HIGH:!aNULL:!MD5").len(), 6);
        assert_eq!(names("EECDH+AESGCM:!ECDSA").len(), 2);
        assert_eq!(
            names("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"),
            [
                "ECDHE-RSA-AES128-GCM-SHA256",
                "ECDHE-ECDSA-AES256-GCM-SHA384"
            ]
        );
        assert_eq!(
            names("ALL:-CHACHA20:+AES256").first(),
            Some(&"ECDHE-ECDSA-AES128-GCM-SHA256")
        );
        assert_eq!(
            names("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
            ["ECDHE-RSA-AES128-GCM-SHA256"]
        );
        assert_eq!(names("!AES:HIGH").len(), 2);
    }

    #[test]
    fn ciphers_that_are_not_here_are_told() {
        let selected = select("ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256:AES128-SHA");
        let selected = selected.unwrap();
        assert_eq!(selected.suites.len(), 1);
        assert_eq!(
            selected.ignored,
            ["DHE-RSA-AES128-GCM-SHA256", "AES128-SHA"]
        );
        assert!(select("AES128-SHA").unwrap().suites.is_empty());
        assert!(select("nonsense").is_err());
        assert!(select("").is_err());
    }
}
