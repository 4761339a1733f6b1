//! The CGI head at the start of `Stdout` (RFC 3875 §6).

mod field;
mod list;
mod parser;

pub use list::CgiFields;
pub use parser::{HeadLimits, HeadParser};

use bytes::Bytes;
use http::StatusCode;

use field::Fields;

/// Status and fields of an answer, as the script gave them.
///
/// `Status` is taken out of the fields. `Location` without `Status` makes it
/// `302`, be it an absolute URL or a local path: nginx hands both to the
/// client as they are and so do we (RFC 3875 §6.2.2 would have a local path
/// served internally; `X-Accel-Redirect` is there for that). With a `Status`,
/// `Location` is a field like any other.
#[derive(Debug, Clone)]
pub struct CgiHead {
    /// 200 to 599.
    pub status: StatusCode,
    /// What stood behind the number in `Status`, trimmed; none if nothing did.
    pub reason: Option<Bytes>,
    /// All fields but `Status` and `Transfer-Encoding: chunked`, bytes unchanged, repeated
    /// ones in order. Of fields that may occur once, the first (nginx does so since 1.23).
    pub fields: CgiFields,
    /// Whether there is any `X-Accel-…` among them.
    pub accel: bool,
    /// Whether any name but `Content-Type` is spelled otherwise than in Title-Case.
    pub odd_names: bool,
    /// Value of `Content-Length`.
    pub content_length: Option<u64>,
    /// Oddities that were let pass, for the log.
    pub warnings: Vec<HeadWarning>,
    /// The head as it came.
    raw: Bytes,
}

impl CgiHead {
    /// Bytes that it came in.
    #[must_use]
    pub fn size(&self) -> usize {
        self.raw.len()
    }

    /// Names and values in the script's own order and spelling, `Status` and duplicates included.
    pub fn spelled(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        Fields::new(&self.raw).filter_map(Result::ok)
    }
}

/// Something nginx logs and lets pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadWarning {
    /// A field that may occur once came again; the first stands.
    #[error("upstream sent duplicate header line: \"{}\", ignored", .0.escape_ascii())]
    Duplicate(Bytes),
}

/// The script's output does not begin with a usable head: a 502. Messages are nginx's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// A line that is no field, or a forbidden byte in a name or value.
    #[error("upstream sent invalid header: \"{}\"", .0.escape_ascii())]
    InvalidField(Bytes),
    /// `Status` is not three digits from 200 to 599.
    #[error("upstream sent invalid status \"{}\"", .0.escape_ascii())]
    InvalidStatus(Bytes),
    /// `Content-Length` is not a number.
    #[error("upstream sent invalid \"Content-Length\" header: \"{}\"", .0.escape_ascii())]
    InvalidContentLength(Bytes),
    /// A second `Content-Length` or `Transfer-Encoding`.
    #[error("upstream sent duplicate header line: \"{}\"", .0.escape_ascii())]
    Duplicate(Bytes),
    /// Two opinions about where the body ends.
    #[error("upstream sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time")]
    TwoLengths,
    /// A coding we would have to undo.
    #[error("upstream sent unknown \"Transfer-Encoding\": \"{}\"", .0.escape_ascii())]
    UnknownTransferEncoding(Bytes),
    /// More bytes without an empty line than [`HeadLimits::bytes`].
    #[error("upstream sent too big header")]
    TooBig,
    /// More lines than [`HeadLimits::fields`].
    #[error("upstream sent too many header lines")]
    TooManyFields,
}
