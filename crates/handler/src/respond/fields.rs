//! Where the fields of a head go: as lines to an HTTP/1 connection, or into a map.

use http::{HeaderMap, HeaderName, HeaderValue};
use portunus_server::ReadyFields;

/// The fields of an answer that nginx writes itself.
pub(super) enum Fields {
    /// For HTTP/2, and where the configuration asks for fields that were sent.
    Map(HeaderMap),
    /// The quicker way: lines as they are sent.
    Ready(ReadyFields),
}

impl Fields {
    /// Adds a field; `spelled` is its name as nginx writes it.
    pub(super) fn put(&mut self, name: HeaderName, spelled: &str, value: &HeaderValue) {
        match self {
            Self::Map(map) => drop(map.insert(name, value.clone())),
            Self::Ready(ready) => ready.field(spelled, value.as_bytes()),
        }
    }

    /// Adds a field that there may be more of.
    pub(super) fn put_more(&mut self, name: HeaderName, spelled: &str, value: HeaderValue) {
        match self {
            Self::Map(map) => drop(map.append(name, value)),
            Self::Ready(ready) => ready.field(spelled, value.as_bytes()),
        }
    }

    /// Adds `Content-Length`; `made` is its value where that is at hand.
    pub(super) fn content_length(&mut self, length: u64, made: Option<HeaderValue>) {
        match self {
            Self::Map(map) => {
                let value = made.unwrap_or_else(|| HeaderValue::from(length));
                map.insert(http::header::CONTENT_LENGTH, value);
            }
            Self::Ready(ready) => ready.content_length(length),
        }
    }

    /// The place of `Date`, which the connection writes.
    pub(super) fn date(&mut self) {
        if let Self::Ready(ready) = self {
            ready.date();
        }
    }

    /// The place of `Connection`, which the connection writes; a map has it for variables.
    pub(super) fn connection(&mut self, said: Option<&'static str>) {
        match (self, said) {
            (Self::Ready(ready), _) => ready.connection(),
            (Self::Map(map), Some(said)) => {
                map.insert(http::header::CONNECTION, HeaderValue::from_static(said));
            }
            (Self::Map(_), None) => {}
        }
    }
}
