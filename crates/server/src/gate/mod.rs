//! The gate: reads raw HTTP/1 heads, refuses in nginx's words what nginx refuses, and keeps track of
//! where a body ends and the next head begins.
//!
//! Nothing else parses a request: what the gate has read is what the exchange tells a service
//! (`connection/exchange.rs`), and the gate reads the body ([`body`]). So there is one opinion about
//! where a request ends, and only one.

pub(crate) mod body;
mod fields;
mod head;
mod host;
mod name_mask;
pub mod proxy_protocol;
mod refusal;
mod request_line;

pub(crate) use fields::{FieldLines, Fields, Known, Persistence, is_odd_name};
pub(crate) use head::{Scan, Step, Watch, check_escapes};
pub use host::validate_host;
pub(crate) use name_mask::NameMask;
pub(crate) use refusal::page;
pub use refusal::{Refusal, Severity};
pub(crate) use request_line::{RequestLine, is_method_byte};
