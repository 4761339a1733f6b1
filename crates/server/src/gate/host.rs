//! What may stand in `Host` or in the authority of a request target.

/// The host without its port, as nginx compares it to server names: still in the client's case, a
/// final dot taken off. `None` where nginx answers 400.
///
/// Source: nginx, `ngx_http_validate_host`; RFC 3986 §3.2.2.
#[must_use]
pub fn validate_host(value: &[u8]) -> Option<(&[u8], Option<u16>)> {
    let literal = value.first() == Some(&b'[');
    let mut end = usize::from(literal);
    let allowed = if literal {
        Class::IN_LITERAL
    } else {
        Class::IN_NAME
    };
    let mut before = 0;
    while let Some(&byte) = value.get(end) {
        if CLASS[usize::from(byte)].0 & allowed.0 == 0 {
            break;
        }
        if byte == b'.' && before == b'.' {
            return None;
        }
        before = byte;
        end += 1;
    }
    if literal && value.get(end) != Some(&b']') {
        return None;
    }
    let (host, rest) = value.split_at(end + usize::from(literal));
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

/// Where a byte may stand.
#[derive(Clone, Copy)]
struct Class(u8);

impl Class {
    const IN_NAME: Self = Self(1);
    const IN_LITERAL: Self = Self(2);
}

static CLASS: [Class; 256] = {
    let mut table = [Class(0); 256];
    let mut index = 0;
    while index < 256 {
        let byte = index as u8;
        // RFC 3986 unreserved and sub-delims.
        let anywhere = byte.is_ascii_alphanumeric()
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
            );
        table[index] = match byte {
            _ if anywhere => Class(Class::IN_NAME.0 | Class::IN_LITERAL.0),
            b'%' => Class::IN_NAME,
            b':' => Class::IN_LITERAL,
            _ => Class(0),
        };
        index += 1;
    }
    table
};

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
