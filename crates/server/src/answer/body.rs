//! The body of an answer: a service's, or a page of ours.

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};

use crate::connection::{Connection, Cut};

/// A service's body, or a page of ours.
#[derive(Debug)]
pub(crate) enum AnswerBody<B> {
    Service(B),
    Page(Bytes),
    /// Nothing more; also a page that has been read.
    Gone,
}

/// A panic of a service or of a body.
#[derive(Debug, thiserror::Error)]
#[error("panicked: {0}")]
pub(crate) struct Panicked(String);

impl Panicked {
    pub(crate) fn new(payload: &(dyn Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Self(text.unwrap_or_else(|| "(no message)".to_owned()))
    }
}

/// Why a body broke off: for whoever asks, and for the log.
pub(crate) type Broken = (Box<dyn Error + Send + Sync>, Cut);

impl<B> AnswerBody<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin,
{
    /// The next frame. After an error the body must not be polled again.
    pub(crate) fn poll_frame(
        &mut self,
        connection: &Connection,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let body = match self {
            Self::Service(body) => body,
            Self::Gone => return Poll::Ready(None),
            Self::Page(page) => {
                let page = std::mem::take(page);
                *self = Self::Gone;
                return Poll::Ready(Some(Ok(Frame::data(page))));
            }
        };
        match catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(cx))) {
            Ok(polled) => polled.map(|frame| {
                frame.map(|frame| frame.map_err(|error| (error.into(), Cut::AnswerFailed)))
            }),
            Err(payload) => {
                let panic = Panicked::new(&*payload);
                let serial = connection.serial();
                tracing::error!("*{serial} the body of an answer {panic}");
                Poll::Ready(Some(Err((panic.into(), Cut::Panicked))))
            }
        }
    }

    /// Whether nothing more will come; `false` may mean that nobody knows.
    pub(crate) fn is_end(&self) -> bool {
        match self {
            Self::Service(body) => body.is_end_stream(),
            Self::Page(page) => page.is_empty(),
            Self::Gone => true,
        }
    }

    /// How much will come, where that is known.
    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Self::Service(body) if body.is_end_stream() => Some(0),
            Self::Service(body) => body.size_hint().exact(),
            Self::Page(page) => Some(page.len() as u64),
            Self::Gone => Some(0),
        }
    }
}
