//! An answer on its way together with the slot it holds, and what becomes of both when
//! nobody wants the answer any more.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use portunus_fastcgi::CgiHead;
use portunus_spool::Writer;
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::answer::Answer;
use crate::error::{Error, Phase};
use crate::pool::Lease;
use crate::response::{Aside, Traffic};

/// See the module.
#[derive(Debug)]
pub(crate) struct InFlight {
    /// None once it ended. Boxed, since a flight changes hands.
    parts: Option<Box<Parts>>,
    started: Instant,
    /// From the slot to `END_REQUEST`, if that has come.
    pub(crate) response: Option<Duration>,
    /// PHP sent more than its `Content-Length`.
    pub(crate) overrun: bool,
    /// What PHP wrote to stderr before the end.
    stderr: Vec<Bytes>,
    /// What had gone over the connection at the end.
    traffic: Traffic,
}

#[derive(Debug)]
struct Parts {
    answer: Answer,
    lease: Lease,
}

impl InFlight {
    pub(crate) fn new(answer: Answer, lease: Lease, started: Instant) -> Self {
        Self {
            // Made in the box, not copied into it.
            parts: Some(Box::write(Box::new_uninit(), Parts { answer, lease })),
            started,
            response: None,
            overrun: false,
            stderr: Vec::new(),
            traffic: Traffic::default(),
        }
    }

    pub(crate) fn answer(&mut self) -> Option<&mut Answer> {
        self.parts.as_mut().map(|parts| &mut parts.answer)
    }

    /// From the slot to what came last.
    pub(crate) fn elapsed(&self) -> Option<Duration> {
        let parts = self.parts.as_ref()?;
        Some(parts.answer.exchange.last_read() - self.started)
    }

    /// What went over the connection so far.
    pub(crate) fn traffic(&self) -> Traffic {
        let parts = self.parts.as_ref();
        parts.map_or(self.traffic, |parts| parts.answer.exchange.traffic())
    }

    /// What PHP wrote to stderr and nobody has taken yet.
    pub(crate) fn take_stderr(&mut self) -> Vec<Bytes> {
        let mut stderr = std::mem::take(&mut self.stderr);
        if let Some(answer) = self.answer() {
            stderr.extend(answer.exchange.stderr.take());
        }
        stderr
    }

    /// Tells `aside` what has become known.
    pub(crate) fn report(&mut self, aside: &Aside) {
        let stderr = self.take_stderr();
        let traffic = self.traffic();
        aside.with(|late| {
            (stderr.into_iter()).for_each(|piece| late.stderr.push(piece));
            late.traffic = traffic;
            late.overrun = self.overrun;
            late.response = self.response;
        });
    }

    /// Tells `aside` what has become known after the request, and that nothing else will.
    fn end(mut self, aside: Option<Arc<Aside>>) {
        if let Some(aside) = aside {
            let stderr = self.take_stderr();
            aside.with(|late| (stderr.into_iter()).for_each(|piece| late.stderr.push(piece)));
            aside.end();
        }
    }

    pub(crate) fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<CgiHead, Error>> {
        let Some(parts) = &mut self.parts else {
            return Poll::Pending;
        };
        let polled = parts.answer.poll_head(cx);
        if let Poll::Ready(Ok(head)) = &polled {
            parts.lease.answered(head);
        }
        polled
    }

    /// The next piece. At the clean end connection and slot are given back at once; after
    /// an error they are gone, too.
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let Some(answer) = self.answer() else {
            return Poll::Ready(None);
        };
        let polled = answer.poll_data(cx);
        match &polled {
            Poll::Ready(None) => self.finish(),
            Poll::Ready(Some(Err(_))) => drop(self.fail()),
            _ => {}
        }
        polled
    }

    /// After a clean end: the connection and its slot go to the next request.
    pub(crate) fn finish(&mut self) {
        self.response = self.elapsed();
        self.stderr = self.take_stderr();
        self.traffic = self.traffic();
        let Some(mut parts) = self.parts.take() else {
            return;
        };
        let now = parts.answer.exchange.last_read();
        self.overrun = parts.answer.is_overrun();
        let connection = match parts.answer.leaves_connection(parts.lease.rules(), now) {
            true => Some(parts.answer.exchange.connection),
            false => {
                drop(parts.answer);
                None
            }
        };
        parts.lease.finish(connection, now);
    }

    /// After an error: closes the connection, then frees the slot, or hands it on.
    pub(crate) fn fail(&mut self) -> Option<Lease> {
        self.stderr = self.take_stderr();
        self.traffic = self.traffic();
        let Parts { answer, lease } = *self.parts.take()?;
        drop(answer);
        Some(lease)
    }

    /// Keeps a piece for the reader. FPM is not to blame for the time that takes.
    ///
    /// # Errors
    /// [`Error::Spool`].
    pub(crate) async fn keep(
        &mut self,
        writer: &mut Writer<Error>,
        bytes: Bytes,
    ) -> Result<(), Error> {
        writer.push(bytes).await?;
        if let Some(answer) = self.answer() {
            answer.exchange.resume();
        }
        Ok(())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(parts) = self.parts.take() {
            part_with(*parts, None);
        }
    }
}

