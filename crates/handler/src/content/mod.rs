//! What produces answers: files, PHP, servers behind us, the status page.

mod balancing;
pub(crate) mod cached;
mod carried_media;
pub(crate) mod fastcgi;
mod instead;
mod leaving;
pub(crate) mod listing;
pub(crate) mod mirror;
pub(crate) mod proxy;
pub(crate) mod small;
pub(crate) mod statics;

pub(crate) use carried_media::CarriedMedia;
