//! The head of an answer as it goes over the wire.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, SERVER, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, StatusCode, response};

use super::sending::Coding;
use crate::answer::Persist;
use crate::connection::ReadyFields;
use crate::spelling::{Names, Spelling, write_field};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// What a head is made of.
pub(super) struct AnswerHead<'a> {
    pub(super) parts: &'a response::Parts,
    /// The reason phrase of the server that the answer is of, with the status that it belongs to.
    pub(super) reason: Option<(StatusCode, Bytes)>,
    pub(super) ready: Option<&'a ReadyFields>,
    pub(super) coding: Coding,
    /// The length, where the fields do not tell it.
    pub(super) length: Option<u64>,
    pub(super) persist: Persist,
    pub(super) date: &'a [u8],
    pub(super) operator: &'a Spelling,
    pub(super) own: &'a Names,
}

impl AnswerHead<'_> {
    /// Writes it. The service's fields come in their order; those of the connection stand where it
    /// has put its own `Connection`, or else at the end, and `Date` behind `Server`, as in nginx.
    ///
    /// Source: nginx, `ngx_http_header_filter`.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match &self.reason {
            Some((status, reason)) if *status == self.parts.status => {
                write_line(*status, reason, out);
            }
            _ => write_status(self.parts.status, out),
        }
        let fields = &self.parts.headers;
        if let Some(ready) = self.ready {
            return self.write_ready(ready, out);
        }
        let mut date_due = !fields.contains_key(DATE);
        if date_due && !fields.contains_key(SERVER) {
            self.write_date(out);
            date_due = false;
        }
        let mut connection_due = true;
        for (name, value) in fields {
            match *name {
                CONNECTION if std::mem::take(&mut connection_due) => self.write_connection(out),
                CONNECTION | TRANSFER_ENCODING => continue,
                CONTENT_LENGTH if self.coding == Coding::Chunked => continue,
                _ if *name == KEEP_ALIVE => continue,
                _ => {
                    self.write_field(name, value, out);
                    if date_due && *name == SERVER {
                        self.write_date(out);
                        date_due = false;
                    }
                }
            }
        }
        if connection_due {
            self.write_connection(out);
        }
        out.extend_from_slice(b"\r\n");
    }

    /// What the service has written itself, and further fields behind it.
    fn write_ready(&self, ready: &ReadyFields, out: &mut Vec<u8>) {
        let (before, between, after) = ready.parts();
        out.extend_from_slice(before);
        if !ready.more().contains(&DATE) && !self.parts.headers.contains_key(DATE) {
            self.write_date(out);
        }
        out.extend_from_slice(between);
        self.write_connection(out);
        out.extend_from_slice(after);
        let told = ready.length().is_some() || self.coding == Coding::Chunked;
        for (name, value) in ready.more().iter().chain(&self.parts.headers) {
            match *name {
                CONTENT_LENGTH if told => {}
                CONNECTION | TRANSFER_ENCODING => {}
                _ if *name == KEEP_ALIVE => {}
                _ => self.write_field(name, value, out),
            }
        }
        out.extend_from_slice(b"\r\n");
    }

    fn write_field(&self, name: &HeaderName, value: &HeaderValue, out: &mut Vec<u8>) {
        write_field(
            name.as_str(),
            value.as_bytes(),
            self.operator,
            self.own,
            out,
        );
    }

    fn write_date(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"Date: ");
        out.extend_from_slice(self.date);
        out.extend_from_slice(b"\r\n");
    }

    fn write_connection(&self, out: &mut Vec<u8>) {
        if let Some(length) = self.length {
            out.extend_from_slice(b"Content-Length: ");
            out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        if self.coding == Coding::Chunked {
            out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
        }
        match self.persist {
            Persist::Close => out.extend_from_slice(b"Connection: close\r\n"),
            Persist::Upgrade => out.extend_from_slice(b"Connection: upgrade\r\n"),
            Persist::Keep(seconds) => {
                out.extend_from_slice(b"Connection: keep-alive\r\n");
                if let Some(seconds) = seconds {
                    out.extend_from_slice(b"Keep-Alive: timeout=");
                    out.extend_from_slice(itoa::Buffer::new().format(seconds).as_bytes());
                    out.extend_from_slice(b"\r\n");
                }
            }
        }
    }
}

/// The first line, with nginx's words where it has some.
fn write_status(status: StatusCode, out: &mut Vec<u8>) {
    if status == StatusCode::OK {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    write_line(status, own_reason(status).as_bytes(), out);
}

fn write_line(status: StatusCode, reason: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(reason);
    out.extend_from_slice(b"\r\n");
}

/// The phrase of a status; nginx has none for those that it does not answer with itself.
///
/// Source: nginx, `ngx_http_status_lines`.
pub(crate) fn own_reason(status: StatusCode) -> &'static str {
    match status.as_u16() {
        302 => "Moved Temporarily",
        405 => "Not Allowed",
        408 => "Request Time-out",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Large",
        416 => "Requested Range Not Satisfiable",
        503 => "Service Temporarily Unavailable",
        504 => "Gateway Time-out",
        101
        | 200..=202
        | 204
        | 206
        | 301..=304
        | 307
        | 308
        | 400..=416
        | 421
        | 429
        | 500..=505
        | 507 => status.canonical_reason().unwrap_or_default(),
        _ => "",
    }
}