/// An answer whose head has been passed on, and where what is told of the rest goes, be it after the request.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) flight: InFlight,
    aside: Arc<Aside>,
}

impl Told {
    pub(crate) fn new(flight: InFlight, aside: &Arc<Aside>) -> Self {
        let aside = Arc::clone(aside);
        Self { flight, aside }
    }

    /// See [`InFlight::poll_data`].
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let polled = self.flight.poll_data(cx);
        self.flight.report(&self.aside);
        polled
    }

    /// Takes the answer from FPM at FPM's pace and keeps it for the reader.
    pub(crate) async fn drain(mut self, mut writer: Writer<Error>) {
        loop {
            let next = poll_fn(|cx| match self.flight.poll_data(cx) {
                Poll::Pending => writer.poll_gone(cx).map(|_| None),
                Poll::Ready(next) => Poll::Ready(Some(next)),
            })
            .await;
            self.flight.report(&self.aside);
            match next {
                Some(Some(Ok(bytes))) => {
                    if let Err(error) = self.flight.keep(&mut writer, bytes).await {
                        return writer.finish(Err(error));
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

impl Drop for Told {
    fn drop(&mut self) {
        if self.flight.parts.is_some() {
            self.flight.report(&self.aside);
        }
        match self.flight.parts.take() {
            Some(parts) => part_with(*parts, Some(Arc::clone(&self.aside))),
            None => self.aside.end(),
        }
    }
}

/// Sees to a request that nobody waits for any more.
#[cold]
fn part_with(parts: Parts, aside: Option<Arc<Aside>>) {
    let Parts { answer, lease } = parts;
    if answer.exchange.phase == Phase::ReadingHead {
        lease.abandoned();
    }
    if answer.exchange.was_sent() && Handle::try_current().is_ok() {
        tokio::spawn(see_off(answer, lease, aside));
    } else {
        let mut flight = InFlight::new(answer, lease, Instant::now());
        drop(flight.fail());
        flight.end(aside);
    }
}

/// Holds the slot of an abandoned request until its worker is free again, or can be told. What PHP has written to
/// stderr meanwhile is told to `aside`.
async fn see_off(mut answer: Answer, lease: Lease, aside: Option<Arc<Aside>>) {
    let clean = poll_fn(|cx| answer.poll_abandoned(cx)).await;
    let mut flight = InFlight::new(answer, lease, Instant::now());
    if clean {
        flight.finish();
    } else {
        drop(flight.fail());
    }
    flight.end(aside);
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::{TcpListener, TcpStream};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Wake, Waker};

    use super::*;
    use crate::config::{Address, Options, PoolConfig};
    use crate::connection::Connection;
    use crate::exchange::Exchange;
    use crate::pool::Pool;
    use crate::queue::Queue;
    use crate::request::Body;
    use crate::slots::Size;

    /// Notes when it is woken whether the other end has hung up.
    struct Looks {
        peer: TcpStream,
        has_hung_up: AtomicBool,
    }

    impl Wake for Looks {
        fn wake(self: Arc<Self>) {
            let read = (&self.peer).read(&mut [0]);
            let has_hung_up = matches!(read, Ok(0));
            self.has_hung_up.store(has_hung_up, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn who_gives_up_before_it_has_sent_anything_hangs_up_first() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::Tcp(listener.local_addr().unwrap());
        let pool = Pool::new(PoolConfig::new(address, Size::Fixed(1)));
        let ask = |waker| pool.ask(0, Queue::default(), Instant::now(), waker);
        let lease = ask(Waker::noop()).unwrap().unwrap();
        let connection = Connection::open(pool.config()).await.unwrap();
        let (peer, _) = listener.accept().unwrap();
        peer.set_nonblocking(true).unwrap();
        let looks = Arc::new(Looks {
            peer,
            has_hung_up: AtomicBool::default(),
        });
        let _waiting = ask(&Waker::from(Arc::clone(&looks))).unwrap().unwrap_err();
        let (options, now) = (Arc::new(Options::default()), Instant::now());
        let exchange = Exchange::start(Box::new(connection), b"", Body::Empty, true, &options, now);
        drop(InFlight::new(Answer::new(exchange, false), lease, now));
        assert!(looks.has_hung_up.load(Ordering::Relaxed));
    }
}
