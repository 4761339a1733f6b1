//! Frames that ask for work and bring nothing: how many of them a connection may send.
//!
//! hyper bounds field blocks, streams that are reset before it has taken them, and answers that a
//! client does not read, but not the mere number of frames: SETTINGS and PING that want answers,
//! windows opened byte by byte, DATA without content, requests that are taken back as soon as they
//! have gone to a backend. nginx cuts a connection whose bytes are mostly frames of that kind
//! (`ngx_http_v2_state_process`, "http2 flood detected"); here what counts is their rate.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

/// Frames for nothing that may come at once.
const BURST: u64 = 2_000;

/// How many more there may be with each second,
const PER_SECOND: u64 = 100;

/// and with so many bytes of content in either direction: a client opens its windows as it reads.
const BYTES_PER_FRAME: u64 = 512;

/// RFC 9113 §3.4.
const PREFACE: usize = 24;

/// RFC 9113 §4.1.
const HEADER: usize = 9;

/// The kinds of frames that matter here. RFC 9113 §6.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A connection has sent too many.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("http2 flood detected")]
pub(super) struct Flooded;

/// Follows the frames of a connection as they are read off the wire.
#[derive(Debug)]
pub(super) struct FrameWatch {
    /// Bytes to be passed over: the preface, then payloads.
    skip: usize,
    header: [u8; HEADER],
    filled: usize,
    credit: u64,
    /// Bytes of content received since the credit was last renewed.
    content: u64,
    renewed: Instant,
    sent: u64,
    /// When the field block at hand began: told to whoever keeps the time.
    head_since: Rc<Cell<Option<Instant>>>,
    /// The payload at hand is the last of a field block.
    ends_head: bool,
}

impl FrameWatch {
    pub(super) fn new(now: Instant, head_since: Rc<Cell<Option<Instant>>>) -> Self {
        Self {
            skip: PREFACE,
            header: [0; HEADER],
            filled: 0,
            credit: BURST,
            content: 0,
            renewed: now,
            sent: 0,
            head_since,
            ends_head: false,
        }
    }

    /// Looks at bytes that have arrived; `sent` counts what has gone out so far.
    pub(super) fn observe(&mut self, mut bytes: &[u8], sent: u64) -> Result<(), Flooded> {
        loop {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            if self.skip == 0 && std::mem::take(&mut self.ends_head) {
                self.head_since.set(None);
            }
            if bytes.is_empty() {
                return Ok(());
            }
            let taken = (HEADER - self.filled).min(bytes.len());
            self.header[self.filled..self.filled + taken].copy_from_slice(&bytes[..taken]);
            self.filled += taken;
            bytes = &bytes[taken..];
            if self.filled == HEADER {
                self.filled = 0;
                self.frame(sent)?;
            }
        }
    }

    /// A header is whole.
    fn frame(&mut self, sent: u64) -> Result<(), Flooded> {
        let [high, middle, low, kind, flags, ..] = self.header;
        let length = u32::from_be_bytes([0, high, middle, low]);
        // 24 bits.
        self.skip = length as usize;
        if matches!(kind, HEADERS | CONTINUATION) {
            let since = self.head_since.get().unwrap_or_else(Instant::now);
            self.head_since.set(Some(since));
            self.ends_head = flags & END_HEADERS != 0;
        }
        let price = match kind {
            DATA if length > 0 || flags & END_STREAM != 0 => 0,
            HEADERS => 0,
            // A request that is taken back has cost more than any other frame.
            RST_STREAM => 4,
            _ => 1,
        };
        if kind == DATA {
            self.content += u64::from(length);
        }
        if price == 0 {
            return Ok(());
        }
        if self.credit < price {
            self.renew(sent);
        }
        self.credit = self.credit.checked_sub(price).ok_or(Flooded)?;
        Ok(())
    }

    /// Reckons what has been earned since the last time.
    fn renew(&mut self, sent: u64) {
        let now = Instant::now();
        let time = now.duration_since(self.renewed);
        let moved = self.content + sent.saturating_sub(self.sent);
        let earned = per(time) + moved / BYTES_PER_FRAME;
        if earned > 0 {
            self.credit = (self.credit + earned).min(BURST);
            (self.content, self.sent, self.renewed) = (0, sent, now);
        }
    }
}

fn per(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX / PER_SECOND) * PER_SECOND / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        let header = [0, 0, length, kind, flags, 0, 0, 0, 1];
        [&header[..], payload].concat()
    }

    /// How many of a frame come through, in pieces of `step` bytes.
    fn survives(frame: &[u8], count: usize, step: usize) -> bool {
        let mut watch = FrameWatch::new(Instant::now(), Rc::default());
        let wire = [vec![0; PREFACE], frame.repeat(count)].concat();
        wire.chunks(step)
            .all(|piece| watch.observe(piece, 0).is_ok())
    }

    #[tokio::test(start_paused = true)]
    async fn frames_for_nothing_are_few_and_content_is_free() {
        const PING: u8 = 6;
        for step in [1, 7, 100_000] {
            assert!(survives(&frame(PING, 0, &[0; 8]), 2_000, step));
            assert!(!survives(&frame(PING, 0, &[0; 8]), 2_001, step));
            assert!(!survives(&frame(DATA, 0, &[]), 2_001, step));
            assert!(!survives(&frame(RST_STREAM, 0, &[0; 4]), 501, step));
            assert!(survives(&frame(DATA, 0, b"x"), 5_000, step));
            assert!(survives(&frame(HEADERS, END_STREAM, b"x"), 5_000, step));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn time_and_content_earn_more() {
        let update = frame(8, 0, &[0, 0, 0, 1]);
        let spent = || {
            let mut watch = FrameWatch::new(Instant::now(), Rc::default());
            let wire = [vec![0; PREFACE], update.repeat(2_000)].concat();
            watch.observe(&wire, 0).unwrap();
            watch
        };
        let (mut by_time, mut by_content) = (spent(), spent());
        by_content.observe(&update.repeat(1_000), 512_000).unwrap();
        assert_eq!(by_content.observe(&update, 512_000), Err(Flooded));
        tokio::time::advance(Duration::from_secs(1)).await;
        by_time.observe(&update.repeat(100), 0).unwrap();
        assert_eq!(by_time.observe(&update, 0), Err(Flooded));
    }

    #[tokio::test(start_paused = true)]
    async fn a_field_block_is_timed_from_its_first_byte_to_its_last() {
        let since = Rc::new(Cell::new(None));
        let mut watch = FrameWatch::new(Instant::now(), Rc::clone(&since));
        watch.observe(&[0; PREFACE], 0).unwrap();
        let began = Instant::now();
        let head = frame(HEADERS, END_STREAM, b"abc");
        watch.observe(&head[..10], 0).unwrap();
        assert_eq!(since.get(), Some(began));
        tokio::time::advance(Duration::from_secs(1)).await;
        watch.observe(&head[10..], 0).unwrap();
        assert_eq!(since.get(), Some(began), "there is to be a continuation");
        let rest = frame(CONTINUATION, END_HEADERS, b"d");
        watch.observe(&rest[..9], 0).unwrap();
        assert_eq!(since.get(), Some(began));
        watch.observe(&rest[9..], 0).unwrap();
        assert_eq!(since.get(), None);
        watch.observe(&frame(HEADERS, END_HEADERS, b""), 0).unwrap();
        assert_eq!(since.get(), None, "an empty block is over at once");
    }
}
