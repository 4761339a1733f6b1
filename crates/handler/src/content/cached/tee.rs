//! A body that goes to the store and to the client, each at its own pace.
//!
//! The store gets all of it, even if the client leaves. The client gets the end only when the entry can
//! be had, so that its next request finds it.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use bytes::Bytes;
use portunus_cache::{Copy, Fill};
use portunus_errno::errno_text;
use portunus_spool::{Limits, Writer, fifo};

use crate::body::{Body, BodyError};

/// Begins; must be called on the thread of the connection.
pub(super) fn spawn(body: Body, kept: Kept, length: Option<u64>, spool: Limits) -> Body {
    // What is stored does not wait for a client, however slow.
    let (writer, reader) = fifo(Limits {
        file: u64::MAX,
        ..spool
    });
    let tee = Tee {
        kept: Some(kept),
        client: Some(writer),
        left: length,
    };
    tokio::task::spawn_local(tee.run(body));
    Body::Tee(Box::new(reader))
}

/// Where a body is kept.
pub(super) enum Kept {
    /// As an entry of a store.
    Entry(Box<Fill>),
    /// As a file of its own.
    File(Copy),
}

impl From<Fill> for Kept {
    fn from(fill: Fill) -> Self {
        Self::Entry(Box::new(fill))
    }
}

impl From<Copy> for Kept {
    fn from(copy: Copy) -> Self {
        Self::File(copy)
    }
}

impl Kept {
    async fn push(&mut self, data: Bytes) -> io::Result<()> {
        match self {
            Self::Entry(fill) => fill.push(data).await,
            Self::File(copy) => copy.push(data).await,
        }
    }

    async fn finish(self) -> io::Result<()> {
        match self {
            Self::Entry(fill) => fill.finish().await,
            Self::File(copy) => copy.finish().await,
        }
    }
}

struct Tee {
    kept: Option<Kept>,
    client: Option<Writer<BodyError>>,
    /// What is still to come, where the head has told.
    left: Option<u64>,
}

impl Tee {
    async fn run(mut self, mut body: Body) {
        let mut last = None;
        loop {
            match poll_fn(|cx| body.poll_data(cx)).await {
                Some(Ok(data)) => {
                    self.store(data.clone()).await;
                    self.left = self.left.map(|left| left.saturating_sub(data.len() as u64));
                    if let Some(data) = last.replace(data) {
                        self.send(data).await;
                    }
                    if self.left != Some(0)
                        && let Some(data) = last.take()
                    {
                        self.send(data).await;
                    }
                }
                Some(Err(error)) => {
                    if let Some(client) = self.client {
                        client.finish(Err(error));
                    }
                    return;
                }
                None => break,
            }
            if self.kept.is_none() && self.client.is_none() {
                return;
            }
        }
        if let Some(kept) = self.kept.take()
            && let Err(error) = kept.finish().await
        {
            complain(&error);
        }
        if let Some(data) = last {
            self.send(data).await;
        }
        if let Some(client) = self.client {
            client.finish(Ok(()));
        }
    }

    async fn store(&mut self, data: Bytes) {
        if let Some(kept) = &mut self.kept
            && let Err(error) = kept.push(data).await
        {
            complain(&error);
            self.kept = None;
        }
    }

    async fn send(&mut self, data: Bytes) {
        let Some(client) = &mut self.client else {
            return;
        };
        let gone = poll_fn(|cx| Poll::Ready(client.poll_gone(cx).is_ready())).await;
        if gone {
            self.client = None;
        } else if let Err(error) = client.push(data).await
            && let Some(client) = self.client.take()
        {
            client.finish(Err(error.into()));
        }
    }
}

fn complain(error: &io::Error) {
    let error = errno_text(error);
    tracing::error!("an answer cannot be stored ({error})");
}
