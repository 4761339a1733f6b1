//! Escapes of the tables that tests read: any byte can be written, and long runs shortly.

/// `\r \n \t \\ \xHH`, and `{text*N}` for a repetition; braces around anything else are braces.
///
/// # Panics
/// Where `\x` has no two hex digits behind it: the table is wrong.
#[must_use]
pub fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some((inner, count, after)) = repetition(rest) {
            out.extend(unescape(inner).repeat(count));
            rest = after;
            continue;
        }
        let (plain, after) = rest.split_at(first.len_utf8());
        rest = after;
        if first != '\\' {
            out.extend_from_slice(plain.as_bytes());
            continue;
        }
        let code = rest.bytes().next().unwrap_or(b'\\');
        rest = rest.get(1..).unwrap_or_default();
        out.push(match code {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'x' => {
                let (digits, after) = rest.split_at_checked(2).expect("two hex digits");
                rest = after;
                u8::from_str_radix(digits, 16).expect("two hex digits")
            }
            other => other,
        });
    }
    out
}

fn repetition(text: &str) -> Option<(&str, usize, &str)> {
    let (inner, after) = text.strip_prefix('{')?.split_once('}')?;
    let (inner, count) = inner.rsplit_once('*')?;
    Some((inner, count.parse().ok()?, after))
}
