//! The target of a request line, taken apart (nginx: `ngx_http_parse_request_line`,
//! `ngx_http_process_request_uri`).

use std::borrow::Cow;

use crate::normalise::{self, Normalised};

/// What a client asks for: the path to match and open, and everything around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// The path and query as they came, fragment included (nginx: `$request_uri`).
    ///
    /// Of an absolute-form target only what stands behind the authority; `/` if nothing does.
    pub raw: &'a [u8],
    /// Host and port of an absolute-form target. It may be empty and is yet to be validated.
    pub authority: Option<&'a [u8]>,
    /// The decoded and normalised path; starts with `/`, holds no NUL and no `.` or `..` segment.
    /// Lent from the request if it needed no change.
    pub path: Cow<'a, [u8]>,
    /// The query, undecoded, without `?` and without a fragment; empty if there is none.
    pub args: &'a [u8],
    /// Whether the path held an escape or a plus, so that a `rewrite` escapes what it captures
    /// from it (nginx: `quoted_uri`, `plus_in_uri`).
    pub has_escapes: bool,
    /// Whether [`Target::raw`] begins with a path, so that it can be passed on as it is
    /// (nginx: `valid_unparsed_uri`).
    pub raw_is_path: bool,
    /// Where in the path its extension starts.
    extension: Option<usize>,
}

/// Why a target is refused: the client's fault, each answered with 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Neither a path nor a URL with a host, as `foo`, `*` or `http:/x`.
    #[error("the target is neither a path nor a URL")]
    Form,
    /// A space, a control byte or DEL.
    #[error("the target holds a byte that must be escaped")]
    UnescapedByte,
    /// `%` without two hexadecimal digits.
    #[error("the target holds an incomplete escape")]
    BadEscape,
    /// `%00`.
    #[error("the target holds an escaped NUL")]
    Nul,
    /// More `..` than segments before it.
    #[error("the target leaves the root")]
    AboveRoot,
}

impl<'a> Target<'a> {
    /// Takes apart what stands between the method and the version in a request line.
    ///
    /// Accepts origin form and absolute form. The asterisk and the authority form are refused, as
    /// nginx refuses them in front of anything but a `CONNECT` tunnel.
    ///
    /// # Errors
    ///
    /// See [`TargetError`]; RFC 9112 §3.2 and nginx: `ngx_http_parse_request_line`.
    pub fn parse(target: &'a [u8], merge_slashes: bool) -> Result<Target<'a>, TargetError> {
        if target.first() == Some(&b'/') {
            return Target::of_path(target, None, merge_slashes);
        }
        let (authority, rest) = split_authority(target)?;
        let raw = if rest.is_empty() { &b"/"[..] } else { rest };
        Target::of_path(raw, Some(authority), merge_slashes)
    }

    /// Takes apart the `:path` of an HTTP/2 request, which begins with a slash.
    ///
    /// # Errors
    ///
    /// [`TargetError::Form`] if it does not, otherwise as [`Target::parse`]
    /// (RFC 9113 §8.3.1, nginx: `ngx_http_parse_uri`).
    pub fn parse_path(path: &'a [u8], merge_slashes: bool) -> Result<Target<'a>, TargetError> {
        if path.first() != Some(&b'/') {
            return Err(TargetError::Form);
        }
        Target::of_path(path, None, merge_slashes)
    }

    /// The extension of the path's last segment as it is written, without the dot; empty if none.
    ///
    /// A dot at the start of a segment begins no extension, nor does one directly behind `..`.
    pub fn extension(&self) -> &[u8] {
        self.extension
            .and_then(|start| self.path.get(start..))
            .unwrap_or_default()
    }

    fn of_path(
        raw: &'a [u8],
        authority: Option<&'a [u8]>,
        merge_slashes: bool,
    ) -> Result<Target<'a>, TargetError> {
        let raw_is_path = raw.first() == Some(&b'/');
        let seen = Seen::by_scanning(raw)?;
        let (path, rest, extension, has_escapes) = if raw_is_path && !seen.needs_work {
            let (path, rest) = raw.split_at(seen.path_length);
            (Cow::Borrowed(path), rest, seen.extension, seen.has_plus)
        } else {
            let Normalised {
                path,
                consumed,
                extension,
                has_escapes,
            } = normalise::normalise(raw, merge_slashes)?;
            (
                Cow::Owned(path),
                raw.get(consumed..).unwrap_or_default(),
                extension,
                has_escapes,
            )
        };
        let args = args_of(rest);
        Ok(Target {
            raw,
            authority,
            path,
            args,
            has_escapes,
            raw_is_path,
            extension,
        })
    }
}

/// Bytes that one look at a target must not pass over.
static SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte <= b' ' as usize {
        table[byte] = true;
        byte += 1;
    }
    let others = b"/.%+?#\x7f";
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
};

