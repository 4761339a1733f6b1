//! FastCGI 1.0 without IO: bytes in, events out, and back.
//!
//! The crate speaks for the web server: it writes requests
//! ([`BeginRequest`], [`Params`], [`stream`]) and reads answers
//! ([`ResponseDecoder`], then [`HeadParser`] for the CGI head inside the
//! `Stdout` stream). [`RequestDecoder`] reads requests, for scripted peers in
//! tests. Nothing here knows a socket, a clock or an allocator's cost per
//! record: contents are slices of the buffer that was read into.
//!
//! Section numbers are those of the FastCGI Specification 1.0 (Open Market,
//! 1996); `RFC 3875` is CGI/1.1.
//!
//! ```
//! use bytes::BytesMut;
//! use portunus_fastcgi::{BeginRequest, Event, Params, ResponseDecoder, encode_pairs, stream, RecordType};
//!
//! let mut params = Params::default();
//! params.push(b"SCRIPT_FILENAME", b"/app/public/index.php");
//!
//! let mut out = Vec::new();
//! BeginRequest::responder(false).encode(1, &mut out);
//! encode_pairs(1, params.as_bytes(), &mut out);
//! stream::encode_end(RecordType::Stdin, 1, &mut out);
//!
//! let mut answer = BytesMut::from(&b"\x01\x06\0\x01\0\x02\0\0hi\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0"[..]);
//! let mut decoder = ResponseDecoder::new(1);
//! assert_eq!(decoder.decode(&mut answer).unwrap(), Event::Stdout("hi".into()));
//! assert!(matches!(decoder.decode(&mut answer).unwrap(), Event::End(_)));
//! ```

mod decode;
mod head;
mod record;

pub use decode::{DecodeError, Event, RequestDecoder, RequestEvent, ResponseDecoder};
pub use head::{CgiFields, CgiHead, HeadError, HeadLimits, HeadParser, HeadWarning};
pub use record::{
    Abort, BeginRequest, EndRequest, GetValues, Header, MAX_CONTENT, NULL_REQUEST_ID, PairError,
    Pairs, ParamName, Params, ProtocolStatus, RecordType, Role, VERSION, encode_pairs, stream,
};
