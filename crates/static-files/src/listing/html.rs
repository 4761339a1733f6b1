//! The page (`ngx_http_autoindex_html`).

use std::io::Write as _;

use super::{EntryKind, ListingEntry, ListingOptions, escape};
use crate::http_time::Civil;

/// Width of the column of names.
const NAME: usize = 50;

pub(super) fn page(uri: &[u8], entries: &[ListingEntry], options: &ListingOptions) -> Vec<u8> {
    let mut out = Vec::with_capacity(256 + entries.len() * 128);
    out.extend_from_slice(b"<html>\r\n<head><title>Index of ");
    escape::html(&mut out, uri);
    out.extend_from_slice(b"</title></head>\r\n<body>\r\n<h1>Index of ");
    escape::html(&mut out, uri);
    out.extend_from_slice(b"</h1><hr><pre><a href=\"../\">../</a>\r\n");
    for entry in entries {
        line(&mut out, entry, options);
    }
    out.extend_from_slice(b"</pre><hr></body>\r\n</html>\r\n");
    out
}

fn line(out: &mut Vec<u8>, entry: &ListingEntry, options: &ListingOptions) {
    let directory = entry.kind == EntryKind::Directory;
    out.extend_from_slice(b"<a href=\"");
    escape::uri_component(out, &entry.name);
    out.extend_from_slice(if directory { b"/\">" } else { b"\">" });
    name(out, &entry.name, directory, options.utf8);
    date(out, entry.modified.saturating_add(options.utc_offset));
    size(out, entry, options.exact_size);
    out.extend_from_slice(b"\r\n");
}

/// The name and what fills its column, `</a>` between them.
fn name(out: &mut Vec<u8>, name: &[u8], directory: bool, utf8: bool) {
    // Where a name is not UTF-8 throughout, bytes count.
    let text = std::str::from_utf8(name).ok().filter(|_| utf8);
    let length = text.map_or(name.len(), |text| text.chars().count());
    if length > NAME {
        let kept = NAME - 3;
        let kept = match text {
            Some(text) => text
                .char_indices()
                .nth(kept)
                .map_or(name.len(), |(at, _)| at),
            None => kept,
        };
        escape::html(out, name.get(..kept).unwrap_or_default());
        out.extend_from_slice(b"..&gt;</a> ");
        return;
    }
    escape::html(out, name);
    let slash = directory && length < NAME;
    out.extend_from_slice(if slash { b"/</a>" } else { b"</a>" });
    // One more, between the columns.
    out.resize(out.len() + NAME - length - usize::from(slash) + 1, b' ');
}

fn date(out: &mut Vec<u8>, modified: i64) {
    let date = Civil::from_unix(modified);
    let Civil {
        year,
        day,
        hour,
        minute,
        ..
    } = date;
    let month = date.month_name();
    write!(out, "{day:02}-{month}-{year} {hour:02}:{minute:02} ").expect("a Vec takes all");
}

fn size(out: &mut Vec<u8>, entry: &ListingEntry, exact: bool) {
    let written = match (entry.kind == EntryKind::Directory, exact) {
        (true, true) => write!(out, "{:>19}", "-"),
        (true, false) => write!(out, "{:>7}", "-"),
        (false, true) => write!(out, "{:>19}", entry.size),
        (false, false) => {
            let (number, unit) = rounded(entry.size);
            write!(
                out,
                "{}",
                if unit == ' ' {
                    format!("{number:>7}")
                } else {
                    format!("{number:>6}{unit}")
                }
            )
        }
    };
    written.expect("a Vec takes all");
}

fn rounded(size: u64) -> (u64, char) {
    let in_units = |unit: u64| size / unit + u64::from(size % unit > unit / 2 - 1);
    match size {
        0x4000_0000.. => (in_units(1 << 30), 'G'),
        0x10_0000.. => (in_units(1 << 20), 'M'),
        10_000.. => (in_units(1 << 10), 'K'),
        _ => (size, ' '),
    }
}
