//! The task of one stream, with its time-outs: a client that opens no window, or sends no more of a
//! body, holds a stream as it would hold a connection of HTTP/1.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::connection::{Cut, Exchange, Wait};

/// Runs streams on the thread of their connection.
#[derive(Clone, Debug, Default)]
pub(super) struct StreamExecutor {
    /// The exchange that the service was called for last; hyper spawns its stream right after.
    born: Rc<RefCell<Option<Rc<Exchange>>>>,
}

impl StreamExecutor {
    /// The next stream that is spawned is that of this exchange.
    pub(super) fn expect(&self, exchange: &Rc<Exchange>) {
        *self.born.borrow_mut() = Some(Rc::clone(exchange));
    }
}

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for StreamExecutor {
    fn execute(&self, future: F) {
        match self.born.take() {
            Some(exchange) => tokio::task::spawn_local(Watched {
                stream: Some(future),
                exchange,
                timer: None,
            }),
            None => tokio::task::spawn_local(future),
        };
    }
}

pin_project! {
    /// A stream that is given up when its client lets a time-out pass.
    struct Watched<F> {
        #[pin]
        stream: Option<F>,
        exchange: Rc<Exchange>,
        timer: Option<(Pin<Box<Sleep>>, Instant)>,
    }
}

impl<F: Future<Output = ()>> Future for Watched<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        this.exchange.watch(None);
        if let Some(stream) = this.stream.as_mut().as_pin_mut()
            && stream.poll(cx).is_ready()
        {
            return Poll::Ready(());
        }
        // From here on another task may set the time: one that reads the body.
        this.exchange.watch(Some(cx.waker()));
        let wait = ready!(poll_deadline(this.exchange, this.timer, cx));
        this.exchange.cut(match wait {
            Wait::Body => Cut::BodyTimeout,
            _ => Cut::SendTimeout,
        });
        // hyper resets a stream that is dropped before its end.
        this.stream.set(None);
        Poll::Ready(())
    }
}

/// Ready when the deadline of the exchange has passed. A timer that is set too early fires for
/// nothing once; to set it anew for every frame would cost more.
fn poll_deadline(
    exchange: &Exchange,
    timer: &mut Option<(Pin<Box<Sleep>>, Instant)>,
    cx: &mut Context<'_>,
) -> Poll<Wait> {
    loop {
        let Some((deadline, wait)) = exchange.waits_until() else {
            return Poll::Pending;
        };
        let (sleep, armed) =
            timer.get_or_insert_with(|| (Box::pin(sleep_until(deadline)), deadline));
        if deadline < *armed {
            sleep.as_mut().reset(deadline);
            *armed = deadline;
        }
        ready!(sleep.as_mut().poll(cx));
        if *armed >= deadline {
            return Poll::Ready(wait);
        }
        sleep.as_mut().reset(deadline);
        *armed = deadline;
    }
}
