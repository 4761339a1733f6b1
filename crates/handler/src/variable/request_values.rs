//! Values that are cut out of the request's head: arguments, cookies, fields.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::context::Context;

/// The first argument of that name, without regard to case.
///
/// Source: nginx, `ngx_http_arg`.
pub(crate) fn argument<'a>(args: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    if name.is_empty() {
        return None;
    }
    args.split(|byte| *byte == b'&').find_map(|pair| {
        let (key, value) = pair.split_at_checked(name.len())?;
        let value = value.strip_prefix(b"=")?;
        key.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// The first cookie of that name, without regard to case. Blanks behind the value are part of it.
///
/// Source: nginx, `ngx_http_parse_cookie_lines`.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &[u8]) -> Option<&'a [u8]> {
    let fields = headers.get_all(header::COOKIE).into_iter();
    fields
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .find_map(|pair| {
            let (key, rest) = without_blanks(pair).split_at_checked(name.len())?;
            let value = without_blanks(rest).strip_prefix(b"=")?;
            key.eq_ignore_ascii_case(name)
                .then(|| without_blanks(value))
        })
}

fn without_blanks(text: &[u8]) -> &[u8] {
    let begin = text.iter().position(|byte| *byte != b' ');
    &text[begin.unwrap_or(text.len())..]
}

/// Appends a field; repeated ones are joined as nginx does.
pub(crate) fn field(headers: &HeaderMap, name: &HeaderName, out: &mut Vec<u8>) -> bool {
    let values = headers.get_all(name).into_iter();
    join(
        name.as_str().as_bytes(),
        values.map(HeaderValue::as_bytes),
        out,
    )
}

/// Appends the values of one field with `, ` between them, those of cookies with `; `. Whether there are any.
fn join<'v>(name: &[u8], values: impl Iterator<Item = &'v [u8]>, out: &mut Vec<u8>) -> bool {
    let mut found = false;
    for value in values {
        if found {
            let is_cookie = name.eq_ignore_ascii_case(b"cookie");
            out.extend_from_slice(if is_cookie { b"; " } else { b", " });
        }
        out.extend_from_slice(value);
        found = true;
    }
    found
}

impl Context {
    /// Appends a field of the request, as [`field`]; one that says where the body ends as it was understood.
    pub(crate) fn append_field(&self, name: &HeaderName, out: &mut Vec<u8>) -> bool {
        let exchange = &self.exchange;
        match *name {
            // nginx has not read any then.
            _ if self.target_refused => false,
            header::CONTENT_LENGTH | header::TRANSFER_ENCODING => {
                exchange.has_field(name) && field(exchange.fields(), name, out)
            }
            _ => join(name.as_str().as_bytes(), exchange.values(name), out),
        }
    }
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
        assert_eq!(argument(b"=x", b""), None);
    }

    #[test]
    fn cookies_are_found_in_any_field() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "x=1; session=abc".parse().unwrap());
        headers.append(header::COOKIE, "late=2".parse().unwrap());
        assert_eq!(cookie(&headers, b"session"), Some(&b"abc"[..]));
        assert_eq!(cookie(&headers, b"late"), Some(&b"2"[..]));
        assert_eq!(cookie(&headers, b"ession"), None);
        headers.append(header::COOKIE, "Y = 1 ;z=2".parse().unwrap());
        assert_eq!(cookie(&headers, b"y"), Some(&b"1 "[..]));
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
