//! A body that is changed on its way out, stage by stage.
//!
//! Stages run in nginx's order: gunzip, substitution, charset, compression. What a source holds back (PHP pausing)
//! is flushed through all of them, so that a client sees what the script has flushed; a source that breaks off breaks
//! the answer off: no stage is ended, no trailer of a format is written.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use portunus_filters::{Recoder, Substitutor};
use portunus_static_files::encode::{Encoder, Gunzip};

use crate::body::{Body, BodyError};

/// Output is gathered up to here before it is handed on.
const GATHER: usize = 8 << 10;
/// Most bytes that one piece of gzip may grow to at once.
const INFLATED: usize = 64 << 10;

/// One change.
#[derive(Debug)]
pub(crate) struct Stage(Work);

#[derive(Debug)]
enum Work {
    Gunzip(Gunzip),
    Substitute(Box<Substitutor>),
    Recode(Recoder),
    Encode(Encoding),
}

/// An encoder, `None` once it has been ended, and what it makes of how much.
#[derive(Debug)]
struct Encoding(Option<Encoder>, Rc<Tally>);

/// Bytes into a codec, and out of it once it has ended.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    taken: Cell<u64>,
    given: Cell<u64>,
    is_over: Cell<bool>,
}

impl Tally {
    /// Both, once they are known.
    pub(crate) fn sizes(&self) -> Option<(u64, u64)> {
        let sizes = (self.taken.get(), self.given.get());
        self.is_over.get().then_some(sizes)
    }

    fn add(&self, bytes: usize) {
        self.given.set(self.given.get() + bytes as u64);
    }
}

impl Encoding {
    fn push(&mut self, input: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let Self(Some(encoder), tally) = self else {
            return Ok(());
        };
        tally.taken.set(tally.taken.get() + input.len() as u64);
        let before = out.len();
        let pushed = encoder.push(input, out);
        tally.add(out.len() - before);
        pushed
    }

    fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let Self(Some(encoder), tally) = self else {
            return Ok(());
        };
        let before = out.len();
        let flushed = encoder.flush(out);
        tally.add(out.len() - before);
        flushed
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let Some(encoder) = self.0.take() else {
            return Ok(());
        };
        let before = out.len();
        let finished = encoder.finish(out);
        self.1.add(out.len() - before);
        self.1.is_over.set(true);
        finished
    }
}

impl Stage {
    pub(crate) fn gunzip() -> Self {
        Self(Work::Gunzip(Gunzip::default()))
    }

    pub(crate) fn substitute(substitutor: Substitutor) -> Self {
        Self(Work::Substitute(Box::new(substitutor)))
    }

    pub(crate) fn recode(recoder: Recoder) -> Self {
        Self(Work::Recode(recoder))
    }

    /// Compresses; the tally tells of it.
    pub(crate) fn encode(encoder: Encoder) -> (Self, Rc<Tally>) {
        let tally = Rc::<Tally>::default();
        let encoding = Encoding(Some(encoder), Rc::clone(&tally));
        (Self(Work::Encode(encoding)), tally)
    }

    /// Takes from `input` and appends to `out`; returns how much was taken.
    fn push(&mut self, input: &[u8], out: &mut Vec<u8>) -> io::Result<usize> {
        match &mut self.0 {
            Work::Gunzip(gunzip) => return gunzip.push(input, out, INFLATED),
            Work::Substitute(substitutor) => substitutor.push(input, out),
            Work::Recode(recoder) => recoder.push(input, out),
            Work::Encode(encoding) => encoding.push(input, out)?,
        }
        Ok(input.len())
    }

    /// Gives out what can be given out before the end.
    fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.0 {
            Work::Encode(encoding) => encoding.flush(out),
            _ => Ok(()),
        }
    }

    /// Gives out all the rest.
    fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.0 {
            Work::Encode(encoding) => encoding.finish(out),
            Work::Gunzip(gunzip) if !gunzip.is_complete() => {
                Err(io::Error::other("inflate() failed: the stream was cut"))
            }
            Work::Substitute(substitutor) => {
                substitutor.finish(out);
                Ok(())
            }
            Work::Gunzip(_) | Work::Recode(_) => Ok(()),
        }
    }
}

