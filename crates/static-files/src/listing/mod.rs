//! Directory listings: `autoindex` byte for byte as nginx writes it, and the choice of `random_index`.

mod data;
mod escape;
mod html;

use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::io::Errno;

use crate::error::{Call, OpenError};

/// `autoindex_format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListingFormat {
    /// A page.
    #[default]
    Html,
    /// An array of objects.
    Json,
    /// The same in a call, if the request names a function; see [`jsonp_callback`].
    Jsonp,
    /// A `list` element. Its charset is UTF-8 whatever `charset` says.
    Xml,
}

impl ListingFormat {
    /// `Content-Type`. JSONP without a function is JSON.
    #[must_use]
    pub fn content_type(self, callback: bool) -> &'static str {
        match self {
            Self::Html => "text/html",
            Self::Jsonp if callback => "application/javascript",
            Self::Json | Self::Jsonp => "application/json",
            Self::Xml => "text/xml",
        }
    }
}

/// How to list.
#[derive(Clone, Copy, Debug)]
pub struct ListingOptions {
    /// `autoindex_format`.
    pub format: ListingFormat,
    /// `autoindex_exact_size`.
    pub exact_size: bool,
    /// `autoindex_localtime`: seconds to add to UTC, 0 if it is off. Pages only.
    pub utc_offset: i64,
    /// The answer's charset is UTF-8: a page counts characters, not bytes.
    pub utf8: bool,
}

impl Default for ListingOptions {
    fn default() -> Self {
        Self {
            format: ListingFormat::Html,
            exact_size: true,
            utc_offset: 0,
            utf8: false,
        }
    }
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory, or a link to one.
    Directory,
    /// A regular file, or a link to one.
    File,
    /// Anything else, a dangling link included.
    Other,
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListingEntry {
    /// Its name.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// Modification time, seconds since 1970.
    pub modified: i64,
    /// Size in bytes.
    pub size: u64,
}

/// Reads a directory as `autoindex` shows it: without dotfiles, directories first, then by name. Blocks.
///
/// # Errors
/// With nginx's words for a directory that cannot be opened, or an entry that cannot be looked at.
pub fn read_directory(path: &[u8]) -> Result<Vec<ListingEntry>, OpenError> {
    let path = Path::new(OsStr::from_bytes(path));
    let read = fs::read_dir(path).map_err(failed(Call::OpenDir))?;
    read_entries(path, read.map(|entry| entry.map(|entry| entry.file_name())))
}

/// Looks at what has these names in the directory `path`.
fn read_entries(
    path: &Path,
    names: impl IntoIterator<Item = io::Result<OsString>>,
) -> Result<Vec<ListingEntry>, OpenError> {
    let mut entries = Vec::new();
    for name in names {
        let name = name.map_err(failed(Call::Read))?.into_vec();
        if name.starts_with(b".") {
            continue;
        }
        let at = path.join(OsStr::from_bytes(&name));
        let Some(metadata) = look_at(&at).map_err(failed(Call::Stat))? else {
            continue;
        };
        let kind = match metadata.file_type() {
            kind if kind.is_dir() => EntryKind::Directory,
            kind if kind.is_file() => EntryKind::File,
            _ => EntryKind::Other,
        };
        entries.push(ListingEntry {
            name,
            kind,
            modified: metadata.mtime(),
            size: metadata.size(),
        });
    }
    entries.sort_by(|a, b| {
        let rank = |entry: &ListingEntry| entry.kind != EntryKind::Directory;
        rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(&b.name))
    });
    Ok(entries)
}

/// What an entry is; of a link, what it leads to, if to anything. `None` where we may not look, or it is gone.
///
/// Source: nginx, `ngx_http_autoindex_handler`. Differs: nginx breaks the listing off where an entry has been removed
/// since its name was read.
fn look_at(path: &Path) -> io::Result<Option<Metadata>> {
    let link = match fs::metadata(path) {
        Err(error) if matches!(errno_of(&error), Errno::NOENT | Errno::LOOP) => {
            fs::symlink_metadata(path)
        }
        looked => looked,
    };
    match link {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if matches!(errno_of(&error), Errno::NOENT | Errno::ACCESS) => Ok(None),
        Err(error) => Err(error),
    }
}

fn failed(call: Call) -> impl Fn(io::Error) -> OpenError {
    move |error| OpenError::new(call, errno_of(&error))
}

fn errno_of(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

/// Writes a listing. `uri` is the decoded request URI; `callback` a function's name that [`jsonp_callback`] let pass.
#[must_use]
pub fn render(
    uri: &[u8],
    entries: &[ListingEntry],
    callback: Option<&[u8]>,
    options: &ListingOptions,
) -> Vec<u8> {
    match options.format {
        ListingFormat::Html => html::page(uri, entries, options),
        ListingFormat::Json => data::json(entries, None),
        ListingFormat::Jsonp => data::json(entries, callback),
        ListingFormat::Xml => data::xml(entries),
    }
}

/// The `callback` argument of a request: at most 128 letters, digits, `_` and `.`; an empty one is none.
///
/// # Errors
/// If it is anything else: answer 400, log `client sent invalid callback name`.
pub fn jsonp_callback(argument: Option<&[u8]>) -> Result<Option<&[u8]>, InvalidCallback> {
    let Some(name) = argument.filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    let fine = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    if name.len() <= 128 && name.iter().all(fine) {
        Ok(Some(name))
    } else {
        Err(InvalidCallback)
    }
}

/// The client named a function that cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("client sent invalid callback name")]
pub struct InvalidCallback;

/// `random_index`: one of the directory's regular files, dotfiles aside. `random` is any number. `None` if there is none.
#[must_use]
pub fn random_index(entries: &[ListingEntry], random: u64) -> Option<&[u8]> {
    let files = || entries.iter().filter(|entry| entry.kind == EntryKind::File);
    let count = files().count() as u64;
    let at = usize::try_from(random.checked_rem(count)?).ok()?;
    files().nth(at).map(|entry| entry.name.as_slice())
}

#[cfg(test)]
mod tests;
