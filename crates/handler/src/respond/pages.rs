//! nginx's short pages for statuses that nobody else has an answer for.
//!
//! Source: nginx, ngx_http_special_response.c (titles and shape; suite and users look at both).

use bytes::{BufMut, Bytes, BytesMut};

/// The status line's text as nginx writes it, or `None` for statuses without a page.
#[must_use]
pub(crate) fn title(status: u16) -> Option<&'static str> {
    Some(match status {
        301 => "301 Moved Permanently",
        302 => "302 Found",
        303 => "303 See Other",
        307 => "307 Temporary Redirect",
        308 => "308 Permanent Redirect",
        400 => "400 Bad Request",
        401 => "401 Authorization Required",
        402 => "402 Payment Required",
        403 => "403 Forbidden",
        404 => "404 Not Found",
        405 => "405 Not Allowed",
        406 => "406 Not Acceptable",
        408 => "408 Request Time-out",
        409 => "409 Conflict",
        410 => "410 Gone",
        411 => "411 Length Required",
        412 => "412 Precondition Failed",
        413 => "413 Request Entity Too Large",
        414 => "414 Request-URI Too Large",
        415 => "415 Unsupported Media Type",
        416 => "416 Requested Range Not Satisfiable",
        421 => "421 Misdirected Request",
        429 => "429 Too Many Requests",
        494 => "400 Request Header Or Cookie Too Large",
        495 => "400 The SSL certificate error",
        496 => "400 No required SSL certificate was sent",
        497 => "400 The plain HTTP request was sent to HTTPS port",
        500 => "500 Internal Server Error",
        501 => "501 Not Implemented",
        502 => "502 Bad Gateway",
        503 => "503 Service Temporarily Unavailable",
        504 => "504 Gateway Time-out",
        505 => "505 HTTP Version Not Supported",
        507 => "507 Insufficient Storage",
        _ => return None,
    })
}

/// What a page says below its title, where it says more than the title.
fn explanation(status: u16) -> Option<&'static str> {
    Some(match status {
        494 => "Request Header Or Cookie Too Large",
        495 => "The SSL certificate error",
        496 => "No required SSL certificate was sent",
        497 => "The plain HTTP request was sent to HTTPS port",
        _ => return None,
    })
}

/// A line of `msie_padding`; there are six.
const PADDING: &[u8] = b"<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n";

/// The page for a status, or `None` where the answer has no body.
#[must_use]
pub(crate) fn page(status: u16, product: &[u8], padded: bool) -> Option<Bytes> {
    let title = title(status)?;
    let shown = if explanation(status).is_some() {
        "400 Bad Request"
    } else {
        title
    };
    let mut page = BytesMut::with_capacity(if padded { 1024 } else { 256 });
    for part in [
        "<html>\r\n<head><title>",
        title,
        "</title></head>\r\n<body>\r\n<center><h1>",
    ] {
        page.put(part.as_bytes());
    }
    page.put(shown.as_bytes());
    page.put(&b"</h1></center>\r\n"[..]);
    if let Some(text) = explanation(status) {
        page.put(&b"<center>"[..]);
        page.put(text.as_bytes());
        page.put(&b"</center>\r\n"[..]);
    }
    page.put(&b"<hr><center>"[..]);
    page.put(product);
    page.put(&b"</center>\r\n</body>\r\n</html>\r\n"[..]);
    for _ in 0..if padded { 6 } else { 0 } {
        page.put(PADDING);
    }
    Some(page.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_the_shape_that_people_know() {
        let page = page(404, b"nginx", false).unwrap();
        let text = std::str::from_utf8(&page).unwrap();
        assert!(text.starts_with("<html>\r\n<head><title>404 Not Found</title></head>\r\n"));
        assert!(text.ends_with("<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"));
        assert_eq!(page.len(), 146);
    }

    #[test]
    fn statuses_without_a_page_have_none() {
        assert!(page(204, b"nginx", true).is_none());
        assert!(page(418, b"nginx", true).is_none());
    }
}