/// The stages of one body.
pub(crate) type Stages = Vec<Stage>;

/// A body with the stages that it runs through.
#[derive(Debug)]
pub(crate) struct Filtered {
    source: Body,
    stages: Stages,
    /// Input that the first stage has not taken yet.
    rest: Bytes,
    out: Vec<u8>,
    /// Something went in since the last flush.
    dirty: bool,
    ended: bool,
    /// What the source broke off with, while the output before it is handed on.
    failure: Option<Box<BodyError>>,
}

impl Filtered {
    pub(crate) fn new(source: Body, stages: Stages) -> Self {
        Self {
            source,
            stages,
            rest: Bytes::new(),
            out: Vec::new(),
            dirty: false,
            ended: false,
            failure: None,
        }
    }

    pub(crate) fn poll_data(
        &mut self,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            if self.out.len() >= GATHER || (self.ended && !self.out.is_empty()) {
                return Poll::Ready(Some(Ok(std::mem::take(&mut self.out).into())));
            }
            if let Some(error) = self.failure.take() {
                return Poll::Ready(Some(Err(*error)));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            if let Err(error) = self.step(cx) {
                match error {
                    Interrupt::Pending if self.out.is_empty() => return Poll::Pending,
                    Interrupt::Pending => {
                        return Poll::Ready(Some(Ok(std::mem::take(&mut self.out).into())));
                    }
                    Interrupt::Failed(error) => {
                        self.ended = true;
                        self.failure = Some(Box::new(error));
                    }
                }
            }
        }
    }

    fn step(&mut self, cx: &mut TaskContext<'_>) -> Result<(), Interrupt> {
        if !self.rest.is_empty() {
            let taken = push(&mut self.stages, &self.rest, &mut self.out)?;
            let _ = self.rest.split_to(taken);
            return Ok(());
        }
        match self.source.poll_data(cx) {
            Poll::Ready(Some(Ok(data))) => {
                self.rest = data;
                self.dirty = true;
                Ok(())
            }
            Poll::Ready(Some(Err(error))) => Err(Interrupt::Failed(error)),
            Poll::Ready(None) => {
                self.ended = true;
                finish(&mut self.stages, &mut self.out)?;
                Ok(())
            }
            Poll::Pending => {
                if std::mem::take(&mut self.dirty) && self.source.flushes() {
                    flush(&mut self.stages, &mut self.out)?;
                }
                Err(Interrupt::Pending)
            }
        }
    }
}

/// Why a step did not move on.
enum Interrupt {
    Pending,
    Failed(BodyError),
}

impl From<io::Error> for Interrupt {
    fn from(error: io::Error) -> Self {
        Self::Failed(BodyError::Filter(error))
    }
}

/// Input through the first stage, what it gives through the next, and so on.
fn push(stages: &mut [Stage], input: &[u8], out: &mut Vec<u8>) -> io::Result<usize> {
    let Some((first, others)) = stages.split_first_mut() else {
        out.extend_from_slice(input);
        return Ok(input.len());
    };
    if others.is_empty() {
        return first.push(input, out);
    }
    let mut middle = Vec::new();
    let taken = first.push(input, &mut middle)?;
    push_all(others, &middle, out)?;
    Ok(taken)
}

fn push_all(stages: &mut [Stage], mut input: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    while !input.is_empty() {
        let taken = push(stages, input, out)?;
        input = input.get(taken..).unwrap_or_default();
    }
    Ok(())
}

fn flush(stages: &mut [Stage], out: &mut Vec<u8>) -> io::Result<()> {
    let Some((first, others)) = stages.split_first_mut() else {
        return Ok(());
    };
    if others.is_empty() {
        return first.flush(out);
    }
    let mut middle = Vec::new();
    first.flush(&mut middle)?;
    push_all(others, &middle, out)?;
    flush(others, out)
}

