//! An answer on its way together with the slot it holds, and what becomes of both when
//! nobody wants the answer any more.

use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::Bytes;
use portunus_fastcgi::CgiHead;
use portunus_spool::Writer;
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::answer::Answer;
use crate::error::{Error, Phase};
use crate::pool::Lease;
use crate::response::Aside;

/// See the module.
#[derive(Debug)]
pub(crate) struct InFlight {
    /// None once it ended.
    parts: Option<(Answer, Lease)>,
    started: Instant,
}

impl InFlight {
    pub(crate) fn new(answer: Answer, lease: Lease, started: Instant) -> Self {
        Self {
            parts: Some((answer, lease)),
            started,
        }
    }

    pub(crate) fn answer(&mut self) -> Option<&mut Answer> {
        self.parts.as_mut().map(|(answer, _)| answer)
    }

    pub(crate) fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<CgiHead, Error>> {
        let Some((answer, lease)) = &mut self.parts else {
            return Poll::Pending;
        };
        let polled = answer.poll_head(cx);
        if let Poll::Ready(Ok(head)) = &polled {
            lease.answered(head);
        }
        polled
    }

    /// The next piece. At the clean end connection and slot are given back at once; after
    /// an error they are gone, too.
    pub(crate) fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
        aside: &Aside,
    ) -> Poll<Option<Result<Bytes, Error>>> {
        let Some((answer, _)) = &mut self.parts else {
            return Poll::Ready(None);
        };
        let polled = answer.poll_data(cx);
        if !answer.exchange.stderr.is_empty() || matches!(polled, Poll::Ready(None)) {
            aside.with(|late| {
                answer
                    .exchange
                    .stderr
                    .take()
                    .into_iter()
                    .for_each(|piece| late.stderr.push(piece));
                late.overrun = answer.is_overrun();
                if answer.is_ended() {
                    late.response = Some(self.started.elapsed());
                }
            });
        }
        match &polled {
            Poll::Ready(None) => self.finish(),
            Poll::Ready(Some(Err(_))) => drop(self.fail()),
            _ => {}
        }
        polled
    }

    /// After a clean end: the connection and its slot go to the next request.
    pub(crate) fn finish(&mut self) {
        if let Some((answer, lease)) = self.parts.take() {
            let connection = answer.into_connection(&lease.rules().clone(), Instant::now());
            lease.finish(connection);
        }
    }

    /// After an error: closes the connection, then frees the slot, or hands it on.
    pub(crate) fn fail(&mut self) -> Option<Lease> {
        let (answer, lease) = self.parts.take()?;
        drop(answer);
        Some(lease)
    }

    /// Takes the answer from FPM at FPM's pace and keeps it for the reader.
    pub(crate) async fn drain(mut self, mut writer: Writer<Error>, aside: std::sync::Arc<Aside>) {
        loop {
            let next = poll_fn(|cx| match self.poll_data(cx, &aside) {
                Poll::Pending => writer.poll_gone(cx).map(|_| None),
                Poll::Ready(next) => Poll::Ready(Some(next)),
            })
            .await;
            match next {
                Some(Some(Ok(bytes))) => {
                    if let Err(error) = writer.push(bytes).await {
                        return writer.finish(Err(error.into()));
                    }
                }
                Some(Some(Err(error))) => return writer.finish(Err(error)),
                Some(None) => return writer.finish(Ok(())),
                // Nobody reads any more; dropping self sees to the rest.
                None => return,
            }
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let Some((answer, lease)) = self.parts.take() else {
            return;
        };
        if answer.exchange.phase == Phase::ReadingHead {
            lease.abandoned();
        }
        if answer.exchange.was_sent() && Handle::try_current().is_ok() {
            tokio::spawn(see_off(answer, lease));
        }
    }
}

/// Holds the slot of an abandoned request until its worker is free again, or can be told.
async fn see_off(mut answer: Answer, lease: Lease) {
    let finish = answer.exchange.options().ignore_client_abort;
    let clean = poll_fn(|cx| answer.poll_abandoned(cx, finish)).await;
    if clean {
        InFlight::new(answer, lease, Instant::now()).finish();
    } else {
        drop(answer);
        drop(lease);
    }
}
