//! Escapes: any byte can be written in a script, and long runs shortly.

/// Undoes `\r`, `\n`, `\t`, `\0`, `\\`, `\xHH` and `\{COUNT*TEXT}`.
///
/// # Errors
/// Another escape.
pub(super) fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        let bad = || {
            format!(
                "no escape: \\{}",
                escaped.chars().take(8).collect::<String>()
            )
        };
        let mut characters = escaped.chars();
        let simple = match characters.next().ok_or_else(bad)? {
            'r' => Some(b'\r'),
            'n' => Some(b'\n'),
            't' => Some(b'\t'),
            '0' => Some(0),
            '\\' => Some(b'\\'),
            _ => None,
        };
        rest = characters.as_str();
        if let Some(byte) = simple {
            bytes.push(byte);
        } else if let Some(digits) = escaped.strip_prefix('x').and_then(|text| text.get(..2)) {
            bytes.push(u8::from_str_radix(digits, 16).map_err(|_| bad())?);
            rest = rest.get(2..).unwrap_or_default();
        } else {
            let (run, after) = rest.split_once('}').ok_or_else(bad)?;
            let (count, unit) = run.split_once('*').ok_or_else(bad)?;
            let count: usize = count.parse().map_err(|_| bad())?;
            bytes.extend(unit.as_bytes().repeat(count));
            rest = after;
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

/// Writes a value so that [`unescape`] gives it back.
pub(super) fn escape(value: &str) -> String {
    value.replace('\\', "\\\\")
}
