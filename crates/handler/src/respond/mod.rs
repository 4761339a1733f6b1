//! From a [`Reply`] to the answer that the `server` crate writes: nginx's header filters, in its order.
//!
//! not modified → expires and added fields → charset → ranges → head.

mod added;
mod addition;
mod chain;
mod charset;
mod conditional;
mod encoding;
mod fields;
mod head;
mod pages;
mod ranges;
mod rate;
mod ready;
mod reply;
mod ssi;
mod substitute;
mod trailers;
mod userid;

pub(crate) use added::connection_field;
pub(crate) use chain::text as text_filters;
pub(crate) use charset::{charset_of, named as with_charset, split as split_charset};
pub(crate) use conditional::CONDITIONS;
pub(crate) use encoding::Compressed;
pub(crate) use head::finish;
pub(crate) use pages::page;
pub(crate) use rate::parse_size;
pub(crate) use ready::ReadyFile;
pub(crate) use reply::{Reply, Validators};
pub(crate) use trailers::trailers;
