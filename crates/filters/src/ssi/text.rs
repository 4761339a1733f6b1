//! Values with variables in them.
//!
//! Source: nginx, `ngx_http_ssi_evaluate_string`.

/// What is wrong with a value: the page's fault, in nginx's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// A `$` with no name behind it.
    #[error("invalid variable name in \"{0}\"")]
    InvalidVariable(String),
    /// `${name` without the closing brace.
    #[error("the closing bracket in \"{0}\" variable is missing")]
    MissingBracket(String),
}

/// Puts values in the place of `$name` and `${name}`, names in lower case; a backslash quotes `\`, `'`, `"` and `$`.
///
/// `value` appends the value of a variable.
///
/// # Errors
/// A `$` that names nothing.
pub fn expand(
    text: &[u8],
    mut value: impl FnMut(&[u8], &mut Vec<u8>),
) -> Result<Vec<u8>, TextError> {
    let mut out = Vec::with_capacity(text.len());
    let mut quoted = false;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        if quoted {
            quoted = false;
            if !matches!(byte, b'\\' | b'\'' | b'"' | b'$') {
                out.push(b'\\');
            }
            out.push(byte);
        } else if byte == b'\\' {
            quoted = true;
        } else if byte == b'$' {
            let (name, end) = name(text, at)?;
            value(&name.to_ascii_lowercase(), &mut out);
            at = end;
        } else {
            out.push(byte);
        }
    }
    Ok(out)
}

/// The name that begins at `at`, behind a `$`, and where what belongs to it ends.
fn name(text: &[u8], at: usize) -> Result<(&[u8], usize), TextError> {
    let invalid = || TextError::InvalidVariable(shown(text));
    let rest = text.get(at..).unwrap_or_default();
    let braced = rest.first() == Some(&b'{');
    let start = at + usize::from(braced);
    let rest = text.get(start..).unwrap_or_default();
    if rest.is_empty() {
        return Err(invalid());
    }
    let length = rest
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
        .unwrap_or(rest.len());
    let name = &rest[..length];
    if braced && rest.get(length) != Some(&b'}') {
        return Err(TextError::MissingBracket(shown(name)));
    }
    if name.is_empty() {
        return Err(invalid());
    }
    Ok((name, start + length + usize::from(braced)))
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
