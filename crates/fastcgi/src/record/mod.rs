//! The records, one file per kind (FastCGI 1.0 §3.3, §5).

mod abort;
mod begin_request;
mod end_request;
mod get_values;
mod header;
mod params;
pub mod stream;

pub use abort::Abort;
pub use begin_request::{BeginRequest, Role};
pub use end_request::{EndRequest, ProtocolStatus};
pub use get_values::GetValues;
pub use header::{Header, MAX_CONTENT, NULL_REQUEST_ID, RecordType, VERSION};
pub use params::{PairError, Pairs, ParamName, Params, encode_pairs};
