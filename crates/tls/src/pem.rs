//! PEM: certificates, keys and lists of revoked certificates as text (RFC 7468, and what OpenSSL
//! puts there besides).

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use base64ct::{Base64, Encoding as _};

use crate::error::open_failed;
use crate::remembered::read_file;

/// Where PEM text comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// A file.
    File(PathBuf),
    /// The text itself: nginx's `data:`.
    Data(String),
}

/// One block of PEM text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Section {
    /// What it is: `CERTIFICATE`, `PRIVATE KEY`.
    pub(crate) label: String,
    /// Whether it is encrypted the way of old, with fields before the text (RFC 1421).
    pub(crate) has_fields: bool,
    /// The content.
    pub(crate) der: Vec<u8>,
}

impl Source {
    /// The source that a directive names; relative names are below `prefix`.
    pub(crate) fn new(name: &str, prefix: &Path) -> Self {
        match name.strip_prefix("data:") {
            Some(text) => Self::Data(text.to_owned()),
            None => Self::File(prefix.join(name)),
        }
    }

    /// The text, or OpenSSL's words for why there is none. A directory is empty: it can be opened.
    pub(crate) fn read(&self) -> Result<Cow<'_, [u8]>, String> {
        let path = match self {
            Self::Data(text) => return Ok(Cow::Borrowed(text.as_bytes())),
            Self::File(path) => path,
        };
        match read_file(path) {
            Ok(text) => Ok(Cow::Owned(text)),
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => Ok(Cow::Borrowed(b"")),
            Err(error) => Err(open_failed(path, &error)),
        }
    }
}

/// The blocks of a text, up to the first that is broken.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sections {
    pub(crate) found: Vec<Section>,
    /// OpenSSL's words for the broken one.
    pub(crate) broken: Option<&'static str>,
}

/// Reads blocks; what stands between them is a comment.
pub(crate) fn sections(text: &[u8]) -> Sections {
    let text = String::from_utf8_lossy(text);
    let mut sections = Sections::default();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(label) = boundary(line, "-----BEGIN ") else {
            continue;
        };
        match section(label, &mut lines) {
            Ok(section) => sections.found.push(section),
            Err(reason) => {
                sections.broken = Some(reason);
                break;
            }
        }
    }
    sections
}

/// What follows the line that begins a block.
fn section<'t>(
    label: &str,
    lines: &mut impl Iterator<Item = &'t str>,
) -> Result<Section, &'static str> {
    let mut body = String::new();
    let mut has_fields = false;
    loop {
        let line = lines
            .next()
            .ok_or("error:04800066:PEM routines::bad end line")?;
        if let Some(end) = boundary(line, "-----END ") {
            if end != label {
                return Err("error:04800066:PEM routines::bad end line");
            }
            break;
        }
        if line.contains(':') {
            has_fields = true;
        } else {
            body.extend(line.chars().filter(|letter| !letter.is_whitespace()));
        }
    }
    let der = match Base64::decode_vec(&body) {
        Ok(der) => der,
        // Its text is not what the fields leave of it; the label still tells what it was.
        Err(_) if has_fields => Vec::new(),
        Err(_) => return Err("error:04800064:PEM routines::bad base64 decode"),
    };
    Ok(Section {
        label: label.to_owned(),
        has_fields,
        der,
    })
}

fn boundary<'t>(line: &'t str, begin: &str) -> Option<&'t str> {
    line.trim_end().strip_prefix(begin)?.strip_suffix("-----")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_among_comments() {
        let text = b"a comment\n-----BEGIN A B-----\r\nAQID\nBA==\n-----END A B-----\n\
                     -----BEGIN X-----\nProc-Type: 4,ENCRYPTED\n\nAQ==\n-----END X-----";
        let Sections { found, broken } = sections(text);
        assert_eq!((found.len(), broken), (2, None));
        assert_eq!(found[0].label, "A B");
        assert_eq!(found[0].der, [1, 2, 3, 4]);
        assert!(!found[0].has_fields && found[1].has_fields);
        assert_eq!(sections(b"nothing"), Sections::default());
    }

    #[test]
    fn broken_blocks_are_told() {
        for broken in [
            "-----BEGIN A-----\nAQID\n",
            "-----BEGIN A-----\nAQID\n-----END B-----",
            "-----BEGIN A-----\nA!ID\n-----END A-----",
        ] {
            assert!(sections(broken.as_bytes()).broken.is_some(), "{broken}");
            let behind = format!("-----BEGIN A-----\nAQID\n-----END A-----\n{broken}");
            let behind = sections(behind.as_bytes());
            assert!(
                behind.found.len() == 1 && behind.broken.is_some(),
                "{broken}"
            );
        }
    }
}