/// What one look at the raw bytes tells.
struct Seen {
    /// Whether the path must be decoded or normalised, or a fragment cut off.
    needs_work: bool,
    has_plus: bool,
    /// Length of the path in front of `?`.
    path_length: usize,
    extension: Option<usize>,
}

impl Seen {
    fn by_scanning(raw: &[u8]) -> Result<Seen, TargetError> {
        let mut seen = Seen {
            needs_work: false,
            has_plus: false,
            path_length: raw.len(),
            extension: None,
        };
        let mut after_slash = false;
        for (at, &byte) in raw.iter().enumerate() {
            if !SPECIAL[usize::from(byte)] {
                after_slash = false;
                continue;
            }
            match byte {
                b'/' => {
                    seen.needs_work |= after_slash;
                    after_slash = true;
                    seen.extension = None;
                    continue;
                }
                b'.' if after_slash => seen.needs_work = true,
                b'.' => seen.extension = Some(at + 1),
                b'%' => seen.needs_work = true,
                b'+' => seen.has_plus = true,
                b'#' => seen.needs_work = true,
                b'?' => {
                    seen.path_length = at;
                    seen.needs_work |= scan_args(&raw[at..])?;
                    break;
                }
                0..=b' ' | 0x7f => return Err(TargetError::UnescapedByte),
                _ => {}
            }
            after_slash = false;
        }
        Ok(seen)
    }
}

/// Checks the bytes behind the path; returns whether there is a fragment to cut off.
fn scan_args(args: &[u8]) -> Result<bool, TargetError> {
    let mut has_fragment = false;
    for &byte in args {
        if byte <= b' ' || byte == 0x7f {
            return Err(TargetError::UnescapedByte);
        }
        has_fragment |= byte == b'#';
    }
    Ok(has_fragment)
}

/// What stands between `?` and `#` in `rest`, which begins with either or is empty.
fn args_of(rest: &[u8]) -> &[u8] {
    match rest.split_first() {
        Some((b'?', args)) => {
            let end = memchr::memchr(b'#', args).unwrap_or(args.len());
            &args[..end]
        }
        _ => &[],
    }
}

/// Splits `http://host:port/path` into `host:port` and `/path`, which may be empty.
fn split_authority(target: &[u8]) -> Result<(&[u8], &[u8]), TargetError> {
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if !target.first().is_some_and(u8::is_ascii_alphabetic) {
        return Err(TargetError::Form);
    }
    let scheme = length_while(target, is_scheme);
    let rest = target[scheme..]
        .strip_prefix(b"://")
        .ok_or(TargetError::Form)?;
    let host = match rest.first() {
        Some(b'[') => {
            let inner = length_while(&rest[1..], is_literal_byte);
            if rest.get(1 + inner) != Some(&b']') {
                return Err(TargetError::Form);
            }
            inner + 2
        }
        _ => length_while(rest, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
        }),
    };
    let port = match rest.get(host) {
        Some(b':') => 1 + length_while(&rest[host + 1..], |byte| byte.is_ascii_digit()),
        _ => 0,
    };
    let (authority, path) = rest.split_at(host + port);
    match path.first() {
        None | Some(b'/' | b'?') => Ok((authority, path)),
        Some(_) => Err(TargetError::Form),
    }
}

fn length_while(bytes: &[u8], accept: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|&&byte| accept(byte)).count()
}

/// Bytes of an IP literal (RFC 3986 §3.2.2: unreserved, sub-delims and the colon).
fn is_literal_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b":-._~!$&'()*+,;=".contains(&byte)
}

#[cfg(test)]
mod tests;
