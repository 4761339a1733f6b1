//! An entry at hand: its record, and its bytes.

use std::fs::File;
use std::sync::Arc;

use bytes::Bytes;

use crate::record::{Head, Meta, Record};

/// An answer to be sent.
#[derive(Clone, Debug)]
pub struct Entry {
    pub(crate) record: Arc<Record>,
    pub(crate) body: Body,
}

/// Where its body is.
#[derive(Clone, Debug)]
pub enum Body {
    /// Here.
    Memory(Bytes),
    /// In a part of a file. The file never changes there: a new answer gets a new file.
    File {
        /// Open for reading.
        file: Arc<File>,
        /// First byte.
        start: u64,
        /// How many.
        len: u64,
    },
}

impl Entry {
    /// The head as the upstream gave it.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.record.head
    }

    /// Its validity.
    #[must_use]
    pub fn meta(&self) -> &Meta {
        &self.record.meta
    }

    /// Where the body is.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.body
    }
}
