//! One buffer that travels: filled here, sent by the connection, and come home when the last byte is written.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

/// Where the buffer of one body rests between chunks, to be used again.
#[derive(Debug, Default)]
pub(super) struct Home(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    buffer: Option<Box<[u8]>>,
    away: bool,
    waiting: Option<Waker>,
}

impl Home {
    /// Takes the buffer, or a new one of `size` bytes if it is not there. With `one`, pending while a chunk is under way.
    pub(super) fn poll_take(&self, cx: &Context<'_>, size: usize, one: bool) -> Poll<Box<[u8]>> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if one && state.away {
            state.waiting = Some(cx.waker().clone());
            return Poll::Pending;
        }
        state.away = true;
        Poll::Ready(
            state
                .buffer
                .take()
                .unwrap_or_else(|| vec![0; size].into_boxed_slice()),
        )
    }

    /// Sends the first `len` bytes of the buffer out.
    pub(super) fn send(&self, buffer: Box<[u8]>, len: usize) -> Bytes {
        let len = len.min(buffer.len());
        Bytes::from_owner(Chunk {
            buffer: Some(buffer),
            len,
            home: Arc::clone(&self.0),
        })
    }
}

struct Chunk {
    buffer: Option<Box<[u8]>>,
    len: usize,
    home: Arc<Mutex<State>>,
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        self.buffer
            .as_deref()
            .and_then(|buffer| buffer.get(..self.len))
            .unwrap_or_default()
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.home.lock().unwrap_or_else(PoisonError::into_inner);
            state.buffer = self.buffer.take();
            state.away = false;
            state.waiting.take()
        };
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }
}
