//! From a [`Reply`] to what goes to hyper: nginx's header filters, in its order.
//!
//! not modified → expires and added fields → charset → ranges → head.

mod added;
mod charset;
mod conditional;
mod head;
mod pages;
mod ranges;
mod reply;

pub(crate) use head::finish;
pub(crate) use pages::page;
pub(crate) use reply::{Reply, Validators};
