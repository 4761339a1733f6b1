//! `Accept-Encoding`, as nginx reads it (`ngx_http_gzip_accept_encoding`), for any coding.
//!
//! nginx does not parse the list: it looks for the first mention of the coding and judges what follows. So `*` and
//! `identity` mean nothing, and the first of two mentions decides.

use super::Coding;

/// How much the client wants `coding`, in thousandths; 0: not at all.
#[must_use]
pub fn accepts(accept_encoding: &[u8], coding: Coding) -> u16 {
    let token = coding.token().as_bytes();
    // The most common case; nginx looks no further either.
    if accept_encoding.starts_with(token) && accept_encoding.get(token.len()) == Some(&b',') {
        return 1_000;
    }
    let Some(mut rest) = after_token(accept_encoding, token) else {
        return 0;
    };
    // Blanks, then the end, a comma, or parameters.
    skip_spaces(&mut rest);
    match take(&mut rest) {
        None | Some(b',') => return 1_000,
        Some(b';') => {}
        Some(_) => return 0,
    }
    skip_spaces(&mut rest);
    match take(&mut rest) {
        None => 1_000,
        Some(b'q' | b'Q') if rest.len() >= 2 && take(&mut rest) == Some(b'=') => quality(rest),
        Some(_) => 0,
    }
}

/// The coding that the client wants most of those in `offered`; among equals the one offered first.
#[must_use]
pub fn negotiate(
    accept_encoding: &[u8],
    offered: impl IntoIterator<Item = Coding>,
) -> Option<Coding> {
    let mut best = (0, None);
    for coding in offered {
        let wanted = accepts(accept_encoding, coding);
        if wanted > best.0 {
            best = (wanted, Some(coding));
        }
    }
    best.1
}

/// What follows the first mention of `token` that begins a list element.
fn after_token<'a>(list: &'a [u8], token: &[u8]) -> Option<&'a [u8]> {
    let mut from = 0;
    while let Some(window) = list.get(from..from + token.len()) {
        let begins = from == 0 || matches!(list.get(from - 1), Some(b',' | b' '));
        if begins && window.eq_ignore_ascii_case(token) {
            return list.get(from + token.len()..);
        }
        from += 1;
    }
    None
}

fn take(rest: &mut &[u8]) -> Option<u8> {
    let (&first, after) = rest.split_first()?;
    *rest = after;
    Some(first)
}

fn skip_spaces(rest: &mut &[u8]) {
    while let Some(after) = rest.strip_prefix(b" ") {
        *rest = after;
    }
}

/// `0`, `0.5`, `1.000`: at most three decimals, at most 1; 0 if it is none of that (nginx: `ngx_http_gzip_quantity`).
fn quality(mut rest: &[u8]) -> u16 {
    let whole = match take(&mut rest) {
        Some(b'0') => 0,
        Some(b'1') => 1_000,
        _ => return 0,
    };
    match take(&mut rest) {
        None | Some(b',' | b' ') => return whole,
        Some(b'.') => {}
        Some(_) => return 0,
    }
    let (mut fraction, mut weight, mut digits) = (0, 100, 0);
    while let Some(byte) = take(&mut rest) {
        match byte {
            b',' | b' ' => break,
            b'0'..=b'9' => {
                fraction += u16::from(byte - b'0') * weight;
                weight /= 10;
                digits += 1;
            }
            _ => return 0,
        }
    }
    if digits > 3 || whole + fraction > 1_000 {
        0
    } else {
        whole + fraction
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn gzip_is_accepted_where_nginx_accepts_it() {
        for (field, expected) in [
            ("gzip", true),
            ("gzip, deflate, br", true),
            ("gzip,", true),
            ("GZIP", true),
            ("deflate, gzip", true),
            ("deflate,gzip ", true),
            ("gzip;q=1", true),
            ("gzip;q=1.000", true),
            ("gzip;q=0.001", true),
            ("gzip; q=0.5, br", true),
            ("gzip;Q=0.5", true),
            ("gzip;q=1 , x", true),
            ("gzip;", true),
            ("gzip;  ", true),
            ("gzip;q=0", false),
            ("gzip;q=0.000", false),
            ("gzip;q=1.001", false),
            ("gzip;q=0.0001", false),
            ("gzip;q=2", false),
            ("gzip;q=", false),
            ("gzip;q=a", false),
            ("gzip;x=1", false),
            ("gzipped", false),
            ("x-gzip", false),
            ("xgzip", false),
            ("*", false),
            ("", false),
            ("identity", false),
            ("gzip;q=0, gzip", false),
        ] {
            assert_eq!(
                accepts(field.as_bytes(), Coding::Gzip) > 0,
                expected,
                "{field}"
            );
        }
    }

    #[test]
    fn the_client_s_wish_comes_first_then_ours() {
        let offered = [Coding::Brotli, Coding::Zstd, Coding::Gzip];
        let pick = |field: &str| negotiate(field.as_bytes(), offered);
        assert_eq!(pick("gzip, deflate, br, zstd"), Some(Coding::Brotli));
        assert_eq!(pick("gzip, zstd"), Some(Coding::Zstd));
        assert_eq!(pick("gzip;q=1, br;q=0.5"), Some(Coding::Gzip));
        assert_eq!(pick("br;q=0, zstd;q=0.1"), Some(Coding::Zstd));
        assert_eq!(pick("identity"), None);
    }

    proptest! {
        #[test]
        fn well_formed_lists_mean_what_they_say(q in 0_u16..=1000, before in "[a-z]{1,5}") {
            // As nginx does, the search ends at the first word that begins like the coding.
            prop_assume!(!before.starts_with("br"));
            let field = format!("{before}, br;q={}.{:03}, x", q / 1000, q % 1000);
            prop_assert_eq!(accepts(field.as_bytes(), Coding::Brotli), q);
        }

        #[test]
        fn nothing_makes_it_stumble(field in proptest::collection::vec(any::<u8>(), 0..60)) {
            prop_assert!(accepts(&field, Coding::Gzip) <= 1000);
        }
    }
}
