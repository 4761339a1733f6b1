//! Values that are cut out of the request's head: arguments, cookies, fields.

use http::{HeaderMap, HeaderName, header};

/// The first argument of that name, without regard to case.
///
/// Source: nginx, `ngx_http_arg`.
pub(crate) fn argument<'a>(args: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    args.split(|byte| *byte == b'&').find_map(|pair| {
        let (key, value) = pair.split_at_checked(name.len())?;
        let value = value.strip_prefix(b"=")?;
        key.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// The first cookie of that name, without regard to case.
///
/// Source: nginx, `ngx_http_parse_multi_header_lines`.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &[u8]) -> Option<&'a [u8]> {
    let fields = headers.get_all(header::COOKIE).into_iter();
    fields
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .find_map(|pair| {
            let pair = pair.trim_ascii();
            let (key, rest) = pair.split_at_checked(name.len())?;
            let value = rest.trim_ascii_start().strip_prefix(b"=")?;
            key.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
        })
}

/// Appends a field; repeated ones are joined with `, ` (cookies with `; `), as nginx does.
pub(crate) fn field(headers: &HeaderMap, name: &HeaderName, out: &mut Vec<u8>) -> bool {
    let separator: &[u8] = if *name == header::COOKIE {
        b"; "
    } else {
        b", "
    };
    let mut found = false;
    for value in headers.get_all(name) {
        if found {
            out.extend_from_slice(separator);
        }
        out.extend_from_slice(value.as_bytes());
        found = true;
    }
    found
}

/// The same where names may have underscores, which count as dashes.
pub(crate) fn field_of_any_spelling(
    headers: &HeaderMap,
    name: &HeaderName,
    out: &mut Vec<u8>,
) -> bool {
    let same = |known: &HeaderName| {
        let (known, name) = (known.as_str().bytes(), name.as_str().bytes());
        known
            .map(|byte| if byte == b'_' { b'-' } else { byte })
            .eq(name)
    };
    let mut found = false;
    for known in headers.keys().filter(|known| same(known)) {
        if found {
            out.extend_from_slice(b", ");
        }
        found |= field(headers, known, out);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_found_whole() {
        assert_eq!(argument(b"ab=1&a=2&A=3", b"a"), Some(&b"2"[..]));
        assert_eq!(argument(b"a", b"a"), None);
        assert_eq!(argument(b"a=", b"a"), Some(&b""[..]));
        assert_eq!(argument(b"", b"a"), None);
    }

    #[test]
    fn cookies_are_found_in_any_field() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "x=1; session=abc".parse().unwrap());
        headers.append(header::COOKIE, "late=2".parse().unwrap());
        assert_eq!(cookie(&headers, b"session"), Some(&b"abc"[..]));
        assert_eq!(cookie(&headers, b"late"), Some(&b"2"[..]));
        assert_eq!(cookie(&headers, b"ession"), None);
    }

    #[test]
    fn repeated_fields_are_joined() {
        let mut headers = HeaderMap::new();
        headers.append("x-foo", "a".parse().unwrap());
        headers.append("x-foo", "b".parse().unwrap());
        let mut out = Vec::new();
        assert!(field(&headers, &HeaderName::from_static("x-foo"), &mut out));
        assert_eq!(out, b"a, b");
        headers.append("x_foo", "c".parse().unwrap());
        out.clear();
        let name = HeaderName::from_static("x-foo");
        assert!(field_of_any_spelling(&headers, &name, &mut out));
        assert_eq!(out, b"a, b, c");
    }
}
