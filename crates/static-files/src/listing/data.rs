//! For programs: `ngx_http_autoindex_json`, `ngx_http_autoindex_xml`.

use std::io::Write as _;

use super::{EntryKind, ListingEntry, escape};
use crate::http_time::{self, Civil};

fn kind(entry: &ListingEntry) -> &'static str {
    match entry.kind {
        EntryKind::Directory => "directory",
        EntryKind::File => "file",
        EntryKind::Other => "other",
    }
}

pub(super) fn json(entries: &[ListingEntry], callback: Option<&[u8]>) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + entries.len() * 128);
    if let Some(callback) = callback {
        out.extend_from_slice(b"/* callback */\r\n");
        out.extend_from_slice(callback);
        out.push(b'(');
    }
    out.push(b'[');
    for (at, entry) in entries.iter().enumerate() {
        out.extend_from_slice(if at == 0 {
            b"\r\n{ \"name\":\""
        } else {
            b",\r\n{ \"name\":\""
        });
        escape::json(&mut out, &entry.name);
        let (kind, modified) = (kind(entry), http_time::format(entry.modified));
        write!(out, "\", \"type\":\"{kind}\", \"mtime\":\"{modified}\"").expect("a Vec takes all");
        if entry.kind == EntryKind::File {
            write!(out, ", \"size\":{}", entry.size).expect("a Vec takes all");
        }
        out.extend_from_slice(b" }");
    }
    out.extend_from_slice(b"\r\n]");
    if callback.is_some() {
        out.extend_from_slice(b");");
    }
    out
}

pub(super) fn xml(entries: &[ListingEntry]) -> Vec<u8> {
    let mut out = b"<?xml version=\"1.0\"?>\r\n<list>\r\n".to_vec();
    for entry in entries {
        let kind = kind(entry);
        let Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
            ..
        } = Civil::from_unix(entry.modified);
        let date = format!("{year:4}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
        write!(out, "<{kind} mtime=\"{date}\"").expect("a Vec takes all");
        if entry.kind == EntryKind::File {
            write!(out, " size=\"{}\"", entry.size).expect("a Vec takes all");
        }
        out.push(b'>');
        escape::html(&mut out, &entry.name);
        write!(out, "</{kind}>\r\n").expect("a Vec takes all");
    }
    out.extend_from_slice(b"</list>\r\n");
    out
}
