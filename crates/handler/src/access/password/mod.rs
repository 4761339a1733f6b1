//! Passwords against the hashes of a password file.
//!
//! Every scheme of nginx's `ngx_crypt` is known: `{PLAIN}`, `{SHA}`, `{SSHA}`, `$apr1$`, and what
//! crypt(3) brings there: DES, `$1$`, `$2a$`/`$2b$`/`$2y$`, `$5$`, `$6$`.
//!
//! Differs: yescrypt, scrypt and the other rare schemes of libxcrypt never match, nor does a hash that
//! would take longer than some seconds.

use sha_crypt::{PasswordVerifier as _, ShaCrypt};
use sha1::{Digest as _, Sha1};

mod des;
mod md5_crypt;

use crate::variable::decode_base64;

/// Hashes that would take longer than a few seconds match nothing: each guess of a client would hold
/// a thread for so long.
const MOST_BCRYPT: u32 = 16;
const MOST_ROUNDS: u32 = 5_000_000;

/// Whether hashing takes so long that it must not be done on a thread that serves connections.
pub(super) fn is_slow(hash: &[u8]) -> bool {
    !hash.starts_with(b"{")
}

/// Whether the password has this hash. A NUL ends the password, as it does in C.
pub(super) fn verify(password: &[u8], hash: &[u8]) -> bool {
    let end = memchr::memchr(0, password).unwrap_or(password.len());
    let password = &password[..end];
    if let Some(plain) = hash.strip_prefix(b"{PLAIN}") {
        return same(plain, password);
    }
    if let Some(encoded) = hash.strip_prefix(b"{SSHA}") {
        return decode_base64(encoded).is_some_and(|decoded| salted_sha1(password, &decoded));
    }
    if let Some(encoded) = hash.strip_prefix(b"{SHA}") {
        let decoded = decode_base64(encoded).unwrap_or_default();
        return decoded.len() == 20 && same(&decoded, &Sha1::digest(password));
    }
    if !is_affordable(hash) {
        return false;
    }
    match hash {
        [b'$', b'a', b'p', b'r', b'1', b'$', ..] => md5_crypt::verify(password, hash, b"$apr1$"),
        [b'$', b'1', b'$', ..] => md5_crypt::verify(password, hash, b"$1$"),
        [b'$', b'2', ..] => std::str::from_utf8(hash)
            .is_ok_and(|hash| bcrypt::verify(password, hash).unwrap_or(false)),
        [b'$', b'5' | b'6', b'$', ..] => std::str::from_utf8(hash)
            .is_ok_and(|hash| ShaCrypt::default().verify_password(password, hash).is_ok()),
        [b'$' | b'_' | b'*', ..] => false,
        _ => des::verify(password, hash),
    }
}

/// Whether `$2y$COST$` and `$5$rounds=ROUNDS$` ask for no more work than is given.
fn is_affordable(hash: &[u8]) -> bool {
    let field = |number| {
        hash.split(|byte| *byte == b'$')
            .nth(number)
            .unwrap_or_default()
    };
    let number = |text: &[u8]| {
        std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.parse::<u32>().ok())
    };
    match (field(1), field(2).strip_prefix(b"rounds=")) {
        ([b'2', ..], _) => number(field(2)).is_some_and(|cost| cost <= MOST_BCRYPT),
        ([b'5' | b'6'], Some(rounds)) => number(rounds).is_some_and(|rounds| rounds <= MOST_ROUNDS),
        _ => true,
    }
}

/// `{SSHA}`: SHA-1 of password and salt, then the salt.
fn salted_sha1(password: &[u8], decoded: &[u8]) -> bool {
    let Some((digest, salt)) = decoded.split_at_checked(20) else {
        return false;
    };
    let mut sha1 = Sha1::new();
    sha1.update(password);
    sha1.update(salt);
    same(digest, &sha1.finalize())
}

/// Comparison whose time does not tell where the texts differ.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && std::hint::black_box(differences) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_accepts_the_password_and_nothing_else() {
        let cases: &[(&str, &str)] = &[
            ("secret", "{PLAIN}secret"),
            ("secret", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="),
            ("password", "{SSHA}yI6cZwQadOA1e+/f+T+H3eCQQhRzYWx0"),
            ("password", "$apr1$salt$Xxd1irWT9ycqoYxGFn4cb."),
            ("password", "$1$salt$qJH7.N4xYta3aEG/dfqo/0"),
            (
                "secret",
                "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a",
            ),
            (
                "secret",
                "$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA",
            ),
            (
                "secret",
                "$5$rounds=1500$saltsalt$.QN5EFjREHzaSPVbD8IpSpN3dAhUi.iLmQ7MnxmN/hB",
            ),
            (
                "secret",
                "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1",
            ),
            ("password", "sa3tHJ3/KuYvI"),
            ("x", "abiQ6Ep3EYTHc"),
            ("a long password with more", "/.f1Qf0HYcgkM"),
        ];
        for (password, hash) in cases {
            assert!(verify(password.as_bytes(), hash.as_bytes()), "{hash}");
            assert!(!verify(b"wrong", hash.as_bytes()), "{hash}");
            assert!(!verify(b"", hash.as_bytes()), "{hash}");
        }
    }

    #[test]
    fn work_without_end_is_not_begun() {
        for (hash, affordable) in [
            ("$2y$16$x", true),
            ("$2y$17$x", false),
            ("$2y$31$x", false),
            ("$2y$", false),
            ("$5$salt$x", true),
            ("$6$rounds=5000000$x", true),
            ("$6$rounds=999999999$x", false),
            ("$apr1$salt$x", true),
            ("sa3tHJ3/KuYvI", true),
        ] {
            assert_eq!(is_affordable(hash.as_bytes()), affordable, "{hash}");
        }
    }

    #[test]
    fn broken_hashes_match_nothing() {
        let broken: &[&str] = &[
            "",
            "*",
            "$",
            "$1$",
            "$apr1$",
            "$2y$",
            "$5$",
            "$6$x",
            "$y$j9T$x$y",
            "{SHA}",
            "{SSHA}Zm9vCg==",
            "{SHA}_____Mm5Pz8GgiULbPgzG37mj9g=",
            "s",
            "!!!!!!!!!!!!!",
            "{UNKNOWN}1",
        ];
        for hash in broken {
            assert!(!verify(b"1", hash.as_bytes()), "{hash}");
            assert!(!verify(b"", hash.as_bytes()), "{hash}");
        }
        assert!(verify(b"se\0cret", b"{PLAIN}se"));
    }
}
