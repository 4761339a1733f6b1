//! Times in buckets whose width grows with the time, so that any percentile is known to about 1 %.

use std::time::Duration;

/// Each power of two of microseconds is cut into this many buckets.
const STEPS: u64 = 64;

/// A histogram of times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    longest: Duration,
}

impl Histogram {
    /// Adds one time.
    pub fn record(&mut self, time: Duration) {
        let at = bucket_of(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        if self.buckets.len() <= at {
            self.buckets.resize(at + 1, 0);
        }
        self.buckets[at] += 1;
        self.count += 1;
        self.longest = self.longest.max(time);
    }

    /// How many times were added.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest time.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.longest
    }

    /// The time that `percent` of all times do not exceed; zero when there are none.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Duration {
        let wanted = (self.count as f64 * percent / 100.0).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (at, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return Duration::from_micros(upper_end(at)).min(self.longest);
            }
        }
        self.longest
    }
}

/// Values below `STEPS` have a bucket each; above, each doubling has `STEPS` buckets.
fn bucket_of(value: u64) -> usize {
    if value < STEPS {
        return value as usize;
    }
    let doublings = u64::from(value.ilog2() - STEPS.ilog2());
    let step = (value >> doublings) - STEPS;
    (STEPS + doublings * STEPS + step) as usize
}

/// The largest value of a bucket.
fn upper_end(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < STEPS {
        return bucket;
    }
    let (doublings, step) = (bucket / STEPS - 1, bucket % STEPS);
    ((STEPS + step + 1) << doublings) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        let mut last = 0;
        for value in 0..1_000_000 {
            let at = bucket_of(value);
            assert!(
                at == last || at == last + 1,
                "{value} is in {at} after {last}"
            );
            assert!(
                value <= upper_end(at),
                "{value} lies above its bucket's end"
            );
            last = at;
        }
    }

    #[test]
    fn percentiles_are_near() {
        let mut histogram = Histogram::default();
        for micros in 1..=10_000 {
            histogram.record(Duration::from_micros(micros));
        }
        for (percent, exact) in [(50.0, 5_000.0), (99.0, 9_900.0)] {
            let got = histogram.percentile(percent).as_micros() as f64;
            assert!(
                (got / exact - 1.0).abs() < 0.02,
                "{percent} %: {got}, not {exact}"
            );
        }
        assert_eq!(histogram.percentile(100.0), Duration::from_millis(10));
        assert_eq!(Histogram::default().percentile(50.0), Duration::ZERO);
    }
}
