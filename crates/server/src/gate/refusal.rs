//! Requests that never reach a service: the status, the words for the log, and the page.

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;

/// How much a log line matters; nginx's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something that must not happen did.
    Alert,
    /// A resource of the system is failing.
    Crit,
    /// A request failed.
    Error,
    /// Something odd.
    Warn,
    /// What clients do wrong all day.
    Info,
}

/// Why a request is refused before any service sees it. The connection is closed afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What nginx calls it in its own tables and access log: 400 to 505, or 494.
    pub code: u16,
    /// What nginx writes into its error log.
    pub reason: Cow<'static, str>,
    /// The head was read to its end before the fault was found.
    pub whole: bool,
}

impl Refusal {
    pub(crate) fn new(code: u16, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            reason: reason.into(),
            whole: false,
        }
    }

    pub(crate) fn bad(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, reason)
    }

    /// The same, told with what was being read.
    pub(crate) fn found_while(self, doing: &str) -> Self {
        let reason = format!("{} while {doing}", self.reason);
        Self {
            reason: reason.into(),
            ..self
        }
    }

    /// The status on the wire: nginx's own codes above 493 are 400 to the client.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self.code {
            494..=499 => StatusCode::BAD_REQUEST,
            code => StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST),
        }
    }
}

/// nginx's short page for a refusal.
///
/// Source: nginx, `ngx_http_special_response.c`.
pub(crate) fn page(code: u16, server: &str) -> Bytes {
    let (title, line) = match code {
        405 => ("405 Not Allowed", ""),
        408 => ("408 Request Time-out", ""),
        413 => ("413 Request Entity Too Large", ""),
        414 => ("414 Request-URI Too Large", ""),
        494 => (
            "400 Request Header Or Cookie Too Large",
            "Request Header Or Cookie Too Large",
        ),
        500 => ("500 Internal Server Error", ""),
        501 => ("501 Not Implemented", ""),
        503 => ("503 Service Temporarily Unavailable", ""),
        505 => ("505 HTTP Version Not Supported", ""),
        _ => ("400 Bad Request", ""),
    };
    let heading = if line.is_empty() {
        title
    } else {
        "400 Bad Request"
    };
    let mut html = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{heading}</h1></center>\r\n"
    );
    if !line.is_empty() {
        html.push_str("<center>");
        html.push_str(line);
        html.push_str("</center>\r\n");
    }
    html.push_str("<hr><center>");
    html.push_str(server);
    html.push_str("</center>\r\n</body>\r\n</html>\r\n");
    Bytes::from(html)
}
