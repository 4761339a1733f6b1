//! What an `X-Accel-Redirect` leaves of the `Content-Type` that it came with.
//!
//! nginx has one place for an answer's type and another for its charset, and goes on with both. A page for an error
//! empties the first alone, so that a charset outlives it.
//!
//! Source: nginx, `ngx_http_upstream_copy_content_type`, `ngx_http_special_response_handler`.

use http::HeaderValue;

use crate::respond::{split_charset, with_charset};

/// The type and the charset of an answer that another one takes the place of.
#[derive(Debug, Default)]
pub(crate) struct CarriedMedia {
    value: Option<HeaderValue>,
    charset: Option<Box<[u8]>>,
}

impl CarriedMedia {
    /// Keeps what an answer says; where that names no charset, the one before stays.
    pub(super) fn keep(&mut self, value: HeaderValue) {
        if let (_, Some(charset)) = split_charset(value.as_bytes()) {
            self.charset = Some(charset.into());
        }
        self.value = Some(value);
    }

    /// There is neither.
    pub(crate) const fn is_empty(&self) -> bool {
        self.value.is_none() && self.charset.is_none()
    }

    /// Forgets all but the charset.
    pub(crate) fn forget_type(&mut self) {
        self.value = None;
    }

    /// The type of an answer that has one of its own only where none was carried here; and whether anything was.
    pub(crate) fn or_else(
        &mut self,
        own: impl FnOnce() -> Option<HeaderValue>,
    ) -> (Option<HeaderValue>, bool) {
        let Self { value, charset } = self;
        let carried = value.is_some() || charset.is_some();
        let value = value.take().or_else(own);
        (value.map(|value| self.named(value)), carried)
    }

    /// The type of an answer that says itself what it is, or else what was carried here.
    pub(super) fn under(&mut self, own: Option<HeaderValue>) -> Option<HeaderValue> {
        let value = own.or_else(|| self.value.take());
        value.map(|value| self.named(value))
    }

    /// A type with the charset that was carried here, unless it names one.
    pub(crate) fn named(&self, media: HeaderValue) -> HeaderValue {
        match (split_charset(media.as_bytes()), &self.charset) {
            ((bare, None), Some(charset)) => with_charset(bare, charset).unwrap_or(media),
            _ => media,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charset_outlives_its_type() {
        let media = |text| Some(HeaderValue::from_static(text));
        let mut carried = CarriedMedia::default();
        assert_eq!(carried.under(None), None);
        carried.keep(HeaderValue::from_static("a/b;charset=\"x\""));
        carried.keep(HeaderValue::from_static("c/d"));
        assert_eq!(carried.under(None), media("c/d; charset=x"));
        carried.keep(HeaderValue::from_static("e/f"));
        carried.forget_type();
        let (own, had) = carried.or_else(|| media("g/h"));
        assert_eq!((own, had), (media("g/h; charset=x"), true));
        let named = media("i/j; charset=y");
        assert_eq!(carried.under(named.clone()), named);
    }
}
