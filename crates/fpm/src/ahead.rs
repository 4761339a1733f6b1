//! Requests that are written for those who wait, by whoever gives them a connection.
//!
//! When an answer has ended on a thread, the next request in line on the same thread would have to be woken to write
//! its bytes, only to wait again. Instead, it leaves them with the line: they go out while the connection is still at
//! hand, PHP has work at once, and the request is woken when its answer comes.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use portunus_fastcgi::{BeginRequest, RecordType, stream};
use tokio::time::Instant;

use crate::config::Options;
use crate::connection::Connection;
use crate::request::{Body, Request};

/// Longest params that are left with the line; longer ones are framed in several records, and rare.
const LONGEST: usize = 32 * 1024;

/// Where the id of a request stands in the header of a record. FastCGI 1.0 §3.3.
const ID: usize = 2;

/// What to do with a connection for a request that waits.
#[derive(Debug)]
pub(crate) struct Errand {
    /// The whole request, but for its id.
    bytes: Vec<u8>,
    /// Where its records begin.
    records: [usize; 4],
    options: Arc<Options>,
}

/// A request that is under way on a connection, while the one that it belongs to does not know yet.
#[derive(Debug)]
pub(crate) struct Ahead {
    pub(crate) request_id: u16,
    /// Bytes that the kernel has taken. The connection's output is empty, or all of the request.
    pub(crate) sent: usize,
    pub(crate) began: Instant,
    pub(crate) options: Arc<Options>,
}

impl Errand {
    /// For a request that goes out in one piece and may be tried again: on a kept connection the first try may fail.
    pub(crate) fn of(request: &Request<'_>) -> Option<Self> {
        let fits = request.params.len() <= LONGEST && !request.params.is_empty();
        let whole = matches!(request.body, Body::Empty);
        if !fits || !whole || !request.idempotent || !request.options.keep_conn {
            return None;
        }
        let mut bytes = Vec::with_capacity(request.params.len() + 64);
        BeginRequest::responder(true).encode(0, &mut bytes);
        let params = bytes.len();
        stream::encode(RecordType::Params, 0, request.params, &mut bytes);
        let end = bytes.len();
        stream::encode_end(RecordType::Params, 0, &mut bytes);
        let stdin = bytes.len();
        stream::encode_end(RecordType::Stdin, 0, &mut bytes);
        Some(Self {
            bytes,
            records: [0, params, end, stdin],
            options: Arc::clone(request.options),
        })
    }

    /// Sends the request over `connection`, in the name of the task behind `waker`. Whether it has been sent so far
    /// that the task need not know before the answer comes, or something else does.
    pub(crate) fn run(self, connection: &mut Connection, waker: &Waker, now: Instant) -> bool {
        let Self {
            mut bytes,
            records,
            options,
        } = self;
        if connection.is_stale() {
            // Whom it is for finds that out again, and opens another.
            return false;
        }
        let request_id = connection.next_request();
        for record in records {
            if let Some(id) = bytes.get_mut(record + ID..record + ID + 2) {
                id.copy_from_slice(&request_id.to_be_bytes());
            }
        }
        let cx = &mut Context::from_waker(waker);
        let written = match connection.poll_write(cx, &bytes) {
            Poll::Ready(Ok(written)) => written,
            // The exchange meets it again.
            Poll::Pending | Poll::Ready(Err(_)) => 0,
        };
        let is_out = written == bytes.len();
        if is_out {
            bytes.clear();
        }
        connection.output = bytes;
        let deadline = now + options.read_timeout;
        connection.ahead = Some(Ahead {
            request_id,
            sent: written,
            began: now,
            options,
        });
        is_out
            && connection.poll_readable(cx).is_pending()
            && connection.poll_deadline(cx, deadline).is_pending()
    }
}
