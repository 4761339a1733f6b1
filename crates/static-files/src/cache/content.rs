//! What workers share of a file: its bytes and their compressed forms, once for the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;

use crate::encoding::Variants;
use crate::validator::Validator;

/// One state of one file. Lives as long as some worker's entry or some answer holds it.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) validator: Validator,
    /// The file's bytes, if it is small enough.
    pub(crate) body: Option<Bytes>,
    /// Compressed forms, made at most once.
    pub(crate) variants: Variants,
    home: Weak<Contents>,
}

impl Drop for Content {
    fn drop(&mut self) {
        if let Some(home) = self.home.upgrade() {
            home.forget(&self.validator);
        }
    }
}

/// All contents that are alive, found by validator. Asked only when a worker does not know a file, so one lock does.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    known: Mutex<HashMap<Validator, Weak<Content>>>,
}

impl Contents {
    pub(crate) fn find(&self, validator: &Validator) -> Option<Arc<Content>> {
        self.lock().get(validator).and_then(Weak::upgrade)
    }

    /// Shares a content, or hands out the one that another worker shared first.
    pub(crate) fn share(
        self: &Arc<Self>,
        validator: Validator,
        body: Option<Bytes>,
    ) -> Arc<Content> {
        let mut known = self.lock();
        if let Some(first) = known.get(&validator).and_then(Weak::upgrade) {
            return first;
        }
        let content = Arc::new(Content {
            validator,
            body,
            variants: Variants::default(),
            home: Arc::downgrade(self),
        });
        known.insert(validator, Arc::downgrade(&content));
        content
    }

    /// A content that no other worker may rely on.
    pub(crate) fn private(validator: Validator, body: Option<Bytes>) -> Arc<Content> {
        Arc::new(Content {
            validator,
            body,
            variants: Variants::default(),
            home: Weak::new(),
        })
    }

    fn forget(&self, validator: &Validator) {
        let mut known = self.lock();
        if known
            .get(validator)
            .is_some_and(|content| content.strong_count() == 0)
        {
            known.remove(validator);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Validator, Weak<Content>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