fn finish(stages: &mut [Stage], out: &mut Vec<u8>) -> io::Result<()> {
    let Some((first, others)) = stages.split_first_mut() else {
        return Ok(());
    };
    if others.is_empty() {
        return first.finish(out);
    }
    let mut middle = Vec::new();
    first.finish(&mut middle)?;
    push_all(others, &middle, out)?;
    finish(others, out)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use portunus_filters::Substitution;
    use portunus_static_files::encode::EncoderOptions;
    use portunus_static_files::encoding::Coding;

    use super::*;
    use crate::joined::{Joined, Part};

    fn text(text: &'static str) -> Part {
        Part::Body(Body::bytes(Bytes::from_static(text.as_bytes())))
    }

    /// A pause between two parts, as PHP makes them.
    fn pause() -> Part {
        Part::Asked(Box::pin(async {
            tokio::task::yield_now().await;
            Body::Empty
        }))
    }

    fn joined(parts: impl IntoIterator<Item = Part>) -> Body {
        Body::Joined(Box::new(Joined::new(parts)))
    }

    fn gzip() -> Stage {
        let options = EncoderOptions::new(Coding::Gzip);
        Stage::encode(Encoder::new(Coding::Gzip, options, None).unwrap()).0
    }

    fn bar_for_foo() -> Stage {
        let rule = Substitution {
            pattern: b"foo".to_vec(),
            replacement: b"bar".to_vec(),
        };
        Stage::substitute(Substitutor::new([rule], false).unwrap())
    }

    async fn pieces(source: Body, stages: Stages) -> Vec<Result<Bytes, BodyError>> {
        let mut body = Filtered::new(source, stages);
        let mut pieces = Vec::new();
        while let Some(piece) = poll_fn(|cx| body.poll_data(cx)).await {
            pieces.push(piece);
        }
        pieces
    }

    fn whole(pieces: Vec<Result<Bytes, BodyError>>) -> Vec<u8> {
        pieces
            .into_iter()
            .flat_map(|piece| piece.unwrap())
            .collect()
    }

    fn inflated(data: &[u8]) -> Vec<u8> {
        let (mut gunzip, mut out) = (Gunzip::default(), Vec::new());
        gunzip.push(data, &mut out, usize::MAX).unwrap();
        out
    }

    #[tokio::test]
    async fn stages_follow_each_other() {
        let source = joined([text("a f"), text("oo of f"), text("oo")]);
        let out = whole(pieces(source, vec![bar_for_foo(), gzip(), Stage::gunzip()]).await);
        assert_eq!(out, b"a bar of bar");
    }

    #[tokio::test]
    async fn what_goes_in_and_out_is_counted() {
        let options = EncoderOptions::new(Coding::Gzip);
        let encoder = Encoder::new(Coding::Gzip, options, None).unwrap();
        let (stage, tally) = Stage::encode(encoder);
        let source = joined([text("first"), pause(), text("second")]);
        assert_eq!(tally.sizes(), None);
        let out = whole(pieces(source, vec![stage]).await);
        assert_eq!(tally.sizes(), Some((11, out.len() as u64)));
    }

    #[tokio::test]
    async fn a_pause_flushes() {
        let source = joined([text("first"), pause(), text("second")]);
        let pieces = pieces(source, vec![gzip()]).await;
        assert!(pieces.len() > 1);
        assert_eq!(inflated(pieces[0].as_ref().unwrap()), b"first");
        assert_eq!(inflated(&whole(pieces)), b"firstsecond");
    }

    #[tokio::test]
    async fn what_breaks_off_is_not_ended() {
        let source = joined([text("first"), Part::Body(Body::Broken)]);
        let pieces = pieces(source, vec![gzip()]).await;
        assert!(pieces.last().is_some_and(Result::is_err));
        let cut = pieces.into_iter().filter_map(Result::ok);
        let cut: Vec<u8> = cut.flatten().collect();
        let mut gunzip = Gunzip::default();
        let _ = gunzip.push(&cut, &mut Vec::new(), usize::MAX);
        assert!(!gunzip.is_complete());
    }

    #[tokio::test]
    async fn gzip_that_was_cut_is_an_error() {
        let mut data = whole(pieces(joined([text("text")]), vec![gzip()]).await);
        data.truncate(data.len() - 9);
        let source = Body::bytes(data.into());
        let pieces = pieces(source, vec![Stage::gunzip()]).await;
        assert!(pieces.last().is_some_and(Result::is_err));
    }
}
