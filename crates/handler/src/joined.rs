//! A body of several parts, one after the other; a part that a subrequest makes is asked for when its turn has come.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;

use crate::body::{Body, BodyError};

/// One part.
pub(crate) enum Part {
    Body(Body),
    /// To be asked for.
    Asked(Pin<Box<dyn Future<Output = Body>>>),
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(body) => body.fmt(f),
            Self::Asked(_) => f.write_str("Asked"),
        }
    }
}

/// The parts that have not been sent to their end.
#[derive(Debug)]
pub(crate) struct Joined(VecDeque<Part>);

impl Joined {
    pub(crate) fn new(parts: impl IntoIterator<Item = Part>) -> Self {
        Self(parts.into_iter().collect())
    }

    pub(crate) fn poll_data(
        &mut self,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        while let Some(part) = self.0.front_mut() {
            match part {
                Part::Asked(future) => {
                    let body = ready!(future.as_mut().poll(cx));
                    *part = Part::Body(body);
                }
                Part::Body(body) => match ready!(body.poll_data(cx)) {
                    None => drop(self.0.pop_front()),
                    data => return Poll::Ready(data),
                },
            }
        }
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test]
    async fn parts_follow_each_other() {
        let body = |text: &'static str| Body::bytes(Bytes::from_static(text.as_bytes()));
        let asked = Part::Asked(Box::pin(async move {
            tokio::task::yield_now().await;
            body("b")
        }));
        let parts = [
            Part::Body(body("a")),
            asked,
            Part::Body(body("")),
            Part::Body(body("c")),
        ];
        let (mut joined, mut all) = (Joined::new(parts), Vec::new());
        while let Some(data) = poll_fn(|cx| joined.poll_data(cx)).await {
            all.extend_from_slice(&data.unwrap());
        }
        assert_eq!(all, b"abc");
    }

    #[tokio::test]
    async fn a_broken_part_breaks_the_whole() {
        let parts = [Part::Body(Body::Broken), Part::Body(Body::Empty)];
        let mut joined = Joined::new(parts);
        let first = poll_fn(|cx| joined.poll_data(cx)).await;
        assert!(first.is_some_and(|data| data.is_err()));
    }
}
