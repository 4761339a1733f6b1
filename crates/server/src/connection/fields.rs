//! The fields of a request: looked up where they are, or put into a map when somebody asks for one.

use std::cell::OnceCell;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};

use super::Head;

/// The fields of a request. Most answers from files need none of them, and a map costs 0.4 µs.
#[derive(Debug, Default)]
pub(super) struct Fields {
    map: OnceCell<Box<HeaderMap>>,
}

impl From<HeaderMap> for Fields {
    fn from(map: HeaderMap) -> Self {
        Self {
            map: Box::new(map).into(),
        }
    }
}

impl Fields {
    /// All of them; those of the framing as the gate has understood them.
    pub(super) fn map(&self, head: &Head) -> &HeaderMap {
        self.map.get_or_init(|| Box::new(collect(head)))
    }

    /// From now on there are none, unless a map of them has been made.
    pub(super) fn forget(&self) {
        self.map.get_or_init(Box::default);
    }

    /// Whether one of them has this name. Most that are asked for are not there, and need no look at the lines.
    #[inline]
    pub(super) fn has(&self, head: &Head, name: &HeaderName) -> bool {
        head.names.may_hold(name.as_str().as_bytes()) && self.holds(head, name)
    }

    /// The same of a name that may be there.
    #[inline(never)]
    fn holds(&self, head: &Head, name: &HeaderName) -> bool {
        if let Some(map) = self.map.get() {
            return map.contains_key(name);
        }
        match *name {
            CONTENT_LENGTH => head.content_length.is_some() && !head.chunked,
            TRANSFER_ENCODING => head.chunked,
            _ => {
                let name = name.as_str().as_bytes();
                head.lines.iter().any(|line| {
                    let range = line.name();
                    range.len() == name.len() && part(&head.raw, range).eq_ignore_ascii_case(name)
                })
            }
        }
    }
}

impl Fields {
    /// Name and value of each in its order, names in the client's spelling as far as they have one, but for
    /// those of the framing.
    pub(super) fn lines<'f>(
        &'f self,
        head: &'f Head,
    ) -> impl Iterator<Item = (&'f [u8], &'f [u8])> {
        let lines = head.lines.iter();
        let lines = lines.map(|line| (part(&head.raw, line.name()), part(&head.raw, line.value())));
        // Over HTTP/2 there are no lines, and the map was there from the start.
        let map = self.map.get().filter(|_| head.lines.is_empty());
        let fields = map.into_iter().flat_map(|map| map.iter());
        let fields =
            fields.filter(|(name, _)| !matches!(**name, CONTENT_LENGTH | TRANSFER_ENCODING));
        lines.chain(fields.map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes())))
    }
}

/// Makes the map; the values share the memory of the head.
fn collect(head: &Head) -> HeaderMap {
    let mut fields = HeaderMap::with_capacity(head.lines.len() + 1);
    for line in &head.lines {
        // The gate lets nothing pass that is no name or no value.
        let name = HeaderName::from_bytes(part(&head.raw, line.name()));
        let value = HeaderValue::from_maybe_shared(head.raw.slice(line.value()));
        if let (Ok(name), Ok(value)) = (name, value) {
            fields.append(name, value);
        }
    }
    if head.chunked {
        fields.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    } else if let Some(length) = head.content_length {
        fields.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    fields
}

fn part(raw: &Bytes, range: std::ops::Range<usize>) -> &[u8] {
    raw.get(range).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::gate::{Scan, Step, Watch};
    use crate::settings::Settings;

    struct Unseen;

    impl Watch for Unseen {
        fn ignored(&mut self, _: &[u8]) {}

        fn host(&mut self, _: &[u8]) -> Option<Arc<Settings>> {
            None
        }
    }

    fn head(text: &str) -> Head {
        let mut scan = Scan::new(Arc::default());
        let step = scan.advance(text.as_bytes(), &mut Unseen);
        assert!(matches!(step, Step::Whole(_)), "{step:?}");
        Head {
            raw: Bytes::copy_from_slice(text.as_bytes()),
            lines: scan.fields.lines,
            names: scan.fields.names,
            content_length: scan.fields.content_length,
            chunked: scan.fields.chunked,
            ..Head::default()
        }
    }

    #[test]
    fn a_field_is_found_with_a_map_as_without() {
        let head = head(
            "POST / HTTP/1.1\r\nHost: a\r\nX-Two: 1\r\nx-two:  2 \r\nContent-Length: 3\r\n\r\n",
        );
        let names = [
            ("host", true),
            ("x-two", true),
            ("x-twa", false),
            // A name that only the lines can tell from another, and one that the mask can.
            ("hast", false),
            ("range", false),
            ("content-length", true),
            ("transfer-encoding", false),
        ];
        let fields = Fields::default();
        for made in [false, true] {
            assert_eq!(fields.map.get().is_some(), made);
            for (name, there) in names {
                let name = HeaderName::from_static(name);
                assert_eq!(fields.has(&head, &name), there, "{name}");
            }
            let map = fields.map(&head);
            let values = map.get_all("x-two").iter().map(HeaderValue::as_bytes);
            assert!(values.eq([b"1", b"2"]));
            let lines = [("Host", "a"), ("X-Two", "1"), ("x-two", "2")];
            let lines = lines.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
            assert!(fields.lines(&head).eq(lines));
        }
    }

    #[test]
    fn whichever_fields_have_come_those_are_found_and_no_others() {
        let names = [
            "Range",
            "VIA",
            "if-range",
            "If-Match",
            "If-None-Match",
            "accept-Encoding",
            "Accept-Language",
            "X-Accel-Expires",
            "Content-Length",
            "9",
        ];
        for chosen in 0..1_u32 << names.len() {
            let is_there = |at: usize| chosen & (1 << at) != 0;
            let mut text = String::from("GET / HTTP/1.1\r\nhost: a\r\n");
            let there = names.iter().enumerate().filter(|(at, _)| is_there(*at));
            text.extend(there.map(|(_, name)| format!("{name}: 1\r\n")));
            let head = head(&(text + "\r\n"));
            let fields = Fields::default();
            for (at, name) in names.iter().enumerate() {
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                assert_eq!(fields.has(&head, &name), is_there(at), "{name} {chosen:b}");
            }
        }
    }

    #[test]
    fn what_is_forgotten_is_not_there() {
        let head = head("GET / HTTP/1.1\r\nHost: a\r\nRange: b\r\nContent-Length: 3\r\n\r\n");
        let fields = Fields::default();
        fields.forget();
        for name in [http::header::HOST, http::header::RANGE, CONTENT_LENGTH] {
            assert!(!fields.has(&head, &name), "{name}");
        }
    }
}
