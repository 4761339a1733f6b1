//! What is done to the text of an answer on its way out: `sub_filter`, `charset_map`, the language of SSI.
//!
//! Pure: bytes in, bytes out, a piece at a time; what cannot be judged before the next piece comes is held back, never
//! more than the longest pattern or character. Nothing here knows a request or the configuration language.

pub mod charset;
pub mod ssi;
pub mod substitute;

pub use charset::{CharsetMap, Recoder};
pub use substitute::{Substitution, Substitutor};
