//! What both protocols do with a service: its body, its panics, pages of our own, and whether the
//! connection is kept.

mod body;
mod own;
mod persist;

pub(crate) use body::{AnswerBody, Panicked};
pub(crate) use own::{Refused, panicked, refuse};
pub(crate) use persist::{Persist, decide_persistence, is_spent};
