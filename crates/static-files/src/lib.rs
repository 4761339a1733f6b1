//! Files on their way out: an open-file cache, preconditions and ranges, bodies read without blocking, encodings,
//! directory listings.
//!
//! Decide, then act. [`OpenFileCache::open`] tells what a path names, [`decide`] what to answer, [`FileBody`] and
//! [`MultipartBody`] carry it out. Nothing here knows a request, a location or the configuration language.

mod body;
pub mod cache;
pub mod conditional;
pub mod encode;
pub mod encoding;
mod error;
pub mod http_time;
pub mod listing;
mod manifest;
pub mod media_types;
mod validator;

pub use body::{FileBody, FilePart, Multipart, MultipartBody, Segment, StaticBody};
pub use cache::{
    CacheStats, Config, DisableSymlinks, Entry, Kind, Moment, OpenFileCache, OpenOptions, Opened,
    Probed, Revalidate,
};
pub use conditional::{ByteRange, ConditionalOptions, Facts, IfModifiedSince, Outcome, decide};
pub use error::{Call, OpenError};
pub use manifest::{BuildManifest, ManifestError};
pub use media_types::{MediaTypes, extension};
pub use validator::{Timestamp, Validator};
