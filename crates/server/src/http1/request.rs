//! From what the gate has read of a head to the request that a service sees.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::{HeaderMap, Method, Request, Uri, Version};

use crate::gate::{Refusal, Scan, write_encoded};

/// The request; the values of its fields share the memory of `raw`.
pub(super) fn build(scan: &Scan, raw: &Bytes) -> Result<Request<()>, Refusal> {
    let line = scan.line.as_ref().ok_or_else(invalid)?;
    let part = |range: &std::ops::Range<usize>| raw.get(range.clone()).unwrap_or_default();
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(part(&line.method)).map_err(|_| invalid())?;
    let target = part(&line.target);
    let uri = if line.odd || target.first() != Some(&b'/') {
        Uri::from_maybe_shared(encoded(target))
    } else {
        Uri::from_maybe_shared(raw.slice(line.target.clone()))
    };
    *request.uri_mut() = uri.map_err(|_| Refusal::new(414, "client sent too long URI"))?;
    *request.version_mut() = if line.version > 1000 {
        Version::HTTP_11
    } else {
        Version::HTTP_10
    };
    *request.headers_mut() = fields(scan, raw)?;
    Ok(request)
}

/// A target that [`Uri`] takes, and that begins with a slash.
fn encoded(target: &[u8]) -> Bytes {
    let mut text = Vec::with_capacity(target.len() + 16);
    if target.first() != Some(&b'/') {
        text.push(b'/');
    }
    write_encoded(target, &mut text);
    Bytes::from(text)
}

fn fields(scan: &Scan, raw: &Bytes) -> Result<HeaderMap, Refusal> {
    let lines = &scan.fields.lines;
    let too_many = |_| Refusal::new(494, "client sent too many header lines");
    let mut fields = HeaderMap::try_with_capacity(lines.len() + 1).map_err(too_many)?;
    for line in lines {
        let name = raw.get(line.name()).unwrap_or_default();
        let name = HeaderName::from_bytes(name).map_err(|_| invalid())?;
        let value = raw.slice(line.value());
        let value = HeaderValue::from_maybe_shared(value).map_err(|_| invalid())?;
        fields.try_append(name, value).map_err(too_many)?;
    }
    if scan.fields.chunked {
        let value = HeaderValue::from_static("chunked");
        fields
            .try_insert(TRANSFER_ENCODING, value)
            .map_err(too_many)?;
    } else if let Some(length) = scan.fields.content_length {
        fields
            .try_insert(CONTENT_LENGTH, HeaderValue::from(length))
            .map_err(too_many)?;
    }
    Ok(fields)
}

fn invalid() -> Refusal {
    Refusal::bad("client sent invalid request")
}
