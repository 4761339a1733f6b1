//! How fast bytes go in: `fastcgi_limit_rate`, `proxy_limit_rate`.
//!
//! Source: nginx, `ngx_event_pipe_read_upstream`.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

/// A rate, and how much of it is used up.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Bytes a second; never 0.
    rate: u64,
    began: Instant,
    passed: u64,
}

impl Pace {
    /// At most `rate` bytes a second from now on, those of the first second at once; 0 is no limit.
    pub(crate) fn new(rate: u64) -> Option<Self> {
        let began = Instant::now();
        (rate > 0).then_some(Self {
            rate,
            began,
            passed: 0,
        })
    }

    /// As much of `bytes` as may go in now; the moment to ask again, where nothing may.
    pub(crate) fn take(&mut self, bytes: &mut Bytes) -> Result<Bytes, Instant> {
        let allowed = self.allowed();
        // Not byte by byte: a quarter of a second's worth at a time.
        let least = (self.rate / 4).clamp(1, bytes.len().max(1) as u64);
        if allowed < least {
            return Err(self.when(least));
        }
        let length = usize::try_from(allowed).unwrap_or(usize::MAX);
        let piece = bytes.split_to(length.min(bytes.len()));
        self.passed += piece.len() as u64;
        Ok(piece)
    }

    fn allowed(&self) -> u64 {
        let millis = self.began.elapsed().as_millis() + 1000;
        let total = u128::from(self.rate) * millis / 1000;
        let total = u64::try_from(total).unwrap_or(u64::MAX);
        total.saturating_sub(self.passed)
    }

    /// When `bytes` more are allowed.
    fn when(&self, bytes: u64) -> Instant {
        let total = u128::from(self.passed) + u128::from(bytes);
        let millis = (total * 1000)
            .div_ceil(u128::from(self.rate))
            .saturating_sub(1000);
        self.began + Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_second_is_free_and_the_rest_takes_its_time() {
        for rate in [1, 7, 1000, 123_456_789] {
            let mut pace = Pace::new(rate).unwrap();
            let began = Instant::now();
            let mut rest = Bytes::from(vec![0; usize::try_from(rate.min(1000) * 3).unwrap()]);
            while !rest.is_empty() {
                match pace.take(&mut rest) {
                    Ok(piece) => assert!(!piece.is_empty()),
                    Err(later) => {
                        assert!(later > Instant::now());
                        tokio::time::sleep_until(later).await;
                    }
                }
            }
            let expected = Duration::from_secs(if rate > 3000 { 0 } else { 2 });
            let took = began.elapsed();
            let late = took.saturating_sub(expected);
            assert!(
                took >= expected && late < Duration::from_millis(500),
                "{rate}: {took:?}"
            );
        }
        assert!(Pace::new(0).is_none());
    }
}
