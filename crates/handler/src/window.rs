//! A range of a body that is on its way.

use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;

use crate::body::{Body, BodyError};

/// What is left out, and what is passed on.
#[derive(Debug)]
pub(crate) struct Window {
    source: Body,
    skip: u64,
    left: u64,
}

impl Window {
    pub(crate) fn new(source: Body, start: u64, length: u64) -> Self {
        Self {
            source,
            skip: start,
            left: length,
        }
    }

    pub(crate) fn poll_data(
        &mut self,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        while self.left > 0 {
            let mut data = match ready!(self.source.poll_data(cx)) {
                Some(Ok(data)) => data,
                other => return Poll::Ready(other),
            };
            let skipped = self.skip.min(data.len() as u64);
            self.skip -= skipped;
            let _ = data.split_to(usize::try_from(skipped).unwrap_or(data.len()));
            data.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
            if !data.is_empty() {
                self.left -= data.len() as u64;
                return Poll::Ready(Some(Ok(data)));
            }
        }
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;
    use crate::joined::{Joined, Part};

    #[tokio::test]
    async fn ranges_may_begin_and_end_anywhere() {
        let text = b"0123456789";
        for piece in 1..=text.len() {
            for (start, length) in [(0, 10), (0, 3), (4, 1), (3, 7), (9, 1)] {
                let parts = text
                    .chunks(piece)
                    .map(|part| Part::Body(Body::bytes(Bytes::copy_from_slice(part))));
                let source = Body::Joined(Box::new(Joined::new(parts)));
                let (mut window, mut all) = (Window::new(source, start, length), Vec::new());
                while let Some(data) = poll_fn(|cx| window.poll_data(cx)).await {
                    all.extend_from_slice(&data.unwrap());
                }
                let at = usize::try_from(start).unwrap();
                assert_eq!(all, &text[at..at + usize::try_from(length).unwrap()]);
            }
        }
    }

    #[tokio::test]
    async fn a_break_within_is_an_error() {
        let parts = [
            Part::Body(Body::bytes("ab".into())),
            Part::Body(Body::Broken),
        ];
        let source = Body::Joined(Box::new(Joined::new(parts)));
        let mut window = Window::new(source, 1, 5);
        assert!(
            poll_fn(|cx| window.poll_data(cx))
                .await
                .is_some_and(|data| data.is_ok())
        );
        assert!(
            poll_fn(|cx| window.poll_data(cx))
                .await
                .is_some_and(|data| data.is_err())
        );
    }
}
