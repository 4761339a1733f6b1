//! What may stand in `Host` or in the authority of a request target.

/// The host without its port, as nginx compares it to server names: still in the client's case, a
/// final dot taken off. `None` where nginx answers 400.
///
/// Source: nginx, `ngx_http_validate_host`; RFC 3986 §3.2.2.
#[must_use]
pub fn validate_host(value: &[u8]) -> Option<(&[u8], Option<u16>)> {
    let (host, rest) = if value.first() == Some(&b'[') {
        let end = value.iter().position(|&byte| byte == b']')? + 1;
        value.split_at(end)
    } else {
        value.split_at(value.iter().position(|&b| b == b':').unwrap_or(value.len()))
    };
    let literal = host.first() == Some(&b'[');
    let inner = if literal {
        host.get(1..host.len() - 1)?
    } else {
        host
    };
    let allowed =
        |&byte: &u8| is_host_byte(byte) || (literal && byte == b':') || (!literal && byte == b'%');
    if !inner.iter().all(allowed) || inner.windows(2).any(|pair| pair == b"..") {
        return None;
    }
    let port = match rest.split_first() {
        None => None,
        Some((b':', [])) => None,
        Some((b':', digits)) => Some(parse_port(digits)?),
        Some(_) => return None,
    };
    let host = if literal {
        host
    } else {
        host.strip_suffix(b".").unwrap_or(host)
    };
    (!host.is_empty()).then_some((host, port))
}

/// RFC 3986 unreserved and sub-delims.
const fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
        )
}

/// nginx counts leading zeros as it finds them, so `0000080` is port 80.
fn parse_port(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0_u16, |port, &digit| {
        let value = digit.is_ascii_digit().then(|| u16::from(digit - b'0'))?;
        port.checked_mul(10)?.checked_add(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_as_nginx_takes_them() {
        type Expected = Option<(&'static str, Option<u16>)>;
        let cases: &[(&str, Expected)] = &[
            ("l", Some(("l", None))),
            ("a.b.", Some(("a.b", None))),
            ("a.b.:88", Some(("a.b", Some(88)))),
            ("a:", Some(("a", None))),
            ("a:65535", Some(("a", Some(65535)))),
            ("a:65536", None),
            ("a:1.2", None),
            ("a:9000:80", None),
            ("", None),
            (".", None),
            (":80", None),
            ("..a", None),
            ("a..:", None),
            ("a/b", None),
            ("a\\b", None),
            ("a b", None),
            ("a@b", None),
            ("[::1]", Some(("[::1]", None))),
            ("[::1]:80", Some(("[::1]", Some(80)))),
            ("[::1].", None),
            ("[::1", None),
            ("[a/b]", None),
            ("%41", Some(("%41", None))),
            ("a_b~!$", Some(("a_b~!$", None))),
        ];
        for (input, expected) in cases {
            let expected = expected.map(|(host, port)| (host.as_bytes(), port));
            assert_eq!(validate_host(input.as_bytes()), expected, "{input}");
        }
    }
}
