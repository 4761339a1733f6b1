//! From the tower service to hyper: the future of an answer, its body, its `Connection` field, and
//! a guard against panics.

mod body;
mod bridge;
mod persist;

pub(crate) use body::{AnswerBody, Way};
pub(crate) use bridge::{Answering, Bridge};
